/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catch.h - one replica catches up with another by what differs, in frames, and what that takes.
 */
#ifndef HOLM_BENCH_CATCH_H
#define HOLM_BENCH_CATCH_H

#include "crdt/replica.h"

struct catch_cost {
    double server_ms, receiver_ms, codec_ms;
    double apply_ms; /* of the receiver's: making it so, when all is staged */
    uint64_t bytes;
    uint64_t asks;
};

/* All of it, one ask at a time; the program ends when it fails. */
struct catch_cost catch_up(struct holm_replica *server, struct holm_replica *receiver);

#endif
