/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collect_world.h - a few nodes that bury, collect, crash, come back, forget and fold; with a
 * judge.
 *
 *     world_bury(w, X, 0)                 X puts a tombstone on key 0
 *     m = world_report(w, Y, X)           what Y has, on its way to X ...
 *     world_deliver(w, m)                 ... and there
 *     world_collect(w, X)                 X drops what crdt/stable.h says that it may
 *     world_harm(w)                       NULL, or what is wrong, in words
 *
 * Nodes keep what a replica keeps: cells, tombstones, counter entries, vectors, S, the member list.
 * All decisions (what is stable, taken, confirmed, folded) are those of crdt/; only the ways of a
 * message are made up here. The judge knows every operation and its causal past, and computes what
 * must live by that alone:
 *
 *     a cell lives     unless a later write or removal of the slot has it in its past, or
 *                      a bury is applied that is not in *its* past
 *     an increment     counts, unless a reset has it in its past, or a bury as above
 *
 * so it knows nothing of S. Any run can reach any node by broadcast at any time, ever.
 *
 * Each rule can be left out, to see what harm it does. Nothing is left out inside crdt/: the world
 * then lies to it, or does not ask.
 */
#ifndef HOLM_TESTS_MODEL_COLLECT_WORLD_H
#define HOLM_TESTS_MODEL_COLLECT_WORLD_H

#include "crdt/admission.h"
#include "crdt/count.h"
#include "tests/model/chance.h"
#include "tests/model/heap.h"

#include <stdio.h>

/* For the story of one world. */
#define WORLD_TELLS(world, ...)                                                                    \
    do {                                                                                           \
        if ((world)->story)                                                                        \
            printf(__VA_ARGS__);                                                                   \
    } while (0)

#define WORLD_NODES 5
#define WORLD_KEYS 3
#define WORLD_SET_WORDS 8
#define WORLD_OPS (WORLD_SET_WORDS * 64)
#define WORLD_ITEMS 64 /* cells, tombstones, entries of a node */
#define WORLD_MESSAGES 32
#define WORLD_LINES 64 /* foundings */
#define WORLD_PARTITION 3u

/* The rules that can be left out. */
enum world_rule {
    WORLD_ALL_RULES = 0,
    WORLD_NO_CLOSURE = 1 << 0,          /* 1: R_X >= V_Y */
    WORLD_NO_LIST_CLOSURE = 1 << 23,    /* 1: the same of the member list */
    WORLD_NO_EPOCH = 1 << 1,            /* 1: of the current epoch */
    WORLD_NO_ADMISSIONS = 1 << 2,       /* 1: whose list holds the admissions */
    WORLD_NO_TELLING = 1 << 3,          /* 2: S rides on runs */
    WORLD_TELL_ON_RECEIPT = 1 << 4,     /* 2: S counts when a run is delivered */
    WORLD_ADMIT_ANYWHERE = 1 << 5,      /* 3: the admission is in the cut's list */
    WORLD_CONFIRM_BY_S = 1 << 6,        /* 3: all of R is covered */
    WORLD_PROVISIONAL_DOTS = 1 << 7,    /* 3: a journal without dots */
    WORLD_CONFIRM_ALONE = 1 << 8,       /* 3: not by itself beside a living member */
    WORLD_NO_FENCE = 1 << 9,            /* 4: ended epochs only from members */
    WORLD_FORGET_AT_ONCE = 1 << 10,     /* 5: leaves when the forget is stable */
    WORLD_RETURN_ANYWHERE = 1 << 11,    /* 5: returns where the forget is stable */
    WORLD_RETURN_BY_MERGE = 1 << 12,    /* 5: by replacement */
    WORLD_NO_BETRAYAL = 1 << 13,        /* 5: who relied on a void forget returns, too */
    WORLD_NO_LIST_FENCE = 1 << 14,      /* 4: also for operations of the list */
    WORLD_FOLD_EARLY = 1 << 15,         /* 6: the last seq is the same in all reports */
    WORLD_FOLD_BY_OPERATIONS = 1 << 16, /* 6: entries are folded, not moved by operations */
    WORLD_GHOSTS_AT_ONCE = 1 << 17,     /* ghosts stay until their owner knows */
    WORLD_PROVISIONAL_HEARS = 1 << 22,  /* 3: takes nothing but the cut that confirms it */
    WORLD_RETURN_BY_ROW = 1 << 21,      /* 5: it is the state that was forgotten that counts */
    WORLD_NO_PURGE = 1 << 19,           /* 4: what is held back of an ended epoch goes */
    WORLD_REMINT_ALL = 1 << 20,         /* 5: but not on keys that have gone in the meantime */
    WORLD_ANY_FOUNDING = 1 << 24,       /* 3: of two foundings one is lost to the other */
    WORLD_ASK_ANYONE = 1 << 29,         /* 3: an epoch asks one member alone */
    WORLD_MERGE_ANY = 1 << 25,    /* 5: a state of another epoch than the list's is replaced */
    WORLD_NO_REPEAT = 1 << 26,    /* 5: who believes hearsay says it again, and passes it on */
    WORLD_MERGE_BEYOND = 1 << 27, /* 5: nothing from beyond a forget is merged */
    WORLD_ANY_STORE = 1 << 30,    /* 5: of two stores of an epoch, one is merged */
    WORLD_MARKS_MAKE = 1 << 28,   /* a mark makes no entry where there is none */
    WORLD_ANY_EPOCH = 1 << 18     /* T41: an epoch is above all that is known */
};

/* More of them than an enum has room for. */
#define WORLD_NO_DOUBT (UINT64_C(1) << 34) /* 5: what a member never heard of was not relied on */
#define WORLD_NO_SHARING                                                                           \
    (UINT64_C(1) << 35) /* 5: what a member has of the forgotten is not beyond */
#define WORLD_NO_VOID_SHARING                                                                      \
    (UINT64_C(1) << 37) /* 5: nor is it, where a forget is void of which it knows */
#define WORLD_NO_BRINGING (UINT64_C(1) << 36) /* 5: a cut brings what its server believes */
#define WORLD_DISOWN_STATE                                                                         \
    (UINT64_C(1) << 32) /* 5: whose state is replaced, its listed epoch ends */
#define WORLD_SHARED_EVER (UINT64_C(1) << 38) /* 5: that is so until S grows */
#define WORLD_RELIED_BY_DOT                                                                        \
    (UINT64_C(1) << 39) /* 5: what was relied upon is noted with whom it names */
#define WORLD_ANY_HEARSAY (UINT64_C(1) << 40) /* 5: hearsay is of the founding that told it */
#define WORLD_HIGHEST_REPORT                                                                       \
    (UINT64_C(1) << 41) /* 1: of the current epoch, though a later one has told */
#define WORLD_NOTE_ON_THE_WAY                                                                      \
    (UINT64_C(1) << 42) /* 5: what is believed before the list is whole was not relied on */
#define WORLD_DEAF (UINT64_C(1) << 43)         /* 3: who is being filled hears its member out */
#define WORLD_FOUND_BY_ROW (UINT64_C(1) << 33) /* 3: a founder forgets the forgotten, too */

enum world_op_type {
    WORLD_PUT = 1,
    WORLD_DROP,
    WORLD_BURY,
    WORLD_COUNT,
    WORLD_RESET,
    WORLD_MOVE /* the node's own former entries, into the present one; see WORLD_FOLD_BY_OPERATIONS */
};

/* A set of operations, by index. */
struct world_set {
    uint64_t words[WORLD_SET_WORDS];
};

static inline bool world_set_has(const struct world_set *set, int at)
{
    return (set->words[at / 64] >> (at % 64) & 1u) != 0;
}
static inline void world_set_add(struct world_set *set, int at)
{
    set->words[at / 64] |= (uint64_t)1 << (at % 64);
}
static inline void world_set_remove(struct world_set *set, int at)
{
    set->words[at / 64] &= ~((uint64_t)1 << (at % 64));
}
static inline void world_set_join(struct world_set *set, const struct world_set *other)
{
    for (int i = 0; i < WORLD_SET_WORDS; i++)
        set->words[i] |= other->words[i];
}
static inline bool world_set_covers(const struct world_set *set, const struct world_set *other)
{
    for (int i = 0; i < WORLD_SET_WORDS; i++) {
        if ((other->words[i] & ~set->words[i]) != 0)
            return false;
    }
    return true;
}

struct world_entry {
    int key;
    struct holm_actor actor; /* epoch 0: all folded epochs of the node */
    struct holm_count count;
    struct holm_dot reset; /* that made it a ghost */
};

struct world_wish {
    enum world_op_type type;
    int key;
    int64_t amount;
};

struct world_op {
    struct world_wish what;
    struct holm_dot dot;
    struct world_set past;
    struct world_entry entries[32]; /* to be merged: own increment, marks */
    size_t entry_count;
};

/* Contiguous operations of one actor, delivered together. */
struct world_run {
    struct holm_actor actor;
    int first, count;
    struct holm_vector collected; /* S */
};

struct world_list_op {
    struct holm_member_op op;
    struct world_set past;
};

/* What a store holds, and a cut carries. */
struct world_state {
    struct world_set applied;
    struct world_set listed; /* operations of the member list */
    struct world_set
        hearsay; /* forgets that those told of who are forgotten here; it is not stored */
    struct holm_vector r, s, list;
    int cells[WORLD_ITEMS];
    int tombstones[WORLD_ITEMS];
    struct world_entry entries[WORLD_ITEMS];
    size_t cell_count, tombstone_count, entry_count;
    struct world_wish journal[16];
    size_t journal_count;
};

enum world_message_type {
    WORLD_NONE,
    WORLD_REPORT,
    WORLD_LIST,
    WORLD_RUNS,
    WORLD_CUT,
    WORLD_HELLO, /* what it says of itself, to whom may found */
    WORLD_PASSED /* a report of somebody else, as the sender heard it */
};

struct world_message {
    enum world_message_type type;
    struct holm_actor from, to;
    int from_at, to_at;      /* of the world's nodes */
    struct holm_actor about; /* PASSED: whose report it is */
    struct holm_epoch former;
    uint64_t hash; /* of the state that it started with */
    struct holm_founding founding;
    bool confirmed;
    bool lost;                /* it knows that its state is */
    struct holm_actor defers; /* whom it leaves it to, to found */
    struct world_state state; /* as much of it as the type needs */
};

/* All that is listed by whoever is of one founding. */
struct world_line {
    struct holm_founding founding;
    struct holm_members all;
};

struct world_raw {
    struct holm_actor actor;
    struct holm_vector r, list;
};

struct world_copy {
    bool there;
    struct world_state state;
    struct holm_epoch former;
    struct holm_relied relied[8];
    size_t relied_count;
};

struct world_node {
    bool alive, confirmed;
    bool gone;                  /* for good */
    bool disowned;              /* a member was asked to forget it since it was last confirmed */
    bool in_vain;               /* it tried to found with what it has heard */
    bool outlived;              /* others have folded its epoch: it heard of that */
    bool returning;             /* by replacement, at ... */
    struct holm_actor admitter; /* ... this member */
    int lost_to;                /* the member + 1 that it has to come back to; 0: any */
    struct holm_actor actor;
    struct holm_epoch former; /* the last that was confirmed: what the state is of */
    struct holm_actor defers; /* whom it leaves it to, to found */
    struct holm_actor asked;  /* the member that has admitted this epoch */
    uint64_t clock;           /* the least next epoch that its clock would give */
    uint64_t stride, phase; /* clones draw different epochs: those of one phase, in steps of this */
    struct world_state state;
    struct world_copy store, kept; /* the store, and a copy of an earlier one */
    uint64_t hash;                 /* of the state that this epoch started with */
    struct holm_members members;
    struct holm_stable stable;
    struct world_raw raw[WORLD_NODES];       /* reports as heard, for rules left out */
    struct world_message heard[WORLD_NODES]; /* the last hello of each node */
    struct holm_founding told[WORLD_OPS];    /* by which founding the hearsay was told */
    int held[WORLD_ITEMS];                   /* runs that came by broadcast before their causes */
    size_t held_count;
};

struct world {
    struct heap heap;
    struct holm_allocator allocator;
    uint64_t rules; /* left out */
    struct world_node nodes[WORLD_NODES];
    int node_count;
    struct world_op ops[WORLD_OPS];
    int op_count;
    struct world_run runs[WORLD_OPS];
    int run_count;
    struct world_list_op list_ops[WORLD_OPS];
    int list_count;
    struct world_line lines[WORLD_LINES];
    int line_count;
    struct world_message messages[WORLD_MESSAGES];
    bool story;
    bool storms, stormy; /* of a random schedule: whole clusters may restart; one has */
    bool clones;         /* of a random schedule: a store may be copied, and both started */
    bool hasty;          /* nobody waits until the others leave it to it, to found */
    uint64_t collected, folded, ghosts_gone, reminted, dropped, replaced;
    bool stuck; /* nobody is left who could admit anyone, by forgets of those who lost all */
    char harm[256];
};

/* The names of the first nodes, and of keys. */
enum {
    A,
    B,
    C,
    D,
    E
};
enum {
    K,
    L,
    M
};

/* `node_count` members that know each other, all under epoch 1. */
void world_init(struct world *world, int node_count, uint64_t rules_left_out);
void world_release(struct world *world);

/* ---- writing. Provisional: into the journal. False: refused, the key is buried here. */
bool world_write(struct world *world, int node, enum world_op_type type, int key, int64_t amount);
bool world_write_batch(struct world *world, int node, const struct world_wish *wishes, int count);

/* ---- spreading */

/* Run number `run` reaches a node by broadcast; it is held back when its causes are missing. */
void world_broadcast(struct world *world, int run, int to);
/* The number of the last run that the node sealed, or -1. */
int world_last_run(const struct world *world, int node);

/* Puts a message on its way, and gives its number; -1 when the sender may not send it. */
int world_send(struct world *world, enum world_message_type type, int from, int to);
/* What `from` has heard last of node `of`, passed on to `to`. */
int world_send_passed(struct world *world, int from, int of, int to);
/* It arrives, if its two epochs still live; the link is gone otherwise. False: not taken. */
bool world_deliver(struct world *world, int message);
/* As above, though who sent it has gone: what sat unread in the link's buffer. */
bool world_deliver_unread(struct world *world, int message);
/* Both at once. */
bool world_tell(struct world *world, enum world_message_type type, int from, int to);

/* ---- lives */
void world_store(struct world *world, int node);
/* The store is copied; the store and its copy change places. */
void world_keep(struct world *world, int node);
void world_swap(struct world *world, int node);
/* One more node, of the id and with the store of another: it has yet to be started. Its number. The two meet only
 * through others. */
int world_clone(struct world *world, int node);
/* One of two clones is ended by the operator, and does not come back. */
void world_end(struct world *world, int node);
void world_crash(struct world *world, int node);
/* A new epoch, from the store or with nothing. `clock` 0: as it goes on. */
void world_start(struct world *world, int node, bool from_store, uint64_t clock);
/* The member admits the node's present epoch, which may take a higher one first. False: it may not. */
bool world_admit(struct world *world, int member, int node);
/* The node syncs from the member and is confirmed if it may be. */
bool world_join(struct world *world, int node, int member);
/* All others that live say hello to the node, and nothing is on its way any more. */
void world_meet(struct world *world, int node);
/* The node confirms itself, if it may by the hellos that it got, with all that they say the other provisional
 * ones have. */
bool world_confirm_itself(struct world *world, int node, bool founding);
void world_forget(struct world *world, int member, int node);
/* The member forgets the node, whose state is not the one that it reckons with. */
void world_disown(struct world *world, int member, int node);
/* The node is lost to the member, which forgets it if they are of one founding; it starts anew to come back. */
void world_give_up(struct world *world, int member, int node);
/* Whether the node, confirmed, finds itself lost on meeting the member. */
bool world_lost(struct world *world, int node, int member);

/* ---- collecting: tombstones, folds, ghosts. True: something went. */
bool world_collect(struct world *world, int node);
/* The former entries of the node go into its present one, by operations (rule 6 as first written). */
void world_move(struct world *world, int node);

/* ---- judging */

/* The first node that shows what it should not, or NULL. Kept until the next call. Nodes that are
 * forgotten, or have relied on a void forget, are not looked at until they were replaced: others
 * have collected without asking them. */
const char *world_harm(struct world *world);
/* Everybody talks to everybody until nothing changes any more; then as above, and that all are equal. */
const char *world_settle(struct world *world);
/* As above; those who are down, provisional or lost come back first. Also that all are members then,
 * and that nothing is left to collect. */
const char *world_heal(struct world *world);
int64_t world_sum(const struct world *world, int node, int key);
bool world_alive(const struct world *world, int node, int key);

#endif
