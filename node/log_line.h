/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_line.h - logfmt, of which no value can break out (G1 of node/log.h).
 *
 *     begin   room for a line          pair ... peer="a \"b\"\x0a"         end    the line, with its NUL
 *
 * Source: logfmt as Heroku's router and Go's log/slog write it; control characters that reorder text are those of
 * Unicode's report 36, section 3.
 */
#ifndef HOLM_NODE_LOG_LINE_H
#define HOLM_NODE_LOG_LINE_H

#include "crdt/base.h"

struct holm_log_line {
    char *text; /* the caller's */
    size_t capacity, used;
};

void holm_log_line_begin(struct holm_log_line *line, char *text, size_t capacity);
/* `name` is one of ours: plain. Nothing, when there is no room for a little of the value; `most` bytes of it at most,
 * as they are told. */
void holm_log_line_pair(struct holm_log_line *line, const char *name, struct holm_bytes value,
                        size_t most);
/* "2026-11-21T23:50:07.412Z", or the number itself where no calendar reaches. Returns its length. */
size_t holm_log_line_time(uint64_t wall_ms, char *text, size_t capacity);

#endif
