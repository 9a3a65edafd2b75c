/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/history.h"

static bool touches(const struct holm_delta *run, struct holm_bytes key)
{
    for (uint32_t i = 0; i < run->items.item_count; i++) {
        if (holm_bytes_equal(run->items.items[i].key, key))
            return true;
    }
    return false;
}

static void note_time(struct holm_history *history, const struct holm_delta *run)
{
    for (uint32_t i = 0; i < run->items.item_count; i++) {
        uint64_t hlc = run->items.items[i].hlc;
        if (hlc != 0 && (history->since_hlc == 0 || hlc < history->since_hlc))
            history->since_hlc = hlc;
    }
}

enum holm_status holm_history_take(struct holm_history *history, struct holm_delta *run)
{
    void *runs = history->runs;
    history->stored++;
    note_time(history, run);
    if (!touches(run, history->key))
        return HOLM_OK;
    enum holm_status status = holm_array_reserve(&history->allocator, &runs, &history->capacity,
                                                 sizeof(struct holm_delta *), history->count + 1);
    history->runs = runs;
    if (status != HOLM_OK)
        return status;
    holm_delta_retain(run);
    history->runs[history->count++] = run;
    return HOLM_OK;
}

void holm_history_release(struct holm_history *history)
{
    for (size_t i = 0; i < history->count; i++)
        holm_delta_release(history->runs[i]);
    holm_array_free(&history->allocator, history->runs, history->capacity,
                    sizeof(struct holm_delta *));
    history->runs = NULL;
    history->count = history->capacity = 0;
}

static bool is_put(const struct holm_delta *run, const struct holm_item *item, struct holm_dot dot)
{
    return item->op == HOLM_ITEM_PUT && item->seq == dot.seq &&
           holm_actor_equal(run->items.actors[item->actor], dot.actor);
}

const struct holm_item *holm_history_find(const struct holm_history *history, struct holm_dot dot,
                                          const struct holm_delta **run)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct holm_items *items = &history->runs[i]->items;
        *run = history->runs[i];
        for (uint32_t k = 0; k < items->item_count; k++) {
            if (is_put(*run, &items->items[k], dot))
                return &items->items[k];
        }
    }
    return NULL;
}
