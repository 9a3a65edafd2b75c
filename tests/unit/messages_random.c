/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "crdt/path.h"
#include "crdt/vector.h"
#include "tests/model/chance.h"
#include "tests/unit/messages.h"

/* A message being drawn: sizes are small mostly, numbers of every magnitude. */
struct draw {
    struct chance chance;
    struct holm_arena *arena;
    struct holm_actor actors[12];
    size_t actor_count;
    uint64_t first, last;
};

static void *take(struct draw *draw, size_t size)
{
    void *piece = holm_arena_take(draw->arena, size);
    if (piece == NULL)
        abort();
    return piece;
}

/* Any number of bits, so that every length of a varint comes up. */
static uint64_t number(struct draw *draw)
{
    uint64_t bits = chance_next(&draw->chance);
    return bits >> chance_below(&draw->chance, 64);
}

static struct holm_bytes bytes(struct draw *draw, size_t size_max)
{
    size_t size = chance_below(&draw->chance, size_max + 1);
    unsigned char *data = take(draw, size);
    for (size_t i = 0; i < size; i++)
        data[i] = (unsigned char)chance_next(&draw->chance);
    return holm_mem(data, size);
}

/* Few different ones, so that neighbours share them. */
static struct holm_bytes key(struct draw *draw)
{
    struct holm_bytes drawn = bytes(draw, chance_permille(&draw->chance, 20) ? 1023 : 7);
    unsigned char *data = take(draw, drawn.size + 1);
    memcpy(data, drawn.data, drawn.size);
    data[drawn.size] = (unsigned char)chance_below(&draw->chance, 4);
    return holm_mem(data, chance_permille(&draw->chance, 500) ? 1 : drawn.size + 1);
}

static struct holm_bytes path(struct draw *draw)
{
    size_t names = chance_below(&draw->chance, 4);
    unsigned char *data = take(draw, names * 256);
    size_t size = 0;
    for (size_t i = 0; i < names; i++) {
        size_t length = 1 + chance_below(&draw->chance, i == 2 ? 255 : 2);
        data[size] = (unsigned char)length;
        memset(data + size + 1, (int)('a' + chance_below(&draw->chance, 3)), length);
        size += 1 + length;
    }
    return holm_mem(data, size);
}

/* Sorted, without repeats; the first is not among the others and stands where it is. */
static void draw_actors(struct draw *draw, struct holm_actor own)
{
    size_t more = chance_below(&draw->chance, 11);
    struct holm_actor actor = {{1 + (number(draw) >> 1)}, {1 + (number(draw) >> 1)}};
    draw->actors[0] = own;
    draw->actor_count = 1;
    for (size_t i = 0; i < more; i++) {
        if (chance_permille(&draw->chance, 500))
            actor.epoch.value += 1 + (number(draw) >> 5);
        else
            actor = (struct holm_actor){{actor.node.value + 1 + (number(draw) >> 5)},
                                        {number(draw) >> 1}};
        if (!holm_actor_equal(actor, own))
            draw->actors[draw->actor_count++] = actor;
    }
}

static struct holm_vector_view draw_seqs(struct draw *draw)
{
    struct holm_dot *entries = take(draw, sizeof *entries * draw->actor_count);
    size_t count = 0;
    for (size_t i = 1; i < draw->actor_count; i++) {
        if (draw->actors[i].epoch.value != 0 && chance_permille(&draw->chance, 700))
            entries[count++] = (struct holm_dot){draw->actors[i], 1 + (number(draw) >> 1)};
    }
    return (struct holm_vector_view){entries, count};
}

/* A vector of what was applied: whatever a node's first entry is, it may be folded, behind a sum. */
static struct holm_vector_view draw_vector(struct draw *draw)
{
    struct holm_vector_view view = draw_seqs(draw);
    struct holm_dot *entries = take(draw, sizeof *entries * (2 * view.count + 1));
    size_t count = 0;
    for (size_t i = 0; i < view.count; i++) {
        struct holm_actor actor = view.entries[i].actor;
        bool first = i == 0 || entries[count - 1].actor.node.value != actor.node.value;
        bool folds = first && chance_permille(&draw->chance, 300);
        if (folds)
            entries[count++] = (struct holm_dot){{actor.node, {0}}, view.entries[i].seq};
        entries[count++] = (struct holm_dot){actor, folds ? HOLM_SEQ_FOLDED : view.entries[i].seq};
    }
    return (struct holm_vector_view){entries, count};
}

/* The same of an S, which has no sums. */
static struct holm_vector_view draw_collected(struct draw *draw)
{
    struct holm_vector_view view = draw_seqs(draw);
    struct holm_dot *entries = take(draw, sizeof *entries * view.count);
    for (size_t i = 0; i < view.count; i++) {
        bool first = i == 0 || entries[i - 1].actor.node.value != view.entries[i].actor.node.value;
        entries[i] = view.entries[i];
        if (first && chance_permille(&draw->chance, 300))
            entries[i].seq = HOLM_SEQ_FOLDED;
    }
    return (struct holm_vector_view){entries, view.count};
}

static struct holm_value draw_value(struct draw *draw)
{
    struct holm_value value = {.type = (enum holm_type)chance_below(&draw->chance, 8)};
    uint64_t bits = number(draw);
    if (value.type == HOLM_I64)
        value.as.i64 = (int64_t)(chance_permille(&draw->chance, 500) ? bits : 0 - bits);
    else if (value.type == HOLM_DOUBLE)
        memcpy(&value.as.f64, &bits, sizeof bits);
    else if (value.type == HOLM_BOOL)
        value.as.boolean = bits % 2 == 1;
    else if (value.type != HOLM_NONE)
        value.as.bytes = bytes(draw, chance_permille(&draw->chance, 50) ? 5000 : 6);
    return value;
}

static struct holm_count draw_count(struct draw *draw, uint64_t last)
{
    struct holm_count count = {.last = last};
    count.start = 1 + chance_below(&draw->chance, last);
    count.sum = (int64_t)(0 - number(draw));
    if (chance_permille(&draw->chance, 300)) {
        count.cancelled = chance_below(&draw->chance, last + 1);
        count.cancelled_sum = (int64_t)number(draw);
    }
    return count;
}

static void draw_seen(struct draw *draw, struct sample_items *items, struct holm_seen *seen,
                      struct holm_item *item)
{
    item->seen_first = (uint32_t)items->seen_count;
    for (size_t i = chance_below(&draw->chance, 4); i > 0; i--) {
        struct holm_seen range = {
            .actor = (uint32_t)chance_below(&draw->chance, draw->actor_count)};
        range.last = 1 + (number(draw) >> 1);
        if (range.actor == 0) {
            if (draw->first == 1)
                continue;
            range.last = 1 + range.last % (draw->first - 1);
        }
        range.first = 1 + chance_below(&draw->chance, range.last);
        seen[items->seen_count++] = range;
        item->seen_count += 1;
    }
}

/* One item of a run; `seq` is the next one that is free. */
static void draw_run_item(struct draw *draw, struct sample_items *items, struct holm_seen *seen,
                          struct holm_item *item, uint64_t seq)
{
    static const uint8_t kinds[] = {1, 3, 4, 5, 6, 7, 255};
    *item = (struct holm_item){
        .op = (uint8_t)(1 + chance_below(&draw->chance, 5)), .key = key(draw), .path = path(draw)};
    if (item->op == HOLM_ITEM_PUT || item->op == HOLM_ITEM_DROP_SLOT) {
        item->kind = kinds[chance_below(&draw->chance, sizeof kinds)];
        if (item->kind == HOLM_SET || item->kind > HOLM_MIN)
            item->sub = bytes(draw, 9);
    }
    if (item->op == HOLM_ITEM_PUT || item->op == HOLM_ITEM_BURY)
        item->seq = seq;
    if (item->op == HOLM_ITEM_BURY)
        item->path = holm_mem(NULL, 0);
    if (item->op == HOLM_ITEM_PUT) {
        item->hlc = number(draw);
        item->value = draw_value(draw);
    }
    if (item->op == HOLM_ITEM_COUNT) {
        item->kind = HOLM_COUNTER;
        item->actor = (uint32_t)chance_below(&draw->chance, draw->actor_count);
        item->count = draw_count(draw, item->actor == 0 ? seq : 1 + (number(draw) >> 1));
    } else if (item->op != HOLM_ITEM_BURY) {
        draw_seen(draw, items, seen, item);
    }
}

/* Unknown fields with numbers that this build does not have. */
static struct holm_bytes draw_unknown(struct draw *draw)
{
    if (chance_permille(&draw->chance, 700))
        return holm_mem(NULL, 0);
    return chance_permille(&draw->chance, 500) ? holm_str("\xa0\x06\x05")
                                               : holm_str("\xaa\x06\x03new\xa5\x06"
                                                          "1234");
}

static struct holm_delta *draw_delta(struct draw *draw, struct holm_actor own)
{
    size_t count = chance_below(&draw->chance, chance_permille(&draw->chance, 100) ? 300 : 9);
    draw_actors(draw, own);
    draw->first = 1 + (number(draw) >> 2);
    struct holm_item *items = take(draw, sizeof *items * (count + 1));
    struct holm_seen *seen = take(draw, sizeof *seen * 4 * (count + 1));
    struct sample_items made = {
        .actors = draw->actors, .actor_count = draw->actor_count, .items = items, .seen = seen};
    uint64_t seq = draw->first;
    for (size_t i = 0; i < count; i++) {
        draw_run_item(draw, &made, seen, &items[made.item_count++], seq);
        seq += chance_permille(&draw->chance, 800) ? 1 : 1 + chance_below(&draw->chance, 1000);
    }
    return sample_delta(&draw->arena->allocator, draw->first, seq, &made, draw_vector(draw),
                        draw_collected(draw), draw_unknown(draw));
}

static void draw_page_item(struct draw *draw, struct holm_item *item)
{
    static const uint8_t ops[] = {HOLM_ITEM_PUT, HOLM_ITEM_KNOWN, HOLM_ITEM_COUNT, HOLM_ITEM_BURY};
    *item = (struct holm_item){.op = ops[chance_below(&draw->chance, sizeof ops)],
                               .actor = (uint32_t)chance_below(&draw->chance, draw->actor_count),
                               .key = key(draw)};
    if (item->op == HOLM_ITEM_COUNT) {
        item->kind = HOLM_COUNTER;
        item->path = path(draw);
        item->count = draw_count(draw, 1 + (number(draw) >> 1));
        return;
    }
    item->seq = 1 + (number(draw) >> 1);
    if (item->op == HOLM_ITEM_BURY)
        return;
    item->path = path(draw);
    item->kind = chance_permille(&draw->chance, 500) ? HOLM_REGISTER : HOLM_SET;
    if (item->kind == HOLM_SET)
        item->sub = bytes(draw, 9);
    if (item->op == HOLM_ITEM_PUT) {
        item->hlc = number(draw);
        item->value = draw_value(draw);
    }
}

static struct holm_page *draw_page(struct draw *draw)
{
    size_t count = chance_below(&draw->chance, 100);
    draw_actors(draw, (struct holm_actor){{0}, {1}});
    struct holm_item *items = take(draw, sizeof *items * (count + 1));
    for (size_t i = 0; i < count; i++)
        draw_page_item(draw, &items[i]);
    struct sample_items made = {draw->actors, draw->actor_count, items, count, NULL, 0};
    return sample_page(&draw->arena->allocator, &made);
}

static struct holm_beacon_entry draw_entry(struct draw *draw, uint32_t partition)
{
    return (struct holm_beacon_entry){
        partition, number(draw), number(draw), {number(draw), number(draw)}};
}

static void draw_beacon(struct draw *draw, struct holm_beacon *beacon)
{
    beacon->count = chance_below(&draw->chance, 40);
    struct holm_beacon_entry *entries = take(draw, sizeof *entries * (beacon->count + 1));
    uint32_t partition = 0;
    for (size_t i = 0; i < beacon->count; i++) {
        entries[i] = draw_entry(draw, partition);
        partition += 1 + (uint32_t)chance_below(&draw->chance, 3);
    }
    beacon->entries = entries;
}

static struct holm_member draw_member(struct draw *draw)
{
    return (struct holm_member){{{number(draw)}, {number(draw)}},
                                bytes(draw, 63),
                                bytes(draw, 128),
                                chance_permille(&draw->chance, 300)};
}

static void draw_hello(struct draw *draw, struct holm_hello *hello)
{
    hello->member_count = chance_below(&draw->chance, 20);
    struct holm_member *members = take(draw, sizeof *members * (hello->member_count + 1));
    for (size_t i = 0; i < hello->member_count; i++)
        members[i] = draw_member(draw);
    hello->members = members;
    hello->self = draw_member(draw);
    hello->cluster = key(draw);
    hello->cluster.size = hello->cluster.size > 255 ? 255 : hello->cluster.size;
    hello->version = 1 + (uint32_t)chance_below(&draw->chance, 3);
    hello->features = number(draw);
    hello->partitions = 1 + (uint32_t)chance_below(&draw->chance, 1024);
    hello->publisher = bytes(draw, 128);
    hello->nonce = number(draw);
    hello->answer = chance_permille(&draw->chance, 500);
    if (hello->answer)
        hello->heard = (struct holm_actor){{number(draw)}, {number(draw)}};
}

/* Runs as they travel over links: without deps. */
static struct holm_delta *const *draw_runs(struct draw *draw, struct sample *sample, size_t *count)
{
    *count = chance_below(&draw->chance, 6);
    struct holm_delta **made = take(draw, sizeof *made * (*count + 1));
    for (size_t i = 0; i < *count; i++) {
        struct holm_actor own = sample->message.sender;
        if (chance_permille(&draw->chance, 500))
            own = (struct holm_actor){{number(draw)}, {1 + (number(draw) >> 1)}};
        else if (i > 0 && chance_permille(&draw->chance, 500))
            own = made[i - 1]->actor;
        made[i] = draw_delta(draw, own);
        made[i]->deps.count = 0;
    }
    return made;
}

static void draw_deltas(struct draw *draw, struct sample *sample)
{
    struct holm_deltas *deltas = &sample->message.as.deltas;
    deltas->deltas = draw_runs(draw, sample, &deltas->count);
    deltas->more = chance_permille(&draw->chance, 500);
    deltas->too_old = chance_permille(&draw->chance, 500);
    deltas->now = draw_entry(draw, sample->message.partition);
}

static void draw_feed(struct draw *draw, struct sample *sample)
{
    struct holm_feed *feed = &sample->message.as.feed;
    *feed = (struct holm_feed){.number = number(draw),
                               .ack = number(draw),
                               .more = chance_permille(&draw->chance, 500),
                               .too_old = chance_permille(&draw->chance, 500)};
    feed->runs = draw_runs(draw, sample, &feed->count);
}

static void draw_sync(struct draw *draw, struct holm_message *message)
{
    uint64_t sync = number(draw);
    draw_actors(draw, message->sender);
    if (message->type == HOLM_MESSAGE_SYNC_OPEN)
        message->as.sync_open = (struct holm_sync_open){sync, draw_vector(draw)};
    else if (message->type == HOLM_MESSAGE_SYNC_CUT)
        message->as.sync_cut = (struct holm_sync_cut){
            sync,
            (enum holm_cut_answer)(1 + chance_below(&draw->chance, 3)),
            chance_below(&draw->chance, 1 << 24),
            draw_vector(draw),
            draw_collected(draw),
            {number(draw), number(draw)},
            {number(draw), number(draw)},
            number(draw)};
    else if (message->type == HOLM_MESSAGE_SYNC_NEXT)
        message->as.sync_next = (struct holm_sync_next){sync, number(draw),
                                                        (uint32_t)chance_next(&draw->chance)};
    else if (message->type == HOLM_MESSAGE_SYNC_PAGE)
        message->as.sync_page = (struct holm_sync_page){sync, number(draw), draw_page(draw)};
    else
        message->as.sync_close = sync;
}

/* Ranges in order: from a cursor on, of any level. */
static bool draw_range(struct draw *draw, struct holm_range_cursor *cursor, unsigned level_max,
                       uint8_t *level, uint64_t *index)
{
    *level = (uint8_t)chance_below(&draw->chance, level_max + 1);
    if (*level == 0 && cursor->started)
        return false;
    uint64_t gap = chance_permille(&draw->chance, 800) ? chance_below(&draw->chance, 20)
                                                       : number(draw);
    return holm_range_skip(cursor, *level, gap, index);
}

static uint32_t draw_branches(struct draw *draw, uint8_t width, unsigned jump_min,
                              struct holm_sync_branch *branches, uint64_t *hashes)
{
    struct holm_range_cursor cursor = {0};
    uint32_t count = 0, hash_count = 0;
    for (uint64_t tries = chance_below(&draw->chance, 8); tries > 0; tries--) {
        struct holm_sync_branch *branch = &branches[count];
        if (!draw_range(draw, &cursor, 14, &branch->level, &branch->index))
            break;
        branch->jump = (uint8_t)(jump_min + chance_below(&draw->chance, 3 - jump_min));
        branch->hash_first = hash_count;
        count += 1;
        for (uint32_t i = holm_sync_branch_hashes(branch->jump); i > 0; i--)
            hashes[hash_count++] = chance_permille(&draw->chance, 300)
                                       ? 0
                                       : number(draw) & UINT64_MAX >> (64 - 8 * width);
    }
    return count;
}

static uint32_t hashes_of(const struct holm_sync_branch *branches, uint32_t count)
{
    uint32_t hashes = 0;
    for (uint32_t i = 0; i < count; i++)
        hashes += holm_sync_branch_hashes(branches[i].jump);
    return hashes;
}

static void draw_list(struct draw *draw, struct holm_sync_ask *ask, struct holm_sync_list *list,
                      struct holm_sync_dot *dots)
{
    list->dot_first = ask->dot_count;
    list->has_after = chance_permille(&draw->chance, 200);
    list->has_last = chance_permille(&draw->chance, 200);
    uint32_t last = ask->actor_count - 1;
    if (list->has_after)
        list->after = (struct holm_dot){ask->actors[0], 1};
    if (list->has_last)
        list->last = (struct holm_dot){ask->actors[last], UINT64_MAX};
    uint32_t actor = 0;
    uint64_t seq = 1; /* `after` has it */
    for (uint64_t left = chance_below(&draw->chance, 6); left > 0; left--) {
        uint32_t before = actor;
        actor += (uint32_t)chance_below(&draw->chance, last - actor + 1);
        seq = (actor == before ? seq : 0) + 1 + (number(draw) >> 8);
        dots[ask->dot_count++] = (struct holm_sync_dot){
            actor, seq, chance_permille(&draw->chance, 500) ? 0 : number(draw)};
    }
    list->dot_count = ask->dot_count - list->dot_first;
}

static void draw_ask(struct draw *draw, struct holm_message *message)
{
    struct holm_sync_ask *ask = &message->as.sync_ask;
    draw_actors(draw, message->sender);
    struct holm_sync_branch *branches = take(draw, 8 * sizeof *branches);
    uint64_t *hashes = take(draw, (size_t)8 * 256 * sizeof *hashes);
    struct holm_sync_list *lists = take(draw, 8 * sizeof *lists);
    struct holm_sync_dot *dots = take(draw, (size_t)8 * 6 * sizeof *dots);
    *ask = (struct holm_sync_ask){.sync = number(draw),
                                  .number = number(draw),
                                  .entries = number(draw),
                                  .round = (uint32_t)number(draw),
                                  .width = (uint8_t)(1 + chance_below(&draw->chance, 8)),
                                  .branches = branches,
                                  .hashes = hashes,
                                  .lists = lists,
                                  .dots = dots};
    /* Sorted, but for the own one in front. */
    struct holm_actor *actors = take(draw, sizeof draw->actors);
    memcpy(actors, draw->actors, sizeof draw->actors);
    ask->actors = draw->actor_count > 1 ? actors + 1 : actors;
    ask->actor_count = draw->actor_count > 1 ? (uint32_t)draw->actor_count - 1 : 1;
    ask->branch_count = draw_branches(draw, ask->width, 1, branches, hashes);
    ask->hash_count = hashes_of(branches, ask->branch_count);
    struct holm_range_cursor cursor = {0};
    for (uint64_t tries = chance_below(&draw->chance, 8); tries > 0; tries--) {
        struct holm_sync_list *list = &lists[ask->list_count];
        memset(list, 0, sizeof *list);
        if (!draw_range(draw, &cursor, 16, &list->level, &list->index))
            break;
        draw_list(draw, ask, list, dots);
        ask->list_count += 1;
    }
}

static void draw_tell(struct draw *draw, struct holm_message *message)
{
    struct holm_sync_tell *tell = &message->as.sync_tell;
    draw_actors(draw, message->sender);
    struct holm_sync_branch *branches = take(draw, 8 * sizeof *branches);
    uint64_t *hashes = take(draw, (size_t)8 * 256 * sizeof *hashes);
    uint32_t *gone = take(draw, 16 * sizeof *gone);
    *tell = (struct holm_sync_tell){.sync = number(draw),
                                    .number = number(draw),
                                    .branches_done = (uint32_t)number(draw),
                                    .lists_done = (uint32_t)number(draw),
                                    .has_through = chance_permille(&draw->chance, 500),
                                    .wrong = chance_permille(&draw->chance, 500),
                                    .width = (uint8_t)(1 + chance_below(&draw->chance, 8)),
                                    .sum = {number(draw), number(draw)},
                                    .branches = branches,
                                    .hashes = hashes,
                                    .gone = gone};
    if (tell->has_through)
        tell->through = (struct holm_dot){draw->actors[0], 1 + (number(draw) >> 1)};
    tell->branch_count = draw_branches(draw, tell->width, 0, branches, hashes);
    tell->hash_count = hashes_of(branches, tell->branch_count);
    uint64_t next = 0;
    for (uint64_t left = chance_below(&draw->chance, 16); left > 0; left--) {
        next += chance_below(&draw->chance, 1000);
        gone[tell->gone_count++] = (uint32_t)next++;
    }
    if (chance_permille(&draw->chance, 500))
        tell->page = draw_page(draw);
}

static void draw_talk(struct draw *draw, struct holm_message *message)
{
    if (message->type == HOLM_MESSAGE_PING || message->type == HOLM_MESSAGE_PONG) {
        message->as.ping.token = number(draw);
    } else if (message->type == HOLM_MESSAGE_GOODBYE) {
        message->as.goodbye.subscription = bytes(draw, 64);
        message->as.goodbye.left = chance_permille(&draw->chance, 500);
    } else if (message->type == HOLM_MESSAGE_PULL) {
        draw_actors(draw, message->sender);
        message->as.pull = (struct holm_pull){draw_vector(draw), number(draw)};
    } else if (message->type == HOLM_MESSAGE_FOLLOW) {
        draw_actors(draw, message->sender);
        message->as.follow = (struct holm_follow){draw_vector(draw), number(draw)};
    } else if (message->type == HOLM_MESSAGE_UNFOLLOW) {
        message->as.unfollow.prune = chance_permille(&draw->chance, 500);
    } else {
        message->as.ack = (struct holm_ack){{{number(draw)}, {number(draw)}}, number(draw)};
    }
}

static struct holm_dot draw_dot(struct draw *draw)
{
    return (struct holm_dot){{{number(draw)}, {1 + (number(draw) >> 1)}}, 1 + (number(draw) >> 1)};
}

static void draw_standing(struct draw *draw, struct holm_standing *standing)
{
    size_t count = chance_below(&draw->chance, 9);
    struct holm_member_op *ops = take(draw, sizeof *ops * (count + 1));
    *standing = (struct holm_standing){.confirmed = chance_permille(&draw->chance, 500),
                                       .former = {number(draw)},
                                       .state = number(draw),
                                       .lost = chance_permille(&draw->chance, 500),
                                       .founding = {number(draw), draw_dot(draw)},
                                       .defers = draw_dot(draw).actor,
                                       .list = draw_vector(draw),
                                       .ops = ops,
                                       .op_count = count};
    for (size_t i = 0; i < count; i++) {
        ops[i] = (struct holm_member_op){
            .type = chance_permille(&draw->chance, 500) ? HOLM_MEMBER_ADMIT : HOLM_MEMBER_FORGET,
            .dot = draw_dot(draw),
            .subject = draw_dot(draw).actor,
            .base = {number(draw)},
            .state = number(draw),
            .last = number(draw)};
    }
}

static void draw_report(struct draw *draw, struct holm_reported *reported)
{
    *reported = (struct holm_reported){
        .number = number(draw), .vector = draw_collected(draw), .list = draw_vector(draw)};
    if (chance_permille(&draw->chance, 300)) {
        reported->member = draw_dot(draw).actor;
        reported->number |= 1;
        return;
    }
    reported->provisional = chance_permille(&draw->chance, 500);
    reported->wants = chance_permille(&draw->chance, 500);
    reported->heard = draw_vector(draw);
}

static void draw_membership(struct draw *draw, struct holm_message *message)
{
    draw_actors(draw, message->sender);
    if (message->type == HOLM_MESSAGE_STANDING) {
        draw_standing(draw, &message->as.standing);
    } else if (message->type == HOLM_MESSAGE_JOIN) {
        message->as.join.lost = chance_permille(&draw->chance, 500);
    } else if (message->type == HOLM_MESSAGE_JOINED) {
        message->as.joined = (struct holm_joined){
            .epoch = {number(draw)},
            .result = (enum holm_join_result)(1 + chance_below(&draw->chance, HOLM_JOIN_REPLACE)),
            .least = {number(draw)},
            .admission = draw_dot(draw)};
    } else {
        draw_report(draw, &message->as.reported);
    }
}

static void draw_reach(struct draw *draw, struct holm_reach *reach)
{
    size_t count = chance_below(&draw->chance, 5);
    struct holm_node_id *met = take(draw, (count + 1) * sizeof *met);
    uint64_t node = number(draw) >> 1;
    for (size_t i = 0; i < count; i++)
        met[i].value = node += 1 + chance_below(&draw->chance, 1000);
    *reach = (struct holm_reach){.actor = draw_dot(draw).actor,
                                 .number = number(draw) | 1,
                                 .hops = (uint32_t)chance_below(&draw->chance, 100),
                                 .met = met,
                                 .met_count = count};
}

static void draw_tunnel(struct draw *draw, struct holm_message *message)
{
    static const char bytes[] = "all the islands of the sea";
    draw_actors(draw, message->sender);
    if (message->type == HOLM_MESSAGE_REACH) {
        draw_reach(draw, &message->as.reach);
        return;
    }
    bool closes = chance_permille(&draw->chance, 200);
    size_t size = closes ? 0 : 1 + (size_t)chance_below(&draw->chance, sizeof bytes - 1);
    message->as.tunnel = (struct holm_tunnel){.from = draw_dot(draw).actor,
                                              .to = draw_dot(draw).actor,
                                              .id = number(draw) | 1,
                                              .number = closes ? 0 : number(draw) | 1,
                                              .hops = (uint32_t)chance_below(&draw->chance, 100),
                                              .more = !closes &&
                                                      chance_permille(&draw->chance, 300),
                                              .piece = holm_mem(bytes, size)};
}

void sample_random(struct sample *sample, enum holm_message_type type, uint64_t seed)
{
    struct draw draw = {.chance = {.state = seed}, .arena = &sample->arena};
    struct holm_message *message = &sample->message;
    message->type = type;
    message->sender = (struct holm_actor){{number(&draw)}, {1 + (number(&draw) >> 1)}};
    message->partition = 3;
    if (type == HOLM_MESSAGE_DELTA) {
        struct holm_actor own = message->sender;
        if (chance_permille(&draw.chance, 300))
            own.node.value ^= 5;
        message->as.delta = draw_delta(&draw, own);
    } else if (type == HOLM_MESSAGE_DELTAS) {
        draw_deltas(&draw, sample);
    } else if (type == HOLM_MESSAGE_FEED) {
        draw_feed(&draw, sample);
    } else if (type == HOLM_MESSAGE_FOLLOW || type == HOLM_MESSAGE_UNFOLLOW) {
        draw_talk(&draw, message);
    } else if (type == HOLM_MESSAGE_REACH || type == HOLM_MESSAGE_TUNNEL) {
        draw_tunnel(&draw, message);
    } else if (type >= HOLM_MESSAGE_STANDING) {
        draw_membership(&draw, message);
    } else if (type == HOLM_MESSAGE_SYNC_ASK) {
        draw_ask(&draw, message);
    } else if (type == HOLM_MESSAGE_SYNC_TELL) {
        draw_tell(&draw, message);
    } else if (type == HOLM_MESSAGE_BEACON) {
        draw_beacon(&draw, &message->as.beacon);
    } else if (type == HOLM_MESSAGE_HELLO) {
        draw_hello(&draw, &message->as.hello);
    } else if (type >= HOLM_MESSAGE_SYNC_OPEN) {
        draw_sync(&draw, message);
    } else {
        draw_talk(&draw, message);
    }
}
