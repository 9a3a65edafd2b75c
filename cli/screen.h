/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen.h - writes to stdout without ever waiting for it.
 *
 * A thread of its own does the writing. On a terminal it is handed whole frames, and skips those
 * that come faster than the terminal takes them; otherwise it is handed lines, which are queued up
 * to a bound and then dropped (and said to be).
 *
 * On a terminal the frames are drawn on the alternate screen, so that what stood there before comes
 * back at the end, with what was written as text below it.
 */
#ifndef HOLM_CLI_SCREEN_H
#define HOLM_CLI_SCREEN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define HOLM_SCREEN_FRAME_BYTES_MAX 65536
#define HOLM_SCREEN_LINES_BYTES_MAX (1u << 20)

struct holm_screen {
    bool terminal; /* frames, not lines */
    bool colour;
    bool utf8;
    unsigned columns, rows; /* of the terminal; 80 and 24 otherwise */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wanted;
    char *frame; /* the next one; overwritten by a newer one */
    size_t frame_size;
    bool frame_waits;
    char *lines;
    size_t lines_size;
    size_t dropped;
    bool closing;
    bool broken; /* nobody reads any more */
};

/* Looks at stdout and at the environment, and starts the thread. `plain`: lines in any case.
 * False: no memory, no thread. */
bool holm_screen_open(struct holm_screen *screen, bool plain);
/* Asks the terminal for its size again. */
void holm_screen_measure(struct holm_screen *screen);
/* Copies a frame: rows lines at most, without the last newline. */
void holm_screen_frame(struct holm_screen *screen, const char *text, size_t size);
/* Copies text to be written after all text before; on a terminal, when the screen is closed. */
void holm_screen_text(struct holm_screen *screen, const char *text);
bool holm_screen_broken(struct holm_screen *screen);
/* Leaves the alternate screen, writes what waits, and ends the thread. Waits for the reader of
 * stdout. */
void holm_screen_close(struct holm_screen *screen);

#endif
