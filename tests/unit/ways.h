/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ways.h - a frame, decoded by each of the two readers that holm_codec_decode() has; and encoded by
 * the writer that the encoder has, and by the one of the tests.
 *
 * P1 of proto/cells.h: what the plain way reads, protobuf-c reads, too, and both say the same. P4:
 * both write the same.
 */
#ifndef HOLM_TESTS_UNIT_WAYS_H
#define HOLM_TESTS_UNIT_WAYS_H

#include "proto/codec.h"

/* NULL when both ways agree, and holm_codec_decode() with them; otherwise in what they do not.
 * *plain says whether the frame was plain, *status what was said of it. */
const char *ways_differ(const struct holm_allocator *allocator,
                        const struct holm_codec_limits *limits, struct holm_bytes frame,
                        bool *plain, enum holm_status *status);

/* Whether a message has cells: it is read and written without protobuf-c. */
bool ways_has_cells(const struct holm_message *message);

/* Whether protobuf-c makes the same frame of a message that has cells; where runs share columns, of the
 * same fields. Aborts without memory. */
bool ways_write_alike(const struct holm_allocator *allocator, const struct holm_message *message,
                      struct holm_bytes frame);

#endif
