/* SPDX-License-Identifier: Apache-2.0 */
/* What an operator reads is one line an event, of known fields, however hard a peer's name tries. */
#include "node/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "node/log_line.h"

#define MINUTE_US UINT64_C(60000000)

struct heard {
    size_t count;
    int level;
    char line[HOLM_LOG_LINE_BYTES + 1];
};

static const struct holm_now noon = {.monotonic_us = 5000000, .wall_ms = 1763769007412};

static void hear(void *context, int level, const char *line)
{
    struct heard *heard = context;
    heard->count++;
    heard->level = level;
    assert_true(strlen(line) <= HOLM_LOG_LINE_BYTES);
    (void)snprintf(heard->line, sizeof heard->line, "%s", line);
}

static struct holm_log log_to(struct heard *heard)
{
    *heard = (struct heard){.count = 0};
    return (struct holm_log){.level = HOLM_LOG_DEBUG, .write = hear, .context = heard};
}

static void tell_down(const struct holm_log *log, struct holm_bytes name)
{
    holm_log_tell(log, noon, HOLM_LOG_PEER_DOWN, HOLM_LOG_VALUES(holm_log_bytes(name)));
}

/* ---- a reader of logfmt, which knows nothing of how it is written --------------------------- */

struct pair {
    char name[32];
    char value[2048];
};

static int hex_of(char digit)
{
    return digit >= '0' && digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static const char *read_quoted(const char *at, char *value)
{
    while (*at != '"') {
        assert_int_not_equal(*at, '\0');
        if (*at == '\\' && at[1] == 'x') {
            *value++ = (char)(hex_of(at[2]) << 4 | hex_of(at[3]));
            at += 4;
        } else {
            at += *at == '\\';
            *value++ = *at++;
        }
    }
    *value = '\0';
    return at + 1;
}

static size_t read_line(const char *line, struct pair *pairs, size_t capacity)
{
    size_t count = 0;
    for (const unsigned char *byte = (const unsigned char *)line; *byte != '\0'; byte++)
        assert_true(*byte >= ' ' && *byte != 0x7f);
    while (*line != '\0') {
        assert_true(count < capacity);
        struct pair *pair = &pairs[count++];
        size_t size = strspn(line, "abcdefghijklmnopqrstuvwxyz_");
        assert_in_range(size, 1, sizeof pair->name - 1);
        (void)snprintf(pair->name, sizeof pair->name, "%.*s", (int)size, line);
        line += size;
        assert_int_equal(*line++, '=');
        if (*line == '"') {
            line = read_quoted(line + 1, pair->value);
        } else {
            size = strcspn(line, " ");
            assert_int_not_equal(size, 0);
            (void)snprintf(pair->value, sizeof pair->value, "%.*s", (int)size, line);
            assert_null(strpbrk(pair->value, "\"\\="));
            line += size;
        }
        if (*line != '\0')
            assert_int_equal(*line++, ' ');
    }
    return count;
}

static void assert_pair(const struct pair *pair, const char *name, const char *value)
{
    assert_string_equal(pair->name, name);
    assert_string_equal(pair->value, value);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void test_log_when_an_event_is_told_then_its_line_has_time_level_and_fields(void **state)
{
    (void)state;
    struct heard heard;
    struct holm_log log = log_to(&heard);
    (void)snprintf(log.speaker, sizeof log.speaker, "lisbon");
    holm_log_tell(&log, noon, HOLM_LOG_PEER_RETURNED,
                  HOLM_LOG_VALUES(holm_log_text("oslo"), holm_log_number(412)));
    assert_int_equal(heard.count, 1);
    assert_int_equal(heard.level, HOLM_LOG_INFO);
    assert_string_equal(heard.line,
                        "ts=2025-11-21T23:50:07.412Z level=info event=peer_returned node=lisbon "
                        "peer=oslo after_ms=412 msg=\"peer oslo is up again after 412 ms\"");
}

static void test_log_when_the_level_is_lower_then_nothing_is_told(void **state)
{
    (void)state;
    struct heard heard;
    struct holm_log log = log_to(&heard);
    static const enum holm_log_event events[] = {HOLM_LOG_TWIN_WRITES, HOLM_LOG_EPOCH_UNTOLD,
                                                 HOLM_LOG_FEEDS_BEGUN};
    for (int level = HOLM_LOG_SILENT; level <= HOLM_LOG_DEBUG; level++) {
        log.level = level;
        heard.count = 0;
        for (size_t i = 0; i < 3; i++)
            holm_log_tell(&log, noon, events[i], HOLM_LOG_NOTHING);
        assert_int_equal(heard.count, level < 3 ? level : 3);
    }
}

/* Each tries to end the value, or the line, and to say something of its own. */
static void test_log_when_a_name_is_hostile_then_the_line_has_the_same_fields(void **state)
{
    (void)state;
    struct heard heard;
    struct holm_log log = log_to(&heard);
    static const char *const names[] = {
        "x\nts=2030-01-01T00:00:00.000Z level=error event=store_failed",
        "x\" level=error msg=\"",
        "x\\\" level=error",
        "x level=error",
        "level=error",
        "\\",
        "\"",
        "",
        "\r\x1b[2Jx",
        "\xff\xfe\xc3(",
        "\xe2\x80\xae"
        "evil",
        "\xe2\x80\xa8next",
        "\xc2\x85x",
        "\\x0a",
        "s\xc3\xa3o paulo"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct pair pairs[8];
        tell_down(&log, holm_str(names[i]));
        assert_int_equal(read_line(heard.line, pairs, 8), 5);
        assert_pair(&pairs[1], "level", "warn");
        assert_pair(&pairs[2], "event", "peer_down");
        assert_pair(&pairs[3], "peer", names[i]);
        assert_string_equal(pairs[4].name, "msg");
        assert_non_null(strstr(pairs[4].value, names[i]));
        assert_null(strstr(heard.line, "\xe2\x80"));
    }
    assert_non_null(strstr(heard.line, "peer=\"s\xc3\xa3o paulo\""));
}

static void test_log_when_bytes_are_any_then_they_can_be_read_back(void **state)
{
    (void)state;
    struct heard heard;
    struct holm_log log = log_to(&heard);
    for (unsigned first = 1; first < 256; first++) {
        for (unsigned second = 1; second < 256; second++) {
            struct pair pairs[8];
            char name[3] = {(char)first, (char)second, '\0'};
            tell_down(&log, holm_str(name));
            assert_int_equal(read_line(heard.line, pairs, 8), 5);
            assert_string_equal(pairs[3].value, name);
        }
    }
    tell_down(&log, holm_mem("a\0b", 3));
    assert_non_null(strstr(heard.line, "peer=\"a\\x00b\" msg="));
}

/* However much there is of however many values, and wherever the end comes to lie. */
static void test_log_when_values_are_long_then_the_line_is_cut_and_whole(void **state)
{
    (void)state;
    static char text[5000];
    static const char *const fills[] = {"a", "\n", "\"", "\xff", "\xc3\xa9", " ="};
    struct heard heard;
    struct holm_log log = log_to(&heard);
    (void)snprintf(log.speaker, sizeof log.speaker, "%063d", 7);
    for (size_t fill = 0; fill < sizeof fills / sizeof *fills; fill++) {
        for (size_t size = 0; size < sizeof text; size += size < 700 ? 1 : 1499) {
            struct pair pairs[9];
            for (size_t i = 0; i < size; i++)
                text[i] = fills[fill][i % strlen(fills[fill])];
            struct holm_log_value value = holm_log_bytes(holm_mem(text, size));
            holm_log_tell(&log, noon, HOLM_LOG_STORE_ERROR,
                          HOLM_LOG_VALUES(value, value, value, value));
            assert_in_range(read_line(heard.line, pairs, 9), 8, 9);
            assert_pair(&pairs[2], "event", "store_error");
            assert_string_equal(pairs[6].name, "why");
            if (size > 300)
                assert_non_null(strstr(pairs[4].value, "..."));
        }
    }
}

static void test_log_when_a_clock_is_far_off_then_there_is_a_time_all_the_same(void **state)
{
    (void)state;
    static const struct {
        uint64_t wall_ms;
        const char *told;
    } times[] = {{0, "1970-01-01T00:00:00.000Z"},
                 {951782399999, "2000-02-28T23:59:59.999Z"},
                 {253402300799999, "9999-12-31T23:59:59.999Z"},
                 {253402300800000, "253402300800000"},
                 {UINT64_MAX, "18446744073709551615"}};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char text[32];
        size_t size = holm_log_line_time(times[i].wall_ms, text, sizeof text);
        assert_string_equal(text, times[i].told);
        assert_int_equal(size, strlen(text));
    }
}

/* ---- packing -------------------------------------------------------------------------------- */

static void test_log_when_values_are_packed_then_the_last_is_not_crowded_out(void **state)
{
    (void)state;
    static char text[1000];
    char room[200], sentence[400];
    memset(text, 'x', sizeof text - 1);
    holm_log_pack(HOLM_LOG_PEER_REFUSED,
                  HOLM_LOG_VALUES(holm_log_text("caller"), holm_log_text(text),
                                  holm_log_text("its cluster is another")),
                  room, sizeof room);
    size_t size = holm_log_sentence(HOLM_LOG_PEER_REFUSED, room, sentence, sizeof sentence);
    assert_int_equal(size, strlen(sentence));
    assert_memory_equal(sentence, "caller xxx", 10);
    assert_string_equal(sentence + size - 41, "xxxxxxxxx refused: its cluster is another");
    assert_int_equal(holm_log_sentence(HOLM_LOG_PEER_REFUSED, room, sentence, 8), 7);
    assert_string_equal(sentence, "caller ");
}

/* ---- limits --------------------------------------------------------------------------------- */

static void test_log_when_an_event_repeats_then_some_are_told_and_the_rest_counted(void **state)
{
    (void)state;
    struct heard heard;
    struct holm_log log = log_to(&heard);
    struct holm_log_limits limits;
    struct holm_now now = noon;
    uint64_t lines, suppressed;
    holm_log_limits_init(&limits);
    log.limits = &limits;
    for (int i = 0; i < 1000; i++, now.monotonic_us += MINUTE_US / 1000)
        holm_log_tell(&log, now, HOLM_LOG_EPOCH_UNTOLD, HOLM_LOG_NOTHING);
    assert_int_equal(heard.count, 20);
    assert_null(strstr(heard.line, "suppressed"));
    tell_down(&log, holm_str("oslo")); /* another has a minute of its own */
    assert_int_equal(heard.count, 21);
    assert_null(strstr(heard.line, "suppressed"));
    holm_log_tell(&log, now, HOLM_LOG_EPOCH_UNTOLD, HOLM_LOG_NOTHING);
    assert_int_equal(heard.count, 22);
    assert_non_null(strstr(heard.line, "event=epoch_untold suppressed=980 msg="));
    holm_log_tell(&log, now, HOLM_LOG_EPOCH_UNTOLD, HOLM_LOG_NOTHING);
    assert_null(strstr(heard.line, "suppressed"));
    holm_log_limits_figures(&limits, &lines, &suppressed);
    assert_int_equal(lines, 23);
    assert_int_equal(suppressed, 980);
    holm_log_limits_release(&limits);
}

/* What nobody would have read takes nothing from what somebody does. */
static void test_log_when_a_level_is_not_told_then_it_is_not_counted(void **state)
{
    (void)state;
    struct heard heard;
    struct holm_log log = log_to(&heard);
    struct holm_log_limits limits;
    uint64_t lines, suppressed;
    holm_log_limits_init(&limits);
    log.limits = &limits;
    log.level = HOLM_LOG_ERROR;
    for (int i = 0; i < 1000; i++)
        tell_down(&log, holm_str("oslo"));
    holm_log_limits_figures(&limits, &lines, &suppressed);
    assert_true(lines == 0 && suppressed == 0 && heard.count == 0);
    holm_log_limits_release(&limits);
}

static void test_log_when_any_event_is_told_then_its_line_can_be_read(void **state)
{
    (void)state;
    struct heard heard;
    struct holm_log log = log_to(&heard);
    static const char *const sentences[] = {
#define SENTENCE(id, name, level, limit, sentence) sentence,
        HOLM_LOG_EVENTS(SENTENCE)
#undef SENTENCE
    };
    for (unsigned event = 0; event < HOLM_LOG_EVENT_COUNT; event++) {
        struct holm_log_value values[8];
        struct pair pairs[16];
        size_t count = 0;
        for (const char *at = sentences[event]; (at = strchr(at, '{')) != NULL; at++)
            values[count++] = holm_log_text("v");
        holm_log_tell(&log, noon, (enum holm_log_event)event, values, count);
        assert_int_equal(read_line(heard.line, pairs, 16), count + 4);
        assert_string_equal(pairs[2].value, holm_log_event_name((enum holm_log_event)event));
        assert_int_equal(heard.level, holm_log_level_of((enum holm_log_event)event));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_when_an_event_is_told_then_its_line_has_time_level_and_fields),
        cmocka_unit_test(test_log_when_the_level_is_lower_then_nothing_is_told),
        cmocka_unit_test(test_log_when_a_name_is_hostile_then_the_line_has_the_same_fields),
        cmocka_unit_test(test_log_when_bytes_are_any_then_they_can_be_read_back),
        cmocka_unit_test(test_log_when_values_are_long_then_the_line_is_cut_and_whole),
        cmocka_unit_test(test_log_when_a_clock_is_far_off_then_there_is_a_time_all_the_same),
        cmocka_unit_test(test_log_when_values_are_packed_then_the_last_is_not_crowded_out),
        cmocka_unit_test(test_log_when_an_event_repeats_then_some_are_told_and_the_rest_counted),
        cmocka_unit_test(test_log_when_a_level_is_not_told_then_it_is_not_counted),
        cmocka_unit_test(test_log_when_any_event_is_told_then_its_line_can_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
