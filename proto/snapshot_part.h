/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot_part.h - one part of a snapshot: kind, size, bytes, check (see snapshot.h).
 */
#ifndef HOLM_PROTO_SNAPSHOT_PART_H
#define HOLM_PROTO_SNAPSHOT_PART_H

#include "crdt/base.h"

#define HOLM_SNAPSHOT_MAGIC "holmsnap"
#define HOLM_SNAPSHOT_MAGIC_BYTES 8
#define HOLM_SNAPSHOT_PREFIX_BYTES 5
#define HOLM_SNAPSHOT_CHECK_BYTES 16

enum holm_snapshot_kind {
    HOLM_SNAPSHOT_HEAD = 1,
    HOLM_SNAPSHOT_PAGE = 2,
    HOLM_SNAPSHOT_FOOT = 3
};

/* What a part's prefix says. */
struct holm_snapshot_prefix {
    unsigned char kind;
    uint32_t size;
};

void holm_snapshot_prefix_write(struct holm_snapshot_prefix prefix, unsigned char *at);
struct holm_snapshot_prefix holm_snapshot_prefix_read(const unsigned char *at);

/* Writes the check of a part to `check`. *seed is the low half of the check before, 0 at first, and
 * becomes that of this one. O(bytes). */
void holm_snapshot_check(struct holm_snapshot_prefix prefix, const void *bytes, uint64_t *seed,
                         unsigned char *check);

#endif
