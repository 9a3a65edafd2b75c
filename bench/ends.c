/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1 /* MAP_ANONYMOUS, nftw */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/ends.h"
#include "bench/ends_redis.h"

#define GROUP_S_MAX 180u
#define ALL_S_MAX 720u

static char directory[] = "/tmp/holm-ends-XXXXXX"; /* stores, and what nodes complain of */

static int forget_file(const char *path, const struct stat *status, int type, struct FTW *at)
{
    (void)status, (void)type, (void)at;
    return remove(path);
}

void ends_forget(const char *path)
{
    (void)nftw(path, forget_file, 8, FTW_DEPTH | FTW_PHYS);
}

/* What a group does in the child. Nodes and servers that it has started die with it. */
_Noreturn static void play(struct report *report, void (*group)(struct report *), unsigned left_s)
{
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    measure_require(chdir(directory) == 0, "a group's directory");
    (void)alarm(left_s < GROUP_S_MAX ? left_s : GROUP_S_MAX);
    group(report);
    exit(EXIT_SUCCESS);
}

/* Each group in a process of its own, so that one in which something is amiss, or that does not come to an end, costs
 * its own rows and no others. The report is shared: the next group goes on where this one has ended. */
static void measure_apart(struct report *report, void (*group)(struct report *), uint64_t begun_ns)
{
    int status = 0;
    unsigned took_s = (unsigned)((measure_now_ns() - begun_ns) / 1000000000u);
    if (took_s >= ALL_S_MAX) {
        report_fail(report, "no time is left for what follows");
        return;
    }
    (void)memcpy(directory + sizeof directory - 7, "XXXXXX", 6);
    measure_require(mkdtemp(directory) != NULL, "a directory");
    (void)fflush(NULL); /* or both processes write it */
    pid_t pid = fork();
    measure_require(pid >= 0, "a process for a group");
    if (pid == 0)
        play(report, group, ALL_S_MAX - took_s);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    ends_forget(directory);
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
        report_fail(report, "this group took too long: what is missing was not measured");
    else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        report_fail(report, "this group failed: what is missing was not measured");
}

int main(int argc, char **argv)
{
    static void (*const groups[])(struct report *) = {
        ends_writes_one, ends_writes_three, ends_writes_eight, ends_visible, ends_split,
        ends_join,       ends_million,      ends_missed,       ends_idle,    ends_fifty,
    };
    uint64_t begun_ns = measure_now_ns();
    if (argc == 5 && strcmp(argv[1], ENDS_NODE_OPTION) == 0)
        return ends_node_main(argv + 2);
    struct report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    measure_require(report != MAP_FAILED, "there is memory");
    report_open(report, "ends", argc, argv);
    if (!ends_redis_there())
        report_note(report, "redis-tools is not installed: no rows of Redis");
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        measure_apart(report, groups[i], begun_ns);
    return report_close(report);
}
