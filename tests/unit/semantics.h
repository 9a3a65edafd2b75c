/* SPDX-License-Identifier: Apache-2.0 */
/*
 * semantics.h - the rows of docs/SEMANTICS.md, as what they are: tests.
 *
 *     | `r1` | `put f 1` | `put f 2` | `put f 3` | `f = 3 (also 2)` | words |
 *       id     before      A writes    B writes    all read
 *
 * Cells hold steps in a small language, between backquotes; a cell without any is empty.
 *
 *     step ; step               one after the other, each committed by itself
 *     { step ; step }           one batch
 *     steps ∥ steps             the next writer, who has not heard of the one before: A, B, C
 *     put PATH VALUE            and raise, lower; add PATH NUMBER; insert, erase PATH ELEMENT;
 *     reset PATH                and enable, disable, remove; bury
 *     remove PATH or above      stands for several rows: the path, each one above it, the record
 *     epoch                     the writer goes on in a new life
 *     clock MILLISECONDS        the writer's clock is off by so much from now on
 *     step -> HOLM_EBURIED      refused so
 *
 * PATH is names with / between them, or . for the record itself; with l: before it, it is in a
 * second record. VALUE is 5, 2.5, nan, true or "text". What is read is the whole of both records:
 *
 *     f = 3 (also 2)      register, and its other siblings in their order
 *     f counts 5          f has x y          f is on          f max 3          f min 3
 *     absent              buried
 */
#ifndef HOLM_TESTS_UNIT_SEMANTICS_H
#define HOLM_TESTS_UNIT_SEMANTICS_H

#include <holm/status.h>
#include <holm/value.h>

#define SEMANTICS_NAMES_MAX 6
#define SEMANTICS_STEPS_MAX 8
#define SEMANTICS_WRITERS_MAX 3

enum semantics_verb {
    SEMANTICS_OPERATION,
    SEMANTICS_EPOCH,
    SEMANTICS_CLOCK
};

struct semantics_step {
    enum semantics_verb verb;
    struct holm_op op; /* its path: `names` */
    struct holm_bytes names[SEMANTICS_NAMES_MAX];
    size_t name_count;
    bool or_above;
    bool batched; /* with the step behind it */
    int64_t clock_ms;
    enum holm_status refused; /* HOLM_OK: it is not */
};

struct semantics_writer {
    struct semantics_step steps[SEMANTICS_STEPS_MAX];
    size_t count;
};

/* Writers of one cell or several; each has not heard of the others. */
struct semantics_scene {
    struct semantics_writer writers[SEMANTICS_WRITERS_MAX];
};

struct semantics_row {
    char id[16];
    struct semantics_scene before, meanwhile;
    char read[256];
};

/*
 * Reads the next row at *text, which moves behind it. False at the end. Bytes of operations point
 * into the text. What cannot be read fails the test, with the line.
 */
bool semantics_next(const char **text, struct semantics_row *row);

#endif
