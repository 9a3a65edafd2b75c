/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagrams.h - UDP to and from one multicast group, on one interface, by plain sockets.
 *
 *     eth0                          the default group: 239.255.72.79, port 61079
 *     eth0,239.255.1.2:7000         another one
 *     eth0,[ff15::4f:1]:7000        of IPv6
 *
 * nng 1.5.2 has no datagrams in its interface. The interface is always told: a machine with several would otherwise send
 * where its table of routes happens to point. Datagrams go one hop (TTL 1), and to the sender's own machine, too, where
 * several nodes may live.
 *
 * Invariants:
 *     D1  what came in by another interface is not taken: each datagram is asked for its own, since a system that matches
 *         the group alone (Linux, of IPv6) hands over what other programs' joining lets in
 *     D2  what is sent to this machine alone, or to another group, is not taken (on Linux)
 *
 * An interface that goes and comes back is another one to the system, by its index: holm_datagrams_stand() finds that
 * out, and who owns the socket opens it anew.
 */
#ifndef HOLM_TRANSPORT_DATAGRAMS_H
#define HOLM_TRANSPORT_DATAGRAMS_H

#include "transport/transport.h"

#define HOLM_INTERFACE_BYTES 16 /* of a name, with its NUL */
#define HOLM_DATAGRAMS_WHY_BYTES 96

struct holm_group {
    char interface[HOLM_INTERFACE_BYTES];
    char text[64]; /* 239.255.72.79:61079, [ff15::4f:1]:7000 */
    bool ipv6;
    uint8_t address[16]; /* in the network's order; IPv4: the first four */
    uint16_t port;
};

struct holm_datagrams {
    int fd;         /* -1: closed */
    unsigned index; /* of the interface, when it was opened */
};

/*
 * Reads IFACE[,GROUP:PORT]. Whether there is such an interface is not looked at. `text` is borrowed for the call.
 *   NULL   *group is set
 *   other  what is wrong with it, a text that is never freed; *group is not to be used
 */
const char *holm_group_parse(struct holm_group *group, struct holm_bytes text);

/*
 * Whether anything could ever be sent there. Two system calls.
 *   NULL   *loopback says whether it stays on this machine
 *   other  why not: no such interface, a text that is never freed; *loopback is as it was
 */
const char *holm_group_look(const struct holm_group *group, bool *loopback);

/* The address of the interface at which others on it reach this machine, as in URLs; "" when it has none, or the system
 * does not tell. One of IPv6 is looked for first if `ipv6`, those of one link apart. Some system calls. */
void holm_group_host(const struct holm_group *group, bool ipv6, char host[HOLM_HOST_BYTES_MAX]);

/*
 * Joins the group on the interface. `group` is borrowed for the call.
 *   true   it is open, the caller's to close; `why` is as it was
 *   false  `why` says what refused, and it is closed: fd is -1, closing it again is allowed
 */
bool holm_datagrams_open(struct holm_datagrams *datagrams, const struct holm_group *group,
                         char why[HOLM_DATAGRAMS_WHY_BYTES]);
/* Of one that open() has seen; a closed one is allowed. */
void holm_datagrams_close(struct holm_datagrams *datagrams);

/* Whether the interface is the one that it was opened on, and up. False: `why` says which of them is not so; it stays
 * open, to be closed by its owner. Some system calls. */
bool holm_datagrams_stand(const struct holm_datagrams *datagrams, const struct holm_group *group,
                          char why[HOLM_DATAGRAMS_WHY_BYTES]);

enum holm_datagrams_sent {
    HOLM_DATAGRAMS_SENT = 1,
    HOLM_DATAGRAMS_LOST, /* the system has no room for it now, as datagrams are lost anywhere */
    HOLM_DATAGRAMS_REFUSED /* `why` says by what: a firewall, no route ... It is open, and receives as before */
};

/* Sends to the group; does not wait. `bytes` are borrowed for the call, `why` is set for REFUSED alone. */
HOLM_NODISCARD enum holm_datagrams_sent holm_datagrams_send(const struct holm_datagrams *datagrams,
                                                            const struct holm_group *group,
                                                            struct holm_bytes bytes,
                                                            char why[HOLM_DATAGRAMS_WHY_BYTES]);

enum holm_datagrams_received {
    HOLM_DATAGRAMS_NOTHING = 0, /* none waits, or the system fails; *size is 0 */
    HOLM_DATAGRAMS_RECEIVED, /* *size is its size, also where that is beyond `capacity` and the rest is lost */
    HOLM_DATAGRAMS_ELSEWHERE /* one has gone that came in by another interface (D1); *size is 0 */
};

/* Takes a datagram, if one waits; does not wait. The buffer's bytes count for RECEIVED alone. */
HOLM_NODISCARD enum holm_datagrams_received holm_datagrams_receive(
    const struct holm_datagrams *datagrams, void *buffer, size_t capacity, size_t *size);

#endif
