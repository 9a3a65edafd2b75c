/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

struct holm_actor holm_engine_members_actor(const struct holm_engine *engine)
{
    return holm_replica_self(engine->partitions[holm_engine_list(engine)].replica);
}

static bool is_data(const struct holm_engine *engine, uint32_t index)
{
    return index < engine->config.partitions;
}

static void act(struct holm_engine *engine, struct holm_now now);

/* ---- what is said ---------------------------------------------------------------------------- */

void holm_engine_members_talk(struct holm_engine *engine, uint32_t peer,
                              const struct holm_message *message, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    if (peer == HOLM_PEER_NONE || !members->standings[peer].up ||
        !holm_actor_equal(members->standings[peer].actor, message->sender))
        return;
    if (message->type == HOLM_MESSAGE_STANDING)
        holm_engine_standing_take(engine, peer, &message->as.standing, now);
    else if (message->type == HOLM_MESSAGE_JOIN)
        holm_engine_join_take(engine, peer, &message->as.join, now);
    else if (message->type == HOLM_MESSAGE_JOINED)
        holm_membership_answered(members->machine, peer, &message->as.joined, now);
    /* At once: what follows over the same link is meant for what is begun now. */
    act(engine, now);
}

/* ---- who comes and goes --------------------------------------------------------------------- */

void holm_engine_members_up(struct holm_engine *engine, uint32_t peer, struct holm_actor actor,
                            struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    struct holm_engine_standing *standing = &members->standings[peer];
    struct holm_engine_standing fresh = {.up = true,
                                         .actor = actor,
                                         .list = standing->list,
                                         .hearsay = standing->hearsay,
                                         .hearsay_capacity = standing->hearsay_capacity};
    holm_vector_clear(&fresh.list);
    *standing = fresh;
    holm_membership_peer_up(members->machine, peer, actor, now);
    holm_engine_standing_tell(engine, peer);
}

void holm_engine_members_down(struct holm_engine *engine, uint32_t peer, struct holm_now now)
{
    engine->members->standings[peer].up = engine->members->standings[peer].told = false;
    holm_membership_peer_down(engine->members->machine, peer, now);
}

void holm_engine_members_epoch(struct holm_engine *engine, struct holm_epoch epoch,
                               struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    members->confirmed = false;
    members->defers = (struct holm_actor){{0}, {0}};
    holm_membership_epoch(members->machine, epoch, now);
    act(engine, now);
}

/* Whether this peer, no member itself, may be given what is here; then it is noted. Not any more once a
 * member was asked: this very epoch may be one when the answer comes. */
static bool serve(const struct holm_engine *engine, uint32_t peer)
{
    const struct holm_engine_members *members = engine->members;
    struct holm_actor former = {holm_engine_members_actor(engine).node,
                                holm_membership_former(members->machine)};
    enum holm_membership_state state = holm_membership_state(members->machine);
    bool idle = state == HOLM_MEMBER_WAITING || state == HOLM_MEMBER_GATHERING;
    bool may = idle && peer != HOLM_PEER_NONE && members->standings[peer].told &&
               !members->standings[peer].confirmed &&
               !holm_admission_replaces(holm_engine_list_members(engine), former);
    if (may)
        holm_membership_served(members->machine);
    return may;
}

enum holm_engine_way holm_engine_members_way(const struct holm_engine *engine, uint32_t peer,
                                             const struct holm_message *message)
{
    const struct holm_engine_members *members = engine->members;
    if (members->confirmed)
        return HOLM_ENGINE_REPLICA;
    bool ours = members->begun && peer != HOLM_PEER_NONE &&
                (members->gathering ? !members->standings[peer].confirmed
                                    : holm_actor_equal(message->sender, members->member));
    if (message->type == HOLM_MESSAGE_PULL || message->type == HOLM_MESSAGE_SYNC_OPEN ||
        message->type == HOLM_MESSAGE_SYNC_NEXT || message->type == HOLM_MESSAGE_SYNC_ASK ||
        message->type == HOLM_MESSAGE_SYNC_CLOSE)
        return serve(engine, peer) ? HOLM_ENGINE_REPLICA : HOLM_ENGINE_NOBODY;
    if (message->type == HOLM_MESSAGE_REPORT && message->as.reported.provisional)
        return ours ? HOLM_ENGINE_BOTH : HOLM_ENGINE_REPLICA;
    if (message->type == HOLM_MESSAGE_REPORT && message->as.reported.number == 0)
        return HOLM_ENGINE_REPLICA; /* what it has heard, and nothing else */
    if (message->type == HOLM_MESSAGE_BEACON || message->type == HOLM_MESSAGE_DELTAS ||
        message->type == HOLM_MESSAGE_SYNC_CUT || message->type == HOLM_MESSAGE_SYNC_PAGE ||
        message->type == HOLM_MESSAGE_SYNC_TELL || message->type == HOLM_MESSAGE_REPORT)
        return ours ? HOLM_ENGINE_INCOMING : HOLM_ENGINE_NOBODY;
    return HOLM_ENGINE_NOBODY;
}

/* ---- what the machine wants done ------------------------------------------------------------ */

bool holm_engine_members_lost(struct holm_engine *engine)
{
    bool lost = holm_membership_is_lost(engine->members->machine);
    for (uint32_t i = 0; !lost && i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        lost = holm_replica_betrayed(partition->replica);
        pthread_mutex_unlock(&partition->lock);
    }
    return lost;
}

static void ask(struct holm_engine *engine, uint32_t peer)
{
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_JOIN;
    message.as.join.lost = holm_engine_members_lost(engine);
    holm_engine_standing_tell(engine, peer);
    holm_engine_members_send(engine, peer, &message);
}

static void become_member(struct holm_engine *engine, const struct holm_membership_action *action,
                          struct holm_now now)
{
    holm_engine_admit_confirm(engine, action, now);
    holm_engine_tunnel_end(engine, holm_engine_members_actor(engine), now);
    holm_engine_hearsay_repeat(engine, now);
    engine->members->hearsay_count = 0;
    holm_engine_beacon_all(engine, now);
}

static void perform(struct holm_engine *engine, const struct holm_membership_action *action,
                    struct holm_now now)
{
    enum holm_status status = HOLM_OK;
    switch (action->type) {
    case HOLM_MEMBERSHIP_ASK:
        ask(engine, action->peer);
        break;
    case HOLM_MEMBERSHIP_EPOCH:
        pthread_mutex_lock(&engine->roster_lock);
        holm_roster_epoch(engine->roster, action->epoch, now);
        pthread_mutex_unlock(&engine->roster_lock);
        break;
    case HOLM_MEMBERSHIP_BEGIN:
        status = holm_engine_admit_begin(engine, action, now);
        break;
    case HOLM_MEMBERSHIP_GATHER:
        status = holm_engine_admit_gather(engine, now);
        break;
    case HOLM_MEMBERSHIP_ABANDON:
        holm_engine_admit_abandon(engine);
        break;
    case HOLM_MEMBERSHIP_CONFIRM:
    case HOLM_MEMBERSHIP_FOUND:
        become_member(engine, action, now);
        break;
    case HOLM_MEMBERSHIP_TELL:
        holm_engine_standing_tell(engine, HOLM_PEER_NONE);
        break;
    case HOLM_MEMBERSHIP_NOTE:
        holm_log_tell_packed(&engine->config.log, now, action->event, action->text);
        break;
    }
    if (status != HOLM_OK) /* nothing comes of it, and it is tried again after a while */
        holm_log_tell(&engine->config.log, now, HOLM_LOG_STATE_UNTAKEN,
                      HOLM_LOG_VALUES(holm_log_status(status)));
}

static void act(struct holm_engine *engine, struct holm_now now)
{
    struct holm_membership_action action;
    while (holm_membership_next(engine->members->machine, &action))
        perform(engine, &action, now);
}

/* ---- time ----------------------------------------------------------------------------------- */

static void look_whether_whole(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    if (!members->begun)
        return;
    if (!members->gathering && holm_engine_admit_progressed(engine))
        holm_membership_progress(members->machine, now);
    if (members->gathering && holm_engine_admit_gather_more(engine, now) != HOLM_OK)
        return; /* the next time */
    if (!holm_engine_admit_whole(engine))
        return;
    bool beyond = false;
    if (!members->gathering && !members->replacing &&
        holm_engine_admit_beyond(engine, &beyond) != HOLM_OK)
        return; /* the next time */
    if (beyond)
        holm_membership_refuse(members->machine, now);
    else
        holm_membership_whole(members->machine, now);
}

static void note_figures(struct holm_engine *engine)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    uint32_t count = 0;
    for (size_t i = 0; i < known->count; i++)
        count += !known->rows[i].forgotten;
    pthread_mutex_lock(&engine->roster_lock);
    engine->members->figures.confirmed = engine->members->confirmed;
    engine->members->figures.members = count;
    pthread_mutex_unlock(&engine->roster_lock);
}

void holm_engine_members_tick(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    if (members->admitted) {
        /* Once a turn: told of each one, all that have come at once would be told to all as often. */
        members->admitted = false;
        holm_engine_members_report(engine, now);
    }
    act(engine, now); /* what was given up is not looked at */
    holm_engine_list_spread(engine, now);
    look_whether_whole(engine, now);
    if (members->confirmed) {
        if (members->settle_us <= now.monotonic_us)
            holm_engine_admit_settle(engine, now);
        holm_engine_forget_asked(engine, now);
        holm_engine_leavers_tick(engine, now);
        holm_engine_members_look(engine, now);
    }
    if (members->confirmed && members->collect_us <= now.monotonic_us) {
        members->collect_us = now.monotonic_us + engine->config.collect_interval_us;
        holm_engine_forget_absent(engine, now);
        holm_engine_collect(engine, now);
    }
    act(engine, now);
    if (!members->confirmed)
        holm_engine_members_defer(engine, now);
    (void)holm_membership_tick(members->machine, now);
    act(engine, now);
    note_figures(engine);
    holm_engine_roll_look(engine);
}

uint64_t holm_engine_members_due_us(const struct holm_engine *engine)
{
    if (engine->members == NULL)
        return HOLM_NEVER;
    uint64_t due_us = holm_membership_due_us(engine->members->machine);
    if (engine->members->confirmed && engine->members->collect_us < due_us)
        due_us = engine->members->collect_us;
    if (engine->members->confirmed && engine->members->settle_us < due_us)
        due_us = engine->members->settle_us;
    uint64_t leavers_us = holm_engine_leavers_due_us(engine);
    due_us = leavers_us < due_us ? leavers_us : due_us;
    return due_us;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* What was stored without ever having been confirmed is no state. */
static enum holm_status start_empty(struct holm_engine *engine, struct holm_now now)
{
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; status == HOLM_OK && i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        struct holm_replica *empty;
        if (holm_replica_vector(partition->replica, NULL, 0) == 0)
            continue;
        status = holm_replica_another(partition->replica, &empty);
        if (status != HOLM_OK)
            return status;
        holm_replica_free(partition->replica);
        partition->replica = empty;
        partition->syncs = UINT64_MAX;
        (void)holm_engine_save(engine, i, now);
    }
    return status;
}

static enum holm_status members_new(struct holm_engine *engine)
{
    const struct holm_allocator *allocator = &engine->config.allocator;
    struct holm_engine_members *members = holm_allocate(allocator, sizeof *members);
    if (members == NULL)
        return HOLM_ENOMEM;
    memset(members, 0, sizeof *members);
    engine->members = members;
    members->standings = holm_allocate(allocator,
                                       engine->config.peers_max * sizeof *members->standings);
    members->heard = holm_allocate(allocator, engine->config.peers_max * sizeof *members->heard);
    members->leavers = holm_allocate(allocator,
                                     engine->config.peers_max * sizeof *members->leavers);
    if (members->standings == NULL || members->heard == NULL || members->leavers == NULL)
        return HOLM_ENOMEM;
    memset(members->standings, 0, engine->config.peers_max * sizeof *members->standings);
    for (uint32_t i = 0; i < engine->config.peers_max; i++)
        holm_vector_init(&members->standings[i].list, allocator);
    return HOLM_OK;
}

static enum holm_status machine_new(struct holm_engine *engine, struct holm_epoch former,
                                    struct holm_now now)
{
    struct holm_membership_config config = holm_membership_config_default();
    config.allocator = engine->config.allocator;
    config.self = engine->config.self;
    config.former = former;
    config.now = now;
    config.founds = engine->config.founds;
    config.wait_us = engine->config.link_timeout_us;
    config.peers_max = engine->config.peers_max;
    config.random_seed = holm_random_next(&engine->random);
    return holm_membership_new(&config, &engine->members->machine);
}

enum holm_status holm_engine_members_open(struct holm_engine *engine, struct holm_now now)
{
    enum holm_status status = members_new(engine);
    if (status != HOLM_OK)
        return status;
    engine->members->collect_us = now.monotonic_us + engine->config.collect_interval_us;
    engine->members->settle_us = HOLM_NEVER;
    engine->members->news_all = true;
    holm_engine_list_spread(engine, now);
    if (engine->members->news_all)
        return HOLM_ENOMEM;
    struct holm_epoch former;
    status = holm_engine_load_former(engine, &former);
    if (status == HOLM_OK && former.value == 0)
        status = start_empty(engine, now);
    for (uint32_t i = 0; status == HOLM_OK && i < engine->partition_count; i++) {
        engine->partitions[i].provisional = true;
        if (is_data(engine, i))
            status = holm_engine_journal_open(engine, i, now);
    }
    return status == HOLM_OK ? machine_new(engine, former, now) : status;
}

static void release_standing(const struct holm_allocator *allocator,
                             struct holm_engine_standing *standing)
{
    holm_vector_release(&standing->list);
    holm_array_free(allocator, standing->hearsay, standing->hearsay_capacity,
                    sizeof *standing->hearsay);
}

void holm_engine_members_free(struct holm_engine *engine)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_allocator *allocator = &engine->config.allocator;
    if (members == NULL)
        return;
    holm_membership_free(members->machine);
    for (uint32_t i = 0; members->standings != NULL && i < engine->config.peers_max; i++)
        release_standing(allocator, &members->standings[i]);
    holm_deallocate(allocator, members->standings,
                    engine->config.peers_max * sizeof *members->standings);
    holm_deallocate(allocator, members->heard, engine->config.peers_max * sizeof *members->heard);
    holm_deallocate(allocator, members->leavers,
                    engine->config.peers_max * sizeof *members->leavers);
    holm_array_free(allocator, members->news, members->news_capacity, sizeof *members->news);
    holm_array_free(allocator, members->hearsay, members->hearsay_capacity,
                    sizeof *members->hearsay);
    holm_array_free(allocator, members->told, members->told_capacity, sizeof *members->told);
    holm_array_free(allocator, members->absent, members->absent_capacity, sizeof *members->absent);
    holm_array_free(allocator, members->forgotten, members->forgotten_capacity,
                    sizeof *members->forgotten);
    holm_deallocate(allocator, members, sizeof *members);
    engine->members = NULL;
}
