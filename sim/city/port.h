/* SPDX-License-Identifier: Apache-2.0 */
/*
 * port.h - what a city needs of its replica, and all that it may touch.
 *
 *     city code ---- struct holm_city_port ----> a node of this process      (node_port.h)
 *                                        \-----> a table in memory           (tests)
 *                                         \----> a replica with virtual time (a simulated world)
 *
 * The city code reads no clock, draws no randomness but its own dice, and calls no node: time is an
 * argument, and the replica is this table. So one city runs as well in a process as in a world
 * where time is a number.
 *
 * Rules for implementers:
 *     P1  commit is all or none, and its writes are seen by every later read
 *     P2  read shows one record at one moment
 *     P3  a key that changes, here or elsewhere, comes up in news at least once after the change
 */
#ifndef HOLM_SIM_CITY_PORT_H
#define HOLM_SIM_CITY_PORT_H

#include <holm/holm.h>

/* The longest key that news has to carry: longer ones are no heroes', and are left out. */
#define HOLM_CITY_KEY_BYTES_MAX 64

enum holm_city_news {
    HOLM_CITY_NEWS_NONE = 0, /* nothing changed since the last call */
    HOLM_CITY_NEWS_KEY = 1,  /* the key that is handed out changed */
    HOLM_CITY_NEWS_ALL = 2   /* more changed than can be told: scan */
};

/* The key is borrowed for the call; the visitor must not call the port. */
typedef void holm_city_key_visitor(void *visit_context, struct holm_bytes key);
/* One entry of a record, as holm_view_entry() gives it; borrowed for the call. */
typedef void holm_city_entry_visitor(void *visit_context, const struct holm_entry *entry);

struct holm_city_port {
    void *context; /* handed to each function */

    /* As holm_commit(): one batch, all keys of one partition. */
    enum holm_status (*commit)(void *context, const struct holm_op *ops, size_t count);
    /* Visits every entry of a record; HOLM_ENOENT when it is absent or buried. */
    enum holm_status (*read)(void *context, struct holm_bytes key, holm_city_entry_visitor *visit,
                             void *visit_context);
    bool (*buried)(void *context, struct holm_bytes key);
    /* Visits the key of every present record that begins with `prefix`, in any order. */
    enum holm_status (*scan)(void *context, struct holm_bytes prefix, holm_city_key_visitor *visit,
                             void *visit_context);
    /* What changed since it was last asked; with NEWS_KEY the key is copied to `key`, and *size
     * set. Called until it says NONE. */
    enum holm_city_news (*news)(void *context, char key[HOLM_CITY_KEY_BYTES_MAX], size_t *size);
};

#endif
