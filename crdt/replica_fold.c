/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folding: when S begins to cover whole epochs of a node ("A.e3:FOLDED"), the live parts of what these
 * counted are put into one entry a counter, under the node's epoch 0. No operation says so: it is a
 * function of S, so that all who have the same R and the same folds have the same entries.
 *
 *     A.e1 +5   A.e2 -2   A.e3 reset   A.e4 +1        S gets A.e3:FOLDED
 *     A.e0 +3                          A.e4 +1
 *
 * Such an entry's seq is a hash of its place: whoever compares by dots takes no two for one.
 *
 * Why no reset is ever missed: docs/decisions/0007-collecting-and-folding.md, "folded, not moved".
 *
 * The vector folds with S (actors.h). A row that is left as a name goes when nothing here uses its index.
 */
#include <xxhash.h>

#include "crdt/order.h"
#include "crdt/replica_parts.h"

static struct holm_actor folded_actor(struct holm_node_id node)
{
    return (struct holm_actor){node, {0}};
}

bool holm_replica_folds(struct holm_vector_view collected, struct holm_actor actor)
{
    if (actor.epoch.value == 0)
        return holm_vector_floor(collected, actor.node).value != 0;
    return holm_vector_seq(collected, actor) == HOLM_SEQ_FOLDED;
}

enum holm_status holm_replica_plan_folds(struct holm_replica *replica,
                                         const struct holm_vector *grown)
{
    enum holm_status status = HOLM_OK;
    uint32_t index;
    for (size_t i = 0; status == HOLM_OK && i < grown->count; i++) {
        if (grown->entries[i].seq == HOLM_SEQ_FOLDED)
            status = holm_actors_intern(&replica->actors,
                                        folded_actor(grown->entries[i].actor.node), &index);
    }
    return status;
}

uint64_t holm_replica_fold_seq(const struct holm_state *state, const struct holm_spot *spot,
                               uint32_t path)
{
    uint64_t words[2] = {spot->hash, holm_names_hash(&state->names, path)};
    return holm_vector_fold_sum(XXH3_64bits_withSeed(words, sizeof words, state->seed));
}

/* ---- one counter */

struct share {
    struct holm_actor actor;
    uint32_t index;
    bool stays; /* its sum and what is folded already would leave 64 bits */
    struct holm_count count;
};

struct folding {
    struct holm_replica *replica;
    const uint8_t *fates;
};

static int share_compare(const void *a, const void *b)
{
    const struct share *x = a;
    const struct share *y = b;
    return holm_actor_compare(x->actor, y->actor);
}

static bool to_entry(const struct folding *folding, struct holm_spot *spot, struct holm_slot slot,
                     uint32_t actor, struct holm_cell *cell)
{
    const struct holm_state *state = &folding->replica->state;
    slot.actor = actor;
    return holm_spot_seek(state, spot, &slot) && holm_spot_cell(state, spot, cell);
}

/* The entries of the slot that are to go, sorted by actor: indices differ between replicas. */
static enum holm_status gather(const struct folding *folding, struct holm_spot *spot,
                               const struct holm_slot *slot, struct share **shares, size_t *count)
{
    struct holm_replica *replica = folding->replica;
    struct holm_spot at = *spot;
    struct holm_cell cell;
    *count = 0;
    for (; holm_spot_cell_of(&replica->state, &at, slot, &cell);
         holm_spot_next(&replica->state, &at))
        *count += folding->fates[cell.actor] != HOLM_FATE_STAY ? 1 : 0;
    *shares = holm_arena_take(&replica->scratch, *count * sizeof **shares);
    if (*shares == NULL)
        return HOLM_ENOMEM;
    size_t taken = 0;
    for (; holm_spot_cell_of(&replica->state, spot, slot, &cell);
         holm_spot_next(&replica->state, spot)) {
        if (folding->fates[cell.actor] != HOLM_FATE_STAY)
            (*shares)[taken++] = (struct share){.actor = replica->actors.rows[cell.actor].actor,
                                                .index = cell.actor,
                                                .count = cell.count};
    }
    holm_sort(*shares, *count, sizeof **shares, share_compare);
    return HOLM_OK;
}

/* Folds the shares of one node, which are all there are of it, and writes the sum. */
static enum holm_status fold_node(const struct folding *folding, struct holm_spot *spot,
                                  const struct holm_slot *slot, struct share *shares, size_t count)
{
    struct holm_state *state = &folding->replica->state;
    struct holm_cell old;
    uint32_t target = holm_actors_find(&folding->replica->actors,
                                       folded_actor(shares[0].actor.node));
    HOLM_ASSERT(target != HOLM_ACTOR_NONE);
    bool found = to_entry(folding, spot, *slot, target, &old);
    struct holm_cell made = {.kind = HOLM_COUNTER, .path = slot->path, .actor = target};
    bool dropped = folding->fates[target] == HOLM_FATE_DROP;
    if (found && !dropped)
        made.count = old.count;
    bool changed = false;
    for (size_t i = 0; i < count; i++) {
        if (folding->fates[shares[i].index] != HOLM_FATE_FOLD || !holm_count_live(&shares[i].count))
            continue;
        shares[i].stays = holm_count_fold(&made.count, &shares[i].count) != HOLM_OK;
        changed = changed || !shares[i].stays;
    }
    if (!changed)
        return HOLM_OK;
    made.seq = holm_replica_fold_seq(state, spot, slot->path);
    made.count.start = made.count.last = made.seq;
    return found ? holm_spot_replace(state, spot, &old, &made)
                 : holm_spot_insert(state, spot, &made);
}

static enum holm_status erase_shares(const struct folding *folding, struct holm_spot *spot,
                                     const struct holm_slot *slot, const struct share *shares,
                                     size_t count)
{
    enum holm_status status = HOLM_OK;
    struct holm_cell cell;
    for (size_t i = 0; status == HOLM_OK && i < count; i++) {
        if (!shares[i].stays && to_entry(folding, spot, *slot, shares[i].index, &cell))
            status = holm_spot_erase(&folding->replica->state, spot);
    }
    return status;
}

/* Folds the counter whose first entry is at the spot, which is behind its last one then. */
static enum holm_status fold_slot(const struct folding *folding, struct holm_spot *spot,
                                  const struct holm_slot *slot)
{
    struct holm_replica *replica = folding->replica;
    struct holm_arena_mark mark = holm_arena_mark(&replica->scratch);
    struct share *shares;
    size_t count;
    struct holm_cell cell;
    enum holm_status status = gather(folding, spot, slot, &shares, &count);
    for (size_t first = 0, end; status == HOLM_OK && first < count; first = end) {
        for (end = first + 1; end < count; end++) {
            if (shares[end].actor.node.value != shares[first].actor.node.value)
                break;
        }
        status = fold_node(folding, spot, slot, shares + first, end - first);
    }
    if (status == HOLM_OK)
        status = erase_shares(folding, spot, slot, shares, count);
    holm_arena_rewind(&replica->scratch, mark);
    if (status != HOLM_OK || count == 0)
        return status;
    (void)holm_spot_seek(&replica->state, spot, slot);
    while (holm_spot_cell_of(&replica->state, spot, slot, &cell))
        holm_spot_next(&replica->state, spot);
    return HOLM_OK;
}

/* ---- all of them */

enum holm_status holm_replica_fold_by(struct holm_replica *replica, const uint8_t *fates)
{
    struct folding folding = {replica, fates};
    struct holm_state *state = &replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    enum holm_status status = HOLM_OK;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (status == HOLM_OK && holm_walk_next(state, &walk, &spot)) {
        while (status == HOLM_OK && holm_spot_cell(state, &spot, &cell)) {
            struct holm_slot slot = holm_cell_slot(&cell);
            slot.actor = HOLM_ACTOR_NONE;
            if (cell.kind == HOLM_COUNTER)
                status = fold_slot(&folding, &spot, &slot);
            else
                holm_spot_next(state, &spot);
        }
    }
    return status;
}

enum holm_status holm_replica_fold(struct holm_replica *replica, const struct holm_vector *grown)
{
    const struct holm_actors *actors = &replica->actors;
    bool news = false;
    if (grown->count == 0)
        return HOLM_OK;
    struct holm_arena_mark mark = holm_arena_mark(&replica->scratch);
    uint8_t *fates = holm_arena_take(&replica->scratch, actors->count);
    for (size_t i = 0; fates != NULL && i < actors->count; i++) {
        struct holm_actor actor = actors->rows[i].actor;
        bool fresh = actor.epoch.value != 0 && holm_replica_folds(holm_vector_view(grown), actor) &&
                     !holm_replica_folds(holm_vector_view(&replica->collected), actor);
        fates[i] = fresh ? HOLM_FATE_FOLD : HOLM_FATE_STAY;
        news = news || fresh;
    }
    enum holm_status status = fates == NULL ? HOLM_ENOMEM : HOLM_OK;
    if (news)
        status = holm_replica_fold_by(replica, fates);
    holm_arena_rewind(&replica->scratch, mark);
    return status;
}

/* ---- what leaves the replica */

uint64_t holm_replica_fold_hash(const struct holm_replica *replica)
{
    return holm_vector_folds(holm_vector_view(&replica->collected), replica->config.digest_seed);
}

enum holm_status holm_replica_report(const struct holm_replica *replica, struct holm_vector *vector)
{
    const struct holm_actors *actors = &replica->actors;
    enum holm_status status = HOLM_OK;
    holm_vector_clear(vector);
    for (size_t i = 0; status == HOLM_OK && i < actors->known; i++) {
        const struct holm_actor_row *row = &actors->rows[actors->sorted[i]];
        struct holm_actor folded = {row->actor.node, {row->floor}};
        if (row->seq == 0 || row->seq == HOLM_SEQ_FOLDED)
            continue;
        status = row->actor.epoch.value == 0 ? holm_vector_raise(vector, folded, HOLM_SEQ_FOLDED)
                                             : holm_vector_raise(vector, row->actor, row->seq);
    }
    return status;
}

uint64_t holm_replica_seen_in(const struct holm_replica *replica, struct holm_vector_view vector)
{
    uint64_t seq = holm_vector_view_seq(vector, replica->actors.rows[replica->self].actor);
    return seq == HOLM_SEQ_FOLDED ? 0 : seq;
}

/* ---- names that nobody uses */

static void mark_used(const struct holm_replica *replica, bool *used)
{
    const struct holm_state *state = &replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot))
            used[cell.actor] = true;
    }
    for (size_t i = 0; i < replica->log.count; i++)
        used[holm_oplog_at(&replica->log, i)->actor] = true;
    used[replica->self] = true;
}

/* An epoch in use that is the last of many would keep the rows of all. Best effort. */
static void renumber(struct holm_replica *replica)
{
    struct holm_actors *actors = &replica->actors;
    size_t count = actors->count;
    uint32_t *indices = holm_arena_take(&replica->scratch, actors->count * sizeof *indices);
    if (indices == NULL)
        return;
    holm_actors_compact(actors, indices);
    holm_state_renumber(&replica->state, indices);
    holm_oplog_renumber(&replica->log, indices);
    holm_replica_feed_renumber(replica, indices, count);
    replica->self = indices[replica->self];
    holm_pending_restart(&replica->pending, replica->self, replica->pending.last);
}

/* The runs of folded epochs keep their rows in use. What is behind the last of them stays in the log: by it, who is
 * forgotten tells what it has replaced and removed (replica_remint.h). */
static void trim_folded(struct holm_replica *replica)
{
    struct holm_oplog *log = &replica->log;
    size_t end = 0;
    for (size_t i = 0; i < log->count; i++) {
        if (replica->actors.rows[holm_oplog_at(log, i)->actor].seq == HOLM_SEQ_FOLDED)
            end = i + 1;
    }
    holm_oplog_trim(log, &replica->actors, holm_vector_view(&replica->collected), end);
}

void holm_replica_sweep(struct holm_replica *replica)
{
    struct holm_actors *actors = &replica->actors;
    if (actors->named <= replica->swept || holm_replica_pending(replica) ||
        replica->state.frozen != NULL)
        return;
    trim_folded(replica);
    struct holm_arena_mark mark = holm_arena_mark(&replica->scratch);
    bool *used = holm_arena_take(&replica->scratch, actors->count * sizeof *used);
    if (used == NULL) {
        replica->retry = true;
        return;
    }
    memset(used, 0, actors->count * sizeof *used);
    mark_used(replica, used);
    for (uint32_t i = 0; i < actors->count; i++) {
        if (used[i] || actors->rows[i].seq != HOLM_SEQ_FOLDED)
            continue;
        holm_actors_drop(actors, i);
        holm_replica_feed_dropped(replica, i);
    }
    replica->swept = actors->named;
    if (holm_actors_sparse(actors))
        renumber(replica);
    holm_arena_rewind(&replica->scratch, mark);
}
