/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

/* Whether it has columns over runs, though it is one. */
static bool has_runs(const Holm__Wire__Cells *cells)
{
    return cells->n_run_firsts > 0 || cells->n_run_spans > 0 || cells->n_run_actors > 0 ||
           cells->n_run_items > 0 || cells->n_run_others > 0 || cells->n_others > 0;
}

static enum holm_status check_run(struct holm_wire_reading *reading, const Holm__Wire__Cells *cells,
                                  struct holm_fill_sizes *sizes)
{
    if (has_runs(cells))
        return HOLM_EMALFORMED;
    enum holm_status status = holm_wire_check_unknown(&cells->base, reading->left.unknown_bytes_max,
                                                      &sizes->bytes);
    if (status != HOLM_OK)
        return status;
    struct holm_wire_actors table = holm_wire_table(cells);
    sizes->actors = 1 + table.n_epochs;
    status = holm_wire_spend(&reading->left.actors_max, sizes->actors);
    if (status == HOLM_OK)
        status = holm_wire_check_actors(&table);
    if (status == HOLM_OK)
        status = holm_wire_check_vector(reading, cells->deps, &sizes->deps);
    if (status == HOLM_OK)
        status = holm_wire_check_vector(reading, cells->collected, &sizes->collected);
    if (status == HOLM_OK)
        status = holm_wire_check_items(reading, cells, sizes);
    return status;
}

enum holm_status holm_wire_read_run(struct holm_wire_reading *reading,
                                    const Holm__Wire__Cells *cells,
                                    const struct holm_message *message, struct holm_actor writer,
                                    struct holm_delta **delta)
{
    *delta = NULL;
    struct holm_fill_sizes sizes = {0};
    enum holm_status status = check_run(reading, cells, &sizes);
    if (status != HOLM_OK)
        return status;
    struct holm_delta *made = NULL;
    struct holm_fill fill;
    status = holm_delta_new(reading->allocator, &sizes, &made, &fill);
    if (status != HOLM_OK)
        return status;
    made->partition = message->partition;
    made->actor.node.value = cells->node;
    made->actor.epoch.value = cells->epoch;
    if (cells->node == 0 && cells->epoch == 0)
        made->actor = writer;
    made->first = cells->first;
    made->last = cells->first + cells->span;
    struct holm_wire_actors table = holm_wire_table(cells);
    fill.actors[0] = made->actor;
    holm_wire_read_actors(&table, fill.actors + 1, sizeof fill.actors[0]);
    holm_wire_read_vector(cells->deps, fill.deps);
    holm_wire_read_vector(cells->collected, fill.collected);
    made->unknown = holm_wire_read_unknown(&cells->base, &fill);
    status = holm_wire_read_items(reading, cells, made->first, made->actor.epoch.value, &fill);
    if (status == HOLM_OK)
        status = holm_delta_check(made);
    if (status != HOLM_OK) {
        holm_delta_release(made);
        return status;
    }
    HOLM_ASSERT(fill.bytes == fill.bytes_end);
    *delta = made;
    return HOLM_OK;
}

enum holm_status holm_wire_read_delta(struct holm_wire_reading *reading,
                                      const Holm__Wire__Envelope *envelope,
                                      struct holm_message *message)
{
    return holm_wire_read_run(reading, envelope->delta, message, message->sender,
                              &message->as.delta);
}

/* Runs that came over a link. */
struct packed {
    const ProtobufCBinaryData *fields;
    size_t count;
    struct holm_delta **made;
};

/* The columns are done with once the delta is made, or the runs are counted, and give their memory to the
 * next: the caller rewinds the arena. */
static enum holm_status unpack(struct holm_wire_reading *reading, ProtobufCBinaryData packed,
                               Holm__Wire__Cells **cells)
{
    *cells = holm__wire__cells__unpack(reading->unpacking, packed.len, packed.data);
    if (*cells != NULL)
        return HOLM_OK;
    return reading->budget->refusal == HOLM_OK ? HOLM_EMALFORMED : reading->budget->refusal;
}

static enum holm_status count_runs(struct holm_wire_reading *reading, const struct packed *packed,
                                   size_t *count)
{
    enum holm_status status = HOLM_OK;
    *count = 0;
    for (size_t i = 0; i < packed->count && status == HOLM_OK; i++) {
        struct holm_arena_mark mark = holm_arena_mark(reading->arena);
        Holm__Wire__Cells *cells = NULL;
        status = unpack(reading, packed->fields[i], &cells);
        if (status == HOLM_OK)
            *count += cells->n_run_firsts == 0 ? 1 : cells->n_run_firsts;
        holm_arena_rewind(reading->arena, mark);
    }
    return status;
}

/* In order, and so without deps, whatever else their sender wrote. */
static enum holm_status read_packed(struct holm_wire_reading *reading, ProtobufCBinaryData packed,
                                    struct holm_message *message, struct holm_actor writer,
                                    struct holm_delta **made, size_t *count)
{
    Holm__Wire__Cells *cells = NULL;
    enum holm_status status = unpack(reading, packed, &cells);
    if (status != HOLM_OK)
        return status;
    cells->deps = NULL;
    if (cells->n_run_firsts > 0) {
        message->shared = true;
        return holm_wire_read_runs(reading, cells, packed.len, message, made, count);
    }
    status = holm_wire_read_run(reading, cells, message, writer, &made[*count]);
    *count += status == HOLM_OK;
    return status;
}

/* *runs and *count are sound after an error, too. */
static enum holm_status read_packed_runs(struct holm_wire_reading *reading, struct packed *packed,
                                         struct holm_message *message,
                                         struct holm_delta *const **runs, size_t *count)
{
    struct holm_actor writer = message->sender;
    size_t total = 0;
    *count = 0;
    enum holm_status status = count_runs(reading, packed, &total);
    if (status == HOLM_OK)
        status = holm_wire_spend(&reading->left.deltas_max, total);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, total, sizeof *packed->made, &packed->made);
    *runs = packed->made;
    for (size_t i = 0; i < packed->count && status == HOLM_OK; i++) {
        struct holm_arena_mark mark = holm_arena_mark(reading->arena);
        status = read_packed(reading, packed->fields[i], message, writer, packed->made, count);
        holm_arena_rewind(reading->arena, mark);
        if (status == HOLM_OK && message->type == HOLM_MESSAGE_FEED)
            writer = packed->made[*count - 1]->actor;
    }
    return status;
}

enum holm_status holm_wire_read_deltas(struct holm_wire_reading *reading,
                                       const Holm__Wire__Envelope *envelope,
                                       struct holm_message *message)
{
    const Holm__Wire__Deltas *read = envelope->deltas;
    struct holm_deltas *deltas = &message->as.deltas;
    deltas->more = read->more;
    deltas->too_old = read->too_old;
    deltas->now.partition = message->partition;
    deltas->now.own_seq = read->own_seq;
    deltas->now.vector_hash = read->vector_hash;
    deltas->now.digest.low = read->digest_low;
    deltas->now.digest.high = read->digest_high;
    struct packed packed = {read->deltas, read->n_deltas, NULL};
    return read_packed_runs(reading, &packed, message, &deltas->deltas, &deltas->count);
}

enum holm_status holm_wire_read_feed(struct holm_wire_reading *reading,
                                     const Holm__Wire__Envelope *envelope,
                                     struct holm_message *message)
{
    const Holm__Wire__Feed *read = envelope->feed;
    struct holm_feed *feed = &message->as.feed;
    feed->number = read->number;
    feed->ack = read->ack;
    feed->more = read->more;
    feed->too_old = read->too_old;
    struct packed packed = {read->runs, read->n_runs, NULL};
    return read_packed_runs(reading, &packed, message, &feed->runs, &feed->count);
}
