/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nng.h - the transport over nng: real sockets, tcp, tls+tcp and ipc.
 *
 *     link          an nng_stream, frames behind a little-endian u32
 *     broadcast     nng's pub0/sub0 on the wire: an nng_stream that greets as the one or the other
 *
 * Addresses are tcp://HOST:PORT (port 0: any), tls+tcp://HOST:PORT and ipc:///PATH. The publisher's own address follows
 * from the link's: ipc:///PATH.pub, or any free port of the same HOST.
 *
 * Why there are no pub0 and sub0 sockets. In nng 1.5.2, which distributions ship, a receive of the
 * transports below such sockets is lost when it is renewed while its pipe closes; then the close
 * never returns, and the one thread that takes apart whatever is closed in the process is gone with
 * it. A sub0 under traffic hits that within a few hundred closes; a pub0 is safe among
 * well-behaved peers, but one that sends its bytes one by one stops it within a hundred. nng's
 * byte streams, on which those transports stand, have no such fault. So the Scalability
 * Protocols' side of it, a greeting and a length before each message, is spoken here: see
 * framer.h and backlog.h. Real pub0 and sub0 sockets can be at the other end, and a test has them
 * there. docs/decisions/0001-closing-subscribers.md has the measurements.
 *
 * What follows from it:
 *     N1  unsubscribe() and close() return at once, whatever the publisher does; nothing has to
 *         be said in a Goodbye for it
 *     N2  a subscription sees its publisher go and dials again after 50 ms, then 100, up to 1 s,
 *         each time less a random half
 *     N3  nothing is lost silently: a received broadcast that the queue cannot take is counted, and
 *         so are those that a subscriber, too slow by more than the backlog, is cut off from
 *
 * Memory: a stream takes 16 KiB to read into and what waits in its queues. A link's frames are
 * read until 256 KiB of them wait for next(); then its peer has to wait. The backlog holds one copy
 * of a broadcast, however many subscribers lag.
 *
 * On a local socket nng's reader loses what it has not yet read when the writer closes. So a
 * close() with a linger ends its links with a mark, and the peers close.
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
 *   HOLM_EINVAL   the configuration's numbers do not fit; the certificate's files do not; config->listen
 *                 is exposed, or plain although there is a certificate, and nobody said that this is
 *                 meant; or it is tls+tcp:// and there is no certificate
 *   HOLM_EADDRESS the address cannot be read, or somebody listens there
 *   HOLM_EIO      the system refused a socket for another reason
 *   HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_transport_nng_open(const struct holm_transport_config *config,
                                                        struct holm_transport **transport);

#endif
