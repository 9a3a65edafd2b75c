/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1 /* pipe2 */
#include "tests/netns/member.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define WORDS_MAX 16

double member_now_s(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static _Noreturn void become(const struct rooms *rooms, uint32_t room, const int ends[2],
                             const char *const arguments[])
{
    char *words[WORDS_MAX + 1] = {NULL};
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)dup2(ends[0], STDIN_FILENO);
    (void)dup2(ends[1], STDOUT_FILENO);
    if (!rooms_enter(rooms, room))
        _exit(126);
    for (size_t i = 0; i < WORDS_MAX && arguments[i] != NULL; i++)
        words[i] = strdup(arguments[i]);
    (void)execv(words[0], words);
    _exit(127);
}

void member_start(struct member *member, const struct rooms *rooms, uint32_t room,
                  const char *const arguments[])
{
    int in[2], out[2];
    memset(member, 0, sizeof *member);
    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe2(in, O_CLOEXEC), 0);
    assert_int_equal(pipe2(out, O_CLOEXEC), 0);
    member->pid = fork();
    assert_true(member->pid >= 0);
    if (member->pid == 0)
        become(rooms, room, (const int[]){in[0], out[1]}, arguments);
    (void)close(in[0]);
    (void)close(out[1]);
    member->to = in[1];
    member->from = out[0];
}

void member_ask(struct member *member, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    assert_true(size > 0 && (size_t)size < sizeof line - 1);
    line[size++] = '\n';
    assert_int_equal(write(member->to, line, (size_t)size), size);
}

const char *member_answer(struct member *member, double patience_s)
{
    double deadline = member_now_s() + patience_s;
    memmove(member->text, member->text + member->taken, member->size - member->taken);
    member->size -= member->taken;
    for (;;) {
        char *end = memchr(member->text, '\n', member->size);
        if (end != NULL) {
            *end = '\0';
            member->taken = (size_t)(end - member->text) + 1;
            return member->text;
        }
        struct pollfd fd = {.fd = member->from, .events = POLLIN};
        double left = deadline - member_now_s();
        if (left <= 0 || poll(&fd, 1, (int)(left * 1000) + 1) == 0)
            fail_msg("no answer in %.1f s", patience_s);
        ssize_t count = read(member->from, member->text + member->size,
                             sizeof member->text - member->size);
        if (count <= 0)
            fail_msg("the program in its room has ended");
        member->size += (size_t)count;
    }
}

void member_kill(struct member *member)
{
    if (member->pid == 0)
        return;
    (void)kill(member->pid, SIGKILL);
    (void)waitpid(member->pid, NULL, 0);
    (void)close(member->to);
    (void)close(member->from);
    member->pid = 0;
}
