/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/compare.h"

#include "crdt/path.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* One comparison under way. */
struct comparison {
    struct fixture *fixture;
    const struct reference_view *view, *collected;
    size_t node;
    size_t matched; /* live operations of the reference that were found in the replica */
    struct holm_bytes key_last;
    size_t keys;
};

#define TEXT(bytes) (int)(bytes).size, (const char *)(bytes).data

static bool values_equal(struct holm_value a, struct holm_value b)
{
    return a.type == b.type && reference_order(a, b) == 0;
}

/* Whether a packed path names this place. */
static bool is_at(struct holm_bytes path, const struct reference_place *place)
{
    struct holm_bytes names[REFERENCE_NAMES_MAX];
    struct holm_path expected = reference_path(place, names);
    bool equal = true;
    for (size_t i = 0; equal && i < expected.count; i++)
        equal = path.size > 0 && holm_bytes_equal(holm_path_take(&path), names[i]);
    return equal && path.size == 0;
}

/* For messages; good until the next. */
static const char *text_of(const struct reference_place *place)
{
    static char text[512];
    struct holm_bytes names[REFERENCE_NAMES_MAX];
    struct holm_path path = reference_path(place, names);
    size_t at = 0;
    text[0] = 0;
    for (size_t i = 0; i < path.count && at < sizeof text; i++)
        at += (size_t)snprintf(text + at, sizeof text - at, ".%.*s", TEXT(names[i]));
    return text;
}

/* A counter's cell is one actor's share: all its live increments together. */
static void compare_share(struct comparison *comparison, const struct holm_cell_view *cell)
{
    struct fixture *fixture = comparison->fixture;
    const struct reference *reference = &fixture->reference;
    struct reference_wide wide = {0, 0};
    uint64_t last = 0;
    bool fits;
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        if (!reference->alive[i] || operation->kind != HOLM_COUNTER ||
            !holm_actor_equal(operation->dot.actor, cell->dot.actor) ||
            !holm_bytes_equal(operation->key, cell->key) || !is_at(cell->path, &operation->place))
            continue;
        reference_wide_add(&wide, operation->value.as.i64);
        last = operation->dot.seq > last ? operation->dot.seq : last;
        comparison->matched++;
    }
    if (last == 0 || cell->dot.seq != last)
        fixture_fail(fixture,
                     "node %zu: the share in counter '%.*s', path %.*s, ends at seq %" PRIu64
                     ", expected %" PRIu64 " (0: no share)",
                     comparison->node, TEXT(cell->key), TEXT(cell->path), cell->dot.seq, last);
    int64_t sum = reference_wide_value(&wide, &fits);
    if (cell->value.type != HOLM_I64 || cell->value.as.i64 != sum)
        fixture_fail(fixture,
                     "node %zu: a share in counter '%.*s', path %.*s, is %" PRId64
                     ", expected %" PRId64,
                     comparison->node, TEXT(cell->key), TEXT(cell->path), cell->value.as.i64, sum);
    const struct holm_count *count = cell->count;
    if (count == NULL || count->cancelled >= count->last || count->last != last ||
        (uint64_t)count->sum - (uint64_t)count->cancelled_sum != wide.low)
        fixture_fail(fixture, "node %zu: the entry in counter '%.*s', path %.*s, is not its value",
                     comparison->node, TEXT(cell->key), TEXT(cell->path));
}

/* Whether a cell of this actor is in the counter at hand. */
struct search {
    const struct holm_cell_view *in;
    struct holm_actor actor;
    bool found;
};

static bool search_cell(void *context, const struct holm_cell_view *cell)
{
    struct search *search = context;
    search->found = search->found || (cell->kind == HOLM_COUNTER &&
                                      holm_actor_equal(cell->dot.actor, search->actor) &&
                                      holm_bytes_equal(cell->path, search->in->path));
    return !search->found;
}

/* One share of all folded epochs of a node, but of those whose own would not go in. */
static void compare_folded(struct comparison *comparison, const struct holm_cell_view *cell)
{
    struct fixture *fixture = comparison->fixture;
    const struct reference *reference = &fixture->reference;
    struct reference_wide wide = {0, 0};
    size_t matched = 0;
    bool fits;
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        if (!reference->alive[i] || operation->kind != HOLM_COUNTER ||
            operation->dot.actor.node.value != cell->dot.actor.node.value ||
            !fixture->folded[operation->actor] ||
            !reference_covers(comparison->collected, operation) ||
            !holm_bytes_equal(operation->key, cell->key) || !is_at(cell->path, &operation->place))
            continue;
        struct search search = {.in = cell, .actor = operation->dot.actor};
        holm_replica_visit(fixture->nodes[comparison->node].replica, cell->key, search_cell,
                           &search);
        if (search.found)
            continue;
        reference_wide_add(&wide, operation->value.as.i64);
        matched++;
    }
    comparison->matched += matched;
    int64_t sum = reference_wide_value(&wide, &fits);
    if (matched == 0 || !fits || cell->value.type != HOLM_I64 || cell->value.as.i64 != sum)
        fixture_fail(fixture,
                     "node %zu: the folded share in counter '%.*s', path %.*s, is %" PRId64
                     ", expected %" PRId64 " of %zu",
                     comparison->node, TEXT(cell->key), TEXT(cell->path), cell->value.as.i64, sum,
                     matched);
}

static bool compare_cell(void *context, const struct holm_cell_view *cell)
{
    struct comparison *comparison = context;
    struct fixture *fixture = comparison->fixture;
    const struct reference *reference = &fixture->reference;
    if (cell->kind == HOLM_COUNTER) {
        if (cell->dot.actor.epoch.value == 0)
            compare_folded(comparison, cell);
        else
            compare_share(comparison, cell);
        return true;
    }
    const struct reference_operation *operation = reference_find(reference, cell->dot);
    if (operation == NULL)
        fixture_fail(fixture, "node %zu has a cell of a dot that was never minted: seq %" PRIu64,
                     comparison->node, cell->dot.seq);
    if (!reference->alive[operation - reference->operations])
        fixture_fail(fixture,
                     "node %zu: '%.*s' holds the cell %" PRIu64 ".%" PRIu64 ":%" PRIu64
                     ", which is dead",
                     comparison->node, TEXT(cell->key), cell->dot.actor.node.value,
                     cell->dot.actor.epoch.value, cell->dot.seq);
    if (cell->kind != operation->kind || !holm_bytes_equal(cell->key, operation->key) ||
        !is_at(cell->path, &operation->place) || !holm_bytes_equal(cell->sub, operation->element) ||
        !values_equal(cell->value, operation->value) || cell->hlc != operation->hlc ||
        cell->count != NULL)
        fixture_fail(fixture, "node %zu: the cell of seq %" PRIu64 " in '%.*s' is not as written",
                     comparison->node, cell->dot.seq, TEXT(cell->key));
    comparison->matched++;
    return true;
}

static void compare_cells(struct comparison *comparison)
{
    struct fixture *fixture = comparison->fixture;
    const struct reference *reference = &fixture->reference;
    holm_replica_visit(fixture->nodes[comparison->node].replica, holm_str(NULL), compare_cell,
                       comparison);
    size_t expected = 0;
    for (size_t i = 0; i < reference->count; i++)
        expected += reference->alive[i];
    if (comparison->matched == expected)
        return;
    fixture_fail(fixture, "node %zu shows %zu of %zu live operations", comparison->node,
                 comparison->matched, expected);
}

static bool compare_tombstone(void *context, struct holm_bytes key, struct holm_dot dot)
{
    struct comparison *comparison = context;
    const struct reference_operation *operation = reference_find(&comparison->fixture->reference,
                                                                 dot);
    if (operation == NULL || operation->effect != REFERENCE_BURY ||
        !holm_bytes_equal(operation->key, key) || !reference_covers(comparison->view, operation) ||
        reference_covers(comparison->collected, operation))
        fixture_fail(comparison->fixture,
                     "node %zu: a tombstone of '%.*s' that nobody put, or that is in S",
                     comparison->node, TEXT(key));
    comparison->matched++;
    return true;
}

static void compare_tombstones(struct comparison *comparison)
{
    const struct reference *reference = &comparison->fixture->reference;
    comparison->matched = 0;
    holm_replica_visit_tombstones(comparison->fixture->nodes[comparison->node].replica,
                                  compare_tombstone, comparison);
    size_t expected = 0;
    for (size_t i = 0; i < reference->count; i++)
        expected += reference->operations[i].effect == REFERENCE_BURY &&
                    reference_covers(comparison->view, &reference->operations[i]) &&
                    !reference_covers(comparison->collected, &reference->operations[i]);
    if (comparison->matched != expected)
        fixture_fail(comparison->fixture, "node %zu has %zu of %zu tombstones", comparison->node,
                     comparison->matched, expected);
}

static bool compare_key(void *context, struct holm_bytes key)
{
    struct comparison *comparison = context;
    if (!reference_exists(&comparison->fixture->reference, key))
        fixture_fail(comparison->fixture, "node %zu lists the key '%.*s', which has nothing",
                     comparison->node, TEXT(key));
    if (comparison->fixture->config.ordered && comparison->keys > 0 &&
        holm_bytes_compare(comparison->key_last, key) >= 0)
        fixture_fail(comparison->fixture, "node %zu lists '%.*s' behind '%.*s'", comparison->node,
                     TEXT(key), TEXT(comparison->key_last));
    comparison->key_last = key;
    comparison->keys++;
    return true;
}

/* ---- reads ---------------------------------------------------------------------------------- */

static void compare_winner(struct comparison *comparison, struct holm_bytes key,
                           const struct reference_place *place, enum holm_kind kind)
{
    struct fixture *fixture = comparison->fixture;
    struct holm_bytes names[REFERENCE_NAMES_MAX];
    const struct reference_operation *winner = reference_winner(&fixture->reference, key, place,
                                                                kind);
    struct holm_cell_view cell;
    enum holm_status status = holm_replica_get_at(fixture->nodes[comparison->node].replica, key,
                                                  reference_path(place, names), kind, &cell);
    if (status != (winner == NULL ? HOLM_ENOENT : HOLM_OK))
        fixture_fail(fixture, "node %zu: reading '%.*s'%s gives %s", comparison->node, TEXT(key),
                     text_of(place), fixture_status_name(status));
    if (winner != NULL && (!values_equal(cell.value, winner->value) ||
                           (kind == HOLM_REGISTER && cell.dot.seq != winner->dot.seq)))
        fixture_fail(fixture, "node %zu: '%.*s'%s reads as the wrong sibling", comparison->node,
                     TEXT(key), text_of(place));
}

/* All reads of the slot that an operation wrote to. */
static void compare_slot(struct comparison *comparison, const struct reference_operation *operation)
{
    struct fixture *fixture = comparison->fixture;
    const struct reference *reference = &fixture->reference;
    const struct holm_replica *replica = fixture->nodes[comparison->node].replica;
    const struct reference_place *place = &operation->place;
    struct holm_bytes key = operation->key, names[REFERENCE_NAMES_MAX];
    struct holm_path path = reference_path(place, names);
    bool equal = true;
    switch (operation->kind) {
    case HOLM_REGISTER:
    case HOLM_MAX:
    case HOLM_MIN:
        compare_winner(comparison, key, place, operation->kind);
        break;
    case HOLM_COUNTER: {
        int64_t sum, expected;
        bool found = reference_sum(reference, key, place, &expected);
        enum holm_status status = holm_replica_count_at(replica, key, path, &sum);
        if (status != (found ? HOLM_OK : HOLM_ENOENT) || sum != expected)
            fixture_fail(fixture,
                         "node %zu: counter '%.*s'%s is %" PRId64 " (%s), expected %" PRId64,
                         comparison->node, TEXT(key), text_of(place), sum,
                         fixture_status_name(status), expected);
        break;
    }
    case HOLM_SET:
        equal = holm_replica_contains_at(replica, key, path, operation->element) ==
                reference_has(reference, key, place, HOLM_SET, operation->element);
        break;
    case HOLM_FLAG:
        equal = holm_replica_enabled_at(replica, key, path) ==
                reference_has(reference, key, place, HOLM_FLAG, holm_str(NULL));
        break;
    }
    if (!equal)
        fixture_fail(fixture, "node %zu: a predicate on '%.*s'%s is wrong", comparison->node,
                     TEXT(key), text_of(place));
}

static void compare_reads(struct comparison *comparison)
{
    struct fixture *fixture = comparison->fixture;
    const struct reference *reference = &fixture->reference;
    const struct holm_replica *replica = fixture->nodes[comparison->node].replica;
    size_t keys = 0;
    for (size_t i = 0; i < reference->count; i++) {
        const struct reference_operation *operation = &reference->operations[i];
        if (operation->first_of_key) {
            bool exists = reference_exists(reference, operation->key);
            keys += exists;
            if (holm_replica_exists(replica, operation->key) != exists ||
                holm_replica_buried(replica, operation->key) !=
                    reference_buried(reference, comparison->view, comparison->collected,
                                     operation->key))
                fixture_fail(
                    fixture, "node %zu: '%.*s' is %s there, %s", comparison->node,
                    TEXT(operation->key), holm_replica_exists(replica, operation->key) ? "" : "not",
                    holm_replica_buried(replica, operation->key) ? "buried" : "not buried");
        }
        if (operation->effect == REFERENCE_PUT && operation->first_of_slot)
            compare_slot(comparison, operation);
    }
    comparison->keys = 0;
    holm_replica_visit_keys(replica, holm_str(NULL), compare_key, comparison);
    if (comparison->keys != keys)
        fixture_fail(fixture, "node %zu lists %zu of %zu keys", comparison->node, comparison->keys,
                     keys);
}

void compare_replica(struct fixture *fixture, size_t node, const struct reference_view *view,
                     const struct reference_view *collected)
{
    struct comparison comparison = {
        .fixture = fixture, .view = view, .collected = collected, .node = node};
    reference_look(&fixture->reference, view);
    compare_cells(&comparison);
    compare_tombstones(&comparison);
    compare_reads(&comparison);
}

/* ---- stamps --------------------------------------------------------------------------------- */

struct stamping {
    struct fixture *fixture;
    struct holm_actor actor;
    uint64_t before;
};

/* Later than all that its writer saw. (What died before it left its writer is seen by nobody.) */
static void stamp(struct fixture *fixture, struct reference_operation *operation, uint64_t hlc)
{
    struct reference *reference = &fixture->reference;
    reference_look(reference, &operation->past);
    for (size_t i = 0; i < reference->count && fixture->clocks_agree; i++) {
        const struct reference_operation *other = &reference->operations[i];
        if (reference->alive[i] && other->hlc >= hlc)
            fixture_fail(fixture,
                         "seq %" PRIu64 " is stamped %" PRIx64 ", and had seen seq %" PRIu64
                         " of %" PRIx64,
                         operation->dot.seq, hlc, other->dot.seq, other->hlc);
    }
    operation->hlc = hlc;
}

static bool stamp_cell(void *context, const struct holm_cell_view *cell)
{
    struct stamping *stamping = context;
    if (cell->kind == HOLM_COUNTER || cell->dot.seq <= stamping->before ||
        !holm_actor_equal(cell->dot.actor, stamping->actor))
        return true;
    struct reference_operation *operation = reference_find(&stamping->fixture->reference,
                                                           cell->dot);
    if (operation == NULL)
        fixture_fail(stamping->fixture,
                     "a commit has left a dot that it did not mint: seq %" PRIu64, cell->dot.seq);
    stamp(stamping->fixture, operation, cell->hlc);
    return true;
}

void compare_stamp(struct fixture *fixture, size_t node, uint64_t before)
{
    struct stamping stamping = {
        .fixture = fixture, .actor = fixture->nodes[node].self, .before = before};
    holm_replica_visit(fixture->nodes[node].replica, holm_str(NULL), stamp_cell, &stamping);
}
