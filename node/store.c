/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store.h"

static enum holm_status memory_load(struct holm_store *store, uint32_t partition,
                                    enum holm_status (*take)(void *context,
                                                             struct holm_delta *delta),
                                    void *context)
{
    (void)store;
    (void)partition;
    (void)take;
    (void)context;
    return HOLM_OK;
}

static enum holm_status memory_append(struct holm_store *store, uint32_t partition,
                                      struct holm_delta *const *deltas, size_t count)
{
    (void)store;
    (void)partition;
    (void)deltas;
    (void)count;
    return HOLM_OK;
}

static void memory_close(struct holm_store *store)
{
    (void)store;
}

struct holm_store *holm_store_memory(void)
{
    static const struct holm_store_ops ops = {
        .load = memory_load, .append = memory_append, .close = memory_close};
    static struct holm_store store = {&ops};
    return &store;
}
