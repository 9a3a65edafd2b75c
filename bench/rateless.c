/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/rateless.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/measure.h"

/* Where an element's symbols lie: the next one, and the state of its random numbers. */
struct walk {
    uint64_t element;
    uint64_t random;
    uint64_t index;
};

struct rateless {
    struct walk *walks;
    size_t count;
    struct rateless_symbol *symbols;
    size_t made, capacity;
};

static uint64_t checksum(uint64_t element)
{
    element = (element ^ (element >> 31)) * 0x7fb5d329728ea185u;
    element = (element ^ (element >> 27)) * 0x81dadef4bc2dd44du;
    return element ^ (element >> 33);
}

static struct walk walk_from(uint64_t element)
{
    return (struct walk){element, checksum(element) | 1, 0};
}

/* Inverts the distribution of gaps, section 4.2 of the paper: with u uniform in (0, 1], the next index
 * is behind i by (i + 1.5) (1/sqrt(u) - 1), rounded up. */
static void walk_on(struct walk *walk)
{
    walk->random *= 0xda942042e4dd58b5u;
    double u = ((double)(walk->random >> 11) + 1) / 9007199254740992.0;
    double gap = ceil(((double)walk->index + 1.5) * (1 / sqrt(u) - 1));
    walk->index += gap < 1 ? 1 : (uint64_t)gap;
}

static void put(struct rateless_symbol *symbol, uint64_t element, int64_t count)
{
    symbol->sum ^= element;
    symbol->check ^= checksum(element);
    symbol->count += count;
}

struct rateless *rateless_new(const uint64_t *elements, size_t count)
{
    struct rateless *set = measure_allocate(sizeof *set);
    memset(set, 0, sizeof *set);
    set->walks = measure_allocate(count * sizeof *set->walks);
    set->count = count;
    for (size_t i = 0; i < count; i++)
        set->walks[i] = walk_from(elements[i]);
    return set;
}

void rateless_free(struct rateless *set)
{
    free(set->walks);
    free(set->symbols);
    free(set);
}

const struct rateless_symbol *rateless_symbols(struct rateless *set, size_t count)
{
    measure_require(count >= set->made, "more symbols than before");
    set->symbols = realloc(set->symbols, count * sizeof *set->symbols);
    measure_require(set->symbols != NULL, "memory for symbols");
    memset(set->symbols + set->made, 0, (count - set->made) * sizeof *set->symbols);
    set->made = count;
    for (size_t i = 0; i < set->count; i++) {
        struct walk *walk = &set->walks[i];
        for (; walk->index < count; walk_on(walk))
            put(&set->symbols[walk->index], walk->element, 1);
    }
    return set->symbols;
}

static bool is_pure(const struct rateless_symbol *symbol)
{
    return (symbol->count == 1 || symbol->count == -1) && symbol->check == checksum(symbol->sum);
}

bool rateless_peel(const struct rateless_symbol *first, const struct rateless_symbol *second,
                   size_t count, uint64_t *found, size_t *of_first, size_t *of_second)
{
    struct rateless_symbol *left = measure_allocate(count * sizeof *left);
    size_t *pure = measure_allocate((count + 1) * sizeof *pure);
    bool *queued = measure_allocate(count);
    size_t waiting = 0;
    *of_first = *of_second = 0;
    for (size_t i = 0; i < count; i++) {
        left[i] = (struct rateless_symbol){first[i].sum ^ second[i].sum,
                                           first[i].check ^ second[i].check,
                                           first[i].count - second[i].count};
        queued[i] = is_pure(&left[i]);
        if (queued[i])
            pure[waiting++] = i;
    }
    while (waiting > 0) {
        size_t at = pure[--waiting];
        queued[at] = false;
        if (!is_pure(&left[at]))
            continue;
        uint64_t element = left[at].sum;
        int64_t sign = left[at].count;
        measure_require(*of_first + *of_second < count, "no more elements than symbols");
        found[sign > 0 ? (*of_first)++ : count - ++*of_second] = element;
        for (struct walk walk = walk_from(element); walk.index < count; walk_on(&walk)) {
            put(&left[walk.index], element, -sign);
            if (is_pure(&left[walk.index]) && !queued[walk.index]) {
                queued[walk.index] = true;
                pure[waiting++] = walk.index;
            }
        }
    }
    /* Symbol 0 has every element: when it is empty, all are found. */
    bool done = left[0].sum == 0 && left[0].check == 0 && left[0].count == 0;
    memmove(found + *of_first, found + count - *of_second, *of_second * sizeof *found);
    free(left);
    free(pure);
    free(queued);
    return done;
}
