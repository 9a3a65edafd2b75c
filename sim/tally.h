/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tally.h - what a message carries, counted the way that all strategies of replication are counted.
 *
 *     element   a cell with its own dot, stamp and the dots that it has seen; so is a removal
 *     metadata  whatever names operations without carrying them: ids and seqs of runs, deps, entries
 *               of vectors, acknowledgements, hashes and digests, numbers of frames
 *
 *     run A 4..6 of three cells            3 elements: the dots of the cells say all of A 4..6
 *     run A 4..6 of one cell with dot A 6  1 element, 1 metadata: that it begins with 4
 *     Feed 17 of both, with an ack         4 elements, 3 metadata
 *
 * An id and a seq that go together count as one, as an entry of a vector does. Hello, Ping and Pong, of
 * links and not of operations, count as nothing. Bytes are the frame's, for who encodes it to tell.
 *
 * Source: Enes, Almeida, Baquero, Leitao, "Efficient Synchronization of State-based CRDTs", ICDE 2019, V.
 */
#ifndef HOLM_SIM_TALLY_H
#define HOLM_SIM_TALLY_H

#include "crdt/message.h"

struct holm_tally {
    uint64_t messages;
    uint64_t elements;
    uint64_t metadata;
};

/* Adds one message. O(items). */
void holm_tally_message(struct holm_tally *tally, const struct holm_message *message);

#endif
