/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T30: a client that speaks the codec and means harm, over tcp links to two nodes. Whatever it says, the nodes stay equal,
 * what they write themselves stands, and what was wrong is counted.
 *
 *     mallory -- tcp --> lisbon -- tcp -- oslo <-- tcp -- mallory
 */
#include "tests/process/api.h"
#include "tests/process/resources.h"

#include <string.h>

#include "proto/codec.h"
#include "transport/nng.h"

#define FACE UINT64_C(0xbad)
#define EPOCH (UINT64_C(1700000000000) << 16)
#define FLOOD 20000u
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GROWTH_BYTES_MAX ((size_t)512 << 20) /* what is freed is kept aside for a while */
#else
#define GROWTH_BYTES_MAX ((size_t)64 << 20)
#endif

static struct {
    struct holm_node *lisbon, *oslo;
    struct holm_transport *transport;
    struct holm_allocator allocator;
    struct holm_encoder encoder;
} scene;

static struct holm_node *open_node(const char *name, const char *seeds)
{
    struct holm_config config = api_config(name);
    struct holm_node *node;
    config.listen = "tcp://127.0.0.1:0";
    config.seeds = seeds;
    config.partitions = 1;
    config.log_level = HOLM_LOG_SILENT;
    assert_ok(holm_open(&config, &node));
    return node;
}

static int open_scene(void **state)
{
    struct holm_transport_config config = holm_transport_config_default();
    (void)state;
    scene.allocator = config.allocator;
    assert_ok(holm_transport_nng_open(&config, &scene.transport));
    holm_encoder_init(&scene.encoder, &scene.allocator, (size_t)1 << 20);
    scene.lisbon = open_node("lisbon", NULL);
    scene.oslo = open_node("oslo", holm_address(scene.lisbon));
    assert_ok(holm_wait_peers(scene.lisbon, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(scene.oslo, 1, API_WAIT_MS));
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    holm_encoder_release(&scene.encoder);
    scene.transport->ops->close(scene.transport, 0);
    holm_close(scene.lisbon);
    holm_close(scene.oslo);
    return 0;
}

static struct holm_stats stats_of(struct holm_node *node)
{
    struct holm_stats stats;
    holm_stats(node, &stats);
    return stats;
}

/* ---- what mallory says ----------------------------------------------------------------------- */

static void drain(void)
{
    struct holm_transport_event event;
    for (;;) {
        scene.transport->ops->next(scene.transport, 0, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            return;
        scene.transport->ops->release(scene.transport, &event);
    }
}

static void say(struct holm_link_id link, const struct holm_message *message)
{
    struct holm_bytes frame;
    assert_ok(holm_encoder_encode(&scene.encoder, message, &frame));
    enum holm_status status = scene.transport->ops->link_send(scene.transport, link, frame.data,
                                                              frame.size);
    (void)status; /* its own loss */
}

static struct holm_actor face(uint64_t number)
{
    return (struct holm_actor){{FACE + number}, {EPOCH}};
}

static void hang_up(struct holm_node *node, struct holm_link_id link)
{
    scene.transport->ops->link_close(scene.transport, link);
    drain();
    await(stats_of(node).peers_up == 1);
}

/* Let in as a peer: there are no certificates here. */
static struct holm_link_id call(struct holm_node *node)
{
    struct holm_link_id link;
    struct holm_message message = {.type = HOLM_MESSAGE_HELLO, .sender = face(0)};
    message.as.hello = (struct holm_hello){
        .cluster = holm_str("api"), .version = HOLM_WIRE_VERSION, .partitions = 1, .nonce = 666};
    message.as.hello.self.actor = face(0);
    message.as.hello.self.name = holm_str("mallory");
    assert_ok(scene.transport->ops->link_dial(scene.transport, holm_address(node), &link));
    say(link, &message);
    message.as.hello.answer = true;
    message.as.hello.heard = holm_self(node);
    say(link, &message);
    await(stats_of(node).peers_up == 2);
    return link;
}

struct claim {
    struct holm_actor actor;
    uint64_t seq, hlc;
    const char *key;
    int64_t value;
};

static void claim(struct holm_link_id link, struct claim claim)
{
    struct holm_fill_sizes sizes = {.actors = 1, .items = 1, .bytes = 32};
    struct holm_delta *delta;
    struct holm_fill fill;
    assert_ok(holm_delta_new(&scene.allocator, &sizes, &delta, &fill));
    delta->actor = fill.actors[0] = claim.actor;
    delta->first = delta->last = claim.seq;
    fill.items[0] = (struct holm_item){
        .op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = claim.seq, .hlc = claim.hlc};
    fill.items[0].key = holm_fill_bytes(&fill, holm_str(claim.key));
    fill.items[0].value = holm_i64(claim.value);
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .sender = face(0)};
    message.as.delta = delta;
    say(link, &message);
    holm_delta_release(delta);
}

/* ---- what stands ----------------------------------------------------------------------------- */

static bool holds(struct holm_node *node, const char *key, int64_t expected)
{
    char buffer[64];
    struct holm_value value;
    return holm_get(node, holm_str(key), holm_str(""), buffer, sizeof buffer, &value, NULL) ==
               HOLM_OK &&
           value.type == HOLM_I64 && value.as.i64 == expected;
}

/* Each writes, and the other has it, and the two are equal. */
static void assert_unharmed(void)
{
    static int64_t number;
    number++;
    assert_ok(holm_put(scene.lisbon, holm_str("ours"), holm_str(""), holm_i64(number)));
    assert_ok(holm_add(scene.oslo, holm_str("count"), holm_str(""), 1));
    await(holds(scene.oslo, "ours", number));
    await(api_same(scene.lisbon, scene.oslo));
    assert_count(scene.lisbon, "count", "", number);
    assert_true(holds(scene.lisbon, "ours", number));
}

static void test_node_when_dots_of_its_own_are_made_up_then_it_takes_another_epoch(void **state)
{
    (void)state;
    assert_unharmed();
    struct holm_actor before = holm_self(scene.lisbon);
    struct holm_link_id link = call(scene.lisbon);
    claim(link, (struct claim){before, stats_of(scene.lisbon).operations + 1, 1, "evil", 1});
    await(stats_of(scene.lisbon).twins > 0);
    await(holm_self(scene.lisbon).epoch.value > before.epoch.value);
    assert_unharmed();
    assert_false(holm_exists(scene.lisbon, holm_str("evil")));
    hang_up(scene.lisbon, link);
}

/* Two see different things under one dot: that is noticed and mended. */
static void test_nodes_when_a_dot_has_two_payloads_then_they_are_equal_in_the_end(void **state)
{
    (void)state;
    struct holm_link_id links[2] = {call(scene.lisbon), call(scene.oslo)};
    assert_ok(holm_fault_drop(scene.lisbon, holm_node_id_of("oslo"), HOLM_BOTH, 1000));
    claim(links[0], (struct claim){face(1), 1, 1, "two", 1});
    claim(links[1], (struct claim){face(1), 1, 1, "two", 2});
    await(holds(scene.lisbon, "two", 1));
    await(holds(scene.oslo, "two", 2));
    holm_fault_heal(scene.lisbon);
    await(api_same(scene.lisbon, scene.oslo));
    await(stats_of(scene.lisbon).digest_breaches + stats_of(scene.oslo).digest_breaches > 0);
    assert_unharmed();
    hang_up(scene.lisbon, links[0]);
    hang_up(scene.oslo, links[1]);
}

/* The end of time is counted, drags no clock, and gives way to who writes after it. */
static void test_node_when_a_stamp_is_at_its_maximum_then_a_later_write_wins(void **state)
{
    (void)state;
    struct holm_link_id link = call(scene.lisbon);
    claim(link, (struct claim){face(2), 1, UINT64_MAX, "last", 1});
    await(holds(scene.lisbon, "last", 1));
    assert_true(stats_of(scene.lisbon).drift > 0);
    await(holds(scene.oslo, "last", 1));
    assert_ok(holm_put(scene.oslo, holm_str("last"), holm_str(""), holm_i64(2)));
    await(holds(scene.lisbon, "last", 2));
    assert_unharmed();
    hang_up(scene.lisbon, link);
}

/* What was said to its former life is said again to the next, and much that is early: nothing is twice, nothing grows. */
static void test_node_when_all_is_replayed_after_a_restart_then_nothing_is_twice(void **state)
{
    (void)state;
    struct holm_link_id link = call(scene.lisbon);
    claim(link, (struct claim){face(3), 1, 1, "again", 1});
    await(holds(scene.oslo, "again", 1));
    assert_ok(holm_put(scene.oslo, holm_str("again"), holm_str(""), holm_i64(2)));
    await(holds(scene.lisbon, "again", 2));
    hang_up(scene.lisbon, link);
    holm_close(scene.lisbon);
    scene.lisbon = open_node("lisbon", holm_address(scene.oslo));
    await(holds(scene.lisbon, "again", 2));
    await(api_same(scene.lisbon, scene.oslo));
    link = call(scene.lisbon);
    uint64_t duplicates = stats_of(scene.lisbon).deltas_duplicate;
    size_t resident = resources_resident_bytes();
    for (uint64_t i = 0; i < FLOOD; i++) {
        claim(link, (struct claim){face(3), 1, 1, "again", 1});
        claim(link, (struct claim){face(4), 2 + i, 1, "early", 1});
        if (i % 100 == 99)
            drain();
    }
    await(stats_of(scene.lisbon).deltas_duplicate >= duplicates + FLOOD);
    assert_true(resources_resident_bytes() <= resident + GROWTH_BYTES_MAX);
    assert_true(holds(scene.lisbon, "again", 2));
    assert_false(holm_exists(scene.lisbon, holm_str("early")));
    assert_unharmed();
    assert_true(holds(scene.oslo, "again", 2));
    hang_up(scene.lisbon, link);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_node_when_dots_of_its_own_are_made_up_then_it_takes_another_epoch),
        cmocka_unit_test(test_node_when_a_stamp_is_at_its_maximum_then_a_later_write_wins),
        cmocka_unit_test(test_node_when_all_is_replayed_after_a_restart_then_nothing_is_twice),
        cmocka_unit_test(test_nodes_when_a_dot_has_two_payloads_then_they_are_equal_in_the_end),
    };
    return cmocka_run_group_tests_name("hostile", tests, open_scene, close_scene);
}
