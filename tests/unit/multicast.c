/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that announces and hears, on the loopback interface: what it refuses, says, and hands over. */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "node/clock.h"
#include "node/multicast.h"
#include "tests/unit/core.h"
#include "tests/unit/loopback.h"

/* A node on the group, as its host sees it. */
struct side {
    struct heap heap;
    struct holm_multicast *multicast;
    struct holm_actor self;
    char address[HOLM_ADDRESS_BYTES_MAX];
    atomic_uint ready;
    char known[256]; /* handed over last */
    pthread_mutex_t lock;
    char log[4096];
    atomic_bool asks; /* for figures, whatever it is told */
    atomic_uint asked;
};

/* Whose announcements a firewall refuses; 0: nobody's. */
static _Atomic uint64_t silenced;
static atomic_uint refusals;

/* In place of the system's, for what is in the same program. */
ssize_t sendto(int fd, const void *bytes, size_t size, int flags, const struct sockaddr *address,
               socklen_t address_size)
{
    char copy[2048];
    struct sockaddr_storage to;
    uint64_t node = 0;
    assert_true(size <= sizeof copy && address_size <= sizeof to);
    memcpy(copy, bytes, size);
    memcpy(&to, address, address_size);
    for (size_t i = 0; size >= 20 && i < 8; i++)
        node |= (uint64_t)(uint8_t)copy[12 + i] << (8 * i);
    if (node != 0 && node == atomic_load(&silenced)) {
        atomic_fetch_add(&refusals, 1);
        errno = EPERM;
        return -1;
    }
    struct iovec part = {.iov_base = copy, .iov_len = size};
    struct msghdr message = {
        .msg_name = &to, .msg_namelen = address_size, .msg_iov = &part, .msg_iovlen = 1};
    return sendmsg(fd, &message, flags);
}

static char secret[] = "/tmp/holm-multicast-XXXXXX";
static char where[64];

static int begin(void **state)
{
    int fd = mkstemp(secret);
    snprintf(where, sizeof where, "lo,239.255.72.82:%u", (unsigned)(20000 + getpid() % 12000));
    return fd >= 0 && write(fd, "0123456789abcdef", 16) == 16 ? close(fd) : 1;
}

static int end(void **state)
{
    return unlink(secret);
}

static void hear(void *context, int level, const char *line)
{
    struct side *side = context;
    pthread_mutex_lock(&side->lock);
    size_t used = strlen(side->log);
    snprintf(side->log + used, sizeof side->log - used, "%s\n", line);
    pthread_mutex_unlock(&side->lock);
    if (atomic_load(&side->asks)) {
        struct holm_multicast_figures figures;
        holm_multicast_figures(side->multicast, &figures);
        atomic_fetch_add(&side->asked, 1);
    }
}

static bool has_said(struct side *side, const char *text)
{
    pthread_mutex_lock(&side->lock);
    bool said = strstr(side->log, text) != NULL;
    pthread_mutex_unlock(&side->lock);
    return said;
}

static void who(void *context, struct holm_actor *actor, bool *alone)
{
    struct side *side = context;
    *actor = side->self;
    *alone = true;
}

static void ready(void *context)
{
    struct side *side = context;
    atomic_fetch_add(&side->ready, 1);
}

static void resolved(void *context, const struct holm_roster_named *named, struct holm_now now,
                     struct holm_roster_change *change)
{
    struct side *side = context;
    size_t used = 0;
    assert_int_equal(named->name, HOLM_ROSTER_HEARD);
    side->known[0] = '\0';
    for (size_t i = 0; i < named->count; i++)
        used += (size_t)snprintf(side->known + used, sizeof side->known - used, "%s ",
                                 named->texts[i].bytes);
    change->known = named->count;
    change->added = named->count;
}

static struct side *side_of(uint64_t id, const char *address)
{
    struct side *side = calloc(1, sizeof *side);
    assert_non_null(side);
    pthread_mutex_init(&side->lock, NULL);
    side->self = actor_of(id, 1);
    snprintf(side->address, sizeof side->address, "%s", address);
    return side;
}

static enum holm_status open_side(struct side *side, const char *interface)
{
    struct holm_multicast_config config = {
        .allocator = heap_allocator(&side->heap),
        .log = {.level = HOLM_LOG_DEBUG, .write = hear, .context = side},
        .secret = secret,
        .cluster = "holm",
        .address = side->address,
        .random_seed = side->self.node.value,
        .clock = holm_clock_now,
        .who = who,
        .ready = ready,
        .resolved = resolved,
        .context = side};
    assert_null(holm_group_parse(&config.group, holm_str(interface)));
    return holm_multicast_open(&config, &side->multicast);
}

static void close_side(struct side *side)
{
    holm_multicast_close(side->multicast);
    assert_int_equal(side->heap.blocks, 0);
    pthread_mutex_destroy(&side->lock);
    free(side);
}

/* Hands over what is ready until all that may be dialled is this. */
static void await_known(struct side *side, const char *known)
{
    for (int i = 0; strcmp(side->known, known) != 0; i++) {
        struct timespec pause = {0, 5000000};
        if (i == 4000)
            fail_msg("it knows '%s' instead of '%s'; it said: %s", side->known, known, side->log);
        holm_multicast_tick(side->multicast, holm_clock_now());
        nanosleep(&pause, NULL);
    }
}

static void test_multicast_when_two_are_there_then_each_is_handed_the_other(void **state)
{
    loopback_needed();
    struct side *one = side_of(1, "tcp://127.0.0.1:7001"), *two = side_of(2, "tcp://*:7002");
    assert_int_equal(open_side(one, where), HOLM_OK);
    assert_int_equal(open_side(two, where), HOLM_OK);
    await_known(one, "tcp://127.0.0.1:7002 ");
    await_known(two, "tcp://127.0.0.1:7001 ");
    assert_true(atomic_load(&one->ready) > 0);
    assert_true(has_said(one, "announces tcp://127.0.0.1:7001"));
    assert_true(has_said(two, "announces tcp://127.0.0.1:7002"));
    assert_true(has_said(one, "1 addresses: 1 came"));
    struct holm_multicast_figures figures;
    holm_multicast_figures(one->multicast, &figures);
    assert_int_equal(figures.open, 1);
    assert_int_equal(figures.failures, 0);
    /* It says goodbye. */
    close_side(two);
    await_known(one, "");
    close_side(one);
}

static struct holm_multicast_figures figures_of(struct side *side)
{
    struct holm_multicast_figures figures;
    holm_multicast_figures(side->multicast, &figures);
    return figures;
}

static void await_open(struct side *side, uint64_t open)
{
    for (int i = 0; figures_of(side).open != open; i++) {
        struct timespec pause = {0, 5000000};
        if (i == 4000)
            fail_msg("it is not %s; it said: %s", open == 0 ? "shut" : "open", side->log);
        nanosleep(&pause, NULL);
    }
}

/* A firewall that keeps announcements in keeps nobody from hearing; and when it is gone, others are told soon. */
static void test_multicast_when_sending_is_refused_then_it_hears_and_says_so(void **state)
{
    loopback_needed();
    struct side *mute = side_of(3, "tcp://127.0.0.1:7003");
    struct side *other = side_of(4, "tcp://127.0.0.1:7004");
    atomic_store(&refusals, 0);
    atomic_store(&silenced, 3);
    assert_int_equal(open_side(mute, where), HOLM_OK);
    for (int i = 0; atomic_load(&refusals) == 0 && i < 4000; i++)
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    assert_int_equal(open_side(other, where), HOLM_OK);
    /* The first of the other, which comes 0.2 s after it began at most: whenever the socket was closed, it would miss it. */
    await_open(other, 1);
    struct timespec pause = {0, 5000000};
    for (int i = 0; figures_of(mute).herald.taken == 0 && i < 100; i++)
        nanosleep(&pause, NULL);
    assert_true(figures_of(mute).herald.taken > 0);
    await_known(mute, "tcp://127.0.0.1:7004 ");
    assert_true(has_said(mute, "cannot send: Operation not permitted"));
    assert_int_equal(figures_of(mute).open, 0);
    assert_int_equal(figures_of(mute).sent, 0);
    assert_true(figures_of(mute).failures > 0);
    assert_string_equal(other->known, "");
    atomic_store(&silenced, 0);
    await_known(other, "tcp://127.0.0.1:7003 ");
    await_open(mute, 1);
    assert_true(has_said(mute, "announces tcp://127.0.0.1:7003"));
    assert_in_range(figures_of(mute).sent, 1, 10);
    close_side(mute);
    close_side(other);
}

/* Who is told may ask: no lock is held meanwhile. */
static void test_multicast_when_the_log_asks_for_figures_then_it_is_answered(void **state)
{
    loopback_needed();
    struct side *one = side_of(5, "tcp://127.0.0.1:7005");
    struct side *two = side_of(6, "tls+tcp://127.0.0.1:7006");
    assert_int_equal(open_side(one, where), HOLM_OK);
    assert_int_equal(open_side(two, where), HOLM_OK);
    await_open(one, 1);
    atomic_store(&one->asks, true);
    atomic_store(&two->asks, true);
    for (int i = 0; !has_said(one, "is not dialled") && i < 4000; i++) {
        holm_multicast_tick(one->multicast, holm_clock_now());
        nanosleep(&(struct timespec){0, 5000000}, NULL);
    }
    assert_true(has_said(one, "tls+tcp://127.0.0.1:7006 is not dialled"));
    assert_true(atomic_load(&one->asked) > 0);
    close_side(two);
    close_side(one);
}

static void test_multicast_when_memory_is_refused_then_it_does_not_open(void **state)
{
    enum holm_status status = HOLM_ENOMEM;
    unsigned refused = 0;
    for (; status == HOLM_ENOMEM; refused++) {
        struct side *side = side_of(1, "");
        side->heap.fail_at = refused + 1;
        status = open_side(side, where);
        assert_int_equal(status == HOLM_OK, side->multicast != NULL);
        close_side(side);
    }
    assert_int_equal(status, HOLM_OK);
    assert_int_equal(refused, 4);
}

/* Where others are, an address of loopback is none. */
static void test_multicast_when_nobody_there_could_dial_then_it_is_refused(void **state)
{
    struct if_nameindex *all = if_nameindex();
    char other[IF_NAMESIZE] = "";
    bool loopback = true;
    for (size_t i = 0; all != NULL && all[i].if_index != 0; i++) {
        struct holm_group group;
        if (holm_group_parse(&group, holm_str(all[i].if_name)) == NULL &&
            holm_group_look(&group, &loopback) == NULL && !loopback)
            snprintf(other, sizeof other, "%s", all[i].if_name);
    }
    if_freenameindex(all);
    if (other[0] == '\0') {
        print_message("skipped: there is no other interface than loopback\n");
        skip();
    }
    static const char *const local[] = {"tcp://127.0.0.1:7000", "tls+tcp://[::1]:7000",
                                        "ipc:///tmp/holm"};
    for (size_t i = 0; i < 3; i++) {
        struct side *side = side_of(1, local[i]);
        assert_int_equal(open_side(side, other), HOLM_EINVAL);
        assert_true(has_said(side, "nobody beyond this machine can dial"));
        close_side(side);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_multicast_when_two_are_there_then_each_is_handed_the_other),
        cmocka_unit_test(test_multicast_when_sending_is_refused_then_it_hears_and_says_so),
        cmocka_unit_test(test_multicast_when_the_log_asks_for_figures_then_it_is_answered),
        cmocka_unit_test(test_multicast_when_memory_is_refused_then_it_does_not_open),
        cmocka_unit_test(test_multicast_when_nobody_there_could_dial_then_it_is_refused),
    };
    return cmocka_run_group_tests_name("multicast", tests, begin, end);
}
