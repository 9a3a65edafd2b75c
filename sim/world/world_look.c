/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The world is one thread, so what is inside an engine can be looked at without its locks.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "crdt/vector_view.h"
#include "node/engine_state.h"
#include "sim/world/world_parts.h"

const struct holm_replica *holm_world_replica(const struct holm_world *world, uint32_t node,
                                              uint32_t partition)
{
    const struct holm_engine *engine = holm_world_engine(world, node);
    if (engine == NULL)
        return NULL;
    HOLM_ASSERT(partition < engine->partition_count);
    return engine->partitions[partition].replica;
}

/* A disk may have lost what the list said while it kept what was done by it; and who takes a fold over may hear of the
 * list later: what any list of the same founding has said is known. Two of one founding may differ: who forgot somebody ends
 * it where it has got to, and may lose all of that itself before anybody hears of it. */
static void note_ends(struct holm_world *world, uint32_t partition,
                      const struct holm_members *known)
{
    struct holm_vector_view ends = holm_members_lasts(known, partition);
    for (size_t i = 0; i < ends.count; i++) {
        size_t at = 0;
        while (at < world->end_count &&
               (world->ends[at].partition != partition ||
                holm_founding_compare(&world->ends[at].founding, &known->founding) != 0 ||
                !holm_actor_equal(world->ends[at].dot.actor, ends.entries[i].actor) ||
                world->ends[at].dot.seq != ends.entries[i].seq))
            at++;
        if (at < world->end_count)
            continue;
        enum holm_status status = holm_array_reserve(&world->allocator, (void **)&world->ends,
                                                     &world->end_capacity, sizeof *world->ends,
                                                     world->end_count + 1);
        HOLM_ASSERT(status == HOLM_OK);
        world->ends[world->end_count++] = (struct holm_world_last){partition, known->founding,
                                                                   ends.entries[i]};
    }
}

void holm_world_note_ends(struct holm_world *world, uint32_t node)
{
    struct holm_engine *engine = world->nodes[node]->engine;
    for (uint32_t p = 0; engine != NULL && p < engine->config.partitions; p++)
        note_ends(world, p, holm_engine_list_members(engine));
}

static int compare_dots(const void *a, const void *b)
{
    const struct holm_dot *x = a, *y = b;
    return holm_actor_compare(x->actor, y->actor);
}

/* Whose word is taken on where epochs ended: that of the own list; of all lists of its founding, among them some whose
 * owners had just heard of that founding and still had the ends of the one before; that of lists of former foundings, too,
 * of which the latest or the earliest; or of any: who comes back to another founding has its list before its states. */
enum ends {
    ENDS_OWN,
    ENDS_OF_FOUNDING,
    ENDS_LATEST,
    ENDS_EARLIEST,
    ENDS_LATEST_OF_ANY,
    ENDS_EARLIEST_OF_ANY
};

struct expanding {
    const struct holm_members *known;
    enum ends ends;
};

static bool has(const struct holm_dot *dots, size_t count, struct holm_actor actor)
{
    for (size_t i = 0; i < count; i++)
        if (holm_actor_equal(dots[i].actor, actor))
            return true;
    return false;
}

/* Adds what is folded of a node up to this epoch. */
static size_t add_ends(const struct holm_world *world, uint32_t partition, struct holm_actor floor,
                       const struct expanding *expanding, struct holm_dot *target)
{
    const struct holm_members *known = expanding->known;
    HOLM_ASSERT(known != NULL); /* nobody folds with retention `forever` */
    struct holm_vector_view own = holm_members_lasts(known, partition);
    size_t count = 0;
    for (size_t k = 0; k < world->end_count; k++) {
        bool latest = expanding->ends == ENDS_LATEST || expanding->ends == ENDS_LATEST_OF_ANY;
        size_t i = latest ? world->end_count - 1 - k : k;
        struct holm_dot end = world->ends[i].dot;
        const struct holm_founding *founding = &world->ends[i].founding;
        bool of_list = holm_founding_compare(founding, &known->founding) == 0;
        bool of_other = expanding->ends >= ENDS_LATEST_OF_ANY ||
                        founding->generation < known->founding.generation;
        if (world->ends[i].partition != partition || !holm_members_covers(floor, end.actor) ||
            !(of_list || (expanding->ends > ENDS_OF_FOUNDING && of_other)) ||
            (expanding->ends == ENDS_OWN && holm_vector_seq(own, end.actor) == 0) ||
            has(target, count, end.actor))
            continue;
        uint64_t told = holm_vector_seq(own, end.actor);
        target[count++] = (struct holm_dot){end.actor, told == 0 ? end.seq : told};
    }
    qsort(target, count, sizeof *target, compare_dots);
    return count;
}

static size_t expand(struct holm_world *world, uint32_t partition, struct holm_vector_view vector,
                     const struct expanding *expanding, struct holm_dot *target)
{
    size_t count = 0;
    for (size_t i = 0; i < vector.count; i++) {
        struct holm_dot entry = vector.entries[i];
        if (entry.seq == HOLM_SEQ_FOLDED)
            count += add_ends(world, partition, entry.actor, expanding, target + count);
        else if (entry.actor.epoch.value != 0)
            target[count++] = entry;
    }
    return count;
}

/* The next end of this epoch, above that one, that any list ever told of; 0: there is none. */
static uint64_t next_end(const struct holm_world *world, uint32_t partition, struct holm_dot above)
{
    uint64_t next = 0;
    for (size_t i = 0; i < world->end_count; i++) {
        struct holm_dot end = world->ends[i].dot;
        if (world->ends[i].partition == partition && holm_actor_equal(end.actor, above.actor) &&
            end.seq > above.seq && (next == 0 || end.seq < next))
            next = end.seq;
    }
    return next;
}

/* Takes the next end of the first epoch that has one; those before it begin again. False: all have been had. */
static bool take_next(const struct holm_world *world, uint32_t partition, struct holm_dot *ends,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t next = next_end(world, partition, ends[i]);
        struct holm_dot none = {ends[i].actor, 0};
        ends[i].seq = next != 0 ? next : next_end(world, partition, none);
        if (next != 0)
            return true;
    }
    return false;
}

static uint64_t sum_of(const struct holm_dot *ends, size_t count, uint64_t seed)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += holm_vector_term(ends[i], seed);
    return holm_vector_fold_sum(sum);
}

#define TRIES_MAX 4096

/* Each fold has the sum of what is in it: of all ends that were ever told of those that give it. */
static size_t expand_by_sums(struct holm_world *world, uint32_t node, uint32_t partition,
                             struct holm_vector_view vector, struct holm_dot *target)
{
    const struct holm_engine *engine = world->nodes[node]->engine;
    struct expanding expanding = {holm_engine_list_members(engine), ENDS_EARLIEST_OF_ANY};
    size_t count = 0;
    for (size_t i = 0; i < vector.count; i++) {
        struct holm_dot entry = vector.entries[i];
        if (entry.seq != HOLM_SEQ_FOLDED && entry.actor.epoch.value != 0)
            target[count++] = entry;
        if (entry.seq != HOLM_SEQ_FOLDED)
            continue;
        size_t ends = add_ends(world, partition, entry.actor, &expanding, target + count);
        uint64_t sum = i > 0 ? vector.entries[i - 1].seq : 0;
        bool more = true;
        for (size_t k = 0; k < ends; k++)
            target[count + k].seq = next_end(world, partition,
                                             (struct holm_dot){target[count + k].actor, 0});
        for (uint32_t tries = 0;
             more && tries < TRIES_MAX && sum_of(target + count, ends, engine->digest_seed) != sum;
             tries++)
            more = take_next(world, partition, target + count, ends);
        count += ends;
    }
    return count;
}

/* Two foundings may have ended an epoch at different operations; which of them a replica has folded when its list
 * lacks the end, its hash tells. */
static bool is_folded(struct holm_vector_view vector)
{
    bool folded = false;
    for (size_t i = 0; i < vector.count && !folded; i++)
        folded = vector.entries[i].seq == HOLM_SEQ_FOLDED;
    return folded;
}

struct holm_world_readings holm_world_readings(const struct holm_world *world)
{
    return world->readings;
}

static size_t expand_any(struct holm_world *world, uint32_t node, uint32_t partition,
                         struct holm_vector_view vector, struct holm_dot *target)
{
    struct expanding expanding = {.known = NULL};
    uint64_t hash = holm_replica_vector_hash(holm_world_replica(world, node, partition));
    size_t count = 0;
    world->readings.folded += is_folded(vector);
    if (world->nodes[node]->engine->members != NULL) {
        expanding.known = holm_engine_list_members(world->nodes[node]->engine);
        note_ends(world, partition, expanding.known);
    }
    for (int ends = ENDS_OWN; ends <= ENDS_EARLIEST_OF_ANY; ends++) {
        expanding.ends = (enum ends)ends;
        count = expand(world, partition, vector, &expanding, target);
        struct holm_vector_view expanded = {target, count};
        if (expanding.known == NULL || holm_world_vector_hash(world, node, expanded) == hash) {
            world->readings.others += ends != ENDS_OWN;
            return count;
        }
    }
    world->readings.sums++;
    return expand_by_sums(world, node, partition, vector, target);
}

size_t holm_world_vector(struct holm_world *world, uint32_t node, uint32_t partition,
                         struct holm_dot **entries)
{
    const struct holm_replica *replica = holm_world_replica(world, node, partition);
    size_t count = holm_replica_vector(replica, NULL, 0);
    struct holm_dot *own = calloc(count + 1, sizeof *own);
    HOLM_ASSERT(own != NULL);
    (void)holm_replica_vector(replica, own, count);
    for (uint32_t i = 0; world->nodes[node]->engine->members != NULL && i < world->count; i++)
        holm_world_note_ends(world, i);
    /* One more than there are: for what is pending. */
    *entries = calloc(count + world->end_count + 1, sizeof **entries);
    HOLM_ASSERT(*entries != NULL);
    size_t kept = expand_any(world, node, partition, (struct holm_vector_view){own, count},
                             *entries);
    free(own);
    return kept;
}

uint64_t holm_world_vector_hash(const struct holm_world *world, uint32_t node,
                                struct holm_vector_view vector)
{
    return holm_vector_view_hash(vector, world->nodes[node]->engine->digest_seed);
}

void holm_world_standing(const struct holm_world *world, uint32_t node,
                         struct holm_world_standing *standing)
{
    struct holm_engine *engine = holm_world_engine(world, node);
    HOLM_ASSERT(engine != NULL && engine->members != NULL);
    /* Without its locks: there is one thread, and who asks may be told of a commit amid a step. */
    standing->figures = engine->members->figures;
    for (uint32_t i = 0; i < engine->config.partitions; i++)
        standing->figures.journalled += holm_journal_count(&engine->partitions[i].journal);
    standing->state.node = engine->config.self.node;
    standing->state.epoch = holm_membership_former(engine->members->machine);
    standing->known = holm_engine_list_members(engine);
    standing->list = holm_engine_list_vector(engine);
}

bool holm_world_lost(const struct holm_world *world, uint32_t node)
{
    return holm_engine_members_lost(holm_world_engine(world, node));
}

static uint64_t list_hash(const struct holm_engine *engine)
{
    return holm_replica_vector_hash(engine->partitions[holm_engine_list(engine)].replica);
}

bool holm_world_members_agree(const struct holm_world *world, uint64_t nodes)
{
    const struct holm_engine *first = NULL;
    uint32_t count = 0;
    for (uint64_t rest = nodes; rest != 0; rest &= rest - 1)
        count++;
    for (uint32_t i = 0; i < world->count && i < 64; i++) {
        struct holm_engine *engine = world->nodes[i]->engine;
        struct holm_world_standing standing;
        if ((nodes >> i & 1) == 0)
            continue;
        if (engine == NULL || world->nodes[i]->paused)
            return false;
        holm_world_standing(world, i, &standing);
        if (!standing.figures.confirmed || standing.figures.members != count)
            return false;
        if (first != NULL && list_hash(first) != list_hash(engine))
            return false;
        first = engine;
    }
    return true;
}

void holm_world_tell_standings(struct holm_world *world)
{
    for (uint32_t i = 0; i < world->count; i++) {
        struct holm_world_standing standing;
        if (world->nodes[i]->engine == NULL)
            continue;
        holm_world_standing(world, i, &standing);
        holm_world_tell(
            world, i,
            "%s, of epoch %" PRIx64 "%s, %" PRIu32 " members, founding %" PRIu64 " by %" PRIx64
            ", list %" PRIx64,
            standing.figures.confirmed ? "is a member" : "is no member", standing.state.epoch.value,
            holm_admission_replaces(standing.known, standing.state) ? " (forgotten)" : "",
            standing.figures.members, standing.known->founding.generation,
            standing.known->founding.dot.actor.epoch.value, list_hash(world->nodes[i]->engine));
    }
}

/* Others have gone on under its id, by its own list, with a state that it has not: which of two twins is to go on only an
 * operator can say. */
static bool is_behind_twin(struct holm_engine *engine, const struct holm_world_standing *standing)
{
    const struct holm_member_row *row = holm_members_find(standing->known, standing->state.node);
    return row != NULL && row->actor.epoch.value > standing->state.epoch.value &&
           !holm_engine_members_good(engine);
}

bool holm_world_stuck(const struct holm_world *world, uint64_t nodes)
{
    bool forgotten = false;
    for (uint32_t i = 0; i < world->count && i < 64; i++) {
        struct holm_world_standing standing;
        if ((nodes >> i & 1) == 0)
            continue;
        if (world->nodes[i]->engine == NULL)
            return false;
        holm_world_standing(world, i, &standing);
        bool nothing = standing.state.epoch.value == 0;
        bool lost = holm_admission_replaces(standing.known, standing.state) ||
                    holm_world_lost(world, i) || is_behind_twin(world->nodes[i]->engine, &standing);
        if (standing.figures.confirmed || (!nothing && !lost))
            return false;
        forgotten |= !nothing;
    }
    return forgotten;
}
