/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h - carries messages between the replicas of a fixture, badly, in virtual time.
 *
 * Broadcasts are lost, doubled and overtake each other. A link keeps its order and loses nothing
 * until it breaks; what was on its way is gone then, and each side notices when it does. Nothing
 * passes between two nodes that are cut apart.
 *
 * The network also does what a host does for its replicas: it calls them at their wake-up time,
 * tells them of peers, of epochs that have ended, and says beacons for them.
 */
#ifndef HOLM_TESTS_MODEL_NETWORK_H
#define HOLM_TESTS_MODEL_NETWORK_H

#include "tests/model/chance.h"
#include "tests/model/fixture.h"
#include "tests/model/parcel.h"

/* Nothing comes by itself, only what is delivered by hand. */
#define NETWORK_DELAY_NEVER ((uint64_t)1 << 50)

struct network_settings {
    uint32_t loss_permille, double_permille, stray_permille; /* of broadcasts */
    uint64_t delay_us;                                       /* at most, of anything */
    uint64_t stray_us;           /* at most, of a doubled broadcast that has gone astray */
    uint32_t feeds_permille;     /* of the pairs of nodes, where each side follows the other … */
    uint32_t feed_loss_permille; /* … of whose talk so much does not fit in an outbox */
    bool wire;
    bool check_steps; /* check replicas after every single step, and not only now and then */
};

enum network_letter_type {
    NETWORK_BROADCAST,
    NETWORK_LINK,
    NETWORK_NOTICE
};

/* Something that will happen at `due_us`. */
struct network_letter {
    enum network_letter_type type;
    uint64_t due_us;
    uint64_t order; /* of two that are due together, the lower comes first */
    uint32_t from, to;
    uint64_t generation; /* LINK, NOTICE: of the link */
    struct parcel *parcel;
};

/* One direction of a link, and what the side that it starts from thinks of it. */
struct network_side {
    bool known_up; /* PEER_UP was told, PEER_DOWN not yet */
    struct holm_actor peer;
    uint64_t last_due_us;
};

struct network {
    struct fixture *fixture;
    struct chance chance;
    struct network_settings settings;
    struct parcel_office office;
    struct network_letter *letters;
    size_t letter_count, letter_capacity;
    uint64_t order;
    bool cut[FIXTURE_NODES_MAX][FIXTURE_NODES_MAX];
    bool up[FIXTURE_NODES_MAX][FIXTURE_NODES_MAX];
    uint64_t generation[FIXTURE_NODES_MAX][FIXTURE_NODES_MAX];
    struct network_side sides[FIXTURE_NODES_MAX][FIXTURE_NODES_MAX];
    uint64_t heard[FIXTURE_NODES_MAX][FIXTURE_NODES_MAX]; /* the highest epoch, as [by][of] */
    uint64_t posted;                                      /* messages, beacons left out */
    uint64_t delivered[HOLM_MESSAGE_TYPE_MAX + 1];        /* by type */
};

/* Takes the fixture's post. Links are down. */
void network_init(struct network *network, struct fixture *fixture, uint64_t seed,
                  const struct network_settings *settings);
void network_release(struct network *network);

/* Breaks or makes the link between two nodes. Made only when both live and are not cut apart. */
void network_link_down(struct network *network, size_t a, size_t b, bool noticed);
void network_link_up(struct network *network, size_t a, size_t b);
/* Cuts two nodes apart, or ends that. Cutting breaks the link. */
void network_cut(struct network *network, size_t a, size_t b, bool cut);

/* The node is gone, with its links; it comes back by fixture_start(). */
void network_kill(struct network *network, size_t node);

/* Seals, and tells all others what the node has seen. */
void network_beacon(struct network *network, size_t node);

/* Lets this much time pass, and all happen that is due. */
void network_run(struct network *network, uint64_t us);

/* Lets time pass until `count` messages of a type have been delivered in all; false when that
 * takes longer than `us`. */
bool network_run_until(struct network *network, enum holm_message_type type, uint64_t count,
                       uint64_t us);

/* Delivers one letter now: number `which`, counted round, or of a link the first that is under way in its direction. */
void network_deliver(struct network *network, size_t which);
/* Loses or doubles one broadcast that is under way, found likewise; nothing when it is not one. */
void network_lose(struct network *network, size_t which);
void network_double(struct network *network, size_t which);
/* All that is under way over links is due now. */
void network_hasten(struct network *network);

/* Whether nothing but beacons is on its way. */
bool network_is_quiet(const struct network *network);

#endif
