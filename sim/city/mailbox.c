/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/mailbox.h"

#include <stdlib.h>

enum holm_status holm_mailbox_init(struct holm_mailbox *mailbox, size_t capacity)
{
    *mailbox = (struct holm_mailbox){0};
    if (capacity == 0)
        return HOLM_EINVAL;
    mailbox->letters = calloc(capacity, sizeof mailbox->letters[0]);
    if (mailbox->letters == NULL)
        return HOLM_ENOMEM;
    mailbox->capacity = capacity;
    return HOLM_OK;
}

void holm_mailbox_release(struct holm_mailbox *mailbox)
{
    free(mailbox->letters);
    *mailbox = (struct holm_mailbox){0};
}

enum holm_status holm_mailbox_put(struct holm_mailbox *mailbox, const struct holm_letter *letter)
{
    if (holm_mailbox_full(mailbox))
        return HOLM_ELIMIT;
    mailbox->letters[(mailbox->first + mailbox->count) % mailbox->capacity] = *letter;
    mailbox->count++;
    return HOLM_OK;
}

bool holm_mailbox_take(struct holm_mailbox *mailbox, struct holm_letter *letter)
{
    if (mailbox->count == 0)
        return false;
    *letter = mailbox->letters[mailbox->first];
    mailbox->first = (mailbox->first + 1) % mailbox->capacity;
    mailbox->count--;
    return true;
}

bool holm_mailbox_full(const struct holm_mailbox *mailbox)
{
    return mailbox->count == mailbox->capacity;
}
