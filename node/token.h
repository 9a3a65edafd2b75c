/* SPDX-License-Identifier: Apache-2.0 */
/*
 * token.h - receipts and positions as bytes.
 *
 *     receipt   "hlr1" cluster | partition count | node epoch seq | partitions 0 0 0 0 | check
 *     position  "hlp1" cluster | partitions, how many of them follow | 0, 0 | check |
 *               partition, entries | node epoch seq | node epoch seq | partition, entries | ...
 *
 * Numbers are little-endian, of 4 bytes, or 8 (node, epoch, seq, check). `cluster` is half of the hash of its
 * name; the check is the hash of all other bytes, and keeps off accidents, not enemies. The entries of a partition are
 * its vector as it travels (crdt/vector_view.h).
 */
#ifndef HOLM_NODE_TOKEN_H
#define HOLM_NODE_TOKEN_H

#include "crdt/vector_view.h"
#include "node/engine.h"

#define HOLM_POSITION_HEAD_BYTES 32
#define HOLM_POSITION_PART_BYTES 8
#define HOLM_POSITION_ENTRY_BYTES 24

struct holm_position_part {
    uint32_t partition;
    struct holm_vector_view vector;
};

/* A position that was read. Parts are in the order of their partitions. */
struct holm_position {
    struct holm_position_part *parts;
    size_t count;
    struct holm_dot *entries; /* of all parts, one behind the other */
};

/*
 * Reads a position; *position is released with holm_position_release(), or NULL in it after an error.
 *   HOLM_EMALFORMED, HOLM_ECLUSTER, HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_position_decode(struct holm_engine *engine,
                                                     struct holm_bytes bytes,
                                                     struct holm_position *position);
void holm_position_release(struct holm_position *position);

#endif
