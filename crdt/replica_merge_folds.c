/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Merging where epochs are folded: at the cut, here, or at both. What either did not fold yet is folded here
 * first, so that each slot has at most one entry of a node's folded epochs, which stays, goes, or becomes
 * the cut's.
 */
#include "crdt/replica_parts.h"

struct holm_vector_view holm_merging_collected(const struct holm_merging *merging)
{
    return holm_vector_view(merging->grown.count > 0 ? &merging->grown
                                                     : &merging->replica->collected);
}

/* Of one node's epochs up to the folded one: who has all that the other has? One of the two has folded, and
 * so has all there will ever be. The other has the same when the sums are, else it is behind. */
static enum holm_status judge_node(struct holm_merging *merging, struct holm_actor floor)
{
    struct holm_replica *replica = merging->replica;
    const struct holm_actors *actors = &replica->actors;
    struct holm_actor folded = {floor.node, {0}};
    bool folds = holm_replica_folds(holm_vector_view(&replica->collected), floor);
    bool cut_folds = holm_replica_folds(merging->collected, floor);
    bool same = holm_actors_sum(actors, floor) ==
                holm_vector_view_sum(merging->vector, floor, actors->seed);
    bool here = folds || same;
    bool there = cut_folds || same;
    if (folds && cut_folds && !same)
        return HOLM_EMALFORMED;
    if (cut_folds && holm_vector_view_seq(merging->vector, floor) == 0)
        return HOLM_EMALFORMED;
    merging->cut[holm_actors_find(actors, folded)] = there ? HOLM_SEQ_FOLDED : 0;
    for (size_t i = 0; i < actors->count; i++) {
        struct holm_actor actor = actors->rows[i].actor;
        if (actors->rows[i].vacant || actor.node.value != floor.node.value ||
            actor.epoch.value > floor.epoch.value)
            continue;
        if (!here)
            merging->fates[i] = HOLM_FATE_DROP;
        else if (!holm_replica_folds(holm_vector_view(&replica->collected), actor))
            merging->fates[i] = actor.epoch.value == 0 ? HOLM_FATE_STAY : HOLM_FATE_FOLD;
    }
    return HOLM_OK;
}

/* Decides of all nodes that S, as it will be, has folds of. O(nodes with folds x actors). */
enum holm_status holm_merging_judge(struct holm_merging *merging)
{
    struct holm_replica *replica = merging->replica;
    struct holm_vector_view collected = holm_merging_collected(merging);
    enum holm_status status = HOLM_OK;
    if (holm_vector_folds(collected, 0) == 0)
        return HOLM_OK;
    merging->fates = holm_arena_take(&replica->scratch, replica->actors.count);
    if (merging->fates == NULL)
        return HOLM_ENOMEM;
    memset(merging->fates, HOLM_FATE_STAY, replica->actors.count);
    for (size_t i = 0; status == HOLM_OK && i < collected.count; i++) {
        if (collected.entries[i].seq == HOLM_SEQ_FOLDED)
            status = judge_node(merging, collected.entries[i].actor);
    }
    return status;
}

/* ---- entries */

/* Whether the cut has folded epochs of the node that were not folded here. */
static bool folds_more(const struct holm_merging *merging, struct holm_node_id node)
{
    struct holm_vector_view here = holm_vector_view(&merging->replica->collected);
    return holm_vector_floor(merging->collected, node).value > holm_vector_floor(here, node).value;
}

/* Whether anything of the node's folded epochs is left in the slot. */
static bool has_share(const struct holm_merging *merging, struct holm_spot spot,
                      const struct holm_slot *slot, struct holm_node_id node)
{
    const struct holm_replica *replica = merging->replica;
    struct holm_slot all = *slot;
    struct holm_cell cell;
    all.actor = HOLM_ACTOR_NONE;
    (void)holm_spot_seek(&replica->state, &spot, &all);
    for (; holm_spot_cell_of(&replica->state, &spot, &all, &cell);
         holm_spot_next(&replica->state, &spot)) {
        struct holm_actor actor = replica->actors.rows[cell.actor].actor;
        if (actor.node.value == node.value && holm_count_live(&cell.count) &&
            holm_replica_folds(holm_merging_collected(merging), actor))
            return true;
    }
    return false;
}

static enum holm_status take_share(struct holm_merging *merging, const struct holm_item *item,
                                   uint32_t actor, const struct holm_key *key)
{
    struct holm_state *state = &merging->replica->state;
    struct holm_cell made = {.kind = item->kind,
                             .marked = merging->mark,
                             .actor = actor,
                             .seq = item->count.last,
                             .count = item->count};
    struct holm_spot spot;
    struct holm_cell old;
    enum holm_status status = holm_state_path(state, item->path, &made.path);
    if (status == HOLM_OK)
        status = holm_state_ensure(state, key, &spot);
    if (status != HOLM_OK)
        return status;
    struct holm_slot slot = {.path = made.path, .kind = item->kind, .actor = actor};
    if (holm_spot_seek(state, &spot, &slot) && holm_spot_cell(state, &spot, &old))
        return holm_spot_replace(state, &spot, &old, &made);
    return holm_spot_insert(state, &spot, &made);
}

enum holm_status holm_merging_share(struct holm_merging *merging, const struct holm_item *item,
                                    uint32_t actor, const struct holm_key *key)
{
    struct holm_state *state = &merging->replica->state;
    const struct holm_actors *actors = &merging->replica->actors;
    struct holm_node_id node = actors->rows[actor].actor.node;
    uint32_t target = holm_actors_find(actors, (struct holm_actor){node, {0}});
    struct holm_slot slot = {
        .path = holm_names_find(&state->names, item->path), .kind = item->kind, .actor = actor};
    struct holm_spot spot;
    bool record = slot.path != HOLM_NAME_NONE && holm_state_find(state, key, &spot);
    if (merging->cut[target] == 0 || !holm_count_live(&item->count))
        return HOLM_OK;
    if (merging->fates[target] == HOLM_FATE_DROP)
        return take_share(merging, item, actor, key);
    if (record && folds_more(merging, node))
        return has_share(merging, spot, &slot, node) ? take_share(merging, item, actor, key)
                                                     : HOLM_OK;
    bool found = record && holm_spot_seek(state, &spot, &slot);
    if (record && !found) {
        slot.actor = target;
        found = holm_spot_seek(state, &spot, &slot);
    }
    if (found)
        holm_spot_mark(state, &spot, merging->mark);
    return HOLM_OK;
}
