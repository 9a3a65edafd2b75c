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

/* Whether a listed node lives under a later epoch, all of whose operations are here. */
static bool restarted(const struct holm_stable_self *self, const struct holm_member_row *row,
                      const struct holm_heard *heard, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (heard[i].actor.node.value == row->actor.node.value &&
            heard[i].actor.epoch.value > row->actor.epoch.value &&
            holm_vector_covers(self->partition, heard[i].partition,
                               holm_members_lasts(self->members, self->number)))
            return true;
    }
    return false;
}

bool holm_admission_by_itself(const struct holm_stable_self *self, const struct holm_heard *heard,
                              size_t count, bool founding)
{
    if (holm_members_find(self->members, self->actor.node) == NULL)
        return founding && self->members->count == 0;
    for (size_t i = 0; i < self->members->count; i++) {
        const struct holm_member_row *row = &self->members->rows[i];
        if (row->actor.node.value == self->actor.node.value) {
            if (row->forgotten || row->actor.epoch.value > self->actor.epoch.value)
                return false;
        } else if (!row->forgotten && !restarted(self, row, heard, count)) {
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

/* Whether what this epoch builds on was written by the forgotten, and others do without it. */
static bool stranded(const struct holm_stable_self *self, const struct holm_members *theirs,
                     struct holm_vector_view list)
{
    if (holm_members_current(theirs, self->actor))
        return false;
    for (size_t i = 0; i < self->list.count; i++) {
        const struct holm_dot *entry = &self->list.entries[i];
        if (holm_members_forgotten(theirs, entry->actor) && !holm_vector_has(list, *entry))
            return true;
    }
    return false;
}

bool holm_admission_lost(const struct holm_stable *stable, const struct holm_stable_self *self,
                         const struct holm_members *theirs, struct holm_vector_view list)
{
    return !holm_members_current(self->members, self->actor) ||
           holm_stable_betrayed(stable, self->members) || stranded(self, theirs, list);
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
