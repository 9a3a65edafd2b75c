/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member_record.h - an operation of the member list as a record of the list's partition.
 *
 *     key    'm'  node, epoch of the author  seq     so that each operation has a record of its own
 *     value  type, node, epoch, base, its state, partition, last: 45 bytes, numbers little-endian
 *
 * It is a register of the record itself. The operation's dot is that of its cell. A longer value is of
 * a newer version: what is behind is ignored. Keys that begin otherwise are for other things to come.
 */
#ifndef HOLM_CRDT_MEMBER_RECORD_H
#define HOLM_CRDT_MEMBER_RECORD_H

#include "crdt/members.h"
#include "crdt/replica.h"

#define HOLM_MEMBER_KEY_BYTES 25
#define HOLM_MEMBER_VALUE_BYTES 45

/* Room for what an operation points to. */
struct holm_member_record {
    unsigned char key[HOLM_MEMBER_KEY_BYTES];
    unsigned char value[HOLM_MEMBER_VALUE_BYTES];
};

/* The local operation that puts `op`, whose dot must be the next of its author. It borrows from `record`. */
struct holm_op holm_member_record_write(struct holm_member_record *record,
                                        const struct holm_member_op *op);

/* Whether this cell is an operation of the list; then *op is it, not checked for sense (that is for
 * holm_members_apply()). */
bool holm_member_record_read(const struct holm_cell_view *cell, struct holm_member_op *op);

#endif
