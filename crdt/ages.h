/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ages.h - since when a peer lacks what it lacks, from a few marks.
 *
 *     sealed   ..1....4.......9..10.......31|    runs of this replica, in time
 *     marks      ^    ^              ^           (first seq, when): at most HOLM_AGES, spacing_us apart
 *     peer has ........7                         lacks 8 on, which is not older than the mark at 4
 *
 * A mark stands for all seqs up to the next one, so an age is too large by at most the spacing, a tenth of a second.
 * When all places are taken, marks that everybody is past go; if that is not enough every other one, and the spacing
 * doubles, until whoever was behind has caught up. So a lag of an hour is known to some minutes, and one of
 * a second to a tenth.
 *
 * Invariants, by construction:
 *     G1  seqs and times rise from mark to mark
 *     G2  the mark at or below a seq that somebody still needs is never thinned out to nothing: the oldest stays
 */
#ifndef HOLM_CRDT_AGES_H
#define HOLM_CRDT_AGES_H

#include "crdt/base.h"

#define HOLM_AGES 32
#define HOLM_AGES_SPACING_US 100000

struct holm_age_mark {
    uint64_t seq;
    uint64_t at_us;
};

/* All zero: nothing sealed so far. */
struct holm_ages {
    struct holm_age_mark marks[HOLM_AGES];
    uint32_t count;
    uint32_t doublings; /* of the spacing */
    uint64_t looked_us; /* when a run was last noted, or found too near to the last mark */
};

/* Whether a run that is sealed now may want a mark: most do not. O(1) */
static inline bool holm_ages_due(const struct holm_ages *ages, uint64_t now_us)
{
    return ages->count == 0 || now_us - ages->looked_us >= HOLM_AGES_SPACING_US;
}

/* Notes that the run from `seq` on is sealed now. Only for what is below `needed` nobody will ask again.
 * O(HOLM_AGES), for runs that are due. */
void holm_ages_note(struct holm_ages *ages, uint64_t seq, uint64_t now_us, uint64_t needed);

/* When `seq` was sealed, or a little before; 0: it is below all marks. O(HOLM_AGES) */
uint64_t holm_ages_of(const struct holm_ages *ages, uint64_t seq);

#endif
