/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading: registers by key in no order, and everything by a scan.
 */
#include "bench/bare.h"
#include "bench/core.h"
#include "bench/table_baseline.h"

struct total {
    int64_t sum;
    size_t count;
};

/* All numbers below count. */
static void check_total(const struct total *total, size_t count)
{
    int64_t n = (int64_t)count;
    measure_require(total->count == count && total->sum == n * (n - 1) / 2,
                    "every number was read once");
}

static bool add_cell(void *context, const struct holm_cell_view *cell)
{
    struct total *total = context;
    total->sum += cell->value.as.i64;
    total->count += 1;
    return true;
}

struct reading {
    struct holm_replica *replica;
    struct table_baseline *table; /* with the same content */
    struct bare_keys keys;
    struct measure_samples get, bare_get, scan, bare_scan;
};

static void get_all(struct reading *reading)
{
    struct total total = {0, 0};
    size_t count = reading->keys.count;
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < count; i++) {
        struct holm_cell_view cell;
        struct holm_bytes key = bare_key(&reading->keys, bare_shuffled(&reading->keys, i));
        if (holm_replica_get(reading->replica, key, holm_mem(NULL, 0), HOLM_REGISTER, &cell) ==
            HOLM_OK)
            (void)add_cell(&total, &cell);
    }
    measure_end(&reading->get, &span, count);
    check_total(&total, count);
}

static void bare_get_all(struct reading *reading)
{
    struct total total = {0, 0};
    size_t count = reading->keys.count;
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        struct holm_bytes key = bare_key(&reading->keys, bare_shuffled(&reading->keys, i));
        total.count += table_baseline_get(reading->table, key, &number);
        total.sum += number;
    }
    measure_end(&reading->bare_get, &span, count);
    check_total(&total, count);
}

static void scan_all(struct reading *reading)
{
    struct total total = {0, 0};
    struct measure_span span = measure_begin();
    holm_replica_visit(reading->replica, holm_mem(NULL, 0), add_cell, &total);
    measure_end(&reading->scan, &span, reading->keys.count);
    check_total(&total, reading->keys.count);
}

static void bare_scan_all(struct reading *reading)
{
    struct total total = {0, 0};
    struct measure_span span = measure_begin();
    total.sum = table_baseline_sum(reading->table, &total.count);
    measure_end(&reading->bare_scan, &span, reading->keys.count);
    check_total(&total, reading->keys.count);
}

static void tell(struct report *report, const struct reading *reading)
{
    struct report_base get = report_base(report, "look-up in a bare table, shuffled", "ns",
                                         &reading->bare_get);
    struct report_base scan = report_base(report, "a walk over the bare table", "ns",
                                          &reading->bare_scan);
    report_row(report, &(struct report_row){.name = "a register by key, shuffled",
                                            .unit = "ns",
                                            .samples = &reading->get,
                                            .base = get});
    report_row(report, &(struct report_row){.name = "a scan of everything, a cell",
                                            .unit = "ns",
                                            .samples = &reading->scan,
                                            .base = scan});
}

static void measure_reading(struct report *report, size_t count, int repeats)
{
    struct reading reading = {.replica = bare_open(1, 0, NULL)};
    reading.table = table_baseline_new(count);
    bare_keys_make(&reading.keys, count);
    bare_fill(reading.replica, &reading.keys, count);
    for (size_t i = 0; i < count; i++)
        table_baseline_upsert(reading.table, bare_key(&reading.keys, i), (int64_t)i);
    for (int r = 0; r < repeats; r++) {
        bare_get_all(&reading);
        get_all(&reading);
        bare_scan_all(&reading);
        scan_all(&reading);
    }
    tell(report, &reading);
    table_baseline_free(reading.table);
    holm_replica_free(reading.replica);
    bare_keys_free(&reading.keys);
    measure_samples_free(&reading.get);
    measure_samples_free(&reading.bare_get);
    measure_samples_free(&reading.scan);
    measure_samples_free(&reading.bare_scan);
}

void core_read(struct report *report)
{
    if (report_wants(report, "read-100k", "10^5 records of one register"))
        measure_reading(report, 100000, report->quick ? 3 : 11);
    if (!report->quick && report_wants(report, "read-1M", "10^6 records of one register"))
        measure_reading(report, 1000000, 5);
}
