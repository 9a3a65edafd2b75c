/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scenario.h - schedules that are written by hand, since they broke systems of this kind.
 *
 *     holm world --scenario T26 --seeds 1..100       a plan: the seed draws what is not the point
 *     holm world --scenario T37                      a script: each of its acts, frame by frame
 *
 * A scenario is one or the other. Of a plan the seed draws times, delays and who is hit, and it is judged by every claim,
 * as any plan is. A script (script.h) has acts; the seed says which (seeds in a row play all of them), and is the world's:
 * what nodes draw. It has its own ends, and claims where they apply. docs/SIMULATION.md lists them.
 */
#ifndef HOLM_SIM_WORLD_SCENARIO_H
#define HOLM_SIM_WORLD_SCENARIO_H

#include "node/random.h"
#include "sim/world/plan.h"
#include "sim/world/script.h"

struct holm_scenario {
    const char *name;
    const char *what;
    uint32_t nodes;
    /* Fills an initialised plan of that many nodes. NULL: it is a script. */
    void (*build)(struct holm_plan *plan, struct holm_random *random);
    const struct holm_script_act *acts; /* up to one without a name; NULL: it is a plan */
};

/* Ends with a NULL name. */
extern const struct holm_scenario holm_scenarios[];
const struct holm_scenario *holm_scenario_find(const char *name); /* NULL: there is none */

/* Of a plan. Memory is asserted. */
void holm_scenario_draw(struct holm_plan *plan, const struct holm_scenario *scenario,
                        uint64_t seed);

/* Of a script: how many acts it has, and that of a seed. */
uint64_t holm_scenario_acts(const struct holm_scenario *scenario);
const struct holm_script_act *holm_scenario_act(const struct holm_scenario *scenario,
                                                uint64_t seed);

#endif
