/* SPDX-License-Identifier: Apache-2.0 */
#include "node/store_replica.h"

#include "proto/snapshot.h"

struct loading {
    struct holm_replica *replica;
    struct holm_now now;
};

/* What was stored is applied like what a peer sends; there is nobody yet to hear the outputs. */
static enum holm_status load_delta(void *context, struct holm_delta *delta)
{
    struct loading *loading = context;
    struct holm_message message = {.type = HOLM_MESSAGE_DELTA, .partition = delta->partition};
    message.sender = delta->actor;
    message.as.delta = delta;
    struct holm_event event = {.type = HOLM_EVENT_MESSAGE};
    event.as.message.peer = HOLM_PEER_NONE;
    event.as.message.message = &message;
    const struct holm_work *work;
    return holm_replica_step(loading->replica, &event, loading->now, &work);
}

enum holm_status holm_store_replica(struct holm_store *store,
                                    const struct holm_replica_config *config, struct holm_now now,
                                    struct holm_replica **replica)
{
    struct holm_bytes saved = holm_mem(NULL, 0);
    *replica = NULL;
    if (holm_store_keeps(store))
        saved = store->ops->saved(store, config->partition);
    enum holm_status status = saved.size > 0 ? holm_snapshot_load(config, saved, now, replica)
                                             : holm_replica_new(config, replica);
    if (status != HOLM_OK)
        return status;
    struct loading loading = {*replica, now};
    return store->ops->load(store, config->partition, load_delta, &loading);
}
