/* SPDX-License-Identifier: Apache-2.0 */
/* Nodes with certificates: those of one authority meet, whoever has none stays outside. */
#include "api.h"

#include <pthread.h>

#include <sys/wait.h>

#include "tests/unit/certificates.h"

static struct certificates ours, others;

struct heard {
    pthread_mutex_t lock;
    char lines[4096];
    int untrusted;
};

static void hear(void *context, int level, const char *line)
{
    struct heard *heard = context;
    (void)level;
    pthread_mutex_lock(&heard->lock);
    heard->untrusted += strstr(line, "no certificate that both sides trust") != NULL;
    if (strlen(heard->lines) + strlen(line) + 2 < sizeof heard->lines) {
        strcat(heard->lines, line);
        strcat(heard->lines, "\n");
    }
    pthread_mutex_unlock(&heard->lock);
}

static bool has_heard(struct heard *heard, const char *text)
{
    pthread_mutex_lock(&heard->lock);
    bool found = strstr(heard->lines, text) != NULL;
    pthread_mutex_unlock(&heard->lock);
    return found;
}

static struct holm_node *open_as(const struct certificates *from, const char *name,
                                 const char *seeds, struct heard *heard)
{
    struct holm_config config = api_config(name);
    struct holm_transport_tls tls = certificates_of(from, name);
    struct holm_node *node = NULL;

    config.listen = "tls+tcp://127.0.0.1:0";
    config.seeds = seeds;
    config.tls_certificate = tls.certificate;
    config.tls_key = tls.key;
    config.tls_ca = tls.ca;
    config.log_level = 3;
    config.log = hear;
    config.log_context = heard;
    assert_ok(holm_open(&config, &node));
    return node;
}

static uint64_t metric(struct holm_node *node, const char *name)
{
    static char text[1 << 20];
    size_t size;
    const char *found;

    assert_ok(holm_metrics(node, text, sizeof text - 1, &size));
    text[size] = '\0';
    found = strstr(text, name);
    assert_non_null(found);
    return strtoull(found + strlen(name), NULL, 10);
}

static bool has(struct holm_node *node, const char *key, int64_t expected)
{
    int64_t sum;
    return holm_count(node, holm_str(key), holm_str("c"), &sum) == HOLM_OK && sum == expected;
}

static void test_tls_when_the_authority_is_one_then_nodes_meet_and_others_stay_outside(void **state)
{
    static struct heard inside = {.lock = PTHREAD_MUTEX_INITIALIZER};
    static struct heard outside = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct holm_node *lisbon = open_as(&ours, "lisbon", NULL, &inside);
    struct holm_node *oslo = open_as(&ours, "oslo", holm_address(lisbon), &inside);
    struct holm_node *mallory = open_as(&others, "mallory", holm_address(lisbon), &outside);
    struct holm_peer peer;

    assert_memory_equal(holm_address(lisbon), "tls+tcp://127.0.0.1:", 20);
    assert_ok(holm_wait_peers(lisbon, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(oslo, 1, API_WAIT_MS));
    assert_ok(holm_add(lisbon, holm_str("k"), holm_str("c"), 3));
    await(has(oslo, "k", 3));
    for (int i = 1; i <= 1000; i++)
        assert_ok(holm_add(oslo, holm_str("m"), holm_str("c"), 1));
    await(has(lisbon, "m", 1000));
    await(metric(lisbon, "\nholm_handshakes_failed_total ") >= 3);
    await(metric(mallory, "\nholm_handshakes_failed_total ") >= 3);
    await(has_heard(&inside, "caller from 127.0.0.1: no certificate that both sides trust"));
    await(has_heard(&outside, "peer at tls+tcp://127.0.0.1:"));
    assert_int_equal(holm_peers(mallory, &peer, 1), 0);
    assert_false(has(mallory, "k", 3));
    holm_close(mallory);
    holm_close(oslo);
    holm_close(lisbon);
    /* However often it has called. */
    assert_int_equal(inside.untrusted, 1);
    assert_int_equal(outside.untrusted, 1);
}

/* By the wildcard of its own Hello a node is known under the scheme that it listens with. */
static void test_tls_when_a_node_listens_everywhere_then_its_link_says_where(void **state)
{
    struct holm_config config = api_config("oslo");
    struct holm_transport_tls tls = certificates_of(&ours, "oslo");
    static struct heard heard = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct holm_node *lisbon = open_as(&ours, "lisbon", NULL, &heard), *oslo;
    struct holm_peer peer;
    char expected[128];

    config.listen = "tls+tcp://*:0";
    config.seeds = holm_address(lisbon);
    config.tls_certificate = tls.certificate;
    config.tls_key = tls.key;
    config.tls_ca = tls.ca;
    assert_ok(holm_open(&config, &oslo));
    assert_ok(holm_wait_peers(lisbon, 1, API_WAIT_MS));
    assert_int_equal(holm_peers(lisbon, &peer, 1), 1);
    snprintf(expected, sizeof expected, "tls+tcp://127.0.0.1%s", strrchr(holm_address(oslo), ':'));
    assert_string_equal(peer.address, expected);
    assert_ok(holm_add(oslo, holm_str("k"), holm_str("c"), 1));
    await(has(lisbon, "k", 1));
    holm_close(oslo);
    holm_close(lisbon);
}

static void test_open_when_the_certificate_does_not_fit_then_a_line_says_why(void **state)
{
    struct holm_config config = api_config("lisbon");
    struct holm_transport_tls tls = certificates_of(&ours, "lisbon");
    struct holm_transport_tls foreign = certificates_of(&others, "mallory");
    static struct heard heard = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct holm_node *node = NULL;

    config.log = hear;
    config.log_context = &heard;
    config.tls_certificate = tls.certificate;
    config.tls_key = tls.key;
    config.tls_ca = foreign.ca;
    assert_status(holm_open(&config, &node), HOLM_EINVAL);
    assert_null(node);
    assert_true(has_heard(&heard, "not signed by this CA"));
    assert_true(has_heard(&heard, foreign.ca));
    config.tls_ca = tls.ca;
    assert_ok(holm_open(&config, &node));
    assert_status(holm_join(node, "tcp://127.0.0.1:1"), HOLM_EINVAL);
    assert_ok(holm_join(node, "tls+tcp://192.0.2.1:1"));
    holm_close(node);
}

static bool opens(const struct holm_config *config)
{
    struct holm_node *node = NULL;
    bool opened = holm_open(config, &node) == HOLM_OK;
    holm_close(node);
    return opened;
}

static struct holm_config config_of(struct holm_transport_tls tls)
{
    struct holm_config config = api_config("lisbon");
    config.log_level = 0;
    config.tls_certificate = tls.certificate;
    config.tls_key = tls.key;
    config.tls_ca = tls.ca;
    return config;
}

/* One that is good for no day at all ends with the second in which it is made. */
static void test_open_when_the_certificate_is_out_of_date_then_it_is_refused(void **state)
{
    certificates_add(&ours, "late", 0);
    struct holm_config config = config_of(certificates_of(&ours, "late"));
    await(!opens(&config));
    config = config_of(certificates_of(&ours, "lisbon"));
    assert_true(opens(&config));
}

/* Nobody but the openssl program writes lists of revocations here. */
static void test_tls_when_a_certificate_is_revoked_then_it_admits_no_more(void **state)
{
    static const char script[] =
        "cd %s && command -v openssl >/dev/null || exit 77; : >index; echo 01 >number; "
        "printf '[ca]\ndefault_ca=d\n[d]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n"
        "default_crl_days=2\n' >cnf && openssl ca -config cnf -cert ca.crt -keyfile ca.key "
        "-revoke oslo.crt 2>log && openssl ca -config cnf -cert ca.crt -keyfile ca.key -gencrl "
        "-out crl 2>>log && cat ca.crt crl >both; status=$?; "
        "rm -f index* number* cnf log crl; exit $status";
    char command[1024], both[CERTIFICATES_PATH];
    struct holm_transport_tls lisbon = certificates_of(&ours, "lisbon");
    struct holm_transport_tls oslo = certificates_of(&ours, "oslo");

    snprintf(command, sizeof command, script, ours.folder);
    int status = system(command);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
        print_message("skipped: there is no openssl program\n");
        skip();
    }
    assert_int_equal(status, 0);
    snprintf(both, sizeof both, "%.40s/both", ours.folder);
    lisbon.ca = oslo.ca = both;
    struct holm_config config = config_of(lisbon);
    assert_true(opens(&config));
    config = config_of(oslo);
    assert_false(opens(&config));
    /* It opens where the list is not known, and is hung up on where it is. */
    static struct heard heard = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct holm_node *strict, *revoked;
    config = config_of(lisbon);
    config.listen = "tls+tcp://127.0.0.1:0";
    config.log_level = 2;
    config.log = hear;
    config.log_context = &heard;
    assert_ok(holm_open(&config, &strict));
    revoked = open_as(&ours, "oslo", holm_address(strict), &heard);
    await(metric(strict, "\nholm_handshakes_failed_total ") >= 2);
    assert_int_equal(holm_peers(strict, NULL, 0), 0);
    holm_close(revoked);
    holm_close(strict);
    assert_int_equal(unlink(both), 0);
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
        cmocka_unit_test(
            test_tls_when_the_authority_is_one_then_nodes_meet_and_others_stay_outside),
        cmocka_unit_test(test_tls_when_a_node_listens_everywhere_then_its_link_says_where),
        cmocka_unit_test(test_open_when_the_certificate_is_out_of_date_then_it_is_refused),
        cmocka_unit_test(test_tls_when_a_certificate_is_revoked_then_it_admits_no_more),
        cmocka_unit_test(test_open_when_the_certificate_does_not_fit_then_a_line_says_why),
    };
    return cmocka_run_group_tests_name("tls", tests, make_certificates, remove_certificates);
}
