/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loopback.h - whether the loopback interface carries multicast: in a bare container it may not.
 *
 *     loopback_needed();      skips the test, with a plain word, where it does not
 *
 * A plain socket is asked, and not what is tested.
 */
#ifndef HOLM_TESTS_UNIT_LOOPBACK_H
#define HOLM_TESTS_UNIT_LOOPBACK_H

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void loopback_needed(void)
{
    struct ip_mreqn lo = {.imr_ifindex = (int)if_nametoindex("lo")};
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(9)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    (void)inet_pton(AF_INET, "239.255.72.83", &lo.imr_multiaddr);
    group.sin_addr = lo.imr_multiaddr;
    bool carries = fd >= 0 && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &lo, sizeof lo) == 0 &&
                   setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &lo, sizeof lo) == 0 &&
                   sendto(fd, "", 0, 0, (const struct sockaddr *)&group, sizeof group) == 0;
    if (fd >= 0)
        (void)close(fd);
    if (carries)
        return;
    print_message("skipped: there is no multicast on loopback here\n");
    skip();
}

#endif
