/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <sys/random.h>
#include <xxhash.h>

#include "node/address.h"
#include "node/clock.h"
#include "node/config.h"
#include "node/events.h"
#include "node/http.h"
#include "node/node.h"
#include "node/store_lmdb.h"
#include "transport/nng.h"
#include "transport/packed.h"

/* Events taken in one go, before what they made due is sent. */
#define EVENTS_AT_ONCE 64

/* A peer may ask for the pages of all partitions at once, some megabytes each. */
#define LINK_QUEUE_BYTES_MAX ((size_t)64 << 20)

#define LINGER_US 200000
#define LAST_WORDS_MS 500

struct holm_node_id holm_node_id_of(const char *name)
{
    struct holm_node_id id = {XXH3_64bits(name, strlen(name))};
    /* 0 stands for "none". */
    if (id.value == 0)
        id.value = 1;
    return id;
}

/* ---- the I/O thread ------------------------------------------------------------------------- */

static void take_events(struct holm_node *node, uint64_t timeout_us)
{
    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        struct holm_transport_event event;
        node->transport->ops->next(node->transport, timeout_us, &event);
        if (event.type == HOLM_TRANSPORT_NONE)
            return;
        holm_engine_event(node->engine, &event, holm_node_now(node));
        node->transport->ops->release(node->transport, &event);
        timeout_us = 0;
    }
}

/* Names and who is heard first, so that what was found is dialled in this turn. */
static uint64_t tick(struct holm_node *node, struct holm_now now)
{
    bool alone = holm_engine_peers_up(node->engine) == 0;
    uint64_t names_us = holm_resolver_tick(node->resolver, alone, now);
    if (node->multicast != NULL)
        holm_multicast_tick(node->multicast, now);
    uint64_t due_us = holm_engine_tick(node->engine, now);
    return names_us < due_us ? names_us : due_us;
}

static void *drive(void *context)
{
    struct holm_node *node = context;
    while (!atomic_load(&node->stopping)) {
        struct holm_now now = holm_node_now(node);
        atomic_store_explicit(&node->looks_us, now.monotonic_us, memory_order_relaxed);
        uint64_t due_us = tick(node, now);
        uint64_t now_us = holm_node_now(node).monotonic_us;
        atomic_store_explicit(&node->looks_us, due_us, memory_order_relaxed);
        take_events(node, due_us > now_us ? due_us - now_us : 0);
    }
    holm_engine_farewell(node->engine, holm_node_now(node));
    return NULL;
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum holm_status draw(uint64_t *numbers, size_t count)
{
    ssize_t drawn = getrandom(numbers, count * sizeof *numbers, 0);
    return drawn == (ssize_t)(count * sizeof *numbers) ? HOLM_OK : HOLM_EIO;
}

static enum holm_status transport_open(struct holm_node *node, const struct holm_config *config,
                                       uint64_t seed)
{
    struct holm_transport_config transport = holm_transport_config_default();
    const char *why = NULL;
    transport.allocator = node->allocator;
    transport.listen = config->listen;
    transport.frame_bytes_max = config->frame_bytes_max;
    transport.link_queue_bytes_max = LINK_QUEUE_BYTES_MAX;
    if (transport.link_queue_bytes_max < 4 * config->frame_bytes_max)
        transport.link_queue_bytes_max = 4 * config->frame_bytes_max;
    if (transport.links_queue_bytes_max < 2 * transport.link_queue_bytes_max)
        transport.links_queue_bytes_max = 2 * transport.link_queue_bytes_max;
    if (transport.broadcast_queue_bytes_max < 4 * config->frame_bytes_max)
        transport.broadcast_queue_bytes_max = 4 * config->frame_bytes_max;
    transport.links_max = 2 * (size_t)config->peers_max + 64;
    transport.accepts_per_s = config->accepts_per_s;
    transport.accepts_burst = config->accepts_burst;
    transport.random_seed = seed;
    transport.insecure = node->insecure = config->insecure;
    transport.tls = (struct holm_transport_tls){config->tls_certificate, config->tls_key,
                                                config->tls_ca};
    transport.why = &why;
    node->tls = config->tls_certificate != NULL;
    struct holm_transport *below = NULL;
    enum holm_status status = holm_transport_nng_open(&transport, &below);
    if (why != NULL)
        holm_log_tell(&node->log, holm_clock_now(), HOLM_LOG_TLS_REFUSED,
                      HOLM_LOG_VALUES(holm_log_text(why), holm_log_text(config->tls_certificate),
                                      holm_log_text(config->tls_key),
                                      holm_log_text(config->tls_ca)));
    if (status != HOLM_OK)
        return status;
    status = holm_transport_packed_open(below, &node->allocator, &node->transport);
    if (status != HOLM_OK)
        below->ops->close(below, 0);
    return status;
}

static enum holm_status engine_open(struct holm_node *node, const struct holm_config *config,
                                    const uint64_t random[2])
{
    struct holm_now now = holm_node_now(node);
    struct holm_engine_config engine;
    holm_config_engine(config, &engine);
    engine.allocator = node->allocator;
    engine.self.epoch.value = now.wall_ms << 16 | (random[0] & 0xffff);
    engine.random_seed = random[1];
    engine.log = node->log;
    engine.progress = holm_node_progress;
    engine.progress_context = node;
    engine.changed = holm_node_changed;
    engine.changed_context = node;
    return holm_engine_open(&engine, node->transport, node->store, now, &node->engine);
}

static void found_ready(void *context)
{
    struct holm_node *node = context;
    node->transport->ops->wake(node->transport);
}

static void found(void *context, const struct holm_roster_named *named, struct holm_now now,
                  struct holm_roster_change *change)
{
    struct holm_node *node = context;
    holm_engine_resolved(node->engine, named, now, change);
}

static enum holm_status resolver_open(struct holm_node *node, const struct holm_config *config,
                                      uint64_t seed)
{
    struct holm_resolver_config resolver = {.allocator = node->allocator,
                                            .log = node->log,
                                            .interval_us = (uint64_t)config->resolve_interval_ms *
                                                           1000,
                                            .random_seed = seed,
                                            .tls = node->tls,
                                            .insecure = node->insecure,
                                            .find = holm_lookup_system,
                                            .ready = found_ready,
                                            .resolved = found,
                                            .context = node};
    return holm_resolver_new(&resolver, &node->resolver);
}

static void who(void *context, struct holm_actor *actor, bool *alone)
{
    struct holm_node *node = context;
    *actor = holm_engine_self(node->engine);
    *alone = holm_engine_peers_up(node->engine) == 0;
}

static enum holm_status multicast_open(struct holm_node *node, const struct holm_config *config,
                                       uint64_t seed)
{
    struct holm_multicast_config multicast = {
        .allocator = node->allocator,
        .log = node->log,
        .secret = config->multicast_secret,
        .cluster = config->cluster,
        .address = node->transport->ops->address(node->transport),
        .random_seed = seed,
        .tls = node->tls,
        .insecure = node->insecure,
        .clock = holm_clock_now,
        .who = who,
        .ready = found_ready,
        .resolved = found,
        .context = node};
    /* Checked with the configuration. */
    if (holm_group_parse(&multicast.group, holm_str(config->multicast)) != NULL)
        return HOLM_EINVAL;
    return holm_multicast_open(&multicast, &node->multicast);
}

static enum holm_status join(struct holm_node *node, const char *address)
{
    if (!holm_address_is_name(holm_str(address)))
        return holm_engine_join(node->engine, address, holm_node_now(node));
    enum holm_status status = holm_resolver_add(node->resolver, address);
    if (status == HOLM_OK)
        found_ready(node);
    return status;
}

static enum holm_status join_seeds(struct holm_node *node, const char *seeds)
{
    struct holm_bytes list = holm_str(seeds);
    struct holm_bytes address;
    enum holm_status status = HOLM_OK;
    while (status == HOLM_OK && holm_address_next(&list, &address)) {
        char text[HOLM_ADDRESS_BYTES_MAX + 1] = "";
        if (address.size > HOLM_ADDRESS_BYTES_MAX)
            return HOLM_EADDRESS;
        memcpy(text, address.data, address.size);
        status = join(node, text);
    }
    return status;
}

static void dispose(struct holm_node *node)
{
    holm_node_http_close(node);
    holm_multicast_close(node->multicast);
    holm_resolver_free(node->resolver);
    holm_engine_free(node->engine);
    if (node->transport != NULL)
        node->transport->ops->close(node->transport, LINGER_US);
    if (node->store != NULL)
        node->store->ops->close(node->store);
    holm_node_free(node);
}

/* Signals are for the program's own threads. */
static enum holm_status thread_open(struct holm_node *node)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int refused = pthread_create(&node->thread, NULL, drive, node);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return refused == 0 ? HOLM_OK : HOLM_EIO;
}

static enum holm_status store_open(struct holm_node *node, const struct holm_config *config)
{
    struct holm_store_lmdb_config store = holm_store_lmdb_config_default();
    if (config->store == NULL) {
        node->store = holm_store_memory();
        return HOLM_OK;
    }
    store.allocator = node->allocator;
    store.directory = config->store;
    store.node.value = config->node_id != 0 ? config->node_id : holm_node_id_of(config->name).value;
    store.cluster = XXH3_64bits(config->cluster, strlen(config->cluster));
    store.partitions = config->partitions;
    store.retention = config->retention;
    store.log = node->log;
    return holm_store_lmdb_open(&store, &node->store);
}

static enum holm_status parts_open(struct holm_node *node, const struct holm_config *config)
{
    uint64_t random[5];
    enum holm_status status = store_open(node, config);
    if (status == HOLM_OK)
        status = draw(random, 5);
    if (status == HOLM_OK)
        status = transport_open(node, config, random[2]);
    if (status == HOLM_OK)
        status = engine_open(node, config, random);
    if (status == HOLM_OK)
        status = resolver_open(node, config, random[3]);
    if (status == HOLM_OK)
        status = join_seeds(node, config->seeds);
    if (status == HOLM_OK && config->multicast != NULL)
        status = multicast_open(node, config, random[4]);
    if (status == HOLM_OK && config->http != NULL) {
        atomic_store(&node->looks_us, holm_node_now(node).monotonic_us);
        status = holm_node_http_open(node, config->http);
    }
    return status == HOLM_OK ? thread_open(node) : status;
}

/* nng does not survive a fork: a process that inherited it cannot open a node of its own. */
static pthread_once_t process_once = PTHREAD_ONCE_INIT;
static struct holm_fork_mark process_mark;

static void mark_process(void)
{
    holm_fork_mark_open(&process_mark);
}

static bool process_forked(void)
{
    (void)pthread_once(&process_once, mark_process);
    return !holm_fork_mark_owned(&process_mark);
}

enum holm_status (*holm_open_hook)(const struct holm_config *config, struct holm_node **node);

enum holm_status holm_open(const struct holm_config *config, struct holm_node **opened)
{
    if (holm_open_hook != NULL)
        return holm_open_hook(config, opened);
    char line[256];
    struct holm_log log = {
        .level = config->log_level, .write = config->log, .context = config->log_context};
    *opened = NULL;
    enum holm_status status = holm_config_check(config, line, sizeof line);
    if (status != HOLM_OK) {
        holm_log_tell(&log, holm_clock_now(), HOLM_LOG_CONFIG_REFUSED,
                      HOLM_LOG_VALUES(holm_log_text(line)));
        return status;
    }
    if (process_forked()) {
        holm_log_tell(&log, holm_clock_now(), HOLM_LOG_NODE_FORKED,
                      HOLM_LOG_VALUES(holm_log_text(config->name), holm_log_status(HOLM_EFORK)));
        return HOLM_EFORK;
    }
    struct holm_node *node;
    (void)snprintf(log.speaker, sizeof log.speaker, "%s", config->name);
    status = holm_node_new(&log, &node);
    if (status != HOLM_OK)
        return status;
    status = parts_open(node, config);
    if (status != HOLM_OK) {
        holm_log_tell(
            &log, holm_clock_now(), HOLM_LOG_NODE_NOT_OPENED,
            HOLM_LOG_VALUES(holm_log_text(config->name),
                            holm_log_text(config->listen == NULL ? "none" : config->listen),
                            holm_log_status(status)));
        dispose(node);
        return status;
    }
    *opened = node;
    return HOLM_OK;
}

void holm_close(struct holm_node *node)
{
    /* In a forked child there is no I/O thread to stop, and nng must not be touched. */
    enum holm_status status = node == NULL ? HOLM_EFORK : holm_node_check(node);
    if (status == HOLM_EFORK)
        return;
    HOLM_ASSERT(node->watches == NULL && node->events == NULL);
    if (status == HOLM_ECLOSED) {
        node->host->close(node);
        return;
    }
    /* What was written last may be known here alone, and a broadcast may be lost: whoever is up
     * gets a while to fetch it. */
    if (holm_wait_seen(node, NULL, holm_engine_peers_up(node->engine), LAST_WORDS_MS) != HOLM_OK)
        holm_log_tell(&node->log, holm_node_now(node), HOLM_LOG_CLOSING_EARLY, HOLM_LOG_NOTHING);
    if (node->host != NULL) {
        node->host->close(node);
        return;
    }
    holm_node_http_close(node);
    atomic_store(&node->stopping, true);
    node->transport->ops->wake(node->transport);
    pthread_join(node->thread, NULL);
    dispose(node);
}

/* ---- who this is, who else there is --------------------------------------------------------- */

struct holm_actor holm_self(struct holm_node *node)
{
    struct holm_actor nobody = {{0}, {0}};
    return holm_node_check(node) == HOLM_OK ? holm_engine_self(node->engine) : nobody;
}

const char *holm_address(struct holm_node *node)
{
    if (holm_node_check(node) != HOLM_OK)
        return NULL;
    const char *address = node->transport->ops->address(node->transport);
    return address[0] == '\0' ? NULL : address;
}

enum holm_status holm_forget(struct holm_node *node, struct holm_node_id member)
{
    enum holm_status status = holm_node_check(node);
    return status == HOLM_OK ? holm_engine_forget(node->engine, member, holm_node_now(node))
                             : status;
}

enum holm_status holm_join(struct holm_node *node, const char *address)
{
    enum holm_status status = holm_node_check(node);
    if (status != HOLM_OK)
        return status;
    if (node->host != NULL)
        return node->host->join(node, address);
    if (!holm_address_valid(holm_str(address), false) && !holm_address_is_name(holm_str(address)))
        return HOLM_EADDRESS;
    const char *objection = holm_address_objection(holm_str(address), node->tls, node->insecure);
    if (objection != NULL) {
        holm_log_tell(&node->log, holm_node_now(node), HOLM_LOG_JOIN_REFUSED,
                      HOLM_LOG_VALUES(holm_log_text(address), holm_log_text(objection)));
        return HOLM_EINVAL;
    }
    return join(node, address);
}

size_t holm_peers(struct holm_node *node, struct holm_peer *peers, size_t capacity)
{
    if (holm_node_check(node) != HOLM_OK)
        return 0;
    return holm_engine_peers(node->engine, holm_node_now(node), peers, capacity);
}

void holm_stats(struct holm_node *node, struct holm_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    if (holm_node_check(node) == HOLM_OK)
        holm_engine_stats(node->engine, stats);
}

enum holm_status holm_fault_drop(struct holm_node *node, struct holm_node_id peer,
                                 enum holm_direction direction, uint32_t permille)
{
    enum holm_status status = holm_node_check(node);
    return status == HOLM_OK ? holm_engine_fault_drop(node->engine, peer, direction, permille)
                             : status;
}

void holm_fault_heal(struct holm_node *node)
{
    if (holm_node_check(node) == HOLM_OK)
        holm_engine_fault_heal(node->engine);
}

void holm_node_set_witness(struct holm_node *node, const struct holm_witness *witness)
{
    holm_engine_set_witness(node->engine, witness);
}
