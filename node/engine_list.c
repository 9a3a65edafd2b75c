/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/member_record.h"
#include "node/engine_state.h"

uint32_t holm_engine_list(const struct holm_engine *engine)
{
    HOLM_ASSERT(engine->partition_count == engine->config.partitions + 1);
    return engine->config.partitions;
}

const struct holm_members *holm_engine_list_members(const struct holm_engine *engine)
{
    return holm_replica_members(engine->partitions[holm_engine_list(engine)].replica);
}

struct holm_vector_view holm_engine_list_vector(const struct holm_engine *engine)
{
    return holm_replica_list(engine->partitions[holm_engine_list(engine)].replica);
}

/* ---- what has changed */

static bool note_op(void *context, const struct holm_cell_view *cell)
{
    struct holm_engine *engine = context;
    struct holm_engine_members *members = engine->members;
    struct holm_member_op op;
    if (!holm_member_record_read(cell, &op))
        return true;
    void *news = members->news;
    enum holm_status status = holm_array_reserve(&engine->config.allocator, &news,
                                                 &members->news_capacity, sizeof *members->news,
                                                 members->news_count + 1);
    members->news = news;
    if (status != HOLM_OK) {
        members->news_all = true; /* read again when there is memory */
        return false;
    }
    members->news[members->news_count++] = op;
    return true;
}

void holm_engine_list_note(struct holm_engine *engine, const struct holm_replica *replica,
                           const struct holm_work *work)
{
    struct holm_engine_members *members = engine->members;
    if (members == NULL)
        return;
    members->news_all |= work->touched_all;
    for (size_t i = 0; i < work->touched_count && !members->news_all; i++)
        holm_replica_visit(replica, work->touched[i].key, note_op, engine);
}

/* ---- giving it to all */

static struct holm_replica *target_of(const struct holm_engine *engine, uint32_t index)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    return engine->members->begun ? partition->incoming : partition->replica;
}

static enum holm_status learn(struct holm_engine *engine, uint32_t index,
                              struct holm_replica *replica, const struct holm_list_news *news,
                              struct holm_now now)
{
    const struct holm_work *work;
    enum holm_status status = holm_replica_learn(replica, news, now, &work);
    holm_engine_work(engine, index, replica, work);
    return status;
}

static enum holm_status copy_vector(struct holm_engine *engine, struct holm_vector *vector)
{
    struct holm_replica *list = target_of(engine, holm_engine_list(engine));
    return holm_replica_report(list, vector);
}

void holm_engine_list_spread(struct holm_engine *engine, struct holm_now now)
{
    struct holm_engine_members *members = engine->members;
    uint32_t list = holm_engine_list(engine);
    struct holm_vector vector;
    if (members->news_count == 0 && !members->news_all)
        return;
    holm_vector_init(&vector, &engine->config.allocator);
    pthread_mutex_lock(&engine->partitions[list].lock);
    bool all = members->news_all;
    members->news_all = false;
    if (all) {
        members->news_count = 0;
        holm_replica_visit(target_of(engine, list), holm_mem(NULL, 0), note_op, engine);
    }
    enum holm_status status = copy_vector(engine, &vector);
    pthread_mutex_unlock(&engine->partitions[list].lock);
    bool failed = status != HOLM_OK || members->news_all;
    struct holm_list_news news = {members->news, members->news_count, holm_vector_view(&vector)};
    for (uint32_t i = 0; !failed && i < engine->partition_count; i++) {
        pthread_mutex_lock(&engine->partitions[i].lock);
        failed |= learn(engine, i, target_of(engine, i), &news, now) == HOLM_ENOMEM;
        pthread_mutex_unlock(&engine->partitions[i].lock);
    }
    holm_vector_release(&vector);
    members->news_all |= failed;
    if (!failed)
        members->news_count = 0;
}

void holm_engine_list_believe(struct holm_engine *engine, const struct holm_member_op *op,
                              struct holm_now now)
{
    struct holm_list_news news = {op, 1, {NULL, 0}};
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        enum holm_status status = learn(engine, i, partition->replica, &news, now);
        if (partition->incoming != NULL)
            status = learn(engine, i, partition->incoming, &news, now);
        pthread_mutex_unlock(&partition->lock);
        (void)status; /* it is told again */
    }
}

void holm_engine_list_bring(struct holm_engine *engine, const struct holm_member_op *op,
                            struct holm_now now)
{
    struct holm_list_news news = {op, 1, {NULL, 0}};
    for (uint32_t i = 0; i < engine->partition_count; i++) {
        struct holm_engine_partition *partition = &engine->partitions[i];
        pthread_mutex_lock(&partition->lock);
        enum holm_status status = partition->incoming == NULL
                                      ? HOLM_OK
                                      : learn(engine, i, partition->incoming, &news, now);
        pthread_mutex_unlock(&partition->lock);
        (void)status; /* it is told again */
    }
}

/* ---- writing */

static enum holm_status write_ops(struct holm_engine *engine, struct holm_member_op *ops,
                                  size_t count, struct holm_now now)
{
    struct holm_engine_partition *list = &engine->partitions[holm_engine_list(engine)];
    struct holm_actor self = holm_replica_self(list->replica);
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; status == HOLM_OK && i < count; i++) {
        struct holm_member_record record;
        ops[i].dot.actor = self;
        ops[i].dot.seq = holm_replica_last_minted(list->replica) + 1;
        struct holm_op op = holm_member_record_write(&record, &ops[i]);
        struct holm_event commit = {.type = HOLM_EVENT_COMMIT, .as.commit = {&op, 1}};
        status = holm_engine_step(engine, holm_engine_list(engine), &commit, now, NULL);
    }
    struct holm_event flush = {.type = HOLM_EVENT_FLUSH};
    if (status == HOLM_OK)
        status = holm_engine_step(engine, holm_engine_list(engine), &flush, now, NULL);
    return status;
}

enum holm_status holm_engine_list_write(struct holm_engine *engine, struct holm_member_op *ops,
                                        size_t count, struct holm_now now)
{
    struct holm_engine_partition *list = &engine->partitions[holm_engine_list(engine)];
    HOLM_ASSERT(engine->members->confirmed && !engine->members->begun);
    pthread_mutex_lock(&list->lock);
    enum holm_status status = list->muted ? HOLM_EIO : write_ops(engine, ops, count, now);
    pthread_mutex_unlock(&list->lock);
    holm_engine_list_spread(engine, now);
    return status;
}
