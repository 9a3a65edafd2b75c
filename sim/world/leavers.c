/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/leavers.h"

#define PARTITIONS_MAX 64
/* As in node/leave.c. */
#define FAREWELL_US 1000000

static uint64_t bit(uint32_t node)
{
    HOLM_ASSERT(node < HOLM_LEAVERS_NODES_MAX);
    return UINT64_C(1) << node;
}

static uint32_t count_of(const struct holm_leavers *leavers)
{
    uint32_t count = holm_world_count(leavers->world);
    return count < HOLM_LEAVERS_NODES_MAX ? count : HOLM_LEAVERS_NODES_MAX;
}

void holm_leavers_ask(struct holm_leavers *leavers, uint32_t node)
{
    if ((leavers->saying & bit(node)) == 0)
        leavers->asked |= bit(node);
}

/* Who was calm is not any more. */
static void disturb(struct holm_leavers *leavers)
{
    uint64_t now_us = holm_world_now_us(leavers->world);
    leavers->calm_us = now_us;
    for (uint32_t i = 0; i < count_of(leavers); i++)
        if (now_us - leavers->said_us[i] < 3 * leavers->timeout_us)
            leavers->sure &= ~bit(i);
}

void holm_leavers_ended(struct holm_leavers *leavers, uint32_t node)
{
    bool sure = (leavers->sure & bit(node)) != 0, said = (leavers->saying & bit(node)) != 0;
    leavers->asked &= ~bit(node);
    leavers->saying &= ~bit(node);
    leavers->standing &= ~bit(node);
    disturb(leavers);
    if (!said)
        return;
    leavers->gone |= bit(node);
    leavers->sure |= sure ? bit(node) : 0;
    leavers->left++;
}

void holm_leavers_started(struct holm_leavers *leavers, uint32_t node)
{
    leavers->gone &= ~bit(node);
    leavers->sure &= ~bit(node);
}

/* ---- whether they see each other ------------------------------------------------------------ */

static bool is_whole(const struct holm_leavers *leavers, uint64_t nodes)
{
    for (uint32_t a = 0; a < count_of(leavers); a++)
        for (uint32_t b = 0; b < count_of(leavers); b++)
            if (a != b && (nodes & bit(a)) != 0 && (nodes & bit(b)) != 0 &&
                holm_world_path(leavers->world, a, b).cut)
                return false;
    return true;
}

static void look_around(struct holm_leavers *leavers)
{
    uint64_t standing = 0;
    for (uint32_t i = 0; i < count_of(leavers); i++)
        if (holm_world_alive(leavers->world, i) && !holm_world_paused(leavers->world, i))
            standing |= bit(i);
    if (standing != leavers->standing || !is_whole(leavers, standing))
        disturb(leavers);
    leavers->standing = standing;
}

static bool is_member(const struct holm_leavers *leavers, uint32_t node)
{
    struct holm_world_standing standing;
    holm_world_standing(leavers->world, node, &standing);
    return standing.figures.confirmed;
}

/* Whether all was well for long, and another member is there to hear of it. */
static bool is_sure(const struct holm_leavers *leavers, uint32_t node)
{
    bool heard = false;
    for (uint32_t i = 0; i < count_of(leavers); i++)
        heard |= i != node && (leavers->standing & bit(i)) != 0 && is_member(leavers, i);
    return heard && holm_world_now_us(leavers->world) - leavers->calm_us >= 3 * leavers->timeout_us;
}

/* ---- leaving -------------------------------------------------------------------------------- */

static bool may_leave(const struct holm_leavers *leavers, uint32_t node)
{
    struct holm_engine *engine = holm_world_engine(leavers->world, node);
    struct holm_world_standing standing;
    uint64_t seqs[PARTITIONS_MAX];
    uint32_t partitions = holm_engine_partitions(engine), up = holm_engine_peers_up(engine);
    HOLM_ASSERT(partitions <= PARTITIONS_MAX);
    holm_world_standing(leavers->world, node, &standing);
    if (!standing.figures.confirmed || standing.figures.journalled > 0 || up == 0)
        return false;
    holm_engine_minted(engine, seqs);
    return holm_engine_seen(engine, 0, seqs, partitions) >= up;
}

static void say(struct holm_leavers *leavers, uint32_t node)
{
    holm_world_tell(leavers->world, node, "says that it leaves for good");
    holm_engine_leave(holm_world_engine(leavers->world, node));
    (void)holm_engine_tick(holm_world_engine(leavers->world, node),
                           holm_world_clock(leavers->world, node));
    leavers->asked &= ~bit(node);
    leavers->saying |= bit(node);
    leavers->sure |= is_sure(leavers, node) ? bit(node) : 0;
    leavers->said_us[node] = holm_world_now_us(leavers->world);
}

static bool is_alone(const struct holm_leavers *leavers, uint32_t node)
{
    return holm_engine_peers_up(holm_world_engine(leavers->world, node)) == 0;
}

uint64_t holm_leavers_look(struct holm_leavers *leavers)
{
    uint64_t now_us = holm_world_now_us(leavers->world), ready = 0;
    look_around(leavers);
    for (uint32_t i = 0; i < count_of(leavers); i++) {
        if ((leavers->standing & bit(i)) == 0)
            continue;
        if ((leavers->asked & bit(i)) != 0 && may_leave(leavers, i))
            say(leavers, i);
        if ((leavers->saying & bit(i)) == 0)
            continue;
        bool alone = is_alone(leavers, i), late = now_us - leavers->said_us[i] >= FAREWELL_US;
        leavers->unheard += late && !alone;
        ready |= alone || late ? bit(i) : 0;
    }
    return ready;
}

uint64_t holm_leavers_heal(struct holm_leavers *leavers)
{
    leavers->asked = 0;
    return leavers->saying;
}
