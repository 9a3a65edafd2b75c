/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/core.h"

int main(int argc, char **argv)
{
    struct report report;
    report_open(&report, "core", argc, argv);
    core_write(&report);
    core_delta(&report);
    core_merge(&report);
    core_catch(&report);
    core_digest(&report);
    core_reconcile(&report);
    core_set(&report);
    core_read(&report);
    core_order(&report);
    core_memory(&report);
    return report_close(&report);
}
