/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T30: a sync that never ends, for who serves it.
 *
 *     mallory's ids -- ask for a page now and then --> lisbon -- oslo       two of them hold one of lisbon's cuts each
 *                                                         \
 *                                                          paris            opens meanwhile
 *
 * Mallory speaks the codec, in a thread of its own.
 */
#include "tests/process/api.h"
#include "tests/process/prometheus.h"
#include "tests/process/resources.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "proto/codec.h"
#include "transport/nng.h"
#include "transport/packed.h"

#define FACE UINT64_C(0xbad)
#define EPOCH (UINT64_C(1700000000000) << 16)
#define CUTS 2  /* of one partition */
#define LINKS 3 /* one more id than there are cuts */
#define SYNC 7
#define KEYS 300
#define TEXT_BYTES 1000 /* 300 kB in all: more than a log of 64 KiB */
#define STEP_US 50000
#define SYNCS_SERVED "holm_partition_syncs_served_total{partition=\"0\"}"
#define SYNCS_REFUSED "holm_partition_syncs_refused_total{partition=\"0\"}"
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define GROWTH_BYTES_MAX ((size_t)512 << 20) /* what is freed is kept aside for a while */
#else
#define GROWTH_BYTES_MAX ((size_t)128 << 20)
#endif

static struct {
    struct holm_node *lisbon, *oslo;
    char address[HOLM_ADDRESS_BYTES_MAX];
    struct holm_allocator allocator;
    pthread_t thread;
    atomic_bool stopping;
    atomic_uint cuts_read; /* answers that a cut is open */
    atomic_uint holders;   /* ids that have had one */
} scene;

static struct holm_node *open_node(const char *name, const char *seeds)
{
    struct holm_config config = api_config(name);
    struct holm_node *node;
    config.listen = "tcp://127.0.0.1:0";
    config.seeds = seeds;
    config.partitions = 1;
    config.log_bytes_max = 65536;
    config.log_level = HOLM_LOG_SILENT;
    assert_ok(holm_open(&config, &node));
    return node;
}

/* ---- mallory -------------------------------------------------------------------------------- */

struct mallory {
    struct holm_transport *transport;
    struct holm_encoder encoder;
    struct holm_codec_limits limits;
    struct holm_link_id links[LINKS];
    bool holds[LINKS];    /* a cut */
    bool answered[LINKS]; /* what it asked last: it never lets answers pile up */
};

static struct holm_actor face(size_t number)
{
    return (struct holm_actor){{FACE + number}, {EPOCH}};
}

static void say(struct mallory *mallory, size_t from, struct holm_message *message)
{
    struct holm_bytes frame;
    message->sender = face(from);
    if (holm_encoder_encode(&mallory->encoder, message, &frame) != HOLM_OK)
        abort();
    enum holm_status status = mallory->transport->ops->link_send(
        mallory->transport, mallory->links[from], frame.data, frame.size);
    (void)status; /* its own loss */
}

static void greet(struct mallory *mallory, size_t from, bool answer)
{
    struct holm_message message = {.type = HOLM_MESSAGE_HELLO};
    message.as.hello = (struct holm_hello){.cluster = holm_str("api"),
                                           .version = HOLM_WIRE_VERSION,
                                           .partitions = 1,
                                           .nonce = 666 + from,
                                           .answer = answer};
    message.as.hello.self.actor = face(from);
    message.as.hello.self.name = holm_str(from == 0 ? "mallory" : from == 1 ? "malice" : "malady");
    if (answer)
        message.as.hello.heard = holm_self(scene.lisbon);
    say(mallory, from, &message);
}

static void open_cut(struct mallory *mallory, size_t from)
{
    struct holm_message message = {.type = HOLM_MESSAGE_SYNC_OPEN};
    message.as.sync_open.sync = SYNC;
    say(mallory, from, &message);
}

static void ask_for_a_page(struct mallory *mallory, size_t from)
{
    struct holm_message message = {.type = HOLM_MESSAGE_SYNC_NEXT};
    message.as.sync_next = (struct holm_sync_next){.sync = SYNC, .first = 0, .count = 1};
    say(mallory, from, &message);
}

static void hear(struct mallory *mallory, struct holm_link_id link,
                 const struct holm_message *message)
{
    if (message->type != HOLM_MESSAGE_SYNC_CUT || message->as.sync_cut.answer != HOLM_CUT_OPEN)
        return;
    atomic_fetch_add(&scene.cuts_read, 1);
    for (size_t i = 0; i < LINKS; i++) {
        if (mallory->links[i].value != link.value)
            continue;
        mallory->answered[i] = true;
        if (!mallory->holds[i]) {
            mallory->holds[i] = true;
            atomic_fetch_add(&scene.holders, 1);
        }
    }
}

static void listen_for(struct mallory *mallory, uint64_t time_us)
{
    struct holm_transport_event event;
    do {
        struct holm_decoded *decoded = NULL;
        mallory->transport->ops->next(mallory->transport, time_us, &event);
        if (event.type == HOLM_TRANSPORT_LINK_FRAME &&
            holm_codec_decode(&scene.allocator, &mallory->limits,
                              holm_mem(event.frame, event.frame_bytes), &decoded) == HOLM_OK)
            hear(mallory, event.link, &decoded->message);
        holm_decoded_free(decoded);
        mallory->transport->ops->release(mallory->transport, &event);
        time_us = 0;
    } while (event.type != HOLM_TRANSPORT_NONE);
}

/* Two ids: let in as peers, there are no certificates here. */
static void call(struct mallory *mallory)
{
    for (size_t i = 0; i < LINKS; i++) {
        if (mallory->transport->ops->link_dial(mallory->transport, scene.address,
                                               &mallory->links[i]) != HOLM_OK)
            abort();
        greet(mallory, i, false);
        greet(mallory, i, true);
    }
}

static void *be_mallory(void *context)
{
    struct holm_transport_config config = holm_transport_config_default();
    struct mallory mallory = {.limits = holm_codec_limits_default((size_t)1 << 20)};
    (void)context;
    struct holm_transport *below;
    if (holm_transport_nng_open(&config, &below) != HOLM_OK ||
        holm_transport_packed_open(below, &scene.allocator, &mallory.transport) != HOLM_OK)
        abort();
    holm_encoder_init(&mallory.encoder, &scene.allocator, (size_t)1 << 20);
    call(&mallory);
    listen_for(&mallory, 4 * STEP_US);
    while (!atomic_load(&scene.stopping)) {
        listen_for(&mallory, STEP_US);
        for (size_t i = 0; i < LINKS; i++) {
            if (!mallory.holds[i])
                open_cut(&mallory, i);
            else if (mallory.answered[i])
                ask_for_a_page(&mallory, i);
            mallory.answered[i] = false;
        }
    }
    holm_encoder_release(&mallory.encoder);
    mallory.transport->ops->close(mallory.transport, 0);
    return NULL;
}

static void begin_mallory(void)
{
    atomic_store(&scene.stopping, false);
    assert_int_equal(pthread_create(&scene.thread, NULL, be_mallory, NULL), 0);
}

static void end_mallory(void)
{
    atomic_store(&scene.stopping, true);
    pthread_join(scene.thread, NULL);
}

/* ---- what stands ----------------------------------------------------------------------------- */

static double metric(struct holm_node *node, const char *series)
{
    static char text[1 << 20];
    size_t size;
    assert_ok(holm_metrics(node, text, sizeof text - 1, &size));
    text[size] = '\0';
    return prometheus_value(text, series);
}

static int open_scene(void **state)
{
    struct holm_transport_config config = holm_transport_config_default();
    char key[16], text[TEXT_BYTES + 1];
    (void)state;
    scene.allocator = config.allocator;
    scene.lisbon = open_node("lisbon", NULL);
    snprintf(scene.address, sizeof scene.address, "%s", holm_address(scene.lisbon));
    scene.oslo = open_node("oslo", scene.address);
    assert_ok(holm_wait_peers(scene.lisbon, 1, API_WAIT_MS));
    memset(text, 'x', TEXT_BYTES);
    text[TEXT_BYTES] = '\0';
    for (int i = 0; i < KEYS; i++) {
        snprintf(key, sizeof key, "k-%d", i);
        assert_ok(holm_put(scene.lisbon, holm_str(key), holm_str(""), holm_text(text)));
    }
    await(api_same(scene.lisbon, scene.oslo));
    return 0;
}

static int close_scene(void **state)
{
    (void)state;
    holm_close(scene.lisbon);
    holm_close(scene.oslo);
    return 0;
}

/* Each writes, and the other has it, and the two are equal. */
static void assert_unharmed(void)
{
    static int64_t number;
    int64_t read = 0;
    number++;
    assert_ok(holm_add(scene.lisbon, holm_str("ours"), holm_str(""), 1));
    await(holm_count(scene.oslo, holm_str("ours"), holm_str(""), &read) == HOLM_OK &&
          read == number);
    assert_ok(holm_add(scene.oslo, holm_str("theirs"), holm_str(""), 1));
    await(holm_count(scene.lisbon, holm_str("theirs"), holm_str(""), &read) == HOLM_OK &&
          read == number);
    await(api_same(scene.lisbon, scene.oslo));
}

/* It holds all cuts that lisbon has for one partition, for as long as it asks now and then: no more than those, in bounded memory;
 * who writes does not notice, who needs a state is told that lisbon is busy, and has it from another. */
static void test_node_when_readers_of_its_cuts_never_end_then_others_are_served_elsewhere(
    void **state)
{
    (void)state;
    size_t resident = resources_resident_bytes();
    double refused = metric(scene.lisbon, SYNCS_REFUSED);
    double elsewhere = metric(scene.oslo, SYNCS_SERVED);
    begin_mallory();
    await(atomic_load(&scene.holders) == CUTS && atomic_load(&scene.cuts_read) >= 20);
    assert_unharmed();
    struct holm_node *paris = open_node("paris", scene.address);
    await(api_same(paris, scene.oslo));
    assert_true(holm_exists(paris, holm_str("k-0")));
    assert_true(metric(scene.oslo, SYNCS_SERVED) > elsewhere);
    assert_true(metric(scene.lisbon, SYNCS_REFUSED) > refused);
    assert_unharmed();
    assert_true(resources_resident_bytes() <= resident + GROWTH_BYTES_MAX);
    assert_int_equal(atomic_load(&scene.holders), CUTS);
    end_mallory();
    holm_close(paris);
    /* What it held is free again. */
    paris = open_node("rome", scene.address);
    await(api_same(paris, scene.oslo));
    holm_close(paris);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_node_when_readers_of_its_cuts_never_end_then_others_are_served_elsewhere),
    };
    return cmocka_run_group_tests_name("hostile_sync", tests, open_scene, close_scene);
}
