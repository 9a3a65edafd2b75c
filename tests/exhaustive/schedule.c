/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/exhaustive/schedule.h"

#include "tests/exhaustive/trace.h"

#include <inttypes.h>
#include <stdio.h>

#define RUNS_MAX 8

/* One case. */
struct course {
    const struct schedule_family *family;
    const struct schedule_size *size;
    struct explore explore;
    struct fixture fixture;
    struct trace trace;
};

/* The runs that exist and `node` does not have, of one writer or (from == replicas) of all. */
static size_t find_lacking(struct course *course, size_t node, size_t from, size_t *runs)
{
    struct fixture *fixture = &course->fixture;
    size_t count = 0;
    for (size_t i = 0; i < fixture->run_count; i++) {
        const struct holm_delta *run = fixture->runs[i];
        bool wanted = from == course->size->replicas ||
                      holm_actor_equal(run->actor, fixture->nodes[from].self);
        if (wanted && holm_replica_seq(fixture->nodes[node].replica, run->actor) < run->last) {
            assert(count < RUNS_MAX);
            runs[count++] = i;
        }
    }
    return count;
}

static void give_in_order(struct course *course, size_t node, const size_t *runs, size_t count,
                          bool backwards)
{
    trace_note(&course->trace, " %c takes %zu runs %s;", trace_name(node), count,
               backwards ? "backwards" : "in order");
    for (size_t i = 0; i < count; i++) {
        fixture_give(&course->fixture, node, runs[backwards ? count - 1 - i : i]);
        fixture_check(&course->fixture, node);
    }
}

/* What the next writer hears from one of the others before it writes. */
static void hear(struct course *course, size_t node, size_t from)
{
    size_t runs[RUNS_MAX];
    size_t count = find_lacking(course, node, from, runs);
    const struct holm_replica *other = course->fixture.nodes[from].replica;
    if (count == 0 && !holm_replica_pending(other))
        return;
    enum {
        NOTHING,
        STATE,
        FORWARDS,
        NEWEST,
        BACKWARDS
    };
    size_t ways = count == 0 ? FORWARDS : count == 1 ? NEWEST : BACKWARDS + 1;
    switch (explore_choose(&course->explore, ways)) {
    case NOTHING:
        return;
    case STATE:
        trace_note(&course->trace, " %c merges %c's state;", trace_name(node), trace_name(from));
        fixture_merge(&course->fixture, from, node);
        break;
    case FORWARDS:
        give_in_order(course, node, runs, count, false);
        break;
    case NEWEST:
        trace_note(&course->trace, " %c takes %c's newest run alone;", trace_name(node),
                   trace_name(from));
        fixture_give(&course->fixture, node, runs[count - 1]);
        break;
    default:
        give_in_order(course, node, runs, count, true);
        break;
    }
    fixture_check(&course->fixture, node);
}

/* Whether the operation does anything: one that does not stands for a shorter case. */
static bool write(struct course *course, size_t node, const struct holm_op *op)
{
    struct holm_replica *replica = course->fixture.nodes[node].replica;
    uint64_t before = holm_replica_last_minted(replica);
    trace_note(&course->trace, " %c:", trace_name(node));
    trace_op(&course->trace, op);
    trace_note(&course->trace, ";");
    (void)fixture_commit(&course->fixture, node, op, 1);
    return holm_replica_last_minted(replica) > before;
}

static void arrive_in_any_order(struct course *course, size_t node, size_t *runs, size_t count)
{
    while (count > 0) {
        size_t at = explore_choose(&course->explore, count);
        trace_note(&course->trace, " %c takes run %zu;", trace_name(node), runs[at]);
        fixture_give(&course->fixture, node, runs[at]);
        fixture_check(&course->fixture, node);
        for (size_t i = at + 1; i < count; i++)
            runs[i - 1] = runs[i];
        count--;
    }
}

/* How a replica gets all that it lacks at the end. */
static void arrive(struct course *course, size_t node)
{
    size_t runs[RUNS_MAX], replicas = course->size->replicas;
    size_t count = find_lacking(course, node, replicas, runs);
    if (count == 0)
        return;
    enum {
        STATES,
        FORWARDS,
        BACKWARDS
    };
    size_t ways = course->size->arrivals_all || count == 1 ? BACKWARDS : BACKWARDS + 1;
    size_t way = explore_choose(&course->explore, ways);
    if (way == STATES) {
        trace_note(&course->trace, " %c merges all states;", trace_name(node));
        for (size_t i = 1; i < replicas; i++)
            fixture_merge(&course->fixture, (node + i) % replicas, node);
        fixture_check(&course->fixture, node);
    } else if (course->size->arrivals_all) {
        arrive_in_any_order(course, node, runs, count);
    } else {
        give_in_order(course, node, runs, count, way == BACKWARDS);
    }
}

/* Plays the case that the choices say; false when another case stands for it. */
static bool play(struct course *course)
{
    size_t replicas = course->size->replicas, operations = course->size->operations;
    size_t op_count = course->family->op_count < course->size->alphabet_max
                          ? course->family->op_count
                          : course->size->alphabet_max;
    size_t writers = 0;
    for (size_t i = 0; i < operations; i++) {
        size_t known = writers < replicas ? writers + 1 : replicas;
        size_t node = explore_choose(&course->explore, known);
        writers += node == writers;
        for (size_t from = 0; from < writers; from++)
            if (from != node)
                hear(course, node, from);
        size_t op = explore_choose(&course->explore, op_count);
        if (!write(course, node, &course->family->alphabet[op]))
            return false;
        if (i + 1 < operations && explore_choose(&course->explore, 2) == 0) {
            trace_note(&course->trace, " %c seals;", trace_name(node));
            fixture_flush(&course->fixture, node);
        }
        fixture_check(&course->fixture, node);
    }
    for (size_t node = 0; node < replicas; node++)
        fixture_flush(&course->fixture, node);
    for (size_t node = 0; node < replicas; node++)
        arrive(course, node);
    fixture_check_equal(&course->fixture);
    return true;
}

uint64_t schedule_run(const struct schedule_family *family, const struct schedule_size *size)
{
    static struct course course;
    struct holm_replica_config limits = holm_replica_config_default();
    uint64_t cases = 0;
    printf("%-10s", family->name);
    for (size_t i = 0; i < family->op_count && i < size->alphabet_max; i++) {
        struct trace word;
        trace_clear(&word);
        trace_op(&word, &family->alphabet[i]);
        printf("%s;", word.text);
    }
    if (family->op_count > size->alphabet_max)
        printf(" (%zu more left out)", family->op_count - size->alphabet_max);
    fflush(stdout);
    limits.page_items_max = 1;
    memset(&course, 0, sizeof course);
    course.family = family;
    course.size = size;
    trace_on_abort(&course.trace);
    do {
        trace_clear(&course.trace);
        trace_note(&course.trace, " %s:", family->name);
        fixture_init(&course.fixture, size->replicas, &limits);
        cases += play(&course);
        fixture_release(&course.fixture);
    } while (explore_next(&course.explore));
    printf("  %" PRIu64 " cases\n", cases);
    return cases;
}
