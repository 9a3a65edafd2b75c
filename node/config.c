/* SPDX-License-Identifier: Apache-2.0 */
#include "node/config.h"

#include <inttypes.h>
#include <stdio.h>

#include "crdt/replica.h"
#include "node/address.h"
#include "transport/datagrams.h"

#define KIB ((size_t)1024)
#define MIB (1024 * KIB)

struct holm_config holm_config_default(void)
{
    struct holm_config config = {
        .cluster = "holm",
        .partitions = 16,
        .flush_interval_us = 1000,
        .beacon_interval_ms = 1000,
        .link_timeout_ms = 3000,
        .redial_interval_ms = 1000,
        .resolve_interval_ms = 30000,
        .frame_bytes_max = 1 * MIB,
        .log_bytes_max = 64 * MIB,
        .holdback_bytes_max = 64 * MIB,
        .unacked_bytes_max = 16 * MIB,
        .lag_ms = 250,
        .peers_max = 256,
        .accepts_per_s = 16,
        .accepts_burst = 256,
        .max_drift_ms = 60000,
        .log_level = HOLM_LOG_INFO,
    };

    return config;
}

static bool is_name(const char *name)
{
    size_t size = 0;

    if (name == NULL)
        return false;
    for (; name[size] != '\0'; size++)
        if (size == HOLM_NAME_BYTES_MAX || (unsigned char)name[size] < ' ' || name[size] == 0x7f)
            return false;
    return size > 0;
}

static enum holm_status check_name(const char *member, const char *name, char *line,
                                   size_t capacity)
{
    if (is_name(name))
        return HOLM_OK;
    snprintf(line, capacity, "config: %s is %s; it must have 1 to %d bytes, none of them control",
             member,
             name == NULL      ? "missing"
             : name[0] == '\0' ? "empty"
                               : "not a name",
             HOLM_NAME_BYTES_MAX);
    return HOLM_EINVAL;
}

static enum holm_status check_numbers(const struct holm_config *config, char *line, size_t capacity)
{
    const uint64_t hour_ms = 3600000;
    const struct {
        const char *member;
        uint64_t value, min, max;
    } ranges[] = {
        {"partitions", config->partitions, 1, 1024},
        {"flush_interval_us", config->flush_interval_us, 1, 1000000},
        {"beacon_interval_ms", config->beacon_interval_ms, 10, hour_ms},
        {"link_timeout_ms", config->link_timeout_ms, 100, hour_ms},
        {"redial_interval_ms", config->redial_interval_ms, 10, hour_ms},
        {"resolve_interval_ms", config->resolve_interval_ms, 100, hour_ms},
        {"hearsay_ms", config->hearsay_ms, 0, ((uint64_t)1 << 48) - 1},
        {"frame_bytes_max", config->frame_bytes_max, 64 * KIB, 64 * MIB},
        {"log_bytes_max", config->log_bytes_max, 64 * KIB, SIZE_MAX},
        {"holdback_bytes_max", config->holdback_bytes_max, 64 * KIB, SIZE_MAX},
        {"unacked_bytes_max", config->unacked_bytes_max, 64 * KIB, SIZE_MAX},
        {"lag_ms", config->lag_ms, 10, hour_ms},
        {"peers_max", config->peers_max, 1, HOLM_REPLICA_PEERS_MAX},
        {"accepts_per_s", config->accepts_per_s, 0, 1000000},
        {"accepts_burst", config->accepts_burst, 1, 1000000},
        {"max_drift_ms", config->max_drift_ms, 0, ((uint64_t)1 << 48) - 1},
        {"forget_after_ms", config->forget_after_ms, 0, ((uint64_t)1 << 48) - 1},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        if (ranges[i].value >= ranges[i].min && ranges[i].value <= ranges[i].max)
            continue;
        snprintf(line, capacity, "config: %s is %" PRIu64 "; allowed is %" PRIu64 " to %" PRIu64,
                 ranges[i].member, ranges[i].value, ranges[i].min, ranges[i].max);
        return HOLM_EINVAL;
    }
    if (config->retention != HOLM_RETENTION_FOREVER && config->retention != HOLM_RETENTION_STABLE) {
        snprintf(line, capacity, "config: retention is %d; allowed is 0 or 1",
                 (int)config->retention);
        return HOLM_EINVAL;
    }
    if (config->retention == HOLM_RETENTION_FOREVER &&
        (config->founds || config->forget_after_ms != 0)) {
        snprintf(line, capacity, "config: %s is set; it needs retention stable",
                 config->founds ? "founds" : "forget_after_ms");
        return HOLM_EINVAL;
    }
    if (config->log_level >= HOLM_LOG_SILENT && config->log_level <= HOLM_LOG_DEBUG)
        return HOLM_OK;
    snprintf(line, capacity, "config: log_level is %d; allowed is %d to %d", config->log_level,
             (int)HOLM_LOG_SILENT, (int)HOLM_LOG_DEBUG);
    return HOLM_EINVAL;
}

static enum holm_status check_address(const char *member, struct holm_bytes address, bool listening,
                                      char *line, size_t capacity)
{
    if (holm_address_valid(address, listening))
        return HOLM_OK;
    snprintf(line, capacity, "config: %s has '%.*s'; write tcp://HOST:PORT or ipc:///PATH", member,
             (int)(address.size < 128 ? address.size : 128), (const char *)address.data);
    return HOLM_EADDRESS;
}

static enum holm_status check_multicast(const struct holm_config *config, char *line,
                                        size_t capacity)
{
    struct holm_group group;
    const char *why = NULL;

    if ((config->multicast == NULL) != (config->multicast_secret == NULL)) {
        snprintf(line, capacity, "config: %s",
                 config->multicast == NULL
                     ? "multicast_secret is set; it needs multicast, an interface"
                     : "multicast is set; it needs multicast_secret, a file");
        return HOLM_EINVAL;
    }
    if (config->multicast != NULL)
        why = holm_group_parse(&group, holm_str(config->multicast));
    if (why == NULL)
        return HOLM_OK;
    snprintf(line, capacity, "config: multicast: '%.128s' %s", config->multicast, why);
    return HOLM_EINVAL;
}

static enum holm_status check_certificate(const struct holm_config *config, char *line,
                                          size_t capacity)
{
    const struct {
        const char *member, *file;
    } files[] = {{"tls_certificate", config->tls_certificate},
                 {"tls_key", config->tls_key},
                 {"tls_ca", config->tls_ca}};

    if (config->tls_certificate == NULL && config->tls_key == NULL && config->tls_ca == NULL)
        return HOLM_OK;
    for (size_t i = 0; i < 3; i++) {
        if (files[i].file != NULL && files[i].file[0] != '\0')
            continue;
        snprintf(
            line, capacity,
            "config: %s is missing; write tls_certificate, tls_key and tls_ca, or none of them",
            files[i].member);
        return HOLM_EINVAL;
    }
    return HOLM_OK;
}

/* Of a list of addresses that are well formed. */
static enum holm_status check_exposure(const struct holm_config *config, const char *member,
                                       const char *addresses, char *line, size_t capacity)
{
    struct holm_bytes list = holm_str(addresses);
    struct holm_bytes address;

    while (holm_address_next(&list, &address)) {
        const char *objection = holm_address_objection(address, config->tls_certificate != NULL,
                                                       config->insecure);
        if (objection == NULL)
            continue;
        snprintf(line, capacity, "config: %s: '%.*s' %s", member, (int)address.size,
                 (const char *)address.data, objection);
        return HOLM_EINVAL;
    }
    return HOLM_OK;
}

static enum holm_status check_http(const char *url, char *line, size_t capacity)
{
    char address[HOLM_ADDRESS_BYTES_MAX + 1];

    if (holm_address_of_http(address, url))
        return HOLM_OK;
    snprintf(line, capacity, "config: http has '%.128s'; write http://HOST:PORT", url);
    return HOLM_EADDRESS;
}

static enum holm_status check_seeds(struct holm_bytes seeds, char *line, size_t capacity)
{
    struct holm_bytes address;
    enum holm_status status = HOLM_OK;

    while (status == HOLM_OK && holm_address_next(&seeds, &address))
        if (!holm_address_is_name(address))
            status = check_address("seeds", address, false, line, capacity);
    return status;
}

enum holm_status holm_config_check(const struct holm_config *config, char *line, size_t capacity)
{
    if (capacity > 0)
        line[0] = '\0';

    enum holm_status status = check_name("name", config->name, line, capacity);

    if (status == HOLM_OK)
        status = check_name("cluster", config->cluster, line, capacity);
    if (status == HOLM_OK)
        status = check_numbers(config, line, capacity);
    if (status == HOLM_OK && config->store != NULL && config->store[0] == '\0') {
        snprintf(line, capacity, "config: store is empty; write a directory, or NULL for none");
        status = HOLM_EINVAL;
    }
    if (status == HOLM_OK && config->listen != NULL)
        status = check_address("listen", holm_str(config->listen), true, line, capacity);
    if (status == HOLM_OK)
        status = check_seeds(holm_str(config->seeds), line, capacity);
    if (status == HOLM_OK && config->http != NULL)
        status = check_http(config->http, line, capacity);
    if (status == HOLM_OK)
        status = check_multicast(config, line, capacity);
    if (status == HOLM_OK)
        status = check_certificate(config, line, capacity);
    if (status == HOLM_OK)
        status = check_exposure(config, "listen", config->listen, line, capacity);
    if (status == HOLM_OK)
        status = check_exposure(config, "seeds", config->seeds, line, capacity);
    return status;
}

void holm_config_engine(const struct holm_config *config, struct holm_engine_config *engine)
{
    *engine = holm_engine_config_default();
    engine->self.node = holm_node_id_of(config->name);
    if (config->node_id != 0)
        engine->self.node.value = config->node_id;
    engine->name = config->name;
    engine->cluster = config->cluster;
    engine->partitions = config->partitions;
    engine->flush_interval_us = config->flush_interval_us;
    engine->beacon_interval_us = (uint64_t)config->beacon_interval_ms * 1000;
    engine->link_timeout_us = (uint64_t)config->link_timeout_ms * 1000;
    engine->redial_interval_us = (uint64_t)config->redial_interval_ms * 1000;
    engine->hearsay_us = config->hearsay_ms * 1000;
    engine->max_drift_ms = config->max_drift_ms;
    engine->ordered = config->ordered;
    engine->retention = config->retention;
    engine->founds = config->founds;
    engine->forget_after_us = config->forget_after_ms * 1000;
    engine->relay = config->relay;
    engine->frame_bytes_max = config->frame_bytes_max;
    engine->log_bytes_max = config->log_bytes_max;
    engine->holdback_bytes_max = config->holdback_bytes_max;
    engine->unacked_bytes_max = config->unacked_bytes_max;
    engine->lag_us = (uint64_t)config->lag_ms * 1000;
    if (engine->outbox_bytes_max < 4 * config->frame_bytes_max)
        engine->outbox_bytes_max = 4 * config->frame_bytes_max;
    engine->peers_max = config->peers_max;
}
