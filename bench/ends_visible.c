/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "bench/ends.h"
#include "bench/ends_redis.h"
#include "bench/ends_team.h"

#define PAUSE_US 2000
#define CHUNKS 5
#define LOAD_KEYS 100000

struct percentiles {
    struct measure_samples p50, p99; /* of each chunk, in us */
};

static void sample(struct percentiles *percentiles, double p50_ns, double p99_ns)
{
    measure_sample(&percentiles->p50, p50_ns / 1e3);
    measure_sample(&percentiles->p99, p99_ns / 1e3);
}

static void release(struct percentiles *percentiles)
{
    measure_samples_free(&percentiles->p50);
    measure_samples_free(&percentiles->p99);
}

static void probe(struct team *team, size_t count, struct percentiles *percentiles)
{
    char line[64];
    uint64_t seen[3];
    (void)snprintf(line, sizeof line, "watch %zu", count);
    team_ask(team, 1, line, NULL, 0);
    (void)snprintf(line, sizeof line, "probe %zu %d", count, PAUSE_US);
    team_ask(team, 0, line, NULL, 0);
    team_ask(team, 1, "seen", seen, 3);
    sample(percentiles, (double)seen[0], (double)seen[1]);
}

static void probe_redis(struct redis *redis, size_t first, size_t count,
                        struct percentiles *percentiles)
{
    struct measure_samples samples = {0};
    for (size_t i = first; i < first + count; i++) {
        measure_nap_us(PAUSE_US);
        measure_sample(&samples, (double)redis_visible(redis, i));
    }
    sample(percentiles, measure_percentile(&samples, 50), measure_percentile(&samples, 99));
    measure_samples_free(&samples);
}

/* How many a millisecond are half of what one writer and one peer can do, here and now. */
static size_t half_load(struct team *team)
{
    uint64_t span[2], when;
    char line[64];
    (void)snprintf(line, sizeof line, "put 0 %d", LOAD_KEYS);
    team_tell(team, 1, "wait %d", LOAD_KEYS);
    team_ask(team, 0, line, span, 2);
    team_answer(team, 1, &when, 1);
    return (size_t)(LOAD_KEYS * 1e6 / (double)(when - span[0]) / 2);
}

struct visible {
    struct percentiles redis, idle, loaded;
    struct measure_samples rate; /* puts a second, beside which `loaded` is */
    size_t tick;
};

static void measure_load(struct visible *visible, size_t chunk)
{
    struct team team;
    char line[64];
    uint64_t loaded;
    team_open(&team, 2);
    (void)snprintf(line, sizeof line, "keys %d", LOAD_KEYS);
    team_ask(&team, 0, line, NULL, 0);
    visible->tick = half_load(&team);
    for (size_t i = 0; i < CHUNKS; i++) {
        (void)snprintf(line, sizeof line, "load 0 %d %zu", LOAD_KEYS, visible->tick);
        uint64_t begun = measure_now_ns();
        team_ask(&team, 0, line, NULL, 0);
        probe(&team, chunk, &visible->loaded);
        team_ask(&team, 0, "rest", &loaded, 1);
        measure_sample(&visible->rate, (double)loaded * 1e9 / (double)(measure_now_ns() - begun));
    }
    (void)snprintf(line, sizeof line, "wait %zu", LOAD_KEYS + CHUNKS * chunk);
    (void)team_last(&team, line);
    measure_nap_us(
        1500000); /* the last overwrites are no new records: they are there, too, by now */
    team_check(&team, LOAD_KEYS + CHUNKS * chunk, 1, LOAD_KEYS);
    team_close(&team);
}

static void measure_idle(struct visible *visible, size_t chunk)
{
    struct team team;
    struct redis redis;
    team_open(&team, 2);
    if (ends_redis_there())
        redis_open(&redis, 1);
    for (size_t i = 0; i < CHUNKS; i++) {
        if (ends_redis_there())
            probe_redis(&redis, i * chunk, chunk, &visible->redis);
        probe(&team, chunk, &visible->idle);
    }
    if (ends_redis_there())
        redis_close(&redis);
    team_check(&team, CHUNKS * chunk, 1, 0);
    team_close(&team);
}

static void tell(struct report *report, const char *name, const struct measure_samples *samples,
                 struct report_base base, double most)
{
    report_row(report,
               &(struct report_row){
                   .name = name, .unit = "us", .samples = samples, .base = base, .most = most});
}

static struct report_base tell_idle(struct report *report, const struct visible *visible,
                                    struct report_base *p99)
{
    struct report_base p50 = {0};
    if (visible->redis.p50.count > 0) {
        p50 = report_base(report, "Redis: a SET, and GETs at a replica until it is there, p50",
                          "us", &visible->redis.p50);
        *p99 = report_base(report, "… p99", "us", &visible->redis.p99);
    }
    tell(report, "a put read in another process, idle, p50", &visible->idle.p50, p50, 120);
    tell(report, "… p99", &visible->idle.p99, *p99, 1000);
    return p50;
}

static void tell_loaded(struct report *report, const struct visible *visible,
                        struct report_base p50, struct report_base p99)
{
    char name[96];
    (void)snprintf(name, sizeof name, "… beside %.0f puts a second (half the load), p50",
                   measure_median(&visible->rate));
    tell(report, name, &visible->loaded.p50, p50, 0);
    tell(report, "… p99", &visible->loaded.p99, p99, 0);
}

void ends_visible(struct report *report)
{
    if (!report_wants(report, "ends-visible", "one put every 2 ms, read by who watches for it"))
        return;
    struct visible visible = {.tick = 0};
    size_t chunk = report->quick ? 50 : 400;
    struct report_base p99 = {0};
    measure_idle(&visible, chunk);
    struct report_base p50 = tell_idle(report, &visible, &p99);
    measure_load(&visible, chunk);
    tell_loaded(report, &visible, p50, p99);
    release(&visible.redis);
    release(&visible.idle);
    release(&visible.loaded);
    measure_samples_free(&visible.rate);
}
