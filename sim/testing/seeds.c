/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stories, seed by seed. Whoever ends the program in the middle of one is still told which it was:
 * by a handler of the signals that kill, or by what exit() calls.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "sim/testing/parts.h"

struct outcome {
    bool kept; /* what the story says */
    uint64_t at_us, hash;
    char why[HOLM_TESTING_WHY_BYTES];
};

static const int killers[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
#define KILLERS (sizeof killers / sizeof killers[0])

/* The line that is written when the program ends now; "": no story is being played. */
static char last_words[160];
static struct sigaction former[KILLERS];

static void say_last_words(void)
{
    size_t size = strlen(last_words);
    size_t said = 0;
    while (said < size) {
        ssize_t count = write(STDERR_FILENO, last_words + said, size - said);
        if (count <= 0)
            break;
        said += (size_t)count;
    }
    last_words[0] = '\0';
}

/* The signal comes again, for whoever handled it before. */
static void on_killer(int number)
{
    say_last_words();
    for (size_t i = 0; i < KILLERS; i++)
        (void)sigaction(killers[i], &former[i], NULL);
    (void)raise(number);
}

static void listen_to_killers(void)
{
    static bool registered;
    struct sigaction action = {.sa_handler = on_killer};
    (void)sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < KILLERS; i++)
        (void)sigaction(killers[i], &action, &former[i]);
    if (!registered)
        registered = atexit(say_last_words) == 0;
}

static void forget_killers(void)
{
    for (size_t i = 0; i < KILLERS; i++)
        (void)sigaction(killers[i], &former[i], NULL);
}

static void play(uint64_t seed, bool (*story)(void *context, struct holm_testing *world),
                 void *context, struct outcome *outcome)
{
    (void)snprintf(last_words, sizeof last_words,
                   "holm-testing: seed %" PRIu64 " ended the program; to play it again, set "
                   "HOLM_TESTING_SEED=%" PRIu64 "\n",
                   seed, seed);
    struct holm_testing *world = holm_testing_new_quiet(seed);
    holm_testing_enter(world);
    outcome->kept = story(context, world);
    outcome->at_us = holm_testing_now(world);
    outcome->hash = holm_testing_hash(world);
    (void)snprintf(outcome->why, sizeof outcome->why, "%s", holm_testing_why(world));
    holm_testing_free(world);
    last_words[0] = '\0';
}

static void tell_failure(uint64_t seed, const struct outcome *outcome, const struct outcome *again)
{
    (void)fprintf(stderr,
                  "holm-testing: seed %" PRIu64 " failed at %" PRIu64 ".%06" PRIu64
                  ", hash %016" PRIx64 "\n",
                  seed, outcome->at_us / 1000000, outcome->at_us % 1000000, outcome->hash);
    if (outcome->why[0] != '\0')
        (void)fprintf(stderr, "holm-testing: %s\n", outcome->why);
    if (again->kept || again->hash != outcome->hash)
        (void)fprintf(stderr,
                      "holm-testing: played again, it %s, with the hash %016" PRIx64
                      ": something decides that is not of the world (a clock, a thread, chance)\n",
                      again->kept ? "did not fail" : "failed otherwise", again->hash);
    (void)fprintf(stderr,
                  "holm-testing: to play it again, set HOLM_TESTING_SEED=%" PRIu64
                  "; HOLM_TESTING_TRACE=1 shows every event\n",
                  seed);
}

bool holm_testing_seeds(uint64_t first, uint64_t last,
                        bool (*story)(void *context, struct holm_testing *world), void *context)
{
    uint64_t failed = 0;
    uint64_t hash = 0;
    uint64_t seed;
    bool only = holm_testing_environment("HOLM_TESTING_SEED", &seed);
    if (only)
        first = last = seed;
    listen_to_killers();
    (void)fprintf(stderr, "holm-testing: seeds %" PRIu64 "..%" PRIu64 "\n", first, last);
    for (seed = first; seed <= last; seed++) {
        struct outcome outcome, again;
        play(seed, story, context, &outcome);
        hash = outcome.hash;
        if (!outcome.kept) {
            failed++;
            again = outcome;
            if (!only)
                play(seed, story, context, &again);
            tell_failure(seed, &outcome, &again);
        }
        if (seed == UINT64_MAX)
            break;
    }
    forget_killers();
    if (only)
        (void)fprintf(stderr, "holm-testing: seed %" PRIu64 ", hash %016" PRIx64 "\n", first, hash);
    else
        (void)fprintf(stderr, "holm-testing: %" PRIu64 " of %" PRIu64 " seeds failed\n", failed,
                      last - first + 1);
    return failed == 0;
}
