/* SPDX-License-Identifier: Apache-2.0 */
/* Frames packed by what a link has carried: there and back, refused when they lie, bounded memory. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/core.h"
#include "transport/packing.h"

struct pipe {
    struct heap heap;
    struct holm_allocator allocator;
    struct holm_packer packer;
    struct holm_unpacker unpacker;
};

static void begin(struct pipe *pipe)
{
    *pipe = (struct pipe){0};
    pipe->allocator = heap_allocator(&pipe->heap);
}

static void end(struct pipe *pipe)
{
    holm_packer_release(&pipe->packer, &pipe->allocator);
    holm_unpacker_release(&pipe->unpacker, &pipe->allocator);
    assert_int_equal(pipe->heap.blocks, 0);
}

/* Sends a frame through; how many bytes it took. */
static size_t pass(struct pipe *pipe, const void *bytes, size_t size)
{
    struct holm_bytes packed, frame;
    assert_int_equal(
        holm_packer_pack(&pipe->packer, &pipe->allocator, holm_mem(bytes, size), &packed), HOLM_OK);
    assert_true(holm_packing_is_packed(packed));
    assert_true(packed.size <= HOLM_PACKED_BYTES_MAX);
    assert_int_equal(holm_unpacker_unpack(&pipe->unpacker, &pipe->allocator, packed, &frame),
                     HOLM_OK);
    assert_int_equal(frame.size, size);
    assert_memory_equal(frame.data, bytes, size);
    holm_packer_keep(&pipe->packer, size);
    return packed.size;
}

static enum holm_status unpack(struct pipe *pipe, const char *bytes, size_t size)
{
    struct holm_bytes frame;
    return holm_unpacker_unpack(&pipe->unpacker, &pipe->allocator, holm_mem(bytes, size), &frame);
}

static void test_packing_when_steps_are_spelt_then_read_as_documented(void **state)
{
    (void)state;
    struct pipe pipe;
    struct holm_bytes packed, frame;
    begin(&pipe);
    assert_int_equal(holm_packer_pack(&pipe.packer, &pipe.allocator,
                                      holm_mem("island, island, island", 22), &packed),
                     HOLM_OK);
    assert_int_equal(packed.size, 13);
    assert_memory_equal(packed.data, "\0\7island, \xe0\7\4", 13);
    /* The 6 bytes said last; then 32 as they are. */
    static const char second[] = "\0\x60\x05\x1f\0................................";
    assert_int_equal(unpack(&pipe, packed.data, packed.size), HOLM_OK);
    assert_int_equal(holm_unpacker_unpack(&pipe.unpacker, &pipe.allocator,
                                          holm_mem(second, sizeof second - 1), &frame),
                     HOLM_OK);
    assert_int_equal(frame.size, 38);
    assert_memory_equal(frame.data, "island................................", 38);
    end(&pipe);
}

static void test_packing_when_frames_repeat_then_few_bytes_go(void **state)
{
    (void)state;
    struct pipe pipe;
    char frame[200];
    begin(&pipe);
    memset(frame, 7, sizeof frame);
    for (size_t i = 0; i < 100; i++)
        frame[i] = (char)(i * i);
    assert_true(pass(&pipe, frame, sizeof frame) > 100);
    frame[50] = 1;
    assert_true(pass(&pipe, frame, sizeof frame) < 12);
    end(&pipe);
}

/* However long a link has lasted, what is within the window is found. */
static void test_packing_when_history_has_slid_then_frames_are_found_all_the_same(void **state)
{
    (void)state;
    static unsigned char frames[20][250];
    struct chance chance = {.state = 17};
    struct pipe pipe;
    begin(&pipe);
    for (size_t i = 0; i < 20 * 250; i++)
        frames[i / 250][i % 250] = (unsigned char)chance_below(&chance, 256);
    for (size_t round = 0; round < 400; round++) {
        size_t bytes = pass(&pipe, frames[round % 20], 250);
        assert_true(round < 20 || bytes < 100);
    }
    end(&pipe);
}

/* A mixture: bytes that were there before, runs, and new ones. */
static size_t draw(struct chance *chance, unsigned char *frame, const unsigned char *before)
{
    size_t most = chance_below(chance, 8) == 0 ? HOLM_PACKED_FRAME_BYTES_MAX : 300;
    size_t size = 1 + (size_t)chance_below(chance, most);
    for (size_t at = 0; at < size;) {
        size_t some = 1 + (size_t)chance_below(chance, 90);
        some = some < size - at ? some : size - at;
        uint64_t way = chance_below(chance, 4);
        for (size_t i = 0; i < some; i++)
            frame[at + i] = way == 0   ? (unsigned char)chance_below(chance, 256)
                            : way == 1 ? 9
                                       : before[(at * way + i) % HOLM_PACKED_FRAME_BYTES_MAX];
        at += some;
    }
    return size;
}

static void test_packing_when_many_frames_pass_then_each_comes_out(void **state)
{
    (void)state;
    static unsigned char frames[4][HOLM_PACKED_FRAME_BYTES_MAX];
    struct chance chance = {.state = 11};
    struct pipe pipe;
    size_t said = 0, sent = 0;
    begin(&pipe);
    for (size_t i = 0; i < sizeof frames; i++)
        frames[i / sizeof frames[0]][i % sizeof frames[0]] = (unsigned char)chance_below(&chance,
                                                                                         256);
    for (size_t round = 0; round < 4000; round++) {
        unsigned char *frame = frames[round % 4];
        size_t size = draw(&chance, frame, frames[chance_below(&chance, 4)]);
        said += size;
        sent += pass(&pipe, frame, size);
    }
    assert_true(sent < said * 3 / 4);
    assert_int_equal(pipe.heap.blocks, 2);
    assert_true(pipe.heap.bytes < 40000);
    end(&pipe);
}

static void test_packing_when_nothing_repeats_then_little_is_added(void **state)
{
    (void)state;
    static unsigned char frame[HOLM_PACKED_FRAME_BYTES_MAX];
    struct chance chance = {.state = 5};
    struct pipe pipe;
    begin(&pipe);
    for (size_t round = 0; round < 50; round++) {
        for (size_t i = 0; i < sizeof frame; i++)
            frame[i] = (unsigned char)chance_below(&chance, 256);
        assert_true(pass(&pipe, frame, sizeof frame) <= HOLM_PACKED_BYTES_MAX);
        pass(&pipe, frame, 1 + round);
    }
    end(&pipe);
}

static void test_packing_when_frame_was_not_sent_then_it_leaves_no_trace(void **state)
{
    (void)state;
    struct chance chance = {.state = 8};
    static unsigned char frame[HOLM_PACKED_FRAME_BYTES_MAX], lost[HOLM_PACKED_FRAME_BYTES_MAX];
    struct pipe pipe;
    struct holm_bytes packed;
    begin(&pipe);
    for (size_t round = 0; round < 500; round++) {
        size_t size = draw(&chance, lost, frame);
        assert_int_equal(
            holm_packer_pack(&pipe.packer, &pipe.allocator, holm_mem(lost, size), &packed),
            HOLM_OK);
        size = draw(&chance, frame, lost);
        pass(&pipe, frame, size);
    }
    end(&pipe);
}

static void test_packing_when_bytes_lie_then_refused_for_good(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } lies[] = {
        {"\0", 1},            /* no frame at all */
        {"\0\0", 2},          /* a byte is missing */
        {"\0\4abcd", 6},      /* of five */
        {"\0\x1f", 2},        /* how many? */
        {"\0\x1f\0abc", 6},   /* of 32 */
        {"\0\0a\x20", 4},     /* where? */
        {"\0\0a\x20\1", 5},   /* before the first byte */
        {"\0\0a\x3f\xff", 5}, /* far before it */
        {"\0\x20\0", 3},      /* of nothing */
        {"\0\0a\xe0\0", 5},   /* how long? */
        {"\0\0a\xe0\1\0", 6}, /* long, before the first byte */
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct pipe pipe;
        begin(&pipe);
        assert_int_equal(unpack(&pipe, lies[i].bytes, lies[i].size), HOLM_EMALFORMED);
        assert_int_equal(unpack(&pipe, "\0\0a", 3), HOLM_EMALFORMED);
        end(&pipe);
    }
}

static void test_packing_when_frame_would_be_too_large_then_refused(void **state)
{
    (void)state;
    char bytes[64] = "\0\0a";
    struct pipe pipe;
    size_t size = 3;
    begin(&pipe);
    for (size_t said = 1; said < HOLM_PACKED_FRAME_BYTES_MAX; said += 265, size += 3) {
        size_t left = HOLM_PACKED_FRAME_BYTES_MAX - said;
        memcpy(bytes + size, "\xe0\0\xff", 3);
        if (left < 265)
            bytes[size + 2] = (char)(left - 10);
    }
    assert_int_equal(unpack(&pipe, bytes, size), HOLM_OK);
    assert_int_equal(pipe.unpacker.used, HOLM_PACKED_FRAME_BYTES_MAX);
    bytes[size - 1]++;
    assert_int_equal(unpack(&pipe, bytes, size), HOLM_EMALFORMED);
    end(&pipe);
}

/* Every cut of a true frame, and every byte of it changed, is read or refused within the bounds. */
static void test_packing_when_frame_is_damaged_then_bounds_hold(void **state)
{
    (void)state;
    static unsigned char frame[HOLM_PACKED_FRAME_BYTES_MAX];
    struct chance chance = {.state = 21};
    struct pipe pipe;
    struct holm_bytes packed, made;
    begin(&pipe);
    size_t size = draw(&chance, frame, frame);
    for (; size < 400; size++)
        frame[size] = (unsigned char)(size % 50);
    assert_int_equal(
        holm_packer_pack(&pipe.packer, &pipe.allocator, holm_mem(frame, size), &packed), HOLM_OK);
    for (size_t i = 1; i < packed.size; i++) {
        unsigned char *copy = malloc(packed.size);
        struct holm_unpacker unpacker = {0};
        assert_non_null(copy);
        memcpy(copy, packed.data, packed.size);
        copy[i] ^= (unsigned char)(1 + chance_below(&chance, 255));
        size_t some = chance_below(&chance, 2) == 0 ? packed.size : i + 1;
        enum holm_status status = holm_unpacker_unpack(&unpacker, &pipe.allocator,
                                                       holm_mem(copy, some), &made);
        assert_true(status == HOLM_OK || status == HOLM_EMALFORMED);
        assert_true(made.size <= HOLM_PACKED_FRAME_BYTES_MAX);
        assert_int_equal(made.size > 0, status == HOLM_OK);
        holm_unpacker_release(&unpacker, &pipe.allocator);
        free(copy);
    }
    end(&pipe);
}

static void test_packing_when_memory_is_refused_then_plain_and_again_later(void **state)
{
    (void)state;
    struct pipe pipe;
    struct holm_bytes packed;
    begin(&pipe);
    heap_refuse(&pipe.heap);
    assert_int_equal(holm_packer_pack(&pipe.packer, &pipe.allocator, holm_mem("abcd", 4), &packed),
                     HOLM_ENOMEM);
    assert_int_equal(holm_packer_pack(&pipe.packer, &pipe.allocator, holm_mem("abcd", 4), &packed),
                     HOLM_OK);
    heap_refuse(&pipe.heap);
    assert_int_equal(unpack(&pipe, "\0\0a", 3), HOLM_ENOMEM);
    assert_int_equal(unpack(&pipe, "\0\0a", 3), HOLM_EMALFORMED);
    end(&pipe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packing_when_steps_are_spelt_then_read_as_documented),
        cmocka_unit_test(test_packing_when_frames_repeat_then_few_bytes_go),
        cmocka_unit_test(test_packing_when_history_has_slid_then_frames_are_found_all_the_same),
        cmocka_unit_test(test_packing_when_many_frames_pass_then_each_comes_out),
        cmocka_unit_test(test_packing_when_nothing_repeats_then_little_is_added),
        cmocka_unit_test(test_packing_when_frame_was_not_sent_then_it_leaves_no_trace),
        cmocka_unit_test(test_packing_when_bytes_lie_then_refused_for_good),
        cmocka_unit_test(test_packing_when_frame_would_be_too_large_then_refused),
        cmocka_unit_test(test_packing_when_frame_is_damaged_then_bounds_hold),
        cmocka_unit_test(test_packing_when_memory_is_refused_then_plain_and_again_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
