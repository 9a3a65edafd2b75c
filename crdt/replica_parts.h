/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica_parts.h - the inside of a replica, for the files that make it up.
 *
 *     replica.c          life cycle, the step, outputs
 *     replica_commit.c   local operations
 *     replica_delta.c    runs: sealing, applying, holding back
 *     replica_pull.c     asking for runs, and serving them
 *     replica_feed.c     feeding those who follow
 *     replica_follow.c   following: what feeds bring, which of them are needed
 *     replica_pace.c     publishing, no faster than peers acknowledge
 *     replica_lag.c      how far peers are behind, and this replica behind them
 *     replica_gap.c      what a peer's op log does not reach back to: whether to sync for it
 *     replica_sync.c     a sync as its receiver: whom to read from, asking, what is next
 *     replica_serve.c    a sync as its server: cuts that are open, answering
 *     replica_cut.c      the state as pages
 *     replica_still.c    the same, piece by piece, of what was frozen
 *     replica_merge.c    merging a whole cut into the state
 *     replica_merge_folds.c  where epochs are folded
 *     replica_offer.c    a frozen state that a peer compares its own with
 *     replica_catchup.c  comparing with a peer's
 *     replica_apply.c    applying what differs
 *     replica_fold.c     counters of epochs that are folded
 *     replica_collect.c  what was collected, and what goes with it
 *     replica_member.c   fences, reports, and what is collected by them
 *     replica_peer.c     peers: coming and going, beacons, acknowledgements, whom to ask when
 *     replica_read.c     looking
 *     replica_wait.c     what somebody who waits asks
 *     replica_hear.c     hearing what peers have now
 *     replica_twin.c     telling when somebody else writes under this actor
 */
#ifndef HOLM_CRDT_REPLICA_PARTS_H
#define HOLM_CRDT_REPLICA_PARTS_H

#include "crdt/ages.h"
#include "crdt/frozen.h"
#include "crdt/hlc.h"
#include "crdt/holdback.h"
#include "crdt/oplog.h"
#include "crdt/pending.h"
#include "crdt/replica.h"
#include "crdt/replica_member.h"
#include "crdt/staged.h"
#include "crdt/state.h"
#include "crdt/vector.h"

/* What is known of one peer. */
/* What is known of a peer's reports, and what it was told. All zero: nothing (replica_report.c). */
struct holm_report_link {
    bool spoke; /* it has said what it has heard ... */
    bool wants; /* ... and that it wants to be told over this link */
    struct holm_vector heard;
    uint64_t told; /* the number of the own report that it was last told */
    uint64_t
        told_heard;  /* a hash of what it was last told that was heard here; 0: to be told again */
    uint64_t passed; /* reports that had been taken when others' were last passed on */
    uint32_t pause,
        patience; /* rounds until what is not acknowledged is said again; the next pause */
};

/* Hearing what a peer has now (replica_wait.h). All zero: nobody has asked. */
struct holm_hearing {
    uint64_t asked, answered; /* pulls sent since it came up; answers to them */
    uint64_t number;          /* what is asked for; 0: nothing ... */
    uint64_t target;          /* ... and answered by this answer, or a later one */
    uint64_t wanted, heard;   /* the highest number that was asked for; that it has told all of */
    uint64_t asked_us;
};

struct holm_replica_peer {
    bool up;
    bool told;
    bool ahead;     /* it may have what is missing here */
    bool must_sync; /* runs will not do: vectors are equal and digests are not, or runs overlap */
    bool must_mend; /* the former, and this side's digest is right: what differs has one name */
    struct holm_actor actor;
    uint64_t seen;       /* of this replica's present actor, the highest seq the peer has applied */
    uint64_t wanted;     /* of the peer's actor, the seq whose application it wants to be told of */
    uint64_t retry_us;   /* not to be asked before */
    uint64_t backoff_us; /* the next delay; 0: none yet */
    uint64_t gap_us; /* its log does not reach back far enough: no sync with it before; 0: not so */
    uint64_t gap_hash;  /* with a gap: of the vector here, when the peer last said so */
    uint64_t repair_us; /* the back-off of the last repair; 0: its digest was right since */
    uint64_t told_hash; /* with `told`: of its vector, as it last said */
    uint64_t told_seq;  /* the last of its own, as it last said in a beacon … */
    uint64_t behind_us; /* … and since when something up to there is missing here, if it is */
    uint64_t fruitless_theirs, fruitless_mine; /* vector hashes at a pull that brought nothing */
    struct holm_report_link reports;
    struct holm_founding founding; /* of its member list, as it said */
    bool member;                   /* with `stable`: as it said */
    struct holm_feed_link feed;
    struct holm_pace_peer pace;
    struct holm_hearing hearing;
};

/* A cut as it is to be merged: whole, or as what differs, with what is to go. */
struct holm_merging_cut {
    struct holm_vector_view vector, collected;
    const struct holm_page *const *pages;
    size_t page_count;
    const struct holm_page *const *drops;
    size_t drop_count;
    bool mends; /* vectors and folds are this side's: what only one side has was never removed */
};

/* What is known of the members, with retention `stable`: replica_member.h. */
struct holm_guard {
    bool list;     /* the replica is the member list's */
    bool fenced;   /* takes only what members.h lets in */
    bool outlived; /* somebody's S folds this very epoch */
    struct holm_members members;
    struct holm_vector known; /* the list's vector */
    uint64_t known_hash;
    struct holm_stable stable;
    struct holm_stable others; /* what those who are no members have: nothing is collected by it */
    uint64_t hearings;         /* reports taken */
    uint64_t number;           /* of the own report ... */
    uint64_t said;             /* ... and its hash */
    struct holm_vector heard;  /* as it is told: rebuilt for each round */
    uint64_t tried;            /* what there was when there was nothing to collect; 0: never */
    struct holm_actor sender;  /* of the message that is being taken */
};

/* Who tells of so old a vector of this replica's is behind, and has nothing to tell. */
#define HOLM_REPLICA_PAST 16

/* The one pull that is under way. */
struct holm_replica_pull {
    bool active;
    uint32_t peer;
    uint64_t deadline_us;
};

/*
 * The one sync that is under way, as its receiver:
 *
 *     idle      catchup NULL
 *     opening   active: a peer was asked for a cut
 *     reading   active, cut_known: what differs is asked for; with `whole`, all of it, as pages
 *     orphaned  catchup, not active: the source went, another is looked for until `until_us`
 */
struct holm_replica_sync {
    struct holm_catchup *catchup; /* this side, frozen, and what is staged */
    bool active;
    bool cut_known;
    bool whole;
    bool
        mends; /* whole, with all payloads: merged as two writers' under one actor, if vectors are equal */
    uint32_t peer;
    uint32_t repeats; /* how often the same was asked for since an answer came */
    uint64_t number;
    uint64_t deadline_us;
    uint64_t until_us;
    struct holm_digest digest; /* of the cut's live state */
    uint64_t pages_total;      /* of a whole cut; 0: not known yet */
    uint64_t requested;        /* pages asked for so far */
    struct holm_page **pages;  /* staged, in order; one reference each */
    size_t page_count, page_capacity;
    size_t bytes;
};

/* A cut that a peer reads from. */
struct holm_replica_served {
    struct holm_offer *offer;
    uint32_t peer;
    uint64_t number;
    uint64_t deadline_us, end_us; /* for the next ask; and for all of them */
};

struct holm_replica {
    struct holm_replica_config config;
    struct holm_actors actors;
    uint32_t self; /* index of the present actor */
    struct holm_hlc hlc;
    struct holm_state state;
    struct holm_vector collected; /* S; stays empty with retention `forever` */
    struct holm_guard *guard;     /* NULL with retention `forever` */
    struct holm_pending pending;
    struct holm_oplog log;
    struct holm_holdback holdback;
    struct holm_replica_peer *peers;
    size_t peer_capacity;
    struct holm_replica_pull pull;
    struct holm_replica_sync sync;
    size_t followers;       /* peers with a feed.out */
    uint64_t fed_us;        /* when feeds last went out */
    uint64_t follow_cursor; /* where the search for a peer to follow goes on */
    struct holm_feed_root root;
    struct holm_pace pace;
    struct holm_ages ages;            /* of the present epoch's own runs */
    uint64_t past[HOLM_REPLICA_PAST]; /* hashes of the vector before its last changes */
    uint32_t past_next;
    uint64_t
        feeds_before; /* frames of feeds that came to the replica that this one has replaced: their last number */
    uint32_t feeder; /* whose feed is being taken; HOLM_PEER_NONE */
    struct holm_replica_served *served;
    size_t served_count, served_capacity;
    struct holm_actor *superseding; /* per node the highest epoch heard of */
    size_t superseding_count, superseding_capacity;
    size_t swept;         /* rows of folded epochs that were in use when that was last looked at */
    bool former;          /* this node wrote here under a former epoch of this life */
    uint64_t hearing;     /* the number of the last question what peers have now */
    uint64_t want_seq;    /* of the own actor: peers are asked to tell when they have it */
    uint64_t flushed_us;  /* when the last run was sealed */
    uint64_t written_us;  /* when the oldest pending operation came */
    uint64_t random;      /* state of the generator for jitter */
    uint64_t sync_number; /* the last one chosen */
    uint64_t peer_cursor; /* where the search for a peer to ask goes on */
    bool may_receive, may_serve; /* syncs may begin */
    bool retry;                  /* an allocation failed on the way: wake up soon */
    struct holm_now now;         /* of the present step */
    struct holm_arena scratch;   /* what outputs point to; emptied at each step */
    struct holm_work work;
    struct holm_output *outputs;
    size_t output_capacity;
    struct holm_delta **stored; /* one reference each, until the next step */
    size_t stored_capacity;
    struct holm_touched *touched;
    size_t touched_capacity;
    struct holm_page **lent; /* pages in outputs, one reference each, until the next step */
    size_t lent_count, lent_capacity;
    struct holm_replica_stats stats;
};

/* ---- replica.c */

/* Begins a call from outside that hands out work; ends it. */
void holm_replica_work_begin(struct holm_replica *replica, struct holm_now now);
void holm_replica_work_end(struct holm_replica *replica, const struct holm_work **work);

/* Adds an output to the step; the message's slices must live in `scratch` or longer. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_replica_output(struct holm_replica *replica, uint32_t peer,
                                                    const struct holm_message *message);
/* A message head of this type and partition. */
struct holm_message holm_replica_message(const struct holm_replica *replica,
                                         enum holm_message_type type);
/* Notes a changed key, which must live until the next step. Best effort: told as touched_all when
 * there is no memory. */
void holm_replica_touch(struct holm_replica *replica, struct holm_bytes key, uint32_t actor);
/* Room for one more stored run, and the noting, which takes a reference. */
HOLM_NODISCARD enum holm_status holm_replica_reserve_stored(struct holm_replica *replica);
void holm_replica_store(struct holm_replica *replica, struct holm_delta *delta);
/* The vector, copied into `scratch`. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_replica_copy_vector(struct holm_replica *replica,
                                                         struct holm_vector_view *view);
/* A pseudo-random number below `bound` > 0, from the seed given at init. */
uint64_t holm_replica_random(struct holm_replica *replica, uint64_t bound);

/* ---- replica_commit.c */
/* How many are in the table of actors, but oneself, who has written nothing. */
size_t holm_replica_writers(const struct holm_replica *replica);
/*
 * The index of an actor, who may be new. `more` than actors_max: 0 for runs, 1 for states, as one may have written before
 * it knew how many there are, and still has to take theirs. HOLM_ELIMIT, HOLM_ENOMEM.
 */
HOLM_NODISCARD enum holm_status holm_replica_intern(struct holm_replica *replica,
                                                    struct holm_actor actor, size_t more,
                                                    uint32_t *index);

HOLM_NODISCARD enum holm_status holm_replica_commit(struct holm_replica *replica,
                                                    const struct holm_op *ops, size_t count);

/* ---- replica_delta.c */

/* Seals and publishes what is pending; nothing pending is fine. HOLM_ENOMEM: it stays pending. */
HOLM_NODISCARD enum holm_status holm_replica_seal(struct holm_replica *replica);
/* Takes a run that was broadcast: applies, holds back or ignores it. */
HOLM_NODISCARD enum holm_status holm_replica_receive(struct holm_replica *replica, uint32_t peer,
                                                     struct holm_delta *delta);
/* Takes a run of an answer or a feed, which has no deps: what it needs came before it. So it is never
 * held back. HOLM_EMALFORMED: it is early, its sender did not keep the order. */
HOLM_NODISCARD enum holm_status holm_replica_receive_next(struct holm_replica *replica,
                                                          uint32_t peer, struct holm_delta *delta);
/* Applies what has become ready in the hold-back queue. Best effort. */
void holm_replica_drain(struct holm_replica *replica);

/* ---- replica_pull.c */

/* Asks a peer for all that it has and is not here; counted, and nothing else. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_replica_send_pull(struct holm_replica *replica, uint32_t peer);
HOLM_NODISCARD enum holm_status holm_replica_ask_runs(struct holm_replica *replica, uint32_t peer);
HOLM_NODISCARD enum holm_status holm_replica_serve_pull(struct holm_replica *replica, uint32_t peer,
                                                        const struct holm_pull *pull);
HOLM_NODISCARD enum holm_status holm_replica_take_deltas(struct holm_replica *replica,
                                                         uint32_t peer,
                                                         const struct holm_deltas *deltas);

/* ---- replica_hear.c */

/* Asks all peers for what they have now, or those again that have not answered `number`. Best effort. */
void holm_replica_hear(struct holm_replica *replica, uint64_t number);
/* An answer to a pull was taken; `whole`: and the peer had nothing that is not here. `more`: it has runs to follow. */
void holm_replica_hear_answer(struct holm_replica *replica, uint32_t peer, bool more, bool whole);

/* ---- replica_feed.c */

HOLM_NODISCARD enum holm_status holm_replica_take_follow(struct holm_replica *replica,
                                                         uint32_t peer,
                                                         const struct holm_follow *follow);
HOLM_NODISCARD enum holm_status holm_replica_take_unfollow(struct holm_replica *replica,
                                                           uint32_t peer,
                                                           const struct holm_unfollow *unfollow);
/* The frames of the peer's feed up to `ack` have been taken. */
void holm_replica_take_feed_ack(struct holm_replica *replica, uint32_t peer, uint64_t ack);
/* The peer has this run: it is from there. */
void holm_replica_feed_learn(struct holm_replica *replica, uint32_t peer,
                             const struct holm_delta *run);
/* When followers are to be sent something; does so, if that is now. Best effort. */
uint64_t holm_replica_feed_due(const struct holm_replica *replica);
void holm_replica_feed_all(struct holm_replica *replica);
/* Epochs are folded, under this index; `more` than what was applied. An index is vacant. Indices change:
 * indices[old], HOLM_ACTOR_NONE where it is vacant, of so many. Best effort: who is taken for behind pulls. */
void holm_replica_feed_folded(struct holm_replica *replica, uint32_t fold, bool more);
void holm_replica_feed_dropped(struct holm_replica *replica, uint32_t index);
void holm_replica_feed_renumber(struct holm_replica *replica, const uint32_t *indices,
                                size_t count);
/* The peer does not follow any more; the present epoch is a new one. */
void holm_replica_feed_end(struct holm_replica *replica, uint32_t peer);
void holm_replica_feed_epoch(struct holm_replica *replica);

/* ---- replica_lag.c */

/* A run of this replica's own, from `first` on, was sealed. */
void holm_replica_lag_sealed(struct holm_replica *replica, uint64_t first);
/* A beacon of the peer told that it has written up to own_seq. */
void holm_replica_lag_told(struct holm_replica *replica, struct holm_replica_peer *peer,
                           uint64_t own_seq);

/* ---- replica_pace.c */

/* Whether a run that is sealed now is to be published at once; else it is in the op log, and waits. */
bool holm_replica_pace_open(struct holm_replica *replica);
/* An own run was handed out; the newest own run in the op log waits. */
void holm_replica_pace_published(struct holm_replica *replica, const struct holm_delta *run,
                                 size_t bytes);
void holm_replica_pace_wait(struct holm_replica *replica);
/* Publishes what waits, as far as it may. Runs stay in the op log only until the next is pushed: call it
 * when the step has done everything else. Best effort. */
void holm_replica_pace_go_on(struct holm_replica *replica);
uint64_t holm_replica_pace_wake(const struct holm_replica *replica);
/* A peer has come; is known to have applied peer->seen. */
void holm_replica_pace_up(struct holm_replica *replica, struct holm_replica_peer *peer);
void holm_replica_pace_seen(struct holm_replica *replica, struct holm_replica_peer *peer);
/* A run of this actor was applied, of so many bytes; whether its node is to be told without having asked. */
void holm_replica_pace_applied(struct holm_replica *replica, struct holm_actor actor, size_t bytes);
bool holm_replica_pace_owes(const struct holm_replica *replica,
                            const struct holm_replica_peer *peer);
/* Runs of the former epoch are not published any more. */
void holm_replica_pace_epoch(struct holm_replica *replica);

/* ---- replica_follow.c */

HOLM_NODISCARD enum holm_status holm_replica_take_wish(struct holm_replica *replica, uint32_t peer,
                                                       enum holm_follow_wish wish);
HOLM_NODISCARD enum holm_status holm_replica_take_feed(struct holm_replica *replica, uint32_t peer,
                                                       const struct holm_feed *feed);
/* A frame of what this peer is fed, sent then, was acknowledged: the oldest that was not. */
void holm_replica_acked(struct holm_replica *replica, uint32_t peer, uint64_t sent_us);
/* Whether this peer's feed is or is about to be taken. */
bool holm_replica_follows(const struct holm_replica_peer *peer);
/*
 * How many bytes of runs are as good as one of state, for a peer that lacks them and has this by index, of
 * `count` actors. More than one where there are feeds: a sync leaves a hole in the log of who asks, so that all
 * who hear through it wait for others to bring what is missing, and then sync in turn (replica_gap.c). One who
 * has nothing of others is a newcomer, through whom nobody hears yet. O(peers + actors).
 */
uint64_t holm_replica_state_weight(const struct holm_replica *replica, struct holm_actor asker,
                                   const uint64_t *has, size_t count);
/* Whether some feed is: then what beacons tell of is likely under way. */
bool holm_replica_is_fed(const struct holm_replica *replica);
/* A peer's beacon tells of another vector: it is asked when that stays so. */
void holm_replica_doubt(struct holm_replica *replica, uint32_t peer,
                        const struct holm_beacon_entry *entry);
/* Its question has told of something that is missing here: doubted when feeds come, asked for at once if not. */
void holm_replica_exceeded(struct holm_replica *replica, uint32_t peer,
                           struct holm_vector_view vector);
/* The same of its own seq alone. */
void holm_replica_doubt_seq(struct holm_replica *replica, uint32_t peer, uint64_t seq);
/* So did one that has just come and is not followed. It has fed nobody here, so that nothing of it is under way but
 * from others who met it before: they have a moment, and not the patience of a beacon. */
void holm_replica_doubt_new(struct holm_replica *replica, uint32_t peer, uint64_t seq);
void holm_replica_trust(struct holm_replica *replica, uint32_t peer); /* the vectors were equal */
/* The peer has come; is gone. */
void holm_replica_follow_new(struct holm_replica *replica, uint32_t peer, bool can);
void holm_replica_follow_forget(struct holm_replica *replica, uint32_t peer);
/* The vector changes, and this was its hash. */
void holm_replica_past_note(struct holm_replica *replica, uint64_t hash);
/* A run was applied, or sealed. */
void holm_replica_root_note(struct holm_replica *replica, const struct holm_delta *run);
/* Whether what is owed is acknowledged with a frame that goes out now. */
bool holm_replica_ack_rides(const struct holm_replica *replica, const struct holm_feed_link *link);
/* Follows whom it is time to follow, looks after what stays missing, acknowledges; when that is due. */
void holm_replica_follow_tick(struct holm_replica *replica);
uint64_t holm_replica_follow_wake(const struct holm_replica *replica);

/* ---- replica_sync.c */

/* Begins a sync with this peer, or goes on with what was staged of one that is gone. */
HOLM_NODISCARD enum holm_status holm_replica_ask_cut(struct holm_replica *replica, uint32_t peer);
HOLM_NODISCARD enum holm_status holm_replica_take_cut(struct holm_replica *replica, uint32_t peer,
                                                      const struct holm_sync_cut *cut);
HOLM_NODISCARD enum holm_status holm_replica_take_tell(struct holm_replica *replica, uint32_t peer,
                                                       const struct holm_sync_tell *tell);
HOLM_NODISCARD enum holm_status holm_replica_take_page(struct holm_replica *replica, uint32_t peer,
                                                       const struct holm_sync_page *page);
/* The link to this peer is gone: if the sync came from there, it looks for another. */
void holm_replica_lose_source(struct holm_replica *replica, uint32_t peer);
/* Asks again for what did not come, gives up what does not come at all. */
void holm_replica_time_sync(struct holm_replica *replica);
/* When that is next to be done. */
uint64_t holm_replica_sync_wake(const struct holm_replica *replica);
/* Gives up the sync that is under way and frees what was staged. Says nothing to anybody. */
void holm_replica_abandon_sync(struct holm_replica *replica);
/* How its syncs are compared. */
struct holm_reconcile_config holm_replica_sync_config(const struct holm_replica *replica);

/* ---- replica_serve.c */
HOLM_NODISCARD enum holm_status holm_replica_serve_cut(struct holm_replica *replica, uint32_t peer,
                                                       const struct holm_sync_open *open);
HOLM_NODISCARD enum holm_status holm_replica_serve_ask(struct holm_replica *replica, uint32_t peer,
                                                       const struct holm_sync_ask *ask);
HOLM_NODISCARD enum holm_status holm_replica_serve_pages(struct holm_replica *replica,
                                                         uint32_t peer,
                                                         const struct holm_sync_next *next);
void holm_replica_stop_serving(struct holm_replica *replica, uint32_t peer, uint64_t number);
/* Closes the cuts of a peer that went, and those that nobody reads. */
void holm_replica_forget_cuts(struct holm_replica *replica, uint32_t peer);
/*
 * Whether a sync will take fewer bytes than the runs that a peer lacks, who has `has` by index. A gap of
 * flush_bytes is never worth one. Beyond, with K the distinct keys that those runs write (counted by hashes
 * into 65,536 bits; the items where they fill half of those) and C the state's bytes of memory a cell:
 *
 *     a sync takes  1,024 + K * (C + 64) bytes, and at most the state's in memory
 *
 * Measured with 10^5 small records (C is 64), of which 100, 1,000 and 10,000 are new on each side: 21, 111 and
 * 533 KiB, of 217, 114 and 55 a key; this rule takes 128. What was written many times makes runs long, and not
 * the sync. O(1), O(items lacked) beyond flush_bytes; without memory it says no.
 */
bool holm_replica_sync_is_cheaper(struct holm_replica *replica, struct holm_actor asker,
                                  const uint64_t *has, size_t runs_bytes);

/* ---- replica_offer.c, replica_catchup.c: what replica.h says, in a step */

/* As holm_offer_open(), when nothing is pending and the vector is valid. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_offer_new(struct holm_replica *replica,
                                               const struct holm_reconcile_config *config,
                                               struct holm_vector_view receiver,
                                               struct holm_offer **offer);
/* The cut as pages, without the payloads that the receiver's vector covers; its vector and S are the
 * offer's. Borrowed until the offer is closed. O(everything) the first time.
 * HOLM_ELIMIT: too much has changed. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_offer_pages(struct holm_offer *offer, struct holm_cut **cut);

/* As holm_catchup_open(), when nothing is pending. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_catchup_new(struct holm_replica *replica,
                                                 const struct holm_reconcile_config *config,
                                                 struct holm_catchup **catchup);
/* The server went: its part is kept for the next one. HOLM_ENOMEM: it can be called again, or closed. */
HOLM_NODISCARD enum holm_status holm_catchup_leave(struct holm_catchup *catchup);
/* How many items servers have left. */
uint64_t holm_catchup_kept(const struct holm_catchup *catchup);
/* Whether too much has changed since the freeze. */
bool holm_catchup_broken(const struct holm_catchup *catchup);
/* Whether a whole cut has to be taken. */
bool holm_catchup_folds_differ(const struct holm_catchup *catchup);
/* The last cut it was started with: its vectors, without pages. Borrowed. */
struct holm_merging_cut holm_catchup_cut(const struct holm_catchup *catchup);
/* holm_catchup_finish() without its work. */
HOLM_NODISCARD enum holm_status holm_catchup_apply(struct holm_catchup *catchup);

/* ---- replica_cut.c */

/* The state, which must have nothing pending, as pages; payloads that `known` covers are left out. Or what
 * is frozen of it, then without vector, S and digest. HOLM_ENOMEM. O(everything). */
HOLM_NODISCARD enum holm_status holm_cut_copy(struct holm_replica *replica,
                                              const struct holm_frozen *frozen,
                                              struct holm_vector_view known, struct holm_cut **cut);
/* What is frozen of the records whose hash is from `first` to `last`. HOLM_ENOMEM. O(what they have). */
HOLM_NODISCARD enum holm_status holm_cut_copy_range(struct holm_replica *replica,
                                                    const struct holm_frozen *frozen,
                                                    uint64_t first, uint64_t last,
                                                    struct holm_cut **cut);
struct holm_page *holm_cut_page_at(struct holm_cut *cut, size_t index);

/* ---- replica_merge.c */

/* Merges a whole cut. Nothing may be pending. All or nothing. HOLM_ENOMEM, HOLM_ELIMIT,
 * HOLM_EMALFORMED, HOLM_EDUPLICATE (it covers operations of this actor that it never minted). */
HOLM_NODISCARD enum holm_status holm_replica_merge(struct holm_replica *replica,
                                                   const struct holm_merging_cut *cut);

struct holm_merging {
    struct holm_replica *replica;
    uint64_t *cut;  /* by index: the cut's vector; of an epoch 0: all or nothing */
    uint8_t *fates; /* by index: what becomes of counter entries here; NULL: no folds */
    struct holm_vector_view vector;    /* the cut's */
    struct holm_vector_view collected; /* the cut's S */
    struct holm_vector grown;          /* S of both; empty when that is no news */
    uint32_t *indices;                 /* by the present page's number: the replica's index */
    bool mark;                         /* what an item brings or finds gets the mark; or loses it */
    bool mends;                        /* as the cut's */
    uint64_t mended;                   /* what was found to be two under one name, and is one now */
    struct holm_arena_mark scratch;
};

/* Looks whether the cut can be merged, and takes room in `scratch`. Nothing may be pending. The errors of
 * holm_replica_merge(): nothing is to be released then. */
HOLM_NODISCARD enum holm_status holm_merging_init(struct holm_merging *merging,
                                                  struct holm_replica *replica,
                                                  const struct holm_merging_cut *cut);
void holm_merging_release(struct holm_merging *merging);
/* Before the transaction: makes room for what the pages bring. Best effort. */
void holm_merging_expect(struct holm_merging *merging, const struct holm_page *const *pages,
                         size_t page_count);
/* merging->indices, for the table of these items. */
void holm_merging_number(struct holm_merging *merging, const struct holm_items *items);
/* Merges one page's items into the state, in an open transaction. HOLM_ENOMEM, HOLM_EMALFORMED. */
HOLM_NODISCARD enum holm_status holm_merging_page(struct holm_merging *merging,
                                                  const struct holm_page *page);

/* ---- replica_merge_folds.c */

/* S as it will be. */
struct holm_vector_view holm_merging_collected(const struct holm_merging *merging);
/* Decides of all nodes that S, as it will be, has folds of, what becomes of their counter entries.
 * O(nodes with folds x actors). HOLM_ENOMEM, HOLM_EMALFORMED. */
HOLM_NODISCARD enum holm_status holm_merging_judge(struct holm_merging *merging);
/*
 * Merges an entry of an epoch that S, as it will be, folds. Who covers all of a node's folded epochs knows
 * whether anything is left of them in a slot: a reset that one of the two has not seen has seen all of
 * them. So what one of them lacks is gone. How much is left knows who has folded: that was
 * not done before all resets that had seen but a part were everywhere (who gets the fold by a cut may lack
 * some). So the cut's entry stands if it has folded more, else the one here. And who is behind takes what the
 * other has. HOLM_ENOMEM.
 */
HOLM_NODISCARD enum holm_status holm_merging_share(struct holm_merging *merging,
                                                   const struct holm_item *item, uint32_t actor,
                                                   const struct holm_key *key);

/* ---- replica_merge.c */

/* After the commit: S, the vector with the op log's floors, and the clock. */
void holm_merging_conclude(struct holm_merging *merging, const struct holm_merging_cut *cut);

/* ---- replica_apply.c */

/* Makes the state what a merge of the whole cut would make it, of what was found to differ from it when
 * it was `frozen`. All or nothing. The errors of holm_replica_merge(). */
HOLM_NODISCARD enum holm_status holm_replica_apply(struct holm_replica *replica,
                                                   struct holm_frozen *frozen,
                                                   const struct holm_merging_cut *cut);

/* ---- replica_twin.c */

/* Counts a sign of a twin, and gives HOLM_EDUPLICATE. */
HOLM_NODISCARD enum holm_status holm_replica_twin(struct holm_replica *replica);
/* Whether a vector covers operations of the present actor that were not sealed here. */
bool holm_replica_claimed(const struct holm_replica *replica, struct holm_vector_view vector);
/* Whether a run of the present actor is none that was sealed here, as far as the op log tells. */
bool holm_replica_forged(const struct holm_replica *replica, const struct holm_delta *delta);

/* ---- replica_fold.c */

/* Whether the actor's epoch is folded in this S; of an epoch 0, whether any of its node is. */
bool holm_replica_folds(struct holm_vector_view collected, struct holm_actor actor);
/* Gives the folded actors of the S that is to be their indices. HOLM_ENOMEM, HOLM_ELIMIT. */
HOLM_NODISCARD enum holm_status holm_replica_plan_folds(struct holm_replica *replica,
                                                        const struct holm_vector *grown);
/* What becomes of an actor's counter entries. */
enum holm_fate {
    HOLM_FATE_STAY = 0,
    HOLM_FATE_FOLD = 1,
    HOLM_FATE_DROP = 2 /* what is merged next has them */
};
/* Does so, by index, in an open transaction. O(cells). HOLM_ENOMEM: roll back. */
HOLM_NODISCARD enum holm_status holm_replica_fold_by(struct holm_replica *replica,
                                                     const uint8_t *fates);
/* Folds what `grown` folds and S does not; nothing, if it is empty. As above. */
HOLM_NODISCARD enum holm_status holm_replica_fold(struct holm_replica *replica,
                                                  const struct holm_vector *grown);
/* The seq of a folded entry, by its place: a hash, so that no two entries of a node have one dot. */
uint64_t holm_replica_fold_seq(const struct holm_state *state, const struct holm_spot *spot,
                               uint32_t path);
/* Equal where S folds the same. */
uint64_t holm_replica_fold_hash(const struct holm_replica *replica);
/* Up to where a peer with this vector has the present actor's operations. */
uint64_t holm_replica_seen_in(const struct holm_replica *replica, struct holm_vector_view vector);
/* Drops rows of folded epochs that nothing uses, when there may be more than the last time. No index may be
 * held across it. Best effort. O(cells). */
void holm_replica_sweep(struct holm_replica *replica);

/* ---- replica_collect.c */

/*
 * *grown := S and `collected`, or empty when that is no news; to be released in either case. `causes`
 * is the vector of the cut that it came with; a run's causes are here.
 *   HOLM_EMALFORMED  no vector; more than was applied; anything, with retention `forever`. HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_replica_plan_collected(const struct holm_replica *replica,
                                                            struct holm_vector_view collected,
                                                            struct holm_vector_view causes,
                                                            struct holm_vector *grown);
/* Takes the tombstones away that it covers, in an open transaction. O(records), if there is news and
 * there are tombstones. HOLM_ENOMEM: roll back. */
HOLM_NODISCARD enum holm_status holm_replica_drop_tombstones(struct holm_replica *replica,
                                                             const struct holm_vector *grown);
/* After the commit: S := grown, unless that is empty, and R folds what S does. `cut` is the vector of the
 * cut that S grows by, if it is one: it has all of what is folded anew. */
void holm_replica_take_collected(struct holm_replica *replica, struct holm_vector *grown,
                                 const struct holm_vector_view *cut);
/* Erases the ghosts of one actor. Nothing may be pending. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_replica_erase_ghosts(struct holm_replica *replica,
                                                          uint32_t actor, size_t *dropped);
HOLM_NODISCARD enum holm_status holm_replica_collect_now(struct holm_replica *replica,
                                                         struct holm_vector_view frontier);

/* ---- replica_member.c: without a guard nothing is refused, and nothing noted */

HOLM_NODISCARD enum holm_status holm_guard_new(struct holm_replica *replica);
void holm_guard_free(struct holm_replica *replica);
/* Notes who sends; false: this message is not taken at all. */
bool holm_guard_meets(struct holm_replica *replica, uint32_t peer,
                      const struct holm_message *message);
/* Whether a run of this writer may be taken from who sends. */
bool holm_guard_takes(const struct holm_replica *replica, struct holm_actor writer,
                      enum holm_way way);
/* Whether a peer is one to be asked for what is missing here. */
bool holm_guard_asks(const struct holm_replica *replica, const struct holm_replica_peer *peer);
/* Before S grows by `collected`: notes what is relied upon, and whether this epoch is given up. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_guard_rely(const struct holm_replica *replica);
void holm_guard_outlive(const struct holm_replica *replica, struct holm_vector_view collected);
HOLM_NODISCARD enum holm_status holm_guard_report(struct holm_replica *replica, uint32_t peer,
                                                  const struct holm_message *message);
void holm_guard_epoch(struct holm_replica *replica);

/* ---- replica_gap.c */

/* The peer's log does not reach back to what is missing here. Whether to wait for feeds and other peers
 * to bring it: for a while, unless nothing is here yet, or nobody else may have it. O(peers). */
bool holm_replica_gap_waits(struct holm_replica *replica, uint32_t peer);
/* Whether it has waited, and nothing came meanwhile: there is no use in asking for runs again. */
bool holm_replica_gap_stands(const struct holm_replica *replica,
                             const struct holm_replica_peer *known);
/* A peer had nothing: a gap that nobody else can close waits no longer. O(peers ^ 2) with gaps. */
void holm_replica_gaps_look(struct holm_replica *replica);
/* Nothing of the peer's is missing here; of anyone's, after a sync. */
void holm_replica_gap_closed(struct holm_replica *replica, uint32_t peer);
void holm_replica_gaps_end(struct holm_replica *replica);

/* ---- replica_report.c */

/* What a report would say, as one number, never 0. */
uint64_t holm_guard_report_hash(const struct holm_replica *replica, bool provisional);
void holm_guard_link_new(struct holm_replica *replica, uint32_t peer);
void holm_guard_link_end(struct holm_replica *replica, uint32_t peer);

/* ---- replica_peer.c */
struct holm_replica_peer *holm_replica_find_peer(struct holm_replica *replica, uint32_t peer);
HOLM_NODISCARD enum holm_status holm_replica_peer_up(struct holm_replica *replica, uint32_t peer,
                                                     struct holm_actor actor, bool feeds);
void holm_replica_peer_down(struct holm_replica *replica, uint32_t peer);
/* Holds a peer's line of a beacon against this replica. */
void holm_replica_compare(struct holm_replica *replica, uint32_t peer,
                          const struct holm_beacon_entry *entry);
/* A peer is known to have applied this node's operations up to seq. */
void holm_replica_seen_by(struct holm_replica *replica, struct holm_replica_peer *peer,
                          uint64_t seq);
/* The peer has more: ask it after `delay_us`, unless it is being left alone for longer. */
void holm_replica_mark_ahead(struct holm_replica *replica, uint32_t peer, uint64_t delay_us);
/* The peer did not answer: leave it alone for a while, longer each time. */
void holm_replica_back_off(struct holm_replica *replica, uint32_t peer);
/* Vectors are not equal any more, or digests are: nothing is mended with this peer before the next breach. */
void holm_replica_put_off_mending(struct holm_replica *replica, uint32_t peer);
/* One that was asked does not answer: any other that is not known to be equal may be ahead, too. */
void holm_replica_ask_others(struct holm_replica *replica, uint32_t peer);
/* Until when an answer of this peer is waited for. */
uint64_t holm_replica_deadline(const struct holm_replica *replica, uint32_t peer);
void holm_replica_answered(struct holm_replica *replica, uint32_t peer);
/* Tells peers that wanted to know; asks whom it is time to ask; drops what timed out. */
void holm_replica_schedule(struct holm_replica *replica);
/* The earliest time at which schedule has something to do. */
uint64_t holm_replica_wake(const struct holm_replica *replica);
void holm_replica_want(struct holm_replica *replica, uint32_t peer);
void holm_replica_supersede(struct holm_replica *replica, struct holm_actor actor);
/* When a run of this actor, held back now, is to be dropped. */
uint64_t holm_replica_doom_of(const struct holm_replica *replica, struct holm_actor actor);

#endif
