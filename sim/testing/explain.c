/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "sim/testing/parts.h"

#define SHOWN_BYTES 40 /* of a key or a value */
#define ACTORS_MAX 4096

struct writer {
    char *text;
    size_t size, capacity;
};

__attribute__((format(printf, 2, 3))) static void say(struct writer *writer, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(writer->text + writer->size, writer->capacity - writer->size, format,
                         arguments);
    va_end(arguments);
    writer->size += size < 0 ? 0 : (size_t)size;
    if (writer->size >= writer->capacity)
        writer->size = writer->capacity - 1;
}

static void say_bytes(struct writer *writer, struct holm_bytes bytes)
{
    const unsigned char *data = bytes.data;
    for (size_t i = 0; i < bytes.size && i < SHOWN_BYTES; i++)
        say(writer, "%c", data[i] >= ' ' && data[i] < 0x7f ? data[i] : '.');
    if (bytes.size > SHOWN_BYTES)
        say(writer, "...");
}

static void say_value(struct writer *writer, const struct holm_value *value)
{
    switch (value->type) {
    case HOLM_BYTES:
    case HOLM_TEXT:
        say(writer, " \"");
        say_bytes(writer, value->as.bytes);
        say(writer, "\"");
        break;
    case HOLM_I64:
        say(writer, " %" PRId64, value->as.i64);
        break;
    case HOLM_DOUBLE:
        say(writer, " %g", value->as.f64);
        break;
    case HOLM_BOOL:
        say(writer, value->as.boolean ? " on" : " off");
        break;
    case HOLM_NONE:
        break;
    }
}

static void say_entry(struct writer *writer, const struct holm_entry *entry)
{
    static const char *const kinds[] = {"?", "register", "counter", "set", "flag", "max", "min"};
    for (size_t i = 0; i < entry->path.count; i++) {
        say(writer, i == 0 ? "" : "/");
        say_bytes(writer, entry->path.names[i]);
    }
    say(writer, "%s%s", entry->path.count == 0 ? "" : ": ", kinds[entry->kind]);
    if (entry->kind == HOLM_SET) {
        say(writer, " \"");
        say_bytes(writer, entry->element);
        say(writer, "\"");
    } else {
        say_value(writer, &entry->value);
    }
}

static bool equal_bytes(struct holm_bytes a, struct holm_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* As holm tells doubles apart. */
static uint64_t double_bits(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static bool equal_values(const struct holm_value *a, const struct holm_value *b)
{
    if (a->type != b->type)
        return false;
    switch (a->type) {
    case HOLM_BYTES:
    case HOLM_TEXT:
        return equal_bytes(a->as.bytes, b->as.bytes);
    case HOLM_I64:
        return a->as.i64 == b->as.i64;
    case HOLM_DOUBLE:
        return double_bits(a->as.f64) == double_bits(b->as.f64);
    case HOLM_BOOL:
        return a->as.boolean == b->as.boolean;
    case HOLM_NONE:
        return true;
    }
    return false;
}

static bool equal_entries(const struct holm_entry *a, const struct holm_entry *b)
{
    bool equal = a->kind == b->kind && a->path.count == b->path.count &&
                 equal_bytes(a->element, b->element) && equal_values(&a->value, &b->value) &&
                 holm_actor_equal(a->dot.actor, b->dot.actor) && a->dot.seq == b->dot.seq;
    for (size_t i = 0; i < a->path.count && equal; i++)
        equal = equal_bytes(a->path.names[i], b->path.names[i]);
    return equal;
}

/* The first entry of `own` that `other` (NULL: nothing) has not; NULL: it has them all. */
static const struct holm_entry *missing(const struct holm_view *own, const struct holm_view *other)
{
    size_t others = other == NULL ? 0 : holm_view_count(other);
    for (size_t i = 0; i < holm_view_count(own); i++) {
        const struct holm_entry *entry = holm_view_entry(own, i);
        size_t k = 0;
        while (k < others && !equal_entries(entry, holm_view_entry(other, k)))
            k++;
        if (k == others)
            return entry;
    }
    return NULL;
}

struct search {
    const struct holm_testing *world;
    struct holm_testing_difference difference;
    struct writer writer;
    uint64_t records; /* that differ */
};

static void say_record(struct search *search, uint32_t has, struct holm_bytes key,
                       const struct holm_entry *entry)
{
    struct writer *writer = &search->writer;
    say(writer, "%s and %s differ in ", search->world->places[search->difference.a]->name,
        search->world->places[search->difference.b]->name);
    say_bytes(writer, key);
    say(writer, ": only %s has ", search->world->places[has]->name);
    say_entry(writer, entry);
}

/* Records of `has` with something in them that `lacks` has not. */
static void look_through(struct search *search, uint32_t has, uint32_t lacks)
{
    struct holm_scan *scan;
    const struct holm_view *own;
    if (holm_scan_open(search->world->places[has]->life->node, search->difference.partition,
                       holm_mem(NULL, 0), &scan) != HOLM_OK)
        return;
    while ((own = holm_scan_next(scan)) != NULL) {
        struct holm_view *other;
        struct holm_bytes key = holm_view_key(own);
        if (holm_read(search->world->places[lacks]->life->node, key, &other) != HOLM_OK)
            other = NULL;
        const struct holm_entry *entry = missing(own, other);
        if (entry != NULL && search->records++ == 0)
            say_record(search, has, key, entry);
        holm_view_free(other);
    }
    holm_scan_close(scan);
}

static uint64_t seq_in(const struct holm_dot *entries, size_t count, struct holm_actor actor)
{
    for (size_t i = 0; i < count; i++)
        if (holm_actor_equal(entries[i].actor, actor))
            return entries[i].seq;
    return 0;
}

static void say_actor(struct search *search, struct holm_actor actor)
{
    for (uint32_t i = 0; i < search->world->place_count; i++) {
        const struct holm_config *config = &search->world->places[i]->config;
        bool its = config->name != NULL &&
                   (config->node_id != 0 ? config->node_id : holm_node_id_of(config->name).value) ==
                       actor.node.value;
        if (its) {
            say(&search->writer, "%s", config->name);
            return;
        }
    }
    say(&search->writer, "%016" PRIx64, actor.node.value);
}

/* The first writer of whom `lacks` has applied less. */
static bool compare_vectors(struct search *search, uint32_t has, uint32_t lacks)
{
    struct holm_testing_place *const *places = search->world->places;
    uint32_t partition = search->difference.partition;
    struct holm_dot *entries = calloc(2 * ACTORS_MAX, sizeof *entries);
    bool found = false;
    if (entries == NULL)
        return false;
    struct holm_dot *others = entries + ACTORS_MAX;
    size_t count = holm_vector(places[has]->life->node, partition, entries, ACTORS_MAX);
    size_t other_count = holm_vector(places[lacks]->life->node, partition, others, ACTORS_MAX);
    count = count < ACTORS_MAX ? count : ACTORS_MAX;
    other_count = other_count < ACTORS_MAX ? other_count : ACTORS_MAX;
    for (size_t i = 0; i < count && !found; i++) {
        uint64_t seq = seq_in(others, other_count, entries[i].actor);
        found = seq < entries[i].seq;
        if (!found)
            continue;
        say(&search->writer, "%s lacks %" PRIu64 " operations of ", places[lacks]->name,
            entries[i].seq - seq);
        say_actor(search, entries[i].actor);
        say(&search->writer, " that %s has, in partition %" PRIu32, places[has]->name, partition);
    }
    free(entries);
    return found;
}

void holm_testing_explain(struct holm_testing *world)
{
    struct search search = {.world = world, .writer = {world->why, 0, sizeof world->why}};
    world->why[0] = '\0';
    if (!holm_testing_differ(world, &search.difference))
        return;
    uint32_t a = search.difference.a;
    uint32_t b = search.difference.b;
    look_through(&search, a, b);
    look_through(&search, b, a);
    if (search.records > 1)
        say(&search.writer, " (and %" PRIu64 " more)", search.records - 1);
    if (search.records > 0)
        return;
    if (!compare_vectors(&search, a, b) && !compare_vectors(&search, b, a))
        say(&search.writer, "%s and %s differ in partition %" PRIu32, world->places[a]->name,
            world->places[b]->name, search.difference.partition);
}

const char *holm_testing_why(const struct holm_testing *world)
{
    return world->why;
}
