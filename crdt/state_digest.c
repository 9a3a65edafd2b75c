/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fingerprints: one keyed XXH3 of everything that names and makes up a cell. Actors stand in full,
 * since their indices are this replica's own.
 */
#include "crdt/state.h"

#include <xxhash.h>

#include "crdt/order.h"

/* Longer parts enter by their own 128-bit hash, so that one buffer is always enough. */
#define PART_BYTES_MAX 64

struct text {
    unsigned char bytes[4 * (PART_BYTES_MAX + 4) + 12 * 8];
    size_t size;
    uint64_t seed;
};

static void add_number(struct text *text, uint64_t number)
{
    HOLM_ASSERT(sizeof text->bytes - text->size >= 8);
    for (int i = 0; i < 8; i++)
        text->bytes[text->size++] = (unsigned char)(number >> (8 * i));
}

static void add_part(struct text *text, struct holm_bytes part)
{
    HOLM_ASSERT(sizeof text->bytes - text->size >= PART_BYTES_MAX + 4);
    for (int i = 0; i < 4; i++)
        text->bytes[text->size++] = (unsigned char)((uint64_t)part.size >> (8 * i));
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

static void begin(struct text *text, const struct holm_state *state, uint64_t tag,
                  const struct holm_record *record)
{
    text->size = 0;
    text->seed = state->seed;
    add_number(text, tag);
    add_part(text, holm_record_key(record));
}

static void add_actor(struct text *text, const struct holm_state *state, uint32_t actor)
{
    struct holm_actor full = state->actors->rows[actor].actor;
    add_number(text, full.node.value);
    add_number(text, full.epoch.value);
}

static struct holm_digest end(const struct text *text)
{
    XXH128_hash_t hash = XXH3_128bits_withSeed(text->bytes, text->size, text->seed);
    return (struct holm_digest){hash.low64, hash.high64};
}

struct holm_digest holm_cell_digest(const struct holm_state *state, const struct holm_slot *slot,
                                    const struct holm_cell *cell)
{
    struct text text;
    begin(&text, state, slot->field->kind, slot->field->record);
    add_part(&text, holm_field_path(slot->field));
    add_part(&text, holm_slot_sub(slot));
    add_actor(&text, state, cell->actor);
    add_number(&text, cell->seq);
    add_number(&text, cell->hlc);
    add_number(&text, cell->type);
    uint64_t number = 0;
    if (cell->type == HOLM_I64 || cell->type == HOLM_DOUBLE)
        memcpy(&number, &cell->number, sizeof number);
    else if (cell->type == HOLM_BOOL)
        number = cell->number.boolean ? 1 : 0;
    add_number(&text, number);
    add_part(&text, holm_mem(cell->bytes, cell->value_bytes));
    return end(&text);
}

struct holm_digest holm_entry_digest(const struct holm_state *state, const struct holm_slot *slot,
                                     const struct holm_count_entry *entry)
{
    struct text text;
    begin(&text, state, slot->field->kind, slot->field->record);
    add_part(&text, holm_field_path(slot->field));
    add_part(&text, holm_slot_sub(slot));
    add_actor(&text, state, entry->actor);
    add_number(&text, entry->count.start);
    add_number(&text, entry->count.last);
    add_number(&text, (uint64_t)entry->count.sum);
    add_number(&text, entry->count.cancelled);
    add_number(&text, (uint64_t)entry->count.cancelled_sum);
    return end(&text);
}

struct holm_digest holm_tombstone_digest(const struct holm_state *state,
                                         const struct holm_record *record,
                                         const struct holm_tombstone *tombstone)
{
    struct text text;
    begin(&text, state, UINT64_MAX, record);
    add_actor(&text, state, tombstone->actor);
    add_number(&text, tombstone->seq);
    return end(&text);
}

struct sums {
    struct holm_digest live, transfer;
    size_t present, tombstones, cells, records;
};

static void sum_slot(const struct holm_state *state, const struct holm_slot *slot,
                     struct sums *sums, uint32_t *live)
{
    HOLM_ASSERT(slot->cells != NULL || slot->entries != NULL);
    HOLM_ASSERT(!slot->queued);
    for (const struct holm_cell *cell = slot->cells; cell != NULL; cell = cell->next) {
        struct holm_digest digest = holm_cell_digest(state, slot, cell);
        holm_digest_add(&sums->live, digest);
        holm_digest_add(&sums->transfer, digest);
        sums->cells += 1;
        *live += 1;
    }
    const struct holm_count_entry *entry = slot->entries;
    for (; entry != NULL; entry = entry->next) {
        struct holm_digest digest = holm_entry_digest(state, slot, entry);
        HOLM_ASSERT(entry->next == NULL || entry->actor < entry->next->actor);
        if (holm_count_live(&entry->count)) {
            holm_digest_add(&sums->live, digest);
            *live += 1;
        }
        holm_digest_add(&sums->transfer, digest);
        sums->cells += 1;
    }
}

static void sum_field(const struct holm_state *state, const struct holm_field *field,
                      struct sums *sums, uint32_t *live)
{
    const struct holm_slot *previous = NULL;
    const struct holm_slot *slot = holm_field_first(field);
    HOLM_ASSERT(slot != NULL);
    for (; slot != NULL; slot = holm_slot_next(slot)) {
        HOLM_ASSERT(previous == NULL ||
                    holm_bytes_compare(holm_slot_sub(previous), holm_slot_sub(slot)) < 0);
        HOLM_ASSERT(slot->parent == NULL || slot->parent->priority >= slot->priority);
        sum_slot(state, slot, sums, live);
        previous = slot;
    }
}

static void sum_record(const struct holm_state *state, const struct holm_record *record,
                       struct sums *sums)
{
    uint32_t live = 0;
    HOLM_ASSERT(record->fields != NULL || record->tombstones != NULL);
    HOLM_ASSERT(record->fields == NULL || record->tombstones == NULL);
    const struct holm_field *field = record->fields;
    for (; field != NULL; field = field->next)
        sum_field(state, field, sums, &live);
    const struct holm_tombstone *tombstone = record->tombstones;
    for (; tombstone != NULL; tombstone = tombstone->next) {
        holm_digest_add(&sums->transfer, holm_tombstone_digest(state, record, tombstone));
        sums->tombstones += 1;
    }
    HOLM_ASSERT(live == record->live);
    sums->present += live > 0 ? 1 : 0;
    sums->records += 1;
}

static struct sums sum_all(const struct holm_state *state)
{
    struct sums sums = {0};
    const struct holm_record *record = holm_state_next(state, NULL);
    for (; record != NULL; record = holm_state_next(state, record))
        sum_record(state, record, &sums);
    return sums;
}

void holm_state_check(const struct holm_state *state)
{
    struct sums sums = sum_all(state);
    HOLM_ASSERT(holm_digest_equal(sums.live, state->digest));
    HOLM_ASSERT(holm_digest_equal(sums.transfer, state->transfer));
    HOLM_ASSERT(sums.present == state->present);
    HOLM_ASSERT(sums.tombstones == state->tombstones);
    HOLM_ASSERT(sums.cells == state->cells);
    HOLM_ASSERT(sums.records == state->record_count);
}

bool holm_state_rebuild_digests(struct holm_state *state)
{
    struct sums sums = sum_all(state);
    bool right = holm_digest_equal(sums.live, state->digest) &&
                 holm_digest_equal(sums.transfer, state->transfer);
    state->digest = sums.live;
    state->transfer = sums.transfer;
    return right;
}
