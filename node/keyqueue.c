/* SPDX-License-Identifier: Apache-2.0 */
#include "node/keyqueue.h"

#include <stdlib.h>

#include <xxhash.h>

#define SLOTS_MIN 16

void holm_key_queue_init(struct holm_key_queue *queue, size_t count_max)
{
    memset(queue, 0, sizeof *queue);
    queue->count_max = count_max;
}

void holm_key_queue_release(struct holm_key_queue *queue)
{
    holm_key_queue_clear(queue);
}

/* The slot of a key, or the free one where it would go. */
static size_t find(const struct holm_key_queue *queue, struct holm_bytes key, uint64_t hash)
{
    size_t mask = queue->slot_count - 1;
    size_t at = (size_t)hash & mask;

    while (queue->slots[at] != NULL) {
        const struct holm_key_item *item = queue->slots[at];

        if (item->hash == hash && holm_bytes_equal(holm_mem(item->bytes, item->size), key))
            break;
        at = (at + 1) & mask;
    }
    return at;
}

static bool grow(struct holm_key_queue *queue)
{
    if (queue->count * 2 < queue->slot_count)
        return true;

    struct holm_key_queue grown = *queue;

    grown.slot_count = queue->slot_count == 0 ? SLOTS_MIN : queue->slot_count * 2;
    grown.slots = calloc(grown.slot_count, sizeof(struct holm_key_item *));
    if (grown.slots == NULL)
        return false;
    for (struct holm_key_item *item = queue->first; item != NULL; item = item->next)
        grown.slots[find(&grown, holm_mem(item->bytes, item->size), item->hash)] = item;
    free(queue->slots);
    queue->slots = grown.slots;
    queue->slot_count = grown.slot_count;
    return true;
}

enum holm_status holm_key_queue_push(struct holm_key_queue *queue, struct holm_bytes key,
                                     struct holm_node_id origin)
{
    if (!grow(queue))
        return HOLM_ENOMEM;

    uint64_t hash = XXH3_64bits(key.data, key.size);
    size_t at = find(queue, key, hash);

    if (queue->slots[at] != NULL) {
        queue->slots[at]->origin = origin;
        return HOLM_OK;
    }
    if (queue->count >= queue->count_max)
        return HOLM_ELIMIT;

    struct holm_key_item *item = malloc(sizeof *item + key.size);

    if (item == NULL)
        return HOLM_ENOMEM;
    item->next = NULL;
    item->hash = hash;
    item->origin = origin;
    item->size = key.size;
    if (key.size > 0)
        memcpy(item->bytes, key.data, key.size);
    if (queue->last == NULL)
        queue->first = item;
    else
        queue->last->next = item;
    queue->last = item;
    queue->slots[at] = item;
    queue->count++;
    return HOLM_OK;
}

/* Closes the gap that a taken key leaves, so that no probe stops early. */
static void close_gap(struct holm_key_queue *queue, size_t gap)
{
    size_t mask = queue->slot_count - 1;

    queue->slots[gap] = NULL;
    for (size_t at = (gap + 1) & mask; queue->slots[at] != NULL; at = (at + 1) & mask) {
        size_t home = (size_t)queue->slots[at]->hash & mask;

        if (((at - home) & mask) < ((at - gap) & mask))
            continue;
        queue->slots[gap] = queue->slots[at];
        queue->slots[at] = NULL;
        gap = at;
    }
}

struct holm_key_item *holm_key_queue_pop(struct holm_key_queue *queue)
{
    struct holm_key_item *item = queue->first;

    if (item == NULL)
        return NULL;

    size_t at = find(queue, holm_mem(item->bytes, item->size), item->hash);

    HOLM_ASSERT(queue->slots[at] == item);
    close_gap(queue, at);
    queue->first = item->next;
    if (queue->first == NULL)
        queue->last = NULL;
    queue->count--;
    item->next = NULL;
    return item;
}

void holm_key_queue_clear(struct holm_key_queue *queue)
{
    struct holm_key_item *item = queue->first;

    while (item != NULL) {
        struct holm_key_item *next = item->next;

        free(item);
        item = next;
    }
    free(queue->slots);
    holm_key_queue_init(queue, queue->count_max);
}
