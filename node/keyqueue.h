/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keyqueue.h - keys that changed and wait to be fetched: first come, first served, each once.
 *
 *     push a, push b, push a (newer origin)      pop -> a, pop -> b
 *
 * A list in order of arrival, and a hash set over it (open addressing, linear probing, at most half
 * full). Not thread-safe.
 *
 * Invariants:
 *     K1  a key is in the list once, and in the table once
 *     K2  count <= count_max
 */
#ifndef HOLM_NODE_KEYQUEUE_H
#define HOLM_NODE_KEYQUEUE_H

#include "crdt/base.h"

/* One waiting key; one allocation. */
struct holm_key_item {
    struct holm_key_item *next;
    uint64_t hash;
    struct holm_node_id origin; /* of the latest change */
    size_t size;
    unsigned char bytes[];
};

struct holm_key_queue {
    struct holm_key_item *first;
    struct holm_key_item *last;
    struct holm_key_item **slots;
    size_t slot_count; /* 0, or a power of two */
    size_t count;
    size_t count_max;
};

void holm_key_queue_init(struct holm_key_queue *queue, size_t count_max);
void holm_key_queue_release(struct holm_key_queue *queue);

/*
 * Adds a key, which is copied; a key that waits already keeps its place and takes the origin.
 *   HOLM_ELIMIT  count_max other keys wait
 *   HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_key_queue_push(struct holm_key_queue *queue,
                                                    struct holm_bytes key,
                                                    struct holm_node_id origin);

/* Takes the key that has waited longest, to be freed by the caller with free(); NULL when none. */
HOLM_NODISCARD struct holm_key_item *holm_key_queue_pop(struct holm_key_queue *queue);

/* Drops every key, and the table's memory. */
void holm_key_queue_clear(struct holm_key_queue *queue);

#endif
