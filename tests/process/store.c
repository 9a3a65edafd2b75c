/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nodes with stores in processes of their own, which are killed: T02, T19, T24. This process opens no node; it tells its
 * children by lines what to do, and reads what they answer:
 *
 *     add 10 -> 0        sum -> 10        durable -> 0        (a status, or a number)
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <holm/holm.h>

#define WAIT_MS 20000u
#define DIRECTORY_BYTES 64

/* ---- what a child does ---------------------------------------------------------------------- */

static long long sum_of(struct holm_node *node)
{
    int64_t sum = 0;
    enum holm_status status = holm_count(node, holm_str("n"), holm_str("n"), &sum);
    return status == HOLM_OK ? sum : 0;
}

/* Each is durable, or nobody was told; the number of the last that is. */
static long long count_for_ever(struct holm_node *node, FILE *answers)
{
    for (;;) {
        struct holm_receipt receipt;
        struct holm_op op = holm_op_add(holm_str("n"), holm_str("n"), 1);
        enum holm_status status = holm_commit(node, &op, 1, &receipt);
        if (status == HOLM_OK)
            status = holm_wait_durable(node, &receipt, WAIT_MS);
        if (status != HOLM_OK)
            return status;
        (void)fprintf(answers, "%lld\n", sum_of(node));
        (void)fflush(answers);
    }
}

static long long add(struct holm_node *node, long long count)
{
    enum holm_status status = HOLM_OK;
    for (long long i = 0; status == HOLM_OK && i < count; i++)
        status = holm_add(node, holm_str("n"), holm_str("n"), 1);
    return status;
}

/* So much that runs give way to states. */
static long long write_much(struct holm_node *node, long long count)
{
    static char pad[20000];
    enum holm_status status = HOLM_OK;
    for (long long i = 0; status == HOLM_OK && i < count; i++) {
        char key[24];
        (void)snprintf(key, sizeof key, "{hero}pad%lld", i % 4);
        memset(pad, (int)i, sizeof pad);
        status = holm_put(node, holm_str(key), holm_str("pad"), holm_bytes_value(pad, sizeof pad));
        if (status == HOLM_OK && i % 8 == 7)
            status = holm_wait_durable(node, NULL, WAIT_MS);
    }
    return status;
}

static long long wait_sum(struct holm_node *node, long long wanted)
{
    for (unsigned i = 0; i < WAIT_MS / 10 && sum_of(node) != wanted; i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return sum_of(node);
}

/* Files grow no further than this: a full disk, to this process alone. 0: as far as they like. */
static long long limit_files(long long bytes)
{
    rlim_t most = bytes == 0 ? RLIM_INFINITY : (rlim_t)bytes;
    struct rlimit limit = {most, RLIM_INFINITY};
    return signal(SIGXFSZ, SIG_IGN) == SIG_ERR || setrlimit(RLIMIT_FSIZE, &limit) != 0;
}

/* What was removed comes from the peer in a partition of its own, in its own time. */
static long long wait_gone(struct holm_node *node)
{
    for (unsigned i = 0; i < WAIT_MS / 10 && holm_exists(node, holm_str("{hero}")); i++)
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return !holm_exists(node, holm_str("{hero}"));
}

static long long obey(struct holm_node *node, const char *word, long long number, FILE *answers)
{
    struct holm_bytes key = holm_str("{hero}");
    if (strcmp(word, "add") == 0)
        return add(node, number);
    if (strcmp(word, "sum") == 0)
        return sum_of(node);
    if (strcmp(word, "wait") == 0)
        return wait_sum(node, number);
    if (strcmp(word, "put") == 0)
        return holm_put(node, key, holm_str("name"), holm_text("Ada"));
    if (strcmp(word, "remove") == 0)
        return holm_remove(node, key, holm_str(NULL));
    if (strcmp(word, "bury") == 0)
        return holm_bury(node, key);
    if (strcmp(word, "exists") == 0)
        return holm_exists(node, key);
    if (strcmp(word, "gone") == 0)
        return wait_gone(node);
    if (strcmp(word, "much") == 0)
        return write_much(node, number);
    if (strcmp(word, "limit") == 0)
        return limit_files(number);
    if (strcmp(word, "durable") == 0)
        return holm_wait_durable(node, NULL, WAIT_MS);
    if (strcmp(word, "seen") == 0)
        return holm_wait_seen(node, NULL, (uint32_t)number, WAIT_MS);
    if (strcmp(word, "count") == 0)
        return count_for_ever(node, answers);
    return -1;
}

static void be_a_node(const struct holm_config *config, FILE *orders, FILE *answers)
{
    struct holm_node *node;
    char word[32];
    long long number;
    enum holm_status status = holm_open(config, &node);
    (void)fprintf(answers, "%d\n", (int)status);
    (void)fflush(answers);
    while (status == HOLM_OK && fscanf(orders, "%31s %lld", word, &number) == 2) {
        if (strcmp(word, "close") == 0)
            holm_close(node);
        (void)fprintf(answers, "%lld\n",
                      strcmp(word, "close") == 0 ? 0 : obey(node, word, number, answers));
        (void)fflush(answers);
    }
    _exit(0);
}

/* ---- what the parent does ------------------------------------------------------------------- */

struct child {
    pid_t pid;
    FILE *orders, *answers;
};

static char place[DIRECTORY_BYTES]; /* of all that a test makes */

static void begin(void)
{
    (void)snprintf(place, sizeof place, "/tmp/holm-store-XXXXXX");
    assert_non_null(mkdtemp(place));
}

static void run(const char *format, ...)
{
    char command[1024];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    int status = system(command);
    assert_int_equal(status, 0);
}

static void finish(void)
{
    run("rm -r '%s'", place);
}

static long long answer(struct child *child)
{
    long long number = -2;
    assert_int_equal(fscanf(child->answers, "%lld", &number), 1);
    return number;
}

static void order(struct child *child, const char *word, long long number)
{
    assert_true(fprintf(child->orders, "%s %lld\n", word, number) > 0);
    assert_int_equal(fflush(child->orders), 0);
}

static long long ask(struct child *child, const char *word, long long number)
{
    order(child, word, number);
    return answer(child);
}

/* `store`: under place; NULL: none. Node `name` listens at its name, and dials `seeds`. */
static enum holm_status start(struct child *child, const char *name, const char *socket,
                              const char *store, const char *seed)
{
    int orders[2], answers[2];
    char listen[128], seeds[128], directory[128];
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(answers), 0);
    child->pid = fork();
    assert_true(child->pid >= 0);
    if (child->pid == 0) {
        struct holm_config config = holm_config_default();
        (void)close(orders[1]);
        (void)close(answers[0]);
        (void)snprintf(listen, sizeof listen, "ipc://%s/%s.sock", place, socket);
        (void)snprintf(seeds, sizeof seeds, "ipc://%s/%s.sock", place, seed == NULL ? "" : seed);
        (void)snprintf(directory, sizeof directory, "%s/%s", place, store == NULL ? "" : store);
        config.name = name;
        config.listen = listen;
        config.seeds = seed == NULL ? NULL : seeds;
        config.store = store == NULL ? NULL : directory;
        config.beacon_interval_ms = 100;
        config.redial_interval_ms = 50;
        config.log_level = 0;
        be_a_node(&config, fdopen(orders[0], "r"), fdopen(answers[1], "w"));
    }
    (void)close(orders[0]);
    (void)close(answers[1]);
    child->orders = fdopen(orders[1], "w");
    child->answers = fdopen(answers[0], "r");
    assert_true(child->orders != NULL && child->answers != NULL);
    return (enum holm_status)answer(child);
}

/* The last answer that had not been read, or `read`. */
static long long end_after(struct child *child, long long read)
{
    long long last = read;
    assert_int_equal(kill(child->pid, SIGKILL), 0);
    assert_int_equal(waitpid(child->pid, NULL, 0), child->pid);
    while (fscanf(child->answers, "%lld", &read) == 1)
        last = read;
    (void)fclose(child->orders);
    (void)fclose(child->answers);
    return last;
}

static void end(struct child *child)
{
    (void)end_after(child, 0);
}

/* T24: killed at any moment, while it counts. */
static void test_store_when_killed_has_all_that_was_durable(void **state)
{
    (void)state;
    struct child child;
    long long durable = 0;
    begin();
    for (int life = 0; life < 12; life++) {
        assert_int_equal(start(&child, "lisbon", "a", "store", NULL), HOLM_OK);
        long long sum = ask(&child, "sum", 0);
        assert_true(sum >= durable && sum <= durable + 1);
        order(&child, "count", 0);
        for (int i = 0; i < 3 + 7 * life; i++)
            durable = answer(&child);
        assert_true(durable >= sum + 3);
        durable = end_after(&child, durable);
    }
    finish();
}

/* T19: the tombstone is in a state, not in a run, when it is read again. */
static void test_store_when_a_burial_is_compacted_it_is_still_dead(void **state)
{
    (void)state;
    struct child child;
    begin();
    assert_int_equal(start(&child, "lisbon", "a", "store", NULL), HOLM_OK);
    assert_int_equal(ask(&child, "put", 0), HOLM_OK);
    assert_int_equal(ask(&child, "bury", 0), HOLM_OK);
    assert_int_equal(ask(&child, "much", 600), HOLM_OK);
    end(&child);
    run("'%s' inspect '%s/store' '{hero}' > '%s/hero'", HOLM_PROGRAM, place, place);
    run("grep -q '  buried  by ' '%s/hero' && ! grep -q '^  run ' '%s/hero'", place, place);
    run("grep -q 'is stored\\|are stored, since' '%s/hero'", place);
    for (int life = 0; life < 2; life++) {
        assert_int_equal(start(&child, "lisbon", "a", "store", NULL), HOLM_OK);
        assert_int_equal(ask(&child, "exists", 0), false);
        assert_int_equal(ask(&child, "put", 0), HOLM_EBURIED);
        end(&child);
    }
    finish();
}

/* T24: reads go on, writes are refused and say so, also when there is room again; a restart writes. */
static void test_store_when_the_disk_is_full_is_read_until_it_is_opened_anew(void **state)
{
    (void)state;
    struct child lisbon, oslo;
    begin();
    assert_int_equal(start(&oslo, "oslo", "b", NULL, NULL), HOLM_OK);
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", "b"), HOLM_OK);
    assert_int_equal(ask(&lisbon, "add", 10), HOLM_OK);
    assert_int_equal(ask(&lisbon, "durable", 0), HOLM_OK);
    assert_int_equal(ask(&oslo, "wait", 10), 10); /* it is there, and the rest comes or not */
    assert_int_equal(ask(&lisbon, "limit", 300000), 0);
    assert_int_equal(ask(&lisbon, "much", 100000), HOLM_EIO);
    assert_int_equal(ask(&lisbon, "durable", 0), HOLM_EIO);
    assert_int_equal(ask(&lisbon, "put", 0), HOLM_EIO);
    assert_int_equal(ask(&lisbon, "sum", 0), 10);
    assert_int_equal(ask(&lisbon, "limit", 0), 0);
    assert_int_equal(ask(&lisbon, "put", 0), HOLM_EIO);
    assert_int_equal(ask(&oslo, "add", 3), HOLM_OK);
    assert_int_equal(ask(&oslo, "wait", 13), 13);
    end(&lisbon);
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", "b"), HOLM_OK);
    assert_int_equal(ask(&lisbon, "wait", 13), 13);
    assert_int_equal(ask(&lisbon, "add", 5), HOLM_OK);
    assert_int_equal(ask(&lisbon, "put", 0), HOLM_OK);
    assert_int_equal(ask(&lisbon, "durable", 0), HOLM_OK);
    assert_int_equal(ask(&oslo, "wait", 18), 18);
    end(&lisbon);
    end(&oslo);
    finish();
}

/* T02: a backup of operation 10 goes on from there; then two clones of it run at once. */
static void test_store_when_restored_from_a_backup_nothing_is_lost(void **state)
{
    (void)state;
    struct child lisbon, oslo, clone;
    begin();
    assert_int_equal(start(&oslo, "oslo", "b", NULL, NULL), HOLM_OK);
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", "b"), HOLM_OK);
    assert_int_equal(ask(&lisbon, "put", 0), HOLM_OK);
    assert_int_equal(ask(&lisbon, "add", 10), HOLM_OK);
    assert_int_equal(ask(&lisbon, "durable", 0), HOLM_OK);
    run("'%s' backup '%s/store' '%s/backup'", HOLM_PROGRAM, place, place); /* it runs meanwhile */
    assert_int_equal(ask(&lisbon, "add", 10), HOLM_OK);
    assert_int_equal(ask(&lisbon, "remove", 0), HOLM_OK);
    assert_int_equal(ask(&oslo, "wait", 20), 20);
    assert_int_equal(ask(&lisbon, "seen", 1), HOLM_OK);
    end(&lisbon);
    run("rm -r '%s/store' && cp -r '%s/backup' '%s/store' && cp -r '%s/backup' '%s/clone'", place,
        place, place, place, place);
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", "b"), HOLM_OK);
    assert_int_equal(ask(&lisbon, "add", 5), HOLM_OK);
    assert_int_equal(ask(&lisbon, "wait", 25), 25);
    assert_int_equal(ask(&oslo, "wait", 25), 25);
    assert_int_equal(ask(&lisbon, "gone", 0), true);
    assert_int_equal(ask(&oslo, "exists", 0), false);
    assert_int_equal(start(&clone, "lisbon", "c", "clone", "b"), HOLM_OK);
    assert_int_equal(ask(&clone, "add", 3), HOLM_OK);
    assert_int_equal(ask(&lisbon, "add", 4), HOLM_OK);
    assert_int_equal(ask(&oslo, "wait", 32), 32);
    assert_int_equal(ask(&lisbon, "wait", 32), 32);
    assert_int_equal(ask(&clone, "wait", 32), 32);
    end(&clone);
    end(&lisbon);
    end(&oslo);
    finish();
}

/*
 * A backup that could not be finished is none, and one that is damaged is told of, wherever that is: in room that nothing
 * is in, damage changes nothing that is read. Such room is a few pages of some 25, or of 600, as runs gave way to a state
 * early or late. Of 60 places the states' and runs' share is found, but for those between two records.
 */
static void test_store_when_a_backup_is_damaged_verifying_says_so(void **state)
{
    (void)state;
    struct child lisbon;
    begin();
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", NULL), HOLM_OK);
    assert_int_equal(ask(&lisbon, "put", 0), HOLM_OK);
    assert_int_equal(ask(&lisbon, "much", 200), HOLM_OK);
    run("cd '%s' && (trap '' XFSZ; ulimit -f 20; ! '%s' backup store early 2> said) && "
        "grep -q 'make room' said && test ! -e early/data.mdb",
        place, HOLM_PROGRAM);
    run("cd '%s' && '%s' backup store early && '%s' backup --verify early > said && "
        "grep -q 'early: whole: .* 5 records' said && '%s' backup --verify store > said",
        place, HOLM_PROGRAM, HOLM_PROGRAM, HOLM_PROGRAM);
    end(&lisbon);
    run("cd '%s' && '%s' backup --verify store > said", place, HOLM_PROGRAM);
    run("cd '%s' && '%s' inspect early > before && size=$(stat -c %%s early/data.mdb) && "
        "held=$(awk '/ state [0-9]/ {sub(/.* state /, \"\"); sum += $1 + $4} END {print sum}' "
        "before) && "
        "found=0 && for i in $(seq 1 60); do cp early/data.mdb kept && "
        "printf '\\252\\125\\252' | "
        "dd of=early/data.mdb bs=1 seek=$((size * i / 61)) conv=notrunc 2> /dev/null && "
        "{ '%s' backup --verify early > said 2>&1; status=$?; '%s' inspect early > after 2>&1; "
        "cp kept early/data.mdb; case $status in 0) cmp before after || exit 8;; "
        "1) found=$((found + 1));; *) exit 9;; esac; }; done; "
        "test $found -ge $((61 * held / size - 8))",
        place, HOLM_PROGRAM, HOLM_PROGRAM, HOLM_PROGRAM);
    run("cd '%s' && ! '%s' backup --verify none 2> said && grep -q 'no store' said", place,
        HOLM_PROGRAM);
    finish();
}

/* Its own process has it, or none; and it has its owner alone. */
static void test_store_when_it_is_anothers_is_refused(void **state)
{
    (void)state;
    struct child lisbon, second;
    begin();
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", NULL), HOLM_OK);
    assert_int_equal(start(&second, "lisbon", "b", "store", NULL), HOLM_EBUSY);
    end(&second);
    assert_int_equal(ask(&lisbon, "add", 1), HOLM_OK);
    assert_int_equal(ask(&lisbon, "close", 0), 0);
    end(&lisbon);
    assert_int_equal(start(&second, "oslo", "b", "store", NULL), HOLM_ECLUSTER);
    end(&second);
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", NULL), HOLM_OK);
    assert_int_equal(ask(&lisbon, "sum", 0), 1);
    end(&lisbon);
    run("'%s' inspect '%s/store' > '%s/all' && grep -q '1 records' '%s/all'", HOLM_PROGRAM, place,
        place, place);
    run("! '%s' inspect '%s/none' 2> '%s/said' && grep -q 'no store' '%s/said'", HOLM_PROGRAM,
        place, place, place);
    run("! '%s' backup '%s/store' '%s/store' 2> '%s/said' && grep -q already '%s/said'",
        HOLM_PROGRAM, place, place, place, place);
    finish();
}

static void test_store_when_inspected_says_who_wrote_what_in_place_of_what(void **state)
{
    (void)state;
    struct child lisbon;
    begin();
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", NULL), HOLM_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&lisbon, "put", 0), HOLM_OK);
        assert_int_equal(ask(&lisbon, "durable", 0), HOLM_OK);
    }
    run("'%s' inspect '%s/store' '{hero}' > '%s/hero'", HOLM_PROGRAM, place, place); /* it runs */
    end(&lisbon);
    run("grep -q '^  register name \"Ada\"  by [0-9a-f]*@[0-9a-f]*:2  20..-' '%s/hero'", place);
    run("grep -q '^    put register name \"Ada\"  replaces [0-9a-f]*@[0-9a-f]*:1  20' '%s/hero'",
        place);
    run("'%s' inspect '%s/store' '{hero}' oslo lisbon | grep -q ' by lisbon@[0-9a-f]*:2 '",
        HOLM_PROGRAM, place);
    run("'%s' inspect '%s/store' '' lisbon | grep -q '^node lisbon, '", HOLM_PROGRAM, place);
    run("! '%s' inspect '%s/store' nobody > /dev/null 2>&1", HOLM_PROGRAM, place);
    run("grep -q '^  register name .*Z  replaces [0-9a-f]*@[0-9a-f]*:1$' '%s/hero'", place);
    run("grep -q '^  every run of this partition is stored$' '%s/hero'", place);
    finish();
}

/* What an operation replaced went with its run, and that is said; of what is written later it is known again. */
static void test_store_when_inspected_after_runs_gave_way_says_what_is_not_known(void **state)
{
    (void)state;
    struct child lisbon;
    begin();
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", NULL), HOLM_OK);
    assert_int_equal(ask(&lisbon, "put", 0), HOLM_OK);
    assert_int_equal(ask(&lisbon, "put", 0), HOLM_OK);
    assert_int_equal(ask(&lisbon, "much", 600), HOLM_OK);
    end(&lisbon);
    run("'%s' inspect '%s/store' '{hero}' > '%s/hero'", HOLM_PROGRAM, place, place);
    run("grep -q '^  register name .*Z  replaces: not known, its run is not stored$' '%s/hero'",
        place);
    run("grep -q '^  of this partition [0-9]* runs are stored, since  20.*Z; a state is in' "
        "'%s/hero' || grep -q '^  no run of this partition is stored: a state is' '%s/hero'",
        place, place);
    run("! grep -q '^  run ' '%s/hero'", place);
    assert_int_equal(start(&lisbon, "lisbon", "a", "store", NULL), HOLM_OK);
    assert_int_equal(ask(&lisbon, "put", 0), HOLM_OK);
    assert_int_equal(ask(&lisbon, "durable", 0), HOLM_OK);
    end(&lisbon);
    run("'%s' inspect '%s/store' '{hero}' > '%s/hero'", HOLM_PROGRAM, place, place);
    run("grep -q '^  register name .*:1  20.*Z  replaces [0-9a-f]*@[0-9a-f]*:2$' '%s/hero'", place);
    run("grep -q '^  of this partition [0-9]* runs are stored, since  20.*Z; a state is in' "
        "'%s/hero'",
        place);
    finish();
}

/* Nothing is kept, so nothing can be waited for. */
static void test_store_when_there_is_none_says_so(void **state)
{
    (void)state;
    struct child lisbon;
    begin();
    assert_int_equal(start(&lisbon, "lisbon", "a", NULL, NULL), HOLM_OK);
    assert_int_equal(ask(&lisbon, "durable", 0), HOLM_EINVAL);
    end(&lisbon);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_when_killed_has_all_that_was_durable),
        cmocka_unit_test(test_store_when_a_burial_is_compacted_it_is_still_dead),
        cmocka_unit_test(test_store_when_the_disk_is_full_is_read_until_it_is_opened_anew),
        cmocka_unit_test(test_store_when_restored_from_a_backup_nothing_is_lost),
        cmocka_unit_test(test_store_when_a_backup_is_damaged_verifying_says_so),
        cmocka_unit_test(test_store_when_it_is_anothers_is_refused),
        cmocka_unit_test(test_store_when_inspected_says_who_wrote_what_in_place_of_what),
        cmocka_unit_test(test_store_when_inspected_after_runs_gave_way_says_what_is_not_known),
        cmocka_unit_test(test_store_when_there_is_none_says_so),
    };
    return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
