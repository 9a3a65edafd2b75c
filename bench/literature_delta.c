/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "bench/literature_parts.h"
#include "bench/measure.h"

struct entry {
    uint32_t from; /* the actor it came from; itself for its own */
    struct literature_value *value;
};

/* Entries are numbered from `first`; acknowledged[i] is the number before which neighbour i has all. */
struct literature_delta {
    struct entry *entries; /* of numbers first to next - 1 */
    uint64_t first, next;
    size_t capacity;
    uint64_t acknowledged[LITERATURE_NODES_MAX];
    struct literature_state group; /* room for a join */
};

void literature_delta_open(struct literature_replica *replica)
{
    replica->delta = measure_allocate(sizeof *replica->delta);
    *replica->delta = (struct literature_delta){0};
    literature_state_init(&replica->delta->group, literature_script_keys(replica->script));
}

void literature_delta_close(struct literature_replica *replica)
{
    struct literature_delta *delta = replica->delta;
    for (uint64_t i = 0; i < delta->next - delta->first; i++)
        literature_value_release(delta->entries[i].value);
    free(delta->entries);
    literature_state_release(&delta->group);
    free(delta);
}

/* Takes the value. */
static void append(struct literature_delta *delta, uint32_t from, struct literature_value *value)
{
    size_t count = (size_t)(delta->next - delta->first);
    if (count == delta->capacity) {
        delta->capacity = delta->capacity == 0 ? 64 : 2 * delta->capacity;
        delta->entries = realloc(delta->entries, delta->capacity * sizeof *delta->entries);
        measure_require(delta->entries != NULL, "out of memory");
    }
    delta->entries[count] = (struct entry){from, value};
    delta->next++;
}

void literature_delta_update(struct literature_replica *replica, struct literature_value *delta)
{
    append(replica->delta, replica->actor, literature_value_retain(delta));
}

/* The join of what the neighbour has not acknowledged, and may be sent; NULL for nothing. */
static struct literature_value *group_for(struct literature_replica *replica, uint32_t peer)
{
    struct literature_delta *delta = replica->delta;
    uint64_t from = delta->acknowledged[peer];
    if (from < delta->first)
        return literature_state_value(&replica->state);
    literature_state_clear(&delta->group);
    for (uint64_t i = from; i < delta->next; i++) {
        const struct entry *entry = &delta->entries[i - delta->first];
        if (!replica->strategy->avoid_back || entry->from != replica->peers[peer])
            literature_state_join(&delta->group, entry->value);
    }
    return delta->group.count == 0 ? NULL : literature_state_value(&delta->group);
}

void literature_delta_sync(struct literature_replica *replica, uint32_t peer)
{
    struct literature_delta *delta = replica->delta;
    if (delta->acknowledged[peer] == delta->next)
        return;
    struct literature_value *group = group_for(replica, peer);
    if (group == NULL)
        return;
    struct literature_message *message = literature_replica_message(replica, LITERATURE_DELTA,
                                                                    replica->peers[peer]);
    message->seq = delta->next;
    literature_cost_number(&message->cost, message->seq);
    literature_replica_put(replica, message, group);
    literature_replica_send(replica, message);
}

static void prune(struct literature_replica *replica)
{
    struct literature_delta *delta = replica->delta;
    uint64_t all = delta->next;
    for (uint32_t peer = 0; peer < replica->peer_count; peer++) {
        if (delta->acknowledged[peer] < all)
            all = delta->acknowledged[peer];
    }
    if (all <= delta->first)
        return;
    size_t gone = (size_t)(all - delta->first);
    size_t left = (size_t)(delta->next - all);
    for (size_t i = 0; i < gone; i++)
        literature_value_release(delta->entries[i].value);
    for (size_t i = 0; i < left; i++)
        delta->entries[i] = delta->entries[gone + i];
    delta->first = all;
}

static void acknowledged(struct literature_replica *replica, const struct literature_message *ack)
{
    for (uint32_t peer = 0; peer < replica->peer_count; peer++) {
        if (replica->peers[peer] == ack->from && replica->delta->acknowledged[peer] < ack->seq)
            replica->delta->acknowledged[peer] = ack->seq;
    }
    prune(replica);
}

void literature_delta_receive(struct literature_replica *replica,
                              const struct literature_message *message)
{
    if (message->type == LITERATURE_ACK) {
        acknowledged(replica, message);
        return;
    }
    struct literature_value *fresh = literature_state_fresh(&replica->state, message->value);
    if (fresh != NULL) {
        literature_state_join(&replica->state, message->value);
        if (replica->strategy->remove_redundant) {
            append(replica->delta, message->from, fresh);
        } else {
            append(replica->delta, message->from, literature_value_retain(message->value));
            literature_value_release(fresh);
        }
    }
    struct literature_message *ack = literature_replica_message(replica, LITERATURE_ACK,
                                                                message->from);
    ack->seq = message->seq;
    literature_cost_number(&ack->cost, ack->seq);
    literature_replica_send(replica, ack);
}

/* The new life has nothing. What is still in the buffer may be less than all there is. */
void literature_delta_replaced(struct literature_replica *replica, uint32_t peer, uint32_t before,
                               uint32_t after)
{
    (void)before;
    (void)after;
    if (peer < replica->peer_count)
        replica->delta->acknowledged[peer] = 0;
}
