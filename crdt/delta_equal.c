/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/count.h"
#include "crdt/order.h"

/* Tables of actors may be in another order. */
static bool same_actor(const struct holm_items *a, uint32_t in_a, const struct holm_items *b,
                       uint32_t in_b)
{
    return holm_actor_equal(a->actors[in_a], b->actors[in_b]);
}

static bool same_value(const struct holm_value *a, const struct holm_value *b)
{
    return a->type == b->type && holm_value_compare(a, b) == 0;
}

static bool same_seen(const struct holm_items *a, const struct holm_item *in_a,
                      const struct holm_items *b, const struct holm_item *in_b)
{
    bool same = in_a->seen_count == in_b->seen_count;
    for (uint32_t i = 0; same && i < in_a->seen_count; i++) {
        const struct holm_seen *x = &a->seen[in_a->seen_first + i];
        const struct holm_seen *y = &b->seen[in_b->seen_first + i];
        same = same_actor(a, x->actor, b, y->actor) && x->first == y->first && x->last == y->last;
    }
    return same;
}

static bool same_item(const struct holm_items *a, const struct holm_item *in_a,
                      const struct holm_items *b, const struct holm_item *in_b)
{
    return in_a->op == in_b->op && in_a->kind == in_b->kind && in_a->seq == in_b->seq &&
           in_a->hlc == in_b->hlc && same_actor(a, in_a->actor, b, in_b->actor) &&
           holm_bytes_equal(in_a->key, in_b->key) && holm_bytes_equal(in_a->path, in_b->path) &&
           holm_bytes_equal(in_a->sub, in_b->sub) && same_value(&in_a->value, &in_b->value) &&
           holm_count_equal(&in_a->count, &in_b->count) && same_seen(a, in_a, b, in_b);
}

bool holm_delta_equal(const struct holm_delta *a, const struct holm_delta *b)
{
    bool same = holm_actor_equal(a->actor, b->actor) && a->first == b->first &&
                a->last == b->last && a->items.item_count == b->items.item_count;
    for (uint32_t i = 0; same && i < a->items.item_count; i++)
        same = same_item(&a->items, &a->items.items[i], &b->items, &b->items.items[i]);
    return same;
}
