/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/outbox.h"

#define FIRST_BYTES ((size_t)1024)
/* A buffer that a burst made larger than this is given back once it is empty. */
#define KEPT_BYTES ((size_t)65536)

static void drop(const struct holm_allocator *allocator, struct holm_outbox_buffer *buffer)
{
    holm_deallocate(allocator, buffer->bytes, buffer->capacity);
    *buffer = (struct holm_outbox_buffer){NULL, 0, 0};
}

void holm_outbox_init(struct holm_outbox *outbox, const struct holm_allocator *allocator)
{
    *outbox = (struct holm_outbox){.allocator = allocator};
}

void holm_outbox_release(struct holm_outbox *outbox)
{
    drop(outbox->allocator, &outbox->sending);
    drop(outbox->allocator, &outbox->gathering);
    outbox->sent = 0;
}

static enum holm_status reserve(struct holm_outbox *outbox, size_t wanted)
{
    struct holm_outbox_buffer *buffer = &outbox->gathering;
    size_t capacity = buffer->capacity == 0 ? FIRST_BYTES : buffer->capacity;
    while (capacity < wanted)
        capacity *= 2;
    if (capacity == buffer->capacity)
        return HOLM_OK;
    const struct holm_allocator *allocator = outbox->allocator;
    void *grown = allocator->resize(allocator->context, buffer->bytes, buffer->capacity, capacity);
    if (grown == NULL)
        return HOLM_ENOMEM;
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return HOLM_OK;
}

static void put(struct holm_outbox_buffer *buffer, struct holm_bytes part)
{
    if (part.size > 0)
        memcpy(buffer->bytes + buffer->used, part.data, part.size);
    buffer->used += part.size;
}

enum holm_status holm_outbox_append(struct holm_outbox *outbox, struct holm_bytes prefix,
                                    struct holm_bytes body)
{
    enum holm_status status = reserve(outbox, outbox->gathering.used + prefix.size + body.size);
    if (status != HOLM_OK)
        return status;
    put(&outbox->gathering, prefix);
    put(&outbox->gathering, body);
    return HOLM_OK;
}

struct holm_bytes holm_outbox_next(struct holm_outbox *outbox)
{
    if (outbox->sending.used == 0) {
        struct holm_outbox_buffer empty = outbox->sending;
        outbox->sending = outbox->gathering;
        outbox->gathering = empty;
        if (outbox->gathering.capacity > KEPT_BYTES)
            drop(outbox->allocator, &outbox->gathering);
    }
    size_t size = outbox->sending.used - outbox->sent;
    return holm_mem(size == 0 ? NULL : outbox->sending.bytes + outbox->sent, size);
}

void holm_outbox_sent(struct holm_outbox *outbox, size_t size)
{
    outbox->sent += size;
    HOLM_ASSERT(outbox->sent <= outbox->sending.used);
    if (outbox->sent < outbox->sending.used)
        return;
    outbox->sending.used = 0;
    outbox->sent = 0;
    if (outbox->sending.capacity > KEPT_BYTES)
        drop(outbox->allocator, &outbox->sending);
}

size_t holm_outbox_size(const struct holm_outbox *outbox)
{
    return outbox->sending.used - outbox->sent + outbox->gathering.used;
}
