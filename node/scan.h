/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scan.h - a cut of one partition: views of all its present records under a prefix.
 *
 * A scan owns its views and refers to nothing else.
 */
#ifndef HOLM_NODE_SCAN_H
#define HOLM_NODE_SCAN_H

#include <holm/holm.h>

#include "crdt/replica.h"

/*
 * Copies the records whose keys begin with `prefix`. The caller holds whatever keeps the replica
 * from stepping, and frees *scan with holm_scan_close(). Found as holm_replica_visit_keys() says; O(cells)
 * to copy those that match.
 *   HOLM_ENOMEM  *scan is NULL
 */
HOLM_NODISCARD enum holm_status holm_scan_copy(const struct holm_replica *replica,
                                               struct holm_bytes prefix, struct holm_scan **scan);

#endif
