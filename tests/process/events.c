/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What <holm/events.h> tells of peers over real sockets, and what holm_leave() comes to: each change, in the order of its
 * drawing, with what it says of times and operations.
 */
#include <poll.h>
#include <string.h>

#include "tests/process/schemes.h"

#define WATCHED_MAX 4
#define LINK_TIMEOUT_MS 1500

static struct certificates ours;

/* ---- what is told --------------------------------------------------------------------------- */

struct told {
    struct holm_events *stream;
    struct {
        uint64_t node;
        enum holm_peer_change last, before;
    } peers[WATCHED_MAX];
};

static struct told tell(struct holm_node *node)
{
    struct told told;
    memset(&told, 0, sizeof told);
    assert_ok(holm_events_open(node, 0, &told.stream));
    return told;
}

/* Whether the drawing of events.h has an arrow. A busy machine may make anybody suspect for a moment. */
static bool may_follow(enum holm_peer_change last, enum holm_peer_change next)
{
    switch (next) {
    case HOLM_PEER_JOINED:
        return last == 0 || last == HOLM_PEER_LEFT || last == HOLM_PEER_FORGOTTEN;
    case HOLM_PEER_UP:
        return last == HOLM_PEER_DOWN || last == HOLM_PEER_SUSPECT;
    case HOLM_PEER_HEALED:
        return last == HOLM_PEER_UP || last == HOLM_PEER_SUSPECT;
    case HOLM_PEER_SUSPECT:
    case HOLM_PEER_DOWN:
        return last == HOLM_PEER_JOINED || last == HOLM_PEER_UP || last == HOLM_PEER_HEALED ||
               (last == HOLM_PEER_SUSPECT && next == HOLM_PEER_DOWN);
    case HOLM_PEER_LEFT:
        return last != 0 && last != HOLM_PEER_LEFT && last != HOLM_PEER_FORGOTTEN;
    case HOLM_PEER_FORGOTTEN:
        return last == HOLM_PEER_DOWN || last == HOLM_PEER_LEFT;
    }
    return false;
}

static size_t place_of(struct told *told, uint64_t node)
{
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        if (told->peers[i].node == 0)
            told->peers[i].node = node;
        if (told->peers[i].node == node)
            return i;
    }
    fail_msg("events of more peers than there are");
    return 0;
}

static void note(struct told *told, const struct holm_peer_event *event)
{
    size_t place = place_of(told, event->node.value);
    enum holm_peer_change last = told->peers[place].last;
    assert_int_equal(event->lost, 0);
    if (!may_follow(last, event->change))
        fail_msg("%s is told as %s after %s", event->name, holm_peer_change_name(event->change),
                 holm_peer_change_name(last));
    told->peers[place].before = last;
    told->peers[place].last = event->change;
}

/* Waits for a change of a peer; everything before it is in order. */
static struct holm_peer_event await_change(struct told *told, const char *name,
                                           enum holm_peer_change change)
{
    struct pollfd fd = {.fd = holm_events_fd(told->stream), .events = POLLIN};
    struct holm_peer_event event;
    for (;;) {
        if (poll(&fd, 1, API_WAIT_MS) != 1)
            fail_msg("%s was never told as %s", name, holm_peer_change_name(change));
        assert_ok(holm_events_next(told->stream, &event));
        note(told, &event);
        if (event.node.value == holm_node_id_of(name).value && event.change == change)
            break;
    }
    assert_string_equal(event.name, name);
    return event;
}

/* It left, and was not said to be down before. */
static void await_left(struct told *told, const char *name)
{
    (void)await_change(told, name, HOLM_PEER_LEFT);
    assert_int_not_equal(told->peers[place_of(told, holm_node_id_of(name).value)].before,
                         HOLM_PEER_DOWN);
}

/* What is left is in order, too. */
static void end(struct told *told)
{
    struct holm_peer_event event;
    while (holm_events_next(told->stream, &event) == HOLM_OK)
        note(told, &event);
    holm_events_close(told->stream);
}

/* ... and tells no more of it than that. */
static void end_with(struct told *told, const char *name, enum holm_peer_change last)
{
    end(told);
    assert_int_equal(told->peers[place_of(told, holm_node_id_of(name).value)].last, last);
}

/* ---- nodes ---------------------------------------------------------------------------------- */

static struct holm_node *open_with(const char *scheme, struct holm_config *config,
                                   struct holm_node *seed)
{
    struct scheme how = {scheme, &ours};
    config->seeds = seed == NULL ? NULL : holm_address(seed);
    config->link_timeout_ms = LINK_TIMEOUT_MS;
    return scheme_open(&how, config, 0);
}

static struct holm_node *open_node(const char *scheme, const char *name, struct holm_node *seed)
{
    struct holm_config config = api_config(name);
    return open_with(scheme, &config, seed);
}

static struct holm_node *open_stable(const char *scheme, const char *name, struct holm_node *seed)
{
    struct holm_config config = api_config(name);
    config.retention = HOLM_RETENTION_STABLE;
    config.founds = seed == NULL;
    return open_with(scheme, &config, seed);
}

static enum holm_liveness liveness(struct holm_node *node, const char *name)
{
    struct holm_peer peers[WATCHED_MAX];
    size_t count = holm_peers(node, peers, WATCHED_MAX);
    for (size_t i = 0; i < count && i < WATCHED_MAX; i++)
        if (peers[i].node.value == holm_node_id_of(name).value)
            return peers[i].liveness;
    return 0;
}

static bool has_members(struct holm_node *node, uint64_t members)
{
    struct holm_stats stats;
    holm_stats(node, &stats);
    return stats.member == 1 && stats.members == members;
}

static void drop_between(struct holm_node *a, struct holm_node *b)
{
    assert_ok(holm_fault_drop(a, holm_self(b).node, HOLM_BOTH, 1000));
    assert_ok(holm_fault_drop(b, holm_self(a).node, HOLM_BOTH, 1000));
}

static void write_some(struct holm_node *node, const char *key, int count)
{
    for (int i = 0; i < count; i++)
        assert_ok(holm_add(node, holm_str(key), holm_str("n"), 1));
}

/* ---- tests ---------------------------------------------------------------------------------- */

/* joined, suspect, down, up, healed: on both sides, with how long and how much. */
static void test_events_when_a_cut_heals_then_both_tell_of_it_in_order(void **state)
{
    struct holm_node *lisbon = open_node(*state, "lisbon", NULL);
    struct told at_lisbon = tell(lisbon);
    struct holm_node *oslo = open_node(*state, "oslo", NULL);
    struct told at_oslo = tell(oslo);
    struct holm_peer_event event;

    assert_ok(holm_join(oslo, holm_address(lisbon)));
    event = await_change(&at_lisbon, "oslo", HOLM_PEER_JOINED);
    assert_int_equal(event.epoch.value, holm_self(oslo).epoch.value);
    assert_int_equal(event.after_ms, 0);
    (void)await_change(&at_oslo, "lisbon", HOLM_PEER_JOINED);
    drop_between(lisbon, oslo);
    write_some(lisbon, "at lisbon", 30);
    write_some(oslo, "at oslo", 20);
    event = await_change(&at_lisbon, "oslo", HOLM_PEER_SUSPECT);
    assert_true(event.after_ms >= LINK_TIMEOUT_MS / 2);
    (void)await_change(&at_lisbon, "oslo", HOLM_PEER_DOWN);
    (void)await_change(&at_oslo, "lisbon", HOLM_PEER_DOWN);
    assert_int_equal(liveness(lisbon, "oslo"), HOLM_DOWN);
    holm_fault_heal(lisbon);
    holm_fault_heal(oslo);
    uint64_t away_ms = await_change(&at_lisbon, "oslo", HOLM_PEER_UP).after_ms;
    event = await_change(&at_lisbon, "oslo", HOLM_PEER_HEALED);
    assert_int_equal(event.came, 20);
    assert_int_equal(event.went, 30);
    assert_true(event.after_ms >= away_ms);
    assert_count(lisbon, "at oslo", "n", 20);
    event = await_change(&at_oslo, "lisbon", HOLM_PEER_HEALED);
    assert_int_equal(event.came, 30);
    assert_int_equal(event.went, 20);
    assert_count(oslo, "at lisbon", "n", 30);
    end(&at_oslo);
    end(&at_lisbon);
    holm_close(oslo);
    holm_close(lisbon);
}

/* Who closes is down at once; who is back under a new epoch is up again, and has healed when all is there. */
static void test_events_when_a_node_closes_and_returns_then_it_is_down_and_up_again(void **state)
{
    struct holm_node *lisbon = open_node(*state, "lisbon", NULL);
    struct told told = tell(lisbon);
    struct holm_node *oslo = open_node(*state, "oslo", lisbon);
    uint64_t epoch = holm_self(oslo).epoch.value;

    (void)await_change(&told, "oslo", HOLM_PEER_JOINED);
    write_some(oslo, "k", 7);
    holm_close(oslo);
    assert_int_equal(await_change(&told, "oslo", HOLM_PEER_DOWN).epoch.value, epoch);
    oslo = open_node(*state, "oslo", lisbon);
    assert_true(await_change(&told, "oslo", HOLM_PEER_UP).epoch.value > epoch);
    (void)await_change(&told, "oslo", HOLM_PEER_HEALED);
    await(liveness(oslo, "lisbon") == HOLM_UP);
    end(&told);
    holm_close(oslo);
    holm_close(lisbon);
}

/* It leaves, which is not being down; it is dialled no more, and welcome when it is back all the same. */
static void test_leave_when_all_have_what_it_wrote_then_all_are_told(void **state)
{
    struct holm_node *lisbon = open_node(*state, "lisbon", NULL);
    struct holm_node *oslo = open_node(*state, "oslo", lisbon);
    struct told at_lisbon = tell(lisbon), at_oslo = tell(oslo);
    struct holm_node *paris = open_node(*state, "paris", lisbon);

    (void)await_change(&at_lisbon, "paris", HOLM_PEER_JOINED);
    (void)await_change(&at_oslo, "paris", HOLM_PEER_JOINED);
    assert_ok(holm_wait_peers(paris, 2, API_WAIT_MS));
    write_some(paris, "k", 100);
    assert_ok(holm_leave(paris, API_WAIT_MS));
    assert_count(lisbon, "k", "n", 100);
    assert_count(oslo, "k", "n", 100);
    await_left(&at_lisbon, "paris");
    await_left(&at_oslo, "paris");
    await(liveness(lisbon, "paris") == HOLM_LEFT && liveness(oslo, "paris") == HOLM_LEFT);
    end_with(&at_oslo, "paris", HOLM_PEER_LEFT);
    paris = open_node(*state, "paris", oslo);
    (void)await_change(&at_lisbon, "paris", HOLM_PEER_JOINED);
    await(liveness(lisbon, "paris") == HOLM_UP && liveness(paris, "lisbon") == HOLM_UP);
    assert_int_equal(liveness(lisbon, "oslo"), HOLM_UP);
    end(&at_lisbon);
    holm_close(paris);
    holm_close(oslo);
    holm_close(lisbon);
}

/* Nobody is there to take what it has: it goes on. */
static void test_leave_when_nobody_is_up_then_it_stays_and_runs_on(void **state)
{
    struct holm_node *lisbon = open_node(*state, "lisbon", NULL);
    struct holm_node *oslo = open_node(*state, "oslo", lisbon);

    assert_ok(holm_wait_peers(oslo, 1, API_WAIT_MS));
    assert_ok(holm_wait_peers(lisbon, 1, API_WAIT_MS));
    drop_between(lisbon, oslo);
    write_some(oslo, "k", 3);
    assert_status(holm_leave(oslo, 100), HOLM_ETIMEDOUT);
    await(liveness(oslo, "lisbon") == HOLM_DOWN);
    assert_status(holm_leave(oslo, 100), HOLM_ETIMEDOUT);
    holm_fault_heal(lisbon);
    holm_fault_heal(oslo);
    write_some(oslo, "k", 1);
    assert_ok(holm_leave(oslo, API_WAIT_MS));
    assert_count(lisbon, "k", "n", 4);
    await(liveness(lisbon, "oslo") == HOLM_LEFT);
    holm_close(lisbon);
}

/* Nothing is said of it any more: an alert that waits for it to come up would never end. */
static bool has_figures(struct holm_node *node, const char *name)
{
    static char text[1 << 20];
    char label[64];
    size_t size;

    assert_ok(holm_metrics(node, text, sizeof text - 1, &size));
    text[size] = '\0';
    snprintf(label, sizeof label, ",peer=\"%s\"}", name);
    assert_non_null(strstr(text, "\nholm_partitions"));
    return strstr(text, label) != NULL;
}

/* Who is gone is forgotten by one member's word, and all are told; who leaves, without any. */
static void test_events_when_members_are_forgotten_then_all_are_told(void **state)
{
    struct holm_node *lisbon = open_stable(*state, "lisbon", NULL);
    struct holm_node *oslo = open_stable(*state, "oslo", lisbon);
    struct told at_lisbon = tell(lisbon), at_oslo = tell(oslo);
    struct holm_node *paris = open_stable(*state, "paris", lisbon);

    await(has_members(lisbon, 3) && has_members(oslo, 3) && has_members(paris, 3));
    (void)await_change(&at_lisbon, "paris", HOLM_PEER_JOINED);
    (void)await_change(&at_oslo, "paris", HOLM_PEER_JOINED);
    holm_close(paris);
    (void)await_change(&at_lisbon, "paris", HOLM_PEER_DOWN);
    assert_true(has_figures(lisbon, "paris"));
    assert_ok(holm_forget(lisbon, holm_node_id_of("paris")));
    (void)await_change(&at_lisbon, "paris", HOLM_PEER_FORGOTTEN);
    (void)await_change(&at_oslo, "paris", HOLM_PEER_FORGOTTEN);
    await(has_members(lisbon, 2) && has_members(oslo, 2));
    assert_int_equal(liveness(oslo, "paris"), HOLM_FORGOTTEN);
    assert_false(has_figures(lisbon, "paris"));
    assert_false(has_figures(oslo, "paris"));
    assert_true(has_figures(oslo, "lisbon"));
    end_with(&at_oslo, "paris", HOLM_PEER_FORGOTTEN);
    assert_ok(holm_leave(oslo, API_WAIT_MS));
    await_left(&at_lisbon, "oslo");
    (void)await_change(&at_lisbon, "oslo", HOLM_PEER_FORGOTTEN);
    await(has_members(lisbon, 1));
    end_with(&at_lisbon, "paris", HOLM_PEER_FORGOTTEN);
    holm_close(lisbon);
}

static int make_certificates(void **state)
{
    (void)state;
    certificates_make(&ours, "lisbon", "oslo", "paris", NULL);
    return 0;
}

static int remove_certificates(void **state)
{
    (void)state;
    certificates_remove(&ours);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_BOTH(test_events_when_a_cut_heals_then_both_tell_of_it_in_order),
        ON_BOTH(test_events_when_a_node_closes_and_returns_then_it_is_down_and_up_again),
        ON_BOTH(test_leave_when_all_have_what_it_wrote_then_all_are_told),
        ON_BOTH(test_leave_when_nobody_is_up_then_it_stays_and_runs_on),
        ON_BOTH(test_events_when_members_are_forgotten_then_all_are_told),
    };
    return cmocka_run_group_tests_name("events", tests, make_certificates, remove_certificates);
}
