/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/sync.h"

#include "crdt/tree.h"
#include "tests/unit/core.h"

static void test_range_when_named_by_gaps_then_it_comes_back(void **state)
{
    struct chance chance = {.state = 5};
    for (unsigned round = 0; round < 2000; round++) {
        struct holm_range_cursor there = {0}, back = {0};
        for (unsigned i = 0; i < 30; i++) {
            unsigned level = (unsigned)chance_below(&chance, 17);
            uint64_t gap = chance_next(&chance) >> chance_below(&chance, 64), index, same;
            uint64_t last = there.last;
            bool started = there.started;
            if (!holm_range_skip(&there, level, gap, &index))
                continue;
            assert_true(!started || holm_range_first(level, index) > last);
            assert_int_equal(there.last, holm_range_last(level, index));
            assert_true(holm_range_gap(&back, level, index, &same));
            assert_int_equal(same, gap);
        }
    }
}

static void test_range_when_it_is_not_behind_then_it_has_no_gap(void **state)
{
    struct holm_range_cursor cursor = {0};
    uint64_t gap, index;
    assert_false(holm_range_gap(&cursor, 2, 0x100, &gap));
    assert_false(holm_range_gap(&cursor, 17, 0, &gap));
    assert_true(holm_range_gap(&cursor, 2, 0x31, &gap));
    assert_int_equal(gap, 0x31);
    assert_false(holm_range_gap(&cursor, 2, 0x31, &gap));
    assert_false(holm_range_gap(&cursor, 1, 3, &gap)); /* holds the one before */
    assert_false(holm_range_gap(&cursor, 3, 0x310, &gap));
    assert_false(holm_range_gap(&cursor, 0, 0, &gap));
    assert_true(holm_range_gap(&cursor, 3, 0x320, &gap));
    assert_int_equal(gap, 0);
    assert_true(holm_range_gap(&cursor, 16, UINT64_MAX, &gap));
    assert_false(holm_range_skip(&cursor, 16, 0, &index));
    assert_false(holm_range_skip(&cursor, 1, 0, &index));
    assert_false(holm_range_skip(&cursor, 0, 0, &index));
    cursor.started = false;
    assert_false(holm_range_skip(&cursor, 17, 0, &index));
    assert_false(holm_range_skip(&cursor, 1, 16, &index));
    cursor = (struct holm_range_cursor){.last = 5, .started = true};
    assert_false(holm_range_skip(&cursor, 16, UINT64_MAX, &index));
}

/* A sound ask, whose parts a test may change before it is checked. */
struct parts {
    struct holm_sync_branch branches[2];
    uint64_t hashes[32];
    struct holm_sync_list lists[2];
    struct holm_sync_dot dots[4];
    struct holm_actor actors[2];
    struct holm_sync_ask ask;
};

static void parts_make(struct parts *parts)
{
    memset(parts, 0, sizeof *parts);
    parts->branches[0] = (struct holm_sync_branch){1, 0, 1, 1};
    parts->branches[1] = (struct holm_sync_branch){2, 16, 1, 1};
    parts->hashes[3] = 0xffff;
    parts->actors[0] = actor_of(1, 1);
    parts->actors[1] = actor_of(1, 2);
    parts->dots[0] = (struct holm_sync_dot){0, 1, 0};
    parts->dots[1] = (struct holm_sync_dot){0, 5, 0};
    parts->dots[2] = (struct holm_sync_dot){1, 3, 1};
    parts->dots[3] = (struct holm_sync_dot){0, 7, 0};
    parts->lists[0] = (struct holm_sync_list){.index = 0x10, .level = 2, .dot_count = 3};
    parts->lists[1] = (struct holm_sync_list){.index = 0x20,
                                              .level = 2,
                                              .dot_first = 3,
                                              .dot_count = 1,
                                              .has_after = true,
                                              .after = dot_of(1, 1, 6),
                                              .has_last = true,
                                              .last = dot_of(1, 2, 9)};
    parts->ask = (struct holm_sync_ask){.width = 2,
                                        .branches = parts->branches,
                                        .branch_count = 2,
                                        .hashes = parts->hashes,
                                        .hash_count = 32,
                                        .lists = parts->lists,
                                        .list_count = 2,
                                        .dots = parts->dots,
                                        .dot_count = 4,
                                        .actors = parts->actors,
                                        .actor_count = 2};
}

/* Changes one member of a sound ask, which must then be refused. */
#define REFUSED(change)                                                                            \
    do {                                                                                           \
        struct parts parts;                                                                        \
        parts_make(&parts);                                                                        \
        assert_int_equal(holm_sync_ask_check(&parts.ask), HOLM_OK);                                \
        change;                                                                                    \
        assert_int_equal(holm_sync_ask_check(&parts.ask), HOLM_EMALFORMED);                        \
    } while (0)

static void test_ask_when_its_branches_break_a_rule_then_it_is_malformed(void **state)
{
    REFUSED(parts.ask.width = 0);
    REFUSED(parts.ask.width = 9);
    REFUSED(parts.hashes[3] = 0x10000);
    REFUSED(parts.branches[0].jump = 0);
    REFUSED(parts.branches[0].jump = 4);
    REFUSED(parts.branches[1].jump = 2);
    REFUSED(parts.branches[1].level = 16);
    REFUSED(parts.branches[1].index = 1);
    REFUSED(parts.branches[1].hash_first = 15);
    REFUSED(parts.ask.hash_count = 31);
    REFUSED(parts.ask.branch_count = 1);
}

static void test_ask_when_its_lists_break_a_rule_then_it_is_malformed(void **state)
{
    REFUSED(parts.actors[1] = parts.actors[0]);
    REFUSED(parts.lists[1].index = 0x10);
    REFUSED(parts.lists[1].level = 17);
    REFUSED(parts.lists[1].dot_first = 2);
    REFUSED(parts.lists[1].dot_count = 2);
    REFUSED(parts.lists[1].dot_count = UINT32_MAX);
    REFUSED(parts.ask.dot_count = 3);
    REFUSED(parts.ask.list_count = 1);
    REFUSED(parts.dots[2].actor = 2);
    REFUSED(parts.dots[0].seq = 0);
    REFUSED(parts.dots[1].seq = 0);
    REFUSED(parts.dots[0].seq = 6);
    REFUSED(parts.dots[0].actor = 1);
    REFUSED(parts.lists[1].after.seq = 0);
    REFUSED(parts.lists[1].last.seq = 0);
    REFUSED(parts.lists[1].after = dot_of(1, 1, 7));
    REFUSED(parts.lists[1].last = dot_of(1, 1, 6));
    REFUSED(parts.lists[1].last = dot_of(1, 1, 6); parts.lists[1].has_after = false);
}

static void test_tell_when_it_breaks_a_rule_then_it_is_malformed(void **state)
{
    struct parts parts;
    parts_make(&parts);
    uint32_t gone[] = {1, 4};
    struct holm_sync_tell tell = {.width = 2,
                                  .branches = parts.branches,
                                  .branch_count = 2,
                                  .hashes = parts.hashes,
                                  .hash_count = 32,
                                  .gone = gone,
                                  .gone_count = 2};
    assert_int_equal(holm_sync_tell_check(&tell), HOLM_OK);
    tell.has_through = true;
    assert_int_equal(holm_sync_tell_check(&tell), HOLM_EMALFORMED);
    tell.has_through = false;
    gone[0] = 4;
    assert_int_equal(holm_sync_tell_check(&tell), HOLM_EMALFORMED);
    gone[0] = 1;
    tell.width = 1;
    assert_int_equal(holm_sync_tell_check(&tell), HOLM_EMALFORMED);
    tell.width = 2;
    tell.hash_count = 33;
    assert_int_equal(holm_sync_tell_check(&tell), HOLM_EMALFORMED);
}

/* The mark of an entry tells every state of one chain at one seq from every other. */
static void test_mark_when_more_is_cancelled_then_it_is_another(void **state)
{
    struct holm_count count = {.start = 3, .last = 9, .sum = 5};
    assert_int_equal(holm_count_mark(&count), 1);
    uint64_t before = 1;
    for (count.cancelled = 3; count.cancelled <= 9; count.cancelled++) {
        assert_int_not_equal(holm_count_mark(&count), before);
        assert_true(holm_count_mark(&count) >= 2);
        before = holm_count_mark(&count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_range_when_named_by_gaps_then_it_comes_back),
        cmocka_unit_test(test_range_when_it_is_not_behind_then_it_has_no_gap),
        cmocka_unit_test(test_ask_when_its_branches_break_a_rule_then_it_is_malformed),
        cmocka_unit_test(test_ask_when_its_lists_break_a_rule_then_it_is_malformed),
        cmocka_unit_test(test_tell_when_it_breaks_a_rule_then_it_is_malformed),
        cmocka_unit_test(test_mark_when_more_is_cancelled_then_it_is_another),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
