/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two plain states over a link: what holm_reconcile_result() asks of whoever applies it, done the plain
 * way.
 */
#include "tests/unit/plain.h"

#include "crdt/actors.h"
#include "crdt/count.h"
#include "proto/codec.h"

/* ---- applying ------------------------------------------------------------------------------ */

static struct holm_reconcile_entry entry_of(const struct holm_page *page, uint32_t at)
{
    struct holm_reconcile_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.item = page->items.items[at];
    entry.actor = page->items.actors[entry.item.actor];
    entry.item.actor = 0;
    return entry;
}

static bool same_slot(const struct holm_item *a, const struct holm_item *b)
{
    return a->kind == b->kind && holm_bytes_equal(a->key, b->key) &&
           holm_bytes_equal(a->path, b->path) && holm_bytes_equal(a->sub, b->sub);
}

/* Whether an item brings this cell, or an entry for its slot and actor (I2, I3). */
static bool brought(const struct holm_reconcile_result *result,
                    const struct holm_reconcile_entry *own)
{
    for (size_t p = 0; p < result->page_count; p++) {
        for (uint32_t i = 0; i < result->pages[p]->items.item_count; i++) {
            struct holm_reconcile_entry item = entry_of(result->pages[p], i);
            if (item.item.op != own->item.op || !holm_actor_equal(item.actor, own->actor))
                continue;
            if (own->item.op == HOLM_ITEM_COUNT ? same_slot(&item.item, &own->item)
                                                : item.item.seq == own->item.seq)
                return true;
        }
    }
    return false;
}

static bool dropped(const struct holm_reconcile_result *result,
                    const struct holm_reconcile_entry *own)
{
    enum holm_item_op op = own->item.op == HOLM_ITEM_COUNT ? HOLM_ITEM_COUNT : HOLM_ITEM_KNOWN;
    for (size_t p = 0; p < result->drop_count; p++) {
        for (uint32_t i = 0; i < result->drops[p]->items.item_count; i++) {
            struct holm_reconcile_entry item = entry_of(result->drops[p], i);
            if (item.item.op != (uint8_t)op || !holm_actor_equal(item.actor, own->actor) ||
                !same_slot(&item.item, &own->item))
                continue;
            if (op == HOLM_ITEM_COUNT || item.item.seq == own->item.seq)
                return true;
        }
    }
    return false;
}

/* What goes from the live state: the drops, and what came in since the freeze without the cut having
 * it (I2). Then the items are merged as those of a whole cut. */
static void apply(struct plain *live, const struct plain *frozen, const struct plain *server,
                  const struct holm_reconcile_result *result)
{
    for (size_t i = live->count; i-- > 0;) {
        const struct holm_reconcile_entry *own = &live->entries[i];
        uint64_t seq = own->item.op == HOLM_ITEM_COUNT ? own->item.count.last : own->item.seq;
        bool covered = seq <= plain_seq(server, own->actor);
        bool since = seq > plain_seq(frozen, own->actor);
        if (own->item.op != HOLM_ITEM_BURY && covered && (since || dropped(result, own)) &&
            !brought(result, own))
            plain_remove(live, i);
    }
    for (size_t p = 0; p < result->page_count; p++) {
        for (uint32_t i = 0; i < result->pages[p]->items.item_count; i++) {
            struct holm_reconcile_entry item = entry_of(result->pages[p], i);
            plain_bring(live, &item);
        }
    }
    plain_join(live, server);
}

/* ---- talking ------------------------------------------------------------------------------- */

struct talk {
    struct plain_link *link;
    struct holm_reconcile_server server;
    struct holm_reconcile_receiver *receiver;
    struct holm_encoder encoder;
    size_t since_break;
};

/* Over the wire: one frame of the size that was agreed on. To be freed. */
static struct holm_decoded *carry(struct talk *talk, const struct holm_message *message)
{
    struct holm_codec_limits limits = holm_codec_limits_default(talk->link->config.frame_bytes_max);
    struct holm_decoded *decoded;
    struct holm_bytes frame;
    assert_int_equal(holm_encoder_encode(&talk->encoder, message, &frame), HOLM_OK);
    assert_int_equal(holm_codec_decode(&talk->encoder.allocator, &limits, frame, &decoded),
                     HOLM_OK);
    talk->link->bytes += frame.size;
    if (talk->link->frame_bytes_most < frame.size)
        talk->link->frame_bytes_most = frame.size;
    return decoded;
}

static void answer(struct talk *talk, struct holm_decoded *asked)
{
    struct holm_message message = {.type = HOLM_MESSAGE_SYNC_TELL, .sender = actor_of(1, 1)};
    assert_int_equal(
        holm_reconcile_answer(&talk->server, &asked->message.as.sync_ask, &message.as.sync_tell),
        HOLM_OK);
    struct holm_decoded *told = carry(talk, &message);
    assert_int_equal(holm_reconcile_take(talk->receiver, &told->message.as.sync_tell), HOLM_OK);
    /* A tell that comes twice is of no ask any more. */
    assert_int_equal(holm_reconcile_take(talk->receiver, &told->message.as.sync_tell), HOLM_OK);
    holm_decoded_free(told);
}

/* Asks as much as may be under way at once; the answers come in the order of the asks, or the other way
 * round, or are lost with the link. */
static void ask_and_answer(struct talk *talk, bool backwards)
{
    struct holm_decoded *asked[8];
    size_t count = 0;
    for (;;) {
        const struct holm_sync_ask *ask;
        assert_int_equal(holm_reconcile_ask(talk->receiver, &ask), HOLM_OK);
        if (ask == NULL)
            break;
        assert_in_range(count, 0, talk->link->config.window - 1u);
        struct holm_message message = {.type = HOLM_MESSAGE_SYNC_ASK, .sender = actor_of(1, 1)};
        message.as.sync_ask = *ask;
        asked[count++] = carry(talk, &message);
    }
    for (size_t i = 0; i < count; i++) {
        talk->since_break += 1;
        bool lost = talk->link->break_after > 0 && talk->since_break > talk->link->break_after;
        if (!lost)
            answer(talk, asked[backwards ? count - 1 - i : i]);
        if (lost || i + 1 == count)
            break;
    }
    if (talk->link->break_after > 0 && talk->since_break > talk->link->break_after) {
        talk->since_break = 0;
        assert_int_equal(holm_reconcile_resend(talk->receiver), HOLM_OK);
    }
    for (size_t i = 0; i < count; i++)
        holm_decoded_free(asked[i]);
}

static uint64_t items_in(const struct holm_page *const *pages, size_t count)
{
    uint64_t items = 0;
    for (size_t i = 0; i < count; i++)
        items += pages[i]->items.item_count;
    return items;
}

enum holm_reconcile_outcome plain_sync(struct plain_link *link, struct plain *live,
                                       const struct plain *server)
{
    struct plain frozen, cut;
    plain_copy(&frozen, live);
    plain_copy(&cut, server);
    const struct holm_reconcile_source *source = plain_freeze(&cut);
    const struct holm_reconcile_source *own = plain_freeze(&frozen);
    struct holm_allocator allocator = heap_allocator(live->heap);
    if (link->config.frame_bytes_max == 0)
        link->config = holm_reconcile_config_default(4096);
    struct talk talk = {.link = link};
    link->bytes = 0;
    link->frame_bytes_most = 0;
    holm_encoder_init(&talk.encoder, &allocator, link->config.frame_bytes_max);
    holm_reconcile_server_init(&talk.server, &allocator, &link->config, source, own->vector);
    struct holm_reconcile_cut told = {source->vector, holm_tree_total(source->tree),
                                      source->entries};
    assert_int_equal(
        holm_reconcile_receiver_new(&allocator, &link->config, own, &told, &talk.receiver),
        HOLM_OK);
    for (size_t step = 0; holm_reconcile_outcome(talk.receiver) == HOLM_RECONCILE_RUNNING; step++) {
        assert_true(step < 1000000);
        ask_and_answer(&talk, step % 2 == 1);
    }
    enum holm_reconcile_outcome outcome = holm_reconcile_outcome(talk.receiver);
    link->asks = holm_reconcile_figures(talk.receiver).asks;
    link->rounds = holm_reconcile_figures(talk.receiver).rounds;
    if (outcome == HOLM_RECONCILE_DONE) {
        struct holm_reconcile_result result = holm_reconcile_result(talk.receiver);
        link->items = items_in(result.pages, result.page_count);
        link->drops = items_in(result.drops, result.drop_count);
        if (link->meanwhile != NULL)
            link->meanwhile(live);
        apply(live, &frozen, server, &result);
    }
    holm_reconcile_receiver_free(talk.receiver);
    holm_reconcile_server_release(&talk.server);
    holm_encoder_release(&talk.encoder);
    plain_release(&frozen);
    plain_release(&cut);
    return outcome;
}

struct plain_link plain_sync_as_merge(const struct plain_link *how, struct plain *live,
                                      const struct plain *server)
{
    struct plain_link link = *how;
    struct plain expected;
    plain_copy(&expected, live);
    plain_merge(&expected, server);
    assert_int_equal(plain_sync(&link, live, server), HOLM_RECONCILE_DONE);
    assert_true(plain_equal(live, &expected));
    /* Two hashes of 64 bits that meet are not chance, but a bug that the sums have made good. */
    assert_true(link.rounds == 1 || link.config.width < 4);
    holm_tree_check(&live->tree);
    plain_release(&expected);
    return link;
}
