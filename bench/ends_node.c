/* SPDX-License-Identifier: Apache-2.0 */
#include <holm/fault.h>
#include <holm/holm.h>

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "bench/bare.h"
#include "bench/ends.h"

#define LOOK_US 200
#define PATIENCE_NS UINT64_C(100000000000)
#define SEEN_MAX 100000
#define TICK_US 1000

struct ends_node {
    struct holm_node *node;
    struct bare_keys keys;
    uint64_t probes;
    pthread_t loader, watcher;
    size_t load_first, load_count, load_tick;
    atomic_bool loading;
    uint64_t loaded;
    struct holm_watch *watch;
    size_t wanted;
    struct measure_samples seen; /* of the watcher's until it has ended */
};

/* ---- writing -------------------------------------------------------------------------------- */

static void put(struct ends_node *self, size_t number)
{
    measure_must(holm_put(self->node, bare_key(&self->keys, number), holm_mem(NULL, 0),
                          holm_i64((int64_t)number)),
                 "a put");
}

static void do_put(struct ends_node *self, size_t first, size_t count)
{
    uint64_t begun = measure_now_ns();
    measure_require(first + count <= self->keys.count, "the keys were made");
    for (size_t i = first; i < first + count; i++)
        put(self, i);
    (void)printf("= %" PRIu64 " %" PRIu64 "\n", begun, measure_now_ns());
}

/* As many a millisecond as it was told, whatever the clock was late by. */
static void *load(void *context)
{
    struct ends_node *self = context;
    uint64_t begun = measure_now_ns();
    size_t next = 0;
    while (atomic_load(&self->loading)) {
        uint64_t due = (measure_now_ns() - begun) / (TICK_US * 1000) * self->load_tick;
        for (; self->loaded < due && atomic_load(&self->loading); self->loaded++) {
            put(self, self->load_first + next);
            next = next + 1 == self->load_count ? 0 : next + 1;
        }
        measure_nap_us(TICK_US);
    }
    return NULL;
}

static void do_load(struct ends_node *self, size_t first, size_t count, size_t tick)
{
    measure_require(first + count <= self->keys.count && count > 0, "the keys were made");
    self->load_first = first;
    self->load_count = count;
    self->load_tick = tick;
    self->loaded = 0;
    atomic_store(&self->loading, true);
    measure_require(pthread_create(&self->loader, NULL, load, self) == 0, "a thread");
    (void)puts("=");
}

static void do_rest(struct ends_node *self)
{
    atomic_store(&self->loading, false);
    pthread_join(self->loader, NULL);
    (void)printf("= %" PRIu64 "\n", self->loaded);
}

/* ---- how late it is read -------------------------------------------------------------------- */

static void do_probe(struct ends_node *self, size_t count, uint64_t pause_us)
{
    for (size_t i = 0; i < count; i++) {
        char key[24];
        int size = snprintf(key, sizeof key, "p%08" PRIu64, self->probes++);
        measure_nap_us(pause_us);
        measure_must(holm_put(self->node, holm_mem(key, (size_t)size), holm_mem(NULL, 0),
                              holm_i64((int64_t)measure_now_ns())),
                     "a put");
    }
    (void)puts("=");
}

static void *watch(void *context)
{
    struct ends_node *self = context;
    while (self->seen.count < self->wanted) {
        struct pollfd ready = {.fd = holm_watch_fd(self->watch), .events = POLLIN};
        struct holm_change change;
        struct holm_value value;
        measure_require(poll(&ready, 1, 20000) == 1, "a put arrives within twenty seconds");
        while (holm_watch_next(self->watch, &change) == HOLM_OK) {
            measure_require(!change.overflow, "a watch keeps up");
            measure_must(holm_get(self->node, change.key, holm_mem(NULL, 0), NULL, 0, &value, NULL),
                         "a read");
            measure_sample(&self->seen, (double)measure_now_ns() - (double)value.as.i64);
        }
    }
    return NULL;
}

static void do_watch(struct ends_node *self, size_t count)
{
    measure_require(count <= SEEN_MAX, "fewer probes");
    self->wanted = count;
    self->seen = (struct measure_samples){0};
    measure_must(holm_watch_open(self->node, holm_mem("p", 1), 0, &self->watch), "a watch");
    measure_require(pthread_create(&self->watcher, NULL, watch, self) == 0, "a thread");
    (void)puts("=");
}

static void do_seen(struct ends_node *self)
{
    pthread_join(self->watcher, NULL);
    measure_require(self->seen.count == self->wanted, "each probe is read once");
    (void)printf("= %.0f %.0f %.0f\n", measure_percentile(&self->seen, 50),
                 measure_percentile(&self->seen, 99), measure_percentile(&self->seen, 100));
    measure_samples_free(&self->seen);
    holm_watch_close(self->watch);
}

/* ---- looking -------------------------------------------------------------------------------- */

static void do_wait(struct ends_node *self, size_t wanted, bool peers)
{
    uint64_t deadline = measure_now_ns() + PATIENCE_NS;
    struct holm_stats stats;
    holm_stats(self->node, &stats);
    while ((peers ? stats.peers_up : stats.records) != wanted) {
        measure_require(measure_now_ns() < deadline, "what a node waits for comes");
        measure_nap_us(LOOK_US);
        holm_stats(self->node, &stats);
    }
    (void)printf("= %" PRIu64 "\n", measure_now_ns());
}

static void do_equal(struct ends_node *self, size_t records)
{
    struct holm_stats stats;
    holm_stats(self->node, &stats);
    measure_require(stats.records == records, "a node has all records, and no others");
    (void)printf("= %" PRIu64 " %" PRIu64 "\n", stats.vector_hash, stats.digest);
}

static void do_check(struct ends_node *self, size_t first, size_t count)
{
    size_t right = 0;
    for (size_t i = first; i < first + count; i++) {
        char key[24];
        struct holm_value value;
        int size = snprintf(key, sizeof key, "k%08zu", i);
        right += holm_get(self->node, holm_mem(key, (size_t)size), holm_mem(NULL, 0), NULL, 0,
                          &value, NULL) == HOLM_OK &&
                 value.type == HOLM_I64 && value.as.i64 == (int64_t)i;
    }
    (void)printf("= %zu\n", right);
}

static void do_usage(struct ends_node *self)
{
    struct rusage usage;
    struct holm_stats stats;
    char text[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    measure_require(file != NULL && fgets(text, sizeof text, file) != NULL, "what is resident");
    const char *second = text + strcspn(text, " ");
    unsigned long pages = strtoul(second, NULL, 10);
    (void)fclose(file);
    measure_require(getrusage(RUSAGE_SELF, &usage) == 0, "what was used");
    holm_stats(self->node, &stats);
    (void)printf("= %ld %ld %" PRIu64 " %" PRIu64 "\n",
                 (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000L +
                     usage.ru_utime.tv_usec + usage.ru_stime.tv_usec,
                 (long)pages * (sysconf(_SC_PAGESIZE) / 1024), stats.bytes_sent,
                 stats.bytes_received);
}

static void do_records(struct ends_node *self)
{
    struct holm_stats stats;
    holm_stats(self->node, &stats);
    (void)printf("= %" PRIu64 "\n", stats.records);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static void obey(struct ends_node *self, const char *word, const char *name,
                 const size_t numbers[3])
{
    if (strcmp(word, "keys") == 0) {
        bare_keys_make(&self->keys, numbers[0]);
        (void)puts("=");
    } else if (strcmp(word, "put") == 0)
        do_put(self, numbers[0], numbers[1]);
    else if (strcmp(word, "load") == 0)
        do_load(self, numbers[0], numbers[1], numbers[2]);
    else if (strcmp(word, "rest") == 0)
        do_rest(self);
    else if (strcmp(word, "probe") == 0)
        do_probe(self, numbers[0], numbers[1]);
    else if (strcmp(word, "watch") == 0)
        do_watch(self, numbers[0]);
    else if (strcmp(word, "seen") == 0)
        do_seen(self);
    else if (strcmp(word, "wait") == 0 || strcmp(word, "peers") == 0)
        do_wait(self, numbers[0], word[0] == 'p');
    else if (strcmp(word, "equal") == 0)
        do_equal(self, numbers[0]);
    else if (strcmp(word, "check") == 0)
        do_check(self, numbers[0], numbers[1]);
    else if (strcmp(word, "usage") == 0)
        do_usage(self);
    else if (strcmp(word, "records") == 0)
        do_records(self);
    else if (strcmp(word, "cut") == 0) {
        measure_must(holm_fault_drop(self->node, holm_node_id_of(name), HOLM_BOTH, 1000), "a cut");
        (void)puts("=");
    } else if (strcmp(word, "heal") == 0) {
        holm_fault_heal(self->node);
        (void)puts("=");
    } else
        measure_fail(word);
    (void)fflush(stdout);
}

int ends_node_main(char **argv)
{
    static struct ends_node self;
    struct holm_config config = holm_config_default();
    char line[256];
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* a group that fails leaves nobody behind */
    config.name = argv[0];
    config.cluster = "bench";
    config.listen = "tcp://127.0.0.1:0";
    config.seeds = argv[1][0] == '\0' ? NULL : argv[1];
    config.store = argv[2][0] == '\0' ? NULL : argv[2];
    config.link_timeout_ms = 1000;
    config.log_level = 1;
    measure_must(holm_open(&config, &self.node), "opening a node");
    (void)printf("= %s\n", holm_address(self.node));
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char word[16] = "", name[64] = "";
        size_t numbers[3] = {0};
        measure_require(sscanf(line, "%15s %63s", word, name) >= 1, "a command");
        char *rest = line + strcspn(line, " ");
        for (size_t i = 0; i < 3; i++)
            numbers[i] = strtoul(rest, &rest, 10); /* 0: it has fewer, or a name */
        obey(&self, word, name, numbers);
    }
    holm_close(self.node);
    return 0;
}
