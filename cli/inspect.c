/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/history.h"
#include "crdt/partition.h"
#include "crdt/path.h"
#include "node/node.h"
#include "node/store_lmdb.h"
#include "node/store_replica.h"
#include "proto/batch.h"

/* Of a long value no more is shown. */
#define SHOWN_BYTES ((size_t)64)

static const char usage[] =
    "holm inspect DIR [KEY [NAME...]] - what a store has; its node may run meanwhile\n"
    "\n"
    "Without a key: whose it is, the highest epoch it lived under, and by partition the records "
    "and\n"
    "tombstones, the digest of what is live, the bytes stored, and the vector (per writer the "
    "last\n"
    "operation). Everything is read and checked, so that this verifies a backup.\n"
    "With a key: its cells, who wrote them when, and what each replaced, if that is still known; "
    "then\n"
    "the runs that are stored and touch it. What an operation replaced stands in its run: of runs "
    "that\n"
    "have given way to a state it is not known any more, and of a state that a peer sent it never "
    "was.\n"
    "Since when runs are stored is said below the cells. A writer is\n"
    "NODE@EPOCH:OPERATION: the node's id, unless its name is among the NAMEs; the epoch's first 48 "
    "bits\n"
    "are the milliseconds at which that life began. Of a counter a run has the writer's sum so "
    "far. "
    "An\n"
    "empty KEY is none: holm inspect DIR '' lisbon oslo shows all partitions with these names.\n";

/* ---- words ---------------------------------------------------------------------------------- */

/* Bytes as they are, what is not plain text as \xNN. */
static void print_bytes(struct holm_bytes bytes)
{
    const unsigned char *at = bytes.data;
    for (size_t i = 0; i < bytes.size; i++) {
        if (at[i] >= ' ' && at[i] < 0x7f && at[i] != '\\')
            (void)putchar(at[i]);
        else
            (void)printf("\\x%02x", at[i]);
    }
}

static void print_text(struct holm_bytes bytes)
{
    (void)putchar('"');
    print_bytes(holm_mem(bytes.data, bytes.size < SHOWN_BYTES ? bytes.size : SHOWN_BYTES));
    (void)putchar('"');
    if (bytes.size > SHOWN_BYTES)
        (void)printf("... (%zu bytes)", bytes.size);
}

static void print_path(struct holm_bytes path)
{
    for (bool first = true; path.size > 0; first = false) {
        if (!first)
            (void)putchar('/');
        print_bytes(holm_path_take(&path));
    }
}

static const char *kind_word(uint8_t kind)
{
    static const char *const words[] = {"?", "register", "counter", "set", "flag", "max", "min"};
    return kind < sizeof words / sizeof words[0] ? words[kind] : "?";
}

static void print_value(const struct holm_value *value)
{
    switch (value->type) {
    case HOLM_NONE:
        break;
    case HOLM_BYTES:
    case HOLM_TEXT:
        print_text(value->as.bytes);
        break;
    case HOLM_I64:
        (void)printf("%" PRId64, value->as.i64);
        break;
    case HOLM_DOUBLE:
        (void)printf("%.17g", value->as.f64);
        break;
    case HOLM_BOOL:
        (void)printf("%s", value->as.boolean ? "true" : "false");
        break;
    }
}

/* Nodes are known to a store by their ids, which come from their names: these are shown by name. */
static struct {
    char **names;
    int count;
} known;

static void print_node(struct holm_node_id node)
{
    for (int i = 0; i < known.count; i++) {
        if (holm_node_id_of(known.names[i]).value == node.value) {
            (void)printf("%s", known.names[i]);
            return;
        }
    }
    (void)printf("%" PRIx64, node.value);
}

static void print_actor(struct holm_actor actor)
{
    print_node(actor.node);
    (void)printf("@%" PRIx64, actor.epoch.value);
}

static void print_dot(struct holm_dot dot)
{
    print_actor(dot.actor);
    if (dot.seq == HOLM_SEQ_FOLDED)
        (void)printf(":folded");
    else
        (void)printf(":%" PRIu64, dot.seq);
}

static void print_time(uint64_t hlc)
{
    time_t seconds = (time_t)((hlc >> 16) / 1000);
    struct tm parts;
    char text[40];
    if (hlc == 0 || gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts) == 0)
        return;
    (void)printf("  %s.%03uZ", text, (unsigned)((hlc >> 16) % 1000));
}

/* ---- what is looked at ---------------------------------------------------------------------- */

struct inspection {
    struct holm_store *store;
    struct holm_store_lmdb_facts facts;
    struct holm_allocator allocator;
    struct holm_bytes key;
    struct holm_history history;
    uint64_t records, tombstones, runs, batches; /* counted */
    bool found;
};

static struct holm_replica_config replica_config(const struct inspection *inspection,
                                                 uint32_t partition)
{
    struct holm_replica_config config = holm_replica_config_default();
    config.allocator = inspection->allocator;
    config.partition = partition;
    config.self.node = inspection->facts.node;
    config.self.epoch.value = inspection->facts.epoch.value + 1;
    config.digest_seed = inspection->facts.cluster;
    config.list = partition == inspection->facts.partitions;
    config.retention = config.list ? HOLM_RETENTION_FOREVER : inspection->facts.retention;
    config.frame_bytes_max = (size_t)1 << 26;
    return config;
}

static enum holm_status load(const struct inspection *inspection, uint32_t partition,
                             struct holm_replica **replica)
{
    struct holm_replica_config config = replica_config(inspection, partition);
    struct holm_now now = {.monotonic_us = 1, .wall_ms = inspection->facts.epoch.value >> 16};
    return holm_store_replica(inspection->store, &config, now, replica);
}

/* ---- partitions ----------------------------------------------------------------------------- */

static bool count_key(void *context, struct holm_bytes key)
{
    (void)key;
    ((struct inspection *)context)->records++;
    return true;
}

static bool count_tombstone(void *context, struct holm_bytes key, struct holm_dot dot)
{
    (void)key;
    (void)dot;
    ((struct inspection *)context)->tombstones++;
    return true;
}

static enum holm_status count_batch(void *context, struct holm_bytes bytes)
{
    struct inspection *inspection = context;
    struct holm_batch batch;
    if (bytes.size > 0 && *(const unsigned char *)bytes.data == 0)
        return HOLM_OK; /* a forget that was collected under: no batch begins so */
    enum holm_status status = holm_batch_decode(&inspection->allocator, bytes, &batch);
    if (status != HOLM_OK)
        return status;
    inspection->batches++;
    holm_batch_release(&inspection->allocator, &batch);
    return HOLM_OK;
}

static void print_vector(const struct holm_replica *replica)
{
    size_t count = holm_replica_vector(replica, NULL, 0);
    struct holm_dot *dots = calloc(count + 1, sizeof *dots);
    if (dots == NULL)
        return;
    (void)holm_replica_vector(replica, dots, count);
    for (size_t i = 0; i < count; i++) {
        (void)printf("    ");
        print_dot(dots[i]);
        (void)putchar('\n');
    }
    free(dots);
}

static void print_partition(struct inspection *inspection, uint32_t partition,
                            const struct holm_replica *replica)
{
    struct holm_store_lmdb_sizes sizes = holm_store_lmdb_sizes(inspection->store, partition);
    struct holm_digest digest = holm_replica_digest(replica);
    inspection->records = inspection->tombstones = 0;
    holm_replica_visit_keys(replica, holm_mem(NULL, 0), count_key, inspection);
    holm_replica_visit_tombstones(replica, count_tombstone, inspection);
    if (partition == inspection->facts.partitions)
        (void)printf("members:");
    else
        (void)printf("partition %" PRIu32 ":", partition);
    (void)printf(" %" PRIu64 " records, %" PRIu64 " tombstones, digest %016" PRIx64 "%016" PRIx64
                 ", vector hash %016" PRIx64 "; state %" PRIu64 " bytes, runs %" PRIu64
                 ", journal %" PRIu64 " (%" PRIu64 " batches)\n",
                 inspection->records, inspection->tombstones, digest.high, digest.low,
                 holm_replica_vector_hash(replica), sizes.state_bytes, sizes.run_bytes,
                 sizes.journal_bytes, inspection->batches);
    print_vector(replica);
}

static enum holm_status inspect_partition(struct inspection *inspection, uint32_t partition)
{
    struct holm_replica *replica;
    inspection->batches = 0;
    enum holm_status status = load(inspection, partition, &replica);
    if (status == HOLM_OK)
        status = inspection->store->ops->journal_load(inspection->store, partition, count_batch,
                                                      inspection);
    if (status == HOLM_OK)
        print_partition(inspection, partition, replica);
    else
        (void)fprintf(stderr, "holm inspect: partition %" PRIu32 ": %s\n", partition,
                      holm_strerror(status));
    holm_replica_free(replica);
    return status;
}

static enum holm_status inspect_all(struct inspection *inspection)
{
    const struct holm_store_lmdb_facts *facts = &inspection->facts;
    bool stable = facts->retention == HOLM_RETENTION_STABLE;
    enum holm_status status = HOLM_OK;
    (void)printf("node ");
    print_node(facts->node);
    (void)printf(", epochs up to %" PRIx64 ", cluster %016" PRIx64 ", %" PRIu32
                 " partitions, retention %s, %" PRIu64 " bytes of file\n",
                 facts->epoch.value, facts->cluster, facts->partitions,
                 stable ? "stable" : "forever", facts->file_bytes);
    for (uint32_t i = 0; i < facts->partitions + stable; i++) {
        enum holm_status one = inspect_partition(inspection, i);
        status = status == HOLM_OK ? one : status;
    }
    return status;
}

/* ---- one key -------------------------------------------------------------------------------- */

static void print_replaced(const struct holm_delta *run, const struct holm_item *item)
{
    const struct holm_items *items = &run->items;
    for (uint32_t i = 0; i < item->seen_count; i++) {
        const struct holm_seen *seen = &items->seen[item->seen_first + i];
        (void)printf(i == 0 ? "  replaces " : ", ");
        print_dot((struct holm_dot){items->actors[seen->actor], seen->first});
        if (seen->last != seen->first)
            (void)printf("..%" PRIu64, seen->last);
    }
}

/* An entry of a counter replaces its writer's own, always. */
static void print_whether_known(const struct inspection *inspection,
                                const struct holm_cell_view *cell)
{
    const struct holm_delta *run;
    if (cell->kind == HOLM_COUNTER)
        return;
    const struct holm_item *item = holm_history_find(&inspection->history, cell->dot, &run);
    if (item == NULL)
        (void)printf("  replaces: not known, its run is not stored");
    else if (item->seen_count == 0)
        (void)printf("  replaces nothing");
    else
        print_replaced(run, item);
}

static bool print_cell(void *context, const struct holm_cell_view *cell)
{
    struct inspection *inspection = context;
    inspection->found = true;
    (void)printf("  %-8s ", kind_word(cell->kind));
    print_path(cell->path);
    (void)putchar(' ');
    if (cell->sub.size > 0)
        print_bytes(cell->sub);
    print_value(&cell->value);
    (void)printf("  by ");
    print_dot(cell->dot);
    print_time(cell->hlc);
    print_whether_known(inspection, cell);
    (void)putchar('\n');
    return true;
}

/* Whether all that was ever replaced here is known, and if not, since when. */
static void print_since(const struct inspection *inspection, uint32_t partition)
{
    const struct holm_history *history = &inspection->history;
    if (holm_store_lmdb_sizes(inspection->store, partition).state_bytes == 0) {
        (void)printf("  every run of this partition is stored\n");
        return;
    }
    if (history->stored == 0) {
        (void)printf("  no run of this partition is stored: a state is in their place\n");
        return;
    }
    (void)printf("  of this partition %" PRIu64 " runs are stored, since", history->stored);
    print_time(history->since_hlc);
    (void)printf("; a state is in the place of those before\n");
}

static bool print_tombstone(void *context, struct holm_bytes key, struct holm_dot dot)
{
    struct inspection *inspection = context;
    if (!holm_bytes_equal(key, inspection->key))
        return true;
    inspection->found = true;
    (void)printf("  buried  by ");
    print_dot(dot);
    (void)putchar('\n');
    return true;
}

static void print_item(const struct holm_delta *run, const struct holm_item *item)
{
    static const char *const words[] = {"?", "put", "drop", "remove", "bury", "count", "?"};
    (void)printf("    %s ", item->op <= HOLM_ITEM_KNOWN ? words[item->op] : "?");
    if (item->kind != 0)
        (void)printf("%s ", kind_word(item->kind));
    print_path(item->path);
    (void)putchar(' ');
    if (item->sub.size > 0)
        print_bytes(item->sub);
    if (item->op == HOLM_ITEM_PUT)
        print_value(&item->value);
    if (item->op == HOLM_ITEM_COUNT)
        (void)printf("sum %" PRId64,
                     (int64_t)((uint64_t)item->count.sum - (uint64_t)item->count.cancelled_sum));
    print_replaced(run, item);
    print_time(item->hlc);
    (void)putchar('\n');
}

static void print_run(const struct inspection *inspection, const struct holm_delta *run)
{
    (void)printf("  run ");
    print_actor(run->actor);
    (void)printf(":%" PRIu64 "..%" PRIu64 "\n", run->first, run->last);
    for (uint32_t i = 0; i < run->items.item_count; i++) {
        if (holm_bytes_equal(run->items.items[i].key, inspection->key))
            print_item(run, &run->items.items[i]);
    }
}

static enum holm_status take_run(void *context, struct holm_delta *run)
{
    return holm_history_take(context, run);
}

static void print_key(struct inspection *inspection, uint32_t partition,
                      const struct holm_replica *replica)
{
    const struct holm_history *history = &inspection->history;
    print_bytes(inspection->key);
    (void)printf("  in partition %" PRIu32 "\n", partition);
    inspection->found = history->count > 0;
    holm_replica_visit(replica, inspection->key, print_cell, inspection);
    holm_replica_visit_tombstones(replica, print_tombstone, inspection);
    if (inspection->found)
        print_since(inspection, partition);
    for (size_t i = 0; i < history->count; i++)
        print_run(inspection, history->runs[i]);
}

static enum holm_status inspect_key(struct inspection *inspection)
{
    struct holm_replica *replica;
    uint32_t partition = holm_partition_of(inspection->key, inspection->facts.partitions);
    inspection->history = (struct holm_history){.allocator = inspection->allocator,
                                                .key = inspection->key};
    enum holm_status status = load(inspection, partition, &replica);
    if (status == HOLM_OK)
        status = inspection->store->ops->load(inspection->store, partition, take_run,
                                              &inspection->history);
    if (status == HOLM_OK)
        print_key(inspection, partition, replica);
    holm_history_release(&inspection->history);
    holm_replica_free(replica);
    if (status == HOLM_OK && !inspection->found)
        status = HOLM_ENOENT;
    if (status != HOLM_OK)
        (void)fprintf(stderr, "holm inspect: %s\n", holm_strerror(status));
    return status;
}

/* ---- verifying ------------------------------------------------------------------------------ */

static enum holm_status verify_all(struct inspection *inspection)
{
    const struct holm_store_lmdb_facts *facts = &inspection->facts;
    uint32_t count = facts->partitions + (facts->retention == HOLM_RETENTION_STABLE ? 1 : 0);
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; i < count; i++) {
        struct holm_replica *replica;
        enum holm_status one = load(inspection, i, &replica);
        if (one == HOLM_OK)
            one = inspection->store->ops->journal_load(inspection->store, i, count_batch,
                                                       inspection);
        if (one == HOLM_OK) {
            holm_replica_visit_keys(replica, holm_mem(NULL, 0), count_key, inspection);
            holm_replica_visit_tombstones(replica, count_tombstone, inspection);
        } else {
            (void)fprintf(stderr, "partition %" PRIu32 ": %s\n", i, holm_strerror(one));
        }
        holm_replica_free(replica);
        status = status == HOLM_OK ? one : status;
    }
    return status;
}

static enum holm_status verify(const char *directory)
{
    struct holm_store_lmdb_config config = holm_store_lmdb_config_default();
    struct inspection inspection = {.allocator = holm_node_allocator()};
    config.allocator = inspection.allocator;
    config.directory = directory;
    config.reading = true;
    enum holm_status status = holm_store_lmdb_open(&config, &inspection.store);
    if (status != HOLM_OK)
        return status;
    holm_store_lmdb_facts(inspection.store, &inspection.facts);
    status = verify_all(&inspection);
    if (status == HOLM_OK)
        (void)printf("%s: whole: node %" PRIx64 ", epochs up to %" PRIx64 ", %" PRIu64
                     " records, %" PRIu64 " tombstones, %" PRIu64 " batches in the journal\n",
                     directory, inspection.facts.node.value, inspection.facts.epoch.value,
                     inspection.records, inspection.tombstones, inspection.batches);
    inspection.store->ops->close(inspection.store);
    return status;
}

/* LMDB believes what its pages say of each other, so that damage to them may end who reads: let it be a child. */
int holm_cli_verify(const char *directory)
{
    int ended = 0;
    (void)fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        enum holm_status status = verify(directory);
        (void)fflush(NULL);
        _exit((int)status);
    }
    if (child < 0 || waitpid(child, &ended, 0) != child) {
        (void)fprintf(stderr, "holm: %s: it cannot be read in a process of its own\n", directory);
        return HOLM_EXIT_ERROR;
    }
    if (WIFEXITED(ended) && WEXITSTATUS(ended) == HOLM_OK)
        return HOLM_EXIT_OK;
    (void)fprintf(stderr, "%s: not whole: %s\n", directory,
                  !WIFEXITED(ended)                   ? "its pages are damaged"
                  : WEXITSTATUS(ended) == HOLM_ENOENT ? "there is no store"
                  : WEXITSTATUS(ended) == HOLM_EMALFORMED
                      ? "it is damaged"
                      : holm_strerror((enum holm_status)WEXITSTATUS(ended)));
    return HOLM_EXIT_ERROR;
}

/* ---- the command ---------------------------------------------------------------------------- */

int holm_cli_inspect(int argc, char **argv)
{
    struct holm_store_lmdb_config config = holm_store_lmdb_config_default();
    struct inspection inspection = {.allocator = holm_node_allocator()};
    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return fputs(usage, stdout) == EOF ? HOLM_EXIT_ERROR : HOLM_EXIT_OK;
    if (argc < 2 || argv[1][0] == '-') {
        (void)fputs(usage, stderr);
        return HOLM_EXIT_USAGE;
    }
    config.allocator = inspection.allocator;
    config.directory = argv[1];
    config.reading = true;
    enum holm_status status = holm_store_lmdb_open(&config, &inspection.store);
    if (status != HOLM_OK) {
        (void)fprintf(stderr, "holm inspect: %s: %s\n", argv[1],
                      status == HOLM_ENOENT ? "there is no store" : holm_strerror(status));
        return HOLM_EXIT_ERROR;
    }
    holm_store_lmdb_facts(inspection.store, &inspection.facts);
    inspection.key = holm_str(argc >= 3 ? argv[2] : NULL);
    known.names = argv + 3;
    known.count = argc > 3 ? argc - 3 : 0;
    status = inspection.key.size > 0 ? inspect_key(&inspection) : inspect_all(&inspection);
    inspection.store->ops->close(inspection.store);
    return status == HOLM_OK ? HOLM_EXIT_OK : HOLM_EXIT_ERROR;
}
