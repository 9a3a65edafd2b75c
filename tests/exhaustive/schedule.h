/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.h - every schedule of a few operations on a few replicas, each against the reference.
 *
 * One case is: a sequence of operations over an alphabet; for each, who writes it; what its writer
 * hears before, from each of the others (nothing, its runs in order, its runs backwards, its newest
 * run alone, its whole state); whether the run is sealed behind it; and at last, for each replica,
 * in which order the runs that it lacks arrive, or by whose state they come.
 *
 * Left out are only cases that another one stands for: writers renamed, operations that find
 * nothing to do, and hearing when there is nothing new to hear. Every replica is checked after
 * everything that it hears, and all must be equal at the end.
 */
#ifndef HOLM_TESTS_EXHAUSTIVE_SCHEDULE_H
#define HOLM_TESTS_EXHAUSTIVE_SCHEDULE_H

#include "tests/exhaustive/explore.h"
#include "tests/model/fixture.h"

#define SCHEDULE_ALPHABET_MAX 8

struct schedule_family {
    const char *name;
    struct holm_op alphabet[SCHEDULE_ALPHABET_MAX];
    size_t op_count;
};

struct schedule_size {
    size_t replicas, operations;
    size_t alphabet_max; /* only the first of each alphabet */
    bool arrivals_all;   /* every order of arrival; otherwise forwards, backwards, by state */
};

/* Prints the alphabet, runs all cases, prints and returns how many there were. */
uint64_t schedule_run(const struct schedule_family *family, const struct schedule_size *size);

/* The alphabets: one for each kind, and mixed ones. */
extern const struct schedule_family schedule_families[];
extern const size_t schedule_family_count;

#endif
