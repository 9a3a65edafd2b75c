/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/semantics.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* What is left of a cell or a line. */
struct source {
    const char *at, *end;
    const char *line; /* for messages */
};

static _Noreturn void fail_at(const struct source *source, const char *what)
{
    int length = (int)strcspn(source->line, "\n");
    fail_msg("%s: %.*s", what, length, source->line);
    abort();
}

static bool begins(const struct source *source, const char *word)
{
    size_t size = strlen(word);
    return (size_t)(source->end - source->at) >= size && memcmp(source->at, word, size) == 0;
}

static void skip_spaces(struct source *source)
{
    while (source->at < source->end && *source->at == ' ')
        source->at++;
}

/* Takes a mark if it comes next. */
static bool take_mark(struct source *source, const char *mark)
{
    skip_spaces(source);
    if (!begins(source, mark))
        return false;
    source->at += strlen(mark);
    return true;
}

/* A word ends at a space or at a mark that cannot be in one. */
static struct holm_bytes take_word(struct source *source)
{
    skip_spaces(source);
    const char *from = source->at;
    while (source->at < source->end && strchr(" ;{}", *source->at) == NULL)
        source->at++;
    if (source->at == from)
        fail_at(source, "a word is missing");
    return holm_mem(from, (size_t)(source->at - from));
}

static bool is_word(struct holm_bytes bytes, const char *word)
{
    return bytes.size == strlen(word) && memcmp(bytes.data, word, bytes.size) == 0;
}

static int64_t take_number(struct source *source)
{
    char copy[32];
    char *end;
    struct holm_bytes word = take_word(source);
    (void)snprintf(copy, sizeof copy, "%.*s", (int)word.size, (const char *)word.data);
    long long number = strtoll(copy, &end, 10);
    if (*end != 0)
        fail_at(source, "not a number");
    return number;
}

static struct holm_value take_value(struct source *source)
{
    const char *from = source->at;
    struct holm_bytes word = take_word(source);
    const char *bytes = word.data;
    if (is_word(word, "true") || is_word(word, "false"))
        return holm_bool(bytes[0] == 't');
    if (bytes[0] == '"') {
        struct holm_value value = holm_text("");
        value.as.bytes = holm_mem(bytes + 1, word.size - 2);
        return value;
    }
    for (size_t i = 0; i < word.size; i++)
        if (bytes[i] == '.' || isalpha((unsigned char)bytes[i]))
            return holm_double(strtod(bytes, NULL));
    source->at = from;
    return holm_i64(take_number(source));
}

static void take_path(struct source *source, struct semantics_step *step)
{
    struct holm_bytes word = take_word(source);
    const char *at = word.data, *end = at + word.size;
    step->op.key = holm_str("k");
    if (word.size > 2 && memcmp(at, "l:", 2) == 0) {
        step->op.key = holm_str("l");
        at += 2;
    }
    if (end - at == 1 && *at == '.')
        return;
    while (at < end) {
        const char *slash = memchr(at, '/', (size_t)(end - at));
        const char *stop = slash == NULL ? end : slash;
        if (step->name_count == SEMANTICS_NAMES_MAX || stop == at)
            fail_at(source, "not a path");
        step->names[step->name_count++] = holm_mem(at, (size_t)(stop - at));
        at = slash == NULL ? end : slash + 1;
    }
}

static const struct {
    const char *name;
    enum holm_op_type type;
} verbs[] = {
    {"put", HOLM_OP_PUT},       {"add", HOLM_OP_ADD},       {"reset", HOLM_OP_RESET},
    {"insert", HOLM_OP_INSERT}, {"erase", HOLM_OP_ERASE},   {"enable", HOLM_OP_ENABLE},
    {"raise", HOLM_OP_RAISE},   {"lower", HOLM_OP_LOWER},   {"disable", HOLM_OP_DISABLE},
    {"bury", HOLM_OP_BURY},     {"remove", HOLM_OP_REMOVE},
};

static void take_operand(struct source *source, struct semantics_step *step)
{
    struct holm_op *op = &step->op;
    switch (op->type) {
    case HOLM_OP_PUT:
    case HOLM_OP_RAISE:
    case HOLM_OP_LOWER:
        op->as.value = take_value(source);
        break;
    case HOLM_OP_ADD:
        op->as.amount = take_number(source);
        break;
    case HOLM_OP_INSERT:
    case HOLM_OP_ERASE:
        op->as.element = take_word(source);
        break;
    case HOLM_OP_REMOVE:
        step->or_above = take_mark(source, "or above");
        break;
    case HOLM_OP_RESET:
    case HOLM_OP_ENABLE:
    case HOLM_OP_DISABLE:
    case HOLM_OP_BURY:
        break;
    }
}

static enum holm_status take_status(struct source *source)
{
    struct holm_bytes name = take_word(source);
#define IS_STATUS(noun, value, sentence)                                                           \
    if (is_word(name, "HOLM_" #noun))                                                              \
        return HOLM_##noun;
    HOLM_STATUS_LIST(IS_STATUS)
#undef IS_STATUS
    fail_at(source, "no such status");
}

static void take_step(struct source *source, struct semantics_step *step)
{
    struct holm_bytes verb = take_word(source);
    size_t i = 0, count = sizeof verbs / sizeof verbs[0];
    if (is_word(verb, "epoch")) {
        step->verb = SEMANTICS_EPOCH;
        return;
    }
    if (is_word(verb, "clock")) {
        step->verb = SEMANTICS_CLOCK;
        step->clock_ms = take_number(source);
        return;
    }
    while (i < count && !is_word(verb, verbs[i].name))
        i++;
    if (i == count)
        fail_at(source, "no such step");
    step->op.type = verbs[i].type;
    step->op.key = holm_str("k");
    if (step->op.type != HOLM_OP_BURY)
        take_path(source, step);
    take_operand(source, step);
    if (take_mark(source, "->"))
        step->refused = take_status(source);
}

static void take_steps(struct source *source, struct semantics_writer *writer)
{
    bool batch = false;
    do {
        if (writer->count == SEMANTICS_STEPS_MAX)
            fail_at(source, "too many steps");
        struct semantics_step *step = &writer->steps[writer->count++];
        batch = take_mark(source, "{") || batch;
        take_step(source, step);
        if (take_mark(source, "}"))
            batch = false;
        step->batched = batch;
    } while (take_mark(source, ";"));
    if (batch)
        fail_at(source, "a batch has no end");
}

/* Writers from number `first` to before `end`. */
static void take_scene(struct source *cell, struct semantics_scene *scene, size_t first, size_t end)
{
    skip_spaces(cell);
    if (cell->at == cell->end)
        return;
    size_t writer = first;
    do {
        if (writer == end)
            fail_at(cell, "too many writers");
        take_steps(cell, &scene->writers[writer++]);
    } while (take_mark(cell, "∥"));
    skip_spaces(cell);
    if (cell->at != cell->end)
        fail_at(cell, "something is behind the last step");
}

/* The text between the backquotes of the next cell; empty when there are none. */
static struct source take_cell(struct source *line)
{
    struct source cell = {.line = line->line};
    const char *bar = memchr(line->at, '|', (size_t)(line->end - line->at));
    if (bar == NULL)
        fail_at(line, "a cell is missing");
    cell.at = memchr(line->at, '`', (size_t)(bar - line->at));
    cell.end = bar;
    if (cell.at == NULL) {
        cell.at = bar;
    } else {
        cell.at++;
        cell.end = memchr(cell.at, '`', (size_t)(bar - cell.at));
        if (cell.end == NULL)
            fail_at(line, "a backquote is missing");
    }
    line->at = bar + 1;
    return cell;
}

static void take_text(const struct source *cell, char *text, size_t capacity)
{
    size_t size = (size_t)(cell->end - cell->at);
    if (size == 0 || size >= capacity)
        fail_at(cell, "a cell is empty, or too long");
    memcpy(text, cell->at, size);
    text[size] = 0;
}

static void read_row(struct source *line, struct semantics_row *row)
{
    memset(row, 0, sizeof *row);
    struct source cell = take_cell(line);
    take_text(&cell, row->id, sizeof row->id);
    cell = take_cell(line);
    take_scene(&cell, &row->before, 0, SEMANTICS_WRITERS_MAX);
    cell = take_cell(line);
    take_scene(&cell, &row->meanwhile, 0, 1);
    cell = take_cell(line);
    take_scene(&cell, &row->meanwhile, 1, SEMANTICS_WRITERS_MAX);
    cell = take_cell(line);
    take_text(&cell, row->read, sizeof row->read);
}

/* A row has an id of letters and a number; other tables of the document have none. */
static bool is_row(const char *line)
{
    if (strncmp(line, "| `", 3) != 0)
        return false;
    size_t letters = strspn(line + 3, "abcdefghijklmnopqrstuvwxyz");
    size_t digits = strspn(line + 3 + letters, "0123456789");
    return letters > 0 && digits > 0 && line[3 + letters + digits] == '`';
}

bool semantics_next(const char **text, struct semantics_row *row)
{
    while (**text != 0) {
        const char *from = *text;
        size_t size = strcspn(from, "\n");
        struct source line = {.at = from + 1, .end = from + size, .line = from};
        *text = from[size] == 0 ? from + size : from + size + 1;
        if (!is_row(from))
            continue;
        read_row(&line, row);
        return true;
    }
    return false;
}
