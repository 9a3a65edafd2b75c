/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "sim/world/world_parts.h"

void holm_world_address(uint32_t node, char address[HOLM_ADDRESS_BYTES_MAX])
{
    (void)snprintf(address, HOLM_ADDRESS_BYTES_MAX, "virtual://%" PRIu32, node);
}

struct holm_network_path holm_world_path(const struct holm_world *world, uint32_t from, uint32_t to)
{
    char here[HOLM_ADDRESS_BYTES_MAX], there[HOLM_ADDRESS_BYTES_MAX];
    holm_world_address(from, here);
    holm_world_address(to, there);
    return holm_network_path_get(world->network, here, there);
}

void holm_world_path_set(struct holm_world *world, uint32_t from, uint32_t to,
                         const struct holm_network_path *path)
{
    char here[HOLM_ADDRESS_BYTES_MAX], there[HOLM_ADDRESS_BYTES_MAX];
    holm_world_address(from, here);
    holm_world_address(to, there);
    enum holm_status status = holm_network_path_set(world->network, here, there, path);
    HOLM_ASSERT(status == HOLM_OK);
}

void holm_world_cut(struct holm_world *world, uint32_t from, uint32_t to, bool cut)
{
    struct holm_network_path path = holm_world_path(world, from, to);
    path.cut = cut;
    holm_world_path_set(world, from, to, &path);
}

/* ---- clocks --------------------------------------------------------------------------------- */

static int64_t ahead_ms(const struct holm_world_node *node)
{
    int64_t since_us = (int64_t)(node->world->now_us - node->clock_us);
    return node->clock_ms + since_us / 1000 * node->clock_ppm / 1000000;
}

struct holm_now holm_world_clock(const struct holm_world *world, uint32_t node)
{
    const struct holm_world_node *own = world->nodes[node];
    int64_t wall_ms = (int64_t)(world->config.wall_ms + world->now_us / 1000) + ahead_ms(own);
    struct holm_now now = {.monotonic_us = world->now_us + HOLM_WORLD_START_US,
                           .wall_ms = wall_ms < 1 ? 1 : (uint64_t)wall_ms};
    return now;
}

void holm_world_clock_jump(struct holm_world *world, uint32_t node, int64_t by_ms)
{
    world->nodes[node]->clock_ms += by_ms;
}

void holm_world_clock_drift(struct holm_world *world, uint32_t node, int32_t ppm)
{
    struct holm_world_node *own = world->nodes[node];
    own->clock_ms = ahead_ms(own);
    own->clock_us = world->now_us;
    own->clock_ppm = ppm;
}
