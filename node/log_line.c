/* SPDX-License-Identifier: Apache-2.0 */
#include "node/log_line.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "node/utf8.h"

/* What a value needs at least, with its quotes, and with what says that it was cut. */
#define VALUE_LEAST 12
#define CUT "..."

void holm_log_line_begin(struct holm_log_line *line, char *text, size_t capacity)
{
    HOLM_ASSERT(capacity > 0);
    *line = (struct holm_log_line){.text = text, .capacity = capacity};
    text[0] = '\0';
}

static void put(struct holm_log_line *line, const char *text, size_t size)
{
    HOLM_ASSERT(size < line->capacity - line->used);
    memcpy(line->text + line->used, text, size);
    line->used += size;
    line->text[line->used] = '\0';
}

/* What turns the direction of text around it, or is none at all for some who read. */
static bool is_mark(uint32_t code)
{
    return (code >= 0x80 && code < 0xa0) || code == 0x61c || (code >= 0x200b && code <= 0x200f) ||
           (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
           code == 0xfeff;
}

/* One character as it is told; returns how many bytes of the value it was, and in *plain whether it may stand
 * outside of quotes. */
static size_t tell(const unsigned char *at, size_t size, char told[20], bool *plain)
{
    uint32_t code;
    size_t bytes = holm_utf8_next(at, size, &code);
    *plain = false;
    if (bytes == 0 || code < ' ' || code == 0x7f || is_mark(code)) {
        bytes = bytes == 0 ? 1 : bytes;
        for (size_t i = 0; i < bytes; i++)
            (void)snprintf(told + 4 * i, 5, "\\x%02x", at[i]);
        return bytes;
    }
    if (code == '"' || code == '\\') {
        (void)snprintf(told, 3, "\\%c", (char)code);
        return 1;
    }
    memcpy(told, at, bytes);
    told[bytes] = '\0';
    *plain = code > ' ' && code != '=';
    return bytes;
}

static bool needs_quotes(struct holm_bytes value)
{
    const unsigned char *bytes = value.data;
    bool plain = value.size > 0;
    for (size_t at = 0; plain && at < value.size;) {
        char told[20];
        at += tell(bytes + at, value.size - at, told, &plain);
    }
    return !plain;
}

void holm_log_line_pair(struct holm_log_line *line, const char *name, struct holm_bytes value,
                        size_t most)
{
    size_t room = line->capacity - line->used - 1;
    size_t before = strlen(name) + 2;
    if (room < before + VALUE_LEAST)
        return;
    bool quoted = needs_quotes(value);
    put(line, " ", line->used > 0);
    put(line, name, strlen(name));
    put(line, "=\"", quoted ? 2 : 1);
    size_t left = line->capacity - line->used - 1 - sizeof CUT;
    left = left < most ? left : most;
    const unsigned char *bytes = value.data;
    for (size_t at = 0; at < value.size;) {
        char told[20];
        bool plain;
        at += tell(bytes + at, value.size - at, told, &plain);
        if (strlen(told) > left) {
            put(line, CUT, strlen(CUT));
            break;
        }
        left -= strlen(told);
        put(line, told, strlen(told));
    }
    put(line, "\"", quoted);
}

size_t holm_log_line_time(uint64_t wall_ms, char *text, size_t capacity)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm day;
    /* A clock can be anywhere; four digits of a year are what readers expect. */
    if (wall_ms / 1000 > UINT64_C(253402300799) || gmtime_r(&seconds, &day) == NULL)
        return (size_t)snprintf(text, capacity, "%" PRIu64, wall_ms);
    size_t size = strftime(text, capacity, "%Y-%m-%dT%H:%M:%S", &day);
    return size +
           (size_t)snprintf(text + size, capacity - size, ".%03uZ", (unsigned)(wall_ms % 1000));
}
