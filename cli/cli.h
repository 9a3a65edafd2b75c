/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli.h - the program `holm`: its sub-commands and its exit statuses.
 *
 * Each sub-command is a function that takes its own name as argv[0] and returns the exit status.
 */
#ifndef HOLM_CLI_CLI_H
#define HOLM_CLI_CLI_H

enum holm_exit {
    HOLM_EXIT_OK = 0,
    HOLM_EXIT_ERROR = 1,         /* the system refused something */
    HOLM_EXIT_USAGE = 2,         /* the command line cannot be understood */
    HOLM_EXIT_NOT_CONVERGED = 3, /* sim: the cities did not agree in time */
    HOLM_EXIT_CHECK_FAILED = 4   /* sim: they agree, but a promise was broken; world: likewise */
};

int holm_cli_sim(int argc, char **argv);
int holm_cli_city(int argc, char **argv);
int holm_cli_world(int argc, char **argv);
int holm_cli_bench(int argc, char **argv);
int holm_cli_certs(int argc, char **argv);
int holm_cli_serve(int argc, char **argv);
int holm_cli_backup(int argc, char **argv);
int holm_cli_inspect(int argc, char **argv);
/* Reads all of a store, and says in one line whether it is whole; an exit status. */
int holm_cli_verify(const char *directory);
int holm_cli_bench_node(int argc, char **argv);

/* The arguments by which `holm sim` starts a city, in this order after the word `city`. */
enum holm_city_argument {
    HOLM_CITY_NAME = 1,
    HOLM_CITY_SEED = 2,   /* of its dice */
    HOLM_CITY_BEAT = 3,   /* microseconds between two patrols, and two fights */
    HOLM_CITY_LISTEN = 4, /* address */
    HOLM_CITY_SEEDS = 5,  /* addresses of others with commas between, or "" */
    HOLM_CITY_LOG = 6,    /* op log, KiB */
    HOLM_CITY_PARENT = 7, /* process id: with its parent a city ends */
    HOLM_CITY_ARGUMENTS = 8
};

#endif
