/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/show_plot.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Of a plot's drawing, in its own units. */
#define WIDTH 520.0
#define LEFT 58.0
#define RIGHT 12.0
#define TOP 10.0

struct plot {
    FILE *file;
    double height; /* of the inside */
    double x_min, x_max, y_min, y_max;
};

static double x_of(const struct plot *plot, double x)
{
    return LEFT + (x - plot->x_min) / (plot->x_max - plot->x_min) * (WIDTH - LEFT - RIGHT);
}

static double y_of(const struct plot *plot, double y)
{
    return TOP + plot->height - (y - plot->y_min) / (plot->y_max - plot->y_min) * plot->height;
}

static void begin(const struct plot *plot, const char *title)
{
    (void)fprintf(plot->file, "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-label=\"%s\">\n",
                  WIDTH, TOP + plot->height + 24, title);
}

static void end(const struct plot *plot)
{
    (void)fprintf(plot->file, "<path class=\"axis\" d=\"M%.1f %.1fV%.1fH%.1f\"/>\n</svg>\n", LEFT,
                  TOP, TOP + plot->height, WIDTH - RIGHT);
}

static void x_tick(const struct plot *plot, double x, const char *label)
{
    (void)fprintf(plot->file,
                  "<path class=\"grid\" d=\"M%.1f %.1fV%.1f\"/>"
                  "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
                  x_of(plot, x), TOP, TOP + plot->height, x_of(plot, x), TOP + plot->height + 16,
                  label);
}

static void y_tick(const struct plot *plot, double y, const char *label)
{
    (void)fprintf(plot->file,
                  "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>"
                  "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
                  LEFT, y_of(plot, y), WIDTH - RIGHT, LEFT - 6, y_of(plot, y) + 4, label);
}

/* ---- over time ------------------------------------------------------------------------------ */

static void seconds_axis(const struct plot *plot)
{
    for (int s = (int)plot->x_min; s <= (int)plot->x_max; s++) {
        char label[16];
        (void)snprintf(label, sizeof label, s == 0 ? "%d" : "%+d s", s);
        x_tick(plot, s, label);
    }
}

/* While it lasts: what stays broken stays shaded. */
static void shade(const struct plot *plot, const struct holm_bench_scenario *scenario)
{
    bool stays = scenario->fault == HOLM_BENCH_LOSS || scenario->fault == HOLM_BENCH_ONEWAY;
    double from = -(double)scenario->fault_us / 1e6, to = stays ? plot->x_max : 0;
    uint64_t pieces = scenario->fault == HOLM_BENCH_FLAP ? 10 : 1;
    double piece = scenario->fault == HOLM_BENCH_FLAP ? 0.3 : to - from;
    for (uint64_t i = 0; i < pieces && scenario->fault_us > 0; i++)
        (void)fprintf(plot->file,
                      "<rect class=\"fault\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                      "height=\"%.1f\"/>\n",
                      x_of(plot, from + 2 * (double)i * piece), TOP,
                      piece / (plot->x_max - plot->x_min) * (WIDTH - LEFT - RIGHT), plot->height);
    (void)fprintf(plot->file, "<path class=\"heal\" d=\"M%.1f %.1fV%.1f\"/>\n", x_of(plot, 0), TOP,
                  TOP + plot->height);
}

/* What is shaded, and what time 0 is, low enough for curves to pass above. */
static void name_marks(const struct plot *plot, const struct holm_bench_scenario *scenario)
{
    double y = TOP + plot->height - 6;
    if (scenario->fault_us > 0)
        (void)fprintf(plot->file, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">%s</text>\n",
                      x_of(plot, -(double)scenario->fault_us / 1e6) + 5, y, scenario->meanwhile);
    (void)fprintf(plot->file, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">%.*s</text>\n",
                  x_of(plot, 0) + 5, y, (int)strcspn(scenario->from, ","), scenario->from);
}

static struct plot over_time(FILE *file, const struct holm_bench_figures *figures, double height)
{
    struct plot plot = {.file = file, .height = height, .y_min = 0, .y_max = 1};
    plot.x_min = (double)holm_bench_curve_from_us(figures->scenario) / 1e6;
    plot.x_max = (double)HOLM_BENCH_AFTER_US / 1e6;
    /* Of a join everything is over within a moment. */
    if (figures->scenario->fault == HOLM_BENCH_JOIN) {
        plot.x_min = 0;
        plot.x_max = 1;
    }
    return plot;
}

static double second_of(const struct holm_bench_figures *figures, size_t step)
{
    return (double)(holm_bench_curve_from_us(figures->scenario) +
                    (int64_t)step * HOLM_BENCH_STEP_US) /
           1e6;
}

void holm_bench_plot_equal(FILE *file, const struct holm_bench_figures *figures)
{
    struct plot plot = over_time(file, figures, 120);
    double of = 1000.0 * figures->repetitions;
    begin(&plot, "share of replicas that are equal, over time");
    shade(&plot, figures->scenario);
    seconds_axis(&plot);
    y_tick(&plot, 0, "0%");
    y_tick(&plot, 0.5, "50%");
    y_tick(&plot, 1, "100%");
    (void)fputs("<path class=\"line\" d=\"", file);
    for (size_t i = 0; i < figures->equal.count; i++) {
        double x = second_of(figures, i);
        if (x <= plot.x_max + 1e-9)
            (void)fprintf(file, "%s%.1f %.1f", i == 0 ? "M" : "L", x_of(&plot, x),
                          y_of(&plot, (double)figures->equal.sums[i] / of));
    }
    (void)fputs("\"/>\n", file);
    name_marks(&plot, figures->scenario);
    end(&plot);
}

/* 1, 2 or 5 times a power of ten, at least `value`. */
static double round_up(double value)
{
    double power = pow(10, floor(log10(value < 1 ? 1 : value)));
    double steps[] = {1, 2, 5, 10};
    for (size_t i = 0; i < 4; i++)
        if (value <= steps[i] * power)
            return steps[i] * power;
    return 10 * power;
}

#define BYTE_STEPS 5 /* of the curve, that one bar has */

static double bytes_a_second(const struct holm_bench_figures *figures, size_t first)
{
    double bytes = 0;
    for (size_t i = first; i < first + BYTE_STEPS && i < figures->bytes.count; i++)
        bytes += (double)figures->bytes.sums[i];
    return bytes / figures->repetitions / (BYTE_STEPS * HOLM_BENCH_STEP_US / 1e6);
}

void holm_bench_plot_bytes(FILE *file, const struct holm_bench_figures *figures)
{
    struct plot plot = over_time(file, figures, 64);
    double most = 1;
    for (size_t i = 0; i < figures->bytes.count; i += BYTE_STEPS)
        most = fmax(most, bytes_a_second(figures, i));
    plot.y_max = round_up(most);
    begin(&plot, "bytes sent a second, over time");
    shade(&plot, figures->scenario);
    seconds_axis(&plot);
    y_tick(&plot, 0, "0");
    char label[48];
    if (plot.y_max >= 1e6)
        (void)snprintf(label, sizeof label, "%.0f MB/s", plot.y_max / 1e6);
    else
        (void)snprintf(label, sizeof label, "%.0f kB/s", plot.y_max / 1e3);
    y_tick(&plot, plot.y_max, label);
    for (size_t i = 0; i + BYTE_STEPS <= figures->bytes.count; i += BYTE_STEPS) {
        double x = second_of(figures, i), y = y_of(&plot, bytes_a_second(figures, i));
        double width = (WIDTH - LEFT - RIGHT) * 0.1 / (plot.x_max - plot.x_min);
        if (x + 0.1 <= plot.x_max + 1e-9)
            (void)fprintf(file,
                          "<rect class=\"bar\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" "
                          "height=\"%.1f\"/>\n",
                          x_of(&plot, x), y, fmax(width - 0.6, 0.4), TOP + plot.height - y);
    }
    end(&plot);
}

/* ---- logarithmic time ----------------------------------------------------------------------- */

static void log_time_axis(const struct plot *plot)
{
    static const char *const labels[] = {"100 µs", "1 ms", "10 ms", "100 ms",
                                         "1 s",    "10 s", "100 s"};
    for (int decade = (int)plot->x_min; decade <= (int)plot->x_max; decade++)
        x_tick(plot, decade, labels[decade - 2]);
}

static double log_us(uint64_t us)
{
    return log10(us < 100 ? 100.0 : (double)us);
}

static double upper_decade(uint64_t us)
{
    return fmin(fmax(ceil(log_us(us)), 4), 8);
}

static void mark(const struct plot *plot, const char *name, uint64_t us, double share)
{
    double x = x_of(plot, log_us(us)), y = y_of(plot, log10(share));
    bool left = x > WIDTH - RIGHT - 90;
    (void)fprintf(plot->file,
                  "<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>"
                  "<text class=\"label\" x=\"%.1f\" y=\"%.1f\"%s>%s %s</text>\n",
                  x, y, left ? x - 7 : x + 7, left ? y + 14 : y - 5,
                  left ? " text-anchor=\"end\"" : "", name,
                  holm_bench_text_html(holm_bench_text_us(us)).text);
}

#define TAIL_POINTS 300

void holm_bench_plot_tail(FILE *file, const struct holm_bench_figures *figures)
{
    const struct holm_bench_samples *samples = &figures->staleness;
    struct holm_bench_spread spread = holm_bench_spread_of(samples);
    struct plot plot = {.file = file, .height = 218, .x_min = 2, .y_min = -5, .y_max = 0};
    if (spread.count == 0) {
        (void)fputs("<p class=\"none\">Nobody writes here: there are no reads to be stale.</p>\n",
                    file);
        return;
    }
    plot.x_max = upper_decade(spread.max);
    begin(&plot, "share of reads that were staler than so");
    log_time_axis(&plot);
    static const char *const shares[] = {"all", "10%", "1%", "0.1%", "0.01%", "0.001%"};
    for (int i = 0; i < 6; i++)
        y_tick(&plot, -i, shares[i]);
    (void)fprintf(file, "<path class=\"line\" d=\"M%.1f %.1f", x_of(&plot, 2), y_of(&plot, 0));
    for (size_t i = 0; i <= TAIL_POINTS; i++) {
        /* The share falls evenly on its axis; the time is that of the sample there. */
        double share = pow(10, -5.0 * (double)i / TAIL_POINTS);
        size_t rank = (size_t)((1 - share) * (double)spread.count);
        if (share * (double)spread.count < 0.5)
            break;
        rank = rank >= spread.count ? spread.count - 1 : rank;
        (void)fprintf(file, "L%.1f %.1f", x_of(&plot, log_us(samples->values[rank])),
                      y_of(&plot, log10(share)));
    }
    (void)fputs("\"/>\n", file);
    mark(&plot, "p50", spread.p50, 0.5);
    if (spread.p99_known)
        mark(&plot, "p99", spread.p99, 0.01);
    end(&plot);
}

/* ---- scenarios beside each other ------------------------------------------------------------ */

#define ROW 24.0

static void draw_spread(const struct plot *plot, double y, const struct holm_bench_spread *spread)
{
    uint64_t high = spread->p99_known ? spread->p99 : spread->max;
    double from = x_of(plot, log_us(spread->p50)), to = x_of(plot, log_us(high));
    (void)fprintf(plot->file,
                  "<path class=\"whisker\" d=\"M%.1f %.1fH%.1f\"/>"
                  "<rect class=\"spread\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"10\" "
                  "rx=\"2\"/>"
                  "<circle class=\"mark\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"/>"
                  "<path class=\"most\" d=\"M%.1f %.1fv12\"/>\n",
                  to, y, x_of(plot, log_us(spread->max)), from, y - 5, fmax(to - from, 1), from, y,
                  x_of(plot, log_us(spread->max)), y - 6);
}

void holm_bench_plot_spreads(FILE *file, const struct holm_bench_report *report,
                             enum holm_bench_times which)
{
    struct plot plot = {.file = file, .height = ROW * (double)report->count, .x_min = 2};
    plot.y_max = 1;
    uint64_t most = 0;
    for (size_t i = 0; i < report->count; i++) {
        const struct holm_bench_figures *figures = &report->figures[i];
        uint64_t max = holm_bench_spread_of(&figures->convergence).max;
        uint64_t stale = holm_bench_spread_of(&figures->staleness).max;
        most = max > most ? max : most;
        most = stale > most ? stale : most;
    }
    plot.x_max = upper_decade(most);
    begin(&plot, which == HOLM_BENCH_CONVERGENCE ? "time to converge" : "staleness of reads");
    log_time_axis(&plot);
    for (size_t i = 0; i < report->count; i++) {
        const struct holm_bench_figures *figures = &report->figures[i];
        struct holm_bench_spread spread = holm_bench_spread_of(
            which == HOLM_BENCH_CONVERGENCE ? &figures->convergence : &figures->staleness);
        double y = TOP + ROW * ((double)i + 0.5);
        (void)fprintf(file, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n", LEFT - 6,
                      y + 4, figures->scenario->name);
        if (spread.count > 0)
            draw_spread(&plot, y, &spread);
        else
            (void)fprintf(file, "<text x=\"%.1f\" y=\"%.1f\">no writes</text>\n", LEFT + 8, y + 4);
    }
    end(&plot);
}
