/* SPDX-License-Identifier: Apache-2.0 */
#include "node/fork.h"

#include <sys/mman.h>
#include <unistd.h>

#define OWNED 1

void holm_fork_mark_open(struct holm_fork_mark *mark)
{
    mark->owner = getpid();
    mark->page = NULL;
    mark->page_bytes = (size_t)sysconf(_SC_PAGESIZE);
#ifdef MADV_WIPEONFORK
    uint64_t *page = mmap(NULL, mark->page_bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        return;
    if (madvise(page, mark->page_bytes, MADV_WIPEONFORK) != 0) {
        munmap(page, mark->page_bytes);
        return;
    }
    *page = OWNED;
    mark->page = page;
#endif
}

void holm_fork_mark_close(struct holm_fork_mark *mark)
{
    if (mark->page != NULL)
        munmap((void *)(uintptr_t)mark->page, mark->page_bytes);
    mark->page = NULL;
}

void holm_fork_mark_revoke(struct holm_fork_mark *mark)
{
    if (mark->page != NULL)
        *(volatile uint64_t *)(uintptr_t)mark->page = !OWNED;
    mark->owner = 0;
}

bool holm_fork_mark_owned(const struct holm_fork_mark *mark)
{
    return mark->page != NULL ? *mark->page == OWNED : getpid() == mark->owner;
}
