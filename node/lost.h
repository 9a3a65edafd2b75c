/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lost.h - what a node that comes back by replacement does not write anew (crdt/replica_remint.h), in words.
 *
 *     lost: register of "hero:7".city, 3@19f5a2b0c00a11c2:17 in partition 11
 *     lost: removal of all of "hero:9", 4@19f5a2b0c00bee0f:3 in partition 2
 *
 * It is noted under a partition's lock, and told when none is held. An operator can look up each dot at the members
 * that are said to lack it, or in a backup, and write by hand what is missed. The first HOLM_LOST_LINES are told one by
 * one, what is beyond is counted; bytes that are not printable are told as \xHH, and long names are cut.
 */
#ifndef HOLM_NODE_LOST_H
#define HOLM_NODE_LOST_H

#include "crdt/replica_remint.h"
#include "node/log.h"

#define HOLM_LOST_LINES 32
#define HOLM_LOST_LINE_BYTES 192

/* All zero: nothing was lost. */
struct holm_lost_list {
    size_t count; /* of lines */
    uint64_t more;
    char lines[HOLM_LOST_LINES][HOLM_LOST_LINE_BYTES];
};

void holm_lost_add(struct holm_lost_list *list, uint32_t partition, const struct holm_lost *lost);

/* One event a line, in the order in which they were lost. */
void holm_lost_tell(const struct holm_lost_list *list, const struct holm_log *log,
                    struct holm_now now);

#endif
