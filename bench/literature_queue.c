/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature_queue.h"

#include <stdlib.h>

#include "bench/measure.h"

static bool before(const struct literature_event *a, const struct literature_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->order < b->order;
}

void literature_queue_put(struct literature_queue *queue, struct literature_event event)
{
    if (queue->count == queue->capacity) {
        queue->capacity = queue->capacity == 0 ? 256 : 2 * queue->capacity;
        queue->events = realloc(queue->events, queue->capacity * sizeof *queue->events);
        measure_require(queue->events != NULL, "out of memory");
    }
    event.order = queue->order++;
    size_t i = queue->count++;
    for (; i > 0 && before(&event, &queue->events[(i - 1) / 2]); i = (i - 1) / 2)
        queue->events[i] = queue->events[(i - 1) / 2];
    queue->events[i] = event;
}

bool literature_queue_take(struct literature_queue *queue, struct literature_event *event)
{
    if (queue->count == 0)
        return false;
    *event = queue->events[0];
    struct literature_event last = queue->events[--queue->count];
    size_t i = 0;
    for (size_t child = 1; child < queue->count; child = 2 * i + 1) {
        if (child + 1 < queue->count && before(&queue->events[child + 1], &queue->events[child]))
            child++;
        if (before(&last, &queue->events[child]))
            break;
        queue->events[i] = queue->events[child];
        i = child;
    }
    queue->events[i] = last;
    return true;
}

void literature_queue_release(struct literature_queue *queue)
{
    free(queue->events);
    *queue = (struct literature_queue){0};
}
