/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/sync.h"

#include "crdt/tree.h"

static bool range_exists(unsigned level, uint64_t index)
{
    return level <= HOLM_TREE_LEVEL_MAX &&
           (level == HOLM_TREE_LEVEL_MAX || index >> (HOLM_TREE_FANOUT_BITS * level) == 0);
}

/* The first range of a level that lies behind the cursor. False: none. */
static bool range_behind(const struct holm_range_cursor *cursor, unsigned level, uint64_t *index)
{
    *index = 0;
    if (!cursor->started)
        return true;
    *index = holm_range_index(level, cursor->last) + 1;
    return *index != 0 && range_exists(level, *index);
}

bool holm_range_gap(struct holm_range_cursor *cursor, unsigned level, uint64_t index, uint64_t *gap)
{
    uint64_t base;
    if (!range_exists(level, index) || !range_behind(cursor, level, &base) || index < base)
        return false;
    *gap = index - base;
    cursor->last = holm_range_last(level, index);
    cursor->started = true;
    return true;
}

bool holm_range_skip(struct holm_range_cursor *cursor, unsigned level, uint64_t gap,
                     uint64_t *index)
{
    uint64_t base;
    if (level > HOLM_TREE_LEVEL_MAX || !range_behind(cursor, level, &base) ||
        gap > UINT64_MAX - base || !range_exists(level, base + gap))
        return false;
    *index = base + gap;
    cursor->last = holm_range_last(level, *index);
    cursor->started = true;
    return true;
}

static bool hashes_valid(const uint64_t *hashes, uint32_t count, uint8_t width)
{
    if (width < 1 || width > HOLM_SYNC_WIDTH_MAX)
        return false;
    uint64_t most = UINT64_MAX >> (64 - 8 * width);
    for (uint32_t i = 0; i < count; i++) {
        if (hashes[i] > most)
            return false;
    }
    return true;
}

/* Y1, Y2. */
static bool branches_valid(const struct holm_sync_branch *branches, uint32_t count,
                           uint32_t hash_count)
{
    struct holm_range_cursor cursor = {0};
    uint64_t hashes = 0, gap;
    for (uint32_t i = 0; i < count; i++) {
        const struct holm_sync_branch *branch = &branches[i];
        if (branch->jump > HOLM_SYNC_JUMP_MAX ||
            branch->level + branch->jump > (int)HOLM_TREE_LEVEL_MAX ||
            !holm_range_gap(&cursor, branch->level, branch->index, &gap))
            return false;
        if (branch->hash_first != hashes)
            return false;
        hashes += holm_sync_branch_hashes(branch->jump);
        if (hashes > hash_count)
            return false;
    }
    return hashes == hash_count;
}

static struct holm_dot dot_full(const struct holm_sync_ask *ask, const struct holm_sync_dot *dot)
{
    struct holm_dot full = {ask->actors[dot->actor], dot->seq};
    return full;
}

/* Y3. */
static bool list_valid(const struct holm_sync_ask *ask, const struct holm_sync_list *list)
{
    if ((list->has_after && list->after.seq == 0) || (list->has_last && list->last.seq == 0))
        return false;
    if (list->has_after && list->has_last && holm_dot_compare(&list->after, &list->last) >= 0)
        return false;
    for (uint32_t i = list->dot_first; i < list->dot_first + list->dot_count; i++) {
        const struct holm_sync_dot *dot = &ask->dots[i];
        if (dot->actor >= ask->actor_count || dot->seq == 0)
            return false;
        struct holm_dot full = dot_full(ask, dot);
        if (i == list->dot_first && list->has_after && holm_dot_compare(&full, &list->after) <= 0)
            return false;
        if (list->has_last && holm_dot_compare(&full, &list->last) > 0)
            return false;
        if (i == list->dot_first)
            continue;
        const struct holm_sync_dot *before = &ask->dots[i - 1];
        if (dot->actor < before->actor || (dot->actor == before->actor && dot->seq < before->seq))
            return false;
    }
    return true;
}

static bool lists_valid(const struct holm_sync_ask *ask)
{
    struct holm_range_cursor cursor = {0};
    uint64_t gap;
    uint32_t dots = 0;
    for (uint32_t i = 0; i < ask->list_count; i++) {
        const struct holm_sync_list *list = &ask->lists[i];
        if (!holm_range_gap(&cursor, list->level, list->index, &gap) || list->dot_first != dots ||
            list->dot_count > ask->dot_count - dots || !list_valid(ask, list))
            return false;
        dots += list->dot_count;
    }
    return dots == ask->dot_count;
}

enum holm_status holm_sync_ask_check(const struct holm_sync_ask *ask)
{
    for (uint32_t i = 1; i < ask->actor_count; i++) {
        if (holm_actor_compare(ask->actors[i - 1], ask->actors[i]) >= 0)
            return HOLM_EMALFORMED;
    }
    for (uint32_t i = 0; i < ask->branch_count; i++) {
        if (ask->branches[i].jump == 0)
            return HOLM_EMALFORMED;
    }
    bool valid = hashes_valid(ask->hashes, ask->hash_count, ask->width) &&
                 branches_valid(ask->branches, ask->branch_count, ask->hash_count) &&
                 lists_valid(ask);
    return valid ? HOLM_OK : HOLM_EMALFORMED;
}

enum holm_status holm_sync_tell_check(const struct holm_sync_tell *tell)
{
    if (!hashes_valid(tell->hashes, tell->hash_count, tell->width) ||
        !branches_valid(tell->branches, tell->branch_count, tell->hash_count))
        return HOLM_EMALFORMED;
    for (uint32_t i = 1; i < tell->gone_count; i++) {
        if (tell->gone[i - 1] >= tell->gone[i])
            return HOLM_EMALFORMED;
    }
    if (tell->has_through && tell->through.seq == 0)
        return HOLM_EMALFORMED;
    return tell->page == NULL ? HOLM_OK : holm_page_check(tell->page);
}
