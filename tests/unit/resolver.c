/* SPDX-License-Identifier: Apache-2.0 */
/* R1 to R3 and L1 to L3: when names are looked up, by a hook in place of the system's call, in virtual time; and what
 * is taken over of what they stand for. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "node/resolver.h"

#define SECOND_US UINT64_C(1000000)
#define HOSTS_MAX 3000

/* What all threads share: it is waited for, but no test depends on how long that takes. */
struct world {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t blocks; /* of memory */
    unsigned asked_for,
        refuse_at;  /* how often memory was asked for; which time it is refused, 0: never */
    bool refuse_on; /* and each time after it */
    unsigned looked_up, ready;
    bool hangs, hanging;
    const char *why;
    char hosts[HOSTS_MAX][HOLM_HOST_BYTES_MAX];
    size_t host_count;
    char name[64]; /* asked for last */

    struct holm_resolver *resolver;
    struct holm_now now;
    unsigned handed_over;
    char known[2048]; /* what was handed over last */
    size_t known_count;
    uint32_t known_name;
    char log[4096];
    const char *known_seed; /* was added */
    unsigned asked_back;    /* out of what is told */
};

static bool is_refused(struct world *world)
{
    pthread_mutex_lock(&world->lock);
    unsigned time = ++world->asked_for;
    bool refused = world->refuse_at != 0 &&
                   (world->refuse_on ? time >= world->refuse_at : time == world->refuse_at);
    pthread_mutex_unlock(&world->lock);
    return refused;
}

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct world *world = context;
    void *made = NULL;
    if (size_new > 0 && is_refused(world))
        return NULL;
    if (size_new > 0) {
        made = realloc(memory, size_new);
        assert_non_null(made);
    } else {
        free(memory);
    }
    pthread_mutex_lock(&world->lock);
    world->blocks += size_old == 0 && size_new > 0;
    world->blocks -= size_old > 0 && size_new == 0;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
    return made;
}

static const char *find(void *context, const char *name, struct holm_found *found)
{
    struct world *world = context;
    pthread_mutex_lock(&world->lock);
    world->looked_up++;
    snprintf(world->name, sizeof world->name, "%s", name);
    world->hanging = true;
    pthread_cond_broadcast(&world->changed);
    while (world->hangs)
        pthread_cond_wait(&world->changed, &world->lock);
    world->hanging = false;
    const char *why = world->why;
    size_t count = world->host_count;
    pthread_mutex_unlock(&world->lock);
    /* Nobody changes them while a lookup is under way. */
    for (size_t i = 0; why == NULL && i < count; i++)
        holm_found_add(found, world->hosts[i]);
    return why;
}

static void ready(void *context)
{
    struct world *world = context;
    pthread_mutex_lock(&world->lock);
    world->ready++;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
}

/* Who is told may ask, and add: no lock is held meanwhile. */
static void ask_back(struct world *world)
{
    struct holm_resolver_figures figures;
    holm_resolver_figures(world->resolver, &figures);
    assert_true(figures.names > 0);
    if (world->known_seed != NULL)
        assert_int_equal(holm_resolver_add(world->resolver, world->known_seed), HOLM_OK);
    world->asked_back++;
}

static void resolved(void *context, const struct holm_roster_named *named, struct holm_now now,
                     struct holm_roster_change *change)
{
    struct world *world = context;
    (void)now;
    ask_back(world);
    world->handed_over++;
    world->known[0] = '\0';
    size_t used = 0;
    for (size_t i = 0; i < named->count && i < 8; i++)
        used += (size_t)snprintf(world->known + used, sizeof world->known - used, "%s ",
                                 named->texts[i].bytes);
    *change = (struct holm_roster_change){.known = named->count,
                                          .added = named->count != world->known_count};
    world->known_count = named->count;
    world->known_name = named->name;
}

static void hear(void *context, int level, const char *line)
{
    struct world *world = context;
    ask_back(world);
    size_t used = strlen(world->log);
    snprintf(world->log + used, sizeof world->log - used, "%d %s\n", level, line);
}

static struct world *make_world(void)
{
    struct world *world = calloc(1, sizeof *world);
    assert_non_null(world);
    pthread_mutex_init(&world->lock, NULL);
    pthread_cond_init(&world->changed, NULL);
    world->now.monotonic_us = 1000 * SECOND_US;
    return world;
}

static enum holm_status open_resolver(struct world *world, bool tls, bool insecure)
{
    struct holm_resolver_config config = {
        .allocator = {resize, world},
        .log = {.level = HOLM_LOG_DEBUG, .write = hear, .context = world},
        .interval_us = 30 * SECOND_US,
        .random_seed = 7,
        .tls = tls,
        .insecure = insecure,
        .find = find,
        .find_context = world,
        .ready = ready,
        .resolved = resolved,
        .context = world};
    return holm_resolver_new(&config, &world->resolver);
}

static struct world *begin(bool tls, bool insecure)
{
    struct world *world = make_world();
    assert_int_equal(open_resolver(world, tls, insecure), HOLM_OK);
    return world;
}

/* With the lock; fails after a while that no test comes near. */
static void wait_for_change(struct world *world)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 60;
    assert_int_not_equal(pthread_cond_timedwait(&world->changed, &world->lock, &until), ETIMEDOUT);
}

/* Every thread has let go: nothing is held any more. */
static void finish(struct world *world)
{
    holm_resolver_free(world->resolver);
    pthread_mutex_lock(&world->lock);
    while (world->blocks > 0)
        wait_for_change(world);
    pthread_mutex_unlock(&world->lock);
    free(world);
}

static void add(struct world *world, const char *seed)
{
    assert_int_equal(holm_resolver_add(world->resolver, seed), HOLM_OK);
    world->known_seed = seed;
}

/* The names' hosts, with blanks between; what was there is forgotten. */
static void stand_for(struct world *world, const char *hosts)
{
    pthread_mutex_lock(&world->lock);
    world->host_count = 0;
    while (*hosts != '\0') {
        size_t size = strcspn(hosts, " ");
        snprintf(world->hosts[world->host_count++], HOLM_HOST_BYTES_MAX, "%.*s", (int)size, hosts);
        hosts += size + (hosts[size] == ' ');
    }
    pthread_mutex_unlock(&world->lock);
}

static uint64_t tick(struct world *world, bool alone)
{
    return holm_resolver_tick(world->resolver, alone, world->now);
}

static void wait_ready(struct world *world, unsigned count)
{
    pthread_mutex_lock(&world->lock);
    while (world->ready < count)
        wait_for_change(world);
    pthread_mutex_unlock(&world->lock);
}

/* Lets the time of the next lookup come, of the only name, and takes what it finds; returns when the next is due. */
static uint64_t look_up(struct world *world, bool alone)
{
    unsigned before = world->ready;
    uint64_t due_us = tick(world, alone);
    if (due_us != HOLM_NEVER) {
        world->now.monotonic_us = due_us;
        assert_int_equal(tick(world, alone), HOLM_NEVER);
    }
    wait_ready(world, before + 1);
    return tick(world, alone);
}

static void test_resolver_when_a_name_gains_loses_and_changes_then_all_it_has_is_handed_over(
    void **state)
{
    (void)state;
    struct world *world = begin(false, true);
    add(world, "dns+tcp://nodes.svc:7000");
    stand_for(world, "10.0.0.1 [fd00::1] 10.0.0.1");
    (void)look_up(world, false);
    assert_string_equal(world->name, "nodes.svc");
    assert_string_equal(world->known, "tcp://10.0.0.1:7000 tcp://[fd00::1]:7000 ");
    assert_non_null(strstr(world->log, "event=seed_resolved"));
    stand_for(world, "10.0.0.1 10.0.0.2 10.0.0.3");
    (void)look_up(world, false);
    assert_string_equal(world->known,
                        "tcp://10.0.0.1:7000 tcp://10.0.0.2:7000 tcp://10.0.0.3:7000 ");
    stand_for(world, "10.0.0.9");
    (void)look_up(world, false);
    assert_string_equal(world->known, "tcp://10.0.0.9:7000 ");
    world->log[0] = '\0';
    (void)look_up(world, false);
    assert_string_equal(world->log, "");
    assert_int_equal(world->handed_over, 4);
    assert_int_equal(world->asked_back, 4 + 3); /* handed over, and told */
    finish(world);
}

static void test_resolver_when_nobody_is_up_then_it_looks_up_sooner(void **state)
{
    (void)state;
    struct world *world = begin(false, true);
    uint64_t least_us = HOLM_NEVER, most_us = 0;
    add(world, "dns+tcp://nodes:1");
    stand_for(world, "10.0.0.1");
    for (int i = 0; i < 40; i++) {
        uint64_t wait_us = look_up(world, false) - world->now.monotonic_us;
        least_us = wait_us < least_us ? wait_us : least_us;
        most_us = wait_us > most_us ? wait_us : most_us;
        assert_in_range(wait_us, 15 * SECOND_US, 45 * SECOND_US);
    }
    assert_in_range(least_us, 15 * SECOND_US, 22 * SECOND_US);
    assert_in_range(most_us, 38 * SECOND_US, 45 * SECOND_US);
    /* The last peer goes down a moment after a lookup: the long pause does not last. */
    assert_in_range(tick(world, true) - world->now.monotonic_us, SECOND_US, 3 * SECOND_US);
    for (int i = 0; i < 10; i++)
        assert_in_range(look_up(world, true) - world->now.monotonic_us, SECOND_US, 3 * SECOND_US);
    finish(world);
}

static void test_resolver_when_a_lookup_fails_then_what_was_known_stays_and_a_line_says_so(
    void **state)
{
    (void)state;
    struct world *world = begin(false, true);
    struct holm_resolver_figures figures;
    add(world, "dns+tcp://nodes:1");
    stand_for(world, "10.0.0.1 10.0.0.2");
    (void)look_up(world, false);
    world->log[0] = '\0';
    world->why = "Temporary failure";
    (void)look_up(world, false);
    assert_non_null(strstr(world->log, "event=resolve_failed"));
    assert_non_null(strstr(world->log, "Temporary failure; 2 addresses of before stay"));
    world->log[0] = '\0';
    (void)look_up(world, false);
    world->why = NULL;
    stand_for(world, "");
    (void)look_up(world, false);
    assert_string_equal(world->log, ""); /* it has been said */
    assert_int_equal(world->handed_over, 1);
    holm_resolver_figures(world->resolver, &figures);
    assert_int_equal(figures.names, 1);
    assert_int_equal(figures.names_failed, 1);
    assert_int_equal(figures.addresses, 2);
    assert_int_equal(figures.lookups, 4);
    assert_int_equal(figures.lookups_failed, 3);
    stand_for(world, "10.0.0.1 10.0.0.2");
    (void)look_up(world, false);
    assert_int_equal(world->handed_over, 2);
    assert_non_null(strstr(world->log, "event=seed_resolved"));
    holm_resolver_figures(world->resolver, &figures);
    assert_int_equal(figures.names_failed, 0);
    finish(world);
}

/* What may not be written may not be found. */
static void test_resolver_when_an_address_would_be_refused_then_it_is_not_handed_over(void **state)
{
    (void)state;
    struct world *world = begin(false, false);
    add(world, "dns+tcp://localhost:1");
    stand_for(world, "127.0.0.1 192.0.2.1 [::1] 192.0.2.2");
    (void)look_up(world, false);
    assert_string_equal(world->known, "tcp://127.0.0.1:1 tcp://[::1]:1 ");
    assert_non_null(strstr(world->log, "event=seed_refused"));
    assert_non_null(strstr(world->log, "2 of its addresses are not dialled: tcp://192.0.2.1:1 is"));
    stand_for(world, "192.0.2.1");
    (void)look_up(world, false);
    assert_int_equal(world->handed_over, 1); /* R1 */
    assert_non_null(strstr(world->log, "none may be dialled"));
    finish(world);
    world = begin(true, false);
    add(world, "dns+tls+tcp://nodes:1");
    stand_for(world, "192.0.2.1");
    (void)look_up(world, false);
    assert_string_equal(world->known, "tls+tcp://192.0.2.1:1 ");
    finish(world);
}

static void test_resolver_when_there_are_thousands_then_they_are_bounded_and_counted(void **state)
{
    (void)state;
    struct world *world = begin(false, true);
    add(world, "dns+tcp://nodes:1");
    for (unsigned i = 0; i < HOSTS_MAX; i++)
        snprintf(world->hosts[i], HOLM_HOST_BYTES_MAX, "10.0.%u.%u", i / 250, i % 250);
    world->host_count = HOSTS_MAX;
    (void)look_up(world, false);
    assert_int_equal(world->known_count, HOLM_FOUND_MAX);
    char text[64];
    snprintf(text, sizeof text, "left_out=%u ", HOSTS_MAX - HOLM_FOUND_MAX);
    assert_non_null(strstr(world->log, text));
    finish(world);
}

static void test_resolver_when_there_are_many_names_then_each_has_its_number_up_to_a_limit(
    void **state)
{
    (void)state;
    struct world *world = begin(false, true);
    char seed[64];
    for (int i = 0; i < HOLM_RESOLVER_NAMES_MAX; i++) {
        snprintf(seed, sizeof seed, "dns+tcp://n%d:1", i);
        add(world, seed);
        add(world, seed);
    }
    assert_int_equal(holm_resolver_add(world->resolver, "dns+tcp://more:1"), HOLM_ELIMIT);
    stand_for(world, "10.0.0.1");
    assert_int_equal(tick(world, false), HOLM_NEVER);
    wait_ready(world, HOLM_RESOLVER_NAMES_MAX);
    assert_int_not_equal(tick(world, false), HOLM_NEVER);
    assert_int_equal(world->handed_over, HOLM_RESOLVER_NAMES_MAX);
    assert_int_equal(world->known_name, HOLM_RESOLVER_NAMES_MAX - 1);
    finish(world);
}

/* Neither the turn of the I/O thread nor the end of the node waits; what the lookup finds after that goes nowhere. */
static void test_resolver_when_a_lookup_hangs_then_nobody_waits_for_it(void **state)
{
    (void)state;
    struct world *world = begin(false, true);
    add(world, "dns+tcp://nodes:1");
    stand_for(world, "10.0.0.1");
    world->hangs = true;
    assert_int_equal(tick(world, true), HOLM_NEVER);
    pthread_mutex_lock(&world->lock);
    while (!world->hanging)
        wait_for_change(world);
    pthread_mutex_unlock(&world->lock);
    world->now.monotonic_us += 3600 * SECOND_US;
    assert_int_equal(tick(world, true), HOLM_NEVER);
    assert_int_equal(world->looked_up, 1);
    holm_resolver_free(world->resolver);
    world->resolver = NULL;
    assert_true(world->hanging);
    pthread_mutex_lock(&world->lock);
    assert_true(world->blocks > 0);
    world->hangs = false;
    pthread_cond_broadcast(&world->changed);
    pthread_mutex_unlock(&world->lock);
    pthread_mutex_lock(&world->lock);
    while (world->blocks > 0)
        wait_for_change(world);
    pthread_mutex_unlock(&world->lock);
    assert_int_equal(world->ready, 0); /* L2 */
    assert_int_equal(world->handed_over, 0);
    finish(world);
}

/* Whatever is refused, the resolver is what it was, and the next lookup brings what this one should have. */
static bool refuse(unsigned time, bool on)
{
    static const char *const before = "tcp://10.0.0.1:1 tcp://10.0.0.2:1 ";
    struct world *world = make_world();
    world->refuse_at = time;
    world->refuse_on = on;
    if (open_resolver(world, false, true) != HOLM_OK) {
        assert_null(world->resolver);
        world->refuse_at = 0;
        assert_int_equal(open_resolver(world, false, true), HOLM_OK);
    }
    if (holm_resolver_add(world->resolver, "dns+tcp://nodes:1") != HOLM_OK) {
        struct holm_resolver_figures figures;
        holm_resolver_figures(world->resolver, &figures);
        assert_int_equal(figures.names, 0);
        world->refuse_at = 0;
        add(world, "dns+tcp://nodes:1");
    }
    stand_for(world, "10.0.0.1 10.0.0.2");
    (void)look_up(world, false);
    world->refuse_at = world->handed_over > 0 ? world->refuse_at : 0;
    if (world->handed_over == 0) {
        assert_non_null(strstr(world->log, "out of memory"));
        (void)look_up(world, false);
    }
    assert_string_equal(world->known, before);
    /* Many more, so that what was found grows several times. */
    for (unsigned i = 2; i < 40; i++)
        snprintf(world->hosts[i], HOLM_HOST_BYTES_MAX, "10.0.0.%u", i + 1);
    world->host_count = 40;
    world->handed_over = 0;
    (void)look_up(world, false);
    if (world->handed_over == 0) {
        assert_string_equal(world->known, before); /* R1 */
        assert_non_null(strstr(world->log, "out of memory"));
        world->refuse_at = 0;
        (void)look_up(world, false);
    }
    assert_int_equal(world->known_count, 40);
    bool refused = world->asked_for >= time;
    finish(world);
    return refused;
}

static void test_resolver_when_memory_is_refused_then_nothing_is_lost(void **state)
{
    (void)state;
    for (unsigned on = 0; on < 2; on++) {
        unsigned time = 1;
        while (refuse(time, on))
            time++;
        assert_in_range(time, 6, 100);
    }
}

static void test_lookup_when_the_system_is_asked_then_numbers_stand_for_themselves(void **state)
{
    (void)state;
    struct holm_found found = {.allocator = holm_transport_config_default().allocator};
    assert_null(holm_lookup_system(NULL, "192.0.2.7", &found));
    assert_null(holm_lookup_system(NULL, "fd00::7", &found));
    assert_null(holm_lookup_system(NULL, "::ffff:192.0.2.8", &found));
    assert_null(holm_lookup_system(NULL, "fe80::7", &found)); /* good on one interface alone */
    assert_null(holm_lookup_system(NULL, "192.0.2.7", &found));
    assert_int_equal(found.count, 3);
    assert_string_equal(found.hosts[0], "192.0.2.7");
    assert_string_equal(found.hosts[1], "[fd00::7]");
    assert_string_equal(found.hosts[2], "192.0.2.8");
    holm_found_release(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_resolver_when_a_name_gains_loses_and_changes_then_all_it_has_is_handed_over),
        cmocka_unit_test(test_resolver_when_nobody_is_up_then_it_looks_up_sooner),
        cmocka_unit_test(
            test_resolver_when_a_lookup_fails_then_what_was_known_stays_and_a_line_says_so),
        cmocka_unit_test(test_resolver_when_an_address_would_be_refused_then_it_is_not_handed_over),
        cmocka_unit_test(test_resolver_when_there_are_thousands_then_they_are_bounded_and_counted),
        cmocka_unit_test(
            test_resolver_when_there_are_many_names_then_each_has_its_number_up_to_a_limit),
        cmocka_unit_test(test_resolver_when_a_lookup_hangs_then_nobody_waits_for_it),
        cmocka_unit_test(test_resolver_when_memory_is_refused_then_nothing_is_lost),
        cmocka_unit_test(test_lookup_when_the_system_is_asked_then_numbers_stand_for_themselves),
    };
    return cmocka_run_group_tests_name("resolver", tests, NULL, NULL);
}
