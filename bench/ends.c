/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "bench/ends.h"
#include "bench/ends_redis.h"

int main(int argc, char **argv)
{
    struct report report;
    if (argc == 5 && strcmp(argv[1], ENDS_NODE_OPTION) == 0)
        return ends_node_main(argv + 2);
    report_open(&report, "ends", argc, argv);
    if (!ends_redis_there())
        report_note(&report, "redis-tools is not installed: no rows of Redis");
    ends_writes(&report);
    ends_visible(&report);
    ends_catch(&report);
    ends_many(&report);
    return report_close(&report);
}
