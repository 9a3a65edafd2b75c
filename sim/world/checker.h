/* SPDX-License-Identifier: Apache-2.0 */
/*
 * checker.h - the claims that a world is held against, and the judge who asks them.
 *
 *     judge = holm_judge_new(&config)            one oracle a partition
 *     holm_judge_event(judge, event)             told of all that happens in the world
 *     holm_judge_look(judge)                     views of replicas that changed: cheap
 *     holm_judge_audit(judge)                    contents of replicas that changed
 *     holm_judge_healed(judge, core)             from here on nothing may be lost
 *     holm_judge_converged(judge, in time?)      the end of the story
 *     holm_judge_settled(judge, in time?)        all is collected
 *     holm_judge_quiet(judge, true) … false      a hundred rounds in which nothing may move
 *
 * Each claim is a file, check_NAME.c, with a struct holm_checker. The first claim that is broken
 * ends the judging: the verdict says which, where, when and why, and stays.
 *
 * What is seen of a replica is a sight: its vector as the oracle numbers it (pending operations of
 * its own included) and, in an audit, every cell and tombstone with the operation that wrote it.
 */
#ifndef HOLM_SIM_WORLD_CHECKER_H
#define HOLM_SIM_WORLD_CHECKER_H

#include "sim/world/oracle.h"
#include "sim/world/world.h"

struct holm_judge;

struct holm_sight {
    uint32_t node, partition;
    struct holm_oracle *oracle;
    const struct holm_replica *replica;
    struct holm_vector_view vector; /* sealed, nothing folded */
    struct holm_vector_view collected;
    bool outside; /* it was forgotten, or may have been: others have gone on without asking it */
    const struct holm_oracle_view *view;
    const struct holm_oracle_view *before; /* as last seen in this life */
    size_t strangers;                      /* actors in the vector that never wrote */
    struct holm_digest digest;
    uint64_t vector_hash;
    /* In an audit alone: */
    const struct holm_cell_view *cells;
    const uint32_t *cell_ops; /* what wrote each, or NONE */
    size_t cell_count;
    const uint32_t *tombstone_ops; /* what buried, or NONE */
    size_t tombstone_count;
};

struct holm_checker {
    const char *name;
    const char *claim;
    /* A replica's view has changed. NULL where a claim has no use for it, below too. */
    void (*look)(struct holm_judge *judge, const struct holm_sight *sight);
    void (*audit)(struct holm_judge *judge, const struct holm_sight *sight);
    /* All views have been looked at, at one moment. */
    void (*moment)(struct holm_judge *judge);
    void (*converged)(struct holm_judge *judge, bool in_time);
    /* A replica's state was replaced: `before` is what it had, `view` what it took. */
    void (*replaced)(struct holm_judge *judge, const struct holm_sight *sight);
    /* All that can be collected should be by now. */
    void (*settled)(struct holm_judge *judge, bool in_time);
    void (*event)(struct holm_judge *judge, const struct holm_world_event *event);
};

extern const struct holm_checker holm_check_answers;
extern const struct holm_checker holm_check_causal;
extern const struct holm_checker holm_check_collected;
extern const struct holm_checker holm_check_converged;
extern const struct holm_checker holm_check_counters;
extern const struct holm_checker holm_check_digest;
extern const struct holm_checker holm_check_journal;
extern const struct holm_checker holm_check_left;
extern const struct holm_checker holm_check_lost;
extern const struct holm_checker holm_check_memory;
extern const struct holm_checker holm_check_payload;
extern const struct holm_checker holm_check_quiet;
extern const struct holm_checker holm_check_returned;
extern const struct holm_checker holm_check_revived;
extern const struct holm_checker holm_check_waits;

/* All of them, in the order in which they are asked; ends with NULL. */
extern const struct holm_checker *const holm_checkers[];

/* ---- the judge ------------------------------------------------------------------------------ */

struct holm_verdict {
    bool broken;
    const char *claim; /* the name of the checker, static */
    uint32_t node;     /* where, or NOBODY */
    uint64_t at_us;
    char why[512];
};

struct holm_judge_config {
    struct holm_world *world; /* outlives the judge */
    uint32_t partitions;
    uint64_t bound_us; /* how long convergence may take */
    size_t
        heap_bytes_max; /* of one node, besides its state and its log, twice over, and its peers */
    size_t frame_bytes_max;
    size_t outbox_bytes_max; /* of the same, once it was frozen */
    uint64_t drives_a_round; /* how often a node may be driven in a beacon interval when quiet */
    uint64_t beacon_interval_us;
    bool stable;               /* retention */
    bool waits;                /* it is asked whom collection waits for (check_waits.c) */
    uint64_t collect_bound_us; /* how long it may take until all is collected */
    const char *only;          /* the one claim that counts; NULL: all */
};

/* Operations of one actor that a node left when it came back by replacement. */
struct holm_judge_left {
    uint32_t partition, actor;
    uint64_t first, last;
    uint32_t replacement; /* which one, of all */
};

/* An operation that was minted in place of some that were left. */
struct holm_judge_copy {
    uint32_t partition, op;
    uint32_t replacement;
    bool again; /* what it stands for is there besides (check_returned.c) */
};

/* A batch in the journal of a node, of this life or of one whose disk it has. Bytes are the plan's. */
struct holm_judge_batch {
    uint32_t node, partition;
    struct holm_op ops[32];
    size_t count;
    bool minted;
};

/* Per node and partition. */
struct holm_judge_replica {
    bool dirty, unaudited;
    uint64_t vector_hash, minted, collected; /* as last seen */
    uint64_t replaced;                       /* how often, in this life */
    uint64_t lost; /* of what it left since it was last looked at, what was not minted anew */
    struct holm_oracle_view view; /* as last seen in this life */
};

struct holm_judge_digest {
    uint64_t key; /* of a partition and a vector */
    struct holm_digest digest;
    uint64_t vector_hash;
    uint32_t node;
};

#define HOLM_JUDGE_NODES_MAX 64

struct holm_judge {
    struct holm_judge_config config;
    struct holm_verdict verdict;
    struct holm_oracle **oracles;
    struct holm_judge_replica *replicas; /* node * partitions + partition */
    size_t replica_count;
    uint64_t **holders; /* per partition and operation: a bit for each node that ever had it */
    size_t *holder_counts, *holder_capacities;
    struct holm_oracle_view *known; /* per partition, when it healed */
    uint64_t core;                  /* who must converge */
    bool healed, quiet;
    uint64_t quiet_since_us;
    bool frozen[HOLM_JUDGE_NODES_MAX];     /* it was, in this life: much came at once after that */
    size_t contents[HOLM_JUDGE_NODES_MAX]; /* the largest state and log of a node in this life */
    uint64_t *quiet_drives;                /* of each node, when it began */
    uint64_t foreign[16];                  /* ids of nodes that are none of this world */
    size_t foreign_count;
    uint32_t speakers;  /* under how many of these anybody shakes hands */
    bool met_strangers; /* a node has had a frame of one of them */
    struct holm_judge_digest *digests;
    size_t digest_count, digest_capacity; /* open addressing: capacity is a power of two */
    uint64_t converged_us;
    uint64_t frames_by_type[32];
    /* Room for a sight. */
    struct holm_dot *entries;
    struct holm_cell_view *cells;
    uint32_t *cell_ops, *tombstone_ops;
    size_t cell_count, cell_capacity, op_capacity, tombstone_count, tombstone_capacity;
    struct holm_oracle_view view;
    bool *marks;
    size_t mark_count;
    uint64_t looks, audits;

    /* With retention `stable` (judge_members.c). */
    struct holm_actor *forgotten; /* what any list ever forgot, up to which epoch */
    size_t forgotten_count, forgotten_capacity;
    struct holm_actor *stood; /* those whose forget some list took for one that stands */
    size_t stood_count, stood_capacity;
    struct holm_actor *given_up; /* states that members have gone on without, besides */
    size_t given_up_count, given_up_capacity;
    bool final; /* all is over: nobody is outside any more */
    bool *
        blind; /* per partition: one outside wrote on what should not be there, contents tell nothing */
    uint32_t asked_of; /* the partition that is being asked about, or NOBODY: all of them */
    size_t actors[HOLM_JUDGE_NODES_MAX]; /* of its largest vector, in this life */
    bool outside[HOLM_JUDGE_NODES_MAX];
    struct holm_judge_left *left;
    size_t left_count, left_capacity;
    struct holm_judge_copy *copies; /* in the order in which they were minted */
    size_t copy_count, copy_capacity;
    uint32_t replacements;
    bool replacing;                      /* a partition of a node is between the two states */
    struct holm_oracle_view left_behind; /* … and had this */
    uint64_t
        missing[HOLM_JUDGE_NODES_MAX]; /* cells that were left and lost, not yet accounted for */
    uint64_t settled[HOLM_JUDGE_NODES_MAX]; /* what was told as dropped, in this life so far … */
    uint64_t refused[HOLM_JUDGE_NODES_MAX]; /* of a journal, in all lives */
    uint64_t refused_before[HOLM_JUDGE_NODES_MAX]; /* what was told as refused, in former lives */
    struct holm_judge_batch *batches;
    size_t batch_count, batch_capacity;
    uint64_t parted; /* who has left for good, and not come back */
    uint64_t let_go; /* whom an operator had forgotten since all healed */
    struct holm_oracle_view
        *parting;     /* what each had that ever left; by node and partition, or NULL */
    uint64_t members; /* of those that live, and those that died as such; if config.waits */
};

struct holm_judge *holm_judge_new(const struct holm_judge_config *config);
void holm_judge_free(struct holm_judge *judge);

void holm_judge_event(struct holm_judge *judge, const struct holm_world_event *event);
void holm_judge_look(struct holm_judge *judge);
void holm_judge_audit(struct holm_judge *judge);
/* What the nodes of `core` (a bit each) have now must stay, and they must converge. */
void holm_judge_healed(struct holm_judge *judge, uint64_t core);
void holm_judge_converged(struct holm_judge *judge, bool in_time);
void holm_judge_quiet(struct holm_judge *judge, bool begins);
void holm_judge_settled(struct holm_judge *judge, bool in_time);
/* Operations of this node id are not held against the oracle; if it `speaks`, it may become a peer. */
void holm_judge_foreign(struct holm_judge *judge, uint64_t node_id, bool speaks);
bool holm_judge_is_foreign(const struct holm_judge *judge, struct holm_actor actor);

/* check_journal.c: the disk of a node has not any more what it wrote: an older one was put back, another's, or nothing. */
void holm_judge_emptied(struct holm_judge *judge, uint32_t node);

/* Whether contents of a partition tell nothing; HOLM_WORLD_NOBODY: of any. */
bool holm_judge_is_blind(const struct holm_judge *judge, uint32_t partition);

/* Breaks a claim about judge->asked_of. Only the first is kept. */
void holm_judge_fail(struct holm_judge *judge, const struct holm_checker *checker, uint32_t node,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

/* check_collected.c: whether nothing is left in the core that could go: tombstones, ghosts, epochs to be folded. Else
 * *left_at says where. */
bool holm_judge_is_collected(const struct holm_judge *judge, uint32_t *left_at);

/* judge_members.c: who is outside now, and whom the others have given up. */
void holm_judge_members(struct holm_judge *judge);
/* Whether some list ever had a forget of the state that was confirmed under this epoch, or a member was there that had gone on
 * without it. */
bool holm_judge_gave_up(const struct holm_judge *judge, struct holm_actor state);
/* Whether a node's own list has a forget as void by which some list went. */
bool holm_judge_betrayed(const struct holm_judge *judge,
                         const struct holm_world_standing *standing);

/* check_left.c: a node has left for good, and has ended. */
void holm_judge_parted(struct holm_judge *judge, uint32_t node);
/* Whether all of the core take those for gone: a link to one of them may not have been found dead yet. */
bool holm_judge_leaves_known(const struct holm_judge *judge);

struct holm_judge_replica *holm_judge_replica(struct holm_judge *judge, uint32_t node,
                                              uint32_t partition);

#endif
