/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scribe.h - writes journal lines, whole lines in one write, to a descriptor or to a function.
 *
 * A write of at most PIPE_BUF bytes to a pipe is atomic: lines of several threads do not mix, and a
 * killed writer leaves no half line. A thread that writes has a scribe of its own.
 */
#ifndef HOLM_SIM_CITY_SCRIBE_H
#define HOLM_SIM_CITY_SCRIBE_H

#include <limits.h>

#include "sim/city/journal.h"

/* Takes whole lines; false: nobody reads any more. */
typedef bool holm_scribe_reader(void *context, const char *text, size_t size);

/* Where lines go. */
struct holm_scribe_target {
    holm_scribe_reader *reader; /* NULL: to the descriptor */
    void *context;
    int fd; /* blocking; borrowed */
};

struct holm_scribe {
    struct holm_scribe_target target;
    bool failed; /* nobody reads any more */
    size_t size;
    char text[PIPE_BUF];
};

void holm_scribe_init(struct holm_scribe *scribe, struct holm_scribe_target target);

/* Adds a line; writes what is there before when it does not fit beside it. Waits for the reader. */
void holm_scribe_line(struct holm_scribe *scribe, const struct holm_journal_line *line);

/* Writes what is there. Waits for the reader. */
void holm_scribe_flush(struct holm_scribe *scribe);

#endif
