/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The convergence benchmark in virtual time: the same seed gives the same bytes of JSON, in this process and in
 * others; all scenarios converge and say of themselves what they must; percentiles are what they are called.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/baseline.h"
#include "bench/bench.h"
#include "bench/options.h"
#include "bench/trial.h"

#define SEED 7

static void play(struct holm_bench_report *report, const char *name, uint32_t nodes,
                 uint32_t repeat)
{
    const struct holm_bench_scenario *scenario = holm_bench_scenario_find(name, strlen(name));
    assert_non_null(scenario);
    struct holm_bench_figures *figures = &report->figures[report->count++];
    report->nodes = nodes;
    report->seed = SEED;
    holm_bench_figures_init(figures, scenario);
    for (uint32_t i = 0; i < repeat; i++)
        holm_bench_trial_run(scenario, nodes, SEED + i, figures);
    holm_bench_figures_finish(figures);
}

static void release(struct holm_bench_report *report)
{
    while (report->count > 0)
        holm_bench_figures_release(&report->figures[--report->count]);
}

/* The JSON of two scenarios that break much. The caller frees it. */
static char *json_here(void)
{
    struct holm_bench_report report = {.count = 0};
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    play(&report, "churn", 5, 3);
    play(&report, "loss10", 5, 3);
    holm_bench_show_json(file, &report);
    assert_int_equal(fclose(file), 0);
    release(&report);
    return text;
}

static char *read_all(FILE *file)
{
    char *text = NULL;
    size_t size = 0;
    FILE *copy = open_memstream(&text, &size);
    assert_non_null(copy);
    for (int c = fgetc(file); c != EOF; c = fgetc(file))
        assert_int_equal(fputc(c, copy), c);
    assert_int_equal(fclose(copy), 0);
    return text;
}

static char *json_of_program(void)
{
    char path[] = "/tmp/holm-bench-XXXXXX", command[512];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "r");
    assert_non_null(file);
    (void)snprintf(command, sizeof command,
                   "'%s' bench --scenario churn,loss10 --repeat 3 --seed %d --json %s >/dev/null",
                   HOLM_PROGRAM, SEED, path);
    assert_int_equal(system(command), 0);
    char *text = read_all(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(remove(path), 0);
    return text;
}

static void test_bench_when_run_again_is_the_same_to_the_byte(void **state)
{
    char *once = json_here();
    void *shifted = malloc(123456);
    assert_non_null(shifted);
    char *again = json_here();
    free(shifted);
    char *there = json_of_program();
    char *elsewhere = json_of_program();
    assert_string_equal(again, once);
    assert_string_equal(there, once);
    assert_string_equal(elsewhere, once);
    free(once);
    free(again);
    free(there);
    free(elsewhere);
}

static void test_bench_of_another_seed_is_another(void **state)
{
    struct holm_bench_report report = {.count = 0};
    play(&report, "split2", 5, 1);
    const struct holm_bench_scenario *split = report.figures[0].scenario;
    struct holm_bench_figures other;
    holm_bench_figures_init(&other, split);
    holm_bench_trial_run(split, 5, SEED + 1, &other);
    assert_int_not_equal(other.traffic.bytes, report.figures[0].traffic.bytes);
    assert_int_not_equal(other.convergence.values[0], report.figures[0].convergence.values[0]);
    holm_bench_figures_release(&other);
    release(&report);
}

static uint64_t lowest(const struct holm_bench_curve *curve)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < curve->count; i++)
        least = curve->sums[i] < least ? curve->sums[i] : least;
    return least;
}

/* What holds of every scenario but the joins. */
static void check_figures(const struct holm_bench_figures *figures, uint32_t nodes)
{
    const struct holm_bench_traffic *traffic = &figures->traffic;
    assert_int_equal(figures->failures, 0);
    assert_int_equal(figures->convergence.count, figures->repetitions);
    assert_true(figures->convergence.values[0] >= 1000); /* the way takes a millisecond */
    assert_true(figures->staleness.values[0] >= 1000);
    assert_true(traffic->operations > 50);
    assert_true(traffic->changes >= traffic->operations);
    assert_true(traffic->elements >= traffic->arrived_elements - traffic->redundant_elements);
    assert_true(traffic->redundant_elements <= traffic->arrived_elements);
    assert_true(figures->records > 50 && figures->state_bytes > figures->user_bytes);
    assert_true(figures->memory_max > figures->memory_end / figures->repetitions / 2);
    assert_int_equal(figures->equal.sums[figures->equal.count - 1], figures->repetitions * 1000);
    (void)nodes;
}

static void test_bench_when_anything_breaks_converges(void **state)
{
    for (uint32_t nodes = 3; nodes <= 5; nodes += 2) {
        struct holm_bench_report report = {.count = 0};
        for (size_t i = 0; holm_bench_scenarios[i].name != NULL; i++)
            if (holm_bench_scenarios[i].records == 0)
                play(&report, holm_bench_scenarios[i].name, nodes, 1);
        for (size_t i = 0; i < report.count; i++)
            check_figures(&report.figures[i], nodes);
        release(&report);
    }
}

/* In a split of five into two and three, at most three are equal; with no fault all soon are. */
static void test_bench_when_split_shows_the_parts(void **state)
{
    struct holm_bench_report report = {.count = 0};
    play(&report, "split2", 5, 1);
    assert_true(lowest(&report.figures[0].equal) <= 600);
    assert_true(lowest(&report.figures[0].equal) >= 200);
    assert_true(report.figures[0].staleness.count < report.figures[0].traffic.operations * 3);
    release(&report);
    play(&report, "steady", 5, 1);
    assert_int_equal(report.figures[0].cut_off, 0);
    uint64_t elements = report.figures[0].traffic.operations * 4;
    assert_in_range(report.figures[0].traffic.elements, elements * 98 / 100, elements);
    assert_int_equal(report.figures[0].traffic.redundant_elements, 0);
    assert_int_equal(report.figures[0].traffic.changes, report.figures[0].traffic.operations * 4);
    assert_int_equal(report.figures[0].staleness.count, report.figures[0].traffic.operations * 4);
    release(&report);
}

static void test_bench_when_a_node_joins_brings_it_all(void **state)
{
    struct holm_bench_scenario join = *holm_bench_scenario_find("join-100k", 9);
    struct holm_bench_figures figures;
    join.records = 3000;
    holm_bench_figures_init(&figures, &join);
    holm_bench_trial_run(&join, 3, SEED, &figures);
    assert_int_equal(figures.failures, 0);
    assert_int_equal(figures.records, 3000);
    assert_int_equal(figures.traffic.changes, 3000);
    assert_int_equal(figures.traffic.operations, 0);
    assert_true(figures.traffic.bytes > 3000 * 9);
    holm_bench_figures_release(&figures);
}

/* `holm bench` with two options more; the exit status. What it prints is not wanted here. */
static int run_main(const char *option, const char *file)
{
    char name[] = "bench", scenario[] = "--scenario=bomb", one[32], two[64],
         repeat[] = "--repeat=2";
    char *argv[] = {name, scenario, repeat, one, two, NULL};
    (void)snprintf(one, sizeof one, "%s", option);
    (void)snprintf(two, sizeof two, "%s", file);
    return holm_bench_main(5, argv);
}

static void write_baseline(const char *path, const struct holm_bench_baseline *baseline)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    holm_bench_baseline_write(file, baseline);
    assert_int_equal(fclose(file), 0);
}

static struct holm_bench_entry *entry_of(struct holm_bench_baseline *baseline, const char *name)
{
    for (size_t i = 0; i < baseline->count; i++)
        if (strcmp(baseline->entries[i].name, name) == 0)
            return &baseline->entries[i];
    fail();
    return NULL;
}

static void test_baseline_when_a_figure_was_smaller_is_not_held(void **state)
{
    char path[] = "/tmp/holm-bench-XXXXXX";
    static struct holm_bench_baseline baseline;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *file = fdopen(fd, "r");
    assert_non_null(file);
    assert_int_equal(run_main("--baseline", path), HOLM_BENCH_EXIT_OK);
    assert_int_equal(run_main("--check", path), HOLM_BENCH_EXIT_OK);
    assert_true(holm_bench_baseline_read(file, path, &baseline));
    assert_int_equal(fclose(file), 0);
    assert_true(holm_bench_baseline_has(&baseline, "bomb"));
    assert_false(holm_bench_baseline_has(&baseline, "bom"));
    struct holm_bench_entry *entry = entry_of(&baseline, "bomb.convergence_us_max");
    entry->value = entry->value * 100 / 115 + 1; /* of a tail, 15 percent pass, */
    write_baseline(path, &baseline);
    assert_int_equal(run_main("--check", path), HOLM_BENCH_EXIT_OK);
    entry->value = entry->value * 95 / 100;
    write_baseline(path, &baseline);
    assert_int_equal(run_main("--check", path), HOLM_BENCH_EXIT_WORSE);
    entry->value *= 3;
    entry = entry_of(&baseline, "bomb.convergence_us_mean");
    entry->value = entry->value * 100 / 105 + 1; /* and of a mean five */
    write_baseline(path, &baseline);
    assert_int_equal(run_main("--check", path), HOLM_BENCH_EXIT_OK);
    entry->value = entry->value * 95 / 100;
    write_baseline(path, &baseline);
    assert_int_equal(run_main("--check", path), HOLM_BENCH_EXIT_WORSE);
    entry->value *= 3; /* it got better, but something is told no more */
    (void)snprintf(entry_of(&baseline, "bomb.pulls")->name, sizeof entry->name, "bomb.asked");
    write_baseline(path, &baseline);
    assert_int_equal(run_main("--check", path), HOLM_BENCH_EXIT_WORSE);
    assert_int_equal(remove(path), 0);
    assert_int_equal(run_main("--check", path), HOLM_BENCH_EXIT_ERROR);
}

static size_t count_of(const char *text, const char *word)
{
    size_t count = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
        count++;
    return count;
}

/* Two repetitions, whose times differ much, say little of a median; bytes are not a matter of chance. */
static void test_baseline_when_a_time_differs_by_chance_says_so(void **state)
{
    static struct holm_bench_baseline kept, now;
    struct holm_bench_report report = {.count = 0};
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    play(&report, "split2", 3, 1);
    struct holm_bench_samples *samples = &report.figures[0].convergence;
    samples->values[0] = 100000;
    holm_bench_sample(samples, 300000);
    report.figures[0].repetitions = 2;
    holm_bench_baseline_of(&report, 2, &kept);
    now = kept; /* the standard deviation is 100 ms: 3 x 1.25 x 100 ms */
    struct holm_bench_entry *median = entry_of(&now, "split2.convergence_us_p50");
    assert_in_range(median->chance, 374999, 375000);
    median->value += 374000;
    assert_int_equal(holm_bench_baseline_compare(file, &kept, &now, 5), 0);
    median->value += 2000;
    assert_int_equal(holm_bench_baseline_compare(file, &kept, &now, 5), 1);
    entry_of(&now, "split2.bytes_per_change_milli")->value *= 2;
    assert_int_equal(holm_bench_baseline_compare(file, &kept, &now, 5), 2);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(count_of(text, "chance  split2.convergence_us_p50"), 1);
    assert_int_equal(count_of(text, "worse   split2.convergence_us_p50"), 2);
    free(text);
    release(&report);
}

static void test_html_of_a_report_stands_alone(void **state)
{
    struct holm_bench_report report = {.count = 0};
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    play(&report, "flap", 3, 1);
    play(&report, "loss10", 3, 1);
    holm_bench_show_html(file, &report);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(count_of(text, "<svg"), 8); /* two of all, three of each */
    assert_int_equal(count_of(text, "</svg>"), 8);
    assert_int_equal(count_of(text, "class=\"fault\""), 2 * 10 + 2 * 1);
    assert_int_equal(count_of(text, "<table"), 2);
    assert_int_equal(count_of(text, ">a node flaps</text>"), 1);
    assert_int_equal(count_of(text, ">the last heal</text>"), 1);
    assert_int_equal(count_of(text, ">10% is lost</text>"), 1);
    static const char *const none[] = {
        "<script", "http:", "https:", "src=", "@import", "url(", "nan", "inf"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        assert_int_equal(count_of(text, none[i]), 0);
    free(text);
    release(&report);
}

/* What the machine took is told, and apart: nothing of it is in the exact output (which is compared above). */
static void test_host_of_a_report_tells_simulated_hours(void **state)
{
    struct holm_bench_report report = {.count = 0};
    unsigned long long hours = 0, thousandths = 0;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    play(&report, "bomb", 3, 2);
    assert_true(report.figures[0].world_us >=
                UINT64_C(2) * 6000000); /* 3 s to the heal, 3 s after */
    assert_true(report.figures[0].wall_us > 0);
    holm_bench_show_host(file, &report);
    assert_int_equal(fclose(file), 0);
    const char *at = strstr(text, "\"simulated_hours_per_wall_second\": ");
    assert_non_null(at);
    assert_int_equal(
        sscanf(at, "\"simulated_hours_per_wall_second\": %llu.%3llu", &hours, &thousandths), 2);
    uint64_t told = hours * 1000 + thousandths;
    assert_int_equal(told, report.figures[0].world_us * 1000 / report.figures[0].wall_us / 3600);
    assert_non_null(strstr(text, "\"cpu_us\": "));
    free(text);
    release(&report);
}

static void test_figures_of_samples_are_nearest_ranks(void **state)
{
    struct holm_bench_samples samples = {0};
    struct holm_bench_spread none = holm_bench_spread_of(&samples);
    assert_int_equal(none.count, 0);
    for (uint64_t i = 1; i <= 99; i++)
        holm_bench_sample(&samples, i);
    assert_false(holm_bench_spread_of(&samples).p99_known);
    for (uint64_t i = 100; i <= 200; i++)
        holm_bench_sample(&samples, i);
    struct holm_bench_spread spread = holm_bench_spread_of(&samples);
    assert_int_equal(spread.mean, 100); /* 100.5 */
    assert_int_equal(spread.p50, 100);
    assert_int_equal(spread.p99, 198);
    assert_int_equal(spread.max, 200);
    assert_true(spread.p99_known);
    free(samples.values);
}

static void test_figures_of_samples_fall_into_buckets(void **state)
{
    struct holm_bench_samples samples = {0};
    uint64_t counts[HOLM_BENCH_BUCKETS];
    holm_bench_sample(&samples, 3);
    holm_bench_sample(&samples, 100);
    holm_bench_sample(&samples, 101);
    holm_bench_sample(&samples, 1000);
    holm_bench_sample(&samples, UINT64_C(900000000));
    holm_bench_bucket_count(&samples, counts);
    assert_int_equal(counts[0], 2);
    assert_int_equal(counts[1], 1);
    assert_int_equal(counts[8], 1);
    assert_int_equal(counts[HOLM_BENCH_BUCKETS - 1], 1);
    assert_int_equal(holm_bench_bucket_us(8), 1000);
    assert_int_equal(holm_bench_bucket_us(48), 100000000);
    free(samples.values);
}

static enum holm_bench_parsed parse(const char *first, const char *second,
                                    struct holm_bench_options *options)
{
    char name[] = "bench", one[64], two[64];
    char *argv[] = {name, one, two, NULL};
    (void)snprintf(one, sizeof one, "%s", first);
    (void)snprintf(two, sizeof two, "%s", second == NULL ? "" : second);
    if (second == NULL)
        argv[2] = NULL;
    return holm_bench_options_parse(second == NULL ? 2 : 3, argv, options);
}

static void test_options_when_wrong_are_refused(void **state)
{
    struct holm_bench_options options;
    static const char *const wrong[][2] = {
        {"--scenario", "split4"},
        {"--scenario", "steady,,bomb"},
        {"--scenario", "bomb,bomb"},
        {"--nodes", "1"},
        {"--nodes", "101"},
        {"--nodes", "5x"},
        {"--seed", "-1"},
        {"--repeat", "0"},
        {"--json", ""},
        {"--wide", "1"},
        {"--seed", NULL},
        {"seven", NULL},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(parse(wrong[i][0], wrong[i][1], &options), HOLM_BENCH_WRONG);
    assert_int_equal(parse("--scenario", "bomb,split3", &options), HOLM_BENCH_RUN);
    assert_int_equal(options.count, 2);
    assert_string_equal(options.scenarios[1]->name, "split3");
    assert_int_equal(parse("--nodes=2", NULL, &options), HOLM_BENCH_RUN);
    assert_int_equal(options.count, 8); /* three scenarios need more */
    assert_int_equal(parse("--help", NULL, &options), HOLM_BENCH_HELP);
}

static void test_text_of_numbers_has_three_digits(void **state)
{
    assert_string_equal(holm_bench_text_us(7).text, "7 us");
    assert_string_equal(holm_bench_text_us(1234).text, "1.23 ms");
    assert_string_equal(holm_bench_text_us(9996).text, "10.0 ms");
    assert_string_equal(holm_bench_text_us(999600).text, "1.00 s");
    assert_string_equal(holm_bench_text_us(61234567).text, "61.2 s");
    assert_string_equal(holm_bench_text_bytes(1023).text, "1023 B");
    assert_string_equal(holm_bench_text_bytes(1536).text, "1.50 KiB");
    assert_string_equal(holm_bench_text_bytes(UINT64_C(26) << 20).text, "26.0 MiB");
    assert_string_equal(holm_bench_text_percent(61).text, "6.1%");
    assert_string_equal(holm_bench_text_html(holm_bench_text_us(7)).text, "7 µs");
    assert_string_equal(holm_bench_text_html(holm_bench_text_us(1234)).text, "1.23 ms");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_when_run_again_is_the_same_to_the_byte),
        cmocka_unit_test(test_bench_of_another_seed_is_another),
        cmocka_unit_test(test_bench_when_anything_breaks_converges),
        cmocka_unit_test(test_bench_when_split_shows_the_parts),
        cmocka_unit_test(test_bench_when_a_node_joins_brings_it_all),
        cmocka_unit_test(test_baseline_when_a_figure_was_smaller_is_not_held),
        cmocka_unit_test(test_baseline_when_a_time_differs_by_chance_says_so),
        cmocka_unit_test(test_html_of_a_report_stands_alone),
        cmocka_unit_test(test_host_of_a_report_tells_simulated_hours),
        cmocka_unit_test(test_figures_of_samples_are_nearest_ranks),
        cmocka_unit_test(test_figures_of_samples_fall_into_buckets),
        cmocka_unit_test(test_options_when_wrong_are_refused),
        cmocka_unit_test(test_text_of_numbers_has_three_digits),
    };
    return cmocka_run_group_tests_name("bench", tests, NULL, NULL);
}
