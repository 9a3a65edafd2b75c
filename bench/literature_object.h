/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_object.h - a case's object as holm's records: writing deltas of it, and looking for them.
 */
#ifndef HOLM_BENCH_LITERATURE_OBJECT_H
#define HOLM_BENCH_LITERATURE_OBJECT_H

#include "bench/literature_script.h"
#include "node/engine.h"

/* Commits a delta of the script's, as one batch. */
void literature_object_write(const struct literature_case *script, struct holm_engine *engine,
                             const struct literature_value *delta, struct holm_now now);

/* Eight characters that tell the update which wrote a GMap's entry, and a NUL. */
void literature_object_value(const struct literature_case *script,
                             const struct literature_entry *entry, char *text);

/* Whether all that a state has is there. A counter may be larger only if lives have ended. */
bool literature_object_has(const struct literature_case *script, const struct holm_replica *replica,
                           const struct literature_state *state);

#endif
