/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T28: two wire versions. What a newer build adds (fields of a run, kinds, types of values) passes
 * through this one as it came, relayed, merged, synced and stored; what this one cannot keep is
 * refused as a whole. Nothing is dropped in silence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/codec.h"
#include "tests/model/heap.h"
#include "tests/unit/engine_world.h"
#include "tests/unit/messages.h"
#include "tests/unit/snapshots.h"

#define NEWER_KIND 200
#define NEWER_TYPE 99
#define PEER 4

static const struct holm_now now = {1000000, UINT64_C(1700000000000)};
static const struct holm_actor writer = {{7}, {UINT64_C(0x19a000000000001)}};

/* ---- runs through replicas ----------------------------------------------------------------- */

struct relay {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_codec_limits limits;
    struct holm_encoder encoder;
    struct holm_replica_config config;
};

static void relay_init(struct relay *relay)
{
    memset(relay, 0, sizeof *relay);
    relay->allocator = heap_allocator(&relay->heap);
    relay->limits = holm_codec_limits_default(0);
    holm_encoder_init(&relay->encoder, &relay->allocator, relay->limits.frame_bytes_max);
    relay->config = holm_replica_config_default();
    relay->config.allocator = relay->allocator;
    relay->config.partition = 3;
    relay->config.digest_seed = 77;
}

static void relay_release(struct relay *relay)
{
    holm_encoder_release(&relay->encoder);
    assert_int_equal(relay->heap.blocks, 0);
}

static struct holm_replica *make(struct relay *relay, uint64_t node)
{
    struct holm_replica *replica = NULL;
    relay->config.self = (struct holm_actor){{node}, {1}};
    assert_int_equal(holm_replica_new(&relay->config, &replica), HOLM_OK);
    const struct holm_work *work = NULL;
    struct holm_event event = {.type = HOLM_EVENT_PEER_UP};
    event.as.peer.peer = PEER;
    event.as.peer.actor = (struct holm_actor){{node + 1}, {1}};
    assert_int_equal(holm_replica_step(replica, &event, now, &work), HOLM_OK);
    return replica;
}

static const struct holm_work *give(struct holm_replica *replica,
                                    const struct holm_message *message)
{
    const struct holm_work *work = NULL;
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    event.as.message.peer = PEER;
    event.as.message.message = message;
    assert_int_equal(holm_replica_step(replica, &event, now, &work), HOLM_OK);
    return work;
}

static struct holm_bytes encode(struct relay *relay, const struct holm_message *message)
{
    struct holm_bytes frame;
    assert_int_equal(holm_encoder_encode(&relay->encoder, message, &frame), HOLM_OK);
    return frame;
}

static struct holm_decoded *decode(struct relay *relay, struct holm_bytes frame)
{
    struct holm_decoded *decoded = NULL;
    assert_int_equal(holm_codec_decode(&relay->allocator, &relay->limits, frame, &decoded),
                     HOLM_OK);
    return decoded;
}

/* A run of a newer build: three fields that this one has not heard of, a kind and a type. */
static struct holm_delta *newer_run(struct relay *relay)
{
    const struct holm_value odd = {.type = (enum holm_type)NEWER_TYPE, .as.bytes = {"\x01\x02", 2}};
    const struct holm_item items[] = {
        {.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .key = {"k", 1}, .seq = 1, .value = odd},
        {.op = HOLM_ITEM_PUT,
         .kind = NEWER_KIND,
         .key = {"k", 1},
         .sub = {"element", 7},
         .seq = 2,
         .value = odd},
    };
    const struct sample_items made = {&writer, 1, items, 2, NULL, 0};
    const struct holm_vector_view none = {NULL, 0};
    static const char fields[] = "\xa0\x06\x05\xa2\x06\x03"
                                 "abc"
                                 "\xa9\x06"
                                 "12345678";
    return sample_delta(&relay->allocator, 1, 2, &made, none, none,
                        holm_mem(fields, sizeof fields - 1));
}

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

static void assert_holds(const struct holm_replica *replica)
{
    struct found found = {false, false};
    holm_replica_visit(replica, holm_str("k"), look, &found);
    assert_true(found.kind && found.type);
    holm_replica_check(replica);
}

/* A run in a replica's op log, as the answer to a pull; in the encoder. */
static struct holm_bytes pull(struct relay *relay, struct holm_replica *replica)
{
    struct holm_message message = {.type = HOLM_MESSAGE_PULL, .partition = 3, .sender = {{3}, {1}}};
    message.as.pull.bytes_max = 1 << 16;
    const struct holm_work *work = give(replica, &message);
    for (size_t i = 0; i < work->output_count; i++) {
        if (work->outputs[i].message.type == HOLM_MESSAGE_DELTAS) {
            struct holm_message answer = work->outputs[i].message;
            answer.sender = holm_replica_self(replica);
            return encode(relay, &answer);
        }
    }
    fail_msg("a pull is answered");
    return holm_mem(NULL, 0);
}

static void test_newer_when_a_run_is_relayed_then_it_is_the_same_bytes(void **state)
{
    struct relay relay;
    relay_init(&relay);
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .partition = 3, .sender = writer};
    message.as.delta = newer_run(&relay);
    struct holm_bytes frame = encode(&relay, &message);
    unsigned char *first = malloc(frame.size);
    assert_non_null(first);
    memcpy(first, frame.data, frame.size);
    struct holm_replica *replicas[2] = {make(&relay, 1), make(&relay, 2)};
    struct holm_decoded *decoded = decode(&relay, holm_mem(first, frame.size));
    (void)give(replicas[0], &decoded->message);
    holm_decoded_free(decoded);
    assert_holds(replicas[0]);
    /* From the op log of the first to the second, in another envelope. */
    decoded = decode(&relay, pull(&relay, replicas[0]));
    assert_int_equal(decoded->message.as.deltas.count, 1);
    (void)give(replicas[1],
               &(struct holm_message){.type = HOLM_MESSAGE_DELTA,
                                      .partition = 3,
                                      .sender = {{1}, {1}},
                                      .as.delta = decoded->message.as.deltas.deltas[0]});
    holm_decoded_free(decoded);
    assert_holds(replicas[1]);
    assert_null(snapshot_differ(replicas[0], replicas[1]));
    /* What the second would send on says what the writer sent, byte for byte. */
    decoded = decode(&relay, pull(&relay, replicas[1]));
    struct holm_message last = message;
    last.as.delta = decoded->message.as.deltas.deltas[0];
    struct holm_bytes again = encode(&relay, &last);
    assert_int_equal(again.size, frame.size);
    assert_memory_equal(again.data, first, again.size);
    holm_decoded_free(decoded);
    holm_delta_release(message.as.delta);
    holm_replica_free(replicas[0]);
    holm_replica_free(replicas[1]);
    free(first);
    relay_release(&relay);
}

static void test_newer_when_a_state_has_new_kinds_then_snapshots_keep_them(void **state)
{
    struct relay relay;
    struct snapshot_bytes bytes = {.size = 0};
    struct holm_replica *loaded = NULL;
    relay_init(&relay);
    struct holm_replica *replica = make(&relay, 1);
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .partition = 3, .sender = writer};
    message.as.delta = newer_run(&relay);
    (void)give(replica, &message);
    assert_int_equal(snapshot_take(&relay.config, replica, &bytes), HOLM_OK);
    relay.config.self.node.value = 9;
    assert_int_equal(
        holm_snapshot_load(&relay.config, holm_mem(bytes.data, bytes.size), now, &loaded), HOLM_OK);
    assert_holds(loaded);
    assert_null(snapshot_differ(replica, loaded));
    snapshot_bytes_free(&bytes);
    holm_delta_release(message.as.delta);
    holm_replica_free(replica);
    holm_replica_free(loaded);
    relay_release(&relay);
}

/* ---- Hello --------------------------------------------------------------------------------- */

/* A Hello of node 1 as it would be in a newer wire version, over its link to node 0. */
static void say_hello(struct world *world, uint32_t version)
{
    struct holm_encoder encoder;
    struct holm_bytes frame;
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_HELLO;
    message.sender = holm_engine_self(world->engines[1]);
    message.as.hello.cluster = holm_str(world->configs[1].cluster);
    message.as.hello.version = version;
    message.as.hello.partitions = WORLD_PARTITIONS;
    message.as.hello.self.actor = message.sender;
    message.as.hello.self.name = holm_str("b");
    message.as.hello.nonce = 12345;
    holm_encoder_init(&encoder, &world->configs[1].allocator, 1 << 16);
    assert_int_equal(holm_encoder_encode(&encoder, &message, &frame), HOLM_OK);
    world_inject(world, 1, 0, false, frame.data, frame.size);
    holm_encoder_release(&encoder);
    world_run(world, 5);
}

static void test_newer_when_a_hello_is_of_another_wire_version_then_it_is_refused(void **state)
{
    struct world *world = world_new(1);
    world_cluster(world, 2);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 1);
    say_hello(world, HOLM_WIRE_VERSION + 1);
    assert_non_null(strstr(world->log, "it speaks another wire version"));
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 0);
    world_run(world, 5000);
    assert_int_equal(holm_engine_peers_up(world->engines[0]), 1); /* the true one is let in again */
    world_free(world);
}

/* ---- fields that are used no more ----------------------------------------------------------- */

/* Older builds said in beacons, and in answers to pulls, what they had folded. */
static void test_newer_when_a_beacon_tells_of_folds_then_the_rest_is_read(void **state)
{
    static const char beacon[] = "\x19\1\0\0\0\0\0\0\0"
                                 "\x32\x10"
                                 "\x0a\1\3"
                                 "\x12\1\5"
                                 "\x32\x08"
                                 "abcdefgh";
    static const char answer[] = "\x19\1\0\0\0\0\0\0\0"
                                 "\x72\x0d"
                                 "\x18\1"
                                 "\x20\5"
                                 "\x41"
                                 "abcdefgh";
    struct relay relay;
    relay_init(&relay);
    struct holm_decoded *decoded = decode(&relay, holm_mem(beacon, sizeof beacon - 1));
    const struct holm_beacon *lines = &decoded->message.as.beacon;
    assert_int_equal(decoded->message.type, HOLM_MESSAGE_BEACON);
    assert_true(lines->count == 1 && lines->entries[0].partition == 3);
    assert_true(lines->entries[0].own_seq == 5);
    holm_decoded_free(decoded);
    decoded = decode(&relay, holm_mem(answer, sizeof answer - 1));
    assert_int_equal(decoded->message.type, HOLM_MESSAGE_DELTAS);
    assert_true(decoded->message.as.deltas.too_old && decoded->message.as.deltas.now.own_seq == 5);
    holm_decoded_free(decoded);
    relay_release(&relay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_newer_when_a_beacon_tells_of_folds_then_the_rest_is_read),
        cmocka_unit_test(test_newer_when_a_run_is_relayed_then_it_is_the_same_bytes),
        cmocka_unit_test(test_newer_when_a_state_has_new_kinds_then_snapshots_keep_them),
        cmocka_unit_test(test_newer_when_a_hello_is_of_another_wire_version_then_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
