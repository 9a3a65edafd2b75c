/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest.h - fingerprints of states: keyed 128-bit XXH3 of each cell, added up modulo 2^128.
 *
 * Addition commutes and can be undone, so a digest follows every change in O(1) and depends on the
 * content alone. What a counter's entries add to the live digest is told in state_share.c.
 */
#ifndef HOLM_CRDT_DIGEST_H
#define HOLM_CRDT_DIGEST_H

#include "crdt/base.h"

struct holm_digest {
    uint64_t low;
    uint64_t high;
};

static inline void holm_digest_add(struct holm_digest *digest, struct holm_digest term)
{
    digest->low += term.low;
    digest->high += term.high + (digest->low < term.low ? 1 : 0);
}

static inline void holm_digest_subtract(struct holm_digest *digest, struct holm_digest term)
{
    digest->high -= term.high + (digest->low < term.low ? 1 : 0);
    digest->low -= term.low;
}

static inline bool holm_digest_equal(struct holm_digest a, struct holm_digest b)
{
    return a.low == b.low && a.high == b.high;
}

#endif
