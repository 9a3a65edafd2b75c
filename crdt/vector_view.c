/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/vector_view.h"

/* The first place whose actor is not below. */
static size_t place_in(struct holm_vector_view view, struct holm_actor actor)
{
    size_t low = 0;
    size_t high = view.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (holm_actor_compare(view.entries[middle].actor, actor) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint64_t holm_vector_view_seq(struct holm_vector_view view, struct holm_actor actor)
{
    size_t place = place_in(view, actor);
    if (place == view.count)
        return 0;
    const struct holm_dot *entry = &view.entries[place];
    if (holm_actor_equal(entry->actor, actor))
        return actor.epoch.value == 0 ? HOLM_SEQ_FOLDED : entry->seq;
    /* Nothing of a node stands between its epoch 0 and its fold. */
    bool folded = entry->seq == HOLM_SEQ_FOLDED && entry->actor.node.value == actor.node.value;
    return folded && actor.epoch.value != 0 ? HOLM_SEQ_FOLDED : 0;
}

uint64_t holm_vector_view_floor(struct holm_vector_view view, struct holm_node_id node)
{
    size_t place = place_in(view, (struct holm_actor){node, {1}});
    if (place < view.count && view.entries[place].seq == HOLM_SEQ_FOLDED &&
        view.entries[place].actor.node.value == node.value)
        return view.entries[place].actor.epoch.value;
    return 0;
}

uint64_t holm_vector_view_sum(struct holm_vector_view view, struct holm_actor upto, uint64_t seed)
{
    uint64_t sum = 0;
    HOLM_ASSERT(holm_vector_view_floor(view, upto.node) <= upto.epoch.value);
    for (size_t i = place_in(view, (struct holm_actor){upto.node, {0}}); i < view.count; i++) {
        const struct holm_dot *entry = &view.entries[i];
        if (holm_actor_compare(entry->actor, upto) > 0)
            break;
        if (entry->actor.epoch.value == 0)
            sum += entry->seq;
        else if (entry->seq != HOLM_SEQ_FOLDED)
            sum += holm_vector_term(*entry, seed);
    }
    return holm_vector_fold_sum(sum);
}

bool holm_vector_view_has_fold(struct holm_vector_view view, struct holm_actor upto, uint64_t sum,
                               uint64_t seed)
{
    return holm_vector_view_floor(view, upto.node) >= upto.epoch.value ||
           holm_vector_view_sum(view, upto, seed) == sum;
}

uint64_t holm_vector_view_hash(struct holm_vector_view view, uint64_t seed)
{
    uint64_t hash = 0;
    for (size_t i = 0; i < view.count; i++) {
        const struct holm_dot *entry = &view.entries[i];
        if (entry->actor.epoch.value == 0)
            hash += entry->seq;
        else if (entry->seq != HOLM_SEQ_FOLDED)
            hash += holm_vector_term(*entry, seed);
    }
    return hash;
}

bool holm_vector_view_covers(struct holm_vector_view a, struct holm_vector_view b, uint64_t seed)
{
    for (size_t i = 0; i < b.count; i++) {
        const struct holm_dot *entry = &b.entries[i];
        if (entry->actor.epoch.value == 0)
            continue;
        if (entry->seq == HOLM_SEQ_FOLDED
                ? !holm_vector_view_has_fold(a, entry->actor, entry[-1].seq, seed)
                : holm_vector_view_seq(a, entry->actor) < entry->seq)
            return false;
    }
    return true;
}

/* Whether an entry may stand behind another. */
static bool follows(const struct holm_dot *before, const struct holm_dot *entry)
{
    bool folds = before->actor.epoch.value == 0;
    if (holm_actor_compare(before->actor, entry->actor) >= 0)
        return false;
    return folds == (entry->seq == HOLM_SEQ_FOLDED) &&
           (!folds || before->actor.node.value == entry->actor.node.value);
}

bool holm_vector_view_valid(struct holm_vector_view view)
{
    const struct holm_dot *entries = view.entries;
    if (view.count == 0)
        return true;
    for (size_t i = 0; i < view.count; i++) {
        if (entries[i].seq == 0 || (i > 0 && !follows(&entries[i - 1], &entries[i])))
            return false;
    }
    return entries[0].seq != HOLM_SEQ_FOLDED && entries[view.count - 1].actor.epoch.value != 0;
}
