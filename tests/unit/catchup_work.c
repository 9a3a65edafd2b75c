/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a catch-up gives its host to do: the keys that it touched, and runs that waited for it. And what it
 * refuses before it begins, or leaves alone.
 */
#include "tests/unit/scenario.h"
#include "tests/unit/talk.h"

/* B catches up with A; what the last step of B wanted done. */
struct story {
    struct fixture fixture;
    struct talk talk;
    const struct holm_work *work;
};

static void took(void *context, struct holm_replica *replica, const struct holm_work *work)
{
    struct story *story = context;
    struct fixture *f = &story->fixture;
    fixture_take_work(f, replica == f->nodes[A].replica ? A : B, work);
    story->work = work;
}

static void begin(struct story *story)
{
    struct fixture *f = &story->fixture;
    story->talk = (struct talk){.server = f->nodes[A].replica,
                                .receiver = f->nodes[B].replica,
                                .allocator = heap_allocator(&f->heap),
                                .now = fixture_now(f, B),
                                .took = took,
                                .context = story};
    talk_open(&story->talk);
}

static void finish(struct story *story)
{
    enum holm_status status;
    while (talk_round(&story->talk, &status)) {
    }
    assert_int_equal(status, HOLM_OK);
    assert_int_equal(talk_finish(&story->talk), HOLM_OK);
    talk_close(&story->talk);
    fixture_check(&story->fixture, B);
}

static size_t told(const struct story *story, const char *key)
{
    size_t times = 0;
    for (size_t i = 0; i < story->work->touched_count; i++)
        times += holm_bytes_equal(story->work->touched[i].key, holm_str(key));
    return times;
}

/* A has a key that is new, has changed one and dropped another; the fourth is as it was. */
static void tell_apart(struct story *story)
{
    struct fixture *f = &story->fixture;
    fixture_init(f, 2, NULL);
    put(f, A, "changed", "f", 1);
    put(f, A, "dropped", "f", 2);
    put(f, A, "same", "f", 3);
    begin(story);
    finish(story);
    put(f, A, "new", "f", 4);
    put(f, A, "changed", "f", 5);
    write_op(f, A, HOLM_OP_REMOVE, "dropped", "");
    begin(story);
}

static void test_catchup_when_applied_then_the_keys_that_differed_are_told(void **state)
{
    (void)state;
    static struct story story;
    tell_apart(&story);
    finish(&story);
    assert_false(story.work->touched_all);
    assert_true(told(&story, "new") > 0);
    assert_true(told(&story, "changed") > 0);
    assert_true(told(&story, "dropped") > 0);
    assert_int_equal(told(&story, "same"), 0);
    assert_absent(&story.fixture, B, "dropped");
    fixture_release(&story.fixture);
}

/* What came since the freeze can go with the cut, and which keys those were is not known any more. */
static void test_catchup_when_something_came_amid_then_all_keys_are_told(void **state)
{
    (void)state;
    static struct story story;
    struct fixture *f = &story.fixture;
    tell_apart(&story);
    put(f, B, "amid", "f", 6);
    (void)flush(f, B);
    finish(&story);
    assert_true(story.work->touched_all);
    fixture_release(f);
}

/* A's second run comes before the first, which only the cut brings. */
static void test_catchup_when_a_run_waited_for_it_then_it_is_applied(void **state)
{
    (void)state;
    static struct story story;
    struct fixture *f = &story.fixture;
    fixture_init(f, 2, NULL);
    put(f, A, "first", "f", 1);
    (void)flush(f, A);
    begin(&story);
    put(f, A, "second", "f", 2);
    fixture_give(f, B, flush(f, A));
    assert_int_equal(stats_of(f, B).held, 1);
    finish(&story);
    assert_int_equal(stats_of(f, B).held, 0);
    assert_int_equal(story.work->stored_count, 1);
    assert_reads(f, B, "first", "f", 1);
    assert_reads(f, B, "second", "f", 2);
    fixture_release(f);
}

/* A has dropped the ghost that B has yet. Amid the catch-up, B adds to it: it is no ghost any more. */
static void test_catchup_when_an_entry_grew_amid_then_it_stays(void **state)
{
    (void)state;
    static struct story story;
    struct fixture *f = &story.fixture;
    struct holm_dot reported[2];
    const struct holm_work *work;
    size_t dropped = 0;
    fixture_init(f, 2, NULL);
    add(f, B, "k", "n", 5);
    fixture_give(f, A, flush(f, B));
    write_op(f, A, HOLM_OP_RESET, "k", "n");
    fixture_give(f, B, flush(f, A));
    size_t count = holm_replica_vector(f->nodes[B].replica, reported, 2);
    assert_int_equal(holm_replica_drop_ghosts(f->nodes[A].replica, f->nodes[B].self,
                                              (struct holm_vector_view){reported, count},
                                              fixture_now(f, A), &work, &dropped),
                     HOLM_OK);
    fixture_take_work(f, A, work);
    assert_int_equal(dropped, 1);
    begin(&story);
    add(f, B, "k", "n", 7);
    finish(&story);
    assert_sum(f, B, "k", "n", 7);
    fixture_release(f);
}

static void test_catchup_when_s_is_not_sorted_then_it_is_refused(void **state)
{
    (void)state;
    static struct story story;
    struct fixture *f = &story.fixture;
    fixture_init(f, 2, NULL);
    put(f, A, "k", "f", 1);
    begin(&story);
    struct holm_offer_cut cut = holm_offer_cut(story.talk.offer);
    const struct holm_dot entries[] = {dot_of(2, 1, 1), dot_of(1, 1, 1)};
    cut.collected = (struct holm_vector_view){entries, 2};
    struct holm_catchup *other;
    const struct holm_work *work;
    assert_int_equal(holm_catchup_open(f->nodes[B].replica, &story.talk.config, fixture_now(f, B),
                                       &work, &other),
                     HOLM_OK);
    fixture_take_work(f, B, work);
    assert_int_equal(holm_catchup_start(other, &cut), HOLM_EMALFORMED);
    holm_catchup_close(other);
    finish(&story);
    assert_reads(f, B, "k", "f", 1);
    fixture_release(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catchup_when_applied_then_the_keys_that_differed_are_told),
        cmocka_unit_test(test_catchup_when_something_came_amid_then_all_keys_are_told),
        cmocka_unit_test(test_catchup_when_a_run_waited_for_it_then_it_is_applied),
        cmocka_unit_test(test_catchup_when_an_entry_grew_amid_then_it_stays),
        cmocka_unit_test(test_catchup_when_s_is_not_sorted_then_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
