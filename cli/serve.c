/* SPDX-License-Identifier: Apache-2.0 */
/* A node by itself, until a signal. */
#include "cli/serve.h"

#include <errno.h>
#include <signal.h>

#include "cli/cli.h"

/* They are waited for, and not handled: whatever ends the process finds it in a known place. Blocked before any
 * thread is there, they reach none. */
static void block(sigset_t *ends)
{
    (void)sigemptyset(ends);
    (void)sigaddset(ends, SIGTERM);
    (void)sigaddset(ends, SIGINT);
    (void)sigprocmask(SIG_BLOCK, ends, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

int holm_cli_serve(int argc, char **argv)
{
    struct holm_config config;
    struct holm_node *node;
    sigset_t ends;
    int signal_number;
    switch (holm_serve_parse(argc, argv, stderr, &config)) {
    case HOLM_SERVE_RUN:
        break;
    case HOLM_SERVE_HELP:
        return fputs(holm_serve_usage, stdout) == EOF ? HOLM_EXIT_ERROR : HOLM_EXIT_OK;
    case HOLM_SERVE_WRONG:
        return HOLM_EXIT_USAGE;
    }
    block(&ends);
    if (holm_open(&config, &node) != HOLM_OK)
        return HOLM_EXIT_ERROR; /* the log has said why */
    const char *address = holm_address(node);
    int written = printf("%s\n", address == NULL ? "" : address);
    if (written < 0 || fflush(stdout) == EOF) {
        holm_close(node);
        return HOLM_EXIT_ERROR;
    }
    while (sigwait(&ends, &signal_number) == EINTR)
        continue;
    holm_close(node);
    return HOLM_EXIT_OK;
}
