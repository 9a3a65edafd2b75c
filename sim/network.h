/* SPDX-License-Identifier: Apache-2.0 */
/*
 * network.h - a network in memory, under a clock of its own: many transports in one thread.
 *
 *     holm_network_new(&network, &allocator, seed);
 *     holm_network_open(network, "virtual://a", &config, &a);
 *     holm_network_open(network, "virtual://b", &config, &b);
 *     holm_network_path_set(network, "virtual://a", "virtual://b", &slow_and_lossy);
 *     a->ops->link_dial(a, "virtual://b", &link);
 *     holm_network_advance(network, holm_network_next_event(network));   ... b has LINK_UP
 *
 * Nothing happens but in holm_network_advance(): it moves what is due, in the order of its time,
 * into the queues that the transports' next() reads from. next() never waits, whatever time-out it
 * is given. The same seed and the same calls give the same events.
 *
 * A path is one direction between two addresses, and stays when the transports there come and go.
 *     broadcasts  are delayed, lost, doubled, overtake each other, and are lost in a cut
 *     links       are reliable and in order: what would be lost comes later; in a cut they stand
 *                 still, and go on after it. What stands still when its link is closed is lost.
 *     dials       need both directions; in a cut they time out
 *
 * An address is virtual://NAME, and is its own publisher's. The network's memory, frames under way
 * included, comes from its allocator; a transport's own from its configuration's.
 */
#ifndef HOLM_SIM_NETWORK_H
#define HOLM_SIM_NETWORK_H

#include "transport/transport.h"

struct holm_network;

/* One direction. All zero is a perfect wire that takes no time. */
struct holm_network_path {
    uint64_t delay_us;
    uint64_t jitter_us;          /* up to this much is added to each frame's delay */
    uint32_t loss_permille;      /* of broadcasts; a link's frame comes resend_us later instead */
    uint32_t duplicate_permille; /* of broadcasts */
    uint32_t reorder_permille;   /* of broadcasts: it takes up to reorder_us longer, and does not
                                    hold back those behind it */
    uint64_t reorder_us;
    uint64_t resend_us;
    uint64_t bytes_per_s; /* of all that goes this way; 0: no limit. A broadcast that would have to
                             wait for more than a second is lost, a link's frame waits */
    bool cut;
};

/* 100 us, no jitter, no faults; a lost frame of a link comes 200 ms later. */
struct holm_network_path holm_network_path_default(void);

/* *network is the caller's, at time 0. `allocator` is copied. HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_network_new(struct holm_network **network,
                                                 const struct holm_allocator *allocator,
                                                 uint64_t seed);
/* What befalls a frame is from now on drawn from the seed, its path and the time alone, and not from how
 * many frames went before: a run with something left out is then the same elsewhere. */
void holm_network_set_steady(struct holm_network *network);
/* All its transports are closed. */
void holm_network_free(struct holm_network *network);

/*
 * A transport at `address`, which listens there unless config->listen is NULL. It is the caller's,
 * until its close(); the network must outlive it.
 *   HOLM_EADDRESS  the address is none, or in use
 *   HOLM_EINVAL    the configuration's numbers do not fit
 *   HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_network_open(struct holm_network *network, const char *address,
                                                  const struct holm_transport_config *config,
                                                  struct holm_transport **transport);

/* Changes one direction from now on; both addresses need not be known yet. Taking a cut away lets
 * links go on after the path's delay. HOLM_EADDRESS, HOLM_ENOMEM */
HOLM_NODISCARD enum holm_status holm_network_path_set(struct holm_network *network,
                                                      const char *from, const char *to,
                                                      const struct holm_network_path *path);

/* What one direction is now; the default's when an address is none. */
struct holm_network_path holm_network_path_get(struct holm_network *network, const char *from,
                                               const char *to);

/* What every path is that was not set. Meant for the start: it heals no cut. */
void holm_network_path_set_default(struct holm_network *network,
                                   const struct holm_network_path *path);

/* ---- schedules ------------------------------------------------------------------------------ */

/* What becomes of a frame. */
enum holm_network_verdict {
    HOLM_NETWORK_PASS = 0,
    HOLM_NETWORK_HOLD =
        1, /* it waits until it is let go, and so does what follows it over its link */
    HOLM_NETWORK_DROP = 2,  /* it is lost; of a link, as if its sender had had no memory for it */
    HOLM_NETWORK_DOUBLE = 3 /* a broadcast comes twice; a link's frame passes */
};

struct holm_network_frame {
    const char *from, *to; /* addresses */
    bool broadcast;
    struct holm_bytes bytes;
};

struct holm_network_ruling {
    enum holm_network_verdict verdict;
    uint64_t tag; /* HOLD: under which it is let go */
};

/* Asked of each frame when it is sent; of a broadcast once for each who subscribes, if it is not lost
 * anyway. Must not call the network. */
struct holm_network_gate {
    struct holm_network_ruling (*judge)(void *context, const struct holm_network_frame *frame);
    void *context;
};

/* Copied; all zero: none, and what is held stays so. */
void holm_network_set_gate(struct holm_network *network, struct holm_network_gate gate);
/* How many frames are held under a tag. */
size_t holm_network_held(const struct holm_network *network, uint64_t tag);
/* Lets go the first `count` of them, as they were held: each takes its path's delay from now. A broadcast
 * for which there is no memory is lost. O(all that is held and on wires). */
void holm_network_let_go(struct holm_network *network, uint64_t tag, size_t count);

/* The address at the other end of a link; NULL when there is no such link any more. Lives as long as
 * the network. */
const char *holm_network_peer(struct holm_transport *transport, struct holm_link_id link);

/* Whether its next() would give something. O(1). */
bool holm_network_waits(struct holm_transport *transport);

uint64_t holm_network_now(const struct holm_network *network);

/* When the next thing happens by itself, or HOLM_NEVER. Never before now. */
uint64_t holm_network_next_event(const struct holm_network *network);

/* Lets time pass up to `to_us`, which is not before now. */
void holm_network_advance(struct holm_network *network, uint64_t to_us);

#endif
