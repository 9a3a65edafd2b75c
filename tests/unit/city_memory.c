/* SPDX-License-Identifier: Apache-2.0 */
#include "city_memory.h"

#include <stdio.h>
#include <stdlib.h>

#include "crdt/base.h"

static struct memory_hero *find(struct memory *memory, struct holm_bytes key)
{
    struct holm_hero_id id;
    if (!holm_hero_parse(key, &id))
        abort();
    for (size_t i = 0; i < memory->count; i++) {
        if (holm_hero_id_compare(memory->heroes[i].hero.id, id) == 0)
            return &memory->heroes[i];
    }
    return NULL;
}

struct memory_hero *memory_touch(struct memory *memory, struct holm_hero_id id)
{
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(id, key);
    struct memory_hero *found = find(memory, holm_str(key));
    if (found == NULL) {
        if (memory->count == MEMORY_HEROES_MAX)
            abort();
        found = &memory->heroes[memory->count++];
        found->hero.id = id;
    }
    found->news = true;
    return found;
}

void memory_add(struct memory *memory, struct holm_hero_id id, const char *city, int64_t health,
                bool patrolling)
{
    struct memory_hero *line = memory_touch(memory, id);
    line->present = true;
    line->hero.health = health;
    line->hero.patrolling = patrolling;
    (void)snprintf(line->hero.name, sizeof line->hero.name, "Hero");
    (void)snprintf(line->hero.city, sizeof line->hero.city, "%s", city);
}

static void copy(char *target, size_t size, const struct holm_value *value)
{
    (void)snprintf(target, size, "%.*s", (int)value->as.bytes.size,
                   (const char *)value->as.bytes.data);
}

static void apply(struct memory_hero *line, const struct holm_op *op)
{
    bool name = holm_bytes_equal(op->field, holm_str("name"));
    if (op->type == HOLM_OP_BURY) {
        line->buried = true;
        line->present = false;
        return;
    }
    line->present = true;
    if (op->type == HOLM_OP_PUT && name)
        copy(line->hero.name, sizeof line->hero.name, &op->as.value);
    else if (op->type == HOLM_OP_PUT)
        copy(line->hero.city, sizeof line->hero.city, &op->as.value);
    else if (op->type == HOLM_OP_ADD)
        line->hero.health += op->as.amount;
    else if (op->type == HOLM_OP_RAISE && op->as.value.as.i64 > line->hero.updated_ms)
        line->hero.updated_ms = op->as.value.as.i64;
    else if (op->type == HOLM_OP_ENABLE || op->type == HOLM_OP_DISABLE)
        line->hero.patrolling = op->type == HOLM_OP_ENABLE;
}

static enum holm_status commit(void *context, const struct holm_op *ops, size_t count)
{
    struct memory *memory = context;
    if (memory->refusal != HOLM_OK)
        return memory->refusal;
    struct holm_hero_id id;
    if (!holm_hero_parse(ops[0].key, &id))
        abort();
    struct memory_hero *line = memory_touch(memory, id);
    if (line->buried)
        return ops[0].type == HOLM_OP_BURY ? HOLM_OK : HOLM_EBURIED;
    for (size_t i = 0; i < count; i++)
        apply(line, &ops[i]);
    memory->commits++;
    return HOLM_OK;
}

static struct holm_entry entry(const char *field, enum holm_kind kind, struct holm_value value)
{
    struct holm_entry made = {.field = holm_str(field), .kind = kind, .value = value};
    return made;
}

static enum holm_status read_record(void *context, struct holm_bytes key,
                                    holm_city_entry_visitor *visit, void *visit_context)
{
    const struct memory_hero *line = find(context, key);
    if (line == NULL || !line->present)
        return HOLM_ENOENT;
    struct holm_entry entries[6];
    size_t count = 0;
    entries[count++] = entry("city", HOLM_REGISTER, holm_text(line->hero.city));
    if (line->sibling[0] != '\0')
        entries[count++] = entry("city", HOLM_REGISTER, holm_text(line->sibling));
    entries[count++] = entry("health", HOLM_COUNTER, holm_i64(line->hero.health));
    entries[count++] = entry("name", HOLM_REGISTER, holm_text(line->hero.name));
    if (line->hero.patrolling)
        entries[count++] = entry("patrolling", HOLM_FLAG, holm_bool(true));
    entries[count++] = entry("updated", HOLM_MAX, holm_i64(line->hero.updated_ms));
    for (size_t i = 0; i < count; i++)
        visit(visit_context, &entries[i]);
    return HOLM_OK;
}

static bool is_buried(void *context, struct holm_bytes key)
{
    const struct memory_hero *line = find(context, key);
    return line != NULL && line->buried;
}

static enum holm_status scan(void *context, struct holm_bytes prefix, holm_city_key_visitor *visit,
                             void *visit_context)
{
    struct memory *memory = context;
    if (!holm_bytes_equal(prefix, holm_str(HOLM_HERO_PREFIX)))
        abort();
    for (size_t i = 0; i < memory->count; i++) {
        char key[HOLM_HERO_KEY_BYTES + 1];
        holm_hero_key(memory->heroes[i].hero.id, key);
        if (memory->heroes[i].present)
            visit(visit_context, holm_str(key));
    }
    return HOLM_OK;
}

static enum holm_city_news news(void *context, char key[HOLM_CITY_KEY_BYTES_MAX], size_t *size)
{
    struct memory *memory = context;
    if (memory->all_news) {
        memory->all_news = false;
        return HOLM_CITY_NEWS_ALL;
    }
    for (size_t i = 0; i < memory->count; i++) {
        if (!memory->heroes[i].news)
            continue;
        memory->heroes[i].news = false;
        holm_hero_key(memory->heroes[i].hero.id, key);
        *size = HOLM_HERO_KEY_BYTES;
        return HOLM_CITY_NEWS_KEY;
    }
    return HOLM_CITY_NEWS_NONE;
}

void memory_init(struct memory *memory)
{
    *memory = (struct memory){0};
    memory->port = (struct holm_city_port){
        .context = memory,
        .commit = commit,
        .read = read_record,
        .buried = is_buried,
        .scan = scan,
        .news = news,
    };
}
