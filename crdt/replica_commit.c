/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local operations. Each changes the state and the pending run at once, inside a transaction over
 * the whole batch, so that a later operation sees the earlier ones and a refusal takes all back.
 */
#include "crdt/order.h"
#include "crdt/path.h"
#include "crdt/replica_parts.h"

/* Operations of a batch that are looked up together. */
#define PREPARED 16

/* One operation on its way. */
struct writing {
    struct holm_replica *replica;
    const struct holm_op *op;
    const struct holm_key *key;
    struct holm_bytes path; /* packed */
    uint64_t seq;           /* the dot's, once it is minted */
};

/* Whether a dot is of the run that is still pending. Of an own counter entry, its last. */
static bool is_pending(const struct holm_replica *replica, const struct holm_cell *cell)
{
    return cell->actor == replica->self && cell->seq > replica->pending.sealed;
}

static void mint(struct writing *writing)
{
    if (writing->seq == 0)
        writing->seq = ++writing->replica->pending.last;
}

static struct holm_item new_item(const struct writing *writing, enum holm_item_op op, uint8_t kind,
                                 struct holm_bytes sub)
{
    return (struct holm_item){.op = (uint8_t)op,
                              .kind = kind,
                              .actor = writing->replica->self,
                              .key = writing->op->key,
                              .path = writing->path,
                              .sub = sub};
}

/* What is there where something is to be put. */
struct place {
    struct holm_slot slot;
    struct holm_spot spot; /* at the slot's first cell, or where that would be */
    struct holm_cell old;  /* that cell, with `found` */
    bool found, only;      /* `only`: no other cell follows it */
};

/* Finds or makes the record, and the number of the path. */
static enum holm_status ensure_slot(const struct writing *writing, struct place *place)
{
    struct holm_state *state = &writing->replica->state;
    place->slot.path = 0;
    if (writing->path.size > 0 &&
        holm_state_path(state, writing->path, &place->slot.path) != HOLM_OK)
        return HOLM_ENOMEM;
    enum holm_status status = holm_state_ensure(state, writing->key, &place->spot);
    if (status == HOLM_OK)
        place->found = holm_spot_seek_cell(state, &place->spot, &place->slot, &place->old,
                                           &place->only);
    return status;
}

/* The same for a slot that need not be there: false when it has no cell. */
static bool find_slot(const struct writing *writing, struct holm_slot *slot, struct holm_spot *spot)
{
    const struct holm_state *state = &writing->replica->state;
    slot->path = holm_names_find(&state->names, writing->path);
    return slot->path != HOLM_NAME_NONE && holm_state_find(state, writing->key, spot) &&
           holm_spot_seek(state, spot, slot);
}

/* ---- cells */

/* Lets the pending item of a cell of the same run be that of the one which replaces it. */
static enum holm_status renew_item(struct writing *writing, const struct holm_cell *made,
                                   const struct holm_cell *old, uint32_t *index)
{
    struct holm_pending *pending = &writing->replica->pending;
    struct holm_item *item;
    enum holm_status status = holm_pending_item_of(pending, old->seq, index);
    if (status == HOLM_OK)
        status = holm_pending_change(pending, *index, &item);
    if (status != HOLM_OK)
        return status;
    item->seq = made->seq;
    item->hlc = made->hlc;
    status = holm_pending_value(pending, item, &made->value);
    return status == HOLM_OK ? holm_pending_bind(pending, made->seq, *index) : status;
}

/* Puts the cell into the place of the slot's only one. */
static enum holm_status overwrite(struct writing *writing, struct holm_spot *spot,
                                  const struct holm_cell *old, const struct holm_cell *made)
{
    struct holm_replica *replica = writing->replica;
    uint32_t index;
    enum holm_status status = is_pending(replica, old)
                                  ? renew_item(writing, made, old, &index)
                                  : holm_pending_put(&replica->pending, writing->op->key,
                                                     writing->path, made, old);
    return status == HOLM_OK ? holm_spot_replace(&replica->state, spot, old, made) : status;
}

/* Puts the cell into the place of several siblings. */
static enum holm_status take_over(struct writing *writing, const struct holm_slot *slot,
                                  struct holm_spot *spot, const struct holm_cell *made)
{
    struct holm_replica *replica = writing->replica;
    struct holm_spot at = *spot;
    struct holm_cell old;
    uint32_t index;
    bool found = holm_spot_cell_of(&replica->state, &at, slot, &old);
    while (found && !is_pending(replica, &old)) {
        holm_spot_next(&replica->state, &at);
        found = holm_spot_cell_of(&replica->state, &at, slot, &old);
    }
    enum holm_status status;
    if (found) {
        status = renew_item(writing, made, &old, &index);
    } else {
        status = holm_pending_put(&replica->pending, writing->op->key, writing->path, made, NULL);
        index = (uint32_t)replica->pending.recent;
    }
    while (status == HOLM_OK && holm_spot_cell_of(&replica->state, spot, slot, &old)) {
        if (!is_pending(replica, &old))
            status = holm_pending_see(&replica->pending, index, old.actor, old.seq);
        if (status == HOLM_OK)
            status = holm_spot_erase(&replica->state, spot);
    }
    return status == HOLM_OK ? holm_spot_insert(&replica->state, spot, made) : status;
}

static enum holm_status put(struct writing *writing, uint8_t kind, struct holm_bytes sub,
                            struct holm_value value)
{
    struct holm_replica *replica = writing->replica;
    struct place place;
    place.slot.kind = kind;
    place.slot.actor = HOLM_ACTOR_NONE;
    place.slot.sub = sub;
    mint(writing);
    struct holm_cell made; /* without the count, which only counters have */
    made.kind = kind;
    made.marked = false;
    made.actor = replica->self;
    made.seq = writing->seq;
    made.hlc = holm_hlc_tick(&replica->hlc, replica->now.wall_ms);
    made.sub = sub;
    made.value = value;
    enum holm_status status = ensure_slot(writing, &place);
    if (status != HOLM_OK)
        return status;
    made.path = place.slot.path;
    if (place.found && !place.only)
        return take_over(writing, &place.slot, &place.spot, &made);
    if (place.found)
        return overwrite(writing, &place.spot, &place.old, &made);
    status = holm_pending_put(&replica->pending, writing->op->key, writing->path, &made, NULL);
    return status == HOLM_OK ? holm_spot_place(&replica->state, &place.spot, &made) : status;
}

static enum holm_status put_extreme(struct writing *writing, uint8_t kind)
{
    struct holm_replica *replica = writing->replica;
    struct holm_value value = writing->op->as.value;
    struct holm_slot slot = {.kind = kind, .actor = HOLM_ACTOR_NONE};
    struct holm_spot spot;
    struct holm_cell seen;
    if (find_slot(writing, &slot, &spot) && holm_spot_cell(&replica->state, &spot, &seen)) {
        int order = holm_value_compare(&seen.value, &value);
        if (kind == HOLM_MAX ? order > 0 : order < 0)
            value = seen.value;
    }
    /* The bytes of what was seen lie where the new cell will. */
    if (holm_type_has_bytes(value.type) &&
        holm_arena_copy(&replica->scratch, value.as.bytes, &value.as.bytes) != HOLM_OK)
        return HOLM_ENOMEM;
    return put(writing, kind, holm_mem(NULL, 0), value);
}

/* A pending put that is dropped again: what it had replaced stays replaced. */
static enum holm_status turn_to_drop(struct writing *writing, uint32_t index)
{
    struct holm_item *item;
    enum holm_status status = holm_pending_change(&writing->replica->pending, index, &item);
    if (status != HOLM_OK)
        return status;
    item->op = item->seen_count > 0 ? HOLM_ITEM_DROP_SLOT : 0;
    item->seq = 0;
    item->hlc = 0;
    item->value = (struct holm_value){.type = HOLM_NONE};
    return HOLM_OK;
}

/* Drops the cell at the spot; a dot that others know goes into the item *index, made from `item`
 * when it is first needed. */
static enum holm_status drop_cell(struct writing *writing, struct holm_spot *spot,
                                  const struct holm_cell *cell, const struct holm_item *item,
                                  uint32_t *index)
{
    struct holm_replica *replica = writing->replica;
    enum holm_status status = HOLM_OK;
    mint(writing);
    if (is_pending(replica, cell)) {
        uint32_t made;
        status = holm_pending_item_of(&replica->pending, cell->seq, &made);
        if (status == HOLM_OK)
            status = turn_to_drop(writing, made);
    } else {
        if (*index == UINT32_MAX)
            status = holm_pending_add(&replica->pending, item, index);
        if (status == HOLM_OK)
            status = holm_pending_see(&replica->pending, *index, cell->actor, cell->seq);
    }
    return status == HOLM_OK ? holm_spot_erase(&replica->state, spot) : status;
}

static enum holm_status drop_slot(struct writing *writing, uint8_t kind, struct holm_bytes sub)
{
    struct holm_slot slot = {.kind = kind, .actor = HOLM_ACTOR_NONE, .sub = sub};
    struct holm_spot spot;
    struct holm_cell cell;
    if (!find_slot(writing, &slot, &spot))
        return HOLM_OK;
    struct holm_item item = new_item(writing, HOLM_ITEM_DROP_SLOT, kind, sub);
    uint32_t index = UINT32_MAX;
    enum holm_status status = HOLM_OK;
    while (status == HOLM_OK && holm_spot_cell_of(&writing->replica->state, &spot, &slot, &cell))
        status = drop_cell(writing, &spot, &cell, &item, &index);
    return status;
}

/* ---- counters */

/* Puts a count into the pending run: into the item of a pending entry, else into a new one. */
static enum holm_status item_for_count(struct writing *writing, const struct holm_cell *made,
                                       const struct holm_cell *old, uint32_t *index)
{
    struct holm_replica *replica = writing->replica;
    struct holm_item *known;
    if (old != NULL && is_pending(replica, old)) {
        enum holm_status status = holm_pending_item_of(&replica->pending, old->seq, index);
        if (status == HOLM_OK)
            status = holm_pending_change(&replica->pending, *index, &known);
        if (status != HOLM_OK)
            return status;
        known->count = made->count;
        return holm_pending_bind(&replica->pending, made->count.last, *index);
    }
    struct holm_item item = new_item(writing, HOLM_ITEM_COUNT, HOLM_COUNTER, holm_mem(NULL, 0));
    item.path = holm_names_path(&replica->state.names, made->path);
    item.actor = made->actor;
    item.count = made->count;
    return holm_pending_add(&replica->pending, &item, index);
}

static enum holm_status add(struct writing *writing)
{
    struct holm_replica *replica = writing->replica;
    struct place place = {.slot = {.kind = HOLM_COUNTER, .actor = replica->self}};
    enum holm_status status = ensure_slot(writing, &place);
    if (status != HOLM_OK)
        return status;
    const struct holm_cell *old = place.found ? &place.old : NULL;
    mint(writing);
    struct holm_cell made = {
        .kind = HOLM_COUNTER, .path = place.slot.path, .actor = replica->self, .seq = writing->seq};
    status = holm_count_increment(old == NULL ? NULL : &old->count, writing->seq,
                                  writing->op->as.amount, &made.count);
    uint32_t index;
    if (status == HOLM_OK)
        status = item_for_count(writing, &made, old, &index);
    if (status != HOLM_OK)
        return status;
    return old != NULL ? holm_spot_replace(&replica->state, &place.spot, old, &made)
                       : holm_spot_place(&replica->state, &place.spot, &made);
}

/* Cancels the live entry at the spot, which is behind it then. One that is folded has no owner who
 * could count on, so that no ghost is needed. */
static enum holm_status reset_entry(struct writing *writing, struct holm_spot *spot,
                                    const struct holm_cell *old)
{
    struct holm_cell made = *old;
    uint32_t index;
    made.count = holm_count_cancelled(&old->count);
    mint(writing);
    struct holm_state *state = &writing->replica->state;
    enum holm_status status = item_for_count(writing, &made, old, &index);
    if (status != HOLM_OK)
        return status;
    struct holm_vector_view collected = holm_vector_view(&writing->replica->collected);
    if (holm_replica_folds(collected, writing->replica->actors.rows[old->actor].actor))
        return holm_spot_erase(state, spot);
    status = holm_spot_replace(state, spot, old, &made);
    if (status == HOLM_OK)
        holm_spot_next(state, spot);
    return status;
}

static enum holm_status reset(struct writing *writing)
{
    const struct holm_state *state = &writing->replica->state;
    struct holm_slot slot = {.kind = HOLM_COUNTER, .actor = HOLM_ACTOR_NONE};
    struct holm_spot spot;
    struct holm_cell cell;
    enum holm_status status = HOLM_OK;
    if (!find_slot(writing, &slot, &spot))
        return HOLM_OK;
    while (status == HOLM_OK && holm_spot_cell_of(state, &spot, &slot, &cell)) {
        if (holm_cell_live(&cell))
            status = reset_entry(writing, &spot, &cell);
        else
            holm_spot_next(state, &spot);
    }
    return status;
}

/* ---- whole fields and records */

static enum holm_status remove_path(struct writing *writing)
{
    const struct holm_state *state = &writing->replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    if (!holm_state_find(state, writing->key, &spot))
        return HOLM_OK;
    struct holm_item item = new_item(writing, HOLM_ITEM_DROP_PATH, 0, holm_mem(NULL, 0));
    uint32_t index = UINT32_MAX;
    enum holm_status status = HOLM_OK;
    holm_spot_seek_path(state, &spot, writing->path);
    while (status == HOLM_OK && holm_spot_cell(state, &spot, &cell) &&
           holm_path_covers(writing->path, holm_names_path(&state->names, cell.path))) {
        if (cell.kind != HOLM_COUNTER) {
            status = drop_cell(writing, &spot, &cell, &item, &index);
            continue;
        }
        if (holm_cell_live(&cell))
            status = reset_entry(writing, &spot, &cell);
        else
            holm_spot_next(state, &spot);
    }
    return status;
}

/* What is pending for the key dies with it: the tombstone kills it at every replica. */
static enum holm_status kill_pending(struct writing *writing)
{
    struct holm_pending *pending = &writing->replica->pending;
    for (size_t i = 0; i < pending->item_count; i++) {
        struct holm_item *item = &pending->items[i];
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
    struct holm_spot spot;
    enum holm_status status = holm_state_ensure(&replica->state, writing->key, &spot);
    if (status == HOLM_OK)
        status = kill_pending(writing);
    if (status != HOLM_OK)
        return status;
    mint(writing);
    struct holm_item item = new_item(writing, HOLM_ITEM_BURY, 0, holm_mem(NULL, 0));
    item.path = holm_mem(NULL, 0);
    item.seq = writing->seq;
    uint32_t index;
    status = holm_pending_add(&replica->pending, &item, &index);
    if (status != HOLM_OK)
        return status;
    return holm_state_bury(&replica->state, &spot, replica->self, writing->seq);
}

/* ---- the batch */

static inline size_t value_bytes(const struct holm_op *op)
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

static enum holm_status commit_op(struct holm_replica *replica, const struct holm_op *op,
                                  const struct holm_key *key)
{
    struct holm_packed_path path;
    struct holm_spot spot;
    enum holm_status status = check_op(replica, op);
    path.size = 0;
    if (status == HOLM_OK && (op->parents.count > 0 || op->field.size > 0))
        status = holm_path_pack(&path, op->parents, op->field);
    if (status != HOLM_OK)
        return status;
    if (replica->state.tombstones > 0 && holm_state_find(&replica->state, key, &spot) &&
        holm_spot_buried(&replica->state, &spot))
        return op->type == HOLM_OP_BURY ? HOLM_OK : HOLM_EBURIED;
    struct writing writing = {
        .replica = replica, .op = op, .key = key, .path = holm_path_bytes(&path)};
    status = write_op(&writing);
    if (status == HOLM_OK && writing.seq > 0) /* the caller's key is gone after the call */
        holm_replica_touch(replica, holm_pending_key(&replica->pending), replica->self);
    return status;
}

/* The keys of the next few operations, with the memory that they will need on its way. */
static void prepare(const struct holm_state *state, const struct holm_op *ops, size_t count,
                    struct holm_key *keys)
{
    count = count < PREPARED ? count : PREPARED;
    for (size_t i = 0; i < count; i++)
        keys[i].bytes = ops[i].key;
    holm_state_prepare(state, keys, count);
}

/* The keys are those of the first few operations. */
static enum holm_status commit_all(struct holm_replica *replica, const struct holm_op *ops,
                                   size_t count, struct holm_key *keys)
{
    size_t bytes_max = replica->config.frame_bytes_max / 2;
    size_t bytes_before = replica->pending.bytes;
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && i % PREPARED == 0)
            prepare(&replica->state, ops + i, count - i, keys);
        bytes += op_bytes(&ops[i]);
        if (count > 1 && bytes > bytes_max)
            return HOLM_ETOOBIG;
        enum holm_status status = commit_op(replica, &ops[i], &keys[i % PREPARED]);
        if (status != HOLM_OK)
            return status;
        /* Removals name what they remove, which can be more than was given. */
        if (replica->pending.bytes - bytes_before > bytes_max)
            return HOLM_ETOOBIG;
    }
    return HOLM_OK;
}

/*
 * Whether this life has written nothing, and nobody might take it as one writer more. With `forever` no row ever
 * goes: an eighth is left for those who write before they know how many there are. The list, and what was
 * promised before this node was a member, may have that.
 */
static bool is_crowded(const struct holm_replica *replica)
{
    size_t most = replica->config.actors_max;
    if (replica->pending.last > 0)
        return false;
    if (replica->config.retention == HOLM_RETENTION_FOREVER && !replica->config.list)
        most -= most / 8;
    return holm_replica_writers(replica) >= most;
}

enum holm_status holm_replica_commit(struct holm_replica *replica, const struct holm_op *ops,
                                     size_t count)
{
    struct holm_work *work = &replica->work;
    struct holm_key keys[PREPARED];
    if (count == 0)
        return HOLM_EINVAL;
    if (is_crowded(replica))
        return HOLM_ELIMIT;
    if (replica->pending.bytes >= replica->config.flush_bytes &&
        holm_replica_seal(replica) != HOLM_OK)
        return HOLM_ENOMEM;
    prepare(&replica->state, ops, count, keys);
    struct holm_hlc hlc = replica->hlc;
    uint64_t before = replica->pending.last;
    bool was_pending = holm_replica_pending(replica);
    holm_state_begin(&replica->state);
    holm_pending_begin(&replica->pending);
    enum holm_status status = commit_all(replica, ops, count, keys);
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
