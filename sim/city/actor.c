/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/actor.h"

enum holm_status holm_city_actor_init(struct holm_city_actor *actor, const char *name,
                                      const struct holm_city_port *port, uint64_t seed,
                                      uint64_t beat_us)
{
    if (beat_us == 0)
        return HOLM_EINVAL;
    *actor = (struct holm_city_actor){.beat_us = beat_us, .held = true};
    enum holm_status status = holm_mailbox_init(&actor->mailbox, HOLM_CITY_LETTERS_MAX);
    if (status != HOLM_OK)
        return status;
    status = holm_city_init(&actor->city, name, port, seed);
    if (status != HOLM_OK)
        holm_mailbox_release(&actor->mailbox);
    return status;
}

void holm_city_actor_release(struct holm_city_actor *actor)
{
    holm_city_release(&actor->city);
    holm_mailbox_release(&actor->mailbox);
}

enum holm_status holm_city_actor_post(struct holm_city_actor *actor,
                                      const struct holm_letter *letter)
{
    return holm_mailbox_put(&actor->mailbox, letter);
}

static void go(struct holm_city_actor *actor, uint64_t monotonic_us)
{
    if (!actor->held)
        return;
    actor->held = false;
    actor->patrol_us = monotonic_us + holm_dice_below(&actor->city.dice, actor->beat_us);
    actor->fight_us = monotonic_us + holm_dice_below(&actor->city.dice, actor->beat_us);
}

/* The status of a deed is in the city's figures; nobody waits for an answer to a letter. */
static void read_letter(struct holm_city_actor *actor, const struct holm_letter *letter,
                        struct holm_now now)
{
    switch (letter->type) {
    case HOLM_LETTER_CREATE:
        (void)holm_city_create(&actor->city, letter->hero, letter->name, now.wall_ms);
        break;
    case HOLM_LETTER_DELETE:
        (void)holm_city_delete(&actor->city, letter->hero);
        break;
    case HOLM_LETTER_ASSIGN:
        (void)holm_city_assign(&actor->city, letter->hero, now.wall_ms);
        break;
    case HOLM_LETTER_HOLD:
        actor->held = true;
        actor->token = letter->token;
        break;
    case HOLM_LETTER_GO:
        go(actor, now.monotonic_us);
        actor->token = letter->token;
        break;
    case HOLM_LETTER_BOMB:
        actor->dead = true;
        break;
    }
}

/* True when a timer is due; sets it to its next beat. */
static bool is_due(uint64_t *due_us, uint64_t beat_us, uint64_t monotonic_us)
{
    if (monotonic_us < *due_us)
        return false;
    *due_us += beat_us;
    if (*due_us <= monotonic_us)
        *due_us = monotonic_us + beat_us;
    return true;
}

uint64_t holm_city_actor_step(struct holm_city_actor *actor, struct holm_now now)
{
    if (actor->dead)
        return HOLM_NEVER;
    holm_city_look(&actor->city);
    struct holm_letter letter;
    while (!actor->dead && holm_mailbox_take(&actor->mailbox, &letter))
        read_letter(actor, &letter, now);
    if (actor->dead || actor->held)
        return HOLM_NEVER;
    if (is_due(&actor->patrol_us, actor->beat_us, now.monotonic_us))
        holm_city_patrol(&actor->city, now.wall_ms);
    if (is_due(&actor->fight_us, actor->beat_us, now.monotonic_us))
        holm_city_fight(&actor->city, now.wall_ms);
    return actor->patrol_us < actor->fight_us ? actor->patrol_us : actor->fight_us;
}
