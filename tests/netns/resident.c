/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node of the netsplit tests: `resident NAME LISTEN SEEDS [LOG-BYTES]` opens one, and answers each line it
 * reads with one that begins with "ok" or "bad".
 *
 *     write WHO FIRST COUNT          keys WHO-FIRST ... : a register each, an increment of one counter,
 *                                    and an element of one set
 *     await MS WHO COUNT ...         until exactly WHO-0 ... WHO-(COUNT - 1) of each are there, and the
 *                                    counter and the set say so, too: "ok US", when by the monotonic
 *                                    clock; or "bad WHY" after MS
 *     fill WHO FIRST COUNT           keys WHO-FIRST ... : a register each, and nothing else
 *     whole MS WHO COUNT ...         as await, of what was filled: no counter, no set
 *     sum NAME                       "ok SUM": of a metric's values, over its partitions or peers
 *     count                          "ok RECORDS PEERS-UP"
 *     mark                           forgets when a peer came up, and when records came
 *     marks                          "ok UP FIRST": the first peer up since, the first new record
 *     stats                          "ok PEERS-UP PULLS SYNCS MALFORMED BREACHES CPU-MS RSS-KIB"
 *     sums                           "ok DIGEST VECTOR-HASH"
 *
 * HOLM_NETNS_MULTICAST and HOLM_NETNS_SECRET are its multicast and multicast_secret, HOLM_NETNS_LINK_MS is another link timeout than the default, HOLM_NETNS_LOG=1 shows the node's log.
 */
#include <holm/holm.h>

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define WRITERS_MAX 8
#define LINE_BYTES 512
#define LOOK_US 1000

struct written {
    char who[16];
    uint32_t count;
};

static _Atomic uint64_t first_up_us;

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void heed(void *context, int level, const char *line)
{
    uint64_t none = 0;
    (void)context;
    (void)level;
    if (strstr(line, " is up") != NULL)
        (void)atomic_compare_exchange_strong(&first_up_us, &none, now_us());
    if (getenv("HOLM_NETNS_LOG") != NULL)
        (void)fprintf(stderr, "%.3f %s\n", (double)now_us() / 1e6, line);
}

/* What stands under a key follows from the key. */
static int64_t content(const char *key)
{
    uint64_t hash = 14695981039346656037u;
    for (; *key != '\0'; key++)
        hash = (hash ^ (unsigned char)*key) * 1099511628211u;
    return (int64_t)(hash >> 8);
}

static bool write_one(struct holm_node *node, const char *who, uint32_t number)
{
    char key[32];
    (void)snprintf(key, sizeof key, "%.15s-%u", who, number);
    return holm_put(node, holm_str(key), holm_str("v"), holm_i64(content(key))) == HOLM_OK &&
           holm_add(node, holm_str("sum"), holm_str(""), 1) == HOLM_OK &&
           holm_insert(node, holm_str("all"), holm_str(""), holm_str(key)) == HOLM_OK;
}

static bool fill_one(struct holm_node *node, const char *who, uint32_t number)
{
    char key[32];
    (void)snprintf(key, sizeof key, "%.15s-%u", who, number);
    return holm_put(node, holm_str(key), holm_str("v"), holm_i64(content(key))) == HOLM_OK;
}

static bool holds(struct holm_node *node, const char *who, uint32_t number, bool plain)
{
    char key[32];
    struct holm_value value;
    (void)snprintf(key, sizeof key, "%.15s-%u", who, number);
    return holm_get(node, holm_str(key), holm_str("v"), NULL, 0, &value, NULL) == HOLM_OK &&
           value.type == HOLM_I64 && value.as.i64 == content(key) &&
           (plain || holm_contains(node, holm_str("all"), holm_str(""), holm_str(key)));
}

static uint64_t count_records(struct holm_node *node)
{
    struct holm_stats stats;
    holm_stats(node, &stats);
    return stats.records;
}

/* NULL when it holds what was written and nothing else. */
static const char *missing(struct holm_node *node, const struct written *written, size_t writers,
                           bool plain)
{
    uint64_t total = 0;
    int64_t sum = 0;
    for (size_t i = 0; i < writers; i++)
        total += written[i].count;
    if (count_records(node) != total + (total > 0 && !plain ? 2 : 0))
        return "records";
    if (total > 0 && !plain &&
        (holm_count(node, holm_str("sum"), holm_str(""), &sum) != HOLM_OK || sum != (int64_t)total))
        return "sum";
    for (size_t i = 0; i < writers; i++)
        for (uint32_t n = 0; n < written[i].count; n++)
            if (!holds(node, written[i].who, n, plain))
                return "content";
    return NULL;
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void do_write(struct holm_node *node, const char *line,
                     bool (*write)(struct holm_node *, const char *, uint32_t))
{
    char who[16];
    unsigned first, count;
    bool done = sscanf(line, "%15s %u %u", who, &first, &count) == 3;
    for (unsigned i = 0; done && i < count; i++)
        done = write(node, who, first + i);
    (void)puts(done ? "ok" : "bad");
}

static size_t read_written(const char *line, struct written written[WRITERS_MAX])
{
    size_t writers = 0;
    int used;
    while (writers < WRITERS_MAX &&
           sscanf(line, "%15s %u%n", written[writers].who, &written[writers].count, &used) == 2) {
        line += used;
        writers++;
    }
    return writers;
}

static uint64_t mark_records, first_record_us;

static void do_await(struct holm_node *node, const char *line, bool plain)
{
    struct written written[WRITERS_MAX];
    unsigned patience_ms;
    int used;
    if (sscanf(line, "%u%n", &patience_ms, &used) != 1) {
        (void)puts("bad line");
        return;
    }
    size_t writers = read_written(line + used, written);
    uint64_t deadline_us = now_us() + (uint64_t)patience_ms * 1000;
    const char *lacks;
    for (;;) {
        if (first_record_us == 0 && count_records(node) > mark_records)
            first_record_us = now_us();
        lacks = missing(node, written, writers, plain);
        if (lacks == NULL || now_us() >= deadline_us)
            break;
        struct timespec pause = {0, LOOK_US * 1000};
        (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
    }
    if (lacks == NULL)
        (void)printf("ok %" PRIu64 "\n", now_us());
    else
        (void)printf("bad %s, %" PRIu64 " records\n", lacks, count_records(node));
}

static void do_mark(struct holm_node *node)
{
    atomic_store(&first_up_us, 0);
    mark_records = count_records(node);
    first_record_us = 0;
    (void)puts("ok");
}

static void do_stats(struct holm_node *node)
{
    struct holm_stats stats;
    struct rusage usage;
    holm_stats(node, &stats);
    (void)getrusage(RUSAGE_SELF, &usage);
    uint64_t cpu_ms = (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
                      (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
    (void)printf("ok %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %ld\n",
                 stats.peers_up, stats.pulls, stats.syncs, stats.malformed, stats.digest_breaches,
                 cpu_ms, usage.ru_maxrss);
}

/* Of the value of each sample of that name. */
static double sum_of(const char *text, const char *name)
{
    double sum = 0;
    size_t size = strlen(name);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, size) != 0 || (line[size] != ' ' && line[size] != '{'))
            continue;
        /* Names of nodes have no spaces here. */
        sum += strtod(line + strcspn(line, " \n"), NULL);
    }
    return sum;
}

static void do_sum(struct holm_node *node, const char *line)
{
    char name[64] = "";
    size_t size = 0, capacity = 0;
    char *text = NULL;
    enum holm_status status;
    (void)sscanf(line, "%63s", name);
    while ((status = holm_metrics(node, text, capacity, &size)) == HOLM_ESPACE) {
        free(text);
        capacity = size + size / 8 + 1;
        text = malloc(capacity);
        if (text == NULL)
            break;
    }
    if (status == HOLM_OK && text != NULL) {
        text[size] = '\0';
        (void)printf("ok %.0f\n", sum_of(text, name));
    } else {
        (void)puts("bad metrics");
    }
    free(text);
}

static void do_count(struct holm_node *node)
{
    struct holm_stats stats;
    holm_stats(node, &stats);
    (void)printf("ok %" PRIu64 " %" PRIu64 "\n", stats.records, stats.peers_up);
}

static void obey(struct holm_node *node, const char *line)
{
    struct holm_stats stats;
    if (strncmp(line, "write ", 6) == 0) {
        do_write(node, line + 6, write_one);
    } else if (strncmp(line, "fill ", 5) == 0) {
        do_write(node, line + 5, fill_one);
    } else if (strncmp(line, "await ", 6) == 0) {
        do_await(node, line + 6, false);
    } else if (strncmp(line, "whole ", 6) == 0) {
        do_await(node, line + 6, true);
    } else if (strncmp(line, "sum ", 4) == 0) {
        do_sum(node, line + 4);
    } else if (strcmp(line, "count\n") == 0) {
        do_count(node);
    } else if (strcmp(line, "mark\n") == 0) {
        do_mark(node);
    } else if (strcmp(line, "marks\n") == 0) {
        (void)printf("ok %" PRIu64 " %" PRIu64 "\n", atomic_load(&first_up_us), first_record_us);
    } else if (strcmp(line, "stats\n") == 0) {
        do_stats(node);
    } else if (strcmp(line, "sums\n") == 0) {
        holm_stats(node, &stats);
        (void)printf("ok %" PRIx64 " %" PRIx64 "\n", stats.digest, stats.vector_hash);
    } else {
        (void)puts("bad line");
    }
    (void)fflush(stdout);
}

int main(int argc, char **argv)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;
    char line[LINE_BYTES];
    if (argc < 4)
        return 2;
    config.name = argv[1];
    config.listen = argv[2];
    config.seeds = argv[3];
    config.multicast = getenv("HOLM_NETNS_MULTICAST");
    config.multicast_secret = getenv("HOLM_NETNS_SECRET");
    config.insecure = true; /* rooms of our own */
    config.log = heed;
    config.log_level = 3;
    if (getenv("HOLM_NETNS_LINK_MS") != NULL)
        config.link_timeout_ms = (uint32_t)strtoul(getenv("HOLM_NETNS_LINK_MS"), NULL, 10);
    if (argc > 4)
        config.log_bytes_max = strtoul(argv[4], NULL, 10);
    if (holm_open(&config, &node) != HOLM_OK)
        return 1;
    while (fgets(line, sizeof line, stdin) != NULL)
        obey(node, line);
    holm_close(node);
    return 0;
}
