/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/baseline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"

/* ---- what is kept --------------------------------------------------------------------------- */

static void keep(struct holm_bench_baseline *baseline, const struct holm_bench_figures *figures,
                 const char *name, uint64_t value)
{
    measure_require(baseline->count < HOLM_BENCH_BASELINE_ENTRIES, "a baseline has room");
    struct holm_bench_entry *entry = &baseline->entries[baseline->count++];
    (void)snprintf(entry->name, sizeof entry->name, "%s.%s", figures->scenario->name, name);
    entry->value = value;
    entry->chance = 0;
}

/* Three standard errors of the difference of two medians of so many repetitions, within which samples
 * are not independent. */
static uint64_t chance_of(const struct holm_bench_figures *figures,
                          const struct holm_bench_samples *samples)
{
    double sum = 0, squares = 0, count = (double)samples->count;
    for (size_t i = 0; i < samples->count; i++) {
        sum += (double)samples->values[i];
        squares += (double)samples->values[i] * (double)samples->values[i];
    }
    double variance = fmax(squares / count - sum / count * (sum / count), 0);
    return (uint64_t)(3 * 1.25 * sqrt(2 * variance / figures->repetitions));
}

static void keep_spread(struct holm_bench_baseline *baseline,
                        const struct holm_bench_figures *figures, const char *name,
                        const struct holm_bench_samples *samples)
{
    struct holm_bench_spread spread = holm_bench_spread_of(samples);
    char full[48];
    if (spread.count == 0)
        return;
    size_t first = baseline->count;
    (void)snprintf(full, sizeof full, "%s_us_mean", name);
    keep(baseline, figures, full, spread.mean);
    (void)snprintf(full, sizeof full, "%s_us_p50", name);
    keep(baseline, figures, full, spread.p50);
    (void)snprintf(full, sizeof full, "%s_us_p99", name);
    if (spread.p99_known)
        keep(baseline, figures, full, spread.p99);
    (void)snprintf(full, sizeof full, "%s_us_max", name);
    keep(baseline, figures, full, spread.max);
    for (size_t i = first; i < baseline->count; i++)
        baseline->entries[i].chance = chance_of(figures, samples);
}

void holm_bench_baseline_of(const struct holm_bench_report *report, uint32_t repeat,
                            struct holm_bench_baseline *baseline)
{
    *baseline = (struct holm_bench_baseline){
        .seed = report->seed, .nodes = report->nodes, .repeat = repeat};
    for (size_t i = 0; i < report->count; i++) {
        const struct holm_bench_figures *figures = &report->figures[i];
        keep(baseline, figures, "failures", figures->failures);
        keep_spread(baseline, figures, "convergence", &figures->convergence);
        keep_spread(baseline, figures, "staleness", &figures->staleness);
        keep(baseline, figures, "bytes_per_change_milli", holm_bench_bytes_a_change(figures));
        keep(baseline, figures, "elements_per_change_milli", holm_bench_elements_a_change(figures));
        keep(baseline, figures, "metadata_per_change_milli", holm_bench_metadata_a_change(figures));
        keep(baseline, figures, "redundant_elements_milli", holm_bench_redundant_elements(figures));
        keep(baseline, figures, "redundant_bytes_milli", holm_bench_redundant_bytes(figures));
        keep(baseline, figures, "metadata_bytes_per_key_milli", holm_bench_metadata_a_key(figures));
        keep(baseline, figures, "memory_bytes_max", figures->memory_max);
        keep(baseline, figures, "pulls", figures->pulls);
        keep(baseline, figures, "syncs", figures->syncs);
    }
}

/* ---- the file ------------------------------------------------------------------------------- */

void holm_bench_baseline_write(FILE *file, const struct holm_bench_baseline *baseline)
{
    (void)fprintf(file,
                  "{\n  \"seed\": %" PRIu64 ",\n  \"nodes\": %" PRIu32 ",\n  \"repeat\": %" PRIu32,
                  baseline->seed, baseline->nodes, baseline->repeat);
    for (size_t i = 0; i < baseline->count; i++)
        (void)fprintf(file, ",\n  \"%s\": %" PRIu64, baseline->entries[i].name,
                      baseline->entries[i].value);
    (void)fputs("\n}\n", file);
}

/*     "name": 123,     */
static bool parse_line(const char *line, struct holm_bench_entry *entry)
{
    const char *name = strchr(line, '"');
    size_t length = name == NULL ? 0 : strcspn(++name, "\"");
    char *end;
    if (length == 0 || length >= sizeof entry->name || strncmp(name + length, "\": ", 3) != 0)
        return false;
    memcpy(entry->name, name, length);
    entry->name[length] = '\0';
    entry->value = strtoull(name + length + 3, &end, 10);
    return end != name + length + 3 && (*end == ',' || *end == '\n');
}

static bool take_line(const char *line, struct holm_bench_baseline *baseline)
{
    struct holm_bench_entry entry = {.chance = 0};
    if (line[0] == '{' || line[0] == '}')
        return true;
    if (!parse_line(line, &entry))
        return false;
    if (strcmp(entry.name, "seed") == 0)
        baseline->seed = entry.value;
    else if (strcmp(entry.name, "nodes") == 0)
        baseline->nodes = (uint32_t)entry.value;
    else if (strcmp(entry.name, "repeat") == 0)
        baseline->repeat = (uint32_t)entry.value;
    else if (baseline->count < HOLM_BENCH_BASELINE_ENTRIES)
        baseline->entries[baseline->count++] = entry;
    else
        return false;
    return true;
}

bool holm_bench_baseline_read(FILE *file, const char *path, struct holm_bench_baseline *baseline)
{
    char line[256];
    *baseline = (struct holm_bench_baseline){.count = 0};
    for (unsigned number = 1; fgets(line, sizeof line, file) != NULL; number++)
        if (!take_line(line, baseline)) {
            (void)fprintf(stderr, "holm bench: line %u of %s is none of a baseline\n", number,
                          path);
            return false;
        }
    if (baseline->count > 0 && baseline->nodes >= 2 && baseline->repeat > 0)
        return true;
    (void)fprintf(stderr, "holm bench: %s is no baseline\n", path);
    return false;
}

static bool is_of(const struct holm_bench_entry *entry, const char *scenario)
{
    size_t length = strlen(scenario);
    return strncmp(entry->name, scenario, length) == 0 && entry->name[length] == '.';
}

bool holm_bench_baseline_has(const struct holm_bench_baseline *baseline, const char *scenario)
{
    for (size_t i = 0; i < baseline->count; i++)
        if (is_of(&baseline->entries[i], scenario))
            return true;
    return false;
}

void holm_bench_baseline_narrow(struct holm_bench_baseline *baseline,
                                const struct holm_bench_scenario *const *scenarios, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < baseline->count; i++) {
        bool wanted = false;
        for (size_t j = 0; j < count; j++)
            wanted |= is_of(&baseline->entries[i], scenarios[j]->name);
        if (wanted)
            baseline->entries[kept++] = baseline->entries[i];
    }
    baseline->count = kept;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static const struct holm_bench_entry *find(const struct holm_bench_baseline *baseline,
                                           const char *name)
{
    for (size_t i = 0; i < baseline->count; i++)
        if (strcmp(baseline->entries[i].name, name) == 0)
            return &baseline->entries[i];
    return NULL;
}

/* What makes no difference whatever the share: a fifth of a point, a tenth of a millisecond, ... */
static uint64_t trifle(const char *name)
{
    if (strstr(name, ".redundant") != NULL)
        return 2;
    if (strstr(name, "_us_") != NULL)
        return 100;
    if (strstr(name, "_milli") != NULL)
        return 20;
    return strstr(name, ".memory") != NULL ? 16384 : 0;
}

/* A tail is a single sample of a hundred. */
static uint32_t tolerance_of(const char *name, uint32_t tolerance_percent)
{
    bool tail = strstr(name, ".convergence_us_p99") != NULL ||
                strstr(name, ".convergence_us_max") != NULL ||
                strstr(name, ".staleness_us_max") != NULL;
    return tail ? 3 * tolerance_percent : tolerance_percent;
}

static bool exceeds(const char *name, uint64_t more, uint64_t less, uint32_t tolerance_percent)
{
    return more > less + trifle(name) &&
           (more - less) * 100 > less * (uint64_t)tolerance_of(name, tolerance_percent);
}

enum verdict {
    SAME = 0,
    WITHIN = 1, /* the tolerance */
    CHANCE = 2,
    BETTER = 3,
    WORSE = 4,
    VERDICTS = 5
};

static const char *const words[VERDICTS] = {NULL, NULL, "chance", "better", "worse"};

static enum verdict judge(const struct holm_bench_entry *old, const struct holm_bench_entry *now,
                          uint32_t tolerance_percent)
{
    uint64_t apart = now->value > old->value ? now->value - old->value : old->value - now->value;
    bool worse = exceeds(old->name, now->value, old->value, tolerance_percent);
    bool better = exceeds(old->name, old->value, now->value, tolerance_percent);
    if (apart == 0)
        return SAME;
    if (!worse && !better)
        return WITHIN;
    if (apart <= now->chance)
        return CHANCE;
    return worse ? WORSE : BETTER;
}

static struct holm_bench_text text_of(const char *name, uint64_t value)
{
    struct holm_bench_text text;
    if (strstr(name, ".redundant") != NULL)
        return holm_bench_text_percent(value);
    if (strstr(name, "_us_") != NULL)
        return holm_bench_text_us(value);
    if (strstr(name, "_milli") != NULL)
        return holm_bench_text_number(value);
    if (strstr(name, ".memory") != NULL)
        return holm_bench_text_bytes(value);
    (void)snprintf(text.text, sizeof text.text, "%" PRIu64, value);
    return text;
}

static void tell(FILE *file, const char *verdict, const struct holm_bench_entry *kept, uint64_t now)
{
    (void)fprintf(file, "%-7s %-40s %9s -> %-9s", verdict, kept->name,
                  text_of(kept->name, kept->value).text, text_of(kept->name, now).text);
    if (kept->value > 0)
        (void)fprintf(file, " %+.1f%%",
                      ((double)now - (double)kept->value) * 100 / (double)kept->value);
    (void)fputs("\n", file);
}

/* Figures that the baseline does not know yet. */
static size_t count_new(const struct holm_bench_baseline *kept,
                        const struct holm_bench_baseline *now)
{
    size_t count = 0;
    for (size_t i = 0; i < now->count; i++)
        count += find(kept, now->entries[i].name) == NULL;
    return count;
}

size_t holm_bench_baseline_compare(FILE *file, const struct holm_bench_baseline *kept,
                                   const struct holm_bench_baseline *now,
                                   uint32_t tolerance_percent)
{
    size_t counts[VERDICTS] = {0}, gone = 0;
    for (size_t i = 0; i < kept->count; i++) {
        const struct holm_bench_entry *old = &kept->entries[i], *found = find(now, old->name);
        if (found == NULL) {
            (void)fprintf(file, "gone    %s\n", old->name);
            gone++;
            continue;
        }
        enum verdict verdict = judge(old, found, tolerance_percent);
        counts[verdict]++;
        if (words[verdict] != NULL)
            tell(file, words[verdict], old, found->value);
    }
    (void)fprintf(file,
                  "%zu figures: %zu worse and %zu better by more than %" PRIu32
                  "%%, %zu by chance, %zu within it, %zu the same, %zu gone\n",
                  kept->count, counts[WORSE], counts[BETTER], tolerance_percent, counts[CHANCE],
                  counts[WITHIN], counts[SAME], gone);
    size_t fresh = count_new(kept, now);
    if (fresh > 0)
        (void)fprintf(
            file, "%zu more are not in the baseline, which ./dev bench --baseline renews\n", fresh);
    return counts[WORSE] + gone;
}
