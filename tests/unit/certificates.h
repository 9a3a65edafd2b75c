/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificates.h - for a test, the files of an authority in a folder that is gone afterwards.
 *
 *     certificates_make(&ours, "lisbon", "oslo", NULL);
 *     config.tls = certificates_of(&ours, "lisbon");
 */
#ifndef HOLM_TESTS_UNIT_CERTIFICATES_H
#define HOLM_TESTS_UNIT_CERTIFICATES_H

#include "transport/transport.h"

#define CERTIFICATES_MAX 8
#define CERTIFICATES_PATH 64

struct certificates {
    char folder[CERTIFICATES_PATH];
    char names[CERTIFICATES_MAX][16];
    char files[CERTIFICATES_MAX][2][CERTIFICATES_PATH]; /* certificate, key */
    char ca[CERTIFICATES_PATH];
    size_t count;
};

/* Names until NULL. Fails the test when it cannot. */
void certificates_make(struct certificates *made, ...);
/* One more, good for so many days; with 0, until this second ends. */
void certificates_add(struct certificates *made, const char *name, unsigned days);
/* The paths belong to `made`. */
struct holm_transport_tls certificates_of(const struct certificates *made, const char *name);
void certificates_remove(struct certificates *made);

#endif
