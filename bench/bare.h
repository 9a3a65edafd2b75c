/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare.h - single replicas without a node around them, and the keys that are written to them.
 *
 * Keys are `k` and eight digits. They are made before anything is timed, and come either in the
 * order of their numbers or shuffled: the second visit of a key must not find memory in the order
 * in which the first one took it.
 */
#ifndef HOLM_BENCH_BARE_H
#define HOLM_BENCH_BARE_H

#include "crdt/replica.h"

#define BARE_KEY_BYTES 9

struct bare_keys {
    char (*texts)[BARE_KEY_BYTES + 1];
    uint32_t *shuffled;
    size_t count;
};

void bare_keys_make(struct bare_keys *keys, size_t count);
/* … of which only the first are shuffled, among themselves. */
void bare_keys_make_part(struct bare_keys *keys, size_t count, size_t shuffled);
void bare_keys_free(struct bare_keys *keys);

/* The key of a number below count. */
static inline struct holm_bytes bare_key(const struct bare_keys *keys, size_t number)
{
    return holm_mem(keys->texts[number], BARE_KEY_BYTES);
}
/* Each number below count once, as `index` goes from 0. */
static inline size_t bare_shuffled(const struct bare_keys *keys, size_t index)
{
    return keys->shuffled[index];
}

/* What an allocator has given and not got back. */
struct bare_meter {
    size_t blocks;
    size_t bytes; /* as asked for */
    size_t taken; /* as malloc takes it: rounded, with its own word */
};

/* Over malloc; with a meter, counted. The meter is borrowed for as long as the allocator is used. */
struct holm_allocator bare_allocator(struct bare_meter *meter);

/* A replica of node `node`, as a node opens one of its sixteen. flush_bytes of 0: the default. */
struct holm_replica *bare_open(uint64_t node, size_t flush_bytes, struct bare_meter *meter);
/* … with an op log of its own size. */
struct holm_replica *bare_open_small(uint64_t node, size_t log_bytes_max, struct bare_meter *meter);

/* Lets time go on to this, of which steps are told; returns how much that was. */
uint64_t bare_wait_until(uint64_t monotonic_us);

/* The time of the next step; goes on by 1 us. */
struct holm_now bare_now(void);

/* Steps; the program ends when the status is an error. Time goes on by 1 us a step. */
const struct holm_work *bare_step(struct holm_replica *replica, const struct holm_event *event);
const struct holm_work *bare_commit(struct holm_replica *replica, const struct holm_op *ops,
                                    size_t count);
const struct holm_work *bare_flush(struct holm_replica *replica);
const struct holm_work *bare_receive(struct holm_replica *replica, struct holm_delta *delta);

/* Puts number i to key i, for each below count, and seals. */
void bare_fill(struct holm_replica *replica, const struct bare_keys *keys, size_t count);

/* The whole state of `from`, merged into `to`; freeze and merge are timed apart, in ns. */
struct bare_times {
    double freeze;
    double merge;
};
struct bare_times bare_join(struct holm_replica *to, struct holm_replica *from);

#endif
