/* SPDX-License-Identifier: Apache-2.0 */
/*
 * names.h - the field paths of a replica, each kept once and numbered.
 *
 *     number  0          1              2
 *     path    (record)   ("health")     ("pet" "name")
 *     used by            1,000,000      17 cells
 *
 * A cell names its path by number, so that a million records with the same four fields hold the
 * four paths once. The empty path is number 0, always there and never counted. A path that nobody
 * uses any more stays until the next sweep: a transaction that is rolled back may need it again.
 *
 * Invariants, verified by holm_names_check():
 *     N1  every path has one number, and is found by it
 *     N2  a path without users is in the list of the idle ones
 */
#ifndef HOLM_CRDT_NAMES_H
#define HOLM_CRDT_NAMES_H

#include "crdt/base.h"

#define HOLM_NAME_NONE UINT32_MAX

struct holm_name {
    unsigned char *bytes; /* NULL: number 0, or an unused one */
    uint64_t hash;
    uint32_t users;
    uint32_t next; /* in the list of the idle ones, or of unused numbers */
    uint16_t size;
    bool idle; /* is in that list */
};

struct holm_names {
    struct holm_allocator allocator;
    uint64_t seed;
    struct holm_name *names; /* by number */
    size_t count, capacity;
    uint32_t unused, idle; /* heads of lists, 0: empty */
    uint32_t *table;       /* numbers by hash, open addressing; 0: empty */
    size_t table_capacity; /* 0, or a power of two */
    size_t live;           /* numbers in use, without 0 */
    size_t bytes;          /* of the paths */
};

/* HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_names_init(struct holm_names *names,
                                                const struct holm_allocator *allocator,
                                                uint64_t seed);
void holm_names_release(struct holm_names *names);

/* The number of a path, or HOLM_NAME_NONE when no cell has it. O(1). */
uint32_t holm_names_find(const struct holm_names *names, struct holm_bytes path);

/* The number of a path, which gets one if it has none, without a user yet. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_names_intern(struct holm_names *names, struct holm_bytes path,
                                                  uint32_t *number);

/* One user more, one less. */
void holm_names_use(struct holm_names *names, uint32_t number);
void holm_names_leave(struct holm_names *names, uint32_t number);

/* Frees the paths without users. O(those that lost their last one). */
void holm_names_sweep_idle(struct holm_names *names);
static inline void holm_names_sweep(struct holm_names *names)
{
    if (names->idle != 0)
        holm_names_sweep_idle(names);
}

static inline struct holm_bytes holm_names_path(const struct holm_names *names, uint32_t number)
{
    HOLM_ASSERT(number < names->count);
    return holm_mem(names->names[number].bytes, names->names[number].size);
}

/* A keyed hash of the path, the same for the same path on every replica with that seed. */
static inline uint64_t holm_names_hash(const struct holm_names *names, uint32_t number)
{
    HOLM_ASSERT(number < names->count);
    return names->names[number].hash;
}
/* The same of a path that need not be known. O(bytes). */
uint64_t holm_names_hash_of(const struct holm_names *names, struct holm_bytes path);

/* The order of two paths' bytes. */
int holm_names_compare(const struct holm_names *names, uint32_t a, uint32_t b);

void holm_names_check(const struct holm_names *names);

#endif
