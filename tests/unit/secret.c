/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken for a secret, and what it vouches for. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/secret.h"
#include "tests/unit/core.h"

static char folder[] = "/tmp/holm-secret-XXXXXX";
static char path[64];

static int open_folder(void **state)
{
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/secret", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)unlink(path);
    return rmdir(folder);
}

static void write_secret(const char *bytes, size_t size, mode_t mode)
{
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static enum holm_status try_open(const char *file, uint8_t voucher[HOLM_VOUCHER_BYTES],
                                 const char **why)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_secret *secret;
    enum holm_status status = holm_secret_open(&allocator, file, "holm", &secret, why);
    assert_int_equal(status == HOLM_OK, secret != NULL);
    if (secret != NULL && voucher != NULL)
        holm_secret_vouch(secret, holm_str("x"), voucher);
    holm_secret_free(secret);
    assert_int_equal(heap.blocks, 0);
    return status;
}

static void test_secret_when_the_file_is_wrong_then_it_says_why(void **state)
{
    char large[HOLM_SECRET_BYTES_MAX + 1];
    const char *why;
    memset(large, 'x', sizeof large);
    (void)unlink(path);
    assert_int_equal(try_open(path, NULL, &why), HOLM_EINVAL);
    assert_non_null(strstr(why, "not there"));
    assert_int_equal(try_open(folder, NULL, &why), HOLM_EINVAL);
    assert_string_equal(why, "is no file");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(try_open(path, NULL, &why), HOLM_EINVAL);
    assert_string_equal(why, "is no file");
    const struct {
        size_t size;
        mode_t mode;
        const char *why;
    } cases[] = {{32, 0604, "read by everyone"}, {32, 0644, "read by everyone"},
                 {32, 0620, "written"},          {32, 0602, "written"},
                 {15, 0600, "less than 16"},     {sizeof large, 0600, "more than 1024"},
                 {0, 0600, "less than 16"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_secret(large, cases[i].size, cases[i].mode);
        assert_int_equal(try_open(path, NULL, &why), HOLM_EINVAL);
        assert_non_null(strstr(why, cases[i].why));
    }
    write_secret("123456789012345\n\n\n\n", 19, 0600);
    assert_int_equal(try_open(path, NULL, &why), HOLM_EINVAL);
    for (size_t i = 0; i < 2; i++) {
        write_secret(large, i == 0 ? HOLM_SECRET_BYTES_MIN : HOLM_SECRET_BYTES_MAX,
                     i == 0 ? 0400 : 0440);
        assert_int_equal(try_open(path, NULL, &why), HOLM_OK);
    }
}

/* An editor that ends the line makes no other secret of it. */
static void test_secret_when_only_white_space_follows_then_it_is_the_same(void **state)
{
    uint8_t bare[HOLM_VOUCHER_BYTES], ended[HOLM_VOUCHER_BYTES], other[HOLM_VOUCHER_BYTES];
    const char *why;
    write_secret("0123456789abcdef", 16, 0600);
    assert_int_equal(try_open(path, bare, &why), HOLM_OK);
    write_secret("0123456789abcdef \r\n", 19, 0600);
    assert_int_equal(try_open(path, ended, &why), HOLM_OK);
    write_secret("\n0123456789abcdef", 17, 0600);
    assert_int_equal(try_open(path, other, &why), HOLM_OK);
    assert_memory_equal(bare, ended, sizeof bare);
    assert_memory_not_equal(bare, other, sizeof bare);
}

/* All of a file counts: what is behind a long blank makes it another secret, or too long a one, never a part of it. */
static void test_secret_when_a_long_file_is_blank_in_the_middle_then_it_is_not_cut(void **state)
{
    char bytes[5000];
    uint8_t bare[HOLM_VOUCHER_BYTES], ended[HOLM_VOUCHER_BYTES];
    const char *why;
    memset(bytes, ' ', sizeof bytes);
    memcpy(bytes, "0123456789abcdef", 16);
    write_secret(bytes, 16, 0600);
    assert_int_equal(try_open(path, bare, &why), HOLM_OK);
    for (size_t size = HOLM_SECRET_BYTES_MAX; size <= 4096; size++) {
        bytes[size - 1] = 'x';
        write_secret(bytes, size, 0600);
        assert_int_equal(try_open(path, NULL, &why),
                         size <= HOLM_SECRET_BYTES_MAX ? HOLM_OK : HOLM_EINVAL);
        if (size > HOLM_SECRET_BYTES_MAX)
            assert_string_equal(why, "has more than 1024 bytes");
        bytes[size - 1] = ' ';
    }
    write_secret(bytes, 4096, 0600);
    assert_int_equal(try_open(path, ended, &why), HOLM_OK);
    assert_memory_equal(bare, ended, sizeof bare);
    write_secret(bytes, 4097, 0600);
    assert_int_equal(try_open(path, NULL, &why), HOLM_EINVAL);
    assert_string_equal(why, "has more than 4096 bytes, with what is blank");
}

/* Two with an empty line between: the first vouches, and what either vouches for is taken. */
static void test_secret_when_there_are_two_then_the_first_vouches_and_both_are_taken(void **state)
{
    static const char *const files[] = {"0123456789abcdef\n\nfedcba9876543210\n",
                                        "0123456789abcdef\r\n\r\n \nfedcba9876543210"};
    uint8_t vouchers[2][HOLM_VOUCHER_BYTES], voucher[HOLM_VOUCHER_BYTES];
    const char *why;
    write_secret("0123456789abcdef", 16, 0600);
    assert_int_equal(try_open(path, vouchers[0], &why), HOLM_OK);
    write_secret("fedcba9876543210", 16, 0600);
    assert_int_equal(try_open(path, vouchers[1], &why), HOLM_OK);
    for (size_t i = 0; i < 2; i++) {
        struct heap heap = {0};
        struct holm_allocator allocator = heap_allocator(&heap);
        struct holm_secret *secret;
        uint64_t clusters[2];
        write_secret(files[i], strlen(files[i]), 0600);
        assert_int_equal(holm_secret_open(&allocator, path, "holm", &secret, &why), HOLM_OK);
        holm_secret_vouch(secret, holm_str("x"), voucher);
        assert_memory_equal(voucher, vouchers[0], sizeof voucher);
        for (size_t by = 0; by < 2; by++)
            assert_true(holm_secret_vouches(secret, holm_str("x"), vouchers[by], &clusters[by]));
        assert_int_equal(clusters[0], holm_secret_cluster(secret));
        assert_int_not_equal(clusters[0], clusters[1]);
        assert_false(holm_secret_vouches(secret, holm_str("y"), vouchers[0], &clusters[0]));
        holm_secret_free(secret);
        assert_int_equal(heap.blocks, 0);
    }
    /* One line break is a part of a secret, as in what base64 writes. */
    write_secret("0123456789abcdef\nfedcba9876543210", 33, 0600);
    assert_int_equal(try_open(path, voucher, &why), HOLM_OK);
    assert_memory_not_equal(voucher, vouchers[0], sizeof voucher);
    write_secret("0123456789abcdef\n\nfedcba987654321", 33, 0600);
    assert_int_equal(try_open(path, NULL, &why), HOLM_EINVAL);
    assert_string_equal(why, "has a secret of less than 16 bytes");
    write_secret("0123456789abcdef\n\n0123456789abcdef\n\n0123456789abcdef", 52, 0600);
    assert_int_equal(try_open(path, NULL, &why), HOLM_EINVAL);
    assert_string_equal(why, "has more than two secrets, with empty lines between");
}

/* The memory of this process is a file that opens, and cannot be read where it begins. */
static void test_secret_when_reading_fails_then_it_says_so(void **state)
{
    const char *why;
    int fd = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char byte;
    bool fails = fd >= 0 && read(fd, &byte, 1) < 0;
    if (fd >= 0)
        close(fd);
    if (!fails) {
        print_message("skipped: there is no file here that cannot be read\n");
        skip();
    }
    assert_int_equal(try_open("/proc/self/mem", NULL, &why), HOLM_EINVAL);
    assert_string_equal(why, "cannot be read to its end");
}

static void test_secret_when_memory_is_refused_then_nothing_is_held(void **state)
{
    struct heap heap = {0};
    struct holm_allocator allocator = heap_allocator(&heap);
    struct holm_secret *secret;
    const char *why;
    write_secret("0123456789abcdef", 16, 0600);
    heap_refuse(&heap);
    assert_int_equal(holm_secret_open(&allocator, path, "holm", &secret, &why), HOLM_ENOMEM);
    assert_null(secret);
    assert_int_equal(heap.blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret_when_the_file_is_wrong_then_it_says_why),
        cmocka_unit_test(test_secret_when_only_white_space_follows_then_it_is_the_same),
        cmocka_unit_test(test_secret_when_a_long_file_is_blank_in_the_middle_then_it_is_not_cut),
        cmocka_unit_test(test_secret_when_there_are_two_then_the_first_vouches_and_both_are_taken),
        cmocka_unit_test(test_secret_when_reading_fails_then_it_says_so),
        cmocka_unit_test(test_secret_when_memory_is_refused_then_nothing_is_held),
    };
    return cmocka_run_group_tests_name("secret", tests, open_folder, remove_folder);
}
