/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs of a twin: somebody else who writes under this node's id and present epoch, so that one dot
 * names two operations.
 */
#include "crdt/replica_parts.h"

enum holm_status holm_replica_twin(struct holm_replica *replica)
{
    replica->stats.twins += 1;
    return HOLM_EDUPLICATE;
}

bool holm_replica_claimed(const struct holm_replica *replica, struct holm_vector_view vector)
{
    struct holm_actor self = replica->actors.rows[replica->self].actor;
    uint64_t seq = holm_vector_view_seq(vector, self);
    /* Folded: that epoch is said to have ended. Then it is this replica that is lost. */
    return seq != HOLM_SEQ_FOLDED && seq > holm_actors_seq(&replica->actors, replica->self);
}

bool holm_replica_forged(const struct holm_replica *replica, const struct holm_delta *delta)
{
    const struct holm_oplog *log = &replica->log;
    if (delta->last > holm_actors_seq(&replica->actors, replica->self))
        return true;
    for (size_t i = log->count; i > 0; i--) {
        const struct holm_oplog_entry *entry = holm_oplog_at(log, i - 1);
        if (entry->actor == replica->self && entry->delta->first <= delta->last &&
            delta->last <= entry->delta->last)
            return !holm_delta_equal(entry->delta, delta);
    }
    return false;
}
