/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/ledger.h"

#include <stdlib.h>

#include "crdt/base.h"
#include "sim/city/dice.h"
#include "sim/city/heap.h"

void holm_ledger_init(struct holm_ledger *ledger)
{
    *ledger = (struct holm_ledger){0};
}

void holm_ledger_release(struct holm_ledger *ledger)
{
    for (size_t i = 0; i < ledger->life_count; i++) {
        free(ledger->lives[i].seen.seqs);
        free(ledger->lives[i].final.seqs);
        free(ledger->lives[i].alive);
        free(ledger->lives[i].buried);
    }
    free(ledger->lives);
    free(ledger->places);
    free(ledger->place_index.slots);
    free(ledger->heroes);
    free(ledger->hero_index.slots);
    free(ledger->ops);
    holm_ledger_init(ledger);
}

enum holm_status holm_ledger_begin(struct holm_ledger *ledger, uint32_t city, uint32_t *life)
{
    void *room = holm_heap_grow(ledger->lives, &ledger->life_capacity, sizeof ledger->lives[0],
                                ledger->life_count + 1);
    if (room == NULL)
        return HOLM_ENOMEM;
    ledger->lives = room;
    *life = (uint32_t)ledger->life_count++;
    ledger->lives[*life] = (struct holm_ledger_life){.city = city};
    return HOLM_OK;
}

static uint64_t place_hash(const struct holm_ledger_place *place)
{
    return holm_dice_mix(holm_dice_mix(place->actor.node.value, place->actor.epoch.value),
                         place->partition);
}

static uint64_t hero_hash(struct holm_hero_id id)
{
    return holm_dice_mix(id.high, id.low);
}

static void index_put(struct holm_ledger_index *index, uint64_t hash, uint32_t number)
{
    size_t slot = (size_t)hash & (index->capacity - 1);
    while (index->slots[slot] != 0)
        slot = (slot + 1) & (index->capacity - 1);
    index->slots[slot] = number + 1;
    index->count++;
}

/* Room for one more at a load of at most a half. True when the table is new and has to be filled
 * again by the caller, from what it indexes. */
static enum holm_status index_reserve(struct holm_ledger_index *index, bool *emptied)
{
    *emptied = false;
    if ((index->count + 1) * 2 <= index->capacity)
        return HOLM_OK;
    size_t capacity = index->capacity == 0 ? 64 : index->capacity * 2;
    uint32_t *slots = calloc(capacity, sizeof slots[0]);
    if (slots == NULL)
        return HOLM_ENOMEM;
    free(index->slots);
    *index = (struct holm_ledger_index){.slots = slots, .capacity = capacity};
    *emptied = true;
    return HOLM_OK;
}

static uint32_t find_place(const struct holm_ledger *ledger, const struct holm_ledger_place *place)
{
    const struct holm_ledger_index *index = &ledger->place_index;
    if (index->capacity == 0)
        return HOLM_LEDGER_NONE;
    size_t slot = (size_t)place_hash(place) & (index->capacity - 1);
    for (; index->slots[slot] != 0; slot = (slot + 1) & (index->capacity - 1)) {
        uint32_t number = index->slots[slot] - 1;
        const struct holm_ledger_place *found = &ledger->places[number];
        if (found->partition == place->partition && holm_actor_equal(found->actor, place->actor))
            return number;
    }
    return HOLM_LEDGER_NONE;
}

static enum holm_status enter_place(struct holm_ledger *ledger,
                                    const struct holm_ledger_place *place, uint32_t *number)
{
    *number = find_place(ledger, place);
    if (*number != HOLM_LEDGER_NONE)
        return HOLM_OK;
    void *room = holm_heap_grow(ledger->places, &ledger->place_capacity, sizeof *place,
                                ledger->place_count + 1);
    if (room == NULL)
        return HOLM_ENOMEM;
    ledger->places = room;
    bool emptied;
    enum holm_status status = index_reserve(&ledger->place_index, &emptied);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; emptied && i < ledger->place_count; i++)
        index_put(&ledger->place_index, place_hash(&ledger->places[i]), (uint32_t)i);
    *number = (uint32_t)ledger->place_count++;
    ledger->places[*number] = *place;
    index_put(&ledger->place_index, place_hash(place), *number);
    return HOLM_OK;
}

uint32_t holm_ledger_hero(const struct holm_ledger *ledger, struct holm_hero_id id)
{
    const struct holm_ledger_index *index = &ledger->hero_index;
    if (index->capacity == 0)
        return HOLM_LEDGER_NONE;
    size_t slot = (size_t)hero_hash(id) & (index->capacity - 1);
    for (; index->slots[slot] != 0; slot = (slot + 1) & (index->capacity - 1)) {
        uint32_t number = index->slots[slot] - 1;
        if (holm_hero_id_compare(ledger->heroes[number], id) == 0)
            return number;
    }
    return HOLM_LEDGER_NONE;
}

static enum holm_status enter_hero(struct holm_ledger *ledger, struct holm_hero_id id,
                                   uint32_t *number)
{
    *number = holm_ledger_hero(ledger, id);
    if (*number != HOLM_LEDGER_NONE)
        return HOLM_OK;
    void *room = holm_heap_grow(ledger->heroes, &ledger->hero_capacity, sizeof id,
                                ledger->hero_count + 1);
    if (room == NULL)
        return HOLM_ENOMEM;
    ledger->heroes = room;
    bool emptied;
    enum holm_status status = index_reserve(&ledger->hero_index, &emptied);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; emptied && i < ledger->hero_count; i++)
        index_put(&ledger->hero_index, hero_hash(ledger->heroes[i]), (uint32_t)i);
    *number = (uint32_t)ledger->hero_count++;
    ledger->heroes[*number] = id;
    index_put(&ledger->hero_index, hero_hash(id), *number);
    return HOLM_OK;
}

uint64_t holm_ledger_seq(const struct holm_ledger_vector *vector, size_t place)
{
    return place < vector->count ? vector->seqs[place] : 0;
}

bool holm_ledger_equal(const struct holm_ledger_vector *a, const struct holm_ledger_vector *b)
{
    size_t count = a->count > b->count ? a->count : b->count;
    for (size_t i = 0; i < count; i++) {
        if (holm_ledger_seq(a, i) != holm_ledger_seq(b, i))
            return false;
    }
    return true;
}

static enum holm_status vector_reserve(struct holm_ledger_vector *vector, uint32_t place)
{
    void *room = holm_heap_grow(vector->seqs, &vector->capacity, sizeof vector->seqs[0],
                                (size_t)place + 1);
    if (room == NULL)
        return HOLM_ENOMEM;
    vector->seqs = room;
    for (; vector->count <= place; vector->count++)
        vector->seqs[vector->count] = 0;
    return HOLM_OK;
}

/* What was once reported stays reported, even if a later line says less. */
static enum holm_status take_seen(struct holm_ledger *ledger, struct holm_ledger_life *life,
                                  const struct holm_journal_place *line)
{
    struct holm_ledger_place place = {line->partition, line->dot.actor};
    uint32_t number;
    enum holm_status status = enter_place(ledger, &place, &number);
    if (status == HOLM_OK)
        status = vector_reserve(&life->seen, number);
    if (status == HOLM_OK && life->seen.seqs[number] < line->dot.seq)
        life->seen.seqs[number] = line->dot.seq;
    return status;
}

static enum holm_status take_final(struct holm_ledger *ledger, struct holm_ledger_life *life,
                                   const struct holm_journal_place *line)
{
    struct holm_ledger_place place = {line->partition, line->dot.actor};
    uint32_t number;
    enum holm_status status = enter_place(ledger, &place, &number);
    if (status == HOLM_OK)
        status = vector_reserve(&life->final, number);
    if (status != HOLM_OK)
        return status;
    life->final.seqs[number] = line->dot.seq;
    life->final_count++;
    return HOLM_OK;
}

static enum holm_status take_op(struct holm_ledger *ledger, const struct holm_journal_op *line)
{
    struct holm_ledger_place place = {line->place.partition, line->place.dot.actor};
    struct holm_ledger_op op = {
        .seq = line->place.dot.seq, .verb = line->verb, .amount = line->amount};
    enum holm_status status = enter_place(ledger, &place, &op.place);
    if (status == HOLM_OK)
        status = enter_hero(ledger, line->hero, &op.hero);
    if (status != HOLM_OK)
        return status;
    void *room = holm_heap_grow(ledger->ops, &ledger->op_capacity, sizeof op, ledger->op_count + 1);
    if (room == NULL)
        return HOLM_ENOMEM;
    ledger->ops = room;
    ledger->ops[ledger->op_count++] = op;
    return HOLM_OK;
}

static enum holm_status take_alive(struct holm_ledger *ledger, struct holm_ledger_life *life,
                                   const struct holm_journal_alive *line)
{
    struct holm_ledger_alive alive = {.patrolling = line->patrolling, .health = line->health};
    memcpy(alive.city, line->city, sizeof alive.city);
    enum holm_status status = enter_hero(ledger, line->hero, &alive.hero);
    if (status != HOLM_OK)
        return status;
    void *room = holm_heap_grow(life->alive, &life->alive_capacity, sizeof alive,
                                life->alive_count + 1);
    if (room == NULL)
        return HOLM_ENOMEM;
    life->alive = room;
    life->alive[life->alive_count++] = alive;
    return HOLM_OK;
}

static enum holm_status take_buried(struct holm_ledger *ledger, struct holm_ledger_life *life,
                                    struct holm_hero_id id)
{
    uint32_t hero;
    enum holm_status status = enter_hero(ledger, id, &hero);
    if (status != HOLM_OK)
        return status;
    void *room = holm_heap_grow(life->buried, &life->buried_capacity, sizeof hero,
                                life->buried_count + 1);
    if (room == NULL)
        return HOLM_ENOMEM;
    life->buried = room;
    life->buried[life->buried_count++] = hero;
    return HOLM_OK;
}

enum holm_status holm_ledger_take(struct holm_ledger *ledger, uint32_t life,
                                  const struct holm_journal_line *line)
{
    HOLM_ASSERT(life < ledger->life_count);
    struct holm_ledger_life *book = &ledger->lives[life];
    switch (line->type) {
    case HOLM_JOURNAL_HELLO:
        book->node = line->as.hello.self.node;
        book->report.epoch = line->as.hello.self.epoch.value;
        return HOLM_OK;
    case HOLM_JOURNAL_OP:
        return take_op(ledger, &line->as.op);
    case HOLM_JOURNAL_SEEN:
        return take_seen(ledger, book, &line->as.place);
    case HOLM_JOURNAL_REPORT:
        book->report = line->as.report;
        book->reports++;
        return HOLM_OK;
    case HOLM_JOURNAL_FINAL:
        return take_final(ledger, book, &line->as.place);
    case HOLM_JOURNAL_ALIVE:
        return take_alive(ledger, book, &line->as.alive);
    case HOLM_JOURNAL_END:
        book->digest = line->as.end.digest;
        book->dumped = line->as.end.places == book->final_count &&
                       line->as.end.heroes == book->alive_count &&
                       line->as.end.buried == book->buried_count;
        return HOLM_OK;
    case HOLM_JOURNAL_BURIED:
        return take_buried(ledger, book, line->as.buried);
    case HOLM_JOURNAL_LOG:
        return HOLM_OK;
    }
    return HOLM_OK;
}

void holm_ledger_died(struct holm_ledger *ledger, uint32_t life)
{
    HOLM_ASSERT(life < ledger->life_count);
    ledger->lives[life].died = true;
}

void holm_ledger_redump(struct holm_ledger *ledger, uint32_t life)
{
    HOLM_ASSERT(life < ledger->life_count);
    struct holm_ledger_life *book = &ledger->lives[life];
    book->dumped = false;
    book->final_count = book->alive_count = book->buried_count = 0;
    book->final.count = 0;
}
