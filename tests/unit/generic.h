/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generic.h - messages that have cells, encoded by protobuf-c from its own structs.
 *
 * The encoder writes them without it (proto/cells.h), and must write the same bytes.
 */
#ifndef HOLM_TESTS_UNIT_GENERIC_H
#define HOLM_TESTS_UNIT_GENERIC_H

#include "proto/wire.h"

/* A Delta, Deltas or SyncPage as a frame, whatever its size, in the arena. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status generic_encode(struct holm_arena *arena,
                                               const struct holm_message *message,
                                               struct holm_bytes *frame);

/* Fills the columns over items and seen ranges; run_first and run_epoch are 0 in a page. */
HOLM_NODISCARD enum holm_status generic_write_items(struct holm_arena *arena,
                                                    const struct holm_items *items,
                                                    uint64_t run_first, uint64_t run_epoch,
                                                    Holm__Wire__Cells *cells);

#endif
