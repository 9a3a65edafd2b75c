/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/parcel.h"

#include "tests/model/fixture.h"

#include <stdio.h>
#include <stdlib.h>

struct parcel {
    struct holm_message message; /* the deep copy */
    void *slices[5];             /* what its pointers point to */
    void *frame;                 /* or the bytes */
    size_t frame_bytes;
    struct holm_decoded *decoded;
};

static void *copied(const void *source, size_t bytes)
{
    void *copy = malloc(bytes + 1);
    if (copy == NULL)
        abort();
    if (bytes > 0)
        memcpy(copy, source, bytes);
    return copy;
}

static void copy_vector(struct parcel *parcel, size_t slice, struct holm_vector_view *vector)
{
    parcel->slices[slice] = copied(vector->entries, vector->count * sizeof *vector->entries);
    vector->entries = parcel->slices[slice];
}

static void copy_deltas(struct parcel *parcel, struct holm_deltas *deltas)
{
    for (size_t i = 0; i < deltas->count; i++)
        holm_delta_retain(deltas->deltas[i]);
    parcel->slices[0] = copied(deltas->deltas, deltas->count * sizeof *deltas->deltas);
    deltas->deltas = parcel->slices[0];
}

static void copy_feed(struct parcel *parcel, struct holm_feed *feed)
{
    for (size_t i = 0; i < feed->count; i++)
        holm_delta_retain(feed->runs[i]);
    parcel->slices[0] = copied(feed->runs, feed->count * sizeof *feed->runs);
    feed->runs = parcel->slices[0];
}

static const void *copy_slice(struct parcel *parcel, size_t slice, const void *source, size_t bytes)
{
    parcel->slices[slice] = copied(source, bytes);
    return parcel->slices[slice];
}

static void copy_ask(struct parcel *parcel, struct holm_sync_ask *ask)
{
    ask->branches = copy_slice(parcel, 0, ask->branches, ask->branch_count * sizeof *ask->branches);
    ask->hashes = copy_slice(parcel, 1, ask->hashes, ask->hash_count * sizeof *ask->hashes);
    ask->lists = copy_slice(parcel, 2, ask->lists, ask->list_count * sizeof *ask->lists);
    ask->dots = copy_slice(parcel, 3, ask->dots, ask->dot_count * sizeof *ask->dots);
    ask->actors = copy_slice(parcel, 4, ask->actors, ask->actor_count * sizeof *ask->actors);
}

static void copy_tell(struct parcel *parcel, struct holm_sync_tell *tell)
{
    tell->branches = copy_slice(parcel, 0, tell->branches,
                                tell->branch_count * sizeof *tell->branches);
    tell->hashes = copy_slice(parcel, 1, tell->hashes, tell->hash_count * sizeof *tell->hashes);
    tell->gone = copy_slice(parcel, 2, tell->gone, tell->gone_count * sizeof *tell->gone);
    if (tell->page != NULL)
        holm_page_retain(tell->page);
}

static void copy_message(struct parcel *parcel)
{
    struct holm_message *message = &parcel->message;
    switch (message->type) {
    case HOLM_MESSAGE_DELTA:
        holm_delta_retain(message->as.delta);
        break;
    case HOLM_MESSAGE_BEACON: {
        struct holm_beacon *beacon = &message->as.beacon;
        parcel->slices[0] = copied(beacon->entries, beacon->count * sizeof *beacon->entries);
        beacon->entries = parcel->slices[0];
        break;
    }
    case HOLM_MESSAGE_PULL:
        copy_vector(parcel, 0, &message->as.pull.vector);
        break;
    case HOLM_MESSAGE_DELTAS:
        copy_deltas(parcel, &message->as.deltas);
        break;
    case HOLM_MESSAGE_SYNC_OPEN:
        copy_vector(parcel, 0, &message->as.sync_open.vector);
        break;
    case HOLM_MESSAGE_SYNC_CUT:
        copy_vector(parcel, 0, &message->as.sync_cut.vector);
        copy_vector(parcel, 1, &message->as.sync_cut.collected);
        break;
    case HOLM_MESSAGE_SYNC_PAGE:
        holm_page_retain(message->as.sync_page.page);
        break;
    case HOLM_MESSAGE_FOLLOW:
        copy_vector(parcel, 0, &message->as.follow.vector);
        break;
    case HOLM_MESSAGE_FEED:
        copy_feed(parcel, &message->as.feed);
        break;
    case HOLM_MESSAGE_REPORT:
        copy_vector(parcel, 0, &message->as.reported.vector);
        copy_vector(parcel, 1, &message->as.reported.list);
        copy_vector(parcel, 2, &message->as.reported.heard);
        break;
    case HOLM_MESSAGE_UNFOLLOW:
    case HOLM_MESSAGE_ACK:
    case HOLM_MESSAGE_WANT:
    case HOLM_MESSAGE_SYNC_NEXT:
    case HOLM_MESSAGE_SYNC_CLOSE:
        break;
    case HOLM_MESSAGE_SYNC_ASK:
        copy_ask(parcel, &message->as.sync_ask);
        break;
    case HOLM_MESSAGE_SYNC_TELL:
        copy_tell(parcel, &message->as.sync_tell);
        break;
    case HOLM_MESSAGE_REACH:
    case HOLM_MESSAGE_TUNNEL:
    case HOLM_MESSAGE_STANDING:
    case HOLM_MESSAGE_JOIN:
    case HOLM_MESSAGE_JOINED:
    case HOLM_MESSAGE_HELLO:
    case HOLM_MESSAGE_PING:
    case HOLM_MESSAGE_PONG:
    case HOLM_MESSAGE_GOODBYE:
        fprintf(stderr, "parcel: a replica has sent what none sends so far\n");
        abort();
    }
}

static void release_message(struct parcel *parcel)
{
    struct holm_message *message = &parcel->message;
    if (message->type == HOLM_MESSAGE_DELTA)
        holm_delta_release(message->as.delta);
    if (message->type == HOLM_MESSAGE_SYNC_PAGE)
        holm_page_release(message->as.sync_page.page);
    if (message->type == HOLM_MESSAGE_SYNC_TELL)
        holm_page_release(message->as.sync_tell.page); /* NULL is allowed */
    if (message->type == HOLM_MESSAGE_DELTAS)
        for (size_t i = 0; i < message->as.deltas.count; i++)
            holm_delta_release(message->as.deltas.deltas[i]);
    if (message->type == HOLM_MESSAGE_FEED)
        for (size_t i = 0; i < message->as.feed.count; i++)
            holm_delta_release(message->as.feed.runs[i]);
}

void parcel_office_init(struct parcel_office *office, const struct holm_allocator *allocator,
                        size_t frame_bytes_max, bool wire)
{
    memset(office, 0, sizeof *office);
    office->allocator = *allocator;
    office->wire = wire;
    office->limits = holm_codec_limits_default(frame_bytes_max);
    holm_encoder_init(&office->encoder, allocator, frame_bytes_max);
}

void parcel_office_release(struct parcel_office *office)
{
    holm_encoder_release(&office->encoder);
}

struct parcel *parcel_new(struct parcel_office *office, const struct holm_message *message)
{
    struct parcel *parcel = calloc(1, sizeof *parcel);
    if (parcel == NULL)
        abort();
    if (!office->wire) {
        parcel->message = *message;
        copy_message(parcel);
        return parcel;
    }
    struct holm_bytes frame;
    enum holm_status status = holm_encoder_encode(&office->encoder, message, &frame);
    if (status != HOLM_OK) {
        fprintf(stderr, "parcel: a message of type %d has no frame: %s\n", (int)message->type,
                fixture_status_name(status));
        abort();
    }
    parcel->frame = copied(frame.data, frame.size);
    parcel->frame_bytes = frame.size;
    return parcel;
}

const struct holm_message *parcel_open(struct parcel_office *office, struct parcel *parcel)
{
    if (parcel->frame == NULL)
        return &parcel->message;
    holm_decoded_free(parcel->decoded);
    enum holm_status status = holm_codec_decode(&office->allocator, &office->limits,
                                                holm_mem(parcel->frame, parcel->frame_bytes),
                                                &parcel->decoded);
    if (status != HOLM_OK) {
        fprintf(stderr, "parcel: a frame cannot be read: %s\n", fixture_status_name(status));
        abort();
    }
    return &parcel->decoded->message;
}

void parcel_free(struct parcel_office *office, struct parcel *parcel)
{
    (void)office;
    if (parcel->frame == NULL)
        release_message(parcel);
    for (size_t i = 0; i < sizeof parcel->slices / sizeof parcel->slices[0]; i++)
        free(parcel->slices[i]);
    free(parcel->frame);
    holm_decoded_free(parcel->decoded);
    free(parcel);
}
