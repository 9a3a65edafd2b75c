/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules that broke an earlier draft of the rules of retention `stable` (crdt/stable.h): what is collected is not
 * needed any more, however late a frame comes and whoever comes back from an older store. T18 T35 T36 T37 T38 T39
 *
 * X, Y and Z are n0, n1 and n2, W is the last.
 */
#include "sim/world/script_acts.h"

#define X 0u
#define Y 1u
#define Z 2u

#define BIT(type) (1u << (type))
#define DELTA BIT(HOLM_MESSAGE_DELTA)
#define ANSWERS                                                                                    \
    (BIT(HOLM_MESSAGE_DELTAS) | BIT(HOLM_MESSAGE_FEED) | BIT(HOLM_MESSAGE_SYNC_CUT) |              \
     BIT(HOLM_MESSAGE_SYNC_TELL) | BIT(HOLM_MESSAGE_SYNC_PAGE))
#define REPORT BIT(HOLM_MESSAGE_REPORT)

static bool has_tombstone(const struct holm_script *script, uint32_t node)
{
    return !holm_script_collected(script, node);
}

static uint64_t digest_breaches(const struct holm_script *script)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < script->nodes; i++) {
        if (holm_world_alive(script->world, i))
            count += holm_script_stats(script, i).digest_breaches;
    }
    return count;
}

/* All are members, show the same, and have collected. */
static void expect_one_outcome(struct holm_script *script, const char *key, bool alive)
{
    holm_script_run(script, 40000);
    holm_script_expect_members(script, script->nodes);
    holm_script_converge(script, 5000);
    holm_script_expect_exists(script, key, alive);
    holm_script_expect_collected(script, true);
    holm_script_expect_exists(script, key, alive);
    HOLM_SCRIPT_EXPECT(script, digest_breaches(script) == 0);
}

/* ---- T18 ------------------------------------------------------------------------------------ */

/* T18: Z is cut off, with a write of its own that nobody has; nothing can be collected without it. */
static void isolated_node_heals(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_converge(script, 2000);
    holm_script_split(script, Z, true);
    holm_script_run(script, 5000);
    holm_script_put(script, Z, "k", 2);
    holm_script_add(script, Z, "k", 3);
    holm_script_bury(script, X, "k");
    holm_script_run(script, 60000);
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, X) && has_tombstone(script, Y));
    holm_script_crash(script, X); /* and the tombstone is on its disk */
    holm_script_start(script, X);
    holm_script_run(script, 20000);
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, X));
    holm_script_split(script, Z, false);
    expect_one_outcome(script, "k", false);
    holm_script_close(script);
}

/* T18, once more: Z is forgotten meanwhile, so all that is known of k goes; and comes back. */
static void forgotten_node_returns(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_put(script, X, "other", 1);
    holm_script_converge(script, 2000);
    holm_script_split(script, Z, true);
    holm_script_run(script, 5000);
    holm_script_put(script, Z, "k", 2);
    holm_script_put(script, Z, "fresh", 2);
    holm_script_bury(script, X, "k");
    holm_script_forget(script, X, Z);
    holm_script_run(script, 60000);
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_collected(script, X) && holm_script_collected(script, Y));
    holm_script_crash(script, Z); /* it comes back from its disk, where k is alive */
    holm_script_start(script, Z);
    holm_script_run(script, 2000);
    HOLM_SCRIPT_EXPECT(script, holm_script_exists(script, Z, "k"));
    holm_script_split(script, Z, false);
    expect_one_outcome(script, "k", false);
    holm_script_expect_exists(script, "fresh", true);
    holm_script_expect_exists(script, "other", true);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, Z).replaced == 1);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, Z).dropped == 1);
    holm_script_close(script);
}

/* ---- T35, T38 ------------------------------------------------------------------------------- */

/*
 * T35: W stores. X buries k; Y and W report having the tombstone t; W crashes, and starts from the older store,
 * without t. Y, which has collected nothing, admits it; X, which does not hear of that, collects by W's old
 * report. W, who cannot know of t but from Y, puts k.
 */
static void older_store_returns(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_converge(script, 2000);
    struct holm_disk *older = holm_script_backup(script, Z);
    uint32_t no_reports = holm_script_drop(script, X, Y, REPORT, NULL); /* Y collects nothing */
    holm_script_bury(script, X, "k");
    holm_script_run(script, 1500);
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, X) && has_tombstone(script, Y) &&
                                   has_tombstone(script, Z));
    holm_script_crash(script, Z);
    holm_script_cut(script, X, Z, true);
    uint32_t no_list = holm_script_drop(script, Y, X, DELTA | ANSWERS, holm_script_of_list);
    uint32_t no_word = holm_script_drop(script, Y, X, REPORT,
                                        NULL); /* later than what it has said of t */
    uint32_t no_data = holm_script_drop(script, Y, Z, DELTA | ANSWERS, holm_script_of_data);
    holm_script_restore(script, Z, older);
    holm_script_put(script, Z, "k", 2); /* provisional, and of what the store has */
    holm_script_run(script, 3000);
    HOLM_SCRIPT_EXPECT(script, holm_gate_hits(script->world, no_data) > 0);
    HOLM_SCRIPT_EXPECT(
        script,
        !holm_script_confirmed(script, Z)); /* it is in the list; but t is not here, which Y has */
    holm_gate_lift(script->world, no_data);
    holm_script_await(script, 20000, holm_script_confirmed, Z);
    holm_script_await(script, 10000, holm_script_collected,
                      X); /* by the word of an epoch that has ended */
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, Y));
    HOLM_SCRIPT_EXPECT(script, holm_gate_hits(script->world, no_list) > 0);
    HOLM_SCRIPT_EXPECT(
        script, holm_script_commit(script, Z, holm_op_enable(holm_str("k"), holm_str("f"))) ==
                    HOLM_EBURIED);
    holm_gate_lift(script->world, no_reports);
    holm_gate_lift(script->world, no_list);
    holm_gate_lift(script->world, no_word);
    holm_script_cut(script, X, Z, false);
    expect_one_outcome(script, "k", false);
    holm_script_close(script);
}

/* W comes back from an older store, and writes while nobody hears it. Meanwhile the others collect by its old
 * report. It catches up past the tombstone, by runs or with its collection by a cut, and only then gets dots. */
static void write_before_the_cut(struct holm_script *script, bool by_cut)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    if (by_cut)
        script->config.engine.log_bytes_max = 1;
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_put(script, X, "l", 1);
    holm_script_converge(script, 2000);
    struct holm_disk *older = holm_script_backup(script, Z);
    holm_script_bury(script, X, "k");
    holm_script_bury(script, X, "l");
    holm_script_run(script, 1500);
    holm_script_crash(script, Z);
    holm_script_await(script, 10000, holm_script_collected, X);
    holm_script_await(script, 10000, holm_script_collected, Y);
    holm_script_split(script, Z, true);
    holm_script_restore(script, Z, older);
    holm_script_put(script, Z, "k", 2);
    holm_script_run(script, 10000);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, Z).journalled == 1);
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_exists(script, Z, "k") && holm_script_exists(script, Z, "l"));
    holm_script_split(script, Z, false);
    expect_one_outcome(script, "k",
                       by_cut); /* beside the burial, or upon its collection: a new record */
    holm_script_expect_exists(script, "l", false);
    holm_script_close(script);
}

/* T38 */
static void stale_writes_meet_burials(struct holm_script *script)
{
    write_before_the_cut(script, false);
}

/* T38 */
static void stale_writes_meet_a_cut(struct holm_script *script)
{
    write_before_the_cut(script, true);
}

/* ---- T36 ------------------------------------------------------------------------------------ */

/*
 * T36: Y, which has reported t, admits W, and is not heard by it any more. Z, which it could reach, has neither t nor
 * the admission; then Z gets t, and reports, still without the admission; X collects. W puts k.
 */
static void cut_of_another(struct holm_script *script)
{
    holm_script_open(script, 4, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    uint32_t w = 3;
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_converge(script, 2000);
    holm_script_crash(script, w);
    uint32_t no_data[2] = {holm_script_drop(script, X, Z, DELTA | ANSWERS, holm_script_of_data),
                           holm_script_drop(script, Y, Z, DELTA | ANSWERS, holm_script_of_data)};
    holm_script_bury(script, X, "k");
    holm_script_run(script, 1500); /* Y has it, and has said so; Z has not */
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, Y) && !has_tombstone(script, Z));
    uint32_t no_list[3] = {holm_script_drop(script, Y, X, DELTA | ANSWERS, holm_script_of_list),
                           holm_script_drop(script, Y, Z, DELTA | ANSWERS, holm_script_of_list),
                           holm_script_drop(script, X, Z, DELTA | ANSWERS, holm_script_of_list)};
    uint32_t no_cut = holm_script_drop(script, Y, w, DELTA | ANSWERS, holm_script_of_data);
    holm_script_cut(script, w, X, true);
    holm_script_cut(script, w, Z, true);
    holm_script_start(script, w);
    holm_script_put(script, w, "k", 2);
    holm_script_run(script, 3000);
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, Y).confirmed);
    HOLM_SCRIPT_EXPECT(script,
                       !holm_script_confirmed(script, w)); /* admitted, and without its cut */
    HOLM_SCRIPT_EXPECT(script, holm_gate_hits(script->world, no_cut) > 0);
    holm_script_cut(script, w, Z, false); /* Z would do, but has not admitted it */
    holm_script_run(script, 3000);
    HOLM_SCRIPT_EXPECT(script, !holm_script_confirmed(script, w));
    HOLM_SCRIPT_EXPECT(script, holm_script_standing(script, w).journalled ==
                                   1); /* what it wrote has no dot yet */
    holm_gate_lift(script->world, no_data[0]);
    holm_gate_lift(script->world, no_data[1]);
    holm_script_run(script, 20000); /* Z has t, and has said so */
    for (int i = 0; i < 3; i++)
        holm_gate_lift(script->world, no_list[i]);
    holm_gate_lift(script->world, no_cut);
    holm_script_cut(script, w, X, false);
    holm_script_run(script, 40000);
    holm_script_expect_members(script, 4);
    holm_script_converge(script, 5000);
    holm_script_expect_collected(script, true);
    bool alive = holm_script_exists(script, X, "k");
    expect_one_outcome(script, "k", alive);
    holm_script_close(script);
}

/* ---- T37 ------------------------------------------------------------------------------------ */

/* Gates that keep Z from hearing of Y's second epoch: from itself, by the list, and by X's word. */
struct deaf {
    uint32_t itself, list, gossip;
};

static void hear(struct holm_script *script, struct deaf deaf)
{
    holm_gate_lift(script->world, deaf.list);
    holm_gate_lift(script->world, deaf.itself);
    holm_gate_lift(script->world, deaf.gossip);
}

/* Y(e1) has written k, which is on its way, and dies. X buries k, and Z has the tombstone. */
static void end_the_first_epoch(struct holm_script *script)
{
    holm_script_bomb(script, Y);
    holm_script_bury(script, X, "k");
    holm_script_run(script, 10);
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, Z));
}

/* Y(e2) is admitted by X, and reports; Z has reported before it knew of e2, and does not hear of it. X may not
 * collect. */
static struct deaf begin_the_second_epoch(struct holm_script *script)
{
    struct deaf deaf = {
        .itself = holm_script_drop(script, Y, Z, 0, NULL),
        .list = holm_script_drop(script, X, Z, DELTA | ANSWERS, holm_script_of_list),
        .gossip = holm_script_drop(script, X, Z, BIT(HOLM_MESSAGE_HELLO), NULL)};
    holm_script_start(script, Y);
    holm_script_await(script, 20000, holm_script_confirmed, Y);
    holm_script_run(script, 15000);
    HOLM_SCRIPT_EXPECT(script, holm_gate_hits(script->world, deaf.list) > 0);
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, X)); /* Z's report knows nothing of e2 */
    return deaf;
}

/* T37: it arrives at Z while Z still takes it, for it has not heard of e2. */
static void late_before_the_fence(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_converge(script, 2000);
    uint32_t lost = holm_script_drop(script, Y, X, DELTA, holm_script_of_data);
    uint32_t late = holm_script_hold(script, Y, Z, DELTA);
    holm_script_put(script, Y, "k", 2);
    holm_script_run(script, 5);
    HOLM_SCRIPT_EXPECT(script, holm_gate_held(script->world, late) == 1);
    holm_gate_lift(script->world, lost);
    holm_gate_end(script->world, late);
    end_the_first_epoch(script);
    struct deaf deaf = begin_the_second_epoch(script);
    uint64_t vectors = holm_script_stats(script, Z).vector_entries;
    holm_gate_lift(script->world, late);
    holm_script_run(script, 5);
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_stats(script, Z).vector_entries == vectors + 1); /* it took it */
    holm_script_expect_exists(script, "k", false);
    hear(script, deaf);
    expect_one_outcome(script, "k", false);
    holm_script_close(script);
}

/* T37: it arrives when all have collected. */
static void late_after_all(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_converge(script, 2000);
    uint32_t late = holm_script_hold(script, Y, HOLM_SCRIPT_ANY, DELTA);
    holm_script_put(script, Y, "k", 2);
    holm_script_run(script, 5);
    HOLM_SCRIPT_EXPECT(script, holm_gate_held(script->world, late) == 2);
    holm_gate_end(script->world, late);
    end_the_first_epoch(script);
    hear(script, begin_the_second_epoch(script));
    expect_one_outcome(script, "k", false);
    holm_gate_lift(script->world, late);
    expect_one_outcome(script, "k", false);
    holm_script_close(script);
}

/* T37: it is held back at Z, behind a run that X has, and that comes to Z when X has collected. */
static void late_behind_a_gap(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    script->config.engine.collect_interval_us =
        200000; /* before what is held is dropped for good */
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_converge(script, 2000);
    uint32_t first = holm_script_hold(script, Y, X, DELTA);
    uint32_t lost = holm_script_drop(script, Y, Z, DELTA, holm_script_of_data);
    uint32_t mute[3] = {holm_script_drop(script, X, Z, ANSWERS, holm_script_of_data),
                        holm_script_drop(script, Y, Z, ANSWERS, holm_script_of_data),
                        holm_script_drop(script, Y, X, ANSWERS, holm_script_of_data)};
    holm_script_put(script, Y, "k", 2);
    holm_script_run(script, 5);
    holm_gate_lift(script->world, lost);
    holm_gate_end(script->world, first);
    (void)holm_script_drop(script, Y, X, DELTA, holm_script_of_data);
    holm_script_put(script, Y, "k", 3);
    holm_script_run(script, 5);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, Z).deltas_held == 1);
    end_the_first_epoch(script);
    holm_gate_lift(script->world, first); /* X has not seen it when it buries */
    holm_script_run(script, 10);
    struct deaf deaf = begin_the_second_epoch(script);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, Z).deltas_held == 1);
    hear(script, deaf);
    holm_script_await(script, 20000, holm_script_collected, X);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, Z).deltas_held == 0);
    holm_gate_lift(script->world, mute[0]);
    holm_script_run(script, 3000);
    holm_script_expect_exists(script, "k", false);
    expect_one_outcome(script, "k", false);
    holm_script_close(script);
}

/* T37: it sits unread in the buffer of a link, which is Y(e1)'s to Z, and which nobody has hung up on. */
static void late_in_a_link(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    script->config.engine.link_timeout_us = 100000000;
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_converge(script, 2000);
    uint32_t lost[2] = {holm_script_drop(script, Y, X, DELTA | ANSWERS, holm_script_of_data),
                        holm_script_drop(script, Y, Z, DELTA, holm_script_of_data)};
    uint32_t late = holm_script_hold(script, Y, Z, ANSWERS);
    holm_script_put(script, Y, "k", 2);
    holm_script_run(script, 3000); /* Z has heard of it, and has asked */
    HOLM_SCRIPT_EXPECT(script, holm_gate_held(script->world, late) > 0);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, Z).deltas_held == 0);
    holm_gate_lift(script->world, lost[0]);
    holm_gate_lift(script->world, lost[1]);
    holm_gate_end(script->world, late);
    end_the_first_epoch(script);
    struct deaf deaf = begin_the_second_epoch(script);
    holm_gate_lift(script->world,
                   deaf.list); /* Z hears of e2 by the list, and still not from itself */
    holm_script_await(script, 20000, holm_script_collected, X);
    holm_script_await(script, 20000, holm_script_collected, Z);
    holm_gate_lift(script->world, late);
    holm_script_run(script, 3000);
    holm_script_expect_exists(script, "k", false);
    hear(script, deaf);
    expect_one_outcome(script, "k", false);
    holm_script_close(script);
}

/* ---- T39 ------------------------------------------------------------------------------------ */

/*
 * T39: Z has the tombstone t, and lacks Y's concurrent write. X has both, collects t by the reports, and writes: what it
 * says of S comes to Z in a run that is held back for want of Y's.
 */
static void s_in_a_held_run(struct holm_script *script)
{
    holm_script_open(script, 3, HOLM_SCRIPT_STABLE | HOLM_SCRIPT_DISKS);
    holm_script_begin(script);
    holm_script_put(script, X, "k", 1);
    holm_script_converge(script, 2000);
    uint32_t late = holm_script_hold(script, Y, Z, DELTA);
    uint32_t mute[2] = {holm_script_drop(script, X, Z, ANSWERS, holm_script_of_data),
                        holm_script_drop(script, Y, Z, ANSWERS, holm_script_of_data)};
    holm_script_put(script, Y, "k", 2);
    holm_script_bury(script, X, "k"); /* neither has seen the other's */
    holm_script_run(script, 5);
    holm_script_expect_exists(script, "k", false);
    holm_script_await(script, 20000, holm_script_collected, X);
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, Z));
    holm_script_put(script, X, "k", 3); /* S rides on it, and it needs Y's */
    holm_script_run(script, 5);
    HOLM_SCRIPT_EXPECT(script, holm_script_stats(script, Z).deltas_held > 0);
    HOLM_SCRIPT_EXPECT(script, !holm_script_exists(script, Z, "k"));
    HOLM_SCRIPT_EXPECT(script, has_tombstone(script, Z)); /* on receipt it would have gone */
    HOLM_SCRIPT_EXPECT(script,
                       holm_script_exists(script, Y, "k") && holm_script_exists(script, X, "k"));
    holm_gate_let_go(script->world, late, 1);
    holm_gate_lift(script->world, mute[0]);
    holm_gate_lift(script->world, mute[1]);
    holm_gate_lift(script->world, late);
    expect_one_outcome(script, "k", true);
    for (uint32_t i = 0; i < script->nodes; i++)
        HOLM_SCRIPT_EXPECT(script, holm_script_cells(script, i, "k") == 1); /* X's alone */
    holm_script_close(script);
}

/* ---- the table ------------------------------------------------------------------------------ */

const struct holm_script_act holm_script_t18[] = {
    {"an isolated node, with an old write to what was buried meanwhile, heals",
     isolated_node_heals},
    {"it is forgotten, all is collected, and it comes back from its disk", forgotten_node_returns},
    {NULL, NULL}};
const struct holm_script_act holm_script_t35[] = {
    {"an older store without the tombstone, admitted by who has not collected",
     older_store_returns},
    {NULL, NULL}};
const struct holm_script_act holm_script_t36[] = {
    {"admitted by one, whole by the cut of another", cut_of_another}, {NULL, NULL}};
const struct holm_script_act holm_script_t37[] = {
    {"a dead epoch's run arrives before the fence", late_before_the_fence},
    {"a dead epoch's run arrives when all have collected", late_after_all},
    {"a dead epoch's run is held back behind a gap", late_behind_a_gap},
    {"a dead epoch's run sits unread in a link", late_in_a_link},
    {NULL, NULL}};
const struct holm_script_act holm_script_t38[] = {
    {"a stale node writes, and catches up past the burial by runs", stale_writes_meet_burials},
    {"a stale node writes, and catches up past the collection by a cut", stale_writes_meet_a_cut},
    {NULL, NULL}};
const struct holm_script_act holm_script_t39[] = {
    {"S comes in a run that is held back", s_in_a_held_run}, {NULL, NULL}};
