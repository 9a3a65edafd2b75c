/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/network_parts.h"

/* What goes from one side to the other, and whether it can at the moment. */
static const struct holm_network_path *path_from(const struct holm_line *line, unsigned side)
{
    return holm_place_path(line->sides[side].place, line->sides[1 - side].place, line->network);
}

uint64_t holm_line_travel_us(struct holm_line *line, unsigned side)
{
    const struct holm_network_path *path = path_from(line, side);
    struct holm_network *network = line->network;
    struct holm_place *from = line->sides[side].place;
    const struct holm_place *to = line->sides[1 - side].place;
    uint64_t taken_us = path->delay_us;
    if (path->jitter_us > 0)
        taken_us += holm_network_draw(network, from, to, path->jitter_us + 1);
    if (path->loss_permille > 0 && holm_network_draw(network, from, to, 1000) < path->loss_permille)
        taken_us += path->resend_us;
    return taken_us;
}

static void schedule(struct holm_line *line, enum holm_network_event_type type, unsigned side,
                     uint64_t at_us)
{
    holm_network_event_add(
        line->network,
        (struct holm_network_event){.at_us = at_us, .type = type, .line = line, .side = side});
}

static void schedule_arrival(struct holm_line *line, unsigned side)
{
    struct holm_side *from = &line->sides[side];
    if (from->scheduled || from->wire.first == NULL || from->wire.first->held != 0)
        return;
    uint64_t now_us = line->network->now_us;
    uint64_t at_us = from->wire.first->arrives_us;
    from->scheduled = true;
    schedule(line, HOLM_NETWORK_ARRIVAL, side, at_us < now_us ? now_us : at_us);
}

/* Moves a parcel onto the wire: one that is quicker than what is before it waits there. */
static void ship(struct holm_line *line, unsigned side, struct holm_parcel *parcel)
{
    struct holm_side *from = &line->sides[side];
    const struct holm_place *to = line->sides[1 - side].place;
    parcel->arrives_us = line->network->now_us + holm_line_travel_us(line, side) +
                         holm_place_path_wait_us(from->place, to, line->network, parcel->size);
    holm_place_path_load(from->place, to, line->network, parcel->size);
    holm_parcel_push(&from->wire, parcel);
    from->wire_bytes += parcel->size;
    if (from->up && !from->stalled)
        schedule_arrival(line, side);
}

/* Tells the owner of this side that the link is up, or closed. */
static void tell(struct holm_line *line, unsigned side, struct holm_parcel **news)
{
    struct holm_parcel *parcel = *news;
    HOLM_ASSERT(parcel != NULL);
    *news = NULL;
    parcel->line = line;
    parcel->side = side;
    holm_parcel_push(&line->sides[side].endpoint->queue, parcel);
}

static void clear_wire(struct holm_line *line, unsigned side)
{
    holm_parcels_free(line->network, &line->sides[side].wire);
    line->sides[side].wire_bytes = 0;
}

/* Nothing more comes from this side but the end of its wire. */
static void end(struct holm_line *line, unsigned side)
{
    struct holm_side *from = &line->sides[side];
    if (from->ended)
        return;
    from->ended = true;
    /* What a cut holds up is lost with the link; and what never left, too. */
    if (!from->up || path_from(line, side)->cut)
        clear_wire(line, side);
    if (line->sides[1 - side].endpoint != NULL && from->end_of_wire != NULL) {
        struct holm_parcel *last = from->end_of_wire;
        from->end_of_wire = NULL;
        from->up = true;
        ship(line, side, last);
    }
}

/* Ends this side, and tells its owner, who still has it in the table. */
static void sever(struct holm_line *line, unsigned side)
{
    if (line->sides[side].ended)
        return;
    end(line, side);
    tell(line, side, &line->sides[side].closed_news);
}

static void settle(struct holm_line *line)
{
    if (line->sides[0].endpoint == NULL && line->sides[1].endpoint == NULL && line->events == 0)
        holm_line_free(line);
}

static void come_up(struct holm_line *line, unsigned side)
{
    struct holm_side *own = &line->sides[side];
    if (own->up || own->ended)
        return;
    own->up = true;
    own->endpoint->stats.links_opened++;
    tell(line, side, &own->up_news);
    /* What was sent while the dial was under way leaves now. */
    struct holm_parcel_queue early = own->wire;
    own->wire = (struct holm_parcel_queue){NULL, NULL};
    own->wire_bytes = 0;
    struct holm_parcel *parcel;
    while ((parcel = holm_parcel_pop(&early)) != NULL)
        ship(line, side, parcel);
}

/* Hands one frame to the side it was sent to. */
static void deliver(struct holm_line *line, unsigned to, struct holm_parcel *parcel)
{
    struct holm_side *side = &line->sides[to];
    struct holm_endpoint *endpoint = side->endpoint;
    if (parcel->size > endpoint->config.frame_bytes_max) {
        endpoint->stats.oversized++;
        holm_parcel_free(line->network, parcel);
        sever(line, to);
        return;
    }
    endpoint->stats.frames_received++;
    endpoint->stats.bytes_received += parcel->size;
    side->inbox_bytes += parcel->size;
    parcel->line = line;
    parcel->side = to;
    holm_parcel_push(&endpoint->queue, parcel);
}

/* The head of a wire is there: takes it and what has come with it, as far as there is room. */
static void arrive(struct holm_line *line, unsigned from)
{
    struct holm_side *source = &line->sides[from];
    struct holm_side *target = &line->sides[1 - from];
    uint64_t now_us = line->network->now_us;
    while (source->wire.first != NULL && source->wire.first->held == 0 &&
           source->wire.first->arrives_us <= now_us) {
        bool last = source->wire.first->type == HOLM_TRANSPORT_LINK_CLOSED;
        source->stalled = path_from(line, from)->cut;
        if (source->stalled)
            return;
        if (!last && !target->ended && target->inbox_bytes >= HOLM_NETWORK_INBOX_BYTES)
            return;
        struct holm_parcel *parcel = holm_parcel_pop(&source->wire);
        source->wire_bytes -= parcel->size;
        if (!target->ended)
            come_up(line, 1 - from);
        if (last || target->ended)
            holm_parcel_free(line->network, parcel);
        else
            deliver(line, 1 - from, parcel);
        if (last)
            sever(line, 1 - from);
    }
    schedule_arrival(line, from);
}

static bool can_accept(const struct holm_endpoint *endpoint)
{
    return endpoint != NULL && endpoint->listens &&
           endpoint->accepted_count < endpoint->config.links_max;
}

static void knock(struct holm_line *line)
{
    struct holm_side *caller = &line->sides[0], *callee = &line->sides[1];
    if (caller->ended || path_from(line, 0)->cut)
        return;
    uint64_t answer_us = line->network->now_us + holm_line_travel_us(line, 1);
    struct holm_endpoint *endpoint = callee->place->endpoint;
    if (!can_accept(endpoint) || holm_endpoint_link_add(endpoint, line, 1) != HOLM_OK) {
        if (endpoint != NULL && endpoint->listens)
            endpoint->stats.links_refused++;
        schedule(line, HOLM_NETWORK_REFUSAL, 1, answer_us);
        return;
    }
    endpoint->accepted_count++;
    come_up(line, 1);
    schedule(line, HOLM_NETWORK_ANSWER, 1, answer_us);
}

void holm_line_event(struct holm_line *line, const struct holm_network_event *event)
{
    bool dialling = !line->sides[0].up && !line->sides[0].ended;
    bool answered = dialling && !path_from(line, 1)->cut;
    switch (event->type) {
    case HOLM_NETWORK_SYN:
        knock(line);
        break;
    case HOLM_NETWORK_ANSWER:
        if (answered)
            come_up(line, 0);
        break;
    case HOLM_NETWORK_REFUSAL:
        if (answered)
            sever(line, 0);
        break;
    case HOLM_NETWORK_TIMEOUT:
        if (dialling)
            sever(line, 0);
        break;
    case HOLM_NETWORK_ARRIVAL:
        line->sides[event->side].scheduled = false;
        arrive(line, event->side);
        break;
    case HOLM_NETWORK_BROADCAST:
        HOLM_ASSERT(false);
        break;
    }
    settle(line);
}

static bool furnish(struct holm_line *line)
{
    struct holm_bytes none = {NULL, 0};
    bool all = true;
    for (unsigned i = 0; i < 2; i++) {
        struct holm_side *side = &line->sides[i];
        struct holm_network *network = line->network;
        side->up_news = holm_parcel_new(network, HOLM_TRANSPORT_LINK_UP, none);
        side->closed_news = holm_parcel_new(network, HOLM_TRANSPORT_LINK_CLOSED, none);
        side->end_of_wire = holm_parcel_new(network, HOLM_TRANSPORT_LINK_CLOSED, none);
        all = all && side->up_news != NULL && side->closed_news != NULL &&
              side->end_of_wire != NULL;
    }
    return all;
}

enum holm_status holm_line_dial(struct holm_endpoint *endpoint, struct holm_place *target,
                                uint64_t *link)
{
    struct holm_network *network = endpoint->network;
    struct holm_place_path *there, *back;
    enum holm_status status = holm_network_events_reserve(network, 1, 0);
    if (status == HOLM_OK)
        status = holm_place_path_own(endpoint->place, target, network, &there);
    if (status == HOLM_OK)
        status = holm_place_path_own(target, endpoint->place, network, &back);
    if (status != HOLM_OK)
        return status;
    struct holm_line *line = holm_allocate(&network->allocator, sizeof *line);
    if (line == NULL)
        return HOLM_ENOMEM;
    *line = (struct holm_line){.network = network, .next = network->lines};
    line->sides[0].place = endpoint->place;
    line->sides[1].place = target;
    if (network->lines != NULL)
        network->lines->previous = line;
    network->lines = line;
    network->lines_count++;
    if (!furnish(line) || holm_endpoint_link_add(endpoint, line, 0) != HOLM_OK) {
        holm_line_free(line);
        return HOLM_ENOMEM;
    }
    schedule(line, HOLM_NETWORK_SYN, 0, network->now_us + holm_line_travel_us(line, 0));
    schedule(line, HOLM_NETWORK_TIMEOUT, 0, network->now_us + endpoint->config.dial_timeout_us);
    *link = line->sides[0].link;
    return HOLM_OK;
}

enum holm_status holm_line_send(struct holm_line *line, unsigned side, struct holm_bytes frame)
{
    struct holm_side *own = &line->sides[side];
    struct holm_endpoint *endpoint = own->endpoint;
    if (own->ended)
        return HOLM_ECLOSED;
    if (own->wire_bytes + frame.size > endpoint->config.link_queue_bytes_max) {
        sever(line, side);
        return HOLM_ELIMIT;
    }
    const struct holm_network_frame judged = {own->place->address,
                                              line->sides[1 - side].place->address, false, frame};
    struct holm_network_ruling ruling = holm_network_judge(line->network, &judged);
    if (ruling.verdict == HOLM_NETWORK_DROP)
        return HOLM_OK;
    struct holm_parcel *parcel = holm_parcel_new(line->network, HOLM_TRANSPORT_LINK_FRAME, frame);
    if (parcel == NULL)
        return HOLM_ENOMEM;
    endpoint->stats.frames_sent++;
    endpoint->stats.bytes_sent += frame.size;
    if (ruling.verdict == HOLM_NETWORK_HOLD)
        holm_network_hold(line->network, parcel, ruling.tag);
    ship(line, side, parcel);
    return HOLM_OK;
}

void holm_line_close(struct holm_line *line, unsigned side)
{
    end(line, side);
    holm_endpoint_purge(line->sides[side].endpoint, line, side);
    holm_line_forget(line, side);
}

void holm_line_taken(struct holm_line *line, unsigned side, size_t frame_bytes)
{
    struct holm_side *own = &line->sides[side];
    own->inbox_bytes -= frame_bytes;
    struct holm_side *other = &line->sides[1 - side];
    if (other->up && !other->stalled && own->inbox_bytes <= HOLM_NETWORK_INBOX_BYTES / 2)
        schedule_arrival(line, 1 - side);
}

void holm_line_forget(struct holm_line *line, unsigned side)
{
    struct holm_side *own = &line->sides[side];
    struct holm_endpoint *endpoint = own->endpoint;
    endpoint->stats.links_closed += own->up_news == NULL;
    endpoint->accepted_count -= side == 1;
    holm_endpoint_link_remove(endpoint, own->link);
    own->endpoint = NULL;
    settle(line);
}

void holm_lines_resume(struct holm_network *network, const struct holm_place *from,
                       const struct holm_place *to)
{
    for (struct holm_line *line = network->lines; line != NULL; line = line->next) {
        for (unsigned i = 0; i < 2; i++) {
            struct holm_side *side = &line->sides[i];
            if (!side->stalled || side->place != from || line->sides[1 - i].place != to)
                continue;
            side->stalled = false;
            if (side->wire.first != NULL)
                side->wire.first->arrives_us = network->now_us + holm_line_travel_us(line, i);
            schedule_arrival(line, i);
        }
    }
}

void holm_line_go_on(struct holm_line *line, unsigned side)
{
    if (line->sides[side].up && !line->sides[side].stalled)
        schedule_arrival(line, side);
}

void holm_line_free(struct holm_line *line)
{
    struct holm_network *network = line->network;
    for (unsigned i = 0; i < 2; i++) {
        clear_wire(line, i);
        holm_parcel_free(network, line->sides[i].up_news);
        holm_parcel_free(network, line->sides[i].closed_news);
        holm_parcel_free(network, line->sides[i].end_of_wire);
    }
    if (line->next != NULL)
        line->next->previous = line->previous;
    if (line->previous != NULL)
        line->previous->next = line->next;
    else
        network->lines = line->next;
    network->lines_count--;
    holm_deallocate(&network->allocator, line, sizeof *line);
}
