/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leavers.h - nodes that leave a world for good, step by step as holm_leave() has them leave.
 *
 *     asked      waits until it is a member with an empty journal, and all peers that are up have all it wrote
 *     saying     has told them, writes no more, and waits up to a second for them to hang up
 *     gone       is closed; the heal does not bring it back, but a later start may
 *
 * Whoever is gone must be forgotten by the others themselves if anybody was there to hear of it. Nobody may ask an
 * engine whether it has heard, so it is said from outside: a leave is sure if all who lived saw each other for three link
 * time-outs before it, and none of them died, froze, left or was cut off for so long after. Of the other ones an operator
 * must tell the members.
 */
#ifndef HOLM_SIM_WORLD_LEAVERS_H
#define HOLM_SIM_WORLD_LEAVERS_H

#include "sim/world/world.h"

#define HOLM_LEAVERS_NODES_MAX 64

/* Bits of nodes. All zero but `world` and `timeout_us`: nobody has asked. */
struct holm_leavers {
    struct holm_world *world; /* borrowed */
    uint64_t timeout_us;      /* of a link */
    uint64_t asked, saying, gone, sure;
    uint64_t standing; /* lived and were awake when last looked at */
    uint64_t calm_us;  /* since when they have seen each other */
    uint64_t said_us[HOLM_LEAVERS_NODES_MAX];
    uint64_t healed_us;
    uint64_t left, unheard; /* how many in all; of those, whose peers had not hung up in time */
};

/* A living node is to leave as soon as it may. */
void holm_leavers_ask(struct holm_leavers *leavers, uint32_t node);
/* A life of it ended, in whatever way. */
void holm_leavers_ended(struct holm_leavers *leavers, uint32_t node);
void holm_leavers_started(struct holm_leavers *leavers, uint32_t node);
/* Often. Who asked and may, says so; returns who is to be closed now, by holm_world_leave(). */
uint64_t holm_leavers_look(struct holm_leavers *leavers);
/* Nobody asks any more; returns who has said so, and is to be closed. */
uint64_t holm_leavers_heal(struct holm_leavers *leavers);

#endif
