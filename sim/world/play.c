/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/play.h"

#include <inttypes.h>
#include <stdlib.h>

#include "node/random.h"
#include "sim/world/heirs.h"
#include "sim/world/hostile.h"
#include "sim/world/leavers.h"
#include "sim/world/remains.h"
#include "sim/world/trace.h"

/* How often views are looked at while nothing else happens; contents at every so many looks. */
#define LOOK_US 50000
#define LOOKS_AN_AUDIT 4
/* While it converges. */
#define POLL_US 10000

struct player {
    const struct holm_plan *plan;
    const struct holm_play_options *options;
    struct holm_play_result *result;
    struct holm_world *world;
    struct holm_judge *judge;
    struct holm_hostile *hostile;
    struct holm_disk *backups[HOLM_PLAN_NODES_MAX];
    bool founded; /* there was a cluster */
    bool healing; /* an operator looks after what does not start by itself */
    struct holm_heirs heirs;
    struct holm_leavers leavers;
    bool leaves; /* somebody is to leave for good */
    uint64_t looks;
};

static void on_event(void *context, const struct holm_world_event *event)
{
    struct player *player = context;
    if (player->options->trace != NULL)
        holm_trace_line(player->options->trace, event);
    if (event->type == HOLM_WORLD_SENT) {
        player->result->frames++;
        player->result->bytes += event->frame.size;
        if (player->hostile != NULL)
            holm_hostile_overhear(player->hostile, event);
    }
    holm_judge_event(player->judge, event);
}

/* ---- nodes ---------------------------------------------------------------------------------- */

/* The first from here on, going round, that is none of these. */
static uint32_t first_from(const struct holm_plan_settings *settings, uint32_t node, uint64_t but)
{
    HOLM_ASSERT(settings->nodes > 0);
    uint32_t at = node % settings->nodes;
    for (uint32_t i = 0; i < settings->nodes && (but >> at & 1) != 0; i++)
        at = (at + 1) % settings->nodes;
    return at;
}

/* Who begins a cluster with retention `stable`. */
static uint32_t founder(const struct player *player)
{
    return first_from(&player->plan->settings, 0, player->plan->settings.absent);
}

static struct holm_world_node_config node_config(const struct player *player, uint32_t node)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    struct holm_world_node_config config = holm_world_node_config_default();
    config.engine = settings->engine;
    config.node_id = settings->clone_of[node] + 1;
    config.clock_ms = settings->clock_ms[node];
    config.clock_ppm = settings->clock_ppm[node];
    config.disk = settings->disk_lazy[node] > 0;
    config.engine.founds = node == founder(player) &&
                           (settings->founder_for_ever || player->healing || !player->founded);
    return config;
}

static bool is_stable(const struct player *player)
{
    return player->plan->settings.engine.retention == HOLM_RETENTION_STABLE;
}

/* Who has the id of this node, itself included. */
static uint64_t twins_of(const struct holm_plan_settings *settings, uint32_t node)
{
    uint64_t twins = 0;
    for (uint32_t i = 0; i < settings->nodes; i++)
        if (settings->clone_of[i] == settings->clone_of[node])
            twins |= UINT64_C(1) << i;
    return twins;
}

/* Whom a node is told to dial, of all `but` some. */
static uint64_t seeds_of(const struct player *player, uint32_t node, uint64_t but)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    uint32_t first = first_from(settings, 0, but), next = first_from(settings, node + 1, but);
    uint64_t all = 0;
    for (uint32_t i = 0; i < settings->nodes; i++)
        if (settings->clone_of[i] == i && i != settings->clone_of[node])
            all |= UINT64_C(1) << i;
    return settings->all_seeds
               ? all
               : UINT64_C(1) << next | UINT64_C(1) << (node == first ? next : first);
}

/* No operator has a node dial those alone who have left for good. */
static void dial(struct player *player, uint32_t node)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    uint64_t seeds = seeds_of(player, node, settings->absent | player->leavers.gone);
    for (uint32_t i = 0; i < settings->nodes; i++)
        if ((seeds >> i & 1) != 0)
            holm_world_join(player->world, node, i);
}

static void start(struct player *player, uint32_t node)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    struct holm_disk *disk = holm_world_disk(player->world, node);
    if (holm_world_alive(player->world, node) || (settings->absent >> node & 1) != 0)
        return;
    if (is_stable(player)) {
        struct holm_world_node_config config = node_config(player, node);
        holm_world_set(player->world, node, &config);
    }
    if (holm_world_start(player->world, node) != HOLM_OK) {
        /* A disk that cannot be read is replaced. */
        HOLM_ASSERT(disk != NULL);
        holm_disk_wipe(disk);
        holm_heirs_emptied(&player->heirs, node);
        holm_judge_emptied(player->judge, node);
        enum holm_status status = holm_world_start(player->world, node);
        HOLM_ASSERT(status == HOLM_OK);
    }
    dial(player, node);
    holm_heirs_started(&player->heirs, node, twins_of(settings, node));
    holm_leavers_started(&player->leavers, node);
    player->result->lives++;
}

static void add_nodes(struct player *player)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    for (uint32_t i = 0; i < settings->nodes; i++) {
        struct holm_world_node_config config = node_config(player, i);
        (void)holm_world_add(player->world, &config);
        if (config.disk)
            holm_disk_set_lazy(holm_world_disk(player->world, i), settings->disk_lazy[i]);
    }
}

static bool is_lasting(const struct holm_plan_settings *settings, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < settings->lasting_count; i++)
        if ((settings->lasting[i].from >> from & 1) != 0 &&
            (settings->lasting[i].to >> to & 1) != 0)
            return true;
    return false;
}

/* What the path of a direction is when it is well. */
static struct holm_network_path well(const struct holm_plan_settings *settings, uint32_t from,
                                     uint32_t to)
{
    struct holm_network_path path = settings->path;
    struct holm_random random = {settings->seed + (uint64_t)from * 64 + to};
    path.delay_us += path.delay_us * holm_random_between(&random, 0, settings->spread_permille) /
                     1000;
    path.cut = is_lasting(settings, from, to);
    return path;
}

static void set_paths(struct player *player)
{
    uint32_t nodes = player->plan->settings.nodes;
    for (uint32_t from = 0; from < nodes; from++)
        for (uint32_t to = 0; to < nodes; to++) {
            struct holm_network_path path = well(&player->plan->settings, from, to);
            if (from != to)
                holm_world_path_set(player->world, from, to, &path);
        }
}

/* ---- events --------------------------------------------------------------------------------- */

static void commit(struct player *player, const struct holm_plan_event *event)
{
    struct holm_receipt receipt;
    struct holm_op ops[HOLM_PLAN_OPS_MAX];
    uint32_t count = holm_plan_ops(player->plan, event, ops);
    enum holm_status status = holm_world_commit(player->world, event->node, ops, count, &receipt);
    player->result->commits++;
    player->result->operations += receipt.count;
    player->result->refused += status != HOLM_OK;
}

static void change_paths(struct player *player, const struct holm_plan_event *event)
{
    for (uint32_t from = 0; from < player->plan->settings.nodes; from++)
        for (uint32_t to = 0; to < player->plan->settings.nodes; to++) {
            bool meant = (event->from >> from & 1) != 0 && (event->to >> to & 1) != 0;
            if (from == to || !meant)
                continue;
            if (event->type == HOLM_PLAN_PATH) {
                struct holm_network_path path = player->plan->paths[event->path];
                path.cut = holm_world_path(player->world, from, to).cut;
                holm_world_path_set(player->world, from, to, &path);
            } else {
                holm_world_cut(player->world, from, to,
                               event->type == HOLM_PLAN_CUT ||
                                   is_lasting(&player->plan->settings, from, to));
            }
        }
}

static bool has_good_disk(const struct player *player, uint32_t node)
{
    const struct holm_disk *disk = holm_world_disk(player->world, node);
    return disk != NULL && !holm_disk_failed(disk);
}

/* Who is a member now counts as having what it has, as long as a disk keeps it. */
static void crash(struct player *player, uint32_t node)
{
    bool keeps = has_good_disk(player, node);
    if (is_stable(player))
        holm_heirs_look(&player->heirs, player->world);
    holm_world_crash(player->world, node);
    holm_leavers_ended(&player->leavers, node);
    if (!keeps)
        holm_heirs_emptied(&player->heirs, node);
}

static void restore(struct player *player, uint32_t node)
{
    struct holm_disk *disk = holm_world_disk(player->world, node);
    if (disk == NULL || player->backups[node] == NULL)
        return;
    if (holm_world_alive(player->world, node))
        crash(player, node);
    holm_disk_copy(disk, player->backups[node]);
    holm_heirs_restored(&player->heirs, node);
    holm_judge_emptied(player->judge, node);
    start(player, node);
}

static void back_up(struct player *player, uint32_t node)
{
    struct holm_disk *disk = holm_world_disk(player->world, node);
    if (disk == NULL)
        return;
    if (player->backups[node] == NULL)
        player->backups[node] = holm_disk_new(
            holm_world_disk_partitions(&player->plan->settings.engine));
    holm_disk_copy(player->backups[node], disk);
    holm_heirs_backed_up(&player->heirs, node, has_good_disk(player, node));
}

static void clone(struct player *player, const struct holm_plan_event *event)
{
    struct holm_disk *source = holm_world_disk(player->world, event->node);
    struct holm_disk *target = holm_world_disk(player->world, event->other);
    if (holm_world_alive(player->world, event->other) || source == NULL || target == NULL)
        return;
    holm_disk_copy(target, source);
    holm_judge_emptied(player->judge, event->other);
    if (has_good_disk(player, event->node))
        holm_heirs_cloned(&player->heirs, event->node, event->other);
    start(player, event->other);
}

static void set_disk(struct player *player, uint32_t node, enum holm_disk_fault fault)
{
    if (holm_world_disk(player->world, node) != NULL)
        holm_disk_set_fault(holm_world_disk(player->world, node), fault);
}

static void to_living(struct player *player, const struct holm_plan_event *event)
{
    struct holm_world *world = player->world;
    if (!holm_world_alive(world, event->node))
        return;
    if (event->type == HOLM_PLAN_LEAVE && event->amount == 1 && is_stable(player)) {
        holm_leavers_ask(&player->leavers, event->node);
        return;
    }
    if (is_stable(player))
        holm_heirs_look(&player->heirs, world);
    if (event->type == HOLM_PLAN_BOMB ||
        (event->type == HOLM_PLAN_LEAVE && !has_good_disk(player, event->node)))
        holm_heirs_emptied(&player->heirs, event->node);
    if (event->type == HOLM_PLAN_CRASH)
        crash(player, event->node);
    else if (event->type == HOLM_PLAN_BOMB)
        holm_world_bomb(world, event->node);
    else if (event->type == HOLM_PLAN_LEAVE)
        holm_world_leave(world, event->node, event->amount == 1);
    if (!holm_world_alive(world, event->node))
        holm_leavers_ended(&player->leavers, event->node);
    else if (event->type == HOLM_PLAN_PAUSE)
        holm_world_pause(world, event->node);
    else
        holm_world_resume(world, event->node);
}

static void forget(struct player *player, const struct holm_plan_event *event)
{
    if (!is_stable(player) || event->node == event->other)
        return;
    enum holm_status status = holm_world_forget(player->world, event->node, event->other);
    player->heirs.harmed |= status == HOLM_OK;
    holm_world_tell(player->world, event->node, "forgets n%" PRIu32 ": %s", event->other,
                    holm_status_name(status));
}

static void come_back(struct player *player, uint32_t node)
{
    for (uint32_t i = 0; i < player->plan->settings.nodes; i++) {
        holm_world_cut(player->world, i, node, is_lasting(&player->plan->settings, i, node));
        holm_world_cut(player->world, node, i, is_lasting(&player->plan->settings, node, i));
    }
    start(player, node);
    if (holm_world_paused(player->world, node))
        holm_world_resume(player->world, node);
}

static void apply(struct player *player, const struct holm_plan_event *event)
{
    char text[400];
    if (event->type != HOLM_PLAN_COMMIT) {
        holm_plan_describe(player->plan, event, text, sizeof text);
        holm_world_tell(player->world, HOLM_WORLD_NOBODY, "[%" PRIu32 "] %s", event->number, text);
    }
    switch (event->type) {
    case HOLM_PLAN_COMMIT:
        /* Who is frozen cannot write, and who has said that it leaves does not. */
        if (!holm_world_paused(player->world, event->node) &&
            (player->leavers.saying >> event->node & 1) == 0)
            commit(player, event);
        break;
    case HOLM_PLAN_CRASH:
    case HOLM_PLAN_BOMB:
    case HOLM_PLAN_LEAVE:
    case HOLM_PLAN_PAUSE:
    case HOLM_PLAN_RESUME:
        to_living(player, event);
        break;
    case HOLM_PLAN_START:
        start(player, event->node);
        break;
    case HOLM_PLAN_CUT:
    case HOLM_PLAN_HEAL:
    case HOLM_PLAN_PATH:
        change_paths(player, event);
        break;
    case HOLM_PLAN_JUMP:
        holm_world_clock_jump(player->world, event->node, event->amount);
        break;
    case HOLM_PLAN_DRIFT:
        holm_world_clock_drift(player->world, event->node, (int32_t)event->amount);
        break;
    case HOLM_PLAN_DISK:
        set_disk(player, event->node, (enum holm_disk_fault)event->amount);
        break;
    case HOLM_PLAN_BACKUP:
        back_up(player, event->node);
        break;
    case HOLM_PLAN_RESTORE:
        restore(player, event->node);
        break;
    case HOLM_PLAN_CLONE:
        clone(player, event);
        break;
    case HOLM_PLAN_HOSTILE:
        holm_hostile_attack(player->hostile, event->node, (uint64_t)event->amount);
        break;
    case HOLM_PLAN_FORGET:
        forget(player, event);
        break;
    case HOLM_PLAN_RETURN:
        come_back(player, event->node);
        break;
    case HOLM_PLAN_TYPES:
        break;
    }
}

/* ---- the story ------------------------------------------------------------------------------ */

/* Whether any node is a member. */
static bool has_member(const struct player *player)
{
    bool found = false;
    for (uint32_t i = 0; is_stable(player) && i < player->plan->settings.nodes && !found; i++) {
        struct holm_engine *engine = holm_world_engine(player->world, i);
        struct holm_engine_membership membership = {.confirmed = false};
        if (engine != NULL)
            holm_engine_membership(engine, &membership);
        found = membership.confirmed;
    }
    return found;
}

/* All have lost all they had, and the founder of them would wait for somebody to have something. */
static bool has_nothing(const struct player *player)
{
    bool nothing = holm_world_alive(player->world, founder(player));
    for (uint32_t i = 0; nothing && i < player->plan->settings.nodes; i++) {
        struct holm_world_standing standing;
        if (!holm_world_alive(player->world, i))
            continue;
        holm_world_standing(player->world, i, &standing);
        nothing = standing.state.epoch.value == 0;
    }
    return nothing;
}

static bool broken(const struct player *player)
{
    return player->judge->verdict.broken;
}

/* Those who are through with it leave. */
static void part(struct player *player, uint64_t nodes)
{
    for (uint32_t i = 0; i < player->plan->settings.nodes; i++) {
        if ((nodes >> i & 1) == 0)
            continue;
        holm_heirs_look(&player->heirs, player->world);
        if (!has_good_disk(player, i))
            holm_heirs_emptied(&player->heirs, i);
        player->heirs.harmed = true;
        holm_world_leave(player->world, i, true);
        holm_leavers_ended(&player->leavers, i);
        holm_judge_parted(player->judge, i);
    }
}

static void look(struct player *player)
{
    if (is_stable(player)) {
        holm_heirs_look(&player->heirs, player->world);
        if (player->leaves)
            part(player, holm_leavers_look(&player->leavers));
    }
    player->founded = player->founded || has_member(player);
    if (++player->looks % LOOKS_AN_AUDIT == 0)
        holm_judge_audit(player->judge);
    else
        holm_judge_look(player->judge);
}

static void advance(struct player *player, uint64_t to_us)
{
    while (!broken(player) && holm_world_now_us(player->world) < to_us) {
        uint64_t next_us = holm_world_now_us(player->world) / LOOK_US * LOOK_US + LOOK_US;
        holm_world_run(player->world, next_us < to_us ? next_us : to_us);
        if (next_us <= to_us)
            look(player);
    }
}

static void play_safety(struct player *player)
{
    const struct holm_plan *plan = player->plan;
    for (size_t i = 0; i < plan->count && !broken(player); i++) {
        advance(player, plan->events[i].at_us);
        apply(player, &plan->events[i]);
    }
    advance(player, plan->settings.safety_us);
}

static uint64_t core_of(const struct player *player)
{
    return holm_remains_core(&player->plan->settings, player->leavers.gone);
}

/* Whether some are not there that nobody forgets. */
static bool waits(const struct player *player)
{
    return holm_remains_wait(&player->plan->settings, player->leavers.gone);
}

/* Who is not of the core is broken for good. */
static void break_one(struct player *player, uint32_t node)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    struct holm_world *world = player->world;
    bool dead = settings->broken == HOLM_BROKEN_DEAD || settings->clone_of[node] != node;
    if (dead && holm_world_alive(world, node))
        holm_world_crash(world, node);
    if (settings->broken == HOLM_BROKEN_PAUSED && holm_world_alive(world, node))
        holm_world_pause(world, node);
    for (uint32_t i = 0; i < settings->nodes; i++) {
        if ((core_of(player) >> i & 1) == 0)
            continue;
        if (settings->broken == HOLM_BROKEN_CUT || settings->broken == HOLM_BROKEN_DEAF)
            holm_world_cut(world, i, node, true);
        if (settings->broken == HOLM_BROKEN_CUT || settings->broken == HOLM_BROKEN_MUTE)
            holm_world_cut(world, node, i, true);
    }
}

static void mend_one(struct player *player, uint32_t node)
{
    struct holm_world *world = player->world;
    struct holm_disk *disk = holm_world_disk(world, node);
    bool failed = disk != NULL && holm_disk_failed(disk);
    set_disk(player, node, HOLM_DISK_WELL);
    if (failed && holm_world_alive(world, node))
        crash(player, node);
    start(player, node);
    if (holm_world_paused(world, node))
        holm_world_resume(world, node);
}

static void heal(struct player *player)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    holm_world_tell(player->world, HOLM_WORLD_NOBODY, "heal");
    player->healing = true;
    if (player->hostile != NULL)
        holm_hostile_end(player->hostile);
    set_paths(player);
    part(player, holm_leavers_heal(&player->leavers));
    player->leavers.healed_us = holm_world_now_us(player->world);
    for (uint32_t i = 0; i < settings->nodes; i++) {
        if ((core_of(player) >> i & 1) != 0) {
            mend_one(player, i);
            if (player->leavers.gone != 0 &&
                holm_engine_peers(holm_world_engine(player->world, i),
                                  holm_world_clock(player->world, i), NULL, 0) == 0)
                dial(player, i);
        } else if ((player->leavers.gone >> i & 1) == 0)
            break_one(player, i);
    }
    if (is_stable(player) && has_nothing(player)) {
        holm_world_crash(player->world, founder(player));
        start(player, founder(player));
    }
    holm_judge_healed(player->judge, core_of(player));
}

/* ---- an operator, once all has healed that will --------------------------------------------- */

/* Those of the rest, if they are not waited for; those who left, perhaps unheard. */
static void look_after(struct player *player)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    uint64_t gone = player->leavers.gone;
    uint64_t nodes = settings->forgets_rest ? holm_remains_rest(settings, gone) : 0;
    uint32_t at = is_stable(player) ? holm_remains_spokesman(player->world, core_of(player))
                                    : HOLM_WORLD_NOBODY;
    if (holm_world_now_us(player->world) - player->leavers.healed_us >
        3 * settings->engine.link_timeout_us)
        nodes |= gone & ~player->leavers.sure;
    for (uint32_t i = 0; i < settings->nodes && at != HOLM_WORLD_NOBODY; i++) {
        if ((nodes >> i & 1) == 0 ||
            !holm_remains_listed(player->world, at, settings->clone_of[i] + UINT64_C(1)))
            continue;
        struct holm_plan_event event = {.type = HOLM_PLAN_FORGET, .node = at, .other = i};
        forget(player, &event);
        player->judge->let_go |= UINT64_C(1) << i;
    }
}

/* By now each link to who has left was found dead, and who was cut off has been told: whom somebody misses still is missed. */
static bool leaves_settled(const struct player *player)
{
    uint64_t healed_us = holm_world_now_us(player->world) - player->leavers.healed_us;
    return healed_us >= 3 * player->plan->settings.engine.link_timeout_us ||
           holm_judge_leaves_known(player->judge);
}

struct agreement {
    struct player *player;
    uint64_t polls;
};

static bool agreed(void *context, struct holm_world *world)
{
    struct agreement *agreement = context;
    if (++agreement->polls % (LOOK_US / POLL_US) == 0) {
        holm_judge_look(agreement->player->judge);
        look_after(agreement->player);
    }
    return broken(agreement->player) ||
           (holm_world_agree(world, core_of(agreement->player)) &&
            (!is_stable(agreement->player) ||
             holm_remains_agree(&agreement->player->plan->settings, world,
                                agreement->player->leavers.gone)) &&
            leaves_settled(agreement->player));
}

static bool collected(void *context, struct holm_world *world)
{
    struct agreement *agreement = context;
    struct holm_judge *judge = agreement->player->judge;
    uint32_t left_at;
    (void)world;
    if (++agreement->polls % (LOOK_US / POLL_US) == 0)
        holm_judge_look(judge);
    /* What stays while a member has not reported, is waited for in vain. */
    return broken(agreement->player) ||
           (!waits(agreement->player) && holm_judge_is_collected(judge, &left_at));
}

static void play_collection(struct player *player)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    struct agreement agreement = {player, 0};
    if (!is_stable(player) || player->result->stuck || broken(player))
        return;
    uint64_t to_us = holm_world_now_us(player->world) + settings->collect_bound_us;
    bool in_time = holm_world_run_until(player->world, to_us, POLL_US, collected, &agreement);
    if (broken(player))
        return;
    bool waited = waits(player);
    holm_world_tell(player->world, HOLM_WORLD_NOBODY,
                    in_time  ? "collected"
                    : waited ? "waited"
                             : "time is up");
    holm_judge_settled(player->judge, in_time || waited);
}

/* Whether nobody can go on, and that is right. */
static bool is_stuck(struct player *player)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    player->heirs.harmed |= settings->engine.forget_after_us > 0 &&
                            player->judge->forgotten_count > 0;
    if (!is_stable(player) || !holm_world_stuck(player->world, core_of(player)))
        return false;
    uint32_t left = holm_heirs_left(&player->heirs, player->judge, core_of(player));
    if (left != HOLM_WORLD_NOBODY)
        holm_world_tell(player->world, left, "nothing was done to it that keeps it from going on");
    return left == HOLM_WORLD_NOBODY;
}

static void play_liveness(struct player *player)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    struct agreement agreement = {player, 0};
    uint64_t healed_us = holm_world_now_us(player->world);
    bool in_time = holm_world_run_until(player->world, healed_us + settings->bound_us, POLL_US,
                                        agreed, &agreement);
    player->result->converged_us = holm_world_now_us(player->world) - healed_us;
    if (broken(player))
        return;
    if (!in_time && is_stuck(player)) {
        holm_world_tell(player->world, HOLM_WORLD_NOBODY, "nobody is left who can go on");
        player->result->stuck = true;
        return;
    }
    holm_world_tell(player->world, HOLM_WORLD_NOBODY, in_time ? "converged" : "time is up");
    if (!in_time && is_stable(player))
        holm_world_tell_standings(player->world);
    holm_judge_converged(player->judge, in_time);
}

static bool has_clones(const struct holm_plan_settings *settings)
{
    bool any = false;
    for (uint32_t i = 0; i < settings->nodes; i++)
        any |= settings->clone_of[i] != i;
    return any;
}

/* Time-outs and back-offs of the story run out before the rounds are counted, and what lasts so many
 * beacons (node/engine_relay.c). */
static void play_quiet(struct player *player)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    const struct holm_engine_config *engine = &settings->engine;
    if (settings->quiet_rounds == 0 || broken(player) || player->result->stuck)
        return;
    uint64_t calm_us = 15000000 + 4 * engine->link_timeout_us + 70 * engine->beacon_interval_us;
    /* Of two with one id each took a higher epoch than the other's, ever more rarely; the last may come long after
     * one of them has gone, and is admitted anew. */
    if (is_stable(player) && has_clones(settings))
        calm_us += 128 * engine->redial_interval_us;
    uint64_t now_us = holm_world_now_us(player->world) + calm_us;
    holm_world_run(player->world, now_us);
    holm_world_tell(player->world, HOLM_WORLD_NOBODY, "quiet");
    holm_judge_quiet(player->judge, true);
    holm_world_run(player->world, now_us + settings->quiet_rounds * engine->beacon_interval_us);
    holm_judge_quiet(player->judge, false);
    holm_judge_converged(player->judge, holm_world_agree(player->world, core_of(player)));
}

static void sum_up(struct player *player)
{
    struct holm_play_result *result = player->result;
    result->virtual_us = holm_world_now_us(player->world);
    result->looks = player->judge->looks;
    result->readings = holm_world_readings(player->world);
    result->audits = player->judge->audits;
    result->left = player->leavers.left;
    result->unheard = player->leavers.unheard;
    for (uint64_t rest = player->judge->let_go; rest != 0; rest &= rest - 1)
        result->forgotten++;
    for (uint32_t i = 0; i < holm_world_count(player->world); i++) {
        struct holm_engine *engine = holm_world_engine(player->world, i);
        struct holm_stats stats;
        result->drives += holm_world_drives(player->world, i);
        if (holm_world_heap_peak(player->world, i) > result->heap_peak)
            result->heap_peak = holm_world_heap_peak(player->world, i);
        if (engine == NULL)
            continue;
        holm_engine_stats(engine, &stats);
        result->pulls += stats.pulls;
        if (waits(player) && (core_of(player) >> i & 1) != 0)
            result->waiting += stats.tombstones;
        result->syncs += stats.syncs;
        struct holm_engine_membership figures;
        holm_engine_membership(engine, &figures);
        result->collected += figures.collected;
        result->folded += figures.folded;
        result->replaced += figures.replaced;
    }
}

/* The end of the world, which may still show what was left behind. */
static void end_lives(struct player *player)
{
    struct holm_play_result *result = player->result;
    for (uint32_t i = 0; i < holm_world_count(player->world); i++)
        if (holm_world_alive(player->world, i))
            holm_world_crash(player->world, i);
    result->verdict = player->judge->verdict;
    result->hash = holm_world_hash(player->world);
}

static void open_world(struct player *player)
{
    const struct holm_plan_settings *settings = &player->plan->settings;
    struct holm_world_config config = holm_world_config_default(settings->seed);
    config.path = settings->path;
    config.causes = true;
    config.steady = true;
    config.hook = (struct holm_world_hook){on_event, player};
    enum holm_status status = holm_world_new(&config, &player->world);
    HOLM_ASSERT(status == HOLM_OK);
    for (size_t i = 0; i < player->plan->count; i++)
        player->leaves |= player->plan->events[i].type == HOLM_PLAN_LEAVE &&
                          player->plan->events[i].amount == 1;
    struct holm_judge_config judge = {
        .world = player->world,
        .partitions = settings->engine.partitions,
        .bound_us = settings->bound_us,
        .stable = is_stable(player),
        .waits = is_stable(player) && (settings->remains || player->leaves || settings->hostile),
        .collect_bound_us = settings->collect_bound_us,
        .only = player->options->only,
        .heap_bytes_max = settings->heap_bytes_max,
        .frame_bytes_max = settings->engine.frame_bytes_max,
        .outbox_bytes_max = settings->engine.outbox_bytes_max,
        .drives_a_round = 100 + 20 * (uint64_t)settings->nodes,
        .beacon_interval_us = settings->engine.beacon_interval_us};
    player->judge = holm_judge_new(&judge);
    player->leavers = (struct holm_leavers){.world = player->world,
                                            .timeout_us = settings->engine.link_timeout_us};
    add_nodes(player);
    set_paths(player);
    if (settings->hostile)
        player->hostile = holm_hostile_new(player->world, player->judge, settings->seed);
}

void holm_play(const struct holm_plan *plan, const struct holm_play_options *options,
               struct holm_play_result *result)
{
    struct player player = {.plan = plan, .options = options, .result = result};
    *result = (struct holm_play_result){.hash = 0};
    open_world(&player);
    for (uint32_t i = 0; i < plan->settings.nodes; i++)
        if ((plan->settings.initial >> i & 1) != 0)
            start(&player, i);
    play_safety(&player);
    if (!broken(&player)) {
        heal(&player);
        play_liveness(&player);
        play_collection(&player);
        play_quiet(&player);
    }
    player.result->blind = holm_judge_is_blind(player.judge, HOLM_WORLD_NOBODY);
    sum_up(&player);
    end_lives(&player);
    holm_hostile_free(player.hostile);
    holm_world_free(player.world);
    holm_judge_free(player.judge);
    for (uint32_t i = 0; i < HOLM_PLAN_NODES_MAX; i++)
        holm_disk_free(player.backups[i]);
}
