/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show.h - the figures of all scenarios, for eyes and for programs.
 *
 *     table    two tables of at most 80 columns, on a terminal with colours
 *     json     everything, curves included; of virtual time the same bytes for the same seed
 *     csv      a row a scenario
 *     html     one page with plots, which needs no script and no network
 *     host     what this machine took for it, as JSON: no two runs are alike, so it is in none of the others'
 *              exact output
 */
#ifndef HOLM_BENCH_SHOW_H
#define HOLM_BENCH_SHOW_H

#include <stdio.h>

#include "bench/figures.h"

#define HOLM_BENCH_SCENARIOS_MAX 16

struct holm_bench_report {
    uint64_t seed;
    uint32_t nodes;
    bool real;
    struct holm_bench_figures figures[HOLM_BENCH_SCENARIOS_MAX];
    size_t count;
};

void holm_bench_show_table(FILE *file, const struct holm_bench_report *report, bool colours);
void holm_bench_show_json(FILE *file, const struct holm_bench_report *report);
void holm_bench_show_csv(FILE *file, const struct holm_bench_report *report);
void holm_bench_show_html(FILE *file, const struct holm_bench_report *report);
void holm_bench_show_host(FILE *file, const struct holm_bench_report *report);

/* Where something diverged, and how to see it again; nothing when all went well. */
void holm_bench_show_failures(FILE *file, const struct holm_bench_report *report);

/* ---- numbers as text ------------------------------------------------------------------------- */

struct holm_bench_text {
    char text[24];
};

/* Three digits and a unit: "450 us", "1.23 ms", "12.3 s". */
struct holm_bench_text holm_bench_text_us(uint64_t us);
/* The same with the sign for micro, which a terminal may not have. */
struct holm_bench_text holm_bench_text_html(struct holm_bench_text text);
struct holm_bench_text holm_bench_text_bytes(uint64_t bytes);         /* "512 B", "1.23 KiB" */
struct holm_bench_text holm_bench_text_number(uint64_t thousandths);  /* "61.2" */
struct holm_bench_text holm_bench_text_percent(uint64_t thousandths); /* "6.1%" */

/* ---- what several of them tell ---------------------------------------------------------------- */

/* In thousandths; how many of a change. */
uint64_t holm_bench_bytes_a_change(const struct holm_bench_figures *figures);
uint64_t holm_bench_elements_a_change(const struct holm_bench_figures *figures);
uint64_t holm_bench_metadata_a_change(const struct holm_bench_figures *figures);
/* Of what arrived, in thousandths. */
uint64_t holm_bench_redundant_elements(const struct holm_bench_figures *figures);
uint64_t holm_bench_redundant_bytes(const struct holm_bench_figures *figures);
/* Of processes: of the runs that arrived. */
uint64_t holm_bench_redundant_runs(const struct holm_bench_figures *figures);
/* Simulated hours that pass in a second of the wall clock, in thousandths; 0 of processes. */
uint64_t holm_bench_hours_a_second(uint64_t world_us, uint64_t wall_us);
/* Of all scenarios together. */
uint64_t holm_bench_hours_a_second_of(const struct holm_bench_report *report);
/* What a live key takes beyond its own bytes and those of its values, in thousandths of a byte. */
uint64_t holm_bench_metadata_a_key(const struct holm_bench_figures *figures);

#endif
