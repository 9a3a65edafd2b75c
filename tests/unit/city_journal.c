/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/city/control.h"
#include "sim/city/dice.h"
#include "sim/city/journal.h"

static const struct holm_hero_id ada = {0x6f1d0c5293ab4d1e, 0x8a071c5b7a0e9d33};
#define ADA "hero:6f1d0c52-93ab-4d1e-8a07-1c5b7a0e9d33"

static const char *const samples[] = {
    "hello 4711 a1b2 18c3 ipc:///tmp/holm-sim.x/lisbon\n",
    "op damage 7 a1b2 18c3 12 " ADA " 9\n",
    "op born 0 1 2 3 " ADA " 100\n",
    "op boost 0 ffffffffffffffff ffffffffffffffff 18446744073709551615 " ADA " 20\n",
    "op bury 4294967295 1 2 3 " ADA " 0\n",
    "op write 0 1 2 3 " ADA " 0\n",
    "seen 7 a1b2 18c3 12\n",
    "report 18c3 5f0e 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n",
    "final 7 a1b2 18c3 12\n",
    "alive " ADA " -7 1 lisbon\n",
    "buried " ADA "\n",
    "end 128 97 12 5f0e\n",
    "log 2 peer oslo is down, of all things\n",
};
#define SAMPLES (sizeof samples / sizeof samples[0])

static bool parses(const char *text)
{
    struct holm_journal_line line;
    return holm_journal_parse(text, strlen(text), &line);
}

static void test_journal_when_printed_then_reads_back_the_same(void **state)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        struct holm_journal_line line;
        char text[HOLM_JOURNAL_LINE_BYTES_MAX];
        assert_true(holm_journal_parse(samples[i], strlen(samples[i]), &line));
        assert_int_equal(holm_journal_print(&line, text), strlen(samples[i]));
        assert_string_equal(text, samples[i]);
    }
}

/* A line counts only whole: no prefix of one is another. */
static void test_journal_when_torn_then_is_no_line(void **state)
{
    for (size_t i = 0; i < SAMPLES; i++) {
        for (size_t size = 0; size < strlen(samples[i]); size++) {
            struct holm_journal_line line;
            assert_false(holm_journal_parse(samples[i], size, &line));
        }
    }
}

static void test_journal_when_malformed_then_refused(void **state)
{
    static const char *const bad[] = {
        "\n",
        " \n",
        "op\n",
        "ops damage 7 a1b2 18c3 12 " ADA " 9\n",
        "op damage 7 a1b2 18c3 12 " ADA "\n",
        "op damage 7 a1b2 18c3 12 " ADA " 9 \n",
        "op damage 7 a1b2 18c3 12 " ADA " 9 9\n",
        "op  damage 7 a1b2 18c3 12 " ADA " 9\n",
        "op damage 7 a1b2 18c3 0 " ADA " 9\n",
        "op damage 7 a1b2 18c3 12 " ADA " -9\n",
        "op heal 7 a1b2 18c3 12 " ADA " 9\n",
        "op damage 7 a1b2 18c3 12 hero:ada 9\n",
        "op damage 4294967296 a1b2 18c3 12 " ADA " 9\n",
        "op damage 7 A1b2 18c3 12 " ADA " 9\n",
        "op damage 7 a1b2 18c3 1a " ADA " 9\n",
        "seen 7 a1b2 18c3 18446744073709551616\n",
        "seen 7 11111111111111111 18c3 1\n",
        "seen 7 a1b2 18c3 12 13\n",
        "alive " ADA " 7 2 lisbon\n",
        "buried hero:ada\n",
        "buried " ADA " 1\n",
        "end 128 97 5f0e\n",
        "report 18c3 5f0e 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
        "report 18c3 5f0e 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18\n",
        "op damage 7 a1b2 18c3 12 " ADA " 9\nx",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(parses(bad[i]));
}

/* Whatever one byte is changed to, reading it neither crashes nor prints back as something else. */
static void test_journal_when_bytes_are_changed_then_survives(void **state)
{
    struct holm_dice dice;
    holm_dice_init(&dice, 3);
    for (int round = 0; round < 20000; round++) {
        const char *sample = samples[holm_dice_below(&dice, SAMPLES)];
        char text[HOLM_JOURNAL_LINE_BYTES_MAX];
        size_t size = strlen(sample);
        memcpy(text, sample, size + 1);
        for (uint64_t i = holm_dice_below(&dice, 3); i < 3; i++)
            text[holm_dice_below(&dice, size)] = (char)holm_dice_below(&dice, 256);
        struct holm_journal_line line;
        if (!holm_journal_parse(text, size, &line))
            continue;
        char again[HOLM_JOURNAL_LINE_BYTES_MAX];
        size_t printed = holm_journal_print(&line, again);
        struct holm_journal_line back;
        assert_true(holm_journal_parse(again, printed, &back));
        assert_int_equal(back.type, line.type);
    }
}

static void test_journal_when_everything_is_longest_then_fits_a_line(void **state)
{
    struct holm_journal_line line = {.type = HOLM_JOURNAL_REPORT};
    memset(&line.as.report, 0xff, sizeof line.as.report);
    char text[HOLM_JOURNAL_LINE_BYTES_MAX];
    assert_true(holm_journal_print(&line, text) < HOLM_JOURNAL_LINE_BYTES_MAX);
    line = (struct holm_journal_line){.type = HOLM_JOURNAL_LOG, .as.log.level = 3};
    memset(line.as.log.text, 'x', HOLM_JOURNAL_TEXT_BYTES_MAX);
    assert_true(holm_journal_print(&line, text) < HOLM_JOURNAL_LINE_BYTES_MAX);
    struct holm_journal_line back;
    assert_true(holm_journal_parse(text, strlen(text), &back));
    assert_string_equal(back.as.log.text, line.as.log.text);
}

static void test_journal_when_text_has_newlines_then_stays_one_line(void **state)
{
    struct holm_journal_line line = {.type = HOLM_JOURNAL_LOG, .as.log.text = "a\nb\tc"};
    char text[HOLM_JOURNAL_LINE_BYTES_MAX];
    size_t size = holm_journal_print(&line, text);
    assert_ptr_equal(strchr(text, '\n'), text + size - 1);
}

static struct holm_op op(enum holm_op_type type, const char *field, int64_t amount)
{
    struct holm_op made = {.type = type, .key = holm_str(ADA), .field = holm_str(field)};
    if (type == HOLM_OP_ADD)
        made.as.amount = amount;
    return made;
}

static void assert_describes(const struct holm_receipt *receipt, const struct holm_op *ops,
                             size_t count, size_t index, const char *expected)
{
    struct holm_journal_line line;
    char text[HOLM_JOURNAL_LINE_BYTES_MAX];
    holm_journal_describe(receipt, ops, count, index, &line);
    (void)holm_journal_print(&line, text);
    assert_string_equal(text, expected);
}

static void test_journal_when_a_batch_is_described_then_verbs_and_dots_fit(void **state)
{
    struct holm_receipt receipt = {.partition = 3, .count = 4, .first = {{{1}, {2}}, 10}};
    struct holm_op birth[] = {op(HOLM_OP_PUT, "name", 0), op(HOLM_OP_PUT, "city", 0),
                              op(HOLM_OP_ADD, "health", 100), op(HOLM_OP_RAISE, "updated", 0)};
    assert_describes(&receipt, birth, 4, 0, "op write 3 1 2 10 " ADA " 0\n");
    assert_describes(&receipt, birth, 4, 2, "op born 3 1 2 12 " ADA " 100\n");
    struct holm_op move[] = {op(HOLM_OP_PUT, "city", 0), op(HOLM_OP_DISABLE, "patrolling", 0),
                             op(HOLM_OP_ADD, "health", 20), op(HOLM_OP_RAISE, "updated", 0)};
    assert_describes(&receipt, move, 4, 2, "op boost 3 1 2 12 " ADA " 20\n");
    /* The disabling found nothing: it has no dot, and the others move up. */
    receipt.count = 3;
    assert_describes(&receipt, move, 4, 1, "op boost 3 1 2 11 " ADA " 20\n");
    assert_describes(&receipt, move, 4, 2, "op write 3 1 2 12 " ADA " 0\n");
    struct holm_op fight[] = {op(HOLM_OP_ADD, "health", -7), op(HOLM_OP_RAISE, "updated", 0)};
    receipt.count = 2;
    assert_describes(&receipt, fight, 2, 0, "op damage 3 1 2 10 " ADA " 7\n");
    struct holm_op bury = op(HOLM_OP_BURY, NULL, 0);
    receipt.count = 1;
    assert_describes(&receipt, &bury, 1, 0, "op bury 3 1 2 10 " ADA " 0\n");
}

static void test_control_when_printed_then_reads_back_the_same(void **state)
{
    static const char *const lines[] = {
        "create " ADA " Silver Otter",
        "delete " ADA,
        "assign " ADA,
        "hold 3",
        "go 4",
        "bomb",
        "join ipc:///tmp/x/oslo",
        "cut oslo",
        "heal",
        "report",
        "quit",
        "dump 18446744073709551615 4294967295",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct holm_control control;
        char line[HOLM_CONTROL_LINE_BYTES_MAX];
        assert_true(holm_control_parse(lines[i], strlen(lines[i]), &control));
        holm_control_print(&control, line);
        assert_string_equal(line, lines[i]);
    }
    struct holm_control create;
    assert_true(holm_control_parse(lines[0], strlen(lines[0]), &create));
    assert_int_equal(holm_hero_id_compare(create.letter.hero, ada), 0);
    assert_string_equal(create.letter.name, "Silver Otter");
}

static void test_control_when_malformed_then_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "create",
        "create " ADA,
        "create " ADA " ",
        "delete",
        "delete x",
        "hold",
        "hold x",
        "join",
        "cut",
        "dump",
        "dump 1",
        "dump 1 ",
        "dump 1 4294967296",
        "dump 1 2 3",
        "dumps",
        "heal all",
        "bomb 1",
        "hold 18446744073709551616",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct holm_control control;
        assert_false(holm_control_parse(bad[i], strlen(bad[i]), &control));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_journal_when_printed_then_reads_back_the_same),
        cmocka_unit_test(test_journal_when_torn_then_is_no_line),
        cmocka_unit_test(test_journal_when_malformed_then_refused),
        cmocka_unit_test(test_journal_when_bytes_are_changed_then_survives),
        cmocka_unit_test(test_journal_when_everything_is_longest_then_fits_a_line),
        cmocka_unit_test(test_journal_when_text_has_newlines_then_stays_one_line),
        cmocka_unit_test(test_journal_when_a_batch_is_described_then_verbs_and_dots_fit),
        cmocka_unit_test(test_control_when_printed_then_reads_back_the_same),
        cmocka_unit_test(test_control_when_malformed_then_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
