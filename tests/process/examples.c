/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The example programs as a user runs them: two counters in processes of their own that share one
 * sum, one by itself, the two nodes of embed, nested, and the test of an application, with and without
 * its flaw. Arguments: the programs' paths.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/wait.h>

#include <cmocka.h>

#define WAIT_MS 20000

extern char **environ;

static const char *counter_path;
static const char *embed_path;
static const char *nested_path;
static const char *testing_path;

struct program {
    pid_t pid;
    int input;  /* what we write, it reads */
    int output; /* standard output and error, together */
    char said[4096];
    size_t size;
};

/* Starts it with up to three arguments; NULL ends them. */
static void start(struct program *program, const char *path, const char *a, const char *b,
                  const char *c)
{
    const char *given[] = {path, a, b, c};
    char copies[4][512];
    char *arguments[5] = {NULL};
    posix_spawn_file_actions_t actions;
    int in[2], out[2];

    memset(program, 0, sizeof *program);
    for (size_t i = 0; i < 4 && given[i] != NULL; i++) {
        snprintf(copies[i], sizeof copies[i], "%s", given[i]);
        arguments[i] = copies[i];
    }
    assert_int_equal(pipe(in), 0);
    assert_int_equal(pipe(out), 0);
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
    for (int i = 0; i < 2; i++) {
        posix_spawn_file_actions_addclose(&actions, in[i]);
        posix_spawn_file_actions_addclose(&actions, out[i]);
    }
    assert_int_equal(posix_spawn(&program->pid, arguments[0], &actions, NULL, arguments, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    close(in[0]);
    close(out[1]);
    program->input = in[1];
    program->output = out[0];
}

/* Reads once, waiting for it; false at the end of the output. */
static bool listen_to(struct program *program)
{
    struct pollfd fd = {.fd = program->output, .events = POLLIN};
    size_t room = sizeof program->said - 1 - program->size;

    if (poll(&fd, 1, WAIT_MS) != 1)
        fail_msg("silent too long, after: %s", program->said);

    ssize_t got = read(program->output, program->said + program->size, room);

    assert_true(got >= 0 && room > 0);
    program->size += (size_t)got;
    program->said[program->size] = '\0';
    return got > 0;
}

static void await_line(struct program *program, const char *line)
{
    while (strstr(program->said, line) == NULL)
        if (!listen_to(program))
            fail_msg("ended without \"%s\", after: %s", line, program->said);
}

static void say(struct program *program, const char *text)
{
    assert_int_equal(write(program->input, text, strlen(text)), strlen(text));
}

/* Reads to the end; its exit status. */
static int finish_with(struct program *program)
{
    int status = -1;

    close(program->input);
    while (listen_to(program))
        continue;
    close(program->output);
    assert_int_equal(waitpid(program->pid, &status, 0), program->pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void finish(struct program *program)
{
    assert_int_equal(finish_with(program), EXIT_SUCCESS);
}

/* The address in "others join with ADDRESS". */
static void read_address(struct program *program, char *address, size_t capacity)
{
    static const char before[] = "others join with ";

    await_line(program, before);

    char *from = strstr(program->said, before) + strlen(before);

    while (strchr(from, '\n') == NULL)
        assert_true(listen_to(program));
    snprintf(address, capacity, "%.*s", (int)strcspn(from, "\n"), from);
}

static void test_counter_when_two_programs_add_then_both_show_the_sum(void **state)
{
    struct program lisbon, oslo;
    char address[128];

    start(&lisbon, counter_path, "lisbon", "tcp://127.0.0.1:0", NULL);
    read_address(&lisbon, address, sizeof address);
    say(&lisbon, "40\n");
    await_line(&lisbon, "\n40\n");
    start(&oslo, counter_path, "oslo", "tcp://127.0.0.1:0", address);
    say(&oslo, "2\n");
    await_line(&lisbon, "\n42\n");
    await_line(&oslo, "\n42\n");
    say(&oslo, "-50\n");
    await_line(&lisbon, "\n-8\n");
    await_line(&oslo, "\n-8\n");
    finish(&oslo);
    assert_non_null(strstr(oslo.said, "in the end: -8\n"));
    say(&lisbon, "1\n");
    await_line(&lisbon, "\n-7\n");
    finish(&lisbon);
    assert_non_null(strstr(lisbon.said, "in the end: -7\n"));
}

static void test_counter_when_it_is_by_itself_then_it_counts_too(void **state)
{
    struct program counter;

    start(&counter, counter_path, NULL, NULL, NULL);
    say(&counter, "2\n3\n");
    finish(&counter);
    assert_non_null(strstr(counter.said, "in the end: 5\n"));
}

static void test_counter_when_its_address_is_wrong_then_it_says_so(void **state)
{
    struct program counter;

    start(&counter, counter_path, "lisbon", "nowhere", NULL);
    await_line(&counter, "HOLM_EADDRESS");
    assert_int_equal(finish_with(&counter), EXIT_FAILURE);
    assert_non_null(strstr(counter.said, "listen has 'nowhere'"));
}

static void test_embed_when_it_is_run_then_both_nodes_tell_the_same(void **state)
{
    struct program embed;

    start(&embed, embed_path, NULL, NULL, NULL);
    finish(&embed);
    assert_non_null(strstr(embed.said, "lisbon: Ada, health 93, on patrol\n"));
    assert_non_null(strstr(embed.said, "oslo: Ada, health 93, on patrol\n"));
}

static void test_nested_when_it_is_run_then_it_shows_what_lies_below(void **state)
{
    struct program nested;

    start(&nested, nested_path, NULL, NULL, NULL);
    finish(&nested);
    assert_string_equal(nested.said, "/home/city = Oslo\n"
                                     "/home/moves = 2\n"
                                     "/home/street = Karl Johans gate\n"
                                     "250 met\n"
                                     "nothing\n"
                                     "/friends/close has hero:9\n");
}

static void test_testing_when_shops_have_allotments_then_no_seed_fails(void **state)
{
    struct program testing;

    start(&testing, testing_path, NULL, NULL, NULL);
    finish(&testing);
    assert_non_null(strstr(testing.said, "holm-testing: 0 of 200 seeds failed\n"));
    assert_non_null(strstr(testing.said, "no seat was sold twice\n"));
}

static void test_testing_when_shops_share_a_pool_then_a_seed_tells_so(void **state)
{
    struct program testing;

    start(&testing, testing_path, "naive", NULL, NULL);
    assert_int_equal(finish_with(&testing), EXIT_FAILURE);
    assert_non_null(strstr(testing.said, " tickets for 60 seats\n"));
    assert_non_null(strstr(testing.said, "to play it again, set HOLM_TESTING_SEED="));
    assert_null(strstr(testing.said, "played again"));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counter_when_two_programs_add_then_both_show_the_sum),
        cmocka_unit_test(test_counter_when_it_is_by_itself_then_it_counts_too),
        cmocka_unit_test(test_counter_when_its_address_is_wrong_then_it_says_so),
        cmocka_unit_test(test_embed_when_it_is_run_then_both_nodes_tell_the_same),
        cmocka_unit_test(test_nested_when_it_is_run_then_it_shows_what_lies_below),
        cmocka_unit_test(test_testing_when_shops_have_allotments_then_no_seed_fails),
        cmocka_unit_test(test_testing_when_shops_share_a_pool_then_a_seed_tells_so),
    };

    if (argc != 5)
        return EXIT_FAILURE;
    counter_path = argv[1];
    embed_path = argv[2];
    nested_path = argv[3];
    testing_path = argv[4];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
