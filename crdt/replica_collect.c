/* SPDX-License-Identifier: Apache-2.0 */
/*
 * S: what this replica has collected. It grows by own collection, by the S of a run when that is
 * applied, and by the S of a cut when that is merged; each time the tombstones that it covers go in
 * the very transaction that applies the rest. docs/decisions/0007-collecting-and-folding.md
 */
#include "crdt/replica_parts.h"

/* Whether an entry of S speaks of what was applied, here or at the cut. A fold of the present epoch would
 * say that this replica is lost. */
static bool is_known(const struct holm_replica *replica, struct holm_vector_view causes,
                     struct holm_dot entry)
{
    struct holm_actor self = replica->actors.rows[replica->self].actor;
    if (entry.seq != HOLM_SEQ_FOLDED)
        return entry.seq <= holm_vector_view_seq(causes, entry.actor) ||
               entry.seq <= holm_replica_seq(replica, entry.actor);
    if (entry.actor.epoch.value == 0 ||
        (entry.actor.node.value == self.node.value && entry.actor.epoch.value >= self.epoch.value))
        return false;
    return holm_vector_view_seq(causes, entry.actor) > 0 ||
           holm_replica_seq(replica, entry.actor) > 0;
}

enum holm_status holm_replica_plan_collected(const struct holm_replica *replica,
                                             struct holm_vector_view collected,
                                             struct holm_vector_view causes,
                                             struct holm_vector *grown)
{
    struct holm_vector_view none = {NULL, 0};
    holm_vector_init(grown, &replica->config.allocator);
    if (collected.count == 0)
        return HOLM_OK;
    if (replica->config.retention != HOLM_RETENTION_STABLE || !holm_vector_valid(collected))
        return HOLM_EMALFORMED;
    holm_guard_outlive(replica, collected);
    for (size_t i = 0; i < collected.count; i++) {
        if (!is_known(replica, causes, collected.entries[i]))
            return HOLM_EMALFORMED; /* nobody can collect what it has not applied */
    }
    if (holm_vector_covers(holm_vector_view(&replica->collected), collected, none))
        return HOLM_OK;
    enum holm_status status = holm_vector_assign(grown, holm_vector_view(&replica->collected));
    if (status == HOLM_OK)
        status = holm_vector_join(grown, collected);
    if (status == HOLM_OK)
        status = holm_guard_rely(replica);
    if (status != HOLM_OK)
        holm_vector_release(grown);
    return status;
}

/* Takes those tombstones of one record away that S covers. */
static enum holm_status exhume(struct holm_replica *replica, struct holm_spot *spot,
                               struct holm_vector_view collected)
{
    struct holm_state *state = &replica->state;
    struct holm_cell cell;
    while (holm_spot_cell(state, spot, &cell)) {
        struct holm_dot dot = {replica->actors.rows[cell.actor].actor, cell.seq};
        HOLM_ASSERT(cell.kind == HOLM_KIND_TOMBSTONE);
        if (!holm_vector_has(collected, dot))
            holm_spot_next(state, spot);
        else if (holm_state_exhume(state, spot) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    return HOLM_OK;
}

enum holm_status holm_replica_drop_tombstones(struct holm_replica *replica,
                                              const struct holm_vector *grown)
{
    struct holm_state *state = &replica->state;
    struct holm_spot spot;
    enum holm_status status = HOLM_OK;
    if (grown->count == 0 || state->tombstones == 0)
        return HOLM_OK;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (status == HOLM_OK && holm_walk_next(state, &walk, &spot)) {
        if (holm_spot_buried(state, &spot))
            status = exhume(replica, &spot, holm_vector_view(grown));
    }
    return status;
}

void holm_replica_take_collected(struct holm_replica *replica, struct holm_vector *grown,
                                 const struct holm_vector_view *cut)
{
    struct holm_actors *actors = &replica->actors;
    if (grown->count == 0)
        return;
    for (size_t i = 0; i < grown->count; i++) {
        struct holm_actor upto = grown->entries[i].actor;
        if (grown->entries[i].seq != HOLM_SEQ_FOLDED ||
            holm_actors_floor(actors, upto.node) >= upto.epoch.value)
            continue;
        uint64_t here = holm_actors_sum(actors, upto);
        uint64_t sum = cut == NULL ? here : holm_vector_view_sum(*cut, upto, actors->seed);
        holm_actors_fold(actors, upto, sum);
        holm_replica_feed_folded(
            replica, holm_actors_find(actors, (struct holm_actor){upto.node, {0}}), sum != here);
    }
    holm_vector_release(&replica->collected);
    replica->collected = *grown;
    holm_vector_init(grown, &replica->config.allocator);
}

enum holm_status holm_replica_collect_now(struct holm_replica *replica,
                                          struct holm_vector_view frontier)
{
    struct holm_vector_view none = {NULL, 0};
    struct holm_vector grown;
    if (replica->config.retention != HOLM_RETENTION_STABLE)
        return HOLM_EINVAL;
    enum holm_status status = holm_replica_seal(replica);
    if (status != HOLM_OK)
        return status;
    status = holm_replica_plan_collected(replica, frontier, none, &grown);
    if (status != HOLM_OK)
        return status == HOLM_EMALFORMED ? HOLM_EINVAL : status;
    status = holm_replica_plan_folds(replica, &grown);
    if (status != HOLM_OK) {
        holm_vector_release(&grown);
        return status;
    }
    holm_state_begin(&replica->state);
    status = holm_replica_drop_tombstones(replica, &grown);
    if (status == HOLM_OK)
        status = holm_replica_fold(replica, &grown);
    if (status == HOLM_OK) {
        holm_state_commit(&replica->state);
        holm_replica_take_collected(replica, &grown, NULL);
    } else {
        holm_state_rollback(&replica->state);
    }
    holm_vector_release(&grown);
    return status;
}

/* ---- ghosts */

static enum holm_status erase_ghosts_of(struct holm_state *state, struct holm_spot *spot,
                                        uint32_t actor, size_t *dropped)
{
    struct holm_cell cell;
    while (holm_spot_cell(state, spot, &cell)) {
        if (cell.kind != HOLM_COUNTER || cell.actor != actor || holm_count_live(&cell.count)) {
            holm_spot_next(state, spot);
            continue;
        }
        if (holm_spot_erase(state, spot) != HOLM_OK)
            return HOLM_ENOMEM;
        *dropped += 1;
    }
    return HOLM_OK;
}

enum holm_status holm_replica_erase_ghosts(struct holm_replica *replica, uint32_t actor,
                                           size_t *dropped)
{
    struct holm_state *state = &replica->state;
    struct holm_spot spot;
    enum holm_status status = HOLM_OK;
    HOLM_ASSERT(!holm_replica_pending(replica));
    holm_state_begin(state);
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (status == HOLM_OK && holm_walk_next(state, &walk, &spot))
        status = erase_ghosts_of(state, &spot, actor, dropped);
    if (status == HOLM_OK) {
        holm_state_commit(state);
        return HOLM_OK;
    }
    holm_state_rollback(state);
    *dropped = 0;
    return status;
}

struct holm_vector_view holm_replica_collected(const struct holm_replica *replica)
{
    return holm_vector_view(&replica->collected);
}
