/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state against a plain list of its cells, through transactions drawn from a seed: cells come, are
 * replaced and go, small and large, siblings, elements, counters of many actors, tombstones, in few
 * records, so that these grow into segments and shrink again. Memory is refused now and then, and
 * some transactions are taken back for no reason.
 *
 *     always  the state holds exactly the cells of the list, in the order of the list
 *             after a roll-back digests, figures, paths and blocks are as they were at begin
 *             a spot is, after a change through it, where the header says
 *
 * A failing seed is printed: run it alone with HOLM_STORM_SEED=N.
 */
#include "crdt/state.h"

#include "crdt/order.h"
#include "crdt/path.h"
#include "tests/unit/core.h"

#include <stdio.h>
#include <stdlib.h>

#define SEEDS 8
#define TRANSACTIONS 400
#define ACTORS 40
#define KEYS 7
#define CELLS_MAX 3000
#define NOISE_BYTES 40000

/* A cell of the list. Paths and elements are numbers here, bytes of values a part of the noise. */
struct entry {
    unsigned key, path, sub;
    struct holm_cell cell; /* path, sub: not set */
};

struct list {
    struct entry entries[CELLS_MAX];
    size_t count;
};

struct storm {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_actors actors;
    struct holm_state state;
    struct chance chance;
    struct list now, before;
    uint64_t seq;
    bool growing;
};

static const char *const paths[] = {"", "\1a", "\1a\1b", "\1a\2bb", "\1b", "\3abc"};
static const uint16_t sub_sizes[] = {0, 1, 2, 5, 254, 255, 256, 900, 2100};
static unsigned char noise[NOISE_BYTES];

#define PATHS (sizeof paths / sizeof paths[0])
#define SUBS 300

static uint64_t draw(struct storm *storm, uint64_t below)
{
    return chance_below(&storm->chance, below);
}

/* Elements of one length differ in their first bytes. */
static struct holm_bytes sub_of(unsigned number)
{
    size_t size = sub_sizes[number % (sizeof sub_sizes / sizeof sub_sizes[0])];
    return holm_mem(noise + number, size);
}

static struct holm_key key_of(const struct storm *storm, unsigned number)
{
    /* One short, one as long as can be, and some between. */
    size_t size = number == 0 ? 1 : number == 1 ? HOLM_KEY_BYTES_MAX : number * 9;
    return holm_state_key(&storm->state, holm_mem(noise + (size_t)1000 * number, size));
}

/* ---- the list */

static int order_of(const struct entry *a, const struct entry *b)
{
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    int order = holm_bytes_compare(holm_str(paths[a->path]), holm_str(paths[b->path]));
    if (order == 0)
        order = (int)a->cell.kind - (int)b->cell.kind;
    if (order == 0)
        order = holm_bytes_compare(sub_of(a->sub), sub_of(b->sub));
    return order;
}

/* Whether a is read before b, of the same slot: as the header of the state says. */
static bool is_before(const struct storm *storm, const struct holm_cell *a,
                      const struct holm_cell *b)
{
    if (a->kind == HOLM_COUNTER || a->kind == HOLM_KIND_TOMBSTONE)
        return a->actor < b->actor || (a->actor == b->actor && a->seq < b->seq);
    int order = a->kind == HOLM_MAX   ? holm_value_compare(&b->value, &a->value)
                : a->kind == HOLM_MIN ? holm_value_compare(&a->value, &b->value)
                                      : 0;
    if (order != 0)
        return order < 0;
    if (a->hlc != b->hlc)
        return a->hlc > b->hlc;
    uint64_t left = storm->actors.rows[a->actor].actor.node.value;
    uint64_t right = storm->actors.rows[b->actor].actor.node.value;
    return left != right ? left > right : a->seq > b->seq;
}

static size_t add_entry(struct storm *storm, const struct entry *entry)
{
    struct list *list = &storm->now;
    size_t at = list->count;
    assert_true(list->count < CELLS_MAX);
    while (at > 0) {
        const struct entry *before = &list->entries[at - 1];
        int order = order_of(before, entry);
        if (order < 0 || (order == 0 && is_before(storm, &before->cell, &entry->cell)))
            break;
        at--;
    }
    memmove(&list->entries[at + 1], &list->entries[at],
            (list->count - at) * sizeof list->entries[0]);
    list->entries[at] = *entry;
    list->count++;
    return at;
}

static void drop_entry(struct storm *storm, size_t at)
{
    struct list *list = &storm->now;
    list->count--;
    memmove(&list->entries[at], &list->entries[at + 1],
            (list->count - at) * sizeof list->entries[0]);
}

static bool is_buried(const struct storm *storm, unsigned key)
{
    for (size_t i = 0; i < storm->now.count; i++)
        if (storm->now.entries[i].key == key)
            return storm->now.entries[i].cell.kind == HOLM_KIND_TOMBSTONE;
    return false;
}

/* ---- comparing */

static void assert_cell(const struct storm *storm, const struct holm_cell *cell,
                        const struct entry *entry)
{
    const struct holm_cell *expected = &entry->cell;
    assert_int_equal(cell->kind, expected->kind);
    assert_int_equal(cell->actor, expected->actor);
    assert_true(cell->seq == expected->seq);
    assert_true(holm_bytes_equal(holm_names_path(&storm->state.names, cell->path),
                                 holm_str(paths[entry->path])));
    assert_true(holm_bytes_equal(cell->sub, sub_of(entry->sub)));
    if (cell->kind == HOLM_COUNTER) {
        assert_true(holm_count_equal(&cell->count, &expected->count));
    } else if (cell->kind != HOLM_KIND_TOMBSTONE) {
        assert_true(cell->hlc == expected->hlc);
        assert_int_equal(holm_value_compare(&cell->value, &expected->value), 0);
    }
}

/* The spot is at this entry, or at the record's end when the entry is of another record. */
static void assert_spot(struct storm *storm, struct holm_spot spot, unsigned key, size_t at)
{
    struct holm_cell cell;
    bool found = holm_spot_cell(&storm->state, &spot, &cell);
    bool expected = at < storm->now.count && storm->now.entries[at].key == key;
    assert_int_equal(found, expected);
    if (found)
        assert_cell(storm, &cell, &storm->now.entries[at]);
}

/* Outside of a transaction there are no records without cells. */
static void compare(struct storm *storm)
{
    size_t at = 0;
    for (unsigned key = 0; key < KEYS; key++) {
        struct holm_key hashed = key_of(storm, key);
        struct holm_spot spot;
        struct holm_cell cell;
        bool found = holm_state_find(&storm->state, &hashed, &spot);
        bool expected = at < storm->now.count && storm->now.entries[at].key == key;
        assert_int_equal(found, expected);
        for (; found && holm_spot_cell(&storm->state, &spot, &cell); at++) {
            assert_spot(storm, spot, key, at);
            holm_spot_next(&storm->state, &spot);
        }
    }
    assert_int_equal(at, storm->now.count);
    holm_state_check(&storm->state);
}

/* ---- changes */

static struct holm_value draw_value(struct storm *storm)
{
    static const uint16_t sizes[] = {0, 3, 20, 254, 255, 256, 1000, 2000, 2100, 9000};
    size_t size = sizes[draw(storm, draw(storm, 4) > 0 ? 3 : sizeof sizes / sizeof sizes[0])];
    switch (draw(storm, 6)) {
    case 0:
        return holm_i64((int64_t)draw(storm, 9) - 4);
    case 1:
        return holm_double((double)draw(storm, 5) / 2 - 1);
    case 2:
        return holm_value_of(HOLM_NONE);
    case 3: { /* a type of a newer version */
        struct holm_value value = holm_bytes_value(noise + draw(storm, 30000), size);
        value.type = (enum holm_type)200;
        return value;
    }
    default:
        return holm_bytes_value(noise + draw(storm, 30000), size);
    }
}

/* A cell of a slot that often has some already. */
static struct entry draw_entry(struct storm *storm, unsigned key)
{
    static const uint8_t kinds[] = {HOLM_REGISTER, HOLM_SET, HOLM_SET, HOLM_SET,     HOLM_SET,
                                    HOLM_FLAG,     HOLM_MAX, HOLM_MIN, HOLM_COUNTER, 99};
    struct entry entry = {.key = key, .path = (unsigned)draw(storm, PATHS)};
    struct holm_cell *cell = &entry.cell;
    cell->kind = kinds[draw(storm, sizeof kinds)];
    cell->actor = (uint32_t)draw(storm, ACTORS);
    cell->seq = ++storm->seq;
    if (cell->kind == HOLM_SET || cell->kind > HOLM_MIN)
        entry.sub = (unsigned)draw(storm, SUBS);
    if (cell->kind == HOLM_COUNTER) {
        bool reset = draw(storm, 3) == 0;
        cell->count = (struct holm_count){.start = 1 + draw(storm, cell->seq),
                                          .last = cell->seq,
                                          .sum = (int64_t)draw(storm, 100) - 50,
                                          .cancelled = reset ? 1 + draw(storm, cell->seq) : 0,
                                          .cancelled_sum = reset ? 7 : 0};
    } else {
        cell->hlc = 1 + draw(storm, 60);
        cell->value = draw_value(storm);
    }
    return entry;
}

/* The entry as a cell of the state. */
static enum holm_status cell_of(struct storm *storm, const struct entry *entry,
                                struct holm_cell *cell)
{
    *cell = entry->cell;
    cell->sub = sub_of(entry->sub);
    return holm_state_path(&storm->state, holm_str(paths[entry->path]), &cell->path);
}

/* A counter's actor has one entry; elsewhere siblings are of any actor. */
static bool find_entry(const struct storm *storm, const struct entry *like, size_t *at)
{
    size_t found = 0;
    for (size_t i = 0; i < storm->now.count; i++) {
        const struct entry *entry = &storm->now.entries[i];
        if (order_of(entry, like) != 0 ||
            (like->cell.kind == HOLM_COUNTER && entry->cell.actor != like->cell.actor))
            continue;
        *at = i;
        found++;
    }
    return found == 1;
}

static enum holm_status put(struct storm *storm, unsigned key)
{
    struct entry entry = draw_entry(storm, key);
    struct holm_key hashed = key_of(storm, key);
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_cell old;
    size_t at;
    bool replaces = find_entry(storm, &entry, &at) &&
                    (entry.cell.kind == HOLM_COUNTER || draw(storm, 3) > 0);
    enum holm_status status = holm_state_ensure(&storm->state, &hashed, &spot);
    if (status == HOLM_OK)
        status = cell_of(storm, &entry, &cell);
    if (status != HOLM_OK)
        return status;
    if (replaces) {
        struct holm_slot slot = holm_cell_slot(&cell);
        slot.actor = cell.kind == HOLM_COUNTER ? cell.actor : HOLM_ACTOR_NONE;
        assert_true(holm_spot_seek(&storm->state, &spot, &slot));
        assert_true(holm_spot_cell(&storm->state, &spot, &old));
        assert_true(cell.kind == HOLM_COUNTER || holm_spot_is_last(&storm->state, &spot, &slot));
        status = holm_spot_replace(&storm->state, &spot, &old, &cell);
        if (status == HOLM_OK)
            drop_entry(storm, at);
    } else {
        status = holm_spot_insert(&storm->state, &spot, &cell);
    }
    if (status == HOLM_OK)
        assert_spot(storm, spot, key, add_entry(storm, &entry));
    return status;
}

/* The record's range of entries. */
static size_t range_of(const struct storm *storm, unsigned key, size_t *first)
{
    size_t count = 0;
    for (size_t i = 0; i < storm->now.count; i++) {
        if (storm->now.entries[i].key != key)
            continue;
        *first = count == 0 ? i : *first;
        count++;
    }
    return count;
}

/* Takes some cells in a row away. */
static enum holm_status erase(struct storm *storm, unsigned key)
{
    size_t first = 0;
    size_t count = range_of(storm, key, &first);
    if (count == 0)
        return HOLM_OK;
    size_t skip = draw(storm, count);
    size_t most = draw(storm, storm->growing ? 100 : 12) == 0 ? count : 3;
    struct holm_key hashed = key_of(storm, key);
    struct holm_spot spot;
    struct holm_cell cell;
    assert_true(holm_state_find(&storm->state, &hashed, &spot));
    for (size_t i = 0; i < skip && holm_spot_cell(&storm->state, &spot, &cell); i++)
        holm_spot_next(&storm->state, &spot);
    for (size_t left = 1 + draw(storm, most); left > 0 && skip < count; left--, count--) {
        enum holm_status status = is_buried(storm, key) ? holm_state_exhume(&storm->state, &spot)
                                                        : holm_spot_erase(&storm->state, &spot);
        if (status != HOLM_OK)
            return status;
        drop_entry(storm, first + skip);
        assert_spot(storm, spot, key, first + skip);
    }
    return HOLM_OK;
}

/* Takes away what lies at and below a path. */
static enum holm_status erase_path(struct storm *storm, unsigned key)
{
    size_t first = 0;
    size_t count = range_of(storm, key, &first);
    struct holm_bytes path = holm_str(paths[draw(storm, PATHS)]);
    struct holm_key hashed = key_of(storm, key);
    struct holm_spot spot;
    struct holm_cell cell;
    if (count == 0 || !holm_state_find(&storm->state, &hashed, &spot))
        return HOLM_OK;
    holm_spot_seek_path(&storm->state, &spot, path);
    while (holm_spot_cell(&storm->state, &spot, &cell) &&
           holm_path_covers(path, holm_names_path(&storm->state.names, cell.path))) {
        if (holm_spot_erase(&storm->state, &spot) != HOLM_OK)
            return HOLM_ENOMEM;
    }
    for (size_t i = first + count; i-- > first;) {
        if (holm_path_covers(path, holm_str(paths[storm->now.entries[i].path])))
            drop_entry(storm, i);
    }
    return HOLM_OK;
}

static enum holm_status bury(struct storm *storm, unsigned key)
{
    struct entry grave = {.key = key,
                          .cell = {.kind = HOLM_KIND_TOMBSTONE,
                                   .actor = (uint32_t)draw(storm, ACTORS),
                                   .seq = 1 + draw(storm, ++storm->seq)}};
    struct holm_key hashed = key_of(storm, key);
    struct holm_spot spot;
    enum holm_status status = holm_state_ensure(&storm->state, &hashed, &spot);
    if (status == HOLM_OK)
        status = holm_state_bury(&storm->state, &spot, grave.cell.actor, grave.cell.seq);
    if (status != HOLM_OK)
        return status;
    bool known = false;
    for (size_t i = storm->now.count; i-- > 0;) {
        const struct entry *entry = &storm->now.entries[i];
        if (entry->key != key)
            continue;
        if (entry->cell.kind != HOLM_KIND_TOMBSTONE)
            drop_entry(storm, i);
        else
            known = known ||
                    (entry->cell.actor == grave.cell.actor && entry->cell.seq == grave.cell.seq);
    }
    if (!known)
        (void)add_entry(storm, &grave);
    return HOLM_OK;
}

/* Marks are set in the middle of a transaction, as a merge does. */
static void mark_some(struct storm *storm)
{
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(&storm->state, 0, UINT64_MAX);
    while (holm_walk_next(&storm->state, &walk, &spot)) {
        for (; holm_spot_cell(&storm->state, &spot, &cell); holm_spot_next(&storm->state, &spot))
            if (draw(storm, 4) == 0)
                holm_spot_mark(&storm->state, &spot, !cell.marked);
    }
}

static void unmark_all(struct storm *storm)
{
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(&storm->state, 0, UINT64_MAX);
    while (holm_walk_next(&storm->state, &walk, &spot)) {
        for (; holm_spot_cell(&storm->state, &spot, &cell); holm_spot_next(&storm->state, &spot))
            holm_spot_mark(&storm->state, &spot, false);
    }
}

static enum holm_status change(struct storm *storm)
{
    /* Most of it happens to one record. */
    unsigned key = draw(storm, 2) == 0 ? 2 : (unsigned)draw(storm, KEYS);
    bool full = storm->now.count > CELLS_MAX - 300;
    uint64_t what = draw(storm, 1000);
    uint64_t erased = full || !storm->growing ? 600 : 100;
    if (key == 2 && what < 10 && draw(storm, 10) > 0)
        what = 10;
    if (what < 3)
        return bury(storm, key);
    if (what < 8 && !is_buried(storm, key))
        return erase_path(storm, key);
    if (what < 10)
        mark_some(storm);
    if (is_buried(storm, key))
        return what < 300 ? bury(storm, key) : erase(storm, key);
    return what < erased ? erase(storm, key) : put(storm, key);
}

/* ---- transactions */

struct figures {
    struct holm_digest digest, transfer;
    size_t records, present, tombstones, cells, paths, used;
};

static struct figures figures_of(const struct holm_state *state)
{
    struct figures figures;
    memset(&figures, 0, sizeof figures);
    figures.digest = state->digest;
    figures.transfer = holm_tree_total(&state->tree);
    figures.records = state->record_count;
    figures.present = state->present;
    figures.tombstones = state->tombstones;
    figures.cells = state->cells;
    figures.paths = state->names.live;
    figures.used = state->heap.used;
    return figures;
}

static void transact(struct storm *storm)
{
    struct figures figures = figures_of(&storm->state);
    enum holm_status status = HOLM_OK;
    uint64_t changes = 1 + draw(storm, draw(storm, 8) == 0 ? 250 : 12);
    bool refused = draw(storm, 3) == 0;
    storm->before = storm->now;
    storm->heap.calls = 0;
    storm->heap.fail_once = draw(storm, 2) == 0;
    storm->heap.fail_at = refused ? 1 + draw(storm, changes * 2) : 0;
    holm_state_begin(&storm->state);
    while (status == HOLM_OK && changes-- > 0)
        status = change(storm);
    if (status == HOLM_OK && draw(storm, 5) > 0) {
        holm_state_commit(&storm->state);
        storm->heap.fail_at = 0;
    } else {
        holm_state_rollback(&storm->state);
        storm->heap.fail_at = 0;
        storm->now = storm->before;
        struct figures after = figures_of(&storm->state);
        assert_memory_equal(&after, &figures, sizeof figures);
    }
    unmark_all(storm);
    compare(storm);
}

static void open(struct storm *storm, uint64_t seed)
{
    uint32_t index;
    memset(storm, 0, sizeof *storm);
    storm->chance.state = seed;
    for (size_t i = 0; i < NOISE_BYTES; i++)
        noise[i] = (unsigned char)(i < 4 ? i : chance_next(&storm->chance));
    storm->allocator = heap_allocator(&storm->heap);
    holm_actors_init(&storm->actors, &storm->allocator, 1, ACTORS);
    for (uint64_t node = ACTORS; node > 0; node--)
        assert_int_equal(holm_actors_intern(&storm->actors, actor_of(node, 1), &index), HOLM_OK);
    assert_int_equal(holm_state_init(&storm->state, &storm->allocator, &storm->actors, seed),
                     HOLM_OK);
    if (seed % 2 == 0)
        holm_state_keep_order(&storm->state);
}

static void ride_out(uint64_t seed)
{
    struct storm *storm = malloc(sizeof *storm);
    assert_non_null(storm);
    open(storm, seed);
    for (int i = 0; i < TRANSACTIONS; i++) {
        storm->growing = i % 100 < 60;
        transact(storm);
    }
    holm_state_release(&storm->state);
    holm_actors_release(&storm->actors);
    assert_int_equal(storm->heap.blocks, 0);
    free(storm);
}

static uint64_t number(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static void test_state_when_changed_at_random_then_it_is_what_the_list_is(void **state)
{
    (void)state;
    uint64_t first = number("HOLM_STORM_SEED", 1);
    uint64_t count = getenv("HOLM_STORM_SEED") != NULL ? 1
                     : getenv("HOLM_SOAK") != NULL     ? number("HOLM_SOAK_SEEDS", 2000)
                                                       : SEEDS;
    for (uint64_t seed = first; seed < first + count; seed++) {
        char line[64];
        /* Only of a seed that fails is the line ever seen: each one writes over the last. */
        snprintf(line, sizeof line, "storm: HOLM_STORM_SEED=%llu\r", (unsigned long long)seed);
        fputs(line, stderr);
        ride_out(seed);
    }
    fputc('\n', stderr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_state_when_changed_at_random_then_it_is_what_the_list_is)};
    return cmocka_run_group_tests_name("state_storm", tests, NULL, NULL);
}
