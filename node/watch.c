/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watches of a node. The engine tells of touched keys under a partition's lock; the node's
 * watch lock is taken below that one, and no other is taken below it.
 *
 *     N1  the eventfd is readable exactly while a key waits, an overflow is untold, or the watch has ended
 *     N2  while an overflow is untold, nothing is queued: who fetches it reads the state anew
 *     N3  a touch follows the change it tells of: who reads after fetching sees that change
 *     N4  nothing is queued once a watch has ended
 *
 * A watch that goes on from a position is in the list before the op log is looked at, so that nothing comes
 * between; what is told by both is told once, by the queue.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "node/engine_wait.h"
#include "node/keyqueue.h"
#include "node/node.h"
#include "node/token.h"

#define KEYS_MAX_DEFAULT 65536

struct holm_watch {
    struct holm_node *node;
    struct holm_watch *next;
    struct holm_watch **link; /* what points to this watch in the node's list */
    int fd;
    bool readable; /* the eventfd */
    bool overflow;
    bool exact;
    bool ended; /* more keys came than it may have, and that ends it */
    enum holm_slow slow;
    struct holm_key_queue queue; /* when `overflow`: what nobody will fetch any more */
    struct holm_key_item *taken; /* what the last fetch handed out; the reader's, without lock */
    size_t prefix_size;
    unsigned char prefix[];
};

/* Makes the descriptor say what is so. Nobody else reads or writes it, so no call can block. */
static void settle(struct holm_watch *watch)
{
    bool waiting = watch->overflow || watch->ended || watch->queue.count > 0;
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
    if (watch->exact && key.size != watch->prefix_size)
        return false;
    return key.size >= watch->prefix_size &&
           (watch->prefix_size == 0 || memcmp(key.data, watch->prefix, watch->prefix_size) == 0);
}

static void queue_key(struct holm_watch *watch, struct holm_bytes key, struct holm_node_id origin)
{
    if (watch->overflow || watch->ended || !is_for(watch, key) ||
        holm_key_queue_push(&watch->queue, key, origin) == HOLM_OK)
        return;
    watch->node->watch_overflows += 1;
    if (watch->slow == HOLM_SLOW_CLOSE)
        watch->ended = true;
    else
        watch->overflow = true;
}

void holm_node_touched(struct holm_node *node, const struct holm_touched *touched, size_t count,
                       bool all)
{
    pthread_mutex_lock(&node->watch_lock);
    for (struct holm_watch *watch = node->watches; watch != NULL; watch = watch->next) {
        watch->overflow |= all && !watch->ended;
        for (size_t i = 0; i < count; i++)
            queue_key(watch, touched[i].key, touched[i].origin.node);
        settle(watch);
    }
    pthread_mutex_unlock(&node->watch_lock);
}

void holm_node_watch_figures(struct holm_node *node, struct holm_metrics_node *figures)
{
    pthread_mutex_lock(&node->watch_lock);
    figures->watch_overflows = node->watch_overflows;
    for (struct holm_watch *watch = node->watches; watch != NULL; watch = watch->next) {
        figures->watches += 1;
        figures->watch_keys += watch->overflow ? 0 : watch->queue.count;
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

/* ---- going on ------------------------------------------------------------------------------- */

static void visit_change(void *context, struct holm_bytes key, struct holm_actor writer)
{
    struct holm_watch *watch = context;
    pthread_mutex_lock(&watch->node->watch_lock);
    queue_key(watch, key, writer.node);
    pthread_mutex_unlock(&watch->node->watch_lock);
}

static struct holm_vector_view vector_in(const struct holm_position *position, uint32_t partition)
{
    struct holm_vector_view none = {NULL, 0};
    for (size_t i = 0; i < position->count; i++) {
        if (position->parts[i].partition == partition)
            return position->parts[i].vector;
    }
    return none;
}

/* Queues what has changed since a position. HOLM_ENOMEM */
static enum holm_status go_on(struct holm_watch *watch, const struct holm_position *since)
{
    struct holm_engine *engine = watch->node->engine;
    enum holm_status status = HOLM_OK;
    bool gap = false;
    for (uint32_t i = 0; i < holm_engine_partitions(engine) && !gap && status == HOLM_OK; i++) {
        status = holm_engine_changes(engine, i, vector_in(since, i), visit_change, watch,
                                     holm_node_now(watch->node));
        gap = status == HOLM_ENOENT;
    }
    pthread_mutex_lock(&watch->node->watch_lock);
    watch->overflow |= gap;
    settle(watch);
    pthread_mutex_unlock(&watch->node->watch_lock);
    return gap ? HOLM_OK : status;
}

/* ---- the calls ------------------------------------------------------------------------------ */

static enum holm_status check_options(struct holm_bytes prefix,
                                      const struct holm_watch_options *options)
{
    bool readable = (prefix.size == 0 || prefix.data != NULL) &&
                    (options->since.size == 0 || options->since.data != NULL);
    if (!readable || (options->exact && prefix.size == 0))
        return HOLM_EINVAL;
    if (options->slow != HOLM_SLOW_OVERFLOW && options->slow != HOLM_SLOW_CLOSE)
        return HOLM_EINVAL;
    return prefix.size > HOLM_KEY_BYTES_MAX ? HOLM_ETOOBIG : HOLM_OK;
}

static enum holm_status make(struct holm_bytes prefix, const struct holm_watch_options *options,
                             struct holm_watch **watch)
{
    struct holm_watch *made = calloc(1, sizeof *made + prefix.size);
    if (made == NULL)
        return HOLM_ENOMEM;
    made->exact = options->exact;
    made->slow = options->slow;
    made->prefix_size = prefix.size;
    if (prefix.size > 0)
        memcpy(made->prefix, prefix.data, prefix.size);
    holm_key_queue_init(&made->queue,
                        options->keys_max == 0 ? KEYS_MAX_DEFAULT : options->keys_max);
    made->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->fd < 0) {
        free(made);
        return HOLM_EIO;
    }
    *watch = made;
    return HOLM_OK;
}

static enum holm_status open_since(struct holm_node *node, struct holm_bytes prefix,
                                   const struct holm_watch_options *options,
                                   struct holm_watch **watch)
{
    struct holm_position since;
    struct holm_watch *made;
    enum holm_status status = holm_position_decode(node->engine, options->since, &since);
    if (status != HOLM_OK)
        return status;
    status = make(prefix, options, &made);
    if (status == HOLM_OK) {
        enlist(node, made);
        status = go_on(made, &since);
        if (status == HOLM_OK)
            *watch = made;
        else
            holm_watch_close(made);
    }
    holm_position_release(&since);
    return status;
}

enum holm_status holm_watch_open_with(struct holm_node *node, struct holm_bytes prefix,
                                      const struct holm_watch_options *options,
                                      struct holm_watch **watch)
{
    enum holm_status status = holm_node_check(node);

    *watch = NULL;
    if (status == HOLM_OK)
        status = check_options(prefix, options);
    if (status != HOLM_OK)
        return status;
    if (options->since.size > 0)
        return open_since(node, prefix, options, watch);
    status = make(prefix, options, watch);
    if (status == HOLM_OK)
        enlist(node, *watch);
    return status;
}

enum holm_status holm_watch_open(struct holm_node *node, struct holm_bytes prefix, size_t keys_max,
                                 struct holm_watch **watch)
{
    struct holm_watch_options options = {.keys_max = keys_max};
    return holm_watch_open_with(node, prefix, &options, watch);
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
    bool ended = watch->ended;
    pthread_mutex_unlock(&watch->node->watch_lock);
    holm_key_queue_release(&worthless);
    if (change->overflow || watch->taken != NULL)
        return HOLM_OK;
    return ended ? HOLM_ELIMIT : HOLM_ENOENT;
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
