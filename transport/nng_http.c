/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_http.h"

#include <pthread.h>

#include <nng/nng.h>
#include <nng/supplemental/http/http.h>

/* nng's threads may still be in a handler when its server has gone: who is last frees. */
struct holm_http {
    struct holm_http_config config;
    nng_http_server *server; /* one for all of this process who ask for one address */
    bool started;
    pthread_mutex_t lock; /* of all below, and held while a page is made */
    uint32_t users;       /* the owner, and each handler */
    bool closed;
};

static void let_go(void *context)
{
    struct holm_http *http = context;
    pthread_mutex_lock(&http->lock);
    bool last = --http->users == 0;
    pthread_mutex_unlock(&http->lock);
    if (!last)
        return;
    struct holm_allocator allocator = http->config.allocator;
    pthread_mutex_destroy(&http->lock);
    holm_deallocate(&allocator, http, sizeof *http);
}

static enum holm_status make(struct holm_http *http, const char *path,
                             struct holm_http_answer *answer)
{
    *answer = (struct holm_http_answer){.status = 200, .type = "text/plain; charset=utf-8"};
    pthread_mutex_lock(&http->lock);
    enum holm_status status = http->closed
                                  ? HOLM_ECLOSED
                                  : http->config.answer(http->config.context, path, answer);
    pthread_mutex_unlock(&http->lock);
    return status;
}

static const char *path_of(const struct holm_http *http, nng_http_req *request)
{
    const char *uri = nng_http_req_get_uri(request);
    for (size_t i = 0; http->config.paths[i] != NULL; i++) {
        size_t size = strlen(http->config.paths[i]);
        if (strncmp(uri, http->config.paths[i], size) == 0 &&
            (uri[size] == '\0' || uri[size] == '?'))
            return http->config.paths[i];
    }
    return NULL;
}

static int respond(nng_http_res *response, const struct holm_http_answer *answer)
{
    int refused = nng_http_res_copy_data(response, answer->body, answer->size);
    if (refused == 0)
        refused = nng_http_res_set_status(response, answer->status);
    if (refused == 0)
        refused = nng_http_res_set_header(response, "Content-Type", answer->type);
    return refused;
}

static void handle(nng_aio *aio)
{
    nng_http_req *request = nng_aio_get_input(aio, 0);
    struct holm_http *http = nng_http_handler_get_data(nng_aio_get_input(aio, 1));
    struct holm_http_answer answer = {.status = 404};
    nng_http_res *response = NULL;
    const char *path = path_of(http, request);
    enum holm_status status = path == NULL ? HOLM_ENOENT : make(http, path, &answer);
    uint16_t code = status == HOLM_OK ? answer.status : status == HOLM_ENOENT ? 404 : 500;
    int refused = status == HOLM_OK ? nng_http_res_alloc(&response)
                                    : nng_http_res_alloc_error(&response, code);
    if (refused == 0 && status == HOLM_OK)
        refused = respond(response, &answer);
    holm_deallocate(&http->config.allocator, answer.body, answer.capacity);
    if (refused != 0 && response != NULL)
        nng_http_res_free(response);
    if (refused == 0)
        nng_aio_set_output(aio, 0, response);
    nng_aio_finish(aio, refused);
}

static int add_path(struct holm_http *http, const char *path)
{
    nng_http_handler *handler;
    int refused = nng_http_handler_alloc(&handler, path, handle);
    if (refused != 0)
        return refused;
    refused = nng_http_handler_set_method(handler, "GET");
    if (refused == 0)
        refused = nng_http_handler_collect_body(handler, false, 0);
    if (refused == 0)
        refused = nng_http_handler_set_data(handler, http, let_go);
    if (refused != 0) {
        nng_http_handler_free(handler);
        return refused;
    }
    pthread_mutex_lock(&http->lock);
    http->users += 1;
    pthread_mutex_unlock(&http->lock);
    refused = nng_http_server_add_handler(http->server, handler);
    if (refused != 0)
        nng_http_handler_free(handler); /* lets go */
    return refused;
}

static int start(struct holm_http *http)
{
    nng_url *url;
    int refused = nng_url_parse(&url, http->config.url);
    if (refused != 0)
        return NNG_EADDRINVAL;
    bool plain = strcmp(url->u_scheme, "http") == 0 && strcmp(url->u_path, "/") <= 0 &&
                 url->u_query == NULL && url->u_port[0] != '\0' && strcmp(url->u_port, "0") != 0;
    refused = plain ? nng_http_server_hold(&http->server, url) : NNG_EADDRINVAL;
    nng_url_free(url);
    for (size_t i = 0; refused == 0 && http->config.paths[i] != NULL; i++)
        refused = add_path(http, http->config.paths[i]);
    if (refused == 0)
        refused = nng_http_server_start(http->server);
    http->started = refused == 0;
    return refused;
}

static enum holm_status status_of(int refused)
{
    switch (refused) {
    case 0:
        return HOLM_OK;
    case NNG_ENOMEM:
        return HOLM_ENOMEM;
    case NNG_EADDRINVAL:
    case NNG_EADDRINUSE:
    case NNG_EINVAL:
        return HOLM_EADDRESS;
    default:
        return HOLM_EIO;
    }
}

enum holm_status holm_http_open(const struct holm_http_config *config, struct holm_http **opened)
{
    *opened = NULL;
    struct holm_http *http = holm_allocate(&config->allocator, sizeof *http);
    if (http == NULL)
        return HOLM_ENOMEM;
    memset(http, 0, sizeof *http);
    http->config = *config;
    http->users = 1;
    pthread_mutex_init(&http->lock, NULL);
    enum holm_status status = status_of(start(http));
    http->config.url = NULL;
    if (status == HOLM_OK)
        *opened = http;
    else
        holm_http_close(http);
    return status;
}

void holm_http_close(struct holm_http *http)
{
    if (http == NULL)
        return;
    pthread_mutex_lock(&http->lock);
    http->closed = true;
    pthread_mutex_unlock(&http->lock);
    if (http->server != NULL) {
        if (http->started)
            nng_http_server_stop(http->server);
        nng_http_server_release(http->server);
    }
    let_go(http);
}
