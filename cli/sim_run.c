/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/sim.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND_US UINT64_C(1000000)

static uint64_t monotonic_us(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * SECOND_US + (uint64_t)time.tv_nsec / 1000;
}
static void take_signals(struct holm_sim *sim)
{
    struct signalfd_siginfo info;
    while (read(sim->signal_fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo == SIGWINCH)
            holm_screen_measure(&sim->screen);
        else if (info.ssi_signo != SIGCHLD)
            sim->ended_by = (int)info.ssi_signo;
    }
}

int holm_sim_patience_ms(const struct holm_sim *sim)
{
    if (sim->phase != HOLM_SIM_STORY)
        return 10;
    if (sim->next_event == sim->story.count)
        return 50;
    uint64_t next_us = sim->story.events[sim->next_event].at_us;
    uint64_t left_us = next_us > sim->story_us ? next_us - sim->story_us : 0;
    return left_us < 50000 ? (int)(left_us / 1000) + 1 : 50;
}

static void wait_for_something(struct holm_sim *sim)
{
    struct pollfd fds[1 + 2 * HOLM_STORY_CITIES_MAX];
    nfds_t count = 0;
    fds[count++] = (struct pollfd){.fd = sim->signal_fd, .events = POLLIN};
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct holm_process *process = &sim->cities[i].process;
        bool waiting = holm_process_waiting(process);
        fds[count++] = (struct pollfd){.fd = process->journal_fd, .events = POLLIN};
        fds[count++] = (struct pollfd){.fd = waiting ? process->control_fd : -1, .events = POLLOUT};
    }
    int ready = poll(fds, count, holm_sim_patience_ms(sim));
    sim->now_us = monotonic_us();
    if (ready <= 0)
        return;
    for (uint32_t i = 0; i < sim->count; i++) {
        if (fds[1 + 2 * i].revents != 0)
            (void)holm_sim_fleet_read(sim, &sim->cities[i]);
        if (fds[2 + 2 * i].revents != 0)
            holm_process_flush(&sim->cities[i].process);
    }
    if (fds[0].revents != 0)
        take_signals(sim);
}

static void sample(struct holm_sim *sim)
{
    if (sim->now_us - sim->sampled_us < SECOND_US / 2)
        return;
    sim->sampled_us = sim->now_us;
    holm_sim_fleet_sample(sim);
}

static bool listen_to_signals(struct holm_sim *sim)
{
    static const int signals[] = {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        (void)sigaddset(&set, signals[i]);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
        return false;
    sim->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return sim->signal_fd >= 0;
}

static bool must_stop(struct holm_sim *sim)
{
    if (holm_screen_broken(&sim->screen))
        holm_sim_fail(sim, "nobody reads the output any more");
    return sim->failed || sim->ended_by != 0 || sim->phase == HOLM_SIM_DONE;
}

bool holm_sim_prepare(struct holm_sim *sim)
{
    sim->signal_fd = -1;
    sim->started_us = sim->now_us = monotonic_us();
    sim->phase = HOLM_SIM_GATHER;
    sim->phase_us = sim->now_us;
    if (!listen_to_signals(sim))
        holm_sim_fail(sim, "cannot listen to signals: %s", strerror(errno));
    return !sim->failed;
}

bool holm_sim_run(struct holm_sim *sim)
{
    (void)holm_sim_fleet_start(sim);
    while (!must_stop(sim)) {
        if (sim->ways->wait != NULL)
            sim->ways->wait(sim);
        else
            wait_for_something(sim);
        holm_sim_fleet_reap(sim);
        holm_sim_advance(sim);
        sample(sim);
        holm_sim_draw(sim);
    }
    holm_sim_fleet_end(sim);
    if (sim->signal_fd >= 0)
        (void)close(sim->signal_fd);
    return !sim->failed && sim->ended_by == 0;
}
