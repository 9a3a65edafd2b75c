/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct holm_bench_words holm_bench_words_of(const char *line)
{
    return (struct holm_bench_words){.at = line + strspn(line, " ")};
}

/* Behind a word and the blanks after it; false when `end` is not at the end of one. */
static bool step(struct holm_bench_words *words, const char *end)
{
    words->bad |= end == words->at || (*end != ' ' && *end != '\0');
    if (words->bad)
        return false;
    words->at = end + strspn(end, " ");
    return true;
}

void holm_bench_words_text(struct holm_bench_words *words, char *target, size_t size)
{
    const char *from = words->at;
    size_t length = strcspn(from, " ");
    words->bad |= length >= size;
    bool good = step(words, from + length);
    memcpy(target, from, good ? length : 0);
    target[good ? length : 0] = '\0';
}

uint64_t holm_bench_words_u64(struct holm_bench_words *words)
{
    char *end;
    errno = 0;
    uint64_t number = strtoull(words->at, &end, 10);
    words->bad |= errno != 0 || words->at[0] == '-';
    return step(words, end) ? number : 0;
}

int64_t holm_bench_words_i64(struct holm_bench_words *words)
{
    char *end;
    errno = 0;
    int64_t number = strtoll(words->at, &end, 10);
    words->bad |= errno != 0;
    return step(words, end) ? number : 0;
}

bool holm_bench_words_end(const struct holm_bench_words *words)
{
    return !words->bad && words->at[0] == '\0';
}
