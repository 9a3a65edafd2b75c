/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "bench/node.h"

int main(int argc, char **argv)
{
    struct report report;
    if (argc == 3 && strcmp(argv[1], NODE_VICTIM_OPTION) == 0)
        return node_victim(argv[2]);
    report_open(&report, "node", argc, argv);
    node_visible(&report);
    node_local(&report);
    node_live(&report);
    node_heal(&report);
    node_empty(&report);
    node_idle(&report);
    node_notice(&report);
    node_compact(&report);
    node_beside_sync(&report);
    node_start(&report);
    return report_close(&report);
}
