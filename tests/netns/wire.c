/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/netns/wire.h"

/* Splitmix64. */
static uint64_t draw(uint64_t *random)
{
    uint64_t z = *random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void wire_seed(struct wire_state *state, uint64_t seed, uint32_t from, uint32_t to)
{
    *state = (struct wire_state){.random = seed};
    state->random = draw(&state->random) ^ ((uint64_t)from << 32 | to);
}

uint64_t wire_pass(struct wire *wire, struct wire_state *state, uint64_t now_us, uint32_t bytes)
{
    /* Two draws a frame, whatever comes of them: settings do not shift the fates of later frames. */
    uint64_t fate = draw(&state->random) % 1000000;
    uint64_t jitter_us = draw(&state->random) % ((uint64_t)atomic_load(&wire->jitter_us) + 1);
    uint32_t rate_kib_s = atomic_load(&wire->rate_kib_s);
    if (atomic_load(&wire->cut) || fate < atomic_load(&wire->loss_ppm))
        return WIRE_LOST;
    uint64_t sent_us = now_us;
    if (rate_kib_s > 0) {
        sent_us = state->busy_us > now_us ? state->busy_us : now_us;
        sent_us += (uint64_t)bytes * 1000000 / ((uint64_t)rate_kib_s * 1024);
        state->busy_us = sent_us;
    }
    uint64_t due_us = sent_us + atomic_load(&wire->delay_us) + jitter_us;
    if (due_us < state->last_us)
        due_us = state->last_us;
    state->last_us = due_us;
    return due_us;
}
