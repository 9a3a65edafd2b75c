/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_strategy.h"

#include <stdlib.h>

#include "bench/literature_parts.h"
#include "bench/measure.h"

static void nothing(struct literature_replica *replica)
{
    (void)replica;
}

static void state_update(struct literature_replica *replica, struct literature_value *delta)
{
    (void)replica;
    (void)delta;
}

static void state_sync(struct literature_replica *replica, uint32_t peer)
{
    struct literature_message *message = literature_replica_message(replica, LITERATURE_STATE,
                                                                    replica->peers[peer]);
    literature_replica_put(replica, message, literature_state_value(&replica->state));
    literature_replica_send(replica, message);
}

static void state_receive(struct literature_replica *replica,
                          const struct literature_message *message)
{
    literature_state_join(&replica->state, message->value);
}

static void state_replaced(struct literature_replica *replica, uint32_t peer, uint32_t before,
                           uint32_t after)
{
    (void)replica;
    (void)peer;
    (void)before;
    (void)after;
}

#define DELTA_STRATEGY(title, back, redundant)                                                     \
    {                                                                                              \
        .name = (title), .avoid_back = (back), .remove_redundant = (redundant),                    \
        .open = literature_delta_open, .close = literature_delta_close,                            \
        .update = literature_delta_update, .sync = literature_delta_sync,                          \
        .receive = literature_delta_receive, .replaced = literature_delta_replaced,                \
    }

const struct literature_strategy literature_strategies[LITERATURE_STRATEGIES] = {
    {
        .name = "state",
        .open = nothing,
        .close = nothing,
        .update = state_update,
        .sync = state_sync,
        .receive = state_receive,
        .replaced = state_replaced,
    },
    {
        .name = "scuttlebutt",
        .open = literature_scuttle_open,
        .close = literature_scuttle_close,
        .update = literature_scuttle_update,
        .sync = literature_scuttle_sync,
        .receive = literature_scuttle_receive,
        .replaced = literature_scuttle_replaced,
    },
    DELTA_STRATEGY("classic", false, false),
    DELTA_STRATEGY("bp", true, false),
    DELTA_STRATEGY("rr", false, true),
    DELTA_STRATEGY("bp+rr", true, true),
};

void literature_replica_init(struct literature_replica *replica,
                             const struct literature_strategy *strategy,
                             const struct literature_case *script, uint32_t actor)
{
    measure_require(actor < LITERATURE_ACTORS_MAX, "too many lives");
    *replica = (struct literature_replica){.strategy = strategy, .script = script, .actor = actor};
    literature_state_init(&replica->state, literature_script_keys(script));
    strategy->open(replica);
}

void literature_replica_release(struct literature_replica *replica)
{
    replica->strategy->close(replica);
    literature_state_release(&replica->state);
    *replica = (struct literature_replica){0};
}

void literature_replica_update(struct literature_replica *replica, struct literature_value *delta)
{
    literature_state_join(&replica->state, delta);
    replica->strategy->update(replica, delta);
}

void literature_replica_sync(struct literature_replica *replica)
{
    for (uint32_t peer = 0; peer < replica->peer_count; peer++)
        replica->strategy->sync(replica, peer);
}

void literature_replica_receive(struct literature_replica *replica,
                                const struct literature_message *message)
{
    replica->strategy->receive(replica, message);
}

void literature_replica_replaced(struct literature_replica *replica, uint32_t before,
                                 uint32_t after)
{
    uint32_t peer = 0;
    while (peer < replica->peer_count && replica->peers[peer] != before)
        peer++;
    if (peer < replica->peer_count)
        replica->peers[peer] = after;
    replica->strategy->replaced(replica, peer, before, after);
}

struct literature_message *literature_replica_message(const struct literature_replica *replica,
                                                      enum literature_message_type type,
                                                      uint32_t to)
{
    struct literature_message *message = measure_allocate(sizeof *message);
    *message = (struct literature_message){
        .type = type, .from = replica->actor, .to = to, .cost = literature_cost_message()};
    return message;
}

void literature_replica_put(const struct literature_replica *replica,
                            struct literature_message *message, struct literature_value *value)
{
    message->value = value;
    literature_cost_value(&message->cost, replica->script->type, replica->script->updates, value);
}

void literature_replica_send(const struct literature_replica *replica,
                             struct literature_message *message)
{
    replica->send(replica->context, message);
}

void literature_message_free(struct literature_message *message)
{
    if (message == NULL)
        return;
    for (size_t i = 0; i < message->dot_count; i++)
        literature_value_release(message->dots[i].delta);
    literature_value_release(message->value);
    free(message->dots);
    free(message->matrix);
    free(message);
}
