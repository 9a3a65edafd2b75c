/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - what a case has done so far, for people: told when the case fails, and never else.
 *
 *     trace_clear(&trace);
 *     trace_note(&trace, " %c:", trace_name(node));
 *     trace_op(&trace, &op);                            " A: put k.f 1"
 */
#ifndef HOLM_TESTS_EXHAUSTIVE_TRACE_H
#define HOLM_TESTS_EXHAUSTIVE_TRACE_H

#include <holm/value.h>

#define TRACE_BYTES 2048

struct trace {
    char text[TRACE_BYTES];
    size_t bytes;
};

void trace_clear(struct trace *trace);
/* Adds, as printf; what does not fit is cut off. */
void trace_note(struct trace *trace, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Adds an operation, with a space before it. */
void trace_op(struct trace *trace, const struct holm_op *op);

/* A replica's letter. */
static inline char trace_name(size_t node)
{
    return (char)('A' + node);
}

/* From now on a program that aborts says this trace first. */
void trace_on_abort(const struct trace *trace);

#endif
