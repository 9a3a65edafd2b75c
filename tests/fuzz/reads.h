/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reads.h - what all reads of a replica give, held against its own cells and against another replica's.
 *
 *     cells of k.f: 7 of A, INT64_MAX of B    ->  holm_replica_count(k.f) = INT64_MAX, saturated
 *
 * A digest speaks of what is stored; this is about what a program is told. Sums are added anew, 128 bits wide, by code
 * that the core does not use (T14).
 */
#ifndef HOLM_TESTS_FUZZ_READS_H
#define HOLM_TESTS_FUZZ_READS_H

#include "crdt/replica.h"

/*
 * Ends the program, with a line that says why, unless each read of every slot that has a live cell follows from the
 * live cells: sums are exact, or the nearest that 64 bits hold, the winner is the best of its siblings, elements and
 * flags are there, and the record is not buried. O(cells ^ 2).
 */
void reads_check(const struct holm_replica *replica);

/*
 * Ends the program unless both give the same in every read of every slot that either has a live cell in, and the same
 * keys are buried. O(cells ^ 2).
 */
void reads_compare(const struct holm_replica *a, const struct holm_replica *b);

#endif
