/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as what a link brings: packed frames, by a liar, and frames to pack, by ourselves.
 *
 *     input = parts, each behind its size (two bytes)
 *     every part  ->  as a packed frame, to an unpacker that believes nothing
 *                 ->  as a frame, packed and unpacked again; one in eight is not sent
 *
 * T30: refusal within the frame's bound, for good, and in the memory that one history takes. What was
 * packed comes out as it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/model/heap.h"
#include "transport/packing.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct siege {
    struct holm_allocator allocator;
    struct holm_unpacker victim;
    struct holm_packer packer;
    struct holm_unpacker friendly;
};

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "packing: %s\n", what);
        abort();
    }
}

static void lie(struct siege *siege, const uint8_t *part, size_t size)
{
    unsigned char *packed = malloc(size + 1); /* exactly so large: reads beyond are found */
    struct holm_bytes frame;
    require(packed != NULL, "no memory");
    packed[0] = HOLM_PACKED_MARK;
    if (size > 0)
        memcpy(packed + 1, part, size);
    bool broken = siege->victim.broken;
    enum holm_status status = holm_unpacker_unpack(&siege->victim, &siege->allocator,
                                                   holm_mem(packed, size + 1), &frame);
    require(status == HOLM_OK || status == HOLM_EMALFORMED, "a status that there is not");
    require(!broken || status == HOLM_EMALFORMED, "it was refused, and now it is not");
    require(frame.size <= HOLM_PACKED_FRAME_BYTES_MAX, "a frame beyond its bound");
    require((frame.size > 0) == (status == HOLM_OK), "status and frame contradict each other");
    /* Some liars begin anew. */
    if (status != HOLM_OK && size % 2 == 0)
        holm_unpacker_release(&siege->victim, &siege->allocator);
    free(packed);
}

static void go_round(struct siege *siege, const uint8_t *part, size_t size)
{
    struct holm_bytes packed, frame;
    require(holm_packer_pack(&siege->packer, &siege->allocator, holm_mem(part, size), &packed) ==
                HOLM_OK,
            "it cannot be packed");
    require(packed.size <= HOLM_PACKED_BYTES_MAX, "packing makes it too large");
    if (size % 8 == 3)
        return;
    require(holm_unpacker_unpack(&siege->friendly, &siege->allocator, packed, &frame) == HOLM_OK,
            "what was packed is refused");
    require(frame.size == size && memcmp(frame.data, part, size) == 0, "another frame comes out");
    holm_packer_keep(&siege->packer, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap heap = {0};
    struct siege siege = {.allocator = heap_allocator(&heap)};
    while (size >= 2) {
        size_t part = (size_t)(data[0] & 15) * 256 + data[1];
        data += 2;
        size -= 2;
        part = part < size ? part : size;
        lie(&siege, data, part);
        if (holm_packing_fits(part))
            go_round(&siege, data, part);
        data += part;
        size -= part;
    }
    require(heap.blocks <= 3 && heap.bytes <= 64 << 10, "it takes too much memory");
    holm_packer_release(&siege.packer, &siege.allocator);
    holm_unpacker_release(&siege.friendly, &siege.allocator);
    holm_unpacker_release(&siege.victim, &siege.allocator);
    require(heap.blocks == 0, "memory is lost");
    return 0;
}
