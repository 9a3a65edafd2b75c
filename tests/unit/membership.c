/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a node becomes a member: told what happens, this is what it wants done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/membership.h"
#include "tests/model/heap.h"

#define SELF 5u
#define PEERS 8u
#define SECOND UINT64_C(1000000)

struct stage {
    struct heap heap;
    struct holm_membership *membership;
    struct holm_membership_config config;
    struct holm_now now;
    struct holm_membership_action last; /* that was no note */
};

static void open_stage(struct stage *stage, uint64_t former, bool founds)
{
    memset(stage, 0, sizeof *stage);
    stage->now.monotonic_us = SECOND;
    stage->config = holm_membership_config_default();
    stage->config.allocator = heap_allocator(&stage->heap);
    stage->config.self = (struct holm_actor){{SELF}, {100}};
    stage->config.former.value = former;
    stage->config.now = stage->now;
    stage->config.founds = founds;
    stage->config.peers_max = PEERS;
    assert_int_equal(holm_membership_new(&stage->config, &stage->membership), HOLM_OK);
}

static void close_stage(struct stage *stage)
{
    holm_membership_check(stage->membership);
    holm_membership_free(stage->membership);
    assert_int_equal(stage->heap.blocks, 0);
}

/* The actions that wait, in the order in which they came; lines for the log are left out. */
static const char *actions(struct stage *stage)
{
    static const char *const names[] = {[HOLM_MEMBERSHIP_ASK] = "ask ",
                                        [HOLM_MEMBERSHIP_EPOCH] = "epoch ",
                                        [HOLM_MEMBERSHIP_BEGIN] = "begin ",
                                        [HOLM_MEMBERSHIP_GATHER] = "gather ",
                                        [HOLM_MEMBERSHIP_ABANDON] = "abandon ",
                                        [HOLM_MEMBERSHIP_CONFIRM] = "confirm ",
                                        [HOLM_MEMBERSHIP_FOUND] = "found ",
                                        [HOLM_MEMBERSHIP_TELL] = "tell ",
                                        [HOLM_MEMBERSHIP_NOTE] = ""};
    static char text[256];
    struct holm_membership_action action;
    text[0] = '\0';
    holm_membership_check(stage->membership);
    while (holm_membership_next(stage->membership, &action)) {
        (void)strcat(text, names[action.type]);
        if (action.type != HOLM_MEMBERSHIP_NOTE)
            stage->last = action;
    }
    return text;
}

static const char *after(struct stage *stage, uint64_t us)
{
    stage->now.monotonic_us += us;
    (void)holm_membership_tick(stage->membership, stage->now);
    return actions(stage);
}

static void up(struct stage *stage, uint32_t peer)
{
    struct holm_actor actor = {{peer + 1}, {50 + peer}};
    holm_membership_peer_up(stage->membership, peer, actor, stage->now);
}

static void stands(struct stage *stage, uint32_t peer, bool confirmed, uint64_t former,
                   uint64_t generation)
{
    struct holm_standing standing = {.confirmed = confirmed, .former = {former}};
    if (generation > 0)
        standing.founding = (struct holm_founding){generation, {{{1}, {1}}, 1}};
    holm_membership_standing(stage->membership, peer, &standing, stage->now);
}

static void answered(struct stage *stage, uint32_t peer, enum holm_join_result result,
                     uint64_t least)
{
    struct holm_joined joined = {.epoch = {100}, .result = result, .least = {least}};
    joined.admission = (struct holm_dot){{{peer + 1}, {50 + peer}}, 7};
    holm_membership_answered(stage->membership, peer, &joined, stage->now);
}

/* A member is asked and admits; all that it has is taken. */
static void test_membership_when_a_member_is_up_then_it_is_asked_and_taken_from(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 0, false);
    assert_string_equal(after(&stage, 10 * SECOND), "");
    up(&stage, 2);
    assert_string_equal(after(&stage, 0), ""); /* it has not said how it stands */
    stands(&stage, 2, true, 52, 1);
    assert_string_equal(after(&stage, 0), "ask ");
    assert_int_equal(stage.last.peer, 2);
    answered(&stage, 2, HOLM_JOIN_REPLACE, 0);
    assert_string_equal(actions(&stage), "begin ");
    assert_true(stage.last.replace);
    assert_int_equal(stage.last.admission.seq, 7);
    holm_membership_whole(stage.membership, stage.now);
    assert_string_equal(actions(&stage), "confirm tell ");
    assert_int_equal(holm_membership_state(stage.membership), HOLM_MEMBER_CONFIRMED);
    assert_int_equal(holm_membership_former(stage.membership).value, 100);
    assert_int_equal(holm_membership_due_us(stage.membership), HOLM_NEVER);
    close_stage(&stage);
}

/* It dies amid that: what was taken is dropped, and another is asked, under another epoch. */
static void test_membership_when_the_member_dies_then_another_is_asked_anew(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 0, false);
    up(&stage, 2);
    stands(&stage, 2, true, 52, 1);
    assert_string_equal(after(&stage, 0), "ask ");
    answered(&stage, 2, HOLM_JOIN_MERGE, 0);
    assert_string_equal(actions(&stage), "begin ");
    up(&stage, 3);
    stands(&stage, 3, true, 53, 1);
    holm_membership_peer_down(stage.membership, 2, stage.now);
    assert_string_equal(actions(&stage), "abandon ");
    assert_string_equal(after(&stage, 0), "epoch ");
    assert_int_equal(stage.last.epoch.value, 101);
    holm_membership_epoch(stage.membership, (struct holm_epoch){140}, stage.now);
    assert_string_equal(actions(&stage), "tell ");
    assert_string_equal(after(&stage, 0), "ask ");
    assert_int_equal(stage.last.peer, 3);
    answered(&stage, 3, HOLM_JOIN_MERGE, 0); /* to the epoch before */
    assert_string_equal(actions(&stage), "");
    close_stage(&stage);
}

/* Without any progress a member is given up; with it, it may take as long as it takes. */
static void test_membership_when_nothing_comes_any_more_then_it_is_given_up(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 0, false);
    up(&stage, 2);
    stands(&stage, 2, true, 52, 1);
    assert_string_equal(after(&stage, 0), "ask ");
    answered(&stage, 2, HOLM_JOIN_MERGE, 0);
    (void)actions(&stage);
    for (int i = 0; i < 5; i++) {
        assert_string_equal(after(&stage, 9 * SECOND), "");
        holm_membership_progress(stage.membership, stage.now);
    }
    assert_string_equal(after(&stage, 10 * SECOND), "abandon ");
    close_stage(&stage);
}

/* It may ask the same member again under the same epoch, and leaves it longer alone each time. */
static void test_membership_when_told_later_then_it_asks_again_and_ever_more_rarely(void **state)
{
    (void)state;
    struct stage stage;
    uint64_t pauses[4];
    open_stage(&stage, 52, false);
    up(&stage, 2);
    stands(&stage, 2, true, 52, 1);
    assert_string_equal(after(&stage, 0), "ask ");
    for (int i = 0; i < 4; i++) {
        answered(&stage, 2, HOLM_JOIN_LATER, 0);
        assert_string_equal(actions(&stage), "");
        uint64_t before = stage.now.monotonic_us;
        assert_string_equal(after(&stage, 0), "");
        stage.now.monotonic_us = holm_membership_due_us(stage.membership);
        assert_string_equal(after(&stage, 0), "ask ");
        pauses[i] = stage.now.monotonic_us - before;
        assert_in_range(pauses[i], SECOND << i >> 1, SECOND * 3 << i >> 1);
    }
    /* No answer at all is as good. */
    assert_string_equal(after(&stage, SECOND), "");
    close_stage(&stage);
}

/* T41: too low an epoch is told which one will do. */
static void test_membership_when_its_epoch_is_too_low_then_it_takes_the_least_one(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 0, false);
    up(&stage, 2);
    stands(&stage, 2, true, 52, 1);
    assert_string_equal(after(&stage, 0), "ask ");
    answered(&stage, 2, HOLM_JOIN_EPOCH, 777);
    assert_string_equal(actions(&stage), "epoch ");
    assert_int_equal(stage.last.epoch.value, 777);
    close_stage(&stage);
}

static void test_membership_when_told_to_found_then_it_waits_for_a_member_first(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 0, true);
    assert_string_equal(after(&stage, 2 * SECOND), "");
    assert_string_equal(after(&stage, SECOND), "found tell ");
    close_stage(&stage);

    open_stage(&stage, 0, true);
    up(&stage, 1);
    stands(&stage, 1, true, 51, 1);
    assert_string_equal(after(&stage, 3 * SECOND), "ask "); /* there is a cluster */
    close_stage(&stage);

    open_stage(&stage, 0, true);
    up(&stage, 1);
    stands(&stage, 1, false, 51, 1);
    assert_string_equal(after(&stage, 30 * SECOND), ""); /* there was one, and it restarts */
    close_stage(&stage);

    open_stage(&stage, 0, false);
    assert_string_equal(after(&stage, 3000 * SECOND), ""); /* nobody said so */
    close_stage(&stage);
}

static void test_membership_when_all_leave_it_to_it_then_it_gathers_and_founds(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 90, false);
    up(&stage, 1);
    stands(&stage, 1, false, 51, 1);
    assert_string_equal(after(&stage, 10 * SECOND), "");
    holm_membership_left(stage.membership, true, stage.now);
    assert_string_equal(after(&stage, 0), "gather ");
    holm_membership_whole(stage.membership, stage.now);
    assert_string_equal(actions(&stage), "found tell ");
    close_stage(&stage);
}

/* In vain: not again until another epoch is heard of. Or somebody has become a member meanwhile. */
static void test_membership_when_it_gathers_in_vain_then_it_stops(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 90, false);
    up(&stage, 1);
    stands(&stage, 1, false, 51, 1);
    holm_membership_left(stage.membership, true, stage.now);
    assert_string_equal(after(&stage, 3 * SECOND), "gather ");
    assert_string_equal(after(&stage, 10 * SECOND), "abandon ");
    assert_true(holm_membership_in_vain(stage.membership));
    assert_string_equal(after(&stage, 100 * SECOND), "");
    up(&stage, 3);
    stands(&stage, 3, false, 53, 1);
    assert_string_equal(after(&stage, 0), "gather ");
    stands(&stage, 3, true, 53, 2);
    assert_string_equal(actions(&stage), "abandon ");
    assert_string_equal(after(&stage, 0), "ask ");
    close_stage(&stage);
}

/* Whose list was taken has gone meanwhile, or is back with another: what came of it says nothing of what would now. */
static void test_membership_when_somebody_went_while_it_gathered_then_it_tries_again(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 90, false);
    up(&stage, 1);
    stands(&stage, 1, false, 51, 1);
    holm_membership_left(stage.membership, true, stage.now);
    assert_string_equal(after(&stage, 3 * SECOND), "gather ");
    holm_membership_peer_down(stage.membership, 1, stage.now);
    assert_string_equal(after(&stage, 10 * SECOND), "abandon gather ");
    assert_false(holm_membership_in_vain(stage.membership));
    assert_string_equal(after(&stage, 10 * SECOND), "abandon ");
    assert_true(holm_membership_in_vain(stage.membership));
    close_stage(&stage);
}

/* N2: who may have been admitted founds under another epoch. */
static void test_membership_when_it_was_admitted_then_it_founds_under_another_epoch(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 90, false);
    up(&stage, 2);
    stands(&stage, 2, true, 52, 1);
    assert_string_equal(after(&stage, 0), "ask ");
    holm_membership_peer_down(stage.membership, 2, stage.now);
    holm_membership_left(stage.membership, true, stage.now);
    assert_string_equal(after(&stage, 3 * SECOND), "epoch ");
    close_stage(&stage);
}

/* N2: who has given others what it has asks under another epoch, too. */
static void test_membership_when_it_has_served_then_it_asks_under_another_epoch(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 90, false);
    up(&stage, 2);
    stands(&stage, 2, false, 52, 1);
    holm_membership_served(stage.membership);
    stands(&stage, 2, true, 52, 2);
    assert_string_equal(after(&stage, 0), "epoch ");
    holm_membership_epoch(stage.membership, (struct holm_epoch){101}, stage.now);
    assert_string_equal(actions(&stage), "tell ");
    assert_string_equal(after(&stage, 0), "ask ");
    close_stage(&stage);
}

static void test_membership_when_lost_then_it_comes_back_where_it_was_lost(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 0, true);
    assert_string_equal(after(&stage, 3 * SECOND), "found tell ");
    for (uint32_t i = 1; i < PEERS; i++) {
        up(&stage, i);
        stands(&stage, i, true, 50 + i, 1);
    }
    holm_membership_lost(stage.membership, 6, "it was forgotten", stage.now);
    assert_string_equal(actions(&stage), "epoch ");
    assert_true(holm_membership_is_lost(stage.membership));
    assert_int_equal(holm_membership_former(stage.membership).value, 100);
    holm_membership_epoch(stage.membership, (struct holm_epoch){101}, stage.now);
    (void)actions(&stage);
    assert_string_equal(after(&stage, 0), "ask ");
    assert_int_equal(stage.last.peer, 6);
    close_stage(&stage);
}

/* What is from beyond a forget is not taken, and its members count for nothing. */
static void test_membership_when_a_cut_is_from_beyond_then_that_peer_is_no_member(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 90, false);
    up(&stage, 2);
    stands(&stage, 2, true, 52, 1);
    assert_string_equal(after(&stage, 0), "ask ");
    answered(&stage, 2, HOLM_JOIN_MERGE, 0);
    (void)actions(&stage);
    holm_membership_refuse(stage.membership, stage.now);
    assert_string_equal(actions(&stage), "abandon ");
    assert_string_equal(after(&stage, 100 * SECOND), "");
    stands(&stage, 2, true, 52, 2); /* another founding is another matter */
    assert_string_equal(after(&stage, 0), "ask ");
    close_stage(&stage);
}

/* Of several foundings that one is asked which stands. */
static void test_membership_when_there_are_two_foundings_then_the_later_is_asked(void **state)
{
    (void)state;
    struct stage stage;
    open_stage(&stage, 90, false);
    for (uint32_t i = 1; i < PEERS; i++) {
        up(&stage, i);
        stands(&stage, i, true, 50 + i, i == 4 ? 3 : 2);
    }
    assert_string_equal(after(&stage, 0), "ask ");
    assert_int_equal(stage.last.peer, 4);
    close_stage(&stage);
}

static void test_membership_when_memory_is_refused_then_there_is_none(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 2; i++) {
        struct stage stage;
        memset(&stage, 0, sizeof stage);
        stage.heap.fail_at = i;
        stage.config = holm_membership_config_default();
        stage.config.allocator = heap_allocator(&stage.heap);
        stage.config.self = (struct holm_actor){{SELF}, {100}};
        stage.config.peers_max = PEERS;
        assert_int_equal(holm_membership_new(&stage.config, &stage.membership), HOLM_ENOMEM);
        assert_null(stage.membership);
        assert_int_equal(stage.heap.blocks, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_membership_when_a_member_is_up_then_it_is_asked_and_taken_from),
        cmocka_unit_test(test_membership_when_the_member_dies_then_another_is_asked_anew),
        cmocka_unit_test(test_membership_when_nothing_comes_any_more_then_it_is_given_up),
        cmocka_unit_test(test_membership_when_told_later_then_it_asks_again_and_ever_more_rarely),
        cmocka_unit_test(test_membership_when_its_epoch_is_too_low_then_it_takes_the_least_one),
        cmocka_unit_test(test_membership_when_told_to_found_then_it_waits_for_a_member_first),
        cmocka_unit_test(test_membership_when_all_leave_it_to_it_then_it_gathers_and_founds),
        cmocka_unit_test(test_membership_when_it_gathers_in_vain_then_it_stops),
        cmocka_unit_test(test_membership_when_somebody_went_while_it_gathered_then_it_tries_again),
        cmocka_unit_test(test_membership_when_it_was_admitted_then_it_founds_under_another_epoch),
        cmocka_unit_test(test_membership_when_it_has_served_then_it_asks_under_another_epoch),
        cmocka_unit_test(test_membership_when_lost_then_it_comes_back_where_it_was_lost),
        cmocka_unit_test(test_membership_when_a_cut_is_from_beyond_then_that_peer_is_no_member),
        cmocka_unit_test(test_membership_when_there_are_two_foundings_then_the_later_is_asked),
        cmocka_unit_test(test_membership_when_memory_is_refused_then_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
