/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_holm.h - holm's row: whole engines over the virtual network, on the graph of a case.
 *
 * One partition, for the object is one; flush and beacon interval of a second; each node starts at the
 * phase at which a reference would synchronise. Only the graph's edges can be dialled: everything else
 * is cut. A message takes as long as the references'. All frames count from the first Hello on.
 *
 *     GSet      a set in one record          GCounter  a counter in one record
 *     GMap      a register in a record for each key; a node's rewritten keys are one commit
 *
 * With loss, broadcasts are lost, and a link's frame that is lost comes 200 ms later, sent again: what
 * links carry counts 1/(1 - loss) times.
 */
#ifndef HOLM_BENCH_LITERATURE_HOLM_H
#define HOLM_BENCH_LITERATURE_HOLM_H

#include "bench/literature_world.h"

struct literature_result literature_holm_run(const struct literature_contender *contender,
                                             const struct literature_case *script);

#endif
