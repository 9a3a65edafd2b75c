/* SPDX-License-Identifier: Apache-2.0 */
/*
 * batch.h - operations that have no dots yet as bytes: for the journal of a store.
 *
 *     01  02                           version, operations
 *         01  01 "k"  05 04 "name"     PUT, key, path (packed as in crdt/path.h)
 *             02 03 "Ada"              its value: type, and size and bytes, or 8 bytes
 *         02  01 "k"  02 01 "n"        ADD
 *             0a                       its amount, zigzag
 *
 * Sizes are varints. The path has all names, so that what is read has them all in `parents` and no `field`,
 * which is the same operation. Bytes are believed only as far as they are there; whether a key is buried or a
 * name too long is for who commits it to say.
 */
#ifndef HOLM_PROTO_BATCH_H
#define HOLM_PROTO_BATCH_H

#include "crdt/base.h"

struct holm_batch {
    struct holm_op *ops; /* what they point to is in the bytes that were read */
    size_t count;
    struct holm_bytes *names; /* of all paths */
    size_t name_count;
};

/*
 * Appends count >= 1 operations, as they could be committed, to an array of bytes grown with
 * holm_array_reserve(): *size, which is what it already holds, grows. All or nothing.
 *   HOLM_EINVAL, HOLM_ETOOBIG  as holm_path_pack(); HOLM_EINVAL a type that is none
 *   HOLM_ENOMEM
 * O(bytes).
 */
HOLM_NODISCARD enum holm_status holm_batch_encode(const struct holm_allocator *allocator,
                                                  const struct holm_op *ops, size_t count,
                                                  void **bytes, size_t *size, size_t *capacity);

/*
 * Reads one. The bytes are borrowed until holm_batch_release(), which is to be called after success alone.
 *   HOLM_EVERSION    of a newer version
 *   HOLM_EMALFORMED  no batch
 *   HOLM_ENOMEM
 * O(bytes); takes memory for what the bytes back.
 */
HOLM_NODISCARD enum holm_status holm_batch_decode(const struct holm_allocator *allocator,
                                                  struct holm_bytes bytes,
                                                  struct holm_batch *batch);
void holm_batch_release(const struct holm_allocator *allocator, struct holm_batch *batch);

#endif
