/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.h - one replica against one view of the reference, cell by cell and read by read.
 */
#ifndef HOLM_TESTS_MODEL_COMPARE_H
#define HOLM_TESTS_MODEL_COMPARE_H

#include "tests/model/fixture.h"

/* M1: ends the program at the first difference. `view` includes what is pending; `collected` is S. */
void compare_replica(struct fixture *fixture, size_t node, const struct reference_view *view,
                     const struct reference_view *collected);

/*
 * Tells the reference the stamps of what was just written at `node`: the seqs after `before` of
 * its actor. A stamp is later than all that its writer had seen, unless clocks disagree.
 */
void compare_stamp(struct fixture *fixture, size_t node, uint64_t before);

#endif
