/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/sim.h"

/* Numbers are written as numbers up to 2^53; ids, epochs and digests have 64 bits and are text.
 * No name in the result needs escaping: they are all of this program's making. */
static void write_options(FILE *file, const struct holm_sim *sim)
{
    const struct holm_story_config *config = &sim->story.config;
    (void)fprintf(file,
                  "  \"seed\": %" PRIu64 ",\n"
                  "  \"options\": {\"cities\": %" PRIu32 ", \"heroes\": %" PRIu32
                  ", \"seconds\": %" PRIu32 ", \"speed\": %" PRIu32 ", \"bombs\": %" PRIu32
                  ", \"splits\": %" PRIu32 ", \"transport\": \"%s\", \"deadline\": %" PRIu32
                  ", \"log_kib\": %" PRIu32 "},\n",
                  config->seed, config->cities, config->heroes, config->seconds, config->speed,
                  config->bombs, config->splits, sim->options->tcp ? "tcp" : "ipc",
                  sim->options->deadline_s, sim->options->log_kib);
}

static void write_times(FILE *file, const struct holm_sim *sim)
{
    (void)fputs("  \"convergence_ms\": [", file);
    for (size_t i = 0; i < sim->convergence_count; i++) {
        const struct holm_sim_convergence *measured = &sim->convergences[i];
        (void)fputs(i == 0 ? "" : ", ", file);
        if (measured->done)
            (void)fprintf(file, "%.3f", (double)measured->took_us / 1000);
        else
            (void)fputs("null", file);
    }
    (void)fputs("],\n  \"recovery_ms\": [", file);
    for (size_t i = 0; i < sim->recovery_count; i++)
        (void)fprintf(file, "%s%.3f", i == 0 ? "" : ", ", (double)sim->recoveries_us[i] / 1000);
    (void)fputs("],\n  \"split_fights\": [", file);
    for (size_t i = 0; i < sim->split_count; i++)
        (void)fprintf(file, "%s[%" PRIu64 ", %" PRIu64 "]", i == 0 ? "" : ", ",
                      sim->split_fights[i][0], sim->split_fights[i][1]);
    (void)fputs("],\n", file);
}

static void write_city(FILE *file, const struct holm_sim *sim, uint32_t index)
{
    const struct holm_sim_city *city = &sim->cities[index];
    const struct holm_ledger_life *life = &sim->ledger.lives[city->life];
    bool living = holm_sim_is_living(city); /* else its last report is in the sums */
    (void)fprintf(file,
                  "    {\"name\": \"%s\", \"epoch\": \"%016" PRIx64 "\", \"restarts\": %" PRIu64
                  ", \"digest\": \"%016" PRIx64 "\", \"vector_entries\": %" PRIu64
                  ", \"alive\": %" PRIu64 ", \"buried\": %" PRIu64 ", \"given_up\": %s,\n",
                  city->name, life->report.epoch, city->supervised.restarts, life->digest,
                  life->report.entries, life->report.alive, life->report.buried,
                  city->supervised.given_up ? "true" : "false");
    (void)fprintf(
        file,
        "     \"operations\": %" PRIu64 ", \"fights\": %" PRIu64 ", \"bombs\": %" PRIu64
        ", \"killed\": %" PRIu64 ", \"crashes\": %" PRIu64 ", \"stuck\": %" PRIu64
        ", \"log_bytes\": %" PRIu64 ",\n"
        "     \"rss_kib\": {\"start\": %" PRIu64 ", \"peak\": %" PRIu64 ", \"end\": %" PRIu64
        ", \"middle\": %" PRIu64 "}, \"pulls\": %" PRIu64 ", \"syncs\": %" PRIu64 "}%s\n",
        city->operations, city->fights, city->bombs, city->killed, city->crashes, city->stuck,
        life->report.log_bytes, city->rss.start_kib, city->rss.peak_kib, city->rss.end_kib,
        city->rss.middle_kib, city->pulls + (living ? life->report.pulls : 0),
        city->syncs + (living ? life->report.syncs : 0), index + 1 < sim->count ? "," : "");
}

static void write_checks(FILE *file, const struct holm_sim *sim)
{
    const struct holm_verdict *verdict = &sim->verdict;
    struct holm_sim_totals totals;
    holm_sim_total(sim, &totals);
    const struct {
        const char *name;
        uint64_t count;
    } numbers[] = {
        {"bombs", sim->bombs},
        {"splits", sim->splits},
        {"operations", totals.operations},
        {"binding", verdict->binding},
        {"perished", verdict->perished},
        {"lost_acknowledged", verdict->lost_acknowledged},
        {"resurrected", verdict->resurrected},
        {"counter_errors", verdict->counter_errors},
        {"reused_dots", verdict->reused_dots},
        {"unjournaled", verdict->unjournaled},
        {"unexplained", verdict->unexplained},
        {"disagreements", verdict->disagreements},
        {"silent", sim->silent},
        {"torn_lines", sim->torn},
        {"errors", totals.errors},
        {"digest_breaches", totals.breaches},
        {"crashes", totals.crashes},
        {"survivors", verdict->survivors},
        {"restarts", totals.restarts},
        {"given_up", totals.given_up},
        {"killed", totals.killed},
        {"stuck", totals.stuck},
        {"deaf", totals.deaf_deaths},
        {"fights", totals.fights},
        {"deaths", sim->deaths},
        {"assigns", sim->assigns},
        {"refused", totals.refused},
        {"creates", sim->creates},
        {"deletes", sim->deletes},
        {"pulls", totals.pulls},
        {"syncs", totals.syncs},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)fprintf(file, "  \"%s\": %" PRIu64 ",\n", numbers[i].name, numbers[i].count);
    (void)fprintf(file, "  \"wall_ms\": %" PRIu64 "\n", (sim->now_us - sim->started_us) / 1000);
}

static bool write_result(FILE *file, const struct holm_sim *sim)
{
    bool converged = holm_sim_converged(sim);
    (void)fputs("{\n  \"holm\": \"" HOLM_VERSION "\",\n", file);
    write_options(file, sim);
    (void)fprintf(file, "  \"converged\": %s,\n  \"holds\": %s,\n", converged ? "true" : "false",
                  converged && holm_sim_checks_hold(sim) ? "true" : "false");
    write_times(file, sim);
    (void)fputs("  \"cities\": [\n", file);
    for (uint32_t i = 0; i < sim->count; i++)
        write_city(file, sim, i);
    (void)fputs("  ],\n", file);
    write_checks(file, sim);
    (void)fputs("}\n", file);
    return fflush(file) == 0 && ferror(file) == 0;
}

/* mkstemp makes files that only their owner can read; a result is as open as any file one makes. */
static void open_to_all(int fd)
{
    mode_t mask = umask(0);
    (void)umask(mask);
    (void)fchmod(fd, 0666 & ~mask);
}

/* A pipe or a device, or what a link leads to, is written to: a rename would put a file in its place. */
static bool stays_in_place(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static bool write_in_place(const struct holm_sim *sim, const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return false;
    bool written = write_result(file, sim);
    return fclose(file) == 0 && written;
}

bool holm_sim_write_json(const struct holm_sim *sim, const char *path)
{
    size_t size = strlen(path) + sizeof ".XXXXXX";
    if (stays_in_place(path))
        return write_in_place(sim, path);
    char *temporary = malloc(size);
    if (temporary == NULL)
        return false;
    (void)snprintf(temporary, size, "%s.XXXXXX", path);
    int fd = mkstemp(temporary);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "w");
    bool written = false;
    if (file != NULL) {
        open_to_all(fd);
        written = write_result(file, sim);
        written = fclose(file) == 0 && written;
        written = written && rename(temporary, path) == 0;
    }
    int error = errno;
    if (fd >= 0 && !written)
        (void)unlink(temporary);
    free(temporary);
    errno = error;
    return written;
}
