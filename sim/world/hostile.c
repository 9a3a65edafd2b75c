/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/hostile.h"

#include <stdlib.h>

#include "node/random.h"
#include "proto/codec.h"
#include "transport/packing.h"

#define KEPT 32
#define KEPT_BYTES 2048
#define FACES 4   /* identities of its own … */
#define SPEAKER 0 /* … of which one shakes hands, and tells of the others */
#define FACE_ID UINT64_C(0xe000)
#define LINKS 64

struct kept {
    size_t size;
    unsigned char bytes[KEPT_BYTES];
};

struct holm_hostile {
    struct holm_world *world;
    struct holm_transport *transport;
    struct holm_allocator allocator;
    struct holm_encoder encoder;
    struct holm_random random;
    struct kept kept[KEPT];
    uint64_t overheard;
    struct holm_link_id links[LINKS]; /* to each node; 0: none */
    uint64_t seqs[FACES][16];         /* last minted, per partition */
    struct holm_packer packer; /* one for all links: what it says is seldom what they carried */
};

struct holm_hostile *holm_hostile_new(struct holm_world *world, struct holm_judge *judge,
                                      uint64_t seed)
{
    struct holm_hostile *hostile = calloc(1, sizeof *hostile);
    HOLM_ASSERT(hostile != NULL);
    struct holm_transport_config config = holm_transport_config_default();
    hostile->world = world;
    hostile->allocator = config.allocator;
    hostile->random.state = seed ^ 0xbad;
    holm_encoder_init(&hostile->encoder, &hostile->allocator, (size_t)1 << 20);
    enum holm_status status = holm_network_open(holm_world_network(world), "virtual://enemy",
                                                &config, &hostile->transport);
    HOLM_ASSERT(status == HOLM_OK);
    for (uint64_t i = 0; i < FACES; i++)
        holm_judge_foreign(judge, FACE_ID + i, i == SPEAKER);
    return hostile;
}

void holm_hostile_end(struct holm_hostile *hostile)
{
    if (hostile->transport != NULL)
        hostile->transport->ops->close(hostile->transport, 0);
    hostile->transport = NULL;
}

void holm_hostile_free(struct holm_hostile *hostile)
{
    if (hostile == NULL)
        return;
    holm_hostile_end(hostile);
    holm_encoder_release(&hostile->encoder);
    holm_packer_release(&hostile->packer, &hostile->allocator);
    free(hostile);
}

void holm_hostile_overhear(struct holm_hostile *hostile, const struct holm_world_event *event)
{
    hostile->overheard++;
    if (event->frame.size > KEPT_BYTES || hostile->overheard % 7 != 0)
        return;
    struct kept *kept = &hostile->kept[hostile->overheard / 7 % KEPT];
    kept->size = event->frame.size;
    memcpy(kept->bytes, event->frame.data, event->frame.size);
}

/* ---- links ---------------------------------------------------------------------------------- */

/* What came is thrown away; who hung up is noted. */
static void listen(struct holm_hostile *hostile)
{
    struct holm_transport *transport = hostile->transport;
    for (;;) {
        struct holm_transport_event event;
        transport->ops->next(transport, 0, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            return;
        for (uint32_t i = 0; i < LINKS && event.type == HOLM_TRANSPORT_LINK_CLOSED; i++)
            if (hostile->links[i].value == event.link.value)
                hostile->links[i].value = 0;
        transport->ops->release(transport, &event);
    }
}

static void send(struct holm_hostile *hostile, uint32_t node, struct holm_bytes frame)
{
    struct holm_transport *transport = hostile->transport;
    char address[HOLM_ADDRESS_BYTES_MAX];
    holm_world_address(node, address);
    if (hostile->links[node].value == 0 &&
        transport->ops->link_dial(transport, address, &hostile->links[node]) != HOLM_OK)
        return;
    enum holm_status status = transport->ops->link_send(transport, hostile->links[node], frame.data,
                                                        frame.size);
    (void)status; /* its own loss */
}

static void send_message(struct holm_hostile *hostile, uint32_t node,
                         const struct holm_message *message)
{
    struct holm_bytes frame;
    if (holm_encoder_encode(&hostile->encoder, message, &frame) == HOLM_OK)
        send(hostile, node, frame);
}

/* ---- what it says --------------------------------------------------------------------------- */

static struct holm_actor face(const struct holm_hostile *hostile, uint64_t number)
{
    (void)hostile;
    struct holm_actor actor = {{FACE_ID + number % FACES}, {UINT64_C(1700000000000) << 16}};
    return actor;
}

static void say_hello(struct holm_hostile *hostile, uint32_t node, const char *cluster,
                      uint32_t version)
{
    struct holm_engine *engine = holm_world_engine(hostile->world, node);
    if (engine == NULL)
        return;
    struct holm_message message = {.type = HOLM_MESSAGE_HELLO, .sender = face(hostile, SPEAKER)};
    struct holm_hello *hello = &message.as.hello;
    *hello = (struct holm_hello){.cluster = holm_str(cluster),
                                 .version = version,
                                 .partitions = holm_engine_partitions(engine),
                                 .nonce = 666};
    hello->self.actor = message.sender;
    hello->self.name = holm_str("enemy");
    send_message(hostile, node, &message);
    hello->answer = true;
    hello->heard = holm_engine_self(engine);
    send_message(hostile, node, &message);
}

static void make_noise(struct holm_hostile *hostile, uint32_t node)
{
    unsigned char bytes[512];
    size_t size = 1 + holm_random_next(&hostile->random) % sizeof bytes;
    for (size_t i = 0; i < size; i++)
        bytes[i] = (unsigned char)holm_random_next(&hostile->random);
    /* Half of it pretends to be packed. */
    if (holm_random_next(&hostile->random) % 2 == 0)
        bytes[0] = HOLM_PACKED_MARK;
    send(hostile, node, holm_mem(bytes, size));
}

static void replay(struct holm_hostile *hostile, uint32_t node, bool mutated)
{
    struct kept copy = hostile->kept[holm_random_next(&hostile->random) % KEPT];
    if (copy.size == 0)
        return;
    for (uint64_t i = holm_random_next(&hostile->random) % 8; mutated && i > 0; i--)
        copy.bytes[holm_random_next(&hostile->random) % copy.size] =
            (unsigned char)holm_random_next(&hostile->random);
    struct holm_bytes frame = holm_mem(copy.bytes, copy.size), packed;
    bool packs = mutated && holm_packing_fits(frame.size) &&
                 holm_random_next(&hostile->random) % 2 == 0;
    if (packs &&
        holm_packer_pack(&hostile->packer, &hostile->allocator, frame, &packed) == HOLM_OK) {
        holm_packer_keep(&hostile->packer, frame.size);
        frame = packed;
    }
    send(hostile, node, frame);
}

/* An overheard frame with deltas in it, told under its own name: a relay, and nothing wrong. */
static void relay(struct holm_hostile *hostile, uint32_t node)
{
    const struct kept *kept = &hostile->kept[holm_random_next(&hostile->random) % KEPT];
    struct holm_codec_limits limits = holm_codec_limits_default((size_t)1 << 20);
    struct holm_decoded *decoded;
    if (kept->size == 0 ||
        holm_codec_decode(&hostile->allocator, &limits, holm_mem(kept->bytes, kept->size),
                          &decoded) != HOLM_OK)
        return;
    decoded->message.sender = face(hostile, SPEAKER);
    if (decoded->message.type == HOLM_MESSAGE_DELTA || decoded->message.type == HOLM_MESSAGE_PULL ||
        decoded->message.type == HOLM_MESSAGE_WANT)
        send_message(hostile, node, &decoded->message);
    holm_decoded_free(decoded);
}

/* A put of an actor that there is not, under a key that nobody else uses. */
static void make_up(struct holm_hostile *hostile, uint32_t node, uint64_t number)
{
    struct holm_engine *engine = holm_world_engine(hostile->world, node);
    if (engine == NULL)
        return;
    uint32_t partition = (uint32_t)(number / FACES % holm_engine_partitions(engine));
    uint64_t seq = ++hostile->seqs[number % FACES][partition];
    struct holm_fill_sizes sizes = {.actors = 1, .items = 1, .bytes = 16};
    struct holm_delta *delta;
    struct holm_fill fill;
    if (holm_delta_new(&hostile->allocator, &sizes, &delta, &fill) != HOLM_OK)
        return;
    delta->partition = partition;
    delta->actor = fill.actors[0] = face(hostile, number);
    delta->first = delta->last = seq;
    fill.items[0] = (struct holm_item){.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = seq};
    fill.items[0].hlc = number % 2 == 0 ? UINT64_MAX : seq;
    fill.items[0].key = holm_fill_bytes(&fill, holm_str("evil"));
    fill.items[0].value = holm_i64((int64_t)seq);
    struct holm_message message = {
        .type = HOLM_MESSAGE_DELTA, .partition = partition, .sender = face(hostile, SPEAKER)};
    message.as.delta = delta;
    send_message(hostile, node, &message);
    holm_delta_release(delta);
}

void holm_hostile_attack(struct holm_hostile *hostile, uint32_t node, uint64_t random)
{
    if (hostile == NULL || hostile->transport == NULL || node >= LINKS)
        return;
    hostile->random.state ^= random;
    listen(hostile);
    switch (random % 7) {
    case 0:
        make_noise(hostile, node);
        break;
    case 1:
        replay(hostile, node, false);
        break;
    case 2:
        replay(hostile, node, true);
        break;
    case 3:
        say_hello(hostile, node, "another", HOLM_WIRE_VERSION);
        break;
    case 4:
        say_hello(hostile, node, "holm", HOLM_WIRE_VERSION + (uint32_t)(random / 7 % 2));
        relay(hostile, node);
        break;
    default:
        say_hello(hostile, node, "holm", HOLM_WIRE_VERSION);
        make_up(hostile, node, random / 7);
        break;
    }
}
