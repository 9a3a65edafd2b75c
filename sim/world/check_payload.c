/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "crdt/order.h"
#include "sim/world/checker.h"

/* T01: a new life that goes on under the epoch of a former one begins with its dots. */
static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type != HOLM_WORLD_COMMITTED || event->receipt->count == 0)
        return;
    const struct holm_oracle *oracle = judge->oracles[event->partition];
    uint32_t actor = holm_oracle_actor_find(oracle, event->writer);
    uint64_t last = actor == HOLM_ORACLE_NONE ? 0 : holm_oracle_last(oracle, actor);
    if (event->receipt->first.seq != last + 1)
        holm_judge_fail(judge, &holm_check_payload, event->node,
                        "it minted operation %" PRIu64 " where %" PRIu64
                        " was the last of this epoch",
                        event->receipt->first.seq, last);
}

static void look(struct holm_judge *judge, const struct holm_sight *sight)
{
    if (sight->strangers > 0)
        holm_judge_fail(judge, &holm_check_payload, sight->node,
                        "its vector of partition %" PRIu32 " has %zu actors that never wrote",
                        sight->partition, sight->strangers);
    for (uint32_t i = 0; i < sight->view->count; i++)
        if (sight->view->seqs[i] > holm_oracle_last(sight->oracle, i))
            holm_judge_fail(judge, &holm_check_payload, sight->node,
                            "it has applied operation %" PRIu64 " of an actor of node %" PRIu64
                            " that minted %" PRIu64,
                            sight->view->seqs[i], holm_oracle_actor(sight->oracle, i).node.value,
                            holm_oracle_last(sight->oracle, i));
}

/* The same operation, but for a counter's entry, which is the sum of several. */
static bool same(const struct holm_sight *sight, const struct holm_cell_view *cell,
                 const struct holm_oracle_op *op)
{
    bool placed = op->effect == HOLM_ORACLE_PUT && op->kind == (enum holm_kind)cell->kind &&
                  holm_bytes_equal(holm_oracle_key(sight->oracle, op->key), cell->key) &&
                  holm_bytes_equal(op->path, cell->path) &&
                  holm_bytes_equal(op->element, cell->sub);
    if (!placed || cell->kind == HOLM_COUNTER)
        return placed;
    bool valued = cell->kind != HOLM_SET && cell->kind != HOLM_FLAG;
    return (!valued || holm_value_compare(&op->value, &cell->value) == 0) &&
           (op->hlc == 0 || op->hlc == cell->hlc);
}

/* What a node's folded epochs counted together. */
static bool is_folded(const struct holm_sight *sight, const struct holm_cell_view *cell)
{
    return cell->kind == HOLM_COUNTER && cell->dot.actor.epoch.value == 0 &&
           holm_vector_floor(sight->collected, cell->dot.actor.node).value != 0;
}

static void audit(struct holm_judge *judge, const struct holm_sight *sight)
{
    for (size_t i = 0; i < sight->cell_count; i++) {
        const struct holm_cell_view *cell = &sight->cells[i];
        if (is_folded(sight, cell))
            continue;
        if (sight->cell_ops[i] == HOLM_ORACLE_NONE) {
            holm_judge_fail(judge, &holm_check_payload, sight->node,
                            "it shows %.*s of operation %" PRIu64 " in epoch %" PRIx64
                            " that nobody wrote",
                            (int)cell->key.size, (const char *)cell->key.data, cell->dot.seq,
                            cell->dot.actor.epoch.value);
            return;
        }
        struct holm_oracle_op *op = holm_oracle_op(sight->oracle, sight->cell_ops[i]);
        if (!same(sight, cell, op)) {
            char text[200];
            holm_oracle_describe(sight->oracle, sight->cell_ops[i], text, sizeof text);
            holm_judge_fail(judge, &holm_check_payload, sight->node,
                            "under %.*s it shows something else as %s", (int)cell->key.size,
                            (const char *)cell->key.data, text);
            return;
        }
        if (cell->kind != HOLM_COUNTER)
            op->hlc = cell->hlc;
    }
    for (size_t i = 0; i < sight->tombstone_count; i++)
        if (sight->tombstone_ops[i] == HOLM_ORACLE_NONE)
            holm_judge_fail(judge, &holm_check_payload, sight->node,
                            "it has a tombstone that nobody put there");
}

const struct holm_checker holm_check_payload = {
    .name = "payload",
    .claim = "one dot has one payload, wherever it is, and none was made up",
    .look = look,
    .audit = audit,
    .event = event,
};
