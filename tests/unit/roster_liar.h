/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster_liar.h - somebody who calls node 0 of a roster_world, and tells of members as it likes.
 *
 *     liar_tell_many(world, 1000, 50, 1, "tcp://made-up-%u:1");       50 members, ids from 1000 on, epoch 1
 */
#ifndef HOLM_TESTS_UNIT_ROSTER_LIAR_H
#define HOLM_TESTS_UNIT_ROSTER_LIAR_H

#include "tests/unit/roster_world.h"

#define LIAR_ID 9999
#define LIAR_MEMBERS_MAX 64

/* Uses the wires of the last node of the world by hand, which must not live. */
void liar_tell(struct world *world, const struct holm_member *members, size_t count);
/* With an address each that `format` makes of its id. */
void liar_tell_many(struct world *world, uint64_t first, size_t count, uint64_t epoch,
                    const char *format);
/* Dials of node 0 within a time. */
uint32_t liar_dials_in(struct world *world, uint64_t duration_ms);

#endif
