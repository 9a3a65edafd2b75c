/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/exhaustive/trace.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const op_names[] = {"?",      "put",     "add",   "reset", "insert", "erase",
                                       "enable", "disable", "raise", "lower", "remove", "bury"};

static const struct trace *running;

static void tell(int signal_number)
{
    (void)signal_number;
    fprintf(stderr, "the case:%s\n", running->text);
}

void trace_on_abort(const struct trace *trace)
{
    running = trace;
    (void)signal(SIGABRT, tell);
}

void trace_clear(struct trace *trace)
{
    trace->bytes = 0;
    trace->text[0] = 0;
}

void trace_note(struct trace *trace, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t room = TRACE_BYTES - trace->bytes;
    int written = vsnprintf(trace->text + trace->bytes, room, format, arguments);
    va_end(arguments);
    if (written > 0)
        trace->bytes += (size_t)written < room ? (size_t)written : room - 1;
}

static void note_value(struct trace *trace, const struct holm_value *value)
{
    if (value->type == HOLM_I64)
        trace_note(trace, " %" PRId64, value->as.i64);
    else if (value->type == HOLM_TEXT || value->type == HOLM_BYTES)
        trace_note(trace, " '%.*s'", (int)value->as.bytes.size, (const char *)value->as.bytes.data);
    else
        trace_note(trace, " (of type %d)", (int)value->type);
}

void trace_op(struct trace *trace, const struct holm_op *op)
{
    trace_note(trace, " %s %.*s", op_names[op->type], (int)op->key.size,
               (const char *)op->key.data);
    for (size_t i = 0; i < op->parents.count; i++)
        trace_note(trace, ".%.*s", (int)op->parents.names[i].size,
                   (const char *)op->parents.names[i].data);
    if (op->field.size > 0)
        trace_note(trace, ".%.*s", (int)op->field.size, (const char *)op->field.data);
    if (op->type == HOLM_OP_PUT || op->type == HOLM_OP_RAISE || op->type == HOLM_OP_LOWER)
        note_value(trace, &op->as.value);
    if (op->type == HOLM_OP_ADD)
        trace_note(trace, " %" PRId64, op->as.amount);
    if (op->type == HOLM_OP_INSERT || op->type == HOLM_OP_ERASE)
        trace_note(trace, " %.*s", (int)op->as.element.size, (const char *)op->as.element.data);
}
