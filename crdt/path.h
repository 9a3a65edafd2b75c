/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path.h - where in a record a slot is.
 *
 * A path is a list of names, written one behind the other, each as its length in one byte and then
 * its bytes. The empty path is the record itself. One path is at or below another iff its bytes
 * begin with the other's: prefixes of such a list always end between two names.
 *
 *     ("pet" "name")  =  03 p e t 04 n a m e       is below       ("pet")  =  03 p e t
 */
#ifndef HOLM_CRDT_PATH_H
#define HOLM_CRDT_PATH_H

#include "crdt/base.h"

#define HOLM_PATH_BYTES_MAX 1024

/* The path of one name, or of the record itself for an empty name. */
struct holm_path {
    unsigned char storage[1 + HOLM_FIELD_BYTES_MAX];
    size_t size;
};

/* HOLM_ETOOBIG when the name is longer than HOLM_FIELD_BYTES_MAX. */
HOLM_NODISCARD enum holm_status holm_path_init(struct holm_path *path, struct holm_bytes name);

static inline struct holm_bytes holm_path_bytes(const struct holm_path *path)
{
    return holm_mem(path->storage, path->size);
}

/* The first name of a path, as a field; empty for the record itself. Points into `path`. */
struct holm_bytes holm_path_name(struct holm_bytes path);

/* Whether the bytes are a list of non-empty names of at most HOLM_PATH_BYTES_MAX in all. */
bool holm_path_valid(struct holm_bytes path);

/* Whether `path` is `above` or lies below it. */
bool holm_path_covers(struct holm_bytes above, struct holm_bytes path);

#endif
