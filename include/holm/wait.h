/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait.h - how far a write has come, and how much a read has heard of. Included by holm.h.
 *
 *     a write is          applied        when holm_commit() returns
 *                         durable        holm_wait_durable(node, &receipt, ms)
 *                         seen by k      holm_wait_seen(node, &receipt, k, ms)
 *                         by a majority  holm_wait_seen(node, &receipt, HOLM_MAJORITY, ms)
 *                         by all         holm_wait_seen(node, &receipt, HOLM_ALL, ms)
 *                         stable         holm_wait_stable(node, &receipt, ms)
 *     read your writes at another node   holm_receipt_encode() here, 48 bytes, holm_receipt_decode()
 *                                        and holm_wait_applied() there
 *     a read that is not older than      holm_wait_heard(node, partition, k, ms), then read
 *       what k peers have now
 *     a read that is not older than      holm_position() there, holm_wait_reached() here, then read
 *       what was read elsewhere
 *
 * A time-out undoes nothing: what was written may still spread, and what was asked for may still
 * come. Nothing here is consensus: a majority that has seen a write does not keep another node from
 * writing beside it, and after a netsplit both sides' writes are there.
 *
 * Who counts. Peers count while they are up, each life of a node (epoch) anew, this node never; two who share a
 * name by mistake count as one. Of how
 * many nodes HOLM_MAJORITY and HOLM_ALL are, is looked at all the time while a call waits:
 *
 *     retention `stable`    the nodes of the member list that are not forgotten, up or not. Of
 *                           three members, two are a majority: this one, and a peer. Who is not
 *                           admitted yet counts for nothing, on either side
 *     retention `forever`   this node, and all that it knows of since it was opened (holm_peers()): met,
 *                           or told of by others, up or not, but not who has left. A node that
 *                           nobody has told of is not missed: after a restart of all of the smaller
 *                           half of a netsplit that half is all there is. Where this matters give the
 *                           number, or use `stable`
 *
 * Promises, for every call below: it may be made by any thread; a timeout of 0 only looks; no
 * lock is held while it waits, so that nobody waits for it; and its answers are
 *     HOLM_OK        so it is
 *     HOLM_ETIMEDOUT not yet
 *     HOLM_EINVAL    there is no such partition
 *     HOLM_ENOMEM    nothing could be asked
 *     HOLM_EFORK, HOLM_ECLOSED
 *
 * A store that has failed is told of by holm_wait_durable() alone. With retention `forever` all other calls do what they say
 * here, as on a node without a store. With `stable` such a node is silent: what it would have to ask for does not come.
 */
#ifndef HOLM_WAIT_H
#define HOLM_WAIT_H

#include <holm/status.h>
#include <holm/value.h>

#ifdef __cplusplus
extern "C" {
#endif

struct holm_node;

/* In place of a number of peers: as many as make a majority together with this node, and all. */
#define HOLM_MAJORITY (UINT32_MAX - 1)
#define HOLM_ALL UINT32_MAX

/* All partitions. */
#define HOLM_EVERY_PARTITION UINT32_MAX

/*
 * What was committed: `count` operations of `partition`, dots (actor, seq) to
 * (actor, seq + count - 1). count is 0 when nothing had to be written: then there is nothing to wait
 * for, and every wait below is over at once, as far as enough peers are up. It is also 0 when it was
 * `journalled`: with retention `stable`, before this node is a member. What was written has no dots
 * yet then, waits are for all that this node has journalled in the partition, and no other node or
 * later life of this one can be asked about it.
 */
struct holm_receipt {
    uint32_t partition;
    uint32_t count;
    struct holm_dot first;
    bool journalled;
};

/* ---- writes -------------------------------------------------------------------------------- */

/*
 * Waits until `peers` other nodes have applied the receipt's operations; with a NULL receipt, all
 * that this node has written so far in this life.
 *
 * Seals and publishes what is pending, and asks each peer that is up to tell at once: a small
 * message to each, again every 250 ms, and one back. So it takes a round trip, when peers are as far as that.
 *
 * Of another node's receipt, or of a former life's, nobody can be asked: a peer is known to have it when the
 * two have the same of its partition, or when it has something that was written here, or reported
 * (`stable`), later than that. On a node that writes little, while others write much, that can take long:
 * wait where it was written, if you can. First it must be here.
 *   HOLM_ENOENT  its writer has ended, and nobody had it then (`stable`): it is lost
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_wait_seen(struct holm_node *node,
                                                        const struct holm_receipt *receipt,
                                                        uint32_t peers, uint32_t timeout_ms);

/*
 * Waits until this node knows that every member has applied the receipt's operations. With retention
 * `stable` by what the members report, up or not: reports come with the beacons, so it takes two
 * or three of their intervals. With `forever` it is holm_wait_seen() with HOLM_ALL: all that it knows of must be up.
 * A member that is admitted later has them, too, before it is one. Sends nothing but what is pending.
 *   HOLM_ENOENT  as above
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_wait_stable(struct holm_node *node,
                                                          const struct holm_receipt *receipt,
                                                          uint32_t timeout_ms);

/*
 * Waits until the receipt's operations are on this node's disk, written and flushed; with a NULL receipt, all that it
 * has so far, own and others'. Then they are read again after whatever end of this process or power. What was written
 * elsewhere must be here first: for that it waits, and pulls, as holm_wait_applied(). Then it blocks for one
 * flush of the disk, or two if one is under way (a fraction of a millisecond to some), however many wait with
 * it; other calls do not wait. After a sync it waits until all that this brought is there, which takes about as long as the
 * sync did. Publishes what is pending. A timeout of 0 only looks.
 *   HOLM_EINVAL    this node has no store
 *   HOLM_ETIMEDOUT not yet; what was written may still get there
 *   HOLM_ENOENT    as holm_wait_seen()
 *   HOLM_EIO       the store has failed, and takes nothing any more: the log says how. Reading goes on
 *   HOLM_ENOMEM, HOLM_EFORK, HOLM_ECLOSED
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_wait_durable(struct holm_node *node,
                                                           const struct holm_receipt *receipt,
                                                           uint32_t timeout_ms);

/* ---- receipts elsewhere -------------------------------------------------------------------- */

#define HOLM_RECEIPT_BYTES 48

/*
 * Writes a receipt as bytes, for a cookie or a header; reads it again, here or at any node of
 * the cluster, in this life or a later one. The bytes say what cluster they are of. Neither waits; O(1).
 *   encode: HOLM_EBUSY      it is journalled: there is nothing yet to be named
 *   decode: HOLM_EMALFORMED not the bytes of a receipt, or damaged. There is no signature: who may
 *                           write bytes may make up a receipt, and waits for nothing then
 *           HOLM_ECLUSTER   of another cluster, or one with another number of partitions
 *   HOLM_EFORK, HOLM_ECLOSED. After an error nothing is written.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_receipt_encode(
    struct holm_node *node, const struct holm_receipt *receipt,
    unsigned char bytes[HOLM_RECEIPT_BYTES]);
HOLM_API HOLM_NODISCARD enum holm_status holm_receipt_decode(struct holm_node *node,
                                                             struct holm_bytes bytes,
                                                             struct holm_receipt *receipt);

/*
 * Waits until this node has applied the receipt's operations, whoever wrote them: then its reads show
 * them, and everything that they build upon. At the writer that is so at once. If it has to wait, it pulls from each
 * peer that is up, at first and every 250 ms; else it sends nothing.
 *   HOLM_ENOENT  as holm_wait_seen()
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_wait_applied(struct holm_node *node,
                                                           const struct holm_receipt *receipt,
                                                           uint32_t timeout_ms);

/* ---- reads --------------------------------------------------------------------------------- */

/*
 * Waits until `peers` other nodes have told, of one partition or of HOLM_EVERY_PARTITION, all that they
 * had when the call was made, and this node has applied it. Reads behind it show whatever had been
 * seen by that many peers before it. So who writes and waits until k of n others have seen it, and reads after hearing from n - k,
 * reads what was written.
 *
 * Pulls from each peer that is up, once a partition and peer, however many wait at the same time: a round trip, and
 * whatever is missing here. What came meanwhile is asked for anew only by who comes later.
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_wait_heard(struct holm_node *node, uint32_t partition,
                                                         uint32_t peers, uint32_t timeout_ms);

/*
 * Tells what this node has applied of a partition, or of HOLM_EVERY_PARTITION, as bytes: for
 * holm_wait_reached(), and for a watch that is opened later and goes on from there (watch.h). What is pending is
 * sealed first. *size is what it takes: 32 bytes, and for each partition 8, and 24 for each epoch that has
 * written there (`stable`: few a node). Does not wait; O(that).
 *   HOLM_ESPACE  `capacity` is too small; *size says what is needed now, which may grow
 *   HOLM_EINVAL, HOLM_ENOMEM, HOLM_EFORK, HOLM_ECLOSED. *size is 0
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_position(struct holm_node *node, uint32_t partition,
                                                       void *buffer, size_t capacity, size_t *size);

/*
 * Waits until this node has applied all that a position tells, of whatever node of the cluster it is. As
 * holm_wait_applied(), of each of its partitions.
 *   HOLM_EMALFORMED, HOLM_ECLUSTER  as holm_receipt_decode()
 *   HOLM_ENOENT                     some of it is lost, as above
 */
HOLM_API HOLM_NODISCARD enum holm_status holm_wait_reached(struct holm_node *node,
                                                           struct holm_bytes position,
                                                           uint32_t timeout_ms);

/* ---- peers --------------------------------------------------------------------------------- */

/* Waits until at least `peers` peers are up (their Hello has come back), or a majority, or all. */
HOLM_API HOLM_NODISCARD enum holm_status holm_wait_peers(struct holm_node *node, uint32_t peers,
                                                         uint32_t timeout_ms);

#ifdef __cplusplus
}
#endif

#endif
