/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.h - where in a record a slot is.
 *
 * A path is a list of names. Packed, they are written one behind the other, each as its length in
 * one byte and then its bytes. The empty path is the record itself. One path is at or below another
 * iff its bytes begin with the other's: prefixes of such a list always end between two names.
 *
 *     ("pet" "name")  =  03 p e t 04 n a m e       is below       ("pet")  =  03 p e t
 */
#ifndef HOLM_CRDT_PATH_H
#define HOLM_CRDT_PATH_H

#include "crdt/base.h"

/* The bytes of a packed path, for as long as they are needed. */
struct holm_packed_path {
    size_t size;
    unsigned char storage[HOLM_PATH_BYTES_MAX];
};

/*
 * Packs the names of `parents` and behind them `field`, if that is not empty. O(bytes).
 *   HOLM_EINVAL   a name of `parents` is empty, or bytes that are said to be there are not
 *   HOLM_ETOOBIG  a name is longer than HOLM_FIELD_BYTES_MAX, or all are than HOLM_PATH_BYTES_MAX
 * After an error *packed is undefined.
 */
HOLM_NODISCARD enum holm_status holm_path_pack(struct holm_packed_path *packed,
                                               struct holm_path parents, struct holm_bytes field);

static inline struct holm_bytes holm_path_bytes(const struct holm_packed_path *packed)
{
    return holm_mem(packed->storage, packed->size);
}

/* Takes the first name off a packed path, which points into the same bytes; `path` is not empty. */
struct holm_bytes holm_path_take(struct holm_bytes *path);

/* How many names a packed path has. */
size_t holm_path_count(struct holm_bytes path);

/* Whether the bytes are a list of non-empty names of at most HOLM_PATH_BYTES_MAX in all. */
bool holm_path_valid(struct holm_bytes path);

/* Whether `path` is `above` or lies below it; both packed. */
bool holm_path_covers(struct holm_bytes above, struct holm_bytes path);

#endif
