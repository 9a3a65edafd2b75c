/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trace.h - what happens in a world as lines; docs/SIMULATION.md has the format.
 *
 *     2.104117 n3 > n1     pull p1 47
 *     2.105117 n1 < n3     pull p1 47
 *     2.105117 n1 > n3     deltas p1 212
 */
#ifndef HOLM_SIM_WORLD_TRACE_H
#define HOLM_SIM_WORLD_TRACE_H

#include <stdio.h>

#include "sim/world/world.h"

void holm_trace_line(FILE *file, const struct holm_world_event *event);

#endif
