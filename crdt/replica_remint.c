/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_remint.h"

#include "crdt/path.h"
#include "crdt/replica_parts.h"

struct reminting {
    struct holm_replica *old, *cut;
    const struct holm_reminter *to;
    struct holm_remint *remint;
    struct holm_origins *origins;
    struct holm_node_id self;
    bool blind;          /* the op log does not reach back to the cut */
    struct holm_op *ops; /* of the present key */
    size_t count, capacity;
    struct holm_bytes *names;
    size_t name_count, name_capacity;
    enum holm_status status;
};

/* What the cut has of an epoch by its dots. A fold covers all of it, and of what an epoch wrote that has ended no more than up
 * to its end, which the list has, was ever everywhere. */
static uint64_t dotted_seq(void *context, struct holm_actor actor)
{
    const struct reminting *reminting = context;
    const struct holm_replica *cut = reminting->cut;
    if (!holm_replica_folds(holm_replica_collected(cut), actor))
        return holm_replica_seq(cut, actor);
    return holm_vector_view_seq(holm_members_lasts(&cut->guard->members, cut->config.partition),
                                actor);
}

/* The same, or by what its copies stand for. */
static uint64_t known_seq(const struct reminting *reminting, struct holm_actor actor)
{
    uint64_t copied, seq = dotted_seq((void *)(uintptr_t)reminting, actor);
    if (holm_origins_there(reminting->origins, actor, &copied) == HOLM_ORIGINS_ALL && copied > seq)
        return copied;
    return seq;
}

/* Up to which operation an epoch wrote copies, if the cut has some of what they stand for, and nothing tells what; or 0. */
static uint64_t doubtful_seq(const struct reminting *reminting, struct holm_actor actor)
{
    uint64_t copied;
    bool some = holm_origins_there(reminting->origins, actor, &copied) == HOLM_ORIGINS_SOME;
    return some ? copied : 0;
}

static bool is_doubtful(const struct reminting *reminting, struct holm_dot dot)
{
    return dot.seq <= doubtful_seq(reminting, dot.actor);
}

static bool has_dot(const struct reminting *reminting, struct holm_dot dot)
{
    return dot.seq <= known_seq(reminting, dot.actor);
}

/* Whether the cut has all epochs that the old state has folded of a node: their ends are in the list. */
static bool has_folded(const struct reminting *reminting, struct holm_node_id node)
{
    const struct holm_replica *old = reminting->old;
    struct holm_epoch floor = holm_vector_floor(holm_replica_collected(old), node);
    struct holm_vector_view ends = holm_members_lasts(&old->guard->members, old->config.partition);
    for (size_t i = 0; i < ends.count; i++) {
        const struct holm_dot *end = &ends.entries[i];
        if (end->actor.node.value == node.value && end->actor.epoch.value <= floor.value &&
            !has_dot(reminting, *end))
            return false;
    }
    return true;
}

/* Whether the cut covers it. Of an epoch 0: an entry of folded epochs. */
static bool covered(const struct reminting *reminting, struct holm_dot dot)
{
    if (dot.actor.epoch.value == 0)
        return has_folded(reminting, dot.actor.node);
    return has_dot(reminting, dot);
}

/* Nothing tells what of a folded entry the cut lacks: it is as if others had written it, and lost whole. */
static bool is_own(const struct reminting *reminting, struct holm_actor actor)
{
    return actor.node.value == reminting->self.value && actor.epoch.value != 0;
}

/* ---- making operations */

/* The names of a packed path, for which there is room. */
static struct holm_path names_of(struct reminting *reminting, struct holm_bytes packed)
{
    size_t count = holm_path_count(packed);
    HOLM_ASSERT(reminting->name_count + count <= reminting->name_capacity);
    struct holm_bytes *first = reminting->names + reminting->name_count;
    for (size_t i = 0; i < count; i++)
        first[i] = holm_path_take(&packed);
    reminting->name_count += count;
    return holm_path_of(first, count);
}

/* Room for one more operation, and its names: arrays that others point into must not move. */
static enum holm_status reserve(struct reminting *reminting, size_t ops, size_t names)
{
    const struct holm_allocator *allocator = &reminting->old->config.allocator;
    void *room = reminting->ops;
    enum holm_status status = holm_array_reserve(allocator, &room, &reminting->capacity,
                                                 sizeof *reminting->ops, ops);
    reminting->ops = room;
    room = reminting->names;
    if (status == HOLM_OK)
        status = holm_array_reserve(allocator, &room, &reminting->name_capacity,
                                    sizeof *reminting->names, names);
    reminting->names = room;
    return status;
}

static void add_op(struct reminting *reminting, struct holm_op op)
{
    HOLM_ASSERT(reminting->count < reminting->capacity);
    reminting->ops[reminting->count++] = op;
}

/* What the chain of an own counter entry had come to at the cut, as the cut has it. */
static bool sum_there(const struct reminting *reminting, const struct holm_cell_view *cell,
                      int64_t *sum)
{
    const struct holm_state *state = &reminting->cut->state;
    struct holm_key key = holm_state_key(state, cell->key);
    struct holm_slot slot = {.kind = HOLM_COUNTER};
    struct holm_spot spot;
    struct holm_cell found;
    slot.actor = holm_actors_find(&reminting->cut->actors, cell->dot.actor);
    slot.path = holm_names_find(&state->names, cell->path);
    if (slot.actor == HOLM_ACTOR_NONE || slot.path == HOLM_NAME_NONE ||
        !holm_state_find(state, &key, &spot) || !holm_spot_seek(state, &spot, &slot) ||
        !holm_spot_cell(state, &spot, &found) || found.count.start != cell->count->start)
        return false;
    *sum = found.count.sum;
    return true;
}

/* The same as the last own run had it that the cut covers: a fold does not tell entries apart. */
static bool sum_then(const struct reminting *reminting, const struct holm_cell_view *cell,
                     uint64_t known, int64_t *sum)
{
    const struct holm_oplog *log = &reminting->old->log;
    bool found = false;
    for (size_t i = 0; i < log->count; i++) {
        const struct holm_delta *run = holm_oplog_at(log, i)->delta;
        if (!holm_actor_equal(run->actor, cell->dot.actor) || run->last > known)
            continue;
        const struct holm_items *items = &run->items;
        for (uint32_t k = 0; k < items->item_count; k++) {
            const struct holm_item *item = &items->items[k];
            if (item->op != HOLM_ITEM_COUNT || item->count.start != cell->count->start ||
                !holm_actor_equal(items->actors[item->actor], cell->dot.actor) ||
                !holm_bytes_equal(item->key, cell->key) ||
                !holm_bytes_equal(item->path, cell->path))
                continue;
            *sum = item->count.sum;
            found = true;
        }
    }
    return found;
}

/* What an own counter entry has that the cut has not: of one chain, all behind what was there at the end
 * of the cut, or behind what is cancelled. False: nothing tells. */
static bool uncounted(const struct reminting *reminting, const struct holm_cell_view *cell,
                      int64_t *amount)
{
    const struct holm_count *count = cell->count;
    uint64_t known = known_seq(reminting, cell->dot.actor);
    int64_t sum;
    uint64_t copied = doubtful_seq(reminting, cell->dot.actor);
    if (known < copied)
        known = copied;
    if (cell->dot.seq <= known)
        return false;
    *amount = (int64_t)((uint64_t)count->sum - (uint64_t)count->cancelled_sum);
    if (count->start > known || count->cancelled >= known)
        return true;
    if (!sum_there(reminting, cell, &sum) && !sum_then(reminting, cell, known, &sum))
        return false;
    *amount = (int64_t)((uint64_t)count->sum - (uint64_t)sum);
    return true;
}

static bool op_of(const struct reminting *reminting, const struct holm_cell_view *cell,
                  struct holm_path path, struct holm_op *op)
{
    int64_t amount;
    switch ((enum holm_kind)cell->kind) {
    case HOLM_REGISTER:
        *op = holm_op_put_at(cell->key, path, cell->value);
        return true;
    case HOLM_SET:
        *op = holm_op_insert_at(cell->key, path, cell->sub);
        return true;
    case HOLM_FLAG:
        *op = holm_op_enable_at(cell->key, path);
        return true;
    case HOLM_MAX:
        *op = holm_op_raise_at(cell->key, path, cell->value);
        return true;
    case HOLM_MIN:
        *op = holm_op_lower_at(cell->key, path, cell->value);
        return true;
    case HOLM_COUNTER:
        if (!uncounted(reminting, cell, &amount))
            return false;
        *op = holm_op_add_at(cell->key, path, amount);
        return true;
    }
    return false;
}

/* ---- one key */

struct record {
    bool known; /* the old state has something of it that the cut has, too */
    size_t own, others, names;
};

static struct holm_dot dot_of(const struct reminting *reminting, const struct holm_cell *cell)
{
    return (struct holm_dot){reminting->old->actors.rows[cell->actor].actor, cell->seq};
}

/* What a node's epochs up to the last that is folded here have in a counter of the cut, folded there or not. */
static uint64_t share_there(const struct reminting *reminting, struct holm_bytes at,
                            const struct holm_cell *folded)
{
    const struct holm_state *state = &reminting->cut->state;
    struct holm_actor actor = dot_of(reminting, folded).actor;
    struct holm_epoch floor = holm_vector_floor(holm_replica_collected(reminting->old), actor.node);
    struct holm_bytes path = holm_names_path(&reminting->old->state.names, folded->path);
    struct holm_key key = holm_state_key(state, at);
    struct holm_slot slot = {.kind = HOLM_COUNTER, .actor = HOLM_ACTOR_NONE};
    struct holm_spot spot;
    struct holm_cell cell;
    uint64_t sum = 0;
    slot.path = holm_names_find(&state->names, path);
    if (slot.path == HOLM_NAME_NONE || !holm_state_find(state, &key, &spot) ||
        !holm_spot_seek(state, &spot, &slot))
        return 0;
    for (; holm_spot_cell_of(state, &spot, &slot, &cell); holm_spot_next(state, &spot)) {
        struct holm_actor other = reminting->cut->actors.rows[cell.actor].actor;
        if (other.node.value == actor.node.value && other.epoch.value <= floor.value)
            sum += (uint64_t)cell.count.sum - (uint64_t)cell.count.cancelled_sum;
    }
    return sum;
}

/* Whether a raw cell is something that the cut lacks. A ghost is nothing. */
static bool is_missing(const struct reminting *reminting, const struct holm_spot *spot,
                       const struct holm_cell *cell)
{
    struct holm_dot dot = dot_of(reminting, cell);
    if (covered(reminting, dot))
        return false;
    if (cell->kind != HOLM_COUNTER)
        return true;
    if (!holm_count_live(&cell->count))
        return false;
    /* Of all that is folded the cut lacks something; of this counter it may have all the same. */
    return dot.actor.epoch.value != 0 ||
           share_there(reminting, holm_spot_key(&reminting->old->state, spot), cell) !=
               (uint64_t)cell->count.sum - (uint64_t)cell->count.cancelled_sum;
}

/* The raw cells of a record, ghosts too: what of it was known on both sides, and what is missing there. */
static void survey(const struct reminting *reminting, struct holm_spot spot, struct record *record)
{
    const struct holm_state *state = &reminting->old->state;
    struct holm_cell cell;
    *record = (struct record){.known = false};
    for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot)) {
        struct holm_dot dot = dot_of(reminting, &cell);
        if (covered(reminting, dot) || is_doubtful(reminting, dot) ||
            (cell.kind == HOLM_COUNTER &&
             covered(reminting, (struct holm_dot){dot.actor, cell.count.start})))
            record->known = true;
        if (!is_missing(reminting, &spot, &cell))
            continue;
        if (!is_own(reminting, dot.actor)) {
            record->others += 1;
            continue;
        }
        record->own += 1;
        if (cell.kind != HOLM_KIND_TOMBSTONE)
            record->names += holm_path_count(holm_names_path(&state->names, cell.path));
    }
}

static void lose(const struct reminting *reminting, const struct holm_lost *lost)
{
    reminting->remint->dropped += 1;
    reminting->to->lose(reminting->to->context, lost);
}

/* What a record has that the cut lacks: own cells, or those of others. */
static void lose_cells(const struct reminting *reminting, struct holm_spot spot, bool own)
{
    const struct holm_state *state = &reminting->old->state;
    struct holm_cell cell;
    for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot)) {
        struct holm_lost lost = {.key = holm_spot_key(state, &spot), .kind = cell.kind};
        lost.dot = dot_of(reminting, &cell);
        if (!is_missing(reminting, &spot, &cell) || is_own(reminting, lost.dot.actor) != own)
            continue;
        if (cell.kind == HOLM_KIND_TOMBSTONE)
            lost.kind = 0;
        else
            lost.path = holm_names_path(&state->names, cell.path);
        lose(reminting, &lost);
    }
}

static void lose_view(const struct reminting *reminting, const struct holm_cell_view *cell)
{
    struct holm_lost lost = {
        .key = cell->key, .path = cell->path, .kind = cell->kind, .dot = cell->dot};
    lose(reminting, &lost);
}

static bool add_cell(void *context, const struct holm_cell_view *cell)
{
    struct reminting *reminting = context;
    struct holm_op op;
    if (covered(reminting, cell->dot) || !is_own(reminting, cell->dot.actor))
        return true;
    if (op_of(reminting, cell, names_of(reminting, cell->path), &op))
        add_op(reminting, op);
    return true;
}

/* Of what there was to become operations: what did not, or not for sure all of it. */
static bool lose_unmade(void *context, const struct holm_cell_view *cell)
{
    const struct reminting *reminting = context;
    struct holm_op op;
    if (covered(reminting, cell->dot) || !is_own(reminting, cell->dot.actor))
        return true;
    if (!op_of(reminting, cell, holm_path_of(NULL, 0), &op) ||
        (cell->kind == HOLM_COUNTER &&
         is_doubtful(reminting, (struct holm_dot){cell->dot.actor, cell->count->start})))
        lose_view(reminting, cell);
    return true;
}

/* Of those that became operations, which were refused. */
static bool lose_refused(void *context, const struct holm_cell_view *cell)
{
    const struct reminting *reminting = context;
    struct holm_op op;
    if (!covered(reminting, cell->dot) && is_own(reminting, cell->dot.actor) &&
        op_of(reminting, cell, holm_path_of(NULL, 0), &op))
        lose_view(reminting, cell);
    return true;
}

/* Whether an own run replaced something on this key that the cut has. */
static bool replaced_known(const struct reminting *reminting, struct holm_bytes key)
{
    const struct holm_oplog *log = &reminting->old->log;
    for (size_t i = 0; i < log->count; i++) {
        const struct holm_delta *run = holm_oplog_at(log, i)->delta;
        if (!is_own(reminting, run->actor) ||
            covered(reminting, (struct holm_dot){run->actor, run->last}))
            continue;
        const struct holm_items *items = &run->items;
        for (uint32_t k = 0; k < items->item_count; k++) {
            const struct holm_item *item = &items->items[k];
            if (!holm_bytes_equal(item->key, key))
                continue;
            for (uint32_t s = 0; s < item->seen_count; s++) {
                const struct holm_seen *seen = &items->seen[item->seen_first + s];
                if (covered(reminting, (struct holm_dot){items->actors[seen->actor], seen->first}))
                    return true;
            }
        }
    }
    return false;
}

static bool has_gone(const struct reminting *reminting, struct holm_bytes key, bool known)
{
    if (holm_replica_exists(reminting->cut, key))
        return false;
    return known || reminting->blind || replaced_known(reminting, key);
}

/* False: it is refused. */
static bool give(struct reminting *reminting)
{
    const struct holm_reminter *to = reminting->to;
    if (reminting->count == 0)
        return true;
    enum holm_status status = to->take(to->context, reminting->ops, reminting->count);
    if (status == HOLM_OK)
        reminting->remint->minted += reminting->count;
    if (status == HOLM_ENOMEM)
        reminting->status = status;
    return status == HOLM_OK;
}

static bool give_record(struct reminting *reminting, struct holm_bytes key, bool buried,
                        const struct record *record)
{
    reminting->count = reminting->name_count = 0;
    reminting->status = reserve(reminting, record->own + 1, record->names + 1);
    if (reminting->status != HOLM_OK)
        return false;
    if (buried)
        add_op(reminting, holm_op_bury(key));
    else
        holm_replica_visit(reminting->old, key, add_cell, reminting);
    return give(reminting);
}

/* Nothing of it is told while it may yet come here again. */
static void remint_record(struct reminting *reminting, struct holm_spot *spot)
{
    const struct holm_state *state = &reminting->old->state;
    struct record record;
    struct holm_bytes key = holm_spot_key(state, spot);
    bool buried = holm_spot_buried(state, spot);
    survey(reminting, *spot, &record);
    bool gone = record.own > 0 && !buried && has_gone(reminting, key, record.known);
    bool written = record.own > 0 && !gone;
    bool given = written && give_record(reminting, key, buried, &record);
    if (reminting->status != HOLM_OK)
        return;
    if (record.others > 0)
        lose_cells(reminting, *spot, false);
    if (gone || (written && buried && !given))
        lose_cells(reminting, *spot, true);
    if (!written || buried)
        return;
    holm_replica_visit(reminting->old, key, lose_unmade, reminting);
    if (!given)
        holm_replica_visit(reminting->old, key, lose_refused, reminting);
}

static void remint_records(struct reminting *reminting)
{
    const struct holm_state *state = &reminting->old->state;
    struct holm_walk walk = reminting->remint->place.walk;
    struct holm_spot spot;
    while (reminting->status == HOLM_OK && holm_walk_next(state, &walk, &spot)) {
        remint_record(reminting, &spot);
        if (reminting->status == HOLM_OK)
            reminting->remint->place.walk = walk;
    }
}

/* ---- removals */

struct removal {
    const struct holm_items *items;
    const struct holm_item *item;
    bool any, other;
};

static bool judge_cell(void *context, const struct holm_cell_view *cell)
{
    struct removal *removal = context;
    const struct holm_item *item = removal->item;
    bool seen = false;
    if (item->op == HOLM_ITEM_DROP_SLOT &&
        (!holm_bytes_equal(cell->path, item->path) || cell->kind != item->kind ||
         !holm_bytes_equal(cell->sub, item->sub)))
        return true;
    if (item->op == HOLM_ITEM_DROP_PATH && !holm_path_covers(item->path, cell->path))
        return true;
    for (uint32_t s = 0; s < item->seen_count; s++) {
        const struct holm_seen *range = &removal->items->seen[item->seen_first + s];
        seen = seen || (holm_actor_equal(removal->items->actors[range->actor], cell->dot.actor) &&
                        cell->dot.seq >= range->first && cell->dot.seq <= range->last);
    }
    removal->any = true;
    removal->other = removal->other || !seen;
    return true;
}

static bool removal_op(const struct holm_item *item, struct holm_path path, struct holm_op *op)
{
    if (item->op == HOLM_ITEM_DROP_PATH)
        *op = holm_op_remove_at(item->key, path);
    else if (item->kind == HOLM_SET)
        *op = holm_op_erase_at(item->key, path, item->sub);
    else if (item->kind == HOLM_FLAG)
        *op = holm_op_disable_at(item->key, path);
    else
        return false;
    return true;
}

static void remint_removal(struct reminting *reminting, const struct holm_delta *run,
                           const struct holm_item *item)
{
    struct removal removal = {&run->items, item, false, false};
    struct holm_op op;
    holm_replica_visit(reminting->cut, item->key, judge_cell, &removal);
    if (!removal.any)
        return; /* it is gone there, too */
    reminting->count = reminting->name_count = 0;
    reminting->status = reserve(reminting, 1, holm_path_count(item->path) + 1);
    if (reminting->status != HOLM_OK)
        return;
    if (!removal.other && removal_op(item, names_of(reminting, item->path), &op)) {
        add_op(reminting, op);
        if (give(reminting) || reminting->status != HOLM_OK)
            return;
    }
    struct holm_lost lost = {.key = item->key,
                             .path = item->path,
                             .kind = item->op == HOLM_ITEM_DROP_PATH ? 0 : item->kind,
                             .removal = true,
                             .dot = {run->actor, run->last}};
    lose(reminting, &lost);
}

/* A burial whose tombstone was collected here, by those who were members here: the cut's side knows nothing of it,
 * and what it has on that key dies. If the key was written again since, that has to live: then what the cut has is
 * removed. */
static void remint_burial(struct reminting *reminting, const struct holm_delta *run,
                          const struct holm_item *item)
{
    bool again = holm_replica_exists(reminting->old, item->key);
    if (holm_replica_buried(reminting->old, item->key) ||
        holm_replica_buried(reminting->cut, item->key) ||
        (again && !holm_replica_exists(reminting->cut, item->key)))
        return;
    reminting->count = reminting->name_count = 0;
    reminting->status = reserve(reminting, 1, 1);
    if (reminting->status != HOLM_OK)
        return;
    add_op(reminting,
           again ? holm_op_remove(item->key, holm_mem(NULL, 0)) : holm_op_bury(item->key));
    if (give(reminting) || reminting->status != HOLM_OK)
        return;
    struct holm_lost lost = {.key = item->key, .dot = {run->actor, item->seq}};
    lose(reminting, &lost);
}

static void remint_items(struct reminting *reminting, const struct holm_delta *run)
{
    struct holm_remint_place *place = &reminting->remint->place;
    if (!is_own(reminting, run->actor) ||
        covered(reminting, (struct holm_dot){run->actor, run->last}))
        return;
    for (; place->item < run->items.item_count; place->item++) {
        const struct holm_item *item = &run->items.items[place->item];
        if (item->op == HOLM_ITEM_DROP_SLOT || item->op == HOLM_ITEM_DROP_PATH)
            remint_removal(reminting, run, item);
        else if (item->op == HOLM_ITEM_BURY)
            remint_burial(reminting, run, item);
        if (reminting->status != HOLM_OK)
            return;
    }
}

static void remint_removals(struct reminting *reminting)
{
    const struct holm_oplog *log = &reminting->old->log;
    struct holm_remint_place *place = &reminting->remint->place;
    while (place->run < log->count) {
        remint_items(reminting, holm_oplog_at(log, place->run)->delta);
        if (reminting->status != HOLM_OK)
            return;
        place->run += 1;
        place->item = 0;
    }
}

/* Whether own runs that the cut does not cover have left the op log. */
static bool is_blind(const struct reminting *reminting)
{
    const struct holm_actors *actors = &reminting->old->actors;
    for (size_t i = 0; i < actors->count; i++) {
        const struct holm_actor_row *row = &actors->rows[i];
        if (is_own(reminting, row->actor) && row->floor > 0 &&
            !covered(reminting, (struct holm_dot){row->actor, row->floor}))
            return true;
    }
    return false;
}

/* What each operation is in place of is not told apart: all is from one state. */
static void note_origins(struct reminting *reminting)
{
    const struct holm_replica *old = reminting->old;
    struct holm_actor self = reminting->cut->actors.rows[reminting->cut->self].actor;
    struct holm_dot copy = {self, holm_replica_last_minted(reminting->cut)};
    size_t *at = &reminting->remint->place.actor;
    bool any = reminting->remint->minted > 0 && copy.seq > 0;
    for (; any && *at < old->actors.count; *at += 1) {
        struct holm_actor of = old->actors.rows[*at].actor;
        struct holm_origin origin = {copy, of, 0, holm_replica_seq(old, of), HOLM_ORIGINS_NONE};
        if (!is_own(reminting, of) || holm_actor_equal(of, self) ||
            has_dot(reminting, (struct holm_dot){of, origin.last}))
            continue;
        origin.after = known_seq(reminting, of);
        reminting->status = holm_origins_add(reminting->origins, &origin);
        HOLM_ASSERT(reminting->status != HOLM_EMALFORMED);
        if (reminting->status != HOLM_OK)
            return;
    }
}

enum holm_status holm_replica_remint(struct holm_replica *old, struct holm_replica *cut,
                                     const struct holm_reminter *reminter,
                                     struct holm_origins *origins, struct holm_remint *remint)
{
    struct reminting reminting = {.old = old,
                                  .cut = cut,
                                  .to = reminter,
                                  .remint = remint,
                                  .origins = origins,
                                  .self = old->actors.rows[old->self].actor.node,
                                  .status = HOLM_OK};
    HOLM_ASSERT(!holm_replica_pending(old) && !holm_replica_pending(cut) && old->guard != NULL);
    if (!remint->place.begun)
        remint->place = (struct holm_remint_place){
            .begun = true, .walk = holm_state_walk(&old->state, 0, UINT64_MAX)};
    holm_origins_look(origins, dotted_seq, &reminting);
    reminting.blind = is_blind(&reminting);
    remint_removals(&reminting);
    if (reminting.status == HOLM_OK)
        remint_records(&reminting);
    if (reminting.status == HOLM_OK)
        note_origins(&reminting);
    const struct holm_allocator *allocator = &old->config.allocator;
    holm_array_free(allocator, reminting.ops, reminting.capacity, sizeof *reminting.ops);
    holm_array_free(allocator, reminting.names, reminting.name_capacity, sizeof *reminting.names);
    return reminting.status;
}
