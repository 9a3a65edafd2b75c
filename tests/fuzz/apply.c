/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as runs that a decoder would let through, from writers who may lie, into a replica that has some content,
 * writes some itself, and whose memory runs out at times.
 *
 *     X  takes whatever comes        Y  gets what X applied, in that order, with repetitions        Z  loads X's cut
 *
 * T30: nothing may crash. holm_replica_check() holds after every step. A run that is refused, or for which there is no
 * memory, changes nothing. Runs may bring an S, which folds epochs. At the end all three have equal vectors, live
 * digests and transfer digests; so they have when X and Y then fold all that can be, which leaves the hash of R and
 * the live digest as they were. And all reads give the same in all three, what the cells come to: sums saturate alike,
 * and an increment is refused when the writer's own sum would leave 64 bits, and only then (T14).
 */
#include "crdt/replica.h"
#include "tests/fuzz/reads.h"
#include "tests/model/chance.h"
#include "tests/model/heap.h"
#include "tests/model/reference.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTITION 3
#define STEPS_MAX 48
#define ITEMS_MAX 6
#define SEEN_MAX 6
#define BYTES_MAX 2048
#define TAKEN_MAX 1024
#define COUNT(array) (sizeof(array) / sizeof *(array))

static const struct holm_actor actors[] = {{{1}, {1}}, {{2}, {1}},          {{2}, {7}},
                                           {{3}, {1}}, {{4}, {UINT64_MAX}}, {{0}, {0}}};
enum {
    ACTOR_X = 0,
    ACTORS = COUNT(actors)
};

/* One input. */
struct siege {
    struct heap heap;
    struct chance chance;
    struct holm_replica *x;
    struct holm_now now;
    struct holm_delta *taken[TAKEN_MAX]; /* what X stored, in its order; each held once */
    size_t taken_count;
};

/* What must be as before when something is refused. */
struct sight {
    struct holm_digest live, transfer;
    uint64_t vector_hash, records, cells, tombstones, applied;
};

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "apply: %s\n", what);
        abort();
    }
}

static struct sight look(const struct holm_replica *replica)
{
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    return (struct sight){.live = holm_replica_digest(replica),
                          .transfer = holm_replica_transfer_digest(replica),
                          .vector_hash = holm_replica_vector_hash(replica),
                          .records = stats.records,
                          .cells = stats.cells,
                          .tombstones = stats.tombstones,
                          .applied = stats.deltas_applied + stats.deltas_sealed};
}

static bool same_content(const struct sight *a, const struct sight *b)
{
    return holm_digest_equal(a->live, b->live) && holm_digest_equal(a->transfer, b->transfer) &&
           a->vector_hash == b->vector_hash && a->records == b->records && a->cells == b->cells &&
           a->tombstones == b->tombstones;
}

static struct holm_replica *new_replica(struct siege *siege, struct holm_actor self,
                                        size_t actors_max)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *replica;
    config.allocator = heap_allocator(&siege->heap);
    config.partition = PARTITION;
    config.self = self;
    config.digest_seed = 7;
    config.actors_max = actors_max;
    config.holdback_bytes_max = 4096;
    config.log_bytes_max = 4096;
    config.page_items_max = 2;
    config.retention = HOLM_RETENTION_STABLE;
    require(holm_replica_new(&config, &replica) == HOLM_OK, "no replica");
    return replica;
}

static void keep(struct siege *siege, const struct holm_work *work)
{
    for (size_t i = 0; i < work->stored_count; i++) {
        require(siege->taken_count < TAKEN_MAX, "too much was stored");
        holm_delta_retain(work->stored[i]);
        siege->taken[siege->taken_count++] = work->stored[i];
    }
}

static enum holm_status step_x(struct siege *siege, const struct holm_event *event)
{
    const struct holm_work *work = NULL;
    enum holm_status status = holm_replica_step(siege->x, event, siege->now, &work);
    require(work != NULL, "a step has set no work");
    keep(siege, work);
    holm_replica_check(siege->x);
    return status;
}

static enum holm_status give(struct siege *siege, struct holm_replica *replica,
                             struct holm_delta *delta, uint32_t peer)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA,
                                   .partition = PARTITION,
                                   .sender = delta->actor,
                                   .as.delta = delta};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {.peer = peer, .message = &message}};
    const struct holm_work *work;
    if (replica == siege->x)
        return step_x(siege, &event);
    return holm_replica_step(replica, &event, siege->now, &work);
}

/* ---- runs that nobody honest would write ----------------------------------------------------- */

#define BYTES(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
static const struct holm_bytes keys[] = {BYTES("k"), BYTES("l"), BYTES("dead"), BYTES("\0")};
static const struct holm_bytes paths[] = {BYTES("\1f"), BYTES(""), BYTES("\1f\1n"), BYTES("\1g"),
                                          BYTES("\2f")}; /* the last is none */
static const struct holm_bytes subs[] = {BYTES(""), BYTES("x"), BYTES("y")};

#define DRAW_OF(chance, array) ((array)[chance_below((chance), COUNT(array))])

static uint64_t draw_seq(struct chance *chance, uint64_t known)
{
    const uint64_t seqs[] = {known,     known,     known + 1, known - 1,         1,
                             known + 2, known / 2, 0,         (uint64_t)1 << 63, UINT64_MAX - 1};
    return DRAW_OF(chance, seqs);
}

static struct holm_value draw_value(struct chance *chance)
{
    struct holm_value value = holm_value_of(HOLM_NONE);
    switch (chance_below(chance, 7)) {
    case 0:
        return holm_i64((int64_t)chance_below(chance, 5) - 2);
    case 1:
        return holm_i64(INT64_MIN);
    case 2:
        return holm_double(-0.0);
    case 3:
        return holm_bool(true);
    case 4:
        value.type = HOLM_TEXT;
        break;
    case 5:
        value.type = (enum holm_type)9; /* a newer one */
        break;
    default:
        return value;
    }
    value.as.bytes = DRAW_OF(chance, subs);
    return value;
}

static struct holm_count draw_count(struct chance *chance, uint64_t known)
{
    static const int64_t sums[] = {1, 5, -7, 0, INT64_MAX, INT64_MIN};
    return (struct holm_count){.start = draw_seq(chance, known),
                               .last = draw_seq(chance, known),
                               .sum = DRAW_OF(chance, sums),
                               .cancelled = draw_seq(chance, known),
                               .cancelled_sum = DRAW_OF(chance, sums)};
}

static void draw_item(struct siege *siege, struct holm_delta *delta, struct holm_fill *fill,
                      struct holm_item *item, uint64_t seq)
{
    struct chance *chance = &siege->chance;
    static const uint64_t stamps[] = {0, 1, (uint64_t)1000 << 16, UINT64_MAX};
    item->op = (uint8_t)(1 + chance_below(chance, HOLM_ITEM_KNOWN));
    item->key = holm_fill_bytes(fill, DRAW_OF(chance, keys));
    item->path = holm_fill_bytes(fill, DRAW_OF(chance, paths));
    item->kind = (uint8_t)(1 + chance_below(chance, HOLM_MIN + 2)); /* one more is a newer one */
    if (item->op == HOLM_ITEM_COUNT)
        item->kind = HOLM_COUNTER;
    else if (item->kind == HOLM_COUNTER)
        item->kind = HOLM_REGISTER;
    if (item->op == HOLM_ITEM_DROP_PATH || item->op == HOLM_ITEM_BURY)
        item->kind = 0;
    if (item->kind == HOLM_SET || item->kind > HOLM_MIN)
        item->sub = holm_fill_bytes(fill, DRAW_OF(chance, subs));
    bool own = item->op == HOLM_ITEM_PUT || item->op == HOLM_ITEM_BURY;
    item->actor = own ? 0 : (uint32_t)chance_below(chance, delta->items.actor_count);
    if (own)
        item->seq = seq;
    if (item->op == HOLM_ITEM_PUT) {
        item->hlc = DRAW_OF(chance, stamps);
        item->value = draw_value(chance);
        if (item->value.type == HOLM_TEXT || item->value.type > HOLM_BOOL)
            item->value.as.bytes = holm_fill_bytes(fill, item->value.as.bytes);
    }
    if (item->op == HOLM_ITEM_COUNT)
        item->count = draw_count(
            chance,
            item->actor == 0 ? delta->last : holm_replica_seq(siege->x, fill->actors[item->actor]));
    if (delta->items.seen_count > 0 &&
        !(item->op == HOLM_ITEM_COUNT || item->op == HOLM_ITEM_BURY)) {
        item->seen_first = (uint32_t)chance_below(chance, delta->items.seen_count);
        item->seen_count = (uint32_t)chance_below(chance,
                                                  delta->items.seen_count - item->seen_first + 1);
    }
}

/* Behind the own actor, some of the others, in their order. */
static size_t draw_actors(struct chance *chance, size_t own, struct holm_actor *table)
{
    static const size_t sorted[ACTORS] = {5, 0, 1, 2, 3, 4};
    uint64_t drawn = chance_below(chance, 1u << ACTORS);
    size_t count = 0;
    table[count++] = actors[own];
    for (size_t i = 0; i < ACTORS; i++)
        if (sorted[i] != own && (drawn >> i & 1) != 0)
            table[count++] = actors[sorted[i]];
    return count;
}

static void draw_causes(struct siege *siege, struct holm_delta *delta, struct holm_fill *fill,
                        size_t dep_count)
{
    struct chance *chance = &siege->chance;
    for (uint32_t i = 0; i < delta->items.seen_count; i++) {
        uint32_t actor = (uint32_t)chance_below(chance, delta->items.actor_count);
        uint64_t known = holm_replica_seq(siege->x, fill->actors[actor]);
        fill->seen[i] = (struct holm_seen){actor, 1 + chance_below(chance, 3),
                                           draw_seq(chance, known)};
    }
    for (size_t i = 0; i < dep_count; i++) {
        struct holm_actor actor = fill->actors[1 + i];
        fill->deps[i].actor = actor;
        fill->deps[i].seq = draw_seq(chance, holm_replica_seq(siege->x, actor));
    }
}

/* What the writer says that all have: of each node some seq of an epoch, or all up to it. */
static size_t draw_collected(struct siege *siege, struct holm_dot *collected)
{
    static const size_t others[] = {1, 2, 3, 4};
    struct chance *chance = &siege->chance;
    uint64_t drawn = chance_below(chance, 4) == 0 ? chance_below(chance, 256) : 0;
    size_t count = 0;
    for (size_t i = 0; i < COUNT(others); i++) {
        bool folded = (drawn >> (4 + i) & 1) != 0;
        const struct holm_actor *actor = &actors[others[i]];
        if ((drawn >> i & 1) == 0)
            continue;
        if (folded && count > 0 && collected[count - 1].actor.node.value == actor->node.value)
            count -= 1;
        uint64_t seq = folded ? HOLM_SEQ_FOLDED : holm_replica_seq(siege->x, *actor);
        if (seq > 0)
            collected[count++] = (struct holm_dot){*actor, seq};
    }
    return count;
}

/* A run that passes for sound, or NULL. */
static struct holm_delta *draw_run(struct siege *siege)
{
    struct chance *chance = &siege->chance;
    static const uint64_t lengths[] = {0, 0, 1, 3, (uint64_t)1 << 62};
    struct holm_actor table[ACTORS];
    struct holm_allocator allocator = heap_allocator(&siege->heap);
    size_t own = chance_below(chance, 2 * ACTORS);
    own = own < ACTORS ? own : 1 + own % 3;
    struct holm_fill_sizes sizes = {.actors = draw_actors(chance, own, table),
                                    .items = chance_below(chance, ITEMS_MAX + 1),
                                    .seen = chance_below(chance, SEEN_MAX + 1),
                                    .bytes = BYTES_MAX};
    struct holm_dot collected[ACTORS];
    sizes.deps = sizes.actors > 1 ? chance_below(chance, sizes.actors) : 0;
    sizes.collected = draw_collected(siege, collected);
    struct holm_fill fill;
    struct holm_delta *delta;
    require(holm_delta_new(&allocator, &sizes, &delta, &fill) == HOLM_OK, "no run");
    memcpy(fill.actors, table, sizes.actors * sizeof *table);
    if (sizes.collected > 0)
        memcpy(fill.collected, collected, sizes.collected * sizeof *collected);
    delta->partition = PARTITION;
    delta->actor = table[0];
    uint64_t known = holm_replica_seq(siege->x, table[0]);
    delta->first = chance_below(chance, 4) == 0 ? draw_seq(chance, known) : known + 1;
    delta->last = delta->first + DRAW_OF(chance, lengths);
    draw_causes(siege, delta, &fill, sizes.deps);
    for (size_t i = 0; i < sizes.items; i++)
        draw_item(siege, delta, &fill, &fill.items[i], delta->first + i);
    if (holm_delta_check(delta) == HOLM_OK)
        return delta;
    holm_delta_release(delta);
    return NULL;
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* The own entry of k.f, if it is live. */
struct own_share {
    struct holm_actor self;
    struct holm_count count;
    bool found;
};

static bool find_share(void *context, const struct holm_cell_view *cell)
{
    struct own_share *share = context;
    share->found = cell->kind == HOLM_COUNTER && holm_actor_equal(cell->dot.actor, share->self) &&
                   holm_bytes_equal(cell->path, holm_str("\1f"));
    if (share->found)
        share->count = *cell->count;
    return !share->found;
}

/* Whether what X itself has in k.f would leave 64 bits: since its chain's start, or what is left of it. */
static bool would_overflow(const struct siege *siege, const struct holm_op *op)
{
    struct own_share share = {.self = actors[ACTOR_X]};
    struct reference_wide all = {0, 0}, live = {0, 0};
    bool all_fits, live_fits;
    if (op->type != HOLM_OP_ADD)
        return false;
    holm_replica_visit(siege->x, op->key, find_share, &share);
    if (!share.found)
        return false;
    reference_wide_add(&all, share.count.sum);
    reference_wide_add(&all, op->as.amount);
    live = all;
    reference_wide_add(&live, -(share.count.cancelled_sum / 2));
    reference_wide_add(&live, -(share.count.cancelled_sum - share.count.cancelled_sum / 2));
    (void)reference_wide_value(&all, &all_fits);
    (void)reference_wide_value(&live, &live_fits);
    return !all_fits || !live_fits;
}

static void commit(struct siege *siege, const struct holm_op *op)
{
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {op, 1}};
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    struct sight before = look(siege->x);
    enum holm_status expected = holm_replica_buried(siege->x, op->key) ? HOLM_EBURIED
                                : would_overflow(siege, op)            ? HOLM_EOVERFLOW
                                                                       : HOLM_OK;
    enum holm_status status = step_x(siege, &event);
    struct sight after = look(siege->x);
    require(status == expected || (op->type == HOLM_OP_BURY && status == HOLM_OK),
            "an operation is refused for no good reason, or is not");
    require(status == HOLM_OK || same_content(&before, &after),
            "what was refused has changed something");
    require(step_x(siege, &flush) == HOLM_OK, "no flush");
}

static void write_something(struct siege *siege)
{
    struct chance *chance = &siege->chance;
    struct holm_bytes key = DRAW_OF(chance, keys), f = holm_str("f");
    static const int64_t amounts[] = {3, INT64_MAX, INT64_MIN, -1};
    size_t drawn = chance_below(chance, 9 * COUNT(amounts));
    const struct holm_op ops[] = {holm_op_put(key, f, holm_i64(1)),
                                  holm_op_add(key, f, amounts[drawn / 9]),
                                  holm_op_reset(key, f),
                                  holm_op_insert(key, f, holm_str("x")),
                                  holm_op_erase(key, f, holm_str("x")),
                                  holm_op_raise(key, f, holm_i64(2)),
                                  holm_op_remove(key, f),
                                  holm_op_remove(key, holm_str("")),
                                  holm_op_bury(key)};
    _Static_assert(COUNT(ops) == 9, "each is drawn as often");
    commit(siege, &ops[drawn % COUNT(ops)]);
}

/* A run comes; sometimes there is no memory for it, and then it comes again. */
static void attack(struct siege *siege)
{
    struct holm_delta *delta = draw_run(siege);
    if (delta == NULL)
        return;
    uint64_t refusal = chance_below(&siege->chance, 32);
    uint32_t peer = chance_below(&siege->chance, 2) == 0 ? HOLM_PEER_NONE : 0;
    struct sight before = look(siege->x);
    siege->heap.calls = 0;
    siege->heap.fail_at = refusal > 16 ? refusal - 16 : 0;
    siege->heap.fail_once = refusal % 2 == 0;
    enum holm_status status = give(siege, siege->x, delta, peer);
    siege->heap.fail_at = 0;
    struct sight after = look(siege->x);
    require(status == HOLM_OK || status == HOLM_EMALFORMED || status == HOLM_ELIMIT ||
                (status == HOLM_ENOMEM && refusal > 16) ||
                (status == HOLM_EDUPLICATE && holm_actor_equal(delta->actor, actors[ACTOR_X])),
            "a status that a run cannot have");
    require((status == HOLM_OK && after.applied != before.applied) || same_content(&before, &after),
            "what was not applied has changed something");
    if (status == HOLM_ENOMEM)
        (void)give(siege, siege->x, delta, peer);
    holm_delta_release(delta);
}

static void take_step(struct siege *siege)
{
    struct holm_event event = {.type = HOLM_EVENT_TICK};
    switch (chance_below(&siege->chance, 8)) {
    case 0:
        write_something(siege);
        break;
    case 1:
        siege->now.monotonic_us += (uint64_t)1 << chance_below(&siege->chance, 26);
        siege->now.wall_ms += 1;
        (void)step_x(siege, &event);
        break;
    case 2:
        event.type = HOLM_EVENT_SUPERSEDED;
        event.as.superseded = actors[1 + chance_below(&siege->chance, ACTORS - 1)];
        (void)step_x(siege, &event);
        break;
    default:
        attack(siege);
        break;
    }
}

/* ---- the end -------------------------------------------------------------------------------- */

/* A fold that changes nothing but entries; there may be no room for its actor. */
static void fold(struct siege *siege, struct holm_replica *replica,
                 struct holm_vector_view frontier)
{
    struct sight before = look(replica);
    const struct holm_work *work;
    enum holm_status status = holm_replica_collect(replica, frontier, siege->now, &work);
    require(status == HOLM_OK || (status == HOLM_ELIMIT && replica == siege->x),
            "what is there cannot be folded");
    holm_replica_check(replica);
    struct sight after = look(replica);
    require(holm_digest_equal(before.live, after.live), "folding has changed the live digest");
    require(before.vector_hash == after.vector_hash, "folding has changed the hash of R");
}

/* X folds what others wrote, and Y the same. */
static void fold_all(struct siege *siege, struct holm_replica *y)
{
    for (size_t i = 1; i < ACTORS; i++) {
        struct holm_dot folded = {actors[i], HOLM_SEQ_FOLDED};
        uint64_t seq = holm_replica_seq(siege->x, actors[i]);
        if (seq != 0 && seq != HOLM_SEQ_FOLDED)
            fold(siege, siege->x, (struct holm_vector_view){&folded, 1});
    }
    fold(siege, y, holm_replica_collected(siege->x));
}

static void check_follower(struct siege *siege)
{
    struct holm_replica *y = new_replica(siege, (struct holm_actor){{901}, {1}}, 64);
    struct sight expected = look(siege->x);
    for (size_t i = 0; i < siege->taken_count; i++) {
        require(give(siege, y, siege->taken[i], HOLM_PEER_NONE) == HOLM_OK,
                "what one has applied another refuses");
        require(give(siege, y, siege->taken[i / 2], HOLM_PEER_NONE) == HOLM_OK,
                "an old run is refused");
    }
    holm_replica_check(y);
    struct sight seen = look(y);
    require(same_content(&expected, &seen),
            "equal runs in equal order have come to something else");
    reads_check(y);
    reads_compare(siege->x, y);
    fold_all(siege, y);
    expected = look(siege->x);
    seen = look(y);
    require(same_content(&expected, &seen), "the same is folded to something else");
    reads_check(y);
    reads_compare(siege->x, y);
    holm_replica_free(y);
}

static void check_loaded(struct siege *siege)
{
    struct holm_replica *z = new_replica(siege, (struct holm_actor){{902}, {1}}, 64);
    struct sight expected = look(siege->x);
    const struct holm_page *pages[TAKEN_MAX];
    const struct holm_work *work;
    struct holm_cut *cut;
    require(holm_cut_open(siege->x, siege->now, &work, &cut) == HOLM_OK, "no cut");
    size_t count = holm_cut_page_count(cut);
    require(count <= TAKEN_MAX, "too many pages");
    for (size_t i = 0; i < count; i++) {
        pages[i] = holm_cut_page(cut, i);
        require(holm_page_check(pages[i]) == HOLM_OK, "a page that others refuse");
    }
    require(holm_replica_load_collected(z, holm_cut_vector(cut), holm_cut_collected(cut), pages,
                                        count, siege->now, &work) == HOLM_OK,
            "a cut that cannot be loaded");
    holm_cut_close(cut);
    holm_replica_check(z);
    struct sight seen = look(z);
    require(same_content(&expected, &seen), "a cut has come to something else");
    reads_check(z);
    reads_compare(siege->x, z);
    holm_replica_free(z);
}

/* An honest run of another, so that there is something to fold. */
static void count_as(struct siege *siege, struct holm_actor self, int64_t amount)
{
    struct holm_replica *other = new_replica(siege, self, 5);
    const struct holm_op op = holm_op_add(holm_str("k"), holm_str("f"), amount);
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    const struct holm_work *work;
    require(holm_replica_step(other, &event, siege->now, &work) == HOLM_OK, "no operation");
    require(holm_replica_step(other, &flush, siege->now, &work) == HOLM_OK, "no run");
    require(work->stored_count == 1, "not one run");
    struct holm_delta *run = work->stored[0];
    holm_delta_retain(run);
    holm_replica_free(other);
    require(give(siege, siege->x, run, HOLM_PEER_NONE) == HOLM_OK, "a run is refused");
    holm_delta_release(run);
}

static void open_siege(struct siege *siege)
{
    struct holm_bytes k = holm_str("k"), f = holm_str("f");
    const struct holm_op ops[] = {
        holm_op_put(k, f, holm_i64(9)),      holm_op_add(k, f, 10),
        holm_op_insert(k, f, holm_str("x")), holm_op_enable(k, f),
        holm_op_raise(k, f, holm_i64(1)),    holm_op_put(holm_str("dead"), f, holm_i64(1)),
        holm_op_bury(holm_str("dead"))};
    struct holm_event up = {.type = HOLM_EVENT_PEER_UP};
    siege->now = (struct holm_now){1000000, 1700000000000};
    siege->x = new_replica(siege, actors[ACTOR_X], 7);
    up.as.peer.actor = actors[1];
    for (size_t i = 0; i < COUNT(ops); i++)
        commit(siege, &ops[i]);
    for (size_t i = 1; i <= 3; i++)
        count_as(siege, actors[i], (int64_t)i);
    require(step_x(siege, &up) == HOLM_OK, "a peer is refused");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct siege siege;
    static const uint8_t nothing[1];
    memset(&siege, 0, sizeof siege);
    siege.chance.bytes = size > 0 ? data : nothing;
    siege.chance.left = size;
    open_siege(&siege);
    for (int i = 0; i < STEPS_MAX && siege.chance.left > 0; i++)
        take_step(&siege);
    struct holm_event tick = {.type = HOLM_EVENT_TICK};
    siege.now.monotonic_us += 10000000; /* what memory was short for is done by now */
    require(step_x(&siege, &tick) == HOLM_OK, "no tick");
    check_loaded(&siege);
    check_follower(&siege);
    check_loaded(&siege);
    holm_replica_free(siege.x);
    for (size_t i = 0; i < siege.taken_count; i++)
        holm_delta_release(siege.taken[i]);
    require(siege.heap.blocks == 0, "memory is left behind");
    return 0;
}
