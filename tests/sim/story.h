/* SPDX-License-Identifier: Apache-2.0 */
/*
 * story.h - a script (sim/world/script.h) in a test: what it expects and does not find fails the test.
 */
#ifndef HOLM_TESTS_SIM_STORY_H
#define HOLM_TESTS_SIM_STORY_H

#include "sim/world/script.h"

/* With a world that is open, which nobody judges. */
struct holm_script *story_new(uint32_t nodes, unsigned options);
void story_end(struct holm_script *script);

#endif
