/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/path.h"

enum holm_status holm_path_init(struct holm_path *path, struct holm_bytes name)
{
    if (name.size > HOLM_FIELD_BYTES_MAX)
        return HOLM_ETOOBIG;
    path->size = 0;
    if (name.size == 0)
        return HOLM_OK;
    path->storage[0] = (unsigned char)name.size;
    memcpy(path->storage + 1, name.data, name.size);
    path->size = 1 + name.size;
    return HOLM_OK;
}

struct holm_bytes holm_path_name(struct holm_bytes path)
{
    if (path.size == 0)
        return path;
    const unsigned char *bytes = path.data;
    HOLM_ASSERT((size_t)bytes[0] + 1 <= path.size);
    return holm_mem(bytes + 1, bytes[0]);
}

bool holm_path_valid(struct holm_bytes path)
{
    const unsigned char *bytes = path.data;
    if (path.size > HOLM_PATH_BYTES_MAX)
        return false;
    for (size_t at = 0; at < path.size; at += 1 + (size_t)bytes[at]) {
        if (bytes[at] == 0 || path.size - at - 1 < bytes[at])
            return false;
    }
    return true;
}

bool holm_path_covers(struct holm_bytes above, struct holm_bytes path)
{
    return above.size <= path.size &&
           (above.size == 0 || memcmp(above.data, path.data, above.size) == 0);
}
