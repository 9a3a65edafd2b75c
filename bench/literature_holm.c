/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_holm.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/literature_object.h"
#include "bench/literature_queue.h"
#include "bench/literature_tap.h"
#include "bench/measure.h"
#include "node/random.h"

/* Engines take a time of 0 for "never". */
#define START_US UINT64_C(1000000)
#define WALL_MS UINT64_C(1700000000000)
#define DRAW_NODE 5
#define RESEND_US 200000

_Static_assert(HOLM_MESSAGE_TYPE_MAX < LITERATURE_FRAME_TYPES, "all types have a place");

enum kind {
    OPEN,
    UPDATE,
    CHECK,
    BOMB
};

struct node {
    struct holm_engine *engine; /* NULL: not alive */
    struct holm_transport *transport;
    struct holm_actor self;
    uint32_t life;
    uint32_t made;
    bool done;
};

struct rejoin { /* a life that has yet to get what was there when it began */
    uint32_t node, life;
    uint64_t since_us;
    bool whole;
    uint64_t seqs[LITERATURE_ACTORS_MAX];
};

struct world {
    const struct literature_case *script;
    struct literature_queue queue;
    struct holm_network *network;
    struct literature_meter meter;
    struct node nodes[LITERATURE_NODES_MAX];
    struct holm_actor actors[LITERATURE_ACTORS_MAX]; /* by life */
    uint32_t lives;
    struct rejoin rejoins[LITERATURE_BOMBS];
    size_t rejoin_count;
    struct literature_state own; /* what the present lives have written */
    struct holm_random random;
    uint64_t now_us, end_us;
    uint32_t updates_left;
    struct literature_result result;
};

static struct holm_now now_of(const struct world *world)
{
    return (struct holm_now){START_US + world->now_us, WALL_MS + world->now_us / 1000};
}

static void set_paths(struct world *world)
{
    struct holm_network_path edge = holm_network_path_default();
    edge.delay_us = LITERATURE_DELAY_US;
    edge.resend_us = RESEND_US;
    if (world->script->trouble == LITERATURE_LOSS)
        edge.loss_permille = LITERATURE_LOSS_PERMILLE;
    struct holm_network_path none = edge;
    none.cut = true;
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        for (uint32_t j = 0; j < world->script->graph.nodes; j++) {
            char from[LITERATURE_ADDRESS_BYTES], to[LITERATURE_ADDRESS_BYTES];
            literature_address(i, from);
            literature_address(j, to);
            if (i != j)
                measure_must(holm_network_path_set(world->network, from, to,
                                                   world->script->graph.edge[i][j] ? &edge : &none),
                             "a path");
        }
    }
}

static uint64_t seq_of(const struct node *node, struct holm_actor actor)
{
    uint64_t seq = 0;
    if (node->engine == NULL)
        return 0;
    const struct holm_replica *replica = holm_engine_lock(node->engine, 0);
    seq = holm_replica_seq(replica, actor);
    if (holm_actor_compare(actor, holm_replica_self(replica)) == 0)
        seq = holm_replica_last_minted(replica);
    holm_engine_unlock(node->engine, 0);
    return seq;
}

/* The highest that anyone has of a life. */
static uint64_t highest(const struct world *world, uint32_t life)
{
    uint64_t seq = 0;
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        uint64_t theirs = seq_of(&world->nodes[i], world->actors[life]);
        seq = theirs > seq ? theirs : seq;
    }
    return seq;
}

static void note_rejoin(struct world *world, uint32_t index)
{
    struct rejoin *rejoin = &world->rejoins[world->rejoin_count++];
    *rejoin = (struct rejoin){.node = index, .life = world->lives, .since_us = world->now_us};
    for (uint32_t life = 0; life < world->lives; life++)
        rejoin->seqs[life] = highest(world, life);
}

static void look_at_rejoins(struct world *world)
{
    for (size_t i = 0; i < world->rejoin_count; i++) {
        struct rejoin *rejoin = &world->rejoins[i];
        const struct node *node = &world->nodes[rejoin->node];
        bool whole = !rejoin->whole && node->engine != NULL && node->life == rejoin->life;
        for (uint32_t life = 0; life < world->lives && whole; life++)
            whole = seq_of(node, world->actors[life]) >= rejoin->seqs[life];
        if (!whole)
            continue;
        rejoin->whole = true;
        if (world->now_us - rejoin->since_us > world->result.rejoined_us)
            world->result.rejoined_us = world->now_us - rejoin->since_us;
    }
}

static void open_node(struct world *world, uint32_t index)
{
    struct node *node = &world->nodes[index];
    struct holm_engine_config config = holm_engine_config_default();
    char name[LITERATURE_ADDRESS_BYTES];
    snprintf(name, sizeof name, "node-%02u", index);
    config.allocator = holm_transport_config_default().allocator;
    config.log.level = HOLM_LOG_ERROR;
    config.name = name;
    config.cluster = "literature";
    config.self.node.value = literature_script_draw(world->script->seed, DRAW_NODE, index);
    config.self.epoch.value = now_of(world).wall_ms << 16 |
                              (holm_random_next(&world->random) & 0xffff);
    config.partitions = 1;
    config.random_seed = holm_random_next(&world->random);
    config.relay = true;
    config.flush_interval_us = LITERATURE_SECOND_US;
    config.beacon_interval_us = LITERATURE_SECOND_US;
    measure_require(world->lives < LITERATURE_ACTORS_MAX, "too many lives");
    *node = (struct node){.self = config.self, .life = world->lives};
    node->transport = literature_tap_open(world->network, index, &world->meter);
    measure_must(holm_engine_open(&config, node->transport, holm_store_memory(), now_of(world),
                                  &node->engine),
                 "an engine");
    world->actors[world->lives++] = config.self;
    for (uint32_t other = 0; other < world->script->graph.nodes; other++) {
        char address[LITERATURE_ADDRESS_BYTES];
        literature_address(other, address);
        if (other < index && world->script->graph.edge[index][other])
            measure_must(holm_engine_join(node->engine, address, now_of(world)), "a seed");
    }
}

static void close_node(struct world *world, uint32_t index)
{
    struct node *node = &world->nodes[index];
    holm_engine_free(node->engine);
    node->transport->ops->close(node->transport, 0);
    node->engine = NULL;
}

static void schedule(struct world *world, uint64_t at_us, enum kind kind, uint32_t node, uint32_t n)
{
    literature_queue_put(&world->queue, (struct literature_event){
                                            .at_us = at_us, .kind = kind, .node = node, .n = n});
}

static void update(struct world *world, uint32_t index, uint32_t n)
{
    struct node *node = &world->nodes[index];
    world->updates_left--;
    if (node->engine != NULL) {
        struct literature_value *delta = literature_script_delta(world->script, index, node->life,
                                                                 n, node->made++);
        literature_state_join(&world->own, delta);
        literature_object_write(world->script, node->engine, delta, now_of(world));
        literature_value_release(delta);
    }
    if (n < world->script->updates)
        schedule(world, literature_script_update_us(world->script, index, n + 1), UPDATE, index,
                 n + 1);
    else
        schedule(world, world->now_us + LITERATURE_CHECK_US, CHECK, index, 0);
}

/* Whether a node has applied all that any has. */
static bool has_all(const struct world *world, uint32_t index)
{
    for (uint32_t life = 0; life < world->lives; life++) {
        if (seq_of(&world->nodes[index], world->actors[life]) < highest(world, life))
            return false;
    }
    return true;
}

static bool is_equal(const struct world *world)
{
    struct holm_stats first, stats;
    holm_engine_stats(world->nodes[0].engine, &first);
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        holm_engine_stats(world->nodes[i].engine, &stats);
        measure_require(stats.digest_breaches == 0, "a node's digest is not that of its vector");
        if (stats.vector_hash != first.vector_hash || stats.digest != first.digest)
            return false;
    }
    return true;
}

static void look(struct world *world)
{
    if (world->updates_left > 0 || world->result.converged)
        return;
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        if (!has_all(world, i))
            return;
    }
    if (!is_equal(world))
        return;
    world->result.converged = true;
    world->result.converged_us = world->now_us - world->end_us;
}

static void check(struct world *world, uint32_t index)
{
    world->nodes[index].done = world->updates_left == 0 && has_all(world, index);
    if (!world->nodes[index].done)
        schedule(world, world->now_us + LITERATURE_CHECK_US, CHECK, index, 0);
}

static void happen(struct world *world, const struct literature_event *event)
{
    switch ((enum kind)event->kind) {
    case OPEN:
        if (event->n > 0)
            note_rejoin(world, event->node);
        open_node(world, event->node);
        break;
    case UPDATE:
        update(world, event->node, event->n);
        break;
    case CHECK:
        check(world, event->node);
        break;
    case BOMB:
        literature_script_forget(world->script, event->node, world->nodes[event->node].life,
                                 &world->own);
        close_node(world, event->node);
        break;
    }
}

/* Everything that is due now at a node. When it is due next. */
static uint64_t drive(struct world *world, struct node *node)
{
    struct holm_transport_event event;
    uint64_t due_us = 0;
    for (;;) {
        node->transport->ops->next(node->transport, 0, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            break;
        holm_engine_event(node->engine, &event, now_of(world));
        node->transport->ops->release(node->transport, &event);
    }
    for (int i = 0; i < 8 && due_us <= now_of(world).monotonic_us; i++)
        due_us = holm_engine_tick(node->engine, now_of(world));
    measure_require(due_us > now_of(world).monotonic_us, "an engine is due again and again");
    return due_us == HOLM_NEVER ? HOLM_NEVER : due_us - START_US;
}

static void run_until(struct world *world, uint64_t to_us)
{
    for (;;) {
        uint64_t next_us = to_us;
        for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
            if (world->nodes[i].engine == NULL)
                continue;
            uint64_t due_us = drive(world, &world->nodes[i]);
            next_us = due_us < next_us ? due_us : next_us;
        }
        look(world);
        look_at_rejoins(world);
        uint64_t event_us = holm_network_next_event(world->network);
        next_us = event_us < next_us ? event_us : next_us;
        world->now_us = next_us;
        holm_network_advance(world->network, next_us);
        if (next_us == to_us)
            return;
    }
}

static bool is_over(const struct world *world)
{
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        if (!world->nodes[i].done)
            return world->now_us > world->end_us + LITERATURE_LIMIT_US;
    }
    return true;
}

static void begin(struct world *world)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct literature_bomb bombs[LITERATURE_BOMBS];
    size_t count = literature_script_bombs(world->script, bombs);
    measure_must(holm_network_new(&world->network, &allocator, world->script->seed), "a network");
    set_paths(world);
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        schedule(world, literature_script_sync_us(world->script, i, 0), OPEN, i, 0);
        schedule(world, literature_script_update_us(world->script, i, 1), UPDATE, i, 1);
    }
    for (size_t i = 0; i < count; i++) {
        schedule(world, bombs[i].at_us, BOMB, bombs[i].node, 0);
        schedule(world, bombs[i].back_us, OPEN, bombs[i].node, 1);
    }
}

static void add(struct literature_result *result, const struct literature_traffic *traffic,
                uint32_t arrive_permille)
{
    result->cost.messages += traffic->tally.messages * 1000 / arrive_permille;
    result->cost.elements += traffic->tally.elements * 1000 / arrive_permille;
    result->cost.metadata += traffic->tally.metadata * 1000 / arrive_permille;
    result->cost.bytes += traffic->bytes * 1000 / arrive_permille;
    result->payload_bytes += traffic->payload_bytes * 1000 / arrive_permille;
}

static void finish(struct world *world)
{
    bool lossy = world->script->trouble == LITERATURE_LOSS;
    add(&world->result, &world->meter.links, lossy ? 1000 - LITERATURE_LOSS_PERMILLE : 1000);
    add(&world->result, &world->meter.broadcasts, 1000);
    world->result.cost.bytes_short = world->result.cost.bytes;
    for (size_t i = 0; i <= HOLM_MESSAGE_TYPE_MAX; i++) {
        const struct literature_traffic *type = &world->meter.types[i];
        world->result.frames[i] = (struct literature_cost){.messages = type->tally.messages,
                                                           .elements = type->tally.elements,
                                                           .metadata = type->tally.metadata,
                                                           .bytes = type->bytes};
    }
    world->result.state_elements = world->own.count;
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        const struct holm_replica *replica = holm_engine_lock(world->nodes[i].engine, 0);
        if (!literature_object_has(world->script, replica, &world->own))
            world->result.converged = false;
        holm_engine_unlock(world->nodes[i].engine, 0);
        holm_engine_check(world->nodes[i].engine);
    }
    for (uint32_t i = 0; i < world->script->graph.nodes; i++)
        close_node(world, i);
    literature_queue_release(&world->queue);
    literature_state_release(&world->own);
    holm_network_free(world->network);
}

struct literature_result literature_holm_run(const struct literature_contender *contender,
                                             const struct literature_case *script)
{
    struct world *world = measure_allocate(sizeof *world);
    *world = (struct world){.script = script};
    (void)contender;
    world->random.state = script->seed;
    world->end_us = literature_script_end_us(script);
    world->updates_left = script->graph.nodes * script->updates;
    literature_state_init(&world->own, literature_script_keys(script));
    begin(world);
    while (!is_over(world)) {
        struct literature_event event;
        measure_require(literature_queue_take(&world->queue, &event), "nothing happens any more");
        run_until(world, event.at_us);
        happen(world, &event);
    }
    world->result.ended_us = world->now_us - world->end_us;
    finish(world);
    struct literature_result result = world->result;
    free(world);
    return result;
}
