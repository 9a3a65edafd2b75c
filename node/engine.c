/* SPDX-License-Identifier: Apache-2.0 */
#include "node/engine.h"

#include <time.h>
#include <xxhash.h>

#include "node/engine_state.h"

#define MIB ((size_t)1 << 20)

/* Syncs under way at once, of all partitions: all of a node that has as many as it has by default; and
 * cuts that are open for others, which two such nodes need. */
#define SYNCS_MAX 16
#define CUTS_MAX 32

struct holm_engine_config holm_engine_config_default(void)
{
    return (struct holm_engine_config){
        .cluster = "holm",
        .partitions = 16,
        .flush_interval_us = 1000,
        .beacon_interval_us = 1000000,
        .link_timeout_us = 3000000,
        .redial_interval_us = 1000000,
        .max_drift_ms = 60000,
        .frame_bytes_max = MIB,
        .log_bytes_max = 64 * MIB,
        .holdback_bytes_max = 64 * MIB,
        .unacked_bytes_max = 16 * MIB,
        .lag_us = 250000,
        .outbox_bytes_max = 64 * MIB,
        .peers_max = 256,
        .collect_interval_us = 5000000,
        .journal_bytes_max = 16 * MIB,
        .log = {.level = HOLM_LOG_INFO},
    };
}

static bool config_valid(const struct holm_engine_config *config)
{
    return config->allocator.resize != NULL && config->name != NULL && config->cluster != NULL &&
           config->self.node.value != 0 && config->self.epoch.value != 0 &&
           config->partitions >= 1 && config->partitions <= 1024 && config->flush_interval_us > 0 &&
           config->beacon_interval_us > 0 && config->link_timeout_us > 0 &&
           config->redial_interval_us > 0 && config->lag_us > 0 &&
           config->unacked_bytes_max >= config->partitions && config->frame_bytes_max >= 4096 &&
           config->outbox_bytes_max >= 2 * config->frame_bytes_max && config->peers_max >= 1 &&
           config->peers_max <= HOLM_REPLICA_PEERS_MAX && config->collect_interval_us > 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

struct holm_replica_config holm_engine_replica_config(struct holm_engine *engine,
                                                      uint32_t partition)
{
    const struct holm_engine_config *config = &engine->config;
    struct holm_replica_config replica = holm_replica_config_default();
    replica.allocator = config->allocator;
    replica.partition = partition;
    replica.self = config->self;
    replica.digest_seed = engine->digest_seed;
    replica.flush_interval_us = config->flush_interval_us;
    replica.max_drift_ms = config->max_drift_ms;
    replica.frame_bytes_max = config->frame_bytes_max;
    replica.ordered = config->ordered;
    replica.log_bytes_max = config->log_bytes_max / config->partitions;
    replica.holdback_bytes_max = config->holdback_bytes_max / config->partitions;
    replica.unacked_bytes_max = config->unacked_bytes_max / config->partitions;
    replica.lag_us = config->lag_us;
    replica.kept_bytes_max = 16 * MIB;
    replica.list = partition == config->partitions;
    replica.retention = replica.list ? HOLM_RETENTION_FOREVER : config->retention;
    return replica;
}

static enum holm_status partition_open(struct holm_engine *engine, uint32_t index,
                                       struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_replica_config config = holm_engine_replica_config(engine, index);
    config.random_seed = holm_random_next(&engine->random);
    pthread_mutex_init(&partition->lock, NULL);
    atomic_init(&partition->wake_us, HOLM_NEVER);
    partition->wakes[0] = partition->wakes[1] = HOLM_NEVER;
    holm_journal_init(&partition->journal, &engine->config.allocator,
                      engine->config.journal_bytes_max / engine->config.partitions);
    holm_origins_init(&partition->origins, &engine->config.allocator);
    return holm_engine_load(engine, index, &config, now);
}

static size_t partitions_bytes(const struct holm_engine *engine)
{
    return engine->partition_count * sizeof *engine->partitions + HOLM_CACHE_LINE_BYTES;
}

static enum holm_status partitions_open(struct holm_engine *engine, struct holm_now now)
{
    engine->partitions_memory = holm_allocate(&engine->config.allocator, partitions_bytes(engine));
    if (engine->partitions_memory == NULL)
        return HOLM_ENOMEM;
    memset(engine->partitions_memory, 0, partitions_bytes(engine));
    uintptr_t address = (uintptr_t)engine->partitions_memory;
    address += HOLM_CACHE_LINE_BYTES - address % HOLM_CACHE_LINE_BYTES;
    engine->partitions = (struct holm_engine_partition *)address;
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; i < engine->partition_count && status == HOLM_OK; i++)
        status = partition_open(engine, i, now);
    return status;
}

static enum holm_status roster_open(struct holm_engine *engine)
{
    const struct holm_engine_config *config = &engine->config;
    struct holm_roster_config roster = {
        .allocator = config->allocator,
        .self = config->self,
        .name = config->name,
        .cluster = config->cluster,
        .address = engine->transport->ops->address(engine->transport),
        .publisher = engine->transport->ops->publisher(engine->transport),
        .partitions = config->partitions,
        .nonce = holm_random_next(&engine->random) | 1,
        .link_timeout_us = config->link_timeout_us,
        .redial_interval_us = config->redial_interval_us,
        .hearsay_us = config->hearsay_us,
        .peers_max = config->peers_max,
        .hello_bytes_max = config->frame_bytes_max / 2,
        .random_seed = holm_random_next(&engine->random),
        .stable = config->retention == HOLM_RETENTION_STABLE,
        .prompt = config->changed != NULL,
    };
    return holm_roster_new(&roster, &engine->roster);
}

static enum holm_status parts_open(struct holm_engine *engine, struct holm_now now)
{
    const struct holm_engine_config *config = &engine->config;
    enum holm_status status = holm_outgoing_init(&engine->outgoing, &config->allocator,
                                                 config->outbox_bytes_max, config->frame_bytes_max,
                                                 config->peers_max);
    size_t received_bytes = config->peers_max * sizeof *engine->received;
    engine->received = holm_allocate(&config->allocator, received_bytes);
    if (status == HOLM_OK && engine->received == NULL)
        status = HOLM_ENOMEM;
    if (status == HOLM_OK) {
        memset(engine->received, 0, received_bytes);
        status = holm_engine_relay_open(engine);
    }
    if (status == HOLM_OK)
        status = roster_open(engine);
    if (status == HOLM_OK)
        status = partitions_open(engine, now);
    if (status != HOLM_OK)
        return status;
    engine->entries = holm_allocate(&config->allocator,
                                    2 * engine->partition_count * sizeof *engine->entries);
    if (engine->entries == NULL)
        return HOLM_ENOMEM;
    if (config->retention != HOLM_RETENTION_STABLE)
        return HOLM_OK;
    status = holm_engine_tunnel_open(engine);
    return status == HOLM_OK ? holm_engine_members_open(engine, now) : status;
}

/* Clones of one store that are opened with a clock that was set back must not meet in one epoch. */
static struct holm_epoch epoch_above(struct holm_engine *engine, struct holm_epoch known)
{
    struct holm_epoch epoch = engine->config.self.epoch;
    if (epoch.value <= known.value)
        epoch.value = known.value + holm_random_between(&engine->random, 1, 0xffff);
    return epoch;
}

static void awaited_init(struct holm_engine *engine)
{
    pthread_condattr_t monotonic;
    pthread_mutex_init(&engine->awaited_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&engine->awaited_gone, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum holm_status holm_engine_open(const struct holm_engine_config *config,
                                  struct holm_transport *transport, struct holm_store *store,
                                  struct holm_now now, struct holm_engine **engine)
{
    *engine = NULL;
    if (!config_valid(config) || transport == NULL || store == NULL)
        return HOLM_EINVAL;
    struct holm_engine *made = holm_allocate(&config->allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->config = *config;
    made->partition_count = config->partitions + (config->retention == HOLM_RETENTION_STABLE);
    made->transport = transport;
    made->store = store;
    made->random.state = config->random_seed;
    if (holm_store_keeps(store))
        made->config.self.epoch = epoch_above(made, store->ops->epoch(store));
    made->digest_seed = XXH3_64bits(config->cluster, strlen(config->cluster));
    made->overlay_seed = XXH3_64bits(config->cluster, strlen(config->cluster));
    made->limits = holm_codec_limits_default(config->frame_bytes_max);
    made->beacon_us = now.monotonic_us +
                      holm_random_between(&made->random, 0, config->beacon_interval_us);
    made->early_us = made->news_us = HOLM_NEVER;
    pthread_mutex_init(&made->due_lock, NULL);
    awaited_init(made);
    pthread_mutex_init(&made->roster_lock, NULL);
    holm_faults_init(&made->faults, &config->allocator, holm_random_next(&made->random));
    enum holm_status status = parts_open(made, now);
    /* The strings were borrowed. */
    made->config.name = made->config.cluster = NULL;
    if (status != HOLM_OK) {
        holm_engine_free(made);
        return status;
    }
    holm_engine_store_epoch(made, made->config.self.epoch);
    *engine = made;
    return HOLM_OK;
}

void holm_engine_free(struct holm_engine *engine)
{
    if (engine == NULL)
        return;
    struct holm_allocator allocator = engine->config.allocator;
    holm_engine_saving_end(engine);
    holm_engine_members_free(engine);
    holm_engine_tunnel_free(engine);
    holm_engine_heal_free(engine);
    for (uint32_t i = 0; engine->partitions != NULL && i < engine->partition_count; i++) {
        if (engine->partitions[i].replica == NULL)
            continue;
        holm_replica_free(engine->partitions[i].replica);
        holm_replica_free(engine->partitions[i].incoming);
        holm_replica_free(engine->partitions[i].home);
        holm_replica_free(engine->partitions[i].leaving);
        holm_journal_release(&engine->partitions[i].journal);
        holm_origins_release(&engine->partitions[i].origins);
        pthread_mutex_destroy(&engine->partitions[i].lock);
    }
    holm_deallocate(&allocator, engine->partitions_memory, partitions_bytes(engine));
    holm_deallocate(&allocator, engine->entries,
                    2 * engine->partition_count * sizeof *engine->entries);
    holm_roster_free(engine->roster);
    holm_outgoing_release(&engine->outgoing);
    holm_engine_relay_free(engine);
    holm_deallocate(&engine->config.allocator, engine->received,
                    engine->config.peers_max * sizeof *engine->received);
    holm_faults_release(&engine->faults);
    pthread_mutex_destroy(&engine->roster_lock);
    pthread_mutex_destroy(&engine->due_lock);
    pthread_mutex_destroy(&engine->awaited_lock);
    pthread_cond_destroy(&engine->awaited_gone);
    holm_deallocate(&allocator, engine, sizeof *engine);
}

/* ---- the step of a partition ---------------------------------------------------------------- */

static void observe(struct holm_engine *engine, uint32_t index, const struct holm_work *work)
{
    if (work->touched_count == 0 && !work->touched_all)
        return;
    const struct holm_observer *observer = atomic_load_explicit(&engine->observer,
                                                                memory_order_acquire);
    if (observer != NULL)
        observer->touched(observer->context, index, work->touched, work->touched_count,
                          work->touched_all);
}

static void tell_witness(struct holm_engine *engine, uint32_t index, const struct holm_work *work,
                         struct holm_engine_commit *commit)
{
    commit->receipt.partition = index;
    commit->receipt.count = work->minted;
    commit->receipt.first = work->first;
    const struct holm_witness *witness = atomic_load_explicit(&engine->witness,
                                                              memory_order_acquire);
    if (witness != NULL && work->minted > 0)
        witness->committed(witness->context, &commit->receipt, commit->ops, commit->count);
}

/* Wakes the driving thread, unless it acts by itself in time. */
static void hurry(struct holm_engine *engine, bool frames, uint64_t wake_us)
{
    pthread_mutex_lock(&engine->due_lock);
    bool late = engine->due_us != 0 && (frames || wake_us < engine->due_us);
    if (late)
        engine->due_us = 0;
    pthread_mutex_unlock(&engine->due_lock);
    if (late)
        engine->transport->ops->wake(engine->transport);
}

/* Only so many syncs at once, of all partitions: a node that comes back after all others have gone on, or
 * that all others come to, does its work and not theirs all at once. No commit begins one. */
static void permit_syncs(struct holm_engine *engine, struct holm_engine_partition *partition)
{
    unsigned receiving = atomic_load_explicit(&engine->receiving, memory_order_relaxed);
    unsigned serving = atomic_load_explicit(&engine->serving, memory_order_relaxed);
    holm_replica_permit_syncs(partition->replica, receiving < SYNCS_MAX, serving < CUTS_MAX);
}

static void count_syncs(struct holm_engine *engine, struct holm_engine_partition *partition,
                        const struct holm_work *work)
{
    /* Modulo 2^32: what goes down is added, too. */
    if (work->receiving != partition->receiving)
        atomic_fetch_add(&engine->receiving,
                         (unsigned)work->receiving - (unsigned)partition->receiving);
    if (work->serving != partition->serving)
        atomic_fetch_add(&engine->serving, work->serving - partition->serving);
    partition->receiving = work->receiving;
    partition->serving = work->serving;
}

/* Hands out what a replica wants sent, and when it wants to be woken. */
static void send_and_wake(struct holm_engine *engine, uint32_t index, bool incoming,
                          const struct holm_work *work)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    bool frames = false, silent = holm_engine_is_silent(engine, index);
    for (size_t i = 0; i < work->output_count && !silent; i++) {
        /* What does not fit is counted there, and is asked for again or pulled. */
        frames |= holm_outgoing_put(&engine->outgoing, work->outputs[i].peer,
                                    &work->outputs[i].message) == HOLM_OK;
        if (work->outputs[i].peer == HOLM_PEER_NONE)
            atomic_fetch_add_explicit(&engine->published, 1, memory_order_relaxed);
    }
    if (work->output_count > 0 || work->stored_count > 0 || work->synced)
        atomic_fetch_add_explicit(&engine->changes, 1, memory_order_relaxed);
    partition->wakes[incoming] = work->wake_us;
    uint64_t other = partition->incoming == NULL ? HOLM_NEVER : partition->wakes[!incoming];
    uint64_t wake_us = work->wake_us < other ? work->wake_us : other;
    uint64_t before = atomic_load_explicit(&partition->wake_us, memory_order_relaxed);
    atomic_store(&partition->wake_us, wake_us);
    if (frames || wake_us < before)
        hurry(engine, frames, wake_us);
}

static void show(struct holm_engine *engine, uint32_t index, const struct holm_work *work)
{
    if (index < engine->config.partitions)
        observe(engine, index, work);
    else
        holm_engine_list_note(engine, engine->partitions[index].replica, work);
}

void holm_engine_work(struct holm_engine *engine, uint32_t index,
                      const struct holm_replica *replica, const struct holm_work *work)
{
    bool incoming = replica != engine->partitions[index].replica;
    if (!incoming) {
        holm_engine_store(engine, index, work);
        show(engine, index, work);
    } else if (index == engine->config.partitions) {
        holm_engine_list_note(engine, replica, work);
    }
    send_and_wake(engine, index, incoming, work);
}

static bool is_pulled(const struct holm_event *event)
{
    return event->type == HOLM_EVENT_MESSAGE &&
           event->as.message.message->type == HOLM_MESSAGE_DELTAS;
}

enum holm_status holm_engine_step(struct holm_engine *engine, uint32_t index,
                                  const struct holm_event *event, struct holm_now now,
                                  struct holm_engine_commit *commit)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    const struct holm_work *work;
    if (commit == NULL)
        permit_syncs(engine, partition);
    enum holm_status status = holm_replica_step(partition->replica, event, now, &work);
    if (commit == NULL)
        count_syncs(engine, partition, work);
    holm_engine_store(engine, index, work);
    if (commit != NULL && status == HOLM_OK)
        tell_witness(engine, index, work, commit);
    show(engine, index, work);
    if (work->synced || (is_pulled(event) && work->stored_count > 0))
        atomic_fetch_add_explicit(&engine->pulled, 1, memory_order_relaxed);
    send_and_wake(engine, index, false, work);
    work = holm_engine_save(engine, index, now);
    if (work != NULL)
        send_and_wake(engine, index, false, work);
    return status;
}

enum holm_status holm_engine_step_incoming(struct holm_engine *engine, uint32_t index,
                                           const struct holm_event *event, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    const struct holm_work *work;
    HOLM_ASSERT(partition->incoming != NULL);
    holm_replica_permit_syncs(partition->incoming, true, false);
    enum holm_status status = holm_replica_step(partition->incoming, event, now, &work);
    holm_engine_work(engine, index, partition->incoming, work);
    return status;
}

enum holm_status holm_engine_step_locked(struct holm_engine *engine, uint32_t index,
                                         const struct holm_event *event, struct holm_now now)
{
    struct holm_engine_partition *partition = &engine->partitions[index];
    pthread_mutex_lock(&partition->lock);
    enum holm_status status = holm_engine_step(engine, index, event, now, NULL);
    pthread_mutex_unlock(&partition->lock);
    return status;
}

/* ---- any thread ----------------------------------------------------------------------------- */

enum holm_status holm_engine_commit(struct holm_engine *engine, uint32_t index,
                                    const struct holm_op *ops, size_t count, struct holm_now now,
                                    struct holm_receipt *receipt)
{
    HOLM_ASSERT(index < engine->config.partitions && count > 0);
    struct holm_engine_partition *partition = &engine->partitions[index];
    struct holm_engine_commit commit = {.ops = ops, .count = count};
    struct holm_event event = {.type = HOLM_EVENT_COMMIT};
    event.as.commit.ops = ops;
    event.as.commit.count = count;
    pthread_mutex_lock(&partition->lock);
    enum holm_status status = HOLM_EIO;
    holm_engine_mute_failed(engine, index);
    commit.receipt.partition = index;
    if (partition->provisional && !partition->muted) {
        status = holm_engine_journal(engine, index, ops, count, now);
        commit.receipt.journalled = true;
    } else if (!partition->muted) {
        status = holm_engine_step(engine, index, &event, now, &commit);
    }
    pthread_mutex_unlock(&partition->lock);
    if (status == HOLM_OK && receipt != NULL)
        *receipt = commit.receipt;
    return status;
}

enum holm_status holm_engine_flush(struct holm_engine *engine, uint32_t partition,
                                   struct holm_now now)
{
    struct holm_event event = {.type = HOLM_EVENT_FLUSH};
    return holm_engine_step_locked(engine, partition, &event, now);
}

enum holm_status holm_engine_want(struct holm_engine *engine, uint32_t partition,
                                  struct holm_now now)
{
    struct holm_event event = {.type = HOLM_EVENT_WANT};
    return holm_engine_step_locked(engine, partition, &event, now);
}

const struct holm_replica *holm_engine_lock(struct holm_engine *engine, uint32_t partition)
{
    HOLM_ASSERT(partition < engine->config.partitions);
    pthread_mutex_lock(&engine->partitions[partition].lock);
    return engine->partitions[partition].home != NULL ? engine->partitions[partition].home
                                                      : engine->partitions[partition].replica;
}

void holm_engine_unlock(struct holm_engine *engine, uint32_t partition)
{
    pthread_mutex_unlock(&engine->partitions[partition].lock);
}

uint32_t holm_engine_partitions(const struct holm_engine *engine)
{
    return engine->config.partitions;
}

bool holm_engine_ordered(const struct holm_engine *engine)
{
    return engine->config.ordered;
}

size_t holm_engine_frame_bytes_max(const struct holm_engine *engine)
{
    return engine->config.frame_bytes_max;
}

struct holm_actor holm_engine_self(struct holm_engine *engine)
{
    pthread_mutex_lock(&engine->roster_lock);
    struct holm_actor self = holm_roster_self(engine->roster);
    pthread_mutex_unlock(&engine->roster_lock);
    return self;
}

enum holm_status holm_engine_join(struct holm_engine *engine, const char *address,
                                  struct holm_now now)
{
    pthread_mutex_lock(&engine->roster_lock);
    enum holm_status status = holm_roster_join(engine->roster, address);
    pthread_mutex_unlock(&engine->roster_lock);
    if (status == HOLM_OK)
        hurry(engine, false, now.monotonic_us);
    return status;
}

void holm_engine_resolved(struct holm_engine *engine, const struct holm_roster_named *named,
                          struct holm_now now, struct holm_roster_change *change)
{
    pthread_mutex_lock(&engine->roster_lock);
    holm_roster_resolved(engine->roster, named, change);
    pthread_mutex_unlock(&engine->roster_lock);
    if (change->added > 0)
        hurry(engine, false, now.monotonic_us);
}

void holm_engine_set_observer(struct holm_engine *engine, const struct holm_observer *observer)
{
    atomic_store_explicit(&engine->observer, observer, memory_order_release);
}

void holm_engine_set_witness(struct holm_engine *engine, const struct holm_witness *witness)
{
    atomic_store_explicit(&engine->witness, witness, memory_order_release);
}

enum holm_status holm_engine_fault_drop(struct holm_engine *engine, struct holm_node_id peer,
                                        enum holm_direction direction, uint32_t permille)
{
    return holm_faults_set(&engine->faults, peer, direction, permille);
}

void holm_engine_fault_heal(struct holm_engine *engine)
{
    holm_faults_clear(&engine->faults);
}
