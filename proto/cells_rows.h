/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cells_rows.h - items read row by row, with a cursor over each column.
 *
 *     open, turn, read                            one run, or a page
 *     open, turn, read, turn, read, ..., done     several runs whose items are columns together
 *
 * A turn says whose the next items are: what they are told by, and where their bytes and ranges go.
 */
#ifndef HOLM_PROTO_CELLS_ROWS_H
#define HOLM_PROTO_CELLS_ROWS_H

#include "proto/cells.h"

/* What columns are over; doubles, which have a fixed size, are read apart. */
enum holm_cells_over {
    HOLM_OVER_ITEMS,
    HOLM_OVER_STAMPED,
    HOLM_OVER_PUTS,
    HOLM_OVER_STEPS, /* from put to put */
    HOLM_OVER_NUMBERS,
    HOLM_OVER_SIZED,
    HOLM_OVER_REMOVERS,
    HOLM_OVER_RANGES,
    HOLM_OVER_COUNTS,
    HOLM_OVER_DOUBLES,
    HOLM_OVERS
};

/* A copied column of bytes, of which slices are cut off. */
struct holm_cells_rest {
    const unsigned char *at;
    size_t size;
};

/* Items being read. */
struct holm_cells_rows {
    const struct holm_cells *cells;
    const struct holm_cells_frame *frame;
    struct holm_seen *seen;
    size_t seen_count;
    const struct holm_bytes *paths; /* each run's copy, or where all runs have theirs */
    size_t path_count;
    struct holm_cells_rest keys, subs, values;
    struct holm_bytes doubles;
    struct holm_bytes key; /* of the item before */
    uint64_t shape;        /* the last one that was found sound */
    uint64_t seq_expected, seq_previous, hlc_previous, seen_expected;
    bool broken;
    size_t had[HOLM_OVERS]; /* how many of each there were; ranges since the last turn */
    size_t ranges_before;   /* and before that */
    uint64_t filled;        /* the columns that have entries, as bits */
    struct holm_cursor columns[HOLM_CELLS_FIELD_MAX + 1];
};

/* Copies of the columns of bytes, from which the next items take theirs. */
struct holm_cells_copies {
    struct holm_cells_rest keys, subs, values;
};

/* Sets a cursor on each column; `paths` is borrowed. The first stamp is told by `hlc`. False: not plain. */
bool holm_cells_rows_open(struct holm_cells_rows *rows, const struct holm_cells *cells,
                          const struct holm_bytes *paths, size_t path_count, uint64_t hlc);

void holm_cells_rows_turn(struct holm_cells_rows *reading, const struct holm_cells_frame *frame,
                          struct holm_seen *seen, size_t seen_count,
                          struct holm_cells_copies copies);

/* Reads and checks as many items, which use up the copies and the ranges; false when they do not, or are
 * not plain. */
bool holm_cells_rows_read(struct holm_cells_rows *rows, struct holm_item *items, size_t count);

/* Whether the columns are used up, too. */
bool holm_cells_rows_done(struct holm_cells_rows *rows);

/* Cuts the dictionary up; the last path takes what is left. One that is not valid is refused here,
 * whether an item has it or not. */
bool holm_cells_read_paths(struct holm_bytes sizes, struct holm_cells_rest bytes,
                           struct holm_bytes *paths, size_t count);

#endif
