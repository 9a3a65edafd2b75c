/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/budget.h"

static void *resize(void *context, void *memory, size_t size_old, size_t size_new)
{
    struct holm_budget *budget = context;
    if (size_new > size_old && size_new - size_old > budget->left) {
        budget->refusal = HOLM_ETOOBIG;
        return NULL;
    }
    void *moved = budget->source.resize(budget->source.context, memory, size_old, size_new);
    if (moved == NULL && size_new > 0) {
        budget->refusal = HOLM_ENOMEM;
        return NULL;
    }
    budget->left = budget->left + size_old - size_new;
    return moved;
}

void holm_budget_init(struct holm_budget *budget, const struct holm_allocator *source, size_t bytes)
{
    HOLM_ASSERT(source->resize != NULL);
    budget->source = *source;
    budget->left = bytes;
    budget->refusal = HOLM_OK;
}

struct holm_allocator holm_budget_allocator(struct holm_budget *budget)
{
    struct holm_allocator allocator = {.resize = resize, .context = budget};
    return allocator;
}
