/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What counters are in the live digest: of each node and slot
 *
 *     value x H + H'        H, H' keyed hashes of (key, path, node), modulo 2^128
 *
 *     A.e1 +5  A.e2 -2          3 HA + HA'                    the same when both are one
 *     A.e1 +5  A.e2 -5          HA'                           something is there, and stands at 0
 *     A.e1 ghost                nothing
 *
 * where `value` is what is live of all its epochs together. It does not matter how these share it, so
 * folding (replica_fold.c) changes nothing. Each entry counts for itself, as value x H is linear; only
 * for H' its neighbours are asked, when it becomes live or ceases to be.
 *
 * H is odd: d x H is not 0 for any d that is not, of fewer than 128 bits. So a value of one node that
 * differs in one place always shows. Where several differ, by multiples of 2^k, they cancel out with
 * 2^(k-127). Who knows the seed can make values that do; no more is asked of H. What the fingerprints of
 * entries tell beside the value, of chains and marks, is in the transfer digest.
 */
#include "crdt/state_parts.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#define FEW_ENTRIES 16

enum of {
    OF_VALUE = 1,
    OF_PRESENCE = 2
};

static struct holm_digest hash_of(const struct holm_state *state, uint64_t key_hash,
                                  const struct holm_cell *entry, enum of of)
{
    uint64_t words[4] = {key_hash, holm_names_hash(&state->names, entry->path),
                         state->actors->rows[entry->actor].actor.node.value, (uint64_t)of};
    HOLM_ASSERT(entry->kind == HOLM_COUNTER && entry->sub.size == 0);
    for (size_t i = 0; i < 4; i++)
        words[i] = holm_little(words[i]);
    XXH128_hash_t hash = XXH3_128bits_withSeed(words, sizeof words, state->seed);
    return (struct holm_digest){hash.low64, hash.high64};
}

/* ---- values */

static struct holm_digest multiply(uint64_t a, uint64_t b)
{
    uint64_t a_low = a & UINT32_MAX;
    uint64_t b_low = b & UINT32_MAX;
    uint64_t low = a_low * b_low;
    uint64_t cross = (a >> 32) * b_low + (low >> 32);
    uint64_t other = a_low * (b >> 32) + (cross & UINT32_MAX);
    return (struct holm_digest){other << 32 | (low & UINT32_MAX),
                                (a >> 32) * (b >> 32) + (cross >> 32) + (other >> 32)};
}

static struct holm_digest value_term(const struct holm_state *state, uint64_t key_hash,
                                     const struct holm_cell *entry, const struct holm_wide *value)
{
    struct holm_digest hash = hash_of(state, key_hash, entry, OF_VALUE);
    hash.low |= 1;
    struct holm_digest term = multiply(hash.low, value->low);
    term.high += hash.high * value->low + hash.low * (uint64_t)value->high;
    return term;
}

struct holm_digest holm_share_value(const struct holm_state *state, uint64_t key_hash,
                                    const struct holm_cell *entry)
{
    struct holm_wide value = {0, 0};
    HOLM_ASSERT(holm_cell_live(entry));
    holm_wide_add(&value, &entry->count);
    return value_term(state, key_hash, entry, &value);
}

struct holm_digest holm_share_change(const struct holm_state *state, uint64_t key_hash,
                                     const struct holm_cell *before, const struct holm_cell *after)
{
    struct holm_wide value = {0, 0};
    HOLM_ASSERT(holm_cell_live(before) && holm_cell_live(after) && before->actor == after->actor);
    holm_wide_add(&value, &after->count);
    holm_wide_subtract(&value, &before->count);
    return value_term(state, key_hash, after, &value);
}

/* ---- presence */

struct holm_digest holm_share_presence(const struct holm_state *state, uint64_t key_hash,
                                       const struct holm_cell *entry)
{
    return hash_of(state, key_hash, entry, OF_PRESENCE);
}

/* Which entry is asked about, and which others count. */
struct asked {
    const struct holm_state *state;
    struct holm_spot spot;
    struct holm_slot slot;
    uint32_t actor;
    bool earlier;
};

static bool is_other(const struct asked *asked, const struct holm_cell *cell)
{
    struct holm_actor own = asked->state->actors->rows[asked->actor].actor;
    struct holm_actor actor = asked->state->actors->rows[cell->actor].actor;
    if (actor.node.value != own.node.value || !holm_cell_live(cell))
        return false;
    return asked->earlier ? actor.epoch.value < own.epoch.value
                          : actor.epoch.value != own.epoch.value;
}

/* Looks at the slot's first entries; false: there are more, and *found is not known. */
static bool look_at_few(struct asked *asked, bool *found)
{
    struct holm_cell cell;
    struct holm_spot at = asked->spot;
    *found = false;
    (void)holm_spot_seek(asked->state, &at, &asked->slot);
    for (int i = 0; i < FEW_ENTRIES; i++) {
        if (!holm_spot_cell_of(asked->state, &at, &asked->slot, &cell))
            return true;
        *found = is_other(asked, &cell);
        if (*found)
            return true;
        holm_spot_next(asked->state, &at);
    }
    return false;
}

/* Whether the place in the order of actors is one of the node's; *live: and its entry lives. */
static bool look_at_epoch(struct asked *asked, size_t place, bool *live)
{
    const struct holm_actors *actors = asked->state->actors;
    struct holm_cell cell;
    struct holm_spot at = asked->spot;
    if (place >= actors->known || actors->rows[actors->sorted[place]].actor.node.value !=
                                      actors->rows[asked->actor].actor.node.value)
        return false;
    asked->slot.actor = actors->sorted[place];
    *live = *live || (holm_spot_seek(asked->state, &at, &asked->slot) &&
                      holm_spot_cell(asked->state, &at, &cell) && holm_cell_live(&cell));
    return true;
}

/* Entries come and go in the order of epochs, mostly, so a live one is near, if there is one. */
static bool look_around(struct asked *asked)
{
    size_t place = holm_actors_place(asked->state->actors, asked->actor);
    bool below = true;
    bool above = !asked->earlier;
    bool live = false;
    for (size_t distance = 1; !live && (below || above); distance++) {
        below = below && distance <= place && look_at_epoch(asked, place - distance, &live);
        above = above && look_at_epoch(asked, place + distance, &live);
    }
    return live;
}

bool holm_share_has_other(const struct holm_state *state, const struct holm_spot *spot,
                          const struct holm_cell *entry, bool earlier)
{
    struct asked asked = {.state = state,
                          .spot = *spot,
                          .slot = holm_cell_slot(entry),
                          .actor = entry->actor,
                          .earlier = earlier};
    bool found;
    asked.slot.actor = HOLM_ACTOR_NONE;
    return look_at_few(&asked, &found) ? found : look_around(&asked);
}
