/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_bytes.h - the delta strategies' messages as bytes, packed as holm's links pack theirs.
 *
 * holm's links tell a frame by what they have carried before (transport/packing.h). Nothing keeps another
 * program from doing that, too. So what BP+RR's messages would take then is shown beside: the very bytes
 * that literature_wire.h counts, written down, through the same packer, a history for each direction of
 * each edge.
 *
 *     type; seq; number of entries; of each: string | id, number | key, time stamp, value
 *
 * Ids are 20 bytes drawn by the actor's number, time stamps microseconds, values 8 hexadecimal digits, as
 * holm is given them.
 */
#ifndef HOLM_BENCH_LITERATURE_BYTES_H
#define HOLM_BENCH_LITERATURE_BYTES_H

#include "bench/literature_strategy.h"
#include "transport/packing.h"

struct literature_links {
    struct holm_packer packers[LITERATURE_ACTORS_MAX][LITERATURE_ACTORS_MAX]; /* from, to */
};

/* Writes a state, delta or acknowledgement into room for its cost; how many bytes. */
size_t literature_bytes_write(const struct literature_case *script,
                              const struct literature_message *message, unsigned char *bytes);

/* Sends one over its link; the bytes that it took, with the 4 before each message. */
uint64_t literature_links_send(struct literature_links *links, const struct literature_case *script,
                               const struct literature_message *message);
void literature_links_release(struct literature_links *links);

#endif
