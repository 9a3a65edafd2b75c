/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/world/checker.h"

/* What an actor's live increments in a slot come to, from its last one backwards. */
static bool share(const struct holm_sight *sight, uint32_t last, int64_t *sum)
{
    bool live = false;
    *sum = 0;
    for (uint32_t i = last; i != HOLM_ORACLE_NONE;) {
        const struct holm_oracle_op *op = holm_oracle_op(sight->oracle, i);
        if (holm_oracle_live(sight->oracle, sight->view, i)) {
            *sum += op->value.as.i64;
            live = true;
        }
        i = op->previous_of_chain;
    }
    return live;
}

/* Chains with a live increment in the view. */
static size_t count_live(const struct holm_sight *sight)
{
    size_t count = 0, all = holm_oracle_count(sight->oracle);
    for (uint32_t i = 0; i < all; i++) {
        const struct holm_oracle_op *op = holm_oracle_op(sight->oracle, i);
        if (op->kind != HOLM_COUNTER || !holm_oracle_live(sight->oracle, sight->view, i))
            continue;
        /* Counted at the first of the chain that lives. */
        bool first = true;
        for (uint32_t j = op->previous_of_chain; j != HOLM_ORACLE_NONE && first;
             j = holm_oracle_op(sight->oracle, j)->previous_of_chain)
            first = !holm_oracle_live(sight->oracle, sight->view, j);
        count += first;
    }
    return count;
}

/* With retention `stable` epochs are folded: what a node counted in all its epochs is held against what they were. */
static bool is_share_of(const struct holm_cell_view *a, const struct holm_cell_view *b)
{
    return b->kind == HOLM_COUNTER && a->dot.actor.node.value == b->dot.actor.node.value &&
           holm_bytes_equal(a->key, b->key) && holm_bytes_equal(a->path, b->path);
}

/* Of the share that begins with this cell; false: it began before. */
static bool sum_share(const struct holm_sight *sight, size_t at, int64_t *sum)
{
    const struct holm_cell_view *cell = &sight->cells[at];
    *sum = 0;
    for (size_t i = 0; i < sight->cell_count; i++) {
        if (!is_share_of(cell, &sight->cells[i]))
            continue;
        if (i < at)
            return false;
        *sum += sight->cells[i].value.as.i64;
    }
    return true;
}

static void audit_shares(struct holm_judge *judge, const struct holm_sight *sight)
{
    size_t shown = 0;
    for (size_t i = 0; i < sight->cell_count; i++) {
        const struct holm_cell_view *cell = &sight->cells[i];
        int64_t shown_sum, sum = 0;
        if (cell->kind != HOLM_COUNTER || !sum_share(sight, i, &shown_sum))
            continue;
        uint32_t key = holm_oracle_key_find(sight->oracle, cell->key);
        bool live = key != HOLM_ORACLE_NONE &&
                    holm_oracle_share(sight->oracle, sight->view, key, cell->path,
                                      cell->dot.actor.node, &sum);
        shown++;
        if (live && sum == shown_sum)
            continue;
        holm_judge_fail(judge, &holm_check_counters, sight->node,
                        "%.*s has %" PRId64 " of node %" PRIu64 ", not %" PRId64,
                        (int)cell->key.size, (const char *)cell->key.data, shown_sum,
                        cell->dot.actor.node.value, sum);
        return;
    }
    size_t live = holm_oracle_shares(sight->oracle, sight->view);
    if (shown != live)
        holm_judge_fail(judge, &holm_check_counters, sight->node,
                        "partition %" PRIu32 " has %zu shares of counters, not %zu",
                        sight->partition, shown, live);
}

static void audit(struct holm_judge *judge, const struct holm_sight *sight)
{
    if (sight->outside)
        return;
    if (judge->config.stable) {
        audit_shares(judge, sight);
        return;
    }
    size_t shown = 0;
    for (size_t i = 0; i < sight->cell_count; i++) {
        const struct holm_cell_view *cell = &sight->cells[i];
        if (cell->kind != HOLM_COUNTER || sight->cell_ops[i] == HOLM_ORACLE_NONE)
            continue;
        int64_t sum;
        bool live = share(sight, sight->cell_ops[i], &sum);
        shown++;
        if (live && sum == cell->value.as.i64)
            continue;
        char text[200];
        holm_oracle_describe(sight->oracle, sight->cell_ops[i], text, sizeof text);
        holm_judge_fail(judge, &holm_check_counters, sight->node,
                        "%.*s has %" PRId64 ", not %" PRId64 ", up to %s", (int)cell->key.size,
                        (const char *)cell->key.data, cell->value.as.i64, sum, text);
        return;
    }
    size_t live = count_live(sight);
    if (shown != live)
        holm_judge_fail(judge, &holm_check_counters, sight->node,
                        "partition %" PRIu32 " has %zu shares of counters, not %zu",
                        sight->partition, shown, live);
}

const struct holm_checker holm_check_counters = {
    .name = "counters",
    .claim = "a counter is the sum of the increments that no reset had seen, actor by actor",
    .audit = audit,
};
