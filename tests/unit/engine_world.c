/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>
#include <cmocka.h>

#include "crdt/partition.h"

#define LATENCY_US 1000
#define LINKS_MAX 64
#define SUBSCRIPTIONS_MAX 32

/* What is on its way to an end, and then waits there as an event. */
struct parcel {
    struct parcel *next;
    uint64_t at_us;
    struct end *to;
    struct holm_transport_event event;
    unsigned char bytes[];
};

struct link {
    uint64_t id; /* the far end's is `far_id` */
    uint64_t far_id;
    struct end *far; /* NULL: broken */
};

struct end {
    struct holm_transport base;
    struct world *world;
    uint32_t index;
    uint32_t life;
    char address[32], publisher[32];
    struct link links[LINKS_MAX];
    size_t link_count;
    struct {
        uint64_t id;
        char publisher[32];
    } subscriptions[SUBSCRIPTIONS_MAX];
    size_t subscription_count;
    struct parcel *first, *last; /* arrived */
    struct holm_transport_stats stats;
    uint64_t wakes;
    bool dead;
};

/* ---- memory --------------------------------------------------------------------------------- */

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct world_heap *heap = context;
    if (size_new > 0 && ++heap->allocations == heap->fail_at)
        return NULL;
    heap->live_bytes += size_new;
    heap->live_bytes -= size_old;
    if (size_new == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size_new);
}

/* ---- the network ---------------------------------------------------------------------------- */

static struct parcel *parcel_new(struct end *to, enum holm_transport_event_type type,
                                 const void *frame, size_t size)
{
    struct parcel *parcel = calloc(1, sizeof *parcel + size);
    assert_non_null(parcel);
    parcel->to = to;
    parcel->at_us = to->world->now.monotonic_us + LATENCY_US;
    parcel->event.type = type;
    parcel->event.frame = parcel->bytes;
    parcel->event.frame_bytes = size;
    parcel->event.owned = parcel;
    if (size > 0)
        memcpy(parcel->bytes, frame, size);
    return parcel;
}

static void append(struct parcel **first, struct parcel **last, struct parcel *parcel)
{
    parcel->next = NULL;
    if (*first == NULL)
        *first = parcel;
    else
        (*last)->next = parcel;
    *last = parcel;
}

static void ship(struct parcel *parcel)
{
    struct world *world = parcel->to->world;
    append(&world->first, &world->last, parcel);
}

static struct end *end_of(struct holm_transport *transport)
{
    return (struct end *)(void *)transport;
}

static struct link *link_find(struct end *end, uint64_t id)
{
    for (size_t i = 0; i < end->link_count; i++) {
        if (end->links[i].id == id)
            return &end->links[i];
    }
    return NULL;
}

static void link_remove(struct end *end, uint64_t id)
{
    struct link *link = link_find(end, id);
    if (link != NULL)
        *link = end->links[--end->link_count];
}

static uint64_t link_add(struct end *end, struct end *far, uint64_t id, uint64_t far_id)
{
    assert_true(end->link_count < LINKS_MAX);
    end->links[end->link_count++] = (struct link){id, far_id, far};
    return id;
}

static const char *op_address(struct holm_transport *transport)
{
    return end_of(transport)->address;
}

static const char *op_publisher(struct holm_transport *transport)
{
    return end_of(transport)->publisher;
}

static enum holm_status op_dial(struct holm_transport *transport, const char *address,
                                struct holm_link_id *link)
{
    struct end *end = end_of(transport);
    struct world *world = end->world;
    struct end *far = NULL;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (world->engines[i] != NULL && strcmp(world->ends[i]->address, address) == 0)
            far = world->ends[i];
    }
    link->value = ++world->links;
    if (far == NULL) {
        struct parcel *parcel = parcel_new(end, HOLM_TRANSPORT_LINK_CLOSED, NULL, 0);
        parcel->event.link = *link;
        ship(parcel);
        return HOLM_OK;
    }
    uint64_t far_id = ++world->links;
    link_add(end, far, link->value, far_id);
    link_add(far, end, far_id, link->value);
    struct parcel *here = parcel_new(end, HOLM_TRANSPORT_LINK_UP, NULL, 0);
    here->event.link = *link;
    ship(here);
    struct parcel *there = parcel_new(far, HOLM_TRANSPORT_LINK_UP, NULL, 0);
    there->event.link.value = far_id;
    there->event.accepted = true;
    ship(there);
    return HOLM_OK;
}

static enum holm_status op_send(struct holm_transport *transport, struct holm_link_id id,
                                const void *frame, size_t size)
{
    struct end *end = end_of(transport);
    struct link *link = link_find(end, id.value);
    if (link == NULL || link->far == NULL)
        return HOLM_ECLOSED;
    if (end->world->leaving != NULL)
        end->world->leaving(end->world, end->index, frame, size);
    end->stats.bytes_sent += size;
    if (end->world->cut[end->index][link->far->index])
        return HOLM_OK;
    struct parcel *parcel = parcel_new(link->far, HOLM_TRANSPORT_LINK_FRAME, frame, size);
    parcel->event.link.value = link->far_id;
    ship(parcel);
    return HOLM_OK;
}

static void op_close(struct holm_transport *transport, struct holm_link_id id)
{
    struct end *end = end_of(transport);
    struct link *link = link_find(end, id.value);
    if (link == NULL)
        return;
    if (link->far != NULL) {
        struct parcel *parcel = parcel_new(link->far, HOLM_TRANSPORT_LINK_CLOSED, NULL, 0);
        parcel->event.link.value = link->far_id;
        link_find(link->far, link->far_id)->far = NULL;
        ship(parcel);
    }
    link_remove(end, id.value);
}

static enum holm_status op_subscribe(struct holm_transport *transport, const char *publisher,
                                     struct holm_subscription_id *subscription)
{
    struct end *end = end_of(transport);
    assert_true(end->subscription_count < SUBSCRIPTIONS_MAX);
    subscription->value = ++end->world->links;
    end->subscriptions[end->subscription_count].id = subscription->value;
    snprintf(end->subscriptions[end->subscription_count++].publisher, 32, "%s", publisher);
    return HOLM_OK;
}

static void op_unsubscribe(struct holm_transport *transport, struct holm_subscription_id id)
{
    struct end *end = end_of(transport);
    for (size_t i = 0; i < end->subscription_count; i++) {
        if (end->subscriptions[i].id == id.value) {
            end->subscriptions[i] = end->subscriptions[--end->subscription_count];
            return;
        }
    }
    fail_msg("unsubscribed from what was not subscribed to");
}

static enum holm_status op_broadcast(struct holm_transport *transport, const void *frame,
                                     size_t size)
{
    struct end *end = end_of(transport);
    struct world *world = end->world;
    if (world->leaving != NULL)
        world->leaving(world, end->index, frame, size);
    end->stats.broadcast_bytes_sent += size;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (world->engines[i] == NULL || world->cut[end->index][i])
            continue;
        struct end *to = world->ends[i];
        for (size_t s = 0; s < to->subscription_count; s++) {
            if (strcmp(to->subscriptions[s].publisher, end->publisher) != 0 ||
                holm_random_next(&world->random) % 1000 < world->loss_permille)
                continue;
            struct parcel *parcel = parcel_new(to, HOLM_TRANSPORT_BROADCAST, frame, size);
            parcel->event.subscription.value = to->subscriptions[s].id;
            ship(parcel);
        }
    }
    return HOLM_OK;
}

static void op_next(struct holm_transport *transport, uint64_t timeout_us,
                    struct holm_transport_event *event)
{
    struct end *end = end_of(transport);
    (void)timeout_us;
    memset(event, 0, sizeof *event);
    struct parcel *parcel = end->first;
    if (parcel == NULL)
        return;
    end->first = parcel->next;
    *event = parcel->event;
}

static void op_release(struct holm_transport *transport, struct holm_transport_event *event)
{
    (void)transport;
    free(event->owned);
}

static void op_wake(struct holm_transport *transport)
{
    end_of(transport)->wakes++;
}

static void op_stats(struct holm_transport *transport, struct holm_transport_stats *stats)
{
    *stats = end_of(transport)->stats;
}

static void drop_parcels(struct parcel **first, const struct end *to)
{
    struct parcel **link = first;
    while (*link != NULL) {
        struct parcel *parcel = *link;
        if (to == NULL || parcel->to == to) {
            *link = parcel->next;
            free(parcel);
        } else {
            link = &parcel->next;
        }
    }
}

static void op_end(struct holm_transport *transport, uint64_t linger_us)
{
    struct end *end = end_of(transport);
    (void)linger_us;
    while (end->link_count > 0)
        op_close(transport, (struct holm_link_id){end->links[0].id});
    struct world *world = end->world;
    drop_parcels(&world->first, end);
    world->last = world->first;
    while (world->last != NULL && world->last->next != NULL)
        world->last = world->last->next;
    drop_parcels(&end->first, NULL);
    free(end);
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

static void write_log(void *context, int level, const char *line)
{
    struct world *world = context;
    size_t used = strlen(world->log);
    snprintf(world->log + used, sizeof world->log - used, "%d %s\n", level, line);
}

struct world *world_new(uint64_t seed)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->now = (struct holm_now){.monotonic_us = 1, .wall_ms = 1700000000000};
    world->random.state = seed;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        struct holm_engine_config *config = &world->configs[i];
        static const char *const names[WORLD_NODES] = {"a", "b", "c", "d"};
        *config = holm_engine_config_default();
        config->allocator = (struct holm_allocator){resize, &world->heap};
        config->name = names[i];
        config->self.node.value = i + 1;
        config->partitions = WORLD_PARTITIONS;
        config->peers_max = 16;
        config->log = (struct holm_log){HOLM_LOG_NOTICE, write_log, world};
    }
    return world;
}

void world_free(struct world *world)
{
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (world->engines[i] != NULL)
            world_kill(world, i);
    }
    drop_parcels(&world->first, NULL);
    assert_int_equal(world->heap.live_bytes, 0);
    free(world);
}

struct holm_now world_now(const struct world *world, uint32_t index)
{
    struct holm_now now = world->now;
    now.wall_ms = (uint64_t)((int64_t)now.wall_ms + world->skew_ms[index]);
    return now;
}

enum holm_status world_try_start(struct world *world, uint32_t index)
{
    assert_null(world->engines[index]);
    struct end *end = calloc(1, sizeof *end);
    assert_non_null(end);
    end->base.ops = &ops;
    end->world = world;
    end->index = index;
    end->life = (uint32_t)holm_random_next(&world->random) % 1000000;
    snprintf(end->address, sizeof end->address, "tcp://%u:1", index);
    snprintf(end->publisher, sizeof end->publisher, "tcp://%u:%u", index, end->life);
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
        free(end);
    return status;
}

void world_start(struct world *world, uint32_t index)
{
    assert_int_equal(world_try_start(world, index), HOLM_OK);
}

void world_join(struct world *world, uint32_t index, uint32_t seed)
{
    char address[32];
    snprintf(address, sizeof address, "tcp://%u:1", seed);
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

void world_split(struct world *world, uint32_t alone, bool cut)
{
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (i != alone)
            world->cut[i][alone] = world->cut[alone][i] = cut;
    }
}

/* ---- time ----------------------------------------------------------------------------------- */

static uint64_t drive(struct world *world, uint32_t index)
{
    struct holm_transport *transport = &world->ends[index]->base;
    struct holm_engine *engine = world->engines[index];
    for (;;) {
        struct holm_transport_event event;
        transport->ops->next(transport, 0, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            break;
        holm_engine_event(engine, &event, world_now(world, index));
        transport->ops->release(transport, &event);
    }
    uint64_t due = 0;
    for (int i = 0; i < 8 && due <= world->now.monotonic_us; i++)
        due = holm_engine_tick(engine, world_now(world, index));
    assert_true(due > world->now.monotonic_us); /* nothing is due again and again */
    return due;
}

static uint64_t drive_all(struct world *world)
{
    uint64_t next = HOLM_NEVER;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (world->engines[i] == NULL)
            continue;
        uint64_t due = drive(world, i);
        next = due < next ? due : next;
    }
    return next;
}

static void arrive(struct world *world)
{
    while (world->first != NULL && world->first->at_us <= world->now.monotonic_us) {
        struct parcel *parcel = world->first;
        struct end *to = parcel->to;
        world->first = parcel->next;
        world->trace = XXH3_64bits_withSeed(parcel->bytes, parcel->event.frame_bytes,
                                            world->trace + parcel->at_us + to->index);
        bool linked = parcel->event.type != HOLM_TRANSPORT_BROADCAST;
        struct link *link = link_find(to, parcel->event.link.value);
        bool closed = parcel->event.type == HOLM_TRANSPORT_LINK_CLOSED;
        if (closed && link != NULL)
            link_remove(to, link->id);
        if (linked && link == NULL && !closed)
            free(parcel); /* of a link that was closed here */
        else
            append(&to->first, &to->last, parcel);
    }
}

void world_settle(struct world *world)
{
    drive_all(world);
}

static void run(struct world *world, uint64_t end_us, bool (*until)(struct world *world))
{
    for (;;) {
        uint64_t next = drive_all(world);
        if (until != NULL && until(world))
            return;
        if (world->first != NULL && world->first->at_us < next)
            next = world->first->at_us;
        if (next > end_us)
            next = end_us;
        uint64_t passed_us = next - world->now.monotonic_us;
        uint64_t before_ms = world->now.monotonic_us / 1000;
        world->now.monotonic_us += passed_us;
        world->now.wall_ms += world->now.monotonic_us / 1000 - before_ms;
        if (next == end_us)
            return;
        arrive(world);
    }
}

void world_run(struct world *world, uint64_t duration_ms)
{
    run(world, world->now.monotonic_us + duration_ms * 1000, NULL);
    holm_engine_check(world->engines[0] != NULL ? world->engines[0] : world->engines[1]);
}

bool world_converged(struct world *world)
{
    struct holm_stats first = {.digest = 0};
    bool begun = false;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (world->engines[i] == NULL)
            continue;
        for (uint32_t p = 0; p < WORLD_PARTITIONS; p++) {
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
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        if (world->engines[i] != NULL)
            holm_engine_check(world->engines[i]);
    }
    return (world->now.monotonic_us - start_us) / 1000;
}

/* ---- reaching in ---------------------------------------------------------------------------- */

void world_inject(struct world *world, uint32_t from, uint32_t to, bool broadcast,
                  const void *frame, size_t size)
{
    struct end *end = world->ends[to];
    struct parcel *parcel = parcel_new(
        end, broadcast ? HOLM_TRANSPORT_BROADCAST : HOLM_TRANSPORT_LINK_FRAME, frame, size);
    for (size_t i = 0; !broadcast && i < end->link_count; i++) {
        if (end->links[i].far == world->ends[from])
            parcel->event.link.value = end->links[i].id;
    }
    ship(parcel);
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
                                        holm_partition_of(op.key, WORLD_PARTITIONS), &op, 1,
                                        world_now(world, index), NULL),
                     HOLM_OK);
}

int64_t world_sum(struct world *world, uint32_t index, const char *key)
{
    uint32_t partition = holm_partition_of(holm_str(key), WORLD_PARTITIONS);
    int64_t sum = 0;
    const struct holm_replica *replica = holm_engine_lock(world->engines[index], partition);
    enum holm_status status = holm_replica_count(replica, holm_str(key), holm_str("n"), &sum);
    holm_engine_unlock(world->engines[index], partition);
    assert_true(status == HOLM_OK || status == HOLM_ENOENT);
    return sum;
}
