/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/partition.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void assert_tag(const char *key, const char *tag)
{
    struct holm_bytes got = holm_partition_tag(holm_str(key));

    assert_int_equal(got.size, strlen(tag));
    assert_memory_equal(got.data, tag, got.size);
}

static void test_partition_when_there_is_a_tag_then_it_alone_counts(void **state)
{
    assert_tag("{hero:7}log", "hero:7");
    assert_tag("log{hero:7}", "hero:7");
    assert_tag("a{b}c{d}e", "b");
    assert_tag("a{b{c}d", "b{c");
    assert_tag("}a{b}", "b");
}

static void test_partition_when_there_is_no_tag_then_the_key_counts(void **state)
{
    assert_tag("hero:7", "hero:7");
    assert_tag("{}log", "{}log");
    assert_tag("{}{a}", "{}{a}");
    assert_tag("{hero", "{hero");
    assert_tag("hero{", "hero{");
    assert_tag("hero}", "hero}");
    assert_tag("{", "{");
}

static void test_partition_when_a_tag_holds_nul_then_it_counts_whole(void **state)
{
    struct holm_bytes tag = holm_partition_tag(holm_mem("x{a\0b}c\0d", 9));

    assert_int_equal(tag.size, 3);
    assert_memory_equal(tag.data, "a\0b", 3);
}

/* The hash is wire contract. The first figure is XXH3's published one; the others keep it fixed. */
static void test_partition_when_hashed_then_it_is_xxh3_modulo_partitions(void **state)
{
    static const struct {
        const char *key;
        uint64_t hash;
    } known[] = {
        {"", 0x2d06800538d394c2U},
        {"hero:7", 0x41adff43c0fb601eU},
        {"hero:8", 0x9662d79557b9efb7U},
        {"{}log", 0xd92a37e2f9ddbfd4U},
    };
    static const uint32_t partitions[] = {1, 2, 3, 16, 1000, 1024};

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        for (size_t j = 0; j < sizeof partitions / sizeof partitions[0]; j++)
            assert_int_equal(holm_partition_of(holm_str(known[i].key), partitions[j]),
                             known[i].hash % partitions[j]);
}

static void test_partition_when_keys_share_a_tag_then_they_share_it(void **state)
{
    for (uint32_t partitions = 1; partitions <= 1024; partitions *= 4) {
        uint32_t expected = holm_partition_of(holm_str("hero:7"), partitions);

        assert_int_equal(holm_partition_of(holm_str("{hero:7}"), partitions), expected);
        assert_int_equal(holm_partition_of(holm_str("log{hero:7}x"), partitions), expected);
    }
}

static void test_partition_when_there_are_many_keys_then_they_spread(void **state)
{
    unsigned counts[16] = {0};

    for (uint32_t i = 0; i < 16000; i++)
        counts[holm_partition_of(holm_mem(&i, sizeof i), 16)]++;
    for (size_t i = 0; i < 16; i++)
        assert_in_range(counts[i], 850, 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partition_when_there_is_a_tag_then_it_alone_counts),
        cmocka_unit_test(test_partition_when_there_is_no_tag_then_the_key_counts),
        cmocka_unit_test(test_partition_when_a_tag_holds_nul_then_it_counts_whole),
        cmocka_unit_test(test_partition_when_hashed_then_it_is_xxh3_modulo_partitions),
        cmocka_unit_test(test_partition_when_keys_share_a_tag_then_they_share_it),
        cmocka_unit_test(test_partition_when_there_are_many_keys_then_they_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
