/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/story.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "crdt/base.h"
#include "sim/city/dice.h"
#include "sim/city/heap.h"

#define SECOND_US UINT64_C(1000000)

/* How often, in seconds of the story's own time (`speed` of them pass in a second), one city … */
enum {
    ASSIGN_EVERY_S = 40, /* … gets a hero */
    CREATE_EVERY_S = 80, /* … has one born: with the boosts about as much as fights take */
    DELETE_EVERY_S = 150 /* … buries one for no reason */
};

/* Each theme has dice of its own, so that a change of one setting leaves the rest of a story. */
enum theme {
    THEME_BIRTHS = 1,
    THEME_BOMBS = 2,
    THEME_SPLITS = 3,
    THEME_HEROES = 4,
    THEME_NAMES = 5,
    THEME_SIZES = 6,
    THEME_CITIES = 100
};

static const char *const city_names[HOLM_STORY_CITIES_MAX] = {
    "lisbon",  "oslo",    "kyoto",    "quito",   "tunis",   "lima",     "porto",     "bergen",
    "nairobi", "hanoi",   "quebec",   "riga",    "cusco",   "dakar",    "perth",     "turin",
    "krakow",  "accra",   "osaka",    "malmo",   "seville", "bogota",   "tampere",   "bruges",
    "lagos",   "busan",   "galway",   "tirana",  "medina",  "salta",    "hobart",    "leipzig",
    "rabat",   "vilnius", "kampala",  "utrecht", "nagoya",  "la-paz",   "tartu",     "ghent",
    "muscat",  "leeds",   "cordoba",  "halifax", "sofia",   "windhoek", "brno",      "aleppo",
    "asmara",  "belem",   "tbilisi",  "aarhus",  "durban",  "mendoza",  "pokhara",   "lviv",
    "baku",    "zagreb",  "montreal", "bilbao",  "suva",    "darwin",   "reykjavik", "colombo",
};

static const char *const first_names[] = {
    "Silver", "Crimson", "Quiet",  "Iron",  "Golden", "Swift",  "Hidden",   "Brave",
    "Velvet", "Thunder", "Frozen", "Amber", "Cosmic", "Gentle", "Rapid",    "Night",
    "Copper", "Lucky",   "Misty",  "Solar", "Turbo",  "Humble", "Electric", "Paper",
};

static const char *const last_names[] = {
    "Otter",  "Falcon", "Badger",  "Comet",  "Heron", "Lynx",  "Mantis", "Anchor",
    "Marten", "Beacon", "Sparrow", "Hammer", "Fox",   "Raven", "Tide",   "Lantern",
    "Stoat",  "Arrow",  "Cyclone", "Hornet", "Moose", "Ember", "Puffin", "Shadow",
};

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

const char *holm_story_city(uint32_t index)
{
    HOLM_ASSERT(index < HOLM_STORY_CITIES_MAX);
    return city_names[index];
}

static struct holm_dice theme_dice(uint64_t seed, uint64_t theme)
{
    struct holm_dice dice;
    holm_dice_init(&dice, holm_dice_mix(seed, theme));
    return dice;
}

struct holm_hero_id holm_story_hero(uint64_t seed, uint32_t number)
{
    struct holm_dice dice = theme_dice(holm_dice_mix(seed, THEME_HEROES), number);
    uint64_t high = holm_dice_next(&dice);
    return holm_hero_id_make(high, holm_dice_next(&dice));
}

/* Walks through all pairs of names before one comes again, with a number behind it. */
void holm_story_hero_name(uint64_t seed, uint32_t number, char name[HOLM_HERO_NAME_BYTES_MAX + 1])
{
    uint64_t pairs = COUNT_OF(first_names) * COUNT_OF(last_names);
    uint64_t stride = 371; /* has no factor in common with the pairs */
    uint64_t pair = (holm_dice_mix(seed, THEME_NAMES) % pairs + number * stride) % pairs;
    const char *first = first_names[pair / COUNT_OF(last_names)];
    const char *last = last_names[pair % COUNT_OF(last_names)];
    if (number < pairs)
        (void)snprintf(name, HOLM_HERO_NAME_BYTES_MAX + 1, "%s %s", first, last);
    else
        (void)snprintf(name, HOLM_HERO_NAME_BYTES_MAX + 1, "%s %s %" PRIu64, first, last,
                       number / pairs + 1);
}

uint32_t holm_story_bombs_max(uint32_t cities, uint32_t seconds)
{
    /* Two in five seconds for each city, where the supervisor bears three. */
    uint64_t fit = (uint64_t)cities * seconds * 2 / 5;
    if (fit > UINT32_MAX)
        fit = UINT32_MAX;
    return fit < cities ? cities : (uint32_t)fit;
}

uint32_t holm_story_splits_max(uint32_t seconds)
{
    return seconds;
}

static enum holm_status push(struct holm_story *story, struct holm_story_event event)
{
    void *room = holm_heap_grow(story->events, &story->capacity, sizeof event, story->count + 1);
    if (room == NULL)
        return HOLM_ENOMEM;
    story->events = room;
    story->events[story->count++] = event;
    return HOLM_OK;
}

static uint64_t length_us(const struct holm_story_config *config)
{
    return config->seconds * SECOND_US;
}

/* Cities are of different sizes: of five the second largest has half as many heroes as the largest,
 * and the smallest hardly any. In small ones a hero fights often, and falls soon. */
struct sizes {
    uint64_t of[HOLM_STORY_CITIES_MAX];
    uint64_t total;
};

static void draw_sizes(const struct holm_story_config *config, struct sizes *sizes)
{
    struct holm_dice dice = theme_dice(config->seed, THEME_SIZES);
    *sizes = (struct sizes){0};
    for (uint64_t i = 0; i < config->cities; i++) {
        uint64_t size = (i + 1) * (i + 1) * (i + 1);
        uint64_t place = holm_dice_below(&dice, i + 1);
        sizes->of[i] = sizes->of[place];
        sizes->of[place] = size;
        sizes->total += size;
    }
}

static enum holm_status draw_births(struct holm_story *story)
{
    struct holm_dice dice = theme_dice(story->config.seed, THEME_BIRTHS);
    struct sizes sizes;
    draw_sizes(&story->config, &sizes);
    story->births = calloc((size_t)story->config.heroes + 1, sizeof story->births[0]);
    if (story->births == NULL)
        return HOLM_ENOMEM;
    for (uint32_t i = 0; i < story->config.heroes; i++) {
        uint64_t drawn = holm_dice_below(&dice, sizes.total);
        uint32_t city = 0;
        for (; city + 1 < story->config.cities && drawn >= sizes.of[city]; city++)
            drawn -= sizes.of[city];
        story->births[i] = city;
    }
    story->heroes = story->config.heroes;
    return HOLM_OK;
}

/* One bomb in each of equal slots of time; a city's turn comes again only after all others'. */
static enum holm_status draw_bombs(struct holm_story *story)
{
    struct holm_dice dice = theme_dice(story->config.seed, THEME_BOMBS);
    uint32_t order[HOLM_STORY_CITIES_MAX];
    uint32_t cities = story->config.cities;
    for (uint32_t i = 0; i < story->config.bombs; i++) {
        uint32_t turn = i % cities;
        for (uint32_t k = 0; turn == 0 && k < cities; k++)
            order[k] = k;
        uint32_t drawn = turn + (uint32_t)holm_dice_below(&dice, cities - turn);
        uint32_t city = order[drawn];
        order[drawn] = order[turn];
        order[turn] = city;
        uint64_t slot_us = length_us(&story->config) / story->config.bombs;
        uint64_t at_us = slot_us * i + slot_us / 4 + holm_dice_below(&dice, slot_us / 2 + 1);
        struct holm_story_event event = {.at_us = at_us, .type = HOLM_STORY_BOMB, .city = city};
        enum holm_status status = push(story, event);
        if (status != HOLM_OK)
            return status;
    }
    return HOLM_OK;
}

/* A random part of the cities, at least a third of them and at most a half, one bit each. */
static uint64_t draw_part(struct holm_dice *dice, uint32_t cities)
{
    uint32_t least = cities / 3 > 0 ? cities / 3 : 1;
    uint32_t size = (uint32_t)holm_dice_between(dice, least, cities / 2);
    uint64_t part = 0;
    while (size > 0) {
        uint64_t bit = UINT64_C(1) << holm_dice_below(dice, cities);
        if ((part & bit) == 0) {
            part |= bit;
            size--;
        }
    }
    return part;
}

/* Of some drawn parts the first that leaves at least a fifth of the heroes on either side, so that
 * there are fights on both; the fairest when there is none. */
static uint64_t draw_side(struct holm_dice *dice, uint32_t cities, const struct sizes *sizes)
{
    uint64_t best = 0;
    uint64_t best_heroes = 0;
    for (int attempt = 0; attempt < 32 && best_heroes * 5 < sizes->total; attempt++) {
        uint64_t side = draw_part(dice, cities);
        uint64_t heroes = 0;
        for (uint32_t i = 0; i < cities; i++)
            heroes += (side >> i & 1) != 0 ? sizes->of[i] : 0;
        if (heroes > sizes->total - heroes)
            heroes = sizes->total - heroes;
        if (heroes > best_heroes) {
            best_heroes = heroes;
            best = side;
        }
    }
    return best;
}

static enum holm_status draw_splits(struct holm_story *story)
{
    struct holm_dice dice = theme_dice(story->config.seed, THEME_SPLITS);
    struct sizes sizes;
    draw_sizes(&story->config, &sizes);
    uint64_t begin_us = length_us(&story->config) / 10;
    uint64_t slot_us = story->config.splits == 0
                           ? 0
                           : length_us(&story->config) * 8 / 10 / story->config.splits;
    for (uint32_t i = 0; i < story->config.splits; i++) {
        uint64_t at_us = begin_us + slot_us * i + holm_dice_below(&dice, slot_us / 8 + 1);
        uint64_t lasts_us = slot_us / 2 + holm_dice_below(&dice, slot_us / 5 + 1);
        if (lasts_us > 10 * SECOND_US)
            lasts_us = 10 * SECOND_US;
        struct holm_story_event split = {.at_us = at_us, .type = HOLM_STORY_SPLIT};
        split.side = draw_side(&dice, story->config.cities, &sizes);
        struct holm_story_event heal = split;
        heal.type = HOLM_STORY_HEAL;
        heal.at_us += lasts_us;
        enum holm_status status = push(story, split);
        if (status == HOLM_OK)
            status = push(story, heal);
        if (status != HOLM_OK)
            return status;
    }
    return HOLM_OK;
}

/* Moments of one kind in one city: uneven, `every_s` apart on average. */
static enum holm_status draw_moments(struct holm_story *story, struct holm_dice *dice,
                                     uint32_t city, enum holm_story_type type, uint64_t every_s)
{
    uint64_t every_us = every_s * SECOND_US / story->config.speed;
    uint64_t at_us = holm_dice_below(dice, 2 * every_us);
    while (at_us < length_us(&story->config)) {
        struct holm_story_event event = {.at_us = at_us, .type = type, .city = city};
        enum holm_status status = push(story, event);
        if (status != HOLM_OK)
            return status;
        at_us += every_us / 2 + holm_dice_below(dice, every_us) + 1;
    }
    return HOLM_OK;
}

static int compare_events(const void *left, const void *right)
{
    const struct holm_story_event *a = left;
    const struct holm_story_event *b = right;
    if (a->at_us != b->at_us)
        return a->at_us < b->at_us ? -1 : 1;
    if (a->type != b->type)
        return a->type < b->type ? -1 : 1;
    return (a->city > b->city) - (a->city < b->city);
}

/* Who it is about: newborns get the next number; others are drawn from those born of late, most of
 * whom still live. */
static void draw_heroes(struct holm_story *story)
{
    struct holm_dice dice = theme_dice(story->config.seed, THEME_HEROES);
    uint32_t late = story->config.heroes < 50 ? 100 : story->config.heroes * 2;
    size_t kept = 0;
    for (size_t i = 0; i < story->count; i++) {
        struct holm_story_event event = story->events[i];
        bool about = event.type == HOLM_STORY_ASSIGN || event.type == HOLM_STORY_DELETE;
        if (event.type == HOLM_STORY_CREATE)
            event.hero = story->heroes++;
        if (about && story->heroes == 0)
            continue;
        if (about) {
            uint32_t span = story->heroes < late ? story->heroes : late;
            event.hero = story->heroes - 1 - (uint32_t)holm_dice_below(&dice, span);
        }
        story->events[kept++] = event;
    }
    story->count = kept;
}

static bool is_told(const struct holm_story_config *config)
{
    return config->cities >= HOLM_STORY_CITIES_MIN && config->cities <= HOLM_STORY_CITIES_MAX &&
           config->heroes <= HOLM_STORY_HEROES_MAX && config->seconds >= 1 &&
           config->seconds <= HOLM_STORY_SECONDS_MAX && config->speed >= 1 &&
           config->speed <= HOLM_STORY_SPEED_MAX &&
           config->bombs <= holm_story_bombs_max(config->cities, config->seconds) &&
           config->splits <= holm_story_splits_max(config->seconds);
}

enum holm_status holm_story_draw(struct holm_story *story, const struct holm_story_config *config)
{
    *story = (struct holm_story){.config = *config};
    if (!is_told(config))
        return HOLM_EINVAL;
    enum holm_status status = draw_births(story);
    if (status == HOLM_OK)
        status = draw_bombs(story);
    if (status == HOLM_OK)
        status = draw_splits(story);
    for (uint32_t city = 0; status == HOLM_OK && city < config->cities; city++) {
        struct holm_dice dice = theme_dice(config->seed, THEME_CITIES + city);
        status = draw_moments(story, &dice, city, HOLM_STORY_ASSIGN, ASSIGN_EVERY_S);
        if (status == HOLM_OK)
            status = draw_moments(story, &dice, city, HOLM_STORY_CREATE, CREATE_EVERY_S);
        if (status == HOLM_OK)
            status = draw_moments(story, &dice, city, HOLM_STORY_DELETE, DELETE_EVERY_S);
    }
    if (status != HOLM_OK) {
        holm_story_release(story);
        return status;
    }
    if (story->count > 0)
        qsort(story->events, story->count, sizeof story->events[0], compare_events);
    draw_heroes(story);
    return HOLM_OK;
}

void holm_story_release(struct holm_story *story)
{
    free(story->births);
    free(story->events);
    *story = (struct holm_story){0};
}
