/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fingerprint of a cell; and the digest tree that sums them: what following a change costs, and
 * what it costs that somebody asks.
 */
#include <stdlib.h>
#include <xxhash.h>

#include "bench/bare.h"
#include "bench/core.h"
#include "crdt/state.h"

#define DEPTH 4 /* what 10^6 records want */
#define UPDATES 131072
#define HASHED_BYTES 64 /* about what is hashed of a small cell */

struct digesting {
    struct holm_tree tree;
    uint64_t hashes[UPDATES];
    struct measure_samples hash, fingerprint, update, asked_each, asked_seldom;
};

static void hash_all(struct digesting *digesting)
{
    uint64_t text[HASHED_BYTES / 8] = {0};
    struct holm_digest sum = {0, 0};
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < UPDATES; i++) {
        text[0] = i;
        XXH128_hash_t hash = XXH3_128bits_withSeed(text, sizeof text, 7);
        holm_digest_add(&sum, (struct holm_digest){hash.low64, hash.high64});
    }
    measure_end(&digesting->hash, &span, UPDATES);
    measure_require(sum.low != 0 && sum.high != 0, "hashes were taken");
}

/* Of a register of a small integer, in the field without a name. */
static void fingerprint_all(struct digesting *digesting)
{
    const struct holm_allocator allocator = bare_allocator(NULL);
    const struct holm_actor actor = {{1}, {1}};
    struct holm_actors actors;
    struct holm_state state;
    struct holm_cell cell = {.kind = HOLM_REGISTER, .hlc = 1, .value = holm_i64(1)};
    struct holm_digest sum = {0, 0};
    holm_actors_init(&actors, &allocator, 7, 16);
    measure_must(holm_actors_intern(&actors, actor, &cell.actor), "an actor");
    measure_must(holm_state_init(&state, &allocator, &actors, 7), "a state");
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < UPDATES; i++) {
        cell.seq = i + 1;
        holm_digest_add(&sum, holm_cell_digest(&state, digesting->hashes[i], &cell));
    }
    measure_end(&digesting->fingerprint, &span, UPDATES);
    measure_require(sum.low != 0 && sum.high != 0, "fingerprints were taken");
    holm_state_release(&state);
    holm_actors_release(&actors);
}

/* A cell in the place of another: its term goes, the new one comes. */
static void update(struct digesting *digesting, size_t index, uint64_t round)
{
    struct holm_digest before = {index + round, index};
    struct holm_digest after = {index + round + 1, index};
    holm_tree_subtract(&digesting->tree, digesting->hashes[index], before);
    holm_tree_add(&digesting->tree, digesting->hashes[index], after);
}

/* All ranges of the first level, and with them all that is out of date. */
static struct holm_digest ask_for_all(struct holm_tree *tree)
{
    struct holm_digest sum = {0, 0};
    for (uint64_t i = 0; i < HOLM_TREE_FANOUT; i++)
        holm_digest_add(&sum, holm_tree_node(tree, 1, i));
    return sum;
}

/* Somebody asks after so many updates each; of one, only for the range that it is in. */
static void update_all(struct digesting *digesting, struct measure_samples *samples, size_t asked,
                       uint64_t round)
{
    struct holm_tree *tree = &digesting->tree;
    uint64_t before = tree->refreshed;
    struct measure_span span = measure_begin();
    for (size_t i = 0; i < UPDATES; i++) {
        update(digesting, i, round);
        if (asked == 1)
            (void)holm_tree_node(tree, 1, holm_range_index(1, digesting->hashes[i]));
        else if (asked > 0 && (i + 1) % asked == 0)
            (void)ask_for_all(tree);
    }
    measure_end(samples, &span, UPDATES);
    measure_require(asked == 0 || tree->refreshed > before, "inner nodes were computed");
    measure_require(holm_digest_equal(ask_for_all(tree), holm_tree_total(tree)),
                    "the root is the sum of all");
}

static void make_tree(struct digesting *digesting)
{
    struct holm_allocator allocator = bare_allocator(NULL);
    measure_must(holm_tree_init(&digesting->tree, &allocator, DEPTH), "a tree");
    for (uint64_t i = 0; i < UPDATES; i++) {
        digesting->hashes[i] = XXH3_64bits(&i, sizeof i);
        holm_tree_add(&digesting->tree, digesting->hashes[i], (struct holm_digest){i, i});
    }
}

static void tell(struct report *report, const struct digesting *digesting)
{
    struct report_base hash = report_base(report, "XXH3-128 of 64 B", "ns", &digesting->hash);
    report_row(report, &(struct report_row){.name = "the fingerprint of a cell",
                                            .unit = "ns",
                                            .samples = &digesting->fingerprint,
                                            .base = hash});
    report_row(report, &(struct report_row){.name = "a leaf follows a change",
                                            .unit = "ns",
                                            .samples = &digesting->update,
                                            .base = hash});
    report_row(report, &(struct report_row){.name = "... all inner nodes asked for every 1,024th",
                                            .unit = "ns",
                                            .samples = &digesting->asked_seldom,
                                            .base = hash});
    report_row(report, &(struct report_row){.name = "... its range of level 1 asked for each time",
                                            .unit = "ns",
                                            .samples = &digesting->asked_each,
                                            .base = hash});
}

void core_digest(struct report *report)
{
    if (!report_wants(report, "digest", "a tree of 65,536 leaves, changes anywhere; ns a change"))
        return;
    struct digesting *digesting = measure_allocate(sizeof *digesting);
    memset(digesting, 0, sizeof *digesting);
    make_tree(digesting);
    uint64_t round = 0;
    for (int r = 0; r < (report->quick ? 3 : 15); r++) {
        hash_all(digesting);
        fingerprint_all(digesting);
        update_all(digesting, &digesting->update, 0, round++);
        update_all(digesting, &digesting->asked_seldom, 1024, round++);
        update_all(digesting, &digesting->asked_each, 1, round++);
    }
    holm_tree_check(&digesting->tree);
    tell(report, digesting);
    holm_tree_release(&digesting->tree);
    measure_samples_free(&digesting->hash);
    measure_samples_free(&digesting->fingerprint);
    measure_samples_free(&digesting->update);
    measure_samples_free(&digesting->asked_seldom);
    measure_samples_free(&digesting->asked_each);
    free(digesting);
}
