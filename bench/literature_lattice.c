/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_lattice.h"

#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"

struct literature_value *literature_value_new(uint32_t count)
{
    struct literature_value *value = measure_allocate(sizeof *value +
                                                      count * sizeof(struct literature_entry));
    value->references = 1;
    value->count = count;
    return value;
}

struct literature_value *literature_value_retain(struct literature_value *value)
{
    value->references++;
    return value;
}

void literature_value_release(struct literature_value *value)
{
    if (value != NULL && --value->references == 0)
        free(value);
}

void literature_state_init(struct literature_state *state, uint32_t keys)
{
    state->versions = measure_allocate(keys * sizeof *state->versions);
    state->keys = keys;
    literature_state_clear(state);
}

void literature_state_release(struct literature_state *state)
{
    free(state->versions);
    *state = (struct literature_state){0};
}

void literature_state_clear(struct literature_state *state)
{
    memset(state->versions, 0, state->keys * sizeof *state->versions);
    state->count = 0;
}

static void raise(struct literature_state *state, uint32_t key, uint64_t version)
{
    measure_require(key < state->keys, "a key is beyond the state's");
    if (version <= state->versions[key])
        return;
    state->count += state->versions[key] == 0;
    state->versions[key] = version;
}

void literature_state_join(struct literature_state *state, const struct literature_value *value)
{
    for (uint32_t i = 0; i < value->count; i++)
        raise(state, value->entries[i].key, value->entries[i].version);
}

static bool is_fresh(const struct literature_state *state, const struct literature_entry *entry)
{
    measure_require(entry->key < state->keys, "a key is beyond the state's");
    return entry->version > state->versions[entry->key];
}

struct literature_value *literature_state_fresh(const struct literature_state *state,
                                                const struct literature_value *value)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < value->count; i++)
        count += is_fresh(state, &value->entries[i]);
    if (count == 0)
        return NULL;
    struct literature_value *fresh = literature_value_new(count);
    count = 0;
    for (uint32_t i = 0; i < value->count; i++) {
        if (is_fresh(state, &value->entries[i]))
            fresh->entries[count++] = value->entries[i];
    }
    return fresh;
}

struct literature_value *literature_state_value(const struct literature_state *state)
{
    struct literature_value *value = literature_value_new(state->count);
    uint32_t count = 0;
    for (uint32_t key = 0; key < state->keys; key++) {
        if (state->versions[key] != 0)
            value->entries[count++] = (struct literature_entry){key, state->versions[key]};
    }
    measure_require(count == state->count, "a state has lost count");
    return value;
}

void literature_state_join_state(struct literature_state *state,
                                 const struct literature_state *other)
{
    for (uint32_t key = 0; key < other->keys; key++) {
        if (other->versions[key] != 0)
            raise(state, key, other->versions[key]);
    }
}

bool literature_state_covers(const struct literature_state *state,
                             const struct literature_state *other)
{
    for (uint32_t key = 0; key < other->keys; key++) {
        if (state->versions[key] < other->versions[key])
            return false;
    }
    return true;
}

bool literature_state_equal(const struct literature_state *a, const struct literature_state *b)
{
    return a->keys == b->keys && a->count == b->count &&
           memcmp(a->versions, b->versions, a->keys * sizeof *a->versions) == 0;
}
