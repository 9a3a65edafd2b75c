/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/world_run.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define JOBS_MAX 64
/* Of the processor's time, for one seed: a world never waits, and a busy machine is no hang. */
#define HANG_S 120        /* of CPU */
#define STANDSTILL_S 1800 /* of wall time: who waits for itself uses no CPU */

struct report {
    uint64_t seed;
    struct holm_play_result result;
};

struct job {
    pid_t child;
    int pipe;
    uint64_t next, step, last; /* the seed that the child is at */
    uint64_t end_ms;           /* no seed begins then or later; 0: it does not matter when */
    bool open;
    bool told; /* its script is, as it is played */
};

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool is_over(const struct job *job)
{
    return job->end_ms != 0 && now_ms() >= job->end_ms;
}

/* ---- the child ------------------------------------------------------------------------------ */

static int report_pipe;
static struct report report;

static void send_report(void)
{
    const char *bytes = (const char *)&report;
    for (size_t sent = 0; sent < sizeof report;) {
        ssize_t written = write(report_pipe, bytes + sent, sizeof report - sent);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            _exit(1);
        sent += (size_t)written;
    }
}

static void on_assert(const char *expression, const char *file, int line)
{
    report.result.verdict.broken = true;
    report.result.verdict.claim = "assert";
    report.result.verdict.node = HOLM_WORLD_NOBODY;
    (void)snprintf(report.result.verdict.why, sizeof report.result.verdict.why, "%s:%d: %s", file,
                   line, expression);
    (void)fflush(stdout);
    send_report();
    _exit(3);
}

/* SIGPROF or SIGALRM ends the process after so much; 0: not any more. */
static void limit_time(time_t seconds)
{
    const struct itimerval limit = {.it_value = {.tv_sec = seconds}};
    (void)setitimer(ITIMER_PROF, &limit, NULL);
    (void)alarm(seconds == 0 ? 0 : STANDSTILL_S);
}

static void play_one(const struct holm_plan *plan)
{
    struct holm_play_options options = {.trace = NULL};
    report.seed = plan->settings.seed;
    memset(&report.result, 0, sizeof report.result);
    limit_time(HANG_S);
    holm_play(plan, &options, &report.result);
    limit_time(0);
    send_report();
}

static void play_script(const struct holm_world_options *options, uint64_t seed, FILE *trace)
{
    struct holm_play_options played = {.trace = trace};
    report.seed = seed;
    memset(&report.result, 0, sizeof report.result);
    limit_time(HANG_S);
    holm_script_play(holm_scenario_act(options->scenario, seed), seed, &played, options->trace,
                     &report.result);
    limit_time(0);
    (void)fflush(stdout);
    send_report();
}

static void play_seeds(const struct holm_world_options *options, const struct job *job)
{
    for (uint64_t seed = job->next; seed <= job->last && !is_over(job); seed += job->step) {
        struct holm_plan plan;
        if (holm_world_options_script(options)) {
            play_script(options, seed, job->told ? stdout : NULL);
        } else {
            holm_world_options_draw(options, seed, &plan);
            play_one(&plan);
            holm_plan_release(&plan);
        }
        if (job->last - seed < job->step)
            break;
    }
}

/* ---- the parent ----------------------------------------------------------------------------- */

static volatile sig_atomic_t stopped_by;

static void on_signal(int signal_number)
{
    stopped_by = signal_number;
}

int holm_world_run_stopped(void)
{
    return stopped_by;
}

/* A terminal sends SIGINT to the children, too: they leave it to the parent to end them. */
static void listen(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
}

/* A child that plays one plan, or the seeds of a job. */
static bool begin(struct job *job, const struct holm_plan *plan,
                  const struct holm_world_options *options)
{
    int ends[2];
    if (pipe(ends) != 0)
        return false;
    (void)fflush(NULL);
    job->child = fork();
    if (job->child == 0) {
        (void)close(ends[0]);
        (void)signal(SIGINT, SIG_IGN);
        (void)signal(SIGTERM, SIG_DFL);
        report_pipe = ends[1];
        holm_assert_hook = on_assert;
        if (plan != NULL)
            play_one(plan);
        else
            play_seeds(options, job);
        _exit(0);
    }
    (void)close(ends[1]);
    job->pipe = ends[0];
    job->open = job->child > 0;
    if (!job->open)
        (void)close(ends[0]);
    return job->open;
}

/* Whole, or not at all. */
static bool receive(int pipe_end, struct report *received)
{
    char *bytes = (char *)received;
    for (size_t got = 0; got < sizeof *received;) {
        ssize_t taken = read(pipe_end, bytes + got, sizeof *received - got);
        if (taken < 0 && errno == EINTR)
            continue;
        if (taken <= 0)
            return false;
        got += (size_t)taken;
    }
    return true;
}

/* How the child ended. */
static int finish(struct job *job)
{
    int status = 0;
    (void)close(job->pipe);
    while (waitpid(job->child, &status, 0) < 0 && errno == EINTR)
        continue;
    job->open = false;
    return status;
}

static bool is_hang(int status)
{
    return WIFSIGNALED(status) && (WTERMSIG(status) == SIGPROF || WTERMSIG(status) == SIGALRM);
}

static void fill_death(struct holm_play_result *result, int status)
{
    memset(result, 0, sizeof *result);
    result->verdict.broken = true;
    result->verdict.node = HOLM_WORLD_NOBODY;
    result->verdict.claim = is_hang(status) ? "hang" : "crash";
    (void)snprintf(result->verdict.why, sizeof result->verdict.why, "the process ended with %s %d",
                   WIFSIGNALED(status) ? "signal" : "status",
                   WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static bool try(struct job job, const struct holm_plan *plan,
                const struct holm_world_options *options, struct holm_play_result *result)
{
    struct report received;
    if (!begin(&job, plan, options))
        return false;
    bool whole = receive(job.pipe, &received);
    int status = finish(&job);
    if (whole)
        *result = received.result;
    else
        fill_death(result, status);
    return true;
}

bool holm_world_try(const struct holm_plan *plan, struct holm_play_result *result)
{
    return try((struct job){.open = false}, plan, NULL, result);
}

bool holm_world_try_script(const struct holm_world_options *options, uint64_t seed,
                           struct holm_play_result *result)
{
    return try((struct job){.next = seed, .last = seed, .step = 1, .told = true}, NULL, options,
               result);
}

struct run {
    const struct holm_world_options *options;
    struct job jobs[JOBS_MAX];
    bool (*take)(void *context, uint64_t seed, const struct holm_play_result *result);
    void *context;
    bool refused; /* the system did */
};

/* One result of a job, or its end. A child that died is followed by another. False: the run ends here. */
static bool advance(struct run *run, struct job *job)
{
    struct report received;
    if (receive(job->pipe, &received)) {
        job->next = received.seed + job->step;
        return run->take(run->context, received.seed, &received.result);
    }
    int status = finish(job);
    uint64_t seed = job->next;
    bool asserted = WIFEXITED(status) && WEXITSTATUS(status) == 3;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (!asserted) {
        fill_death(&received.result, status);
        if (!run->take(run->context, seed, &received.result))
            return false;
        job->next += job->step;
    }
    if (job->next > job->last || job->next < seed || is_over(job))
        return true;
    run->refused = !begin(job, NULL, run->options);
    return !run->refused;
}

static size_t list_open(struct run *run, struct pollfd *fds, struct job **jobs)
{
    size_t count = 0;
    for (uint32_t i = 0; i < run->options->jobs; i++) {
        if (!run->jobs[i].open)
            continue;
        fds[count] = (struct pollfd){.fd = run->jobs[i].pipe, .events = POLLIN};
        jobs[count++] = &run->jobs[i];
    }
    return count;
}

static void end_all(struct run *run)
{
    for (uint32_t i = 0; i < run->options->jobs; i++) {
        if (!run->jobs[i].open)
            continue;
        (void)kill(run->jobs[i].child, SIGKILL);
        (void)finish(&run->jobs[i]);
    }
}

bool holm_world_run_seeds(const struct holm_world_options *options,
                          bool (*take)(void *context, uint64_t seed,
                                       const struct holm_play_result *result),
                          void *context)
{
    struct run run = {.options = options, .take = take, .context = context};
    bool going = true;
    uint64_t end_ms = options->seconds == 0 ? 0 : now_ms() + (uint64_t)options->seconds * 1000;
    listen();
    for (uint32_t i = 0; i < options->jobs; i++) {
        run.jobs[i] = (struct job){.next = options->first + i,
                                   .step = options->jobs,
                                   .last = options->last,
                                   .end_ms = end_ms};
        if (options->first + i <= options->last && !begin(&run.jobs[i], NULL, options)) {
            end_all(&run);
            return false;
        }
    }
    while (going && stopped_by == 0) {
        struct pollfd fds[JOBS_MAX];
        struct job *jobs[JOBS_MAX];
        size_t count = list_open(&run, fds, jobs);
        if (count == 0)
            break;
        int ready = poll(fds, (nfds_t)count, -1);
        if (ready < 0 && errno == EINTR)
            continue;
        run.refused = ready < 0;
        going = !run.refused;
        for (size_t i = 0; i < count && going; i++)
            if (fds[i].revents != 0)
                going = advance(&run, jobs[i]);
    }
    end_all(&run);
    return !run.refused;
}
