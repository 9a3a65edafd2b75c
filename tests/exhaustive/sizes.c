/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small scopes, whole: sizes REPLICAS OPERATIONS ALPHABET [all]
 *
 * Sequences of 1 to OPERATIONS operations, of each alphabet's first ALPHABET; with `all`, runs
 * arrive at the end in every order there is, without it forwards and backwards alone. What a run
 * has covered is printed.
 */
#include "tests/exhaustive/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s REPLICAS OPERATIONS ALPHABET [all]\n", argv[0]);
        return 2;
    }
    struct schedule_size size = {.replicas = strtoul(argv[1], NULL, 10),
                                 .operations = strtoul(argv[2], NULL, 10),
                                 .alphabet_max = strtoul(argv[3], NULL, 10),
                                 .arrivals_all = argc > 4 && strcmp(argv[4], "all") == 0};
    if (size.replicas < 2 || size.replicas > FIXTURE_NODES_MAX || size.operations == 0 ||
        size.operations > 6 || size.alphabet_max == 0)
        return 2;
    printf("%zu replicas, every sequence of up to %zu operations of each alphabet's first %zu;\n"
           "at the end a replica gets what it lacks by whole states, or by runs in %s\n",
           size.replicas, size.operations, size.alphabet_max,
           size.arrivals_all ? "every order there is" : "two orders: forwards, backwards");
    uint64_t cases = 0;
    for (size_t operations = size.operations; operations > 0; operations--) {
        size.operations = operations;
        printf("%zu operations\n", operations);
        for (size_t i = 0; i < schedule_family_count; i++)
            cases += schedule_run(&schedule_families[i], &size);
    }
    printf("%" PRIu64 " cases in all\n", cases);
    return 0;
}
