/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/journal.h"

#include "crdt/order.h"

void holm_journal_init(struct holm_journal *journal, const struct holm_allocator *allocator,
                       size_t bytes_max)
{
    memset(journal, 0, sizeof *journal);
    journal->allocator = *allocator;
    journal->bytes_max = bytes_max;
    holm_arena_init(&journal->arena, allocator);
}

void holm_journal_release(struct holm_journal *journal)
{
    holm_arena_release(&journal->arena);
    holm_array_free(&journal->allocator, journal->ops, journal->op_capacity, sizeof *journal->ops);
    holm_array_free(&journal->allocator, journal->ends, journal->batch_capacity,
                    sizeof *journal->ends);
    memset(journal, 0, sizeof *journal);
}

/* ---- looking */

static size_t first_waiting(const struct holm_journal *journal)
{
    return journal->minted == 0 ? 0 : journal->ends[journal->minted - 1];
}

/* What an operation of a kind does to a slot, by its type. */
struct effect {
    enum holm_kind kind;
    bool writes, hides;
};

static struct effect effect_of(enum holm_op_type type)
{
    switch (type) {
    case HOLM_OP_PUT:
        return (struct effect){HOLM_REGISTER, true, true};
    case HOLM_OP_ADD:
        return (struct effect){HOLM_COUNTER, true, false};
    case HOLM_OP_RESET:
        return (struct effect){HOLM_COUNTER, false, true};
    case HOLM_OP_INSERT:
        return (struct effect){HOLM_SET, true, false};
    case HOLM_OP_ERASE:
        return (struct effect){HOLM_SET, false, true};
    case HOLM_OP_ENABLE:
        return (struct effect){HOLM_FLAG, true, false};
    case HOLM_OP_DISABLE:
        return (struct effect){HOLM_FLAG, false, true};
    case HOLM_OP_RAISE:
        return (struct effect){HOLM_MAX, true, false};
    case HOLM_OP_LOWER:
        return (struct effect){HOLM_MIN, true, false};
    case HOLM_OP_REMOVE:
    case HOLM_OP_BURY:
        break;
    }
    return (struct effect){HOLM_REGISTER, false, true};
}

static bool touches(const struct holm_journal_op *at, struct holm_bytes path, enum holm_kind kind,
                    struct holm_bytes element)
{
    if (at->op.type == HOLM_OP_BURY)
        return true;
    if (at->op.type == HOLM_OP_REMOVE)
        return holm_path_covers(at->path, path);
    return effect_of(at->op.type).kind == kind && holm_bytes_equal(at->path, path) &&
           (kind != HOLM_SET || holm_bytes_equal(at->op.as.element, element));
}

static void write_value(struct holm_journal_view *view, const struct holm_op *op)
{
    bool larger = view->written && holm_value_compare(&op->as.value, &view->value) > 0;
    bool keeps = (op->type == HOLM_OP_RAISE && view->written && !larger) ||
                 (op->type == HOLM_OP_LOWER && larger);
    if (!keeps)
        view->value = op->as.value;
}

static void follow(struct holm_journal_view *view, const struct holm_op *op)
{
    struct effect effect = effect_of(op->type);
    if (effect.hides) {
        *view = (struct holm_journal_view){.hidden = true, .buried = op->type == HOLM_OP_BURY};
    }
    if (!effect.writes)
        return;
    if (op->type == HOLM_OP_ADD)
        view->added += op->as.amount;
    else if (effect.kind == HOLM_REGISTER || effect.kind == HOLM_MAX || effect.kind == HOLM_MIN)
        write_value(view, op);
    view->written = true;
}

/* Looks at the operations up to `end`. */
static void look(const struct holm_journal *journal, size_t end, const struct holm_bytes *key,
                 struct holm_bytes path, enum holm_kind kind, struct holm_bytes element,
                 struct holm_journal_view *view)
{
    *view = (struct holm_journal_view){.hidden = false};
    for (size_t i = first_waiting(journal); i < end; i++) {
        const struct holm_journal_op *at = &journal->ops[i];
        if (holm_bytes_equal(at->op.key, *key) && touches(at, path, kind, element))
            follow(view, &at->op);
    }
}

void holm_journal_look(const struct holm_journal *journal, struct holm_bytes key,
                       struct holm_bytes path, enum holm_kind kind, struct holm_bytes element,
                       struct holm_journal_view *view)
{
    look(journal, journal->op_count, &key, path, kind, element, view);
}

/* ---- adding */

static enum holm_status copy_parents(struct holm_journal *journal, struct holm_path *parents)
{
    if (parents->count == 0)
        return HOLM_OK;
    struct holm_bytes *names = holm_arena_take(&journal->arena, parents->count * sizeof *names);
    if (names == NULL)
        return HOLM_ENOMEM;
    for (size_t i = 0; i < parents->count; i++) {
        if (holm_arena_copy(&journal->arena, parents->names[i], &names[i]) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    *parents = holm_path_of(names, parents->count);
    return HOLM_OK;
}

static bool has_value(enum holm_op_type type)
{
    return type == HOLM_OP_PUT || type == HOLM_OP_RAISE || type == HOLM_OP_LOWER;
}

static enum holm_status copy_op(struct holm_journal *journal, struct holm_journal_op *to,
                                const struct holm_op *from)
{
    struct holm_packed_path packed;
    struct holm_arena *arena = &journal->arena;
    to->op = *from;
    enum holm_status status = holm_path_pack(&packed, from->parents, from->field);
    if (status == HOLM_OK)
        status = holm_arena_copy(arena, holm_path_bytes(&packed), &to->path);
    if (status == HOLM_OK)
        status = holm_arena_copy(arena, from->key, &to->op.key);
    if (status == HOLM_OK)
        status = holm_arena_copy(arena, from->field, &to->op.field);
    if (status == HOLM_OK)
        status = copy_parents(journal, &to->op.parents);
    if (status == HOLM_OK && (from->type == HOLM_OP_INSERT || from->type == HOLM_OP_ERASE))
        status = holm_arena_copy(arena, from->as.element, &to->op.as.element);
    if (status == HOLM_OK && has_value(from->type) && holm_type_has_bytes(from->as.value.type))
        status = holm_arena_copy(arena, from->as.value.as.bytes, &to->op.as.value.as.bytes);
    return status;
}

/* Whether the operations before it allow the one at `at`. */
static enum holm_status allowed(const struct holm_journal *journal, size_t at)
{
    const struct holm_journal_op *op = &journal->ops[at];
    struct holm_journal_view view;
    look(journal, at, &op->op.key, op->path, HOLM_COUNTER, holm_mem(NULL, 0), &view);
    if (view.buried)
        return HOLM_EBURIED;
    if (op->op.type != HOLM_OP_ADD)
        return HOLM_OK;
    bool fits = op->op.as.amount >= 0 ? view.added <= INT64_MAX - op->op.as.amount
                                      : view.added >= INT64_MIN - op->op.as.amount;
    return fits ? HOLM_OK : HOLM_EOVERFLOW;
}

static enum holm_status reserve(struct holm_journal *journal, size_t count)
{
    void *ops = journal->ops;
    void *ends = journal->ends;
    enum holm_status status = holm_array_reserve(&journal->allocator, &ops, &journal->op_capacity,
                                                 sizeof *journal->ops, journal->op_count + count);
    journal->ops = ops;
    if (status == HOLM_OK)
        status = holm_array_reserve(&journal->allocator, &ends, &journal->batch_capacity,
                                    sizeof *journal->ends, journal->batch_count + 1);
    journal->ends = ends;
    return status;
}

enum holm_status holm_journal_add(struct holm_journal *journal, const struct holm_op *ops,
                                  size_t count)
{
    HOLM_ASSERT(count > 0);
    enum holm_status status = reserve(journal, count);
    if (status != HOLM_OK)
        return status;
    struct holm_arena_mark mark = holm_arena_mark(&journal->arena);
    for (size_t i = 0; status == HOLM_OK && i < count; i++) {
        status = copy_op(journal, &journal->ops[journal->op_count + i], &ops[i]);
        if (status == HOLM_OK)
            status = allowed(journal, journal->op_count + i);
    }
    if (status == HOLM_OK && journal->arena.taken > journal->bytes_max)
        status = HOLM_ELIMIT;
    if (status != HOLM_OK) {
        holm_arena_rewind(&journal->arena, mark);
        return status;
    }
    journal->before_last = mark;
    journal->op_count += count;
    journal->ends[journal->batch_count++] = journal->op_count;
    return HOLM_OK;
}

/* ---- minting */

const struct holm_journal_op *holm_journal_first(const struct holm_journal *journal, size_t *count)
{
    HOLM_ASSERT(holm_journal_count(journal) > 0);
    size_t first = first_waiting(journal);
    *count = journal->ends[journal->minted] - first;
    return &journal->ops[first];
}

static void release_if_done(struct holm_journal *journal)
{
    if (holm_journal_count(journal) > 0)
        return;
    struct holm_allocator allocator = journal->allocator;
    size_t bytes_max = journal->bytes_max;
    holm_journal_release(journal);
    holm_journal_init(journal, &allocator, bytes_max);
}

void holm_journal_drop_first(struct holm_journal *journal)
{
    HOLM_ASSERT(holm_journal_count(journal) > 0);
    journal->minted += 1;
    release_if_done(journal);
}

void holm_journal_drop_last(struct holm_journal *journal)
{
    HOLM_ASSERT(holm_journal_count(journal) > 0);
    journal->batch_count -= 1;
    journal->op_count = journal->batch_count == 0 ? 0 : journal->ends[journal->batch_count - 1];
    holm_arena_rewind(&journal->arena, journal->before_last);
    release_if_done(journal);
}

void holm_journal_check(const struct holm_journal *journal)
{
    size_t end = 0;
    HOLM_ASSERT(journal->minted <= journal->batch_count);
    for (size_t i = 0; i < journal->batch_count; i++) {
        HOLM_ASSERT(journal->ends[i] > end);
        end = journal->ends[i];
    }
    HOLM_ASSERT(end == journal->op_count);
    for (size_t i = first_waiting(journal); i < journal->op_count; i++)
        HOLM_ASSERT(allowed(journal, i) != HOLM_EBURIED);
}
