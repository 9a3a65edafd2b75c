/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_world.h - whole engines over the virtual network, in virtual time, in one thread.
 *
 * Every frame takes one millisecond, unless a test sets another path. The same seed gives the same
 * run.
 */
#ifndef HOLM_TESTS_UNIT_ENGINE_WORLD_H
#define HOLM_TESTS_UNIT_ENGINE_WORLD_H

#include "node/engine.h"
#include "node/random.h"
#include "sim/network.h"

#define WORLD_NODES 4 /* of world_new() */
#define WORLD_NODES_MAX 104
#define WORLD_PARTITIONS 4 /* of world_new() */
#define WORLD_BEACON_US 1000000u

struct world_heap { /* an allocator that counts, and fails when told to */
    size_t live_bytes;
    uint64_t allocations;
    uint64_t fail_at;   /* 0: never */
    uint64_t fail_more; /* so many behind that one fail, too */
};

struct end; /* a node's transport */

struct world_edge {
    uint32_t a, b;
};

struct world {
    uint32_t count; /* of nodes that there may be */
    uint32_t partitions;
    char names[WORLD_NODES_MAX][8];
    struct end *ends[WORLD_NODES_MAX];
    struct holm_engine *engines[WORLD_NODES_MAX]; /* NULL: dead */
    struct holm_engine_config configs[WORLD_NODES_MAX];
    struct holm_store *stores[WORLD_NODES_MAX]; /* NULL: the memory-only one */
    int64_t skew_ms[WORLD_NODES_MAX];           /* of the wall clock */
    struct holm_network *network;
    struct holm_network_path path; /* what a path is that is not cut */
    struct holm_now now;
    struct holm_random random;
    uint64_t due_us[WORLD_NODES_MAX]; /* while time runs: no engine has anything to do before */
    uint64_t trace;                   /* a hash of everything that arrived */
    struct world_heap heap;
    char log[16384];
    /* Sees every frame that leaves, before it does. */
    void (*leaving)(struct world *world, uint32_t from, const void *frame, size_t size);
    /* Sees every frame that arrives, before its engine does. */
    void (*arriving)(struct world *world, uint32_t to, const struct holm_transport_event *event);
    void *context;
};

struct world *world_new(uint64_t seed);
struct world *world_new_of(uint64_t seed, uint32_t count, uint32_t partitions);
/* Closes what is open; asserts that no memory is left. */
void world_free(struct world *world);

/* A life of a node, under an epoch of its own wall clock. */
void world_start(struct world *world, uint32_t index);
enum holm_status world_try_start(struct world *world, uint32_t index);
void world_join(struct world *world, uint32_t index, uint32_t seed);
/* Nodes 0 to count - 1, all of which dial node 0, until they are up. */
void world_cluster(struct world *world, uint32_t count);
void world_kill(struct world *world, uint32_t index);
void world_close(struct world *world, uint32_t index); /* with a farewell */
void world_path(struct world *world, uint32_t from, uint32_t to,
                const struct holm_network_path *path);
void world_cut(struct world *world, uint32_t a, uint32_t b, bool cut);
/* Only these pairs of nodes, and whoever is cut off by hand later, reach each other. */
void world_graph(struct world *world, const struct world_edge *edges, size_t count);
void world_split(struct world *world, uint32_t alone, bool cut);
/* Loses so many of all broadcasts from now on; takes every cut away. */
void world_lose(struct world *world, uint32_t permille);
/* Everything due at this very moment, without letting time pass. */
void world_settle(struct world *world);
void world_run(struct world *world, uint64_t duration_ms);
/* The same without checking an engine at the end, which takes as long as its state and op log are. */
void world_pass(struct world *world, uint64_t duration_ms);
/* Runs until all live engines have converged, at most so long; returns how many milliseconds it
 * took. Fails the test when it takes longer. */
uint64_t world_converge(struct world *world, uint64_t limit_ms);
bool world_converged(struct world *world);

/* A frame that the engine of `from` has not sent: over its link to another, or to all. */
void world_inject(struct world *world, uint32_t from, uint32_t to, bool broadcast,
                  const void *frame, size_t size);
struct holm_now world_now(const struct world *world, uint32_t index);
uint64_t world_wakes(const struct world *world, uint32_t index);
struct holm_stats world_stats(struct world *world, uint32_t index);

/* Counter "n" of a key. */
void world_add(struct world *world, uint32_t index, const char *key, int64_t amount);
int64_t world_sum(struct world *world, uint32_t index, const char *key);

#endif
