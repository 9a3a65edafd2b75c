/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/bare.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/measure.h"

#define MALLOC_WORD_BYTES 8 /* before each block */
#define WALL_MS UINT64_C(1790000000000)

static uint64_t clock_us = 1;

struct holm_now bare_now(void)
{
    clock_us += 1;
    return (struct holm_now){clock_us, WALL_MS + clock_us / 1000};
}

uint64_t bare_wait_until(uint64_t monotonic_us)
{
    uint64_t waited = monotonic_us > clock_us ? monotonic_us - clock_us : 0;
    clock_us += waited;
    return waited;
}

/* ---- keys ----------------------------------------------------------------------------------- */

/* Fisher and Yates, with a fixed linear congruential generator: the same order in every run. */
static void shuffle(uint32_t *numbers, size_t count)
{
    uint64_t state = 20261121;
    for (size_t i = count; i > 1; i--) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        size_t other = (size_t)(state >> 33) % i;
        uint32_t number = numbers[i - 1];
        numbers[i - 1] = numbers[other];
        numbers[other] = number;
    }
}

void bare_keys_make(struct bare_keys *keys, size_t count)
{
    bare_keys_make_part(keys, count, count);
}

void bare_keys_make_part(struct bare_keys *keys, size_t count, size_t shuffled)
{
    measure_require(count > 0 && count <= 99999999, "keys have eight digits");
    keys->texts = measure_allocate(count * sizeof *keys->texts);
    keys->shuffled = measure_allocate(count * sizeof *keys->shuffled);
    keys->count = count;
    for (size_t i = 0; i < count; i++) {
        snprintf(keys->texts[i], sizeof keys->texts[i], "k%08u", (unsigned)i % 100000000u);
        keys->shuffled[i] = (uint32_t)i;
    }
    measure_require(shuffled <= count, "a part is shuffled");
    shuffle(keys->shuffled, shuffled);
}

void bare_keys_free(struct bare_keys *keys)
{
    free(keys->texts);
    free(keys->shuffled);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    (void)context;
    (void)size_old;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

static void *resize_metered(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct bare_meter *meter = context;
    size_t taken_old = memory == NULL ? 0 : malloc_usable_size(memory) + MALLOC_WORD_BYTES;
    size_t blocks_old = memory == NULL ? 0 : 1;
    void *result = resize(NULL, memory, size_old, size_new);
    if (size_new > 0 && result == NULL)
        return NULL;
    meter->blocks += (result == NULL ? 0 : 1) - blocks_old;
    meter->bytes += size_new - size_old;
    meter->taken += (result == NULL ? 0 : malloc_usable_size(result) + MALLOC_WORD_BYTES) -
                    taken_old;
    return result;
}

struct holm_allocator bare_allocator(struct bare_meter *meter)
{
    struct holm_allocator allocator = {meter == NULL ? resize : resize_metered, meter};
    return allocator;
}

/* ---- replicas ------------------------------------------------------------------------------- */

static struct holm_replica_config config_of(uint64_t node, struct bare_meter *meter)
{
    struct holm_replica_config config = holm_replica_config_default();
    config.allocator = bare_allocator(meter);
    config.self.node.value = node;
    config.self.epoch.value = WALL_MS << 16;
    config.digest_seed = 7;
    config.random_seed = node;
    return config;
}

struct holm_replica *bare_open(uint64_t node, size_t flush_bytes, struct bare_meter *meter)
{
    struct holm_replica_config config = config_of(node, meter);
    struct holm_replica *replica;
    config.flush_bytes = flush_bytes > 0 ? flush_bytes : config.flush_bytes;
    measure_must(holm_replica_new(&config, &replica), "a replica");
    return replica;
}

struct holm_replica *bare_open_small(uint64_t node, size_t log_bytes_max, struct bare_meter *meter)
{
    struct holm_replica_config config = config_of(node, meter);
    struct holm_replica *replica;
    config.log_bytes_max = log_bytes_max;
    measure_must(holm_replica_new(&config, &replica), "a replica");
    return replica;
}

const struct holm_work *bare_step(struct holm_replica *replica, const struct holm_event *event)
{
    const struct holm_work *work;
    measure_must(holm_replica_step(replica, event, bare_now(), &work), "a step");
    return work;
}

const struct holm_work *bare_commit(struct holm_replica *replica, const struct holm_op *ops,
                                    size_t count)
{
    struct holm_event event = {.type = HOLM_EVENT_COMMIT, .as.commit = {ops, count}};
    return bare_step(replica, &event);
}

const struct holm_work *bare_flush(struct holm_replica *replica)
{
    struct holm_event event = {.type = HOLM_EVENT_FLUSH};
    return bare_step(replica, &event);
}

const struct holm_work *bare_receive(struct holm_replica *replica, struct holm_delta *delta)
{
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .sender = delta->actor};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    message.as.delta = delta;
    event.as.message.peer = HOLM_PEER_NONE;
    event.as.message.message = &message;
    return bare_step(replica, &event);
}

void bare_fill(struct holm_replica *replica, const struct bare_keys *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct holm_op op = holm_op_put(bare_key(keys, i), holm_mem(NULL, 0), holm_i64((int64_t)i));
        (void)bare_commit(replica, &op, 1);
    }
    (void)bare_flush(replica);
}

struct bare_times bare_join(struct holm_replica *to, struct holm_replica *from)
{
    struct bare_times times;
    const struct holm_work *work;
    struct holm_cut *cut;
    uint64_t begun = measure_worked_ns();
    measure_must(holm_cut_open(from, bare_now(), &work, &cut), "a cut");
    times.freeze = (double)(measure_worked_ns() - begun);
    size_t count = holm_cut_page_count(cut);
    const struct holm_page **pages = measure_allocate((count + 1) * sizeof(struct holm_page *));
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    begun = measure_worked_ns();
    measure_must(holm_replica_load(to, holm_cut_vector(cut), pages, count, bare_now(), &work),
                 "a merge");
    times.merge = (double)(measure_worked_ns() - begun);
    free(pages);
    holm_cut_close(cut);
    return times;
}
