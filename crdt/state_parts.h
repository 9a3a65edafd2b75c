/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state_parts.h - the inside of a state, for the files that make it up.
 *
 *     state.c         records and fields: life cycle, table, looking up, making
 *     state_slots.c   the slots of a field: a treap
 *     state_change.c  cells, entries, tombstones: changing, in transactions
 *     state_digest.c  fingerprints, and the check of the whole
 */
#ifndef HOLM_CRDT_STATE_PARTS_H
#define HOLM_CRDT_STATE_PARTS_H

#include "crdt/state.h"

/* ---- state.c */

/* Memory that is counted in state->bytes: a cleared head and a tail that is not. NULL when there
 * is none. Given back with the same sizes. */
void *holm_state_take(struct holm_state *state, size_t head, size_t tail);
void holm_state_give(struct holm_state *state, void *memory, size_t head, size_t tail);

/* Notes what may have become empty, for the sweep at the end of the transaction. */
void holm_state_queue_slot(struct holm_state *state, struct holm_slot *slot);
void holm_state_queue_record(struct holm_state *state, struct holm_record *record);

/* Unlinks what is empty, and frees it. */
void holm_field_free(struct holm_state *state, struct holm_field *field);
void holm_record_free(struct holm_state *state, struct holm_record *record);
/* Frees a cell that is linked nowhere. */
void holm_cell_free(struct holm_state *state, struct holm_cell *cell);

/* ---- state_slots.c */

/* Hangs a slot into its place in the field's treap; takes it out again. O(log slots) expected. */
void holm_slot_insert(struct holm_field *field, struct holm_slot *slot);
void holm_slot_remove(struct holm_slot *slot);

#endif
