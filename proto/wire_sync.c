/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

static enum holm_status write_open(struct holm_arena *arena, const struct holm_sync_open *source,
                                   Holm__Wire__SyncOpen **open)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **open, open);
    if (status != HOLM_OK)
        return status;
    holm__wire__sync_open__init(*open);
    (*open)->sync = source->sync;
    return holm_wire_write_vector(arena, source->vector, &(*open)->vector);
}

static enum holm_status write_cut(struct holm_arena *arena, const struct holm_sync_cut *source,
                                  Holm__Wire__SyncCut **cut)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **cut, cut);
    if (status != HOLM_OK)
        return status;
    holm__wire__sync_cut__init(*cut);
    (*cut)->sync = source->sync;
    (*cut)->answer = (uint32_t)source->answer;
    (*cut)->pages = source->pages;
    (*cut)->digest_low = source->digest.low;
    (*cut)->digest_high = source->digest.high;
    (*cut)->transfer_low = source->transfer.low;
    (*cut)->transfer_high = source->transfer.high;
    (*cut)->entries = source->entries;
    status = holm_wire_write_vector(arena, source->vector, &(*cut)->vector);
    if (status == HOLM_OK)
        status = holm_wire_write_vector(arena, source->collected, &(*cut)->collected);
    return status;
}

static enum holm_status write_next(struct holm_arena *arena, const struct holm_sync_next *source,
                                   Holm__Wire__SyncNext **next)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **next, next);
    if (status != HOLM_OK)
        return status;
    holm__wire__sync_next__init(*next);
    (*next)->sync = source->sync;
    (*next)->first = source->first;
    (*next)->count = source->count;
    return HOLM_OK;
}

static enum holm_status write_close(struct holm_arena *arena, uint64_t sync,
                                    Holm__Wire__SyncClose **close)
{
    enum holm_status status = holm_wire_array(arena, 1, sizeof **close, close);
    if (status != HOLM_OK)
        return status;
    holm__wire__sync_close__init(*close);
    (*close)->sync = sync;
    return HOLM_OK;
}

enum holm_status holm_wire_write_sync(struct holm_arena *arena, const struct holm_message *message,
                                      Holm__Wire__Envelope *envelope)
{
    if (message->type == HOLM_MESSAGE_SYNC_OPEN)
        return write_open(arena, &message->as.sync_open, &envelope->sync_open);
    if (message->type == HOLM_MESSAGE_SYNC_CUT)
        return write_cut(arena, &message->as.sync_cut, &envelope->sync_cut);
    if (message->type == HOLM_MESSAGE_SYNC_NEXT)
        return write_next(arena, &message->as.sync_next, &envelope->sync_next);
    HOLM_ASSERT(message->type == HOLM_MESSAGE_SYNC_CLOSE);
    return write_close(arena, message->as.sync_close, &envelope->sync_close);
}

static enum holm_status read_cut(struct holm_wire_reading *reading, const Holm__Wire__SyncCut *read,
                                 struct holm_sync_cut *cut)
{
    if (read->answer == 0)
        return HOLM_EMALFORMED;
    if (read->answer > HOLM_CUT_GONE)
        return HOLM_EVERSION;
    if (read->pages > reading->left.cut_pages_max)
        return HOLM_ETOOBIG;
    cut->sync = read->sync;
    cut->answer = (enum holm_cut_answer)read->answer;
    cut->pages = read->pages;
    cut->digest.low = read->digest_low;
    cut->digest.high = read->digest_high;
    cut->transfer.low = read->transfer_low;
    cut->transfer.high = read->transfer_high;
    cut->entries = read->entries;
    enum holm_status status = holm_wire_take_vector(reading, read->vector, &cut->vector);
    if (status == HOLM_OK)
        status = holm_wire_take_collected(reading, read->collected, &cut->collected);
    return status;
}

static enum holm_status read_page(struct holm_wire_reading *reading,
                                  const Holm__Wire__SyncPage *read, struct holm_sync_page *page)
{
    page->sync = read->sync;
    page->index = read->index;
    if (read->page == NULL)
        return HOLM_EMALFORMED;
    return holm_wire_read_page(reading, read->page, &page->page);
}

enum holm_status holm_wire_read_sync(struct holm_wire_reading *reading,
                                     const Holm__Wire__Envelope *envelope,
                                     struct holm_message *message)
{
    if (message->type == HOLM_MESSAGE_SYNC_OPEN) {
        message->as.sync_open.sync = envelope->sync_open->sync;
        return holm_wire_take_vector(reading, envelope->sync_open->vector,
                                     &message->as.sync_open.vector);
    }
    if (message->type == HOLM_MESSAGE_SYNC_CUT)
        return read_cut(reading, envelope->sync_cut, &message->as.sync_cut);
    if (message->type == HOLM_MESSAGE_SYNC_PAGE)
        return read_page(reading, envelope->sync_page, &message->as.sync_page);
    if (message->type == HOLM_MESSAGE_SYNC_NEXT) {
        message->as.sync_next.sync = envelope->sync_next->sync;
        message->as.sync_next.first = envelope->sync_next->first;
        message->as.sync_next.count = envelope->sync_next->count;
        return HOLM_OK;
    }
    HOLM_ASSERT(message->type == HOLM_MESSAGE_SYNC_CLOSE);
    message->as.sync_close = envelope->sync_close->sync;
    return HOLM_OK;
}
