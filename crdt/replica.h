/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replica.h - one node's copy of one partition: a state machine without I/O.
 *
 *     step(replica, event, now) -> work
 *
 *     event   local operations | a message from a peer | a peer came or went | time passed
 *     work    messages to send | deltas to store | keys that changed | when to wake me
 *
 * It reads no clock, draws no randomness, opens, locks and logs nothing, and calls no one back.
 * Runtime and simulator drive this very code. What the host does: keep the events of one replica
 * in order, send what the work says, and call step again at the wake-up time.
 *
 * Invariants, verified by holm_replica_check():
 *     R1  the vector is causally closed, and only ever holds values that end a run
 *     R2  the live digest is the sum over the live cells
 *     R3  every cell's dot is covered by the vector or is pending
 *     R4  a buried key has no cells
 *     R5  the op log is in causal order and holds all runs above its floor
 *
 * Convergence: equal vectors mean equal live digests, whatever is folded. Every beacon entry and answer is held
 * against this; a breach is counted and repaired by a sync.
 */
#ifndef HOLM_CRDT_REPLICA_H
#define HOLM_CRDT_REPLICA_H

#include "crdt/feed.h"
#include "crdt/message.h"
#include "crdt/pace.h"
#include "crdt/reconcile.h"
#include "crdt/vector.h"

struct holm_replica;

/* A peer, as the host numbers its links: small numbers, reused. */
#define HOLM_PEER_NONE UINT32_MAX
#define HOLM_REPLICA_PEERS_MAX 1024

struct holm_replica_config {
    struct holm_allocator allocator;
    uint32_t partition;
    struct holm_actor self;
    uint64_t digest_seed;       /* the cluster's: equal on all its nodes */
    uint64_t random_seed;       /* for jitter */
    uint64_t flush_interval_us; /* 1,000 */
    uint64_t pull_timeout_us;   /* 1,000,000: then another peer is asked */
    uint64_t retry_min_us;      /* 20,000: first back-off, doubled with jitter up to … */
    uint64_t retry_max_us;      /* 5,000,000 */
    uint64_t cut_timeout_us;    /* 10,000,000: a cut that nobody reads is closed; what was
                                   staged of one that is gone is dropped if no other comes */
    uint64_t cut_life_us;       /* 600,000,000: one that is read ever on is closed, too */
    uint64_t max_drift_ms;      /* 60,000 */
    size_t frame_bytes_max;     /* 1 MiB */
    size_t flush_bytes;         /* 64 KiB: a run is sealed at this size, a frame of a feed full */
    size_t feed_bytes_max;      /* 256 KiB: unacknowledged bytes of a feed */
    size_t
        unacked_bytes_max; /* 1 MiB: published, and not acknowledged by a peer that is waited for (pace.h) */
    uint64_t lag_us;               /* 250,000: so long */
    size_t log_bytes_max;          /* 4 MiB */
    size_t holdback_bytes_max;     /* 4 MiB */
    size_t sync_bytes_max;         /* 1 GiB: what a sync may stage before it is applied */
    size_t cuts_max;               /* 2: cuts open at once, for peers */
    size_t kept_bytes_max;         /* 64 MiB: of what changes while a side of a sync is frozen */
    size_t actors_max;             /* 65,536, a 64th of frame_bytes_max at most: more are refused */
    uint32_t page_items_max;       /* 32,768 cells a page or tell; a page is half a frame at most */
    enum holm_retention retention; /* FOREVER */
    bool list;    /* false; true: the partition of the member list (replica_member.h) */
    bool ordered; /* false; true: keys are kept in order, for 11 bytes a record */
};

/* The defaults above; allocator, partition, self and the seeds are left zero. */
struct holm_replica_config holm_replica_config_default(void);

/*
 * A replica with nothing in it, of an actor that has never written. *replica is set on success,
 * and freed with holm_replica_free(). HOLM_EINVAL (a limit that contradicts another), HOLM_ENOMEM.
 */
HOLM_NODISCARD enum holm_status holm_replica_new(const struct holm_replica_config *config,
                                                 struct holm_replica **replica);
void holm_replica_free(struct holm_replica *replica); /* NULL is allowed */

/* ---- step ---------------------------------------------------------------------------------- */

enum holm_event_type {
    HOLM_EVENT_COMMIT = 1,     /* local operations, as one batch */
    HOLM_EVENT_MESSAGE = 2,    /* from a peer */
    HOLM_EVENT_PEER_UP = 3,    /* Hello has come back over a link; the peer can be asked */
    HOLM_EVENT_PEER_DOWN = 4,  /* the link is gone */
    HOLM_EVENT_TICK = 5,       /* time passed: do what is due */
    HOLM_EVENT_FLUSH = 6,      /* seal and publish what is pending now */
    HOLM_EVENT_EPOCH = 7,      /* this node goes on under a new, higher epoch */
    HOLM_EVENT_SUPERSEDED = 8, /* a node is heard to live under this epoch: older ones have ended */
    HOLM_EVENT_WANT = 9,       /* somebody waits until peers have applied what was written here */
    HOLM_EVENT_FOLLOW = 10,    /* the host wishes to follow a peer, or no more (feed.h) */
    HOLM_EVENT_HEAR = 11       /* somebody waits to hear what peers have now (replica_wait.h) */
};

struct holm_event {
    enum holm_event_type type;
    union {
        struct {
            const struct holm_op *ops; /* borrowed; a batch of count >= 1 */
            size_t count;
        } commit;
        struct {
            uint32_t peer; /* HOLM_PEER_NONE: a broadcast of someone there is no link to */
            const struct holm_message *message;
        } message;
        struct {
            uint32_t peer;
            struct holm_actor actor;
            bool feeds; /* it understands feeds */
        } peer;         /* UP, DOWN */
        struct {
            uint32_t peer; /* which is up; its coming up anew ends the wish */
            enum holm_follow_wish wish;
        } follow;
        struct holm_epoch epoch;      /* EPOCH: must be higher than the present one */
        struct holm_actor superseded; /* SUPERSEDED: the node and its present epoch */
        uint64_t
            hear; /* HEAR: 0, a new question; else its number: who has not answered is asked again */
    } as;
};

/* A message to send. Everything in it stays readable until the next step. */
struct holm_output {
    uint32_t peer; /* HOLM_PEER_NONE: broadcast */
    struct holm_message message;
};

/* A key that changed in this step. Each key at most once a step as far as is cheap. */
struct holm_touched {
    struct holm_bytes key;
    struct holm_actor origin;
};

/* What a step wants done. It belongs to the replica, and is readable until the next step. */
struct holm_work {
    const struct holm_output *outputs; /* in the order in which they must be sent */
    size_t output_count;
    struct holm_delta *const
        *stored; /* runs sealed or applied, in causal order: store before send */
    size_t stored_count;
    const struct holm_touched *touched;
    size_t touched_count;
    bool touched_all; /* anything may have changed */
    bool synced;      /* a cut was applied, which no run in `stored` tells of: store the state */
    bool receiving;   /* a sync is under way */
    uint32_t serving; /* cuts are open for so many peers */
    struct holm_dot first; /* COMMIT: the dot of the first operation … */
    uint32_t minted;       /* … and how many were minted (those without effect mint nothing) */
    uint64_t wake_us;      /* monotonic; HOLM_NEVER when there is nothing to wait for */
};

/*
 * Takes one event. All or nothing: after an error the state is as it was (a message from outside
 * that is refused is counted in the figures, and must not close more than its own link).
 * *work is set always, and valid until the next step.
 *   COMMIT   HOLM_EBURIED, HOLM_EINVAL, HOLM_ETOOBIG, HOLM_EOVERFLOW, HOLM_ELIMIT (a new writer; 7/8 of actors_max have been)
 *   MESSAGE  HOLM_EMALFORMED, HOLM_ELIMIT
 *            HOLM_EDUPLICATE  somebody else writes under this replica's node id and epoch: it told
 *                             of operations that were not minted here, or of others under their
 *                             dots. Counted as twins; take a higher epoch (HOLM_EVENT_EPOCH), and
 *                             what the twin wrote is taken like anybody's.
 *   all      HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_replica_step(struct holm_replica *replica,
                                                  const struct holm_event *event,
                                                  struct holm_now now,
                                                  const struct holm_work **work);

/*
 * Whether a sync may begin, and a cut be opened for a peer, from the next step on; at first both may. For a
 * host with many replicas, who bounds what its node has under way (work->receiving, work->serving): who may
 * not begin tries again a little later, and tells who asks for a cut that it is busy. What has begun goes
 * on.
 */
void holm_replica_permit_syncs(struct holm_replica *replica, bool receiving, bool serving);

/* ---- looking ------------------------------------------------------------------------------- */

/* What is here, for reading. Pointers are borrowed until the next step. */
struct holm_cell_view {
    struct holm_bytes key;
    struct holm_bytes path;
    uint8_t kind;
    struct holm_bytes sub;
    struct holm_dot dot; /* COUNTER: the actor, and its last seq */
    uint64_t hlc;
    struct holm_value value;        /* COUNTER: HOLM_I64, this actor's share */
    const struct holm_count *count; /* COUNTER, otherwise NULL */
};

/* Reads of one slot. Absent, buried, or a path that cannot be: HOLM_ENOENT, false. */
HOLM_NODISCARD enum holm_status holm_replica_get_at(const struct holm_replica *replica,
                                                    struct holm_bytes key, struct holm_path path,
                                                    enum holm_kind kind,
                                                    struct holm_cell_view *winner);
/* The sum of a counter, saturated to 64 bits; 0 with HOLM_ENOENT. */
HOLM_NODISCARD enum holm_status holm_replica_count_at(const struct holm_replica *replica,
                                                      struct holm_bytes key, struct holm_path path,
                                                      int64_t *sum);
bool holm_replica_contains_at(const struct holm_replica *replica, struct holm_bytes key,
                              struct holm_path path, struct holm_bytes element);
bool holm_replica_enabled_at(const struct holm_replica *replica, struct holm_bytes key,
                             struct holm_path path);

/* The same for a field that lies in no other; empty: the record itself. */
HOLM_NODISCARD static inline enum holm_status holm_replica_get(const struct holm_replica *replica,
                                                               struct holm_bytes key,
                                                               struct holm_bytes field,
                                                               enum holm_kind kind,
                                                               struct holm_cell_view *winner)
{
    return holm_replica_get_at(replica, key, holm_path_of(&field, field.size > 0), kind, winner);
}
HOLM_NODISCARD static inline enum holm_status holm_replica_count(const struct holm_replica *replica,
                                                                 struct holm_bytes key,
                                                                 struct holm_bytes field,
                                                                 int64_t *sum)
{
    return holm_replica_count_at(replica, key, holm_path_of(&field, field.size > 0), sum);
}
static inline bool holm_replica_contains(const struct holm_replica *replica, struct holm_bytes key,
                                         struct holm_bytes field, struct holm_bytes element)
{
    return holm_replica_contains_at(replica, key, holm_path_of(&field, field.size > 0), element);
}
static inline bool holm_replica_enabled(const struct holm_replica *replica, struct holm_bytes key,
                                        struct holm_bytes field)
{
    return holm_replica_enabled_at(replica, key, holm_path_of(&field, field.size > 0));
}
bool holm_replica_exists(const struct holm_replica *replica, struct holm_bytes key);
bool holm_replica_buried(const struct holm_replica *replica, struct holm_bytes key);

/*
 * Visits live cells: of one record (in the order of path, kind, element, then best sibling first)
 * or, with an empty key, of all records, in no order but the history's. The visitor returns false
 * to stop; it must not step the replica. O(cells visited); sorting a record needs no memory.
 */
typedef bool holm_cell_visitor(void *context, const struct holm_cell_view *cell);
void holm_replica_visit(const struct holm_replica *replica, struct holm_bytes key,
                        holm_cell_visitor *visit, void *context);

/* Visits live cells of one record at or below a path, in the same order: those of the path itself
 * come first. O(log cells of the record + cells visited). */
void holm_replica_visit_below(const struct holm_replica *replica, struct holm_bytes key,
                              struct holm_path path, holm_cell_visitor *visit, void *context);

/* Elements of a set, in the order of their bytes. */
struct holm_element_range {
    struct holm_bytes key;
    struct holm_path path;
    const struct holm_bytes *after; /* only those behind it, there or not; NULL: from the first */
};

/* Visits each element of a range once, with the best of its cells. O(log n), and what is visited. */
void holm_replica_visit_elements(const struct holm_replica *replica,
                                 const struct holm_element_range *range, holm_cell_visitor *visit,
                                 void *context);

/* Visits every tombstone: the key, and the dot that buried it. */
typedef bool holm_tombstone_visitor(void *context, struct holm_bytes key, struct holm_dot dot);
void holm_replica_visit_tombstones(const struct holm_replica *replica,
                                   holm_tombstone_visitor *visit, void *context);

/* Visits each key with live cells that begins with `prefix`, once. If the replica is ordered, in the
 * order of their bytes, and O(log records + keys with the prefix); else in no order, O(records). */
typedef bool holm_key_visitor(void *context, struct holm_bytes key);
void holm_replica_visit_keys(const struct holm_replica *replica, struct holm_bytes prefix,
                             holm_key_visitor *visit, void *context);
/* The same from behind `after` on, which may be there or not. The replica must be ordered. */
void holm_replica_visit_keys_behind(const struct holm_replica *replica, struct holm_bytes prefix,
                                    struct holm_bytes after, holm_key_visitor *visit,
                                    void *context);

/* The vector as of the last seal; pending operations are not in it. Sorted by actor; what S folds as two
 * entries (vector_view.h). Returns how many entries there are, and copies at most `capacity`. */
size_t holm_replica_vector(const struct holm_replica *replica, struct holm_dot *entries,
                           size_t capacity);
/* The highest sealed or applied seq of an actor, 0 when it never wrote, HOLM_SEQ_FOLDED when S folds its
 * epoch. */
uint64_t holm_replica_seq(const struct holm_replica *replica, struct holm_actor actor);
struct holm_actor holm_replica_self(const struct holm_replica *replica);
/* Highest seq of this replica's present actor, pending included. */
uint64_t holm_replica_last_minted(const struct holm_replica *replica);
/* This replica's line of a beacon. Asserts that nothing is pending: send FLUSH first. */
struct holm_beacon_entry holm_replica_beacon(const struct holm_replica *replica);
bool holm_replica_pending(const struct holm_replica *replica);
struct holm_digest holm_replica_digest(const struct holm_replica *replica);
/* Also over tombstones, ghosts and raw counter entries: everything a sync must carry. */
struct holm_digest holm_replica_transfer_digest(const struct holm_replica *replica);
uint64_t holm_replica_vector_hash(const struct holm_replica *replica);

/* The highest seq of this node's present actor that a peer is known to have applied. */
uint64_t holm_replica_peer_seen(const struct holm_replica *replica, uint32_t peer);

/*
 * Whether a peer is known to have applied all that was written here under former epochs, and what
 * the present one wrote up to seq (0: nothing of it is asked for). What a former epoch wrote is a
 * cause of whatever the present one writes; before it has written, only an equal vector tells.
 */
bool holm_replica_peer_has(const struct holm_replica *replica, uint32_t peer, uint64_t seq);

/* When a peer was last sent a frame of a feed; 0: never. Such a frame tells more than a line of a beacon. */
uint64_t holm_replica_fed_us(const struct holm_replica *replica, uint32_t peer);
/* How many runs of nodes that are not up here others have relayed. */
uint64_t holm_replica_strangers(const struct holm_replica *replica);
/* How many peers that are up are left to pull what is written here (pace.h). */
uint64_t holm_replica_lagging(const struct holm_replica *replica);
/*
 * How far apart this replica and a peer that is up are, in what the two have written themselves: what others
 * wrote comes to both from there. In operations; and in time, since when, on the clock of steps (0: they are not
 * apart). Of the present epochs; of what is known here, which acknowledgements and beacons tell. O(log actors)
 */
struct holm_replica_lag {
    uint64_t theirs;    /* operations of this replica that the peer is not known to have … */
    uint64_t theirs_us; /* … and when the first of them was sealed, or a little before */
    uint64_t mine;      /* operations of the peer that it has told of, and are not here … */
    uint64_t mine_us;   /* … and when it told of them first */
};
/* `index`: the peer's. */
struct holm_replica_lag holm_replica_lag(const struct holm_replica *replica, uint32_t index);
/* What the link of a peer that is up carries, for tests and figures. */
struct holm_feed_look {
    bool followed;           /* it is fed … */
    uint64_t sent;           /* … and this was the last frame */
    uint64_t unacknowledged; /* bytes of frames, at most */
    bool following;          /* it feeds */
    bool lazy;               /* pruned */
};
struct holm_feed_look holm_replica_feed_look(const struct holm_replica *replica, uint32_t peer);

struct holm_replica_stats {
    uint64_t operations;
    uint64_t deltas_sealed, deltas_applied, deltas_duplicate, deltas_refused;
    uint64_t held, held_bytes, held_dropped;
    uint64_t overlaps;
    uint64_t pulls, pulls_served, pulls_too_old;
    uint64_t syncs, syncs_served, syncs_failed;
    uint64_t feeds, feeds_too_old; /* frames sent; those that end a feed */
    uint64_t follows, follow_gaps, prunes, grafts;
    uint64_t stalls;      /* feeds that were not acknowledged for too long */
    uint64_t waits, lags; /* publishing had to wait; peers that it did not wait for any longer */
    uint64_t strangers;   /* runs of nodes that are not up here, which others relayed */
    uint64_t syncs_busy, syncs_refused; /* peers that had no cut to spare; asked of this one */
    uint64_t sync_takeovers;            /* syncs that went on with another cut */
    uint64_t sync_asks, sync_rounds;    /* rounds: more than syncs when hashes met */
    uint64_t sync_items, sync_bytes;    /* staged; bytes of memory, of each sync at most */
    uint64_t digest_breaches;
    uint64_t twins; /* signs of another writer under this very actor: must be 0 */
    uint64_t
        mended; /* cells and counter entries taken over where two have written under one actor */
    uint64_t drift;
    uint64_t log_deltas, log_bytes;
    uint64_t records, tombstones, cells, state_bytes;
    uint64_t vector_entries;
};
void holm_replica_stats(const struct holm_replica *replica, struct holm_replica_stats *stats);

/*
 * Collects: tombstones in the frontier (stable.h) go, S grows by it, and the op log drops the runs
 * that all have. What counters got from epochs that it folds becomes one entry a node, for which nothing
 * is sent. Seals first, what that gives is in *work. All or nothing. O(records), O(cells) with folds.
 * That the frontier is one, by the rules of stable.h, is the host's word: no replica can check it, or
 * calls this by itself.
 *   HOLM_EINVAL  it folds the present epoch; retention is `forever`; or the frontier has what this replica has not. HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_replica_collect(struct holm_replica *replica,
                                                     struct holm_vector_view frontier,
                                                     struct holm_now now,
                                                     const struct holm_work **work);
/*
 * Drops the ghosts of counters (count.h) that this owner left, when it has applied all that was applied
 * here, and nothing else: it begins new chains then, and nothing of it is on its way that did not know of
 * its resets (T13). `reported` is what a confirmed epoch said of itself, of the present one it is not
 * asked for. Seals first. *dropped says how many went, which may be none. All or nothing. O(cells).
 *   HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_replica_drop_ghosts(
    struct holm_replica *replica, struct holm_actor owner, struct holm_vector_view reported,
    struct holm_now now, const struct holm_work **work, size_t *dropped);
/*
 * The vector as it is to be reported, and as stable.h and admission.h ask for it: like holm_replica_vector(),
 * with the epochs that S folds in one entry a node, without its sum. *vector is of the caller's allocator. HOLM_ENOMEM. O(entries).
 */
HOLM_NODISCARD enum holm_status holm_replica_report(const struct holm_replica *replica,
                                                    struct holm_vector *vector);
/* S: rides on every run and cut. Until the next step. */
struct holm_vector_view holm_replica_collected(const struct holm_replica *replica);

/* R1 to R5, whole; for tests and simulation. O(everything). Asserts. */
void holm_replica_check(const struct holm_replica *replica);

/* ---- state as pages, outside of a sync ------------------------------------------------------ */

/*
 * A cut by hand, for stores and tests: seals (see HOLM_EVENT_FLUSH; the work of that step is in
 * *work, to be sent), freezes, and gives pages that carry everything. close() frees it. The vector
 * is of exactly this state.
 */
struct holm_cut;
HOLM_NODISCARD enum holm_status holm_cut_open(struct holm_replica *replica, struct holm_now now,
                                              const struct holm_work **work, struct holm_cut **cut);
struct holm_vector_view holm_cut_vector(const struct holm_cut *cut);
struct holm_vector_view holm_cut_collected(const struct holm_cut *cut);
struct holm_digest holm_cut_digest(const struct holm_cut *cut); /* of the live state */
size_t holm_cut_page_count(const struct holm_cut *cut);
const struct holm_page *holm_cut_page(const struct holm_cut *cut, size_t index);
void holm_cut_close(struct holm_cut *cut); /* NULL is allowed */

/*
 * The same in pieces, while the replica goes on: for who must not stop it for as long as a copy takes.
 *
 *     open   seals, freezes (frozen.h): vector, S and digest are of this moment. O(actors)
 *     next   the pages of about so many records more. O(those)
 *     close  before the replica is freed. O(what was kept)
 *
 * What changes meanwhile is kept as it was until it has been given, within kept_bytes_max. All pages together are those of a
 * cut at that moment, in an order of their own.
 */
struct holm_still;
HOLM_NODISCARD enum holm_status holm_still_open(struct holm_replica *replica, size_t kept_bytes_max,
                                                struct holm_now now, const struct holm_work **work,
                                                struct holm_still **still);
struct holm_vector_view holm_still_vector(const struct holm_still *still);
struct holm_vector_view holm_still_collected(const struct holm_still *still);
struct holm_digest holm_still_digest(const struct holm_still *still);
/*
 * *pages is the caller's, has pages alone, and is NULL when all have been given.
 *   HOLM_ELIMIT  more has changed than could be kept: close it, and begin anew
 *   HOLM_ENOMEM  as if it had not been called
 */
HOLM_NODISCARD enum holm_status holm_still_next(struct holm_still *still, size_t records,
                                                struct holm_cut **pages);
void holm_still_close(struct holm_still *still); /* NULL is allowed */

/* Merges a whole cut into the replica (into an empty one: loads it). All or nothing. */
HOLM_NODISCARD enum holm_status holm_replica_load(struct holm_replica *replica,
                                                  struct holm_vector_view vector,
                                                  const struct holm_page *const *pages,
                                                  size_t page_count, struct holm_now now,
                                                  const struct holm_work **work);

/* The same for a cut with an S: of a cluster with retention `stable`. */
HOLM_NODISCARD enum holm_status holm_replica_load_collected(struct holm_replica *replica,
                                                            struct holm_vector_view vector,
                                                            struct holm_vector_view collected,
                                                            const struct holm_page *const *pages,
                                                            size_t page_count, struct holm_now now,
                                                            const struct holm_work **work);

/* ---- state as what differs ------------------------------------------------------------------ */

/*
 * Two replicas made one by what differs (reconcile.h), as functions. A replica's own syncs are made of
 * them; who says what when, is not theirs:
 *
 *     receiver                                     server
 *     holm_catchup_open()   freezes; its vector ->  holm_offer_open()   freezes
 *     holm_catchup_start()                      <-  holm_offer_cut()
 *     holm_catchup_ask()                        ->  holm_offer_answer()
 *     holm_catchup_take()                       <-
 *     holm_catchup_finish() when it is DONE         holm_offer_close()
 *
 * Both sides go on meanwhile: writes, runs, other cuts. What a frozen state keeps of what has changed
 * since is bounded by kept_bytes_max of the config; beyond that, and when memory for it is refused, all
 * that follows is HOLM_ELIMIT: close, and begin anew. So a write never fails because of it. Offers and
 * catch-ups must be closed before their replica is freed. When a server goes, holm_catchup_start() begins
 * with the cut of another: what is staged is kept as far as the two agree (staged.h).
 */

/* What a server tells of its cut. */
struct holm_offer_cut {
    struct holm_reconcile_cut reconcile; /* vector, transfer digest, how much there is */
    struct holm_vector_view collected;   /* S */
    struct holm_digest digest;           /* of the live state */
};

struct holm_offer;

/*
 * Seals (see HOLM_EVENT_FLUSH; the work of that is in *work, to be sent), freezes, and answers a receiver
 * with this vector, which is copied. Until close(). O(actors).
 *   HOLM_EMALFORMED  the vector is not sorted. HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_offer_open(struct holm_replica *replica,
                                                const struct holm_reconcile_config *config,
                                                struct holm_vector_view receiver,
                                                struct holm_now now, const struct holm_work **work,
                                                struct holm_offer **offer);
/* Borrowed until close(). */
struct holm_offer_cut holm_offer_cut(const struct holm_offer *offer);
/*
 * As holm_reconcile_answer(). When tell->wrong is set, the replica's digests are not what its records
 * say: holm_replica_step() finds that with the next beacon, and mends it.
 *   HOLM_ELIMIT      too much has changed
 *   HOLM_EMALFORMED  an ask that holm_sync_ask_check() refuses, or too large a jump. HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_offer_answer(struct holm_offer *offer,
                                                  const struct holm_sync_ask *ask,
                                                  struct holm_sync_tell *tell);
void holm_offer_close(struct holm_offer *offer); /* NULL is allowed */

struct holm_catchup;

/* Seals as holm_offer_open() does, and freezes. HOLM_ENOMEM. O(actors). */
HOLM_NODISCARD enum holm_status holm_catchup_open(struct holm_replica *replica,
                                                  const struct holm_reconcile_config *config,
                                                  struct holm_now now,
                                                  const struct holm_work **work,
                                                  struct holm_catchup **catchup);
/* What the server is to know: of the frozen side. Borrowed until close(). */
struct holm_vector_view holm_catchup_vector(const struct holm_catchup *catchup);
/*
 * Begins to compare with this cut, which is copied. Again, with another: that one takes over, and its
 * vector is the one that will be applied. O(staged log staged).
 *   HOLM_EMALFORMED  its vector is not sorted
 *   HOLM_ELIMIT      as below, or the two S do not fold the same: take a whole cut. HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_catchup_start(struct holm_catchup *catchup,
                                                   const struct holm_offer_cut *cut);
/* As the functions of reconcile.h. HOLM_ELIMIT also when too much has changed. */
HOLM_NODISCARD enum holm_status holm_catchup_ask(struct holm_catchup *catchup,
                                                 const struct holm_sync_ask **ask);
HOLM_NODISCARD enum holm_status holm_catchup_take(struct holm_catchup *catchup,
                                                  const struct holm_sync_tell *tell);
HOLM_NODISCARD enum holm_status holm_catchup_resend(struct holm_catchup *catchup);
enum holm_reconcile_outcome holm_catchup_outcome(const struct holm_catchup *catchup);
struct holm_reconcile_figures holm_catchup_figures(const struct holm_catchup *catchup);
/*
 * Seals, and applies what differs, when the outcome is DONE: the state is what the merge of the whole cut
 * would have made it. All or nothing: after an error it can be called again, or closed. Then it is over,
 * and only close() may follow.
 *   HOLM_ELIMIT      too much has changed
 *   HOLM_EMALFORMED  an item that the cut does not cover, or nonsense about S
 *   HOLM_EDUPLICATE  it covers operations of this actor that it never minted. HOLM_ENOMEM
 * O(what differs and what came since the freeze); and O(records) when the cut's S is news and there are
 * tombstones.
 */
HOLM_NODISCARD enum holm_status holm_catchup_finish(struct holm_catchup *catchup,
                                                    struct holm_now now,
                                                    const struct holm_work **work);
void holm_catchup_close(struct holm_catchup *catchup); /* NULL is allowed */

#endif
