/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends_team.h - nodes in processes of their own, which are told what to do and answer, one line each.
 *
 *     struct team team;
 *     team_open(&team, 3);                              node 0, and two that dial it; all have met
 *     team_tell(&team, 1, "wait 1000");                 nodes 1 and 2 look for themselves,
 *     team_tell(&team, 2, "wait 1000");                 at the same time
 *     team_ask(&team, 0, "put 0 1000", &begun, 1);
 *     team_answer(&team, 1, &whole, 1);                 numbers, as many as the command answers with
 *
 * The commands, and what they answer with; times are CLOCK_MONOTONIC in ns, one for all processes:
 *
 *     keys N              makes the keys that the others are about: `k` and eight digits   (nothing)
 *     put FIRST COUNT     puts to each its number                                          begin, end
 *     load FIRST COUNT M  … M a millisecond, over and over, until told to rest             (nothing)
 *     rest                                                                                 puts made
 *     probe COUNT PAUSE   puts the time under a new key, after a pause of so many us each  (nothing)
 *     watch COUNT         begins to look for so many of them                               (nothing)
 *     seen                how late they were read: p50, p99, the most, in ns
 *     wait N              until it holds so many records                                   when
 *     peers N             until so many are up                                             when
 *     equal N             vector hash and digest of its N records; an error if it has not  2 numbers
 *     check FIRST COUNT   reads each key and its number                                    how many are right
 *     cut NAME, heal      holm_fault_drop() both ways, holm_fault_heal()                   (nothing)
 *     records             how many it holds now                                            how many
 *     usage               CPU in us, resident KiB, bytes of payload sent, received
 *
 * Anything amiss ends the program: there are no figures of what went wrong.
 */
#ifndef HOLM_BENCH_ENDS_TEAM_H
#define HOLM_BENCH_ENDS_TEAM_H

#include "sim/city/process.h"

#include "bench/measure.h"

#define TEAM_MAX 52
#define TEAM_NUMBERS_MAX 4

struct team_member {
    struct holm_process process;
    char address[128];
    char answer[256];
    bool answered;
    uint64_t started_ns;
};

struct team {
    struct team_member members[TEAM_MAX];
    size_t count;
};

void team_open(struct team *team, size_t count);
/* One more, with a store ("": none), under a name that follows from its place or, if not NULL, this one.
 * Waits until it listens, not until it has met anyone. Its place. */
size_t team_add(struct team *team, const char *name, const char *store);
void team_wait_met(struct team *team);
/* Ends one, kindly; its place stays empty. */
void team_end(struct team *team, size_t member);
void team_close(struct team *team);

void team_tell(struct team *team, size_t member, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Waits for the answer to what was told last. */
void team_answer(struct team *team, size_t member, uint64_t *numbers, size_t count);
void team_ask(struct team *team, size_t member, const char *line, uint64_t *numbers, size_t count);

/* To all that live; when the last of them answered so: for `wait` and `peers`. */
uint64_t team_last(struct team *team, const char *line);
/* Ends the program unless all have so many records, equal vectors and digests, and node `member` reads the
 * `keys` first keys as they were put. */
void team_check(struct team *team, size_t records, size_t member, size_t keys);

#endif
