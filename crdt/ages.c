/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/ages.h"

/* All marks but the last at or below it stand for what is not needed. */
static void forget(struct holm_ages *ages, uint64_t needed)
{
    uint32_t first = 0;
    while (first + 1 < ages->count && ages->marks[first + 1].seq <= needed)
        first++;
    ages->count -= first;
    memmove(ages->marks, ages->marks + first, ages->count * sizeof *ages->marks);
}

static void thin(struct holm_ages *ages)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ages->count; i += 2)
        ages->marks[kept++] = ages->marks[i];
    ages->count = kept;
    ages->doublings += 1;
}

void holm_ages_note(struct holm_ages *ages, uint64_t seq, uint64_t now_us, uint64_t needed)
{
    ages->looked_us = now_us;
    if (ages->count == HOLM_AGES || ages->doublings > 0)
        forget(ages, needed);
    if (ages->count <= 1)
        ages->doublings = 0;
    if (ages->count == HOLM_AGES)
        thin(ages);
    if (ages->count > 0) {
        const struct holm_age_mark *last = &ages->marks[ages->count - 1];
        HOLM_ASSERT(seq > last->seq);
        if (now_us - last->at_us < (uint64_t)HOLM_AGES_SPACING_US << ages->doublings)
            return;
    }
    ages->marks[ages->count++] = (struct holm_age_mark){seq, now_us};
}

uint64_t holm_ages_of(const struct holm_ages *ages, uint64_t seq)
{
    uint64_t at_us = 0;
    for (uint32_t i = 0; i < ages->count && ages->marks[i].seq <= seq; i++)
        at_us = ages->marks[i].at_us;
    return at_us;
}
