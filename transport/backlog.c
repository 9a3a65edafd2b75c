/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/backlog.h"

/* A type byte, which only local sockets are sent, and a big-endian u64. */
#define PREFIX_BYTES ((size_t)9)

void holm_backlog_init(struct holm_backlog *backlog, const struct holm_allocator *allocator,
                       size_t bytes_max)
{
    *backlog = (struct holm_backlog){.allocator = allocator, .bytes_max = bytes_max};
}

static void free_frame(const struct holm_allocator *allocator, struct holm_backlog_frame *frame)
{
    holm_deallocate(allocator, frame, sizeof *frame + frame->size);
}

/* Out of the queue; whoever has it in flight keeps it. */
static void retire_first(struct holm_backlog *backlog)
{
    struct holm_backlog_frame *frame = backlog->first;
    backlog->first = frame->next;
    if (backlog->first == NULL)
        backlog->last = NULL;
    backlog->bytes -= frame->size;
    frame->next = NULL;
    frame->queued = false;
    if (frame->refs == 0)
        free_frame(backlog->allocator, frame);
}

/* A reader needs everything behind what it needs, so what nobody needs is in front. */
static void sweep(struct holm_backlog *backlog)
{
    while (backlog->first != NULL && backlog->first->refs == 0)
        retire_first(backlog);
}

void holm_backlog_release(struct holm_backlog *backlog)
{
    HOLM_ASSERT(backlog->readers == NULL);
    sweep(backlog);
    HOLM_ASSERT(backlog->first == NULL);
}

/* The oldest frame goes; readers that had it before them are late. */
static void overtake(struct holm_backlog *backlog)
{
    struct holm_backlog_frame *oldest = backlog->first;
    for (struct holm_backlog_reader *reader = backlog->readers; reader != NULL;
         reader = reader->next) {
        if (reader->flight_count > 0 && reader->flight[0] == oldest)
            reader->late = true;
        if (reader->cursor != oldest)
            continue;
        reader->late = true;
        reader->cursor = oldest->next;
        oldest->refs--;
    }
    retire_first(backlog);
}

enum holm_status holm_backlog_add(struct holm_backlog *backlog, struct holm_bytes frame)
{
    if (backlog->readers == NULL)
        return HOLM_OK;
    size_t size = PREFIX_BYTES + frame.size;
    struct holm_backlog_frame *added = holm_allocate(backlog->allocator, sizeof *added + size);
    if (added == NULL)
        return HOLM_ENOMEM;
    *added = (struct holm_backlog_frame){.size = size, .queued = true};
    added->bytes[0] = 1;
    for (size_t i = 1; i < PREFIX_BYTES; i++)
        added->bytes[i] = (unsigned char)((uint64_t)frame.size >> (8 * (PREFIX_BYTES - 1 - i)));
    if (frame.size > 0)
        memcpy(added->bytes + PREFIX_BYTES, frame.data, frame.size);

    while (backlog->first != NULL && backlog->bytes + size > backlog->bytes_max)
        overtake(backlog);
    if (backlog->last == NULL)
        backlog->first = added;
    else
        backlog->last->next = added;
    backlog->last = added;
    backlog->bytes += size;
    for (struct holm_backlog_reader *reader = backlog->readers; reader != NULL;
         reader = reader->next) {
        added->refs++;
        if (reader->cursor == NULL)
            reader->cursor = added;
    }
    return HOLM_OK;
}

void holm_backlog_join(struct holm_backlog *backlog, struct holm_backlog_reader *reader,
                       void *owner, bool typed)
{
    *reader = (struct holm_backlog_reader){
        .backlog = backlog, .next = backlog->readers, .owner = owner, .typed = typed};
    if (backlog->readers != NULL)
        backlog->readers->previous = reader;
    backlog->readers = reader;
}

size_t holm_backlog_leave(struct holm_backlog_reader *reader)
{
    struct holm_backlog *backlog = reader->backlog;
    if (backlog == NULL)
        return 0;
    size_t given_up = 0;
    for (struct holm_backlog_frame *frame = reader->cursor; frame != NULL; frame = frame->next) {
        frame->refs--;
        given_up++;
    }
    reader->cursor = NULL;
    if (reader->next != NULL)
        reader->next->previous = reader->previous;
    if (reader->previous != NULL)
        reader->previous->next = reader->next;
    else
        backlog->readers = reader->next;
    reader->backlog = NULL;
    sweep(backlog);
    return given_up;
}

void holm_backlog_drop_flight(struct holm_backlog *backlog, struct holm_backlog_reader *reader)
{
    HOLM_ASSERT(reader->backlog == NULL);
    for (size_t i = 0; i < reader->flight_count; i++) {
        struct holm_backlog_frame *frame = reader->flight[i];
        frame->refs--;
        if (frame->refs == 0 && !frame->queued)
            free_frame(backlog->allocator, frame);
    }
    reader->flight_count = 0;
    sweep(backlog);
}

static struct holm_bytes piece_of(const struct holm_backlog_reader *reader,
                                  const struct holm_backlog_frame *frame)
{
    size_t skipped = reader->typed ? 0 : 1;
    return holm_mem(frame->bytes + skipped, frame->size - skipped);
}

size_t holm_backlog_next(struct holm_backlog_reader *reader,
                         struct holm_bytes pieces[HOLM_BACKLOG_FLIGHT])
{
    if (reader->flight_count == 0) {
        reader->flight_sent = 0;
        while (reader->cursor != NULL && reader->flight_count < HOLM_BACKLOG_FLIGHT) {
            reader->flight[reader->flight_count++] = reader->cursor;
            reader->cursor = reader->cursor->next;
        }
    }
    size_t count = 0, passed = reader->flight_sent;
    for (size_t i = 0; i < reader->flight_count; i++) {
        struct holm_bytes piece = piece_of(reader, reader->flight[i]);
        size_t cut = passed < piece.size ? passed : piece.size;
        passed -= cut;
        if (cut < piece.size)
            pieces[count++] = holm_mem((const unsigned char *)piece.data + cut, piece.size - cut);
    }
    return count;
}

void holm_backlog_sent(struct holm_backlog_reader *reader, size_t size)
{
    size_t total = 0;
    for (size_t i = 0; i < reader->flight_count; i++)
        total += piece_of(reader, reader->flight[i]).size;
    reader->flight_sent += size;
    HOLM_ASSERT(reader->flight_sent <= total);
    if (reader->flight_sent < total)
        return;
    for (size_t i = 0; i < reader->flight_count; i++)
        reader->flight[i]->refs--;
    reader->flight_count = 0;
    sweep(reader->backlog);
}
