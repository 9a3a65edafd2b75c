/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect_script.h - how schedules of the world are told, and run with a rule left out.
 *
 *     known_key(w, K);            all have key k, and have stored it
 *     put(w, C, K);               C writes it
 *     runs(w, C, B);              what C has reaches B
 *     report(w, B, A);            what B has is told to A
 *     MUST(world_collect(w, A));  the schedule goes on only if A may collect
 *
 * A schedule that shows no harm without its rule proves nothing: check() runs each both ways.
 */
#ifndef HOLM_TESTS_MODEL_COLLECT_SCRIPT_H
#define HOLM_TESTS_MODEL_COLLECT_SCRIPT_H

#include "tests/model/collect_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef const char *schedule(struct world *world);

static inline void must_hold(bool truth, const char *what, int line)
{
    if (truth)
        return;
    (void)fprintf(stderr, "line %d: the schedule does not go as told: %s\n", line, what);
    abort();
}
#define MUST(truth) must_hold(truth, #truth, __LINE__)

static inline void runs(struct world *w, int from, int to)
{
    (void)world_tell(w, WORLD_RUNS, from, to);
}

static inline void list(struct world *w, int from, int to)
{
    (void)world_tell(w, WORLD_LIST, from, to);
}

static inline void report(struct world *w, int from, int to)
{
    (void)world_tell(w, WORLD_REPORT, from, to);
}

/* What `from` has heard of `of` is told to `to`. */
static inline void passed(struct world *w, int from, int of, int to)
{
    (void)world_deliver(w, world_send_passed(w, from, of, to));
}

/* All that the node has of data reaches all others. */
static inline void runs_to_all(struct world *w, int from)
{
    for (int to = 0; to < w->node_count; to++)
        runs(w, from, to);
}

static inline void lists_to_all(struct world *w, int from)
{
    for (int to = 0; to < w->node_count; to++)
        list(w, from, to);
}

static inline void reports_from_all(struct world *w, int to)
{
    for (int from = 0; from < w->node_count; from++)
        report(w, from, to);
}

static inline void put(struct world *w, int node, int key)
{
    MUST(world_write(w, node, WORLD_PUT, key, 0));
}

static inline void bury(struct world *w, int node, int key)
{
    MUST(world_write(w, node, WORLD_BURY, key, 0));
}

static inline void add(struct world *w, int node, int key, int64_t amount)
{
    MUST(world_write(w, node, WORLD_COUNT, key, amount));
}

/* A key that all have, stored by all. */
static inline void known_key(struct world *w, int key)
{
    put(w, A, key);
    runs_to_all(w, A);
    for (int i = 0; i < w->node_count; i++)
        world_store(w, i);
}

static inline void restart(struct world *w, int node)
{
    world_crash(w, node);
    world_start(w, node, true, 0);
}

static inline void bomb(struct world *w, int node)
{
    world_crash(w, node);
    world_start(w, node, false, 0);
}

/* By what all others say of themselves now. */
static inline bool found(struct world *w, int node)
{
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < w->node_count; i++)
            world_meet(w, i);
    }
    return world_confirm_itself(w, node, false);
}

static inline void come_in(struct world *w, int node, int member)
{
    MUST(world_admit(w, member, node));
    MUST(world_join(w, node, member));
}

/* A node that is lost to `member`, where nobody else is left to be asked, comes back there. */
static inline void come_back(struct world *w, int node, int member)
{
    world_give_up(w, member, node);
    if (!world_admit(w, member, node)) { /* not before all know of the forget */
        for (int i = 0; i < w->node_count; i++) {
            if (i == node || i == member)
                continue;
            list(w, member, i);
            runs(w, i, member);
            report(w, i, member);
        }
        MUST(world_admit(w, member, node));
    }
    MUST(world_join(w, node, member));
}

static inline const char *sum_is(struct world *w, int64_t expected)
{
    for (int i = 0; i < w->node_count; i++) {
        if (!w->nodes[i].alive || world_sum(w, i, K) == expected)
            continue;
        (void)snprintf(w->harm, sizeof w->harm, "%c counts %d", 'A' + i, (int)world_sum(w, i, K));
        return w->harm;
    }
    return NULL;
}

static inline const char *run(schedule *tell, int nodes, uint64_t left_out)
{
    static struct world world;
    static char harm[sizeof world.harm];
    world_init(&world, nodes, left_out);
    const char *told = tell(&world);
    if (told != NULL)
        (void)snprintf(harm, sizeof harm, "%s", told);
    world_release(&world);
    return told == NULL ? NULL : harm;
}

static inline void check(schedule *tell, int nodes, uint64_t rule)
{
    const char *harm = run(tell, nodes, WORLD_ALL_RULES);
    if (harm != NULL)
        fail_msg("with all rules: %s", harm);
    harm = run(tell, nodes, rule);
    if (harm == NULL)
        fail_msg("without its rule, the schedule does no harm");
    printf("    without the rule: %s\n", harm);
}

#endif
