/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a runtime would do once all links work again: start who is down, admit who is provisional,
 * forget who is lost and let it come back.
 */
#include "tests/model/collect_state.h"

static bool is_member(const struct world *world, int node)
{
    const struct world_node *n = &world->nodes[node];
    return n->alive && n->confirmed && holm_members_current(&n->members, n->actor) &&
           !world_betrayed(world, node, &n->members);
}

static bool anybody(const struct world *world)
{
    for (int i = 0; i < world->node_count; i++) {
        if (is_member(world, i))
            return true;
    }
    return false;
}

/* Nobody is confirmed: the first that may confirms itself. */
static void restart_cluster(struct world *world)
{
    for (int i = 0; i < 2 * world->node_count; i++)
        world_meet(world, i % world->node_count);
    for (int i = 0; i < world->node_count; i++) {
        if (!world->nodes[i].confirmed && world_confirm_itself(world, i, false))
            return;
    }
    (void)world_confirm_itself(world, world->nodes[A].gone ? B : A,
                               true); /* all is lost, and somebody says so */
}

/* A state may be forgotten by hearsay alone: then nobody can know that all know. Whoever is asked makes
 * it a forget of its own, so that this comes to an end. */
static void bring_in(struct world *world, int node)
{
    int home = world->nodes[node].lost_to - 1;
    int asked = -1;
    for (int i = 0; i < world->node_count && !world->nodes[node].confirmed; i++) {
        if (i == node || !is_member(world, i) || (home >= 0 && home != i && is_member(world, home)))
            continue;
        asked = i;
        if (world_admit(world, i, node))
            (void)world_join(world, node, i);
    }
    world_meet(world, node);
    if (!world->nodes[node].confirmed && (asked < 0 || world->nodes[node].disowned))
        (void)world_confirm_itself(world, node, false);
    struct holm_actor former = {world->nodes[node].actor.node, world->nodes[node].former};
    if (asked >= 0 && !world->nodes[node].confirmed && !world->nodes[node].disowned &&
        holm_admission_replaces(&world->nodes[asked].members, former))
        world_disown(world, asked, node);
    world->nodes[node].disowned = asked >= 0 && !world->nodes[node].confirmed;
    WORLD_TELLS(world, "  %c comes in: %s\n", 'A' + node,
                world->nodes[node].confirmed ? "yes" : "no");
}

static void give_up(struct world *world, int node, int member)
{
    world->nodes[node].lost_to = member + 1;
    WORLD_TELLS(world, "  %c is lost to %c\n", 'A' + node, 'A' + member);
    world_give_up(world, member, node);
}

/* The first member that the node is lost to, or -1. Of two that are lost to each other, one is not. */
static int lost_to(struct world *world, int node)
{
    for (int i = 0; world->nodes[node].confirmed && i < world->node_count; i++) {
        if (i != node && is_member(world, i) && world_lost(world, node, i) &&
            !(node < i && is_member(world, node) && world_lost(world, i, node)))
            return i;
    }
    return -1;
}

/* Who knows that it is forgotten is lost, whoever is left: it starts anew, so that the others can go on. */
static void restart_forgotten(struct world *world, int node)
{
    const struct world_node *n = &world->nodes[node];
    if (!n->confirmed || holm_members_current(&n->members, n->actor))
        return;
    WORLD_TELLS(world, "  %c knows that it is forgotten\n", 'A' + node);
    world_store(world, node);
    world_crash(world, node);
    world_start(world, node, true, 0);
}

static bool one_round(struct world *world)
{
    bool whole = true;
    for (int i = 0; i < world->node_count && !anybody(world); i++)
        restart_forgotten(world, i);
    for (int i = 0; i < world->node_count; i++) {
        if (!world->nodes[i].alive && !world->nodes[i].gone)
            world_start(world, i, world->nodes[i].store.there, 0);
    }
    if (!anybody(world))
        restart_cluster(world);
    for (int i = 0; i < world->node_count; i++) {
        int member = lost_to(world, i);
        if (world->nodes[i].gone)
            continue;
        if (!world->nodes[i].confirmed)
            bring_in(world, i);
        else if (member >= 0)
            give_up(world, i, member);
        whole = whole && (is_member(world, i) || world->nodes[i].gone);
    }
    return whole;
}

/* Whoever is left has been forgotten by somebody who has lost all, or a clone that has been ended had gone on for it: only an
 * operator can tell on. */
static bool needs_operator(const struct world *world)
{
    bool forgets = false;
    for (int i = 0; i < world->node_count; i++)
        forgets = forgets || world->nodes[i].gone;
    for (int i = 0; i < world->line_count; i++)
        forgets = forgets || world->lines[i].all.forget_count > 0;
    return forgets && !anybody(world);
}

static const char *leftovers(const struct world *world)
{
    for (int i = 0; i < world->node_count; i++) {
        const struct world_state *state = &world->nodes[i].state;
        if (world->nodes[i].gone)
            continue;
        if (!is_member(world, i))
            return "somebody is no member in the end";
        if (state->tombstone_count > 0)
            return "tombstones are left in the end";
        for (size_t k = 0; k < state->entry_count; k++) {
            if (!holm_count_live(&state->entries[k].count))
                return "ghosts are left in the end";
        }
        if (state->r.count > (size_t)world->node_count * 2)
            return "a vector is longer than two entries a node in the end";
    }
    return NULL;
}

const char *world_heal(struct world *world)
{
    for (int round = 0; round < 30; round++) {
        bool whole = one_round(world);
        const char *harm = world_settle(world);
        if (harm == NULL && whole)
            harm = leftovers(world);
        if (harm == NULL && whole)
            return NULL;
        harm = world_harm(world);
        if (harm != NULL)
            return harm;
    }
    world->stuck = needs_operator(world);
    const char *harm = world_settle(world);
    return harm != NULL ? harm : world->stuck ? NULL : leftovers(world);
}
