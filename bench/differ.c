/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/differ.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "bench/bare.h"
#include "crdt/actors.h"
#include "proto/codec.h"

#define FRAME_BYTES_MAX ((size_t)1 << 20)
#define PAGE_ITEMS 8192

struct holm_actor differ_actor(uint32_t actor)
{
    return (struct holm_actor){{1000 + actor}, {77}};
}

struct holm_digest differ_term(const struct differ_cell *cell)
{
    struct {
        char key[16];
        uint64_t node, seq, number;
    } text;
    memset(&text, 0, sizeof text);
    memcpy(text.key, cell->key, sizeof cell->key);
    text.node = 1000 + cell->actor;
    text.seq = cell->seq;
    text.number = (uint64_t)cell->number;
    XXH128_hash_t hash = XXH3_128bits_withSeed(&text, sizeof text, 7);
    return (struct holm_digest){hash.low64, hash.high64};
}

static uint64_t key_hash(struct holm_bytes key)
{
    return XXH3_64bits_withSeed(key.data, key.size, 7);
}

static uint64_t source_hash(void *context, struct holm_bytes key)
{
    (void)context;
    return key_hash(key);
}

static void entry_of(const struct differ_cell *cell, struct holm_reconcile_entry *entry)
{
    entry->hash = cell->hash;
    entry->actor = differ_actor(cell->actor);
    entry->term = differ_term(cell);
    entry->item.op = HOLM_ITEM_PUT;
    entry->item.kind = HOLM_REGISTER;
    entry->item.key = holm_mem(cell->key, BARE_KEY_BYTES);
    entry->item.path = holm_mem("\1v", 2);
    entry->item.seq = cell->seq;
    entry->item.hlc = ((uint64_t)1 << 56) + (cell->seq << 16);
    entry->item.value = holm_i64(cell->number);
}

static size_t first_at(const struct differ_side *side, uint64_t hash)
{
    size_t low = 0, high = side->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (side->cells[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void source_visit(void *context, uint64_t first, uint64_t last,
                         holm_reconcile_visitor *visitor, void *visitor_context)
{
    const struct differ_side *side = context;
    struct holm_reconcile_entry entry;
    memset(&entry, 0, sizeof entry);
    for (size_t i = first_at(side, first); i < side->count && side->cells[i].hash <= last; i++) {
        entry_of(&side->cells[i], &entry);
        if (!visitor(visitor_context, &entry))
            return;
    }
}

static int compare_cells(const void *a, const void *b)
{
    const struct differ_cell *left = a, *right = b;
    return (left->hash > right->hash) - (left->hash < right->hash);
}

static void side_open(struct differ_side *side, struct differ_cell *cells, size_t count)
{
    struct holm_allocator allocator = bare_allocator(NULL);
    side->cells = cells;
    side->count = count;
    struct holm_tree none = {.depth = 0};
    measure_must(holm_tree_init(&side->tree, &allocator, holm_tree_depth_wanted(&none, count)),
                 "a tree");
    uint64_t seqs[3] = {count, 0, 0};
    for (size_t i = 0; i < count; i++) {
        holm_tree_add(&side->tree, cells[i].hash, differ_term(&cells[i]));
        if (seqs[cells[i].actor] < cells[i].seq)
            seqs[cells[i].actor] = cells[i].seq;
    }
    for (uint32_t actor = 0; actor < 3; actor++) {
        if (seqs[actor] > 0)
            side->vector[side->vector_count++] = (struct holm_dot){differ_actor(actor),
                                                                   seqs[actor]};
    }
    side->source = (struct holm_reconcile_source){
        .context = side,
        .tree = &side->tree,
        .entries = count,
        .vector = {side->vector, side->vector_count},
        .visit = source_visit,
        .hash = source_hash,
    };
}

void differ_make(struct differ *differ, size_t records, size_t differing)
{
    memset(differ, 0, sizeof *differ);
    struct differ_cell *cells = measure_allocate(records * sizeof *cells);
    struct differ_cell *others = measure_allocate(records * sizeof *others);
    memset(cells, 0, records * sizeof *cells);
    for (size_t i = 0; i < records; i++) {
        (void)snprintf(cells[i].key, sizeof cells[i].key, "k%08zu", i % 100000000);
        cells[i].hash = key_hash(holm_mem(cells[i].key, BARE_KEY_BYTES));
        cells[i].seq = i + 1;
        cells[i].number = (int64_t)(i % 1000);
    }
    qsort(cells, records, sizeof *cells, compare_cells);
    memcpy(others, cells, records * sizeof *cells);
    uint64_t seqs[3] = {0, 0, 0};
    for (size_t i = 0; i < differing; i++) {
        uint32_t actor = 1 + (uint32_t)(i % 2);
        struct differ_cell *cell = &(actor == 1 ? cells : others)[i * records / differing];
        cell->actor = actor;
        cell->seq = ++seqs[actor];
        cell->number += 1;
    }
    side_open(&differ->server, cells, records);
    side_open(&differ->receiver, others, records);
    for (size_t i = 0; i < records; i++)
        holm_digest_add(&differ->merged,
                        differ_term(others[i].actor == 2 ? &others[i] : &cells[i]));
}

static void side_free(struct differ_side *side)
{
    holm_tree_release(&side->tree);
    free(side->cells);
}

void differ_free(struct differ *differ)
{
    side_free(&differ->server);
    side_free(&differ->receiver);
}

void differ_lacking(const struct differ_cell *cell, struct holm_digest *digest)
{
    /* What it has written itself the server does not cover; the rest the server has seen replaced. */
    if (cell->actor != 2)
        holm_digest_subtract(digest, differ_term(cell));
}

/* ---- the wire ------------------------------------------------------------------------------ */

struct wire {
    struct holm_encoder encoder;
    struct holm_codec_limits limits;
    uint64_t bytes;
};

static void wire_open(struct wire *wire)
{
    struct holm_allocator allocator = bare_allocator(NULL);
    holm_encoder_init(&wire->encoder, &allocator, FRAME_BYTES_MAX);
    wire->limits = holm_codec_limits_default(FRAME_BYTES_MAX);
    wire->bytes = 0;
}

static struct holm_decoded *carry(struct wire *wire, struct holm_message *message)
{
    struct holm_bytes frame;
    struct holm_decoded *decoded;
    message->sender = differ_actor(0);
    measure_must(holm_encoder_encode(&wire->encoder, message, &frame), "encode");
    wire->bytes += frame.size;
    measure_must(holm_codec_decode(&wire->encoder.allocator, &wire->limits, frame, &decoded),
                 "decode");
    return decoded;
}

static void bring_item(const struct holm_items *items, uint32_t at, struct holm_digest *digest)
{
    struct differ_cell cell;
    memset(&cell, 0, sizeof cell);
    const struct holm_item *item = &items->items[at];
    memcpy(cell.key, item->key.data, item->key.size);
    cell.seq = item->seq;
    cell.actor = (uint32_t)(items->actors[item->actor].node.value - 1000);
    cell.number = item->value.as.i64;
    holm_digest_add(digest, differ_term(&cell));
}

static struct holm_page *page_of(const struct differ_cell *const *cells, size_t count)
{
    struct holm_allocator allocator = bare_allocator(NULL);
    struct holm_fill_sizes sizes = {
        .actors = 3, .items = count, .bytes = count * BARE_KEY_BYTES + 2};
    struct holm_fill fill;
    struct holm_page *page;
    measure_must(holm_page_new(&allocator, &sizes, &page, &fill), "a page");
    for (uint32_t actor = 0; actor < 3; actor++)
        fill.actors[actor] = differ_actor(actor);
    struct holm_bytes path = holm_fill_bytes(&fill, holm_mem("\1v", 2));
    for (size_t i = 0; i < count; i++) {
        struct holm_reconcile_entry entry;
        memset(&entry, 0, sizeof entry);
        entry_of(cells[i], &entry);
        fill.items[i] = entry.item;
        fill.items[i].actor = cells[i]->actor;
        fill.items[i].key = holm_fill_bytes(&fill, entry.item.key);
        fill.items[i].path = path;
    }
    return page;
}

struct differ_cost differ_send(const struct differ *differ, const bool *wanted,
                               struct holm_digest *digest)
{
    struct wire wire;
    struct differ_cost cost = {0};
    const struct differ_side *server = &differ->server;
    const struct differ_cell **cells = measure_allocate(PAGE_ITEMS * sizeof *cells);
    wire_open(&wire);
    for (size_t i = 0, count = 0; i < server->count; i++) {
        if (wanted == NULL || wanted[i])
            cells[count++] = &server->cells[i];
        if (count == 0 || (count < PAGE_ITEMS && i + 1 < server->count))
            continue;
        struct holm_message message = {.type = HOLM_MESSAGE_SYNC_PAGE};
        message.as.sync_page.page = page_of(cells, count);
        struct holm_decoded *decoded = carry(&wire, &message);
        const struct holm_items *items = &decoded->message.as.sync_page.page->items;
        for (uint32_t at = 0; at < items->item_count; at++)
            bring_item(items, at, digest);
        holm_decoded_free(decoded);
        holm_page_release(message.as.sync_page.page);
        cost.round_trips += 1;
        count = 0;
    }
    free(cells);
    holm_encoder_release(&wire.encoder);
    cost.bytes = wire.bytes;
    return cost;
}

/* ---- ways ---------------------------------------------------------------------------------- */

static void check_result(const struct differ *differ,
                         const struct holm_reconcile_receiver *receiver)
{
    measure_require(holm_reconcile_outcome(receiver) == HOLM_RECONCILE_DONE, "reconciled");
    struct holm_reconcile_result result = holm_reconcile_result(receiver);
    struct holm_digest digest = holm_tree_total(&differ->receiver.tree);
    for (size_t p = 0; p < result.page_count; p++) {
        for (uint32_t i = 0; i < result.pages[p]->items.item_count; i++)
            bring_item(&result.pages[p]->items, i, &digest);
    }
    const struct differ_side *side = &differ->receiver;
    for (size_t p = 0; p < result.drop_count; p++) {
        for (uint32_t i = 0; i < result.drops[p]->items.item_count; i++) {
            struct holm_bytes key = result.drops[p]->items.items[i].key;
            differ_lacking(&side->cells[first_at(side, key_hash(key))], &digest);
        }
    }
    measure_require(holm_digest_equal(digest, differ->merged), "the tree's result is the merge");
}

struct differ_cost differ_by_tree(const struct differ *differ, uint8_t width)
{
    struct holm_allocator allocator = bare_allocator(NULL);
    struct holm_reconcile_config config = holm_reconcile_config_default(FRAME_BYTES_MAX);
    config.width = width;
    config.window = 1;
    const struct holm_reconcile_source *cut = &differ->server.source;
    const struct holm_reconcile_source *own = &differ->receiver.source;
    struct holm_reconcile_cut told = {cut->vector, holm_tree_total(cut->tree), cut->entries};
    struct holm_reconcile_server server;
    struct holm_reconcile_receiver *receiver;
    struct wire wire;
    struct differ_cost cost = {0};
    wire_open(&wire);
    uint64_t begun = measure_worked_ns();
    holm_reconcile_server_init(&server, &allocator, &config, cut, own->vector);
    measure_must(holm_reconcile_receiver_new(&allocator, &config, own, &told, &receiver),
                 "a receiver");
    while (holm_reconcile_outcome(receiver) == HOLM_RECONCILE_RUNNING) {
        const struct holm_sync_ask *ask;
        measure_must(holm_reconcile_ask(receiver, &ask), "ask");
        struct holm_message message = {.type = HOLM_MESSAGE_SYNC_ASK, .as.sync_ask = *ask};
        struct holm_decoded *asked = carry(&wire, &message);
        message.type = HOLM_MESSAGE_SYNC_TELL;
        measure_must(
            holm_reconcile_answer(&server, &asked->message.as.sync_ask, &message.as.sync_tell),
            "answer");
        struct holm_decoded *told_back = carry(&wire, &message);
        measure_must(holm_reconcile_take(receiver, &told_back->message.as.sync_tell), "take");
        holm_decoded_free(told_back);
        holm_decoded_free(asked);
        cost.round_trips += 1;
    }
    cost.ms = (double)(measure_worked_ns() - begun) / 1e6;
    cost.bytes = wire.bytes;
    check_result(differ, receiver);
    holm_reconcile_receiver_free(receiver);
    holm_reconcile_server_release(&server);
    holm_encoder_release(&wire.encoder);
    return cost;
}

struct differ_cost differ_by_state(const struct differ *differ)
{
    struct holm_digest digest = {0, 0};
    uint64_t begun = measure_worked_ns();
    struct differ_cost cost = differ_send(differ, NULL, &digest);
    cost.ms = (double)(measure_worked_ns() - begun) / 1e6;
    measure_require(holm_digest_equal(digest, holm_tree_total(&differ->server.tree)),
                    "all of the state came over");
    return cost;
}

/* ---- a flat list of fingerprints ----------------------------------------------------------- */

struct table {
    uint64_t *slots; /* 0: free */
    size_t mask;
};

static void table_open(struct table *table, size_t count)
{
    size_t size = 64;
    while (size < count * 2)
        size *= 2;
    table->slots = measure_allocate(size * sizeof *table->slots);
    memset(table->slots, 0, size * sizeof *table->slots);
    table->mask = size - 1;
}

/* Whether it was in the table; it is afterwards. */
static bool table_has(struct table *table, uint64_t fingerprint, bool add)
{
    size_t at = fingerprint & table->mask;
    while (table->slots[at] != 0 && table->slots[at] != fingerprint)
        at = (at + 1) & table->mask;
    bool has = table->slots[at] == fingerprint;
    if (add)
        table->slots[at] = fingerprint;
    return has;
}

static void table_fill(struct table *table, const struct differ_side *side, uint64_t *list)
{
    table_open(table, side->count);
    for (size_t i = 0; i < side->count; i++) {
        list[i] = differ_fingerprint(&side->cells[i]);
        (void)table_has(table, list[i], true);
    }
}

/* The receiver sends a fingerprint of each cell; the server answers with the cells that are not in the
 * list, and with the numbers of those that it lacks. */
struct differ_cost differ_by_list(const struct differ *differ)
{
    const struct differ_side *server = &differ->server, *receiver = &differ->receiver;
    struct holm_digest digest = holm_tree_total(&receiver->tree);
    bool *wanted = measure_allocate(server->count);
    uint64_t *lists[2] = {measure_allocate(server->count * sizeof **lists),
                          measure_allocate(receiver->count * sizeof **lists)};
    struct table tables[2];
    uint64_t lacking = 0, begun = measure_worked_ns();
    table_fill(&tables[0], server, lists[0]);
    table_fill(&tables[1], receiver, lists[1]);
    for (size_t i = 0; i < server->count; i++)
        wanted[i] = server->cells[i].actor == 1 && !table_has(&tables[1], lists[0][i], false);
    for (size_t i = 0; i < receiver->count; i++) {
        if (table_has(&tables[0], lists[1][i], false))
            continue;
        lacking += 1;
        differ_lacking(&receiver->cells[i], &digest);
    }
    struct differ_cost cost = differ_send(differ, wanted, &digest);
    cost.ms = (double)(measure_worked_ns() - begun) / 1e6;
    cost.bytes += receiver->count * 8 + lacking * 2;
    cost.round_trips = 1 + receiver->count * 8 / FRAME_BYTES_MAX;
    measure_require(holm_digest_equal(digest, differ->merged), "the list's result is the merge");
    for (unsigned i = 0; i < 2; i++) {
        free(tables[i].slots);
        free(lists[i]);
    }
    free(wanted);
    return cost;
}
