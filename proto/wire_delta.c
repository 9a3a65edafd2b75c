/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

static enum holm_status check_run(struct holm_wire_reading *reading, const Holm__Wire__Cells *cells,
                                  struct holm_fill_sizes *sizes)
{
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

static enum holm_status read_run(struct holm_wire_reading *reading, const Holm__Wire__Cells *cells,
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
    return read_run(reading, envelope->delta, message, message->sender, &message->as.delta);
}

/* A run that came over a link in order: without deps, whatever else its sender wrote. The columns are
 * done with once the delta is made, and give their memory to the next. */
static enum holm_status read_packed_run(struct holm_wire_reading *reading,
                                        ProtobufCBinaryData packed,
                                        const struct holm_message *message,
                                        struct holm_actor writer, struct holm_delta **delta)
{
    *delta = NULL;
    struct holm_arena_mark mark = holm_arena_mark(reading->arena);
    Holm__Wire__Cells *cells = holm__wire__cells__unpack(reading->unpacking, packed.len,
                                                         packed.data);
    enum holm_status status = HOLM_OK;
    if (cells != NULL) {
        cells->deps = NULL;
        status = read_run(reading, cells, message, writer, delta);
    } else {
        status = reading->budget->refusal == HOLM_OK ? HOLM_EMALFORMED : reading->budget->refusal;
    }
    holm_arena_rewind(reading->arena, mark);
    return status;
}

/* *made and *count are sound after an error, too. */
static enum holm_status read_packed_runs(struct holm_wire_reading *reading,
                                         const ProtobufCBinaryData *packed, size_t packed_count,
                                         const struct holm_message *message,
                                         struct holm_delta *const **runs, size_t *count)
{
    struct holm_delta **made = NULL;
    struct holm_actor writer = message->sender;
    *count = 0;
    enum holm_status status = holm_wire_spend(&reading->left.deltas_max, packed_count);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, packed_count, sizeof *made, &made);
    *runs = made;
    for (size_t i = 0; i < packed_count && status == HOLM_OK; i++) {
        status = read_packed_run(reading, packed[i], message, writer, &made[i]);
        if (status == HOLM_OK && message->type == HOLM_MESSAGE_FEED)
            writer = made[i]->actor;
        *count += status == HOLM_OK;
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
    return read_packed_runs(reading, read->deltas, read->n_deltas, message, &deltas->deltas,
                            &deltas->count);
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
    return read_packed_runs(reading, read->runs, read->n_runs, message, &feed->runs, &feed->count);
}
