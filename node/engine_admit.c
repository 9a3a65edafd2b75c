/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Becoming a member. What a member has is taken into replicas of their own; they are put in place when all
 * of it is here, in all partitions at once, so that there is never a part of it. Until then writes are
 * journalled, and read from a copy that has them (`home`).
 */
#include "node/engine_state.h"
#include "node/lost.h"

/* Until what memory was refused for is tried again. */
#define SETTLE_US 100000

/* ---- taking apart */

void holm_engine_admit_abandon(struct holm_engine *engine)
{
    struct holm_engine_members *members = engine->members;
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        holm_replica_free(partition->incoming);
        partition->incoming = NULL;
        partition->wakes[1] = HOLM_NEVER;
        pthread_mutex_unlock(&partition->lock);
    }
    members->begun = members->gathering = members->replacing = false;
    members->news_count = 0;
    members->news_all = false;
}

static enum holm_status make_incoming(struct holm_engine *engine, uint32_t index, bool empty,
                                      struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    const struct holm_work *work = NULL;
    struct holm_replica *made = NULL;
    pthread_mutex_lock(&partition->lock);
    enum holm_status status = empty ? holm_replica_another(partition->replica, &made)
                                    : holm_replica_copy(partition->replica, now, &work, &made);
    if (work != NULL)
        holm_engine_work(engine, index, partition->replica, work);
    partition->incoming = made;
    partition->arrived = partition->whole = false;
    partition->wakes[1] = HOLM_NEVER;
    pthread_mutex_unlock(&partition->lock);
    return status;
}

/* What is known of the list, by whatever way, is known to the new replicas, too; but what who had no list heard of
 * another founding than this one. */
static enum holm_status begin(struct holm_engine *engine, bool empty,
                              const struct holm_founding *founding, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    enum holm_status status = HOLM_OK;
    HOLM_ASSERT(!members->begun && !members->confirmed);
    for (uint32_t i = 0; status == HOLM_OK && i < engine->partition_count; i++)
        status = make_incoming(engine, i, empty, now);
    if (status != HOLM_OK) {
        holm_engine_admit_abandon(engine);
        return status;
    }
    members->begun = true;
    members->news_all = true;
    holm_engine_list_spread(engine, now);
    for (size_t i = 0; !empty && i < members->hearsay_count; i++) {
        const struct holm_engine_hearsay *hearsay = &members->hearsay[i];
        if (holm_founding_compare(&hearsay->founding, founding) == 0)
            holm_engine_list_believe(engine, &hearsay->op, now);
    }
    return HOLM_OK;
}

static enum holm_status meet(struct holm_engine *engine, uint32_t index, uint32_t slot,
                             struct holm_actor actor, struct holm_now now)
{
    struct holm_event up = {.type = HOLM_EVENT_PEER_UP};
    up.as.peer.peer = slot;
    up.as.peer.actor = actor;
    return holm_engine_step_incoming(engine, index, &up, now);
}

enum holm_status holm_engine_admit_begin(struct holm_engine *engine,
                                         const struct holm_membership_action *action,
                                         struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    enum holm_status status = begin(engine, action->replace,
                                    &members->standings[action->peer].founding, now);
    members->replacing = action->replace;
    members->member = members->standings[action->peer].actor;
    members->slot = action->peer;
    members->admission = action->admission;
    for (uint32_t i = 0; status == HOLM_OK && i < engine->partition_count; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        status = meet(engine, i, action->peer, members->member, now);
        pthread_mutex_unlock(&engine->partitions[i].lock);
    }
    if (status == HOLM_OK)
        holm_engine_hearsay_bring(engine, now);
    else
        holm_engine_admit_abandon(engine);
    return status;
}

/* ---- a whole cluster restarts */

static bool may_list(struct holm_engine *engine, const struct holm_heard *says)
{
    bool may = true;
    for (uint32_t i = 0; may && i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        may = holm_replica_may_list(partition->incoming, says);
        pthread_mutex_unlock(&partition->lock);
    }
    return may;
}

/* What it said that it has is told to the new replica as well, which then asks for it. */
static enum holm_status pass_on(struct holm_engine *engine, uint32_t index, uint32_t slot,
                                struct holm_now now)
{
    const struct holm_engine_standing *standing = &engine->members->standings[slot];
    const struct holm_report *report = holm_replica_heard(engine->partitions[index].replica,
                                                          standing->actor);
    struct holm_message message = {.type = HOLM_MESSAGE_REPORT, .partition = index};
    message.sender = standing->actor;
    message.as.reported.provisional = true;
    message.as.reported.number = report == NULL ? 1 : report->number;
    message.as.reported.list = holm_vector_view(&standing->list);
    if (report != NULL)
        message.as.reported.vector = holm_vector_view(&report->partition);
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE, .as.message = {slot, &message}};
    enum holm_status status = meet(engine, index, slot, standing->actor, now);
    return status == HOLM_OK ? holm_engine_step_incoming(engine, index, &event, now) : status;
}

static enum holm_status pass_on_range(struct holm_engine *engine, uint32_t slot, uint32_t first,
                                      uint32_t end, struct holm_now now)
{
    enum holm_status status = HOLM_OK;
    for (uint32_t i = first; status == HOLM_OK && i < end; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        status = pass_on(engine, i, slot, now);
        pthread_mutex_unlock(&engine->partitions[i].lock);
    }
    return status;
}

enum holm_status holm_engine_admit_gather_more(struct holm_engine *engine, struct holm_now now)
{
    uint32_t list = holm_engine_list(engine);
    const struct holm_members *known = holm_replica_members(engine->partitions[list].incoming);
    enum holm_status status = HOLM_OK;
    for (uint32_t slot = 0; status == HOLM_OK && slot < engine->config.peers_max; slot++) {
        struct holm_engine_standing *standing = &engine->members->standings[slot];
        struct holm_heard says = holm_engine_members_peer(standing);
        if (!standing->up || !standing->told || standing->asked_state || !may_list(engine, &says))
            continue;
        if (!standing->asked_list)
            status = pass_on_range(engine, slot, list, list + 1, now);
        standing->asked_list = status == HOLM_OK;
        if (status != HOLM_OK || !holm_admission_may_merge(known, &says))
            continue;
        status = pass_on_range(engine, slot, 0, list, now);
        standing->asked_state = status == HOLM_OK;
    }
    return status;
}

enum holm_status holm_engine_admit_gather(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    enum holm_status status = begin(engine, false, &holm_engine_list_members(engine)->founding,
                                    now);
    members->gathering = status == HOLM_OK;
    for (uint32_t slot = 0; slot < engine->config.peers_max; slot++)
        members->standings[slot].asked_list = members->standings[slot].asked_state = false;
    if (status == HOLM_OK)
        status = holm_engine_admit_gather_more(engine, now);
    if (status != HOLM_OK)
        holm_engine_admit_abandon(engine);
    return status;
}

/* ---- when all is here */

/* `self`: what this node says of its state, as its list stands now. */
static bool founds(struct holm_engine *engine, uint32_t index, const struct holm_heard *self,
                   size_t heard)
{
    struct holm_replica *incoming = engine->partitions[index].incoming;
    const struct holm_members *known = holm_replica_members(incoming);
    struct holm_actor former = {self->actor.node, self->former};
    return !holm_admission_replaces(known, former) && holm_admission_may_merge(known, self) &&
           holm_replica_founds(incoming, engine->members->heard, heard, false);
}

bool holm_engine_admit_whole(struct holm_engine *engine)
{
    struct holm_engine_members *members = engine->members;
    size_t heard = members->gathering ? holm_engine_members_heard(engine) : 0;
    struct holm_heard self = {.confirmed = false};
    if (members->gathering)
        self = holm_engine_members_self(
            engine, holm_replica_members(engine->partitions[holm_engine_list(engine)].incoming));
    bool whole = members->begun;
    for (uint32_t i = 0; whole && i < engine->config.partitions; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        whole = members->gathering ? founds(engine, i, &self, heard)
                                   : holm_replica_whole(engine->partitions[i].incoming,
                                                        members->member, members->admission);
        pthread_mutex_unlock(&engine->partitions[i].lock);
    }
    return whole;
}

/* What goes on where all is here already says nothing of what is not. */
bool holm_engine_admit_progressed(struct holm_engine *engine)
{
    const struct holm_engine_members *members = engine->members;
    bool progressed = false;
    for (uint32_t i = 0; i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        if (partition->arrived) {
            progressed |= !partition->whole;
            partition->whole |= holm_replica_whole(partition->incoming, members->member,
                                                   members->admission);
            partition->arrived = false;
        }
        pthread_mutex_unlock(&partition->lock);
    }
    return progressed;
}

static bool is_beyond(struct holm_engine *engine, uint32_t index, struct holm_vector_view list)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    pthread_mutex_lock(&partition->lock);
    bool beyond = holm_replica_beyond(partition->replica, list);
    pthread_mutex_unlock(&partition->lock);
    return beyond;
}

enum holm_status holm_engine_admit_beyond(struct holm_engine *engine, bool *beyond)
{
    struct holm_vector list;
    holm_vector_init(&list, &engine->config.allocator);
    uint32_t index = holm_engine_list(engine);
    enum holm_status status = holm_replica_report(engine->partitions[index].incoming, &list);
    *beyond = false;
    for (uint32_t i = 0; status == HOLM_OK && i < engine->config.partitions; i++)
        *beyond |= is_beyond(engine, i, holm_vector_view(&list));
    holm_vector_release(&list);
    return status;
}

/* ---- the journal, read */

struct holm_op *holm_engine_journal_batch(struct holm_engine *engine, uint32_t index, size_t k,
                                          size_t *count)
{
    const struct holm_journal *journal = &engine->partitions[index].journal;
    HOLM_ASSERT(k < holm_journal_count(journal));
    k += journal->minted;
    size_t first = k == 0 ? 0 : journal->ends[k - 1];
    *count = journal->ends[k] - first;
    struct holm_op *ops = holm_allocate(&engine->config.allocator, *count * sizeof *ops);
    for (size_t i = 0; ops != NULL && i < *count; i++)
        ops[i] = journal->ops[first + i].op;
    return ops;
}

static enum holm_status replay(struct holm_engine *engine, uint32_t index,
                               struct holm_replica *home, struct holm_now now)
{
    const struct holm_journal *journal = &engine->partitions[index].journal;
    enum holm_status status = HOLM_OK;
    for (size_t k = 0; status == HOLM_OK && k < holm_journal_count(journal); k++) {
        size_t count;
        struct holm_op *ops = holm_engine_journal_batch(engine, index, k, &count);
        const struct holm_work *work;
        if (ops == NULL)
            return HOLM_ENOMEM;
        struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {ops, count}};
        /* What was refused meanwhile is when it is minted, too. */
        if (holm_replica_step(home, &event, now, &work) == HOLM_ENOMEM)
            status = HOLM_ENOMEM;
        holm_deallocate(&engine->config.allocator, ops, count * sizeof *ops);
    }
    return status;
}

static enum holm_status make_home(struct holm_engine *engine, uint32_t index, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    const struct holm_work *work;
    struct holm_replica *home;
    enum holm_status status = holm_replica_copy(partition->replica, now, &work, &home);
    holm_engine_work(engine, index, partition->replica, work);
    if (status == HOLM_OK)
        status = replay(engine, index, home, now);
    if (status == HOLM_OK)
        partition->home = home;
    else
        holm_replica_free(home);
    return status;
}

/* ---- putting in place */

/* In place of what the old replica had. */
static void store_anew(struct holm_engine *engine, uint32_t index, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    partition->syncs = UINT64_MAX;
    const struct holm_work *work = holm_engine_save(engine, index, now);
    if (work != NULL)
        holm_engine_work(engine, index, partition->replica, work);
}

struct minting {
    struct holm_engine *engine;
    uint32_t index;
    struct holm_now now;
};

/* What has become of writes, to be told when no lock is held. */
struct outcome {
    struct holm_remint remint;
    struct holm_lost_list lost;
    uint64_t refused; /* of the journal */
    uint64_t waiting; /* batches of it that memory was refused for, or for what comes before them */
    bool waits;       /* it is to go on later */
    enum holm_status status; /* of what should not fail */
    bool unstored;           /* a part of it is not as it was to be stored */
    bool taken;              /* the state is a member's; else it was gathered, or is its own */
};

struct replacing {
    struct minting minting;
    struct outcome *outcome;
};

static enum holm_status mint(void *context, const struct holm_op *ops, size_t count)
{
    struct minting *minting = context;
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {ops, count}};
    struct holm_engine_commit commit = {.ops = ops, .count = count};
    return holm_engine_step(minting->engine, minting->index, &event, minting->now, &commit);
}

/* Every peer that is up, to a replica that knows of one or none. */
static void introduce(struct holm_engine *engine, uint32_t index, struct holm_now now)
{
    for (uint32_t slot = 0; slot < engine->config.peers_max; slot++) {
        const struct holm_engine_standing *standing = &engine->members->standings[slot];
        struct holm_event up = {.type = HOLM_EVENT_PEER_UP};
        if (!standing->up)
            continue;
        pthread_mutex_lock(&engine->roster_lock);
        up.as.peer.feeds = (holm_roster_features(engine->roster, slot) & HOLM_FEATURE_FEEDS) != 0;
        pthread_mutex_unlock(&engine->roster_lock);
        up.as.peer.peer = slot;
        up.as.peer.actor = standing->actor;
        if (holm_engine_step(engine, index, &up, now, NULL) == HOLM_OK) {
            holm_replica_peer_founding(engine->partitions[index].replica, slot,
                                       &standing->founding);
            holm_replica_peer_member(engine->partitions[index].replica, slot, standing->confirmed);
        }
        holm_engine_relay_changed(engine, slot, now);
    }
}

static enum holm_status mint_anew(void *context, const struct holm_op *ops, size_t count)
{
    struct replacing *replacing = context;
    return mint(&replacing->minting, ops, count);
}

static void lose(void *context, const struct holm_lost *lost)
{
    struct replacing *replacing = context;
    holm_lost_add(&replacing->outcome->lost, replacing->minting.index, lost);
}

/* Whoever watches sees the state once more that is about to go, and what came of it. */
static void tell_replacing(struct holm_engine *engine, uint32_t index, bool done)
{
    const struct holm_witness *witness = atomic_load_explicit(&engine->witness,
                                                              memory_order_acquire);
    if (witness != NULL && witness->replacing != NULL && index < engine->config.partitions)
        witness->replacing(witness->context, index, done);
}

/* What is written anew is a run of its own: how far copies go is told by their last operation. */
static enum holm_status remint_apart(struct holm_engine *engine, uint32_t index,
                                     struct replacing *replacing)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_reminter reminter = {mint_anew, lose, replacing};
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    struct holm_remint *remint = &partition->remint;
    enum holm_status status = HOLM_OK;
    if (remint->place.begun)
        status = holm_engine_step(engine, index, &flush, replacing->minting.now, NULL);
    if (status == HOLM_OK)
        status = holm_replica_remint(partition->leaving, partition->replica, &reminter,
                                     &partition->origins, remint);
    if (status == HOLM_OK && remint->minted > 0)
        status = holm_engine_step(engine, index, &flush, replacing->minting.now, NULL);
    return status;
}

static void let_go(struct holm_engine_partition *partition, struct outcome *outcome)
{
    outcome->remint.minted += partition->remint.minted;
    outcome->remint.dropped += partition->remint.dropped;
    holm_replica_free(partition->leaving);
    partition->leaving = NULL;
    partition->remint = (struct holm_remint){0};
}

/* What is replaced stays until all of it is written anew that is to be. */
static enum holm_status write_anew(struct holm_engine *engine, uint32_t index, struct holm_now now,
                                   struct outcome *outcome)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct replacing replacing = {{engine, index, now}, outcome};
    if (partition->leaving == NULL)
        return HOLM_OK;
    enum holm_status status = remint_apart(engine, index, &replacing);
    if (status == HOLM_ENOMEM)
        return status;
    if (status != HOLM_OK)
        outcome->status = status;
    let_go(partition, outcome);
    return HOLM_OK;
}

/* `taken`: of a member, and not gathered. */
static enum holm_status rely(const struct holm_replica *replica, const struct holm_replica *old,
                             bool taken, bool replace)
{
    return taken ? holm_replica_rely_anew(replica, replace ? NULL : old)
                 : holm_replica_rely(replica);
}

/* `old` is replaced. One that still waits from the last time has no other chance than this one. */
static void leave(struct holm_engine *engine, uint32_t index, struct holm_replica *old,
                  struct holm_now now, struct outcome *outcome)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    if (write_anew(engine, index, now, outcome) != HOLM_OK) {
        outcome->status = HOLM_ENOMEM;
        let_go(partition, outcome);
    }
    partition->leaving = old;
    enum holm_status status = write_anew(engine, index, now, outcome);
    (void)status; /* settle() goes on with it */
}

static void put_in_place(struct holm_engine *engine, uint32_t index, bool replace,
                         struct holm_now now, struct outcome *outcome)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_replica *old = partition->replica;
    struct holm_work all = {.touched_all = true, .wake_us = now.monotonic_us};
    holm_engine_still_drop(partition);
    partition->replica = partition->incoming;
    partition->incoming = NULL;
    partition->receiving = false;
    enum holm_status status = rely(partition->replica, old, outcome->taken, replace);
    store_anew(engine, index, now); /* and what S was grown under */
    holm_replica_fence(partition->replica, true);
    holm_replica_follow_after(partition->replica, old);
    introduce(engine, index, now);
    if (status != HOLM_OK)
        outcome->status = status;
    if (replace && index < engine->config.partitions)
        leave(engine, index, old, now, outcome);
    else
        holm_replica_free(old);
    if (index < engine->config.partitions)
        holm_engine_work(engine, index, partition->replica, &all);
}

/* HOLM_ENOMEM: the rest waits. */
static enum holm_status mint_journal(struct holm_engine *engine, uint32_t index,
                                     struct holm_now now, struct outcome *outcome)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct minting minting = {engine, index, now};
    while (holm_journal_count(&partition->journal) > 0) {
        size_t count;
        struct holm_op *ops = holm_engine_journal_batch(engine, index, 0, &count);
        if (ops == NULL)
            return HOLM_ENOMEM;
        enum holm_status status = mint(&minting, ops, count);
        holm_deallocate(&engine->config.allocator, ops, count * sizeof *ops);
        if (status == HOLM_ENOMEM)
            return status;
        outcome->refused += status != HOLM_OK ? count : 0;
        holm_journal_drop_first(&partition->journal);
    }
    return HOLM_OK;
}

/* What was minted is stored when it is sealed, and then alone it may leave the journal. */
static void seal_minted(struct holm_engine *engine, uint32_t index, struct holm_now now,
                        struct outcome *outcome)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    enum holm_status status = holm_engine_step(engine, index, &flush, now, NULL);
    if (status == HOLM_OK && index < engine->config.partitions)
        status = holm_engine_store_minted(engine, index);
    outcome->unstored |= status != HOLM_OK;
    /* What is replaced is on the disk still, and stays there. */
    outcome->unstored |= engine->partitions[index].leaving != NULL &&
                         holm_store_keeps(engine->store);
}

/* Writes go on through the journal while some wait there: they keep their order. */
static void settle(struct holm_engine *engine, uint32_t index, struct holm_now now,
                   struct outcome *outcome)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    holm_replica_free(partition->home);
    partition->home = NULL;
    enum holm_status status = write_anew(engine, index, now, outcome);
    if (status == HOLM_OK)
        status = mint_journal(engine, index, now, outcome);
    partition->provisional = status != HOLM_OK;
    seal_minted(engine, index, now, outcome);
    if (!partition->provisional)
        return;
    outcome->waits = true;
    outcome->waiting += holm_journal_count(&partition->journal);
    status = make_home(engine, index, now);
    (void)status; /* the next write tries again */
}

/* Tells of it the first time. */
static void settle_later(struct holm_engine *engine, const struct outcome *outcome,
                         struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    if (outcome->waits && members->settle_us == HOLM_NEVER)
        holm_log_tell(&engine->config.log, now, HOLM_LOG_JOURNAL_WAITS,
                      HOLM_LOG_VALUES(holm_log_number(outcome->waiting)));
    members->settle_us = outcome->waits ? now.monotonic_us + SETTLE_US : HOLM_NEVER;
}

static void tell_outcome(struct holm_engine *engine, const struct outcome *outcome,
                         struct holm_now now)
{
    const struct holm_remint *remint = &outcome->remint;
    pthread_mutex_lock(&engine->roster_lock);
    engine->members->figures.reminted += remint->minted;
    engine->members->figures.dropped += remint->dropped;
    engine->members->figures.refused += outcome->refused;
    pthread_mutex_unlock(&engine->roster_lock);
    if (remint->minted + remint->dropped > 0)
        holm_log_tell(
            &engine->config.log, now, HOLM_LOG_WRITES_REMINTED,
            HOLM_LOG_VALUES(holm_log_number(remint->minted), holm_log_number(remint->dropped)));
    holm_lost_tell(&outcome->lost, &engine->config.log, now);
    if (outcome->refused > 0)
        holm_log_tell(&engine->config.log, now, HOLM_LOG_JOURNAL_REFUSED,
                      HOLM_LOG_VALUES(holm_log_number(outcome->refused)));
    if (outcome->status != HOLM_OK)
        holm_log_tell(&engine->config.log, now, HOLM_LOG_RETURN_FAILED,
                      HOLM_LOG_VALUES(holm_log_status(outcome->status)));
}

/* As far as any forget that stands names its node. */
static struct holm_actor furthest(const struct holm_members *known, struct holm_actor subject)
{
    for (size_t i = 0; i < known->forget_count; i++) {
        const struct holm_member_forget *forget = &known->forgets[i];
        if (forget->stands && forget->subject.node.value == subject.node.value &&
            forget->subject.epoch.value > subject.epoch.value)
            subject = forget->subject;
    }
    return subject;
}

/* Whether a forget is the first that stands of its node, which has no row here. */
static bool is_unlisted(const struct holm_members *known, size_t index)
{
    const struct holm_member_forget *forgets = known->forgets;
    if (!forgets[index].stands || holm_members_find(known, forgets[index].subject.node) != NULL)
        return false;
    for (size_t i = 0; i < index; i++)
        if (forgets[i].stands && forgets[i].subject.node.value == forgets[index].subject.node.value)
            return false;
    return true;
}

static void add_forget(struct holm_member_op *ops, size_t *count, struct holm_actor subject)
{
    ops[(*count)++] = (struct holm_member_op){.type = HOLM_MEMBER_FORGET, .subject = subject};
}

/* Admits this epoch itself, and forgets all that were listed, its own former one too; those as well that are
 * forgotten already, be it by hearsay, which goes with a restart: it has collected without them, and that forget may
 * turn out void. */
static void found(struct holm_engine *engine, const struct holm_heard *self_before,
                  struct holm_now now)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    struct holm_actor self = holm_replica_self(
        engine->partitions[holm_engine_list(engine)].replica);
    size_t bytes = (known->count + known->forget_count + 1) * sizeof(struct holm_member_op);
    struct holm_member_op *ops = holm_allocate(&engine->config.allocator, bytes);
    enum holm_status status = ops == NULL ? HOLM_ENOMEM : HOLM_OK;
    if (status == HOLM_OK) {
        size_t count = 1;
        ops[0] = (struct holm_member_op){
            .type = HOLM_MEMBER_ADMIT,
            .subject = self,
            .base = self_before->former,
            .state = self_before->former.value == 0 ? 0 : self_before->state,
            .last = known->founding.generation + 1,
        };
        for (size_t i = 0; i < known->count; i++)
            add_forget(ops, &count, furthest(known, known->rows[i].actor));
        for (size_t i = 0; i < known->forget_count; i++)
            if (is_unlisted(known, i))
                add_forget(ops, &count, furthest(known, known->forgets[i].subject));
        status = holm_engine_list_write(engine, ops, count, now);
        holm_deallocate(&engine->config.allocator, ops, bytes);
    }
    if (status != HOLM_OK)
        holm_membership_lost(engine->members->machine, HOLM_PEER_NONE, "it could not found", now);
}

/* In one piece: a write of another thread comes before all of it, or behind. `replace`: NULL, when nothing was
 * taken. */
static void go_on(struct holm_engine *engine, uint32_t index, const bool *replace,
                  struct holm_now now, struct outcome *outcome)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    if (replace != NULL && *replace)
        tell_replacing(engine, index, false);
    pthread_mutex_lock(&partition->lock);
    if (replace != NULL)
        put_in_place(engine, index, *replace, now, outcome);
    if (replace != NULL && *replace)
        tell_replacing(engine, index, true);
    holm_replica_fence(partition->replica, true);
    settle(engine, index, now, outcome);
    pthread_mutex_unlock(&partition->lock);
}

void holm_engine_admit_confirm(struct holm_engine *engine,
                               const struct holm_membership_action *action, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    bool begun = members->begun;
    struct outcome outcome = {.status = HOLM_OK, .taken = !members->gathering};
    struct holm_heard before = holm_engine_members_self(engine, holm_engine_list_members(engine));
    before.former = action->epoch;
    members->begun = members->gathering = members->replacing = false;
    members->confirmed = true;
    holm_engine_store_begin(engine);
    for (uint32_t k = engine->partition_count; k > 0; k--)
        go_on(engine, k - 1, begun ? &action->replace : NULL, now, &outcome);
    tell_outcome(engine, &outcome, now);
    if (action->type == HOLM_MEMBERSHIP_FOUND)
        found(engine, &before, now);
    outcome.unstored |= holm_engine_store_former(engine, holm_engine_members_actor(engine).epoch) !=
                        HOLM_OK;
    holm_engine_store_end(engine, !outcome.unstored);
    settle_later(engine, &outcome, now);
    pthread_mutex_lock(&engine->roster_lock);
    members->figures.replaced += begun && action->replace;
    pthread_mutex_unlock(&engine->roster_lock);
}

void holm_engine_admit_settle(struct holm_engine *engine, struct holm_now now)
{
    struct outcome outcome = {.status = HOLM_OK};
    holm_engine_store_begin(engine);
    for (uint32_t i = 0; i < engine->config.partitions; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        if (engine->partitions[i].provisional)
            settle(engine, i, now, &outcome);
        pthread_mutex_unlock(&engine->partitions[i].lock);
    }
    tell_outcome(engine, &outcome, now);
    outcome.unstored |= holm_engine_store_former(engine, holm_engine_members_actor(engine).epoch) !=
                        HOLM_OK;
    holm_engine_store_end(engine, !outcome.unstored);
    settle_later(engine, &outcome, now);
}

/* ---- before that: the journal */

static void observe(struct holm_engine *engine, uint32_t index, const struct holm_work *work)
{
    const struct holm_observer *observer = atomic_load_explicit(&engine->observer,
                                                                memory_order_acquire);
    if (observer != NULL && (work->touched_count > 0 || work->touched_all))
        observer->touched(observer->context, index, work->touched, work->touched_count,
                          work->touched_all);
}

/* Whether there is room is asked first: a step at home can be taken back by making it anew alone. */
enum holm_status holm_engine_journal(struct holm_engine *engine, uint32_t index,
                                     const struct holm_op *ops, size_t count, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {ops, count}};
    const struct holm_work *work;
    enum holm_status status = partition->home == NULL ? make_home(engine, index, now) : HOLM_OK;
    if (status == HOLM_OK)
        status = holm_journal_add(&partition->journal, ops, count);
    if (status != HOLM_OK)
        return status;
    status = holm_replica_step(partition->home, &event, now, &work);
    if (status != HOLM_OK) {
        holm_journal_drop_last(&partition->journal);
        return status;
    }
    status = holm_engine_store_batch(engine, index, ops, count);
    if (status == HOLM_OK) {
        observe(engine, index, work);
        return HOLM_OK;
    }
    /* What cannot be kept must not be seen. */
    holm_journal_drop_last(&partition->journal);
    holm_replica_free(partition->home);
    partition->home = NULL;
    enum holm_status remade = make_home(engine, index, now);
    (void)remade; /* the next write tries again */
    return status;
}

enum holm_status holm_engine_journal_open(struct holm_engine *engine, uint32_t index,
                                          struct holm_now now)
{
    enum holm_status status = holm_engine_load_journal(engine, index);
    if (status == HOLM_OK && holm_journal_count(&engine->partitions[index].journal) > 0)
        status = make_home(engine, index, now);
    return status;
}
