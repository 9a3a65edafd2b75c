/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/callers.h"

void holm_callers_init(struct holm_callers *callers, uint32_t per_s, uint32_t burst)
{
    HOLM_ASSERT(per_s <= 1000000 && (per_s == 0 || burst > 0));
    memset(callers, 0, sizeof *callers);
    if (per_s == 0)
        return;
    callers->interval_us = 1000000 / per_s;
    callers->ahead_us = (burst - 1) * callers->interval_us;
}

/* Its place; or, at the end of the row, or in place of the one that has least to wait, a new one. */
static struct holm_caller_place *place_of(struct holm_callers *callers, const uint8_t *address)
{
    struct holm_caller_place *least = NULL;
    for (size_t i = 0; i < callers->count; i++) {
        struct holm_caller_place *place = &callers->places[i];
        if (memcmp(place->address, address, HOLM_CALLER_BYTES) == 0)
            return place;
        if (least == NULL || place->paid_us < least->paid_us)
            least = place;
    }
    if (callers->count < HOLM_CALLERS_MAX)
        least = &callers->places[callers->count++];
    HOLM_ASSERT(least != NULL);
    memcpy(least->address, address, HOLM_CALLER_BYTES);
    least->paid_us = 0;
    return least;
}

bool holm_callers_admit(struct holm_callers *callers, const uint8_t address[HOLM_CALLER_BYTES],
                        uint64_t now_us)
{
    if (callers->interval_us == 0)
        return true;
    struct holm_caller_place *place = place_of(callers, address);
    uint64_t from_us = place->paid_us > now_us ? place->paid_us : now_us;
    if (from_us - now_us > callers->ahead_us)
        return false;
    place->paid_us = from_us + callers->interval_us;
    return true;
}
