/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store_queue.h"

#include <errno.h>
#include <time.h>

/* Room that is kept from one group to the next. */
#define KEPT_BYTES_MAX ((size_t)1 << 20)

struct head {
    uint32_t kind, partition;
    uint64_t number, size;
};

enum holm_status holm_store_queue_init(struct holm_store_queue *queue,
                                       const struct holm_allocator *allocator, size_t bytes_max)
{
    pthread_condattr_t attributes;
    memset(queue, 0, sizeof *queue);
    queue->allocator = *allocator;
    queue->bytes_max = bytes_max;
    if (pthread_condattr_init(&attributes) != 0)
        return HOLM_ENOMEM;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&queue->lock, NULL);
    pthread_cond_init(&queue->filled, &attributes);
    pthread_cond_init(&queue->emptied, &attributes);
    pthread_condattr_destroy(&attributes);
    return HOLM_OK;
}

void holm_store_queue_release(struct holm_store_queue *queue)
{
    holm_array_free(&queue->allocator, queue->gathering.bytes, queue->gathering.capacity, 1);
    holm_array_free(&queue->allocator, queue->taken.bytes, queue->taken.capacity, 1);
    pthread_cond_destroy(&queue->filled);
    pthread_cond_destroy(&queue->emptied);
    pthread_mutex_destroy(&queue->lock);
}

static enum holm_status add(struct holm_store_queue *queue, const struct holm_store_task *task)
{
    struct holm_store_tasks *tasks = &queue->gathering;
    struct head head = {task->kind, task->partition, task->number, task->bytes.size};
    enum holm_status status = holm_array_reserve(&queue->allocator, &tasks->bytes, &tasks->capacity,
                                                 1, tasks->size + sizeof head + task->bytes.size);
    if (status != HOLM_OK)
        return status;
    unsigned char *at = (unsigned char *)tasks->bytes + tasks->size;
    memcpy(at, &head, sizeof head);
    if (task->bytes.size > 0)
        memcpy(at + sizeof head, task->bytes.data, task->bytes.size);
    tasks->size += sizeof head + task->bytes.size;
    queue->put++;
    return HOLM_OK;
}

enum holm_status holm_store_queue_put(struct holm_store_queue *queue,
                                      const struct holm_store_task *task)
{
    enum holm_status status = HOLM_EIO;
    pthread_mutex_lock(&queue->lock);
    while (!queue->failed && !queue->held && queue->gathering.size > queue->bytes_max)
        pthread_cond_wait(&queue->emptied, &queue->lock);
    if (!queue->failed)
        status = add(queue, task);
    if (!queue->held)
        pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

size_t holm_store_queue_bytes(struct holm_store_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    size_t bytes = queue->gathering.size;
    pthread_mutex_unlock(&queue->lock);
    return bytes;
}

static struct timespec time_after(uint64_t timeout_us)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t nanoseconds = (uint64_t)until.tv_nsec + timeout_us % 1000000 * 1000;
    until.tv_sec += (time_t)(timeout_us / 1000000 + nanoseconds / 1000000000);
    until.tv_nsec = (long)(nanoseconds % 1000000000);
    return until;
}

enum holm_status holm_store_queue_wait(struct holm_store_queue *queue, uint64_t timeout_us)
{
    struct timespec until = time_after(timeout_us);
    int refused = 0;
    pthread_mutex_lock(&queue->lock);
    uint64_t place = queue->put;
    while (queue->done < place && !queue->failed && refused == 0)
        refused = pthread_cond_timedwait(&queue->emptied, &queue->lock, &until);
    bool done = queue->done >= place;
    bool failed = queue->failed;
    pthread_mutex_unlock(&queue->lock);
    return failed ? HOLM_EIO : done ? HOLM_OK : HOLM_ETIMEDOUT;
}

enum holm_status holm_store_queue_hold(struct holm_store_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    HOLM_ASSERT(!queue->held);
    while (queue->done < queue->put && !queue->failed)
        pthread_cond_wait(&queue->emptied, &queue->lock);
    bool failed = queue->failed;
    queue->held = !failed;
    pthread_mutex_unlock(&queue->lock);
    return failed ? HOLM_EIO : HOLM_OK;
}

void holm_store_queue_let(struct holm_store_queue *queue, bool keep)
{
    pthread_mutex_lock(&queue->lock);
    HOLM_ASSERT(queue->held);
    queue->held = false;
    if (!keep) {
        queue->gathering.size = 0;
        queue->failed = true;
    }
    pthread_cond_signal(&queue->filled);
    pthread_cond_broadcast(&queue->emptied);
    pthread_mutex_unlock(&queue->lock);
}

void holm_store_queue_close(struct holm_store_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closing = true;
    pthread_cond_signal(&queue->filled);
    pthread_mutex_unlock(&queue->lock);
}

/* ---- the writer ----------------------------------------------------------------------------- */

bool holm_store_queue_take(struct holm_store_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    while (!queue->failed && (queue->held || (queue->gathering.size == 0 && !queue->closing)))
        pthread_cond_wait(&queue->filled, &queue->lock);
    bool taken = !queue->failed && queue->gathering.size > 0;
    if (taken) {
        struct holm_store_tasks empty = queue->taken;
        empty.size = 0;
        queue->taken = queue->gathering;
        queue->gathering = empty;
        queue->taken_to = queue->put;
        pthread_cond_broadcast(&queue->emptied);
    }
    pthread_mutex_unlock(&queue->lock);
    return taken;
}

bool holm_store_queue_next(const struct holm_store_queue *queue, size_t *cursor,
                           struct holm_store_task *task)
{
    const unsigned char *bytes = queue->taken.bytes;
    struct head head;
    if (*cursor >= queue->taken.size)
        return false;
    memcpy(&head, bytes + *cursor, sizeof head);
    *task = (struct holm_store_task){head.kind, head.partition, head.number,
                                     holm_mem(bytes + *cursor + sizeof head, head.size)};
    *cursor += sizeof head + head.size;
    return true;
}

void holm_store_queue_done(struct holm_store_queue *queue, bool written)
{
    struct holm_store_tasks *taken = &queue->taken;
    if (taken->capacity > KEPT_BYTES_MAX) {
        holm_array_free(&queue->allocator, taken->bytes, taken->capacity, 1);
        *taken = (struct holm_store_tasks){NULL, 0, 0};
    }
    pthread_mutex_lock(&queue->lock);
    if (written)
        queue->done = queue->taken_to;
    else
        queue->failed = true;
    pthread_cond_broadcast(&queue->emptied);
    pthread_mutex_unlock(&queue->lock);
}
