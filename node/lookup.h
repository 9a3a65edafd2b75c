/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lookup.h - the addresses of one name, looked up by a thread of its own.
 *
 *     I/O thread     ask ......................... take        close
 *                     |                             ^            |  (returns at once)
 *     the lookup's    +-> find() ... seconds ... -> ready()      +-> frees all, when find() is through
 *
 * A name is looked up by a call that blocks for as long as it likes and cannot be interrupted. So the thread is
 * detached, and what it shares with its owner belongs to both:
 *     L1  no call here waits for find()
 *     L2  ready() is not called any more once close() has returned
 *     L3  who lets go last, the owner or the thread, frees
 */
#ifndef HOLM_NODE_LOOKUP_H
#define HOLM_NODE_LOOKUP_H

#include "transport/transport.h"

/* Of one name, and no more: what else there is is counted, and left out. */
#define HOLM_FOUND_MAX 1024

/* The hosts a name stands for, each once, as in an address: "10.0.0.1", "[fd00::1]". */
struct holm_found {
    struct holm_allocator allocator;
    char (*hosts)[HOLM_HOST_BYTES_MAX];
    size_t count, capacity;
    size_t left_out; /* beyond HOLM_FOUND_MAX */
    bool refused;    /* memory was: what is here is a part, and stands for nothing */
};

/* Adds a host, unless it is there or `refused` is set. "" and what is too long is ignored. O(count) */
void holm_found_add(struct holm_found *found, const char *host);
void holm_found_release(struct holm_found *found);

struct holm_lookup;

/* Adds what the name stands for; returns NULL, or why it could not: a text that is never freed. Blocks. */
typedef const char *holm_lookup_find(void *context, const char *name, struct holm_found *found);

/* Asks the system (getaddrinfo): both families; addresses that are good on one interface alone are left out. */
holm_lookup_find holm_lookup_system;

struct holm_lookup_config {
    struct holm_allocator
        allocator;    /* with its context, and find_context: they outlive the thread */
    const char *name; /* borrowed for open() */
    holm_lookup_find *find;
    void *find_context;
    void (*ready)(
        void *context); /* there is something to take: from the thread; calls nothing here */
    void *ready_context;
};

/* Starts the thread. HOLM_ENOMEM; HOLM_EIO: the system gives no thread. */
HOLM_NODISCARD enum holm_status holm_lookup_open(const struct holm_lookup_config *config,
                                                 struct holm_lookup **lookup);
void holm_lookup_close(struct holm_lookup *lookup);

/* Looks the name up once more, after what is under way. */
void holm_lookup_ask(struct holm_lookup *lookup);
/* Takes what was found last, once: it is the caller's to release. False: there is nothing new. *why: NULL, or why
 * nothing was found; then *found is empty. */
bool holm_lookup_take(struct holm_lookup *lookup, struct holm_found *found, const char **why);

#endif
