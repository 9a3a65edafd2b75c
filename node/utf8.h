/* SPDX-License-Identifier: Apache-2.0 */
/*
 * utf8.h - text that may be none: names come from peers.
 *
 *     "\xc3\xa9" -> 2 bytes, U+00E9       "\xc3(" -> 0, no character begins here
 *
 * Source: RFC 3629: the shortest form alone, no surrogates, nothing above U+10FFFF.
 */
#ifndef HOLM_NODE_UTF8_H
#define HOLM_NODE_UTF8_H

#include "crdt/base.h"

/* Bytes of the character that begins here, of at most `size` > 0, or 0; *code is it. */
size_t holm_utf8_next(const unsigned char *text, size_t size, uint32_t *code);

#endif
