/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "node/node.h"
#include "transport/nng_http.h"

enum holm_status holm_node_metrics(struct holm_node *node, struct holm_metrics *metrics)
{
    enum holm_status status = holm_node_check(node);
    if (status == HOLM_OK)
        status = holm_engine_metrics(node->engine, holm_node_now(node), metrics);
    if (status != HOLM_OK)
        return status;
    holm_log_limits_figures(&node->log_limits, &metrics->node.log_lines,
                            &metrics->node.log_suppressed);
    holm_node_watch_figures(node, &metrics->node);
    metrics->node.http_hung_up = holm_http_hung_up(atomic_load(&node->http));
    if (node->resolver != NULL)
        holm_resolver_figures(node->resolver, &metrics->node.resolver);
    if (node->multicast != NULL)
        holm_multicast_figures(node->multicast, &metrics->node.multicast);
    (void)snprintf(metrics->name, sizeof metrics->name, "%s", node->log.speaker);
    return HOLM_OK;
}

enum holm_status holm_metrics(struct holm_node *node, char *buffer, size_t capacity, size_t *size)
{
    struct holm_metrics metrics;
    *size = 0;
    enum holm_status status = holm_node_metrics(node, &metrics);
    if (status != HOLM_OK)
        return status;
    *size = holm_metrics_print(&metrics, buffer, capacity);
    holm_metrics_release(&metrics);
    return *size <= capacity ? HOLM_OK : HOLM_ESPACE;
}
