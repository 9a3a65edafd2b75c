/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"
#include "crdt/partition.h"

static void *grow(void *items, size_t *capacity, size_t count, size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity * 2 + 64;
    void *grown = realloc(items, *capacity * size);
    measure_require(grown != NULL, "there is memory");
    return grown;
}

/* ---- writers -------------------------------------------------------------------------------- */

void holm_bench_ledger_init(struct holm_bench_ledger *ledger, uint32_t partitions)
{
    *ledger = (struct holm_bench_ledger){.partitions = partitions};
}

void holm_bench_ledger_release(struct holm_bench_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->writer_count; i++)
        free(ledger->writers[i].seqs);
    free(ledger->deeds);
    *ledger = (struct holm_bench_ledger){.partitions = 0};
}

void holm_bench_ledger_begin(struct holm_bench_ledger *ledger, uint32_t node,
                             struct holm_actor actor)
{
    holm_bench_ledger_end(ledger, node);
    measure_require(ledger->writer_count < HOLM_BENCH_WRITERS_MAX, "a ledger has room");
    size_t size = ledger->partitions * sizeof(uint64_t);
    ledger->writers[ledger->writer_count++] = (struct holm_bench_writer){
        .node = node,
        .living = true,
        .actor = actor,
        .seqs = memset(measure_allocate(size), 0, size),
        .last = SIZE_MAX};
}

static struct holm_bench_writer *writer_of(struct holm_bench_ledger *ledger, uint32_t node)
{
    for (uint32_t i = ledger->writer_count; i > 0; i--)
        if (ledger->writers[i - 1].living && ledger->writers[i - 1].node == node)
            return &ledger->writers[i - 1];
    return NULL;
}

void holm_bench_ledger_end(struct holm_bench_ledger *ledger, uint32_t node)
{
    struct holm_bench_writer *writer = writer_of(ledger, node);
    if (writer != NULL)
        writer->living = false;
}

void holm_bench_ledger_intend(struct holm_bench_ledger *ledger, uint32_t node, const char *key,
                              int64_t amount, int64_t value)
{
    struct holm_bench_writer *writer = writer_of(ledger, node);
    measure_require(writer != NULL, "who writes has begun to live");
    ledger->deeds = grow(ledger->deeds, &ledger->capacity, ledger->count, sizeof ledger->deeds[0]);
    struct holm_bench_deed *deed = &ledger->deeds[ledger->count];
    *deed = (struct holm_bench_deed){
        .writer = (uint32_t)(writer - ledger->writers), .amount = amount, .value = value};
    (void)snprintf(deed->key, sizeof deed->key, "%s", key);
    deed->partition = holm_partition_of(holm_mem(deed->key, strlen(deed->key)), ledger->partitions);
    deed->dot = (struct holm_dot){writer->actor, writer->seqs[deed->partition] + 1};
    writer->last = ledger->count++;
}

static bool is_same(struct holm_actor a, struct holm_actor b)
{
    return a.node.value == b.node.value && a.epoch.value == b.epoch.value;
}

bool holm_bench_ledger_took(struct holm_bench_ledger *ledger, uint32_t node, uint32_t partition,
                            struct holm_dot dot)
{
    struct holm_bench_writer *writer = writer_of(ledger, node);
    if (writer == NULL || writer->last == SIZE_MAX || partition >= ledger->partitions)
        return false;
    /* An epoch can grow while a node runs, and begins to count anew. */
    if (!is_same(writer->actor, dot.actor))
        memset(writer->seqs, 0, ledger->partitions * sizeof writer->seqs[0]);
    writer->actor = dot.actor;
    struct holm_bench_deed *deed = &ledger->deeds[writer->last];
    if (deed->taken || deed->partition != partition || dot.seq != writer->seqs[partition] + 1)
        return false;
    deed->dot = dot;
    deed->taken = true;
    writer->seqs[partition] = dot.seq;
    return true;
}

/* ---- what is shown -------------------------------------------------------------------------- */

void holm_bench_shown_release(struct holm_bench_shown *shown)
{
    free(shown->keys);
    free(shown->covers);
    *shown = (struct holm_bench_shown){.keys = NULL};
}

void holm_bench_shown_cover(struct holm_bench_shown *shown, uint32_t partition, struct holm_dot dot)
{
    shown->covers = grow(shown->covers, &shown->cover_capacity, shown->cover_count,
                         sizeof shown->covers[0]);
    shown->covers[shown->cover_count++] = (struct holm_bench_shown_cover){partition, dot};
}

void holm_bench_shown_key(struct holm_bench_shown *shown, const struct holm_bench_shown_key *key)
{
    shown->keys = grow(shown->keys, &shown->capacity, shown->count, sizeof shown->keys[0]);
    shown->keys[shown->count++] = *key;
}

/* ---- both ----------------------------------------------------------------------------------- */

static bool counts(const struct holm_bench_shown *shown, const struct holm_bench_deed *deed)
{
    for (size_t i = 0; i < shown->cover_count; i++)
        if (shown->covers[i].partition == deed->partition &&
            is_same(shown->covers[i].dot.actor, deed->dot.actor))
            return deed->dot.seq <= shown->covers[i].dot.seq;
    return false;
}

static int compare_keys(const void *a, const void *b)
{
    const struct holm_bench_shown_key *left = a, *right = b;
    return strcmp(left->key, right->key);
}

static void sort(struct holm_bench_shown *shown)
{
    if (shown->count > 1)
        qsort(shown->keys, shown->count, sizeof shown->keys[0], compare_keys);
}

/* One entry a key that was written, of all its writes that count. */
static void fold(struct holm_bench_shown *expected)
{
    size_t kept = 0;
    sort(expected);
    for (size_t i = 0; i < expected->count; i++) {
        const struct holm_bench_shown_key *from = &expected->keys[i];
        struct holm_bench_shown_key *into = kept == 0 ? NULL : &expected->keys[kept - 1];
        if (into == NULL || strcmp(into->key, from->key) != 0) {
            expected->keys[kept++] = *from;
            continue;
        }
        if (from->put && (!into->put || from->value > into->value))
            into->value = from->value;
        into->put |= from->put;
        into->added |= from->added;
        into->sum += from->sum;
    }
    expected->count = kept;
}

static bool expect(const struct holm_bench_ledger *ledger, const struct holm_bench_shown *shown,
                   struct holm_bench_shown *expected, const struct holm_bench_deed **missing,
                   uint64_t *lost)
{
    *missing = NULL;
    *lost = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        const struct holm_bench_deed *deed = &ledger->deeds[i];
        if (counts(shown, deed)) {
            struct holm_bench_shown_key key = {
                .put = deed->amount == 0, .added = deed->amount != 0, .sum = deed->amount};
            key.value = key.put ? deed->value : 0;
            memcpy(key.key, deed->key, sizeof key.key);
            holm_bench_shown_key(expected, &key);
        } else if (deed->taken && ledger->writers[deed->writer].living) {
            *missing = deed;
        } else {
            *lost += deed->taken;
        }
    }
    fold(expected);
    return *missing == NULL;
}

static bool compare(const struct holm_bench_shown *expected, const struct holm_bench_shown *shown,
                    char *why, size_t why_size)
{
    for (size_t i = 0; i < expected->count || i < shown->count; i++) {
        const struct holm_bench_shown_key *wanted = i < expected->count ? &expected->keys[i] : NULL;
        const struct holm_bench_shown_key *found = i < shown->count ? &shown->keys[i] : NULL;
        int order = wanted == NULL ? 1 : found == NULL ? -1 : strcmp(wanted->key, found->key);
        if (order < 0)
            (void)snprintf(why, why_size, "%s was written and is not there", wanted->key);
        else if (order > 0)
            (void)snprintf(why, why_size, "%s is there and was not written", found->key);
        else if (wanted->put != found->put || wanted->added != found->added)
            (void)snprintf(why, why_size, "%s has not the fields that were written", wanted->key);
        else if (wanted->added && wanted->sum != found->sum)
            (void)snprintf(why, why_size, "the counter of %s is %" PRId64 ", not %" PRId64,
                           wanted->key, found->sum, wanted->sum);
        else if (wanted->put && wanted->value != found->value)
            (void)snprintf(why, why_size, "the register of %s is not its latest write",
                           wanted->key);
        else
            continue;
        return false;
    }
    return true;
}

bool holm_bench_ledger_check(const struct holm_bench_ledger *ledger, struct holm_bench_shown *shown,
                             char *why, size_t why_size, uint64_t *lost)
{
    struct holm_bench_shown expected = {.keys = NULL};
    const struct holm_bench_deed *missing;
    uint64_t gone;
    sort(shown);
    bool good = expect(ledger, shown, &expected, &missing, &gone);
    if (!good)
        (void)snprintf(why, why_size, "a write of %s by node %" PRIu32 ", which lives, is gone",
                       missing->key, ledger->writers[missing->writer].node);
    good = good && compare(&expected, shown, why, why_size);
    if (lost != NULL)
        *lost = gone;
    holm_bench_shown_release(&expected);
    return good;
}
