/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What those who are no members say to each other through others (node/tunnels.h).
 */
#include "proto/wire.h"

static enum holm_status write_reach(struct holm_arena *arena, const struct holm_reach *source,
                                    Holm__Wire__Reach **reach)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **reach, reach);
    if (status != HOLM_OK)
        return status;
    holm__wire__reach__init(*reach);
    (*reach)->node = source->actor.node.value;
    (*reach)->epoch = source->actor.epoch.value;
    (*reach)->number = source->number;
    (*reach)->hops = source->hops;
    status = holm_wire_array(arena, source->met_count, sizeof *(*reach)->met, &(*reach)->met);
    if (status != HOLM_OK)
        return status;
    (*reach)->n_met = source->met_count;
    for (size_t i = 0; i < source->met_count; i++)
        (*reach)->met[i] = source->met[i].value;
    return HOLM_OK;
}

static enum holm_status write_piece(struct holm_arena *arena, const struct holm_tunnel *source,
                                    Holm__Wire__Tunnel **tunnel)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **tunnel, tunnel);
    if (status != HOLM_OK)
        return status;
    holm__wire__tunnel__init(*tunnel);
    (*tunnel)->from_node = source->from.node.value;
    (*tunnel)->from_epoch = source->from.epoch.value;
    (*tunnel)->to_node = source->to.node.value;
    (*tunnel)->to_epoch = source->to.epoch.value;
    (*tunnel)->id = source->id;
    (*tunnel)->number = source->number;
    (*tunnel)->hops = source->hops;
    (*tunnel)->more = source->more;
    return holm_wire_bytes(arena, source->piece, &(*tunnel)->piece);
}

enum holm_status holm_wire_write_tunnel(struct holm_arena *arena,
                                        const struct holm_message *message,
                                        Holm__Wire__Envelope *envelope)
{
    if (message->type == HOLM_MESSAGE_REACH)
        return write_reach(arena, &message->as.reach, &envelope->reach);
    HOLM_ASSERT(message->type == HOLM_MESSAGE_TUNNEL);
    return write_piece(arena, &message->as.tunnel, &envelope->tunnel);
}

/* ---- reading ------------------------------------------------------------------------------- */

static enum holm_status read_reach(struct holm_wire_reading *reading, const Holm__Wire__Reach *read,
                                   struct holm_reach *reach)
{
    struct holm_node_id *met = NULL;
    enum holm_status status = holm_wire_spend(&reading->left.members_max, read->n_met);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, read->n_met, sizeof *met, &met);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < read->n_met; i++) {
        if (i > 0 && read->met[i] <= read->met[i - 1])
            return HOLM_EMALFORMED;
        met[i].value = read->met[i];
    }
    *reach = (struct holm_reach){.actor = {{read->node}, {read->epoch}},
                                 .number = read->number,
                                 .hops = read->hops,
                                 .met = met,
                                 .met_count = read->n_met};
    return read->epoch != 0 && read->number != 0 ? HOLM_OK : HOLM_EMALFORMED;
}

/* A piece of no bytes ends nothing and begins nothing. */
static enum holm_status read_piece(const Holm__Wire__Tunnel *read, struct holm_tunnel *tunnel)
{
    *tunnel = (struct holm_tunnel){.from = {{read->from_node}, {read->from_epoch}},
                                   .to = {{read->to_node}, {read->to_epoch}},
                                   .id = read->id,
                                   .number = read->number,
                                   .hops = read->hops,
                                   .more = read->more,
                                   .piece = holm_wire_slice(read->piece)};
    bool closes = read->number == 0;
    return read->from_epoch != 0 && read->to_epoch != 0 && read->id != 0 &&
                   (read->piece.len == 0) == closes && !(closes && read->more)
               ? HOLM_OK
               : HOLM_EMALFORMED;
}

enum holm_status holm_wire_read_tunnel(struct holm_wire_reading *reading,
                                       const Holm__Wire__Envelope *envelope,
                                       struct holm_message *message)
{
    if (message->type == HOLM_MESSAGE_REACH)
        return read_reach(reading, envelope->reach, &message->as.reach);
    HOLM_ASSERT(message->type == HOLM_MESSAGE_TUNNEL);
    return read_piece(envelope->tunnel, &message->as.tunnel);
}
