/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

/* ---- what this node says of itself ---------------------------------------------------------- */

static enum holm_status tell_op(struct holm_engine *engine, size_t *count, struct holm_member_op op)
{
    struct holm_engine_members *members = engine->members;
    void *told = members->told;
    enum holm_status status = holm_array_reserve(&engine->config.allocator, &told,
                                                 &members->told_capacity, sizeof *members->told,
                                                 *count + 1);
    members->told = told;
    if (status == HOLM_OK)
        members->told[(*count)++] = op;
    return status;
}

/* An epoch that admitted itself founded; which generation that was is known of the last founding alone. */
static struct holm_member_op admission_op(const struct holm_members *known,
                                          const struct holm_member_admission *admission)
{
    const struct holm_member_row *row = holm_members_find(known, admission->subject.node);
    struct holm_member_op op = {.type = HOLM_MEMBER_ADMIT,
                                .dot = admission->dot,
                                .subject = admission->subject,
                                .base = row->base,
                                .state = row->state};
    struct holm_founding founding = {known->founding.generation, admission->dot};
    if (holm_actor_equal(admission->subject, admission->dot.actor))
        op.last = holm_founding_compare(&known->founding, &founding) == 0
                      ? known->founding.generation
                      : 1;
    return op;
}

/* Of the state that is not confirmed yet; of no use in a member. */
static uint64_t state_hash(struct holm_engine *engine)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; !engine->members->confirmed && i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        sum += holm_replica_vector_hash(partition->replica);
        pthread_mutex_unlock(&partition->lock);
    }
    return sum;
}

struct holm_heard holm_engine_members_self(struct holm_engine *engine,
                                           const struct holm_members *known)
{
    return (struct holm_heard){.actor = holm_engine_members_actor(engine),
                               .former = holm_membership_former(engine->members->machine),
                               .state = state_hash(engine),
                               .founding = known->founding};
}

struct holm_heard holm_engine_members_peer(const struct holm_engine_standing *standing)
{
    return (struct holm_heard){.actor = standing->actor,
                               .former = standing->former,
                               .state = standing->state,
                               .confirmed = standing->confirmed,
                               .lost = standing->lost,
                               .founding = standing->founding,
                               .defers = standing->defers,
                               .list = holm_vector_view(&standing->list)};
}

static enum holm_status fill_standing(struct holm_engine *engine, struct holm_standing *standing)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_members *known = holm_engine_list_members(engine);
    struct holm_actor former = {holm_engine_members_actor(engine).node,
                                holm_membership_former(members->machine)};
    enum holm_status status = HOLM_OK;
    size_t count = 0;
    for (size_t i = 0; status == HOLM_OK && i < known->admission_count; i++)
        status = tell_op(engine, &count, admission_op(known, &known->admissions[i]));
    for (size_t i = 0; status == HOLM_OK && i < known->forget_count; i++)
        status = tell_op(engine, &count,
                         (struct holm_member_op){.type = HOLM_MEMBER_FORGET,
                                                 .dot = known->forgets[i].dot,
                                                 .subject = known->forgets[i].subject});
    *standing = (struct holm_standing){.confirmed = members->confirmed,
                                       .former = former.epoch,
                                       .state = state_hash(engine),
                                       .lost = !members->confirmed &&
                                               holm_engine_members_lost(engine),
                                       .defers = members->defers,
                                       .list = holm_engine_list_vector(engine),
                                       .ops = members->told,
                                       .op_count = count};
    if (!holm_admission_replaces(known, former))
        standing->founding = known->founding;
    return status;
}

void holm_engine_members_send(struct holm_engine *engine, uint32_t peer,
                              struct holm_message *message)
{
    message->sender = holm_roster_self(engine->roster);
    enum holm_status status = holm_outgoing_put(&engine->outgoing, peer, message);
    (void)status; /* counted there; what is not answered is said again */
}

/* To one peer, or to all that are up. */
void holm_engine_standing_tell(struct holm_engine *engine, uint32_t peer)
{
    struct holm_engine_members *members = engine->members;
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_STANDING;
    if (fill_standing(engine, &message.as.standing) != HOLM_OK)
        return;
    for (uint32_t i = 0; i < engine->config.peers_max; i++) {
        if (members->standings[i].up && (peer == HOLM_PEER_NONE || peer == i))
            holm_engine_members_send(engine, i, &message);
    }
}

static uint64_t list_hash(const struct holm_engine *engine)
{
    struct holm_vector_view none = {NULL, 0};
    const struct holm_members *known = holm_engine_list_members(engine);
    return holm_vector_hash(holm_engine_list_vector(engine), none, 0) + known->forget_count;
}

void holm_engine_members_report(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    for (uint32_t i = 0; i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        const struct holm_work *work;
        pthread_mutex_lock(&partition->lock);
        enum holm_status status = holm_replica_tell(partition->replica, !members->confirmed, now,
                                                    &work);
        holm_engine_work(engine, i, partition->replica, work);
        pthread_mutex_unlock(&partition->lock);
        (void)status; /* with the next beacon, then */
    }
    if (!members->confirmed)
        holm_engine_tunnel_tick(engine, now);
    /* What was said while a link was not proven is lost, so that who is provisional says it again. */
    uint64_t hash = list_hash(engine);
    if (hash == members->told_hash && members->confirmed)
        return;
    members->told_hash = hash;
    holm_engine_standing_tell(engine, HOLM_PEER_NONE);
}

/* ---- when somebody is lost ------------------------------------------------------------------ */

/* Whether the other is lost on meeting this node, as far as can be told from here. */
static bool is_mutual(struct holm_engine *engine, const struct holm_engine_standing *standing,
                      const struct holm_members *theirs)
{
    struct holm_stable none;
    struct holm_stable_self self = {
        .actor = standing->actor, .list = holm_vector_view(&standing->list), .members = theirs};
    holm_stable_init(&none, &engine->config.allocator);
    bool lost = holm_admission_lost(&none, &self, holm_engine_list_members(engine),
                                    holm_engine_list_vector(engine));
    holm_stable_release(&none);
    return lost;
}

/* `theirs`: what the peer's list comes to; with HOLM_PEER_NONE this node's own. */
static bool is_lost(struct holm_engine *engine, const struct holm_members *theirs,
                    struct holm_vector_view list)
{
    bool lost = false;
    for (uint32_t i = 0; !lost && i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        lost = holm_replica_outlived(partition->replica) ||
               holm_replica_lost(partition->replica, theirs, list);
        pthread_mutex_unlock(&partition->lock);
    }
    return lost;
}

void holm_engine_members_look(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_members *known = holm_engine_list_members(engine);
    if (!members->confirmed)
        return;
    if (is_lost(engine, known, holm_engine_list_vector(engine)))
        holm_membership_lost(members->machine, HOLM_PEER_NONE,
                             holm_members_current(known, holm_engine_members_actor(engine))
                                 ? "others have gone on without it"
                                 : "it was forgotten",
                             now);
}

/* ---- what others say of themselves ---------------------------------------------------------- */

static void keep_hearsay(struct holm_engine *engine, const struct holm_member_op *op,
                         const struct holm_founding *founding)
{
    struct holm_engine_members *members = engine->members;
    void *hearsay = members->hearsay;
    if (holm_array_reserve(&engine->config.allocator, &hearsay, &members->hearsay_capacity,
                           sizeof *members->hearsay, members->hearsay_count + 1) == HOLM_OK) {
        members->hearsay = hearsay;
        members->hearsay[members->hearsay_count++] = (struct holm_engine_hearsay){*op, *founding};
    }
}

static bool is_known_forget(const struct holm_members *known, struct holm_dot dot)
{
    for (size_t i = 0; i < known->forget_count; i++) {
        if (known->forgets[i].dot.seq == dot.seq &&
            holm_actor_equal(known->forgets[i].dot.actor, dot.actor))
            return true;
    }
    return false;
}

static void take_hearsay(struct holm_engine *engine, const struct holm_standing *standing,
                         struct holm_now now)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    if (known->founding.generation != 0 &&
        holm_founding_compare(&known->founding, &standing->founding) != 0)
        return;
    for (size_t i = 0; i < standing->op_count; i++) {
        const struct holm_member_op *op = &standing->ops[i];
        if (op->type != HOLM_MEMBER_FORGET || is_known_forget(known, op->dot) ||
            !holm_admission_hearsay(known, holm_engine_members_actor(engine), op))
            continue;
        keep_hearsay(engine, op, &standing->founding);
        holm_engine_list_believe(engine, op, now);
    }
}

void holm_engine_hearsay_bring(struct holm_engine *engine, struct holm_now now)
{
    const struct holm_engine_members *members = engine->members;
    const struct holm_engine_standing *standing = &members->standings[members->slot];
    for (size_t i = 0; members->begun && !members->gathering && i < standing->hearsay_count; i++)
        holm_engine_list_bring(engine, &standing->hearsay[i], now);
}

/* What the peer believes, and is not in its list. Without memory a part of it: it is told again. */
static void note_hearsay(struct holm_engine *engine, struct holm_engine_standing *known,
                         const struct holm_standing *standing)
{
    known->hearsay_count = 0;
    for (size_t i = 0; i < standing->op_count; i++) {
        const struct holm_member_op *op = &standing->ops[i];
        void *hearsay = known->hearsay;
        if (op->type != HOLM_MEMBER_FORGET || holm_vector_has(standing->list, op->dot))
            continue;
        if (holm_array_reserve(&engine->config.allocator, &hearsay, &known->hearsay_capacity,
                               sizeof *known->hearsay, known->hearsay_count + 1) != HOLM_OK)
            return;
        known->hearsay = hearsay;
        known->hearsay[known->hearsay_count++] = *op;
    }
}

/* Says again what it believes by hearsay alone. */
void holm_engine_hearsay_repeat(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    for (size_t i = 0; members->confirmed && i < members->hearsay_count; i++) {
        const struct holm_members *known = holm_engine_list_members(engine);
        const struct holm_engine_hearsay *hearsay = &members->hearsay[i];
        struct holm_member_op op = {.type = HOLM_MEMBER_FORGET, .subject = hearsay->op.subject};
        if (!holm_members_current(known, holm_engine_members_actor(engine)) ||
            holm_founding_compare(&known->founding, &hearsay->founding) != 0 ||
            !holm_admission_repeat(known, holm_engine_list_vector(engine), &hearsay->op))
            continue;
        enum holm_status status = holm_engine_list_write(engine, &op, 1, now);
        (void)status; /* next time */
    }
}

static bool same_list(struct holm_vector_view a, struct holm_vector_view b)
{
    const struct holm_vector_view none = {NULL, 0};
    return holm_vector_covers(a, b, none) && holm_vector_covers(b, a, none);
}

/* Whether it is to be told how this node stands: it is a member, and was none or had another list before; or it
 * still is none, and says so again, for what it was told when its link came up may have been lost. */
static bool note_standing(struct holm_engine *engine, uint32_t peer,
                          const struct holm_standing *standing)
{
    struct holm_engine_standing *known = &engine->members->standings[peer];
    bool fresh = standing->confirmed && !(known->told && known->confirmed);
    bool news = fresh ||
                (standing->confirmed && !same_list(holm_vector_view(&known->list), standing->list));
    news |= known->told && !known->confirmed && !standing->confirmed;
    known->told = holm_vector_assign(&known->list, standing->list) == HOLM_OK;
    note_hearsay(engine, known, standing);
    known->confirmed = standing->confirmed;
    known->former = standing->former;
    known->state = standing->state;
    known->lost = standing->lost;
    known->founding = standing->founding;
    known->defers = standing->defers;
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        holm_replica_peer_founding(partition->replica, peer, &standing->founding);
        holm_replica_peer_member(partition->replica, peer, standing->confirmed);
        if (fresh)
            holm_replica_tell_again(partition->replica, peer);
        pthread_mutex_unlock(&partition->lock);
    }
    return news;
}

/* What the peer's list comes to. What cannot be is left out. HOLM_ENOMEM. */
static enum holm_status read_members(const struct holm_standing *standing,
                                     struct holm_members *theirs)
{
    for (size_t i = 0; i < standing->op_count; i++) {
        if (holm_members_apply(theirs, &standing->ops[i]) == HOLM_ENOMEM)
            return HOLM_ENOMEM;
    }
    theirs->founding = standing->founding;
    return HOLM_OK;
}

/* Of two that are lost to each other, the one with the lower id is not. */
static void meet_member(struct holm_engine *engine, uint32_t peer,
                        const struct holm_standing *standing, struct holm_now now)
{
    const struct holm_engine_standing *known = &engine->members->standings[peer];
    struct holm_members theirs;
    holm_members_init(&theirs, &engine->config.allocator);
    if (read_members(standing, &theirs) == HOLM_OK && is_lost(engine, &theirs, standing->list) &&
        !(holm_engine_members_actor(engine).node.value < known->actor.node.value &&
          holm_members_current(holm_engine_list_members(engine),
                               holm_engine_members_actor(engine)) &&
          is_mutual(engine, known, &theirs)))
        holm_membership_lost(engine->members->machine, peer, "a member has gone on without it",
                             now);
    holm_members_release(&theirs);
}

/* T41: whoever knows of higher epochs of its node says so, member or not. What is written under a lower one
 * would be fenced from the start. */
static bool tell_least(struct holm_engine *engine, uint32_t peer)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    const struct holm_engine_standing *standing = &engine->members->standings[peer];
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_JOINED;
    message.as.joined.epoch = standing->actor.epoch;
    message.as.joined.result = HOLM_JOIN_EPOCH;
    message.as.joined.least = holm_members_epoch_min(known, standing->actor.node);
    if (standing->confirmed || holm_members_current(known, standing->actor) ||
        standing->actor.epoch.value >= message.as.joined.least.value)
        return false;
    holm_engine_members_send(engine, peer, &message);
    return true;
}

void holm_engine_standing_take(struct holm_engine *engine, uint32_t peer,
                               const struct holm_standing *standing, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    bool news = note_standing(engine, peer, standing);
    if (tell_least(engine, peer))
        return;
    take_hearsay(engine, standing, now);
    if (peer == members->slot)
        holm_engine_hearsay_bring(engine, now);
    holm_membership_standing(members->machine, peer, standing, now);
    if (!members->confirmed)
        return;
    holm_engine_hearsay_repeat(engine, now);
    /* Whether it is lost to this node it can say as a member alone, by what it has now. */
    if (news &&
        !holm_members_current(holm_engine_list_members(engine), members->standings[peer].actor))
        holm_engine_standing_tell(engine, peer);
    if (standing->confirmed &&
        !holm_members_ended(holm_engine_list_members(engine), members->standings[peer].actor))
        meet_member(engine, peer, standing, now);
    holm_engine_members_look(engine, now);
}
