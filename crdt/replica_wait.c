/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_wait.h"

#include "crdt/replica_parts.h"

/* Of what is folded the vector has forgotten how much there was; the member list has not. */
static bool was_folded(const struct holm_replica *replica, struct holm_dot dot)
{
    if (replica->guard == NULL)
        return false;
    struct holm_vector_view lasts = holm_members_lasts(&replica->guard->members,
                                                       replica->config.partition);
    return dot.seq <= holm_vector_seq(lasts, dot.actor);
}

enum holm_presence holm_replica_presence(const struct holm_replica *replica, struct holm_dot dot)
{
    HOLM_ASSERT(dot.seq > 0);
    uint64_t seq = holm_actors_seq_of(&replica->actors, dot.actor);
    if (seq == HOLM_SEQ_FOLDED)
        return was_folded(replica, dot) ? HOLM_PRESENCE_HERE : HOLM_PRESENCE_LOST;
    if (holm_actor_equal(dot.actor, replica->actors.rows[replica->self].actor))
        seq = replica->pending.last;
    return dot.seq <= seq ? HOLM_PRESENCE_HERE : HOLM_PRESENCE_MISSING;
}

/* A fold is two entries: the sum of what there was, and up to where. */
static bool is_fold_here(const struct holm_replica *replica, const struct holm_dot *entries)
{
    struct holm_vector_view fold = {entries, 2};
    return holm_actors_cover(&replica->actors, fold);
}

enum holm_presence holm_replica_presence_of(const struct holm_replica *replica,
                                            struct holm_vector_view vector)
{
    enum holm_presence worst = HOLM_PRESENCE_HERE;
    for (size_t i = 0; i < vector.count && worst != HOLM_PRESENCE_LOST; i++) {
        const struct holm_dot *entry = &vector.entries[i];
        enum holm_presence one = HOLM_PRESENCE_HERE;
        if (entry->actor.epoch.value != 0)
            one = holm_replica_presence(replica, *entry);
        else if (!is_fold_here(replica, &vector.entries[i++]))
            one = HOLM_PRESENCE_MISSING;
        worst = one > worst ? one : worst;
    }
    return worst;
}

struct holm_dot holm_replica_mark(const struct holm_replica *replica)
{
    struct holm_dot mark = {replica->actors.rows[replica->self].actor,
                            holm_actors_seq(&replica->actors, replica->self)};
    return mark;
}

static bool has_reported(const struct holm_replica *replica, struct holm_actor member,
                         struct holm_dot dot)
{
    if (replica->guard == NULL)
        return false;
    const struct holm_report *report = holm_stable_report(&replica->guard->stable, member);
    return report != NULL && holm_vector_has(holm_vector_view(&report->partition), dot);
}

bool holm_replica_peer_shares(const struct holm_replica *replica, uint32_t peer,
                              struct holm_dot dot, struct holm_dot mark)
{
    if (peer >= replica->peer_capacity || !replica->peers[peer].up)
        return false;
    const struct holm_replica_peer *known = &replica->peers[peer];
    if (replica->guard != NULL && !known->member)
        return false;
    struct holm_dot now = holm_replica_mark(replica);
    bool sealed = !holm_actor_equal(dot.actor, now.actor) || dot.seq <= now.seq;
    if (!sealed || holm_replica_presence(replica, dot) != HOLM_PRESENCE_HERE)
        return false;
    if (known->told && known->told_hash == replica->actors.hash)
        return true;
    if (holm_actor_equal(mark.actor, now.actor) && known->seen > mark.seq)
        return true;
    return has_reported(replica, known->actor, dot);
}

bool holm_replica_is_stable(const struct holm_replica *replica, struct holm_dot dot)
{
    HOLM_ASSERT(replica->guard != NULL);
    const struct holm_members *members = &replica->guard->members;
    struct holm_actor self = replica->actors.rows[replica->self].actor;
    uint64_t seq = holm_actors_seq_of(&replica->actors, dot.actor);
    if (!holm_members_current(members, self) || dot.seq > seq)
        return false;
    if (seq == HOLM_SEQ_FOLDED)
        return was_folded(replica, dot);
    for (size_t i = 0; i < members->count; i++) {
        const struct holm_member_row *row = &members->rows[i];
        if (!row->forgotten && row->actor.node.value != self.node.value &&
            !has_reported(replica, row->actor, dot))
            return false;
    }
    return true;
}

/* ---- what has changed ----------------------------------------------------------------------- */

/* Whether all that `since` lacks of one actor is in the log. */
static bool reaches(const struct holm_replica *replica, const struct holm_actor_row *row,
                    struct holm_vector_view since)
{
    struct holm_actor upto = {row->actor.node, {row->floor}};
    if (row->vacant || row->seq == 0 || row->seq == HOLM_SEQ_FOLDED)
        return true;
    if (row->actor.epoch.value == 0)
        return holm_vector_view_has_fold(since, upto, row->seq, replica->actors.seed);
    uint64_t has = holm_vector_view_seq(since, row->actor);
    return has >= row->seq || has >= row->floor;
}

static void visit_run(const struct holm_delta *run, holm_change_visitor *visit, void *context)
{
    for (uint32_t i = 0; i < run->items.item_count; i++)
        visit(context, run->items.items[i].key, run->actor);
}

enum holm_status holm_replica_visit_changes(const struct holm_replica *replica,
                                            struct holm_vector_view since,
                                            holm_change_visitor *visit, void *context)
{
    HOLM_ASSERT(holm_vector_view_valid(since) && !holm_replica_pending(replica));
    if (holm_replica_presence_of(replica, since) != HOLM_PRESENCE_HERE)
        return HOLM_ENOENT;
    for (size_t i = 0; i < replica->actors.count; i++) {
        if (!reaches(replica, &replica->actors.rows[i], since))
            return HOLM_ENOENT;
    }
    for (size_t i = 0; i < replica->log.count; i++) {
        const struct holm_delta *run = holm_oplog_at(&replica->log, i)->delta;
        if (run->last > holm_vector_view_seq(since, run->actor))
            visit_run(run, visit, context);
    }
    return HOLM_OK;
}
