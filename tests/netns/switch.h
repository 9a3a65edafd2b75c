/* SPDX-License-Identifier: Apache-2.0 */
/*
 * switch.h - a network switch in a process of its own: TAP devices in, wires (wire.h) between them.
 *
 *     room 0, eth0 = TAP 0 --+            +-- TAP 1 = eth0, room 1
 *                            +-- switch --+
 *     room 2, eth0 = TAP 2 --+   wire[from][to]
 *
 * The kernel here need have no netem. Station n has the MAC address 02:00:00:00:00:0n, so there is
 * nothing to learn: a frame goes to its station, any other to all. The settings of the wires lie in
 * memory that is shared with the switch: what is set holds for frames that enter from then on.
 *
 * The switch notes when TCP gets through on wires that are watched, for who wants to know what a
 * heal waits for. It dies with the process that started it.
 */
#ifndef HOLM_TESTS_NETNS_SWITCH_H
#define HOLM_TESTS_NETNS_SWITCH_H

#include <stddef.h>
#include <sys/types.h>

#include "tests/netns/wire.h"

#define SWITCH_PORTS_MAX 8u
#define SWITCH_MAC_PREFIX "\x02\0\0\0\0"

/* Monotonic microseconds of the first of its kind since it was 0. */
struct switch_sights {
    _Atomic uint64_t syn_us;    /* a connection is tried */
    _Atomic uint64_t synack_us; /* ... and stands */
};

struct switch_shared {
    struct wire wires[SWITCH_PORTS_MAX][SWITCH_PORTS_MAX];
    _Atomic bool watched[SWITCH_PORTS_MAX][SWITCH_PORTS_MAX];
    struct switch_sights sights;
    _Atomic uint64_t frames_passed, frames_lost, frames_cut;
    _Atomic uint64_t frames_full; /* lost because too many were under way */
};

struct tap_switch {
    pid_t pid;
    struct switch_shared *shared;
};

/* `taps` are descriptors of TAP devices without packet information, one a port; borrowed for the
 * call. False when the system refuses. */
bool tap_switch_open(struct tap_switch *made, const int *taps, size_t count, uint64_t seed);
void tap_switch_close(struct tap_switch *gone);

#endif
