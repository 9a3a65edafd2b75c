/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "proto/codec.h"
#include "sim/world/checker.h"

static bool is_idle_talk(enum holm_message_type type)
{
    return type == HOLM_MESSAGE_BEACON || type == HOLM_MESSAGE_PING || type == HOLM_MESSAGE_PONG;
}

/* Who cannot be reached, or cannot answer, is dialled for ever, and a link says Hello first. */
static bool is_unreachable(const struct holm_judge *judge, const struct holm_world_event *event)
{
    const struct holm_world *world = judge->config.world;
    if (event->peer >= holm_world_count(world))
        return true;
    return (event->peer < 64 && (judge->core >> event->peer & 1) == 0) ||
           holm_world_path(world, event->node, event->peer).cut ||
           holm_world_path(world, event->peer, event->node).cut;
}

/* A beacon says who speaks, and a line a partition: what a member list has is one, too. How many actors there
 * are makes no difference to that. */
#define SPEAKER_BYTES_MAX 32

static void check_beacon(struct holm_judge *judge, const struct holm_world_event *event)
{
    size_t most = SPEAKER_BYTES_MAX +
                  (judge->config.partitions + 1) * (size_t)HOLM_BEACON_ENTRY_BYTES_MAX;
    if (event->frame.size > most)
        holm_judge_fail(judge, &holm_check_quiet, event->node,
                        "its beacon has %zu bytes, of at most %zu", event->frame.size, most);
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (!judge->quiet || event->type != HOLM_WORLD_SENT || event->node >= 64 ||
        (judge->core >> event->node & 1) == 0)
        return;
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded;
    limits.frame_bytes_max = HOLM_FRAME_BYTES_LIMIT;
    if (holm_codec_decode(&allocator, &limits, event->frame, &decoded) != HOLM_OK)
        return;
    enum holm_message_type type = decoded->message.type;
    holm_decoded_free(decoded);
    if (type == HOLM_MESSAGE_BEACON)
        check_beacon(judge, event);
    if (!is_idle_talk(type) && !(type == HOLM_MESSAGE_HELLO && is_unreachable(judge, event)))
        holm_judge_fail(judge, &holm_check_quiet, event->node,
                        "all agree and nobody writes, yet it sent a message of type %d", (int)type);
}

static void moment(struct holm_judge *judge)
{
    if (judge->quiet || judge->quiet_drives == NULL || judge->quiet_since_us == 0)
        return;
    uint64_t now_us = holm_world_now_us(judge->config.world);
    uint64_t rounds = (now_us - judge->quiet_since_us) / judge->config.beacon_interval_us + 1;
    for (uint32_t i = 0; i < holm_world_count(judge->config.world); i++) {
        uint64_t drives = holm_world_drives(judge->config.world, i) - judge->quiet_drives[i];
        if (drives > rounds * judge->config.drives_a_round)
            holm_judge_fail(judge, &holm_check_quiet, i,
                            "nothing happens, yet it worked %" PRIu64 " times in %" PRIu64
                            " rounds",
                            drives, rounds);
    }
    judge->quiet_since_us = 0;
}

const struct holm_checker holm_check_quiet = {
    .name = "quiet",
    .claim = "when all agree there are small beacons and pings, and nothing is repaired",
    .event = event,
    .moment = moment,
};
