/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - who wants to hear of which keys.
 *
 *     engine --touch(keys)--> watches --> watch "hero:"  [hero:7, hero:9]   fd readable
 *                                     \-> watch "city:"  []                 fd not readable
 *
 * Each watch has a queue of distinct keys, a mutex and an eventfd. A key that cannot be queued, for
 * want of room or memory, turns the whole queue into one overflow; whoever fetches that reads the
 * state anew, so that what came before it needs no telling.
 *
 * Invariants:
 *     N1  the eventfd is readable exactly while a key waits or an overflow is untold
 *     N2  an untold overflow has no keys beside it
 *     N3  a touch follows the change it tells of: who reads after fetching sees that change
 *
 * Locks: the list of watches (read by touches), then one watch at a time; no other lock is taken
 * under them, so touches may come from under the engine's locks. Without watches a touch is one
 * atomic load.
 */
#ifndef HOLM_NODE_WATCH_H
#define HOLM_NODE_WATCH_H

#include <pthread.h>
#include <stdatomic.h>

#include <holm/holm.h>

#include "crdt/replica.h"

/* The watches of one node. */
struct holm_watches {
    pthread_rwlock_t lock;
    struct holm_watch *first;
    atomic_size_t count; /* of the list */
};

/* HOLM_ENOMEM, when the system has no lock to give. */
HOLM_NODISCARD enum holm_status holm_watches_init(struct holm_watches *watches);

/* Asserts that no watch is open. */
void holm_watches_release(struct holm_watches *watches);

/* Tells every watch of those keys that it is for. Any thread. O(keys × watches). */
void holm_watches_touch(struct holm_watches *watches, const struct holm_touched *touched,
                        size_t count);

/* Tells every watch that any key may have changed: an overflow. Any thread. */
void holm_watches_touch_all(struct holm_watches *watches);

/*
 * Opens a watch in a list. `node` is remembered to ask whether this process is still its own.
 *   HOLM_EINVAL, HOLM_ETOOBIG (the prefix), HOLM_ENOMEM, HOLM_EIO (no file descriptor left)
 */
HOLM_NODISCARD enum holm_status holm_watches_add(struct holm_watches *watches,
                                                 struct holm_bytes prefix, size_t keys_max,
                                                 struct holm_watch **watch);

#endif
