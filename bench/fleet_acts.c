/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/fleet_parts.h"
#include "bench/measure.h"

#define LOSS_PERMILLE 100

static void drop(struct fleet *fleet, uint32_t at, uint32_t other, int way, uint32_t permille)
{
    fleet_tell(fleet, &fleet->ships[at], "drop n%" PRIu32 " %d %" PRIu32, other, way, permille);
}

static void expect(struct fleet *fleet, uint32_t a, uint32_t b, uint64_t since_ns)
{
    fleet_tell(fleet, &fleet->ships[a], "since n%" PRIu32 " %" PRIu64, b, since_ns);
    fleet_tell(fleet, &fleet->ships[b], "since n%" PRIu32 " %" PRIu64, a, since_ns);
}

static void cut(struct fleet *fleet, const struct trial_act *act)
{
    for (uint32_t i = 0; i < fleet->trial->nodes; i++)
        for (uint32_t j = 0; j < i; j++) {
            bool apart = act->verb == TRIAL_SPLIT
                             ? fleet->trial->node[i].part != fleet->trial->node[j].part
                             : i == act->node || j == act->node;
            if (!apart)
                continue;
            drop(fleet, i, j, 3, 1000);
            drop(fleet, j, i, 3, 1000);
            /* Who flaps is there all the while to whoever reads it. */
            if (act->verb == TRIAL_SPLIT)
                expect(fleet, i, j, 0);
        }
}

void fleet_expect_all(struct fleet *fleet)
{
    uint64_t now_ns = measure_now_ns();
    for (uint32_t i = 0; i < fleet->count; i++)
        for (uint32_t j = 0; j < i; j++)
            expect(fleet, i, j, now_ns);
}

static void lose(struct fleet *fleet)
{
    for (uint32_t i = 0; i < fleet->trial->nodes; i++)
        for (uint32_t j = 0; j < fleet->trial->nodes; j++)
            if (i != j)
                drop(fleet, i, j, 2, LOSS_PERMILLE);
}

static void stop_all(struct fleet *fleet)
{
    fleet->zero_ns = measure_now_ns();
    for (uint32_t i = 0; i < fleet->count; i++)
        fleet->ships[i].stopped = false;
    fleet_tell_all(fleet, fleet->scenario->fault == HOLM_BENCH_JOIN ? "stop 0" : "stop 1");
}

void fleet_act(struct fleet *fleet, const struct trial_act *act)
{
    switch (act->verb) {
    case TRIAL_SPLIT:
    case TRIAL_ISOLATE:
        cut(fleet, act);
        break;
    case TRIAL_MEND:
        fleet_tell_all(fleet, "heal");
        if (fleet->scenario->fault == HOLM_BENCH_SPLIT)
            fleet_expect_all(fleet);
        break;
    case TRIAL_DEAF:
        drop(fleet, act->node, act->other, 1, 1000);
        drop(fleet, act->other, act->node, 2, 1000);
        break;
    case TRIAL_LOSE:
        lose(fleet);
        break;
    case TRIAL_LEAVE:
    case TRIAL_CRASH:
    case TRIAL_BOMB:
        fleet_end(fleet, &fleet->ships[act->node], act->verb == TRIAL_LEAVE);
        break;
    case TRIAL_START:
        fleet_start(fleet, act->node);
        if (fleet->scenario->fault == HOLM_BENCH_CHURN)
            fleet_tell(fleet, &fleet->ships[act->node], "write %d", HOLM_BENCH_WRITE_EVERY_US);
        break;
    case TRIAL_END:
        stop_all(fleet);
        break;
    }
}
