/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/actors.h"
#include "crdt/reconcile_parts.h"

/* A tell while it is checked and worked out. Nothing of the receiver changes before commit(). */
struct taking {
    struct holm_reconcile_receiver *receiver;
    struct holm_reconcile_flight *flight;
    const struct holm_sync_tell *tell;
    struct holm_reconcile_pending *ranges; /* found to differ, in order */
    size_t range_count, range_max;
    struct holm_parcel drops, withdrawn;
    struct holm_page *drop_page, *withdrawn_page;
    struct holm_digest own_sum;
    uint32_t gone; /* of the tell's numbers, done */
    bool own_wrong;
};

static struct holm_reconcile_flight *find_flight(struct holm_reconcile_receiver *receiver,
                                                 uint64_t number)
{
    for (size_t i = 0; i < HOLM_RECONCILE_WINDOW_MAX; i++) {
        if (receiver->flights[i].busy && receiver->flights[i].number == number)
            return &receiver->flights[i];
    }
    return NULL;
}

static const struct holm_sync_list *flight_list(const struct holm_reconcile_flight *flight,
                                                size_t at)
{
    HOLM_ASSERT(at < flight->list_count);
    return (const struct holm_sync_list *)flight->lists + at;
}

/* How many lists the tell speaks of, the one that is told in part included. */
static size_t lists_told(const struct holm_sync_tell *tell)
{
    return (size_t)tell->lists_done + (tell->has_through ? 1 : 0);
}

static bool shape_valid(const struct taking *taking)
{
    const struct holm_sync_tell *tell = taking->tell;
    const struct holm_reconcile_flight *flight = taking->flight;
    if (tell->width != taking->receiver->width || tell->branches_done > flight->branch_count ||
        lists_told(tell) > flight->list_count)
        return false;
    if (lists_told(tell) > 0 && tell->branches_done < flight->branch_count)
        return false;
    if (tell->has_through) {
        const struct holm_sync_list *list = flight_list(flight, tell->lists_done);
        if (list->has_after && holm_dot_compare(&tell->through, &list->after) <= 0)
            return false;
        if (list->has_last && holm_dot_compare(&tell->through, &list->last) > 0)
            return false;
    }
    return tell->branches_done + lists_told(tell) > 0;
}

/* ---- branches ------------------------------------------------------------------------------ */

/* The asked branch that a told one is a sub-range of, from `*at` on. */
static bool asked_for(const struct taking *taking, const struct holm_sync_branch *told, size_t *at)
{
    const struct holm_sync_branch *asked = taking->flight->branches;
    uint64_t hash = holm_range_first(told->level, told->index);
    while (*at < taking->tell->branches_done &&
           holm_range_last(asked[*at].level, asked[*at].index) < hash)
        *at += 1;
    return *at < taking->tell->branches_done && told->level == asked[*at].level + asked[*at].jump &&
           holm_range_first(asked[*at].level, asked[*at].index) <= hash;
}

static void add_range(struct taking *taking, unsigned level, uint64_t index)
{
    HOLM_ASSERT(taking->range_count < taking->range_max);
    struct holm_reconcile_pending *range = &taking->ranges[taking->range_count++];
    memset(range, 0, sizeof *range);
    range->level = (uint8_t)level;
    range->index = index;
}

static void compare_told(struct taking *taking, const struct holm_sync_branch *told,
                         struct holm_digest *sums)
{
    const struct holm_reconcile_receiver *receiver = taking->receiver;
    if (!holm_reconcile_sums(receiver->source, told->level, told->index, told->jump, sums))
        taking->own_wrong = true;
    uint64_t first = told->level == 0 ? 0 : told->index << (4 * told->jump);
    for (uint32_t i = 0; i < holm_sync_branch_hashes(told->jump); i++) {
        uint64_t hash = holm_reconcile_hash(sums[i], receiver->round, receiver->width);
        if (hash != taking->tell->hashes[told->hash_first + i])
            add_range(taking, told->level + told->jump, first + i);
    }
}

static enum holm_status take_branches(struct taking *taking)
{
    const struct holm_sync_tell *tell = taking->tell;
    struct holm_arena *arena = &taking->receiver->arena;
    taking->range_max = tell->hash_count + tell->branch_count;
    taking->ranges = holm_arena_take(arena, taking->range_max * sizeof *taking->ranges);
    struct holm_digest *sums = holm_arena_take(arena, ((size_t)1 << (4 * HOLM_SYNC_JUMP_MAX)) *
                                                          sizeof *sums);
    if (taking->ranges == NULL || sums == NULL)
        return HOLM_ENOMEM;
    size_t asked = 0;
    for (uint32_t i = 0; i < tell->branch_count; i++) {
        const struct holm_sync_branch *told = &tell->branches[i];
        if (!asked_for(taking, told, &asked))
            return HOLM_EMALFORMED;
        if (told->jump == 0)
            add_range(taking, told->level, told->index);
        else
            compare_told(taking, told, sums);
    }
    return HOLM_OK;
}

/* ---- lists --------------------------------------------------------------------------------- */

/* Numbers the listed dots again as the ask did, and sets aside what is gone. */
static enum holm_status take_entry(struct taking *taking, const struct holm_reconcile_entry *entry,
                                   uint32_t *number)
{
    struct holm_reconcile_receiver *receiver = taking->receiver;
    const struct holm_sync_tell *tell = taking->tell;
    holm_digest_add(&taking->own_sum, entry->term);
    uint64_t covered = holm_vector_view_seq(receiver->cut.vector, entry->actor);
    if (holm_item_seq(&entry->item) > covered)
        return HOLM_OK;
    uint32_t at = (*number)++;
    if (taking->gone == tell->gone_count || tell->gone[taking->gone] != at)
        return HOLM_OK;
    taking->gone += 1;
    if (entry->item.op == HOLM_ITEM_BURY)
        return HOLM_OK;
    bool entry_counts = entry->item.op == HOLM_ITEM_COUNT;
    struct holm_parcel *parcel = entry->staged ? &taking->withdrawn : &taking->drops;
    return holm_parcel_add(parcel, &receiver->arena, entry,
                           entry_counts ? HOLM_ITEM_COUNT : HOLM_ITEM_KNOWN);
}

/* Whether all that a range has was listed and told of, and nothing of it is gone. */
static bool is_kept(const struct taking *taking, size_t at, const struct holm_sync_list *list)
{
    const struct holm_sync_tell *tell = taking->tell;
    if (at == tell->lists_done || list->has_after || list->has_last ||
        list->level > taking->receiver->source->tree->depth)
        return false;
    return taking->gone == tell->gone_count ||
           tell->gone[taking->gone] >= list->dot_first + list->dot_count;
}

static enum holm_status take_list(struct taking *taking, size_t at)
{
    struct holm_reconcile_receiver *receiver = taking->receiver;
    struct holm_sync_list list = *flight_list(taking->flight, at);
    uint32_t number = list.dot_first;
    if (is_kept(taking, at, &list)) {
        /* When it was listed its sum was held against the tree, and so it need not be walked again. */
        holm_digest_add(&taking->own_sum,
                        holm_tree_node(receiver->source->tree, list.level, list.index));
        return HOLM_OK;
    }
    if (at == taking->tell->lists_done) {
        list.has_last = true;
        list.last = taking->tell->through;
    }
    enum holm_status status = holm_reconcile_gather_range(&receiver->gather, receiver->source,
                                                          &list, &taking->own_wrong);
    for (size_t i = 0; status == HOLM_OK && i < receiver->gather.count; i++)
        status = take_entry(taking, holm_reconcile_gathered(&receiver->gather, i), &number);
    return status;
}

static enum holm_status take_lists(struct taking *taking)
{
    struct holm_reconcile_receiver *receiver = taking->receiver;
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; status == HOLM_OK && i < lists_told(taking->tell); i++)
        status = take_list(taking, i);
    if (status == HOLM_OK && taking->gone != taking->tell->gone_count)
        return HOLM_EMALFORMED; /* a number that was not listed, or not told of */
    if (status == HOLM_OK)
        status = holm_parcel_page(&taking->drops, &receiver->allocator, &taking->drop_page);
    if (status == HOLM_OK)
        status = holm_parcel_page(&taking->withdrawn, &receiver->allocator,
                                  &taking->withdrawn_page);
    return status;
}

/* ---- items --------------------------------------------------------------------------------- */

static bool item_in_list(const struct taking *taking, size_t at, const struct holm_dot *dot)
{
    const struct holm_sync_list *list = flight_list(taking->flight, at);
    if (list->has_after && holm_dot_compare(dot, &list->after) <= 0)
        return false;
    if (at == taking->tell->lists_done)
        return holm_dot_compare(dot, &taking->tell->through) <= 0;
    return !list->has_last || holm_dot_compare(dot, &list->last) <= 0;
}

static bool item_valid(const struct taking *taking, const struct holm_item *item, size_t *at)
{
    const struct holm_reconcile_receiver *receiver = taking->receiver;
    const struct holm_reconcile_source *source = receiver->source;
    struct holm_dot dot = {taking->tell->page->items.actors[item->actor], holm_item_seq(item)};
    if (item->op == HOLM_ITEM_KNOWN ||
        dot.seq > holm_vector_view_seq(receiver->cut.vector, dot.actor))
        return false;
    if (item->op == HOLM_ITEM_PUT && dot.seq <= holm_vector_view_seq(source->vector, dot.actor))
        return false;
    uint64_t hash = source->hash(source->context, item->key);
    while (*at < lists_told(taking->tell)) {
        const struct holm_sync_list *list = flight_list(taking->flight, *at);
        if (hash >= holm_range_first(list->level, list->index) &&
            hash <= holm_range_last(list->level, list->index))
            return item_in_list(taking, *at, &dot);
        *at += 1;
    }
    return false;
}

static enum holm_status check_page(const struct taking *taking)
{
    const struct holm_reconcile_receiver *receiver = taking->receiver;
    const struct holm_page *page = taking->tell->page;
    if (page == NULL)
        return HOLM_OK;
    if (page->items.item_count > receiver->cut.entries - receiver->told)
        return HOLM_EMALFORMED;
    size_t at = 0;
    for (uint32_t i = 0; i < page->items.item_count; i++) {
        if (!item_valid(taking, &page->items.items[i], &at))
            return HOLM_EMALFORMED;
    }
    return HOLM_OK;
}

/* ---- all at once --------------------------------------------------------------------------- */

static size_t bytes_of(const struct holm_page *page)
{
    return page == NULL ? 0 : page->memory_bytes;
}

static enum holm_status reserve_page(struct holm_reconcile_receiver *receiver,
                                     struct holm_page_list *list)
{
    return holm_array_reserve(&receiver->allocator, &list->pages, &list->capacity,
                              sizeof(struct holm_page *), list->count + 1);
}

static enum holm_status reserve(const struct taking *taking)
{
    struct holm_reconcile_receiver *receiver = taking->receiver;
    const struct holm_reconcile_flight *flight = taking->flight;
    size_t staged = receiver->staged_bytes + bytes_of(taking->tell->page) +
                    bytes_of(taking->drop_page) + bytes_of(taking->withdrawn_page);
    if (staged > receiver->config.staged_bytes_max)
        return HOLM_ELIMIT;
    enum holm_status status = reserve_page(receiver, &receiver->pages);
    if (status == HOLM_OK)
        status = reserve_page(receiver, &receiver->drops);
    if (status == HOLM_OK)
        status = reserve_page(receiver, &receiver->withdrawn);
    size_t ranges = taking->range_count + flight->branch_count + 2 * flight->list_count + 1;
    return status == HOLM_OK ? holm_reconcile_pending_reserve(receiver, ranges) : status;
}

static void stage(struct holm_reconcile_receiver *receiver, struct holm_page *page,
                  struct holm_page_list *list)
{
    if (page == NULL)
        return;
    ((struct holm_page **)list->pages)[list->count++] = page;
    receiver->staged_bytes += page->memory_bytes;
    receiver->figures.staged += page->items.item_count;
}

static void push_rest(struct taking *taking)
{
    struct holm_reconcile_receiver *receiver = taking->receiver;
    const struct holm_sync_tell *tell = taking->tell;
    struct holm_sync_list partial = {0};
    if (tell->has_through)
        partial = *flight_list(taking->flight, tell->lists_done);
    /* A list that is told as far as it went, but went on. */
    for (size_t i = tell->lists_done; i-- > 0;) {
        const struct holm_sync_list *list = flight_list(taking->flight, i);
        if (list->has_last)
            holm_reconcile_push(receiver, list->level, list->index, &list->last);
    }
    holm_reconcile_flight_return(receiver, taking->flight, tell->branches_done, lists_told(tell));
    if (tell->has_through)
        holm_reconcile_push(receiver, partial.level, partial.index, &tell->through);
    for (size_t i = taking->range_count; i-- > 0;)
        holm_reconcile_push(receiver, taking->ranges[i].level, taking->ranges[i].index, NULL);
}

static void conclude(struct holm_reconcile_receiver *receiver)
{
    for (size_t i = 0; i < HOLM_RECONCILE_WINDOW_MAX; i++) {
        if (receiver->flights[i].busy)
            return;
    }
    if (receiver->pending_count > 0)
        return;
    struct holm_digest expected = holm_tree_total(receiver->source->tree);
    holm_digest_subtract(&expected, receiver->own_sum);
    holm_digest_add(&expected, receiver->peer_sum);
    if (holm_digest_equal(expected, receiver->cut.transfer))
        receiver->outcome = HOLM_RECONCILE_DONE;
    else if (!receiver->exact)
        holm_reconcile_restart(receiver);
    else if (holm_digest_equal(receiver->own_sum, holm_tree_total(receiver->source->tree)))
        receiver->outcome = HOLM_RECONCILE_PEER_WRONG;
    else
        receiver->outcome = HOLM_RECONCILE_OWN_WRONG;
}

static void commit(struct taking *taking)
{
    struct holm_reconcile_receiver *receiver = taking->receiver;
    struct holm_page *page = taking->tell->page;
    if (page != NULL) {
        holm_page_retain(page);
        receiver->told += page->items.item_count;
    }
    stage(receiver, page, &receiver->pages);
    stage(receiver, taking->drop_page, &receiver->drops);
    stage(receiver, taking->withdrawn_page, &receiver->withdrawn);
    holm_digest_add(&receiver->own_sum, taking->own_sum);
    holm_digest_add(&receiver->peer_sum, taking->tell->sum);
    receiver->figures.tells += 1;
    push_rest(taking);
    conclude(receiver);
}

enum holm_status holm_reconcile_take(struct holm_reconcile_receiver *receiver,
                                     const struct holm_sync_tell *tell)
{
    HOLM_ASSERT(holm_sync_tell_check(tell) == HOLM_OK);
    struct taking taking = {
        .receiver = receiver,
        .flight = find_flight(receiver, tell->number),
        .tell = tell,
    };
    if (taking.flight == NULL || receiver->outcome != HOLM_RECONCILE_RUNNING)
        return HOLM_OK;
    if (tell->wrong) {
        receiver->outcome = HOLM_RECONCILE_PEER_WRONG;
        return HOLM_OK;
    }
    if (!shape_valid(&taking))
        return HOLM_EMALFORMED;
    holm_arena_clear(&receiver->arena);
    enum holm_status status = check_page(&taking);
    if (status == HOLM_OK)
        status = take_branches(&taking);
    if (status == HOLM_OK)
        status = take_lists(&taking);
    if (status == HOLM_OK)
        status = reserve(&taking);
    if (status != HOLM_OK) {
        holm_page_release(taking.drop_page);
        holm_page_release(taking.withdrawn_page);
        return status;
    }
    commit(&taking);
    if (taking.own_wrong)
        receiver->outcome = HOLM_RECONCILE_OWN_WRONG;
    return HOLM_OK;
}
