/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/actors.h"
#include "crdt/vector.h"
#include "proto/wire.h"

static const struct holm_actor *actor_at(const struct holm_actor *actors, size_t actor_bytes,
                                         size_t index)
{
    const void *at = (const unsigned char *)actors + index * actor_bytes;
    return at;
}

enum holm_status holm_wire_write_actors(struct holm_arena *arena, const struct holm_actor *actors,
                                        size_t count, size_t actor_bytes,
                                        struct holm_wire_actors *table)
{
    memset(table, 0, sizeof *table);
    enum holm_status status = holm_wire_array(arena, count, sizeof(uint64_t), &table->nodes);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint32_t), &table->more_epochs);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof(uint64_t), &table->epochs);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        struct holm_actor actor = *actor_at(actors, actor_bytes, i);
        uint64_t base = 0;
        if (i > 0) {
            struct holm_actor previous = *actor_at(actors, actor_bytes, i - 1);
            HOLM_ASSERT(holm_actor_compare(previous, actor) < 0);
            if (previous.node.value == actor.node.value)
                base = previous.epoch.value;
        }
        if (i > 0 && table->nodes[table->n_nodes - 1] == actor.node.value) {
            table->more_epochs[table->n_nodes - 1] += 1;
        } else {
            table->nodes[table->n_nodes] = actor.node.value;
            table->more_epochs[table->n_nodes] = 0;
            table->n_nodes += 1;
        }
        table->epochs[i] = actor.epoch.value - base;
    }
    table->n_epochs = count;
    table->n_more_epochs = holm_column_fold32(table->more_epochs, table->n_nodes);
    return HOLM_OK;
}

enum holm_status holm_wire_write_vector(struct holm_arena *arena, struct holm_vector_view view,
                                        Holm__Wire__Vector **vector)
{
    *vector = NULL;
    if (view.count == 0)
        return HOLM_OK;
    struct holm_wire_actors table;
    enum holm_status status = holm_wire_write_actors(arena, &view.entries[0].actor, view.count,
                                                     sizeof view.entries[0], &table);
    Holm__Wire__Vector *made = NULL;
    uint64_t *seqs = NULL;
    if (status == HOLM_OK)
        status = holm_wire_array(arena, 1, sizeof *made, &made);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, view.count, sizeof *seqs, &seqs);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < view.count; i++) {
        HOLM_ASSERT(view.entries[i].seq > 0);
        seqs[i] = view.entries[i].seq;
    }
    holm__wire__vector__init(made);
    made->n_nodes = table.n_nodes;
    made->nodes = table.nodes;
    made->n_more_epochs = table.n_more_epochs;
    made->more_epochs = table.more_epochs;
    made->n_epochs = table.n_epochs;
    made->epochs = table.epochs;
    made->n_seqs = view.count;
    made->seqs = seqs;
    *vector = made;
    return HOLM_OK;
}

enum holm_status holm_wire_check_actors(const struct holm_wire_actors *table)
{
    if (table->n_nodes > UINT32_MAX || !holm_column_fits(table->n_more_epochs, table->n_nodes))
        return HOLM_EMALFORMED;
    uint64_t more = holm_column_sum(table->more_epochs, table->n_more_epochs, table->n_nodes);
    if (more + table->n_nodes != table->n_epochs)
        return HOLM_EMALFORMED;
    for (size_t i = 1; i < table->n_nodes; i++) {
        if (table->nodes[i - 1] >= table->nodes[i])
            return HOLM_EMALFORMED;
    }
    return HOLM_OK;
}

void holm_wire_read_actors(const struct holm_wire_actors *table, struct holm_actor *actors,
                           size_t actor_bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < table->n_nodes; i++) {
        size_t last = at + holm_column_at32(table->more_epochs, table->n_more_epochs, i);
        for (uint64_t epoch = 0; at <= last; at++) {
            void *place = (unsigned char *)actors + at * actor_bytes;
            struct holm_actor *actor = place;
            epoch += table->epochs[at];
            actor->node.value = table->nodes[i];
            actor->epoch.value = epoch;
        }
    }
}

static struct holm_wire_actors actors_of(const Holm__Wire__Vector *vector)
{
    return (struct holm_wire_actors){.n_nodes = vector->n_nodes,
                                     .nodes = vector->nodes,
                                     .n_more_epochs = vector->n_more_epochs,
                                     .more_epochs = vector->more_epochs,
                                     .n_epochs = vector->n_epochs,
                                     .epochs = vector->epochs};
}

enum holm_status holm_wire_check_vector(struct holm_wire_reading *reading,
                                        const Holm__Wire__Vector *vector, size_t *count)
{
    *count = 0;
    if (vector == NULL)
        return HOLM_OK;
    if (vector->base.n_unknown_fields > 0)
        return HOLM_EVERSION;
    enum holm_status status = holm_wire_spend(&reading->left.vector_entries_max, vector->n_epochs);
    if (status != HOLM_OK)
        return status;
    struct holm_wire_actors table = actors_of(vector);
    if (vector->n_seqs != vector->n_epochs)
        return HOLM_EMALFORMED;
    *count = vector->n_epochs;
    return holm_wire_check_actors(&table);
}

void holm_wire_read_vector(const Holm__Wire__Vector *vector, struct holm_dot *entries)
{
    if (vector == NULL || vector->n_epochs == 0)
        return;
    struct holm_wire_actors table = actors_of(vector);
    holm_wire_read_actors(&table, &entries[0].actor, sizeof entries[0]);
    for (size_t i = 0; i < vector->n_seqs; i++)
        entries[i].seq = vector->seqs[i];
}

static enum holm_status take_entries(struct holm_wire_reading *reading,
                                     const Holm__Wire__Vector *vector,
                                     struct holm_vector_view *view)
{
    struct holm_dot *entries = NULL;
    size_t count = 0;
    enum holm_status status = holm_wire_check_vector(reading, vector, &count);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, count, sizeof *entries, &entries);
    if (status != HOLM_OK)
        return status;
    holm_wire_read_vector(vector, entries);
    *view = (struct holm_vector_view){entries, count};
    return HOLM_OK;
}

enum holm_status holm_wire_take_vector(struct holm_wire_reading *reading,
                                       const Holm__Wire__Vector *vector,
                                       struct holm_vector_view *view)
{
    enum holm_status status = take_entries(reading, vector, view);
    if (status != HOLM_OK)
        return status;
    return holm_vector_view_valid(*view) ? HOLM_OK : HOLM_EMALFORMED;
}

enum holm_status holm_wire_take_collected(struct holm_wire_reading *reading,
                                          const Holm__Wire__Vector *vector,
                                          struct holm_vector_view *view)
{
    enum holm_status status = take_entries(reading, vector, view);
    if (status != HOLM_OK)
        return status;
    return holm_vector_valid(*view) ? HOLM_OK : HOLM_EMALFORMED;
}

struct holm_wire_actors holm_wire_table(const Holm__Wire__Cells *cells)
{
    return (struct holm_wire_actors){.n_nodes = cells->n_nodes,
                                     .nodes = cells->nodes,
                                     .n_more_epochs = cells->n_more_epochs,
                                     .more_epochs = cells->more_epochs,
                                     .n_epochs = cells->n_epochs,
                                     .epochs = cells->epochs};
}
