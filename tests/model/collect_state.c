/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/collect_state.h"

#include <stdio.h>
#include <stdlib.h>

void must(enum holm_status status)
{
    if (status == HOLM_OK)
        return;
    (void)fprintf(stderr, "unexpected status %d\n", (int)status);
    abort();
}

static void limit(size_t count)
{
    if (count < WORLD_ITEMS)
        return;
    (void)fprintf(stderr, "a node of the world holds too much\n");
    abort();
}

void state_init(struct world_state *state, const struct holm_allocator *allocator)
{
    memset(state, 0, sizeof *state);
    holm_vector_init(&state->r, allocator);
    holm_vector_init(&state->s, allocator);
    holm_vector_init(&state->list, allocator);
}

void state_release(struct world_state *state)
{
    holm_vector_release(&state->r);
    holm_vector_release(&state->s);
    holm_vector_release(&state->list);
}

void state_copy(struct world_state *target, const struct world_state *source)
{
    struct holm_vector r = target->r;
    struct holm_vector s = target->s;
    struct holm_vector list = target->list;
    *target = *source;
    target->r = r;
    target->s = s;
    target->list = list;
    must(holm_vector_assign(&target->r, holm_vector_view(&source->r)));
    must(holm_vector_assign(&target->s, holm_vector_view(&source->s)));
    must(holm_vector_assign(&target->list, holm_vector_view(&source->list)));
}

bool state_buried(const struct world *world, const struct world_state *state, int key)
{
    for (size_t i = 0; i < state->tombstone_count; i++) {
        if (world->ops[state->tombstones[i]].what.key == key)
            return true;
    }
    return false;
}

struct world_entry *state_entry(struct world_state *state, int key, struct holm_actor actor)
{
    for (size_t i = 0; i < state->entry_count; i++) {
        if (state->entries[i].key == key && holm_actor_equal(state->entries[i].actor, actor))
            return &state->entries[i];
    }
    return NULL;
}

static void remove_entry(struct world_state *state, struct world_entry *entry)
{
    *entry = state->entries[--state->entry_count];
}

static struct world_entry *add_entry(struct world_state *state, const struct world_entry *entry)
{
    limit(state->entry_count);
    state->entries[state->entry_count] = *entry;
    return &state->entries[state->entry_count++];
}

/* All folded epochs of a node have one entry. It is not a counter's chain: the sum is all there is,
 * and whoever resets it has seen all of it. */
static struct holm_actor folded_actor(struct holm_actor actor)
{
    return (struct holm_actor){actor.node, {0}};
}

static bool folds(const struct world *world)
{
    return (world->rules & WORLD_FOLD_BY_OPERATIONS) == 0;
}

/* Of a mark on what was applied: more than it knows of was cancelled, and the ghost dropped. */
static bool makes_none(const struct world *world, const struct world_state *state,
                       const struct world_entry *incoming)
{
    struct holm_dot dot = {incoming->actor, incoming->count.last};
    return (world->rules & WORLD_MARKS_MAKE) == 0 &&
           holm_vector_has(holm_vector_view(&state->r), dot);
}

static void merge_entry(struct world *world, struct world_state *state,
                        const struct world_entry *incoming)
{
    bool folded = incoming->actor.epoch.value == 0 ||
                  holm_vector_seq(holm_vector_view(&state->r), incoming->actor) == HOLM_SEQ_FOLDED;
    if (folded && folds(world)) {
        struct world_entry *group = state_entry(state, incoming->key,
                                                folded_actor(incoming->actor));
        if (group != NULL && !holm_count_live(&incoming->count))
            remove_entry(state, group);
        return;
    }
    struct world_entry *entry = state_entry(state, incoming->key, incoming->actor);
    if (entry == NULL && makes_none(world, state, incoming))
        return;
    if (entry == NULL) {
        entry = add_entry(state, incoming);
    } else {
        holm_count_merge(&entry->count, &incoming->count);
        if (!holm_count_live(&entry->count) && !holm_count_live(&incoming->count) &&
            entry->count.cancelled == incoming->count.cancelled)
            entry->reset = incoming->reset;
    }
    if (!holm_count_live(&entry->count) && (world->rules & WORLD_GHOSTS_AT_ONCE) != 0)
        remove_entry(state, entry);
}

static void drop_cells(const struct world *world, struct world_state *state, int key,
                       const struct world_set *seen)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->cell_count; i++) {
        int cell = state->cells[i];
        if (world->ops[cell].what.key != key || (seen != NULL && !world_set_has(seen, cell)))
            state->cells[kept++] = cell;
    }
    state->cell_count = kept;
}

static void drop_key(const struct world *world, struct world_state *state, int key)
{
    drop_cells(world, state, key, NULL);
    for (size_t i = state->entry_count; i > 0; i--) {
        if (state->entries[i - 1].key == key)
            remove_entry(state, &state->entries[i - 1]);
    }
}

void state_apply(struct world *world, struct world_state *state, int op)
{
    const struct world_op *o = &world->ops[op];
    int key = o->what.key;
    world_set_add(&state->applied, op);
    if (o->what.type == WORLD_BURY) {
        drop_key(world, state, key);
        limit(state->tombstone_count);
        state->tombstones[state->tombstone_count++] = op;
        return;
    }
    if (state_buried(world, state, key))
        return;
    if (o->what.type == WORLD_PUT || o->what.type == WORLD_DROP)
        drop_cells(world, state, key, &o->past);
    if (o->what.type == WORLD_PUT) {
        limit(state->cell_count);
        state->cells[state->cell_count++] = op;
    }
    for (size_t i = 0; i < o->entry_count; i++)
        merge_entry(world, state, &o->entries[i]);
}

/* ---- collecting */

static void drop_tombstones(const struct world *world, struct world_state *state)
{
    size_t kept = 0;
    for (size_t i = 0; i < state->tombstone_count; i++) {
        int tombstone = state->tombstones[i];
        if (!holm_vector_has(holm_vector_view(&state->s), world->ops[tombstone].dot))
            state->tombstones[kept++] = tombstone;
    }
    state->tombstone_count = kept;
}

/* What is live of the entries of folded epochs becomes one entry a node. */
static void fold_entries(struct world_state *state)
{
    for (size_t i = 0; i < state->entry_count;) {
        struct world_entry entry = state->entries[i];
        if (entry.actor.epoch.value == 0 ||
            holm_vector_seq(holm_vector_view(&state->s), entry.actor) != HOLM_SEQ_FOLDED) {
            i += 1;
            continue;
        }
        struct holm_actor actor = folded_actor(entry.actor);
        remove_entry(state, &state->entries[i]);
        struct world_entry *group = state_entry(state, entry.key, actor);
        struct world_entry fresh = {.key = entry.key, .actor = actor};
        must(holm_count_fold(group != NULL ? &group->count : &fresh.count, &entry.count));
        if (group == NULL && holm_count_live(&fresh.count))
            (void)add_entry(state, &fresh);
    }
}

static void fold_vector(struct world_state *state)
{
    for (size_t i = 0; i < state->s.count; i++) {
        if (state->s.entries[i].seq == HOLM_SEQ_FOLDED)
            must(holm_vector_raise(&state->r, state->s.entries[i].actor, HOLM_SEQ_FOLDED));
    }
}

void state_grow(struct world *world, struct world_state *state, struct holm_vector_view collected)
{
    must(holm_vector_join(&state->s, collected));
    drop_tombstones(world, state);
    if (folds(world))
        fold_entries(state);
    fold_vector(state);
}

/* ---- merging */

struct merging {
    struct world *world;
    struct world_state *mine;
    struct world_state *yours;
    bool complete_mine[WORLD_NODES + 1], complete_yours[WORLD_NODES + 1];
};

/* Whether a vector has all that S folds of each node. */
static void complete(const struct holm_vector *r, const struct holm_vector *s,
                     struct holm_vector_view lasts, bool *by_node)
{
    for (int i = 0; i <= WORLD_NODES; i++)
        by_node[i] = true;
    for (size_t i = 0; i < s->count; i++) {
        struct holm_vector_view one = {&s->entries[i], 1};
        if (s->entries[i].seq == HOLM_SEQ_FOLDED)
            by_node[s->entries[i].actor.node.value] = holm_vector_covers(holm_vector_view(r), one,
                                                                         lasts);
    }
}

static bool in_cells(const struct world_state *state, int cell)
{
    for (size_t i = 0; i < state->cell_count; i++) {
        if (state->cells[i] == cell)
            return true;
    }
    return false;
}

/* Adds to `result` the cells of one side that the other has, too, or does not cover. */
static void merge_cells(const struct world *world, struct world_state *result,
                        const struct world_state *one, const struct world_state *other)
{
    for (size_t i = 0; i < one->cell_count; i++) {
        int cell = one->cells[i];
        if (in_cells(result, cell))
            continue;
        if (!in_cells(other, cell) &&
            holm_vector_has(holm_vector_view(&other->r), world->ops[cell].dot))
            continue;
        limit(result->cell_count);
        result->cells[result->cell_count++] = cell;
    }
}

/* Whether an entry that only `one` side has is kept. */
static bool keeps(const struct world_entry *entry, const struct world_state *other,
                  bool complete_one, bool complete_other)
{
    if (entry->actor.epoch.value == 0)
        return !complete_other && complete_one;
    struct holm_dot dot = {entry->actor, entry->count.last};
    return !holm_vector_has(holm_vector_view(&other->r), dot);
}

static void merge_entries(struct merging *merging, struct world_state *result,
                          struct world_state *one, struct world_state *other, bool first)
{
    for (size_t i = 0; i < one->entry_count; i++) {
        struct world_entry *entry = &one->entries[i];
        uint64_t node = entry->actor.node.value;
        bool whole_one = first ? merging->complete_mine[node] : merging->complete_yours[node];
        bool whole_other = first ? merging->complete_yours[node] : merging->complete_mine[node];
        struct world_entry *both = state_entry(other, entry->key, entry->actor);
        if (both == NULL) {
            if (keeps(entry, other, whole_one, whole_other))
                (void)add_entry(result, entry);
        } else if (entry->actor.epoch.value == 0) {
            if (first || !state_entry(result, entry->key, entry->actor))
                (void)add_entry(result, whole_one ? entry : both);
        } else if (first) {
            struct world_entry *merged = add_entry(result, entry);
            holm_count_merge(&merged->count, &both->count);
            if (merged->count.cancelled == both->count.cancelled)
                merged->reset = both->reset;
        }
    }
}

static void merge_tombstones(struct world *world, struct world_state *result,
                             const struct world_state *one)
{
    for (size_t i = 0; i < one->tombstone_count; i++) {
        bool there = false;
        for (size_t k = 0; k < result->tombstone_count; k++)
            there = there || result->tombstones[k] == one->tombstones[i];
        if (there)
            continue;
        limit(result->tombstone_count);
        result->tombstones[result->tombstone_count++] = one->tombstones[i];
    }
    drop_tombstones(world, result);
}

void state_merge(struct world *world, struct world_state *state, const struct world_state *cut,
                 struct holm_vector_view lasts)
{
    struct merging merging = {.world = world, .mine = state};
    struct world_state yours, result;
    state_init(&yours, &world->allocator);
    state_init(&result, &world->allocator);
    state_copy(&yours, cut);
    state_copy(&result, state);
    result.cell_count = result.entry_count = result.tombstone_count = 0;
    must(holm_vector_join(&result.s, holm_vector_view(&cut->s)));
    complete(&state->r, &result.s, lasts, merging.complete_mine);
    complete(&yours.r, &result.s, lasts, merging.complete_yours);
    merge_cells(world, &result, state, &yours);
    merge_cells(world, &result, &yours, state);
    if (folds(world)) {
        must(holm_vector_assign(&state->s, holm_vector_view(&result.s)));
        must(holm_vector_assign(&yours.s, holm_vector_view(&result.s)));
        fold_entries(state);
        fold_entries(&yours);
    }
    merge_entries(&merging, &result, state, &yours, true);
    merge_entries(&merging, &result, &yours, state, false);
    merge_tombstones(world, &result, state);
    merge_tombstones(world, &result, &yours);
    world_set_join(&result.applied, &yours.applied);
    must(holm_vector_join(&result.r, holm_vector_view(&yours.r)));
    fold_vector(&result);
    for (size_t i = 0; i < result.tombstone_count; i++)
        drop_key(world, &result, world->ops[result.tombstones[i]].what.key);
    state_copy(state, &result);
    state_release(&yours);
    state_release(&result);
}
