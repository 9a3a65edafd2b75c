/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ends_team.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/ends.h"

#define PATIENCE_MS 120000
#define LINE_BYTES 256

/* ---- what they complain of ------------------------------------------------------------------- */

static const char errors[] = "errors"; /* stderr of them all, in the directory of the group */

/* Shows what the processes have said, and ends. */
_Noreturn static void give_up(const char *why)
{
    char line[512];
    FILE *file = fopen(errors, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        (void)fputs(line, stderr);
    measure_fail(why);
}

/* ---- lines ---------------------------------------------------------------------------------- */

void team_tell(struct team *team, size_t member, const char *format, ...)
{
    char line[LINE_BYTES];
    va_list list;
    struct team_member *told = &team->members[member];
    va_start(list, format);
    (void)vsnprintf(line, sizeof line, format, list);
    va_end(list);
    told->answered = false;
    measure_must(holm_process_send(&told->process, line), "a command for a node");
    while (holm_process_waiting(&told->process))
        holm_process_flush(&told->process);
}

static void take(void *context, const char *line, size_t size)
{
    struct team_member *member = context;
    measure_require(!member->answered && size < sizeof member->answer, "one answer a command");
    memcpy(member->answer, line, size);
    member->answer[size] = '\0';
    member->answered = true;
}

static void await(struct team_member *member)
{
    while (!member->answered) {
        struct pollfd ready = {.fd = member->process.journal_fd, .events = POLLIN};
        if (poll(&ready, 1, PATIENCE_MS) != 1)
            give_up("a node answers within two minutes");
        if (!holm_process_read(&member->process, take, member) && !member->answered)
            give_up("a node lives");
    }
}

void team_answer(struct team *team, size_t member, uint64_t *numbers, size_t count)
{
    struct team_member *asked = &team->members[member];
    await(asked);
    measure_require(asked->answer[0] == '=', asked->answer);
    char *rest = asked->answer + 1;
    for (size_t i = 0; i < count; i++) {
        char *end;
        numbers[i] = strtoull(rest, &end, 10);
        measure_require(end != rest, "an answer has its numbers");
        rest = end;
    }
}

void team_ask(struct team *team, size_t member, const char *line, uint64_t *numbers, size_t count)
{
    team_tell(team, member, "%s", line);
    team_answer(team, member, numbers, count);
}

uint64_t team_last(struct team *team, const char *line)
{
    uint64_t last = 0;
    for (size_t i = 0; i < team->count; i++) {
        if (team->members[i].process.pid != 0)
            team_tell(team, i, "%s", line);
    }
    for (size_t i = 0; i < team->count; i++) {
        uint64_t when = 0;
        if (team->members[i].process.pid == 0)
            continue;
        team_answer(team, i, &when, 1);
        last = when > last ? when : last;
    }
    return last;
}

/* ---- lives ---------------------------------------------------------------------------------- */

size_t team_add(struct team *team, const char *name, const char *store)
{
    char program[] = "bench_ends", option[] = ENDS_NODE_OPTION;
    char own[16], seed[128] = "", kept[128];
    measure_require(team->count < TEAM_MAX, "there is room for one more node");
    struct team_member *member = &team->members[team->count];
    (void)snprintf(own, sizeof own, "n%zu", team->count);
    (void)snprintf(kept, sizeof kept, "%s", store);
    if (team->count > 0)
        (void)snprintf(seed, sizeof seed, "%s", team->members[0].address);
    char called[64];
    (void)snprintf(called, sizeof called, "%s", name != NULL ? name : own);
    char *const argv[] = {program, option, called, seed, kept, NULL};
    *member = (struct team_member){.started_ns = measure_now_ns()};
    holm_process_init(&member->process);
    measure_must(holm_process_spawn(&member->process, "/proc/self/exe", argv, errors), "a process");
    await(member);
    measure_require(sscanf(member->answer, "= %127s", member->address) == 1, "a node's address");
    return team->count++;
}

static size_t living(const struct team *team)
{
    size_t count = 0;
    for (size_t i = 0; i < team->count; i++)
        count += team->members[i].process.pid != 0;
    return count;
}

void team_wait_met(struct team *team)
{
    char line[32];
    (void)snprintf(line, sizeof line, "peers %zu", living(team) - 1);
    (void)team_last(team, line);
}

void team_open(struct team *team, size_t count)
{
    *team = (struct team){.count = 0};
    for (size_t i = 0; i < count; i++)
        (void)team_add(team, NULL, "");
    team_wait_met(team);
}

void team_end(struct team *team, size_t member)
{
    struct team_member *ending = &team->members[member];
    pid_t pid = ending->process.pid;
    int status = 0;
    if (pid == 0)
        return;
    holm_process_close(&ending->process);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    ending->process.pid = 0;
    measure_require(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a node ends well");
}

void team_close(struct team *team)
{
    for (size_t i = team->count; i > 0; i--)
        team_end(team, i - 1);
    team->count = 0;
}

/* ---- contents ------------------------------------------------------------------------------- */

void team_check(struct team *team, size_t records, size_t member, size_t keys)
{
    uint64_t first[2] = {0}, right = 0;
    char line[64];
    bool known = false;
    (void)snprintf(line, sizeof line, "equal %zu", records);
    for (size_t i = 0; i < team->count; i++) {
        uint64_t theirs[2];
        if (team->members[i].process.pid == 0)
            continue;
        team_ask(team, i, line, theirs, 2);
        measure_require(!known || memcmp(first, theirs, sizeof first) == 0,
                        "all nodes hold the same");
        memcpy(first, theirs, sizeof first);
        known = true;
    }
    (void)snprintf(line, sizeof line, "check 0 %zu", keys);
    team_ask(team, member, line, &right, 1);
    measure_require(right == keys, "every key has its number");
}
