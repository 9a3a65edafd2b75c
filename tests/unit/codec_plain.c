/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two ways to read a frame, held against each other: over the fixed messages, random ones, and
 * both with bytes changed. P1 to P3 of proto/cells.h; T28, T30.
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

static bool has_cells(const struct holm_message *message)
{
    return message->type == HOLM_MESSAGE_DELTA || message->type == HOLM_MESSAGE_DELTAS ||
           message->type == HOLM_MESSAGE_SYNC_PAGE;
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
    assert_int_equal(ways_agree(plain, frame.data, frame.size), has_cells(message));
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

/* Of the three messages that have cells. */
static void random_sample(struct plain *plain, struct sample *sample, uint64_t seed)
{
    static const enum holm_message_type types[] = {HOLM_MESSAGE_DELTA, HOLM_MESSAGE_DELTAS,
                                                   HOLM_MESSAGE_SYNC_PAGE};
    sample_init(sample, &plain->allocator);
    sample_random(sample, types[seed % 3], seed);
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
    struct chance chance = {17};
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
        if (has_cells(&sample.message)) {
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
        cmocka_unit_test(test_codec_plain_when_bytes_are_changed_then_both_ways_agree),
        cmocka_unit_test(test_codec_plain_when_each_byte_has_each_value_then_both_ways_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
