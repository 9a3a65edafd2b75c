/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends_redis.h - a Redis primary and its replicas, beside which nodes are measured.
 *
 *     this process --- SET, pipelined ---> primary ---> replica, replica, ...
 *          ^------------ GET, DBSIZE -----------------------'
 *
 * Nothing is written to disks. Keys and values are those that nodes get: `k` and eight digits, and the number
 * as text. As with nodes, what has arrived is read key by key before a figure is told.
 */
#ifndef HOLM_BENCH_ENDS_REDIS_H
#define HOLM_BENCH_ENDS_REDIS_H

#include <stdbool.h>
#include <sys/types.h>

#include "bench/measure.h"

#define REDIS_REPLICAS_MAX 3

/* One server, and the connection to it. */
struct redis_server {
    pid_t pid;
    int fd, port;
    size_t begin, end; /* of what has come and was not read yet */
    char bytes[65536];
};

struct redis {
    struct redis_server primary, replicas[REDIS_REPLICAS_MAX];
    size_t count; /* of replicas */
};

/* Whether the program is installed. */
bool ends_redis_there(void);

/* Starts them, and waits until every replica has its link to the primary. */
void redis_open(struct redis *redis, size_t replicas);
void redis_close(struct redis *redis);

/* SETs to keys from number 0 on, pipelined, until every replica has them; the time of that in ns. What is there
 * then is read at the last replica. */
uint64_t redis_put(struct redis *redis, size_t count);
/* One SET and then GETs at the first replica until it is there; ns from before the SET. */
uint64_t redis_visible(struct redis *redis, size_t number);

#endif
