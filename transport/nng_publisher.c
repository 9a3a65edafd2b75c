/* SPDX-License-Identifier: Apache-2.0 */
#include "transport/nng_channel.h"

enum holm_status holm_nng_publish(struct holm_nng *nng, struct holm_bytes frame)
{
    enum holm_status status = holm_backlog_add(&nng->backlog, frame);
    if (status != HOLM_OK) {
        nng->stats.broadcasts_dropped++;
        return status;
    }
    nng->stats.broadcasts_sent++;
    nng->stats.broadcast_bytes_sent += frame.size;
    struct holm_backlog_reader *following;
    for (struct holm_backlog_reader *reader = nng->backlog.readers; reader != NULL;
         reader = following) {
        following = reader->next; /* breaking takes the reader out */
        struct holm_channel *channel = reader->owner;
        if (reader->late)
            holm_channel_break(channel);
        else
            holm_channel_flush(channel);
    }
    return HOLM_OK;
}
