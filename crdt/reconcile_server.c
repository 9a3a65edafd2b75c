/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/actors.h"
#include "crdt/reconcile_parts.h"

/* With so few that differ a walk is nothing, and 16 hashes below a leaf are less than its dots. */
#define FEW_RANGES 16

struct telling {
    struct holm_reconcile_server *server;
    const struct holm_sync_ask *ask;
    struct holm_sync_tell *tell;
    struct holm_digest *sums; /* of sub-ranges */
    struct holm_sync_branch *branches;
    uint64_t *hashes;
    uint32_t *gone;
    uint32_t hash_room; /* of the ask's own size at most */
    struct holm_range_cursor cursor;
    struct holm_parcel parcel;
    size_t bytes; /* so far, at most, beside the parcel */
    size_t bytes_max;
};

void holm_reconcile_server_init(struct holm_reconcile_server *server,
                                const struct holm_allocator *allocator,
                                const struct holm_reconcile_config *config,
                                const struct holm_reconcile_source *source,
                                struct holm_vector_view receiver)
{
    HOLM_ASSERT(config->width >= 1 && config->width <= HOLM_SYNC_WIDTH_MAX);
    HOLM_ASSERT(config->items_max >= 1); /* what comes first must be told */
    server->allocator = *allocator;
    server->config = *config;
    server->source = source;
    server->receiver = receiver;
    holm_reconcile_gather_init(&server->gather, allocator, holm_reconcile_count_max(config));
    holm_arena_init(&server->arena, allocator);
    server->page = NULL;
}

void holm_reconcile_server_release(struct holm_reconcile_server *server)
{
    holm_page_release(server->page);
    server->page = NULL;
    holm_arena_release(&server->arena);
    holm_reconcile_gather_release(&server->gather);
}

/* What comes first is told whatever it takes, so that every tell brings the receiver on. */
static bool fits(const struct telling *telling, size_t more)
{
    const struct holm_sync_tell *tell = telling->tell;
    bool first = !tell->has_through && tell->lists_done == 0 && tell->branches_done == 0;
    return first || telling->bytes + telling->parcel.bytes + more <= telling->bytes_max;
}

/* Compares one branch's sub-ranges. False: what differs has no room, and nothing was told of it. */
static bool compare_branch(struct telling *telling, const struct holm_sync_branch *branch)
{
    struct holm_sync_tell *tell = telling->tell;
    const struct holm_sync_ask *ask = telling->ask;
    struct holm_range_cursor cursor = telling->cursor;
    size_t bytes = telling->bytes;
    uint32_t count = tell->branch_count;
    if (!holm_reconcile_sums(telling->server->source, branch->level, branch->index, branch->jump,
                             telling->sums))
        tell->wrong = true;
    uint32_t parts = holm_sync_branch_hashes(branch->jump);
    for (uint32_t i = 0; i < parts; i++) {
        uint64_t hash = holm_reconcile_hash(telling->sums[i], ask->round, ask->width);
        uint64_t asked = ask->hashes[branch->hash_first + i], gap = 0;
        if (hash == asked)
            continue;
        struct holm_sync_branch *differs = &telling->branches[count++];
        differs->level = (uint8_t)(branch->level + branch->jump);
        differs->index = branch->level == 0 ? i : (branch->index << (4 * branch->jump)) + i;
        /* A mark for the second look: neither side is empty there. */
        differs->jump = hash != 0 && asked != 0;
        differs->hash_first = 0;
        bool behind = holm_range_gap(&cursor, differs->level, differs->index, &gap);
        HOLM_ASSERT(behind);
        bytes += 2 + holm_varint_bytes(gap);
    }
    if (bytes + telling->parcel.bytes > telling->bytes_max)
        return false;
    telling->cursor = cursor;
    telling->bytes = bytes;
    tell->branch_count = count;
    return true;
}

/* How many hashes the ranges that were found to differ get of their own, and which. */
static void deepen_branch(struct telling *telling, struct holm_sync_branch *branch, size_t ranges)
{
    const struct holm_reconcile_server *server = telling->server;
    struct holm_sync_tell *tell = telling->tell;
    uint64_t entries = telling->ask->entries;
    if (entries < server->source->entries)
        entries = server->source->entries;
    uint64_t share = holm_reconcile_share(entries, branch->level);
    uint64_t list_max = ranges <= FEW_RANGES
                            ? HOLM_RECONCILE_LIST_ENTRIES
                            : holm_reconcile_list_max(server->source, branch->level);
    bool deepen = branch->jump != 0 && share > list_max && branch->level < HOLM_TREE_LEVEL_MAX;
    branch->jump = 0;
    branch->hash_first = tell->hash_count;
    if (!deepen)
        return;
    unsigned jump = holm_reconcile_jump(&server->config, server->source, branch->level, share,
                                        ranges);
    uint32_t parts = holm_sync_branch_hashes(jump);
    size_t bytes = (size_t)parts * telling->ask->width + parts / 8;
    if (!fits(telling, bytes) || tell->hash_count + parts > telling->hash_room)
        return;
    if (!holm_reconcile_sums(server->source, branch->level, branch->index, jump, telling->sums))
        tell->wrong = true;
    for (uint32_t i = 0; i < parts; i++)
        telling->hashes[tell->hash_count++] = holm_reconcile_hash(
            telling->sums[i], telling->ask->round, telling->ask->width);
    branch->jump = (uint8_t)jump;
    telling->bytes += bytes;
}

static enum holm_status tell_branches(struct telling *telling)
{
    struct holm_sync_tell *tell = telling->tell;
    const struct holm_sync_ask *ask = telling->ask;
    while (tell->branches_done < ask->branch_count) {
        if (!compare_branch(telling, &ask->branches[tell->branches_done])) {
            if (tell->branches_done == 0)
                return HOLM_EMALFORMED;
            break;
        }
        tell->branches_done += 1;
    }
    size_t ranges = 0;
    for (uint32_t i = 0; i < tell->branch_count; i++)
        ranges += telling->branches[i].jump;
    for (uint32_t i = 0; i < tell->branch_count; i++)
        deepen_branch(telling, &telling->branches[i], ranges);
    return HOLM_OK;
}

/* Whether the receiver lacks it, as far as its vector and its list tell. A counter entry can be newer
 * in what it says of resets although its dot is covered. */
static bool lacks(const struct holm_reconcile_server *server,
                  const struct holm_reconcile_entry *entry)
{
    if (entry->item.op != HOLM_ITEM_PUT)
        return true;
    return entry->item.seq > holm_vector_view_seq(server->receiver, entry->actor);
}

struct matching {
    uint32_t at; /* among the ask's dots */
    uint32_t end;
    struct holm_dot bound; /* seq 0: none. What is listed behind it is not told yet */
};

static struct holm_dot listed_dot(const struct holm_sync_ask *ask, uint32_t at)
{
    struct holm_dot dot = {ask->actors[ask->dots[at].actor], ask->dots[at].seq};
    return dot;
}

/* Tells of listed dots before `until` (all up to the bound, with NULL) that the server has seen removed.
 * False: no room; what was told is told up to tell->through. */
static bool tell_gone(struct telling *telling, struct matching *matching,
                      const struct holm_dot *until)
{
    struct holm_sync_tell *tell = telling->tell;
    for (; matching->at < matching->end; matching->at++) {
        struct holm_dot dot = listed_dot(telling->ask, matching->at);
        if (until != NULL && holm_dot_compare(&dot, until) >= 0)
            return true;
        if (matching->bound.seq != 0 && holm_dot_compare(&dot, &matching->bound) > 0)
            return true;
        if (dot.seq <= holm_vector_view_seq(telling->server->source->vector, dot.actor)) {
            uint32_t before = tell->gone_count == 0 ? 0 : telling->gone[tell->gone_count - 1];
            size_t bytes = holm_varint_bytes(matching->at - before);
            if (!fits(telling, bytes))
                return false;
            telling->bytes += bytes;
            telling->gone[tell->gone_count++] = matching->at;
        }
        tell->has_through = true;
        tell->through = dot;
    }
    return true;
}

/* One entry of the server's: told unless the receiver has it. */
static enum holm_status tell_entry(struct telling *telling, struct matching *matching,
                                   const struct holm_reconcile_entry *entry, bool *full)
{
    struct holm_sync_tell *tell = telling->tell;
    const struct holm_sync_ask *ask = telling->ask;
    struct holm_dot dot = holm_reconcile_dot(entry);
    *full = !tell_gone(telling, matching, &dot);
    if (*full)
        return HOLM_OK;
    bool same = false;
    uint32_t at = matching->at;
    for (; at < matching->end; at++) {
        struct holm_dot listed = listed_dot(ask, at);
        if (holm_dot_compare(&listed, &dot) != 0)
            break;
        same = same || ask->dots[at].mark == holm_reconcile_mark(entry);
    }
    if (!same && lacks(telling->server, entry)) {
        *full = telling->parcel.count >= telling->server->config.items_max ||
                !fits(telling, holm_parcel_cost(&telling->parcel, entry));
        if (*full)
            return HOLM_OK;
        enum holm_status status = holm_parcel_add(&telling->parcel, &telling->server->arena, entry,
                                                  (enum holm_item_op)entry->item.op);
        if (status != HOLM_OK)
            return status;
    }
    matching->at = at;
    holm_digest_add(&tell->sum, entry->term);
    tell->has_through = true;
    tell->through = dot;
    return HOLM_OK;
}

static enum holm_status tell_list(struct telling *telling, const struct holm_sync_list *list,
                                  bool *full)
{
    struct holm_sync_tell *tell = telling->tell;
    struct holm_reconcile_gather *gather = &telling->server->gather;
    enum holm_status status = holm_reconcile_gather_range(gather, telling->server->source, list,
                                                          &tell->wrong);
    struct matching matching = {.at = list->dot_first, .end = list->dot_first + list->dot_count};
    if (gather->cut)
        matching.bound = gather->last;
    for (size_t i = 0; status == HOLM_OK && !*full && i < gather->count; i++)
        status = tell_entry(telling, &matching, holm_reconcile_gathered(gather, i), full);
    if (status == HOLM_OK && !*full)
        *full = !tell_gone(telling, &matching, NULL);
    if (status != HOLM_OK || *full)
        return status;
    *full = gather->cut;
    if (gather->cut) {
        tell->has_through = true;
        tell->through = gather->last;
        return HOLM_OK;
    }
    tell->has_through = false;
    tell->lists_done += 1;
    return HOLM_OK;
}

static void expect_lists(const struct telling *telling, uint32_t at)
{
    const struct holm_sync_ask *ask = telling->ask;
    const struct holm_reconcile_source *source = telling->server->source;
    if (at + HOLM_RECONCILE_SOON < ask->list_count) {
        const struct holm_sync_list *list = &ask->lists[at + HOLM_RECONCILE_SOON];
        holm_reconcile_expect(source, list->level, list->index, false);
    }
    if (at + HOLM_RECONCILE_NEAR < ask->list_count) {
        const struct holm_sync_list *list = &ask->lists[at + HOLM_RECONCILE_NEAR];
        holm_reconcile_expect(source, list->level, list->index, true);
    }
}

static enum holm_status tell_lists(struct telling *telling)
{
    struct holm_sync_tell *tell = telling->tell;
    const struct holm_sync_ask *ask = telling->ask;
    enum holm_status status = HOLM_OK;
    bool full = tell->branches_done < ask->branch_count;
    while (status == HOLM_OK && !full && tell->lists_done < ask->list_count) {
        expect_lists(telling, tell->lists_done);
        status = tell_list(telling, &ask->lists[tell->lists_done], &full);
    }
    if (status == HOLM_OK)
        status = holm_parcel_page(&telling->parcel, &telling->server->allocator,
                                  &telling->server->page);
    tell->page = telling->server->page;
    return status;
}

static enum holm_status take_room(struct telling *telling)
{
    const struct holm_sync_ask *ask = telling->ask;
    struct holm_arena *arena = &telling->server->arena;
    uint32_t hashes = ask->hash_count;
    telling->hash_room = (uint32_t)(telling->bytes_max / 4);
    telling->branches = holm_arena_take(arena, hashes * sizeof *telling->branches);
    telling->hashes = holm_arena_take(
        arena, hashes == 0 ? 0 : telling->hash_room * sizeof *telling->hashes);
    telling->gone = holm_arena_take(arena, ask->dot_count * sizeof *telling->gone);
    return telling->branches == NULL || telling->hashes == NULL || telling->gone == NULL
               ? HOLM_ENOMEM
               : HOLM_OK;
}

/* 64 KiB that are needed no longer than this: a node may serve many, and each keeps its last tell. */
static enum holm_status tell_branches_apart(struct telling *telling)
{
    struct holm_arena *arena = &telling->server->arena;
    struct holm_arena_mark mark = holm_arena_mark(arena);
    telling->sums = holm_arena_take(arena, ((size_t)1 << (4 * HOLM_SYNC_JUMP_MAX)) *
                                               sizeof *telling->sums);
    enum holm_status status = telling->sums == NULL ? HOLM_ENOMEM : tell_branches(telling);
    telling->sums = NULL;
    holm_arena_rewind(arena, mark);
    return status;
}

enum holm_status holm_reconcile_answer(struct holm_reconcile_server *server,
                                       const struct holm_sync_ask *ask, struct holm_sync_tell *tell)
{
    HOLM_ASSERT(holm_sync_ask_check(ask) == HOLM_OK);
    holm_arena_clear(&server->arena);
    holm_page_release(server->page);
    server->page = NULL;
    memset(tell, 0, sizeof *tell);
    tell->sync = ask->sync;
    tell->number = ask->number;
    tell->width = ask->width;
    struct telling telling = {
        .server = server,
        .ask = ask,
        .tell = tell,
        .bytes_max = server->config.frame_bytes_max - HOLM_RECONCILE_HEAD_BYTES,
    };
    enum holm_status status = take_room(&telling);
    if (status == HOLM_OK)
        status = tell_branches_apart(&telling);
    if (status == HOLM_OK)
        status = tell_lists(&telling);
    tell->branches = telling.branches;
    tell->hashes = telling.hashes;
    tell->gone = telling.gone;
    HOLM_ASSERT(status != HOLM_OK || holm_sync_tell_check(tell) == HOLM_OK);
    return status;
}
