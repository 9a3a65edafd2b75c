/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/network_parts.h"

#define SCHEME "virtual://"
#define SCHEME_BYTES (sizeof SCHEME - 1)

static enum holm_status add_place(struct holm_network *network, const char *address,
                                  struct holm_place **place)
{
    enum holm_status status = holm_array_reserve(&network->allocator, (void **)&network->places,
                                                 &network->places_capacity, sizeof *network->places,
                                                 network->places_count + 1);
    if (status != HOLM_OK)
        return status;
    struct holm_place *added = holm_allocate(&network->allocator, sizeof *added);
    if (added == NULL)
        return HOLM_ENOMEM;
    *added = (struct holm_place){.index = network->places_count};
    memcpy(added->address, address, strlen(address));
    network->places[network->places_count++] = added;
    *place = added;
    return HOLM_OK;
}

enum holm_status holm_place_find(struct holm_network *network, const char *address,
                                 struct holm_place **place)
{
    if (address == NULL || strncmp(address, SCHEME, SCHEME_BYTES) != 0)
        return HOLM_EADDRESS;
    size_t length = strlen(address);
    if (length == SCHEME_BYTES || length >= HOLM_ADDRESS_BYTES_MAX)
        return HOLM_EADDRESS;
    for (size_t i = 0; i < network->places_count; i++) {
        if (strcmp(network->places[i]->address, address) == 0) {
            *place = network->places[i];
            return HOLM_OK;
        }
    }
    return add_place(network, address, place);
}

const struct holm_network_path *holm_place_path(const struct holm_place *from,
                                                const struct holm_place *to,
                                                const struct holm_network *network)
{
    bool own = to->index < from->paths_capacity && from->paths[to->index] != NULL &&
               from->paths[to->index]->set;
    return own ? &from->paths[to->index]->path : &network->path_default;
}

enum holm_status holm_place_path_own(struct holm_place *from, const struct holm_place *to,
                                     struct holm_network *network, struct holm_place_path **path)
{
    size_t had = from->paths_capacity;
    enum holm_status status = holm_array_reserve(&network->allocator, (void **)&from->paths,
                                                 &from->paths_capacity, sizeof *from->paths,
                                                 to->index + 1);
    if (status != HOLM_OK)
        return status;
    for (size_t i = had; i < from->paths_capacity; i++)
        from->paths[i] = NULL;
    struct holm_place_path *own = from->paths[to->index];
    if (own == NULL) {
        own = holm_allocate(&network->allocator, sizeof *own);
        if (own == NULL)
            return HOLM_ENOMEM;
        *own = (struct holm_place_path){.set = false};
        from->paths[to->index] = own;
    }
    *path = own;
    return HOLM_OK;
}

uint64_t holm_place_path_wait_us(const struct holm_place *from, const struct holm_place *to,
                                 const struct holm_network *network, size_t bytes)
{
    uint64_t rate = holm_place_path(from, to, network)->bytes_per_s;
    if (rate == 0)
        return 0;
    const struct holm_place_path *own = to->index < from->paths_capacity ? from->paths[to->index]
                                                                         : NULL;
    uint64_t busy_us = own != NULL && own->busy_us > network->now_us
                           ? own->busy_us - network->now_us
                           : 0;
    return busy_us + (uint64_t)bytes * 1000000 / rate;
}

void holm_place_path_load(struct holm_place *from, const struct holm_place *to,
                          const struct holm_network *network, size_t bytes)
{
    uint64_t wait_us = holm_place_path_wait_us(from, to, network, bytes);
    if (wait_us > 0 && to->index < from->paths_capacity && from->paths[to->index] != NULL)
        from->paths[to->index]->busy_us = network->now_us + wait_us;
}
