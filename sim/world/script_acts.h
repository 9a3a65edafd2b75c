/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script_acts.h - the acts of the scenarios that are scripts, each list up to a NULL: what scenario.c offers by name.
 */
#ifndef HOLM_SIM_WORLD_SCRIPT_ACTS_H
#define HOLM_SIM_WORLD_SCRIPT_ACTS_H

#include "sim/world/script.h"

extern const struct holm_script_act holm_script_t03[]; /* script_twins.c */
extern const struct holm_script_act holm_script_t05[]; /* script_pages.c */
extern const struct holm_script_act holm_script_t18[]; /* script_collect.c */
extern const struct holm_script_act holm_script_t28[]; /* script_newer.c */
extern const struct holm_script_act holm_script_t35[]; /* script_collect.c, to t39 */
extern const struct holm_script_act holm_script_t36[];
extern const struct holm_script_act holm_script_t37[];
extern const struct holm_script_act holm_script_t38[];
extern const struct holm_script_act holm_script_t39[];
extern const struct holm_script_act holm_script_t40[]; /* script_return.c */

#endif
