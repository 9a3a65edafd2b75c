/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local operations. Each changes the state and the pending run at once, inside a transaction over
 * the whole batch, so that a later operation sees the earlier ones and a refusal takes all back.
 */
#include "crdt/order.h"
#include "crdt/path.h"
#include "crdt/replica_parts.h"

/* One operation on its way. */
struct writing {
    struct holm_replica *replica;
    const struct holm_op *op;
    struct holm_bytes path;     /* packed */
    struct holm_record *record; /* NULL when there is none yet */
    uint64_t seq;               /* the dot's, once it is minted */
};

/* Whether the cell was written by the run that is still pending. */
static bool cell_pending(const struct holm_replica *replica, const struct holm_cell *cell)
{
    return cell->actor == replica->self &&
           cell->seq > holm_actors_seq(&replica->actors, replica->self);
}

static bool entry_pending(const struct holm_replica *replica, const struct holm_count_entry *entry)
{
    return entry->actor == replica->self &&
           entry->count.last > holm_actors_seq(&replica->actors, replica->self);
}

static void mint(struct writing *writing)
{
    if (writing->seq == 0)
        writing->seq = ++writing->replica->pending.last;
}

static struct holm_pending_item new_item(const struct writing *writing, enum holm_item_op op,
                                         uint8_t kind, struct holm_bytes sub)
{
    return (struct holm_pending_item){.op = (uint8_t)op,
                                      .kind = kind,
                                      .actor = writing->replica->self,
                                      .key = writing->op->key,
                                      .path = writing->path,
                                      .sub = sub};
}

/* ---- cells */

/* The pending item that a put to this slot goes into: the one of the cell it replaces, if that is
 * of the same run, else a new one. */
static enum holm_status item_for_put(struct writing *writing, const struct holm_slot *slot,
                                     const struct holm_value *value, uint64_t hlc, uint32_t *index)
{
    struct holm_replica *replica = writing->replica;
    const struct holm_cell *cell = slot->cells;
    while (cell != NULL && !cell_pending(replica, cell))
        cell = cell->next;
    if (cell == NULL) {
        struct holm_pending_item item = new_item(writing, HOLM_ITEM_PUT, slot->field->kind,
                                                 holm_slot_sub(slot));
        item.seq = writing->seq;
        item.hlc = hlc;
        item.value = *value;
        return holm_pending_add(&replica->pending, &item, index);
    }
    *index = cell->pending;
    struct holm_pending_item *item;
    enum holm_status status = holm_pending_change(&replica->pending, *index, &item);
    if (status != HOLM_OK)
        return status;
    item->seq = writing->seq;
    item->hlc = hlc;
    return holm_pending_value(&replica->pending, item, value);
}

static enum holm_status put(struct writing *writing, uint8_t kind, struct holm_bytes sub,
                            struct holm_value value)
{
    struct holm_replica *replica = writing->replica;
    struct holm_slot *slot;
    enum holm_status status = holm_state_ensure_slot(&replica->state, writing->op->key,
                                                     writing->path, kind, sub, &slot);
    if (status != HOLM_OK)
        return status;
    mint(writing);
    uint64_t hlc = holm_hlc_tick(&replica->hlc, replica->now.wall_ms);
    struct holm_cell_new cell = {replica->self, writing->seq, hlc, value, 0, false};
    status = item_for_put(writing, slot, &value, hlc, &cell.pending);
    struct holm_cell *old = slot->cells;
    while (status == HOLM_OK && old != NULL) {
        struct holm_cell *next = old->next;
        if (!cell_pending(replica, old))
            status = holm_pending_see(&replica->pending, cell.pending, old->actor, old->seq);
        if (status == HOLM_OK)
            status = holm_state_drop(&replica->state, slot, old);
        old = next;
    }
    return status == HOLM_OK ? holm_state_put(&replica->state, slot, &cell) : status;
}

static enum holm_status put_extreme(struct writing *writing, uint8_t kind)
{
    struct holm_value value = writing->op->as.value;
    const struct holm_slot *slot = holm_state_slot(&writing->replica->state, writing->op->key,
                                                   writing->path, kind, holm_mem(NULL, 0));
    if (slot != NULL && slot->cells != NULL) {
        struct holm_value seen = holm_cell_value(slot->cells);
        int order = holm_value_compare(&seen, &value);
        if (kind == HOLM_MAX ? order > 0 : order < 0)
            value = seen;
    }
    return put(writing, kind, holm_mem(NULL, 0), value);
}

/* A pending put that is dropped again: what it had replaced stays replaced. */
static enum holm_status turn_to_drop(struct writing *writing, uint32_t index)
{
    struct holm_pending_item *item;
    enum holm_status status = holm_pending_change(&writing->replica->pending, index, &item);
    if (status != HOLM_OK)
        return status;
    item->op = item->seen > 0 ? HOLM_ITEM_DROP_SLOT : 0;
    item->seq = 0;
    item->hlc = 0;
    item->value = (struct holm_value){.type = HOLM_NONE};
    return HOLM_OK;
}

/* Drops one cell; a dot that others know goes into the item *index, made from `item` when it is
 * first needed. */
static enum holm_status drop_cell(struct writing *writing, struct holm_slot *slot,
                                  struct holm_cell *cell, const struct holm_pending_item *item,
                                  uint32_t *index)
{
    struct holm_replica *replica = writing->replica;
    enum holm_status status = HOLM_OK;
    if (cell_pending(replica, cell)) {
        status = turn_to_drop(writing, cell->pending);
    } else {
        if (*index == UINT32_MAX)
            status = holm_pending_add(&replica->pending, item, index);
        if (status == HOLM_OK)
            status = holm_pending_see(&replica->pending, *index, cell->actor, cell->seq);
    }
    return status == HOLM_OK ? holm_state_drop(&replica->state, slot, cell) : status;
}

static enum holm_status drop_cells(struct writing *writing, struct holm_slot *slot,
                                   const struct holm_pending_item *item, uint32_t *index)
{
    enum holm_status status = HOLM_OK;
    while (status == HOLM_OK && slot->cells != NULL) {
        mint(writing);
        status = drop_cell(writing, slot, slot->cells, item, index);
    }
    return status;
}

static enum holm_status drop_slot(struct writing *writing, uint8_t kind, struct holm_bytes sub)
{
    struct holm_slot *slot = holm_state_slot(&writing->replica->state, writing->op->key,
                                             writing->path, kind, sub);
    if (slot == NULL)
        return HOLM_OK;
    struct holm_pending_item item = new_item(writing, HOLM_ITEM_DROP_SLOT, kind, sub);
    uint32_t index = UINT32_MAX;
    return drop_cells(writing, slot, &item, &index);
}

/* ---- counters */

static enum holm_status add(struct writing *writing)
{
    struct holm_replica *replica = writing->replica;
    struct holm_slot *slot;
    enum holm_status status = holm_state_ensure_slot(
        &replica->state, writing->op->key, writing->path, HOLM_COUNTER, holm_mem(NULL, 0), &slot);
    if (status != HOLM_OK)
        return status;
    mint(writing);
    const struct holm_count_entry *entry = holm_slot_entry(slot, replica->self);
    struct holm_count count;
    status = holm_count_increment(entry == NULL ? NULL : &entry->count, writing->seq,
                                  writing->op->as.amount, &count);
    if (status != HOLM_OK)
        return status;
    uint32_t index;
    if (entry != NULL && entry_pending(replica, entry)) {
        index = entry->pending;
        struct holm_pending_item *item;
        status = holm_pending_change(&replica->pending, index, &item);
        if (status == HOLM_OK)
            item->count = count;
    } else {
        struct holm_pending_item item = new_item(writing, HOLM_ITEM_COUNT, HOLM_COUNTER,
                                                 holm_mem(NULL, 0));
        item.count = count;
        status = holm_pending_add(&replica->pending, &item, &index);
    }
    if (status != HOLM_OK)
        return status;
    return holm_state_set_count(&replica->state, slot, replica->self, &count, index);
}

static enum holm_status reset_entry(struct writing *writing, struct holm_slot *slot,
                                    struct holm_count_entry *entry)
{
    struct holm_replica *replica = writing->replica;
    struct holm_count mark = holm_count_cancelled(&entry->count);
    uint32_t index = entry->pending;
    enum holm_status status;
    if (entry_pending(replica, entry)) {
        struct holm_pending_item *item;
        status = holm_pending_change(&replica->pending, index, &item);
        if (status == HOLM_OK)
            item->count = mark;
    } else {
        struct holm_pending_item item = new_item(writing, HOLM_ITEM_COUNT, HOLM_COUNTER,
                                                 holm_mem(NULL, 0));
        item.path = holm_field_path(slot->field);
        item.actor = entry->actor;
        item.count = mark;
        status = holm_pending_add(&replica->pending, &item, &index);
    }
    if (status != HOLM_OK)
        return status;
    return holm_state_set_count(&replica->state, slot, entry->actor, &mark, index);
}

static enum holm_status reset_slot(struct writing *writing, struct holm_slot *slot)
{
    enum holm_status status = HOLM_OK;
    struct holm_count_entry *entry = slot->entries;
    for (; status == HOLM_OK && entry != NULL; entry = entry->next) {
        if (!holm_count_live(&entry->count))
            continue;
        mint(writing);
        status = reset_entry(writing, slot, entry);
    }
    return status;
}

static enum holm_status reset(struct writing *writing)
{
    struct holm_slot *slot = holm_state_slot(&writing->replica->state, writing->op->key,
                                             writing->path, HOLM_COUNTER, holm_mem(NULL, 0));
    return slot == NULL ? HOLM_OK : reset_slot(writing, slot);
}

/* ---- whole fields and records */

static enum holm_status remove_path(struct writing *writing)
{
    if (writing->record == NULL)
        return HOLM_OK;
    struct holm_pending_item item = new_item(writing, HOLM_ITEM_DROP_PATH, 0, holm_mem(NULL, 0));
    uint32_t index = UINT32_MAX;
    enum holm_status status = HOLM_OK;
    struct holm_field *field = writing->record->fields;
    for (; status == HOLM_OK && field != NULL; field = field->next) {
        if (!holm_path_covers(writing->path, holm_field_path(field)))
            continue;
        struct holm_slot *slot = holm_field_first(field);
        for (; status == HOLM_OK && slot != NULL; slot = holm_slot_next(slot)) {
            status = drop_cells(writing, slot, &item, &index);
            if (status == HOLM_OK)
                status = reset_slot(writing, slot);
        }
    }
    return status;
}

/* What is pending for the key dies with it: the tombstone kills it at every replica. */
static enum holm_status kill_pending(struct writing *writing)
{
    struct holm_pending *pending = &writing->replica->pending;
    for (size_t i = 0; i < pending->item_count; i++) {
        struct holm_pending_item *item = &pending->items[i];
        if (item->op == 0 || !holm_bytes_equal(item->key, writing->op->key))
            continue;
        enum holm_status status = holm_pending_change(pending, (uint32_t)i, &item);
        if (status != HOLM_OK)
            return status;
        item->op = 0;
    }
    return HOLM_OK;
}

static enum holm_status bury(struct writing *writing)
{
    struct holm_replica *replica = writing->replica;
    struct holm_record *record;
    enum holm_status status = holm_state_ensure(&replica->state, writing->op->key, &record);
    if (status == HOLM_OK)
        status = kill_pending(writing);
    if (status != HOLM_OK)
        return status;
    mint(writing);
    struct holm_pending_item item = new_item(writing, HOLM_ITEM_BURY, 0, holm_mem(NULL, 0));
    item.path = holm_mem(NULL, 0);
    item.seq = writing->seq;
    uint32_t index;
    status = holm_pending_add(&replica->pending, &item, &index);
    if (status != HOLM_OK)
        return status;
    return holm_state_bury(&replica->state, record, replica->self, writing->seq);
}

/* ---- the batch */

static size_t value_bytes(const struct holm_op *op)
{
    if (op->type == HOLM_OP_INSERT || op->type == HOLM_OP_ERASE)
        return op->as.element.size;
    bool valued = op->type == HOLM_OP_PUT || op->type == HOLM_OP_RAISE || op->type == HOLM_OP_LOWER;
    return valued && holm_type_has_bytes(op->as.value.type) ? op->as.value.as.bytes.size : 0;
}

/* As the batch limit counts an operation; names that are too long are refused elsewhere. */
static size_t op_bytes(const struct holm_op *op)
{
    size_t bytes = 64 + op->key.size + op->field.size + value_bytes(op);
    for (size_t i = 0; op->parents.names != NULL && i < op->parents.count; i++)
        bytes += 1 + op->parents.names[i].size;
    return bytes;
}

static enum holm_status check_op(const struct holm_replica *replica, const struct holm_op *op)
{
    if (op->key.size < 1)
        return HOLM_EINVAL;
    if (op->key.size > HOLM_KEY_BYTES_MAX || op->field.size > HOLM_FIELD_BYTES_MAX ||
        value_bytes(op) > replica->config.frame_bytes_max / 4)
        return HOLM_ETOOBIG;
    bool valued = op->type == HOLM_OP_PUT || op->type == HOLM_OP_RAISE || op->type == HOLM_OP_LOWER;
    if (valued && (op->as.value.type < HOLM_BYTES || op->as.value.type > HOLM_BOOL))
        return HOLM_EINVAL;
    return HOLM_OK;
}

static enum holm_status write_op(struct writing *writing)
{
    const struct holm_op *op = writing->op;
    struct holm_bytes no_bytes = {NULL, 0};
    struct holm_value no_value = {.type = HOLM_NONE};
    switch (op->type) {
    case HOLM_OP_PUT:
        return put(writing, HOLM_REGISTER, no_bytes, op->as.value);
    case HOLM_OP_ADD:
        return add(writing);
    case HOLM_OP_RESET:
        return reset(writing);
    case HOLM_OP_INSERT:
        return put(writing, HOLM_SET, op->as.element, no_value);
    case HOLM_OP_ERASE:
        return drop_slot(writing, HOLM_SET, op->as.element);
    case HOLM_OP_ENABLE:
        return put(writing, HOLM_FLAG, no_bytes, no_value);
    case HOLM_OP_DISABLE:
        return drop_slot(writing, HOLM_FLAG, no_bytes);
    case HOLM_OP_RAISE:
        return put_extreme(writing, HOLM_MAX);
    case HOLM_OP_LOWER:
        return put_extreme(writing, HOLM_MIN);
    case HOLM_OP_REMOVE:
        return remove_path(writing);
    case HOLM_OP_BURY:
        return bury(writing);
    }
    return HOLM_EINVAL;
}

/* The caller's key is gone after the call, and the record's may be: what is told is a copy. */
static void touch(struct holm_replica *replica, struct holm_bytes key)
{
    struct holm_bytes copy;
    if (holm_arena_copy(&replica->scratch, key, &copy) == HOLM_OK)
        holm_replica_touch(replica, copy, replica->self);
    else
        replica->work.touched_all = true;
}

static enum holm_status commit_op(struct holm_replica *replica, const struct holm_op *op)
{
    struct holm_packed_path path;
    enum holm_status status = check_op(replica, op);
    if (status == HOLM_OK)
        status = holm_path_pack(&path, op->parents, op->field);
    if (status != HOLM_OK)
        return status;
    struct writing writing = {.replica = replica, .op = op, .path = holm_path_bytes(&path)};
    writing.record = holm_state_find(&replica->state, op->key);
    if (holm_record_buried(writing.record))
        return op->type == HOLM_OP_BURY ? HOLM_OK : HOLM_EBURIED;
    status = write_op(&writing);
    if (status == HOLM_OK && writing.seq > 0)
        touch(replica, op->key);
    return status;
}

static enum holm_status commit_all(struct holm_replica *replica, const struct holm_op *ops,
                                   size_t count)
{
    size_t bytes_max = replica->config.frame_bytes_max / 2;
    size_t bytes_before = replica->pending.bytes;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        bytes += op_bytes(&ops[i]);
        if (count > 1 && bytes > bytes_max)
            return HOLM_ETOOBIG;
        enum holm_status status = commit_op(replica, &ops[i]);
        if (status != HOLM_OK)
            return status;
        /* Removals name what they remove, which can be more than was given. */
        if (replica->pending.bytes - bytes_before > bytes_max)
            return HOLM_ETOOBIG;
    }
    return HOLM_OK;
}

enum holm_status holm_replica_commit(struct holm_replica *replica, const struct holm_op *ops,
                                     size_t count)
{
    struct holm_work *work = &replica->work;
    if (count == 0)
        return HOLM_EINVAL;
    if (replica->pending.bytes >= replica->config.flush_bytes &&
        holm_replica_seal(replica) != HOLM_OK)
        return HOLM_ENOMEM;
    struct holm_hlc hlc = replica->hlc;
    uint64_t before = replica->pending.last;
    bool was_pending = holm_replica_pending(replica);
    holm_state_begin(&replica->state);
    holm_pending_begin(&replica->pending);
    enum holm_status status = commit_all(replica, ops, count);
    if (status != HOLM_OK) {
        holm_state_rollback(&replica->state);
        holm_pending_rollback(&replica->pending);
        replica->hlc = hlc;
        work->touched_count = 0;
        work->touched_all = false;
        return status;
    }
    holm_state_commit(&replica->state);
    holm_pending_commit(&replica->pending);
    HOLM_ASSERT(replica->pending.last - before <= count);
    work->minted = (uint32_t)(replica->pending.last - before);
    if (work->minted == 0)
        return HOLM_OK;
    work->first = (struct holm_dot){replica->actors.rows[replica->self].actor, before + 1};
    replica->stats.operations += work->minted;
    if (!was_pending)
        replica->written_us = replica->now.monotonic_us;
    if (replica->pending.bytes >= replica->config.flush_bytes &&
        holm_replica_seal(replica) != HOLM_OK)
        replica->retry = true; /* it stays pending, and is sealed before the next commit */
    return HOLM_OK;
}
