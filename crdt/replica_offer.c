/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_parts.h"

struct holm_offer {
    struct holm_replica *replica;
    struct holm_allocator allocator;
    struct holm_frozen frozen;
    struct holm_reconcile_server server;
    struct holm_vector receiver;
    struct holm_vector collected;
    struct holm_digest digest, transfer;
    struct holm_cut *whole; /* the same as pages; NULL: nobody has asked for them */
};

static enum holm_status open_offer(struct holm_replica *replica,
                                   const struct holm_reconcile_config *config,
                                   struct holm_offer *offer)
{
    enum holm_status status = holm_vector_assign(&offer->collected,
                                                 holm_vector_view(&replica->collected));
    if (status == HOLM_OK)
        status = holm_frozen_init(&offer->frozen, &replica->state, config->kept_bytes_max, false);
    if (status != HOLM_OK)
        return status;
    offer->digest = replica->state.digest;
    offer->transfer = holm_tree_total(&replica->state.tree);
    holm_reconcile_server_init(&offer->server, &offer->allocator, config, &offer->frozen.source,
                               holm_vector_view(&offer->receiver));
    return HOLM_OK;
}

enum holm_status holm_offer_new(struct holm_replica *replica,
                                const struct holm_reconcile_config *config,
                                struct holm_vector_view receiver, struct holm_offer **result)
{
    const struct holm_allocator *allocator = &replica->config.allocator;
    HOLM_ASSERT(!holm_replica_pending(replica));
    *result = NULL;
    struct holm_offer *offer = holm_allocate(allocator, sizeof *offer);
    if (offer == NULL)
        return HOLM_ENOMEM;
    memset(offer, 0, sizeof *offer);
    offer->replica = replica;
    offer->allocator = *allocator;
    holm_vector_init(&offer->receiver, allocator);
    holm_vector_init(&offer->collected, allocator);
    enum holm_status status = holm_vector_assign(&offer->receiver, receiver);
    if (status == HOLM_OK)
        status = open_offer(replica, config, offer);
    if (status == HOLM_OK) {
        *result = offer;
        return HOLM_OK;
    }
    holm_vector_release(&offer->receiver);
    holm_vector_release(&offer->collected);
    holm_deallocate(allocator, offer, sizeof *offer);
    return status;
}

enum holm_status holm_offer_open(struct holm_replica *replica,
                                 const struct holm_reconcile_config *config,
                                 struct holm_vector_view receiver, struct holm_now now,
                                 const struct holm_work **work, struct holm_offer **offer)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    *offer = NULL;
    enum holm_status status = holm_replica_step(replica, &flush, now, work);
    if (status == HOLM_OK && !holm_vector_view_valid(receiver))
        status = HOLM_EMALFORMED;
    return status == HOLM_OK ? holm_offer_new(replica, config, receiver, offer) : status;
}

void holm_offer_close(struct holm_offer *offer)
{
    if (offer == NULL)
        return;
    struct holm_allocator allocator = offer->allocator;
    holm_cut_close(offer->whole);
    holm_reconcile_server_release(&offer->server);
    holm_frozen_release(&offer->frozen);
    holm_vector_release(&offer->receiver);
    holm_vector_release(&offer->collected);
    holm_deallocate(&allocator, offer, sizeof *offer);
}

struct holm_offer_cut holm_offer_cut(const struct holm_offer *offer)
{
    return (struct holm_offer_cut){
        .reconcile = {offer->frozen.source.vector, offer->transfer, offer->frozen.source.entries},
        .collected = holm_vector_view(&offer->collected),
        .digest = offer->digest,
    };
}

enum holm_status holm_offer_answer(struct holm_offer *offer, const struct holm_sync_ask *ask,
                                   struct holm_sync_tell *tell)
{
    if (offer->frozen.broken)
        return HOLM_ELIMIT;
    enum holm_status status = holm_sync_ask_check(ask);
    return status == HOLM_OK ? holm_reconcile_answer(&offer->server, ask, tell) : status;
}

enum holm_status holm_offer_pages(struct holm_offer *offer, struct holm_cut **cut)
{
    *cut = offer->whole;
    if (offer->whole != NULL)
        return HOLM_OK;
    if (offer->frozen.broken)
        return HOLM_ELIMIT;
    enum holm_status status = holm_cut_copy(offer->replica, &offer->frozen,
                                            holm_vector_view(&offer->receiver), cut);
    offer->whole = *cut;
    return status;
}
