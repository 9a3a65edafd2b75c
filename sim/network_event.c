/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/network_parts.h"

/* The finaliser of Splitmix64. */
static uint64_t mixed(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Of the seed, the direction, the time, and how many were drawn at this time for what comes from there. */
static uint64_t drawn_here(const struct holm_network *network, struct holm_place *from,
                           const struct holm_place *to)
{
    if (from->drawn_us != network->now_us)
        from->drawn = 0;
    from->drawn_us = network->now_us;
    uint64_t z = mixed(network->random + (from->index << 32) + to->index);
    return mixed(mixed(z + network->now_us * 0x9e3779b97f4a7c15u) + ++from->drawn);
}

uint64_t holm_network_draw(struct holm_network *network, struct holm_place *from,
                           const struct holm_place *to, uint64_t bound)
{
    if (bound == 0)
        return 0;
    if (network->steady)
        return drawn_here(network, from, to) % bound;
    return mixed(network->random += 0x9e3779b97f4a7c15u) % bound;
}

enum holm_status holm_network_events_reserve(struct holm_network *network, size_t lines,
                                             size_t extra)
{
    size_t wanted = (network->lines_count + lines) * HOLM_NETWORK_EVENTS_OF_LINE +
                    network->broadcasts_count + extra;
    return holm_array_reserve(&network->allocator, (void **)&network->events,
                              &network->events_capacity, sizeof *network->events, wanted);
}

static bool before(const struct holm_network_event *a, const struct holm_network_event *b)
{
    return a->at_us != b->at_us ? a->at_us < b->at_us : a->serial < b->serial;
}

void holm_network_event_add(struct holm_network *network, struct holm_network_event event)
{
    HOLM_ASSERT(network->events_count < network->events_capacity);
    HOLM_ASSERT(event.at_us >= network->now_us);
    event.serial = ++network->serial;
    if (event.line != NULL)
        event.line->events++;
    else
        network->broadcasts_count++;
    size_t at = network->events_count++;
    while (at > 0 && before(&event, &network->events[(at - 1) / 2])) {
        network->events[at] = network->events[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    network->events[at] = event;
}

bool holm_network_event_take(struct holm_network *network, uint64_t to_us,
                             struct holm_network_event *event)
{
    if (network->events_count == 0 || network->events[0].at_us > to_us)
        return false;
    *event = network->events[0];
    struct holm_network_event last = network->events[--network->events_count];
    size_t count = network->events_count, at = 0;
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && before(&network->events[child + 1], &network->events[child]))
            child++;
        if (!before(&network->events[child], &last))
            break;
        network->events[at] = network->events[child];
    }
    network->events[at] = last;
    if (event->line != NULL)
        event->line->events--;
    else
        network->broadcasts_count--;
    return true;
}
