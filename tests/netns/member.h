/* SPDX-License-Identifier: Apache-2.0 */
/*
 * member.h - a program in a room that is asked in lines, and answers each with one.
 *
 *     member_ask(&member, "write n0 5 100");
 *     const char *answer = member_answer(&member, 10);        "ok ..."
 *
 * Several can be asked before any answers. Calls fail the test when the program does not do its part.
 */
#ifndef HOLM_TESTS_NETNS_MEMBER_H
#define HOLM_TESTS_NETNS_MEMBER_H

#include "tests/netns/rooms.h"

struct member {
    pid_t pid; /* 0: none */
    int to, from;
    char text[1024];
    size_t size, taken;
};

/* Starts a program in a room; it dies with this process. `arguments` ends with NULL. */
void member_start(struct member *member, const struct rooms *rooms, uint32_t room,
                  const char *const arguments[]);
void member_ask(struct member *member, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The next line, without its end; it stays until the next call. */
const char *member_answer(struct member *member, double patience_s);
/* SIGKILL, and its end. */
void member_kill(struct member *member);

double member_now_s(void);

#endif
