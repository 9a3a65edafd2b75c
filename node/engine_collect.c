/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine_state.h"

/* All find the same ends at about the same time: the member with the lowest id writes them, the next one
 * if that has not happened after a round, and so on. */
static bool is_its_turn(struct holm_engine *engine)
{
    const struct holm_members *known = holm_engine_list_members(engine);
    uint32_t before = 0;
    for (size_t i = 0; i < known->count; i++)
        before += !known->rows[i].forgotten &&
                  known->rows[i].actor.node.value < holm_engine_members_actor(engine).node.value;
    return engine->members->folds_waited++ >= before;
}

static void write_ends(struct holm_engine *engine, uint32_t index, const struct holm_vector *ends,
                       struct holm_now now)
{
    size_t bytes = ends->count * sizeof(struct holm_member_op);
    struct holm_member_op *ops = holm_allocate(&engine->config.allocator, bytes);
    if (ops == NULL)
        return;
    for (size_t i = 0; i < ends->count; i++)
        ops[i] = (struct holm_member_op){.type = HOLM_MEMBER_FOLD,
                                         .subject = ends->entries[i].actor,
                                         .partition = index,
                                         .last = ends->entries[i].seq};
    enum holm_status status = holm_engine_list_write(engine, ops, ends->count, now);
    (void)status; /* the next round */
    holm_deallocate(&engine->config.allocator, ops, bytes);
}

static void count_collected(struct holm_engine *engine, const struct holm_collecting *collecting)
{
    pthread_mutex_lock(&engine->roster_lock);
    engine->members->figures.collected += collecting->tombstones + collecting->ghosts;
    engine->members->figures.folded += collecting->folds;
    pthread_mutex_unlock(&engine->roster_lock);
}

void holm_engine_collect(struct holm_engine *engine, struct holm_now now)
{
    bool turn = false;
    bool asked = false;
    for (uint32_t i = 0; engine->members->confirmed && i < engine->config.partitions; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        struct holm_collecting collecting;
        const struct holm_work *work;
        pthread_mutex_lock(&partition->lock);
        enum holm_status status = holm_replica_collect_stable(partition->replica, now, &work,
                                                              &collecting);
        holm_engine_work(engine, i, partition->replica, work);
        partition->collected += collecting.tombstones + collecting.ghosts;
        pthread_mutex_unlock(&partition->lock);
        (void)status; /* the next round */
        count_collected(engine, &collecting);
        if (collecting.ends.count > 0 && !asked) {
            turn = is_its_turn(engine);
            asked = true;
        }
        if (collecting.ends.count > 0 && turn)
            write_ends(engine, i, &collecting.ends, now);
        holm_vector_release(&collecting.ends);
    }
    if (!asked || turn)
        engine->members->folds_waited = 0;
}
