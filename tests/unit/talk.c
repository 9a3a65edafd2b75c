/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/talk.h"

static void take_work(struct talk *talk, struct holm_replica *replica, const struct holm_work *work)
{
    if (talk->took != NULL)
        talk->took(talk->context, replica, work);
}

void talk_open(struct talk *talk)
{
    const struct holm_work *work = NULL;
    if (talk->config.frame_bytes_max == 0)
        talk->config = holm_reconcile_config_default(4096);
    holm_encoder_init(&talk->encoder, &talk->allocator, talk->config.frame_bytes_max);
    assert_int_equal(
        holm_catchup_open(talk->receiver, &talk->config, talk->now, &work, &talk->catchup),
        HOLM_OK);
    take_work(talk, talk->receiver, work);
    assert_int_equal(holm_offer_open(talk->server, &talk->config,
                                     holm_catchup_vector(talk->catchup), talk->now, &work,
                                     &talk->offer),
                     HOLM_OK);
    take_work(talk, talk->server, work);
    struct holm_offer_cut cut = holm_offer_cut(talk->offer);
    assert_int_equal(holm_catchup_start(talk->catchup, &cut), HOLM_OK);
}

/* Over the wire: one frame of the size that was agreed on. To be freed. */
static struct holm_decoded *carry(struct talk *talk, const struct holm_message *message)
{
    struct holm_codec_limits limits = holm_codec_limits_default(talk->config.frame_bytes_max);
    struct holm_decoded *decoded;
    struct holm_bytes frame;
    assert_int_equal(holm_encoder_encode(&talk->encoder, message, &frame), HOLM_OK);
    assert_int_equal(holm_codec_decode(&talk->allocator, &limits, frame, &decoded), HOLM_OK);
    talk->bytes += frame.size;
    if (talk->frame_bytes_most < frame.size)
        talk->frame_bytes_most = frame.size;
    return decoded;
}

static enum holm_status answer(struct talk *talk, const struct holm_decoded *asked)
{
    struct holm_message message = {.type = HOLM_MESSAGE_SYNC_TELL, .sender = actor_of(1, 1)};
    enum holm_status status = holm_offer_answer(talk->offer, &asked->message.as.sync_ask,
                                                &message.as.sync_tell);
    if (status != HOLM_OK)
        return status;
    struct holm_decoded *told = carry(talk, &message);
    status = holm_catchup_take(talk->catchup, &told->message.as.sync_tell);
    holm_decoded_free(told);
    return status;
}

bool talk_round(struct talk *talk, enum holm_status *status)
{
    struct holm_decoded *asked[8];
    size_t count = 0;
    *status = HOLM_OK;
    if (holm_catchup_outcome(talk->catchup) != HOLM_RECONCILE_RUNNING)
        return false;
    while (*status == HOLM_OK) {
        const struct holm_sync_ask *ask;
        *status = holm_catchup_ask(talk->catchup, &ask);
        if (*status != HOLM_OK || ask == NULL)
            break;
        struct holm_message message = {.type = HOLM_MESSAGE_SYNC_ASK, .sender = actor_of(1, 1)};
        message.as.sync_ask = *ask;
        asked[count++] = carry(talk, &message);
    }
    talk->asks += count;
    for (size_t i = 0; i < count; i++) {
        if (*status == HOLM_OK)
            *status = answer(talk, asked[i]);
        holm_decoded_free(asked[i]);
    }
    return *status == HOLM_OK;
}

enum holm_status talk_finish(struct talk *talk)
{
    const struct holm_work *work = NULL;
    assert_int_equal(holm_catchup_outcome(talk->catchup), HOLM_RECONCILE_DONE);
    enum holm_status status = holm_catchup_finish(talk->catchup, talk->now, &work);
    take_work(talk, talk->receiver, work);
    return status;
}

void talk_close(struct talk *talk)
{
    holm_catchup_close(talk->catchup);
    holm_offer_close(talk->offer);
    holm_encoder_release(&talk->encoder);
    talk->catchup = NULL;
    talk->offer = NULL;
}

void talk_through(struct talk *talk)
{
    enum holm_status status;
    talk_open(talk);
    while (talk_round(talk, &status))
        assert_in_range(talk->asks, 0, 100000);
    assert_int_equal(status, HOLM_OK);
    assert_int_equal(talk_finish(talk), HOLM_OK);
    talk_close(talk);
}
