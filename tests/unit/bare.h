/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare.h - bare replicas for tests of what reads them: opened, written to, and joined by hand.
 */
#ifndef HOLM_TESTS_UNIT_BARE_H
#define HOLM_TESTS_UNIT_BARE_H

#include "crdt/replica.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static inline void *bare_resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    (void)context;
    (void)size_old;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

static inline struct holm_replica *bare_open(uint64_t node)
{
    struct holm_replica_config config = holm_replica_config_default();
    struct holm_replica *replica;

    config.allocator.resize = bare_resize;
    config.self.node.value = node;
    config.self.epoch.value = 1;
    config.random_seed = node;
    assert_int_equal(holm_replica_new(&config, &replica), HOLM_OK);
    return replica;
}

static inline void bare_write_at(struct holm_replica *replica, struct holm_op op, uint64_t ms)
{
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
    struct holm_now now = {ms * 1000, ms};
    const struct holm_work *work;

    assert_int_equal(holm_replica_step(replica, &event, now, &work), HOLM_OK);
}

static inline void bare_write(struct holm_replica *replica, struct holm_op op)
{
    bare_write_at(replica, op, 1000);
}

/* Gives all that `from` has to `to`, as a whole state. */
static inline void bare_join(struct holm_replica *to, struct holm_replica *from)
{
    struct holm_now now = {2000000, 2000};
    const struct holm_work *work;
    const struct holm_page *pages[64];
    struct holm_cut *cut;

    assert_int_equal(holm_cut_open(from, now, &work, &cut), HOLM_OK);

    size_t count = holm_cut_page_count(cut);

    assert_in_range(count, 0, 64);
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    assert_int_equal(holm_replica_load(to, holm_cut_vector(cut), pages, count, now, &work),
                     HOLM_OK);
    holm_cut_close(cut);
}

#endif
