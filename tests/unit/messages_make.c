/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed messages. Their bytes are kept in golden/, so a change here changes files there.
 */
#include <stdlib.h>

#include "tests/unit/messages.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define LISBON                                                                                     \
    {                                                                                              \
        {0x1122334455667788u},                                                                     \
        {                                                                                          \
            0x019a00000000beefu                                                                    \
        }                                                                                          \
    }
#define PORTO                                                                                      \
    {                                                                                              \
        {0x2233445566778899u},                                                                     \
        {                                                                                          \
            0x019a000000010042u                                                                    \
        }                                                                                          \
    }
#define PORTO_LATER                                                                                \
    {                                                                                              \
        {0x2233445566778899u},                                                                     \
        {                                                                                          \
            0x019a000000990001u                                                                    \
        }                                                                                          \
    }
#define NO_VECTOR                                                                                  \
    (struct holm_vector_view)                                                                      \
    {                                                                                              \
        NULL, 0                                                                                    \
    }
#define NO_BYTES holm_mem(NULL, 0)

static const struct holm_actor actors[] = {LISBON, PORTO, PORTO_LATER};
static const uint64_t hlc = 0x019a000000500000u;

/* ---- making -------------------------------------------------------------------------------- */

void sample_init(struct sample *sample, const struct holm_allocator *allocator)
{
    memset(sample, 0, sizeof *sample);
    holm_arena_init(&sample->arena, allocator);
    sample->message.sender = actors[0];
}

void sample_release(struct sample *sample)
{
    const struct holm_message *message = &sample->message;
    if (message->type == HOLM_MESSAGE_DELTA)
        holm_delta_release(message->as.delta);
    else if (message->type == HOLM_MESSAGE_SYNC_PAGE)
        holm_page_release(message->as.sync_page.page);
    else if (message->type == HOLM_MESSAGE_SYNC_TELL)
        holm_page_release(message->as.sync_tell.page);
    else if (message->type == HOLM_MESSAGE_DELTAS) {
        for (size_t i = 0; i < message->as.deltas.count; i++)
            holm_delta_release(message->as.deltas.deltas[i]);
    } else if (message->type == HOLM_MESSAGE_FEED) {
        for (size_t i = 0; i < message->as.feed.count; i++)
            holm_delta_release(message->as.feed.runs[i]);
    }
    holm_arena_release(&sample->arena);
}

static bool has_bytes(const struct holm_item *item)
{
    return item->op == HOLM_ITEM_PUT && item->value.type != HOLM_NONE &&
           item->value.type != HOLM_I64 && item->value.type != HOLM_DOUBLE &&
           item->value.type != HOLM_BOOL;
}

static struct holm_fill_sizes sizes_of(const struct sample_items *source)
{
    struct holm_fill_sizes sizes = {
        .actors = source->actor_count, .items = source->item_count, .seen = source->seen_count};
    for (size_t i = 0; i < source->item_count; i++) {
        const struct holm_item *item = &source->items[i];
        sizes.bytes += item->key.size + item->path.size + item->sub.size;
        sizes.bytes += has_bytes(item) ? item->value.as.bytes.size : 0;
    }
    return sizes;
}

static void fill_items(struct holm_fill *fill, const struct sample_items *source)
{
    for (size_t i = 0; i < source->actor_count; i++)
        fill->actors[i] = source->actors[i];
    for (size_t i = 0; i < source->seen_count; i++)
        fill->seen[i] = source->seen[i];
    for (size_t i = 0; i < source->item_count; i++) {
        struct holm_item *item = &fill->items[i];
        *item = source->items[i];
        item->key = holm_fill_bytes(fill, item->key);
        item->path = holm_fill_bytes(fill, item->path);
        item->sub = holm_fill_bytes(fill, item->sub);
        if (has_bytes(item))
            item->value.as.bytes = holm_fill_bytes(fill, item->value.as.bytes);
    }
}

struct holm_delta *sample_delta(const struct holm_allocator *allocator, uint64_t first,
                                uint64_t last, const struct sample_items *items,
                                struct holm_vector_view deps, struct holm_vector_view collected,
                                struct holm_bytes unknown)
{
    struct holm_fill_sizes sizes = sizes_of(items);
    sizes.deps = deps.count;
    sizes.collected = collected.count;
    sizes.bytes += unknown.size;
    struct holm_delta *delta = NULL;
    struct holm_fill fill;
    if (holm_delta_new(allocator, &sizes, &delta, &fill) != HOLM_OK)
        abort();
    delta->partition = 3;
    delta->actor = items->actors[0];
    delta->first = first;
    delta->last = last;
    for (size_t i = 0; i < deps.count; i++)
        fill.deps[i] = deps.entries[i];
    for (size_t i = 0; i < collected.count; i++)
        fill.collected[i] = collected.entries[i];
    fill_items(&fill, items);
    delta->unknown = holm_fill_bytes(&fill, unknown);
    HOLM_ASSERT(holm_delta_check(delta) == HOLM_OK);
    return delta;
}

struct holm_page *sample_page(const struct holm_allocator *allocator,
                              const struct sample_items *items)
{
    struct holm_fill_sizes sizes = sizes_of(items);
    struct holm_page *page = NULL;
    struct holm_fill fill;
    if (holm_page_new(allocator, &sizes, &page, &fill) != HOLM_OK)
        abort();
    fill_items(&fill, items);
    HOLM_ASSERT(holm_page_check(page) == HOLM_OK);
    return page;
}

/* ---- deltas -------------------------------------------------------------------------------- */

static void set_delta(struct sample *sample, struct holm_delta *delta)
{
    sample->message.type = HOLM_MESSAGE_DELTA;
    sample->message.partition = delta->partition;
    sample->message.as.delta = delta;
}

/* What is sent when one key is put into an idle cluster. */
static void make_delta_put(struct sample *sample)
{
    const struct holm_item item = {.op = HOLM_ITEM_PUT,
                                   .kind = HOLM_REGISTER,
                                   .key = holm_str("k00000042"),
                                   .seq = 7,
                                   .hlc = hlc,
                                   .value = holm_i64(42)};
    const struct sample_items items = {actors, 1, &item, 1, NULL, 0};
    set_delta(sample,
              sample_delta(&sample->arena.allocator, 7, 7, &items, NO_VECTOR, NO_VECTOR, NO_BYTES));
}

/* Every operation of a run, every kind and every value, also ones that there are not yet. */
static void make_delta_all(struct sample *sample)
{
    const struct holm_bytes name = holm_str("\x04name");
    const struct holm_bytes pet = holm_str("\x03pet\x04name");
    const struct holm_bytes ada = holm_str("hero:7");
    const struct holm_bytes eva = holm_mem("hero\0\xff", 6);
    const struct holm_value newer = {.type = (enum holm_type)9, .as.bytes = {"\x01\x02", 2}};
    const struct holm_count more = {.start = 1, .last = 115, .sum = 97};
    const struct holm_count reset = {3, 9, -5, 9, -5};
    const struct holm_item all[] = {
        {1, HOLM_REGISTER, 0, ada, name, NO_BYTES, 101, hlc, holm_text("Ada"), {0}, 0, 2},
        {1, HOLM_REGISTER, 0, ada, pet, NO_BYTES, 102, hlc + 1, holm_double(-0.0), {0}, 2, 0},
        {1, HOLM_SET, 0, ada, name, ada, 103, hlc + 2, {HOLM_NONE, {{NULL, 0}}}, {0}, 2, 1},
        {1, HOLM_FLAG, 0, eva, name, NO_BYTES, 104, hlc + 3, {HOLM_NONE, {{NULL, 0}}}, {0}, 3, 0},
        {1, HOLM_MAX, 0, eva, NO_BYTES, NO_BYTES, 105, hlc, holm_i64(INT64_MIN), {0}, 3, 0},
        {1, HOLM_MIN, 0, eva, NO_BYTES, NO_BYTES, 106, hlc, holm_bool(true), {0}, 3, 0},
        {1, HOLM_REGISTER, 0, eva, pet, NO_BYTES, 108, 0, holm_bytes_value(NULL, 0), {0}, 3, 0},
        {1, 77, 0, eva, pet, holm_str("sub"), 109, UINT64_MAX, newer, {0}, 3, 0},
        {2, HOLM_SET, 0, eva, name, ada, 0, 0, {HOLM_NONE, {{NULL, 0}}}, {0}, 3, 1},
        {3, 0, 0, ada, pet, NO_BYTES, 0, 0, {HOLM_NONE, {{NULL, 0}}}, {0}, 4, 1},
        {4,
         0,
         0,
         holm_str("dead"),
         NO_BYTES,
         NO_BYTES,
         114,
         0,
         {HOLM_NONE, {{NULL, 0}}},
         {0},
         5,
         0},
        {5, HOLM_COUNTER, 0, ada, pet, NO_BYTES, 0, 0, {HOLM_NONE, {{NULL, 0}}}, more, 5, 0},
        {5, HOLM_COUNTER, 2, ada, pet, NO_BYTES, 0, 0, {HOLM_NONE, {{NULL, 0}}}, reset, 5, 0},
    };
    const struct holm_seen seen[] = {{0, 3, 5}, {1, 77, 77}, {2, 1, 1}, {0, 99, 99}, {1, 1, 76}};
    const struct holm_dot deps[] = {{PORTO, 77}, {PORTO_LATER, 9}};
    const struct holm_dot collected[] = {{LISBON, 1}};
    const struct sample_items items = {actors, 3, all, COUNT(all), seen, COUNT(seen)};
    set_delta(sample, sample_delta(&sample->arena.allocator, 101, 116, &items,
                                   (struct holm_vector_view){deps, COUNT(deps)},
                                   (struct holm_vector_view){collected, 1}, NO_BYTES));
}

/* Relayed for another actor, with fields of a newer version: 100 = 5, 101 = "new". */
static void make_delta_relayed(struct sample *sample)
{
    const struct holm_item item = {.op = HOLM_ITEM_BURY, .key = holm_str("dead"), .seq = 9};
    const struct sample_items items = {actors + 1, 1, &item, 1, NULL, 0};
    const struct holm_dot deps[] = {{LISBON, 300}};
    set_delta(sample, sample_delta(&sample->arena.allocator, 8, 9, &items,
                                   (struct holm_vector_view){deps, 1}, NO_VECTOR,
                                   holm_str("\xa0\x06\x05\xaa\x06\x03new")));
}

static void make_deltas(struct sample *sample)
{
    const struct holm_allocator *allocator = &sample->arena.allocator;
    const struct holm_item put = {
        .op = HOLM_ITEM_PUT, .kind = HOLM_FLAG, .key = holm_str("k"), .seq = 1, .hlc = hlc};
    const struct sample_items one = {actors + 1, 1, &put, 1, NULL, 0};
    const struct sample_items none = {actors, 1, NULL, 0, NULL, 0};
    struct holm_delta **deltas = holm_arena_take(&sample->arena, 2 * sizeof *deltas);
    HOLM_ASSERT(deltas != NULL);
    deltas[0] = sample_delta(allocator, 1, 1, &one, NO_VECTOR, NO_VECTOR, NO_BYTES);
    deltas[1] = sample_delta(allocator, 5, 6, &none, NO_VECTOR, NO_VECTOR, NO_BYTES);
    sample->message.type = HOLM_MESSAGE_DELTAS;
    sample->message.partition = 3;
    sample->message.as.deltas = (struct holm_deltas){
        .deltas = deltas,
        .count = 2,
        .more = true,
        .now = {3, 6, 0x0102030405060708u, {0x1112131415161718u, 0x2122232425262728u}}};
}

static void make_feed(struct sample *sample)
{
    make_deltas(sample);
    struct holm_deltas runs = sample->message.as.deltas;
    sample->message.type = HOLM_MESSAGE_FEED;
    sample->message.as.feed = (struct holm_feed){
        .number = 300, .ack = 7, .more = true, .runs = runs.deltas, .count = runs.count};
}

/* Runs of three actors, the sender among them, that share a key, a path and S. */
static void make_feed_shared(struct sample *sample)
{
    static const struct holm_dot collected[] = {{PORTO, 5}};
    const struct holm_bytes key = holm_str("hero:7"), bag = holm_str("\x03"
                                                                     "bag");
    const struct holm_actor others[] = {actors[1], actors[2]};
    const struct holm_seen seen[] = {{1, 4, 4}};
    const struct holm_count count = {.start = 1, .last = 6, .sum = 3};
    const struct holm_item own[] = {
        {1, HOLM_SET, 0, key, bag, holm_str("rope"), 9, hlc, {HOLM_NONE, {{NULL, 0}}}, {0}, 0, 0}};
    const struct holm_item theirs[] = {
        {1,
         HOLM_SET,
         0,
         key,
         bag,
         holm_str("lamp"),
         5,
         hlc + 70000,
         {HOLM_NONE, {{NULL, 0}}},
         {0},
         0,
         1},
        {5, HOLM_COUNTER, 0, key, NO_BYTES, NO_BYTES, 0, 0, {HOLM_NONE, {{NULL, 0}}}, count, 0, 0}};
    const struct sample_items parts[] = {{actors, 1, own, 1, NULL, 0},
                                         {others, 2, theirs, 2, seen, 1},
                                         {others + 1, 1, NULL, 0, NULL, 0}};
    struct holm_delta **runs = holm_arena_take(&sample->arena, 3 * sizeof *runs);
    struct holm_vector_view view = {collected, 1};
    const struct holm_allocator *allocator = &sample->arena.allocator;
    HOLM_ASSERT(runs != NULL);
    runs[0] = sample_delta(allocator, 9, 9, &parts[0], NO_VECTOR, view, NO_BYTES);
    runs[1] = sample_delta(allocator, 5, 6, &parts[1], NO_VECTOR, view, NO_BYTES);
    runs[2] = sample_delta(allocator, 77, 80, &parts[2], NO_VECTOR, view, NO_BYTES);
    sample->message.type = HOLM_MESSAGE_FEED;
    sample->message.partition = 3;
    sample->message.shared = true;
    sample->message.as.feed = (struct holm_feed){.number = 2, .runs = runs, .count = 3};
}

static void make_feed_ack(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_FEED;
    sample->message.partition = 3;
    sample->message.as.feed = (struct holm_feed){.ack = 8, .too_old = true};
}

/* ---- everything else ----------------------------------------------------------------------- */

static void make_beacon(struct sample *sample)
{
    static const struct holm_beacon_entry entries[] = {
        {0, 17, 1, {2, 3}}, {1, 0, 0, {0, 0}}, {15, UINT64_MAX, 4, {5, UINT64_MAX}}};
    sample->message.type = HOLM_MESSAGE_BEACON;
    sample->message.as.beacon = (struct holm_beacon){entries, COUNT(entries)};
}

static void make_hello(struct sample *sample)
{
    static const struct holm_member others[] = {
        {PORTO_LATER, {"porto", 5}, {"tcp://10.0.0.2:7001", 19}, false},
        {{{3}, {4}}, {NULL, 0}, {NULL, 0}, false},
    };
    sample->message.type = HOLM_MESSAGE_HELLO;
    sample->message.as.hello = (struct holm_hello){
        .cluster = holm_str("holm"),
        .version = HOLM_WIRE_VERSION,
        .features = 0,
        .partitions = 16,
        .self = {LISBON, {"lisbon", 6}, {"tcp://10.0.0.1:7001", 19}, false},
        .publisher = holm_str("tcp://10.0.0.1:7002"),
        .nonce = 0xfedcba9876543210u,
        .members = others,
        .member_count = COUNT(others)};
}

static void make_hello_answer(struct sample *sample)
{
    make_hello(sample);
    sample->message.as.hello.answer = true;
    sample->message.as.hello.heard = actors[1];
    sample->message.as.hello.member_count = 0;
    sample->message.as.hello.publisher = NO_BYTES;
    sample->message.as.hello.features = 5;
}

static void make_hello_left(struct sample *sample)
{
    static const struct holm_member others[] = {
        {PORTO_LATER, {"porto", 5}, {NULL, 0}, true},
        {{{3}, {4}}, {NULL, 0}, {NULL, 0}, false},
    };
    make_hello(sample);
    sample->message.as.hello.members = others;
}

static void make_ping(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_PING;
    sample->message.as.ping.token = 0x0123456789abcdefu;
}

static void make_pong(struct sample *sample)
{
    make_ping(sample);
    sample->message.type = HOLM_MESSAGE_PONG;
}

static void make_goodbye(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_GOODBYE;
    sample->message.as.goodbye.subscription = holm_mem("\x00\x01\x02\xff", 4);
}

static void make_goodbye_left(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_GOODBYE;
    sample->message.as.goodbye.left = true;
}

static void make_follow(struct sample *sample)
{
    static const struct holm_dot entries[] = {{LISBON, 7}, {PORTO, 300}};
    sample->message.type = HOLM_MESSAGE_FOLLOW;
    sample->message.partition = 3;
    sample->message.as.follow = (struct holm_follow){{entries, COUNT(entries)}, 32};
}

static void make_unfollow(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_UNFOLLOW;
    sample->message.partition = 3;
    sample->message.as.unfollow.prune = true;
}

static void make_standing(struct sample *sample)
{
    static const struct holm_dot entries[] = {{LISBON, 2}, {PORTO, 1}};
    static const struct holm_member_op ops[] = {
        {.type = HOLM_MEMBER_ADMIT, .dot = {LISBON, 1}, .subject = LISBON, .last = 1},
        {.type = HOLM_MEMBER_ADMIT,
         .dot = {LISBON, 2},
         .subject = PORTO_LATER,
         .base = {0x019a000000010042u},
         .state = 0x0102030405060708u},
        {.type = HOLM_MEMBER_FORGET, .dot = {PORTO, 1}, .subject = LISBON},
    };
    sample->message.type = HOLM_MESSAGE_STANDING;
    sample->message.as.standing = (struct holm_standing){.confirmed = true,
                                                         .former = {0x019a00000000beefu},
                                                         .state = 0x1112131415161718u,
                                                         .lost = true,
                                                         .founding = {1, {LISBON, 1}},
                                                         .defers = PORTO_LATER,
                                                         .list = {entries, COUNT(entries)},
                                                         .ops = ops,
                                                         .op_count = COUNT(ops)};
}

static void make_join(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_JOIN;
    sample->message.as.join.lost = true;
}

static void make_joined(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_JOINED;
    sample->message.as.joined = (struct holm_joined){.epoch = {0x019a000000990001u},
                                                     .result = HOLM_JOIN_MERGE,
                                                     .least = {0x019a000000010043u},
                                                     .admission = {LISBON, 2}};
}

static void make_report(struct sample *sample)
{
    static const struct holm_dot vector[] = {
        {LISBON, 12}, {PORTO, HOLM_SEQ_FOLDED}, {PORTO_LATER, 7}};
    static const struct holm_dot list[] = {{LISBON, 2}};
    static const struct holm_dot heard[] = {{PORTO_LATER, 2000001}};
    sample->message.type = HOLM_MESSAGE_REPORT;
    sample->message.partition = 3;
    sample->message.as.reported = (struct holm_reported){.number = 3000000,
                                                         .provisional = true,
                                                         .wants = true,
                                                         .vector = {vector, COUNT(vector)},
                                                         .list = {list, COUNT(list)},
                                                         .heard = {heard, COUNT(heard)}};
}

static void make_reach(struct sample *sample)
{
    static const struct holm_node_id met[] = {{0x1122334455667788u}, {0x2122334455667788u}};
    sample->message.type = HOLM_MESSAGE_REACH;
    sample->message.as.reach = (struct holm_reach){
        .actor = PORTO_LATER, .number = 300, .hops = 2, .met = met, .met_count = COUNT(met)};
}

static void make_tunnel(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_TUNNEL;
    sample->message.as.tunnel = (struct holm_tunnel){.from = PORTO_LATER,
                                                     .to = LISBON,
                                                     .id = 0x3132333435363738u,
                                                     .number = 300,
                                                     .hops = 1,
                                                     .more = true,
                                                     .piece = holm_str("island, island")};
}

static void make_ack(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_ACK;
    sample->message.partition = 2;
    sample->message.as.ack = (struct holm_ack){PORTO, 1000};
}

static void make_want(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_WANT;
    sample->message.as.ack = (struct holm_ack){LISBON, UINT64_MAX};
}

static struct holm_vector_view vector(void)
{
    static const struct holm_dot entries[] = {{LISBON, 9}, {PORTO, 77}, {PORTO_LATER, 1}};
    return (struct holm_vector_view){entries, COUNT(entries)};
}

static void make_pull(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_PULL;
    sample->message.partition = 15;
    sample->message.as.pull = (struct holm_pull){vector(), 1 << 20};
}

static void make_sync_open(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_SYNC_OPEN;
    sample->message.partition = 1;
    sample->message.as.sync_open = (struct holm_sync_open){12, vector()};
}

static void make_sync_cut(struct sample *sample)
{
    static const struct holm_dot collected[] = {{PORTO, 5}};
    sample->message.type = HOLM_MESSAGE_SYNC_CUT;
    sample->message.partition = 1;
    sample->message.as.sync_cut = (struct holm_sync_cut){
        12,        HOLM_CUT_OPEN, 3, vector(), {collected, 1}, {0x77, 0x8888888888888888u},
        {0x99, 3}, 100000};
}

static void make_sync_next(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_SYNC_NEXT;
    sample->message.partition = 1;
    sample->message.as.sync_next = (struct holm_sync_next){12, 2, 4};
}

static void make_sync_page(struct sample *sample)
{
    const struct holm_bytes key = holm_str("hero:7");
    const struct holm_bytes name = holm_str("\x04name");
    const struct holm_count count = {
        .start = 2, .last = 9, .sum = -3, .cancelled = 4, .cancelled_sum = 1};
    const struct holm_item all[] = {
        {1, HOLM_REGISTER, 0, key, name, NO_BYTES, 4, hlc, holm_text("Ada"), {0}, 0, 0},
        {1, HOLM_REGISTER, 2, key, name, NO_BYTES, 1, hlc + 9, holm_text("Eva"), {0}, 0, 0},
        {6, HOLM_SET, 1, key, name, key, 77, 0, {HOLM_NONE, {{NULL, 0}}}, {0}, 0, 0},
        {5, HOLM_COUNTER, 1, key, NO_BYTES, NO_BYTES, 0, 0, {HOLM_NONE, {{NULL, 0}}}, count, 0, 0},
        {4, 0, 2, holm_str("dead"), NO_BYTES, NO_BYTES, 1, 0, {HOLM_NONE, {{NULL, 0}}}, {0}, 0, 0},
    };
    const struct sample_items items = {actors, 3, all, COUNT(all), NULL, 0};
    sample->message.type = HOLM_MESSAGE_SYNC_PAGE;
    sample->message.partition = 1;
    sample->message.as.sync_page = (struct holm_sync_page){
        12, 2, sample_page(&sample->arena.allocator, &items)};
}

static void make_sync_close(struct sample *sample)
{
    sample->message.type = HOLM_MESSAGE_SYNC_CLOSE;
    sample->message.partition = 1;
    sample->message.as.sync_close = 12;
}

/* One differing range of level 1, two lists, the second of them in part. */
static void make_sync_ask(struct sample *sample)
{
    static const struct holm_sync_branch branches[] = {{3, 0, 1, 1}, {0x41, 16, 2, 1}};
    static const uint64_t hashes[32] = {[0] = 0x1122334455667788u, [5] = 1, [16] = 7, [31] = 0xffu};
    static const struct holm_sync_list lists[] = {
        {.index = 0x310, .dot_first = 0, .dot_count = 3, .level = 3},
        {.index = 0x3200,
         .dot_first = 3,
         .dot_count = 1,
         .level = 4,
         .has_after = true,
         .has_last = true,
         .after = {PORTO, 6},
         .last = {PORTO_LATER, 900}}};
    static const struct holm_sync_dot dots[] = {{0, 4, 0}, {0, 9, 1}, {1, 70, 0}, {2, 8, 130}};
    sample->message.type = HOLM_MESSAGE_SYNC_ASK;
    sample->message.partition = 1;
    sample->message.as.sync_ask = (struct holm_sync_ask){.sync = 12,
                                                         .number = 3,
                                                         .entries = 5000,
                                                         .round = 1,
                                                         .width = 8,
                                                         .branches = branches,
                                                         .branch_count = COUNT(branches),
                                                         .hashes = hashes,
                                                         .hash_count = COUNT(hashes),
                                                         .lists = lists,
                                                         .list_count = COUNT(lists),
                                                         .dots = dots,
                                                         .dot_count = COUNT(dots),
                                                         .actors = actors,
                                                         .actor_count = COUNT(actors)};
}

static void make_sync_tell(struct sample *sample)
{
    static const struct holm_sync_branch branches[] = {{0x30, 0, 2, 1}, {0x3f, 16, 2, 0}};
    static const uint64_t hashes[16] = {[2] = 0xabcd, [15] = 1};
    static const uint32_t gone[] = {0, 1, 5};
    make_sync_page(sample);
    struct holm_page *page = sample->message.as.sync_page.page;
    sample->message.type = HOLM_MESSAGE_SYNC_TELL;
    sample->message.as.sync_tell = (struct holm_sync_tell){.sync = 12,
                                                           .number = 3,
                                                           .branches_done = 2,
                                                           .lists_done = 1,
                                                           .has_through = true,
                                                           .through = {PORTO, 7},
                                                           .width = 2,
                                                           .sum = {5, UINT64_MAX},
                                                           .branches = branches,
                                                           .branch_count = COUNT(branches),
                                                           .hashes = hashes,
                                                           .hash_count = COUNT(hashes),
                                                           .gone = gone,
                                                           .gone_count = COUNT(gone),
                                                           .page = page};
}

const struct sample_name sample_names[] = {
    {"delta_put", make_delta_put},
    {"delta_all", make_delta_all},
    {"delta_relayed", make_delta_relayed},
    {"beacon", make_beacon},
    {"hello", make_hello},
    {"hello_answer", make_hello_answer},
    {"hello_left", make_hello_left},
    {"ping", make_ping},
    {"pong", make_pong},
    {"goodbye", make_goodbye},
    {"goodbye_left", make_goodbye_left},
    {"ack", make_ack},
    {"want", make_want},
    {"pull", make_pull},
    {"deltas", make_deltas},
    {"sync_open", make_sync_open},
    {"sync_cut", make_sync_cut},
    {"sync_next", make_sync_next},
    {"sync_page", make_sync_page},
    {"sync_close", make_sync_close},
    {"sync_ask", make_sync_ask},
    {"sync_tell", make_sync_tell},
    {"follow", make_follow},
    {"unfollow", make_unfollow},
    {"feed", make_feed},
    {"feed_ack", make_feed_ack},
    {"feed_shared", make_feed_shared},
    {"standing", make_standing},
    {"join", make_join},
    {"joined", make_joined},
    {"report", make_report},
    {"reach", make_reach},
    {"tunnel", make_tunnel},
};
const size_t sample_name_count = COUNT(sample_names);
