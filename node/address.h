/* SPDX-License-Identifier: Apache-2.0 */
/*
 * address.h - where nodes are found, as people write it.
 *
 *     tcp://HOST:PORT    HOST: a name, an IPv4 address, an IPv6 address in [brackets], or * for all
 *     tls+tcp://HOST:PORT  the same, with certificates
 *     ipc:///PATH        an absolute path of a socket
 *
 * Only the form is looked at here; the transport finds out whether it can be used.
 */
#ifndef HOLM_NODE_ADDRESS_H
#define HOLM_NODE_ADDRESS_H

#include "transport/transport.h"

/* Whether the form is right. Port 0 asks the system for one: only good for listening. */
bool holm_address_valid(struct holm_bytes address, bool listening);

/* Whether it is a valid address behind "dns+": dns+tcp://NAME:PORT, dns+tls+tcp://NAME:PORT. It stands for every
 * address of NAME, is good for seeds alone, and cannot be dialled itself. */
bool holm_address_is_name(struct holm_bytes address);
/* The NAME of such a one. */
void holm_address_host_of_name(char host[HOLM_ADDRESS_BYTES_MAX + 1], struct holm_bytes address);
/* tcp://host:PORT or tls+tcp://host:PORT of such a one; "" when it is too long. */
void holm_address_of_name(char result[HOLM_ADDRESS_BYTES_MAX + 1], struct holm_bytes address,
                          const char *host);

/* What the log says of an address that holm_address_is_exposed(), behind it. */
#define HOLM_ADDRESS_EXPOSED                                                                       \
    "is plain tcp off loopback, open to all on the way; write tls+tcp://, or set insecure"
/* Likewise, of tcp:// at a node that has a certificate, and of tls+tcp:// at one that has none. */
#define HOLM_ADDRESS_PLAIN                                                                         \
    "is plain tcp, and there is a certificate; write tls+tcp://, or set insecure"
#define HOLM_ADDRESS_BARE "needs tls_certificate, tls_key and tls_ca"

/* What is wrong with an address that is well formed, as above; or NULL. `tls`: there is a certificate. Of a name whether
 * it is exposed is not known before it is looked up. */
const char *holm_address_objection(struct holm_bytes address, bool tls, bool insecure);

/* tcp://HOST:PORT of http://HOST:PORT, as /metrics and /healthz have it; a slash may end it. False: it is none, or port 0 or
 * too long. */
bool holm_address_of_http(char result[HOLM_ADDRESS_BYTES_MAX + 1], const char *url);

/* Whether it leads to the machine itself: ipc, or loopback. */
bool holm_address_is_local(struct holm_bytes address);

/* Whether its host stands for all addresses of a machine: good for listening only. */
bool holm_address_is_wildcard(struct holm_bytes address);

/* Writes the address, which is a wildcard's, with another host; "" when that is empty or the result
 * is too long. */
void holm_address_with_host(char result[HOLM_ADDRESS_BYTES_MAX + 1], struct holm_bytes address,
                            const char *host);

/*
 * Takes the next address off a list with commas or white space between; false at the end. *address
 * points into the list, and is not checked.
 */
bool holm_address_next(struct holm_bytes *list, struct holm_bytes *address);

#endif
