/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small scopes, whole: sizes REPLICAS OPERATIONS ALPHABET [all]
 *
 * Sequences of 1 to OPERATIONS operations, of each alphabet's first ALPHABET; with `all`, runs
 * arrive at the end in every order there is, without it forwards and backwards alone. What a run
 * has covered is printed; no alphabet may come to no case, and of the sizes that ctest runs the total is known.
 */
#include "tests/exhaustive/schedule.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What runs come to. It changes only with the alphabets, or what is left out of them, knowingly. */
static const struct {
    struct schedule_size size;
    uint64_t cases;
} known[] = {
    {{.replicas = 2, .operations = 4, .alphabet_max = 4, .arrivals_all = true}, 1567894},
    {{.replicas = 3, .operations = 3, .alphabet_max = 4, .arrivals_all = true}, 446126},
};

static bool is_whole(const struct schedule_size *size, uint64_t cases)
{
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct schedule_size *other = &known[i].size;
        if (other->replicas != size->replicas || other->operations != size->operations ||
            other->alphabet_max != size->alphabet_max ||
            other->arrivals_all != size->arrivals_all || cases == known[i].cases)
            continue;
        fprintf(stderr, "%" PRIu64 " cases, expected %" PRIu64 "\n", cases, known[i].cases);
        return false;
    }
    return true;
}

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
    const struct schedule_size asked = size;
    uint64_t cases = 0, least = UINT64_MAX;
    for (size_t operations = size.operations; operations > 0; operations--) {
        size.operations = operations;
        printf("%zu operations\n", operations);
        for (size_t i = 0; i < schedule_family_count; i++) {
            uint64_t own = schedule_run(&schedule_families[i], &size);
            least = own < least ? own : least;
            cases += own;
        }
    }
    printf("%" PRIu64 " cases in all\n", cases);
    if (least == 0)
        fprintf(stderr, "an alphabet has come to no case\n");
    return least > 0 && is_whole(&asked, cases) ? 0 : 1;
}
