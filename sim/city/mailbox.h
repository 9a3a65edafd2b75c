/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mailbox.h - the letters that wait for a city, in the order in which they came.
 *
 * Bounded: a full mailbox takes nothing more, and the postman has to wait; so nobody's haste makes
 * a city's memory grow.
 */
#ifndef HOLM_SIM_CITY_MAILBOX_H
#define HOLM_SIM_CITY_MAILBOX_H

#include "sim/city/hero.h"

enum holm_letter_type {
    HOLM_LETTER_CREATE = 1, /* hero, name */
    HOLM_LETTER_DELETE = 2, /* hero */
    HOLM_LETTER_ASSIGN = 3, /* hero: comes to the city that gets the letter */
    HOLM_LETTER_HOLD = 4,   /* token: timers stand still */
    HOLM_LETTER_GO = 5,     /* timers run */
    HOLM_LETTER_BOMB = 6    /* the city dies at once and loses everything */
};

struct holm_letter {
    enum holm_letter_type type;
    struct holm_hero_id hero;
    uint64_t token;
    char name[HOLM_HERO_NAME_BYTES_MAX + 1];
};

struct holm_mailbox {
    struct holm_letter *letters; /* a ring */
    size_t capacity, first, count;
};

/* HOLM_ENOMEM, HOLM_EINVAL: no capacity. Freed with release. */
HOLM_NODISCARD enum holm_status holm_mailbox_init(struct holm_mailbox *mailbox, size_t capacity);
void holm_mailbox_release(struct holm_mailbox *mailbox);

/* Copies the letter in, behind all others. HOLM_ELIMIT: it is full. */
HOLM_NODISCARD enum holm_status holm_mailbox_put(struct holm_mailbox *mailbox,
                                                 const struct holm_letter *letter);
/* Takes the oldest letter. False when there is none. */
bool holm_mailbox_take(struct holm_mailbox *mailbox, struct holm_letter *letter);
bool holm_mailbox_full(const struct holm_mailbox *mailbox);

#endif
