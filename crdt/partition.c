/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/partition.h"

#include <xxhash.h>

struct holm_bytes holm_partition_tag(struct holm_bytes key)
{
    const unsigned char *bytes = key.data;
    const unsigned char *open = key.size == 0 ? NULL : memchr(bytes, '{', key.size);

    if (open == NULL)
        return key;

    size_t after = key.size - (size_t)(open - bytes) - 1;
    const unsigned char *close = memchr(open + 1, '}', after);

    if (close == NULL || close == open + 1)
        return key;
    return holm_mem(open + 1, (size_t)(close - open) - 1);
}

uint32_t holm_partition_of(struct holm_bytes key, uint32_t partitions)
{
    HOLM_ASSERT(partitions > 0);

    struct holm_bytes tag = holm_partition_tag(key);

    return (uint32_t)(XXH3_64bits(tag.data, tag.size) % partitions);
}
