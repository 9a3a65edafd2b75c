/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cells.h"
#include "proto/snapshot.h"
#include "proto/snapshot_part.h"

struct writing {
    const struct holm_snapshot_sink *sink;
    struct holm_encoder encoder; /* of pages */
    struct holm_arena arena;     /* of head and foot */
    uint64_t seed;
    uint64_t items;
};

static enum holm_status give(const struct writing *writing, const void *data, size_t size)
{
    return writing->sink->write(writing->sink->context, holm_mem(data, size));
}

static enum holm_status give_part(struct writing *writing, enum holm_snapshot_kind kind,
                                  struct holm_bytes bytes)
{
    unsigned char head[HOLM_SNAPSHOT_PREFIX_BYTES];
    unsigned char check[HOLM_SNAPSHOT_CHECK_BYTES];
    if (bytes.size > UINT32_MAX)
        return HOLM_ETOOBIG;
    struct holm_snapshot_prefix prefix = {(unsigned char)kind, (uint32_t)bytes.size};
    holm_snapshot_prefix_write(prefix, head);
    holm_snapshot_check(prefix, bytes.data, &writing->seed, check);
    enum holm_status status = give(writing, head, sizeof head);
    if (status == HOLM_OK && bytes.size > 0)
        status = give(writing, bytes.data, bytes.size);
    if (status == HOLM_OK)
        status = give(writing, check, sizeof check);
    return status;
}

static enum holm_status give_message(struct writing *writing, enum holm_snapshot_kind kind,
                                     const ProtobufCMessage *message)
{
    unsigned char *bytes = NULL;
    size_t size = protobuf_c_message_get_packed_size(message);
    enum holm_status status = holm_wire_array(&writing->arena, size, 1, &bytes);
    if (status != HOLM_OK)
        return status;
    (void)protobuf_c_message_pack(message, bytes);
    return give_part(writing, kind, holm_mem(bytes, size));
}

static enum holm_status write_head(struct writing *writing,
                                   const struct holm_replica_config *config,
                                   const struct holm_cut *cut)
{
    Holm__Wire__SnapshotHead head = HOLM__WIRE__SNAPSHOT_HEAD__INIT;
    head.version = HOLM_WIRE_VERSION_NEEDED - 1;
    head.partition = config->partition;
    enum holm_status status = holm_wire_write_vector(&writing->arena, holm_cut_vector(cut),
                                                     &head.vector);
    if (status == HOLM_OK)
        status = holm_wire_write_vector(&writing->arena, holm_cut_collected(cut), &head.collected);
    if (status == HOLM_OK)
        status = give(writing, HOLM_SNAPSHOT_MAGIC, HOLM_SNAPSHOT_MAGIC_BYTES);
    if (status == HOLM_OK)
        status = give_message(writing, HOLM_SNAPSHOT_HEAD, &head.base);
    return status;
}

static enum holm_status write_page(struct writing *writing, const struct holm_page *page)
{
    struct holm_bytes bytes;
    writing->items += page->items.item_count;
    enum holm_status status = holm_cells_encode_page(&writing->encoder, page, &bytes);
    if (status == HOLM_OK)
        status = give_part(writing, HOLM_SNAPSHOT_PAGE, bytes);
    return status;
}

static enum holm_status write_foot(struct writing *writing, const struct holm_cut *cut)
{
    Holm__Wire__SnapshotFoot foot = HOLM__WIRE__SNAPSHOT_FOOT__INIT;
    foot.pages = holm_cut_page_count(cut);
    foot.items = writing->items;
    foot.digest_low = holm_cut_digest(cut).low;
    foot.digest_high = holm_cut_digest(cut).high;
    return give_message(writing, HOLM_SNAPSHOT_FOOT, &foot.base);
}

enum holm_status holm_snapshot_write(const struct holm_replica_config *config,
                                     const struct holm_cut *cut,
                                     const struct holm_snapshot_sink *sink)
{
    struct writing writing = {.sink = sink};
    holm_encoder_init(&writing.encoder, &config->allocator, UINT32_MAX);
    holm_arena_init(&writing.arena, &config->allocator);
    enum holm_status status = write_head(&writing, config, cut);
    for (size_t i = 0; status == HOLM_OK && i < holm_cut_page_count(cut); i++)
        status = write_page(&writing, holm_cut_page(cut, i));
    if (status == HOLM_OK)
        status = write_foot(&writing, cut);
    holm_arena_release(&writing.arena);
    holm_encoder_release(&writing.encoder);
    return status;
}
