/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reconcile.h - two states made one by what differs: the functions behind a sync.
 *
 * The server has a frozen cut, with its vector V. The receiver freezes its own side, with its vector
 * F, and asks; it compares from the root of the transfer digest downwards:
 *
 *     ranges with equal hashes      are left alone: the server's content is the receiver's
 *     a large range that differs    is cut into 16 (or 256, 4,096: as far as a hop may cost)
 *     a small range that differs    is listed: the receiver's dots that V covers. The server answers
 *                                   with items for what the receiver lacks (cells that F does not
 *                                   cover, tombstones, counter entries) and says which of the dots
 *                                   it lacks itself: it has seen them removed
 *
 * So bytes and time follow the difference. The server keeps nothing between two asks. The receiver
 * stages what it is told, and applies all at once in the end:
 *
 *     I1  Nothing is applied before holm_reconcile_outcome() says DONE; then the staged items are
 *         merged as the pages of a cut are, the staged drops taken out, and V joined, in one go.
 *     I2  "Equal" is said of the frozen side. What entered the live state since has a dot that F does
 *         not cover; if V covers it and no item brings it, the server has seen it removed: it goes,
 *         too. (Its writer's removal may still be on its way to here.)
 *     I3  A counter entry among the drops stays when an item brings an entry of the same slot and
 *         actor: then the two are merged.
 *     I4  F's sums, with what the lists showed of both sides exchanged, must be the cut's digest in
 *         all 128 bits. If they are not, two different ranges had one hash (or a digest is wrong):
 *         all is compared again, hashed otherwise and with twice the width; after four rounds
 *         everything is listed. So convergence never rests on a hash.
 *     I5  Whoever walks all records of a node of its tree holds their sum against the node's. A
 *         difference is a broken digest: OWN_WRONG or PEER_WRONG, nothing to apply.
 *
 * Sources: Merkle trees for anti-entropy as in DeCandia et al., "Dynamo", SOSP 2007, section 4.7; the
 * rule of I1 is Almeida et al., "Delta state replicated data types", JPDC 2018, section 7. What
 * others do, and why this: docs/decisions/0006-trees-are-compared.md.
 */
#ifndef HOLM_CRDT_RECONCILE_H
#define HOLM_CRDT_RECONCILE_H

#include "crdt/arena.h"
#include "crdt/sync.h"
#include "crdt/tree.h"

/* ---- what is reconciled -------------------------------------------------------------------- */

/* A cell (PUT), a tombstone (BURY) or a counter entry (COUNT), as a page would carry it. */
struct holm_reconcile_entry {
    uint64_t hash;           /* of the key: its place in the tree */
    struct holm_actor actor; /* item.actor says nothing here */
    struct holm_digest term; /* what it adds to the transfer digest */
    struct holm_item item;   /* its bytes stay where they are as long as the source is frozen */
    bool staged;             /* the receiver has it from another server, and not in its state */
};

/* False: no more. The entry is borrowed for the call. */
typedef bool holm_reconcile_visitor(void *context, const struct holm_reconcile_entry *entry);

/* A state that does not change while it is in use. */
struct holm_reconcile_source {
    void *context;
    struct holm_tree *tree; /* of the transfer digest; its inner nodes may be computed */
    uint64_t entries;       /* cells, tombstones and counter entries, ghosts too */
    struct holm_vector_view vector;
    /* Shows every entry whose hash lies between first and last, both included, in an order that is
     * the same each time. O(records of the range). */
    void (*visit)(void *context, uint64_t first, uint64_t last, holm_reconcile_visitor *visitor,
                  void *visitor_context);
    uint64_t (*hash)(void *context, struct holm_bytes key);
    /* Told that a range will be visited soon, and again, with `near`, that it will be very soon: time to
     * ask for its memory. NULL: it does not care. */
    void (*expect)(void *context, uint64_t first, uint64_t last, bool near);
};

struct holm_reconcile_config {
    size_t frame_bytes_max;  /* of an ask or tell, encoded; at least 4,096 */
    size_t hop_bytes;        /* what may be spent to save a round trip; 4,096 */
    size_t staged_bytes_max; /* of items and drops at the receiver; 1 GiB */
    size_t kept_bytes_max;   /* of what changes while a side is frozen (frozen.h); 64 MiB */
    uint64_t entries_max;    /* that a server may announce; 2^32 */
    uint32_t items_max;      /* of a tell; no bound but the frame */
    uint8_t width;           /* bytes of a hash on the wire, in the first round; 8 */
    uint8_t window;          /* asks under way at once, 1 to 8; 2 */
};

/* The values above, for frames of this size. 0 means 1 MiB. */
struct holm_reconcile_config holm_reconcile_config_default(size_t frame_bytes_max);

/* The digest of a range as it is on the wire. */
uint64_t holm_reconcile_hash(struct holm_digest digest, uint32_t round, uint8_t width);

/* A range's entries in the order of their dots: room that is used again. Private. */
struct holm_reconcile_gather {
    struct holm_arena arena; /* of entries; they never move */
    void *order;             /* struct holm_reconcile_entry *[] */
    size_t capacity;
    size_t made; /* entries in the arena */
    size_t count;
    size_t count_max;
    bool cut;                 /* there were more */
    struct holm_dot after;    /* seq 0: none */
    struct holm_dot last;     /* seq 0: none */
    struct holm_digest whole; /* of all that was visited */
    enum holm_status status;
};

/* ---- the server ---------------------------------------------------------------------------- */

/* The caller's storage; the members are private. */
struct holm_reconcile_server {
    struct holm_allocator allocator;
    struct holm_reconcile_config config;
    const struct holm_reconcile_source *source;
    struct holm_vector_view receiver; /* F */
    struct holm_reconcile_gather gather;
    struct holm_arena arena; /* of the last tell */
    struct holm_page *page;
};

/* The source and the receiver's vector are borrowed until release. Allocates nothing. */
void holm_reconcile_server_init(struct holm_reconcile_server *server,
                                const struct holm_allocator *allocator,
                                const struct holm_reconcile_config *config,
                                const struct holm_reconcile_source *source,
                                struct holm_vector_view receiver);
void holm_reconcile_server_release(struct holm_reconcile_server *server);

/*
 * Answers one ask that has been checked. *tell is readable until the next call. Any ask gets a tell,
 * and the same ask the same: nothing is kept in between. When tell->wrong is set, the server's tree
 * must be rebuilt.
 *   HOLM_EMALFORMED  a jump of which the answer may not fit into a frame
 *   HOLM_ENOMEM      the allocator refused
 * O(ask + tell + records of the listed ranges, and of ranges below the leaves of the tree).
 */
HOLM_NODISCARD enum holm_status holm_reconcile_answer(struct holm_reconcile_server *server,
                                                      const struct holm_sync_ask *ask,
                                                      struct holm_sync_tell *tell);

/* ---- the receiver -------------------------------------------------------------------------- */

enum holm_reconcile_outcome {
    HOLM_RECONCILE_RUNNING = 1,
    HOLM_RECONCILE_DONE = 2,      /* the result can be applied */
    HOLM_RECONCILE_OWN_WRONG = 3, /* rebuild the own digests, then begin anew */
    HOLM_RECONCILE_PEER_WRONG = 4 /* the server rebuilds its digests: begin anew, or elsewhere */
};

/* What the server told of its cut. */
struct holm_reconcile_cut {
    struct holm_vector_view vector; /* V */
    struct holm_digest transfer;    /* of everything */
    uint64_t entries;               /* in everything */
};

struct holm_reconcile_receiver;

/*
 * A receiver over a frozen source. The source, its vector and the cut's vector are borrowed until it
 * is freed. When the digests are equal it is DONE at once.
 *   HOLM_EMALFORMED  the cut's vector is not sorted
 *   HOLM_ELIMIT      more entries than entries_max
 *   HOLM_ENOMEM      the allocator refused
 */
HOLM_NODISCARD enum holm_status holm_reconcile_receiver_new(
    const struct holm_allocator *allocator, const struct holm_reconcile_config *config,
    const struct holm_reconcile_source *source, const struct holm_reconcile_cut *cut,
    struct holm_reconcile_receiver **receiver);
void holm_reconcile_receiver_free(struct holm_reconcile_receiver *receiver); /* NULL is allowed */

/*
 * The next ask, or NULL when the window is full or nothing is left to ask. Readable until the next
 * call with the receiver. `sync` is left 0 for the caller to fill in.
 *   HOLM_ENOMEM  nothing was asked; call again
 */
HOLM_NODISCARD enum holm_status holm_reconcile_ask(struct holm_reconcile_receiver *receiver,
                                                   const struct holm_sync_ask **ask);

/*
 * Takes a tell that has been checked. Its page is retained; the rest is borrowed for the call. Tells of
 * asks that are not under way are ignored.
 *   HOLM_EMALFORMED  nonsense: the server is broken or hostile, free the receiver
 *   HOLM_ELIMIT      more than staged_bytes_max: free the receiver, fetch the whole cut
 *   HOLM_ENOMEM      the allocator refused: the same tell can be taken again
 * After an error the outcome is RUNNING and nothing was staged of this tell.
 */
HOLM_NODISCARD enum holm_status holm_reconcile_take(struct holm_reconcile_receiver *receiver,
                                                    const struct holm_sync_tell *tell);

/* Forgets the asks under way, so that the next ones ask the same again: after a link was lost and the
 * same cut is still open. HOLM_ENOMEM: call again. */
HOLM_NODISCARD enum holm_status holm_reconcile_resend(struct holm_reconcile_receiver *receiver);

enum holm_reconcile_outcome holm_reconcile_outcome(const struct holm_reconcile_receiver *receiver);

/* What is to be applied, see I1 to I3. Borrowed until the receiver is freed. */
struct holm_reconcile_result {
    const struct holm_page *const *pages; /* PUT, COUNT, BURY of the server */
    size_t page_count;
    const struct holm_page *const *drops;     /* own cells (KNOWN) and counter entries (COUNT) */
    size_t drop_count;                        /* of pages, as above */
    const struct holm_page *const *withdrawn; /* the same of what was staged before (staged.h) */
    size_t withdrawn_count;
};

/* The outcome must be DONE. */
struct holm_reconcile_result holm_reconcile_result(const struct holm_reconcile_receiver *receiver);
/* The same before that: what was told so far, which by itself can be applied nowhere (I1). */
struct holm_reconcile_result holm_reconcile_staged(const struct holm_reconcile_receiver *receiver);

struct holm_reconcile_figures {
    uint64_t asks;
    uint64_t tells;  /* that were taken */
    uint64_t rounds; /* 1, when no two hashes met */
    uint64_t staged; /* items and drops */
    size_t bytes;    /* of memory, at most so far: what is staged and what is to be asked */
};
struct holm_reconcile_figures holm_reconcile_figures(
    const struct holm_reconcile_receiver *receiver);

#endif
