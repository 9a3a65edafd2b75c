/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/transport.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    (void)context;
    (void)size_old;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

/* Four numbers of at most three digits, the first of them 127. A name that only begins like that is
 * none of ours, and neither is 127.1, which not every resolver reads alike. */
static bool is_loopback4(struct holm_bytes host)
{
    const char *text = host.data;
    size_t dots = 0, digits = 0;
    for (size_t i = 0; i < host.size; i++) {
        if (text[i] == '.' && digits > 0) {
            dots++;
            digits = 0;
        } else if (text[i] < '0' || text[i] > '9' || ++digits > 3) {
            return false;
        }
    }
    return dots == 3 && digits > 0 && memcmp(text, "127.", 4) == 0;
}

bool holm_address_is_exposed(struct holm_bytes address)
{
    const char *text = address.data;
    size_t end = address.size;
    if (address.size < 6 || memcmp(text, "tcp://", 6) != 0)
        return false;
    while (end > 6 && text[end - 1] != ':')
        end--;
    struct holm_bytes host = holm_mem(text + 6, end > 6 ? end - 7 : 0);
    return !is_loopback4(host) && !holm_bytes_equal(host, holm_str("localhost")) &&
           !holm_bytes_equal(host, holm_str("[::1]"));
}

void holm_host_of_ipv6(char host[HOLM_HOST_BYTES_MAX], const uint8_t bytes[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN];
    host[0] = '\0';
    if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        (void)inet_ntop(AF_INET, bytes + sizeof mapped, host, HOLM_HOST_BYTES_MAX);
        return;
    }
    if (bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80)
        return;
    if (inet_ntop(AF_INET6, bytes, text, sizeof text) != NULL)
        (void)snprintf(host, HOLM_HOST_BYTES_MAX, "[%s]", text);
}

struct holm_transport_config holm_transport_config_default(void)
{
    return (struct holm_transport_config){
        .allocator = {.resize = resize, .context = NULL},
        .listen = NULL,
        .frame_bytes_max = (size_t)1 << 20,
        .link_queue_bytes_max = (size_t)8 << 20,
        .links_queue_bytes_max = (size_t)256 << 20,
        .broadcast_queue_bytes_max = (size_t)32 << 20,
        .backlog_bytes_max = (size_t)32 << 20,
        .links_max = 512,
        .dial_timeout_us = 1000000,
        .random_seed = 1,
    };
}

enum holm_status holm_transport_config_check(const struct holm_transport_config *config)
{
    bool usable = config->allocator.resize != NULL && config->frame_bytes_max > 0 &&
                  config->frame_bytes_max <= HOLM_FRAME_BYTES_LIMIT &&
                  config->link_queue_bytes_max >=
                      config->frame_bytes_max + HOLM_LINK_PREFIX_BYTES &&
                  config->links_queue_bytes_max >= config->link_queue_bytes_max &&
                  config->dial_timeout_us > 0 && config->accepts_per_s <= 1000000 &&
                  (config->accepts_per_s == 0 || config->accepts_burst > 0);
    return usable ? HOLM_OK : HOLM_EINVAL;
}
