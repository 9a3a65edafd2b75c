/* SPDX-License-Identifier: Apache-2.0 */
/* A node's pages, over a socket by hand: what they say, and what becomes of requests that mean harm. */
#include "tests/process/api.h"
#include "tests/process/prometheus.h"

#include "node/engine_state.h"
#include "node/node.h"
#include "transport/nng_http.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#define LINE_BYTES 1024
#define PAGE_BYTES ((size_t)1 << 20)

struct served {
    struct holm_node *node;
    uint16_t port;
    char page[PAGE_BYTES];
    size_t size;
};

/* Of this process, both ends of each connection among them. */
static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

static uint16_t free_port(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    (void)close(listener);
    return ntohs(address.sin_port);
}

static int open_served(void **state)
{
    struct served *served = calloc(1, sizeof *served);
    struct holm_config config = api_config("served");
    char url[64];
    assert_non_null(served);
    served->port = free_port();
    snprintf(url, sizeof url, "http://127.0.0.1:%u", (unsigned)served->port);
    config.http = url;
    assert_ok(holm_open(&config, &served->node));
    *state = served;
    return 0;
}

static int close_served(void **state)
{
    struct served *served = *state;
    holm_close(served->node);
    free(served);
    return 0;
}

static int reach(const struct served *served)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(served->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval patience = {.tv_sec = API_WAIT_MS / 1000};
    int stream = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(stream >= 0);
    assert_int_equal(connect(stream, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(setsockopt(stream, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    assert_int_equal(setsockopt(stream, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience), 0);
    return stream;
}

/* Sends, and reads to the end. A server that hangs up before all is sent does so with a reset. */
static void ask(struct served *served, const void *request, size_t size)
{
    int stream = reach(served);
    ssize_t got = 1;
    served->size = 0;
    for (size_t sent = 0; sent < size && got > 0; sent += (size_t)got)
        got = send(stream, (const char *)request + sent, size - sent, MSG_NOSIGNAL);
    (void)shutdown(stream, SHUT_WR);
    for (got = 1; got > 0 && served->size<PAGE_BYTES - 1; served->size += got> 0 ? (size_t)got : 0)
        got = recv(stream, served->page + served->size, PAGE_BYTES - 1 - served->size, 0);
    assert_true(got >= 0 || errno == ECONNRESET);
    served->page[served->size] = '\0';
    (void)close(stream);
}

static int get(struct served *served, const char *path)
{
    char request[512];
    int code = 0;
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
             path);
    ask(served, request, strlen(request));
    (void)sscanf(served->page, "HTTP/1.1 %d ", &code);
    return code;
}

static const char *body_of(const struct served *served, size_t *size)
{
    const char *body = strstr(served->page, "\r\n\r\n");
    assert_non_null(body);
    *size = served->size - (size_t)(body + 4 - served->page);
    return body + 4;
}

static void assert_serves(struct served *served)
{
    size_t size;
    assert_int_equal(get(served, "/healthz"), 200);
    assert_string_equal(body_of(served, &size), "ok\n");
}

static void test_http_when_metrics_are_read_then_they_are_what_stats_say(void **state)
{
    struct served *served = *state;
    struct holm_stats stats;
    size_t size;
    for (int i = 0; i < 7; i++)
        assert_ok(holm_add(served->node, holm_str("k"), holm_str("n"), i));
    assert_int_equal(get(served, "/metrics"), 200);
    assert_non_null(strstr(served->page, "Content-Type: text/plain; version=0.0.4"));
    const char *body = body_of(served, &size);
    prometheus_check(body, size);
    holm_stats(served->node, &stats);
    assert_true(stats.operations == 7 && stats.records == 1);
    assert_int_equal((int)prometheus_sum(body, "holm_partition_operations_total"), 7);
    assert_int_equal((int)prometheus_sum(body, "holm_partition_records"), 1);
    assert_int_equal((int)prometheus_value(body, "holm_partitions"), 16);
    assert_int_equal((int)prometheus_value(body, "holm_store_failed"), 0);
    assert_int_equal(get(served, "/metrics?from=prometheus"), 200);
}

static void test_http_when_other_things_are_asked_for_then_there_is_nothing(void **state)
{
    struct served *served = *state;
    static const char *const paths[] = {"/",
                                        "/metrics/..",
                                        "/../etc/passwd",
                                        "/metrics/../../etc/passwd",
                                        "/%2e%2e/%2e%2e/etc/passwd",
                                        "//etc/passwd",
                                        "/metricsX",
                                        "/healthz/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        int code = get(served, paths[i]);
        if (code != 404 && code != 400)
            fail_msg("%s: %d", paths[i], code);
        assert_null(strstr(served->page, "root:"));
    }
    assert_serves(served);
}

static void ask_text(struct served *served, const char *text)
{
    ask(served, text, strlen(text));
}

static void test_http_when_requests_are_hostile_then_others_are_served(void **state)
{
    struct served *served = *state;
    size_t size = 8 << 20;
    char *much = malloc(size);
    assert_non_null(much);
    ask_text(served, "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    assert_null(strstr(served->page, " 200 "));
    ask_text(served,
             "POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999999999999\r\n\r\n");
    assert_null(strstr(served->page, " 200 "));
    ask_text(served, "GET /metrics\r\n\r\n");
    ask_text(served, "\r\n\r\n\r\n");
    ask_text(served, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03");
    memset(much, 'a', size);
    ask(served, much, size); /* a first line without an end */
    assert_null(strstr(served->page, " 200 "));
    memcpy(much, "GET /metrics HTTP/1.1\r\nX: ", 26); /* a header without an end */
    ask(served, much, size);
    assert_null(strstr(served->page, " 200 "));
    free(much);
    assert_serves(served);
}

/* Who connects and says little takes a descriptor, and no turn from others. */
static void test_http_when_many_stay_silent_then_others_are_served(void **state)
{
    struct served *served = *state;
    int silent[100];
    for (size_t i = 0; i < 100; i++) {
        silent[i] = reach(served);
        assert_int_equal(send(silent[i], "GET /met", 8, MSG_NOSIGNAL), 8);
    }
    assert_serves(served);
    assert_int_equal(get(served, "/metrics"), 200);
    for (size_t i = 0; i < 100; i++)
        (void)close(silent[i]);
}

/* Ever more connections stand and say nothing: old ones go, and who asks is answered. */
static void test_http_when_thousands_stay_silent_then_few_are_kept(void **state)
{
    enum {
        MANY = 900 /* of 1,024 descriptors */
    };
    struct served *served = *state;
    int silent[MANY];
    int before = descriptors();
    for (size_t i = 0; i < MANY; i++) {
        silent[i] = reach(served);
        (void)send(silent[i], "GET /met", 8, MSG_NOSIGNAL);
        if (i % 100 == 99)
            assert_serves(served);
    }
    await(descriptors() - before <= MANY + HOLM_HTTP_CROWD);
    assert_true(holm_http_hung_up(served->node->http) >= MANY - HOLM_HTTP_VISITS_MAX);
    assert_serves(served);
    for (size_t i = 0; i < MANY; i++)
        (void)close(silent[i]);
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A byte now and then, for as long as it likes: it has as long as all others. */
static void test_http_when_a_request_drips_in_then_it_is_hung_up_on(void **state)
{
    struct served *served = *state;
    static const char request[] =
        "GET /metrics HTTP/1.1\r\nX: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    int stream = reach(served);
    uint64_t begun_ms = now_ms();
    struct timeval patience = {.tv_usec = 200000};
    char byte;
    ssize_t got = -1;
    assert_int_equal(setsockopt(stream, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    for (size_t i = 0; i + 1 < sizeof request && got < 0; i++) {
        (void)send(stream, &request[i], 1, MSG_NOSIGNAL);
        got = recv(stream, &byte, 1, 0);
        if (got < 0 && errno == ECONNRESET)
            got = 0;
    }
    assert_int_equal(got, 0);
    assert_in_range(now_ms() - begun_ms, HOLM_HTTP_PATIENCE_MS - 100, 2 * HOLM_HTTP_PATIENCE_MS);
    (void)close(stream);
    assert_serves(served);
}

/* Who asks and does not read the answer has as long, too. */
static void test_http_when_an_answer_is_not_read_then_it_is_hung_up_on(void **state)
{
    struct served *served = *state;
    static const char request[] = "GET /metrics HTTP/1.1\r\n\r\n";
    int before = descriptors();
    int streams[8];
    for (size_t i = 0; i < 8; i++) {
        int small = 1;
        streams[i] = reach(served);
        (void)setsockopt(streams[i], SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        (void)send(streams[i], request, sizeof request - 1, MSG_NOSIGNAL);
    }
    await(descriptors() - before == 8);
    for (size_t i = 0; i < 8; i++)
        (void)close(streams[i]);
    assert_serves(served);
}

static void test_http_when_a_head_is_too_long_then_it_is_told_so(void **state)
{
    struct served *served = *state;
    char head[HOLM_HTTP_HEAD_BYTES_MAX];
    memset(head, 'a', sizeof head);
    memcpy(head, "GET /metrics HTTP/1.1\r\nX: ", 26);
    ask(served, head, sizeof head);
    assert_non_null(strstr(served->page, "HTTP/1.1 431 "));
    memcpy(head + sizeof head - 4, "\r\n\r\n", 4);
    ask(served, head, sizeof head);
    assert_non_null(strstr(served->page, "HTTP/1.1 200 "));
    ask_text(served, "HEAD /metrics HTTP/1.1\r\n\r\n");
    assert_non_null(strstr(served->page, "HTTP/1.1 405 "));
    assert_non_null(strstr(served->page, "\r\nAllow: GET\r\n"));
    ask_text(served, "GET /metrics HTTP/2.0\r\n\r\n");
    assert_non_null(strstr(served->page, "HTTP/1.1 400 "));
    ask_text(served, "GET /healthz HTTP/1.0\r\n\r\n");
    assert_non_null(strstr(served->page, "HTTP/1.1 200 "));
}

/* The node ends while pages are being made. */
static void test_http_when_the_node_closes_under_requests_then_it_ends(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        void *opened = NULL;
        open_served(&opened);
        struct served *served = opened;
        int streams[8];
        for (size_t i = 0; i < 8; i++) {
            static const char request[] = "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n";
            streams[i] = reach(served);
            (void)send(streams[i], request, sizeof request - 1, MSG_NOSIGNAL);
        }
        close_served(&opened);
        for (size_t i = 0; i < 8; i++)
            (void)close(streams[i]);
    }
}

/* Of lines about pages, the last. */
static void hear(void *context, int level, const char *line)
{
    char *last = context;
    (void)level;
    if (strstr(line, "http") != NULL)
        (void)snprintf(last, LINE_BYTES, "%s", line);
}

static void test_http_when_the_url_is_wrong_or_taken_then_the_node_does_not_open(void **state)
{
    struct served *served = *state;
    struct holm_node *node;
    char taken[64];
    snprintf(taken, sizeof taken, "http://127.0.0.1:%u", (unsigned)served->port);
    const char *const urls[] = {taken,
                                "http://127.0.0.1:0",
                                "https://127.0.0.1:9464",
                                "nonsense",
                                "",
                                "http://127.0.0.1:9464/somewhere"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        struct holm_config config = api_config("second");
        config.http = urls[i];
        char line[LINE_BYTES] = "", named[96];
        config.log = hear;
        config.log_context = line;
        assert_status(holm_open(&config, &node), HOLM_EADDRESS);
        assert_null(node);
        assert_non_null(strstr(line, i == 0 ? "event=http_not_opened " : "event=config_refused "));
        snprintf(named, sizeof named, i == 0 ? "http: %s cannot be" : "config: http has '%s'",
                 urls[i]);
        assert_non_null(strstr(line, named));
    }
    assert_serves(served);
}

static size_t count_refused(const int *streams, size_t count)
{
    size_t refused = 0;
    for (size_t i = 0; i < count; i++) {
        char line[256];
        ssize_t got = recv(streams[i], line, sizeof line, MSG_DONTWAIT);
        refused += got > 12 && strncmp(line, "HTTP/1.1 503", 12) == 0;
    }
    return refused;
}

/* A partition that is never let go of stops the node's thread. The last tests: the node is not well after. */
static void test_http_when_the_node_is_stuck_then_it_is_not_healthy(void **state)
{
    struct served *served = *state;
    assert_serves(served);
    (void)holm_engine_lock(served->node->engine, 3);
    int streams[30]; /* more than nng has threads: one of them waits for the partition */
    for (size_t i = 0; i < 30; i++) {
        static const char request[] = "GET /metrics HTTP/1.1\r\n\r\n";
        streams[i] = reach(served);
        assert_true(send(streams[i], request, sizeof request - 1, MSG_NOSIGNAL) > 0);
    }
    await(get(served, "/healthz") == 503);
    assert_non_null(strstr(served->page, "stuck"));
    size_t refused = 0; /* when their time is over: all but the one that is being answered */
    await((refused += count_refused(streams, 30)) == 29);
    holm_engine_unlock(served->node->engine, 3);
    for (size_t i = 0; i < 30; i++)
        (void)close(streams[i]);
    await(get(served, "/healthz") == 200);
}

static void test_http_when_the_store_has_failed_then_it_is_not_healthy(void **state)
{
    struct served *served = *state;
    holm_engine_mute_all(served->node->engine);
    assert_int_equal(get(served, "/healthz"), 503);
    assert_non_null(strstr(served->page, "the store has failed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_http_when_metrics_are_read_then_they_are_what_stats_say),
        cmocka_unit_test(test_http_when_other_things_are_asked_for_then_there_is_nothing),
        cmocka_unit_test(test_http_when_requests_are_hostile_then_others_are_served),
        cmocka_unit_test(test_http_when_many_stay_silent_then_others_are_served),
        cmocka_unit_test(test_http_when_thousands_stay_silent_then_few_are_kept),
        cmocka_unit_test(test_http_when_a_request_drips_in_then_it_is_hung_up_on),
        cmocka_unit_test(test_http_when_an_answer_is_not_read_then_it_is_hung_up_on),
        cmocka_unit_test(test_http_when_a_head_is_too_long_then_it_is_told_so),
        cmocka_unit_test(test_http_when_the_url_is_wrong_or_taken_then_the_node_does_not_open),
        cmocka_unit_test(test_http_when_the_node_closes_under_requests_then_it_ends),
        cmocka_unit_test(test_http_when_the_node_is_stuck_then_it_is_not_healthy),
        cmocka_unit_test(test_http_when_the_store_has_failed_then_it_is_not_healthy),
    };
    int failed = cmocka_run_group_tests(tests, open_served, close_served);
    (void)fflush(NULL);
    _exit(failed); /* nng frees its locks at exit() while a thread of its own may still hold one */
}
