/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng_http.h - a few pages over HTTP, made when they are asked for: nng's own server, behind a lock.
 *
 *     GET /metrics -> a thread of nng's -> answer(context, "/metrics", &answer) -> 200, the body
 *     anything else, /../ too           -> 404 by nng; other methods 405
 *
 * There is no directory behind it: only the paths that were given, compared whole. A line of a request's head is bounded by
 * nng (8 KiB), and a body is not read. What nng does not bound is how many such lines there are, which it also joins
 * ever more slowly, and how many connections stand, idle ones too. So whoever may connect can take memory and a
 * thread: it is for loopback, or behind a proxy that limits both.
 *
 * Invariants:
 *     W1  answers are made one at a time
 *     W2  after close() returned, none is being made, and none will be
 */
#ifndef HOLM_TRANSPORT_NNG_HTTP_H
#define HOLM_TRANSPORT_NNG_HTTP_H

#include "crdt/base.h"

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
    /* Makes a page. Any thread, one at a time (W1). HOLM_ENOMEM and all else: 500. */
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
/* Stops listening, hangs up on all. NULL is allowed. */
void holm_http_close(struct holm_http *http);

#endif
