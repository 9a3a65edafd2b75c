/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rooms.h - network namespaces, one a node, and what joins them.
 *
 *     room 0, 10.77.0.1 eth0 == p0 --+
 *     room 1, 10.77.0.2 eth0 == p1 --+-- br0     ROOMS_BRIDGE: veth pairs and the kernel's bridge. Cuts
 *     room 2, 10.77.0.3 eth0 == p2 --+           are nftables' (iifname . oifname), so that ARP and
 *                                                multicast are cut, too.
 *                                                ROOMS_SWITCH: TAP devices and a switch of our own, with
 *                                                delay, jitter, loss and rate a direction (switch.h).
 *
 * The calling process moves into the namespace of the bridge, and stays there; none of it has a name
 * outside, so all is gone with the process and its children, however they end.
 */
#ifndef HOLM_TESTS_NETNS_ROOMS_H
#define HOLM_TESTS_NETNS_ROOMS_H

#include "tests/netns/switch.h"

#define ROOMS_MAX SWITCH_PORTS_MAX

enum rooms_kind {
    ROOMS_BRIDGE = 1,
    ROOMS_SWITCH = 2
};

struct rooms {
    enum rooms_kind kind;
    uint32_t count;
    int spaces[ROOMS_MAX]; /* namespaces */
    int taps[ROOMS_MAX];
    bool cut[ROOMS_MAX][ROOMS_MAX]; /* [from][to], once rooms_apply() was called */
    struct tap_switch tap_switch;
};

/* NULL, or why there can be none here: a program or a right is missing. */
const char *rooms_missing(enum rooms_kind kind);

/* Needs rooms_missing() to be NULL. False when the system refuses; stderr tells what. */
bool rooms_open(struct rooms *rooms, enum rooms_kind kind, uint32_t count, uint64_t seed);
void rooms_close(struct rooms *rooms);

/* Makes `cut` hold: all of it in one go. */
bool rooms_apply(struct rooms *rooms);

/* Runs a program to its end in a room, or where this process is; true when its status is 0. `arguments` ends with NULL. */
#define ROOMS_HERE UINT32_MAX
bool rooms_run(const struct rooms *rooms, uint32_t room, const char *const arguments[]);

/* In a child of this process, between fork and exec: into the room. */
bool rooms_enter(const struct rooms *rooms, uint32_t room);

/* A TCP connection from one room to the address of another, for who is not a node; -1: refused. It is the
 * caller's to close. */
int rooms_connect(const struct rooms *rooms, uint32_t from, uint32_t to, uint16_t port);

/* A TCP listener at the address of a room, for who takes the place of a node there; -1: refused. It is the caller's to
 * close. */
int rooms_listen(const struct rooms *rooms, uint32_t room, uint16_t port);

#endif
