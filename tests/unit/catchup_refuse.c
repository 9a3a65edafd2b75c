/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Catching up where something is refused: memory, room for what changes meanwhile, ghosts and tombstones
 * that are gone; and states larger than a frame.
 */
#include "tests/unit/talk.h"

#include <stdio.h>

#define WALL_MS 1700000000000u

struct two {
    struct heap heap;
    struct holm_replica *a, *b;
    uint64_t now_us;
};

static struct holm_now now_of(struct two *two)
{
    two->now_us += 1000;
    return (struct holm_now){two->now_us, WALL_MS + two->now_us / 1000};
}

static struct holm_replica *open_one(struct two *two, uint64_t node)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *made;
    config.allocator = heap_allocator(&two->heap);
    config.self = actor_of(node, 1);
    config.digest_seed = 7;
    config.random_seed = node;
    assert_int_equal(holm_replica_new(&config, &made), HOLM_OK);
    return made;
}

static void open_two(struct two *two)
{
    memset(two, 0, sizeof *two);
    two->a = open_one(two, 1);
    two->b = open_one(two, 2);
}

static void close_two(struct two *two)
{
    holm_replica_check(two->a);
    holm_replica_check(two->b);
    holm_replica_free(two->a);
    holm_replica_free(two->b);
    assert_int_equal(two->heap.blocks, 0);
}

static enum holm_status write_op(struct two *two, struct holm_replica *replica, struct holm_op op)
{
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    const struct holm_work *work;
    return holm_replica_step(replica, &event, now_of(two), &work);
}

static void write_ok(struct two *two, struct holm_replica *replica, struct holm_op op)
{
    assert_int_equal(write_op(two, replica, op), HOLM_OK);
}

static void put(struct two *two, struct holm_replica *replica, const char *key, int64_t number)
{
    write_ok(two, replica, holm_op_put(holm_str(key), holm_str("f"), holm_i64(number)));
}

static void add(struct two *two, struct holm_replica *replica, const char *key, int64_t amount)
{
    write_ok(two, replica, holm_op_add(holm_str(key), holm_str("f"), amount));
}

static void op(struct two *two, struct holm_replica *replica, enum holm_op_type type,
               const char *key)
{
    write_ok(
        two, replica,
        holm_op_of(type, holm_str(key), type == HOLM_OP_RESET ? holm_str("f") : holm_mem(NULL, 0)));
}

static struct talk talk_of(struct two *two, struct holm_replica *server,
                           struct holm_replica *receiver)
{
    return (struct talk){.server = server,
                         .receiver = receiver,
                         .allocator = heap_allocator(&two->heap),
                         .now = now_of(two)};
}

static void catch_up(struct two *two, struct holm_replica *server, struct holm_replica *receiver)
{
    struct talk talk = talk_of(two, server, receiver);
    talk_through(&talk);
}

static void assert_same(const struct holm_replica *a, const struct holm_replica *b)
{
    assert_int_equal(holm_replica_vector_hash(a), holm_replica_vector_hash(b));
    assert_true(holm_digest_equal(holm_replica_digest(a), holm_replica_digest(b)));
    assert_true(
        holm_digest_equal(holm_replica_transfer_digest(a), holm_replica_transfer_digest(b)));
}

/* ---- memory --------------------------------------------------------------------------------- */

/* What A and B have in common: registers, a counter, and a set in segments. */
static void agree(struct two *two)
{
    for (int64_t i = 0; i < 60; i++) {
        char name[80];
        (void)snprintf(name, sizeof name, "k%02d", (int)i);
        put(two, two->a, name, i);
        (void)snprintf(name, sizeof name, "%060d", (int)i);
        struct holm_op insert = holm_op_of(HOLM_OP_INSERT, holm_str("set"), holm_str("f"));
        insert.as.element = holm_str(name);
        write_ok(two, two->a, insert);
    }
    add(two, two->a, "count", 20);
    add(two, two->b, "count", 4);
    catch_up(two, two->a, two->b);
    catch_up(two, two->b, two->a);
    assert_same(two->a, two->b);
}

/* What each does alone: siblings, removals, a reset, a burial. */
static void differ(struct two *two)
{
    op(two, two->a, HOLM_OP_RESET, "count");
    add(two, two->b, "count", 3);
    put(two, two->a, "k01", 100);
    put(two, two->b, "k01", 200);
    op(two, two->a, HOLM_OP_REMOVE, "k02");
    op(two, two->b, HOLM_OP_REMOVE, "k03");
    op(two, two->a, HOLM_OP_BURY, "k04");
    put(two, two->b, "k04", 5);
    put(two, two->a, "only a", 1);
    put(two, two->b, "only b", 1);
    struct holm_op erase = holm_op_of(HOLM_OP_ERASE, holm_str("set"), holm_str("f"));
    static const char element[] = "000000000000000000000000000000000000000000000000000000000033";
    erase.as.element = holm_str(element);
    write_ok(two, two->a, erase);
}

static void diverge(struct two *two)
{
    agree(two);
    differ(two);
}

struct photo {
    struct holm_digest live, transfer;
    uint64_t vector;
    size_t records, cells;
};

static struct photo photo_of(const struct holm_replica *replica)
{
    return (struct photo){holm_replica_digest(replica), holm_replica_transfer_digest(replica),
                          holm_replica_vector_hash(replica), replica->state.record_count,
                          replica->state.cells};
}

static void assert_unchanged(const struct holm_replica *replica, const struct photo *before)
{
    struct photo now = photo_of(replica);
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(&replica->state, 0, UINT64_MAX);
    assert_memory_equal(&now, before, sizeof now);
    while (holm_walk_next(&replica->state, &walk, &spot)) {
        for (; holm_spot_cell(&replica->state, &spot, &cell);
             holm_spot_next(&replica->state, &spot))
            assert_false(cell.marked);
    }
    holm_replica_check(replica);
}

/* A run of A's that comes to B when all is compared: part of what the cut has seen removed. */
static struct holm_delta *first_run(struct two *two)
{
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    const struct holm_work *work;
    put(two, two->a, "brief", 1);
    add(two, two->a, "brief", 1);
    assert_int_equal(holm_replica_step(two->a, &flush, now_of(two), &work), HOLM_OK);
    assert_true(work->stored_count >= 1);
    struct holm_delta *run = work->stored[work->stored_count - 1];
    holm_delta_retain(run);
    op(two, two->a, HOLM_OP_REMOVE, "brief");
    return run;
}

static void give(struct two *two, struct holm_replica *replica, struct holm_delta *run)
{
    struct holm_message message = {
        .type = HOLM_MESSAGE_DELTA, .sender = run->actor, .as.delta = run};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {.peer = HOLM_PEER_NONE, .message = &message}};
    const struct holm_work *work;
    assert_int_equal(holm_replica_step(replica, &event, now_of(two), &work), HOLM_OK);
}

struct shown {
    struct holm_digest sum;
    uint64_t count, bytes;
};

static bool show(void *context, const struct holm_reconcile_entry *entry)
{
    struct shown *shown = context;
    const struct holm_item *item = &entry->item;
    const struct holm_bytes parts[] = {item->key, item->path, item->sub};
    holm_digest_add(&shown->sum, entry->term);
    shown->count += 1;
    for (size_t i = 0; i < 3; i++) {
        const unsigned char *bytes = parts[i].data;
        for (size_t at = 0; at < parts[i].size; at++)
            shown->bytes += (at + 7 * i + 1) * bytes[at];
    }
    return true;
}

/* What the newest frozen side of a replica shows, which must be what its tree says. */
static struct shown shown_by(const struct holm_replica *replica)
{
    const struct holm_reconcile_source *source = &replica->state.frozen->source;
    struct shown shown = {{0, 0}, 0, 0};
    source->visit(source->context, 0, UINT64_MAX, show, &shown);
    assert_true(holm_digest_equal(shown.sum, holm_tree_total(source->tree)));
    assert_int_equal(shown.count, source->entries);
    return shown;
}

static void assert_shows(const struct holm_replica *replica, const struct shown *before)
{
    struct shown now = shown_by(replica);
    assert_true(holm_digest_equal(now.sum, before->sum));
    assert_int_equal(now.bytes, before->bytes);
}

/* So much of A that logs, tables and heaps must grow to take it. */
static void write_many(struct two *two)
{
    static unsigned char value[300];
    for (unsigned i = 0; i < 500; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "many%u", i);
        write_ok(two, two->a,
                 holm_op_put(holm_str(key), holm_str(i % 2 == 0 ? "f" : "g"),
                             holm_bytes_value(value, sizeof value)));
    }
}

/* Applying, with the n-th allocation and all after it refused, or it alone. False: it needs no more. */
static bool refuse_finish(uint64_t n, bool once)
{
    struct two two;
    enum holm_status status;
    open_two(&two);
    agree(&two);
    struct holm_delta *run = first_run(&two);
    differ(&two);
    write_many(&two);
    struct talk talk = talk_of(&two, two.a, two.b);
    talk_open(&talk);
    while (talk_round(&talk, &status)) {
    }
    assert_int_equal(status, HOLM_OK);
    give(&two, two.b, run);
    assert_true(holm_replica_exists(two.b, holm_str("brief")));
    struct photo before = photo_of(two.b);
    struct shown frozen = shown_by(two.b);
    two.heap.fail_at = two.heap.calls + n;
    two.heap.fail_once = once;
    status = talk_finish(&talk);
    bool refused = two.heap.calls >= two.heap.fail_at;
    two.heap.fail_at = 0;
    if (status != HOLM_OK) {
        assert_int_equal(status, HOLM_ENOMEM);
        assert_unchanged(two.b, &before);
        put(&two, two.b, "k07", 700);
        op(&two, two.b, HOLM_OP_REMOVE, "k08");
        assert_shows(two.b, &frozen);
        assert_int_equal(talk_finish(&talk), HOLM_OK);
    }
    talk_close(&talk);
    catch_up(&two, two.b, two.a);
    assert_same(two.a, two.b);
    assert_false(holm_replica_exists(two.b, holm_str("brief")));
    holm_delta_release(run);
    close_two(&two);
    return refused;
}

static void test_catchup_when_memory_is_refused_then_nothing_is_applied(void **state)
{
    uint64_t n = 1;
    while (refuse_finish(n, true))
        n += 1;
    assert_in_range(n, 10, 10000);
    print_message("%d allocations refused\n", (int)n - 1);
    for (n = 1; refuse_finish(n, false); n++) {
    }
}

/* One of the functions around it, with the n-th allocation refused. */
enum call {
    OPEN_RECEIVER,
    OPEN_SERVER,
    START,
    ASK,
    ANSWER,
    TAKE,
    CALLS
};

struct calls {
    struct two two;
    struct holm_reconcile_config config;
    struct holm_catchup *catchup;
    struct holm_offer *offer;
    const struct holm_sync_ask *ask;
    struct holm_sync_tell tell;
};

static enum holm_status call_once(struct calls *calls, enum call call)
{
    const struct holm_work *work;
    struct two *two = &calls->two;
    struct holm_offer_cut cut;
    switch (call) {
    case OPEN_RECEIVER:
        return holm_catchup_open(two->b, &calls->config, now_of(two), &work, &calls->catchup);
    case OPEN_SERVER:
        return holm_offer_open(two->a, &calls->config, holm_catchup_vector(calls->catchup),
                               now_of(two), &work, &calls->offer);
    case START:
        cut = holm_offer_cut(calls->offer);
        return holm_catchup_start(calls->catchup, &cut);
    case ASK:
        return holm_catchup_ask(calls->catchup, &calls->ask);
    case ANSWER:
        return holm_offer_answer(calls->offer, calls->ask, &calls->tell);
    case TAKE:
        return holm_catchup_take(calls->catchup, &calls->tell);
    case CALLS:
        break;
    }
    return HOLM_EINVAL;
}

static bool refuse_call(enum call refused_call, uint64_t n)
{
    struct calls calls = {.config = holm_reconcile_config_default(4096)};
    const struct holm_work *work;
    bool refused = false;
    calls.config.window = 1;
    open_two(&calls.two);
    diverge(&calls.two);
    for (enum call call = 0; call < CALLS; call++) {
        if (call != refused_call) {
            assert_int_equal(call_once(&calls, call), HOLM_OK);
            continue;
        }
        calls.two.heap.fail_at = calls.two.heap.calls + n;
        enum holm_status status = call_once(&calls, call);
        refused = calls.two.heap.calls >= calls.two.heap.fail_at;
        calls.two.heap.fail_at = 0;
        if (status != HOLM_OK) {
            assert_int_equal(status, HOLM_ENOMEM);
            assert_int_equal(call_once(&calls, call), HOLM_OK);
        }
    }
    while (holm_catchup_outcome(calls.catchup) == HOLM_RECONCILE_RUNNING) {
        for (enum call call = ASK; call < CALLS; call++)
            assert_int_equal(call_once(&calls, call), HOLM_OK);
    }
    assert_int_equal(holm_catchup_finish(calls.catchup, now_of(&calls.two), &work), HOLM_OK);
    holm_catchup_close(calls.catchup);
    holm_offer_close(calls.offer);
    catch_up(&calls.two, calls.two.b, calls.two.a);
    assert_same(calls.two.a, calls.two.b);
    close_two(&calls.two);
    return refused;
}

static void test_catchup_when_memory_is_refused_on_the_way_then_it_is_asked_again(void **state)
{
    for (enum call call = 0; call < CALLS; call++) {
        uint64_t n = 1;
        while (refuse_call(call, n))
            n += 1;
        assert_true(n > 1);
    }
}

/* ---- room for what changes ------------------------------------------------------------------ */

/* The bound is reached, or memory is refused: the write is made, and both sides say that it is over. */
static void test_catchup_when_too_much_changes_then_writes_go_on_and_it_is_over(void **state)
{
    for (unsigned how = 0; how < 2; how++) {
        struct two two;
        enum holm_status status;
        open_two(&two);
        diverge(&two);
        struct talk talk = talk_of(&two, two.a, two.b);
        talk.config = holm_reconcile_config_default(4096);
        talk.config.kept_bytes_max = how == 0 ? 20000 : SIZE_MAX;
        talk_open(&talk);
        struct holm_replica *changed = how == 0 ? two.a : two.b;
        for (int64_t i = 0; i < 60; i++) {
            char key[8];
            (void)snprintf(key, sizeof key, "k%02d", (int)i);
            bool writes = i != 4 && !holm_replica_buried(changed, holm_str(key));
            if (how == 1 && i == 10)
                heap_refuse(&two.heap);
            if (writes &&
                write_op(&two, changed, holm_op_put(holm_str(key), holm_str("f"), holm_i64(i))) !=
                    HOLM_OK)
                put(&two, changed, key, i);
        }
        if (how == 0) {
            assert_false(talk_round(&talk, &status));
            assert_int_equal(status, HOLM_ELIMIT);
        }
        talk_close(&talk);
        catch_up(&two, two.a, two.b);
        catch_up(&two, two.b, two.a);
        assert_same(two.a, two.b);
        close_two(&two);
    }
}

/* A frozen side whose replica's digests were wrong and are computed anew is of no use any more. */
static void test_catchup_when_digests_are_rebuilt_then_it_is_over(void **state)
{
    struct two two;
    enum holm_status status;
    open_two(&two);
    diverge(&two);
    struct talk talk = talk_of(&two, two.a, two.b);
    talk_open(&talk);
    holm_tree_add(&two.b->state.tree, 5, (struct holm_digest){1, 2});
    assert_false(holm_state_rebuild_digests(&two.b->state));
    assert_false(talk_round(&talk, &status));
    assert_int_equal(status, HOLM_ELIMIT);
    talk_close(&talk);
    catch_up(&two, two.a, two.b);
    close_two(&two);
}

/* T21: a digest that is wrong is noticed by whoever walks, and nothing is applied. */
static void test_catchup_when_a_digest_is_wrong_then_it_is_noticed(void **state)
{
    for (unsigned side = 0; side < 2; side++) {
        struct two two;
        enum holm_status status;
        open_two(&two);
        diverge(&two);
        struct holm_replica *wrong = side == 0 ? two.a : two.b;
        struct holm_key key = holm_state_key(&wrong->state, holm_str("k07"));
        holm_tree_add(&wrong->state.tree, key.hash, (struct holm_digest){1, 2});
        struct talk talk = talk_of(&two, two.a, two.b);
        talk_open(&talk);
        while (talk_round(&talk, &status)) {
        }
        assert_int_equal(holm_catchup_outcome(talk.catchup),
                         side == 0 ? HOLM_RECONCILE_PEER_WRONG : HOLM_RECONCILE_OWN_WRONG);
        talk_close(&talk);
        assert_false(holm_state_rebuild_digests(&wrong->state));
        catch_up(&two, two.a, two.b);
        catch_up(&two, two.b, two.a);
        assert_same(two.a, two.b);
        close_two(&two);
    }
}

/* A write that is taken back, in the middle of what it changes, and others after it. */
static bool refuse_write(uint64_t n)
{
    struct two two;
    open_two(&two);
    diverge(&two);
    struct talk talk = talk_of(&two, two.a, two.b);
    talk_open(&talk);
    struct shown before = shown_by(two.b);
    two.heap.fail_at = two.heap.calls + n;
    two.heap.fail_once = true;
    enum holm_status status = write_op(
        &two, two.b, holm_op_of(HOLM_OP_REMOVE, holm_str("set"), holm_mem(NULL, 0)));
    bool refused = two.heap.calls >= two.heap.fail_at;
    two.heap.fail_at = 0;
    assert_true(status == HOLM_OK || status == HOLM_ENOMEM);
    if (!two.b->state.frozen->broken) {
        for (int64_t i = 10; i < 40; i++) {
            char key[8];
            (void)snprintf(key, sizeof key, "k%02d", (int)i);
            put(&two, two.b, key, -i);
        }
        assert_shows(two.b, &before);
    }
    talk_close(&talk);
    catch_up(&two, two.a, two.b);
    catch_up(&two, two.b, two.a);
    assert_same(two.a, two.b);
    close_two(&two);
    return refused;
}

static void test_catchup_when_a_write_is_taken_back_then_it_shows_the_same(void **state)
{
    uint64_t n = 1;
    while (refuse_write(n))
        n += 1;
    assert_true(n > 5);
}

/* ---- ghosts --------------------------------------------------------------------------------- */

/* The server has dropped a ghost that the receiver still has. Before it is applied a run brings the
 * receiver the owner's next chain, which the cut does not know: that stays. */
static void test_catchup_when_an_entry_goes_and_has_grown_then_it_stays(void **state)
{
    for (unsigned grown = 0; grown < 2; grown++) {
        struct two two;
        enum holm_status status;
        const struct holm_work *work;
        struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
        struct holm_dot vector[4];
        size_t dropped;
        open_two(&two);
        struct holm_replica *owner = open_one(&two, 3);
        add(&two, owner, "count", 7);
        catch_up(&two, owner, two.a);
        op(&two, two.a, HOLM_OP_RESET, "count");
        catch_up(&two, two.a, two.b);
        catch_up(&two, two.a, owner);
        size_t count = holm_replica_vector(owner, vector, 4);
        struct holm_vector_view reported = {vector, count};
        assert_int_equal(holm_replica_drop_ghosts(two.a, actor_of(3, 1), reported, now_of(&two),
                                                  &work, &dropped),
                         HOLM_OK);
        assert_int_equal(dropped, 1);
        struct talk talk = talk_of(&two, two.a, two.b);
        talk_open(&talk);
        while (talk_round(&talk, &status)) {
        }
        add(&two, owner, "count", 5);
        assert_int_equal(holm_replica_step(owner, &flush, now_of(&two), &work), HOLM_OK);
        struct holm_delta *run = work->stored[work->stored_count - 1];
        if (grown == 1)
            give(&two, two.b, run);
        assert_int_equal(talk_finish(&talk), HOLM_OK);
        talk_close(&talk);
        int64_t sum;
        status = holm_replica_count(two.b, holm_str("count"), holm_str("f"), &sum);
        assert_int_equal(status, grown == 1 ? HOLM_OK : HOLM_ENOENT);
        assert_int_equal(sum, grown == 1 ? 5 : 0);
        assert_int_equal(two.b->state.cells, grown);
        holm_replica_free(owner);
        close_two(&two);
    }
}

/* ---- size ----------------------------------------------------------------------------------- */

/* T23: 20,000 values of 36 bytes and one at the limit, in frames of 64 KiB, to an empty replica. */
static void test_catchup_when_the_state_is_larger_than_a_frame_then_it_is_paged(void **state)
{
    struct two two;
    static unsigned char large[16384], value[36];
    open_two(&two);
    for (unsigned i = 0; i < 20000; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "key%05u", i);
        memcpy(value, &i, sizeof i);
        write_ok(&two, two.a,
                 holm_op_put(holm_str(key), holm_str("f"), holm_bytes_value(value, sizeof value)));
    }
    write_ok(&two, two.a,
             holm_op_put(holm_str("large"), holm_str("f"), holm_bytes_value(large, sizeof large)));
    struct talk talk = talk_of(&two, two.a, two.b);
    talk.config = holm_reconcile_config_default(65536);
    talk_through(&talk);
    assert_same(two.a, two.b);
    assert_in_range(talk.frame_bytes_most, 65536 / 4, 65536);
    assert_in_range(talk.bytes, 20000 * 40, 20000 * 80);
    assert_in_range(talk.asks, 15, 80);
    talk.asks = 0;
    talk.bytes = 0;
    for (unsigned i = 0; i < 100; i++)
        talk_through(&talk);
    assert_int_equal(talk.bytes, 0);
    /* One record more costs what one costs, whatever else there is. */
    put(&two, two.a, "more", 1);
    talk_through(&talk);
    assert_same(two.a, two.b);
    assert_in_range(talk.bytes, 1, 8192);
    close_two(&two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catchup_when_memory_is_refused_then_nothing_is_applied),
        cmocka_unit_test(test_catchup_when_memory_is_refused_on_the_way_then_it_is_asked_again),
        cmocka_unit_test(test_catchup_when_too_much_changes_then_writes_go_on_and_it_is_over),
        cmocka_unit_test(test_catchup_when_a_write_is_taken_back_then_it_shows_the_same),
        cmocka_unit_test(test_catchup_when_digests_are_rebuilt_then_it_is_over),
        cmocka_unit_test(test_catchup_when_a_digest_is_wrong_then_it_is_noticed),
        cmocka_unit_test(test_catchup_when_an_entry_goes_and_has_grown_then_it_stays),
        cmocka_unit_test(test_catchup_when_the_state_is_larger_than_a_frame_then_it_is_paged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
