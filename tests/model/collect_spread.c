/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/collect_state.h"

/* ---- runs */

static const struct holm_dot *last_dot(const struct world *world, const struct world_run *run)
{
    return &world->ops[run->first + run->count - 1].dot;
}

static bool is_old(const struct world *world, const struct world_node *n,
                   const struct world_run *run)
{
    return holm_vector_has(holm_vector_view(&n->state.r), *last_dot(world, run));
}

static bool is_next(const struct world *world, const struct world_node *n,
                    const struct world_run *run)
{
    const struct world_op *first = &world->ops[run->first];
    return holm_vector_seq(holm_vector_view(&n->state.r), run->actor) + 1 == first->dot.seq &&
           world_set_covers(&n->state.applied, &first->past);
}

static void hear_collected(struct world *world, int node, const struct world_run *run)
{
    struct world_node *n = &world->nodes[node];
    struct holm_vector_view none = {NULL, 0};
    if (holm_vector_covers(holm_vector_view(&n->state.s), holm_vector_view(&run->collected), none))
        return;
    world_rely(world, node);
    state_grow(world, &n->state, holm_vector_view(&run->collected));
}

static void apply_run(struct world *world, int node, const struct world_run *run)
{
    struct world_node *n = &world->nodes[node];
    hear_collected(world, node, run);
    for (int i = 0; i < run->count; i++)
        state_apply(world, &n->state, run->first + i);
    must(holm_vector_raise(&n->state.r, run->actor, last_dot(world, run)->seq));
}

static bool takes(const struct world *world, int node, struct holm_actor writer,
                  struct holm_actor sender, enum holm_way way)
{
    return (world->rules & WORLD_NO_FENCE) != 0 ||
           holm_members_take(&world->nodes[node].members, writer, sender, way);
}

/* Whether the others have given this epoch up; it takes nothing more of theirs. */
static bool outlived(struct world_node *n, const struct holm_vector *collected)
{
    if (n->confirmed && holm_admission_outlived(n->actor, holm_vector_view(collected)))
        n->outlived = true;
    return n->outlived;
}

/* Held runs of epochs that have ended go; those that have become causal are applied. */
static void drain(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    for (bool again = true; again;) {
        again = false;
        for (size_t i = 0; i < n->held_count && !again; i++) {
            const struct world_run *run = &world->runs[n->held[i]];
            bool taken = takes(world, node, run->actor, run->actor, HOLM_WAY_BROADCAST) ||
                         (world->rules & WORLD_NO_PURGE) != 0;
            if (taken && !is_old(world, n, run) && !is_next(world, n, run))
                continue;
            if (taken && !is_old(world, n, run) && !outlived(n, &run->collected))
                apply_run(world, node, run);
            n->held[i] = n->held[--n->held_count];
            again = true;
        }
    }
}

/* A provisional epoch knows fences that are as old as its store: it takes nothing but the cut that
 * confirms it. */
static bool hears(const struct world *world, const struct world_node *n)
{
    return n->confirmed || (world->rules & (WORLD_PROVISIONAL_HEARS | WORLD_ADMIT_ANYWHERE)) != 0;
}

void world_broadcast(struct world *world, int run, int to)
{
    struct world_node *n = &world->nodes[to];
    const struct world_run *r = &world->runs[run];
    if (!n->alive || !hears(world, n) || holm_actor_equal(r->actor, n->actor) ||
        !takes(world, to, r->actor, r->actor, HOLM_WAY_BROADCAST))
        return;
    if ((world->rules & WORLD_TELL_ON_RECEIPT) != 0)
        hear_collected(world, to, r);
    if (!is_old(world, n, r) && n->held_count < WORLD_ITEMS)
        n->held[n->held_count++] = run;
    drain(world, to);
}

int world_last_run(const struct world *world, int node)
{
    for (int i = world->run_count - 1; i >= 0; i--) {
        if (world_is_of(world, node, world->runs[i].actor))
            return i;
    }
    return -1;
}

/* ---- messages */

int world_send(struct world *world, enum world_message_type type, int from, int to)
{
    const struct world_node *n = &world->nodes[from];
    if (!n->alive || !world->nodes[to].alive || world_is_of(world, from, world->nodes[to].actor))
        return -1;
    if (!n->confirmed && type != WORLD_LIST && type != WORLD_HELLO &&
        !(type == WORLD_CUT && !world->nodes[to].confirmed))
        return -1;
    struct holm_actor former = {n->actor.node, n->former};
    if (type != WORLD_LIST && type != WORLD_HELLO && holm_admission_replaces(&n->members, former))
        return -1; /* who knows that it is forgotten gives nothing away */
    for (int i = 0; i < WORLD_MESSAGES; i++) {
        struct world_message *message = &world->messages[i];
        if (message->type != WORLD_NONE)
            continue;
        message->type = type;
        world_introduce(world, from, message);
        message->to = world->nodes[to].actor;
        message->to_at = to;
        state_copy(&message->state, &n->state);
        return i;
    }
    return -1;
}

int world_send_passed(struct world *world, int from, int of, int to)
{
    const struct holm_stable *stable = &world->nodes[from].stable;
    const struct holm_report *report = NULL;
    for (size_t i = 0; i < stable->count; i++) {
        if (world_is_of(world, of, stable->reports[i].member))
            report = &stable->reports[i];
    }
    if (report == NULL || of == to || !world->nodes[from].confirmed)
        return -1;
    int at = world_send(world, WORLD_PASSED, from, to);
    if (at < 0)
        return -1;
    struct world_message *message = &world->messages[at];
    message->about = report->member;
    must(holm_vector_assign(&message->state.r, holm_vector_view(&report->partition)));
    must(holm_vector_assign(&message->state.list, holm_vector_view(&report->list)));
    return at;
}

/* As replica_report.c takes it: a member's, from a member, by a member. */
static bool may_pass(const struct world *world, int to, const struct world_message *message)
{
    const struct world_node *n = &world->nodes[to];
    return (world->rules & (WORLD_NO_FENCE | WORLD_NO_EPOCH)) != 0 ||
           (n->confirmed && holm_members_current(&n->members, message->about));
}

static bool take_report(struct world *world, int to, const struct world_message *message)
{
    struct world_node *n = &world->nodes[to];
    struct holm_actor about = message->type == WORLD_PASSED ? message->about : message->from;
    struct world_raw *raw = &n->raw[about.node.value - 1];
    raw->actor = about;
    must(holm_vector_assign(&raw->r, holm_vector_view(&message->state.r)));
    must(holm_vector_assign(&raw->list, holm_vector_view(&message->state.list)));
    bool highest = (world->rules & WORLD_HIGHEST_REPORT) != 0;
    must(holm_stable_hear(&n->stable, highest ? NULL : &n->members, about,
                          holm_vector_view(&message->state.r),
                          holm_vector_view(&message->state.list)));
    return true;
}

/* Operations of the list that are new, as far as they may be taken and their causes are. */
static void take_list(struct world *world, int to, const struct world_message *message,
                      bool as_member)
{
    struct world_node *n = &world->nodes[to];
    bool same = world_same_founding(world, &n->members, &message->founding);
    for (int i = 0; i < world->list_count; i++) {
        const struct world_list_op *op = &world->list_ops[i];
        if (!world_set_has(&message->state.listed, i) || world_set_has(&n->state.listed, i) ||
            !world_set_covers(&n->state.listed, &op->past))
            continue;
        if (!as_member && (world->rules & WORLD_NO_LIST_FENCE) == 0 &&
            !holm_admission_take_list(&n->members, op->op.dot.actor, message->from,
                                      same ? &n->members.founding : &message->founding))
            continue;
        world_learn(world, to, i);
    }
    drain(world, to);
}

static bool tells_of(const struct world *world, const struct world_message *message, int list_op)
{
    return world_set_has(&message->state.listed, list_op) ||
           (world_set_has(&message->state.hearsay, list_op) &&
            (world->rules & WORLD_NO_REPEAT) == 0);
}

static void hear(struct world_node *n, int list_op, const struct holm_founding *founding)
{
    world_set_add(&n->state.hearsay, list_op);
    n->told[list_op] = *founding;
}

/* From whomever: that the receiver itself is forgotten; and a forget that is the answer to another.
 * Without that, two that forgot each other would never find out. It is passed on. */
static void take_hearsay(struct world *world, int to, const struct world_message *message)
{
    struct world_node *n = &world->nodes[to];
    if (n->members.founding.generation != 0 &&
        !world_same_founding(world, &n->members, &message->founding))
        return;
    for (int i = 0; i < world->list_count; i++) {
        if (!tells_of(world, message, i) || world_set_has(&n->state.listed, i) ||
            !holm_admission_hearsay(&n->members, n->actor, &world->list_ops[i].op))
            continue;
        hear(n, i, &message->founding);
        must(holm_members_apply(&n->members, &world->list_ops[i].op));
    }
    world_repeat(world, to);
    drain(world, to);
}

static bool take_hello(struct world *world, int to, const struct world_message *message)
{
    struct world_message *heard = &world->nodes[to].heard[message->from_at];
    if (heard->type != WORLD_NONE && message->from.epoch.value < heard->from.epoch.value)
        return false;
    struct world_state state = heard->state;
    if (heard->type == WORLD_NONE || !holm_actor_equal(heard->from, message->from))
        world->nodes[to].in_vain = false;
    *heard = *message;
    heard->type = WORLD_HELLO;
    heard->state = state;
    state_copy(&heard->state, &message->state);
    world_tell_least(world, message->from_at, to);
    world_defer(world, to);
    return true;
}

/* An answer to a pull: the runs that were there when it was given, in causal order. */
static bool take_runs(struct world *world, int to, const struct world_message *message)
{
    struct world_node *n = &world->nodes[to];
    for (int i = 0; i < world->run_count; i++) {
        const struct world_run *run = &world->runs[i];
        if (!world_set_has(&message->state.applied, run->first) || is_old(world, n, run) ||
            !is_next(world, n, run) ||
            !takes(world, to, run->actor, message->from, HOLM_WAY_LINK) ||
            outlived(n, &run->collected))
            continue;
        apply_run(world, to, run);
    }
    drain(world, to);
    return true;
}

/* Whether a key that was known here has gone from the cut: it was removed there, or was buried, and
 * the tombstone collected. Nothing tells which. */
static bool has_gone(const struct world *world, const struct world_state *here,
                     const struct world_state *cut, int key)
{
    bool known = false;
    for (int i = 0; i < world->op_count; i++)
        known = known || (world->ops[i].what.key == key && world_set_has(&here->applied, i) &&
                          world_set_has(&cut->applied, i));
    for (size_t i = 0; i < cut->cell_count; i++)
        known = known && world->ops[cut->cells[i]].what.key != key;
    for (size_t i = 0; i < cut->entry_count; i++)
        known = known && !(cut->entries[i].key == key && holm_count_live(&cut->entries[i].count));
    return known;
}

/* Rule 5: all becomes the cut's; own operations that it does not cover are minted anew. */
static void replace(struct world *world, int to, const struct world_message *message)
{
    struct world_node *n = &world->nodes[to];
    struct world_wish journal[16];
    size_t count = 0;
    for (int i = 0; i < world->op_count; i++) {
        const struct world_op *op = &world->ops[i];
        if (!world_set_has(&n->state.applied, i) || world_set_has(&message->state.applied, i))
            continue;
        bool gone = op->what.type != WORLD_BURY &&
                    has_gone(world, &n->state, &message->state, op->what.key) &&
                    (world->rules & WORLD_REMINT_ALL) == 0;
        if (!world_is_of(world, to, op->dot.actor) || gone) {
            world->dropped += 1;
        } else if (count < 16) {
            journal[count++] = op->what;
            world->reminted += 1;
        }
    }
    for (size_t i = 0; i < n->state.journal_count && count < 16; i++)
        journal[count++] = n->state.journal[i];
    state_copy(&n->state, &message->state);
    for (int i = 0; i < world->list_count; i++)
        n->told[i] = message->founding;
    if ((world->rules & WORLD_NO_BRINGING) != 0)
        memset(&n->state.hearsay, 0, sizeof n->state.hearsay);
    memcpy(n->state.journal, journal, sizeof journal);
    n->state.journal_count = count;
    world_members(world, to);
    holm_stable_release(&n->stable);
    holm_stable_init(&n->stable, &world->allocator);
    must(holm_stable_rely(&n->stable, &n->members));
    world->replaced += 1;
}

/* What who had no list heard of other foundings is left behind. */
static void leave_hearsay(struct world *world, int to, const struct holm_founding *founding)
{
    struct world_node *n = &world->nodes[to];
    for (int i = 0; i < world->list_count && (world->rules & WORLD_ANY_HEARSAY) == 0; i++) {
        if (holm_founding_compare(&n->told[i], founding) != 0)
            world_set_remove(&n->state.hearsay, i);
    }
}

/* What the server believes, and is not in its list, is what it has collected by. */
static void bring(struct world *world, int to, const struct world_message *message)
{
    struct world_node *n = &world->nodes[to];
    leave_hearsay(world, to, &message->founding);
    for (int i = 0; i < world->list_count; i++) {
        if (world_set_has(&message->state.hearsay, i) && (world->rules & WORLD_NO_BRINGING) == 0)
            hear(n, i, &message->founding);
    }
    world_members(world, to);
}

static void merge(struct world *world, int to, const struct world_message *message)
{
    struct world_node *n = &world->nodes[to];
    struct holm_vector_view none = {NULL, 0};
    if (!holm_vector_covers(holm_vector_view(&n->state.s), holm_vector_view(&message->state.s),
                            none))
        world_rely(world, to);
    state_merge(world, &n->state, &message->state,
                holm_members_lasts(&n->members, WORLD_PARTITION));
}

/* Whether who sent the cut has ended by its list, and by what is believed besides. */
static bool has_ended(const struct world *world, int to, const struct world_message *message,
                      struct holm_members *theirs)
{
    const struct world_node *n = &world->nodes[to];
    for (int i = 0; i < world->list_count; i++) {
        bool own = !n->returning && world_set_has(&n->state.hearsay, i) &&
                   holm_founding_compare(&n->told[i], &message->founding) == 0;
        if (own || world_set_has(&message->state.hearsay, i))
            must(holm_members_apply(theirs, &world->list_ops[i].op));
    }
    return holm_members_ended(theirs, message->from);
}

/* Whether a provisional epoch may have this cut; what its list comes to is made up first. */
static bool may_apply(struct world *world, int to, const struct world_message *message)
{
    const struct world_node *n = &world->nodes[to];
    struct holm_vector_view list = holm_vector_view(&message->state.list);
    struct holm_members theirs;
    holm_members_init(&theirs, &world->allocator);
    for (int i = 0; i < world->list_count; i++) {
        if (world_set_has(&message->state.listed, i))
            must(holm_members_apply(&theirs, &world->list_ops[i].op));
    }
    bool may = holm_admission_may_apply(&theirs, n->actor, list) &&
               (n->returning || n->former.value == 0 ||
                (world_same_founding(world, &n->members, &message->founding) &&
                 !world_beyond(world, to, &message->state)));
    may = may && !has_ended(world, to, message, &theirs);
    holm_members_release(&theirs);
    return may;
}

/* As if S had come before the list. */
static void note_on_the_way(struct world *world, int to, const struct world_set *believed)
{
    struct holm_members members;
    holm_members_init(&members, &world->allocator);
    for (int i = 0; i < world->list_count; i++) {
        if (world_set_has(believed, i))
            must(holm_members_apply(&members, &world->list_ops[i].op));
    }
    must(holm_stable_rely(&world->nodes[to].stable, &members));
    holm_members_release(&members);
}

static bool take_cut(struct world *world, int to, const struct world_message *message)
{
    struct world_node *n = &world->nodes[to];
    if (n->returning && !holm_actor_equal(message->from, n->admitter) &&
        (world->rules & WORLD_RETURN_ANYWHERE) == 0)
        return false;
    if (outlived(n, &message->state.s))
        return false;
    if (!hears(world, n) && !may_apply(world, to, message))
        return false;
    struct world_set believed = n->state.hearsay;
    bool weak = !n->confirmed && (world->rules & WORLD_CONFIRM_BY_S) != 0;
    if (n->returning)
        replace(world, to, message);
    else if (!n->confirmed)
        bring(world, to, message);
    if (!n->confirmed && (world->rules & WORLD_NOTE_ON_THE_WAY) != 0)
        note_on_the_way(world, to, &believed);
    take_list(world, to, message, true);
    if (!n->returning && !weak)
        merge(world, to, message);
    struct holm_stable_self self = world_self(world, to);
    struct holm_vector_view cut = holm_vector_view(weak ? &message->state.s : &message->state.r);
    bool anywhere = (world->rules & WORLD_ADMIT_ANYWHERE) != 0;
    struct holm_vector_view list = holm_vector_view(anywhere ? &n->state.list
                                                             : &message->state.list);
    if (!n->confirmed && holm_admission_by_cut(&self, cut, list))
        world_confirm(world, to);
    drain(world, to);
    return true;
}

/* Whether the receiver deals with this sender at all. Provisional ones do with each other, when a
 * whole cluster restarts. */
static bool meets(const struct world *world, int to, const struct world_message *message)
{
    const struct world_node *n = &world->nodes[to];
    if ((world->rules & WORLD_NO_FENCE) != 0)
        return true;
    bool fills = !n->confirmed && message->type == WORLD_CUT && (world->rules & WORLD_DEAF) == 0;
    if (holm_members_ended(&n->members, message->from) && !fills)
        return false;
    if (!n->confirmed || message->type == WORLD_LIST || message->type == WORLD_REPORT)
        return true;
    return holm_members_current(&n->members, message->from);
}

bool world_deliver_unread(struct world *world, int at)
{
    if (at < 0)
        return false;
    struct world_message *message = &world->messages[at];
    enum world_message_type type = message->type;
    int to = message->to_at;
    const struct world_node *n = &world->nodes[to];
    message->type = WORLD_NONE;
    if (!n->alive || !holm_actor_equal(n->actor, message->to))
        return false;
    message->type = type;
    bool met = meets(world, to, message);
    message->type = WORLD_NONE;
    if (type == WORLD_LIST && met && hears(world, n))
        take_list(world, to, message, false);
    if (type == WORLD_LIST || type == WORLD_HELLO)
        take_hearsay(world, to, message);
    if (type == WORLD_HELLO)
        return take_hello(world, to, message);
    if (!met || (type == WORLD_RUNS && !hears(world, n)))
        return false;
    if (type == WORLD_REPORT)
        return take_report(world, to, message);
    if (type == WORLD_PASSED) {
        message->type = type;
        bool taken = may_pass(world, to, message) && take_report(world, to, message);
        message->type = WORLD_NONE;
        return taken;
    }
    if (type == WORLD_RUNS)
        return take_runs(world, to, message);
    if (type == WORLD_CUT)
        return take_cut(world, to, message);
    return true;
}

bool world_deliver(struct world *world, int at)
{
    if (at < 0)
        return false;
    const struct world_node *from = &world->nodes[world->messages[at].from_at];
    if (!from->alive || !holm_actor_equal(from->actor, world->messages[at].from)) {
        world->messages[at].type = WORLD_NONE;
        return false;
    }
    return world_deliver_unread(world, at);
}

bool world_tell(struct world *world, enum world_message_type type, int from, int to)
{
    return world_deliver(world, world_send(world, type, from, to));
}

void world_exchange(struct world *world, int node)
{
    struct world_node *n = &world->nodes[node];
    for (int i = 0; i < world->node_count; i++) {
        const struct world_message *heard = &n->heard[i];
        struct holm_actor former = {heard->from.node, heard->former};
        if (heard->type == WORLD_NONE || heard->confirmed || heard->lost ||
            !world_same_founding(world, &n->members, &heard->founding) ||
            holm_admission_replaces(&n->members, former) ||
            world_beyond(world, node, &heard->state))
            continue;
        take_list(world, node, heard, true);
        if (!holm_admission_replaces(&n->members, former) &&
            world_may_merge(world, &n->members, heard))
            merge(world, node, heard);
    }
}
