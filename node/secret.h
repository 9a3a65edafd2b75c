/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret.h - what the nodes of a cluster share, and others do not know; it vouches for datagrams.
 *
 *     file --HMAC-SHA256--> a key for vouching, and the mark of a cluster's name, which so does not travel itself
 *
 * To change it without a stop there can be two: the first vouches, and what either vouches for is taken. The second is first the new
 * one, on all nodes, then the old one, and then gone.
 *
 *     old      old, new      new, old      new          each on all nodes, before the next on any
 *
 * The only place that calls mbed TLS, beside nng. Memory that has held the secret is cleared.
 *
 * Sources: RFC 2104 (HMAC), FIPS 180-4 (SHA-256).
 */
#ifndef HOLM_NODE_SECRET_H
#define HOLM_NODE_SECRET_H

#include "crdt/base.h"

#define HOLM_SECRET_BYTES_MIN 16
#define HOLM_SECRET_BYTES_MAX 1024
#define HOLM_VOUCHER_BYTES 32

struct holm_secret;

/*
 * Reads a secret: the bytes of the file, without white space at its end; or two, with an empty line between. Not thread-safe
 * afterwards.
 *   HOLM_EINVAL  it is no file, cannot be read to its end, may be read by everyone or written by others than its owner,
 *                one is shorter than HOLM_SECRET_BYTES_MIN or longer than HOLM_SECRET_BYTES_MAX, there are more than two, or
 *                more than 4,096 bytes with the white space; *why says which, a text that is never freed
 *   HOLM_ENOMEM
 * After both *secret is NULL.
 */
HOLM_NODISCARD enum holm_status holm_secret_open(const struct holm_allocator *allocator,
                                                 const char *path, const char *cluster,
                                                 struct holm_secret **secret, const char **why);
/* The same, of bytes: HOLM_EINVAL for their number alone. */
HOLM_NODISCARD enum holm_status holm_secret_new(const struct holm_allocator *allocator,
                                                struct holm_bytes bytes, const char *cluster,
                                                struct holm_secret **secret);
/* What this one vouches for is taken, too, from now on; it has none yet. HOLM_EINVAL and HOLM_ENOMEM as above; then nothing has
 * changed. */
HOLM_NODISCARD enum holm_status holm_secret_also(struct holm_secret *secret,
                                                 struct holm_bytes bytes, const char *cluster);
/* NULL is allowed. */
void holm_secret_free(struct holm_secret *secret);

/* The mark of the cluster's name, by the secret that vouches: who does not know the secret cannot tell the name by it. */
uint64_t holm_secret_cluster(const struct holm_secret *secret);

void holm_secret_vouch(struct holm_secret *secret, struct holm_bytes bytes,
                       uint8_t voucher[HOLM_VOUCHER_BYTES]);
/* Whether the voucher is that of the bytes, by either secret; it takes as long for each wrong one. *cluster: the mark of the
 * cluster's name, by the one that it is of. */
bool holm_secret_vouches(struct holm_secret *secret, struct holm_bytes bytes,
                         const uint8_t voucher[HOLM_VOUCHER_BYTES], uint64_t *cluster);

#endif
