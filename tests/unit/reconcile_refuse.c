/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reconciliation refuses: tells that are nonsense, more than the limits allow, and memory that is
 * not there.
 */
#include "crdt/reconcile.h"

#include "tests/unit/plain.h"

/* Two states that differ, and a receiver whose first ask is answered but not taken. */
struct lab {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_reconcile_config config;
    struct plain a, b;
    struct holm_reconcile_server server;
    struct holm_reconcile_receiver *receiver;
    struct holm_sync_tell tell;
};

static void lab_open(struct lab *lab, uint64_t records, enum plain_spread spread)
{
    memset(lab, 0, sizeof *lab);
    lab->allocator = heap_allocator(&lab->heap);
    if (lab->config.frame_bytes_max == 0)
        lab->config = holm_reconcile_config_default(4096);
    plain_init(&lab->a, &lab->heap, 1, spread);
    plain_init(&lab->b, &lab->heap, 1, spread);
    plain_fill(&lab->a, 0, records, 8);
    plain_merge(&lab->b, &lab->a);
    plain_put(&lab->a, 1, "fill00000001", holm_str("a"));
    plain_drop(&lab->a, 1, "fill00000002");
    plain_put(&lab->b, 2, "fill00000003", holm_str("b"));
}

static void lab_start(struct lab *lab)
{
    const struct holm_reconcile_source *cut = plain_freeze(&lab->a), *own = plain_freeze(&lab->b);
    struct holm_reconcile_cut told = {cut->vector, holm_tree_total(cut->tree), cut->entries};
    holm_reconcile_server_init(&lab->server, &lab->allocator, &lab->config, cut, own->vector);
    assert_int_equal(
        holm_reconcile_receiver_new(&lab->allocator, &lab->config, own, &told, &lab->receiver),
        HOLM_OK);
}

/* One exchange; the tell is not taken. */
static void lab_exchange(struct lab *lab)
{
    const struct holm_sync_ask *ask;
    assert_int_equal(holm_reconcile_ask(lab->receiver, &ask), HOLM_OK);
    assert_non_null(ask);
    assert_int_equal(holm_reconcile_answer(&lab->server, ask, &lab->tell), HOLM_OK);
}

static void lab_close(struct lab *lab)
{
    holm_reconcile_receiver_free(lab->receiver);
    holm_reconcile_server_release(&lab->server);
    plain_release(&lab->a);
    plain_release(&lab->b);
    assert_int_equal(lab->heap.blocks, 0);
}

static void refused(struct lab *lab, const struct holm_sync_tell *tell)
{
    assert_int_equal(holm_sync_tell_check(tell), HOLM_OK);
    assert_int_equal(holm_reconcile_take(lab->receiver, tell), HOLM_EMALFORMED);
    assert_int_equal(holm_reconcile_outcome(lab->receiver), HOLM_RECONCILE_RUNNING);
}

/* A list's tell: a few records, so that the first ask lists everything. */
static void test_reconcile_when_a_listing_tell_is_nonsense_then_it_is_refused(void **state)
{
    struct lab lab;
    lab_open(&lab, 8, PLAIN_EVEN);
    lab_start(&lab);
    lab_exchange(&lab);
    assert_int_equal(lab.tell.lists_done, 1);
    assert_non_null(lab.tell.page);
    struct holm_sync_tell bad = lab.tell;
    bad.lists_done = 2;
    refused(&lab, &bad);
    bad = lab.tell;
    bad.lists_done = 0;
    refused(&lab, &bad); /* nothing told, and items all the same */
    bad.page = NULL;
    bad.gone_count = 0;
    refused(&lab, &bad); /* nothing at all: it would be asked for ever */
    bad = lab.tell;
    bad.branches_done = 1;
    refused(&lab, &bad);
    bad = lab.tell;
    bad.width = 3;
    refused(&lab, &bad);
    static const uint32_t gone[] = {100};
    bad = lab.tell;
    bad.gone = gone;
    bad.gone_count = 1;
    refused(&lab, &bad);
    static const struct holm_sync_branch branch = {0, 0, 1, 0};
    bad = lab.tell;
    bad.branches = &branch;
    bad.branch_count = 1;
    refused(&lab, &bad);
    bad = lab.tell;
    bad.number += 1;
    assert_int_equal(holm_reconcile_take(lab.receiver, &bad), HOLM_OK); /* of no ask: ignored */
    assert_int_equal(holm_reconcile_outcome(lab.receiver), HOLM_RECONCILE_RUNNING);
    assert_int_equal(holm_reconcile_take(lab.receiver, &lab.tell), HOLM_OK);
    assert_int_equal(holm_reconcile_outcome(lab.receiver), HOLM_RECONCILE_DONE);
    lab_close(&lab);
}

/* Items that the receiver must not take: not asked for, not in the cut, known, or too many. */
static void test_reconcile_when_items_are_not_the_cut_s_then_they_are_refused(void **state)
{
    struct lab lab;
    lab_open(&lab, 8, PLAIN_EVEN);
    lab_start(&lab);
    lab_exchange(&lab);
    const struct holm_page *page = lab.tell.page;
    assert_int_equal(page->items.item_count, 1);
    assert_int_equal(page->items.actor_count, 1);
    struct holm_page copy = *page;
    struct holm_item items[64];
    struct holm_actor actor = page->items.actors[0];
    struct holm_sync_tell bad = lab.tell;
    bad.page = &copy;
    copy.items.items = items;
    copy.items.actors = &actor;
    for (size_t i = 0; i < 64; i++)
        items[i] = page->items.items[0];
    items[0].seq = 3; /* beyond the cut's vector */
    refused(&lab, &bad);
    items[0] = page->items.items[0];
    items[0].op = HOLM_ITEM_KNOWN;
    refused(&lab, &bad);
    items[0] = page->items.items[0];
    actor = actor_of(10, 1); /* whose first operations the receiver has seen */
    refused(&lab, &bad);
    actor = page->items.actors[0];
    copy.items.item_count = 64;
    refused(&lab, &bad); /* more than the cut has */
    copy.items.item_count = 1;
    lab.tell.has_through = true; /* the item lies behind what is told of the list */
    bad = lab.tell;
    bad.lists_done = 0;
    bad.through = (struct holm_dot){actor_of(1, 1), 1};
    bad.gone_count = 0;
    refused(&lab, &bad);
    lab_close(&lab);
}

static void test_reconcile_when_a_comparing_tell_is_nonsense_then_it_is_refused(void **state)
{
    struct lab lab;
    lab_open(&lab, 2000, PLAIN_EVEN);
    lab.config.hop_bytes = 0;
    lab_start(&lab);
    lab_exchange(&lab);
    assert_int_equal(lab.tell.branches_done, 1);
    assert_true(lab.tell.branch_count >= 1);
    struct holm_sync_branch branches[4];
    struct holm_sync_tell bad = lab.tell;
    bad.branches = branches;
    bad.branch_count = 1;
    bad.hash_count = 0;
    branches[0] = (struct holm_sync_branch){0, 0, 0, 0}; /* of another level */
    refused(&lab, &bad);
    branches[0] = (struct holm_sync_branch){5, 0, 3, 0};
    refused(&lab, &bad);
    bad = lab.tell;
    bad.branches_done = 0;
    refused(&lab, &bad);
    bad.branches_done = 2;
    refused(&lab, &bad);
    bad = lab.tell;
    bad.has_through = true;
    bad.through = (struct holm_dot){actor_of(1, 1), 1};
    refused(&lab, &bad);
    assert_int_equal(holm_reconcile_take(lab.receiver, &lab.tell), HOLM_OK);
    lab_close(&lab);
}

static void test_reconcile_when_more_is_staged_than_allowed_then_it_is_refused(void **state)
{
    struct lab lab;
    lab_open(&lab, 8, PLAIN_EVEN);
    lab.config.staged_bytes_max = 100;
    lab_start(&lab);
    lab_exchange(&lab);
    assert_int_equal(holm_reconcile_take(lab.receiver, &lab.tell), HOLM_ELIMIT);
    assert_int_equal(holm_reconcile_outcome(lab.receiver), HOLM_RECONCILE_RUNNING);
    assert_int_equal(holm_reconcile_figures(lab.receiver).staged, 0);
    lab_close(&lab);
}

static void test_reconcile_when_a_cut_is_not_sound_then_there_is_no_receiver(void **state)
{
    struct lab lab;
    lab_open(&lab, 8, PLAIN_EVEN);
    const struct holm_reconcile_source *own = plain_freeze(&lab.b);
    struct holm_dot dots[2] = {dot_of(2, 1, 1), dot_of(1, 1, 1)};
    struct holm_reconcile_cut cut = {{dots, 2}, {1, 1}, 8};
    assert_int_equal(
        holm_reconcile_receiver_new(&lab.allocator, &lab.config, own, &cut, &lab.receiver),
        HOLM_EMALFORMED);
    assert_null(lab.receiver);
    cut.vector.count = 1;
    cut.entries = lab.config.entries_max + 1;
    assert_int_equal(
        holm_reconcile_receiver_new(&lab.allocator, &lab.config, own, &cut, &lab.receiver),
        HOLM_ELIMIT);
    assert_null(lab.receiver);
    holm_reconcile_server_init(&lab.server, &lab.allocator, &lab.config, own, own->vector);
    lab_close(&lab);
}

/* A dot that the server has never heard of is not gone: it has seen nothing removed. */
static void test_reconcile_when_a_listed_dot_is_unknown_then_it_is_not_gone(void **state)
{
    struct lab lab;
    lab_open(&lab, 8, PLAIN_EVEN);
    lab_start(&lab);
    struct holm_actor actors[2] = {actor_of(10, 1), actor_of(11, 1)};
    struct holm_sync_dot dots[3] = {{0, 3, 0}, {0, 9, 0}, {1, 1, 0}};
    struct holm_sync_list list = {.dot_count = 3};
    struct holm_sync_ask ask = {.width = 8,
                                .lists = &list,
                                .list_count = 1,
                                .dots = dots,
                                .dot_count = 3,
                                .actors = actors,
                                .actor_count = 2};
    assert_int_equal(holm_sync_ask_check(&ask), HOLM_OK);
    assert_int_equal(holm_reconcile_answer(&lab.server, &ask, &lab.tell), HOLM_OK);
    assert_int_equal(lab.tell.lists_done, 1);
    assert_int_equal(lab.tell.gone_count, 1); /* of fill00000002 */
    assert_int_equal(lab.tell.gone[0], 0);
    lab_close(&lab);
}

/* A node may serve many, and who asked may be gone: what is kept is the last tell, of a frame at most. */
static void test_reconcile_when_an_ask_is_answered_then_the_server_keeps_a_few_frames(void **state)
{
    struct lab lab;
    lab_open(&lab, 4000, PLAIN_EVEN);
    lab_start(&lab);
    unsigned asks = 0;
    for (; holm_reconcile_outcome(lab.receiver) == HOLM_RECONCILE_RUNNING; asks++) {
        const struct holm_sync_ask *ask;
        assert_int_equal(holm_reconcile_ask(lab.receiver, &ask), HOLM_OK);
        assert_non_null(ask);
        assert_int_equal(holm_reconcile_answer(&lab.server, ask, &lab.tell), HOLM_OK);
        assert_int_equal(holm_reconcile_take(lab.receiver, &lab.tell), HOLM_OK);
        uint64_t held = lab.heap.bytes;
        holm_reconcile_server_release(&lab.server);
        assert_true(held - lab.heap.bytes > 0);
        assert_true(held - lab.heap.bytes <= 5 * lab.config.frame_bytes_max);
    }
    assert_true(asks >= 2);
    lab_close(&lab);
}

/* A server that lies about its content for ever: each of its tells is sound alone. It ends. */
static void test_reconcile_when_the_digest_is_a_lie_then_it_ends(void **state)
{
    struct lab lab;
    lab_open(&lab, 300, PLAIN_EVEN);
    const struct holm_reconcile_source *cut = plain_freeze(&lab.a), *own = plain_freeze(&lab.b);
    struct holm_reconcile_cut told = {cut->vector, {7, 7}, cut->entries};
    holm_reconcile_server_init(&lab.server, &lab.allocator, &lab.config, cut, own->vector);
    assert_int_equal(
        holm_reconcile_receiver_new(&lab.allocator, &lab.config, own, &told, &lab.receiver),
        HOLM_OK);
    unsigned asks = 0;
    for (; holm_reconcile_outcome(lab.receiver) == HOLM_RECONCILE_RUNNING; asks++) {
        assert_in_range(asks, 0, 200);
        lab_exchange(&lab);
        assert_int_equal(holm_reconcile_take(lab.receiver, &lab.tell), HOLM_OK);
    }
    assert_int_equal(holm_reconcile_outcome(lab.receiver), HOLM_RECONCILE_PEER_WRONG);
    assert_int_equal(holm_reconcile_figures(lab.receiver).rounds, 5);
    lab_close(&lab);
}

/* Calls again what was refused memory, once. */
#define AGAIN(call)                                                                                \
    do {                                                                                           \
        enum holm_status status = (call);                                                          \
        refusals += status == HOLM_ENOMEM;                                                         \
        assert_int_equal(status == HOLM_ENOMEM ? (call) : status, HOLM_OK);                        \
    } while (0)

static unsigned talk_without_memory(struct lab *lab, uint64_t fail_at)
{
    unsigned refusals = 0;
    const struct holm_reconcile_source *cut = plain_freeze(&lab->a), *own = plain_freeze(&lab->b);
    struct holm_reconcile_cut told = {cut->vector, holm_tree_total(cut->tree), cut->entries};
    lab->heap.calls = 0;
    lab->heap.fail_at = fail_at;
    lab->heap.fail_once = true;
    holm_reconcile_server_init(&lab->server, &lab->allocator, &lab->config, cut, own->vector);
    AGAIN(holm_reconcile_receiver_new(&lab->allocator, &lab->config, own, &told, &lab->receiver));
    while (holm_reconcile_outcome(lab->receiver) == HOLM_RECONCILE_RUNNING) {
        const struct holm_sync_ask *ask;
        AGAIN(holm_reconcile_ask(lab->receiver, &ask));
        assert_non_null(ask);
        AGAIN(holm_reconcile_answer(&lab->server, ask, &lab->tell));
        AGAIN(holm_reconcile_take(lab->receiver, &lab->tell));
    }
    lab->heap.fail_at = 0;
    return refusals;
}

static void test_reconcile_when_any_allocation_fails_then_the_call_can_be_made_again(void **state)
{
    for (uint64_t fail_at = 1;; fail_at++) {
        struct lab lab;
        lab_open(&lab, 400, PLAIN_EVEN);
        lab.config.hop_bytes = 0;
        unsigned refusals = talk_without_memory(&lab, fail_at);
        assert_int_equal(holm_reconcile_outcome(lab.receiver), HOLM_RECONCILE_DONE);
        struct holm_reconcile_result result = holm_reconcile_result(lab.receiver);
        assert_int_equal(holm_reconcile_figures(lab.receiver).staged, 3);
        assert_int_equal(result.page_count, 1);
        assert_int_equal(result.pages[0]->items.item_count, 1);
        lab_close(&lab);
        if (refusals == 0) {
            assert_true(fail_at > 20);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reconcile_when_a_listing_tell_is_nonsense_then_it_is_refused),
        cmocka_unit_test(test_reconcile_when_items_are_not_the_cut_s_then_they_are_refused),
        cmocka_unit_test(test_reconcile_when_a_comparing_tell_is_nonsense_then_it_is_refused),
        cmocka_unit_test(test_reconcile_when_more_is_staged_than_allowed_then_it_is_refused),
        cmocka_unit_test(test_reconcile_when_a_cut_is_not_sound_then_there_is_no_receiver),
        cmocka_unit_test(test_reconcile_when_a_listed_dot_is_unknown_then_it_is_not_gone),
        cmocka_unit_test(test_reconcile_when_the_digest_is_a_lie_then_it_ends),
        cmocka_unit_test(test_reconcile_when_an_ask_is_answered_then_the_server_keeps_a_few_frames),
        cmocka_unit_test(test_reconcile_when_any_allocation_fails_then_the_call_can_be_made_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
