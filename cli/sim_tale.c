/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The story, told: what happens to the cities from outside.
 */
#include "cli/sim.h"

#include <stdio.h>

#include "sim/city/heap.h"

#define SECOND_US UINT64_C(1000000)
/* A parent that was stopped itself tells the story on from where it was. */
#define STORY_STEP_MAX_US (SECOND_US / 4)

/* The first city that can take it, from the one that was meant on. */
static struct holm_sim_city *choose(struct holm_sim *sim, uint32_t index)
{
    for (uint32_t i = 0; i < sim->count; i++) {
        struct holm_sim_city *city = &sim->cities[(index + i) % sim->count];
        if (city->state == HOLM_SIM_UP)
            return city;
    }
    return NULL;
}

static void send_letter(struct holm_sim *sim, struct holm_sim_city *city,
                        enum holm_letter_type type, uint32_t number)
{
    struct holm_control control = {.type = HOLM_CONTROL_LETTER, .letter.type = type};
    uint64_t seed = sim->story.config.seed;
    control.letter.hero = holm_story_hero(seed, number);
    holm_story_hero_name(seed, number, control.letter.name);
    holm_sim_send(sim, city, &control);
}

void holm_sim_bear_heroes(struct holm_sim *sim)
{
    for (uint32_t i = 0; i < sim->story.config.heroes; i++) {
        struct holm_sim_city *city = choose(sim, sim->story.births[i]);
        if (city != NULL)
            send_letter(sim, city, HOLM_LETTER_CREATE, i);
    }
}

static void tell_split(struct holm_sim *sim)
{
    char sides[2][HOLM_SIM_EVENT_BYTES] = {"", ""};
    for (uint32_t i = 0; i < sim->count; i++) {
        char *side = sides[sim->side >> i & 1];
        size_t used = strlen(side);
        (void)snprintf(side + used, HOLM_SIM_EVENT_BYTES - used, "%s%s", used == 0 ? "" : ", ",
                       sim->cities[i].name);
    }
    holm_sim_tell(sim, "netsplit: %s | %s", sides[1], sides[0]);
}

static void split(struct holm_sim *sim, uint64_t side)
{
    void *room = holm_heap_grow(sim->split_fights, &sim->split_capacity,
                                sizeof sim->split_fights[0], sim->split_count + 1);
    if (room == NULL) {
        holm_sim_fail(sim, "no memory");
        return;
    }
    sim->split_fights = room;
    memset(sim->split_fights[sim->split_count++], 0, sizeof sim->split_fights[0]);
    sim->side = side;
    sim->splits++;
    tell_split(sim);
    for (uint32_t a = 0; a < sim->count; a++) {
        for (uint32_t b = 0; b < sim->count; b++) {
            struct holm_control control = {.type = HOLM_CONTROL_CUT};
            (void)snprintf(control.text, sizeof control.text, "%s", sim->cities[b].name);
            if (holm_sim_is_cut(sim, a, b))
                holm_sim_send(sim, &sim->cities[a], &control);
        }
    }
}

static void heal(struct holm_sim *sim)
{
    sim->side = 0;
    holm_sim_tell(sim, "the split is healed; the story holds its breath");
    holm_sim_send_all(sim, HOLM_CONTROL_HEAL);
    holm_sim_enter(sim, HOLM_SIM_HEALING);
    holm_sim_hold_all(sim, true);
}

static void bomb(struct holm_sim *sim, uint32_t index)
{
    struct holm_sim_city *city = choose(sim, index);
    if (city != NULL)
        holm_sim_fleet_bomb(sim, city);
    else
        holm_sim_tell(sim, "a bomb finds no city that is up");
}

static void delete_hero(struct holm_sim *sim, struct holm_sim_city *city, uint32_t number)
{
    struct holm_sim_who *who = holm_sim_find_hero(sim,
                                                  holm_story_hero(sim->story.config.seed, number));
    if (who != NULL)
        who->deleted = true;
    sim->deletes++;
    send_letter(sim, city, HOLM_LETTER_DELETE, number);
}

static void happen(struct holm_sim *sim, const struct holm_story_event *event)
{
    struct holm_sim_city *city = &sim->cities[event->city];
    switch (event->type) {
    case HOLM_STORY_ASSIGN:
        sim->assigns++;
        send_letter(sim, city, HOLM_LETTER_ASSIGN, event->hero);
        break;
    case HOLM_STORY_CREATE:
        sim->creates++;
        send_letter(sim, city, HOLM_LETTER_CREATE, event->hero);
        break;
    case HOLM_STORY_DELETE:
        delete_hero(sim, city, event->hero);
        break;
    case HOLM_STORY_BOMB:
        bomb(sim, event->city);
        break;
    case HOLM_STORY_SPLIT:
        split(sim, event->side);
        break;
    case HOLM_STORY_HEAL:
        heal(sim);
        break;
    }
}

static uint64_t story_length_us(const struct holm_sim *sim)
{
    return sim->story.config.seconds * SECOND_US;
}

void holm_sim_tell_story(struct holm_sim *sim)
{
    uint64_t step_us = sim->now_us - sim->told_us;
    sim->story_us += step_us < STORY_STEP_MAX_US ? step_us : STORY_STEP_MAX_US;
    sim->told_us = sim->now_us;
    while (sim->phase == HOLM_SIM_STORY && sim->next_event < sim->story.count &&
           sim->story.events[sim->next_event].at_us <= sim->story_us)
        happen(sim, &sim->story.events[sim->next_event++]);
    if (sim->phase != HOLM_SIM_STORY || sim->story_us < story_length_us(sim))
        return;
    holm_sim_tell(sim, "the story is over; all must agree");
    holm_sim_enter(sim, HOLM_SIM_ENDING);
    holm_sim_hold_all(sim, true);
}
