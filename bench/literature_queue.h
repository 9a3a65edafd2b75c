/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_queue.h - what is yet to happen, by time; what is due at once in the order it was put.
 */
#ifndef HOLM_BENCH_LITERATURE_QUEUE_H
#define HOLM_BENCH_LITERATURE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct literature_message;

struct literature_event {
    uint64_t at_us;
    uint64_t order; /* set by put() */
    uint32_t kind, node, n;
    struct literature_message *message; /* the event's, if any */
};

/* Starts as {0}. */
struct literature_queue {
    struct literature_event *events; /* a binary heap */
    size_t count, capacity;
    uint64_t order;
};

void literature_queue_put(struct literature_queue *queue, struct literature_event event);
/* The next; false when there is none. O(log count). */
bool literature_queue_take(struct literature_queue *queue, struct literature_event *event);
void literature_queue_release(struct literature_queue *queue);

#endif
