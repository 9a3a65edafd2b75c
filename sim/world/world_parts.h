/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_parts.h - inside the world; for sim/world/world*.c alone.
 *
 *     world.c        the world, and how its time passes
 *     world_node.c   lives of nodes
 *     world_end.c    the transport between an engine and the network, which looks at all that passes
 *     world_fault.c  paths and clocks
 *     gate.c         chosen frames
 *     world_look.c   what is inside a node that its engine does not tell
 */
#ifndef HOLM_SIM_WORLD_WORLD_PARTS_H
#define HOLM_SIM_WORLD_WORLD_PARTS_H

#include "crdt/members.h"
#include "node/random.h"
#include "sim/world/world.h"

/* An engine takes a time of 0 for "never": its monotonic clock is so far ahead of the world's. */
#define HOLM_WORLD_START_US 1000000

struct holm_world_heap {
    size_t live_bytes, peak_bytes;
};

struct holm_world_end; /* a node's transport */
struct holm_gates;     /* all gates of a world */

struct holm_world_node {
    struct holm_world *world;
    uint32_t index;
    char name[64];
    struct holm_world_node_config config;
    struct holm_disk *disk;
    struct holm_world_heap heap;
    struct holm_engine *engine;
    struct holm_world_end *end;
    struct holm_observer observer;
    struct holm_witness witness; /* with retention `stable` */
    bool committing;             /* what the witness is told of was asked for from outside */
    bool paused;
    bool due_known; /* the engine was driven, and said when it is due */
    uint64_t due_us;
    uint32_t lives;
    uint32_t subscribers; /* of its publisher, of whichever life */
    uint64_t drives;
    int64_t clock_ms; /* how far its wall clock is ahead since clock_us … */
    uint64_t clock_us;
    int32_t clock_ppm; /* … and how much more with each microsecond */
};

/* The last seq of an ended epoch. */
struct holm_world_last {
    uint32_t partition;
    struct holm_founding founding; /* of the list that told of it */
    struct holm_dot dot;
};

struct holm_world {
    struct holm_world_config config;
    struct holm_allocator allocator;
    struct holm_network *network;
    struct holm_world_node **nodes;
    uint32_t count;
    size_t capacity;
    uint64_t now_us;
    uint64_t hash;
    struct holm_gates *gates;     /* NULL: none was set */
    struct holm_world_last *ends; /* that any member list has told of */
    size_t end_count, end_capacity;
    struct holm_world_readings readings;
};

/* world.c: adds it to the hash, and tells the hook. */
void holm_world_event(struct holm_world *world, struct holm_world_event *event);
/* A number of this seed, of a node's life, and of what it is for. */
uint64_t holm_world_number(const struct holm_world *world, uint32_t node, uint32_t life,
                           uint32_t purpose);

/* gate.c: judges what a node is about to send over a link, before it is packed. False: it is lost. What else
 * becomes of it holds for the very next frame that the network is given. */
HOLM_NODISCARD bool holm_gates_judge(struct holm_world *world, uint32_t from, uint32_t to,
                                     struct holm_bytes frame);
void holm_gates_free(struct holm_gates *gates); /* NULL is allowed */

/* world_end.c: the number in virtual://NUMBER; HOLM_WORLD_NOBODY when it is none. */
uint32_t holm_world_number_of(const char *address);
/* An open transport of a node, and its end. */
struct holm_world_end *holm_world_end_open(struct holm_world *world, uint32_t node);
struct holm_transport *holm_world_end_transport(struct holm_world_end *end);
/* Whether something has arrived there and was not taken. O(1). */
bool holm_world_end_waits(const struct holm_world_end *end);

#endif
