/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proto_baseline.h - what a frame costs at least with protobuf-c: its generic unpacking and packing,
 * with nothing made of the result. Not even the columns are held against each other.
 */
#ifndef HOLM_BENCH_PROTO_BASELINE_H
#define HOLM_BENCH_PROTO_BASELINE_H

#include <holm/value.h>

#include "bench/measure.h"

/* Unpacks a frame and packs it again, which must give the same bytes; what each took is added to
 * the sums. */
void proto_baseline_frame(struct holm_bytes frame, struct measure_span *unpack,
                          struct measure_span *pack);

#endif
