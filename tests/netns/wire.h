/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - what one direction of a cable does to the frames that enter it.
 *
 *     in  --- lost? ---> queue at `rate` ---> `delay` + 0..`jitter` ---> out, in order
 *
 * Pure: the fate of the n-th frame follows from the seed of the direction, the settings and when it
 * came. Frames of a direction never overtake each other, as on a cable: jitter makes them bunch.
 *
 * The settings are atomic, so that one process can change what another plays.
 */
#ifndef HOLM_TESTS_NETNS_WIRE_H
#define HOLM_TESTS_NETNS_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define WIRE_LOST UINT64_MAX

struct wire {
    _Atomic bool cut;
    _Atomic uint32_t loss_ppm;
    _Atomic uint32_t delay_us;
    _Atomic uint32_t jitter_us;
    _Atomic uint32_t rate_kib_s; /* 0: as fast as can be */
};

struct wire_state {
    uint64_t random;
    uint64_t busy_us; /* the queue is empty from then on */
    uint64_t last_us; /* when the last frame leaves */
};

/* A direction of its own in the worlds of one seed. */
void wire_seed(struct wire_state *state, uint64_t seed, uint32_t from, uint32_t to);

/* When a frame of so many bytes that enters now comes out, or WIRE_LOST. */
uint64_t wire_pass(struct wire *wire, struct wire_state *state, uint64_t now_us, uint32_t bytes);

#endif
