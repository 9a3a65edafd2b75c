/* SPDX-License-Identifier: Apache-2.0 */
/*
 * remains.h - who must converge after the heal, and who stays broken though all the others know it for a member.
 *
 * With retention `forever` a core is whom the plan names. With `stable` it is all, but in plans whose core `remains` around
 * the founder: the rest is dead, frozen or cut off, and is waited for until an operator forgets it. Whoever has left for good
 * (`gone`, leavers.h) is of neither.
 */
#ifndef HOLM_SIM_WORLD_REMAINS_H
#define HOLM_SIM_WORLD_REMAINS_H

#include "sim/world/plan.h"

uint64_t holm_remains_core(const struct holm_plan_settings *settings, uint64_t gone);
/* The members that stay broken; none where no core remains. */
uint64_t holm_remains_rest(const struct holm_plan_settings *settings, uint64_t gone);
/* Whether there are some, and nobody forgets them. */
bool holm_remains_wait(const struct holm_plan_settings *settings, uint64_t gone);
/* Whether a node is a member that is not forgotten, by the list of the living node `at`. */
bool holm_remains_listed(const struct holm_world *world, uint32_t at, uint64_t node_id);
/* The first member of the core that lives, whom an operator would ask; or HOLM_WORLD_NOBODY. */
uint32_t holm_remains_spokesman(const struct holm_world *world, uint64_t core);
/* Whether all of a core, who live, are members with one list, that of themselves and the rest. */
bool holm_remains_agree(const struct holm_plan_settings *settings, struct holm_world *world,
                        uint64_t gone);

#endif
