/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_channel.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

/* sockaddr_un holds 108 bytes on Linux, the NUL and the publisher's ".pub" among them. */
#define IPC_PATH_BYTES_MAX ((size_t)103)
/* Room for the longest port after a shorter one was given. */
#define TCP_ADDRESS_BYTES_MAX ((size_t)HOLM_ADDRESS_BYTES_MAX - 6)

static bool port_is_usable(const char *text, bool to_listen)
{
    if (*text < '0' || *text > '9')
        return false;
    char *end = NULL;
    unsigned long port = strtoul(text, &end, 10);
    return *end == '\0' && port <= 65535 && (port > 0 || to_listen);
}

bool holm_address_is_usable(const char *address, bool to_listen)
{
    if (address == NULL)
        return false;
    size_t length = strnlen(address, HOLM_ADDRESS_BYTES_MAX);
    if (holm_address_is_ipc(address)) {
        /* Whoever subscribes does so to a path that already ends in ".pub". */
        size_t most = IPC_PATH_BYTES_MAX + (to_listen ? 0 : 4);
        return address[6] == '/' && length > 7 && length - 6 <= most;
    }
    const char *host = address + (holm_address_is_tls(address) ? 10 : 6);
    if ((strncmp(address, "tcp://", 6) != 0 && !holm_address_is_tls(address)) ||
        length > TCP_ADDRESS_BYTES_MAX)
        return false;
    const char *colon = strrchr(host, ':');
    return colon != NULL && colon > host && strchr(host, '/') == NULL &&
           port_is_usable(colon + 1, to_listen);
}

void holm_address_with_port(char result[HOLM_ADDRESS_BYTES_MAX], const char *address, int port)
{
    int host_bytes = (int)(strrchr(address, ':') - address);
    int written = snprintf(result, HOLM_ADDRESS_BYTES_MAX, "%.*s:%d", host_bytes, address, port);
    HOLM_ASSERT(written > 0 && written < HOLM_ADDRESS_BYTES_MAX);
}

void holm_address_of_publisher(char result[HOLM_ADDRESS_BYTES_MAX], const char *address)
{
    if (!holm_address_is_ipc(address)) {
        holm_address_with_port(result, address, 0);
        return;
    }
    size_t length = strlen(address);
    HOLM_ASSERT(length + 5 <= HOLM_ADDRESS_BYTES_MAX);
    memcpy(result, address, length);
    memcpy(result + length, ".pub", 5);
}

void holm_address_of_peer(char host[HOLM_HOST_BYTES_MAX], nng_stream *stream)
{
    nng_sockaddr peer;
    host[0] = '\0';
    if (nng_stream_get_addr(stream, NNG_OPT_REMADDR, &peer) != 0)
        return;
    if (peer.s_family == NNG_AF_INET)
        (void)inet_ntop(AF_INET, &peer.s_in.sa_addr, host, HOLM_HOST_BYTES_MAX);
    else if (peer.s_family == NNG_AF_INET6)
        holm_host_of_ipv6(host, peer.s_in6.sa_addr);
}

bool holm_address_of_caller(uint8_t address[HOLM_CALLER_BYTES], nng_stream *stream)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    nng_sockaddr peer;
    if (nng_stream_get_addr(stream, NNG_OPT_REMADDR, &peer) != 0)
        return false;
    if (peer.s_family == NNG_AF_INET) {
        memcpy(address, mapped, sizeof mapped);
        memcpy(address + sizeof mapped, &peer.s_in.sa_addr, sizeof peer.s_in.sa_addr);
        return true;
    }
    if (peer.s_family == NNG_AF_INET6)
        memcpy(address, peer.s_in6.sa_addr, HOLM_CALLER_BYTES);
    return peer.s_family == NNG_AF_INET6;
}

enum holm_status holm_status_of_nng(int error)
{
    switch (error) {
    case 0:
        return HOLM_OK;
    case NNG_ENOMEM:
        return HOLM_ENOMEM;
    case NNG_EADDRINUSE:
    case NNG_EADDRINVAL:
    case NNG_EPERM:
    case NNG_ENOENT:
    case NNG_EINVAL:
        return HOLM_EADDRESS;
    default:
        return HOLM_EIO;
    }
}
