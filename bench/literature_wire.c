/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_wire.h"

#include <inttypes.h>
#include <stdio.h>

#include "bench/literature_script.h"

#define PREFIX_BYTES 4
#define TYPE_BYTES 1
#define STAMP_BYTES 8
#define DRAW_NAME 6

static uint64_t number_bytes(uint64_t number)
{
    uint64_t bytes = 1;
    while (number >= 128) {
        number >>= 7;
        bytes++;
    }
    return bytes;
}

static void add_bytes(struct literature_cost *cost, uint64_t bytes)
{
    cost->bytes += bytes;
    cost->bytes_short += bytes;
}

void literature_cost_add(struct literature_cost *sum, const struct literature_cost *cost)
{
    sum->messages += cost->messages;
    sum->elements += cost->elements;
    sum->metadata += cost->metadata;
    sum->bytes += cost->bytes;
    sum->bytes_short += cost->bytes_short;
}

struct literature_cost literature_cost_message(void)
{
    return (struct literature_cost){.messages = 1,
                                    .bytes = PREFIX_BYTES + TYPE_BYTES,
                                    .bytes_short = PREFIX_BYTES + TYPE_BYTES};
}

void literature_cost_number(struct literature_cost *cost, uint64_t number)
{
    cost->metadata++;
    add_bytes(cost, number_bytes(number));
}

void literature_cost_length(struct literature_cost *cost, uint64_t length)
{
    add_bytes(cost, number_bytes(length));
}

void literature_cost_id(struct literature_cost *cost)
{
    cost->bytes += LITERATURE_ID_BYTES;
    cost->bytes_short += LITERATURE_ID_BYTES_SHORT;
}

size_t literature_element(uint32_t key, uint32_t updates,
                          char element[LITERATURE_ELEMENT_BYTES_MAX])
{
    uint64_t name = literature_script_draw(0, DRAW_NAME, key / updates);
    int size = snprintf(element, LITERATURE_ELEMENT_BYTES_MAX, "%016" PRIx64 "%04x#%" PRIu32, name,
                        (unsigned)(name >> 20 & 0xffff), key % updates + 1);
    return (size_t)size;
}

size_t literature_map_key(uint32_t key, char string[LITERATURE_ELEMENT_BYTES_MAX])
{
    return (size_t)snprintf(string, LITERATURE_ELEMENT_BYTES_MAX, "%u", key + 1);
}

void literature_cost_value(struct literature_cost *cost, enum literature_type type,
                           uint32_t updates, const struct literature_value *value)
{
    char string[LITERATURE_ELEMENT_BYTES_MAX];
    literature_cost_length(cost, value->count);
    cost->elements += value->count;
    for (uint32_t i = 0; i < value->count; i++) {
        const struct literature_entry *entry = &value->entries[i];
        switch (type) {
        case LITERATURE_GSET:
            add_bytes(cost, 1 + literature_element(entry->key, updates, string));
            break;
        case LITERATURE_GCOUNTER:
            literature_cost_id(cost);
            add_bytes(cost, number_bytes(entry->version));
            break;
        case LITERATURE_GMAP:
            add_bytes(cost, 1 + literature_map_key(entry->key, string) + STAMP_BYTES + 1 +
                                LITERATURE_VALUE_BYTES);
            break;
        }
    }
}
