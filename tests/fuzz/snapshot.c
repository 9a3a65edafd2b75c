/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a snapshot, as they are and with their checks made right. What loads must be a sound
 * replica, and load again from what it writes, with equal digests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/snapshot.h"
#include "tests/model/heap.h"
#include "tests/unit/snapshots.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "snapshot: %s\n", what);
        abort();
    }
}

static struct holm_replica *load(const struct holm_replica_config *config, const uint8_t *data,
                                 size_t size)
{
    const struct holm_now now = {1000000, UINT64_C(1700000000000)};
    struct holm_replica *replica = NULL;
    enum holm_status status = holm_snapshot_load(config, holm_mem(data, size), now, &replica);
    require((status == HOLM_OK) == (replica != NULL), "status and result contradict each other");
    require(status == HOLM_OK || status == HOLM_EMALFORMED || status == HOLM_EVERSION ||
                status == HOLM_ECLUSTER || status == HOLM_ETOOBIG || status == HOLM_ELIMIT ||
                status == HOLM_EDUPLICATE,
            "a status that loading does not have");
    return replica;
}

static void go_round(const struct holm_replica_config *config, struct holm_replica *replica)
{
    struct snapshot_bytes bytes = {.size = 0};
    holm_replica_check(replica);
    require(snapshot_take(config, replica, &bytes) == HOLM_OK, "what was loaded is not written");
    struct holm_replica *again = load(config, bytes.data, bytes.size);
    require(again != NULL, "what was written does not load");
    const char *why = snapshot_differ(replica, again);
    require(why == NULL, why == NULL ? "" : why);
    holm_replica_free(again);
    snapshot_bytes_free(&bytes);
}

static void try_bytes(const struct holm_replica_config *config, const uint8_t *data, size_t size)
{
    struct holm_replica *replica = load(config, data, size);
    if (replica != NULL)
        go_round(config, replica);
    holm_replica_free(replica);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap heap = {0};
    struct holm_replica_config config = holm_replica_config_default();
    config.allocator = heap_allocator(&heap);
    config.partition = 5;
    config.digest_seed = 77;
    config.self = (struct holm_actor){{9}, {1}};
    try_bytes(&config, data, size);
    unsigned char *mended = malloc(size > 0 ? size : 1);
    require(mended != NULL, "out of memory");
    if (size > 0)
        memcpy(mended, data, size);
    snapshot_mend(mended, size);
    try_bytes(&config, mended, size);
    free(mended);
    require(heap.blocks == 0, "memory is left behind");
    return 0;
}
