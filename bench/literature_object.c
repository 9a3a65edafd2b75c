/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_object.h"

#include <stdio.h>
#include <string.h>

#include "bench/literature_wire.h"
#include "bench/measure.h"

#define OBJECT "object"
#define DRAW_VALUE 4

static struct holm_bytes no_field(void)
{
    return holm_mem(NULL, 0);
}

void literature_object_value(const struct literature_case *script,
                             const struct literature_entry *entry, char *text)
{
    uint64_t drawn = literature_script_draw(script->seed, DRAW_VALUE,
                                            entry->version << 10 | entry->key);
    snprintf(text, LITERATURE_VALUE_BYTES + 1, "%08x", (unsigned)(drawn & 0xffffffffu));
}

static void write_map(const struct literature_case *script, struct holm_engine *engine,
                      const struct literature_value *delta, struct holm_now now)
{
    static char keys[LITERATURE_MAP_KEYS][LITERATURE_ELEMENT_BYTES_MAX];
    static char values[LITERATURE_MAP_KEYS][LITERATURE_VALUE_BYTES + 1];
    static struct holm_op ops[LITERATURE_MAP_KEYS];
    for (uint32_t i = 0; i < delta->count; i++) {
        size_t size = literature_map_key(delta->entries[i].key, keys[i]);
        literature_object_value(script, &delta->entries[i], values[i]);
        ops[i] = holm_op_put(holm_mem(keys[i], size), no_field(), holm_text(values[i]));
    }
    measure_must(holm_engine_commit(engine, 0, ops, delta->count, now, NULL), "a commit");
}

void literature_object_write(const struct literature_case *script, struct holm_engine *engine,
                             const struct literature_value *delta, struct holm_now now)
{
    char element[LITERATURE_ELEMENT_BYTES_MAX];
    struct holm_op op;
    if (script->type == LITERATURE_GMAP) {
        write_map(script, engine, delta, now);
        return;
    }
    measure_require(delta->count == 1, "an update of more than one entry");
    if (script->type == LITERATURE_GSET) {
        size_t size = literature_element(delta->entries[0].key, script->updates, element);
        op = holm_op_insert(holm_str(OBJECT), no_field(), holm_mem(element, size));
    } else {
        op = holm_op_add(holm_str(OBJECT), no_field(), 1);
    }
    measure_must(holm_engine_commit(engine, 0, &op, 1, now, NULL), "a commit");
}

static bool has_entry(const struct literature_case *script, const struct holm_replica *replica,
                      const struct literature_entry *entry)
{
    char string[LITERATURE_ELEMENT_BYTES_MAX];
    char text[LITERATURE_VALUE_BYTES + 1];
    struct holm_cell_view cell;
    if (script->type == LITERATURE_GSET) {
        size_t size = literature_element(entry->key, script->updates, string);
        return holm_replica_contains(replica, holm_str(OBJECT), no_field(), holm_mem(string, size));
    }
    size_t size = literature_map_key(entry->key, string);
    literature_object_value(script, entry, text);
    return holm_replica_get(replica, holm_mem(string, size), no_field(), HOLM_REGISTER, &cell) ==
               HOLM_OK &&
           holm_bytes_equal(cell.value.as.bytes, holm_str(text));
}

static bool has_count(const struct literature_case *script, const struct holm_replica *replica,
                      const struct literature_state *state)
{
    int64_t sum = 0, least = 0;
    for (uint32_t key = 0; key < state->keys; key++)
        least += (int64_t)state->versions[key];
    if (holm_replica_count(replica, holm_str(OBJECT), no_field(), &sum) != HOLM_OK)
        return least == 0;
    return script->trouble == LITERATURE_BOMBED ? sum >= least : sum == least;
}

bool literature_object_has(const struct literature_case *script, const struct holm_replica *replica,
                           const struct literature_state *state)
{
    if (script->type == LITERATURE_GCOUNTER)
        return has_count(script, replica, state);
    for (uint32_t key = 0; key < state->keys; key++) {
        struct literature_entry entry = {key, state->versions[key]};
        if (entry.version != 0 && !has_entry(script, replica, &entry))
            return false;
    }
    return true;
}
