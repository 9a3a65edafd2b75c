/* SPDX-License-Identifier: Apache-2.0 */
/*
 * count.h - one actor's part of a counter, with exact resets.
 *
 *     entry (b, s, P, c, Pc)   chain start, last seq, sum since b, cancelled up to c, sum at c
 *     value P - Pc             live iff c < s
 *
 *     increment d at seq q     no entry, or c = s  ->  (q, q, d, 0, 0)
 *                              else                ->  (b, q, P + d, c, Pc)
 *     reset                    a mark per live entry: (b, s, P, s, P)
 *     merge                    larger b whole; same b: (s, P) by larger s, (c, Pc) by larger c; of two
 *                              sums at one seq, which only twins write (T03), the larger
 *
 * c <= s in every entry: a mark brings the s that it cancels, and others are refused (delta.h).
 * A cancelled entry (c = s) is a ghost: not live, but it must still win against older copies of
 * itself. docs/SEMANTICS.md tells why each rule is needed.
 */
#ifndef HOLM_CRDT_COUNT_H
#define HOLM_CRDT_COUNT_H

#include "crdt/delta.h"

static inline bool holm_count_live(const struct holm_count *count)
{
    return count->cancelled < count->last;
}

/* The entry after an increment at `seq`; `old` is NULL when there is none.
 * HOLM_EOVERFLOW: the sum since the chain's start, or the live part of it, would leave 64 bits. */
HOLM_NODISCARD enum holm_status holm_count_increment(const struct holm_count *old, uint64_t seq,
                                                     int64_t amount, struct holm_count *result);

/* The mark that cancels all of an entry. */
struct holm_count holm_count_cancelled(const struct holm_count *count);

/* target := the merge of both. Commutative, associative, idempotent. */
void holm_count_merge(struct holm_count *target, const struct holm_count *source);

/*
 * Adds the live part of an entry, whose epoch is folded (stable.h), to what is known of all folded
 * epochs of its node. Such an entry is (1, 1, sum, 0, 0) under epoch 0, with any seq for the 1: no chain, since it never grows
 * by increments; and whoever resets it after it was folded has seen all of it, so that a mark of any
 * folded epoch of the node cancels it whole (docs/decisions/0007). `folded` starts as all zero, which
 * is not live. An entry that is not live adds nothing.
 *   HOLM_EOVERFLOW  the sum would leave 64 bits: the entry stays as it is, under its own epoch
 */
HOLM_NODISCARD enum holm_status holm_count_fold(struct holm_count *folded,
                                                const struct holm_count *entry);

bool holm_count_equal(const struct holm_count *a, const struct holm_count *b);

/* An exact sum of any number of live parts, wider than 64 bits, and its saturated value. */
struct holm_wide {
    uint64_t low;
    int64_t high;
};
void holm_wide_add(struct holm_wide *wide, const struct holm_count *count);
void holm_wide_subtract(struct holm_wide *wide, const struct holm_count *count);
int64_t holm_wide_saturated(const struct holm_wide *wide);

#endif
