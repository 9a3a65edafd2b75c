/* SPDX-License-Identifier: Apache-2.0 */
#include "node/scan.h"

#include <stdlib.h>

#include "crdt/order.h"
#include "node/node.h"
#include "node/view.h"

struct holm_scan {
    struct holm_view **views;
    size_t count;
    size_t capacity;
    size_t next; /* the next to be read */
};

/* What is scanned for. */
struct wanted {
    uint32_t partition;
    struct holm_bytes prefix;
    const struct holm_bytes *after; /* NULL: from the first */
    size_t limit;
};

struct copying {
    const struct holm_replica *replica;
    struct holm_scan *scan;
    size_t end; /* so many views are enough */
    enum holm_status status;
};

static bool reserve_one(struct holm_scan *scan)
{
    if (scan->count < scan->capacity)
        return true;

    size_t capacity = scan->capacity == 0 ? 16 : scan->capacity * 2;
    struct holm_view **views = realloc(scan->views, capacity * sizeof(struct holm_view *));

    if (views == NULL)
        return false;
    scan->views = views;
    scan->capacity = capacity;
    return true;
}

static bool copy_record(void *context, struct holm_bytes key)
{
    struct copying *copying = context;
    struct holm_scan *scan = copying->scan;
    struct holm_view_choice everything = {0};

    if (!reserve_one(scan)) {
        copying->status = HOLM_ENOMEM;
        return false;
    }

    enum holm_status status = holm_view_copy(copying->replica, key, everything,
                                             &scan->views[scan->count]);

    /* A record of nothing but kinds that this build does not know has no view. */
    if (status == HOLM_ENOENT)
        return true;
    if (status != HOLM_OK) {
        copying->status = status;
        return false;
    }
    scan->count++;
    return scan->count < copying->end;
}

/* At most as many as are wanted, whatever is there already. */
static enum holm_status append(struct holm_scan *scan, const struct holm_replica *replica,
                               const struct wanted *wanted)
{
    struct copying copying = {.replica = replica, .scan = scan, .status = HOLM_OK};

    copying.end = wanted->limit < SIZE_MAX - scan->count ? scan->count + wanted->limit : SIZE_MAX;
    if (wanted->after == NULL)
        holm_replica_visit_keys(replica, wanted->prefix, copy_record, &copying);
    else
        holm_replica_visit_keys_behind(replica, wanted->prefix, *wanted->after, copy_record,
                                       &copying);
    return copying.status;
}

/* A scan that could not be made whole is none. */
static enum holm_status finish(struct holm_scan *made, enum holm_status status,
                               struct holm_scan **scan)
{
    if (status == HOLM_OK)
        *scan = made;
    else
        holm_scan_close(made);
    return status;
}

enum holm_status holm_scan_copy(const struct holm_replica *replica, struct holm_bytes prefix,
                                struct holm_scan **scan)
{
    struct wanted wanted = {.prefix = prefix, .limit = SIZE_MAX};
    struct holm_scan *made = calloc(1, sizeof *made);

    *scan = NULL;
    return made == NULL ? HOLM_ENOMEM : finish(made, append(made, replica, &wanted), scan);
}

static int compare_keys(const void *left, const void *right)
{
    const struct holm_view *const *a = left;
    const struct holm_view *const *b = right;

    return holm_bytes_compare((*a)->key, (*b)->key);
}

static bool is_readable(struct holm_bytes bytes)
{
    return bytes.size == 0 || bytes.data != NULL;
}

/* Of all partitions, the first by key; those behind the limit are dropped. */
static void merge(struct holm_scan *scan, size_t limit)
{
    holm_sort(scan->views, scan->count, sizeof(struct holm_view *), compare_keys);
    while (scan->count > limit)
        holm_view_free(scan->views[--scan->count]);
}

static enum holm_status scan_node(struct holm_node *node, const struct wanted *wanted,
                                  struct holm_scan **scan)
{
    bool every = wanted->partition == HOLM_EVERY_PARTITION;
    uint32_t count = holm_engine_partitions(node->engine);
    enum holm_status status = HOLM_OK;

    if ((wanted->partition >= count && !every) || !is_readable(wanted->prefix))
        return HOLM_EINVAL;

    struct holm_scan *made = calloc(1, sizeof *made);
    uint32_t first = every ? 0 : wanted->partition;
    uint32_t end = every ? count : wanted->partition + 1;

    if (made == NULL)
        return HOLM_ENOMEM;
    for (uint32_t i = first; status == HOLM_OK && i < end; i++) {
        status = append(made, holm_engine_lock(node->engine, i), wanted);
        holm_engine_unlock(node->engine, i);
    }
    if (every && holm_engine_ordered(node->engine))
        merge(made, wanted->limit);
    return finish(made, status, scan);
}

enum holm_status holm_scan_open(struct holm_node *node, uint32_t partition,
                                struct holm_bytes prefix, struct holm_scan **scan)
{
    struct wanted wanted = {.partition = partition, .prefix = prefix, .limit = SIZE_MAX};
    enum holm_status status = holm_node_check(node);

    *scan = NULL;
    return status == HOLM_OK ? scan_node(node, &wanted, scan) : status;
}

enum holm_status holm_scan_part(struct holm_node *node, uint32_t partition,
                                struct holm_bytes prefix, const struct holm_bytes *after,
                                size_t limit, struct holm_scan **scan)
{
    struct wanted wanted = {
        .partition = partition, .prefix = prefix, .after = after, .limit = limit};
    enum holm_status status = holm_node_check(node);

    *scan = NULL;
    if (status != HOLM_OK)
        return status;
    if (!holm_engine_ordered(node->engine) || limit == 0 || (after != NULL && !is_readable(*after)))
        return HOLM_EINVAL;
    return scan_node(node, &wanted, scan);
}

const struct holm_view *holm_scan_next(struct holm_scan *scan)
{
    if (scan == NULL || scan->next == scan->count)
        return NULL;
    return scan->views[scan->next++];
}

void holm_scan_close(struct holm_scan *scan)
{
    if (scan == NULL)
        return;
    for (size_t i = 0; i < scan->count; i++)
        holm_view_free(scan->views[i]);
    free(scan->views);
    free(scan);
}
