/* SPDX-License-Identifier: Apache-2.0 */
/* Frames out of bytes, however those arrive; and the outbox, their way back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/framer.h"
#include "transport/outbox.h"
#include "transport/transport.h"

/* Memory that is counted, and refused from the n-th request on. */
struct ledger {
    size_t held, most;
    unsigned long left;
};

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct ledger *ledger = context;
    if (size_new > size_old && ledger->left-- == 0) {
        ledger->left = 0;
        return NULL;
    }
    ledger->held += size_new - size_old;
    if (ledger->held > ledger->most)
        ledger->most = ledger->held;
    if (size_new > 0)
        return realloc(memory, size_new);
    free(memory);
    return NULL;
}

struct bench {
    struct ledger ledger;
    struct holm_allocator allocator;
    struct holm_framer framer;
};

static void begin(struct bench *bench, enum holm_framing framing, size_t frame_bytes_max)
{
    bench->ledger = (struct ledger){.left = 1000000};
    bench->allocator = (struct holm_allocator){.resize = resize, .context = &bench->ledger};
    holm_framer_init(&bench->framer, &bench->allocator, framing, frame_bytes_max);
}

static void end(struct bench *bench)
{
    holm_framer_clear(&bench->framer);
    assert_int_equal(bench->ledger.held, 0);
}

/* Feeds bytes, at most `step` at once, as a reader would. */
static enum holm_status feed(struct bench *bench, const unsigned char *bytes, size_t size,
                             size_t step)
{
    while (size > 0) {
        struct holm_span spans[2];
        size_t count = holm_framer_room(&bench->framer, spans);
        size_t now = 0;
        for (size_t i = 0; i < count; i++) {
            size_t part = spans[i].size;
            if (part > size - now)
                part = size - now;
            if (part > step - now)
                part = step - now;
            memcpy(spans[i].data, bytes + now, part);
            now += part;
        }
        enum holm_status status = holm_framer_feed(&bench->framer, now);
        if (status != HOLM_OK)
            return status;
        bytes += now;
        size -= now;
    }
    return HOLM_OK;
}

static void expect(struct bench *bench, struct holm_frame_list *list, const void *bytes,
                   size_t size)
{
    struct holm_frame *frame = holm_frame_list_pop(list);
    assert_non_null(frame);
    assert_int_equal(frame->size, size);
    assert_memory_equal(frame->bytes, bytes, size);
    holm_frame_free(&bench->allocator, frame);
}

static void test_framer_when_fed_in_any_steps_then_same_frames(void **state)
{
    enum {
        LARGE = 200000
    };
    unsigned char *stream = malloc(3 * LARGE);
    assert_non_null(stream);
    unsigned char *at = stream;
    static const size_t sizes[] = {1, 0, 3, 70000, 16384, 16380, LARGE, 2};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        holm_link_prefix(at, sizes[i]);
        memset(at + 4, 'a' + (int)i, sizes[i]);
        at += 4 + sizes[i];
    }
    static const size_t steps[] = {1, 2, 7, 1000, 16384, 65536, 1000000};
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct bench bench;
        begin(&bench, HOLM_FRAMING_LINK, LARGE);
        assert_int_equal(feed(&bench, stream, (size_t)(at - stream), steps[s]), HOLM_OK);
        struct holm_frame_list frames = holm_framer_take(&bench.framer);
        const unsigned char *expected = stream;
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            expect(&bench, &frames, expected + 4, sizes[i]);
            expected += 4 + sizes[i];
        }
        assert_null(frames.first);
        end(&bench);
    }
    free(stream);
}

static void test_framer_when_length_is_too_large_then_refused_before_memory(void **state)
{
    struct bench bench;
    begin(&bench, HOLM_FRAMING_LINK, 1000);
    assert_int_equal(feed(&bench, (const unsigned char *)"\xe9\x03\0\0", 4, 4), HOLM_ETOOBIG);
    assert_int_equal(bench.ledger.most, 0);
    end(&bench);
    begin(&bench, HOLM_FRAMING_PUB_TCP, 1000);
    static const unsigned char huge[16] = {0,    'S',  'P',  0,    0,    0x20, 0,    0,
                                           0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    assert_int_equal(feed(&bench, huge, sizeof huge, sizeof huge), HOLM_ETOOBIG);
    assert_int_equal(bench.ledger.most, 0);
    end(&bench);
}

static void test_framer_when_length_is_only_claimed_then_little_memory(void **state)
{
    enum {
        CLAIMED = 1 << 24
    };
    struct bench bench;
    begin(&bench, HOLM_FRAMING_LINK, CLAIMED);
    unsigned char bytes[100] = {0};
    holm_link_prefix(bytes, CLAIMED);
    assert_int_equal(feed(&bench, bytes, sizeof bytes, 10), HOLM_OK);
    assert_true(bench.ledger.most <= 65536 + sizeof(struct holm_frame));
    end(&bench);
}

static void test_framer_when_publisher_greets_then_messages_follow(void **state)
{
    static const unsigned char tcp[] = {0, 'S', 'P', 0, 0, 0x20, 0, 0,   0,
                                        0, 0,   0,   0, 0, 0,    2, 'h', 'i'};
    static const unsigned char ipc[] = {0, 'S', 'P', 0, 0, 0x20, 0, 0,   1,  0,
                                        0, 0,   0,   0, 0, 0,    2, 'h', 'i'};
    for (size_t step = 1; step < sizeof ipc; step++) {
        struct bench bench;
        begin(&bench, HOLM_FRAMING_PUB_TCP, 100);
        assert_int_equal(feed(&bench, tcp, sizeof tcp, step), HOLM_OK);
        struct holm_frame_list frames = holm_framer_take(&bench.framer);
        expect(&bench, &frames, "hi", 2);
        end(&bench);
        begin(&bench, HOLM_FRAMING_PUB_IPC, 100);
        assert_int_equal(feed(&bench, ipc, sizeof ipc, step), HOLM_OK);
        frames = holm_framer_take(&bench.framer);
        expect(&bench, &frames, "hi", 2);
        end(&bench);
    }
}

static void test_framer_when_greeting_or_type_is_wrong_then_malformed(void **state)
{
    static const unsigned char puller[] = {0, 'S', 'P', 0, 0, 0x51, 0, 0};
    static const unsigned char control[] = {0, 'S', 'P', 0, 0, 0x20, 0, 0, 0,
                                            0, 0,   0,   0, 0, 0,    0, 2};
    struct bench bench;
    begin(&bench, HOLM_FRAMING_PUB_TCP, 100);
    assert_int_equal(feed(&bench, puller, sizeof puller, 8), HOLM_EMALFORMED);
    end(&bench);
    begin(&bench, HOLM_FRAMING_PUB_IPC, 100);
    assert_int_equal(feed(&bench, control, sizeof control, 100), HOLM_EMALFORMED);
    end(&bench);
}

static void test_framer_when_peer_ends_the_link_then_frames_before_it_count(void **state)
{
    static const unsigned char bytes[] = {1, 0, 0, 0, 'x', 0xff, 0xff, 0xff, 0xff};
    struct bench bench;
    begin(&bench, HOLM_FRAMING_LINK, 100);
    assert_int_equal(feed(&bench, bytes, sizeof bytes, sizeof bytes), HOLM_ECLOSED);
    struct holm_frame_list frames = holm_framer_take(&bench.framer);
    expect(&bench, &frames, "x", 1);
    assert_null(frames.first);
    end(&bench);
}

static void test_framer_when_memory_is_refused_then_says_so(void **state)
{
    enum {
        SIZE = 300000
    };
    unsigned char *bytes = calloc(1, SIZE + 4);
    assert_non_null(bytes);
    holm_link_prefix(bytes, SIZE);
    enum holm_status status = HOLM_ENOMEM;
    for (unsigned long allowed = 0; status != HOLM_OK; allowed++) {
        assert_true(allowed < 10);
        struct bench bench;
        begin(&bench, HOLM_FRAMING_LINK, SIZE);
        bench.ledger.left = allowed;
        status = feed(&bench, bytes, SIZE + 4, 16384);
        assert_true(status == HOLM_OK || status == HOLM_ENOMEM);
        assert_true((status == HOLM_OK) == (bench.framer.complete.first != NULL));
        end(&bench);
    }
    free(bytes);
}

static void test_outbox_when_sent_in_parts_then_order_is_kept(void **state)
{
    struct bench bench;
    begin(&bench, HOLM_FRAMING_LINK, 100);
    struct holm_outbox outbox;
    holm_outbox_init(&outbox, &bench.allocator);
    assert_int_equal(holm_outbox_next(&outbox).size, 0);
    unsigned char next_in = 0, next_out = 0;
    size_t inside = 0;
    for (unsigned round = 0; round < 2000; round++) {
        unsigned char two[2] = {next_in, (unsigned char)(next_in + 1)};
        next_in = (unsigned char)(next_in + 2);
        inside += 2;
        assert_int_equal(holm_outbox_append(&outbox, holm_mem(two, 1), holm_mem(two + 1, 1)),
                         HOLM_OK);
        struct holm_bytes next = holm_outbox_next(&outbox);
        assert_true(next.size > 0);
        size_t sent = 1 + round % 3 < next.size ? 1 + round % 3 : next.size;
        for (size_t i = 0; i < sent; i++)
            assert_int_equal(((const unsigned char *)next.data)[i], next_out++);
        holm_outbox_sent(&outbox, sent);
        inside -= sent;
        assert_int_equal(holm_outbox_size(&outbox), inside);
    }
    holm_outbox_release(&outbox);
    end(&bench);
}

static void test_outbox_when_memory_is_refused_then_nothing_is_queued(void **state)
{
    struct bench bench;
    begin(&bench, HOLM_FRAMING_LINK, 100);
    struct holm_outbox outbox;
    holm_outbox_init(&outbox, &bench.allocator);
    unsigned char large[5000] = {0};
    bench.ledger.left = 1;
    assert_int_equal(holm_outbox_append(&outbox, holm_str("abcd"), holm_str("e")), HOLM_OK);
    assert_int_equal(holm_outbox_append(&outbox, holm_str("abcd"), holm_mem(large, sizeof large)),
                     HOLM_ENOMEM);
    assert_int_equal(holm_outbox_size(&outbox), 5);
    assert_memory_equal(holm_outbox_next(&outbox).data, "abcde", 5);
    holm_outbox_release(&outbox);
    end(&bench);
}

static void test_outbox_when_a_burst_is_through_then_memory_goes_back(void **state)
{
    struct bench bench;
    begin(&bench, HOLM_FRAMING_LINK, 100);
    struct holm_outbox outbox;
    holm_outbox_init(&outbox, &bench.allocator);
    unsigned char *large = calloc(1, 1000000);
    assert_non_null(large);
    assert_int_equal(holm_outbox_append(&outbox, holm_str("p"), holm_mem(large, 1000000)), HOLM_OK);
    free(large);
    holm_outbox_sent(&outbox, holm_outbox_next(&outbox).size);
    assert_int_equal(holm_outbox_next(&outbox).size, 0);
    assert_true(bench.ledger.held <= 2 * 65536);
    holm_outbox_release(&outbox);
    end(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framer_when_fed_in_any_steps_then_same_frames),
        cmocka_unit_test(test_framer_when_length_is_too_large_then_refused_before_memory),
        cmocka_unit_test(test_framer_when_length_is_only_claimed_then_little_memory),
        cmocka_unit_test(test_framer_when_publisher_greets_then_messages_follow),
        cmocka_unit_test(test_framer_when_greeting_or_type_is_wrong_then_malformed),
        cmocka_unit_test(test_framer_when_peer_ends_the_link_then_frames_before_it_count),
        cmocka_unit_test(test_framer_when_memory_is_refused_then_says_so),
        cmocka_unit_test(test_outbox_when_sent_in_parts_then_order_is_kept),
        cmocka_unit_test(test_outbox_when_memory_is_refused_then_nothing_is_queued),
        cmocka_unit_test(test_outbox_when_a_burst_is_through_then_memory_goes_back),
    };
    return cmocka_run_group_tests_name("framer", tests, NULL, NULL);
}
