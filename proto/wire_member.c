/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What nodes say to each other of the member list, beside the list itself.
 */
#include "proto/wire.h"

static enum holm_status take_columns(struct holm_arena *arena, size_t count,
                                     Holm__Wire__Standing *standing)
{
    enum holm_status status = holm_wire_array(arena, count, sizeof *standing->types,
                                              &standing->types);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *standing->nodes, &standing->nodes);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *standing->epochs, &standing->epochs);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *standing->dot_nodes, &standing->dot_nodes);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *standing->dot_epochs, &standing->dot_epochs);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *standing->dot_seqs, &standing->dot_seqs);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *standing->bases, &standing->bases);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *standing->lasts, &standing->lasts);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *standing->states, &standing->states);
    standing->n_types = standing->n_nodes = standing->n_epochs = count;
    standing->n_dot_nodes = standing->n_dot_epochs = standing->n_dot_seqs = count;
    standing->n_bases = standing->n_lasts = standing->n_states = count;
    return status;
}

static enum holm_status write_standing(struct holm_arena *arena, const struct holm_standing *source,
                                       Holm__Wire__Standing **written)
{
    Holm__Wire__Standing *standing = NULL;
    enum holm_status status = holm_wire_array(arena, 1, sizeof *standing, &standing);
    if (status != HOLM_OK)
        return status;
    holm__wire__standing__init(standing);
    *written = standing;
    standing->confirmed = source->confirmed;
    standing->former = source->former.value;
    standing->lost = source->lost;
    standing->state = source->state;
    standing->generation = source->founding.generation;
    standing->founding_node = source->founding.dot.actor.node.value;
    standing->founding_epoch = source->founding.dot.actor.epoch.value;
    standing->founding_seq = source->founding.dot.seq;
    standing->defers_node = source->defers.node.value;
    standing->defers_epoch = source->defers.epoch.value;
    status = take_columns(arena, source->op_count, standing);
    for (size_t i = 0; status == HOLM_OK && i < source->op_count; i++) {
        const struct holm_member_op *op = &source->ops[i];
        HOLM_ASSERT(op->type == HOLM_MEMBER_ADMIT || op->type == HOLM_MEMBER_FORGET);
        standing->types[i] = (uint32_t)op->type;
        standing->nodes[i] = op->subject.node.value;
        standing->epochs[i] = op->subject.epoch.value;
        standing->dot_nodes[i] = op->dot.actor.node.value;
        standing->dot_epochs[i] = op->dot.actor.epoch.value;
        standing->dot_seqs[i] = op->dot.seq;
        standing->bases[i] = op->base.value;
        standing->lasts[i] = op->last;
        standing->states[i] = op->state;
    }
    return status == HOLM_OK ? holm_wire_write_vector(arena, source->list, &standing->list)
                             : status;
}

static enum holm_status write_join(struct holm_arena *arena, const struct holm_join *source,
                                   Holm__Wire__Join **join)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **join, join);
    if (status != HOLM_OK)
        return status;
    holm__wire__join__init(*join);
    (*join)->lost = source->lost;
    return HOLM_OK;
}

static enum holm_status write_joined(struct holm_arena *arena, const struct holm_joined *source,
                                     Holm__Wire__Joined **joined)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **joined, joined);
    if (status != HOLM_OK)
        return status;
    holm__wire__joined__init(*joined);
    (*joined)->epoch = source->epoch.value;
    (*joined)->result = (uint32_t)source->result;
    (*joined)->least = source->least.value;
    (*joined)->node = source->admission.actor.node.value;
    (*joined)->dot_epoch = source->admission.actor.epoch.value;
    (*joined)->seq = source->admission.seq;
    return HOLM_OK;
}

static enum holm_status write_report(struct holm_arena *arena, const struct holm_reported *source,
                                     Holm__Wire__Report **report)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **report, report);
    if (status != HOLM_OK)
        return status;
    holm__wire__report__init(*report);
    (*report)->provisional = source->provisional;
    (*report)->node = source->member.node.value;
    (*report)->epoch = source->member.epoch.value;
    (*report)->number = source->number;
    (*report)->wants = source->wants;
    status = holm_wire_write_vector(arena, source->vector, &(*report)->vector);
    if (status == HOLM_OK)
        status = holm_wire_write_vector(arena, source->list, &(*report)->list);
    return status == HOLM_OK ? holm_wire_write_vector(arena, source->heard, &(*report)->heard)
                             : status;
}

enum holm_status holm_wire_write_member(struct holm_arena *arena,
                                        const struct holm_message *message,
                                        Holm__Wire__Envelope *envelope)
{
    if (message->type == HOLM_MESSAGE_STANDING)
        return write_standing(arena, &message->as.standing, &envelope->standing);
    if (message->type == HOLM_MESSAGE_JOIN)
        return write_join(arena, &message->as.join, &envelope->join);
    if (message->type == HOLM_MESSAGE_JOINED)
        return write_joined(arena, &message->as.joined, &envelope->joined);
    HOLM_ASSERT(message->type == HOLM_MESSAGE_REPORT);
    return write_report(arena, &message->as.reported, &envelope->report);
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool columns_agree(const Holm__Wire__Standing *read)
{
    size_t count = read->n_types;
    return read->n_nodes == count && read->n_epochs == count && read->n_dot_nodes == count &&
           read->n_dot_epochs == count && read->n_dot_seqs == count && read->n_bases == count &&
           read->n_lasts == count && read->n_states == count;
}

static enum holm_status read_op(const Holm__Wire__Standing *read, size_t i,
                                struct holm_member_op *op)
{
    if (read->types[i] > HOLM_MEMBER_FOLD)
        return HOLM_EVERSION;
    if (read->types[i] != HOLM_MEMBER_ADMIT && read->types[i] != HOLM_MEMBER_FORGET)
        return HOLM_EMALFORMED;
    *op = (struct holm_member_op){
        .type = (enum holm_member_op_type)read->types[i],
        .dot = {{{read->dot_nodes[i]}, {read->dot_epochs[i]}}, read->dot_seqs[i]},
        .subject = {{read->nodes[i]}, {read->epochs[i]}},
        .base = {read->bases[i]},
        .state = read->states[i],
        .last = read->lasts[i],
    };
    bool sound = op->subject.epoch.value != 0 && op->dot.actor.epoch.value != 0 &&
                 op->dot.seq != 0 && op->dot.seq != HOLM_SEQ_FOLDED;
    return sound ? HOLM_OK : HOLM_EMALFORMED;
}

static enum holm_status read_standing(struct holm_wire_reading *reading,
                                      const Holm__Wire__Standing *read,
                                      struct holm_standing *standing)
{
    struct holm_member_op *ops = NULL;
    if (!columns_agree(read))
        return HOLM_EMALFORMED;
    enum holm_status status = holm_wire_spend(&reading->left.vector_entries_max, read->n_types);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, read->n_types, sizeof *ops, &ops);
    for (size_t i = 0; status == HOLM_OK && i < read->n_types; i++)
        status = read_op(read, i, &ops[i]);
    if (status != HOLM_OK)
        return status;
    standing->confirmed = read->confirmed;
    standing->former.value = read->former;
    standing->lost = read->lost;
    standing->state = read->state;
    standing->founding.generation = read->generation;
    standing->founding.dot.actor.node.value = read->founding_node;
    standing->founding.dot.actor.epoch.value = read->founding_epoch;
    standing->founding.dot.seq = read->founding_seq;
    standing->defers.node.value = read->defers_node;
    standing->defers.epoch.value = read->defers_epoch;
    standing->ops = ops;
    standing->op_count = read->n_types;
    return holm_wire_take_vector(reading, read->list, &standing->list);
}

static enum holm_status read_joined(const Holm__Wire__Joined *read, struct holm_joined *joined)
{
    if (read->result == 0)
        return HOLM_EMALFORMED;
    if (read->result > HOLM_JOIN_REPLACE)
        return HOLM_EVERSION;
    joined->epoch.value = read->epoch;
    joined->result = (enum holm_join_result)read->result;
    joined->least.value = read->least;
    joined->admission = (struct holm_dot){{{read->node}, {read->dot_epoch}}, read->seq};
    return HOLM_OK;
}

/* What is passed on is a member's, and says nothing of the link. */
static bool is_sound(const Holm__Wire__Report *read)
{
    bool own = read->node == 0 && read->epoch == 0;
    return own || (read->epoch != 0 && read->number != 0 && !read->provisional && !read->wants &&
                   read->heard == NULL);
}

static enum holm_status read_report(struct holm_wire_reading *reading,
                                    const Holm__Wire__Report *read, struct holm_reported *reported)
{
    if (!is_sound(read))
        return HOLM_EMALFORMED;
    reported->member = (struct holm_actor){{read->node}, {read->epoch}};
    reported->number = read->number;
    reported->provisional = read->provisional;
    reported->wants = read->wants;
    enum holm_status status = holm_wire_take_collected(reading, read->vector, &reported->vector);
    if (status == HOLM_OK)
        status = holm_wire_take_vector(reading, read->list, &reported->list);
    return status == HOLM_OK ? holm_wire_take_vector(reading, read->heard, &reported->heard)
                             : status;
}

enum holm_status holm_wire_read_member(struct holm_wire_reading *reading,
                                       const Holm__Wire__Envelope *envelope,
                                       struct holm_message *message)
{
    if (message->type == HOLM_MESSAGE_STANDING)
        return read_standing(reading, envelope->standing, &message->as.standing);
    if (message->type == HOLM_MESSAGE_JOINED)
        return read_joined(envelope->joined, &message->as.joined);
    if (message->type == HOLM_MESSAGE_JOIN) {
        message->as.join.lost = envelope->join->lost;
        return HOLM_OK;
    }
    HOLM_ASSERT(message->type == HOLM_MESSAGE_REPORT);
    return read_report(reading, envelope->report, &message->as.reported);
}
