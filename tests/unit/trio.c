/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/trio.h"

#define WALL_MS UINT64_C(1700000000000)

struct holm_replica_config trio_config(void)
{
    struct holm_replica_config config = holm_replica_config_default();
    config.digest_seed = 77;
    config.partition = 5;
    return config;
}

void trio_open(struct trio *trio, const struct holm_replica_config *limits)
{
    memset(trio, 0, sizeof *trio);
    trio->allocator = heap_allocator(&trio->heap);
    trio->now_us = 1000000;
    parcel_office_init(&trio->office, &trio->allocator, limits->frame_bytes_max, false);
    for (uint32_t i = 0; i < TRIO; i++) {
        struct holm_replica_config config = *limits;
        config.allocator = trio->allocator;
        config.self = actor_of(i + 1, 1);
        config.random_seed = i;
        assert_int_equal(holm_replica_new(&config, &trio->replicas[i]), HOLM_OK);
    }
    for (uint32_t i = 0; i < TRIO; i++) {
        for (uint32_t j = 0; j < TRIO; j++) {
            struct holm_event event = {.type = HOLM_EVENT_PEER_UP};
            event.as.peer.peer = j;
            event.as.peer.actor = actor_of(j + 1, 1);
            if (i != j)
                assert_int_equal(trio_step(trio, i, &event), HOLM_OK);
        }
    }
}

void trio_close(struct trio *trio)
{
    for (size_t i = 0; i < trio->letter_count; i++)
        parcel_free(&trio->office, trio->letters[i].parcel);
    holm_array_free(&trio->allocator, trio->letters, trio->letter_capacity, sizeof *trio->letters);
    for (uint32_t i = 0; i < TRIO; i++) {
        holm_replica_check(trio->replicas[i]);
        holm_replica_free(trio->replicas[i]);
    }
    parcel_office_release(&trio->office);
    assert_int_equal(trio->heap.blocks, 0);
    assert_int_equal(trio->heap.bytes, 0);
}

static void post(struct trio *trio, uint32_t from, uint32_t to, const struct holm_message *message)
{
    if (message->type == HOLM_MESSAGE_ACK && trio->mute_acks)
        return;
    if (message->type == trio->lossy && trio->lossy_count++ % 5 == 0)
        return;
    if (trio->cut[from][to])
        return;
    void *letters = trio->letters;
    uint64_t fail_at = trio->heap.fail_at;
    trio->heap.fail_at = 0;
    assert_int_equal(holm_array_reserve(&trio->allocator, &letters, &trio->letter_capacity,
                                        sizeof *trio->letters, trio->letter_count + 1),
                     HOLM_OK);
    trio->letters = letters;
    trio->letters[trio->letter_count++] = (struct trio_letter){from, to,
                                                               parcel_new(&trio->office, message)};
    trio->heap.fail_at = fail_at;
}

static void post_all(struct trio *trio, uint32_t from)
{
    for (size_t i = 0; i < trio->work->output_count; i++) {
        const struct holm_output *output = &trio->work->outputs[i];
        trio->sent[output->message.type] += 1;
        for (uint32_t to = 0; to < TRIO; to++) {
            bool heard = output->peer == HOLM_PEER_NONE ? to != from && !trio->deaf
                                                        : to == output->peer;
            if (heard)
                post(trio, from, to, &output->message);
        }
    }
}

enum holm_status trio_step(struct trio *trio, uint32_t node, const struct holm_event *event)
{
    struct holm_now now = {trio->now_us, WALL_MS + trio->now_us / 1000};
    enum holm_status status = holm_replica_step(trio->replicas[node], event, now, &trio->work);
    post_all(trio, node);
    return status;
}

enum holm_status trio_event(struct trio *trio, uint32_t node, enum holm_event_type type)
{
    struct holm_event event = {.type = type};
    return trio_step(trio, node, &event);
}

enum holm_status trio_commit(struct trio *trio, uint32_t node, const struct holm_op *ops,
                             size_t count)
{
    struct holm_event event = {.type = HOLM_EVENT_COMMIT};
    event.as.commit.ops = ops;
    event.as.commit.count = count;
    return trio_step(trio, node, &event);
}

void trio_write(struct trio *trio, uint32_t node, struct holm_op op)
{
    assert_int_equal(trio_commit(trio, node, &op, 1), HOLM_OK);
}

enum holm_status trio_give(struct trio *trio, uint32_t to, uint32_t from,
                           const struct holm_message *message)
{
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    event.as.message.peer = from;
    event.as.message.message = message;
    return trio_step(trio, to, &event);
}

enum holm_status trio_give_delta(struct trio *trio, uint32_t to, uint32_t from,
                                 struct holm_delta *delta)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .partition = 5};
    message.as.delta = delta;
    return trio_give(trio, to, from, &message);
}

void trio_beacon(struct trio *trio, uint32_t node)
{
    assert_int_equal(trio_event(trio, node, HOLM_EVENT_FLUSH), HOLM_OK);
    struct holm_beacon_entry entry = holm_replica_beacon(trio->replicas[node]);
    struct holm_message message = holm_replica_message(trio->replicas[node], HOLM_MESSAGE_BEACON);
    message.as.beacon.entries = &entry;
    message.as.beacon.count = 1;
    for (uint32_t to = 0; to < TRIO; to++) {
        if (to != node)
            post(trio, node, to, &message);
    }
}

static void deliver_all(struct trio *trio)
{
    size_t kept = 0;
    for (size_t i = 0; i < trio->letter_count; i++) {
        struct trio_letter letter = trio->letters[i];
        if (trio->frozen[letter.to]) {
            trio->letters[kept++] = letter;
            continue;
        }
        const struct holm_message *message = parcel_open(&trio->office, letter.parcel);
        (void)trio_give(trio, letter.to, letter.from, message);
        parcel_free(&trio->office, letter.parcel);
    }
    trio->letter_count = kept;
}

/* Whether some letter can be delivered. */
static bool is_post_waiting(const struct trio *trio)
{
    for (size_t i = 0; i < trio->letter_count; i++) {
        if (!trio->frozen[trio->letters[i].to])
            return true;
    }
    return false;
}

uint64_t trio_run(struct trio *trio, uint64_t us)
{
    uint64_t until = trio->now_us + us;
    uint64_t wakes = 0;
    while (trio->now_us < until) {
        uint64_t next = until;
        deliver_all(trio);
        for (uint32_t i = 0; i < TRIO; i++) {
            if (trio->frozen[i])
                continue;
            uint64_t wake = holm_replica_wake(trio->replicas[i]);
            if (wake <= trio->now_us) {
                wakes += 1;
                assert_int_equal(trio_event(trio, i, HOLM_EVENT_TICK), HOLM_OK);
            }
            wake = holm_replica_wake(trio->replicas[i]);
            next = wake < next ? wake : next;
        }
        if (!is_post_waiting(trio) && next > trio->now_us)
            trio->now_us = next;
        else
            trio->now_us += 1;
    }
    return wakes;
}

struct holm_delta *trio_last_run(struct trio *trio, uint32_t node)
{
    const struct holm_oplog *log = &trio->replicas[node]->log;
    struct holm_delta *delta = holm_oplog_at(log, log->count - 1)->delta;
    holm_delta_retain(delta);
    return delta;
}
