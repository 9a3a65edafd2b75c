/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chance.h - random numbers for tests: everything follows from one seed (splitmix64), or is read from
 * given bytes, as a fuzzer wants it; behind their end it is all zeros.
 */
#ifndef HOLM_TESTS_MODEL_CHANCE_H
#define HOLM_TESTS_MODEL_CHANCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chance {
    uint64_t state;
    const uint8_t *bytes; /* NULL: random */
    size_t left;
};

static inline uint64_t chance_next(struct chance *chance)
{
    uint64_t mixed = chance->state += 0x9e3779b97f4a7c15u;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

/* 0 to below - 1; `below` is at least 1. */
static inline uint64_t chance_below(struct chance *chance, uint64_t below)
{
    uint64_t read = 0;
    if (chance->bytes == NULL)
        return chance_next(chance) % below;
    /* As few bytes as can tell them all, so that inputs stay short. */
    for (uint64_t told = 1; told < below && chance->left > 0; told *= 256, chance->left--)
        read = read * 256 + *chance->bytes++;
    return read % below;
}

/* True `permille` times in a thousand. */
static inline bool chance_permille(struct chance *chance, uint64_t permille)
{
    return chance_below(chance, 1000) < permille;
}

#endif
