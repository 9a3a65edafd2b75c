/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/dice.h"

#include "crdt/base.h"

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

void holm_dice_init(struct holm_dice *dice, uint64_t seed)
{
    dice->state = seed;
}

uint64_t holm_dice_next(struct holm_dice *dice)
{
    dice->state += golden;
    return mix(dice->state);
}

uint64_t holm_dice_below(struct holm_dice *dice, uint64_t count)
{
    HOLM_ASSERT(count > 0);
    /* The last, incomplete round of numbers would favour the small ones: throw again there. */
    uint64_t rest = (UINT64_MAX - count + 1) % count;
    uint64_t thrown = holm_dice_next(dice);
    while (thrown < rest)
        thrown = holm_dice_next(dice);
    return thrown % count;
}

int64_t holm_dice_between(struct holm_dice *dice, int64_t low, int64_t high)
{
    HOLM_ASSERT(low <= high);
    uint64_t span = (uint64_t)high - (uint64_t)low + 1;
    return low + (int64_t)holm_dice_below(dice, span);
}

uint64_t holm_dice_mix(uint64_t seed, uint64_t salt)
{
    return mix(mix(seed + golden) ^ (salt * golden));
}
