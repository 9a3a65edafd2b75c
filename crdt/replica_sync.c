/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sync moves a whole cut: opened by the receiver, fetched page by page, staged, and applied at
 * once. If its source goes, what was staged is dropped and another peer is asked.
 */
#include "crdt/replica_parts.h"

/* Pages that may be under way at once, so that the round trip does not set the pace. */
#define PAGES_AHEAD 4

/* Frames are lost where a queue was full. The cut is still there: ask again before all that was
 * staged is thrown away. */
#define REPEATS_MAX 2

/* ---- the receiver */

void holm_replica_abandon_sync(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    const struct holm_allocator *allocator = &replica->config.allocator;
    for (size_t i = 0; i < sync->page_count; i++)
        holm_page_release(sync->pages[i]);
    holm_array_free(allocator, sync->pages, sync->page_capacity, sizeof *sync->pages);
    holm_vector_release(&sync->collected);
    if (sync->vector != NULL)
        holm_deallocate(allocator, sync->vector, sync->vector_count * sizeof *sync->vector);
    memset(sync, 0, sizeof *sync);
}

enum holm_status holm_replica_ask_cut(struct holm_replica *replica, uint32_t peer)
{
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_OPEN);
    HOLM_ASSERT(!replica->sync.active);
    /* A random start, so that answers meant for an earlier life of this node do not fit. */
    replica->sync_number += 1 + holm_replica_random(replica, UINT32_MAX);
    message.as.sync_open.sync = replica->sync_number;
    enum holm_status status = holm_replica_copy_vector(replica, &message.as.sync_open.vector);
    if (status == HOLM_OK)
        status = holm_replica_output(replica, peer, &message);
    if (status != HOLM_OK) {
        holm_replica_back_off(replica, peer);
        return status;
    }
    replica->sync = (struct holm_replica_sync){
        .active = true,
        .peer = peer,
        .number = replica->sync_number,
        .deadline_us = holm_replica_deadline(replica, peer),
    };
    return HOLM_OK;
}

static bool expected(const struct holm_replica *replica, uint32_t peer, uint64_t number)
{
    return replica->sync.active && replica->sync.peer == peer && replica->sync.number == number;
}

/* The sync came to nothing: leave this peer alone, and ask another. */
static void fail(struct holm_replica *replica)
{
    uint32_t peer = replica->sync.peer;
    holm_replica_abandon_sync(replica);
    replica->stats.syncs_failed += 1;
    holm_replica_back_off(replica, peer);
    holm_replica_ask_others(replica, peer);
}

static enum holm_status request_pages(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    uint64_t until = sync->page_count + PAGES_AHEAD;
    if (until > sync->pages_total)
        until = sync->pages_total;
    if (until <= sync->requested)
        return HOLM_OK;
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_NEXT);
    message.as.sync_next.sync = sync->number;
    message.as.sync_next.first = sync->requested;
    message.as.sync_next.count = (uint32_t)(until - sync->requested);
    enum holm_status status = holm_replica_output(replica, sync->peer, &message);
    if (status == HOLM_OK)
        sync->requested = until;
    return status;
}

/* When nothing is known here but the cut, the state must be the cut's. */
static void hold_against(struct holm_replica *replica, struct holm_vector_view vector,
                         struct holm_digest digest)
{
    uint64_t folds = holm_vector_folds(holm_vector_view(&replica->sync.collected),
                                       replica->config.digest_seed);
    bool same = replica->actors.entries == vector.count && folds == holm_replica_fold_hash(replica);
    for (size_t i = 0; same && i < vector.count; i++)
        same = holm_replica_seq(replica, vector.entries[i].actor) == vector.entries[i].seq;
    if (same && !holm_digest_equal(digest, replica->state.digest))
        replica->stats.digest_breaches += 1; /* the next beacon finds it, too, and repairs */
}

bool holm_replica_repeat_pages(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    HOLM_ASSERT(sync->active);
    if (!sync->cut_known || sync->repeats >= REPEATS_MAX)
        return false;
    sync->repeats += 1;
    sync->requested = sync->page_count;
    sync->deadline_us = holm_replica_deadline(replica, sync->peer);
    return request_pages(replica) == HOLM_OK;
}

static enum holm_status finish(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    uint32_t peer = sync->peer;
    struct holm_vector_view vector = {sync->vector, sync->vector_count};
    const struct holm_page *const *pages = (const struct holm_page *const *)sync->pages;
    enum holm_status status = holm_replica_seal(replica);
    if (status == HOLM_OK)
        status = holm_replica_merge(replica, vector, holm_vector_view(&sync->collected), pages,
                                    sync->page_count);
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_CLOSE);
    message.as.sync_close = sync->number;
    if (holm_replica_output(replica, peer, &message) != HOLM_OK)
        replica->retry = true; /* the cut then closes when its time is up */
    if (status != HOLM_OK) {
        fail(replica);
        return status;
    }
    hold_against(replica, vector, sync->digest);
    holm_replica_abandon_sync(replica); /* frees what was staged */
    replica->stats.syncs += 1;
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    known->must_sync = false;
    known->ahead = false;
    holm_replica_answered(replica, peer);
    holm_replica_mark_ahead(replica, peer, 0); /* it has gone on since the cut */
    holm_replica_drain(replica);
    return HOLM_OK;
}

enum holm_status holm_replica_take_cut(struct holm_replica *replica, uint32_t peer,
                                       const struct holm_sync_cut *cut)
{
    struct holm_replica_sync *sync = &replica->sync;
    if (!expected(replica, peer, cut->sync))
        return HOLM_OK;
    if (cut->answer != HOLM_CUT_OPEN) {
        fail(replica);
        return HOLM_OK;
    }
    if (sync->cut_known)
        return HOLM_OK;
    if (cut->vector.count > 0) {
        size_t bytes = cut->vector.count * sizeof *sync->vector;
        sync->vector = holm_allocate(&replica->config.allocator, bytes);
        if (sync->vector == NULL) {
            fail(replica);
            return HOLM_ENOMEM;
        }
        memcpy(sync->vector, cut->vector.entries, bytes);
    }
    sync->vector_count = cut->vector.count;
    holm_vector_init(&sync->collected, &replica->config.allocator);
    if (holm_vector_assign(&sync->collected, cut->collected) != HOLM_OK) {
        fail(replica);
        return HOLM_ENOMEM;
    }
    sync->digest = cut->digest;
    sync->pages_total = cut->pages;
    sync->cut_known = true;
    sync->deadline_us = holm_replica_deadline(replica, peer);
    return sync->pages_total == 0 ? finish(replica) : request_pages(replica);
}

enum holm_status holm_replica_take_page(struct holm_replica *replica, uint32_t peer,
                                        const struct holm_sync_page *page)
{
    struct holm_replica_sync *sync = &replica->sync;
    if (!expected(replica, peer, page->sync) || !sync->cut_known ||
        page->index != sync->page_count || page->index >= sync->requested)
        return HOLM_OK;
    if (page->page->memory_bytes > replica->config.sync_bytes_max - sync->bytes) {
        fail(replica);
        return HOLM_ELIMIT;
    }
    void *pages = sync->pages;
    enum holm_status status = holm_array_reserve(&replica->config.allocator, &pages,
                                                 &sync->page_capacity, sizeof *sync->pages,
                                                 sync->page_count + 1);
    sync->pages = pages;
    if (status != HOLM_OK) {
        fail(replica);
        return status;
    }
    holm_page_retain(page->page);
    sync->pages[sync->page_count++] = page->page;
    sync->repeats = 0;
    sync->bytes += page->page->memory_bytes;
    sync->deadline_us = holm_replica_deadline(replica, peer);
    return sync->page_count == sync->pages_total ? finish(replica) : request_pages(replica);
}

/* ---- the server */

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
    holm_cut_close(replica->served[i].cut);
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

static enum holm_status freeze(struct holm_replica *replica, uint32_t peer,
                               const struct holm_sync_open *open, struct holm_cut **cut)
{
    void *served = replica->served;
    enum holm_status status = holm_array_reserve(&replica->config.allocator, &served,
                                                 &replica->served_capacity, sizeof *replica->served,
                                                 replica->served_count + 1);
    replica->served = served;
    if (status == HOLM_OK)
        status = holm_replica_seal(replica);
    if (status == HOLM_OK)
        status = holm_cut_freeze(replica, open->vector, cut);
    if (status != HOLM_OK)
        return status;
    uint64_t deadline_us = replica->now.monotonic_us + replica->config.cut_timeout_us;
    replica->served[replica->served_count++] = (struct holm_replica_served){*cut, peer, open->sync,
                                                                            deadline_us};
    replica->stats.syncs_served += 1;
    return HOLM_OK;
}

enum holm_status holm_replica_serve_cut(struct holm_replica *replica, uint32_t peer,
                                        const struct holm_sync_open *open)
{
    if (!holm_vector_view_valid(open->vector))
        return HOLM_EMALFORMED;
    holm_replica_forget_cuts(replica, peer); /* one cut a peer: a new one ends the old one */
    if (replica->served_count >= replica->config.cuts_max)
        return refuse(replica, peer, open->sync, HOLM_CUT_BUSY);
    struct holm_cut *cut;
    enum holm_status status = freeze(replica, peer, open, &cut);
    if (status != HOLM_OK)
        return status;
    if (!holm_actors_cover(&replica->actors, open->vector))
        holm_replica_mark_ahead(replica, peer, 0);
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_CUT);
    message.as.sync_cut.sync = open->sync;
    message.as.sync_cut.answer = HOLM_CUT_OPEN;
    message.as.sync_cut.pages = holm_cut_page_count(cut);
    message.as.sync_cut.vector = holm_cut_vector(cut);
    message.as.sync_cut.collected = holm_cut_collected(cut);
    message.as.sync_cut.digest = holm_cut_digest(cut);
    return holm_replica_output(replica, peer, &message);
}

static enum holm_status send_page(struct holm_replica *replica,
                                  const struct holm_replica_served *served, uint64_t index)
{
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_PAGE);
    struct holm_page *page = holm_cut_page_at(served->cut, (size_t)index);
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
    size_t i = find_served(replica, peer, next->sync);
    if (i == replica->served_count)
        return refuse(replica, peer, next->sync, HOLM_CUT_GONE);
    struct holm_replica_served *served = &replica->served[i];
    size_t total = holm_cut_page_count(served->cut);
    uint32_t count = next->count < PAGES_AHEAD ? next->count : PAGES_AHEAD;
    served->deadline_us = replica->now.monotonic_us + replica->config.cut_timeout_us;
    enum holm_status status = HOLM_OK;
    for (uint32_t sent = 0; status == HOLM_OK && sent < count; sent++) {
        if (next->first >= total || sent >= total - next->first)
            break;
        status = send_page(replica, served, next->first + sent);
    }
    return status;
}
