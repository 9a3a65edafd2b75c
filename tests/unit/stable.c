/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/stable.h"

#include "crdt/count.h"
#include "tests/unit/core.h"

#define PARTITION 3u

/* One replica's point of view: X is node 1 in epoch 1, Y node 2, Z node 3. */
struct fixture {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_members members;
    struct holm_stable stable;
    struct holm_vector r, list, frontier, lasts;
    uint64_t list_seq; /* of X in the list */
};

static struct holm_vector_view none(void)
{
    return (struct holm_vector_view){NULL, 0};
}

static void say(struct fixture *f, enum holm_member_op_type type, uint64_t node, uint64_t epoch)
{
    struct holm_member_op op = {.type = type, .dot = dot_of(1, 1, ++f->list_seq)};
    op.subject = actor_of(node, epoch);
    if (type == HOLM_MEMBER_ADMIT && holm_actor_equal(op.subject, op.dot.actor))
        op.last = 1;
    assert_int_equal(holm_members_apply(&f->members, &op), HOLM_OK);
    assert_int_equal(holm_vector_raise(&f->list, op.dot.actor, op.dot.seq), HOLM_OK);
}

static void open(struct fixture *f, uint64_t nodes)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    holm_members_init(&f->members, &f->allocator);
    holm_stable_init(&f->stable, &f->allocator);
    holm_vector_init(&f->r, &f->allocator);
    holm_vector_init(&f->list, &f->allocator);
    holm_vector_init(&f->frontier, &f->allocator);
    holm_vector_init(&f->lasts, &f->allocator);
    for (uint64_t node = 1; node <= nodes; node++)
        say(f, HOLM_MEMBER_ADMIT, node, 1);
}

static void close(struct fixture *f)
{
    holm_stable_check(&f->stable);
    holm_members_check(&f->members);
    holm_members_release(&f->members);
    holm_stable_release(&f->stable);
    holm_vector_release(&f->r);
    holm_vector_release(&f->list);
    holm_vector_release(&f->frontier);
    holm_vector_release(&f->lasts);
    assert_int_equal(f->heap.blocks, 0);
}

static struct holm_stable_self self_of(const struct fixture *f)
{
    return (struct holm_stable_self){.actor = actor_of(1, 1),
                                     .number = PARTITION,
                                     .partition = holm_vector_view(&f->r),
                                     .list = holm_vector_view(&f->list),
                                     .members = &f->members};
}

static void have(struct fixture *f, uint64_t node, uint64_t epoch, uint64_t seq)
{
    assert_int_equal(holm_vector_raise(&f->r, actor_of(node, epoch), seq), HOLM_OK);
}

/* A report of one entry, whose sender knows the list as X does now. */
static void hear(struct fixture *f, uint64_t node, uint64_t epoch, struct holm_dot entry)
{
    struct holm_vector_view v = {&entry, 1};
    assert_int_equal(holm_stable_hear(&f->stable, &f->members, actor_of(node, epoch), v,
                                      holm_vector_view(&f->list)),
                     HOLM_OK);
}

static uint64_t frontier_of(struct fixture *f, uint64_t node, uint64_t epoch)
{
    struct holm_stable_self self = self_of(f);
    assert_int_equal(holm_stable_frontier(&f->stable, &self, &f->frontier), HOLM_OK);
    holm_vector_check(&f->frontier);
    return holm_vector_seq(holm_vector_view(&f->frontier), actor_of(node, epoch));
}

/* Rule 1, condition by condition. */
static void test_stable_when_any_condition_fails_then_nothing_is(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 3);
    have(&f, 1, 1, 9);
    assert_int_equal(frontier_of(&f, 1, 1), 0);
    hear(&f, 2, 1, dot_of(1, 1, 5));
    assert_int_equal(frontier_of(&f, 1, 1), 0); /* nothing of Z */
    hear(&f, 3, 1, dot_of(1, 1, 7));
    assert_int_equal(frontier_of(&f, 1, 1), 5);
    hear(&f, 2, 1, dot_of(1, 1, 4)); /* an earlier one, late */
    assert_int_equal(frontier_of(&f, 1, 1), 5);
    hear(&f, 2, 1, dot_of(1, 1, 10)); /* more than is here */
    assert_int_equal(frontier_of(&f, 1, 1), 0);
    have(&f, 1, 1, 10);
    assert_int_equal(frontier_of(&f, 1, 1), 7);
    struct holm_dot entry = dot_of(1, 1, 10), more[] = {dot_of(1, 1, 3), dot_of(2, 1, 1)};
    assert_int_equal(holm_stable_hear(&f.stable, &f.members, actor_of(2, 1),
                                      (struct holm_vector_view){&entry, 1},
                                      (struct holm_vector_view){more, 2}),
                     HOLM_OK);
    assert_int_equal(frontier_of(&f, 1, 1), 0); /* Y's list has what X's has not */
    assert_int_equal(holm_vector_raise(&f.list, actor_of(2, 1), 1), HOLM_OK);
    assert_int_equal(frontier_of(&f, 1, 1), 7);
    say(&f, HOLM_MEMBER_ADMIT, 3, 2); /* Z restarts: its report, and Y's, are too old */
    assert_int_equal(frontier_of(&f, 1, 1), 0);
    hear(&f, 3, 2, dot_of(1, 1, 10));
    assert_int_equal(frontier_of(&f, 1, 1), 0);
    hear(&f, 2, 1, dot_of(1, 1, 10));
    assert_int_equal(frontier_of(&f, 1, 1), 10);
    hear(&f, 3, 1, dot_of(1, 1, 11)); /* of the epoch before */
    assert_int_equal(frontier_of(&f, 1, 1), 10);
    holm_stable_clear(&f.stable);
    assert_int_equal(frontier_of(&f, 1, 1), 0);
    close(&f);
}

/* Rule 5: who is forgotten counts until all others know. */
static void test_stable_when_one_is_forgotten_then_it_counts_until_all_others_know(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 3);
    have(&f, 1, 1, 9);
    hear(&f, 2, 1, dot_of(1, 1, 9));
    say(&f, HOLM_MEMBER_FORGET, 3, 1);
    struct holm_stable_self self = self_of(&f);
    assert_false(holm_stable_gone(&f.stable, &self, actor_of(3, 1)));
    assert_int_equal(frontier_of(&f, 1, 1), 0);
    hear(&f, 2, 1, dot_of(1, 1, 9));
    self = self_of(&f);
    assert_true(holm_stable_gone(&f.stable, &self, actor_of(3, 1)));
    assert_false(holm_stable_gone(&f.stable, &self, actor_of(2, 1)));
    assert_int_equal(frontier_of(&f, 1, 1), 9);
    close(&f);
}

static bool reports(const struct fixture *f, uint64_t epoch)
{
    return holm_stable_report(&f->stable, actor_of(2, epoch)) != NULL;
}

/* Rule 26: two live under Y's id; X's list has the one of epoch 1. Whoever tells first, and however often. */
static void test_stable_when_a_clone_reports_then_the_member_goes_before_it(void **state)
{
    (void)state;
    static const uint64_t told[][4] = {{7, 1, 7, 7}, {1, 7, 1, 7}, {1, 7, 7, 1}};
    static const uint64_t kept[][4] = {{7, 1, 1, 1}, {1, 7, 1, 1}, {1, 7, 7, 1}};
    for (size_t i = 0; i < 3; i++) {
        struct fixture f;
        open(&f, 2);
        have(&f, 1, 1, 9);
        for (uint64_t k = 0; k < 4; k++) {
            hear(&f, 2, told[i][k], dot_of(1, 1, told[i][k] == 7 ? 8 : 5));
            assert_true(reports(&f, kept[i][k]));
        }
        hear(&f, 2, 1, dot_of(1, 1, 5));
        hear(&f, 2, 7, dot_of(1, 1, 8));
        assert_true(reports(&f, 1));
        assert_int_equal(frontier_of(&f, 1, 1), 5);
        say(&f, HOLM_MEMBER_ADMIT, 2, 7);
        hear(&f, 2, 7, dot_of(1, 1, 8));
        assert_true(reports(&f, 7));
        hear(&f, 2, 1, dot_of(1, 1, 9));
        hear(&f, 2, 3, dot_of(1, 1, 9));
        assert_int_equal(frontier_of(&f, 1, 1), 8);
        close(&f);
    }
}

/* What was heard of the clone stays, until what is heard of the member is. */
static void test_stable_when_memory_for_the_members_report_fails_then_the_clones_stays(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 2);
    have(&f, 1, 1, 9);
    hear(&f, 2, 7, dot_of(1, 1, 8));
    struct holm_report *clones = holm_stable_find(&f.stable, actor_of(2, 7));
    assert_non_null(clones);
    clones->number = 5;
    struct holm_dot entry = dot_of(1, 1, 5);
    enum holm_status status = HOLM_ENOMEM;
    uint64_t refused = 0;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        f.heap.calls = 0;
        f.heap.fail_at = fail_at;
        f.heap.fail_once = true;
        status = holm_stable_hear(&f.stable, &f.members, actor_of(2, 1),
                                  (struct holm_vector_view){&entry, 1}, holm_vector_view(&f.list));
        refused += status == HOLM_ENOMEM ? 1 : 0;
        const struct holm_report *report = holm_stable_report(&f.stable, actor_of(2, 7));
        assert_true((report != NULL) == (status == HOLM_ENOMEM));
        if (report != NULL) {
            assert_int_equal(report->number, 5);
            assert_int_equal(holm_vector_seq(holm_vector_view(&report->partition), entry.actor), 8);
        }
        holm_stable_check(&f.stable);
    }
    assert_int_equal(status, HOLM_OK);
    assert_in_range(refused, 2, 3);
    f.heap.fail_at = 0;
    assert_int_equal(holm_stable_report(&f.stable, actor_of(2, 1))->number, 0);
    assert_int_equal(frontier_of(&f, 1, 1), 5);
    close(&f);
}

/* What a forgotten one reported goes when all others know of the forget, not before; a later life of it is heard. */
static void test_stable_when_one_is_gone_then_its_report_goes(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 3);
    have(&f, 1, 1, 9);
    hear(&f, 3, 1, dot_of(1, 1, 9));
    hear(&f, 2, 1, dot_of(1, 1, 9));
    say(&f, HOLM_MEMBER_FORGET, 3, 1);
    struct holm_stable_self self = self_of(&f);
    holm_stable_trim(&f.stable, &f.stable, &self);
    assert_int_equal(f.stable.count, 2);
    hear(&f, 2, 1, dot_of(1, 1, 9));
    self = self_of(&f);
    uint64_t frontier = frontier_of(&f, 1, 1);
    uint64_t blocks = f.heap.blocks;
    holm_stable_trim(&f.stable, &f.stable, &self);
    assert_int_equal(f.stable.count, 1);
    assert_true(f.heap.blocks < blocks);
    assert_true(reports(&f, 1));
    assert_int_equal(frontier, 9);
    assert_int_equal(frontier_of(&f, 1, 1), frontier);
    hear(&f, 3, 2, dot_of(1, 1, 9));
    holm_stable_trim(&f.stable, &f.stable, &self);
    assert_int_equal(f.stable.count, 2);
    close(&f);
}

/* A replica that is itself forgotten collects nothing. */
static void test_stable_when_oneself_is_forgotten_then_nothing_is(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 1);
    have(&f, 1, 1, 9);
    assert_int_equal(frontier_of(&f, 1, 1), 9);
    say(&f, HOLM_MEMBER_ADMIT, 1, 2);
    assert_int_equal(frontier_of(&f, 1, 1), 0);
    close(&f);
}

/* Rule 6: in order, and only what is the same everywhere. */
static void test_stable_when_an_ended_epoch_differs_then_it_and_later_ones_wait(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 2);
    say(&f, HOLM_MEMBER_ADMIT, 2, 4);
    have(&f, 2, 1, 3);
    have(&f, 2, 3, 2);
    have(&f, 2, 4, 1);
    struct holm_dot some[] = {dot_of(2, 1, 2), dot_of(2, 3, 2), dot_of(2, 4, 1)};
    struct holm_dot all[] = {dot_of(2, 1, 3), dot_of(2, 3, 2), dot_of(2, 4, 1)};
    struct holm_stable_self self = self_of(&f);
    for (int round = 0; round < 2; round++) {
        struct holm_vector_view v = {round == 0 ? some : all, 3};
        assert_int_equal(
            holm_stable_hear(&f.stable, &f.members, actor_of(2, 4), v, holm_vector_view(&f.list)),
            HOLM_OK);
        assert_int_equal(holm_stable_frontier(&f.stable, &self, &f.frontier), HOLM_OK);
        assert_int_equal(holm_stable_folds(&f.stable, &self, &f.frontier, &f.lasts), HOLM_OK);
        holm_vector_check(&f.frontier);
        assert_int_equal(f.lasts.count, round == 0 ? 0 : 2);
    }
    struct holm_vector_view frontier = holm_vector_view(&f.frontier);
    assert_true(holm_vector_seq(frontier, actor_of(2, 2)) == HOLM_SEQ_FOLDED);
    assert_true(holm_vector_seq(frontier, actor_of(2, 3)) == HOLM_SEQ_FOLDED);
    assert_int_equal(holm_vector_seq(frontier, actor_of(2, 4)), 1);
    assert_int_equal(holm_vector_seq(holm_vector_view(&f.lasts), actor_of(2, 3)), 2);
    close(&f);
}

/* T13: when a ghost may go. */
static void test_stable_when_the_owner_knows_of_a_reset_then_its_ghost_may_go(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 2);
    have(&f, 1, 1, 5);
    have(&f, 2, 1, 3);
    struct holm_dot reset = dot_of(1, 1, 5);
    struct holm_stable_self self = self_of(&f);
    assert_true(holm_stable_ghost(&f.stable, &self, actor_of(1, 1), reset)); /* one's own */
    assert_false(holm_stable_ghost(&f.stable, &self, actor_of(1, 1), dot_of(2, 1, 4)));
    assert_false(holm_stable_ghost(&f.stable, &self, actor_of(2, 1), reset));
    hear(&f, 2, 1, dot_of(1, 1, 4));
    assert_false(holm_stable_ghost(&f.stable, &self, actor_of(2, 1), reset));
    struct holm_dot knows[] = {dot_of(1, 1, 5), dot_of(2, 1, 4)};
    assert_int_equal(holm_stable_hear(&f.stable, &f.members, actor_of(2, 1),
                                      (struct holm_vector_view){knows, 2},
                                      holm_vector_view(&f.list)),
                     HOLM_OK);
    assert_false(holm_stable_ghost(&f.stable, &self, actor_of(2, 1), reset)); /* 4 is on its way */
    have(&f, 2, 1, 4);
    self = self_of(&f);
    assert_true(holm_stable_ghost(&f.stable, &self, actor_of(2, 1), reset));
    assert_false(holm_stable_ghost(&f.stable, &self, actor_of(2, 1), dot_of(1, 1, 6)));
    say(&f, HOLM_MEMBER_ADMIT, 2, 2);
    self = self_of(&f);
    assert_false(holm_stable_ghost(&f.stable, &self, actor_of(2, 1), reset));
    close(&f);
}

static enum holm_status rely_on(struct holm_stable *stable, struct holm_dot forget,
                                struct holm_actor subject)
{
    return holm_stable_rely_on(stable, (struct holm_relied){forget, subject});
}

static void test_stable_when_a_forget_relied_on_is_void_then_it_is_betrayed(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 3);
    struct holm_member_op op = {.type = HOLM_MEMBER_FORGET, .dot = dot_of(3, 1, 1)};
    op.subject = actor_of(2, 1);
    assert_int_equal(holm_members_apply(&f.members, &op), HOLM_OK);
    assert_false(holm_stable_relied(&f.stable, &f.members, actor_of(2, 1)));
    assert_int_equal(holm_stable_rely(&f.stable, &f.members), HOLM_OK);
    assert_true(holm_stable_relied(&f.stable, &f.members, actor_of(2, 1)));
    assert_false(holm_stable_relied(&f.stable, &f.members, actor_of(2, 2)));
    assert_false(holm_stable_relied(&f.stable, &f.members, actor_of(3, 1)));
    assert_int_equal(holm_stable_rely(&f.stable, &f.members), HOLM_OK);
    assert_int_equal(f.stable.relied_count, 1);
    assert_false(holm_stable_betrayed(&f.stable, &f.members));
    op.dot = dot_of(2, 1, 1);
    op.subject = actor_of(3, 1);
    assert_int_equal(holm_members_apply(&f.members, &op), HOLM_OK);
    assert_true(holm_stable_betrayed(&f.stable, &f.members));
    assert_false(holm_stable_relied(&f.stable, &f.members, actor_of(2, 1))); /* it is void */
    say(&f, HOLM_MEMBER_FORGET, 2, 1); /* another names the same */
    assert_false(holm_stable_betrayed(&f.stable, &f.members));
    assert_int_equal(rely_on(&f.stable, dot_of(9, 9, 9), actor_of(9, 8)), HOLM_OK);
    assert_true(holm_stable_betrayed(&f.stable, &f.members)); /* of which nothing is known */
    close(&f);
}

/* What was believed by hearsay is noted, and is not in the list: after a restart only the note tells of it. */
static void test_stable_when_what_it_relied_on_is_not_listed_then_whom_it_named_counts(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 3);
    assert_int_equal(rely_on(&f.stable, dot_of(9, 9, 9), actor_of(2, 1)), HOLM_OK);
    assert_true(holm_stable_betrayed(&f.stable, &f.members));
    say(&f, HOLM_MEMBER_FORGET, 2, 1); /* another names the same */
    assert_false(holm_stable_betrayed(&f.stable, &f.members));
    close(&f);
}

/* Node 3's forget came before node 2's, which makes it void. */
static void test_stable_when_a_list_was_not_whole_then_what_was_noted_does_not_count(void **state)
{
    (void)state;
    struct fixture f;
    struct holm_stable before;
    open(&f, 3);
    holm_stable_init(&before, &f.stable.allocator);
    struct holm_member_op op = {.type = HOLM_MEMBER_FORGET, .dot = dot_of(3, 1, 1)};
    op.subject = actor_of(2, 1);
    assert_int_equal(holm_members_apply(&f.members, &op), HOLM_OK);
    assert_int_equal(holm_stable_rely(&f.stable, &f.members), HOLM_OK);
    op.dot = dot_of(2, 1, 1);
    op.subject = actor_of(3, 1);
    assert_int_equal(holm_members_apply(&f.members, &op), HOLM_OK);
    assert_true(holm_stable_betrayed(&f.stable, &f.members));
    assert_int_equal(holm_stable_rely_anew(&f.stable, &f.members, NULL), HOLM_OK);
    assert_false(holm_stable_betrayed(&f.stable, &f.members));
    assert_true(holm_stable_relied(&f.stable, &f.members, actor_of(3, 1)));
    assert_int_equal(f.stable.relied_count, 1);
    assert_int_equal(rely_on(&before, dot_of(3, 1, 1), actor_of(2, 1)), HOLM_OK);
    assert_int_equal(holm_stable_rely_anew(&f.stable, &f.members, &before), HOLM_OK);
    assert_true(holm_stable_betrayed(&f.stable, &f.members)); /* what is merged was */
    assert_int_equal(f.stable.relied_count, 2);
    holm_stable_release(&before);
    close(&f);
}

static void test_stable_when_any_allocation_fails_then_it_is_as_it_was(void **state)
{
    (void)state;
    struct fixture f;
    open(&f, 2);
    have(&f, 1, 1, 9);
    have(&f, 2, 1, 2);
    say(&f, HOLM_MEMBER_ADMIT, 2, 2);
    struct holm_dot entries[] = {dot_of(1, 1, 9), dot_of(2, 1, 2)};
    struct holm_vector_view v = {entries, 2};
    struct holm_stable_self self = self_of(&f);
    enum holm_status status = HOLM_ENOMEM;
    uint64_t refused = 0;
    for (uint64_t fail_at = 1; status == HOLM_ENOMEM; fail_at++) {
        f.heap.calls = 0;
        f.heap.fail_at = fail_at;
        f.heap.fail_once = true;
        status = holm_stable_hear(&f.stable, &f.members, actor_of(2, 2), v,
                                  holm_vector_view(&f.list));
        if (status == HOLM_OK)
            status = holm_stable_frontier(&f.stable, &self, &f.frontier);
        if (status == HOLM_OK)
            status = holm_stable_folds(&f.stable, &self, &f.frontier, &f.lasts);
        refused += status == HOLM_ENOMEM ? 1 : 0;
        assert_true(status == HOLM_OK || f.lasts.count == 0);
        holm_stable_check(&f.stable);
    }
    assert_int_equal(status, HOLM_OK);
    assert_true(refused > 5);
    assert_int_equal(f.lasts.count, 1);
    struct holm_dot bad = dot_of(1, 1, 0);
    assert_int_equal(holm_stable_hear(&f.stable, &f.members, actor_of(2, 2),
                                      (struct holm_vector_view){&bad, 1}, none()),
                     HOLM_EMALFORMED);
    close(&f);
}

/* ---- T20: ten nodes, a thousand lives each */

#define CITIES 10u
#define LIVES 1000u

/* What one replica has of a counter: an entry an epoch, and one a node for all that are folded. */
struct ledger {
    struct holm_count folded[CITIES + 1];
    struct holm_count open[CITIES + 1]; /* of the present epoch */
};

static int64_t total(const struct ledger *ledger)
{
    int64_t sum = 0;
    for (size_t i = 1; i <= CITIES; i++) {
        sum += ledger->folded[i].sum - ledger->folded[i].cancelled_sum;
        sum += ledger->open[i].sum - ledger->open[i].cancelled_sum;
    }
    return sum;
}

/* All have the same: each reports R and the list. */
static void hear_all(struct fixture *f)
{
    for (size_t i = 0; i < f->members.count; i++) {
        struct holm_actor member = f->members.rows[i].actor;
        if (member.node.value != 1)
            assert_int_equal(holm_stable_hear(&f->stable, &f->members, member,
                                              holm_vector_view(&f->r), holm_vector_view(&f->list)),
                             HOLM_OK);
    }
}

/* Folds what may be folded; the counter's entries with it. */
static void fold(struct fixture *f, struct ledger *ledger)
{
    struct holm_stable_self self = self_of(f);
    holm_vector_clear(&f->lasts);
    assert_int_equal(holm_stable_frontier(&f->stable, &self, &f->frontier), HOLM_OK);
    assert_true(f->frontier.count > 0);
    assert_int_equal(holm_stable_folds(&f->stable, &self, &f->frontier, &f->lasts), HOLM_OK);
    for (size_t i = 0; i < f->lasts.count; i++) {
        const struct holm_dot *last = &f->lasts.entries[i];
        uint64_t node = last->actor.node.value;
        struct holm_member_op op = {.type = HOLM_MEMBER_FOLD,
                                    .dot = dot_of(1, 1, ++f->list_seq),
                                    .subject = last->actor,
                                    .partition = PARTITION,
                                    .last = last->seq};
        assert_int_equal(holm_members_apply(&f->members, &op), HOLM_OK);
        assert_int_equal(holm_vector_raise(&f->list, op.dot.actor, op.dot.seq), HOLM_OK);
        assert_int_equal(holm_count_fold(&ledger->folded[node], &ledger->open[node]), HOLM_OK);
        memset(&ledger->open[node], 0, sizeof ledger->open[node]);
    }
    for (size_t i = 0; i < f->frontier.count; i++) {
        if (f->frontier.entries[i].seq == HOLM_SEQ_FOLDED)
            assert_int_equal(
                holm_vector_raise(&f->r, f->frontier.entries[i].actor, HOLM_SEQ_FOLDED), HOLM_OK);
    }
}

static void test_stable_when_ten_cities_are_bombed_a_thousand_times_then_vectors_stay_short(
    void **state)
{
    (void)state;
    struct fixture f;
    struct ledger ledger = {.folded = {{0}}};
    struct holm_vector whole; /* what retention `forever` has: an entry an epoch */
    int64_t sum = 0;
    open(&f, CITIES);
    holm_vector_init(&whole, &f.allocator);
    for (uint64_t life = 1; life <= LIVES; life++) {
        for (uint64_t city = 2; city <= CITIES; city++) {
            struct holm_dot dot = dot_of(city, life, 1 + city % 3);
            assert_int_equal(holm_count_increment(NULL, dot.seq, (int64_t)life, &ledger.open[city]),
                             HOLM_OK);
            sum += (int64_t)life;
            have(&f, city, life, dot.seq);
            assert_int_equal(holm_vector_raise(&whole, dot.actor, dot.seq), HOLM_OK);
        }
        for (uint64_t city = 2; city <= CITIES; city++)
            say(&f, HOLM_MEMBER_ADMIT, city, life + 1);
        hear_all(&f);
        fold(&f, &ledger);
        assert_true(f.r.count <= 2 * CITIES && f.frontier.count <= 2 * CITIES);
        assert_int_equal(total(&ledger), sum);
        if (life % 100 == 0)
            assert_true(holm_vector_hash(holm_vector_view(&f.r),
                                         holm_members_lasts(&f.members, PARTITION), 11) ==
                        holm_vector_hash(holm_vector_view(&whole), none(), 11));
    }
    assert_int_equal(f.r.count, CITIES - 1);
    assert_int_equal(f.members.admission_count, CITIES);
    assert_int_equal(holm_members_lasts(&f.members, PARTITION).count, (CITIES - 1) * LIVES);
    assert_int_equal(whole.count, (CITIES - 1) * LIVES);
    struct holm_vector_view lasts = holm_members_lasts(&f.members, PARTITION);
    assert_true(holm_vector_covers(holm_vector_view(&f.r), holm_vector_view(&whole), lasts));
    assert_true(holm_vector_covers(holm_vector_view(&whole), holm_vector_view(&f.r), lasts));
    holm_vector_release(&whole);
    close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stable_when_any_condition_fails_then_nothing_is),
        cmocka_unit_test(test_stable_when_one_is_forgotten_then_it_counts_until_all_others_know),
        cmocka_unit_test(test_stable_when_one_is_gone_then_its_report_goes),
        cmocka_unit_test(test_stable_when_a_clone_reports_then_the_member_goes_before_it),
        cmocka_unit_test(
            test_stable_when_memory_for_the_members_report_fails_then_the_clones_stays),
        cmocka_unit_test(test_stable_when_oneself_is_forgotten_then_nothing_is),
        cmocka_unit_test(test_stable_when_an_ended_epoch_differs_then_it_and_later_ones_wait),
        cmocka_unit_test(test_stable_when_the_owner_knows_of_a_reset_then_its_ghost_may_go),
        cmocka_unit_test(test_stable_when_a_forget_relied_on_is_void_then_it_is_betrayed),
        cmocka_unit_test(
            test_stable_when_what_it_relied_on_is_not_listed_then_whom_it_named_counts),
        cmocka_unit_test(test_stable_when_a_list_was_not_whole_then_what_was_noted_does_not_count),
        cmocka_unit_test(test_stable_when_any_allocation_fails_then_it_is_as_it_was),
        cmocka_unit_test(
            test_stable_when_ten_cities_are_bombed_a_thousand_times_then_vectors_stay_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
