/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_canary SCENARIO STATUS [--real] - linked with a source that has a bug planted in it: the benchmark must
 * end with this status, and say what went wrong, where, and how to see it again. With --real the processes that it
 * starts are this program, too, which then is called as `holm bench-node` would be.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/island.h"

static bool says(const char *text, const char *word)
{
    if (strstr(text, word) != NULL)
        return true;
    printf("it does not say '%s'\n", word);
    return false;
}

/* What the line after it runs must fail alike; only its text is looked at here. */
int main(int argc, char **argv)
{
    char name[] = "bench", option[] = "--scenario", repeat[] = "--repeat=2", seed[] = "--seed=41";
    char once[] = "--repeat=1", real[] = "--real";
    char text[2000] = "", replay[200];
    if (argc > 1 && strcmp(argv[1], "bench-node") == 0)
        return holm_island_main(argc - 1, argv + 1);
    if (argc < 3)
        return 2;
    bool processes = argc == 4 && strcmp(argv[3], real) == 0;
    char *arguments[] = {
        name, option, argv[1], processes ? once : repeat, seed, processes ? real : NULL, NULL};
    FILE *told = tmpfile();
    int errors = dup(STDERR_FILENO);
    if (told == NULL || errors < 0 || dup2(fileno(told), STDERR_FILENO) < 0)
        return 2;
    int status = holm_bench_main(processes ? 6 : 5, arguments);
    (void)fflush(stderr);
    if (dup2(errors, STDERR_FILENO) < 0)
        return 2;
    rewind(told);
    text[fread(text, 1, sizeof text - 1, told)] = '\0';
    (void)fclose(told);
    printf("status %d: %s\n", status, text);
    (void)snprintf(replay, sizeof replay, "replay: holm bench --scenario %s --nodes 5 --seed 4",
                   argv[1]);
    bool told_all = says(text, status == HOLM_BENCH_EXIT_DIVERGED ? "DIVERGED: " : "WRONG: ") &&
                    says(text, argv[1]) && says(text, replay) &&
                    says(text, processes ? "--repeat 1 --real" : "--repeat 1");
    return status == atoi(argv[2]) && told_all ? 0 : 1;
}
