/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h - schedules written down: this frame waits, that one is lost, the next comes twice.
 *
 *     struct holm_gate late = {.verdict = HOLM_NETWORK_HOLD, .from = 1 << 1, .to = 1 << 2,
 *                              .types = 1 << HOLM_MESSAGE_DELTA};
 *     uint32_t gate = holm_gate_set(world, &late);
 *     ...                                               n1 writes, and dies: n2 has not heard of it
 *     holm_gate_let_go(world, gate, 1);                 now the first of its runs arrives
 *     holm_gate_lift(world, gate);                      and all others
 *
 * A frame is judged when it is sent, by the gates in the order in which they were set; the first that it
 * matches decides, and one that none matches passes. What is held over a link holds up what follows it there,
 * and in the end the link, which a node hangs up on when it has been silent for too long: set its
 * link_timeout_us so. What was broadcast is overtaken. Who is no node (sim/network.h) is not judged.
 */
#ifndef HOLM_SIM_WORLD_GATE_H
#define HOLM_SIM_WORLD_GATE_H

#include "sim/world/world.h"

#define HOLM_GATES_MAX 32 /* of a world, lifted ones too */

enum holm_gate_way {
    HOLM_GATE_ANY = 0,
    HOLM_GATE_BROADCAST = 1,
    HOLM_GATE_LINK = 2
};

/* Which frames, and what becomes of them. All that is zero says nothing: any frame matches. */
struct holm_gate {
    enum holm_network_verdict verdict;
    uint64_t from, to; /* a bit for each node, for the first 64 */
    uint32_t types;    /* a bit, 1 << enum holm_message_type, each */
    enum holm_gate_way way;
    uint32_t skip;  /* so many pass before the first */
    uint32_t count; /* and it is open again after so many */
    /* It must not call the world. */
    bool (*match)(void *context, const struct holm_message *message);
    void *context;
};

/* Copied. Returns its number. */
uint32_t holm_gate_set(struct holm_world *world, const struct holm_gate *gate);
/* How many frames it has decided on so far; and how many it holds now. */
uint32_t holm_gate_hits(const struct holm_world *world, uint32_t gate);
size_t holm_gate_held(const struct holm_world *world, uint32_t gate);
/* The first `count` of what it holds go on, in their order. */
void holm_gate_let_go(struct holm_world *world, uint32_t gate, size_t count);
/* It decides on nothing any more; what it holds is held still. */
void holm_gate_end(struct holm_world *world, uint32_t gate);
/* Both: it is as if it had never been, but late. */
void holm_gate_lift(struct holm_world *world, uint32_t gate);

#endif
