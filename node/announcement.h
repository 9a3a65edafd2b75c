/* SPDX-License-Identifier: Apache-2.0 */
/*
 * announcement.h - one datagram by which a node tells all on a network where it can be dialled.
 *
 *     0   4   "holm"                                     12  8  node            20  8  epoch
 *     4   1   version, 1                                 28  8  number          36  8  wall_ms
 *     5   1   bytes of the address, n                    44  n  address, as in Hello; none: it is not dialled
 *     6   6   zero                                       44+n 8 cluster's mark  52+n 32 voucher, of all before it
 *
 * Numbers are little-endian, and there is one way to write each announcement. A reader refuses all else: it looks at the
 * first 12 bytes, which must agree with the length, then at the voucher, and at the rest when that is found right. docs/WIRE.md says what it means.
 */
#ifndef HOLM_NODE_ANNOUNCEMENT_H
#define HOLM_NODE_ANNOUNCEMENT_H

#include "node/secret.h"
#include "transport/transport.h"

#define HOLM_ANNOUNCEMENT_BYTES_MIN (52 + HOLM_VOUCHER_BYTES)
#define HOLM_ANNOUNCEMENT_BYTES_MAX (HOLM_ANNOUNCEMENT_BYTES_MIN + HOLM_ADDRESS_BYTES_MAX - 1)

struct holm_announcement {
    struct holm_actor actor;
    uint64_t number;  /* of this one in the epoch, from 1: each is higher than those before */
    uint64_t wall_ms; /* the sender's clock */
    char address[HOLM_ADDRESS_BYTES_MAX]; /* "" or complete: no host that stands for all */
};

enum holm_announced {
    HOLM_ANNOUNCED = 0,
    HOLM_ANNOUNCED_MALFORMED,   /* or of a later version */
    HOLM_ANNOUNCED_UNAUTHENTIC, /* who sent it has another secret, or none */
    HOLM_ANNOUNCED_FOREIGN      /* of another cluster, with this secret */
};

/* Writes it; returns how many bytes. The address is at most HOLM_ADDRESS_BYTES_MAX - 1 long. */
size_t holm_announcement_encode(const struct holm_announcement *announcement,
                                struct holm_secret *secret,
                                uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX]);

/* *announcement is set for HOLM_ANNOUNCED alone. */
HOLM_NODISCARD enum holm_announced holm_announcement_decode(struct holm_bytes bytes,
                                                            struct holm_secret *secret,
                                                            struct holm_announcement *announcement);

#endif
