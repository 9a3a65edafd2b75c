/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_http.h"

#include <pthread.h>
#include <stdio.h>

#include <nng/nng.h>
#include <nng/supplemental/util/platform.h>

/* How long accepting rests when the system has run out of something. */
#define PAUSE_MS 100
#define URL_BYTES 512
/* How often it is looked whether a page can be made. */
#define WAIT_MS 10
#define PATHS_MAX 8

/* One connection. What has an operation under way belongs to its callback alone, but `stream`, which others may
 * close under the lock, and what they look at for that. */
struct visit {
    struct holm_http *http;
    nng_aio *aio;
    nng_stream *stream; /* NULL: free, unless `leaving` */
    bool leaving;
    bool asked;   /* its request is whole */
    bool waits;   /* another has its page made */
    size_t path;  /* asked for */
    bool evicted; /* it is being hung up on */
    uint64_t number;
    nng_time deadline;
    size_t used; /* of head: read, then to be written */
    char head[HOLM_HTTP_HEAD_BYTES_MAX];
    struct holm_http_answer answer;
    size_t written; /* of head and body */
};

struct holm_http {
    struct holm_http_config config;
    nng_stream_listener *listener;
    nng_aio *accept;
    pthread_mutex_t
        lock; /* of all below, and of `stream` `leaving`, `asked` and `evicted` of visits */
    bool pausing, closed;
    bool making[PATHS_MAX];
    uint64_t visits_ever, hung_up;
    struct visit visits[HOLM_HTTP_VISITS_MAX];
};

/* ---- requests ------------------------------------------------------------------------------- */

/* 0: there is more to come. */
static uint16_t read_head(struct visit *visit)
{
    char *head = visit->head;
    const char *const *paths = visit->http->config.paths;
    bool whole = false;
    for (size_t i = 0; !whole && i + 4 <= visit->used; i++)
        whole = memcmp(head + i, "\r\n\r\n", 4) == 0;
    if (!whole)
        return visit->used < sizeof visit->head ? 0 : 431;
    char *end = memchr(head, '\r', visit->used);
    size_t size = (size_t)(end - head);
    if (size < 4 || memchr(head, '\0', size) != NULL)
        return 400;
    *end = '\0';
    char *version = strrchr(head, ' ');
    if (version == NULL || strncmp(version, " HTTP/1.", 8) != 0)
        return 400;
    *version = '\0';
    if (strncmp(head, "GET ", 4) != 0)
        return strchr(head, ' ') == NULL ? 400 : 405;
    for (size_t i = 0; paths[i] != NULL; i++) {
        size_t length = strlen(paths[i]);
        visit->path = i;
        if (strncmp(head + 4, paths[i], length) == 0 && strchr("?", head[4 + length]) != NULL)
            return 200;
    }
    return 404;
}

/* ---- answers -------------------------------------------------------------------------------- */

static const char *reason_of(uint16_t code)
{
    switch (code) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "Internal Server Error";
    }
}

/* 0: another is made. */
static uint16_t make(struct visit *visit)
{
    struct holm_http *http = visit->http;
    bool *making = &http->making[visit->path];
    pthread_mutex_lock(&http->lock);
    bool mine = !*making && !http->closed;
    *making |= mine;
    bool late = http->closed || nng_clock() >= visit->deadline;
    pthread_mutex_unlock(&http->lock);
    if (!mine)
        return late ? 503 : 0;
    enum holm_status status = http->config.answer(http->config.context,
                                                  http->config.paths[visit->path], &visit->answer);
    pthread_mutex_lock(&http->lock);
    *making = false;
    pthread_mutex_unlock(&http->lock);
    return status == HOLM_OK ? visit->answer.status : 500;
}

static void free_answer(struct visit *visit)
{
    holm_deallocate(&visit->http->config.allocator, visit->answer.body, visit->answer.capacity);
    memset(&visit->answer, 0, sizeof visit->answer);
}

static void prepare(struct visit *visit, uint16_t code)
{
    struct holm_http_answer *answer = &visit->answer;
    *answer = (struct holm_http_answer){.status = 200, .type = "text/plain; charset=utf-8"};
    if (code == 200)
        code = make(visit);
    visit->waits = code == 0;
    if (code == 500 || answer->body == NULL)
        answer->size = 0;
    visit->used = (size_t)snprintf(visit->head, sizeof visit->head,
                                   "HTTP/1.1 %u %s\r\n%sContent-Type: %s\r\nContent-Length: %zu\r\n"
                                   "Connection: close\r\n\r\n",
                                   (unsigned)code, reason_of(code),
                                   code == 405 ? "Allow: GET\r\n" : "", answer->type, answer->size);
}

/* ---- visits --------------------------------------------------------------------------------- */

/* Called with the lock held. */
static void begin_next(struct visit *visit)
{
    nng_time now = nng_clock();
    nng_duration left = now < visit->deadline ? (nng_duration)(visit->deadline - now) : 1;
    nng_iov pieces[2] = {{visit->head, visit->used}, {visit->answer.body, visit->answer.size}};
    nng_aio_set_timeout(visit->aio, left);
    if (!visit->asked) {
        pieces[0] = (nng_iov){visit->head + visit->used, sizeof visit->head - visit->used};
        (void)nng_aio_set_iov(visit->aio, 1, pieces);
        nng_stream_recv(visit->stream, visit->aio);
        return;
    }
    if (visit->waits) {
        nng_aio_set_timeout(visit->aio, NNG_DURATION_INFINITE);
        nng_sleep_aio(WAIT_MS, visit->aio);
        return;
    }
    size_t written = visit->written;
    for (size_t i = 0; i < 2; i++) {
        size_t gone = written < pieces[i].iov_len ? written : pieces[i].iov_len;
        pieces[i].iov_buf = (char *)pieces[i].iov_buf + gone;
        pieces[i].iov_len -= gone;
        written -= gone;
    }
    bool body_only = pieces[0].iov_len == 0;
    (void)nng_aio_set_iov(visit->aio, body_only || pieces[1].iov_len == 0 ? 1 : 2,
                          pieces + body_only);
    nng_stream_send(visit->stream, visit->aio);
}

static void leave(struct visit *visit, bool answered)
{
    struct holm_http *http = visit->http;
    pthread_mutex_lock(&http->lock);
    nng_stream *stream = visit->stream;
    visit->leaving = true;
    visit->stream = NULL;
    http->hung_up += !answered;
    pthread_mutex_unlock(&http->lock);
    nng_stream_free(stream);
    free_answer(visit);
    pthread_mutex_lock(&http->lock);
    visit->leaving = false;
    pthread_mutex_unlock(&http->lock);
}

static void take_read(struct visit *visit, size_t count)
{
    visit->used += count;
    uint16_t code = count == 0 ? 400 : read_head(visit);
    if (code == 0)
        return;
    pthread_mutex_lock(&visit->http->lock);
    visit->asked = true;
    pthread_mutex_unlock(&visit->http->lock);
    prepare(visit, code);
}

static void on_visit(void *context)
{
    struct visit *visit = context;
    struct holm_http *http = visit->http;
    int error = nng_aio_result(visit->aio);
    size_t count = nng_aio_count(visit->aio);
    bool goes_on = error == 0, answered = false;
    if (visit->waits) {
        prepare(visit, 200);
        goes_on = true;
    } else if (goes_on && visit->asked) {
        visit->written += count;
        answered = visit->written == visit->used + visit->answer.size;
        goes_on = !answered;
    } else if (goes_on) {
        take_read(visit, count);
    }
    pthread_mutex_lock(&http->lock);
    goes_on = goes_on && !http->closed;
    if (goes_on)
        begin_next(visit);
    pthread_mutex_unlock(&http->lock);
    if (!goes_on)
        leave(visit, answered);
}

/* ---- accepting: the lock is held ------------------------------------------------------------ */

static struct visit *find_free(struct holm_http *http)
{
    struct visit *found = NULL, *oldest = NULL;
    size_t standing = 0;
    for (size_t i = 0; i < HOLM_HTTP_VISITS_MAX; i++) {
        struct visit *visit = &http->visits[i];
        bool vacant = visit->stream == NULL && !visit->leaving;
        standing += !vacant;
        if (vacant)
            found = visit;
        else if (visit->stream != NULL && !visit->asked && !visit->evicted &&
                 (oldest == NULL || visit->number < oldest->number))
            oldest = visit;
    }
    if (standing >= HOLM_HTTP_CROWD && oldest != NULL) {
        oldest->evicted = true;
        nng_stream_close(oldest->stream);
    }
    return found;
}

static bool admit(struct holm_http *http, nng_stream *stream)
{
    struct visit *visit = http->closed ? NULL : find_free(http);
    if (visit == NULL) {
        http->hung_up += 1;
        return false;
    }
    visit->stream = stream;
    visit->asked = visit->waits = visit->evicted = false;
    visit->used = visit->written = 0;
    visit->number = http->visits_ever++;
    visit->deadline = nng_clock() + HOLM_HTTP_PATIENCE_MS;
    begin_next(visit);
    return true;
}

static void on_accept(void *context)
{
    struct holm_http *http = context;
    int error = nng_aio_result(http->accept);
    nng_stream *refused = NULL;
    pthread_mutex_lock(&http->lock);
    bool took = !http->pausing && error == 0;
    if (took && !admit(http, nng_aio_get_output(http->accept, 0)))
        refused = nng_aio_get_output(http->accept, 0);
    if (!http->closed && (http->pausing || took)) {
        http->pausing = false;
        nng_stream_listener_accept(http->listener, http->accept);
    } else if (!http->closed) {
        /* Out of descriptors or memory: trying again at once would spin. */
        http->pausing = true;
        nng_sleep_aio(PAUSE_MS, http->accept);
    }
    pthread_mutex_unlock(&http->lock);
    if (refused != NULL)
        nng_stream_free(refused);
}

/* ---- opening and closing -------------------------------------------------------------------- */

static int listen_at(struct holm_http *http)
{
    char address[URL_BYTES];
    nng_url *url;
    if (nng_url_parse(&url, http->config.url) != 0)
        return NNG_EADDRINVAL;
    bool plain = strcmp(url->u_scheme, "http") == 0 && strcmp(url->u_path, "/") <= 0 &&
                 url->u_query == NULL && url->u_port[0] != '\0' && strcmp(url->u_port, "0") != 0;
    int size = snprintf(address, sizeof address, "tcp://%s", url->u_host);
    nng_url_free(url);
    if (!plain || size >= (int)sizeof address)
        return NNG_EADDRINVAL;
    int refused = nng_stream_listener_alloc(&http->listener, address);
    return refused == 0 ? nng_stream_listener_listen(http->listener) : refused;
}

static int start(struct holm_http *http)
{
    int refused = nng_aio_alloc(&http->accept, on_accept, http);
    for (size_t i = 0; refused == 0 && i < HOLM_HTTP_VISITS_MAX; i++) {
        http->visits[i].http = http;
        refused = nng_aio_alloc(&http->visits[i].aio, on_visit, &http->visits[i]);
    }
    if (refused == 0)
        refused = listen_at(http);
    if (refused == 0)
        nng_stream_listener_accept(http->listener, http->accept);
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
    for (size_t i = 0; config->paths[i] != NULL; i++)
        HOLM_ASSERT(i < PATHS_MAX);
    pthread_mutex_init(&http->lock, NULL);
    enum holm_status status = status_of(start(http));
    http->config.url = NULL;
    if (status == HOLM_OK)
        *opened = http;
    else
        holm_http_close(http);
    return status;
}

static void stop(nng_aio *aio)
{
    if (aio == NULL)
        return;
    nng_aio_stop(aio);
    nng_aio_free(aio);
}

void holm_http_close(struct holm_http *http)
{
    if (http == NULL)
        return;
    pthread_mutex_lock(&http->lock);
    http->closed = true;
    for (size_t i = 0; i < HOLM_HTTP_VISITS_MAX; i++) {
        if (http->visits[i].stream != NULL)
            nng_stream_close(http->visits[i].stream);
    }
    pthread_mutex_unlock(&http->lock);
    if (http->listener != NULL)
        nng_stream_listener_close(http->listener);
    stop(http->accept);
    for (size_t i = 0; i < HOLM_HTTP_VISITS_MAX; i++)
        stop(http->visits[i].aio);
    if (http->listener != NULL)
        nng_stream_listener_free(http->listener);
    pthread_mutex_destroy(&http->lock);
    struct holm_allocator allocator = http->config.allocator;
    holm_deallocate(&allocator, http, sizeof *http);
}

uint64_t holm_http_hung_up(struct holm_http *http)
{
    if (http == NULL)
        return 0;
    pthread_mutex_lock(&http->lock);
    uint64_t hung_up = http->hung_up;
    pthread_mutex_unlock(&http->lock);
    return hung_up;
}
