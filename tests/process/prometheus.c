/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/process/prometheus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FAMILIES_MAX 256
#define NAME_BYTES 96

struct reading {
    char families[FAMILIES_MAX][NAME_BYTES];
    size_t count;
    bool typed, counter; /* the present family */
    const char *text;
};

static size_t name_size(const char *text)
{
    return strspn(text, "abcdefghijklmnopqrstuvwxyz_0123456789");
}

static bool ends_in_total(const char *name)
{
    size_t size = strlen(name);
    return size > 6 && strcmp(name + size - 6, "_total") == 0;
}

static const char *present(const struct reading *reading)
{
    assert_true(reading->count > 0);
    return reading->families[reading->count - 1];
}

static void read_help(struct reading *reading, const char *line)
{
    char name[NAME_BYTES] = "";
    size_t size = name_size(line);
    assert_in_range(size, 6, sizeof name - 1);
    memcpy(name, line, size);
    assert_memory_equal(name, "holm_", 5);
    assert_true(line[size] == ' ' && strlen(line + size) > 8);
    for (size_t i = 0; i < reading->count; i++)
        assert_string_not_equal(reading->families[i], name);
    assert_true(reading->count < FAMILIES_MAX);
    memcpy(reading->families[reading->count++], name, sizeof name);
    reading->typed = false;
}

static void read_type(struct reading *reading, const char *line)
{
    const char *name = present(reading);
    size_t size = strlen(name);
    assert_false(reading->typed);
    assert_memory_equal(line, name, size);
    reading->counter = strcmp(line + size, " counter") == 0;
    assert_true(reading->counter || strcmp(line + size, " gauge") == 0);
    assert_true(reading->counter == ends_in_total(name));
    reading->typed = true;
}

/* The end of {a="…",b="…"}. */
static const char *skip_labels(const char *at)
{
    do {
        at++;
        assert_true(name_size(at) > 0);
        at += name_size(at);
        assert_memory_equal(at, "=\"", 2);
        for (at += 2; *at != '"'; at++) {
            assert_true(*at != '\0');
            if (*at == '\\')
                assert_non_null(strchr("\\n\"", *++at));
        }
        at++;
    } while (*at == ',');
    assert_true(*at == '}');
    return at + 1;
}

static void read_sample(struct reading *reading, const char *line)
{
    const char *name = present(reading);
    assert_true(reading->typed);
    size_t size = name_size(line);
    assert_int_equal(size, strlen(name));
    assert_memory_equal(line, name, size);
    const char *at = line[size] == '{' ? skip_labels(line + size) : line + size;
    char series[512];
    snprintf(series, sizeof series, "\n%.*s ", (int)(at - line), line);
    const char *first = strstr(reading->text, series);
    assert_true(first == NULL || strstr(first + 1, series) == NULL);
    char *end;
    assert_true(*at == ' ' && at[1] >= '0' && at[1] <= '9');
    (void)strtod(at + 1, &end);
    assert_true(*end == '\0');
}

static void check_utf8(const char *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        unsigned char byte = (unsigned char)text[i++];
        size_t more = byte < 0x80 ? 0 : byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
        assert_true(byte < 0x80 || (byte >= 0xc2 && byte <= 0xf4));
        for (; more > 0; more--, i++)
            assert_true(i < size && ((unsigned char)text[i] & 0xc0) == 0x80);
    }
}

void prometheus_check(const char *text, size_t size)
{
    struct reading reading = {.text = text};
    char *copy = strndup(text, size);
    assert_non_null(copy);
    assert_true(size > 0 && text[size - 1] == '\n');
    assert_int_equal(strlen(copy), size);
    check_utf8(text, size);
    char *rest = copy;
    for (char *line = strsep(&rest, "\n"); rest != NULL; line = strsep(&rest, "\n")) {
        if (strncmp(line, "# HELP ", 7) == 0)
            read_help(&reading, line + 7);
        else if (strncmp(line, "# TYPE ", 7) == 0)
            read_type(&reading, line + 7);
        else
            read_sample(&reading, line);
    }
    free(copy);
}

double prometheus_value(const char *text, const char *series)
{
    char start[512];
    snprintf(start, sizeof start, "\n%s ", series);
    const char *at = strstr(text, start);
    if (at == NULL)
        fail_msg("there is no %s", series);
    return strtod(at + strlen(start), NULL);
}

double prometheus_sum(const char *text, const char *family)
{
    double sum = 0;
    size_t count = 0;
    char start[128];
    snprintf(start, sizeof start, "\n%s{", family);
    for (const char *at = strstr(text, start); at != NULL; at = strstr(at + 1, start)) {
        sum += strtod(skip_labels(at + strlen(start) - 1), NULL);
        count++;
    }
    assert_true(count > 0);
    return sum;
}

bool promtool(const char *arguments, const char *text, size_t size, char said[4096])
{
    char command[512], path[] = "/tmp/holm-promtool-XXXXXX";
    if (system("promtool --version >/dev/null 2>&1") != 0)
        return false;
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, size), (ssize_t)size);
    (void)close(file);
    snprintf(command, sizeof command, "promtool %s <%s 2>&1; echo \"exit $?\"", arguments, path);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t got = fread(said, 1, 4095, pipe);
    said[got] = '\0';
    (void)pclose(pipe);
    (void)unlink(path);
    return true;
}
