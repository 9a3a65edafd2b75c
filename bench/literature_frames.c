/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>

#include "bench/literature_table.h"
#include "crdt/message.h"

static const char *const names[HOLM_MESSAGE_TYPE_MAX + 1] = {
    [HOLM_MESSAGE_DELTA] = "Delta",
    [HOLM_MESSAGE_BEACON] = "Beacon",
    [HOLM_MESSAGE_HELLO] = "Hello",
    [HOLM_MESSAGE_PING] = "Ping",
    [HOLM_MESSAGE_PONG] = "Pong",
    [HOLM_MESSAGE_GOODBYE] = "Goodbye",
    [HOLM_MESSAGE_ACK] = "Ack",
    [HOLM_MESSAGE_WANT] = "Want",
    [HOLM_MESSAGE_PULL] = "Pull",
    [HOLM_MESSAGE_DELTAS] = "Deltas",
    [HOLM_MESSAGE_SYNC_OPEN] = "SyncOpen",
    [HOLM_MESSAGE_SYNC_CUT] = "SyncCut",
    [HOLM_MESSAGE_SYNC_NEXT] = "SyncNext",
    [HOLM_MESSAGE_SYNC_PAGE] = "SyncPage",
    [HOLM_MESSAGE_SYNC_CLOSE] = "SyncClose",
    [HOLM_MESSAGE_SYNC_ASK] = "SyncAsk",
    [HOLM_MESSAGE_SYNC_TELL] = "SyncTell",
    [HOLM_MESSAGE_FOLLOW] = "Follow",
    [HOLM_MESSAGE_UNFOLLOW] = "Unfollow",
    [HOLM_MESSAGE_FEED] = "Feed",
};

static void print_row(FILE *out, const struct literature_row *row)
{
    const struct literature_cost *frames = row->results[LITERATURE_HOLM].frames;
    char name[40];
    snprintf(name, sizeof name, "%s %s", row->published->name, row->script.graph.name);
    for (size_t i = 0; i <= HOLM_MESSAGE_TYPE_MAX; i++) {
        if (frames[i].messages == 0)
            continue;
        fprintf(out, "  %-15s%-10s%10" PRIu64 "%12" PRIu64 "%12" PRIu64 "%12" PRIu64 "%8.1f\n",
                name, names[i] == NULL ? "(new)" : names[i], frames[i].messages, frames[i].elements,
                frames[i].metadata, frames[i].bytes,
                (double)frames[i].bytes / (double)frames[i].messages);
        name[0] = '\0';
    }
}

void literature_table_frames(FILE *out, const struct literature_row *rows, size_t count)
{
    fprintf(out, "\nwhat holm sent\n%-17s%-10s%10s%12s%12s%12s%8s\n", "", "", "frames", "elements",
            "metadata", "bytes", "each");
    for (size_t i = 0; i < count; i++)
        print_row(out, &rows[i]);
}
