/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "node/waiting.h"

/* In place of a seq: of what is in the journal, which has none yet. */
#define JOURNALLED UINT64_MAX

/*
 * What was written in this life, in some partitions: peers acknowledge own operations. When the epoch grows
 * meanwhile, its former one is awaited by what the present one has told of, which holm_replica_peer_has() sees to.
 */
struct own {
    uint32_t peers;
    uint32_t first; /* partition */
    uint32_t count; /* of partitions */
    uint64_t *seqs; /* of the actor; 0: all of former epochs */
    struct holm_actor actor;
    const struct holm_receipt *receipt; /* or NULL */
};

static void follow_epoch(struct holm_node *node, struct own *own)
{
    struct holm_actor self = holm_self(node);
    if (holm_actor_equal(self, own->actor))
        return;
    for (uint32_t i = 0; i < own->count; i++)
        own->seqs[i] = own->seqs[i] == JOURNALLED ? JOURNALLED : 0;
    own->actor = self;
}

/* What has left the journal is among what was minted since. */
static bool has_dots(struct holm_node *node, struct own *own)
{
    bool all = true;
    for (uint32_t i = 0; i < own->count; i++) {
        uint64_t minted;
        if (own->seqs[i] != JOURNALLED)
            continue;
        if (holm_engine_journals(node->engine, own->first + i, &minted))
            all = false;
        else
            own->seqs[i] = minted;
    }
    return all;
}

static enum holm_status presence_of(struct holm_node *node, uint32_t partition,
                                    const struct holm_dot *dot)
{
    struct holm_vector_view view = {dot, 1};
    switch (holm_engine_presence(node->engine, partition, view)) {
    case HOLM_PRESENCE_HERE:
        return HOLM_OK;
    case HOLM_PRESENCE_MISSING:
        return HOLM_ETIMEDOUT;
    case HOLM_PRESENCE_LOST:
        return HOLM_ENOENT;
    }
    return HOLM_ETIMEDOUT;
}

static enum holm_status look_own(struct holm_node *node, void *context)
{
    struct own *own = context;
    follow_epoch(node, own);
    if (!has_dots(node, own))
        return HOLM_ETIMEDOUT;
    if (own->receipt != NULL && own->receipt->count > 0) {
        /* A former epoch's may have been left behind when its state was replaced. */
        struct holm_dot last = holm_receipt_last(own->receipt);
        enum holm_status status = presence_of(node, own->first, &last);
        if (status != HOLM_OK)
            return status;
    }
    uint32_t peers = holm_engine_seen(node->engine, own->first, own->seqs, own->count);
    return peers >= holm_node_peers_meant(node, own->peers) ? HOLM_OK : HOLM_ETIMEDOUT;
}

static enum holm_status ask_own(struct holm_node *node, void *context)
{
    const struct own *own = context;
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; i < own->count && status == HOLM_OK; i++) {
        if (own->seqs[i] > 0 && own->seqs[i] != JOURNALLED)
            status = holm_engine_want(node->engine, own->first + i, holm_node_now(node));
    }
    return status;
}

static enum holm_status wait_own(struct holm_node *node, struct own *own, uint32_t timeout_ms)
{
    struct holm_waiting waiting = {look_own, ask_own, own};
    own->actor = holm_self(node);
    own->seqs = calloc(own->count, sizeof *own->seqs);
    if (own->seqs == NULL)
        return HOLM_ENOMEM;
    for (uint32_t i = 0; i < own->count; i++) {
        if (holm_engine_journals(node->engine, own->first + i, &own->seqs[i]))
            own->seqs[i] = JOURNALLED;
    }
    if (own->receipt != NULL && own->receipt->count > 0) {
        struct holm_dot last = holm_receipt_last(own->receipt);
        own->seqs[0] = holm_actor_equal(last.actor, own->actor) ? last.seq : 0;
    }
    enum holm_status status = holm_node_wait(node, &waiting, timeout_ms);
    free(own->seqs);
    return status;
}

/* What others wrote, or former lives: nobody acknowledges that. */
struct foreign {
    uint32_t peers;
    uint32_t partition;
    struct holm_dot dot;
    struct holm_dot mark;
};

static enum holm_status look_foreign(struct holm_node *node, void *context)
{
    struct foreign *foreign = context;
    enum holm_status status = presence_of(node, foreign->partition, &foreign->dot);
    if (status != HOLM_OK)
        return status;
    uint32_t peers = holm_engine_sharing(node->engine, foreign->partition, foreign->dot,
                                         &foreign->mark);
    return peers >= holm_node_peers_meant(node, foreign->peers) ? HOLM_OK : HOLM_ETIMEDOUT;
}

static enum holm_status ask_foreign(struct holm_node *node, void *context)
{
    struct foreign *foreign = context;
    struct holm_now now = holm_node_now(node);
    uint64_t number = 0;
    if (presence_of(node, foreign->partition, &foreign->dot) != HOLM_OK)
        return holm_engine_hear(node->engine, foreign->partition, &number, now);
    return holm_engine_want(node->engine, foreign->partition, now);
}

enum holm_status holm_wait_seen(struct holm_node *node, const struct holm_receipt *receipt,
                                uint32_t peers, uint32_t timeout_ms)
{
    enum holm_status status = holm_receipt_check(node, receipt);
    if (status != HOLM_OK)
        return status;
    struct own own = {.peers = peers, .count = 1, .receipt = receipt};
    if (receipt == NULL)
        own.count = holm_engine_partitions(node->engine);
    else if (receipt->count == 0 && !receipt->journalled)
        return holm_wait_peers(node, peers, timeout_ms);
    else
        own.first = receipt->partition;
    if (receipt == NULL || receipt->journalled || holm_node_wrote(node, receipt))
        return wait_own(node, &own, timeout_ms);
    struct foreign foreign = {.peers = peers, .partition = receipt->partition};
    struct holm_waiting waiting = {look_foreign, ask_foreign, &foreign};
    foreign.dot = holm_receipt_last(receipt);
    return holm_node_wait(node, &waiting, timeout_ms);
}

/* ---- every member --------------------------------------------------------------------------- */

struct stable {
    uint32_t first, count;
    struct holm_dot
        *dots; /* seq JOURNALLED: not known yet; 0: nothing, or it is known to be stable */
};

static enum holm_status look_one(struct holm_node *node, uint32_t partition, struct holm_dot *dot)
{
    uint64_t minted;
    if (dot->seq == JOURNALLED) {
        if (holm_engine_journals(node->engine, partition, &minted))
            return HOLM_ETIMEDOUT;
        *dot = (struct holm_dot){holm_self(node), minted};
    }
    if (dot->seq == 0)
        return HOLM_OK;
    enum holm_status status = presence_of(node, partition, dot);
    if (status == HOLM_OK && !holm_engine_is_stable(node->engine, partition, *dot))
        status = HOLM_ETIMEDOUT;
    if (status == HOLM_OK)
        dot->seq = 0;
    return status;
}

static enum holm_status look_stable(struct holm_node *node, void *context)
{
    struct stable *stable = context;
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; i < stable->count && status == HOLM_OK; i++)
        status = look_one(node, stable->first + i, &stable->dots[i]);
    return status;
}

static enum holm_status ask_stable(struct holm_node *node, void *context)
{
    const struct stable *stable = context;
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; i < stable->count && status == HOLM_OK; i++)
        status = holm_engine_flush(node->engine, stable->first + i, holm_node_now(node));
    return status;
}

static void fill_stable(struct holm_node *node, const struct holm_receipt *receipt,
                        struct stable *stable)
{
    for (uint32_t i = 0; i < stable->count; i++) {
        struct holm_dot *dot = &stable->dots[i];
        dot->actor = holm_self(node);
        if (holm_engine_journals(node->engine, stable->first + i, &dot->seq))
            dot->seq = JOURNALLED;
    }
    if (receipt != NULL && receipt->count > 0)
        stable->dots[0] = holm_receipt_last(receipt);
}

enum holm_status holm_wait_stable(struct holm_node *node, const struct holm_receipt *receipt,
                                  uint32_t timeout_ms)
{
    enum holm_status status = holm_receipt_check(node, receipt);
    if (status != HOLM_OK)
        return status;
    if (!holm_engine_has_members(node->engine))
        return holm_wait_seen(node, receipt, HOLM_ALL, timeout_ms);
    if (receipt != NULL && receipt->count == 0 && !receipt->journalled)
        return HOLM_OK;
    struct stable stable = {.count = holm_engine_partitions(node->engine)};
    struct holm_waiting waiting = {look_stable, ask_stable, &stable};
    if (receipt != NULL) {
        stable.first = receipt->partition;
        stable.count = 1;
    }
    stable.dots = calloc(stable.count, sizeof *stable.dots);
    if (stable.dots == NULL)
        return HOLM_ENOMEM;
    fill_stable(node, receipt, &stable);
    status = holm_node_wait(node, &waiting, timeout_ms);
    free(stable.dots);
    return status;
}
