/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect_state.h - what a node of the world holds, and how operations, collection and whole cuts
 * change it.
 */
#ifndef HOLM_TESTS_MODEL_COLLECT_STATE_H
#define HOLM_TESTS_MODEL_COLLECT_STATE_H

#include "tests/model/collect_world.h"

void state_init(struct world_state *state, const struct holm_allocator *allocator);
void state_release(struct world_state *state);
void state_copy(struct world_state *target, const struct world_state *source);

/* Fails the test when memory is refused: worlds have as much as they want. */
void must(enum holm_status status);

bool state_buried(const struct world *world, const struct world_state *state, int key);
struct world_entry *state_entry(struct world_state *state, int key, struct holm_actor actor);

/* Applies an operation whose causes are here; R is raised by the caller. */
void state_apply(struct world *world, struct world_state *state, int op);

/* S grows: tombstones that it covers go, and epochs that it folds. */
void state_grow(struct world *world, struct world_state *state, struct holm_vector_view collected);

/* Merges all of a cut. `lasts` are those of the lists of both. */
void state_merge(struct world *world, struct world_state *state, const struct world_state *cut,
                 struct holm_vector_view lasts);

/* ---- of collect_world.c, for the other files of the world */

struct holm_actor world_actor(int node, uint64_t epoch);
bool world_is_of(const struct world *world, int node, struct holm_actor actor);
/* The question that a node puts to crdt/stable.h. */
struct holm_stable_self world_self(const struct world *world, int node);
/* The node says so in the member list. `last`: of a fold. */
void world_mint_list(struct world *world, int node, enum holm_member_op_type type,
                     struct holm_actor subject, uint64_t last);
/* As above: the node is admitted, whose state is of the base. */
void world_mint_admission(struct world *world, int member, int node, struct holm_epoch base);
/* The node applies an operation of the member list. */
void world_learn(struct world *world, int node, int list_op);
/* Makes the node's members anew, from what its state lists. */
void world_members(struct world *world, int node);
/* The node, provisional, merges what all other provisional ones have. */
void world_exchange(struct world *world, int node);
/* Rules of crdt/admission.h, unless they are left out. */
bool world_may_merge(const struct world *world, const struct holm_members *members,
                     const struct world_message *hello);
bool world_same_founding(const struct world *world, const struct holm_members *members,
                         const struct holm_founding *founding);
/* What the node says of itself; views of `state` are borrowed. */
struct holm_heard world_says(const struct world_message *hello);
/* Makes up whom the node, provisional, leaves it to, to found. */
void world_defer(struct world *world, int node);
/* Whoever knows of higher epochs of a provisional node, itself included, says so, and it takes one above them (T41). */
void world_tell_least(struct world *world, int from, int to);
/* Fills in all but the type. */
void world_introduce(const struct world *world, int node, struct world_message *message);
/* What all who are of the node's founding list. */
const struct holm_members *world_all(const struct world *world, int node);
bool world_beyond(const struct world *world, int node, const struct world_state *other);
/* S is about to grow: the node notes what it grows under. */
void world_rely(struct world *world, int node);
/* Whether the node relied on a forget that is void by these members. */
bool world_betrayed(const struct world *world, int node, const struct holm_members *members);
/* A confirmed node says again what it believes by hearsay alone. */
void world_repeat(struct world *world, int node);
/* The node is a member from now on, and mints its journal. */
void world_confirm(struct world *world, int node);

#endif
