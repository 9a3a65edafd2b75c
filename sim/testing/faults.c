/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "node/address.h"
#include "sim/testing/parts.h"

#define REORDER_US 20000
#define RESEND_US 200000

struct holm_testing_path holm_testing_path_default(void)
{
    return (struct holm_testing_path){.delay_us = 1000};
}

/* ---- pairs ---------------------------------------------------------------------------------- */

struct pairs {
    const char *to;
    uint32_t from;
    void (*call)(struct holm_testing *world, uint32_t from, uint32_t to, const void *context);
    const void *context;
};

static void call_pair(struct holm_testing *world, uint32_t to, void *context)
{
    const struct pairs *pairs = context;
    if (pairs->from != to)
        pairs->call(world, pairs->from, to, pairs->context);
}

static void call_pairs(struct holm_testing *world, uint32_t from, void *context)
{
    struct pairs *pairs = context;
    pairs->from = from;
    holm_testing_each(world, pairs->to, call_pair, pairs);
}

/* Calls for each pair of different places that are named. */
static void each_pair(struct holm_testing *world, const char *from, struct pairs *pairs)
{
    holm_testing_each(world, from, call_pairs, pairs);
}

static const char *shown(const char *names)
{
    return names == NULL ? "all" : names;
}

/* ---- paths ---------------------------------------------------------------------------------- */

static void set_path(struct holm_testing *world, uint32_t from, uint32_t to, const void *context)
{
    struct holm_network_path path = *(const struct holm_network_path *)context;
    path.cut = holm_world_path(world->world, from, to).cut;
    holm_world_path_set(world->world, from, to, &path);
}

void holm_testing_set_path(struct holm_testing *world, const char *from, const char *to,
                           const struct holm_testing_path *path)
{
    if (path->loss_permille > 1000 || path->duplicate_permille > 1000 ||
        path->reorder_permille > 1000)
        holm_testing_fail(world, "a path loses, doubles or reorders more than 1,000 in 1,000");
    struct holm_network_path network = {.delay_us = path->delay_us,
                                        .jitter_us = path->jitter_us,
                                        .loss_permille = path->loss_permille,
                                        .duplicate_permille = path->duplicate_permille,
                                        .reorder_permille = path->reorder_permille,
                                        .reorder_us = REORDER_US,
                                        .resend_us = RESEND_US,
                                        .bytes_per_s = path->bytes_per_s};
    struct pairs pairs = {.to = to, .call = set_path, .context = &network};
    holm_world_tell(world->world, HOLM_WORLD_NOBODY,
                    "path from %.60s to %.60s: %" PRIu64 " us, loss %" PRIu32, shown(from),
                    shown(to), path->delay_us, path->loss_permille);
    if (from == NULL && to == NULL)
        holm_network_path_set_default(holm_world_network(world->world), &network);
    each_pair(world, from, &pairs);
}

/* ---- cuts ----------------------------------------------------------------------------------- */

static void set_cut(struct holm_testing *world, uint32_t from, uint32_t to, const void *context)
{
    holm_world_cut(world->world, from, to, *(const bool *)context);
}

static void cut(struct holm_testing *world, const char *from, const char *to, bool is_cut)
{
    struct pairs pairs = {.to = to, .call = set_cut, .context = &is_cut};
    holm_world_tell(world->world, HOLM_WORLD_NOBODY, "%s from %.80s to %.80s",
                    is_cut ? "cut" : "heal", shown(from), shown(to));
    each_pair(world, from, &pairs);
}

void holm_testing_cut(struct holm_testing *world, const char *from, const char *to)
{
    cut(world, from, to, true);
}

void holm_testing_heal(struct holm_testing *world, const char *from, const char *to)
{
    cut(world, from, to, false);
}

static bool is_named(const struct holm_testing *world, const char *names, uint32_t place)
{
    struct holm_bytes list = holm_str(names);
    struct holm_bytes name;
    while (holm_address_next(&list, &name))
        if (holm_testing_place_of(world, name) == place)
            return true;
    return false;
}

struct split {
    const char *side, *other; /* either may be NULL */
};

static bool is_on(const struct holm_testing *world, const char *side, const char *other,
                  uint32_t place)
{
    return side == NULL ? !is_named(world, other, place) : is_named(world, side, place);
}

static void set_split(struct holm_testing *world, uint32_t from, uint32_t to, const void *context)
{
    const struct split *split = context;
    if (is_on(world, split->side, split->other, from) &&
        is_on(world, split->other, split->side, to)) {
        holm_world_cut(world->world, from, to, true);
        holm_world_cut(world->world, to, from, true);
    }
}

void holm_testing_split(struct holm_testing *world, const char *side, const char *other)
{
    struct split split = {side, other};
    struct pairs pairs = {.call = set_split, .context = &split};
    if (side == NULL && other == NULL)
        holm_testing_fail(world, "a split needs at least one side that is named");
    holm_world_tell(world->world, HOLM_WORLD_NOBODY, "split %.80s | %.80s", shown(side),
                    shown(other));
    each_pair(world, NULL, &pairs);
}

/* ---- clocks --------------------------------------------------------------------------------- */

static void jump(struct holm_testing *world, uint32_t place, void *context)
{
    holm_world_clock_jump(world->world, place, *(int64_t *)context);
}

void holm_testing_clock_jump(struct holm_testing *world, const char *names, int64_t by_ms)
{
    holm_world_tell(world->world, HOLM_WORLD_NOBODY, "clock of %.80s jumps %" PRId64 " ms",
                    shown(names), by_ms);
    holm_testing_each(world, names, jump, &by_ms);
}

static void drift(struct holm_testing *world, uint32_t place, void *context)
{
    holm_world_clock_drift(world->world, place, *(int32_t *)context);
}

void holm_testing_clock_drift(struct holm_testing *world, const char *names, int32_t ppm)
{
    holm_world_tell(world->world, HOLM_WORLD_NOBODY, "clock of %.80s drifts %" PRId32 " ppm",
                    shown(names), ppm);
    holm_testing_each(world, names, drift, &ppm);
}
