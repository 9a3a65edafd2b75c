/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/stable.h"

void holm_stable_init(struct holm_stable *stable, const struct holm_allocator *allocator)
{
    memset(stable, 0, sizeof *stable);
    stable->allocator = *allocator;
    holm_vector_init(&stable->shared, allocator);
}

static void report_release(struct holm_report *report)
{
    holm_vector_release(&report->partition);
    holm_vector_release(&report->list);
}

void holm_stable_clear(struct holm_stable *stable)
{
    for (size_t i = 0; i < stable->count; i++)
        report_release(&stable->reports[i]);
    stable->count = 0;
}

void holm_stable_release(struct holm_stable *stable)
{
    holm_stable_clear(stable);
    holm_array_free(&stable->allocator, stable->reports, stable->capacity, sizeof *stable->reports);
    holm_array_free(&stable->allocator, stable->relied, stable->relied_capacity,
                    sizeof *stable->relied);
    holm_vector_release(&stable->shared);
    memset(stable, 0, sizeof *stable);
}

/* The first report whose node is not below. */
static size_t place_of(const struct holm_stable *stable, struct holm_node_id node)
{
    size_t low = 0;
    size_t high = stable->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (stable->reports[middle].member.node.value < node.value)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static enum holm_status report_make(struct holm_report *report,
                                    const struct holm_allocator *allocator,
                                    struct holm_actor member, struct holm_vector_view partition,
                                    struct holm_vector_view list)
{
    *report = (struct holm_report){.member = member};
    holm_vector_init(&report->partition, allocator);
    holm_vector_init(&report->list, allocator);
    enum holm_status status = holm_vector_assign(&report->partition, partition);
    if (status == HOLM_OK)
        status = holm_vector_assign(&report->list, list);
    if (status != HOLM_OK)
        report_release(report);
    return status;
}

/* A later epoch is the next life, let in though the list does not say so yet; unless the member has spoken after it. */
static bool outdoes(const struct holm_members *members, struct holm_actor fresh,
                    const struct holm_report *known)
{
    if (members != NULL && fresh.epoch.value <= known->outdone.value &&
        holm_members_current(members, known->member))
        return false;
    return known->member.epoch.value < fresh.epoch.value ||
           (members != NULL && holm_members_current(members, fresh));
}

/* What one epoch says is ordered in time: the later report covers the earlier. */
static bool is_news(const struct holm_members *members, const struct holm_report *known,
                    const struct holm_report *fresh)
{
    struct holm_vector_view none = {NULL, 0};
    if (known->member.epoch.value != fresh->member.epoch.value)
        return outdoes(members, fresh->member, known);
    return holm_vector_covers(holm_vector_view(&fresh->partition),
                              holm_vector_view(&known->partition), none) &&
           holm_vector_covers(holm_vector_view(&fresh->list), holm_vector_view(&known->list), none);
}

enum holm_status holm_stable_hear(struct holm_stable *stable, const struct holm_members *members,
                                  struct holm_actor member, struct holm_vector_view partition,
                                  struct holm_vector_view list)
{
    if (!holm_vector_valid(partition) || !holm_vector_valid(list))
        return HOLM_EMALFORMED;
    size_t place = place_of(stable, member.node);
    bool known = place < stable->count &&
                 stable->reports[place].member.node.value == member.node.value;
    struct holm_report fresh;
    void *reports = stable->reports;
    enum holm_status status = holm_array_reserve(&stable->allocator, &reports, &stable->capacity,
                                                 sizeof *stable->reports, stable->count + 1);
    stable->reports = reports;
    if (status == HOLM_OK)
        status = report_make(&fresh, &stable->allocator, member, partition, list);
    if (status != HOLM_OK)
        return status;
    if (known && !is_news(members, &stable->reports[place], &fresh)) {
        report_release(&fresh);
        return HOLM_OK;
    }
    if (known) {
        const struct holm_report *old = &stable->reports[place];
        if (holm_actor_equal(old->member, member)) {
            fresh.number = old->number;
            fresh.held = old->held;
            fresh.taken = old->taken;
            fresh.outdone = old->outdone;
        } else if (old->member.epoch.value > member.epoch.value) {
            fresh.outdone = old->member.epoch;
        }
        report_release(&stable->reports[place]);
    } else {
        memmove(stable->reports + place + 1, stable->reports + place,
                (stable->count - place) * sizeof *stable->reports);
        stable->count += 1;
    }
    stable->reports[place] = fresh;
    return HOLM_OK;
}

struct holm_report *holm_stable_find(struct holm_stable *stable, struct holm_actor member)
{
    size_t place = place_of(stable, member.node);
    if (place < stable->count && holm_actor_equal(stable->reports[place].member, member))
        return &stable->reports[place];
    return NULL;
}

const struct holm_report *holm_stable_report(const struct holm_stable *stable,
                                             struct holm_actor member)
{
    size_t place = place_of(stable, member.node);
    if (place < stable->count && holm_actor_equal(stable->reports[place].member, member))
        return &stable->reports[place];
    return NULL;
}

/* ---- rule 1 */

static bool is_self(const struct holm_stable_self *self, const struct holm_member_row *row)
{
    return row->actor.node.value == self->actor.node.value;
}

/* Whether all but this node, and but the forgotten, are known to know of a forget. */
static bool known_to_all(const struct holm_stable *stable, const struct holm_stable_self *self,
                         struct holm_node_id but, struct holm_dot forget)
{
    for (size_t i = 0; i < self->members->count; i++) {
        const struct holm_member_row *row = &self->members->rows[i];
        if (row->forgotten || is_self(self, row) || row->actor.node.value == but.value)
            continue;
        const struct holm_report *report = holm_stable_report(stable, row->actor);
        if (report == NULL || !holm_vector_has(holm_vector_view(&report->list), forget))
            return false;
    }
    return true;
}

bool holm_stable_gone(const struct holm_stable *stable, const struct holm_stable_self *self,
                      struct holm_actor actor)
{
    for (size_t i = 0; i < self->members->forget_count; i++) {
        const struct holm_member_forget *forget = &self->members->forgets[i];
        if (forget->stands && holm_members_covers(forget->subject, actor) &&
            known_to_all(stable, self, actor.node, forget->dot))
            return true;
    }
    return false;
}

void holm_stable_trim(struct holm_stable *stable, const struct holm_stable *reports,
                      const struct holm_stable_self *self)
{
    size_t kept = 0;
    for (size_t i = 0; i < stable->count; i++) {
        if (holm_stable_gone(reports, self, stable->reports[i].member))
            report_release(&stable->reports[i]);
        else
            stable->reports[kept++] = stable->reports[i];
    }
    stable->count = kept;
}

static bool has_left(const struct holm_stable *stable, const struct holm_stable_self *self,
                     const struct holm_member_row *row)
{
    return row->forgotten && holm_stable_gone(stable, self, row->actor);
}

/* Whether this list holds an admission of the current epoch of everyone who counts. */
static bool knows_all(const struct holm_stable *stable, const struct holm_stable_self *self,
                      struct holm_vector_view list)
{
    for (size_t i = 0; i < self->members->count; i++) {
        const struct holm_member_row *row = &self->members->rows[i];
        if (!holm_members_admitted_in(self->members, row->actor, list) &&
            !has_left(stable, self, row))
            return false;
    }
    return true;
}

/* What can be built on of a member's report, or NULL. */
static const struct holm_report *usable(const struct holm_stable *stable,
                                        const struct holm_stable_self *self,
                                        const struct holm_member_row *row)
{
    const struct holm_report *report = holm_stable_report(stable, row->actor);
    if (report == NULL)
        return NULL;
    struct holm_vector_view list = holm_vector_view(&report->list);
    struct holm_vector_view none = {NULL, 0};
    bool here = holm_vector_covers(self->partition, holm_vector_view(&report->partition),
                                   holm_members_lasts(self->members, self->number)) &&
                holm_vector_covers(self->list, list, none);
    return here && knows_all(stable, self, list) ? report : NULL;
}

enum holm_status holm_stable_frontier(const struct holm_stable *stable,
                                      const struct holm_stable_self *self,
                                      struct holm_vector *frontier)
{
    holm_vector_clear(frontier);
    if (!holm_members_current(self->members, self->actor))
        return HOLM_OK;
    enum holm_status status = holm_vector_assign(frontier, self->partition);
    for (size_t i = 0; status == HOLM_OK && i < self->members->count; i++) {
        const struct holm_member_row *row = &self->members->rows[i];
        if (is_self(self, row) || has_left(stable, self, row))
            continue;
        const struct holm_report *report = usable(stable, self, row);
        if (report == NULL) {
            holm_vector_clear(frontier);
            return HOLM_OK;
        }
        status = holm_vector_meet(frontier, holm_vector_view(&report->partition));
    }
    if (status != HOLM_OK)
        holm_vector_clear(frontier);
    return status;
}

/* ---- rule 6 */

/* Whether all who count have of this actor what is here. */
static bool same_everywhere(const struct holm_stable *stable, const struct holm_stable_self *self,
                            struct holm_dot entry)
{
    for (size_t i = 0; i < self->members->count; i++) {
        const struct holm_member_row *row = &self->members->rows[i];
        if (is_self(self, row) || has_left(stable, self, row))
            continue;
        const struct holm_report *report = holm_stable_report(stable, row->actor);
        HOLM_ASSERT(report != NULL);
        uint64_t seq = holm_vector_seq(holm_vector_view(&report->partition), entry.actor);
        if (seq != entry.seq && seq != HOLM_SEQ_FOLDED)
            return false;
    }
    return true;
}

/* Whether nothing of it will ever come again: it has ended, and if by a forget, for all. */
static bool is_over(const struct holm_stable *stable, const struct holm_stable_self *self,
                    struct holm_actor actor)
{
    const struct holm_member_row *row = holm_members_find(self->members, actor.node);
    if (row == NULL)
        return false;
    return actor.epoch.value < row->actor.epoch.value || has_left(stable, self, row);
}

/* Walks over R; `blocked` is the node of which an epoch cannot be folded, so that no later one can. */
static enum holm_status collect_folds(const struct holm_stable *stable,
                                      const struct holm_stable_self *self,
                                      struct holm_vector *frontier, struct holm_vector *lasts)
{
    enum holm_status status = HOLM_OK;
    struct holm_node_id blocked = {0};
    bool any_blocked = false;
    for (size_t i = 0; status == HOLM_OK && i < self->partition.count; i++) {
        struct holm_dot entry = self->partition.entries[i];
        if (entry.seq != HOLM_SEQ_FOLDED) {
            if (any_blocked && blocked.value == entry.actor.node.value)
                continue;
            if (!is_over(stable, self, entry.actor) || !same_everywhere(stable, self, entry)) {
                blocked = entry.actor.node;
                any_blocked = true;
                continue;
            }
            status = holm_vector_raise(lasts, entry.actor, entry.seq);
        }
        if (status == HOLM_OK)
            status = holm_vector_raise(frontier, entry.actor, HOLM_SEQ_FOLDED);
    }
    return status;
}

enum holm_status holm_stable_folds(const struct holm_stable *stable,
                                   const struct holm_stable_self *self,
                                   struct holm_vector *frontier, struct holm_vector *lasts)
{
    HOLM_ASSERT(frontier->count > 0);
    struct holm_vector grown, ended;
    holm_vector_init(&grown, &stable->allocator);
    holm_vector_init(&ended, &stable->allocator);
    enum holm_status status = holm_vector_assign(&grown, holm_vector_view(frontier));
    if (status == HOLM_OK)
        status = collect_folds(stable, self, &grown, &ended);
    if (status == HOLM_OK)
        status = holm_vector_join(lasts, holm_vector_view(&ended));
    if (status == HOLM_OK) {
        holm_vector_release(frontier);
        *frontier = grown;
    } else {
        holm_vector_release(&grown);
    }
    holm_vector_release(&ended);
    return status;
}

/* ---- ghosts */

bool holm_stable_ghost(const struct holm_stable *stable, const struct holm_stable_self *self,
                       struct holm_actor actor, struct holm_dot reset)
{
    if (!holm_vector_has(self->partition, reset))
        return false;
    if (holm_actor_equal(actor, self->actor))
        return true;
    const struct holm_report *report = holm_stable_report(stable, actor);
    return report != NULL && holm_members_current(self->members, actor) &&
           holm_vector_has(holm_vector_view(&report->partition), reset) &&
           holm_vector_covers(self->partition, holm_vector_view(&report->partition),
                              holm_members_lasts(self->members, self->number));
}

/* ---- what collection relied on */

static int dot_compare(const struct holm_dot *a, const struct holm_dot *b)
{
    int order = holm_actor_compare(a->actor, b->actor);
    return order != 0 ? order : (a->seq > b->seq) - (a->seq < b->seq);
}

static void note_relied(struct holm_stable *stable, struct holm_relied relied)
{
    size_t place = 0;
    const struct holm_dot *forget = &relied.forget;
    while (place < stable->relied_count && dot_compare(&stable->relied[place].forget, forget) < 0)
        place += 1;
    if (place < stable->relied_count && dot_compare(&stable->relied[place].forget, forget) == 0)
        return;
    memmove(stable->relied + place + 1, stable->relied + place,
            (stable->relied_count - place) * sizeof *stable->relied);
    stable->relied[place] = relied;
    stable->relied_count += 1;
}

static enum holm_status reserve_relied(struct holm_stable *stable, size_t more)
{
    void *relied = stable->relied;
    enum holm_status status = holm_array_reserve(&stable->allocator, &relied,
                                                 &stable->relied_capacity, sizeof *stable->relied,
                                                 stable->relied_count + more);
    stable->relied = relied;
    return status;
}

/* What was shared was not beyond what S had been until now. */
static void note_standing(struct holm_stable *stable, const struct holm_members *members)
{
    holm_vector_clear(&stable->shared);
    for (size_t i = 0; i < members->forget_count; i++) {
        const struct holm_member_forget *forget = &members->forgets[i];
        if (forget->stands)
            note_relied(stable, (struct holm_relied){forget->dot, forget->subject});
    }
}

enum holm_status holm_stable_rely(struct holm_stable *stable, const struct holm_members *members)
{
    enum holm_status status = reserve_relied(stable, members->forget_count);
    if (status == HOLM_OK)
        note_standing(stable, members);
    return status;
}

enum holm_status holm_stable_rely_anew(struct holm_stable *stable,
                                       const struct holm_members *members,
                                       const struct holm_stable *before)
{
    size_t kept = before == NULL ? 0 : before->relied_count;
    enum holm_status status = reserve_relied(stable, kept + members->forget_count);
    if (status != HOLM_OK)
        return status;
    stable->relied_count = 0;
    for (size_t i = 0; i < kept; i++)
        note_relied(stable, before->relied[i]);
    note_standing(stable, members);
    return HOLM_OK;
}

enum holm_status holm_stable_rely_on(struct holm_stable *stable, struct holm_relied relied)
{
    enum holm_status status = reserve_relied(stable, 1);
    if (status == HOLM_OK)
        note_relied(stable, relied);
    return status;
}

void holm_stable_relent(struct holm_stable *stable, struct holm_vector_view list)
{
    size_t kept = 0;
    for (size_t i = 0; i < stable->relied_count; i++) {
        if (holm_vector_has(list, stable->relied[i].forget))
            stable->relied[kept++] = stable->relied[i];
    }
    stable->relied_count = kept;
}

bool holm_stable_relied(const struct holm_stable *stable, const struct holm_members *members,
                        struct holm_actor actor)
{
    for (size_t i = 0; i < members->forget_count; i++) {
        const struct holm_member_forget *forget = &members->forgets[i];
        if (!forget->stands || !holm_members_covers(forget->subject, actor))
            continue;
        for (size_t k = 0; k < stable->relied_count; k++) {
            if (dot_compare(&stable->relied[k].forget, &forget->dot) == 0)
                return true;
        }
    }
    return false;
}

bool holm_stable_betrayed(const struct holm_stable *stable, const struct holm_members *members)
{
    for (size_t i = 0; i < stable->relied_count; i++) {
        /* whom it names is no more out, by it or by another */
        if (!holm_members_forgotten(members, stable->relied[i].subject))
            return true;
    }
    return false;
}

void holm_stable_check(const struct holm_stable *stable)
{
    for (size_t i = 0; i < stable->count; i++) {
        const struct holm_report *report = &stable->reports[i];
        HOLM_ASSERT(i == 0 || stable->reports[i - 1].member.node.value < report->member.node.value);
        holm_vector_check(&report->partition);
        holm_vector_check(&report->list);
    }
    holm_vector_check(&stable->shared);
}
