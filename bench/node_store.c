/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <holm/fault.h>
#include <holm/holm.h>
#include <holm/wait.h>

#include "bench/bare.h"
#include "bench/node.h"

#define PATIENCE_MS 120000
#define LOG_SMALLEST 65536
#define PAUSE_US 100
#define MISSED 10000
#define PUBLISHED_US 300000 /* by then all has been sent, and lost */

struct place {
    char directory[64], store[80];
};

static void place_make(struct place *place)
{
    (void)snprintf(place->directory, sizeof place->directory, "/tmp/holm-bench-XXXXXX");
    measure_require(mkdtemp(place->directory) != NULL, "a directory");
    (void)snprintf(place->store, sizeof place->store, "%s/store", place->directory);
}

static void place_remove(const struct place *place)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "holm.lock"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", place->store, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(place->store);
    (void)rmdir(place->directory);
}

static struct holm_config config_of(const char *store, uint32_t partitions)
{
    struct holm_config config = holm_config_default();
    config.name = "bench";
    config.listen = "tcp://127.0.0.1:0";
    config.store = store;
    config.partitions = partitions == 0 ? config.partitions : partitions;
    config.log_level = 1;
    return config;
}

static struct holm_node *open_node(const char *store, uint32_t partitions)
{
    struct holm_config config = config_of(store, partitions);
    struct holm_node *node;
    measure_must(holm_open(&config, &node), "opening a node");
    return node;
}

/* A sum over all partitions. */
static double metric(struct holm_node *node, const char *name)
{
    size_t size = 0, capacity = 65536;
    char *text = measure_allocate(capacity + 1);
    double sum = 0;
    measure_must(holm_metrics(node, text, capacity, &size), "metrics");
    text[size] = '\0';
    for (char *at = text; (at = strstr(at, name)) != NULL; at++) {
        const char *value = strchr(at, ' ');
        if ((at == text || at[-1] == '\n') && at[strlen(name)] == '{' && value != NULL)
            sum += strtod(value, NULL);
    }
    free(text);
    return sum;
}

/* ---- puts while runs give way to states ----------------------------------------------------- */

static void put(struct holm_node *node, const struct bare_keys *keys, size_t number, int64_t value)
{
    measure_must(holm_put(node, bare_key(keys, number), holm_mem(NULL, 0), holm_i64(value)),
                 "a put");
}

/* All keys are put, so that the table grows no more; then each again and again, and the slowest is told. */
static void measure_worst(struct measure_samples *worst_ms, struct measure_samples *rare_ms,
                          const struct bare_keys *keys, const char *store, int passes)
{
    struct holm_node *node = open_node(store, 1);
    struct measure_samples all = {0};
    for (size_t i = 0; i < keys->count; i++)
        put(node, keys, i, 0);
    if (store != NULL)
        measure_must(holm_wait_durable(node, NULL, PATIENCE_MS), "the disk");
    double before = metric(node, "holm_partition_saved_states_total");
    for (int pass = 1; pass <= passes; pass++) {
        for (size_t i = 0; i < keys->count; i++) {
            uint64_t begun = measure_now_ns();
            put(node, keys, bare_shuffled(keys, i), pass);
            measure_sample(&all, (double)(measure_now_ns() - begun) / 1e6);
        }
    }
    double saved = metric(node, "holm_partition_saved_states_total") - before;
    measure_require(store == NULL || saved >= 2, "runs give way to states meanwhile");
    measure_sample(worst_ms, measure_percentile(&all, 100));
    measure_sample(rare_ms, measure_percentile(&all, 99.99));
    measure_samples_free(&all);
    holm_close(node);
}

void node_compact(struct report *report)
{
    if (!report_wants(report, "compact",
                      "one partition, all of it put again and again; each put is timed"))
        return;
    struct measure_samples worst[2] = {{0}, {0}}, rare[2] = {{0}, {0}};
    struct bare_keys keys;
    bare_keys_make(&keys, report->quick ? 100000 : 300000);
    for (int i = 0; i < (report->quick ? 1 : 3); i++) {
        struct place place;
        place_make(&place);
        measure_worst(&worst[0], &rare[0], &keys, NULL, 10);
        measure_worst(&worst[1], &rare[1], &keys, place.store, 10);
        place_remove(&place);
    }
    struct report_base base = report_base(report, "the slowest put, without a store", "ms",
                                          &worst[0]);
    struct report_base base_rare = report_base(report, "one put in 10,000, without a store", "ms",
                                               &rare[0]);
    report_row(report,
               &(struct report_row){.name = "the slowest put, while runs give way to states",
                                    .unit = "ms",
                                    .samples = &worst[1],
                                    .base = base,
                                    .ratio_max = 4});
    report_row(report, &(struct report_row){.name = "one put in 10,000",
                                            .unit = "ms",
                                            .samples = &rare[1],
                                            .base = base_rare,
                                            .ratio_max = 4});
    bare_keys_free(&keys);
    for (int i = 0; i < 2; i++) {
        measure_samples_free(&worst[i]);
        measure_samples_free(&rare[i]);
    }
}

/* ---- puts beside a sync --------------------------------------------------------------------- */

struct beside {
    struct measure_samples worst_ms[2], all_ms[2]; /* without a store, with one */
};

/* It is put to every 100 us or so, until a sync was applied that was not before, and is on its disk. */
static void measure_beside_sync(struct holm_node *node, bool stores, uint64_t syncs,
                                struct beside *beside)
{
    struct measure_samples puts = {0};
    uint64_t began = measure_now_ns();
    for (bool done = false; !done; measure_nap_us(PAUSE_US)) {
        struct holm_stats stats = {.syncs = 0};
        uint64_t begun = measure_now_ns();
        measure_must(holm_put(node, holm_str("its own"), holm_mem(NULL, 0), holm_i64(1)), "a put");
        measure_sample(&puts, (double)(measure_now_ns() - begun) / 1e6);
        if (puts.count % 64 == 0)
            holm_stats(node, &stats);
        done = stats.syncs > syncs && (!stores || holm_wait_durable(node, NULL, 5) == HOLM_OK);
        measure_require(measure_now_ns() - began<PATIENCE_MS * UINT64_C(1000000), stats.syncs> syncs
                            ? "what a sync brought is saved"
                            : "a sync comes");
    }
    measure_sample(&beside->worst_ms[stores], measure_percentile(&puts, 100));
    measure_sample(&beside->all_ms[stores], (double)(measure_now_ns() - began) / 1e6);
    measure_samples_free(&puts);
}

/* A node comes empty; then it is cut off, misses what is soon in no log, and comes back. */
static void measure_come(struct holm_node *full, const struct bare_keys *keys, const char *store,
                         struct beside besides[2])
{
    struct holm_config config = config_of(store, 1);
    struct holm_stats stats;
    struct holm_node *node;
    config.name = store == NULL ? "without" : "with";
    config.seeds = holm_address(full);
    measure_must(holm_open(&config, &node), "opening a node");
    measure_beside_sync(node, store != NULL, 0, &besides[0]);
    holm_stats(node, &stats);
    measure_require(stats.records >= keys->count, "all records have come");
    measure_must(holm_fault_drop(node, holm_self(full).node, HOLM_BOTH, 1000), "a cut");
    for (size_t i = 0; i < MISSED; i++)
        put(full, keys, i, (int64_t)measure_now_ns());
    measure_nap_us(PUBLISHED_US);
    holm_stats(node, &stats);
    holm_fault_heal(node);
    measure_beside_sync(node, store != NULL, stats.syncs, &besides[1]);
    holm_close(node);
}

static void tell_beside(struct report *report, struct beside *beside, const char *const names[4],
                        double ratio_max)
{
    struct report_base worst = report_base(report, names[0], "ms", &beside->worst_ms[0]);
    struct report_base all = report_base(report, names[1], "ms", &beside->all_ms[0]);
    report_row(report, &(struct report_row){.name = names[2],
                                            .unit = "ms",
                                            .samples = &beside->worst_ms[1],
                                            .base = worst,
                                            .ratio_max = ratio_max});
    report_row(report,
               &(struct report_row){
                   .name = names[3], .unit = "ms", .samples = &beside->all_ms[1], .base = all});
}

void node_beside_sync(struct report *report)
{
    static const char *const names[2][4] = {
        {"empty: the slowest put, without a store", "empty: until all is there, without a store",
         "empty: the slowest put, with a store", "empty: until all is on the disk"},
        {"10,000 missed: the slowest put, without a store",
         "10,000 missed: until they are there, without a store",
         "10,000 missed: the slowest put, with a store",
         "10,000 missed: until all is on the disk"}};
    if (!report_wants(report, "beside",
                      "a sync of 10^6 records (quick: 10^5) of one partition; puts meanwhile"))
        return;
    struct beside besides[2];
    struct bare_keys keys;
    struct holm_config config = config_of(NULL, 1);
    struct holm_node *full;
    memset(besides, 0, sizeof besides);
    bare_keys_make(&keys, report->quick ? 100000 : 1000000);
    config.log_bytes_max = LOG_SMALLEST;
    measure_must(holm_open(&config, &full), "opening a node");
    for (size_t i = 0; i < keys.count; i++)
        put(full, &keys, i, 1);
    for (int i = 0; i < (report->quick ? 1 : 3); i++) {
        struct place place;
        place_make(&place);
        measure_come(full, &keys, NULL, besides);
        measure_come(full, &keys, place.store, besides);
        place_remove(&place);
    }
    for (int i = 0; i < 2; i++) {
        tell_beside(report, &besides[i], names[i], i == 0 ? 0 : 4);
        for (int j = 0; j < 2; j++) {
            measure_samples_free(&besides[i].worst_ms[j]);
            measure_samples_free(&besides[i].all_ms[j]);
        }
    }
    holm_close(full);
    bare_keys_free(&keys);
}

/* ---- opening what is there ------------------------------------------------------------------- */

static double file_bytes(const struct place *place)
{
    char path[128];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/data.mdb", place->store);
    measure_require(stat(path, &info) == 0, "the store's file");
    return (double)info.st_size;
}

/* The same bytes, one after the other, as the disk or the kernel's cache gives them. */
static double read_ms(const struct place *place)
{
    static char buffer[1 << 20];
    char path[128];
    (void)snprintf(path, sizeof path, "%s/data.mdb", place->store);
    uint64_t begun = measure_now_ns();
    FILE *file = fopen(path, "rb");
    measure_require(file != NULL, "the store's file");
    while (fread(buffer, 1, sizeof buffer, file) > 0)
        continue;
    (void)fclose(file);
    return (double)(measure_now_ns() - begun) / 1e6;
}

struct opening {
    struct measure_samples open_ms, worked_ms, read_ms, per_record_b;
};

static void measure_opening(struct opening *opening, const struct place *place, size_t records,
                            int repeats)
{
    for (int i = 0; i < repeats; i++) {
        struct holm_stats stats;
        measure_sample(&opening->read_ms, read_ms(place));
        uint64_t begun = measure_now_ns(), worked = measure_worked_ns();
        struct holm_node *node = open_node(place->store, 0);
        measure_sample(&opening->worked_ms, (double)(measure_worked_ns() - worked) / 1e6);
        measure_sample(&opening->open_ms, (double)(measure_now_ns() - begun) / 1e6);
        holm_stats(node, &stats);
        measure_require(stats.records == records, "all records are there again");
        holm_close(node);
    }
    measure_sample(&opening->per_record_b, file_bytes(place) / (double)records);
}

static void tell_opening(struct report *report, const struct opening *opening,
                         const char *const names[4])
{
    struct report_base base = report_base(report, names[0], "ms", &opening->read_ms);
    report_row(report,
               &(struct report_row){
                   .name = names[1], .unit = "ms", .samples = &opening->open_ms, .base = base});
    report_row(report,
               &(struct report_row){
                   .name = names[3], .unit = "ms", .samples = &opening->worked_ms, .base = base});
    report_row(report, &(struct report_row){
                           .name = names[2], .unit = "B", .samples = &opening->per_record_b});
}

static void opening_free(struct opening *opening)
{
    measure_samples_free(&opening->open_ms);
    measure_samples_free(&opening->worked_ms);
    measure_samples_free(&opening->read_ms);
    measure_samples_free(&opening->per_record_b);
}

/* First nearly all is runs; then each is written again and again, until there are states. */
static void write_passes(const struct place *place, const struct bare_keys *keys, int first,
                         int last)
{
    struct holm_node *node = open_node(place->store, 0);
    for (int pass = first; pass <= last; pass++) {
        for (size_t i = 0; i < keys->count; i++)
            put(node, keys, bare_shuffled(keys, i), pass);
        measure_must(holm_wait_durable(node, NULL, PATIENCE_MS), "the disk");
    }
    holm_close(node);
}

void node_start(struct report *report)
{
    static const char *const runs[] = {"its file read, written once", "opened, written once",
                                       "bytes of file a record, written once",
                                       "... of which its thread worked"};
    static const char *const states[] = {
        "its file read, written eight times", "opened, written eight times",
        "bytes of file a record, written eight times", "... of which its thread worked "};
    if (!report_wants(report, "start", "a node with a store of 10^6 records (quick: 10^5)"))
        return;
    struct opening once = {{0}, {0}, {0}, {0}}, often = {{0}, {0}, {0}, {0}};
    struct bare_keys keys;
    struct place place;
    bare_keys_make(&keys, report->quick ? 100000 : 1000000);
    place_make(&place);
    write_passes(&place, &keys, 1, 1);
    measure_opening(&once, &place, keys.count, 3);
    tell_opening(report, &once, runs);
    write_passes(&place, &keys, 2, 8);
    measure_opening(&often, &place, keys.count, 3);
    tell_opening(report, &often, states);
    place_remove(&place);
    bare_keys_free(&keys);
    opening_free(&once);
    opening_free(&often);
}
