/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scribe.h - writes journal lines to a descriptor, whole lines in one write.
 *
 * A write of at most PIPE_BUF bytes to a pipe is atomic: lines of several threads do not mix, and a
 * killed writer leaves no half line. A thread that writes has a scribe of its own.
 */
#ifndef HOLM_SIM_CITY_SCRIBE_H
#define HOLM_SIM_CITY_SCRIBE_H

#include <limits.h>

#include "sim/city/journal.h"

struct holm_scribe {
    int fd;      /* blocking; borrowed */
    bool failed; /* nobody reads any more */
    size_t size;
    char text[PIPE_BUF];
};

void holm_scribe_init(struct holm_scribe *scribe, int fd);

/* Adds a line; writes what is there before when it does not fit beside it. Waits for the reader. */
void holm_scribe_line(struct holm_scribe *scribe, const struct holm_journal_line *line);

/* Writes what is there. Waits for the reader. */
void holm_scribe_flush(struct holm_scribe *scribe);

#endif
