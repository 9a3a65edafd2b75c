/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resolver.h - seeds that are names, each for all the addresses it stands for, now and later.
 *
 *     dns+tcp://nodes.holm.svc:7000      10.0.0.1 10.0.0.2     tcp://10.0.0.1:7000 tcp://10.0.0.2:7000
 *         30 s later                     10.0.0.2 10.0.0.3     one is dialled no more, another is
 *         30 s later                     no answer             nothing changes
 *
 * It decides when to look up; a thread a name does it (lookup.h); the I/O thread takes what was found, in tick(). No time
 * is read here.
 *
 *     R1  what a lookup that fails has found before goes on being dialled: so do names that stand for nothing, or for
 *         nothing that may be dialled
 *     R2  an address that is found is held to the rules for one that is written: holm_address_objection()
 *     R3  bounded: HOLM_RESOLVER_NAMES_MAX names, HOLM_FOUND_MAX addresses each
 */
#ifndef HOLM_NODE_RESOLVER_H
#define HOLM_NODE_RESOLVER_H

#include "node/lookup.h"
#include "node/roster.h"

#define HOLM_RESOLVER_NAMES_MAX HOLM_ROSTER_NAMES_MAX
/* The mean pause while nobody is up, if that is shorter than the usual one. */
#define HOLM_RESOLVER_ALONE_US UINT64_C(2000000)

struct holm_resolver;

struct holm_resolver_config {
    struct holm_allocator allocator; /* as in lookup.h */
    struct holm_log log;
    uint64_t interval_us; /* the mean pause; each is between half and one and a half of it */
    uint64_t random_seed;
    bool tls, insecure;
    holm_lookup_find *find; /* as in lookup.h; with `ready`, which has tick() called soon */
    void *find_context;
    void (*ready)(void *context);
    /* A name stands for these from now on. */
    void (*resolved)(void *context, const struct holm_roster_named *named, struct holm_now now,
                     struct holm_roster_change *change);
    void *context; /* of both */
};

struct holm_resolver_figures {
    uint64_t names, names_failed; /* failed: as of their last lookup */
    uint64_t addresses;
    uint64_t lookups, lookups_failed;
};

/* HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_resolver_new(const struct holm_resolver_config *config,
                                                  struct holm_resolver **resolver);
/* Waits for no lookup. NULL is allowed. */
void holm_resolver_free(struct holm_resolver *resolver);

/* A seed that is a name (holm_address_is_name()); it is looked up at the next tick, which is due. Any thread. A known one is
 * HOLM_OK. HOLM_ELIMIT, HOLM_ENOMEM, HOLM_EIO */
HOLM_NODISCARD enum holm_status holm_resolver_add(struct holm_resolver *resolver, const char *seed);

/* Takes what was found, asks for what is due; returns the monotonic time of the next call, unless something is ready
 * before. `alone`: nobody is up. */
uint64_t holm_resolver_tick(struct holm_resolver *resolver, bool alone, struct holm_now now);

/* Any thread. */
void holm_resolver_figures(struct holm_resolver *resolver, struct holm_resolver_figures *figures);

#endif
