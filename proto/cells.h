/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cells.h - runs and pages straight from and to the wire, without protobuf-c's structs between.
 *
 * Nearly all that a node decodes are the messages that carry Cells: Delta, Deltas, Feed, SyncPage. Their
 * reader takes the plain form only, which is what this encoder and every usual one writes:
 *
 *     - a field of one value, a column or a member of a oneof occurs once, columns are packed
 *     - tags are as short as they can be, unknown fields of a run lie side by side
 *     - everything in it is valid, by docs/WIRE.md and by D1 to D6
 *
 * Whatever else a frame is, it is "not plain", and protobuf-c and the readers of wire.h say what:
 * another spelling of the same, or which error. So the two ways must agree on plain frames alone,
 * and no verdict on a bad frame is ever given twice.
 *
 *     frame -> scan: where each field lies -> sizes -> one allocation -> rows, a cursor a column
 *
 * Invariants, held by tests/fuzz/decode.c and tests/unit/codec_plain.c:
 *     P1  what is plain is read by protobuf-c, too, and says the same
 *     P2  every frame of this encoder is plain
 *     P3  no byte outside the frame is read, whatever is in it
 *     P4  what is written are protobuf-c's bytes of the same fields
 */
#ifndef HOLM_PROTO_CELLS_H
#define HOLM_PROTO_CELLS_H

#include "proto/varint.h"
#include "proto/wire.h"

/* The fields of Cells, as holm.proto numbers them. */
enum holm_cells_field {
    HOLM_CELLS_FIRST = 1,
    HOLM_CELLS_SHAPES = 2,
    HOLM_CELLS_KEY_SIZES = 3,
    HOLM_CELLS_KEYS = 4,
    HOLM_CELLS_PATHS = 5,
    HOLM_CELLS_PATH_SIZES = 6,
    HOLM_CELLS_PATH_BYTES = 7,
    HOLM_CELLS_SEQS = 8,
    HOLM_CELLS_HLC = 9,
    HOLM_CELLS_HLCS = 10,
    HOLM_CELLS_TYPES = 11,
    HOLM_CELLS_NUMBERS = 12,
    HOLM_CELLS_VALUE_SIZES = 13,
    HOLM_CELLS_VALUES = 14,
    HOLM_CELLS_SEEN_COUNTS = 15,
    HOLM_CELLS_SEEN_LASTS = 16,
    HOLM_CELLS_SEEN_SPANS = 17,
    HOLM_CELLS_SEEN_ACTORS = 18,
    HOLM_CELLS_SPAN = 19,
    HOLM_CELLS_NODE = 20,
    HOLM_CELLS_EPOCH = 21,
    HOLM_CELLS_DEPS = 22,
    HOLM_CELLS_COLLECTED = 23,
    HOLM_CELLS_NODES = 24,
    HOLM_CELLS_MORE_EPOCHS = 25,
    HOLM_CELLS_EPOCHS = 26,
    HOLM_CELLS_ACTORS = 27,
    HOLM_CELLS_SUB_SIZES = 28,
    HOLM_CELLS_SUBS = 29,
    HOLM_CELLS_DOUBLES = 30,
    HOLM_CELLS_CHAINS = 31,
    HOLM_CELLS_SUMS = 32,
    HOLM_CELLS_CANCELLED = 33,
    HOLM_CELLS_CANCELLED_SUMS = 34,
    HOLM_CELLS_RUN_FIRSTS = 35,
    HOLM_CELLS_RUN_SPANS = 36,
    HOLM_CELLS_RUN_ACTORS = 37,
    HOLM_CELLS_RUN_ITEMS = 38,
    HOLM_CELLS_RUN_OTHERS = 39,
    HOLM_CELLS_OTHERS = 40
};

/* Those that only several runs at once have, and those that only one has, as bits. */
#define HOLM_CELLS_OF_RUNS (UINT64_C(0x3f) << HOLM_CELLS_RUN_FIRSTS)
#define HOLM_CELLS_OF_RUN                                                                          \
    (UINT64_C(1) << HOLM_CELLS_FIRST | UINT64_C(1) << HOLM_CELLS_SPAN |                            \
     UINT64_C(3) << HOLM_CELLS_NODE | UINT64_C(1) << HOLM_CELLS_DEPS)

/* This build knows the fields from 1 to this. */
#define HOLM_CELLS_FIELD_MAX 40

/* Where the fields of a Cells lie. */
struct holm_cells {
    uint64_t present;          /* bit n: the field with the number n is there */
    struct holm_bytes unknown; /* fields with larger numbers, as they were written */
    struct {
        const unsigned char *at; /* of bytes, messages and columns */
        uint64_t number;         /* their size; of fields of one value, the value */
    } fields[HOLM_CELLS_FIELD_MAX + 1];
};

/* Finds the fields; false when the bytes are not plain. The fields borrow them. O(fields). */
bool holm_cells_scan(struct holm_bytes bytes, struct holm_cells *cells);

static inline bool holm_cells_has(const struct holm_cells *cells, unsigned field)
{
    return (cells->present >> field & 1) != 0;
}

/* The bytes of a field that has some; none when it is absent. */
static inline struct holm_bytes holm_cells_bytes(const struct holm_cells *cells, unsigned field)
{
    if (!holm_cells_has(cells, field))
        return holm_mem("", 0);
    return holm_mem(cells->fields[field].at, (size_t)cells->fields[field].number);
}

/* The value of a field of one value; 0 when it is absent. */
static inline uint64_t holm_cells_number(const struct holm_cells *cells, unsigned field)
{
    return holm_cells_has(cells, field) ? cells->fields[field].number : 0;
}

/* By field: an enum holm_field_form. Columns are packed, and so have a size. */
extern const unsigned char holm_cells_forms[HOLM_CELLS_FIELD_MAX + 1];

/* ---- columns ------------------------------------------------------------------------------- */

/* A column being read: one value for all, or a varint for each. */
struct holm_cursor {
    const unsigned char *at; /* NULL: the same for all */
    const unsigned char *end;
    uint64_t value;
};

/* False when the bytes do not end with a varint. Not empty, and `at` NULL then: one entry. */
bool holm_cursor_open(struct holm_cursor *cursor, struct holm_bytes column);

/* The next value. At the column's end, or where there is none, *broken is set. */
static inline uint64_t holm_cursor_next(struct holm_cursor *cursor, bool *broken)
{
    if (cursor->at == NULL)
        return cursor->value;
    if (cursor->at == cursor->end) {
        *broken = true;
        return 0;
    }
    if (*cursor->at < 0x80)
        return *cursor->at++;
    uint64_t value = 0;
    cursor->at = holm_varint_long(cursor->at, &value);
    if (cursor->at == NULL) {
        cursor->at = cursor->end;
        *broken = true;
    }
    return value;
}

/* ---- actors -------------------------------------------------------------------------------- */

/* A sorted table of actors in its columns: of a Vector, or of Cells. */
struct holm_cells_actors {
    struct holm_bytes nodes, more_epochs, epochs;
    size_t count;  /* of epochs */
    uint64_t base; /* by which first epochs are told; 0: they are as they are */
};

void holm_cells_actors_init(struct holm_cells_actors *table, struct holm_bytes nodes,
                            struct holm_bytes more_epochs, struct holm_bytes epochs);

/* Writes the table's actors, `actor_bytes` from one to the next; false when it is not plain. */
bool holm_cells_read_actors(const struct holm_cells_actors *table, struct holm_actor *actors,
                            size_t actor_bytes);

/* An actor of a table that runs share, and where its next run is expected to begin. */
struct holm_cells_party {
    struct holm_actor actor;
    uint64_t due;
};

/* A Vector: its columns, with as many seqs as epochs; then its entries, valid as those of an S (vector.h) or of
 * an R (vector_view.h). */
struct holm_cells_vector {
    struct holm_cells_actors actors;
    struct holm_bytes seqs;
};

bool holm_cells_scan_vector(struct holm_bytes bytes, struct holm_cells_vector *vector);
bool holm_cells_read_vector(const struct holm_cells_vector *vector, bool collected,
                            struct holm_dot *entries);

/* ---- items --------------------------------------------------------------------------------- */

/* What items are read under: a run's numbers, or zeros. */
struct holm_cells_frame {
    bool page;
    uint64_t first, last; /* of the run */
    uint64_t epoch;       /* of its actor */
    uint32_t actors;      /* in the table */
};

/* Reads and checks all items and ranges into the allocation, which has the sizes given: D2 to D4
 * and D6. HOLM_EMALFORMED: not plain. */
HOLM_NODISCARD enum holm_status holm_cells_read_items(const struct holm_wire_reading *reading,
                                                      const struct holm_cells *cells,
                                                      const struct holm_cells_frame *frame,
                                                      const struct holm_fill_sizes *sizes,
                                                      struct holm_fill *fill);

/* ---- runs, pages, frames ------------------------------------------------------------------- */

/*
 * Each of these makes one object that belongs to the caller, or none. What the limits allow is
 * spent, also by what fails.
 * `writer` is whose a run is that does not say so.
 *   HOLM_EMALFORMED  not plain
 *   HOLM_ENOMEM      the allocator refused
 */
HOLM_NODISCARD enum holm_status holm_cells_read_run(struct holm_wire_reading *reading,
                                                    struct holm_bytes bytes,
                                                    const struct holm_message *message,
                                                    struct holm_actor writer,
                                                    struct holm_delta **delta);
/* D1 and D5 of a run whose table and vectors are sorted. */
bool holm_cells_run_sound(const struct holm_delta *delta);

/*
 * Several runs whose items are columns together (docs/WIRE.md, "Runs that share columns"): how many they
 * are, or 1 of a Cells that is one run, or 0 of one that is not plain. Then reads them; *made counts those
 * that belong to the caller, also after an error.
 */
size_t holm_cells_count_runs(struct holm_bytes bytes);
bool holm_cells_share(struct holm_bytes bytes); /* whether it is several */
HOLM_NODISCARD enum holm_status holm_cells_read_runs(struct holm_wire_reading *reading,
                                                     struct holm_bytes bytes,
                                                     const struct holm_message *message,
                                                     struct holm_delta **deltas, size_t *made);

/*
 * Runs that share columns may not take much more memory than they have bytes, though each has its own
 * path, key and S: what a run takes is at most HOLM_SHARED_RUN_BYTES and so many for each of what it has,
 * and those of all are at most HOLM_SHARED_MEMORY for each byte of their Cells. More is refused.
 */
#define HOLM_SHARED_MEMORY 160
#define HOLM_SHARED_RUN_BYTES 448
#define HOLM_SHARED_ITEM_BYTES 160
#define HOLM_SHARED_RANGE_BYTES 32
#define HOLM_SHARED_ACTOR_BYTES 16
#define HOLM_SHARED_ENTRY_BYTES 32 /* of S */

static inline size_t holm_shared_bytes(const struct holm_fill_sizes *sizes)
{
    return HOLM_SHARED_RUN_BYTES + sizes->items * HOLM_SHARED_ITEM_BYTES +
           sizes->seen * HOLM_SHARED_RANGE_BYTES + sizes->actors * HOLM_SHARED_ACTOR_BYTES +
           sizes->collected * HOLM_SHARED_ENTRY_BYTES + sizes->bytes;
}

HOLM_NODISCARD enum holm_status holm_cells_read_page(struct holm_wire_reading *reading,
                                                     struct holm_bytes bytes,
                                                     struct holm_page **page);

/* Reads a whole frame into the message. The same errors, and for HOLM_EMALFORMED any other
 * message, too. What it leaves in the message is sound: holm_decoded_free() can release it. */
HOLM_NODISCARD enum holm_status holm_cells_read_frame(struct holm_wire_reading *reading,
                                                      struct holm_bytes frame,
                                                      struct holm_message *message);

/* ---- writing ------------------------------------------------------------------------------- */

/* Says how many bytes the fields take; then writes them and returns what comes behind. O(bytes). */
size_t holm_cells_size(const struct holm_cells *cells);
unsigned char *holm_cells_write(const struct holm_cells *cells, unsigned char *at);

/* Sets a field of one value, unless it is 0; one with a size, unless it has none. */
static inline void holm_cells_set_number(struct holm_cells *cells, unsigned field, uint64_t number)
{
    cells->fields[field].number = number;
    cells->present |= (uint64_t)(number != 0) << field;
}

static inline void holm_cells_set_bytes(struct holm_cells *cells, unsigned field,
                                        const unsigned char *at, size_t size)
{
    cells->fields[field].at = at;
    holm_cells_set_number(cells, field, size);
}

/* Room that columns are written to, piece by piece; whoever takes has counted before. */
struct holm_cells_room {
    unsigned char *at, *end;
};

static inline unsigned char *holm_cells_take(struct holm_cells_room *room, size_t bytes)
{
    HOLM_ASSERT(bytes <= (size_t)(room->end - room->at));
    room->at += bytes;
    return room->at - bytes;
}

/* What a table of actors takes of the room, and a vector. */
#define HOLM_CELLS_TABLE_BYTES(actors) ((size_t)(actors)*23 + 16)
#define HOLM_CELLS_VECTOR_BYTES(entries) ((size_t)(entries)*66 + 48)

/* Sets the table's fields: all actors but the first `implied`, in the room. */
void holm_cells_set_table(struct holm_cells *cells, const struct holm_items *items,
                          uint32_t implied, struct holm_cells_room *room);

/* The same of any sorted actors, `actor_bytes` from one to the next. With a base that is not 0, the first
 * epoch of each node is told by its difference, zigzag. */
void holm_cells_set_actors(struct holm_cells *cells, const struct holm_actor *actors, size_t count,
                           size_t actor_bytes, uint64_t base, struct holm_cells_room *room);

/* Sets a Vector, unless it is empty. */
void holm_cells_set_vector(struct holm_cells *cells, unsigned field, struct holm_vector_view view,
                           struct holm_cells_room *room);

/* What items have in all, in bytes. */
struct holm_cells_tally {
    uint64_t keys, paths, subs, values;
    size_t items, seen;
};

/* Adds to both: what items have, and how much room the columns over them take at most. HOLM_ETOOBIG: more
 * than sizes can say. */
HOLM_NODISCARD enum holm_status holm_cells_tally(const struct holm_items *items,
                                                 struct holm_cells_tally *tally,
                                                 size_t *room_bytes);

/* Sets the columns over items and ranges, in the room. `run` is NULL for a page. */
void holm_cells_set_items(struct holm_cells *cells, const struct holm_items *items,
                          const struct holm_delta *run, const struct holm_cells_tally *tally,
                          struct holm_cells_room *room);

/* The same of several runs, one behind the other; `hlc` is what the first stamp is told by. */
void holm_cells_set_items_of(struct holm_cells *cells, struct holm_delta *const *runs, size_t count,
                             uint64_t hlc, const struct holm_cells_tally *tally,
                             struct holm_cells_room *room);

/*
 * Small runs as one Cells. `runs`, `count` and `sender` are set by the caller; open() takes what it needs
 * from the arena and says how much room set() takes. `memory` is what reading takes, as it is bounded above.
 */
struct holm_cells_sharing {
    struct holm_delta *const *runs;
    size_t count;
    struct holm_actor sender;
    size_t memory;
    struct holm_cells_party *parties; /* private */
    size_t party_count;
    uint64_t *entries;
    size_t other_count;
    struct holm_cells_tally tally;
};

/* How many of the runs, from the first on, can be together: 0 when it is one to be written alone. */
size_t holm_cells_shareable(struct holm_delta *const *runs, size_t count);
HOLM_NODISCARD enum holm_status holm_cells_share_open(struct holm_cells_sharing *sharing,
                                                      struct holm_arena *arena, size_t *room_bytes);
void holm_cells_share_set(struct holm_cells_sharing *sharing, struct holm_cells *cells,
                          struct holm_cells_room *room);

/* The bytes of a page's Cells alone, in the encoder. HOLM_ETOOBIG, HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_cells_encode_page(struct holm_encoder *encoder,
                                                       const struct holm_page *page,
                                                       struct holm_bytes *bytes);

/*
 * Writes a message that has cells, as holm_encoder_encode() does: *frame is in the encoder.
 *   HOLM_ETOOBIG, HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_cells_encode(struct holm_encoder *encoder,
                                                  const struct holm_message *message,
                                                  struct holm_bytes *frame);

#endif
