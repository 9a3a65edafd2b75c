/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_script.h"

#include "bench/measure.h"
#include "node/random.h"

enum what {
    UPDATE_PHASE = 1,
    SYNC_PHASE = 2,
    REWRITES = 3
};

uint64_t literature_script_draw(uint64_t seed, uint64_t what, uint64_t which)
{
    struct holm_random random = {seed};
    random.state = holm_random_next(&random) ^ what;
    random.state = holm_random_next(&random) ^ which;
    return holm_random_next(&random);
}

static uint64_t phase_us(const struct literature_case *script, enum what what, uint32_t node)
{
    return literature_script_draw(script->seed, what, node) % LITERATURE_SECOND_US;
}

uint64_t literature_script_update_us(const struct literature_case *script, uint32_t node,
                                     uint32_t n)
{
    return phase_us(script, UPDATE_PHASE, node) + (uint64_t)n * LITERATURE_SECOND_US;
}

uint64_t literature_script_sync_us(const struct literature_case *script, uint32_t node, uint32_t n)
{
    return phase_us(script, SYNC_PHASE, node) + (uint64_t)n * LITERATURE_SECOND_US;
}

uint64_t literature_script_end_us(const struct literature_case *script)
{
    uint64_t end_us = 0;
    for (uint32_t node = 0; node < script->graph.nodes; node++) {
        uint64_t last_us = literature_script_update_us(script, node, script->updates);
        end_us = last_us > end_us ? last_us : end_us;
    }
    return end_us;
}

size_t literature_script_bombs(const struct literature_case *script,
                               struct literature_bomb bombs[LITERATURE_BOMBS])
{
    static const uint32_t hubs[LITERATURE_BOMBS] = {6, 13,
                                                    0}; /* of the tree, of three edges each */
    if (script->trouble != LITERATURE_BOMBED)
        return 0;
    for (uint32_t i = 0; i < LITERATURE_BOMBS; i++) {
        uint64_t at_us = (uint64_t)script->updates * (i + 1) * LITERATURE_SECOND_US / 4;
        bombs[i] = (struct literature_bomb){hubs[i] % script->graph.nodes, at_us,
                                            at_us + UINT64_C(2) * LITERATURE_SECOND_US};
    }
    return LITERATURE_BOMBS;
}

uint32_t literature_script_keys(const struct literature_case *script)
{
    switch (script->type) {
    case LITERATURE_GSET:
        return LITERATURE_ACTORS_MAX * script->updates;
    case LITERATURE_GCOUNTER:
        return LITERATURE_ACTORS_MAX;
    case LITERATURE_GMAP:
        break;
    }
    return LITERATURE_MAP_KEYS;
}

static uint32_t share_of(const struct literature_case *script)
{
    return LITERATURE_MAP_KEYS / script->graph.nodes + 1;
}

/* As the authors count: shares are rounded up, so that the last node has fewer keys; and the number
 * to rewrite is the next whole one above the percentage of a full share. */
uint32_t literature_script_rewrites(const struct literature_case *script, uint32_t node, uint32_t n,
                                    uint32_t *keys)
{
    uint32_t share = share_of(script);
    uint32_t first = node * share;
    uint32_t own = first + share <= LITERATURE_MAP_KEYS ? share : LITERATURE_MAP_KEYS - first;
    uint32_t count = script->percent * share / 100 + 1;
    struct holm_random random = {
        literature_script_draw(script->seed, REWRITES, (uint64_t)node << 32 | n)};
    for (uint32_t i = 0; i < own; i++)
        keys[i] = first + i;
    for (uint32_t i = own; i > 1; i--) {
        uint32_t other = (uint32_t)holm_random_between(&random, 0, i - 1);
        uint32_t key = keys[i - 1];
        keys[i - 1] = keys[other];
        keys[other] = key;
    }
    return count < own ? count : own;
}

static struct literature_value *rewritten(const struct literature_case *script, uint32_t node,
                                          uint32_t n)
{
    uint32_t keys[LITERATURE_MAP_KEYS];
    bool chosen[LITERATURE_MAP_KEYS] = {false};
    uint32_t count = literature_script_rewrites(script, node, n, keys);
    struct literature_value *value = literature_value_new(count);
    for (uint32_t i = 0; i < count; i++)
        chosen[keys[i]] = true;
    count = 0;
    for (uint32_t key = 0; key < LITERATURE_MAP_KEYS; key++) {
        if (chosen[key])
            value->entries[count++] = (struct literature_entry){
                key, literature_script_update_us(script, node, n)};
    }
    measure_require(count == value->count, "a key is rewritten twice");
    return value;
}

struct literature_value *literature_script_delta(const struct literature_case *script,
                                                 uint32_t node, uint32_t actor, uint32_t n,
                                                 uint32_t made)
{
    if (script->type == LITERATURE_GMAP)
        return rewritten(script, node, n);
    struct literature_value *value = literature_value_new(1);
    value->entries[0] = script->type == LITERATURE_GSET
                            ? (struct literature_entry){actor * script->updates + n - 1, 1}
                            : (struct literature_entry){actor, made + 1};
    return value;
}

void literature_script_forget(const struct literature_case *script, uint32_t node, uint32_t actor,
                              struct literature_state *state)
{
    uint32_t first = actor, count = 1;
    if (script->type == LITERATURE_GSET)
        count = script->updates;
    if (script->type == LITERATURE_GMAP)
        count = share_of(script);
    if (script->type != LITERATURE_GCOUNTER)
        first = (script->type == LITERATURE_GMAP ? node : actor) * count;
    for (uint32_t key = first; key < first + count && key < state->keys; key++) {
        state->count -= state->versions[key] != 0;
        state->versions[key] = 0;
    }
}
