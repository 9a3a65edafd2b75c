/* SPDX-License-Identifier: Apache-2.0 */
#include "node/outgoing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/core.h"

#define BYTES_MAX 3000
#define LINK 7

static struct holm_message ping(uint64_t token)
{
    struct holm_message message;
    memset(&message, 0, sizeof message);
    message.type = HOLM_MESSAGE_PING;
    message.sender = (struct holm_actor){{1}, {1}};
    message.as.ping.token = token;
    return message;
}

/* Fills it until it refuses; how many it took. */
static uint64_t fill(struct holm_outgoing *outgoing)
{
    enum holm_status status = HOLM_OK;
    uint64_t count = 0;
    for (; status == HOLM_OK; count++) {
        struct holm_message message = ping(count + 1);
        status = holm_outgoing_put_link(outgoing, (struct holm_link_id){LINK}, &message);
        assert_true(outgoing->gathering.capacity <= BYTES_MAX);
        assert_true(outgoing->gathering.used <= outgoing->gathering.capacity);
    }
    assert_int_equal(status, HOLM_ELIMIT);
    return count - 1;
}

static uint64_t send_all(struct holm_outgoing *outgoing)
{
    struct holm_link_id link;
    struct holm_bytes frame;
    size_t cursor = 0;
    uint64_t count = 0;
    holm_outgoing_take(outgoing);
    for (; holm_outgoing_next(outgoing, &cursor, &link, &frame); count++) {
        assert_int_equal(link.value, LINK);
        assert_true(frame.size > 0);
    }
    return count;
}

static void test_outgoing_when_full_then_its_buffers_are_no_larger_than_allowed(void **state)
{
    struct heap heap = {.blocks = 0};
    struct holm_outgoing outgoing;
    (void)state;
    struct holm_allocator allocator = heap_allocator(&heap);
    assert_int_equal(holm_outgoing_init(&outgoing, &allocator, BYTES_MAX, 1024, 1), HOLM_OK);
    for (uint64_t turn = 0; turn < 3; turn++) {
        uint64_t taken = fill(&outgoing);
        assert_true(taken * 100 > BYTES_MAX); /* of a ping there is room for more than 30 */
        assert_int_equal(holm_outgoing_dropped(&outgoing), turn + 1);
        assert_int_equal(send_all(&outgoing), taken);
        assert_false(holm_outgoing_waiting(&outgoing));
    }
    holm_outgoing_release(&outgoing);
    assert_int_equal(heap.blocks, 0);
}

static void test_outgoing_when_memory_is_refused_then_what_waits_stays(void **state)
{
    struct heap heap = {.blocks = 0};
    struct holm_outgoing outgoing;
    (void)state;
    struct holm_allocator allocator = heap_allocator(&heap);
    assert_int_equal(holm_outgoing_init(&outgoing, &allocator, 100 * BYTES_MAX, 1024, 1), HOLM_OK);
    struct holm_message message = ping(1);
    enum holm_status status = holm_outgoing_put_link(&outgoing, (struct holm_link_id){LINK},
                                                     &message);
    uint64_t taken = 0;
    for (; status == HOLM_OK; taken++) {
        heap_refuse(&heap);
        status = holm_outgoing_put_link(&outgoing, (struct holm_link_id){LINK}, &message);
    }
    assert_int_equal(status, HOLM_ENOMEM);
    assert_int_equal(send_all(&outgoing), taken);
    assert_int_equal(holm_outgoing_dropped(&outgoing), 1);
    holm_outgoing_release(&outgoing);
    assert_int_equal(heap.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_outgoing_when_full_then_its_buffers_are_no_larger_than_allowed),
        cmocka_unit_test(test_outgoing_when_memory_is_refused_then_what_waits_stays),
    };
    return cmocka_run_group_tests_name("outgoing", tests, NULL, NULL);
}
