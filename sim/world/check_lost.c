/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdlib.h>

#include "crdt/vector_view.h"
#include "sim/world/checker.h"

/* ---- who has what --------------------------------------------------------------------------- */

static void widen(struct holm_judge *judge, uint32_t partition)
{
    size_t count = holm_oracle_count(judge->oracles[partition]);
    if (count > judge->holder_capacities[partition]) {
        size_t capacity = 2 * count + 64;
        judge->holders[partition] = realloc(judge->holders[partition], capacity * sizeof(uint64_t));
        HOLM_ASSERT(judge->holders[partition] != NULL);
        judge->holder_capacities[partition] = capacity;
    }
    while (judge->holder_counts[partition] < count)
        judge->holders[partition][judge->holder_counts[partition]++] = 0;
}

static void note_holder(struct holm_judge *judge, const struct holm_sight *sight, uint32_t actor)
{
    struct holm_dot dot = {holm_oracle_actor(sight->oracle, actor), 0};
    for (dot.seq = holm_oracle_view_seq(sight->before, actor) + 1;
         dot.seq <= sight->view->seqs[actor]; dot.seq++) {
        uint32_t op = holm_oracle_find(sight->oracle, dot);
        if (op != HOLM_ORACLE_NONE && sight->node < 64)
            judge->holders[sight->partition][op] |= UINT64_C(1) << sight->node;
    }
}

/* Whether the writer of operations, which another has no more, has them still: by its replica, or as what it left when that
 * was replaced. */
static bool is_with_writer(struct holm_judge *judge, const struct holm_sight *sight, uint32_t actor,
                           uint64_t seq)
{
    struct holm_node_id writer = holm_oracle_actor(sight->oracle, actor).node;
    for (uint32_t i = 0; i < holm_world_count(judge->config.world); i++) {
        const struct holm_replica *replica = holm_world_replica(judge->config.world, i,
                                                                sight->partition);
        if (i != sight->node && replica != NULL &&
            holm_replica_self(replica).node.value == writer.value &&
            seq <=
                holm_oracle_view_seq(&holm_judge_replica(judge, i, sight->partition)->view, actor))
            return true;
    }
    for (size_t i = 0; i < judge->left_count; i++) {
        const struct holm_judge_left *left = &judge->left[i];
        if (left->partition == sight->partition && left->actor == actor && left->first <= seq &&
            seq <= left->last)
            return true;
    }
    return false;
}

/* Who may have been gone on without takes over where the others say that the epoch ended. What it had behind that is its
 * writer's to mint anew or to tell of, who comes back by replacement: would it stay here, it would be there twice. So it may
 * go here only as long as the writer answers for it (check_returned.c). */
static bool is_cut_off(struct holm_judge *judge, const struct holm_sight *sight, uint32_t actor,
                       uint64_t before)
{
    uint64_t seq = sight->view->seqs[actor] + 1;
    if (!sight->outside ||
        holm_vector_view_seq(sight->collected, holm_oracle_actor(sight->oracle, actor)) !=
            HOLM_SEQ_FOLDED)
        return false;
    while (seq <= before && is_with_writer(judge, sight, actor, seq))
        seq++;
    return seq > before;
}

static void look(struct holm_judge *judge, const struct holm_sight *sight)
{
    widen(judge, sight->partition);
    for (uint32_t i = 0; i < sight->view->count; i++) {
        uint64_t before = holm_oracle_view_seq(sight->before, i);
        if (sight->view->seqs[i] < before && !is_cut_off(judge, sight, i, before))
            holm_judge_fail(
                judge, &holm_check_lost, sight->node,
                "it had operation %" PRIu64 " of node %" PRIu64 ", and has only %" PRIu64 " now",
                before, holm_oracle_actor(sight->oracle, i).node.value, sight->view->seqs[i]);
        else
            note_holder(judge, sight, i);
    }
}

/* ---- what must be shown --------------------------------------------------------------------- */

static void fail_missing(struct holm_judge *judge, const struct holm_sight *sight, uint32_t op,
                         const char *what)
{
    char text[200];
    holm_oracle_describe(sight->oracle, op, text, sizeof text);
    holm_judge_fail(judge, &holm_check_lost, sight->node, "its vector covers %s, but %s", text,
                    what);
}

static void audit(struct holm_judge *judge, const struct holm_sight *sight)
{
    size_t count = holm_oracle_count(sight->oracle);
    if (sight->outside)
        return;
    if (count > judge->mark_count) {
        free(judge->marks);
        judge->marks = calloc(2 * count, sizeof *judge->marks);
        HOLM_ASSERT(judge->marks != NULL);
        judge->mark_count = 2 * count;
    }
    if (count > 0)
        memset(judge->marks, 0, count * sizeof *judge->marks);
    for (size_t i = 0; i < sight->cell_count; i++)
        if (sight->cell_ops[i] != HOLM_ORACLE_NONE)
            judge->marks[sight->cell_ops[i]] = true;
    for (size_t i = 0; i < sight->tombstone_count; i++)
        if (sight->tombstone_ops[i] != HOLM_ORACLE_NONE)
            judge->marks[sight->tombstone_ops[i]] = true;
    for (uint32_t i = 0; i < count && !judge->verdict.broken; i++) {
        const struct holm_oracle_op *op = holm_oracle_op(sight->oracle, i);
        if (judge->marks[i] || !holm_oracle_covers(sight->view, op))
            continue;
        struct holm_dot dot = {holm_oracle_actor(sight->oracle, op->actor), op->seq};
        if (op->effect == HOLM_ORACLE_BURY && !holm_vector_has(sight->collected, dot))
            fail_missing(judge, sight, i, "the tombstone is not there");
        else if (op->effect == HOLM_ORACLE_PUT && op->kind != HOLM_COUNTER &&
                 holm_oracle_live(sight->oracle, sight->view, i))
            fail_missing(judge, sight, i, "what it wrote is not there");
    }
}

/* ---- who was told that it is safe ----------------------------------------------------------- */

/* How many others ever had this operation. */
static uint32_t holders(const struct holm_judge *judge, uint32_t node, uint32_t partition,
                        uint32_t op)
{
    uint64_t others = judge->holders[partition][op] & ~(UINT64_C(1) << node);
    uint32_t count = 0;
    for (; others != 0; others &= others - 1)
        count++;
    return count;
}

static void check_told(struct holm_judge *judge, uint32_t node, uint32_t partition)
{
    struct holm_engine *engine = holm_world_engine(judge->config.world, node);
    const struct holm_replica *replica = holm_world_replica(judge->config.world, node, partition);
    struct holm_dot last = {holm_replica_self(replica), holm_replica_last_minted(replica)};
    uint32_t op = holm_oracle_find(judge->oracles[partition], last);
    if (op == HOLM_ORACLE_NONE || op >= judge->holder_counts[partition])
        return;
    uint32_t told = holm_engine_seen(engine, partition, &last.seq, 1);
    uint32_t true_count = holders(judge, node, partition, op);
    /* A stranger who became a member may say what it likes, and be believed by others: under each name that it says. */
    if (told > true_count + (judge->met_strangers ? judge->speakers : 0))
        holm_judge_fail(judge, &holm_check_lost, node,
                        "it was told that %" PRIu32 " others have its operation %" PRIu64
                        " of partition %" PRIu32 ", but %" PRIu32 " have",
                        told, last.seq, partition, true_count);
}

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    judge->met_strangers |= event->type == HOLM_WORLD_ARRIVED && judge->foreign_count > 0 &&
                            event->peer >= holm_world_count(judge->config.world);
}

static void moment(struct holm_judge *judge)
{
    struct holm_world *world = judge->config.world;
    for (uint32_t node = 0; node < holm_world_count(world) && node < 64; node++)
        for (uint32_t p = 0; p < judge->config.partitions && !judge->verdict.broken; p++)
            if (holm_world_alive(world, node)) {
                judge->asked_of = p;
                check_told(judge, node, p);
            }
    judge->asked_of = HOLM_WORLD_NOBODY;
}

/* ---- the end -------------------------------------------------------------------------------- */

/* With `stable` an operation may be gone if all who had it came back by replacement (check_returned.c); whoever did not is held
 * to it by look(), and the others are equal to that one. */
static void check_known(struct holm_judge *judge, uint32_t node, uint32_t partition)
{
    const struct holm_oracle *oracle = judge->oracles[partition];
    const struct holm_oracle_view *known = &judge->known[partition];
    const struct holm_oracle_view *view = &holm_judge_replica(judge, node, partition)->view;
    for (uint32_t i = 0; i < known->count && !judge->config.stable; i++) {
        if (known->seqs[i] <= holm_oracle_view_seq(view, i))
            continue;
        struct holm_dot dot = {holm_oracle_actor(oracle, i), known->seqs[i]};
        uint32_t op = holm_oracle_find(oracle, dot);
        char text[200] = "an operation";
        if (op != HOLM_ORACLE_NONE)
            holm_oracle_describe(oracle, op, text, sizeof text);
        holm_judge_fail(judge, &holm_check_lost, node, "it lacks %s, which a survivor had", text);
    }
}

static void converged(struct holm_judge *judge, bool in_time)
{
    for (uint32_t node = 0; in_time && node < holm_world_count(judge->config.world) && node < 64;
         node++)
        for (uint32_t p = 0; p < judge->config.partitions; p++)
            if ((judge->core >> node & 1) != 0) {
                judge->asked_of = p;
                check_known(judge, node, p);
            }
    judge->asked_of = HOLM_WORLD_NOBODY;
}

const struct holm_checker holm_check_lost = {
    .name = "lost",
    .claim =
        "what a survivor knows stays, is shown, and reaches all; who is said to have it has it",
    .look = look,
    .audit = audit,
    .event = event,
    .moment = moment,
    .converged = converged,
};
