/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for peers. The I/O thread counts a turn whenever something may have changed; who waits
 * looks, and sleeps until the turn is another. Peers are asked again now and then, since a question
 * may be lost with its link.
 */
#include <stdlib.h>
#include <time.h>

#include "node/node.h"

#define ASK_AGAIN_US 250000

struct awaited {
    uint32_t peers;
    uint32_t first; /* partition */
    uint32_t count; /* of partitions; 0: only peers are awaited */
    uint64_t *seqs; /* of the actor */
    struct holm_actor actor;
};

/* The epoch grew: now the former one is awaited, which holm_replica_peer_has() sees to. */
static void follow_epoch(struct holm_node *node, struct awaited *awaited)
{
    struct holm_actor self = holm_self(node);
    if (holm_actor_equal(self, awaited->actor))
        return;
    for (uint32_t i = 0; i < awaited->count; i++)
        awaited->seqs[i] = 0;
    awaited->actor = self;
}

static bool arrived(struct holm_node *node, struct awaited *awaited)
{
    follow_epoch(node, awaited);
    uint32_t peers = awaited->count == 0 ? holm_engine_peers_up(node->engine)
                                         : holm_engine_seen(node->engine, awaited->first,
                                                            awaited->seqs, awaited->count);
    return peers >= awaited->peers;
}

static enum holm_status ask(struct holm_node *node, const struct awaited *awaited)
{
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; i < awaited->count && status == HOLM_OK; i++) {
        if (awaited->seqs[i] > 0)
            status = holm_engine_want(node->engine, awaited->first + i, holm_node_now(node));
    }
    return status;
}

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

static enum holm_status wait_for(struct holm_node *node, struct awaited *awaited,
                                 uint32_t timeout_ms)
{
    uint64_t now_us = holm_node_now(node).monotonic_us;
    uint64_t deadline_us = now_us + (uint64_t)timeout_ms * 1000;
    uint64_t ask_us = now_us;
    for (;;) {
        uint64_t turn = turn_now(node);
        if (arrived(node, awaited))
            return HOLM_OK;
        now_us = holm_node_now(node).monotonic_us;
        if (now_us >= deadline_us)
            return HOLM_ETIMEDOUT;
        if (now_us >= ask_us) {
            enum holm_status status = ask(node, awaited);
            if (status != HOLM_OK)
                return status;
            ask_us = now_us + ASK_AGAIN_US;
        }
        sleep_until(node, turn, ask_us < deadline_us ? ask_us : deadline_us);
        enum holm_status status = holm_node_check(node);
        if (status != HOLM_OK)
            return status;
    }
}

static enum holm_status wait_counted(struct holm_node *node, struct awaited *awaited,
                                     uint32_t timeout_ms)
{
    atomic_fetch_add(&node->waiters, 1);
    enum holm_status status = wait_for(node, awaited, timeout_ms);
    atomic_fetch_sub(&node->waiters, 1);
    return status;
}

static enum holm_status wait_all(struct holm_node *node, uint32_t peers, uint32_t timeout_ms)
{
    uint32_t partitions = holm_engine_partitions(node->engine);
    uint64_t *seqs = calloc(partitions, sizeof *seqs);
    if (seqs == NULL)
        return HOLM_ENOMEM;
    struct awaited awaited = {
        .peers = peers, .count = partitions, .seqs = seqs, .actor = holm_self(node)};
    holm_engine_minted(node->engine, seqs);
    enum holm_status status = wait_counted(node, &awaited, timeout_ms);
    free(seqs);
    return status;
}

enum holm_status holm_wait_seen(struct holm_node *node, const struct holm_receipt *receipt,
                                uint32_t peers, uint32_t timeout_ms)
{
    enum holm_status status = holm_node_check(node);
    if (status != HOLM_OK)
        return status;
    if (receipt == NULL)
        return wait_all(node, peers, timeout_ms);
    if (receipt->partition >= holm_engine_partitions(node->engine))
        return HOLM_EINVAL;
    uint64_t last = receipt->count == 0 ? 0 : receipt->first.seq + receipt->count - 1;
    if (last == 0)
        return holm_wait_peers(node, peers, timeout_ms);
    struct awaited awaited = {.peers = peers,
                              .first = receipt->partition,
                              .count = 1,
                              .seqs = &last,
                              .actor = receipt->first.actor};
    return wait_counted(node, &awaited, timeout_ms);
}

enum holm_status holm_wait_peers(struct holm_node *node, uint32_t peers, uint32_t timeout_ms)
{
    enum holm_status status = holm_node_check(node);
    if (status != HOLM_OK)
        return status;
    struct awaited awaited = {.peers = peers};
    return wait_counted(node, &awaited, timeout_ms);
}

enum holm_status holm_wait_durable(struct holm_node *node, const struct holm_receipt *receipt,
                                   uint32_t timeout_ms)
{
    enum holm_status status = holm_node_check(node);
    if (status != HOLM_OK)
        return status;
    uint32_t partitions = holm_engine_partitions(node->engine);
    uint32_t first = receipt == NULL ? 0 : receipt->partition;
    if (first >= partitions)
        return HOLM_EINVAL;
    return holm_engine_sync(node->engine, first, receipt == NULL ? partitions : 1,
                            holm_node_now(node), (uint64_t)timeout_ms * 1000);
}
