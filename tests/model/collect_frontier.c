/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/collect_state.h"

/* The list holds the admissions of this epoch: a report that knows its own epoch is of that epoch, so
 * that this has to be left out along with it. */
static void know_itself(const struct world_node *n, struct holm_actor actor,
                        struct holm_vector *list)
{
    for (size_t i = 0; i < n->members.admission_count; i++) {
        const struct holm_dot *dot = &n->members.admissions[i].dot;
        if (holm_actor_equal(n->members.admissions[i].subject, actor))
            must(holm_vector_raise(list, dot->actor, dot->seq));
    }
}

/* The reports as a rule left out would have them. */
static void lie(struct world *world, int node, struct holm_stable *stable, struct holm_vector *r,
                struct holm_vector *known)
{
    struct world_node *n = &world->nodes[node];
    holm_stable_init(stable, &world->allocator);
    holm_vector_init(r, &world->allocator);
    holm_vector_init(known, &world->allocator);
    must(holm_vector_assign(known, holm_vector_view(&n->state.list)));
    must(holm_vector_assign(r, holm_vector_view(&n->state.r)));
    for (int i = 0; i < world->node_count; i++) {
        const struct world_raw *raw = &n->raw[i];
        struct holm_vector list;
        if (raw->actor.node.value == 0)
            continue;
        const struct holm_member_row *row = holm_members_find(&n->members, raw->actor.node);
        holm_vector_init(&list, &world->allocator);
        bool all = (world->rules & (WORLD_NO_ADMISSIONS | WORLD_FORGET_AT_ONCE)) != 0;
        must(holm_vector_assign(&list, holm_vector_view(all ? &n->state.list : &raw->list)));
        struct holm_actor actor = raw->actor;
        if ((world->rules & WORLD_NO_EPOCH) != 0 && row != NULL) {
            actor = row->actor;
            know_itself(n, actor, &list);
        }
        must(holm_stable_hear(stable, NULL, actor, holm_vector_view(&raw->r),
                              holm_vector_view(&list)));
        if ((world->rules & WORLD_NO_CLOSURE) != 0)
            must(holm_vector_join(r, holm_vector_view(&raw->r)));
        must(holm_vector_join(known, holm_vector_view(&raw->list)));
        holm_vector_release(&list);
    }
}

static bool drop_ghosts(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    struct holm_stable_self self = world_self(world, node);
    bool any = false;
    for (size_t i = n->state.entry_count; i > 0; i--) {
        struct world_entry *entry = &n->state.entries[i - 1];
        if (holm_count_live(&entry->count) ||
            !holm_stable_ghost(&n->stable, &self, entry->actor, entry->reset))
            continue;
        *entry = n->state.entries[--n->state.entry_count];
        world->ghosts_gone += 1;
        any = true;
    }
    return any;
}

/* Every ended epoch is folded, whatever the others have of it. */
static void fold_early(struct world *world, int node, struct holm_vector *frontier)
{
    struct world_node *n = &world->nodes[node];
    for (size_t i = 0; i < n->state.r.count; i++) {
        struct holm_dot entry = n->state.r.entries[i];
        if (!holm_members_ended(&n->members, entry.actor) || entry.seq == HOLM_SEQ_FOLDED)
            continue;
        must(holm_vector_raise(frontier, entry.actor, HOLM_SEQ_FOLDED));
        world_mint_list(world, node, HOLM_MEMBER_FOLD, entry.actor, entry.seq);
    }
}

void world_rely(struct world *world, int node)
{
    struct holm_stable *stable = &world->nodes[node].stable;
    struct holm_vector shared;
    holm_vector_init(&shared, &world->allocator);
    must(holm_vector_assign(&shared, holm_vector_view(&stable->shared)));
    must(holm_stable_rely(stable, &world->nodes[node].members));
    if ((world->rules & WORLD_SHARED_EVER) != 0)
        must(holm_vector_join(&stable->shared, holm_vector_view(&shared)));
    holm_vector_release(&shared);
}

static bool is_known(const struct holm_members *members, struct holm_dot forget)
{
    for (size_t i = 0; i < members->forget_count; i++) {
        if (holm_actor_equal(members->forgets[i].dot.actor, forget.actor) &&
            members->forgets[i].dot.seq == forget.seq)
            return true;
    }
    return false;
}

bool world_betrayed(const struct world *world, int node, const struct holm_members *members)
{
    const struct holm_stable *stable = &world->nodes[node].stable;
    bool by_dot = (world->rules & WORLD_RELIED_BY_DOT) != 0;
    for (size_t i = 0; by_dot && i < stable->relied_count; i++) {
        if (!is_known(members, stable->relied[i].forget))
            return true;
    }
    return holm_stable_betrayed(stable, members);
}

static void grow(struct world *world, int node, struct holm_vector *frontier)
{
    struct world_node *n = &world->nodes[node];
    size_t before = n->state.tombstone_count;
    world_rely(world, node);
    state_grow(world, &n->state, holm_vector_view(frontier));
    world->collected += before - n->state.tombstone_count;
}

bool world_collect(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    struct holm_stable lies;
    struct holm_vector frontier, lasts, r, known;
    bool grown = false;
    uint64_t lying = WORLD_NO_CLOSURE | WORLD_NO_LIST_CLOSURE | WORLD_NO_EPOCH |
                     WORLD_NO_ADMISSIONS | WORLD_FORGET_AT_ONCE;
    if (!n->alive || !n->confirmed)
        return false;
    lie(world, node, &lies, &r, &known);
    holm_vector_init(&frontier, &world->allocator);
    holm_vector_init(&lasts, &world->allocator);
    struct holm_stable_self self = world_self(world, node);
    const struct holm_stable *stable = (world->rules & lying) != 0 ? &lies : &n->stable;
    self.partition = holm_vector_view(&r);
    if ((world->rules & WORLD_NO_LIST_CLOSURE) != 0)
        self.list = holm_vector_view(&known);
    must(holm_stable_frontier(stable, &self, &frontier));
    if (frontier.count > 0) {
        must(holm_stable_folds(stable, &self, &frontier, &lasts));
        for (size_t i = 0; i < lasts.count; i++)
            world_mint_list(world, node, HOLM_MEMBER_FOLD, lasts.entries[i].actor,
                            lasts.entries[i].seq);
        world->folded += lasts.count;
    }
    if ((world->rules & WORLD_FOLD_EARLY) != 0)
        fold_early(world, node, &frontier);
    struct holm_vector_view none = {NULL, 0};
    if (!holm_vector_covers(holm_vector_view(&n->state.s), holm_vector_view(&frontier), none)) {
        grow(world, node, &frontier);
        grown = true;
    }
    grown = drop_ghosts(world, node) || grown;
    holm_vector_release(&frontier);
    holm_vector_release(&lasts);
    holm_vector_release(&r);
    holm_vector_release(&known);
    holm_stable_release(&lies);
    return grown;
}
