/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshots.h - what tests of snapshots share: bytes in memory, and bytes whose checks are mended.
 */
#ifndef HOLM_TESTS_UNIT_SNAPSHOTS_H
#define HOLM_TESTS_UNIT_SNAPSHOTS_H

#include "proto/snapshot.h"

/* Bytes that grow. */
struct snapshot_bytes {
    unsigned char *data;
    size_t size, capacity;
    size_t fail_at; /* the sink refuses to go beyond so many bytes with HOLM_EIO; 0: never */
};

void snapshot_bytes_free(struct snapshot_bytes *bytes);

/* Writes the replica's present state behind what is there. */
enum holm_status snapshot_take(const struct holm_replica_config *config,
                               struct holm_replica *replica, struct snapshot_bytes *bytes);

/* Makes all checks right again, as far as there are whole parts. */
void snapshot_mend(unsigned char *bytes, size_t size);

/* NULL when two replicas have the same vector and content by their digests; else what differs. */
const char *snapshot_differ(const struct holm_replica *a, const struct holm_replica *b);

#endif
