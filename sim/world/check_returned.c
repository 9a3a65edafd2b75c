/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/world/checker.h"
#include "sim/world/oracle_parts.h"

static struct holm_node_id id_of(const struct holm_judge *judge, uint32_t node)
{
    return holm_engine_self(holm_world_engine(judge->config.world, node)).node;
}

static void leave(struct holm_judge *judge, uint32_t partition, uint32_t actor, uint64_t first,
                  uint64_t last)
{
    judge->left = holm_oracle_room(judge->left, &judge->left_capacity, judge->left_count,
                                   sizeof *judge->left);
    judge->left[judge->left_count++] = (struct holm_judge_left){partition, actor, first, last,
                                                                judge->replacements};
}

/* What it wrote itself, and has not any more. */
static void leave_own(struct holm_judge *judge, uint32_t node, uint32_t partition)
{
    struct holm_oracle *oracle = judge->oracles[partition];
    struct holm_oracle_view now = {.count = 0};
    struct holm_dot *entries;
    size_t count = holm_world_vector(judge->config.world, node, partition, &entries);
    (void)holm_oracle_view_set(oracle, &now, (struct holm_vector_view){entries, count});
    for (uint32_t i = 0; i < judge->left_behind.count; i++) {
        uint64_t first = holm_oracle_view_seq(&now, i) + 1, last = judge->left_behind.seqs[i];
        if (first <= last && holm_oracle_actor(oracle, i).node.value == id_of(judge, node).value)
            leave(judge, partition, i, first, last);
    }
    holm_oracle_view_release(&now);
    free(entries);
}

static void copy(struct holm_judge *judge, const struct holm_world_event *event)
{
    for (uint32_t i = 0; i < event->receipt->count; i++) {
        struct holm_dot dot = {event->receipt->first.actor, event->receipt->first.seq + i};
        uint32_t op = holm_oracle_find(judge->oracles[event->partition], dot);
        if (op == HOLM_ORACLE_NONE)
            continue;
        judge->copies = holm_oracle_room(judge->copies, &judge->copy_capacity, judge->copy_count,
                                         sizeof *judge->copies);
        judge->copies[judge->copy_count++] = (struct holm_judge_copy){event->partition, op,
                                                                      judge->replacements, false};
    }
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type == HOLM_WORLD_REPLACING) {
        judge->replacements += 1;
        judge->replacing = true;
        judge->left_behind.count = 0;
        holm_oracle_view_join(&judge->left_behind,
                              &holm_judge_replica(judge, event->node, event->partition)->view);
    } else if (event->type == HOLM_WORLD_REPLACED) {
        judge->replacing = false;
        leave_own(judge, event->node, event->partition);
    } else if (event->type == HOLM_WORLD_COMMITTED && judge->replacing &&
               event->status == HOLM_OK) {
        copy(judge, event);
    }
}

/* Whether an operation is in the view, or one that it was minted in place of, or these were. */
static bool is_there(const struct holm_judge *judge, const struct holm_oracle_view *view,
                     uint32_t partition, uint32_t number)
{
    if (holm_oracle_covers(view, holm_oracle_op(judge->oracles[partition], number)))
        return true;
    for (size_t i = 0; i < judge->copy_count; i++)
        if (judge->copies[i].partition == partition && judge->copies[i].op == number)
            return judge->copies[i].again;
    return false;
}

static bool are_of_one_slot(const struct holm_oracle_op *a, const struct holm_oracle_op *b)
{
    return a->key == b->key && a->kind == b->kind && holm_bytes_equal(a->path, b->path) &&
           holm_bytes_equal(a->element, b->element);
}

/* What was left of the slot that this one was minted for. */
static bool stands_for_another(const struct holm_judge *judge, const struct holm_oracle_view *view,
                               const struct holm_judge_copy *copy)
{
    const struct holm_oracle *oracle = judge->oracles[copy->partition];
    const struct holm_oracle_op *minted = holm_oracle_op(oracle, copy->op);
    for (size_t i = 0; i < judge->left_count; i++) {
        const struct holm_judge_left *left = &judge->left[i];
        if (left->replacement != copy->replacement)
            continue;
        struct holm_dot dot = {holm_oracle_actor(oracle, left->actor), left->first};
        for (; dot.seq <= left->last; dot.seq++) {
            uint32_t op = holm_oracle_find(oracle, dot);
            if (op != HOLM_ORACLE_NONE && are_of_one_slot(holm_oracle_op(oracle, op), minted) &&
                is_there(judge, view, copy->partition, op))
                return true;
        }
    }
    return false;
}

/* Of the copies of a partition: in the order in which they were minted, so that what one stands for is known before it
 * is asked for. */
static void look_for_originals(struct holm_judge *judge, const struct holm_oracle_view *view,
                               uint32_t partition)
{
    for (size_t i = 0; i < judge->copy_count; i++)
        if (judge->copies[i].partition == partition)
            judge->copies[i].again = stands_for_another(judge, view, &judge->copies[i]);
}

/* Who left a copy of what the others have had all along leaves nothing. */
static void replaced(struct holm_judge *judge, const struct holm_sight *sight)
{
    size_t count = holm_oracle_count(sight->oracle);
    if (sight->node >= HOLM_JUDGE_NODES_MAX || sight->outside)
        return;
    look_for_originals(judge, sight->view, sight->partition);
    for (uint32_t i = 0; i < count; i++) {
        const struct holm_oracle_op *op = holm_oracle_op(sight->oracle, i);
        if (op->kind != HOLM_COUNTER && !is_there(judge, sight->view, sight->partition, i) &&
            holm_oracle_live(sight->oracle, sight->before, i))
            judge->missing[sight->node]++;
    }
}

/* All partitions are replaced in one go. */
static void moment(struct holm_judge *judge)
{
    struct holm_world *world = judge->config.world;
    for (uint32_t i = 0;
         judge->config.stable && i < holm_world_count(world) && i < HOLM_JUDGE_NODES_MAX; i++) {
        struct holm_world_standing standing;
        if (!holm_world_alive(world, i))
            continue;
        holm_world_standing(world, i, &standing);
        uint64_t told = standing.figures.reminted + standing.figures.dropped;
        if (judge->missing[i] > told - judge->settled[i])
            holm_judge_fail(judge, &holm_check_returned, i,
                            "coming back it left %" PRIu64 " cells, and told of %" PRIu64,
                            judge->missing[i], told - judge->settled[i]);
        judge->settled[i] = told;
        judge->missing[i] = 0;
    }
}

static void look_for_both(struct holm_judge *judge, uint32_t node, uint32_t partition)
{
    struct holm_oracle *oracle = judge->oracles[partition];
    const struct holm_oracle_view *view = &holm_judge_replica(judge, node, partition)->view;
    look_for_originals(judge, view, partition);
    for (size_t i = 0; i < judge->copy_count; i++) {
        const struct holm_judge_copy *copy = &judge->copies[i];
        if (copy->partition != partition || !copy->again)
            continue;
        const struct holm_oracle_op *op = holm_oracle_op(oracle, copy->op);
        if (op->kind == HOLM_COUNTER && holm_oracle_covers(view, op))
            holm_judge_fail(judge, &holm_check_returned, node,
                            "it has operation %" PRIu64 " of node %" PRIu64
                            ", and what that was minted in place of",
                            op->seq, holm_oracle_actor(oracle, op->actor).node.value);
    }
}

static void converged(struct holm_judge *judge, bool in_time)
{
    for (uint32_t node = 0; in_time && node < holm_world_count(judge->config.world) && node < 64;
         node++)
        for (uint32_t p = 0; (judge->core >> node & 1) != 0 && p < judge->config.partitions; p++)
            look_for_both(judge, node, p);
}

const struct holm_checker holm_check_returned = {
    .name = "returned",
    .claim = "what a node had alone that was replaced is minted anew or reported, and never beside "
             "itself",
    .event = event,
    .replaced = replaced,
    .moment = moment,
    .converged = converged,
};
