/* SPDX-License-Identifier: Apache-2.0 */
#include "node/resolver.h"

#include <pthread.h>
#include <stdio.h>

#include "node/address.h"
#include "node/random.h"

struct name {
    char seed[HOLM_ADDRESS_BYTES_MAX + 1];
    struct holm_lookup *lookup;
    bool waits;         /* for its lookup */
    bool failed;        /* the last one; written with the lock */
    bool told;          /* what it stands for */
    uint64_t asked_us;  /* when it was looked up last; 0: never */
    uint64_t permille;  /* of the mean pause, for the next */
    uint64_t addresses; /* written with the lock */
    size_t refused;     /* of those found last */
};

struct holm_resolver {
    struct holm_resolver_config config;
    struct holm_random
        random; /* the I/O thread's, as is all of a name that is not said to be the lock's */
    struct name names[HOLM_RESOLVER_NAMES_MAX];

    pthread_mutex_t lock; /* of what is below; nobody is told of anything with it */
    size_t count;
    uint64_t lookups, lookups_failed;
};

enum holm_status holm_resolver_new(const struct holm_resolver_config *config,
                                   struct holm_resolver **resolver)
{
    struct holm_resolver *made = holm_allocate(&config->allocator, sizeof *made);
    *resolver = made;
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->config = *config;
    made->random.state = config->random_seed;
    pthread_mutex_init(&made->lock, NULL);
    return HOLM_OK;
}

void holm_resolver_free(struct holm_resolver *resolver)
{
    if (resolver == NULL)
        return;
    struct holm_allocator allocator = resolver->config.allocator;
    for (size_t i = 0; i < resolver->count; i++)
        holm_lookup_close(resolver->names[i].lookup);
    pthread_mutex_destroy(&resolver->lock);
    holm_deallocate(&allocator, resolver, sizeof *resolver);
}

/* ---- names ---------------------------------------------------------------------------------- */

static enum holm_status add(struct holm_resolver *resolver, const char *seed)
{
    for (size_t i = 0; i < resolver->count; i++)
        if (strcmp(resolver->names[i].seed, seed) == 0)
            return HOLM_OK;
    if (resolver->count == HOLM_RESOLVER_NAMES_MAX)
        return HOLM_ELIMIT;
    char host[HOLM_ADDRESS_BYTES_MAX + 1];
    holm_address_host_of_name(host, holm_str(seed));
    struct holm_lookup_config lookup = {.allocator = resolver->config.allocator,
                                        .name = host,
                                        .find = resolver->config.find,
                                        .find_context = resolver->config.find_context,
                                        .ready = resolver->config.ready,
                                        .ready_context = resolver->config.context};
    struct name *name = &resolver->names[resolver->count];
    memset(name, 0, sizeof *name);
    enum holm_status status = holm_lookup_open(&lookup, &name->lookup);
    if (status != HOLM_OK)
        return status;
    memcpy(name->seed, seed, strlen(seed));
    resolver->count++;
    return HOLM_OK;
}

enum holm_status holm_resolver_add(struct holm_resolver *resolver, const char *seed)
{
    HOLM_ASSERT(holm_address_is_name(holm_str(seed)) && strlen(seed) <= HOLM_ADDRESS_BYTES_MAX);
    pthread_mutex_lock(&resolver->lock);
    enum holm_status status = add(resolver, seed);
    pthread_mutex_unlock(&resolver->lock);
    return status;
}

/* ---- what was found ------------------------------------------------------------------------- */

/* A lookup has ended; returns whether the one before had failed. */
static bool note(struct holm_resolver *resolver, struct name *name, bool failed, uint64_t addresses)
{
    pthread_mutex_lock(&resolver->lock);
    bool before = name->failed;
    resolver->lookups++;
    resolver->lookups_failed += failed;
    name->failed = failed;
    name->addresses = addresses;
    pthread_mutex_unlock(&resolver->lock);
    return before;
}

static void fail(struct holm_resolver *resolver, struct name *name, const char *why,
                 struct holm_now now)
{
    if (!note(resolver, name, true, name->addresses))
        holm_log_tell(&resolver->config.log, now, HOLM_LOG_RESOLVE_FAILED,
                      HOLM_LOG_VALUES(holm_log_text(name->seed), holm_log_text(why),
                                      holm_log_number(name->addresses)));
}

/* Writes the addresses that may be dialled; returns how many. */
static size_t permit(struct holm_resolver *resolver, struct name *name,
                     const struct holm_found *found, struct holm_roster_text *texts,
                     struct holm_now now)
{
    size_t count = 0, refused = 0;
    const char *why = NULL;
    char example[HOLM_ADDRESS_BYTES_MAX + 1] = "";
    for (size_t i = 0; i < found->count; i++) {
        struct holm_roster_text *text = &texts[count];
        holm_address_of_name(text->bytes, holm_str(name->seed), found->hosts[i]);
        const char *objection = holm_address_objection(holm_str(text->bytes), resolver->config.tls,
                                                       resolver->config.insecure);
        if (objection != NULL && refused++ == 0) {
            why = objection;
            memcpy(example, text->bytes, sizeof example);
        }
        count += objection == NULL && text->bytes[0] != '\0';
    }
    if (refused > 0 && refused != name->refused)
        holm_log_tell(&resolver->config.log, now, HOLM_LOG_SEED_REFUSED,
                      HOLM_LOG_VALUES(holm_log_text(name->seed), holm_log_number(refused),
                                      holm_log_text(example), holm_log_text(why)));
    name->refused = refused;
    return count;
}

static void hand_over(struct holm_resolver *resolver, struct name *name,
                      const struct holm_found *found, const struct holm_roster_named *named,
                      struct holm_now now)
{
    struct holm_roster_change change = {.left_out = 0};
    resolver->config.resolved(resolver->config.context, named, now, &change);
    bool failed = note(resolver, name, false, change.known);
    if (change.added > 0 || change.gone > 0 || failed || !name->told)
        holm_log_tell(&resolver->config.log, now, HOLM_LOG_SEED_RESOLVED,
                      HOLM_LOG_VALUES(holm_log_text(name->seed), holm_log_number(change.known),
                                      holm_log_number(change.added), holm_log_number(change.gone),
                                      holm_log_number(change.left_out + found->left_out)));
    name->told = true;
}

static void take(struct holm_resolver *resolver, struct name *name, struct holm_now now)
{
    struct holm_found found;
    const char *why;
    if (!holm_lookup_take(name->lookup, &found, &why))
        return;
    name->waits = false;
    if (why != NULL) {
        fail(resolver, name, why, now);
        return;
    }
    const struct holm_allocator *allocator = &resolver->config.allocator;
    struct holm_roster_text *texts = holm_allocate(allocator, found.count * sizeof *texts);
    struct holm_roster_named named = {.name = (uint32_t)(name - resolver->names), .texts = texts};
    if (texts != NULL)
        named.count = permit(resolver, name, &found, texts, now);
    if (named.count > 0)
        hand_over(resolver, name, &found, &named, now);
    else
        fail(resolver, name, texts == NULL ? "out of memory" : "none may be dialled", now);
    holm_deallocate(allocator, texts, found.count * sizeof *texts);
    holm_found_release(&found);
}

/* ---- time ----------------------------------------------------------------------------------- */

static uint64_t due_us(const struct holm_resolver *resolver, const struct name *name, bool alone)
{
    uint64_t pause_us = resolver->config.interval_us;
    if (alone && pause_us > HOLM_RESOLVER_ALONE_US)
        pause_us = HOLM_RESOLVER_ALONE_US;
    return name->asked_us == 0 ? 0 : name->asked_us + pause_us * name->permille / 1000;
}

uint64_t holm_resolver_tick(struct holm_resolver *resolver, bool alone, struct holm_now now)
{
    uint64_t next_us = HOLM_NEVER;
    pthread_mutex_lock(&resolver->lock);
    size_t count = resolver->count; /* names come, and never go */
    pthread_mutex_unlock(&resolver->lock);
    for (size_t i = 0; i < count; i++) {
        struct name *name = &resolver->names[i];
        take(resolver, name, now);
        if (!name->waits && due_us(resolver, name, alone) <= now.monotonic_us) {
            name->waits = true;
            name->asked_us = now.monotonic_us;
            name->permille = holm_random_between(&resolver->random, 500, 1500);
            holm_lookup_ask(name->lookup);
        }
        if (!name->waits && due_us(resolver, name, alone) < next_us)
            next_us = due_us(resolver, name, alone);
    }
    return next_us;
}

void holm_resolver_figures(struct holm_resolver *resolver, struct holm_resolver_figures *figures)
{
    pthread_mutex_lock(&resolver->lock);
    *figures = (struct holm_resolver_figures){.names = resolver->count,
                                              .lookups = resolver->lookups,
                                              .lookups_failed = resolver->lookups_failed};
    for (size_t i = 0; i < resolver->count; i++) {
        figures->names_failed += resolver->names[i].failed;
        figures->addresses += resolver->names[i].addresses;
    }
    pthread_mutex_unlock(&resolver->lock);
}
