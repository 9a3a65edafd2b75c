/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1 /* pipe2, F_SETPIPE_SZ, environ */
#include "sim/city/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/city/heap.h"

void holm_process_init(struct holm_process *process)
{
    *process = (struct holm_process){.control_fd = -1, .journal_fd = -1};
}

/* 0, or an errno, as posix_spawn has it. */
static int set_actions(posix_spawn_file_actions_t *actions, int control, int journal,
                       const char *error_path)
{
    int error = posix_spawn_file_actions_adddup2(actions, control, STDIN_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_adddup2(actions, journal, STDOUT_FILENO);
    if (error == 0)
        error = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, error_path,
                                                 O_WRONLY | O_CREAT | O_APPEND, 0600);
    return error;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t all;
    (void)sigemptyset(&none);
    (void)sigfillset(&all);
    int error = posix_spawnattr_setsigmask(attributes, &none);
    if (error == 0)
        error = posix_spawnattr_setsigdefault(attributes, &all);
    if (error == 0)
        error = posix_spawnattr_setpgroup(attributes, 0);
    if (error == 0)
        error = posix_spawnattr_setflags(
            attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    return error;
}

struct pipes {
    int control[2];
    int journal[2];
};

static int spawn(pid_t *pid, const char *path, char *const argv[], const struct pipes *pipes,
                 const char *error_path)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error == 0) {
        error = set_actions(&actions, pipes->control[0], pipes->journal[1], error_path);
        if (error == 0)
            error = set_attributes(&attributes);
        if (error == 0)
            error = posix_spawn(pid, path, &actions, &attributes, argv, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void close_pair(const int fds[2])
{
    (void)close(fds[0]);
    (void)close(fds[1]);
}

enum holm_status holm_process_spawn(struct holm_process *process, const char *path,
                                    char *const argv[], const char *error_path)
{
    struct pipes pipes;
    int *control = pipes.control;
    int *journal = pipes.journal;
    holm_process_init(process);
    if (pipe2(control, O_CLOEXEC) != 0)
        return HOLM_EIO;
    if (pipe2(journal, O_CLOEXEC) != 0) {
        close_pair(control);
        return HOLM_EIO;
    }
    /* Larger where the system allows it: a parent that is held up a while holds up no city. */
    (void)fcntl(journal[0], F_SETPIPE_SZ, 1 << 20);
    int error = 0;
    if (fcntl(control[1], F_SETFL, O_NONBLOCK) != 0 || fcntl(journal[0], F_SETFL, O_NONBLOCK) != 0)
        error = errno;
    if (error == 0)
        error = spawn(&process->pid, path, argv, &pipes, error_path);
    if (error != 0) {
        close_pair(control);
        close_pair(journal);
        process->pid = 0;
        errno = error;
        return HOLM_EIO;
    }
    (void)close(control[0]);
    (void)close(journal[1]);
    process->control_fd = control[1];
    process->journal_fd = journal[0];
    return HOLM_OK;
}

static void close_control(struct holm_process *process)
{
    if (process->control_fd >= 0)
        (void)close(process->control_fd);
    process->control_fd = -1;
    process->queue_size = 0;
}

void holm_process_flush(struct holm_process *process)
{
    size_t written = 0;
    while (process->control_fd >= 0 && written < process->queue_size) {
        ssize_t count = write(process->control_fd, process->queue + written,
                              process->queue_size - written);
        if (count >= 0) {
            written += (size_t)count;
        } else if (errno == EAGAIN) {
            break;
        } else if (errno != EINTR) {
            close_control(process); /* the reader is gone; its death is told by wait */
            return;
        }
    }
    process->queue_size -= written;
    if (written > 0 && process->queue_size > 0)
        memmove(process->queue, process->queue + written, process->queue_size);
}

enum holm_status holm_process_send(struct holm_process *process, const char *line)
{
    if (process->control_fd < 0)
        return HOLM_OK;
    size_t size = strlen(line);
    size_t wanted = process->queue_size + size + 1;
    if (wanted > HOLM_PROCESS_QUEUE_BYTES_MAX)
        return HOLM_ELIMIT;
    char *room = holm_heap_grow(process->queue, &process->queue_capacity, 1, wanted);
    if (room == NULL)
        return HOLM_ENOMEM;
    process->queue = room;
    memcpy(room + process->queue_size, line, size);
    room[wanted - 1] = '\n';
    process->queue_size = wanted;
    holm_process_flush(process);
    return HOLM_OK;
}

bool holm_process_waiting(const struct holm_process *process)
{
    return process->control_fd >= 0 && process->queue_size > 0;
}

/* Cuts what has come into lines; a line over the buffer's size is counted and thrown away. */
static void take_bytes(struct holm_process *process, const char *bytes, size_t size,
                       holm_process_line *take, void *context)
{
    for (size_t i = 0; i < size; i++) {
        if (process->line_size == sizeof process->line) {
            process->torn++;
            process->line_size = 0;
        }
        process->line[process->line_size++] = bytes[i];
        if (bytes[i] == '\n') {
            take(context, process->line, process->line_size);
            process->line_size = 0;
        }
    }
}

bool holm_process_read(struct holm_process *process, holm_process_line *take, void *context)
{
    char bytes[65536];
    for (int round = 0; process->journal_fd >= 0 && round < 4; round++) {
        ssize_t count = read(process->journal_fd, bytes, sizeof bytes);
        if (count > 0) {
            take_bytes(process, bytes, (size_t)count, take, context);
        } else if (count < 0 && (errno == EAGAIN)) {
            return true;
        } else if (count == 0 || errno != EINTR) {
            if (process->line_size > 0)
                process->torn++;
            process->line_size = 0;
            (void)close(process->journal_fd);
            process->journal_fd = -1;
        }
    }
    return process->journal_fd >= 0;
}

void holm_process_close(struct holm_process *process)
{
    close_control(process);
    if (process->journal_fd >= 0)
        (void)close(process->journal_fd);
    process->journal_fd = -1;
    free(process->queue);
    process->queue = NULL;
    process->queue_capacity = 0;
}
