/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The messages around runs and pages: the envelope, an answer to a pull, a feed, a page of a sync. Fields
 * are few, so they are told apart by number and form at once.
 */
#include "proto/cells.h"
#include "proto/field.h"

#define TAG(number, form) ((number) << 3 | (unsigned)(form))
#define VARINT(number) TAG(number, HOLM_FIELD_VARINT)
#define FIXED64(number) TAG(number, HOLM_FIELD_FIXED64)
#define SIZED(number) TAG(number, HOLM_FIELD_SIZED)

static unsigned tag_of(const struct holm_field *field)
{
    return field->number << 3 | field->form;
}

/* Notes that a field with a number below 32 is there; false when it was already. */
static bool once(uint32_t *present, const struct holm_field *field)
{
    uint32_t bit = (uint32_t)1 << (field->number % 32);
    bool first = field->number < 32 && (*present & bit) == 0;
    *present |= bit;
    return first;
}

static struct holm_bytes bytes_of(const struct holm_field *field)
{
    return holm_mem(field->at, (size_t)field->value);
}

/* Where a message has its runs. */
struct runs_read {
    struct holm_delta *const **deltas;
    size_t *count;
};

/* ---- Deltas -------------------------------------------------------------------------------- */

static bool read_answer(const struct holm_field *field, struct holm_deltas *deltas)
{
    switch (tag_of(field)) {
    case VARINT(2):
        deltas->more = field->value != 0;
        return true;
    case VARINT(3):
        deltas->too_old = field->value != 0;
        return true;
    case VARINT(4):
        deltas->now.own_seq = field->value;
        return true;
    case FIXED64(5):
        deltas->now.vector_hash = field->value;
        return true;
    case FIXED64(6):
        deltas->now.digest.low = field->value;
        return true;
    case FIXED64(7):
        deltas->now.digest.high = field->value;
        return true;
    default:
        return false;
    }
}

/* Adds how many runs a field of them has. */
static bool add_runs(const struct holm_field *field, size_t *count)
{
    size_t runs = holm_cells_count_runs(bytes_of(field));
    *count += runs;
    return runs > 0;
}

/* Reads all fields but the runs, and counts those. */
static bool scan_deltas(struct holm_bytes bytes, struct holm_deltas *deltas, size_t *count)
{
    const unsigned char *at = bytes.data;
    const unsigned char *end = at + bytes.size;
    uint32_t present = 0;
    *count = 0;
    while (at < end) {
        struct holm_field field;
        at = holm_field_read(at, end, &field);
        if (at == NULL)
            return false;
        if (tag_of(&field) == SIZED(1) ? !add_runs(&field, count)
                                       : !once(&present, &field) || !read_answer(&field, deltas))
            return false;
    }
    return true;
}

static enum holm_status read_field_runs(struct holm_wire_reading *reading, struct holm_bytes bytes,
                                        struct holm_message *message, struct holm_actor writer,
                                        struct runs_read *runs, struct holm_delta **made)
{
    if (holm_cells_share(bytes)) {
        message->shared = true;
        return holm_cells_read_runs(reading, bytes, message, made, runs->count);
    }
    enum holm_status status = holm_cells_read_run(reading, bytes, message, writer,
                                                  &made[*runs->count]);
    *runs->count += status == HOLM_OK;
    return status;
}

/* Reads the runs among the fields, of which there are `count`. *made is sound after an error, too. */
static enum holm_status read_runs(struct holm_wire_reading *reading, struct holm_bytes bytes,
                                  struct holm_message *message, size_t count,
                                  struct runs_read *runs)
{
    struct holm_delta **made = NULL;
    struct holm_actor writer = message->sender;
    enum holm_status status = HOLM_OK;
    if (holm_wire_spend(&reading->left.deltas_max, count) != HOLM_OK)
        return HOLM_EMALFORMED;
    if (count > 0)
        status = holm_wire_take(reading, count, sizeof *made, &made);
    *runs->deltas = made;
    const unsigned char *at = bytes.data;
    const unsigned char *end = at + bytes.size;
    while (status == HOLM_OK && *runs->count < count) {
        struct holm_field field;
        at = holm_field_read(at, end, &field);
        HOLM_ASSERT(at != NULL);
        if (tag_of(&field) != SIZED(1))
            continue;
        struct holm_arena_mark mark = holm_arena_mark(reading->arena);
        status = read_field_runs(reading, bytes_of(&field), message, writer, runs, made);
        holm_arena_rewind(reading->arena, mark);
        HOLM_ASSERT(status != HOLM_OK || (made != NULL && *runs->count > 0));
        if (status == HOLM_OK && message->type == HOLM_MESSAGE_FEED)
            writer = made[*runs->count - 1]->actor;
    }
    return status;
}

static enum holm_status read_deltas(struct holm_wire_reading *reading, struct holm_bytes bytes,
                                    struct holm_message *message)
{
    struct holm_deltas *deltas = &message->as.deltas;
    size_t count = 0;
    if (!scan_deltas(bytes, deltas, &count))
        return HOLM_EMALFORMED;
    deltas->now.partition = message->partition;
    struct runs_read runs = {&deltas->deltas, &deltas->count};
    return read_runs(reading, bytes, message, count, &runs);
}

/* ---- Feed ---------------------------------------------------------------------------------- */

static bool read_feed_field(const struct holm_field *field, struct holm_feed *feed)
{
    switch (tag_of(field)) {
    case VARINT(2):
        feed->number = field->value;
        return true;
    case VARINT(3):
        feed->ack = field->value;
        return true;
    case VARINT(4):
        feed->more = field->value != 0;
        return true;
    case VARINT(5):
        feed->too_old = field->value != 0;
        return true;
    default:
        return false;
    }
}

static enum holm_status read_feed(struct holm_wire_reading *reading, struct holm_bytes bytes,
                                  struct holm_message *message)
{
    struct holm_feed *feed = &message->as.feed;
    const unsigned char *at = bytes.data;
    const unsigned char *end = at + bytes.size;
    uint32_t present = 0;
    size_t count = 0;
    while (at < end) {
        struct holm_field field;
        at = holm_field_read(at, end, &field);
        if (at == NULL)
            return HOLM_EMALFORMED;
        if (tag_of(&field) == SIZED(1) ? !add_runs(&field, &count)
                                       : !once(&present, &field) || !read_feed_field(&field, feed))
            return HOLM_EMALFORMED;
    }
    struct runs_read runs = {&feed->runs, &feed->count};
    return read_runs(reading, bytes, message, count, &runs);
}

/* ---- SyncPage ------------------------------------------------------------------------------ */

static enum holm_status read_sync_page(struct holm_wire_reading *reading, struct holm_bytes bytes,
                                       struct holm_sync_page *page)
{
    const unsigned char *at = bytes.data;
    const unsigned char *end = at + bytes.size;
    struct holm_bytes cells = {NULL, 0};
    uint32_t present = 0;
    while (at < end) {
        struct holm_field field;
        at = holm_field_read(at, end, &field);
        if (at == NULL || !once(&present, &field))
            return HOLM_EMALFORMED;
        if (tag_of(&field) == VARINT(1))
            page->sync = field.value;
        else if (tag_of(&field) == VARINT(2))
            page->index = field.value;
        else if (tag_of(&field) == SIZED(3))
            cells = bytes_of(&field);
        else
            return HOLM_EMALFORMED;
    }
    if (cells.data == NULL)
        return HOLM_EMALFORMED;
    return holm_cells_read_page(reading, cells, &page->page);
}

/* ---- Envelope ------------------------------------------------------------------------------ */

struct envelope {
    uint64_t version, node, epoch, partition;
    unsigned message; /* the field of the oneof; 0: none yet */
    struct holm_bytes bytes;
};

static bool read_field(const struct holm_field *field, struct envelope *envelope)
{
    switch (tag_of(field)) {
    case VARINT(1):
        envelope->version = field->value;
        return true;
    case FIXED64(2):
        envelope->node = field->value;
        return true;
    case FIXED64(3):
        envelope->epoch = field->value;
        return true;
    case VARINT(4):
        envelope->partition = field->value;
        return true;
    case SIZED(4 + HOLM_MESSAGE_DELTA):
    case SIZED(4 + HOLM_MESSAGE_DELTAS):
    case SIZED(4 + HOLM_MESSAGE_SYNC_PAGE):
    case SIZED(4 + HOLM_MESSAGE_FEED):
        if (envelope->message != 0)
            return false;
        envelope->message = field->number;
        envelope->bytes = bytes_of(field);
        return true;
    default:
        return false;
    }
}

static bool scan_envelope(struct holm_bytes frame, struct envelope *envelope)
{
    const unsigned char *at = frame.data;
    const unsigned char *end = at + frame.size;
    uint32_t present = 0;
    while (at < end) {
        struct holm_field field;
        at = holm_field_read(at, end, &field);
        if (at == NULL || !once(&present, &field) || !read_field(&field, envelope))
            return false;
    }
    return envelope->message != 0 && envelope->version < HOLM_WIRE_VERSION &&
           envelope->epoch != 0 && envelope->partition <= UINT32_MAX;
}

enum holm_status holm_cells_read_frame(struct holm_wire_reading *reading, struct holm_bytes frame,
                                       struct holm_message *message)
{
    struct envelope envelope = {0};
    if (frame.size == 0 || !scan_envelope(frame, &envelope))
        return HOLM_EMALFORMED;
    message->type = (enum holm_message_type)(envelope.message - 4);
    message->sender.node.value = envelope.node;
    message->sender.epoch.value = envelope.epoch;
    message->partition = (uint32_t)envelope.partition;
    message->shared = false;
    if (message->type == HOLM_MESSAGE_DELTA) {
        message->as.delta = NULL;
        return holm_cells_read_run(reading, envelope.bytes, message, message->sender,
                                   &message->as.delta);
    }
    if (message->type == HOLM_MESSAGE_DELTAS) {
        message->as.deltas = (struct holm_deltas){.count = 0};
        return read_deltas(reading, envelope.bytes, message);
    }
    if (message->type == HOLM_MESSAGE_FEED) {
        message->as.feed = (struct holm_feed){.count = 0};
        return read_feed(reading, envelope.bytes, message);
    }
    message->as.sync_page = (struct holm_sync_page){.page = NULL};
    return read_sync_page(reading, envelope.bytes, &message->as.sync_page);
}
