/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shrink.h - plays scripts in a child process, and makes a failing one short.
 */
#ifndef HOLM_TESTS_MODEL_SHRINK_H
#define HOLM_TESTS_MODEL_SHRINK_H

#include "tests/model/script.h"

/* Whether the script plays to its end, tried in a child process that says nothing. */
bool shrink_plays(const struct script *script);

/* Takes actions, operations and settings away while the script still fails. */
void shrink_script(struct script *script);

#endif
