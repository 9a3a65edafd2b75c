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

/* What it has in the moment when it is told that the partition is the members' now. */
static void view_now(struct holm_judge *judge, uint32_t node, uint32_t partition,
                     struct holm_oracle_view *now)
{
    struct holm_dot *entries;
    size_t count = holm_world_vector(judge->config.world, node, partition, &entries);
    (void)holm_oracle_view_set(judge->oracles[partition], now,
                               (struct holm_vector_view){entries, count});
    free(entries);
}

/* What it wrote itself, and has not any more. */
static void leave_own(struct holm_judge *judge, uint32_t node, uint32_t partition,
                      const struct holm_oracle_view *now)
{
    const struct holm_oracle *oracle = judge->oracles[partition];
    for (uint32_t i = 0; i < judge->left_behind.count; i++) {
        uint64_t first = holm_oracle_view_seq(now, i) + 1, last = judge->left_behind.seqs[i];
        if (first <= last && holm_oracle_actor(oracle, i).node.value == id_of(judge, node).value)
            leave(judge, partition, i, first, last);
    }
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

/* ---- what must be told ---------------------------------------------------------------------- */

/* A partition of a node that has just come back. */
struct coming_back {
    struct holm_judge *judge;
    const struct holm_oracle *oracle;
    const struct holm_oracle_view *now;
    uint32_t partition;
    struct holm_node_id self;
    bool *used; /* copies that stand for something already */
};

static struct holm_node_id writer_of(const struct coming_back *coming,
                                     const struct holm_oracle_op *op)
{
    return holm_oracle_actor(coming->oracle, op->actor).node;
}

static bool was_left(const struct holm_judge *judge, uint32_t partition, uint32_t replacement,
                     const struct holm_oracle_op *op)
{
    for (size_t i = 0; i < judge->left_count; i++) {
        const struct holm_judge_left *left = &judge->left[i];
        if (left->replacement == replacement && left->partition == partition &&
            left->actor == op->actor && left->first <= op->seq && op->seq <= left->last)
            return true;
    }
    return false;
}

/* Whether its writer, who left it before, has minted it anew, and that is here; or that anew, and so on: copies are in
 * the order in which they were minted. */
static bool is_here_anew(const struct coming_back *coming, uint32_t number, size_t from)
{
    const struct holm_judge *judge = coming->judge;
    const struct holm_oracle_op *op = holm_oracle_op(coming->oracle, number);
    for (size_t i = from; i < judge->copy_count; i++) {
        const struct holm_judge_copy *copy = &judge->copies[i];
        const struct holm_oracle_op *minted;
        if (copy->partition != coming->partition || copy->replacement == judge->replacements)
            continue;
        minted = holm_oracle_op(coming->oracle, copy->op);
        if (are_of_one_slot(minted, op) &&
            was_left(judge, coming->partition, copy->replacement, op) &&
            (holm_oracle_covers(coming->now, minted) || is_here_anew(coming, copy->op, i + 1)))
            return true;
    }
    return false;
}

/* Who left a copy of what the others have had all along leaves nothing; nor who left what its writer has minted anew. */
static bool is_left(const struct coming_back *coming, uint32_t number)
{
    return holm_oracle_live(coming->oracle, &coming->judge->left_behind, number) &&
           !is_there(coming->judge, coming->now, coming->partition, number) &&
           !is_here_anew(coming, number, 0);
}

/* Whether something was minted in this slot that stands for nothing else yet. */
static bool take_copy(const struct coming_back *coming, const struct holm_oracle_op *op)
{
    const struct holm_judge *judge = coming->judge;
    for (size_t i = 0; i < judge->copy_count; i++) {
        const struct holm_judge_copy *copy = &judge->copies[i];
        if (copy->replacement != judge->replacements || coming->used[i] ||
            !are_of_one_slot(holm_oracle_op(coming->oracle, copy->op), op))
            continue;
        coming->used[i] = true;
        return true;
    }
    return false;
}

static bool is_of_share(const struct coming_back *coming, const struct holm_oracle_op *a,
                        const struct holm_oracle_op *b)
{
    return a->kind == HOLM_COUNTER && a->effect == HOLM_ORACLE_PUT && are_of_one_slot(a, b) &&
           writer_of(coming, a).value == writer_of(coming, b).value;
}

/* What was added in a counter's slot in place of what it left. */
static uint64_t added_anew(const struct coming_back *coming, const struct holm_oracle_op *op)
{
    const struct holm_judge *judge = coming->judge;
    uint64_t sum = 0;
    for (size_t i = 0; i < judge->copy_count; i++) {
        const struct holm_judge_copy *copy = &judge->copies[i];
        if (copy->replacement != judge->replacements)
            continue;
        const struct holm_oracle_op *minted = holm_oracle_op(coming->oracle, copy->op);
        if (minted->effect == HOLM_ORACLE_PUT && are_of_one_slot(minted, op))
            sum += (uint64_t)minted->value.as.i64;
    }
    return sum;
}

/* Whether an increment that was left is the first of its node's share in its counter, and that share was not added
 * anew to the last unit. */
static bool is_share_lost(const struct coming_back *coming, uint32_t number)
{
    const struct holm_oracle_op *op = holm_oracle_op(coming->oracle, number);
    size_t count = holm_oracle_count(coming->oracle);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        const struct holm_oracle_op *other = holm_oracle_op(coming->oracle, i);
        if (other->key != op->key || !is_of_share(coming, other, op) || !is_left(coming, i))
            continue;
        if (i < number)
            return false;
        sum += (uint64_t)other->value.as.i64;
    }
    return writer_of(coming, op).value != coming->self.value || sum != added_anew(coming, op);
}

/* Of what it showed and left, slot by slot, what was not minted anew: only its own can be. */
static uint64_t count_lost(const struct coming_back *coming)
{
    uint64_t lost = 0;
    size_t count = holm_oracle_count(coming->oracle);
    for (uint32_t i = 0; i < count; i++) {
        const struct holm_oracle_op *op = holm_oracle_op(coming->oracle, i);
        if (op->effect != HOLM_ORACLE_PUT || !is_left(coming, i))
            continue;
        if (op->kind == HOLM_COUNTER)
            lost += is_share_lost(coming, i);
        else
            lost += writer_of(coming, op).value != coming->self.value || !take_copy(coming, op);
    }
    return lost;
}

static void come_back(struct holm_judge *judge, uint32_t node, uint32_t partition)
{
    struct holm_oracle_view now = {.count = 0};
    struct coming_back coming = {.judge = judge,
                                 .oracle = judge->oracles[partition],
                                 .now = &now,
                                 .partition = partition,
                                 .self = id_of(judge, node)};
    view_now(judge, node, partition, &now);
    leave_own(judge, node, partition, &now);
    look_for_originals(judge, &now, partition);
    coming.used = calloc(judge->copy_count + 1, sizeof *coming.used);
    HOLM_ASSERT(coming.used != NULL);
    holm_judge_replica(judge, node, partition)->lost += count_lost(&coming);
    free(coming.used);
    holm_oracle_view_release(&now);
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
        come_back(judge, event->node, event->partition);
    } else if (event->type == HOLM_WORLD_COMMITTED && judge->replacing &&
               event->status == HOLM_OK) {
        copy(judge, event);
    }
}

/* What one shows that is outside still says nothing. */
static void replaced(struct holm_judge *judge, const struct holm_sight *sight)
{
    struct holm_judge_replica *replica = holm_judge_replica(judge, sight->node, sight->partition);
    if (sight->node < HOLM_JUDGE_NODES_MAX && !sight->outside)
        judge->missing[sight->node] += replica->lost;
    replica->lost = 0;
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
        uint64_t told = standing.figures.dropped - judge->settled[i];
        if (judge->missing[i] > told)
            holm_judge_fail(judge, &holm_check_returned, i,
                            "coming back it left %" PRIu64
                            " cells that it did not write anew, and told of %" PRIu64,
                            judge->missing[i], told);
        if (!standing.figures.confirmed || standing.figures.journalled > 0)
            continue;
        judge->settled[i] = standing.figures.dropped;
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
        for (uint32_t p = 0; (judge->core >> node & 1) != 0 && p < judge->config.partitions; p++) {
            judge->asked_of = p;
            look_for_both(judge, node, p);
        }
    judge->asked_of = HOLM_WORLD_NOBODY;
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
