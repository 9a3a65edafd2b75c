/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/transport.h"

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

struct holm_transport_config holm_transport_config_default(void)
{
    return (struct holm_transport_config){
        .allocator = {.resize = resize, .context = NULL},
        .listen = NULL,
        .frame_bytes_max = (size_t)1 << 20,
        .link_queue_bytes_max = (size_t)8 << 20,
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
                  config->dial_timeout_us > 0;
    return usable ? HOLM_OK : HOLM_EINVAL;
}
