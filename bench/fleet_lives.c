/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "bench/fleet_parts.h"
#include "bench/measure.h"

void fleet_reap(struct fleet *fleet, struct ship *ship)
{
    struct rusage usage;
    int status;
    while (wait4(ship->process.pid, &status, 0, &usage) < 0 && errno == EINTR)
        continue;
    uint64_t cpu_us = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
                      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
    uint64_t memory = (uint64_t)usage.ru_maxrss * 1024;
    fleet->figures->cpu_us += cpu_us;
    if (memory > fleet->figures->memory_max)
        fleet->figures->memory_max = memory;
    holm_process_close(&ship->process);
    holm_process_init(&ship->process);
    holm_bench_ledger_end(&fleet->ledger, (uint32_t)(ship - fleet->ships));
    ship->alive = false;
}

void fleet_start(struct fleet *fleet, uint32_t node)
{
    struct ship *ship = &fleet->ships[node];
    char program[] = "holm", word[] = "bench-node", dice[24], seeds[4096] = "", store[64] = "";
    for (uint32_t i = 0; i < fleet->count; i++) {
        size_t used = strlen(seeds);
        if (i != node && fleet->ships[i].alive && fleet->ships[i].address[0] != '\0')
            (void)snprintf(seeds + used, sizeof seeds - used, "%s%s", used == 0 ? "" : ",",
                           fleet->ships[i].address);
    }
    while (fleet->count <= node)
        holm_process_init(&fleet->ships[fleet->count++].process);
    *ship = (struct ship){.process = ship->process};
    (void)snprintf(ship->name, sizeof ship->name, "n%" PRIu32, node);
    (void)snprintf(dice, sizeof dice, "%" PRIu64, fleet->trial->seed * 1000 + node);
    if (fleet->disks[0] != '\0')
        (void)snprintf(store, sizeof store, "%s/%s", fleet->disks, ship->name);
    char *const argv[] = {program, word, ship->name, seeds, dice, store, NULL};
    if (holm_process_spawn(&ship->process, "/proc/self/exe", argv, fleet->errors) != HOLM_OK) {
        (void)fprintf(stderr, "holm bench: cannot start a process: %s\n", strerror(errno));
        fleet->failed = true;
        return;
    }
    ship->alive = true;
    /* In the midst of the story it is of it at once: all that is written from now on. */
    uint64_t now_ns = measure_now_ns();
    for (uint32_t i = 0; i < fleet->count && fleet->begin_ns > 0; i++) {
        fleet_tell(fleet, ship, "since n%" PRIu32 " %" PRIu64, i, now_ns);
        fleet_tell(fleet, &fleet->ships[i], "since %s %" PRIu64, ship->name, now_ns);
    }
}

void fleet_end(struct fleet *fleet, struct ship *ship, bool kindly)
{
    if (!ship->alive)
        return;
    if (kindly) {
        fleet_tell(fleet, ship, "quit");
        while (holm_process_waiting(&ship->process))
            holm_process_flush(&ship->process);
    } else {
        (void)kill(ship->process.pid, SIGKILL);
    }
    /* Of one that was killed, what it had said before is still in the pipe. */
    fleet->reading = ship;
    while (holm_process_read(&ship->process, fleet_take_line, fleet)) {
        struct pollfd ready = {.fd = ship->process.journal_fd, .events = POLLIN};
        (void)poll(&ready, 1, 1000);
    }
    fleet_reap(fleet, ship);
}
