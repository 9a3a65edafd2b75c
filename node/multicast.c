/* SPDX-License-Identifier: Apache-2.0 */
#include "node/multicast.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "node/address.h"
#include "node/random.h"

/* What may be dialled, as of some moment. */
struct list {
    uint64_t refused_count;
    struct holm_herald_refused refused;
    size_t count;
    struct holm_roster_text texts[HOLM_HERALD_NODES_MAX];
};

struct holm_multicast {
    struct holm_multicast_config config;
    char where[HOLM_INTERFACE_BYTES + 66];
    struct holm_secret *secret;
    pthread_t thread;
    int wake[2]; /* closing writes to the second */

    /* The thread's own. */
    char address[HOLM_ADDRESS_BYTES_MAX + 1]; /* as announced */
    struct holm_herald *herald;
    struct holm_datagrams datagrams;
    struct holm_random random;
    uint64_t look_us; /* when the interface is looked at next */
    bool told;        /* what is announced now: the operator was */
    bool failed;      /* the operator was told, and not of an end of it */
    bool mute;        /* what was announced last was refused, by a socket that still hears */
    uint64_t turn_ends_us;
    unsigned taken;     /* datagrams in this turn */
    bool rests;         /* it reads no more in this turn */
    uint64_t strangers; /* announcements not taken, as the log told last */

    /* Three, that go round: one is being written by the thread, one is ready, one is being taken over by tick(). So nobody
     * waits with the lock for more than an exchange of two. */
    struct list lists[3];
    struct list *drafted;
    struct list *taken_over;

    pthread_mutex_t lock; /* of all below */
    struct list *ready;
    bool changed; /* ready: it was not taken over yet */
    struct holm_multicast_figures figures;
};

/* ---- the interface -------------------------------------------------------------------------- */

/* Nothing is announced. */
static void fail(struct holm_multicast *multicast, const char *why, struct holm_now now)
{
    pthread_mutex_lock(&multicast->lock);
    multicast->figures.open = 0;
    multicast->figures.failures++;
    pthread_mutex_unlock(&multicast->lock);
    if (!multicast->failed)
        holm_log_tell(&multicast->config.log, now, HOLM_LOG_MULTICAST_FAILED,
                      HOLM_LOG_VALUES(holm_log_text(multicast->where), holm_log_text(why)));
    multicast->failed = true;
}

static void end(struct holm_multicast *multicast, const char *why, struct holm_now now)
{
    holm_datagrams_close(&multicast->datagrams);
    fail(multicast, why, now);
}

/* What others on the interface dial; "": nothing, or it has no address of that kind at the moment. */
static void complete(struct holm_multicast *multicast, struct holm_now now)
{
    char host[HOLM_HOST_BYTES_MAX];
    char address[HOLM_ADDRESS_BYTES_MAX + 1];
    struct holm_bytes own = holm_str(multicast->config.address);
    (void)snprintf(address, sizeof address, "%s", multicast->config.address);
    if (holm_address_is_wildcard(own)) {
        holm_group_host(&multicast->config.group, memchr(own.data, '[', own.size) != NULL, host);
        holm_address_with_host(address, own, host);
    }
    if (strcmp(multicast->address, address) == 0)
        return;
    memcpy(multicast->address, address, sizeof address);
    multicast->told = false;
    holm_herald_hurry(multicast->herald, now);
}

static void begin(struct holm_multicast *multicast, struct holm_now now)
{
    char why[HOLM_DATAGRAMS_WHY_BYTES];
    if (!holm_datagrams_open(&multicast->datagrams, &multicast->config.group, why)) {
        fail(multicast, why, now);
        return;
    }
    multicast->told = false;
    multicast->mute = false;
    holm_herald_hurry(multicast->herald, now);
}

static void look(struct holm_multicast *multicast, struct holm_now now)
{
    char why[HOLM_DATAGRAMS_WHY_BYTES];
    if (now.monotonic_us < multicast->look_us)
        return;
    multicast->look_us = now.monotonic_us + HOLM_MULTICAST_LOOK_US *
                                                holm_random_between(&multicast->random, 500, 1500) /
                                                1000;
    if (multicast->datagrams.fd < 0)
        begin(multicast, now);
    else if (!holm_datagrams_stand(&multicast->datagrams, &multicast->config.group, why))
        end(multicast, why, now);
    else if (multicast->mute)
        holm_herald_hurry(multicast->herald, now);
    if (multicast->datagrams.fd >= 0)
        complete(multicast, now);
}

/* ---- datagrams ------------------------------------------------------------------------------ */

/* An announcement is out, the first one since something changed. */
static void tell(struct holm_multicast *multicast, struct holm_now now)
{
    const char *address = multicast->address[0] == '\0' ? "no address" : multicast->address;
    multicast->told = true;
    multicast->failed = false;
    pthread_mutex_lock(&multicast->lock);
    multicast->figures.open = 1;
    pthread_mutex_unlock(&multicast->lock);
    holm_log_tell(&multicast->config.log, now, HOLM_LOG_MULTICAST_OPENED,
                  HOLM_LOG_VALUES(holm_log_text(multicast->where), holm_log_text(address)));
}

/* What a firewall refuses leaves the socket as it is: it goes on hearing. */
static void announce(struct holm_multicast *multicast, const uint8_t *bytes, size_t size,
                     struct holm_now now)
{
    char why[HOLM_DATAGRAMS_WHY_BYTES];
    if (size == 0 || multicast->datagrams.fd < 0)
        return;
    enum holm_datagrams_sent sent = holm_datagrams_send(
        &multicast->datagrams, &multicast->config.group, holm_mem(bytes, size), why);
    multicast->mute = sent == HOLM_DATAGRAMS_REFUSED;
    if (multicast->mute) {
        multicast->told = false;
        fail(multicast, why, now);
        return;
    }
    if (sent == HOLM_DATAGRAMS_LOST)
        return;
    pthread_mutex_lock(&multicast->lock);
    multicast->figures.sent++;
    pthread_mutex_unlock(&multicast->lock);
    if (!multicast->told)
        tell(multicast, now);
}

/* Returns when the next is due. */
static uint64_t announce_due(struct holm_multicast *multicast, struct holm_now now)
{
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX];
    struct holm_herald_self self;
    uint64_t due_us;
    multicast->config.who(multicast->config.context, &self.actor, &self.alone);
    memcpy(self.address, multicast->address, sizeof self.address);
    size_t size = holm_herald_tick(multicast->herald, &self, now, bytes, &due_us);
    announce(multicast, bytes, size, now);
    return due_us;
}

/* So many in a turn, however they are spread over it: then it rests until the turn is over. */
static void receive(struct holm_multicast *multicast, struct holm_now now)
{
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX + 1];
    struct holm_actor self;
    bool alone;
    size_t size;
    if (now.monotonic_us >= multicast->turn_ends_us) {
        multicast->turn_ends_us = now.monotonic_us + HOLM_MULTICAST_REST_MS * UINT64_C(1000);
        multicast->taken = 0;
    }
    multicast->config.who(multicast->config.context, &self, &alone);
    while (multicast->taken < HOLM_MULTICAST_BATCH) {
        enum holm_datagrams_received received = holm_datagrams_receive(&multicast->datagrams, bytes,
                                                                       sizeof bytes, &size);
        if (received == HOLM_DATAGRAMS_NOTHING)
            break;
        size = size < sizeof bytes ? size : sizeof bytes;
        if (received == HOLM_DATAGRAMS_RECEIVED)
            holm_herald_take(multicast->herald, holm_mem(bytes, size), self, now);
        multicast->taken++;
    }
    multicast->rests = multicast->taken == HOLM_MULTICAST_BATCH;
}

/* Once for each reason to look into it; how often, the figures tell. */
static void tell_strangers(struct holm_multicast *multicast,
                           const struct holm_herald_figures *figures, struct holm_now now)
{
    uint64_t strangers = figures->unauthentic + figures->foreign + figures->stale +
                         figures->malformed;
    if (strangers > multicast->strangers)
        holm_log_tell(
            &multicast->config.log, now, HOLM_LOG_MULTICAST_STRANGERS,
            HOLM_LOG_VALUES(holm_log_text(multicast->where), holm_log_number(figures->unauthentic),
                            holm_log_number(figures->foreign), holm_log_number(figures->stale),
                            holm_log_number(figures->malformed)));
    multicast->strangers = strangers;
}

/* Of a list that is ready, the former one is the next to be written over. */
static void exchange(struct list **one, struct list **other)
{
    struct list *kept = *one;
    *one = *other;
    *other = kept;
}

static void publish(struct holm_multicast *multicast, struct holm_now now)
{
    struct holm_herald_figures figures;
    struct list *drafted = multicast->drafted;
    bool changed = holm_herald_changed(multicast->herald, now);
    if (changed)
        drafted->count = holm_herald_list(multicast->herald, now, drafted->texts,
                                          &drafted->refused);
    holm_herald_figures(multicast->herald, &figures);
    drafted->refused_count = figures.refused;
    pthread_mutex_lock(&multicast->lock);
    multicast->figures.herald = figures;
    multicast->figures.rests += multicast->rests;
    if (changed)
        exchange(&multicast->drafted, &multicast->ready);
    multicast->changed |= changed;
    pthread_mutex_unlock(&multicast->lock);
    tell_strangers(multicast, &figures, now);
    if (changed)
        multicast->config.ready(multicast->config.context);
}

/* ---- the thread ----------------------------------------------------------------------------- */

/* False: it is closing. */
static bool wait_until(struct holm_multicast *multicast, uint64_t due_us)
{
    struct pollfd files[2] = {{.fd = multicast->wake[0], .events = POLLIN},
                              {.fd = multicast->datagrams.fd, .events = POLLIN}};
    uint64_t now_us = multicast->config.clock().monotonic_us;
    if (multicast->rests)
        due_us = multicast->turn_ends_us;
    uint64_t wait_ms = due_us > now_us ? (due_us - now_us) / 1000 + 1 : 0;
    if (wait_ms > HOLM_MULTICAST_LOOK_US / 1000)
        wait_ms = HOLM_MULTICAST_LOOK_US / 1000;
    (void)poll(files, multicast->rests || files[1].fd < 0 ? 1 : 2, (int)wait_ms);
    return files[0].revents == 0;
}

static void *run(void *context)
{
    struct holm_multicast *multicast = context;
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX];
    struct holm_actor self;
    struct holm_now now;
    uint64_t due_us;
    bool alone;
    do {
        now = multicast->config.clock();
        multicast->rests = false;
        look(multicast, now);
        if (multicast->datagrams.fd >= 0)
            receive(multicast, now);
        due_us = announce_due(multicast, now);
        publish(multicast, now);
    } while (wait_until(multicast, due_us < multicast->look_us ? due_us : multicast->look_us));
    multicast->config.who(multicast->config.context, &self, &alone);
    announce(multicast, bytes, holm_herald_farewell(multicast->herald, self, now, bytes), now);
    return NULL;
}

/* Signals are for the program's own threads. */
static enum holm_status start(struct holm_multicast *multicast)
{
    sigset_t all, before;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, multicast->wake) != 0)
        return HOLM_EIO;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int refused = pthread_create(&multicast->thread, NULL, run, multicast);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (refused == 0)
        return HOLM_OK;
    (void)close(multicast->wake[0]);
    (void)close(multicast->wake[1]);
    return HOLM_EIO;
}

static void dispose(struct holm_multicast *multicast)
{
    struct holm_allocator allocator = multicast->config.allocator;
    holm_datagrams_close(&multicast->datagrams);
    holm_herald_free(multicast->herald);
    holm_secret_free(multicast->secret);
    pthread_mutex_destroy(&multicast->lock);
    holm_deallocate(&allocator, multicast, sizeof *multicast);
}

/* ---- opening -------------------------------------------------------------------------------- */

static enum holm_status refuse(struct holm_multicast *multicast, const char *member,
                               const char *what, const char *why)
{
    char line[256];
    (void)snprintf(line, sizeof line, "config: %s: '%.128s' %s", member, what, why);
    holm_log_tell(&multicast->config.log, multicast->config.clock(), HOLM_LOG_CONFIG_REFUSED,
                  HOLM_LOG_VALUES(holm_log_text(line)));
    return HOLM_EINVAL;
}

static enum holm_status prepare(struct holm_multicast *multicast)
{
    const struct holm_multicast_config *config = &multicast->config;
    struct holm_herald_config herald = {.allocator = config->allocator,
                                        .random_seed = config->random_seed,
                                        .tls = config->tls,
                                        .insecure = config->insecure};
    const char *why = holm_group_look(&config->group, &herald.loopback);
    if (why != NULL)
        return refuse(multicast, "multicast", config->group.interface, why);
    if (!herald.loopback && config->address[0] != '\0' &&
        holm_address_is_local(holm_str(config->address)))
        return refuse(multicast, "multicast", config->address,
                      "is listened at, which nobody beyond this machine can dial: announce it on "
                      "lo, or listen elsewhere");
    enum holm_status status = holm_secret_open(&config->allocator, config->secret, config->cluster,
                                               &multicast->secret, &why);
    if (status == HOLM_EINVAL)
        return refuse(multicast, "multicast_secret", config->secret, why);
    herald.secret = multicast->secret;
    if (status == HOLM_OK)
        status = holm_herald_new(&herald, &multicast->herald);
    return status == HOLM_OK ? start(multicast) : status;
}

enum holm_status holm_multicast_open(const struct holm_multicast_config *config,
                                     struct holm_multicast **multicast)
{
    *multicast = NULL;
    struct holm_multicast *made = holm_allocate(&config->allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->config = *config;
    made->datagrams.fd = -1;
    made->random.state = config->random_seed;
    made->figures.enabled = 1;
    made->drafted = &made->lists[0];
    made->ready = &made->lists[1];
    made->taken_over = &made->lists[2];
    (void)snprintf(made->where, sizeof made->where, "%s,%s", config->group.interface,
                   config->group.text);
    pthread_mutex_init(&made->lock, NULL);
    enum holm_status status = prepare(made);
    if (status != HOLM_OK) {
        dispose(made);
        return status;
    }
    *multicast = made;
    return HOLM_OK;
}

void holm_multicast_close(struct holm_multicast *multicast)
{
    if (multicast == NULL)
        return;
    (void)shutdown(multicast->wake[1], SHUT_WR);
    pthread_join(multicast->thread, NULL);
    (void)close(multicast->wake[0]);
    (void)close(multicast->wake[1]);
    dispose(multicast);
}

/* ---- the I/O thread ------------------------------------------------------------------------- */

static void hand_over(struct holm_multicast *multicast, struct holm_now now)
{
    struct holm_roster_change change = {.left_out = 0};
    const struct list *list = multicast->taken_over;
    struct holm_roster_named named = {
        .name = HOLM_ROSTER_HEARD, .texts = list->texts, .count = list->count};
    const struct holm_log *log = &multicast->config.log;
    multicast->config.resolved(multicast->config.context, &named, now, &change);
    if (change.added > 0 || change.gone > 0 || change.left_out > 0)
        holm_log_tell(log, now, HOLM_LOG_MULTICAST_HEARD,
                      HOLM_LOG_VALUES(holm_log_text(multicast->where),
                                      holm_log_number(change.known), holm_log_number(change.added),
                                      holm_log_number(change.gone),
                                      holm_log_number(change.left_out)));
    if (list->refused_count > 0)
        holm_log_tell(log, now, HOLM_LOG_MULTICAST_REFUSED,
                      HOLM_LOG_VALUES(holm_log_text(multicast->where),
                                      holm_log_text(list->refused.address.bytes),
                                      holm_log_text(list->refused.why)));
}

/* Without the lock: who is told, and the roster, may take as long as they like. */
void holm_multicast_tick(struct holm_multicast *multicast, struct holm_now now)
{
    pthread_mutex_lock(&multicast->lock);
    bool changed = multicast->changed;
    if (changed)
        exchange(&multicast->taken_over, &multicast->ready);
    multicast->changed = false;
    pthread_mutex_unlock(&multicast->lock);
    if (changed)
        hand_over(multicast, now);
}

void holm_multicast_figures(struct holm_multicast *multicast,
                            struct holm_multicast_figures *figures)
{
    pthread_mutex_lock(&multicast->lock);
    *figures = multicast->figures;
    pthread_mutex_unlock(&multicast->lock);
}
