/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to keep keys in order, and what scans by prefix gain: two replicas with the same
 * content, one of which is ordered.
 */
#include "bench/bare.h"
#include "bench/core.h"

#define PREFIXES 1000
#define LOG_BYTES 65536

/* Of one of the two replicas. */
struct costs {
    struct measure_samples rising, shuffled, again, prefix;
    double bytes;
};

static struct holm_replica *open_replica(bool ordered)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *replica;
    config.allocator = bare_allocator(NULL);
    config.self = (struct holm_actor){{1}, {1}};
    config.log_bytes_max = LOG_BYTES;
    config.ordered = ordered;
    measure_must(holm_replica_new(&config, &replica), "a replica is opened");
    return replica;
}

/* Puts every key once, each by itself. */
static void put_all(struct measure_samples *samples, struct holm_replica *replica,
                    const struct bare_keys *keys, bool shuffled)
{
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < keys->count; i++) {
        size_t number = shuffled ? bare_shuffled(keys, i) : i;
        struct holm_op op = holm_op_put(bare_key(keys, number), holm_mem(NULL, 0),
                                        holm_i64((int64_t)number));
        (void)bare_commit(replica, &op, 1);
    }
    measure_end(samples, &span, keys->count);
}

static bool count_key(void *context, struct holm_bytes key)
{
    size_t *count = context;
    *count += key.size == BARE_KEY_BYTES;
    return true;
}

/* Ten keys have all but the last digit of each in common. */
static void visit_prefixes(struct measure_samples *samples, const struct holm_replica *replica,
                           const struct bare_keys *keys, size_t prefixes)
{
    size_t count = 0;
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < prefixes; i++) {
        struct holm_bytes prefix = bare_key(keys, bare_shuffled(keys, i));
        prefix.size -= 1;
        holm_replica_visit_keys(replica, prefix, count_key, &count);
    }
    measure_end(samples, &span, prefixes);
    measure_require(count == 10 * prefixes, "each prefix is that of ten keys");
}

static void measure_one(struct costs *costs, const struct bare_keys *keys, bool ordered)
{
    struct holm_replica_stats stats;
    struct holm_replica *replica = open_replica(ordered);
    put_all(&costs->rising, replica, keys, false);
    put_all(&costs->again, replica, keys, true);
    holm_replica_free(replica);
    replica = open_replica(ordered);
    put_all(&costs->shuffled, replica, keys, true);
    holm_replica_stats(replica, &stats);
    measure_require(stats.records == keys->count, "every key is there");
    costs->bytes = (double)stats.state_bytes / (double)keys->count;
    visit_prefixes(&costs->prefix, replica, keys, ordered ? PREFIXES : 3);
    holm_replica_free(replica);
}

static void tell(struct report *report, const struct costs *with, const struct costs *without)
{
    const struct {
        const char *name, *base;
        const struct measure_samples *with, *without;
    } rows[] = {
        {"put of a new key, rising, ordered", "… without order", &with->rising, &without->rising},
        {"put of a new key, shuffled, ordered", "… without order", &with->shuffled,
         &without->shuffled},
        {"put of a key that is there, ordered", "… without order", &with->again, &without->again},
        {"the ten keys of a prefix, ordered", "… by looking at all", &with->prefix,
         &without->prefix},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct report_base base = report_base(report, rows[i].base, "ns", rows[i].without);
        report_row(report,
                   &(struct report_row){
                       .name = rows[i].name, .unit = "ns", .samples = rows[i].with, .base = base});
    }
    report_row(report, &(struct report_row){.name = "what order adds to a record",
                                            .unit = "B",
                                            .value = with->bytes - without->bytes,
                                            .most = 16});
}

static void free_costs(struct costs *costs)
{
    measure_samples_free(&costs->rising);
    measure_samples_free(&costs->shuffled);
    measure_samples_free(&costs->again);
    measure_samples_free(&costs->prefix);
}

static void measure_order(struct report *report, size_t count, int repeats)
{
    struct costs with = {.bytes = 0}, without = {.bytes = 0};
    struct bare_keys keys;
    bare_keys_make(&keys, count);
    for (int r = 0; r < repeats; r++) {
        measure_one(&without, &keys, false);
        measure_one(&with, &keys, true);
    }
    tell(report, &with, &without);
    free_costs(&with);
    free_costs(&without);
    bare_keys_free(&keys);
}

void core_order(struct report *report)
{
    if (report_wants(report, "order-100k", "10^5 records of one register, their keys in order"))
        measure_order(report, 100000, report->quick ? 3 : 7);
    if (!report->quick && report_wants(report, "order-1M", "10^6 records of one register"))
        measure_order(report, 1000000, 3);
}
