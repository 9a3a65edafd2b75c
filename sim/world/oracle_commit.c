/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crdt/order.h"
#include "crdt/path.h"
#include "sim/world/oracle_parts.h"

static enum holm_kind kind_of(enum holm_op_type type)
{
    switch (type) {
    case HOLM_OP_PUT:
        return HOLM_REGISTER;
    case HOLM_OP_ADD:
    case HOLM_OP_RESET:
        return HOLM_COUNTER;
    case HOLM_OP_INSERT:
    case HOLM_OP_ERASE:
        return HOLM_SET;
    case HOLM_OP_ENABLE:
    case HOLM_OP_DISABLE:
        return HOLM_FLAG;
    case HOLM_OP_RAISE:
        return HOLM_MAX;
    case HOLM_OP_LOWER:
        return HOLM_MIN;
    case HOLM_OP_REMOVE:
    case HOLM_OP_BURY:
        break;
    }
    return (enum holm_kind)0;
}

static enum holm_oracle_effect effect_of(enum holm_op_type type)
{
    switch (type) {
    case HOLM_OP_PUT:
    case HOLM_OP_ADD:
    case HOLM_OP_INSERT:
    case HOLM_OP_ENABLE:
    case HOLM_OP_RAISE:
    case HOLM_OP_LOWER:
        return HOLM_ORACLE_PUT;
    case HOLM_OP_RESET:
    case HOLM_OP_ERASE:
    case HOLM_OP_DISABLE:
    case HOLM_OP_REMOVE:
        return HOLM_ORACLE_DROP;
    case HOLM_OP_BURY:
        break;
    }
    return HOLM_ORACLE_BURY;
}

/* What is being minted, and on what. */
struct minting {
    struct holm_oracle *oracle;
    const struct holm_oracle_commit *commit;
    struct holm_oracle_view view;
    uint32_t actor, key;
    struct holm_packed_path packed; /* where `path` points to */
    struct holm_bytes path, element;
    enum holm_kind kind;
    uint32_t *seen; /* room for what one operation replaces */
    size_t seen_capacity;
};

/* Whether this live cell is one that `op` replaces or removes. */
static bool replaces(const struct minting *minting, const struct holm_op *op,
                     const struct holm_oracle_op *cell)
{
    if (op->type == HOLM_OP_ADD || op->type == HOLM_OP_BURY)
        return false;
    if (op->type == HOLM_OP_REMOVE)
        return minting->path.size <= cell->path.size &&
               (minting->path.size == 0 ||
                memcmp(cell->path.data, minting->path.data, minting->path.size) == 0);
    return cell->kind == minting->kind && holm_bytes_equal(cell->path, minting->path) &&
           holm_bytes_equal(cell->element, minting->element);
}

static void list_as_seen(struct holm_oracle *oracle, uint32_t seen, uint32_t killer)
{
    oracle->kills = holm_oracle_room(oracle->kills, &oracle->kill_capacity, oracle->kill_count,
                                     sizeof *oracle->kills);
    oracle->kills[oracle->kill_count] = (struct holm_oracle_kill){killer,
                                                                  oracle->ops[seen].killers};
    oracle->ops[seen].killers = (uint32_t)oracle->kill_count++;
}

/* The value of a raise is the larger of its own and of those it replaces. */
static void outbid(const struct holm_op *op, const struct holm_oracle_op *cell,
                   struct holm_value *value)
{
    int order = holm_value_compare(&cell->value, value);
    if ((op->type == HOLM_OP_RAISE && order > 0) || (op->type == HOLM_OP_LOWER && order < 0))
        *value = cell->value;
}

static struct holm_value kept_value(struct holm_oracle *oracle, struct holm_value value)
{
    if (value.type == HOLM_BYTES || value.type == HOLM_TEXT)
        value.as.bytes.data = holm_oracle_keep(oracle, value.as.bytes.data, value.as.bytes.size);
    return value;
}

static struct holm_value value_of(const struct holm_op *op)
{
    if (op->type == HOLM_OP_ADD)
        return holm_i64(op->as.amount);
    bool valued = op->type == HOLM_OP_PUT || op->type == HOLM_OP_RAISE || op->type == HOLM_OP_LOWER;
    return valued ? op->as.value : holm_value_of(HOLM_NONE);
}

/* The increments of an actor in a slot, the latest first. */
static void link_chain(struct holm_oracle *oracle, uint32_t number)
{
    struct holm_oracle_op *op = &oracle->ops[number];
    op->previous_of_chain = HOLM_ORACLE_NONE;
    if (op->effect != HOLM_ORACLE_PUT || op->kind != HOLM_COUNTER)
        return;
    for (uint32_t i = oracle->keys[op->key].first; i != HOLM_ORACLE_NONE;
         i = oracle->ops[i].next_of_key) {
        const struct holm_oracle_op *other = &oracle->ops[i];
        if (other->effect == op->effect && other->kind == op->kind && other->actor == op->actor &&
            holm_bytes_equal(other->path, op->path))
            op->previous_of_chain = i;
    }
    op->chain = op->previous_of_chain == HOLM_ORACLE_NONE
                    ? oracle->chains++
                    : oracle->ops[op->previous_of_chain].chain;
}

static void link_key(struct holm_oracle *oracle, uint32_t number)
{
    struct holm_oracle_op *op = &oracle->ops[number];
    struct holm_oracle_key *key = &oracle->keys[op->key];
    op->next_of_key = HOLM_ORACLE_NONE;
    if (key->last == HOLM_ORACLE_NONE)
        key->first = number;
    else
        oracle->ops[key->last].next_of_key = number;
    key->last = number;
    key->buries += op->effect == HOLM_ORACLE_BURY;
}

static uint32_t append(struct minting *minting, const struct holm_op *op)
{
    struct holm_oracle *oracle = minting->oracle;
    struct holm_oracle_actor *actor = &oracle->actors[minting->actor];
    uint32_t number = (uint32_t)oracle->count;
    oracle->ops = holm_oracle_room(oracle->ops, &oracle->capacity, oracle->count,
                                   sizeof *oracle->ops);
    actor->ops = holm_oracle_room(actor->ops, &actor->capacity, actor->count, sizeof *actor->ops);
    struct holm_oracle_op *made = &oracle->ops[oracle->count++];
    *made = (struct holm_oracle_op){
        .effect = effect_of(op->type),
        .actor = minting->actor,
        .seq = ++minting->view.seqs[minting->actor],
        .key = minting->key,
        .kind = minting->kind,
        .node = minting->commit->node,
        .at_us = minting->commit->at_us,
        .killers = HOLM_ORACLE_NONE,
        .past_count = minting->view.count,
    };
    HOLM_ASSERT(made->seq == actor->count + 1);
    actor->ops[actor->count++] = number;
    const struct holm_bytes *path = &minting->path, *element = &minting->element;
    made->path = holm_mem(holm_oracle_keep(oracle, path->data, path->size), path->size);
    made->element = holm_mem(holm_oracle_keep(oracle, element->data, element->size), element->size);
    made->past = holm_oracle_keep(oracle, minting->view.seqs,
                                  minting->view.count * sizeof *minting->view.seqs);
    made->past[minting->actor]--;
    link_chain(oracle, number);
    link_key(oracle, number);
    return number;
}

/* One operation on top of the view; whether it minted. */
static bool mint(struct minting *minting, const struct holm_op *op)
{
    struct holm_oracle *oracle = minting->oracle;
    struct holm_value value = value_of(op);
    size_t count = 0;
    for (uint32_t i = oracle->keys[minting->key].first; i != HOLM_ORACLE_NONE;
         i = oracle->ops[i].next_of_key) {
        if (!replaces(minting, op, &oracle->ops[i]) || !holm_oracle_live(oracle, &minting->view, i))
            continue;
        outbid(op, &oracle->ops[i], &value);
        minting->seen = holm_oracle_room(minting->seen, &minting->seen_capacity, count,
                                         sizeof *minting->seen);
        minting->seen[count++] = i;
    }
    if (effect_of(op->type) == HOLM_ORACLE_DROP && count == 0)
        return false;
    uint32_t number = append(minting, op);
    oracle->ops[number].value = kept_value(oracle, value);
    for (size_t i = 0; i < count; i++)
        list_as_seen(oracle, minting->seen[i], number);
    return true;
}

static bool buried(const struct minting *minting)
{
    const struct holm_oracle *oracle = minting->oracle;
    for (uint32_t i = oracle->keys[minting->key].first; i != HOLM_ORACLE_NONE;
         i = oracle->ops[i].next_of_key)
        if (oracle->ops[i].effect == HOLM_ORACLE_BURY &&
            holm_oracle_covers(&minting->view, &oracle->ops[i]) &&
            !holm_vector_has(
                minting->commit->collected,
                (struct holm_dot){oracle->actors[oracle->ops[i].actor].actor, oracle->ops[i].seq}))
            return true;
    return false;
}

static void prepare(struct minting *minting, const struct holm_op *op)
{
    enum holm_status status = holm_path_pack(&minting->packed, op->parents, op->field);
    HOLM_ASSERT(status == HOLM_OK);
    bool of_set = op->type == HOLM_OP_INSERT || op->type == HOLM_OP_ERASE;
    minting->key = holm_oracle_key_number(minting->oracle, op->key);
    minting->path = holm_path_bytes(&minting->packed);
    minting->element = of_set ? op->as.element : holm_mem(NULL, 0);
    minting->kind = kind_of(op->type);
}

/* Whether some operation of the batch is refused: a burial within it counts for those behind. */
static bool refused(struct minting *minting)
{
    const struct holm_oracle_commit *commit = minting->commit;
    for (size_t i = 0; i < commit->count; i++) {
        if (commit->ops[i].type == HOLM_OP_BURY)
            continue;
        prepare(minting, &commit->ops[i]);
        bool dead = buried(minting);
        for (size_t j = 0; j < i && !dead; j++)
            dead = commit->ops[j].type == HOLM_OP_BURY &&
                   holm_bytes_equal(commit->ops[j].key, commit->ops[i].key);
        if (dead)
            return true;
    }
    return false;
}

enum holm_status holm_oracle_commit(struct holm_oracle *oracle,
                                    const struct holm_oracle_commit *commit, uint32_t *minted)
{
    struct minting minting = {.oracle = oracle, .commit = commit};
    *minted = 0;
    minting.actor = holm_oracle_actor_number(oracle, commit->actor);
    (void)holm_oracle_view_set(oracle, &minting.view, commit->past);
    enum holm_status status = refused(&minting) ? HOLM_EBURIED : HOLM_OK;
    size_t first = oracle->count;
    for (size_t i = 0; i < commit->count && status == HOLM_OK; i++) {
        prepare(&minting, &commit->ops[i]);
        if (!buried(&minting))
            *minted += mint(&minting, &commit->ops[i]);
    }
    for (size_t i = first; i < oracle->count; i++)
        oracle->ops[i].batch_last = oracle->actors[minting.actor].count;
    holm_oracle_view_release(&minting.view);
    free(minting.seen);
    return status;
}

/* ---- words ---------------------------------------------------------------------------------- */

static const char *verb_of(const struct holm_oracle_op *op)
{
    static const char *const puts[] = {"writes",  "puts",   "adds to", "inserts into",
                                       "enables", "raises", "lowers"};
    if (op->effect == HOLM_ORACLE_BURY)
        return "buries";
    if (op->effect == HOLM_ORACLE_DROP)
        return op->kind == HOLM_COUNTER ? "resets" : "removes";
    return puts[(size_t)op->kind < sizeof puts / sizeof puts[0] ? (size_t)op->kind : 0];
}

void holm_oracle_describe(const struct holm_oracle *oracle, uint32_t number, char *text,
                          size_t capacity)
{
    const struct holm_oracle_op *op = holm_oracle_op(oracle, number);
    struct holm_bytes key = holm_oracle_key(oracle, op->key);
    struct holm_bytes path = op->path, name = {NULL, 0};
    while (path.size > 0)
        name = holm_path_take(&path);
    (void)snprintf(text, capacity,
                   "operation %" PRIu64 " of n%" PRIu32 " in epoch %" PRIx64 " (at %" PRIu64
                   ".%06" PRIu64 ", it %s %.*s %.*s)",
                   op->seq, op->node, oracle->actors[op->actor].actor.epoch.value,
                   op->at_us / 1000000, op->at_us % 1000000, verb_of(op), (int)key.size,
                   (const char *)key.data, (int)name.size,
                   name.size > 0 ? (const char *)name.data : "");
}
