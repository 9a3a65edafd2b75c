/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/members.h"

void holm_members_init(struct holm_members *members, const struct holm_allocator *allocator)
{
    memset(members, 0, sizeof *members);
    members->allocator = *allocator;
}

void holm_members_release(struct holm_members *members)
{
    const struct holm_allocator *allocator = &members->allocator;
    for (size_t i = 0; i < members->fold_count; i++)
        holm_vector_release(&members->folds[i].lasts);
    holm_array_free(allocator, members->rows, members->capacity, sizeof *members->rows);
    holm_array_free(allocator, members->admissions, members->admission_capacity,
                    sizeof *members->admissions);
    holm_array_free(allocator, members->forgets, members->forget_capacity,
                    sizeof *members->forgets);
    holm_array_free(allocator, members->folds, members->fold_capacity, sizeof *members->folds);
    memset(members, 0, sizeof *members);
}

static int dot_compare(const struct holm_dot *a, const struct holm_dot *b)
{
    int order = holm_actor_compare(a->actor, b->actor);
    return order != 0 ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

int holm_founding_compare(const struct holm_founding *a, const struct holm_founding *b)
{
    if (a->generation != b->generation)
        return a->generation > b->generation ? 1 : -1;
    return dot_compare(&b->dot, &a->dot);
}

/* The first row whose node is not below. */
static size_t row_place(const struct holm_members *members, struct holm_node_id node)
{
    size_t low = 0;
    size_t high = members->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (members->rows[middle].actor.node.value < node.value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct holm_member_row *row_of(const struct holm_members *members, struct holm_node_id node)
{
    size_t place = row_place(members, node);
    bool found = place < members->count && members->rows[place].actor.node.value == node.value;
    return found ? &members->rows[place] : NULL;
}

/* The first admission that is not below. */
static size_t admission_place(const struct holm_members *members, struct holm_actor subject,
                              const struct holm_dot *dot)
{
    size_t low = 0;
    size_t high = members->admission_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct holm_member_admission *at = &members->admissions[middle];
        int order = holm_actor_compare(at->subject, subject);
        if (order == 0 && dot != NULL)
            order = dot_compare(&at->dot, dot);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* ---- forgets */

/*
 * Whether the author of forgets[at] is among those whom its subject forgot, directly or by way of
 * others, in forgets that stand and have lower dots. `reached` grows by one forget a round.
 */
static bool closes_ring(const struct holm_members *members, size_t at)
{
    struct holm_member_forget *forgets = members->forgets;
    for (size_t i = 0; i < at; i++)
        forgets[i].reached = forgets[i].stands &&
                             holm_members_covers(forgets[at].subject, forgets[i].dot.actor);
    for (bool grown = true; grown;) {
        grown = false;
        for (size_t i = 0; i < at; i++) {
            for (size_t k = 0; forgets[i].reached && k < at; k++) {
                if (!forgets[k].stands || forgets[k].reached ||
                    !holm_members_covers(forgets[i].subject, forgets[k].dot.actor))
                    continue;
                forgets[k].reached = true;
                grown = true;
            }
        }
    }
    bool ring = holm_members_covers(forgets[at].subject, forgets[at].dot.actor);
    for (size_t i = 0; i < at; i++)
        ring = ring || (forgets[i].reached &&
                        holm_members_covers(forgets[i].subject, forgets[at].dot.actor));
    return ring;
}

static void count_forgets(struct holm_members *members)
{
    for (size_t i = 0; i < members->count; i++)
        members->rows[i].forgotten = false;
    for (size_t i = 0; i < members->forget_count; i++) {
        struct holm_member_forget *forget = &members->forgets[i];
        struct holm_member_row *row = row_of(members, forget->subject.node);
        forget->stands = !closes_ring(members, i);
        if (forget->stands && row != NULL && holm_members_covers(forget->subject, row->actor))
            row->forgotten = true;
    }
}

/* ---- applying */

static void open_gap(void *array, size_t count, size_t at, size_t element_bytes)
{
    unsigned char *bytes = array;
    memmove(bytes + (at + 1) * element_bytes, bytes + at * element_bytes,
            (count - at) * element_bytes);
}

static enum holm_status reserve_row(struct holm_members *members)
{
    void *rows = members->rows;
    enum holm_status status = holm_array_reserve(&members->allocator, &rows, &members->capacity,
                                                 sizeof *members->rows, members->count + 1);
    members->rows = rows;
    return status;
}

/* Admissions of epochs that are no longer current go: nobody asks for them. */
static void drop_admissions(struct holm_members *members, struct holm_actor subject)
{
    size_t first = admission_place(members, subject, NULL);
    size_t end = first;
    while (end < members->admission_count &&
           holm_actor_equal(members->admissions[end].subject, subject))
        end += 1;
    memmove(members->admissions + first, members->admissions + end,
            (members->admission_count - end) * sizeof *members->admissions);
    members->admission_count -= end - first;
}

static void set_base(struct holm_member_row *row, const struct holm_member_op *op)
{
    row->base = op->base;
    row->state = op->state;
}

static enum holm_status admit(struct holm_members *members, const struct holm_member_op *op)
{
    struct holm_member_row *row = row_of(members, op->subject.node);
    if (row != NULL && op->subject.epoch.value < row->actor.epoch.value)
        return HOLM_OK;
    size_t place = admission_place(members, op->subject, &op->dot);
    if (place < members->admission_count &&
        holm_actor_equal(members->admissions[place].subject, op->subject) &&
        dot_compare(&members->admissions[place].dot, &op->dot) == 0)
        return HOLM_OK;
    void *admissions = members->admissions;
    enum holm_status status = holm_array_reserve(
        &members->allocator, &admissions, &members->admission_capacity, sizeof *members->admissions,
        members->admission_count + 1);
    members->admissions = admissions;
    if (status == HOLM_OK && row == NULL)
        status = reserve_row(members);
    if (status != HOLM_OK)
        return status;
    if (row == NULL) {
        size_t at = row_place(members, op->subject.node);
        open_gap(members->rows, members->count++, at, sizeof *members->rows);
        members->rows[at] = (struct holm_member_row){.actor = op->subject};
        set_base(&members->rows[at], op);
    } else if (op->subject.epoch.value > row->actor.epoch.value) {
        drop_admissions(members, row->actor);
        row->actor = op->subject;
        set_base(row, op);
    } else if (op->base.value < row->base.value ||
               (op->base.value == row->base.value && op->state < row->state)) {
        set_base(row, op);
    }
    place = admission_place(members, op->subject, &op->dot);
    open_gap(members->admissions, members->admission_count++, place, sizeof *members->admissions);
    members->admissions[place] = (struct holm_member_admission){op->subject, op->dot};
    count_forgets(members);
    return HOLM_OK;
}

static enum holm_status forget(struct holm_members *members, const struct holm_member_op *op)
{
    size_t place = 0;
    while (place < members->forget_count && dot_compare(&members->forgets[place].dot, &op->dot) < 0)
        place += 1;
    if (place < members->forget_count && dot_compare(&members->forgets[place].dot, &op->dot) == 0)
        return HOLM_OK;
    void *forgets = members->forgets;
    enum holm_status status = holm_array_reserve(
        &members->allocator, &forgets, &members->forget_capacity, sizeof *members->forgets,
        members->forget_count + 1);
    members->forgets = forgets;
    if (status != HOLM_OK)
        return status;
    open_gap(members->forgets, members->forget_count++, place, sizeof *members->forgets);
    members->forgets[place] = (struct holm_member_forget){.dot = op->dot, .subject = op->subject};
    count_forgets(members);
    return HOLM_OK;
}

static size_t fold_place(const struct holm_members *members, uint32_t partition)
{
    size_t place = 0;
    while (place < members->fold_count && members->folds[place].partition < partition)
        place += 1;
    return place;
}

static enum holm_status fold(struct holm_members *members, const struct holm_member_op *op)
{
    size_t place = fold_place(members, op->partition);
    bool there = place < members->fold_count && members->folds[place].partition == op->partition;
    struct holm_vector fresh;
    if (there)
        return holm_vector_raise(&members->folds[place].lasts, op->subject, op->last);
    void *folds = members->folds;
    enum holm_status status = holm_array_reserve(&members->allocator, &folds,
                                                 &members->fold_capacity, sizeof *members->folds,
                                                 members->fold_count + 1);
    members->folds = folds;
    holm_vector_init(&fresh, &members->allocator);
    if (status == HOLM_OK)
        status = holm_vector_raise(&fresh, op->subject, op->last);
    if (status != HOLM_OK)
        return status;
    open_gap(members->folds, members->fold_count++, place, sizeof *members->folds);
    members->folds[place] = (struct holm_member_lasts){op->partition, fresh};
    return HOLM_OK;
}

static enum holm_status admit_or_found(struct holm_members *members,
                                       const struct holm_member_op *op)
{
    struct holm_founding founding = {op->last, op->dot};
    bool founds = holm_actor_equal(op->subject, op->dot.actor);
    if (founds != (op->last > 0) || op->last == UINT64_MAX)
        return HOLM_EMALFORMED;
    enum holm_status status = admit(members, op);
    if (status == HOLM_OK && founds && holm_founding_compare(&founding, &members->founding) > 0)
        members->founding = founding;
    return status;
}

enum holm_status holm_members_apply(struct holm_members *members, const struct holm_member_op *op)
{
    if (op->dot.seq == 0 || op->dot.seq == HOLM_SEQ_FOLDED || op->subject.epoch.value == 0)
        return HOLM_EMALFORMED;
    if (op->type == HOLM_MEMBER_ADMIT)
        return admit_or_found(members, op);
    if (op->type == HOLM_MEMBER_FORGET)
        return forget(members, op);
    if (op->type != HOLM_MEMBER_FOLD || op->last == 0 || op->last == HOLM_SEQ_FOLDED)
        return HOLM_EMALFORMED;
    return fold(members, op);
}

/* ---- looking */

const struct holm_member_row *holm_members_find(const struct holm_members *members,
                                                struct holm_node_id node)
{
    return row_of(members, node);
}

bool holm_members_current(const struct holm_members *members, struct holm_actor actor)
{
    const struct holm_member_row *row = row_of(members, actor.node);
    return row != NULL && !row->forgotten && holm_actor_equal(row->actor, actor);
}

bool holm_members_admitted_in(const struct holm_members *members, struct holm_actor actor,
                              struct holm_vector_view list)
{
    size_t place = admission_place(members, actor, NULL);
    for (; place < members->admission_count; place++) {
        const struct holm_member_admission *admission = &members->admissions[place];
        if (!holm_actor_equal(admission->subject, actor))
            return false;
        if (holm_vector_has(list, admission->dot))
            return true;
    }
    return false;
}

bool holm_members_forgotten(const struct holm_members *members, struct holm_actor actor)
{
    for (size_t i = 0; i < members->forget_count; i++) {
        if (members->forgets[i].stands && holm_members_covers(members->forgets[i].subject, actor))
            return true;
    }
    return false;
}

bool holm_members_ended(const struct holm_members *members, struct holm_actor actor)
{
    const struct holm_member_row *row = row_of(members, actor.node);
    return (row != NULL && actor.epoch.value < row->actor.epoch.value) ||
           holm_members_forgotten(members, actor);
}

bool holm_members_take(const struct holm_members *members, struct holm_actor writer,
                       struct holm_actor sender, enum holm_way way)
{
    const struct holm_member_row *row = row_of(members, writer.node);
    if (way == HOLM_WAY_BROADCAST && !holm_members_current(members, writer))
        return false;
    return row != NULL && writer.epoch.value <= row->actor.epoch.value &&
           holm_members_current(members, sender);
}

struct holm_epoch holm_members_epoch_min(const struct holm_members *members,
                                         struct holm_node_id node)
{
    const struct holm_member_row *row = row_of(members, node);
    uint64_t highest = row == NULL ? 0 : row->actor.epoch.value;
    for (size_t i = 0; i < members->forget_count; i++) {
        const struct holm_actor *subject = &members->forgets[i].subject;
        if (subject->node.value == node.value && subject->epoch.value > highest)
            highest = subject->epoch.value;
    }
    for (size_t i = 0; i < members->fold_count; i++) {
        struct holm_vector_view lasts = holm_vector_view(&members->folds[i].lasts);
        for (size_t k = 0; k < lasts.count; k++) {
            if (lasts.entries[k].actor.node.value == node.value &&
                lasts.entries[k].actor.epoch.value > highest)
                highest = lasts.entries[k].actor.epoch.value;
        }
    }
    return (struct holm_epoch){highest + 1};
}

struct holm_vector_view holm_members_lasts(const struct holm_members *members, uint32_t partition)
{
    size_t place = fold_place(members, partition);
    if (place < members->fold_count && members->folds[place].partition == partition)
        return holm_vector_view(&members->folds[place].lasts);
    return (struct holm_vector_view){NULL, 0};
}

void holm_members_check(const struct holm_members *members)
{
    HOLM_ASSERT((members->founding.generation == 0) == (members->founding.dot.seq == 0));
    for (size_t i = 0; i < members->count; i++) {
        const struct holm_actor *actor = &members->rows[i].actor;
        size_t place = admission_place(members, *actor, NULL);
        HOLM_ASSERT(i == 0 || members->rows[i - 1].actor.node.value < actor->node.value);
        HOLM_ASSERT(place < members->admission_count);
        HOLM_ASSERT(holm_actor_equal(members->admissions[place].subject, *actor));
    }
    for (size_t i = 0; i < members->admission_count; i++) {
        const struct holm_member_row *row = row_of(members, members->admissions[i].subject.node);
        HOLM_ASSERT(row != NULL && holm_actor_equal(row->actor, members->admissions[i].subject));
    }
    for (size_t i = 0; i < members->forget_count; i++) {
        HOLM_ASSERT(i == 0 ||
                    dot_compare(&members->forgets[i - 1].dot, &members->forgets[i].dot) < 0);
        HOLM_ASSERT(members->forgets[i].stands == !closes_ring(members, i));
    }
    for (size_t i = 0; i < members->fold_count; i++) {
        HOLM_ASSERT(i == 0 || members->folds[i - 1].partition < members->folds[i].partition);
        holm_vector_check(&members->folds[i].lasts);
    }
}
