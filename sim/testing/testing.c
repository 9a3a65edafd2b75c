/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sim/testing/parts.h"
#include "sim/world/trace.h"

/* So that the world's own numbers and those of the test have nothing to do with each other. */
#define RANDOM_SALT UINT64_C(0x7465737420697421)

void holm_testing_fail(const struct holm_testing *world, const char *format, ...)
{
    va_list arguments;
    (void)fprintf(stderr, "holm-testing: seed %" PRIu64 ": ", world->seed);
    va_start(arguments, format);
    (void)vfprintf(stderr, format, arguments);
    va_end(arguments);
    (void)fputc('\n', stderr);
    abort();
}

void *holm_testing_allocate(const struct holm_testing *world, size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL)
        holm_testing_fail(world, "no memory");
    return memory;
}

bool holm_testing_environment(const char *name, uint64_t *number)
{
    const char *text = getenv(name);
    char *end = NULL;
    if (text == NULL || *text < '0' || *text > '9')
        return false;
    *number = strtoull(text, &end, 10);
    return *end == '\0';
}

void holm_testing_line_to_stderr(void *context, const char *text)
{
    (void)context;
    (void)fprintf(stderr, "%s\n", text);
}

/* ---- what happens --------------------------------------------------------------------------- */

static void trace(const struct holm_testing *world, const struct holm_world_event *event)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    if (file == NULL)
        holm_testing_fail(world, "no memory");
    holm_trace_line(file, event);
    if (fclose(file) != 0 || size == 0)
        holm_testing_fail(world, "no memory");
    text[size - 1] = '\0';
    world->line(world->line_context, text);
    free(text);
}

static struct holm_testing_life *life_of(const struct holm_testing *world, uint32_t place)
{
    return place < world->place_count ? world->places[place]->life : NULL;
}

static void on_event(void *context, const struct holm_world_event *event)
{
    struct holm_testing *world = context;
    struct holm_testing_life *life = life_of(world, event->node);
    if (world->line != NULL)
        trace(world, event);
    if (event->type == HOLM_WORLD_CHANGED && life != NULL) {
        holm_node_touched(life->node, event->touched, event->touched_count, event->touched_all);
        life->news = true;
    }
    if (event->type == HOLM_WORLD_LOGGED) {
        const struct holm_config *config = &world->places[event->node]->config;
        if (config->log != NULL && event->level <= config->log_level)
            config->log(config->log_context, event->level, event->line);
    }
}

/* ---- the world ------------------------------------------------------------------------------ */

struct holm_testing *holm_testing_new_quiet(uint64_t seed)
{
    struct holm_testing none = {.seed = seed};
    struct holm_testing *world = holm_testing_allocate(&none, sizeof *world);
    struct holm_world_config config = holm_world_config_default(seed);
    struct holm_testing_path path = holm_testing_path_default();
    uint64_t wanted;
    *world = none;
    world->random.state = seed ^ RANDOM_SALT;
    config.hook = (struct holm_world_hook){on_event, world};
    if (holm_world_new(&config, &world->world) != HOLM_OK)
        holm_testing_fail(world, "no memory");
    holm_testing_set_path(world, NULL, NULL, &path);
    if (holm_testing_environment("HOLM_TESTING_TRACE", &wanted) && wanted != 0)
        holm_testing_trace(world, holm_testing_line_to_stderr, NULL);
    return world;
}

struct holm_testing *holm_testing_new(uint64_t seed)
{
    (void)holm_testing_environment("HOLM_TESTING_SEED", &seed);
    (void)fprintf(stderr, "holm-testing: seed %" PRIu64 "\n", seed);
    return holm_testing_new_quiet(seed);
}

void holm_testing_free(struct holm_testing *world)
{
    if (world == NULL)
        return;
    world->line = NULL;
    holm_testing_left(world);
    holm_testing_timers_free(world, NULL);
    holm_testing_lives_free(world);
    holm_world_free(world->world);
    for (uint32_t i = 0; i < world->place_count; i++) {
        free(world->places[i]->seeds);
        free(world->places[i]);
    }
    free(world->places);
    free(world);
}

uint64_t holm_testing_seed(const struct holm_testing *world)
{
    return world->seed;
}

uint64_t holm_testing_hash(const struct holm_testing *world)
{
    return holm_world_hash(world->world);
}

void holm_testing_trace(struct holm_testing *world, void (*line)(void *context, const char *text),
                        void *context)
{
    world->line = line;
    world->line_context = context;
}

void holm_testing_note(struct holm_testing *world, const char *text)
{
    holm_world_tell(world->world, HOLM_WORLD_NOBODY, "%s", text);
}

uint64_t holm_testing_random(struct holm_testing *world, uint64_t count)
{
    if (count == 0)
        holm_testing_fail(world, "holm_testing_random() has nothing to draw from");
    /* What lies beyond the last whole multiple would come more often than the rest. */
    uint64_t beyond = (0 - count) % count;
    uint64_t number;
    do {
        number = holm_random_next(&world->random);
    } while (number < beyond);
    return number % count;
}
