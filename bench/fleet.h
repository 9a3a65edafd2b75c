/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.h - one repetition of a scenario on real processes (island.h), each of them a node.
 *
 * The same faults as in virtual time, drawn alike: a process that dies is sent SIGKILL; cuts and losses are
 * holm_fault_drop() at both ends. What virtual time cannot do better is told by scenario.h: what real
 * processes cannot play. Lost frames of links do not come again here, as TCP would make them: loss is
 * harsher than on a wire.
 *
 * Bytes are the payload received since the calm began, by nodes that live at the end. Figures of elements
 * there are none.
 */
#ifndef HOLM_BENCH_FLEET_H
#define HOLM_BENCH_FLEET_H

#include "bench/figures.h"

/* Adds to the figures, a failure included. False when the system refused something; a line says what. */
bool holm_bench_fleet_run(const struct holm_bench_scenario *scenario, uint32_t nodes, uint64_t seed,
                          struct holm_bench_figures *figures);

#endif
