/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dice.h - chance that can be repeated.
 *
 * The cities draw every choice from dice, and dice are made from a seed: the same seed throws the
 * same numbers on every machine. SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
 * generators, OOPSLA 2014): 64 bits of state, one addition and a mixing a throw. Not for secrets.
 */
#ifndef HOLM_SIM_CITY_DICE_H
#define HOLM_SIM_CITY_DICE_H

#include <stdint.h>

struct holm_dice {
    uint64_t state;
};

void holm_dice_init(struct holm_dice *dice, uint64_t seed);

/* The next 64 bits. */
uint64_t holm_dice_next(struct holm_dice *dice);

/* A number from 0 to count - 1, each as likely; count must not be 0. */
uint64_t holm_dice_below(struct holm_dice *dice, uint64_t count);

/* A number from low to high, both included; low <= high, and high - low below 2^63. */
int64_t holm_dice_between(struct holm_dice *dice, int64_t low, int64_t high);

/* A seed for other dice, which tells nothing about these: mixes `seed` with a number of one's own. */
uint64_t holm_dice_mix(uint64_t seed, uint64_t salt);

#endif
