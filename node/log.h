/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - lines for the operator, which a person and a program can read.
 *
 *     holm_log_tell(log, now, HOLM_LOG_PEER_RETURNED,
 *                   HOLM_LOG_VALUES(holm_log_text("oslo"), holm_log_number(412)));
 *
 *     ts=2026-11-21T23:50:07.412Z level=info event=peer_returned node=lisbon peer=oslo after_ms=412
 *         msg="peer oslo is up again after 412 ms"                                       (one line)
 *
 * What can be said is a table (log_events.h): an event's name, its level, how often it is told, and a sentence, whose
 * {names} are the fields. Values are given in the order in which the sentence has them; they may come from a peer.
 * The caller says what time it is.
 *
 * Invariants:
 *     G1  a line is one line of logfmt, whatever the values hold: `key=value` with a space between, a value in quotes
 *         when it is empty or has anything but plain characters; quotes, backslashes, control characters, what reorders
 *         text and what is no UTF-8 are told as \", \\ and \xHH. It has at most HOLM_LOG_LINE_BYTES bytes; what
 *         is longer is cut within a value, which then ends in "..."
 *     G2  of an event at most so many lines are told in a minute as the table says; the first one after that has
 *         suppressed=N
 */
#ifndef HOLM_NODE_LOG_H
#define HOLM_NODE_LOG_H

#include <holm/holm.h>
#include <pthread.h>

#include "crdt/base.h"
#include "crdt/hlc.h"
#include "node/log_events.h"

#define HOLM_LOG_LINE_BYTES 1023  /* of a line, without its NUL */
#define HOLM_LOG_VALUES_BYTES 512 /* of all values of a line, packed */

enum holm_log_event {
#define HOLM_LOG_EVENT(id, name, level, limit, sentence) HOLM_LOG_##id,
    HOLM_LOG_EVENTS(HOLM_LOG_EVENT)
#undef HOLM_LOG_EVENT
    HOLM_LOG_EVENT_COUNT
};

/* How often each event was told: of one node, whose threads share it. */
struct holm_log_limits {
    pthread_mutex_t lock; /* of all below */
    struct {
        uint64_t begun_us; /* its present minute; 0: none so far */
        uint32_t told;     /* in it */
        uint64_t suppressed;
    } events[HOLM_LOG_EVENT_COUNT];
    uint64_t lines, suppressed; /* of all, ever */
};

void holm_log_limits_init(struct holm_log_limits *limits);
void holm_log_limits_release(struct holm_log_limits *limits);
void holm_log_limits_figures(struct holm_log_limits *limits, uint64_t *lines, uint64_t *suppressed);

/* A line, for who wants more of it than its text. */
struct holm_log_told {
    enum holm_log_event event;
    enum holm_log_level level;
    const char *line;
    const char *sentence;
};

struct holm_log {
    int level; /* HOLM_LOG_…; lines above it are not told */
    void (*write)(void *context, int level, const char *line);     /* NULL: to stderr */
    void (*hear)(void *context, const struct holm_log_told *told); /* NULL, or in place of it */
    void *context;
    struct holm_log_limits *limits; /* NULL: none (G2). Borrowed */
    char speaker[64];               /* the node's name; "": none yet */
};

/* ---- values --------------------------------------------------------------------------------- */

struct holm_log_value {
    enum {
        HOLM_LOG_IS_BYTES,
        HOLM_LOG_IS_NUMBER,
        HOLM_LOG_IS_HEX
    } type;
    struct holm_bytes bytes; /* borrowed */
    uint64_t number;
};

struct holm_log_value holm_log_bytes(struct holm_bytes bytes);
struct holm_log_value holm_log_text(const char *text);
struct holm_log_value holm_log_status(enum holm_status status); /* what it says */
struct holm_log_value holm_log_number(uint64_t number);
struct holm_log_value holm_log_hex(uint64_t number);

/* Values and how many, or no values: two arguments. */
#define HOLM_LOG_VALUES(...)                                                                       \
    (const struct holm_log_value[]){__VA_ARGS__},                                                  \
        sizeof((const struct holm_log_value[]){__VA_ARGS__}) / sizeof(struct holm_log_value)
#define HOLM_LOG_NOTHING NULL, 0

/* ---- telling -------------------------------------------------------------------------------- */

/* Tells of an event. As many values as its sentence has names. Any thread. */
void holm_log_tell(const struct holm_log *log, struct holm_now now, enum holm_log_event event,
                   const struct holm_log_value *values, size_t count);

/* For who may not tell now: copies the values of an event into `room`, each cut if need be, to be told from there.
 * There must be 64 bytes for each value. */
void holm_log_pack(enum holm_log_event event, const struct holm_log_value *values, size_t count,
                   char *room, size_t capacity);
void holm_log_tell_packed(const struct holm_log *log, struct holm_now now,
                          enum holm_log_event event, const char *packed);

/* The sentence of packed values, with its NUL; cut to `capacity`. Returns its length. */
size_t holm_log_sentence(enum holm_log_event event, const char *packed, char *text,
                         size_t capacity);

enum holm_log_level holm_log_level_of(enum holm_log_event event);
const char *holm_log_event_name(enum holm_log_event event);

#endif
