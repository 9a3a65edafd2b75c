/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ping_baseline.h - what a message there and back costs at least on this machine, right now.
 *
 * 64 bytes over the loopback interface, from one thread to another that sends them back. Once over
 * bare sockets with blocking calls; once over a link of the transport, which is an nng_stream with a
 * length before each frame, and no node above it.
 */
#ifndef HOLM_BENCH_PING_BASELINE_H
#define HOLM_BENCH_PING_BASELINE_H

#include "bench/measure.h"

/* Adds `count` round trips to the samples, in us, each after a nap of `pause_us`. */
void ping_baseline_socket(struct measure_samples *samples, size_t count, uint64_t pause_us);
void ping_baseline_link(struct measure_samples *samples, size_t count, uint64_t pause_us);

#endif
