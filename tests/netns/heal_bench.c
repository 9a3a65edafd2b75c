/* SPDX-License-Identifier: Apache-2.0 */
/*
 * heal_bench.c - how soon after a netsplit all nodes hold all, and what that time goes to: `./dev bench --netsplit`.
 *
 * Five nodes in network namespaces are split in two, each at random, for 2 to 7 s; all write; then the cut goes.
 * On the bridge the kernel cuts; on the switch one can see when TCP gets through:
 *
 *     heal -- redial --> a connection stands -- Hello --> a peer is up -- pull --> something new has crossed
 *                                                         ... -- spread: further links, beacons --> all have all
 *
 * A cut shorter than the links' patience (3 s) breaks none: what is heard first is then TCP's own repeat, and
 * there may be no redial at all.
 */
#include <stdio.h>
#include <string.h>

#include "bench/report.h"
#include "tests/netns/land.h"

#define NODES 5
#define KEYS 200
#define PATIENCE_S 60
#define GOAL_MS 2000

struct heals {
    struct measure_samples all, tried, stands, up, pulled, spread;
    struct measure_samples brief, lasting; /* of `all`: cuts below and above the links' patience */
    size_t kept; /* heals that old links began: they had not been given up yet */
};

static uint64_t draw(uint64_t *random)
{
    uint64_t z = *random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static void write_everywhere(struct land *land)
{
    for (uint32_t i = 0; i < land->count; i++)
        land_write(land, i, KEYS);
}

/* What crosses the cut is watched. */
static void watch(struct land *land, const uint32_t *groups)
{
    struct switch_shared *shared = land->rooms.tap_switch.shared;
    for (uint32_t from = 0; from < land->count; from++)
        for (uint32_t to = 0; to < land->count; to++)
            atomic_store(&shared->watched[from][to], groups[from] != groups[to]);
    atomic_store(&shared->sights.syn_us, 0);
    atomic_store(&shared->sights.synack_us, 0);
}

static double earlier(double a, double b)
{
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* Of each, at any node. */
static struct land_marks first_marks(struct land *land)
{
    struct land_marks first = {0, 0};
    for (uint32_t i = 0; i < land->count; i++) {
        struct land_marks marks = land_marks(land, i);
        first.up_s = earlier(first.up_s, marks.up_s);
        first.record_s = earlier(first.record_s, marks.record_s);
    }
    return first;
}

static void take_apart(struct land *land, struct heals *heals, double healed, double equal)
{
    struct switch_shared *shared = land->rooms.tap_switch.shared;
    double tried = (double)atomic_load(&shared->sights.syn_us) / 1e6;
    double stands = (double)atomic_load(&shared->sights.synack_us) / 1e6;
    struct land_marks first = first_marks(land);
    double up = first.up_s;
    if (up == 0 || stands == 0 || stands > up || first.record_s < up) {
        heals->kept++;
        return;
    }
    measure_sample(&heals->tried, (tried - healed) * 1000);
    measure_sample(&heals->stands, (stands - tried) * 1000);
    measure_sample(&heals->up, (up - stands) * 1000);
    measure_sample(&heals->pulled, (first.record_s - up) * 1000);
    measure_sample(&heals->spread, (equal - first.record_s) * 1000);
}

static void one_heal(struct land *land, struct heals *heals, uint64_t *random)
{
    uint32_t groups[ROOMS_MAX];
    uint64_t sides = draw(random) % 30 + 1;
    double cut_s = 2 + (double)(draw(random) % 5000) / 1000;
    double begun = member_now_s();
    for (uint32_t i = 0; i < NODES; i++)
        groups[i] = sides >> i & 1;
    land_split(land, groups);
    write_everywhere(land);
    land_nap(cut_s - (member_now_s() - begun));
    land_mark(land);
    bool seen = land->rooms.kind == ROOMS_SWITCH;
    if (seen)
        watch(land, groups);
    double healed = member_now_s();
    land_heal(land);
    double equal = land_await(land, PATIENCE_S);
    measure_sample(&heals->all, (equal - healed) * 1000);
    measure_sample(cut_s < 3.5 ? &heals->brief : &heals->lasting, (equal - healed) * 1000);
    if (seen)
        take_apart(land, heals, healed, equal);
}

static void tell(struct report *report, const char *name, const struct measure_samples *samples,
                 double most)
{
    if (samples->count > 0)
        report_row(report, &(struct report_row){
                               .name = name, .unit = "ms", .samples = samples, .most = most});
}

static void tell_all(struct report *report, const struct heals *heals)
{
    char text[96];
    tell(report, "from the heal until all have all", &heals->all, GOAL_MS);
    if (heals->all.count > 0) {
        (void)snprintf(text, sizeof text, "of %zu heals; 90 in 100 within %.0f ms, all within %.0f",
                       heals->all.count, measure_percentile(&heals->all, 90),
                       measure_percentile(&heals->all, 100));
        report_note(report, text);
    }
    tell(report, "  after cuts below 3.5 s", &heals->brief, 0);
    tell(report, "  after longer ones", &heals->lasting, 0);
    tell(report, "redial: until a node tries again", &heals->tried, 0);
    tell(report, "redial: until a connection stands", &heals->stands, 0);
    tell(report, "Hello: from there to the first peer up", &heals->up, 0);
    tell(report, "pull: ... to the first record that crossed", &heals->pulled, 0);
    tell(report, "spread: ... until all have all", &heals->spread, 0);
    if (heals->kept > 0) {
        (void)snprintf(text, sizeof text, "%zu heals began on links that had outlived the cut",
                       heals->kept);
        report_note(report, text);
    }
}

static void measure(struct report *report, enum rooms_kind kind, int count)
{
    struct land land;
    struct heals heals;
    uint64_t random = 1;
    memset(&heals, 0, sizeof heals);
    land_open(&land, kind, NODES, 1);
    write_everywhere(&land);
    (void)land_await(&land, PATIENCE_S);
    for (int i = 0; i < count; i++)
        one_heal(&land, &heals, &random);
    tell_all(report, &heals);
    land_close(&land);
    struct measure_samples *samples[] = {&heals.all,   &heals.tried,  &heals.stands,
                                         &heals.up,    &heals.pulled, &heals.spread,
                                         &heals.brief, &heals.lasting};
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++)
        measure_samples_free(samples[i]);
}

static void measure_where_possible(struct report *report, enum rooms_kind kind)
{
    const char *missing = rooms_missing(kind);
    if (missing != NULL)
        report_note(report, missing);
    else
        measure(report, kind, report->quick ? 5 : 25);
}

int main(int argc, char **argv)
{
    struct report report;
    report_open(&report, "netsplit", argc, argv);
    if (report_wants(&report, "bridge", "5 nodes in namespaces, cut by the kernel's bridge"))
        measure_where_possible(&report, ROOMS_BRIDGE);
    if (report_wants(&report, "switch",
                     "... cut by a switch of our own, which sees what gets through"))
        measure_where_possible(&report, ROOMS_SWITCH);
    return report_close(&report);
}
