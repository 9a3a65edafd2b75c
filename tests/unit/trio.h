/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trio.h - three replicas side by side, without a reference: for sizes, times and insides.
 *
 * Nothing is lost or late; what a replica wants to send waits in a queue until trio_run(). Peer
 * numbers are places in the trio. Links are all up; with `deaf`, broadcasts go nowhere.
 */
#ifndef HOLM_TESTS_UNIT_TRIO_H
#define HOLM_TESTS_UNIT_TRIO_H

#include "crdt/replica_parts.h"
#include "tests/model/parcel.h"
#include "tests/unit/core.h"

#define TRIO 3

struct trio_letter {
    uint32_t from, to;
    struct parcel *parcel;
};

struct trio {
    struct heap heap;
    struct holm_allocator allocator;
    struct parcel_office office;
    struct holm_replica *replicas[TRIO];
    uint64_t now_us;
    bool deaf;
    bool mute_acks;               /* acknowledgements are lost */
    bool frozen[TRIO];            /* what is sent to it waits, and it is not woken */
    bool cut[TRIO][TRIO];         /* from, to: nothing arrives, and nobody is told */
    enum holm_message_type lossy; /* every fifth message of this type is lost */
    uint64_t lossy_count;
    const struct holm_work *work;             /* of the last step */
    uint64_t sent[HOLM_MESSAGE_TYPE_MAX + 1]; /* over links and broadcasts */
    struct trio_letter *letters;
    size_t letter_count, letter_capacity;
};

/* The default limits, to be changed before trio_open(). */
struct holm_replica_config trio_config(void);
void trio_open(struct trio *trio, const struct holm_replica_config *limits);
/* Checks every replica, and that nothing has leaked. */
void trio_close(struct trio *trio);

enum holm_status trio_step(struct trio *trio, uint32_t node, const struct holm_event *event);
enum holm_status trio_event(struct trio *trio, uint32_t node, enum holm_event_type type);
enum holm_status trio_commit(struct trio *trio, uint32_t node, const struct holm_op *ops,
                             size_t count);
/* One operation that must succeed. */
void trio_write(struct trio *trio, uint32_t node, struct holm_op op);
/* A message arrives now. */
enum holm_status trio_give(struct trio *trio, uint32_t to, uint32_t from,
                           const struct holm_message *message);
enum holm_status trio_give_delta(struct trio *trio, uint32_t to, uint32_t from,
                                 struct holm_delta *delta);
/* Seals, and tells the others over their links. */
void trio_beacon(struct trio *trio, uint32_t node);

/* Carries letters and wakes whoever is to be woken, for this long. Returns the number of wakes. */
uint64_t trio_run(struct trio *trio, uint64_t us);

/* A copy of the newest run in the op log, to be changed before it is given; one reference. */
struct holm_delta *trio_last_run(struct trio *trio, uint32_t node);

static inline struct holm_replica_stats trio_stats(const struct trio *trio, uint32_t node)
{
    struct holm_replica_stats stats;
    holm_replica_stats(trio->replicas[node], &stats);
    return stats;
}

#endif
