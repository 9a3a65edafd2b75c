/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every ordered pair of operations, after every state in which one of them could find its slot.
 *
 *     C writes before     A: first      B: second       C, D: observers
 *            |                |             |
 *            +--- seen by A?, by B?, gone again?, and for whom?
 *                             +-- heard by B? or A writes both, in one run, two, or two epochs
 *
 * What the observers get is their own: each takes the runs that it lacks in every order, each run
 * twice; each run first, and A's or B's state as it is then merged behind it; both states, in both orders. A and B get
 * what they lack last, from each other. Observers do not know of each other, so their ways are told off side by side and
 * not multiplied: a case is a pair, what was before, how the second came after the first, and a way for each replica.
 *
 * Each replica is held against the reference after everything that it hears, and at the end all must be equal.
 * C knows what it wrote itself; D knows nothing of what was before.
 *
 *     T09  OWN with erase and erase, disable and disable, remove and remove; the states merged
 *     T10  B_ONLY with put and remove, and its mirror image
 *     T11  remove of a field and insert below it: apart, and as NEXT_RUN (added anew) with UNSEEN before
 *     T12  every order at D, who has not seen what is removed
 *     T13  reset, remove and add in each pair, GHOST_* before, and NEXT_EPOCH in between
 *     T15  put and put under four settings of the clocks
 */
#include "tests/exhaustive/explore.h"
#include "tests/exhaustive/pair_words.h"
#include "tests/exhaustive/trace.h"
#include "tests/model/fixture.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RUNS_MAX 8
#define WAYS_MAX 34 /* of one replica: four runs */
#define REPLICAS 4
#define SKEW_MS 7

enum prior {
    ABSENT,
    SEEN_BY_BOTH, /* C wrote */
    SEEN_BY_A,
    SEEN_BY_B,
    UNSEEN,
    OWN, /* A and B wrote apart */
    A_ONLY,
    A_PENDING, /* in the run that the first operation is in */
    B_ONLY,
    B_PENDING,
    GHOST_SEEN,   /* C wrote, A removed, B knows */
    GHOST_UNSEEN, /* C wrote and removed, B does not know of that */
    GHOST_OWN,    /* A wrote and removed, B does not know of that */
    GHOST_OTHER,  /* B wrote, A removed, B does not know of that */
    BURIED,       /* C wrote and buried, A and B do not know of that */
    PRIORS
};

enum relation {
    APART,       /* B has not heard of the first */
    AFTER_RUNS,  /* B has A's runs … */
    AFTER_STATE, /* … or has merged its state */
    SAME_BATCH,  /* A writes both */
    SAME_RUN,
    NEXT_RUN,
    NEXT_EPOCH,
    RELATIONS
};

enum clocks {
    EQUAL, /* all writes in one millisecond */
    A_AHEAD,
    B_AHEAD,
    ZERO, /* no time at all */
    CLOCKS
};

static const char *const prior_names[PRIORS] = {
    "absent",       "seen by both", "seen by A", "seen by B",       "unseen",
    "own",          "A only",       "A pending", "B only",          "B pending",
    "ghost (seen)", "ghost unseen", "A's ghost", "B's, ghost at A", "buried unseen"};

static const char *const relation_names[RELATIONS] = {
    "apart", "after runs", "after state", "batch", "one run", "next run", "next epoch"};

/* One case. */
struct pair {
    struct fixture fixture;
    struct explore explore;
    struct trace trace;
    struct holm_op first, second;
    enum prior prior;
    enum relation relation;
};

/* ---- what was before ------------------------------------------------------------------------ */

static bool write_ops(struct pair *pair, size_t node, const struct holm_op *ops, size_t count)
{
    struct holm_replica *replica = pair->fixture.nodes[node].replica;
    uint64_t before = holm_replica_last_minted(replica);
    trace_note(&pair->trace, " %c:", trace_name(node));
    for (size_t i = 0; i < count; i++)
        trace_op(&pair->trace, &ops[i]);
    trace_note(&pair->trace, ";");
    (void)fixture_commit(&pair->fixture, node, ops, count);
    return holm_replica_last_minted(replica) > before;
}

static void make(struct pair *pair, size_t node)
{
    struct holm_op ops[2 * PAIR_MAKERS_MAX];
    size_t count = pair_makers(&pair->first, ops);
    count += pair_makers(&pair->second, ops + count);
    (void)write_ops(pair, node, ops, count);
}

/* Removes what `make` has made, or buries it: whole records, of one key or two. */
static void unmake(struct pair *pair, size_t node, enum holm_op_type type)
{
    struct holm_op ops[2] = {holm_op_of(type, pair->first.key, holm_str(NULL)),
                             holm_op_of(type, pair->second.key, holm_str(NULL))};
    (void)write_ops(pair, node, ops, holm_bytes_equal(ops[0].key, ops[1].key) ? 1 : 2);
}

/* Seals, and gives what `from` has written to those who are named. */
static void tell(struct pair *pair, size_t from, const char *to)
{
    fixture_flush(&pair->fixture, from);
    for (; *to != 0; to++)
        fixture_give_all(&pair->fixture, from, (size_t)(*to - 'A'));
    trace_note(&pair->trace, " %c seals%s%s;", trace_name(from), *to == 0 ? "" : ", told ", to);
}

static void make_by_c(struct pair *pair, const char *to)
{
    make(pair, C);
    tell(pair, C, to);
}

static void make_ghost(struct pair *pair)
{
    switch ((int)pair->prior) {
    case GHOST_SEEN:
        make_by_c(pair, "AB");
        unmake(pair, A, HOLM_OP_REMOVE);
        tell(pair, A, "B");
        break;
    case GHOST_UNSEEN:
        make_by_c(pair, "AB");
        unmake(pair, C, HOLM_OP_REMOVE);
        tell(pair, C, "A");
        break;
    case GHOST_OWN:
        make(pair, A);
        tell(pair, A, "BC");
        unmake(pair, A, HOLM_OP_REMOVE);
        tell(pair, A, "");
        break;
    case GHOST_OTHER:
        make(pair, B);
        tell(pair, B, "A");
        unmake(pair, A, HOLM_OP_REMOVE);
        tell(pair, A, "");
        break;
    default:
        make_by_c(pair, "AB");
        unmake(pair, C, HOLM_OP_BURY);
        tell(pair, C, "");
        break;
    }
}

static void make_prior(struct pair *pair)
{
    static const char *const told[] = {"", "AB", "A", "B", ""};
    switch (pair->prior) {
    case ABSENT:
        break;
    case SEEN_BY_BOTH:
    case SEEN_BY_A:
    case SEEN_BY_B:
    case UNSEEN:
        make_by_c(pair, told[pair->prior]);
        break;
    case OWN:
        make(pair, A);
        make(pair, B);
        tell(pair, A, "C");
        tell(pair, B, "");
        break;
    case A_ONLY:
    case A_PENDING:
        make(pair, A);
        if (pair->prior == A_ONLY)
            tell(pair, A, "");
        break;
    case B_ONLY:
    case B_PENDING:
        make(pair, B);
        if (pair->prior == B_ONLY)
            tell(pair, B, "");
        break;
    case GHOST_SEEN:
    case GHOST_UNSEEN:
    case GHOST_OWN:
    case GHOST_OTHER:
    case BURIED:
        make_ghost(pair);
        break;
    case PRIORS:
        abort();
    }
}

/* ---- the two -------------------------------------------------------------------------------- */

/* B hears all that A has, in the order in which it was sealed. */
static void hear_runs(struct pair *pair)
{
    struct fixture *fixture = &pair->fixture;
    fixture_flush(fixture, A);
    for (size_t i = 0; i < fixture->run_count; i++)
        if (holm_replica_seq(fixture->nodes[A].replica, fixture->runs[i]->actor) >=
            fixture->runs[i]->last)
            fixture_give(fixture, B, i);
    trace_note(&pair->trace, " B takes all that A has;");
}

/* What lies between the two; who writes the second. */
static size_t go_between(struct pair *pair)
{
    switch (pair->relation) {
    case APART:
        return B;
    case AFTER_RUNS:
        hear_runs(pair);
        return B;
    case AFTER_STATE:
        fixture_merge(&pair->fixture, A, B);
        trace_note(&pair->trace, " B merges A's state;");
        return B;
    case NEXT_RUN:
        tell(pair, A, "");
        return A;
    case NEXT_EPOCH:
        tell(pair, A, "");
        fixture_epoch(&pair->fixture, A, 2);
        trace_note(&pair->trace, " A has a new epoch;");
        return A;
    case SAME_BATCH:
    case SAME_RUN:
    case RELATIONS:
        break;
    }
    return A;
}

/* Whether both do something: a pair of which one does nothing is no pair. */
static bool write_both(struct pair *pair)
{
    struct holm_op both[2] = {pair->first, pair->second};
    if (pair->relation == SAME_BATCH) {
        uint64_t before = holm_replica_last_minted(pair->fixture.nodes[A].replica);
        bool written = write_ops(pair, A, both, 2);
        return written && holm_replica_last_minted(pair->fixture.nodes[A].replica) == before + 2;
    }
    if (!write_ops(pair, A, both, 1))
        return false;
    fixture_check(&pair->fixture, A);
    size_t writer = go_between(pair);
    if (!write_ops(pair, writer, both + 1, 1))
        return false;
    fixture_check(&pair->fixture, writer);
    return true;
}

/* ---- observers ------------------------------------------------------------------------------ */

static size_t find_lacking(const struct pair *pair, size_t node, size_t *runs)
{
    const struct fixture *fixture = &pair->fixture;
    size_t count = 0;
    for (size_t i = 0; i < fixture->run_count; i++)
        if (holm_replica_seq(fixture->nodes[node].replica, fixture->runs[i]->actor) <
            fixture->runs[i]->last) {
            assert(count < RUNS_MAX);
            runs[count++] = i;
        }
    return count;
}

static size_t factorial(size_t n)
{
    return n < 2 ? 1 : n * factorial(n - 1);
}

/* Every order of the runs; each run first, and one of two states behind it; both states, in both orders. */
static size_t count_ways(size_t runs)
{
    return factorial(runs) + 2 * runs + 2;
}

static void merge(struct pair *pair, size_t node, size_t from)
{
    trace_note(&pair->trace, " %c merges %c's state;", trace_name(node), trace_name(from));
    fixture_merge(&pair->fixture, from, node);
    fixture_check(&pair->fixture, node);
}

static void take(struct pair *pair, size_t node, size_t run)
{
    trace_note(&pair->trace, " %c takes run %zu;", trace_name(node), run);
    fixture_give(&pair->fixture, node, run);
    fixture_check(&pair->fixture, node);
}

/* Takes what is lacking, in the order of that number, and then once more. */
static void take_in_order(struct pair *pair, size_t node, size_t order, size_t merged)
{
    size_t runs[RUNS_MAX], left[RUNS_MAX];
    size_t count = find_lacking(pair, node, runs);
    memcpy(left, runs, sizeof left);
    for (size_t i = 0; i < count; i++) {
        size_t below = factorial(count - i - 1), at = order / below;
        order %= below;
        take(pair, node, left[at]);
        for (size_t j = at + 1; j < count - i; j++)
            left[j - 1] = left[j];
        if (i == 0 && merged != node)
            merge(pair, node, merged);
    }
    trace_note(&pair->trace, " and all again;");
    for (size_t i = 0; i < count; i++)
        fixture_give(&pair->fixture, node, runs[i]);
    fixture_check(&pair->fixture, node);
}

static void observe(struct pair *pair, size_t node, size_t way)
{
    size_t runs[RUNS_MAX];
    size_t count = find_lacking(pair, node, runs), orders = factorial(count);
    way %= count_ways(count);
    if (way < orders) {
        take_in_order(pair, node, way, node);
        return;
    }
    way -= orders;
    if (way < 2 * count) {
        take_in_order(pair, node, way / 2 * factorial(count - 1), way % 2 == 0 ? A : B);
        return;
    }
    bool forwards = way % 2 == 0;
    merge(pair, node, forwards ? A : B);
    merge(pair, node, forwards ? B : A);
    take_in_order(pair, node, 0, node);
}

/* A and B: by what the others have, or each by the other's state. Forwards, backwards, by state. */
static void reconcile(struct pair *pair, size_t way)
{
    size_t runs[RUNS_MAX];
    for (size_t node = A; node <= B; node++) {
        if (way % 3 == 2)
            merge(pair, node, node == A ? B : A);
        size_t orders = factorial(find_lacking(pair, node, runs));
        take_in_order(pair, node, way % 3 == 1 ? orders - 1 : 0, node);
    }
}

/* ---- cases ---------------------------------------------------------------------------------- */

static void set_clocks(struct pair *pair, enum clocks clocks)
{
    struct fixture *fixture = &pair->fixture;
    static const char *const names[CLOCKS] = {"", " A ahead;", " B ahead;", " no time;"};
    trace_note(&pair->trace, "%s", names[clocks]);
    if (clocks == A_AHEAD || clocks == B_AHEAD)
        fixture->nodes[clocks == A_AHEAD ? A : B].skew_ms = SKEW_MS;
    for (size_t node = 0; node < fixture->node_count && clocks == ZERO; node++)
        fixture->nodes[node].skew_ms = -(int64_t)(FIXTURE_WALL_MS + fixture->now_us / 1000);
}

static bool play(struct pair *pair)
{
    bool stamped = pair_is_stamped(&pair->first) && pair_is_stamped(&pair->second);
    trace_clear(&pair->trace);
    set_clocks(pair, (enum clocks)explore_choose(&pair->explore, stamped ? CLOCKS : 1));
    make_prior(pair);
    if (!write_both(pair))
        return false;
    fixture_flush(&pair->fixture, A);
    fixture_flush(&pair->fixture, B);
    size_t ways = 3, runs[RUNS_MAX];
    for (size_t node = C; node < REPLICAS; node++) {
        size_t own = count_ways(find_lacking(pair, node, runs));
        ways = own > ways ? own : ways;
    }
    assert(ways <= WAYS_MAX);
    size_t way = explore_choose(&pair->explore, ways);
    for (size_t node = C; node < REPLICAS; node++)
        observe(pair, node, way);
    reconcile(pair, way);
    fixture_check_equal(&pair->fixture);
    return true;
}

/* Left out: priors that differ only in what B knows, when B writes nothing; batches where the run says as much. */
static bool stands_for_another(enum prior prior, enum relation relation)
{
    bool b_only = prior == SEEN_BY_B || prior == B_ONLY || prior == B_PENDING;
    bool batch_matters = prior == ABSENT || prior == SEEN_BY_BOTH || prior == A_PENDING;
    return (b_only && relation >= SAME_BATCH) || (relation == SAME_BATCH && !batch_matters);
}

static uint64_t play_all(struct pair *pair)
{
    struct holm_replica_config limits = holm_replica_config_default();
    uint64_t cases = 0;
    limits.page_items_max = 1;
    memset(&pair->explore, 0, sizeof pair->explore);
    do {
        fixture_init(&pair->fixture, REPLICAS, &limits);
        cases += play(pair);
        fixture_release(&pair->fixture);
    } while (explore_next(&pair->explore));
    return cases;
}

/* What a full run comes to. It changes only with the operations, priors or relations, knowingly. */
#define CASES_ALL 698794u

/* Whether nothing has been left out that is not stood for by another. */
static bool is_whole(uint64_t cases[PRIORS][RELATIONS], uint64_t all)
{
    bool whole = all == CASES_ALL;
    if (!whole)
        fprintf(stderr, "%" PRIu64 " cases, expected %u\n", all, CASES_ALL);
    for (size_t p = 0; p < PRIORS; p++)
        for (size_t r = 0; r < RELATIONS; r++) {
            if ((cases[p][r] == 0) == stands_for_another((enum prior)p, (enum relation)r))
                continue;
            fprintf(stderr, "%" PRIu64 " cases of %s, %s\n", cases[p][r], prior_names[p],
                    relation_names[r]);
            whole = false;
        }
    return whole;
}

int main(void)
{
    static struct pair pair;
    uint64_t cases[PRIORS][RELATIONS] = {{0}}, all = 0;
    trace_on_abort(&pair.trace);
    for (size_t i = 0; i < pair_word_count * pair_word_count; i++)
        for (pair.prior = 0; pair.prior < PRIORS; pair.prior++)
            for (pair.relation = 0; pair.relation < RELATIONS; pair.relation++) {
                if (stands_for_another(pair.prior, pair.relation))
                    continue;
                pair.first = pair_words[i / pair_word_count];
                pair.second = pair_words[i % pair_word_count];
                cases[pair.prior][pair.relation] += play_all(&pair);
            }
    printf("%zu operations, every ordered pair, on %zu replicas; cases by what was before:\n%-16s",
           pair_word_count, (size_t)REPLICAS, "");
    for (size_t r = 0; r < RELATIONS; r++)
        printf("%12s", relation_names[r]);
    for (size_t p = 0; p < PRIORS; p++) {
        printf("\n%-16s", prior_names[p]);
        for (size_t r = 0; r < RELATIONS; r++) {
            printf("%12" PRIu64, cases[p][r]);
            all += cases[p][r];
        }
    }
    printf("\n%" PRIu64 " cases in all\n", all);
    return is_whole(cases, all) ? 0 : 1;
}
