/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cells.h"
#include "proto/snapshot.h"
#include "proto/snapshot_part.h"

/* What a part's message may take while it is read, beside the page that is made of it. */
#define PART_BYTES_MAX(size) (16384 + 32 * (size_t)(size))

struct loading {
    const struct holm_replica_config *config;
    const unsigned char *at, *end;
    uint64_t seed;
    struct holm_arena arena; /* of the head's vectors, until all is loaded */
    struct holm_vector_view vector, collected;
    void *pages; /* const struct holm_page *[] */
    size_t page_count, page_capacity;
    size_t page_bytes; /* staged */
    uint64_t items;
    struct holm_digest digest;
};

/* Takes the next part, if its check is right. */
static enum holm_status next_part(struct loading *loading, unsigned *kind, struct holm_bytes *bytes)
{
    const size_t around = HOLM_SNAPSHOT_PREFIX_BYTES + HOLM_SNAPSHOT_CHECK_BYTES;
    unsigned char check[HOLM_SNAPSHOT_CHECK_BYTES];
    size_t left = (size_t)(loading->end - loading->at);
    if (left < around)
        return HOLM_EMALFORMED;
    struct holm_snapshot_prefix prefix = holm_snapshot_prefix_read(loading->at);
    if (prefix.size > left - around)
        return HOLM_EMALFORMED;
    *kind = prefix.kind;
    *bytes = holm_mem(loading->at + HOLM_SNAPSHOT_PREFIX_BYTES, prefix.size);
    holm_snapshot_check(prefix, bytes->data, &loading->seed, check);
    loading->at += around + prefix.size;
    if (memcmp(check, loading->at - sizeof check, sizeof check) != 0)
        return HOLM_EMALFORMED;
    return HOLM_OK;
}

/* ---- reading a part's message -------------------------------------------------------------- */

/* What protobuf-c unpacks a part into. */
struct unpacking {
    struct holm_budget budget;
    struct holm_arena arena;
    ProtobufCAllocator allocator;
    struct holm_wire_reading reading;
};

static void *arena_alloc(void *arena, size_t size)
{
    return holm_arena_take(arena, size);
}

static void arena_free(void *arena, void *piece)
{
    (void)arena;
    (void)piece;
}

static void unpacking_init(struct unpacking *unpacking, const struct holm_replica_config *config,
                           size_t size)
{
    holm_budget_init(&unpacking->budget, &config->allocator, PART_BYTES_MAX(size));
    struct holm_allocator budgeted = holm_budget_allocator(&unpacking->budget);
    holm_arena_init(&unpacking->arena, &budgeted);
    unpacking->allocator = (ProtobufCAllocator){arena_alloc, arena_free, &unpacking->arena};
    unpacking->reading = (struct holm_wire_reading){
        .allocator = &config->allocator,
        .left = holm_codec_limits_default(config->frame_bytes_max),
        .arena = &unpacking->arena,
        .budget = &unpacking->budget,
        .unpacking = &unpacking->allocator,
    };
}

static enum holm_status unpack(struct unpacking *unpacking,
                               const ProtobufCMessageDescriptor *descriptor,
                               struct holm_bytes bytes, ProtobufCMessage **message)
{
    *message = protobuf_c_message_unpack(descriptor, &unpacking->allocator, bytes.size, bytes.data);
    if (*message != NULL)
        return (*message)->n_unknown_fields > 0 ? HOLM_EVERSION : HOLM_OK;
    return unpacking->budget.refusal == HOLM_OK ? HOLM_EMALFORMED : unpacking->budget.refusal;
}

/* ---- parts --------------------------------------------------------------------------------- */

/* The vectors outlive the part: they are read into the loading's own arena. */
static enum holm_status read_head(struct loading *loading, struct unpacking *unpacking,
                                  struct holm_bytes bytes)
{
    ProtobufCMessage *message = NULL;
    enum holm_status status = unpack(unpacking, &holm__wire__snapshot_head__descriptor, bytes,
                                     &message);
    if (status != HOLM_OK)
        return status;
    const Holm__Wire__SnapshotHead *head = (const Holm__Wire__SnapshotHead *)message;
    if (head->version >= HOLM_WIRE_VERSION)
        return HOLM_EVERSION;
    if (head->partition != loading->config->partition)
        return HOLM_ECLUSTER;
    /* Who keeps all tombstones could not keep dead what others have collected. */
    if (head->collected != NULL && loading->config->retention == HOLM_RETENTION_FOREVER)
        return HOLM_ECLUSTER;
    size_t entries_max = loading->config->actors_max + 1; /* its former life may be one more */
    unpacking->reading.arena = &loading->arena;
    unpacking->reading.left.vector_entries_max = entries_max;
    status = holm_wire_take_vector(&unpacking->reading, head->vector, &loading->vector);
    unpacking->reading.left.vector_entries_max = entries_max;
    if (status == HOLM_OK)
        status = holm_wire_take_collected(&unpacking->reading, head->collected,
                                          &loading->collected);
    return status == HOLM_ETOOBIG ? HOLM_ELIMIT : status;
}

static enum holm_status make_page(struct unpacking *unpacking, struct holm_bytes bytes,
                                  struct holm_page **page)
{
    struct holm_codec_limits limits = unpacking->reading.left;
    enum holm_status status = holm_cells_read_page(&unpacking->reading, bytes, page);
    if (status == HOLM_OK || status == HOLM_ENOMEM)
        return status;
    unpacking->reading.left = limits;
    ProtobufCMessage *message = NULL;
    status = unpack(unpacking, &holm__wire__cells__descriptor, bytes, &message);
    if (status != HOLM_OK)
        return status;
    return holm_wire_read_page(&unpacking->reading, (const Holm__Wire__Cells *)message, page);
}

static enum holm_status read_page(struct loading *loading, struct unpacking *unpacking,
                                  struct holm_bytes bytes)
{
    const struct holm_replica_config *config = loading->config;
    struct holm_page *page = NULL;
    if (bytes.size > config->frame_bytes_max)
        return HOLM_ETOOBIG;
    enum holm_status status = holm_array_reserve(
        &config->allocator, &loading->pages, &loading->page_capacity, sizeof(struct holm_page *),
        loading->page_count + 1);
    if (status == HOLM_OK)
        status = make_page(unpacking, bytes, &page);
    if (status != HOLM_OK)
        return status;
    struct holm_page **pages = loading->pages;
    pages[loading->page_count++] = page;
    loading->items += page->items.item_count;
    loading->page_bytes += page->memory_bytes;
    return loading->page_bytes > config->sync_bytes_max ? HOLM_ETOOBIG : HOLM_OK;
}

static enum holm_status read_foot(struct loading *loading, struct unpacking *unpacking,
                                  struct holm_bytes bytes)
{
    ProtobufCMessage *message = NULL;
    enum holm_status status = unpack(unpacking, &holm__wire__snapshot_foot__descriptor, bytes,
                                     &message);
    if (status != HOLM_OK)
        return status;
    const Holm__Wire__SnapshotFoot *foot = (const Holm__Wire__SnapshotFoot *)message;
    loading->digest = (struct holm_digest){foot->digest_low, foot->digest_high};
    if (foot->pages != loading->page_count || foot->items != loading->items ||
        loading->at != loading->end)
        return HOLM_EMALFORMED;
    return HOLM_OK;
}

static enum holm_status read_part(struct loading *loading, unsigned *kind)
{
    struct unpacking unpacking;
    struct holm_bytes bytes;
    bool begun = *kind != 0;
    enum holm_status status = next_part(loading, kind, &bytes);
    if (status != HOLM_OK)
        return status;
    if (*kind == 0 || begun == (*kind == HOLM_SNAPSHOT_HEAD))
        return HOLM_EMALFORMED;
    if (*kind > HOLM_SNAPSHOT_FOOT)
        return HOLM_EVERSION;
    unpacking_init(&unpacking, loading->config, bytes.size);
    if (*kind == HOLM_SNAPSHOT_HEAD)
        status = read_head(loading, &unpacking, bytes);
    else if (*kind == HOLM_SNAPSHOT_PAGE)
        status = read_page(loading, &unpacking, bytes);
    else
        status = read_foot(loading, &unpacking, bytes);
    holm_arena_release(&unpacking.arena);
    return status;
}

static enum holm_status read_parts(struct loading *loading)
{
    unsigned kind = 0;
    enum holm_status status = HOLM_EMALFORMED;
    if ((size_t)(loading->end - loading->at) >= HOLM_SNAPSHOT_MAGIC_BYTES &&
        memcmp(loading->at, HOLM_SNAPSHOT_MAGIC, HOLM_SNAPSHOT_MAGIC_BYTES) == 0)
        status = HOLM_OK;
    if (status == HOLM_OK)
        loading->at += HOLM_SNAPSHOT_MAGIC_BYTES;
    while (status == HOLM_OK && kind != HOLM_SNAPSHOT_FOOT)
        status = read_part(loading, &kind);
    return status;
}

/* ---- loading ------------------------------------------------------------------------------- */

static enum holm_status make_replica(const struct loading *loading, struct holm_now now,
                                     struct holm_replica **replica)
{
    struct holm_replica *made = NULL;
    const struct holm_work *work = NULL;
    enum holm_status status = holm_replica_new(loading->config, &made);
    if (status == HOLM_OK)
        status = holm_replica_load_collected(made, loading->vector, loading->collected,
                                             loading->pages, loading->page_count, now, &work);
    /* Checks were right: what was written is what was read, and only the seed can be another. */
    if (status == HOLM_OK && !holm_digest_equal(holm_replica_digest(made), loading->digest))
        status = HOLM_ECLUSTER;
    if (status != HOLM_OK) {
        holm_replica_free(made);
        return status;
    }
    *replica = made;
    return HOLM_OK;
}

enum holm_status holm_snapshot_load(const struct holm_replica_config *config,
                                    struct holm_bytes bytes, struct holm_now now,
                                    struct holm_replica **replica)
{
    const unsigned char *begin = bytes.size > 0 ? bytes.data : (const unsigned char *)"";
    struct loading loading = {.config = config, .at = begin, .end = begin + bytes.size};
    *replica = NULL;
    holm_arena_init(&loading.arena, &config->allocator);
    enum holm_status status = read_parts(&loading);
    if (status == HOLM_OK)
        status = make_replica(&loading, now, replica);
    struct holm_page **pages = loading.pages;
    for (size_t i = 0; i < loading.page_count; i++)
        holm_page_release(pages[i]);
    holm_array_free(&config->allocator, loading.pages, loading.page_capacity,
                    sizeof(struct holm_page *));
    holm_arena_release(&loading.arena);
    return status;
}
