/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/node.h"

int main(int argc, char **argv)
{
    struct report report;
    report_open(&report, "node", argc, argv);
    node_visible(&report);
    node_local(&report);
    node_live(&report);
    node_heal(&report);
    node_empty(&report);
    node_idle(&report);
    return report_close(&report);
}
