/* SPDX-License-Identifier: Apache-2.0 */
/* Seeds that are names, over real sockets, by the system's resolver. */
#include "api.h"

#include <pthread.h>
#include <string.h>

struct said {
    pthread_mutex_t lock;
    char lines[4096];
};

static void hear(void *context, int level, const char *line)
{
    struct said *said = context;
    (void)level;
    pthread_mutex_lock(&said->lock);
    size_t used = strlen(said->lines);
    snprintf(said->lines + used, sizeof said->lines - used, "%s\n", line);
    pthread_mutex_unlock(&said->lock);
}

static bool has_said(struct said *said, const char *text)
{
    pthread_mutex_lock(&said->lock);
    bool there = strstr(said->lines, text) != NULL;
    pthread_mutex_unlock(&said->lock);
    return there;
}

static const char *port_of(struct holm_node *node)
{
    return strrchr(holm_address(node), ':');
}

/* The name has one address or two; who listens is at the second of them, or the first. */
static void test_node_when_a_seed_is_a_name_then_who_listens_at_one_of_its_addresses_is_met(
    void **state)
{
    static struct said said = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct holm_node *lisbon = api_open("lisbon", "tcp://127.0.0.1:0", NULL);
    struct holm_config config = api_config("oslo");
    struct holm_node *oslo;
    char seeds[64];
    char page[65536];
    size_t size;

    (void)state;
    snprintf(seeds, sizeof seeds, "dns+tcp://localhost%s", port_of(lisbon));
    config.seeds = seeds;
    config.log = hear;
    config.log_context = &said;
    config.log_level = HOLM_LOG_INFO;
    assert_ok(holm_open(&config, &oslo));
    assert_ok(holm_wait_peers(oslo, 1, API_WAIT_MS));
    assert_true(has_said(&said, "event=seed_resolved"));
    assert_status(holm_metrics(oslo, page, sizeof page - 1, &size), HOLM_OK);
    page[size] = '\0';
    assert_non_null(strstr(page, "\nholm_seed_names 1\n"));
    assert_non_null(strstr(page, "\nholm_seed_names_failed 0\n"));
    assert_null(strstr(page, "\nholm_seed_addresses 0\n"));
    holm_close(oslo);
    holm_close(lisbon);
}

/* A later joiner, by a call; who dies and is back at its address is met again. */
static void test_node_when_a_name_is_joined_then_it_is_looked_up_at_once(void **state)
{
    struct holm_node *lisbon = api_open("lisbon", "tcp://127.0.0.1:0", NULL);
    struct holm_node *oslo = api_open("oslo", NULL, NULL);
    char seed[64];

    (void)state;
    snprintf(seed, sizeof seed, "dns+tcp://localhost%s", port_of(lisbon));
    assert_ok(holm_join(oslo, seed));
    assert_ok(holm_join(oslo, seed));
    assert_ok(holm_wait_peers(oslo, 1, API_WAIT_MS));
    assert_status(holm_join(oslo, "dns+tcp://localhost:0"), HOLM_EADDRESS);
    assert_status(holm_join(oslo, "dns+tls+tcp://localhost:1"), HOLM_EINVAL);
    holm_close(oslo);
    holm_close(lisbon);
}

/* RFC 6761: there is no such name. Numbers are names of themselves. */
static void test_node_when_a_name_leads_nowhere_or_off_loopback_then_a_line_says_so(void **state)
{
    static struct said said = {.lock = PTHREAD_MUTEX_INITIALIZER};
    struct holm_config config = api_config("oslo");
    struct holm_node *oslo;

    (void)state;
    config.seeds = "dns+tcp://192.0.2.1:7, dns+tcp://no\x7f-name:7";
    assert_status(holm_open(&config, &oslo), HOLM_EADDRESS);
    config.seeds = "dns+tcp://192.0.2.1:7, dns+tcp://nobody.invalid:7";
    config.log = hear;
    config.log_context = &said;
    config.log_level = HOLM_LOG_INFO;
    assert_ok(holm_open(&config, &oslo));
    await(has_said(&said, "event=seed_refused"));
    await(has_said(&said, "cannot look up dns+tcp://192.0.2.1:7: none may be dialled"));
    holm_close(oslo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_node_when_a_seed_is_a_name_then_who_listens_at_one_of_its_addresses_is_met),
        cmocka_unit_test(test_node_when_a_name_is_joined_then_it_is_looked_up_at_once),
        cmocka_unit_test(test_node_when_a_name_leads_nowhere_or_off_loopback_then_a_line_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
