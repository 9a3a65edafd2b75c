/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/admission.h"

bool holm_admission_by_cut(const struct holm_stable_self *self, struct holm_vector_view partition,
                           struct holm_vector_view list)
{
    struct holm_vector_view none = {NULL, 0};
    return holm_members_current(self->members, self->actor) &&
           holm_members_admitted_in(self->members, self->actor, list) &&
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
                              size_t count)
{
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

bool holm_admission_may_return(const struct holm_stable *stable,
                               const struct holm_stable_self *self, struct holm_node_id node)
{
    const struct holm_member_row *row = holm_members_find(self->members, node);
    HOLM_ASSERT(row != NULL);
    return holm_members_current(self->members, self->actor) && holm_stable_left(stable, self, row);
}

/* Whether all who admitted the present epoch have ended for others, who do not know that they did. */
static bool stranded(const struct holm_stable_self *self, const struct holm_members *theirs,
                     struct holm_vector_view list)
{
    if (holm_members_admitted_in(self->members, self->actor, list))
        return false;
    for (size_t i = 0; i < self->members->admission_count; i++) {
        const struct holm_member_admission *admission = &self->members->admissions[i];
        if (holm_actor_equal(admission->subject, self->actor) &&
            !holm_members_ended(theirs, admission->dot.actor))
            return false;
    }
    return true;
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
    return !holm_members_ended(members, sender) && !holm_members_ended(members, writer);
}
