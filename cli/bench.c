/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "bench/bench.h"
#include "bench/island.h"
#include "bench/literature.h"
#include "cli/cli.h"

int holm_cli_bench(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "literature") == 0)
        return literature_main(argc - 1, argv + 1);
    return holm_bench_main(argc, argv);
}

int holm_cli_bench_node(int argc, char **argv)
{
    return holm_island_main(argc, argv);
}
