/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports: this replica's own to its peers, and those of others to who cannot have heard them.
 *
 * Each report has a number, and each peer says which it has heard. That is acknowledgement, and tells what to
 * pass on. A report that came since the last round is left to its author: where all reach each other, the peer
 * says by the next round that it has it, and nothing is passed on.
 */
#include "crdt/replica_member.h"
#include "crdt/replica_parts.h"

/* Rounds until what is not acknowledged is said again: at first, and at most. */
#define PATIENCE_MIN 2
#define PATIENCE_MAX 32

/* One round of telling. */
struct telling {
    bool provisional;
    bool filled;         /* `own` is */
    uint64_t heard_hash; /* of what was heard */
    struct holm_message own;
};

static struct holm_actor self_actor(const struct holm_replica *replica)
{
    return replica->actors.rows[replica->self].actor;
}

/* ---- what is known of a peer */

void holm_guard_link_new(struct holm_replica *replica, uint32_t peer)
{
    struct holm_report_link *link = &replica->peers[peer].reports;
    if (replica->guard == NULL)
        return;
    holm_vector_init(&link->heard, &replica->config.allocator);
    link->patience = PATIENCE_MIN;
}

void holm_guard_link_end(struct holm_replica *replica, uint32_t peer)
{
    if (replica->guard != NULL && replica->peers[peer].up)
        holm_vector_release(&replica->peers[peer].reports.heard);
}

void holm_replica_tell_again(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    if (known == NULL || !known->up)
        return;
    holm_guard_link_end(replica, peer);
    known->reports = (struct holm_report_link){.spoke = false};
    holm_guard_link_new(replica, peer);
}

/* ---- hearing */

/* What it says of itself and of the link. HOLM_ENOMEM: it says so again. */
static enum holm_status take_link(struct holm_report_link *link,
                                  const struct holm_reported *reported)
{
    struct holm_vector_view none = {NULL, 0};
    bool more = !holm_vector_covers(holm_vector_view(&link->heard), reported->heard, none);
    enum holm_status status = holm_vector_assign(&link->heard, reported->heard);
    if (status != HOLM_OK)
        return status;
    if (more)
        link->pause = link->patience = PATIENCE_MIN;
    link->spoke = true;
    link->wants = reported->wants;
    return HOLM_OK;
}

static enum holm_status take_report(struct holm_guard *guard, struct holm_actor member,
                                    const struct holm_reported *reported, bool *news)
{
    struct holm_stable *stable = reported->provisional ? &guard->others : &guard->stable;
    const struct holm_report *known = holm_stable_report(stable, member);
    *news = known == NULL || known->number < reported->number;
    if (!*news)
        return HOLM_OK;
    enum holm_status status = holm_stable_hear(stable,
                                               reported->provisional ? NULL : &guard->members,
                                               member, reported->vector, reported->list);
    struct holm_report *report = holm_stable_find(stable, member);
    if (status != HOLM_OK || report == NULL)
        return status;
    guard->hearings += 1;
    report->number = reported->number;
    report->taken = guard->hearings;
    return HOLM_OK;
}

/* Whose words are taken at second hand: of those who are members here, from those who are; by a member. */
static bool may_pass(const struct holm_replica *replica, const struct holm_message *message)
{
    const struct holm_guard *guard = replica->guard;
    struct holm_actor member = message->as.reported.member;
    return guard->fenced && !message->as.reported.provisional &&
           holm_members_current(&guard->members, message->sender) &&
           holm_members_current(&guard->members, member) &&
           member.node.value != self_actor(replica).node.value;
}

static enum holm_status take_passed(struct holm_replica *replica, uint32_t peer,
                                    const struct holm_message *message)
{
    const struct holm_reported *reported = &message->as.reported;
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    bool news;
    if (!may_pass(replica, message))
        return HOLM_OK;
    enum holm_status status = take_report(replica->guard, reported->member, reported, &news);
    if (status == HOLM_OK && known != NULL && known->up) {
        status = holm_vector_raise(&known->reports.heard, reported->member, reported->number);
        if (!news)
            known->reports.told_heard = 0;
    }
    return status;
}

static enum holm_status take_own(struct holm_replica *replica, uint32_t peer,
                                 const struct holm_message *message)
{
    const struct holm_reported *reported = &message->as.reported;
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    enum holm_status status = HOLM_OK;
    bool news = false;
    if (known != NULL && known->up)
        status = take_link(&known->reports, reported);
    if (status != HOLM_OK || reported->number == 0)
        return status;
    status = take_report(replica->guard, message->sender, reported, &news);
    if (status == HOLM_OK && !news && known != NULL)
        known->reports.told_heard = 0;
    /* One that is being filled does not wait for a beacon. */
    if (status == HOLM_OK && !replica->guard->fenced)
        holm_replica_mark_ahead(replica, peer, 0);
    return status;
}

enum holm_status holm_guard_report(struct holm_replica *replica, uint32_t peer,
                                   const struct holm_message *message)
{
    if (replica->guard == NULL)
        return HOLM_EINVAL;
    const struct holm_reported *reported = &message->as.reported;
    if (!holm_vector_valid(reported->vector) || !holm_vector_valid(reported->list) ||
        !holm_vector_valid(reported->heard))
        return HOLM_EMALFORMED;
    /* One that is being filled hears its member out: its list is not whole, so that what ends the member may be void. */
    if ((replica->guard->fenced || reported->provisional) &&
        holm_members_ended(&replica->guard->members, message->sender))
        return HOLM_OK;
    return reported->member.epoch.value != 0 ? take_passed(replica, peer, message)
                                             : take_own(replica, peer, message);
}

const struct holm_report *holm_replica_heard(const struct holm_replica *replica,
                                             struct holm_actor actor)
{
    HOLM_ASSERT(replica->guard != NULL);
    return holm_stable_report(&replica->guard->others, actor);
}

/* ---- what is to be said */

uint64_t holm_guard_report_hash(const struct holm_replica *replica, bool provisional)
{
    uint64_t hash = replica->actors.hash + 0x9e3779b97f4a7c15u * replica->guard->known_hash;
    hash ^= holm_replica_fold_hash(replica) + provisional;
    return hash == 0 ? 1 : hash;
}

/* An even number is that of a provisional epoch's: what it says as a member is another. */
static void number_report(struct holm_replica *replica, bool provisional)
{
    struct holm_guard *guard = replica->guard;
    uint64_t hash = holm_guard_report_hash(replica, provisional);
    if (guard->said == hash)
        return;
    uint64_t next = guard->number / 2 + 1;
    uint64_t at = replica->now.monotonic_us;
    guard->said = hash;
    guard->number = 2 * (at > next ? at : next) + !provisional;
}

static enum holm_status raise_all(struct holm_guard *guard, const struct holm_stable *stable)
{
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; status == HOLM_OK && i < stable->count; i++) {
        const struct holm_report *report = &stable->reports[i];
        if (report->number != 0 && !holm_members_ended(&guard->members, report->member))
            status = holm_vector_raise(&guard->heard, report->member, report->number);
    }
    return status;
}

static enum holm_status fill_heard(struct holm_replica *replica, struct telling *telling)
{
    struct holm_guard *guard = replica->guard;
    struct holm_vector_view none = {NULL, 0};
    holm_vector_clear(&guard->heard);
    enum holm_status status = raise_all(guard, &guard->others);
    if (status == HOLM_OK)
        status = raise_all(guard, &guard->stable);
    telling->heard_hash = holm_vector_hash(holm_vector_view(&guard->heard), none, 0);
    return status;
}

static enum holm_status borrow(struct holm_replica *replica, struct holm_vector_view source,
                               struct holm_vector_view *view)
{
    struct holm_dot *entries = holm_arena_take(&replica->scratch, source.count * sizeof *entries);
    if (entries == NULL && source.count > 0)
        return HOLM_ENOMEM;
    if (source.count > 0)
        memcpy(entries, source.entries, source.count * sizeof *entries);
    *view = (struct holm_vector_view){entries, source.count};
    return HOLM_OK;
}

static enum holm_status fill_own(struct holm_replica *replica, struct telling *telling)
{
    struct holm_vector vector;
    struct holm_reported *reported = &telling->own.as.reported;
    if (telling->filled)
        return HOLM_OK;
    telling->own = holm_replica_message(replica, HOLM_MESSAGE_REPORT);
    holm_vector_init(&vector, &replica->config.allocator);
    enum holm_status status = holm_replica_report(replica, &vector);
    if (status == HOLM_OK)
        status = borrow(replica, holm_vector_view(&vector), &reported->vector);
    holm_vector_release(&vector);
    reported->provisional = telling->provisional;
    reported->number = replica->guard->number;
    reported->list = holm_vector_view(&replica->guard->known);
    reported->heard = holm_vector_view(&replica->guard->heard);
    telling->filled = status == HOLM_OK;
    return status;
}

/* ---- saying it */

static uint64_t has_heard(const struct holm_replica_peer *peer, struct holm_actor member)
{
    return holm_vector_seq(holm_vector_view(&peer->reports.heard), member);
}

/* Whether this end wants to be told over the link: in a mesh over each, else over those of the overlay. Who
 * is not known as a member yet needs what this one has, wherever it is. */
static bool chooses(const struct holm_replica *replica, const struct holm_replica_peer *peer,
                    bool provisional)
{
    return provisional || peer->feed.wish != HOLM_FOLLOW_BACK ||
           holm_stable_report(&replica->guard->stable, peer->actor) == NULL;
}

/* What was here a round ago, and has not come to the peer by any way. */
static bool lacks(const struct holm_replica *replica, const struct holm_replica_peer *peer,
                  const struct holm_report *report)
{
    return report->held > has_heard(peer, report->member) &&
           report->member.node.value != peer->actor.node.value &&
           holm_members_current(&replica->guard->members, report->member);
}

static bool may_be_told(const struct holm_replica *replica, const struct holm_replica_peer *peer,
                        bool provisional)
{
    return !provisional && replica->guard->fenced && peer->reports.spoke &&
           holm_members_current(&replica->guard->members, peer->actor);
}

/* What the peer lacks of others; whether any of it was never passed on to it. */
static size_t count_lacking(const struct holm_replica *replica,
                            const struct holm_replica_peer *peer, bool *fresh)
{
    const struct holm_stable *stable = &replica->guard->stable;
    size_t count = 0;
    for (size_t i = 0; i < stable->count; i++) {
        if (!lacks(replica, peer, &stable->reports[i]))
            continue;
        count += 1;
        *fresh |= stable->reports[i].taken > peer->reports.passed;
    }
    return count;
}

static enum holm_status pass_on(struct holm_replica *replica, uint32_t index)
{
    const struct holm_stable *stable = &replica->guard->stable;
    struct holm_replica_peer *peer = &replica->peers[index];
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; status == HOLM_OK && i < stable->count; i++) {
        const struct holm_report *report = &stable->reports[i];
        if (!lacks(replica, peer, report))
            continue;
        struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_REPORT);
        message.as.reported.member = report->member;
        message.as.reported.number = report->number;
        message.as.reported.vector = holm_vector_view(&report->partition);
        message.as.reported.list = holm_vector_view(&report->list);
        status = holm_replica_output(replica, index, &message);
    }
    if (status == HOLM_OK)
        peer->reports.passed = replica->guard->hearings;
    return status;
}

static enum holm_status say(struct holm_replica *replica, uint32_t index, struct telling *telling,
                            bool whole, bool wants)
{
    enum holm_status status = fill_own(replica, telling);
    struct holm_message message = telling->own;
    message.as.reported.wants = wants;
    if (!whole) {
        message.as.reported.number = 0;
        message.as.reported.vector = (struct holm_vector_view){NULL, 0};
        message.as.reported.list = (struct holm_vector_view){NULL, 0};
    }
    return status == HOLM_OK ? holm_replica_output(replica, index, &message) : status;
}

static void back_off(struct holm_report_link *link)
{
    link->pause = link->patience;
    link->patience = link->patience * 2 < PATIENCE_MAX ? link->patience * 2 : PATIENCE_MAX;
}

static enum holm_status tell_peer(struct holm_replica *replica, uint32_t index,
                                  struct telling *telling)
{
    struct holm_replica_peer *peer = &replica->peers[index];
    struct holm_report_link *link = &peer->reports;
    const struct holm_guard *guard = replica->guard;
    bool wants = chooses(replica, peer, telling->provisional);
    bool used = wants || link->wants;
    bool own = used && has_heard(peer, self_actor(replica)) < guard->number;
    bool fresh = own && link->told != guard->number;
    size_t lacking = used && may_be_told(replica, peer, telling->provisional)
                         ? count_lacking(replica, peer, &fresh)
                         : 0;
    uint64_t heard = (used ? telling->heard_hash ^ 2 * wants : 0) | 1;
    bool again = (own || lacking > 0) && !fresh && link->pause > 0;
    enum holm_status status = HOLM_OK;
    if (again) {
        link->pause -= 1;
        own = false;
        lacking = 0;
    }
    /* Also over a link that is not used: who thinks that it is must learn that it is not wanted any more. */
    if (own || link->told_heard != heard)
        status = say(replica, index, telling, own, wants);
    else
        heard = link->told_heard;
    if (status == HOLM_OK && lacking > 0)
        status = pass_on(replica, index);
    if (status != HOLM_OK)
        return status;
    link->told_heard = heard;
    if (own)
        link->told = guard->number;
    if (own || lacking > 0)
        back_off(link);
    return HOLM_OK;
}

/* What came since the last round is left to its author for one more. */
static void end_round(struct holm_guard *guard)
{
    for (size_t i = 0; i < guard->stable.count; i++)
        guard->stable.reports[i].held = guard->stable.reports[i].number;
}

static enum holm_status tell(struct holm_replica *replica, bool provisional)
{
    struct telling telling = {.provisional = provisional, .filled = false};
    enum holm_status status = fill_heard(replica, &telling);
    number_report(replica, provisional);
    for (uint32_t i = 0; status == HOLM_OK && i < replica->peer_capacity; i++) {
        if (replica->peers[i].up)
            status = tell_peer(replica, i, &telling);
    }
    if (status == HOLM_OK)
        end_round(replica->guard);
    return status;
}

enum holm_status holm_replica_tell(struct holm_replica *replica, bool provisional,
                                   struct holm_now now, const struct holm_work **work)
{
    HOLM_ASSERT(replica->guard != NULL && !replica->guard->list);
    holm_replica_work_begin(replica, now);
    enum holm_status status = holm_replica_seal(replica);
    if (status == HOLM_OK)
        status = tell(replica, provisional);
    holm_replica_work_end(replica, work);
    return status;
}
