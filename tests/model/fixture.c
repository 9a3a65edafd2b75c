/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/fixture.h"

#include "tests/model/compare.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

_Noreturn void fixture_fail(const struct fixture *fixture, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "at %" PRIu64 " us: ", fixture->now_us);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

const char *fixture_status_name(enum holm_status status)
{
    switch (status) {
#define NAME(name, value, sentence)                                                                \
    case HOLM_##name:                                                                              \
        return "HOLM_" #name;
        HOLM_STATUS_LIST(NAME)
#undef NAME
    }
    return "unknown";
}

static void *grown(void *array, size_t element_bytes, size_t *capacity, size_t count)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity == 0 ? 16 : 2 * *capacity;
    array = realloc(array, element_bytes * *capacity);
    if (array == NULL)
        abort();
    return array;
}

/* ---- life and death ------------------------------------------------------------------------- */

void fixture_init(struct fixture *fixture, size_t node_count,
                  const struct holm_replica_config *limits)
{
    memset(fixture, 0, sizeof *fixture);
    fixture->config = limits != NULL ? *limits : holm_replica_config_default();
    fixture->config.allocator = heap_allocator(&fixture->heap);
    fixture->config.partition = FIXTURE_PARTITION;
    fixture->config.digest_seed = 0x686f6c6d;
    fixture->node_count = node_count;
    fixture->now_us = 1000000;
    fixture->clocks_agree = true;
    reference_init(&fixture->reference);
    for (size_t i = 0; i < node_count; i++) {
        holm_vector_init(&fixture->nodes[i].report_told, &fixture->config.allocator);
        fixture_start(fixture, i, 1);
    }
}

static void store_release(struct fixture_store *store)
{
    if (store->saved)
        fixture_state_release(&store->state);
    for (size_t i = 0; i < store->run_count; i++)
        holm_delta_release(store->runs[i]);
    store->run_count = 0;
    store->saved = false;
}

void fixture_release(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->node_count; i++) {
        holm_replica_free(fixture->nodes[i].replica);
        store_release(&fixture->nodes[i].store);
        free(fixture->nodes[i].store.runs);
        holm_vector_release(&fixture->nodes[i].report_told);
    }
    for (size_t i = 0; i < fixture->run_count; i++)
        holm_delta_release(fixture->runs[i]);
    free(fixture->runs);
    free(fixture->sights);
    reference_release(&fixture->reference);
    if (fixture->heap.blocks != 0)
        fixture_fail(fixture, "%" PRIu64 " blocks with %" PRIu64 " bytes have leaked",
                     fixture->heap.blocks, fixture->heap.bytes);
}

void fixture_start(struct fixture *fixture, size_t node, uint64_t epoch)
{
    struct fixture_node *self = &fixture->nodes[node];
    self->self.node.value = 101 + node;
    self->self.epoch.value = epoch;
    fixture->config.self = self->self;
    fixture->config.random_seed = 1000 * epoch + node;
    enum holm_status status = holm_replica_new(&fixture->config, &self->replica);
    if (status != HOLM_OK)
        fixture_fail(fixture, "a replica cannot be made: %s", fixture_status_name(status));
    self->wake_us = HOLM_NEVER;
    self->dirty = true;
    memset(&self->view, 0, sizeof self->view);
    memset(&self->collected, 0, sizeof self->collected);
    reference_actor(&fixture->reference, self->self);
}

void fixture_kill(struct fixture *fixture, size_t node)
{
    holm_replica_free(fixture->nodes[node].replica);
    fixture->nodes[node].replica = NULL;
    fixture->nodes[node].wake_us = HOLM_NEVER;
}

/* ---- work ----------------------------------------------------------------------------------- */

/* A vector as far as it speaks of operations; of what is folded, with the ends that it had. */
static struct reference_view view_of(struct fixture *fixture, size_t node,
                                     struct holm_vector_view vector)
{
    struct reference *reference = &fixture->reference;
    struct reference_view view = {{0}};
    for (size_t i = 0; i < vector.count; i++) {
        struct holm_dot entry = vector.entries[i];
        bool fold = entry.seq == HOLM_SEQ_FOLDED;
        if (!fold && entry.actor.epoch.value > 0)
            view.seq[reference_actor(reference, entry.actor)] = entry.seq;
        for (size_t a = 0; a < reference->actor_count && fold; a++) {
            if (reference->actors[a].node.value != entry.actor.node.value ||
                reference->actors[a].epoch.value > entry.actor.epoch.value)
                continue;
            if (!fixture->folded[a])
                fixture_fail(fixture, "node %zu: an epoch is folded that nobody may fold", node);
            view.seq[a] = fixture->ends.seq[a];
        }
    }
    return view;
}

/* S rides on the run. It may have grown since an operation was minted, for it is the seal that takes it: by
 * tombstones of other keys alone, since one that is in S had been reported here, and so sealed behind. */
static void check_run_collected(struct fixture *fixture, size_t node,
                                const struct holm_delta *delta)
{
    const struct reference *reference = &fixture->reference;
    struct reference_view rides = view_of(fixture, node, delta->collected);
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        if (!holm_actor_equal(operation->dot.actor, delta->actor) ||
            operation->dot.seq < delta->first || operation->dot.seq > delta->last)
            continue;
        bool equal = reference_has_all(&rides, &operation->collected);
        for (size_t t = 0; t < reference->count && equal; t++) {
            const struct reference_operation *bury = &reference->operations[t];
            equal = bury->effect != REFERENCE_BURY ||
                    !holm_bytes_equal(bury->key, operation->key) ||
                    reference_covers(&rides, bury) == reference_covers(&operation->collected, bury);
        }
        if (!equal)
            fixture_fail(fixture, "node %zu: S does not ride on run %" PRIu64 "..%" PRIu64, node,
                         delta->first, delta->last);
    }
}

/* Every run is sealed once, where the writer's last one ended, and is the same run everywhere. */
static void keep_run(struct fixture *fixture, size_t node, struct holm_delta *delta)
{
    uint64_t end = 0;
    for (size_t i = 0; i < fixture->run_count; i++) {
        const struct holm_delta *run = fixture->runs[i];
        if (!holm_actor_equal(run->actor, delta->actor))
            continue;
        if (run->first == delta->first && run->last == delta->last)
            return;
        end = run->last;
    }
    enum holm_status status = holm_delta_check(delta);
    if (status != HOLM_OK)
        fixture_fail(fixture, "node %zu seals a run that others refuse: %s", node,
                     fixture_status_name(status));
    if (delta->first != end + 1 || !holm_actor_equal(delta->actor, fixture->nodes[node].self))
        fixture_fail(fixture, "node %zu stores a run %" PRIu64 "..%" PRIu64 ", after ..%" PRIu64,
                     node, delta->first, delta->last, end);
    check_run_collected(fixture, node, delta);
    fixture->runs = grown(fixture->runs, sizeof(struct holm_delta *), &fixture->run_capacity,
                          fixture->run_count);
    holm_delta_retain(delta);
    fixture->runs[fixture->run_count++] = delta;
}

static void store_run(struct fixture_store *store, struct holm_delta *delta)
{
    store->runs = grown(store->runs, sizeof(struct holm_delta *), &store->run_capacity,
                        store->run_count);
    holm_delta_retain(delta);
    store->runs[store->run_count++] = delta;
}

/* Every key that a run of somebody else has brought something to is told of. */
static void check_told(const struct fixture *fixture, size_t node, const struct holm_work *work,
                       const struct holm_delta *run)
{
    bool own = run->actor.node.value == fixture->nodes[node].self.node.value;
    for (uint32_t i = 0; i < run->items.item_count && !work->touched_all && !own; i++) {
        const struct holm_item *item = &run->items.items[i];
        bool told = item->op != HOLM_ITEM_PUT && item->op != HOLM_ITEM_BURY;
        for (size_t t = 0; t < work->touched_count && !told; t++)
            told = holm_bytes_equal(work->touched[t].key, item->key);
        if (!told)
            fixture_fail(fixture, "node %zu: a run changed '%.*s', and it does not say so", node,
                         (int)item->key.size, (const char *)item->key.data);
    }
}

void fixture_take_work(struct fixture *fixture, size_t node, const struct holm_work *work)
{
    struct fixture_node *self = &fixture->nodes[node];
    bool save = work->synced && self->store.saved;
    self->wake_us = work->wake_us;
    self->dirty = true;
    for (size_t i = 0; i < work->stored_count; i++) {
        check_told(fixture, node, work, work->stored[i]);
        keep_run(fixture, node, work->stored[i]);
        if (self->store.saved)
            store_run(&self->store, work->stored[i]);
    }
    for (size_t i = 0; i < work->output_count && fixture->post != NULL; i++)
        fixture->post(fixture->context, node, &work->outputs[i]);
    if (save)
        fixture_save(fixture, node);
}

struct holm_now fixture_now(const struct fixture *fixture, size_t node)
{
    int64_t wall_ms = (int64_t)(FIXTURE_WALL_MS + fixture->now_us / 1000);
    struct holm_now now = {
        .monotonic_us = fixture->now_us,
        .wall_ms = (uint64_t)(wall_ms + fixture->nodes[node].skew_ms),
    };
    return now;
}

enum holm_status fixture_step(struct fixture *fixture, size_t node, const struct holm_event *event)
{
    const struct holm_work *work = NULL;
    enum holm_status status = holm_replica_step(fixture->nodes[node].replica, event,
                                                fixture_now(fixture, node), &work);
    if (work == NULL)
        fixture_fail(fixture, "node %zu: a step has set no work", node);
    fixture_take_work(fixture, node, work);
    return status;
}

void fixture_do(struct fixture *fixture, size_t node, const struct holm_event *event)
{
    enum holm_status status = fixture_step(fixture, node, event);
    if (status != HOLM_OK)
        fixture_fail(fixture, "node %zu refuses event %d: %s", node, (int)event->type,
                     fixture_status_name(status));
}

/* Copies bytes to `at`, which moves on. */
static struct holm_bytes lent(struct holm_bytes bytes, unsigned char **at)
{
    unsigned char *copy = *at;
    if (bytes.size > 0)
        memcpy(copy, bytes.data, bytes.size);
    *at += bytes.size;
    return holm_mem(copy, bytes.size);
}

static bool has_bytes(const struct holm_op *op)
{
    bool valued = op->type == HOLM_OP_PUT || op->type == HOLM_OP_RAISE || op->type == HOLM_OP_LOWER;
    return valued && (op->as.value.type == HOLM_BYTES || op->as.value.type == HOLM_TEXT);
}

static size_t element_bytes(const struct holm_op *op)
{
    return op->type == HOLM_OP_INSERT || op->type == HOLM_OP_ERASE ? op->as.element.size : 0;
}

static size_t names_bytes(const struct holm_op *op)
{
    size_t bytes = 0;
    for (size_t i = 0; i < op->parents.count; i++)
        bytes += sizeof(struct holm_bytes) + sizeof(max_align_t) + op->parents.names[i].size;
    return bytes;
}

static struct holm_path lent_names(struct holm_path path, unsigned char **at)
{
    struct holm_bytes *names = NULL;
    if (path.count > 0) {
        *at += -(uintptr_t)*at % sizeof(max_align_t);
        names = (void *)*at;
        *at += path.count * sizeof *names;
    }
    for (size_t i = 0; i < path.count; i++)
        names[i] = lent(path.names[i], at);
    return holm_path_of(names, path.count);
}

/* Arguments are borrowed for the call: all that they point to is spoilt behind it. */
static enum holm_status commit_borrowed(struct fixture *fixture, size_t node,
                                        const struct holm_op *ops, size_t count,
                                        const struct holm_work **work)
{
    size_t bytes = 1;
    for (size_t i = 0; i < count; i++)
        bytes += ops[i].key.size + ops[i].field.size + names_bytes(&ops[i]) +
                 (has_bytes(&ops[i]) ? ops[i].as.value.as.bytes.size : 0) + element_bytes(&ops[i]);
    struct holm_op *copies = malloc(count * sizeof *copies);
    unsigned char *room = malloc(bytes), *at = room;
    if (copies == NULL || room == NULL)
        abort();
    for (size_t i = 0; i < count; i++) {
        copies[i] = ops[i];
        copies[i].parents = lent_names(ops[i].parents, &at);
        copies[i].key = lent(ops[i].key, &at);
        copies[i].field = lent(ops[i].field, &at);
        if (ops[i].type == HOLM_OP_INSERT || ops[i].type == HOLM_OP_ERASE)
            copies[i].as.element = lent(ops[i].as.element, &at);
        if (has_bytes(&ops[i]))
            copies[i].as.value.as.bytes = lent(ops[i].as.value.as.bytes, &at);
    }
    struct holm_event event = {.type = HOLM_EVENT_COMMIT,
                               .as.commit = {.ops = copies, .count = count}};
    enum holm_status status = holm_replica_step(fixture->nodes[node].replica, &event,
                                                fixture_now(fixture, node), work);
    memset(room, '#', bytes);
    free(room);
    free(copies);
    return status;
}

/* Every key that was written to is told of. */
static void check_touched(const struct fixture *fixture, size_t node, const struct holm_work *work,
                          uint64_t before)
{
    const struct reference *reference = &fixture->reference;
    for (size_t i = 0; i < reference->count && !work->touched_all; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        bool told = operation->dot.seq <= before ||
                    !holm_actor_equal(operation->dot.actor, fixture->nodes[node].self);
        for (size_t t = 0; t < work->touched_count && !told; t++)
            told = holm_bytes_equal(work->touched[t].key, operation->key);
        if (!told)
            fixture_fail(fixture, "node %zu: a commit changed '%.*s' and does not say so", node,
                         (int)operation->key.size, (const char *)operation->key.data);
    }
}

enum holm_status fixture_commit(struct fixture *fixture, size_t node, const struct holm_op *ops,
                                size_t count)
{
    struct fixture_node *self = &fixture->nodes[node];
    struct reference_writer writer = {.actor = self->self,
                                      .past = fixture_view(fixture, node),
                                      .collected = fixture_collected(fixture, node)};
    uint64_t before = writer.past.seq[reference_actor(&fixture->reference, self->self)];
    const struct holm_work *work = NULL;
    enum holm_status status = commit_borrowed(fixture, node, ops, count, &work);
    if (status == HOLM_ENOMEM && fixture->heap.fail_at != 0) {
        fixture_take_work(fixture, node, work);
        return status;
    }
    uint32_t minted;
    enum holm_status expected = reference_commit(&fixture->reference, &writer, ops, count, &minted);
    if (status != expected)
        fixture_fail(fixture, "node %zu: a commit gives %s, expected %s", node,
                     fixture_status_name(status), fixture_status_name(expected));
    if (status != HOLM_OK) {
        fixture_take_work(fixture, node, work);
        return status;
    }
    if (work->minted != minted)
        fixture_fail(fixture, "node %zu: %" PRIu32 " operations were minted, expected %" PRIu32,
                     node, work->minted, minted);
    if (minted > 0 &&
        (work->first.seq != before + 1 || !holm_actor_equal(work->first.actor, self->self)))
        fixture_fail(fixture, "node %zu: minted from seq %" PRIu64 ", expected %" PRIu64, node,
                     work->first.seq, before + 1);
    compare_stamp(fixture, node, before);
    check_touched(fixture, node, work, before);
    fixture_take_work(fixture, node, work);
    return HOLM_OK;
}

void fixture_flush(struct fixture *fixture, size_t node)
{
    struct holm_event event = {.type = HOLM_EVENT_FLUSH};
    fixture_do(fixture, node, &event);
    if (holm_replica_pending(fixture->nodes[node].replica))
        fixture_fail(fixture, "node %zu has something pending after a flush", node);
}

void fixture_tick(struct fixture *fixture, size_t node)
{
    struct holm_event event = {.type = HOLM_EVENT_TICK};
    fixture_do(fixture, node, &event);
}

void fixture_give(struct fixture *fixture, size_t node, size_t run)
{
    struct holm_delta *delta = fixture->runs[run];
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA,
                                   .partition = FIXTURE_PARTITION,
                                   .sender = delta->actor,
                                   .as.delta = delta};
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE,
                               .as.message = {.peer = HOLM_PEER_NONE, .message = &message}};
    fixture_do(fixture, node, &event);
}

void fixture_give_all(struct fixture *fixture, size_t from, size_t to)
{
    for (size_t i = 0; i < fixture->run_count; i++)
        if (holm_actor_equal(fixture->runs[i]->actor, fixture->nodes[from].self))
            fixture_give(fixture, to, i);
}

void fixture_epoch(struct fixture *fixture, size_t node, uint64_t epoch)
{
    struct holm_event event = {.type = HOLM_EVENT_EPOCH, .as.epoch = {epoch}};
    fixture_do(fixture, node, &event);
    fixture->nodes[node].self.epoch.value = epoch;
    reference_actor(&fixture->reference, fixture->nodes[node].self);
    if (!holm_actor_equal(holm_replica_self(fixture->nodes[node].replica),
                          fixture->nodes[node].self))
        fixture_fail(fixture, "node %zu did not take its new epoch", node);
}

void fixture_supersede(struct fixture *fixture, size_t node, struct holm_actor actor)
{
    struct holm_event event = {.type = HOLM_EVENT_SUPERSEDED, .as.superseded = actor};
    fixture_do(fixture, node, &event);
}

/* ---- states --------------------------------------------------------------------------------- */

void fixture_state_take(struct fixture *fixture, size_t node, struct fixture_state *state)
{
    const struct holm_work *work = NULL;
    struct holm_cut *cut;
    enum holm_status status = holm_cut_open(fixture->nodes[node].replica,
                                            fixture_now(fixture, node), &work, &cut);
    if (status != HOLM_OK)
        fixture_fail(fixture, "node %zu gives no cut: %s", node, fixture_status_name(status));
    fixture_take_work(fixture, node, work);
    struct holm_vector_view vector = holm_cut_vector(cut);
    holm_vector_init(&state->collected, &fixture->config.allocator);
    if (holm_vector_assign(&state->collected, holm_cut_collected(cut)) != HOLM_OK)
        abort();
    state->entry_count = vector.count;
    state->page_count = holm_cut_page_count(cut);
    state->entries = malloc((vector.count + 1) * sizeof *state->entries);
    state->pages = malloc((state->page_count + 1) * sizeof(struct holm_page *));
    if (state->entries == NULL || state->pages == NULL)
        abort();
    for (size_t i = 0; i < vector.count; i++)
        state->entries[i] = vector.entries[i];
    for (size_t i = 0; i < state->page_count; i++) {
        struct holm_page *page = (struct holm_page *)(uintptr_t)holm_cut_page(cut, i);
        if (holm_page_check(page) != HOLM_OK)
            fixture_fail(fixture, "node %zu gives a page that others refuse", node);
        holm_page_retain(page);
        state->pages[i] = page;
    }
    holm_cut_close(cut);
}

void fixture_state_merge(struct fixture *fixture, size_t node, const struct fixture_state *state)
{
    struct holm_vector_view vector = {.entries = state->entries, .count = state->entry_count};
    const struct holm_work *work = NULL;
    enum holm_status status = holm_replica_load_collected(
        fixture->nodes[node].replica, vector, holm_vector_view(&state->collected),
        (const struct holm_page *const *)state->pages, state->page_count,
        fixture_now(fixture, node), &work);
    if (status != HOLM_OK)
        fixture_fail(fixture, "node %zu cannot merge a state: %s", node,
                     fixture_status_name(status));
    fixture_take_work(fixture, node, work);
    for (size_t i = 0; i < state->entry_count; i++)
        if (holm_replica_seq(fixture->nodes[node].replica, state->entries[i].actor) <
            state->entries[i].seq)
            fixture_fail(fixture, "node %zu has merged a state and does not cover it", node);
    struct reference_view has = fixture_collected(fixture, node);
    struct reference_view brought = view_of(fixture, node, holm_vector_view(&state->collected));
    if (!reference_has_all(&has, &brought))
        fixture_fail(fixture, "node %zu has merged a state without its S", node);
}

void fixture_state_release(struct fixture_state *state)
{
    for (size_t i = 0; i < state->page_count; i++)
        holm_page_release(state->pages[i]);
    free(state->pages);
    free(state->entries);
    holm_vector_release(&state->collected);
    memset(state, 0, sizeof *state);
}

void fixture_merge(struct fixture *fixture, size_t from, size_t to)
{
    struct fixture_state state;
    fixture_state_take(fixture, from, &state);
    fixture_state_merge(fixture, to, &state);
    fixture_state_release(&state);
}

void fixture_save(struct fixture *fixture, size_t node)
{
    struct fixture_store *store = &fixture->nodes[node].store;
    store_release(store);
    fixture_state_take(fixture, node, &store->state);
    store->saved = true;
}

void fixture_restore(struct fixture *fixture, size_t node, bool runs)
{
    struct fixture_store *store = &fixture->nodes[node].store;
    if (!store->saved)
        return;
    /* What is brought back is stored already. */
    store->saved = false;
    fixture_state_merge(fixture, node, &store->state);
    for (size_t i = 0; i < store->run_count; i++) {
        if (runs) {
            for (size_t run = 0; run < fixture->run_count; run++)
                if (holm_actor_equal(fixture->runs[run]->actor, store->runs[i]->actor) &&
                    fixture->runs[run]->first == store->runs[i]->first)
                    fixture_give(fixture, node, run);
            if (holm_replica_seq(fixture->nodes[node].replica, store->runs[i]->actor) <
                store->runs[i]->last)
                fixture_fail(fixture, "node %zu: stored runs are not in causal order", node);
        }
        holm_delta_release(store->runs[i]);
    }
    store->run_count = 0;
    store->saved = true;
    fixture_save(fixture, node);
}

void fixture_lose_store(struct fixture *fixture, size_t node)
{
    store_release(&fixture->nodes[node].store);
}

/* ---- looking -------------------------------------------------------------------------------- */

static struct reference_view view_of_vector(struct fixture *fixture, size_t node)
{
    struct holm_dot entries[REFERENCE_ACTORS_MAX];
    size_t count = holm_replica_vector(fixture->nodes[node].replica, entries, REFERENCE_ACTORS_MAX);
    if (count > REFERENCE_ACTORS_MAX)
        fixture_fail(fixture, "node %zu: a vector of %zu entries", node, count);
    for (size_t i = 0; i < count; i++)
        if (entries[i].seq == 0 ||
            (i > 0 && holm_actor_compare(entries[i - 1].actor, entries[i].actor) >= 0))
            fixture_fail(fixture, "node %zu: its vector is not sorted, or holds a zero", node);
    return view_of(fixture, node, (struct holm_vector_view){entries, count});
}

struct reference_view fixture_collected(struct fixture *fixture, size_t node)
{
    return view_of(fixture, node, holm_replica_collected(fixture->nodes[node].replica));
}

struct reference_view fixture_view(struct fixture *fixture, size_t node)
{
    struct reference_view view = view_of_vector(fixture, node);
    uint64_t minted = holm_replica_last_minted(fixture->nodes[node].replica);
    size_t own = reference_actor(&fixture->reference, fixture->nodes[node].self);
    if ((minted > view.seq[own]) != holm_replica_pending(fixture->nodes[node].replica) ||
        minted < view.seq[own])
        fixture_fail(fixture, "node %zu: pending, its vector and its last seq do not fit", node);
    view.seq[own] = minted;
    return view;
}

/* M2. */
static void check_vector(const struct fixture *fixture, size_t node,
                         const struct reference_view *view)
{
    const struct reference *reference = &fixture->reference;
    for (size_t i = 0; i < reference->actor_count; i++) {
        if (view->seq[i] < fixture->nodes[node].view.seq[i])
            fixture_fail(fixture, "node %zu: its vector went back", node);
        bool ends = view->seq[i] == 0;
        for (size_t r = 0; r < fixture->run_count && !ends; r++)
            ends = fixture->runs[r]->last == view->seq[i] &&
                   holm_actor_equal(fixture->runs[r]->actor, reference->actors[i]);
        if (!ends)
            fixture_fail(fixture, "node %zu: seq %" PRIu64 " in its vector ends no run", node,
                         view->seq[i]);
    }
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        if (!reference_covers(view, operation))
            continue;
        if (view->seq[operation->actor] < operation->batch_last)
            fixture_fail(fixture, "node %zu has half of a batch", node);
        for (size_t a = 0; a < reference->actor_count; a++)
            if (view->seq[a] < operation->past.seq[a])
                fixture_fail(fixture,
                             "node %zu has %" PRIu64 ".%" PRIu64 ":%" PRIu64
                             ", and not all that its writer had",
                             node, operation->dot.actor.node.value,
                             operation->dot.actor.epoch.value, operation->dot.seq);
    }
}

/* M3. */
static void check_digest(struct fixture *fixture, size_t node, const struct reference_view *view)
{
    const struct holm_replica *replica = fixture->nodes[node].replica;
    struct fixture_sight sight = {.view = *view,
                                  .digest = holm_replica_digest(replica),
                                  .vector_hash = holm_replica_vector_hash(replica)};
    for (size_t i = 0; i < fixture->sight_count; i++) {
        const struct fixture_sight *other = &fixture->sights[i];
        bool equal = memcmp(&other->view, &sight.view, sizeof sight.view) == 0;
        if (equal != (other->vector_hash == sight.vector_hash))
            fixture_fail(fixture, "node %zu: vectors and their hashes disagree", node);
        if (equal && !holm_digest_equal(other->digest, sight.digest))
            fixture_fail(fixture, "node %zu: an equal vector, and another digest", node);
        if (equal)
            return;
    }
    fixture->sights = grown(fixture->sights, sizeof *fixture->sights, &fixture->sight_capacity,
                            fixture->sight_count);
    fixture->sights[fixture->sight_count++] = sight;
}

/* M5. */
static void check_collected(struct fixture *fixture, size_t node,
                            const struct reference_view *sealed,
                            const struct reference_view *collected)
{
    const struct reference *reference = &fixture->reference;
    if (!reference_has_all(&fixture->granted, collected))
        fixture_fail(fixture, "node %zu has collected what not all have", node);
    if (!reference_has_all(sealed, collected))
        fixture_fail(fixture, "node %zu has collected what it has not applied", node);
    if (!reference_has_all(collected, &fixture->nodes[node].collected))
        fixture_fail(fixture, "node %zu: its S went back", node);
    for (size_t i = 0; i < reference->count; i++)
        if (reference_covers(sealed, &reference->operations[i]) &&
            !reference_has_all(collected, &reference->operations[i].collected))
            fixture_fail(fixture, "node %zu has a write, and not the S that rode on it", node);
}

void fixture_check(struct fixture *fixture, size_t node)
{
    struct fixture_node *self = &fixture->nodes[node];
    holm_replica_check(self->replica);
    struct reference_view sealed = view_of_vector(fixture, node);
    struct reference_view view = fixture_view(fixture, node);
    struct reference_view collected = fixture_collected(fixture, node);
    check_vector(fixture, node, &sealed);
    if (fixture->config.retention == HOLM_RETENTION_STABLE)
        check_collected(fixture, node, &sealed, &collected);
    compare_replica(fixture, node, &view, &collected);
    if (!holm_replica_pending(self->replica))
        check_digest(fixture, node, &view);
    self->view = sealed;
    self->collected = collected;
    self->dirty = false;
}

void fixture_check_all(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->node_count; i++)
        if (fixture->nodes[i].replica != NULL)
            fixture_check(fixture, i);
}

void fixture_check_equal(struct fixture *fixture)
{
    struct reference_view all = {{0}};
    fixture_check_all(fixture);
    for (size_t i = 0; i < fixture->node_count; i++)
        if (fixture->nodes[i].replica != NULL) {
            struct reference_view view = fixture_view(fixture, i);
            reference_join(&all, &view);
        }
    const struct holm_replica *first = NULL;
    for (size_t i = 0; i < fixture->node_count; i++) {
        const struct holm_replica *replica = fixture->nodes[i].replica;
        if (replica == NULL)
            continue;
        struct reference_view view = view_of_vector(fixture, i);
        if (memcmp(&view, &all, sizeof view) != 0)
            fixture_fail(fixture, "node %zu does not have all that the others have", i);
        first = first == NULL ? replica : first;
        if (!holm_digest_equal(holm_replica_digest(replica), holm_replica_digest(first)))
            fixture_fail(fixture, "node %zu has another digest than the others", i);
    }
}
