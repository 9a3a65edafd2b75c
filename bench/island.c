/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/island.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include <holm/fault.h>
#include <holm/holm.h>

#include "bench/measure.h"
#include "bench/trial.h"
#include "bench/words.h"
#include "node/random.h"

#define LOOK_MS 1
#define TELL_BYTES_NS UINT64_C(20000000)
#define KEYS 1000 /* of each node; written in turn, so that no write hides one before it for long */
#define ENTRIES_MAX 4096
#define OTHERS_MAX 64

struct other {
    struct holm_node_id node;
    uint64_t since_ns; /* 0: nothing is expected of it */
};

struct island {
    struct holm_node *node;
    struct holm_watch *watch; /* NULL until it writes */
    const char *name;
    struct holm_random random;
    uint64_t write_every_us; /* 0: it does not */
    uint64_t next_write_ns, next_bytes_ns;
    uint64_t written;
    struct holm_stats mark;
    uint64_t mark_foreign;
    uint64_t vector_hash, digest, peers, received; /* as told last */
    bool told;
    struct other others[OTHERS_MAX];
    size_t other_count;
    char input[4096];
    size_t input_size;
    bool over;
};

/* ---- telling -------------------------------------------------------------------------------- */

/* Operations of others that are applied here. */
static uint64_t foreign(struct island *island)
{
    static struct holm_dot entries[ENTRIES_MAX];
    struct holm_actor self = holm_self(island->node);
    uint64_t sum = 0;
    for (uint32_t p = 0; p < holm_partition_count(island->node); p++) {
        size_t count = holm_vector(island->node, p, entries, ENTRIES_MAX);
        for (size_t i = 0; i < count && i < ENTRIES_MAX; i++)
            if (entries[i].actor.node.value != self.node.value ||
                entries[i].actor.epoch.value != self.epoch.value)
                sum += entries[i].seq;
    }
    return sum;
}

static void tell_state(struct island *island)
{
    struct holm_stats stats;
    uint64_t now_ns = measure_now_ns();
    holm_stats(island->node, &stats);
    if (stats.peers_up != island->peers || !island->told)
        (void)printf("P %" PRIu64 "\n", stats.peers_up);
    if (stats.vector_hash != island->vector_hash || stats.digest != island->digest || !island->told)
        (void)printf("V %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", stats.vector_hash, stats.digest,
                     now_ns);
    island->peers = stats.peers_up;
    island->vector_hash = stats.vector_hash;
    island->digest = stats.digest;
    island->told = true;
    if (now_ns < island->next_bytes_ns)
        return;
    island->next_bytes_ns = now_ns + TELL_BYTES_NS;
    if (stats.bytes_received != island->received)
        (void)printf("B %" PRIu64 "\n", stats.bytes_received - island->received);
    island->received = stats.bytes_received;
}

struct content {
    uint64_t records, user_bytes, sum, loaded;
};

static bool is_loaded(const char *key, const struct holm_view *view)
{
    char wanted[32];
    int64_t number = holm_view_entry(view, 0)->value.as.i64;
    (void)snprintf(wanted, sizeof wanted, "k%08" PRId64, number);
    return holm_view_entry(view, 0)->kind == HOLM_REGISTER && strcmp(key, wanted) == 0;
}

/* As anybody reads it, field by field; the scan has only said that it is there. */
static void tell_key(struct holm_node *node, const char *text)
{
    struct holm_bytes key = holm_mem(text, strlen(text));
    struct holm_value value = holm_i64(0);
    int64_t sum = 0;
    bool put = holm_get(node, key, holm_mem(NULL, 0), NULL, 0, &value, NULL) == HOLM_OK;
    bool added = holm_count(node, key, holm_mem(NULL, 0), &sum) == HOLM_OK;
    (void)printf("K %s %d %" PRId64 " %d %" PRId64 "\n", text, put, value.as.i64, added, sum);
}

static struct content read_all(struct holm_node *node)
{
    struct content content = {.records = 0};
    struct holm_scan *scan;
    measure_must(holm_scan_open(node, HOLM_EVERY_PARTITION, holm_mem(NULL, 0), &scan), "a scan");
    for (const struct holm_view *view = holm_scan_next(scan); view != NULL;
         view = holm_scan_next(scan)) {
        char text[64];
        struct holm_bytes key = holm_view_key(view);
        uint64_t value = (uint64_t)holm_view_entry(view, 0)->value.as.i64;
        content.records++;
        content.user_bytes += key.size + sizeof value;
        content.sum += XXH3_64bits_withSeed(key.data, key.size, value);
        (void)snprintf(text, sizeof text, "%.*s", (int)key.size, (const char *)key.data);
        if (text[0] == 'k')
            content.loaded += is_loaded(text, view);
        else
            tell_key(node, text);
    }
    holm_scan_close(scan);
    return content;
}

static void tell_vector(struct holm_node *node)
{
    static struct holm_dot entries[ENTRIES_MAX];
    for (uint32_t p = 0; p < holm_partition_count(node); p++) {
        size_t count = holm_vector(node, p, entries, ENTRIES_MAX);
        measure_require(count <= ENTRIES_MAX, "a vector is short");
        for (size_t i = 0; i < count; i++)
            (void)printf("C %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", p,
                         entries[i].actor.node.value, entries[i].actor.epoch.value, entries[i].seq);
    }
}

static void report(struct island *island)
{
    struct holm_stats stats;
    uint64_t changes = foreign(island) - island->mark_foreign;
    tell_vector(island->node);
    struct content content = read_all(island->node);
    holm_stats(island->node, &stats);
    uint64_t again = stats.deltas_duplicate - island->mark.deltas_duplicate;
    uint64_t figures[HOLM_ISLAND_FIGURES] = {
        [HOLM_ISLAND_OPERATIONS] = stats.operations - island->mark.operations,
        [HOLM_ISLAND_CHANGES] = changes,
        [HOLM_ISLAND_RECEIVED] = stats.bytes_received - island->mark.bytes_received,
        [HOLM_ISLAND_PULLS] = stats.pulls - island->mark.pulls,
        [HOLM_ISLAND_SYNCS] = stats.syncs - island->mark.syncs,
        [HOLM_ISLAND_BREACHES] = stats.digest_breaches,
        [HOLM_ISLAND_STATE_BYTES] = stats.state_bytes,
        [HOLM_ISLAND_USER_BYTES] = content.user_bytes,
        [HOLM_ISLAND_RECORDS] = content.records,
        [HOLM_ISLAND_CONTENT] = content.sum,
        [HOLM_ISLAND_LOADED] = content.loaded,
        [HOLM_ISLAND_RUNS] = stats.deltas_applied - island->mark.deltas_applied + again,
        [HOLM_ISLAND_AGAIN] = again,
    };
    (void)fputs("R", stdout);
    for (size_t i = 0; i < HOLM_ISLAND_FIGURES; i++)
        (void)printf(" %" PRIu64, figures[i]);
    (void)fputs("\n", stdout);
}

/* ---- writing and reading -------------------------------------------------------------------- */

/* Said before it is done. A process that is killed in between leaves what it wrote, and no receipt. */
static void write_one(struct island *island)
{
    char text[64];
    struct holm_receipt receipt;
    int64_t amount = 0, value = 0;
    uint64_t counter = holm_random_between(&island->random, 0, HOLM_BENCH_KEYS - 1);
    if (holm_random_between(&island->random, 1, 10) <= HOLM_BENCH_COUNTED_OF_TEN) {
        amount = (int64_t)holm_random_between(&island->random, 1, 15);
        (void)snprintf(text, sizeof text, "c%08" PRIu64, counter);
    } else {
        value = (int64_t)measure_now_ns();
        (void)snprintf(text, sizeof text, "%s-%04" PRIu64, island->name, island->written++ % KEYS);
    }
    (void)printf("W %s %" PRId64 " %" PRId64 "\n", text, amount, value);
    measure_require(fflush(stdout) == 0, "there is somebody to tell");
    struct holm_bytes key = holm_mem(text, strlen(text));
    struct holm_op op = amount == 0 ? holm_op_put(key, holm_mem(NULL, 0), holm_i64(value))
                                    : holm_op_add(key, holm_mem(NULL, 0), amount);
    measure_must(holm_commit(island->node, &op, 1, &receipt), "a write");
    (void)printf("T %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", receipt.partition,
                 receipt.first.actor.node.value, receipt.first.actor.epoch.value,
                 receipt.first.seq);
}

static void write_due(struct island *island)
{
    uint64_t now_ns = measure_now_ns();
    while (island->write_every_us > 0 && island->next_write_ns <= now_ns) {
        write_one(island);
        island->next_write_ns += 1000 * holm_random_between(&island->random, 1,
                                                            2 * island->write_every_us);
    }
}

static struct other *other_of(struct island *island, struct holm_node_id node)
{
    for (size_t i = 0; i < island->other_count; i++)
        if (island->others[i].node.value == node.value)
            return &island->others[i];
    measure_require(island->other_count < OTHERS_MAX, "there are not so many nodes");
    island->others[island->other_count] = (struct other){.node = node};
    return &island->others[island->other_count++];
}

static void read_changes(struct island *island)
{
    struct holm_change change;
    struct holm_value value;
    bool any = false;
    while (island->watch != NULL && holm_watch_next(island->watch, &change) == HOLM_OK) {
        if (change.overflow || change.origin.value == holm_self(island->node).node.value ||
            holm_get(island->node, change.key, holm_mem(NULL, 0), NULL, 0, &value, NULL) != HOLM_OK)
            continue;
        uint64_t now_ns = measure_now_ns(), written_ns = (uint64_t)value.as.i64;
        uint64_t since_ns = other_of(island, change.origin)->since_ns;
        if (since_ns == 0 || written_ns < since_ns || written_ns > now_ns)
            continue;
        (void)printf("%s %" PRIu64, any ? "" : "S", (now_ns - written_ns) / 1000);
        any = true;
    }
    if (any)
        (void)fputs("\n", stdout);
}

/* ---- what it is told ------------------------------------------------------------------------ */

static void load(struct island *island, uint64_t records)
{
    for (uint64_t i = 0; i < records; i++) {
        char key[32];
        int size = snprintf(key, sizeof key, "k%08" PRIu64, i);
        measure_must(holm_put(island->node, holm_mem(key, (size_t)size), holm_mem(NULL, 0),
                              holm_i64((int64_t)i)),
                     "a record");
    }
}

static void begin_writing(struct island *island, uint64_t every_us)
{
    island->write_every_us = every_us;
    island->next_write_ns = measure_now_ns() +
                            1000 * holm_random_between(&island->random, 0, 2 * every_us);
    if (island->watch == NULL)
        measure_must(holm_watch_open(island->node, holm_mem(NULL, 0), 0, &island->watch),
                     "a watch");
}

static void stop(struct island *island, bool last)
{
    island->write_every_us = 0;
    if (last)
        write_one(island);
    (void)foreign(island); /* seals */
    tell_state(island);
    (void)fputs("E\n", stdout);
}

static void drop(struct island *island, struct holm_bench_words *words)
{
    char name[64];
    holm_bench_words_text(words, name, sizeof name);
    uint64_t way = holm_bench_words_u64(words), permille = holm_bench_words_u64(words);
    measure_must(holm_fault_drop(island->node, holm_node_id_of(name), (enum holm_direction)way,
                                 (uint32_t)permille),
                 "a fault");
}

static void expect(struct island *island, struct holm_bench_words *words)
{
    char name[64];
    holm_bench_words_text(words, name, sizeof name);
    other_of(island, holm_node_id_of(name))->since_ns = holm_bench_words_u64(words);
}

static void mark(struct island *island)
{
    holm_stats(island->node, &island->mark);
    island->mark_foreign = foreign(island);
}

static void obey(struct island *island, const char *line)
{
    char verb[16];
    struct holm_bench_words words = holm_bench_words_of(line);
    holm_bench_words_text(&words, verb, sizeof verb);
    if (strcmp(verb, "load") == 0)
        load(island, holm_bench_words_u64(&words));
    else if (strcmp(verb, "write") == 0)
        begin_writing(island, holm_bench_words_u64(&words));
    else if (strcmp(verb, "drop") == 0)
        drop(island, &words);
    else if (strcmp(verb, "since") == 0)
        expect(island, &words);
    else if (strcmp(verb, "stop") == 0)
        stop(island, holm_bench_words_u64(&words) != 0);
    else if (strcmp(verb, "heal") == 0)
        holm_fault_heal(island->node);
    else if (strcmp(verb, "report") == 0)
        report(island);
    else if (strcmp(verb, "quit") == 0)
        island->over = true;
    else if (strcmp(verb, "mark") == 0)
        mark(island);
    else
        words.bad = true;
    measure_require(holm_bench_words_end(&words), "a line is a command");
}

static void read_input(struct island *island)
{
    size_t room = sizeof island->input - 1 - island->input_size;
    ssize_t got = read(STDIN_FILENO, island->input + island->input_size, room);
    if (got <= 0) {
        island->over = true;
        return;
    }
    island->input_size += (size_t)got;
    island->input[island->input_size] = '\0';
    char *begin = island->input;
    for (char *end; !island->over && (end = strchr(begin, '\n')) != NULL; begin = end + 1) {
        *end = '\0';
        obey(island, begin);
    }
    island->input_size -= (size_t)(begin - island->input);
    memmove(island->input, begin, island->input_size);
}

static void live(struct island *island)
{
    while (!island->over) {
        struct pollfd ready[2] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = island->watch == NULL ? -1 : holm_watch_fd(island->watch), .events = POLLIN}};
        (void)poll(ready, 2, LOOK_MS);
        read_changes(island);
        if (ready[0].revents != 0)
            read_input(island);
        write_due(island);
        tell_state(island);
        if (fflush(stdout) != 0)
            island->over = true;
    }
}

int holm_island_main(int argc, char **argv)
{
    struct holm_config config = holm_config_default();
    static struct island island;
    if (argc != 5)
        return HOLM_BENCH_EXIT_USAGE;
    island.name = config.name = argv[1];
    config.cluster = "bench";
    config.listen = "tcp://127.0.0.1:0";
    config.seeds = argv[2][0] == '\0' ? NULL : argv[2];
    config.store = argv[4][0] == '\0' ? NULL : argv[4];
    config.log_level = 1;
    config.partitions = HOLM_BENCH_PARTITIONS;
    island.random.state = strtoull(argv[3], NULL, 10);
    measure_must(holm_open(&config, &island.node), "opening a node");
    struct holm_actor self = holm_self(island.node);
    (void)printf("A %" PRIu64 " %" PRIu64 " %s\n", self.node.value, self.epoch.value,
                 holm_address(island.node));
    live(&island);
    holm_watch_close(island.watch);
    holm_close(island.node);
    return HOLM_BENCH_EXIT_OK;
}
