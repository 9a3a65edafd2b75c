/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/collect_state.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- what must live, by operations and their pasts alone */

static bool killed_by_bury(const struct world *world, const struct world_set *applied, int op)
{
    for (int t = 0; t < world->op_count; t++) {
        if (world->ops[t].what.type == WORLD_BURY &&
            world->ops[t].what.key == world->ops[op].what.key && world_set_has(applied, t) &&
            !world_set_has(&world->ops[op].past, t))
            return true;
    }
    return false;
}

static bool replaced(const struct world *world, const struct world_set *applied, int op,
                     bool counter)
{
    for (int i = 0; i < world->op_count; i++) {
        enum world_op_type type = world->ops[i].what.type;
        bool kind = counter ? type == WORLD_RESET : type == WORLD_PUT || type == WORLD_DROP;
        if (kind && world->ops[i].what.key == world->ops[op].what.key &&
            world_set_has(applied, i) && world_set_has(&world->ops[i].past, op))
            return true;
    }
    return false;
}

static bool lives(const struct world *world, const struct world_set *applied, int op)
{
    bool counter = world->ops[op].what.type == WORLD_COUNT;
    return world_set_has(applied, op) && !killed_by_bury(world, applied, op) &&
           !replaced(world, applied, op, counter);
}

static int64_t sum_of(const struct world *world, const struct world_set *applied, int key,
                      bool *present)
{
    int64_t sum = 0;
    for (int i = 0; i < world->op_count; i++) {
        if (world->ops[i].what.type != WORLD_COUNT || world->ops[i].what.key != key ||
            !lives(world, applied, i))
            continue;
        sum += world->ops[i].what.amount;
        *present = true;
    }
    return sum;
}

/* ---- what a node shows */

static int64_t shown_sum(const struct world_state *state, int key, bool *present)
{
    int64_t sum = 0;
    for (size_t i = 0; i < state->entry_count; i++) {
        const struct world_entry *entry = &state->entries[i];
        if (entry->key != key || !holm_count_live(&entry->count))
            continue;
        sum += entry->count.sum - entry->count.cancelled_sum;
        *present = true;
    }
    return sum;
}

int64_t world_sum(const struct world *world, int node, int key)
{
    bool present = false;
    return shown_sum(&world->nodes[node].state, key, &present);
}

bool world_alive(const struct world *world, int node, int key)
{
    const struct world_state *state = &world->nodes[node].state;
    for (size_t i = 0; i < state->cell_count; i++) {
        if (world->ops[state->cells[i]].what.key == key)
            return true;
    }
    return false;
}

static bool shows(const struct world_state *state, int cell)
{
    for (size_t i = 0; i < state->cell_count; i++) {
        if (state->cells[i] == cell)
            return true;
    }
    return false;
}

static const char *say(struct world *world, int node, const char *what, int key, int64_t expected,
                       int64_t found)
{
    (void)snprintf(world->harm, sizeof world->harm,
                   "%c.e%" PRIu64 " %s %c: expected %" PRId64 ", shows %" PRId64, 'A' + node,
                   world->nodes[node].actor.epoch.value, what, 'k' + key, expected, found);
    return world->harm;
}

static const char *harm_at(struct world *world, int node)
{
    const struct world_state *state = &world->nodes[node].state;
    for (int i = 0; i < world->op_count; i++) {
        if (world->ops[i].what.type != WORLD_PUT)
            continue;
        bool expected = lives(world, &state->applied, i);
        if (shows(state, i) != expected)
            return say(world, node, expected ? "lost a cell of" : "revived", world->ops[i].what.key,
                       expected, !expected);
    }
    for (int key = 0; key < WORLD_KEYS; key++) {
        bool expected_present = false;
        bool present = false;
        int64_t expected = sum_of(world, &state->applied, key, &expected_present);
        int64_t found = shown_sum(state, key, &present);
        if (expected != found)
            return say(world, node, "counts", key, expected, found);
        if (expected_present != present)
            return say(world, node, "has a counter on", key, expected_present, present);
    }
    return NULL;
}

/* Others have collected, or may have, without asking it. */
static bool is_outside(struct world *world, int node)
{
    const struct world_node *n = &world->nodes[node];
    const struct holm_members *all = world_all(world, node);
    for (size_t i = 0; i < all->forget_count; i++) {
        const struct holm_member_forget *forget = &all->forgets[i];
        if (forget->stands && world_is_of(world, node, forget->subject) &&
            n->former.value <= forget->subject.epoch.value)
            return true;
    }
    for (int i = 0; n->confirmed && i < world->node_count; i++) {
        const struct world_node *other = &world->nodes[i];
        if (i != node && other->alive && other->confirmed &&
            world_same_founding(world, &n->members, &other->members.founding) &&
            holm_members_current(&other->members, other->actor) && world_lost(world, node, i))
            return true;
    }
    return world_betrayed(world, node, all);
}

const char *world_harm(struct world *world)
{
    for (int i = 0; i < world->node_count; i++) {
        const char *harm = world->nodes[i].alive && !is_outside(world, i) ? harm_at(world, i)
                                                                          : NULL;
        if (harm != NULL)
            return harm;
    }
    return NULL;
}

/* ---- until nothing changes */

static bool is_member(const struct world *world, int node)
{
    const struct world_node *n = &world->nodes[node];
    return n->alive && n->confirmed && holm_members_current(&n->members, n->actor);
}

static uint64_t print_of(const struct world_node *n)
{
    uint64_t sum = n->confirmed ? 1 : 0;
    struct holm_vector_view none = {NULL, 0};
    for (int i = 0; i < WORLD_SET_WORDS; i++)
        sum = sum * 31 + n->state.applied.words[i] + 7 * n->state.listed.words[i];
    return sum + holm_vector_hash(holm_vector_view(&n->state.s), none, 1) +
           holm_vector_hash(holm_vector_view(&n->state.r), none, 2) + n->state.entry_count +
           n->state.tombstone_count;
}

/* One round: all members talk to all. False: nothing has changed. */
static bool talk(struct world *world)
{
    const enum world_message_type types[] = {WORLD_LIST, WORLD_RUNS, WORLD_REPORT};
    uint64_t before = 0, after = 0;
    for (int i = 0; i < world->node_count; i++)
        before = before * 33 + print_of(&world->nodes[i]);
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        for (int from = 0; from < world->node_count; from++) {
            for (int to = 0; to < world->node_count; to++) {
                if (from != to)
                    (void)world_tell(world, types[t], from, to);
            }
        }
    }
    for (int i = 0; i < world->node_count; i++)
        (void)world_collect(world, i);
    for (int i = 0; i < world->node_count; i++)
        after = after * 33 + print_of(&world->nodes[i]);
    return before != after;
}

static const char *unequal(struct world *world)
{
    int first = -1;
    for (int i = 0; i < world->node_count; i++) {
        if (!is_member(world, i))
            continue;
        if (first < 0) {
            first = i;
            continue;
        }
        const struct world_node *a = &world->nodes[first];
        const struct world_node *b = &world->nodes[i];
        if (memcmp(&a->state.applied, &b->state.applied, sizeof a->state.applied) != 0)
            return say(world, i, "has not the same as", first, 0, 0);
        uint64_t x = holm_vector_hash(holm_vector_view(&a->state.r),
                                      holm_members_lasts(&a->members, WORLD_PARTITION), 5);
        uint64_t y = holm_vector_hash(holm_vector_view(&b->state.r),
                                      holm_members_lasts(&b->members, WORLD_PARTITION), 5);
        if (x != y)
            return say(world, i, "has not the hash of", first, 0, 1);
    }
    return NULL;
}

const char *world_settle(struct world *world)
{
    for (int round = 0; round < 40 && talk(world); round++) {
        const char *harm = world_harm(world);
        if (harm != NULL)
            return harm;
    }
    const char *harm = world_harm(world);
    return harm != NULL ? harm : unequal(world);
}
