/* SPDX-License-Identifier: Apache-2.0 */
#include "node/tunnels.h"

#include <stdlib.h>

#include "tests/unit/core.h"

#define NODES_MAX 4u
#define FRAME_BYTES_MAX 64u
#define PATIENCE_US 4000000u

static const struct holm_actor ada = {{1}, {100}}, ada_later = {{1}, {101}};
static const struct holm_actor bob = {{2}, {200}}, bob_later = {{2}, {201}};
static const struct holm_actor eva = {{3}, {300}}, fay = {{4}, {400}};

/* Two ends that do not meet. */
struct pair {
    struct heap heap;
    struct holm_tunnels *ada, *bob;
    struct holm_link_id there, here; /* as Ada, as Bob has it */
};

static struct holm_now at(uint64_t us)
{
    return (struct holm_now){.monotonic_us = us, .wall_ms = 1};
}

static struct holm_tunnels *open_end(struct heap *heap, struct holm_actor self)
{
    struct holm_tunnels_config config = {.allocator = heap_allocator(heap),
                                         .self = self,
                                         .nodes_max = NODES_MAX,
                                         .frame_bytes_max = FRAME_BYTES_MAX,
                                         .patience_us = PATIENCE_US,
                                         .random_seed = self.node.value};
    struct holm_tunnels *tunnels;
    assert_int_equal(holm_tunnels_new(&config, &tunnels), HOLM_OK);
    return tunnels;
}

static void open_pair(struct pair *pair)
{
    memset(pair, 0, sizeof *pair);
    pair->ada = open_end(&pair->heap, ada);
    pair->bob = open_end(&pair->heap, bob);
    assert_true(holm_tunnels_open(pair->ada, bob, &pair->there));
    assert_true(holm_tunnel_is_link(pair->there));
}

static void close_pair(struct pair *pair)
{
    holm_tunnels_check(pair->ada);
    holm_tunnels_check(pair->bob);
    holm_tunnels_free(pair->ada);
    holm_tunnels_free(pair->bob);
    assert_int_equal(pair->heap.blocks, 0);
}

static bool hear(struct holm_tunnels *tunnels, struct holm_actor actor, uint64_t number,
                 struct holm_actor via, uint64_t now_us)
{
    struct holm_reach reach = {.actor = actor, .number = number};
    return holm_tunnels_hear(tunnels, &reach, via, at(now_us));
}

static struct holm_tunnel piece_of(struct holm_tunnels *tunnels, struct holm_link_id link,
                                   const char *text, bool more)
{
    struct holm_tunnel piece;
    assert_true(holm_tunnels_piece(tunnels, link, &piece));
    piece.more = more;
    piece.piece = holm_str(text);
    return piece;
}

static enum holm_tunnel_taken take(struct holm_tunnels *tunnels, const struct holm_tunnel *piece,
                                   struct holm_link_id *link)
{
    bool accepted;
    struct holm_bytes frame;
    return holm_tunnels_take(tunnels, piece, link, &accepted, &frame);
}

static void expect_frame(struct holm_tunnels *tunnels, const struct holm_tunnel *piece,
                         const char *text, bool expected, struct holm_link_id *link)
{
    bool accepted;
    struct holm_bytes frame;
    assert_int_equal(holm_tunnels_take(tunnels, piece, link, &accepted, &frame), HOLM_TUNNEL_FRAME);
    assert_true(holm_bytes_equal(frame, holm_str(text)));
    assert_int_equal(accepted, expected);
}

/* Ada's first frame opens Bob's end. */
static void connect(struct pair *pair)
{
    struct holm_tunnel piece = piece_of(pair->ada, pair->there, "hello", false);
    expect_frame(pair->bob, &piece, "hello", true, &pair->here);
    assert_true(holm_tunnel_is_link(pair->here));
}

static void expect_ended(struct holm_tunnels *tunnels, struct holm_link_id link, bool tells)
{
    struct holm_link_id ended;
    struct holm_tunnel piece;
    assert_true(holm_tunnels_ended(tunnels, &ended, &piece));
    assert_int_equal(ended.value, link.value);
    assert_int_equal(piece.id != 0, tells);
    assert_int_equal(piece.number, 0);
    assert_false(holm_tunnels_ended(tunnels, &ended, &piece));
    assert_int_equal(holm_tunnels_count(tunnels), 0);
}

/* ---- ways ----------------------------------------------------------------------------------- */

static void test_tunnels_when_a_reach_comes_twice_then_the_first_tells_the_way(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_actor via;
    open_pair(&pair);
    assert_true(hear(pair.ada, fay, 7, eva, 1));
    assert_false(hear(pair.ada, fay, 7, bob, 2));
    assert_false(hear(pair.ada, fay, 6, bob, 3));
    assert_true(holm_tunnels_way(pair.ada, fay, &via));
    assert_true(holm_actor_equal(via, eva));
    assert_true(hear(pair.ada, fay, 8, bob, 4));
    assert_true(holm_tunnels_way(pair.ada, fay, &via));
    assert_true(holm_actor_equal(via, bob));
    assert_false(hear(pair.ada, ada, 1, bob, 5));
    close_pair(&pair);
}

static void test_tunnels_when_a_reach_has_come_far_enough_then_it_ends(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_reach reach = {.actor = fay, .number = 1, .hops = HOLM_TUNNEL_HOPS_MAX};
    open_pair(&pair);
    assert_false(holm_tunnels_hear(pair.ada, &reach, eva, at(1)));
    reach.hops -= 1;
    assert_true(holm_tunnels_hear(pair.ada, &reach, eva, at(1)));
    close_pair(&pair);
}

static void test_tunnels_when_an_epoch_is_superseded_then_no_way_leads_to_it(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_actor via;
    open_pair(&pair);
    assert_true(hear(pair.ada, bob_later, 1, eva, 1));
    assert_false(hear(pair.ada, bob, 9, eva, 2));
    assert_false(holm_tunnels_way(pair.ada, bob, &via));
    close_pair(&pair);
}

static void test_tunnels_when_many_are_known_then_who_fell_silent_makes_room(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_actor actor;
    uint64_t since_us;
    open_pair(&pair);
    for (uint64_t i = 0; i < NODES_MAX; i++)
        assert_true(hear(pair.ada, (struct holm_actor){{10 + i}, {1}}, 1, eva, 5 + i));
    assert_false(hear(pair.ada, fay, 1, eva, 10));
    assert_true(hear(pair.ada, fay, 1, eva, 5 + PATIENCE_US));
    for (size_t i = 0; i < NODES_MAX; i++)
        assert_true(holm_tunnels_lacking(pair.ada, i, at(6 + PATIENCE_US - 1), &actor, &since_us));
    assert_true(holm_actor_equal(actor, fay));
    assert_int_equal(since_us, 5 + PATIENCE_US);
    assert_false(holm_tunnels_lacking(pair.ada, 0, at(6 + 2 * PATIENCE_US), &actor, &since_us));
    close_pair(&pair);
}

/* ---- frames --------------------------------------------------------------------------------- */

static void test_tunnels_when_frames_go_both_ways_then_each_comes_whole_and_in_order(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_link_id link;
    open_pair(&pair);
    connect(&pair);
    struct holm_tunnel answer = piece_of(pair.bob, pair.here, "hello, too", false);
    expect_frame(pair.ada, &answer, "hello, too", false, &link);
    assert_int_equal(link.value, pair.there.value);
    struct holm_tunnel first = piece_of(pair.ada, pair.there, "is", true);
    struct holm_tunnel last = piece_of(pair.ada, pair.there, "land", false);
    assert_int_equal(take(pair.bob, &first, &link), HOLM_TUNNEL_NOTHING);
    expect_frame(pair.bob, &last, "island", false, &link);
    struct holm_tunnel next = piece_of(pair.ada, pair.there, "sea", false);
    expect_frame(pair.bob, &next, "sea", false, &link);
    close_pair(&pair);
}

static void test_tunnels_when_the_first_frame_is_in_pieces_then_it_opens_once(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_link_id link;
    open_pair(&pair);
    struct holm_tunnel first = piece_of(pair.ada, pair.there, "hel", true);
    struct holm_tunnel last = piece_of(pair.ada, pair.there, "lo", false);
    assert_int_equal(take(pair.bob, &first, &link), HOLM_TUNNEL_NOTHING);
    expect_frame(pair.bob, &last, "hello", true, &link);
    struct holm_tunnel next = piece_of(pair.ada, pair.there, "sea", false);
    expect_frame(pair.bob, &next, "sea", false, &link);
    close_pair(&pair);
}

/* U2 */
static void test_tunnels_when_a_piece_is_missing_then_both_ends_end(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_link_id link;
    struct holm_tunnel farewell;
    open_pair(&pair);
    connect(&pair);
    (void)piece_of(pair.ada, pair.there, "lost", false);
    struct holm_tunnel behind = piece_of(pair.ada, pair.there, "behind", false);
    assert_int_equal(take(pair.bob, &behind, &link), HOLM_TUNNEL_NOTHING);
    assert_true(holm_tunnels_ended(pair.bob, &link, &farewell));
    assert_int_equal(link.value, pair.here.value);
    assert_true(holm_actor_equal(farewell.to, ada));
    assert_int_equal(take(pair.ada, &farewell, &link), HOLM_TUNNEL_NOTHING);
    expect_ended(pair.ada, pair.there, false);
    assert_int_equal(take(pair.bob, &behind, &link), HOLM_TUNNEL_UNKNOWN);
    close_pair(&pair);
}

/* U3 */
static void test_tunnels_when_a_frame_is_too_large_then_it_ends(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_link_id link;
    char text[FRAME_BYTES_MAX / 2 + 2];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    open_pair(&pair);
    connect(&pair);
    struct holm_tunnel first = piece_of(pair.ada, pair.there, text, true);
    struct holm_tunnel last = piece_of(pair.ada, pair.there, text, false);
    assert_int_equal(take(pair.bob, &first, &link), HOLM_TUNNEL_NOTHING);
    assert_int_equal(take(pair.bob, &last, &link), HOLM_TUNNEL_NOTHING);
    expect_ended(pair.bob, pair.here, true);
    close_pair(&pair);
}

/* ---- the end -------------------------------------------------------------------------------- */

/* U1: the old epoch has ended, and nothing that it had sent is let in any more. */
static void test_tunnels_when_a_later_epoch_is_heard_of_then_those_of_the_former_end(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_link_id link;
    open_pair(&pair);
    connect(&pair);
    struct holm_tunnel late = piece_of(pair.ada, pair.there, "late", false);
    struct holm_tunnel opening = late;
    opening.number = 1;
    opening.id = 99;
    assert_true(hear(pair.bob, ada_later, 1, eva, 1));
    expect_ended(pair.bob, pair.here, false);
    assert_int_equal(take(pair.bob, &late, &link), HOLM_TUNNEL_UNKNOWN);
    assert_int_equal(take(pair.bob, &opening, &link), HOLM_TUNNEL_UNKNOWN);
    close_pair(&pair);
}

static void test_tunnels_when_a_later_epoch_opens_then_those_of_the_former_end(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_link_id link;
    struct holm_tunnel none;
    open_pair(&pair);
    connect(&pair);
    struct holm_tunnel opening = {
        .from = ada_later, .to = bob, .id = 99, .number = 1, .piece = holm_str("hello")};
    expect_frame(pair.bob, &opening, "hello", true, &link);
    assert_int_not_equal(link.value, pair.here.value);
    assert_true(holm_tunnels_ended(pair.bob, &link, &none));
    assert_int_equal(link.value, pair.here.value);
    assert_int_equal(holm_tunnels_count(pair.bob), 1);
    close_pair(&pair);
}

static void test_tunnels_when_this_epoch_ends_then_what_was_meant_for_it_is_dropped(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_link_id link;
    struct holm_tunnel none;
    open_pair(&pair);
    connect(&pair);
    struct holm_tunnel late = piece_of(pair.ada, pair.there, "late", false);
    holm_tunnels_end(pair.bob, bob_later);
    expect_ended(pair.bob, pair.here, true);
    assert_false(holm_tunnels_piece(pair.bob, pair.here, &none));
    assert_int_equal(take(pair.bob, &late, &link), HOLM_TUNNEL_NOTHING);
    assert_true(holm_actor_equal(holm_tunnels_self(pair.bob), bob_later));
    close_pair(&pair);
}

static void test_tunnels_when_one_end_is_closed_then_only_the_other_is_told(void **state)
{
    (void)state;
    struct pair pair;
    open_pair(&pair);
    connect(&pair);
    holm_tunnels_close(pair.ada, pair.there);
    holm_tunnels_close(pair.ada, pair.there);
    expect_ended(pair.ada, pair.there, true);
    struct holm_tunnel closed = {.from = ada, .to = bob, .id = 12345, .number = 0};
    struct holm_link_id link;
    assert_int_equal(take(pair.bob, &closed, &link), HOLM_TUNNEL_NOTHING);
    assert_int_equal(holm_tunnels_count(pair.bob), 1); /* that was another */
    close_pair(&pair);
}

static void test_tunnels_when_there_are_many_then_no_more_are_accepted(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_link_id link;
    open_pair(&pair);
    connect(&pair);
    for (uint64_t i = 1; i < NODES_MAX; i++)
        assert_true(holm_tunnels_open(pair.bob, (struct holm_actor){{10 + i}, {1}}, &link));
    assert_false(holm_tunnels_open(pair.bob, fay, &link));
    struct holm_tunnel opening = {
        .from = eva, .to = bob, .id = 99, .number = 1, .piece = holm_str("hello")};
    assert_int_equal(take(pair.bob, &opening, &link), HOLM_TUNNEL_UNKNOWN);
    close_pair(&pair);
}

/* Each of them is one that the other end opens again, or that is tried again. */
static void test_tunnels_when_memory_is_refused_then_nothing_is_half_done(void **state)
{
    (void)state;
    for (uint64_t fail = 1; fail <= 4; fail++) {
        struct pair pair;
        struct holm_link_id link;
        open_pair(&pair);
        struct holm_tunnel opening = piece_of(pair.ada, pair.there, "hello", false);
        pair.heap.fail_once = true;
        pair.heap.fail_at = pair.heap.calls + fail;
        bool heard = hear(pair.bob, fay, 1, eva, 1);
        enum holm_tunnel_taken taken = take(pair.bob, &opening, &link);
        pair.heap.fail_at = 0;
        assert_int_equal(heard, fail != 1);
        assert_int_equal(taken, fail == 2   ? HOLM_TUNNEL_UNKNOWN
                                : fail == 3 ? HOLM_TUNNEL_NOTHING
                                            : HOLM_TUNNEL_FRAME);
        while (holm_tunnels_ended(pair.bob, &link, &opening))
            assert_int_not_equal(opening.id, 0);
        close_pair(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tunnels_when_a_reach_comes_twice_then_the_first_tells_the_way),
        cmocka_unit_test(test_tunnels_when_a_reach_has_come_far_enough_then_it_ends),
        cmocka_unit_test(test_tunnels_when_an_epoch_is_superseded_then_no_way_leads_to_it),
        cmocka_unit_test(test_tunnels_when_many_are_known_then_who_fell_silent_makes_room),
        cmocka_unit_test(test_tunnels_when_frames_go_both_ways_then_each_comes_whole_and_in_order),
        cmocka_unit_test(test_tunnels_when_the_first_frame_is_in_pieces_then_it_opens_once),
        cmocka_unit_test(test_tunnels_when_a_piece_is_missing_then_both_ends_end),
        cmocka_unit_test(test_tunnels_when_a_frame_is_too_large_then_it_ends),
        cmocka_unit_test(test_tunnels_when_a_later_epoch_is_heard_of_then_those_of_the_former_end),
        cmocka_unit_test(test_tunnels_when_a_later_epoch_opens_then_those_of_the_former_end),
        cmocka_unit_test(test_tunnels_when_this_epoch_ends_then_what_was_meant_for_it_is_dropped),
        cmocka_unit_test(test_tunnels_when_one_end_is_closed_then_only_the_other_is_told),
        cmocka_unit_test(test_tunnels_when_there_are_many_then_no_more_are_accepted),
        cmocka_unit_test(test_tunnels_when_memory_is_refused_then_nothing_is_half_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
