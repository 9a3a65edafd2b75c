/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prometheus.h - reads Prometheus' text format, and fails the test where it is not kept.
 */
#ifndef HOLM_TESTS_PROCESS_PROMETHEUS_H
#define HOLM_TESTS_PROCESS_PROMETHEUS_H

#include <stdbool.h>
#include <stddef.h>

/* Asserts what node/metrics.h promises of the text: HELP, TYPE and samples of a family together and in this order, a name
 * each, counters and no others in _total, no family and no series twice, numbers, valid UTF-8. */
void prometheus_check(const char *text, size_t size);

/* The value of a series, written as in the text, "holm_links" or "holm_partition_records{partition=\"3\"}". The
 * test fails when there is none. */
double prometheus_value(const char *text, const char *series);
/* The sum of all series of a family. */
double prometheus_sum(const char *text, const char *family);

/* Gives the text to `promtool ARGUMENTS` over its standard input: `said` is what it said, and "exit N\n". False: there is no
 * promtool. */
bool promtool(const char *arguments, const char *text, size_t size, char said[4096]);

#endif
