/* SPDX-License-Identifier: Apache-2.0 */
#include "node/scan.h"

#include <stdlib.h>

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

enum holm_status holm_scan_copy(const struct holm_replica *replica, struct holm_bytes prefix,
                                struct holm_scan **scan)
{
    struct copying copying = {
        .replica = replica,
        .scan = calloc(1, sizeof(struct holm_scan)),
        .status = HOLM_OK,
    };

    *scan = NULL;
    if (copying.scan == NULL)
        return HOLM_ENOMEM;
    holm_replica_visit_keys(replica, prefix, copy_record, &copying);
    if (copying.status != HOLM_OK) {
        holm_scan_close(copying.scan);
        return copying.status;
    }
    *scan = copying.scan;
    return HOLM_OK;
}

enum holm_status holm_scan_open(struct holm_node *node, uint32_t partition,
                                struct holm_bytes prefix, struct holm_scan **scan)
{
    enum holm_status status = holm_node_check(node);

    *scan = NULL;
    if (status != HOLM_OK)
        return status;
    if (partition >= holm_engine_partitions(node->engine) ||
        (prefix.size > 0 && prefix.data == NULL))
        return HOLM_EINVAL;

    const struct holm_replica *replica = holm_engine_lock(node->engine, partition);

    status = holm_scan_copy(replica, prefix, scan);
    holm_engine_unlock(node->engine, partition);
    return status;
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
