/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/order.h"
#include "tests/unit/messages.h"

static bool vectors_equal(struct holm_vector_view a, struct holm_vector_view b)
{
    if (a.count != b.count)
        return false;
    for (size_t i = 0; i < a.count; i++) {
        if (!holm_actor_equal(a.entries[i].actor, b.entries[i].actor) ||
            a.entries[i].seq != b.entries[i].seq)
            return false;
    }
    return true;
}

static bool values_equal(const struct holm_value *a, const struct holm_value *b)
{
    if (a->type != b->type)
        return false;
    if (holm_type_has_bytes(a->type))
        return holm_bytes_equal(a->as.bytes, b->as.bytes);
    if (a->type == HOLM_BOOL)
        return a->as.boolean == b->as.boolean;
    if (a->type == HOLM_I64)
        return a->as.i64 == b->as.i64;
    return a->type == HOLM_NONE || memcmp(&a->as.f64, &b->as.f64, sizeof a->as.f64) == 0;
}

static bool counts_equal(const struct holm_count *a, const struct holm_count *b)
{
    return a->start == b->start && a->last == b->last && a->sum == b->sum &&
           a->cancelled == b->cancelled && a->cancelled_sum == b->cancelled_sum;
}

static const char *seen_differ(const struct holm_items *a, const struct holm_item *x,
                               const struct holm_items *b, const struct holm_item *y)
{
    if (x->seen_count != y->seen_count)
        return "number of seen ranges";
    for (uint32_t i = 0; i < x->seen_count; i++) {
        const struct holm_seen *left = &a->seen[x->seen_first + i];
        const struct holm_seen *right = &b->seen[y->seen_first + i];
        if (left->actor != right->actor || left->first != right->first || left->last != right->last)
            return "seen ranges";
    }
    return NULL;
}

static const char *item_differ(const struct holm_item *x, const struct holm_item *y)
{
    if (x->op != y->op || x->kind != y->kind || x->actor != y->actor)
        return "op, kind or actor";
    if (!holm_bytes_equal(x->key, y->key) || !holm_bytes_equal(x->path, y->path) ||
        !holm_bytes_equal(x->sub, y->sub))
        return "key, path or element";
    if (x->op == HOLM_ITEM_COUNT)
        return counts_equal(&x->count, &y->count) ? NULL : "counter entry";
    if (x->seq != y->seq)
        return "seq";
    if (x->op == HOLM_ITEM_PUT && (x->hlc != y->hlc || !values_equal(&x->value, &y->value)))
        return "stamp or value";
    return NULL;
}

static const char *items_differ(const struct holm_items *a, const struct holm_items *b)
{
    if (a->actor_count != b->actor_count || a->item_count != b->item_count)
        return "number of actors or items";
    for (uint32_t i = 0; i < a->actor_count; i++) {
        if (!holm_actor_equal(a->actors[i], b->actors[i]))
            return "actors";
    }
    const char *why = NULL;
    for (uint32_t i = 0; i < a->item_count && why == NULL; i++) {
        why = item_differ(&a->items[i], &b->items[i]);
        if (why == NULL)
            why = seen_differ(a, &a->items[i], b, &b->items[i]);
    }
    return why;
}

static const char *delta_differ(const struct holm_delta *a, const struct holm_delta *b)
{
    if (a->partition != b->partition || !holm_actor_equal(a->actor, b->actor) ||
        a->first != b->first || a->last != b->last)
        return "the run";
    if (!vectors_equal(a->deps, b->deps) || !vectors_equal(a->collected, b->collected))
        return "deps or collected";
    if (!holm_bytes_equal(a->unknown, b->unknown))
        return "unknown fields";
    return items_differ(&a->items, &b->items);
}

static bool entries_equal(const struct holm_beacon_entry *a, const struct holm_beacon_entry *b)
{
    return a->partition == b->partition && a->own_seq == b->own_seq &&
           a->vector_hash == b->vector_hash && holm_digest_equal(a->digest, b->digest);
}

static const char *deltas_differ(const struct holm_deltas *a, const struct holm_deltas *b)
{
    if (a->count != b->count || a->more != b->more || a->too_old != b->too_old ||
        !entries_equal(&a->now, &b->now))
        return "the answer";
    const char *why = NULL;
    for (size_t i = 0; i < a->count && why == NULL; i++)
        why = delta_differ(a->deltas[i], b->deltas[i]);
    return why;
}

static const char *feed_differ(const struct holm_feed *a, const struct holm_feed *b)
{
    if (a->count != b->count || a->more != b->more || a->too_old != b->too_old ||
        a->number != b->number || a->ack != b->ack)
        return "the feed";
    const char *why = NULL;
    for (size_t i = 0; i < a->count && why == NULL; i++)
        why = delta_differ(a->runs[i], b->runs[i]);
    return why;
}

static const char *beacon_differ(const struct holm_beacon *a, const struct holm_beacon *b)
{
    if (a->count != b->count)
        return "number of entries";
    for (size_t i = 0; i < a->count; i++) {
        if (!entries_equal(&a->entries[i], &b->entries[i]))
            return "entries";
    }
    return NULL;
}

static bool members_equal(const struct holm_member *a, const struct holm_member *b)
{
    return holm_actor_equal(a->actor, b->actor) && holm_bytes_equal(a->name, b->name) &&
           holm_bytes_equal(a->address, b->address) && a->left == b->left;
}

static const char *hello_differ(const struct holm_hello *a, const struct holm_hello *b)
{
    if (a->version != b->version || a->features != b->features || a->partitions != b->partitions ||
        a->nonce != b->nonce || a->answer != b->answer || !holm_actor_equal(a->heard, b->heard))
        return "numbers";
    if (!holm_bytes_equal(a->cluster, b->cluster) || !holm_bytes_equal(a->publisher, b->publisher))
        return "cluster or publisher";
    if (!members_equal(&a->self, &b->self) || a->member_count != b->member_count)
        return "self, or number of members";
    for (size_t i = 0; i < a->member_count; i++) {
        if (!members_equal(&a->members[i], &b->members[i]))
            return "members";
    }
    return NULL;
}

static const char *sync_differ(const struct holm_message *a, const struct holm_message *b)
{
    const struct holm_sync_cut *x = &a->as.sync_cut;
    const struct holm_sync_cut *y = &b->as.sync_cut;
    if (a->type == HOLM_MESSAGE_SYNC_CUT)
        return x->sync == y->sync && x->answer == y->answer && x->pages == y->pages &&
                       vectors_equal(x->vector, y->vector) &&
                       vectors_equal(x->collected, y->collected) &&
                       holm_digest_equal(x->digest, y->digest) &&
                       holm_digest_equal(x->transfer, y->transfer) && x->entries == y->entries
                   ? NULL
                   : "the cut";
    if (a->type == HOLM_MESSAGE_SYNC_OPEN)
        return a->as.sync_open.sync == b->as.sync_open.sync &&
                       vectors_equal(a->as.sync_open.vector, b->as.sync_open.vector)
                   ? NULL
                   : "the opening";
    if (a->type == HOLM_MESSAGE_SYNC_NEXT)
        return a->as.sync_next.sync == b->as.sync_next.sync &&
                       a->as.sync_next.first == b->as.sync_next.first &&
                       a->as.sync_next.count == b->as.sync_next.count
                   ? NULL
                   : "the request for pages";
    if (a->type == HOLM_MESSAGE_SYNC_CLOSE)
        return a->as.sync_close == b->as.sync_close ? NULL : "the closing";
    if (a->as.sync_page.sync != b->as.sync_page.sync ||
        a->as.sync_page.index != b->as.sync_page.index)
        return "the page's number";
    return items_differ(&a->as.sync_page.page->items, &b->as.sync_page.page->items);
}

static bool branches_equal(const struct holm_sync_branch *a, const struct holm_sync_branch *b,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i].index != b[i].index || a[i].level != b[i].level || a[i].jump != b[i].jump ||
            a[i].hash_first != b[i].hash_first)
            return false;
    }
    return true;
}

static bool hashes_equal(const uint64_t *a, const uint64_t *b, size_t count)
{
    return count == 0 || memcmp(a, b, count * sizeof *a) == 0;
}

static bool dots_equal(const struct holm_dot *a, const struct holm_dot *b)
{
    return holm_actor_equal(a->actor, b->actor) && a->seq == b->seq;
}

static bool lists_equal(const struct holm_sync_list *a, const struct holm_sync_list *b)
{
    return a->index == b->index && a->level == b->level && a->dot_first == b->dot_first &&
           a->dot_count == b->dot_count && a->has_after == b->has_after &&
           a->has_last == b->has_last && dots_equal(&a->after, &b->after) &&
           dots_equal(&a->last, &b->last);
}

static const char *ask_differ(const struct holm_sync_ask *a, const struct holm_sync_ask *b)
{
    if (a->sync != b->sync || a->number != b->number || a->entries != b->entries ||
        a->round != b->round || a->width != b->width || a->branch_count != b->branch_count ||
        a->hash_count != b->hash_count || a->list_count != b->list_count ||
        a->dot_count != b->dot_count || a->actor_count != b->actor_count)
        return "numbers or counts of the ask";
    if (!branches_equal(a->branches, b->branches, a->branch_count) ||
        !hashes_equal(a->hashes, b->hashes, a->hash_count))
        return "branches or hashes";
    for (size_t i = 0; i < a->list_count; i++) {
        if (!lists_equal(&a->lists[i], &b->lists[i]))
            return "lists";
    }
    for (size_t i = 0; i < a->dot_count; i++) {
        if (a->dots[i].actor != b->dots[i].actor || a->dots[i].seq != b->dots[i].seq ||
            a->dots[i].mark != b->dots[i].mark)
            return "dots";
    }
    for (size_t i = 0; i < a->actor_count; i++) {
        if (!holm_actor_equal(a->actors[i], b->actors[i]))
            return "actors of the ask";
    }
    return NULL;
}

static const char *tell_differ(const struct holm_sync_tell *a, const struct holm_sync_tell *b)
{
    if (a->sync != b->sync || a->number != b->number || a->branches_done != b->branches_done ||
        a->lists_done != b->lists_done || a->has_through != b->has_through ||
        a->wrong != b->wrong || a->width != b->width || a->branch_count != b->branch_count ||
        a->hash_count != b->hash_count || a->gone_count != b->gone_count)
        return "numbers or counts of the tell";
    if (!dots_equal(&a->through, &b->through) || !holm_digest_equal(a->sum, b->sum))
        return "how far it is told";
    if (!branches_equal(a->branches, b->branches, a->branch_count) ||
        !hashes_equal(a->hashes, b->hashes, a->hash_count))
        return "branches or hashes";
    for (size_t i = 0; i < a->gone_count; i++) {
        if (a->gone[i] != b->gone[i])
            return "what is gone";
    }
    if ((a->page == NULL) != (b->page == NULL))
        return "whether there is a page";
    return a->page == NULL ? NULL : items_differ(&a->page->items, &b->page->items);
}

static const char *standing_differ(const struct holm_standing *a, const struct holm_standing *b)
{
    if (a->confirmed != b->confirmed || a->former.value != b->former.value ||
        a->state != b->state || a->lost != b->lost ||
        holm_founding_compare(&a->founding, &b->founding) != 0 || a->op_count != b->op_count ||
        !holm_actor_equal(a->defers, b->defers))
        return "the standing";
    for (size_t i = 0; i < a->op_count; i++) {
        const struct holm_member_op *op = &a->ops[i];
        const struct holm_member_op *other = &b->ops[i];
        if (op->type != other->type || !holm_actor_equal(op->subject, other->subject) ||
            !holm_actor_equal(op->dot.actor, other->dot.actor) || op->dot.seq != other->dot.seq ||
            op->base.value != other->base.value || op->last != other->last ||
            op->state != other->state)
            return "an operation of the standing";
    }
    return vectors_equal(a->list, b->list) ? NULL : "the list of the standing";
}

static bool reports_equal(const struct holm_reported *a, const struct holm_reported *b)
{
    return holm_actor_equal(a->member, b->member) && a->number == b->number &&
           a->provisional == b->provisional && a->wants == b->wants &&
           vectors_equal(a->vector, b->vector) && vectors_equal(a->list, b->list) &&
           vectors_equal(a->heard, b->heard);
}

static const char *member_differ(const struct holm_message *a, const struct holm_message *b)
{
    const struct holm_joined *joined = &a->as.joined;
    const struct holm_joined *other = &b->as.joined;
    if (a->type == HOLM_MESSAGE_STANDING)
        return standing_differ(&a->as.standing, &b->as.standing);
    if (a->type == HOLM_MESSAGE_JOIN)
        return a->as.join.lost == b->as.join.lost ? NULL : "the join";
    if (a->type == HOLM_MESSAGE_REPORT)
        return reports_equal(&a->as.reported, &b->as.reported) ? NULL : "the report";
    return joined->epoch.value == other->epoch.value && joined->result == other->result &&
                   joined->least.value == other->least.value &&
                   holm_actor_equal(joined->admission.actor, other->admission.actor) &&
                   joined->admission.seq == other->admission.seq
               ? NULL
               : "the answer to a join";
}

static const char *tunnel_differ(const struct holm_message *a, const struct holm_message *b)
{
    const struct holm_tunnel *piece = &a->as.tunnel;
    const struct holm_tunnel *other = &b->as.tunnel;
    if (a->type == HOLM_MESSAGE_TUNNEL)
        return holm_actor_equal(piece->from, other->from) &&
                       holm_actor_equal(piece->to, other->to) && piece->id == other->id &&
                       piece->number == other->number && piece->hops == other->hops &&
                       piece->more == other->more && holm_bytes_equal(piece->piece, other->piece)
                   ? NULL
                   : "the piece of a tunnel";
    const struct holm_reach *reach = &a->as.reach;
    bool equal = holm_actor_equal(reach->actor, b->as.reach.actor) &&
                 reach->number == b->as.reach.number && reach->hops == b->as.reach.hops &&
                 reach->met_count == b->as.reach.met_count;
    for (size_t i = 0; equal && i < reach->met_count; i++)
        equal = reach->met[i].value == b->as.reach.met[i].value;
    return equal ? NULL : "the reach";
}

static const char *talk_differ(const struct holm_message *a, const struct holm_message *b)
{
    if (a->type == HOLM_MESSAGE_PING || a->type == HOLM_MESSAGE_PONG)
        return a->as.ping.token == b->as.ping.token ? NULL : "the token";
    if (a->type == HOLM_MESSAGE_GOODBYE)
        return a->as.goodbye.left != b->as.goodbye.left ? "whether it left"
               : holm_bytes_equal(a->as.goodbye.subscription, b->as.goodbye.subscription)
                   ? NULL
                   : "the subscription";
    if (a->type == HOLM_MESSAGE_UNFOLLOW)
        return a->as.unfollow.prune == b->as.unfollow.prune ? NULL : "the prune";
    if (a->type == HOLM_MESSAGE_FOLLOW)
        return a->as.follow.number == b->as.follow.number &&
                       vectors_equal(a->as.follow.vector, b->as.follow.vector)
                   ? NULL
                   : "the follow";
    if (a->type == HOLM_MESSAGE_PULL)
        return a->as.pull.bytes_max == b->as.pull.bytes_max &&
                       vectors_equal(a->as.pull.vector, b->as.pull.vector)
                   ? NULL
                   : "the pull";
    return holm_actor_equal(a->as.ack.actor, b->as.ack.actor) && a->as.ack.seq == b->as.ack.seq
               ? NULL
               : "the dot";
}

const char *messages_differ(const struct holm_message *a, const struct holm_message *b)
{
    if (a->type != b->type || a->partition != b->partition ||
        !holm_actor_equal(a->sender, b->sender))
        return "the envelope";
    switch (a->type) {
    case HOLM_MESSAGE_DELTA:
        return delta_differ(a->as.delta, b->as.delta);
    case HOLM_MESSAGE_DELTAS:
        return deltas_differ(&a->as.deltas, &b->as.deltas);
    case HOLM_MESSAGE_BEACON:
        return beacon_differ(&a->as.beacon, &b->as.beacon);
    case HOLM_MESSAGE_HELLO:
        return hello_differ(&a->as.hello, &b->as.hello);
    case HOLM_MESSAGE_PING:
    case HOLM_MESSAGE_PONG:
    case HOLM_MESSAGE_GOODBYE:
    case HOLM_MESSAGE_ACK:
    case HOLM_MESSAGE_WANT:
    case HOLM_MESSAGE_PULL:
    case HOLM_MESSAGE_FOLLOW:
    case HOLM_MESSAGE_UNFOLLOW:
        return talk_differ(a, b);
    case HOLM_MESSAGE_REACH:
    case HOLM_MESSAGE_TUNNEL:
        return tunnel_differ(a, b);
    case HOLM_MESSAGE_STANDING:
    case HOLM_MESSAGE_JOIN:
    case HOLM_MESSAGE_JOINED:
    case HOLM_MESSAGE_REPORT:
        return member_differ(a, b);
    case HOLM_MESSAGE_SYNC_OPEN:
    case HOLM_MESSAGE_SYNC_CUT:
    case HOLM_MESSAGE_SYNC_NEXT:
    case HOLM_MESSAGE_SYNC_PAGE:
    case HOLM_MESSAGE_SYNC_CLOSE:
        return sync_differ(a, b);
    case HOLM_MESSAGE_SYNC_ASK:
        return ask_differ(&a->as.sync_ask, &b->as.sync_ask);
    case HOLM_MESSAGE_SYNC_TELL:
        return tell_differ(&a->as.sync_tell, &b->as.sync_tell);
    case HOLM_MESSAGE_FEED:
        return feed_differ(&a->as.feed, &b->as.feed);
    }
    return "a type that there is not";
}
