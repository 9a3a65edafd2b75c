/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/framer.h"

#define FIRST_BYTES ((size_t)65536) /* a frame begins with at most this much memory */

/* The Scalability Protocols number PUB 0x20 and SUB 0x21. */
const unsigned char holm_publisher_greeting[HOLM_GREETING_BYTES] = {0, 'S', 'P', 0, 0, 0x20, 0, 0};
const unsigned char holm_subscriber_greeting[HOLM_GREETING_BYTES] = {0, 'S', 'P', 0, 0, 0x21, 0, 0};

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

struct holm_frame *holm_frame_new(const struct holm_allocator *allocator, size_t capacity)
{
    struct holm_frame *frame = holm_allocate(allocator, sizeof *frame + capacity);
    if (frame == NULL)
        return NULL;
    frame->next = NULL;
    frame->size = 0;
    frame->capacity = capacity;
    return frame;
}

void holm_frame_free(const struct holm_allocator *allocator, struct holm_frame *frame)
{
    if (frame != NULL)
        holm_deallocate(allocator, frame, sizeof *frame + frame->capacity);
}

void holm_frame_list_append(struct holm_frame_list *list, struct holm_frame *frame)
{
    frame->next = NULL;
    if (list->last == NULL)
        list->first = frame;
    else
        list->last->next = frame;
    list->last = frame;
}

struct holm_frame *holm_frame_list_pop(struct holm_frame_list *list)
{
    struct holm_frame *frame = list->first;
    if (frame == NULL)
        return NULL;
    list->first = frame->next;
    if (list->first == NULL)
        list->last = NULL;
    frame->next = NULL;
    return frame;
}

void holm_frame_list_free(const struct holm_allocator *allocator, struct holm_frame_list *list)
{
    struct holm_frame *frame;
    while ((frame = holm_frame_list_pop(list)) != NULL)
        holm_frame_free(allocator, frame);
}

void holm_link_prefix(unsigned char prefix[4], size_t frame_bytes)
{
    HOLM_ASSERT(frame_bytes <= UINT32_MAX);
    for (unsigned i = 0; i < 4; i++)
        prefix[i] = (unsigned char)(frame_bytes >> (8 * i));
}

void holm_framer_init(struct holm_framer *framer, const struct holm_allocator *allocator,
                      enum holm_framing framing, size_t frame_bytes_max)
{
    framer->allocator = allocator;
    framer->framing = framing;
    framer->frame_bytes_max = frame_bytes_max;
    framer->partial = NULL;
    framer->complete = (struct holm_frame_list){NULL, NULL};
    holm_framer_clear(framer);
}

void holm_framer_clear(struct holm_framer *framer)
{
    holm_frame_free(framer->allocator, framer->partial);
    holm_frame_list_free(framer->allocator, &framer->complete);
    framer->partial = NULL;
    framer->partial_wanted = 0;
    framer->head_used = 0;
    framer->greeted = framer->framing == HOLM_FRAMING_LINK;
}

size_t holm_framer_room(struct holm_framer *framer, struct holm_span spans[2])
{
    size_t count = 0;
    struct holm_frame *partial = framer->partial;
    if (partial != NULL && partial->size < partial->capacity)
        spans[count++] = (struct holm_span){partial->bytes + partial->size,
                                            partial->capacity - partial->size};
    spans[count++] = (struct holm_span){framer->buffer, sizeof framer->buffer};
    return count;
}

static size_t head_bytes(const struct holm_framer *framer)
{
    if (!framer->greeted)
        return HOLM_GREETING_BYTES;
    switch (framer->framing) {
    case HOLM_FRAMING_PUB_TCP:
        return 8;
    case HOLM_FRAMING_PUB_IPC:
        return 9;
    case HOLM_FRAMING_SUB:
        return 1;
    case HOLM_FRAMING_LINK:
        break;
    }
    return 4;
}

static uint64_t length_in(const struct holm_framer *framer)
{
    uint64_t length = 0;
    if (framer->framing == HOLM_FRAMING_LINK) {
        for (size_t i = 4; i-- > 0;)
            length = length << 8 | framer->head[i];
        return length;
    }
    size_t end = head_bytes(framer);
    for (size_t i = end - 8; i < end; i++)
        length = length << 8 | framer->head[i];
    return length;
}

static void finish_if_full(struct holm_framer *framer)
{
    if (framer->partial == NULL || framer->partial->size < framer->partial_wanted)
        return;
    holm_frame_list_append(&framer->complete, framer->partial);
    framer->partial = NULL;
}

/* The head is complete: it was the greeting, or a frame begins. */
static enum holm_status begin(struct holm_framer *framer)
{
    framer->head_used = 0;
    if (!framer->greeted) {
        framer->greeted = true;
        const unsigned char *expected = framer->framing == HOLM_FRAMING_SUB
                                            ? holm_subscriber_greeting
                                            : holm_publisher_greeting;
        return memcmp(framer->head, expected, HOLM_GREETING_BYTES) == 0 ? HOLM_OK : HOLM_EMALFORMED;
    }
    if (framer->framing == HOLM_FRAMING_SUB)
        return HOLM_EMALFORMED;
    if (framer->framing == HOLM_FRAMING_PUB_IPC && framer->head[0] != 1)
        return HOLM_EMALFORMED;
    uint64_t length = length_in(framer);
    if (framer->framing == HOLM_FRAMING_LINK && length == HOLM_LINK_END)
        return HOLM_ECLOSED;
    if (length > framer->frame_bytes_max)
        return HOLM_ETOOBIG;
    framer->partial_wanted = (size_t)length;
    framer->partial = holm_frame_new(framer->allocator, smaller((size_t)length, FIRST_BYTES));
    if (framer->partial == NULL)
        return HOLM_ENOMEM;
    finish_if_full(framer);
    return HOLM_OK;
}

static enum holm_status grow(struct holm_framer *framer)
{
    struct holm_frame *old = framer->partial;
    size_t capacity = smaller(2 * old->capacity, framer->partial_wanted);
    struct holm_frame *grown = framer->allocator->resize(
        framer->allocator->context, old, sizeof *old + old->capacity, sizeof *old + capacity);
    if (grown == NULL)
        return HOLM_ENOMEM;
    grown->capacity = capacity;
    framer->partial = grown;
    return HOLM_OK;
}

/* Takes some bytes, at least one; *used says how many. */
static enum holm_status consume(struct holm_framer *framer, const unsigned char *data, size_t size,
                                size_t *used)
{
    struct holm_frame *partial = framer->partial;
    if (partial == NULL) {
        size_t wanted = head_bytes(framer);
        *used = smaller(wanted - framer->head_used, size);
        memcpy(framer->head + framer->head_used, data, *used);
        framer->head_used += *used;
        return framer->head_used == wanted ? begin(framer) : HOLM_OK;
    }
    if (partial->size == partial->capacity) {
        enum holm_status status = grow(framer);
        if (status != HOLM_OK)
            return status;
        partial = framer->partial;
    }
    *used = smaller(partial->capacity - partial->size, size);
    memcpy(partial->bytes + partial->size, data, *used);
    partial->size += *used;
    finish_if_full(framer);
    return HOLM_OK;
}

enum holm_status holm_framer_feed(struct holm_framer *framer, size_t size)
{
    struct holm_frame *partial = framer->partial;
    if (partial != NULL) {
        size_t direct = smaller(partial->capacity - partial->size, size);
        partial->size += direct;
        size -= direct;
        finish_if_full(framer);
    }
    HOLM_ASSERT(size <= sizeof framer->buffer);
    const unsigned char *data = framer->buffer;
    while (size > 0) {
        size_t used = 0;
        enum holm_status status = consume(framer, data, size, &used);
        if (status != HOLM_OK)
            return status;
        HOLM_ASSERT(used > 0);
        data += used;
        size -= used;
    }
    return HOLM_OK;
}

struct holm_frame_list holm_framer_take(struct holm_framer *framer)
{
    struct holm_frame_list taken = framer->complete;
    framer->complete = (struct holm_frame_list){NULL, NULL};
    return taken;
}
