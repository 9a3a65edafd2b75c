/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch.h - what has changed, and where it came from. Included by holm.h.
 *
 *     holm_watch_open(node, holm_str("hero:"), 0, &watch);
 *     ... poll(holm_watch_fd(watch)) ...
 *     while (holm_watch_next(watch, &change) == HOLM_OK)
 *         if (change.overflow) ... read all that begins with hero: ...
 *         else                 ... read change.key ...
 *
 * A watch tells keys, not values: a key that changes a thousand times before it is fetched is told
 * once, and reading it shows the latest. A write never waits for a watch.
 *
 * To go on after a pause, a restart or at another node without reading everything, keep a position:
 *
 *     holm_position(node, HOLM_EVERY_PARTITION, bytes, ...)    first this ...
 *     fetch until HOLM_ENOENT                                  ... then all that was told before it
 *     keep the bytes; later:
 *     options.since = bytes; holm_watch_open_with(node, prefix, &options, &watch)
 *
 * Invariants:
 *     W1  a change that is told can be read
 *     W2  whatever changed since the watch was opened, or since the position that it was opened with, is
 *         told by its key or by an overflow
 *     W3  while an overflow waits, no key does: it stands for all of them
 */
#ifndef HOLM_WATCH_H
#define HOLM_WATCH_H

#include <holm/status.h>
#include <holm/value.h>

#ifdef __cplusplus
extern "C" {
#endif

struct holm_node;
struct holm_watch; /* a subscription to changes */

/* A key has changed, here or elsewhere; read it to see how. */
struct holm_change {
    struct holm_bytes key;      /* belongs to the watch until the next call on it */
    struct holm_node_id origin; /* who wrote last */
    bool overflow; /* anything under the prefix may have changed: key is empty, origin zero */
};

/* What becomes of a watch for which more keys wait than it may have. */
enum holm_slow {
    HOLM_SLOW_OVERFLOW = 0, /* what waits is dropped, and one overflow told in place of it */
    HOLM_SLOW_CLOSE = 1 /* it ends: what waits can be fetched, then holm_watch_next() is HOLM_ELIMIT
                           for ever. For who follows a log and must not go on behind a gap: it opens
                           another with its last position */
};

/* All zero are the defaults. */
struct holm_watch_options {
    size_t keys_max;         /* how many may wait; 0: 65,536. Each takes its bytes and about 64 */
    enum holm_slow slow;     /* ... and what then */
    bool exact;              /* this key alone, not all that begin with it */
    struct holm_bytes since; /* empty: from now on; else a position, which is copied */
};

/*
 * Watches every key that begins with `prefix` (empty: all). A key that changes several times before
 * it is fetched is told once. At most `keys_max` keys wait (0: 65,536): beyond that, and when much of
 * a partition came from a peer at once, one overflow is told instead. A slow reader never
 * slows a write. To follow a prefix without a gap, open the watch, then scan, then fetch: a change
 * that is told can be read.
 *   HOLM_ETOOBIG  the prefix is longer than a key can be
 *   HOLM_EIO      no file descriptor is left
 *   HOLM_EINVAL, HOLM_ENOMEM, HOLM_EFORK
 * After any error *watch is NULL.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_watch_open(struct holm_node *node,
                                                         struct holm_bytes prefix, size_t keys_max,
                                                         struct holm_watch **watch);

/*
 * The same with options. With `since`, what has changed after that position waits already: each key once, with
 * who wrote it last. It is found in the op log. An overflow waits instead when that does not reach back so far
 * (it holds log_bytes_max, and what came by a sync is not in it); or when this node has not
 * all of the position: then what is here may also be older than what was seen there, and
 * holm_wait_reached() helps. A position of one partition says nothing of the others: they are told from the beginning, or
 * by an overflow. A key that came and went again within one flush interval is not told.
 * O(1); with `since` O(op log), a partition at a time under its lock.
 *   HOLM_EINVAL                     an option that there is not; `exact` without a key
 *   HOLM_EMALFORMED, HOLM_ECLUSTER  `since` is no position, or one of another cluster
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_watch_open_with(
    struct holm_node *node, struct holm_bytes prefix, const struct holm_watch_options *options,
    struct holm_watch **watch);

/* A file descriptor that is readable while a change waits, or the watch has ended; for poll(2) and its
 * like. Do not read or close it. */
HOLM_API int holm_watch_fd(const struct holm_watch *watch);

/* Takes the next change. HOLM_ENOENT when none waits; HOLM_ELIMIT when none will ever (HOLM_SLOW_CLOSE);
 * HOLM_EFORK. Of one watch, one thread at a time. */
HOLM_API HOLM_NODISCARD enum holm_status holm_watch_next(struct holm_watch *watch,
                                                         struct holm_change *change);
HOLM_API void holm_watch_close(struct holm_watch *watch); /* NULL is allowed */

#ifdef __cplusplus
}
#endif

#endif
