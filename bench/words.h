/* SPDX-License-Identifier: Apache-2.0 */
/*
 * words.h - the words of a line, one after the other: what processes of a benchmark tell each other.
 *
 *     struct holm_bench_words words = holm_bench_words_of("W n3-0042 0 1234");
 *     holm_bench_words_text(&words, verb, sizeof verb);
 *     ...
 *     if (!holm_bench_words_end(&words)) ...           something was missing, no number, or too much
 *
 * After the first word that is not what is asked for, every other one is empty or 0, too.
 */
#ifndef HOLM_BENCH_WORDS_H
#define HOLM_BENCH_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct holm_bench_words {
    const char *at;
    bool bad;
};

/* `line` is borrowed. */
struct holm_bench_words holm_bench_words_of(const char *line);

/* One that fits into `size` bytes with its NUL. */
void holm_bench_words_text(struct holm_bench_words *words, char *target, size_t size);
uint64_t holm_bench_words_u64(struct holm_bench_words *words);
int64_t holm_bench_words_i64(struct holm_bench_words *words);

/* Whether all words were what was asked for, and there are no more. */
bool holm_bench_words_end(const struct holm_bench_words *words);

#endif
