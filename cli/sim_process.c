/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cities as processes.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/sim.h"

/* Where it is to listen in its first life, and where its stderr goes. */
static void find_places(const struct holm_sim *sim, struct holm_sim_city *city)
{
    if (city->listen[0] == '\0' && sim->options->tcp)
        (void)snprintf(city->listen, sizeof city->listen, "tcp://127.0.0.1:0");
    else if (city->listen[0] == '\0')
        (void)snprintf(city->listen, sizeof city->listen, "ipc://%s/%s", sim->workdir.path,
                       city->name);
    (void)snprintf(city->errors_path, sizeof city->errors_path, "%s/%s.err", sim->workdir.path,
                   city->name);
    if (!sim->options->tcp)
        (void)unlink(city->listen + sizeof "ipc://" - 1);
}

static bool start(struct holm_sim *sim, struct holm_sim_city *city,
                  const struct holm_sim_start *start)
{
    char program[] = "holm";
    char word[] = "city";
    char name[32];
    char seed_text[24];
    char beat_text[24];
    char log_text[24];
    char parent_text[24];
    char seeds[HOLM_STORY_CITIES_MAX * (HOLM_JOURNAL_ADDRESS_BYTES_MAX + 1)];
    find_places(sim, city);
    (void)snprintf(name, sizeof name, "%s", city->name);
    (void)snprintf(seed_text, sizeof seed_text, "%" PRIu64, start->seed);
    (void)snprintf(beat_text, sizeof beat_text, "%" PRIu64, start->beat_us);
    (void)snprintf(log_text, sizeof log_text, "%" PRIu32, sim->options->log_kib);
    (void)snprintf(parent_text, sizeof parent_text, "%ld", (long)getpid());
    (void)snprintf(seeds, sizeof seeds, "%s", start->seeds);
    char *const argv[] = {program,      word,  name,     seed_text,   beat_text,
                          city->listen, seeds, log_text, parent_text, NULL};
    if (holm_process_spawn(&city->process, "/proc/self/exe", argv, city->errors_path) == HOLM_OK)
        return true;
    holm_sim_fail(sim, "cannot start a process: %s", strerror(errno));
    return false;
}

static enum holm_status send_line(struct holm_sim_city *city, const char *line)
{
    return holm_process_send(&city->process, line);
}

static bool read_lines(struct holm_sim_city *city, holm_process_line *take, void *context)
{
    return holm_process_read(&city->process, take, context);
}

static void kill_city(struct holm_sim_city *city)
{
    (void)kill(city->process.pid, SIGKILL);
}

static struct holm_sim_city *reap(struct holm_sim *sim, int *status)
{
    pid_t pid;
    while ((pid = waitpid(-1, status, WNOHANG | WUNTRACED | WCONTINUED)) > 0)
        for (uint32_t i = 0; i < sim->count; i++)
            if (sim->cities[i].process.pid == pid && holm_sim_is_living(&sim->cities[i]))
                return &sim->cities[i];
    return NULL;
}

static size_t bury(struct holm_sim_city *city)
{
    size_t torn = city->process.torn;
    holm_process_close(&city->process);
    holm_process_init(&city->process);
    return torn;
}

/* After SIGKILL that takes no time worth telling. */
static void await_death(struct holm_sim_city *city)
{
    while (waitpid(city->process.pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

const struct holm_sim_ways holm_sim_process_ways = {
    .start = start,
    .send = send_line,
    .read = read_lines,
    .kill = kill_city,
    .reap = reap,
    .bury = bury,
    .await_death = await_death,
};
