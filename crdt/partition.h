/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partition.h - which slice of the key space a key belongs to.
 *
 *     holm_partition_of("hero:7", 16)         hashes  hero:7
 *     holm_partition_of("{hero:7}log", 16)    hashes  hero:7        the same partition
 *     holm_partition_of("{}log", 16)          hashes  {}log         an empty tag is no tag
 *
 * The tag is what stands between the first { and the next }. The hash is XXH3's 64 bits without a
 * seed. Both are part of the wire contract: all nodes of a cluster must place a key alike, so
 * neither may change.
 */
#ifndef HOLM_CRDT_PARTITION_H
#define HOLM_CRDT_PARTITION_H

#include "crdt/base.h"

/* The bytes of a key that decide: its tag, or the whole key. Points into `key`. */
struct holm_bytes holm_partition_tag(struct holm_bytes key);

/* The partition of a key, below `partitions`, which is not 0. An empty key has one, too. */
uint32_t holm_partition_of(struct holm_bytes key, uint32_t partitions);

#endif
