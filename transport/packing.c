/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/packing.h"

#include <string.h>

#define FRAME_MAX HOLM_PACKED_FRAME_BYTES_MAX
#define WINDOW HOLM_PACKED_WINDOW
#define HISTORY_BYTES (WINDOW + 2 * FRAME_MAX)

#define HASH_BITS 12
#define SHORTEST 4 /* bytes that are looked up, and at least copied */
#define LONGEST 265
#define LONG_FROM 10 /* copies whose length has a byte of its own */
#define PLAIN_FROM 32
#define PLAIN_LONGEST (PLAIN_FROM + 255)

_Static_assert(HISTORY_BYTES <= UINT16_MAX, "places in the history have 16 bits");
_Static_assert(WINDOW == 32 * 256, "a distance has 13 bits");

struct holm_packer_memory {
    unsigned char history[HISTORY_BYTES];
    /* By hash of four bytes, where they were last. Hints: whoever follows one compares the bytes. */
    uint16_t places[1 << HASH_BITS];
    unsigned char packed[HOLM_PACKED_BYTES_MAX];
};

/* ---- packing ------------------------------------------------------------------------------- */

static uint32_t word_at(const unsigned char *bytes)
{
    uint32_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint16_t *place_of(struct holm_packer_memory *memory, size_t at)
{
    return &memory
                ->places[word_at(memory->history + at) * UINT32_C(2654435761) >> (32 - HASH_BITS)];
}

/* Makes room for a frame; what is further back than the window goes. */
static void slide(struct holm_packer *packer)
{
    struct holm_packer_memory *memory = packer->memory;
    if (packer->used + FRAME_MAX <= HISTORY_BYTES)
        return;
    uint16_t gone = (uint16_t)(packer->used - WINDOW);
    memmove(memory->history, memory->history + gone, WINDOW);
    /* In words of 16 bits throughout, so that compilers do eight or more at a time. */
    for (size_t i = 0; i < sizeof memory->places / sizeof memory->places[0]; i++) {
        uint16_t place = memory->places[i];
        uint16_t larger = place > gone ? place : gone;
        memory->places[i] = (uint16_t)(larger - gone);
    }
    packer->used = WINDOW;
}

static unsigned char *put_plain(unsigned char *out, const unsigned char *from, size_t count)
{
    while (count > 0) {
        size_t some = count < PLAIN_LONGEST ? count : PLAIN_LONGEST;
        if (some < PLAIN_FROM) {
            *out++ = (unsigned char)(some - 1);
        } else {
            *out++ = PLAIN_FROM - 1;
            *out++ = (unsigned char)(some - PLAIN_FROM);
        }
        memcpy(out, from, some);
        out += some;
        from += some;
        count -= some;
    }
    return out;
}

static unsigned char *put_copy(unsigned char *out, size_t distance, size_t length)
{
    size_t back = distance - 1;
    size_t short_length = length < LONG_FROM ? length - 3 : 7;
    *out++ = (unsigned char)(short_length << 5 | back >> 8);
    *out++ = (unsigned char)back;
    if (length >= LONG_FROM)
        *out++ = (unsigned char)(length - LONG_FROM);
    return out;
}

/* How many bytes at `at` are those at `from`, of which four are known to be. */
static size_t length_of(const unsigned char *history, size_t from, size_t at, size_t end)
{
    size_t length = SHORTEST;
    size_t most = end - at < LONGEST ? end - at : LONGEST;
    while (length + sizeof(uint64_t) <= most &&
           memcmp(history + from + length, history + at + length, sizeof(uint64_t)) == 0)
        length += sizeof(uint64_t);
    while (length < most && history[from + length] == history[at + length])
        length++;
    return length;
}

/* Writes the steps of history[begin..end). Bytes that are found nowhere are passed faster and faster. */
static unsigned char *put_steps(struct holm_packer_memory *memory, size_t begin, size_t end,
                                unsigned char *out)
{
    const unsigned char *history = memory->history;
    size_t plain = begin, at = begin;
    while (at + SHORTEST <= end) {
        uint16_t *place = place_of(memory, at);
        size_t from = *place;
        *place = (uint16_t)at;
        if (from >= at || at - from > WINDOW || word_at(history + from) != word_at(history + at)) {
            at += 1 + (at - plain) / 64;
            continue;
        }
        size_t length = length_of(history, from, at, end);
        out = put_plain(out, history + plain, at - plain);
        out = put_copy(out, at - from, length);
        for (size_t i = at + 1; i < at + length && i + SHORTEST <= end; i += 2)
            *place_of(memory, i) = (uint16_t)i;
        at += length;
        plain = at;
    }
    return put_plain(out, history + plain, end - plain);
}

enum holm_status holm_packer_pack(struct holm_packer *packer,
                                  const struct holm_allocator *allocator, struct holm_bytes frame,
                                  struct holm_bytes *packed)
{
    HOLM_ASSERT(holm_packing_fits(frame.size));
    if (packer->memory == NULL) {
        packer->memory = holm_allocate(allocator, sizeof *packer->memory);
        if (packer->memory == NULL)
            return HOLM_ENOMEM;
        memset(packer->memory->places, 0, sizeof packer->memory->places);
    }
    slide(packer);
    struct holm_packer_memory *memory = packer->memory;
    memcpy(memory->history + packer->used, frame.data, frame.size);
    memory->packed[0] = HOLM_PACKED_MARK;
    unsigned char *end = put_steps(memory, packer->used, packer->used + frame.size,
                                   memory->packed + 1);
    *packed = holm_mem(memory->packed, (size_t)(end - memory->packed));
    HOLM_ASSERT(packed->size <= HOLM_PACKED_BYTES_MAX);
    return HOLM_OK;
}

void holm_packer_keep(struct holm_packer *packer, size_t frame_bytes)
{
    HOLM_ASSERT(packer->used + frame_bytes <= HISTORY_BYTES);
    packer->used += frame_bytes;
}

void holm_packer_release(struct holm_packer *packer, const struct holm_allocator *allocator)
{
    holm_deallocate(allocator, packer->memory, sizeof *packer->memory);
    *packer = (struct holm_packer){0};
}

/* ---- unpacking ----------------------------------------------------------------------------- */

/* One frame being made in a history: from `begin` to `at`, and never beyond `end`. */
struct making {
    unsigned char *history;
    size_t begin, at, end;
};

/* A step that says its bytes. Returns what is behind it; NULL: refused. */
static const unsigned char *take_plain(struct making *making, const unsigned char *in,
                                       const unsigned char *end)
{
    size_t count = (size_t)*in++ + 1;
    if (count == PLAIN_FROM) {
        if (in == end)
            return NULL;
        count = (size_t)PLAIN_FROM + *in++;
    }
    if (count > (size_t)(end - in) || count > making->end - making->at)
        return NULL;
    memcpy(making->history + making->at, in, count);
    making->at += count;
    return in + count;
}

/* A step that points back. */
static const unsigned char *take_copy(struct making *making, const unsigned char *in,
                                      const unsigned char *end)
{
    if (end - in < 2)
        return NULL;
    size_t distance = (size_t)(in[0] & 31) * 256 + in[1] + 1;
    size_t length = (size_t)(in[0] >> 5) + 3;
    in += 2;
    if (length == LONG_FROM) {
        if (in == end)
            return NULL;
        length = (size_t)LONG_FROM + *in++;
    }
    if (distance > making->at || length > making->end - making->at)
        return NULL;
    unsigned char *to = making->history + making->at;
    const unsigned char *from = to - distance;
    if (distance >= length)
        memcpy(to, from, length);
    else
        for (size_t i = 0; i < length; i++) /* byte by byte: they overlap */
            to[i] = from[i];
    making->at += length;
    return in;
}

static bool take_steps(struct making *making, struct holm_bytes packed)
{
    const unsigned char *in = packed.data;
    const unsigned char *end = in + packed.size;
    in++;
    while (in != NULL && in < end)
        in = *in < PLAIN_FROM ? take_plain(making, in, end) : take_copy(making, in, end);
    return in != NULL && making->at > making->begin;
}

/* Room for the history, and in it for a frame. */
static enum holm_status make_room(struct holm_unpacker *unpacker,
                                  const struct holm_allocator *allocator)
{
    if (unpacker->history == NULL)
        unpacker->history = holm_allocate(allocator, HISTORY_BYTES);
    if (unpacker->history == NULL)
        return HOLM_ENOMEM;
    if (unpacker->used + FRAME_MAX > HISTORY_BYTES) {
        memmove(unpacker->history, unpacker->history + unpacker->used - WINDOW, WINDOW);
        unpacker->used = WINDOW;
    }
    return HOLM_OK;
}

enum holm_status holm_unpacker_unpack(struct holm_unpacker *unpacker,
                                      const struct holm_allocator *allocator,
                                      struct holm_bytes packed, struct holm_bytes *frame)
{
    HOLM_ASSERT(holm_packing_is_packed(packed));
    *frame = holm_mem(NULL, 0);
    enum holm_status status = unpacker->broken ? HOLM_EMALFORMED : make_room(unpacker, allocator);
    if (status == HOLM_OK) {
        struct making making = {.history = unpacker->history,
                                .begin = unpacker->used,
                                .at = unpacker->used,
                                .end = unpacker->used + FRAME_MAX};
        if (take_steps(&making, packed)) {
            *frame = holm_mem(making.history + making.begin, making.at - making.begin);
            unpacker->used = making.at;
            return HOLM_OK;
        }
        status = HOLM_EMALFORMED;
    }
    unpacker->broken = true;
    return status;
}

void holm_unpacker_release(struct holm_unpacker *unpacker, const struct holm_allocator *allocator)
{
    holm_deallocate(allocator, unpacker->history, HISTORY_BYTES);
    *unpacker = (struct holm_unpacker){0};
}
