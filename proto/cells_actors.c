/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/vector_view.h"
#include "proto/cells.h"
#include "proto/field.h"

void holm_cells_actors_init(struct holm_cells_actors *table, struct holm_bytes nodes,
                            struct holm_bytes more_epochs, struct holm_bytes epochs)
{
    table->nodes = nodes;
    table->more_epochs = more_epochs;
    table->epochs = epochs;
    table->count = holm_varint_count(epochs.data, epochs.size);
    table->base = 0;
}

/* The epochs of one node: the first as it is, later ones as differences. NULL: they do not ascend,
 * or are too few. */
static struct holm_actor *read_epochs(struct holm_cursor *epochs, uint64_t base, uint64_t node,
                                      uint64_t more, struct holm_actor *actor, size_t actor_bytes)
{
    bool broken = false;
    uint64_t epoch = 0;
    for (uint64_t i = 0; i <= more; i++) {
        uint64_t step = holm_cursor_next(epochs, &broken);
        if (broken || (i > 0 && (step == 0 || step > UINT64_MAX - epoch)))
            return NULL;
        epoch = i == 0 && base != 0 ? base + (uint64_t)holm_zigzag_signed(step) : epoch + step;
        actor->node.value = node;
        actor->epoch.value = epoch;
        void *next = (unsigned char *)actor + actor_bytes;
        actor = next;
    }
    return actor;
}

bool holm_cells_read_actors(const struct holm_cells_actors *table, struct holm_actor *actors,
                            size_t actor_bytes)
{
    const unsigned char *nodes_at = table->nodes.data;
    size_t nodes = table->nodes.size / 8;
    struct holm_cursor more;
    if (nodes == 0)
        return table->nodes.size + table->more_epochs.size + table->epochs.size == 0;
    if (table->nodes.size % 8 != 0 || table->count == 0 ||
        !holm_cursor_open(&more, table->more_epochs))
        return false;
    const unsigned char *epochs_at = table->epochs.data;
    struct holm_cursor epochs = {epochs_at, epochs_at + table->epochs.size, 0};
    if (epochs.end[-1] >= 0x80)
        return false;
    bool broken = false;
    uint64_t previous = 0;
    for (size_t i = 0; i < nodes; i++) {
        uint64_t node = holm_fixed64_read(nodes_at + 8 * i);
        if (i > 0 && node <= previous)
            return false;
        previous = node;
        uint64_t further = holm_cursor_next(&more, &broken);
        actors = read_epochs(&epochs, table->base, node, further, actors, actor_bytes);
        if (actors == NULL)
            return false;
    }
    return !broken && epochs.at == epochs.end && more.at == more.end;
}

/* The fields of a Vector, which are numbered as its columns. */
enum {
    VECTOR_NODES = 1,
    VECTOR_MORE_EPOCHS,
    VECTOR_EPOCHS,
    VECTOR_SEQS,
    VECTOR_FIELDS
};

bool holm_cells_scan_vector(struct holm_bytes bytes, struct holm_cells_vector *vector)
{
    struct holm_bytes columns[VECTOR_FIELDS] = {{"", 0}, {"", 0}, {"", 0}, {"", 0}, {"", 0}};
    unsigned present = 0;
    const unsigned char *at = bytes.data;
    const unsigned char *end = at + bytes.size;
    while (at < end) {
        struct holm_field field;
        at = holm_field_read(at, end, &field);
        if (at == NULL || field.form != HOLM_FIELD_SIZED || field.number >= VECTOR_FIELDS ||
            (present >> field.number & 1) != 0)
            return false;
        present |= 1u << field.number;
        columns[field.number] = holm_mem(field.at, (size_t)field.value);
    }
    holm_cells_actors_init(&vector->actors, columns[VECTOR_NODES], columns[VECTOR_MORE_EPOCHS],
                           columns[VECTOR_EPOCHS]);
    vector->seqs = columns[VECTOR_SEQS];
    return true;
}

bool holm_cells_read_vector(const struct holm_cells_vector *vector, bool collected,
                            struct holm_dot *entries)
{
    size_t count = vector->actors.count;
    if (!holm_cells_read_actors(&vector->actors, &entries[0].actor, sizeof entries[0]))
        return false;
    const unsigned char *at = vector->seqs.data;
    const unsigned char *end = at + vector->seqs.size;
    for (size_t i = 0; i < count; i++) {
        at = at == end ? NULL : holm_varint_read(at, end, &entries[i].seq);
        if (at == NULL || entries[i].seq == 0)
            return false;
    }
    struct holm_vector_view view = {entries, count};
    return at == end && (collected ? holm_vector_valid(view) : holm_vector_view_valid(view));
}
