/* SPDX-License-Identifier: Apache-2.0 */
#include "node/membership.h"

#include <stdarg.h>
#include <stdio.h>

#include "node/random.h"

/* More than one call can push. */
#define ACTIONS_MAX 16

struct peer {
    bool up;
    bool told; /* how it stands, under this epoch */
    bool confirmed;
    bool beyond; /* what it has must not be taken, as it stood */
    struct holm_actor actor;
    struct holm_epoch former;
    struct holm_founding founding;
    uint64_t retry_us; /* not to be asked before */
    uint32_t refusals; /* in a row */
};

struct holm_membership {
    struct holm_membership_config config;
    enum holm_membership_state state;
    struct holm_epoch former;
    bool lost;
    struct holm_node_id home; /* whom it is lost to; 0: any */
    struct holm_actor asked;  /* who may have admitted this epoch; or zero */
    bool served;              /* others were given what is here, under this epoch */
    bool left, in_vain;       /* to found: it is left to this epoch; it has tried already */
    bool changed;             /* GATHERING: somebody has come or gone since it began */
    uint32_t peer;            /* ASKING, TAKING: which */
    bool replace;
    uint64_t deadline_us; /* ASKING, TAKING, GATHERING */
    uint64_t alone_us;    /* since when no member is known */
    uint64_t due_us;
    struct holm_random random;
    struct peer *peers;
    struct holm_membership_action actions[ACTIONS_MAX];
    size_t action_first, action_count;
};

struct holm_membership_config holm_membership_config_default(void)
{
    return (struct holm_membership_config){
        .wait_us = 3000000,
        .answer_us = 1000000,
        .progress_us = 10000000,
    };
}

enum holm_status holm_membership_new(const struct holm_membership_config *config,
                                     struct holm_membership **result)
{
    *result = NULL;
    if (config->allocator.resize == NULL || config->self.epoch.value == 0 ||
        config->peers_max == 0 || config->wait_us == 0 || config->answer_us == 0 ||
        config->progress_us == 0)
        return HOLM_EINVAL;
    struct holm_membership *membership = holm_allocate(&config->allocator, sizeof *membership);
    if (membership == NULL)
        return HOLM_ENOMEM;
    memset(membership, 0, sizeof *membership);
    membership->config = *config;
    membership->state = HOLM_MEMBER_WAITING;
    membership->former = config->former;
    membership->peer = HOLM_PEER_NONE;
    membership->alone_us = config->now.monotonic_us;
    membership->random.state = config->random_seed;
    size_t bytes = config->peers_max * sizeof *membership->peers;
    membership->peers = holm_allocate(&config->allocator, bytes);
    if (membership->peers == NULL) {
        holm_membership_free(membership);
        return HOLM_ENOMEM;
    }
    memset(membership->peers, 0, bytes);
    *result = membership;
    return HOLM_OK;
}

void holm_membership_free(struct holm_membership *membership)
{
    if (membership == NULL)
        return;
    struct holm_allocator allocator = membership->config.allocator;
    if (membership->peers != NULL)
        holm_deallocate(&allocator, membership->peers,
                        membership->config.peers_max * sizeof *membership->peers);
    holm_deallocate(&allocator, membership, sizeof *membership);
}

/* ---- actions -------------------------------------------------------------------------------- */

static struct holm_membership_action *push(struct holm_membership *membership,
                                           enum holm_membership_do type)
{
    HOLM_ASSERT(membership->action_count < ACTIONS_MAX);
    size_t at = (membership->action_first + membership->action_count++) % ACTIONS_MAX;
    membership->actions[at] = (struct holm_membership_action){.type = type, .peer = HOLM_PEER_NONE};
    return &membership->actions[at];
}

static void note(struct holm_membership *membership, enum holm_log_event event,
                 const struct holm_log_value *values, size_t count)
{
    struct holm_membership_action *action = push(membership, HOLM_MEMBERSHIP_NOTE);
    action->event = event;
    holm_log_pack(event, values, count, action->text, sizeof action->text);
}

bool holm_membership_next(struct holm_membership *membership, struct holm_membership_action *action)
{
    if (membership->action_count == 0)
        return false;
    *action = membership->actions[membership->action_first];
    membership->action_first = (membership->action_first + 1) % ACTIONS_MAX;
    membership->action_count -= 1;
    return true;
}

/* ---- peers ---------------------------------------------------------------------------------- */

static struct peer *peer_of(struct holm_membership *membership, uint32_t peer)
{
    HOLM_ASSERT(peer < membership->config.peers_max);
    return &membership->peers[peer];
}

static bool is_member(const struct peer *peer)
{
    return peer->up && peer->told && peer->confirmed && !peer->beyond;
}

static bool any_member(const struct holm_membership *membership)
{
    for (uint32_t i = 0; i < membership->config.peers_max; i++) {
        if (is_member(&membership->peers[i]))
            return true;
    }
    return false;
}

/* Whether to ask the one rather than the other: the founding that stands; then home; then by chance. */
static bool is_better(struct holm_membership *membership, const struct peer *peer,
                      const struct peer *than)
{
    if (than == NULL)
        return true;
    int order = holm_founding_compare(&peer->founding, &than->founding);
    if (order != 0)
        return order > 0;
    bool home = peer->actor.node.value == membership->home.value;
    bool other = than->actor.node.value == membership->home.value;
    if (home != other)
        return home;
    return holm_random_next(&membership->random) % 2 == 0;
}

static uint32_t find_member(struct holm_membership *membership, uint64_t now_us)
{
    const struct peer *best = NULL;
    for (uint32_t i = 0; i < membership->config.peers_max; i++) {
        const struct peer *peer = &membership->peers[i];
        if (is_member(peer) && peer->retry_us <= now_us && is_better(membership, peer, best))
            best = peer;
    }
    return best == NULL ? HOLM_PEER_NONE : (uint32_t)(best - membership->peers);
}

/* Each refusal in a row doubles the pause, up to eight times; with jitter, since all may come at once. */
static void leave_alone(struct holm_membership *membership, uint32_t index, struct holm_now now)
{
    struct peer *peer = peer_of(membership, index);
    uint64_t pause_us = membership->config.answer_us << (peer->refusals < 3 ? peer->refusals : 3);
    peer->refusals += 1;
    peer->retry_us = now.monotonic_us + pause_us / 2 +
                     holm_random_between(&membership->random, 0, pause_us);
}

/* ---- going from state to state -------------------------------------------------------------- */

static void wait(struct holm_membership *membership, struct holm_now now)
{
    membership->state = HOLM_MEMBER_WAITING;
    membership->peer = HOLM_PEER_NONE;
    membership->deadline_us = HOLM_NEVER;
    membership->due_us = now.monotonic_us;
}

static void give_up(struct holm_membership *membership, struct holm_now now)
{
    if (membership->state == HOLM_MEMBER_TAKING || membership->state == HOLM_MEMBER_GATHERING)
        push(membership, HOLM_MEMBERSHIP_ABANDON);
    if (membership->state != HOLM_MEMBER_CONFIRMED)
        wait(membership, now);
}

/* N2. `whom`: the member that is to be asked; zero: nobody. True: a higher epoch was asked for. */
static bool takes_new_epoch(struct holm_membership *membership, struct holm_actor whom)
{
    bool served = membership->served && whom.node.value != 0;
    if (!served && (membership->asked.node.value == 0 || holm_actor_equal(membership->asked, whom)))
        return false;
    push(membership, HOLM_MEMBERSHIP_EPOCH)->epoch.value = membership->config.self.epoch.value + 1;
    return true;
}

static void ask(struct holm_membership *membership, uint32_t index, struct holm_now now)
{
    struct peer *peer = peer_of(membership, index);
    if (takes_new_epoch(membership, peer->actor))
        return;
    membership->asked = peer->actor;
    membership->state = HOLM_MEMBER_ASKING;
    membership->peer = index;
    membership->deadline_us = now.monotonic_us + membership->config.answer_us;
    push(membership, HOLM_MEMBERSHIP_ASK)->peer = index;
}

static void confirm(struct holm_membership *membership, enum holm_membership_do type)
{
    struct holm_membership_action *action = push(membership, type);
    action->replace = membership->replace;
    action->epoch = membership->former;
    membership->state = HOLM_MEMBER_CONFIRMED;
    membership->former = membership->config.self.epoch;
    membership->lost = false;
    membership->home.value = 0;
    membership->peer = HOLM_PEER_NONE;
    membership->left = membership->in_vain = false;
    membership->due_us = HOLM_NEVER;
    push(membership, HOLM_MEMBERSHIP_TELL);
}

static bool somebody_has_a_state(const struct holm_membership *membership)
{
    for (uint32_t i = 0; i < membership->config.peers_max; i++) {
        const struct peer *peer = &membership->peers[i];
        if (peer->up && (!peer->told || peer->former.value != 0))
            return true;
    }
    return false;
}

static void begin(struct holm_membership *membership)
{
    struct holm_actor nobody = {{0}, {0}};
    if (takes_new_epoch(membership, nobody))
        return;
    membership->replace = false;
    note(membership, HOLM_LOG_CLUSTER_BEGUN, HOLM_LOG_NOTHING);
    confirm(membership, HOLM_MEMBERSHIP_FOUND);
}

static void gather(struct holm_membership *membership, struct holm_now now)
{
    struct holm_actor nobody = {{0}, {0}};
    if (takes_new_epoch(membership, nobody))
        return;
    membership->state = HOLM_MEMBER_GATHERING;
    membership->changed = false;
    membership->deadline_us = now.monotonic_us + membership->config.progress_us;
    push(membership, HOLM_MEMBERSHIP_GATHER);
}

/* Nobody is a member, as far as is known. */
static void found(struct holm_membership *membership, struct holm_now now)
{
    uint64_t at_us = membership->alone_us + membership->config.wait_us;
    bool founds = membership->former.value == 0 && membership->config.founds;
    if (!founds && (!membership->left || membership->lost || membership->in_vain))
        return;
    if (now.monotonic_us < at_us)
        membership->due_us = at_us;
    else if (founds && somebody_has_a_state(membership))
        membership->due_us = now.monotonic_us + membership->config.wait_us;
    else if (founds)
        begin(membership);
    else
        gather(membership, now);
}

static uint64_t earliest_retry(const struct holm_membership *membership)
{
    uint64_t due_us = HOLM_NEVER;
    for (uint32_t i = 0; i < membership->config.peers_max; i++) {
        const struct peer *peer = &membership->peers[i];
        if (is_member(peer) && peer->retry_us < due_us)
            due_us = peer->retry_us;
    }
    return due_us;
}

static void time_out(struct holm_membership *membership, struct holm_now now)
{
    if (membership->state == HOLM_MEMBER_GATHERING)
        membership->in_vain = !membership->changed;
    else
        leave_alone(membership, membership->peer, now);
    give_up(membership, now);
}

uint64_t holm_membership_tick(struct holm_membership *membership, struct holm_now now)
{
    if (membership->state == HOLM_MEMBER_CONFIRMED)
        return HOLM_NEVER;
    if (membership->state != HOLM_MEMBER_WAITING && membership->deadline_us <= now.monotonic_us)
        time_out(membership, now);
    membership->due_us = membership->deadline_us;
    if (membership->state == HOLM_MEMBER_WAITING) {
        uint32_t peer = find_member(membership, now.monotonic_us);
        membership->due_us = HOLM_NEVER;
        if (peer != HOLM_PEER_NONE)
            ask(membership, peer, now);
        else if (any_member(membership))
            membership->due_us = earliest_retry(membership);
        else
            found(membership, now);
        if (membership->state != HOLM_MEMBER_WAITING)
            membership->due_us = membership->deadline_us;
    }
    if (membership->state == HOLM_MEMBER_CONFIRMED)
        membership->due_us = HOLM_NEVER;
    return membership->due_us;
}

/* ---- what happened -------------------------------------------------------------------------- */

/* Members have come or gone: since when nobody is one. */
static void look_around(struct holm_membership *membership, struct holm_now now)
{
    bool any = any_member(membership);
    if (any)
        membership->alone_us = HOLM_NEVER;
    else if (membership->alone_us == HOLM_NEVER)
        membership->alone_us = now.monotonic_us;
    if (any && membership->state == HOLM_MEMBER_GATHERING)
        give_up(membership, now);
    if (membership->state == HOLM_MEMBER_WAITING)
        membership->due_us = now.monotonic_us;
}

void holm_membership_peer_up(struct holm_membership *membership, uint32_t peer,
                             struct holm_actor actor, struct holm_now now)
{
    holm_membership_peer_down(membership, peer, now);
    *peer_of(membership, peer) = (struct peer){.up = true, .actor = actor};
    membership->in_vain = false; /* another epoch: what it brings may be enough */
}

void holm_membership_peer_down(struct holm_membership *membership, uint32_t peer,
                               struct holm_now now)
{
    *peer_of(membership, peer) = (struct peer){.up = false};
    membership->changed = true;
    if (membership->peer == peer)
        give_up(membership, now);
    look_around(membership, now);
}

void holm_membership_standing(struct holm_membership *membership, uint32_t peer,
                              const struct holm_standing *standing, struct holm_now now)
{
    struct peer *known = peer_of(membership, peer);
    if (!known->up)
        return;
    known->beyond = known->beyond &&
                    holm_founding_compare(&known->founding, &standing->founding) == 0;
    known->told = true;
    known->confirmed = standing->confirmed;
    known->former = standing->former;
    known->founding = standing->founding;
    if (membership->peer == peer && !is_member(known))
        give_up(membership, now);
    look_around(membership, now);
}

void holm_membership_answered(struct holm_membership *membership, uint32_t peer,
                              const struct holm_joined *answer, struct holm_now now)
{
    if (answer->epoch.value != membership->config.self.epoch.value ||
        membership->state == HOLM_MEMBER_CONFIRMED)
        return;
    if (answer->result == HOLM_JOIN_EPOCH &&
        answer->least.value > membership->config.self.epoch.value) {
        push(membership, HOLM_MEMBERSHIP_EPOCH)->epoch = answer->least;
        return;
    }
    if (membership->state != HOLM_MEMBER_ASKING || membership->peer != peer)
        return;
    if (answer->result == HOLM_JOIN_MERGE || answer->result == HOLM_JOIN_REPLACE) {
        struct holm_membership_action *begin = push(membership, HOLM_MEMBERSHIP_BEGIN);
        begin->peer = peer;
        begin->admission = answer->admission;
        begin->replace = membership->replace = answer->result == HOLM_JOIN_REPLACE;
        membership->state = HOLM_MEMBER_TAKING;
        membership->deadline_us = now.monotonic_us + membership->config.progress_us;
        membership->due_us = membership->deadline_us;
        return;
    }
    membership->asked = (struct holm_actor){{0}, {0}};
    leave_alone(membership, peer, now);
    wait(membership, now);
}

void holm_membership_progress(struct holm_membership *membership, struct holm_now now)
{
    if (membership->state == HOLM_MEMBER_TAKING)
        membership->deadline_us = now.monotonic_us + membership->config.progress_us;
}

void holm_membership_whole(struct holm_membership *membership, struct holm_now now)
{
    (void)now;
    HOLM_ASSERT(membership->state == HOLM_MEMBER_TAKING ||
                membership->state == HOLM_MEMBER_GATHERING);
    if (membership->state == HOLM_MEMBER_TAKING) {
        note(membership, membership->replace ? HOLM_LOG_MEMBER_REPLACED : HOLM_LOG_MEMBER_CONFIRMED,
             HOLM_LOG_NOTHING);
        confirm(membership, HOLM_MEMBERSHIP_CONFIRM);
        return;
    }
    note(membership, HOLM_LOG_CLUSTER_FOUNDED, HOLM_LOG_NOTHING);
    membership->replace = false;
    confirm(membership, HOLM_MEMBERSHIP_FOUND);
}

void holm_membership_refuse(struct holm_membership *membership, struct holm_now now)
{
    HOLM_ASSERT(membership->state == HOLM_MEMBER_TAKING);
    peer_of(membership, membership->peer)->beyond = true;
    note(membership, HOLM_LOG_STATE_BEYOND, HOLM_LOG_NOTHING);
    give_up(membership, now);
    look_around(membership, now);
}

void holm_membership_served(struct holm_membership *membership)
{
    membership->served = membership->state != HOLM_MEMBER_CONFIRMED;
}

void holm_membership_left(struct holm_membership *membership, bool left, struct holm_now now)
{
    if (membership->left == left)
        return;
    membership->left = left;
    if (!left && membership->state == HOLM_MEMBER_GATHERING)
        give_up(membership, now);
    if (membership->state == HOLM_MEMBER_WAITING)
        membership->due_us = now.monotonic_us;
}

void holm_membership_lost(struct holm_membership *membership, uint32_t peer, const char *why,
                          struct holm_now now)
{
    if (membership->state != HOLM_MEMBER_CONFIRMED)
        return;
    membership->lost = true;
    membership->home.value = 0;
    if (peer != HOLM_PEER_NONE)
        membership->home = peer_of(membership, peer)->actor.node;
    membership->alone_us = HOLM_NEVER;
    note(membership, HOLM_LOG_MEMBER_LOST, HOLM_LOG_VALUES(holm_log_text(why)));
    push(membership, HOLM_MEMBERSHIP_EPOCH)->epoch.value = membership->config.self.epoch.value + 1;
    wait(membership, now);
    look_around(membership, now);
}

void holm_membership_epoch(struct holm_membership *membership, struct holm_epoch epoch,
                           struct holm_now now)
{
    HOLM_ASSERT(epoch.value > membership->config.self.epoch.value);
    bool confirmed = membership->state == HOLM_MEMBER_CONFIRMED;
    give_up(membership, now);
    membership->config.self.epoch = epoch;
    membership->asked = (struct holm_actor){{0}, {0}};
    membership->served = membership->left = membership->in_vain = false;
    /* Who was left alone for a while stays so: this epoch may be there because of another one to ask. */
    for (uint32_t i = 0; i < membership->config.peers_max; i++) {
        if (membership->peers[i].retry_us == HOLM_NEVER)
            membership->peers[i].retry_us = 0;
    }
    if (confirmed) {
        membership->alone_us = HOLM_NEVER;
        wait(membership, now);
        look_around(membership, now);
    }
    push(membership, HOLM_MEMBERSHIP_TELL);
}

/* ---- looking -------------------------------------------------------------------------------- */

enum holm_membership_state holm_membership_state(const struct holm_membership *membership)
{
    return membership->state;
}

struct holm_epoch holm_membership_former(const struct holm_membership *membership)
{
    return membership->former;
}

bool holm_membership_in_vain(const struct holm_membership *membership)
{
    return membership->in_vain;
}

bool holm_membership_is_lost(const struct holm_membership *membership)
{
    return membership->lost;
}

bool holm_membership_is_alone(const struct holm_membership *membership)
{
    return membership->state != HOLM_MEMBER_CONFIRMED && !any_member(membership);
}

uint64_t holm_membership_due_us(const struct holm_membership *membership)
{
    return membership->state == HOLM_MEMBER_CONFIRMED ? HOLM_NEVER : membership->due_us;
}

void holm_membership_check(const struct holm_membership *membership)
{
    bool busy = membership->state == HOLM_MEMBER_ASKING || membership->state == HOLM_MEMBER_TAKING;
    HOLM_ASSERT(busy == (membership->peer != HOLM_PEER_NONE));
    HOLM_ASSERT(!busy || is_member(&membership->peers[membership->peer]));
    HOLM_ASSERT(!busy ||
                holm_actor_equal(membership->asked, membership->peers[membership->peer].actor));
    HOLM_ASSERT(membership->state != HOLM_MEMBER_CONFIRMED ||
                membership->former.value == membership->config.self.epoch.value);
}
