/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "node/address.h"
#include "node/config.h"
#include "node/events.h"
#include "sim/testing/parts.h"

static struct holm_testing_life *life_of(const struct holm_node *node)
{
    return node->host_context;
}

/* ---- the host of a node --------------------------------------------------------------------- */

static struct holm_now host_now(const struct holm_node *node)
{
    return holm_world_clock(life_of(node)->world->world, life_of(node)->place);
}

static void host_wait(struct holm_node *node, uint64_t turn, uint64_t until_us)
{
    struct holm_testing *world = life_of(node)->world;
    uint64_t now_us = holm_node_now(node).monotonic_us;
    uint64_t to_us = holm_testing_now(world) + (until_us > now_us ? until_us - now_us : 0);
    while (!node->ended && node->wait_turn == turn && holm_testing_now(world) < to_us)
        (void)holm_testing_step(world, to_us);
}

static enum holm_status join(struct holm_testing *world, uint32_t place, struct holm_bytes address)
{
    uint32_t other;
    enum holm_status status = holm_testing_resolve(world, address, &other);
    if (status == HOLM_OK && other != place)
        holm_world_join(world->world, place, other);
    return status;
}

static enum holm_status host_join(struct holm_node *node, const char *address)
{
    return join(life_of(node)->world, life_of(node)->place, holm_str(address));
}

/* Nothing of the engine is there any more; the struct stays with whoever has it. */
static void end(struct holm_testing *world, uint32_t place)
{
    struct holm_testing_life *life = world->places[place]->life;
    holm_testing_timers_free(world, life);
    life->changed = NULL;
    world->places[place]->life = NULL;
    holm_node_end(life->node);
}

static void free_life(struct holm_testing_life *life)
{
    holm_node_free(life->node);
    free(life);
}

static void dispose(struct holm_testing_life *life)
{
    struct holm_testing_life **link = &life->world->lives;
    while (*link != life)
        link = &(*link)->next;
    *link = life->next;
    free_life(life);
}

static void host_close(struct holm_node *node)
{
    struct holm_testing_life *life = life_of(node);
    if (!node->ended) {
        holm_world_leave(life->world->world, life->place, false);
        end(life->world, life->place);
    }
    dispose(life);
}

static const struct holm_host host = {
    .now = host_now, .wait = host_wait, .join = host_join, .close = host_close};

/* ---- lives ---------------------------------------------------------------------------------- */

static void witness(void *context, const struct holm_receipt *receipt, const struct holm_op *ops,
                    size_t count)
{
    const struct holm_testing_life *life = context;
    holm_world_committed(life->world->world, life->place, receipt, ops, count);
}

static struct holm_testing_life *make_life(struct holm_testing *world, uint32_t place)
{
    struct holm_testing_life *life = holm_testing_allocate(world, sizeof *life);
    struct holm_log log = {.level = 0};
    *life = (struct holm_testing_life){.world = world, .place = place, .next = world->lives};
    if (holm_node_new(&log, &life->node) != HOLM_OK)
        holm_testing_fail(world, "no memory");
    life->node->host = &host;
    life->node->host_context = life;
    life->witness = (struct holm_witness){.committed = witness, .context = life};
    world->lives = life;
    return life;
}

static void configure(struct holm_testing *world, uint32_t place, struct holm_node *node)
{
    struct holm_world_node_config config = holm_world_node_config_default();
    holm_config_engine(&world->places[place]->config, &config.engine);
    config.node_id = config.engine.self.node.value;
    config.name = world->places[place]->name;
    config.engine.progress = holm_node_progress;
    config.engine.progress_context = node;
    config.engine.changed = holm_node_changed;
    config.engine.changed_context = node;
    holm_world_set(world->world, place, &config);
}

static void join_seeds(struct holm_testing *world, uint32_t place)
{
    struct holm_bytes list = holm_str(world->places[place]->seeds);
    struct holm_bytes address;
    while (holm_address_next(&list, &address))
        if (join(world, place, address) != HOLM_OK)
            holm_testing_fail(world, "%s has a seed that cannot be an address: '%.*s'",
                              world->places[place]->name, (int)address.size,
                              (const char *)address.data);
}

enum holm_status holm_testing_begin(struct holm_testing *world, uint32_t place)
{
    struct holm_testing_life *life = make_life(world, place);
    configure(world, place, life->node);
    enum holm_status status = holm_world_start(world->world, place);
    if (status != HOLM_OK) {
        dispose(life);
        return status;
    }
    life->node->engine = holm_world_engine(world->world, place);
    holm_world_tell(world->world, place, "is %s", world->places[place]->name);
    life->node->transport = holm_world_transport(world->world, place);
    world->places[place]->life = life;
    holm_engine_set_witness(life->node->engine, &life->witness);
    join_seeds(world, place);
    return HOLM_OK;
}

/* The world that was entered, for a hook that is told of none. */
static struct holm_testing *entered;

static enum holm_status open_in_entered(const struct holm_config *config, struct holm_node **node)
{
    return holm_testing_open(entered, config, node);
}

void holm_testing_enter(struct holm_testing *world)
{
    entered = world;
    holm_open_hook = world == NULL ? NULL : open_in_entered;
}

void holm_testing_left(const struct holm_testing *world)
{
    if (entered == world)
        holm_testing_enter(NULL);
}

enum holm_status holm_testing_open(struct holm_testing *world, const struct holm_config *config,
                                   struct holm_node **node)
{
    char line[256];
    uint32_t place;
    struct holm_config checked = *config;
    *node = NULL;
    /* What an address is in a world, places.c says. */
    checked.listen = checked.seeds = NULL;
    enum holm_status status = holm_config_check(&checked, line, sizeof line);
    if (status != HOLM_OK) {
        struct holm_log log = {
            .level = config->log_level, .write = config->log, .context = config->log_context};
        holm_log_tell(&log, (struct holm_now){.wall_ms = 0}, HOLM_LOG_CONFIG_REFUSED,
                      HOLM_LOG_VALUES(holm_log_text(line)));
        return status;
    }
    status = holm_testing_settle(world, config, &place);
    if (status == HOLM_OK)
        status = holm_testing_begin(world, place);
    if (status == HOLM_OK)
        *node = world->places[place]->life->node;
    return status;
}

struct holm_node *holm_testing_node(struct holm_testing *world, const char *name)
{
    uint32_t place = holm_testing_place_of(world, holm_str(name));
    return world->places[place]->life == NULL ? NULL : world->places[place]->life->node;
}

struct holm_node *holm_testing_restart(struct holm_testing *world, const char *name)
{
    uint32_t place = holm_testing_place_of(world, holm_str(name));
    if (world->places[place]->life != NULL)
        holm_testing_fail(world, "%s is open, and cannot be restarted", name);
    if (holm_testing_begin(world, place) != HOLM_OK)
        holm_testing_fail(world, "no memory");
    return world->places[place]->life->node;
}

static void demand_life(struct holm_testing *world, uint32_t place, const char *what)
{
    if (world->places[place]->life == NULL)
        holm_testing_fail(world, "%s does not live, and cannot %s", world->places[place]->name,
                          what);
}

static void crash(struct holm_testing *world, uint32_t place, void *context)
{
    (void)context;
    demand_life(world, place, "crash");
    holm_world_crash(world->world, place);
    end(world, place);
}

static void pause(struct holm_testing *world, uint32_t place, void *context)
{
    const bool *paused = context;
    demand_life(world, place, *paused ? "be paused" : "be resumed");
    if (*paused)
        holm_world_pause(world->world, place);
    else
        holm_world_resume(world->world, place);
}

/* NULL means all who can. */
static void to_living(struct holm_testing *world, const char *names,
                      void (*call)(struct holm_testing *world, uint32_t place, void *context),
                      void *context)
{
    for (uint32_t i = 0; names == NULL && i < world->place_count; i++)
        if (world->places[i]->life != NULL)
            call(world, i, context);
    if (names != NULL)
        holm_testing_each(world, names, call, context);
}

void holm_testing_crash(struct holm_testing *world, const char *names)
{
    to_living(world, names, crash, NULL);
}

void holm_testing_pause(struct holm_testing *world, const char *names)
{
    bool paused = true;
    to_living(world, names, pause, &paused);
}

void holm_testing_resume(struct holm_testing *world, const char *names)
{
    bool paused = false;
    to_living(world, names, pause, &paused);
}

void holm_testing_lives_free(struct holm_testing *world)
{
    for (uint32_t i = 0; i < world->place_count; i++)
        if (world->places[i]->life != NULL)
            crash(world, i, NULL);
    while (world->lives != NULL) {
        struct holm_testing_life *life = world->lives;
        world->lives = life->next;
        while (life->node->watches != NULL)
            holm_watch_close(life->node->watches);
        free_life(life);
    }
}
