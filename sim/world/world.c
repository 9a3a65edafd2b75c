/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "sim/world/world_parts.h"

/* An engine that is due again and again at one moment does not sleep: a bug. */
#define TICKS_MAX 16

struct holm_world_config holm_world_config_default(uint64_t seed)
{
    struct holm_world_config config = {.seed = seed, .wall_ms = 1700000000000};
    config.path = holm_network_path_default();
    config.path.delay_us = 1000;
    return config;
}

enum holm_status holm_world_new(const struct holm_world_config *config, struct holm_world **world)
{
    *world = NULL;
    struct holm_world *made = calloc(1, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    made->config = *config;
    made->allocator = holm_transport_config_default().allocator;
    made->hash = config->seed;
    enum holm_status status = holm_network_new(&made->network, &made->allocator, config->seed);
    if (status != HOLM_OK) {
        free(made);
        return status;
    }
    holm_network_path_set_default(made->network, &config->path);
    if (config->steady)
        holm_network_set_steady(made->network);
    *world = made;
    return HOLM_OK;
}

void holm_world_free(struct holm_world *world)
{
    if (world == NULL)
        return;
    world->config.hook.event = NULL;
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->nodes[i]->engine != NULL)
            holm_world_crash(world, i);
        holm_disk_free(world->nodes[i]->disk);
        free(world->nodes[i]);
    }
    holm_array_free(&world->allocator, world->nodes, world->capacity, sizeof(void *));
    holm_array_free(&world->allocator, world->ends, world->end_capacity, sizeof *world->ends);
    holm_network_free(world->network);
    holm_gates_free(world->gates);
    free(world);
}

/* ---- what happens --------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t hash, uint64_t number)
{
    struct holm_random random = {hash ^ number * UINT64_C(0x9e3779b97f4a7c15)};
    return holm_random_next(&random);
}

void holm_world_event(struct holm_world *world, struct holm_world_event *event)
{
    event->at_us = world->now_us;
    uint64_t hash = mixed(world->hash, world->now_us << 4 | (uint64_t)event->type);
    hash = mixed(hash, (uint64_t)event->node << 32 | event->peer);
    if (event->type == HOLM_WORLD_STARTED)
        hash = mixed(hash, event->self.epoch.value);
    if (event->frame.size > 0)
        hash = XXH3_64bits_withSeed(event->frame.data, event->frame.size, hash);
    if (event->text != NULL)
        hash = XXH3_64bits_withSeed(event->text, strlen(event->text), hash);
    if (event->receipt != NULL)
        hash = mixed(hash, event->receipt->first.seq << 8 | event->receipt->count);
    world->hash = hash;
    if (world->config.hook.event != NULL)
        world->config.hook.event(world->config.hook.context, event);
}

void holm_world_tell(struct holm_world *world, uint32_t node, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct holm_world_event event = {
        .type = HOLM_WORLD_FAULT, .node = node, .peer = HOLM_WORLD_NOBODY, .text = text};
    holm_world_event(world, &event);
}

uint64_t holm_world_hash(const struct holm_world *world)
{
    return world->hash;
}

uint64_t holm_world_number(const struct holm_world *world, uint32_t node, uint32_t life,
                           uint32_t purpose)
{
    return mixed(mixed(world->config.seed, (uint64_t)node << 32 | life), purpose);
}

uint64_t holm_world_now_us(const struct holm_world *world)
{
    return world->now_us;
}

struct holm_network *holm_world_network(struct holm_world *world)
{
    return world->network;
}

uint32_t holm_world_count(const struct holm_world *world)
{
    return world->count;
}

/* ---- time ----------------------------------------------------------------------------------- */

/* Hands a node what has arrived, and lets it do what is due. */
static void drive(struct holm_world *world, struct holm_world_node *node)
{
    bool due = !node->due_known || node->due_us <= world->now_us + HOLM_WORLD_START_US;
    if (!due && !holm_world_end_waits(node->end))
        return;
    struct holm_transport *transport = holm_world_end_transport(node->end);
    struct holm_now now = holm_world_clock(world, node->index);
    for (;;) {
        struct holm_transport_event event;
        transport->ops->next(transport, 0, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            break;
        holm_engine_event(node->engine, &event, now);
        transport->ops->release(transport, &event);
        due = true;
    }
    if (!due)
        return;
    node->drives++;
    uint64_t due_us = 0;
    for (int i = 0; i < TICKS_MAX && due_us <= now.monotonic_us; i++)
        due_us = holm_engine_tick(node->engine, now);
    HOLM_ASSERT(due_us > now.monotonic_us);
    node->due_us = due_us;
    node->due_known = true;
}

/* Everything that is due at this moment; returns when the next is. */
static uint64_t settle(struct holm_world *world)
{
    uint64_t next_us = HOLM_NEVER;
    for (uint32_t i = 0; i < world->count; i++) {
        struct holm_world_node *node = world->nodes[i];
        if (node->engine == NULL || node->paused)
            continue;
        drive(world, node);
        if (node->due_us - HOLM_WORLD_START_US < next_us)
            next_us = node->due_us - HOLM_WORLD_START_US;
    }
    uint64_t event_us = holm_network_next_event(world->network);
    return event_us < next_us ? event_us : next_us;
}

uint64_t holm_world_next_us(struct holm_world *world)
{
    uint64_t next_us = settle(world);
    return next_us < world->now_us ? world->now_us : next_us;
}

void holm_world_run(struct holm_world *world, uint64_t to_us)
{
    HOLM_ASSERT(to_us >= world->now_us);
    for (;;) {
        uint64_t next_us = settle(world);
        if (next_us > to_us)
            break;
        world->now_us = next_us < world->now_us ? world->now_us : next_us;
        holm_network_advance(world->network, world->now_us);
    }
    world->now_us = to_us;
    holm_network_advance(world->network, to_us);
}

bool holm_world_run_until(struct holm_world *world, uint64_t to_us, uint64_t poll_us,
                          bool (*done)(void *context, struct holm_world *world), void *context)
{
    HOLM_ASSERT(poll_us > 0);
    while (!done(context, world)) {
        if (world->now_us >= to_us)
            return false;
        uint64_t next_us = world->now_us + poll_us;
        holm_world_run(world, next_us < to_us ? next_us : to_us);
    }
    return true;
}

/* ---- looking -------------------------------------------------------------------------------- */

/* What all must have alike, of one partition. */
struct likeness {
    bool known;
    uint64_t vector_hash;
    struct holm_digest digest;
};

static bool alike(struct holm_engine *engine, uint32_t partition, struct likeness *likeness)
{
    const struct holm_replica *replica = holm_engine_lock(engine, partition);
    struct likeness own = {.known = true,
                           .vector_hash = holm_replica_vector_hash(replica),
                           .digest = holm_replica_digest(replica)};
    bool sealed = !holm_replica_pending(replica);
    holm_engine_unlock(engine, partition);
    if (!likeness->known)
        *likeness = own;
    return sealed && own.vector_hash == likeness->vector_hash &&
           own.digest.low == likeness->digest.low && own.digest.high == likeness->digest.high;
}

static bool agree_in(struct holm_world *world, uint64_t nodes, uint32_t partition)
{
    struct likeness likeness = {.known = false};
    for (uint32_t i = 0; i < world->count && i < 64; i++) {
        struct holm_engine *engine = world->nodes[i]->engine;
        if ((nodes >> i & 1) != 0 && !alike(engine, partition, &likeness))
            return false;
    }
    return true;
}

bool holm_world_living_agree(struct holm_world *world)
{
    uint32_t partitions = world->count == 0 ? 0 : world->nodes[0]->config.engine.partitions;
    bool agree = true;
    for (uint32_t p = 0; p < partitions; p++) {
        struct likeness likeness = {.known = false};
        for (uint32_t i = 0; agree && i < world->count; i++) {
            struct holm_world_node *node = world->nodes[i];
            agree = node->engine == NULL || (!node->paused && alike(node->engine, p, &likeness));
        }
    }
    return agree;
}

bool holm_world_agree(struct holm_world *world, uint64_t nodes)
{
    uint32_t partitions = 0;
    for (uint32_t i = 0; i < world->count && i < 64; i++) {
        if ((nodes >> i & 1) == 0)
            continue;
        if (world->nodes[i]->engine == NULL || world->nodes[i]->paused)
            return false;
        partitions = holm_engine_partitions(world->nodes[i]->engine);
    }
    for (uint32_t p = 0; p < partitions; p++) {
        if (!agree_in(world, nodes, p))
            return false;
    }
    return true;
}
