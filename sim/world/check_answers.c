/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/checker.h"

/* Refusals that depend on the node's own limits and not on what was written. */
static bool is_own_affair(enum holm_status status)
{
    return status == HOLM_EIO || status == HOLM_ECLOSED || status == HOLM_ETOOBIG ||
           status == HOLM_EOVERFLOW || status == HOLM_ENOMEM || status == HOLM_ELIMIT;
}

/* Whether it may have written upon what should not have been there. */
static bool is_outside(struct holm_judge *judge, uint32_t node)
{
    holm_judge_members(judge);
    return node < HOLM_JUDGE_NODES_MAX && judge->outside[node];
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type != HOLM_WORLD_COMMITTED || event->journalled || is_own_affair(event->status))
        return;
    if (judge->blind[event->partition])
        return;
    struct holm_oracle_commit commit = {.actor = event->writer,
                                        .past = event->past,
                                        .collected = event->collected,
                                        .ops = event->ops,
                                        .count = event->op_count,
                                        .node = event->node,
                                        .at_us = event->at_us};
    uint32_t minted;
    enum holm_status expected = holm_oracle_commit(judge->oracles[event->partition], &commit,
                                                   &minted);
    bool same = expected == event->status && minted == event->receipt->count;
    if (!same && is_outside(judge, event->node))
        judge->blind[event->partition] = true;
    else if (expected != event->status)
        holm_judge_fail(judge, &holm_check_answers, event->node, "a commit was answered %s, not %s",
                        holm_status_name(event->status), holm_status_name(expected));
    else if (minted != event->receipt->count)
        holm_judge_fail(judge, &holm_check_answers, event->node,
                        "a commit minted %u operations, not %u", event->receipt->count, minted);
    /* Another claim is asked alone: from here on the oracle tells of another run. */
    judge->blind[event->partition] |= !same && !judge->verdict.broken;
}

const struct holm_checker holm_check_answers = {
    .name = "answers",
    .claim = "a commit is answered, and mints, as what its writer has seen demands",
    .event = event,
};
