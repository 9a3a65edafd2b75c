/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing what is not over items: tables of actors, vectors, and the fields themselves.
 */
#include "proto/cells.h"
#include "proto/field.h"

static const struct holm_actor *actor_at(const struct holm_actor *actors, size_t actor_bytes,
                                         size_t index)
{
    const void *at = (const unsigned char *)actors + index * actor_bytes;
    return at;
}

/* A table in its columns: nodes, how many more epochs of each, epochs. */
struct table {
    struct holm_bytes nodes, more_epochs, epochs;
};

/* How many actors from `index` on have the same node. */
static size_t epochs_of(const struct holm_actor *actors, size_t count, size_t actor_bytes,
                        size_t index)
{
    uint64_t node = actor_at(actors, actor_bytes, index)->node.value;
    size_t end = index + 1;
    while (end < count && actor_at(actors, actor_bytes, end)->node.value == node)
        end++;
    return end - index;
}

static struct holm_bytes write_nodes(const struct holm_actor *actors, size_t count,
                                     size_t actor_bytes, struct holm_cells_room *room)
{
    unsigned char *begin = room->at;
    for (size_t i = 0; i < count; i += epochs_of(actors, count, actor_bytes, i)) {
        uint64_t node = actor_at(actors, actor_bytes, i)->node.value;
        holm_fixed64_write(holm_cells_take(room, sizeof node), node);
    }
    return holm_mem(begin, (size_t)(room->at - begin));
}

/* A column: none, one or all. */
static struct holm_bytes write_more(const struct holm_actor *actors, size_t count,
                                    size_t actor_bytes, struct holm_cells_room *room)
{
    unsigned char *begin = room->at;
    size_t first = 0;
    bool varied = false;
    for (size_t i = 0; i < count;) {
        size_t epochs = epochs_of(actors, count, actor_bytes, i);
        if (i == 0)
            first = epochs;
        varied |= epochs != first;
        room->at = holm_varint_write(room->at, epochs - 1);
        i += epochs;
    }
    if (!varied)
        room->at = begin;
    if (!varied && first > 1)
        room->at = holm_varint_write(begin, first - 1);
    HOLM_ASSERT(room->at <= room->end);
    return holm_mem(begin, (size_t)(room->at - begin));
}

/* The first of a node as it is, or less the base, which is none when it is 0. */
static uint64_t first_epoch(uint64_t epoch, uint64_t base)
{
    return base == 0 ? epoch : holm_zigzag(holm_step(base, epoch));
}

static struct holm_bytes write_epochs(const struct holm_actor *actors, size_t count,
                                      size_t actor_bytes, uint64_t base,
                                      struct holm_cells_room *room)
{
    unsigned char *begin = room->at;
    for (size_t i = 0; i < count; i++) {
        const struct holm_actor *actor = actor_at(actors, actor_bytes, i);
        uint64_t epoch = first_epoch(actor->epoch.value, base);
        if (i > 0) {
            const struct holm_actor *previous = actor_at(actors, actor_bytes, i - 1);
            HOLM_ASSERT(holm_actor_compare(*previous, *actor) < 0);
            if (previous->node.value == actor->node.value)
                epoch = actor->epoch.value - previous->epoch.value;
        }
        room->at = holm_varint_write(room->at, epoch);
    }
    HOLM_ASSERT(room->at <= room->end);
    return holm_mem(begin, (size_t)(room->at - begin));
}

static struct table write_table(const struct holm_actor *actors, size_t count, size_t actor_bytes,
                                uint64_t base, struct holm_cells_room *room)
{
    struct table table;
    table.nodes = write_nodes(actors, count, actor_bytes, room);
    table.more_epochs = write_more(actors, count, actor_bytes, room);
    table.epochs = write_epochs(actors, count, actor_bytes, base, room);
    return table;
}

void holm_cells_set_table(struct holm_cells *cells, const struct holm_items *items,
                          uint32_t implied, struct holm_cells_room *room)
{
    if (items->actor_count > implied)
        holm_cells_set_actors(cells, items->actors + implied, items->actor_count - implied,
                              sizeof items->actors[0], 0, room);
}

void holm_cells_set_actors(struct holm_cells *cells, const struct holm_actor *actors, size_t count,
                           size_t actor_bytes, uint64_t base, struct holm_cells_room *room)
{
    struct table table = write_table(actors, count, actor_bytes, base, room);
    holm_cells_set_bytes(cells, HOLM_CELLS_NODES, table.nodes.data, table.nodes.size);
    holm_cells_set_bytes(cells, HOLM_CELLS_MORE_EPOCHS, table.more_epochs.data,
                         table.more_epochs.size);
    holm_cells_set_bytes(cells, HOLM_CELLS_EPOCHS, table.epochs.data, table.epochs.size);
}

static void write_column(unsigned number, struct holm_bytes column, struct holm_cells_room *room)
{
    if (column.size == 0)
        return;
    unsigned char *at = holm_cells_take(room, 1 + holm_varint_size(column.size) + column.size);
    *at++ = (unsigned char)(number << 3 | HOLM_FIELD_SIZED);
    at = holm_varint_write(at, column.size);
    memcpy(at, column.data, column.size);
}

void holm_cells_set_vector(struct holm_cells *cells, unsigned field, struct holm_vector_view view,
                           struct holm_cells_room *room)
{
    if (view.count == 0)
        return;
    struct table table = write_table(&view.entries[0].actor, view.count, sizeof view.entries[0], 0,
                                     room);
    unsigned char *seqs = room->at;
    for (size_t i = 0; i < view.count; i++) {
        HOLM_ASSERT(view.entries[i].seq > 0);
        room->at = holm_varint_write(room->at, view.entries[i].seq);
    }
    unsigned char *begin = room->at;
    write_column(1, table.nodes, room);
    write_column(2, table.more_epochs, room);
    write_column(3, table.epochs, room);
    write_column(4, holm_mem(seqs, (size_t)(begin - seqs)), room);
    holm_cells_set_bytes(cells, field, begin, (size_t)(room->at - begin));
}

/* ---- fields -------------------------------------------------------------------------------- */

size_t holm_cells_size(const struct holm_cells *cells)
{
    size_t size = cells->unknown.size;
    for (uint64_t left = cells->present; left != 0; left &= left - 1) {
        unsigned field = (unsigned)__builtin_ctzll(left);
        uint64_t number = cells->fields[field].number;
        size += field < 16 ? 1 : 2;
        if (holm_cells_forms[field] == HOLM_FIELD_FIXED64)
            size += 8;
        else
            size += holm_varint_size(number);
        if (holm_cells_forms[field] == HOLM_FIELD_SIZED)
            size += (size_t)number;
    }
    return size;
}

unsigned char *holm_cells_write(const struct holm_cells *cells, unsigned char *at)
{
    for (uint64_t left = cells->present; left != 0; left &= left - 1) {
        unsigned field = (unsigned)__builtin_ctzll(left);
        uint64_t number = cells->fields[field].number;
        at = holm_varint_write(at, (uint64_t)field << 3 | holm_cells_forms[field]);
        if (holm_cells_forms[field] == HOLM_FIELD_FIXED64)
            at = holm_fixed64_write(at, number);
        else
            at = holm_varint_write(at, number);
        if (holm_cells_forms[field] != HOLM_FIELD_SIZED)
            continue;
        memcpy(at, cells->fields[field].at, (size_t)number);
        at += number;
    }
    if (cells->unknown.size > 0)
        memcpy(at, cells->unknown.data, cells->unknown.size);
    return at + cells->unknown.size;
}
