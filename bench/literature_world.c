/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_world.h"

#include <stdlib.h>

#include "bench/literature_bytes.h"
#include "bench/literature_queue.h"
#include "bench/measure.h"
#include "node/random.h"

enum kind {
    UPDATE,
    SYNC,
    DELIVER,
    CHECK,
    BOMB,
    BACK
};

struct node {
    struct literature_replica replica;
    uint32_t actor;
    uint32_t made; /* updates of this life */
    bool alive, done;
};

struct life { /* one ended, another begun */
    uint32_t before, after;
    uint32_t node;
    uint64_t since_us;
    bool whole;                   /* the other has all that there was when it began */
    struct literature_state goal; /* that */
};

struct world {
    const struct literature_case *script;
    const struct literature_strategy *strategy;
    struct literature_queue queue;
    struct literature_links *links; /* NULL: their bytes packed are not asked for */
    struct node nodes[LITERATURE_NODES_MAX];
    struct life lives[LITERATURE_BOMBS];
    size_t life_count;
    struct literature_state own;  /* what the present lives have written */
    struct literature_state goal; /* once all updates are made */
    struct holm_random random;
    uint64_t now_us, end_us;
    uint32_t updates_left; /* to be made or missed */
    bool goal_set;
    struct literature_result result;
};

static struct node *node_of(struct world *world, uint32_t actor)
{
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        if (world->nodes[i].alive && world->nodes[i].actor == actor)
            return &world->nodes[i];
    }
    return NULL;
}

static void send(void *context, struct literature_message *message)
{
    struct world *world = context;
    if (node_of(world, message->to) == NULL) {
        literature_message_free(message);
        return;
    }
    literature_cost_add(&world->result.cost, &message->cost);
    if (world->links != NULL)
        world->result.packed_bytes += literature_links_send(world->links, world->script, message);
    if (world->script->trouble == LITERATURE_LOSS &&
        holm_random_next(&world->random) % 1000 < LITERATURE_LOSS_PERMILLE) {
        literature_message_free(message);
        return;
    }
    literature_queue_put(&world->queue, (struct literature_event){
                                            .at_us = world->now_us + LITERATURE_DELAY_US,
                                            .kind = DELIVER,
                                            .message = message,
                                        });
}

static void open_life(struct world *world, uint32_t index, uint32_t actor)
{
    struct node *node = &world->nodes[index];
    *node = (struct node){.actor = actor, .alive = true};
    literature_replica_init(&node->replica, world->strategy, world->script, actor);
    node->replica.send = send;
    node->replica.context = world;
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        if (world->script->graph.edge[index][i])
            node->replica.peers[node->replica.peer_count++] = i;
    }
    for (size_t i = 0; i < world->life_count; i++)
        literature_replica_replaced(&node->replica, world->lives[i].before, world->lives[i].after);
}

static void schedule(struct world *world, uint64_t at_us, enum kind kind, uint32_t node, uint32_t n)
{
    literature_queue_put(&world->queue, (struct literature_event){
                                            .at_us = at_us, .kind = kind, .node = node, .n = n});
}

static void bomb(struct world *world, uint32_t index)
{
    struct node *node = &world->nodes[index];
    literature_script_forget(world->script, index, node->actor, &world->own);
    literature_replica_release(&node->replica);
    node->alive = false;
}

static void back(struct world *world, uint32_t index)
{
    struct life *life = &world->lives[world->life_count];
    *life = (struct life){.before = world->nodes[index].actor,
                          .after = world->script->graph.nodes + (uint32_t)world->life_count,
                          .node = index,
                          .since_us = world->now_us};
    literature_state_init(&life->goal, literature_script_keys(world->script));
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        if (!world->nodes[i].alive)
            continue;
        literature_replica_replaced(&world->nodes[i].replica, life->before, life->after);
        literature_state_join_state(&life->goal, &world->nodes[i].replica.state);
    }
    world->life_count++;
    open_life(world, index, life->after);
}

static void update(struct world *world, uint32_t index, uint32_t n)
{
    struct node *node = &world->nodes[index];
    world->updates_left--;
    if (node->alive) {
        struct literature_value *delta = literature_script_delta(world->script, index, node->actor,
                                                                 n, node->made++);
        literature_state_join(&world->own, delta);
        literature_replica_update(&node->replica, delta);
        literature_value_release(delta);
    }
    if (n < world->script->updates)
        schedule(world, literature_script_update_us(world->script, index, n + 1), UPDATE, index,
                 n + 1);
    else
        schedule(world, world->now_us + LITERATURE_CHECK_US, CHECK, index, 0);
}

/* After the last update: what has yet to reach everyone, and since when everyone has it. */
static void look(struct world *world)
{
    if (world->updates_left > 0 || world->result.converged)
        return;
    if (!world->goal_set) {
        for (uint32_t i = 0; i < world->script->graph.nodes; i++)
            literature_state_join_state(&world->goal, &world->nodes[i].replica.state);
        world->goal_set = true;
    }
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        if (!literature_state_equal(&world->nodes[i].replica.state, &world->goal))
            return;
    }
    world->result.converged = true;
    world->result.converged_us = world->now_us - world->end_us;
}

static void check(struct world *world, uint32_t index)
{
    struct node *node = &world->nodes[index];
    node->done = world->goal_set && literature_state_equal(&node->replica.state, &world->goal);
    if (!node->done)
        schedule(world, world->now_us + LITERATURE_CHECK_US, CHECK, index, 0);
}

/* Whether those that came back have by now what was there when they did. */
static void look_at_lives(struct world *world)
{
    for (size_t i = 0; i < world->life_count; i++) {
        struct life *life = &world->lives[i];
        const struct node *node = &world->nodes[life->node];
        if (life->whole || !node->alive || node->actor != life->after ||
            !literature_state_covers(&node->replica.state, &life->goal))
            continue;
        life->whole = true;
        if (world->now_us - life->since_us > world->result.rejoined_us)
            world->result.rejoined_us = world->now_us - life->since_us;
    }
}

static void deliver(struct world *world, struct literature_message *message)
{
    struct node *node = node_of(world, message->to);
    if (node != NULL && node_of(world, message->from) != NULL)
        literature_replica_receive(&node->replica, message);
    literature_message_free(message);
    look_at_lives(world);
}

static void happen(struct world *world, const struct literature_event *event)
{
    switch ((enum kind)event->kind) {
    case UPDATE:
        update(world, event->node, event->n);
        break;
    case SYNC:
        if (world->nodes[event->node].alive)
            literature_replica_sync(&world->nodes[event->node].replica);
        schedule(world, literature_script_sync_us(world->script, event->node, event->n + 1), SYNC,
                 event->node, event->n + 1);
        break;
    case DELIVER:
        deliver(world, event->message);
        break;
    case CHECK:
        check(world, event->node);
        break;
    case BOMB:
        bomb(world, event->node);
        break;
    case BACK:
        back(world, event->node);
        break;
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
    struct literature_bomb bombs[LITERATURE_BOMBS];
    size_t count = literature_script_bombs(world->script, bombs);
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        open_life(world, i, i);
        schedule(world, literature_script_sync_us(world->script, i, 0), SYNC, i, 0);
        schedule(world, literature_script_update_us(world->script, i, 1), UPDATE, i, 1);
    }
    for (size_t i = 0; i < count; i++) {
        schedule(world, bombs[i].at_us, BOMB, bombs[i].node, 0);
        schedule(world, bombs[i].back_us, BACK, bombs[i].node, 0);
    }
}

static void finish(struct world *world)
{
    struct literature_result *result = &world->result;
    struct literature_state *sum = &world->goal;
    result->state_elements = sum->count;
    literature_state_join_state(sum, &world->own);
    if (sum->count != result->state_elements)
        result->converged = false;
    for (uint32_t i = 0; i < world->script->graph.nodes; i++) {
        if (!literature_state_equal(&world->nodes[i].replica.state, sum))
            result->converged = false;
        literature_replica_release(&world->nodes[i].replica);
    }
    for (struct literature_event event; literature_queue_take(&world->queue, &event);)
        literature_message_free(event.message);
    literature_queue_release(&world->queue);
    if (world->links != NULL)
        literature_links_release(world->links);
    free(world->links);
    for (size_t i = 0; i < world->life_count; i++)
        literature_state_release(&world->lives[i].goal);
    literature_state_release(&world->own);
    literature_state_release(&world->goal);
}

struct literature_result literature_world_run(const struct literature_contender *contender,
                                              const struct literature_case *script)
{
    struct world *world = measure_allocate(sizeof *world);
    *world = (struct world){.script = script, .strategy = contender->strategy};
    world->random.state = script->seed;
    world->end_us = literature_script_end_us(script);
    world->updates_left = script->graph.nodes * script->updates;
    literature_state_init(&world->own, literature_script_keys(script));
    literature_state_init(&world->goal, literature_script_keys(script));
    if (contender->strategy == &literature_strategies[LITERATURE_BPRR] &&
        script->trouble == LITERATURE_CALM) {
        world->links = measure_allocate(sizeof *world->links);
        *world->links = (struct literature_links){0};
    }
    begin(world);
    while (!is_over(world)) {
        struct literature_event event;
        measure_require(literature_queue_take(&world->queue, &event), "nothing happens any more");
        world->now_us = event.at_us;
        happen(world, &event);
        look(world);
    }
    world->result.ended_us = world->now_us - world->end_us;
    finish(world);
    struct literature_result result = world->result;
    free(world);
    return result;
}
