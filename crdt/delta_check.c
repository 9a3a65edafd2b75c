/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a delta or page from outside must fulfil before the replica looks at it: D1 to D6.
 */
#include "crdt/actors.h"
#include "crdt/delta.h"
#include "crdt/path.h"
#include "crdt/vector.h"

static bool item_shape_valid(const struct holm_items *items, const struct holm_item *item)
{
    if (item->key.size < 1 || item->key.size > HOLM_KEY_BYTES_MAX)
        return false;
    if (!holm_path_valid(item->path) || item->actor >= items->actor_count)
        return false;
    if (item->seen_count > items->seen_count ||
        item->seen_first > items->seen_count - item->seen_count)
        return false;
    if (item->kind != HOLM_SET && item->kind <= HOLM_MIN && item->sub.size > 0)
        return false;
    bool needs_kind = item->op != HOLM_ITEM_DROP_PATH && item->op != HOLM_ITEM_BURY;
    if (needs_kind != (item->kind != 0))
        return false;
    return (item->op == HOLM_ITEM_COUNT) == (item->kind == HOLM_COUNTER);
}

static bool count_valid(const struct holm_count *count)
{
    return count->start >= 1 && count->start <= count->last && count->cancelled <= count->last;
}

static bool seen_valid(const struct holm_items *items, uint64_t own_first)
{
    for (uint32_t i = 0; i < items->seen_count; i++) {
        const struct holm_seen *seen = &items->seen[i];
        if (seen->actor >= items->actor_count || seen->first < 1 || seen->first > seen->last)
            return false;
        if (seen->actor == 0 && seen->last >= own_first)
            return false;
    }
    return true;
}

static bool actors_distinct(const struct holm_items *items)
{
    /* Tables are sorted behind the own actor, so that this is linear. */
    for (uint32_t i = 1; i < items->actor_count; i++) {
        if (holm_actor_equal(items->actors[0], items->actors[i]))
            return false;
        if (i > 1 && holm_actor_compare(items->actors[i - 1], items->actors[i]) >= 0)
            return false;
    }
    return true;
}

static bool delta_item_valid(const struct holm_delta *delta, const struct holm_item *item,
                             uint64_t *previous)
{
    if (!item_shape_valid(&delta->items, item))
        return false;
    switch ((enum holm_item_op)item->op) {
    case HOLM_ITEM_PUT:
    case HOLM_ITEM_BURY:
        if (item->actor != 0 || item->seq < delta->first || item->seq > delta->last)
            return false;
        if (item->seq <= *previous) /* items are in the order of their seqs: each once */
            return false;
        *previous = item->seq;
        return true;
    case HOLM_ITEM_COUNT:
        return count_valid(&item->count) && (item->actor != 0 || item->count.last <= delta->last);
    case HOLM_ITEM_DROP_SLOT:
    case HOLM_ITEM_DROP_PATH:
        return true;
    case HOLM_ITEM_KNOWN:
        return false;
    }
    return false;
}

enum holm_status holm_delta_check(const struct holm_delta *delta)
{
    if (delta->first < 1 || delta->first > delta->last || delta->last == UINT64_MAX ||
        delta->actor.epoch.value == 0)
        return HOLM_EMALFORMED;
    if (delta->items.actor_count < 1 || !holm_actor_equal(delta->items.actors[0], delta->actor) ||
        !actors_distinct(&delta->items))
        return HOLM_EMALFORMED;
    if (!holm_vector_view_valid(delta->deps) || !holm_vector_valid(delta->collected) ||
        holm_vector_view_seq(delta->deps, delta->actor) != 0 ||
        holm_vector_seq(delta->collected, delta->actor) == HOLM_SEQ_FOLDED)
        return HOLM_EMALFORMED;
    if (!seen_valid(&delta->items, delta->first))
        return HOLM_EMALFORMED;
    uint64_t previous = 0;
    for (uint32_t i = 0; i < delta->items.item_count; i++) {
        if (!delta_item_valid(delta, &delta->items.items[i], &previous))
            return HOLM_EMALFORMED;
    }
    return HOLM_OK;
}

static bool page_item_valid(const struct holm_items *items, const struct holm_item *item)
{
    if (!item_shape_valid(items, item) || item->seen_count != 0)
        return false;
    switch ((enum holm_item_op)item->op) {
    case HOLM_ITEM_PUT:
    case HOLM_ITEM_KNOWN:
    case HOLM_ITEM_BURY:
        return item->seq >= 1;
    case HOLM_ITEM_COUNT:
        return count_valid(&item->count);
    case HOLM_ITEM_DROP_SLOT:
    case HOLM_ITEM_DROP_PATH:
        return false;
    }
    return false;
}

enum holm_status holm_page_check(const struct holm_page *page)
{
    const struct holm_items *items = &page->items;
    if (items->seen_count != 0)
        return HOLM_EMALFORMED;
    for (uint32_t i = 1; i < items->actor_count; i++) {
        if (holm_actor_compare(items->actors[i - 1], items->actors[i]) >= 0)
            return HOLM_EMALFORMED;
    }
    for (uint32_t i = 0; i < items->item_count; i++) {
        if (!page_item_valid(items, &items->items[i]))
            return HOLM_EMALFORMED;
    }
    return HOLM_OK;
}
