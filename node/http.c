/* SPDX-License-Identifier: Apache-2.0 */
#include "node/http.h"

#include <stdio.h>

#include "node/address.h"
#include "transport/nng_http.h"

#define TEXT_BYTES 128

static enum holm_status reserve(struct holm_node *node, struct holm_http_answer *answer,
                                size_t capacity)
{
    holm_deallocate(&node->allocator, answer->body, answer->capacity);
    answer->body = holm_allocate(&node->allocator, capacity);
    answer->capacity = answer->body == NULL ? 0 : capacity;
    return answer->body == NULL ? HOLM_ENOMEM : HOLM_OK;
}

static enum holm_status metrics(struct holm_node *node, struct holm_http_answer *answer)
{
    struct holm_metrics gathered;
    enum holm_status status = holm_node_metrics(node, &gathered);
    if (status != HOLM_OK)
        return status;
    answer->type = "text/plain; version=0.0.4; charset=utf-8";
    answer->size = holm_metrics_print(&gathered, NULL, 0);
    status = reserve(node, answer, answer->size);
    if (status == HOLM_OK)
        holm_metrics_print(&gathered, answer->body, answer->capacity);
    holm_metrics_release(&gathered);
    return status;
}

static enum holm_status health(struct holm_node *node, struct holm_http_answer *answer)
{
    enum holm_status status = reserve(node, answer, TEXT_BYTES);
    uint64_t now_us = holm_node_now(node).monotonic_us;
    uint64_t looks_us = atomic_load(&node->looks_us);
    const char *why = "ok";
    if (status != HOLM_OK)
        return status;
    if (holm_engine_store_failed(node->engine))
        why = "the store has failed: writes are refused";
    else if (now_us > looks_us && now_us - looks_us > HOLM_HTTP_STUCK_US)
        why = "the I/O thread is stuck";
    answer->status = strcmp(why, "ok") == 0 ? 200 : 503;
    answer->size = (size_t)snprintf(answer->body, TEXT_BYTES, "%s\n", why);
    return HOLM_OK;
}

static enum holm_status make(void *context, const char *path, struct holm_http_answer *answer)
{
    struct holm_node *node = context;
    return strcmp(path, "/healthz") == 0 ? health(node, answer) : metrics(node, answer);
}

static bool is_local(const char *url)
{
    char address[HOLM_ADDRESS_BYTES_MAX + 1];
    return holm_address_of_http(address, url) && holm_address_is_local(holm_str(address));
}

enum holm_status holm_node_http_open(struct holm_node *node, const char *url)
{
    static const char *const paths[] = {"/metrics", "/healthz", NULL};
    struct holm_http_config config = {
        .allocator = node->allocator, .url = url, .paths = paths, .answer = make, .context = node};
    struct holm_http *opened;
    enum holm_status status = holm_http_open(&config, &opened);
    atomic_store(&node->http, opened);
    if (status != HOLM_OK)
        holm_log_tell(&node->log, holm_node_now(node), HOLM_LOG_HTTP_NOT_OPENED,
                      HOLM_LOG_VALUES(holm_log_text(url), holm_log_status(status)));
    else if (!is_local(url))
        holm_log_tell(&node->log, holm_node_now(node), HOLM_LOG_HTTP_EXPOSED,
                      HOLM_LOG_VALUES(holm_log_text(url)));
    return status;
}

void holm_node_http_close(struct holm_node *node)
{
    holm_http_close(atomic_load(&node->http));
    atomic_store(&node->http, NULL);
}
