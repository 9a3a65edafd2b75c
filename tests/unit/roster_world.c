/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/roster_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LATENCY_US 1000

enum arrival {
    UP,
    CLOSED,
    FRAME
};

struct world_frame {
    struct world_frame *next;
    uint64_t at_us;
    enum arrival arrival;
    uint32_t to;
    uint32_t wire; /* index; the link id is one more */
    size_t size;
    unsigned char bytes[];
};

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    (void)context;
    (void)size_old;
    if (size_new == 0) {
        free(memory);
        return NULL;
    }
    return realloc(memory, size_new);
}

static const struct holm_allocator allocator = {.resize = resize};

struct world *world_new(void)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    world->now = (struct holm_now){.monotonic_us = 1, .wall_ms = 1700000000000};
    holm_encoder_init(&world->encoder, &allocator, 1 << 20);
    return world;
}

void world_free(struct world *world)
{
    while (world->first != NULL) {
        struct world_frame *frame = world->first;
        world->first = frame->next;
        free(frame);
    }
    for (uint32_t i = 0; i < WORLD_NODES; i++)
        holm_roster_free(world->nodes[i].roster);
    holm_encoder_release(&world->encoder);
    free(world);
}

/* ---- wires ---------------------------------------------------------------------------------- */

static void arrive(struct world *world, enum arrival arrival, uint32_t to, uint32_t wire,
                   struct holm_bytes bytes)
{
    struct world_frame *frame = calloc(1, sizeof *frame + bytes.size);
    assert_non_null(frame);
    frame->at_us = world->now.monotonic_us + LATENCY_US;
    frame->arrival = arrival;
    frame->to = to;
    frame->wire = wire;
    frame->size = bytes.size;
    if (bytes.size > 0)
        memcpy(frame->bytes, bytes.data, bytes.size);
    if (world->first == NULL)
        world->first = frame;
    else
        world->last->next = frame;
    world->last = frame;
}

static uint32_t other_end(const struct world *world, uint32_t wire, uint32_t index)
{
    const struct world_wire *found = &world->wires[wire];
    return found->dialler == index ? found->acceptor : found->dialler;
}

static void send(struct world *world, uint32_t from, uint32_t wire,
                 const struct holm_message *message)
{
    struct holm_bytes frame;
    if (!world->wires[wire].open)
        return;
    assert_int_equal(holm_encoder_encode(&world->encoder, message, &frame), HOLM_OK);
    uint32_t to = other_end(world, wire, from);
    if (!world->cut[from][to])
        arrive(world, FRAME, to, wire, frame);
}

static void break_wire(struct world *world, uint32_t from, uint32_t wire)
{
    if (!world->wires[wire].open)
        return;
    world->wires[wire].open = false;
    arrive(world, CLOSED, other_end(world, wire, from), wire, holm_mem(NULL, 0));
}

/* Both ends of a wire to oneself would have one id: the accepted end's is shifted. */
#define SELF_ACCEPTED 100000

static void dial(struct world *world, uint32_t from, const struct holm_roster_action *action)
{
    uint32_t to = 0;
    while (to < WORLD_NODES && strcmp(world->nodes[to].address, action->text) != 0)
        to++;
    assert_true(world->wire_count < sizeof world->wires / sizeof world->wires[0]);
    uint32_t wire = world->wire_count++;
    bool alive = to < WORLD_NODES && world->nodes[to].roster != NULL && !world->deaf[to];
    world->wires[wire] = (struct world_wire){from, alive ? to : from, alive};
    world->nodes[from].dials++;
    holm_roster_dialled(world->nodes[from].roster, action->entry, (struct holm_link_id){wire + 1},
                        world->now);
    arrive(world, alive ? UP : CLOSED, from, wire, holm_mem(NULL, 0));
    if (alive)
        arrive(world, UP, to, wire + (to == from ? SELF_ACCEPTED : 0), holm_mem(NULL, 0));
}

/* ---- actions -------------------------------------------------------------------------------- */

static void hello(struct world *world, uint32_t index, const struct holm_roster_action *action)
{
    struct world_node *node = &world->nodes[index];
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_HELLO;
    message.sender = holm_roster_self(node->roster);
    assert_int_equal(holm_roster_hello_fill(node->roster, action, &message.as.hello), HOLM_OK);
    node->hellos++;
    uint64_t wire = action->link.value - 1;
    if (wire >= SELF_ACCEPTED) {
        struct holm_bytes frame;
        assert_int_equal(holm_encoder_encode(&world->encoder, &message, &frame), HOLM_OK);
        arrive(world, FRAME, index, (uint32_t)wire - SELF_ACCEPTED, frame);
        return;
    }
    struct world_wire *found = &world->wires[wire];
    if (found->dialler == found->acceptor) {
        struct holm_bytes frame;
        assert_int_equal(holm_encoder_encode(&world->encoder, &message, &frame), HOLM_OK);
        arrive(world, FRAME, index, (uint32_t)wire + SELF_ACCEPTED, frame);
        return;
    }
    send(world, index, (uint32_t)wire, &message);
}

static void ping(struct world *world, uint32_t index, const struct holm_roster_action *action)
{
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_PING;
    message.sender = holm_roster_self(world->nodes[index].roster);
    message.as.ping.token = action->token;
    send(world, index, (uint32_t)action->link.value - 1, &message);
}

static void close_link(struct world *world, uint32_t index, uint64_t link)
{
    uint32_t wire = (uint32_t)link - 1;
    if (wire < SELF_ACCEPTED && world->wires[wire].dialler != world->wires[wire].acceptor)
        break_wire(world, index, wire);
}

static void note(struct world_node *node, const struct holm_roster_action *action)
{
    char text[512];
    size_t used = strlen(node->notes);
    (void)holm_log_sentence(action->event, action->text, text, sizeof text);
    snprintf(node->notes + used, sizeof node->notes - used, "%s\n", text);
}

static void perform(struct world *world, uint32_t index, const struct holm_roster_action *action)
{
    struct world_node *node = &world->nodes[index];
    switch (action->type) {
    case HOLM_ROSTER_DIAL:
        dial(world, index, action);
        break;
    case HOLM_ROSTER_CLOSE:
        close_link(world, index, action->link.value);
        break;
    case HOLM_ROSTER_HELLO:
        hello(world, index, action);
        break;
    case HOLM_ROSTER_PING:
        ping(world, index, action);
        break;
    case HOLM_ROSTER_ROUTE:
        break;
    case HOLM_ROSTER_UP:
        assert_false(node->up[action->peer]);
        node->up[action->peer] = true;
        node->ups++;
        break;
    case HOLM_ROSTER_DOWN:
        assert_true(node->up[action->peer]);
        node->up[action->peer] = false;
        node->downs++;
        break;
    case HOLM_ROSTER_SUBSCRIBE:
        node->subscribes++;
        memcpy(node->subscribed, action->text, sizeof node->subscribed);
        assert_int_equal(holm_roster_subscription(node->roster, action->peer).value, 0);
        holm_roster_subscribed(node->roster, action->peer,
                               (struct holm_subscription_id){++world->subscriptions});
        break;
    case HOLM_ROSTER_UNSUBSCRIBE:
        assert_int_not_equal(action->subscription.value, 0);
        node->unsubscribes++;
        break;
    case HOLM_ROSTER_EPOCH:
        node->epochs++;
        break;
    case HOLM_ROSTER_SUPERSEDED:
        node->supersessions++;
        break;
    case HOLM_ROSTER_CHANGED:
        node->changes[action->change]++;
        node->after_us = action->after_us;
        break;
    case HOLM_ROSTER_NOTE:
        note(node, action);
        break;
    }
}

static void act(struct world *world, uint32_t index)
{
    struct holm_roster_action action;
    while (holm_roster_next(world->nodes[index].roster, &action))
        perform(world, index, &action);
    holm_roster_check(world->nodes[index].roster);
}

/* ---- arrivals ------------------------------------------------------------------------------- */

static void take_frame(struct world *world, const struct world_frame *frame,
                       struct holm_link_id link)
{
    struct holm_roster *roster = world->nodes[frame->to].roster;
    struct holm_codec_limits limits = holm_codec_limits_default(1 << 20);
    struct holm_decoded *decoded;
    assert_int_equal(
        holm_codec_decode(&allocator, &limits, holm_mem(frame->bytes, frame->size), &decoded),
        HOLM_OK);
    struct holm_message *message = &decoded->message;
    holm_roster_heard(roster, link, world->now);
    if (message->type == HOLM_MESSAGE_HELLO) {
        holm_roster_hello(roster, link, &message->as.hello, world->now);
    } else if (message->type == HOLM_MESSAGE_PONG) {
        holm_roster_pong(roster, link, message->as.ping.token, world->now);
    } else if (message->type == HOLM_MESSAGE_GOODBYE) {
        holm_roster_goodbye(roster, link, message->as.goodbye.left, world->now);
    } else {
        message->type = HOLM_MESSAGE_PONG;
        message->sender = holm_roster_self(roster);
        send(world, frame->to, frame->wire, message);
    }
    holm_decoded_free(decoded);
}

static void deliver(struct world *world, const struct world_frame *frame)
{
    struct world_node *node = &world->nodes[frame->to];
    uint32_t wire = frame->wire % SELF_ACCEPTED;
    bool accepted = frame->wire >= SELF_ACCEPTED || world->wires[wire].dialler != frame->to;
    struct holm_link_id link = {(uint64_t)frame->wire + 1};
    char host[16];
    if (node->roster == NULL)
        return;
    snprintf(host, sizeof host, "n%u", other_end(world, wire, frame->to));
    if (frame->arrival == CLOSED)
        holm_roster_link_closed(node->roster, link, world->now);
    else if (frame->arrival == UP && world->wires[wire].open)
        holm_roster_link_up(node->roster, link, accepted, host, world->now);
    else if (frame->arrival == FRAME && world->wires[wire].open)
        take_frame(world, frame, link);
    act(world, frame->to);
}

static uint64_t tick_all(struct world *world)
{
    uint64_t next = HOLM_NEVER;
    for (uint32_t i = 0; i < WORLD_NODES; i++) {
        struct holm_roster *roster = world->nodes[i].roster;
        if (roster == NULL)
            continue;
        for (int round = 0; round < 3; round++) {
            holm_roster_tick(roster, world->now);
            act(world, i);
        }
        uint64_t due = holm_roster_due_us(roster);
        assert_true(due > world->now.monotonic_us); /* nothing is due again and again */
        next = due < next ? due : next;
    }
    return next;
}

void world_run(struct world *world, uint64_t duration_ms)
{
    uint64_t end_us = world->now.monotonic_us + duration_ms * 1000;
    uint64_t start_us = world->now.monotonic_us, wall_ms = world->now.wall_ms;
    for (;;) {
        uint64_t next = tick_all(world);
        if (world->first != NULL && world->first->at_us < next)
            next = world->first->at_us;
        if (next > end_us)
            break;
        world->now.monotonic_us = next;
        world->now.wall_ms = wall_ms + (next - start_us) / 1000;
        while (world->first != NULL && world->first->at_us <= next) {
            struct world_frame *frame = world->first;
            world->first = frame->next;
            deliver(world, frame);
            free(frame);
        }
    }
    world->now.monotonic_us = end_us;
    world->now.wall_ms = wall_ms + duration_ms;
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static void configure(struct world_node *node, uint32_t index)
{
    snprintf(node->name, sizeof node->name, "n%u", index);
    snprintf(node->address, sizeof node->address, "tcp://n%u:1", index);
    node->config = (struct holm_roster_config){
        .allocator = allocator,
        .self = {.node = {index + 1}},
        .name = node->name,
        .cluster = "test",
        .address = node->address,
        .partitions = 16,
        .link_timeout_us = WORLD_TIMEOUT_US,
        .redial_interval_us = WORLD_REDIAL_US,
        .peers_max = 16,
        .hello_bytes_max = 1 << 16,
        .prompt = true,
    };
}

void world_start(struct world *world, uint32_t index, uint64_t epoch)
{
    struct world_node *node = &world->nodes[index];
    assert_null(node->roster);
    if (node->config.name == NULL)
        configure(node, index);
    node->config.self.epoch.value = epoch != 0 ? epoch : world->now.wall_ms << 16;
    node->config.nonce += 1 + index * UINT64_C(1000003);
    node->config.random_seed = node->config.nonce * 7919;
    int host_bytes = (int)(strrchr(node->config.address, ':') - node->config.address);
    snprintf(node->publisher, sizeof node->publisher, "%.*s:%u", host_bytes, node->config.address,
             (unsigned)(node->config.nonce % 10000));
    node->config.publisher = node->publisher;
    memset(node->up, 0, sizeof node->up);
    assert_int_equal(holm_roster_new(&node->config, &node->roster), HOLM_OK);
}

void world_kill(struct world *world, uint32_t index)
{
    for (uint32_t i = 0; i < world->wire_count; i++) {
        if (world->wires[i].dialler == index || world->wires[i].acceptor == index)
            break_wire(world, index, i);
    }
    holm_roster_free(world->nodes[index].roster);
    world->nodes[index].roster = NULL;
}

void world_join(struct world *world, uint32_t index, uint32_t seed)
{
    char address[32];
    snprintf(address, sizeof address, "tcp://n%u:1", seed);
    assert_int_equal(holm_roster_join(world->nodes[index].roster, address), HOLM_OK);
}

void world_cut(struct world *world, uint32_t a, uint32_t b, bool cut)
{
    world->cut[a][b] = world->cut[b][a] = cut;
}

void world_goodbye(struct world *world, uint32_t index, bool left)
{
    struct world_node *node = &world->nodes[index];
    for (uint32_t i = 0; i < holm_roster_slots(node->roster); i++) {
        if (!holm_roster_up(node->roster, i))
            continue;
        struct holm_message message;
        memset(&message, 0, sizeof message);
        message.type = HOLM_MESSAGE_GOODBYE;
        message.as.goodbye.left = left;
        message.sender = holm_roster_self(node->roster);
        send(world, index, (uint32_t)holm_roster_route(node->roster, i).value - 1, &message);
    }
}

/* ---- looking -------------------------------------------------------------------------------- */

enum holm_liveness world_liveness(struct world *world, uint32_t a, uint32_t b)
{
    struct holm_peer peers[256];
    size_t count = holm_roster_peers(world->nodes[a].roster, world->now, peers,
                                     sizeof peers / sizeof peers[0]);
    for (size_t i = 0; i < count && i < sizeof peers / sizeof peers[0]; i++) {
        if (peers[i].node.value == b + 1)
            return peers[i].liveness;
    }
    return (enum holm_liveness)0;
}

bool world_pair_up(struct world *world, uint32_t a, uint32_t b)
{
    return world_liveness(world, a, b) == HOLM_UP && world_liveness(world, b, a) == HOLM_UP;
}

uint32_t world_open_wires(const struct world *world, uint32_t a, uint32_t b)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->wire_count; i++) {
        const struct world_wire *wire = &world->wires[i];
        count += wire->open && ((wire->dialler == a && wire->acceptor == b) ||
                                (wire->dialler == b && wire->acceptor == a));
    }
    return count;
}

struct holm_actor world_actor(struct world *world, uint32_t index)
{
    return holm_roster_self(world->nodes[index].roster);
}

uint32_t world_noted(const struct world *world, uint32_t index, const char *text)
{
    uint32_t count = 0;
    for (const char *at = world->nodes[index].notes; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}
