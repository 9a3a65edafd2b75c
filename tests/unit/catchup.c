/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replicas that catch up by what differs, held against the reference and against the merge of the whole
 * cut, while both sides go on.
 */
#include "tests/unit/scenario.h"
#include "tests/unit/talk.h"

#include <stdio.h>
#include <stdlib.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define KEYS 24
#define SEEN_MAX 4096

/* ---- a fixture's nodes that talk ------------------------------------------------------------ */

static void took(void *context, struct holm_replica *replica, const struct holm_work *work)
{
    struct fixture *f = context;
    size_t node = 0;
    while (f->nodes[node].replica != replica)
        node += 1;
    fixture_take_work(f, node, work);
}

static struct talk talk_of(struct fixture *f, size_t server, size_t receiver)
{
    return (struct talk){.server = f->nodes[server].replica,
                         .receiver = f->nodes[receiver].replica,
                         .allocator = heap_allocator(&f->heap),
                         .now = fixture_now(f, receiver),
                         .took = took,
                         .context = f};
}

static void catch_up(struct fixture *f, size_t server, size_t receiver)
{
    struct talk talk = talk_of(f, server, receiver);
    talk_through(&talk);
    fixture_check(f, receiver);
}

static void assert_unmarked(const struct holm_replica *replica)
{
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(&replica->state, 0, UINT64_MAX);
    while (holm_walk_next(&replica->state, &walk, &spot)) {
        for (; holm_spot_cell(&replica->state, &spot, &cell);
             holm_spot_next(&replica->state, &spot))
            assert_false(cell.marked);
    }
}

static void assert_same(const struct holm_replica *a, const struct holm_replica *b)
{
    assert_int_equal(holm_replica_vector_hash(a), holm_replica_vector_hash(b));
    assert_true(holm_digest_equal(holm_replica_digest(a), holm_replica_digest(b)));
    assert_true(
        holm_digest_equal(holm_replica_transfer_digest(a), holm_replica_transfer_digest(b)));
    assert_int_equal(a->state.record_count, b->state.record_count);
    assert_int_equal(a->state.cells, b->state.cells);
    assert_int_equal(a->state.tombstones, b->state.tombstones);
}

/* ---- the merge of the whole cut, to compare with ------------------------------------------- */

static struct holm_replica *replica_like(struct fixture *f, const struct holm_replica *model)
{
    struct holm_replica_config config = model->config;
    struct holm_replica *made;
    config.self = actor_of(999, 1);
    config.allocator = heap_allocator(&f->heap);
    assert_int_equal(holm_replica_new(&config, &made), HOLM_OK);
    return made;
}

static void load(struct holm_replica *target, const struct fixture_state *cut, struct holm_now now)
{
    const struct holm_work *work = NULL;
    struct holm_vector_view vector = {cut->entries, cut->entry_count};
    assert_int_equal(holm_replica_load(target, vector, (const struct holm_page *const *)cut->pages,
                                       cut->page_count, now, &work),
                     HOLM_OK);
}

/* What the receiver is now, merged with the whole cut of the server. */
static struct holm_replica *merged(struct fixture *f, size_t receiver,
                                   const struct fixture_state *cut)
{
    struct fixture_state own;
    struct holm_replica *copy = replica_like(f, f->nodes[receiver].replica);
    fixture_state_take(f, receiver, &own);
    load(copy, &own, fixture_now(f, receiver));
    load(copy, cut, fixture_now(f, receiver));
    fixture_state_release(&own);
    return copy;
}

/* Runs that the receiver had held back, and that it could apply after the merge. */
static void give_held(struct fixture *f, size_t receiver, struct holm_replica *copy)
{
    const struct holm_replica *replica = f->nodes[receiver].replica;
    for (size_t i = 0; i < 2 * f->run_count; i++) {
        struct holm_delta *run = f->runs[i % f->run_count];
        struct holm_message message = {.type = HOLM_MESSAGE_DELTA,
                                       .partition = run->partition,
                                       .sender = run->actor,
                                       .as.delta = run};
        struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                                   .as.message = {.peer = HOLM_PEER_NONE, .message = &message}};
        const struct holm_work *work;
        if (run->last <= holm_replica_seq(replica, run->actor))
            assert_int_equal(holm_replica_step(copy, &event, fixture_now(f, receiver), &work),
                             HOLM_OK);
    }
}

/* ---- what a frozen side shows --------------------------------------------------------------- */

struct seen {
    uint64_t sums[SEEN_MAX];
    size_t count;
    struct holm_digest whole;
};

static uint64_t sum_of(const struct holm_reconcile_entry *entry)
{
    const struct holm_item *item = &entry->item;
    uint64_t sum = entry->term.low ^ entry->hash;
    struct holm_bytes parts[] = {item->key, item->path, item->sub, {NULL, 0}};
    if (item->op == HOLM_ITEM_PUT && item->value.type == HOLM_BYTES)
        parts[3] = item->value.as.bytes;
    for (size_t i = 0; i < COUNT(parts); i++) {
        const unsigned char *bytes = parts[i].data;
        for (size_t at = 0; at < parts[i].size; at++)
            sum = sum * 31 + bytes[at];
    }
    sum = sum * 31 + item->op + item->kind + item->seq + item->hlc + item->count.last;
    return sum * 31 + entry->actor.node.value * 7 + entry->actor.epoch.value;
}

static bool see(void *context, const struct holm_reconcile_entry *entry)
{
    struct seen *seen = context;
    assert_true(seen->count < SEEN_MAX);
    seen->sums[seen->count++] = sum_of(entry);
    holm_digest_add(&seen->whole, entry->term);
    return true;
}

static int compare_sums(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static void see_all(const struct holm_reconcile_source *source, struct seen *seen)
{
    seen->count = 0;
    seen->whole = (struct holm_digest){0, 0};
    /* In parts whose bounds are at and beside what changes most, so that they are kept. */
    uint64_t pivot = source->hash(source->context, holm_str("set"));
    const uint64_t bounds[] = {0, pivot, pivot + 1, holm_range_first(1, 15)};
    for (size_t part = 0; part < COUNT(bounds); part++) {
        uint64_t last = part + 1 < COUNT(bounds) ? bounds[part + 1] - 1 : UINT64_MAX;
        source->visit(source->context, bounds[part], last, see, seen);
    }
    qsort(seen->sums, seen->count, sizeof *seen->sums, compare_sums);
    assert_int_equal(seen->count, source->entries);
    assert_true(holm_digest_equal(seen->whole, holm_tree_total(source->tree)));
    holm_tree_check(source->tree);
}

static void assert_still(const struct holm_reconcile_source *source, const struct seen *before)
{
    static struct seen now;
    see_all(source, &now);
    assert_int_equal(now.count, before->count);
    assert_memory_equal(now.sums, before->sums, before->count * sizeof *now.sums);
}

/* ---- chance --------------------------------------------------------------------------------- */

static struct holm_op draw_op(struct chance *chance)
{
    static const enum holm_op_type types[] = {
        HOLM_OP_PUT,    HOLM_OP_PUT,     HOLM_OP_PUT,    HOLM_OP_ADD,    HOLM_OP_ADD,
        HOLM_OP_RESET,  HOLM_OP_INSERT,  HOLM_OP_INSERT, HOLM_OP_INSERT, HOLM_OP_ERASE,
        HOLM_OP_ENABLE, HOLM_OP_DISABLE, HOLM_OP_RAISE,  HOLM_OP_LOWER,  HOLM_OP_REMOVE};
    static char keys[KEYS][8], elements[40][80];
    static const char *const fields[] = {"", "f", "g"};
    static unsigned char large[700];
    size_t key = chance_below(chance, KEYS), element = chance_below(chance, COUNT(elements));
    (void)snprintf(keys[key], sizeof keys[key], "k%zu", key);
    (void)snprintf(elements[element], sizeof elements[element], "%064zu", element);
    struct holm_op op = {.type = types[chance_below(chance, COUNT(types))],
                         .key = holm_str(keys[key]),
                         .field = holm_str(fields[chance_below(chance, COUNT(fields))])};
    if (chance_permille(chance, 15))
        op.type = HOLM_OP_BURY;
    if (op.type == HOLM_OP_INSERT || op.type == HOLM_OP_ERASE) {
        op.key = holm_str(chance_permille(chance, 700) ? "set" : keys[key]);
        op.as.element = holm_str(elements[element]);
    } else if (op.type == HOLM_OP_ADD) {
        op.as.amount = (int64_t)chance_below(chance, 201) - 100;
    } else if (op.type == HOLM_OP_PUT || op.type == HOLM_OP_RAISE || op.type == HOLM_OP_LOWER) {
        op.as.value = chance_permille(chance, 200)
                          ? holm_bytes_value(large, 1 + chance_below(chance, sizeof large))
                          : holm_i64((int64_t)chance_below(chance, 9));
    }
    return op;
}

static void write_some(struct fixture *f, struct chance *chance, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t node = chance_below(chance, f->node_count);
        struct holm_op op = draw_op(chance);
        (void)fixture_commit(f, node, &op, 1);
        if (chance_permille(chance, 400))
            fixture_flush(f, node);
        if (f->run_count > 0 && chance_permille(chance, 500))
            fixture_give(f, chance_below(chance, f->node_count),
                         chance_below(chance, f->run_count));
    }
}

/* One sync, between whose rounds others write, runs come and states are merged. Returns how often hashes
 * had to be drawn anew, because two had met. */
static uint64_t sync_amid(struct fixture *f, struct chance *chance, uint8_t width, size_t server,
                          size_t receiver)
{
    static struct seen shown[2];
    struct fixture_state cut;
    struct talk talk = talk_of(f, server, receiver);
    enum holm_status status;
    fixture_flush(f, receiver);
    fixture_state_take(f, server, &cut);
    talk.config = holm_reconcile_config_default(4096);
    talk.config.hop_bytes = 0;
    talk.config.width = width;
    talk.config.window = (uint8_t)(1 + chance_below(chance, 2));
    talk_open(&talk);
    const struct holm_reconcile_source *sources[2] = {&talk.server->state.frozen->source,
                                                      &talk.receiver->state.frozen->source};
    for (size_t i = 0; i < 2; i++)
        see_all(sources[i], &shown[i]);
    do {
        if (chance_permille(chance, 700))
            write_some(f, chance, chance_below(chance, 12));
        if (chance_permille(chance, 100))
            fixture_merge(f, chance_below(chance, f->node_count), receiver);
        for (size_t i = 0; i < 2; i++)
            assert_still(sources[i], &shown[i]);
    } while (talk_round(&talk, &status));
    assert_int_equal(status, HOLM_OK);
    struct holm_replica *expected = merged(f, receiver, &cut);
    assert_int_equal(talk_finish(&talk), HOLM_OK);
    give_held(f, receiver, expected);
    assert_same(f->nodes[receiver].replica, expected);
    assert_unmarked(f->nodes[receiver].replica);
    uint64_t rounds = holm_catchup_figures(talk.catchup).rounds;
    talk_close(&talk);
    fixture_check(f, receiver);
    holm_replica_free(expected);
    fixture_state_release(&cut);
    return rounds - 1;
}

/* T21, too: whatever the order, equal vectors have equal digests, the transfer digest among them. And T22:
 * every other history is compared by hashes of 8 bits, of which some meet. */
static void test_catchup_when_histories_are_random_then_as_the_whole_cut(void **state)
{
    uint64_t again[2] = {0, 0};
    for (uint64_t seed = 1; seed <= 150; seed++) {
        static struct fixture f;
        struct chance chance = {.state = seed};
        size_t nodes = 2 + chance_below(&chance, 3);
        fixture_init(&f, nodes, NULL);
        for (size_t round = 0; round < 5; round++) {
            write_some(&f, &chance, chance_below(&chance, 60));
            size_t receiver = chance_below(&chance, nodes);
            size_t server = (receiver + 1 + chance_below(&chance, nodes - 1)) % nodes;
            again[seed % 2] += sync_amid(&f, &chance, seed % 2 == 0 ? 8 : 1, server, receiver);
        }
        for (size_t i = 0; i < 2 * nodes; i++)
            catch_up(&f, i % nodes, (i + 1) % nodes);
        fixture_check_equal(&f);
        for (size_t i = 1; i < nodes; i++)
            assert_same(f.nodes[i].replica, f.nodes[0].replica);
        fixture_release(&f);
    }
    assert_int_equal(again[0], 0);
    assert_true(again[1] > 0);
}

/* ---- directed ------------------------------------------------------------------------------- */

/* T05: a part of a transfer is never applied, and never advances the vector: A dies after any number of
 * tells, and B has nothing of it. */
static void test_catchup_when_the_server_dies_then_nothing_was_applied(void **state)
{
    for (size_t rounds = 0; rounds < 12; rounds++) {
        static struct fixture f;
        enum holm_status status;
        fixture_init(&f, 3, NULL);
        for (size_t i = 0; i < 25; i++) {
            static char keys[25][8];
            static unsigned char large[900];
            (void)snprintf(keys[i], sizeof keys[i], "k%zu", i);
            struct holm_op op = holm_op_put(holm_str(keys[i]), holm_str("f"),
                                            holm_bytes_value(large, sizeof large));
            assert_int_equal(commit(&f, A, op), HOLM_OK);
        }
        fixture_merge(&f, A, C);
        struct talk talk = talk_of(&f, A, B);
        talk_open(&talk);
        for (size_t i = 0; i < rounds && talk_round(&talk, &status); i++) {
        }
        if (rounds < 2)
            assert_int_equal(holm_catchup_outcome(talk.catchup), HOLM_RECONCILE_RUNNING);
        talk_close(&talk);
        fixture_kill(&f, A);
        assert_int_equal(stats_of(&f, B).vector_entries, 0);
        assert_int_equal(stats_of(&f, B).records, 0);
        catch_up(&f, B, C);
        catch_up(&f, C, B);
        assert_int_equal(stats_of(&f, B).records, 25);
        fixture_check_equal(&f);
        fixture_release(&f);
    }
}

/* T31: A buries k, which neither A nor B has; B syncs from A; C, which has not seen it, increments k. */
static void test_catchup_when_only_tombstones_differ_then_they_are_carried(void **state)
{
    static struct fixture f;
    fixture_init(&f, 3, NULL);
    write_op(&f, A, HOLM_OP_BURY, "k", "");
    (void)flush(&f, A);
    catch_up(&f, A, B);
    assert_true(holm_replica_buried(f.nodes[B].replica, holm_str("k")));
    add(&f, C, "k", "f", 1);
    for (size_t i = 0; i < 6; i++)
        catch_up(&f, i % 3, (i + 1) % 3);
    fixture_check_equal(&f);
    for (size_t i = 0; i < 3; i++)
        assert_absent(&f, i, "k");
    fixture_release(&f);
}

/* T31, with reset marks: C's +20 was reset at A. B learns of it by catching up, with or without the entry;
 * then C's +5 comes, and 5 is what is left. */
static void test_catchup_when_only_resets_differ_then_they_are_carried(void **state)
{
    for (unsigned known = 0; known < 2; known++) {
        static struct fixture f;
        fixture_init(&f, 3, NULL);
        add(&f, C, "k", "f", 20);
        (void)flush(&f, C);
        catch_up(&f, C, A);
        if (known == 1)
            catch_up(&f, C, B);
        write_op(&f, A, HOLM_OP_RESET, "k", "f");
        catch_up(&f, A, B);
        add(&f, C, "k", "f", 5);
        for (size_t i = 0; i < 6; i++)
            catch_up(&f, i % 3, (i + 1) % 3);
        fixture_check_equal(&f);
        for (size_t i = 0; i < 3; i++)
            assert_sum(&f, i, "k", "f", 5);
        fixture_release(&f);
    }
}

/* T32: A puts and drops, as two runs. B has compared, finds nothing on either side; then A's first run
 * arrives; then B applies. The cell must go, although its leaf was equal. */
static void test_catchup_when_a_run_arrives_in_between_then_the_frozen_side_counts(void **state)
{
    for (unsigned differ = 0; differ < 2; differ++) {
        static struct fixture f;
        enum holm_status status;
        fixture_init(&f, 2, NULL);
        put(&f, A, "k", "f", 1);
        size_t run = flush(&f, A);
        write_op(&f, A, HOLM_OP_REMOVE, "k", "");
        (void)flush(&f, A);
        if (differ == 1)
            put(&f, B, "own", "f", 2);
        struct talk talk = talk_of(&f, A, B);
        talk_open(&talk);
        while (talk_round(&talk, &status)) {
        }
        fixture_give(&f, B, run);
        assert_reads(&f, B, "k", "f", 1);
        put(&f, B, "k", "g", 3);
        assert_int_equal(talk_finish(&talk), HOLM_OK);
        talk_close(&talk);
        struct holm_cell_view cell;
        assert_int_equal(holm_replica_get(f.nodes[B].replica, holm_str("k"), holm_str("f"),
                                          HOLM_REGISTER, &cell),
                         HOLM_ENOENT);
        assert_reads(&f, B, "k", "g", 3);
        fixture_check(&f, B);
        fixture_release(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catchup_when_histories_are_random_then_as_the_whole_cut),
        cmocka_unit_test(test_catchup_when_the_server_dies_then_nothing_was_applied),
        cmocka_unit_test(test_catchup_when_only_tombstones_differ_then_they_are_carried),
        cmocka_unit_test(test_catchup_when_only_resets_differ_then_they_are_carried),
        cmocka_unit_test(test_catchup_when_a_run_arrives_in_between_then_the_frozen_side_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
