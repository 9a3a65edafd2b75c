/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.h - an allocator that passes on to another one, up to a number of bytes.
 *
 * protobuf-c allocates by itself, as often as the bytes that it reads ask it to. What it takes is
 * charged to a budget that follows from the size of the frame, so no frame takes more than it has
 * backed with its own bytes.
 */
#ifndef HOLM_PROTO_BUDGET_H
#define HOLM_PROTO_BUDGET_H

#include "crdt/base.h"

struct holm_budget {
    struct holm_allocator source;
    size_t left;
    enum holm_status refusal; /* of the last refusal: ETOOBIG here, ENOMEM in the source; or OK */
};

/* Nothing is allocated. The source is copied. */
void holm_budget_init(struct holm_budget *budget, const struct holm_allocator *source,
                      size_t bytes);

/* The allocator that charges this budget; frees are credited. It borrows the budget for life. */
struct holm_allocator holm_budget_allocator(struct holm_budget *budget);

#endif
