/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parcel.h - a message on its way, which no longer depends on its sender.
 *
 * Either a deep copy of the struct (deltas and pages are immutable and are shared), or the bytes
 * that really go over a wire, decoded at the other end.
 */
#ifndef HOLM_TESTS_MODEL_PARCEL_H
#define HOLM_TESTS_MODEL_PARCEL_H

#include "crdt/message.h"
#include "proto/codec.h"

struct parcel;

/* Turns messages into parcels and back. */
struct parcel_office {
    struct holm_allocator allocator;
    bool wire; /* through the codec */
    struct holm_encoder encoder;
    struct holm_codec_limits limits;
};

void parcel_office_init(struct parcel_office *office, const struct holm_allocator *allocator,
                        size_t frame_bytes_max, bool wire);
void parcel_office_release(struct parcel_office *office);

struct parcel *parcel_new(struct parcel_office *office, const struct holm_message *message);
/* The message, readable until the parcel is freed or opened again. */
const struct holm_message *parcel_open(struct parcel_office *office, struct parcel *parcel);
void parcel_free(struct parcel_office *office, struct parcel *parcel);

#endif
