/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/reference.h"

#include <assert.h>
#include <stdlib.h>

void reference_init(struct reference *reference)
{
    memset(reference, 0, sizeof *reference);
}

void reference_release(struct reference *reference)
{
    free(reference->operations);
    free(reference->seen);
    free(reference->alive);
    free(reference->listed);
    reference_init(reference);
}

void reference_clear(struct reference *reference)
{
    reference->count = 0;
    reference->seen_count = 0;
    reference->actor_count = 0;
}

size_t reference_actor(struct reference *reference, struct holm_actor actor)
{
    for (size_t i = 0; i < reference->actor_count; i++)
        if (holm_actor_equal(reference->actors[i], actor))
            return i;
    assert(reference->actor_count < REFERENCE_ACTORS_MAX);
    reference->actors[reference->actor_count] = actor;
    return reference->actor_count++;
}

static size_t name_count(const struct reference_place *place)
{
    return place->parents.count + (place->field.size > 0);
}

static struct holm_bytes name_of(const struct reference_place *place, size_t index)
{
    return index < place->parents.count ? place->parents.names[index] : place->field;
}

struct holm_path reference_path(const struct reference_place *place,
                                struct holm_bytes names[REFERENCE_NAMES_MAX])
{
    size_t count = name_count(place);
    assert(count <= REFERENCE_NAMES_MAX);
    for (size_t i = 0; i < count; i++)
        names[i] = name_of(place, i);
    return holm_path_of(names, count);
}

bool reference_below(const struct reference_place *above, const struct reference_place *place)
{
    bool below = name_count(above) <= name_count(place);
    for (size_t i = 0; below && i < name_count(above); i++)
        below = holm_bytes_equal(name_of(above, i), name_of(place, i));
    return below;
}

bool reference_same_place(const struct reference_place *a, const struct reference_place *b)
{
    return name_count(a) == name_count(b) && reference_below(a, b);
}

bool reference_covers(const struct reference_view *view,
                      const struct reference_operation *operation)
{
    return operation->dot.seq <= view->seq[operation->actor];
}

struct reference_operation *reference_find(const struct reference *reference, struct holm_dot dot)
{
    for (size_t i = reference->count; i > 0; i--) {
        struct reference_operation *operation = &reference->operations[i - 1];
        if (operation->dot.seq == dot.seq && holm_actor_equal(operation->dot.actor, dot.actor))
            return operation;
    }
    return NULL;
}

void reference_join(struct reference_view *view, const struct reference_view *other)
{
    for (size_t i = 0; i < REFERENCE_ACTORS_MAX; i++)
        if (view->seq[i] < other->seq[i])
            view->seq[i] = other->seq[i];
}

bool reference_has_all(const struct reference_view *view, const struct reference_view *other)
{
    for (size_t i = 0; i < REFERENCE_ACTORS_MAX; i++)
        if (view->seq[i] < other->seq[i])
            return false;
    return true;
}

/* ---- live ----------------------------------------------------------------------------------- */

void reference_look(struct reference *reference, const struct reference_view *view)
{
    for (size_t i = 0; i < reference->count; i++)
        reference->listed[i] = false;
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        if (!reference_covers(view, operation))
            continue;
        for (size_t s = 0; s < operation->seen_count; s++)
            reference->listed[reference->seen[operation->seen_first + s]] = true;
    }
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        reference->alive[i] = operation->effect == REFERENCE_PUT &&
                              reference_covers(view, operation) && !reference->listed[i] &&
                              !reference_buried(reference, view, &operation->collected,
                                                operation->key);
    }
}

bool reference_buried(const struct reference *reference, const struct reference_view *view,
                      const struct reference_view *collected, struct holm_bytes key)
{
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        if (operation->effect == REFERENCE_BURY && reference_covers(view, operation) &&
            !reference_covers(collected, operation) && holm_bytes_equal(operation->key, key))
            return true;
    }
    return false;
}

/* ---- reading -------------------------------------------------------------------------------- */

bool reference_exists(const struct reference *reference, struct holm_bytes key)
{
    for (size_t i = 0; i < reference->count; i++)
        if (reference->alive[i] && holm_bytes_equal(reference->operations[i].key, key))
            return true;
    return false;
}

static bool in_slot(const struct reference *reference, size_t index, struct holm_bytes key,
                    const struct reference_place *place, enum holm_kind kind)
{
    const struct reference_operation *operation = &reference->operations[index];
    return reference->alive[index] && operation->kind == kind &&
           holm_bytes_equal(operation->key, key) && reference_same_place(&operation->place, place);
}

bool reference_has(const struct reference *reference, struct holm_bytes key,
                   const struct reference_place *place, enum holm_kind kind,
                   struct holm_bytes element)
{
    for (size_t i = 0; i < reference->count; i++)
        if (in_slot(reference, i, key, place, kind) &&
            holm_bytes_equal(reference->operations[i].element, element))
            return true;
    return false;
}

/* IEEE 754 totalOrder, by the bits: the sign decides, and negative numbers run backwards. */
static int order_doubles(double a, double b)
{
    int64_t x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    if (x < 0)
        x = INT64_MIN - x - 1;
    if (y < 0)
        y = INT64_MIN - y - 1;
    return (x > y) - (x < y);
}

int reference_order(struct holm_value a, struct holm_value b)
{
    if (a.type != b.type)
        return a.type < b.type ? -1 : 1;
    switch (a.type) {
    case HOLM_NONE:
        return 0;
    case HOLM_BYTES:
    case HOLM_TEXT:
        return holm_bytes_compare(a.as.bytes, b.as.bytes);
    case HOLM_I64:
        return (a.as.i64 > b.as.i64) - (a.as.i64 < b.as.i64);
    case HOLM_DOUBLE:
        return order_doubles(a.as.f64, b.as.f64);
    case HOLM_BOOL:
        return (int)a.as.boolean - (int)b.as.boolean;
    }
    abort();
}

static int order_of_dots(struct holm_dot a, struct holm_dot b)
{
    int order = holm_actor_compare(a.actor, b.actor);
    return order != 0 ? order : (a.seq > b.seq) - (a.seq < b.seq);
}

/* Positive when `a` is read rather than `b`. */
static int order_of_siblings(const struct reference_operation *a,
                             const struct reference_operation *b)
{
    int order = 0;
    if (a->kind == HOLM_MAX)
        order = reference_order(a->value, b->value);
    if (a->kind == HOLM_MIN)
        order = reference_order(b->value, a->value);
    if (order == 0)
        order = (a->hlc > b->hlc) - (a->hlc < b->hlc);
    return order != 0 ? order : order_of_dots(a->dot, b->dot);
}

const struct reference_operation *reference_winner(const struct reference *reference,
                                                   struct holm_bytes key,
                                                   const struct reference_place *place,
                                                   enum holm_kind kind)
{
    const struct reference_operation *winner = NULL;
    for (size_t i = 0; i < reference->count; i++)
        if (in_slot(reference, i, key, place, kind) &&
            (winner == NULL || order_of_siblings(&reference->operations[i], winner) > 0))
            winner = &reference->operations[i];
    return winner;
}

void reference_wide_add(struct reference_wide *wide, int64_t term)
{
    uint64_t before = wide->low;
    wide->low += (uint64_t)term;
    wide->high += (term < 0 ? UINT64_MAX : 0) + (wide->low < before);
}

int64_t reference_wide_value(const struct reference_wide *wide, bool *fits)
{
    *fits = wide->high == (wide->low > INT64_MAX ? UINT64_MAX : 0);
    if (!*fits)
        return wide->high > INT64_MAX ? INT64_MIN : INT64_MAX;
    return wide->low <= INT64_MAX ? (int64_t)wide->low
                                  : (int64_t)(wide->low - INT64_MAX - 1) + INT64_MIN;
}

bool reference_sum(const struct reference *reference, struct holm_bytes key,
                   const struct reference_place *place, int64_t *sum)
{
    struct reference_wide wide = {0, 0};
    bool found = false, fits;
    for (size_t i = 0; i < reference->count; i++) {
        if (!in_slot(reference, i, key, place, HOLM_COUNTER))
            continue;
        reference_wide_add(&wide, reference->operations[i].value.as.i64);
        found = true;
    }
    *sum = reference_wide_value(&wide, &fits);
    return found;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void *grown(void *array, size_t element_bytes, size_t capacity)
{
    void *fresh = realloc(array, element_bytes * capacity);
    assert(fresh != NULL);
    return fresh;
}

static struct reference_operation *append(struct reference *reference, struct holm_actor actor,
                                          const struct reference_view *past)
{
    if (reference->count == reference->capacity) {
        size_t capacity = reference->capacity == 0 ? 64 : 2 * reference->capacity;
        reference->operations = grown(reference->operations, sizeof *reference->operations,
                                      capacity);
        reference->alive = grown(reference->alive, sizeof *reference->alive, capacity);
        reference->listed = grown(reference->listed, sizeof *reference->listed, capacity);
        reference->capacity = capacity;
    }
    struct reference_operation *operation = &reference->operations[reference->count++];
    memset(operation, 0, sizeof *operation);
    operation->actor = reference_actor(reference, actor);
    operation->dot.actor = actor;
    operation->dot.seq = past->seq[operation->actor] + 1;
    operation->seen_first = reference->seen_count;
    operation->past = *past;
    return operation;
}

static void list_as_seen(struct reference *reference, size_t index)
{
    if (reference->seen_count == reference->seen_capacity) {
        reference->seen_capacity = reference->seen_capacity == 0 ? 256
                                                                 : 2 * reference->seen_capacity;
        reference->seen = grown(reference->seen, sizeof *reference->seen, reference->seen_capacity);
    }
    reference->seen[reference->seen_count++] = index;
}

/* What an operation replaces or removes, of what its writer sees. */
static bool is_replaced(const struct holm_op *op, enum holm_kind kind,
                        const struct reference_operation *cell)
{
    struct reference_place place = {op->parents, op->field};
    if (!holm_bytes_equal(cell->key, op->key))
        return false;
    if (op->type == HOLM_OP_REMOVE)
        return reference_below(&place, &cell->place);
    if (op->type == HOLM_OP_ADD || op->type == HOLM_OP_BURY)
        return false;
    bool of_set = op->type == HOLM_OP_INSERT || op->type == HOLM_OP_ERASE;
    return cell->kind == kind && reference_same_place(&cell->place, &place) &&
           (!of_set || holm_bytes_equal(cell->element, op->as.element));
}

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

static enum reference_effect effect_of(enum holm_op_type type)
{
    if (type == HOLM_OP_BURY)
        return REFERENCE_BURY;
    bool drops = type == HOLM_OP_RESET || type == HOLM_OP_ERASE || type == HOLM_OP_DISABLE ||
                 type == HOLM_OP_REMOVE;
    return drops ? REFERENCE_DROP : REFERENCE_PUT;
}

/* A raise puts the larger of its own value and what its writer had seen. */
static struct holm_value value_of(const struct reference *reference, const struct holm_op *op)
{
    switch (op->type) {
    case HOLM_OP_PUT:
        return op->as.value;
    case HOLM_OP_ADD:
        return holm_i64(op->as.amount);
    case HOLM_OP_RAISE:
    case HOLM_OP_LOWER: {
        struct reference_place place = {op->parents, op->field};
        const struct reference_operation *best = reference_winner(reference, op->key, &place,
                                                                  kind_of(op->type));
        int order = best == NULL ? 0 : reference_order(best->value, op->as.value);
        bool keep = op->type == HOLM_OP_RAISE ? order > 0 : order < 0;
        return keep ? best->value : op->as.value;
    }
    case HOLM_OP_RESET:
    case HOLM_OP_INSERT:
    case HOLM_OP_ERASE:
    case HOLM_OP_ENABLE:
    case HOLM_OP_DISABLE:
    case HOLM_OP_REMOVE:
    case HOLM_OP_BURY:
        break;
    }
    struct holm_value none = {.type = HOLM_NONE};
    return none;
}

static void place(const struct reference *reference, struct reference_operation *operation)
{
    operation->first_of_key = operation->first_of_slot = true;
    for (const struct reference_operation *other = reference->operations; other < operation;
         other++) {
        if (!holm_bytes_equal(other->key, operation->key))
            continue;
        operation->first_of_key = false;
        if (other->kind == operation->kind && other->effect == operation->effect &&
            reference_same_place(&other->place, &operation->place) &&
            holm_bytes_equal(other->element, operation->element))
            operation->first_of_slot = false;
    }
}

static enum holm_status check_sizes(const struct holm_op *op)
{
    const struct reference_place place = {op->parents, op->field};
    size_t path_bytes = 0;
    if (op->key.size == 0)
        return HOLM_EINVAL;
    if (op->key.size > HOLM_KEY_BYTES_MAX)
        return HOLM_ETOOBIG;
    for (size_t i = 0; i < name_count(&place); i++) {
        size_t bytes = name_of(&place, i).size;
        path_bytes += 1 + bytes;
        if (bytes == 0)
            return HOLM_EINVAL;
        if (bytes > HOLM_FIELD_BYTES_MAX || path_bytes > HOLM_PATH_BYTES_MAX)
            return HOLM_ETOOBIG;
    }
    return HOLM_OK;
}

/* A writer's sum of its live increments, and that of all since it last had none, must fit in 64 bits. (That
 * a reset takes a part of them can leave more than fits: then it reads as the nearest.) */
static enum holm_status chain(const struct reference *reference, struct holm_actor actor,
                              const struct holm_op *op, int64_t *chain_sum)
{
    const struct reference_place place = {op->parents, op->field};
    struct reference_wide live = {0, 0}, all = {0, 0};
    int64_t before = 0;
    bool live_fits, all_fits;
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        if (!in_slot(reference, i, op->key, &place, HOLM_COUNTER) ||
            !holm_actor_equal(operation->dot.actor, actor))
            continue;
        reference_wide_add(&live, operation->value.as.i64);
        before = operation->chain_sum;
    }
    reference_wide_add(&live, op->as.amount);
    reference_wide_add(&all, before);
    reference_wide_add(&all, op->as.amount);
    *chain_sum = reference_wide_value(&all, &all_fits);
    (void)reference_wide_value(&live, &live_fits);
    return live_fits && all_fits ? HOLM_OK : HOLM_EOVERFLOW;
}

/* One operation on top of `writer`; *minted is 0 or 1. */
static enum holm_status commit_one(struct reference *reference,
                                   const struct reference_writer *writer, const struct holm_op *op,
                                   uint32_t *minted)
{
    enum reference_effect effect = effect_of(op->type);
    int64_t chain_sum = 0;
    *minted = 0;
    if (check_sizes(op) != HOLM_OK)
        return check_sizes(op);
    reference_look(reference, &writer->past);
    if (reference_buried(reference, &writer->past, &writer->collected, op->key))
        return effect == REFERENCE_BURY ? HOLM_OK : HOLM_EBURIED;
    if (op->type == HOLM_OP_ADD && chain(reference, writer->actor, op, &chain_sum) != HOLM_OK)
        return HOLM_EOVERFLOW;

    size_t seen_before = reference->seen_count, count_before = reference->count;
    struct holm_value value = value_of(reference, op);
    for (size_t i = 0; i < count_before; i++)
        if (reference->alive[i] && is_replaced(op, kind_of(op->type), &reference->operations[i]))
            list_as_seen(reference, i);
    size_t seen_count = reference->seen_count - seen_before;
    if (effect == REFERENCE_DROP && seen_count == 0)
        return HOLM_OK;

    struct reference_operation *operation = append(reference, writer->actor, &writer->past);
    operation->collected = writer->collected;
    operation->chain_sum = chain_sum;
    operation->effect = effect;
    operation->key = op->key;
    operation->place = (struct reference_place){op->parents, op->field};
    operation->kind = kind_of(op->type);
    if (op->type == HOLM_OP_INSERT)
        operation->element = op->as.element;
    operation->value = value;
    place(reference, operation);
    operation->seen_first = seen_before;
    operation->seen_count = seen_count;
    *minted = 1;
    return HOLM_OK;
}

enum holm_status reference_commit(struct reference *reference,
                                  const struct reference_writer *writer, const struct holm_op *ops,
                                  size_t count, uint32_t *minted)
{
    struct reference_writer so_far = *writer;
    size_t number = reference_actor(reference, writer->actor);
    size_t count_before = reference->count, seen_before = reference->seen_count;
    *minted = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t one;
        enum holm_status status = commit_one(reference, &so_far, &ops[i], &one);
        if (status != HOLM_OK) {
            reference->count = count_before;
            reference->seen_count = seen_before;
            *minted = 0;
            return status;
        }
        *minted += one;
        so_far.past.seq[number] += one;
    }
    for (size_t i = count_before; i < reference->count; i++)
        reference->operations[i].batch_last = so_far.past.seq[number];
    return HOLM_OK;
}
