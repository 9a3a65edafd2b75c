/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/worlds.h"

#include <xxhash.h>

#include "tests/model/parcel.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

const char *const worlds_keys[WORLDS_KEYS] = {"k", "l", "s"};

static struct holm_replica *make(struct worlds *f, int world, struct holm_actor self)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *made;
    config.allocator = f->allocators[world];
    config.self = self;
    config.digest_seed = 42;
    config.random_seed = self.node.value;
    config.retention = world == FOLDING ? HOLM_RETENTION_STABLE : HOLM_RETENTION_FOREVER;
    assert_int_equal(holm_replica_new(&config, &made), HOLM_OK);
    return made;
}

static void link_peers(struct worlds *f, int world, size_t node)
{
    for (size_t peer = 0; peer < f->nodes; peer++) {
        struct holm_event up = {.type = HOLM_EVENT_PEER_UP,
                                .as.peer = {(uint32_t)peer, actor_of(peer + 1, f->epochs[peer])}};
        if (peer != node)
            assert_int_equal(worlds_step(f, world, node, &up), HOLM_OK);
    }
}

void worlds_open(struct worlds *f, size_t nodes)
{
    memset(f, 0, sizeof *f);
    f->allocator = heap_allocator(&f->heap);
    f->now = (struct holm_now){1000000, 1000};
    f->nodes = nodes;
    for (int world = 0; world < WORLDS; world++)
        f->allocators[world] = heap_allocator(&f->heaps[world]);
    for (size_t i = 0; i < nodes; i++) {
        f->epochs[i] = 1;
        holm_vector_init(&f->reports[i], &f->allocator);
        for (int world = 0; world < WORLDS; world++)
            f->replicas[world][i] = make(f, world, actor_of(i + 1, 1));
    }
    for (size_t i = 0; i < nodes; i++) {
        for (int world = 0; world < WORLDS; world++)
            link_peers(f, world, i);
    }
}

void worlds_forget_runs(struct worlds *f)
{
    for (size_t i = 0; i < f->run_count; i++) {
        for (int world = 0; world < WORLDS; world++)
            holm_delta_release(f->runs[world][i]);
    }
    memset(f->given, 0, sizeof f->given);
    f->run_count = 0;
}

void worlds_close(struct worlds *f)
{
    worlds_forget_runs(f);
    for (size_t i = 0; i < f->nodes; i++) {
        holm_vector_release(&f->reports[i]);
        for (int world = 0; world < WORLDS; world++) {
            holm_replica_check(f->replicas[world][i]);
            holm_replica_free(f->replicas[world][i]);
        }
    }
    assert_int_equal(f->heap.blocks, 0);
    assert_int_equal(f->heaps[FOLDING].blocks + f->heaps[PLAIN].blocks, 0);
}

enum holm_status worlds_step(struct worlds *f, int world, size_t node,
                             const struct holm_event *event)
{
    return holm_replica_step(f->replicas[world][node], event, f->now, &f->work);
}

/* Writes in both worlds, and seals. */
void worlds_write(struct worlds *f, size_t node, struct holm_op op)
{
    const struct holm_event events[] = {{.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}},
                                        {.type = HOLM_EVENT_FLUSH}};
    bool wrote[WORLDS] = {false, false};
    assert_true(f->run_count < WORLDS_RUNS_MAX);
    for (int world = 0; world < WORLDS; world++) {
        for (size_t i = 0; i < COUNT(events); i++) {
            assert_int_equal(worlds_step(f, world, node, &events[i]), HOLM_OK);
            if (f->work->stored_count == 0)
                continue;
            assert_true(f->work->stored_count == 1 && !wrote[world]);
            f->runs[world][f->run_count] = f->work->stored[0];
            holm_delta_retain(f->work->stored[0]);
            wrote[world] = true;
        }
    }
    assert_int_equal(wrote[FOLDING], wrote[PLAIN]);
    f->given[f->run_count][node] = true;
    f->run_count += wrote[PLAIN] ? 1 : 0;
}

void worlds_give(struct worlds *f, size_t run, size_t node)
{
    if (f->given[run][node])
        return;
    f->given[run][node] = true;
    for (int world = 0; world < WORLDS; world++) {
        struct holm_message message = {.type = HOLM_MESSAGE_DELTA};
        message.sender = f->runs[world][run]->actor;
        message.as.delta = f->runs[world][run];
        struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                                   .as.message = {HOLM_PEER_NONE, &message}};
        assert_int_equal(worlds_step(f, world, node, &event), HOLM_OK);
    }
}

void worlds_give_all(struct worlds *f)
{
    for (size_t run = 0; run < f->run_count; run++) {
        for (size_t node = 0; node < f->nodes; node++)
            worlds_give(f, run, node);
    }
}

void worlds_next_epoch(struct worlds *f, size_t node)
{
    f->epochs[node] += 1;
    f->reported[node] = false;
    struct holm_event event = {.type = HOLM_EVENT_EPOCH, .as.epoch = {f->epochs[node]}};
    for (int world = 0; world < WORLDS; world++)
        assert_int_equal(worlds_step(f, world, node, &event), HOLM_OK);
}

void worlds_load(struct worlds *f, struct holm_replica *from, struct holm_replica *to)
{
    struct holm_cut *cut;
    const struct holm_page *pages[64];
    assert_int_equal(holm_cut_open(from, f->now, &f->work, &cut), HOLM_OK);
    size_t count = holm_cut_page_count(cut);
    assert_true(count <= COUNT(pages));
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    assert_int_equal(holm_replica_load_collected(to, holm_cut_vector(cut), holm_cut_collected(cut),
                                                 pages, count, f->now, &f->work),
                     HOLM_OK);
    holm_cut_close(cut);
}

void worlds_merge(struct worlds *f, size_t from, size_t to)
{
    for (int world = 0; world < WORLDS; world++)
        worlds_load(f, f->replicas[world][from], f->replicas[world][to]);
}

void worlds_report(struct worlds *f, size_t node)
{
    static struct holm_dot entries[WORLDS_ENTRIES_MAX];
    size_t count = holm_replica_vector(f->replicas[PLAIN][node], entries, WORLDS_ENTRIES_MAX);
    assert_true(count <= WORLDS_ENTRIES_MAX);
    assert_int_equal(
        holm_vector_assign(&f->reports[node], (struct holm_vector_view){entries, count}), HOLM_OK);
    f->reported[node] = true;
}

/* Whether an epoch is over and the same for all; and rule 1 of collection for a node. */
static bool may_fold(const struct worlds *f, struct holm_dot entry)
{
    if (entry.actor.epoch.value >= f->epochs[entry.actor.node.value - 1])
        return false;
    for (size_t i = 0; i < f->nodes; i++) {
        if (holm_vector_seq(holm_vector_view(&f->reports[i]), entry.actor) != entry.seq)
            return false;
    }
    return true;
}

static bool covers_reports(const struct worlds *f, struct holm_vector_view own)
{
    struct holm_vector_view none = {NULL, 0};
    for (size_t i = 0; i < f->nodes; i++) {
        if (!f->reported[i] || !holm_vector_covers(own, holm_vector_view(&f->reports[i]), none))
            return false;
    }
    return true;
}

/* Folds what may be, in the world that folds. */
size_t worlds_fold(struct worlds *f, size_t node)
{
    struct holm_replica *replica = f->replicas[FOLDING][node];
    static struct holm_dot entries[WORLDS_ENTRIES_MAX];
    struct holm_vector frontier;
    holm_vector_init(&frontier, &f->allocator);
    size_t count = holm_replica_vector(f->replicas[PLAIN][node], entries, WORLDS_ENTRIES_MAX);
    assert_true(count <= WORLDS_ENTRIES_MAX);
    struct holm_vector_view own = {entries, count};
    uint64_t blocked = 0;
    if (!covers_reports(f, own))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].actor.node.value == blocked || !may_fold(f, entries[i]))
            blocked = entries[i].actor.node.value;
        else
            assert_int_equal(holm_vector_raise(&frontier, entries[i].actor, HOLM_SEQ_FOLDED),
                             HOLM_OK);
    }
    struct holm_digest before = holm_replica_digest(replica);
    assert_int_equal(holm_replica_collect(replica, holm_vector_view(&frontier), f->now, &f->work),
                     HOLM_OK);
    assert_true(holm_digest_equal(before, holm_replica_digest(replica)));
    size_t folded = frontier.count;
    holm_vector_release(&frontier);
    return folded;
}

size_t worlds_fold_all(struct worlds *f)
{
    size_t folded = 0;
    for (size_t i = 0; i < f->nodes; i++)
        worlds_report(f, i);
    for (size_t i = 0; i < f->nodes; i++)
        folded += worlds_fold(f, i);
    return folded;
}

int64_t worlds_sum_of(const struct holm_replica *replica, const char *key)
{
    int64_t sum = 0;
    enum holm_status status = holm_replica_count(replica, holm_str(key), holm_str("n"), &sum);
    assert_true(status == HOLM_OK || (status == HOLM_ENOENT && sum == 0));
    return sum;
}

/* ---- both worlds, side by side */

struct look {
    uint64_t sum; /* over the cells that are no counters', in any order */
    size_t counters;
};

static bool look_at(void *context, const struct holm_cell_view *cell)
{
    struct look *look = context;
    unsigned char text[512];
    size_t size = 0;
    if (cell->kind == HOLM_COUNTER) {
        look->counters += 1;
        return true;
    }
    const struct holm_bytes parts[] = {cell->key, cell->path, cell->sub};
    for (size_t i = 0; i < COUNT(parts); i++) {
        assert_true(size + parts[i].size + 64 < sizeof text);
        text[size++] = (unsigned char)parts[i].size;
        if (parts[i].size > 0)
            memcpy(text + size, parts[i].data, parts[i].size);
        size += parts[i].size;
    }
    uint64_t numbers[] = {cell->kind, cell->dot.actor.node.value, cell->dot.actor.epoch.value,
                          cell->dot.seq, (uint64_t)cell->value.as.i64};
    numbers[4] = cell->value.type == HOLM_I64 ? numbers[4] : 0;
    memcpy(text + size, numbers, sizeof numbers);
    look->sum += XXH3_64bits(text, size + sizeof numbers);
    return true;
}

static struct look look(const struct holm_replica *replica)
{
    struct look look = {0};
    holm_replica_visit(replica, holm_mem(NULL, 0), look_at, &look);
    return look;
}

/* Of all that was applied in the world that does not fold, the other says the same. */
static void assert_vectors_agree(const struct holm_replica *folding,
                                 const struct holm_replica *plain)
{
    static struct holm_dot entries[WORLDS_ENTRIES_MAX];
    size_t count = holm_replica_vector(plain, entries, WORLDS_ENTRIES_MAX);
    struct holm_vector_view collected = holm_replica_collected(folding);
    uint64_t hash = holm_replica_vector_hash(folding);
    assert_in_range(count, 0, WORLDS_ENTRIES_MAX);
    assert_true(hash == holm_replica_vector_hash(plain));
    for (size_t i = 0; i < count; i++) {
        bool folded = holm_vector_seq(collected, entries[i].actor) == HOLM_SEQ_FOLDED;
        assert_true(holm_replica_seq(folding, entries[i].actor) ==
                    (folded ? HOLM_SEQ_FOLDED : entries[i].seq));
    }
    count = holm_replica_vector(folding, entries, WORLDS_ENTRIES_MAX);
    struct holm_vector_view folds = {entries, count};
    assert_true(holm_vector_view_hash(folds, folding->config.digest_seed) == hash);
}

void worlds_assert_agree(const struct worlds *f, size_t node)
{
    const struct holm_replica *a = f->replicas[FOLDING][node];
    const struct holm_replica *b = f->replicas[PLAIN][node];
    assert_vectors_agree(a, b);
    for (size_t i = 0; i < COUNT(worlds_keys); i++) {
        struct holm_bytes key = holm_str(worlds_keys[i]);
        assert_true(worlds_sum_of(a, worlds_keys[i]) == worlds_sum_of(b, worlds_keys[i]));
        assert_int_equal(holm_replica_exists(a, key), holm_replica_exists(b, key));
    }
    struct look x = look(a);
    struct look y = look(b);
    assert_true(x.sum == y.sum && x.counters <= y.counters);
    assert_true(holm_digest_equal(holm_replica_digest(a), holm_replica_digest(b)));
    holm_replica_check(a);
    holm_replica_check(b);
}

void worlds_assert_equal(const struct worlds *f, int world)
{
    for (size_t i = 1; i < f->nodes; i++) {
        const struct holm_replica *a = f->replicas[world][0];
        const struct holm_replica *b = f->replicas[world][i];
        assert_true(holm_replica_vector_hash(a) == holm_replica_vector_hash(b));
        assert_true(holm_digest_equal(holm_replica_digest(a), holm_replica_digest(b)));
    }
}

/* All to one, and that one to all. */
void worlds_exchange(struct worlds *f)
{
    for (size_t i = 1; i < f->nodes; i++)
        worlds_merge(f, i, 0);
    for (size_t i = 1; i < f->nodes; i++)
        worlds_merge(f, 0, i);
}

/* ---- over links */

static const struct holm_message *sent_to(const struct worlds *f, size_t node,
                                          enum holm_message_type type)
{
    for (size_t i = 0; i < f->work->output_count; i++) {
        const struct holm_output *output = &f->work->outputs[i];
        if (output->peer == node && output->message.type == type)
            return &output->message;
    }
    return NULL;
}

static struct parcel *answer_pull(struct worlds *f, struct parcel_office *office, int world,
                                  size_t from, size_t to)
{
    static struct holm_dot entries[WORLDS_ENTRIES_MAX];
    struct holm_message pull = {.type = HOLM_MESSAGE_PULL, .sender = actor_of(to + 1, 1)};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    size_t count = holm_replica_vector(f->replicas[world][to], entries, WORLDS_ENTRIES_MAX);
    assert_in_range(count, 0, WORLDS_ENTRIES_MAX);
    pull.as.pull = (struct holm_pull){{entries, count}, UINT64_MAX};
    struct parcel *asked = parcel_new(office, &pull);
    event.as.message.peer = (uint32_t)to;
    event.as.message.message = parcel_open(office, asked);
    assert_int_equal(worlds_step(f, world, from, &event), HOLM_OK);
    const struct holm_message *message = sent_to(f, to, HOLM_MESSAGE_DELTAS);
    assert_non_null(message);
    assert_false(message->as.deltas.more);
    struct parcel *answer = parcel_new(office, message);
    parcel_free(office, asked);
    return answer;
}

void worlds_pull(struct worlds *f, size_t from, size_t to)
{
    for (int world = 0; world < WORLDS && from != to; world++) {
        struct parcel_office office;
        struct holm_event event = {.type = HOLM_EVENT_MESSAGE, .as.message.peer = (uint32_t)from};
        parcel_office_init(&office, &f->allocators[world], (size_t)1 << 20, true);
        struct parcel *answer = answer_pull(f, &office, world, from, to);
        event.as.message.message = parcel_open(&office, answer);
        bool too_old = event.as.message.message->as.deltas.too_old;
        assert_int_equal(worlds_step(f, world, to, &event), HOLM_OK);
        parcel_free(&office, answer);
        parcel_office_release(&office);
        f->too_old[world] += too_old ? 1 : 0;
        if (too_old)
            worlds_load(f, f->replicas[world][from], f->replicas[world][to]);
    }
}

static bool fold_the_same(const struct worlds *f, size_t a, size_t b)
{
    return holm_replica_fold_hash(f->replicas[FOLDING][a]) ==
           holm_replica_fold_hash(f->replicas[FOLDING][b]);
}

void worlds_catch_up(struct worlds *f, size_t from, size_t to)
{
    for (int world = 0; world < WORLDS && from != to; world++) {
        struct talk talk = {.server = f->replicas[world][from],
                            .receiver = f->replicas[world][to],
                            .allocator = f->allocators[world],
                            .now = f->now};
        if (world == FOLDING && !fold_the_same(f, from, to)) {
            worlds_load(f, talk.server, talk.receiver);
            continue;
        }
        f->caught_up += world == FOLDING && holm_replica_fold_hash(talk.server) != 0 ? 1 : 0;
        talk_through(&talk);
    }
}

uint64_t worlds_beacon(struct worlds *f, int world, size_t from, size_t to)
{
    struct holm_replica_stats stats;
    struct holm_beacon_entry line = holm_replica_beacon(f->replicas[world][from]);
    struct holm_message message = {.type = HOLM_MESSAGE_BEACON,
                                   .sender = actor_of(from + 1, f->epochs[from])};
    message.as.beacon = (struct holm_beacon){&line, 1};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {(uint32_t)from, &message}};
    assert_int_equal(worlds_step(f, world, to, &event), HOLM_OK);
    holm_replica_stats(f->replicas[world][to], &stats);
    return stats.digest_breaches;
}

void worlds_restart(struct worlds *f, size_t node)
{
    f->epochs[node] += 1;
    f->reported[node] = false;
    for (int world = 0; world < WORLDS; world++) {
        struct holm_replica *made = make(f, world, actor_of(node + 1, f->epochs[node]));
        worlds_load(f, f->replicas[world][node], made);
        holm_replica_free(f->replicas[world][node]);
        f->replicas[world][node] = made;
        link_peers(f, world, node);
    }
}

struct holm_replica *worlds_copy(struct worlds *f, int world, size_t node)
{
    struct holm_replica *made = make(f, world, actor_of(99, 1));
    worlds_load(f, f->replicas[world][node], made);
    return made;
}
