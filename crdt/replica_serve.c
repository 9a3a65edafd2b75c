/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's part of a sync: a cut is the state frozen, so that opening one costs next to nothing, and
 * answering asks costs what is asked for. Cuts are bounded in number, in time, without a reader and in
 * all, and in what they keep of what has changed since.
 */
#include "crdt/replica_parts.h"

/* Of a whole cut, pages that one answer may have. */
#define PAGES_MAX 4

static size_t find_served(const struct holm_replica *replica, uint32_t peer, uint64_t number)
{
    size_t i = 0;
    while (i < replica->served_count &&
           (replica->served[i].peer != peer || replica->served[i].number != number))
        i += 1;
    return i;
}

static void close_served(struct holm_replica *replica, size_t i)
{
    HOLM_ASSERT(i < replica->served_count);
    holm_offer_close(replica->served[i].offer);
    replica->served[i] = replica->served[--replica->served_count];
}

void holm_replica_stop_serving(struct holm_replica *replica, uint32_t peer, uint64_t number)
{
    size_t i = find_served(replica, peer, number);
    if (i < replica->served_count)
        close_served(replica, i);
}

void holm_replica_forget_cuts(struct holm_replica *replica, uint32_t peer)
{
    for (size_t i = replica->served_count; i > 0; i--) {
        const struct holm_replica_served *served = &replica->served[i - 1];
        if (served->peer == peer || served->deadline_us <= replica->now.monotonic_us)
            close_served(replica, i - 1);
    }
}

static enum holm_status refuse(struct holm_replica *replica, uint32_t peer, uint64_t number,
                               enum holm_cut_answer answer)
{
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_CUT);
    message.as.sync_cut.sync = number;
    message.as.sync_cut.answer = answer;
    return holm_replica_output(replica, peer, &message);
}

static void touch(const struct holm_replica *replica, struct holm_replica_served *served)
{
    served->deadline_us = replica->now.monotonic_us + replica->config.cut_timeout_us;
    if (served->deadline_us > served->end_us)
        served->deadline_us = served->end_us;
}

/* A cut that is open, or was and cannot be read any more. */
static enum holm_status find_open(struct holm_replica *replica, uint32_t peer, uint64_t number,
                                  struct holm_replica_served **served)
{
    size_t i = find_served(replica, peer, number);
    *served = NULL;
    if (i == replica->served_count)
        return refuse(replica, peer, number, HOLM_CUT_GONE);
    *served = &replica->served[i];
    touch(replica, *served);
    return HOLM_OK;
}

static enum holm_status give_up(struct holm_replica *replica, uint32_t peer, uint64_t number)
{
    holm_replica_stop_serving(replica, peer, number);
    return refuse(replica, peer, number, HOLM_CUT_GONE);
}

/* ---- runs, or a sync ----------------------------------------------------------------------- */

#define OPENING_BYTES 1024
/* Of a key beside its cell: its share in hashes, and the dots of those that lie near it. */
#define COMPARING_BYTES 64
#define KEY_BITS 65536

/* About how many keys the runs name that the peer lacks. */
static uint64_t count_keys(struct holm_replica *replica, const uint64_t *has)
{
    uint64_t items = 0, keys = 0;
    unsigned char *seen = holm_arena_take(&replica->scratch, KEY_BITS / 8);
    if (seen == NULL)
        return UINT64_MAX;
    memset(seen, 0, KEY_BITS / 8);
    for (size_t i = 0; i < replica->log.count; i++) {
        const struct holm_oplog_entry *entry = holm_oplog_at(&replica->log, i);
        if (entry->delta->last <= has[entry->actor])
            continue;
        const struct holm_items *all = &entry->delta->items;
        items += all->item_count;
        for (uint32_t at = 0; at < all->item_count; at++) {
            uint64_t bit = holm_state_key(&replica->state, all->items[at].key).hash % KEY_BITS;
            unsigned char mask = (unsigned char)(1u << (bit % 8));
            keys += (seen[bit / 8] & mask) == 0;
            seen[bit / 8] |= mask;
        }
    }
    return keys < KEY_BITS / 2 ? keys : items;
}

bool holm_replica_sync_is_cheaper(struct holm_replica *replica, struct holm_actor asker,
                                  const uint64_t *has, size_t runs_bytes)
{
    const struct holm_state *state = &replica->state;
    uint64_t cells = state->cells + state->tombstones;
    if (runs_bytes <= replica->config.flush_bytes || cells == 0)
        return false;
    uint64_t keys = count_keys(replica, has);
    uint64_t cell_bytes = state->heap.used / cells + COMPARING_BYTES;
    uint64_t cost = state->heap.used;
    if (keys < cost / cell_bytes)
        cost = OPENING_BYTES + keys * cell_bytes;
    uint64_t weight = holm_replica_state_weight(replica, asker, has, replica->actors.count);
    return runs_bytes > (cost + replica->config.flush_bytes) * weight;
}

/* ---- opening ------------------------------------------------------------------------------- */

static enum holm_status open_offer(struct holm_replica *replica, const struct holm_sync_open *open,
                                   struct holm_offer **offer)
{
    void *served = replica->served;
    enum holm_status status = holm_array_reserve(&replica->config.allocator, &served,
                                                 &replica->served_capacity, sizeof *replica->served,
                                                 replica->served_count + 1);
    replica->served = served;
    if (status == HOLM_OK)
        status = holm_replica_seal(replica);
    struct holm_reconcile_config config = holm_replica_sync_config(replica);
    return status == HOLM_OK ? holm_offer_new(replica, &config, open->vector, offer) : status;
}

static enum holm_status tell_cut(struct holm_replica *replica,
                                 const struct holm_replica_served *served, uint64_t pages)
{
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_CUT);
    struct holm_offer_cut cut = holm_offer_cut(served->offer);
    message.as.sync_cut = (struct holm_sync_cut){.sync = served->number,
                                                 .answer = HOLM_CUT_OPEN,
                                                 .pages = pages,
                                                 .vector = cut.reconcile.vector,
                                                 .collected = cut.collected,
                                                 .digest = cut.digest,
                                                 .transfer = cut.reconcile.transfer,
                                                 .entries = cut.reconcile.entries};
    return holm_replica_output(replica, served->peer, &message);
}

enum holm_status holm_replica_serve_cut(struct holm_replica *replica, uint32_t peer,
                                        const struct holm_sync_open *open)
{
    if (!holm_vector_view_valid(open->vector))
        return HOLM_EMALFORMED;
    holm_replica_forget_cuts(replica, peer); /* one cut a peer: a new one ends the old one */
    if (!replica->may_serve || replica->served_count >= replica->config.cuts_max) {
        replica->stats.syncs_refused += 1;
        return refuse(replica, peer, open->sync, HOLM_CUT_BUSY);
    }
    struct holm_offer *offer;
    enum holm_status status = open_offer(replica, open, &offer);
    if (status != HOLM_OK)
        return status;
    struct holm_replica_served *served = &replica->served[replica->served_count++];
    *served = (struct holm_replica_served){
        .offer = offer,
        .peer = peer,
        .number = open->sync,
        .end_us = replica->now.monotonic_us + replica->config.cut_life_us,
    };
    touch(replica, served);
    replica->stats.syncs_served += 1;
    if (!holm_actors_cover(&replica->actors, open->vector))
        holm_replica_mark_ahead(replica, peer, 0);
    return tell_cut(replica, served, 0);
}

/* ---- answering ----------------------------------------------------------------------------- */

enum holm_status holm_replica_serve_ask(struct holm_replica *replica, uint32_t peer,
                                        const struct holm_sync_ask *ask)
{
    struct holm_replica_served *served;
    enum holm_status status = find_open(replica, peer, ask->sync, &served);
    if (served == NULL)
        return status;
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_TELL);
    status = holm_offer_answer(served->offer, ask, &message.as.sync_tell);
    if (status == HOLM_ELIMIT)
        return give_up(replica, peer, ask->sync);
    if (status == HOLM_OK)
        status = holm_replica_output(replica, peer, &message);
    if (status == HOLM_OK && message.as.sync_tell.wrong) {
        /* The next ask finds this cut gone: what is frozen breaks with the digests. */
        replica->stats.digest_breaches += 1;
        (void)holm_state_rebuild_digests(&replica->state);
    }
    return status;
}

static enum holm_status send_page(struct holm_replica *replica,
                                  const struct holm_replica_served *served, struct holm_cut *cut,
                                  uint64_t index)
{
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_PAGE);
    struct holm_page *page = holm_cut_page_at(cut, (size_t)index);
    void *lent = replica->lent;
    enum holm_status status = holm_array_reserve(&replica->config.allocator, &lent,
                                                 &replica->lent_capacity, sizeof *replica->lent,
                                                 replica->lent_count + 1);
    replica->lent = lent;
    message.as.sync_page.sync = served->number;
    message.as.sync_page.index = index;
    message.as.sync_page.page = page;
    if (status == HOLM_OK)
        status = holm_replica_output(replica, served->peer, &message);
    if (status != HOLM_OK)
        return status;
    holm_page_retain(page);
    replica->lent[replica->lent_count++] = page;
    return HOLM_OK;
}

enum holm_status holm_replica_serve_pages(struct holm_replica *replica, uint32_t peer,
                                          const struct holm_sync_next *next)
{
    struct holm_replica_served *served;
    struct holm_cut *cut;
    enum holm_status status = find_open(replica, peer, next->sync, &served);
    if (served == NULL)
        return status;
    status = holm_offer_pages(served->offer, &cut);
    if (status == HOLM_ELIMIT)
        return give_up(replica, peer, next->sync);
    if (status != HOLM_OK)
        return status;
    size_t total = holm_cut_page_count(cut);
    uint32_t count = next->count < PAGES_MAX ? next->count : PAGES_MAX;
    if (next->first == 0)
        status = tell_cut(replica, served, total);
    for (uint32_t sent = 0; status == HOLM_OK && sent < count; sent++) {
        if (next->first >= total || sent >= total - next->first)
            break;
        status = send_page(replica, served, cut, next->first + sent);
    }
    return status;
}
