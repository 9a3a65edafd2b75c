/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng.h"
#include "transport_contract.h"

static const char *listen_anywhere(unsigned place)
{
    (void)place;
    return "tcp://127.0.0.1:0";
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
    const struct contract_network network = {
        .name = "tcp",
        .nowhere = "tcp://127.0.0.1:1",
        .listen = listen_anywhere,
        .open = open_nng,
        .next = next,
    };
    return contract_run(&network);
}
