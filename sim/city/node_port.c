/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/node_port.h"

#include "sim/city/hero.h"

static enum holm_status commit(void *context, const struct holm_op *ops, size_t count)
{
    struct holm_node_port *node_port = context;
    return holm_commit(node_port->node, ops, count, NULL);
}

static enum holm_status read_record(void *context, struct holm_bytes key,
                                    holm_city_entry_visitor *visit, void *visit_context)
{
    struct holm_node_port *node_port = context;
    struct holm_view *view;
    enum holm_status status = holm_read(node_port->node, key, &view);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < holm_view_count(view); i++)
        visit(visit_context, holm_view_entry(view, i));
    holm_view_free(view);
    return HOLM_OK;
}

static bool is_buried(void *context, struct holm_bytes key)
{
    struct holm_node_port *node_port = context;
    return holm_buried(node_port->node, key);
}

static enum holm_status scan(void *context, struct holm_bytes prefix, holm_city_key_visitor *visit,
                             void *visit_context)
{
    struct holm_node_port *node_port = context;
    uint32_t partitions = holm_partition_count(node_port->node);
    for (uint32_t i = 0; i < partitions; i++) {
        struct holm_scan *cut;
        enum holm_status status = holm_scan_open(node_port->node, i, prefix, &cut);
        if (status != HOLM_OK)
            return status;
        const struct holm_view *view;
        while ((view = holm_scan_next(cut)) != NULL)
            visit(visit_context, holm_view_key(view));
        holm_scan_close(cut);
    }
    return HOLM_OK;
}

static enum holm_city_news news(void *context, char key[HOLM_CITY_KEY_BYTES_MAX], size_t *size)
{
    struct holm_node_port *node_port = context;
    struct holm_change change;
    while (holm_watch_next(node_port->watch, &change) == HOLM_OK) {
        if (change.overflow)
            return HOLM_CITY_NEWS_ALL;
        if (change.key.size > HOLM_CITY_KEY_BYTES_MAX)
            continue;
        memcpy(key, change.key.data, change.key.size);
        *size = change.key.size;
        return HOLM_CITY_NEWS_KEY;
    }
    return HOLM_CITY_NEWS_NONE;
}

enum holm_status holm_node_port_open(struct holm_node_port *node_port, struct holm_node *node)
{
    *node_port = (struct holm_node_port){.node = node};
    node_port->port = (struct holm_city_port){
        .context = node_port,
        .commit = commit,
        .read = read_record,
        .buried = is_buried,
        .scan = scan,
        .news = news,
    };
    return holm_watch_open(node, holm_str(HOLM_HERO_PREFIX), 0, &node_port->watch);
}

void holm_node_port_close(struct holm_node_port *node_port)
{
    holm_watch_close(node_port->watch);
    node_port->watch = NULL;
}
