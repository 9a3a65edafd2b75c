/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/plain.h"

#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

#include "crdt/actors.h"
#include "crdt/count.h"
#include "crdt/order.h"

static uint64_t key_hash(enum plain_spread spread, struct holm_bytes key)
{
    uint64_t hash = XXH3_64bits(key.data, key.size);
    if (spread == PLAIN_CHOSEN)
        return hash % 8 == 0 ? hash : 0x0123456789abcdefu;
    return spread == PLAIN_CLOSE ? UINT64_MAX - hash % 64 : hash;
}

static uint64_t source_hash(void *context, struct holm_bytes key)
{
    const struct plain *plain = context;
    return key_hash(plain->spread, key);
}

/* All that is in an item. */
static struct holm_digest term_of(const struct holm_reconcile_entry *entry)
{
    const struct holm_item *item = &entry->item;
    uint64_t parts[] = {item->op,
                        item->kind,
                        entry->actor.node.value,
                        entry->actor.epoch.value,
                        item->seq,
                        item->hlc,
                        item->count.start,
                        item->count.last,
                        (uint64_t)item->count.sum,
                        item->count.cancelled,
                        (uint64_t)item->count.cancelled_sum,
                        item->key.size,
                        item->path.size,
                        item->sub.size,
                        0,
                        0};
    if (item->op == HOLM_ITEM_PUT) {
        parts[14] = item->value.as.bytes.size;
        parts[15] = XXH3_64bits(item->value.as.bytes.data, item->value.as.bytes.size);
    }
    uint64_t names[3] = {XXH3_64bits(item->key.data, item->key.size),
                         XXH3_64bits(item->path.data, item->path.size),
                         XXH3_64bits(item->sub.data, item->sub.size)};
    XXH128_hash_t a = XXH3_128bits_withSeed(parts, sizeof parts, 1);
    XXH128_hash_t b = XXH3_128bits_withSeed(names, sizeof names, a.low64);
    return (struct holm_digest){a.low64 ^ b.high64, a.high64 ^ b.low64};
}

void plain_init(struct plain *plain, struct heap *heap, unsigned depth, enum plain_spread spread)
{
    memset(plain, 0, sizeof *plain);
    plain->heap = heap;
    plain->depth = depth;
    plain->spread = spread;
    struct holm_allocator allocator = heap_allocator(heap);
    assert_int_equal(holm_tree_init(&plain->tree, &allocator, depth), HOLM_OK);
}

void plain_release(struct plain *plain)
{
    struct holm_allocator allocator = heap_allocator(plain->heap);
    holm_tree_release(&plain->tree);
    holm_array_free(&allocator, plain->entries, plain->capacity, sizeof *plain->entries);
    plain->entries = NULL;
    plain->count = plain->capacity = 0;
}

void plain_copy(struct plain *target, const struct plain *source)
{
    plain_init(target, source->heap, source->depth, source->spread);
    struct holm_allocator allocator = heap_allocator(source->heap);
    void *entries = NULL;
    assert_int_equal(holm_array_reserve(&allocator, &entries, &target->capacity,
                                        sizeof *target->entries, source->count),
                     HOLM_OK);
    target->entries = entries;
    target->count = source->count;
    if (source->count > 0)
        memcpy(target->entries, source->entries, source->count * sizeof *source->entries);
    memcpy(target->seqs, source->seqs, sizeof target->seqs);
    holm_tree_release(&target->tree);
    assert_int_equal(holm_tree_copy(&target->tree, &source->tree), HOLM_OK);
}

static struct holm_actor actor_at(unsigned actor)
{
    return actor_of(10 + actor / 2, 1 + actor % 2);
}

static unsigned actor_number(struct holm_actor actor)
{
    for (unsigned i = 0; i < PLAIN_ACTORS; i++) {
        if (holm_actor_equal(actor, actor_at(i)))
            return i;
    }
    fail();
    return 0;
}

static uint64_t item_seq(const struct holm_item *item)
{
    return item->op == HOLM_ITEM_COUNT ? item->count.last : item->seq;
}

uint64_t plain_seq(const struct plain *plain, struct holm_actor actor)
{
    return plain->seqs[actor_number(actor)];
}

static void *keep(const void *bytes, size_t size)
{
    /* Lives as long as the program; reachable, so that no one calls it a leak. */
    struct kept {
        struct kept *next;
        unsigned char bytes[];
    };
    static struct kept *all;
    struct kept *made = malloc(sizeof *made + size + 1);
    assert_non_null(made);
    made->next = all;
    all = made;
    if (size > 0)
        memcpy(made->bytes, bytes, size);
    return made->bytes;
}

static struct holm_bytes keep_bytes(struct holm_bytes bytes)
{
    return holm_mem(keep(bytes.data, bytes.size), bytes.size);
}

static size_t first_behind(const struct plain *plain, uint64_t hash)
{
    size_t low = 0, high = plain->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (plain->entries[middle].hash <= hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add(struct plain *plain, struct holm_reconcile_entry entry)
{
    struct holm_allocator allocator = heap_allocator(plain->heap);
    void *entries = plain->entries;
    assert_int_equal(holm_array_reserve(&allocator, &entries, &plain->capacity,
                                        sizeof *plain->entries, plain->count + 1),
                     HOLM_OK);
    plain->entries = entries;
    entry.hash = key_hash(plain->spread, entry.item.key);
    entry.term = term_of(&entry);
    size_t at = first_behind(plain, entry.hash);
    memmove(&plain->entries[at + 1], &plain->entries[at],
            (plain->count - at) * sizeof *plain->entries);
    plain->entries[at] = entry;
    plain->count += 1;
    holm_tree_add(&plain->tree, entry.hash, entry.term);
}

void plain_remove(struct plain *plain, size_t at)
{
    holm_tree_subtract(&plain->tree, plain->entries[at].hash, plain->entries[at].term);
    plain->count -= 1;
    memmove(&plain->entries[at], &plain->entries[at + 1],
            (plain->count - at) * sizeof *plain->entries);
}

static bool same_key(const struct holm_reconcile_entry *entry, struct holm_bytes key)
{
    return holm_bytes_equal(entry->item.key, key);
}

static bool same_slot(const struct holm_item *a, const struct holm_item *b)
{
    return a->kind == b->kind && holm_bytes_equal(a->key, b->key) &&
           holm_bytes_equal(a->path, b->path) && holm_bytes_equal(a->sub, b->sub);
}

static bool buried(const struct plain *plain, struct holm_bytes key)
{
    uint64_t hash = key_hash(plain->spread, key);
    for (size_t i = first_behind(plain, hash); i-- > 0 && plain->entries[i].hash == hash;) {
        if (plain->entries[i].item.op == HOLM_ITEM_BURY && same_key(&plain->entries[i], key))
            return true;
    }
    return false;
}

static struct holm_reconcile_entry *find_dot(const struct plain *plain,
                                             const struct holm_reconcile_entry *like)
{
    for (size_t i = first_behind(plain, like->hash); i-- > 0;) {
        struct holm_reconcile_entry *entry = &plain->entries[i];
        if (entry->hash != like->hash)
            return NULL;
        if ((entry->item.op == HOLM_ITEM_COUNT) == (like->item.op == HOLM_ITEM_COUNT) &&
            holm_actor_equal(entry->actor, like->actor) &&
            item_seq(&entry->item) == item_seq(&like->item))
            return entry;
    }
    return NULL;
}

static struct holm_reconcile_entry *find_count(const struct plain *plain,
                                               const struct holm_reconcile_entry *like)
{
    for (size_t i = first_behind(plain, like->hash); i-- > 0;) {
        struct holm_reconcile_entry *entry = &plain->entries[i];
        if (entry->hash != like->hash)
            return NULL;
        if (entry->item.op == HOLM_ITEM_COUNT && same_slot(&entry->item, &like->item) &&
            holm_actor_equal(entry->actor, like->actor))
            return entry;
    }
    return NULL;
}

static void replace(struct plain *plain, struct holm_reconcile_entry *entry,
                    const struct holm_count *count)
{
    struct holm_reconcile_entry changed = *entry;
    changed.item.count = *count;
    plain_remove(plain, (size_t)(entry - plain->entries));
    add(plain, changed);
}

static void clear_key(struct plain *plain, struct holm_bytes key, bool tombstones)
{
    for (size_t i = plain->count; i-- > 0;) {
        if (same_key(&plain->entries[i], key) &&
            (tombstones || plain->entries[i].item.op != HOLM_ITEM_BURY))
            plain_remove(plain, i);
    }
}

static int compare_hashes(const void *a, const void *b)
{
    const struct holm_reconcile_entry *left = a, *right = b;
    return (left->hash > right->hash) - (left->hash < right->hash);
}

/* ---- operations ---------------------------------------------------------------------------- */

static struct holm_reconcile_entry entry_new(struct plain *plain, unsigned actor, const char *key,
                                             enum holm_item_op op, enum holm_kind kind)
{
    struct holm_reconcile_entry entry;
    memset(&entry, 0, sizeof entry);
    entry.actor = actor_at(actor);
    entry.item.op = (uint8_t)op;
    entry.item.kind = (uint8_t)kind;
    entry.item.key = keep_bytes(holm_str(key));
    entry.item.path = op == HOLM_ITEM_BURY ? holm_mem(NULL, 0) : holm_mem("\1v", 2);
    entry.item.seq = ++plain->seqs[actor];
    entry.hash = key_hash(plain->spread, entry.item.key);
    return entry;
}

void plain_put(struct plain *plain, unsigned actor, const char *key, struct holm_bytes value)
{
    if (buried(plain, holm_str(key)))
        return;
    struct holm_reconcile_entry entry = entry_new(plain, actor, key, HOLM_ITEM_PUT, HOLM_REGISTER);
    for (size_t i = plain->count; i-- > 0;) {
        if (same_slot(&plain->entries[i].item, &entry.item))
            plain_remove(plain, i);
    }
    entry.item.hlc = entry.item.seq * 1000 + actor;
    entry.item.value = holm_bytes_value(keep(value.data, value.size), value.size);
    add(plain, entry);
}

void plain_deliver_put(struct plain *plain, unsigned actor, uint64_t seq, const char *key)
{
    assert_int_equal(plain->seqs[actor], seq - 1);
    plain_put(plain, actor, key, holm_str("delivered"));
}

void plain_add_element(struct plain *plain, unsigned actor, const char *key, uint64_t element)
{
    if (buried(plain, holm_str(key)))
        return;
    struct holm_reconcile_entry entry = entry_new(plain, actor, key, HOLM_ITEM_PUT, HOLM_SET);
    entry.item.hlc = entry.item.seq * 1000 + actor;
    entry.item.sub = holm_mem(keep(&element, sizeof element), sizeof element);
    entry.item.value = holm_bytes_value(keep(NULL, 0), 0);
    add(plain, entry);
}

void plain_drop(struct plain *plain, unsigned actor, const char *key)
{
    plain->seqs[actor] += 1;
    for (size_t i = plain->count; i-- > 0;) {
        struct holm_reconcile_entry *entry = &plain->entries[i];
        if (!same_key(entry, holm_str(key)))
            continue;
        if (entry->item.op == HOLM_ITEM_PUT)
            plain_remove(plain, i);
    }
}

void plain_bury(struct plain *plain, unsigned actor, const char *key)
{
    if (buried(plain, holm_str(key)))
        return;
    struct holm_reconcile_entry entry = entry_new(plain, actor, key, HOLM_ITEM_BURY,
                                                  (enum holm_kind)0);
    clear_key(plain, entry.item.key, false);
    add(plain, entry);
}

void plain_increment(struct plain *plain, unsigned actor, const char *key, int64_t amount)
{
    if (buried(plain, holm_str(key)))
        return;
    struct holm_reconcile_entry entry = entry_new(plain, actor, key, HOLM_ITEM_COUNT, HOLM_COUNTER);
    uint64_t seq = entry.item.seq;
    entry.item.seq = 0;
    struct holm_reconcile_entry *old = find_count(plain, &entry);
    struct holm_count count;
    assert_int_equal(
        holm_count_increment(old == NULL ? NULL : &old->item.count, seq, amount, &count), HOLM_OK);
    entry.item.count = count;
    if (old == NULL)
        add(plain, entry);
    else
        replace(plain, old, &count);
}

void plain_reset(struct plain *plain, unsigned actor, const char *key)
{
    plain->seqs[actor] += 1;
    for (size_t i = 0; i < plain->count; i++) {
        struct holm_reconcile_entry *entry = &plain->entries[i];
        if (entry->item.op != HOLM_ITEM_COUNT || !same_key(entry, holm_str(key)))
            continue;
        struct holm_count count = holm_count_cancelled(&entry->item.count);
        if (holm_count_equal(&count, &entry->item.count))
            continue;
        replace(plain, entry, &count);
        i = SIZE_MAX; /* its place may have changed: from the start */
    }
}

void plain_fill(struct plain *plain, unsigned actor, uint64_t count, size_t value_bytes)
{
    struct holm_allocator allocator = heap_allocator(plain->heap);
    void *entries = plain->entries;
    assert_int_equal(holm_array_reserve(&allocator, &entries, &plain->capacity,
                                        sizeof *plain->entries, plain->count + count),
                     HOLM_OK);
    plain->entries = entries;
    unsigned char value[512] = {0};
    assert_true(value_bytes <= sizeof value);
    for (uint64_t i = 0; i < count; i++) {
        char key[32];
        (void)snprintf(key, sizeof key, "fill%08llu", (unsigned long long)i);
        struct holm_reconcile_entry entry = entry_new(plain, actor, key, HOLM_ITEM_PUT,
                                                      HOLM_REGISTER);
        memcpy(value, &i, sizeof i);
        entry.item.hlc = entry.item.seq * 1000 + actor;
        entry.item.value = holm_bytes_value(keep(value, value_bytes), value_bytes);
        entry.term = term_of(&entry);
        plain->entries[plain->count++] = entry;
        holm_tree_add(&plain->tree, entry.hash, entry.term);
    }
    qsort(plain->entries, plain->count, sizeof *plain->entries, compare_hashes);
}

void plain_rebuild(struct plain *plain)
{
    holm_tree_clear(&plain->tree);
    for (size_t i = 0; i < plain->count; i++)
        holm_tree_add(&plain->tree, plain->entries[i].hash, plain->entries[i].term);
}

/* ---- merging ------------------------------------------------------------------------------- */

static void merge_entry(struct plain *live, const struct holm_reconcile_entry *entry)
{
    if (entry->item.op == HOLM_ITEM_BURY) {
        clear_key(live, entry->item.key, false);
        if (find_dot(live, entry) == NULL)
            add(live, *entry);
        return;
    }
    if (buried(live, entry->item.key))
        return;
    bool covered = item_seq(&entry->item) <= plain_seq(live, entry->actor);
    if (entry->item.op == HOLM_ITEM_COUNT) {
        struct holm_reconcile_entry *own = find_count(live, entry);
        if (own != NULL) {
            struct holm_count count = own->item.count;
            holm_count_merge(&count, &entry->item.count);
            replace(live, own, &count);
        } else if (!covered) {
            add(live, *entry);
        }
        return;
    }
    if (find_dot(live, entry) == NULL && !covered)
        add(live, *entry);
}

void plain_bring(struct plain *live, const struct holm_reconcile_entry *entry)
{
    struct holm_reconcile_entry copy = *entry;
    copy.hash = key_hash(live->spread, entry->item.key);
    copy.item.key = keep_bytes(entry->item.key);
    copy.item.path = keep_bytes(entry->item.path);
    copy.item.sub = keep_bytes(entry->item.sub);
    if (entry->item.op == HOLM_ITEM_PUT)
        copy.item.value.as.bytes = keep_bytes(entry->item.value.as.bytes);
    merge_entry(live, &copy);
}

void plain_join(struct plain *live, const struct plain *source)
{
    for (unsigned i = 0; i < PLAIN_ACTORS; i++) {
        if (live->seqs[i] < source->seqs[i])
            live->seqs[i] = source->seqs[i];
    }
}

void plain_merge(struct plain *target, const struct plain *source)
{
    for (size_t i = target->count; i-- > 0;) {
        const struct holm_reconcile_entry *entry = &target->entries[i];
        bool covered = item_seq(&entry->item) <= plain_seq(source, entry->actor);
        bool there = entry->item.op == HOLM_ITEM_COUNT ? find_count(source, entry) != NULL
                                                       : find_dot(source, entry) != NULL;
        if (entry->item.op != HOLM_ITEM_BURY && covered && !there)
            plain_remove(target, i);
    }
    for (size_t i = 0; i < source->count; i++)
        merge_entry(target, &source->entries[i]);
    plain_join(target, source);
}

static void source_visit(void *context, uint64_t first, uint64_t last,
                         holm_reconcile_visitor *visitor, void *visitor_context)
{
    const struct plain *plain = context;
    size_t at = first == 0 ? 0 : first_behind(plain, first - 1);
    for (; at < plain->count && plain->entries[at].hash <= last; at++) {
        if (!visitor(visitor_context, &plain->entries[at]))
            return;
    }
}

const struct holm_reconcile_source *plain_freeze(struct plain *plain)
{
    size_t count = 0;
    for (unsigned i = 0; i < PLAIN_ACTORS; i++) {
        if (plain->seqs[i] > 0)
            plain->vector[count++] = (struct holm_dot){actor_at(i), plain->seqs[i]};
    }
    plain->source = (struct holm_reconcile_source){
        .context = plain,
        .tree = &plain->tree,
        .entries = plain->count,
        .vector = {plain->vector, count},
        .visit = source_visit,
        .hash = source_hash,
    };
    return &plain->source;
}

static int compare_entries(const void *a, const void *b)
{
    const struct holm_reconcile_entry *left = a, *right = b;
    if (left->term.low != right->term.low)
        return left->term.low < right->term.low ? -1 : 1;
    return (left->term.high > right->term.high) - (left->term.high < right->term.high);
}

bool plain_equal(const struct plain *a, const struct plain *b)
{
    if (a->count != b->count || memcmp(a->seqs, b->seqs, sizeof a->seqs) != 0)
        return false;
    if (!holm_digest_equal(holm_tree_total(&a->tree), holm_tree_total(&b->tree)))
        return false;
    struct plain copies[2];
    plain_copy(&copies[0], a);
    plain_copy(&copies[1], b);
    bool equal = true;
    for (unsigned i = 0; a->count > 0 && i < 2; i++)
        qsort(copies[i].entries, copies[i].count, sizeof *copies[i].entries, compare_entries);
    for (size_t i = 0; i < a->count; i++) {
        const struct holm_reconcile_entry *x = &copies[0].entries[i], *y = &copies[1].entries[i];
        equal = equal && holm_actor_equal(x->actor, y->actor) && x->item.op == y->item.op &&
                item_seq(&x->item) == item_seq(&y->item) && same_slot(&x->item, &y->item) &&
                holm_count_equal(&x->item.count, &y->item.count) &&
                holm_digest_equal(term_of(x), term_of(y));
    }
    plain_release(&copies[0]);
    plain_release(&copies[1]);
    return equal;
}
