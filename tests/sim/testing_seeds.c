/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories for many seeds, each run in a child whose stderr is read: what is told of a seed that fails.
 */
#include <holm/testing.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/wait.h>

#include <cmocka.h>

#define S HOLM_TESTING_SECOND

typedef bool story(void *context, struct holm_testing *world);

struct run {
    char said[16384];
    int status;
};

/* In a child: `seed` and `trace` are put into its environment when they are not NULL. */
static void play(struct run *run, story *told, const char *seed, const char *trace)
{
    int ends[2];
    size_t size = 0;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        unsigned char count = 0;
        dup2(ends[1], STDERR_FILENO);
        if (seed != NULL)
            setenv("HOLM_TESTING_SEED", seed, 1);
        if (trace != NULL)
            setenv("HOLM_TESTING_TRACE", trace, 1);
        _exit(holm_testing_seeds(1, 20, told, &count) ? 0 : 1);
    }
    assert_true(child > 0);
    close(ends[1]);
    for (ssize_t got = 1; got > 0 && size < sizeof run->said - 1; size += (size_t)got)
        got = read(ends[0], run->said + size, sizeof run->said - 1 - size);
    run->said[size] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &run->status, 0), child);
}

static bool exited_with(const struct run *run, int status)
{
    return WIFEXITED(run->status) && WEXITSTATUS(run->status) == status;
}

static size_t lines_with(const struct run *run, const char *text)
{
    size_t count = 0;
    for (const char *at = run->said; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static struct holm_node *open_node(struct holm_testing *world, const char *name)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;
    config.name = name;
    config.seeds = "a b";
    if (holm_testing_open(world, &config, &node) != HOLM_OK)
        abort();
    return node;
}

static bool write_once(struct holm_node *node)
{
    return holm_put(node, holm_str("k"), holm_str("f"), holm_i64(1)) == HOLM_OK;
}

static bool all_well(void *context, struct holm_testing *world)
{
    (void)context;
    (void)open_node(world, "b");
    return write_once(open_node(world, "a")) && holm_testing_converge(world, 10 * S) == HOLM_OK;
}

static void test_seeds_when_none_fails_then_little_is_said(void **state)
{
    struct run run;
    play(&run, all_well, NULL, NULL);
    assert_true(exited_with(&run, 0));
    assert_string_equal(run.said,
                        "holm-testing: seeds 1..20\nholm-testing: 0 of 20 seeds failed\n");
}

/* Seed 7 alone cannot agree. */
static bool seven_is_split(void *context, struct holm_testing *world)
{
    (void)context;
    struct holm_node *a = open_node(world, "a");
    (void)open_node(world, "b");
    if (holm_testing_seed(world) == 7)
        holm_testing_split(world, "a", "b");
    return write_once(a) && holm_testing_converge(world, 10 * S) == HOLM_OK;
}

static void test_seeds_when_one_fails_then_it_is_told_and_played_again(void **state)
{
    struct run run, again;
    char hash[40];
    play(&run, seven_is_split, NULL, NULL);
    assert_true(exited_with(&run, 1));
    assert_int_equal(lines_with(&run, " failed at "), 1);
    assert_non_null(strstr(run.said, "holm-testing: seed 7 failed at 10.000000, hash "));
    assert_non_null(strstr(run.said, "a and b differ in k: only a has f: register 1\n"));
    assert_non_null(strstr(run.said, "set HOLM_TESTING_SEED=7;"));
    assert_non_null(strstr(run.said, "1 of 20 seeds failed\n"));
    assert_null(strstr(run.said, "played again"));
    snprintf(hash, sizeof hash, "%.22s", strstr(run.said, "hash "));
    play(&again, seven_is_split, "7", NULL);
    assert_true(exited_with(&again, 1));
    assert_non_null(strstr(again.said, "seeds 7..7\n"));
    assert_int_equal(lines_with(&again, hash + strlen("hash ")), 2);
    play(&again, seven_is_split, "8", NULL);
    assert_true(exited_with(&again, 0));
    play(&again, seven_is_split, "7", "1");
    assert_true(lines_with(&again, "split a | b") >= 1);
    assert_true(lines_with(&again, "put k f") >= 1);
}

/* A story that remembers what it did before fails otherwise when it is played again. */
static bool forgetful(void *context, struct holm_testing *world)
{
    unsigned char *count = context;
    struct holm_node *a = open_node(world, "a");
    for (unsigned char i = 0; i <= *count; i++)
        if (!write_once(a))
            return false;
    ++*count;
    return holm_testing_seed(world) != 3;
}

static void test_seeds_when_a_run_cannot_be_repeated_then_it_is_told(void **state)
{
    struct run run;
    play(&run, forgetful, NULL, NULL);
    assert_true(exited_with(&run, 1));
    assert_non_null(strstr(run.said, "played again, it failed otherwise, with the hash "));
}

static bool third_aborts(void *context, struct holm_testing *world)
{
    (void)context;
    if (holm_testing_seed(world) == 3)
        abort();
    return true;
}

static bool third_exits(void *context, struct holm_testing *world)
{
    (void)context;
    if (holm_testing_seed(world) == 3)
        exit(5);
    return true;
}

static void test_seeds_when_a_story_ends_the_program_then_the_seed_is_told(void **state)
{
    struct run run;
    play(&run, third_aborts, NULL, NULL);
    assert_true(WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGABRT);
    assert_int_equal(lines_with(&run, "seed 3 ended the program"), 1);
    play(&run, third_exits, NULL, NULL);
    assert_true(exited_with(&run, 5));
    assert_int_equal(lines_with(&run, "seed 3 ended the program"), 1);
    assert_non_null(strstr(run.said, "set HOLM_TESTING_SEED=3\n"));
}

static bool misspells(void *context, struct holm_testing *world)
{
    (void)context;
    (void)open_node(world, "a");
    holm_testing_cut(world, "a", "c");
    return true;
}

static bool crashes_twice(void *context, struct holm_testing *world)
{
    (void)context;
    (void)open_node(world, "a");
    holm_testing_crash(world, "a");
    holm_testing_crash(world, "a");
    return true;
}

static struct holm_testing *busy_world;

static void come_again(void *context)
{
    holm_testing_after(busy_world, NULL, 0, come_again, context);
}

static bool stands_still(void *context, struct holm_testing *world)
{
    busy_world = world;
    come_again(context);
    holm_testing_run(world, S);
    return true;
}

static void test_mistake_when_the_test_makes_one_then_a_line_says_which(void **state)
{
    static const struct {
        story *told;
        const char *line;
    } mistakes[] = {
        {misspells, "holm-testing: seed 1: nobody is called 'c'\n"},
        {crashes_twice, "holm-testing: seed 1: a does not live, and cannot crash\n"},
        {stands_still, "holm-testing: seed 1: time stands still"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct run run;
        play(&run, mistakes[i].told, NULL, NULL);
        assert_true(WIFSIGNALED(run.status) && WTERMSIG(run.status) == SIGABRT);
        assert_non_null(strstr(run.said, mistakes[i].line));
        assert_non_null(strstr(run.said, "seed 1 ended the program"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds_when_none_fails_then_little_is_said),
        cmocka_unit_test(test_seeds_when_one_fails_then_it_is_told_and_played_again),
        cmocka_unit_test(test_seeds_when_a_run_cannot_be_repeated_then_it_is_told),
        cmocka_unit_test(test_seeds_when_a_story_ends_the_program_then_the_seed_is_told),
        cmocka_unit_test(test_mistake_when_the_test_makes_one_then_a_line_says_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
