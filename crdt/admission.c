/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/admission.h"

bool holm_admission_may_apply(const struct holm_members *theirs, struct holm_actor self,
                              struct holm_vector_view list)
{
    return holm_members_current(theirs, self) && holm_members_admitted_in(theirs, self, list);
}

bool holm_admission_by_cut(const struct holm_stable_self *self, struct holm_vector_view partition,
                           struct holm_vector_view list)
{
    struct holm_vector_view none = {NULL, 0};
    return holm_members_current(self->members, self->actor) &&
           holm_vector_covers(self->partition, partition,
                              holm_members_lasts(self->members, self->number)) &&
           holm_vector_covers(self->list, list, none);
}

/* Whether `list` has operations of epochs that have ended by `members` and that `known` has not. */
static bool beyond(const struct holm_members *members, struct holm_vector_view known,
                   struct holm_vector_view list)
{
    for (size_t i = 0; i < list.count; i++) {
        if (holm_members_ended(members, list.entries[i].actor) &&
            !holm_vector_has(known, list.entries[i]))
            return true;
    }
    return false;
}

bool holm_admission_beyond(const struct holm_stable *stable, const struct holm_stable_self *self,
                           struct holm_vector_view list)
{
    struct holm_vector_view shared = holm_vector_view(&stable->shared);
    for (size_t i = 0; i < list.count; i++) {
        if (holm_stable_relied(stable, self->members, list.entries[i].actor) &&
            !holm_vector_has(self->list, list.entries[i]) &&
            !holm_vector_has(shared, list.entries[i]))
            return true;
    }
    return false;
}

static bool same_founding(const struct holm_members *members, const struct holm_founding *founding)
{
    return holm_founding_compare(&members->founding, founding) == 0;
}

/* What it has of the forgotten is not from beyond. */
static enum holm_status share(struct holm_stable *stable, const struct holm_members *members,
                              struct holm_vector_view list)
{
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; status == HOLM_OK && i < list.count; i++) {
        if (holm_stable_relied(stable, members, list.entries[i].actor))
            status = holm_vector_raise(&stable->shared, list.entries[i].actor, list.entries[i].seq);
    }
    return status;
}

/* Whether a list has all forgets that are known here, be it by hearsay. */
static bool has_forgets(const struct holm_members *members, struct holm_vector_view list)
{
    for (size_t i = 0; i < members->forget_count; i++) {
        if (!holm_vector_has(list, members->forgets[i].dot))
            return false;
    }
    return true;
}

static bool any_void(const struct holm_members *members)
{
    for (size_t i = 0; i < members->forget_count; i++) {
        if (!members->forgets[i].stands)
            return true;
    }
    return false;
}

enum holm_status holm_admission_doubt(struct holm_stable *stable,
                                      const struct holm_stable_self *self,
                                      const struct holm_heard *heard, size_t count)
{
    enum holm_status status = HOLM_OK;
    bool voids = any_void(self->members);
    for (size_t i = 0; status == HOLM_OK && i < count; i++) {
        if (!heard[i].confirmed || (voids && !has_forgets(self->members, heard[i].list)) ||
            !same_founding(self->members, &heard[i].founding) ||
            !holm_members_current(self->members, heard[i].actor))
            continue;
        holm_stable_relent(stable, heard[i].list);
        status = share(stable, self->members, heard[i].list);
    }
    return status;
}

/* Whether nothing of what it has is taken, be it a member or not. */
static bool is_apart(const struct holm_stable *stable, const struct holm_stable_self *self,
                     const struct holm_heard *heard)
{
    struct holm_actor former = {heard->actor.node, heard->former};
    return heard->lost || !same_founding(self->members, &heard->founding) ||
           holm_admission_beyond(stable, self, heard->list) ||
           holm_admission_replaces(self->members, former);
}

bool holm_admission_may_list(const struct holm_stable *stable, const struct holm_stable_self *self,
                             const struct holm_heard *of)
{
    return !of->confirmed && !is_apart(stable, self, of);
}

bool holm_admission_may_merge(const struct holm_members *members, const struct holm_heard *of)
{
    const struct holm_member_row *row = holm_members_find(members, of->actor.node);
    if (of->former.value == 0)
        return true;
    if (row == NULL || of->lost || !same_founding(members, &of->founding))
        return false;
    return row->actor.epoch.value == of->former.value ||
           (row->base.value == of->former.value && row->state == of->state);
}

/* Whether the state of another provisional epoch will be replaced, whatever it is. */
static bool gives_way(const struct holm_stable *stable, const struct holm_stable_self *self,
                      const struct holm_heard *heard)
{
    return is_apart(stable, self, heard) ||
           (!heard->confirmed && !holm_admission_may_merge(self->members, heard));
}

/* What was heard of a node under a later epoch than the list's, or under that one but provisional. */
static const struct holm_heard *restarted(const struct holm_member_row *row,
                                          const struct holm_heard *heard, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (heard[i].actor.node.value == row->actor.node.value &&
            heard[i].actor.epoch.value + !heard[i].confirmed > row->actor.epoch.value)
            return &heard[i];
    }
    return NULL;
}

/* Whether it is a member, as far as is known here, who can admit others. */
static bool is_asked(const struct holm_stable *stable, const struct holm_stable_self *self,
                     const struct holm_heard *heard)
{
    return heard->confirmed && !holm_members_ended(self->members, heard->actor) &&
           !holm_admission_beyond(stable, self, heard->list);
}

bool holm_admission_able(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_heard *heard, size_t count)
{
    const struct holm_member_row *own = holm_members_find(self->members, self->actor.node);
    if (own == NULL || own->forgotten || own->actor.epoch.value > self->actor.epoch.value)
        return false;
    for (size_t i = 0; i < count; i++) {
        int order = holm_founding_compare(&heard[i].founding, &self->members->founding);
        if (heard[i].lost)
            continue; /* it starts anew; if it is listed, that is waited for */
        if (order > 0 || (order == 0 && is_asked(stable, self, &heard[i])))
            return false;
    }
    for (size_t i = 0; i < self->members->count; i++) {
        const struct holm_member_row *row = &self->members->rows[i];
        if (row != own && !row->forgotten && restarted(row, heard, count) == NULL)
            return false;
    }
    return true;
}

struct holm_actor holm_admission_defer(struct holm_actor self, struct holm_actor present, bool able,
                                       const struct holm_heard *heard, size_t count)
{
    struct holm_actor lowest = {{0}, {0}};
    if (able)
        lowest = self;
    for (size_t i = 0; i < count; i++) {
        if (heard[i].confirmed || !holm_actor_equal(heard[i].defers, heard[i].actor))
            continue;
        if (holm_actor_equal(heard[i].actor, present))
            return present;
        if (lowest.epoch.value == 0 || heard[i].actor.node.value < lowest.node.value)
            lowest = heard[i].actor;
    }
    return lowest;
}

/* What was heard of a listed node whose state is to be part of what is founded, or NULL. */
static const struct holm_heard *to_be_merged(const struct holm_stable *stable,
                                             const struct holm_stable_self *self,
                                             const struct holm_member_row *row,
                                             const struct holm_heard *heard, size_t count)
{
    const struct holm_heard *other = restarted(row, heard, count);
    if (row->actor.node.value == self->actor.node.value || row->forgotten || other == NULL)
        return NULL;
    return gives_way(stable, self, other) ? NULL : other;
}

bool holm_admission_left(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_heard *heard, size_t count)
{
    if (!holm_admission_able(stable, self, heard, count))
        return false;
    for (size_t i = 0; i < self->members->count; i++) {
        const struct holm_heard *other = to_be_merged(stable, self, &self->members->rows[i], heard,
                                                      count);
        if (other != NULL && !holm_actor_equal(other->defers, self->actor))
            return false;
    }
    return true;
}

/* Whether the lists of all that it takes lists from are here: which states are to be merged is told by these. */
static bool has_lists(const struct holm_stable *stable, const struct holm_stable_self *self,
                      const struct holm_heard *heard, size_t count)
{
    struct holm_vector_view none = {NULL, 0};
    for (size_t i = 0; i < count; i++) {
        if (holm_admission_may_list(stable, self, &heard[i]) &&
            !holm_vector_covers(self->list, heard[i].list, none))
            return false;
    }
    return true;
}

bool holm_admission_by_itself(const struct holm_stable *stable, const struct holm_stable_self *self,
                              const struct holm_heard *heard, size_t count, bool founding)
{
    struct holm_vector_view lasts = holm_members_lasts(self->members, self->number);
    if (holm_members_find(self->members, self->actor.node) == NULL)
        return founding && self->members->count == 0;
    if (!holm_admission_left(stable, self, heard, count) || !has_lists(stable, self, heard, count))
        return false;
    for (size_t i = 0; i < self->members->count; i++) {
        const struct holm_heard *other = to_be_merged(stable, self, &self->members->rows[i], heard,
                                                      count);
        if (other != NULL && !holm_vector_covers(self->partition, other->partition, lasts))
            return false;
    }
    return true;
}

/* Whether all that any member reported is here. */
static bool has_all_reported(const struct holm_stable *stable, const struct holm_stable_self *self,
                             struct holm_node_id but)
{
    for (size_t i = 0; i < stable->count; i++) {
        const struct holm_report *report = &stable->reports[i];
        if (report->member.node.value != but.value &&
            holm_members_current(self->members, report->member) &&
            !holm_vector_covers(self->partition, holm_vector_view(&report->partition),
                                holm_members_lasts(self->members, self->number)))
            return false;
    }
    return true;
}

bool holm_admission_may_return(const struct holm_stable *stable,
                               const struct holm_stable_self *self, struct holm_actor former)
{
    return holm_members_current(self->members, self->actor) &&
           holm_stable_gone(stable, self, former) && has_all_reported(stable, self, former.node);
}

struct holm_actor holm_admission_disowned(const struct holm_members *members,
                                          struct holm_actor former)
{
    const struct holm_member_row *row = holm_members_find(members, former.node);
    return row != NULL && row->actor.epoch.value > former.epoch.value ? row->actor : former;
}

/* Whether the listed epoch may have brought to others what the former one alone had: it went on with that state. */
static bool went_on(const struct holm_members *members, struct holm_actor former)
{
    const struct holm_member_row *row = holm_members_find(members, former.node);
    return row != NULL && row->actor.epoch.value > former.epoch.value && row->base.value != 0;
}

static enum holm_answer answer_replaced(const struct holm_stable *stable,
                                        const struct holm_stable_self *self,
                                        const struct holm_heard *asking)
{
    const struct holm_members *members = self->members;
    struct holm_actor former = {asking->actor.node, asking->former};
    struct holm_actor listed = holm_admission_disowned(members, former);
    bool may;
    if (holm_members_forgotten(members, listed))
        return holm_admission_may_return(stable, self, listed) ? HOLM_ANSWER_REPLACE
                                                               : HOLM_ANSWER_LATER;
    if (holm_members_forgotten(members, former))
        may = !went_on(members, former) && holm_admission_may_return(stable, self, former);
    else
        may = holm_vector_covers(self->partition, asking->partition,
                                 holm_members_lasts(members, self->number));
    return may ? HOLM_ANSWER_REPLACE : HOLM_ANSWER_FORGET;
}

enum holm_answer holm_admission_answer(const struct holm_stable *stable,
                                       const struct holm_stable_self *self,
                                       const struct holm_heard *asking)
{
    const struct holm_members *members = self->members;
    struct holm_actor former = {asking->actor.node, asking->former};
    if (asking->confirmed || !holm_members_current(members, self->actor))
        return HOLM_ANSWER_LATER;
    if (former.epoch.value == 0)
        return HOLM_ANSWER_MERGE;
    if (!same_founding(members, &asking->founding) &&
        !holm_vector_has(asking->list, members->founding.dot))
        return HOLM_ANSWER_REPLACE;
    if (!holm_admission_replaces(members, former) && holm_admission_may_merge(members, asking))
        return HOLM_ANSWER_MERGE;
    return answer_replaced(stable, self, asking);
}

bool holm_admission_lost(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_members *theirs, struct holm_vector_view list)
{
    int order = holm_founding_compare(&theirs->founding, &self->members->founding);
    if (!holm_members_current(self->members, self->actor) ||
        holm_stable_betrayed(stable, self->members))
        return true;
    if (order != 0)
        return order > 0;
    return !holm_members_current(theirs, self->actor) && beyond(theirs, list, self->list);
}

bool holm_admission_take_list(const struct holm_members *members, struct holm_actor writer,
                              struct holm_actor sender, const struct holm_founding *founding)
{
    if (holm_members_current(members, sender))
        return true;
    return same_founding(members, founding) && !holm_members_ended(members, sender) &&
           !holm_members_ended(members, writer);
}

bool holm_admission_hearsay(const struct holm_members *members, struct holm_actor self,
                            const struct holm_member_op *op)
{
    if (op->type != HOLM_MEMBER_FORGET)
        return false;
    if (holm_members_covers(op->subject, self) || op->dot.actor.node.value == self.node.value)
        return true;
    for (size_t i = 0; i < members->forget_count; i++) {
        const struct holm_member_forget *forget = &members->forgets[i];
        if (holm_members_covers(forget->subject, op->dot.actor) &&
            holm_members_covers(op->subject, forget->dot.actor))
            return true;
    }
    return false;
}

bool holm_admission_repeat(const struct holm_members *members, struct holm_vector_view list,
                           const struct holm_member_op *op)
{
    const struct holm_member_row *row = holm_members_find(members, op->subject.node);
    bool stands = false;
    if (row == NULL || !holm_members_covers(op->subject, row->actor))
        return false;
    for (size_t i = 0; i < members->forget_count; i++) {
        const struct holm_member_forget *forget = &members->forgets[i];
        if (!forget->stands || !holm_members_covers(forget->subject, row->actor))
            continue;
        if (holm_vector_has(list, forget->dot))
            return false;
        stands = stands || (holm_actor_equal(forget->dot.actor, op->dot.actor) &&
                            forget->dot.seq == op->dot.seq);
    }
    return stands;
}
