/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heirs.h - who of a cluster must be able to go on, by what was done to its nodes (retention `stable`).
 *
 * Nobody may be left who can: all who were members lost what they had, or the others have gone on without
 * it (docs/decisions/0007). A world may end so only if each node of the core is excused by a deed that was seen, whatever
 * its engine says of itself:
 *
 *     it has nothing        it was never a member, or has been bombed, crashed without a disk, or come from a backup of
 *                           before; so that a store that forgets is found
 *     it is of two          two lived under its id, or an older disk was put back; and its own list knows a later
 *                           epoch of it
 *     it was given up       some list has a forget of its state, or some member met it that has gone on without it; both
 *                           are the judge's to have seen (holm_judge_gave_up())
 *     it was betrayed       its own list has a forget as void that some list had as one that stands, which is the judge's to
 *                           have seen (holm_judge_betrayed()); and it says itself that what it has is lost by that
 *
 * And only where a state was taken away at all, or shared, or a forget was told or came by itself: crashes alone excuse
 * nothing.
 */
#ifndef HOLM_SIM_WORLD_HEIRS_H
#define HOLM_SIM_WORLD_HEIRS_H

#include "sim/world/checker.h"

/* Bits of nodes. All zero: nothing was done yet. */
struct holm_heirs {
    uint64_t have;      /* were members, and lost nothing since */
    uint64_t backed_up; /* have a backup of when they had it */
    uint64_t lived;
    uint64_t mixed; /* two lived under the id, or an older disk was put back */
    bool harmed;    /* somebody lost what it had, or may have been forgotten */
};

/* Who is a member now. Often, and before anything is done to a node. */
void holm_heirs_look(struct holm_heirs *heirs, const struct holm_world *world);
/* A life began; `twins` have the same id. */
void holm_heirs_started(struct holm_heirs *heirs, uint32_t node, uint64_t twins);
/* It has nothing any more. */
void holm_heirs_emptied(struct holm_heirs *heirs, uint32_t node);
/* `whole`: its disk has all that it wrote. */
void holm_heirs_backed_up(struct holm_heirs *heirs, uint32_t node, bool whole);
/* Its backup was put back. */
void holm_heirs_restored(struct holm_heirs *heirs, uint32_t node);
/* A disk that has all that was written was copied into that of `target`. */
void holm_heirs_cloned(struct holm_heirs *heirs, uint32_t source, uint32_t target);

/* The first node of the core that must be able to go on, or HOLM_WORLD_NOBODY. All of the core live. */
uint32_t holm_heirs_left(const struct holm_heirs *heirs, const struct holm_judge *judge,
                         uint64_t core);

#endif
