/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages with cells, written behind a gap in the encoder's frame: sizes come before what they
 * measure, so the envelope is written last, into the gap and up against the rest.
 */
#include "proto/cells.h"
#include "proto/field.h"

#define TAG(number, form) ((uint64_t)(number) << 3 | (unsigned)(form))

/* The gap: the envelope, and what a SyncPage has besides its page. */
#define HEAD_BYTES_MAX 96

/* What a Deltas or a Feed has besides its runs. */
#define ANSWER_BYTES_MAX 56

/* Room that stays with the encoder between frames: enough for runs of the usual sizes. */
#define ROOM_BYTES_KEPT ((size_t)256 << 10)

static unsigned char *write_number(unsigned char *at, unsigned field, uint64_t number)
{
    if (number == 0)
        return at;
    at = holm_varint_write(at, TAG(field, HOLM_FIELD_VARINT));
    return holm_varint_write(at, number);
}

static unsigned char *write_fixed64(unsigned char *at, unsigned field, uint64_t number)
{
    if (number == 0)
        return at;
    at = holm_varint_write(at, TAG(field, HOLM_FIELD_FIXED64));
    return holm_fixed64_write(at, number);
}

static unsigned char *write_size(unsigned char *at, unsigned field, size_t size)
{
    at = holm_varint_write(at, TAG(field, HOLM_FIELD_SIZED));
    return holm_varint_write(at, size);
}

/* ---- runs and pages ------------------------------------------------------------------------ */

static enum holm_status take_room(struct holm_encoder *encoder, size_t bytes,
                                  struct holm_cells_room *room)
{
    enum holm_status status = holm_array_reserve(&encoder->allocator, &encoder->room,
                                                 &encoder->room_capacity, 1, bytes);
    if (status != HOLM_OK)
        return status;
    room->at = encoder->room;
    room->end = room->at + bytes;
    return HOLM_OK;
}

/* Over a link what a run needs comes before it (message.h): deps are for broadcasts. */
static struct holm_vector_view deps_of(const struct holm_message *message,
                                       const struct holm_delta *delta)
{
    struct holm_vector_view none = {NULL, 0};
    return message->type == HOLM_MESSAGE_DELTA ? delta->deps : none;
}

/* A frame as far as it is written: the gap, and `size` bytes behind it. */
struct body {
    struct holm_encoder *encoder;
    size_t size;
    struct holm_actor writer; /* whose a run is that does not say so */
};

static enum holm_status set_run(struct body *body, const struct holm_message *message,
                                const struct holm_delta *delta, struct holm_cells *cells)
{
    struct holm_encoder *encoder = body->encoder;
    struct holm_vector_view deps = deps_of(message, delta);
    HOLM_ASSERT(delta->first >= 1 && delta->first <= delta->last);
    HOLM_ASSERT(delta->items.actor_count >= 1 &&
                holm_actor_equal(delta->items.actors[0], delta->actor));
    struct holm_cells_tally tally = {0};
    struct holm_cells_room room;
    size_t bytes = 0;
    enum holm_status status = holm_cells_tally(&delta->items, &tally, &bytes);
    bytes += HOLM_CELLS_TABLE_BYTES(delta->items.actor_count) +
             HOLM_CELLS_VECTOR_BYTES(deps.count) + HOLM_CELLS_VECTOR_BYTES(delta->collected.count);
    if (status == HOLM_OK)
        status = take_room(encoder, bytes, &room);
    if (status != HOLM_OK)
        return status;
    cells->present = 0;
    cells->unknown = delta->unknown;
    holm_cells_set_number(cells, HOLM_CELLS_FIRST, delta->first);
    holm_cells_set_number(cells, HOLM_CELLS_SPAN, delta->last - delta->first);
    if (!holm_actor_equal(delta->actor, body->writer)) {
        HOLM_ASSERT((delta->actor.node.value | delta->actor.epoch.value) != 0);
        holm_cells_set_number(cells, HOLM_CELLS_NODE, delta->actor.node.value);
        holm_cells_set_number(cells, HOLM_CELLS_EPOCH, delta->actor.epoch.value);
    }
    if (message->type == HOLM_MESSAGE_FEED)
        body->writer = delta->actor;
    holm_cells_set_vector(cells, HOLM_CELLS_DEPS, deps, &room);
    holm_cells_set_vector(cells, HOLM_CELLS_COLLECTED, delta->collected, &room);
    holm_cells_set_table(cells, &delta->items, 1, &room);
    holm_cells_set_items(cells, &delta->items, delta, &tally, &room);
    return HOLM_OK;
}

static enum holm_status set_page(struct holm_encoder *encoder, const struct holm_page *page,
                                 struct holm_cells *cells)
{
    struct holm_cells_tally tally = {0};
    struct holm_cells_room room;
    size_t bytes = 0;
    enum holm_status status = holm_cells_tally(&page->items, &tally, &bytes);
    bytes += HOLM_CELLS_TABLE_BYTES(page->items.actor_count);
    if (status == HOLM_OK)
        status = take_room(encoder, bytes, &room);
    if (status != HOLM_OK)
        return status;
    cells->present = 0;
    cells->unknown = holm_mem(NULL, 0);
    holm_cells_set_table(cells, &page->items, 0, &room);
    holm_cells_set_items(cells, &page->items, NULL, &tally, &room);
    return HOLM_OK;
}

/* ---- frames -------------------------------------------------------------------------------- */

/* Room for so many bytes more; *at is where they go. */
static enum holm_status extend(struct body *body, size_t bytes, unsigned char **at)
{
    struct holm_encoder *encoder = body->encoder;
    if (bytes > encoder->frame_bytes_max || body->size > encoder->frame_bytes_max - bytes)
        return HOLM_ETOOBIG;
    enum holm_status status = holm_array_reserve(&encoder->allocator, &encoder->frame,
                                                 &encoder->frame_capacity, 1,
                                                 HEAD_BYTES_MAX + body->size + bytes);
    if (status != HOLM_OK)
        return status;
    *at = (unsigned char *)encoder->frame + HEAD_BYTES_MAX + body->size;
    body->size += bytes;
    return HOLM_OK;
}

static enum holm_status write_delta(struct body *body, const struct holm_message *message)
{
    const struct holm_delta *delta = message->as.delta;
    struct holm_cells cells;
    unsigned char *at = NULL;
    HOLM_ASSERT(delta->partition == message->partition);
    enum holm_status status = set_run(body, message, delta, &cells);
    if (status == HOLM_OK)
        status = extend(body, holm_cells_size(&cells), &at);
    if (status == HOLM_OK)
        (void)holm_cells_write(&cells, at);
    return status;
}

static enum holm_status write_run(struct body *body, const struct holm_message *message,
                                  const struct holm_delta *delta)
{
    struct holm_cells cells;
    unsigned char *at = NULL;
    HOLM_ASSERT(delta->partition == message->partition);
    enum holm_status status = set_run(body, message, delta, &cells);
    if (status != HOLM_OK)
        return status;
    size_t size = holm_cells_size(&cells);
    status = extend(body, 1 + holm_varint_size(size) + size, &at);
    if (status == HOLM_OK)
        (void)holm_cells_write(&cells, write_size(at, 1, size));
    return status;
}

/* Runs that share columns; *written says how many, 0 when they would be too dense (cells.h). */
static enum holm_status write_shared(struct body *body, const struct holm_message *message,
                                     struct holm_delta *const *runs, size_t count, size_t *written)
{
    struct holm_cells cells;
    struct holm_cells_room room = {NULL, NULL};
    struct holm_cells_sharing sharing = {.runs = runs, .count = count, .sender = message->sender};
    unsigned char *at = NULL;
    size_t bytes = 0;
    *written = 0;
    enum holm_status status = holm_cells_share_open(&sharing, &body->encoder->scratch, &bytes);
    if (status == HOLM_OK)
        status = take_room(body->encoder, bytes, &room);
    if (status != HOLM_OK)
        return status;
    holm_cells_share_set(&sharing, &cells, &room);
    size_t size = holm_cells_size(&cells);
    if (sharing.memory > HOLM_SHARED_MEMORY * size)
        return HOLM_OK;
    status = extend(body, 1 + holm_varint_size(size) + size, &at);
    if (status != HOLM_OK)
        return status;
    (void)holm_cells_write(&cells, write_size(at, 1, size));
    if (message->type == HOLM_MESSAGE_FEED)
        body->writer = runs[count - 1]->actor;
    *written = count;
    return HOLM_OK;
}

static enum holm_status write_runs(struct body *body, const struct holm_message *message,
                                   struct holm_delta *const *runs, size_t count)
{
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; i < count && status == HOLM_OK;) {
        size_t small = message->shared ? holm_cells_shareable(runs + i, count - i) : 0;
        size_t written = 0;
        if (small > 0)
            status = write_shared(body, message, runs + i, small, &written);
        holm_arena_clear(&body->encoder->scratch);
        size_t end = i + (small == 0 ? 1 : small);
        if (written > 0)
            i = end;
        for (; i < end && status == HOLM_OK; i++)
            status = write_run(body, message, runs[i]);
    }
    return status;
}

/* What a message has besides its runs. */
static enum holm_status write_rest(struct body *body, const unsigned char *answer, size_t size)
{
    HOLM_ASSERT(size <= ANSWER_BYTES_MAX);
    unsigned char *at = NULL;
    enum holm_status status = extend(body, size, &at);
    if (status == HOLM_OK && size > 0)
        memcpy(at, answer, size);
    return status;
}

static enum holm_status write_deltas(struct body *body, const struct holm_message *message)
{
    const struct holm_deltas *deltas = &message->as.deltas;
    HOLM_ASSERT(deltas->now.partition == message->partition);
    enum holm_status status = write_runs(body, message, deltas->deltas, deltas->count);
    if (status != HOLM_OK)
        return status;
    unsigned char answer[ANSWER_BYTES_MAX];
    unsigned char *end = write_number(answer, 2, deltas->more);
    end = write_number(end, 3, deltas->too_old);
    end = write_number(end, 4, deltas->now.own_seq);
    end = write_fixed64(end, 5, deltas->now.vector_hash);
    end = write_fixed64(end, 6, deltas->now.digest.low);
    end = write_fixed64(end, 7, deltas->now.digest.high);
    return write_rest(body, answer, (size_t)(end - answer));
}

static enum holm_status write_feed(struct body *body, const struct holm_message *message)
{
    const struct holm_feed *feed = &message->as.feed;
    enum holm_status status = write_runs(body, message, feed->runs, feed->count);
    if (status != HOLM_OK)
        return status;
    unsigned char answer[ANSWER_BYTES_MAX];
    unsigned char *end = write_number(answer, 2, feed->number);
    end = write_number(end, 3, feed->ack);
    end = write_number(end, 4, feed->more);
    end = write_number(end, 5, feed->too_old);
    return write_rest(body, answer, (size_t)(end - answer));
}

static enum holm_status write_page(struct body *body, const struct holm_page *page)
{
    struct holm_cells cells;
    unsigned char *at = NULL;
    enum holm_status status = set_page(body->encoder, page, &cells);
    if (status == HOLM_OK)
        status = extend(body, holm_cells_size(&cells), &at);
    if (status == HOLM_OK)
        (void)holm_cells_write(&cells, at);
    return status;
}

/* Fills the end of the gap; returns how much of it that took. */
static size_t write_head(const struct body *body, const struct holm_message *message)
{
    unsigned char head[HEAD_BYTES_MAX];
    unsigned char page[HEAD_BYTES_MAX / 2];
    unsigned char *page_end = page;
    if (message->type == HOLM_MESSAGE_SYNC_PAGE) {
        page_end = write_number(page_end, 1, message->as.sync_page.sync);
        page_end = write_number(page_end, 2, message->as.sync_page.index);
        page_end = write_size(page_end, 3, body->size);
    }
    size_t page_size = (size_t)(page_end - page);
    unsigned char *at = write_number(head, 1, HOLM_WIRE_VERSION_NEEDED - 1);
    at = write_fixed64(at, 2, message->sender.node.value);
    at = write_fixed64(at, 3, message->sender.epoch.value);
    at = write_number(at, 4, message->partition);
    at = write_size(at, 4 + (unsigned)message->type, page_size + body->size);
    memcpy(at, page, page_size);
    size_t size = (size_t)(at - head) + page_size;
    HOLM_ASSERT(size <= HEAD_BYTES_MAX);
    memcpy((unsigned char *)body->encoder->frame + HEAD_BYTES_MAX - size, head, size);
    return size;
}

static void trim(struct holm_encoder *encoder)
{
    holm_array_trim(&encoder->allocator, &encoder->room, &encoder->room_capacity, 1,
                    ROOM_BYTES_KEPT);
}

enum holm_status holm_cells_encode_page(struct holm_encoder *encoder, const struct holm_page *page,
                                        struct holm_bytes *bytes)
{
    struct body body = {.encoder = encoder};
    enum holm_status status = write_page(&body, page);
    trim(encoder);
    *bytes = holm_mem(NULL, 0);
    if (status == HOLM_OK)
        *bytes = holm_mem((unsigned char *)encoder->frame + HEAD_BYTES_MAX, body.size);
    return status;
}

enum holm_status holm_cells_encode(struct holm_encoder *encoder, const struct holm_message *message,
                                   struct holm_bytes *frame)
{
    struct body body = {.encoder = encoder, .writer = message->sender};
    enum holm_status status = HOLM_OK;
    if (message->type == HOLM_MESSAGE_DELTA) {
        status = write_delta(&body, message);
    } else if (message->type == HOLM_MESSAGE_DELTAS) {
        status = write_deltas(&body, message);
    } else if (message->type == HOLM_MESSAGE_FEED) {
        status = write_feed(&body, message);
    } else {
        HOLM_ASSERT(message->type == HOLM_MESSAGE_SYNC_PAGE);
        HOLM_ASSERT(message->as.sync_page.page != NULL);
        status = write_page(&body, message->as.sync_page.page);
    }
    trim(encoder);
    if (status != HOLM_OK)
        return status;
    size_t head = write_head(&body, message);
    if (head + body.size > encoder->frame_bytes_max)
        return HOLM_ETOOBIG;
    *frame = holm_mem((unsigned char *)encoder->frame + HEAD_BYTES_MAX - head, head + body.size);
    return HOLM_OK;
}
