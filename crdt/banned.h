/* SPDX-License-Identifier: Apache-2.0 */
/*
 * banned.h - calls that the core must not make are compile errors.
 *
 * The build puts this before every source of crdt/ and proto/. Memory comes from the allocator that
 * was given, so that a host can bound it and a test can refuse it; chance and the environment come
 * as arguments, so that a run can be repeated. Not qsort: the C library's takes memory of its own.
 * What is not listed here and not pure either is found by the test tidy.purity_crdt.
 */
#ifndef HOLM_CRDT_BANNED_H
#define HOLM_CRDT_BANNED_H

#include <stdlib.h>
#include <string.h>

/*
 * clang takes this attribute on a function's first declaration only, which is the C library's. And
 * without optimisation inline functions of system headers are compiled though nobody calls them.
 */
#if defined(__GNUC__) && !defined(__clang__) && defined(__OPTIMIZE__)

#define HOLM_BAN(function, instead)                                                                \
    extern __typeof__(function) function __attribute__((error(#function " is banned: " instead)))

HOLM_BAN(malloc, "use the allocator given");
HOLM_BAN(calloc, "use the allocator given");
HOLM_BAN(realloc, "use the allocator given");
HOLM_BAN(aligned_alloc, "use the allocator given");
HOLM_BAN(free, "use the allocator given");
HOLM_BAN(qsort, "it may allocate");
HOLM_BAN(rand, "take randomness as an argument");
HOLM_BAN(getenv, "take settings as arguments");
HOLM_BAN(exit, "return a status");
HOLM_BAN(strcpy, "say how many bytes");
HOLM_BAN(strcat, "say how many bytes");

#undef HOLM_BAN

#endif

#endif
