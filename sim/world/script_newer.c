/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two wire versions in one cluster: what a newer node writes passes through older ones as it came. T28
 *
 * The newer one is a stranger that says what a later build might: a run with a field, a kind and a type of value that
 * this build has not heard of.
 */
#include "crdt/partition.h"
#include "proto/codec.h"
#include "sim/world/script_acts.h"
#include "transport/packed.h"

#define NEWER_KIND 200
#define NEWER_TYPE 99
#define FIELDS "\xa0\x06\x05\xa2\x06\x03" /* field 100: 5; field 100 again: three bytes */

struct newer {
    struct holm_script *script;
    struct holm_transport *transport;
    struct holm_link_id link; /* to one node */
    struct holm_allocator allocator;
    struct holm_encoder encoder;
    struct holm_actor self;
    bool closed;
    unsigned char frame[1024]; /* the run, as it was sent */
    size_t size;
};

static void newer_open(struct newer *newer, struct holm_script *script, const char *address,
                       uint64_t id)
{
    struct holm_transport_config config = holm_transport_config_default();
    struct holm_transport *below;
    memset(newer, 0, sizeof *newer);
    config.listen = address;
    newer->script = script;
    newer->allocator = config.allocator;
    newer->self = (struct holm_actor){{id}, {UINT64_C(1700000000000) << 16}};
    holm_encoder_init(&newer->encoder, &newer->allocator, (size_t)1 << 16);
    if (script->judge != NULL)
        holm_judge_foreign(script->judge, id, true);
    HOLM_SCRIPT_EXPECT(script, holm_network_open(holm_world_network(script->world), address,
                                                 &config, &below) == HOLM_OK);
    HOLM_SCRIPT_EXPECT(
        script, holm_transport_packed_open(below, &newer->allocator, &newer->transport) == HOLM_OK);
}

static void newer_close(struct newer *newer)
{
    newer->transport->ops->close(newer->transport, 0);
    holm_encoder_release(&newer->encoder);
}

static void newer_send(struct newer *newer, const struct holm_message *message)
{
    struct holm_bytes frame;
    HOLM_SCRIPT_EXPECT(newer->script,
                       holm_encoder_encode(&newer->encoder, message, &frame) == HOLM_OK);
    HOLM_SCRIPT_EXPECT(newer->script, frame.size <= sizeof newer->frame);
    if (message->type == HOLM_MESSAGE_DELTA) {
        memcpy(newer->frame, frame.data, frame.size);
        newer->size = frame.size;
    }
    HOLM_SCRIPT_EXPECT(newer->script,
                       newer->transport->ops->link_send(newer->transport, newer->link, frame.data,
                                                        frame.size) == HOLM_OK);
}

/* It dials a node, and shakes hands. */
static void newer_greet(struct newer *newer, uint32_t node, uint32_t version)
{
    char address[HOLM_ADDRESS_BYTES_MAX];
    struct holm_message message = {.type = HOLM_MESSAGE_HELLO, .sender = newer->self};
    struct holm_hello *hello = &message.as.hello;
    holm_world_address(node, address);
    HOLM_SCRIPT_EXPECT(newer->script, newer->transport->ops->link_dial(newer->transport, address,
                                                                       &newer->link) == HOLM_OK);
    *hello = (struct holm_hello){.cluster = holm_str("holm"),
                                 .version = version,
                                 .partitions = newer->script->config.engine.partitions,
                                 .nonce = 4711};
    hello->self.actor = newer->self;
    hello->self.name = holm_str("newer");
    newer_send(newer, &message);
    hello->answer = true;
    hello->heard = holm_engine_self(holm_world_engine(newer->script->world, node));
    newer_send(newer, &message);
    holm_script_run(newer->script, 10);
}

static struct holm_delta *newer_run(struct newer *newer)
{
    const struct holm_value odd = {.type = (enum holm_type)NEWER_TYPE, .as.bytes = {"\x01\x02", 2}};
    struct holm_fill_sizes sizes = {.actors = 1, .items = 2, .bytes = 64};
    struct holm_delta *delta;
    struct holm_fill fill;
    HOLM_SCRIPT_EXPECT(newer->script,
                       holm_delta_new(&newer->allocator, &sizes, &delta, &fill) == HOLM_OK);
    delta->partition = holm_partition_of(holm_str("k"), newer->script->config.engine.partitions);
    delta->actor = fill.actors[0] = newer->self;
    delta->first = 1;
    delta->last = 2;
    for (uint32_t i = 0; i < 2; i++) {
        struct holm_item *item = &fill.items[i];
        *item = (struct holm_item){.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = i + 1};
        item->key = holm_fill_bytes(&fill, holm_str("k"));
        item->hlc = newer->self.epoch.value + i;
        item->value = odd;
        item->value.as.bytes = holm_fill_bytes(&fill, odd.as.bytes);
    }
    fill.items[1].kind = NEWER_KIND;
    fill.items[1].sub = holm_fill_bytes(&fill, holm_str("element"));
    delta->unknown = holm_fill_bytes(&fill, holm_mem(FIELDS "abc", sizeof FIELDS - 1 + 3));
    return delta;
}

static void newer_write(struct newer *newer)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .sender = newer->self};
    message.as.delta = newer_run(newer);
    message.partition = message.as.delta->partition;
    newer_send(newer, &message);
    holm_delta_release(message.as.delta);
    holm_script_run(newer->script, 10);
}

/* The next message of a type, or NULL. */
static struct holm_decoded *newer_hear(struct newer *newer, enum holm_message_type type)
{
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    for (;;) {
        struct holm_transport_event event;
        struct holm_decoded *decoded = NULL;
        newer->transport->ops->next(newer->transport, 0, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            return NULL;
        newer->closed = newer->closed || event.type == HOLM_TRANSPORT_LINK_CLOSED;
        if (event.type == HOLM_TRANSPORT_LINK_FRAME)
            HOLM_SCRIPT_EXPECT(newer->script,
                               holm_codec_decode(&newer->allocator, &limits,
                                                 holm_mem(event.frame, event.frame_bytes),
                                                 &decoded) == HOLM_OK);
        newer->transport->ops->release(newer->transport, &event);
        if (decoded != NULL && decoded->message.type == type)
            return decoded;
        holm_decoded_free(decoded);
    }
}

/* All that a node has in its op log, as the answer to a pull. */
static struct holm_decoded *newer_pull(struct newer *newer)
{
    struct holm_message message = {.type = HOLM_MESSAGE_PULL, .sender = newer->self};
    message.partition = holm_partition_of(holm_str("k"), newer->script->config.engine.partitions);
    message.as.pull.bytes_max = 1 << 16;
    newer_send(newer, &message);
    holm_script_run(newer->script, 10);
    struct holm_decoded *decoded = newer_hear(newer, HOLM_MESSAGE_DELTAS);
    HOLM_SCRIPT_EXPECT(newer->script, decoded != NULL);
    return decoded;
}

/* ---- looking -------------------------------------------------------------------------------- */

struct found {
    bool kind, type;
};

static bool look(void *context, const struct holm_cell_view *cell)
{
    struct found *found = context;
    found->kind |= cell->kind == NEWER_KIND && holm_bytes_equal(cell->sub, holm_str("element"));
    found->type |= cell->value.type == (enum holm_type)NEWER_TYPE &&
                   holm_bytes_equal(cell->value.as.bytes, holm_mem("\x01\x02", 2));
    return true;
}

static void expect_holds(struct holm_script *script, uint32_t node)
{
    struct holm_engine *engine = holm_world_engine(script->world, node);
    uint32_t partition = holm_partition_of(holm_str("k"), script->config.engine.partitions);
    struct found found = {false, false};
    holm_replica_visit(holm_engine_lock(engine, partition), holm_str("k"), look, &found);
    holm_engine_unlock(engine, partition);
    if (!found.kind || !found.type)
        holm_script_fail(script, node, "it lacks what the newer one wrote");
}

/* The newer one has told n0; n1 has it of n0, and n2 of n1. Then only n2 is left, and n3 comes. */
static void pass_on(struct holm_script *script, struct newer *newer, size_t log_bytes_max)
{
    holm_script_open(script, 4, HOLM_SCRIPT_DISKS);
    script->config.engine.log_bytes_max = log_bytes_max;
    script->config.engine.link_timeout_us = 60000000;
    holm_script_set_up(script);
    holm_script_split(script, 3, true);
    holm_script_cut(script, 0, 2, true);
    for (uint32_t i = 0; i < 3; i++)
        holm_script_start(script, i);
    holm_script_run(script, 3000);
    newer_open(newer, script, "virtual://newer", 77);
    newer_greet(newer, 0, HOLM_WIRE_VERSION);
    newer_write(newer);
    expect_holds(script, 0);
    holm_script_put(script, 1, "k", 1); /* beside it, and it stays */
    holm_script_run(script, 20000);
    for (uint32_t i = 0; i < 3; i++)
        expect_holds(script, i);
    newer_close(newer);
    holm_script_bomb(script, 0);
    holm_script_bomb(script, 1);
}

static void expect_the_same_bytes(struct newer *newer, const struct holm_decoded *answer)
{
    const struct holm_deltas *deltas = &answer->message.as.deltas;
    size_t found = 0;
    for (size_t i = 0; i < deltas->count; i++) {
        struct holm_message again = {.type = HOLM_MESSAGE_DELTA,
                                     .sender = {{77}, newer->self.epoch}};
        struct holm_bytes frame;
        if (deltas->deltas[i]->actor.node.value != 77)
            continue;
        HOLM_SCRIPT_EXPECT(newer->script,
                           holm_bytes_equal(deltas->deltas[i]->unknown,
                                            holm_mem(FIELDS "abc", sizeof FIELDS - 1 + 3)));
        again.partition = deltas->deltas[i]->partition;
        again.as.delta = deltas->deltas[i];
        HOLM_SCRIPT_EXPECT(newer->script,
                           holm_encoder_encode(&newer->encoder, &again, &frame) == HOLM_OK);
        HOLM_SCRIPT_EXPECT(newer->script, frame.size == newer->size);
        HOLM_SCRIPT_EXPECT(newer->script, memcmp(frame.data, newer->frame, frame.size) == 0);
        found++;
    }
    HOLM_SCRIPT_EXPECT(newer->script, found == 1);
}

/* T28: relayed twice, stored, read again, and passed on once more. */
static void relayed_and_stored(struct holm_script *script)
{
    struct newer newer, other;
    pass_on(script, &newer, 1 << 20);
    holm_script_crash(script, 2);
    holm_script_start(script, 2);
    expect_holds(script, 2);
    holm_script_cut(script, 2, 3, false);
    holm_script_start(script, 3);
    holm_script_converge(script, 20000);
    expect_holds(script, 3);
    newer_open(&other, script, "virtual://other", 78);
    memcpy(other.frame, newer.frame, newer.size);
    newer_greet(&other, 3, HOLM_WIRE_VERSION);
    struct holm_decoded *answer = newer_pull(&other);
    other.size = newer.size;
    memcpy(other.frame, newer.frame, newer.size);
    expect_the_same_bytes(&other, answer);
    holm_decoded_free(answer);
    newer_close(&other);
    holm_script_close(script);
}

/* T28: the same by states, since no op log is long enough. */
static void states_are_merged(struct holm_script *script)
{
    struct newer newer;
    pass_on(script, &newer, 1);
    holm_script_cut(script, 2, 3, false);
    holm_script_start(script, 3);
    holm_script_put(script, 3, "k", 2);
    holm_script_converge(script, 20000);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, 3).syncs > 0);
    expect_holds(script, 2);
    expect_holds(script, 3);
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_cells(script, 3, "k") == holm_script_cells(script, 2, "k"));
    holm_script_bury(script, 3, "k"); /* and what it does not know it can bury */
    holm_script_converge(script, 5000);
    holm_script_expect_exists(script, "k", false);
    holm_script_close(script);
}

/* T28: a version that the other cannot speak is refused as it joins, and said to be. */
static void version_is_beyond(struct holm_script *script)
{
    struct newer newer;
    holm_script_open(script, 2, HOLM_SCRIPT_PLAIN);
    holm_script_begin(script);
    newer_open(&newer, script, "virtual://newer", 77);
    newer_greet(&newer, 0, HOLM_WIRE_VERSION + 1);
    holm_script_run(script, 5000); /* it may read the refusal before the link ends */
    struct holm_decoded *none = newer_hear(&newer, HOLM_MESSAGE_FEED);
    HOLM_SCRIPT_EXPECT(script, none == NULL);
    HOLM_SCRIPT_EXPECT(script, newer.closed);
    HOLM_SCRIPT_EXPECT(script, strstr(script->log, "it speaks another wire version") != NULL);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, 0).peers_up == 1);
    newer_close(&newer);
    holm_script_close(script);
}
const struct holm_script_act holm_script_t28[] = {
    {"older ones relay and store what a newer one wrote, to the byte", relayed_and_stored},
    {"older ones merge states with what a newer one wrote", states_are_merged},
    {"a version that is beyond is not let in", version_is_beyond},
    {NULL, NULL}};
