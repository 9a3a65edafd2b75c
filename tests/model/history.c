/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random histories against the reference, each drawn from a seed.
 *
 *     HOLM_MODEL_SEED=n       plays that one history here, and tells every event
 *     HOLM_MODEL_SEEDS=a..b   plays these
 *     HOLM_MODEL_BRIEF=1      makes no story of a failure
 *     HOLM_SOAK=1             plays 1..100000, or HOLM_SOAK_SEEDS=a..b, on HOLM_SOAK_JOBS=2 processes
 *
 * A history that fails is made short, and told as a story.
 */
#include "tests/model/shrink.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 16
#define SLICE_SEEDS 15000

/* Shared between the processes. */
struct job {
    uint64_t seed; /* being played */
    uint64_t histories;
    struct script_outcome sum;
    uint64_t slowest_us, slowest_seed;
};

static struct script script;

static void play_range(struct job *job, uint64_t first, uint64_t last, uint64_t stride)
{
    for (uint64_t seed = first; seed <= last; seed += stride) {
        job->seed = seed;
        script_draw(&script, seed);
        struct script_outcome outcome = script_play(&script, false);
        job->histories++;
        job->sum.operations += outcome.operations;
        job->sum.lives += outcome.lives;
        job->sum.syncs += outcome.syncs;
        job->sum.takeovers += outcome.takeovers;
        job->sum.pulls += outcome.pulls;
        job->sum.too_old += outcome.too_old;
        job->sum.held_dropped += outcome.held_dropped;
        job->sum.collections += outcome.collections;
        job->sum.folds += outcome.folds;
        job->sum.ghosts += outcome.ghosts;
        job->sum.revived += outcome.revived;
        if (outcome.converged_us > job->slowest_us) {
            job->slowest_us = outcome.converged_us;
            job->slowest_seed = seed;
        }
    }
}

static int tell_failure(uint64_t seed)
{
    printf("\nHistory %" PRIu64 " fails. To replay it: HOLM_MODEL_SEED=%" PRIu64 " %s\n", seed,
           seed, "test_model_history");
    if (getenv("HOLM_MODEL_BRIEF") != NULL)
        return 1;
    script_draw(&script, seed);
    if (shrink_plays(&script)) {
        printf("It does not fail alone.\n");
        return 1;
    }
    shrink_script(&script);
    printf("A short story that fails:\n");
    script_print(&script);
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        (void)dup2(1, 2);
        (void)script_play(&script, true);
        _exit(0);
    }
    (void)waitpid(child, NULL, 0);
    return 1;
}

static uint64_t number(const char *text, uint64_t otherwise)
{
    return text == NULL || *text == 0 ? otherwise : strtoull(text, NULL, 10);
}

static void read_range(const char *text, uint64_t *first, uint64_t *last)
{
    if (text == NULL)
        return;
    *first = number(text, *first);
    const char *dots = strstr(text, "..");
    *last = dots == NULL ? *first : number(dots + 2, *last);
}

static bool print_sums(const struct job *jobs, uint64_t job_count, double seconds)
{
    struct job all = {0};
    for (uint64_t i = 0; i < job_count; i++) {
        all.histories += jobs[i].histories;
        all.sum.operations += jobs[i].sum.operations;
        all.sum.lives += jobs[i].sum.lives;
        all.sum.syncs += jobs[i].sum.syncs;
        all.sum.takeovers += jobs[i].sum.takeovers;
        all.sum.pulls += jobs[i].sum.pulls;
        all.sum.too_old += jobs[i].sum.too_old;
        all.sum.held_dropped += jobs[i].sum.held_dropped;
        all.sum.collections += jobs[i].sum.collections;
        all.sum.folds += jobs[i].sum.folds;
        all.sum.ghosts += jobs[i].sum.ghosts;
        all.sum.revived += jobs[i].sum.revived;
        if (jobs[i].slowest_us > all.slowest_us) {
            all.slowest_us = jobs[i].slowest_us;
            all.slowest_seed = jobs[i].slowest_seed;
        }
    }
    printf("%" PRIu64 " histories in %.1f s: %" PRIu64 " operations by %" PRIu64
           " replicas, %" PRIu64 " pulls (%" PRIu64 " too old), %" PRIu64 " syncs (%" PRIu64
           " taken over), %" PRIu64 " held runs dropped; %" PRIu64 " collections, %" PRIu64
           " epochs folded, %" PRIu64 " ghosts dropped, %" PRIu64
           " buried keys written again; slowest to converge: %.0f s virtual (seed %" PRIu64 ")\n",
           all.histories, seconds, all.sum.operations, all.sum.lives, all.sum.pulls,
           all.sum.too_old, all.sum.syncs, all.sum.takeovers, all.sum.held_dropped,
           all.sum.collections, all.sum.folds, all.sum.ghosts, all.sum.revived,
           (double)all.slowest_us / 1e6, all.slowest_seed);
    return all.histories < 1000 ||
           (all.sum.collections > all.histories / 10 && all.sum.folds > all.histories / 10 &&
            all.sum.ghosts > all.histories / 100 && all.sum.revived > all.histories / 10);
}

/* Plays all seeds on some processes, and returns what the program does. */
static int play_all(uint64_t first, uint64_t last, uint64_t job_count)
{
    struct timespec from, to;
    pid_t processes[JOBS_MAX];
    struct job *jobs = mmap(NULL, JOBS_MAX * sizeof *jobs, PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (jobs == MAP_FAILED)
        return 1;
    printf("histories of seeds %" PRIu64 " to %" PRIu64 ", on %" PRIu64 " processes\n", first, last,
           job_count);
    fflush(NULL);
    (void)clock_gettime(CLOCK_MONOTONIC, &from);
    for (uint64_t i = 0; i < job_count; i++) {
        processes[i] = fork();
        if (processes[i] == 0) {
            play_range(&jobs[i], first + i, last, job_count);
            _exit(0);
        }
        if (processes[i] < 0)
            return 1;
    }
    int result = 0;
    for (uint64_t i = 0; i < job_count; i++) {
        int status = 0;
        if (waitpid(processes[i], &status, 0) != processes[i] || status != 0)
            result = tell_failure(jobs[i].seed);
    }
    (void)clock_gettime(CLOCK_MONOTONIC, &to);
    bool enough = print_sums(jobs, job_count,
                             (double)(to.tv_sec - from.tv_sec) +
                                 (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    if (result == 0 && !enough)
        printf("So few collections show nothing.\n");
    return result == 0 && !enough ? 1 : result;
}

int main(void)
{
    const char *one = getenv("HOLM_MODEL_SEED");
    if (one != NULL) {
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        script_draw(&script, number(one, 1));
        script_print(&script);
        (void)script_play(&script, true);
        return 0;
    }
    bool soak = getenv("HOLM_SOAK") != NULL;
    uint64_t first = 1, last = soak ? 100000 : SLICE_SEEDS;
    read_range(getenv(soak ? "HOLM_SOAK_SEEDS" : "HOLM_MODEL_SEEDS"), &first, &last);
    uint64_t job_count = number(getenv("HOLM_SOAK_JOBS"), soak ? 2 : 1);
    return play_all(first, last, job_count < 1 ? 1 : job_count > JOBS_MAX ? JOBS_MAX : job_count);
}
