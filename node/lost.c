/* SPDX-License-Identifier: Apache-2.0 */
#include "node/lost.h"

#include <stdarg.h>
#include <stdio.h>

#include "crdt/path.h"

/* Of a key, an element or a name of a path. */
#define BYTES_TOLD 24

/* A line that is cut when it is full. */
struct line {
    char *text;
    size_t used;
};

__attribute__((format(printf, 2, 3))) static void say(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line->text + line->used, HOLM_LOST_LINE_BYTES - line->used, format,
                           arguments);
    va_end(arguments);
    if (length > 0)
        line->used += (size_t)length;
    if (line->used >= HOLM_LOST_LINE_BYTES)
        line->used = HOLM_LOST_LINE_BYTES - 1;
}

static void say_bytes(struct line *line, struct holm_bytes bytes)
{
    const unsigned char *byte = bytes.data;
    for (size_t i = 0; i < bytes.size && i < BYTES_TOLD; i++) {
        bool plain = byte[i] >= ' ' && byte[i] < 0x7f && byte[i] != '"' && byte[i] != '\\';
        if (plain)
            say(line, "%c", byte[i]);
        else
            say(line, "\\x%02x", byte[i]);
    }
    if (bytes.size > BYTES_TOLD)
        say(line, "...");
}

static const char *kind_of(const struct holm_lost *lost)
{
    static const char *const names[] = {"tombstone", "register", "counter", "set",
                                        "flag",      "max",      "min"};
    if (lost->kind == 0 && lost->removal)
        return "all";
    return lost->kind < sizeof names / sizeof *names ? names[lost->kind] : "something newer";
}

void holm_lost_add(struct holm_lost_list *list, uint32_t partition, const struct holm_lost *lost)
{
    if (list->count == HOLM_LOST_LINES) {
        list->more += 1;
        return;
    }
    struct line line = {.text = list->lines[list->count++]};
    struct holm_bytes path = lost->path;
    say(&line, "%s%s of \"", lost->removal ? "removal of " : "", kind_of(lost));
    say_bytes(&line, lost->key);
    say(&line, "\"");
    while (path.size > 0) {
        say(&line, ".");
        say_bytes(&line, holm_path_take(&path));
    }
    say(&line, ", %llx@%llx:%llu in partition %lu", (unsigned long long)lost->dot.actor.node.value,
        (unsigned long long)lost->dot.actor.epoch.value, (unsigned long long)lost->dot.seq,
        (unsigned long)partition);
}

void holm_lost_tell(const struct holm_lost_list *list, const struct holm_log *log,
                    struct holm_now now)
{
    for (size_t i = 0; i < list->count; i++)
        holm_log_tell(log, now, HOLM_LOG_WRITE_LOST,
                      HOLM_LOG_VALUES(holm_log_text(list->lines[i])));
    if (list->more > 0)
        holm_log_tell(log, now, HOLM_LOG_WRITES_LOST, HOLM_LOG_VALUES(holm_log_number(list->more)));
}
