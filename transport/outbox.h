/* SPDX-License-Identifier: Apache-2.0 */
/*
 * outbox.h - bytes on their way out of one stream.
 *
 * Two buffers: one is being sent and does not move, the other gathers what comes meanwhile; when
 * the first is through they change places. So a burst of small frames leaves in few writes.
 */
#ifndef HOLM_TRANSPORT_OUTBOX_H
#define HOLM_TRANSPORT_OUTBOX_H

#include "crdt/base.h"

struct holm_outbox_buffer {
    unsigned char *bytes;
    size_t used, capacity;
};

struct holm_outbox {
    const struct holm_allocator *allocator; /* borrowed, must outlive the outbox */
    struct holm_outbox_buffer sending, gathering;
    size_t sent; /* of `sending` */
};

void holm_outbox_init(struct holm_outbox *outbox, const struct holm_allocator *allocator);
void holm_outbox_release(struct holm_outbox *outbox);

/* Appends prefix and body as one, or nothing. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_outbox_append(struct holm_outbox *outbox,
                                                   struct holm_bytes prefix,
                                                   struct holm_bytes body);

/* What to send next; empty when nothing waits. It stays put until holm_outbox_sent(). */
struct holm_bytes holm_outbox_next(struct holm_outbox *outbox);

/* The first `size` bytes of the last holm_outbox_next() are through. */
void holm_outbox_sent(struct holm_outbox *outbox, size_t size);

/* Bytes that are not through yet. */
size_t holm_outbox_size(const struct holm_outbox *outbox);

#endif
