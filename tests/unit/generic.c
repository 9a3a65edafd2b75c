/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/generic.h"

#include "proto/varint.h"

static enum holm_status write_table(struct holm_arena *arena, const struct holm_items *items,
                                    uint32_t implied, Holm__Wire__Cells *cells)
{
    struct holm_wire_actors table;
    enum holm_status status = holm_wire_write_actors(arena, items->actors + implied,
                                                     items->actor_count - implied,
                                                     sizeof items->actors[0], &table);
    if (status != HOLM_OK)
        return status;
    cells->n_nodes = table.n_nodes;
    cells->nodes = table.nodes;
    cells->n_more_epochs = table.n_more_epochs;
    cells->more_epochs = table.more_epochs;
    cells->n_epochs = table.n_epochs;
    cells->epochs = table.epochs;
    return HOLM_OK;
}

/*
 * Unknown bytes are given to protobuf-c as one unknown field: it writes a field's tag and then the
 * field's bytes as they are, and those may well go on with more fields.
 */
static enum holm_status write_unknown(struct holm_arena *arena, struct holm_bytes unknown,
                                      ProtobufCMessage *message)
{
    if (unknown.size == 0)
        return HOLM_OK;
    uint64_t tag = 0;
    size_t tag_bytes = (size_t)(holm_varint_read(unknown.data,
                                                 (const unsigned char *)unknown.data + unknown.size,
                                                 &tag) -
                                (const unsigned char *)unknown.data);
    HOLM_ASSERT(tag_bytes > 0 && tag >> 3 > 0 && tag >> 3 <= UINT32_MAX);
    ProtobufCMessageUnknownField *field = NULL;
    ProtobufCBinaryData copy = {0, NULL};
    enum holm_status status = holm_wire_array(arena, 1, sizeof *field, &field);
    if (status == HOLM_OK)
        status = holm_wire_bytes(arena, unknown, &copy);
    if (status != HOLM_OK)
        return status;
    field->tag = (uint32_t)(tag >> 3);
    field->wire_type = (ProtobufCWireType)(tag & 7);
    field->data = copy.data + tag_bytes;
    field->len = copy.len - tag_bytes;
    message->n_unknown_fields = 1;
    message->unknown_fields = field;
    return HOLM_OK;
}

static enum holm_status write_run(struct holm_arena *arena, struct holm_actor sender,
                                  const struct holm_delta *delta, Holm__Wire__Cells *cells)
{
    HOLM_ASSERT(delta->first >= 1 && delta->first <= delta->last);
    HOLM_ASSERT(delta->items.actor_count >= 1 &&
                holm_actor_equal(delta->items.actors[0], delta->actor));
    holm__wire__cells__init(cells);
    cells->first = delta->first;
    cells->span = delta->last - delta->first;
    if (!holm_actor_equal(delta->actor, sender)) {
        HOLM_ASSERT((delta->actor.node.value | delta->actor.epoch.value) != 0);
        cells->node = delta->actor.node.value;
        cells->epoch = delta->actor.epoch.value;
    }
    enum holm_status status = holm_wire_write_vector(arena, delta->deps, &cells->deps);
    if (status == HOLM_OK)
        status = holm_wire_write_vector(arena, delta->collected, &cells->collected);
    if (status == HOLM_OK)
        status = write_table(arena, &delta->items, 1, cells);
    if (status == HOLM_OK)
        status = generic_write_items(arena, &delta->items, delta->first, delta->actor.epoch.value,
                                     cells);
    if (status == HOLM_OK)
        status = write_unknown(arena, delta->unknown, &cells->base);
    return status;
}

static enum holm_status write_delta(struct holm_arena *arena, const struct holm_message *message,
                                    Holm__Wire__Envelope *envelope)
{
    HOLM_ASSERT(message->as.delta->partition == message->partition);
    enum holm_status status = holm_wire_array(arena, 1, sizeof *envelope->delta, &envelope->delta);
    if (status == HOLM_OK)
        status = write_run(arena, message->sender, message->as.delta, envelope->delta);
    return status;
}

static enum holm_status write_packed_run(struct holm_arena *arena, struct holm_actor writer,
                                         const struct holm_delta *delta,
                                         ProtobufCBinaryData *packed)
{
    Holm__Wire__Cells cells;
    enum holm_status status = write_run(arena, writer, delta, &cells);
    if (status != HOLM_OK)
        return status;
    cells.deps = NULL;
    packed->len = holm__wire__cells__get_packed_size(&cells);
    status = holm_wire_array(arena, packed->len, 1, &packed->data);
    if (status == HOLM_OK)
        (void)holm__wire__cells__pack(&cells, packed->data);
    return status;
}

static enum holm_status write_deltas(struct holm_arena *arena, const struct holm_message *message,
                                     Holm__Wire__Envelope *envelope)
{
    const struct holm_deltas *deltas = &message->as.deltas;
    Holm__Wire__Deltas *made = NULL;
    enum holm_status status = holm_wire_array(arena, 1, sizeof *made, &made);
    if (status != HOLM_OK)
        return status;
    holm__wire__deltas__init(made);
    HOLM_ASSERT(deltas->now.partition == message->partition);
    made->more = deltas->more;
    made->too_old = deltas->too_old;
    made->own_seq = deltas->now.own_seq;
    made->vector_hash = deltas->now.vector_hash;
    made->digest_low = deltas->now.digest.low;
    made->digest_high = deltas->now.digest.high;
    envelope->deltas = made;
    status = holm_wire_array(arena, deltas->count, sizeof *made->deltas, &made->deltas);
    for (size_t i = 0; i < deltas->count && status == HOLM_OK; i++) {
        HOLM_ASSERT(deltas->deltas[i]->partition == message->partition);
        status = write_packed_run(arena, message->sender, deltas->deltas[i],
                                  &made->deltas[made->n_deltas++]);
    }
    return status;
}

static enum holm_status write_feed(struct holm_arena *arena, const struct holm_message *message,
                                   Holm__Wire__Envelope *envelope)
{
    const struct holm_feed *feed = &message->as.feed;
    Holm__Wire__Feed *made = NULL;
    enum holm_status status = holm_wire_array(arena, 1, sizeof *made, &made);
    if (status != HOLM_OK)
        return status;
    holm__wire__feed__init(made);
    made->number = feed->number;
    made->ack = feed->ack;
    made->more = feed->more;
    made->too_old = feed->too_old;
    envelope->feed = made;
    status = holm_wire_array(arena, feed->count, sizeof *made->runs, &made->runs);
    for (size_t i = 0; i < feed->count && status == HOLM_OK; i++)
        status = write_packed_run(arena, i == 0 ? message->sender : feed->runs[i - 1]->actor,
                                  feed->runs[i], &made->runs[made->n_runs++]);
    return status;
}

static enum holm_status write_page(struct holm_arena *arena, const struct holm_page *page,
                                   Holm__Wire__Cells **cells)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **cells, cells);
    if (status != HOLM_OK)
        return status;
    holm__wire__cells__init(*cells);
    status = write_table(arena, &page->items, 0, *cells);
    if (status == HOLM_OK)
        status = generic_write_items(arena, &page->items, 0, 0, *cells);
    return status;
}

static enum holm_status write_sync_page(struct holm_arena *arena,
                                        const struct holm_sync_page *source,
                                        Holm__Wire__SyncPage **page)
{
    HOLM_ASSERT(source->page != NULL);
    enum holm_status status = holm_wire_array(arena, 1, sizeof **page, page);
    if (status != HOLM_OK)
        return status;
    holm__wire__sync_page__init(*page);
    (*page)->sync = source->sync;
    (*page)->index = source->index;
    return write_page(arena, source->page, &(*page)->page);
}

static enum holm_status write(struct holm_arena *arena, const struct holm_message *message,
                              Holm__Wire__Envelope *envelope)
{
    if (message->type == HOLM_MESSAGE_DELTA)
        return write_delta(arena, message, envelope);
    if (message->type == HOLM_MESSAGE_DELTAS)
        return write_deltas(arena, message, envelope);
    if (message->type == HOLM_MESSAGE_FEED)
        return write_feed(arena, message, envelope);
    HOLM_ASSERT(message->type == HOLM_MESSAGE_SYNC_PAGE);
    return write_sync_page(arena, &message->as.sync_page, &envelope->sync_page);
}

enum holm_status generic_encode(struct holm_arena *arena, const struct holm_message *message,
                                struct holm_bytes *frame)
{
    Holm__Wire__Envelope envelope = HOLM__WIRE__ENVELOPE__INIT;
    envelope.node = message->sender.node.value;
    envelope.epoch = message->sender.epoch.value;
    envelope.partition = message->partition;
    envelope.message_case = (Holm__Wire__Envelope__MessageCase)(message->type + 4);
    unsigned char *packed = NULL;
    enum holm_status status = write(arena, message, &envelope);
    frame->size = status == HOLM_OK ? holm__wire__envelope__get_packed_size(&envelope) : 0;
    if (status == HOLM_OK)
        status = holm_wire_array(arena, frame->size, 1, &packed);
    frame->data = packed;
    if (status == HOLM_OK)
        (void)holm__wire__envelope__pack(&envelope, packed);
    return status;
}
