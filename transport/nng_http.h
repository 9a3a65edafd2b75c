/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng_http.h - a few pages over HTTP, made when they are asked for, by who may be anybody.
 *
 *     accept -> visit: read the head of a request -> answer(context, "/metrics", &answer) -> write it -> hang up
 *                   \ 5 s for all of it; 4 KiB for the head; the oldest of too many goes
 *
 * It stands on nng's streams, and not on its HTTP server, which bounds neither connections nor how long one lasts: 10,000
 * silent ones took 10,000 descriptors and 76 MB for as long as they liked (docs/decisions/0029). GET alone; one
 * request a connection; a body is not read. There is no directory behind it: only the paths that were given, compared
 * whole, and what follows a '?' is ignored.
 *
 * Invariants:
 *     W1  of each path one answer at a time is made; who asks for it meanwhile waits without a thread, and is told 503 when
 *         its time is over. So whatever an answer waits for, it keeps one thread of nng's a path
 *     W2  after close() returned, none is being made, and none will be
 *     W3  at most HOLM_HTTP_VISITS_MAX connections stand, each for HOLM_HTTP_PATIENCE_MS at most; when they become
 *         many, those that have waited longest without having asked are hung up on: who asks at once is answered
 *
 * Source: RFC 9110 and RFC 9112, as far as a GET needs them.
 */
#ifndef HOLM_TRANSPORT_NNG_HTTP_H
#define HOLM_TRANSPORT_NNG_HTTP_H

#include "crdt/base.h"

#define HOLM_HTTP_VISITS_MAX 64
#define HOLM_HTTP_CROWD 48 /* from so many on the oldest goes */
#define HOLM_HTTP_HEAD_BYTES_MAX 4096
#define HOLM_HTTP_PATIENCE_MS 5000

struct holm_http;

struct holm_http_answer {
    uint16_t status;  /* 200 */
    const char *type; /* of the body; static */
    void *body;       /* of the allocator, `capacity` bytes; freed by who asked */
    size_t size, capacity;
};

struct holm_http_config {
    struct holm_allocator allocator; /* thread-safe */
    const char *url;                 /* http://HOST:PORT; borrowed */
    const char *const *paths;        /* NULL at the end; borrowed for as long as it is open */
    /* Makes a page. A thread of nng's (W1); those of two paths may be made at once. HOLM_ENOMEM and all else: 500. */
    enum holm_status (*answer)(void *context, const char *path, struct holm_http_answer *answer);
    void *context;
};

/*
 * Listens, and answers. *http is freed by holm_http_close().
 *   HOLM_EADDRESS  the URL cannot be read, or somebody listens there, another node of this process included
 *   HOLM_ENOMEM, HOLM_EIO
 */
HOLM_NODISCARD enum holm_status holm_http_open(const struct holm_http_config *config,
                                               struct holm_http **http);
/* Stops listening, hangs up on all; waits for a page that is being made. NULL is allowed. */
void holm_http_close(struct holm_http *http);

/* Connections that ended without an answer: too slow, too long a head, or too many. 0 for NULL. */
uint64_t holm_http_hung_up(struct holm_http *http);

#endif
