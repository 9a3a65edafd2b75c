/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/scribe.h"

#include <errno.h>
#include <unistd.h>

void holm_scribe_init(struct holm_scribe *scribe, struct holm_scribe_target target)
{
    scribe->target = target;
    scribe->failed = false;
    scribe->size = 0;
}

void holm_scribe_line(struct holm_scribe *scribe, const struct holm_journal_line *line)
{
    char text[HOLM_JOURNAL_LINE_BYTES_MAX];
    size_t size = holm_journal_print(line, text);
    if (scribe->size + size > sizeof scribe->text)
        holm_scribe_flush(scribe);
    memcpy(scribe->text + scribe->size, text, size);
    scribe->size += size;
}

void holm_scribe_flush(struct holm_scribe *scribe)
{
    size_t written = 0;
    if (scribe->target.reader != NULL && scribe->size > 0) {
        scribe->failed |= !scribe->target.reader(scribe->target.context, scribe->text,
                                                 scribe->size);
        written = scribe->size;
    }
    while (!scribe->failed && written < scribe->size) {
        ssize_t count = write(scribe->target.fd, scribe->text + written, scribe->size - written);
        if (count >= 0)
            written += (size_t)count;
        else if (errno != EINTR)
            scribe->failed = true;
    }
    scribe->size = 0;
}
