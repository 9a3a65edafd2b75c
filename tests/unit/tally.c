/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counts as an element, and what as metadata.
 */
#include "sim/tally.h"
#include "tests/unit/core.h"
#include "tests/unit/messages.h"

static const struct holm_actor writer = {{1}, {1}};
static const struct holm_vector_view no_vector = {NULL, 0};

static struct holm_delta *run_made(const struct holm_allocator *allocator, uint64_t first,
                                   uint64_t last, struct holm_vector_view deps)
{
    const struct holm_item put = {
        .op = HOLM_ITEM_PUT, .kind = HOLM_FLAG, .key = holm_str("k"), .seq = last, .hlc = 1};
    const struct sample_items items = {&writer, 1, &put, 1, NULL, 0};
    return sample_delta(allocator, first, last, &items, deps, no_vector, holm_mem(NULL, 0));
}

static void assert_counts(const struct holm_message *message, uint64_t elements, uint64_t metadata)
{
    struct holm_tally tally = {0};
    holm_tally_message(&tally, message);
    assert_int_equal(tally.messages, 1);
    assert_int_equal(tally.elements, elements);
    assert_int_equal(tally.metadata, metadata);
}

static void test_tally_when_a_run_is_its_cells_then_it_has_no_metadata_but_deps(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    const struct holm_dot deps[] = {{{{2}, {1}}, 7}, {{{3}, {1}}, 9}};
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA};
    message.as.delta = run_made(&allocator, 6, 6, no_vector);
    assert_counts(&message, 1, 0);
    holm_delta_release(message.as.delta);
    message.as.delta = run_made(&allocator, 6, 6, (struct holm_vector_view){deps, 2});
    assert_counts(&message, 1, 2);
    holm_delta_release(message.as.delta);
    message.as.delta = run_made(&allocator, 4, 6, no_vector); /* 4 is nowhere else */
    assert_counts(&message, 1, 1);
    holm_delta_release(message.as.delta);
    assert_int_equal(heap.blocks, 0);
}

static void test_tally_when_runs_are_fed_then_their_deps_are_not_sent(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    const struct holm_dot deps[] = {{{{2}, {1}}, 7}};
    struct holm_delta *runs[] = {run_made(&allocator, 6, 6, (struct holm_vector_view){deps, 1}),
                                 run_made(&allocator, 7, 9, no_vector)};
    struct holm_message message = {.type = HOLM_MESSAGE_FEED};
    message.as.feed = (struct holm_feed){.number = 17, .ack = 3, .runs = runs, .count = 2};
    assert_counts(&message, 2, 3);
    message.as.feed.ack = 0;
    assert_counts(&message, 2, 2);
    holm_delta_release(runs[0]);
    holm_delta_release(runs[1]);
    assert_int_equal(heap.blocks, 0);
}

static void test_tally_when_peers_talk_then_vectors_and_lines_are_metadata(void **state)
{
    const struct holm_dot entries[] = {{{{2}, {1}}, 7}, {{{3}, {1}}, 9}};
    const struct holm_beacon_entry lines[2] = {{.partition = 1}, {.partition = 2}};
    struct holm_message message = {.type = HOLM_MESSAGE_PULL};
    message.as.pull.vector = (struct holm_vector_view){entries, 2};
    assert_counts(&message, 0, 3);
    message.type = HOLM_MESSAGE_BEACON;
    message.as.beacon = (struct holm_beacon){lines, 2};
    assert_counts(&message, 0, 6);
    message.type = HOLM_MESSAGE_PING;
    assert_counts(&message, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tally_when_a_run_is_its_cells_then_it_has_no_metadata_but_deps),
        cmocka_unit_test(test_tally_when_runs_are_fed_then_their_deps_are_not_sent),
        cmocka_unit_test(test_tally_when_peers_talk_then_vectors_and_lines_are_metadata),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
