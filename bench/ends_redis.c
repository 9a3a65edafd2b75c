/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ends_redis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Of Debian's package redis-tools, which starts no service: the same program as redis-server, which looks at
 * the name it is called by. */
#define PROGRAM "/usr/bin/redis-check-rdb"
#define CHUNK 512 /* commands on their way before answers are read */
#define PATIENCE_NS UINT64_C(60000000000)
#define COMMAND_BYTES 96
#define WORDS_MAX 15

bool ends_redis_there(void)
{
    return access(PROGRAM, X_OK) == 0;
}

/* ---- words ---------------------------------------------------------------------------------- */

static void send_all(struct redis_server *server, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(server->fd, bytes, size, MSG_NOSIGNAL);
        measure_require(sent > 0, "Redis takes a command");
        bytes += sent;
        size -= (size_t)sent;
    }
}

/* The next line of an answer, without its end; good until the next one is read. */
static char *next_line(struct redis_server *server)
{
    for (;;) {
        char *from = server->bytes + server->begin;
        char *at = memchr(from, '\n', server->end - server->begin);
        if (at != NULL) {
            server->begin = (size_t)(at - server->bytes) + 1;
            *at = '\0';
            if (at > from && at[-1] == '\r')
                at[-1] = '\0';
            return from;
        }
        memmove(server->bytes, from, server->end - server->begin);
        server->end -= server->begin;
        server->begin = 0;
        measure_require(server->end < sizeof server->bytes, "a line of Redis is short");
        ssize_t got = recv(server->fd, server->bytes + server->end,
                           sizeof server->bytes - server->end, 0);
        measure_require(got > 0, "Redis answers");
        server->end += (size_t)got;
    }
}

static int spell_set(char *text, size_t number)
{
    char value[24];
    int digits = snprintf(value, sizeof value, "%zu", number);
    return snprintf(text, COMMAND_BYTES, "*3\r\n$3\r\nSET\r\n$9\r\nk%08zu\r\n$%d\r\n%s\r\n", number,
                    digits, value);
}

/* Whether the server has the number under its key. */
static bool has(struct redis_server *server, size_t number)
{
    char text[COMMAND_BYTES], wanted[24];
    int size = snprintf(text, sizeof text, "*2\r\n$3\r\nGET\r\n$9\r\nk%08zu\r\n", number);
    (void)snprintf(wanted, sizeof wanted, "%zu", number);
    send_all(server, text, (size_t)size);
    if (strcmp(next_line(server), "$-1") == 0)
        return false;
    measure_require(strcmp(next_line(server), wanted) == 0, "Redis has what was put");
    return true;
}

static size_t keys_of(struct redis_server *server)
{
    static const char text[] = "*1\r\n$6\r\nDBSIZE\r\n";
    send_all(server, text, sizeof text - 1);
    const char *line = next_line(server);
    measure_require(line[0] == ':', "Redis counts");
    return strtoul(line + 1, NULL, 10);
}

/* Whether a replica has its link up. */
static bool is_linked(struct redis_server *server)
{
    static const char text[] = "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n";
    bool linked = false;
    send_all(server, text, sizeof text - 1);
    const char *line = next_line(server);
    measure_require(line[0] == '$', "Redis tells of itself");
    size_t left = strtoul(line + 1, NULL, 10) + 2; /* and the end of its last line */
    while (left > 0) {
        line = next_line(server);
        size_t took = strlen(line) + 2;
        linked |= strcmp(line, "master_link_status:up") == 0;
        left -= took < left ? took : left;
    }
    return linked;
}

/* ---- lives ---------------------------------------------------------------------------------- */

static int free_port(void)
{
    struct sockaddr_in here = {.sin_family = AF_INET};
    socklen_t size = sizeof here;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    measure_require(fd >= 0 && bind(fd, (struct sockaddr *)&here, sizeof here) == 0 &&
                        getsockname(fd, (struct sockaddr *)&here, &size) == 0,
                    "a port");
    close(fd);
    return ntohs(here.sin_port);
}

static bool connected(struct redis_server *server)
{
    struct sockaddr_in there = {.sin_family = AF_INET};
    int one = 1;
    there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    there.sin_port = htons((uint16_t)server->port);
    server->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    measure_require(server->fd >= 0, "a socket");
    if (connect(server->fd, (struct sockaddr *)&there, sizeof there) == 0)
        return setsockopt(server->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
    close(server->fd);
    return false;
}

/* It dies with this process, however that ends. */
static void spawn(struct redis_server *server, char **argv)
{
    server->pid = fork();
    measure_require(server->pid >= 0, "redis-server starts");
    if (server->pid > 0)
        return;
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nothing >= 0 && dup2(nothing, STDOUT_FILENO) >= 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) == 0)
        (void)execv(PROGRAM, argv);
    _exit(127);
}

static void start(struct redis_server *server, int primary)
{
    char port[16], of[48], words[WORDS_MAX][48];
    char *argv[WORDS_MAX + 1] = {NULL};
    *server = (struct redis_server){.port = free_port()};
    (void)snprintf(port, sizeof port, "%d", server->port);
    (void)snprintf(of, sizeof of, "127.0.0.1 %d", primary);
    const char *const wanted[WORDS_MAX] = {"redis-server",
                                           "--port",
                                           port,
                                           "--bind",
                                           "127.0.0.1",
                                           "--save",
                                           "",
                                           "--appendonly",
                                           "no",
                                           "--dir",
                                           "/tmp",
                                           "--repl-diskless-sync-delay",
                                           "0",
                                           primary > 0 ? "--replicaof" : NULL,
                                           of};
    for (size_t i = 0; i < WORDS_MAX && wanted[i] != NULL; i++) {
        (void)snprintf(words[i], sizeof words[i], "%s", wanted[i]);
        argv[i] = words[i];
    }
    spawn(server, argv);
    uint64_t deadline = measure_now_ns() + PATIENCE_NS;
    while (!connected(server)) {
        measure_require(measure_now_ns() < deadline, "redis-server listens");
        measure_nap_us(1000);
    }
}

static void stop(struct redis_server *server)
{
    close(server->fd);
    (void)kill(server->pid, SIGKILL);
    while (waitpid(server->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
}

void redis_open(struct redis *redis, size_t replicas)
{
    uint64_t deadline = measure_now_ns() + PATIENCE_NS;
    redis->count = replicas;
    start(&redis->primary, 0);
    for (size_t i = 0; i < replicas; i++)
        start(&redis->replicas[i], redis->primary.port);
    for (size_t i = 0; i < replicas;) {
        measure_require(measure_now_ns() < deadline, "a replica finds its primary");
        if (is_linked(&redis->replicas[i]))
            i++;
        else
            measure_nap_us(1000);
    }
}

void redis_close(struct redis *redis)
{
    for (size_t i = 0; i < redis->count; i++)
        stop(&redis->replicas[i]);
    stop(&redis->primary);
}

/* ---- work ----------------------------------------------------------------------------------- */

static void take_answers(struct redis_server *server, size_t count)
{
    for (size_t i = 0; i < count; i++)
        measure_require(strcmp(next_line(server), "+OK") == 0, "Redis takes a SET");
}

static void pipeline(struct redis_server *server, size_t count)
{
    static char bytes[CHUNK * COMMAND_BYTES];
    size_t waiting = 0;
    for (size_t first = 0; first < count; first += CHUNK) {
        size_t size = 0, chunk = count - first < CHUNK ? count - first : CHUNK;
        for (size_t i = 0; i < chunk; i++)
            size += (size_t)spell_set(bytes + size, first + i);
        send_all(server, bytes, size);
        take_answers(server, waiting);
        waiting = chunk;
    }
    take_answers(server, waiting);
}

uint64_t redis_put(struct redis *redis, size_t count)
{
    uint64_t begun = measure_now_ns();
    pipeline(&redis->primary, count);
    for (size_t i = 0; i < redis->count; i++) {
        while (keys_of(&redis->replicas[i]) < count) {
            measure_require(measure_now_ns() - begun < PATIENCE_NS, "a replica gets all");
            measure_nap_us(200);
        }
    }
    uint64_t taken = measure_now_ns() - begun;
    for (size_t i = 0; i < count; i += 97)
        measure_require(has(&redis->replicas[redis->count - 1], i), "a replica has each key");
    return taken;
}

uint64_t redis_visible(struct redis *redis, size_t number)
{
    char text[COMMAND_BYTES];
    int size = spell_set(text, number);
    uint64_t begun = measure_now_ns();
    send_all(&redis->primary, text, (size_t)size);
    while (!has(&redis->replicas[0], number))
        measure_require(measure_now_ns() - begun < PATIENCE_NS, "a replica gets a key");
    uint64_t taken = measure_now_ns() - begun;
    take_answers(&redis->primary, 1);
    return taken;
}
