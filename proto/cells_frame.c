/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/actors.h"
#include "proto/cells.h"
#include "proto/field.h"

/* What a run or page turns out to hold. */
struct scanned {
    struct holm_cells cells;
    struct holm_cells_actors table;
    struct holm_cells_vector deps, collected;
    struct holm_fill_sizes sizes;
};

static size_t bytes_of(const struct holm_cells *cells)
{
    return holm_cells_bytes(cells, HOLM_CELLS_KEYS).size +
           holm_cells_bytes(cells, HOLM_CELLS_PATH_BYTES).size +
           holm_cells_bytes(cells, HOLM_CELLS_SUBS).size +
           holm_cells_bytes(cells, HOLM_CELLS_VALUES).size + cells->unknown.size;
}

static bool spend(struct holm_codec_limits *left, const struct holm_fill_sizes *sizes)
{
    return holm_wire_spend(&left->actors_max, sizes->actors) == HOLM_OK &&
           holm_wire_spend(&left->vector_entries_max, sizes->deps) == HOLM_OK &&
           holm_wire_spend(&left->vector_entries_max, sizes->collected) == HOLM_OK &&
           holm_wire_spend(&left->items_max, sizes->items) == HOLM_OK &&
           holm_wire_spend(&left->seen_max, sizes->seen) == HOLM_OK;
}

/* Finds and counts everything, and takes it off the limits; `implied` actors are not in the table. */
static bool scan(struct holm_wire_reading *reading, struct holm_bytes bytes, size_t implied,
                 struct scanned *scanned)
{
    struct holm_cells *cells = &scanned->cells;
    struct holm_fill_sizes *sizes = &scanned->sizes;
    if (!holm_cells_scan(bytes, cells) ||
        !holm_cells_scan_vector(holm_cells_bytes(cells, HOLM_CELLS_DEPS), &scanned->deps) ||
        !holm_cells_scan_vector(holm_cells_bytes(cells, HOLM_CELLS_COLLECTED), &scanned->collected))
        return false;
    holm_cells_actors_init(&scanned->table, holm_cells_bytes(cells, HOLM_CELLS_NODES),
                           holm_cells_bytes(cells, HOLM_CELLS_MORE_EPOCHS),
                           holm_cells_bytes(cells, HOLM_CELLS_EPOCHS));
    struct holm_bytes key_sizes = holm_cells_bytes(cells, HOLM_CELLS_KEY_SIZES);
    struct holm_bytes seen_lasts = holm_cells_bytes(cells, HOLM_CELLS_SEEN_LASTS);
    sizes->actors = implied + scanned->table.count;
    sizes->items = holm_varint_count(key_sizes.data, key_sizes.size);
    sizes->seen = holm_varint_count(seen_lasts.data, seen_lasts.size);
    sizes->deps = scanned->deps.actors.count;
    sizes->collected = scanned->collected.actors.count;
    sizes->bytes = bytes_of(cells);
    sizes->raw_items = false;
    return spend(&reading->left, sizes);
}

/* ---- runs ---------------------------------------------------------------------------------- */

/* D1 and D5. The table and the vectors are sorted, as they were read. */
bool holm_cells_run_sound(const struct holm_delta *delta)
{
    if (delta->first < 1 || delta->first > delta->last || delta->last == UINT64_MAX ||
        delta->actor.epoch.value == 0)
        return false;
    for (uint32_t i = 1; i < delta->items.actor_count; i++) {
        if (holm_actor_equal(delta->actor, delta->items.actors[i]))
            return false;
    }
    return holm_vector_view_seq(delta->deps, delta->actor) == 0;
}

static enum holm_status fill_run(const struct holm_wire_reading *reading,
                                 const struct scanned *scanned, struct holm_delta *delta,
                                 struct holm_fill *fill)
{
    fill->actors[0] = delta->actor;
    if (!holm_cells_read_actors(&scanned->table, fill->actors + 1, sizeof fill->actors[0]) ||
        !holm_cells_read_vector(&scanned->deps, false, fill->deps) ||
        !holm_cells_read_vector(&scanned->collected, true, fill->collected) ||
        !holm_cells_run_sound(delta))
        return HOLM_EMALFORMED;
    delta->unknown = holm_fill_bytes(fill, scanned->cells.unknown);
    struct holm_cells_frame frame = {.first = delta->first,
                                     .last = delta->last,
                                     .epoch = delta->actor.epoch.value,
                                     .actors = delta->items.actor_count};
    return holm_cells_read_items(reading, &scanned->cells, &frame, &scanned->sizes, fill);
}

enum holm_status holm_cells_read_run(struct holm_wire_reading *reading, struct holm_bytes bytes,
                                     const struct holm_message *message, struct holm_actor writer,
                                     struct holm_delta **delta)
{
    struct scanned scanned;
    *delta = NULL;
    if (!scan(reading, bytes, 1, &scanned) ||
        scanned.cells.unknown.size > reading->left.unknown_bytes_max)
        return HOLM_EMALFORMED;
    if (message->type != HOLM_MESSAGE_DELTA && holm_cells_has(&scanned.cells, HOLM_CELLS_DEPS))
        return HOLM_EMALFORMED; /* over links runs have none */
    if ((scanned.cells.present & HOLM_CELLS_OF_RUNS) != 0)
        return HOLM_EMALFORMED;
    struct holm_delta *made = NULL;
    struct holm_fill fill;
    enum holm_status status = holm_delta_new(reading->allocator, &scanned.sizes, &made, &fill);
    if (status != HOLM_OK)
        return status;
    made->partition = message->partition;
    made->actor.node.value = holm_cells_number(&scanned.cells, HOLM_CELLS_NODE);
    made->actor.epoch.value = holm_cells_number(&scanned.cells, HOLM_CELLS_EPOCH);
    if ((made->actor.node.value | made->actor.epoch.value) == 0)
        made->actor = writer;
    made->first = holm_cells_number(&scanned.cells, HOLM_CELLS_FIRST);
    made->last = made->first + holm_cells_number(&scanned.cells, HOLM_CELLS_SPAN);
    status = fill_run(reading, &scanned, made, &fill);
    if (status != HOLM_OK) {
        holm_delta_release(made);
        return status;
    }
    HOLM_ASSERT(fill.bytes == fill.bytes_end);
    *delta = made;
    return HOLM_OK;
}

/* ---- pages --------------------------------------------------------------------------------- */

/* Fields that only runs have; a column of a newer version must not be dropped (docs/WIRE.md). */
static bool page_plain(const struct holm_cells *cells)
{
    const uint64_t of_runs = HOLM_CELLS_OF_RUN | HOLM_CELLS_OF_RUNS |
                             (uint64_t)1 << HOLM_CELLS_COLLECTED;
    return (cells->present & of_runs) == 0 && cells->unknown.size == 0;
}

enum holm_status holm_cells_read_page(struct holm_wire_reading *reading, struct holm_bytes bytes,
                                      struct holm_page **page)
{
    struct scanned scanned;
    *page = NULL;
    if (!scan(reading, bytes, 0, &scanned) || !page_plain(&scanned.cells) || scanned.sizes.seen > 0)
        return HOLM_EMALFORMED;
    struct holm_page *made = NULL;
    struct holm_fill fill;
    enum holm_status status = holm_page_new(reading->allocator, &scanned.sizes, &made, &fill);
    if (status != HOLM_OK)
        return status;
    struct holm_cells_frame frame = {.page = true, .actors = made->items.actor_count};
    status = HOLM_EMALFORMED;
    if (holm_cells_read_actors(&scanned.table, fill.actors, sizeof fill.actors[0]))
        status = holm_cells_read_items(reading, &scanned.cells, &frame, &scanned.sizes, &fill);
    if (status != HOLM_OK) {
        holm_page_release(made);
        return status;
    }
    HOLM_ASSERT(fill.bytes == fill.bytes_end);
    *page = made;
    return HOLM_OK;
}
