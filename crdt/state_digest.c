/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints: one keyed XXH3 of everything that names and makes up a cell. Actors stand in full,
 * since their indices are this replica's own; key and path by their keyed hashes, which are at hand.
 */
#include "crdt/state.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "crdt/frozen.h"
#include "crdt/order.h"
#include "crdt/state_parts.h"

/* Longer parts enter by their own 128-bit hash, so that one buffer is always enough. */
#define PART_BYTES_MAX 64

struct text {
    unsigned char bytes[7 * 8 + 2 * (PART_BYTES_MAX + 8)];
    size_t size;
    uint64_t seed;
};

static void add_number(struct text *text, uint64_t number)
{
    HOLM_ASSERT(sizeof text->bytes - text->size >= sizeof number);
    number = holm_little(number);
    memcpy(text->bytes + text->size, &number, sizeof number);
    text->size += sizeof number;
}

static void add_part(struct text *text, struct holm_bytes part)
{
    HOLM_ASSERT(sizeof text->bytes - text->size >= PART_BYTES_MAX);
    if (part.size <= PART_BYTES_MAX) {
        if (part.size > 0)
            memcpy(text->bytes + text->size, part.data, part.size);
        text->size += part.size;
        return;
    }
    XXH128_hash_t hash = XXH3_128bits_withSeed(part.data, part.size, text->seed);
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, hash);
    memcpy(text->bytes + text->size, canonical.digest, sizeof canonical.digest);
    text->size += sizeof canonical.digest;
}

static void add_value(struct text *text, const struct holm_value *value)
{
    if (holm_type_has_bytes(value->type)) {
        add_part(text, value->as.bytes);
    } else if (value->type == HOLM_BOOL) {
        add_number(text, value->as.boolean ? 1 : 0);
    } else if (value->type != HOLM_NONE) {
        uint64_t number;
        memcpy(&number, &value->as, sizeof number);
        add_number(text, number);
    }
}

/* What comes first in the text of every cell. */
#define NAMING_WORDS 7
/* What else there is of a counter's entry. */
#define COUNT_WORDS 4

/* What names a cell beside its slot's kind and element. */
struct place {
    uint64_t seed;
    uint64_t key, path; /* hashes */
    struct holm_actor actor;
};

/* With both lengths in the last word, what follows can be read in one way only. */
static inline void put_naming(const struct place *place, const struct holm_cell *cell,
                              uint64_t words[NAMING_WORDS])
{
    bool counter = cell->kind == HOLM_COUNTER;
    uint64_t type = counter ? 0 : (uint64_t)cell->value.type;
    uint64_t size = holm_type_has_bytes(cell->value.type) ? cell->value.as.bytes.size : 0;
    words[0] = place->key;
    words[1] = place->path;
    words[2] = place->actor.node.value;
    words[3] = place->actor.epoch.value;
    words[4] = counter ? cell->count.last : cell->seq;
    words[5] = counter ? 0 : cell->hlc;
    words[6] = cell->kind | type << 8 | (uint64_t)cell->sub.size << 16 | size << 40;
}

/* Of a number the text has a size that the compiler knows, which makes its hash a third as long. */
static inline struct holm_digest digest_number(uint64_t words[NAMING_WORDS + 1],
                                               const struct holm_value *value, uint64_t seed)
{
    memcpy(&words[NAMING_WORDS], &value->as, sizeof *words);
    for (size_t i = 0; i < NAMING_WORDS + 1; i++)
        words[i] = holm_little(words[i]);
    XXH128_hash_t hash = XXH3_128bits_withSeed(words, (NAMING_WORDS + 1) * sizeof *words, seed);
    return (struct holm_digest){hash.low64, hash.high64};
}

/* The same of a counter's entry. */
static inline struct holm_digest digest_count(uint64_t words[NAMING_WORDS + COUNT_WORDS],
                                              const struct holm_count *count, uint64_t seed)
{
    words[NAMING_WORDS] = count->start;
    words[NAMING_WORDS + 1] = (uint64_t)count->sum;
    words[NAMING_WORDS + 2] = count->cancelled;
    words[NAMING_WORDS + 3] = (uint64_t)count->cancelled_sum;
    for (size_t i = 0; i < NAMING_WORDS + COUNT_WORDS; i++)
        words[i] = holm_little(words[i]);
    XXH128_hash_t hash = XXH3_128bits_withSeed(words, (NAMING_WORDS + COUNT_WORDS) * sizeof *words,
                                               seed);
    return (struct holm_digest){hash.low64, hash.high64};
}

/* Of all others: what names them, and what else there is of them. */
static struct holm_digest digest_text(const uint64_t words[NAMING_WORDS],
                                      const struct holm_cell *cell, uint64_t seed)
{
    struct text text;
    text.size = 0;
    text.seed = seed;
    for (size_t i = 0; i < NAMING_WORDS; i++)
        add_number(&text, words[i]);
    add_part(&text, cell->sub);
    if (cell->kind != HOLM_KIND_TOMBSTONE)
        add_value(&text, &cell->value);
    XXH128_hash_t hash = XXH3_128bits_withSeed(text.bytes, text.size, text.seed);
    return (struct holm_digest){hash.low64, hash.high64};
}

/* Of a cell whose actor and path are not looked at. */
static inline struct holm_digest digest_at(const struct place *place, const struct holm_cell *cell)
{
    uint64_t words[NAMING_WORDS + COUNT_WORDS];
    put_naming(place, cell, words);
    if (cell->kind == HOLM_COUNTER) {
        HOLM_ASSERT(cell->sub.size == 0);
        return digest_count(words, &cell->count, place->seed);
    }
    if (cell->sub.size == 0 && cell->kind != HOLM_KIND_TOMBSTONE &&
        (cell->value.type == HOLM_I64 || cell->value.type == HOLM_DOUBLE))
        return digest_number(words, &cell->value, place->seed);
    return digest_text(words, cell, place->seed);
}

struct holm_digest holm_cell_digest(const struct holm_state *state, uint64_t key_hash,
                                    const struct holm_cell *cell)
{
    struct place place = {state->seed, key_hash, holm_names_hash(&state->names, cell->path),
                          state->actors->rows[cell->actor].actor};
    return digest_at(&place, cell);
}

struct holm_digest holm_item_digest(const struct holm_state *state, uint64_t key_hash,
                                    struct holm_actor actor, const struct holm_item *item)
{
    HOLM_ASSERT(item->op == HOLM_ITEM_PUT || item->op == HOLM_ITEM_BURY ||
                item->op == HOLM_ITEM_COUNT);
    struct place place = {state->seed, key_hash, holm_names_hash_of(&state->names, item->path),
                          actor};
    struct holm_cell cell = {.kind = item->op == HOLM_ITEM_BURY ? HOLM_KIND_TOMBSTONE : item->kind,
                             .seq = item->seq,
                             .hlc = item->hlc,
                             .sub = item->sub,
                             .value = item->value,
                             .count = item->count};
    return digest_at(&place, &cell);
}

struct sums {
    struct holm_digest live, transfer;
    size_t present, tombstones, cells, records;
};

/* The first of a node's live entries in a slot counts for its presence. */
static void sum_share(const struct holm_state *state, const struct holm_spot *spot,
                      const struct holm_cell *entry, struct sums *sums)
{
    holm_digest_add(&sums->live, holm_share_value(state, spot->hash, entry));
    if (!holm_share_has_other(state, spot, entry, true))
        holm_digest_add(&sums->live, holm_share_presence(state, spot->hash, entry));
}

static void sum_cell(const struct holm_state *state, const struct holm_spot *spot,
                     const struct holm_cell *cell, struct sums *sums)
{
    struct holm_digest digest = holm_cell_digest(state, spot->hash, cell);
    holm_digest_add(&sums->transfer, digest);
    if (holm_cell_live(cell) && cell->kind == HOLM_COUNTER)
        sum_share(state, spot, cell, sums);
    else if (holm_cell_live(cell))
        holm_digest_add(&sums->live, digest);
    if (cell->kind == HOLM_KIND_TOMBSTONE)
        sums->tombstones += 1;
    else
        sums->cells += 1;
}

/* S3 of a cell and the one behind it. */
static void check_order(const struct holm_state *state, const struct holm_cell *before,
                        const struct holm_cell *cell)
{
    int order = holm_names_compare(&state->names, before->path, cell->path);
    if (order == 0)
        order = (int)before->kind - (int)cell->kind;
    if (order == 0)
        order = holm_bytes_compare(before->sub, cell->sub);
    HOLM_ASSERT(order <= 0);
    if (order == 0)
        HOLM_ASSERT(holm_cell_precedes(state, before, cell));
}

static void sum_record(const struct holm_state *state, struct holm_spot *spot, struct sums *sums)
{
    struct holm_cell before;
    struct holm_cell cell;
    uint32_t count = 0;
    uint32_t live = 0;
    bool buried = holm_spot_buried(state, spot);
    for (; holm_spot_cell(state, spot, &cell); holm_spot_next(state, spot)) {
        if (count > 0)
            check_order(state, &before, &cell);
        HOLM_ASSERT((cell.kind == HOLM_KIND_TOMBSTONE) == buried);
        sum_cell(state, spot, &cell, sums);
        live += holm_cell_live(&cell) ? 1 : 0;
        count += 1;
        before = cell;
    }
    HOLM_ASSERT(count > 0);
    HOLM_ASSERT(live == holm_spot_live(state, spot));
    sums->present += live > 0 ? 1 : 0;
    sums->records += 1;
}

static struct sums sum_all(const struct holm_state *state)
{
    struct sums sums = {0};
    struct holm_spot spot;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot))
        sum_record(state, &spot, &sums);
    return sums;
}

/* S4: every block is the record's, its index's or one of its segments'. */
static size_t blocks_used(const struct holm_state *state)
{
    size_t used = 0;
    struct holm_spot spot;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        const struct holm_record *record = holm_record_at(state, spot.record);
        used += holm_heap_room(&state->heap, spot.record);
        HOLM_ASSERT(record->block.used <= holm_heap_room(&state->heap, spot.record));
        HOLM_ASSERT(state->open || record->block.undo == 0);
        if (!(record->flags & RECORD_SEGMENTED))
            continue;
        const struct holm_segment *index = holm_segment_at(state, holm_record_index(record));
        used += holm_heap_room(&state->heap, holm_record_index(record));
        HOLM_ASSERT(state->open || index->block.undo == 0);
        for (uint32_t i = 0; i < holm_index_count(index); i++) {
            uint32_t handle = holm_index_get(index, i);
            const struct holm_segment *segment = holm_segment_at(state, handle);
            used += holm_heap_room(&state->heap, handle);
            HOLM_ASSERT(segment->block.used > sizeof *segment);
            HOLM_ASSERT(state->open || segment->block.undo == 0);
        }
    }
    return used;
}

static void check_paths(const struct holm_state *state)
{
    size_t users = 0;
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot))
            users += cell.path != 0 ? 1 : 0;
    }
    for (size_t i = 1; i < state->names.count; i++)
        users -= state->names.names[i].users;
    HOLM_ASSERT(users == 0);
    holm_names_check(&state->names);
}

static void check_tree(const struct holm_state *state)
{
    struct holm_tree right;
    holm_tree_check(&state->tree);
    if (holm_tree_init(&right, &state->allocator, state->tree.depth) != HOLM_OK)
        return;
    holm_state_fill_tree(state, &right);
    HOLM_ASSERT(holm_tree_equal(&right, &state->tree));
    holm_tree_release(&right);
}

/* Exactly the records of the table are in the order. */
static void check_key_order(const struct holm_state *state)
{
    struct holm_spot spot;
    struct holm_index_cursor cursor = holm_index_seek(&state->order, holm_mem(NULL, 0));
    uint32_t reference;
    holm_index_check(&state->order);
    HOLM_ASSERT(state->order.count == state->record_count);
    while (holm_index_next(&cursor, &reference)) {
        holm_state_ordered(state, reference, &spot);
        struct holm_key key = holm_state_key(state, holm_spot_key(state, &spot));
        bool found = holm_state_find(state, &key, &spot);
        HOLM_ASSERT(found && spot.record == reference);
    }
}

void holm_state_check(const struct holm_state *state)
{
    if (state->ordered)
        check_key_order(state);
    struct sums sums = sum_all(state);
    HOLM_ASSERT(holm_digest_equal(sums.live, state->digest));
    HOLM_ASSERT(holm_digest_equal(sums.transfer, holm_tree_total(&state->tree)));
    check_tree(state);
    HOLM_ASSERT(sums.present == state->present);
    HOLM_ASSERT(sums.tombstones == state->tombstones);
    HOLM_ASSERT(sums.cells == state->cells);
    HOLM_ASSERT(sums.records == state->record_count);
    holm_heap_check(&state->heap);
    HOLM_ASSERT(state->open || blocks_used(state) == state->heap.used);
    check_paths(state);
}

void holm_state_fill_tree(const struct holm_state *state, struct holm_tree *tree)
{
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot))
            holm_tree_add(tree, spot.hash, holm_cell_digest(state, spot.hash, &cell));
    }
}

bool holm_state_rebuild_digests(struct holm_state *state)
{
    struct sums sums = sum_all(state);
    bool right = holm_digest_equal(sums.live, state->digest);
    struct holm_tree before;
    /* Without memory for a copy, only the totals are compared. */
    bool copied = holm_tree_copy(&before, &state->tree) == HOLM_OK;
    right = right && holm_digest_equal(sums.transfer, holm_tree_total(&state->tree));
    state->digest = sums.live;
    holm_tree_clear(&state->tree);
    holm_state_fill_tree(state, &state->tree);
    if (copied) {
        right = right && holm_tree_equal(&before, &state->tree);
        holm_tree_release(&before);
    }
    if (!right)
        holm_frozen_break(state);
    return right;
}
