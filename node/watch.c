/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watches of a node. The engine tells of touched keys under a partition's lock; the node's
 * watch lock is taken below that one, and no other is taken below it.
 *
 *     N1  the eventfd is readable exactly while a key waits or an overflow is untold
 *     N2  while an overflow is untold, nothing is queued: who fetches it reads the state anew
 *     N3  a touch follows the change it tells of: who reads after fetching sees that change
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "node/keyqueue.h"
#include "node/node.h"

#define KEYS_MAX_DEFAULT 65536

struct holm_watch {
    struct holm_node *node;
    struct holm_watch *next;
    struct holm_watch **link; /* what points to this watch in the node's list */
    int fd;
    bool readable; /* the eventfd */
    bool overflow;
    struct holm_key_queue queue; /* when `overflow`: what nobody will fetch any more */
    struct holm_key_item *taken; /* what the last fetch handed out; the reader's, without lock */
    size_t prefix_size;
    unsigned char prefix[];
};

/* Makes the descriptor say what is so. Nobody else reads or writes it, so no call can block. */
static void settle(struct holm_watch *watch)
{
    bool waiting = watch->overflow || watch->queue.count > 0;
    uint64_t one = 1;
    ssize_t done;

    if (waiting == watch->readable)
        return;
    do {
        done = waiting ? write(watch->fd, &one, sizeof one) : read(watch->fd, &one, sizeof one);
    } while (done < 0 && errno == EINTR);
    HOLM_ASSERT(done == (ssize_t)sizeof one);
    watch->readable = waiting;
}

static bool is_for(const struct holm_watch *watch, struct holm_bytes key)
{
    return key.size >= watch->prefix_size &&
           (watch->prefix_size == 0 || memcmp(key.data, watch->prefix, watch->prefix_size) == 0);
}

static void queue_keys(struct holm_watch *watch, const struct holm_touched *touched, size_t count)
{
    for (size_t i = 0; i < count && !watch->overflow; i++)
        if (is_for(watch, touched[i].key) &&
            holm_key_queue_push(&watch->queue, touched[i].key, touched[i].origin.node) != HOLM_OK)
            watch->overflow = true;
}

void holm_node_touched(struct holm_node *node, const struct holm_touched *touched, size_t count,
                       bool all)
{
    pthread_mutex_lock(&node->watch_lock);
    for (struct holm_watch *watch = node->watches; watch != NULL; watch = watch->next) {
        if (all)
            watch->overflow = true;
        queue_keys(watch, touched, count);
        settle(watch);
    }
    pthread_mutex_unlock(&node->watch_lock);
}

static void observe(void *context, uint32_t partition, const struct holm_touched *touched,
                    size_t count, bool all)
{
    (void)partition;
    holm_node_touched(context, touched, count, all);
}

/* The observer stays when the last watch is closed: taking it away could cross a new watch. */
static void enlist(struct holm_node *node, struct holm_watch *watch)
{
    pthread_mutex_lock(&node->watch_lock);
    if (node->observer.touched == NULL) {
        node->observer.touched = observe;
        node->observer.context = node;
    }
    watch->node = node;
    watch->next = node->watches;
    watch->link = &node->watches;
    if (watch->next != NULL)
        watch->next->link = &watch->next;
    node->watches = watch;
    pthread_mutex_unlock(&node->watch_lock);
    if (node->host == NULL)
        holm_engine_set_observer(node->engine, &node->observer);
}

static void delist(struct holm_watch *watch)
{
    pthread_mutex_lock(&watch->node->watch_lock);
    *watch->link = watch->next;
    if (watch->next != NULL)
        watch->next->link = watch->link;
    pthread_mutex_unlock(&watch->node->watch_lock);
}

enum holm_status holm_watch_open(struct holm_node *node, struct holm_bytes prefix, size_t keys_max,
                                 struct holm_watch **watch)
{
    enum holm_status status = holm_node_check(node);

    *watch = NULL;
    if (status != HOLM_OK)
        return status;
    if (prefix.size > 0 && prefix.data == NULL)
        return HOLM_EINVAL;
    if (prefix.size > HOLM_KEY_BYTES_MAX)
        return HOLM_ETOOBIG;

    struct holm_watch *opened = calloc(1, sizeof *opened + prefix.size);

    if (opened == NULL)
        return HOLM_ENOMEM;
    opened->prefix_size = prefix.size;
    if (prefix.size > 0)
        memcpy(opened->prefix, prefix.data, prefix.size);
    holm_key_queue_init(&opened->queue, keys_max == 0 ? KEYS_MAX_DEFAULT : keys_max);
    opened->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (opened->fd < 0) {
        free(opened);
        return HOLM_EIO;
    }
    enlist(node, opened);
    *watch = opened;
    return HOLM_OK;
}

int holm_watch_fd(const struct holm_watch *watch)
{
    return holm_node_check(watch->node) == HOLM_OK ? watch->fd : -1;
}

/* Keys that an overflow made worthless are freed after the lock is left: there may be many. */
static enum holm_status fetch(struct holm_watch *watch, struct holm_change *change)
{
    struct holm_key_queue worthless;

    holm_key_queue_init(&worthless, 0);
    pthread_mutex_lock(&watch->node->watch_lock);
    change->overflow = watch->overflow;
    if (watch->overflow) {
        worthless = watch->queue;
        holm_key_queue_init(&watch->queue, worthless.count_max);
        watch->overflow = false;
    } else {
        watch->taken = holm_key_queue_pop(&watch->queue);
    }
    settle(watch);
    pthread_mutex_unlock(&watch->node->watch_lock);
    holm_key_queue_release(&worthless);
    return change->overflow || watch->taken != NULL ? HOLM_OK : HOLM_ENOENT;
}

enum holm_status holm_watch_next(struct holm_watch *watch, struct holm_change *change)
{
    enum holm_status status = holm_node_check(watch->node);

    memset(change, 0, sizeof *change);
    if (status != HOLM_OK)
        return status;
    free(watch->taken);
    watch->taken = NULL;
    status = fetch(watch, change);
    if (watch->taken != NULL) {
        change->key = holm_mem(watch->taken->bytes, watch->taken->size);
        change->origin = watch->taken->origin;
    }
    return status;
}

void holm_watch_close(struct holm_watch *watch)
{
    if (watch == NULL || holm_node_check(watch->node) == HOLM_EFORK)
        return;
    delist(watch);
    holm_key_queue_release(&watch->queue);
    free(watch->taken);
    close(watch->fd);
    free(watch);
}
