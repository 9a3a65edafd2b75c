/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stills: whatever happens while its pieces are taken, they are the cut of the moment when it was opened.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/model/chance.h"
#include "tests/unit/snapshots.h"
#include "tests/unit/trio.h"

#define ROUNDS 60
#define KEPT_BYTES ((size_t)1 << 24)

enum {
    A,
    B
};

static enum holm_status collect_bytes(void *context, struct holm_bytes piece)
{
    struct snapshot_bytes *bytes = context;
    bytes->data = realloc(bytes->data, bytes->size + piece.size);
    assert_non_null(bytes->data);
    memcpy(bytes->data + bytes->size, piece.data, piece.size);
    bytes->size += piece.size;
    return HOLM_OK;
}

/* ---- histories ------------------------------------------------------------------------------ */

static struct holm_op draw_op(struct chance *chance, char key[16])
{
    static const enum holm_op_type plain[] = {HOLM_OP_RESET, HOLM_OP_REMOVE, HOLM_OP_ERASE,
                                              HOLM_OP_INSERT};
    struct holm_bytes field = holm_str(chance_below(chance, 2) == 0 ? "f" : "g");
    (void)snprintf(key, 16, "key %u", (unsigned)chance_below(chance, 60));
    uint64_t number = chance_below(chance, 20);
    if (number < 7)
        return holm_op_put(holm_str(key), field, holm_i64((int64_t)chance_below(chance, 9)));
    if (number < 12)
        return holm_op_add(holm_str(key), field, 3);
    if (number == 12 && chance_below(chance, 6) == 0)
        return holm_op_of(HOLM_OP_BURY, holm_str(key), holm_mem(NULL, 0));
    struct holm_op op = holm_op_of(plain[number % 4], holm_str(key), field);
    if (op.type == HOLM_OP_INSERT || op.type == HOLM_OP_ERASE)
        op.as.element = holm_str(chance_below(chance, 2) == 0 ? "x" : "y");
    return op;
}

/* What is refused, as a write to a buried key is, is no matter. Now and then they hear of each other. */
static void happen(struct trio *trio, struct chance *chance, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        char key[16];
        struct holm_op op = draw_op(chance, key);
        (void)trio_commit(trio, (uint32_t)chance_below(chance, 2), &op, 1);
        if (chance_below(chance, 5) == 0)
            (void)trio_run(trio, 1000 * (1 + chance_below(chance, 20)));
    }
}

/* ---- stills --------------------------------------------------------------------------------- */

static struct holm_still *open_still(struct trio *trio, size_t kept_bytes_max)
{
    struct holm_now now = {trio->now_us, 1};
    struct holm_still *still;
    assert_int_equal(holm_still_open(trio->replicas[A], kept_bytes_max, now, &trio->work, &still),
                     HOLM_OK);
    return still;
}

static void begin_snapshot(const struct trio *trio, const struct holm_still *still,
                           struct holm_snapshot_writer *writer, struct snapshot_bytes *bytes)
{
    holm_snapshot_writer_init(writer, &trio->allocator,
                              (struct holm_snapshot_sink){collect_bytes, bytes});
    assert_int_equal(holm_snapshot_begin(writer, trio->replicas[A]->config.partition,
                                         holm_still_vector(still), holm_still_collected(still)),
                     HOLM_OK);
}

/* One piece; whether there was one. */
static bool take(struct holm_still *still, size_t records, struct holm_snapshot_writer *writer)
{
    struct holm_cut *pages;
    assert_int_equal(holm_still_next(still, records, &pages), HOLM_OK);
    if (pages == NULL)
        return false;
    assert_int_equal(holm_snapshot_pages(writer, pages), HOLM_OK);
    holm_cut_close(pages);
    return true;
}

static struct holm_replica *load(struct trio *trio, const struct snapshot_bytes *bytes)
{
    struct holm_replica_config config = trio->replicas[A]->config;
    struct holm_replica *replica;
    config.self = actor_of(99, 99);
    assert_int_equal(holm_snapshot_load(&config, holm_mem(bytes->data, bytes->size),
                                        (struct holm_now){trio->now_us, 1}, &replica),
                     HOLM_OK);
    return replica;
}

static void play(uint64_t seed)
{
    struct chance chance = {.state = seed};
    struct trio trio;
    struct holm_replica_config config = trio_config();
    struct holm_snapshot_writer writer;
    struct snapshot_bytes bytes = {.size = 0}, whole = {.size = 0};
    config.page_items_max = 1 + (uint32_t)chance_below(&chance, 8);
    trio_open(&trio, &config);
    happen(&trio, &chance, chance_below(&chance, 300));
    struct holm_still *still = open_still(&trio, KEPT_BYTES);
    assert_int_equal(snapshot_take(&trio.replicas[A]->config, trio.replicas[A], &whole), HOLM_OK);
    begin_snapshot(&trio, still, &writer, &bytes);
    do
        happen(&trio, &chance, chance_below(&chance, 40));
    while (take(still, 1 + chance_below(&chance, 30), &writer));
    assert_int_equal(holm_snapshot_end(&writer, holm_still_digest(still)), HOLM_OK);
    struct holm_replica *one = load(&trio, &bytes), *other = load(&trio, &whole);
    const char *why = snapshot_differ(one, other);
    if (why != NULL)
        fail_msg("seed %llu: %s differ", (unsigned long long)seed, why);
    holm_replica_check(one);
    holm_replica_free(one);
    holm_replica_free(other);
    holm_still_close(still);
    holm_snapshot_writer_release(&writer);
    snapshot_bytes_free(&bytes);
    snapshot_bytes_free(&whole);
    trio_close(&trio);
}

static void test_still_when_all_goes_on_then_pieces_are_the_cut_of_its_moment(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++)
        play(seed);
}

/* ---- bounds --------------------------------------------------------------------------------- */

static void put_all(struct trio *trio, uint32_t count, int64_t value)
{
    for (uint32_t i = 0; i < count; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key %u", i);
        trio_write(trio, A, holm_op_put(holm_str(key), holm_str("f"), holm_i64(value)));
    }
}

/* Pieces have about what was asked for, so that who takes one waits no longer than that. */
static void test_still_when_there_is_much_then_pieces_are_small(void **state)
{
    (void)state;
    struct trio trio;
    struct holm_replica_config config = trio_config();
    struct holm_cut *pages;
    size_t pieces = 0, items = 0;
    trio_open(&trio, &config);
    trio.deaf = true;
    put_all(&trio, 5000, 1);
    struct holm_still *still = open_still(&trio, KEPT_BYTES);
    while (holm_still_next(still, 100, &pages) == HOLM_OK && pages != NULL) {
        size_t count = 0;
        for (size_t i = 0; i < holm_cut_page_count(pages); i++)
            count += holm_cut_page(pages, i)->items.item_count;
        assert_in_range(count, 1, 300);
        items += count;
        pieces++;
        holm_cut_close(pages);
    }
    assert_int_equal(items, 5000);
    assert_in_range(pieces, 40, 60);
    holm_still_close(still);
    trio_close(&trio);
}

/* What has been given is not kept: at the end, changing everything costs nothing. */
static void test_still_when_all_is_given_then_nothing_is_kept_any_more(void **state)
{
    (void)state;
    struct trio trio;
    struct holm_replica_config config = trio_config();
    struct holm_cut *pages;
    trio_open(&trio, &config);
    trio.deaf = true;
    put_all(&trio, 1000, 1);
    struct holm_still *still = open_still(&trio, KEPT_BYTES);
    while (holm_still_next(still, 100, &pages) == HOLM_OK && pages != NULL)
        holm_cut_close(pages);
    struct holm_frozen *frozen = trio.replicas[A]->state.frozen;
    size_t before = holm_frozen_bytes(frozen);
    put_all(&trio, 1000, 2);
    assert_int_equal(holm_frozen_bytes(frozen), before);
    holm_still_close(still);
    trio_close(&trio);
}

/* Beyond the bound it is given up, and the replica goes on. */
static void test_still_when_too_much_changes_then_it_says_so(void **state)
{
    (void)state;
    struct trio trio;
    struct holm_replica_config config = trio_config();
    struct holm_cut *pages;
    trio_open(&trio, &config);
    trio.deaf = true;
    put_all(&trio, 1000, 1);
    struct holm_still *still = open_still(&trio, 100000);
    put_all(&trio, 1000, 2);
    assert_int_equal(holm_still_next(still, 100, &pages), HOLM_ELIMIT);
    assert_null(pages);
    holm_still_close(still);
    holm_still_close(NULL);
    trio_close(&trio);
}

static void test_still_when_any_allocation_fails_then_it_can_go_on(void **state)
{
    (void)state;
    struct trio trio;
    struct holm_replica_config config = trio_config();
    struct holm_cut *pages = NULL;
    struct holm_still *still = NULL;
    enum holm_status status = HOLM_ENOMEM;
    trio_open(&trio, &config);
    trio.deaf = true;
    put_all(&trio, 300, 1);
    for (uint64_t n = 1; status == HOLM_ENOMEM; n++) {
        struct holm_now now = {trio.now_us, 1};
        trio.heap.calls = 0;
        trio.heap.fail_at = n;
        status = holm_still_open(trio.replicas[A], KEPT_BYTES, now, &trio.work, &still);
        assert_true(status == HOLM_ENOMEM || (status == HOLM_OK && n > 2));
        assert_true(still != NULL || trio.replicas[A]->state.frozen == NULL);
    }
    status = HOLM_ENOMEM;
    for (uint64_t n = 1; status == HOLM_ENOMEM; n++) {
        trio.heap.calls = 0;
        trio.heap.fail_at = n;
        status = holm_still_next(still, 300, &pages);
        assert_true(status == HOLM_ENOMEM || (status == HOLM_OK && n > 3));
    }
    trio.heap.fail_at = 0;
    size_t items = 0;
    for (; pages != NULL; assert_int_equal(holm_still_next(still, 300, &pages), HOLM_OK)) {
        for (size_t i = 0; i < holm_cut_page_count(pages); i++)
            items += holm_cut_page(pages, i)->items.item_count;
        holm_cut_close(pages);
    }
    assert_int_equal(items, 300);
    holm_still_close(still);
    trio_close(&trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_still_when_all_goes_on_then_pieces_are_the_cut_of_its_moment),
        cmocka_unit_test(test_still_when_there_is_much_then_pieces_are_small),
        cmocka_unit_test(test_still_when_all_is_given_then_nothing_is_kept_any_more),
        cmocka_unit_test(test_still_when_too_much_changes_then_it_says_so),
        cmocka_unit_test(test_still_when_any_allocation_fails_then_it_can_go_on),
    };
    return cmocka_run_group_tests_name("replica_still", tests, NULL, NULL);
}
