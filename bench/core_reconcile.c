/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two states that differ in a part are made one, by the digest tree and by what could stand in its place.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench/core.h"
#include "bench/differ.h"
#include "bench/rateless.h"

#define SYMBOL_BYTES 17 /* sum, checksum, and a count that is near what is expected */
#define ASKED_BYTES 8   /* a fingerprint, to ask for its cell */

static int compare_numbers(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static bool is_among(uint64_t number, const uint64_t *numbers, size_t count)
{
    return bsearch(&number, numbers, count, sizeof number, compare_numbers) != NULL;
}

static uint64_t *fingerprints(const struct differ_side *side)
{
    uint64_t *list = measure_allocate(side->count * sizeof *list);
    for (size_t i = 0; i < side->count; i++)
        list[i] = differ_fingerprint(&side->cells[i]);
    return list;
}

/* What is done with what was peeled: the receiver asks for what it lacks, and takes out what the server
 * has replaced. */
static struct differ_cost finish(const struct differ *differ, uint64_t *const lists[2],
                                 uint64_t *found, const size_t counts[2])
{
    const struct differ_side *server = &differ->server, *receiver = &differ->receiver;
    struct holm_digest digest = holm_tree_total(&receiver->tree);
    bool *wanted = measure_allocate(server->count);
    qsort(found, counts[0], sizeof *found, compare_numbers);
    qsort(found + counts[0], counts[1], sizeof *found, compare_numbers);
    for (size_t i = 0; i < server->count; i++)
        wanted[i] = server->cells[i].actor == 1 && is_among(lists[0][i], found, counts[0]);
    for (size_t i = 0; i < receiver->count; i++) {
        if (is_among(lists[1][i], found + counts[0], counts[1]))
            differ_lacking(&receiver->cells[i], &digest);
    }
    struct differ_cost cost = differ_send(differ, wanted, &digest);
    measure_require(holm_digest_equal(digest, differ->merged), "the symbols' result is the merge");
    cost.bytes += counts[0] * ASKED_BYTES;
    free(wanted);
    return cost;
}

struct differ_cost differ_by_symbols(const struct differ *differ)
{
    uint64_t begun = measure_worked_ns();
    uint64_t *lists[2] = {fingerprints(&differ->server), fingerprints(&differ->receiver)};
    struct rateless *sets[2] = {rateless_new(lists[0], differ->server.count),
                                rateless_new(lists[1], differ->receiver.count)};
    size_t count = 16, counts[2];
    uint64_t *found = NULL;
    for (bool done = false; !done; count += done ? 0 : count / 4) {
        const struct rateless_symbol *first = rateless_symbols(sets[0], count);
        const struct rateless_symbol *second = rateless_symbols(sets[1], count);
        free(found);
        found = measure_allocate(count * sizeof *found);
        done = rateless_peel(first, second, count, found, &counts[0], &counts[1]);
    }
    struct differ_cost cost = finish(differ, lists, found, counts);
    cost.ms = (double)(measure_worked_ns() - begun) / 1e6;
    cost.bytes += count * SYMBOL_BYTES;
    cost.round_trips = 2; /* a stream of symbols until it is told to stop, then what is asked for */
    for (unsigned i = 0; i < 2; i++) {
        rateless_free(sets[i]);
        free(lists[i]);
    }
    free(found);
    return cost;
}

/* ---- the table ----------------------------------------------------------------------------- */

struct way {
    const char *name;
    struct differ_cost (*go)(const struct differ *differ);
};

static struct differ_cost by_tree_8(const struct differ *differ)
{
    return differ_by_tree(differ, 8);
}

static struct differ_cost by_tree_4(const struct differ *differ)
{
    return differ_by_tree(differ, 4);
}

static const struct way ways[] = {
    {"digest tree, hashes of 8 B", by_tree_8},
    {"digest tree, hashes of 4 B", by_tree_4},
    {"all of the state", differ_by_state},
    {"a list of fingerprints of 8 B", differ_by_list},
    {"rateless lookup tables", differ_by_symbols},
};

static void tell_way(struct report *report, const struct differ *differ, const struct way *way,
                     size_t differing)
{
    struct measure_samples samples = {0};
    struct differ_cost cost = {0};
    unsigned rounds = report->quick ? 1 : 3;
    for (unsigned i = 0; i < rounds; i++) {
        cost = way->go(differ);
        measure_sample(&samples, cost.ms);
    }
    char name[96];
    (void)snprintf(name, sizeof name, "%zu: %s, %llu round trips", differing, way->name,
                   (unsigned long long)cost.round_trips);
    report_row(report, &(struct report_row){.name = name, .unit = "ms", .samples = &samples});
    (void)snprintf(name, sizeof name, "%zu: ... bytes", differing);
    report_row(report, &(struct report_row){
                           .name = name, .unit = "KiB", .value = (double)cost.bytes / 1024});
    measure_samples_free(&samples);
}

static void tell_size(struct report *report, size_t records)
{
    const size_t differing[] = {1, 10, 100, 1000, 10000, records / 2};
    for (size_t i = 0; i < sizeof differing / sizeof differing[0]; i++) {
        struct differ differ;
        differ_make(&differ, records, differing[i]);
        for (size_t w = 0; w < sizeof ways / sizeof ways[0]; w++)
            tell_way(report, &differ, &ways[w], differing[i]);
        differ_free(&differ);
    }
}

void core_reconcile(struct report *report)
{
    if (report_wants(report, "reconcile",
                     "100,000 records of which some differ; time of both sides, bytes both ways"))
        tell_size(report, 100000);
    if (!report->quick &&
        report_wants(report, "reconcile_large",
                     "1,000,000 records of which some differ; time of both sides, bytes both ways"))
        tell_size(report, 1000000);
}
