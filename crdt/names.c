/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/names.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t holm_names_hash_of(const struct holm_names *names, struct holm_bytes path)
{
    return XXH3_64bits_withSeed(path.data, path.size, names->seed);
}

enum holm_status holm_names_init(struct holm_names *names, const struct holm_allocator *allocator,
                                 uint64_t seed)
{
    memset(names, 0, sizeof *names);
    names->allocator = *allocator;
    names->seed = seed;
    void *array = NULL;
    enum holm_status status = holm_array_reserve(allocator, &array, &names->capacity,
                                                 sizeof *names->names, 1);
    if (status != HOLM_OK)
        return status;
    names->names = array;
    names->names[0] = (struct holm_name){.hash = holm_names_hash_of(names, holm_mem(NULL, 0))};
    names->count = 1;
    return HOLM_OK;
}

void holm_names_release(struct holm_names *names)
{
    for (size_t i = 1; i < names->count; i++) {
        if (names->names[i].bytes != NULL)
            holm_deallocate(&names->allocator, names->names[i].bytes, names->names[i].size);
    }
    holm_array_free(&names->allocator, names->names, names->capacity, sizeof *names->names);
    holm_array_free(&names->allocator, names->table, names->table_capacity, sizeof *names->table);
    memset(names, 0, sizeof *names);
}

static size_t home_of(const struct holm_names *names, uint32_t number)
{
    return names->names[number].hash & (names->table_capacity - 1);
}

static uint32_t find(const struct holm_names *names, struct holm_bytes path, uint64_t hash)
{
    if (names->table_capacity == 0)
        return HOLM_NAME_NONE;
    size_t at = hash & (names->table_capacity - 1);
    for (; names->table[at] != 0; at = (at + 1) & (names->table_capacity - 1)) {
        const struct holm_name *name = &names->names[names->table[at]];
        if (name->hash == hash && name->size == path.size &&
            memcmp(name->bytes, path.data, path.size) == 0)
            return names->table[at];
    }
    return HOLM_NAME_NONE;
}

uint32_t holm_names_find(const struct holm_names *names, struct holm_bytes path)
{
    return path.size == 0 ? 0 : find(names, path, holm_names_hash_of(names, path));
}

static void enter(struct holm_names *names, uint32_t number)
{
    size_t at = home_of(names, number);
    while (names->table[at] != 0)
        at = (at + 1) & (names->table_capacity - 1);
    names->table[at] = number;
}

static enum holm_status reserve_table(struct holm_names *names)
{
    if ((names->live + 1) * 2 <= names->table_capacity)
        return HOLM_OK;
    size_t capacity = names->table_capacity == 0 ? 16 : names->table_capacity * 2;
    uint32_t *table = holm_allocate(&names->allocator, capacity * sizeof *table);
    if (table == NULL)
        return HOLM_ENOMEM;
    memset(table, 0, capacity * sizeof *table);
    holm_array_free(&names->allocator, names->table, names->table_capacity, sizeof *names->table);
    names->table = table;
    names->table_capacity = capacity;
    for (uint32_t i = 1; i < names->count; i++) {
        if (names->names[i].bytes != NULL)
            enter(names, i);
    }
    return HOLM_OK;
}

static enum holm_status reserve_number(struct holm_names *names)
{
    if (names->unused != 0)
        return HOLM_OK;
    if (names->count >= HOLM_NAME_NONE)
        return HOLM_ENOMEM;
    void *array = names->names;
    enum holm_status status = holm_array_reserve(&names->allocator, &array, &names->capacity,
                                                 sizeof *names->names, names->count + 1);
    names->names = array;
    return status;
}

/* Behind a hole the next of a chain may be out of its place. */
static void forget(struct holm_names *names, uint32_t number)
{
    size_t mask = names->table_capacity - 1;
    size_t hole = home_of(names, number);
    while (names->table[hole] != number)
        hole = (hole + 1) & mask;
    for (size_t at = (hole + 1) & mask; names->table[at] != 0; at = (at + 1) & mask) {
        size_t home = home_of(names, names->table[at]);
        if (((at - home) & mask) < ((at - hole) & mask))
            continue;
        names->table[hole] = names->table[at];
        hole = at;
    }
    names->table[hole] = 0;
}

static void make_idle(struct holm_names *names, uint32_t number)
{
    struct holm_name *name = &names->names[number];
    if (name->idle)
        return;
    name->idle = true;
    name->next = names->idle;
    names->idle = number;
}

enum holm_status holm_names_intern(struct holm_names *names, struct holm_bytes path,
                                   uint32_t *number)
{
    *number = 0;
    if (path.size == 0)
        return HOLM_OK;
    HOLM_ASSERT(path.size <= UINT16_MAX);
    uint64_t hash = holm_names_hash_of(names, path);
    *number = find(names, path, hash);
    if (*number != HOLM_NAME_NONE)
        return HOLM_OK;
    if (reserve_table(names) != HOLM_OK || reserve_number(names) != HOLM_OK)
        return HOLM_ENOMEM;
    unsigned char *bytes = holm_allocate(&names->allocator, path.size);
    if (bytes == NULL)
        return HOLM_ENOMEM;
    memcpy(bytes, path.data, path.size);
    *number = names->unused;
    if (*number != 0)
        names->unused = names->names[*number].next;
    else
        *number = (uint32_t)names->count++;
    names->names[*number] = (struct holm_name){
        .bytes = bytes, .hash = hash, .size = (uint16_t)path.size};
    names->live += 1;
    names->bytes += path.size;
    enter(names, *number);
    make_idle(names, *number);
    return HOLM_OK;
}

void holm_names_use(struct holm_names *names, uint32_t number)
{
    HOLM_ASSERT(number < names->count);
    if (number != 0)
        names->names[number].users += 1;
}

void holm_names_leave(struct holm_names *names, uint32_t number)
{
    HOLM_ASSERT(number < names->count);
    if (number == 0)
        return;
    HOLM_ASSERT(names->names[number].users > 0);
    names->names[number].users -= 1;
    if (names->names[number].users == 0)
        make_idle(names, number);
}

void holm_names_sweep_idle(struct holm_names *names)
{
    while (names->idle != 0) {
        uint32_t number = names->idle;
        struct holm_name *name = &names->names[number];
        names->idle = name->next;
        name->idle = false;
        if (name->users > 0)
            continue;
        forget(names, number);
        names->live -= 1;
        names->bytes -= name->size;
        holm_deallocate(&names->allocator, name->bytes, name->size);
        *name = (struct holm_name){.next = names->unused};
        names->unused = number;
    }
}

int holm_names_compare(const struct holm_names *names, uint32_t a, uint32_t b)
{
    if (a == b)
        return 0;
    return holm_bytes_compare(holm_names_path(names, a), holm_names_path(names, b));
}

void holm_names_check(const struct holm_names *names)
{
    size_t live = 0;
    size_t bytes = 0;
    for (uint32_t i = 1; i < names->count; i++) {
        const struct holm_name *name = &names->names[i];
        if (name->bytes == NULL)
            continue;
        live += 1;
        bytes += name->size;
        HOLM_ASSERT(find(names, holm_names_path(names, i), name->hash) == i);
        HOLM_ASSERT(name->users > 0 || name->idle);
    }
    HOLM_ASSERT(live == names->live && bytes == names->bytes);
}
