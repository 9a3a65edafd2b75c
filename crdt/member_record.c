/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/member_record.h"

static unsigned char *write_number(unsigned char *at, uint64_t number, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (unsigned char)(number >> (8 * i));
    return at + bytes;
}

static uint64_t read_number(const unsigned char **at, size_t bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < bytes; i++)
        number |= (uint64_t)(*at)[i] << (8 * i);
    *at += bytes;
    return number;
}

struct holm_op holm_member_record_write(struct holm_member_record *record,
                                        const struct holm_member_op *op)
{
    HOLM_ASSERT(op->dot.seq > 0 && op->dot.actor.epoch.value != 0);
    unsigned char *at = record->key;
    *at++ = 'm';
    at = write_number(at, op->dot.actor.node.value, 8);
    at = write_number(at, op->dot.actor.epoch.value, 8);
    at = write_number(at, op->dot.seq, 8);
    HOLM_ASSERT(at == record->key + sizeof record->key);
    at = record->value;
    *at++ = (unsigned char)op->type;
    at = write_number(at, op->subject.node.value, 8);
    at = write_number(at, op->subject.epoch.value, 8);
    at = write_number(at, op->base.value, 8);
    at = write_number(at, op->state, 8);
    at = write_number(at, op->partition, 4);
    at = write_number(at, op->last, 8);
    HOLM_ASSERT(at == record->value + sizeof record->value);
    return holm_op_put(holm_mem(record->key, sizeof record->key), holm_mem(NULL, 0),
                       holm_bytes_value(record->value, sizeof record->value));
}

bool holm_member_record_read(const struct holm_cell_view *cell, struct holm_member_op *op)
{
    const unsigned char *key = cell->key.data;
    if (cell->kind != HOLM_REGISTER || cell->path.size != 0 ||
        cell->key.size != HOLM_MEMBER_KEY_BYTES || key[0] != 'm' ||
        cell->value.type != HOLM_BYTES || cell->value.as.bytes.size < HOLM_MEMBER_VALUE_BYTES)
        return false;
    const unsigned char *at = cell->value.as.bytes.data;
    *op = (struct holm_member_op){.type = (enum holm_member_op_type) * at++, .dot = cell->dot};
    op->subject.node.value = read_number(&at, 8);
    op->subject.epoch.value = read_number(&at, 8);
    op->base.value = read_number(&at, 8);
    op->state = read_number(&at, 8);
    op->partition = (uint32_t)read_number(&at, 4);
    op->last = read_number(&at, 8);
    return true;
}
