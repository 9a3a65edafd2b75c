/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention `stable`: what each has reported, and so what may be collected and folded.
 */
#include "tests/model/fixture.h"

#include <stdint.h>
#include <stdlib.h>

void fixture_admit(struct fixture *fixture, size_t node)
{
    for (size_t i = 0; i < fixture->node_count; i++) {
        const struct fixture_node *other = &fixture->nodes[i];
        fixture->nodes[i].reported = false;
        if (i == node || other->replica == NULL)
            continue;
        fixture_supersede(fixture, i, fixture->nodes[node].self);
        fixture_supersede(fixture, node, other->self);
    }
}

void fixture_report(struct fixture *fixture, size_t node)
{
    struct fixture_node *self = &fixture->nodes[node];
    struct holm_replica_stats stats;
    fixture_flush(fixture, node);
    holm_replica_stats(self->replica, &stats);
    if (stats.held > 0)
        return;
    self->reported = true;
    self->report = fixture_view(fixture, node);
    if (holm_replica_report(self->replica, &self->report_told) != HOLM_OK)
        abort();
}

/* What all have reported; false when somebody has not, or had more than this node has. */
static bool find_frontier(struct fixture *fixture, const struct reference_view *own,
                          struct reference_view *frontier)
{
    *frontier = *own;
    for (size_t i = 0; i < fixture->node_count; i++) {
        const struct fixture_node *other = &fixture->nodes[i];
        if (other->replica == NULL || !other->reported || !reference_has_all(own, &other->report))
            return false;
        for (size_t a = 0; a < REFERENCE_ACTORS_MAX; a++)
            if (frontier->seq[a] > other->report.seq[a])
                frontier->seq[a] = other->report.seq[a];
    }
    return true;
}

/* Whether an epoch has ended, here and in all reports the same, and so all of its node before it. */
static bool may_fold(const struct fixture *fixture, const struct reference_view *own,
                     const struct reference_view *frontier, struct holm_actor actor)
{
    const struct reference *reference = &fixture->reference;
    if (actor.epoch.value >= fixture->nodes[actor.node.value - 101].self.epoch.value)
        return false;
    for (size_t a = 0; a < reference->actor_count; a++) {
        bool before = reference->actors[a].node.value == actor.node.value &&
                      reference->actors[a].epoch.value <= actor.epoch.value;
        for (size_t i = 0; before && i < fixture->node_count; i++)
            if (fixture->nodes[i].report.seq[a] != own->seq[a])
                return false;
        if (before && frontier->seq[a] != own->seq[a])
            return false;
    }
    return true;
}

static void raise(struct holm_vector *vector, struct holm_actor actor, uint64_t seq)
{
    if (seq > 0 && holm_vector_raise(vector, actor, seq) != HOLM_OK)
        abort();
}

static void grant(struct fixture *fixture, const struct reference_view *own, bool fold,
                  struct reference_view *frontier, struct holm_vector *vector)
{
    const struct reference *reference = &fixture->reference;
    for (size_t a = 0; a < reference->actor_count; a++) {
        struct holm_actor actor = reference->actors[a];
        raise(vector, actor, frontier->seq[a]);
        /* S never says that an epoch is folded of which R has nothing. */
        if (!fold || own->seq[a] == 0 || !may_fold(fixture, own, frontier, actor))
            continue;
        raise(vector, actor, HOLM_SEQ_FOLDED);
        for (size_t b = 0; b < reference->actor_count; b++) {
            if (reference->actors[b].node.value != actor.node.value ||
                reference->actors[b].epoch.value > actor.epoch.value || fixture->folded[b])
                continue;
            fixture->folded[b] = true;
            fixture->ends.seq[b] = own->seq[b];
            fixture->folds++;
        }
    }
    reference_join(&fixture->granted, frontier);
}

void fixture_collect(struct fixture *fixture, size_t node, bool fold)
{
    struct reference_view own = fixture_view(fixture, node), frontier;
    struct holm_replica_stats before, after;
    const struct holm_work *work = NULL;
    struct holm_vector vector;
    if (!find_frontier(fixture, &own, &frontier))
        return;
    holm_vector_init(&vector, &fixture->config.allocator);
    grant(fixture, &own, fold, &frontier, &vector);
    holm_replica_stats(fixture->nodes[node].replica, &before);
    enum holm_status status = holm_replica_collect(
        fixture->nodes[node].replica, holm_vector_view(&vector), fixture_now(fixture, node), &work);
    holm_vector_release(&vector);
    if (status != HOLM_OK)
        fixture_fail(fixture, "node %zu does not collect: %s", node, fixture_status_name(status));
    fixture_take_work(fixture, node, work);
    holm_replica_stats(fixture->nodes[node].replica, &after);
    struct reference_view collected = fixture_collected(fixture, node);
    if (!reference_has_all(&collected, &frontier))
        fixture_fail(fixture, "node %zu has collected less than it was told to", node);
    fixture->collections += after.tombstones < before.tombstones;
    fixture_check(fixture, node);
}

void fixture_drop_ghosts(struct fixture *fixture, size_t node, size_t owner)
{
    const struct fixture_node *other = &fixture->nodes[owner];
    const struct holm_work *work = NULL;
    size_t dropped;
    if (other->replica == NULL || !other->reported)
        return;
    enum holm_status status = holm_replica_drop_ghosts(fixture->nodes[node].replica, other->self,
                                                       holm_vector_view(&other->report_told),
                                                       fixture_now(fixture, node), &work, &dropped);
    if (status != HOLM_OK)
        fixture_fail(fixture, "node %zu drops no ghosts: %s", node, fixture_status_name(status));
    fixture_take_work(fixture, node, work);
    fixture->ghosts_dropped += dropped;
    fixture_check(fixture, node);
}
