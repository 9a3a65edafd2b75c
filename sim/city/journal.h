/* SPDX-License-Identifier: Apache-2.0 */
/*
 * journal.h - what a city tells its parent, one line at a time.
 *
 *     hello 4711 a1b2… 18c3… ipc:///tmp/holm-sim.X/lisbon
 *     op damage 7 a1b2… 18c3… 12 hero:6f1d… 9      partition, actor, seq, hero, amount
 *     seen 7 a1b2… 18c3… 12                        this replica has applied so much of that actor
 *     report 3 18c3… 5f0e… 97 20 4 3 311 8 4 0 …   figures; follows the `seen` lines it speaks of
 *     final 7 a1b2… 18c3… 12                       the dump: the whole vector …
 *     alive hero:6f1d… 93 1 lisbon                 … every living hero …
 *     buried hero:6f1d…                            … every buried one of those it was asked for …
 *     end 128 97 12 5f0e…                          … and how many of each, and the digest
 *     log 2 peer oslo is down
 *
 * An `op` line is written before its operation may leave the replica, so that what any other city
 * can ever see is in the journal of the city that did it. A line is written whole by one write of
 * at most PIPE_BUF bytes, so a killed writer leaves no half of one; and a line counts only with its
 * newline, so whatever is torn all the same is not taken for another.
 *
 * Ids, epochs and digests are in hexadecimal, all else is decimal.
 */
#ifndef HOLM_SIM_CITY_JOURNAL_H
#define HOLM_SIM_CITY_JOURNAL_H

#include "sim/city/hero.h"

#define HOLM_JOURNAL_LINE_BYTES_MAX 512 /* newline and NUL included; below POSIX's PIPE_BUF */
#define HOLM_JOURNAL_ADDRESS_BYTES_MAX 127
#define HOLM_JOURNAL_TEXT_BYTES_MAX 255

enum holm_journal_type {
    HOLM_JOURNAL_HELLO = 1,
    HOLM_JOURNAL_OP = 2,
    HOLM_JOURNAL_SEEN = 3,
    HOLM_JOURNAL_REPORT = 4,
    HOLM_JOURNAL_FINAL = 5,
    HOLM_JOURNAL_ALIVE = 6,
    HOLM_JOURNAL_END = 7,
    HOLM_JOURNAL_LOG = 8,
    HOLM_JOURNAL_BURIED = 9
};

/* What an operation is to a hero. */
enum holm_journal_verb {
    HOLM_JOURNAL_BORN = 1,   /* +100 by its creation */
    HOLM_JOURNAL_BOOST = 2,  /* +amount */
    HOLM_JOURNAL_DAMAGE = 3, /* -amount */
    HOLM_JOURNAL_BURY = 4,
    HOLM_JOURNAL_WRITE = 5 /* anything else; amount 0 */
};

/* One entry of a vector, or the place of one operation. */
struct holm_journal_place {
    uint32_t partition;
    struct holm_dot dot;
};

struct holm_journal_hello {
    uint64_t pid;
    struct holm_actor self;
    char address[HOLM_JOURNAL_ADDRESS_BYTES_MAX + 1];
};

struct holm_journal_op {
    enum holm_journal_verb verb;
    struct holm_journal_place place;
    struct holm_hero_id hero;
    int64_t amount; /* never negative */
};

/* A city's figures at one moment. */
struct holm_journal_report {
    uint64_t token; /* of the last hold or go that the city has read */
    uint64_t epoch;
    uint64_t digest;
    uint64_t alive, here, patrolling, buried; /* heroes: present, of this city, and dead */
    uint64_t operations;                      /* minted by this life */
    uint64_t entries;                         /* of the largest vector of a partition */
    uint64_t peers, cuts;                     /* peers up, peers cut off on purpose */
    uint64_t fights, fallen, refused, errors; /* as in holm_city_figures, of this life */
    uint64_t breaches;                        /* equal vectors with unequal digests */
    uint64_t log_bytes;                       /* op log */
    uint64_t pulls, syncs;                    /* of this life: asked for; taken to their ends */
};

struct holm_journal_alive {
    struct holm_hero_id hero;
    int64_t health; /* the exact sum */
    bool patrolling;
    char city[HOLM_CITY_NAME_BYTES_MAX + 1];
};

struct holm_journal_end {
    uint64_t places; /* `final` lines */
    uint64_t heroes; /* `alive` lines */
    uint64_t buried; /* `buried` lines */
    uint64_t digest;
};

struct holm_journal_log {
    int level;
    char text[HOLM_JOURNAL_TEXT_BYTES_MAX + 1]; /* cut to size */
};

struct holm_journal_line {
    enum holm_journal_type type;
    union {
        struct holm_journal_hello hello;
        struct holm_journal_op op;
        struct holm_journal_place place; /* SEEN, FINAL */
        struct holm_journal_report report;
        struct holm_journal_alive alive;
        struct holm_hero_id buried;
        struct holm_journal_end end;
        struct holm_journal_log log;
    } as;
};

/* Writes the line with its newline and a NUL; returns its size without the NUL. */
size_t holm_journal_print(const struct holm_journal_line *line,
                          char text[HOLM_JOURNAL_LINE_BYTES_MAX]);

/*
 * Reads `size` bytes, which must be exactly one line with its newline. False when they are not:
 * then *line is of no use. Takes whatever bytes.
 */
bool holm_journal_parse(const char *text, size_t size, struct holm_journal_line *line);

/*
 * The line of the operation that got dot first + `index` in a committed batch. When fewer dots were
 * minted than there are operations, those that found nothing to do have none; a batch of one hero's
 * deed has at most one that can (its disabling, its burial), so which one it was is no question.
 */
void holm_journal_describe(const struct holm_receipt *receipt, const struct holm_op *ops,
                           size_t count, size_t index, struct holm_journal_line *line);

#endif
