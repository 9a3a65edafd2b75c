/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.h - an enemy in the world: a transport of its own, which dials nodes and sends them what it
 * likes.
 *
 * It has overheard frames of others, and sends them again, whole or with bytes changed; it sends
 * noise, Hellos of another cluster, frames that claim what they have not; and with a Hello that is
 * right it becomes a member, and tells of actors that it has made up, under keys of its own. What a
 * member may write is no attack: those operations stay, and the oracle does not know them.
 */
#ifndef HOLM_SIM_WORLD_HOSTILE_H
#define HOLM_SIM_WORLD_HOSTILE_H

#include "sim/world/checker.h"

struct holm_hostile;

/* Both are borrowed. Memory is asserted. */
struct holm_hostile *holm_hostile_new(struct holm_world *world, struct holm_judge *judge,
                                      uint64_t seed);
void holm_hostile_free(struct holm_hostile *hostile); /* NULL is allowed */

/* A frame that a node sends: some are kept. */
void holm_hostile_overhear(struct holm_hostile *hostile, const struct holm_world_event *event);
/* Does one thing to a node, drawn from `random`. NULL does nothing. */
void holm_hostile_attack(struct holm_hostile *hostile, uint32_t node, uint64_t random);
/* Hangs up for good. */
void holm_hostile_end(struct holm_hostile *hostile);

#endif
