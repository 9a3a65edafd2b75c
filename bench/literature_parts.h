/* SPDX-License-Identifier: Apache-2.0 */
/*
 * literature_parts.h - the functions of the delta strategies and of Scuttlebutt; for
 * literature_strategy.c and those alone.
 */
#ifndef HOLM_BENCH_LITERATURE_PARTS_H
#define HOLM_BENCH_LITERATURE_PARTS_H

#include "bench/literature_strategy.h"

void literature_delta_open(struct literature_replica *replica);
void literature_delta_close(struct literature_replica *replica);
void literature_delta_update(struct literature_replica *replica, struct literature_value *delta);
void literature_delta_sync(struct literature_replica *replica, uint32_t peer);
void literature_delta_receive(struct literature_replica *replica,
                              const struct literature_message *message);
void literature_delta_replaced(struct literature_replica *replica, uint32_t peer, uint32_t before,
                               uint32_t after);

void literature_scuttle_open(struct literature_replica *replica);
void literature_scuttle_close(struct literature_replica *replica);
void literature_scuttle_update(struct literature_replica *replica, struct literature_value *delta);
void literature_scuttle_sync(struct literature_replica *replica, uint32_t peer);
void literature_scuttle_receive(struct literature_replica *replica,
                                const struct literature_message *message);
void literature_scuttle_replaced(struct literature_replica *replica, uint32_t peer, uint32_t before,
                                 uint32_t after);

#endif
