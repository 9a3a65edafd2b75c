/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of events of a node. The driving thread puts events in, one lock for all streams; readers take
 * them out.
 *
 *     S1  the eventfd is readable exactly while an event waits
 *     S2  a ring holds the last `count` events, oldest at `first`; `lost` were told before it, and overwritten
 */
#include "node/events.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/eventfd.h>

#define EVENTS_MAX_DEFAULT 1024
#define EVENTS_MAX_LIMIT ((size_t)1 << 20)

struct holm_events {
    struct holm_node *node;
    struct holm_events *next;
    struct holm_events **link; /* what points to this stream in the node's list */
    int fd;
    bool readable; /* the eventfd */
    size_t capacity, first, count;
    uint64_t lost;
    struct holm_peer_event ring[];
};

static void settle(struct holm_events *events)
{
    bool waiting = events->count > 0;
    uint64_t one = 1;
    ssize_t done;

    if (waiting == events->readable)
        return;
    do {
        done = waiting ? write(events->fd, &one, sizeof one) : read(events->fd, &one, sizeof one);
    } while (done < 0 && errno == EINTR);
    HOLM_ASSERT(done == (ssize_t)sizeof one);
    events->readable = waiting;
}

static void put(struct holm_events *events, const struct holm_peer_event *event)
{
    if (events->count == events->capacity) {
        events->first = (events->first + 1) % events->capacity;
        events->count--;
        events->lost++;
    }
    events->ring[(events->first + events->count) % events->capacity] = *event;
    events->count++;
    settle(events);
}

void holm_node_changed(void *context, const struct holm_peer_event *event)
{
    struct holm_node *node = context;
    pthread_mutex_lock(&node->watch_lock);
    for (struct holm_events *events = node->events; events != NULL; events = events->next)
        put(events, event);
    pthread_mutex_unlock(&node->watch_lock);
}

static void enlist(struct holm_node *node, struct holm_events *events)
{
    pthread_mutex_lock(&node->watch_lock);
    events->node = node;
    events->next = node->events;
    events->link = &node->events;
    if (events->next != NULL)
        events->next->link = &events->next;
    node->events = events;
    pthread_mutex_unlock(&node->watch_lock);
}

enum holm_status holm_events_open(struct holm_node *node, size_t events_max,
                                  struct holm_events **events)
{
    size_t capacity = events_max == 0 ? EVENTS_MAX_DEFAULT : events_max;
    enum holm_status status = holm_node_check(node);

    *events = NULL;
    if (status != HOLM_OK)
        return status;
    if (capacity > EVENTS_MAX_LIMIT)
        capacity = EVENTS_MAX_LIMIT;
    struct holm_events *made = calloc(1, sizeof *made + capacity * sizeof made->ring[0]);
    if (made == NULL)
        return HOLM_ENOMEM;
    made->capacity = capacity;
    made->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made->fd < 0) {
        free(made);
        return HOLM_EIO;
    }
    enlist(node, made);
    *events = made;
    return HOLM_OK;
}

int holm_events_fd(const struct holm_events *events)
{
    return holm_node_check(events->node) == HOLM_EFORK ? -1 : events->fd;
}

/* A node that has ended is done telling; what it told can be read. */
enum holm_status holm_events_next(struct holm_events *events, struct holm_peer_event *event)
{
    memset(event, 0, sizeof *event);
    if (holm_node_check(events->node) == HOLM_EFORK)
        return HOLM_EFORK;
    pthread_mutex_lock(&events->node->watch_lock);
    bool waits = events->count > 0;
    if (waits && events->lost > 0) {
        event->lost = events->lost;
        events->lost = 0;
    } else if (waits) {
        *event = events->ring[events->first];
        events->first = (events->first + 1) % events->capacity;
        events->count--;
    }
    settle(events);
    pthread_mutex_unlock(&events->node->watch_lock);
    return waits ? HOLM_OK : HOLM_ENOENT;
}

void holm_events_close(struct holm_events *events)
{
    if (events == NULL || holm_node_check(events->node) == HOLM_EFORK)
        return;
    pthread_mutex_lock(&events->node->watch_lock);
    *events->link = events->next;
    if (events->next != NULL)
        events->next->link = events->link;
    pthread_mutex_unlock(&events->node->watch_lock);
    close(events->fd);
    free(events);
}

const char *holm_peer_change_name(enum holm_peer_change change)
{
    static const char *const names[] = {"?",  "joined", "suspect", "down",
                                        "up", "healed", "left",    "forgotten"};
    return change >= HOLM_PEER_JOINED && change <= HOLM_PEER_FORGOTTEN ? names[change] : names[0];
}
