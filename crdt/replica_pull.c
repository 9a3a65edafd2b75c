/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_parts.h"

enum holm_status holm_replica_send_pull(struct holm_replica *replica, uint32_t peer)
{
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_PULL);
    message.as.pull.bytes_max = replica->config.frame_bytes_max / 4 * 3;
    enum holm_status status = holm_replica_copy_vector(replica, &message.as.pull.vector);
    if (status == HOLM_OK)
        status = holm_replica_output(replica, peer, &message);
    if (status != HOLM_OK)
        return status;
    replica->peers[peer].hearing.asked += 1;
    replica->stats.pulls += 1;
    return HOLM_OK;
}

enum holm_status holm_replica_ask_runs(struct holm_replica *replica, uint32_t peer)
{
    enum holm_status status = holm_replica_send_pull(replica, peer);
    if (status != HOLM_OK)
        return status;
    replica->pull.active = true;
    replica->pull.peer = peer;
    replica->pull.deadline_us = holm_replica_deadline(replica, peer);
    return HOLM_OK;
}

/* What a puller has, by this replica's indices; and what it lacks. */
struct serving {
    struct holm_replica *replica;
    struct holm_actor asker;
    uint64_t *has;
    bool too_old;
    bool lacks;
    size_t wire_bytes; /* of the runs it lacks */
};

/* What of one row the puller lacks. Of what is folded nobody knows any more which runs made it up. */
static void survey_row(struct serving *serving, struct holm_vector_view vector, size_t index)
{
    const struct holm_actors *actors = &serving->replica->actors;
    const struct holm_actor_row *row = &actors->rows[index];
    uint64_t has = holm_vector_view_seq(vector, row->actor);
    struct holm_actor upto = {row->actor.node, {row->floor}};
    bool folds = row->actor.epoch.value == 0;
    serving->has[index] = has;
    if (row->seq == 0 || row->seq == HOLM_SEQ_FOLDED || (!folds && has >= row->seq) ||
        (folds && holm_vector_view_has_fold(vector, upto, row->seq, actors->seed)))
        return;
    serving->lacks = true;
    if (folds || has < row->floor)
        serving->too_old = true;
}

static void survey(struct serving *serving, struct holm_vector_view vector)
{
    const struct holm_replica *replica = serving->replica;
    for (size_t i = 0; i < replica->actors.count; i++)
        survey_row(serving, vector, i);
    for (size_t i = 0; serving->lacks && i < replica->log.count; i++) {
        const struct holm_oplog_entry *entry = holm_oplog_at(&replica->log, i);
        if (entry->delta->last > serving->has[entry->actor])
            serving->wire_bytes += entry->wire_bytes;
    }
    if (serving->lacks && holm_replica_sync_is_cheaper(serving->replica, serving->asker,
                                                       serving->has, serving->wire_bytes))
        serving->too_old = true;
}

static size_t gather(const struct serving *serving, uint64_t bytes_max, struct holm_delta **runs,
                     bool *more)
{
    const struct holm_oplog *log = &serving->replica->log;
    uint64_t limit = serving->replica->config.frame_bytes_max / 4 * 3;
    uint64_t bytes = 0;
    size_t count = 0;
    if (bytes_max < limit)
        limit = bytes_max;
    *more = false;
    for (size_t i = 0; i < log->count; i++) {
        const struct holm_oplog_entry *entry = holm_oplog_at(log, i);
        if (entry->delta->last <= serving->has[entry->actor])
            continue;
        if (count > 0 && bytes + entry->wire_bytes > limit) {
            *more = true;
            break;
        }
        bytes += entry->wire_bytes;
        if (runs != NULL)
            runs[count] = entry->delta;
        count += 1;
    }
    return count;
}

static enum holm_status answer(struct serving *serving, uint32_t peer, uint64_t bytes_max)
{
    struct holm_replica *replica = serving->replica;
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_DELTAS);
    struct holm_deltas *deltas = &message.as.deltas;
    deltas->too_old = serving->too_old;
    deltas->now = holm_replica_beacon(replica);
    if (serving->lacks && !serving->too_old) {
        bool more;
        size_t count = gather(serving, bytes_max, NULL, &more);
        struct holm_delta **runs = holm_arena_take(&replica->scratch,
                                                   count * sizeof(struct holm_delta *));
        if (runs == NULL)
            return HOLM_ENOMEM;
        deltas->count = gather(serving, bytes_max, runs, &deltas->more);
        deltas->deltas = runs;
    }
    replica->stats.pulls_served += 1;
    replica->stats.pulls_too_old += serving->too_old ? 1 : 0;
    return holm_replica_output(replica, peer, &message);
}

enum holm_status holm_replica_serve_pull(struct holm_replica *replica, uint32_t peer,
                                         const struct holm_pull *pull)
{
    struct serving serving = {.replica = replica, .asker = replica->peers[peer].actor};
    if (!holm_vector_view_valid(pull->vector))
        return HOLM_EMALFORMED;
    if (holm_replica_seal(replica) != HOLM_OK)
        return HOLM_ENOMEM;
    if (holm_replica_claimed(replica, pull->vector))
        return holm_replica_twin(replica);
    holm_replica_seen_by(replica, holm_replica_find_peer(replica, peer),
                         holm_replica_seen_in(replica, pull->vector));
    holm_replica_exceeded(replica, peer, pull->vector);
    serving.has = holm_arena_take(&replica->scratch, replica->actors.count * sizeof *serving.has);
    if (serving.has == NULL)
        return HOLM_ENOMEM;
    survey(&serving, pull->vector);
    return answer(&serving, peer, pull->bytes_max);
}

/* The peer's log does not reach back far enough. */
static enum holm_status take_too_old(struct holm_replica *replica, uint32_t peer)
{
    if (!holm_replica_gap_waits(replica, peer))
        return holm_replica_ask_cut(replica, peer);
    holm_replica_answered(replica, peer);
    if (!holm_replica_is_fed(replica))
        holm_replica_ask_others(replica, peer);
    return HOLM_OK;
}

static enum holm_status take_answer(struct holm_replica *replica, uint32_t peer,
                                    const struct holm_deltas *deltas)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    uint64_t hash_before = replica->actors.hash;
    bool asked = replica->pull.active && replica->pull.peer == peer;
    for (size_t i = 0; i < deltas->count; i++) {
        enum holm_status status = holm_replica_receive_next(replica, peer, deltas->deltas[i]);
        if (status != HOLM_OK) {
            replica->pull.active = replica->pull.active && !asked;
            holm_replica_back_off(replica, peer);
            return status;
        }
    }
    if (!asked) { /* an answer that came late is as good */
        holm_replica_compare(replica, peer, &deltas->now);
        return HOLM_OK;
    }
    bool progress = hash_before != replica->actors.hash;
    replica->pull.active = false;
    if (deltas->too_old)
        return take_too_old(replica, peer);
    if (deltas->more && progress) {
        holm_replica_answered(replica, peer);
        return holm_replica_ask_runs(replica, peer);
    }
    if (deltas->more) {
        holm_replica_back_off(replica, peer);
        return HOLM_OK;
    }
    known->ahead = known->must_sync;
    holm_replica_gap_closed(replica, peer);
    known->fruitless_theirs = deltas->now.vector_hash;
    known->fruitless_mine = replica->actors.hash;
    holm_replica_answered(replica, peer);
    holm_replica_compare(replica, peer, &deltas->now);
    holm_replica_gaps_look(replica);
    return HOLM_OK;
}

/* Whether every run is applied: one that overlaps what is here is not. */
static bool took_all(const struct holm_replica *replica, const struct holm_deltas *deltas)
{
    for (size_t i = 0; i < deltas->count; i++) {
        const struct holm_delta *run = deltas->deltas[i];
        if (run->last > holm_actors_seq_of(&replica->actors, run->actor))
            return false;
    }
    return true;
}

enum holm_status holm_replica_take_deltas(struct holm_replica *replica, uint32_t peer,
                                          const struct holm_deltas *deltas)
{
    enum holm_status status = take_answer(replica, peer, deltas);
    if (holm_replica_find_peer(replica, peer) == NULL)
        return status;
    bool all = status == HOLM_OK && took_all(replica, deltas);
    holm_replica_hear_answer(replica, peer, all && deltas->more && deltas->count > 0,
                             all && !deltas->more && !deltas->too_old);
    return status;
}
