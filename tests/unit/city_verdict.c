/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Journals by hand. The story of the fixture: lisbon (node a) bears Ada and Bob, hurts Ada, and dies;
 * oslo (node b) has seen it, boosts Ada and buries Bob; lisbon comes back as a second life. Each test
 * plants one fault and looks for exactly its count.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/city/verdict.h"

#define ADA "hero:6f1d0c52-93ab-4d1e-8a07-1c5b7a0e9d33"
#define BOB "hero:00000000-0000-4000-8000-000000000b0b"

struct tale {
    struct holm_ledger ledger;
    uint32_t lisbon, oslo, again; /* lives: lisbon's first, oslo's, lisbon's second */
};

static void say(struct tale *tale, uint32_t life, const char *text)
{
    struct holm_journal_line line;
    assert_true(holm_journal_parse(text, strlen(text), &line));
    assert_int_equal(holm_ledger_take(&tale->ledger, life, &line), HOLM_OK);
}

static void begin(struct tale *tale)
{
    holm_ledger_init(&tale->ledger);
    assert_int_equal(holm_ledger_begin(&tale->ledger, 0, &tale->lisbon), HOLM_OK);
    assert_int_equal(holm_ledger_begin(&tale->ledger, 1, &tale->oslo), HOLM_OK);
    say(tale, tale->lisbon, "hello 1 a 1 ipc:///lisbon\n");
    say(tale, tale->oslo, "hello 2 b 1 ipc:///oslo\n");
    say(tale, tale->lisbon, "op born 0 a 1 1 " ADA " 100\n");
    say(tale, tale->lisbon, "op born 0 a 1 2 " BOB " 100\n");
    say(tale, tale->lisbon, "op damage 0 a 1 3 " ADA " 7\n");
    say(tale, tale->oslo, "seen 0 a 1 3\n");
    holm_ledger_died(&tale->ledger, tale->lisbon);
    assert_int_equal(holm_ledger_begin(&tale->ledger, 0, &tale->again), HOLM_OK);
    say(tale, tale->again, "hello 3 a 2 ipc:///lisbon\n");
    say(tale, tale->oslo, "op boost 0 b 1 1 " ADA " 5\n");
    say(tale, tale->oslo, "op bury 0 b 1 2 " BOB " 0\n");
    say(tale, tale->oslo, "seen 0 b 1 2\n");
}

/* The dump of one life, as it should be: Ada at 98 in lisbon, and Bob buried. */
static void dump(struct tale *tale, uint32_t life, const char *seq_of_a, const char *ada,
                 const char *digest)
{
    say(tale, life, seq_of_a);
    say(tale, life, "final 0 b 1 2\n");
    say(tale, life, "buried " BOB "\n");
    say(tale, life, ada);
    say(tale, life, digest);
}

#define SEQ_A "final 0 a 1 3\n"
#define ADA_WELL "alive " ADA " 98 1 lisbon\n"
#define END "end 2 1 1 d\n"

static struct holm_verdict judge(struct tale *tale)
{
    struct holm_verdict verdict;
    assert_int_equal(holm_verdict_compute(&tale->ledger, &verdict), HOLM_OK);
    holm_ledger_release(&tale->ledger);
    return verdict;
}

static uint64_t faults(const struct holm_verdict *verdict)
{
    return verdict->lost_acknowledged + verdict->resurrected + verdict->counter_errors +
           verdict->reused_dots + verdict->unjournaled + verdict->unexplained +
           verdict->disagreements;
}

static void test_verdict_when_all_is_well_then_clean(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    dump(&tale, tale.again, SEQ_A, ADA_WELL, END);
    struct holm_verdict verdict = judge(&tale);
    assert_true(holm_verdict_clean(&verdict));
    assert_int_equal(verdict.survivors, 2);
    assert_int_equal(verdict.operations, 5);
    assert_int_equal(verdict.binding, 5);
    assert_int_equal(verdict.perished, 0);
}

static void test_verdict_when_an_acknowledged_line_is_missing_then_lost(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, "final 0 a 1 2\n", "alive " ADA " 105 1 lisbon\n", END);
    dump(&tale, tale.again, "final 0 a 1 2\n", "alive " ADA " 105 1 lisbon\n", END);
    struct holm_verdict verdict = judge(&tale);
    assert_true(verdict.agreed);
    assert_int_equal(verdict.lost_acknowledged, 1);
    /* The damage binds all the same, for oslo has told of it: so the health is wrong too. */
    assert_int_equal(verdict.counter_errors, 1);
    assert_int_equal(faults(&verdict), 2);
}

static void test_verdict_when_a_created_hero_is_nowhere_then_lost(void **state)
{
    struct tale tale;
    begin(&tale);
    say(&tale, tale.oslo, SEQ_A);
    say(&tale, tale.oslo, "final 0 b 1 2\n");
    say(&tale, tale.oslo, "buried " BOB "\n");
    say(&tale, tale.oslo, "end 2 0 1 d\n");
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.lost_acknowledged, 1);
    assert_int_equal(faults(&verdict), 1);
}

static void test_verdict_when_a_buried_hero_lives_then_resurrected(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    say(&tale, tale.again, "alive " BOB " 100 0 lisbon\n");
    dump(&tale, tale.again, SEQ_A, ADA_WELL, "end 2 2 1 d\n");
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.resurrected, 1);
    assert_int_equal(verdict.disagreements, 1);
    assert_int_equal(faults(&verdict), 2);
}

/* A dump that does not know of Bob's burial, though its vector covers it. */
static void dump_without_burial(struct tale *tale, uint32_t life)
{
    say(tale, life, SEQ_A);
    say(tale, life, "final 0 b 1 2\n");
    say(tale, life, ADA_WELL);
    say(tale, life, "end 2 1 0 d\n");
}

static void test_verdict_when_no_survivor_holds_a_tombstone_then_lost(void **state)
{
    struct tale tale;
    begin(&tale);
    dump_without_burial(&tale, tale.oslo);
    dump_without_burial(&tale, tale.again);
    struct holm_verdict verdict = judge(&tale);
    assert_true(verdict.agreed);
    assert_int_equal(verdict.lost_acknowledged, 1);
    assert_int_equal(faults(&verdict), 1);
}

static void test_verdict_when_one_survivor_lost_a_tombstone_then_lost_and_disagree(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    dump_without_burial(&tale, tale.again);
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.lost_acknowledged, 1);
    assert_int_equal(verdict.disagreements, 1);
    assert_int_equal(faults(&verdict), 2);
}

/* A burial whose dot is missing from the final vectors is one loss, not two. */
static void test_verdict_when_a_burial_is_not_covered_then_lost_once(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    say(&tale, tale.again, "seen 0 b 1 2\n");
    say(&tale, tale.again, SEQ_A);
    say(&tale, tale.again, "final 0 b 1 1\n");
    say(&tale, tale.again, ADA_WELL);
    say(&tale, tale.again, "end 2 1 0 d\n");
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.lost_acknowledged, 1);
    assert_int_equal(verdict.disagreements, 1);
    assert_int_equal(faults(&verdict), 2);
}

static void test_verdict_when_nobody_buried_the_buried_then_found(void **state)
{
    struct tale tale;
    begin(&tale);
    say(&tale, tale.oslo, "buried hero:00000000-0000-4000-8000-000000000ccc\n");
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, "end 2 1 2 d\n");
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.unexplained, 1);
    assert_int_equal(faults(&verdict), 1);
}

static void test_verdict_when_a_sum_is_off_then_counter_error(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, SEQ_A, "alive " ADA " 97 1 lisbon\n", END);
    dump(&tale, tale.again, SEQ_A, "alive " ADA " 97 1 lisbon\n", END);
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.counter_errors, 1);
    assert_int_equal(faults(&verdict), 1);
}

/* What nobody but the dead had seen binds no one: neither lost nor counted. */
static void test_verdict_when_a_line_died_with_its_writer_then_does_not_bind(void **state)
{
    struct tale tale;
    begin(&tale);
    say(&tale, tale.lisbon, "op damage 0 a 1 4 " ADA " 50\n");
    say(&tale, tale.lisbon, "seen 0 a 1 4\n");
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    dump(&tale, tale.again, SEQ_A, ADA_WELL, END);
    struct holm_verdict verdict = judge(&tale);
    assert_true(holm_verdict_clean(&verdict));
    assert_int_equal(verdict.binding, 5);
    assert_int_equal(verdict.perished, 1);
}

/* A third city had reported it, and was killed as well before it could pass it on. */
static void test_verdict_when_only_the_killed_had_seen_it_then_does_not_bind(void **state)
{
    struct tale tale;
    uint32_t kyoto;
    begin(&tale);
    assert_int_equal(holm_ledger_begin(&tale.ledger, 2, &kyoto), HOLM_OK);
    say(&tale, kyoto, "hello 4 c 1 ipc:///kyoto\n");
    say(&tale, tale.lisbon, "op damage 0 a 1 4 " ADA " 50\n");
    say(&tale, kyoto, "seen 0 a 1 4\n");
    holm_ledger_died(&tale.ledger, kyoto);
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    dump(&tale, tale.again, SEQ_A, ADA_WELL, END);
    struct holm_verdict verdict = judge(&tale);
    assert_true(holm_verdict_clean(&verdict));
}

/* T01: a life that begins its numbering where another has been. */
static void test_verdict_when_a_dot_is_used_twice_then_found(void **state)
{
    struct tale tale;
    begin(&tale);
    say(&tale, tale.again, "op damage 0 a 1 3 " ADA " 5\n");
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    dump(&tale, tale.again, SEQ_A, ADA_WELL, END);
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.reused_dots, 1);
    assert_false(holm_verdict_clean(&verdict));
}

static void test_verdict_when_a_vector_covers_what_no_line_tells_then_found(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, "final 0 a 1 5\n", ADA_WELL, END);
    dump(&tale, tale.again, "final 0 a 1 5\n", ADA_WELL, END);
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.unjournaled, 2);
    assert_int_equal(faults(&verdict), 2);
}

static void test_verdict_when_a_hero_comes_from_nowhere_then_found(void **state)
{
    struct tale tale;
    begin(&tale);
    say(&tale, tale.oslo, "alive hero:00000000-0000-4000-8000-000000000ccc 100 0 oslo\n");
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, "end 2 2 1 d\n");
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.unexplained, 1);
    assert_int_equal(faults(&verdict), 1);
}

static void test_verdict_when_survivors_differ_then_not_agreed(void **state)
{
    static const struct {
        const char *seq, *ada, *end;
    } others[] = {
        {"final 0 a 1 2\n", ADA_WELL, END},
        {SEQ_A, ADA_WELL, "end 2 1 1 e\n"},
    };
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct tale tale;
        begin(&tale);
        dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
        dump(&tale, tale.again, others[i].seq, others[i].ada, others[i].end);
        struct holm_verdict verdict = judge(&tale);
        assert_false(verdict.agreed);
    }
}

static void test_verdict_when_survivors_show_a_hero_differently_then_found(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    dump(&tale, tale.again, SEQ_A, "alive " ADA " 98 1 oslo\n", END);
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.disagreements, 1);
    assert_int_equal(faults(&verdict), 1);
}

static void test_verdict_when_a_dump_is_torn_then_no_survivor(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, "end 2 2 1 d\n");
    dump(&tale, tale.again, SEQ_A, ADA_WELL, "end 2 1 2 d\n");
    struct holm_verdict verdict = judge(&tale);
    assert_int_equal(verdict.survivors, 0);
    assert_false(holm_verdict_clean(&verdict));
}

static void test_ledger_when_dumped_again_then_the_last_dump_counts(void **state)
{
    struct tale tale;
    begin(&tale);
    dump(&tale, tale.oslo, "final 0 a 1 2\n", "alive " ADA " 1 1 lisbon\n", END);
    holm_ledger_redump(&tale.ledger, tale.oslo);
    dump(&tale, tale.oslo, SEQ_A, ADA_WELL, END);
    struct holm_verdict verdict = judge(&tale);
    assert_true(holm_verdict_clean(&verdict));
}

static void test_ledger_when_it_grows_then_finds_all_again(void **state)
{
    struct holm_ledger ledger;
    uint32_t life;
    holm_ledger_init(&ledger);
    assert_int_equal(holm_ledger_begin(&ledger, 0, &life), HOLM_OK);
    struct holm_journal_line line = {.type = HOLM_JOURNAL_OP, .as.op.verb = HOLM_JOURNAL_BORN};
    for (uint64_t i = 1; i <= 5000; i++) {
        line.as.op.place.partition = (uint32_t)(i % 16);
        line.as.op.place.dot = (struct holm_dot){{{i % 7 + 1}, {i % 31 + 1}}, i};
        line.as.op.hero = (struct holm_hero_id){i % 1000, 1};
        assert_int_equal(holm_ledger_take(&ledger, life, &line), HOLM_OK);
    }
    assert_int_equal(ledger.hero_count, 1000);
    assert_int_equal(ledger.place_count, 16 * 7 * 31);
    for (uint32_t i = 0; i < ledger.hero_count; i++)
        assert_int_equal(holm_ledger_hero(&ledger, ledger.heroes[i]), i);
    assert_int_equal(holm_ledger_hero(&ledger, (struct holm_hero_id){5, 2}), HOLM_LEDGER_NONE);
    holm_ledger_release(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict_when_all_is_well_then_clean),
        cmocka_unit_test(test_verdict_when_an_acknowledged_line_is_missing_then_lost),
        cmocka_unit_test(test_verdict_when_a_created_hero_is_nowhere_then_lost),
        cmocka_unit_test(test_verdict_when_a_buried_hero_lives_then_resurrected),
        cmocka_unit_test(test_verdict_when_no_survivor_holds_a_tombstone_then_lost),
        cmocka_unit_test(test_verdict_when_one_survivor_lost_a_tombstone_then_lost_and_disagree),
        cmocka_unit_test(test_verdict_when_a_burial_is_not_covered_then_lost_once),
        cmocka_unit_test(test_verdict_when_nobody_buried_the_buried_then_found),
        cmocka_unit_test(test_verdict_when_a_sum_is_off_then_counter_error),
        cmocka_unit_test(test_verdict_when_a_line_died_with_its_writer_then_does_not_bind),
        cmocka_unit_test(test_verdict_when_only_the_killed_had_seen_it_then_does_not_bind),
        cmocka_unit_test(test_verdict_when_a_dot_is_used_twice_then_found),
        cmocka_unit_test(test_verdict_when_a_vector_covers_what_no_line_tells_then_found),
        cmocka_unit_test(test_verdict_when_a_hero_comes_from_nowhere_then_found),
        cmocka_unit_test(test_verdict_when_survivors_differ_then_not_agreed),
        cmocka_unit_test(test_verdict_when_survivors_show_a_hero_differently_then_found),
        cmocka_unit_test(test_verdict_when_a_dump_is_torn_then_no_survivor),
        cmocka_unit_test(test_ledger_when_dumped_again_then_the_last_dump_counts),
        cmocka_unit_test(test_ledger_when_it_grows_then_finds_all_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
