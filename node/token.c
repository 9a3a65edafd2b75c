/* SPDX-License-Identifier: Apache-2.0 */
#include "node/token.h"

#include <stdlib.h>

#include <xxhash.h>

#include "node/waiting.h"

static const unsigned char receipt_magic[4] = {'h', 'l', 'r', '1'};
static const unsigned char position_magic[4] = {'h', 'l', 'p', '1'};

/* ---- numbers -------------------------------------------------------------------------------- */

static void put_number(unsigned char **at, uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        *(*at)++ = (unsigned char)(number >> 8 * i);
}

static uint64_t take_number(const unsigned char **at, size_t size)
{
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++)
        number |= (uint64_t) * (*at)++ << 8 * i;
    return number;
}

static void put_dot(unsigned char **at, struct holm_dot dot)
{
    put_number(at, dot.actor.node.value, 8);
    put_number(at, dot.actor.epoch.value, 8);
    put_number(at, dot.seq, 8);
}

static struct holm_dot take_dot(const unsigned char **at)
{
    struct holm_dot dot;
    dot.actor.node.value = take_number(at, 8);
    dot.actor.epoch.value = take_number(at, 8);
    dot.seq = take_number(at, 8);
    return dot;
}

static uint32_t cluster_of(struct holm_engine *engine)
{
    return (uint32_t)holm_engine_cluster(engine);
}

/* ---- receipts ------------------------------------------------------------------------------- */

#define RECEIPT_CHECK_AT (HOLM_RECEIPT_BYTES - 8)

enum holm_status holm_receipt_encode(struct holm_node *node, const struct holm_receipt *receipt,
                                     unsigned char bytes[HOLM_RECEIPT_BYTES])
{
    enum holm_status status = holm_node_check(node);
    unsigned char *at = bytes;
    if (status != HOLM_OK)
        return status;
    if (receipt->journalled)
        return HOLM_EBUSY;
    memcpy(at, receipt_magic, sizeof receipt_magic);
    at += sizeof receipt_magic;
    put_number(&at, cluster_of(node->engine), 4);
    /* Both are small: 1,024 partitions, and what a frame holds. */
    put_number(&at, receipt->partition, 2);
    put_number(&at, holm_engine_partitions(node->engine), 2);
    put_number(&at, receipt->count, 4);
    put_dot(&at, receipt->first);
    HOLM_ASSERT(at == bytes + RECEIPT_CHECK_AT);
    put_number(&at, XXH3_64bits(bytes, RECEIPT_CHECK_AT), 8);
    return HOLM_OK;
}

/* What encode() would not have written. */
static bool is_receipt(const struct holm_receipt *receipt)
{
    bool none = receipt->first.actor.node.value == 0 && receipt->first.actor.epoch.value == 0 &&
                receipt->first.seq == 0;
    if (receipt->count == 0)
        return none || receipt->first.actor.node.value != 0;
    return receipt->first.actor.node.value != 0 && receipt->first.actor.epoch.value != 0 &&
           receipt->first.seq > 0 && receipt->first.seq < UINT64_MAX - receipt->count;
}

enum holm_status holm_receipt_decode(struct holm_node *node, struct holm_bytes bytes,
                                     struct holm_receipt *receipt)
{
    enum holm_status status = holm_node_check(node);
    const unsigned char *at = bytes.data;
    struct holm_receipt read = {.journalled = false};
    if (status != HOLM_OK)
        return status;
    if (bytes.size != HOLM_RECEIPT_BYTES || memcmp(at, receipt_magic, sizeof receipt_magic) != 0)
        return HOLM_EMALFORMED;
    const unsigned char *check = at + RECEIPT_CHECK_AT;
    if (take_number(&check, 8) != XXH3_64bits(at, RECEIPT_CHECK_AT))
        return HOLM_EMALFORMED;
    at += sizeof receipt_magic;
    bool ours = take_number(&at, 4) == cluster_of(node->engine);
    read.partition = (uint32_t)take_number(&at, 2);
    ours &= take_number(&at, 2) == holm_engine_partitions(node->engine);
    read.count = (uint32_t)take_number(&at, 4);
    read.first = take_dot(&at);
    if (!ours)
        return HOLM_ECLUSTER;
    if (!is_receipt(&read) || read.partition >= holm_engine_partitions(node->engine))
        return HOLM_EMALFORMED;
    *receipt = read;
    return HOLM_OK;
}

/* ---- positions ------------------------------------------------------------------------------ */

/* What has been written, and what there would be to write with room enough. */
struct writing {
    struct holm_node *node;
    unsigned char *bytes;
    size_t capacity, size;
    struct holm_dot *entries; /* room for one vector */
    size_t entry_capacity;
};

static enum holm_status copy_vector(struct writing *writing, uint32_t partition, size_t *count)
{
    enum holm_status status = HOLM_OK;
    for (;;) {
        *count = writing->entry_capacity;
        status = holm_engine_vector(writing->node->engine, partition, writing->entries, count,
                                    holm_node_now(writing->node));
        if (status != HOLM_OK || *count <= writing->entry_capacity)
            return status;
        struct holm_dot *grown = realloc(writing->entries, *count * sizeof *grown);
        if (grown == NULL)
            return HOLM_ENOMEM;
        writing->entries = grown;
        writing->entry_capacity = *count;
    }
}

static enum holm_status write_part(struct writing *writing, uint32_t partition)
{
    size_t count;
    enum holm_status status = copy_vector(writing, partition, &count);
    if (status != HOLM_OK)
        return status;
    size_t size = HOLM_POSITION_PART_BYTES + count * HOLM_POSITION_ENTRY_BYTES;
    if (writing->size + size <= writing->capacity) {
        unsigned char *at = writing->bytes + writing->size;
        put_number(&at, partition, 4);
        put_number(&at, count, 4);
        for (size_t i = 0; i < count; i++)
            put_dot(&at, writing->entries[i]);
    }
    writing->size += size;
    return HOLM_OK;
}

static uint64_t check_of(const unsigned char *bytes, size_t size)
{
    return XXH3_64bits_withSeed(bytes + HOLM_POSITION_HEAD_BYTES, size - HOLM_POSITION_HEAD_BYTES,
                                XXH3_64bits(bytes, HOLM_POSITION_HEAD_BYTES - 8));
}

static void write_head(struct writing *writing, uint32_t count)
{
    unsigned char *at = writing->bytes;
    HOLM_ASSERT(at != NULL); /* there is room for more than nothing */
    memcpy(at, position_magic, sizeof position_magic);
    at += sizeof position_magic;
    put_number(&at, cluster_of(writing->node->engine), 4);
    put_number(&at, holm_engine_partitions(writing->node->engine), 4);
    put_number(&at, count, 4);
    put_number(&at, 0, 8);
    put_number(&at, check_of(writing->bytes, writing->size), 8);
}

enum holm_status holm_position(struct holm_node *node, uint32_t partition, void *buffer,
                               size_t capacity, size_t *size)
{
    enum holm_status status = holm_node_check(node);
    *size = 0;
    if (status != HOLM_OK)
        return status;
    uint32_t partitions = holm_engine_partitions(node->engine);
    uint32_t first = partition == HOLM_EVERY_PARTITION ? 0 : partition;
    uint32_t count = partition == HOLM_EVERY_PARTITION ? partitions : 1;
    if (first >= partitions || (buffer == NULL && capacity > 0))
        return HOLM_EINVAL;
    struct writing writing = {node, buffer, capacity, HOLM_POSITION_HEAD_BYTES, NULL, 0};
    for (uint32_t i = 0; i < count && status == HOLM_OK; i++)
        status = write_part(&writing, first + i);
    free(writing.entries);
    if (status != HOLM_OK)
        return status;
    *size = writing.size;
    if (writing.size > capacity)
        return HOLM_ESPACE;
    write_head(&writing, count);
    return HOLM_OK;
}

static enum holm_status take_head(struct holm_engine *engine, struct holm_bytes bytes,
                                  struct holm_position *position)
{
    const unsigned char *at = bytes.data;
    if (bytes.size < HOLM_POSITION_HEAD_BYTES ||
        memcmp(at, position_magic, sizeof position_magic) != 0)
        return HOLM_EMALFORMED;
    const unsigned char *check = at + HOLM_POSITION_HEAD_BYTES - 8;
    if (take_number(&check, 8) != check_of(at, bytes.size))
        return HOLM_EMALFORMED;
    at += sizeof position_magic;
    bool ours = take_number(&at, 4) == cluster_of(engine);
    ours &= take_number(&at, 4) == holm_engine_partitions(engine);
    position->count = take_number(&at, 4);
    if (!ours)
        return HOLM_ECLUSTER;
    return position->count <= holm_engine_partitions(engine) ? HOLM_OK : HOLM_EMALFORMED;
}

static enum holm_status take_parts(struct holm_engine *engine, struct holm_bytes bytes,
                                   struct holm_position *position)
{
    const unsigned char *at = (const unsigned char *)bytes.data + HOLM_POSITION_HEAD_BYTES;
    const unsigned char *end = (const unsigned char *)bytes.data + bytes.size;
    struct holm_dot *entry = position->entries;
    for (size_t i = 0; i < position->count; i++) {
        struct holm_position_part *part = &position->parts[i];
        if ((size_t)(end - at) < HOLM_POSITION_PART_BYTES)
            return HOLM_EMALFORMED;
        part->partition = (uint32_t)take_number(&at, 4);
        part->vector = (struct holm_vector_view){entry, take_number(&at, 4)};
        if ((size_t)(end - at) / HOLM_POSITION_ENTRY_BYTES < part->vector.count ||
            part->partition >= holm_engine_partitions(engine) ||
            (i > 0 && part->partition <= part[-1].partition))
            return HOLM_EMALFORMED;
        for (size_t k = 0; k < part->vector.count; k++)
            *entry++ = take_dot(&at);
        if (!holm_vector_view_valid(part->vector))
            return HOLM_EMALFORMED;
    }
    return at == end ? HOLM_OK : HOLM_EMALFORMED;
}

enum holm_status holm_position_decode(struct holm_engine *engine, struct holm_bytes bytes,
                                      struct holm_position *position)
{
    memset(position, 0, sizeof *position);
    enum holm_status status = take_head(engine, bytes, position);
    if (status != HOLM_OK)
        return status;
    size_t entries = (bytes.size - HOLM_POSITION_HEAD_BYTES) / HOLM_POSITION_ENTRY_BYTES;
    position->parts = calloc(position->count + 1, sizeof *position->parts);
    position->entries = calloc(entries + 1, sizeof *position->entries);
    status = HOLM_ENOMEM;
    if (position->parts != NULL && position->entries != NULL)
        status = take_parts(engine, bytes, position);
    if (status != HOLM_OK)
        holm_position_release(position);
    return status;
}

void holm_position_release(struct holm_position *position)
{
    free(position->parts);
    free(position->entries);
    memset(position, 0, sizeof *position);
}
