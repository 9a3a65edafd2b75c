/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/tally.h"

/* The seq of an item's own dot; 0: it has none, and takes whichever of its run no other has. */
static uint64_t dot_of(const struct holm_item *item)
{
    if (item->op == HOLM_ITEM_COUNT)
        return item->actor == 0 ? item->count.last : 0;
    return item->seq;
}

static void add_run(struct holm_tally *tally, const struct holm_delta *run, bool deps)
{
    const struct holm_items *items = &run->items;
    bool first = false, last = false;
    for (uint32_t i = 0; i < items->item_count; i++) {
        uint64_t seq = dot_of(&items->items[i]);
        first |= seq == 0 || seq == run->first;
        last |= seq == 0 || seq == run->last;
    }
    tally->elements += items->item_count;
    tally->metadata += !first + (uint64_t)(!last && (first || run->first != run->last));
    tally->metadata += run->collected.count + (deps ? run->deps.count : 0);
}

static void add_runs(struct holm_tally *tally, struct holm_delta *const *runs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add_run(tally, runs[i], false);
}

/* A line of a beacon: the own seq, the vector's hash, the digest. */
#define LINE_METADATA 3

static void add_beacon(struct holm_tally *tally, const struct holm_beacon *beacon)
{
    tally->metadata += LINE_METADATA * beacon->count;
}

static void add_cut(struct holm_tally *tally, const struct holm_sync_cut *cut)
{
    tally->metadata += 5 + cut->vector.count + cut->collected.count;
}

static void add_ask(struct holm_tally *tally, const struct holm_sync_ask *ask)
{
    tally->metadata += 3 + ask->branch_count + ask->hash_count + ask->list_count + ask->dot_count;
}

static void add_tell(struct holm_tally *tally, const struct holm_sync_tell *tell)
{
    tally->metadata += 3 + tell->branch_count + tell->hash_count + tell->gone_count;
    if (tell->page != NULL)
        tally->elements += tell->page->items.item_count;
}

void holm_tally_message(struct holm_tally *tally, const struct holm_message *message)
{
    tally->messages += 1;
    switch (message->type) {
    case HOLM_MESSAGE_DELTA:
        add_run(tally, message->as.delta, true);
        return;
    case HOLM_MESSAGE_BEACON:
        add_beacon(tally, &message->as.beacon);
        return;
    case HOLM_MESSAGE_HELLO:
    case HOLM_MESSAGE_PING:
    case HOLM_MESSAGE_PONG:
    case HOLM_MESSAGE_GOODBYE:
        return;
    case HOLM_MESSAGE_STANDING:
        tally->metadata += 1 + message->as.standing.list.count + message->as.standing.op_count;
        return;
    case HOLM_MESSAGE_JOIN:
    case HOLM_MESSAGE_JOINED:
        tally->metadata += 1;
        return;
    case HOLM_MESSAGE_REACH:
        tally->metadata += 1 + message->as.reach.met_count;
        return;
    case HOLM_MESSAGE_TUNNEL: /* what is in it is counted by who opens it */
        return;
    case HOLM_MESSAGE_REPORT:
        tally->metadata += message->as.reported.vector.count + message->as.reported.list.count +
                           message->as.reported.heard.count;
        return;
    case HOLM_MESSAGE_ACK:
    case HOLM_MESSAGE_WANT:
    case HOLM_MESSAGE_SYNC_CLOSE:
    case HOLM_MESSAGE_UNFOLLOW:
        tally->metadata += 1;
        return;
    case HOLM_MESSAGE_PULL:
        tally->metadata += 1 + message->as.pull.vector.count;
        return;
    case HOLM_MESSAGE_DELTAS:
        add_runs(tally, message->as.deltas.deltas, message->as.deltas.count);
        tally->metadata += LINE_METADATA;
        return;
    case HOLM_MESSAGE_SYNC_OPEN:
        tally->metadata += 1 + message->as.sync_open.vector.count;
        return;
    case HOLM_MESSAGE_SYNC_CUT:
        add_cut(tally, &message->as.sync_cut);
        return;
    case HOLM_MESSAGE_SYNC_NEXT:
        tally->metadata += 3;
        return;
    case HOLM_MESSAGE_SYNC_PAGE:
        tally->elements += message->as.sync_page.page->items.item_count;
        tally->metadata += 2;
        return;
    case HOLM_MESSAGE_SYNC_ASK:
        add_ask(tally, &message->as.sync_ask);
        return;
    case HOLM_MESSAGE_SYNC_TELL:
        add_tell(tally, &message->as.sync_tell);
        return;
    case HOLM_MESSAGE_FOLLOW:
        tally->metadata += 1 + message->as.follow.vector.count;
        return;
    case HOLM_MESSAGE_FEED:
        add_runs(tally, message->as.feed.runs, message->as.feed.count);
        tally->metadata += (message->as.feed.number != 0) + (uint64_t)(message->as.feed.ack != 0);
        return;
    }
}
