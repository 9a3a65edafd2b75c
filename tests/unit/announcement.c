/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram: what was written comes back, and nothing else is taken. T30 for who sends to the group. */
#include <stdio.h>
#include <stdlib.h>

#include "node/announcement.h"
#include "tests/unit/core.h"

#define SECRET "0123456789abcdef"

static struct heap heap;

static struct holm_secret *secret_of(const char *bytes, const char *cluster)
{
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_secret *secret;
    assert_int_equal(holm_secret_new(&allocator, holm_str(bytes), cluster, &secret), HOLM_OK);
    return secret;
}

static struct holm_announcement sample(const char *address)
{
    struct holm_announcement announcement = {
        .actor = actor_of(0x1122334455667788, UINT64_MAX), .number = 3, .wall_ms = 1795000000000};
    snprintf(announcement.address, sizeof announcement.address, "%s", address);
    return announcement;
}

/* In memory of exactly that size, so that reads beyond are found. */
static enum holm_announced decode(const uint8_t *bytes, size_t size, struct holm_secret *secret,
                                  struct holm_announcement *read)
{
    uint8_t *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    enum holm_announced announced = holm_announcement_decode(holm_mem(copy, size), secret, read);
    free(copy);
    return announced;
}

static void test_announcement_when_it_is_read_then_it_is_what_was_written(void **state)
{
    char longest[HOLM_ADDRESS_BYTES_MAX];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "ipc:///", 7);
    longest[sizeof longest - 1] = '\0';
    const char *const addresses[] = {"", "tcp://10.0.0.1:7000", "tls+tcp://[fd00::1]:7000",
                                     longest};
    struct holm_secret *secret = secret_of(SECRET, "holm");
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX];
        struct holm_announcement said = sample(addresses[i]), read;
        size_t size = holm_announcement_encode(&said, secret, bytes);
        assert_int_equal(size, HOLM_ANNOUNCEMENT_BYTES_MIN + strlen(addresses[i]));
        assert_int_equal(decode(bytes, size, secret, &read), HOLM_ANNOUNCED);
        assert_memory_equal(&read, &said, sizeof read);
    }
    holm_secret_free(secret);
    assert_int_equal(heap.blocks, 0);
}

/* Its bytes are fixed: other programs, and later versions, read them. HMAC-SHA256 as Python's hmac has it. */
static void test_announcement_when_written_then_its_bytes_are_those_of_the_page(void **state)
{
    static const char expected[] =
        "686f6c6d01130000000000008877665544332211ffffffffffffffff0300000000000000005e56ee"
        "a10100007463703a2f2f31302e302e302e313a37303030413bb2514e049ccccbd53514087bcb4cba"
        "bd90072697d42ebc45b72c44c7fd8aac9a1dcc74d91874";
    char text[2 * HOLM_ANNOUNCEMENT_BYTES_MAX + 1] = "";
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX];
    struct holm_secret *secret = secret_of(SECRET, "holm");
    struct holm_announcement said = sample("tcp://10.0.0.1:7000");
    size_t size = holm_announcement_encode(&said, secret, bytes);
    for (size_t i = 0; i < size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    assert_string_equal(text, expected);
    holm_secret_free(secret);
}

static void test_announcement_when_a_bit_or_a_byte_is_off_then_it_is_refused(void **state)
{
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX + 1] = {0};
    struct holm_secret *secret = secret_of(SECRET, "holm");
    struct holm_announcement said = sample("tcp://10.0.0.1:7000"), read;
    size_t size = holm_announcement_encode(&said, secret, bytes);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(decode(bytes, i, secret, &read), HOLM_ANNOUNCED_MALFORMED);
    assert_int_equal(decode(bytes, size + 1, secret, &read), HOLM_ANNOUNCED_MALFORMED);
    for (size_t bit = 0; bit < 8 * size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        /* What says which form it has is looked at first. */
        assert_int_equal(decode(bytes, size, secret, &read),
                         bit < 8 * 12 ? HOLM_ANNOUNCED_MALFORMED : HOLM_ANNOUNCED_UNAUTHENTIC);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(decode(bytes, size, secret, &read), HOLM_ANNOUNCED);
    holm_secret_free(secret);
}

static void test_announcement_when_secret_or_cluster_differ_then_it_says_which(void **state)
{
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX];
    struct holm_secret *ours = secret_of(SECRET, "holm");
    struct holm_secret *other = secret_of(SECRET, "holm2");
    struct holm_secret *stranger = secret_of("0123456789abcdeF", "holm");
    struct holm_announcement said = sample("tcp://10.0.0.1:7000"), read;
    size_t size = holm_announcement_encode(&said, ours, bytes);
    assert_int_equal(decode(bytes, size, other, &read), HOLM_ANNOUNCED_FOREIGN);
    assert_int_equal(decode(bytes, size, stranger, &read), HOLM_ANNOUNCED_UNAUTHENTIC);
    /* The name is not in it. */
    for (size_t i = 4; i + 4 <= size; i++)
        assert_memory_not_equal(bytes + i, "holm", 4);
    holm_secret_free(ours);
    holm_secret_free(other);
    holm_secret_free(stranger);
}

/* Who has the secret may still talk nonsense. */
/* While a secret is changed: each step is taken node by node, and all hear each other throughout. */
static void test_announcement_when_the_secret_is_changed_then_all_are_heard_throughout(void **state)
{
    static const char *const steps[][2] = {{SECRET, NULL},
                                           {SECRET, "fedcba9876543210"},
                                           {"fedcba9876543210", SECRET},
                                           {"fedcba9876543210", NULL}};
    /* Each hears its neighbours in time; who is two steps behind, or ahead, is not always heard. */
    static const bool hears[4][4] = {{true, true, true, false},
                                     {true, true, true, false},
                                     {false, true, true, true},
                                     {false, true, true, true}};
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX];
    struct holm_secret *secrets[4];
    struct holm_announcement said = sample("tcp://10.0.0.1:7000"), read;
    for (size_t i = 0; i < 4; i++) {
        secrets[i] = secret_of(steps[i][0], "holm");
        if (steps[i][1] != NULL)
            assert_int_equal(holm_secret_also(secrets[i], holm_str(steps[i][1]), "holm"), HOLM_OK);
    }
    for (size_t from = 0; from < 4; from++) {
        size_t size = holm_announcement_encode(&said, secrets[from], bytes);
        for (size_t to = 0; to < 4; to++)
            assert_int_equal(decode(bytes, size, secrets[to], &read),
                             hears[from][to] ? HOLM_ANNOUNCED : HOLM_ANNOUNCED_UNAUTHENTIC);
    }
    /* By either secret another cluster is told from somebody without one. */
    struct holm_secret *other = secret_of("fedcba9876543210", "holm2");
    size_t size = holm_announcement_encode(&said, other, bytes);
    assert_int_equal(decode(bytes, size, secrets[1], &read), HOLM_ANNOUNCED_FOREIGN);
    assert_int_equal(decode(bytes, size, secrets[0], &read), HOLM_ANNOUNCED_UNAUTHENTIC);
    holm_secret_free(other);
    for (size_t i = 0; i < 4; i++)
        holm_secret_free(secrets[i]);
    assert_int_equal(heap.blocks, 0);
}

static void test_announcement_when_a_member_talks_nonsense_then_it_is_refused(void **state)
{
    static const char *const addresses[] = {
        "tcp://*:7000",        "tcp://0.0.0.0:7000", "tls+tcp://[::]:7000",
        "dns+tcp://holm:7000", "tcp://10.0.0.1:0",   "tcp://10.0.0.1",
        "http://10.0.0.1:1",   "tcp://a b:1",        "x"};
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX];
    struct holm_secret *secret = secret_of(SECRET, "holm");
    struct holm_announcement said, read;
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++) {
        said = sample(addresses[i]);
        size_t size = holm_announcement_encode(&said, secret, bytes);
        assert_int_equal(decode(bytes, size, secret, &read), HOLM_ANNOUNCED_MALFORMED);
    }
    for (int i = 0; i < 2; i++) {
        said = sample("tcp://10.0.0.1:7000");
        said.actor = actor_of(i == 0 ? 0 : 1, i == 0 ? 1 : 0);
        size_t size = holm_announcement_encode(&said, secret, bytes);
        assert_int_equal(decode(bytes, size, secret, &read), HOLM_ANNOUNCED_MALFORMED);
    }
    holm_secret_free(secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_announcement_when_it_is_read_then_it_is_what_was_written),
        cmocka_unit_test(test_announcement_when_written_then_its_bytes_are_those_of_the_page),
        cmocka_unit_test(test_announcement_when_a_bit_or_a_byte_is_off_then_it_is_refused),
        cmocka_unit_test(test_announcement_when_secret_or_cluster_differ_then_it_says_which),
        cmocka_unit_test(
            test_announcement_when_the_secret_is_changed_then_all_are_heard_throughout),
        cmocka_unit_test(test_announcement_when_a_member_talks_nonsense_then_it_is_refused),
    };
    return cmocka_run_group_tests_name("announcement", tests, NULL, NULL);
}
