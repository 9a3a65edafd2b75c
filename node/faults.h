/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults.h - which frames of which peers are lost on purpose; see <holm/fault.h>.
 *
 * Set by any thread, asked by the one that drives the engine.
 */
#ifndef HOLM_NODE_FAULTS_H
#define HOLM_NODE_FAULTS_H

#include <pthread.h>
#include <stdatomic.h>

#include <holm/fault.h>

#include "crdt/base.h"
#include "node/random.h"

#define HOLM_FAULTS_MAX 1024

struct holm_fault {
    struct holm_node_id peer;
    uint32_t permille_in;
    uint32_t permille_out;
};

struct holm_faults {
    pthread_mutex_t lock;
    struct holm_allocator allocator;
    struct holm_fault *faults;
    size_t capacity;
    atomic_size_t count;
    struct holm_random random;
    uint64_t dropped;
};

void holm_faults_init(struct holm_faults *faults, const struct holm_allocator *allocator,
                      uint64_t seed);
void holm_faults_release(struct holm_faults *faults);

/* As holm_fault_drop() and holm_fault_heal(), with HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_faults_set(struct holm_faults *faults,
                                                struct holm_node_id peer,
                                                enum holm_direction direction, uint32_t permille);
void holm_faults_clear(struct holm_faults *faults);

/* Whether a frame is to be lost: a draw. O(faults), O(1) without any. */
bool holm_faults_strike(struct holm_faults *faults, struct holm_node_id peer,
                        enum holm_direction direction);

#endif
