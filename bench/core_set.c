/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One record with a set of 100,000 elements, and beside the set a register: neither the set's own
 * operations nor the record's other fields may pay for its size.
 */
#include "bench/bare.h"
#include "bench/core.h"

#define ELEMENTS 100000
#define BATCH 16

enum work {
    INSERT,
    AGAIN,
    CONTAINS,
    ITERATE,
    BESIDE,
    ERASE,
    WORKS
};

struct large {
    struct holm_replica *replica;
    struct bare_keys elements;
    struct measure_samples taken[WORKS];
    struct measure_samples small; /* a register beside nothing */
};

static struct holm_bytes record(void)
{
    return holm_str("the-set");
}

static struct holm_bytes element_at(const struct large *large, size_t index)
{
    return bare_key(&large->elements, bare_shuffled(&large->elements, index));
}

static struct holm_op op_of(const struct large *large, enum work work, size_t index)
{
    struct holm_bytes field = holm_str("members");
    if (work == ERASE)
        return holm_op_erase(record(), field, element_at(large, index));
    if (work == BESIDE)
        return holm_op_put(record(), holm_str("name"), holm_i64((int64_t)index));
    return holm_op_insert(record(), field, element_at(large, index));
}

static void write_all(struct large *large, enum work work)
{
    struct holm_op ops[BATCH];
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < ELEMENTS; i += BATCH) {
        for (size_t j = 0; j < BATCH; j++)
            ops[j] = op_of(large, work, i + j);
        (void)bare_commit(large->replica, ops, BATCH);
    }
    (void)bare_flush(large->replica);
    measure_end(&large->taken[work], &span, ELEMENTS);
}

static void ask_all(struct large *large)
{
    size_t found = 0;
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < ELEMENTS; i++)
        found += holm_replica_contains(large->replica, record(), holm_str("members"),
                                       element_at(large, i));
    measure_end(&large->taken[CONTAINS], &span, ELEMENTS);
    measure_require(found == ELEMENTS, "all elements are there");
}

static bool count_cell(void *context, const struct holm_cell_view *cell)
{
    size_t *count = context;
    *count += cell->kind == HOLM_SET ? 1 : 0;
    return true;
}

static void visit_all(struct large *large)
{
    size_t count = 0;
    struct measure_span span = measure_begin();
    holm_replica_visit(large->replica, record(), count_cell, &count);
    measure_end(&large->taken[ITERATE], &span, ELEMENTS);
    measure_require(count == ELEMENTS, "each element is met once");
}

/* The same register in a record of its own. */
static void write_small(struct large *large)
{
    struct holm_replica *replica = bare_open(1, 0, NULL);
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < ELEMENTS; i += BATCH) {
        struct holm_op ops[BATCH];
        for (size_t j = 0; j < BATCH; j++)
            ops[j] = op_of(large, BESIDE, i + j);
        (void)bare_commit(replica, ops, BATCH);
    }
    (void)bare_flush(replica);
    measure_end(&large->small, &span, ELEMENTS);
    holm_replica_free(replica);
}

static void measure_large(struct large *large)
{
    large->replica = bare_open(1, 0, NULL);
    write_all(large, INSERT);
    write_all(large, AGAIN);
    ask_all(large);
    visit_all(large);
    write_small(large);
    write_all(large, BESIDE);
    write_all(large, ERASE);
    measure_require(
        !holm_replica_contains(large->replica, record(), holm_str("members"), element_at(large, 0)),
        "erased is gone");
    holm_replica_free(large->replica);
}

static void tell(struct report *report, const struct large *large)
{
    static const char *const names[WORKS] = {
        "insert, shuffled",           "insert again", "contains", "iterate",
        "put to another field of it", "erase"};
    struct report_base small = report_base(report, "put to one register of a record of its own",
                                           "ns", &large->small);
    for (int w = 0; w < WORKS; w++) {
        struct report_row row = {.name = names[w], .unit = "ns", .samples = &large->taken[w]};
        row.base = small;
        row.ratio_max = w == BESIDE ? 1.5 : 0;
        report_row(report, &row);
    }
}

void core_set(struct report *report)
{
    if (!report_wants(report, "set", "10^5 elements in one record, 16 operations a commit; ns"))
        return;
    struct large large = {.replica = NULL};
    bare_keys_make(&large.elements, ELEMENTS);
    for (int r = 0; r < (report->quick ? 1 : 5); r++)
        measure_large(&large);
    tell(report, &large);
    for (int w = 0; w < WORKS; w++)
        measure_samples_free(&large.taken[w]);
    measure_samples_free(&large.small);
    bare_keys_free(&large.elements);
}
