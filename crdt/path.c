/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/path.h"

static enum holm_status pack_name(struct holm_packed_path *packed, struct holm_bytes name)
{
    if (name.size == 0 || name.data == NULL)
        return HOLM_EINVAL;
    if (name.size > HOLM_FIELD_BYTES_MAX || name.size + 1 > sizeof packed->storage - packed->size)
        return HOLM_ETOOBIG;
    packed->storage[packed->size] = (unsigned char)name.size;
    memcpy(packed->storage + packed->size + 1, name.data, name.size);
    packed->size += 1 + name.size;
    return HOLM_OK;
}

enum holm_status holm_path_pack(struct holm_packed_path *packed, struct holm_path parents,
                                struct holm_bytes field)
{
    enum holm_status status = HOLM_OK;
    packed->size = 0;
    if (parents.count > 0 && parents.names == NULL)
        return HOLM_EINVAL;
    for (size_t i = 0; status == HOLM_OK && i < parents.count; i++)
        status = pack_name(packed, parents.names[i]);
    if (status == HOLM_OK && field.size > 0)
        status = pack_name(packed, field);
    return status;
}

struct holm_bytes holm_path_take(struct holm_bytes *path)
{
    const unsigned char *bytes = path->data;
    HOLM_ASSERT(path->size > 0 && (size_t)bytes[0] + 1 <= path->size);
    struct holm_bytes name = holm_mem(bytes + 1, bytes[0]);
    *path = holm_mem(bytes + 1 + name.size, path->size - 1 - name.size);
    return name;
}

size_t holm_path_count(struct holm_bytes path)
{
    size_t count = 0;
    for (; path.size > 0; count++)
        (void)holm_path_take(&path);
    return count;
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
