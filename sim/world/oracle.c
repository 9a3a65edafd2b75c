/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/oracle.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "sim/world/oracle_parts.h"

/* ---- memory --------------------------------------------------------------------------------- */

void *holm_oracle_room(void *array, size_t *capacity, size_t count, size_t element_bytes)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity == 0 ? 16 : 2 * *capacity;
    void *grown = realloc(array, wanted * element_bytes);
    HOLM_ASSERT(grown != NULL);
    *capacity = wanted;
    return grown;
}

void *holm_oracle_keep(struct holm_oracle *oracle, const void *bytes, size_t size)
{
    size_t taken = (size + 7) & ~(size_t)7;
    struct holm_oracle_block *block = oracle->blocks;
    if (block == NULL || block->used + taken > sizeof block->bytes) {
        size_t extra = taken > sizeof block->bytes ? taken - sizeof block->bytes : 0;
        block = malloc(sizeof *block + extra);
        HOLM_ASSERT(block != NULL);
        block->used = 0;
        block->next = oracle->blocks;
        oracle->blocks = block;
    }
    void *kept = block->bytes + block->used;
    block->used += taken;
    if (size > 0)
        memcpy(kept, bytes, size);
    return kept;
}

struct holm_oracle *holm_oracle_new(void)
{
    struct holm_oracle *oracle = calloc(1, sizeof *oracle);
    HOLM_ASSERT(oracle != NULL);
    return oracle;
}

void holm_oracle_free(struct holm_oracle *oracle)
{
    if (oracle == NULL)
        return;
    for (size_t i = 0; i < oracle->actor_count; i++)
        free(oracle->actors[i].ops);
    while (oracle->blocks != NULL) {
        struct holm_oracle_block *next = oracle->blocks->next;
        free(oracle->blocks);
        oracle->blocks = next;
    }
    free(oracle->ops);
    free(oracle->actors);
    free(oracle->keys);
    free(oracle->kills);
    free(oracle->buckets);
    free(oracle->actor_buckets);
    free(oracle);
}

/* ---- numbers -------------------------------------------------------------------------------- */

static uint64_t actor_hash(struct holm_actor actor)
{
    uint64_t words[2] = {actor.node.value, actor.epoch.value};
    return XXH3_64bits(words, sizeof words);
}

/* A table of numbers + 1, kept at most half full. */
static uint32_t *larger(uint32_t *buckets, size_t *bucket_count)
{
    free(buckets);
    *bucket_count = *bucket_count == 0 ? 64 : 2 * *bucket_count;
    uint32_t *made = calloc(*bucket_count, sizeof *made);
    HOLM_ASSERT(made != NULL);
    return made;
}

static void enter(uint32_t *buckets, size_t bucket_count, uint64_t hash, uint32_t number)
{
    size_t at = hash & (bucket_count - 1);
    while (buckets[at] != 0)
        at = (at + 1) & (bucket_count - 1);
    buckets[at] = number + 1;
}

uint32_t holm_oracle_actor_find(const struct holm_oracle *oracle, struct holm_actor actor)
{
    if (oracle->actor_bucket_count == 0)
        return HOLM_ORACLE_NONE;
    size_t mask = oracle->actor_bucket_count - 1;
    for (size_t at = actor_hash(actor) & mask; oracle->actor_buckets[at] != 0; at = (at + 1) & mask)
        if (holm_actor_equal(oracle->actors[oracle->actor_buckets[at] - 1].actor, actor))
            return oracle->actor_buckets[at] - 1;
    return HOLM_ORACLE_NONE;
}

uint32_t holm_oracle_actor_number(struct holm_oracle *oracle, struct holm_actor actor)
{
    uint32_t found = holm_oracle_actor_find(oracle, actor);
    if (found != HOLM_ORACLE_NONE)
        return found;
    oracle->actors = holm_oracle_room(oracle->actors, &oracle->actor_capacity, oracle->actor_count,
                                      sizeof *oracle->actors);
    oracle->actors[oracle->actor_count] = (struct holm_oracle_actor){.actor = actor};
    uint32_t number = (uint32_t)oracle->actor_count++;
    if (2 * oracle->actor_count > oracle->actor_bucket_count) {
        oracle->actor_buckets = larger(oracle->actor_buckets, &oracle->actor_bucket_count);
        for (uint32_t i = 0; i < number; i++)
            enter(oracle->actor_buckets, oracle->actor_bucket_count,
                  actor_hash(oracle->actors[i].actor), i);
    }
    enter(oracle->actor_buckets, oracle->actor_bucket_count, actor_hash(actor), number);
    return number;
}

uint32_t holm_oracle_key_find(const struct holm_oracle *oracle, struct holm_bytes key)
{
    size_t mask = oracle->bucket_count - 1;
    for (size_t at = XXH3_64bits(key.data, key.size) & mask;
         oracle->bucket_count > 0 && oracle->buckets[at] != 0; at = (at + 1) & mask)
        if (holm_bytes_equal(oracle->keys[oracle->buckets[at] - 1].bytes, key))
            return oracle->buckets[at] - 1;
    return HOLM_ORACLE_NONE;
}

uint32_t holm_oracle_key_number(struct holm_oracle *oracle, struct holm_bytes key)
{
    uint64_t hash = XXH3_64bits(key.data, key.size);
    uint32_t found = holm_oracle_key_find(oracle, key);
    if (found != HOLM_ORACLE_NONE)
        return found;
    oracle->keys = holm_oracle_room(oracle->keys, &oracle->key_capacity, oracle->key_count,
                                    sizeof *oracle->keys);
    uint32_t number = (uint32_t)oracle->key_count++;
    void *bytes = holm_oracle_keep(oracle, key.data, key.size);
    oracle->keys[number] = (struct holm_oracle_key){
        .bytes = holm_mem(bytes, key.size), .first = HOLM_ORACLE_NONE, .last = HOLM_ORACLE_NONE};
    if (2 * oracle->key_count > oracle->bucket_count) {
        oracle->buckets = larger(oracle->buckets, &oracle->bucket_count);
        for (uint32_t i = 0; i < number; i++)
            enter(oracle->buckets, oracle->bucket_count,
                  XXH3_64bits(oracle->keys[i].bytes.data, oracle->keys[i].bytes.size), i);
    }
    enter(oracle->buckets, oracle->bucket_count, hash, number);
    return number;
}

/* ---- looking -------------------------------------------------------------------------------- */

size_t holm_oracle_count(const struct holm_oracle *oracle)
{
    return oracle->count;
}

struct holm_oracle_op *holm_oracle_op(const struct holm_oracle *oracle, uint32_t number)
{
    HOLM_ASSERT(number < oracle->count);
    return &oracle->ops[number];
}

size_t holm_oracle_actors(const struct holm_oracle *oracle)
{
    return oracle->actor_count;
}

struct holm_actor holm_oracle_actor(const struct holm_oracle *oracle, uint32_t number)
{
    HOLM_ASSERT(number < oracle->actor_count);
    return oracle->actors[number].actor;
}

uint64_t holm_oracle_last(const struct holm_oracle *oracle, uint32_t actor)
{
    HOLM_ASSERT(actor < oracle->actor_count);
    return oracle->actors[actor].count;
}

uint32_t holm_oracle_find(const struct holm_oracle *oracle, struct holm_dot dot)
{
    uint32_t actor = holm_oracle_actor_find(oracle, dot.actor);
    if (actor == HOLM_ORACLE_NONE || dot.seq == 0 || dot.seq > oracle->actors[actor].count)
        return HOLM_ORACLE_NONE;
    return oracle->actors[actor].ops[dot.seq - 1];
}

struct holm_bytes holm_oracle_key(const struct holm_oracle *oracle, uint32_t key)
{
    HOLM_ASSERT(key < oracle->key_count);
    return oracle->keys[key].bytes;
}

void holm_oracle_view_release(struct holm_oracle_view *view)
{
    free(view->seqs);
    *view = (struct holm_oracle_view){NULL, 0, 0};
}

static void view_widen(struct holm_oracle_view *view, size_t count)
{
    if (count > view->capacity) {
        size_t capacity = count + 16;
        view->seqs = realloc(view->seqs, capacity * sizeof *view->seqs);
        HOLM_ASSERT(view->seqs != NULL);
        view->capacity = capacity;
    }
    for (size_t i = view->count; i < count; i++)
        view->seqs[i] = 0;
    if (count > view->count)
        view->count = count;
}

size_t holm_oracle_view_set(const struct holm_oracle *oracle, struct holm_oracle_view *view,
                            struct holm_vector_view vector)
{
    size_t unknown = 0;
    view->count = 0;
    view_widen(view, oracle->actor_count);
    for (size_t i = 0; i < vector.count; i++) {
        uint32_t actor = holm_oracle_actor_find(oracle, vector.entries[i].actor);
        if (actor == HOLM_ORACLE_NONE)
            unknown++;
        else
            view->seqs[actor] = vector.entries[i].seq;
    }
    return unknown;
}

void holm_oracle_view_join(struct holm_oracle_view *view, const struct holm_oracle_view *other)
{
    view_widen(view, other->count);
    for (size_t i = 0; i < other->count; i++)
        if (view->seqs[i] < other->seqs[i])
            view->seqs[i] = other->seqs[i];
}

uint64_t holm_oracle_view_seq(const struct holm_oracle_view *view, uint32_t actor)
{
    return actor < view->count ? view->seqs[actor] : 0;
}

bool holm_oracle_covers(const struct holm_oracle_view *view, const struct holm_oracle_op *op)
{
    return op->seq <= holm_oracle_view_seq(view, op->actor);
}

/* Whether the writer of the one had seen the other. */
static bool had_seen(const struct holm_oracle_op *op, const struct holm_oracle_op *other)
{
    return other->actor < op->past_count && other->seq <= op->past[other->actor];
}

static uint32_t burial(const struct holm_oracle *oracle, const struct holm_oracle_view *view,
                       const struct holm_oracle_op *op)
{
    const struct holm_oracle_key *key = &oracle->keys[op->key];
    if (key->buries == 0)
        return HOLM_ORACLE_NONE;
    for (uint32_t i = key->first; i != HOLM_ORACLE_NONE; i = oracle->ops[i].next_of_key)
        if (oracle->ops[i].effect == HOLM_ORACLE_BURY &&
            holm_oracle_covers(view, &oracle->ops[i]) && !had_seen(op, &oracle->ops[i]))
            return i;
    return HOLM_ORACLE_NONE;
}

uint32_t holm_oracle_killer(const struct holm_oracle *oracle, const struct holm_oracle_view *view,
                            uint32_t number)
{
    const struct holm_oracle_op *op = holm_oracle_op(oracle, number);
    for (uint32_t i = op->killers; i != HOLM_ORACLE_NONE; i = oracle->kills[i].next)
        if (holm_oracle_covers(view, &oracle->ops[oracle->kills[i].killer]))
            return oracle->kills[i].killer;
    return burial(oracle, view, op);
}

bool holm_oracle_live(const struct holm_oracle *oracle, const struct holm_oracle_view *view,
                      uint32_t number)
{
    const struct holm_oracle_op *op = holm_oracle_op(oracle, number);
    return op->effect == HOLM_ORACLE_PUT && holm_oracle_covers(view, op) &&
           holm_oracle_killer(oracle, view, number) == HOLM_ORACLE_NONE;
}

/* ---- counters ------------------------------------------------------------------------------- */

static bool is_of_share(const struct holm_oracle *oracle, uint32_t number, struct holm_bytes path,
                        struct holm_node_id node)
{
    const struct holm_oracle_op *op = &oracle->ops[number];
    return op->effect == HOLM_ORACLE_PUT && op->kind == HOLM_COUNTER &&
           oracle->actors[op->actor].actor.node.value == node.value &&
           holm_bytes_equal(op->path, path);
}

bool holm_oracle_share(const struct holm_oracle *oracle, const struct holm_oracle_view *view,
                       uint32_t key, struct holm_bytes path, struct holm_node_id node, int64_t *sum)
{
    bool lives = false;
    *sum = 0;
    HOLM_ASSERT(key < oracle->key_count);
    for (uint32_t i = oracle->keys[key].first; i != HOLM_ORACLE_NONE;
         i = oracle->ops[i].next_of_key) {
        if (!is_of_share(oracle, i, path, node) || !holm_oracle_live(oracle, view, i))
            continue;
        *sum += oracle->ops[i].value.as.i64;
        lives = true;
    }
    return lives;
}

size_t holm_oracle_shares(const struct holm_oracle *oracle, const struct holm_oracle_view *view)
{
    size_t count = 0;
    for (uint32_t number = 0; number < oracle->count; number++) {
        const struct holm_oracle_op *op = &oracle->ops[number];
        struct holm_node_id node = oracle->actors[op->actor].actor.node;
        if (!is_of_share(oracle, number, op->path, node) || !holm_oracle_live(oracle, view, number))
            continue;
        /* Counted at the first of the share that lives. */
        bool first = true;
        for (uint32_t i = oracle->keys[op->key].first; first && i != number;
             i = oracle->ops[i].next_of_key)
            first = !is_of_share(oracle, i, op->path, node) || !holm_oracle_live(oracle, view, i);
        count += first;
    }
    return count;
}
