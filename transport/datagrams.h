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
 * several nodes may live; what comes in by another interface, or for another group, is not taken (on Linux).
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

/* Reads IFACE[,GROUP:PORT]. NULL, or what is wrong with it: a text that is never freed. Whether there is such an
 * interface is not looked at. */
const char *holm_group_parse(struct holm_group *group, struct holm_bytes text);

/* NULL, or why nothing could ever be sent there: no such interface. `loopback`: whether it stays on this machine. */
const char *holm_group_look(const struct holm_group *group, bool *loopback);

/* The address of the interface at which others on it reach this machine, as in URLs; "" when it has none. One of IPv6 is
 * looked for first if `ipv6`, those of one link apart. Some system calls. */
void holm_group_host(const struct holm_group *group, bool ipv6, char host[HOLM_HOST_BYTES_MAX]);

/* False: `why` says what refused, and it is closed. */
bool holm_datagrams_open(struct holm_datagrams *datagrams, const struct holm_group *group,
                         char why[HOLM_DATAGRAMS_WHY_BYTES]);
void holm_datagrams_close(struct holm_datagrams *datagrams);

/* Whether the interface is the one that it was opened on, and up. */
bool holm_datagrams_stand(const struct holm_datagrams *datagrams, const struct holm_group *group,
                          char why[HOLM_DATAGRAMS_WHY_BYTES]);

/* Does not wait: what the system has no room for is lost, as datagrams are. */
bool holm_datagrams_send(const struct holm_datagrams *datagrams, const struct holm_group *group,
                         struct holm_bytes bytes, char why[HOLM_DATAGRAMS_WHY_BYTES]);

/* Takes a datagram, if one waits; *size is its size, also where that is beyond `capacity` and the rest is lost. */
bool holm_datagrams_receive(const struct holm_datagrams *datagrams, void *buffer, size_t capacity,
                            size_t *size);

#endif
