/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1 /* struct in6_pktinfo */

#include "transport/datagrams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define GROUP_DEFAULT "239.255.72.79:61079"

_Static_assert(HOLM_INTERFACE_BYTES == IF_NAMESIZE, "a name of an interface");

/* ---- what is written ------------------------------------------------------------------------ */

static const char *parse_port(struct holm_group *group, const char *text)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long port = strtoul(text, NULL, 10);
    if (digits == 0 || digits > 5 || text[digits] != '\0' || port == 0 || port > UINT16_MAX)
        return "has no port from 1 to 65535";
    group->port = (uint16_t)port;
    return NULL;
}

/* Of GROUP:PORT, which is cut in two. */
static const char *parse_group(struct holm_group *group, char *text)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL)
        return "has no port: write IFACE,GROUP:PORT";
    *colon = '\0';
    size_t size = strlen(text);
    group->ipv6 = size > 2 && text[0] == '[' && text[size - 1] == ']';
    if (group->ipv6) {
        text[size - 1] = '\0';
        text++;
    }
    if (inet_pton(group->ipv6 ? AF_INET6 : AF_INET, text, group->address) != 1)
        return "has no group of IPv4, or of IPv6 in [brackets]";
    if (group->ipv6 ? group->address[0] != 0xff : (group->address[0] & 0xf0) != 0xe0)
        return "has an address that is no multicast group (224.0.0.0/4, ff00::/8)";
    return parse_port(group, colon + 1);
}

const char *holm_group_parse(struct holm_group *group, struct holm_bytes text)
{
    const char *bytes = text.data;
    const char *comma = text.size == 0 ? NULL : memchr(bytes, ',', text.size);
    size_t name = comma == NULL ? text.size : (size_t)(comma - bytes);
    struct holm_bytes rest = comma == NULL ? holm_str(GROUP_DEFAULT)
                                           : holm_mem(comma + 1, text.size - name - 1);
    char copy[sizeof group->text];
    memset(group, 0, sizeof *group);
    if (name == 0 || name >= sizeof group->interface)
        return "has no name of an interface: write IFACE or IFACE,GROUP:PORT";
    if (rest.size >= sizeof copy || (rest.size > 0 && memchr(rest.data, '\0', rest.size) != NULL))
        return "has no group of IPv4, or of IPv6 in [brackets]";
    memcpy(group->interface, bytes, name);
    memcpy(group->text, rest.data == NULL ? "" : rest.data, rest.size);
    memcpy(copy, group->text, sizeof copy);
    return parse_group(group, copy);
}

/* ---- interfaces ----------------------------------------------------------------------------- */

/* Its flags; false: there is none of this name. */
static bool flags_of(const struct holm_group *group, short *flags)
{
    struct ifreq request;
    memset(&request, 0, sizeof request);
    memcpy(request.ifr_name, group->interface, sizeof group->interface);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool known = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &request) == 0;
    if (fd >= 0)
        (void)close(fd);
    *flags = known ? request.ifr_flags : 0;
    return known;
}

const char *holm_group_look(const struct holm_group *group, bool *loopback)
{
    short flags;
    if (!flags_of(group, &flags))
        return "there is no such interface";
    *loopback = (flags & IFF_LOOPBACK) != 0;
    return NULL;
}

static socklen_t address_of(const struct holm_group *group, unsigned index,
                            struct sockaddr_storage *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(group->port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(group->port)};
    memset(address, 0, sizeof *address);
    if (!group->ipv6) {
        memcpy(&in.sin_addr, group->address, sizeof in.sin_addr);
        memcpy(address, &in, sizeof in);
        return sizeof in;
    }
    memcpy(&in6.sin6_addr, group->address, sizeof in6.sin6_addr);
    in6.sin6_scope_id = index;
    memcpy(address, &in6, sizeof in6);
    return sizeof in6;
}

static bool set_number(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

/* What is sent goes out there. */
static bool choose_interface(int fd, bool ipv6, unsigned index)
{
    struct ip_mreqn request = {.imr_ifindex = (int)index};
    if (ipv6)
        return set_number(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, (int)index);
    return setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &request, sizeof request) == 0;
}

/* The first of the interface. */
static void host_of_ipv4(const char *interface, char host[HOLM_HOST_BYTES_MAX])
{
    struct ifreq request;
    struct sockaddr_in in;
    memset(&request, 0, sizeof request);
    (void)snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && ioctl(fd, SIOCGIFADDR, &request) == 0) {
        memcpy(&in, &request.ifr_addr, sizeof in);
        (void)inet_ntop(AF_INET, &in.sin_addr, host, HOLM_HOST_BYTES_MAX);
    }
    if (fd >= 0)
        (void)close(fd);
}

/* The system is asked with which address it would send: connecting such a socket sends nothing. A list of all
 * addresses would take a kind of socket that services are often denied. */
static void host_of_ipv6(unsigned index, char host[HOLM_HOST_BYTES_MAX])
{
    static const struct holm_group wide = {
        .ipv6 = true, .address = {0xff, 0x0e, [15] = 1}, .port = 9};
    struct sockaddr_storage address;
    struct sockaddr_in6 in6;
    socklen_t size = address_of(&wide, index, &address);
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && choose_interface(fd, true, index) &&
        connect(fd, (const struct sockaddr *)&address, size) == 0 &&
        getsockname(fd, (struct sockaddr *)&address, &size) == 0) {
        memcpy(&in6, &address, sizeof in6);
        holm_host_of_ipv6(host, in6.sin6_addr.s6_addr);
    }
    if (fd >= 0)
        (void)close(fd);
}

void holm_group_host(const struct holm_group *group, bool ipv6, char host[HOLM_HOST_BYTES_MAX])
{
    unsigned index = if_nametoindex(group->interface);
    host[0] = '\0';
    if (index != 0 && ipv6)
        host_of_ipv6(index, host);
    if (index != 0 && host[0] == '\0')
        host_of_ipv4(group->interface, host);
}

/* ---- sockets -------------------------------------------------------------------------------- */

static void tell_why(char why[HOLM_DATAGRAMS_WHY_BYTES], const char *what)
{
    char text[64] = "";
#if defined(__GLIBC__)
    const char *said = strerror_r(errno, text, sizeof text);
#else
    const char *said = strerror_r(errno, text, sizeof text) == 0 ? text : "an error without a name";
#endif
    (void)snprintf(why, HOLM_DATAGRAMS_WHY_BYTES, "%s: %s", what, said);
}

static bool limit_way(int fd, bool ipv6)
{
    if (ipv6)
        return set_number(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, 1) &&
               set_number(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, 1) &&
               set_number(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return set_number(fd, IPPROTO_IP, IP_MULTICAST_TTL, 1) &&
           set_number(fd, IPPROTO_IP, IP_MULTICAST_LOOP, 1);
}

/* Each datagram tells by which interface it came in. */
static bool ask_interface(int fd, bool ipv6)
{
    return ipv6 ? set_number(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)
                : set_number(fd, IPPROTO_IP, IP_PKTINFO, 1);
}

static bool join(int fd, const struct holm_group *group, unsigned index)
{
    if (group->ipv6) {
        struct ipv6_mreq request = {.ipv6mr_interface = index};
        memcpy(&request.ipv6mr_multiaddr, group->address, sizeof request.ipv6mr_multiaddr);
        return setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &request, sizeof request) == 0;
    }
    struct ip_mreqn request = {.imr_ifindex = (int)index};
    memcpy(&request.imr_multiaddr, group->address, sizeof request.imr_multiaddr);
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof request) == 0;
}

/* Not what other programs of this machine have joined. An older kernel knows less, and gets more to refuse. */
static void narrow(int fd, bool ipv6)
{
#ifdef IP_MULTICAST_ALL
    if (!ipv6)
        (void)set_number(fd, IPPROTO_IP, IP_MULTICAST_ALL, 0);
#endif
#ifdef IPV6_MULTICAST_ALL
    if (ipv6)
        (void)set_number(fd, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
#endif
}

/* NULL, or what refused. Bound to the group itself, it gets nothing that is sent to this machine alone. */
static const char *prepare(int fd, const struct holm_group *group, unsigned index)
{
    struct sockaddr_storage address;
    socklen_t size = address_of(group, index, &address);
    if (!set_number(fd, SOL_SOCKET, SO_REUSEADDR, 1) || !limit_way(fd, group->ipv6) ||
        !ask_interface(fd, group->ipv6))
        return "an option of the socket";
    narrow(fd, group->ipv6);
    if (bind(fd, (const struct sockaddr *)&address, size) != 0)
        return "cannot bind to the group";
    if (!choose_interface(fd, group->ipv6, index) || !join(fd, group, index))
        return "cannot join the group";
    return NULL;
}

bool holm_datagrams_open(struct holm_datagrams *datagrams, const struct holm_group *group,
                         char why[HOLM_DATAGRAMS_WHY_BYTES])
{
    datagrams->fd = -1;
    datagrams->index = if_nametoindex(group->interface);
    if (datagrams->index == 0) {
        (void)snprintf(why, HOLM_DATAGRAMS_WHY_BYTES, "there is no such interface");
        return false;
    }
    if (!holm_datagrams_stand(datagrams, group, why))
        return false;
    datagrams->fd = socket(group->ipv6 ? AF_INET6 : AF_INET,
                           SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const char *what = datagrams->fd < 0 ? "no socket"
                                         : prepare(datagrams->fd, group, datagrams->index);
    if (what == NULL)
        return true;
    tell_why(why, what);
    holm_datagrams_close(datagrams);
    return false;
}

void holm_datagrams_close(struct holm_datagrams *datagrams)
{
    if (datagrams->fd >= 0)
        (void)close(datagrams->fd);
    datagrams->fd = -1;
}

bool holm_datagrams_stand(const struct holm_datagrams *datagrams, const struct holm_group *group,
                          char why[HOLM_DATAGRAMS_WHY_BYTES])
{
    short flags;
    bool same = if_nametoindex(group->interface) == datagrams->index;
    if (same && flags_of(group, &flags) && (flags & IFF_UP) != 0)
        return true;
    (void)snprintf(why, HOLM_DATAGRAMS_WHY_BYTES,
                   same ? "the interface is down" : "the interface is gone, or a new one");
    return false;
}

enum holm_datagrams_sent holm_datagrams_send(const struct holm_datagrams *datagrams,
                                             const struct holm_group *group,
                                             struct holm_bytes bytes,
                                             char why[HOLM_DATAGRAMS_WHY_BYTES])
{
    struct sockaddr_storage address;
    socklen_t size = address_of(group, datagrams->index, &address);
    ssize_t sent = sendto(datagrams->fd, bytes.data, bytes.size, MSG_NOSIGNAL,
                          (const struct sockaddr *)&address, size);
    if (sent >= 0)
        return HOLM_DATAGRAMS_SENT;
    if (errno == EAGAIN || errno == ENOBUFS || errno == EINTR)
        return HOLM_DATAGRAMS_LOST;
    tell_why(why, "cannot send");
    return HOLM_DATAGRAMS_REFUSED;
}

/* Of the interface; 0: not told. */
static unsigned index_of(struct msghdr *message)
{
    struct in_pktinfo four;
    struct in6_pktinfo six;
    for (struct cmsghdr *said = CMSG_FIRSTHDR(message); said != NULL;
         said = CMSG_NXTHDR(message, said)) {
        if (said->cmsg_level == IPPROTO_IP && said->cmsg_type == IP_PKTINFO) {
            memcpy(&four, CMSG_DATA(said), sizeof four);
            return (unsigned)four.ipi_ifindex;
        }
        if (said->cmsg_level == IPPROTO_IPV6 && said->cmsg_type == IPV6_PKTINFO) {
            memcpy(&six, CMSG_DATA(said), sizeof six);
            return six.ipi6_ifindex;
        }
    }
    return 0;
}

enum holm_datagrams_received holm_datagrams_receive(const struct holm_datagrams *datagrams,
                                                    void *buffer, size_t capacity, size_t *size)
{
    union {
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
        struct cmsghdr aligned;
    } said;
    struct iovec room = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {.msg_iov = &room,
                             .msg_iovlen = 1,
                             .msg_control = said.bytes,
                             .msg_controllen = sizeof said.bytes};
    ssize_t received = recvmsg(datagrams->fd, &message, MSG_TRUNC);
    *size = 0;
    if (received < 0)
        return HOLM_DATAGRAMS_NOTHING;
    if (index_of(&message) != datagrams->index)
        return HOLM_DATAGRAMS_ELSEWHERE;
    *size = (size_t)received;
    return HOLM_DATAGRAMS_RECEIVED;
}
