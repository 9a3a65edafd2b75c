/* SPDX-License-Identifier: Apache-2.0 */
#include "node/herald.h"

#include "node/address.h"
#include "node/random.h"

/* An announcement that was taken could be taken for new until its time is that far from ours; ours was as far from it, to the
 * other side, at most. */
#define MEMORY_US (2 * HOLM_HERALD_DRIFT_MS * 1000)

_Static_assert(MEMORY_US >= HOLM_HERALD_AGE_US, "who may be dialled is remembered");

struct heard {
    struct holm_actor actor;
    uint64_t number;
    uint64_t heard_us;
    const char *why; /* it may not be dialled from here; or NULL */
    char address[HOLM_ADDRESS_BYTES_MAX];
};

struct holm_herald {
    struct holm_herald_config config;
    struct holm_random random;
    uint64_t number;   /* of the last announcement */
    uint64_t sent_us;  /* when that was; 0: never */
    uint64_t due_us;   /* when the next is */
    uint64_t pause_us; /* the mean one before that after next */
    bool changed;
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

/* Its time is looked at before its number: no older one than is remembered can pass. */
static bool is_stale(const struct holm_announcement *announcement, struct holm_now now)
{
    uint64_t told = announcement->wall_ms;
    uint64_t apart = told > now.wall_ms ? told - now.wall_ms : now.wall_ms - told;
    return apart > HOLM_HERALD_DRIFT_MS;
}

static bool is_later(const struct holm_announcement *announcement, const struct heard *heard)
{
    uint64_t epoch = announcement->actor.epoch.value;
    return epoch != heard->actor.epoch.value ? epoch > heard->actor.epoch.value
                                             : announcement->number > heard->number;
}

static void note(struct holm_herald *herald, struct heard *heard,
                 const struct holm_announcement *announcement, struct holm_now now)
{
    bool news = heard->number == 0 || !is_fresh(heard, now) ||
                heard->actor.epoch.value != announcement->actor.epoch.value ||
                strcmp(heard->address, announcement->address) != 0;
    bool goes = announcement->address[0] == '\0' && heard->address[0] != '\0';
    heard->actor = announcement->actor;
    heard->number = announcement->number;
    heard->heard_us = now.monotonic_us;
    memcpy(heard->address, announcement->address, sizeof heard->address);
    heard->why = heard->address[0] == '\0' ? NULL : objection(herald, heard->address);
    herald->changed |= news;
    herald->figures.taken++;
    if (news && !goes)
        answer(herald, now);
}

static void take(struct holm_herald *herald, const struct holm_announcement *announcement,
                 struct holm_now now)
{
    struct heard *heard = find(herald, announcement->actor.node);
    if (is_stale(announcement, now)) {
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
        if (!is_fresh(heard, now) && heard->address[0] != '\0') {
            heard->address[0] = '\0';
            heard->why = NULL;
            herald->changed = true;
        }
        uint64_t next_us = heard->heard_us +
                           (heard->address[0] == '\0' ? MEMORY_US + 1 : HOLM_HERALD_AGE_US);
        due_us = next_us < due_us ? next_us : due_us;
    }
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
    uint64_t aged_us = age(herald, now);
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
    *due_us = aged_us < herald->due_us ? aged_us : herald->due_us;
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

bool holm_herald_changed(const struct holm_herald *herald)
{
    return herald->changed;
}

static bool is_listed(const struct holm_roster_text *texts, size_t count, const char *address)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(texts[i].bytes, address) == 0)
            return true;
    return false;
}

size_t holm_herald_list(struct holm_herald *herald, struct holm_roster_text *texts,
                        struct holm_herald_refused *refused)
{
    size_t count = 0;
    memset(refused, 0, sizeof *refused);
    refused->why = "";
    herald->changed = false;
    herald->figures.refused = 0;
    for (size_t i = 0; i < herald->count; i++) {
        const struct heard *heard = &herald->nodes[i];
        if (heard->why != NULL) {
            herald->figures.refused++;
            refused->why = heard->why;
            memcpy(refused->address.bytes, heard->address, sizeof heard->address);
        } else if (heard->address[0] != '\0' && !is_listed(texts, count, heard->address)) {
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
