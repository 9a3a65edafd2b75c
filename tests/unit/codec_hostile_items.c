/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every rule that columns of items must keep, broken once. T30: refusal before allocation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crdt/message.h"
#include "crdt/vector.h"
#include "tests/unit/hostile.h"

#define ENTRIES_TOO_MANY 50
#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* The same column with more entries than there can be things. */
static void lengthen(size_t *count, void *column, size_t element_bytes)
{
    unsigned char *longer = calloc(ENTRIES_TOO_MANY, element_bytes);
    void *old = NULL;
    assert_non_null(longer);
    memcpy(&old, column, sizeof old);
    for (size_t i = 0; i<ENTRIES_TOO_MANY && * count> 0; i++) {
        size_t from = i < *count ? i : *count - 1;
        memcpy(longer + i * element_bytes, (unsigned char *)old + from * element_bytes,
               element_bytes);
    }
    free(old);
    memcpy(column, &longer, sizeof longer);
    *count = ENTRIES_TOO_MANY;
}

static void first_is_zero(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->first = 0;
}

static void run_wraps(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->span = UINT64_MAX;
}

static void run_never_ends(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->span = UINT64_MAX - cells->first;
}

static void actor_repeats(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->node = cells->nodes[0];
    cells->epoch = cells->epochs[0];
}

static void op_is_zero(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->shapes[0] = 16;
}

static void op_is_new(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->shapes[0] = 16 + 7;
}

static void op_is_of_pages(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->shapes[0] = 16 + HOLM_ITEM_KNOWN;
}

static void kind_is_huge(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->shapes[0] = 16 * 257 + 1;
}

static void kind_is_missing(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->shapes[0] = HOLM_ITEM_PUT;
}

static void key_is_missing(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->key_sizes[1] = cells->key_sizes[0];
    cells->key_sizes[0] = 0;
}

static void keys_are_short(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->keys.len -= 1;
}

static void key_is_endless(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->key_sizes[0] = UINT32_MAX;
}

static void keys_are_unclaimed(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->key_sizes[0] -= 1;
}

static void path_is_unknown(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->paths[0] = 99;
}

static void path_is_endless(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->path_sizes[0] = UINT32_MAX;
}

static void path_is_no_list(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->path_bytes.data[0] += 1;
}

static void actor_is_unknown(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->actors[12] = 3;
}

static void actor_is_foreign(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->actors[0] = 1;
}

static void sub_is_endless(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->sub_sizes[2] = UINT32_MAX;
}

static void sub_of_a_register(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->sub_sizes[0] = cells->sub_sizes[2];
    cells->sub_sizes[2] = 0;
}

static void seq_is_before(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->seqs[0] = -1;
}

static void seq_is_behind(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->seqs[7] = 100;
}

static void seq_repeats(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->seqs[1] = -1;
    cells->seqs[2] += 1; /* what comes behind is as it was */
}

static void stamp_of_nothing(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->hlc = 1;
}

static void type_is_huge(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->types[7] = 256;
}

static void bool_is_two(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->numbers[1] = 2;
}

static void value_is_endless(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->value_sizes[0] = UINT32_MAX;
}

static void values_are_unclaimed(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->n_value_sizes = 0;
}

static void seen_is_endless(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->seen_counts[0] = UINT32_MAX;
}

static void seen_lasts_are_short(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->n_seen_lasts -= 1;
}

static void seen_is_upside_down(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->seen_spans[0] = 5;
}

static void seen_reaches_the_run(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->seen_lasts[0] = 0;
}

static void seen_by_nobody(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->seen_actors[0] = 3;
}

static void chains_are_long(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->chains[0] = 115;
}

static void cancelled_ahead(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->cancelled[1] = 10;
}

static void count_is_behind(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->seqs[9] = 50;
}

static void count_is_no_counter(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->shapes[11] = HOLM_ITEM_COUNT + 16;
}

static void nodes_repeat(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_nodes, &cells->nodes, sizeof *cells->nodes);
    cells->n_nodes = 2;
    cells->nodes[1] = cells->nodes[0];
    cells->n_more_epochs = 0;
    cells->epochs[1] += cells->epochs[0]; /* each as it is, and so still in order */
}

static void epochs_repeat(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->epochs[1] = 0;
}

static void epochs_wrap(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->epochs[1] = UINT64_MAX;
}

static void epochs_are_short(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->n_epochs -= 1;
}

static void deps_are_zero(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->deps->seqs[0] = 0;
}

static void deps_are_folded(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->deps->seqs[0] = HOLM_SEQ_FOLDED;
}

static void deps_are_a_sum(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->deps->epochs[0] = 0;
}

/* What is folded stands for all epochs before it, so that it is the first of its node. */
static void collected_folds_behind(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Vector *collected = envelope->delta->collected;
    assert_int_equal(collected->n_epochs, 1);
    lengthen(&collected->n_epochs, &collected->epochs, sizeof *collected->epochs);
    lengthen(&collected->n_seqs, &collected->seqs, sizeof *collected->seqs);
    lengthen(&collected->n_more_epochs, &collected->more_epochs, sizeof *collected->more_epochs);
    collected->n_epochs = 2;
    collected->n_seqs = 2;
    collected->n_more_epochs = 1;
    collected->more_epochs[0] = 1;
    collected->seqs[1] = HOLM_SEQ_FOLDED;
}

static void deps_are_short(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->deps->n_seqs -= 1;
}

static void deps_name_the_writer(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    cells->deps->seqs[0] = 1;
    cells->deps->nodes[0] = envelope->node;
    cells->deps->epochs[0] = envelope->epoch;
}

static void shapes_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_shapes, &cells->shapes, sizeof *cells->shapes);
}

static void paths_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_paths, &cells->paths, sizeof *cells->paths);
}

static void actors_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_actors, &cells->actors, sizeof *cells->actors);
}

static void sub_sizes_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_sub_sizes, &cells->sub_sizes, sizeof *cells->sub_sizes);
}

static void types_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_types, &cells->types, sizeof *cells->types);
}

static void value_sizes_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_value_sizes, &cells->value_sizes, sizeof *cells->value_sizes);
}

static void seen_counts_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_seen_counts, &cells->seen_counts, sizeof *cells->seen_counts);
}

static void seen_actors_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_seen_actors, &cells->seen_actors, sizeof *cells->seen_actors);
}

static void seen_spans_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_seen_spans, &cells->seen_spans, sizeof *cells->seen_spans);
}

static void doubles_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_doubles, &cells->doubles, sizeof *cells->doubles);
}

static void chains_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_chains, &cells->chains, sizeof *cells->chains);
}

static void cancelled_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_cancelled, &cells->cancelled, sizeof *cells->cancelled);
}

static void seqs_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_seqs, &cells->seqs, sizeof *cells->seqs);
}

static void hlcs_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_hlcs, &cells->hlcs, sizeof *cells->hlcs);
}

static void numbers_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_numbers, &cells->numbers, sizeof *cells->numbers);
}

static void sums_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_sums, &cells->sums, sizeof *cells->sums);
}

static void cancelled_sums_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_cancelled_sums, &cells->cancelled_sums, sizeof *cells->cancelled_sums);
}

static void more_epochs_are_many(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Cells *cells = envelope->delta;
    lengthen(&cells->n_more_epochs, &cells->more_epochs, sizeof *cells->more_epochs);
}

static void deps_are_long(Holm__Wire__Envelope *envelope)
{
    Holm__Wire__Vector *deps = envelope->delta->deps;
    uint64_t seq = deps->seqs[0];
    lengthen(&deps->n_seqs, &deps->seqs, sizeof *deps->seqs);
    for (size_t i = 0; i < deps->n_seqs; i++)
        deps->seqs[i] = seq;
}

static void few_items(struct holm_codec_limits *limits)
{
    limits->items_max = 12;
}

static void few_ranges(struct holm_codec_limits *limits)
{
    limits->seen_max = 4;
}

static void few_actors(struct holm_codec_limits *limits)
{
    limits->actors_max = 2;
}

static void few_deps_and_collected(struct holm_codec_limits *limits)
{
    limits->vector_entries_max = 2;
}

static void few_unknown_bytes(struct holm_codec_limits *limits)
{
    limits->unknown_bytes_max = 8;
}

static const struct hostile cases[] = {
    {"a run that begins at 0", "delta_all", first_is_zero, NULL, HOLM_EMALFORMED},
    {"a run whose end wraps", "delta_all", run_wraps, NULL, HOLM_EMALFORMED},
    {"a run that ends at 2^64 - 1", "delta_all", run_never_ends, NULL, HOLM_EMALFORMED},
    {"a table that names the own actor again", "delta_all", actor_repeats, NULL, HOLM_EMALFORMED},
    {"an item without an operation", "delta_all", op_is_zero, NULL, HOLM_EMALFORMED},
    {"an operation of a newer version", "delta_all", op_is_new, NULL, HOLM_EVERSION},
    {"an operation of pages", "delta_all", op_is_of_pages, NULL, HOLM_EMALFORMED},
    {"a kind beyond 255", "delta_all", kind_is_huge, NULL, HOLM_EMALFORMED},
    {"a cell without a kind", "delta_all", kind_is_missing, NULL, HOLM_EMALFORMED},
    {"a first item without a key", "delta_all", key_is_missing, NULL, HOLM_EMALFORMED},
    {"keys shorter than their sizes", "delta_all", keys_are_short, NULL, HOLM_EMALFORMED},
    {"a key that claims 4 GiB", "delta_all", key_is_endless, NULL, HOLM_EMALFORMED},
    {"keys that no size claims", "delta_all", keys_are_unclaimed, NULL, HOLM_EMALFORMED},
    {"a path that there is not", "delta_all", path_is_unknown, NULL, HOLM_EMALFORMED},
    {"a path that claims 4 GiB", "delta_all", path_is_endless, NULL, HOLM_EMALFORMED},
    {"a path that is no list of names", "delta_all", path_is_no_list, NULL, HOLM_EMALFORMED},
    {"an item of an actor that there is not", "delta_all", actor_is_unknown, NULL, HOLM_EMALFORMED},
    {"a cell of another actor", "delta_all", actor_is_foreign, NULL, HOLM_EMALFORMED},
    {"an element that claims 4 GiB", "delta_all", sub_is_endless, NULL, HOLM_EMALFORMED},
    {"a register with an element", "delta_all", sub_of_a_register, NULL, HOLM_EMALFORMED},
    {"a cell from before its run", "delta_all", seq_is_before, NULL, HOLM_EMALFORMED},
    {"a cell from behind its run", "delta_all", seq_is_behind, NULL, HOLM_EMALFORMED},
    {"a seq of two cells", "delta_all", seq_repeats, NULL, HOLM_EMALFORMED},
    {"a stamp without a cell", "delta_relayed", stamp_of_nothing, NULL, HOLM_EMALFORMED},
    {"a type beyond 255", "delta_all", type_is_huge, NULL, HOLM_EMALFORMED},
    {"a truth of 2", "delta_all", bool_is_two, NULL, HOLM_EMALFORMED},
    {"a value that claims 4 GiB", "delta_all", value_is_endless, NULL, HOLM_EMALFORMED},
    {"values that no size claims", "delta_all", values_are_unclaimed, NULL, HOLM_EMALFORMED},
    {"ranges beyond all that there are", "delta_all", seen_is_endless, NULL, HOLM_EMALFORMED},
    {"too few ranges", "delta_all", seen_lasts_are_short, NULL, HOLM_EMALFORMED},
    {"a range that begins before 1", "delta_all", seen_is_upside_down, NULL, HOLM_EMALFORMED},
    {"a range that reaches into its own run", "delta_all", seen_reaches_the_run, NULL,
     HOLM_EMALFORMED},
    {"a range of an actor that there is not", "delta_all", seen_by_nobody, NULL, HOLM_EMALFORMED},
    {"a counter entry from before 1", "delta_all", chains_are_long, NULL, HOLM_EMALFORMED},
    {"a counter cancelled ahead of its writing", "delta_all", cancelled_ahead, NULL,
     HOLM_EMALFORMED},
    {"a counter entry from behind its run", "delta_all", count_is_behind, NULL, HOLM_EMALFORMED},
    {"a counter entry of a register", "delta_all", count_is_no_counter, NULL, HOLM_EMALFORMED},
    {"a node twice in the table", "delta_all", nodes_repeat, NULL, HOLM_EMALFORMED},
    {"an epoch twice in the table", "delta_all", epochs_repeat, NULL, HOLM_EMALFORMED},
    {"epochs that wrap", "delta_all", epochs_wrap, NULL, HOLM_EMALFORMED},
    {"too few epochs", "delta_all", epochs_are_short, NULL, HOLM_EMALFORMED},
    {"a vector with a zero", "delta_all", deps_are_zero, NULL, HOLM_EMALFORMED},
    {"deps that are folded", "delta_all", deps_are_folded, NULL, HOLM_EMALFORMED},
    {"deps that are a sum alone", "delta_all", deps_are_a_sum, NULL, HOLM_EMALFORMED},
    {"a fold behind another epoch", "delta_all", collected_folds_behind, NULL, HOLM_EMALFORMED},
    {"a vector with too few seqs", "delta_all", deps_are_short, NULL, HOLM_EMALFORMED},
    {"deps on the own run", "delta_all", deps_name_the_writer, NULL, HOLM_EMALFORMED},
    {"too many shapes", "delta_all", shapes_are_many, NULL, HOLM_EMALFORMED},
    {"too many paths", "delta_all", paths_are_many, NULL, HOLM_EMALFORMED},
    {"too many actors", "delta_all", actors_are_many, NULL, HOLM_EMALFORMED},
    {"too many sub_sizes", "delta_all", sub_sizes_are_many, NULL, HOLM_EMALFORMED},
    {"too many types", "delta_all", types_are_many, NULL, HOLM_EMALFORMED},
    {"too many value_sizes", "delta_all", value_sizes_are_many, NULL, HOLM_EMALFORMED},
    {"too many seen_counts", "delta_all", seen_counts_are_many, NULL, HOLM_EMALFORMED},
    {"too many seen_actors", "delta_all", seen_actors_are_many, NULL, HOLM_EMALFORMED},
    {"too many seen_spans", "delta_all", seen_spans_are_many, NULL, HOLM_EMALFORMED},
    {"too many doubles", "delta_all", doubles_are_many, NULL, HOLM_EMALFORMED},
    {"too many chains", "delta_all", chains_are_many, NULL, HOLM_EMALFORMED},
    {"too many cancelled", "delta_all", cancelled_are_many, NULL, HOLM_EMALFORMED},
    {"too many seqs", "delta_all", seqs_are_many, NULL, HOLM_EMALFORMED},
    {"too many hlcs", "delta_all", hlcs_are_many, NULL, HOLM_EMALFORMED},
    {"too many numbers", "delta_all", numbers_are_many, NULL, HOLM_EMALFORMED},
    {"too many sums", "delta_all", sums_are_many, NULL, HOLM_EMALFORMED},
    {"too many cancelled_sums", "delta_all", cancelled_sums_are_many, NULL, HOLM_EMALFORMED},
    {"too many more_epochs", "delta_all", more_epochs_are_many, NULL, HOLM_EMALFORMED},
    {"a vector with too many seqs", "delta_all", deps_are_long, NULL, HOLM_EMALFORMED},
    {"too many items", "delta_all", NULL, few_items, HOLM_ETOOBIG},
    {"too many ranges", "delta_all", NULL, few_ranges, HOLM_ETOOBIG},
    {"too many actors", "delta_all", NULL, few_actors, HOLM_ETOOBIG},
    {"too many deps and collected", "delta_all", NULL, few_deps_and_collected, HOLM_ETOOBIG},
    {"too many unknown bytes", "delta_relayed", NULL, few_unknown_bytes, HOLM_ETOOBIG},
};

static void test_codec_when_a_rule_of_items_is_broken_then_the_frame_is_refused(void **state)
{
    hostile_refused(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_when_a_rule_of_items_is_broken_then_the_frame_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
