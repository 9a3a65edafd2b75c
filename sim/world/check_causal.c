/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "sim/world/checker.h"

/* The first actor of whom `op` had seen more than the view has, or NONE. */
static uint32_t missing_cause(const struct holm_oracle_view *view, const struct holm_oracle_op *op)
{
    for (uint32_t i = 0; i < op->past_count; i++)
        if (op->past[i] > holm_oracle_view_seq(view, i))
            return i;
    return HOLM_ORACLE_NONE;
}

/* The latest operation of an actor has all its earlier ones, and their causes, in its past. */
static void check_actor(struct holm_judge *judge, const struct holm_sight *sight, uint32_t actor)
{
    struct holm_dot dot = {holm_oracle_actor(sight->oracle, actor), sight->view->seqs[actor]};
    uint32_t number = holm_oracle_find(sight->oracle, dot);
    if (number == HOLM_ORACLE_NONE)
        return;
    const struct holm_oracle_op *op = holm_oracle_op(sight->oracle, number);
    uint32_t cause = missing_cause(sight->view, op);
    char text[200];
    holm_oracle_describe(sight->oracle, number, text, sizeof text);
    if (cause != HOLM_ORACLE_NONE)
        holm_judge_fail(judge, &holm_check_causal, sight->node,
                        "it shows %s without operation %" PRIu64 " of node %" PRIu64
                        ", which the writer had seen",
                        text, op->past[cause], holm_oracle_actor(sight->oracle, cause).node.value);
    if (op->batch_last > op->seq)
        holm_judge_fail(judge, &holm_check_causal, sight->node,
                        "it shows %s without the rest of its batch, up to %" PRIu64, text,
                        op->batch_last);
}

static void look(struct holm_judge *judge, const struct holm_sight *sight)
{
    for (uint32_t i = 0; i < sight->view->count; i++)
        if (sight->view->seqs[i] != holm_oracle_view_seq(sight->before, i))
            check_actor(judge, sight, i);
}

const struct holm_checker holm_check_causal = {
    .name = "causal",
    .claim = "who shows an operation shows its causes, and the whole of its batch",
    .look = look,
};
