/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "sim/network.h"
#include "transport_contract.h"

static struct holm_network *network;
static char addresses[CONTRACT_PLACES][HOLM_ADDRESS_BYTES_MAX];

static const char *listen_at(unsigned place)
{
    return addresses[place];
}

static enum holm_status open_virtual(unsigned place, const struct holm_transport_config *config,
                                     struct holm_transport **transport)
{
    return holm_network_open(network, addresses[place], config, transport);
}

/* Lets virtual time pass until something is there. */
static void next(struct holm_transport *transport, uint64_t timeout_us,
                 struct holm_transport_event *event)
{
    uint64_t until_us = holm_network_now(network) + timeout_us;
    for (;;) {
        transport->ops->next(transport, timeout_us, event);
        uint64_t coming_us = holm_network_next_event(network);
        if (event->type != HOLM_TRANSPORT_NONE)
            return;
        if (coming_us > until_us)
            break;
        holm_network_advance(network, coming_us);
    }
    holm_network_advance(network, until_us);
}

int main(void)
{
    struct holm_transport_config config = holm_transport_config_default();
    if (holm_network_new(&network, &config.allocator, 1) != HOLM_OK)
        return 1;
    for (unsigned i = 0; i < CONTRACT_PLACES; i++)
        snprintf(addresses[i], sizeof addresses[i], "virtual://%u", i);
    const struct contract_network under_test = {
        .name = "virtual",
        .nowhere = "virtual://nobody",
        .listen = listen_at,
        .open = open_virtual,
        .next = next,
    };
    int failed = contract_run(&under_test);
    holm_network_free(network);
    return failed;
}
