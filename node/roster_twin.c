/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two live nodes of one id: how they notice, and how others bear with both.
 */
#include "node/roster_state.h"

/* Former lives, clocks set back, rumours that cross: they end after so many. Who lives answers each with
 * a higher epoch. */
#define RAISES_MAX 3
#define TELL_US UINT64_C(60000000)

/* ---- under this id -------------------------------------------------------------------------- */

/* With retention `stable` an epoch below others is no member: there both go on to take turns. */
bool holm_roster_twin_stays(const struct holm_roster *roster, uint64_t above)
{
    uint64_t present = roster->config.self.epoch.value;
    return !roster->config.stable && above > present && roster->burnt != present &&
           roster->raises >= RAISES_MAX;
}

void holm_roster_twin_raised(struct holm_roster *roster, uint64_t from, uint64_t above)
{
    roster->own_epochs[roster->own_epoch_count++ % HOLM_ROSTER_EPOCHS] = from;
    roster->raises += above > from;
}

static bool was_own(const struct holm_roster *roster, uint64_t epoch)
{
    for (size_t i = 0; i < HOLM_ROSTER_EPOCHS; i++)
        if (roster->own_epochs[i] == epoch)
            return true;
    return epoch == roster->config.self.epoch.value;
}

/* One that was never an own one, and is above the first of this life: nobody else can have taken it, but
 * for a former life whose clock was ahead, which ends when it was outdone. */
static bool is_anothers(const struct holm_roster *roster, uint64_t epoch)
{
    uint64_t count = roster->own_epoch_count;
    if (count == 0 || count > HOLM_ROSTER_EPOCHS || was_own(roster, epoch))
        return false;
    return epoch > roster->own_epochs[0] && roster->raises >= 2;
}

void holm_roster_twin_heard(struct holm_roster *roster, uint64_t epoch, bool lives,
                            struct holm_now now)
{
    if (!lives && !is_anothers(roster, epoch))
        return;
    if (roster->twin < epoch)
        roster->twin = epoch;
    if (roster->twins > 0 && now.monotonic_us < roster->twin_told_us)
        return;
    roster->twin_told_us = now.monotonic_us + TELL_US - TELL_US / 8;
    roster->twins++;
    holm_roster_note(roster, HOLM_LOG_TWIN_HERE, HOLM_LOG_VALUES(holm_log_hex(epoch)));
}

uint64_t holm_roster_twins(const struct holm_roster *roster)
{
    return roster->twins;
}

/* ---- among peers ---------------------------------------------------------------------------- */

bool holm_roster_twin_says(const struct holm_hello *hello)
{
    for (size_t i = 0; i < hello->member_count; i++)
        if (hello->members[i].actor.node.value == hello->self.actor.node.value &&
            hello->members[i].actor.epoch.value != hello->self.actor.epoch.value)
            return true;
    return false;
}

/* A new life that has not heard of its twin yet is taken for the one that was where it is, so that the
 * other is left alone. */
uint32_t holm_roster_twin_slot(const struct holm_roster *roster, const struct holm_hello *hello,
                               struct holm_bytes address)
{
    uint32_t first = HOLM_ROSTER_NONE, idle = HOLM_ROSTER_NONE, there = HOLM_ROSTER_NONE;
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        const struct holm_roster_peer *peer = &roster->peers[i];
        if (!peer->used || peer->actor.node.value != hello->self.actor.node.value)
            continue;
        if (peer->nonce == hello->nonce && peer->nonce != 0)
            return i;
        if (first == HOLM_ROSTER_NONE)
            first = i;
        if (there == HOLM_ROSTER_NONE && holm_bytes_equal(address, holm_str(peer->address)))
            there = i;
        if (!peer->up && !holm_roster_is_linked(roster, i) && idle == HOLM_ROSTER_NONE)
            idle = i;
    }
    if (holm_roster_twin_says(hello))
        return idle;
    return there != HOLM_ROSTER_NONE ? there : first;
}

bool holm_roster_twin_shares(const struct holm_roster *roster, uint32_t slot)
{
    for (uint32_t i = 0; roster->twin_slots && i < roster->peer_count; i++)
        if (i != slot && roster->peers[i].used &&
            roster->peers[i].actor.node.value == roster->peers[slot].actor.node.value)
            return true;
    return false;
}

static bool other_is_up(const struct holm_roster *roster, uint32_t slot)
{
    for (uint32_t i = 0; i < roster->peer_count; i++)
        if (i != slot && roster->peers[i].up &&
            roster->peers[i].actor.node.value == roster->peers[slot].actor.node.value)
            return true;
    return false;
}

/* Both are up: the operator is told, and each of the two is told of the other. One is gone: its slot is
 * free again. Both are gone: one may come back, so that is looked at for as long as there are two slots. */
void holm_roster_twin_tick(struct holm_roster *roster, struct holm_now now)
{
    if (!roster->twin_slots)
        return;
    holm_roster_due(roster, roster->twin_slots_us);
    if (now.monotonic_us < roster->twin_slots_us)
        return;
    bool told = false, shared = false;
    for (uint32_t i = 0; i < roster->peer_count; i++) {
        struct holm_roster_peer *peer = &roster->peers[i];
        if (!peer->used || !holm_roster_twin_shares(roster, i))
            continue;
        shared = true;
        if (!other_is_up(roster, i))
            continue;
        if (!peer->up && !holm_roster_is_linked(roster, i)) {
            holm_roster_peer_leave(roster, peer);
            memset(peer, 0, sizeof *peer);
            continue;
        }
        if (peer->up && now.monotonic_us >= roster->twin_told_us) {
            holm_roster_note(
                roster, HOLM_LOG_TWIN_TWICE,
                HOLM_LOG_VALUES(holm_log_text(peer->name), holm_log_hex(peer->actor.epoch.value)));
            holm_roster_news(roster, peer, now);
            told = true;
        }
    }
    roster->twins += told;
    if (told)
        roster->twin_told_us = now.monotonic_us + TELL_US;
    roster->twin_slots = shared;
    roster->twin_slots_us = now.monotonic_us + roster->config.link_timeout_us;
    if (shared)
        holm_roster_due(roster, roster->twin_slots_us);
}
