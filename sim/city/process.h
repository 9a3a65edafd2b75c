/* SPDX-License-Identifier: Apache-2.0 */
/*
 * process.h - a child process and two pipes: lines down, lines up.
 *
 *     parent --- control (its stdin) ---> child
 *     parent <-- journal (its stdout) --- child       stderr goes to a file
 *
 * The parent never waits for a child: what a child does not read is queued, what it writes is taken
 * when it is there. The child's own writes block, so nothing of its journal is ever dropped.
 *
 * Children are spawned, not forked (the caller may have threads); they get these three descriptors
 * and no other, default signals, and a process group of their own, so that a Ctrl-C is for the
 * parent to handle.
 */
#ifndef HOLM_SIM_CITY_PROCESS_H
#define HOLM_SIM_CITY_PROCESS_H

#include <holm/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define HOLM_PROCESS_QUEUE_BYTES_MAX (16u << 20) /* unread control lines of one child */

struct holm_process {
    pid_t pid;      /* 0: none */
    int control_fd; /* -1 when closed; does not block */
    int journal_fd; /* -1 when closed; does not block */
    char *queue;    /* control lines that wait */
    size_t queue_size, queue_capacity;
    char line[4096]; /* the begin of a line whose end has not come yet */
    size_t line_size;
    size_t torn; /* lines too long, or without an end */
};

/* A process that is not there: nothing to close. */
void holm_process_init(struct holm_process *process);

/*
 * Starts the program at `path`. `argv` begins with its name and ends with NULL. stderr is appended to
 * the file `error_path`. HOLM_EIO: see errno; nothing was started.
 */
HOLM_NODISCARD enum holm_status holm_process_spawn(struct holm_process *process, const char *path,
                                                   char *const argv[], const char *error_path);

/* Queues one line, newline added, and writes what fits. A line for a child that is gone is dropped.
 * HOLM_ENOMEM; HOLM_ELIMIT: the child has not read for too long. */
HOLM_NODISCARD enum holm_status holm_process_send(struct holm_process *process, const char *line);
/* Writes what fits of the queue. Call it when control_fd is writable and something waits. */
void holm_process_flush(struct holm_process *process);
bool holm_process_waiting(const struct holm_process *process);

/*
 * Takes what has come, up to about 256 KiB, and hands on each whole line, its newline included.
 * False at the end of the journal: every writer is gone; then a torn rest was counted.
 */
typedef void holm_process_line(void *context, const char *line, size_t size);
bool holm_process_read(struct holm_process *process, holm_process_line *take, void *context);

/* Closes the pipes and frees the queue. The child, if it lives, finds its stdin at its end. */
void holm_process_close(struct holm_process *process);

#endif
