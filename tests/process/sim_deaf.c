/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A city that lives and reads nothing: its supervisor, made by hand around a process that only waits.
 * From outside that takes hours of the story, for megabytes of lines are queued before anybody is
 * called deaf.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/sim.h"

static struct holm_sim sim;

/* One city, once too often restarted already: what dies stays dead. */
static struct holm_sim_city *make_city(void)
{
    char waiter[] = "sleep";
    char long_time[] = "600";
    char *const argv[] = {waiter, long_time, NULL};
    struct holm_sim_city *city = &sim.cities[0];
    sim.count = 1;
    sim.ways = &holm_sim_process_ways;
    sim.phase = HOLM_SIM_STORY;
    sim.screen.terminal = true; /* events are kept, and written nowhere */
    city->name = "oslo";
    city->state = HOLM_SIM_UP;
    city->supervised.given_up = true;
    holm_ledger_init(&sim.ledger);
    assert_int_equal(holm_ledger_begin(&sim.ledger, 0, &city->life), HOLM_OK);
    assert_int_equal(holm_process_spawn(&city->process, "/bin/sleep", argv, "/dev/null"), HOLM_OK);
    return city;
}

/* Reaps until the city's death was told; a process that was sent SIGKILL is gone soon. */
static void wait_for_death(const struct holm_sim_city *city)
{
    siginfo_t info;
    pid_t pid = city->process.pid;
    while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) != 0)
        assert_int_equal(errno, EINTR);
    holm_sim_fleet_reap(&sim);
    assert_int_equal(city->state, HOLM_SIM_GIVEN_UP);
}

static bool was_told(const char *words)
{
    for (size_t i = 0; i < sim.event_count; i++) {
        if (strstr(sim.events[i].text, words) != NULL)
            return true;
    }
    return false;
}

static void test_sim_when_a_city_reads_nothing_then_is_killed_and_called_deaf(void **state)
{
    (void)state;
    struct holm_sim_city *city = make_city();
    for (int i = 0; i < 1000000 && !city->deaf; i++)
        holm_sim_send_text(&sim, city, HOLM_CONTROL_CUT,
                           "a-name-as-long-as-names-of-cities-may-be-so-that-the-queue-fills-soon");
    assert_true(city->deaf);
    wait_for_death(city);
    struct holm_sim_totals totals;
    holm_sim_total(&sim, &totals);
    assert_int_equal(totals.deaf_deaths, 1);
    assert_int_equal(totals.killed, 0);
    assert_true(was_told("oslo was killed: it has not read for too long what it is told"));
    assert_false(was_told("from outside"));
    holm_sim_fleet_end(&sim);
    holm_ledger_release(&sim.ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim_when_a_city_reads_nothing_then_is_killed_and_called_deaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
