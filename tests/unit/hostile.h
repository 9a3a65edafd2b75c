/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile.h - frames that were valid, with one thing broken in each.
 */
#ifndef HOLM_TESTS_UNIT_HOSTILE_H
#define HOLM_TESTS_UNIT_HOSTILE_H

#include "proto/codec.h"
#include "proto/holm.pb-c.h"

/* What is broken, in which of the fixed messages, and how that must be refused. */
struct hostile {
    const char *what;
    const char *sample;
    void (*envelope)(Holm__Wire__Envelope *envelope); /* NULL: the frame is left as it is */
    void (*limits)(struct holm_codec_limits *limits); /* NULL: the default ones */
    enum holm_status status;
};

/* Fails the test unless each is refused as it says, within the promised memory, and nothing leaks;
 * and unless the same frame with nothing broken is accepted. */
void hostile_refused(const struct hostile *cases, size_t count);

/* The same for bytes. */
void hostile_bytes_refused(const char *what, struct holm_bytes frame, enum holm_status status);

#endif
