/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What writers did against what a replica shows: each way to be wrong is seen, and nothing else is called wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/ledger.h"
#include "crdt/partition.h"

#define PARTITIONS 4

static const struct holm_actor ann = {{1}, {10}}, ben = {{2}, {20}}, ben_again = {{2}, {21}};

struct story {
    struct holm_bench_ledger ledger;
    struct holm_bench_shown shown;
    uint64_t seqs[3][PARTITIONS];
    char why[200];
    uint64_t lost;
};

static uint32_t partition_of(const char *key)
{
    return holm_partition_of(holm_mem(key, strlen(key)), PARTITIONS);
}

/* A write that is acknowledged; `who` counts the dots. */
static void write_key(struct story *story, uint32_t node, struct holm_actor actor, size_t who,
                      const char *key, int64_t amount, int64_t value)
{
    uint32_t partition = partition_of(key);
    holm_bench_ledger_intend(&story->ledger, node, key, amount, value);
    assert_true(holm_bench_ledger_took(&story->ledger, node, partition,
                                       (struct holm_dot){actor, ++story->seqs[who][partition]}));
}

static void show(struct story *story, const char *key, bool put, int64_t value, bool added,
                 int64_t sum)
{
    struct holm_bench_shown_key shown = {.put = put, .added = added, .value = value, .sum = sum};
    (void)snprintf(shown.key, sizeof shown.key, "%s", key);
    holm_bench_shown_key(&story->shown, &shown);
}

static void cover(struct story *story, struct holm_actor actor, size_t who)
{
    for (uint32_t p = 0; p < PARTITIONS; p++)
        if (story->seqs[who][p] > 0)
            holm_bench_shown_cover(&story->shown, p, (struct holm_dot){actor, story->seqs[who][p]});
}

/* Two nodes write, and one of them dies and comes again. */
static void tell(struct story *story)
{
    *story = (struct story){.lost = 99};
    holm_bench_ledger_init(&story->ledger, PARTITIONS);
    holm_bench_ledger_begin(&story->ledger, 0, ann);
    holm_bench_ledger_begin(&story->ledger, 1, ben);
    write_key(story, 0, ann, 0, "a", 0, 100);
    write_key(story, 0, ann, 0, "a", 0, 200);
    write_key(story, 0, ann, 0, "both", 7, 0);
    write_key(story, 1, ben, 1, "both", 5, 0);
    write_key(story, 1, ben, 1, "b", 0, 300);
    holm_bench_ledger_end(&story->ledger, 1);
    holm_bench_ledger_begin(&story->ledger, 1, ben_again);
    write_key(story, 1, ben_again, 2, "b", 0, 400);
}

static bool check(struct story *story)
{
    bool good = holm_bench_ledger_check(&story->ledger, &story->shown, story->why,
                                        sizeof story->why, &story->lost);
    holm_bench_shown_release(&story->shown);
    holm_bench_ledger_release(&story->ledger);
    return good;
}

static void cover_all(struct story *story)
{
    cover(story, ann, 0);
    cover(story, ben, 1);
    cover(story, ben_again, 2);
}

static void test_ledger_when_all_is_shown_is_content(void **state)
{
    struct story story;
    tell(&story);
    cover_all(&story);
    show(&story, "both", false, 0, true, 12);
    show(&story, "b", true, 400, false, 0);
    show(&story, "a", true, 200, false, 0);
    assert_true(check(&story));
    assert_int_equal(story.lost, 0);
}

static void test_ledger_when_a_sum_is_not_exact_says_so(void **state)
{
    struct story story;
    tell(&story);
    cover_all(&story);
    show(&story, "a", true, 200, false, 0);
    show(&story, "b", true, 400, false, 0);
    show(&story, "both", false, 0, true, 11);
    assert_false(check(&story));
    assert_string_equal(story.why, "the counter of both is 11, not 12");
}

static void test_ledger_when_an_older_put_is_shown_says_so(void **state)
{
    struct story story;
    tell(&story);
    cover_all(&story);
    show(&story, "a", true, 100, false, 0);
    show(&story, "b", true, 400, false, 0);
    show(&story, "both", false, 0, true, 12);
    assert_false(check(&story));
    assert_string_equal(story.why, "the register of a is not its latest write");
}

static void test_ledger_when_a_key_is_missing_or_made_up_says_so(void **state)
{
    struct story story;
    tell(&story);
    cover_all(&story);
    show(&story, "a", true, 200, false, 0);
    show(&story, "both", false, 0, true, 12);
    assert_false(check(&story));
    assert_string_equal(story.why, "b was written and is not there");
    tell(&story);
    cover_all(&story);
    show(&story, "a", true, 200, false, 0);
    show(&story, "b", true, 400, false, 0);
    show(&story, "both", false, 0, true, 12);
    show(&story, "c", true, 1, false, 0);
    assert_false(check(&story));
    assert_string_equal(story.why, "c is there and was not written");
    tell(&story);
    cover_all(&story);
    show(&story, "a", true, 200, true, 1);
    show(&story, "b", true, 400, false, 0);
    show(&story, "both", false, 0, true, 12);
    assert_false(check(&story));
    assert_string_equal(story.why, "a has not the fields that were written");
}

/* What a dead writer had told nobody may be gone; what one that lives was told is done may not. */
static void test_ledger_when_a_write_is_not_covered_asks_who_lives(void **state)
{
    struct story story;
    tell(&story);
    cover(&story, ann, 0);
    cover(&story, ben_again, 2);
    show(&story, "a", true, 200, false, 0);
    show(&story, "b", true, 400, false, 0);
    show(&story, "both", false, 0, true, 7);
    assert_true(check(&story));
    assert_int_equal(story.lost, 2);
    tell(&story);
    cover(&story, ben, 1);
    cover(&story, ben_again, 2);
    show(&story, "b", true, 400, false, 0);
    show(&story, "both", false, 0, true, 5);
    assert_false(check(&story));
    assert_non_null(strstr(story.why, "by node 0, which lives, is gone"));
}

/* The last intention of who dies has either been done or not: the vector knows. */
static void test_ledger_when_a_writer_dies_in_a_write_believes_the_vector(void **state)
{
    for (int done = 0; done < 2; done++) {
        struct story story;
        tell(&story);
        holm_bench_ledger_intend(&story.ledger, 1, "both", 3, 0);
        holm_bench_ledger_end(&story.ledger, 1);
        story.seqs[2][partition_of("both")] += (uint64_t)done;
        cover_all(&story);
        show(&story, "a", true, 200, false, 0);
        show(&story, "b", true, 400, false, 0);
        show(&story, "both", false, 0, true, 12 + 3 * done);
        assert_true(check(&story));
        assert_int_equal(story.lost, 0);
    }
}

static void test_ledger_when_a_dot_is_not_the_next_says_so(void **state)
{
    struct story story;
    tell(&story);
    uint32_t partition = partition_of("a");
    uint64_t next = story.seqs[0][partition] + 1;
    holm_bench_ledger_intend(&story.ledger, 0, "a", 0, 500);
    assert_false(
        holm_bench_ledger_took(&story.ledger, 0, partition, (struct holm_dot){ann, next + 1}));
    assert_false(holm_bench_ledger_took(&story.ledger, 0, (partition + 1) % PARTITIONS,
                                        (struct holm_dot){ann, next}));
    assert_true(holm_bench_ledger_took(&story.ledger, 0, partition, (struct holm_dot){ann, next}));
    assert_false(
        holm_bench_ledger_took(&story.ledger, 0, partition, (struct holm_dot){ann, next + 1}));
    assert_false(holm_bench_ledger_took(&story.ledger, 7, partition, (struct holm_dot){ann, 1}));
    holm_bench_ledger_release(&story.ledger);
}

/* Told of an equal epoch of its own id, a node takes a higher one, and counts from 1. */
static void test_ledger_when_an_epoch_grows_counts_anew(void **state)
{
    struct story story;
    tell(&story);
    struct holm_actor risen = {{1}, {11}};
    uint32_t partition = partition_of("a");
    holm_bench_ledger_intend(&story.ledger, 0, "a", 0, 500);
    assert_true(holm_bench_ledger_took(&story.ledger, 0, partition, (struct holm_dot){risen, 1}));
    cover_all(&story);
    holm_bench_shown_cover(&story.shown, partition, (struct holm_dot){risen, 1});
    show(&story, "a", true, 500, false, 0);
    show(&story, "b", true, 400, false, 0);
    show(&story, "both", false, 0, true, 12);
    assert_true(check(&story));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger_when_all_is_shown_is_content),
        cmocka_unit_test(test_ledger_when_a_sum_is_not_exact_says_so),
        cmocka_unit_test(test_ledger_when_an_older_put_is_shown_says_so),
        cmocka_unit_test(test_ledger_when_a_key_is_missing_or_made_up_says_so),
        cmocka_unit_test(test_ledger_when_a_write_is_not_covered_asks_who_lives),
        cmocka_unit_test(test_ledger_when_a_writer_dies_in_a_write_believes_the_vector),
        cmocka_unit_test(test_ledger_when_a_dot_is_not_the_next_says_so),
        cmocka_unit_test(test_ledger_when_an_epoch_grows_counts_anew),
    };
    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
