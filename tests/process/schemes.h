/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schemes.h - the same test over tcp and over tls+tcp.
 *
 *     const struct CMUnitTest tests[] = {ON_BOTH(test_node_when_it_dies_then_it_is_missed)};    *state is the scheme's name
 */
#ifndef HOLM_TESTS_PROCESS_SCHEMES_H
#define HOLM_TESTS_PROCESS_SCHEMES_H

#include "tests/process/api.h"
#include "tests/unit/certificates.h"

static char scheme_tcp[] = "tcp", scheme_tls[] = "tls+tcp";

#define ON_BOTH(test)                                                                              \
    {#test "/tcp", test, NULL, NULL, scheme_tcp},                                                  \
    {                                                                                              \
#test "/tls", test, NULL, NULL, scheme_tls                                                 \
    }

struct scheme {
    const char *name; /* scheme_tcp or scheme_tls */
    const struct certificates *certificates;
};

/* Opens a node that listens at `port` (0: any) of loopback. */
static inline struct holm_node *scheme_open(const struct scheme *scheme,
                                            const struct holm_config *wanted, unsigned port)
{
    struct holm_config config = *wanted;
    struct holm_transport_tls tls;
    struct holm_node *node = NULL;
    char listen[64];

    (void)snprintf(listen, sizeof listen, "%s://127.0.0.1:%u", scheme->name, port);
    config.listen = listen;
    if (scheme->name == scheme_tls) {
        tls = certificates_of(scheme->certificates, config.name);
        config.tls_certificate = tls.certificate;
        config.tls_key = tls.key;
        config.tls_ca = tls.ca;
    }
    assert_ok(holm_open(&config, &node));
    return node;
}

static inline unsigned scheme_port(struct holm_node *node)
{
    return (unsigned)strtoul(strrchr(holm_address(node), ':') + 1, NULL, 10);
}

#endif
