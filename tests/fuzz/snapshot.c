/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a snapshot: as they are, with their checks made right, and with a foot that fits what
 * a replica makes of the pages. What loads must be a sound replica, and load again from what it
 * writes, with equal digests.
 */
#include <stdio.h>
#include <stdlib.h>

#include "proto/codec.h"
#include "proto/field.h"
#include "proto/holm.pb-c.h"
#include "proto/snapshot.h"
#include "proto/snapshot_part.h"
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

/* ---- a foot that fits ---------------------------------------------------------------------- */

#define PAGES_MAX 64
#define PART_BYTES_MAX 8192

/* A snapshot's parts, read as messages of a sync. */
struct parts {
    struct holm_allocator allocator;
    struct holm_decoded *vector;
    struct holm_decoded *pages[PAGES_MAX];
    size_t page_count;
    uint64_t items;
    size_t end; /* of the last page */
};

/* A frame of partition 5 that has these bytes as the field `inner` of the message `outer`. */
static struct holm_decoded *decode(const struct parts *parts, unsigned outer, unsigned inner,
                                   struct holm_bytes bytes)
{
    struct holm_codec_limits limits = holm_codec_limits_default(0);
    unsigned char frame[PART_BYTES_MAX + 64] = {0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x20, 5};
    unsigned char *at = frame + 11;
    struct holm_decoded *decoded = NULL;
    if (bytes.size > PART_BYTES_MAX)
        return NULL;
    at = holm_varint_write(at, (uint64_t)outer << 3 | HOLM_FIELD_SIZED);
    at = holm_varint_write(at, 1 + holm_varint_size(bytes.size) + bytes.size);
    at = holm_varint_write(at, (uint64_t)inner << 3 | HOLM_FIELD_SIZED);
    at = holm_varint_write(at, bytes.size);
    if (bytes.size > 0)
        memcpy(at, bytes.data, bytes.size);
    at += bytes.size;
    (void)!holm_codec_decode(&parts->allocator, &limits, holm_mem(frame, (size_t)(at - frame)),
                             &decoded);
    return decoded;
}

/* The vector of a head, which is its field 3. */
static struct holm_bytes vector_of(struct holm_bytes head)
{
    const unsigned char *at = head.data;
    const unsigned char *end = at + head.size;
    struct holm_bytes vector = {"", 0};
    while (at != NULL && at < end) {
        struct holm_field field;
        at = holm_field_read(at, end, &field);
        if (at != NULL && field.number == 3 && field.form == HOLM_FIELD_SIZED)
            vector = holm_mem(field.at, (size_t)field.value);
    }
    return vector;
}

static bool read_part(struct parts *parts, struct holm_snapshot_prefix prefix,
                      struct holm_bytes bytes)
{
    if (prefix.kind == HOLM_SNAPSHOT_HEAD && parts->vector == NULL) {
        parts->vector = decode(parts, 4 + HOLM_MESSAGE_SYNC_OPEN, 2, vector_of(bytes));
        return parts->vector != NULL;
    }
    if (prefix.kind != HOLM_SNAPSHOT_PAGE || parts->page_count == PAGES_MAX)
        return false;
    struct holm_decoded *page = decode(parts, 4 + HOLM_MESSAGE_SYNC_PAGE, 3, bytes);
    if (page == NULL)
        return false;
    parts->pages[parts->page_count++] = page;
    parts->items += page->message.as.sync_page.page->items.item_count;
    return true;
}

static void read_parts(struct parts *parts, const unsigned char *data, size_t size)
{
    const size_t around = HOLM_SNAPSHOT_PREFIX_BYTES + HOLM_SNAPSHOT_CHECK_BYTES;
    parts->end = HOLM_SNAPSHOT_MAGIC_BYTES;
    while (parts->end + around <= size) {
        struct holm_snapshot_prefix prefix = holm_snapshot_prefix_read(data + parts->end);
        const unsigned char *begin = data + parts->end + HOLM_SNAPSHOT_PREFIX_BYTES;
        if (prefix.size > size - parts->end - around ||
            !read_part(parts, prefix, holm_mem(begin, prefix.size)))
            return;
        parts->end += around + prefix.size;
    }
}

/* What a replica makes of them; NULL: they are refused. */
static struct holm_replica *merge(const struct holm_replica_config *config,
                                  const struct parts *parts)
{
    const struct holm_now now = {1000000, UINT64_C(1700000000000)};
    const struct holm_work *work = NULL;
    const struct holm_page *pages[PAGES_MAX];
    struct holm_replica *replica = NULL;
    require(holm_replica_new(config, &replica) == HOLM_OK, "no replica");
    for (size_t i = 0; i < parts->page_count; i++)
        pages[i] = parts->pages[i]->message.as.sync_page.page;
    if (holm_replica_load(replica, parts->vector->message.as.sync_open.vector, pages,
                          parts->page_count, now, &work) == HOLM_OK)
        return replica;
    holm_replica_free(replica);
    return NULL;
}

/* The pages with a foot behind them; `data` has room for it. Returns the new size. */
static size_t put_foot(const struct parts *parts, const struct holm_replica *replica,
                       unsigned char *data)
{
    Holm__Wire__SnapshotFoot foot = HOLM__WIRE__SNAPSHOT_FOOT__INIT;
    foot.pages = parts->page_count;
    foot.items = parts->items;
    foot.digest_low = holm_replica_digest(replica).low;
    foot.digest_high = holm_replica_digest(replica).high;
    struct holm_snapshot_prefix prefix = {
        HOLM_SNAPSHOT_FOOT, (uint32_t)holm__wire__snapshot_foot__get_packed_size(&foot)};
    holm_snapshot_prefix_write(prefix, data + parts->end);
    (void)holm__wire__snapshot_foot__pack(&foot, data + parts->end + HOLM_SNAPSHOT_PREFIX_BYTES);
    return parts->end + HOLM_SNAPSHOT_PREFIX_BYTES + prefix.size + HOLM_SNAPSHOT_CHECK_BYTES;
}

static void try_footed(const struct holm_replica_config *config, const uint8_t *data, size_t size)
{
    struct parts parts = {.allocator = config->allocator};
    unsigned char *footed = malloc(size + 128);
    require(footed != NULL, "out of memory");
    if (size > 0)
        memcpy(footed, data, size);
    read_parts(&parts, footed, size);
    struct holm_replica *replica = parts.vector == NULL ? NULL : merge(config, &parts);
    if (replica != NULL) {
        size = put_foot(&parts, replica, footed);
        snapshot_mend(footed, size);
        try_bytes(config, footed, size);
    }
    holm_replica_free(replica);
    holm_decoded_free(parts.vector);
    for (size_t i = 0; i < parts.page_count; i++)
        holm_decoded_free(parts.pages[i]);
    free(footed);
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
    try_footed(&config, mended, size);
    free(mended);
    require(heap.blocks == 0, "memory is left behind");
    return 0;
}
