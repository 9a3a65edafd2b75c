/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store_replica.h - a replica of what a store has of a partition.
 *
 *     saved state  ->  replica
 *     runs since   ->  applied, as if a peer had sent them
 */
#ifndef HOLM_NODE_STORE_REPLICA_H
#define HOLM_NODE_STORE_REPLICA_H

#include "crdt/replica.h"
#include "node/store.h"

/*
 * Makes one with this configuration. *replica is the caller's on success; what was made of it before a failure is, too, if
 * it is not NULL.
 *   what the store's load() and holm_snapshot_load() return
 * O(bytes stored).
 */
HOLM_NODISCARD enum holm_status holm_store_replica(struct holm_store *store,
                                                   const struct holm_replica_config *config,
                                                   struct holm_now now,
                                                   struct holm_replica **replica);

#endif
