/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cells.h"
#include "proto/snapshot.h"
#include "proto/snapshot_part.h"

static enum holm_status give(const struct holm_snapshot_writer *writer, const void *data,
                             size_t size)
{
    return writer->sink.write(writer->sink.context, holm_mem(data, size));
}

static enum holm_status give_part(struct holm_snapshot_writer *writer, enum holm_snapshot_kind kind,
                                  struct holm_bytes bytes)
{
    unsigned char head[HOLM_SNAPSHOT_PREFIX_BYTES];
    unsigned char check[HOLM_SNAPSHOT_CHECK_BYTES];
    if (bytes.size > UINT32_MAX)
        return HOLM_ETOOBIG;
    struct holm_snapshot_prefix prefix = {(unsigned char)kind, (uint32_t)bytes.size};
    holm_snapshot_prefix_write(prefix, head);
    holm_snapshot_check(prefix, bytes.data, &writer->seed, check);
    enum holm_status status = give(writer, head, sizeof head);
    if (status == HOLM_OK && bytes.size > 0)
        status = give(writer, bytes.data, bytes.size);
    if (status == HOLM_OK)
        status = give(writer, check, sizeof check);
    return status;
}

static enum holm_status give_message(struct holm_snapshot_writer *writer,
                                     enum holm_snapshot_kind kind, const ProtobufCMessage *message)
{
    unsigned char *bytes = NULL;
    size_t size = protobuf_c_message_get_packed_size(message);
    enum holm_status status = holm_wire_array(&writer->arena, size, 1, &bytes);
    if (status != HOLM_OK)
        return status;
    (void)protobuf_c_message_pack(message, bytes);
    return give_part(writer, kind, holm_mem(bytes, size));
}

void holm_snapshot_writer_init(struct holm_snapshot_writer *writer,
                               const struct holm_allocator *allocator,
                               struct holm_snapshot_sink sink)
{
    memset(writer, 0, sizeof *writer);
    writer->sink = sink;
    holm_encoder_init(&writer->encoder, allocator, UINT32_MAX);
    holm_arena_init(&writer->arena, allocator);
}

void holm_snapshot_writer_release(struct holm_snapshot_writer *writer)
{
    holm_arena_release(&writer->arena);
    holm_encoder_release(&writer->encoder);
}

enum holm_status holm_snapshot_begin(struct holm_snapshot_writer *writer, uint32_t partition,
                                     struct holm_vector_view vector,
                                     struct holm_vector_view collected)
{
    Holm__Wire__SnapshotHead head = HOLM__WIRE__SNAPSHOT_HEAD__INIT;
    head.version = HOLM_WIRE_VERSION_NEEDED - 1;
    head.partition = partition;
    enum holm_status status = holm_wire_write_vector(&writer->arena, vector, &head.vector);
    if (status == HOLM_OK)
        status = holm_wire_write_vector(&writer->arena, collected, &head.collected);
    if (status == HOLM_OK)
        status = give(writer, HOLM_SNAPSHOT_MAGIC, HOLM_SNAPSHOT_MAGIC_BYTES);
    if (status == HOLM_OK)
        status = give_message(writer, HOLM_SNAPSHOT_HEAD, &head.base);
    return status;
}

static enum holm_status write_page(struct holm_snapshot_writer *writer,
                                   const struct holm_page *page)
{
    struct holm_bytes bytes;
    writer->pages++;
    writer->items += page->items.item_count;
    enum holm_status status = holm_cells_encode_page(&writer->encoder, page, &bytes);
    if (status == HOLM_OK)
        status = give_part(writer, HOLM_SNAPSHOT_PAGE, bytes);
    return status;
}

enum holm_status holm_snapshot_pages(struct holm_snapshot_writer *writer,
                                     const struct holm_cut *cut)
{
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; status == HOLM_OK && i < holm_cut_page_count(cut); i++)
        status = write_page(writer, holm_cut_page(cut, i));
    return status;
}

enum holm_status holm_snapshot_end(struct holm_snapshot_writer *writer, struct holm_digest digest)
{
    Holm__Wire__SnapshotFoot foot = HOLM__WIRE__SNAPSHOT_FOOT__INIT;
    foot.pages = writer->pages;
    foot.items = writer->items;
    foot.digest_low = digest.low;
    foot.digest_high = digest.high;
    return give_message(writer, HOLM_SNAPSHOT_FOOT, &foot.base);
}

enum holm_status holm_snapshot_write(const struct holm_replica_config *config,
                                     const struct holm_cut *cut,
                                     const struct holm_snapshot_sink *sink)
{
    struct holm_snapshot_writer writer;
    holm_snapshot_writer_init(&writer, &config->allocator, *sink);
    enum holm_status status = holm_snapshot_begin(&writer, config->partition, holm_cut_vector(cut),
                                                  holm_cut_collected(cut));
    if (status == HOLM_OK)
        status = holm_snapshot_pages(&writer, cut);
    if (status == HOLM_OK)
        status = holm_snapshot_end(&writer, holm_cut_digest(cut));
    holm_snapshot_writer_release(&writer);
    return status;
}
