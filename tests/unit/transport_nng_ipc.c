/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "transport/nng.h"
#include "transport_contract.h"

static char folder[] = "/tmp/holm-XXXXXX";
static char addresses[CONTRACT_PLACES][HOLM_ADDRESS_BYTES_MAX];
static char nowhere[HOLM_ADDRESS_BYTES_MAX];

static const char *listen_at(unsigned place)
{
    return addresses[place];
}

static enum holm_status open_nng(unsigned place, const struct holm_transport_config *config,
                                 struct holm_transport **transport)
{
    (void)place;
    return holm_transport_nng_open(config, transport);
}

static void next(struct holm_transport *transport, uint64_t timeout_us,
                 struct holm_transport_event *event)
{
    transport->ops->next(transport, timeout_us, event);
}

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    for (unsigned i = 0; i < CONTRACT_PLACES; i++)
        snprintf(addresses[i], sizeof addresses[i], "ipc://%s/%u", folder, i);
    snprintf(nowhere, sizeof nowhere, "ipc://%s/nobody", folder);
    const struct contract_network network = {
        .name = "ipc",
        .nowhere = nowhere,
        .listen = listen_at,
        .open = open_nng,
        .next = next,
    };
    int failed = contract_run(&network);
    /* Every socket file is gone when its transport is, so the folder is empty. */
    return rmdir(folder) == 0 ? failed : 1;
}
