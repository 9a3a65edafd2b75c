/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine_wait.h - what the calls that wait, and watches that go on, ask of an engine.
 *
 * Any thread; each takes the lock of one partition after the other, for as long as it looks, and none waits. What
 * is said of a replica is in crdt/replica_wait.h. Partitions are those of the data.
 */
#ifndef HOLM_NODE_ENGINE_WAIT_H
#define HOLM_NODE_ENGINE_WAIT_H

#include "crdt/replica_wait.h"
#include "node/engine.h"

/* The actor under which this life began. A later epoch of it is as well this life's. */
struct holm_actor holm_engine_life(const struct holm_engine *engine);
/* The same for all nodes of a cluster, and for no other. */
uint64_t holm_engine_cluster(const struct holm_engine *engine);

/* Retention `stable`: there is a member list. */
bool holm_engine_has_members(const struct holm_engine *engine);

/* Whether writes of a partition wait in the journal; and what else the present epoch has minted. */
bool holm_engine_journals(struct holm_engine *engine, uint32_t partition, uint64_t *minted);

/* How many nodes there are beside this one, up or not: other members; with `forever`, those it has met.
 * UNKNOWN: it is no member. */
#define HOLM_ENGINE_OTHERS_UNKNOWN UINT32_MAX
uint32_t holm_engine_others(struct holm_engine *engine);

/* `index`: the partition's, here and below. */
enum holm_presence holm_engine_presence(struct holm_engine *engine, uint32_t index,
                                        struct holm_vector_view vector);

/* How many peers that are up are known to have an operation. *mark is zero at first, and then what the last call with
 * the same operation made of it: what is sealed here when the operation is. */
uint32_t holm_engine_sharing(struct holm_engine *engine, uint32_t index, struct holm_dot dot,
                             struct holm_dot *mark);
/* With retention `stable`. */
bool holm_engine_is_stable(struct holm_engine *engine, uint32_t partition, struct holm_dot dot);

/* Asks all peers what they have now. *number: 0, and what the question is called is put there, or stays 0 as long as this
 * epoch is no member; else who has not answered that one is asked again. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_engine_hear(struct holm_engine *engine, uint32_t partition,
                                                 uint64_t *number, struct holm_now now);
/* How many peers have told all that they had at question numbers[i], in partition first + i, for each i < count. */
uint32_t holm_engine_heard(struct holm_engine *engine, uint32_t first, const uint64_t *numbers,
                           uint32_t count);

/* Seals, and copies at most *count entries of the vector; *count is how many there are. HOLM_ENOMEM: it is that of the
 * last seal. */
HOLM_NODISCARD enum holm_status holm_engine_vector(struct holm_engine *engine, uint32_t partition,
                                                   struct holm_dot *entries, size_t *count,
                                                   struct holm_now now);
/* Seals, and visits what has changed since. Under the lock: the visitor must not call back.
 *   HOLM_ENOENT  as holm_replica_visit_changes(). HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_engine_changes(struct holm_engine *engine, uint32_t partition,
                                                    struct holm_vector_view since,
                                                    holm_change_visitor *visit, void *context,
                                                    struct holm_now now);

#endif
