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

/* Whether `list` has operations of those whom `members` forget that `known` has not. */
static bool beyond(const struct holm_members *members, struct holm_vector_view known,
                   struct holm_vector_view list)
{
    for (size_t i = 0; i < list.count; i++) {
        if (holm_members_forgotten(members, list.entries[i].actor) &&
            !holm_vector_has(known, list.entries[i]))
            return true;
    }
    return false;
}

bool holm_admission_beyond(const struct holm_stable *stable, const struct holm_stable_self *self,
                           struct holm_vector_view list)
{
    for (size_t i = 0; i < list.count; i++) {
        if (holm_stable_relied(stable, self->members, list.entries[i].actor) &&
            !holm_vector_has(self->list, list.entries[i]))
            return true;
    }
    return false;
}

bool holm_admission_may_merge(const struct holm_members *members, struct holm_actor former)
{
    const struct holm_member_row *row = holm_members_find(members, former.node);
    return former.epoch.value == 0 || (row != NULL && (holm_actor_equal(row->actor, former) ||
                                                       row->base.value == former.epoch.value));
}

/* Whether the state of another provisional epoch will be replaced, whatever it is. */
static bool gives_way(const struct holm_stable *stable, const struct holm_stable_self *self,
                      const struct holm_heard *heard)
{
    struct holm_actor former = {heard->actor.node, heard->former};
    return holm_admission_beyond(stable, self, heard->list) ||
           holm_admission_replaces(self->members, former) ||
           (!heard->confirmed && !holm_admission_may_merge(self->members, former));
}

/* Whether a listed node lives under a later epoch, or under one that was never confirmed, and all of its
 * operations are here. */
static bool restarted(const struct holm_stable *stable, const struct holm_stable_self *self,
                      const struct holm_member_row *row, const struct holm_heard *heard,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (heard[i].actor.node.value == row->actor.node.value &&
            heard[i].actor.epoch.value + !heard[i].confirmed > row->actor.epoch.value &&
            (gives_way(stable, self, &heard[i]) ||
             holm_vector_covers(self->partition, heard[i].partition,
                                holm_members_lasts(self->members, self->number))))
            return true;
    }
    return false;
}

bool holm_admission_by_itself(const struct holm_stable *stable, const struct holm_stable_self *self,
                              const struct holm_heard *heard, size_t count, bool founding)
{
    if (holm_members_find(self->members, self->actor.node) == NULL)
        return founding && self->members->count == 0;
    for (size_t i = 0; i < count; i++) {
        if (heard[i].confirmed && !holm_members_ended(self->members, heard[i].actor) &&
            !holm_admission_beyond(stable, self, heard[i].list))
            return false;
    }
    for (size_t i = 0; i < self->members->count; i++) {
        const struct holm_member_row *row = &self->members->rows[i];
        if (row->actor.node.value == self->actor.node.value) {
            if (row->forgotten || row->actor.epoch.value > self->actor.epoch.value)
                return false;
        } else if (!row->forgotten && !restarted(stable, self, row, heard, count)) {
            return false;
        }
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

bool holm_admission_lost(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_members *theirs, struct holm_vector_view list)
{
    return !holm_members_current(self->members, self->actor) ||
           holm_stable_betrayed(stable, self->members) ||
           (!holm_members_current(theirs, self->actor) && beyond(theirs, list, self->list));
}

bool holm_admission_take_list(const struct holm_members *members, struct holm_actor writer,
                              struct holm_actor sender)
{
    if (holm_members_current(members, sender))
        return true;
    return !holm_members_ended(members, sender) && !holm_members_forgotten(members, writer);
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
