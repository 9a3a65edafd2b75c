/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

static struct holm_actor self_actor(const struct holm_engine *engine)
{
    return holm_replica_self(engine->partitions[holm_engine_list(engine)].replica);
}

static bool is_data(const struct holm_engine *engine, uint32_t index)
{
    return index < engine->config.partitions;
}

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
    return (struct holm_heard){.actor = self_actor(engine),
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
                               .founding = standing->founding,
                               .defers = standing->defers,
                               .list = holm_vector_view(&standing->list)};
}

static enum holm_status fill_standing(struct holm_engine *engine, struct holm_standing *standing)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_members *known = holm_engine_list_members(engine);
    struct holm_actor former = {self_actor(engine).node, holm_membership_former(members->machine)};
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
                                       .defers = members->defers,
                                       .list = holm_engine_list_vector(engine),
                                       .ops = members->told,
                                       .op_count = count};
    if (!holm_admission_replaces(known, former))
        standing->founding = known->founding;
    return status;
}

static void send(struct holm_engine *engine, uint32_t peer, struct holm_message *message)
{
    message->sender = holm_roster_self(engine->roster);
    enum holm_status status = holm_outgoing_put(&engine->outgoing, peer, message);
    (void)status; /* counted there; what is not answered is said again */
}

/* To one peer, or to all that are up. */
static void tell_standing(struct holm_engine *engine, uint32_t peer)
{
    struct holm_engine_members *members = engine->members;
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_STANDING;
    if (fill_standing(engine, &message.as.standing) != HOLM_OK)
        return;
    for (uint32_t i = 0; i < engine->config.peers_max; i++) {
        if (members->standings[i].up && (peer == HOLM_PEER_NONE || peer == i))
            send(engine, i, &message);
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
    /* What was said while a link was not proven is lost, so that who is provisional says it again. */
    uint64_t hash = list_hash(engine);
    if (hash == members->told_hash && members->confirmed)
        return;
    members->told_hash = hash;
    tell_standing(engine, HOLM_PEER_NONE);
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

static void look_whether_lost(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_members *known = holm_engine_list_members(engine);
    if (!members->confirmed)
        return;
    if (is_lost(engine, known, holm_engine_list_vector(engine)))
        holm_membership_lost(members->machine, HOLM_PEER_NONE,
                             holm_members_current(known, self_actor(engine))
                                 ? "others have gone on without it"
                                 : "it was forgotten",
                             now);
}

/* ---- what others say of themselves ---------------------------------------------------------- */

static void keep_hearsay(struct holm_engine *engine, const struct holm_member_op *op)
{
    struct holm_engine_members *members = engine->members;
    void *hearsay = members->hearsay;
    if (holm_array_reserve(&engine->config.allocator, &hearsay, &members->hearsay_capacity,
                           sizeof *members->hearsay, members->hearsay_count + 1) == HOLM_OK) {
        members->hearsay = hearsay;
        members->hearsay[members->hearsay_count++] = *op;
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
            !holm_admission_hearsay(known, self_actor(engine), op))
            continue;
        keep_hearsay(engine, op);
        holm_engine_list_believe(engine, op, now);
    }
}

/* Says again what it believes by hearsay alone. */
static void repeat_hearsay(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    for (size_t i = 0; members->confirmed && i < members->hearsay_count; i++) {
        const struct holm_members *known = holm_engine_list_members(engine);
        struct holm_member_op op = {.type = HOLM_MEMBER_FORGET,
                                    .subject = members->hearsay[i].subject};
        if (!holm_members_current(known, self_actor(engine)) ||
            !holm_admission_repeat(known, holm_engine_list_vector(engine), &members->hearsay[i]))
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

/* Whether it is a member, and was none or had another list when it was last told how this node stands. */
static bool note_standing(struct holm_engine *engine, uint32_t peer,
                          const struct holm_standing *standing)
{
    struct holm_engine_standing *known = &engine->members->standings[peer];
    bool fresh = standing->confirmed && !(known->told && known->confirmed);
    bool news = fresh ||
                (standing->confirmed && !same_list(holm_vector_view(&known->list), standing->list));
    known->told = holm_vector_assign(&known->list, standing->list) == HOLM_OK;
    known->confirmed = standing->confirmed;
    known->former = standing->former;
    known->state = standing->state;
    known->founding = standing->founding;
    known->defers = standing->defers;
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        holm_replica_peer_founding(partition->replica, peer, &standing->founding);
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
        !(self_actor(engine).node.value < known->actor.node.value &&
          holm_members_current(holm_engine_list_members(engine), self_actor(engine)) &&
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
    send(engine, peer, &message);
    return true;
}

static void take_standing(struct holm_engine *engine, uint32_t peer,
                          const struct holm_standing *standing, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    bool news = note_standing(engine, peer, standing);
    if (tell_least(engine, peer))
        return;
    take_hearsay(engine, standing, now);
    holm_membership_standing(members->machine, peer, standing, now);
    if (!members->confirmed)
        return;
    repeat_hearsay(engine, now);
    /* Whether it is lost to this node it can say as a member alone, by what it has now. */
    if (news &&
        !holm_members_current(holm_engine_list_members(engine), members->standings[peer].actor))
        tell_standing(engine, peer);
    if (standing->confirmed &&
        !holm_members_ended(holm_engine_list_members(engine), members->standings[peer].actor))
        meet_member(engine, peer, standing, now);
    look_whether_lost(engine, now);
}

/* ---- admitting ------------------------------------------------------------------------------ */

/* What all partitions say to it: the least of their answers. */
static enum holm_answer ask_all(struct holm_engine *engine, struct holm_heard *asking)
{
    /* Who has not said what it has, has more. */
    const struct holm_dot more = {asking->actor, 1};
    enum holm_answer answer = HOLM_ANSWER_REPLACE;
    bool merge = false;
    for (uint32_t i = 0; i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        const struct holm_report *report = holm_replica_heard(partition->replica, asking->actor);
        asking->partition = report == NULL ? (struct holm_vector_view){&more, 1}
                                           : holm_vector_view(&report->partition);
        enum holm_answer one = holm_replica_answer(partition->replica, asking);
        pthread_mutex_unlock(&partition->lock);
        merge |= one == HOLM_ANSWER_MERGE;
        if (one < answer)
            answer = one;
    }
    asking->partition = (struct holm_vector_view){NULL, 0};
    return merge && answer >= HOLM_ANSWER_MERGE ? HOLM_ANSWER_MERGE : answer;
}

static enum holm_status admit(struct holm_engine *engine, const struct holm_heard *asking,
                              bool replace, struct holm_joined *joined, struct holm_now now)
{
    struct holm_member_op op = {.type = HOLM_MEMBER_ADMIT, .subject = asking->actor};
    if (!replace) {
        op.base = asking->former;
        op.state = asking->former.value == 0 ? 0 : asking->state;
    }
    enum holm_status status = holm_engine_list_write(engine, &op, 1, now);
    joined->admission = op.dot;
    joined->result = replace ? HOLM_JOIN_REPLACE : HOLM_JOIN_MERGE;
    return status;
}

static void disown(struct holm_engine *engine, struct holm_actor former, struct holm_now now)
{
    struct holm_member_op op = {.type = HOLM_MEMBER_FORGET, .subject = former};
    enum holm_status status = holm_engine_list_write(engine, &op, 1, now);
    (void)status; /* it asks again */
}

/* HOLM_OK: *joined says what. */
static enum holm_status answer_join(struct holm_engine *engine, struct holm_heard *asking,
                                    bool lost, struct holm_joined *joined, struct holm_now now)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    struct holm_actor former = {asking->actor.node, asking->former};
    joined->least = holm_members_epoch_min(known, asking->actor.node);
    const struct holm_member_row *row = holm_members_find(known, asking->actor.node);
    bool again = row != NULL && holm_actor_equal(row->actor, asking->actor) && !row->forgotten;
    if (asking->actor.epoch.value < joined->least.value && !again) {
        joined->result = HOLM_JOIN_EPOCH;
        return HOLM_OK;
    }
    enum holm_answer answer = ask_all(engine, asking);
    bool same = holm_founding_compare(&known->founding, &asking->founding) == 0;
    if (lost && same && former.epoch.value != 0 && !holm_members_forgotten(known, former))
        answer = HOLM_ANSWER_FORGET;
    if (answer == HOLM_ANSWER_FORGET)
        disown(engine, former, now);
    if (answer != HOLM_ANSWER_MERGE && answer != HOLM_ANSWER_REPLACE)
        return HOLM_OK;
    return admit(engine, asking, answer == HOLM_ANSWER_REPLACE, joined, now);
}

static void take_join(struct holm_engine *engine, uint32_t peer, const struct holm_join *join,
                      struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_engine_standing *standing = &members->standings[peer];
    struct holm_heard asking = holm_engine_members_peer(standing);
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_JOINED;
    message.as.joined.epoch = standing->actor.epoch;
    message.as.joined.result = HOLM_JOIN_LATER;
    if (members->confirmed && standing->told && !standing->confirmed &&
        holm_members_current(holm_engine_list_members(engine), self_actor(engine)) &&
        answer_join(engine, &asking, join->lost, &message.as.joined, now) != HOLM_OK)
        message.as.joined.result = HOLM_JOIN_LATER;
    send(engine, peer, &message);
    if (message.as.joined.result < HOLM_JOIN_MERGE)
        return;
    holm_engine_beacon(engine, peer, now);
    holm_engine_members_report(engine, now);
}

static void act(struct holm_engine *engine, struct holm_now now);

void holm_engine_members_talk(struct holm_engine *engine, uint32_t peer,
                              const struct holm_message *message, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    if (peer == HOLM_PEER_NONE || !members->standings[peer].up ||
        !holm_actor_equal(members->standings[peer].actor, message->sender))
        return;
    if (message->type == HOLM_MESSAGE_STANDING)
        take_standing(engine, peer, &message->as.standing, now);
    else if (message->type == HOLM_MESSAGE_JOIN)
        take_join(engine, peer, &message->as.join, now);
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
    struct holm_vector list = standing->list;
    holm_vector_clear(&list);
    *standing = (struct holm_engine_standing){.up = true, .actor = actor, .list = list};
    holm_membership_peer_up(members->machine, peer, actor, now);
    tell_standing(engine, peer);
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
    struct holm_actor former = {self_actor(engine).node, holm_membership_former(members->machine)};
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

/* ---- founding ------------------------------------------------------------------------------- */

size_t holm_engine_members_heard(struct holm_engine *engine)
{
    struct holm_engine_members *members = engine->members;
    size_t count = 0;
    for (uint32_t i = 0; i < engine->config.peers_max; i++) {
        const struct holm_engine_standing *standing = &members->standings[i];
        if (!standing->up || !standing->told)
            continue;
        members->heard[count++] = holm_engine_members_peer(standing);
    }
    return count;
}

static bool is_good_state(struct holm_engine *engine)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    struct holm_heard self = holm_engine_members_self(engine, known);
    struct holm_actor former = {self.actor.node, self.former};
    return former.epoch.value != 0 && !holm_admission_replaces(known, former) &&
           holm_admission_may_merge(known, &self);
}

static bool ask_each(struct holm_engine *engine, size_t heard,
                     bool (*question)(struct holm_replica *replica, const struct holm_heard *heard,
                                      size_t count))
{
    bool answer = true;
    for (uint32_t i = 0; answer && i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        answer = question(partition->replica, engine->members->heard, heard);
        pthread_mutex_unlock(&partition->lock);
    }
    return answer;
}

/* A partition knows the forgets that its own S was grown under; the node is beyond any of them as a whole. */
static void share_relied(struct holm_engine *engine)
{
    for (uint32_t from = 0; from < engine->config.partitions; from++) {
        struct holm_engine_partition *source = &engine->partitions[from];
        size_t count;
        struct holm_dot dots[HOLM_ENGINE_FORGETS_MAX];
        pthread_mutex_lock(&source->lock);
        const struct holm_dot *relied = holm_replica_relied(source->replica, &count);
        count = count < HOLM_ENGINE_FORGETS_MAX ? count : HOLM_ENGINE_FORGETS_MAX;
        if (count > 0)
            memcpy(dots, relied, count * sizeof *dots);
        pthread_mutex_unlock(&source->lock);
        for (uint32_t to = 0; count > 0 && to < engine->config.partitions; to++) {
            struct holm_engine_partition *target = &engine->partitions[to];
            pthread_mutex_lock(&target->lock);
            for (size_t i = 0; i < count; i++) {
                enum holm_status status = holm_replica_rely_on(target->replica, dots[i]);
                (void)status; /* with the next tick */
            }
            pthread_mutex_unlock(&target->lock);
        }
    }
}

/* Whom it leaves it to, to found; and whether all leave it to this node. */
static void defer(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    share_relied(engine);
    size_t heard = holm_engine_members_heard(engine);
    struct holm_actor self = self_actor(engine);
    bool able = !holm_membership_in_vain(members->machine) &&
                !holm_membership_is_lost(members->machine) && is_good_state(engine) &&
                ask_each(engine, heard, holm_replica_able);
    struct holm_actor defers = holm_admission_defer(self, members->defers, able, members->heard,
                                                    heard);
    if (!holm_actor_equal(defers, members->defers)) {
        members->defers = defers;
        tell_standing(engine, HOLM_PEER_NONE);
    }
    holm_membership_left(
        members->machine,
        holm_actor_equal(defers, self) && ask_each(engine, heard, holm_replica_left), now);
}

/* ---- forgetting ----------------------------------------------------------------------------- */

enum holm_status holm_engine_forget(struct holm_engine *engine, struct holm_node_id node,
                                    struct holm_now now)
{
    if (engine->members == NULL || holm_engine_self(engine).node.value == node.value)
        return HOLM_EINVAL;
    struct holm_engine_partition *list = &engine->partitions[holm_engine_list(engine)];
    pthread_mutex_lock(&list->lock);
    const struct holm_member_row *row = holm_members_find(holm_replica_members(list->replica),
                                                          node);
    enum holm_status status = row == NULL || row->forgotten ? HOLM_ENOENT : HOLM_OK;
    if (list->provisional)
        status = HOLM_EBUSY;
    pthread_mutex_unlock(&list->lock);
    pthread_mutex_lock(&engine->roster_lock);
    if (status == HOLM_OK && engine->members->forget_count == HOLM_ENGINE_FORGETS_MAX)
        status = HOLM_EBUSY;
    if (status == HOLM_OK)
        engine->members->forgets[engine->members->forget_count++] = node;
    pthread_mutex_unlock(&engine->roster_lock);
    if (status == HOLM_OK)
        engine->transport->ops->wake(engine->transport);
    (void)now;
    return status;
}

static void forget(struct holm_engine *engine, struct holm_node_id node, struct holm_now now)
{
    const struct holm_member_row *row = holm_members_find(holm_engine_list_members(engine), node);
    if (row == NULL || row->forgotten || node.value == self_actor(engine).node.value)
        return;
    struct holm_member_op op = {.type = HOLM_MEMBER_FORGET, .subject = row->actor};
    enum holm_status status = holm_engine_list_write(engine, &op, 1, now);
    holm_log_line(&engine->config.log, HOLM_LOG_NOTICE, "node %llx is forgotten: %s",
                  (unsigned long long)node.value, holm_strerror(status));
}

static void forget_asked(struct holm_engine *engine, struct holm_now now)
{
    struct holm_node_id nodes[HOLM_ENGINE_FORGETS_MAX];
    pthread_mutex_lock(&engine->roster_lock);
    size_t count = engine->members->forget_count;
    memcpy(nodes, engine->members->forgets, sizeof nodes);
    engine->members->forget_count = 0;
    pthread_mutex_unlock(&engine->roster_lock);
    for (size_t i = 0; i < count; i++)
        forget(engine, nodes[i], now);
}

static struct holm_engine_absent *absent_of(struct holm_engine *engine, struct holm_actor actor,
                                            struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    for (size_t i = 0; i < members->absent_count; i++) {
        if (holm_actor_equal(members->absent[i].actor, actor))
            return &members->absent[i];
    }
    void *absent = members->absent;
    if (holm_array_reserve(&engine->config.allocator, &absent, &members->absent_capacity,
                           sizeof *members->absent, members->absent_count + 1) != HOLM_OK)
        return NULL;
    members->absent = absent;
    members->absent[members->absent_count] = (struct holm_engine_absent){actor, now.monotonic_us};
    return &members->absent[members->absent_count++];
}

static bool is_up(struct holm_engine *engine, struct holm_actor actor)
{
    pthread_mutex_lock(&engine->roster_lock);
    uint32_t slot = holm_roster_slot(engine->roster, actor);
    pthread_mutex_unlock(&engine->roster_lock);
    return slot != HOLM_PEER_NONE || holm_actor_equal(actor, self_actor(engine));
}

static void forget_absent(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_members *known = holm_engine_list_members(engine);
    size_t kept = 0;
    if (engine->config.forget_after_us == 0)
        return;
    for (size_t i = 0; i < known->count; i++) {
        if (!known->rows[i].forgotten && !is_up(engine, known->rows[i].actor))
            (void)absent_of(engine, known->rows[i].actor, now);
    }
    for (size_t i = 0; i < members->absent_count; i++) {
        struct holm_engine_absent absent = members->absent[i];
        if (is_up(engine, absent.actor) || !holm_members_current(known, absent.actor))
            continue;
        if (now.monotonic_us - absent.since_us < engine->config.forget_after_us)
            members->absent[kept++] = absent;
        else
            forget(engine, absent.actor.node, now);
    }
    members->absent_count = kept;
}

/* ---- collecting ----------------------------------------------------------------------------- */

/* All find the same ends at about the same time: the member with the lowest id writes them, the next one
 * if that has not happened after a round, and so on. */
static bool is_its_turn(struct holm_engine *engine)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    uint32_t before = 0;
    for (size_t i = 0; i < known->count; i++)
        before += !known->rows[i].forgotten &&
                  known->rows[i].actor.node.value < self_actor(engine).node.value;
    return engine->members->folds_waited++ >= before;
}

static void write_ends(struct holm_engine *engine, uint32_t index, const struct holm_vector *ends,
                       struct holm_now now)
{
    size_t bytes = ends->count * sizeof(struct holm_member_op);
    struct holm_member_op *ops = holm_allocate(&engine->config.allocator, bytes);
    if (ops == NULL)
        return;
    for (size_t i = 0; i < ends->count; i++)
        ops[i] = (struct holm_member_op){.type = HOLM_MEMBER_FOLD,
                                         .subject = ends->entries[i].actor,
                                         .partition = index,
                                         .last = ends->entries[i].seq};
    enum holm_status status = holm_engine_list_write(engine, ops, ends->count, now);
    (void)status; /* the next round */
    holm_deallocate(&engine->config.allocator, ops, bytes);
}

static void count_collected(struct holm_engine *engine, const struct holm_collecting *collecting)
{
    pthread_mutex_lock(&engine->roster_lock);
    engine->members->figures.collected += collecting->tombstones + collecting->ghosts;
    engine->members->figures.folded += collecting->folds;
    pthread_mutex_unlock(&engine->roster_lock);
}

static void collect(struct holm_engine *engine, struct holm_now now)
{
    bool turn = false;
    bool asked = false;
    for (uint32_t i = 0; engine->members->confirmed && i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        struct holm_collecting collecting;
        const struct holm_work *work;
        pthread_mutex_lock(&partition->lock);
        enum holm_status status = holm_replica_collect_stable(partition->replica, now, &work,
                                                              &collecting);
        holm_engine_work(engine, i, partition->replica, work);
        pthread_mutex_unlock(&partition->lock);
        (void)status; /* the next round */
        count_collected(engine, &collecting);
        if (collecting.ends.count > 0 && !asked) {
            turn = is_its_turn(engine);
            asked = true;
        }
        if (collecting.ends.count > 0 && turn)
            write_ends(engine, i, &collecting.ends, now);
        holm_vector_release(&collecting.ends);
    }
    if (!asked || turn)
        engine->members->folds_waited = 0;
}

/* ---- what the machine wants done ------------------------------------------------------------ */

static void ask(struct holm_engine *engine, uint32_t peer)
{
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_JOIN;
    message.as.join.lost = holm_membership_is_lost(engine->members->machine);
    tell_standing(engine, peer);
    send(engine, peer, &message);
}

static void become_member(struct holm_engine *engine, const struct holm_membership_action *action,
                          struct holm_now now)
{
    holm_engine_admit_confirm(engine, action, now);
    repeat_hearsay(engine, now);
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
        tell_standing(engine, HOLM_PEER_NONE);
        break;
    case HOLM_MEMBERSHIP_NOTE:
        holm_log_line(&engine->config.log, (enum holm_log_level)action->level, "%s", action->text);
        break;
    }
    if (status != HOLM_OK) /* nothing comes of it, and it is tried again after a while */
        holm_log_line(&engine->config.log, HOLM_LOG_ERROR, "cannot take what a member has: %s",
                      holm_strerror(status));
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
    holm_membership_progress(members->machine, now);
    if (members->gathering && holm_engine_admit_gather_more(engine, now) != HOLM_OK)
        return; /* the next time */
    if (!holm_engine_admit_whole(engine))
        return;
    if (!members->gathering && !members->replacing && holm_engine_admit_beyond(engine))
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
    act(engine, now); /* what was given up is not looked at */
    holm_engine_list_spread(engine, now);
    look_whether_whole(engine, now);
    if (members->confirmed) {
        forget_asked(engine, now);
        look_whether_lost(engine, now);
    }
    if (members->confirmed && members->collect_us <= now.monotonic_us) {
        members->collect_us = now.monotonic_us + engine->config.collect_interval_us;
        forget_absent(engine, now);
        collect(engine, now);
    }
    act(engine, now);
    if (!members->confirmed)
        defer(engine, now);
    (void)holm_membership_tick(members->machine, now);
    act(engine, now);
    note_figures(engine);
}

uint64_t holm_engine_members_due_us(const struct holm_engine *engine)
{
    if (engine->members == NULL)
        return HOLM_NEVER;
    uint64_t due_us = holm_membership_due_us(engine->members->machine);
    if (engine->members->confirmed && engine->members->collect_us < due_us)
        due_us = engine->members->collect_us;
    return due_us;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* The epoch that what was loaded was confirmed under: the last of this node that its list knows. */
static struct holm_epoch find_former(const struct holm_engine *engine)
{
    const struct holm_member_row *row = holm_members_find(holm_engine_list_members(engine),
                                                          engine->config.self.node);
    return row == NULL ? (struct holm_epoch){0} : row->actor.epoch;
}

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
    if (members->standings == NULL || members->heard == NULL)
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
    engine->members->news_all = true;
    holm_engine_list_spread(engine, now);
    if (engine->members->news_all)
        return HOLM_ENOMEM;
    struct holm_epoch former = find_former(engine);
    if (former.value == 0)
        status = start_empty(engine, now);
    for (uint32_t i = 0; status == HOLM_OK && i < engine->partition_count; i++) {
        engine->partitions[i].provisional = true;
        if (is_data(engine, i))
            status = holm_replica_rely(engine->partitions[i].replica);
        if (status == HOLM_OK && is_data(engine, i))
            status = holm_engine_journal_open(engine, i, now);
    }
    return status == HOLM_OK ? machine_new(engine, former, now) : status;
}

void holm_engine_members_free(struct holm_engine *engine)
{
    struct holm_engine_members *members = engine->members;
    const struct holm_allocator *allocator = &engine->config.allocator;
    if (members == NULL)
        return;
    holm_membership_free(members->machine);
    for (uint32_t i = 0; members->standings != NULL && i < engine->config.peers_max; i++)
        holm_vector_release(&members->standings[i].list);
    holm_deallocate(allocator, members->standings,
                    engine->config.peers_max * sizeof *members->standings);
    holm_deallocate(allocator, members->heard, engine->config.peers_max * sizeof *members->heard);
    holm_array_free(allocator, members->news, members->news_capacity, sizeof *members->news);
    holm_array_free(allocator, members->hearsay, members->hearsay_capacity,
                    sizeof *members->hearsay);
    holm_array_free(allocator, members->told, members->told_capacity, sizeof *members->told);
    holm_array_free(allocator, members->absent, members->absent_capacity, sizeof *members->absent);
    holm_deallocate(allocator, members, sizeof *members);
    engine->members = NULL;
}
