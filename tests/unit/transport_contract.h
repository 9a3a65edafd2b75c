/* SPDX-License-Identifier: Apache-2.0 */
/*
 * transport_contract.h - what every transport must do, as tests that run against each.
 *
 * A test program fills in the network below and hands it over. Waiting is always for a condition:
 * `next` gives the next event of one transport, or none once the time is up; the virtual network
 * lets its own time pass there.
 */
#ifndef HOLM_TESTS_UNIT_TRANSPORT_CONTRACT_H
#define HOLM_TESTS_UNIT_TRANSPORT_CONTRACT_H

#include "transport/transport.h"

#define CONTRACT_PLACES 8

struct contract_network {
    const char *name;
    const char *nowhere; /* an address that can be read, but nobody is there */
    /* Where the transport with this number listens; may be one that picks its own port. */
    const char *(*listen)(unsigned place);
    enum holm_status (*open)(unsigned place, const struct holm_transport_config *config,
                             struct holm_transport **transport);
    void (*next)(struct holm_transport *transport, uint64_t timeout_us,
                 struct holm_transport_event *event);
};

/* Runs them all; returns how many failed. */
int contract_run(const struct contract_network *network);

#endif
