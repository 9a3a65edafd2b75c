/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/gate.h"

#include <stdlib.h>

#include "proto/codec.h"
#include "sim/world/world_parts.h"

struct rule {
    struct holm_gate gate;
    uint32_t matched, hits;
    bool over;
};

struct holm_gates {
    struct holm_world *world;
    struct rule rules[HOLM_GATES_MAX];
    uint32_t count;
    bool open;                       /* some may still decide */
    struct holm_network_ruling link; /* of the frame that is being sent over one */
};

static bool meant(uint64_t nodes, uint32_t node)
{
    return nodes == 0 || (node < 64 && (nodes >> node & 1) != 0);
}

/* A frame as its sender has it, on its way to one node. */
struct passing {
    uint32_t from, to;
    enum holm_gate_way way;
    struct holm_bytes bytes;
};

static bool matches(const struct holm_gate *gate, const struct passing *passing,
                    const struct holm_message *message)
{
    return passing->from != HOLM_WORLD_NOBODY && passing->to != HOLM_WORLD_NOBODY &&
           meant(gate->from, passing->from) && meant(gate->to, passing->to) &&
           (gate->way == HOLM_GATE_ANY || gate->way == passing->way) &&
           (gate->types == 0 || (gate->types >> message->type & 1) != 0) &&
           (gate->match == NULL || gate->match(gate->context, message));
}

/* Whether this gate decides: it has let enough pass, and not yet decided on enough. */
static bool decides(struct rule *rule)
{
    if (rule->matched++ < rule->gate.skip)
        return false;
    rule->hits++;
    rule->over = rule->hits == rule->gate.count;
    return true;
}

static struct holm_network_ruling rule_on(struct holm_gates *gates, const struct passing *passing)
{
    struct holm_network_ruling ruling = {HOLM_NETWORK_PASS, 0};
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded = NULL;
    if (holm_codec_decode(&gates->world->allocator, &limits, passing->bytes, &decoded) != HOLM_OK)
        return ruling;
    for (uint32_t i = 0; i < gates->count; i++) {
        struct rule *rule = &gates->rules[i];
        if (rule->over || !matches(&rule->gate, passing, &decoded->message) || !decides(rule))
            continue;
        ruling = (struct holm_network_ruling){rule->gate.verdict, i};
        break;
    }
    holm_decoded_free(decoded);
    return ruling;
}

/* Frames of links are packed when the network has them: they were judged before. */
static struct holm_network_ruling judge(void *context, const struct holm_network_frame *frame)
{
    struct holm_gates *gates = context;
    if (!frame->broadcast) {
        struct holm_network_ruling ruling = gates->link;
        gates->link = (struct holm_network_ruling){HOLM_NETWORK_PASS, 0};
        return ruling;
    }
    const struct passing passing = {holm_world_number_of(frame->from),
                                    holm_world_number_of(frame->to), HOLM_GATE_BROADCAST,
                                    frame->bytes};
    return rule_on(gates, &passing);
}

bool holm_gates_judge(struct holm_world *world, uint32_t from, uint32_t to, struct holm_bytes frame)
{
    struct holm_gates *gates = world->gates;
    if (gates == NULL || !gates->open)
        return true;
    const struct passing passing = {from, to, HOLM_GATE_LINK, frame};
    gates->link = rule_on(gates, &passing);
    return gates->link.verdict != HOLM_NETWORK_DROP;
}

/* A frame is only looked into while a gate may decide on it. */
static void attach(struct holm_gates *gates)
{
    gates->open = false;
    for (uint32_t i = 0; i < gates->count; i++)
        gates->open = gates->open || !gates->rules[i].over;
    struct holm_network_gate gate = {gates->open ? judge : NULL, gates};
    holm_network_set_gate(gates->world->network, gate);
}

static struct rule *rule_of(const struct holm_world *world, uint32_t gate)
{
    HOLM_ASSERT(world->gates != NULL && gate < world->gates->count);
    return &world->gates->rules[gate];
}

uint32_t holm_gate_set(struct holm_world *world, const struct holm_gate *gate)
{
    if (world->gates == NULL) {
        world->gates = calloc(1, sizeof *world->gates);
        HOLM_ASSERT(world->gates != NULL);
        world->gates->world = world;
    }
    HOLM_ASSERT(world->gates->count < HOLM_GATES_MAX);
    world->gates->rules[world->gates->count] = (struct rule){.gate = *gate};
    world->gates->count++;
    attach(world->gates);
    return world->gates->count - 1;
}

uint32_t holm_gate_hits(const struct holm_world *world, uint32_t gate)
{
    return rule_of(world, gate)->hits;
}

size_t holm_gate_held(const struct holm_world *world, uint32_t gate)
{
    HOLM_ASSERT(world->gates != NULL && gate < world->gates->count);
    return holm_network_held(world->network, gate);
}

void holm_gate_let_go(struct holm_world *world, uint32_t gate, size_t count)
{
    HOLM_ASSERT(world->gates != NULL && gate < world->gates->count);
    holm_network_let_go(world->network, gate, count);
}

void holm_gate_end(struct holm_world *world, uint32_t gate)
{
    rule_of(world, gate)->over = true;
    attach(world->gates);
}

void holm_gate_lift(struct holm_world *world, uint32_t gate)
{
    holm_gate_end(world, gate);
    holm_gate_let_go(world, gate, SIZE_MAX);
}

void holm_gates_free(struct holm_gates *gates)
{
    free(gates);
}
