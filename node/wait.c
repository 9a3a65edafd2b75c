/* SPDX-License-Identifier: Apache-2.0 */
#include <time.h>

#include "node/waiting.h"

#define ASK_AGAIN_US 250000

static uint64_t turn_now(struct holm_node *node)
{
    pthread_mutex_lock(&node->wait_lock);
    uint64_t turn = node->wait_turn;
    pthread_mutex_unlock(&node->wait_lock);
    return turn;
}

static void sleep_until(struct holm_node *node, uint64_t turn, uint64_t until_us)
{
    struct timespec until = {.tv_sec = (time_t)(until_us / 1000000),
                             .tv_nsec = (long)(until_us % 1000000) * 1000};
    int refused = 0;
    if (node->host != NULL) {
        node->host->wait(node, turn, until_us);
        return;
    }
    pthread_mutex_lock(&node->wait_lock);
    while (node->wait_turn == turn && refused == 0)
        refused = pthread_cond_timedwait(&node->wait_changed, &node->wait_lock, &until);
    pthread_mutex_unlock(&node->wait_lock);
}

static enum holm_status wait_for(struct holm_node *node, const struct holm_waiting *waiting,
                                 uint32_t timeout_ms)
{
    uint64_t now_us = holm_node_now(node).monotonic_us;
    uint64_t deadline_us = now_us + (uint64_t)timeout_ms * 1000;
    uint64_t ask_us = now_us;
    for (;;) {
        uint64_t turn = turn_now(node);
        enum holm_status status = waiting->look(node, waiting->context);
        if (status != HOLM_ETIMEDOUT)
            return status;
        now_us = holm_node_now(node).monotonic_us;
        if (now_us >= deadline_us)
            return HOLM_ETIMEDOUT;
        if (now_us >= ask_us) {
            status = waiting->ask == NULL ? HOLM_OK : waiting->ask(node, waiting->context);
            if (status != HOLM_OK)
                return status;
            ask_us = now_us + ASK_AGAIN_US;
        }
        sleep_until(node, turn, ask_us < deadline_us ? ask_us : deadline_us);
        status = holm_node_check(node);
        if (status != HOLM_OK)
            return status;
    }
}

enum holm_status holm_node_wait(struct holm_node *node, const struct holm_waiting *waiting,
                                uint32_t timeout_ms)
{
    atomic_fetch_add(&node->waiters, 1);
    enum holm_status status = wait_for(node, waiting, timeout_ms);
    atomic_fetch_sub(&node->waiters, 1);
    return status;
}

uint32_t holm_node_peers_meant(struct holm_node *node, uint32_t peers)
{
    if (peers < HOLM_MAJORITY)
        return peers;
    uint32_t others = holm_engine_others(node->engine);
    if (others == HOLM_ENGINE_OTHERS_UNKNOWN)
        return UINT32_MAX;
    return peers == HOLM_ALL ? others : (others + 1) / 2;
}

bool holm_node_wrote(struct holm_node *node, const struct holm_receipt *receipt)
{
    struct holm_actor begun = holm_engine_life(node->engine);
    struct holm_actor writer = receipt->first.actor;
    return writer.node.value == begun.node.value && writer.epoch.value >= begun.epoch.value;
}

enum holm_status holm_receipt_check(struct holm_node *node, const struct holm_receipt *receipt)
{
    enum holm_status status = holm_node_check(node);
    if (status == HOLM_OK && receipt != NULL &&
        receipt->partition >= holm_engine_partitions(node->engine))
        return HOLM_EINVAL;
    return status;
}

/* ---- peers, the disk ------------------------------------------------------------------------ */

static enum holm_status look_up(struct holm_node *node, void *context)
{
    const uint32_t *peers = context;
    uint32_t up = holm_engine_peers_up(node->engine);
    return up >= holm_node_peers_meant(node, *peers) ? HOLM_OK : HOLM_ETIMEDOUT;
}

enum holm_status holm_wait_peers(struct holm_node *node, uint32_t peers, uint32_t timeout_ms)
{
    struct holm_waiting waiting = {.look = look_up, .context = &peers};
    enum holm_status status = holm_node_check(node);
    return status == HOLM_OK ? holm_node_wait(node, &waiting, timeout_ms) : status;
}

static enum holm_status sync_for(struct holm_node *node, const struct holm_receipt *receipt,
                                 uint64_t timeout_us)
{
    uint32_t first = receipt == NULL ? 0 : receipt->partition;
    uint32_t count = receipt == NULL ? holm_engine_partitions(node->engine) : 1;
    return holm_engine_sync(node->engine, first, count, holm_node_now(node), timeout_us);
}

/* Of what is not here yet nothing can be flushed; a store that is not there, or has failed, is told of at once. */
static enum holm_status await_operations(struct holm_node *node, const struct holm_receipt *receipt,
                                         uint32_t timeout_ms)
{
    enum holm_status status = holm_wait_applied(node, receipt, 0);
    if (status != HOLM_ETIMEDOUT || timeout_ms == 0)
        return status;
    status = sync_for(node, receipt, 0);
    if (status != HOLM_OK && status != HOLM_ETIMEDOUT)
        return status;
    return holm_wait_applied(node, receipt, timeout_ms);
}

enum holm_status holm_wait_durable(struct holm_node *node, const struct holm_receipt *receipt,
                                   uint32_t timeout_ms)
{
    enum holm_status status = holm_receipt_check(node, receipt);
    bool named = receipt != NULL && receipt->count > 0;
    uint64_t timeout_us = (uint64_t)timeout_ms * 1000;
    uint64_t begun_us = holm_node_now(node).monotonic_us;
    if (status == HOLM_OK && named)
        status = await_operations(node, receipt, timeout_ms);
    if (status != HOLM_OK)
        return status;
    uint64_t spent_us = holm_node_now(node).monotonic_us - begun_us;
    status = sync_for(node, receipt, timeout_us > spent_us ? timeout_us - spent_us : 0);
    /* What was replaced before the flush is not in what was flushed. */
    return status == HOLM_OK && named ? holm_wait_applied(node, receipt, 0) : status;
}
