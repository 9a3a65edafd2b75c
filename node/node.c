/* SPDX-License-Identifier: Apache-2.0 */
#include "node/node.h"

#include <stdlib.h>

#include "node/clock.h"

struct holm_now holm_node_now(const struct holm_node *node)
{
    return node->host == NULL ? holm_clock_now() : node->host->now(node);
}

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    (void)context;
    (void)size_old;
    if (size_new == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size_new);
}

struct holm_allocator holm_node_allocator(void)
{
    return (struct holm_allocator){.resize = resize};
}

enum holm_status holm_node_check(const struct holm_node *node)
{
    if (holm_fork_mark_owned(&node->mark))
        return HOLM_OK;
    return node->ended ? HOLM_ECLOSED : HOLM_EFORK;
}

static enum holm_status locks_open(struct holm_node *node)
{
    pthread_condattr_t attributes;
    if (pthread_condattr_init(&attributes) != 0)
        return HOLM_ENOMEM;
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int refused = pthread_cond_init(&node->wait_changed, &attributes);
    pthread_condattr_destroy(&attributes);
    if (refused != 0)
        return HOLM_ENOMEM;
    pthread_mutex_init(&node->wait_lock, NULL);
    pthread_mutex_init(&node->watch_lock, NULL);
    atomic_init(&node->waiters, 0);
    atomic_init(&node->stopping, false);
    return HOLM_OK;
}

enum holm_status holm_node_new(const struct holm_log *log, struct holm_node **made)
{
    struct holm_node *node = calloc(1, sizeof *node);
    *made = NULL;
    if (node == NULL || locks_open(node) != HOLM_OK) {
        free(node);
        return HOLM_ENOMEM;
    }
    holm_fork_mark_open(&node->mark);
    node->log = *log;
    holm_log_limits_init(&node->log_limits);
    node->log.limits = &node->log_limits;
    node->allocator = holm_node_allocator();
    *made = node;
    return HOLM_OK;
}

void holm_node_free(struct holm_node *node)
{
    pthread_cond_destroy(&node->wait_changed);
    pthread_mutex_destroy(&node->wait_lock);
    pthread_mutex_destroy(&node->watch_lock);
    holm_log_limits_release(&node->log_limits);
    holm_fork_mark_close(&node->mark);
    free(node);
}

void holm_node_end(struct holm_node *node)
{
    node->ended = true;
    node->engine = NULL;
    node->transport = NULL;
    holm_fork_mark_revoke(&node->mark);
}

void holm_node_progress(void *context)
{
    struct holm_node *node = context;
    if (atomic_load(&node->waiters) == 0)
        return;
    pthread_mutex_lock(&node->wait_lock);
    node->wait_turn++;
    pthread_cond_broadcast(&node->wait_changed);
    pthread_mutex_unlock(&node->wait_lock);
}
