/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - what holm_open() accepts.
 */
#ifndef HOLM_NODE_CONFIG_H
#define HOLM_NODE_CONFIG_H

#include "node/engine.h"

#define HOLM_NAME_BYTES_MAX 63 /* of a node's name, and of a cluster's */

/*
 * Looks at every member. At the first that is not allowed, `line` says which it is, what it holds
 * and what is allowed, cut to `capacity` bytes with its NUL; otherwise it is "".
 *   HOLM_EINVAL    a member is missing or out of its range, or an address is exposed
 *   HOLM_EADDRESS  listen or one of the seeds is not written as an address
 */
HOLM_NODISCARD enum holm_status holm_config_check(const struct holm_config *config, char *line,
                                                  size_t capacity);

/* The engine's configuration of a checked one: all but allocator, epoch, seed, log and progress. Its
 * strings are borrowed. */
void holm_config_engine(const struct holm_config *config, struct holm_engine_config *engine);

#endif
