/* SPDX-License-Identifier: Apache-2.0 */
/* The directed scenarios of the core, each named by its T number. */
#include "tests/unit/scenario.h"

int main(void)
{
    int failed = 0;
    failed += _cmocka_run_group_tests("context", scenario_context_tests, scenario_context_count,
                                      NULL, NULL);
    failed += _cmocka_run_group_tests("value", scenario_value_tests, scenario_value_count, NULL,
                                      NULL);
    failed += _cmocka_run_group_tests("clock", scenario_clock_tests, scenario_clock_count, NULL,
                                      NULL);
    failed += _cmocka_run_group_tests("identity", scenario_identity_tests, scenario_identity_count,
                                      NULL, NULL);
    failed += _cmocka_run_group_tests("schedule", scenario_schedule_tests, scenario_schedule_count,
                                      NULL, NULL);
    return failed;
}
