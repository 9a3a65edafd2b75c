/* SPDX-License-Identifier: Apache-2.0 */
/*
 * holm.h - eventually consistent state inside your program.
 *
 * A node holds a map of typed records. It can always be read and written, whatever the network
 * does; nodes that can reach each other, directly or through others, converge. No leader, no
 * quorum, no lock service.
 *
 *     struct holm_config config = holm_config_default();
 *     config.name = "lisbon";
 *     config.listen = "tcp://127.0.0.1:7001";
 *     config.seeds = "tcp://127.0.0.1:7002";
 *
 *     struct holm_node *node;
 *     if (holm_open(&config, &node) != HOLM_OK) ...                 every status is to be looked at
 *     if (holm_put(node, holm_str("hero:7"), holm_str("name"), holm_text("Ada")) != HOLM_OK) ...
 *     if (holm_add(node, holm_str("hero:7"), holm_str("health"), 100) != HOLM_OK) ...
 *     holm_close(node);
 *
 * Promises, for every call below:
 *     1  Any thread may call at any time; calls on different partitions do not wait for each other.
 *     2  Arguments are borrowed for the call. What a call hands out, its comment says who frees.
 *     3  A call that fails changes nothing.
 *     4  Reads answer from this replica at once, and see every write this node has made before.
 *     5  After fork() the child gets HOLM_EFORK, false, 0 or NULL from every call on a node that
 *        its parent opened, and closing does nothing there. Open nodes after forking, or fork and
 *        exec: the child of a process that has opened a node cannot open one itself.
 *
 * Only holm_open, holm_close and the holm_wait_ functions wait; the others take a short lock of one
 * partition and copy; docs/API.md says of each what it costs. Fields may lie inside fields: each call that
 * takes a field has a twin in nested.h that takes a path. wait.h has what can be waited for, watch.h what is told of changes. Build with `cc app.c $(pkg-config --cflags --libs holm)`; docs/examples/ has
 * whole programs, docs/SEMANTICS.md says what concurrent writes come to.
 */
#ifndef HOLM_HOLM_H
#define HOLM_HOLM_H

#include <holm/events.h>
#include <holm/nested.h>
#include <holm/status.h>
#include <holm/value.h>
#include <holm/wait.h>
#include <holm/watch.h>

#ifdef __cplusplus
extern "C" {
#endif

struct holm_node; /* a running node */
struct holm_view; /* a counted copy of one record */
struct holm_scan; /* a cut of one partition, being read */

/* ---- opening and closing ------------------------------------------------------------------- */

/* What log lines are about. A level stands for itself and those before it. */
enum holm_log_level {
    HOLM_LOG_SILENT = 0,
    HOLM_LOG_ERROR = 1, /* something that was promised is not kept */
    HOLM_LOG_WARN = 2,  /* what an operator may have to act on */
    HOLM_LOG_INFO = 3,  /* what has changed */
    HOLM_LOG_DEBUG = 4  /* what was tried */
};

/*
 * How a node is made. Take holm_config_default() and change what you need. Every string and the
 * struct itself are borrowed for holm_open() only.
 *
 * All nodes of a cluster must agree on `cluster` and `partitions`: others are refused in Hello.
 * Each comment gives the default, then what is allowed.
 */
struct holm_config {
    const char
        *name; /* required; 1 to 63 bytes, no control characters; unique: the id comes from it */
    uint64_t node_id;    /* 0: the hash of the name */
    const char *cluster; /* "holm"; 1 to 63 bytes */
    const char *
        listen; /* NULL: not at all; tls+tcp://HOST:PORT, tcp://HOST:PORT (0: any) or ipc:///PATH */
    /* NULL; addresses to dial for ever, commas or spaces between. tcp://HOST:PORT dials the first address of a host
     * name, asking anew each time. dns+tcp://NAME:PORT and dns+tls+tcp://NAME:PORT dial every address that the name
     * has, and look it up again every resolve_interval_ms, or 2 s while nobody is up: for names of many nodes, which come and
     * go. While it cannot be looked up, those of before are dialled. Each is held to what `insecure` says,
     * as if it were written here; which are not dialled, the log tells. 16 such names, 1,024 addresses each. */
    const char *seeds;
    /* NULL; IFACE[,GROUP:PORT]: says on this interface, by UDP multicast, where this node can be dialled, and dials who
     * is heard there, as seeds. For nodes on one network, or on one machine ("lo"), that shall find each other without an
     * address; the group is 239.255.72.79:61079 unless one of IPv4 or [IPv6] is written. At most an announcement in
     * 0.5 s, down to one in 30 s when nothing is new; one hop. An interface that is down or gone is tried again for
     * ever. Not in a simulated world. */
    const char *multicast;
    /* NULL; needed with `multicast`: a file with 16 to 1,024 bytes (white space at its end apart, 4,096 with it) that all
     * nodes of the cluster have and nobody else, read once; or with two, an empty line between, of which the first is used and both taken; not readable for everyone, nor writable but for its owner. What
     * it does not vouch for is dropped, and of another cluster, too. It admits nobody: who has it can have up to
     * 512 addresses dialled, 64 at once and 16 new ones a second, and keep newcomers from finding a node. Certificates, or a network of their own, keep others out. */
    const char *multicast_secret;
    /* false: tcp:// is taken on the loopback interface alone (127.0.0.0/8, [::1], localhost), to listen at and
     * to dial, whoever told of the address; what is beyond it is refused, since everybody on the way could read
     * and change what travels, and anybody call. With a certificate it is refused everywhere. true: anywhere,
     * on a network that only the nodes share. */
    bool insecure;
    /* For tls+tcp://: all NULL, or all three, PEM files that are read once. This node's certificate, with those
     * between it and the authority; its key, without a password; the authority of the cluster, with its revocations
     * if it has any. Each side of a link or a subscription shows a certificate, and hangs up on who has none of
     * this authority. A certificate admits to the cluster, and to all that is in it; it does not prove which node
     * shows it: no name in it is looked at. `holm certs` makes some to try it out. */
    const char *tls_certificate, *tls_key, *tls_ca;
    /* NULL: what this node has lives in memory, and after a restart comes from its peers. A directory, made if
     * it is not there: it is kept there, too, by a thread of its own; no write waits for a disk. One
     * process at a time; of this node, cluster, partitions and retention alone. Each opening begins a new
     * epoch, so that a restored backup or a lost tail does no harm. See holm_wait_durable(). */
    const char *store;
    uint32_t partitions;         /* 16; 1 to 1,024 */
    uint32_t flush_interval_us;  /* 1,000; 1 to 1,000,000: how long writes gather into one delta */
    uint32_t beacon_interval_ms; /* 1,000; 10 to an hour: how often a node says what it has seen;
                                    when nothing changes, up to four times more rarely */
    uint32_t link_timeout_ms;    /* 3,000; 100 to an hour: a link silent for so long is redialled */
    /* 1,000; 10 to an hour: mean time between tries of an address. All those that are no seeds and have not
     * answered yet, or for an hour, share 16 tries in that time once they are more than 16. */
    uint32_t redial_interval_ms;
    uint32_t
        resolve_interval_ms; /* 30,000; 100 to an hour: mean time between lookups of a seed's name */
    /* 0: never; below 2^48. A member that others tell of, and that this node has dialled in vain for so long and never
     * met, is given up: it is neither dialled nor told on, nor taken again by hearsay under the epoch that it had. When it
     * comes itself it is met. Seeds, and who was met in this node's life, are dialled for ever. What it costs: two halves of
     * a split whose nodes have all restarted in it know each other by hearsay alone; once they are apart for longer
     * than this, they stay apart, unless a seed leads from one to the other. */
    uint64_t hearsay_ms;
    size_t frame_bytes_max;    /* 1 MiB; 64 KiB to 64 MiB: no message is larger */
    size_t log_bytes_max;      /* 64 MiB; from 64 KiB: op log of all partitions together */
    size_t holdback_bytes_max; /* 64 MiB; from 64 KiB: early deltas of all partitions together */
    /* 16 MiB; from 64 KiB: broadcasts run ahead of what a peer has acknowledged by so much, of all partitions
     * together. Writes never wait: what is ahead of that stays in the op log, and goes out as peers
     * acknowledge. A peer that is waited for longer than lag_ms is left to pull until it has caught up. */
    size_t unacked_bytes_max;
    uint32_t lag_ms;    /* 250; 10 to an hour */
    uint32_t peers_max; /* 256; 1 to 1,024; nodes beyond it are refused, and the log says so */
    /* 16, and 256; 0 to 1,000,000, and 1 to 1,000,000: so many connections of one IP address are taken in a second, 0: however many;
     * and so many at once. What is beyond is closed at once, before any handshake, and told of. A peer needs two, and again two
     * for each time that it comes back: more is for hundreds of nodes behind one address. Not in a simulated world, nor on ipc. */
    uint32_t accepts_per_s, accepts_burst;
    uint64_t
        max_drift_ms; /* 60,000; below 2^48; stamps further ahead do not drag the local clock */
    bool ordered;     /* false; true: keys are kept in order, and scans come so (holm_scan_open) */
    enum holm_retention retention; /* FOREVER; the same on all nodes of a cluster (value.h) */
    /* With `stable`: false; true on one node, which begins the cluster if it has nothing and hears of
     * nobody who has. It may stay true. */
    bool founds;
    uint64_t forget_after_ms; /* with `stable`: 0, never; members away for so long are forgotten */
    /* false; true: writes are relayed from node to node over links, however few the nodes are. It costs less
     * and takes some hops. With more than 16, or where not all reach each other, it is done in any case. */
    bool relay;
    /* NULL: none; http://HOST:PORT, where /metrics (holm_metrics()) and /healthz (200; or 503 and why: the store has failed, the
     * node's own thread is stuck) are read. Whoever can connect reads all: for loopback,
     * "http://127.0.0.1:9464", or behind a proxy; elsewhere the log warns. Not in a simulated world. */
    const char *http;
    int log_level; /* HOLM_LOG_INFO; SILENT to DEBUG */
    /* Takes a line of logfmt, without a newline: `ts=... level=info event=peer_up node=lisbon peer=oslo msg="..."`; at most
     * 1,023 bytes, which no name or key of a peer can break. docs/OPERATIONS.md lists the events; of each so many are
     * told in a minute, the rest is counted. NULL: lines go to stderr. Any thread, one at a time or not; must not call the
     * node. */
    void (*log)(void *context, int level, const char *line);
    void *log_context;
};

HOLM_API struct holm_config holm_config_default(void);

/*
 * Opens a node under a new epoch: listens, starts dialling its seeds, and answers. Does not wait
 * for peers. *node is set on success only, and is freed by holm_close().
 * After an error *node is NULL, and a line in the log says what to change.
 *   HOLM_EINVAL    a required member is missing, or one is out of its range; an address is plain tcp:// off
 *                  loopback, and `insecure` is false; the certificate's files cannot be read, or do not fit; there
 *                  is no such interface for multicast, or its secret is none
 *   HOLM_EADDRESS  an address cannot be read, or is in use; an ipc path names a file
 *   HOLM_EBUSY     another process has the store open
 *   HOLM_ECLUSTER  the store is of another node or cluster, or has other partitions or retention
 *   HOLM_EVERSION, HOLM_EMALFORMED  the store was written by a newer version, or is damaged
 *   HOLM_EFORK     this process was forked from one that has opened a node before
 *   HOLM_ENOMEM, HOLM_EIO
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_open(const struct holm_config *config,
                                                   struct holm_node **node);

/*
 * Publishes what is pending, gives the peers that are up a while to apply it, says goodbye to them,
 * and frees the node. Waits at most about a second. No other thread may be inside a call on this
 * node, and its watches are closed first; views and scans are copies, and may outlive it. NULL is
 * allowed.
 *
 * The network library (nng 1.5.2) frees its locks in exit(), while a thread of its own may still hold one: rarely a
 * program that ends at once after this aborts then, with all done and stored. _exit(), after flushing what is
 * the program's own, does not.
 */
HOLM_API void holm_close(struct holm_node *node);

/*
 * Closes the node for good: as holm_close(), but the others are told that it will not be back, and neither dial it
 * nor wait for it any more (holm_peers(): HOLM_LEFT; HOLM_ALL counts it no longer). With retention `stable` the first
 * member that hears so forgets it (holm_forget()): collection goes on without it. Who could not be told hears it of
 * the others. Should it be opened again after all, it joins like a new node.
 *
 * Waits until all peers that are up have all that was written here, and says so only then; at last up to a second for them
 * to hang up.
 *   HOLM_OK        it is freed
 *   HOLM_ETIMEDOUT some peer that is up has not all of it yet, or others are known and nobody is up, or (`stable`)
 *                  this node is no member so far. Nothing has happened: it runs on
 *   HOLM_EFORK, HOLM_ECLOSED, HOLM_ENOMEM
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_leave(struct holm_node *node, uint32_t timeout_ms);

/* Who this is: its id and its present epoch. The epoch can grow while the node runs (a peer may
 * remember an equal or higher one of the same id). */
HOLM_API struct holm_actor holm_self(struct holm_node *node);

/*
 * The address that others dial, with the real port; NULL if it does not listen. A host that stands
 * for all (*, 0.0.0.0, [::]) stays as it is: each peer takes the one that its link comes from.
 * Belongs to the node, and lives as long.
 */
HOLM_API const char *holm_address(struct holm_node *node);

/*
 * Forgets a member that is gone for good, with retention `stable`: nobody waits for it any more before
 * anything is collected. Of what it wrote all keep what one of them has. Should it come back, its state is
 * replaced by that of the others: its own writes that they lack are written anew, but not on keys that have
 * gone meanwhile; what it had of others' that they lack is dropped. The log names each (the first 32 a
 * return), by key, path and dot, and holm_stats() counts.
 * Returns at once. Two members that forget each other: the lower id's word stands, and the other comes back.
 *   HOLM_EINVAL  retention is `forever`, or it is this node
 *   HOLM_ENOENT  it is no member
 *   HOLM_EBUSY   this node is no member itself yet; or too many are being forgotten at once
 *   HOLM_EFORK
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_forget(struct holm_node *node,
                                                     struct holm_node_id member);

/* Dials one more address, or all those of a name, as in `seeds`, for ever. HOLM_EADDRESS, HOLM_EINVAL (plain tcp:// off
 * loopback, and the node is not `insecure`), HOLM_ENOMEM, HOLM_ELIMIT, HOLM_EIO (a name, and no thread to look it up). */
HOLM_API HOLM_NODISCARD enum holm_status holm_join(struct holm_node *node, const char *address);

/* ---- writing ------------------------------------------------------------------------------- */

/*
 * The writes. Each is visible here when it returns, and goes to the peers within the flush
 * interval. A field may be empty: then the slot belongs to the record itself. A key needs no
 * creation: it is there while something is written under it.
 *   HOLM_EBURIED   the key is buried: it takes nothing but another burial
 *   HOLM_EINVAL    an empty key, or a value without a type
 *   HOLM_ETOOBIG   a key, field, element or value over its limit (value.h), or a removal of more
 *                  cells than one frame can name: remove them in parts
 *   HOLM_EOVERFLOW holm_add: this node's own sum would leave 64 bits
 *   HOLM_ENOMEM, HOLM_EFORK
 *   HOLM_EIO       the node's store has failed before: it takes no writes any more
 *   HOLM_ELIMIT    retention is `stable`, and so many writes wait for this node to become a member; or it has not written in the partition since it started, and too many lives have (docs/OPERATIONS.md, `writers_refused`)
 * What takes away (reset, erase, disable, remove) takes what this node has seen, and leaves what
 * others write at the same time. When it finds nothing it writes nothing and is HOLM_OK. So is the
 * burial of a buried key.
 */

/* The register's value, in place of all that are seen here. */
HOLM_API HOLM_NODISCARD enum holm_status holm_put(struct holm_node *node, struct holm_bytes key,
                                                  struct holm_bytes field, struct holm_value value);
/* Adds to a counter, or cancels exactly the increments that are seen here. */
HOLM_API HOLM_NODISCARD enum holm_status holm_add(struct holm_node *node, struct holm_bytes key,
                                                  struct holm_bytes field, int64_t amount);
HOLM_API HOLM_NODISCARD enum holm_status holm_reset(struct holm_node *node, struct holm_bytes key,
                                                    struct holm_bytes field);
/* Puts an element into a set, or takes it out. */
HOLM_API HOLM_NODISCARD enum holm_status holm_insert(struct holm_node *node, struct holm_bytes key,
                                                     struct holm_bytes field,
                                                     struct holm_bytes element);
HOLM_API HOLM_NODISCARD enum holm_status holm_erase(struct holm_node *node, struct holm_bytes key,
                                                    struct holm_bytes field,
                                                    struct holm_bytes element);
/* Switches a flag on, or off. */
HOLM_API HOLM_NODISCARD enum holm_status holm_enable(struct holm_node *node, struct holm_bytes key,
                                                     struct holm_bytes field);
HOLM_API HOLM_NODISCARD enum holm_status holm_disable(struct holm_node *node, struct holm_bytes key,
                                                      struct holm_bytes field);
/* Writes the larger (the smaller) of the value and what is seen here; see holm_get_max(). */
HOLM_API HOLM_NODISCARD enum holm_status holm_raise(struct holm_node *node, struct holm_bytes key,
                                                    struct holm_bytes field,
                                                    struct holm_value value);
HOLM_API HOLM_NODISCARD enum holm_status holm_lower(struct holm_node *node, struct holm_bytes key,
                                                    struct holm_bytes field,
                                                    struct holm_value value);

/* Removes every slot of one field and of the fields inside it; an empty field: the whole record. */
HOLM_API HOLM_NODISCARD enum holm_status holm_remove(struct holm_node *node, struct holm_bytes key,
                                                     struct holm_bytes field);

/* Buries a key for good: it reads as absent, refuses writes, and beats every concurrent write. */
HOLM_API HOLM_NODISCARD enum holm_status holm_bury(struct holm_node *node, struct holm_bytes key);

/*
 * Commits operations as one batch: every replica shows all of them or none. All keys must be of
 * one partition: give them the same {tag} ("{hero:7}name", "{hero:7}log"). Later operations of the
 * batch see the earlier ones. `receipt` may be NULL; wait.h says what it is good for. No operations at all are HOLM_OK, too.
 *
 *     const struct holm_op ops[] = {
 *         holm_op_put(key, holm_str("city"), holm_text("Oslo")),
 *         holm_op_disable(key, holm_str("patrolling")),
 *     };
 *     status = holm_commit(node, ops, 2, NULL);
 *
 *   the errors of the single writes, for whichever operation is refused; then nothing is written
 *   HOLM_EPARTITION  the keys are of several partitions
 *   HOLM_ETOOBIG     the batch is larger than half a frame
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_commit(struct holm_node *node,
                                                     const struct holm_op *ops, size_t count,
                                                     struct holm_receipt *receipt);

/* ---- reading ------------------------------------------------------------------------------- */

/*
 * Reads a register, as the last writer left it. A value of bytes or text is copied to `buffer`, and
 * *value points into it, without a NUL at its end; the other types need no buffer, and NULL with a
 * capacity of 0 will do. `size`, if not NULL, is set to the bytes that are needed.
 *   HOLM_ENOENT  no such register, or the key is buried; *size is 0
 *   HOLM_ESPACE  `capacity` is too small; *size says what is needed
 *   HOLM_EFORK
 * After any error *value is untouched.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_get(struct holm_node *node, struct holm_bytes key,
                                                  struct holm_bytes field, void *buffer,
                                                  size_t capacity, struct holm_value *value,
                                                  size_t *size);

/* The largest value raised to, the smallest lowered to. As holm_get(). */
HOLM_API HOLM_NODISCARD enum holm_status holm_get_max(struct holm_node *node, struct holm_bytes key,
                                                      struct holm_bytes field, void *buffer,
                                                      size_t capacity, struct holm_value *value,
                                                      size_t *size);
HOLM_API HOLM_NODISCARD enum holm_status holm_get_min(struct holm_node *node, struct holm_bytes key,
                                                      struct holm_bytes field, void *buffer,
                                                      size_t capacity, struct holm_value *value,
                                                      size_t *size);

/* A counter's exact sum, saturated to 64 bits the same way everywhere. HOLM_ENOENT: *sum is 0. */
HOLM_API HOLM_NODISCARD enum holm_status holm_count(struct holm_node *node, struct holm_bytes key,
                                                    struct holm_bytes field, int64_t *sum);

/* Predicates. Absent, buried, or an argument out of range: false. */
HOLM_API bool holm_enabled(struct holm_node *node, struct holm_bytes key, struct holm_bytes field);
HOLM_API bool holm_contains(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                            struct holm_bytes element);
HOLM_API bool holm_exists(struct holm_node *node, struct holm_bytes key);
HOLM_API bool holm_buried(struct holm_node *node, struct holm_bytes key);

/*
 * One live cell of a record, as a view shows it.
 *   register  one entry a sibling; the first of them is the one that holm_get() reads
 *   counter   one entry, the sum in value.as.i64
 *   set       one entry an element, in `element`
 *   flag      one entry, value true
 *   max, min  one entry, the extreme
 */
struct holm_entry {
    struct holm_path path;   /* where it is: all its names; none for the record itself */
    struct holm_bytes field; /* the last of them, or empty */
    enum holm_kind kind;
    struct holm_bytes element; /* set; otherwise empty */
    struct holm_value value;
    struct holm_dot dot; /* what wrote it; for a counter zero */
    uint64_t hlc;        /* when, by the writer's hybrid clock, in milliseconds << 16 | counter; for
                            a counter zero */
};

/*
 * Copies a record (or only one field of it; the empty field is that of the record itself), at one
 * moment, into a view that the caller frees with holm_view_free(). Entries are sorted by path, kind
 * and element. O(cells of the record); of one field, O(fields of the record + cells of this one).
 *   HOLM_ENOENT  there is nothing
 *   HOLM_ENOMEM, HOLM_EFORK
 * After any error *view is NULL.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_read(struct holm_node *node, struct holm_bytes key,
                                                   struct holm_view **view);
HOLM_API HOLM_NODISCARD enum holm_status holm_read_field(struct holm_node *node,
                                                         struct holm_bytes key,
                                                         struct holm_bytes field,
                                                         struct holm_view **view);

/* All values of a register that are concurrent, the one that holm_get() reads first. As
 * holm_read(). */
HOLM_API HOLM_NODISCARD enum holm_status holm_siblings(struct holm_node *node,
                                                       struct holm_bytes key,
                                                       struct holm_bytes field,
                                                       struct holm_view **view);

/*
 * Copies elements of a set, at most `limit` of them, in the order of their bytes: those behind
 * `after`, be that there or not (NULL: from the first). So a set of any size is read in views of a
 * bounded one, each of its own moment; what is there all the while is met exactly once.
 *
 *     struct holm_view *next, *view = NULL;
 *     struct holm_bytes last, *after = NULL;
 *     while (holm_elements(node, key, field, after, 1000, &next) == HOLM_OK) {
 *         ...                                              look at the entries of `next`
 *         holm_view_free(view);                            `after` pointed into it until now
 *         view = next;
 *         last = holm_view_entry(view, holm_view_count(view) - 1)->element;
 *         after = &last;
 *     }
 *     holm_view_free(view);
 *
 * O(limit + log of the set). HOLM_EINVAL when limit is 0; otherwise as holm_read(), HOLM_ENOENT
 * when no element is left.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_elements(struct holm_node *node,
                                                       struct holm_bytes key,
                                                       struct holm_bytes field,
                                                       const struct holm_bytes *after, size_t limit,
                                                       struct holm_view **view);

HOLM_API struct holm_bytes holm_view_key(const struct holm_view *view);
HOLM_API size_t holm_view_count(const struct holm_view *view);
/* The entry's bytes belong to the view. NULL when index is not below the count. */
HOLM_API const struct holm_entry *holm_view_entry(const struct holm_view *view, size_t index);
HOLM_API void holm_view_free(struct holm_view *view); /* NULL is allowed */

/* The partition of a key: xxh3_64 of the key, or of what stands between its first { and the next }
 * when that is not empty, modulo the number of partitions. */
HOLM_API uint32_t holm_partition(struct holm_node *node, struct holm_bytes key);
HOLM_API uint32_t holm_partition_count(struct holm_node *node);

/*
 * Opens a scan of the present records of one partition, or of every one, whose keys begin with
 * `prefix` (empty: all). The scan is a cut of each partition: the keys and records of one moment,
 * another one for each. A partition is locked while its records are copied; they take memory,
 * O(cells that match), until the scan is closed.
 *
 * On a node that was opened with `ordered`, records come in the order of their keys' bytes, and are
 * found in O(log records + matches); the order costs 10 to 11 bytes a record, and a microsecond or
 * less when a record comes or goes. On another they come in no order, and all records of the
 * partition are looked at.
 *   HOLM_EINVAL  there is no such partition
 *   HOLM_ENOMEM, HOLM_EFORK
 * After any error *scan is NULL.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_scan_open(struct holm_node *node, uint32_t partition,
                                                        struct holm_bytes prefix,
                                                        struct holm_scan **scan);
/*
 * Opens a scan of at most `limit` of those records, the first behind the key `after` (there or not;
 * NULL: from the first one), in order: so any number of records is read in scans of a bounded one,
 * each of its own moment; a record that is there all the while is met exactly once. The last key of
 * one scan is the next one's `after`. O(log records + limit), of every partition that many times.
 *   HOLM_EINVAL  the node was not opened with `ordered`, there is no such partition, or limit is 0
 *   HOLM_ENOMEM, HOLM_EFORK
 * After any error *scan is NULL. At the end it is HOLM_OK, too: the scan is empty then.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_scan_part(struct holm_node *node, uint32_t partition,
                                                        struct holm_bytes prefix,
                                                        const struct holm_bytes *after,
                                                        size_t limit, struct holm_scan **scan);
/* The next record, or NULL at the end. The view belongs to the scan, until it is closed. */
HOLM_API const struct holm_view *holm_scan_next(struct holm_scan *scan);
HOLM_API void holm_scan_close(struct holm_scan *scan); /* NULL is allowed */

/* ---- peers and figures --------------------------------------------------------------------- */

enum holm_liveness {
    HOLM_UP = 1,        /* its Hello has come back, and it answers */
    HOLM_SUSPECT = 2,   /* silent for more than half of the link timeout */
    HOLM_DOWN = 3,      /* no link; dialled for ever */
    HOLM_FORGOTTEN = 4, /* with retention `stable`: no member any more, and no link */
    HOLM_LEFT = 5       /* it has left for good, and is not dialled */
};

struct holm_peer {
    struct holm_node_id node;
    struct holm_epoch epoch;
    enum holm_liveness liveness;
    char name[64];          /* cut to 63 bytes */
    char address[128];      /* where it is dialled; "" when it does not listen */
    uint64_t round_trip_us; /* of the last ping; 0 before the first */
};

/*
 * Copies at most `capacity` known peers, never this node itself; returns how many there are. With retention `stable`
 * also members that have not been met in this life: of them only the id is known, and the epoch. events.h tells
 * what changes.
 */
HOLM_API size_t holm_peers(struct holm_node *node, struct holm_peer *peers, size_t capacity);

/* Figures of a node since it was opened, all partitions together. */
struct holm_stats {
    uint64_t operations;       /* minted here */
    uint64_t deltas_sealed;    /* published */
    uint64_t deltas_applied;   /* of others */
    uint64_t deltas_duplicate; /* received again and ignored */
    uint64_t deltas_held;      /* waiting now for what comes before them */
    uint64_t pulls;            /* asked for */
    uint64_t pulls_served;
    uint64_t syncs; /* completed as receiver */
    uint64_t syncs_served;
    uint64_t beacons;         /* received */
    uint64_t digest_breaches; /* equal vectors with unequal digests: must be 0 */
    uint64_t twins;           /* signs of another live node under this id: must be 0 */
    uint64_t mended; /* cells taken over after a breach: two nodes wrote under one id and epoch */
    uint64_t malformed;      /* frames refused */
    uint64_t dropped;        /* frames that a bounded queue could not take */
    uint64_t drift;          /* stamps too far ahead of the local clock */
    uint64_t waits;          /* how often broadcasts had to wait for acknowledgements */
    uint64_t lags;           /* how often a peer was too far behind to be waited for any longer */
    uint64_t lagging;        /* peers up now that are: they pull, and slow nobody */
    uint64_t bytes_sent;     /* payload of links and broadcasts, a broadcast counted once */
    uint64_t bytes_received; /* both as of a moment ago: up to four beacon intervals when idle */
    uint64_t records;        /* present now */
    uint64_t tombstones;     /* burials held now; two concurrent ones of a key are two */
    uint64_t vector_entries; /* the largest vector of a partition */
    uint64_t log_bytes;      /* op log now */
    uint64_t state_bytes;    /* records and tombstones now, in memory */
    uint64_t digest;         /* of the live state of all partitions: equal states, equal digests */
    uint64_t vector_hash;    /* of all vectors: equal when the same operations are applied */
    uint64_t peers_up;
    uint64_t member;  /* 1, or 0 with retention `stable` until this life of the node is admitted */
    uint64_t members; /* with `stable`: nodes of the cluster, forgotten ones aside */
    uint64_t journalled; /* writes (batches) that wait until this node is a member */
    uint64_t reminted;   /* own operations written anew, on coming back by replacement */
    uint64_t abandoned;  /* operations dropped then; and journalled ones that their keys refused */
    uint64_t collected;  /* tombstones, and remains of counters, that went by own collection */
};

HOLM_API void holm_stats(struct holm_node *node, struct holm_stats *stats);

/*
 * Writes all figures, of the node, of each partition and of each peer, into `buffer` as Prometheus reads them
 * (text format 0.0.4; no NUL at the end). *size is set to the bytes that are needed; NULL and a capacity of 0
 * only ask for that. The next call may need a little more, as numbers and peers grow:
 *
 *     while ((status = holm_metrics(node, buffer, capacity, &size)) == HOLM_ESPACE)
 *         ... make room for size + size / 8 bytes, and try again
 *
 * What each is, its HELP line says; docs/OPERATIONS.md says which to watch. About 2 KiB a partition and 1 KiB a peer; takes one partition's
 * lock after the other, each for O(peers), and prints without any.
 *   HOLM_ESPACE  `capacity` is too small; what fits was written
 *   HOLM_ENOMEM, HOLM_EFORK, HOLM_ECLOSED: *size is 0
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_metrics(struct holm_node *node, char *buffer,
                                                      size_t capacity, size_t *size);

/*
 * Copies the vector of one partition: per actor the highest seq applied, sorted by actor, pending
 * operations of this node included (they are sealed first). At most `capacity` entries; returns
 * how many there are.
 */
HOLM_API size_t holm_vector(struct holm_node *node, uint32_t partition, struct holm_dot *entries,
                            size_t capacity);

#ifdef __cplusplus
}
#endif

#endif
