/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario.h - plans that are written by hand: schedules that broke systems of this kind.
 *
 *     holm world --scenario T26 --seeds 1..100
 *
 * The seed draws what is not the point of the scenario: times, delays, who is hit. Each is judged by
 * every claim, as any plan is. docs/SIMULATION.md lists them.
 */
#ifndef HOLM_SIM_WORLD_SCENARIO_H
#define HOLM_SIM_WORLD_SCENARIO_H

#include "node/random.h"
#include "sim/world/plan.h"

struct holm_scenario {
    const char *name;
    const char *what;
    uint32_t nodes;
    /* Fills an initialised plan of that many nodes. */
    void (*build)(struct holm_plan *plan, struct holm_random *random);
};

/* Ends with a NULL name. */
extern const struct holm_scenario holm_scenarios[];
const struct holm_scenario *holm_scenario_find(const char *name); /* NULL: there is none */

/* Memory is asserted. */
void holm_scenario_draw(struct holm_plan *plan, const struct holm_scenario *scenario,
                        uint64_t seed);

#endif
