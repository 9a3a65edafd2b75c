/* SPDX-License-Identifier: Apache-2.0 */
/* What callers are promised, between two processes: receipts and positions go through a pipe, writes over the network. */
#include "api.h"

#include <signal.h>
#include <sys/wait.h>

#define POSITION_BYTES 8192
#define MUCH_WRITES 64
#define MUCH_VALUE_BYTES 65536

/* What the other process is asked for. */
enum ask {
    WRITE = 'w',
    WRITE_MUCH = 'm',
    APPLIED = 'a',
    POSITION = 'p'
};

struct pair {
    struct holm_node *node; /* lisbon, here */
    pid_t other;            /* oslo */
    int to, from;
};

static void send_all(int file, const void *bytes, size_t size)
{
    assert_int_equal(write(file, bytes, size), (ssize_t)size);
}

static bool take_all(int file, void *bytes, size_t size)
{
    size_t got = 0;
    for (ssize_t more = 1; more > 0 && got<size; got += more> 0 ? (size_t)more : 0)
        more = read(file, (char *)bytes + got, size - got);
    return got == size;
}

static struct holm_config stable_config(const char *name)
{
    struct holm_config config = api_config(name);
    config.retention = HOLM_RETENTION_STABLE;
    return config;
}

/* ---- the other process: it ends when the pipe does ------------------------------------------ */

static void answer_applied(struct holm_node *node, int from, int to)
{
    unsigned char bytes[HOLM_RECEIPT_BYTES];
    struct holm_receipt receipt;
    int64_t sum = -1;
    if (!take_all(from, bytes, sizeof bytes))
        _exit(2);
    enum holm_status status = holm_receipt_decode(node, holm_mem(bytes, sizeof bytes), &receipt);
    if (status == HOLM_OK)
        status = holm_wait_applied(node, &receipt, API_WAIT_MS);
    if (status == HOLM_OK)
        status = holm_count(node, holm_str("ours"), holm_str("n"), &sum);
    send_all(to, &status, sizeof status);
    send_all(to, &sum, sizeof sum);
}

/* What takes the network longer than a position takes the pipe; what counts it comes last. */
static void answer_much(struct holm_node *node, int to)
{
    static char filling[MUCH_VALUE_BYTES];
    char field[16];
    const struct holm_op last = holm_op_add(holm_str("theirs"), holm_str("n"), 1);
    enum holm_status status = HOLM_OK;
    memset(filling, 'x', sizeof filling);
    for (int i = 0; i < MUCH_WRITES && status == HOLM_OK; i++) {
        (void)snprintf(field, sizeof field, "f%d", i);
        status = holm_put(node, holm_str("theirs"), holm_str(field),
                          holm_bytes_value(filling, sizeof filling));
    }
    if (status == HOLM_OK)
        status = holm_commit(node, &last, 1, NULL);
    if (status != HOLM_EFORK)
        send_all(to, &status, sizeof status);
}

static void answer_position(struct holm_node *node, int to)
{
    unsigned char bytes[POSITION_BYTES];
    size_t size;
    if (holm_position(node, HOLM_EVERY_PARTITION, bytes, sizeof bytes, &size) != HOLM_OK)
        _exit(3);
    send_all(to, &size, sizeof size);
    send_all(to, bytes, size);
}

static void live(int from, int to)
{
    char address[64] = "", ask;
    struct holm_config config = stable_config("oslo");
    struct holm_node *node;
    if (!take_all(from, address, sizeof address))
        _exit(4);
    config.seeds = address;
    if (holm_open(&config, &node) != HOLM_OK)
        _exit(5);
    while (take_all(from, &ask, 1)) {
        enum holm_status status = HOLM_OK;
        if (ask == APPLIED)
            answer_applied(node, from, to);
        else if (ask == POSITION)
            answer_position(node, to);
        else if (ask == WRITE_MUCH)
            answer_much(node, to);
        else if ((status = holm_add(node, holm_str("theirs"), holm_str("n"), 1)) != HOLM_EFORK)
            send_all(to, &status, sizeof status);
    }
    _exit(0);
}

/* ---- this one ------------------------------------------------------------------------------- */

static bool both_are_members(struct holm_node *node)
{
    struct holm_stats stats;
    holm_stats(node, &stats);
    return stats.member == 1 && stats.members == 2;
}

static int open_pair(void **state)
{
    static struct pair pair;
    struct holm_config config = stable_config("lisbon");
    char address[64] = "";
    int there[2], back[2];
    assert_int_equal(pipe(there) | pipe(back), 0);
    pair.other = fork();
    if (pair.other == 0) {
        (void)close(there[1]);
        (void)close(back[0]);
        live(there[0], back[1]);
    }
    assert_true(pair.other > 0);
    (void)close(there[0]);
    (void)close(back[1]);
    pair.to = there[1];
    pair.from = back[0];
    config.listen = "tcp://127.0.0.1:0";
    config.founds = true;
    assert_ok(holm_open(&config, &pair.node));
    (void)snprintf(address, sizeof address, "%s", holm_address(pair.node));
    send_all(pair.to, address, sizeof address);
    assert_ok(holm_wait_peers(pair.node, 1, API_WAIT_MS));
    await(both_are_members(pair.node));
    *state = &pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;
    (void)close(pair->to);
    (void)kill(pair->other, SIGKILL);
    (void)waitpid(pair->other, NULL, 0);
    (void)close(pair->from);
    holm_close(pair->node);
    return 0;
}

static void have_written(struct pair *pair, enum ask how)
{
    enum holm_status status;
    const char ask = (char)how;
    send_all(pair->to, &ask, 1);
    assert_true(take_all(pair->from, &status, sizeof status));
    assert_ok(status);
}

static void write_there(struct pair *pair)
{
    have_written(pair, WRITE);
}

static int64_t theirs(struct pair *pair)
{
    int64_t sum = 0;
    enum holm_status status = holm_count(pair->node, holm_str("theirs"), holm_str("n"), &sum);
    assert_true(status == HOLM_OK || status == HOLM_ENOENT);
    return sum;
}

static struct holm_receipt write_here(struct pair *pair)
{
    struct holm_receipt receipt;
    const struct holm_op op = holm_op_add(holm_str("ours"), holm_str("n"), 1);
    assert_ok(holm_commit(pair->node, &op, 1, &receipt));
    return receipt;
}

static void test_promise_when_a_receipt_goes_to_another_process_then_it_reads_that_write(
    void **state)
{
    struct pair *pair = *state;
    for (int64_t i = 1; i <= 20; i++) {
        unsigned char bytes[HOLM_RECEIPT_BYTES];
        const char ask = APPLIED;
        enum holm_status status;
        int64_t sum;
        struct holm_receipt receipt = write_here(pair);
        assert_ok(holm_receipt_encode(pair->node, &receipt, bytes));
        send_all(pair->to, &ask, 1);
        send_all(pair->to, bytes, sizeof bytes);
        assert_true(take_all(pair->from, &status, sizeof status));
        assert_true(take_all(pair->from, &sum, sizeof sum));
        assert_ok(status);
        assert_true(sum == i);
    }
}

static void test_promise_when_a_position_comes_from_another_process_then_it_is_reached(void **state)
{
    struct pair *pair = *state;
    for (int i = 0; i < 20; i++) {
        unsigned char bytes[POSITION_BYTES];
        const char ask = POSITION;
        size_t size;
        int64_t before = theirs(pair);
        have_written(pair, i % 5 == 0 ? WRITE_MUCH : WRITE);
        send_all(pair->to, &ask, 1);
        assert_true(take_all(pair->from, &size, sizeof size) && size <= sizeof bytes);
        assert_true(take_all(pair->from, bytes, size));
        assert_ok(holm_wait_reached(pair->node, holm_mem(bytes, size), API_WAIT_MS));
        assert_true(theirs(pair) == before + 1);
    }
}

static void test_promise_when_the_other_was_heard_then_what_it_wrote_is_read(void **state)
{
    struct pair *pair = *state;
    for (int i = 0; i < 20; i++) {
        int64_t before = theirs(pair);
        write_there(pair);
        assert_ok(holm_wait_heard(pair->node, HOLM_EVERY_PARTITION, 1, API_WAIT_MS));
        assert_true(theirs(pair) == before + 1);
    }
}

static void test_promise_when_both_are_members_then_a_write_becomes_stable(void **state)
{
    struct pair *pair = *state;
    struct holm_receipt receipt = write_here(pair);
    assert_ok(holm_wait_seen(pair->node, &receipt, HOLM_ALL, API_WAIT_MS));
    assert_ok(holm_wait_stable(pair->node, &receipt, API_WAIT_MS));
}

/* Stopped, it neither hears nor tells; when it goes on, both come. */
static void test_promise_when_the_other_stands_still_then_waiting_ends_in_time(void **state)
{
    struct pair *pair = *state;
    assert_int_equal(kill(pair->other, SIGSTOP), 0);
    struct holm_receipt receipt = write_here(pair);
    assert_status(holm_wait_heard(pair->node, HOLM_EVERY_PARTITION, 1, 300), HOLM_ETIMEDOUT);
    assert_status(holm_wait_seen(pair->node, &receipt, HOLM_ALL, 300), HOLM_ETIMEDOUT);
    assert_status(holm_wait_stable(pair->node, &receipt, 300), HOLM_ETIMEDOUT);
    assert_int_equal(kill(pair->other, SIGCONT), 0);
    assert_ok(holm_wait_heard(pair->node, HOLM_EVERY_PARTITION, 1, API_WAIT_MS));
    assert_ok(holm_wait_stable(pair->node, &receipt, API_WAIT_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_promise_when_a_receipt_goes_to_another_process_then_it_reads_that_write),
        cmocka_unit_test(test_promise_when_both_are_members_then_a_write_becomes_stable),
        cmocka_unit_test(
            test_promise_when_a_position_comes_from_another_process_then_it_is_reached),
        cmocka_unit_test(test_promise_when_the_other_was_heard_then_what_it_wrote_is_read),
        cmocka_unit_test(test_promise_when_the_other_stands_still_then_waiting_ends_in_time),
    };
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, open_pair, close_pair);
}
