/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oracle_parts.h - inside the oracle; for sim/world/oracle*.c alone.
 */
#ifndef HOLM_SIM_WORLD_ORACLE_PARTS_H
#define HOLM_SIM_WORLD_ORACLE_PARTS_H

#include "sim/world/oracle.h"

struct holm_oracle_actor {
    struct holm_actor actor;
    uint32_t *ops; /* ops[seq - 1] */
    size_t count, capacity;
};

struct holm_oracle_key {
    struct holm_bytes bytes;
    uint32_t first, last; /* its operations */
    uint32_t buries;      /* how many of them bury */
};

/* An operation lists another as seen. */
struct holm_oracle_kill {
    uint32_t killer, next;
};

struct holm_oracle_block {
    struct holm_oracle_block *next;
    size_t used;
    unsigned char bytes[16384];
};

struct holm_oracle {
    struct holm_oracle_op *ops;
    size_t count, capacity;
    struct holm_oracle_actor *actors;
    size_t actor_count, actor_capacity;
    struct holm_oracle_key *keys;
    size_t key_count, key_capacity;
    struct holm_oracle_kill *kills;
    size_t kill_count, kill_capacity;
    uint32_t *buckets; /* of keys, by hash: number + 1 */
    size_t bucket_count;
    uint32_t *actor_buckets;
    size_t actor_bucket_count;
    struct holm_oracle_block *blocks;
    uint32_t chains;
};

/* Grows an array to room for one more. */
void *holm_oracle_room(void *array, size_t *capacity, size_t count, size_t element_bytes);
/* A copy that lives as long as the oracle; aligned to 8. */
void *holm_oracle_keep(struct holm_oracle *oracle, const void *bytes, size_t size);
uint32_t holm_oracle_actor_number(struct holm_oracle *oracle, struct holm_actor actor);
uint32_t holm_oracle_key_number(struct holm_oracle *oracle, struct holm_bytes key);

#endif
