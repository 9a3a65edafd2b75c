/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of one city: a town, and two pipes to the parent. All of it but the node's own threads
 * runs in one loop, which waits for a line, for news, or for time to pass.
 */
#define _GNU_SOURCE 1 /* PR_SET_PDEATHSIG */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cli/cli.h"
#include "node/node.h"
#include "sim/city/town.h"

static enum holm_status open_town(struct holm_town *town, char **argv)
{
    struct holm_node *node;
    holm_town_init(town, (struct holm_scribe_target){.fd = STDOUT_FILENO});
    struct holm_config config = holm_town_config(town);
    config.name = argv[HOLM_CITY_NAME];
    config.listen = argv[HOLM_CITY_LISTEN];
    config.seeds = argv[HOLM_CITY_SEEDS][0] == '\0' ? NULL : argv[HOLM_CITY_SEEDS];
    config.log_bytes_max = strtoul(argv[HOLM_CITY_LOG], NULL, 10) * 1024;
    enum holm_status status = holm_open(&config, &node);
    /* A port that a former life had may be someone else's by now; another one does as well. */
    if (status == HOLM_EADDRESS && strncmp(config.listen, "tcp:", 4) == 0) {
        config.listen = "tcp://127.0.0.1:0";
        status = holm_open(&config, &node);
    }
    if (status == HOLM_OK)
        status = holm_town_open(town, node, config.name, strtoull(argv[HOLM_CITY_SEED], NULL, 10),
                                strtoull(argv[HOLM_CITY_BEAT], NULL, 10));
    return status;
}

static void read_input(struct holm_town *town)
{
    size_t room;
    char *line = holm_town_room(town, &room);
    ssize_t count = read(STDIN_FILENO, line, room);
    if (count > 0)
        holm_town_hear(town, (size_t)count);
    else if (count == 0 || errno != EINTR)
        town->quit = true; /* the parent is gone */
}

/* Milliseconds to wait, rounded up: 0 when the time has come. */
static int timeout_ms(uint64_t due_us, uint64_t monotonic_us)
{
    if (due_us <= monotonic_us)
        return 0;
    uint64_t wait_ms = (due_us - monotonic_us + 999) / 1000;
    return wait_ms < 1000 ? (int)wait_ms : 1000;
}

/* Waits, and takes what has come. */
static void wait_for_something(struct holm_town *town, uint64_t due_us)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = holm_watch_fd(town->port.watch), .events = POLLIN}};
    size_t room;
    (void)holm_town_room(town, &room);
    if (room == 0)
        fds[0].fd = -1;
    int ready = poll(fds, 2, timeout_ms(due_us, holm_node_now(town->node).monotonic_us));
    if (ready <= 0)
        return;
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        read_input(town);
    if (fds[1].revents != 0)
        town->news = true;
}

static void live(struct holm_town *town)
{
    uint64_t due_us = 0;
    while (!town->quit && !town->scribe.failed) {
        wait_for_something(town, due_us);
        due_us = holm_town_step(town);
        if (town->actor.dead)
            (void)raise(SIGKILL);
    }
}

int holm_cli_city(int argc, char **argv)
{
    if (argc != HOLM_CITY_ARGUMENTS) {
        (void)fputs("holm: `city` is started by `holm sim`, not by hand\n", stderr);
        return HOLM_EXIT_USAGE;
    }
    /* Asked again after: the parent may have died before the signal was armed. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 ||
        getppid() != (pid_t)strtol(argv[HOLM_CITY_PARENT], NULL, 10))
        return HOLM_EXIT_ERROR;
    /* For top and pkill: all cities run one and the same program. */
    char title[16];
    (void)snprintf(title, sizeof title, "holm:%s", argv[HOLM_CITY_NAME]);
    (void)prctl(PR_SET_NAME, title);
    (void)signal(SIGPIPE, SIG_IGN);
    static struct holm_town town;
    enum holm_status status = open_town(&town, argv);
    if (status != HOLM_OK) {
        holm_town_complain(&town, "cannot start", status);
        return HOLM_EXIT_ERROR;
    }
    live(&town);
    holm_town_close(&town);
    return HOLM_EXIT_OK;
}
