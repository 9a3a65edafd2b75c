/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_bytes.h"

#include <stdlib.h>
#include <string.h>

#include "bench/literature_object.h"
#include "bench/measure.h"
#include "transport/transport.h"

#define DRAW_ID 7
#define WALL_US UINT64_C(1700000000000000)

static unsigned char *put_number(unsigned char *at, uint64_t number)
{
    for (; number >= 128; number >>= 7)
        *at++ = (unsigned char)(number | 128);
    *at++ = (unsigned char)number;
    return at;
}

static unsigned char *put_fixed64(unsigned char *at, uint64_t number)
{
    for (int i = 0; i < 8; i++)
        *at++ = (unsigned char)(number >> 8 * i);
    return at;
}

static unsigned char *put_string(unsigned char *at, const char *string, size_t size)
{
    at = put_number(at, size);
    memcpy(at, string, size);
    return at + size;
}

static unsigned char *put_id(unsigned char *at, uint32_t actor)
{
    unsigned char id[24];
    for (uint64_t i = 0; i < 3; i++)
        put_fixed64(id + 8 * i, literature_script_draw(i, DRAW_ID, actor));
    memcpy(at, id, LITERATURE_ID_BYTES);
    return at + LITERATURE_ID_BYTES;
}

static unsigned char *put_entry(unsigned char *at, const struct literature_case *script,
                                const struct literature_entry *entry)
{
    char string[LITERATURE_ELEMENT_BYTES_MAX];
    switch (script->type) {
    case LITERATURE_GSET:
        return put_string(at, string, literature_element(entry->key, script->updates, string));
    case LITERATURE_GCOUNTER:
        return put_number(put_id(at, entry->key), entry->version);
    case LITERATURE_GMAP:
        at = put_string(at, string, literature_map_key(entry->key, string));
        at = put_fixed64(at, WALL_US + entry->version);
        literature_object_value(script, entry, string);
        return put_string(at, string, LITERATURE_VALUE_BYTES);
    }
    return at;
}

size_t literature_bytes_write(const struct literature_case *script,
                              const struct literature_message *message, unsigned char *bytes)
{
    unsigned char *at = bytes;
    *at++ = (unsigned char)(message->type + 1);
    if (message->type != LITERATURE_STATE)
        at = put_number(at, message->seq);
    if (message->value != NULL) {
        at = put_number(at, message->value->count);
        for (uint32_t i = 0; i < message->value->count; i++)
            at = put_entry(at, script, &message->value->entries[i]);
    }
    return (size_t)(at - bytes);
}

uint64_t literature_links_send(struct literature_links *links, const struct literature_case *script,
                               const struct literature_message *message)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    struct holm_packer *packer = &links->packers[message->from][message->to];
    unsigned char *bytes = measure_allocate(message->cost.bytes);
    struct holm_bytes packed;
    size_t size = literature_bytes_write(script, message, bytes);
    measure_require(size + HOLM_LINK_PREFIX_BYTES == message->cost.bytes,
                    "a message's bytes are not those that it was said to cost");
    uint64_t sent = size;
    if (holm_packing_fits(size)) {
        measure_must(holm_packer_pack(packer, &allocator, holm_mem(bytes, size), &packed),
                     "packing");
        holm_packer_keep(packer, size);
        sent = packed.size;
    }
    free(bytes);
    return sent + HOLM_LINK_PREFIX_BYTES;
}

void literature_links_release(struct literature_links *links)
{
    struct holm_allocator allocator = holm_transport_config_default().allocator;
    for (size_t i = 0; i < LITERATURE_ACTORS_MAX; i++) {
        for (size_t j = 0; j < LITERATURE_ACTORS_MAX; j++)
            holm_packer_release(&links->packers[i][j], &allocator);
    }
}
