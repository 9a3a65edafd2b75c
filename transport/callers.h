/* SPDX-License-Identifier: Apache-2.0 */
/*
 * callers.h - how often one address may connect: so many at once, then so many a second.
 *
 *     burst 4, 2 a second      admitted  | | | |      |      |      |          one address
 *                              refused           xxxx  xxxxx  xxxxx  xxxxx
 *                              admitted    |                        |          another, meanwhile
 *
 * A token bucket for each address, held as the time until which its calls are paid for: one that has been quiet for long
 * enough costs no place. Who is refused pays nothing for that, and is admitted as soon as anybody else of its address.
 *
 * Invariants:
 *     L1  of one address at most burst + rate * t are admitted in any time t, while it keeps its place
 *     L2  what one address does costs another nothing
 *     L3  memory is bounded, and taken when it begins: HOLM_CALLERS_MAX addresses. When there are more, the one that comes
 *         takes the place of that which is nearest to having been quiet, and both begin anew: whoever has more addresses
 *         than that is bounded by links_max alone
 *
 * Source: the virtual scheduling algorithm of ITU-T I.371 (GCRA).
 */
#ifndef HOLM_TRANSPORT_CALLERS_H
#define HOLM_TRANSPORT_CALLERS_H

#include "crdt/base.h"

#define HOLM_CALLERS_MAX 256
#define HOLM_CALLER_BYTES 16 /* an IPv6 address, or an IPv4 address as one of those */

struct holm_caller_place {
    uint8_t address[HOLM_CALLER_BYTES];
    uint64_t paid_us; /* its calls are paid for until then */
};

struct holm_callers {
    uint64_t interval_us; /* between two calls; 0: there is no bound */
    uint64_t ahead_us;    /* so far calls may be paid for ahead of time */
    size_t count;
    struct holm_caller_place places[HOLM_CALLERS_MAX];
};

/* In the caller's storage, with nothing to release. per_s: up to 1,000,000; 0: there is no bound, whatever `burst`, which else is at
 * least 1. */
void holm_callers_init(struct holm_callers *callers, uint32_t per_s, uint32_t burst);

/* Whether this call is admitted, and then it counts. O(HOLM_CALLERS_MAX) */
HOLM_NODISCARD bool holm_callers_admit(struct holm_callers *callers,
                                       const uint8_t address[HOLM_CALLER_BYTES], uint64_t now_us);

#endif
