/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folded epochs over whole lives: T20, and anything in any order.
 */
#include "proto/codec.h"
#include "tests/unit/worlds.h"

#define CITIES 10
#define BOMBINGS 1000
#define ROUND 100 /* bombings of each city between two foldings */
#define ELEMENTS 5

/* ---- T20 ----------------------------------------------------------------------------------- */

/* One life: what is counted, and who is there. Elements come, are there twice, and go. */
static void live(struct worlds *f, size_t city, int life)
{
    struct holm_bytes key = holm_str(worlds_keys[2]);
    char text[2] = {(char)('a' + city), (char)('0' + life % ELEMENTS)};
    struct holm_bytes element = holm_mem(text, sizeof text);
    struct holm_op ops[] = {
        holm_op_add(holm_str("k"), holm_str("n"), life % 3 == 0 ? -1 : 2),
        holm_op_insert(key, holm_str("who"), element),
        holm_op_erase(key, holm_str("who"), element),
        holm_op_put(key, holm_str("last"), holm_i64(life)),
    };
    worlds_write(f, city, ops[0]);
    worlds_write(f, city, ops[life % 4 == 3 ? 2 : 1]);
    if (life % 10 == 9)
        worlds_write(f, city, ops[3]);
    worlds_next_epoch(f, city);
    worlds_forget_runs(f);
}

static void live_a_round(struct worlds *f, int round)
{
    for (size_t city = 0; city < f->nodes; city++) {
        for (int i = 0; i < ROUND; i++)
            live(f, city, round * ROUND + i);
    }
    worlds_restart(f, (size_t)round % f->nodes);
    worlds_exchange(f);
}

struct measure {
    uint64_t hash;
    struct holm_digest digest;
    int64_t sum;
    size_t elements;
};

static bool count_element(void *context, const struct holm_cell_view *cell)
{
    size_t *count = context;
    *count += cell->kind == HOLM_SET ? 1 : 0;
    return true;
}

static struct measure measure(const struct holm_replica *replica)
{
    struct measure measure = {holm_replica_vector_hash(replica), holm_replica_digest(replica),
                              worlds_sum_of(replica, "k"), 0};
    holm_replica_visit(replica, holm_str(worlds_keys[2]), count_element, &measure.elements);
    return measure;
}

/* Folding changes nothing that is read, nor the hash of R, nor the digest; digests of all are equal. */
static void fold_and_compare(struct worlds *f)
{
    struct measure before[CITIES];
    worlds_assert_equal(f, FOLDING);
    for (size_t i = 0; i < f->nodes; i++)
        before[i] = measure(f->replicas[FOLDING][i]);
    assert_true(worlds_fold_all(f) > 0);
    worlds_assert_equal(f, FOLDING);
    for (size_t i = 0; i < f->nodes; i++) {
        struct measure after = measure(f->replicas[FOLDING][i]);
        assert_true(after.hash == before[i].hash && after.sum == before[i].sum);
        assert_true(holm_digest_equal(after.digest, before[i].digest));
        assert_int_equal(after.elements, before[i].elements);
    }
}

static size_t pull_bytes(struct worlds *f, int world, size_t city)
{
    static struct holm_dot entries[WORLDS_ENTRIES_MAX];
    struct holm_encoder encoder;
    struct holm_bytes frame;
    struct holm_message pull = {.type = HOLM_MESSAGE_PULL, .sender = actor_of(1, 1)};
    size_t count = holm_replica_vector(f->replicas[world][city], entries, WORLDS_ENTRIES_MAX);
    pull.as.pull.vector = (struct holm_vector_view){entries, count};
    holm_encoder_init(&encoder, &f->allocator, (size_t)1 << 20);
    assert_int_equal(holm_encoder_encode(&encoder, &pull, &frame), HOLM_OK);
    size_t bytes = frame.size;
    holm_encoder_release(&encoder);
    return bytes;
}

/* O(nodes), of everything: two entries a node for what is folded, one for the present epoch or the last. */
static void assert_small(struct worlds *f, size_t city)
{
    const struct holm_replica *replica = f->replicas[FOLDING][city];
    struct holm_vector report;
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    assert_in_range(stats.vector_entries, 2 * CITIES, 3 * CITIES);
    assert_in_range(replica->actors.known, CITIES, 3 * CITIES + CITIES * (ELEMENTS + 1));
    assert_in_range(replica->actors.rows_capacity, 1, 2 * replica->actors.known + 32);
    assert_int_equal(holm_replica_collected(replica).count, CITIES);
    holm_vector_init(&report, &f->allocator);
    assert_int_equal(holm_replica_report(replica, &report), HOLM_OK);
    assert_in_range(report.count, CITIES, 2 * CITIES);
    holm_vector_release(&report);
    assert_in_range(stats.cells, CITIES, CITIES * (2 + ELEMENTS) + 1);
    assert_true(stats.state_bytes < 32768);
    assert_in_range(pull_bytes(f, FOLDING, city), 1, CITIES * 64);
    assert_int_equal(stats.digest_breaches, 0);
}

/* Vector and state, with the room that they have left; not the log of runs, which has a bound. */
static uint64_t bytes_of(const struct holm_replica *replica)
{
    struct holm_replica_stats stats;
    holm_replica_stats(replica, &stats);
    return stats.state_bytes + replica->actors.rows_capacity * sizeof *replica->actors.rows +
           replica->actors.sorted_capacity * sizeof *replica->actors.sorted;
}

/* With `forever` an epoch is one entry of the vector, and of each counter that it added to. */
static void assert_an_entry_an_epoch(struct worlds *f, size_t city)
{
    struct holm_replica_stats stats;
    holm_replica_stats(f->replicas[PLAIN][city], &stats);
    const uint64_t epochs = CITIES * BOMBINGS;
    assert_in_range(stats.vector_entries, epochs, epochs + 2 * CITIES);
    assert_in_range(stats.cells, epochs, epochs + CITIES * (2 + ELEMENTS));
    assert_true(bytes_of(f->replicas[PLAIN][city]) < epochs * 160);
    assert_in_range(pull_bytes(f, PLAIN, city), 1, epochs * 4);
    assert_int_equal(stats.digest_breaches, 0);
}

/* Nothing changes, so nothing is asked for or told, whoever hears whom how often. */
static void assert_silence(struct worlds *f)
{
    for (int world = 0; world < WORLDS; world++) {
        for (size_t i = 0; i < 10 * f->nodes; i++) {
            size_t to = i % f->nodes, from = (i / f->nodes + to + 1) % f->nodes;
            struct holm_event tick = {.type = HOLM_EVENT_TICK};
            if (from == to)
                continue;
            assert_int_equal(worlds_beacon(f, world, from, to), 0);
            assert_int_equal(f->work->output_count, 0);
            f->now.monotonic_us += 20000000;
            assert_int_equal(worlds_step(f, world, to, &tick), HOLM_OK);
            assert_int_equal(f->work->output_count, 0);
        }
    }
}

/* T20: ten cities, a thousand bombings each. */
static void test_replica_fold_when_ten_cities_are_bombed_a_thousand_times_then_all_stays_small(
    void **state)
{
    static struct worlds f;
    int64_t expected = 0;
    worlds_open(&f, CITIES);
    for (int round = 0; round < BOMBINGS / ROUND; round++) {
        live_a_round(&f, round);
        fold_and_compare(&f);
        for (size_t i = 0; i < f.nodes; i++)
            assert_small(&f, i);
    }
    for (int life = 0; life < BOMBINGS; life++)
        expected += life % 3 == 0 ? -1 : 2;
    worlds_assert_equal(&f, PLAIN);
    for (size_t i = 0; i < f.nodes; i++) {
        assert_true(worlds_sum_of(f.replicas[FOLDING][i], "k") == expected * CITIES);
        worlds_assert_agree(&f, i);
        assert_an_entry_an_epoch(&f, i);
    }
    assert_true(f.heaps[FOLDING].bytes < (uint64_t)CITIES * 65536); /* with their logs */
    print_message("%llu bytes a city with stable; an epoch is %llu with forever\n",
                  (unsigned long long)(f.heaps[FOLDING].bytes / CITIES),
                  (unsigned long long)(bytes_of(f.replicas[PLAIN][0]) / CITIES / BOMBINGS));
    assert_silence(&f);
    worlds_close(&f);
}

/* ---- anything, in any order ---------------------------------------------------------------- */

static struct holm_op draw_op(struct chance *chance)
{
    struct holm_bytes key = holm_str(worlds_keys[chance_below(chance, WORLDS_KEYS)]);
    uint64_t kind = chance_below(chance, 16);
    char text = (char)('a' + chance_below(chance, 3));
    static char elements[3];
    elements[text - 'a'] = text;
    struct holm_bytes element = holm_mem(&elements[text - 'a'], 1);
    if (kind == 0)
        return holm_op_remove(key, holm_mem(NULL, 0));
    if (kind < 3)
        return holm_op_reset(key, holm_str("n"));
    if (kind < 5)
        return holm_op_insert(key, holm_str("who"), element);
    if (kind == 5)
        return holm_op_erase(key, holm_str("who"), element);
    if (kind < 8)
        return holm_op_put(key, holm_str("f"), holm_i64((int64_t)chance_below(chance, 99)));
    return holm_op_add(key, holm_str("n"), (int64_t)chance_below(chance, 9) - 3);
}

static void draw_step(struct worlds *f, struct chance *chance, size_t *folded)
{
    size_t node = chance_below(chance, f->nodes);
    size_t other = chance_below(chance, f->nodes);
    uint64_t kind = chance_below(chance, 28);
    if (kind < 6)
        worlds_write(f, node, draw_op(chance));
    else if (kind < 14 && f->run_count > 0)
        worlds_give(f, chance_below(chance, f->run_count), node);
    else if (kind == 14)
        worlds_next_epoch(f, node);
    else if (kind == 15)
        worlds_restart(f, node);
    else if (kind < 18)
        worlds_merge(f, other, node);
    else if (kind < 20)
        worlds_pull(f, other, node);
    else if (kind < 22)
        worlds_catch_up(f, other, node);
    else if (kind < 25)
        worlds_report(f, node);
    else
        *folded += worlds_fold(f, node);
    worlds_assert_agree(f, node);
    if (node != other)
        assert_int_equal(worlds_beacon(f, FOLDING, other, node), 0);
}

/* What was held of a former epoch may have been dropped: pulls and cuts bring it. */
static void meet(struct worlds *f)
{
    for (size_t i = 1; i < f->nodes; i++)
        worlds_pull(f, i, 0);
    for (size_t i = 1; i < f->nodes; i++)
        worlds_catch_up(f, 0, i);
    for (size_t i = 0; i < f->nodes; i++)
        worlds_assert_agree(f, i);
}

static void test_replica_fold_when_anything_happens_then_both_worlds_agree(void **state)
{
    static struct worlds f;
    size_t folded = 0, too_old = 0, caught_up = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        struct chance chance = {.state = seed};
        worlds_open(&f, 2 + seed % 3);
        for (int i = 0; i < 250; i++)
            draw_step(&f, &chance, &folded);
        meet(&f);
        folded += worlds_fold_all(&f);
        worlds_assert_equal(&f, FOLDING);
        worlds_assert_equal(&f, PLAIN);
        too_old += f.too_old[FOLDING];
        caught_up += f.caught_up;
        worlds_close(&f);
    }
    assert_true(folded > 1000 && too_old > 100 && caught_up > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_replica_fold_when_ten_cities_are_bombed_a_thousand_times_then_all_stays_small),
        cmocka_unit_test(test_replica_fold_when_anything_happens_then_both_worlds_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
