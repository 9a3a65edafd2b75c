/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/order.h"
#include "crdt/reconcile_parts.h"

#define FRAME_BYTES_DEFAULT ((size_t)1 << 20)
#define FRAME_BYTES_MIN ((size_t)4096)
#define SHORT_COUNT 64

struct holm_reconcile_config holm_reconcile_config_default(size_t frame_bytes_max)
{
    struct holm_reconcile_config config = {
        .frame_bytes_max = frame_bytes_max == 0 ? FRAME_BYTES_DEFAULT : frame_bytes_max,
        .hop_bytes = 4096,
        .staged_bytes_max = (size_t)1 << 30,
        .kept_bytes_max = (size_t)1 << 26,
        .entries_max = (uint64_t)1 << 32,
        .items_max = UINT32_MAX,
        .width = HOLM_SYNC_WIDTH_MAX,
        .window = 2,
    };
    HOLM_ASSERT(config.frame_bytes_max >= FRAME_BYTES_MIN);
    return config;
}

/* The finaliser of MurmurHash3 (Appleby): every bit of the digest reaches every bit of the hash, so
 * that cutting it leaves as much as it can. */
static uint64_t mix(uint64_t word)
{
    word = (word ^ (word >> 33)) * 0xff51afd7ed558ccdu;
    word = (word ^ (word >> 33)) * 0xc4ceb9fe1a85ec53u;
    return word ^ (word >> 33);
}

uint64_t holm_reconcile_hash(struct holm_digest digest, uint32_t round, uint8_t width)
{
    HOLM_ASSERT(width >= 1 && width <= HOLM_SYNC_WIDTH_MAX);
    if (digest.low == 0 && digest.high == 0)
        return 0;
    uint64_t hash = mix(mix(digest.low ^ ((uint64_t)round * 0x9e3779b97f4a7c15u)) + digest.high);
    hash &= UINT64_MAX >> (64 - 8 * width);
    return hash == 0 ? 1 : hash;
}

size_t holm_reconcile_count_max(const struct holm_reconcile_config *config)
{
    size_t count = config->frame_bytes_max / 64;
    return count > 16384 ? 16384 : count;
}

unsigned holm_reconcile_jump_max(const struct holm_reconcile_config *config)
{
    unsigned jump = 1;
    while (jump < HOLM_SYNC_JUMP_MAX && ((size_t)16 << (4 * (jump + 1))) <= config->frame_bytes_max)
        jump += 1;
    return jump;
}

unsigned holm_reconcile_jump(const struct holm_reconcile_config *config,
                             const struct holm_reconcile_source *source, unsigned level,
                             uint64_t share, size_t ranges)
{
    unsigned jump_max = holm_reconcile_jump_max(config);
    unsigned jump = 1;
    while (jump < jump_max && level + jump + 1 <= source->tree->depth &&
           share >> (HOLM_TREE_FANOUT_BITS * jump) > HOLM_RECONCILE_LIST_ENTRIES &&
           ranges <= config->hop_bytes / ((size_t)config->width << (4 * (jump + 1))))
        jump += 1;
    return jump;
}

struct summing {
    struct holm_digest *sums;
    struct holm_digest whole;
    unsigned level; /* of the sums */
    uint64_t first; /* index */
};

static bool sum_entry(void *context, const struct holm_reconcile_entry *entry)
{
    struct summing *summing = context;
    uint64_t index = holm_range_index(summing->level, entry->hash) - summing->first;
    holm_digest_add(&summing->sums[index], entry->term);
    holm_digest_add(&summing->whole, entry->term);
    return true;
}

bool holm_reconcile_sums(const struct holm_reconcile_source *source, unsigned level, uint64_t index,
                         unsigned jump, struct holm_digest *sums)
{
    size_t count = (size_t)1 << (HOLM_TREE_FANOUT_BITS * jump);
    uint64_t first = level == 0 ? 0 : index << (HOLM_TREE_FANOUT_BITS * jump);
    if (level + jump <= source->tree->depth) {
        for (size_t i = 0; i < count; i++)
            sums[i] = holm_tree_node(source->tree, level + jump, first + i);
        return true;
    }
    memset(sums, 0, count * sizeof *sums);
    struct summing summing = {sums, {0, 0}, level + jump, first};
    source->visit(source->context, holm_range_first(level, index), holm_range_last(level, index),
                  sum_entry, &summing);
    return level > source->tree->depth ||
           holm_digest_equal(summing.whole, holm_tree_node(source->tree, level, index));
}

void holm_reconcile_gather_init(struct holm_reconcile_gather *gather,
                                const struct holm_allocator *allocator, size_t count_max)
{
    memset(gather, 0, sizeof *gather);
    holm_arena_init(&gather->arena, allocator);
    gather->count_max = count_max;
}

void holm_reconcile_gather_release(struct holm_reconcile_gather *gather)
{
    holm_array_free(&gather->arena.allocator, gather->order, gather->capacity,
                    sizeof(struct holm_reconcile_entry *));
    gather->order = NULL;
    gather->capacity = 0;
    holm_arena_release(&gather->arena);
}

static int compare_entries(const void *a, const void *b)
{
    const struct holm_reconcile_entry *const *left = a;
    const struct holm_reconcile_entry *const *right = b;
    struct holm_dot dots[2] = {holm_reconcile_dot(*left), holm_reconcile_dot(*right)};
    int order = holm_dot_compare(&dots[0], &dots[1]);
    if (order != 0)
        return order;
    uint64_t marks[2] = {holm_reconcile_mark(*left), holm_reconcile_mark(*right)};
    return (marks[0] > marks[1]) - (marks[0] < marks[1]);
}

/* Nearly all lists are short, and half in order: then insertion is several times as fast. */
static void insert_entries(struct holm_reconcile_entry **order, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        struct holm_reconcile_entry *entry = order[i];
        size_t at = i;
        for (; at > 0 && compare_entries(&order[at - 1], &entry) > 0; at--)
            order[at] = order[at - 1];
        order[at] = entry;
    }
}

static void sort_entries(struct holm_reconcile_gather *gather)
{
    if (gather->count <= SHORT_COUNT)
        insert_entries(gather->order, gather->count);
    else
        holm_sort(gather->order, gather->count, sizeof(struct holm_reconcile_entry *),
                  compare_entries);
    if (gather->count <= gather->count_max)
        return;
    gather->count = gather->count_max;
    gather->cut = true;
    gather->last = holm_reconcile_dot(holm_reconcile_gathered(gather, gather->count - 1));
}

/* Room for one more, and for twice as many as are wanted: sorting is then seldom. */
static enum holm_status gather_room(struct holm_reconcile_gather *gather)
{
    if (gather->count == 2 * gather->count_max)
        sort_entries(gather);
    if (gather->count < gather->made)
        return HOLM_OK;
    enum holm_status status = holm_array_reserve(
        &gather->arena.allocator, &gather->order, &gather->capacity,
        sizeof(struct holm_reconcile_entry *), gather->made + 1);
    if (status != HOLM_OK)
        return status;
    struct holm_reconcile_entry *made = holm_arena_take(&gather->arena, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    ((struct holm_reconcile_entry **)gather->order)[gather->made] = made;
    gather->made += 1;
    return HOLM_OK;
}

static bool gather_entry(void *context, const struct holm_reconcile_entry *entry)
{
    struct holm_reconcile_gather *gather = context;
    holm_digest_add(&gather->whole, entry->term);
    struct holm_dot dot = holm_reconcile_dot(entry);
    if (gather->after.seq != 0 && holm_dot_compare(&dot, &gather->after) <= 0)
        return true;
    if (gather->last.seq != 0 && holm_dot_compare(&dot, &gather->last) > 0)
        return true;
    gather->status = gather_room(gather);
    if (gather->status != HOLM_OK)
        return false;
    *((struct holm_reconcile_entry **)gather->order)[gather->count] = *entry;
    gather->count += 1;
    return true;
}

enum holm_status holm_reconcile_gather_range(struct holm_reconcile_gather *gather,
                                             const struct holm_reconcile_source *source,
                                             const struct holm_sync_list *list, bool *wrong)
{
    static const struct holm_dot none;
    gather->count = 0;
    gather->cut = false;
    gather->after = list->has_after ? list->after : none;
    gather->last = list->has_last ? list->last : none;
    gather->whole = (struct holm_digest){0, 0};
    gather->status = HOLM_OK;
    source->visit(source->context, holm_range_first(list->level, list->index),
                  holm_range_last(list->level, list->index), gather_entry, gather);
    if (gather->status != HOLM_OK)
        return gather->status;
    sort_entries(gather);
    if (list->level <= source->tree->depth &&
        !holm_digest_equal(gather->whole, holm_tree_node(source->tree, list->level, list->index)))
        *wrong = true;
    return HOLM_OK;
}
