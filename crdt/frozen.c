/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/frozen.h"

#include "crdt/order.h"

/* A leaf of a tree of depth 3 is a bucket; in deeper trees, several leaves share one. */
#define BUCKET_BITS 12
#define BUCKETS ((size_t)1 << BUCKET_BITS)
/* By the hash, to be shown in ranges; behind those by the term, to be found: all cells of one record
 * are in one bucket of the first kind. */
#define ALL_BUCKETS (2 * BUCKETS)

/* What it takes to give the tree a level more, in looks at a record: so much is spent on comparisons with a coarse
 * one before. Who is compared once, or seldom differs, never pays. */
#define WALKS_PER_RECORD 4

struct holm_frozen_change {
    uint64_t hash;
    struct holm_digest term;
    const struct holm_item *item; /* what was there; NULL: what came and was not */
    uint32_t actor;               /* index */
    uint32_t next;                /* in the hash's bucket, number + 1; 0: none */
    uint32_t next_term;           /* likewise in the term's */
};

static size_t bucket_of(uint64_t hash)
{
    return (size_t)(hash >> (64 - BUCKET_BITS));
}

static size_t bucket_of_term(struct holm_digest term)
{
    return BUCKETS + (size_t)(term.low >> (64 - BUCKET_BITS));
}

static uint64_t seq_of(const struct holm_cell *cell)
{
    return cell->kind == HOLM_COUNTER ? cell->count.last : cell->seq;
}

static bool was_there(const struct holm_frozen *frozen, const struct holm_cell *cell)
{
    return seq_of(cell) <= holm_frozen_seq(frozen, cell->actor);
}

static const struct holm_frozen_change *find_change(const struct holm_frozen *frozen, uint64_t hash,
                                                    struct holm_digest term)
{
    if (frozen->buckets == NULL)
        return NULL;
    for (uint32_t at = frozen->buckets[bucket_of_term(term)]; at != 0;) {
        const struct holm_frozen_change *change = &frozen->changes[at - 1];
        if (change->hash == hash && holm_digest_equal(change->term, term))
            return change;
        at = change->next_term;
    }
    return NULL;
}

/* ---- showing ------------------------------------------------------------------------------- */

void holm_cell_item(const struct holm_state *state, struct holm_bytes key,
                    const struct holm_cell *cell, struct holm_item *item)
{
    memset(item, 0, sizeof *item);
    item->kind = cell->kind;
    item->key = key;
    item->path = holm_names_path(&state->names, cell->path);
    item->sub = cell->sub;
    if (cell->kind == HOLM_COUNTER) {
        item->op = HOLM_ITEM_COUNT;
        item->count = cell->count;
        return;
    }
    item->seq = cell->seq;
    item->op = cell->kind == HOLM_KIND_TOMBSTONE ? HOLM_ITEM_BURY : HOLM_ITEM_PUT;
    if (item->op == HOLM_ITEM_PUT) {
        item->hlc = cell->hlc;
        item->value = cell->value;
    }
}

struct showing {
    const struct holm_frozen *frozen;
    holm_reconcile_visitor *visitor;
    void *context;
};

static bool show_record(const struct showing *showing, struct holm_spot *spot)
{
    const struct holm_frozen *frozen = showing->frozen;
    const struct holm_state *state = frozen->state;
    struct holm_bytes key = holm_spot_key(state, spot);
    struct holm_cell cell;
    for (; holm_spot_cell(state, spot, &cell); holm_spot_next(state, spot)) {
        if (!was_there(frozen, &cell))
            continue;
        struct holm_reconcile_entry entry;
        entry.staged = false;
        entry.hash = spot->hash;
        entry.term = holm_cell_digest(state, spot->hash, &cell);
        if (find_change(frozen, spot->hash, entry.term) != NULL)
            continue;
        entry.actor = state->actors->rows[cell.actor].actor;
        holm_cell_item(state, key, &cell, &entry.item);
        if (!showing->visitor(showing->context, &entry))
            return false;
    }
    return true;
}

static void show_kept(const struct showing *showing, uint64_t first, uint64_t last)
{
    const struct holm_frozen *frozen = showing->frozen;
    if (frozen->buckets == NULL)
        return;
    for (size_t bucket = bucket_of(first); bucket <= bucket_of(last); bucket++) {
        for (uint32_t at = frozen->buckets[bucket]; at != 0;) {
            const struct holm_frozen_change *change = &frozen->changes[at - 1];
            at = change->next;
            if (change->item == NULL || change->hash < first || change->hash > last)
                continue;
            struct holm_reconcile_entry entry = {
                .hash = change->hash,
                .actor = frozen->state->actors->rows[change->actor].actor,
                .term = change->term,
                .item = *change->item};
            if (!showing->visitor(showing->context, &entry))
                return;
        }
    }
}

static void visit(void *context, uint64_t first, uint64_t last, holm_reconcile_visitor *visitor,
                  void *visitor_context)
{
    struct holm_frozen *frozen = context;
    struct showing showing = {frozen, visitor, visitor_context};
    struct holm_walk walk = holm_state_walk(frozen->state, first, last);
    struct holm_spot spot;
    HOLM_ASSERT(!frozen->broken && !frozen->paused && first >= frozen->passed);
    while (holm_walk_next(frozen->state, &walk, &spot)) {
        frozen->state->walked += frozen->treeless ? 0 : 1;
        if (!show_record(&showing, &spot))
            return;
    }
    show_kept(&showing, first, last);
}

static void expect(void *context, uint64_t first, uint64_t last, bool near)
{
    const struct holm_frozen *frozen = context;
    holm_state_prefetch_walk(frozen->state, first, last, near);
}

static uint64_t hash_key(void *context, struct holm_bytes key)
{
    const struct holm_frozen *frozen = context;
    return holm_state_key(frozen->state, key).hash;
}

/* ---- the life cycle ------------------------------------------------------------------------ */

static enum holm_status take_vector(struct holm_frozen *frozen)
{
    const struct holm_actors *actors = frozen->state->actors;
    const struct holm_allocator *allocator = &frozen->state->allocator;
    size_t count = actors->entries;
    frozen->seqs = holm_allocate(allocator, actors->count * sizeof *frozen->seqs);
    frozen->seq_count = frozen->seqs == NULL ? 0 : actors->count;
    if (count > 0)
        frozen->vector = holm_allocate(allocator, count * sizeof *frozen->vector);
    if (frozen->seqs == NULL || (count > 0 && frozen->vector == NULL))
        return HOLM_ENOMEM;
    for (size_t i = 0; i < actors->count; i++)
        frozen->seqs[i] = holm_actors_seq(actors, (uint32_t)i);
    (void)holm_actors_copy(actors, false, HOLM_ACTOR_NONE, frozen->vector, count);
    frozen->source.vector = (struct holm_vector_view){frozen->vector, count};
    return HOLM_OK;
}

static void free_kept(struct holm_frozen *frozen)
{
    const struct holm_allocator *allocator = &frozen->state->allocator;
    holm_array_free(allocator, frozen->changes, frozen->change_capacity, sizeof *frozen->changes);
    holm_array_free(allocator, frozen->arrivals, frozen->arrival_capacity,
                    sizeof *frozen->arrivals);
    if (frozen->buckets != NULL)
        holm_deallocate(allocator, frozen->buckets, ALL_BUCKETS * sizeof *frozen->buckets);
    holm_arena_release(&frozen->arena);
    holm_tree_release(&frozen->tree);
    frozen->changes = NULL;
    frozen->arrivals = NULL;
    frozen->buckets = NULL;
    frozen->change_count = frozen->change_capacity = 0;
    frozen->arrival_count = frozen->arrival_capacity = 0;
}

static void free_all(struct holm_frozen *frozen)
{
    const struct holm_allocator *allocator = &frozen->state->allocator;
    free_kept(frozen);
    if (frozen->seqs != NULL)
        holm_deallocate(allocator, frozen->seqs, frozen->seq_count * sizeof *frozen->seqs);
    if (frozen->vector != NULL)
        holm_deallocate(allocator, frozen->vector,
                        frozen->source.vector.count * sizeof *frozen->vector);
}

enum holm_status holm_frozen_init(struct holm_frozen *frozen, struct holm_state *state,
                                  size_t bytes_max, bool listening)
{
    HOLM_ASSERT(!state->open);
    memset(frozen, 0, sizeof *frozen);
    frozen->state = state;
    frozen->bytes_max = bytes_max;
    frozen->listening = listening;
    holm_arena_init(&frozen->arena, &state->allocator);
    frozen->tree.allocator = state->allocator;
    frozen->source.context = frozen;
    frozen->source.tree = &state->tree;
    frozen->source.entries = state->cells + state->tombstones;
    frozen->source.visit = visit;
    frozen->source.hash = hash_key;
    frozen->source.expect = expect;
    frozen->source.vector.count = state->actors->entries;
    if (take_vector(frozen) != HOLM_OK) {
        free_all(frozen);
        return HOLM_ENOMEM;
    }
    frozen->next = state->frozen;
    state->frozen = frozen;
    return HOLM_OK;
}

void holm_frozen_release(struct holm_frozen *frozen)
{
    struct holm_frozen **link = &frozen->state->frozen;
    HOLM_ASSERT(!frozen->state->open);
    while (*link != frozen) {
        HOLM_ASSERT(*link != NULL);
        link = &(*link)->next;
    }
    *link = frozen->next;
    struct holm_state *state = frozen->state;
    free_all(frozen);
    if (state->frozen == NULL && state->walked > state->record_count / WALKS_PER_RECORD) {
        state->walked = 0;
        holm_state_refine(state);
    }
}

size_t holm_frozen_bytes(const struct holm_frozen *frozen)
{
    return sizeof *frozen + frozen->arena.taken +
           frozen->change_capacity * sizeof *frozen->changes +
           frozen->arrival_capacity * sizeof *frozen->arrivals +
           (frozen->buckets == NULL ? 0 : ALL_BUCKETS * sizeof *frozen->buckets) +
           holm_tree_bytes(&frozen->tree);
}

void holm_frozen_pause(struct holm_frozen *frozen, bool paused)
{
    HOLM_ASSERT(!frozen->state->open);
    frozen->paused = paused;
}

void holm_frozen_pass(struct holm_frozen *frozen, uint64_t hash)
{
    HOLM_ASSERT(!frozen->state->open && hash >= frozen->passed);
    frozen->treeless = true;
    frozen->source.tree = NULL;
    frozen->passed = hash;
}

/* ---- changes ------------------------------------------------------------------------------- */

/* What it kept is of no use any more. In a transaction this cannot be taken back. */
static void give_up(struct holm_frozen *frozen)
{
    frozen->broken = true;
    free_kept(frozen);
    frozen->source.tree = NULL;
}

void holm_frozen_break(struct holm_state *state)
{
    for (struct holm_frozen *frozen = state->frozen; frozen != NULL; frozen = frozen->next)
        give_up(frozen);
}

void holm_frozen_begin(struct holm_state *state)
{
    for (struct holm_frozen *frozen = state->frozen; frozen != NULL; frozen = frozen->next) {
        if (frozen->broken || frozen->paused)
            continue;
        frozen->start.changes = frozen->change_count;
        frozen->start.arrivals = frozen->arrival_count;
        frozen->start.arena = holm_arena_mark(&frozen->arena);
        if (frozen->treeless || frozen->source.tree == &frozen->tree)
            continue;
        if (holm_tree_copy(&frozen->tree, &state->tree) == HOLM_OK)
            frozen->source.tree = &frozen->tree;
        else
            give_up(frozen);
    }
}

void holm_frozen_rollback(struct holm_state *state)
{
    for (struct holm_frozen *frozen = state->frozen; frozen != NULL; frozen = frozen->next) {
        if (frozen->broken || frozen->paused)
            continue;
        while (frozen->change_count > frozen->start.changes) {
            const struct holm_frozen_change *change = &frozen->changes[--frozen->change_count];
            frozen->buckets[bucket_of(change->hash)] = change->next;
            frozen->buckets[bucket_of_term(change->term)] = change->next_term;
        }
        frozen->arrival_count = frozen->start.arrivals;
        holm_arena_rewind(&frozen->arena, frozen->start.arena);
    }
}

static enum holm_status reserve(struct holm_frozen *frozen)
{
    const struct holm_allocator *allocator = &frozen->state->allocator;
    void *changes = frozen->changes;
    enum holm_status status = holm_array_reserve(allocator, &changes, &frozen->change_capacity,
                                                 sizeof *frozen->changes, frozen->change_count + 1);
    frozen->changes = changes;
    if (status != HOLM_OK || frozen->buckets != NULL)
        return status;
    frozen->buckets = holm_allocate(allocator, ALL_BUCKETS * sizeof *frozen->buckets);
    if (frozen->buckets == NULL)
        return HOLM_ENOMEM;
    memset(frozen->buckets, 0, ALL_BUCKETS * sizeof *frozen->buckets);
    return HOLM_OK;
}

/* The first change under this hash and term. Without room it is broken. */
static struct holm_frozen_change *add_change(struct holm_frozen *frozen, uint64_t hash,
                                             struct holm_digest term)
{
    if (find_change(frozen, hash, term) != NULL)
        return NULL;
    if (reserve(frozen) != HOLM_OK || holm_frozen_bytes(frozen) > frozen->bytes_max) {
        give_up(frozen);
        return NULL;
    }
    uint32_t *bucket = &frozen->buckets[bucket_of(hash)];
    uint32_t *of_term = &frozen->buckets[bucket_of_term(term)];
    struct holm_frozen_change *change = &frozen->changes[frozen->change_count++];
    *change = (struct holm_frozen_change){
        .hash = hash, .term = term, .next = *bucket, .next_term = *of_term};
    *bucket = *of_term = (uint32_t)frozen->change_count;
    return change;
}

static enum holm_status copy_item(struct holm_arena *arena, const struct holm_item *source,
                                  struct holm_item *item)
{
    *item = *source;
    enum holm_status status = holm_arena_copy(arena, source->key, &item->key);
    if (status == HOLM_OK)
        status = holm_arena_copy(arena, source->path, &item->path);
    if (status == HOLM_OK)
        status = holm_arena_copy(arena, source->sub, &item->sub);
    if (status == HOLM_OK && source->op == HOLM_ITEM_PUT && holm_type_has_bytes(source->value.type))
        status = holm_arena_copy(arena, source->value.as.bytes, &item->value.as.bytes);
    return status;
}

static void keep(struct holm_frozen *frozen, const struct holm_spot *spot,
                 const struct holm_cell *cell, struct holm_digest term)
{
    const struct holm_state *state = frozen->state;
    struct holm_frozen_change *change = add_change(frozen, spot->hash, term);
    if (change == NULL)
        return;
    struct holm_item shown;
    holm_cell_item(state, holm_spot_key(state, spot), cell, &shown);
    struct holm_item *item = holm_arena_take(&frozen->arena, sizeof *item);
    if (item == NULL || copy_item(&frozen->arena, &shown, item) != HOLM_OK) {
        give_up(frozen);
        return;
    }
    change->item = item;
    change->actor = cell->actor;
}

static bool hears(const struct holm_frozen *frozen, uint64_t hash)
{
    return !frozen->broken && !frozen->paused && hash >= frozen->passed;
}

void holm_frozen_goes(struct holm_state *state, const struct holm_spot *spot,
                      const struct holm_cell *cell, struct holm_digest term)
{
    for (struct holm_frozen *frozen = state->frozen; frozen != NULL; frozen = frozen->next) {
        if (hears(frozen, spot->hash) && was_there(frozen, cell))
            keep(frozen, spot, cell, term);
    }
}

static void note_arrival(struct holm_frozen *frozen, uint64_t hash)
{
    void *arrivals = frozen->arrivals;
    if (frozen->arrival_count > 0 && frozen->arrivals[frozen->arrival_count - 1] == hash)
        return;
    enum holm_status status = holm_array_reserve(
        &frozen->state->allocator, &arrivals, &frozen->arrival_capacity, sizeof *frozen->arrivals,
        frozen->arrival_count + 1);
    frozen->arrivals = arrivals;
    if (status != HOLM_OK || holm_frozen_bytes(frozen) > frozen->bytes_max) {
        give_up(frozen);
        return;
    }
    frozen->arrivals[frozen->arrival_count++] = hash;
}

void holm_frozen_came(struct holm_state *state, uint64_t hash, const struct holm_cell *cell,
                      struct holm_digest term)
{
    for (struct holm_frozen *frozen = state->frozen; frozen != NULL; frozen = frozen->next) {
        if (!hears(frozen, hash))
            continue;
        if (was_there(frozen, cell))
            (void)add_change(frozen, hash, term);
        else if (frozen->listening)
            note_arrival(frozen, hash);
    }
}
