/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explore.h - runs a piece of code once for every way its choices can come out.
 *
 *     struct explore explore = {0};
 *     do
 *         one_case(&explore);          calls explore_choose(&explore, n) wherever it could differ
 *     while (explore_next(&explore));
 *
 * The code must depend on nothing but its choices. Choices are made depth first, each from 0 up.
 */
#ifndef HOLM_TESTS_EXHAUSTIVE_EXPLORE_H
#define HOLM_TESTS_EXHAUSTIVE_EXPLORE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLORE_CHOICES_MAX 128

struct explore {
    uint8_t chosen[EXPLORE_CHOICES_MAX];
    uint8_t bound[EXPLORE_CHOICES_MAX];
    size_t depth;  /* choices made in this case */
    size_t length; /* choices that are fixed for it */
};

/* 0 to bound - 1. A choice of one is none, and costs nothing. */
static inline size_t explore_choose(struct explore *explore, size_t bound)
{
    assert(bound > 0 && bound <= UINT8_MAX && explore->depth < EXPLORE_CHOICES_MAX);
    if (bound == 1)
        return 0;
    size_t at = explore->depth++;
    if (at == explore->length) {
        explore->chosen[at] = 0;
        explore->length++;
    }
    explore->bound[at] = (uint8_t)bound;
    return explore->chosen[at];
}

/* Turns to the next case; false when all have been. What followed the last choice made is cut. */
static inline bool explore_next(struct explore *explore)
{
    explore->length = explore->depth;
    explore->depth = 0;
    while (explore->length > 0) {
        size_t last = explore->length - 1;
        if (++explore->chosen[last] < explore->bound[last])
            return true;
        explore->length--;
    }
    return false;
}

#endif
