/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every row of docs/SEMANTICS.md, run (T09 to T13, T15, T16 among them): on three writers and two onlookers, by deltas in the order
 * of writing and against it, by whole states, and by both in turn; sealed one by one and together.
 * Each replica is held against the reference on the way, and must read what the row says.
 */
#include "tests/unit/semantics.h"
#include "crdt/path.h"
#include "tests/unit/scenario.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NODES 5
#define LETTER(number) "ABCDE"[number]

/* How a row is run. */
enum {
    BEFORE_BY_STATE = 1, /* what was before reached all as states, not as deltas */
    SEALED_TOGETHER = 2, /* each writer's steps are one run, not one each */
    MODES = 4
};

enum delivery {
    FORWARDS,
    BACKWARDS,
    BY_STATE,
    MIXED,
    DELIVERIES
};

static char *document;
static char running[16]; /* the id of the row, for when the fixture ends the program */

/* ---- what is read --------------------------------------------------------------------------- */

struct reading {
    const struct holm_replica *replica;
    char text[512];
    size_t size;
    struct holm_cell_view last;
    bool begun, siblings;
};

static void say(struct reading *reading, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct reading *reading, const char *format, ...)
{
    size_t room = sizeof reading->text - reading->size;
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(reading->text + reading->size, room, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && (size_t)size < room);
    reading->size += (size_t)size;
}

static void say_value(struct reading *reading, const struct holm_value *value)
{
    if (value->type == HOLM_I64)
        say(reading, "%lld", (long long)value->as.i64);
    else if (value->type == HOLM_BOOL)
        say(reading, "%s", value->as.boolean ? "true" : "false");
    else if (value->type == HOLM_DOUBLE && isnan(value->as.f64))
        say(reading, "nan");
    else if (value->type == HOLM_DOUBLE)
        say(reading, "%.1f", value->as.f64);
    else
        say(reading, "\"%.*s\"", (int)value->as.bytes.size, (const char *)value->as.bytes.data);
}

static void say_place(struct reading *reading, const struct holm_cell_view *cell)
{
    struct holm_bytes path = cell->path;
    if (holm_bytes_equal(cell->key, holm_str("l")))
        say(reading, "l:");
    if (path.size == 0)
        say(reading, ".");
    for (const char *slash = ""; path.size > 0; slash = "/") {
        struct holm_bytes name = holm_path_take(&path);
        say(reading, "%s%.*s", slash, (int)name.size, (const char *)name.data);
    }
}

static void finish_slot(struct reading *reading)
{
    if (reading->siblings)
        say(reading, ")");
    reading->siblings = false;
}

/* The first cell of a slot (of a set: of the whole set). */
static void begin_slot(struct reading *reading, const struct holm_cell_view *cell)
{
    int64_t sum;
    finish_slot(reading);
    if (reading->begun)
        say(reading, "; ");
    say_place(reading, cell);
    struct holm_bytes path = cell->path, names[SEMANTICS_NAMES_MAX];
    struct holm_path place = {names, 0};
    while (path.size > 0)
        names[place.count++] = holm_path_take(&path);
    switch ((enum holm_kind)cell->kind) {
    case HOLM_REGISTER:
    case HOLM_MAX:
    case HOLM_MIN: {
        struct holm_cell_view winner;
        assert_int_equal(holm_replica_get_at(reading->replica, cell->key, place,
                                             (enum holm_kind)cell->kind, &winner),
                         HOLM_OK);
        say(reading, "%s",
            cell->kind == HOLM_REGISTER ? " = "
            : cell->kind == HOLM_MAX    ? " max "
                                        : " min ");
        say_value(reading, &winner.value);
        break;
    }
    case HOLM_COUNTER:
        assert_int_equal(holm_replica_count_at(reading->replica, cell->key, place, &sum), HOLM_OK);
        say(reading, " counts %lld", (long long)sum);
        break;
    case HOLM_SET:
        say(reading, " has");
        break;
    case HOLM_FLAG:
        assert_true(holm_replica_enabled_at(reading->replica, cell->key, place));
        say(reading, " is on");
        break;
    }
}

static void read_element(struct reading *reading, const struct holm_cell_view *cell)
{
    struct holm_bytes path = cell->path, names[SEMANTICS_NAMES_MAX];
    struct holm_path place = {names, 0};
    while (path.size > 0)
        names[place.count++] = holm_path_take(&path);
    assert_true(holm_replica_contains_at(reading->replica, cell->key, place, cell->sub));
    say(reading, " %.*s", (int)cell->sub.size, (const char *)cell->sub.data);
}

static bool read_cell(void *context, const struct holm_cell_view *cell)
{
    struct reading *reading = context;
    bool same = reading->begun && reading->last.kind == cell->kind &&
                holm_bytes_equal(reading->last.key, cell->key) &&
                holm_bytes_equal(reading->last.path, cell->path);
    if (!same) {
        begin_slot(reading, cell);
    } else if (cell->kind == HOLM_REGISTER) {
        say(reading, reading->siblings ? " " : " (also ");
        say_value(reading, &cell->value);
        reading->siblings = true;
    }
    bool same_element = same && holm_bytes_equal(reading->last.sub, cell->sub);
    if (cell->kind == HOLM_SET && !same_element)
        read_element(reading, cell);
    reading->last = *cell;
    reading->begun = true;
    return true;
}

static void read_record(struct reading *reading, const char *key, const char *prefix)
{
    bool was_begun = reading->begun;
    size_t before = reading->size;
    holm_replica_visit(reading->replica, holm_str(key), read_cell, reading);
    finish_slot(reading);
    assert_int_equal(holm_replica_exists(reading->replica, holm_str(key)), reading->size > before);
    if (!holm_replica_buried(reading->replica, holm_str(key)))
        return;
    assert_int_equal(reading->size, before);
    say(reading, "%s%sburied", was_begun ? "; " : "", prefix);
    reading->begun = true;
}

static bool is_read(struct fixture *f, size_t node, const struct semantics_row *row,
                    const char *how)
{
    struct reading reading = {.replica = f->nodes[node].replica};
    read_record(&reading, "k", "");
    read_record(&reading, "l", "l: ");
    if (!reading.begun)
        say(&reading, "absent");
    if (strcmp(reading.text, row->read) == 0)
        return true;
    print_error("%s: %c reads '%s' and not '%s' (%s)\n", row->id, LETTER(node), reading.text,
                row->read, how);
    return false;
}

/* ---- what is written ------------------------------------------------------------------------ */

/* Which path each `or above` of a row stands for now: how many names are left out at its end. */
struct choice {
    size_t dropped[SEMANTICS_WRITERS_MAX * SEMANTICS_STEPS_MAX];
};

static struct holm_op op_at(const struct semantics_step *step, size_t dropped)
{
    struct holm_op op = step->op;
    size_t count = step->name_count - dropped;
    if (count > 0) {
        op.parents = holm_path_of(step->names, count - 1);
        op.field = step->names[count - 1];
    }
    return op;
}

/* The reference never runs out of 64 bits, and so is not asked. */
static enum holm_status commit_batch(struct fixture *f, size_t node, const struct holm_op *ops,
                                     size_t count, enum holm_status refused)
{
    if (refused != HOLM_EOVERFLOW)
        return fixture_commit(f, node, ops, count);
    struct holm_event event = {.type = HOLM_EVENT_COMMIT,
                               .as.commit = {.ops = ops, .count = count}};
    return fixture_step(f, node, &event);
}

static void play(struct fixture *f, size_t node, const struct semantics_writer *writer,
                 const size_t *dropped, bool together)
{
    struct holm_op batch[SEMANTICS_STEPS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < writer->count; i++) {
        const struct semantics_step *step = &writer->steps[i];
        if (step->verb == SEMANTICS_EPOCH) {
            fixture_epoch(f, node, f->nodes[node].self.epoch.value + 1);
            continue;
        }
        if (step->verb == SEMANTICS_CLOCK) {
            f->nodes[node].skew_ms = step->clock_ms;
            f->clocks_agree = false;
            continue;
        }
        batch[count++] = op_at(step, dropped[i]);
        if (step->batched)
            continue;
        assert_int_equal(commit_batch(f, node, batch, count, step->refused), step->refused);
        count = 0;
        if (!together)
            fixture_flush(f, node);
    }
    fixture_flush(f, node);
}

static void play_scene(struct fixture *f, const struct semantics_scene *scene,
                       const struct choice *choice, bool together)
{
    static const struct choice none;
    for (size_t i = 0; i < SEMANTICS_WRITERS_MAX; i++)
        play(f, i, &scene->writers[i],
             (choice == NULL ? &none : choice)->dropped + i * SEMANTICS_STEPS_MAX, together);
}

/* ---- how it gets around --------------------------------------------------------------------- */

static void give_runs(struct fixture *f, size_t node, bool backwards)
{
    for (size_t i = 0; i < f->run_count; i++)
        fixture_give(f, node, backwards ? f->run_count - 1 - i : i);
    fixture_check(f, node);
}

static void merge_all(struct fixture *f, size_t node, bool backwards)
{
    for (size_t i = 0; i < NODES; i++) {
        size_t from = backwards ? NODES - 1 - i : i;
        if (from != node)
            fixture_merge(f, from, node);
    }
    fixture_check(f, node);
}

/* The onlookers first: they take it piece by piece; then the writers. */
static void deliver(struct fixture *f, enum delivery delivery)
{
    for (size_t i = NODES; i > 0; i--) {
        size_t node = i - 1;
        bool backwards = (delivery == BACKWARDS) != (node % 2 == 0);
        bool by_state = delivery == BY_STATE || (delivery == MIXED && node % 2 == 0);
        if (by_state)
            merge_all(f, node, backwards);
        else
            give_runs(f, node, backwards);
        if (delivery == MIXED)
            merge_all(f, node, !backwards);
    }
    fixture_check_equal(f);
}

static bool run_row(const struct semantics_row *row, const struct choice *choice, unsigned mode,
                    enum delivery delivery)
{
    static const char *const ways[] = {"forwards", "backwards", "by state", "mixed"};
    struct fixture fixture, *f = &fixture;
    char how[64];
    bool together = (mode & SEALED_TOGETHER) != 0;
    (void)snprintf(how, sizeof how, "%s, before by %s, sealed %s", ways[delivery],
                   (mode & BEFORE_BY_STATE) != 0 ? "state" : "deltas",
                   together ? "together" : "one by one");
    fixture_init(f, NODES, NULL);
    play_scene(f, &row->before, NULL, together);
    deliver(f, (mode & BEFORE_BY_STATE) != 0 ? BY_STATE : FORWARDS);
    play_scene(f, &row->meanwhile, choice, together);
    deliver(f, delivery);
    bool right = true;
    for (size_t node = 0; right && node < NODES; node++)
        right = is_read(f, node, row, how);
    fixture_release(f);
    return right;
}

/* The next choice of paths; false when all have been. */
static bool next_choice(const struct semantics_row *row, struct choice *choice)
{
    for (size_t i = 0; i < SEMANTICS_WRITERS_MAX * SEMANTICS_STEPS_MAX; i++) {
        const struct semantics_step *step =
            &row->meanwhile.writers[i / SEMANTICS_STEPS_MAX].steps[i % SEMANTICS_STEPS_MAX];
        if (!step->or_above)
            continue;
        if (choice->dropped[i]++ < step->name_count)
            return true;
        choice->dropped[i] = 0;
    }
    return false;
}

static void tell_row(int signal_number)
{
    (void)signal_number;
    (void)!write(STDERR_FILENO, "row ", 4);
    (void)!write(STDERR_FILENO, running, strlen(running));
    (void)!write(STDERR_FILENO, "\n", 1);
}

/* In every way, up to the first that is wrong. */
static bool run_ways(const struct semantics_row *row, const struct choice *choice, size_t *runs)
{
    bool right = true;
    for (unsigned mode = 0; right && mode < MODES; mode++)
        for (enum delivery way = FORWARDS; right && way < DELIVERIES; way++, ++*runs)
            right = run_row(row, choice, mode, way);
    return right;
}

static void test_document_each_row_is_what_is_read(void **state)
{
    const char *text = document;
    struct semantics_row row;
    size_t rows = 0, runs = 0, wrong = 0;
    while (semantics_next(&text, &row)) {
        struct choice choice = {{0}};
        bool right = true;
        memcpy(running, row.id, sizeof running);
        do
            right = run_ways(&row, &choice, &runs);
        while (right && next_choice(&row, &choice));
        rows++;
        wrong += !right;
    }
    print_message("%zu rows, %zu runs\n", rows, runs);
    assert_true(rows > 0);
    assert_int_equal(wrong, 0);
}

/* ---- the document itself -------------------------------------------------------------------- */

static void test_document_ids_are_unique(void **state)
{
    static struct semantics_row rows[256];
    const char *text = document;
    size_t count = 0;
    while (semantics_next(&text, &rows[count])) {
        for (size_t i = 0; i < count; i++)
            if (strcmp(rows[i].id, rows[count].id) == 0)
                fail_msg("%s is there twice", rows[i].id);
        assert_true(++count < sizeof rows / sizeof rows[0]);
    }
}

/* Of which kind of slot an operation is; 0: of all. */
static unsigned kind_of(enum holm_op_type type)
{
    static const unsigned char kinds[] = {[HOLM_OP_PUT] = HOLM_REGISTER,
                                          [HOLM_OP_ADD] = HOLM_COUNTER,
                                          [HOLM_OP_RESET] = HOLM_COUNTER,
                                          [HOLM_OP_INSERT] = HOLM_SET,
                                          [HOLM_OP_ERASE] = HOLM_SET,
                                          [HOLM_OP_ENABLE] = HOLM_FLAG,
                                          [HOLM_OP_DISABLE] = HOLM_FLAG,
                                          [HOLM_OP_RAISE] = HOLM_MAX,
                                          [HOLM_OP_LOWER] = HOLM_MIN,
                                          [HOLM_OP_REMOVE] = 0,
                                          [HOLM_OP_BURY] = 0};
    return kinds[type];
}

static bool begins_with(const struct semantics_step *step, const struct semantics_step *above)
{
    bool begins = above->name_count <= step->name_count;
    for (size_t i = 0; begins && i < above->name_count; i++)
        begins = holm_bytes_equal(step->names[i], above->names[i]);
    return begins;
}

/* Whether what one does can matter to the other: they write one slot, or one takes away what the
 * other wrote. */
static bool do_meet(const struct semantics_step *a, const struct semantics_step *b)
{
    if (a->verb != SEMANTICS_OPERATION || b->verb != SEMANTICS_OPERATION ||
        !holm_bytes_equal(a->op.key, b->op.key))
        return false;
    if (a->op.type == HOLM_OP_BURY || b->op.type == HOLM_OP_BURY)
        return true;
    if (a->op.type == HOLM_OP_REMOVE || b->op.type == HOLM_OP_REMOVE)
        return (a->op.type == HOLM_OP_REMOVE && begins_with(b, a)) ||
               (b->op.type == HOLM_OP_REMOVE && begins_with(a, b));
    bool of_set = kind_of(a->op.type) == HOLM_SET;
    return kind_of(a->op.type) == kind_of(b->op.type) && begins_with(a, b) && begins_with(b, a) &&
           (!of_set || holm_bytes_equal(a->op.as.element, b->op.as.element));
}

static void note_pairs(const struct semantics_row *row, bool met[][HOLM_OP_BURY + 1])
{
    const struct semantics_writer *a = &row->meanwhile.writers[0], *b = &row->meanwhile.writers[1];
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            if (do_meet(&a->steps[i], &b->steps[j])) {
                met[a->steps[i].op.type][b->steps[j].op.type] = true;
                met[b->steps[j].op.type][a->steps[i].op.type] = true;
            }
}

/* Two operations can meet when they are of one kind of slot, or one of them is of all kinds. */
static void test_document_has_every_pair_that_can_meet(void **state)
{
    static bool met[HOLM_OP_BURY + 1][HOLM_OP_BURY + 1];
    const char *text = document;
    struct semantics_row row;
    size_t pairs = 0;
    while (semantics_next(&text, &row))
        note_pairs(&row, met);
    for (unsigned a = HOLM_OP_PUT; a <= HOLM_OP_BURY; a++) {
        for (unsigned b = a; b <= HOLM_OP_BURY; b++) {
            unsigned kind_a = kind_of((enum holm_op_type)a), kind_b = kind_of((enum holm_op_type)b);
            if (kind_a != kind_b && kind_a != 0 && kind_b != 0)
                continue;
            pairs++;
            if (!met[a][b])
                fail_msg("no row has operations %u and %u at the same time", a, b);
        }
    }
    assert_int_equal(pairs, 33);
}

static int read_document(void **state)
{
    FILE *file = fopen(HOLM_SOURCE_DIR "/docs/SEMANTICS.md", "r");
    assert_non_null(file);
    document = calloc(1, 1 << 20);
    assert_non_null(document);
    (void)signal(SIGABRT, tell_row);
    assert_in_range(fread(document, 1, (1 << 20) - 1, file), 1000, (1 << 20) - 2);
    return fclose(file);
}

static int free_document(void **state)
{
    free(document);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_document_each_row_is_what_is_read),
        cmocka_unit_test(test_document_ids_are_unique),
        cmocka_unit_test(test_document_has_every_pair_that_can_meet),
    };
    return cmocka_run_group_tests(tests, read_document, free_document);
}
