/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/network_parts.h"

void holm_network_set_gate(struct holm_network *network, struct holm_network_gate gate)
{
    network->gate = gate;
}

struct holm_network_ruling holm_network_judge(const struct holm_network *network,
                                              const struct holm_network_frame *frame)
{
    if (network->gate.judge == NULL)
        return (struct holm_network_ruling){HOLM_NETWORK_PASS, 0};
    return network->gate.judge(network->gate.context, frame);
}

void holm_network_hold(struct holm_network *network, struct holm_parcel *parcel, uint64_t tag)
{
    parcel->held = ++network->held_serial;
    parcel->tag = tag;
}

bool holm_network_hold_event(struct holm_network *network, const struct holm_network_event *event,
                             uint64_t tag)
{
    if (holm_array_reserve(&network->allocator, (void **)&network->held, &network->held_capacity,
                           sizeof *network->held, network->held_count + 1) != HOLM_OK)
        return false;
    holm_network_hold(network, event->parcel, tag);
    network->held[network->held_count++] = *event;
    return true;
}

/* ---- what is held --------------------------------------------------------------------------- */

static bool held_under(const struct holm_parcel *parcel, uint64_t tag)
{
    return parcel->held != 0 && parcel->tag == tag;
}

/* Where the first of a tag is: a wire, or with `line` NULL an index of what was broadcast. */
struct spot {
    uint64_t serial; /* 0: there is none */
    struct holm_line *line;
    unsigned side;
    size_t index;
};

static void look_on_wire(struct holm_line *line, unsigned side, uint64_t tag, struct spot *spot)
{
    for (const struct holm_parcel *parcel = line->sides[side].wire.first; parcel != NULL;
         parcel = parcel->next) {
        if (!held_under(parcel, tag))
            continue;
        if (spot->serial == 0 || parcel->held < spot->serial)
            *spot = (struct spot){.serial = parcel->held, .line = line, .side = side};
        return;
    }
}

static struct spot first_of(const struct holm_network *network, uint64_t tag)
{
    struct spot spot = {.serial = 0};
    for (size_t i = 0; i < network->held_count && spot.serial == 0; i++) {
        if (held_under(network->held[i].parcel, tag))
            spot = (struct spot){.serial = network->held[i].parcel->held, .index = i};
    }
    for (struct holm_line *line = network->lines; line != NULL; line = line->next) {
        look_on_wire(line, 0, tag, &spot);
        look_on_wire(line, 1, tag, &spot);
    }
    return spot;
}

static void release_broadcast(struct holm_network *network, size_t index)
{
    struct holm_network_event event = network->held[index];
    network->held_count--;
    memmove(&network->held[index], &network->held[index + 1],
            (network->held_count - index) * sizeof *network->held);
    event.parcel->held = 0;
    event.at_us = network->now_us + holm_place_path(event.from, event.to, network)->delay_us;
    if (holm_network_events_reserve(network, 0, 1) == HOLM_OK)
        holm_network_event_add(network, event);
    else
        holm_parcel_free(network, event.parcel);
}

static void release_frame(struct holm_network *network, const struct spot *spot)
{
    struct holm_parcel *parcel = spot->line->sides[spot->side].wire.first;
    while (parcel->held != spot->serial)
        parcel = parcel->next;
    parcel->held = 0;
    parcel->arrives_us = network->now_us + holm_line_travel_us(spot->line, spot->side);
    holm_line_go_on(spot->line, spot->side);
}

size_t holm_network_held(const struct holm_network *network, uint64_t tag)
{
    size_t count = 0;
    for (size_t i = 0; i < network->held_count; i++)
        count += held_under(network->held[i].parcel, tag);
    for (const struct holm_line *line = network->lines; line != NULL; line = line->next) {
        for (unsigned side = 0; side < 2; side++) {
            for (const struct holm_parcel *parcel = line->sides[side].wire.first; parcel != NULL;
                 parcel = parcel->next)
                count += held_under(parcel, tag);
        }
    }
    return count;
}

void holm_network_let_go(struct holm_network *network, uint64_t tag, size_t count)
{
    struct spot spot;
    for (; count > 0 && (spot = first_of(network, tag)).serial != 0; count--) {
        if (spot.line == NULL)
            release_broadcast(network, spot.index);
        else
            release_frame(network, &spot);
    }
}
