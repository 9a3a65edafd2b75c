/* SPDX-License-Identifier: Apache-2.0 */
/* Who is let in with tls+tcp, and who is not (T30: a join without a certificate). */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <nng/nng.h>
#include <nng/supplemental/tls/tls.h>
#include <cmocka.h>

#include "tests/unit/certificates.h"
#include "transport/nng.h"

#define SECOND ((uint64_t)1000000)
#define LISTEN "tls+tcp://127.0.0.1:0"

static struct certificates ours, others;

static enum holm_status try_open(const char *listen, struct holm_transport_tls tls,
                                 const char **why, struct holm_transport **transport)
{
    struct holm_transport_config config = holm_transport_config_default();
    config.listen = listen;
    config.frame_bytes_max = 65536;
    config.tls = tls;
    config.why = why;
    return holm_transport_nng_open(&config, transport);
}

static struct holm_transport *open_as(const struct certificates *from, const char *name)
{
    struct holm_transport *transport = NULL;
    assert_int_equal(try_open(LISTEN, certificates_of(from, name), NULL, &transport), HOLM_OK);
    return transport;
}

static void shut(struct holm_transport *transport)
{
    transport->ops->close(transport, 0);
}

static struct holm_transport_stats stats_of(struct holm_transport *transport)
{
    struct holm_transport_stats stats;
    transport->ops->stats(transport, &stats);
    return stats;
}

/* The next event but LINK_UP, which says nothing of certificates. */
static struct holm_transport_event await(struct holm_transport *transport)
{
    struct holm_transport_event event;
    do
        transport->ops->next(transport, 10 * SECOND, &event);
    while (event.type == HOLM_TRANSPORT_LINK_UP);
    return event;
}

static struct holm_link_id dial(struct holm_transport *from, const char *address)
{
    struct holm_link_id link;
    assert_int_equal(from->ops->link_dial(from, address, &link), HOLM_OK);
    assert_int_equal(from->ops->link_send(from, link, "secret", 6), HOLM_OK);
    return link;
}

static int connect_to(const char *address)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void test_tls_when_the_authority_is_another_then_neither_side_takes_the_other(void **state)
{
    struct holm_transport *lisbon = open_as(&ours, "lisbon");
    struct holm_transport *mallory = open_as(&others, "mallory");
    for (int i = 0; i < 2; i++) {
        struct holm_transport *from = i == 0 ? mallory : lisbon;
        struct holm_transport *to = i == 0 ? lisbon : mallory;
        dial(from, to->ops->address(to));
        struct holm_transport_event event = await(from);
        assert_int_equal(event.type, HOLM_TRANSPORT_LINK_CLOSED);
        assert_true(event.untrusted);
        event = await(to);
        assert_int_equal(event.type, HOLM_TRANSPORT_LINK_CLOSED);
        assert_true(event.untrusted);
    }
    assert_int_equal(stats_of(lisbon).handshakes_failed, 2);
    assert_int_equal(stats_of(lisbon).frames_received, 0);
    assert_int_equal(stats_of(mallory).frames_received, 0);
    shut(lisbon);
    shut(mallory);
}

/* nng's own client: `certificate` NULL is one that shows none. It does not look at ours. */
static int call_as(const char *address, const struct holm_transport_tls *certificate)
{
    nng_stream_dialer *dialer;
    nng_tls_config *config;
    nng_stream *stream;
    nng_aio *aio;
    char text[4096], path[160];
    assert_int_equal(nng_tls_config_alloc(&config, NNG_TLS_MODE_CLIENT), 0);
    assert_int_equal(nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_NONE), 0);
    if (certificate != NULL) {
        snprintf(path, sizeof path, "%s.both", certificate->key);
        FILE *both = fopen(path, "wb");
        assert_non_null(both);
        for (int i = 0; i < 2; i++) {
            FILE *one = fopen(i == 0 ? certificate->certificate : certificate->key, "rb");
            assert_non_null(one);
            fwrite(text, 1, fread(text, 1, sizeof text, one), both);
            fclose(one);
        }
        fclose(both);
        assert_int_equal(nng_tls_config_cert_key_file(config, path, NULL), 0);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(nng_stream_dialer_alloc(&dialer, address), 0);
    assert_int_equal(nng_stream_dialer_set_ptr(dialer, NNG_OPT_TLS_CONFIG, config), 0);
    assert_int_equal(nng_aio_alloc(&aio, NULL, NULL), 0);
    nng_aio_set_timeout(aio, 10000);
    nng_stream_dialer_dial(dialer, aio);
    nng_aio_wait(aio);
    assert_int_equal(nng_aio_result(aio), 0);
    stream = nng_aio_get_output(aio, 0);
    /* A frame of one byte, and then whatever the other side does. */
    memcpy(text, "\1\0\0\0x", 5);
    nng_iov iov = {.iov_buf = text, .iov_len = 5};
    assert_int_equal(nng_aio_set_iov(aio, 1, &iov), 0);
    nng_stream_send(stream, aio);
    nng_aio_wait(aio);
    int result = nng_aio_result(aio);
    iov.iov_len = sizeof text;
    if (result == 0 && nng_aio_set_iov(aio, 1, &iov) == 0) {
        nng_aio_set_timeout(aio, 200);
        nng_stream_recv(stream, aio);
        nng_aio_wait(aio);
        result = nng_aio_result(aio) == NNG_ETIMEDOUT ? 0 : nng_aio_result(aio);
    }
    nng_stream_close(stream);
    nng_aio_free(aio);
    nng_stream_free(stream);
    nng_stream_dialer_free(dialer);
    nng_tls_config_free(config);
    return result;
}

static void
test_tls_when_a_caller_shows_no_certificate_or_a_foreign_one_then_nothing_of_it_is_taken(
    void **state)
{
    struct holm_transport *lisbon = open_as(&ours, "lisbon");
    struct holm_transport_tls good = certificates_of(&ours, "oslo");
    struct holm_transport_tls foreign = certificates_of(&others, "mallory");
    const struct holm_transport_tls *const shown[] = {NULL, &foreign};
    for (size_t i = 0; i < 2; i++) {
        assert_int_not_equal(call_as(lisbon->ops->address(lisbon), shown[i]), 0);
        struct holm_transport_event event = await(lisbon);
        assert_int_equal(event.type, HOLM_TRANSPORT_LINK_CLOSED);
        assert_true(event.untrusted);
        /* Who subscribes is let in by the same rule. */
        assert_int_not_equal(call_as(lisbon->ops->publisher(lisbon), shown[i]), 0);
    }
    assert_int_equal(stats_of(lisbon).handshakes_failed, 4);
    assert_int_equal(stats_of(lisbon).frames_received, 0);
    /* The very same call with a certificate of ours is taken: the test can tell. */
    assert_int_equal(call_as(lisbon->ops->address(lisbon), &good), 0);
    struct holm_transport_event event = await(lisbon);
    assert_int_equal(event.type, HOLM_TRANSPORT_LINK_FRAME);
    assert_memory_equal(event.frame, "x", 1);
    lisbon->ops->release(lisbon, &event);
    shut(lisbon);
}

static void test_tls_when_a_caller_speaks_plainly_then_it_is_hung_up_on(void **state)
{
    struct holm_transport *lisbon = open_as(&ours, "lisbon");
    int fd = connect_to(lisbon->ops->address(lisbon));
    char bytes[64];
    assert_int_equal(send(fd, "\6\0\0\0secret", 10, 0), 10);
    struct holm_transport_event event = await(lisbon);
    assert_int_equal(event.type, HOLM_TRANSPORT_LINK_CLOSED);
    assert_true(event.untrusted);
    while (recv(fd, bytes, sizeof bytes, 0) > 0)
        continue;
    close(fd);
    assert_int_equal(stats_of(lisbon).handshakes_failed, 1);
    shut(lisbon);
}

static void test_tls_when_an_address_is_plain_then_a_node_with_a_certificate_refuses_it(
    void **state)
{
    struct holm_transport *lisbon = open_as(&ours, "lisbon");
    struct holm_transport *bare = NULL;
    struct holm_subscription_id subscription;
    struct holm_link_id link;
    static const struct holm_transport_tls none;
    assert_int_equal(lisbon->ops->link_dial(lisbon, "tcp://127.0.0.1:1", &link), HOLM_EINVAL);
    assert_int_equal(lisbon->ops->subscribe(lisbon, "tcp://127.0.0.1:1", &subscription),
                     HOLM_EINVAL);
    assert_int_equal(try_open("tcp://127.0.0.1:0", certificates_of(&ours, "lisbon"), NULL, &bare),
                     HOLM_EINVAL);
    assert_int_equal(try_open(LISTEN, none, NULL, &bare), HOLM_EINVAL);
    assert_int_equal(try_open("tcp://127.0.0.1:0", none, NULL, &bare), HOLM_OK);
    assert_int_equal(bare->ops->link_dial(bare, lisbon->ops->address(lisbon), &link), HOLM_EINVAL);
    assert_int_equal(bare->ops->link_dial(bare, "tcp://192.0.2.1:1", &link), HOLM_EINVAL);
    shut(bare);
    shut(lisbon);
}

static void assert_refused(const char *certificate, const char *key, const char *ca,
                           const char *expected)
{
    const char *why = "";
    struct holm_transport *transport = NULL;
    assert_int_equal(
        try_open(NULL, (struct holm_transport_tls){certificate, key, ca}, &why, &transport),
        HOLM_EINVAL);
    assert_non_null(strstr(why, expected));
}

static void test_tls_when_the_files_do_not_fit_then_it_is_found_at_once(void **state)
{
    struct holm_transport_tls lisbon = certificates_of(&ours, "lisbon");
    struct holm_transport_tls oslo = certificates_of(&ours, "oslo");
    struct holm_transport_tls mallory = certificates_of(&others, "mallory");
    assert_refused(lisbon.certificate, lisbon.key, NULL, "one is missing");
    assert_refused("/nowhere", lisbon.key, lisbon.ca, "the certificate's file cannot");
    assert_refused(lisbon.certificate, "/nowhere", lisbon.ca, "the key's file cannot");
    assert_refused(lisbon.certificate, lisbon.key, "/dev/zero", "the CA's file cannot");
    assert_refused(lisbon.certificate, lisbon.key, lisbon.key, "the CA's file has no certificate");
    assert_refused(lisbon.key, lisbon.key, lisbon.ca, "the certificate or its key");
    assert_refused(lisbon.certificate, lisbon.certificate, lisbon.ca, "the certificate or its key");
    assert_refused(lisbon.certificate, oslo.key, lisbon.ca, "not of this key");
    assert_refused(lisbon.certificate, lisbon.key, mallory.ca, "not signed by this CA");
}

/* nng's streams forget an operation that is begun on one that has failed: no close may wait for it. */
static void test_tls_when_handshakes_break_off_then_closing_never_hangs(void **state)
{
    struct holm_transport *lisbon = open_as(&ours, "lisbon");
    struct holm_transport *mallory = open_as(&others, "mallory");
    static const unsigned char hello[] = {0x16, 3, 1, 0, 200, 1, 0, 0, 196, 3, 3};
    for (int i = 0; i < 60; i++) {
        struct holm_transport *oslo = open_as(&ours, "oslo");
        struct holm_subscription_id subscription;
        struct linger now = {.l_onoff = 1};
        int fds[2] = {connect_to(lisbon->ops->address(lisbon)),
                      connect_to(lisbon->ops->publisher(lisbon))};
        dial(oslo, lisbon->ops->address(lisbon));
        dial(oslo, mallory->ops->address(mallory));
        dial(mallory, oslo->ops->address(oslo));
        assert_int_equal(oslo->ops->subscribe(oslo, lisbon->ops->publisher(lisbon), &subscription),
                         HOLM_OK);
        for (int k = 0; k < 2; k++) {
            assert_int_equal(send(fds[k], hello, sizeof hello, MSG_NOSIGNAL), sizeof hello);
            if (i % 2 == 0)
                setsockopt(fds[k], SOL_SOCKET, SO_LINGER, &now, sizeof now);
            close(fds[k]);
        }
        if (i % 3 != 0)
            (void)await(oslo);
        shut(oslo);
    }
    shut(mallory);
    shut(lisbon);
}

static int make_certificates(void **state)
{
    certificates_make(&ours, "lisbon", "oslo", NULL);
    certificates_make(&others, "mallory", NULL);
    return 0;
}

static int remove_certificates(void **state)
{
    certificates_remove(&ours);
    certificates_remove(&others);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tls_when_the_authority_is_another_then_neither_side_takes_the_other),
        cmocka_unit_test(
            test_tls_when_a_caller_shows_no_certificate_or_a_foreign_one_then_nothing_of_it_is_taken),
        cmocka_unit_test(test_tls_when_a_caller_speaks_plainly_then_it_is_hung_up_on),
        cmocka_unit_test(
            test_tls_when_an_address_is_plain_then_a_node_with_a_certificate_refuses_it),
        cmocka_unit_test(test_tls_when_the_files_do_not_fit_then_it_is_found_at_once),
        cmocka_unit_test(test_tls_when_handshakes_break_off_then_closing_never_hangs),
    };
    return cmocka_run_group_tests_name("tls", tests, make_certificates, remove_certificates);
}
