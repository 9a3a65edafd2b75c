/* SPDX-License-Identifier: Apache-2.0 */
/* The reference strategies of bench/, message by message, and their costs as counted by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/literature_bytes.h"
#include "bench/literature_strategy.h"

#define MESSAGES_MAX 32

/* Up to three replicas that all know each other, and what they have sent. */
struct table {
    struct literature_case script;
    struct literature_replica replicas[3];
    uint32_t count;
    struct literature_message *sent[MESSAGES_MAX];
    size_t sent_count;
};

static void take(void *context, struct literature_message *message)
{
    struct table *table = context;
    assert_true(table->sent_count < MESSAGES_MAX);
    table->sent[table->sent_count++] = message;
}

static const struct literature_strategy *named(const char *name)
{
    for (size_t i = 0; i < LITERATURE_STRATEGIES; i++) {
        if (strcmp(literature_strategies[i].name, name) == 0)
            return &literature_strategies[i];
    }
    fail();
    return NULL;
}

static struct table *open_table(const char *strategy, uint32_t count)
{
    static const uint8_t pairs[][2] = {{0, 1}, {0, 2}, {1, 2}};
    struct table *table = calloc(1, sizeof *table);
    assert_non_null(table);
    table->count = count;
    table->script = (struct literature_case){
        .graph = literature_graph_of("small", count, pairs, count == 2 ? 1 : 3), .updates = 10};
    for (uint32_t i = 0; i < count; i++) {
        struct literature_replica *replica = &table->replicas[i];
        literature_replica_init(replica, named(strategy), &table->script, i);
        replica->send = take;
        replica->context = table;
        for (uint32_t j = 0; j < count; j++) {
            if (j != i)
                replica->peers[replica->peer_count++] = j;
        }
    }
    return table;
}

static void forget_sent(struct table *table)
{
    for (size_t i = 0; i < table->sent_count; i++)
        literature_message_free(table->sent[i]);
    table->sent_count = 0;
}

static void close_table(struct table *table)
{
    forget_sent(table);
    for (uint32_t i = 0; i < table->count; i++)
        literature_replica_release(&table->replicas[i]);
    free(table);
}

/* The n-th update of a replica: of a GSet, an element of its own. */
static void update(struct table *table, uint32_t index, uint32_t n)
{
    uint32_t actor = table->replicas[index].actor;
    struct literature_value *delta = literature_script_delta(&table->script, index, actor, n,
                                                             n - 1);
    literature_replica_update(&table->replicas[index], delta);
    literature_value_release(delta);
}

/* A synchronisation whose messages are not delivered: what it sends to `to`; -1: nothing. */
static int offered(struct table *table, uint32_t from, uint32_t to)
{
    int elements = -1;
    forget_sent(table);
    literature_replica_sync(&table->replicas[from]);
    for (size_t i = 0; i < table->sent_count; i++) {
        if (table->sent[i]->to == table->replicas[to].actor)
            elements = (int)table->sent[i]->cost.elements;
    }
    forget_sent(table);
    return elements;
}

static struct literature_replica *replica_of(struct table *table, uint32_t actor)
{
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->replicas[i].actor == actor)
            return &table->replicas[i];
    }
    return NULL;
}

/* A synchronisation and all that comes of it, delivered; what it cost. */
static struct literature_cost exchange(struct table *table, uint32_t from)
{
    struct literature_cost cost = {0};
    forget_sent(table);
    literature_replica_sync(&table->replicas[from]);
    for (size_t i = 0; i < table->sent_count; i++) {
        struct literature_message *message = table->sent[i];
        literature_cost_add(&cost, &message->cost);
        struct literature_replica *replica = replica_of(table, message->to);
        if (replica != NULL)
            literature_replica_receive(replica, message);
    }
    forget_sent(table);
    return cost;
}

static void test_lattice_when_partly_known_then_only_the_rest_is_fresh(void **unused)
{
    (void)unused;
    struct literature_state state;
    literature_state_init(&state, 4);
    struct literature_value *value = literature_value_new(3);
    value->entries[0] = (struct literature_entry){0, 1};
    value->entries[1] = (struct literature_entry){1, 5};
    value->entries[2] = (struct literature_entry){3, 2};
    state.versions[0] = 1;
    state.versions[1] = 4;
    state.count = 2;
    struct literature_value *fresh = literature_state_fresh(&state, value);
    assert_int_equal(fresh->count, 2);
    assert_int_equal(fresh->entries[0].key, 1);
    assert_int_equal(fresh->entries[1].key, 3);
    literature_state_join(&state, value);
    assert_int_equal(state.count, 3);
    assert_null(literature_state_fresh(&state, value));
    literature_value_release(fresh);
    literature_value_release(value);
    literature_state_release(&state);
}

/* 4 + 1, a number, a length, a string of 22 with its own length. */
static void test_wire_when_a_delta_is_sent_then_it_costs_what_it_says(void **unused)
{
    (void)unused;
    struct table *table = open_table("bp+rr", 2);
    update(table, 0, 1);
    struct literature_cost cost = exchange(table, 0);
    assert_int_equal(cost.messages, 2);
    assert_int_equal(cost.elements, 1);
    assert_int_equal(cost.metadata, 2);
    assert_int_equal(cost.bytes, (5 + 1 + 1 + 23) + (5 + 1));
    assert_int_equal(cost.bytes_short, cost.bytes);
    close_table(table);
}

/* The bytes behind that cost; and through links that pack. */
static void test_bytes_when_a_delta_is_written_then_they_are_those_that_it_costs(void **unused)
{
    (void)unused;
    struct literature_case script = {.updates = 100, .type = LITERATURE_GSET};
    struct literature_value *value = literature_value_new(1);
    struct literature_links *links = calloc(1, sizeof *links);
    struct literature_message message = {.type = LITERATURE_DELTA, .to = 1, .seq = 300};
    unsigned char bytes[64];
    assert_non_null(links);
    value->entries[0] = (struct literature_entry){.key = 41, .version = 1};
    message.value = value;
    message.cost = literature_cost_message();
    literature_cost_number(&message.cost, message.seq);
    literature_cost_value(&message.cost, script.type, script.updates, value);
    assert_int_equal(message.cost.bytes, 5 + 2 + 1 + 24);
    assert_int_equal(literature_bytes_write(&script, &message, bytes), 28);
    assert_memory_equal(bytes, "\2\xac\2\1\x17", 5);
    assert_memory_equal(bytes + 25, "#42", 3);
    uint64_t first = literature_links_send(links, &script, &message);
    assert_true(first > 4 + 20 && first <= 4 + 2 + 28);
    assert_true(literature_links_send(links, &script, &message) < 4 + 2 + 8);
    message.to = 2; /* another link knows nothing of it */
    assert_int_equal(literature_links_send(links, &script, &message), first);
    literature_links_release(links);
    literature_value_release(value);
    free(links);
}

static void test_wire_when_ids_are_short_then_counters_are(void **unused)
{
    (void)unused;
    struct table *table = open_table("bp+rr", 2);
    table->script.type = LITERATURE_GCOUNTER;
    update(table, 0, 1);
    struct literature_cost cost = exchange(table, 0);
    assert_int_equal(cost.bytes, (5 + 1 + 1 + 21) + (5 + 1));
    assert_int_equal(cost.bytes_short, cost.bytes - 12);
    close_table(table);
}

static void test_state_when_known_then_it_is_sent_again(void **unused)
{
    (void)unused;
    struct table *table = open_table("state", 2);
    update(table, 0, 1);
    exchange(table, 0);
    assert_int_equal(offered(table, 0, 1), 1);
    assert_int_equal(offered(table, 1, 0), 1);
    close_table(table);
}

/* Who sends back to where it came from: all but BP. */
static void test_delta_when_it_came_from_there_then_only_bp_keeps_it(void **unused)
{
    static const struct {
        const char *name;
        int back;
    } rows[] = {{"classic", 1}, {"bp", -1}, {"rr", 1}, {"bp+rr", -1}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table *table = open_table(rows[i].name, 2);
        update(table, 0, 1);
        exchange(table, 0);
        assert_int_equal(offered(table, 1, 0), rows[i].back);
        assert_int_equal(offered(table, 0, 1), -1);
        close_table(table);
    }
}

/* A writes a, tells B and C; B writes b, tells A {a, b} or {b}, and C {a, b}; then C tells them. */
static void test_delta_when_it_comes_over_two_ways_then_rr_keeps_what_is_new(void **unused)
{
    static const struct {
        const char *name;
        uint64_t from_b; /* elements, to A and to C */
        int to_a, to_b;  /* elements, from C */
    } rows[] = {{"classic", 4, 2, 2}, {"bp", 3, 2, 1}, {"rr", 4, 2, 2}, {"bp+rr", 3, 1, 1}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table *table = open_table(rows[i].name, 3);
        update(table, 0, 1);
        exchange(table, 0);
        update(table, 1, 1);
        assert_int_equal(exchange(table, 1).elements, rows[i].from_b);
        assert_int_equal(offered(table, 2, 0), rows[i].to_a);
        assert_int_equal(offered(table, 2, 1), rows[i].to_b);
        close_table(table);
    }
}

/* What RR keeps out of the buffer even without BP: A has b, hears {a, b} of C, and tells C only what it
 * did not know. */
static void test_delta_when_only_a_part_is_new_then_rr_buffers_the_part(void **unused)
{
    static const struct {
        const char *name;
        int back;
    } rows[] = {{"classic", 2}, {"rr", 1}};
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct table *table = open_table(rows[i].name, 2);
        update(table, 0, 1);
        exchange(table, 0);
        exchange(table, 1); /* back to A, who knew it, and acknowledges */
        update(table, 1, 1);
        assert_int_equal(exchange(table, 1).elements, 1);
        assert_int_equal(exchange(table, 0).elements, 1);
        struct literature_value *both = literature_state_value(&table->replicas[0].state);
        assert_int_equal(both->count, 2);
        update(table, 0, 2);
        struct literature_value *all = literature_state_value(&table->replicas[0].state);
        struct literature_message message = {
            .type = LITERATURE_DELTA, .from = 0, .to = 1, .seq = 9, .value = all};
        all->entries[0] = (struct literature_entry){0, 1};
        literature_replica_receive(&table->replicas[1], &message);
        assert_int_equal(offered(table, 1, 0), rows[i].back == 2 ? 3 : 1);
        literature_value_release(all);
        literature_value_release(both);
        close_table(table);
    }
}

static void test_delta_when_not_acknowledged_then_it_is_sent_again(void **unused)
{
    (void)unused;
    struct table *table = open_table("bp+rr", 2);
    update(table, 0, 1);
    assert_int_equal(offered(table, 0, 1), 1);
    update(table, 0, 2);
    assert_int_equal(offered(table, 0, 1), 2);
    assert_int_equal(exchange(table, 0).elements, 2);
    assert_int_equal(offered(table, 0, 1), -1);
    close_table(table);
}

static void test_delta_when_a_life_begins_anew_then_it_gets_all(void **unused)
{
    (void)unused;
    struct table *table = open_table("bp+rr", 2);
    update(table, 0, 1);
    update(table, 1, 1);
    exchange(table, 0);
    exchange(table, 1);
    literature_replica_release(&table->replicas[1]);
    literature_replica_init(&table->replicas[1], named("bp+rr"), &table->script, 2);
    table->replicas[1].send = take;
    table->replicas[1].context = table;
    table->replicas[1].peers[table->replicas[1].peer_count++] = 0;
    assert_int_equal(offered(table, 0, 1), -1);
    literature_replica_replaced(&table->replicas[0], 1, 2);
    assert_int_equal(exchange(table, 0).elements, 2);
    assert_true(literature_state_equal(&table->replicas[0].state, &table->replicas[1].state));
    close_table(table);
}

/* A matrix of A: a row of one entry (2), then the answer with nothing. B's: rows of both and no entry of
 * its own, and the answer: a dot and its element. */
static void test_scuttlebutt_when_asked_then_it_answers_with_what_is_missing(void **unused)
{
    (void)unused;
    struct table *table = open_table("scuttlebutt", 2);
    update(table, 0, 1);
    struct literature_cost cost = exchange(table, 0);
    assert_int_equal(cost.messages, 2);
    assert_int_equal(cost.elements, 0);
    assert_int_equal(cost.metadata, 2);
    cost = exchange(table, 1);
    assert_int_equal(cost.elements, 1);
    assert_int_equal(cost.metadata, 2 + 1 + 1); /* A's row and its entry, B's empty row; a dot */
    assert_true(literature_state_equal(&table->replicas[0].state, &table->replicas[1].state));
    cost = exchange(table, 1); /* now two rows of an entry each */
    assert_int_equal(cost.elements, 0);
    assert_int_equal(cost.metadata, 4);
    close_table(table);
}

static void test_scuttlebutt_when_all_have_it_then_a_new_life_gets_state(void **unused)
{
    (void)unused;
    struct table *table = open_table("scuttlebutt", 2);
    update(table, 0, 1);
    exchange(table, 1);
    exchange(table, 1); /* A learns that B has it, and drops it */
    update(table, 0, 2);
    literature_replica_release(&table->replicas[1]);
    literature_replica_init(&table->replicas[1], named("scuttlebutt"), &table->script, 2);
    table->replicas[1].send = take;
    table->replicas[1].context = table;
    table->replicas[1].peers[table->replicas[1].peer_count++] = 0;
    literature_replica_replaced(&table->replicas[0], 1, 2);
    literature_replica_replaced(&table->replicas[1], 1, 2);
    struct literature_cost cost = exchange(table, 1);
    assert_int_equal(cost.elements, 2);         /* one in the state, one as a delta */
    assert_int_equal(cost.metadata, 1 + 1 + 1); /* its own row; what the state covers; a dot */
    assert_true(literature_state_equal(&table->replicas[0].state, &table->replicas[1].state));
    close_table(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lattice_when_partly_known_then_only_the_rest_is_fresh),
        cmocka_unit_test(test_wire_when_a_delta_is_sent_then_it_costs_what_it_says),
        cmocka_unit_test(test_bytes_when_a_delta_is_written_then_they_are_those_that_it_costs),
        cmocka_unit_test(test_wire_when_ids_are_short_then_counters_are),
        cmocka_unit_test(test_state_when_known_then_it_is_sent_again),
        cmocka_unit_test(test_delta_when_it_came_from_there_then_only_bp_keeps_it),
        cmocka_unit_test(test_delta_when_it_comes_over_two_ways_then_rr_keeps_what_is_new),
        cmocka_unit_test(test_delta_when_only_a_part_is_new_then_rr_buffers_the_part),
        cmocka_unit_test(test_delta_when_not_acknowledged_then_it_is_sent_again),
        cmocka_unit_test(test_delta_when_a_life_begins_anew_then_it_gets_all),
        cmocka_unit_test(test_scuttlebutt_when_asked_then_it_answers_with_what_is_missing),
        cmocka_unit_test(test_scuttlebutt_when_all_have_it_then_a_new_life_gets_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
