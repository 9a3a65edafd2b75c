/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/snapshot_part.h"

#include <xxhash.h>

#include "proto/varint.h"

void holm_snapshot_prefix_write(struct holm_snapshot_prefix prefix, unsigned char *at)
{
    at[0] = prefix.kind;
    for (unsigned i = 0; i < 4; i++)
        at[1 + i] = (unsigned char)(prefix.size >> (8 * i));
}

struct holm_snapshot_prefix holm_snapshot_prefix_read(const unsigned char *at)
{
    struct holm_snapshot_prefix prefix = {at[0], 0};
    for (unsigned i = 0; i < 4; i++)
        prefix.size |= (uint32_t)at[1 + i] << (8 * i);
    return prefix;
}

void holm_snapshot_check(struct holm_snapshot_prefix prefix, const void *bytes, uint64_t *seed,
                         unsigned char *check)
{
    uint64_t said = prefix.kind + ((uint64_t)prefix.size << 8);
    XXH128_hash_t hash = XXH3_128bits_withSeed(bytes, prefix.size, *seed ^ said);
    *seed = hash.low64;
    check = holm_fixed64_write(check, hash.low64);
    (void)holm_fixed64_write(check, hash.high64);
}
