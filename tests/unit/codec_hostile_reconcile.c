/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks and tells with one thing broken in each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/hostile.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* One function for each change of one member. */
#define CHANGE(name, change)                                                                       \
    static void name(Holm__Wire__Envelope *envelope)                                               \
    {                                                                                              \
        Holm__Wire__SyncAsk *ask = envelope->sync_ask;                                             \
        change;                                                                                    \
    }
#define CHANGE_TELL(name, change)                                                                  \
    static void name(Holm__Wire__Envelope *envelope)                                               \
    {                                                                                              \
        Holm__Wire__SyncTell *tell = envelope->sync_tell;                                          \
        change;                                                                                    \
    }

CHANGE(width_is_large, ask->width = 8)
CHANGE(levels_are_few, ask->n_gaps = 1)
CHANGE(jump_is_large, ask->jumps[0] = 4)
CHANGE(jump_is_longer, ask->jumps[0] = 2)
CHANGE(gap_is_endless, ask->gaps[1] = UINT64_MAX)
CHANGE(level_is_deep, ask->list_levels[0] = 17)
CHANGE(filled_is_short, ask->filled.len -= 1)
CHANGE(hash_is_missing, ask->hashes.len -= 1)
CHANGE(hash_is_left_over, ask->filled.data[0] &= (uint8_t)~1u)
CHANGE(hash_is_zero, memset(ask->hashes.data, 0, 8))
CHANGE(list_sizes_are_short, ask->n_list_gaps -= 1)
CHANGE(list_is_endless, ask->list_sizes[0] = UINT32_MAX)
CHANGE(list_is_short, ask->list_sizes[0] = 2)
CHANGE(list_gap_is_endless, ask->list_gaps[1] = UINT64_MAX)
CHANGE(bound_is_unknown, ask->list_bounds[1] = 4)
CHANGE(bound_is_left_over, ask->list_bounds[1] = 1)
CHANGE(bound_is_missing, ask->list_bounds[0] = 3)
CHANGE(bound_is_nobodys, ask->bound_actors[0] = 3)
CHANGE(bound_is_zero, ask->bound_seqs[0] = 0)
CHANGE(dot_actors_are_short, ask->n_dot_actors -= 1)
CHANGE(dot_is_nobodys, ask->dot_actors[0] = 9)
CHANGE(dot_wraps, ask->dot_steps[1] = UINT64_MAX)
CHANGE(dot_is_zero, ask->dot_steps[0] = 0)
CHANGE(table_is_unsorted, ask->nodes[1] = ask->nodes[0])
CHANGE(table_wraps, ask->epochs[2] = UINT64_MAX)
CHANGE(table_repeats, ask->epochs[2] = 0)
CHANGE_TELL(through_nothing, tell->through_seq = 0)
CHANGE_TELL(gone_is_endless, tell->gone[2] = UINT32_MAX)
CHANGE_TELL(tell_is_wide, tell->width = UINT32_MAX)
CHANGE_TELL(tell_jumps_away, tell->jumps[0] = 5)
CHANGE_TELL(page_is_garbage, tell->page.data[0] ^= 0xff)
CHANGE_TELL(page_is_cut_off, tell->page.len -= 1)

static void few_parts(struct holm_codec_limits *limits)
{
    limits->sync_parts_max = 3;
}

static void few_hashes(struct holm_codec_limits *limits)
{
    limits->sync_parts_max = 31;
}

static void no_parts(struct holm_codec_limits *limits)
{
    limits->sync_parts_max = 1;
}

static void few_actors(struct holm_codec_limits *limits)
{
    limits->actors_max = 2;
}

static void few_items(struct holm_codec_limits *limits)
{
    limits->items_max = 4;
}

static const struct hostile cases[] = {
    {"wide hashes", "sync_ask", width_is_large, NULL, HOLM_EMALFORMED},
    {"too few branches", "sync_ask", levels_are_few, NULL, HOLM_EMALFORMED},
    {"a long jump", "sync_ask", jump_is_large, NULL, HOLM_EMALFORMED},
    {"more hashes than bits", "sync_ask", jump_is_longer, NULL, HOLM_EMALFORMED},
    {"a branch beyond the end", "sync_ask", gap_is_endless, NULL, HOLM_EMALFORMED},
    {"a list below the last level", "sync_ask", level_is_deep, NULL, HOLM_EMALFORMED},
    {"too few bits", "sync_ask", filled_is_short, NULL, HOLM_EMALFORMED},
    {"too few hashes", "sync_ask", hash_is_missing, NULL, HOLM_EMALFORMED},
    {"too many hashes", "sync_ask", hash_is_left_over, NULL, HOLM_EMALFORMED},
    {"an empty range that is not", "sync_ask", hash_is_zero, NULL, HOLM_EMALFORMED},
    {"too few lists", "sync_ask", list_sizes_are_short, NULL, HOLM_EMALFORMED},
    {"a list without end", "sync_ask", list_is_endless, NULL, HOLM_EMALFORMED},
    {"dots of no list", "sync_ask", list_is_short, NULL, HOLM_EMALFORMED},
    {"a list beyond the end", "sync_ask", list_gap_is_endless, NULL, HOLM_EMALFORMED},
    {"an unknown bound", "sync_ask", bound_is_unknown, NULL, HOLM_EMALFORMED},
    {"a bound of no list", "sync_ask", bound_is_left_over, NULL, HOLM_EMALFORMED},
    {"a list without its bound", "sync_ask", bound_is_missing, NULL, HOLM_EMALFORMED},
    {"a bound of nobody", "sync_ask", bound_is_nobodys, NULL, HOLM_EMALFORMED},
    {"a bound of zero", "sync_ask", bound_is_zero, NULL, HOLM_EMALFORMED},
    {"too few actors of dots", "sync_ask", dot_actors_are_short, NULL, HOLM_EMALFORMED},
    {"a dot of nobody", "sync_ask", dot_is_nobodys, NULL, HOLM_EMALFORMED},
    {"a dot that wraps", "sync_ask", dot_wraps, NULL, HOLM_EMALFORMED},
    {"a dot of zero", "sync_ask", dot_is_zero, NULL, HOLM_EMALFORMED},
    {"a table that is not sorted", "sync_ask", table_is_unsorted, NULL, HOLM_EMALFORMED},
    {"a table whose epochs wrap", "sync_ask", table_wraps, NULL, HOLM_EMALFORMED},
    {"a table with an epoch twice", "sync_ask", table_repeats, NULL, HOLM_EMALFORMED},
    {"too many dots", "sync_ask", NULL, few_parts, HOLM_ETOOBIG},
    {"too many hashes in all", "sync_ask", NULL, few_hashes, HOLM_ETOOBIG},
    {"too many branches", "sync_ask", NULL, no_parts, HOLM_ETOOBIG},
    {"too many actors", "sync_ask", NULL, few_actors, HOLM_ETOOBIG},
    {"told through nothing", "sync_tell", through_nothing, NULL, HOLM_EMALFORMED},
    {"gone beyond the end", "sync_tell", gone_is_endless, NULL, HOLM_EMALFORMED},
    {"wide hashes in a tell", "sync_tell", tell_is_wide, NULL, HOLM_EMALFORMED},
    {"a long jump in a tell", "sync_tell", tell_jumps_away, NULL, HOLM_EMALFORMED},
    {"garbage for a page", "sync_tell", page_is_garbage, NULL, HOLM_EMALFORMED},
    {"a page that is cut off", "sync_tell", page_is_cut_off, NULL, HOLM_EMALFORMED},
    {"too many hashes in a tell", "sync_tell", NULL, few_parts, HOLM_ETOOBIG},
    {"too many items in a tell", "sync_tell", NULL, few_items, HOLM_ETOOBIG},
};

static void test_codec_when_one_thing_of_a_comparison_is_broken_then_it_is_refused(void **state)
{
    (void)state;
    hostile_refused(cases, COUNT(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codec_when_one_thing_of_a_comparison_is_broken_then_it_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
