/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CELL_BYTES 32

static _Noreturn void usage(const char *program, int status)
{
    fprintf(status == 0 ? stdout : stderr,
            "bench_%s [--quick] [--only GROUP] [--json FILE] [--markdown] [--goals FILE]\n"
            "    --quick       fewer repeats of smaller things\n"
            "    --only GROUP  the groups whose names begin so\n"
            "    --json FILE   append every row to FILE, one object a line\n"
            "    --markdown    print tables for a page\n"
            "    --goals FILE  append to FILE, as rows of a table for a page, what has a goal\n",
            program);
    exit(status);
}

static FILE *open_more(const struct report *report, const char *path)
{
    FILE *file = fopen(path, "a");
    if (file != NULL)
        return file;
    fprintf(stderr, "bench_%s: cannot write %s\n", report->program, path);
    exit(EXIT_FAILURE);
}

static void print_head(const struct report *report)
{
    char day[32];
    time_t now = time(NULL);
    struct tm date;
    const char *missing = measure_instructions_missing();
    gmtime_r(&now, &date);
    strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &date);
    if (report->markdown) {
        printf("`bench_%s`, %s%s.\n", report->program, day, report->quick ? ", quick" : "");
        return;
    }
    printf("bench_%s, %s%s", report->program, day, report->quick ? ", quick" : "");
    if (missing != NULL)
        printf("; instructions are not counted here (%s)", missing);
    printf("\n%-46s %8s %-4s %5s %8s %8s  %s%s\n", "", "median", "", "+-", "x base", "goal",
           "verdict: x goal", missing == NULL ? "  instr" : "");
}

void report_open(struct report *report, const char *program, int argc, char **argv)
{
    *report = (struct report){.program = program};
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--quick") == 0)
            report->quick = true;
        else if (strcmp(argv[i], "--markdown") == 0)
            report->markdown = true;
        else if (strcmp(argv[i], "--only") == 0 && i + 1 < argc)
            report->only = argv[++i];
        else if (strcmp(argv[i], "--json") == 0 && i + 1 < argc)
            report->json = open_more(report, argv[++i]);
        else if (strcmp(argv[i], "--goals") == 0 && i + 1 < argc)
            report->goals_table = open_more(report, argv[++i]);
        else
            usage(program, strcmp(argv[i], "--help") == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
}

bool report_wants(struct report *report, const char *group, const char *about)
{
    if (report->only != NULL && strncmp(group, report->only, strlen(report->only)) != 0)
        return false;
    if (report->group == NULL)
        print_head(report);
    report->group = group;
    report->letter = 'a';
    if (report->markdown)
        printf(
            "\n**%s**: %s\n\n| | median | ± | x baseline | goal | |\n|---|---|---|---|---|---|\n",
            group, about);
    else
        printf("\n%s: %s\n", group, about);
    fflush(stdout);
    return true;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static void number_text(char text[CELL_BYTES], double value)
{
    int digits = value >= 100 ? 0 : value >= 10 ? 1 : value >= 0.1 || value <= 0 ? 2 : 4;
    snprintf(text, CELL_BYTES, "%.*f", digits, value);
}

/* A row with its figures worked out; what is not there is 0. */
struct told {
    const struct report_row *row;
    char letter; /* its own, when it is a baseline, else ' ' */
    double value, spread, instructions;
    double ratio;   /* to the baseline */
    double of_goal; /* at most 1: reached */
};

static struct told work_out(const struct report_row *row)
{
    struct told told = {.row = row, .letter = ' ', .value = row->value, .spread = -1};
    const struct measure_samples *samples = row->samples;
    if (samples != NULL) {
        told.value = measure_median(samples);
        told.spread = samples->count > 2 ? measure_spread(samples) : -1;
        told.instructions = samples->instructions / (double)samples->count;
    }
    if (row->base.samples != NULL)
        told.ratio = samples != NULL ? measure_ratio(samples, row->base.samples)
                                     : told.value / measure_median(row->base.samples);
    if (row->most > 0)
        told.of_goal = told.value / row->most;
    else if (row->ratio_max > 0)
        told.of_goal = told.ratio / row->ratio_max;
    return told;
}

struct cells {
    char value[CELL_BYTES], spread[CELL_BYTES], ratio[CELL_BYTES], goal[CELL_BYTES];
    char verdict[CELL_BYTES];
};

static void spell(const struct told *told, struct cells *cells)
{
    const struct report_row *row = told->row;
    char number[CELL_BYTES];
    memset(cells, 0, sizeof *cells);
    number_text(cells->value, told->value);
    if (told->spread >= 0)
        snprintf(cells->spread, CELL_BYTES, "%.0f%%", told->spread * 100);
    if (told->ratio > 0) {
        number_text(number, told->ratio);
        snprintf(cells->ratio, CELL_BYTES, "%.20s %c", number, row->base.letter);
    }
    if (told->of_goal <= 0)
        return;
    number_text(number, row->most > 0 ? row->most : row->ratio_max);
    if (row->most > 0)
        snprintf(cells->goal, CELL_BYTES, "%.20s %.8s", number, row->unit);
    else
        snprintf(cells->goal, CELL_BYTES, "%.20s %c", number, row->base.letter);
    number_text(number, told->of_goal);
    snprintf(cells->verdict, CELL_BYTES, "%s %.16s", told->of_goal <= 1 ? "reached" : "MISSED",
             number);
}

static void print_text(const struct told *told, const struct cells *cells)
{
    char line[256];
    int over = (int)strlen(told->row->name) -
               44; /* a long name takes of the room before the value */
    int width = over <= 0 ? 8 : over >= 8 ? 0 : 8 - over;
    int length = snprintf(line, sizeof line, "%c %-44s %*s %-4s %5s %8s %8s  %-15s", told->letter,
                          told->row->name, width, cells->value, told->row->unit, cells->spread,
                          cells->ratio, cells->goal, cells->verdict);
    if (told->instructions > 0)
        length += snprintf(line + length, sizeof line - (size_t)length, " %6.0f",
                           told->instructions);
    while (length > 0 && line[length - 1] == ' ')
        length -= 1;
    printf("%.*s\n", length, line);
}

static void print_markdown(const struct told *told, const struct cells *cells)
{
    if (told->letter != ' ')
        printf("| **%c** %s |", told->letter, told->row->name);
    else
        printf("| %s |", told->row->name);
    printf(" %s %s | %s | %s | %s | %s |\n", cells->value, told->row->unit, cells->spread,
           cells->ratio, cells->goal, cells->verdict);
}

/* What others take for the same, as it was measured elsewhere. */
static void print_cited(const struct report *report, const struct told *told)
{
    const struct report_row *row = told->row;
    char value[CELL_BYTES], times[CELL_BYTES];
    number_text(value, row->cited_value);
    number_text(times, row->cited_value / told->value);
    if (report->markdown)
        printf("| … *%s, cited* | %s %s | | x %s | | |\n", row->cited, value, row->unit, times);
    else
        printf("    %-42s %8s %-4s   x %s\n", row->cited, value, row->unit, times);
}

static void write_json(const struct report *report, const struct told *told)
{
    const struct report_row *row = told->row;
    /* Names are this tree's own: there is nothing in them to escape. */
    fprintf(report->json,
            "{\"at\":%" PRId64 ",\"program\":\"%s\",\"quick\":%s,\"group\":\"%s\",\"row\":\"%s\","
            "\"unit\":\"%s\",\"value\":%.6g",
            (int64_t)time(NULL), report->program, report->quick ? "true" : "false", report->group,
            row->name, row->unit, told->value);
    if (told->spread >= 0)
        fprintf(report->json, ",\"spread\":%.4g", told->spread);
    if (told->ratio > 0)
        fprintf(report->json, ",\"baseline\":\"%s\",\"ratio\":%.4g", row->base.name, told->ratio);
    if (told->instructions > 0)
        fprintf(report->json, ",\"instructions\":%.6g", told->instructions);
    if (row->most > 0)
        fprintf(report->json, ",\"most\":%.6g", row->most);
    if (row->ratio_max > 0)
        fprintf(report->json, ",\"ratio_max\":%.6g", row->ratio_max);
    if (told->of_goal > 0)
        fprintf(report->json, ",\"of_goal\":%.4g", told->of_goal);
    if (row->cited != NULL)
        fprintf(report->json, ",\"cited\":\"%s\",\"cited_value\":%.6g", row->cited,
                row->cited_value);
    fprintf(report->json, "}\n");
}

static void write_goal(const struct report *report, const struct told *told,
                       const struct cells *cells)
{
    const struct report_row *row = told->row;
    fprintf(report->goals_table, "| %s | %s | %s %s |", report->group, row->name, cells->value,
            row->unit);
    if (told->ratio > 0)
        fprintf(report->goals_table, " %.*s x %s |", (int)strlen(cells->ratio) - 2, cells->ratio,
                row->base.name);
    else
        fprintf(report->goals_table, " |");
    fprintf(report->goals_table, " %.*s%s | %s |\n",
            (int)strlen(cells->goal) - (row->most > 0 ? 0 : 2), cells->goal,
            row->most > 0 ? "" : " x", cells->verdict);
}

static void tell(struct report *report, const struct told *told)
{
    struct cells cells;
    spell(told, &cells);
    if (report->markdown)
        print_markdown(told, &cells);
    else
        print_text(told, &cells);
    if (told->row->cited != NULL && told->value > 0)
        print_cited(report, told);
    fflush(stdout);
    if (report->json != NULL)
        write_json(report, told);
    if (report->goals_table != NULL && told->of_goal > 0)
        write_goal(report, told, &cells);
    report->rows += 1;
    report->goals += told->of_goal > 0 ? 1 : 0;
    report->reached += told->of_goal > 0 && told->of_goal <= 1 ? 1 : 0;
}

void report_row(struct report *report, const struct report_row *row)
{
    struct told told = work_out(row);
    tell(report, &told);
}

struct report_base report_base(struct report *report, const char *name, const char *unit,
                               const struct measure_samples *samples)
{
    struct report_row row = {.name = name, .unit = unit, .samples = samples};
    struct told told = work_out(&row);
    measure_require(report->letter <= 'z', "a group has no more than 26 baselines");
    told.letter = report->letter++;
    tell(report, &told);
    return (struct report_base){told.letter, name, samples};
}

void report_note(const struct report *report, const char *text)
{
    if (report->markdown)
        printf("| *%s* | | | | | |\n", text);
    else
        printf("  (%s)\n", text);
}

void report_fail(struct report *report, const char *text)
{
    report_note(report, text);
    fflush(stdout);
    fprintf(stderr, "bench_%s: %s: %s\n", report->program,
            report->group == NULL ? "at its begin" : report->group, text);
    report->failures += 1;
}

int report_close(struct report *report)
{
    bool written = report->json == NULL || fclose(report->json) == 0;
    written = (report->goals_table == NULL || fclose(report->goals_table) == 0) && written;
    if (!written)
        fprintf(stderr, "bench_%s: not all rows could be written\n", report->program);
    if (report->group != NULL)
        printf("\n%zu of %zu goals reached\n", report->reached, report->goals);
    if (report->failures > 0)
        printf("%zu failed\n", report->failures);
    if (written && report->failures == 0 && report->group == NULL)
        return REPORT_NOTHING;
    return written && report->failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
