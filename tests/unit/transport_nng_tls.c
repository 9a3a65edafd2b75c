/* SPDX-License-Identifier: Apache-2.0 */
/* The contract over tls+tcp: with certificates nothing is different but who may take part. */
#include "tests/unit/certificates.h"
#include "transport/nng.h"
#include "transport_contract.h"

static struct certificates ours;

static const char *listen_anywhere(unsigned place)
{
    (void)place;
    return "tls+tcp://127.0.0.1:0";
}

static enum holm_status open_nng(unsigned place, const struct holm_transport_config *config,
                                 struct holm_transport **transport)
{
    struct holm_transport_config with = *config;
    with.tls = certificates_of(&ours, place % 2 == 0 ? "lisbon" : "oslo");
    return holm_transport_nng_open(&with, transport);
}

static void next(struct holm_transport *transport, uint64_t timeout_us,
                 struct holm_transport_event *event)
{
    transport->ops->next(transport, timeout_us, event);
}

int main(void)
{
    const struct contract_network network = {
        .name = "tls",
        .nowhere = "tls+tcp://127.0.0.1:1",
        .listen = listen_anywhere,
        .open = open_nng,
        .next = next,
    };
    certificates_make(&ours, "lisbon", "oslo", NULL);
    int failed = contract_run(&network);
    certificates_remove(&ours);
    return failed;
}
