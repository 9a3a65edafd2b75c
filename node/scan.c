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

struct copying {
    const struct holm_replica *replica;
    struct holm_scan *scan;
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
    return true;
}

static enum holm_status append(struct holm_scan *scan, const struct holm_replica *replica,
                               struct holm_bytes prefix)
{
    struct copying copying = {.replica = replica, .scan = scan, .status = HOLM_OK};

    holm_replica_visit_keys(replica, prefix, copy_record, &copying);
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
    struct holm_scan *made = calloc(1, sizeof *made);

    *scan = NULL;
    return made == NULL ? HOLM_ENOMEM : finish(made, append(made, replica, prefix), scan);
}

static int compare_keys(const void *left, const void *right)
{
    const struct holm_view *const *a = left;
    const struct holm_view *const *b = right;

    return holm_bytes_compare((*a)->key, (*b)->key);
}

enum holm_status holm_scan_open(struct holm_node *node, uint32_t partition,
                                struct holm_bytes prefix, struct holm_scan **scan)
{
    enum holm_status status = holm_node_check(node);

    *scan = NULL;
    if (status != HOLM_OK)
        return status;

    bool every = partition == HOLM_EVERY_PARTITION;
    uint32_t count = holm_engine_partitions(node->engine);

    if ((partition >= count && !every) || (prefix.size > 0 && prefix.data == NULL))
        return HOLM_EINVAL;

    struct holm_scan *made = calloc(1, sizeof *made);

    if (made == NULL)
        return HOLM_ENOMEM;
    for (uint32_t i = every ? 0 : partition; status == HOLM_OK && i < count; i++) {
        status = append(made, holm_engine_lock(node->engine, i), prefix);
        holm_engine_unlock(node->engine, i);
        if (!every)
            break;
    }
    if (every && holm_engine_ordered(node->engine))
        holm_sort(made->views, made->count, sizeof(struct holm_view *), compare_keys);
    return finish(made, status, scan);
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
