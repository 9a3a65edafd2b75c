/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crdt/partition.h"
#include "sim/world/world_parts.h"

/* What a number of a life is drawn for. */
enum purpose {
    PURPOSE_EPOCH = 1,
    PURPOSE_ENGINE = 2,
    PURPOSE_DISK = 3
};

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct holm_world_heap *heap = context;
    heap->live_bytes = heap->live_bytes + size_new - size_old;
    if (heap->live_bytes > heap->peak_bytes)
        heap->peak_bytes = heap->live_bytes;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

static struct holm_world_node *node_of(const struct holm_world *world, uint32_t index)
{
    HOLM_ASSERT(index < world->count);
    return world->nodes[index];
}

static bool is_stable(const struct holm_world_node *node)
{
    return node->config.engine.retention == HOLM_RETENTION_STABLE;
}

struct holm_world_node_config holm_world_node_config_default(void)
{
    struct holm_world_node_config config = {.engine = holm_engine_config_default()};
    config.engine.partitions = 2;
    config.engine.peers_max = 64;
    return config;
}

static void hear_log(void *context, const struct holm_log_told *told)
{
    struct holm_world_node *node = context;
    if (told->event == HOLM_LOG_PEER_HEALED) /* it follows from frames that are in the trace */
        return;
    struct holm_world_event event = {.type = HOLM_WORLD_LOGGED,
                                     .node = node->index,
                                     .peer = HOLM_WORLD_NOBODY,
                                     .text = told->sentence};
    event.line = told->line;
    event.level = (int)told->level;
    holm_world_event(node->world, &event);
}

static void tell_touched(void *context, uint32_t partition, const struct holm_touched *touched,
                         size_t count, bool all)
{
    struct holm_world_node *node = context;
    struct holm_world_event event = {.type = HOLM_WORLD_CHANGED,
                                     .node = node->index,
                                     .peer = HOLM_WORLD_NOBODY,
                                     .partition = partition,
                                     .touched = touched,
                                     .touched_count = count,
                                     .touched_all = all};
    holm_world_event(node->world, &event);
}

static void tell_minted(void *context, const struct holm_receipt *receipt,
                        const struct holm_op *ops, size_t count);

static void tell_replacing(void *context, uint32_t partition, bool done);

static void set_name(struct holm_world_node *node)
{
    if (node->config.name != NULL)
        (void)snprintf(node->name, sizeof node->name, "%s", node->config.name);
    else
        (void)snprintf(node->name, sizeof node->name, "n%" PRIu32, node->index);
}

uint32_t holm_world_disk_partitions(const struct holm_engine_config *config)
{
    return config->partitions + (config->retention == HOLM_RETENTION_STABLE);
}

uint32_t holm_world_add(struct holm_world *world, const struct holm_world_node_config *config)
{
    struct holm_world_node *node = calloc(1, sizeof *node);
    enum holm_status status = holm_array_reserve(&world->allocator, (void **)&world->nodes,
                                                 &world->capacity, sizeof(void *),
                                                 world->count + 1);
    HOLM_ASSERT(node != NULL && status == HOLM_OK && world->count < HOLM_WORLD_NODES_MAX);
    node->world = world;
    node->index = world->count;
    node->config = *config;
    node->clock_ms = config->clock_ms;
    node->clock_ppm = config->clock_ppm;
    node->clock_us = world->now_us;
    set_name(node);
    if (config->disk)
        node->disk = holm_disk_new(holm_world_disk_partitions(&config->engine));
    node->observer = (struct holm_observer){tell_touched, node};
    node->witness = (struct holm_witness){
        .committed = tell_minted, .context = node, .replacing = tell_replacing};
    world->nodes[world->count] = node;
    return world->count++;
}

void holm_world_set(struct holm_world *world, uint32_t index,
                    const struct holm_world_node_config *config)
{
    struct holm_world_node *node = node_of(world, index);
    HOLM_ASSERT(node->engine == NULL);
    node->config = *config;
    set_name(node);
}

/* ---- lives ---------------------------------------------------------------------------------- */

static struct holm_engine_config engine_config(struct holm_world *world,
                                               struct holm_world_node *node)
{
    struct holm_engine_config config = node->config.engine;
    config.allocator = (struct holm_allocator){resize, &node->heap};
    config.name = node->name;
    config.random_seed = holm_world_number(world, node->index, node->lives, PURPOSE_ENGINE);
    config.self.node.value = node->config.node_id != 0 ? node->config.node_id : node->index + 1;
    config.log = (struct holm_log){.level = HOLM_LOG_INFO, .hear = hear_log, .context = node};
    return config;
}

enum holm_status holm_world_start_as(struct holm_world *world, uint32_t node,
                                     struct holm_epoch epoch)
{
    struct holm_world_node *own = node_of(world, node);
    HOLM_ASSERT(own->engine == NULL);
    struct holm_engine_config config = engine_config(world, own);
    struct holm_store *store = own->disk == NULL ? holm_store_memory() : holm_disk_open(own->disk);
    config.self.epoch = epoch;
    own->heap.peak_bytes = own->heap.live_bytes;
    own->end = holm_world_end_open(world, node);
    struct holm_transport *transport = holm_world_end_transport(own->end);
    enum holm_status status = holm_engine_open(&config, transport, store,
                                               holm_world_clock(world, node), &own->engine);
    own->lives++;
    own->paused = false;
    own->due_known = false;
    if (status != HOLM_OK) {
        transport->ops->close(transport, 0);
        store->ops->close(store);
        own->end = NULL;
        return status;
    }
    holm_engine_set_observer(own->engine, &own->observer);
    if (is_stable(own))
        holm_engine_set_witness(own->engine, &own->witness);
    struct holm_world_event event = {
        .type = HOLM_WORLD_STARTED, .node = node, .peer = HOLM_WORLD_NOBODY};
    event.self = holm_engine_self(own->engine);
    holm_world_event(world, &event);
    return HOLM_OK;
}

enum holm_status holm_world_start(struct holm_world *world, uint32_t node)
{
    struct holm_world_node *own = node_of(world, node);
    uint64_t random = holm_world_number(world, node, own->lives, PURPOSE_EPOCH);
    struct holm_epoch epoch = {holm_world_clock(world, node).wall_ms << 16 | (random & 0xffff)};
    return holm_world_start_as(world, node, epoch);
}

void holm_world_join(struct holm_world *world, uint32_t node, uint32_t other)
{
    char address[HOLM_ADDRESS_BYTES_MAX];
    struct holm_world_node *own = node_of(world, node);
    if (own->engine == NULL)
        return;
    holm_world_address(other, address);
    enum holm_status status = holm_engine_join(own->engine, address, holm_world_clock(world, node));
    HOLM_ASSERT(status == HOLM_OK);
    own->due_known = false;
}

static void end_life(struct holm_world *world, struct holm_world_node *node, const char *how)
{
    HOLM_ASSERT(node->engine != NULL);
    struct holm_world_event event = {
        .type = HOLM_WORLD_ENDED, .node = node->index, .peer = HOLM_WORLD_NOBODY, .text = how};
    holm_world_event(world, &event);
    struct holm_transport *transport = holm_world_end_transport(node->end);
    holm_engine_free(node->engine);
    transport->ops->close(transport, 0);
    node->engine = NULL;
    node->end = NULL;
    node->paused = false;
    event.type = HOLM_WORLD_GONE;
    event.text = NULL;
    holm_world_event(world, &event);
    node->heap.live_bytes = 0;
}

static void close_disk(struct holm_world_node *node)
{
    if (node->disk != NULL) {
        struct holm_store *store = (struct holm_store *)(void *)node->disk;
        store->ops->close(store);
    }
}

void holm_world_crash(struct holm_world *world, uint32_t node)
{
    struct holm_world_node *own = node_of(world, node);
    end_life(world, own, "crash");
    close_disk(own);
    if (own->disk != NULL)
        holm_disk_crash(own->disk, holm_world_number(world, node, own->lives, PURPOSE_DISK));
}

void holm_world_bomb(struct holm_world *world, uint32_t node)
{
    struct holm_world_node *own = node_of(world, node);
    end_life(world, own, "bomb");
    close_disk(own);
    if (own->disk != NULL)
        holm_disk_wipe(own->disk);
}

void holm_world_leave(struct holm_world *world, uint32_t node, bool for_good)
{
    struct holm_world_node *own = node_of(world, node);
    if (for_good) {
        holm_engine_leave(own->engine);
        (void)holm_engine_tick(own->engine, holm_world_clock(world, node));
    }
    holm_engine_farewell(own->engine, holm_world_clock(world, node));
    end_life(world, own, for_good ? "leave for good" : "leave");
    close_disk(own);
}

void holm_world_pause(struct holm_world *world, uint32_t node)
{
    holm_world_tell(world, node, "pause");
    node_of(world, node)->paused = true;
}

void holm_world_resume(struct holm_world *world, uint32_t node)
{
    holm_world_tell(world, node, "resume");
    node_of(world, node)->paused = false;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* The vector of a replica, with what its present actor wrote up to `own`: the caller frees `entries`. */
static struct holm_vector_view past_of(struct holm_world_node *node, uint32_t partition,
                                       struct holm_dot own)
{
    struct holm_dot *entries;
    if (!node->world->config.causes)
        return (struct holm_vector_view){NULL, 0};
    size_t count = holm_world_vector(node->world, node->index, partition, &entries);
    size_t at = 0;
    while (at < count && holm_actor_compare(entries[at].actor, own.actor) < 0)
        at++;
    bool found = at < count && holm_actor_equal(entries[at].actor, own.actor);
    size_t behind = count - at;
    if (found && own.seq > 0) {
        entries[at] = own;
    } else if (found) {
        memmove(entries + at, entries + at + 1, (behind - 1) * sizeof *entries);
        count--;
    } else if (own.seq > 0) {
        memmove(entries + at + 1, entries + at, behind * sizeof *entries);
        entries[at] = own;
        count++;
    }
    return (struct holm_vector_view){entries, count};
}

/* Before anything of it can leave: what a node wrote, or its engine wrote anew. */
static void tell_minted(void *context, const struct holm_receipt *receipt,
                        const struct holm_op *ops, size_t count)
{
    struct holm_world_node *node = context;
    const struct holm_replica *replica = holm_world_replica(node->world, node->index,
                                                            receipt->partition);
    struct holm_dot before = {receipt->first.actor, receipt->first.seq - 1};
    struct holm_vector_view past = past_of(node, receipt->partition, before);
    struct holm_world_event event = {.type = HOLM_WORLD_COMMITTED,
                                     .node = node->index,
                                     .peer = HOLM_WORLD_NOBODY,
                                     .partition = receipt->partition,
                                     .ops = ops,
                                     .op_count = count,
                                     .receipt = receipt,
                                     .status = HOLM_OK,
                                     .writer = receipt->first.actor,
                                     .past = past,
                                     .collected = holm_replica_collected(replica),
                                     .anew = !node->committing};
    holm_world_event(node->world, &event);
    free((void *)(uintptr_t)past.entries);
}

static void tell_replacing(void *context, uint32_t partition, bool done)
{
    struct holm_world_node *node = context;
    struct holm_world_event event = {.type = done ? HOLM_WORLD_REPLACED : HOLM_WORLD_REPLACING,
                                     .node = node->index,
                                     .peer = HOLM_WORLD_NOBODY,
                                     .partition = partition};
    holm_world_event(node->world, &event);
}

static bool is_member(struct holm_engine *engine)
{
    struct holm_engine_membership membership;
    holm_engine_membership(engine, &membership);
    return membership.confirmed;
}

enum holm_status holm_world_commit(struct holm_world *world, uint32_t node,
                                   const struct holm_op *ops, size_t count,
                                   struct holm_receipt *receipt)
{
    struct holm_world_node *own = node_of(world, node);
    *receipt = (struct holm_receipt){.count = 0};
    if (own->engine == NULL)
        return HOLM_ECLOSED;
    uint32_t partition = holm_partition_of(ops[0].key, own->config.engine.partitions);
    const struct holm_replica *replica = holm_world_replica(world, node, partition);
    struct holm_dot last = {holm_replica_self(replica), holm_replica_last_minted(replica)};
    struct holm_vector_view past = past_of(own, partition, last);
    bool member = is_member(own->engine);
    own->committing = true;
    enum holm_status status = holm_engine_commit(own->engine, partition, ops, count,
                                                 holm_world_clock(world, node), receipt);
    own->committing = false;
    own->due_known = false;
    struct holm_world_event event = {.type = HOLM_WORLD_COMMITTED,
                                     .node = node,
                                     .peer = HOLM_WORLD_NOBODY,
                                     .partition = partition,
                                     .ops = ops,
                                     .op_count = count,
                                     .receipt = receipt,
                                     .status = status,
                                     .writer = last.actor,
                                     .past = past,
                                     .collected = holm_replica_collected(replica),
                                     .journalled = !member};
    if (!is_stable(own) || receipt->count == 0) /* else the witness was told */
        holm_world_event(world, &event);
    free((void *)(uintptr_t)past.entries);
    return status;
}

enum holm_status holm_world_forget(struct holm_world *world, uint32_t at, uint32_t node)
{
    struct holm_world_node *own = node_of(world, at);
    const struct holm_world_node *other = node_of(world, node);
    struct holm_node_id id = {other->config.node_id != 0 ? other->config.node_id : node + 1};
    if (own->engine == NULL)
        return HOLM_ECLOSED;
    enum holm_status status = holm_engine_forget(own->engine, id, holm_world_clock(world, at));
    own->due_known = false;
    return status;
}

void holm_world_committed(struct holm_world *world, uint32_t index,
                          const struct holm_receipt *receipt, const struct holm_op *ops,
                          size_t count)
{
    struct holm_world_event event = {.type = HOLM_WORLD_COMMITTED,
                                     .node = index,
                                     .peer = HOLM_WORLD_NOBODY,
                                     .partition = receipt->partition,
                                     .ops = ops,
                                     .op_count = count,
                                     .receipt = receipt,
                                     .status = HOLM_OK,
                                     .writer = receipt->first.actor};
    holm_world_event(world, &event);
}

/* ---- looking -------------------------------------------------------------------------------- */

bool holm_world_alive(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->engine != NULL;
}

bool holm_world_paused(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->paused;
}

uint32_t holm_world_lives(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->lives;
}

struct holm_engine *holm_world_engine(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->engine;
}

struct holm_transport *holm_world_transport(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->end == NULL ? NULL
                                             : holm_world_end_transport(node_of(world, node)->end);
}

struct holm_disk *holm_world_disk(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->disk;
}

size_t holm_world_heap_bytes(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->heap.live_bytes;
}

size_t holm_world_heap_peak(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->heap.peak_bytes;
}

uint64_t holm_world_drives(const struct holm_world *world, uint32_t node)
{
    return node_of(world, node)->drives;
}
