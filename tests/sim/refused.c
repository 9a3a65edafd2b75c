/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What callers wait for, with the n-th allocation of a call refused, for n = 1, 2, ... until it needs no more.
 *
 * The linker gives this program's malloc() and its like to holm (--wrap). Only what the call itself asks for is
 * refused: while it waits the world goes on, and has all it wants. A call that is refused says HOLM_ENOMEM, keeps
 * nothing, and has changed nothing: the same call comes to the same afterwards.
 */
#include <holm/testing.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/node.h"

#include <cmocka.h>

#define S HOLM_TESTING_SECOND
#define MS HOLM_TESTING_MS
#define POSITION_BYTES 4096
#define PARTITIONS 4

/* ---- memory ---------------------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);

static struct {
    bool armed;
    bool on;            /* all after it, too */
    uint64_t refuse_at; /* 0: none */
    uint64_t asked_for;
    uint64_t refused;
    int64_t blocks; /* held now, of all */
} memory;

static bool is_refused(void)
{
    if (!memory.armed)
        return false;
    memory.asked_for++;
    bool refused = memory.on ? memory.asked_for >= memory.refuse_at
                             : memory.asked_for == memory.refuse_at;
    refused &= memory.refuse_at != 0;
    memory.refused += refused;
    return refused;
}

static void *note(void *made)
{
    memory.blocks += made != NULL;
    return made;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : note(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : note(__real_calloc(count, size));
}

void *__wrap_realloc(void *old, size_t size)
{
    if (is_refused())
        return NULL;
    void *made = __real_realloc(old, size);
    memory.blocks += old == NULL && made != NULL;
    return made;
}

void __wrap_free(void *old)
{
    memory.blocks -= old != NULL;
    __real_free(old);
}

/* ---- three nodes ----------------------------------------------------------------------------- */

enum {
    LISBON,
    OSLO,
    ROME,
    NODES
};

struct scene {
    struct holm_testing *world;
    struct holm_node *nodes[NODES];
    struct holm_host hosts[NODES]; /* as they were, but for wait() */
    const struct holm_host *real;
    struct holm_receipt receipt; /* of what lisbon wrote last */
    unsigned char position[POSITION_BYTES];
    size_t position_bytes;
    struct holm_watch *watch;
    bool watch_wanted_memory;
    int64_t written;
};

static struct scene scene;

static void wait_well(struct holm_node *node, uint64_t turn, uint64_t until_us)
{
    bool armed = memory.armed;
    memory.armed = false;
    scene.real->wait(node, turn, until_us);
    memory.armed = armed;
}

/* The vectors of partitions grow from one to the next. */
static void furnish(void)
{
    for (uint32_t partition = 0; partition < PARTITIONS; partition++) {
        char key[16];
        uint32_t i = 0;
        do
            (void)snprintf(key, sizeof key, "{%u}", i++);
        while (holm_partition(scene.nodes[LISBON], holm_str(key)) != partition);
        for (uint32_t node = 0; node < NODES && node <= partition; node++)
            assert_int_equal(holm_add(scene.nodes[node], holm_str(key), holm_str("n"), 1), HOLM_OK);
    }
}

static void begin(enum holm_retention retention)
{
    static const char *const names[NODES] = {"lisbon", "oslo", "rome"};
    memset(&scene, 0, sizeof scene);
    scene.world = holm_testing_new(7);
    for (int i = 0; i < NODES; i++) {
        struct holm_config config = holm_config_default();
        config.name = names[i];
        config.seeds = "lisbon oslo rome";
        config.partitions = PARTITIONS;
        config.log_level = 1;
        config.retention = retention;
        config.founds = retention == HOLM_RETENTION_STABLE && i == 0;
        assert_int_equal(holm_testing_open(scene.world, &config, &scene.nodes[i]), HOLM_OK);
        scene.real = scene.nodes[i]->host;
        scene.hosts[i] = *scene.real;
        scene.hosts[i].wait = wait_well;
        scene.nodes[i]->host = &scene.hosts[i];
    }
    for (int i = 0; i < NODES; i++)
        assert_int_equal(holm_wait_peers(scene.nodes[i], NODES - 1, 10000), HOLM_OK);
    furnish();
    assert_int_equal(holm_testing_converge(scene.world, 30 * S), HOLM_OK);
    holm_testing_run(scene.world, 20 * S);
}

static int64_t sum_at(int node)
{
    int64_t sum = 0;
    enum holm_status status = holm_count(scene.nodes[node], holm_str("k"), holm_str("n"), &sum);
    assert_true(status == HOLM_OK || status == HOLM_ENOENT);
    return sum;
}

/* Lisbon writes, and nobody has it yet; its receipt and its position are here. */
static void write_one(void)
{
    const struct holm_op op = holm_op_add(holm_str("k"), holm_str("n"), 1);
    assert_int_equal(holm_testing_converge(scene.world, 60 * S), HOLM_OK);
    assert_int_equal(holm_commit(scene.nodes[LISBON], &op, 1, &scene.receipt), HOLM_OK);
    scene.written++;
}

static void write_and_tell(void)
{
    write_one();
    assert_int_equal(holm_position(scene.nodes[LISBON], HOLM_EVERY_PARTITION, scene.position,
                                   sizeof scene.position, &scene.position_bytes),
                     HOLM_OK);
}

/* ---- the calls ------------------------------------------------------------------------------- */

struct call {
    const char *name;
    void (*prepare)(void);
    enum holm_status (*make)(void);
    void (*check)(void); /* once it has come to its end */
    enum holm_retention retention;
};

static enum holm_status take_position(void)
{
    return holm_position(scene.nodes[LISBON], HOLM_EVERY_PARTITION, scene.position,
                         sizeof scene.position, &scene.position_bytes);
}

static void check_position(void)
{
    struct holm_bytes bytes = holm_mem(scene.position, scene.position_bytes);
    assert_int_equal(holm_wait_reached(scene.nodes[LISBON], bytes, 0), HOLM_OK);
    assert_int_equal(holm_wait_reached(scene.nodes[OSLO], bytes, 0), HOLM_ETIMEDOUT);
}

static enum holm_status wait_reached(void)
{
    struct holm_bytes bytes = holm_mem(scene.position, scene.position_bytes);
    return holm_wait_reached(scene.nodes[OSLO], bytes, 20000);
}

static enum holm_status wait_heard(void)
{
    return holm_wait_heard(scene.nodes[OSLO], HOLM_EVERY_PARTITION, HOLM_ALL, 20000);
}

static void check_oslo(void)
{
    assert_int_equal(sum_at(OSLO), scene.written);
}

static enum holm_status wait_applied(void)
{
    return holm_wait_applied(scene.nodes[OSLO], &scene.receipt, 20000);
}

static enum holm_status wait_seen(void)
{
    return holm_wait_seen(scene.nodes[LISBON], &scene.receipt, HOLM_ALL, 20000);
}

static enum holm_status wait_all_seen(void)
{
    return holm_wait_seen(scene.nodes[LISBON], NULL, HOLM_ALL, 20000);
}

static enum holm_status wait_foreign_seen(void)
{
    return holm_wait_seen(scene.nodes[OSLO], &scene.receipt, HOLM_ALL, 20000);
}

static enum holm_status wait_stable(void)
{
    return holm_wait_stable(scene.nodes[LISBON], &scene.receipt, 60000);
}

static enum holm_status wait_all_stable(void)
{
    return holm_wait_stable(scene.nodes[LISBON], NULL, 60000);
}

static void check_all(void)
{
    for (int i = 0; i < NODES; i++)
        assert_int_equal(sum_at(i), scene.written);
}

static enum holm_status carry_receipt(void)
{
    unsigned char bytes[HOLM_RECEIPT_BYTES];
    struct holm_receipt read;
    enum holm_status status = holm_receipt_encode(scene.nodes[LISBON], &scene.receipt, bytes);
    if (status == HOLM_OK)
        status = holm_receipt_decode(scene.nodes[OSLO], holm_mem(bytes, sizeof bytes), &read);
    if (status == HOLM_OK)
        assert_memory_equal(&read, &scene.receipt, sizeof read);
    return status;
}

/* From before the last write, which waits to be sealed. */
static void write_after_position(void)
{
    write_and_tell();
    write_one();
}

static enum holm_status open_watch(void)
{
    struct holm_watch_options options = {.since = holm_mem(scene.position, scene.position_bytes)};
    return holm_watch_open_with(scene.nodes[LISBON], holm_str("k"), &options, &scene.watch);
}

static void check_watch(void)
{
    struct holm_change change;
    assert_int_equal(holm_watch_next(scene.watch, &change), HOLM_OK);
    assert_int_equal(change.overflow, scene.watch_wanted_memory); /* which stands for all changes */
    assert_int_equal(change.key.size, change.overflow ? 0 : 1);
    assert_int_equal(holm_watch_next(scene.watch, &change), HOLM_ENOENT);
    holm_watch_close(scene.watch);
    scene.watch = NULL;
}

static const struct call calls[] = {
    {"position", write_one, take_position, check_position, HOLM_RETENTION_FOREVER},
    {"reached", write_and_tell, wait_reached, check_oslo, HOLM_RETENTION_FOREVER},
    {"heard", write_one, wait_heard, check_oslo, HOLM_RETENTION_FOREVER},
    {"applied", write_one, wait_applied, check_oslo, HOLM_RETENTION_FOREVER},
    {"seen", write_one, wait_seen, check_all, HOLM_RETENTION_FOREVER},
    {"all seen", write_one, wait_all_seen, check_all, HOLM_RETENTION_FOREVER},
    {"another's seen", write_one, wait_foreign_seen, check_all, HOLM_RETENTION_FOREVER},
    {"stable", write_one, wait_stable, check_all, HOLM_RETENTION_STABLE},
    {"all stable", write_one, wait_all_stable, check_all, HOLM_RETENTION_STABLE},
    {"receipt", write_one, carry_receipt, NULL, HOLM_RETENTION_FOREVER},
    {"watch", write_after_position, open_watch, check_watch, HOLM_RETENTION_FOREVER},
};

/* ---- the sweep ------------------------------------------------------------------------------- */

/* Refuses the n-th; false when the call needs no more than n - 1. */
static bool refuse(const struct call *call, uint64_t n, bool on)
{
    call->prepare();
    memory.refuse_at = n;
    memory.on = on;
    memory.asked_for = memory.refused = 0;
    memory.armed = true;
    enum holm_status status = call->make();
    memory.armed = false;
    bool refused = memory.refused > 0;
    scene.watch_wanted_memory = refused && status == HOLM_OK;
    if (status != HOLM_OK) {
        if (status != HOLM_ENOMEM || !refused)
            fail_msg("%s: %s after its allocation %d was refused", call->name,
                     holm_strerror(status), (int)n);
        assert_null(scene.watch);
        assert_int_equal(call->make(), HOLM_OK);
    }
    if (call->check != NULL)
        call->check();
    return refused;
}

static void sweep(const struct call *call, bool on)
{
    uint64_t n = 1;
    int64_t before = memory.blocks;
    begin(call->retention);
    while (refuse(call, n, on)) {
        n++;
        assert_true(n < 1000);
    }
    assert_int_equal(holm_testing_converge(scene.world, 60 * S), HOLM_OK);
    check_all();
    for (int i = 0; i < NODES; i++)
        assert_int_equal(scene.nodes[i]->waiters, 0);
    holm_testing_free(scene.world);
    if (memory.blocks != before)
        fail_msg("%s: %d blocks are still held", call->name, (int)(memory.blocks - before));
    print_message("%-16s %3d allocations refused %s\n", call->name, (int)(n - 1),
                  on ? "and all after each" : "alone");
}

static void test_promise_when_memory_is_refused_then_nothing_is_changed_or_kept(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
        sweep(&calls[i], false);
        sweep(&calls[i], true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promise_when_memory_is_refused_then_nothing_is_changed_or_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
