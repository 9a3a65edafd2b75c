/* SPDX-License-Identifier: Apache-2.0 */
/* `holm certs`: what it makes, what it leaves alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT_BYTES 8192

static char folder[] = "/tmp/holm-certs-XXXXXX";

/* Runs `holm certs ARGUMENTS` in the folder; its status, and what it said to both outputs. */
static int certs(const char *arguments, char said[TEXT_BYTES])
{
    char command[512];
    snprintf(command, sizeof command, "cd %s && %s certs %s 2>&1", folder, HOLM_PROGRAM, arguments);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    said[fread(said, 1, TEXT_BYTES - 1, pipe)] = '\0';
    int status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static size_t read_file(const char *name, char text[TEXT_BYTES])
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return 0;
    size_t size = fread(text, 1, TEXT_BYTES - 1, file);
    text[size] = '\0';
    fclose(file);
    return size;
}

static mode_t mode_of(const char *name)
{
    char path[128];
    struct stat status;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static void test_certs_when_a_cluster_begins_then_it_has_an_authority_and_keys_are_private(
    void **state)
{
    char said[TEXT_BYTES], text[TEXT_BYTES];
    assert_int_equal(certs("new lisbon oslo", said), 0);
    assert_string_equal(said, "new/ca.crt\nnew/ca.key\nnew/lisbon.crt\nnew/lisbon.key\n"
                              "new/oslo.crt\nnew/oslo.key\n");
    assert_int_equal(mode_of("new"), 0700);
    assert_int_equal(mode_of("new/ca.key"), 0600);
    assert_int_equal(mode_of("new/lisbon.key"), 0600);
    assert_true(read_file("new/lisbon.crt", text) > 0);
    assert_memory_equal(text, "-----BEGIN CERTIFICATE-----", 27);
    assert_true(read_file("new/lisbon.key", text) > 0);
    assert_non_null(strstr(text, "PRIVATE KEY-----"));
}

static void test_certs_when_files_are_there_then_they_are_left_alone(void **state)
{
    char said[TEXT_BYTES], before[3][TEXT_BYTES], after[TEXT_BYTES];
    static const char *const files[] = {"kept/ca.crt", "kept/ca.key", "kept/lisbon.crt"};
    assert_int_equal(certs("kept lisbon", said), 0);
    for (int i = 0; i < 3; i++)
        assert_true(read_file(files[i], before[i]) > 0);
    assert_int_equal(certs("kept lisbon", said), 1);
    assert_non_null(strstr(said, "kept/lisbon.crt or .key is there already"));
    assert_int_equal(certs("kept rome", said), 0);
    assert_string_equal(said, "kept/rome.crt\nkept/rome.key\n");
    for (int i = 0; i < 3; i++) {
        assert_true(read_file(files[i], after) > 0);
        assert_string_equal(before[i], after);
    }
}

static void test_certs_when_half_of_the_authority_is_gone_then_no_other_takes_its_place(
    void **state)
{
    char said[TEXT_BYTES], path[128];
    assert_int_equal(certs("half", said), 0);
    snprintf(path, sizeof path, "%s/half/ca.key", folder);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(certs("half lisbon", said), 1);
    assert_non_null(strstr(said, "one of ca.crt and ca.key"));
    assert_int_equal(access(path, F_OK), -1);
}

static void test_certs_when_the_key_is_of_another_authority_then_nothing_is_signed(void **state)
{
    char said[TEXT_BYTES], command[256];
    assert_int_equal(certs("one", said), 0);
    assert_int_equal(certs("two", said), 0);
    snprintf(command, sizeof command, "cp %s/one/ca.key %s/two/ca.key", folder, folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(certs("two lisbon", said), 1);
    assert_non_null(strstr(said, "do not fit"));
}

static void test_certs_when_the_arguments_make_no_sense_then_nothing_is_made(void **state)
{
    static const struct {
        const char *arguments;
        int status;
    } rows[] = {{"", 2},
                {"-x", 2},
                {"d --days", 2},
                {"d --days 0 a", 2},
                {"d --days 9x a", 2},
                {"d --days 3651 a", 2},
                {"d -a", 2},
                {"d ../a", 1},
                {"d ca", 1},
                {"d .a", 1},
                {"--help", 0}};
    char said[TEXT_BYTES];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(certs(rows[i].arguments, said), rows[i].status);
    assert_int_equal(read_file("a.crt", said), 0);
}

static int make_folder(void **state)
{
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            test_certs_when_a_cluster_begins_then_it_has_an_authority_and_keys_are_private),
        cmocka_unit_test(test_certs_when_files_are_there_then_they_are_left_alone),
        cmocka_unit_test(
            test_certs_when_half_of_the_authority_is_gone_then_no_other_takes_its_place),
        cmocka_unit_test(test_certs_when_the_key_is_of_another_authority_then_nothing_is_signed),
        cmocka_unit_test(test_certs_when_the_arguments_make_no_sense_then_nothing_is_made),
    };
    return cmocka_run_group_tests_name("certs", tests, make_folder, remove_folder);
}
