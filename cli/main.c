/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const char usage[] =
    "holm - replicated records that every node can always read and write\n"
    "\n"
    "    holm sim [OPTIONS]    the superhero cities: processes that crash, split and converge\n"
    "    holm world [OPTIONS]  nodes in virtual time under faults from a seed, judged by an "
    "oracle\n"
    "    holm bench [OPTIONS]  how fast nodes converge when things break, and what that costs\n"
    "    holm serve [OPTIONS]  one node, which keeps a copy of all and lets others find it\n"
    "    holm inspect DIR      what a node's store has, by partition; with a key: its cells, who "
    "wrote\n"
    "                          them when, and what they replaced\n"
    "    holm backup DIR TO    copies a store, while its node runs or not\n"
    "    holm certs DIR [NAME...]  certificates for a cluster that is tried out\n"
    "    holm --help           this text; `holm sim --help` for a command's options\n"
    "    holm --version\n";

/* `city` and `bench-node` are not in the usage: `sim` and `bench` start them, with pipes for their
 * input and output. */
static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"sim", holm_cli_sim},     {"city", holm_cli_city},       {"world", holm_cli_world},
    {"bench", holm_cli_bench}, {"inspect", holm_cli_inspect}, {"backup", holm_cli_backup},
    {"certs", holm_cli_certs}, {"serve", holm_cli_serve},     {"bench-node", holm_cli_bench_node},
};

static int print(const char *text)
{
    return fputs(text, stdout) == EOF || fflush(stdout) == EOF ? HOLM_EXIT_ERROR : HOLM_EXIT_OK;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        (void)fputs(usage, stderr);
        return HOLM_EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0)
        return print(usage);
    if (strcmp(word, "--version") == 0)
        return print("holm " HOLM_VERSION "\n");
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (strcmp(word, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    (void)fprintf(stderr, "holm: there is no %s '%s'; `holm --help` lists what there is\n",
                  word[0] == '-' ? "option" : "command", word);
    return HOLM_EXIT_USAGE;
}
