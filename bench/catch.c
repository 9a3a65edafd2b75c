/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/catch.h"

#include "bench/bare.h"
#include "bench/measure.h"
#include "proto/codec.h"

#define FRAME_BYTES_MAX ((size_t)1 << 20)

struct wire {
    struct holm_allocator allocator;
    struct holm_encoder encoder;
    struct holm_codec_limits limits;
    struct measure_span span;
    uint64_t bytes;
};

static struct holm_decoded *carry(struct wire *wire, const struct holm_message *message)
{
    struct holm_bytes frame;
    struct holm_decoded *decoded;
    struct measure_span begun = measure_begin();
    measure_must(holm_encoder_encode(&wire->encoder, message, &frame), "encode");
    measure_must(holm_codec_decode(&wire->allocator, &wire->limits, frame, &decoded), "decode");
    measure_add(&wire->span, &begun);
    wire->bytes += frame.size;
    return decoded;
}

struct catching {
    struct holm_offer *offer;
    struct holm_catchup *catchup;
    struct measure_span server, receiver, apply;
    struct wire wire;
    struct catch_cost cost;
};

static void open_both(struct catching *catching, struct holm_replica *server,
                      struct holm_replica *receiver)
{
    struct holm_reconcile_config config = holm_reconcile_config_default(FRAME_BYTES_MAX);
    const struct holm_work *work;
    struct measure_span begun = measure_begin();
    measure_must(holm_catchup_open(receiver, &config, bare_now(), &work, &catching->catchup),
                 "a receiver");
    measure_add(&catching->receiver, &begun);
    begun = measure_begin();
    measure_must(holm_offer_open(server, &config, holm_catchup_vector(catching->catchup),
                                 bare_now(), &work, &catching->offer),
                 "a server");
    measure_add(&catching->server, &begun);
    struct holm_offer_cut cut = holm_offer_cut(catching->offer);
    begun = measure_begin();
    measure_must(holm_catchup_start(catching->catchup, &cut), "a start");
    measure_add(&catching->receiver, &begun);
}

/* False: nothing is left to ask. */
static bool ask_once(struct catching *catching)
{
    const struct holm_sync_ask *ask;
    struct measure_span begun = measure_begin();
    measure_must(holm_catchup_ask(catching->catchup, &ask), "ask");
    measure_add(&catching->receiver, &begun);
    if (ask == NULL)
        return false;
    struct holm_message message = {.type = HOLM_MESSAGE_SYNC_ASK, .sender = {{1}, {1}}};
    message.as.sync_ask = *ask;
    struct holm_decoded *asked = carry(&catching->wire, &message);
    message.type = HOLM_MESSAGE_SYNC_TELL;
    begun = measure_begin();
    measure_must(
        holm_offer_answer(catching->offer, &asked->message.as.sync_ask, &message.as.sync_tell),
        "answer");
    measure_add(&catching->server, &begun);
    struct holm_decoded *told = carry(&catching->wire, &message);
    begun = measure_begin();
    measure_must(holm_catchup_take(catching->catchup, &told->message.as.sync_tell), "take");
    measure_add(&catching->receiver, &begun);
    holm_decoded_free(told);
    holm_decoded_free(asked);
    catching->cost.asks += 1;
    return true;
}

struct catch_cost catch_up(struct holm_replica *server, struct holm_replica *receiver)
{
    struct catching catching = {.wire.allocator = bare_allocator(NULL),
                                .wire.limits = holm_codec_limits_default(FRAME_BYTES_MAX)};
    const struct holm_work *work;
    holm_encoder_init(&catching.wire.encoder, &catching.wire.allocator, FRAME_BYTES_MAX);
    open_both(&catching, server, receiver);
    while (ask_once(&catching)) {
    }
    measure_require(holm_catchup_outcome(catching.catchup) == HOLM_RECONCILE_DONE, "it is done");
    struct measure_span begun = measure_begin();
    measure_must(holm_catchup_finish(catching.catchup, bare_now(), &work), "it is applied");
    measure_add(&catching.apply, &begun);
    begun = measure_begin();
    holm_catchup_close(catching.catchup);
    measure_add(&catching.apply, &begun);
    begun = measure_begin();
    holm_offer_close(catching.offer);
    measure_add(&catching.server, &begun);
    holm_encoder_release(&catching.wire.encoder);
    catching.cost.server_ms = (double)catching.server.ns / 1e6;
    catching.cost.apply_ms = (double)catching.apply.ns / 1e6;
    catching.cost.receiver_ms = (double)catching.receiver.ns / 1e6 + catching.cost.apply_ms;
    catching.cost.codec_ms = (double)catching.wire.span.ns / 1e6;
    catching.cost.bytes = catching.wire.bytes;
    return catching.cost;
}
