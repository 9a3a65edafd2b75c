/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "sim/world/checker.h"
#include "sim/world/remains.h"

/* Whoever is a member, or was when it died, has had what has been collected where it counts as one: else something that it
 * wrote without, or will write, would come back to life. */

static void event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type == HOLM_WORLD_STARTED && event->node < HOLM_JUDGE_NODES_MAX)
        judge->members &= ~(UINT64_C(1) << event->node);
}

static void moment(struct holm_judge *judge)
{
    for (uint32_t i = 0; judge->config.waits && i < holm_world_count(judge->config.world) &&
                         i < HOLM_JUDGE_NODES_MAX;
         i++) {
        struct holm_world_standing standing;
        if (!holm_world_alive(judge->config.world, i))
            continue;
        holm_world_standing(judge->config.world, i, &standing);
        if (standing.figures.confirmed)
            judge->members |= UINT64_C(1) << i;
    }
}

static void audit(struct holm_judge *judge, const struct holm_sight *sight)
{
    uint64_t listed = 0;
    if (!judge->config.waits || sight->outside || sight->collected.count == 0)
        return;
    for (uint32_t i = 0; i < HOLM_JUDGE_NODES_MAX; i++)
        if ((judge->members >> i & 1) != 0 &&
            holm_remains_listed(judge->config.world, sight->node, i + UINT64_C(1)))
            listed |= UINT64_C(1) << i;
    for (uint32_t i = 0; i < judge->holder_counts[sight->partition]; i++) {
        const struct holm_oracle_op *op = holm_oracle_op(sight->oracle, i);
        uint64_t lack = listed & ~judge->holders[sight->partition][i];
        struct holm_dot dot = {holm_oracle_actor(sight->oracle, op->actor), op->seq};
        /* What is folded covers whatever that epoch may have written that nobody has seen. */
        if (lack == 0 || op->effect != HOLM_ORACLE_BURY || !holm_oracle_covers(sight->view, op) ||
            !holm_vector_has(sight->collected, dot))
            continue;
        char text[200];
        uint32_t who = 0;
        while ((lack >> who & 1) == 0)
            who++;
        holm_oracle_describe(sight->oracle, i, text, sizeof text);
        holm_judge_fail(judge, &holm_check_waits, sight->node,
                        "it has collected %s, which the member n%" PRIu32 " never had", text, who);
    }
}

const struct holm_checker holm_check_waits = {
    .name = "waits",
    .claim = "tombstones stay while a member has not had them",
    .audit = audit,
    .moment = moment,
    .event = event,
};
