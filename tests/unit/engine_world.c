/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>
#include <cmocka.h>

#include "crdt/partition.h"
#include "node/engine_state.h"

/* Engines take a time of 0 for "never". */
#define START_US 1000000

/* A transport that passes everything on to the network's, and looks at it. */
struct end {
    struct holm_transport base;
    struct holm_transport *inner;
    struct world *world;
    uint32_t index;
    uint64_t wakes;
};

/* ---- memory --------------------------------------------------------------------------------- */

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct world_heap *heap = context;
    if (size_new > 0 && ++heap->allocations >= heap->fail_at && heap->fail_at > 0 &&
        heap->allocations - heap->fail_at <= heap->fail_more)
        return NULL;
    heap->live_bytes += size_new;
    heap->live_bytes -= size_old;
    if (size_new == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size_new);
}

/* ---- the tap -------------------------------------------------------------------------------- */

static struct end *end_of(struct holm_transport *transport)
{
    return (struct end *)(void *)transport;
}

static void leaving(struct end *end, const void *frame, size_t size)
{
    if (end->world->leaving != NULL)
        end->world->leaving(end->world, end->index, frame, size);
}

static const char *op_address(struct holm_transport *transport)
{
    struct holm_transport *inner = end_of(transport)->inner;
    return inner->ops->address(inner);
}

static const char *op_publisher(struct holm_transport *transport)
{
    struct holm_transport *inner = end_of(transport)->inner;
    return inner->ops->publisher(inner);
}

static enum holm_status op_dial(struct holm_transport *transport, const char *address,
                                struct holm_link_id *link)
{
    struct holm_transport *inner = end_of(transport)->inner;
    return inner->ops->link_dial(inner, address, link);
}

static enum holm_status op_send(struct holm_transport *transport, struct holm_link_id link,
                                const void *frame, size_t size)
{
    struct holm_transport *inner = end_of(transport)->inner;
    leaving(end_of(transport), frame, size);
    return inner->ops->link_send(inner, link, frame, size);
}

static void op_close(struct holm_transport *transport, struct holm_link_id link)
{
    struct holm_transport *inner = end_of(transport)->inner;
    inner->ops->link_close(inner, link);
}

static enum holm_status op_subscribe(struct holm_transport *transport, const char *publisher,
                                     struct holm_subscription_id *subscription)
{
    struct holm_transport *inner = end_of(transport)->inner;
    return inner->ops->subscribe(inner, publisher, subscription);
}

static void op_unsubscribe(struct holm_transport *transport,
                           struct holm_subscription_id subscription)
{
    struct holm_transport *inner = end_of(transport)->inner;
    inner->ops->unsubscribe(inner, subscription);
}

static enum holm_status op_broadcast(struct holm_transport *transport, const void *frame,
                                     size_t size)
{
    struct holm_transport *inner = end_of(transport)->inner;
    leaving(end_of(transport), frame, size);
    return inner->ops->broadcast(inner, frame, size);
}

static void op_next(struct holm_transport *transport, uint64_t timeout_us,
                    struct holm_transport_event *event)
{
    struct end *end = end_of(transport);
    end->inner->ops->next(end->inner, timeout_us, event);
    if (end->world->arriving != NULL && event->frame != NULL)
        end->world->arriving(end->world, end->index, event);
    end->world->trace = XXH3_64bits_withSeed(event->frame, event->frame_bytes,
                                             end->world->trace + end->world->now.monotonic_us +
                                                 (uint64_t)event->type * 16 + end->index);
}

static void op_release(struct holm_transport *transport, struct holm_transport_event *event)
{
    struct holm_transport *inner = end_of(transport)->inner;
    inner->ops->release(inner, event);
}

static void op_wake(struct holm_transport *transport)
{
    struct holm_transport *inner = end_of(transport)->inner;
    end_of(transport)->wakes++;
    inner->ops->wake(inner);
}

static void op_stats(struct holm_transport *transport, struct holm_transport_stats *stats)
{
    struct holm_transport *inner = end_of(transport)->inner;
    inner->ops->stats(inner, stats);
}

static void op_end(struct holm_transport *transport, uint64_t linger_us)
{
    struct holm_transport *inner = end_of(transport)->inner;
    inner->ops->close(inner, linger_us);
    free(transport);
}

static const struct holm_transport_ops ops = {
    .address = op_address,
    .publisher = op_publisher,
    .link_dial = op_dial,
    .link_send = op_send,
    .link_close = op_close,
    .subscribe = op_subscribe,
    .unsubscribe = op_unsubscribe,
    .broadcast = op_broadcast,
    .next = op_next,
    .release = op_release,
    .wake = op_wake,
    .stats = op_stats,
    .close = op_end,
};

/* ---- nodes ---------------------------------------------------------------------------------- */

static void hear_log(void *context, const struct holm_log_told *told)
{
    struct world *world = context;
    size_t used = strlen(world->log);
    snprintf(world->log + used, sizeof world->log - used, "%d %s\n", (int)told->level,
             told->sentence);
}

struct world *world_new(uint64_t seed)
{
    return world_new_of(seed, WORLD_NODES, WORLD_PARTITIONS);
}

struct world *world_new_of(uint64_t seed, uint32_t count, uint32_t partitions)
{
    assert_in_range(count, 1, WORLD_NODES_MAX);
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->count = count;
    world->partitions = partitions;
    struct holm_allocator plain = holm_transport_config_default().allocator;
    world->now = (struct holm_now){.monotonic_us = START_US, .wall_ms = 1700000000000};
    world->random.state = seed;
    assert_int_equal(holm_network_new(&world->network, &plain, seed), HOLM_OK);
    world->path.delay_us = 1000;
    holm_network_path_set_default(world->network, &world->path);
    for (uint32_t i = 0; i < world->count; i++) {
        struct holm_engine_config *config = &world->configs[i];
        /* a to z, then a1, b1, ... */
        int length = snprintf(world->names[i], sizeof world->names[i], i < 26 ? "%c" : "%c%u",
                              (int)('a' + i % 26), i / 26);
        assert_in_range(length, 1, 3);
        *config = holm_engine_config_default();
        config->allocator = (struct holm_allocator){resize, &world->heap};
        config->name = world->names[i];
        config->self.node.value = i + 1;
        config->partitions = partitions;
        config->peers_max = count < 16 ? 16 : count;
        config->log = (struct holm_log){.level = HOLM_LOG_INFO, .hear = hear_log, .context = world};
    }
    return world;
}

void world_free(struct world *world)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            world_kill(world, i);
    }
    holm_network_free(world->network);
    assert_int_equal(world->heap.live_bytes, 0);
    free(world);
}

struct holm_now world_now(const struct world *world, uint32_t index)
{
    struct holm_now now = world->now;
    now.wall_ms = (uint64_t)((int64_t)now.wall_ms + world->skew_ms[index]);
    return now;
}

static struct end *end_open(struct world *world, uint32_t index)
{
    struct holm_transport_config config = holm_transport_config_default();
    char address[HOLM_ADDRESS_BYTES_MAX];
    struct end *end = calloc(1, sizeof *end);
    assert_non_null(end);
    end->base.ops = &ops;
    end->world = world;
    end->index = index;
    snprintf(address, sizeof address, "virtual://%u", index);
    config.listen = address;
    assert_int_equal(holm_network_open(world->network, address, &config, &end->inner), HOLM_OK);
    return end;
}

enum holm_status world_try_start(struct world *world, uint32_t index)
{
    assert_null(world->engines[index]);
    struct end *end = end_open(world, index);
    struct holm_engine_config config = world->configs[index];
    config.random_seed = holm_random_next(&world->random);
    if (config.self.epoch.value == 0)
        config.self.epoch.value = world_now(world, index).wall_ms << 16 |
                                  (holm_random_next(&world->random) & 0xffff);
    struct holm_store *store = world->stores[index] == NULL ? holm_store_memory()
                                                            : world->stores[index];
    enum holm_status status = holm_engine_open(&config, &end->base, store, world_now(world, index),
                                               &world->engines[index]);
    if (status == HOLM_OK)
        world->ends[index] = end;
    else
        op_end(&end->base, 0);
    return status;
}

void world_start(struct world *world, uint32_t index)
{
    assert_int_equal(world_try_start(world, index), HOLM_OK);
}

void world_join(struct world *world, uint32_t index, uint32_t seed)
{
    char address[32];
    snprintf(address, sizeof address, "virtual://%u", seed);
    assert_int_equal(holm_engine_join(world->engines[index], address, world_now(world, index)),
                     HOLM_OK);
}

void world_cluster(struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        world_start(world, i);
    for (uint32_t i = 1; i < count; i++)
        world_join(world, i, 0);
    world_run(world, 1500);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(holm_engine_peers_up(world->engines[i]), count - 1);
}

void world_kill(struct world *world, uint32_t index)
{
    holm_engine_free(world->engines[index]);
    world->engines[index] = NULL;
    world->ends[index]->base.ops->close(&world->ends[index]->base, 0);
    world->ends[index] = NULL;
}

void world_close(struct world *world, uint32_t index)
{
    holm_engine_farewell(world->engines[index], world_now(world, index));
    world_kill(world, index);
}

void world_path(struct world *world, uint32_t from, uint32_t to,
                const struct holm_network_path *path)
{
    char here[32], there[32];
    snprintf(here, sizeof here, "virtual://%u", from);
    snprintf(there, sizeof there, "virtual://%u", to);
    assert_int_equal(holm_network_path_set(world->network, here, there, path), HOLM_OK);
}

void world_cut(struct world *world, uint32_t a, uint32_t b, bool cut)
{
    struct holm_network_path path = world->path;
    path.cut = cut;
    world_path(world, a, b, &path);
    world_path(world, b, a, &path);
}

void world_graph(struct world *world, const struct world_edge *edges, size_t count)
{
    for (uint32_t a = 0; a < world->count; a++) {
        for (uint32_t b = 0; b < a; b++) {
            bool edge = false;
            for (size_t i = 0; i < count; i++)
                edge |= (edges[i].a == a && edges[i].b == b) ||
                        (edges[i].a == b && edges[i].b == a);
            world_cut(world, a, b, !edge);
        }
    }
}

void world_split(struct world *world, uint32_t alone, bool cut)
{
    for (uint32_t i = 0; i < world->count; i++) {
        if (i != alone)
            world_cut(world, i, alone, cut);
    }
}

void world_lose(struct world *world, uint32_t permille)
{
    world->path.loss_permille = permille;
    for (uint32_t i = 0; i < world->count; i++) {
        for (uint32_t j = 0; j < world->count; j++) {
            if (i != j)
                world_path(world, i, j, &world->path);
        }
    }
}

/* ---- time ----------------------------------------------------------------------------------- */

static uint64_t drive(struct world *world, uint32_t index)
{
    struct holm_transport *transport = &world->ends[index]->base;
    struct holm_engine *engine = world->engines[index];
    bool heard = false;
    for (;;) {
        struct holm_transport_event event;
        transport->ops->next(transport, 0, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            break;
        heard = true;
        holm_engine_event(engine, &event, world_now(world, index));
        transport->ops->release(transport, &event);
    }
    if (!heard && world->due_us[index] > world->now.monotonic_us)
        return world->due_us[index];
    uint64_t due = 0;
    for (int i = 0; i < 8 && due <= world->now.monotonic_us; i++)
        due = holm_engine_tick(engine, world_now(world, index));
    assert_true(due > world->now.monotonic_us); /* nothing is due again and again */
    world->due_us[index] = due;
    return due;
}

/* The test may have made anything due. */
static void forget_due(struct world *world)
{
    memset(world->due_us, 0, sizeof world->due_us);
}

static uint64_t drive_all(struct world *world)
{
    uint64_t next = HOLM_NEVER;
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] == NULL)
            continue;
        uint64_t due = drive(world, i);
        next = due < next ? due : next;
    }
    return next;
}

void world_settle(struct world *world)
{
    forget_due(world);
    drive_all(world);
}

static void advance(struct world *world, uint64_t to_us)
{
    uint64_t before_ms = world->now.monotonic_us / 1000;
    world->now.monotonic_us = to_us;
    world->now.wall_ms += to_us / 1000 - before_ms;
    holm_network_advance(world->network, to_us - START_US);
}

static void run(struct world *world, uint64_t end_us, bool (*until)(struct world *world))
{
    forget_due(world);
    for (;;) {
        uint64_t next_us = drive_all(world);
        if (until != NULL && until(world))
            return;
        uint64_t event_us = holm_network_next_event(world->network);
        if (event_us != HOLM_NEVER && event_us + START_US < next_us)
            next_us = event_us + START_US;
        if (next_us >= end_us) {
            advance(world, end_us);
            return;
        }
        advance(world, next_us);
    }
}

void world_pass(struct world *world, uint64_t duration_ms)
{
    run(world, world->now.monotonic_us + duration_ms * 1000, NULL);
}

void world_run(struct world *world, uint64_t duration_ms)
{
    world_pass(world, duration_ms);
    holm_engine_check(world->engines[0] != NULL ? world->engines[0] : world->engines[1]);
}

bool world_converged(struct world *world)
{
    struct holm_stats first = {.digest = 0};
    bool begun = false;
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] == NULL)
            continue;
        for (uint32_t p = 0; p < world->partitions; p++) {
            bool pending = holm_replica_pending(holm_engine_lock(world->engines[i], p));
            holm_engine_unlock(world->engines[i], p);
            if (pending)
                return false;
        }
        struct holm_stats stats = world_stats(world, i);
        if (!begun)
            first = stats;
        begun = true;
        if (stats.digest != first.digest || stats.vector_hash != first.vector_hash ||
            stats.deltas_held != 0)
            return false;
        assert_int_equal(stats.digest_breaches, 0);
    }
    return true;
}

uint64_t world_converge(struct world *world, uint64_t limit_ms)
{
    uint64_t start_us = world->now.monotonic_us;
    run(world, start_us + limit_ms * 1000, world_converged);
    assert_true(world_converged(world));
    for (uint32_t i = 0; i < world->count; i++) {
        if (world->engines[i] != NULL)
            holm_engine_check(world->engines[i]);
    }
    return (world->now.monotonic_us - start_us) / 1000;
}

/* ---- reaching in ---------------------------------------------------------------------------- */

void world_inject(struct world *world, uint32_t from, uint32_t to, bool broadcast,
                  const void *frame, size_t size)
{
    struct holm_transport *inner = world->ends[from]->inner;
    if (broadcast) {
        assert_int_equal(inner->ops->broadcast(inner, frame, size), HOLM_OK);
        return;
    }
    struct holm_roster *roster = world->engines[from]->roster;
    uint32_t slot = holm_roster_slot(roster, holm_engine_self(world->engines[to]));
    struct holm_link_id link = holm_roster_route(roster, slot);
    assert_int_equal(inner->ops->link_send(inner, link, frame, size), HOLM_OK);
}

uint64_t world_wakes(const struct world *world, uint32_t index)
{
    return world->ends[index]->wakes;
}

struct holm_stats world_stats(struct world *world, uint32_t index)
{
    struct holm_stats stats;
    holm_engine_stats(world->engines[index], &stats);
    return stats;
}

void world_add(struct world *world, uint32_t index, const char *key, int64_t amount)
{
    struct holm_op op = holm_op_add(holm_str(key), holm_str("n"), amount);
    assert_int_equal(holm_engine_commit(world->engines[index],
                                        holm_partition_of(op.key, world->partitions), &op, 1,
                                        world_now(world, index), NULL),
                     HOLM_OK);
}

int64_t world_sum(struct world *world, uint32_t index, const char *key)
{
    uint32_t partition = holm_partition_of(holm_str(key), world->partitions);
    int64_t sum = 0;
    const struct holm_replica *replica = holm_engine_lock(world->engines[index], partition);
    enum holm_status status = holm_replica_count(replica, holm_str(key), holm_str("n"), &sum);
    holm_engine_unlock(world->engines[index], partition);
    assert_true(status == HOLM_OK || status == HOLM_ENOENT);
    return sum;
}
