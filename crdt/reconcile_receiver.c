/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/actors.h"
#include "crdt/reconcile_parts.h"

/* What an item takes in a tell, about: only for asking no more at once than will be answered. */
#define ITEM_BYTES_GUESS 64

/* ---- the life cycle ------------------------------------------------------------------------ */

enum holm_status holm_reconcile_receiver_new(const struct holm_allocator *allocator,
                                             const struct holm_reconcile_config *config,
                                             const struct holm_reconcile_source *source,
                                             const struct holm_reconcile_cut *cut,
                                             struct holm_reconcile_receiver **receiver)
{
    HOLM_ASSERT(config->width >= 1 && config->width <= HOLM_SYNC_WIDTH_MAX);
    HOLM_ASSERT(config->window >= 1 && config->window <= HOLM_RECONCILE_WINDOW_MAX);
    *receiver = NULL;
    if (!holm_vector_view_valid(cut->vector))
        return HOLM_EMALFORMED;
    if (cut->entries > config->entries_max)
        return HOLM_ELIMIT;
    struct holm_reconcile_receiver *made = holm_allocate(allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->allocator = *allocator;
    made->config = *config;
    made->source = source;
    made->cut = *cut;
    made->width = config->width;
    holm_reconcile_gather_init(&made->gather, allocator, holm_reconcile_count_max(config));
    holm_arena_init(&made->arena, allocator);
    made->figures.rounds = 1;
    if (holm_reconcile_pending_reserve(made, 1) != HOLM_OK) {
        holm_reconcile_receiver_free(made);
        return HOLM_ENOMEM;
    }
    bool equal = holm_digest_equal(holm_tree_total(source->tree), cut->transfer);
    made->outcome = equal ? HOLM_RECONCILE_DONE : HOLM_RECONCILE_RUNNING;
    if (!equal)
        holm_reconcile_push(made, 0, 0, NULL);
    *receiver = made;
    return HOLM_OK;
}

static void clear_pages(struct holm_page_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        holm_page_release(((struct holm_page **)list->pages)[i]);
    list->count = 0;
}

static void free_pages(const struct holm_allocator *allocator, struct holm_page_list *list)
{
    clear_pages(list);
    holm_array_free(allocator, list->pages, list->capacity, sizeof(struct holm_page *));
}

static void release_staged(struct holm_reconcile_receiver *receiver)
{
    clear_pages(&receiver->pages);
    clear_pages(&receiver->drops);
    clear_pages(&receiver->withdrawn);
    receiver->staged_bytes = 0;
    receiver->figures.staged = 0;
}

void holm_reconcile_receiver_free(struct holm_reconcile_receiver *receiver)
{
    if (receiver == NULL)
        return;
    struct holm_allocator allocator = receiver->allocator;
    free_pages(&allocator, &receiver->pages);
    free_pages(&allocator, &receiver->drops);
    free_pages(&allocator, &receiver->withdrawn);
    holm_array_free(&allocator, receiver->pending, receiver->pending_capacity,
                    sizeof(struct holm_reconcile_pending));
    for (size_t i = 0; i < HOLM_RECONCILE_WINDOW_MAX; i++) {
        holm_array_free(&allocator, receiver->flights[i].branches,
                        receiver->flights[i].branch_capacity, sizeof(struct holm_sync_branch));
        holm_array_free(&allocator, receiver->flights[i].lists, receiver->flights[i].list_capacity,
                        sizeof(struct holm_sync_list));
    }
    holm_array_free(&allocator, receiver->hashes.memory, receiver->hashes.capacity,
                    sizeof(uint64_t));
    holm_array_free(&allocator, receiver->listed.memory, receiver->listed.capacity,
                    sizeof(struct holm_reconcile_listed));
    holm_arena_release(&receiver->arena);
    holm_reconcile_gather_release(&receiver->gather);
    holm_deallocate(&allocator, receiver, sizeof *receiver);
}

enum holm_reconcile_outcome holm_reconcile_outcome(const struct holm_reconcile_receiver *receiver)
{
    return receiver->outcome;
}

struct holm_reconcile_result holm_reconcile_result(const struct holm_reconcile_receiver *receiver)
{
    HOLM_ASSERT(receiver->outcome == HOLM_RECONCILE_DONE);
    return holm_reconcile_staged(receiver);
}

struct holm_reconcile_result holm_reconcile_staged(const struct holm_reconcile_receiver *receiver)
{
    struct holm_reconcile_result result = {.pages = receiver->pages.pages,
                                           .page_count = receiver->pages.count,
                                           .drops = receiver->drops.pages,
                                           .drop_count = receiver->drops.count,
                                           .withdrawn = receiver->withdrawn.pages,
                                           .withdrawn_count = receiver->withdrawn.count};
    return result;
}

struct holm_reconcile_figures holm_reconcile_figures(const struct holm_reconcile_receiver *receiver)
{
    return receiver->figures;
}

void holm_reconcile_restart(struct holm_reconcile_receiver *receiver)
{
    HOLM_ASSERT(receiver->pending_count == 0);
    release_staged(receiver);
    receiver->own_sum = (struct holm_digest){0, 0};
    receiver->peer_sum = (struct holm_digest){0, 0};
    receiver->told = 0;
    receiver->round += 1;
    receiver->figures.rounds += 1;
    receiver->exact = receiver->round >= 4;
    receiver->width = receiver->width > HOLM_SYNC_WIDTH_MAX / 2 ? HOLM_SYNC_WIDTH_MAX
                                                                : (uint8_t)(receiver->width * 2);
    holm_reconcile_push(receiver, 0, 0, NULL);
}

/* ---- the ranges to be asked ---------------------------------------------------------------- */

enum holm_status holm_reconcile_pending_reserve(struct holm_reconcile_receiver *receiver,
                                                size_t more)
{
    enum holm_status status = holm_array_reserve(
        &receiver->allocator, &receiver->pending, &receiver->pending_capacity,
        sizeof(struct holm_reconcile_pending), receiver->pending_count + more);
    size_t bytes = receiver->staged_bytes +
                   receiver->pending_capacity * sizeof(struct holm_reconcile_pending);
    if (receiver->figures.bytes < bytes)
        receiver->figures.bytes = bytes;
    return status;
}

void holm_reconcile_push(struct holm_reconcile_receiver *receiver, unsigned level, uint64_t index,
                         const struct holm_dot *after)
{
    HOLM_ASSERT(receiver->pending_count < receiver->pending_capacity);
    struct holm_reconcile_pending *made = receiver->pending;
    made += receiver->pending_count++;
    memset(made, 0, sizeof *made);
    made->index = index;
    made->level = (uint8_t)level;
    made->has_after = after != NULL;
    if (after != NULL)
        made->after = *after;
}

void holm_reconcile_flight_return(struct holm_reconcile_receiver *receiver,
                                  struct holm_reconcile_flight *flight, size_t branches_done,
                                  size_t lists_done)
{
    const struct holm_sync_list *lists = flight->lists;
    for (size_t i = flight->list_count; i-- > lists_done;)
        holm_reconcile_push(receiver, lists[i].level, lists[i].index,
                            lists[i].has_after ? &lists[i].after : NULL);
    const struct holm_sync_branch *branches = flight->branches;
    for (size_t i = flight->branch_count; i-- > branches_done;)
        holm_reconcile_push(receiver, branches[i].level, branches[i].index, NULL);
    flight->branch_count = 0;
    flight->list_count = 0;
    flight->busy = false;
}

enum holm_status holm_reconcile_resend(struct holm_reconcile_receiver *receiver)
{
    size_t parts = 0;
    for (size_t i = 0; i < HOLM_RECONCILE_WINDOW_MAX; i++)
        parts += receiver->flights[i].branch_count + receiver->flights[i].list_count;
    enum holm_status status = holm_reconcile_pending_reserve(receiver, parts);
    for (size_t i = 0; status == HOLM_OK && i < HOLM_RECONCILE_WINDOW_MAX; i++)
        holm_reconcile_flight_return(receiver, &receiver->flights[i], 0, 0);
    return status;
}

/* ---- asking -------------------------------------------------------------------------------- */

struct asking {
    struct holm_reconcile_receiver *receiver;
    struct holm_reconcile_flight *flight;
    struct holm_actor_table actors;
    struct holm_range_cursor cursor, branch_cursor, list_cursor;
    uint32_t hash_count, dot_count;
    uint32_t hash_max, dot_max;
    size_t bytes, bytes_max;
    uint64_t expected; /* of the tell, about */
    bool list_all;     /* all that is left costs less than a round trip */
};

enum step {
    STEP_BRANCH,
    STEP_LIST,
    STEP_EXPAND /* compare nothing, look at the 16 sub-ranges */
};

static uint64_t most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static bool one_side_empty(const struct holm_reconcile_receiver *receiver,
                           const struct holm_reconcile_pending *range)
{
    const struct holm_reconcile_source *source = receiver->source;
    if (receiver->cut.entries == 0 || source->entries == 0)
        return true;
    if (range->level > source->tree->depth)
        return false;
    struct holm_digest sum = holm_tree_node(source->tree, range->level, range->index);
    return sum.low == 0 && sum.high == 0;
}

static enum step choose(const struct asking *asking, const struct holm_reconcile_pending *range)
{
    const struct holm_reconcile_receiver *receiver = asking->receiver;
    uint64_t share = holm_reconcile_share(most(receiver->source->entries, receiver->cut.entries),
                                          range->level);
    uint64_t full = receiver->gather.count_max / 4;
    if (range->has_after || range->level == HOLM_TREE_LEVEL_MAX ||
        share <= holm_reconcile_list_max(receiver->source, range->level))
        return STEP_LIST;
    if (receiver->exact || one_side_empty(receiver, range))
        return share <= full ? STEP_LIST : STEP_EXPAND;
    return asking->list_all && share <= full ? STEP_LIST : STEP_BRANCH;
}

static void expand(struct holm_reconcile_receiver *receiver,
                   const struct holm_reconcile_pending *range)
{
    for (unsigned i = HOLM_TREE_FANOUT; i-- > 0;)
        holm_reconcile_push(receiver, range->level + 1u, (range->index << 4) + i, NULL);
}

/* How far to jump. The last level is left to the server: it tells the hashes below those ranges that differ,
 * which takes no round trip more and is less than to ask below all. */
static unsigned choose_jump(const struct asking *asking, const struct holm_reconcile_pending *range)
{
    const struct holm_reconcile_receiver *receiver = asking->receiver;
    uint64_t share = holm_reconcile_share(most(receiver->source->entries, receiver->cut.entries),
                                          range->level);
    unsigned jump = holm_reconcile_jump(&receiver->config, receiver->source, range->level, share,
                                        receiver->pending_count + asking->flight->branch_count);
    unsigned levels = 1;
    while (levels < HOLM_SYNC_JUMP_MAX &&
           share >> (HOLM_TREE_FANOUT_BITS * levels) >
               holm_reconcile_list_max(receiver->source, range->level + levels))
        levels += 1;
    return jump == levels && jump > 1 ? jump - 1 : jump;
}

static enum holm_status room(struct holm_reconcile_receiver *receiver,
                             struct holm_reconcile_room *room, size_t element_bytes, size_t count)
{
    return holm_array_reserve(&receiver->allocator, &room->memory, &room->capacity, element_bytes,
                              count);
}

/* *full: the frame is, and nothing was added. */
static enum holm_status add_branch(struct asking *asking,
                                   const struct holm_reconcile_pending *range, bool *full)
{
    struct holm_reconcile_receiver *receiver = asking->receiver;
    unsigned jump = choose_jump(asking, range);
    uint32_t parts = holm_sync_branch_hashes(jump);
    size_t bytes = 2 + 10 + parts / 8 + (size_t)parts * receiver->width;
    *full = asking->hash_count + parts > asking->hash_max ||
            asking->bytes + bytes > asking->bytes_max;
    if (*full)
        return HOLM_OK;
    if (room(receiver, &receiver->hashes, sizeof(uint64_t), asking->hash_count + parts) != HOLM_OK)
        return HOLM_ENOMEM;
    uint64_t *hashes = receiver->hashes.memory;
    struct holm_arena_mark mark = holm_arena_mark(&receiver->arena);
    struct holm_digest *sums = holm_arena_take(&receiver->arena, parts * sizeof *sums);
    if (sums == NULL)
        return HOLM_ENOMEM;
    if (!holm_reconcile_sums(receiver->source, range->level, range->index, jump, sums))
        receiver->outcome = HOLM_RECONCILE_OWN_WRONG;
    struct holm_sync_branch *branch = asking->flight->branches;
    branch += asking->flight->branch_count++;
    *branch = (struct holm_sync_branch){range->index, asking->hash_count, range->level,
                                        (uint8_t)jump};
    size_t filled = 0;
    for (uint32_t i = 0; i < parts; i++) {
        uint64_t hash = holm_reconcile_hash(sums[i], receiver->round, receiver->width);
        hashes[asking->hash_count++] = hash;
        filled += hash != 0;
    }
    holm_arena_rewind(&receiver->arena, mark);
    asking->bytes += 2 + 10 + parts / 8 + filled * receiver->width;
    asking->expected += 4 * (uint64_t)parts;
    return HOLM_OK;
}

/* Adds one dot to a list, if it has room. */
static enum holm_status add_dot(struct asking *asking, const struct holm_reconcile_entry *entry,
                                uint64_t *before, bool *full)
{
    struct holm_dot dot = holm_reconcile_dot(entry);
    uint64_t mark = holm_reconcile_mark(entry);
    size_t bytes = 3 + holm_varint_bytes(dot.seq - *before) + holm_varint_bytes(mark);
    *full = asking->dot_count == asking->dot_max ||
            asking->bytes + bytes + HOLM_RECONCILE_ACTOR_BYTES > asking->bytes_max;
    if (*full)
        return HOLM_OK;
    bool added;
    struct holm_reconcile_receiver *receiver = asking->receiver;
    enum holm_status status = room(receiver, &receiver->listed,
                                   sizeof(struct holm_reconcile_listed), asking->dot_count + 1);
    if (status == HOLM_OK)
        status = holm_actor_table_add(&asking->actors, &receiver->arena, dot.actor, &added);
    if (status != HOLM_OK)
        return status;
    struct holm_reconcile_listed *all = receiver->listed.memory;
    all[asking->dot_count++] = (struct holm_reconcile_listed){dot, mark};
    asking->bytes += bytes + (added ? HOLM_RECONCILE_ACTOR_BYTES : 0);
    *before = dot.seq;
    return HOLM_OK;
}

/* The dots of a range that the cut's vector covers: of others the server knows nothing. Stops where the
 * frame is full, at `*through`. */
static enum holm_status add_dots(struct asking *asking, const struct holm_dot **through,
                                 struct holm_dot *last, bool *full)
{
    struct holm_reconcile_receiver *receiver = asking->receiver;
    const struct holm_reconcile_gather *gather = &receiver->gather;
    struct holm_actor actor = {{0}, {0}};
    uint64_t covered = 0, before = 0;
    enum holm_status status = HOLM_OK;
    *through = NULL;
    for (size_t i = 0; status == HOLM_OK && i < gather->count; i++) {
        const struct holm_reconcile_entry *entry = holm_reconcile_gathered(gather, i);
        if (i == 0 || !holm_actor_equal(entry->actor, actor)) {
            actor = entry->actor;
            covered = holm_vector_view_seq(receiver->cut.vector, actor);
            before = 0;
        }
        if (holm_item_seq(&entry->item) <= covered)
            status = add_dot(asking, entry, &before, full);
        if (*full)
            return status;
        *last = holm_reconcile_dot(entry);
        *through = last;
    }
    return status;
}

static enum holm_status add_actor(struct asking *asking, struct holm_actor actor)
{
    bool added;
    enum holm_status status = holm_actor_table_add(&asking->actors, &asking->receiver->arena, actor,
                                                   &added);
    if (added)
        asking->bytes += HOLM_RECONCILE_ACTOR_BYTES;
    return status;
}

/* The actors of a list's bounds go into the table. */
static enum holm_status bound_list(struct asking *asking, struct holm_sync_list *list)
{
    enum holm_status status = HOLM_OK;
    if (list->has_last)
        status = add_actor(asking, list->last.actor);
    else
        memset(&list->last, 0, sizeof list->last);
    if (status == HOLM_OK && list->has_after)
        status = add_actor(asking, list->after.actor);
    return status;
}

/* What the answer to a list will take, about. */
static void expect_items(struct asking *asking, const struct holm_reconcile_pending *range)
{
    const struct holm_reconcile_receiver *receiver = asking->receiver;
    uint64_t own = holm_reconcile_share(receiver->source->entries, range->level);
    uint64_t peer = holm_reconcile_share(receiver->cut.entries, range->level);
    uint64_t more = peer > own ? peer - own : 0;
    if (one_side_empty(receiver, range))
        more = peer;
    asking->expected += (more + 1) * ITEM_BYTES_GUESS;
}

static enum holm_status add_list(struct asking *asking, const struct holm_reconcile_pending *range,
                                 bool *full)
{
    struct holm_reconcile_receiver *receiver = asking->receiver;
    struct holm_sync_list list = {.index = range->index,
                                  .dot_first = asking->dot_count,
                                  .level = range->level,
                                  .has_after = range->has_after,
                                  .after = range->after};
    const size_t bounds = 2 * (HOLM_RECONCILE_ACTOR_BYTES + 16);
    *full = asking->bytes + 32 + bounds > asking->bytes_max;
    if (*full)
        return HOLM_OK;
    bool wrong = false;
    enum holm_status status = holm_reconcile_gather_range(&receiver->gather, receiver->source,
                                                          &list, &wrong);
    if (status != HOLM_OK)
        return status;
    if (wrong)
        receiver->outcome = HOLM_RECONCILE_OWN_WRONG;
    size_t bytes = asking->bytes;
    asking->bytes += 32 + bounds;
    const struct holm_dot *through;
    bool cut = receiver->gather.cut;
    status = add_dots(asking, &through, &list.last, full);
    if (status != HOLM_OK)
        return status;
    bool empty = asking->flight->list_count + asking->flight->branch_count == 0;
    if (*full && (!empty || through == NULL)) {
        HOLM_ASSERT(!empty);
        asking->dot_count = list.dot_first;
        asking->bytes = bytes;
        return HOLM_OK;
    }
    list.has_last = cut || *full;
    list.dot_count = asking->dot_count - list.dot_first;
    *full = false;
    status = bound_list(asking, &list);
    if (status != HOLM_OK)
        return status;
    if (!list.has_last && !list.has_after)
        asking->bytes -= bounds;
    ((struct holm_sync_list *)asking->flight->lists)[asking->flight->list_count++] = list;
    expect_items(asking, range);
    return HOLM_OK;
}

static void expect_ranges(const struct holm_reconcile_receiver *receiver)
{
    const struct holm_reconcile_pending *stack = receiver->pending;
    size_t left = receiver->pending_count;
    if (left > HOLM_RECONCILE_SOON) {
        const struct holm_reconcile_pending *range = &stack[left - 1 - HOLM_RECONCILE_SOON];
        holm_reconcile_expect(receiver->source, range->level, range->index, false);
    }
    if (left > HOLM_RECONCILE_NEAR) {
        const struct holm_reconcile_pending *range = &stack[left - 1 - HOLM_RECONCILE_NEAR];
        holm_reconcile_expect(receiver->source, range->level, range->index, true);
    }
}

/* Moves ranges from the stack into the flight, lowest hashes first, until the frame is full. */
static enum holm_status fill_flight(struct asking *asking)
{
    struct holm_reconcile_receiver *receiver = asking->receiver;
    struct holm_reconcile_flight *flight = asking->flight;
    while (receiver->pending_count > 0 && asking->expected < asking->bytes_max) {
        struct holm_reconcile_pending *stack = receiver->pending;
        struct holm_reconcile_pending range = stack[receiver->pending_count - 1];
        struct holm_range_cursor cursor = asking->cursor;
        uint64_t gap;
        expect_ranges(receiver);
        /* After answers out of order the stack is not all in order. */
        if (!holm_range_gap(&cursor, range.level, range.index, &gap))
            return HOLM_OK;
        enum holm_status status = holm_reconcile_pending_reserve(receiver, HOLM_TREE_FANOUT);
        if (status == HOLM_OK)
            status = holm_array_reserve(&receiver->allocator, &flight->branches,
                                        &flight->branch_capacity, sizeof(struct holm_sync_branch),
                                        flight->branch_count + 1);
        if (status == HOLM_OK)
            status = holm_array_reserve(&receiver->allocator, &flight->lists,
                                        &flight->list_capacity, sizeof(struct holm_sync_list),
                                        flight->list_count + 1);
        if (status != HOLM_OK)
            return status;
        enum step step = choose(asking, &range);
        bool full = false;
        if (step == STEP_BRANCH)
            status = add_branch(asking, &range, &full);
        else if (step == STEP_LIST)
            status = add_list(asking, &range, &full);
        if (status != HOLM_OK || full)
            return status;
        receiver->pending_count -= 1;
        if (step == STEP_EXPAND)
            expand(receiver, &range);
        else
            asking->cursor = cursor;
    }
    return HOLM_OK;
}

static bool listing_is_cheap(const struct holm_reconcile_receiver *receiver)
{
    const struct holm_reconcile_pending *stack = receiver->pending;
    uint64_t cost = 0;
    for (size_t i = 0; i < receiver->pending_count && cost <= receiver->config.hop_bytes; i++)
        cost += 4 * (1 + holm_reconcile_share(receiver->source->entries, stack[i].level));
    return cost <= receiver->config.hop_bytes;
}

/* The table of those actors that are named in the end. */
static enum holm_status table_actors(struct asking *asking)
{
    const struct holm_sync_list *lists = asking->flight->lists;
    const struct holm_reconcile_listed *all = asking->receiver->listed.memory;
    enum holm_status status = HOLM_OK;
    asking->actors.count = 0;
    for (uint32_t i = 0; status == HOLM_OK && i < asking->dot_count; i++) {
        const struct holm_reconcile_listed *listed = all + i;
        if (i == 0 || !holm_actor_equal(listed[-1].dot.actor, listed->dot.actor))
            status = add_actor(asking, listed->dot.actor);
    }
    for (size_t i = 0; status == HOLM_OK && i < asking->flight->list_count; i++) {
        if (lists[i].has_after)
            status = add_actor(asking, lists[i].after.actor);
        if (status == HOLM_OK && lists[i].has_last)
            status = add_actor(asking, lists[i].last.actor);
    }
    return status;
}

/* Gives the listed dots' actors their indices, and says all that was gathered. */
static enum holm_status finish_ask(struct asking *asking)
{
    struct holm_reconcile_receiver *receiver = asking->receiver;
    const struct holm_reconcile_listed *all = receiver->listed.memory;
    struct holm_sync_dot *dots = holm_arena_take(&receiver->arena,
                                                 asking->dot_count * sizeof *dots);
    enum holm_status status = dots == NULL ? HOLM_ENOMEM : table_actors(asking);
    if (status != HOLM_OK)
        return status;
    for (uint32_t i = 0; i < asking->dot_count; i++) {
        const struct holm_reconcile_listed *listed = all + i;
        bool same = i > 0 && holm_actor_equal(listed[-1].dot.actor, listed->dot.actor);
        dots[i].actor = same ? dots[i - 1].actor
                             : holm_actor_table_find(&asking->actors, listed->dot.actor);
        dots[i].seq = listed->dot.seq;
        dots[i].mark = listed->mark;
    }
    struct holm_reconcile_flight *flight = asking->flight;
    receiver->ask = (struct holm_sync_ask){
        .number = ++receiver->number,
        .entries = receiver->source->entries,
        .round = receiver->round,
        .width = receiver->width,
        .branches = flight->branches,
        .branch_count = (uint32_t)flight->branch_count,
        .hashes = receiver->hashes.memory,
        .hash_count = asking->hash_count,
        .lists = flight->lists,
        .list_count = (uint32_t)flight->list_count,
        .dots = dots,
        .dot_count = asking->dot_count,
        .actors = asking->actors.rows,
        .actor_count = asking->actors.count,
    };
    flight->number = receiver->number;
    flight->busy = true;
    receiver->figures.asks += 1;
    HOLM_ASSERT(holm_sync_ask_check(&receiver->ask) == HOLM_OK);
    return HOLM_OK;
}

static struct holm_reconcile_flight *free_flight(struct holm_reconcile_receiver *receiver)
{
    for (size_t i = 0; i < receiver->config.window; i++) {
        if (!receiver->flights[i].busy)
            return &receiver->flights[i];
    }
    return NULL;
}

enum holm_status holm_reconcile_ask(struct holm_reconcile_receiver *receiver,
                                    const struct holm_sync_ask **ask)
{
    *ask = NULL;
    struct asking asking = {.receiver = receiver, .flight = free_flight(receiver)};
    if (receiver->outcome != HOLM_RECONCILE_RUNNING || receiver->pending_count == 0 ||
        asking.flight == NULL)
        return HOLM_OK;
    holm_arena_clear(&receiver->arena);
    asking.bytes_max = receiver->config.frame_bytes_max - HOLM_RECONCILE_HEAD_BYTES;
    asking.list_all = listing_is_cheap(receiver);
    asking.hash_max = asking.dot_max = (uint32_t)(asking.bytes_max / 4);
    enum holm_status status = fill_flight(&asking);
    if (status == HOLM_OK && receiver->outcome == HOLM_RECONCILE_RUNNING)
        status = finish_ask(&asking);
    if (status == HOLM_OK && receiver->outcome == HOLM_RECONCILE_RUNNING)
        *ask = &receiver->ask;
    else /* there is room: all of it came from there */
        holm_reconcile_flight_return(receiver, asking.flight, 0, 0);
    return status;
}
