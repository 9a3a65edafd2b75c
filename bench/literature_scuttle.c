/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "bench/literature_parts.h"
#include "bench/measure.h"

/* By actor, deltas of seqs dropped + 1 to what the own row says; earlier ones are in the state alone.
 * `alive` are the lives that exist now: a row of another is not waited for. */
struct literature_scuttle {
    struct literature_matrix matrix;
    bool alive[LITERATURE_ACTORS_MAX];
    uint32_t dropped[LITERATURE_ACTORS_MAX];
    struct literature_value **deltas; /* [actor][seq - 1] */
};

static uint32_t seqs_max(const struct literature_replica *replica)
{
    return replica->script->updates;
}

static struct literature_value **place(const struct literature_replica *replica, uint32_t actor,
                                       uint32_t seq)
{
    measure_require(actor < LITERATURE_ACTORS_MAX && seq >= 1 && seq <= seqs_max(replica),
                    "a dot is beyond the script's");
    return &replica->scuttle->deltas[actor * seqs_max(replica) + seq - 1];
}

static uint32_t *own_row(struct literature_replica *replica)
{
    return replica->scuttle->matrix.seqs[replica->actor];
}

void literature_scuttle_open(struct literature_replica *replica)
{
    size_t places = LITERATURE_ACTORS_MAX * seqs_max(replica);
    struct literature_scuttle *scuttle = measure_allocate(sizeof *scuttle);
    *scuttle = (struct literature_scuttle){0};
    scuttle->deltas = measure_allocate(places * sizeof(struct literature_value *));
    for (size_t i = 0; i < places; i++)
        scuttle->deltas[i] = NULL;
    for (uint32_t i = 0; i < replica->script->graph.nodes; i++)
        scuttle->alive[i] = true;
    scuttle->matrix.known[replica->actor] = true;
    replica->scuttle = scuttle;
}

void literature_scuttle_close(struct literature_replica *replica)
{
    for (size_t i = 0; i < LITERATURE_ACTORS_MAX * seqs_max(replica); i++)
        literature_value_release(replica->scuttle->deltas[i]);
    free(replica->scuttle->deltas);
    free(replica->scuttle);
}

void literature_scuttle_update(struct literature_replica *replica, struct literature_value *delta)
{
    uint32_t seq = ++own_row(replica)[replica->actor];
    *place(replica, replica->actor, seq) = literature_value_retain(delta);
}

static void cost_vector(struct literature_cost *cost, const uint32_t *row)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < LITERATURE_ACTORS_MAX; i++) {
        if (row[i] == 0)
            continue;
        count++;
        literature_cost_id(cost);
        literature_cost_number(cost, row[i]);
    }
    literature_cost_length(cost, count);
}

static void cost_matrix(struct literature_cost *cost, const struct literature_matrix *matrix)
{
    uint32_t rows = 0;
    for (uint32_t i = 0; i < LITERATURE_ACTORS_MAX; i++) {
        if (!matrix->known[i])
            continue;
        rows++;
        cost->metadata++;
        literature_cost_id(cost);
        cost_vector(cost, matrix->seqs[i]);
    }
    literature_cost_length(cost, rows);
}

void literature_scuttle_sync(struct literature_replica *replica, uint32_t peer)
{
    struct literature_message *message = literature_replica_message(replica, LITERATURE_MATRIX,
                                                                    replica->peers[peer]);
    message->matrix = measure_allocate(sizeof *message->matrix);
    *message->matrix = replica->scuttle->matrix;
    cost_matrix(&message->cost, message->matrix);
    literature_replica_send(replica, message);
}

static void join_row(uint32_t *row, const uint32_t *other)
{
    for (uint32_t i = 0; i < LITERATURE_ACTORS_MAX; i++)
        row[i] = other[i] > row[i] ? other[i] : row[i];
}

static void drop(struct literature_replica *replica, uint32_t actor, uint32_t through)
{
    uint32_t *dropped = &replica->scuttle->dropped[actor];
    for (; *dropped < through; (*dropped)++) {
        struct literature_value **delta = place(replica, actor, *dropped + 1);
        literature_value_release(*delta);
        *delta = NULL;
    }
}

/* What every life that exists is known to have needs no delta any more. */
static void drop_stable(struct literature_replica *replica)
{
    struct literature_scuttle *scuttle = replica->scuttle;
    for (uint32_t actor = 0; actor < LITERATURE_ACTORS_MAX; actor++) {
        uint32_t stable = own_row(replica)[actor];
        for (uint32_t i = 0; i < LITERATURE_ACTORS_MAX; i++) {
            uint32_t has = scuttle->matrix.known[i] ? scuttle->matrix.seqs[i][actor] : 0;
            if (scuttle->alive[i] && has < stable)
                stable = has;
        }
        drop(replica, actor, stable);
    }
}

static void add_dot(const struct literature_replica *replica, struct literature_message *message,
                    uint32_t actor, uint32_t seq)
{
    struct literature_value *delta = *place(replica, actor, seq);
    measure_require(delta != NULL, "a delta that was not dropped is missing");
    message->dots[message->dot_count++] = (struct literature_dotted){
        actor, seq, literature_value_retain(delta)};
    literature_cost_id(&message->cost);
    literature_cost_number(&message->cost, seq);
    literature_cost_value(&message->cost, replica->script->type, replica->script->updates, delta);
}

/* What was dropped is sent as state: what there is, without what the deltas that follow bring. */
static struct literature_value *dropped_state(const struct literature_replica *replica)
{
    const struct literature_scuttle *scuttle = replica->scuttle;
    struct literature_value *all = literature_state_value(&replica->state);
    struct literature_state kept;
    literature_state_init(&kept, replica->state.keys);
    for (uint32_t actor = 0; actor < LITERATURE_ACTORS_MAX; actor++) {
        uint32_t last = scuttle->matrix.seqs[replica->actor][actor];
        for (uint32_t seq = scuttle->dropped[actor] + 1; seq <= last; seq++)
            literature_state_join(&kept, *place(replica, actor, seq));
    }
    struct literature_value *rest = literature_state_fresh(&kept, all);
    literature_state_release(&kept);
    literature_value_release(all);
    return rest == NULL ? literature_value_new(0) : rest;
}

/* Answers with what the other's own row lacks: from where deltas were dropped, state and the vector
 * that it stands for; then deltas. */
static void answer(struct literature_replica *replica, const struct literature_message *asked)
{
    const uint32_t *theirs = asked->matrix->seqs[asked->from];
    const uint32_t *dropped = replica->scuttle->dropped;
    struct literature_message *message = literature_replica_message(replica, LITERATURE_DOTS,
                                                                    asked->from);
    uint32_t from[LITERATURE_ACTORS_MAX];
    size_t count = 0;
    for (uint32_t actor = 0; actor < LITERATURE_ACTORS_MAX; actor++) {
        uint32_t last = own_row(replica)[actor];
        if (theirs[actor] < dropped[actor])
            message->type = LITERATURE_WHOLE;
        from[actor] = theirs[actor] > dropped[actor] ? theirs[actor] : dropped[actor];
        count += last > from[actor] ? last - from[actor] : 0;
    }
    if (message->type == LITERATURE_WHOLE) {
        message->matrix = measure_allocate(sizeof *message->matrix);
        *message->matrix = (struct literature_matrix){0};
        memcpy(message->matrix->seqs[replica->actor], dropped, sizeof replica->scuttle->dropped);
        cost_vector(&message->cost, dropped);
        literature_replica_put(replica, message, dropped_state(replica));
    }
    message->dots = measure_allocate((count + 1) * sizeof *message->dots);
    literature_cost_length(&message->cost, count);
    for (uint32_t actor = 0; actor < LITERATURE_ACTORS_MAX; actor++) {
        for (uint32_t seq = from[actor] + 1; seq <= own_row(replica)[actor]; seq++)
            add_dot(replica, message, actor, seq);
    }
    literature_replica_send(replica, message);
}

static void take_matrix(struct literature_replica *replica,
                        const struct literature_message *message)
{
    struct literature_scuttle *scuttle = replica->scuttle;
    for (uint32_t i = 0; i < LITERATURE_ACTORS_MAX; i++) {
        if (!message->matrix->known[i] || !scuttle->alive[i])
            continue;
        scuttle->matrix.known[i] = true;
        if (i != replica->actor)
            join_row(scuttle->matrix.seqs[i], message->matrix->seqs[i]);
    }
    drop_stable(replica);
    answer(replica, message);
}

/* Answers to one row have all that is missing, in order, so the dots of each actor stay whole. */
static void take_dots(struct literature_replica *replica, const struct literature_message *message)
{
    for (size_t i = 0; i < message->dot_count; i++) {
        const struct literature_dotted *dot = &message->dots[i];
        uint32_t *seq = &own_row(replica)[dot->actor];
        if (dot->seq <= *seq)
            continue;
        measure_require(dot->seq == *seq + 1, "a dot is missing in an answer");
        *seq = dot->seq;
        *place(replica, dot->actor, dot->seq) = literature_value_retain(dot->delta);
        literature_state_join(&replica->state, dot->delta);
    }
}

/* Where the state that came goes beyond what is here, deltas of what lies before are not kept: those
 * between would be missing. */
static void take_whole(struct literature_replica *replica, const struct literature_message *message)
{
    const uint32_t *row = message->matrix->seqs[message->from];
    literature_state_join(&replica->state, message->value);
    for (uint32_t actor = 0; actor < LITERATURE_ACTORS_MAX; actor++) {
        uint32_t *ours = &own_row(replica)[actor];
        if (row[actor] <= *ours)
            continue;
        drop(replica, actor, *ours);
        *ours = replica->scuttle->dropped[actor] = row[actor];
    }
    take_dots(replica, message);
}

void literature_scuttle_receive(struct literature_replica *replica,
                                const struct literature_message *message)
{
    if (message->type == LITERATURE_MATRIX)
        take_matrix(replica, message);
    else if (message->type == LITERATURE_DOTS)
        take_dots(replica, message);
    else
        take_whole(replica, message);
}

/* Everyone is told at once who lives, at no cost: the paper says nothing of membership. */
void literature_scuttle_replaced(struct literature_replica *replica, uint32_t peer, uint32_t before,
                                 uint32_t after)
{
    struct literature_scuttle *scuttle = replica->scuttle;
    (void)peer;
    scuttle->alive[before] = false;
    scuttle->matrix.known[before] = false;
    scuttle->alive[after] = true;
}
