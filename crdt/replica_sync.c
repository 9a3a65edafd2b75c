/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The receiver's part of a sync: a peer's cut is compared with this side, frozen when the sync began;
 * what differs is asked for, staged, and applied at once. If the source goes, what is staged waits for
 * another. Where the two have not folded the same a whole cut is taken instead, page by page.
 */
#include "crdt/replica_parts.h"

/* Pages that may be under way at once, so that the round trip does not set the pace. */
#define PAGES_AHEAD 4

/* Frames are lost where a queue was full. The cut is still there: ask again before the source is left. */
#define REPEATS_MAX 2

struct holm_reconcile_config holm_replica_sync_config(const struct holm_replica *replica)
{
    struct holm_reconcile_config config = holm_reconcile_config_default(
        replica->config.frame_bytes_max);
    config.staged_bytes_max = replica->config.sync_bytes_max;
    config.kept_bytes_max = replica->config.kept_bytes_max;
    config.items_max = replica->config.page_items_max;
    return config;
}

/* ---- the life cycle ------------------------------------------------------------------------ */

/* Nobody is read from any more; what is staged of what differs stays. */
static void stop_reading(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    for (size_t i = 0; i < sync->page_count; i++)
        holm_page_release(sync->pages[i]);
    holm_array_free(&replica->config.allocator, sync->pages, sync->page_capacity,
                    sizeof *sync->pages);
    *sync = (struct holm_replica_sync){.catchup = sync->catchup};
}

void holm_replica_abandon_sync(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    if (sync->catchup != NULL) {
        struct holm_reconcile_figures figures = holm_catchup_figures(sync->catchup);
        replica->stats.sync_asks += figures.asks;
        replica->stats.sync_rounds += figures.rounds;
        replica->stats.sync_items += figures.staged;
        replica->stats.sync_bytes += figures.bytes;
    }
    stop_reading(replica);
    holm_catchup_close(sync->catchup);
    sync->catchup = NULL;
}

/* Leaves the source, and keeps what it told for another. */
static void orphan(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    stop_reading(replica);
    bool kept = !holm_catchup_broken(sync->catchup) &&
                holm_catchup_leave(sync->catchup) == HOLM_OK &&
                holm_catchup_kept(sync->catchup) > 0;
    if (kept)
        sync->until_us = replica->now.monotonic_us + replica->config.cut_timeout_us;
    else
        holm_replica_abandon_sync(replica);
}

/* The server need not keep a cut open that nobody reads. */
static void close_cut(struct holm_replica *replica)
{
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_CLOSE);
    message.as.sync_close = replica->sync.number;
    if (holm_replica_output(replica, replica->sync.peer, &message) != HOLM_OK)
        replica->retry = true; /* the cut then closes when its time is up */
}

/* Leave this peer alone for a while, and ask another. */
static void turn_to_others(struct holm_replica *replica, uint32_t peer)
{
    holm_replica_back_off(replica, peer);
    holm_replica_ask_others(replica, peer);
}

/* The source does not answer, or has no cut any more. */
static void leave(struct holm_replica *replica)
{
    uint32_t peer = replica->sync.peer;
    replica->stats.syncs_failed += 1;
    orphan(replica);
    turn_to_others(replica, peer);
}

/* Nothing of this sync is of use. */
static void fail(struct holm_replica *replica)
{
    uint32_t peer = replica->sync.peer;
    close_cut(replica);
    replica->stats.syncs_failed += 1;
    holm_replica_abandon_sync(replica);
    turn_to_others(replica, peer);
}

/* The same after an error, which is told on, unless it is that this side has changed too much. */
static enum holm_status fail_by(struct holm_replica *replica, enum holm_status status)
{
    const struct holm_catchup *catchup = replica->sync.catchup;
    bool own = status == HOLM_ELIMIT &&
               (holm_catchup_broken(catchup) || holm_catchup_folds_differ(catchup));
    fail(replica);
    return own ? HOLM_OK : status;
}

void holm_replica_lose_source(struct holm_replica *replica, uint32_t peer)
{
    if (!replica->sync.active || replica->sync.peer != peer)
        return;
    replica->stats.syncs_failed += 1;
    orphan(replica);
    holm_replica_ask_others(replica, peer);
}

/* ---- opening ------------------------------------------------------------------------------- */

static enum holm_status freeze(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    if (sync->catchup != NULL)
        return HOLM_OK;
    struct holm_reconcile_config config = holm_replica_sync_config(replica);
    enum holm_status status = holm_replica_seal(replica);
    return status == HOLM_OK ? holm_catchup_new(replica, &config, &sync->catchup) : status;
}

static enum holm_status open_cut(struct holm_replica *replica, uint32_t peer)
{
    enum holm_status status = freeze(replica);
    if (status != HOLM_OK)
        return status;
    struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_OPEN);
    struct holm_vector_view vector = holm_catchup_vector(replica->sync.catchup);
    if (replica->peers[peer].must_mend)
        vector.count = 0; /* so that no payload is left out */
    struct holm_dot *entries = holm_arena_take(&replica->scratch, vector.count * sizeof *entries);
    if (entries == NULL)
        return HOLM_ENOMEM;
    if (vector.count > 0)
        memcpy(entries, vector.entries, vector.count * sizeof *entries);
    /* A random start, so that answers meant for an earlier life of this node do not fit. */
    replica->sync_number += 1 + holm_replica_random(replica, UINT32_MAX);
    message.as.sync_open.sync = replica->sync_number;
    message.as.sync_open.vector = (struct holm_vector_view){entries, vector.count};
    return holm_replica_output(replica, peer, &message);
}

enum holm_status holm_replica_ask_cut(struct holm_replica *replica, uint32_t peer)
{
    struct holm_replica_sync *sync = &replica->sync;
    HOLM_ASSERT(!sync->active);
    bool mends = replica->peers[peer].must_mend;
    if (sync->catchup != NULL && (mends || holm_catchup_broken(sync->catchup)))
        holm_replica_abandon_sync(replica);
    if (!replica->may_receive) {
        uint64_t pause = replica->config.retry_min_us;
        replica->peers[peer].ahead = true;
        replica->peers[peer].retry_us = replica->now.monotonic_us + pause / 2 +
                                        holm_replica_random(replica, pause);
        return HOLM_OK;
    }
    enum holm_status status = open_cut(replica, peer);
    if (status != HOLM_OK) {
        holm_replica_abandon_sync(replica);
        holm_replica_back_off(replica, peer);
        return status;
    }
    sync->active = true;
    sync->mends = mends;
    sync->peer = peer;
    sync->number = replica->sync_number;
    sync->deadline_us = holm_replica_deadline(replica, peer);
    return HOLM_OK;
}

/* ---- what differs -------------------------------------------------------------------------- */

static const void *copied(struct holm_replica *replica, const void *source, size_t bytes,
                          enum holm_status *status)
{
    void *copy = holm_arena_take(&replica->scratch, bytes);
    if (copy == NULL)
        *status = HOLM_ENOMEM;
    else if (bytes > 0)
        memcpy(copy, source, bytes);
    return copy;
}

/* An ask lasts until the next one is made, an output until the next step. */
static enum holm_status copy_ask(struct holm_replica *replica, struct holm_sync_ask *ask)
{
    enum holm_status status = HOLM_OK;
    ask->branches = copied(replica, ask->branches, ask->branch_count * sizeof *ask->branches,
                           &status);
    ask->hashes = copied(replica, ask->hashes, ask->hash_count * sizeof *ask->hashes, &status);
    ask->lists = copied(replica, ask->lists, ask->list_count * sizeof *ask->lists, &status);
    ask->dots = copied(replica, ask->dots, ask->dot_count * sizeof *ask->dots, &status);
    ask->actors = copied(replica, ask->actors, ask->actor_count * sizeof *ask->actors, &status);
    return status;
}

/* Asks as much as may be under way. What memory is refused for is asked when it is found missing. */
static enum holm_status ask_on(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    for (;;) {
        const struct holm_sync_ask *ask;
        enum holm_status status = holm_catchup_ask(sync->catchup, &ask);
        if (status != HOLM_OK || ask == NULL)
            return status;
        struct holm_message message = holm_replica_message(replica, HOLM_MESSAGE_SYNC_ASK);
        message.as.sync_ask = *ask;
        message.as.sync_ask.sync = sync->number;
        status = copy_ask(replica, &message.as.sync_ask);
        if (status == HOLM_OK)
            status = holm_replica_output(replica, sync->peer, &message);
        if (status != HOLM_OK)
            return status;
    }
}

/* Whether exactly what the cut covers is known here, and has the same form. */
static bool is_level(const struct holm_replica *replica, const struct holm_merging_cut *cut)
{
    uint64_t seed = replica->config.digest_seed;
    return holm_vector_view_hash(cut->vector, seed) == replica->actors.hash &&
           holm_vector_folds(cut->collected, seed) == holm_replica_fold_hash(replica);
}

/* When nothing is known here but the cut, the state must be the cut's. */
static void hold_against(struct holm_replica *replica)
{
    struct holm_merging_cut cut = holm_catchup_cut(replica->sync.catchup);
    uint64_t hash = holm_vector_view_hash(cut.vector, replica->config.digest_seed);
    if (!replica->sync.mends && hash == replica->actors.hash &&
        !holm_digest_equal(replica->sync.digest, replica->state.digest))
        replica->stats.digest_breaches += 1; /* the next beacon finds it, too, and repairs */
}

static enum holm_status merge_whole(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    enum holm_status status = holm_replica_seal(replica);
    struct holm_merging_cut cut = holm_catchup_cut(sync->catchup);
    cut.pages = (const struct holm_page *const *)sync->pages;
    cut.page_count = sync->page_count;
    cut.mends = sync->mends && is_level(replica, &cut);
    /* To take such a cut as any other would take away what only one of the two has. */
    if (status == HOLM_OK && sync->mends && !cut.mends)
        status = HOLM_ELIMIT;
    return status == HOLM_OK ? holm_replica_merge(replica, &cut) : status;
}

static enum holm_status finish(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    uint32_t peer = sync->peer;
    enum holm_status status = sync->whole ? merge_whole(replica)
                                          : holm_catchup_apply(sync->catchup);
    if (status == HOLM_ELIMIT && sync->mends) {
        /* One of the two has gone on: runs will do, and the next breach tries again. */
        holm_replica_put_off_mending(replica, peer);
        fail(replica);
        return HOLM_OK;
    }
    if (status != HOLM_OK)
        return fail_by(replica, status);
    close_cut(replica);
    hold_against(replica);
    holm_replica_abandon_sync(replica); /* frees what was staged */
    replica->stats.syncs += 1;
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    known->must_sync = false;
    known->must_mend = false;
    known->ahead = false;
    holm_replica_gaps_end(replica);
    holm_replica_answered(replica, peer);
    holm_replica_mark_ahead(replica, peer, 0); /* it has gone on since the cut */
    holm_replica_drain(replica);
    return HOLM_OK;
}

/* The comparison has come so far; what is next? */
static enum holm_status go_on(struct holm_replica *replica)
{
    enum holm_status status = HOLM_OK;
    switch (holm_catchup_outcome(replica->sync.catchup)) {
    case HOLM_RECONCILE_DONE:
        return finish(replica);
    case HOLM_RECONCILE_RUNNING:
        status = ask_on(replica);
        break;
    case HOLM_RECONCILE_OWN_WRONG:
        replica->stats.digest_breaches += 1;
        (void)holm_state_rebuild_digests(&replica->state);
        fail(replica);
        return HOLM_OK;
    case HOLM_RECONCILE_PEER_WRONG:
        fail(replica);
        return HOLM_OK;
    }
    if (holm_catchup_outcome(replica->sync.catchup) == HOLM_RECONCILE_OWN_WRONG)
        return go_on(replica);
    return status == HOLM_ELIMIT ? fail_by(replica, status) : status;
}

/* ---- a whole cut --------------------------------------------------------------------------- */

static enum holm_status request_pages(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    uint64_t until = sync->page_count + PAGES_AHEAD;
    if (sync->pages_total > 0 && until > sync->pages_total)
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

enum holm_status holm_replica_take_page(struct holm_replica *replica, uint32_t peer,
                                        const struct holm_sync_page *page)
{
    struct holm_replica_sync *sync = &replica->sync;
    bool expected = sync->active && sync->peer == peer && sync->number == page->sync;
    if (!expected || !sync->whole || page->index != sync->page_count ||
        page->index >= sync->pages_total)
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

/* The pages were counted, after the first was asked for. */
static enum holm_status take_count(struct holm_replica *replica, uint64_t pages)
{
    struct holm_replica_sync *sync = &replica->sync;
    sync->pages_total = pages;
    return pages == 0 ? finish(replica) : HOLM_OK;
}

/* ---- answers ------------------------------------------------------------------------------- */

/* A cut without anything that is missing here would only cost what is staged. */
static bool is_useless(const struct holm_replica *replica, const struct holm_sync_cut *cut)
{
    const struct holm_replica_sync *sync = &replica->sync;
    return holm_catchup_kept(sync->catchup) > 0 && !replica->peers[sync->peer].must_sync &&
           holm_vector_view_covers(holm_catchup_vector(sync->catchup), cut->vector,
                                   replica->config.digest_seed);
}

static enum holm_status start(struct holm_replica *replica, const struct holm_sync_cut *cut)
{
    struct holm_replica_sync *sync = &replica->sync;
    struct holm_offer_cut offer = {.reconcile = {cut->vector, cut->transfer, cut->entries},
                                   .collected = cut->collected,
                                   .digest = cut->digest};
    bool staged = holm_catchup_kept(sync->catchup) > 0;
    enum holm_status status = holm_catchup_start(sync->catchup, &offer);
    sync->cut_known = true;
    sync->digest = cut->digest;
    sync->whole = (status == HOLM_ELIMIT && holm_catchup_folds_differ(sync->catchup)) ||
                  (status == HOLM_OK && sync->mends);
    if (sync->whole)
        return request_pages(replica);
    if (status != HOLM_OK)
        return fail_by(replica, status);
    replica->stats.sync_takeovers += staged ? 1 : 0;
    return go_on(replica);
}

enum holm_status holm_replica_take_cut(struct holm_replica *replica, uint32_t peer,
                                       const struct holm_sync_cut *cut)
{
    struct holm_replica_sync *sync = &replica->sync;
    if (!sync->active || sync->peer != peer || sync->number != cut->sync)
        return HOLM_OK;
    if (cut->answer == HOLM_CUT_OPEN && sync->cut_known)
        return sync->whole && sync->pages_total == 0 ? take_count(replica, cut->pages) : HOLM_OK;
    if (cut->answer == HOLM_CUT_BUSY) {
        replica->stats.syncs_busy += 1;
        orphan(replica);
        turn_to_others(replica, peer);
        return HOLM_OK;
    }
    if (cut->answer != HOLM_CUT_OPEN) {
        leave(replica);
        return HOLM_OK;
    }
    if (!holm_vector_view_valid(cut->vector)) {
        fail(replica);
        return HOLM_EMALFORMED;
    }
    if (is_useless(replica, cut)) {
        close_cut(replica);
        orphan(replica);
        replica->peers[peer].ahead = false;
        return HOLM_OK;
    }
    sync->deadline_us = holm_replica_deadline(replica, peer);
    return start(replica, cut);
}

enum holm_status holm_replica_take_tell(struct holm_replica *replica, uint32_t peer,
                                        const struct holm_sync_tell *tell)
{
    struct holm_replica_sync *sync = &replica->sync;
    bool expected = sync->active && sync->peer == peer && sync->number == tell->sync;
    if (!expected || !sync->cut_known || sync->whole)
        return HOLM_OK;
    uint64_t tells = holm_catchup_figures(sync->catchup).tells;
    enum holm_status status = holm_catchup_take(sync->catchup, tell);
    if (status == HOLM_ENOMEM)
        return status; /* it will be missed, and asked for again */
    if (status != HOLM_OK)
        return fail_by(replica, status);
    if (holm_catchup_figures(sync->catchup).tells > tells) {
        sync->repeats = 0;
        sync->deadline_us = holm_replica_deadline(replica, peer);
    }
    return go_on(replica);
}

/* ---- time ---------------------------------------------------------------------------------- */

/* Asks again for what did not come; a peer that is far away gets longer each time. */
static bool repeat(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    if (!sync->cut_known || sync->repeats >= REPEATS_MAX)
        return false;
    sync->repeats += 1;
    uint64_t wait = holm_replica_deadline(replica, sync->peer) - replica->now.monotonic_us;
    sync->deadline_us = replica->now.monotonic_us + (wait << sync->repeats);
    if (sync->whole) {
        sync->requested = sync->page_count;
        return request_pages(replica) == HOLM_OK;
    }
    if (holm_catchup_resend(sync->catchup) != HOLM_OK)
        return false;
    if (go_on(replica) != HOLM_OK)
        replica->retry = true;
    return true;
}

void holm_replica_time_sync(struct holm_replica *replica)
{
    struct holm_replica_sync *sync = &replica->sync;
    uint64_t now_us = replica->now.monotonic_us;
    if (sync->active && sync->deadline_us <= now_us && !repeat(replica)) {
        close_cut(replica);
        leave(replica);
    }
    if (!sync->active && sync->catchup != NULL && sync->until_us <= now_us)
        holm_replica_abandon_sync(replica);
}

uint64_t holm_replica_sync_wake(const struct holm_replica *replica)
{
    const struct holm_replica_sync *sync = &replica->sync;
    if (sync->active)
        return sync->deadline_us;
    return sync->catchup != NULL ? sync->until_us : HOLM_NEVER;
}
