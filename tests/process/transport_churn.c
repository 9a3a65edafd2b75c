/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Transports opened and closed under traffic, in one process.
 *
 * Two steady nodes, one on ipc and one on tcp, flood: they broadcast without a pause and send on
 * every link that reaches them, each in a thread of its own. Visitors come and go: a visitor
 * subscribes to both, dials both and says where it publishes, so that they subscribe to it; it
 * broadcasts too. As soon as all have heard from each other both ways, it is closed, in the middle
 * of the traffic. No close may take long, and descriptors and memory may not grow with the visits.
 *
 * 50 visits; 1,000 with HOLM_SOAK=1, or HOLM_SOAK_VISITS.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/process/resources.h"
#include "transport/nng.h"

#define STEADY 2
#define VISITS_WARM 10
#define FRAME_BYTES 4096
#define PATIENCE_S 20.0
#define CLOSE_S_MAX 5.0
#define DESCRIPTORS_GROWTH_MAX 4
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define RESIDENT_GROWTH_BYTES_MAX ((size_t)512 << 20) /* what is freed is kept aside for a while */
#else
#define RESIDENT_GROWTH_BYTES_MAX ((size_t)16 << 20)
#endif
#define GUESTS_MAX 16

static char folder[] = "/tmp/holm-XXXXXX";

struct guest {
    struct holm_link_id link;
    struct holm_subscription_id subscription;
};

struct steady {
    struct holm_transport *transport;
    pthread_t thread;
    atomic_bool stop;
    atomic_uint heard; /* the number of the last visitor whose broadcast came */
    struct guest guests[GUESTS_MAX];
    unsigned char frame[FRAME_BYTES];
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct guest *guest_of(struct steady *steady, uint64_t link)
{
    for (size_t i = 0; i < GUESTS_MAX; i++)
        if (steady->guests[i].link.value == link)
            return &steady->guests[i];
    return NULL;
}

static void say_goodbye(struct steady *steady, uint64_t link)
{
    struct guest *guest = guest_of(steady, link);
    if (guest == NULL)
        return;
    if (guest->subscription.value != 0)
        steady->transport->ops->unsubscribe(steady->transport, guest->subscription);
    *guest = (struct guest){.link = {0}};
}

/* A visitor has said where it publishes. */
static void follow(struct steady *steady, const struct holm_transport_event *event)
{
    struct guest *guest = guest_of(steady, event->link.value);
    char address[HOLM_ADDRESS_BYTES_MAX];
    if (guest == NULL || guest->subscription.value != 0 || event->frame_bytes >= sizeof address)
        return;
    memcpy(address, event->frame, event->frame_bytes);
    address[event->frame_bytes] = '\0';
    if (steady->transport->ops->subscribe(steady->transport, address, &guest->subscription) !=
        HOLM_OK)
        guest->subscription.value = 0;
}

static void hear(struct steady *steady, const struct holm_transport_event *event)
{
    unsigned visit = 0;
    if (event->frame_bytes == sizeof visit) {
        memcpy(&visit, event->frame, sizeof visit);
        atomic_store(&steady->heard, visit);
    }
}

static void handle(struct steady *steady, const struct holm_transport_event *event)
{
    struct guest *vacant = NULL;
    switch (event->type) {
    case HOLM_TRANSPORT_LINK_UP:
        vacant = guest_of(steady, 0);
        if (vacant != NULL)
            vacant->link = event->link;
        break;
    case HOLM_TRANSPORT_LINK_FRAME:
        follow(steady, event);
        break;
    case HOLM_TRANSPORT_LINK_CLOSED:
        say_goodbye(steady, event->link.value);
        break;
    case HOLM_TRANSPORT_BROADCAST:
        hear(steady, event);
        break;
    case HOLM_TRANSPORT_NONE:
        break;
    }
}

/* A full queue breaks the link: that is part of the traffic. */
static void flood(struct steady *steady)
{
    struct holm_transport *transport = steady->transport;
    if (transport->ops->broadcast(transport, steady->frame, FRAME_BYTES) != HOLM_OK)
        abort();
    for (size_t i = 0; i < GUESTS_MAX; i++) {
        struct holm_link_id link = steady->guests[i].link;
        if (link.value != 0 &&
            transport->ops->link_send(transport, link, steady->frame, FRAME_BYTES) == HOLM_ENOMEM)
            abort();
    }
}

static void *run(void *context)
{
    struct steady *steady = context;
    while (!atomic_load(&steady->stop)) {
        flood(steady);
        struct holm_transport_event event;
        for (unsigned i = 0; i < 4; i++) {
            steady->transport->ops->next(steady->transport, i == 0 ? 50 : 0, &event);
            handle(steady, &event);
            steady->transport->ops->release(steady->transport, &event);
        }
    }
    return NULL;
}

static void start(struct steady *steady, bool ipc, unsigned number)
{
    char address[HOLM_ADDRESS_BYTES_MAX] = "tcp://127.0.0.1:0";
    if (ipc)
        snprintf(address, sizeof address, "ipc://%s/steady%u", folder, number);
    struct holm_transport_config config = holm_transport_config_default();
    config.listen = address;
    memset(steady, 0, sizeof *steady);
    memset(steady->frame, 'f', sizeof steady->frame);
    assert_int_equal(holm_transport_nng_open(&config, &steady->transport), HOLM_OK);
    assert_int_equal(pthread_create(&steady->thread, NULL, run, steady), 0);
}

static void finish(struct steady *steady)
{
    atomic_store(&steady->stop, true);
    pthread_join(steady->thread, NULL);
    steady->transport->ops->close(steady->transport, 0);
}

struct visitor {
    struct holm_transport *transport;
    unsigned number; /* from 1 */
    struct holm_link_id links[STEADY];
    struct holm_subscription_id subscriptions[STEADY];
    bool linked[STEADY], heard[STEADY];
};

static void arrive(struct visitor *visitor, struct steady steady[STEADY], unsigned visit)
{
    char address[HOLM_ADDRESS_BYTES_MAX] = "tcp://127.0.0.1:0";
    if (visit % 2 == 0)
        snprintf(address, sizeof address, "ipc://%s/visitor", folder);
    struct holm_transport_config config = holm_transport_config_default();
    config.listen = address;
    config.random_seed = visit;
    memset(visitor, 0, sizeof *visitor);
    visitor->number = visit + 1;
    assert_int_equal(holm_transport_nng_open(&config, &visitor->transport), HOLM_OK);
    const struct holm_transport_ops *ops = visitor->transport->ops;
    const char *publisher = ops->publisher(visitor->transport);
    for (unsigned i = 0; i < STEADY; i++) {
        struct holm_transport *other = steady[i].transport;
        assert_int_equal(
            ops->subscribe(visitor->transport, ops->publisher(other), &visitor->subscriptions[i]),
            HOLM_OK);
        assert_int_equal(
            ops->link_dial(visitor->transport, ops->address(other), &visitor->links[i]), HOLM_OK);
        assert_int_equal(
            ops->link_send(visitor->transport, visitor->links[i], publisher, strlen(publisher)),
            HOLM_OK);
    }
}

static bool all_have_heard(const struct visitor *visitor, struct steady steady[STEADY])
{
    for (unsigned i = 0; i < STEADY; i++)
        if (!visitor->linked[i] || !visitor->heard[i] ||
            atomic_load(&steady[i].heard) != visitor->number)
            return false;
    return true;
}

static void stay(struct visitor *visitor, struct steady steady[STEADY])
{
    const struct holm_transport_ops *ops = visitor->transport->ops;
    double until = now_s() + PATIENCE_S;
    while (!all_have_heard(visitor, steady)) {
        assert_true(now_s() < until);
        struct holm_transport_event event;
        ops->next(visitor->transport, 10000, &event);
        for (unsigned i = 0; i < STEADY; i++) {
            visitor->linked[i] |= event.type == HOLM_TRANSPORT_LINK_FRAME &&
                                  event.link.value == visitor->links[i].value;
            visitor->heard[i] |= event.type == HOLM_TRANSPORT_BROADCAST &&
                                 event.subscription.value == visitor->subscriptions[i].value;
        }
        ops->release(visitor->transport, &event);
        assert_int_equal(
            ops->broadcast(visitor->transport, &visitor->number, sizeof visitor->number), HOLM_OK);
    }
}

/* Returns how long the longest call took. */
static double leave(struct visitor *visitor, unsigned visit)
{
    const struct holm_transport_ops *ops = visitor->transport->ops;
    double begun = now_s(), longest = 0;
    if (visit % 3 == 1) {
        ops->unsubscribe(visitor->transport, visitor->subscriptions[0]);
        ops->link_close(visitor->transport, visitor->links[1]);
        longest = now_s() - begun;
        begun = now_s();
    }
    ops->close(visitor->transport, visit % 3 == 2 ? 100000 : 0);
    double closing = now_s() - begun;
    return closing > longest ? closing : longest;
}

static unsigned visits_wanted(void)
{
    if (getenv("HOLM_SOAK") == NULL)
        return 50;
    const char *asked = getenv("HOLM_SOAK_VISITS");
    return asked == NULL ? 1000 : (unsigned)strtoul(asked, NULL, 10);
}

static void test_transport_when_visitors_come_and_go_then_nothing_hangs_or_grows(void **state)
{
    unsigned visits = visits_wanted();
    /* Its threads outlive a test that fails. */
    static struct steady steady[STEADY];
    for (unsigned i = 0; i < STEADY; i++)
        start(&steady[i], i % 2 == 0, i);

    size_t descriptors_before = resources_descriptors(), resident_before = 0;
    double slowest = 0, begun = now_s();
    for (unsigned visit = 0; visit < VISITS_WARM + visits; visit++) {
        if (visit == VISITS_WARM)
            resident_before = resources_resident_bytes();
        struct visitor visitor;
        arrive(&visitor, steady, visit);
        stay(&visitor, steady);
        double took = leave(&visitor, visit);
        assert_true(took < CLOSE_S_MAX);
        slowest = took > slowest ? took : slowest;
    }
    size_t descriptors_after = resources_descriptors_settled(
        descriptors_before + DESCRIPTORS_GROWTH_MAX, PATIENCE_S);
    size_t resident_after = resources_resident_bytes();
    printf(
        "%u visits in %.1f s, slowest close %.1f ms; descriptors %zu -> %zu, resident %zu -> %zu "
        "KiB\n",
        visits, now_s() - begun, slowest * 1000, descriptors_before, descriptors_after,
        resident_before / 1024, resident_after / 1024);
    assert_true(descriptors_after <= descriptors_before + DESCRIPTORS_GROWTH_MAX);
    assert_true(resident_after <= resident_before + RESIDENT_GROWTH_BYTES_MAX);
    for (unsigned i = 0; i < STEADY; i++)
        finish(&steady[i]);
}

int main(void)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transport_when_visitors_come_and_go_then_nothing_hangs_or_grows),
    };
    int failed = cmocka_run_group_tests_name("transport_churn", tests, NULL, NULL);
    return rmdir(folder) == 0 ? failed : 1;
}
