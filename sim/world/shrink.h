/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shrink.h - looks for a shorter plan that still fails.
 *
 * Runs of events are left out, large ones first, then small ones, until no single event can be
 * missed; and so are whole nodes, and the operations of batches: delta debugging. Source: Zeller, Hildebrandt, "Simplifying and Isolating Failure-Inducing
 * Input", TSE 2002, section 3.
 */
#ifndef HOLM_SIM_WORLD_SHRINK_H
#define HOLM_SIM_WORLD_SHRINK_H

#include "sim/world/plan.h"

/*
 * `fails` plays a plan, and says whether it breaks the claim in question; it is asked at most
 * `tries_max` times. The plan fails as it is, and is replaced by the shortest found.
 */
void holm_shrink(struct holm_plan *plan, bool (*fails)(void *context, const struct holm_plan *plan),
                 void *context, uint32_t tries_max);

#endif
