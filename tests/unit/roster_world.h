/* SPDX-License-Identifier: Apache-2.0 */
/*
 * roster_world.h - rosters without engines: a few of them over wires of one millisecond, in
 * virtual time. Every Hello goes through the codec; every roster is checked after every step.
 */
#ifndef HOLM_TESTS_UNIT_ROSTER_WORLD_H
#define HOLM_TESTS_UNIT_ROSTER_WORLD_H

#include "node/roster.h"
#include "proto/codec.h"

#define WORLD_NODES 6
#define WORLD_REDIAL_US 1000000u
#define WORLD_TIMEOUT_US 3000000u

struct world_node {
    struct holm_roster *roster; /* NULL: dead */
    struct holm_roster_config config;
    char name[16], address[32], publisher[32];
    bool up[256]; /* by slot; some tests make members up */
    uint32_t ups, downs, dials, epochs, supersessions, subscribes, unsubscribes, hellos;
    char subscribed[HOLM_ADDRESS_BYTES_MAX + 1]; /* to which publisher it was last */
    char notes[8192];                            /* all lines */
    uint32_t changes[HOLM_PEER_FORGOTTEN + 1];   /* how often */
    uint64_t after_us;                           /* of the last change */
};

struct world_frame;

struct world {
    struct world_node nodes[WORLD_NODES];
    bool cut[WORLD_NODES][WORLD_NODES]; /* [from][to]: frames vanish */
    bool deaf[WORLD_NODES];             /* takes no dials */
    struct holm_now now;
    struct world_frame *first, *last; /* on their way, in order of arrival */
    struct world_wire {
        uint32_t dialler, acceptor;
        bool open;
    } wires[16384];
    uint32_t wire_count;
    uint64_t subscriptions;
    struct holm_encoder encoder;
};

struct world *world_new(void);
void world_free(struct world *world);

/* A life of node `index`, under an epoch made of the present time unless one is given. It is
 * configured by world->nodes[index].config, whose defaults are set when its name is still NULL. */
void world_start(struct world *world, uint32_t index, uint64_t epoch);
/* Its process dies: its wires break. */
void world_kill(struct world *world, uint32_t index);
void world_join(struct world *world, uint32_t index, uint32_t seed);
/* Cuts or heals both directions between two nodes: frames vanish, wires stay. */
void world_cut(struct world *world, uint32_t a, uint32_t b, bool cut);
void world_goodbye(struct world *world, uint32_t index, bool left);
/* Lets time pass. */
void world_run(struct world *world, uint64_t duration_ms);

/* Whether a knows b, and as what. */
enum holm_liveness world_liveness(struct world *world, uint32_t a, uint32_t b);
bool world_pair_up(struct world *world, uint32_t a, uint32_t b);
uint32_t world_open_wires(const struct world *world, uint32_t a, uint32_t b);
struct holm_actor world_actor(struct world *world, uint32_t index);
/* How often a text occurs in what a node noted. */
uint32_t world_noted(const struct world *world, uint32_t index, const char *text);

#endif
