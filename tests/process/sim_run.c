/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1 /* pipe2, environ */
#include "sim_run.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

void run_start(struct run *run, const char *const arguments[])
{
    char *argv[64] = {strdup(HOLM_PROGRAM)};
    posix_spawn_file_actions_t actions;
    int fds[2];
    size_t count = 1;
    for (; arguments[count - 1] != NULL; count++)
        argv[count] = strdup(arguments[count - 1]);
    memset(run, 0, sizeof *run);
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO), 0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, fds[1], STDERR_FILENO), 0);
    assert_int_equal(posix_spawn(&run->pid, argv[0], &actions, NULL, argv, environ), 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(fds[1]);
    run->fd = fds[0];
    for (size_t i = 0; i < count; i++)
        free(argv[i]);
}

/* False at the end. */
static bool read_some(struct run *run, double deadline)
{
    struct pollfd fd = {.fd = run->fd, .events = POLLIN};
    double left = deadline - seconds();
    if (left <= 0 || poll(&fd, 1, (int)(left * 1000) + 1) == 0)
        fail_msg("nothing came in time after:\n%s", run->text);
    if (run->forget)
        run->size = 0;
    assert_true(run->size + 1 < sizeof run->text);
    ssize_t count = read(run->fd, run->text + run->size, sizeof run->text - run->size - 1);
    if (count <= 0)
        return false;
    run->size += (size_t)count;
    run->text[run->size] = '\0';
    return true;
}

void run_until(struct run *run, const char *needle)
{
    double deadline = seconds() + RUN_WAIT_S;
    const char *found;
    while ((found = strstr(run->text + run->seen, needle)) == NULL) {
        if (!read_some(run, deadline))
            fail_msg("ended before '%s':\n%s", needle, run->text);
    }
    run->seen = (size_t)(found - run->text) + strlen(needle);
}

int run_end(struct run *run)
{
    double deadline = seconds() + (run->end_s == 0 ? 2 * RUN_WAIT_S : run->end_s);
    while (read_some(run, deadline))
        continue;
    (void)close(run->fd);
    return run_wait(run);
}

int run_wait(const struct run *run)
{
    int status;
    assert_int_equal(waitpid(run->pid, &status, 0), run->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

unsigned run_count(const struct run *run, const char *needle)
{
    unsigned count = 0;
    for (const char *at = run->text; (at = strstr(at, needle)) != NULL; at++)
        count++;
    return count;
}

static bool read_proc(const char *pid, const char *file, char *text, size_t size)
{
    char path[300];
    (void)snprintf(path, sizeof path, "/proc/%s/%s", pid, file);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    memset(text, 0, size);
    ssize_t count = read(fd, text, size - 2);
    (void)close(fd);
    return count > 0;
}

/* A city of this parent, not yet a zombie; `name` NULL means any. */
static bool is_city(const char *entry, pid_t parent, const char *name)
{
    char stat[512];
    char command[512];
    char state;
    long ppid;
    if (!read_proc(entry, "stat", stat, sizeof stat) ||
        !read_proc(entry, "cmdline", command, sizeof command))
        return false;
    const char *after = strrchr(stat, ')');
    if (after == NULL || sscanf(after, ") %c %ld", &state, &ppid) != 2)
        return false;
    const char *word = command + strlen(command) + 1;
    if (ppid != (long)parent || state == 'Z' || strcmp(word, "city") != 0)
        return false;
    return name == NULL || strcmp(word + strlen(word) + 1, name) == 0;
}

static unsigned find_cities(pid_t parent, const char *name, pid_t *last)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc");
    assert_non_null(directory);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] < '0' || entry->d_name[0] > '9' ||
            !is_city(entry->d_name, parent, name))
            continue;
        *last = (pid_t)strtol(entry->d_name, NULL, 10);
        count++;
    }
    (void)closedir(directory);
    return count;
}

pid_t run_city(const struct run *run, const char *name)
{
    pid_t pid = 0;
    (void)find_cities(run->pid, name, &pid);
    return pid;
}

unsigned run_cities(const struct run *run)
{
    pid_t pid;
    return find_cities(run->pid, NULL, &pid);
}

void run_gone(pid_t pid)
{
    struct timespec pause = {0, 2000000};
    double deadline = seconds() + RUN_WAIT_S;
    while (kill(pid, 0) == 0) {
        if (seconds() > deadline)
            fail_msg("process %ld is still there", (long)pid);
        (void)nanosleep(&pause, NULL);
    }
}

/* A strict reader of JSON, which only says where a value ends. NULL: it is none. */
static const char *skip_value(const char *at, int depth);

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \n\r\t");
}

static const char *skip_string(const char *at)
{
    if (at == NULL || *at != '"')
        return NULL;
    for (at++; *at != '"'; at++) {
        if ((unsigned char)*at < ' ')
            return NULL;
        if (*at == '\\' && *++at == '\0')
            return NULL;
    }
    return at + 1;
}

static const char *skip_members(const char *at, char close, bool keys, int depth)
{
    at = skip_space(at + 1);
    if (*at == close)
        return at + 1;
    for (;;) {
        if (keys) {
            at = skip_string(at);
            at = at == NULL ? NULL : skip_space(at);
            if (at == NULL || *at != ':')
                return NULL;
            at = skip_space(at + 1);
        }
        at = skip_value(at, depth + 1);
        at = at == NULL ? NULL : skip_space(at);
        if (at == NULL)
            return NULL;
        if (*at == close)
            return at + 1;
        if (*at != ',')
            return NULL;
        at = skip_space(at + 1);
    }
}

static const char *skip_value(const char *at, int depth)
{
    static const char *const words[] = {"true", "false", "null"};
    if (depth > 16)
        return NULL;
    if (*at == '{' || *at == '[')
        return skip_members(at, *at == '{' ? '}' : ']', *at == '{', depth);
    if (*at == '"')
        return skip_string(at);
    for (size_t i = 0; i < 3; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    }
    char *end;
    (void)strtod(at, &end);
    return end == at || *at == '+' || *at == '.' ? NULL : end;
}

const char *result_read(const char *path)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const char *end = skip_value(text, 0);
    assert_non_null(end);
    assert_int_equal(*skip_space(end), '\0');
    return text;
}

/* Keys of the outermost object stand at two spaces. */
static const char *find_key(const char *text, const char *key)
{
    char needle[64];
    (void)snprintf(needle, sizeof needle, "\n  \"%s\": ", key);
    const char *found = strstr(text, needle);
    if (found == NULL)
        fail_msg("no \"%s\" in %s", key, text);
    return found + strlen(needle);
}

double result_number(const char *text, const char *key)
{
    const char *value = find_key(text, key);
    if (strncmp(value, "true", 4) == 0)
        return 1;
    if (strncmp(value, "false", 5) == 0)
        return 0;
    char *end;
    double number = strtod(value, &end);
    assert_ptr_not_equal(end, value);
    return number;
}

void result_assert_clean(const char *text)
{
    static const char *const zero[] = {
        "lost_acknowledged", "resurrected",   "counter_errors", "reused_dots", "unjournaled",
        "unexplained",       "disagreements", "silent",         "torn_lines",  "errors",
        "digest_breaches",   "crashes",       "stuck",
    };
    for (size_t i = 0; i < sizeof zero / sizeof zero[0]; i++) {
        if (result_number(text, zero[i]) != 0)
            fail_msg("%s is not 0 in %s", zero[i], text);
    }
    assert_true(result_number(text, "converged") == 1);
    assert_true(result_number(text, "holds") == 1);
}

unsigned result_length(const char *text, const char *key)
{
    const char *at = find_key(text, key);
    unsigned count = 0;
    assert_int_equal(*at, '[');
    at = skip_space(at + 1);
    while (*at != ']') {
        assert_true(strncmp(at, "null", 4) != 0);
        at = skip_space(skip_value(at, 0));
        count++;
        if (*at == ',')
            at = skip_space(at + 1);
    }
    return count;
}
