/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a node writes anew that comes back by replacement: its old state beside the cut that takes its place.
 */
#include "crdt/replica_remint.h"

#include "crdt/replica_parts.h"
#include "tests/unit/core.h"

static const struct holm_now now = {1000000, 1000};

enum {
    OLD, /* of node 1, epoch 1 */
    CUT, /* of node 1, epoch 2: what the members have */
    OTHER,
    BEFORE, /* of node 1, too: what it wrote as another epoch */
    LATER,  /* of the node of OTHER */
    NODES
};

struct fixture {
    struct heap heap;
    struct holm_replica *replicas[NODES];
    const struct holm_work *work;
    struct holm_origins origins;
    struct holm_remint remint;
    struct holm_lost lost[4]; /* what was told to be lost */
    size_t lost_count;
    enum holm_status answer; /* to what is to be written */
};

static void open_fixture(struct fixture *f)
{
    static const uint64_t nodes[NODES] = {1, 1, 2, 1, 2};
    static const uint64_t epochs[NODES] = {1, 2, 1, 3, 2};
    memset(f, 0, sizeof *f);
    struct holm_allocator allocator = heap_allocator(&f->heap);
    holm_origins_init(&f->origins, &allocator);
    for (int i = 0; i < NODES; i++) {
        struct holm_replica_config config = holm_replica_config_default();
        config.allocator = heap_allocator(&f->heap);
        config.self = actor_of(nodes[i], epochs[i]);
        config.retention = HOLM_RETENTION_STABLE;
        assert_int_equal(holm_replica_new(&config, &f->replicas[i]), HOLM_OK);
    }
}

static void close_fixture(struct fixture *f)
{
    for (int i = 0; i < NODES; i++) {
        holm_replica_check(f->replicas[i]);
        holm_replica_free(f->replicas[i]);
    }
    holm_origins_check(&f->origins);
    holm_origins_release(&f->origins);
    assert_int_equal(f->heap.blocks, 0);
}

/* Writes a run at one replica, and gives it to the others that are named by `to`, a bit each. */
static void write(struct fixture *f, int from, unsigned to, struct holm_op op)
{
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    assert_int_equal(holm_replica_step(f->replicas[from], &commit, now, &f->work), HOLM_OK);
    assert_int_equal(holm_replica_step(f->replicas[from], &flush, now, &f->work), HOLM_OK);
    assert_int_equal(f->work->stored_count, 1);
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .as.delta = f->work->stored[0]};
    message.sender = f->work->stored[0]->actor;
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {HOLM_PEER_NONE, &message}};
    for (int i = 0; i < NODES; i++) {
        const struct holm_work *work;
        if ((to & 1u << i) != 0)
            assert_int_equal(holm_replica_step(f->replicas[i], &event, now, &work), HOLM_OK);
    }
}

#define TO(node) (1u << (node))
#define BOTH (TO(OLD) | TO(CUT))

static enum holm_status take(void *context, const struct holm_op *ops, size_t count)
{
    struct fixture *f = context;
    if (f->answer != HOLM_OK)
        return f->answer;
    struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {ops, count}};
    return holm_replica_step(f->replicas[CUT], &commit, now, &f->work);
}

static void lose(void *context, const struct holm_lost *lost)
{
    struct fixture *f = context;
    assert_true(f->lost_count < 4);
    f->lost[f->lost_count++] = *lost;
}

static enum holm_status try_remint(struct fixture *f)
{
    struct holm_reminter reminter = {take, lose, f};
    return holm_replica_remint(f->replicas[OLD], f->replicas[CUT], &reminter, &f->origins,
                               &f->remint);
}

static void remint(struct fixture *f)
{
    f->remint = (struct holm_remint){0};
    assert_int_equal(try_remint(f), HOLM_OK);
}

/* All that is dropped is told. */
static void expect(const struct fixture *f, uint64_t minted, uint64_t dropped)
{
    assert_int_equal(f->remint.minted, minted);
    assert_int_equal(f->remint.dropped, dropped);
    assert_int_equal(f->lost_count, dropped);
}

/* Something of "k". */
static void expect_lost(const struct fixture *f, size_t index, struct holm_lost expected)
{
    const struct holm_lost *lost = &f->lost[index];
    assert_true(index < f->lost_count);
    assert_bytes(lost->key, "k");
    assert_true(holm_bytes_equal(lost->path, expected.path));
    assert_int_equal(lost->kind, expected.kind);
    assert_int_equal(lost->removal, expected.removal);
    assert_true(holm_actor_equal(lost->dot.actor, expected.dot.actor));
    assert_int_equal(lost->dot.seq, expected.dot.seq);
}

#define NAME holm_str("\4name")

static struct holm_bytes k(void)
{
    return holm_str("k");
}

static struct holm_op put(const char *text)
{
    return holm_op_put(k(), holm_str("name"), holm_text(text));
}

static bool has_name(const struct fixture *f, const char *text)
{
    struct holm_cell_view cell;
    return holm_replica_get(f->replicas[CUT], k(), holm_str("name"), HOLM_REGISTER, &cell) ==
               HOLM_OK &&
           holm_bytes_equal(cell.value.as.bytes, holm_str(text));
}

static int64_t sum(const struct fixture *f)
{
    int64_t count;
    enum holm_status status = holm_replica_count(f->replicas[CUT], k(), holm_str("n"), &count);
    return status == HOLM_OK ? count : 0;
}

static void test_remint_when_own_writes_are_not_in_the_cut_then_they_are_written_anew(void **state)
{
    (void)state;
    struct fixture f;
    const struct holm_bytes parents[] = {holm_str("a"), holm_str("b")};
    open_fixture(&f);
    write(&f, OLD, 0, put("Ada"));
    write(&f, OLD, 0, holm_op_insert(k(), holm_str("s"), holm_str("x")));
    write(&f, OLD, 0, holm_op_enable(k(), holm_str("f")));
    write(&f, OLD, 0, holm_op_raise(k(), holm_str("m"), holm_i64(7)));
    write(&f, OLD, 0, holm_op_lower(k(), holm_str("m"), holm_i64(3)));
    write(&f, OLD, 0, holm_op_put_at(k(), holm_path_of(parents, 2), holm_i64(1)));
    write(&f, OLD, 0, holm_op_bury(holm_str("dead")));
    write(&f, OLD, 0, put("Eva"));
    remint(&f);
    expect(&f, 7, 0);
    assert_true(has_name(&f, "Eva"));
    assert_true(holm_replica_contains(f.replicas[CUT], k(), holm_str("s"), holm_str("x")));
    assert_true(holm_replica_enabled(f.replicas[CUT], k(), holm_str("f")));
    assert_true(holm_replica_buried(f.replicas[CUT], holm_str("dead")));
    struct holm_cell_view cell;
    assert_int_equal(holm_replica_get(f.replicas[CUT], k(), holm_str("m"), HOLM_MAX, &cell),
                     HOLM_OK);
    assert_int_equal(cell.value.as.i64, 7);
    assert_int_equal(
        holm_replica_get_at(f.replicas[CUT], k(), holm_path_of(parents, 2), HOLM_REGISTER, &cell),
        HOLM_OK);
    close_fixture(&f);
}

/* T40: what others took counts once. */
static void test_remint_when_a_part_is_in_the_cut_then_the_rest_is_added(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    write(&f, OLD, TO(CUT), holm_op_add(k(), holm_str("n"), 3));
    write(&f, OLD, 0, holm_op_add(k(), holm_str("n"), 2));
    write(&f, OLD, 0, holm_op_add(k(), holm_str("n"), -7));
    assert_int_equal(sum(&f), 3);
    remint(&f);
    expect(&f, 1, 0);
    assert_int_equal(sum(&f), -2);
    close_fixture(&f);
}

static void test_remint_when_all_is_in_the_cut_then_nothing_is_written(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    write(&f, OLD, TO(CUT), put("Ada"));
    write(&f, OLD, TO(CUT), holm_op_add(k(), holm_str("n"), 3));
    write(&f, OTHER, BOTH, holm_op_bury(holm_str("l")));
    remint(&f);
    expect(&f, 0, 0);
    close_fixture(&f);
}

/* Its own reset cancels what it added; and what it added after that counts. */
static void test_remint_when_a_part_was_cancelled_then_it_stays_so(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    write(&f, OLD, 0, holm_op_add(k(), holm_str("n"), 3));
    write(&f, OLD, 0, holm_op_reset(k(), holm_str("n")));
    write(&f, OLD, 0, holm_op_add(k(), holm_str("n"), 4));
    remint(&f);
    assert_int_equal(sum(&f), 4);
    close_fixture(&f);
}

/* The members have folded its epoch, whose first operation is all that was everywhere: the end is in the list. */
static void fold_behind_the_first(struct fixture *f)
{
    struct holm_replica *cut = f->replicas[CUT];
    const struct holm_actor ended = holm_replica_self(f->replicas[OLD]);
    const struct holm_dot frontier = {ended, HOLM_SEQ_FOLDED};
    const struct holm_member_op end = {.type = HOLM_MEMBER_FOLD,
                                       .dot = {holm_replica_self(f->replicas[OTHER]), 1},
                                       .subject = ended,
                                       .last = 1};
    const struct holm_list_news news = {&end, 1, {&end.dot, 1}};
    assert_int_equal(holm_replica_learn(cut, &news, now, &f->work), HOLM_OK);
    assert_int_equal(
        holm_replica_collect(cut, (struct holm_vector_view){&frontier, 1}, now, &f->work), HOLM_OK);
    assert_true(holm_replica_folds(holm_replica_collected(cut), ended));
}

/* T40 */
static void test_remint_when_its_epoch_is_folded_then_the_rest_is_written_anew(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    write(&f, OLD, TO(CUT), holm_op_add(k(), holm_str("n"), 3));
    write(&f, OLD, 0, put("Ada"));
    write(&f, OLD, 0, holm_op_enable(k(), holm_str("f")));
    fold_behind_the_first(&f);
    remint(&f);
    expect(&f, 2, 0);
    assert_true(has_name(&f, "Ada"));
    assert_int_equal(sum(&f), 3);
    close_fixture(&f);
}

/* T40: what of a chain is in a folded sum the own log tells, or nothing does. */
static void test_remint_when_a_chain_is_folded_in_part_then_its_rest_is_added(void **state)
{
    (void)state;
    for (uint64_t forgets = 0; forgets < 2; forgets++) {
        struct fixture f;
        open_fixture(&f);
        write(&f, OLD, TO(CUT), holm_op_add(k(), holm_str("n"), 3));
        write(&f, OLD, 0, holm_op_add(k(), holm_str("other"), 10));
        write(&f, OLD, 0, holm_op_add(k(), holm_str("n"), 2));
        fold_behind_the_first(&f);
        if (forgets == 1)
            holm_oplog_clear(&f.replicas[OLD]->log, &f.replicas[OLD]->actors);
        remint(&f);
        expect(&f, forgets == 1 ? 1 : 2, forgets);
        assert_int_equal(sum(&f), forgets == 1 ? 3 : 5);
        close_fixture(&f);
    }
}

/* Folds an epoch at one replica. */
static void fold(struct fixture *f, int at, int ended, uint64_t last)
{
    const struct holm_dot frontier = {holm_replica_self(f->replicas[ended]), HOLM_SEQ_FOLDED};
    const struct holm_member_op end = {
        .type = HOLM_MEMBER_FOLD,
        .dot = {holm_replica_self(f->replicas[BEFORE]), ended == LATER ? 2 : 1},
        .subject = frontier.actor,
        .last = last};
    const struct holm_list_news news = {&end, 1, {&end.dot, 1}};
    assert_int_equal(holm_replica_learn(f->replicas[at], &news, now, &f->work), HOLM_OK);
    assert_int_equal(holm_replica_collect(f->replicas[at], (struct holm_vector_view){&frontier, 1},
                                          now, &f->work),
                     HOLM_OK);
}

/* T40: the cut has folded an earlier epoch of a node, and lacks what a later one added, which is folded here. */
static void test_remint_when_more_is_folded_than_there_then_what_differs_is_told(void **state)
{
    (void)state;
    for (int known = 0; known < 2; known++) {
        struct fixture f;
        open_fixture(&f);
        write(&f, OTHER, BOTH, holm_op_add(k(), holm_str("m"), 5));
        write(&f, OTHER, BOTH, holm_op_add(k(), holm_str("n"), 3));
        write(&f, LATER, known == 1 ? BOTH : TO(OLD), holm_op_add(k(), holm_str("n"), 2));
        fold(&f, CUT, OTHER, 2);
        fold(&f, OLD, OTHER, 2);
        fold(&f, OLD, LATER, 1);
        remint(&f);
        expect(&f, 0, known == 1 ? 0 : 1);
        if (known == 0) {
            assert_true(holm_bytes_equal(f.lost[0].path, holm_str("\1n")));
            assert_int_equal(f.lost[0].kind, HOLM_COUNTER);
            assert_int_equal(f.lost[0].dot.actor.node.value, 2);
        }
        assert_int_equal(sum(&f), known == 1 ? 5 : 3);
        close_fixture(&f);
    }
}

/* T40: what it had of others, and nobody else has, is dropped and told. */
static void test_remint_when_others_wrote_it_then_it_is_dropped(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    write(&f, OTHER, TO(OLD), put("Ada"));
    write(&f, OLD, 0, holm_op_add(k(), holm_str("n"), 1));
    remint(&f);
    expect(&f, 1, 1);
    expect_lost(&f, 0,
                (struct holm_lost){.path = NAME, .kind = HOLM_REGISTER, .dot = dot_of(2, 1, 1)});
    assert_false(has_name(&f, "Ada"));
    assert_int_equal(sum(&f), 1);
    close_fixture(&f);
}

/* T18: a key that both knew has gone from the cut, and stays so; be the trace of it a cell that was seen,
 * or only in the op log. */
static void test_remint_when_a_known_key_has_gone_then_its_write_is_dropped(void **state)
{
    (void)state;
    for (int trace = 0; trace < 2; trace++) {
        struct fixture f;
        open_fixture(&f);
        write(&f, OTHER, BOTH, put("Ada"));
        write(&f, OTHER, TO(CUT), holm_op_remove(k(), holm_mem(NULL, 0)));
        if (trace == 0)
            write(&f, OLD, 0, holm_op_add(k(), holm_str("n"), 1)); /* beside it */
        else
            write(&f, OLD, 0, put("Eva")); /* in its place */
        remint(&f);
        expect(&f, 0, 1);
        expect_lost(&f, 0,
                    (struct holm_lost){.path = trace == 0 ? holm_str("\1n") : NAME,
                                       .kind = trace == 0 ? HOLM_COUNTER : HOLM_REGISTER,
                                       .dot = dot_of(1, 1, 1)});
        assert_false(holm_replica_exists(f.replicas[CUT], k()));
        close_fixture(&f);
    }
}

/* Without the op log it cannot be told; then only what the cut still has is written to. */
static void test_remint_when_the_log_is_short_then_absent_keys_are_left(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    write(&f, OTHER, BOTH, holm_op_put(holm_str("l"), holm_str("name"), holm_text("Ada")));
    write(&f, OLD, 0, holm_op_put(holm_str("l"), holm_str("name"), holm_text("Eva")));
    write(&f, OLD, 0, put("Eva"));
    struct holm_dot all[2];
    size_t count = holm_replica_vector(f.replicas[OLD], all, 2);
    assert_int_equal(
        holm_replica_collect(f.replicas[OLD], (struct holm_vector_view){all, count}, now, &f.work),
        HOLM_OK);
    remint(&f);
    expect(&f, 1, 1);
    assert_false(holm_replica_exists(f.replicas[CUT], k()));
    close_fixture(&f);
}

/* A removal is repeated where it takes what it took, and nothing else. */
static void test_remint_when_it_removed_then_it_removes_the_same_or_nothing(void **state)
{
    (void)state;
    for (int more = 0; more < 2; more++) {
        struct fixture f;
        open_fixture(&f);
        write(&f, OTHER, BOTH, put("Ada"));
        write(&f, OTHER, BOTH, holm_op_insert(k(), holm_str("s"), holm_str("x")));
        write(&f, OLD, 0, holm_op_remove(k(), holm_str("name")));
        write(&f, OLD, 0, holm_op_erase(k(), holm_str("s"), holm_str("x")));
        if (more == 1)
            write(&f, OTHER, TO(CUT), put("Eva"));
        remint(&f);
        expect(&f, more == 0 ? 2 : 1, more == 0 ? 0 : 1);
        if (more == 1)
            expect_lost(&f, 0,
                        (struct holm_lost){.path = NAME, .removal = true, .dot = dot_of(1, 1, 1)});
        assert_int_equal(has_name(&f, "Eva"), more == 1);
        assert_false(holm_replica_contains(f.replicas[CUT], k(), holm_str("s"), holm_str("x")));
        close_fixture(&f);
    }
}

/* All that the old replica has is stable, as far as it knows: it was alone. */
static void collect(struct fixture *f)
{
    struct holm_dot all[2];
    size_t count = holm_replica_vector(f->replicas[OLD], all, 2);
    struct holm_replica *old = f->replicas[OLD];
    size_t runs = old->log.count;
    assert_int_equal(holm_replica_collect_now(old, (struct holm_vector_view){all, count}), HOLM_OK);
    assert_int_equal(old->state.tombstones, 0);
    assert_int_equal(old->log.count, runs);
}

/* T40: those who had forgotten each other were each alone, and what one buried it has collected. */
static void test_remint_when_a_burial_was_collected_then_it_is_buried_again(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    write(&f, OTHER, BOTH, put("Ada"));
    write(&f, OLD, 0, holm_op_bury(k()));
    collect(&f);
    write(&f, OTHER, TO(CUT), put("Ida"));
    remint(&f);
    expect(&f, 1, 0);
    assert_true(holm_replica_buried(f.replicas[CUT], k()));
    close_fixture(&f);
}

/* What was there before the burial goes, and what was written after it stays. */
static void test_remint_when_it_was_written_again_since_then_only_that_lives(void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        struct fixture f;
        open_fixture(&f);
        write(&f, OLD, 0, holm_op_bury(k()));
        collect(&f);
        write(&f, OLD, 0, put("Eva"));
        if (there == 1) {
            write(&f, OTHER, TO(CUT), holm_op_insert(k(), holm_str("s"), holm_str("x")));
            write(&f, OTHER, TO(CUT), put("Ida"));
        }
        remint(&f);
        expect(&f, there == 1 ? 2 : 1, 0);
        assert_true(has_name(&f, "Eva"));
        assert_false(holm_replica_contains(f.replicas[CUT], k(), holm_str("s"), holm_str("x")));
        close_fixture(&f);
    }
}

/* One that the cut's replica refuses is told, and one that has another's tombstone there is not needed. */
static void test_remint_when_a_collected_burial_is_refused_then_it_is_lost(void **state)
{
    (void)state;
    for (int dead = 0; dead < 2; dead++) {
        struct fixture f;
        open_fixture(&f);
        write(&f, OLD, 0, holm_op_bury(k()));
        collect(&f);
        write(&f, OTHER, TO(CUT), dead == 1 ? holm_op_bury(k()) : put("Ida"));
        f.answer = HOLM_EIO;
        remint(&f);
        expect(&f, 0, dead == 1 ? 0 : 1);
        if (dead == 0)
            expect_lost(&f, 0, (struct holm_lost){.dot = dot_of(1, 1, 1)});
        close_fixture(&f);
    }
}

/* T40: what the cut's replica refuses is told cell by cell, and so is what others had in the same record. */
static void test_remint_when_a_write_is_refused_then_all_of_it_is_lost(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    write(&f, OTHER, TO(OLD), holm_op_insert(k(), holm_str("s"), holm_str("x")));
    write(&f, OLD, 0, holm_op_add(k(), holm_str("n"), 1));
    write(&f, OLD, 0, put("Ada"));
    f.answer = HOLM_EBURIED;
    remint(&f);
    expect(&f, 0, 3);
    expect_lost(
        &f, 0,
        (struct holm_lost){.path = holm_str("\1s"), .kind = HOLM_SET, .dot = dot_of(2, 1, 1)});
    expect_lost(
        &f, 1,
        (struct holm_lost){.path = holm_str("\1n"), .kind = HOLM_COUNTER, .dot = dot_of(1, 1, 1)});
    expect_lost(&f, 2,
                (struct holm_lost){.path = NAME, .kind = HOLM_REGISTER, .dot = dot_of(1, 1, 2)});
    close_fixture(&f);
    open_fixture(&f);
    write(&f, OLD, 0, holm_op_bury(k()));
    write(&f, OTHER, TO(OLD), holm_op_bury(k()));
    f.answer = HOLM_EIO;
    remint(&f);
    expect(&f, 0, 2);
    expect_lost(&f, 0, (struct holm_lost){.dot = dot_of(2, 1, 1)});
    expect_lost(&f, 1, (struct holm_lost){.dot = dot_of(1, 1, 1)});
    close_fixture(&f);
}

/* What it wrote as another epoch, two increments, it has written anew as one, its first operation since; and more. */
static void copied(struct fixture *f, unsigned first_to, unsigned second_to)
{
    const struct holm_origin origin = {.copy = {holm_replica_self(f->replicas[OLD]), 1},
                                       .of = holm_replica_self(f->replicas[BEFORE]),
                                       .last = 2};
    write(f, BEFORE, first_to, holm_op_add(k(), holm_str("n"), 5));
    write(f, BEFORE, second_to, holm_op_add(k(), holm_str("n"), 3));
    write(f, OLD, 0, holm_op_add(k(), holm_str("n"), 8));
    write(f, OLD, 0, holm_op_add(k(), holm_str("n"), 2));
    assert_int_equal(holm_origins_add(&f->origins, &origin), HOLM_OK);
}

/* T40 */
static void test_remint_when_a_copy_stands_for_what_is_there_then_it_is_not_written_again(
    void **state)
{
    (void)state;
    for (int there = 0; there < 2; there++) {
        struct fixture f;
        unsigned to = there == 1 ? TO(CUT) : 0;
        open_fixture(&f);
        copied(&f, to, to);
        remint(&f);
        expect(&f, 1, 0);
        assert_int_equal(sum(&f), 10);
        assert_int_equal(f.origins.count, 2);
        assert_true(f.origins.rows[1].after == (there == 1 ? 1 : 0) &&
                    f.origins.rows[1].last == 2 && f.origins.rows[1].copy.seq == 1);
        close_fixture(&f);
    }
}

/* T40: of 5 and 3 the cut has the 5: the 8 is lost, and told; what came after it is written anew. */
static void test_remint_when_a_copy_stands_for_a_part_then_its_count_is_lost(void **state)
{
    (void)state;
    struct fixture f;
    open_fixture(&f);
    copied(&f, TO(CUT), 0);
    remint(&f);
    expect(&f, 1, 1);
    expect_lost(
        &f, 0,
        (struct holm_lost){.path = holm_str("\1n"), .kind = HOLM_COUNTER, .dot = dot_of(1, 1, 2)});
    assert_int_equal(sum(&f), 7);
    close_fixture(&f);
}

/* T40: a copy of a copy, too; and a key of which the cut had what was copied, and has removed it, stays so. */
static void test_remint_when_a_copy_was_removed_there_then_it_stays_so(void **state)
{
    (void)state;
    for (int part = 0; part < 2; part++) {
        struct fixture f;
        struct holm_origin origin = {
            .copy = {actor_of(1, 4), 1}, .of = actor_of(1, 3), .last = 1 + (uint64_t)part};
        open_fixture(&f);
        write(&f, BEFORE, TO(CUT), put("Ada"));
        write(&f, OTHER, 0, holm_op_insert(holm_str("l"), holm_str("s"), holm_str("x")));
        struct holm_op op = holm_op_remove(k(), holm_mem(NULL, 0));
        struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
        assert_int_equal(holm_replica_step(f.replicas[CUT], &commit, now, &f.work), HOLM_OK);
        struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
        assert_int_equal(holm_replica_step(f.replicas[CUT], &flush, now, &f.work), HOLM_OK);
        write(&f, OLD, 0, put("Ada"));
        assert_int_equal(holm_origins_add(&f.origins, &origin), HOLM_OK);
        origin = (struct holm_origin){.copy = {actor_of(1, 1), 1}, .of = actor_of(1, 4), .last = 1};
        assert_int_equal(holm_origins_add(&f.origins, &origin), HOLM_OK);
        remint(&f);
        expect(&f, 0, (uint64_t)part);
        assert_false(holm_replica_exists(f.replicas[CUT], k()));
        close_fixture(&f);
    }
}

/* Something of each sort that is written anew, or told to be lost. */
static void write_all_sorts(struct fixture *f)
{
    write(f, OTHER, BOTH, holm_op_insert(k(), holm_str("s"), holm_str("both")));
    write(f, OLD, TO(CUT), holm_op_add(k(), holm_str("n"), 3));
    write(f, OLD, 0, holm_op_erase(k(), holm_str("s"), holm_str("both")));
    write(f, LATER, TO(OLD), holm_op_enable(k(), holm_str("f")));
    write(f, OLD, 0, holm_op_add(k(), holm_str("n"), 2));
    write(f, OLD, 0, put("Ada"));
    write(f, OLD, 0, holm_op_bury(holm_str("dead")));
    write(f, OLD, 0, holm_op_add(holm_str("l"), holm_str("n"), 7));
    write(f, OTHER, TO(CUT), holm_op_bury(holm_str("l")));
}

static void test_remint_when_memory_is_refused_then_it_goes_on_where_it_stopped(void **state)
{
    (void)state;
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    for (uint64_t i = 1;; i++) {
        struct fixture f;
        open_fixture(&f);
        write_all_sorts(&f);
        f.heap.calls = 0;
        f.heap.fail_at = i;
        f.heap.fail_once = true;
        bool refused = try_remint(&f) != HOLM_OK;
        bool reached = f.heap.calls >= i;
        if (refused) {
            assert_true(reached);
            assert_int_equal(holm_replica_step(f.replicas[CUT], &flush, now, &f.work), HOLM_OK);
            assert_int_equal(try_remint(&f), HOLM_OK);
        }
        expect(&f, 4, 2);
        assert_int_equal(sum(&f), 5);
        assert_true(has_name(&f, "Ada"));
        assert_false(holm_replica_contains(f.replicas[CUT], k(), holm_str("s"), holm_str("both")));
        assert_true(holm_replica_buried(f.replicas[CUT], holm_str("dead")));
        assert_int_equal(f.origins.count, 1);
        close_fixture(&f);
        if (!reached)
            return;
    }
}

static void test_remint_when_memory_is_refused_then_it_says_so_and_leaks_nothing(void **state)
{
    (void)state;
    for (uint64_t i = 1;; i++) {
        struct fixture f;
        open_fixture(&f);
        write(&f, OLD, 0, put("Ada"));
        write(&f, OLD, 0, holm_op_insert(k(), holm_str("s"), holm_str("x")));
        f.heap.calls = 0;
        f.heap.fail_at = i;
        enum holm_status status = try_remint(&f);
        bool refused = f.heap.calls >= i;
        f.heap.fail_at = 0;
        assert_int_equal(refused, status != HOLM_OK);
        close_fixture(&f);
        if (!refused)
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remint_when_own_writes_are_not_in_the_cut_then_they_are_written_anew),
        cmocka_unit_test(test_remint_when_a_part_is_in_the_cut_then_the_rest_is_added),
        cmocka_unit_test(test_remint_when_its_epoch_is_folded_then_the_rest_is_written_anew),
        cmocka_unit_test(test_remint_when_a_chain_is_folded_in_part_then_its_rest_is_added),
        cmocka_unit_test(test_remint_when_more_is_folded_than_there_then_what_differs_is_told),
        cmocka_unit_test(test_remint_when_all_is_in_the_cut_then_nothing_is_written),
        cmocka_unit_test(test_remint_when_a_part_was_cancelled_then_it_stays_so),
        cmocka_unit_test(test_remint_when_others_wrote_it_then_it_is_dropped),
        cmocka_unit_test(test_remint_when_a_known_key_has_gone_then_its_write_is_dropped),
        cmocka_unit_test(test_remint_when_the_log_is_short_then_absent_keys_are_left),
        cmocka_unit_test(test_remint_when_it_removed_then_it_removes_the_same_or_nothing),
        cmocka_unit_test(test_remint_when_a_burial_was_collected_then_it_is_buried_again),
        cmocka_unit_test(test_remint_when_it_was_written_again_since_then_only_that_lives),
        cmocka_unit_test(test_remint_when_a_collected_burial_is_refused_then_it_is_lost),
        cmocka_unit_test(
            test_remint_when_a_copy_stands_for_what_is_there_then_it_is_not_written_again),
        cmocka_unit_test(test_remint_when_a_copy_stands_for_a_part_then_its_count_is_lost),
        cmocka_unit_test(test_remint_when_a_copy_was_removed_there_then_it_stays_so),
        cmocka_unit_test(test_remint_when_a_write_is_refused_then_all_of_it_is_lost),
        cmocka_unit_test(test_remint_when_memory_is_refused_then_it_goes_on_where_it_stopped),
        cmocka_unit_test(test_remint_when_memory_is_refused_then_it_says_so_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
