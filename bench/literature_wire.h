/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_wire.h - what the reference strategies' messages cost, in elements and in bytes.
 *
 * Elements as the paper counts them: an entry of a CRDT is one, and so is each thing beside them (a
 * sequence number, an acknowledgement, a dot, an entry of a vector, a row of a matrix).
 *
 * Bytes in one encoding for all strategies, which wastes nothing that a general one could save: 4
 * bytes before a message (as holm's links have), 1 for its type, LEB128 numbers, strings with their
 * length before them. Who sends is known from the connection.
 *
 *     GSet      element: a string, 20 characters that name a node, drawn by chance, '#', decimal digits
 *     GCounter  entry: a node's id, a number
 *     GMap      entry: the key in decimal digits, a time stamp of 8 bytes, a value of 8 bytes
 *     vector    entries of a node's id and a number;  dot: the same;  matrix: rows of id and vector
 *
 * A node's id takes 20 bytes, as the paper assumes. Beside that, bytes are counted with ids of 8
 * (holm's own size), which favours the references.
 */
#ifndef HOLM_BENCH_LITERATURE_WIRE_H
#define HOLM_BENCH_LITERATURE_WIRE_H

#include "bench/literature_lattice.h"

#define LITERATURE_NAME_BYTES 20 /* of a node, in the strings of a GSet */
#define LITERATURE_ID_BYTES 20
#define LITERATURE_ID_BYTES_SHORT 8
#define LITERATURE_VALUE_BYTES 8 /* of a GMap */
#define LITERATURE_ELEMENT_BYTES_MAX 40

struct literature_cost {
    uint64_t messages, elements, metadata;
    uint64_t bytes;       /* with ids of 20 bytes */
    uint64_t bytes_short; /* with ids of 8 */
};

void literature_cost_add(struct literature_cost *sum, const struct literature_cost *cost);

/* What a message costs before anything is in it. */
struct literature_cost literature_cost_message(void);
/* Parts of a message, added to it. */
void literature_cost_number(struct literature_cost *cost, uint64_t number); /* metadata */
void literature_cost_length(struct literature_cost *cost, uint64_t length); /* of bytes alone */
void literature_cost_id(struct literature_cost *cost);                      /* of bytes alone */
/* A value's entries; GSet keys are actor * updates + number - 1. */
void literature_cost_value(struct literature_cost *cost, enum literature_type type,
                           uint32_t updates, const struct literature_value *value);

/* The string of a GSet's key, without a NUL; its size. */
size_t literature_element(uint32_t key, uint32_t updates,
                          char element[LITERATURE_ELEMENT_BYTES_MAX]);
/* The string of a GMap's key. */
size_t literature_map_key(uint32_t key, char string[LITERATURE_ELEMENT_BYTES_MAX]);

#endif
