/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/show_plot.h"

static const char head[] =
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
    "<title>holm bench: convergence</title>\n<style>\n"
    ":root{color-scheme:light dark;--paper:#fbfaf7;--card:#fff;--ink:#1d2329;--soft:#66707a;"
    "--rule:#e2e0da;--line:#0b6e8f;--bar:#7fb3c4;--fault:#f3d9cf;--heal:#b0492a;--bad:#b3261e}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#14181c;--card:#1b2026;--ink:#e6e8ea;"
    "--soft:#98a2ac;--rule:#2e353c;--line:#58b7d6;--bar:#3c7085;--fault:#46291f;--heal:#e58a68;"
    "--bad:#ff8a80}}\n"
    "*{box-sizing:border-box}body{margin:0;background:var(--paper);color:var(--ink);"
    "font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",\"DejaVu Sans\",sans-serif}\n"
    "main{max-width:1180px;margin:0 auto;padding:32px 20px 64px}\n"
    "h1{font-size:28px;line-height:1.2;margin:0 0 4px}h2{font-size:20px;margin:40px 0 4px}"
    "h3{font-size:13px;font-weight:600;margin:12px 0 2px;color:var(--soft)}"
    "p{margin:4px 0 12px;max-width:75ch}.lead{color:var(--soft)}p.wide{max-width:none}"
    "td a{color:inherit;text-decoration:none}td a:hover{text-decoration:underline}\n"
    ".card{background:var(--card);border:1px solid var(--rule);border-radius:8px;"
    "padding:12px 16px}.two{display:grid;grid-template-columns:1fr 1fr;gap:8px 24px}\n"
    "@media (max-width:820px){.two{grid-template-columns:1fr}}\n"
    "svg{display:block;width:100%;height:auto;overflow:visible}"
    "svg text{font-size:11.5px;fill:var(--soft)}svg text.label{fill:var(--ink);font-weight:600}"
    "svg text.name{font-style:italic}\n"
    ".grid{stroke:var(--rule);fill:none}.axis{stroke:var(--soft);fill:none}"
    ".line{stroke:var(--line);stroke-width:2;fill:none;stroke-linejoin:round}"
    ".bar{fill:var(--bar)}.fault{fill:var(--fault)}"
    ".heal{stroke:var(--heal);stroke-width:1.5;stroke-dasharray:4 3}"
    ".spread{fill:var(--bar)}.whisker{stroke:var(--bar);stroke-width:2}"
    ".most{stroke:var(--heal);stroke-width:2}.mark{fill:var(--line)}\n"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-size:13.5px;"
    "font-variant-numeric:tabular-nums}th,td{padding:5px 8px;text-align:right;white-space:nowrap;"
    "border-bottom:1px solid var(--rule)}th{color:var(--soft);font-weight:600}"
    "thead tr:first-child th{border-bottom:0;padding-bottom:0}"
    "th:first-child,td:first-child{text-align:left}td:first-child{font-weight:600}"
    ".bad td{color:var(--bad)}.none{color:var(--soft);padding:24px 0}"
    "code{font-size:.93em}.key{display:inline-block;width:12px;height:12px;border-radius:2px;"
    "vertical-align:-1px;margin:0 4px 0 12px}.key:first-child{margin-left:0}\n"
    "</style>\n</head>\n<body>\n<main>\n";

static void write_cells(FILE *file, const struct holm_bench_samples *samples)
{
    struct holm_bench_spread spread = holm_bench_spread_of(samples);
    if (spread.count == 0) {
        (void)fputs("<td>–</td><td>–</td><td>–</td>", file);
        return;
    }
    (void)fprintf(file, "<td>%s</td><td>%s</td><td>%s</td>",
                  holm_bench_text_html(holm_bench_text_us(spread.p50)).text,
                  spread.p99_known ? holm_bench_text_html(holm_bench_text_us(spread.p99)).text
                                   : "–",
                  holm_bench_text_html(holm_bench_text_us(spread.max)).text);
}

static void begin_row(FILE *file, const struct holm_bench_figures *figures)
{
    (void)fprintf(file, "<tr%s><td><a href=\"#%s\">%s</a></td>",
                  figures->failures > 0 ? " class=\"bad\"" : "", figures->scenario->name,
                  figures->scenario->name);
}

static void write_times(FILE *file, const struct holm_bench_report *report)
{
    (void)fputs("<div class=\"card scroll\"><table>\n<thead><tr><th></th><th></th>"
                "<th colspan=\"3\">converged after</th><th colspan=\"3\">reads stale for</th>"
                "</tr>\n<tr><th>scenario</th><th>runs</th><th>p50</th><th>p99</th><th>max</th>"
                "<th>p50</th><th>p99</th><th>max</th></tr></thead>\n<tbody>\n",
                file);
    for (size_t i = 0; i < report->count; i++) {
        const struct holm_bench_figures *figures = &report->figures[i];
        begin_row(file, figures);
        (void)fprintf(file, "<td>%" PRIu32 "</td>", figures->repetitions);
        write_cells(file, &figures->convergence);
        write_cells(file, &figures->staleness);
        (void)fputs("</tr>\n", file);
    }
    (void)fputs("</tbody></table></div>\n", file);
}

static void write_cost(FILE *file, const struct holm_bench_figures *figures, bool real)
{
    uint32_t runs = figures->repetitions == 0 ? 1 : figures->repetitions;
    begin_row(file, figures);
    (void)fprintf(file, "<td>%s</td>",
                  holm_bench_text_number(holm_bench_bytes_a_change(figures)).text);
    if (real)
        (void)fprintf(file, "<td>%s</td>",
                      holm_bench_text_percent(holm_bench_redundant_runs(figures)).text);
    else
        (void)fprintf(file, "<td>%s</td><td>%s</td><td>%s</td><td>%s</td>",
                      holm_bench_text_number(holm_bench_elements_a_change(figures)).text,
                      holm_bench_text_number(holm_bench_metadata_a_change(figures)).text,
                      holm_bench_text_percent(holm_bench_redundant_elements(figures)).text,
                      holm_bench_text_percent(holm_bench_redundant_bytes(figures)).text);
    (void)fprintf(file, "<td>%s</td><td>%s</td><td>%s</td></tr>\n",
                  holm_bench_text_number(holm_bench_metadata_a_key(figures)).text,
                  holm_bench_text_html(holm_bench_text_bytes(figures->memory_max)).text,
                  holm_bench_text_html(holm_bench_text_us(figures->cpu_us / runs)).text);
}

static void write_costs(FILE *file, const struct holm_bench_report *report)
{
    (void)fputs(
        "<div class=\"card scroll\" style=\"margin-top:16px\"><table>\n<thead><tr><th></th>", file);
    (void)fputs(report->real ? "<th>received a change</th><th>redundant</th>"
                             : "<th colspan=\"3\">sent for each change</th>"
                               "<th colspan=\"2\">redundant</th>",
                file);
    (void)fputs("<th>metadata</th><th>memory</th><th>CPU</th></tr>\n<tr><th>scenario</th>", file);
    (void)fputs(report->real ? "<th>bytes</th><th>runs</th>"
                             : "<th>bytes</th><th>elements</th><th>metadata</th><th>elements</th>"
                               "<th>bytes</th>",
                file);
    (void)fputs("<th>B a key</th><th>of a node</th><th>of a run</th></tr></thead>\n<tbody>\n",
                file);
    for (size_t i = 0; i < report->count; i++)
        write_cost(file, &report->figures[i], report->real);
    (void)fputs("</tbody></table></div>\n", file);
}

static void write_overview(FILE *file, const struct holm_bench_report *report)
{
    (void)fputs("<div class=\"two\" style=\"margin-top:16px\"><div class=\"card\">"
                "<h3>Time to converge</h3>\n",
                file);
    holm_bench_plot_spreads(file, report, HOLM_BENCH_CONVERGENCE);
    (void)fputs("</div><div class=\"card\"><h3>Staleness of reads</h3>\n", file);
    holm_bench_plot_spreads(file, report, HOLM_BENCH_STALENESS);
    (void)fputs("</div></div>\n<p class=\"lead wide\">Dot: p50. Bar: to p99, or to the maximum of "
                "fewer than 100 samples. Tick: the maximum.</p>\n",
                file);
}

static void write_scenario(FILE *file, const struct holm_bench_figures *figures)
{
    const struct holm_bench_scenario *scenario = figures->scenario;
    (void)fprintf(file, "<h2 id=\"%s\">%s: %s</h2>\n<p class=\"lead\">Time 0 is %s.</p>\n",
                  scenario->name, scenario->name, scenario->about, scenario->from);
    if (figures->failures > 0)
        (void)fprintf(file,
                      "<p style=\"color:var(--bad)\">%" PRIu32 " of %" PRIu32
                      " repetitions failed: %s (seed %" PRIu64 ").</p>\n",
                      figures->failures, figures->repetitions, figures->first.why,
                      figures->first.seed);
    (void)fputs("<div class=\"card two\"><div><h3>Replicas that are equal, mean of all runs</h3>\n",
                file);
    holm_bench_plot_equal(file, figures);
    (void)fputs("<h3>Bytes sent by all nodes together</h3>\n", file);
    holm_bench_plot_bytes(file, figures);
    (void)fputs("</div><div><h3>Share of reads that were staler than this</h3>\n", file);
    holm_bench_plot_tail(file, figures);
    (void)fputs("</div></div>\n", file);
}

static const char counted_virtual[] =
    "<p>Whole nodes, as in production, run in one thread over a virtual network in virtual time: "
    "every figure follows from the seed, and the same seed gives the same figures on any machine. "
    "A path takes 1.0 to 1.2 ms one way and carries 125 MB/s; nodes have 16 partitions, a flush "
    "interval of 1 ms, a beacon each second, and links time out after 3 s. Each node writes every "
    "20 ms on average, to 200 keys: seven of ten writes set a register, three add to a counter. "
    "CPU is this machine's, for all nodes of a run and the counting of frames; every other figure "
    "is exact.</p>\n"
    "<p>Sent counts from the first write until convergence: a link's frame once, a broadcast once "
    "for each subscriber, with four bytes of length each. An <em>element</em> is a cell with its "
    "own dot, stamp and what it has seen; a removal likewise. <em>Metadata</em> is what names "
    "operations without carrying them: ids and seqs of runs, entries of vectors, acknowledgements, "
    "hashes. An element is <em>redundant</em> when the receiver had it already, by its vector or "
    "because it had come before; a frame's bytes are spread evenly over its elements.</p>\n";

static const char counted_real[] =
    "<p>Each node is a process; they talk over tcp on the loopback interface with the default "
    "configuration. Times are of one clock, looked at every millisecond. Nodes tell no elements: "
    "bytes are the payload that they received, and redundant are runs that were known before. "
    "Memory is the largest resident set of a process, "
    "CPU that of all processes together.</p>\n";

static void write_counted(FILE *file, const struct holm_bench_report *report)
{
    (void)fputs("<h2>How it was counted</h2>\n", file);
    (void)fputs(report->real ? counted_real : counted_virtual, file);
    if (!report->real)
        (void)fprintf(file, "<p>%s simulated hours passed in a second of the wall clock.</p>\n",
                      holm_bench_text_number(holm_bench_hours_a_second_of(report)).text);
    (void)fputs(
        "<p>A <em>change</em> is an operation applied at a replica that did not write it. "
        "<em>Converged</em> means that all living replicas have equal vectors and equal digests, "
        "and then that their contents, read key by key, are what was written. A read is "
        "<em>stale</em> from a write's commit until another replica, to which there is a way all "
        "the while, shows it. Replicas are <em>equal</em> when they are in the largest group of "
        "equal ones; while everybody writes, somebody is always a millisecond behind, and the dead "
        "are equal to nobody. Percentiles are nearest ranks; with fewer than 100 samples there is "
        "no p99.</p>\n",
        file);
    (void)fprintf(file,
                  "<p>Seed %" PRIu64 ", %" PRIu32
                  " nodes; repetition r is drawn from seed + r. The same again: <code>holm bench "
                  "--nodes %" PRIu32 " --seed %" PRIu64 "%s</code></p>\n",
                  report->seed, report->nodes, report->nodes, report->seed,
                  report->real ? " --real" : "");
}

void holm_bench_show_html(FILE *file, const struct holm_bench_report *report)
{
    (void)fputs(head, file);
    (void)fprintf(file,
                  "<h1>How fast replicas converge when things break</h1>\n"
                  "<p class=\"lead\">holm bench · %" PRIu32 " nodes %s · seed %" PRIu64 "</p>\n",
                  report->nodes, report->real ? "as processes on loopback" : "in virtual time",
                  report->seed);
    write_times(file, report);
    write_costs(file, report);
    write_overview(file, report);
    (void)fputs("<p class=\"lead wide\" style=\"margin-top:24px\"><span class=\"key\" "
                "style=\"background:var(--fault)\"></span>the fault lasts"
                "<span class=\"key\" style=\"background:var(--heal);width:3px\"></span>time 0: "
                "what convergence counts from, and when each node writes a last time</p>\n",
                file);
    for (size_t i = 0; i < report->count; i++)
        write_scenario(file, &report->figures[i]);
    write_counted(file, report);
    (void)fputs("</main>\n</body>\n</html>\n", file);
}
