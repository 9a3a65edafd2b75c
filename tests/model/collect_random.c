/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random schedules with all rules kept. Every few steps the judge is asked; in the end all heals,
 * and nothing may be wrong, different or left over. Once more with clones: a store is copied at any time, both nodes go
 * on under one id, and before all heals one of them is ended.
 *
 *     HOLM_SOAK=1 [HOLM_SOAK_SCHEDULES=n]     more of them
 *     HOLM_COLLECT_SEED=n                     this one alone, as a story
 */
#include "tests/model/collect_state.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define STEPS 120
#define TOLD(...) WORLD_TELLS(w, __VA_ARGS__)

static const char *const type_names[] = {"", "put", "drop", "bury", "count", "reset", "move"};
static const char *const message_names[] = {"", "report", "list", "runs", "cut", "hello", "passed"};

static char name(int node)
{
    return (char)('A' + node);
}

static int any_node(struct world *w, struct chance *chance)
{
    return (int)chance_below(chance, (uint64_t)w->node_count);
}

static void write_something(struct world *w, struct chance *chance)
{
    int node = any_node(w, chance);
    struct world_wish wishes[3];
    int count = chance_permille(chance, 150) ? 3 : 1;
    if (!w->nodes[node].alive)
        return;
    for (int i = 0; i < count; i++) {
        const uint64_t types[] = {WORLD_PUT,  WORLD_PUT,   WORLD_PUT,   WORLD_DROP, WORLD_BURY,
                                  WORLD_BURY, WORLD_COUNT, WORLD_COUNT, WORLD_RESET};
        wishes[i].type = (enum world_op_type)types[chance_below(chance, 9)];
        wishes[i].key = (int)chance_below(chance, 2);
        wishes[i].amount = (int64_t)chance_below(chance, 9) - 3;
    }
    bool done = world_write_batch(w, node, wishes, count);
    for (int i = 0; i < count; i++)
        TOLD("  %c %s %d%s", name(node), type_names[wishes[i].type], wishes[i].key,
             done ? "" : " (refused)");
    TOLD("   [run %d]\n", w->run_count - 1);
}

static void broadcast_something(struct world *w, struct chance *chance)
{
    if (w->run_count == 0)
        return;
    int last = w->run_count - 1;
    int run = chance_permille(chance, 700) && last > 5
                  ? last - (int)chance_below(chance, 5)
                  : (int)chance_below(chance, (uint64_t)w->run_count);
    int to = any_node(w, chance);
    TOLD("  run %d reaches %c\n", run, name(to));
    world_broadcast(w, run, to);
}

static void tell_something(struct world *w, struct chance *chance)
{
    const enum world_message_type types[] = {WORLD_RUNS, WORLD_RUNS,   WORLD_LIST,   WORLD_LIST,
                                             WORLD_RUNS, WORLD_REPORT, WORLD_REPORT, WORLD_REPORT,
                                             WORLD_CUT,  WORLD_HELLO,  WORLD_HELLO,  WORLD_PASSED};
    enum world_message_type type = types[chance_below(chance, 12)];
    int from = any_node(w, chance);
    int to = any_node(w, chance);
    int message = type == WORLD_PASSED ? world_send_passed(w, from, any_node(w, chance), to)
                                       : world_send(w, type, from, to);
    if (message < 0)
        return;
    bool late = chance_permille(chance, 300);
    TOLD("  %s of %c to %c%s %d\n", message_names[type], name(from), name(to),
         late ? " is sent:" : "", message);
    if (!late)
        (void)world_deliver(w, message);
}

static void read_something(struct world *w, struct chance *chance)
{
    int message = (int)chance_below(chance, WORLD_MESSAGES);
    if (w->messages[message].type == WORLD_NONE)
        return;
    TOLD("  message %d is read\n", message);
    (void)world_deliver_unread(w, message);
}

static void change_lives(struct world *w, struct chance *chance)
{
    int node = any_node(w, chance);
    struct world_node *n = &w->nodes[node];
    if (!n->alive) {
        if (n->kept.there && chance_permille(chance, 200)) {
            world_swap(w, node);
            TOLD("  %c gets another copy of its store\n", name(node));
        }
        bool from_store = n->store.there && chance_permille(chance, 750);
        uint64_t clock = chance_permille(chance, 150) ? 1 + chance_below(chance, 4) : 0;
        if (clock != 0 && clock <= n->actor.epoch.value)
            clock = 0; /* only a clock could do that; see T41 for one that does */
        world_start(w, node, from_store, clock);
        TOLD("  %c starts as e%" PRIu64 ", %s\n", name(node), n->actor.epoch.value,
             from_store ? "restored" : "empty");
    } else if (chance_permille(chance, 450)) {
        bool keeps = n->store.there && chance_permille(chance, 300);
        if (keeps)
            world_keep(w, node);
        world_store(w, node);
        TOLD("  %c is stored%s\n", name(node), keeps ? ", and the last store kept" : "");
    } else if (chance_permille(chance, 700)) {
        world_crash(w, node);
        TOLD("  %c crashes\n", name(node));
    }
}

/* Most of the cluster restarts at once; those who do may hear of each other before they do anything. */
static void restart_many(struct world *w, struct chance *chance)
{
    uint64_t spared = chance_permille(chance, 300) ? chance_below(chance, WORLD_NODES)
                                                   : WORLD_NODES;
    for (int i = 0; i < w->node_count; i++) {
        if ((uint64_t)i == spared)
            continue;
        if (chance_permille(chance, 300))
            world_store(w, i);
        world_crash(w, i);
        world_start(w, i, w->nodes[i].store.there, 0);
        TOLD("  %c restarts as e%" PRIu64 "\n", name(i), w->nodes[i].actor.epoch.value);
    }
    for (int i = 0; i < w->node_count; i++) {
        if (chance_permille(chance, 700))
            world_meet(w, i);
    }
    w->stormy = true;
}

static void come_in(struct world *w, struct chance *chance)
{
    int node = any_node(w, chance);
    int member = any_node(w, chance);
    int server = chance_permille(chance, 800) ? member : any_node(w, chance);
    if (!w->nodes[node].alive || w->nodes[node].confirmed)
        return;
    if (chance_permille(chance, w->stormy ? 350 : 100)) {
        if (chance_permille(chance, w->stormy ? 200 : 600))
            world_meet(w, node);
        bool done = world_confirm_itself(w, node, false);
        TOLD("  %c confirms itself: %s\n", name(node), done ? "yes" : "no");
        return;
    }
    if (chance_permille(chance, 850)) {
        bool done = world_admit(w, member, node);
        TOLD("  %c admits %c.e%" PRIu64 ": %s%s\n", name(member), name(node),
             w->nodes[node].actor.epoch.value, done ? "yes" : "no",
             w->nodes[node].returning ? ", by replacement" : "");
    }
    if (chance_permille(chance, 850)) {
        bool done = world_join(w, node, server);
        TOLD("  %c syncs from %c: %s\n", name(node), name(server),
             done ? "confirmed" : "not confirmed");
    }
}

static void forget_somebody(struct world *w, struct chance *chance)
{
    int member = any_node(w, chance);
    int node = any_node(w, chance);
    const struct world_node *m = &w->nodes[member];
    const struct holm_member_row *row = holm_members_find(&m->members, w->nodes[node].actor.node);
    if (member == node || !m->alive || !m->confirmed || row == NULL || row->forgotten ||
        !holm_members_current(&m->members, m->actor))
        return;
    TOLD("  %c forgets %c.e%" PRIu64 "\n", name(member), name(node), row->actor.epoch.value);
    world_forget(w, member, node);
}

/* The one node that another has the id of, or -1. */
static int clone_of(const struct world *w)
{
    for (int i = 0; i < w->node_count - 1; i++) {
        if (world_is_of(w, i, w->nodes[w->node_count - 1].actor))
            return i;
    }
    return -1;
}

/* A store is copied, and both go on; or somebody finds itself lost, and starts anew at once. */
static void clone_something(struct world *w, struct chance *chance)
{
    int node = any_node(w, chance);
    if (clone_of(w) < 0 && w->nodes[node].store.there) {
        int clone = world_clone(w, node);
        world_start(w, clone, true, 0);
        TOLD("  %c is a clone of %c, started as e%" PRIu64 "\n", name(clone), name(node),
             w->nodes[clone].actor.epoch.value);
        return;
    }
    int member = any_node(w, chance);
    const struct world_node *m = &w->nodes[member];
    if (!w->nodes[node].confirmed || !m->confirmed || world_is_of(w, node, m->actor) ||
        !holm_members_current(&m->members, m->actor) || !world_lost(w, node, member))
        return;
    world_give_up(w, member, node);
    TOLD("  %c is lost to %c, and starts anew as e%" PRIu64 "\n", name(node), name(member),
         w->nodes[node].actor.epoch.value);
}

static void step(struct world *w, struct chance *chance)
{
    if (w->clones && chance_permille(chance, 60)) {
        clone_something(w, chance);
        return;
    }
    uint64_t pick = chance_below(chance, 1000);
    if (w->storms && chance_permille(chance, 25)) {
        restart_many(w, chance);
    } else if (pick < 260) {
        write_something(w, chance);
    } else if (pick < 400) {
        broadcast_something(w, chance);
    } else if (pick < 660) {
        tell_something(w, chance);
    } else if (pick < 720) {
        read_something(w, chance);
    } else if (pick < 860) {
        int node = any_node(w, chance);
        if (world_collect(w, node))
            TOLD("  %c collects\n", name(node));
    } else if (pick < 920) {
        change_lives(w, chance);
    } else if (pick < 994) {
        come_in(w, chance);
    } else {
        forget_somebody(w, chance);
    }
}

struct totals {
    uint64_t schedules, collected, folded, ghosts, replaced, reminted, dropped, stuck, founded,
        rivals, clones;
};

/* Foundings that another of the same generation was made beside, both by whole clusters that restarted. */
static uint64_t rivals(const struct world *w)
{
    uint64_t count = 0;
    for (int i = 0; i < w->line_count; i++) {
        for (int k = 0; k < i; k++) {
            uint64_t generation = w->lines[i].founding.generation;
            count += generation > 1 && generation == w->lines[k].founding.generation ? 1 : 0;
        }
    }
    return count;
}

/* While there are two of an id all that can be asked is that nothing is wrong; then one is ended. */
static const char *end_clone(struct world *w, struct chance *chance)
{
    int node = clone_of(w);
    if (node < 0)
        return NULL;
    (void)world_settle(w);
    const char *harm = world_harm(w);
    int ended = chance_permille(chance, 500) ? node : w->node_count - 1;
    TOLD("  %c is ended\n", name(ended));
    world_end(w, ended);
    return harm;
}

static const char *play(struct world *w, uint64_t seed, bool clones, struct totals *totals)
{
    struct chance chance = {.state = seed};
    const char *harm = NULL;
    int nodes = 2 + (int)chance_below(&chance, 3);
    world_init(w, nodes, WORLD_ALL_RULES);
    w->hasty = seed % 4 % 2 == 1;
    w->storms = seed % 4 / 2 == 1;
    w->clones = clones;
    w->story = getenv("HOLM_COLLECT_SEED") != NULL;
    for (int i = 0; harm == NULL && i < STEPS; i++) {
        step(w, &chance);
        harm = world_harm(w);
    }
    TOLD("  all heals\n");
    totals->clones += clone_of(w) < 0 ? 0 : 1;
    if (harm == NULL)
        harm = end_clone(w, &chance);
    if (harm == NULL)
        harm = world_heal(w);
    totals->schedules += 1;
    totals->collected += w->collected;
    totals->folded += w->folded;
    totals->ghosts += w->ghosts_gone;
    totals->replaced += w->replaced;
    totals->reminted += w->reminted;
    totals->dropped += w->dropped;
    totals->stuck += w->stuck ? 1 : 0;
    totals->founded += (uint64_t)w->line_count - 1;
    totals->rivals += rivals(w);
    world_release(w);
    return harm;
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void play_many(bool clones)
{
    static struct world world;
    struct totals totals = {0};
    int bad = 0;
    uint64_t first = number_of("HOLM_COLLECT_SEED", 1);
    uint64_t count = number_of("HOLM_SOAK_SCHEDULES",
                               getenv("HOLM_SOAK") != NULL ? 1000000 : 10000);
    if (getenv("HOLM_COLLECT_SEED") != NULL)
        count = 1;
    for (uint64_t seed = first; seed < first + count; seed++) {
        const char *harm = play(&world, seed, clones, &totals);
        if (harm != NULL) {
            printf("HOLM_COLLECT_SEED=%" PRIu64 "%s: %s\n", seed, clones ? " with clones" : "",
                   harm);
            bad++;
        }
    }
    printf("    %" PRIu64 " schedules, %" PRIu64 " tombstones collected, %" PRIu64
           " epochs folded, %" PRIu64 " ghosts dropped\n",
           totals.schedules, totals.collected, totals.folded, totals.ghosts);
    printf("    %" PRIu64 " nodes replaced: %" PRIu64 " operations minted anew, %" PRIu64
           " dropped; %" PRIu64 " schedules left to an operator\n",
           totals.replaced, totals.reminted, totals.dropped, totals.stuck);
    printf("    %" PRIu64 " times a cluster was founded anew, %" PRIu64 " of them beside another\n",
           totals.founded, totals.rivals);
    if (clones)
        printf("    %" PRIu64 " stores cloned\n", totals.clones);
    assert_int_equal(bad, 0);
    assert_true(!clones || count < 1000 || totals.clones > count / 2);
    assert_true(count < 1000 ||
                (totals.collected > count && totals.folded > 100 && totals.replaced > 10 &&
                 totals.founded > count / 10 && totals.rivals > 10));
}

static void test_collect_when_schedules_are_random_then_nothing_is_revived_or_lost(void **state)
{
    (void)state;
    play_many(false);
}

static void test_collect_when_a_store_is_cloned_then_nothing_is_revived_or_lost(void **state)
{
    (void)state;
    play_many(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_collect_when_schedules_are_random_then_nothing_is_revived_or_lost),
        cmocka_unit_test(test_collect_when_a_store_is_cloned_then_nothing_is_revived_or_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
