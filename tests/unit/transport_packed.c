/* SPDX-License-Identifier: Apache-2.0 */
/* Links that pack, over the virtual network: what arrives, what a break forgets, what a liar gets. */
#include <stdlib.h>
#include <string.h>

#include "sim/network.h"
#include "tests/unit/core.h"
#include "transport/packed.h"
#include "transport/packing.h"

#define LONG "an island, a small one, and another island beside it"

struct pair {
    struct heap heap; /* of the side that packs, `a` */
    struct holm_network *network;
    size_t frame_bytes_max; /* 0: as usual */
    struct holm_transport *a, *b;
    struct holm_link_id ab, ba;
};

static struct holm_transport *open_at(struct pair *pair, const char *address,
                                      const struct holm_allocator *allocator)
{
    struct holm_transport_config config = holm_transport_config_default();
    struct holm_transport *below, *packed;
    config.listen = address;
    if (pair->frame_bytes_max > 0)
        config.frame_bytes_max = pair->frame_bytes_max;
    assert_int_equal(holm_network_open(pair->network, address, &config, &below), HOLM_OK);
    if (allocator == NULL)
        return below;
    assert_int_equal(holm_transport_packed_open(below, allocator, &packed), HOLM_OK);
    return packed;
}

static struct holm_transport_event next(struct pair *pair, struct holm_transport *transport)
{
    struct holm_transport_event event;
    for (;;) {
        transport->ops->next(transport, 0, &event);
        if (event.type != HOLM_TRANSPORT_NONE)
            return event;
        assert_int_not_equal(holm_network_next_event(pair->network), UINT64_MAX);
        holm_network_advance(pair->network, holm_network_next_event(pair->network));
    }
}

static struct holm_transport_event await(struct pair *pair, struct holm_transport *transport,
                                         enum holm_transport_event_type type)
{
    struct holm_transport_event event = next(pair, transport);
    assert_int_equal(event.type, type);
    return event;
}

static void join(struct pair *pair)
{
    assert_int_equal(pair->a->ops->link_dial(pair->a, "virtual://b", &pair->ab), HOLM_OK);
    assert_int_equal(await(pair, pair->a, HOLM_TRANSPORT_LINK_UP).link.value, pair->ab.value);
    pair->ba = await(pair, pair->b, HOLM_TRANSPORT_LINK_UP).link;
}

/* `b` packs too, unless it is to be a liar. */
static void begin_with(struct pair *pair, bool packs, size_t frame_bytes_max)
{
    struct holm_allocator plain = holm_transport_config_default().allocator;
    *pair = (struct pair){.frame_bytes_max = frame_bytes_max};
    struct holm_allocator counted = heap_allocator(&pair->heap);
    assert_int_equal(holm_network_new(&pair->network, &plain, 1), HOLM_OK);
    pair->a = open_at(pair, "virtual://a", &counted);
    pair->b = open_at(pair, "virtual://b", packs ? &plain : NULL);
    join(pair);
}

static void begin(struct pair *pair, bool packs)
{
    begin_with(pair, packs, 0);
}

static void end(struct pair *pair)
{
    pair->a->ops->close(pair->a, 0);
    pair->b->ops->close(pair->b, 0);
    holm_network_free(pair->network);
    assert_int_equal(pair->heap.blocks, 0);
}

static enum holm_status send(struct holm_transport *from, struct holm_link_id link,
                             const char *text)
{
    return from->ops->link_send(from, link, text, strlen(text));
}

static void expect(struct pair *pair, struct holm_transport *at, const char *text)
{
    struct holm_transport_event event = await(pair, at, HOLM_TRANSPORT_LINK_FRAME);
    assert_int_equal(event.frame_bytes, strlen(text));
    assert_memory_equal(event.frame, text, event.frame_bytes);
    at->ops->release(at, &event);
}

/* What is under way may come, or not. */
static void expect_end(struct pair *pair, struct holm_transport *at)
{
    struct holm_transport_event event = next(pair, at);
    while (event.type == HOLM_TRANSPORT_LINK_FRAME) {
        assert_int_equal(event.frame_bytes, strlen(LONG));
        assert_memory_equal(event.frame, LONG, event.frame_bytes);
        at->ops->release(at, &event);
        event = next(pair, at);
    }
    assert_int_equal(event.type, HOLM_TRANSPORT_LINK_CLOSED);
}

static void test_packed_when_frames_repeat_then_they_arrive_for_less(void **state)
{
    (void)state;
    struct pair pair;
    begin(&pair, true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send(pair.a, pair.ab, LONG), HOLM_OK);
        assert_int_equal(send(pair.b, pair.ba, LONG " too"), HOLM_OK);
    }
    for (int i = 0; i < 3; i++) {
        expect(&pair, pair.b, LONG);
        expect(&pair, pair.a, LONG " too");
    }
    assert_true(holm_transport_packed_sent(pair.a) < 2 * strlen(LONG));
    assert_int_equal(holm_transport_packed_sent(pair.a), holm_transport_packed_received(pair.b));
    end(&pair);
}

static void test_packed_when_frames_are_large_then_they_go_plain_in_between(void **state)
{
    (void)state;
    struct pair pair;
    begin(&pair, true);
    char *large = malloc(HOLM_PACKED_FRAME_BYTES_MAX + 2);
    assert_non_null(large);
    memset(large, 'x', HOLM_PACKED_FRAME_BYTES_MAX + 1);
    large[HOLM_PACKED_FRAME_BYTES_MAX + 1] = '\0';
    for (int i = 0; i < 20; i++) {
        uint64_t before = holm_transport_packed_sent(pair.a);
        assert_int_equal(send(pair.a, pair.ab, large), HOLM_OK);
        assert_int_equal(holm_transport_packed_sent(pair.a) - before, strlen(large));
        assert_int_equal(send(pair.a, pair.ab, large + 1), HOLM_OK);
        assert_int_equal(send(pair.a, pair.ab, LONG), HOLM_OK);
        expect(&pair, pair.b, large);
        expect(&pair, pair.b, large + 1);
        expect(&pair, pair.b, LONG);
    }
    free(large);
    end(&pair);
}

static void test_packed_when_link_breaks_then_both_sides_begin_anew(void **state)
{
    (void)state;
    struct pair pair;
    begin(&pair, true);
    uint64_t idle = pair.heap.bytes;
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 3; i++) {
            assert_int_equal(send(pair.a, pair.ab, LONG), HOLM_OK);
            assert_int_equal(send(pair.b, pair.ba, LONG), HOLM_OK);
        }
        expect(&pair, pair.b, LONG);
        expect(&pair, pair.a, LONG);
        if (round % 2 == 0) {
            pair.a->ops->link_close(pair.a, pair.ab);
            expect_end(&pair, pair.b);
        } else {
            pair.b->ops->link_close(pair.b, pair.ba);
            expect_end(&pair, pair.a);
        }
        assert_true(pair.heap.bytes < idle + 3000);
        assert_int_equal(send(pair.a, pair.ab, LONG), HOLM_ECLOSED);
        join(&pair);
    }
    assert_int_equal(send(pair.a, pair.ab, LONG), HOLM_OK);
    expect(&pair, pair.b, LONG);
    end(&pair);
}

static void test_packed_when_peer_lies_then_its_bytes_come_as_they_are(void **state)
{
    (void)state;
    struct pair pair;
    struct holm_transport_event event;
    begin(&pair, false);
    assert_int_equal(pair.b->ops->link_send(pair.b, pair.ba, "\0\2abc", 5), HOLM_OK);
    expect(&pair, pair.a, "abc");
    for (int i = 0; i < 2; i++)
        assert_int_equal(
            pair.b->ops->link_send(pair.b, pair.ba, i == 0 ? "\0\x20\x40" : "\0\0a", 3), HOLM_OK);
    for (int i = 0; i < 2; i++) {
        event = await(&pair, pair.a, HOLM_TRANSPORT_LINK_FRAME);
        assert_int_equal(event.frame_bytes, 3);
        assert_int_equal(event.frame[0], HOLM_PACKED_MARK);
        pair.a->ops->release(pair.a, &event);
    }
    assert_int_equal(pair.a->ops->link_send(pair.a, pair.ab, "\0abc", 4), HOLM_EINVAL);
    end(&pair);
}

/* A frame that the transport did not queue is in no history: nobody may point at it. */
static void test_packed_when_frame_is_not_queued_then_it_leaves_no_trace(void **state)
{
    (void)state;
    struct pair pair;
    struct chance chance = {.state = 3};
    char lost[1001] = "";
    begin_with(&pair, true, 500);
    for (size_t i = 0; i < sizeof lost - 1; i++)
        lost[i] = (char)(1 + chance_below(&chance, 255));
    assert_int_equal(send(pair.a, pair.ab, lost), HOLM_ETOOBIG);
    lost[400] = '\0';
    assert_int_equal(send(pair.a, pair.ab, lost), HOLM_OK);
    expect(&pair, pair.b, lost);
    end(&pair);
}

static void test_packed_when_memory_is_refused_then_plain_or_the_link_ends(void **state)
{
    (void)state;
    for (uint64_t refused = 1; refused < 5; refused++) {
        struct pair pair;
        begin(&pair, true);
        pair.heap.calls = 0;
        pair.heap.fail_at = refused;
        pair.heap.fail_once = true;
        assert_int_equal(send(pair.a, pair.ab, LONG), HOLM_OK);
        assert_int_equal(send(pair.b, pair.ba, LONG), HOLM_OK);
        expect(&pair, pair.b, LONG);
        if (refused == 2 || refused == 3) { /* the history, and what a frame is told in */
            assert_int_equal(await(&pair, pair.a, HOLM_TRANSPORT_LINK_CLOSED).link.value,
                             pair.ab.value);
            assert_int_equal(await(&pair, pair.b, HOLM_TRANSPORT_LINK_CLOSED).link.value,
                             pair.ba.value);
        } else {
            expect(&pair, pair.a, LONG);
        }
        end(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed_when_frames_repeat_then_they_arrive_for_less),
        cmocka_unit_test(test_packed_when_frames_are_large_then_they_go_plain_in_between),
        cmocka_unit_test(test_packed_when_link_breaks_then_both_sides_begin_anew),
        cmocka_unit_test(test_packed_when_peer_lies_then_its_bytes_come_as_they_are),
        cmocka_unit_test(test_packed_when_frame_is_not_queued_then_it_leaves_no_trace),
        cmocka_unit_test(test_packed_when_memory_is_refused_then_plain_or_the_link_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
