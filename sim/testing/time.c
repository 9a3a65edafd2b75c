/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "sim/testing/parts.h"

/* Callbacks at one moment: beyond it, they keep each other awake. */
#define BUSY_MAX 100000

static bool is_asleep(const struct holm_testing *world, const struct holm_testing_life *life)
{
    return life != NULL && holm_world_paused(world->world, life->place);
}

/* The first timer that is not held up, by the link that leads to it. */
static struct holm_testing_timer **first_timer(struct holm_testing *world)
{
    struct holm_testing_timer **link = &world->timers;
    while (*link != NULL && is_asleep(world, (*link)->life))
        link = &(*link)->next;
    return link;
}

static void note_call(struct holm_testing *world)
{
    uint64_t now_us = holm_testing_now(world);
    world->busy = world->busy_us == now_us ? world->busy + 1 : 0;
    world->busy_us = now_us;
    if (world->busy > BUSY_MAX)
        holm_testing_fail(world, "time stands still: callbacks call each other without an end");
}

/* A callback may add timers, end lives and let time pass: everything is looked up anew after each. */
static bool call_timers(struct holm_testing *world)
{
    bool called = false;
    for (;;) {
        struct holm_testing_timer **link = first_timer(world);
        struct holm_testing_timer *timer = *link;
        if (timer == NULL || timer->due_us > holm_testing_now(world))
            return called;
        *link = timer->next;
        note_call(world);
        timer->call(timer->context);
        free(timer);
        called = true;
    }
}

static struct holm_testing_life *next_news(struct holm_testing *world)
{
    for (uint32_t i = 0; i < world->place_count; i++) {
        struct holm_testing_life *life = world->places[i]->life;
        if (life != NULL && life->news && life->changed != NULL && !is_asleep(world, life))
            return life;
    }
    return NULL;
}

static bool call_changed(struct holm_testing *world)
{
    struct holm_testing_life *life;
    bool called = false;
    while ((life = next_news(world)) != NULL) {
        life->news = false;
        note_call(world);
        life->changed(life->changed_context);
        called = true;
    }
    return called;
}

bool holm_testing_step(struct holm_testing *world, uint64_t to_us)
{
    uint64_t next_us = holm_world_next_us(world->world);
    if (call_changed(world))
        return true;
    const struct holm_testing_timer *timer = *first_timer(world);
    uint64_t now_us = holm_testing_now(world);
    if (timer != NULL && timer->due_us < next_us)
        next_us = timer->due_us > now_us ? timer->due_us : now_us;
    if (next_us > to_us)
        next_us = to_us;
    if (next_us > now_us)
        holm_world_run(world->world, next_us);
    bool called = call_timers(world);
    return call_changed(world) || called;
}

/* To that moment, and until all that is due then is done. A callback may have gone beyond it. */
static void run_to(struct holm_testing *world, uint64_t to_us)
{
    bool called = true;
    while (called || holm_testing_now(world) < to_us) {
        uint64_t now_us = holm_testing_now(world);
        called = holm_testing_step(world, to_us > now_us ? to_us : now_us);
    }
}

uint64_t holm_testing_now(const struct holm_testing *world)
{
    return holm_world_now_us(world->world);
}

uint64_t holm_testing_wall_ms(const struct holm_testing *world, const char *name)
{
    return holm_world_clock(world->world, holm_testing_place_of(world, holm_str(name))).wall_ms;
}

/* For ever is long enough. */
static uint64_t later(const struct holm_testing *world, uint64_t by_us)
{
    uint64_t now_us = holm_testing_now(world);
    return by_us > UINT64_MAX / 2 - now_us ? UINT64_MAX / 2 : now_us + by_us;
}

void holm_testing_run(struct holm_testing *world, uint64_t for_us)
{
    run_to(world, later(world, for_us));
}

bool holm_testing_run_until(struct holm_testing *world, uint64_t for_us,
                            bool (*done)(void *context), void *context)
{
    uint64_t to_us = later(world, for_us);
    while (!done(context)) {
        bool called = holm_testing_step(world, to_us);
        if (!called && holm_testing_now(world) >= to_us)
            return done(context);
    }
    return true;
}

void holm_testing_after(struct holm_testing *world, struct holm_node *node, uint64_t delay_us,
                        void (*call)(void *context), void *context)
{
    struct holm_testing_timer **link = &world->timers;
    if (node != NULL && node->ended)
        return;
    struct holm_testing_timer *timer = holm_testing_allocate(world, sizeof *timer);
    *timer = (struct holm_testing_timer){.due_us = later(world, delay_us),
                                         .life = node == NULL ? NULL : node->host_context,
                                         .call = call,
                                         .context = context};
    while (*link != NULL && (*link)->due_us <= timer->due_us)
        link = &(*link)->next;
    timer->next = *link;
    *link = timer;
}

void holm_testing_on_change(struct holm_testing *world, struct holm_node *node,
                            void (*call)(void *context), void *context)
{
    struct holm_testing_life *life = node->host_context;
    (void)world;
    if (node->ended)
        return;
    life->changed = call;
    life->changed_context = context;
    life->news = false;
}

void holm_testing_timers_free(struct holm_testing *world, const struct holm_testing_life *life)
{
    struct holm_testing_timer **link = &world->timers;
    while (*link != NULL) {
        struct holm_testing_timer *timer = *link;
        if (life == NULL || timer->life == life) {
            *link = timer->next;
            free(timer);
        } else {
            link = &timer->next;
        }
    }
}

/* ---- agreement ------------------------------------------------------------------------------ */

static bool agreed(void *context)
{
    struct holm_testing_difference difference;
    return !holm_testing_differ(context, &difference);
}

enum holm_status holm_testing_converge(struct holm_testing *world, uint64_t within_us)
{
    world->why[0] = '\0';
    if (holm_testing_run_until(world, within_us, agreed, world))
        return HOLM_OK;
    holm_testing_explain(world);
    return HOLM_ETIMEDOUT;
}
