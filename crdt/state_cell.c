/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cells as bytes.
 *
 *     0   seq        8
 *     8   hlc        8    of a counter: the chain's start
 *     16  actor      4    the top bit is the mark
 *     20  path       4
 *     24  kind       1
 *     25  type       1    of a counter: 1 when something of it is cancelled
 *     26  sub_bytes  1    255: four bytes behind the head say it
 *     27  value_bytes 1   255: likewise
 *     28  [sub_bytes] [value_bytes] sub value
 *
 * An integer or a double has 8 bytes of value, a bool one. A counter has its sum, and when something
 * is cancelled, up to which seq and how much. Nothing is aligned.
 */
#include "crdt/order.h"
#include "crdt/state_parts.h"

static uint64_t load_u64(const unsigned char *bytes)
{
    uint64_t number;
    memcpy(&number, bytes, sizeof number);
    return number;
}

struct holm_packed_parts holm_packed_wide_parts(const unsigned char *packed)
{
    struct holm_packed_parts parts = {CELL_HEAD_BYTES, packed[HOLM_PACKED_SUB_BYTES], 0,
                                      packed[HOLM_PACKED_VALUE_BYTES]};
    if (parts.sub_bytes == HOLM_PACKED_WIDE) {
        parts.sub_bytes = holm_load_u32(packed + parts.sub_at);
        parts.sub_at += 4;
    }
    if (parts.value_bytes == HOLM_PACKED_WIDE) {
        parts.value_bytes = holm_load_u32(packed + parts.sub_at);
        parts.sub_at += 4;
    }
    parts.value_at = parts.sub_at + parts.sub_bytes;
    return parts;
}

static size_t value_bytes_of(const struct holm_cell *cell)
{
    if (cell->kind == HOLM_KIND_TOMBSTONE)
        return 0;
    if (cell->kind == HOLM_COUNTER)
        return cell->count.cancelled == 0 && cell->count.cancelled_sum == 0 ? 8 : 24;
    switch (cell->value.type) {
    case HOLM_NONE:
        return 0;
    case HOLM_I64:
    case HOLM_DOUBLE:
        return 8;
    case HOLM_BOOL:
        return 1;
    case HOLM_BYTES:
    case HOLM_TEXT:
        break;
    }
    return cell->value.as.bytes.size;
}

size_t holm_cell_bytes(const struct holm_cell *cell)
{
    size_t value = value_bytes_of(cell);
    size_t wide = (cell->sub.size >= HOLM_PACKED_WIDE ? 4U : 0U) +
                  (value >= HOLM_PACKED_WIDE ? 4U : 0U);
    return CELL_HEAD_BYTES + wide + cell->sub.size + value;
}

static unsigned char *pack_size(unsigned char *head, unsigned char *at, size_t size)
{
    *head = (unsigned char)(size < HOLM_PACKED_WIDE ? size : HOLM_PACKED_WIDE);
    if (size < HOLM_PACKED_WIDE)
        return at;
    uint32_t wide = (uint32_t)size;
    memcpy(at, &wide, sizeof wide);
    return at + sizeof wide;
}

static void pack_value(const struct holm_cell *cell, size_t bytes, unsigned char *at)
{
    if (bytes == 0)
        return;
    if (cell->kind == HOLM_COUNTER) {
        memcpy(at, &cell->count.sum, 8);
        if (bytes == 24) {
            memcpy(at + 8, &cell->count.cancelled, 8);
            memcpy(at + 16, &cell->count.cancelled_sum, 8);
        }
    } else if (cell->value.type == HOLM_BOOL) {
        *at = cell->value.as.boolean ? 1 : 0;
    } else if (holm_type_has_bytes(cell->value.type)) {
        memcpy(at, cell->value.as.bytes.data, bytes);
    } else {
        memcpy(at, &cell->value.as.i64, 8);
    }
}

void holm_cell_pack(const struct holm_cell *cell, unsigned char *packed)
{
    bool counter = cell->kind == HOLM_COUNTER;
    uint64_t seq = counter ? cell->count.last : cell->seq;
    uint64_t hlc = counter ? cell->count.start : cell->hlc;
    uint32_t actor = cell->actor | (cell->marked ? HOLM_PACKED_MARK : 0);
    size_t value_bytes = value_bytes_of(cell);
    HOLM_ASSERT(cell->actor < HOLM_PACKED_MARK && seq > 0);
    memcpy(packed + HOLM_PACKED_SEQ, &seq, sizeof seq);
    memcpy(packed + HOLM_PACKED_HLC, &hlc, sizeof hlc);
    memcpy(packed + HOLM_PACKED_ACTOR, &actor, sizeof actor);
    memcpy(packed + HOLM_PACKED_PATH, &cell->path, sizeof cell->path);
    packed[HOLM_PACKED_KIND] = cell->kind;
    packed[HOLM_PACKED_TYPE] = (unsigned char)(counter ? 0 : cell->value.type);
    unsigned char *at = packed + CELL_HEAD_BYTES;
    at = pack_size(packed + HOLM_PACKED_SUB_BYTES, at, cell->sub.size);
    at = pack_size(packed + HOLM_PACKED_VALUE_BYTES, at, value_bytes);
    if (cell->sub.size > 0)
        memcpy(at, cell->sub.data, cell->sub.size);
    pack_value(cell, value_bytes, at + cell->sub.size);
}

/* Of what names the slot nothing changes, nor does a size. */
void holm_cell_repack(const struct holm_cell *cell, unsigned char *packed)
{
    bool counter = cell->kind == HOLM_COUNTER;
    uint64_t seq = counter ? cell->count.last : cell->seq;
    uint64_t hlc = counter ? cell->count.start : cell->hlc;
    uint32_t actor = cell->actor | (cell->marked ? HOLM_PACKED_MARK : 0);
    struct holm_packed_parts parts = holm_packed_parts(packed);
    HOLM_ASSERT(cell->actor < HOLM_PACKED_MARK && seq > 0);
    memcpy(packed + HOLM_PACKED_SEQ, &seq, sizeof seq);
    memcpy(packed + HOLM_PACKED_HLC, &hlc, sizeof hlc);
    memcpy(packed + HOLM_PACKED_ACTOR, &actor, sizeof actor);
    packed[HOLM_PACKED_TYPE] = (unsigned char)(counter ? 0 : cell->value.type);
    pack_value(cell, parts.value_bytes, packed + parts.value_at);
}

static void unpack_count(const unsigned char *at, uint32_t bytes, struct holm_cell *cell)
{
    cell->count = (struct holm_count){.start = cell->hlc, .last = cell->seq};
    cell->hlc = 0;
    memcpy(&cell->count.sum, at, 8);
    if (bytes == 24) {
        memcpy(&cell->count.cancelled, at + 8, 8);
        memcpy(&cell->count.cancelled_sum, at + 16, 8);
    }
}

void holm_cell_unpack(const unsigned char *packed, struct holm_cell *cell)
{
    struct holm_packed_parts parts = holm_packed_parts(packed);
    uint32_t actor = holm_load_u32(packed + HOLM_PACKED_ACTOR);
    cell->kind = packed[HOLM_PACKED_KIND];
    cell->marked = (actor & HOLM_PACKED_MARK) != 0;
    cell->path = holm_load_u32(packed + HOLM_PACKED_PATH);
    cell->actor = actor & ~HOLM_PACKED_MARK;
    cell->seq = load_u64(packed + HOLM_PACKED_SEQ);
    cell->hlc = load_u64(packed + HOLM_PACKED_HLC);
    cell->sub = holm_mem(packed + parts.sub_at, parts.sub_bytes);
    cell->value.type = (enum holm_type)packed[HOLM_PACKED_TYPE];
    cell->value.as.bytes = holm_mem(NULL, 0);
    const unsigned char *value = packed + parts.value_at;
    if (cell->kind == HOLM_COUNTER)
        unpack_count(value, parts.value_bytes, cell);
    else if (holm_type_has_bytes(cell->value.type))
        cell->value.as.bytes = holm_mem(value, parts.value_bytes);
    else if (cell->value.type == HOLM_BOOL)
        cell->value.as.boolean = *value != 0;
    else if (cell->value.type != HOLM_NONE)
        memcpy(&cell->value.as.i64, value, 8);
}

void holm_packed_rename(unsigned char *packed, uint32_t index)
{
    uint32_t actor = (holm_load_u32(packed + HOLM_PACKED_ACTOR) & HOLM_PACKED_MARK) | index;
    memcpy(packed + HOLM_PACKED_ACTOR, &actor, sizeof actor);
}

void holm_packed_mark(unsigned char *packed, bool marked)
{
    uint32_t actor = holm_load_u32(packed + HOLM_PACKED_ACTOR);
    actor = marked ? actor | HOLM_PACKED_MARK : actor & ~HOLM_PACKED_MARK;
    memcpy(packed + HOLM_PACKED_ACTOR, &actor, sizeof actor);
}

int holm_packed_compare(const struct holm_state *state, const unsigned char *packed,
                        const struct holm_slot *slot)
{
    int order = holm_names_compare(&state->names, holm_packed_path(packed), slot->path);
    if (order != 0)
        return order;
    if (packed[HOLM_PACKED_KIND] != slot->kind)
        return packed[HOLM_PACKED_KIND] < slot->kind ? -1 : 1;
    order = holm_bytes_compare(holm_packed_sub(packed), slot->sub);
    if (order != 0)
        return order;
    if (slot->actor == HOLM_ACTOR_NONE)
        return 1;
    uint32_t actor = holm_packed_actor(packed);
    return (actor > slot->actor) - (actor < slot->actor);
}

bool holm_cell_precedes(const struct holm_state *state, const struct holm_cell *a,
                        const struct holm_cell *b)
{
    if (a->kind == HOLM_COUNTER || a->kind == HOLM_KIND_TOMBSTONE)
        return a->actor != b->actor ? a->actor < b->actor : a->seq < b->seq;
    if (a->kind == HOLM_MAX || a->kind == HOLM_MIN) {
        int order = holm_value_compare(&a->value, &b->value);
        if (order != 0)
            return a->kind == HOLM_MAX ? order > 0 : order < 0;
    }
    if (a->hlc != b->hlc)
        return a->hlc > b->hlc;
    int order = holm_actor_compare(state->actors->rows[a->actor].actor,
                                   state->actors->rows[b->actor].actor);
    return order != 0 ? order > 0 : a->seq > b->seq;
}
