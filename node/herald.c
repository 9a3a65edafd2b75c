/* SPDX-License-Identifier: Apache-2.0 */
#include "node/herald.h"

#include <stdio.h>

#include "node/address.h"
#include "node/random.h"

/* An announcement that was taken could be taken for new until its time is that far from ours; ours was as far from it, to the
 * other side, at most, and has gone on from there. */
#define MEMORY_US (2 * HOLM_HERALD_DRIFT_MS * 1000)

_Static_assert(MEMORY_US >= HOLM_HERALD_AGE_US, "who may be dialled is remembered");

/* What an address takes of the time in which all together come. */
#define COME_US (UINT64_C(1000000) / HOLM_HERALD_COME_RATE)

/* No set of nodes that is remembered can keep all turns for itself for long: the last in the row waits for as long as
 * each of the others has one. */
_Static_assert(HOLM_HERALD_NODES_MAX *COME_US < HOLM_HERALD_AGE_US,
               "who waits is still heard of when its turn comes");

struct heard {
    struct holm_actor actor;
    uint64_t number;
    uint64_t heard_us;
    uint64_t told_us; /* of this address, first */
    uint64_t free_us; /* when it may come to the list */
    bool came;        /* another of it has, before */
    bool listed;      /* this one is on the list */
    const char *why;  /* it may not be dialled from here; or NULL */
    char address[HOLM_ADDRESS_BYTES_MAX];
};

struct holm_herald {
    struct holm_herald_config config;
    struct holm_random random;
    uint64_t number;     /* of the last announcement */
    uint64_t sent_us;    /* when that was; 0: never */
    uint64_t due_us;     /* when the next is */
    uint64_t pause_us;   /* the mean one before that after next */
    bool changed;        /* what list() tells, since it was called */
    uint64_t listed_us;  /* when that was; 0: never */
    uint64_t come_us;    /* how far the time in which addresses come is given away */
    uint64_t wall_ms;    /* that which the last announcement that was taken bore out ... */
    uint64_t wall_at_us; /* ... when that was; 0: nobody has */
    struct holm_herald_figures figures;
    struct heard nodes[HOLM_HERALD_NODES_MAX];
    size_t count;
};

enum holm_status holm_herald_new(const struct holm_herald_config *config,
                                 struct holm_herald **herald)
{
    struct holm_herald *made = holm_allocate(&config->allocator, sizeof *made);
    *herald = made;
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->config = *config;
    made->random.state = config->random_seed;
    made->pause_us = HOLM_HERALD_PAUSE_US;
    return HOLM_OK;
}

void holm_herald_free(struct holm_herald *herald)
{
    if (herald == NULL)
        return;
    struct holm_allocator allocator = herald->config.allocator;
    holm_deallocate(&allocator, herald, sizeof *herald);
}

/* ---- hearing -------------------------------------------------------------------------------- */

static const char *objection(const struct holm_herald *herald, const char *address)
{
    struct holm_bytes bytes = holm_str(address);
    if (!herald->config.loopback && holm_address_is_local(bytes))
        return "leads to the machine that hears it, and not to the one that tells of it";
    return holm_address_objection(bytes, herald->config.tls, herald->config.insecure);
}

static struct heard *find(struct holm_herald *herald, struct holm_node_id node)
{
    for (size_t i = 0; i < herald->count; i++)
        if (herald->nodes[i].actor.node.value == node.value)
            return &herald->nodes[i];
    return NULL;
}

static bool is_fresh(const struct heard *heard, struct holm_now now)
{
    return now.monotonic_us - heard->heard_us < HOLM_HERALD_AGE_US;
}

/* A newcomer hears of this node soon: within a moment that is another on each of those who heard it. */
static void answer(struct holm_herald *herald, struct holm_now now)
{
    uint64_t due_us = now.monotonic_us +
                      holm_random_between(&herald->random, 0, HOLM_HERALD_ANSWER_US);
    if (herald->sent_us != 0 && due_us < herald->sent_us + HOLM_HERALD_GAP_US)
        due_us = herald->sent_us + HOLM_HERALD_GAP_US;
    if (due_us < herald->due_us)
        herald->due_us = due_us;
    herald->pause_us = HOLM_HERALD_PAUSE_US;
}

/* Wall time as announcements are held against it: a clock that is set back does not make old ones new. It goes on from times
 * at which somebody was heard, since a clock that nobody bore out may have been wrong. */
static uint64_t wall_ms(const struct holm_herald *herald, struct holm_now now)
{
    uint64_t since_ms = (now.monotonic_us - herald->wall_at_us) / 1000;
    if (herald->wall_at_us != 0 && now.wall_ms < herald->wall_ms + since_ms)
        return herald->wall_ms + since_ms;
    return now.wall_ms;
}

/* Its time is looked at before its number: no older one than is remembered can pass. */
static bool is_stale(const struct holm_announcement *announcement, uint64_t now_ms)
{
    uint64_t told = announcement->wall_ms;
    uint64_t apart = told > now_ms ? told - now_ms : now_ms - told;
    uint64_t opened = announcement->actor.epoch.value >> 16;
    return apart > HOLM_HERALD_DRIFT_MS || opened > now_ms + HOLM_HERALD_DRIFT_MS;
}

static bool is_later(const struct holm_announcement *announcement, const struct heard *heard)
{
    uint64_t epoch = announcement->actor.epoch.value;
    return epoch != heard->actor.epoch.value ? epoch > heard->actor.epoch.value
                                             : announcement->number > heard->number;
}

static bool waits(const struct heard *heard)
{
    return heard->address[0] != '\0' && heard->why == NULL && !heard->listed;
}

/* When the next address may come, of all together. */
static uint64_t come_us(const struct holm_herald *herald)
{
    const uint64_t burst_us = (HOLM_HERALD_COME_BURST - 1) * COME_US;
    return herald->come_us > burst_us ? herald->come_us - burst_us : 0;
}

static struct heard *longest_waiting(struct holm_herald *herald, struct holm_now now)
{
    struct heard *longest = NULL;
    for (size_t i = 0; i < herald->count; i++) {
        struct heard *heard = &herald->nodes[i];
        if (waits(heard) && heard->free_us <= now.monotonic_us &&
            (longest == NULL || heard->told_us < longest->told_us))
            longest = heard;
    }
    return longest;
}

/* H6 */
static void let_come(struct holm_herald *herald, struct holm_now now)
{
    struct heard *heard;
    while (come_us(herald) <= now.monotonic_us && (heard = longest_waiting(herald, now)) != NULL) {
        uint64_t from_us = herald->come_us > now.monotonic_us ? herald->come_us : now.monotonic_us;
        herald->come_us = from_us + COME_US;
        heard->free_us = heard->came ? now.monotonic_us + HOLM_HERALD_MOVE_US : 0;
        heard->came = true;
        heard->listed = true;
        herald->changed = true;
    }
}

/* It is there now, or nowhere, and nowhere else. */
static void place(struct holm_herald *herald, struct heard *heard, const char *address,
                  struct holm_now now)
{
    bool refused = heard->why != NULL;
    herald->changed |= heard->listed || refused;
    (void)snprintf(heard->address, sizeof heard->address, "%s", address);
    heard->told_us = now.monotonic_us;
    heard->listed = false;
    heard->why = address[0] == '\0' ? NULL : objection(herald, heard->address);
    herald->changed |= heard->why != NULL;
}

static void note(struct holm_herald *herald, struct heard *heard,
                 const struct holm_announcement *announcement, struct holm_now now)
{
    bool moves = strcmp(heard->address, announcement->address) != 0;
    bool news = moves || heard->number == 0 || !is_fresh(heard, now) ||
                heard->actor.epoch.value != announcement->actor.epoch.value;
    bool goes = announcement->address[0] == '\0' && heard->address[0] != '\0';
    heard->actor = announcement->actor;
    heard->number = announcement->number;
    heard->heard_us = now.monotonic_us;
    herald->wall_ms = wall_ms(herald, now);
    herald->wall_at_us = now.monotonic_us;
    herald->figures.taken++;
    if (moves)
        place(herald, heard, announcement->address, now);
    let_come(herald, now);
    if (news && !goes)
        answer(herald, now);
}

static void take(struct holm_herald *herald, const struct holm_announcement *announcement,
                 struct holm_now now)
{
    struct heard *heard = find(herald, announcement->actor.node);
    if (is_stale(announcement, wall_ms(herald, now))) {
        herald->figures.stale++;
    } else if (heard != NULL && !is_later(announcement, heard)) {
        herald->figures.replayed++;
    } else if (heard == NULL && herald->count == HOLM_HERALD_NODES_MAX) {
        herald->figures.left_out++;
    } else {
        if (heard == NULL) {
            heard = &herald->nodes[herald->count++];
            memset(heard, 0, sizeof *heard);
        }
        note(herald, heard, announcement, now);
    }
}

void holm_herald_take(struct holm_herald *herald, struct holm_bytes bytes, struct holm_actor self,
                      struct holm_now now)
{
    struct holm_announcement announcement;
    switch (holm_announcement_decode(bytes, herald->config.secret, &announcement)) {
    case HOLM_ANNOUNCED:
        if (!holm_actor_equal(announcement.actor, self))
            take(herald, &announcement, now);
        return;
    case HOLM_ANNOUNCED_MALFORMED:
        herald->figures.malformed++;
        return;
    case HOLM_ANNOUNCED_UNAUTHENTIC:
        herald->figures.unauthentic++;
        return;
    case HOLM_ANNOUNCED_FOREIGN:
        herald->figures.foreign++;
        return;
    }
}

/* Who is not heard any more; returns when the next of them is not. */
static uint64_t age(struct holm_herald *herald, struct holm_now now)
{
    uint64_t due_us = HOLM_NEVER;
    for (size_t i = 0; i < herald->count; i++) {
        struct heard *heard = &herald->nodes[i];
        if (now.monotonic_us - heard->heard_us > MEMORY_US) {
            *heard = herald->nodes[--herald->count];
            i--;
            continue;
        }
        if (!is_fresh(heard, now) && heard->address[0] != '\0')
            place(herald, heard, "", now);
        uint64_t next_us = heard->heard_us +
                           (heard->address[0] == '\0' ? MEMORY_US + 1 : HOLM_HERALD_AGE_US);
        due_us = next_us < due_us ? next_us : due_us;
    }
    return due_us;
}

/* When the next address comes that waits now. */
static uint64_t look_at_waiting(struct holm_herald *herald)
{
    uint64_t due_us = HOLM_NEVER;
    herald->figures.waiting = 0;
    for (size_t i = 0; i < herald->count; i++) {
        const struct heard *heard = &herald->nodes[i];
        if (!waits(heard))
            continue;
        herald->figures.waiting++;
        due_us = heard->free_us < due_us ? heard->free_us : due_us;
    }
    return due_us > come_us(herald) ? due_us : come_us(herald);
}

static uint64_t list_us(const struct holm_herald *herald)
{
    return herald->listed_us == 0 ? 0 : herald->listed_us + HOLM_HERALD_LIST_US;
}

/* Lets what is old go, and what waits come; returns when there is more of that, or something to tell. */
static uint64_t keep(struct holm_herald *herald, struct holm_now now)
{
    uint64_t due_us = age(herald, now);
    let_come(herald, now);
    uint64_t come = look_at_waiting(herald);
    due_us = come < due_us ? come : due_us;
    if (herald->changed && list_us(herald) > now.monotonic_us && list_us(herald) < due_us)
        due_us = list_us(herald);
    return due_us;
}

/* ---- announcing ----------------------------------------------------------------------------- */

static size_t announce(struct holm_herald *herald, struct holm_actor self, const char *address,
                       struct holm_now now, uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX])
{
    struct holm_announcement announcement = {.actor = self, .wall_ms = now.wall_ms};
    size_t size = strlen(address);
    if (size < sizeof announcement.address)
        memcpy(announcement.address, address, size);
    announcement.number = ++herald->number;
    herald->sent_us = now.monotonic_us;
    return holm_announcement_encode(&announcement, herald->config.secret, bytes);
}

static void plan(struct holm_herald *herald, bool alone, struct holm_now now)
{
    uint64_t most_us = alone ? HOLM_HERALD_ALONE_US : HOLM_HERALD_PAUSE_US_MAX;
    uint64_t pause_us = herald->pause_us < most_us ? herald->pause_us : most_us;
    herald->due_us = now.monotonic_us +
                     pause_us * holm_random_between(&herald->random, 500, 1500) / 1000;
    herald->pause_us = 2 * pause_us;
}

size_t holm_herald_tick(struct holm_herald *herald, const struct holm_herald_self *self,
                        struct holm_now now, uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX],
                        uint64_t *due_us)
{
    uint64_t kept_us = keep(herald, now);
    size_t size = 0;
    if (herald->due_us == 0)
        holm_herald_hurry(herald, now);
    /* Who has just lost everybody does not sleep through a pause that was planned in company. */
    if (self->alone && herald->due_us > now.monotonic_us + 3 * HOLM_HERALD_ALONE_US / 2)
        plan(herald, true, now);
    if (herald->due_us <= now.monotonic_us) {
        size = announce(herald, self->actor, self->address, now, bytes);
        plan(herald, self->alone, now);
    }
    *due_us = kept_us < herald->due_us ? kept_us : herald->due_us;
    return size;
}

void holm_herald_hurry(struct holm_herald *herald, struct holm_now now)
{
    herald->due_us = HOLM_NEVER;
    answer(herald, now);
}

size_t holm_herald_farewell(struct holm_herald *herald, struct holm_actor self, struct holm_now now,
                            uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX])
{
    return announce(herald, self, "", now, bytes);
}

/* ---- looking -------------------------------------------------------------------------------- */

bool holm_herald_changed(const struct holm_herald *herald, struct holm_now now)
{
    return herald->changed && list_us(herald) <= now.monotonic_us;
}

static bool is_listed(const struct holm_roster_text *texts, size_t count, const char *address)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i].bytes, address) == 0)
            return true;
    return false;
}

size_t holm_herald_list(struct holm_herald *herald, struct holm_now now,
                        struct holm_roster_text *texts, struct holm_herald_refused *refused)
{
    size_t count = 0;
    memset(refused, 0, sizeof *refused);
    refused->why = "";
    herald->changed = false;
    herald->listed_us = now.monotonic_us;
    herald->figures.refused = 0;
    for (size_t i = 0; i < herald->count; i++) {
        const struct heard *heard = &herald->nodes[i];
        if (heard->why != NULL) {
            herald->figures.refused++;
            refused->why = heard->why;
            memcpy(refused->address.bytes, heard->address, sizeof heard->address);
        } else if (heard->listed && !is_listed(texts, count, heard->address)) {
            memset(&texts[count], 0, sizeof texts[count]);
            memcpy(texts[count++].bytes, heard->address, sizeof heard->address);
        }
    }
    herald->figures.heard = count;
    return count;
}

void holm_herald_figures(const struct holm_herald *herald, struct holm_herald_figures *figures)
{
    *figures = herald->figures;
}
