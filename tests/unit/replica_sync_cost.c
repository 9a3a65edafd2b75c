/* SPDX-License-Identifier: Apache-2.0 */
/* What a sync costs: bytes and messages follow the difference, and not what there is. */
#include "tests/unit/trio.h"

#include <stdio.h>

enum {
    A,
    B,
    C
};

#define EQUAL 6000

struct cost {
    struct trio trio;
    struct holm_encoder encoder;
    uint64_t messages[HOLM_MESSAGE_TYPE_MAX + 1], bytes[HOLM_MESSAGE_TYPE_MAX + 1];
};

/* All that is on its way between A and B arrives, round by round, until nothing more comes. */
static void talk_it_out(struct cost *cost)
{
    struct trio *trio = &cost->trio;
    while (trio->letter_count > 0) {
        struct trio_letter letter = trio->letters[0];
        trio->letter_count -= 1;
        memmove(trio->letters, trio->letters + 1, trio->letter_count * sizeof *trio->letters);
        const struct holm_message *message = parcel_open(&trio->office, letter.parcel);
        struct holm_bytes frame;
        assert_int_equal(holm_encoder_encode(&cost->encoder, message, &frame), HOLM_OK);
        cost->messages[message->type] += 1;
        cost->bytes[message->type] += frame.size;
        if (letter.from != C && letter.to != C)
            assert_int_equal(trio_give(trio, letter.to, letter.from, message), HOLM_OK);
        parcel_free(&trio->office, letter.parcel);
    }
}

static void put_keys(struct trio *trio, uint32_t node, uint32_t first, uint32_t count,
                     int64_t value)
{
    for (uint32_t i = first; i < first + count; i++) {
        char key[16];
        (void)snprintf(key, sizeof key, "k%08u", i);
        trio_write(trio, node, holm_op_put(holm_str(key), holm_mem(NULL, 0), holm_i64(value)));
    }
}

/* C is not there: B would first look for runs there. */
static void lose_c(struct trio *trio)
{
    struct holm_event down = {.type = HOLM_EVENT_PEER_DOWN};
    down.as.peer.peer = C;
    assert_int_equal(trio_step(trio, A, &down), HOLM_OK);
    assert_int_equal(trio_step(trio, B, &down), HOLM_OK);
}

static void begin(struct cost *cost, uint32_t equal, size_t log_bytes_max)
{
    struct trio *trio = &cost->trio;
    struct holm_replica_config config = trio_config();
    memset(cost, 0, sizeof *cost);
    config.log_bytes_max = log_bytes_max;
    trio_open(trio, &config);
    trio->deaf = true;
    lose_c(trio);
    holm_encoder_init(&cost->encoder, &trio->allocator, config.frame_bytes_max);
    put_keys(trio, A, 0, equal, 1);
    trio_beacon(trio, A);
    talk_it_out(cost);
    memset(cost->messages, 0, sizeof cost->messages);
    memset(cost->bytes, 0, sizeof cost->bytes);
}

static uint64_t end(struct cost *cost)
{
    uint64_t bytes = 0;
    for (size_t type = 0; type <= HOLM_MESSAGE_TYPE_MAX; type++) {
        bytes += cost->bytes[type];
        if (cost->messages[type] > 0)
            print_message("type %2d: %3d messages, %6d bytes\n", (int)type,
                          (int)cost->messages[type], (int)cost->bytes[type]);
    }
    holm_encoder_release(&cost->encoder);
    trio_close(&cost->trio);
    return bytes;
}

static void test_sync_when_little_differs_then_it_costs_little(void **state)
{
    struct cost cost;
    begin(&cost, EQUAL, 1);            /* pulls are too old */
    for (int64_t i = 0; i < 40; i++) { /* what is written again does not differ more */
        put_keys(&cost.trio, A, EQUAL, 3, i);
        put_keys(&cost.trio, B, EQUAL + 3, 3, i);
        assert_int_equal(trio_event(&cost.trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
        assert_int_equal(trio_event(&cost.trio, B, HOLM_EVENT_FLUSH), HOLM_OK);
    }
    trio_beacon(&cost.trio, A);
    talk_it_out(&cost);
    assert_int_equal(trio_stats(&cost.trio, B).syncs, 2);
    assert_int_equal(trio_stats(&cost.trio, B).records, EQUAL + 6);
    /* Both ways; and of that a fifth are the pulls that came before. */
    uint64_t bytes = end(&cost);
    assert_in_range(bytes, 1, 2800);
}

/* The runs take as much either way, and less than the state: what counts is how many keys they are of. */
static void test_pull_when_the_same_was_written_often_then_a_sync_is_cheaper(void **state)
{
    for (uint32_t keys = 10; keys <= 2000; keys *= 200) {
        struct cost cost;
        begin(&cost, EQUAL, (size_t)16 << 20);
        uint64_t syncs = trio_stats(&cost.trio, B).syncs;
        for (uint32_t i = 0; i < 2000; i++) {
            put_keys(&cost.trio, A, EQUAL + i % keys, 1, i);
            if (i % 10 == 9)
                assert_int_equal(trio_event(&cost.trio, A, HOLM_EVENT_FLUSH), HOLM_OK);
        }
        trio_beacon(&cost.trio, A);
        talk_it_out(&cost);
        assert_int_equal(trio_stats(&cost.trio, B).records, EQUAL + keys);
        assert_int_equal(trio_stats(&cost.trio, B).syncs - syncs, keys == 10 ? 1 : 0);
        uint64_t bytes = end(&cost);
        if (keys == 10)
            assert_in_range(bytes, 1, 6000);
        else
            assert_in_range(bytes, 20000, 100000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sync_when_little_differs_then_it_costs_little),
        cmocka_unit_test(test_pull_when_the_same_was_written_often_then_a_sync_is_cheaper),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
