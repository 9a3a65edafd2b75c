/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/ends.h"
#include "bench/ends_redis.h"
#include "bench/ends_team.h"

struct writes {
    size_t count, peers;
    struct measure_samples ns;    /* wall, a put, until all have it */
    struct measure_samples cpu;   /* of all processes together, in ns, a cell and peer */
    struct measure_samples bytes; /* received, a cell and peer */
};

struct use {
    uint64_t cpu_us, received;
};

static struct use use_of(struct team *team)
{
    struct use sum = {0};
    for (size_t i = 0; i < team->count; i++) {
        uint64_t numbers[4];
        team_ask(team, i, "usage", numbers, 4);
        sum.cpu_us += numbers[0];
        sum.received += numbers[3];
    }
    return sum;
}

/* The waiting nodes look each 200 us, and their CPU is counted with that. */
static void run(struct writes *writes)
{
    struct team team;
    char line[64];
    uint64_t span[2], last = 0;
    team_open(&team, writes->peers + 1);
    (void)snprintf(line, sizeof line, "keys %zu", writes->count);
    team_ask(&team, 0, line, NULL, 0);
    struct use before = use_of(&team);
    for (size_t i = 1; i < team.count; i++)
        team_tell(&team, i, "wait %zu", writes->count);
    (void)snprintf(line, sizeof line, "put 0 %zu", writes->count);
    team_ask(&team, 0, line, span, 2);
    for (size_t i = 1; i < team.count; i++) {
        uint64_t when;
        team_answer(&team, i, &when, 1);
        last = when > last ? when : last;
    }
    measure_sample(&writes->ns, (double)(last - span[0]) / (double)writes->count);
    measure_nap_us(1200000); /* bytes are told with beacons */
    struct use after = use_of(&team);
    double cells = (double)(writes->count * writes->peers);
    measure_sample(&writes->cpu, (double)(after.cpu_us - before.cpu_us) * 1e3 / cells);
    measure_sample(&writes->bytes, (double)(after.received - before.received) / cells);
    team_check(&team, writes->count, writes->peers, writes->count);
    team_close(&team);
}

static void run_redis(struct measure_samples *ns, size_t replicas, size_t count)
{
    struct redis redis;
    redis_open(&redis, replicas);
    measure_sample(ns, (double)redis_put(&redis, count) / (double)count);
    redis_close(&redis);
}

static void tell(struct report *report, const struct writes *writes, struct report_base redis)
{
    char name[96];
    double most = writes->peers == 1 ? 1000 : writes->peers == 3 ? 2500 : 0;
    (void)snprintf(name, sizeof name, "a put, until %zu peer%s it", writes->peers,
                   writes->peers == 1 ? " has" : "s have");
    report_row(
        report,
        &(struct report_row){
            .name = name, .unit = "ns", .samples = &writes->ns, .base = redis, .most = most});
    (void)snprintf(name, sizeof name, "CPU of all processes, a cell and peer, %zu peer%s",
                   writes->peers, writes->peers == 1 ? "" : "s");
    report_row(report, &(struct report_row){.name = name, .unit = "ns", .samples = &writes->cpu});
    (void)snprintf(name, sizeof name, "received, a cell and peer, %zu peer%s", writes->peers,
                   writes->peers == 1 ? "" : "s");
    report_row(report, &(struct report_row){.name = name, .unit = "B", .samples = &writes->bytes});
}

static void measure_peers(struct report *report, size_t peers, size_t replicas)
{
    size_t count = report->quick ? 100000 : 400000;
    struct writes writes = {.count = count, .peers = peers};
    struct measure_samples redis = {0};
    struct report_base base = {0};
    char name[64];
    for (int i = 0; i < (report->quick ? 1 : 5); i++) {
        if (replicas > 0 && ends_redis_there())
            run_redis(&redis, replicas, count);
        run(&writes);
    }
    (void)snprintf(name, sizeof name, "Redis, pipelined, until %zu replica%s it", replicas,
                   replicas == 1 ? " has" : "s have");
    if (redis.count > 0)
        base = report_base(report, name, "ns", &redis);
    tell(report, &writes, base);
    measure_samples_free(&writes.ns);
    measure_samples_free(&writes.cpu);
    measure_samples_free(&writes.bytes);
    measure_samples_free(&redis);
}

#define ABOUT "new keys from one writer; 1,000 ns are a million a second"

void ends_writes_one(struct report *report)
{
    if (report_wants(report, "ends-writes-1", ABOUT))
        measure_peers(report, 1, 1);
}

void ends_writes_three(struct report *report)
{
    if (report_wants(report, "ends-writes-3", ABOUT))
        measure_peers(report, 3, 3);
}

void ends_writes_eight(struct report *report)
{
    if (report_wants(report, "ends-writes-8", ABOUT))
        measure_peers(report, 8, 0);
}
