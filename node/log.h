/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - lines for the operator.
 */
#ifndef HOLM_NODE_LOG_H
#define HOLM_NODE_LOG_H

enum holm_log_level {
    HOLM_LOG_ERROR = 1,  /* something that was promised is not kept */
    HOLM_LOG_NOTICE = 2, /* what an operator acts on */
    HOLM_LOG_DEBUG = 3
};

struct holm_log {
    int level; /* lines above it are not written; 0: none */
    void (*write)(void *context, int level, const char *line); /* NULL: to stderr */
    void *context;
    char speaker[64]; /* the node's name, for lines to stderr; "": none yet */
};

/* Formats and writes one line, without a newline at its end; cut at 500 bytes. Any thread. */
void holm_log_line(const struct holm_log *log, enum holm_log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
