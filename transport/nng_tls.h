/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng_tls.h - inside the nng transport: who may speak, by certificates.
 *
 *     listen   shows ours, demands one of the CA of whoever calls
 *     dial     shows ours, demands one of the CA of whoever answers
 *
 * A certificate admits to the cluster. It does not prove which node shows it: no name in it is looked
 * at, since a node is met under addresses that its operator does not know beforehand.
 *
 * TLS is nng's, by mbed TLS: version 1.2, cipher suites with forward secrecy and others. Its streams
 * complete an operation that is begun after they failed only once they are closed; a channel closes
 * its stream in the same breath as it breaks, and begins nothing on it afterwards (nng_channel.h, C4).
 */
#ifndef HOLM_TRANSPORT_NNG_TLS_H
#define HOLM_TRANSPORT_NNG_TLS_H

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>

#include "transport/transport.h"

struct holm_nng_tls {
    nng_tls_config *listen, *dial; /* NULL: there is no certificate */
};

/*
 * Reads the files, each of at most a mebibyte, and shows the certificate to itself over loopback:
 * what is of another CA or key is found now, not by a cluster that never meets. Takes 20 ms of
 * processor time, and blocks for 15 s at most. Without files there is nothing to do. Afterwards close it, whatever
 * came of it. *why is set to a sentence, static, about what is wrong.
 *   HOLM_EINVAL  a file is missing, cannot be read, or does not fit to the others
 *   HOLM_ENOMEM, HOLM_EIO
 */
HOLM_NODISCARD enum holm_status holm_nng_tls_open(struct holm_nng_tls *tls,
                                                  const struct holm_transport_tls *files,
                                                  const struct holm_allocator *allocator,
                                                  const char **why);
void holm_nng_tls_close(struct holm_nng_tls *tls);

#endif
