/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/snapshots.h"

#include <stdlib.h>

#include "proto/snapshot_part.h"

static enum holm_status append(void *context, struct holm_bytes piece)
{
    struct snapshot_bytes *bytes = context;
    if (bytes->fail_at != 0 && bytes->size + piece.size > bytes->fail_at)
        return HOLM_EIO;
    if (bytes->capacity - bytes->size < piece.size) {
        bytes->capacity = 2 * bytes->capacity + piece.size;
        bytes->data = realloc(bytes->data, bytes->capacity);
        if (bytes->data == NULL)
            abort();
    }
    memcpy(bytes->data + bytes->size, piece.data, piece.size);
    bytes->size += piece.size;
    return HOLM_OK;
}

void snapshot_bytes_free(struct snapshot_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct snapshot_bytes){.size = 0};
}

enum holm_status snapshot_take(const struct holm_replica_config *config,
                               struct holm_replica *replica, struct snapshot_bytes *bytes)
{
    const struct holm_now now = {1000000, 1};
    const struct holm_work *work = NULL;
    struct holm_cut *cut = NULL;
    enum holm_status status = holm_cut_open(replica, now, &work, &cut);
    if (status != HOLM_OK)
        return status;
    struct holm_snapshot_sink sink = {append, bytes};
    status = holm_snapshot_write(config, cut, &sink);
    holm_cut_close(cut);
    return status;
}

void snapshot_mend(unsigned char *bytes, size_t size)
{
    const size_t around = HOLM_SNAPSHOT_PREFIX_BYTES + HOLM_SNAPSHOT_CHECK_BYTES;
    size_t at = HOLM_SNAPSHOT_MAGIC_BYTES;
    uint64_t seed = 0;
    while (at + around <= size) {
        struct holm_snapshot_prefix prefix = holm_snapshot_prefix_read(bytes + at);
        if (prefix.size > size - at - around)
            return;
        unsigned char *begin = bytes + at + HOLM_SNAPSHOT_PREFIX_BYTES;
        holm_snapshot_check(prefix, begin, &seed, begin + prefix.size);
        at += around + prefix.size;
    }
}

const char *snapshot_differ(const struct holm_replica *a, const struct holm_replica *b)
{
    if (holm_replica_vector_hash(a) != holm_replica_vector_hash(b) ||
        holm_replica_vector(a, NULL, 0) != holm_replica_vector(b, NULL, 0))
        return "vectors";
    struct holm_vector_view collected = holm_replica_collected(a);
    struct holm_vector_view other = holm_replica_collected(b);
    if (collected.count != other.count ||
        (collected.count > 0 && memcmp(collected.entries, other.entries,
                                       collected.count * sizeof *collected.entries) != 0))
        return "collected tombstones";
    if (!holm_digest_equal(holm_replica_digest(a), holm_replica_digest(b)))
        return "digests";
    if (!holm_digest_equal(holm_replica_transfer_digest(a), holm_replica_transfer_digest(b)))
        return "transfer digests";
    return NULL;
}
