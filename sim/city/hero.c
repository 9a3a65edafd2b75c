/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/hero.h"

#include <stdlib.h>

#include "crdt/base.h"
#include "sim/city/heap.h"

static const char hex_digits[] = "0123456789abcdef";

/* The places of a UUID's text where a dash stands. */
static bool is_dash(size_t place)
{
    return place == 8 || place == 13 || place == 18 || place == 23;
}

int holm_hero_id_compare(struct holm_hero_id a, struct holm_hero_id b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return (a.low > b.low) - (a.low < b.low);
}

struct holm_hero_id holm_hero_id_make(uint64_t high, uint64_t low)
{
    /* RFC 4122 §4.4: the version's four bits and the variant's two are fixed. */
    struct holm_hero_id id = {
        .high = (high & ~UINT64_C(0xf000)) | UINT64_C(0x4000),
        .low = (low & ~(UINT64_C(3) << 62)) | (UINT64_C(2) << 62),
    };
    return id;
}

void holm_hero_key(struct holm_hero_id id, char key[HOLM_HERO_KEY_BYTES + 1])
{
    memcpy(key, HOLM_HERO_PREFIX, sizeof HOLM_HERO_PREFIX - 1);
    char *text = key + sizeof HOLM_HERO_PREFIX - 1;
    unsigned nibble = 0;
    for (size_t i = 0; i < 36; i++) {
        if (is_dash(i)) {
            text[i] = '-';
            continue;
        }
        uint64_t half = nibble < 16 ? id.high : id.low;
        text[i] = hex_digits[(half >> (60 - 4 * (nibble % 16))) & 15];
        nibble++;
    }
    text[36] = '\0';
}

bool holm_hero_parse(struct holm_bytes key, struct holm_hero_id *id)
{
    size_t prefix = sizeof HOLM_HERO_PREFIX - 1;
    if (key.size != HOLM_HERO_KEY_BYTES || memcmp(key.data, HOLM_HERO_PREFIX, prefix) != 0)
        return false;
    const char *text = (const char *)key.data + prefix;
    uint64_t half[2] = {0, 0};
    unsigned nibble = 0;
    for (size_t i = 0; i < 36; i++) {
        if (is_dash(i)) {
            if (text[i] != '-')
                return false;
            continue;
        }
        const char *digit = text[i] == '\0' ? NULL : strchr(hex_digits, text[i]);
        if (digit == NULL)
            return false;
        half[nibble / 16] = half[nibble / 16] << 4 | (uint64_t)(digit - hex_digits);
        nibble++;
    }
    id->high = half[0];
    id->low = half[1];
    return true;
}

int64_t holm_hero_health(const struct holm_hero *hero)
{
    return hero->health < HOLM_HERO_HEALTH_MAX ? hero->health : HOLM_HERO_HEALTH_MAX;
}

bool holm_hero_alive(const struct holm_hero *hero)
{
    return hero->health > 0;
}

/* A hero being read: of each slot the first entry counts, which is the one that wins. */
struct reading {
    struct holm_hero *hero;
    bool named;
    bool placed;
};

static bool is_slot(const struct holm_entry *entry, const char *field, enum holm_kind kind)
{
    return entry->kind == kind && holm_bytes_equal(entry->field, holm_str(field));
}

static void copy_text(const struct holm_value *value, char *text, size_t size)
{
    if (value->type != HOLM_TEXT)
        return;
    size_t length = value->as.bytes.size < size ? value->as.bytes.size : size - 1;
    if (length > 0)
        memcpy(text, value->as.bytes.data, length);
    text[length] = '\0';
}

static void read_entry(void *context, const struct holm_entry *entry)
{
    struct reading *reading = context;
    struct holm_hero *hero = reading->hero;
    if (is_slot(entry, "name", HOLM_REGISTER) && !reading->named) {
        copy_text(&entry->value, hero->name, sizeof hero->name);
        reading->named = true;
    } else if (is_slot(entry, "city", HOLM_REGISTER) && !reading->placed) {
        copy_text(&entry->value, hero->city, sizeof hero->city);
        reading->placed = true;
    } else if (is_slot(entry, "patrolling", HOLM_FLAG)) {
        hero->patrolling = true;
    } else if (is_slot(entry, "health", HOLM_COUNTER)) {
        hero->health = entry->value.as.i64;
    } else if (is_slot(entry, "updated", HOLM_MAX) && entry->value.type == HOLM_I64) {
        hero->updated_ms = entry->value.as.i64;
    }
}

enum holm_status holm_hero_read(const struct holm_city_port *port, struct holm_hero_id id,
                                struct holm_hero *hero)
{
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(id, key);
    *hero = (struct holm_hero){.id = id};
    struct reading reading = {.hero = hero};
    enum holm_status status = port->read(port->context, holm_str(key), read_entry, &reading);
    if (status == HOLM_ENOENT && port->buried(port->context, holm_str(key)))
        return HOLM_EBURIED;
    return status;
}

/* Ids are copied out, for a visitor must not read through the port. */
struct listing {
    struct holm_hero_id *ids;
    size_t count, capacity;
    bool failed;
};

static void list_key(void *context, struct holm_bytes key)
{
    struct listing *listing = context;
    struct holm_hero_id id;
    if (listing->failed || !holm_hero_parse(key, &id))
        return;
    void *room = holm_heap_grow(listing->ids, &listing->capacity, sizeof id, listing->count + 1);
    listing->failed = room == NULL;
    if (listing->failed)
        return;
    listing->ids = room;
    listing->ids[listing->count++] = id;
}

enum holm_status holm_hero_list(const struct holm_city_port *port, struct holm_hero_id **ids,
                                size_t *count)
{
    struct listing listing = {0};
    enum holm_status status = port->scan(port->context, holm_str(HOLM_HERO_PREFIX), list_key,
                                         &listing);
    if (status == HOLM_OK && listing.failed)
        status = HOLM_ENOMEM;
    if (status != HOLM_OK) {
        free(listing.ids);
        listing = (struct listing){0};
    }
    *ids = listing.ids;
    *count = listing.count;
    return status;
}

static struct holm_op operation(enum holm_op_type type, const char *key, const char *field)
{
    struct holm_op op = {.type = type, .key = holm_str(key), .field = holm_str(field)};
    return op;
}

static struct holm_op put(const char *key, const char *field, const char *text)
{
    struct holm_op op = operation(HOLM_OP_PUT, key, field);
    op.as.value = holm_text(text);
    return op;
}

static struct holm_op add(const char *key, int64_t amount)
{
    struct holm_op op = operation(HOLM_OP_ADD, key, "health");
    op.as.amount = amount;
    return op;
}

static struct holm_op stamp(const char *key, uint64_t wall_ms)
{
    struct holm_op op = operation(HOLM_OP_RAISE, key, "updated");
    op.as.value = holm_i64((int64_t)wall_ms);
    return op;
}

enum holm_status holm_hero_create(const struct holm_city_port *port, struct holm_hero_id id,
                                  const char *name, const char *city, uint64_t wall_ms)
{
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(id, key);
    struct holm_op ops[] = {
        put(key, "name", name),
        put(key, "city", city),
        add(key, HOLM_HERO_HEALTH_MAX),
        stamp(key, wall_ms),
    };
    return port->commit(port->context, ops, sizeof ops / sizeof ops[0]);
}

enum holm_status holm_hero_patrol(const struct holm_city_port *port, struct holm_hero_id id,
                                  uint64_t wall_ms)
{
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(id, key);
    struct holm_op ops[] = {operation(HOLM_OP_ENABLE, key, "patrolling"), stamp(key, wall_ms)};
    return port->commit(port->context, ops, sizeof ops / sizeof ops[0]);
}

enum holm_status holm_hero_hurt(const struct holm_city_port *port, struct holm_hero_id id,
                                int64_t damage, uint64_t wall_ms)
{
    HOLM_ASSERT(damage > 0);
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(id, key);
    struct holm_op ops[] = {add(key, -damage), stamp(key, wall_ms)};
    return port->commit(port->context, ops, sizeof ops / sizeof ops[0]);
}

enum holm_status holm_hero_move(const struct holm_city_port *port, const struct holm_hero *hero,
                                const char *city, int64_t boost, uint64_t wall_ms)
{
    HOLM_ASSERT(boost >= 0);
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(hero->id, key);
    struct holm_op ops[4];
    size_t count = 0;
    ops[count++] = put(key, "city", city);
    if (hero->patrolling)
        ops[count++] = operation(HOLM_OP_DISABLE, key, "patrolling");
    if (boost > 0)
        ops[count++] = add(key, boost);
    ops[count++] = stamp(key, wall_ms);
    return port->commit(port->context, ops, count);
}

enum holm_status holm_hero_bury(const struct holm_city_port *port, struct holm_hero_id id)
{
    char key[HOLM_HERO_KEY_BYTES + 1];
    holm_hero_key(id, key);
    struct holm_op op = operation(HOLM_OP_BURY, key, NULL);
    return port->commit(port->context, &op, 1);
}
