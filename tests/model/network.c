/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/network.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const message_names[] = {
    "?",    "delta", "beacon", "hello",  "ping",   "pong",     "bye",
    "ack",  "want",  "pull",   "deltas", "open",   "cut",      "next",
    "page", "close", "ask",    "tell",   "follow", "unfollow", "feed"};

static void tell(const struct network *network, const struct network_letter *letter,
                 const struct holm_message *message)
{
    if (!network->fixture->story)
        return;
    printf("  %9" PRIu64 " us  %c %s %c: %s", network->fixture->now_us, (char)('A' + letter->from),
           letter->type == NETWORK_LINK ? "->" : "~>", (char)('A' + letter->to),
           message_names[message->type]);
    if (message->type == HOLM_MESSAGE_DELTA)
        printf(" %" PRIu64 ".%" PRIu64 ":%" PRIu64 "..%" PRIu64,
               message->as.delta->actor.node.value, message->as.delta->actor.epoch.value,
               message->as.delta->first, message->as.delta->last);
    if (message->type == HOLM_MESSAGE_DELTAS) {
        const struct holm_deltas *deltas = &message->as.deltas;
        for (size_t i = 0; i < deltas->count; i++)
            printf(" %" PRIu64 ".%" PRIu64 ":%" PRIu64 "..%" PRIu64,
                   deltas->deltas[i]->actor.node.value, deltas->deltas[i]->actor.epoch.value,
                   deltas->deltas[i]->first, deltas->deltas[i]->last);
        printf("%s%s", deltas->more ? " more" : "", deltas->too_old ? " too old" : "");
    }
    if (message->type == HOLM_MESSAGE_FEED) {
        const struct holm_feed *feed = &message->as.feed;
        printf(" %" PRIu64 " ack %" PRIu64, feed->number, feed->ack);
        for (size_t i = 0; i < feed->count; i++)
            printf(" %" PRIu64 ".%" PRIu64 ":%" PRIu64 "..%" PRIu64,
                   feed->runs[i]->actor.node.value, feed->runs[i]->actor.epoch.value,
                   feed->runs[i]->first, feed->runs[i]->last);
        printf("%s%s", feed->more ? " more" : "", feed->too_old ? " too old" : "");
    }
    if (message->type == HOLM_MESSAGE_SYNC_CUT)
        printf(" answer %d, %" PRIu64 " pages", (int)message->as.sync_cut.answer,
               message->as.sync_cut.pages);
    putchar('\n');
}

static void put_letter(struct network *network, const struct network_letter *letter)
{
    if (network->letter_count == network->letter_capacity) {
        network->letter_capacity = network->letter_capacity == 0 ? 64
                                                                 : 2 * network->letter_capacity;
        network->letters = realloc(network->letters,
                                   network->letter_capacity * sizeof *network->letters);
        if (network->letters == NULL)
            abort();
    }
    network->letters[network->letter_count] = *letter;
    network->letters[network->letter_count++].order = network->order++;
}

static uint64_t due(struct network *network, uint64_t delay_us)
{
    return network->fixture->now_us + 1 + chance_below(&network->chance, delay_us + 1);
}

static void broadcast(struct network *network, size_t from, const struct holm_message *message)
{
    for (size_t to = 0; to < network->fixture->node_count; to++) {
        if (to == from || network->cut[from][to])
            continue;
        struct network_letter letter = {.type = NETWORK_BROADCAST,
                                        .due_us = due(network, network->settings.delay_us),
                                        .from = (uint32_t)from,
                                        .to = (uint32_t)to};
        if (!chance_permille(&network->chance, network->settings.loss_permille)) {
            letter.parcel = parcel_new(&network->office, message);
            put_letter(network, &letter);
        }
        if (chance_permille(&network->chance, network->settings.double_permille)) {
            bool stray = chance_permille(&network->chance, network->settings.stray_permille);
            letter.due_us = due(network,
                                stray ? network->settings.stray_us : network->settings.delay_us);
            letter.parcel = parcel_new(&network->office, message);
            put_letter(network, &letter);
        }
    }
}

static void post(void *context, size_t node, const struct holm_output *output)
{
    struct network *network = context;
    struct holm_message message = output->message;
    const struct fixture_node *sender = &network->fixture->nodes[node];
    /* The step that changes the epoch sends under both. */
    if (!holm_actor_equal(message.sender, sender->self) &&
        !holm_actor_equal(message.sender, holm_replica_self(sender->replica)))
        fixture_fail(network->fixture, "node %zu does not send in its own name", node);
    network->posted += message.type != HOLM_MESSAGE_BEACON;
    if (output->peer == HOLM_PEER_NONE) {
        broadcast(network, node, &message);
        return;
    }
    size_t to = output->peer;
    if (to >= network->fixture->node_count || !network->sides[node][to].known_up)
        fixture_fail(network->fixture, "node %zu sends to a peer that it was not told of", node);
    bool of_feeds = message.type >= HOLM_MESSAGE_FOLLOW;
    if (!network->up[node][to] ||
        (of_feeds && chance_permille(&network->chance, network->settings.feed_loss_permille)))
        return;
    struct network_side *side = &network->sides[node][to];
    struct network_letter letter = {.type = NETWORK_LINK,
                                    .due_us = due(network, network->settings.delay_us),
                                    .from = (uint32_t)node,
                                    .to = (uint32_t)to,
                                    .generation = network->generation[node][to]};
    if (letter.due_us < side->last_due_us)
        letter.due_us = side->last_due_us;
    side->last_due_us = letter.due_us;
    letter.parcel = parcel_new(&network->office, &message);
    put_letter(network, &letter);
}

void network_init(struct network *network, struct fixture *fixture, uint64_t seed,
                  const struct network_settings *settings)
{
    memset(network, 0, sizeof *network);
    network->fixture = fixture;
    network->chance.state = seed;
    network->settings = *settings;
    parcel_office_init(&network->office, &fixture->config.allocator,
                       fixture->config.frame_bytes_max, settings->wire);
    fixture->post = post;
    fixture->context = network;
}

void network_release(struct network *network)
{
    for (size_t i = 0; i < network->letter_count; i++)
        if (network->letters[i].parcel != NULL)
            parcel_free(&network->office, network->letters[i].parcel);
    free(network->letters);
    parcel_office_release(&network->office);
    network->fixture->post = NULL;
}

/* ---- links ---------------------------------------------------------------------------------- */

/* The same for both sides, whenever they meet. */
static bool feeds(const struct network *network, size_t a, size_t b)
{
    struct chance chance = {.state = (a < b ? a * 64 + b : b * 64 + a) + 1};
    return chance_permille(&chance, network->settings.feeds_permille);
}

static void wish(struct network *network, size_t node, size_t peer)
{
    struct holm_event event = {.type = HOLM_EVENT_FOLLOW};
    event.as.follow.peer = (uint32_t)peer;
    event.as.follow.wish = node < peer ? HOLM_FOLLOW_WANT : HOLM_FOLLOW_BACK;
    fixture_do(network->fixture, node, &event);
}

static void tell_peer(struct network *network, size_t node, size_t peer, bool is_up)
{
    struct fixture *fixture = network->fixture;
    struct network_side *side = &network->sides[node][peer];
    struct holm_event event = {.type = is_up ? HOLM_EVENT_PEER_UP : HOLM_EVENT_PEER_DOWN};
    if (is_up)
        side->peer = fixture->nodes[peer].self;
    event.as.peer.peer = (uint32_t)peer;
    event.as.peer.actor = side->peer;
    event.as.peer.feeds = feeds(network, node, peer);
    side->known_up = is_up;
    side->last_due_us = 0;
    if (fixture->nodes[node].replica != NULL)
        fixture_do(fixture, node, &event);
    if (fixture->nodes[node].replica != NULL && is_up && event.as.peer.feeds)
        wish(network, node, peer);
}

static void notice(struct network *network, size_t node, size_t peer)
{
    if (network->sides[node][peer].known_up)
        tell_peer(network, node, peer, false);
}

void network_link_down(struct network *network, size_t a, size_t b, bool noticed)
{
    if (!network->up[a][b])
        return;
    network->up[a][b] = network->up[b][a] = false;
    uint64_t generation = ++network->generation[a][b];
    network->generation[b][a] = generation;
    for (int side = 0; side < 2; side++) {
        size_t node = side == 0 ? a : b, peer = side == 0 ? b : a;
        if (noticed) {
            notice(network, node, peer);
            continue;
        }
        struct network_letter letter = {.type = NETWORK_NOTICE,
                                        .due_us = due(network, 3000000),
                                        .from = (uint32_t)peer,
                                        .to = (uint32_t)node,
                                        .generation = generation};
        put_letter(network, &letter);
    }
}

/* What a host does with the epoch of another node that it hears of. */
static void hear(struct network *network, size_t node, struct holm_actor actor)
{
    size_t other = actor.node.value - 101;
    uint64_t *heard = &network->heard[node][other];
    if (other == node || actor.epoch.value <= *heard)
        return;
    *heard = actor.epoch.value;
    fixture_supersede(network->fixture, node, actor);
}

void network_link_up(struct network *network, size_t a, size_t b)
{
    const struct fixture_node *nodes = network->fixture->nodes;
    if (network->up[a][b] || network->cut[a][b] || nodes[a].replica == NULL ||
        nodes[b].replica == NULL)
        return;
    notice(network, a, b);
    notice(network, b, a);
    network->up[a][b] = network->up[b][a] = true;
    network->generation[b][a] = ++network->generation[a][b];
    /* Both sides must count as up before either is told, for the first steps send at once. */
    network->sides[a][b].known_up = network->sides[b][a].known_up = true;
    hear(network, a, nodes[b].self);
    hear(network, b, nodes[a].self);
    tell_peer(network, a, b, true);
    tell_peer(network, b, a, true);
}

void network_cut(struct network *network, size_t a, size_t b, bool cut)
{
    network->cut[a][b] = network->cut[b][a] = cut;
    if (cut)
        network_link_down(network, a, b, false);
}

void network_kill(struct network *network, size_t node)
{
    fixture_kill(network->fixture, node);
    for (size_t other = 0; other < network->fixture->node_count; other++) {
        if (other == node)
            continue;
        network_link_down(network, node, other, chance_permille(&network->chance, 500));
        network->sides[node][other].known_up = false;
        network->heard[node][other] = 0;
    }
}

void network_beacon(struct network *network, size_t node)
{
    struct fixture *fixture = network->fixture;
    if (fixture->nodes[node].replica == NULL)
        return;
    fixture_flush(fixture, node);
    struct holm_beacon_entry entry = holm_replica_beacon(fixture->nodes[node].replica);
    struct holm_message message = {.type = HOLM_MESSAGE_BEACON,
                                   .sender = fixture->nodes[node].self,
                                   .as.beacon = {.entries = &entry, .count = 1}};
    if (entry.partition != FIXTURE_PARTITION)
        fixture_fail(fixture, "node %zu: its beacon is of another partition", node);
    broadcast(network, node, &message);
}

/* With retention `stable`: what was broadcast under an epoch that has ended is of nobody. */
static bool is_fenced(const struct network *network, const struct network_letter *letter,
                      const struct holm_message *message)
{
    const struct fixture *fixture = network->fixture;
    if (fixture->config.retention != HOLM_RETENTION_STABLE || letter->type != NETWORK_BROADCAST ||
        message->type != HOLM_MESSAGE_DELTA)
        return false;
    struct holm_actor writer = message->as.delta->actor;
    return writer.epoch.value < fixture->nodes[writer.node.value - 101].self.epoch.value;
}

/* ---- time ----------------------------------------------------------------------------------- */

static void deliver(struct network *network, const struct network_letter *letter)
{
    struct fixture *fixture = network->fixture;
    struct fixture_node *to = &fixture->nodes[letter->to];
    bool lost = to->replica == NULL ||
                (letter->type != NETWORK_BROADCAST &&
                 letter->generation != network->generation[letter->from][letter->to]);
    if (letter->type == NETWORK_NOTICE) {
        if (!lost)
            notice(network, letter->to, letter->from);
        return;
    }
    if (!lost) {
        const struct holm_message *message = parcel_open(&network->office, letter->parcel);
        if (is_fenced(network, letter, message)) {
            parcel_free(&network->office, letter->parcel);
            return;
        }
        tell(network, letter, message);
        network->delivered[message->type]++;
        hear(network, letter->to, message->sender);
        /* A broadcast of an earlier life is of nobody there is a link to. */
        const struct network_side *side = &network->sides[letter->to][letter->from];
        bool is_peer = side->known_up && holm_actor_equal(side->peer, message->sender);
        struct holm_event event = {
            .type = HOLM_EVENT_MESSAGE,
            .as.message = {.peer = is_peer ? letter->from : HOLM_PEER_NONE, .message = message}};
        fixture_do(fixture, letter->to, &event);
    }
    parcel_free(&network->office, letter->parcel);
}

static struct network_letter take_letter(struct network *network, size_t at)
{
    struct network_letter letter = network->letters[at];
    network->letters[at] = network->letters[--network->letter_count];
    return letter;
}

/* Of the same direction and life of a link, the first. */
static size_t first_of_link(const struct network *network, size_t at)
{
    for (size_t i = 0; i < network->letter_count; i++) {
        const struct network_letter *letter = &network->letters[i], *first = &network->letters[at];
        if (letter->type == first->type && letter->from == first->from && letter->to == first->to &&
            letter->generation == first->generation && letter->order < first->order)
            at = i;
    }
    return at;
}

void network_deliver(struct network *network, size_t which)
{
    if (network->letter_count == 0)
        return;
    size_t at = which % network->letter_count;
    if (network->letters[at].type != NETWORK_BROADCAST)
        at = first_of_link(network, at);
    struct network_letter letter = take_letter(network, at);
    deliver(network, &letter);
}

void network_lose(struct network *network, size_t which)
{
    size_t at = network->letter_count == 0 ? 0 : which % network->letter_count;
    if (network->letter_count == 0 || network->letters[at].type != NETWORK_BROADCAST)
        return;
    struct network_letter letter = take_letter(network, at);
    parcel_free(&network->office, letter.parcel);
}

void network_double(struct network *network, size_t which)
{
    size_t at = network->letter_count == 0 ? 0 : which % network->letter_count;
    if (network->letter_count == 0 || network->letters[at].type != NETWORK_BROADCAST)
        return;
    struct network_letter letter = network->letters[at];
    letter.parcel = parcel_new(&network->office, parcel_open(&network->office, letter.parcel));
    put_letter(network, &letter);
}

void network_hasten(struct network *network)
{
    for (size_t i = 0; i < network->letter_count; i++)
        if (network->letters[i].type != NETWORK_BROADCAST)
            network->letters[i].due_us = network->fixture->now_us;
    for (size_t node = 0; node < FIXTURE_NODES_MAX; node++)
        for (size_t peer = 0; peer < FIXTURE_NODES_MAX; peer++)
            network->sides[node][peer].last_due_us = 0;
}

/* The index of the letter that comes next, or letter_count. */
static size_t next_letter(const struct network *network)
{
    size_t next = network->letter_count;
    for (size_t i = 0; i < network->letter_count; i++) {
        const struct network_letter *letter = &network->letters[i];
        if (next == network->letter_count || letter->due_us < network->letters[next].due_us ||
            (letter->due_us == network->letters[next].due_us &&
             letter->order < network->letters[next].order))
            next = i;
    }
    return next;
}

static size_t next_sleeper(const struct fixture *fixture)
{
    size_t next = 0;
    for (size_t i = 1; i < fixture->node_count; i++)
        if (fixture->nodes[i].wake_us < fixture->nodes[next].wake_us)
            next = i;
    return next;
}

/* Takes the next event up to end_us; false when there is none. */
static bool step(struct network *network, uint64_t end_us)
{
    struct fixture *fixture = network->fixture;
    size_t at = next_letter(network), sleeper = next_sleeper(fixture);
    uint64_t letter_us = at < network->letter_count ? network->letters[at].due_us : HOLM_NEVER;
    uint64_t wake_us = fixture->nodes[sleeper].wake_us;
    uint64_t next_us = letter_us <= wake_us ? letter_us : wake_us;
    if (next_us > end_us)
        return false;
    if (next_us > fixture->now_us)
        fixture->now_us = next_us;
    if (letter_us <= wake_us) {
        struct network_letter letter = take_letter(network, at);
        deliver(network, &letter);
    } else {
        fixture_tick(fixture, sleeper);
    }
    for (size_t i = 0; i < fixture->node_count && network->settings.check_steps; i++)
        if (fixture->nodes[i].replica != NULL && fixture->nodes[i].dirty)
            fixture_check(fixture, i);
    return true;
}

#define STEPS_MAX 20000

void network_run(struct network *network, uint64_t us)
{
    uint64_t end_us = network->fixture->now_us + us;
    for (uint64_t steps = 0; step(network, end_us); steps++)
        if (steps == STEPS_MAX)
            fixture_fail(network->fixture, "%d steps in %" PRIu64 " us: the replicas do not rest",
                         STEPS_MAX, us);
    network->fixture->now_us = end_us;
}

bool network_run_until(struct network *network, enum holm_message_type type, uint64_t count,
                       uint64_t us)
{
    uint64_t end_us = network->fixture->now_us + us;
    while (network->delivered[type] < count)
        if (!step(network, end_us))
            return false;
    return true;
}

bool network_is_quiet(const struct network *network)
{
    for (size_t i = 0; i < network->letter_count; i++)
        if (network->letters[i].type == NETWORK_LINK)
            return false;
    return true;
}
