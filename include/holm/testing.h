/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testing.h - your own application on a network that you break, in virtual time, from one seed.
 *
 * A world is a network with any number of nodes in one thread. A node that is opened in it is a
 * `struct holm_node` as any other: every call of holm.h, nested.h and fault.h works on it, and it is
 * the production's code that answers. Only time, the network and chance are the world's: an hour
 * passes in a moment, and the same seed gives the same run, to the microsecond and the byte.
 *
 *     static bool story(void *context, struct holm_testing *world)
 *     {
 *         struct holm_node *lisbon = open_shop("lisbon");   your code, which calls holm_open()
 *         struct holm_node *oslo = open_shop("oslo");
 *         holm_testing_split(world, "lisbon", "oslo");
 *         ... your code writes and reads at both ...
 *         holm_testing_run(world, 5 * HOLM_TESTING_SECOND);
 *         holm_testing_heal(world, NULL, NULL);
 *         return holm_testing_converge(world, 10 * HOLM_TESTING_SECOND) == HOLM_OK &&
 *                ... what must hold in your application ...;
 *     }
 *     int main(void) { return holm_testing_seeds(1, 1000, story, NULL) ? 0 : 1; }
 *
 * A seed that fails is told with the command that plays it again. Link the test with holm-testing
 * instead of holm, which it contains: `cc test.c $(pkg-config --cflags --libs holm-testing)`.
 * docs/examples/testing.c is a whole program.
 *
 * Rules:
 *     1  A world and all its nodes belong to one thread.
 *     2  Time stands still while your code runs. It passes in holm_testing_run() and its like, and in
 *        the holm_wait_ calls and holm_close(), which let the world go on instead of blocking.
 *     3  Whatever else decides what your code does must come from the world, too: its random numbers,
 *        its clocks. A real clock, a thread or the order of addresses makes a run that nobody can
 *        repeat; a failing seed is played twice, and told if it is one of those.
 *     4  Nodes are named by their config.name. Where a text names several, commas or spaces stand
 *        between them; NULL is all. A name that nobody has is a mistake in the test, as is whatever
 *        else a comment below calls one: it ends the program with a line that says what is wrong.
 *     5  Memory that runs out ends the program in the same way, in this header's calls alone.
 *
 * Times are in microseconds since the world began.
 */
#ifndef HOLM_TESTING_H
#define HOLM_TESTING_H

#include <holm/fault.h>
#include <holm/holm.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HOLM_TESTING_MS UINT64_C(1000)
#define HOLM_TESTING_SECOND UINT64_C(1000000)

struct holm_testing; /* a world */

/* ---- many seeds ---------------------------------------------------------------------------- */

/*
 * Plays a story in a new world for each seed from `first` to `last`. A story answers true when all
 * is as it must be; whatever it leaves open is closed with its world. Goes on after a failure, and
 * returns true when no seed has failed.
 *
 * Of each seed that fails, stderr is told when it failed, the hash, why nodes do not agree (if that
 * was asked), and how to play it again:
 *
 *     HOLM_TESTING_SEED=17          in the environment: only this seed is played, of any range
 *     HOLM_TESTING_TRACE=1          ... and every event of it is written to stderr as a line
 *
 * So is a seed whose story ends the program: by abort(), by a signal that kills, by exit().
 */
HOLM_API bool holm_testing_seeds(uint64_t first, uint64_t last,
                                 bool (*story)(void *context, struct holm_testing *world),
                                 void *context);

/* ---- one world ----------------------------------------------------------------------------- */

/* A world at time 0, without nodes. Writes its seed to stderr, for whoever has to repeat the run;
 * HOLM_TESTING_SEED and HOLM_TESTING_TRACE hold here, too. Never NULL; freed by holm_testing_free(). */
HOLM_API struct holm_testing *holm_testing_new(uint64_t seed);

/* Ends every node without a word, and frees them, their watches, and the world. NULL is allowed. */
HOLM_API void holm_testing_free(struct holm_testing *world);

HOLM_API uint64_t holm_testing_seed(const struct holm_testing *world);

/* Of all that has happened so far: each frame with its bytes and its time, each write, each fault. */
HOLM_API uint64_t holm_testing_hash(const struct holm_testing *world);

/* Hands out every event as a line from now on; docs/SIMULATION.md has the format. NULL: no more. */
HOLM_API void holm_testing_trace(struct holm_testing *world,
                                 void (*line)(void *context, const char *text), void *context);

/* A line of your own for the trace, and for the hash. */
HOLM_API void holm_testing_note(struct holm_testing *world, const char *text);

/* A number from 0 to count - 1, each as likely; count is not 0. Drawn from the seed. */
HOLM_API uint64_t holm_testing_random(struct holm_testing *world, uint64_t count);

/* ---- nodes --------------------------------------------------------------------------------- */

/*
 * From now on holm_open() opens nodes in this world, as holm_testing_open() does: so the code under test
 * may open its own. NULL: as in production again. One world at a time; a story of holm_testing_seeds()
 * is in its world already, and freeing a world leaves it.
 */
HOLM_API void holm_testing_enter(struct holm_testing *world);

/*
 * Opens a node, as holm_open() does: with the same struct, the same defaults and the same errors.
 * The names of all nodes of a world are different. What is different here:
 *
 *   - an address is any text by which somebody is opened sooner or later: a name, what `listen` says
 *     there, or what holm_address() answers. So the addresses of production may stay as they are.
 *   - a node that was opened before under this name, and has ended, gets a new life: the same place
 *     on the network, the same clock, a new epoch, nothing in its memory.
 *   - without `log`, the log's lines go to the trace alone.
 *
 *   HOLM_EADDRESS  a node of this name is open; or an address is longer than 127 bytes
 *   HOLM_ELIMIT    more than 1,024 places
 *   HOLM_EINVAL, HOLM_ENOMEM
 * holm_close() ends it with a farewell, as ever. What it takes, the world's time takes.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_testing_open(struct holm_testing *world,
                                                           const struct holm_config *config,
                                                           struct holm_node **node);

/* The present life of a node; NULL while it has none. */
HOLM_API struct holm_node *holm_testing_node(struct holm_testing *world, const char *name);

/*
 * They die at once, without a word: their memory is lost, and what only they knew. Every call on such
 * a node answers HOLM_ECLOSED, false, 0 or NULL from now on, also one that is waiting just now; it is
 * still to be closed (as its watches are), or goes with its world. Dying twice is a mistake.
 */
HOLM_API void holm_testing_crash(struct holm_testing *world, const char *names);

/* One that has ended lives again, as it was opened last. Its new life; holm_testing_open() does the
 * same with another configuration. A mistake while it is open. */
HOLM_API struct holm_node *holm_testing_restart(struct holm_testing *world, const char *name);

/* They stand still, as under SIGSTOP, and so do their timers below; their clocks go on. */
HOLM_API void holm_testing_pause(struct holm_testing *world, const char *names);
HOLM_API void holm_testing_resume(struct holm_testing *world, const char *names);

/* ---- time ---------------------------------------------------------------------------------- */

HOLM_API uint64_t holm_testing_now(const struct holm_testing *world);

/* What a node's wall clock shows, in milliseconds since 1970. At time 0 it is a day in 2023. */
HOLM_API uint64_t holm_testing_wall_ms(const struct holm_testing *world, const char *name);

/* Lets so much time pass. */
HOLM_API void holm_testing_run(struct holm_testing *world, uint64_t for_us);

/* Lets time pass until `done` says so, asked whenever something has happened; at most so much.
 * Whether it did. It may read nodes, and must not let time pass. */
HOLM_API bool holm_testing_run_until(struct holm_testing *world, uint64_t for_us,
                                     bool (*done)(void *context), void *context);

/*
 * Calls back once, so much later: so your own timers and actors live in the world. With a node, only
 * while it lives, and not while it is paused; NULL: in any case. Several that are due at one moment
 * come in the order in which they were asked for.
 *
 * A callback may do everything but free the world. One that waits (holm_wait_seen(), holm_testing_run())
 * lets the others come meanwhile, and goes on when those that began to wait after it are through.
 */
HOLM_API void holm_testing_after(struct holm_testing *world, struct holm_node *node,
                                 uint64_t delay_us, void (*call)(void *context), void *context);

/* Calls back whenever something that a watch may tell has changed at a node, by whomever, at the same
 * moment: poll(2) and its like would wait in vain. One callback a life; NULL: no more. */
HOLM_API void holm_testing_on_change(struct holm_testing *world, struct holm_node *node,
                                     void (*call)(void *context), void *context);

/*
 * Lets time pass until all nodes that live and are not paused hold the same state, each cluster by
 * itself; at most so much.
 *   HOLM_ETIMEDOUT  they still differ; holm_testing_why() says in what
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_testing_converge(struct holm_testing *world,
                                                               uint64_t within_us);

/*
 * Two nodes that differ, and the first record in which they do, as text; "" when the last
 * holm_testing_converge() found none. Belongs to the world, until it is asked again.
 *
 *     lisbon and oslo differ in cart:7 (and 2 more records): only lisbon has items: set "milk"
 *     oslo lacks 3 operations of lisbon in partition 4
 */
HOLM_API const char *holm_testing_why(const struct holm_testing *world);

/* ---- faults -------------------------------------------------------------------------------- */

/* How frames travel in one direction. All zero is a perfect wire that takes no time. */
struct holm_testing_path {
    uint64_t delay_us;
    uint64_t jitter_us;          /* up to so much is added to each */
    uint32_t loss_permille;      /* lost: of a link, it comes 200 ms later instead, as with TCP */
    uint32_t duplicate_permille; /* of broadcasts: come twice */
    uint32_t reorder_permille;   /* of broadcasts: come up to 20 ms later than others */
    uint64_t bytes_per_s;        /* 0: no limit */
};

/* A millisecond, no faults: what all paths are at first. */
HOLM_API struct holm_testing_path holm_testing_path_default(void);

/* All paths from these nodes to those are so from now on. With NULL and NULL those of nodes that are
 * to come, too. */
HOLM_API void holm_testing_set_path(struct holm_testing *world, const char *from, const char *to,
                                    const struct holm_testing_path *path);

/* Nothing that these send arrives at those; the other direction is as it was. */
HOLM_API void holm_testing_cut(struct holm_testing *world, const char *from, const char *to);
/* Cuts both directions between two sides; NULL: all who are not on the other side. */
HOLM_API void holm_testing_split(struct holm_testing *world, const char *side, const char *other);
/* Takes cuts in this direction away. NULL and NULL: all cuts of the world. */
HOLM_API void holm_testing_heal(struct holm_testing *world, const char *from, const char *to);

/* Their wall clocks jump, forward or back. */
HOLM_API void holm_testing_clock_jump(struct holm_testing *world, const char *names, int64_t by_ms);
/* Their wall clocks run fast (or slow) by so many millionths from now on. */
HOLM_API void holm_testing_clock_drift(struct holm_testing *world, const char *names, int32_t ppm);

#ifdef __cplusplus
}
#endif

#endif
