/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "node/address.h"
#include "node/config.h"
#include "sim/testing/parts.h"

static bool equal(const char *text, struct holm_bytes bytes)
{
    return bytes.size > 0 && strlen(text) == bytes.size &&
           memcmp(text, bytes.data, bytes.size) == 0;
}

static bool find_name(const struct holm_testing *world, struct holm_bytes name, uint32_t *place)
{
    for (uint32_t i = 0; i < world->place_count; i++) {
        *place = i;
        if (equal(world->places[i]->name, name))
            return true;
    }
    return false;
}

static bool find_address(const struct holm_testing *world, struct holm_bytes address,
                         uint32_t *place)
{
    char own[HOLM_ADDRESS_BYTES_MAX];
    for (uint32_t i = 0; i < world->place_count; i++) {
        *place = i;
        holm_world_address(i, own);
        if (equal(world->places[i]->listen, address) || equal(own, address))
            return true;
    }
    return false;
}

uint32_t holm_testing_place_of(const struct holm_testing *world, struct holm_bytes name)
{
    uint32_t place;
    if (!find_name(world, name, &place))
        holm_testing_fail(world, "nobody is called '%.*s'", (int)name.size,
                          (const char *)name.data);
    return place;
}

static enum holm_status add_place(struct holm_testing *world, uint32_t *place)
{
    struct holm_world_node_config config = holm_world_node_config_default();
    if (world->place_count == HOLM_WORLD_NODES_MAX)
        return HOLM_ELIMIT;
    void *room = realloc(world->places, (world->place_count + 1) * sizeof(void *));
    if (room == NULL)
        holm_testing_fail(world, "no memory");
    world->places = room;
    world->places[world->place_count] = holm_testing_allocate(world, sizeof **world->places);
    world->place_count++;
    *place = holm_world_add(world->world, &config);
    return HOLM_OK;
}

static void copy(char target[HOLM_TESTING_TEXT_BYTES], struct holm_bytes text)
{
    memset(target, 0, HOLM_TESTING_TEXT_BYTES);
    if (text.size > 0)
        memcpy(target, text.data, text.size);
}

enum holm_status holm_testing_resolve(struct holm_testing *world, struct holm_bytes address,
                                      uint32_t *place)
{
    if (address.size == 0 || address.size >= HOLM_TESTING_TEXT_BYTES)
        return HOLM_EADDRESS;
    if (find_name(world, address, place) || find_address(world, address, place))
        return HOLM_OK;
    enum holm_status status = add_place(world, place);
    if (status == HOLM_OK)
        copy(world->places[*place]->listen, address);
    return status;
}

/* Somebody may have dialled it before it was there, by its name or by its address. */
static enum holm_status find_or_add(struct holm_testing *world, const struct holm_config *config,
                                    uint32_t *place)
{
    struct holm_bytes name = holm_str(config->name);
    if (find_name(world, name, place))
        return HOLM_OK;
    if (find_address(world, name, place) && world->places[*place]->name[0] == '\0')
        return HOLM_OK;
    if (find_address(world, holm_str(config->listen), place) &&
        world->places[*place]->name[0] == '\0')
        return HOLM_OK;
    return add_place(world, place);
}

enum holm_status holm_testing_settle(struct holm_testing *world, const struct holm_config *config,
                                     uint32_t *number)
{
    struct holm_bytes listen = holm_str(config->listen);
    if (listen.size >= HOLM_TESTING_TEXT_BYTES)
        return HOLM_EADDRESS;
    enum holm_status status = find_or_add(world, config, number);
    if (status != HOLM_OK)
        return status;
    struct holm_testing_place *place = world->places[*number];
    if (place->life != NULL)
        return HOLM_EADDRESS;
    const char *seeds = config->seeds == NULL ? "" : config->seeds;
    char *kept = holm_testing_allocate(world, strlen(seeds) + 1);
    memcpy(kept, seeds, strlen(seeds) + 1);
    free(place->seeds);
    place->seeds = kept;
    copy(place->name, holm_str(config->name));
    copy(place->cluster, holm_str(config->cluster));
    if (listen.size > 0)
        copy(place->listen, listen);
    place->config = *config;
    place->config.name = place->name;
    place->config.cluster = place->cluster;
    place->config.listen = NULL;
    place->config.seeds = place->seeds;
    return HOLM_OK;
}

void holm_testing_each(struct holm_testing *world, const char *names,
                       void (*call)(struct holm_testing *world, uint32_t place, void *context),
                       void *context)
{
    struct holm_bytes list = holm_str(names);
    struct holm_bytes name;
    for (uint32_t i = 0; names == NULL && i < world->place_count; i++)
        if (world->places[i]->name[0] != '\0')
            call(world, i, context);
    while (holm_address_next(&list, &name))
        call(world, holm_testing_place_of(world, name), context);
}
