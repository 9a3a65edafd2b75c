/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ledger.h - what writers in other processes did, held against what a replica shows.
 *
 *     writer n1   I shall add 5 to c00000007     holm_bench_ledger_intend()
 *                 that was 1:88:4 of partition 3 holm_bench_ledger_took()      acknowledged
 *     replica n2  1:88 is covered up to 9 there  holm_bench_shown_cover()
 *                 c00000007 is 5                 holm_bench_shown_key()
 *     the end     both agree?                    holm_bench_ledger_check()
 *
 * A writer says what it will do before it does it, so what it had done is known however it dies: of
 * each writer at most the last intention has no acknowledgement, and the dot of that is the next one
 * of its partition. A write counts when the replica's vector covers its dot. Then
 *
 *     L1  a counter is the exact sum of all adds that count
 *     L2  a register is the latest put that counts: values are times, and grow with each put
 *     L3  a key is shown if and only if a write of it counts
 *     L4  every acknowledged write of a writer that lives counts
 */
#ifndef HOLM_BENCH_LEDGER_H
#define HOLM_BENCH_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <holm/value.h>

#define HOLM_BENCH_WRITERS_MAX 64
#define HOLM_BENCH_LEDGER_KEY_BYTES 24

struct holm_bench_deed {
    char key[HOLM_BENCH_LEDGER_KEY_BYTES];
    struct holm_dot dot;
    uint32_t partition, writer;
    int64_t value;  /* of a register, when amount is 0 */
    int64_t amount; /* added to a counter */
    bool taken;     /* acknowledged */
};

/* One life of a node. */
struct holm_bench_writer {
    uint32_t node;
    bool living;
    struct holm_actor actor;
    uint64_t *seqs; /* its last, of each partition */
    size_t last;    /* its last deed; SIZE_MAX: none */
};

struct holm_bench_ledger {
    uint32_t partitions;
    struct holm_bench_deed *deeds;
    size_t count, capacity;
    struct holm_bench_writer writers[HOLM_BENCH_WRITERS_MAX];
    uint32_t writer_count;
};

void holm_bench_ledger_init(struct holm_bench_ledger *ledger, uint32_t partitions);
void holm_bench_ledger_release(struct holm_bench_ledger *ledger);

/* A life begins, and one ends: a node has one at a time. */
void holm_bench_ledger_begin(struct holm_bench_ledger *ledger, uint32_t node,
                             struct holm_actor actor);
void holm_bench_ledger_end(struct holm_bench_ledger *ledger, uint32_t node);

/* A put of `value`, or, when it is not 0, an add of `amount`. */
void holm_bench_ledger_intend(struct holm_bench_ledger *ledger, uint32_t node, const char *key,
                              int64_t amount, int64_t value);
/* What it intended last is done, and has this dot. False: that is not the next of its partition. */
bool holm_bench_ledger_took(struct holm_bench_ledger *ledger, uint32_t node, uint32_t partition,
                            struct holm_dot dot);

/* ---- what a replica shows -------------------------------------------------------------------- */

struct holm_bench_shown_key {
    char key[HOLM_BENCH_LEDGER_KEY_BYTES];
    bool put, added;
    int64_t value, sum;
};

struct holm_bench_shown_cover {
    uint32_t partition;
    struct holm_dot dot;
};

struct holm_bench_shown {
    struct holm_bench_shown_key *keys;
    size_t count, capacity;
    struct holm_bench_shown_cover *covers;
    size_t cover_count, cover_capacity;
};

void holm_bench_shown_release(struct holm_bench_shown *shown);
void holm_bench_shown_cover(struct holm_bench_shown *shown, uint32_t partition,
                            struct holm_dot dot);
void holm_bench_shown_key(struct holm_bench_shown *shown, const struct holm_bench_shown_key *key);

/*
 * False when L1 to L4 do not all hold: `why` says what, of the first. O(n log n) of writes and keys.
 * `lost`, if not NULL, is set to how many acknowledged writes of the dead do not count: what nobody
 * had heard of when they died, which is allowed.
 */
bool holm_bench_ledger_check(const struct holm_bench_ledger *ledger, struct holm_bench_shown *shown,
                             char *why, size_t why_size, uint64_t *lost);

#endif
