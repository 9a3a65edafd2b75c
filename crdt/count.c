/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/count.h"

static bool add(int64_t a, int64_t b, int64_t *sum)
{
    if ((b > 0 && a > INT64_MAX - b) || (b < 0 && a < INT64_MIN - b))
        return false;
    *sum = a + b;
    return true;
}

static bool difference_fits(int64_t a, int64_t b)
{
    return !((b < 0 && a > INT64_MAX + b) || (b > 0 && a < INT64_MIN + b));
}

enum holm_status holm_count_increment(const struct holm_count *old, uint64_t seq, int64_t amount,
                                      struct holm_count *result)
{
    HOLM_ASSERT(seq > 0);
    if (old == NULL || !holm_count_live(old)) {
        *result = (struct holm_count){.start = seq, .last = seq, .sum = amount};
        return HOLM_OK;
    }
    HOLM_ASSERT(seq > old->last);
    int64_t sum;
    if (!add(old->sum, amount, &sum) || !difference_fits(sum, old->cancelled_sum))
        return HOLM_EOVERFLOW;
    *result = *old;
    result->last = seq;
    result->sum = sum;
    return HOLM_OK;
}

struct holm_count holm_count_cancelled(const struct holm_count *count)
{
    struct holm_count mark = *count;
    mark.cancelled = count->last;
    mark.cancelled_sum = count->sum;
    return mark;
}

/* One seq has one sum, unless two have written under one actor: then the larger one counts, everywhere. */
static bool is_later(uint64_t seq, int64_t sum, uint64_t than_seq, int64_t than_sum)
{
    return seq != than_seq ? seq > than_seq : sum > than_sum;
}

void holm_count_merge(struct holm_count *target, const struct holm_count *source)
{
    if (source->start != target->start) {
        if (source->start > target->start)
            *target = *source;
        return;
    }
    if (is_later(source->last, source->sum, target->last, target->sum)) {
        target->last = source->last;
        target->sum = source->sum;
    }
    if (is_later(source->cancelled, source->cancelled_sum, target->cancelled,
                 target->cancelled_sum)) {
        target->cancelled = source->cancelled;
        target->cancelled_sum = source->cancelled_sum;
    }
    HOLM_ASSERT(target->cancelled <= target->last);
}

enum holm_status holm_count_fold(struct holm_count *folded, const struct holm_count *entry)
{
    HOLM_ASSERT(folded->start == folded->last && folded->cancelled == 0);
    int64_t sum;
    if (!holm_count_live(entry))
        return HOLM_OK;
    /* A merge can leave a live part that no writer would have made. */
    if (!difference_fits(entry->sum, entry->cancelled_sum) ||
        !add(folded->sum, entry->sum - entry->cancelled_sum, &sum))
        return HOLM_EOVERFLOW;
    *folded = (struct holm_count){.start = 1, .last = 1, .sum = sum};
    return HOLM_OK;
}

bool holm_count_equal(const struct holm_count *a, const struct holm_count *b)
{
    return a->start == b->start && a->last == b->last && a->sum == b->sum &&
           a->cancelled == b->cancelled && a->cancelled_sum == b->cancelled_sum;
}

static void wide_add(struct holm_wide *wide, int64_t term)
{
    uint64_t low = (uint64_t)term;
    wide->low += low;
    wide->high += (wide->low < low ? 1 : 0) + (term < 0 ? -1 : 0);
}

static void wide_subtract(struct holm_wide *wide, int64_t term)
{
    uint64_t low = (uint64_t)term;
    wide->high -= (wide->low < low ? 1 : 0) + (term < 0 ? -1 : 0);
    wide->low -= low;
}

void holm_wide_add(struct holm_wide *wide, const struct holm_count *count)
{
    wide_add(wide, count->sum);
    wide_subtract(wide, count->cancelled_sum);
}

void holm_wide_subtract(struct holm_wide *wide, const struct holm_count *count)
{
    wide_subtract(wide, count->sum);
    wide_add(wide, count->cancelled_sum);
}

int64_t holm_wide_saturated(const struct holm_wide *wide)
{
    if (wide->high > 0 || (wide->high == 0 && wide->low > (uint64_t)INT64_MAX))
        return INT64_MAX;
    if (wide->high < -1 || (wide->high == -1 && wide->low < (uint64_t)INT64_MAX + 1))
        return INT64_MIN;
    return wide->high == 0 ? (int64_t)wide->low : -(int64_t)(~wide->low) - 1;
}
