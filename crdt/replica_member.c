/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/replica_member.h"

#include "crdt/replica_parts.h"

enum holm_status holm_guard_new(struct holm_replica *replica)
{
    const struct holm_replica_config *config = &replica->config;
    if (config->retention != HOLM_RETENTION_STABLE && !config->list)
        return HOLM_OK;
    struct holm_guard *guard = holm_allocate(&config->allocator, sizeof *guard);
    if (guard == NULL)
        return HOLM_ENOMEM;
    memset(guard, 0, sizeof *guard);
    guard->list = config->list;
    holm_members_init(&guard->members, &config->allocator);
    holm_vector_init(&guard->known, &config->allocator);
    holm_vector_init(&guard->heard, &config->allocator);
    holm_stable_init(&guard->stable, &config->allocator);
    holm_stable_init(&guard->others, &config->allocator);
    replica->guard = guard;
    return HOLM_OK;
}

void holm_guard_free(struct holm_replica *replica)
{
    struct holm_guard *guard = replica->guard;
    if (guard == NULL)
        return;
    holm_members_release(&guard->members);
    holm_vector_release(&guard->known);
    holm_vector_release(&guard->heard);
    for (uint32_t i = 0; i < replica->peer_capacity; i++)
        holm_guard_link_end(replica, i);
    holm_stable_release(&guard->stable);
    holm_stable_release(&guard->others);
    holm_deallocate(&replica->config.allocator, guard, sizeof *guard);
    replica->guard = NULL;
}

static struct holm_guard *guard_of(const struct holm_replica *replica)
{
    HOLM_ASSERT(replica->guard != NULL);
    return replica->guard;
}

static struct holm_actor self_actor(const struct holm_replica *replica)
{
    return replica->actors.rows[replica->self].actor;
}

/* ---- fences */

/* A cut of the list from one who is no member here: of those it adds something of, all must be takeable. */
static bool takes_cut(const struct holm_replica *replica, const struct holm_replica_peer *peer,
                      struct holm_vector_view cut)
{
    const struct holm_guard *guard = replica->guard;
    for (size_t i = 0; i < cut.count; i++) {
        if (cut.entries[i].seq > holm_replica_seq(replica, cut.entries[i].actor) &&
            !holm_admission_take_list(&guard->members, cut.entries[i].actor, guard->sender,
                                      &peer->founding))
            return false;
    }
    return true;
}

bool holm_guard_meets(struct holm_replica *replica, uint32_t peer,
                      const struct holm_message *message)
{
    struct holm_guard *guard = replica->guard;
    if (guard == NULL)
        return true;
    const struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    guard->sender = message->sender;
    if (!guard->fenced || holm_members_current(&guard->members, message->sender))
        return true;
    switch (message->type) {
    case HOLM_MESSAGE_SYNC_CUT:
        return guard->list && known != NULL &&
               takes_cut(replica, known, message->as.sync_cut.vector);
    case HOLM_MESSAGE_BEACON:
    case HOLM_MESSAGE_DELTAS:
    case HOLM_MESSAGE_FEED:
    case HOLM_MESSAGE_SYNC_PAGE:
    case HOLM_MESSAGE_SYNC_TELL:
        return guard->list;
    case HOLM_MESSAGE_DELTA:
    case HOLM_MESSAGE_HELLO:
    case HOLM_MESSAGE_PING:
    case HOLM_MESSAGE_PONG:
    case HOLM_MESSAGE_GOODBYE:
    case HOLM_MESSAGE_ACK:
    case HOLM_MESSAGE_WANT:
    case HOLM_MESSAGE_PULL:
    case HOLM_MESSAGE_SYNC_OPEN:
    case HOLM_MESSAGE_SYNC_NEXT:
    case HOLM_MESSAGE_SYNC_CLOSE:
    case HOLM_MESSAGE_SYNC_ASK:
    case HOLM_MESSAGE_FOLLOW:
    case HOLM_MESSAGE_UNFOLLOW:
    case HOLM_MESSAGE_STANDING:
    case HOLM_MESSAGE_JOIN:
    case HOLM_MESSAGE_JOINED:
    case HOLM_MESSAGE_REPORT:
    case HOLM_MESSAGE_REACH:
    case HOLM_MESSAGE_TUNNEL:
        break;
    }
    return true;
}

static const struct holm_founding *founding_of(const struct holm_replica *replica,
                                               struct holm_actor actor)
{
    static const struct holm_founding none = {0};
    for (size_t i = 0; i < replica->peer_capacity; i++) {
        if (replica->peers[i].up && holm_actor_equal(replica->peers[i].actor, actor))
            return &replica->peers[i].founding;
    }
    return &none;
}

bool holm_guard_takes(const struct holm_replica *replica, struct holm_actor writer,
                      enum holm_way way)
{
    const struct holm_guard *guard = replica->guard;
    if (guard == NULL || !guard->fenced)
        return true;
    if (guard->list)
        return holm_admission_take_list(&guard->members, writer, guard->sender,
                                        founding_of(replica, guard->sender));
    return holm_members_take(&guard->members, writer, guard->sender, way);
}

bool holm_guard_asks(const struct holm_replica *replica, const struct holm_replica_peer *peer)
{
    const struct holm_guard *guard = replica->guard;
    if (guard == NULL || !guard->fenced || holm_members_current(&guard->members, peer->actor))
        return true;
    return guard->list && !holm_members_ended(&guard->members, peer->actor) &&
           holm_founding_compare(&guard->members.founding, &peer->founding) == 0;
}

void holm_replica_fence(struct holm_replica *replica, bool fenced)
{
    guard_of(replica)->fenced = fenced;
}

void holm_replica_peer_founding(struct holm_replica *replica, uint32_t peer,
                                const struct holm_founding *founding)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    HOLM_ASSERT(replica->guard != NULL);
    if (known == NULL || !known->up || holm_founding_compare(&known->founding, founding) == 0)
        return;
    known->founding = *founding;
    known->fruitless_mine = known->fruitless_theirs = 0;
}

void holm_replica_peer_member(struct holm_replica *replica, uint32_t peer, bool member)
{
    struct holm_replica_peer *known = holm_replica_find_peer(replica, peer);
    HOLM_ASSERT(replica->guard != NULL);
    if (known == NULL || !known->up || known->member == member)
        return;
    known->member = member;
    known->told = false;
    known->seen = 0;
}

void holm_guard_epoch(struct holm_replica *replica)
{
    struct holm_guard *guard = replica->guard;
    if (guard == NULL)
        return;
    guard->fenced = guard->outlived = false;
    holm_stable_clear(&guard->stable);
    holm_stable_clear(&guard->others);
    for (uint32_t i = 0; i < replica->peer_capacity; i++)
        holm_replica_tell_again(replica, i);
}

/* ---- what S was grown under */

enum holm_status holm_guard_rely(const struct holm_replica *replica)
{
    struct holm_guard *guard = replica->guard;
    return guard == NULL ? HOLM_OK : holm_stable_rely(&guard->stable, &guard->members);
}

void holm_guard_outlive(const struct holm_replica *replica, struct holm_vector_view collected)
{
    struct holm_guard *guard = replica->guard;
    if (guard != NULL && guard->fenced && holm_admission_outlived(self_actor(replica), collected))
        guard->outlived = true;
}

enum holm_status holm_replica_rely(const struct holm_replica *replica)
{
    return replica->collected.count > 0 ? holm_guard_rely(replica) : HOLM_OK;
}

enum holm_status holm_replica_rely_anew(const struct holm_replica *replica,
                                        const struct holm_replica *before)
{
    struct holm_guard *guard = guard_of(replica);
    const struct holm_stable *kept = before == NULL ? NULL : &guard_of(before)->stable;
    return replica->collected.count > 0
               ? holm_stable_rely_anew(&guard->stable, &guard->members, kept)
               : HOLM_OK;
}

const struct holm_relied *holm_replica_relied(const struct holm_replica *replica, size_t *count)
{
    *count = guard_of(replica)->stable.relied_count;
    return guard_of(replica)->stable.relied;
}

enum holm_status holm_replica_rely_on(struct holm_replica *replica, struct holm_relied relied)
{
    return holm_stable_rely_on(&guard_of(replica)->stable, relied);
}

bool holm_replica_outlived(const struct holm_replica *replica)
{
    return guard_of(replica)->outlived;
}

/* ---- the list */

static void purge_held(struct holm_replica *replica)
{
    struct holm_guard *guard = replica->guard;
    for (size_t i = replica->holdback.count; i > 0 && guard->fenced; i--) {
        const struct holm_delta *held = replica->holdback.held[i - 1].delta;
        guard->sender = held->actor;
        if (!holm_guard_takes(replica, held->actor, HOLM_WAY_BROADCAST))
            holm_holdback_drop(&replica->holdback, held);
    }
}

/* What was refused for want of the list may be had now. */
static void ask_again(struct holm_replica *replica)
{
    for (uint32_t i = 0; i < replica->peer_capacity; i++) {
        struct holm_replica_peer *peer = &replica->peers[i];
        peer->fruitless_mine = peer->fruitless_theirs = 0;
        peer->backoff_us = 0;
        if (peer->up && peer->told && peer->told_hash != replica->actors.hash)
            holm_replica_mark_ahead(replica, i, 0);
    }
}

static enum holm_status learn(struct holm_replica *replica, const struct holm_list_news *news)
{
    struct holm_guard *guard = guard_of(replica);
    struct holm_vector_view none = {NULL, 0};
    enum holm_status result = HOLM_OK;
    for (size_t i = 0; i < news->count; i++) {
        enum holm_status status = holm_members_apply(&guard->members, &news->ops[i]);
        if (status == HOLM_ENOMEM)
            return status;
        if (status != HOLM_OK)
            result = status;
    }
    if (holm_vector_join(&guard->known, news->list) != HOLM_OK)
        return HOLM_ENOMEM;
    guard->known_hash = holm_vector_hash(holm_vector_view(&guard->known), none,
                                         replica->config.digest_seed);
    return result;
}

enum holm_status holm_replica_learn(struct holm_replica *replica, const struct holm_list_news *news,
                                    struct holm_now now, const struct holm_work **work)
{
    holm_replica_work_begin(replica, now);
    enum holm_status status = learn(replica, news);
    purge_held(replica);
    ask_again(replica);
    holm_replica_schedule(replica);
    holm_replica_work_end(replica, work);
    return status;
}

const struct holm_members *holm_replica_members(const struct holm_replica *replica)
{
    return &guard_of(replica)->members;
}

struct holm_vector_view holm_replica_list(const struct holm_replica *replica)
{
    return holm_vector_view(&guard_of(replica)->known);
}

/* ---- questions */

/* `room` is for R as it is reported, to be released. */
static enum holm_status self_of(const struct holm_replica *replica, struct holm_vector *room,
                                struct holm_stable_self *self)
{
    const struct holm_guard *guard = guard_of(replica);
    holm_vector_init(room, &replica->config.allocator);
    enum holm_status status = holm_replica_report(replica, room);
    *self = (struct holm_stable_self){.actor = self_actor(replica),
                                      .number = replica->config.partition,
                                      .partition = holm_vector_view(room),
                                      .list = holm_vector_view(&guard->known),
                                      .members = &guard->members};
    return status;
}

enum holm_answer holm_replica_answer(struct holm_replica *replica, const struct holm_heard *asking)
{
    struct holm_vector room;
    struct holm_stable_self self;
    enum holm_answer answer = HOLM_ANSWER_LATER;
    if (self_of(replica, &room, &self) == HOLM_OK)
        answer = holm_admission_answer(&replica->guard->stable, &self, asking);
    holm_vector_release(&room);
    return answer;
}

bool holm_replica_whole(struct holm_replica *replica, struct holm_actor member,
                        struct holm_dot admission)
{
    struct holm_vector room;
    struct holm_stable_self self;
    bool whole = false;
    const struct holm_report *report = holm_stable_report(&guard_of(replica)->stable, member);
    if (self_of(replica, &room, &self) == HOLM_OK && report != NULL) {
        struct holm_vector_view list = holm_vector_view(&report->list);
        whole = holm_vector_has(list, admission) && !holm_members_ended(self.members, member) &&
                holm_admission_may_apply(self.members, self.actor, list) &&
                holm_admission_by_cut(&self, holm_vector_view(&report->partition), list);
    }
    holm_vector_release(&room);
    return whole;
}

bool holm_replica_beyond(struct holm_replica *replica, struct holm_vector_view list)
{
    struct holm_vector room;
    struct holm_stable_self self;
    bool beyond = self_of(replica, &room, &self) != HOLM_OK ||
                  holm_admission_beyond(&replica->guard->stable, &self, list);
    holm_vector_release(&room);
    return beyond;
}

bool holm_replica_may_list(struct holm_replica *replica, const struct holm_heard *of)
{
    struct holm_vector room;
    struct holm_stable_self self;
    bool may = self_of(replica, &room, &self) == HOLM_OK &&
               holm_admission_may_list(&replica->guard->stable, &self, of);
    holm_vector_release(&room);
    return may;
}

bool holm_replica_lost(struct holm_replica *replica, const struct holm_members *theirs,
                       struct holm_vector_view list)
{
    const struct holm_guard *guard = guard_of(replica);
    /* R does not count, and this is asked at every tick. */
    struct holm_stable_self self = {.actor = self_actor(replica),
                                    .number = replica->config.partition,
                                    .list = holm_vector_view(&guard->known),
                                    .members = &guard->members};
    return holm_admission_lost(&guard->stable, &self, theirs, list);
}

bool holm_replica_betrayed(const struct holm_replica *replica)
{
    const struct holm_guard *guard = replica->guard;
    HOLM_ASSERT(guard != NULL);
    return holm_stable_betrayed(&guard->stable, &guard->members);
}

void holm_replica_relent(struct holm_replica *replica, const struct holm_heard *heard, size_t count)
{
    struct holm_guard *guard = guard_of(replica);
    struct holm_stable_self self = {.actor = self_actor(replica),
                                    .number = replica->config.partition,
                                    .list = holm_vector_view(&guard->known),
                                    .members = &guard->members};
    enum holm_status status = holm_admission_doubt(&guard->stable, &self, heard, count);
    (void)status; /* it is asked at every tick */
}

/* ---- a whole cluster restarts */

/* Those of whom it was heard what they have of this partition. */
static size_t fill_heard(const struct holm_replica *replica, const struct holm_heard *heard,
                         size_t count, struct holm_heard *filled)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct holm_stable *reports = heard[i].confirmed ? &replica->guard->stable
                                                               : &replica->guard->others;
        const struct holm_report *report = holm_stable_report(reports, heard[i].actor);
        /* Whether somebody is a member counts, whatever it has. */
        if (report == NULL && !heard[i].confirmed)
            continue;
        filled[kept] = heard[i];
        if (report != NULL)
            filled[kept].partition = holm_vector_view(&report->partition);
        kept += 1;
    }
    return kept;
}

enum question {
    ABLE,
    LEFT,
    FOUNDS,
    FOUNDS_EMPTY
};

static bool restarts(struct holm_replica *replica, const struct holm_heard *heard, size_t count,
                     enum question question)
{
    struct holm_vector room;
    struct holm_stable_self self;
    const struct holm_stable *stable = &guard_of(replica)->stable;
    struct holm_arena_mark mark = holm_arena_mark(&replica->scratch);
    struct holm_heard *filled = holm_arena_take(&replica->scratch, (count + 1) * sizeof *filled);
    bool answer = false;
    if (self_of(replica, &room, &self) == HOLM_OK && filled != NULL) {
        size_t kept = fill_heard(replica, heard, count, filled);
        if (question == ABLE)
            answer = holm_admission_able(stable, &self, filled, kept);
        else if (question == LEFT)
            answer = holm_admission_left(stable, &self, filled, kept);
        else
            answer = holm_admission_by_itself(stable, &self, filled, kept,
                                              question == FOUNDS_EMPTY);
    }
    holm_vector_release(&room);
    holm_arena_rewind(&replica->scratch, mark);
    return answer;
}

bool holm_replica_able(struct holm_replica *replica, const struct holm_heard *heard, size_t count)
{
    return restarts(replica, heard, count, ABLE);
}

bool holm_replica_left(struct holm_replica *replica, const struct holm_heard *heard, size_t count)
{
    return restarts(replica, heard, count, LEFT);
}

bool holm_replica_founds(struct holm_replica *replica, const struct holm_heard *heard, size_t count,
                         bool founding)
{
    return restarts(replica, heard, count, founding ? FOUNDS_EMPTY : FOUNDS);
}

/* ---- collecting */

static bool covers_tombstones(const struct holm_replica *replica, struct holm_vector_view frontier)
{
    const struct holm_state *state = &replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    if (state->tombstones == 0)
        return false;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        if (!holm_spot_buried(state, &spot) || !holm_spot_cell(state, &spot, &cell))
            continue;
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot)) {
            struct holm_dot dot = {replica->actors.rows[cell.actor].actor, cell.seq};
            if (holm_vector_has(frontier, dot))
                return true;
        }
    }
    return false;
}

static bool folds_more(const struct holm_replica *replica, const struct holm_vector *frontier)
{
    struct holm_vector_view collected = holm_vector_view(&replica->collected);
    for (size_t i = 0; i < frontier->count; i++) {
        const struct holm_dot *entry = &frontier->entries[i];
        if (entry->seq == HOLM_SEQ_FOLDED &&
            holm_vector_seq(collected, entry->actor) != HOLM_SEQ_FOLDED)
            return true;
    }
    return false;
}

/* Adds the folds whose ends the list knows; the other ends go to `ends`. */
static enum holm_status plan_folds(struct holm_replica *replica,
                                   const struct holm_stable_self *self,
                                   struct holm_vector *frontier, struct holm_vector *ends)
{
    struct holm_vector folded, lasts;
    const struct holm_stable *stable = &replica->guard->stable;
    struct holm_vector_view known = holm_members_lasts(self->members, self->number);
    holm_vector_init(&folded, &replica->config.allocator);
    holm_vector_init(&lasts, &replica->config.allocator);
    enum holm_status status = holm_vector_assign(&folded, holm_vector_view(frontier));
    if (status == HOLM_OK)
        status = holm_stable_folds(stable, self, &folded, &lasts);
    for (size_t i = 0; status == HOLM_OK && i < lasts.count; i++) {
        if (!holm_vector_has(known, lasts.entries[i]))
            status = holm_vector_raise(ends, lasts.entries[i].actor, lasts.entries[i].seq);
    }
    if (status == HOLM_OK && ends->count == 0)
        status = holm_vector_assign(frontier, holm_vector_view(&folded));
    holm_vector_release(&folded);
    holm_vector_release(&lasts);
    return status;
}

static size_t count_folds(const struct holm_vector *vector)
{
    size_t folds = 0;
    for (size_t i = 0; i < vector->count; i++)
        folds += vector->entries[i].seq == HOLM_SEQ_FOLDED;
    return folds;
}

static enum holm_status collect_frontier(struct holm_replica *replica,
                                         const struct holm_stable_self *self,
                                         struct holm_collecting *collecting)
{
    struct holm_vector frontier;
    holm_vector_init(&frontier, &replica->config.allocator);
    enum holm_status status = holm_stable_frontier(&replica->guard->stable, self, &frontier);
    if (status == HOLM_OK && frontier.count > 0)
        status = plan_folds(replica, self, &frontier, &collecting->ends);
    bool folds = folds_more(replica, &frontier);
    uint64_t tombstones = replica->state.tombstones;
    if (status == HOLM_OK && frontier.count > 0 &&
        (folds || covers_tombstones(replica, holm_vector_view(&frontier)))) {
        status = holm_replica_collect_now(replica, holm_vector_view(&frontier));
        collecting->tombstones += (size_t)(tombstones - replica->state.tombstones);
        collecting->folds += status == HOLM_OK && folds ? count_folds(&frontier) : 0;
    }
    /* Not sooner: who is forgotten tells by its log what its writes replaced (replica_remint.h). */
    if (status == HOLM_OK && replica->log.bytes > replica->log.bytes_max / 4)
        holm_oplog_trim(&replica->log, &replica->actors, holm_vector_view(&frontier), SIZE_MAX);
    holm_vector_release(&frontier);
    return status;
}

/* Whether this owner has applied all that is here, and nothing else; or is this node itself. */
static bool is_level(const struct holm_replica *replica, const struct holm_stable_self *self,
                     struct holm_actor owner)
{
    const struct holm_report *report = holm_stable_report(&replica->guard->stable, owner);
    struct holm_vector_view lasts = holm_members_lasts(self->members, self->number);
    if (holm_actor_equal(owner, self->actor))
        return true;
    return report != NULL && holm_members_current(self->members, owner) &&
           holm_vector_covers(holm_vector_view(&report->partition), self->partition, lasts) &&
           holm_vector_covers(self->partition, holm_vector_view(&report->partition), lasts);
}

/* Notes by index who has left ghosts. */
static void find_ghosts(const struct holm_replica *replica, bool *owners)
{
    const struct holm_state *state = &replica->state;
    struct holm_spot spot;
    struct holm_cell cell;
    struct holm_walk walk = holm_state_walk(state, 0, UINT64_MAX);
    while (holm_walk_next(state, &walk, &spot)) {
        for (; holm_spot_cell(state, &spot, &cell); holm_spot_next(state, &spot)) {
            if (cell.kind == HOLM_COUNTER && !holm_count_live(&cell.count))
                owners[cell.actor] = true;
        }
    }
}

static enum holm_status collect_ghosts(struct holm_replica *replica,
                                       const struct holm_stable_self *self,
                                       struct holm_collecting *collecting)
{
    size_t count = replica->actors.count;
    struct holm_arena_mark mark = holm_arena_mark(&replica->scratch);
    bool *owners = holm_arena_take(&replica->scratch, count * sizeof *owners);
    enum holm_status status = owners == NULL ? HOLM_ENOMEM : HOLM_OK;
    if (status == HOLM_OK) {
        memset(owners, 0, count * sizeof *owners);
        find_ghosts(replica, owners);
    }
    for (uint32_t i = 0; status == HOLM_OK && i < count; i++) {
        size_t dropped = 0;
        if (owners[i] && is_level(replica, self, replica->actors.rows[i].actor))
            status = holm_replica_erase_ghosts(replica, i, &dropped);
        collecting->ghosts += dropped;
    }
    holm_arena_rewind(&replica->scratch, mark);
    return status;
}

/* All that a collection depends on, as one number, never 0. */
static uint64_t collect_hash(const struct holm_replica *replica)
{
    uint64_t hash = holm_guard_report_hash(replica, false) +
                    0xbf58476d1ce4e5b9u * replica->guard->hearings;
    return hash == 0 ? 1 : hash;
}

static void trim_reports(struct holm_guard *guard, const struct holm_stable_self *self)
{
    holm_stable_trim(&guard->others, &guard->stable, self);
    holm_stable_trim(&guard->stable, &guard->stable, self);
}

static enum holm_status collect(struct holm_replica *replica, struct holm_collecting *collecting)
{
    struct holm_vector room;
    struct holm_stable_self self;
    enum holm_status status = self_of(replica, &room, &self);
    if (status == HOLM_OK && holm_members_current(self.members, self.actor))
        status = collect_frontier(replica, &self, collecting);
    if (status == HOLM_OK && holm_members_current(self.members, self.actor))
        trim_reports(replica->guard, &self);
    holm_vector_release(&room);
    if (status != HOLM_OK || !holm_members_current(self.members, self.actor))
        return status;
    status = self_of(replica, &room, &self);
    if (status == HOLM_OK)
        status = collect_ghosts(replica, &self, collecting);
    holm_vector_release(&room);
    return status;
}

enum holm_status holm_replica_collect_stable(struct holm_replica *replica, struct holm_now now,
                                             const struct holm_work **work,
                                             struct holm_collecting *collecting)
{
    struct holm_guard *guard = guard_of(replica);
    HOLM_ASSERT(guard->fenced && !guard->list);
    holm_vector_init(&collecting->ends, &replica->config.allocator);
    collecting->tombstones = collecting->ghosts = collecting->folds = 0;
    holm_replica_work_begin(replica, now);
    enum holm_status status = holm_replica_seal(replica);
    if (status == HOLM_OK && guard->tried != collect_hash(replica)) {
        status = collect(replica, collecting);
        if (status == HOLM_OK && collecting->folds == 0)
            guard->tried = collect_hash(replica);
    }
    holm_replica_work_end(replica, work);
    return status;
}

/* ---- copies */

enum holm_status holm_replica_another(const struct holm_replica *replica,
                                      struct holm_replica **another)
{
    return holm_replica_new(&replica->config, another);
}

static enum holm_status copy_guard(const struct holm_guard *guard, struct holm_guard *copy)
{
    enum holm_status status = holm_vector_assign(&copy->stable.shared,
                                                 holm_vector_view(&guard->stable.shared));
    for (size_t i = 0; status == HOLM_OK && i < guard->stable.relied_count; i++)
        status = holm_stable_rely_on(&copy->stable, guard->stable.relied[i]);
    for (size_t i = 0; status == HOLM_OK && i < guard->others.count; i++) {
        const struct holm_report *report = &guard->others.reports[i];
        status = holm_stable_hear(&copy->others, NULL, report->member,
                                  holm_vector_view(&report->partition),
                                  holm_vector_view(&report->list));
        if (status == HOLM_OK)
            holm_stable_find(&copy->others, report->member)->number = report->number;
    }
    return status;
}

static enum holm_status load_cut(struct holm_replica *copy, const struct holm_cut *cut,
                                 struct holm_now now)
{
    size_t count = holm_cut_page_count(cut);
    size_t bytes = (count + 1) * sizeof(const struct holm_page *);
    const struct holm_allocator *allocator = &copy->config.allocator;
    const struct holm_page **pages = holm_allocate(allocator, bytes);
    const struct holm_work *work;
    if (pages == NULL)
        return HOLM_ENOMEM;
    for (size_t i = 0; i < count; i++)
        pages[i] = holm_cut_page(cut, i);
    enum holm_status status = holm_replica_load_collected(
        copy, holm_cut_vector(cut), holm_cut_collected(cut), pages, count, now, &work);
    holm_deallocate(allocator, pages, bytes);
    return status;
}

enum holm_status holm_replica_copy(struct holm_replica *replica, struct holm_now now,
                                   const struct holm_work **work, struct holm_replica **copy)
{
    struct holm_cut *cut;
    *copy = NULL;
    enum holm_status status = holm_cut_open(replica, now, work, &cut);
    if (status != HOLM_OK)
        return status;
    struct holm_replica *made = NULL;
    status = holm_replica_new(&replica->config, &made);
    if (status == HOLM_OK)
        status = load_cut(made, cut, now);
    if (status == HOLM_OK && replica->guard != NULL)
        status = copy_guard(replica->guard, made->guard);
    holm_cut_close(cut);
    if (status != HOLM_OK) {
        holm_replica_free(made);
        return status;
    }
    *copy = made;
    return HOLM_OK;
}
