/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T25: a sync races with 1,000 deltas; half way through, its source dies, and another takes over.
 *
 *     B, empty -- what A's cut has --> half of it, then A is gone -- what C's has beyond --> whole
 *     A and C write all the while, and B hears every run but one, long before it can apply any
 *
 * Each run adds one to a shared counter, sets a register of its writer's own, and removes a field
 * that was there before: so the end can be said without asking a replica.
 */
#include "tests/unit/trio.h"

#include <stdio.h>

enum {
    A,
    B,
    C
};

#define BASE 1000 /* fields that A and C have from the start */
#define DELTAS 1000
#define REGISTERS 40 /* of each writer */
#define ROUND_US 100
#define ROUNDS_MAX 2000

/* A node under one epoch, as a writer. */
struct life {
    const char *name;
    uint32_t node;
    uint32_t written;
    uint32_t removing; /* every third of the base fields, from this one on */
    bool blind;        /* has no base fields that it could remove */
};

struct race {
    struct trio trio;
    struct holm_replica_config config;
    struct life first, other, second; /* A, C, and A when it has come back */
    bool run_lost;                    /* one of A's runs on its way to B */
    uint64_t deltas;
};

static struct trio_letter take_letter(struct trio *trio, size_t at)
{
    struct trio_letter letter = trio->letters[at];
    trio->letter_count -= 1;
    memmove(trio->letters + at, trio->letters + at + 1,
            (trio->letter_count - at) * sizeof *trio->letters);
    return letter;
}

static void lose_letter(struct trio *trio, size_t at)
{
    parcel_free(&trio->office, take_letter(trio, at).parcel);
}

static bool is_run(struct trio *trio, size_t at, uint32_t from, uint32_t to)
{
    struct trio_letter letter = trio->letters[at];
    return letter.from == from && letter.to == to &&
           parcel_open(&trio->office, letter.parcel)->type == HOLM_MESSAGE_DELTA;
}

/* Everything that is on its way now arrives; then everybody does what is due. */
static void round_of(struct race *race)
{
    struct trio *trio = &race->trio;
    for (size_t count = trio->letter_count; count > 0; count--) {
        struct trio_letter letter = take_letter(trio, 0);
        const struct holm_message *message = parcel_open(&trio->office, letter.parcel);
        assert_int_equal(trio_give(trio, letter.to, letter.from, message), HOLM_OK);
        parcel_free(&trio->office, letter.parcel);
    }
    trio->now_us += ROUND_US;
    for (uint32_t i = 0; i < TRIO; i++) {
        if (holm_replica_wake(trio->replicas[i]) <= trio->now_us)
            assert_int_equal(trio_event(trio, i, HOLM_EVENT_TICK), HOLM_OK);
    }
}

static void write_delta(struct race *race, struct life *life)
{
    char own[16], base[16];
    (void)snprintf(own, sizeof own, "%s%u", life->name, life->written % REGISTERS);
    (void)snprintf(base, sizeof base, "k%u", life->removing);
    const struct holm_op ops[] = {
        holm_op_add(holm_str("n"), holm_str("f"), 1),
        holm_op_put(holm_str(own), holm_str("f"), holm_i64(life->written)),
        holm_op_remove(holm_str(base), holm_str("f")),
    };
    uint64_t sealed = trio_stats(&race->trio, life->node).deltas_sealed;
    assert_int_equal(trio_commit(&race->trio, life->node, ops, life->blind ? 2 : 3), HOLM_OK);
    assert_int_equal(trio_event(&race->trio, life->node, HOLM_EVENT_FLUSH), HOLM_OK);
    assert_int_equal(trio_stats(&race->trio, life->node).deltas_sealed, sealed + 1);
    life->written += 1;
    life->removing += life->blind ? 0 : 3;
    race->deltas += 1;
}

/* A and C have the base, B nothing; a beacon of A makes B ask it first. */
static void begin(struct race *race)
{
    struct trio *trio = &race->trio;
    memset(race, 0, sizeof *race);
    race->first = (struct life){.name = "a", .node = A, .removing = 0};
    race->other = (struct life){.name = "c", .node = C, .removing = 1};
    race->second = (struct life){.name = "x", .node = A, .removing = 2, .blind = true};
    race->config = trio_config();
    race->config.log_bytes_max = 1000;
    race->config.frame_bytes_max = 4096; /* some fields a tell */
    trio_open(trio, &race->config);
    trio->deaf = true;
    for (int i = 0; i < BASE; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%d", i);
        trio_write(trio, A, holm_op_put(holm_str(key), holm_str("f"), holm_i64(i)));
    }
    struct holm_now now = {trio->now_us, 1};
    static const struct holm_page *pages[BASE];
    struct holm_cut *cut;
    assert_int_equal(holm_cut_open(trio->replicas[A], now, &trio->work, &cut), HOLM_OK);
    for (size_t i = 0; i < holm_cut_page_count(cut); i++)
        pages[i] = holm_cut_page(cut, i);
    assert_int_equal(holm_replica_load(trio->replicas[C], holm_cut_vector(cut), pages,
                                       holm_cut_page_count(cut), now, &trio->work),
                     HOLM_OK);
    holm_cut_close(cut);
    assert_int_equal(trio->letter_count, 0);
    trio->deaf = false;
    struct holm_beacon_entry entry = holm_replica_beacon(trio->replicas[A]);
    struct holm_message beacon = {.type = HOLM_MESSAGE_BEACON, .as.beacon = {&entry, 1}};
    assert_int_equal(trio_give(trio, B, A, &beacon), HOLM_OK);
}

static uint64_t staged(const struct race *race)
{
    const struct holm_replica_sync *sync = &race->trio.replicas[B]->sync;
    return sync->catchup == NULL ? 0 : holm_catchup_figures(sync->catchup).staged;
}

/* Writes and rounds, until half of what A's cut has is here. */
static void sync_half(struct race *race)
{
    struct trio *trio = &race->trio;
    const struct holm_replica_sync *sync = &trio->replicas[B]->sync;
    for (int i = 0; staged(race) * 2 < BASE; i++) {
        assert_true(i < ROUNDS_MAX);
        for (int j = 0; sync->cut_known && j < 10; j++) {
            write_delta(race, &race->first);
            write_delta(race, &race->other);
        }
        for (size_t at = 0; race->deltas > 100 && !race->run_lost && at < trio->letter_count;
             at++) {
            race->run_lost = is_run(trio, at, A, B);
            if (race->run_lost)
                lose_letter(trio, at);
        }
        round_of(race);
    }
    assert_int_equal(sync->peer, A);
    assert_in_range(staged(race), BASE / 2, BASE / 2 + 150);
    assert_in_range(race->deltas, 100, 600);
    assert_true(race->run_lost);
}

static void tell(struct race *race, uint32_t node, enum holm_event_type type, uint32_t peer,
                 uint64_t epoch)
{
    struct holm_event event = {.type = type};
    event.as.peer.peer = peer;
    event.as.peer.actor = actor_of(peer + 1, epoch);
    if (type == HOLM_EVENT_SUPERSEDED)
        event.as.superseded = actor_of(peer + 1, epoch);
    assert_int_equal(trio_step(&race->trio, node, &event), HOLM_OK);
}

/* A dies. Of what it has under way, B gets the runs, which C never does; the rest is lost. */
static void die(struct race *race)
{
    struct trio *trio = &race->trio;
    write_delta(race, &race->first);
    write_delta(race, &race->first);
    for (size_t at = trio->letter_count; at > 0; at--) {
        struct trio_letter letter = trio->letters[at - 1];
        if (letter.to == A || (letter.from == A && !is_run(trio, at - 1, A, B)))
            lose_letter(trio, at - 1);
    }
    for (size_t at = 0; at < trio->letter_count; at++)
        assert_false(trio->letters[at].from == A && trio->letters[at].to != B);
    tell(race, A, HOLM_EVENT_PEER_DOWN, B, 1);
    tell(race, A, HOLM_EVENT_PEER_DOWN, C, 1);
    tell(race, B, HOLM_EVENT_PEER_DOWN, A, 1);
    tell(race, C, HOLM_EVENT_PEER_DOWN, A, 1);
    assert_int_equal(trio_stats(trio, B).syncs, 0);
    assert_int_equal(trio_stats(trio, B).syncs_failed, 1);
    assert_int_equal(trio_stats(trio, B).cells, 0); /* half a cut is none */
    assert_int_equal(trio_stats(trio, B).deltas_applied, 0);
    assert_true(trio_stats(trio, B).held > 100);
    assert_int_equal(trio->replicas[B]->sync.peer, C); /* which is asked at once */
    assert_true(staged(race) * 2 >= BASE);             /* what A told is kept */
}

/* With nothing but its name. */
static void come_back(struct race *race)
{
    struct trio *trio = &race->trio;
    struct holm_replica_config config = race->config;
    config.allocator = trio->allocator;
    config.self = actor_of(A + 1, 2);
    config.random_seed = 9;
    holm_replica_free(trio->replicas[A]);
    assert_int_equal(holm_replica_new(&config, &trio->replicas[A]), HOLM_OK);
    for (uint32_t i = B; i < TRIO; i++) {
        tell(race, i, HOLM_EVENT_SUPERSEDED, A, 2);
        tell(race, i, HOLM_EVENT_PEER_UP, A, 2);
        tell(race, A, HOLM_EVENT_PEER_UP, i, 1);
    }
}

/* The rest of the deltas, all before the sync from C is over. Returns how many runs of C B cannot
 * have had from its cut. */
static uint64_t sync_rest(struct race *race, bool back)
{
    const struct holm_replica_sync *sync = &race->trio.replicas[B]->sync;
    uint64_t at_cut = 0;
    for (int i = 0; race->deltas < DELTAS; i++) {
        assert_true(i < ROUNDS_MAX);
        bool known = sync->cut_known;
        round_of(race);
        if (!known && sync->cut_known) {
            assert_int_equal(sync->peer, C);
            at_cut = race->deltas;
        }
        for (int j = 0; sync->cut_known && j < 100 && race->deltas < DELTAS; j++)
            write_delta(race, back && j % 2 == 0 ? &race->second : &race->other);
    }
    assert_true(sync->active && sync->cut_known);
    assert_int_equal(sync->peer, C);
    assert_int_equal(trio_stats(&race->trio, B).syncs, 0);
    assert_false(holm_replica_exists(race->trio.replicas[B], holm_str("k999")));
    return DELTAS - at_cut;
}

static void check_life(const struct holm_replica *replica, const struct life *life)
{
    uint32_t registers = life->written < REGISTERS ? life->written : REGISTERS;
    for (uint32_t i = life->written - registers; i < life->written; i++) {
        struct holm_cell_view cell;
        char key[16];
        (void)snprintf(key, sizeof key, "%s%u", life->name, i % REGISTERS);
        assert_int_equal(
            holm_replica_get(replica, holm_str(key), holm_str("f"), HOLM_REGISTER, &cell), HOLM_OK);
        assert_int_equal(cell.value.as.i64, i);
    }
}

/* Every key, and the counter, as the writers left them. */
static void check_content(const struct race *race, uint32_t node)
{
    const struct holm_replica *replica = race->trio.replicas[node];
    int64_t sum;
    check_life(replica, &race->first);
    check_life(replica, &race->other);
    check_life(replica, &race->second);
    const uint32_t removed[] = {race->first.removing, race->other.removing, race->second.removing};
    uint64_t fields = 0;
    for (uint32_t i = 0; i < BASE; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%u", i);
        assert_int_equal(holm_replica_exists(replica, holm_str(key)), i >= removed[i % 3]);
        fields += i >= removed[i % 3];
    }
    assert_true(fields > 0);
    assert_int_equal(holm_replica_count(replica, holm_str("n"), holm_str("f"), &sum), HOLM_OK);
    assert_int_equal(sum, DELTAS);
}

static void check_equal(const struct race *race, uint32_t one, uint32_t two)
{
    const struct holm_replica *left = race->trio.replicas[one];
    const struct holm_replica *right = race->trio.replicas[two];
    assert_int_equal(holm_replica_vector_hash(left), holm_replica_vector_hash(right));
    assert_true(holm_digest_equal(holm_replica_digest(left), holm_replica_digest(right)));
    assert_true(
        holm_digest_equal(holm_replica_transfer_digest(left), holm_replica_transfer_digest(right)));
    assert_int_equal(trio_stats(&race->trio, one).held, 0);
    assert_int_equal(trio_stats(&race->trio, one).digest_breaches, 0);
}

static void test_sync_when_its_source_dies_at_half_then_another_takes_over(void **state)
{
    struct race race;
    begin(&race);
    sync_half(&race);
    die(&race);
    uint64_t after = sync_rest(&race, false);
    (void)trio_run(&race.trio, 1000000);
    check_content(&race, B);
    check_content(&race, C);
    check_equal(&race, B, C);
    check_equal(&race, C, B);
    /* One sync, and what it did not bring came from what was held, applied once. */
    assert_int_equal(trio_stats(&race.trio, B).syncs, 1);
    assert_int_equal(trio_stats(&race.trio, B).syncs_failed, 1);
    assert_int_equal(trio_stats(&race.trio, C).syncs_served, 1);
    assert_int_equal(trio_stats(&race.trio, B).sync_takeovers, 1);
    assert_in_range(trio_stats(&race.trio, B).sync_items, BASE / 2, BASE + race.deltas);
    assert_true(after > 200);
    assert_in_range(trio_stats(&race.trio, B).deltas_applied, after, after + 30);
    trio_close(&race.trio);
}

static void test_sync_when_its_source_comes_back_anew_then_all_three_are_equal(void **state)
{
    struct race race;
    begin(&race);
    sync_half(&race);
    die(&race);
    come_back(&race);
    (void)sync_rest(&race, true);
    (void)trio_run(&race.trio, 3000000);
    for (uint32_t i = 0; i < TRIO; i++) {
        check_content(&race, i);
        check_equal(&race, i, (i + 1) % TRIO);
    }
    assert_true(race.second.written > 100);
    assert_true(trio_stats(&race.trio, B).syncs >= 1);
    assert_int_equal(trio_stats(&race.trio, B).syncs_failed, 1);
    assert_true(trio_stats(&race.trio, A).syncs >= 1);
    trio_close(&race.trio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync_when_its_source_dies_at_half_then_another_takes_over),
        cmocka_unit_test(test_sync_when_its_source_comes_back_anew_then_all_three_are_equal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
