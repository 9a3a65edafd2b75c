/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fork.h - does this process own what it holds, or has it inherited it through fork()?
 *
 * A page that the kernel wipes in a child (MADV_WIPEONFORK) holds a mark: asking is one load. A
 * kernel without it is asked for the process's id instead, 100 ns a call.
 */
#ifndef HOLM_NODE_FORK_H
#define HOLM_NODE_FORK_H

#include <holm/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct holm_fork_mark {
    const volatile uint64_t *page; /* NULL: the kernel cannot wipe it */
    size_t page_bytes;
    pid_t owner;
};

/* Marks this process as the owner. Cannot fail: without the page, every question is a system call. */
void holm_fork_mark_open(struct holm_fork_mark *mark);
void holm_fork_mark_close(struct holm_fork_mark *mark);
/* From now on nobody owns what it holds, this process neither. */
void holm_fork_mark_revoke(struct holm_fork_mark *mark);
/* Whether the calling process is the one that opened the mark. Any thread. */
bool holm_fork_mark_owned(const struct holm_fork_mark *mark);

#endif
