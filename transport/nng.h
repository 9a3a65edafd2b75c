/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng.h - the transport over nng: real sockets, tcp and ipc.
 *
 *     link         an nng_stream, frames behind a little-endian u32
 *     publisher    an nng pub0 socket
 *     subscription an nng_stream that greets a pub0 socket as a sub0 would
 *
 * Addresses are tcp://HOST:PORT (port 0: any) and ipc:///PATH. The publisher's own address follows
 * from the link's: ipc:///PATH.pub, or any free port of the same HOST.
 *
 * Why a subscription is no sub0 socket. In nng 1.5.2, which distributions ship, closing a
 * socket, dialer or pipe of any protocol while data arrives can hang for ever, and takes the
 * library's one reaper thread with it: no later close returns. A sub0 socket can only be closed
 * safely when its publisher has hung up, so one that floods, or is broken or hostile, could never
 * be left. nng's byte streams have no such fault. sub0's side of the protocol is one greeting and
 * a length before each message, so it is spoken here, in framer.h, over such a stream, to a real
 * pub0. A publisher is closed while nothing arrives: its subscribers are silent after their
 * greeting. docs/decisions/0001-closing-subscribers.md has the measurements.
 *
 * What follows from it:
 *     N1  unsubscribe() and close() return at once, whatever the publisher does; nothing has to
 *         be said in a Goodbye for it
 *     N2  a subscription sees its publisher go and dials again after 50 ms, then 100, up to 1 s,
 *         each time less a random half
 *     N3  a received broadcast is counted when its queue cannot take it; what pub0 drops, because
 *         a subscriber leaves more than 1,024 frames unread, is seen by no one
 *
 * Memory: a stream takes 16 KiB to read into and what waits in its queues. A link's frames are
 * read until 256 KiB of them wait for next(); then its peer has to wait. pub0 keeps the last 1,024
 * broadcasts while any subscriber lags so far, in one copy for all.
 *
 * nng's own threads only move bytes and frames under one lock of the transport; everything else
 * happens in the calls of its owner. After fork() no call may be made in the child: nng aborts it.
 */
#ifndef HOLM_TRANSPORT_NNG_H
#define HOLM_TRANSPORT_NNG_H

#include "transport/transport.h"

/*
 * Opens a transport, listening at config->listen unless that is NULL. *transport is the caller's,
 * until its close(). A socket file that a killed process left behind is taken over.
 *   HOLM_EINVAL   the configuration's numbers do not fit
 *   HOLM_EADDRESS the address cannot be read, or somebody listens there
 *   HOLM_EIO      the system refused a socket for another reason
 *   HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_transport_nng_open(const struct holm_transport_config *config,
                                                        struct holm_transport **transport);

#endif
