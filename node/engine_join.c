/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

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
    const struct holm_members *known = holm_engine_list_members(engine);
    struct holm_member_op op = {.type = HOLM_MEMBER_FORGET,
                                .subject = holm_admission_disowned(known, former)};
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

void holm_engine_join_take(struct holm_engine *engine, uint32_t peer, const struct holm_join *join,
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
        holm_members_current(holm_engine_list_members(engine), holm_engine_members_actor(engine)) &&
        answer_join(engine, &asking, join->lost, &message.as.joined, now) != HOLM_OK)
        message.as.joined.result = HOLM_JOIN_LATER;
    holm_engine_members_send(engine, peer, &message);
    if (message.as.joined.result < HOLM_JOIN_MERGE)
        return;
    holm_engine_beacon(engine, peer, now);
    members->admitted = true;
}
