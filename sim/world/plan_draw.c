/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "node/random.h"
#include "sim/world/plan.h"

/* More than any preset has by itself; and the least that a node can be configured with (node/config.c). */
#define CROWD 16
#define CROWD_FRAME_BYTES ((size_t)64 << 10)
#define KIB ((size_t)1024)

struct drawing {
    struct holm_plan *plan;
    const struct holm_preset *preset;
    struct holm_random random;
    uint32_t key_count;
    struct holm_random aside; /* what is drawn of it changes nothing of the rest */
};

static uint64_t between(struct drawing *drawing, uint64_t low, uint64_t high)
{
    return holm_random_between(&drawing->random, low, high);
}

static uint32_t below(struct drawing *drawing, uint64_t bound)
{
    return (uint32_t)between(drawing, 0, bound - 1);
}

static uint32_t of(struct drawing *drawing, struct holm_preset_range range)
{
    return (uint32_t)between(drawing, range.low, range.high);
}

static bool chance(struct drawing *drawing, uint32_t permille)
{
    return below(drawing, 1000) < permille;
}

static uint64_t bit(uint32_t node)
{
    return UINT64_C(1) << node;
}

/* The first so many. */
static uint64_t all_of(uint32_t nodes)
{
    return UINT64_MAX >> (HOLM_PLAN_NODES_MAX - nodes);
}

/* ---- settings ------------------------------------------------------------------------------- */

static void draw_engine(struct drawing *drawing)
{
    static const size_t frames[] = {4, 16, 64, 1024};
    struct holm_engine_config *engine = &drawing->plan->settings.engine;
    const struct holm_preset *preset = drawing->preset;
    engine->partitions = 1 + below(drawing, 3);
    engine->flush_interval_us = chance(drawing, 300) ? between(drawing, 100, 50000) : 1000;
    engine->beacon_interval_us = (uint64_t)of(drawing, preset->beacon_ms) * 1000;
    /* A link that is only slow must not be taken for a dead one: a question may be lost, and its
     * answer, too. */
    const struct holm_network_path *path = &drawing->plan->settings.path;
    uint64_t slowest_us = path->delay_us * 3 + path->jitter_us + path->resend_us;
    engine->link_timeout_us = between(drawing, 1000, 5000) * 1000;
    if (engine->link_timeout_us < 6 * slowest_us)
        engine->link_timeout_us = 6 * slowest_us;
    engine->redial_interval_us = between(drawing, 200, 2000) * 1000;
    engine->ordered = chance(drawing, 300);
    engine->relay = chance(drawing, 200);
    engine->frame_bytes_max = frames[below(drawing, 4)] * KIB;
    engine->log_bytes_max = of(drawing, preset->log_kib) * KIB * engine->partitions;
    engine->holdback_bytes_max = between(drawing, 4, 256) * KIB * engine->partitions;
    engine->unacked_bytes_max = engine->holdback_bytes_max / 4; /* small ones, too: peers lag */
    engine->outbox_bytes_max = 4096 * KIB;
}

static struct holm_network_path draw_path(struct drawing *drawing)
{
    const struct holm_preset *preset = drawing->preset;
    struct holm_network_path path = holm_network_path_default();
    path.delay_us = of(drawing, preset->delay_us);
    path.jitter_us = of(drawing, preset->jitter_us);
    path.loss_permille = of(drawing, preset->loss);
    path.duplicate_permille = of(drawing, preset->duplicate);
    path.reorder_permille = of(drawing, preset->reorder);
    path.reorder_us = between(drawing, 100, 200000);
    path.resend_us = between(drawing, 20000, 400000);
    if (chance(drawing, preset->slow_permille))
        path.bytes_per_s = between(drawing, 20, 1000) * KIB;
    return path;
}

static void draw_nodes(struct drawing *drawing)
{
    struct holm_plan_settings *settings = &drawing->plan->settings;
    const struct holm_preset *preset = drawing->preset;
    int64_t skew = preset->skew_ms;
    for (uint32_t i = 0; i < settings->nodes; i++) {
        settings->clock_ms[i] = (int64_t)between(drawing, 0, 2 * (uint64_t)skew) - skew;
        if (chance(drawing, preset->disk_permille))
            settings->disk_lazy[i] = chance(drawing, preset->lazy_permille)
                                         ? (uint32_t)between(drawing, 2, 20)
                                         : 1;
    }
}

static void draw_settings(struct drawing *drawing, uint32_t nodes)
{
    struct holm_plan_settings *settings = &drawing->plan->settings;
    const struct holm_preset *preset = drawing->preset;
    uint32_t late = of(drawing, preset->late);
    settings->preset = preset->name;
    settings->initial = all_of(nodes);
    settings->nodes = nodes + late > HOLM_PLAN_NODES_MAX - 2 ? nodes : nodes + late;
    settings->core = all_of(settings->nodes);
    settings->all_seeds = chance(drawing, 500);
    settings->safety_us = (uint64_t)of(drawing, preset->safety_ms) * 1000;
    settings->spread_permille = below(drawing, 2) * below(drawing, 2000);
    settings->path = draw_path(drawing);
    draw_engine(drawing);
    draw_nodes(drawing);
    settings->hostile = preset->attacks.high > 0;
    const struct holm_engine_config *engine = &settings->engine;
    settings->heap_bytes_max = 512 * KIB + 2 * engine->holdback_bytes_max +
                               engine->partitions * engine->frame_bytes_max;
    settings->bound_us = 60000000 + 4 * engine->link_timeout_us + 10 * engine->beacon_interval_us;
    settings->quiet_rounds = chance(drawing, 250) ? 100 : 0;
}

static uint32_t population(uint64_t nodes)
{
    uint32_t count = 0;
    for (; nodes != 0; nodes &= nodes - 1)
        count++;
    return count;
}

/* A part of the nodes, neither none nor all. */
static uint64_t draw_part(struct drawing *drawing)
{
    uint64_t all = all_of(drawing->plan->settings.nodes);
    for (;;) {
        uint64_t part = holm_random_next(&drawing->random) & all;
        if (part != 0 && part != all)
            return part;
    }
}

static void draw_core(struct drawing *drawing)
{
    struct holm_plan_settings *settings = &drawing->plan->settings;
    if (settings->nodes < 3 || !chance(drawing, drawing->preset->core_permille))
        return;
    do
        settings->core = draw_part(drawing);
    while (population(settings->core) < 2);
    settings->broken = (enum holm_plan_broken)below(drawing, 5);
    /* Who was bombed must find a core that it has never met. */
    settings->all_seeds = true;
}

/* ---- operations ----------------------------------------------------------------------------- */

#define TEXTS 64

static struct holm_value draw_value(struct drawing *drawing)
{
    static char large[4000];
    memset(large, 'v', sizeof large);
    uint32_t kind = below(drawing, 20);
    if (kind == 0)
        return holm_bytes_value(large, below(drawing, sizeof large / 4));
    if (kind < 4)
        return holm_text(drawing->plan->texts[below(drawing, TEXTS)]);
    if (kind == 4)
        return holm_double((double)below(drawing, 1000) / 8);
    if (kind == 5)
        return holm_bool(chance(drawing, 500));
    return holm_i64((int64_t)below(drawing, 1000000));
}

static enum holm_op_type draw_type(struct drawing *drawing)
{
    static const struct {
        enum holm_op_type type;
        uint32_t weight;
    } types[] = {
        {HOLM_OP_PUT, 30},   {HOLM_OP_ADD, 20},    {HOLM_OP_INSERT, 12}, {HOLM_OP_ERASE, 7},
        {HOLM_OP_ENABLE, 5}, {HOLM_OP_DISABLE, 4}, {HOLM_OP_RAISE, 5},   {HOLM_OP_LOWER, 4},
        {HOLM_OP_RESET, 5},  {HOLM_OP_REMOVE, 6},  {HOLM_OP_BURY, 2},
    };
    uint32_t at = below(drawing, 100);
    for (size_t i = 0;; i++) {
        if (at < types[i].weight)
            return types[i].type;
        at -= types[i].weight;
    }
}

static struct holm_op draw_op(struct drawing *drawing, struct holm_bytes key)
{
    static const char *const fields[] = {"", "a", "b", "c"};
    static const struct holm_bytes names[] = {{"in", 2}, {"deep", 4}};
    struct holm_op op = holm_op_of(draw_type(drawing), key, holm_str(fields[below(drawing, 4)]));
    if (holm_random_between(&drawing->aside, 0, 999) < drawing->preset->bury_permille)
        return holm_op_bury(key);
    if (chance(drawing, 200))
        op.parents = holm_path_of(names, 1 + below(drawing, 2));
    switch (op.type) {
    case HOLM_OP_PUT:
    case HOLM_OP_RAISE:
    case HOLM_OP_LOWER:
        op.as.value = draw_value(drawing);
        break;
    case HOLM_OP_ADD:
        op.as.amount = (int64_t)below(drawing, 200) - 80;
        break;
    case HOLM_OP_INSERT:
    case HOLM_OP_ERASE:
        op.as.element = holm_str(drawing->plan->texts[below(drawing, 8)]);
        break;
    case HOLM_OP_BURY:
        op = holm_op_bury(key);
        break;
    case HOLM_OP_RESET:
    case HOLM_OP_ENABLE:
    case HOLM_OP_DISABLE:
    case HOLM_OP_REMOVE:
        break;
    }
    return op;
}

static void draw_commits(struct drawing *drawing)
{
    struct holm_plan *plan = drawing->plan;
    uint32_t count = of(drawing, drawing->preset->commits);
    uint64_t burst_us = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct holm_op ops[4];
        size_t op_count = chance(drawing, 700) ? 1 : 1 + below(drawing, 4);
        uint32_t key = below(drawing, drawing->key_count);
        for (size_t j = 0; j < op_count; j++)
            ops[j] = draw_op(drawing, holm_str(plan->texts[TEXTS / 2 + key]));
        /* Half of them come at the heels of others. */
        if (burst_us == 0 || chance(drawing, 500))
            burst_us = between(drawing, 1, plan->settings.safety_us);
        else
            burst_us += below(drawing, 3000);
        if (burst_us > plan->settings.safety_us)
            burst_us = plan->settings.safety_us;
        holm_plan_commit(plan, burst_us, below(drawing, plan->settings.nodes), ops, op_count);
    }
}

/* ---- faults --------------------------------------------------------------------------------- */

static uint64_t draw_time(struct drawing *drawing)
{
    return between(drawing, 1, drawing->plan->settings.safety_us);
}

/* When something that began at `at_us` ends: soon, mostly; or not before the heal. */
static uint64_t draw_end(struct drawing *drawing, uint64_t at_us)
{
    static const uint64_t lasts_us[] = {1000, 50000, 500000, 3000000, 10000000};
    return at_us + 1 + between(drawing, 0, lasts_us[below(drawing, 5)]);
}

static void draw_lives(struct drawing *drawing, struct holm_preset_range range,
                       enum holm_plan_event_type begin, enum holm_plan_event_type end)
{
    for (uint32_t i = of(drawing, range); i > 0; i--) {
        uint64_t at_us = draw_time(drawing);
        uint32_t node = below(drawing, drawing->plan->settings.nodes);
        (void)holm_plan_add(drawing->plan, at_us, begin, node);
        (void)holm_plan_add(drawing->plan, draw_end(drawing, at_us), end, node);
    }
}

static void cut(struct drawing *drawing, uint64_t at_us, uint64_t end_us, uint64_t from,
                uint64_t to)
{
    struct holm_plan_event *event = holm_plan_add(drawing->plan, at_us, HOLM_PLAN_CUT, 0);
    event->from = from;
    event->to = to;
    event = holm_plan_add(drawing->plan, end_us, HOLM_PLAN_HEAL, 0);
    event->from = from;
    event->to = to;
}

static void cut_both(struct drawing *drawing, uint64_t at_us, uint64_t end_us, uint64_t one,
                     uint64_t other)
{
    cut(drawing, at_us, end_us, one, other);
    cut(drawing, at_us, end_us, other, one);
}

static void draw_cuts(struct drawing *drawing)
{
    const struct holm_preset *preset = drawing->preset;
    uint32_t nodes = drawing->plan->settings.nodes;
    uint64_t all = all_of(nodes);
    for (uint32_t i = of(drawing, preset->one_ways); i > 0; i--) {
        uint64_t at_us = draw_time(drawing);
        cut(drawing, at_us, draw_end(drawing, at_us), draw_part(drawing),
            bit(below(drawing, nodes)));
    }
    for (uint32_t i = of(drawing, preset->splits); i > 0; i--) {
        uint64_t at_us = draw_time(drawing), part = draw_part(drawing);
        cut_both(drawing, at_us, draw_end(drawing, at_us), part, all & ~part);
    }
    for (uint32_t i = of(drawing, preset->islands); i > 0; i--) {
        uint64_t at_us = draw_time(drawing), alone = bit(below(drawing, nodes));
        cut_both(drawing, at_us, draw_end(drawing, at_us), alone, all & ~alone);
    }
    for (uint32_t i = of(drawing, preset->bridges); i > 0; i--) {
        uint64_t at_us = draw_time(drawing), part = draw_part(drawing);
        uint64_t bridge = bit(below(drawing, nodes));
        cut_both(drawing, at_us, draw_end(drawing, at_us), part & ~bridge, all & ~part & ~bridge);
    }
    for (uint32_t i = of(drawing, preset->flaps); i > 0; i--) {
        uint64_t at_us = draw_time(drawing), part = draw_part(drawing);
        uint64_t pace_us = between(drawing, 20000, 200000);
        for (uint32_t beat = 2 + below(drawing, 12); beat > 0; beat--, at_us += pace_us)
            cut_both(drawing, at_us, at_us + pace_us / 2, part, all & ~part);
    }
}

static void draw_bad_paths(struct drawing *drawing)
{
    struct holm_plan *plan = drawing->plan;
    for (uint32_t i = of(drawing, drawing->preset->bad_paths); i > 0; i--) {
        struct holm_plan_event *event = holm_plan_add(plan, draw_time(drawing), HOLM_PLAN_PATH, 0);
        event->from = draw_part(drawing);
        event->to = draw_part(drawing);
        event->path = (uint32_t)plan->path_count;
        plan->paths = realloc(plan->paths, (plan->path_count + 1) * sizeof *plan->paths);
        HOLM_ASSERT(plan->paths != NULL);
        plan->paths[plan->path_count++] = draw_path(drawing);
    }
}

static void draw_clocks(struct drawing *drawing)
{
    static const int64_t jumps_ms[] = {10, 2000, 61000, 600000, 86400000, 365 * INT64_C(86400000)};
    uint32_t nodes = drawing->plan->settings.nodes;
    for (uint32_t i = of(drawing, drawing->preset->jumps); i > 0; i--) {
        struct holm_plan_event *event = holm_plan_add(drawing->plan, draw_time(drawing),
                                                      HOLM_PLAN_JUMP, below(drawing, nodes));
        int64_t by_ms = jumps_ms[below(drawing, 6)];
        event->amount = chance(drawing, 500) ? by_ms : -by_ms;
    }
    for (uint32_t i = of(drawing, drawing->preset->drifts); i > 0; i--) {
        struct holm_plan_event *event = holm_plan_add(drawing->plan, draw_time(drawing),
                                                      HOLM_PLAN_DRIFT, below(drawing, nodes));
        event->amount = (int64_t)below(drawing, 200000) - 100000;
    }
}

static void draw_disks(struct drawing *drawing)
{
    struct holm_plan *plan = drawing->plan;
    uint32_t nodes = plan->settings.nodes;
    for (uint32_t i = of(drawing, drawing->preset->disk_faults); i > 0; i--) {
        uint64_t at_us = draw_time(drawing);
        uint32_t node = below(drawing, nodes);
        struct holm_plan_event *event = holm_plan_add(plan, at_us, HOLM_PLAN_DISK, node);
        event->amount = 1 + below(drawing, 2);
        at_us = draw_end(drawing, at_us);
        event = holm_plan_add(plan, at_us, HOLM_PLAN_DISK, node);
        event->amount = HOLM_DISK_WELL;
        (void)holm_plan_add(plan, at_us, HOLM_PLAN_CRASH, node);
        (void)holm_plan_add(plan, at_us + 1000, HOLM_PLAN_START, node);
    }
    for (uint32_t i = of(drawing, drawing->preset->restores); i > 0; i--) {
        uint64_t at_us = draw_time(drawing);
        uint32_t node = below(drawing, nodes);
        (void)holm_plan_add(plan, at_us, HOLM_PLAN_BACKUP, node);
        (void)holm_plan_add(plan, draw_end(drawing, at_us), HOLM_PLAN_RESTORE, node);
    }
    for (uint32_t i = of(drawing, drawing->preset->clones); i > 0; i--) {
        struct holm_plan_settings *settings = &plan->settings;
        uint32_t node = below(drawing, nodes), other = settings->nodes;
        if (settings->nodes == HOLM_PLAN_NODES_MAX)
            return;
        settings->clone_of[settings->nodes++] = node;
        settings->disk_lazy[other] = settings->disk_lazy[node];
        struct holm_plan_event *event = holm_plan_add(plan, draw_time(drawing), HOLM_PLAN_CLONE,
                                                      node);
        event->other = other;
    }
}

static void draw_attacks(struct drawing *drawing)
{
    for (uint32_t i = of(drawing, drawing->preset->attacks); i > 0; i--) {
        struct holm_plan_event *event = holm_plan_add(
            drawing->plan, draw_time(drawing), HOLM_PLAN_HOSTILE,
            below(drawing, drawing->plan->settings.nodes));
        event->amount = (int64_t)(holm_random_next(&drawing->random) >> 1);
    }
}

/* ---- members -------------------------------------------------------------------------------- */

/* Somebody goes, or is cut off, or neither; is forgotten, by one or two, or they forget each other; and comes back. */
static void draw_forget(struct drawing *drawing)
{
    struct holm_plan *plan = drawing->plan;
    uint32_t nodes = plan->settings.nodes;
    uint64_t at_us = draw_time(drawing), all = all_of(nodes);
    uint32_t node = below(drawing, nodes), by = (node + 1 + below(drawing, nodes - 1)) % nodes;
    uint32_t how = below(drawing, 5);
    if (how < 2)
        (void)holm_plan_add(plan, at_us, how == 0 ? HOLM_PLAN_CRASH : HOLM_PLAN_BOMB, node);
    else if (how < 4)
        cut_both(drawing, at_us, at_us + between(drawing, 1000000, 40000000), bit(node),
                 all & ~bit(node));
    at_us += between(drawing, 0, 4000000);
    holm_plan_add(plan, at_us, HOLM_PLAN_FORGET, by)->other = node;
    if (chance(drawing, 200))
        holm_plan_add(plan, at_us + below(drawing, 500000), HOLM_PLAN_FORGET, node)->other = by;
    else if (chance(drawing, 300))
        holm_plan_add(plan, at_us + below(drawing, 500000), HOLM_PLAN_FORGET, below(drawing, nodes))
            ->other = node;
    (void)holm_plan_add(plan, draw_end(drawing, at_us), HOLM_PLAN_RETURN, node);
}

static void draw_forgets(struct drawing *drawing)
{
    for (uint32_t i = of(drawing, drawing->preset->forgets);
         i > 0 && drawing->plan->settings.nodes > 1; i--)
        draw_forget(drawing);
}

void holm_plan_retain(struct holm_plan *plan, enum holm_retention retention)
{
    struct holm_plan_settings *settings = &plan->settings;
    settings->engine.retention = retention;
    if (retention != HOLM_RETENTION_STABLE)
        return;
    settings->core = 0;
    for (uint32_t i = 0; i < settings->nodes; i++)
        settings->core |= settings->clone_of[i] == i ? bit(i) : 0;
    settings->core &= ~settings->absent;
    settings->bound_us += 60000000;
    /* All admissions and forgets are in one frame (Standing): what suits a handful is too small for a crowd. */
    if (settings->nodes > CROWD && settings->engine.frame_bytes_max < CROWD_FRAME_BYTES) {
        settings->heap_bytes_max += settings->engine.partitions *
                                    (CROWD_FRAME_BYTES - settings->engine.frame_bytes_max);
        settings->engine.frame_bytes_max = CROWD_FRAME_BYTES;
    }
    /* Journals, and what is taken apart before it is put in place: up to three replicas of a partition. */
    settings->heap_bytes_max += 256 * KIB;
    settings->collect_bound_us = 60000000 + 10 * settings->engine.collect_interval_us +
                                 4 * settings->engine.link_timeout_us +
                                 60 * settings->engine.beacon_interval_us;
}

static void draw_retention(struct drawing *drawing)
{
    static const uint64_t intervals_us[] = {200000, 500000, 1000000, 5000000};
    struct holm_random *aside = &drawing->aside;
    struct holm_plan_settings *settings = &drawing->plan->settings;
    settings->founder_for_ever = holm_random_between(aside, 0, 1) == 0;
    settings->engine.collect_interval_us = intervals_us[holm_random_between(aside, 0, 3)];
    if (holm_random_between(aside, 0, 999) < drawing->preset->forget_after_permille)
        settings->engine.forget_after_us = holm_random_between(aside, 1000000, 20000000);
    if (holm_random_between(aside, 0, 999) < drawing->preset->stable_permille)
        holm_plan_retain(drawing->plan, HOLM_RETENTION_STABLE);
}

static void draw_late(struct drawing *drawing)
{
    const struct holm_plan_settings *settings = &drawing->plan->settings;
    for (uint32_t i = 0; i < settings->nodes; i++)
        if ((settings->initial >> i & 1) == 0)
            (void)holm_plan_add(drawing->plan, draw_time(drawing), HOLM_PLAN_START, i);
}

/* They say so at any time, and go when they may. Two at least stay, unless events are left out. */
static void draw_goodbyes(struct drawing *drawing)
{
    uint32_t nodes = drawing->plan->settings.nodes;
    uint32_t count = drawing->preset->goodbyes.high == 0 ? 0
                                                         : of(drawing, drawing->preset->goodbyes);
    uint64_t leavers = 0;
    while (count + 2 > nodes && count > 0)
        count--;
    while (population(leavers) < count)
        leavers |= bit(below(drawing, nodes));
    for (uint32_t i = 0; i < nodes; i++)
        if ((leavers >> i & 1) != 0)
            holm_plan_add(drawing->plan, draw_time(drawing), HOLM_PLAN_LEAVE, i)->amount = 1;
}

/* The founder is of the core, and lives through it all: who has restarted must be let in by a member. */
static void draw_remains(struct drawing *drawing)
{
    struct holm_plan *plan = drawing->plan;
    struct holm_plan_settings *settings = &plan->settings;
    if (!drawing->preset->remains || settings->nodes < 3)
        return;
    do
        settings->core = draw_part(drawing) | bit(0);
    while (population(settings->core) < 2 || settings->core == all_of(settings->nodes));
    settings->broken = (enum holm_plan_broken)below(drawing, 5);
    settings->all_seeds = settings->remains = true;
    settings->forgets_rest = chance(drawing, 500);
    size_t kept = 0;
    for (size_t i = 0; i < plan->count; i++) {
        enum holm_plan_event_type type = plan->events[i].type;
        if (plan->events[i].node != 0 || (type != HOLM_PLAN_CRASH && type != HOLM_PLAN_BOMB))
            plan->events[kept++] = plan->events[i];
    }
    plan->count = kept;
    /* It is cut off before it breaks for good, so that there is something that it never had. */
    uint64_t lasts_us = between(drawing, 1000000, 8000000);
    cut_both(drawing, settings->safety_us - lasts_us, settings->safety_us, settings->core,
             all_of(settings->nodes) & ~settings->core);
}

void holm_plan_draw(struct holm_plan *plan, const struct holm_preset *preset, uint64_t seed,
                    uint32_t nodes)
{
    struct drawing drawing = {.plan = plan, .preset = preset, .random = {seed}};
    /* Seeds that are neighbours, and presets, have nothing in common. */
    for (const char *at = preset->name; *at != '\0'; at++)
        drawing.random.state = holm_random_next(&drawing.random) + (unsigned char)*at;
    drawing.aside.state = drawing.random.state ^ UINT64_C(0x5d588b656c078965);
    uint32_t drawn = of(&drawing, preset->nodes);
    holm_plan_init(plan, seed, nodes == 0 ? drawn : nodes);
    plan->texts = calloc(TEXTS, sizeof *plan->texts);
    HOLM_ASSERT(plan->texts != NULL);
    for (unsigned i = 0; i < TEXTS; i++)
        (void)snprintf(plan->texts[i], sizeof plan->texts[i], i < TEXTS / 2 ? "e%u" : "k%u",
                       i % (TEXTS / 2));
    drawing.key_count = of(&drawing, preset->keys);
    draw_settings(&drawing, nodes == 0 ? drawn : nodes);
    draw_core(&drawing);
    draw_late(&drawing);
    draw_commits(&drawing);
    draw_lives(&drawing, preset->crashes, HOLM_PLAN_CRASH, HOLM_PLAN_START);
    draw_lives(&drawing, preset->bombs, HOLM_PLAN_BOMB, HOLM_PLAN_START);
    draw_lives(&drawing, preset->leaves, HOLM_PLAN_LEAVE, HOLM_PLAN_START);
    draw_lives(&drawing, preset->pauses, HOLM_PLAN_PAUSE, HOLM_PLAN_RESUME);
    draw_cuts(&drawing);
    draw_bad_paths(&drawing);
    draw_clocks(&drawing);
    draw_disks(&drawing);
    draw_attacks(&drawing);
    draw_forgets(&drawing);
    draw_retention(&drawing);
    draw_goodbyes(&drawing);
    draw_remains(&drawing);
    holm_plan_sort(plan);
}
