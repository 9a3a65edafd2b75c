/* SPDX-License-Identifier: Apache-2.0 */
#include "node/faults.h"

void holm_faults_init(struct holm_faults *faults, const struct holm_allocator *allocator,
                      uint64_t seed)
{
    memset(faults, 0, sizeof *faults);
    pthread_mutex_init(&faults->lock, NULL);
    faults->allocator = *allocator;
    faults->random.state = seed;
    atomic_init(&faults->count, 0);
}

void holm_faults_release(struct holm_faults *faults)
{
    holm_array_free(&faults->allocator, faults->faults, faults->capacity, sizeof *faults->faults);
    pthread_mutex_destroy(&faults->lock);
}

static struct holm_fault *find(struct holm_faults *faults, struct holm_node_id peer)
{
    size_t count = atomic_load_explicit(&faults->count, memory_order_relaxed);
    for (size_t i = 0; i < count; i++) {
        if (faults->faults[i].peer.value == peer.value)
            return &faults->faults[i];
    }
    return NULL;
}

static enum holm_status add(struct holm_faults *faults, struct holm_node_id peer,
                            struct holm_fault **fault)
{
    size_t count = atomic_load_explicit(&faults->count, memory_order_relaxed);
    if (count == HOLM_FAULTS_MAX)
        return HOLM_ELIMIT;
    void *array = faults->faults;
    enum holm_status status = holm_array_reserve(&faults->allocator, &array, &faults->capacity,
                                                 sizeof *faults->faults, count + 1);
    if (status != HOLM_OK)
        return status;
    faults->faults = array;
    *fault = &faults->faults[count];
    **fault = (struct holm_fault){.peer = peer};
    atomic_store(&faults->count, count + 1);
    return HOLM_OK;
}

enum holm_status holm_faults_set(struct holm_faults *faults, struct holm_node_id peer,
                                 enum holm_direction direction, uint32_t permille)
{
    unsigned which = (unsigned)direction;
    if (permille > 1000 || which == 0 || (which & ~(unsigned)HOLM_BOTH) != 0)
        return HOLM_EINVAL;
    pthread_mutex_lock(&faults->lock);
    enum holm_status status = HOLM_OK;
    struct holm_fault *fault = find(faults, peer);
    if (fault == NULL && permille > 0)
        status = add(faults, peer, &fault);
    if (status == HOLM_OK && fault != NULL) {
        if ((which & HOLM_INCOMING) != 0)
            fault->permille_in = permille;
        if ((which & HOLM_OUTGOING) != 0)
            fault->permille_out = permille;
        if (fault->permille_in == 0 && fault->permille_out == 0) {
            size_t last = atomic_load(&faults->count) - 1;
            *fault = faults->faults[last];
            atomic_store(&faults->count, last);
        }
    }
    pthread_mutex_unlock(&faults->lock);
    return status;
}

void holm_faults_clear(struct holm_faults *faults)
{
    pthread_mutex_lock(&faults->lock);
    atomic_store(&faults->count, 0);
    pthread_mutex_unlock(&faults->lock);
}

bool holm_faults_strike(struct holm_faults *faults, struct holm_node_id peer,
                        enum holm_direction direction)
{
    if (atomic_load_explicit(&faults->count, memory_order_relaxed) == 0)
        return false;
    pthread_mutex_lock(&faults->lock);
    const struct holm_fault *fault = find(faults, peer);
    uint32_t permille = 0;
    if (fault != NULL)
        permille = direction == HOLM_INCOMING ? fault->permille_in : fault->permille_out;
    bool struck = permille > 0 && holm_random_next(&faults->random) % 1000 < permille;
    faults->dropped += struck;
    pthread_mutex_unlock(&faults->lock);
    return struck;
}
