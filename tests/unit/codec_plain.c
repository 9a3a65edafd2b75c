/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ways to read a frame, held against each other: over the fixed messages, random ones, and
 * both with bytes changed; and the two ways to write one. P1 to P4 of proto/cells.h; T28, T30.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/codec.h"
#include "tests/model/chance.h"
#include "tests/model/heap.h"
#include "tests/unit/messages.h"
#include "tests/unit/ways.h"

struct plain {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_codec_limits limits;
    struct holm_encoder encoder;
    size_t accepted, refused, odd; /* odd: accepted, but not plain */
};

static void plain_init(struct plain *plain)
{
    memset(plain, 0, sizeof *plain);
    plain->allocator = heap_allocator(&plain->heap);
    plain->limits = holm_codec_limits_default(0);
    holm_encoder_init(&plain->encoder, &plain->allocator, plain->limits.frame_bytes_max);
}

static void plain_release(struct plain *plain)
{
    holm_encoder_release(&plain->encoder);
    assert_int_equal(plain->heap.blocks, 0);
}

/* The bytes in a block of their own size, so that a sanitizer sees each one read beyond. */
static bool ways_agree(struct plain *plain, const unsigned char *bytes, size_t size)
{
    unsigned char *exact = malloc(size > 0 ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    bool is_plain = false;
    enum holm_status status = HOLM_OK;
    const char *why = ways_differ(&plain->allocator, &plain->limits, holm_mem(exact, size),
                                  &is_plain, &status);
    free(exact);
    if (why != NULL)
        fail_msg("the two ways differ: %s", why);
    plain->accepted += status == HOLM_OK;
    plain->refused += status != HOLM_OK;
    plain->odd += status == HOLM_OK && !is_plain;
    return is_plain;
}

static struct holm_bytes encode(struct plain *plain, const struct holm_message *message)
{
    struct holm_bytes frame;
    assert_int_equal(holm_encoder_encode(&plain->encoder, message, &frame), HOLM_OK);
    return frame;
}

static void check_whole(struct plain *plain, const struct holm_message *message)
{
    struct holm_bytes frame = encode(plain, message);
    assert_int_equal(ways_agree(plain, frame.data, frame.size), ways_has_cells(message));
    if (ways_has_cells(message))
        assert_true(ways_write_alike(&plain->allocator, message, frame));
}

static void test_codec_plain_when_messages_are_fixed_then_both_ways_agree(void **state)
{
    struct plain plain;
    plain_init(&plain);
    for (size_t i = 0; i < sample_name_count; i++) {
        struct sample sample;
        sample_init(&sample, &plain.allocator);
        sample_names[i].make(&sample);
        check_whole(&plain, &sample.message);
        sample_release(&sample);
    }
    assert_int_equal(plain.accepted, sample_name_count);
    plain_release(&plain);
}

/* Of the messages that have cells. */
static void random_sample(struct plain *plain, struct sample *sample, uint64_t seed)
{
    static const enum holm_message_type types[] = {HOLM_MESSAGE_DELTA, HOLM_MESSAGE_DELTAS,
                                                   HOLM_MESSAGE_SYNC_PAGE, HOLM_MESSAGE_FEED};
    sample_init(sample, &plain->allocator);
    sample_random(sample, types[seed % 4], seed);
}

static void test_codec_plain_when_messages_are_random_then_both_ways_agree(void **state)
{
    struct plain plain;
    plain_init(&plain);
    for (uint64_t seed = 0; seed < 3000; seed++) {
        struct sample sample;
        random_sample(&plain, &sample, seed);
        check_whole(&plain, &sample.message);
        sample_release(&sample);
    }
    assert_int_equal(plain.refused, 0);
    plain_release(&plain);
}

/* ---- wide runs ----------------------------------------------------------------------------- */

/* A run of many items: so many that columns take the slow ways that small ones never meet. */
struct wide {
    size_t items, paths, keys;
    bool constant; /* all values are the same */
    bool elements; /* of a set, every second one the empty one */
};

static struct holm_item wide_item(struct chance *chance, const struct wide *wide, size_t i,
                                  char (*names)[8])
{
    struct holm_item item = {.op = HOLM_ITEM_PUT, .kind = HOLM_REGISTER, .seq = 1 + i};
    uint64_t drawn = wide->constant ? 7 : chance_next(chance) >> chance_below(chance, 64);
    item.key = holm_str(names[chance_below(chance, wide->keys)]);
    item.path = holm_str(names[chance_below(chance, wide->paths)] + 1);
    item.hlc = drawn;
    if (wide->elements) {
        item.kind = HOLM_SET;
        item.sub = i % 2 == 0 ? item.key : holm_mem(NULL, 0);
        return item;
    }
    if (i % 3 == 0)
        item.value = holm_i64((int64_t)drawn);
    else if (i % 3 == 1)
        item.value = holm_double((double)drawn);
    else
        item.value = holm_text(names[wide->constant ? 0 : drawn % 100]);
    return item;
}

static void check_wide(struct plain *plain, struct chance *chance, const struct wide *wide)
{
    const struct holm_actor writer = {{7}, {9}};
    const struct holm_vector_view none = {NULL, 0};
    char names[100][8];
    struct holm_item *items = calloc(wide->items, sizeof *items);
    assert_non_null(items);
    for (unsigned i = 0; i < 100; i++) {
        /* As a key: x, and so on; from the second byte on a path of one name of four bytes. */
        memcpy(names[i], "x\x04n00a", 7);
        names[i][3] = (char)('0' + i / 10);
        names[i][4] = (char)('0' + i % 10);
    }
    for (size_t i = 0; i < wide->items; i++)
        items[i] = wide_item(chance, wide, i, names);
    const struct sample_items made = {&writer, 1, items, wide->items, NULL, 0};
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .partition = 3, .sender = writer};
    message.as.delta = sample_delta(&plain->allocator, 1, wide->items, &made, none, none,
                                    holm_mem(NULL, 0));
    check_whole(plain, &message);
    holm_delta_release(message.as.delta);
    free(items);
}

static void test_codec_plain_when_runs_are_wide_then_both_ways_agree(void **state)
{
    static const struct wide wide[] = {
        {1, 1, 1, true, false},     {200, 1, 1, true, false},   {200, 16, 3, false, false},
        {200, 17, 3, false, false}, {900, 33, 2, false, false}, {900, 100, 100, true, false},
        {2, 1, 1, true, true},      {90, 1, 9, false, true},    {4000, 40, 90, false, false},
    };
    struct plain plain;
    struct chance chance = {.state = 5};
    plain_init(&plain);
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++)
        check_wide(&plain, &chance, &wide[i]);
    assert_int_equal(plain.refused, 0);
    plain_release(&plain);
}

/* ---- spellings ----------------------------------------------------------------------------- */

/* A run that puts k = 1, spelled in ways that protobuf allows, or does not. T28. */
struct spelling {
    const char *what;
    const char *cells;
    size_t size;
    bool plain;
    enum holm_status status;
};

#define SPELL(what, cells, plain, status)                                                          \
    {                                                                                              \
        what, cells, sizeof(cells) - 1, plain, status                                              \
    }
#define FIRST "\x08\x01"
#define SHAPES "\x12\x01\x11"
#define KEY_SIZES "\x1a\x01\x01"
#define KEYS "\x22\x01k"
#define VALUE "\x5a\x01\x03\x62\x01\x02"
#define NEWER "\xa0\x06\x05" /* a varint with the number 100 */

static const struct spelling spellings[] = {
    SPELL("as ever", FIRST SHAPES KEY_SIZES KEYS VALUE, true, HOLM_OK),
    SPELL("other order", VALUE KEYS KEY_SIZES SHAPES FIRST, true, HOLM_OK),
    SPELL("newer field", FIRST SHAPES KEY_SIZES KEYS VALUE NEWER, true, HOLM_OK),
    SPELL("newer, 32 bits",
          FIRST SHAPES KEY_SIZES KEYS VALUE "\xa5\x06"
                                            "abcd",
          true, HOLM_OK),
    SPELL("newer, 64 bits",
          FIRST SHAPES KEY_SIZES KEYS VALUE "\xa1\x06"
                                            "abcdefgh",
          true, HOLM_OK),
    SPELL("newer, bytes",
          FIRST SHAPES KEY_SIZES KEYS VALUE "\xa2\x06\x02"
                                            "ab",
          true, HOLM_OK),
    SPELL("newer, cut off",
          FIRST SHAPES KEY_SIZES KEYS VALUE "\xa5\x06"
                                            "abc",
          false, HOLM_EMALFORMED),
    SPELL("newer, a group", FIRST SHAPES KEY_SIZES KEYS VALUE "\xa3\x06", false, HOLM_EMALFORMED),
    SPELL("newer in between", FIRST NEWER SHAPES KEY_SIZES KEYS VALUE, true, HOLM_OK),
    SPELL("newer in two places", FIRST NEWER SHAPES KEY_SIZES KEYS VALUE NEWER, false, HOLM_OK),
    SPELL("value twice", FIRST FIRST SHAPES KEY_SIZES KEYS VALUE, false, HOLM_OK),
    SPELL("bytes twice", FIRST SHAPES KEY_SIZES "\x22\x01j" KEYS VALUE, false, HOLM_OK),
    SPELL("column in two parts", FIRST SHAPES SHAPES KEY_SIZES KEYS VALUE, false, HOLM_EMALFORMED),
    SPELL("column not packed", FIRST "\x10\x11" KEY_SIZES KEYS VALUE, false, HOLM_OK),
    SPELL("empty column", FIRST SHAPES KEY_SIZES KEYS VALUE "\x42\x00", true, HOLM_OK),
    SPELL("column of nothing", FIRST SHAPES KEY_SIZES KEYS VALUE "\x52\x01\x00", false,
          HOLM_EMALFORMED),
    SPELL("long tag", "\x88\x00\x01" SHAPES KEY_SIZES KEYS VALUE, false, HOLM_OK),
    SPELL("long number", "\x08\x81\x80\x00" SHAPES KEY_SIZES KEYS VALUE, true, HOLM_OK),
    SPELL("64 bits", "\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x00" SHAPES KEY_SIZES KEYS VALUE,
          true, HOLM_OK),
    SPELL("65 bits", "\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x02" SHAPES KEY_SIZES KEYS VALUE,
          false, HOLM_OK),
    SPELL("11 bytes",
          "\x08\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00" SHAPES KEY_SIZES KEYS VALUE, false,
          HOLM_EMALFORMED),
    SPELL("size of 5 bytes", FIRST SHAPES KEY_SIZES "\x22\x81\x80\x80\x80\x00k" VALUE, true,
          HOLM_OK),
    SPELL("size of 6 bytes", FIRST SHAPES KEY_SIZES "\x22\x81\x80\x80\x80\x80\x00k" VALUE, false,
          HOLM_EMALFORMED),
    SPELL("size beyond the end", FIRST SHAPES KEY_SIZES VALUE "\x22\x02k", false, HOLM_EMALFORMED),
    SPELL("number 0", FIRST SHAPES KEY_SIZES KEYS VALUE "\x00\x01", false, HOLM_EMALFORMED),
    SPELL("wrong form", FIRST SHAPES KEY_SIZES KEYS VALUE "\x98\x01\x00\x9a\x01\x00", false,
          HOLM_EMALFORMED),
    SPELL("32 bits cut to 8", FIRST "\x12\x06\x91\x80\x80\x80\x80\x01" KEY_SIZES KEYS VALUE, false,
          HOLM_OK),
};

static void test_codec_plain_when_a_run_is_spelled_oddly_then_both_ways_agree(void **state)
{
    struct plain plain;
    plain_init(&plain);
    for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
        const struct spelling *spelling = &spellings[i];
        unsigned char frame[128] = {
            0x19, 1, 0, 0, 0, 0, 0, 0, 0, 0x2a, (unsigned char)spelling->size};
        memcpy(frame + 11, spelling->cells, spelling->size);
        size_t refused = plain.refused;
        bool is_plain = ways_agree(&plain, frame, 11 + spelling->size);
        struct holm_decoded *decoded = NULL;
        enum holm_status status = holm_codec_decode(&plain.allocator, &plain.limits,
                                                    holm_mem(frame, 11 + spelling->size), &decoded);
        holm_decoded_free(decoded);
        if (is_plain != spelling->plain || status != spelling->status ||
            (plain.refused == refused) != (status == HOLM_OK))
            fail_msg("%s: plain %d, status %d", spelling->what, is_plain, (int)status);
    }
    plain_release(&plain);
}

/* ---- changed bytes ------------------------------------------------------------------------- */

/* One change: a byte, a bit, bytes taken out, bytes said twice. Returns the new size. */
static size_t change(struct chance *chance, unsigned char *bytes, size_t size)
{
    static const unsigned char telling[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0x81, 0xfe, 0xff};
    size_t at = (size_t)chance_below(chance, size);
    size_t length = 1 + (size_t)chance_below(chance, size - at < 12 ? size - at : 12);
    switch (chance_below(chance, 5)) {
    case 0:
        bytes[at] = (unsigned char)chance_next(chance);
        return size;
    case 1:
        bytes[at] ^= (unsigned char)(1u << chance_below(chance, 8));
        return size;
    case 2:
        bytes[at] = telling[chance_below(chance, sizeof telling)];
        return size;
    case 3:
        memmove(bytes + at, bytes + at + length, size - at - length);
        return size - length;
    default:
        memmove(bytes + at + length, bytes + at, size - at);
        return size + length;
    }
}

static void check_changed(struct plain *plain, struct chance *chance, struct holm_bytes frame)
{
    unsigned char *bytes = malloc(frame.size + 64);
    assert_non_null(bytes);
    for (unsigned i = 0; i < 40; i++) {
        size_t size = frame.size;
        memcpy(bytes, frame.data, size);
        for (uint64_t changes = 1 + chance_below(chance, 3); changes > 0 && size > 0; changes--)
            size = change(chance, bytes, size);
        (void)ways_agree(plain, bytes, size);
    }
    free(bytes);
}

static void test_codec_plain_when_bytes_are_changed_then_both_ways_agree(void **state)
{
    struct plain plain;
    plain_init(&plain);
    struct chance chance = {.state = 17};
    for (uint64_t seed = 0; seed < 1500; seed++) {
        struct sample sample;
        random_sample(&plain, &sample, seed);
        check_changed(&plain, &chance, encode(&plain, &sample.message));
        sample_release(&sample);
    }
    /* The changes are neither all harmless nor all deadly, and some only make a frame odd. */
    assert_true(plain.accepted > 1000 && plain.refused > 10000 && plain.odd > 50);
    plain_release(&plain);
}

/* Every byte of a small frame gets every value, and every prefix is tried. */
static void test_codec_plain_when_each_byte_has_each_value_then_both_ways_agree(void **state)
{
    struct plain plain;
    plain_init(&plain);
    for (size_t i = 0; i < sample_name_count; i++) {
        struct sample sample;
        sample_init(&sample, &plain.allocator);
        sample_names[i].make(&sample);
        if (ways_has_cells(&sample.message)) {
            struct holm_bytes frame = encode(&plain, &sample.message);
            unsigned char *bytes = malloc(frame.size);
            assert_non_null(bytes);
            memcpy(bytes, frame.data, frame.size);
            for (size_t at = 0; at < frame.size; at++) {
                unsigned char kept = bytes[at];
                for (unsigned value = 0; value < 256; value++) {
                    bytes[at] = (unsigned char)value;
                    (void)ways_agree(&plain, bytes, frame.size);
                }
                bytes[at] = kept;
                (void)ways_agree(&plain, bytes, at);
            }
            free(bytes);
        }
        sample_release(&sample);
    }
    plain_release(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_plain_when_messages_are_fixed_then_both_ways_agree),
        cmocka_unit_test(test_codec_plain_when_messages_are_random_then_both_ways_agree),
        cmocka_unit_test(test_codec_plain_when_runs_are_wide_then_both_ways_agree),
        cmocka_unit_test(test_codec_plain_when_a_run_is_spelled_oddly_then_both_ways_agree),
        cmocka_unit_test(test_codec_plain_when_bytes_are_changed_then_both_ways_agree),
        cmocka_unit_test(test_codec_plain_when_each_byte_has_each_value_then_both_ways_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
