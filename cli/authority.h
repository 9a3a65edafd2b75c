/* SPDX-License-Identifier: Apache-2.0 */
/*
 * authority.h - a certificate authority in a directory, for clusters that are tried out.
 *
 *     DIR/ca.crt      who is signed by it belongs to the cluster    copied to every node
 *     DIR/ca.key      signs; 0600                                   stays here
 *     DIR/lisbon.crt  DIR/lisbon.key (0600)                         go to the node "lisbon" alone
 *
 * Keys are of the curve P-256, certificates are signed with SHA-256 and can be shown by callers and by
 * those who are called. Nothing that is there is ever written over. The names in them are for people:
 * a node looks at who signed, and at nothing else (transport/nng_tls.h).
 *
 * Whoever has ca.key can join the cluster for as long as any node trusts ca.crt. A cluster that matters
 * has an authority that keeps its key elsewhere; its PEM files do as well as these.
 */
#ifndef HOLM_CLI_AUTHORITY_H
#define HOLM_CLI_AUTHORITY_H

#include <holm/status.h>
#include <stdbool.h>
#include <stddef.h>

#define HOLM_AUTHORITY_NAME_BYTES_MAX 63

struct holm_authority;

/*
 * Takes the authority of a directory, or, when neither the directory nor ca.crt nor ca.key is there,
 * makes all three (*made). `days` is how long what it signs is good for; the authority itself ten years.
 *   HOLM_EBUSY      one of its two files is there without the other
 *   HOLM_EMALFORMED they cannot be read, or do not fit together
 *   HOLM_EIO, HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_authority_open(const char *directory, unsigned days,
                                                    struct holm_authority **authority, bool *made);
void holm_authority_close(struct holm_authority *authority); /* NULL is allowed */

/* Letters, digits, '.', '-' and '_', neither '.' nor '-' first, and not "ca". */
bool holm_authority_names(const char *name);

/*
 * Makes a key and a certificate of that name.
 *   HOLM_EINVAL  it is no name
 *   HOLM_EBUSY   one of the files is there already; nothing was written
 *   HOLM_EIO, HOLM_ENOMEM
 */
HOLM_NODISCARD enum holm_status holm_authority_issue(struct holm_authority *authority,
                                                     const char *name);

#endif
