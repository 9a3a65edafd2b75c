/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The laws of merging, the same for every kind: test_law KIND
 *
 * Three replicas write at random over the kind's alphabet, now and then hearing from each other.
 * Then their states and runs are brought together in different ways by others, which must come to
 * the same. Each replica is also held against the reference at every turn, so that equal means
 * equally right.
 */
#include "tests/model/chance.h"
#include "tests/model/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define ROUNDS 150
#define OPERATIONS 9
#define ALPHABET_MAX 8

#define BYTES(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
#define K .key = BYTES("k")
#define F .field = BYTES("f")
#define NUMBER(n) .as.value = {.type = HOLM_I64, .as.i64 = (n)}
#define ELEMENT(text) .as.element = BYTES(text)

struct kind {
    const char *name;
    struct holm_op alphabet[ALPHABET_MAX];
    size_t op_count;
};

static const struct kind kinds[] = {
    {"register",
     {{.type = HOLM_OP_PUT, K, F, NUMBER(1)},
      {.type = HOLM_OP_PUT, K, F, .as.value = {.type = HOLM_TEXT, .as.bytes = BYTES("text")}},
      {.type = HOLM_OP_PUT, K, NUMBER(3)},
      {.type = HOLM_OP_REMOVE, K, F}},
     4},
    {"counter",
     {{.type = HOLM_OP_ADD, K, F, .as.amount = 1},
      {.type = HOLM_OP_ADD, K, F, .as.amount = -7},
      {.type = HOLM_OP_ADD, K, .as.amount = 100},
      {.type = HOLM_OP_RESET, K, F}},
     4},
    {"set",
     {{.type = HOLM_OP_INSERT, K, F, ELEMENT("x")},
      {.type = HOLM_OP_INSERT, K, F, ELEMENT("y")},
      {.type = HOLM_OP_INSERT, K, F, ELEMENT("")},
      {.type = HOLM_OP_ERASE, K, F, ELEMENT("x")},
      {.type = HOLM_OP_ERASE, K, F, ELEMENT("y")}},
     5},
    {"flag",
     {{.type = HOLM_OP_ENABLE, K, F},
      {.type = HOLM_OP_DISABLE, K, F},
      {.type = HOLM_OP_ENABLE, K},
      {.type = HOLM_OP_DISABLE, K}},
     4},
    {"max",
     {{.type = HOLM_OP_RAISE, K, F, NUMBER(1)},
      {.type = HOLM_OP_RAISE, K, F, NUMBER(2)},
      {.type = HOLM_OP_RAISE, K, F, .as.value = {.type = HOLM_DOUBLE, .as.f64 = -0.5}},
      {.type = HOLM_OP_REMOVE, K, F}},
     4},
    {"min",
     {{.type = HOLM_OP_LOWER, K, F, NUMBER(1)},
      {.type = HOLM_OP_LOWER, K, F, NUMBER(2)},
      {.type = HOLM_OP_LOWER, K, F, .as.value = {.type = HOLM_BOOL, .as.boolean = true}},
      {.type = HOLM_OP_REMOVE, K, F}},
     4},
    {"bury",
     {{.type = HOLM_OP_PUT, K, F, NUMBER(1)},
      {.type = HOLM_OP_ADD, K, F, .as.amount = 2},
      {.type = HOLM_OP_BURY, K},
      {.type = HOLM_OP_INSERT, .key = BYTES("l"), ELEMENT("x")},
      {.type = HOLM_OP_BURY, .key = BYTES("l")},
      {.type = HOLM_OP_REMOVE, K}},
     6},
    {"remove",
     {{.type = HOLM_OP_PUT, K, F, NUMBER(1)},
      {.type = HOLM_OP_ADD, K, F, .as.amount = 2},
      {.type = HOLM_OP_INSERT, K, .field = BYTES("g"), ELEMENT("x")},
      {.type = HOLM_OP_ENABLE, K},
      {.type = HOLM_OP_REMOVE, K, F},
      {.type = HOLM_OP_REMOVE, K}},
     6},
};

static const struct kind *kind;

/* What every law starts from: A, B and C have written; D and E are empty. */
struct scene {
    struct fixture fixture;
    struct chance chance;
    uint64_t epochs;
    struct fixture_state early[3]; /* states of A, B and C on their way */
};

static void hear(struct scene *scene, size_t node, size_t from)
{
    if (chance_permille(&scene->chance, 500))
        fixture_merge(&scene->fixture, from, node);
    else
        fixture_give_all(&scene->fixture, from, node);
    fixture_check(&scene->fixture, node);
}

static void scene_init(struct scene *scene, uint64_t seed)
{
    struct holm_replica_config limits = holm_replica_config_default();
    memset(scene, 0, sizeof *scene);
    scene->chance.state = seed;
    scene->epochs = 1;
    limits.page_items_max = 1 + (uint32_t)chance_below(&scene->chance, 3);
    fixture_init(&scene->fixture, 5, &limits);
    for (size_t i = 0; i < OPERATIONS; i++) {
        size_t node = chance_below(&scene->chance, 3);
        const struct holm_op *op = &kind->alphabet[chance_below(&scene->chance, kind->op_count)];
        (void)fixture_commit(&scene->fixture, node, op, 1);
        if (chance_permille(&scene->chance, 600))
            fixture_flush(&scene->fixture, node);
        if (chance_permille(&scene->chance, 400))
            hear(scene, chance_below(&scene->chance, 3), node);
        if (i < 3)
            fixture_state_take(&scene->fixture, i, &scene->early[i]);
        scene->fixture.now_us += chance_below(&scene->chance, 2000);
    }
    for (size_t node = A; node <= C; node++)
        fixture_flush(&scene->fixture, node);
    fixture_check_all(&scene->fixture);
}

static void scene_release(struct scene *scene)
{
    for (size_t i = 0; i < 3; i++)
        fixture_state_release(&scene->early[i]);
    fixture_release(&scene->fixture);
}

/* Makes an observer empty again. */
static void empty(struct scene *scene, size_t node)
{
    fixture_kill(&scene->fixture, node);
    fixture_start(&scene->fixture, node, ++scene->epochs);
}

static void assert_equal(struct scene *scene, size_t one, size_t other)
{
    struct fixture *fixture = &scene->fixture;
    fixture_check(fixture, one);
    fixture_check(fixture, other);
    struct reference_view a = fixture_view(fixture, one), b = fixture_view(fixture, other);
    assert_memory_equal(&a, &b, sizeof a);
    struct holm_digest x = holm_replica_digest(fixture->nodes[one].replica);
    struct holm_digest y = holm_replica_digest(fixture->nodes[other].replica);
    assert_true(holm_digest_equal(x, y));
}

static void each_round(void (*law)(struct scene *scene))
{
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        struct scene scene;
        scene_init(&scene, seed);
        law(&scene);
        scene_release(&scene);
    }
}

static void commute(struct scene *scene)
{
    fixture_merge(&scene->fixture, A, D);
    fixture_merge(&scene->fixture, B, D);
    fixture_merge(&scene->fixture, B, E);
    fixture_merge(&scene->fixture, A, E);
    assert_equal(scene, D, E);
}

static void test_merge_of_two_states_in_either_order_is_equal(void **state)
{
    each_round(commute);
}

/* (A with B) with C, and A with (B with C). */
static void associate(struct scene *scene)
{
    fixture_merge(&scene->fixture, A, D);
    fixture_merge(&scene->fixture, B, D);
    fixture_merge(&scene->fixture, C, D);
    fixture_merge(&scene->fixture, C, B);
    fixture_merge(&scene->fixture, A, E);
    fixture_merge(&scene->fixture, B, E);
    assert_equal(scene, D, E);
}

static void test_merge_of_three_states_however_bracketed_is_equal(void **state)
{
    each_round(associate);
}

/* A state merged with itself is itself, and so is one merged twice (T29). */
static void repeat(struct scene *scene)
{
    struct fixture *fixture = &scene->fixture;
    fixture_merge(fixture, A, D);
    fixture_merge(fixture, A, D);
    fixture_merge(fixture, D, D);
    assert_equal(scene, D, A);
    fixture_merge(fixture, A, A);
    assert_equal(scene, D, A);
    fixture_merge(fixture, D, A);
    assert_equal(scene, D, A);
}

static void test_merge_with_itself_changes_nothing(void **state)
{
    each_round(repeat);
}

/* T10: runs in an order that has nothing to do with causality come to what states come to. */
static void give_shuffled(struct scene *scene, size_t node)
{
    struct fixture *fixture = &scene->fixture;
    size_t order[64], count = fixture->run_count;
    assert_true(count <= 64);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count; i > 1; i--) {
        size_t other = chance_below(&scene->chance, i), kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
    for (size_t i = 0; i < count; i++) {
        fixture_give(fixture, node, order[i]);
        fixture_check(fixture, node);
    }
}

static void agree(struct scene *scene)
{
    for (size_t node = A; node <= C; node++)
        fixture_merge(&scene->fixture, node, D);
    give_shuffled(scene, E);
    assert_equal(scene, D, E);
    empty(scene, E);
    give_shuffled(scene, E);
    assert_equal(scene, D, E);
}

static void test_merge_of_runs_and_of_states_is_equal(void **state)
{
    each_round(agree);
}

/* Some come by runs, some by state, in between and across. */
static void mix(struct scene *scene)
{
    struct fixture *fixture = &scene->fixture;
    fixture_give_all(fixture, A, D);
    fixture_merge(fixture, B, D);
    fixture_give_all(fixture, C, D);
    fixture_merge(fixture, C, E);
    fixture_give_all(fixture, B, E);
    fixture_merge(fixture, D, E);
    fixture_merge(fixture, E, D);
    fixture_check_all(fixture);
    fixture_give_all(fixture, A, E);
    fixture_give_all(fixture, A, D);
    fixture_merge(fixture, A, D);
    fixture_merge(fixture, A, E);
    assert_equal(scene, D, E);
}

static void test_merge_of_runs_and_states_mixed_is_equal(void **state)
{
    each_round(mix);
}

/* T08: what is old changes nothing, removed or not; neither runs nor states. */
static void ignore(struct scene *scene)
{
    struct fixture *fixture = &scene->fixture;
    for (size_t from = A; from <= C; from++)
        for (size_t to = A; to <= D; to++)
            if (to != from)
                fixture_merge(fixture, from, to);
    for (size_t node = A; node <= C; node++)
        fixture_merge(fixture, D, node);
    struct holm_digest before = holm_replica_transfer_digest(fixture->nodes[D].replica);
    give_shuffled(scene, D);
    for (size_t i = 0; i < 3; i++)
        fixture_state_merge(fixture, D, &scene->early[i]);
    give_shuffled(scene, D);
    struct holm_digest after = holm_replica_transfer_digest(fixture->nodes[D].replica);
    assert_true(holm_digest_equal(before, after));
    for (size_t node = A; node <= C; node++)
        assert_equal(scene, node, D);
}

static void test_merge_of_what_is_old_changes_nothing(void **state)
{
    each_round(ignore);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_of_two_states_in_either_order_is_equal),
        cmocka_unit_test(test_merge_of_three_states_however_bracketed_is_equal),
        cmocka_unit_test(test_merge_with_itself_changes_nothing),
        cmocka_unit_test(test_merge_of_runs_and_of_states_is_equal),
        cmocka_unit_test(test_merge_of_runs_and_states_mixed_is_equal),
        cmocka_unit_test(test_merge_of_what_is_old_changes_nothing),
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (argc > 1 && strcmp(argv[1], kinds[i].name) == 0)
            kind = &kinds[i];
    if (kind == NULL) {
        fprintf(stderr, "usage: %s KIND\n", argv[0]);
        return 2;
    }
    return cmocka_run_group_tests_name(kind->name, tests, NULL, NULL);
}
