/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counter.c - a counter that any number of programs share. Each line of input is added to it, and
 * its value is shown whenever anybody changed it. It ends with its input.
 *
 *     counter                                                      by itself
 *     counter lisbon tcp://127.0.0.1:7001
 *     counter oslo tcp://127.0.0.1:7002 tcp://127.0.0.1:7001       joins the first
 *
 * Cut the network between them: each goes on counting; mend it: all show the one exact sum.
 */
#include <holm/holm.h>

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void must(enum holm_status status)
{
    if (status == HOLM_OK)
        return;
    fprintf(stderr, "counter: %s: %s\n", holm_status_name(status), holm_strerror(status));
    exit(EXIT_FAILURE);
}

/* The record itself is the counter: its field has no name. */
static int64_t sum(struct holm_node *node)
{
    int64_t value;
    enum holm_status status = holm_count(node, holm_str("counter"), holm_str(""), &value);

    /* Nobody has counted yet: 0. */
    if (status != HOLM_ENOENT)
        must(status);
    return value;
}

static void show_changes(struct holm_node *node, struct holm_watch *watch)
{
    struct holm_change change;

    while (holm_watch_next(watch, &change) == HOLM_OK)
        printf("%" PRId64 "\n", sum(node));
    fflush(stdout);
}

/* False at the end of the input. */
static bool add_line(struct holm_node *node)
{
    char line[64];

    if (fgets(line, sizeof line, stdin) == NULL)
        return false;
    must(holm_add(node, holm_str("counter"), holm_str(""), strtoll(line, NULL, 10)));
    return true;
}

int main(int argc, char **argv)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;
    struct holm_watch *watch;

    config.name = argc > 1 ? argv[1] : "alone";
    config.listen = argc > 2 ? argv[2] : NULL;
    config.seeds = argc > 3 ? argv[3] : NULL;
    must(holm_open(&config, &node));
    must(holm_watch_open(node, holm_str("counter"), 0, &watch));
    if (holm_address(node) != NULL)
        fprintf(stderr, "counter: others join with %s\n", holm_address(node));

    struct pollfd fds[2] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = holm_watch_fd(watch), .events = POLLIN},
    };

    setvbuf(stdin, NULL, _IONBF, 0); /* poll(2) must not miss a line that stdio holds */
    while (poll(fds, 2, -1) > 0) {
        if (fds[1].revents != 0)
            show_changes(node, watch);
        if (fds[0].revents != 0 && !add_line(node))
            break;
    }
    printf("in the end: %" PRId64 "\n", sum(node));
    holm_watch_close(watch);
    holm_close(node);
    return EXIT_SUCCESS;
}
