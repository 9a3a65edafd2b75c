/* SPDX-License-Identifier: Apache-2.0 */
/*
 * random.h - a small seeded generator (splitmix64), for jitter and names; not for secrets.
 *
 * Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014.
 */
#ifndef HOLM_NODE_RANDOM_H
#define HOLM_NODE_RANDOM_H

#include <stdint.h>

struct holm_random {
    uint64_t state;
};

static inline uint64_t holm_random_next(struct holm_random *random)
{
    uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* From low to high, both included. The bias of the remainder does not matter to jitter. */
static inline uint64_t holm_random_between(struct holm_random *random, uint64_t low, uint64_t high)
{
    return high <= low ? low : low + holm_random_next(random) % (high - low + 1);
}

#endif
