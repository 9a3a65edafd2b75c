/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <xxhash.h>

#include "sim/world/checker.h"
#include "sim/world/oracle_parts.h"

/* Payload looks at a commit before the oracle, which answers asks, takes it in. */
const struct holm_checker *const holm_checkers[] = {
    &holm_check_payload,   &holm_check_answers, &holm_check_journal,  &holm_check_causal,
    &holm_check_lost,      &holm_check_revived, &holm_check_returned, &holm_check_digest,
    &holm_check_counters,  &holm_check_memory,  &holm_check_quiet,    &holm_check_converged,
    &holm_check_collected, &holm_check_left,    &holm_check_waits,    NULL,
};

struct holm_judge *holm_judge_new(const struct holm_judge_config *config)
{
    struct holm_judge *judge = calloc(1, sizeof *judge);
    HOLM_ASSERT(judge != NULL);
    uint32_t partitions = config->partitions;
    judge->config = *config;
    judge->oracles = calloc(partitions, sizeof *judge->oracles);
    judge->holders = calloc(partitions, sizeof *judge->holders);
    judge->holder_counts = calloc(partitions, sizeof *judge->holder_counts);
    judge->holder_capacities = calloc(partitions, sizeof *judge->holder_capacities);
    judge->known = calloc(partitions, sizeof *judge->known);
    judge->blind = calloc(partitions, sizeof *judge->blind);
    judge->asked_of = HOLM_WORLD_NOBODY;
    HOLM_ASSERT(judge->blind != NULL && judge->oracles != NULL && judge->holders != NULL &&
                judge->holder_counts != NULL && judge->holder_capacities != NULL &&
                judge->known != NULL);
    for (uint32_t i = 0; i < partitions; i++)
        judge->oracles[i] = holm_oracle_new();
    return judge;
}

void holm_judge_free(struct holm_judge *judge)
{
    if (judge == NULL)
        return;
    for (uint32_t i = 0; i < judge->config.partitions; i++) {
        holm_oracle_free(judge->oracles[i]);
        holm_oracle_view_release(&judge->known[i]);
        free(judge->holders[i]);
    }
    for (size_t i = 0;
         judge->parting != NULL && i < (size_t)HOLM_JUDGE_NODES_MAX * judge->config.partitions; i++)
        holm_oracle_view_release(&judge->parting[i]);
    free(judge->parting);
    for (size_t i = 0; i < judge->replica_count; i++)
        holm_oracle_view_release(&judge->replicas[i].view);
    holm_oracle_view_release(&judge->view);
    free(judge->oracles);
    free(judge->holders);
    free(judge->holder_counts);
    free(judge->holder_capacities);
    free(judge->known);
    free(judge->blind);
    free(judge->replicas);
    free(judge->quiet_drives);
    free(judge->digests);
    free(judge->forgotten);
    free(judge->given_up);
    free(judge->stood);
    free(judge->left);
    free(judge->copies);
    holm_oracle_view_release(&judge->left_behind);
    free(judge->batches);
    free(judge->entries);
    free(judge->cells);
    free(judge->cell_ops);
    free(judge->tombstone_ops);
    free(judge->marks);
    free(judge);
}

/* What can be said without knowing every operation. */
static bool holds_when_blind(const struct holm_checker *checker)
{
    return checker == &holm_check_memory || checker == &holm_check_quiet ||
           checker == &holm_check_collected || checker == &holm_check_converged ||
           checker == &holm_check_journal || checker == &holm_check_left;
}

bool holm_judge_is_blind(const struct holm_judge *judge, uint32_t partition)
{
    bool any = false;
    for (uint32_t p = 0; p < judge->config.partitions; p++)
        any |= judge->blind[p] && (partition == p || partition == HOLM_WORLD_NOBODY);
    return any;
}

void holm_judge_fail(struct holm_judge *judge, const struct holm_checker *checker, uint32_t node,
                     const char *format, ...)
{
    const char *only = judge->config.only;
    if (holm_judge_is_blind(judge, judge->asked_of) && !holds_when_blind(checker))
        return;
    if (judge->verdict.broken || (only != NULL && strcmp(only, checker->name) != 0))
        return;
    judge->verdict.broken = true;
    judge->verdict.claim = checker->name;
    judge->verdict.node = node;
    judge->verdict.at_us = holm_world_now_us(judge->config.world);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(judge->verdict.why, sizeof judge->verdict.why, format, arguments);
    va_end(arguments);
}

void holm_judge_foreign(struct holm_judge *judge, uint64_t node_id, bool speaks)
{
    size_t capacity = sizeof judge->foreign / sizeof judge->foreign[0];
    HOLM_ASSERT(judge->foreign_count < capacity);
    judge->foreign[judge->foreign_count++] = node_id;
    judge->speakers += speaks;
}

bool holm_judge_is_foreign(const struct holm_judge *judge, struct holm_actor actor)
{
    for (size_t i = 0; i < judge->foreign_count; i++)
        if (judge->foreign[i] == actor.node.value)
            return true;
    return false;
}

struct holm_judge_replica *holm_judge_replica(struct holm_judge *judge, uint32_t node,
                                              uint32_t partition)
{
    size_t index = (size_t)node * judge->config.partitions + partition;
    if (index >= judge->replica_count) {
        size_t count = ((size_t)node + 1) * judge->config.partitions;
        judge->replicas = realloc(judge->replicas, count * sizeof *judge->replicas);
        HOLM_ASSERT(judge->replicas != NULL);
        memset(judge->replicas + judge->replica_count, 0,
               (count - judge->replica_count) * sizeof *judge->replicas);
        judge->replica_count = count;
    }
    return &judge->replicas[index];
}

/* ---- looking -------------------------------------------------------------------------------- */

static void read_vector(struct holm_judge *judge, struct holm_sight *sight)
{
    struct holm_dot *entries;
    free(judge->entries);
    size_t count = holm_world_vector(judge->config.world, sight->node, sight->partition, &entries);
    judge->entries = entries;
    sight->vector = (struct holm_vector_view){entries, count};
    sight->strangers = holm_oracle_view_set(sight->oracle, &judge->view, sight->vector);
    for (size_t i = 0; i < count && sight->strangers > 0; i++)
        sight->strangers -= holm_judge_is_foreign(judge, judge->entries[i].actor);
    struct holm_actor self = holm_replica_self(sight->replica);
    uint64_t minted = holm_replica_last_minted(sight->replica);
    uint32_t own = holm_oracle_actor_find(sight->oracle, self);
    if (own != HOLM_ORACLE_NONE)
        judge->view.seqs[own] = minted;
    else
        sight->strangers += minted > 0;
    sight->view = &judge->view;
}

static bool take_cell(void *context, const struct holm_cell_view *cell)
{
    struct holm_judge *judge = context;
    judge->cells = holm_oracle_room(judge->cells, &judge->cell_capacity, judge->cell_count,
                                    sizeof *judge->cells);
    judge->cells[judge->cell_count++] = *cell;
    return true;
}

struct burials {
    struct holm_judge *judge;
    const struct holm_oracle *oracle;
};

static bool take_tombstone(void *context, struct holm_bytes key, struct holm_dot dot)
{
    struct burials *burials = context;
    struct holm_judge *judge = burials->judge;
    if (holm_judge_is_foreign(judge, dot.actor))
        return true;
    uint32_t op = holm_oracle_find(burials->oracle, dot);
    if (op != HOLM_ORACLE_NONE &&
        !holm_bytes_equal(
            holm_oracle_key(burials->oracle, holm_oracle_op(burials->oracle, op)->key), key))
        op = HOLM_ORACLE_NONE;
    judge->tombstone_ops = holm_oracle_room(judge->tombstone_ops, &judge->tombstone_capacity,
                                            judge->tombstone_count, sizeof *judge->tombstone_ops);
    judge->tombstone_ops[judge->tombstone_count++] = op;
    return true;
}

static void read_content(struct holm_judge *judge, struct holm_sight *sight)
{
    struct burials burials = {judge, sight->oracle};
    judge->cell_count = judge->tombstone_count = 0;
    holm_replica_visit(sight->replica, holm_mem(NULL, 0), take_cell, judge);
    holm_replica_visit_tombstones(sight->replica, take_tombstone, &burials);
    size_t kept = 0;
    for (size_t i = 0; i < judge->cell_count; i++) {
        if (holm_judge_is_foreign(judge, judge->cells[i].dot.actor))
            continue;
        judge->cell_ops = holm_oracle_room(judge->cell_ops, &judge->op_capacity, kept,
                                           sizeof *judge->cell_ops);
        judge->cells[kept] = judge->cells[i];
        judge->cell_ops[kept++] = holm_oracle_find(sight->oracle, judge->cells[i].dot);
    }
    sight->cells = judge->cells;
    sight->cell_ops = judge->cell_ops;
    sight->cell_count = kept;
    sight->tombstone_ops = judge->tombstone_ops;
    sight->tombstone_count = judge->tombstone_count;
}

static void keep_view(struct holm_judge_replica *replica, const struct holm_oracle_view *view)
{
    replica->view.count = 0;
    holm_oracle_view_join(&replica->view, view);
}

static uint64_t hash_of(struct holm_vector_view view)
{
    return view.count == 0 ? 0 : XXH3_64bits(view.entries, view.count * sizeof *view.entries);
}

static uint64_t replaced_at(const struct holm_judge *judge, uint32_t node)
{
    struct holm_world_standing standing;
    if (!judge->config.stable)
        return 0;
    holm_world_standing(judge->config.world, node, &standing);
    return standing.figures.replaced;
}

/* Whether a replica has come further than it had when it was last seen. An operation may move the
 * vector and no key, so CHANGED alone does not tell. */
static bool is_news(const struct holm_judge *judge, uint32_t node, uint32_t partition,
                    struct holm_judge_replica *known)
{
    const struct holm_replica *replica = holm_world_replica(judge->config.world, node, partition);
    uint64_t vector_hash = holm_replica_vector_hash(replica);
    uint64_t minted = holm_replica_last_minted(replica);
    uint64_t collected = hash_of(holm_replica_collected(replica));
    bool news = known->dirty || vector_hash != known->vector_hash || minted != known->minted ||
                collected != known->collected || replaced_at(judge, node) != known->replaced;
    known->vector_hash = vector_hash;
    known->minted = minted;
    known->collected = collected;
    return news;
}

static void check_all(struct holm_judge *judge, const struct holm_sight *sight, bool whole)
{
    for (const struct holm_checker *const *at = holm_checkers; *at != NULL; at++) {
        void (*check)(struct holm_judge *, const struct holm_sight *) = whole ? (*at)->audit
                                                                              : (*at)->look;
        if (check != NULL && !judge->verdict.broken)
            check(judge, sight);
    }
}

/* What it takes is another state: what it had before is not in it. */
static void be_replaced(struct holm_judge *judge, const struct holm_sight *sight,
                        struct holm_judge_replica *replica)
{
    for (const struct holm_checker *const *at = holm_checkers; *at != NULL; at++)
        if ((*at)->replaced != NULL && !judge->verdict.broken)
            (*at)->replaced(judge, sight);
    replica->replaced = replaced_at(judge, sight->node);
    replica->view.count = 0;
}

static void look_at(struct holm_judge *judge, uint32_t node, uint32_t partition, bool whole)
{
    struct holm_judge_replica *replica = holm_judge_replica(judge, node, partition);
    if (!holm_world_alive(judge->config.world, node) ||
        (whole ? !replica->unaudited : !is_news(judge, node, partition, replica)))
        return;
    struct holm_sight sight = {.node = node,
                               .partition = partition,
                               .oracle = judge->oracles[partition],
                               .before = &replica->view};
    sight.replica = holm_world_replica(judge->config.world, node, partition);
    sight.collected = holm_replica_collected(sight.replica);
    sight.outside = judge->blind[partition] ||
                    (node < HOLM_JUDGE_NODES_MAX && judge->outside[node]);
    judge->asked_of = partition;
    read_vector(judge, &sight);
    sight.digest = holm_replica_digest(sight.replica);
    sight.vector_hash = holm_replica_vector_hash(sight.replica);
    if (replaced_at(judge, node) != replica->replaced)
        be_replaced(judge, &sight, replica);
    if (whole)
        read_content(judge, &sight);
    check_all(judge, &sight, whole);
    judge->asked_of = HOLM_WORLD_NOBODY;
    keep_view(replica, &judge->view);
    replica->dirty = false;
    replica->unaudited = !whole || sight.outside;
    judge->looks += !whole;
    judge->audits += whole;
}

static void look_at_all(struct holm_judge *judge, bool whole)
{
    holm_judge_members(judge);
    for (uint32_t node = 0; node < holm_world_count(judge->config.world); node++)
        for (uint32_t p = 0; p < judge->config.partitions; p++)
            look_at(judge, node, p, whole);
}

void holm_judge_look(struct holm_judge *judge)
{
    look_at_all(judge, false);
    for (const struct holm_checker *const *at = holm_checkers; *at != NULL; at++)
        if ((*at)->moment != NULL && !judge->verdict.broken)
            (*at)->moment(judge);
}

void holm_judge_audit(struct holm_judge *judge)
{
    holm_judge_look(judge);
    look_at_all(judge, true);
}

/* ---- being told ----------------------------------------------------------------------------- */

static void begin_life(struct holm_judge *judge, uint32_t node)
{
    for (uint32_t p = 0; p < judge->config.partitions; p++) {
        struct holm_judge_replica *replica = holm_judge_replica(judge, node, p);
        replica->dirty = replica->unaudited = true;
        replica->view.count = 0;
        replica->replaced = replica->lost = 0;
    }
    if (node < HOLM_JUDGE_NODES_MAX) {
        judge->missing[node] = judge->settled[node] = 0;
        judge->parted &= ~(UINT64_C(1) << node);
    }
}

void holm_judge_event(struct holm_judge *judge, const struct holm_world_event *event)
{
    if (event->type == HOLM_WORLD_STARTED) {
        begin_life(judge, event->node);
    } else if (event->type == HOLM_WORLD_ENDED) {
        /* What it had applied in its last moments, others may have been told of. */
        holm_judge_members(judge);
        for (uint32_t p = 0; p < judge->config.partitions; p++)
            look_at(judge, event->node, p, false);
    } else if (event->type == HOLM_WORLD_REPLACING) {
        /* What it has now, and not what it had when it was last looked at, it mints anew or tells of. */
        holm_judge_members(judge);
        look_at(judge, event->node, event->partition, false);
    } else if (event->type == HOLM_WORLD_CHANGED) {
        struct holm_judge_replica *replica = holm_judge_replica(judge, event->node,
                                                                event->partition);
        replica->dirty = replica->unaudited = true;
    }
    if (event->type == HOLM_WORLD_COMMITTED)
        judge->asked_of = event->partition;
    for (const struct holm_checker *const *at = holm_checkers; *at != NULL; at++)
        if ((*at)->event != NULL && !judge->verdict.broken)
            (*at)->event(judge, event);
    judge->asked_of = HOLM_WORLD_NOBODY;
}

void holm_judge_healed(struct holm_judge *judge, uint64_t core)
{
    holm_judge_audit(judge);
    judge->healed = true;
    judge->core = core;
    for (uint32_t node = 0; node < holm_world_count(judge->config.world) && node < 64; node++) {
        if ((core >> node & 1) == 0 || !holm_world_alive(judge->config.world, node))
            continue;
        for (uint32_t p = 0; p < judge->config.partitions; p++)
            holm_oracle_view_join(&judge->known[p], &holm_judge_replica(judge, node, p)->view);
    }
}

/* Members agree, so all of what they show is exact. */
static void end_all(struct holm_judge *judge)
{
    judge->final = judge->config.stable;
    for (size_t i = 0; i < judge->replica_count && judge->final; i++)
        judge->replicas[i].dirty = judge->replicas[i].unaudited = true;
}

void holm_judge_converged(struct holm_judge *judge, bool in_time)
{
    if (in_time)
        end_all(judge);
    holm_judge_audit(judge);
    for (const struct holm_checker *const *at = holm_checkers; *at != NULL; at++)
        if ((*at)->converged != NULL && !judge->verdict.broken)
            (*at)->converged(judge, in_time);
}

void holm_judge_settled(struct holm_judge *judge, bool in_time)
{
    holm_judge_audit(judge);
    for (const struct holm_checker *const *at = holm_checkers; *at != NULL; at++)
        if ((*at)->settled != NULL && !judge->verdict.broken)
            (*at)->settled(judge, in_time);
}

void holm_judge_quiet(struct holm_judge *judge, bool begins)
{
    uint32_t count = holm_world_count(judge->config.world);
    judge->quiet = begins;
    holm_judge_look(judge);
    if (!begins)
        return;
    judge->quiet_since_us = holm_world_now_us(judge->config.world);
    free(judge->quiet_drives);
    judge->quiet_drives = calloc(count + 1, sizeof *judge->quiet_drives);
    HOLM_ASSERT(judge->quiet_drives != NULL);
    for (uint32_t i = 0; i < count; i++)
        judge->quiet_drives[i] = holm_world_drives(judge->config.world, i);
}
