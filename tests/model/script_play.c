/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/script.h"

#include <inttypes.h>
#include <stdio.h>

#define SECOND_US 1000000u
#define CONVERGE_SECONDS_MAX 30
/* Round trips beyond the replica's time-outs: it is slow then, with a cell a page, and still ends. */
#define SLOW_DELAY_US 200000
#define SLOW_SECONDS_MAX 300
#define HEALED_DELAY_US 1000

/* A script being played. */
struct stage {
    struct fixture fixture;
    struct network network;
    uint64_t epochs[FIXTURE_NODES_MAX];
    struct script_outcome outcome;
};

static bool is_stable(const struct stage *stage)
{
    return stage->fixture.config.retention == HOLM_RETENTION_STABLE;
}

static bool lives(const struct stage *stage, size_t node)
{
    return stage->fixture.nodes[node].replica != NULL;
}

static void add_up(struct stage *stage, size_t node)
{
    struct holm_replica_stats stats;
    struct script_outcome *outcome = &stage->outcome;
    holm_replica_stats(stage->fixture.nodes[node].replica, &stats);
    if (stats.digest_breaches != 0 || stats.overlaps != 0 || stats.deltas_refused != 0)
        fixture_fail(&stage->fixture,
                     "node %zu: %" PRIu64 " digest breaches, %" PRIu64 " overlaps, %" PRIu64
                     " deltas refused",
                     node, stats.digest_breaches, stats.overlaps, stats.deltas_refused);
    outcome->operations += stats.operations;
    outcome->syncs += stats.syncs;
    outcome->takeovers += stats.sync_takeovers;
    outcome->pulls += stats.pulls;
    outcome->too_old += stats.pulls_too_old;
    outcome->held_dropped += stats.held_dropped;
    outcome->lives++;
}

/* Whether the reference has room for another epoch of some node, and for the last start of each. */
static bool may_begin(const struct stage *stage)
{
    return stage->fixture.reference.actor_count + FIXTURE_NODES_MAX < REFERENCE_ACTORS_MAX;
}

/* One that lives, beside this one; the count when there is none. */
static size_t find_other(const struct stage *stage, size_t node)
{
    size_t other = 0;
    while (other < stage->fixture.node_count && (other == node || !lives(stage, other)))
        other++;
    return other;
}

static void start(struct stage *stage, size_t node, enum action_type how)
{
    struct fixture *fixture = &stage->fixture;
    bool stored = how == ACTION_RESTORE || how == ACTION_RECOVER;
    if (lives(stage, node))
        return;
    if (is_stable(stage) && !stored)
        fixture_lose_store(fixture, node); /* who begins anew comes back with nothing later */
    fixture_start(fixture, node, 1 + ++stage->epochs[node]);
    if (stored)
        fixture_restore(fixture, node, how == ACTION_RECOVER);
    if (!is_stable(stage))
        return;
    fixture_admit(fixture, node);
    fixture_merge(fixture, find_other(stage, node), node);
}

/* All links of the node are made anew, as after a Hello with the new epoch. */
static void change_epoch(struct stage *stage, size_t node)
{
    bool up[FIXTURE_NODES_MAX];
    for (size_t i = 0; i < stage->fixture.node_count; i++) {
        up[i] = i != node && stage->network.up[node][i];
        if (up[i])
            network_link_down(&stage->network, node, i, true);
    }
    fixture_epoch(&stage->fixture, node, 1 + ++stage->epochs[node]);
    if (is_stable(stage))
        fixture_admit(&stage->fixture, node);
    for (size_t i = 0; i < stage->fixture.node_count; i++)
        if (up[i])
            network_link_up(&stage->network, node, i);
}

static void set_clock(struct stage *stage, size_t node, int64_t skew_ms)
{
    struct fixture *fixture = &stage->fixture;
    fixture->nodes[node].skew_ms = skew_ms;
    if (skew_ms > 20000 || skew_ms < -20000)
        fixture->clocks_agree = false;
}

/* What can happen to a dead node, or needs no living one. */
static bool play_beside(struct stage *stage, const struct action *action)
{
    switch ((int)action->type) {
    case ACTION_RUN:
        network_run(&stage->network, (uint64_t)action->amount);
        return true;
    case ACTION_LINK_DOWN:
        network_link_down(&stage->network, action->node, action->other, false);
        return true;
    case ACTION_LINK_UP:
        network_link_up(&stage->network, action->node, action->other);
        return true;
    case ACTION_CUT:
    case ACTION_HEAL:
        network_cut(&stage->network, action->node, action->other, action->type == ACTION_CUT);
        return true;
    case ACTION_START:
    case ACTION_RESTORE:
    case ACTION_RECOVER:
        if (may_begin(stage))
            start(stage, action->node, action->type);
        return true;
    case ACTION_CLOCK:
        set_clock(stage, action->node, action->amount);
        return true;
    case ACTION_DELIVER:
        network_deliver(&stage->network, (size_t)action->amount);
        return true;
    case ACTION_LOSE:
        network_lose(&stage->network, (size_t)action->amount);
        return true;
    case ACTION_DOUBLE:
        network_double(&stage->network, (size_t)action->amount);
        return true;
    default:
        return false;
    }
}

static void collect(struct stage *stage, const struct action *action)
{
    for (size_t i = 0; i < stage->fixture.node_count && (action->amount & 1) != 0; i++)
        if (lives(stage, i))
            fixture_report(&stage->fixture, i);
    fixture_collect(&stage->fixture, action->node, (action->amount & 2) == 0);
}

/* With retention `stable`, of one that lives. */
static void play_stable(struct stage *stage, const struct action *action)
{
    if (action->type == ACTION_REPORT)
        fixture_report(&stage->fixture, action->node);
    else if (action->type == ACTION_COLLECT)
        collect(stage, action);
    else if (action->type == ACTION_GHOSTS)
        fixture_drop_ghosts(&stage->fixture, action->node, action->other);
}

static void play(struct stage *stage, const struct script *script, const struct action *action)
{
    struct fixture *fixture = &stage->fixture;
    struct holm_event want = {.type = HOLM_EVENT_WANT};
    if (play_beside(stage, action) || !lives(stage, action->node))
        return;
    switch ((int)action->type) {
    case ACTION_COMMIT:
        (void)fixture_commit(fixture, action->node, &script->ops[action->op_first],
                             action->op_count);
        break;
    case ACTION_FLUSH:
        fixture_flush(fixture, action->node);
        break;
    case ACTION_BEACON:
        network_beacon(&stage->network, action->node);
        break;
    case ACTION_WANT:
        fixture_do(fixture, action->node, &want);
        break;
    case ACTION_KILL:
        if (is_stable(stage) && find_other(stage, action->node) == fixture->node_count)
            break; /* nobody would be left to admit it again */
        add_up(stage, action->node);
        network_kill(&stage->network, action->node);
        break;
    case ACTION_EPOCH:
        if (may_begin(stage))
            change_epoch(stage, action->node);
        break;
    case ACTION_SAVE:
        fixture_save(fixture, action->node);
        break;
    case ACTION_MERGE:
        if (lives(stage, action->other))
            fixture_merge(fixture, action->node, action->other);
        break;
    default:
        if (is_stable(stage))
            play_stable(stage, action);
        break;
    }
}

/* ---- the end -------------------------------------------------------------------------------- */

static bool all_equal(struct stage *stage)
{
    struct reference_view first = fixture_view(&stage->fixture, 0);
    for (size_t i = 0; i < stage->fixture.node_count; i++) {
        struct reference_view view = fixture_view(&stage->fixture, i);
        if (memcmp(&view, &first, sizeof view) != 0 ||
            holm_replica_pending(stage->fixture.nodes[i].replica))
            return false;
    }
    return true;
}

static void beacon_round(struct stage *stage)
{
    for (size_t i = 0; i < stage->fixture.node_count; i++)
        network_beacon(&stage->network, i);
    network_run(&stage->network, SECOND_US);
}

static void heal(struct stage *stage)
{
    size_t count = stage->fixture.node_count;
    stage->network.settings.loss_permille = 0;
    stage->network.settings.double_permille = 0;
    stage->network.settings.feed_loss_permille = 0;
    if (stage->network.settings.delay_us == NETWORK_DELAY_NEVER)
        stage->network.settings.delay_us = HEALED_DELAY_US;
    network_hasten(&stage->network);
    for (size_t i = 0; i < count; i++)
        start(stage, i, ACTION_START);
    for (size_t i = 0; i < count; i++)
        for (size_t j = i + 1; j < count; j++) {
            network_cut(&stage->network, i, j, false);
            network_link_up(&stage->network, i, j);
        }
}

static void converge(struct stage *stage)
{
    struct fixture *fixture = &stage->fixture;
    struct reference_view had = {{0}};
    for (size_t i = 0; i < fixture->node_count; i++) {
        struct reference_view view = fixture_view(fixture, i);
        reference_join(&had, &view);
    }
    bool slow = stage->network.settings.delay_us > SLOW_DELAY_US;
    int seconds_max = slow ? SLOW_SECONDS_MAX : CONVERGE_SECONDS_MAX;
    uint64_t healed_us = fixture->now_us;
    for (int round = 0; !all_equal(stage); round++) {
        if (round == seconds_max)
            fixture_fail(fixture, "not equal %d s after everything has healed", round);
        beacon_round(stage);
    }
    uint64_t took_us = fixture->now_us - healed_us;
    if (took_us > stage->outcome.converged_us)
        stage->outcome.converged_us = took_us;
    fixture_check_equal(fixture);
    struct reference_view has = fixture_view(fixture, 0);
    for (size_t a = 0; a < REFERENCE_ACTORS_MAX; a++)
        if (has.seq[a] < had.seq[a])
            fixture_fail(fixture,
                         "a survivor had seq %" PRIu64 " of actor %zu, now all have %" PRIu64,
                         had.seq[a], a, has.seq[a]);
}

/* Who wants to know what peers have applied is told, and told the truth. */
static void check_seen(struct stage *stage)
{
    struct fixture *fixture = &stage->fixture;
    struct holm_event want = {.type = HOLM_EVENT_WANT};
    for (size_t i = 0; i < fixture->node_count; i++)
        fixture_do(fixture, i, &want);
    beacon_round(stage);
    beacon_round(stage);
    /* The last of it is on its way for a while, and so are answers to what was true before. */
    network_run(&stage->network, 20 * SECOND_US);
    for (size_t i = 0; i < fixture->node_count; i++)
        for (size_t peer = 0; peer < fixture->node_count; peer++) {
            uint64_t minted = holm_replica_last_minted(fixture->nodes[i].replica);
            uint64_t seen = peer == i
                                ? minted
                                : holm_replica_peer_seen(fixture->nodes[i].replica, (uint32_t)peer);
            if (seen != minted)
                fixture_fail(fixture,
                             "node %zu has minted %" PRIu64
                             ", and knows that node %zu has %" PRIu64,
                             i, minted, peer, seen);
        }
}

static void check_quiet(struct stage *stage, uint64_t idle_rounds)
{
    struct fixture *fixture = &stage->fixture;
    uint64_t posted = stage->network.posted;
    for (uint64_t round = 0; round < idle_rounds; round++)
        beacon_round(stage);
    if (stage->network.posted != posted)
        fixture_fail(fixture, "%" PRIu64 " messages were sent in %" PRIu64 " idle rounds",
                     stage->network.posted - posted, idle_rounds);
    for (size_t i = 0; i < fixture->node_count; i++) {
        struct holm_replica_stats stats;
        holm_replica_stats(fixture->nodes[i].replica, &stats);
        if (stats.held != 0)
            fixture_fail(fixture, "node %zu still holds %" PRIu64 " runs back", i, stats.held);
        add_up(stage, i);
    }
}

/* What all have is collected and folded by all; no tombstone is left, and a key that was dead lives when it
 * is written again. */
static void end_stable(struct stage *stage)
{
    struct fixture *fixture = &stage->fixture;
    const struct action collecting = {.type = ACTION_COLLECT, .amount = 1};
    for (size_t i = 0; i < fixture->node_count; i++) {
        struct action action = collecting;
        struct holm_replica_stats stats;
        action.node = i;
        collect(stage, &action);
        holm_replica_stats(fixture->nodes[i].replica, &stats);
        if (stats.tombstones != 0)
            fixture_fail(fixture, "node %zu keeps %" PRIu64 " tombstones that all have", i,
                         stats.tombstones);
    }
    for (size_t i = 0; i < fixture->node_count * fixture->node_count; i++)
        fixture_drop_ghosts(fixture, i / fixture->node_count, i % fixture->node_count);
    size_t count = fixture->reference.count;
    for (size_t i = 0; i < count; i++) {
        if (fixture->reference.operations[i].effect != REFERENCE_BURY)
            continue;
        struct holm_bytes key = fixture->reference.operations[i].key;
        struct holm_op op = holm_op_put(key, holm_str("anew"), holm_i64((int64_t)i));
        if (fixture_commit(fixture, i % fixture->node_count, &op, 1) != HOLM_OK)
            fixture_fail(fixture, "'%.*s' cannot be written again", (int)key.size,
                         (const char *)key.data);
        stage->outcome.revived++;
    }
    converge(stage);
    stage->outcome.collections = fixture->collections;
    stage->outcome.folds = fixture->folds;
    stage->outcome.ghosts = fixture->ghosts_dropped;
}

static void check_dirty(struct stage *stage)
{
    for (size_t i = 0; i < stage->fixture.node_count; i++)
        if (lives(stage, i) && stage->fixture.nodes[i].dirty)
            fixture_check(&stage->fixture, i);
}

/* A peer is never believed to have more than it has. */
static void check_believed(struct stage *stage)
{
    const struct fixture *fixture = &stage->fixture;
    for (size_t i = 0; i < fixture->node_count; i++)
        for (size_t peer = 0; peer < fixture->node_count; peer++) {
            if (i == peer || !lives(stage, i) || !stage->network.up[i][peer])
                continue;
            uint64_t seen = holm_replica_peer_seen(fixture->nodes[i].replica, (uint32_t)peer);
            uint64_t has = holm_replica_seq(fixture->nodes[peer].replica, fixture->nodes[i].self);
            if (seen > has)
                fixture_fail(fixture,
                             "node %zu believes that node %zu has its seq %" PRIu64
                             ", which has %" PRIu64,
                             i, peer, seen, has);
        }
}

struct script_outcome script_play(const struct script *script, bool story)
{
    struct stage stage;
    memset(&stage, 0, sizeof stage);
    fixture_init(&stage.fixture, script->node_count, &script->limits);
    network_init(&stage.network, &stage.fixture, script->seed, &script->settings);
    stage.fixture.story = story;
    for (size_t i = 0; i < script->node_count; i++)
        for (size_t j = i + 1; j < script->node_count; j++)
            network_link_up(&stage.network, i, j);
    for (size_t i = 0; i < script->action_count; i++) {
        if (story)
            printf("--- %zu\n", i);
        play(&stage, script, &script->actions[i]);
        check_dirty(&stage);
        check_believed(&stage);
    }
    stage.network.settings.check_steps = false;
    if (story)
        printf("--- everything heals\n");
    heal(&stage);
    converge(&stage);
    /* What has gone astray comes in, perhaps the last copy of a run whose writer is dead. */
    network_run(&stage.network, script->settings.stray_us + 1);
    converge(&stage);
    if (is_stable(&stage))
        end_stable(&stage);
    check_seen(&stage);
    check_quiet(&stage, script->idle_rounds);
    network_release(&stage.network);
    fixture_release(&stage.fixture);
    return stage.outcome;
}
