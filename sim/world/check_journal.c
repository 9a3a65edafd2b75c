/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "crdt/path.h"
#include "sim/world/checker.h"
#include "sim/world/oracle_parts.h"

/* A batch that was read again has the whole path as its parents. */
static bool same_path(const struct holm_op *a, const struct holm_op *b)
{
    struct holm_packed_path one, other;
    enum holm_status status = holm_path_pack(&one, a->parents, a->field);
    HOLM_ASSERT(status == HOLM_OK);
    status = holm_path_pack(&other, b->parents, b->field);
    HOLM_ASSERT(status == HOLM_OK);
    return holm_bytes_equal(holm_path_bytes(&one), holm_path_bytes(&other));
}

static bool same_op(const struct holm_op *a, const struct holm_op *b)
{
    bool same = a->type == b->type && holm_bytes_equal(a->key, b->key) && same_path(a, b);
    if (same && (a->type == HOLM_OP_PUT || a->type == HOLM_OP_RAISE || a->type == HOLM_OP_LOWER))
        same = holm_value_compare(&a->as.value, &b->as.value) == 0;
    if (same && a->type == HOLM_OP_ADD)
        same = a->as.amount == b->as.amount;
    if (same && (a->type == HOLM_OP_INSERT || a->type == HOLM_OP_ERASE))
        same = holm_bytes_equal(a->as.element, b->as.element);
    return same;
}

static bool is_batch(const struct holm_judge_batch *batch, const struct holm_world_event *event)
{
    bool same = !batch->minted && batch->node == event->node &&
                batch->partition == event->partition && batch->count == event->op_count;
    for (size_t i = 0; same && i < batch->count; i++)
        same = same_op(&batch->ops[i], &event->ops[i]);
    return same;
}

static void note(struct holm_judge *judge, const struct holm_world_event *event)
{
    judge->batches = holm_oracle_room(judge->batches, &judge->batch_capacity, judge->batch_count,
                                      sizeof *judge->batches);
    struct holm_judge_batch *batch = &judge->batches[judge->batch_count++];
    *batch = (struct holm_judge_batch){
        .node = event->node, .partition = event->partition, .count = event->op_count};
    HOLM_ASSERT(event->op_count <= sizeof batch->ops / sizeof batch->ops[0]);
    memcpy(batch->ops, event->ops, event->op_count * sizeof *event->ops);
}

static void forget(struct holm_judge *judge, uint32_t node)
{
    size_t kept = 0;
    for (size_t i = 0; i < judge->batch_count; i++)
        if (judge->batches[i].node != node)
            judge->batches[kept++] = judge->batches[i];
    judge->batch_count = kept;
}

/* Removals may have had nothing to do. */
static bool must_mint(const struct holm_judge_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        if (batch->ops[i].type == HOLM_OP_PUT || batch->ops[i].type == HOLM_OP_ADD)
            return true;
    return false;
}

/* Who has become a member has no journal any more: it is minted, or what of it was refused is told. */
static void settle(struct holm_judge *judge, uint32_t node)
{
    struct holm_world_standing standing;
    holm_world_standing(judge->config.world, node, &standing);
    if (!standing.figures.confirmed || standing.figures.journalled > 0)
        return;
    for (size_t i = 0; i < judge->batch_count; i++)
        if (judge->batches[i].node == node && !judge->batches[i].minted &&
            must_mint(&judge->batches[i]))
            judge->refused[node] += judge->batches[i].count;
    forget(judge, node);
    uint64_t told = judge->refused_before[node] + standing.figures.refused;
    if (judge->refused[node] > told)
        holm_judge_fail(judge, &holm_check_journal, node,
                        "%" PRIu64 " writes of its journal were not minted, %" PRIu64
                        " were said to be refused",
                        judge->refused[node], told);
}

/* What a well disk has synced, the next life has in its journal: it is held to it as this one was. */
static bool is_kept(const struct holm_judge *judge, const struct holm_world_event *event)
{
    const struct holm_disk *disk = holm_world_disk(judge->config.world, event->node);
    bool untouched = strcmp(event->text, "crash") == 0 || strcmp(event->text, "leave") == 0;
    return untouched && disk != NULL && holm_disk_durable(disk);
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type == HOLM_WORLD_ENDED && judge->config.stable &&
        event->node < HOLM_JUDGE_NODES_MAX) {
        struct holm_world_standing standing;
        settle(judge, event->node);
        /* Who was a member for a moment only has told, and its batches are still noted. */
        holm_world_standing(judge->config.world, event->node, &standing);
        judge->refused_before[event->node] += standing.figures.refused;
        if (!is_kept(judge, event))
            forget(judge, event->node);
    }
    if (event->type != HOLM_WORLD_COMMITTED || event->status != HOLM_OK)
        return;
    if (event->journalled && event->receipt->count > 0)
        holm_judge_fail(judge, &holm_check_journal, event->node,
                        "it is no member, and minted operation %" PRIu64,
                        event->receipt->first.seq);
    else if (event->journalled)
        note(judge, event);
    for (size_t i = 0; event->anew && i < judge->batch_count; i++) {
        if (!is_batch(&judge->batches[i], event))
            continue;
        judge->batches[i].minted = true;
        return;
    }
}

void holm_judge_emptied(struct holm_judge *judge, uint32_t node)
{
    forget(judge, node);
}

static void moment(struct holm_judge *judge)
{
    struct holm_world *world = judge->config.world;
    for (uint32_t node = 0;
         judge->config.stable && node < holm_world_count(world) && node < HOLM_JUDGE_NODES_MAX;
         node++)
        if (holm_world_alive(world, node))
            settle(judge, node);
}

const struct holm_checker holm_check_journal = {
    .name = "journal",
    .claim =
        "who is no member mints nothing; what it journalled is minted when it is one, or reported, "
        "by a later life, too",
    .event = event,
    .moment = moment,
};
