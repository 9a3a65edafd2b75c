/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/collect_world.h"

#include "tests/model/collect_state.h"

#include <stdio.h>
#include <stdlib.h>

struct holm_actor world_actor(int node, uint64_t epoch)
{
    return (struct holm_actor){{(uint64_t)node + 1}, {epoch}};
}

bool world_is_of(const struct world *world, int node, struct holm_actor actor)
{
    return world->nodes[node].actor.node.value == actor.node.value;
}

struct holm_stable_self world_self(const struct world *world, int node)
{
    const struct world_node *n = &world->nodes[node];
    return (struct holm_stable_self){.actor = n->actor,
                                     .number = WORLD_PARTITION,
                                     .partition = holm_vector_view(&n->state.r),
                                     .list = holm_vector_view(&n->state.list),
                                     .members = &n->members};
}

/* ---- the member list */

void world_learn(struct world *world, int node, int list_op)
{
    struct world_node *n = &world->nodes[node];
    const struct holm_member_op *op = &world->list_ops[list_op].op;
    world_set_add(&n->state.listed, list_op);
    must(holm_vector_raise(&n->state.list, op->dot.actor, op->dot.seq));
    must(holm_members_apply(&n->members, op));
}

void world_members(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    holm_members_release(&n->members);
    holm_members_init(&n->members, &world->allocator);
    for (int i = 0; i < world->list_count; i++) {
        if (world_set_has(&n->state.listed, i) || world_set_has(&n->state.hearsay, i))
            must(holm_members_apply(&n->members, &world->list_ops[i].op));
    }
    holm_members_check(&n->members);
}

static struct world_line *line_of(struct world *world, const struct holm_founding *founding)
{
    for (int i = 0; i < world->line_count; i++) {
        if (holm_founding_compare(&world->lines[i].founding, founding) == 0)
            return &world->lines[i];
    }
    return NULL;
}

const struct holm_members *world_all(const struct world *world, int node)
{
    const struct world_node *n = &world->nodes[node];
    for (int i = 0; i < world->line_count; i++) {
        if (holm_founding_compare(&world->lines[i].founding, &n->members.founding) == 0)
            return &world->lines[i].all;
    }
    return &n->members;
}

/* What the founder knows is what all of its founding will. */
static struct world_line *found(struct world *world, int node, const struct holm_founding *founding)
{
    const struct world_node *n = &world->nodes[node];
    if (world->line_count == WORLD_LINES)
        must(HOLM_ELIMIT);
    struct world_line *line = &world->lines[world->line_count++];
    line->founding = *founding;
    holm_members_init(&line->all, &world->allocator);
    for (int i = 0; i < world->list_count; i++) {
        if (world_set_has(&n->state.listed, i) || world_set_has(&n->state.hearsay, i))
            must(holm_members_apply(&line->all, &world->list_ops[i].op));
    }
    return line;
}

static void mint_list(struct world *world, int node, const struct holm_member_op *what)
{
    struct world_node *n = &world->nodes[node];
    if (world->list_count == WORLD_OPS)
        must(HOLM_ELIMIT);
    int at = world->list_count++;
    struct world_list_op *op = &world->list_ops[at];
    op->past = n->state.listed;
    op->op = *what;
    op->op.dot.actor = n->actor;
    op->op.dot.seq = holm_vector_seq(holm_vector_view(&n->state.list), n->actor) + 1;
    op->op.partition = WORLD_PARTITION;
    struct holm_founding founding = n->members.founding;
    if (what->type == HOLM_MEMBER_ADMIT && holm_actor_equal(what->subject, n->actor)) {
        op->op.last = founding.generation + 1;
        founding = (struct holm_founding){op->op.last, op->op.dot};
    }
    struct world_line *line = line_of(world, &founding);
    if (line == NULL)
        line = found(world, node, &founding);
    must(holm_members_apply(&line->all, &op->op));
    world_learn(world, node, at);
}

void world_mint_admission(struct world *world, int member, int node, struct holm_epoch base)
{
    const struct world_node *n = &world->nodes[node];
    struct holm_member_op op = {.type = HOLM_MEMBER_ADMIT, .subject = n->actor, .base = base};
    if (base.value != 0)
        op.state = n->hash;
    mint_list(world, member, &op);
}

void world_mint_list(struct world *world, int node, enum holm_member_op_type type,
                     struct holm_actor subject, uint64_t last)
{
    struct holm_member_op op = {.type = type, .subject = subject, .last = last};
    mint_list(world, node, &op);
}

static void node_init(struct world *world, struct world_node *n, struct holm_actor actor)
{
    n->actor = actor;
    n->stride = 1;
    state_init(&n->state, &world->allocator);
    state_init(&n->store.state, &world->allocator);
    state_init(&n->kept.state, &world->allocator);
    holm_members_init(&n->members, &world->allocator);
    holm_stable_init(&n->stable, &world->allocator);
    for (int k = 0; k < WORLD_NODES; k++) {
        holm_vector_init(&n->raw[k].r, &world->allocator);
        holm_vector_init(&n->raw[k].list, &world->allocator);
        state_init(&n->heard[k].state, &world->allocator);
    }
}

void world_init(struct world *world, int node_count, uint64_t rules_left_out)
{
    const struct holm_epoch none = {0};
    memset(world, 0, sizeof *world);
    world->allocator = heap_allocator(&world->heap);
    world->rules = rules_left_out;
    world->node_count = node_count;
    for (int i = 0; i < node_count; i++) {
        struct world_node *n = &world->nodes[i];
        node_init(world, n, world_actor(i, 1));
        n->former = n->actor.epoch;
        n->clock = 2;
        n->alive = n->confirmed = true;
    }
    for (int i = 0; i < WORLD_MESSAGES; i++)
        state_init(&world->messages[i].state, &world->allocator);
    for (int i = 0; i < node_count; i++)
        world_mint_admission(world, A, i, none);
    for (int i = 0; i < node_count; i++) {
        for (int op = 0; i != A && op < node_count; op++)
            world_learn(world, i, op);
        world_store(world, i);
    }
}

void world_release(struct world *world)
{
    for (int i = 0; i < world->node_count; i++) {
        struct world_node *n = &world->nodes[i];
        state_release(&n->state);
        state_release(&n->store.state);
        state_release(&n->kept.state);
        holm_members_release(&n->members);
        holm_stable_release(&n->stable);
        for (int k = 0; k < WORLD_NODES; k++) {
            holm_vector_release(&n->raw[k].r);
            holm_vector_release(&n->raw[k].list);
            state_release(&n->heard[k].state);
        }
    }
    for (int i = 0; i < WORLD_MESSAGES; i++)
        state_release(&world->messages[i].state);
    for (int i = 0; i < world->line_count; i++)
        holm_members_release(&world->lines[i].all);
    for (int i = 0; i < world->run_count; i++)
        holm_vector_release(&world->runs[i].collected);
    if (world->heap.blocks != 0)
        must(HOLM_ENOMEM);
}

/* ---- writing */

static void fill_entries(struct world *world, int node, struct world_op *op)
{
    struct world_state *state = &world->nodes[node].state;
    struct holm_actor self = world->nodes[node].actor;
    if (op->what.type == WORLD_COUNT) {
        const struct world_entry *own = state_entry(state, op->what.key, self);
        struct world_entry *entry = &op->entries[op->entry_count++];
        entry->key = op->what.key;
        entry->actor = self;
        must(holm_count_increment(own == NULL ? NULL : &own->count, op->dot.seq, op->what.amount,
                                  &entry->count));
        return;
    }
    for (size_t i = 0; i < state->entry_count; i++) {
        struct world_entry *from = &state->entries[i];
        bool taken = op->what.type == WORLD_RESET ||
                     (op->what.type == WORLD_MOVE && from->actor.node.value == self.node.value &&
                      from->actor.epoch.value != self.epoch.value);
        if (!taken || from->key != op->what.key || !holm_count_live(&from->count))
            continue;
        struct world_entry *mark = &op->entries[op->entry_count++];
        *mark = *from;
        mark->count = holm_count_cancelled(&from->count);
        mark->reset = op->dot;
        if (op->what.type == WORLD_MOVE)
            op->what.amount += from->count.sum - from->count.cancelled_sum;
    }
    if (op->what.type == WORLD_MOVE) {
        const struct world_entry *own = state_entry(state, op->what.key, self);
        struct world_entry *entry = &op->entries[op->entry_count++];
        *entry = (struct world_entry){.key = op->what.key, .actor = self};
        must(holm_count_increment(own == NULL ? NULL : &own->count, op->dot.seq, op->what.amount,
                                  &entry->count));
    }
}

static void mint(struct world *world, int node, const struct world_wish *wishes, int count)
{
    struct world_node *n = &world->nodes[node];
    struct world_run *run = &world->runs[world->run_count++];
    uint64_t seq = holm_vector_seq(holm_vector_view(&n->state.r), n->actor);
    if (world->op_count + count > WORLD_OPS)
        must(HOLM_ELIMIT);
    *run = (struct world_run){.actor = n->actor, .first = world->op_count, .count = count};
    holm_vector_init(&run->collected, &world->allocator);
    if ((world->rules & WORLD_NO_TELLING) == 0)
        must(holm_vector_assign(&run->collected, holm_vector_view(&n->state.s)));
    for (int i = 0; i < count; i++) {
        int at = world->op_count++;
        struct world_op *op = &world->ops[at];
        memset(op, 0, sizeof *op);
        op->what = wishes[i];
        op->dot = (struct holm_dot){n->actor, seq + 1 + (uint64_t)i};
        op->past = n->state.applied;
        if (!state_buried(world, &n->state, op->what.key))
            fill_entries(world, node, op);
        state_apply(world, &n->state, at);
    }
    must(holm_vector_raise(&n->state.r, n->actor, seq + (uint64_t)count));
}

bool world_write_batch(struct world *world, int node, const struct world_wish *wishes, int count)
{
    struct world_node *n = &world->nodes[node];
    bool buried_before[WORLD_KEYS] = {false};
    for (int i = 0; i < count; i++) {
        int key = wishes[i].key;
        if (buried_before[key] || state_buried(world, &n->state, key))
            return false;
        buried_before[key] = wishes[i].type == WORLD_BURY;
    }
    if (n->outlived)
        return false;
    if (n->confirmed && !holm_members_current(&n->members, n->actor) &&
        (world->rules & (WORLD_FORGET_AT_ONCE | WORLD_NO_FENCE)) == 0)
        return false;
    if (n->confirmed || (world->rules & WORLD_PROVISIONAL_DOTS) != 0) {
        mint(world, node, wishes, count);
        return true;
    }
    for (int i = 0; i < count && n->state.journal_count < 16; i++)
        n->state.journal[n->state.journal_count++] = wishes[i];
    return true;
}

bool world_write(struct world *world, int node, enum world_op_type type, int key, int64_t amount)
{
    struct world_wish wish = {type, key, amount};
    return world_write_batch(world, node, &wish, 1);
}

void world_move(struct world *world, int node)
{
    for (int key = 0; key < WORLD_KEYS; key++) {
        bool any = false;
        const struct world_node *n = &world->nodes[node];
        for (size_t i = 0; i < n->state.entry_count; i++) {
            const struct world_entry *entry = &n->state.entries[i];
            any = any || (entry->key == key && holm_count_live(&entry->count) &&
                          entry->actor.node.value == n->actor.node.value &&
                          entry->actor.epoch.value != n->actor.epoch.value);
        }
        if (any)
            (void)world_write(world, node, WORLD_MOVE, key, 0);
    }
}

/* ---- lives */

void world_confirm(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    struct world_wish journal[16];
    size_t count = n->state.journal_count;
    memcpy(journal, n->state.journal, sizeof journal);
    n->state.journal_count = 0;
    n->confirmed = true;
    n->returning = false;
    n->lost_to = 0;
    n->former = n->actor.epoch;
    world_repeat(world, node);
    for (size_t i = 0; i < count; i++)
        (void)world_write_batch(world, node, &journal[i], 1);
}

bool world_same_founding(const struct world *world, const struct holm_members *members,
                         const struct holm_founding *founding)
{
    return (world->rules & WORLD_ANY_FOUNDING) != 0 ||
           holm_founding_compare(&members->founding, founding) == 0;
}

/* What a message says of its sender, or would have to for a rule to be left out. */
static struct holm_heard heard_by(const struct world *world, const struct holm_members *members,
                                  const struct world_message *hello)
{
    struct holm_heard heard = world_says(hello);
    const struct holm_member_row *row = holm_members_find(members, heard.actor.node);
    if (world_same_founding(world, members, &heard.founding))
        heard.founding = members->founding;
    if ((world->rules & WORLD_ANY_STORE) != 0 && row != NULL)
        heard.state = row->state;
    return heard;
}

bool world_may_merge(const struct world *world, const struct holm_members *members,
                     const struct world_message *hello)
{
    struct holm_heard heard = heard_by(world, members, hello);
    return (world->rules & WORLD_MERGE_ANY) != 0 || holm_admission_may_merge(members, &heard);
}

bool world_beyond(const struct world *world, int node, const struct world_state *other)
{
    struct holm_stable_self self = world_self(world, node);
    return (world->rules & WORLD_MERGE_BEYOND) == 0 &&
           holm_admission_beyond(&world->nodes[node].stable, &self, holm_vector_view(&other->list));
}

void world_repeat(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    if (!n->confirmed || !holm_members_current(&n->members, n->actor) ||
        world_betrayed(world, node, &n->members) || (world->rules & WORLD_NO_REPEAT) != 0)
        return;
    for (int i = 0; i < world->list_count; i++) {
        const struct holm_member_op *op = &world->list_ops[i].op;
        if (world_set_has(&n->state.hearsay, i) && !world_set_has(&n->state.listed, i) &&
            holm_admission_repeat(&n->members, holm_vector_view(&n->state.list), op))
            world_mint_list(world, node, HOLM_MEMBER_FORGET, op->subject, 0);
    }
}

void world_store(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    struct world_copy *store = &n->store;
    state_copy(&store->state, &n->state);
    store->there = true;
    store->former = n->former;
    store->relied_count = n->stable.relied_count < 8 ? n->stable.relied_count : 8;
    if (store->relied_count > 0)
        memcpy(store->relied, n->stable.relied, store->relied_count * sizeof *store->relied);
}

static void copy_store(struct world_copy *target, const struct world_copy *source)
{
    struct world_state state = target->state;
    *target = *source;
    target->state = state;
    state_copy(&target->state, &source->state);
}

void world_keep(struct world *world, int node)
{
    copy_store(&world->nodes[node].kept, &world->nodes[node].store);
}

void world_swap(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    struct world_copy store = n->store;
    n->store = n->kept;
    n->kept = store;
}

void world_crash(struct world *world, int node)
{
    world->nodes[node].alive = false;
    world->nodes[node].confirmed = false;
    world->nodes[node].held_count = 0;
}

/* The least of its epochs that is not below; 0: that its clock gives. */
static void take_epoch(struct world_node *n, uint64_t least)
{
    uint64_t epoch = least != 0 ? least : n->clock;
    while (epoch % n->stride != n->phase)
        epoch += 1;
    n->actor.epoch.value = epoch;
    n->clock = epoch >= n->clock ? epoch + 1 : n->clock;
}

int world_clone(struct world *world, int node)
{
    if (world->node_count == WORLD_NODES)
        must(HOLM_ELIMIT);
    int at = world->node_count++;
    struct world_node *n = &world->nodes[node];
    struct world_node *clone = &world->nodes[at];
    node_init(world, clone, n->actor);
    clone->stride = n->stride = 2;
    clone->phase = 1;
    clone->clock = n->clock;
    copy_store(&clone->store, &n->store);
    return at;
}

void world_end(struct world *world, int node)
{
    world_crash(world, node);
    world->nodes[node].gone = true;
    for (int i = 0; i < world->node_count; i++)
        world->nodes[i].heard[node].type = WORLD_NONE;
}

void world_start(struct world *world, int node, bool from_store, uint64_t clock)
{
    struct world_node *n = &world->nodes[node];
    struct world_state empty;
    state_init(&empty, &world->allocator);
    state_copy(&n->state, from_store ? &n->store.state : &empty);
    state_release(&empty);
    memset(&n->state.hearsay, 0, sizeof n->state.hearsay);
    n->alive = true;
    n->confirmed = n->returning = n->outlived = false;
    n->asked = n->defers = (struct holm_actor){0};
    n->in_vain = false;
    for (int i = 0; i < WORLD_NODES; i++)
        n->heard[i].type = WORLD_NONE;
    n->former = from_store ? n->store.former : (struct holm_epoch){0};
    take_epoch(n, clock);
    holm_stable_release(&n->stable);
    holm_stable_init(&n->stable, &world->allocator);
    for (size_t i = 0; from_store && i < n->store.relied_count; i++)
        must(holm_stable_rely_on(&n->stable, n->store.relied[i]));
    world_members(world, node);
    world_tell_least(world, node, node);
    n->hash = holm_vector_hash(holm_vector_view(&n->state.r),
                               holm_members_lasts(&n->members, WORLD_PARTITION), 1);
}

/* The answer as a rule left out would have it. */
static enum holm_answer answer(struct world *world, int member, const struct holm_heard *asking)
{
    const struct world_node *m = &world->nodes[member];
    struct holm_stable_self self = world_self(world, member);
    struct holm_actor former = {asking->actor.node, asking->former};
    const struct holm_member_row *row = holm_members_find(&m->members, former.node);
    enum holm_answer honest = holm_admission_answer(&m->stable, &self, asking);
    uint64_t rules = world->rules;
    bool forgotten = holm_admission_replaces(&m->members, former);
    if ((rules & WORLD_RETURN_BY_ROW) != 0)
        forgotten = row != NULL && row->forgotten;
    if (forgotten && (rules & WORLD_RETURN_ANYWHERE) != 0)
        return HOLM_ANSWER_REPLACE;
    if (forgotten && (rules & WORLD_DISOWN_STATE) != 0 && honest == HOLM_ANSWER_FORGET)
        return holm_admission_may_return(&m->stable, &self, former) ? HOLM_ANSWER_REPLACE
                                                                    : HOLM_ANSWER_LATER;
    if (!forgotten && (rules & WORLD_MERGE_ANY) != 0)
        return HOLM_ANSWER_MERGE;
    return honest;
}

/* An epoch that was admitted by one is not admitted by another, and does not found. */
static void ask_as_another(const struct world *world, struct world_node *n)
{
    if (n->asked.node.value != 0 && (world->rules & WORLD_ASK_ANYONE) == 0)
        take_epoch(n, 0);
    n->defers = (struct holm_actor){0};
}

void world_tell_least(struct world *world, int from, int to)
{
    struct world_node *n = &world->nodes[to];
    const struct holm_members *members = &world->nodes[from].members;
    uint64_t least = holm_members_epoch_min(members, n->actor.node).value;
    if (n->confirmed || holm_members_current(members, n->actor) || n->actor.epoch.value >= least ||
        (world->rules & WORLD_ANY_EPOCH) != 0)
        return;
    take_epoch(n, least > n->clock ? least : 0);
    n->asked = n->defers = (struct holm_actor){0};
    n->in_vain = false;
}

bool world_admit(struct world *world, int member, int node)
{
    const struct holm_epoch none = {0};
    struct world_node *m = &world->nodes[member];
    struct world_node *n = &world->nodes[node];
    struct world_message hello;
    if (!m->alive || !m->confirmed || !n->alive || n->confirmed ||
        world_is_of(world, member, n->actor))
        return false;
    world_introduce(world, node, &hello);
    hello.state = n->state; /* borrowed */
    struct holm_heard asking = heard_by(world, &m->members, &hello);
    enum holm_answer answered = answer(world, member, &asking);
    if (answered == HOLM_ANSWER_FORGET)
        world_disown(world, member, node);
    if (answered != HOLM_ANSWER_MERGE && answered != HOLM_ANSWER_REPLACE)
        return false;
    if (!holm_actor_equal(n->asked, m->actor))
        ask_as_another(world, n);
    n->asked = m->actor;
    uint64_t least = holm_members_epoch_min(&m->members, n->actor.node).value;
    if (n->actor.epoch.value < least && (world->rules & WORLD_ANY_EPOCH) == 0) {
        take_epoch(n, least > n->clock ? least : 0);
    }
    n->returning = answered == HOLM_ANSWER_REPLACE && (world->rules & WORLD_RETURN_BY_MERGE) == 0;
    n->admitter = m->actor;
    world_mint_admission(world, member, node, n->returning ? none : n->former);
    return true;
}

bool world_join(struct world *world, int node, int member)
{
    int message = world_send(world, WORLD_CUT, member, node);
    return message >= 0 && world_deliver(world, message) && world->nodes[node].confirmed;
}

void world_introduce(const struct world *world, int node, struct world_message *message)
{
    const struct world_node *n = &world->nodes[node];
    struct holm_actor former = {n->actor.node, n->former};
    message->from = n->actor;
    message->from_at = node;
    message->former = n->former;
    message->hash = n->hash;
    message->confirmed = n->confirmed;
    message->founding = n->members.founding;
    message->defers = n->defers;
    message->lost = holm_admission_replaces(&n->members, former) ||
                    (world_betrayed(world, node, &n->members) &&
                     (world->rules & WORLD_NO_BETRAYAL) == 0);
}

struct holm_heard world_says(const struct world_message *hello)
{
    return (struct holm_heard){.actor = hello->from,
                               .former = hello->former,
                               .state = hello->hash,
                               .confirmed = hello->confirmed,
                               .defers = hello->defers,
                               .lost = hello->lost,
                               .founding = hello->founding,
                               .partition = holm_vector_view(&hello->state.r),
                               .list = holm_vector_view(&hello->state.list)};
}

void world_meet(struct world *world, int node)
{
    for (int i = 0; i < world->node_count; i++)
        (void)world_tell(world, WORLD_HELLO, i, node);
}

/* With WORLD_CONFIRM_ALONE, a listed epoch that lives is as good as one that has restarted. */
static void hear_others(const struct world *world, int node, struct holm_heard *heard,
                        size_t *count)
{
    const struct world_node *n = &world->nodes[node];
    for (int i = 0; i < world->node_count; i++) {
        if (n->heard[i].type == WORLD_NONE)
            continue;
        heard[*count] = heard_by(world, &n->members, &n->heard[i]);
        if (world->hasty)
            heard[*count].defers = n->actor;
        if ((world->rules & WORLD_CONFIRM_ALONE) != 0) {
            heard[*count].actor.epoch.value += 1000;
            heard[*count].defers = n->actor;
            heard[*count].confirmed = false;
        }
        *count += 1;
    }
}

/* Whether its own state is one to found on. */
static bool has_good_state(const struct world *world, int node)
{
    const struct world_node *n = &world->nodes[node];
    struct holm_actor former = {n->actor.node, n->former};
    struct world_message own;
    world_introduce(world, node, &own);
    own.state = n->state; /* borrowed */
    return !holm_admission_replaces(&n->members, former) && !own.lost &&
           world_may_merge(world, &n->members, &own);
}

static bool any_void(const struct holm_members *members)
{
    for (size_t i = 0; i < members->forget_count; i++) {
        if (!members->forgets[i].stands)
            return true;
    }
    return false;
}

void world_defer(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    struct holm_heard heard[WORLD_NODES];
    size_t count = 0;
    struct holm_stable_self self = world_self(world, node);
    if (n->confirmed)
        return;
    hear_others(world, node, heard, &count);
    if ((world->rules & WORLD_NO_DOUBT) == 0 &&
        ((world->rules & WORLD_NO_VOID_SHARING) == 0 || !any_void(&n->members)))
        must(holm_admission_doubt(&n->stable, &self, heard, count));
    if ((world->rules & WORLD_NO_SHARING) != 0)
        holm_vector_clear(&n->stable.shared);
    bool able = !n->in_vain && has_good_state(world, node) &&
                holm_admission_able(&n->stable, &self, heard, count);
    n->defers = holm_admission_defer(n->actor, n->defers, able, heard, count);
}

static bool is_left_to(const struct world *world, int node)
{
    const struct world_node *n = &world->nodes[node];
    struct holm_heard heard[WORLD_NODES];
    size_t count = 0;
    struct holm_stable_self self = world_self(world, node);
    hear_others(world, node, heard, &count);
    return (world->hasty || holm_actor_equal(n->defers, n->actor)) &&
           holm_admission_left(&n->stable, &self, heard, count);
}

static bool may_confirm_itself(struct world *world, int node, bool founding)
{
    struct holm_heard heard[WORLD_NODES];
    size_t count = 0;
    const struct world_node *n = &world->nodes[node];
    struct holm_stable_self self = world_self(world, node);
    hear_others(world, node, heard, &count);
    return holm_admission_by_itself(&n->stable, &self, heard, count, founding) &&
           has_good_state(world, node);
}

bool world_confirm_itself(struct world *world, int node, bool founding)
{
    struct world_node *n = &world->nodes[node];
    struct world_state before;
    struct holm_actor listed[WORLD_NODES];
    const struct holm_epoch none = {0};
    size_t count = 0;
    if (!n->alive || n->confirmed)
        return false;
    if (!founding && !is_left_to(world, node))
        return false;
    state_init(&before, &world->allocator);
    state_copy(&before, &n->state);
    world_exchange(world, node);
    bool may = may_confirm_itself(world, node, founding);
    if (!may) { /* what was merged may be of the forgotten: it is not kept */
        state_copy(&n->state, &before);
        world_members(world, node);
        n->in_vain = true;
        world_defer(world, node);
    }
    state_release(&before);
    if (!may)
        return false;
    for (size_t i = 0; i < n->members.count && (world->rules & WORLD_CONFIRM_ALONE) == 0; i++) {
        if (!n->members.rows[i].forgotten || (world->rules & WORLD_FOUND_BY_ROW) == 0)
            listed[count++] = n->members.rows[i].actor;
    }
    ask_as_another(world, n);
    world_mint_admission(world, node, node, none);
    for (size_t i = 0; i < count; i++)
        world_mint_list(world, node, HOLM_MEMBER_FORGET, listed[i], 0);
    world_confirm(world, node);
    return true;
}

void world_forget(struct world *world, int member, int node)
{
    const struct holm_member_row *row = holm_members_find(&world->nodes[member].members,
                                                          world->nodes[node].actor.node);
    world_mint_list(world, member, HOLM_MEMBER_FORGET, row->actor, 0);
}

void world_disown(struct world *world, int member, int node)
{
    const struct world_node *n = &world->nodes[node];
    struct holm_actor former = {n->actor.node, n->former};
    if ((world->rules & WORLD_DISOWN_STATE) == 0)
        former = holm_admission_disowned(&world->nodes[member].members, former);
    world_mint_list(world, member, HOLM_MEMBER_FORGET, former, 0);
}

void world_give_up(struct world *world, int member, int node)
{
    if (world_same_founding(world, &world->nodes[member].members,
                            &world->nodes[node].members.founding))
        world_disown(world, member, node);
    struct world_node *n = &world->nodes[node];
    struct world_set hearsay = n->state.hearsay;
    struct holm_vector shared;
    holm_vector_init(&shared, &world->allocator);
    must(holm_vector_assign(&shared, holm_vector_view(&n->stable.shared)));
    world_store(world, node);
    world_crash(world, node);
    world_start(world, node, true, 0);
    n->state.hearsay = hearsay; /* the program goes on */
    must(holm_vector_assign(&n->stable.shared, holm_vector_view(&shared)));
    holm_vector_release(&shared);
    world_members(world, node);
}

bool world_lost(struct world *world, int node, int member)
{
    struct holm_stable_self self = world_self(world, node);
    struct holm_members theirs = world->nodes[member].members; /* borrowed */
    if (world_same_founding(world, self.members, &theirs.founding))
        theirs.founding = self.members->founding;
    return world->nodes[node].outlived || world_betrayed(world, node, self.members) ||
           holm_admission_lost(&world->nodes[node].stable, &self, &theirs,
                               holm_vector_view(&world->nodes[member].state.list));
}
