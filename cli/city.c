/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of one city: a node, an actor on it, and two pipes to the parent. All of it but the
 * node's own threads runs in one loop, which waits for a line, for news, or for time to pass.
 */
#define _GNU_SOURCE 1 /* PR_SET_PDEATHSIG */
#include <errno.h>
#include <holm/fault.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "node/witness.h"
#include "sim/city/control.h"
#include "sim/city/node_port.h"
#include "sim/city/reporter.h"

/* How long a change may go unreported: while the story runs, and while the parent measures. */
#define REPORT_US 50000
#define REPORT_HELD_US 2000
/* Vectors may change without any record changing, so they are looked at now and then. */
#define LOOK_HELD_US 20000

struct town {
    struct holm_node *node;
    struct holm_witness witness;
    struct holm_node_port port;
    struct holm_city_actor actor;
    struct holm_reporter reporter;
    struct holm_scribe scribe;
    char input[65536];
    size_t input_size;
    uint64_t reported_us;
    bool news;  /* something may have changed since the last report */
    bool asked; /* a report is wanted in any case */
    bool dump;  /* a dump is wanted, of the story with this seed and so many heroes */
    uint64_t seed;
    uint32_t heroes;
    bool quit;
};

static struct holm_now now(void)
{
    struct timespec monotonic;
    struct timespec wall;
    (void)clock_gettime(CLOCK_MONOTONIC, &monotonic);
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    struct holm_now time = {
        .monotonic_us = (uint64_t)monotonic.tv_sec * 1000000 + (uint64_t)monotonic.tv_nsec / 1000,
        .wall_ms = (uint64_t)wall.tv_sec * 1000 + (uint64_t)wall.tv_nsec / 1000000,
    };
    return time;
}

/* Called before anything of the commit can leave this process. */
static void witness(void *context, const struct holm_receipt *receipt, const struct holm_op *ops,
                    size_t count)
{
    const struct town *town = context;
    struct holm_scribe scribe;
    holm_scribe_init(&scribe, town->scribe.fd);
    for (size_t i = 0; i < receipt->count; i++) {
        struct holm_journal_line line;
        holm_journal_describe(receipt, ops, count, i, &line);
        holm_scribe_line(&scribe, &line);
    }
    holm_scribe_flush(&scribe);
    /* An operation that nobody was told of must not get out. */
    if (scribe.failed)
        _exit(HOLM_EXIT_ERROR);
}

static void log_line(void *context, int level, const char *text)
{
    const int *fd = context;
    struct holm_scribe scribe;
    struct holm_journal_line line = {.type = HOLM_JOURNAL_LOG, .as.log.level = level};
    (void)snprintf(line.as.log.text, sizeof line.as.log.text, "%s", text);
    holm_scribe_init(&scribe, *fd);
    holm_scribe_line(&scribe, &line);
    holm_scribe_flush(&scribe);
}

static void complain(struct town *town, const char *what, enum holm_status status)
{
    char text[HOLM_JOURNAL_TEXT_BYTES_MAX + 1];
    (void)snprintf(text, sizeof text, "%s: %s", what, holm_strerror(status));
    log_line(&town->scribe.fd, 1, text);
}

static enum holm_status open_node(struct town *town, char **argv)
{
    struct holm_config config = holm_config_default();
    config.name = argv[HOLM_CITY_NAME];
    config.cluster = "holm-sim";
    config.listen = argv[HOLM_CITY_LISTEN];
    config.seeds = argv[HOLM_CITY_SEEDS][0] == '\0' ? NULL : argv[HOLM_CITY_SEEDS];
    config.beacon_interval_ms = 200;
    config.link_timeout_ms = 2000;
    config.redial_interval_ms = 250;
    config.log = log_line;
    config.log_context = &town->scribe.fd;
    config.log_bytes_max = strtoul(argv[HOLM_CITY_LOG], NULL, 10) * 1024;
    enum holm_status status = holm_open(&config, &town->node);
    /* A port that a former life had may be someone else's by now; another one does as well. */
    if (status == HOLM_EADDRESS && strncmp(config.listen, "tcp:", 4) == 0) {
        config.listen = "tcp://127.0.0.1:0";
        status = holm_open(&config, &town->node);
    }
    return status;
}

static void say_hello(struct town *town)
{
    struct holm_journal_line line = {.type = HOLM_JOURNAL_HELLO};
    const char *address = holm_address(town->node);
    line.as.hello.pid = (uint64_t)getpid();
    line.as.hello.self = holm_self(town->node);
    (void)snprintf(line.as.hello.address, sizeof line.as.hello.address, "%s",
                   address == NULL ? "" : address);
    holm_scribe_line(&town->scribe, &line);
    holm_scribe_flush(&town->scribe);
}

static enum holm_status open_town(struct town *town, char **argv)
{
    holm_scribe_init(&town->scribe, STDOUT_FILENO);
    enum holm_status status = open_node(town, argv);
    if (status != HOLM_OK)
        return status;
    town->witness = (struct holm_witness){.committed = witness, .context = town};
    holm_node_set_witness(town->node, &town->witness);
    status = holm_node_port_open(&town->port, town->node);
    if (status == HOLM_OK)
        status = holm_city_actor_init(&town->actor, argv[HOLM_CITY_NAME], &town->port.port,
                                      strtoull(argv[HOLM_CITY_SEED], NULL, 10),
                                      strtoull(argv[HOLM_CITY_BEAT], NULL, 10));
    if (status == HOLM_OK)
        status = holm_reporter_init(&town->reporter, town->node, &town->actor);
    if (status == HOLM_OK)
        say_hello(town);
    return status;
}

static void close_town(struct town *town)
{
    holm_reporter_release(&town->reporter);
    holm_city_actor_release(&town->actor);
    holm_node_port_close(&town->port);
    holm_close(town->node);
}

static void cut(struct town *town, const char *name)
{
    enum holm_status status = holm_fault_drop(town->node, holm_node_id_of(name), HOLM_BOTH, 1000);
    if (status == HOLM_OK)
        town->reporter.cuts++;
    else
        complain(town, "cut", status);
}

/* False when the line is a letter for which there is no room yet. */
static bool obey(struct town *town, const struct holm_control *control)
{
    enum holm_status status = HOLM_OK;
    switch (control->type) {
    case HOLM_CONTROL_LETTER:
        return holm_city_actor_post(&town->actor, &control->letter) == HOLM_OK;
    case HOLM_CONTROL_JOIN:
        status = holm_join(town->node, control->text);
        if (status != HOLM_OK)
            complain(town, "join", status);
        break;
    case HOLM_CONTROL_CUT:
        cut(town, control->text);
        break;
    case HOLM_CONTROL_HEAL:
        holm_fault_heal(town->node);
        town->reporter.cuts = 0;
        break;
    case HOLM_CONTROL_REPORT:
        town->asked = true;
        break;
    case HOLM_CONTROL_DUMP:
        town->dump = true;
        town->seed = control->seed;
        town->heroes = control->heroes;
        break;
    case HOLM_CONTROL_QUIT:
        town->quit = true;
        break;
    }
    return true;
}

/* Obeys the lines that have come; keeps what it cannot take yet. True when lines were left. */
static bool obey_lines(struct town *town)
{
    size_t begin = 0;
    bool full = false;
    char *newline;
    while (!full && (newline = memchr(town->input + begin, '\n', town->input_size - begin))) {
        struct holm_control control;
        size_t size = (size_t)(newline - town->input) - begin;
        if (!holm_control_parse(town->input + begin, size, &control))
            complain(town, "a control line", HOLM_EINVAL);
        else
            full = !obey(town, &control);
        if (!full)
            begin += size + 1;
    }
    town->input_size -= begin;
    memmove(town->input, town->input + begin, town->input_size);
    return full;
}

static void read_input(struct town *town)
{
    size_t room = sizeof town->input - town->input_size;
    ssize_t count = read(STDIN_FILENO, town->input + town->input_size, room);
    if (count > 0)
        town->input_size += (size_t)count;
    else if (count == 0 || errno != EINTR)
        town->quit = true; /* the parent is gone */
}

static void report(struct town *town, uint64_t monotonic_us)
{
    enum holm_status status = holm_reporter_report(&town->reporter, &town->scribe, town->asked);
    if (status != HOLM_OK)
        complain(town, "report", status);
    town->asked = town->news = false;
    town->reported_us = monotonic_us;
}

static uint64_t report_due_us(const struct town *town)
{
    if (town->asked)
        return 0;
    if (!town->actor.held)
        return town->reported_us + REPORT_US;
    return town->reported_us + (town->news ? REPORT_HELD_US : LOOK_HELD_US);
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
static void wait_for_something(struct town *town, uint64_t wake_us)
{
    struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                           {.fd = holm_watch_fd(town->port.watch), .events = POLLIN}};
    uint64_t due_us = report_due_us(town) < wake_us ? report_due_us(town) : wake_us;
    if (town->input_size == sizeof town->input)
        fds[0].fd = -1;
    int ready = poll(fds, 2, timeout_ms(due_us, now().monotonic_us));
    if (ready <= 0)
        return;
    if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) != 0)
        read_input(town);
    if (fds[1].revents != 0)
        town->news = true;
}

static void live(struct town *town)
{
    uint64_t wake_us = 0;
    while (!town->quit && !town->scribe.failed) {
        wait_for_something(town, wake_us);
        bool left = obey_lines(town);
        uint64_t token = town->actor.token;
        wake_us = holm_city_actor_step(&town->actor, now());
        if (town->actor.dead)
            (void)raise(SIGKILL);
        if (left)
            wake_us = 0;
        /* The parent waits for the answer to a hold. */
        town->asked = town->asked || town->actor.token != token;
        uint64_t monotonic_us = now().monotonic_us;
        if (monotonic_us >= report_due_us(town))
            report(town, monotonic_us);
        if (town->dump) {
            town->dump = false;
            enum holm_status status = holm_reporter_dump(&town->reporter, &town->scribe, town->seed,
                                                         town->heroes);
            if (status != HOLM_OK)
                complain(town, "dump", status);
        }
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
    static struct town town;
    enum holm_status status = open_town(&town, argv);
    if (status != HOLM_OK) {
        complain(&town, "cannot start", status);
        return HOLM_EXIT_ERROR;
    }
    live(&town);
    close_town(&town);
    return HOLM_EXIT_OK;
}
