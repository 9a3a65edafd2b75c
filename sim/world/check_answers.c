/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/checker.h"

/* What a batch may take that names all that its keys ever had: more than it does take. */
#define OP_BYTES 256
#define SEEN_BYTES 64

static size_t ever_written(const struct holm_judge *judge, uint32_t partition,
                           struct holm_bytes key)
{
    const struct holm_oracle *oracle = judge->oracles[partition];
    size_t count = 0, all = holm_oracle_count(oracle);
    for (uint32_t i = 0; i < all; i++)
        count += holm_bytes_equal(holm_oracle_key(oracle, holm_oracle_op(oracle, i)->key), key);
    for (size_t i = 0; i < judge->batch_count; i++)
        count += judge->batches[i].count;
    return count;
}

static size_t bytes_of(const struct holm_op *op)
{
    bool valued = op->type == HOLM_OP_PUT || op->type == HOLM_OP_RAISE || op->type == HOLM_OP_LOWER;
    bool text = valued && (op->as.value.type == HOLM_BYTES || op->as.value.type == HOLM_TEXT);
    return OP_BYTES + op->key.size + op->field.size + (text ? op->as.value.as.bytes.size : 0);
}

/* Whether a batch may be too much for half a frame. */
static bool is_big(const struct holm_judge *judge, const struct holm_world_event *event)
{
    size_t bytes = 0;
    for (size_t i = 0; i < event->op_count; i++)
        bytes += bytes_of(&event->ops[i]) +
                 SEEN_BYTES * ever_written(judge, event->partition, event->ops[i].key);
    return bytes > judge->config.frame_bytes_max / 2;
}

/* A node whose disk has failed may refuse what it cannot keep, and anyone what no frame can take. Nothing else is refused
 * for the node's own sake: there is memory, and no plan comes near another limit. */
static bool is_own_affair(const struct holm_judge *judge, const struct holm_world_event *event)
{
    const struct holm_disk *disk = holm_world_disk(judge->config.world, event->node);
    if (event->status == HOLM_ETOOBIG)
        return is_big(judge, event);
    return event->status == HOLM_EIO && disk != NULL && holm_disk_failed(disk);
}

/* Whether it may have written upon what should not have been there. */
static bool is_outside(struct holm_judge *judge, uint32_t node)
{
    holm_judge_members(judge);
    return node < HOLM_JUDGE_NODES_MAX && judge->outside[node];
}

/* What is in its journal it may have buried itself, which the oracle is not told of. */
static void check_journalled(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->status != HOLM_OK && event->status != HOLM_EBURIED)
        holm_judge_fail(judge, &holm_check_answers, event->node,
                        "it is no member, and a commit was answered %s",
                        holm_status_name(event->status));
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type != HOLM_WORLD_COMMITTED || is_own_affair(judge, event))
        return;
    if (event->journalled) {
        check_journalled(judge, event);
        return;
    }
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
