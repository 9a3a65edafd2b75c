/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_events.h - everything a node can say to its operator, a row an event.
 *
 *     X(PEER_RETURNED, "peer_returned", INFO, 60, "peer {peer} is up again after {after_ms} ms")
 *        HOLM_LOG_...   event=          level  lines a minute, at most; what is beyond is counted
 *
 * A {name} stands for a value, and names its field. docs/OPERATIONS.md has the same rows, with what each means: a test
 * holds the two against each other, and looks for events that nobody tells. Sentences of events up to INFO are part of
 * what the simulator's trace is hashed from.
 */
#ifndef HOLM_NODE_LOG_EVENTS_H
#define HOLM_NODE_LOG_EVENTS_H

/* clang-format off */
#define HOLM_LOG_EVENTS(X)                                                                                             \
    X(CONFIG_REFUSED, "config_refused", ERROR, 20, "{why}")                                                            \
    X(NODE_FORKED, "node_forked", ERROR, 20, "{name} does not open: {why}")                                            \
    X(NODE_NOT_OPENED, "node_not_opened", ERROR, 20, "{name} does not open (listen: {listen}): {why}")                 \
    X(JOIN_REFUSED, "join_refused", ERROR, 20, "join: '{address}' {why}")                                              \
    X(TLS_REFUSED, "tls_refused", ERROR, 20, "tls: {why} ({certificate}, {key}, {ca})")                                \
    X(HTTP_NOT_OPENED, "http_not_opened", ERROR, 20, "http: {url} cannot be listened at: {why}")                       \
    X(HTTP_EXPOSED, "http_exposed", WARN, 20, "http: {url} is not loopback: whoever reaches it reads all figures")     \
    X(CLOSING_EARLY, "closing_early", WARN, 20, "closing before all peers have the last writes")                       \
    X(LAST_UNPUBLISHED, "last_unpublished", ERROR, 20, "the last writes are not published: {why}")                     \
    X(STORE_ERROR, "store_error", ERROR, 20, "the store in {directory} {what}: {why}; {advice}")                                 \
    X(STORE_DAMAGED, "store_damaged", ERROR, 20,                                                                       \
      "the store in {directory} is damaged: {table} of partition {partition}")                                         \
    X(STORE_BUSY, "store_busy", ERROR, 20, "the store in {directory} is open in another process")                      \
    X(STORE_FOREIGN, "store_foreign", ERROR, 20,                                                                       \
      "the store in {directory} is of node {id}, with {partitions} partitions and retention {retention}, or of "       \
      "another cluster")                                                                                               \
    X(STORE_FAILED, "store_failed", ERROR, 20,                                                                         \
      "the store has failed: partitions that it failed for take no writes any more")                                   \
    X(PEER_UP, "peer_up", INFO, 60, "peer {peer} is up")                                                               \
    X(PEER_RETURNED, "peer_returned", INFO, 60, "peer {peer} is up again after {after_ms} ms")                         \
    X(PEER_CLOSED, "peer_closed", INFO, 60, "peer {peer} has left")                                                    \
    X(PEER_LEFT, "peer_left", INFO, 60, "peer {peer} has left for good")                                               \
    X(PEER_UNMET, "peer_unmet", INFO, 20, "member {peer} is given up: told of {told_ms} ms ago, and never met")        \
    X(PEER_SUSPECT, "peer_suspect", DEBUG, 60, "peer {peer} is suspect: silent for {silent_ms} ms")                    \
    X(PEER_HEARD, "peer_heard", DEBUG, 60, "peer {peer} is heard again after {silent_ms} ms")                          \
    X(PEER_HEALED, "peer_healed", INFO, 60,                                                                            \
      "healed with {peer} after {after_ms} ms: {came} operations came, {went} went")                                   \
    X(LEFT_UNHEARD, "left_unheard", WARN, 20, "left before all peers had taken leave: they may take this node to be down")\
    X(PEER_DOWN, "peer_down", WARN, 60, "peer {peer} is down")                                                         \
    X(PEER_REFUSED, "peer_refused", WARN, 20, "{role} {peer} refused: {why}")                                          \
    X(PEER_UNTRUSTED, "peer_untrusted", WARN, 20,                                                                      \
      "{role} {address}: no certificate that both sides trust ({count} such links since the last such line)")          \
    X(CALLERS_LIMITED, "callers_limited", WARN, 20,                                                                    \
      "{address} calls too often: {count} connections were closed at once since the last such line, of it or others")  \
    X(LINK_DROPPED, "link_dropped", WARN, 20, "link to {peer} dropped: {why}")                                         \
    X(LINK_SILENT, "link_silent", DEBUG, 60, "link to {peer} silent for {silent_ms} ms: dropped")                      \
    X(DIAL_FAILED, "dial_failed", DEBUG, 20, "cannot dial {address}: {why}")                                           \
    X(SEED_RESOLVED, "seed_resolved", INFO, 20,                                                                        \
      "{seed} has {count} addresses: {added} came, {gone} went, {left_out} are left out")                              \
    X(SEED_REFUSED, "seed_refused", WARN, 20, "{seed}: {count} of its addresses are not dialled: {address} {why}")     \
    X(RESOLVE_FAILED, "resolve_failed", WARN, 20, "cannot look up {seed}: {why}; {count} addresses of before stay")    \
    X(MULTICAST_OPENED, "multicast_opened", INFO, 20, "multicast {where}: announces {address}")                        \
    X(MULTICAST_FAILED, "multicast_failed", WARN, 20, "multicast {where}: {why}; tried again for ever")                \
    X(MULTICAST_HEARD, "multicast_heard", INFO, 20,                                                                    \
      "multicast {where}: {count} addresses: {added} came, {gone} went, {left_out} are left out")                      \
    X(MULTICAST_REFUSED, "multicast_refused", WARN, 20, "multicast {where}: {address} is not dialled: {why}")          \
    X(MULTICAST_STRANGERS, "multicast_strangers", WARN, 1,                                                             \
      "multicast {where}: not taken so far: {unauthentic} announcements of another secret, {foreign} of another "       \
      "cluster, {stale} of another time, {malformed} malformed")                                                       \
    X(SUBSCRIBE_FAILED, "subscribe_failed", WARN, 20, "cannot subscribe to {address}: {why}")                          \
    X(FRAME_UNSENT, "frame_unsent", DEBUG, 20, "a frame of {bytes} bytes: {why}")                                      \
    X(WRITERS_REFUSED, "writers_refused", ERROR, 1,                                                                    \
      "runs of partition {partition} are refused: there are as many writers as allowed")                               \
    X(EPOCH_RAISED, "epoch_raised", INFO, 20, "a peer remembers this node's id: new epoch {epoch}")                    \
    X(EPOCH_UNTOLD, "epoch_untold", WARN, 20, "out of memory for an epoch")                                            \
    X(TWIN_WRITES, "twin_writes", ERROR, 20,                                                                           \
      "duplicate node: another writes under the id and epoch of this one")                                             \
    X(TWIN_HERE, "twin_here", ERROR, 20, "duplicate node: another lives under this node's id, in epoch {epoch}")       \
    X(TWIN_PEER, "twin_peer", ERROR, 20, "duplicate node: two lives of {peer} in one epoch")                           \
    X(TWIN_TWICE, "twin_twice", ERROR, 20, "duplicate node: {peer} is up twice, here in epoch {epoch}")                \
    X(FEEDS_BEGUN, "feeds_begun", INFO, 20, "writes are heard of by feeds from now on")                                \
    X(FEEDS_ENDED, "feeds_ended", INFO, 20, "writes are heard of by broadcast from now on")                            \
    X(CLUSTER_BEGUN, "cluster_begun", INFO, 20, "no cluster is known: this node begins one")                           \
    X(CLUSTER_FOUNDED, "cluster_founded", INFO, 20,                                                                    \
      "the whole cluster has restarted: this node founds it anew")                                                     \
    X(MEMBER_CONFIRMED, "member_confirmed", INFO, 20, "a member")                                                      \
    X(MEMBER_REPLACED, "member_replaced", WARN, 20,                                                                    \
      "a member, with the state of the others in place of its own")                                                    \
    X(MEMBER_LOST, "member_lost", WARN, 20, "lost: {why}; it comes back by replacement")                               \
    X(MEMBER_FORGOTTEN, "member_forgotten", WARN, 20, "node {id} is forgotten: {outcome}")                             \
    X(STATE_BEYOND, "state_beyond", WARN, 20, "what a peer has is from beyond a forget: it is not taken")              \
    X(STATE_UNTAKEN, "state_untaken", ERROR, 20, "cannot take what a member has: {why}")                               \
    X(WRITES_REMINTED, "writes_reminted", WARN, 20,                                                                    \
      "replaced: {reminted} of this node's writes are written anew, {dropped} are dropped")                            \
    X(WRITE_LOST, "write_lost", WARN, 64, "lost: {what}")                                                              \
    X(WRITES_LOST, "writes_lost", WARN, 20, "lost: {count} more")                                                      \
    X(JOURNAL_REFUSED, "journal_refused", WARN, 20,                                                                    \
      "{count} writes of before it was a member are refused by what has become of their keys")                         \
    X(JOURNAL_WAITS, "journal_waits", WARN, 20,                                                                        \
      "memory is short: {batches} batches of before it was a member wait in the journal; it goes on trying")           \
    X(RETURN_FAILED, "return_failed", ERROR, 20, "in coming back: {why}")
/* clang-format on */

#endif
