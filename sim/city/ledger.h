/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - all that the parent has heard from its cities, put in order.
 *
 *     life      one start of one city: its vector as reported (`seen`, only growing), and its final
 *               dump (`final`, as it was told last)
 *     place     (partition, actor), numbered in the order of mention; a vector is one seq a place
 *     op        one journalled operation, with its place, seq, hero and amount
 *
 * The ledger knows nothing of nodes and replicas: it is made of lines alone. What the cities should
 * have made of their operations is computed from it (verdict.h).
 */
#ifndef HOLM_SIM_CITY_LEDGER_H
#define HOLM_SIM_CITY_LEDGER_H

#include "sim/city/journal.h"

#define HOLM_LEDGER_NONE UINT32_MAX

struct holm_ledger_place {
    uint32_t partition;
    struct holm_actor actor;
};

struct holm_ledger_op {
    uint32_t place;
    uint32_t hero;
    uint64_t seq;
    enum holm_journal_verb verb;
    int64_t amount;
};

/* One seq a place, 0 for those beyond `count`. */
struct holm_ledger_vector {
    uint64_t *seqs;
    size_t count, capacity;
};

/* A living hero in a final dump. */
struct holm_ledger_alive {
    uint32_t hero;
    bool patrolling;
    int64_t health;
    char city[HOLM_CITY_NAME_BYTES_MAX + 1];
};

struct holm_ledger_life {
    uint32_t city;            /* the parent's number of the city */
    struct holm_node_id node; /* zero until its hello */
    bool died;                /* its memory is gone: what it said it had seen binds no one */
    struct holm_ledger_vector seen;
    struct holm_journal_report report; /* the last one */
    uint64_t reports;                  /* how many */
    bool dumped;                       /* a whole dump has come */
    struct holm_ledger_vector final;
    struct holm_ledger_alive *alive;
    size_t alive_count, alive_capacity;
    uint32_t *buried; /* heroes that the dump shows buried */
    size_t buried_count, buried_capacity;
    size_t final_count; /* `final` lines of the dump that is coming in */
    uint64_t digest;    /* of the dump */
};

/* A hash table from a key to a number; open addressing, 0 is empty, so numbers are kept plus 1. */
struct holm_ledger_index {
    uint32_t *slots;
    size_t capacity, count;
};

struct holm_ledger {
    struct holm_ledger_life *lives;
    size_t life_count, life_capacity;
    struct holm_ledger_place *places;
    size_t place_count, place_capacity;
    struct holm_ledger_index place_index;
    struct holm_hero_id *heroes;
    size_t hero_count, hero_capacity;
    struct holm_ledger_index hero_index;
    struct holm_ledger_op *ops;
    size_t op_count, op_capacity;
};

void holm_ledger_init(struct holm_ledger *ledger);
void holm_ledger_release(struct holm_ledger *ledger);

/* Opens the book of a new life of `city`; lives are numbered from 0. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_ledger_begin(struct holm_ledger *ledger, uint32_t city,
                                                  uint32_t *life);

/* Enters one line of a life. Lines of type LOG are ignored. HOLM_ENOMEM: it is not entered, and
 * no verdict can be given any more. */
HOLM_NODISCARD enum holm_status holm_ledger_take(struct holm_ledger *ledger, uint32_t life,
                                                 const struct holm_journal_line *line);

/* The process of this life is gone. Its lines stay. */
void holm_ledger_died(struct holm_ledger *ledger, uint32_t life);

/* Throws away what has come of a dump: a new one was asked for. */
void holm_ledger_redump(struct holm_ledger *ledger, uint32_t life);

uint64_t holm_ledger_seq(const struct holm_ledger_vector *vector, size_t place);

/* Entry by entry. O(places). */
bool holm_ledger_equal(const struct holm_ledger_vector *a, const struct holm_ledger_vector *b);

/* The number of a hero, or HOLM_LEDGER_NONE. */
uint32_t holm_ledger_hero(const struct holm_ledger *ledger, struct holm_hero_id id);

#endif
