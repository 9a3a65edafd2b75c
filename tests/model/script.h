/* SPDX-License-Identifier: Apache-2.0 */
/*
 * script.h - a history drawn from a seed: what happens to whom, written down before it is played.
 *
 *     script_draw(&script, 4711);
 *     script_play(&script, false);
 *
 * One in four has retention `stable`: tombstones are collected, epochs folded, ghosts dropped. A replica
 * then starts only while another lives, who admits it.
 *
 * Playing one checks every replica against the reference after each action. At the end everything
 * heals, and all must become equal, with nothing lost that a survivor had, and then be quiet.
 * A script that is shortened still plays: an action that has become impossible does nothing.
 */
#ifndef HOLM_TESTS_MODEL_SCRIPT_H
#define HOLM_TESTS_MODEL_SCRIPT_H

#include "tests/model/network.h"

#define SCRIPT_ACTIONS_MAX 160
#define SCRIPT_OPS_MAX 480

enum action_type {
    ACTION_COMMIT,
    ACTION_FLUSH,
    ACTION_BEACON,
    ACTION_WANT,
    ACTION_RUN,       /* time passes */
    ACTION_LINK_DOWN, /* … */
    ACTION_LINK_UP,
    ACTION_CUT,  /* nothing passes between two nodes … */
    ACTION_HEAL, /* … or anything again */
    ACTION_KILL,
    ACTION_START,   /* empty */
    ACTION_RESTORE, /* with the state last saved */
    ACTION_RECOVER, /* with the state last saved and all runs stored since */
    ACTION_EPOCH,   /* lives on under a new epoch */
    ACTION_SAVE,
    ACTION_MERGE,   /* the whole state of one into another, by hand */
    ACTION_CLOCK,   /* the wall clock jumps */
    ACTION_DELIVER, /* a letter that is under way comes now … */
    ACTION_LOSE,    /* … or, if broadcast, never … */
    ACTION_DOUBLE,  /* … or twice */
    ACTION_REPORT,  /* with retention `stable`: says what it has … */
    ACTION_COLLECT, /* … collects what all have said, and folds; or all say it first … */
    ACTION_GHOSTS,  /* … and drops the ghosts of another */
    ACTION_TYPES
};

struct action {
    enum action_type type;
    size_t node, other;
    int64_t amount;
    size_t op_first, op_count;
};

struct script {
    uint64_t seed;
    size_t node_count;
    struct network_settings settings;
    struct holm_replica_config limits;
    struct action actions[SCRIPT_ACTIONS_MAX];
    size_t action_count;
    struct holm_op ops[SCRIPT_OPS_MAX];
    size_t op_count;
    uint64_t idle_rounds; /* of beacons, at the end, which must move nothing */
};

/* What came of a script that was played to its end. */
struct script_outcome {
    uint64_t operations;
    uint64_t syncs, takeovers, pulls, too_old, held, held_dropped, lives;
    uint64_t collections, folds, ghosts,
        revived;           /* tombstones gone, epochs, ghosts, keys written anew */
    uint64_t converged_us; /* from the heal on */
};

void script_draw(struct script *script, uint64_t seed);
/* The same from bytes: three nodes, and as many actions as they tell of. */
void script_read(struct script *script, const uint8_t *bytes, size_t size);
/* Ends the program when a claim does not hold. `story` prints every event. */
struct script_outcome script_play(const struct script *script, bool story);
/* The settings and actions, one a line. */
void script_print(const struct script *script);

#endif
