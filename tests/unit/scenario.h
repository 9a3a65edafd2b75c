/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario.h - words for directed tests on a few replicas, so that they read as a story.
 *
 *     put(f, A, "k", "name", 1);          every write is held against the reference
 *     flush(f, A);                        and seals a run: number f->run_count - 1
 *     fixture_give(f, B, run);
 *     assert_sum(f, B, "k", "health", 5);
 */
#ifndef HOLM_TESTS_UNIT_SCENARIO_H
#define HOLM_TESTS_UNIT_SCENARIO_H

#include "tests/model/network.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static inline enum holm_status commit(struct fixture *fixture, size_t node, struct holm_op op)
{
    return fixture_commit(fixture, node, &op, 1);
}

static inline struct holm_op op_of(enum holm_op_type type, const char *key, const char *field)
{
    struct holm_op op = {.type = type, .key = holm_str(key), .field = holm_str(field)};
    return op;
}

static inline void put(struct fixture *fixture, size_t node, const char *key, const char *field,
                       int64_t number)
{
    struct holm_op op = op_of(HOLM_OP_PUT, key, field);
    op.as.value = holm_i64(number);
    assert_int_equal(commit(fixture, node, op), HOLM_OK);
}

static inline void add(struct fixture *fixture, size_t node, const char *key, const char *field,
                       int64_t amount)
{
    struct holm_op op = op_of(HOLM_OP_ADD, key, field);
    op.as.amount = amount;
    assert_int_equal(commit(fixture, node, op), HOLM_OK);
}

static inline void insert(struct fixture *fixture, size_t node, const char *key, const char *field,
                          const char *element)
{
    struct holm_op op = op_of(HOLM_OP_INSERT, key, field);
    op.as.element = holm_str(element);
    assert_int_equal(commit(fixture, node, op), HOLM_OK);
}

static inline void erase(struct fixture *fixture, size_t node, const char *key, const char *field,
                         const char *element)
{
    struct holm_op op = op_of(HOLM_OP_ERASE, key, field);
    op.as.element = holm_str(element);
    assert_int_equal(commit(fixture, node, op), HOLM_OK);
}

/* RESET, ENABLE, DISABLE, REMOVE and BURY need no more than a key and a field. */
static inline void write_op(struct fixture *fixture, size_t node, enum holm_op_type type,
                            const char *key, const char *field)
{
    assert_int_equal(commit(fixture, node, op_of(type, key, field)), HOLM_OK);
}

/* Seals, and gives the number of the run. */
static inline size_t flush(struct fixture *fixture, size_t node)
{
    size_t before = fixture->run_count;
    fixture_flush(fixture, node);
    assert_int_equal(fixture->run_count, before + 1);
    return before;
}

static inline void assert_sum(struct fixture *fixture, size_t node, const char *key,
                              const char *field, int64_t expected)
{
    int64_t sum;
    enum holm_status status = holm_replica_count(fixture->nodes[node].replica, holm_str(key),
                                                 holm_str(field), &sum);
    assert_int_equal(status, HOLM_OK);
    assert_true(sum == expected);
}

static inline void assert_reads(struct fixture *fixture, size_t node, const char *key,
                                const char *field, int64_t expected)
{
    struct holm_cell_view cell;
    assert_int_equal(holm_replica_get(fixture->nodes[node].replica, holm_str(key), holm_str(field),
                                      HOLM_REGISTER, &cell),
                     HOLM_OK);
    assert_int_equal(cell.value.type, HOLM_I64);
    assert_true(cell.value.as.i64 == expected);
}

static inline void assert_absent(struct fixture *fixture, size_t node, const char *key)
{
    assert_false(holm_replica_exists(fixture->nodes[node].replica, holm_str(key)));
}

static inline bool contains(struct fixture *fixture, size_t node, const char *key,
                            const char *field, const char *element)
{
    return holm_replica_contains(fixture->nodes[node].replica, holm_str(key), holm_str(field),
                                 holm_str(element));
}

static inline struct holm_replica_stats stats_of(struct fixture *fixture, size_t node)
{
    struct holm_replica_stats stats;
    holm_replica_stats(fixture->nodes[node].replica, &stats);
    return stats;
}

extern const struct CMUnitTest scenario_clock_tests[];
extern const size_t scenario_clock_count;
extern const struct CMUnitTest scenario_identity_tests[];
extern const size_t scenario_identity_count;
extern const struct CMUnitTest scenario_context_tests[];
extern const size_t scenario_context_count;
extern const struct CMUnitTest scenario_value_tests[];
extern const size_t scenario_value_count;
extern const struct CMUnitTest scenario_schedule_tests[];
extern const size_t scenario_schedule_count;

#endif
