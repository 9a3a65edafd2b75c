/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "bench/trial_parts.h"
#include "proto/codec.h"
#include "sim/tally.h"

/* ---- what has come before ------------------------------------------------------------------- */

static bool has_come(const struct trial_replica *replica, uint32_t life, uint64_t seq)
{
    return seq <= replica->seqs[life] || (seq < replica->arrived_bits[life] &&
                                          (replica->arrived[life][seq / 64] >> seq % 64 & 1) != 0);
}

static void comes(struct trial_replica *replica, uint32_t life, uint64_t seq)
{
    size_t bits = replica->arrived_bits[life];
    if (seq >= bits) {
        size_t wanted = (size_t)(seq / 64 + 1) * 64 * 2;
        uint64_t *grown = realloc(replica->arrived[life], wanted / 8);
        if (grown == NULL)
            measure_fail("there is memory");
        memset(grown + bits / 64, 0, (wanted - bits) / 8);
        replica->arrived[life] = grown;
        replica->arrived_bits[life] = wanted;
    }
    replica->arrived[life][seq / 64] |= UINT64_C(1) << seq % 64;
}

/* ---- one receiver --------------------------------------------------------------------------- */

struct receipt {
    struct trial *trial;
    uint32_t node;
    struct trial_replica *replica;
    uint64_t elements, redundant;
};

/* Who wrote an item, and under which seq; of a removal and the like the run's last. */
static uint32_t dot_of(const struct receipt *receipt, const struct holm_items *items,
                       const struct holm_item *item, uint64_t run_last, uint64_t *seq)
{
    bool own = item->seq != 0 ||
               (item->op == HOLM_ITEM_COUNT && (item->actor == 0 || run_last == 0));
    *seq = !own ? run_last : item->op == HOLM_ITEM_COUNT ? item->count.last : item->seq;
    return trial_life_of(receipt->trial, items->actors[own ? item->actor : 0]);
}

/* run_last: 0 in a page. */
static void take_items(struct receipt *receipt, const struct holm_items *items, uint64_t run_last)
{
    for (uint32_t i = 0; i < items->item_count; i++) {
        uint64_t seq;
        uint32_t life = dot_of(receipt, items, &items->items[i], run_last, &seq);
        receipt->elements++;
        receipt->redundant += life != TRIAL_NOBODY &&
                              (life == receipt->trial->node[receipt->node].life ||
                               has_come(receipt->replica, life, seq));
    }
    for (uint32_t i = 0; i < items->item_count; i++) {
        uint64_t seq;
        uint32_t life = dot_of(receipt, items, &items->items[i], run_last, &seq);
        if (life != TRIAL_NOBODY)
            comes(receipt->replica, life, seq);
    }
}

static void take_runs(struct receipt *receipt, struct holm_delta *const *runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        take_items(receipt, &runs[i]->items, runs[i]->last);
}

static void take(struct receipt *receipt, const struct holm_message *message)
{
    struct holm_delta *run = message->type == HOLM_MESSAGE_DELTA ? message->as.delta : NULL;
    if (run != NULL)
        take_runs(receipt, &run, 1);
    else if (message->type == HOLM_MESSAGE_DELTAS)
        take_runs(receipt, message->as.deltas.deltas, message->as.deltas.count);
    else if (message->type == HOLM_MESSAGE_FEED)
        take_runs(receipt, message->as.feed.runs, message->as.feed.count);
    else if (message->type == HOLM_MESSAGE_SYNC_PAGE)
        take_items(receipt, &message->as.sync_page.page->items, 0);
    else if (message->type == HOLM_MESSAGE_SYNC_TELL && message->as.sync_tell.page != NULL)
        take_items(receipt, &message->as.sync_tell.page->items, 0);
}

static void arrives(struct trial *trial, uint32_t node, const struct holm_message *message,
                    uint64_t bytes)
{
    struct holm_bench_traffic *traffic = &trial->figures->traffic;
    struct receipt receipt = {
        .trial = trial,
        .node = node,
        .replica = &trial->node[node].replicas[message->partition % TRIAL_PARTITIONS]};
    take(&receipt, message);
    if (!trial->counting || receipt.elements == 0)
        return;
    traffic->arrived_elements += receipt.elements;
    traffic->arrived_bytes += bytes;
    traffic->redundant_elements += receipt.redundant;
    traffic->redundant_bytes += bytes * receipt.redundant / receipt.elements;
}

/* ---- all frames ----------------------------------------------------------------------------- */

static void leaves(struct trial *trial, const struct holm_message *message, uint64_t bytes,
                   uint64_t copies)
{
    struct holm_bench_traffic *traffic = &trial->figures->traffic;
    struct holm_tally tally = {.messages = 0};
    holm_bench_curve_add(&trial->figures->bytes, trial->scenario,
                         (int64_t)holm_world_now_us(trial->world) - (int64_t)trial->heal_us,
                         bytes * copies);
    if (!trial->counting)
        return;
    holm_tally_message(&tally, message);
    traffic->messages += copies;
    traffic->elements += tally.elements * copies;
    traffic->metadata += tally.metadata * copies;
    traffic->bytes += bytes * copies;
}

static bool has_partition(enum holm_message_type type)
{
    return type != HOLM_MESSAGE_BEACON && type != HOLM_MESSAGE_HELLO && type != HOLM_MESSAGE_PING &&
           type != HOLM_MESSAGE_PONG && type != HOLM_MESSAGE_GOODBYE;
}

void trial_frame(struct trial *trial, const struct holm_world_event *event)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    struct holm_decoded *decoded = NULL;
    uint64_t bytes = event->wire_bytes + HOLM_LINK_PREFIX_BYTES;
    measure_must(holm_codec_decode(&allocator, &limits, event->frame, &decoded), "a frame");
    const struct holm_message *message = &decoded->message;
    if (event->type == HOLM_WORLD_SENT)
        leaves(trial, message, bytes, event->copies);
    else
        arrives(trial, event->node, message, bytes);
    if (has_partition(message->type) && message->partition < TRIAL_PARTITIONS) {
        trial->due.set = true;
        trial->due.node = event->node;
        trial->due.partition = message->partition;
        trial->due.at_us = event->at_us;
    }
    holm_decoded_free(decoded);
}
