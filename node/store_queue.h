/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_queue.h - what a store was told to write and has not written: from any thread to one writer.
 *
 *     put  put  put  ->  [task][task][task]        take -> all that is there, as one group
 *                                        \ 3       done -> whoever waits for 3 goes on
 *
 * A place in the queue is a number: how many tasks were put so far. It is done when its group is.
 *
 * Invariants:
 *     Q1  tasks are taken in the order they were put, each once
 *     Q2  between hold() and let() none that was put since is taken; what is taken then is all of that
 *     Q3  after a group has failed nothing is taken, and put() and wait() are HOLM_EIO
 */
#ifndef HOLM_NODE_STORE_QUEUE_H
#define HOLM_NODE_STORE_QUEUE_H

#include <pthread.h>
#include <stdatomic.h>

#include "crdt/base.h"

struct holm_store_task {
    uint32_t kind; /* the store's own */
    uint32_t partition;
    uint64_t number; /* the store's own */
    struct holm_bytes bytes;
};

struct holm_store_tasks {
    void *bytes;
    size_t size, capacity;
};

struct holm_store_queue {
    struct holm_allocator allocator;
    pthread_mutex_t lock; /* of all below but `taken` */
    pthread_cond_t filled, emptied;
    struct holm_store_tasks gathering;
    struct holm_store_tasks taken; /* the writer's */
    size_t bytes_max;
    uint64_t put, taken_to, done;
    bool held, closing;
    atomic_bool failed; /* written under the lock */
};

HOLM_NODISCARD enum holm_status holm_store_queue_init(struct holm_store_queue *queue,
                                                      const struct holm_allocator *allocator,
                                                      size_t bytes_max);
void holm_store_queue_release(struct holm_store_queue *queue);

/* Copies a task into the queue. While more than bytes_max are there, and nothing is held, it waits for the writer.
 * HOLM_ENOMEM, HOLM_EIO (Q3) */
HOLM_NODISCARD enum holm_status holm_store_queue_put(struct holm_store_queue *queue,
                                                     const struct holm_store_task *task);

/* Q3 holds. Without the lock. */
static inline bool holm_store_queue_failed(const struct holm_store_queue *queue)
{
    return atomic_load_explicit(&queue->failed, memory_order_relaxed);
}

/* How many bytes wait for the writer. */
size_t holm_store_queue_bytes(struct holm_store_queue *queue);

/* Waits until all that was put so far is done, for at most so long. HOLM_ETIMEDOUT, HOLM_EIO */
HOLM_NODISCARD enum holm_status holm_store_queue_wait(struct holm_store_queue *queue,
                                                      uint64_t timeout_us);

/* Q2; one at a time. hold() waits until the queue is empty. let(): what was put since is given to the writer, or
 * dropped, and the queue has failed. HOLM_EIO */
HOLM_NODISCARD enum holm_status holm_store_queue_hold(struct holm_store_queue *queue);
void holm_store_queue_let(struct holm_store_queue *queue, bool keep);

/* No more is put: the writer ends when it has taken all. */
void holm_store_queue_close(struct holm_store_queue *queue);

/* ---- the writer ----------------------------------------------------------------------------- */

/* Waits for tasks and takes all. False: it is closed and empty, or has failed. */
bool holm_store_queue_take(struct holm_store_queue *queue);
/* The next of the group, from *cursor = 0 on; again and again, if need be. Borrowed until the next take(). */
bool holm_store_queue_next(const struct holm_store_queue *queue, size_t *cursor,
                           struct holm_store_task *task);
/* The group is on the disk, or not. */
void holm_store_queue_done(struct holm_store_queue *queue, bool written);

#endif
