/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/reads.h"

#include "crdt/order.h"
#include "crdt/path.h"
#include "tests/model/reference.h"

#include <stdio.h>
#include <stdlib.h>

#define NAMES_MAX 8

/* A slot, by a cell that lies in it, and what the cells of that slot come to. */
struct slot {
    const struct holm_replica *replica, *other;
    const struct holm_cell_view *cell;
    struct reference_wide sum;
    struct holm_value largest, smallest;
    bool best; /* the cell comes before all its siblings */
};

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "reads: %s\n", what);
        abort();
    }
}

static struct holm_path path_of(struct holm_bytes packed, struct holm_bytes *names)
{
    size_t count = 0;
    while (packed.size > 0) {
        require(count < NAMES_MAX, "a path is longer than any that was written");
        names[count++] = holm_path_take(&packed);
    }
    return (struct holm_path){names, count};
}

static bool dots_equal(struct holm_dot a, struct holm_dot b)
{
    return holm_actor_equal(a.actor, b.actor) && a.seq == b.seq;
}

static bool values_equal(struct holm_value a, struct holm_value b)
{
    return a.type == b.type && holm_value_compare(&a, &b) == 0;
}

/* ---- one replica ---------------------------------------------------------------------------- */

/* Adds what is left of an entry; the sum that is cancelled may be INT64_MIN, which has no opposite. */
static void add_share(struct slot *slot, const struct holm_count *count)
{
    reference_wide_add(&slot->sum, count->sum);
    reference_wide_add(&slot->sum, -(count->cancelled_sum / 2));
    reference_wide_add(&slot->sum, -(count->cancelled_sum - count->cancelled_sum / 2));
}

/* The order of writes: by time, then actor, then seq. */
static bool is_later(const struct holm_cell_view *a, const struct holm_cell_view *b)
{
    if (a->hlc != b->hlc)
        return a->hlc > b->hlc;
    int order = holm_actor_compare(a->dot.actor, b->dot.actor);
    return order != 0 ? order > 0 : a->dot.seq > b->dot.seq;
}

static bool add_sibling(void *context, const struct holm_cell_view *cell)
{
    struct slot *slot = context;
    if (!holm_bytes_equal(cell->path, slot->cell->path) || cell->kind != slot->cell->kind ||
        !holm_bytes_equal(cell->sub, slot->cell->sub))
        return true;
    if (cell->kind == HOLM_COUNTER) {
        add_share(slot, cell->count);
        return true;
    }
    if (holm_value_compare(&cell->value, &slot->largest) > 0)
        slot->largest = cell->value;
    if (holm_value_compare(&cell->value, &slot->smallest) < 0)
        slot->smallest = cell->value;
    slot->best = slot->best && !is_later(cell, slot->cell);
    return true;
}

static void check_winner(const struct slot *slot, struct holm_path path)
{
    struct holm_cell_view winner;
    enum holm_kind kind = (enum holm_kind)slot->cell->kind;
    require(holm_replica_get_at(slot->replica, slot->cell->key, path, kind, &winner) == HOLM_OK,
            "what is visited cannot be read");
    require(kind != HOLM_MAX || values_equal(winner.value, slot->largest),
            "max is not the largest");
    require(kind != HOLM_MIN || values_equal(winner.value, slot->smallest),
            "min is not the smallest");
    require(kind != HOLM_REGISTER || !slot->best ||
                (dots_equal(winner.dot, slot->cell->dot) && winner.hlc == slot->cell->hlc &&
                 values_equal(winner.value, slot->cell->value)),
            "a register is not the last that was written");
}

static void check_sum(const struct slot *slot, struct holm_path path)
{
    bool fits;
    int64_t sum, expected = reference_wide_value(&slot->sum, &fits);
    require(holm_replica_count_at(slot->replica, slot->cell->key, path, &sum) == HOLM_OK,
            "a counter with a share cannot be read");
    require(sum == expected,
            fits ? "a sum is not that of its shares" : "a sum beyond 64 bits is not the nearest");
}

static bool check_cell(void *context, const struct holm_cell_view *cell)
{
    const struct holm_replica *replica = context;
    struct slot slot = {.replica = replica,
                        .cell = cell,
                        .largest = cell->value,
                        .smallest = cell->value,
                        .best = true};
    struct holm_bytes names[NAMES_MAX];
    struct holm_path path = path_of(cell->path, names);
    holm_replica_visit(replica, cell->key, add_sibling, &slot);
    require(holm_replica_exists(replica, cell->key) && !holm_replica_buried(replica, cell->key),
            "a record with a live cell is not there");
    if (cell->kind == HOLM_COUNTER)
        check_sum(&slot, path);
    else if (cell->kind == HOLM_SET)
        require(holm_replica_contains_at(replica, cell->key, path, cell->sub),
                "an element is not in its set");
    else if (cell->kind == HOLM_FLAG)
        require(holm_replica_enabled_at(replica, cell->key, path), "a flag is not up");
    else if (cell->kind <= HOLM_MIN)
        check_winner(&slot, path);
    return true;
}

void reads_check(const struct holm_replica *replica)
{
    holm_replica_visit(replica, holm_str(NULL), check_cell, (void *)(uintptr_t)replica);
}

/* ---- two ------------------------------------------------------------------------------------ */

static bool same_winner(const struct slot *slot, struct holm_path path)
{
    struct holm_cell_view here, there;
    struct holm_bytes key = slot->cell->key;
    enum holm_kind kind = (enum holm_kind)slot->cell->kind;
    return holm_replica_get_at(slot->replica, key, path, kind, &here) == HOLM_OK &&
           holm_replica_get_at(slot->other, key, path, kind, &there) == HOLM_OK &&
           dots_equal(here.dot, there.dot) && here.hlc == there.hlc &&
           values_equal(here.value, there.value);
}

static bool same_sum(const struct slot *slot, struct holm_path path)
{
    int64_t here, there;
    struct holm_bytes key = slot->cell->key;
    return holm_replica_count_at(slot->replica, key, path, &here) == HOLM_OK &&
           holm_replica_count_at(slot->other, key, path, &there) == HOLM_OK && here == there;
}

static bool compare_cell(void *context, const struct holm_cell_view *cell)
{
    struct slot *slot = context;
    struct holm_bytes names[NAMES_MAX];
    struct holm_path path = path_of(cell->path, names);
    slot->cell = cell;
    require(holm_replica_exists(slot->other, cell->key), "a record is not in the other");
    if (cell->kind == HOLM_COUNTER)
        require(same_sum(slot, path), "a counter reads otherwise in the other");
    else if (cell->kind == HOLM_SET)
        require(holm_replica_contains_at(slot->other, cell->key, path, cell->sub),
                "an element is not in the other");
    else if (cell->kind == HOLM_FLAG)
        require(holm_replica_enabled_at(slot->other, cell->key, path),
                "a flag is not up in the other");
    else if (cell->kind <= HOLM_MIN)
        require(same_winner(slot, path), "a value reads otherwise in the other");
    return true;
}

static bool compare_tombstone(void *context, struct holm_bytes key, struct holm_dot dot)
{
    const struct slot *slot = context;
    (void)dot;
    require(holm_replica_buried(slot->other, key) && !holm_replica_exists(slot->other, key),
            "what is buried is not in the other");
    return true;
}

void reads_compare(const struct holm_replica *a, const struct holm_replica *b)
{
    struct slot there = {.replica = a, .other = b}, back = {.replica = b, .other = a};
    holm_replica_visit(a, holm_str(NULL), compare_cell, &there);
    holm_replica_visit(b, holm_str(NULL), compare_cell, &back);
    holm_replica_visit_tombstones(a, compare_tombstone, &there);
    holm_replica_visit_tombstones(b, compare_tombstone, &back);
}
