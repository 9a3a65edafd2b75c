/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hlc.h - a hybrid logical clock: 48 bits of wall milliseconds, 16 bits of counter.
 *
 * It never goes back, and runs past what it has observed, so a later write has a later stamp even
 * when the wall clock was set back. A stamp from a wall clock far ahead is not followed.
 * Source: Kulkarni, Demirbas et al., "Logical Physical Clocks", OPODIS 2014, section 3.
 */
#ifndef HOLM_CRDT_HLC_H
#define HOLM_CRDT_HLC_H

#include "crdt/base.h"

struct holm_hlc {
    uint64_t last;
};

/* The stamp of a new event: later than every stamp given or observed before (at the end of its 64
 * bits, in the year 10889, it stands still). */
uint64_t holm_hlc_tick(struct holm_hlc *hlc, uint64_t wall_ms);

/* Takes note of a remote stamp. False, and nothing is noted, when it is more than max_drift_ms
 * ahead of the wall clock. */
bool holm_hlc_observe(struct holm_hlc *hlc, uint64_t stamp, uint64_t wall_ms,
                      uint64_t max_drift_ms);

#endif
