/* SPDX-License-Identifier: Apache-2.0 */
#include "node/roster.h"

#include <stdarg.h>
#include <stdio.h>

#include "node/roster_state.h"

#define PING_INTERVAL_US UINT64_C(1000000)

enum holm_status holm_roster_new(const struct holm_roster_config *config,
                                 struct holm_roster **roster)
{
    *roster = NULL;
    if (strlen(config->name) > HOLM_NAME_BYTES_MAX || config->name[0] == '\0' ||
        strlen(config->cluster) > 255 || strlen(config->address) > HOLM_ADDRESS_BYTES_MAX ||
        strlen(config->publisher) > HOLM_ADDRESS_BYTES_MAX)
        return HOLM_EINVAL;
    struct holm_roster *made = holm_allocate(&config->allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->config = *config;
    memcpy(made->name, config->name, strlen(config->name));
    memcpy(made->cluster, config->cluster, strlen(config->cluster));
    memcpy(made->address, config->address, strlen(config->address));
    memcpy(made->publisher, config->publisher, strlen(config->publisher));
    made->random.state = config->random_seed;
    made->news_us = HOLM_NEVER;
    made->news_turn = 1;
    made->raise_wait_us = config->redial_interval_us;
    enum holm_status status = holm_roster_reserve(made);
    if (status == HOLM_OK && config->hearsay_us != 0)
        status = holm_array_reserve(&config->allocator, (void **)&made->worn, &made->worn_capacity,
                                    sizeof *made->worn, config->peers_max);
    if (status != HOLM_OK) {
        holm_roster_free(made);
        return status;
    }
    *roster = made;
    return HOLM_OK;
}

void holm_roster_free(struct holm_roster *roster)
{
    if (roster == NULL)
        return;
    struct holm_allocator allocator = roster->config.allocator;
    holm_array_free(&allocator, roster->addresses, roster->address_capacity,
                    sizeof *roster->addresses);
    holm_array_free(&allocator, roster->links, roster->link_capacity, sizeof *roster->links);
    holm_array_free(&allocator, roster->peers, roster->peer_capacity, sizeof *roster->peers);
    holm_array_free(&allocator, roster->worn, roster->worn_capacity, sizeof *roster->worn);
    holm_array_free(&allocator, roster->members, roster->member_capacity, sizeof *roster->members);
    holm_array_free(&allocator, roster->actions, roster->action_capacity, sizeof *roster->actions);
    holm_deallocate(&allocator, roster, sizeof *roster);
}

/* ---- actions -------------------------------------------------------------------------------- */

/* No call pushes more than a few actions for each thing there is, and the host takes them all
 * before the next call. What a peer may repeat within one call reserves each time: so much comes
 * on top of what waits already. */
enum holm_status holm_roster_reserve(struct holm_roster *roster)
{
    size_t wanted = roster->action_count + 32 + 8 * (roster->link_count + 1) +
                    8 * (roster->peer_count + 1) + 2 * (roster->address_count + 1);
    return holm_array_reserve(&roster->config.allocator, (void **)&roster->actions,
                              &roster->action_capacity, sizeof *roster->actions, wanted);
}

struct holm_roster_action *holm_roster_push(struct holm_roster *roster, enum holm_roster_do type)
{
    HOLM_ASSERT(roster->action_count < roster->action_capacity);
    struct holm_roster_action *action = &roster->actions[roster->action_count++];
    memset(action, 0, sizeof *action);
    action->type = type;
    return action;
}

void holm_roster_note(struct holm_roster *roster, enum holm_log_event event,
                      const struct holm_log_value *values, size_t count)
{
    struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_NOTE);
    action->event = event;
    holm_log_pack(event, values, count, action->text, sizeof action->text);
}

bool holm_roster_next(struct holm_roster *roster, struct holm_roster_action *action)
{
    if (roster->action_first == roster->action_count) {
        roster->action_first = roster->action_count = 0;
        return false;
    }
    *action = roster->actions[roster->action_first++];
    return true;
}

void holm_roster_due(struct holm_roster *roster, uint64_t when_us)
{
    if (when_us < roster->due_us)
        roster->due_us = when_us;
}

static void member_of_peer(const struct holm_roster_peer *peer, struct holm_member *member)
{
    member->actor = peer->actor;
    if (peer->told > member->actor.epoch.value)
        member->actor.epoch.value = peer->told;
    member->name = holm_str(peer->name);
    member->address = holm_str(peer->left ? "" : peer->address);
    member->left = peer->left;
}

/* When not all fit, each Hello begins elsewhere, so that all are told in the end. */
static size_t members_fill(struct holm_roster *roster, const struct holm_roster_action *action)
{
    size_t count = 0;
    size_t bytes = 1024;
    size_t start = roster->peer_count == 0 ? 0
                                           : holm_random_next(&roster->random) % roster->peer_count;
    if (roster->twin != 0) {
        struct holm_member *twin = &roster->members[count++];
        twin->actor = (struct holm_actor){roster->config.self.node, {roster->twin}};
        twin->name = twin->address = holm_str("");
        twin->left = false;
    }
    for (size_t i = 0; i < roster->peer_count; i++) {
        const struct holm_roster_peer *peer = &roster->peers[(start + i) % roster->peer_count];
        if (!peer->used || (action->tell == HOLM_TELL_NEWS && peer->news < action->token))
            continue;
        struct holm_member *member = &roster->members[count];
        member_of_peer(peer, member);
        bytes += 32 + member->name.size + member->address.size;
        if (bytes > roster->config.hello_bytes_max)
            break;
        count++;
    }
    return count;
}

enum holm_status holm_roster_hello_fill(struct holm_roster *roster,
                                        const struct holm_roster_action *action,
                                        struct holm_hello *hello)
{
    enum holm_status status = holm_array_reserve(
        &roster->config.allocator, (void **)&roster->members, &roster->member_capacity,
        sizeof *roster->members, roster->peer_count + 2);
    if (status != HOLM_OK)
        return status;
    memset(hello, 0, sizeof *hello);
    hello->cluster = holm_str(roster->cluster);
    hello->version = HOLM_WIRE_VERSION;
    hello->features = HOLM_FEATURE_FEEDS | HOLM_FEATURE_SHARED |
                      (roster->config.stable ? HOLM_FEATURE_STABLE | HOLM_FEATURE_TUNNELS : 0);
    hello->partitions = roster->config.partitions;
    hello->self.actor = roster->config.self;
    hello->self.name = holm_str(roster->name);
    hello->self.address = holm_str(roster->address);
    hello->publisher = holm_str(roster->publisher);
    hello->nonce = roster->config.nonce;
    hello->answer = action->answer;
    hello->heard = action->actor;
    hello->members = roster->members;
    hello->member_count = action->tell == HOLM_TELL_NONE ? 0 : members_fill(roster, action);
    return HOLM_OK;
}

/* ---- time ----------------------------------------------------------------------------------- */

static void proven_tick(struct holm_roster *roster, struct holm_roster_link *link,
                        struct holm_now now)
{
    uint64_t patience = roster->config.link_timeout_us;
    if (8 * link->round_trip_us > patience)
        patience = 8 * link->round_trip_us;
    if (now.monotonic_us - link->heard_us >= patience) {
        holm_roster_note(roster, HOLM_LOG_LINK_SILENT,
                         HOLM_LOG_VALUES(holm_log_text(roster->peers[link->peer].name),
                                         holm_log_number(patience / 1000)));
        holm_roster_link_shut(roster, link->id, now);
        return;
    }
    uint64_t interval = roster->config.link_timeout_us / 3;
    if (interval > PING_INTERVAL_US)
        interval = PING_INTERVAL_US;
    uint64_t last = link->pinged_us > link->heard_us ? link->pinged_us : link->heard_us;
    if (link->pinged_us == 0 || now.monotonic_us - last >= interval) {
        struct holm_roster_action *action = holm_roster_push(roster, HOLM_ROSTER_PING);
        action->link.value = link->id;
        action->token = link->token = ++link->pings;
        link->pinged_us = last = now.monotonic_us;
    }
    holm_roster_due(roster, link->heard_us + patience);
    holm_roster_due(roster, last + interval);
}

/* A Hello may have gone into a dead wire: it is said again, and then the link is given up. The
 * patience grows from link to link, so that a path of any delay is met in the end. */
static void open_tick(struct holm_roster *roster, struct holm_roster_link *link,
                      struct holm_now now)
{
    uint64_t patience = roster->config.redial_interval_us;
    if (patience < roster->config.link_timeout_us / 3)
        patience = roster->config.link_timeout_us / 3;
    patience *= 1 + link->id % 3;
    if (now.monotonic_us - link->opened_us >= patience) {
        holm_roster_link_shut(roster, link->id, now);
        return;
    }
    holm_roster_due(roster, link->opened_us + patience);
    if (link->state != HOLM_LINK_OPEN || link->greeted_us == 0)
        return;
    uint64_t interval = roster->config.redial_interval_us / 4 + 1;
    if (now.monotonic_us - link->greeted_us >= interval)
        holm_roster_greet(roster, link, false, HOLM_TELL_ALL, now);
    holm_roster_due(roster, link->greeted_us + interval);
}

static void links_tick(struct holm_roster *roster, struct holm_now now)
{
    /* Backwards: a link that is removed gives its place to the last one, which was seen before. */
    for (size_t i = roster->link_count; i-- > 0;) {
        struct holm_roster_link *link = &roster->links[i];
        if (link->close_us <= now.monotonic_us) {
            holm_roster_link_shut(roster, link->id, now);
            continue;
        }
        holm_roster_due(roster, link->close_us);
        if (link->state == HOLM_LINK_PROVEN)
            proven_tick(roster, link, now);
        else if (link->state != HOLM_LINK_REFUSED)
            open_tick(roster, link, now);
    }
}

static void news_tick(struct holm_roster *roster, struct holm_now now)
{
    if (roster->news_us > now.monotonic_us) {
        holm_roster_due(roster, roster->news_us);
        return;
    }
    for (size_t i = 0; i < roster->link_count; i++) {
        struct holm_roster_link *link = &roster->links[i];
        if (link->state != HOLM_LINK_PROVEN || roster->peers[link->peer].route != link->id)
            continue;
        holm_roster_greet(roster, link, true, HOLM_TELL_NEWS, now);
        roster->actions[roster->action_count - 1].token = roster->news_turn;
    }
    roster->news_turn++;
    roster->news_us = HOLM_NEVER;
}

uint64_t holm_roster_tick(struct holm_roster *roster, struct holm_now now)
{
    if (now.monotonic_us < roster->due_us)
        return roster->due_us;
    roster->due_us = HOLM_NEVER;
    if (roster->raise_above != 0)
        holm_roster_raise(roster, roster->raise_above, false, now);
    holm_roster_twin_tick(roster, now);
    news_tick(roster, now);
    links_tick(roster, now);
    holm_roster_suspect_tick(roster, now);
    holm_roster_rumour_tick(roster, now);
    holm_roster_due(roster, holm_roster_address_tick(roster, now));
    return roster->due_us;
}

uint64_t holm_roster_due_us(const struct holm_roster *roster)
{
    return roster->due_us;
}
