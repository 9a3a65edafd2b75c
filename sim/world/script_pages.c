/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transfers in parts: by runs or by a cut, page by page, whose source dies between any two pages. T05
 *
 * A, B and C are n0, n1 and n2. A and C hold 25 keys, and a page holds some of them.
 */
#include <stdio.h>

#include "sim/world/script_acts.h"

#define A 0u
#define B 1u
#define C 2u

#define KEYS 25u
/* Runs of so much are no dearer than a state. */
#define VALUE_BYTES 6000u
#define FRAME_BYTES 65536u

#define BIT(type) (1u << (type))
#define PAGES (BIT(HOLM_MESSAGE_DELTAS) | BIT(HOLM_MESSAGE_SYNC_TELL) | BIT(HOLM_MESSAGE_SYNC_PAGE))

static void write_keys(struct holm_script *script)
{
    static char keys[KEYS][8];
    static char value[VALUE_BYTES];
    memset(value, 'v', sizeof value);
    for (uint32_t i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], sizeof keys[i], "k%02u", i);
        struct holm_op op = holm_op_put(holm_str(keys[i]), holm_str("v"),
                                        holm_bytes_value(value, sizeof value));
        HOLM_SCRIPT_EXPECT(script, holm_script_commit(script, A, op) == HOLM_OK);
        holm_script_run(script, 5);
    }
}

static uint64_t records(const struct holm_script *script, uint32_t node)
{
    return holm_script_stats(script, node).records;
}

/* What B has after so many pages of A, and then has A die. */
struct partial {
    uint64_t records, vector_entries, syncs;
    uint32_t pages; /* that came */
};

/* A and C are equal, B is empty and hears A alone, of whose pages so many come. */
static void open_partial(struct holm_script *script, uint32_t pages, bool by_cut,
                         struct partial *partial)
{
    holm_script_open(script, 3, HOLM_SCRIPT_PLAIN);
    struct holm_gate rest = {.verdict = HOLM_NETWORK_DROP,
                             .from = UINT64_C(1) << A,
                             .to = UINT64_C(1) << B,
                             .types = PAGES,
                             .skip = pages};
    script->config.engine.partitions = 1;
    script->config.engine.frame_bytes_max = FRAME_BYTES;
    if (by_cut)
        script->config.engine.log_bytes_max = 1;
    holm_script_set_up(script);
    holm_script_start(script, A);
    holm_script_start(script, C);
    holm_script_run(script, 3000);
    write_keys(script);
    holm_script_converge(script, 5000);
    holm_script_cut(script, B, C, true);
    uint32_t gate = holm_gate_set(script->world, &rest);
    holm_script_start(script, B);
    holm_script_run(script, 800);
    *partial = (struct partial){.records = records(script, B),
                                .vector_entries = holm_script_stats(script, B).vector_entries,
                                .syncs = holm_script_stats(script, B).syncs,
                                .pages = pages};
    partial->pages += holm_gate_hits(script->world, gate) > 0 ? 1 : 0;
    holm_gate_lift(script->world, gate);
}

static void meet_the_other(struct holm_script *script)
{
    HOLM_SCRIPT_EXPECT(script, records(script, C) == KEYS);
    holm_script_cut(script, B, C, false);
    holm_script_converge(script, 20000);
    HOLM_SCRIPT_EXPECT(script, records(script, B) == KEYS);
    HOLM_SCRIPT_EXPECT(script, records(script, C) == KEYS);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, B).digest_breaches == 0);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, C).digest_breaches == 0);
}

/* How many pages it takes until B has all, at most so many. */
static uint32_t transfer(struct holm_script *script, bool by_cut, bool dies)
{
    uint64_t before = 0;
    for (uint32_t pages = 0; pages < 40; pages++) {
        struct partial partial;
        open_partial(script, pages, by_cut, &partial);
        bool all = partial.records == KEYS;
        HOLM_SCRIPT_EXPECT(script, partial.records >= before && partial.records <= KEYS);
        /* Of a cut nothing is applied, and the vector not raised, before all of it is there. */
        HOLM_SCRIPT_EXPECT(script,
                           !by_cut || all || (partial.records == 0 && partial.vector_entries == 0));
        HOLM_SCRIPT_EXPECT(script, all || partial.pages == pages + 1); /* the next one was lost */
        HOLM_SCRIPT_EXPECT(script, by_cut || partial.syncs == 0);
        before = partial.records;
        if (dies)
            holm_script_crash(script, A);
        else
            holm_script_cut(script, A, B, true);
        meet_the_other(script);
        holm_script_close(script);
        if (all)
            return pages;
    }
    holm_script_fail(script, B, "it never has all");
}

/* T05 */
static void puller_hears_a_part(struct holm_script *script)
{
    uint32_t pages = transfer(script, false, false);
    HOLM_SCRIPT_EXPECT(script, pages >= 3 && pages <= 12);
}

/* T05 */
static void puller_loses_its_source(struct holm_script *script)
{
    uint32_t pages = transfer(script, false, true);
    HOLM_SCRIPT_EXPECT(script, pages >= 3 && pages <= 12);
}

/* T05 */
static void cut_in_part(struct holm_script *script)
{
    uint32_t pages = transfer(script, true, false);
    HOLM_SCRIPT_EXPECT(script, pages >= 3 && pages <= 12);
}

/* T05 */
static void cut_loses_its_source(struct holm_script *script)
{
    uint32_t pages = transfer(script, true, true);
    HOLM_SCRIPT_EXPECT(script, pages >= 3 && pages <= 12);
}
const struct holm_script_act holm_script_t05[] = {
    {"a puller hears a part, and then another who has all", puller_hears_a_part},
    {"who answers a pull dies between two pages", puller_loses_its_source},
    {"a cut comes in part, and is not there", cut_in_part},
    {"the source of a cut dies between two pages, and another takes over", cut_loses_its_source},
    {NULL, NULL}};
