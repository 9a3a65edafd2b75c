/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/reporter.h"

#include <stdlib.h>

#include "sim/city/heap.h"
#include "sim/city/story.h"

enum holm_status holm_reporter_init(struct holm_reporter *reporter, struct holm_node *node,
                                    const struct holm_city_actor *actor)
{
    *reporter = (struct holm_reporter){
        .node = node, .actor = actor, .partitions = holm_partition_count(node)};
    reporter->reported = calloc(reporter->partitions, sizeof reporter->reported[0]);
    return reporter->reported == NULL ? HOLM_ENOMEM : HOLM_OK;
}

void holm_reporter_release(struct holm_reporter *reporter)
{
    for (uint32_t i = 0; reporter->reported != NULL && i < reporter->partitions; i++)
        free(reporter->reported[i].entries);
    free(reporter->reported);
    free(reporter->fresh.entries);
    *reporter = (struct holm_reporter){0};
}

static enum holm_status read_vector(struct holm_reporter *reporter, uint32_t partition)
{
    struct holm_reporter_vector *fresh = &reporter->fresh;
    for (;;) {
        size_t count = holm_vector(reporter->node, partition, fresh->entries, fresh->capacity);
        if (count <= fresh->capacity) {
            fresh->count = count;
            return HOLM_OK;
        }
        void *room = holm_heap_grow(fresh->entries, &fresh->capacity, sizeof fresh->entries[0],
                                    count);
        if (room == NULL)
            return HOLM_ENOMEM;
        fresh->entries = room;
    }
}

static void write_place(struct holm_scribe *scribe, enum holm_journal_type type, uint32_t partition,
                        struct holm_dot dot)
{
    struct holm_journal_line line = {.type = type, .as.place = {partition, dot}};
    holm_scribe_line(scribe, &line);
}

/* Both vectors are sorted by actor. True when something differs; then the new one is kept. */
static bool tell_changes(struct holm_reporter *reporter, struct holm_scribe *scribe,
                         uint32_t partition)
{
    struct holm_reporter_vector *old = &reporter->reported[partition];
    struct holm_reporter_vector *fresh = &reporter->fresh;
    bool changed = old->count != fresh->count;
    size_t place = 0;
    for (size_t i = 0; i < fresh->count; i++) {
        struct holm_dot dot = fresh->entries[i];
        while (place < old->count && holm_actor_compare(old->entries[place].actor, dot.actor) < 0)
            place++;
        bool known = place < old->count && holm_actor_equal(old->entries[place].actor, dot.actor) &&
                     old->entries[place].seq == dot.seq;
        if (known)
            continue;
        changed = true;
        write_place(scribe, HOLM_JOURNAL_SEEN, partition, dot);
    }
    if (changed) {
        struct holm_reporter_vector kept = *fresh;
        *fresh = *old;
        *old = kept;
    }
    return changed;
}

static void fill_report(const struct holm_reporter *reporter, struct holm_journal_report *report)
{
    const struct holm_city_actor *actor = reporter->actor;
    struct holm_stats stats;
    holm_stats(reporter->node, &stats);
    *report = (struct holm_journal_report){
        .token = actor->token,
        .epoch = holm_self(reporter->node).epoch.value,
        .digest = stats.digest,
        .alive = actor->city.census.count,
        .here = actor->city.census.here,
        .patrolling = actor->city.census.patrolling,
        .buried = stats.tombstones,
        .operations = stats.operations,
        .entries = stats.vector_entries,
        .peers = stats.peers_up,
        .cuts = reporter->cuts,
        .fights = actor->city.figures.fights,
        .fallen = actor->city.figures.fallen,
        .refused = actor->city.figures.refused,
        .errors = actor->city.figures.errors,
        .breaches = stats.digest_breaches,
        .log_bytes = stats.log_bytes,
        .pulls = stats.pulls,
        .syncs = stats.syncs,
    };
}

enum holm_status holm_reporter_report(struct holm_reporter *reporter, struct holm_scribe *scribe,
                                      bool anyway)
{
    bool changed = anyway;
    for (uint32_t i = 0; i < reporter->partitions; i++) {
        enum holm_status status = read_vector(reporter, i);
        if (status != HOLM_OK)
            return status;
        changed = tell_changes(reporter, scribe, i) || changed;
    }
    struct holm_journal_line line = {.type = HOLM_JOURNAL_REPORT};
    fill_report(reporter, &line.as.report);
    if (changed || memcmp(&line.as.report, &reporter->last, sizeof reporter->last) != 0) {
        reporter->last = line.as.report;
        holm_scribe_line(scribe, &line);
    }
    holm_scribe_flush(scribe);
    return HOLM_OK;
}

static void write_hero(struct holm_reporter *reporter, struct holm_scribe *scribe,
                       struct holm_hero_id id, struct holm_journal_end *end)
{
    struct holm_hero hero;
    if (holm_hero_read(reporter->actor->city.port, id, &hero) != HOLM_OK)
        return;
    struct holm_journal_line line = {.type = HOLM_JOURNAL_ALIVE};
    line.as.alive.hero = id;
    line.as.alive.health = hero.health;
    line.as.alive.patrolling = hero.patrolling;
    memcpy(line.as.alive.city, hero.city, sizeof hero.city);
    holm_scribe_line(scribe, &line);
    end->heroes++;
}

/* A replica can be asked whether a key is buried, and not which ones are. */
static void write_buried(struct holm_reporter *reporter, struct holm_scribe *scribe, uint64_t seed,
                         uint32_t heroes, struct holm_journal_end *end)
{
    const struct holm_city_port *port = reporter->actor->city.port;
    for (uint32_t i = 0; i < heroes; i++) {
        struct holm_journal_line line = {.type = HOLM_JOURNAL_BURIED};
        char key[HOLM_HERO_KEY_BYTES + 1];
        line.as.buried = holm_story_hero(seed, i);
        holm_hero_key(line.as.buried, key);
        if (!port->buried(port->context, holm_str(key)))
            continue;
        holm_scribe_line(scribe, &line);
        end->buried++;
    }
}

enum holm_status holm_reporter_dump(struct holm_reporter *reporter, struct holm_scribe *scribe,
                                    uint64_t seed, uint32_t heroes)
{
    struct holm_journal_line end = {.type = HOLM_JOURNAL_END};
    for (uint32_t i = 0; i < reporter->partitions; i++) {
        if (read_vector(reporter, i) != HOLM_OK)
            return HOLM_ENOMEM;
        for (size_t k = 0; k < reporter->fresh.count; k++)
            write_place(scribe, HOLM_JOURNAL_FINAL, i, reporter->fresh.entries[k]);
        end.as.end.places += reporter->fresh.count;
    }
    /* Not from the census, which is the city's own idea of its replica. */
    struct holm_hero_id *ids;
    size_t count;
    enum holm_status status = holm_hero_list(reporter->actor->city.port, &ids, &count);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < count; i++)
        write_hero(reporter, scribe, ids[i], &end.as.end);
    free(ids);
    write_buried(reporter, scribe, seed, heroes, &end.as.end);
    struct holm_stats stats;
    holm_stats(reporter->node, &stats);
    end.as.end.digest = stats.digest;
    holm_scribe_line(scribe, &end);
    holm_scribe_flush(scribe);
    return HOLM_OK;
}
