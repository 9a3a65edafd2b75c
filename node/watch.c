/* SPDX-License-Identifier: Apache-2.0 */
#include "node/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "node/keyqueue.h"

#define KEYS_MAX_DEFAULT 65536

struct holm_watch {
    struct holm_watches *watches;
    struct holm_watch *next;
    struct holm_watch **link; /* what points to this watch in the list */
    pid_t process;            /* that opened it */
    int fd;
    pthread_mutex_t mutex; /* over what follows, `taken` apart */
    struct holm_key_queue queue;
    bool overflow;
    bool readable;               /* the eventfd */
    struct holm_key_item *taken; /* what the last fetch handed out; the reader's alone */
    size_t prefix_size;
    unsigned char prefix[];
};

enum holm_status holm_watches_init(struct holm_watches *watches)
{
    watches->first = NULL;
    atomic_init(&watches->count, 0);
    return pthread_rwlock_init(&watches->lock, NULL) == 0 ? HOLM_OK : HOLM_ENOMEM;
}

void holm_watches_release(struct holm_watches *watches)
{
    HOLM_ASSERT(watches->first == NULL);
    pthread_rwlock_destroy(&watches->lock);
}

/* Makes the descriptor say what is so. Nobody else reads or writes it, so neither call can block. */
static void settle(struct holm_watch *watch)
{
    bool waiting = watch->overflow || watch->queue.count > 0;
    uint64_t one = 1;

    if (waiting == watch->readable)
        return;

    ssize_t done;

    do {
        done = waiting ? write(watch->fd, &one, sizeof one) : read(watch->fd, &one, sizeof one);
    } while (done < 0 && errno == EINTR);
    watch->readable = waiting;
}

static void overflow(struct holm_watch *watch)
{
    holm_key_queue_clear(&watch->queue);
    watch->overflow = true;
}

static bool is_for(const struct holm_watch *watch, struct holm_bytes key)
{
    return key.size >= watch->prefix_size &&
           (watch->prefix_size == 0 || memcmp(key.data, watch->prefix, watch->prefix_size) == 0);
}

static void touch_one(struct holm_watch *watch, const struct holm_touched *touched, size_t count)
{
    size_t at = 0;

    while (at < count && !is_for(watch, touched[at].key))
        at++;
    if (at == count)
        return;
    pthread_mutex_lock(&watch->mutex);
    for (; at < count && !watch->overflow; at++)
        if (is_for(watch, touched[at].key) &&
            holm_key_queue_push(&watch->queue, touched[at].key, touched[at].origin.node) != HOLM_OK)
            overflow(watch);
    settle(watch);
    pthread_mutex_unlock(&watch->mutex);
}

void holm_watches_touch(struct holm_watches *watches, const struct holm_touched *touched,
                        size_t count)
{
    if (count == 0 || atomic_load(&watches->count) == 0)
        return;
    pthread_rwlock_rdlock(&watches->lock);
    for (struct holm_watch *watch = watches->first; watch != NULL; watch = watch->next)
        touch_one(watch, touched, count);
    pthread_rwlock_unlock(&watches->lock);
}

void holm_watches_touch_all(struct holm_watches *watches)
{
    if (atomic_load(&watches->count) == 0)
        return;
    pthread_rwlock_rdlock(&watches->lock);
    for (struct holm_watch *watch = watches->first; watch != NULL; watch = watch->next) {
        pthread_mutex_lock(&watch->mutex);
        overflow(watch);
        settle(watch);
        pthread_mutex_unlock(&watch->mutex);
    }
    pthread_rwlock_unlock(&watches->lock);
}

static void enlist(struct holm_watches *watches, struct holm_watch *watch)
{
    pthread_rwlock_wrlock(&watches->lock);
    watch->watches = watches;
    watch->next = watches->first;
    watch->link = &watches->first;
    if (watch->next != NULL)
        watch->next->link = &watch->next;
    watches->first = watch;
    atomic_fetch_add(&watches->count, 1);
    pthread_rwlock_unlock(&watches->lock);
}

static void delist(struct holm_watch *watch)
{
    struct holm_watches *watches = watch->watches;

    pthread_rwlock_wrlock(&watches->lock);
    *watch->link = watch->next;
    if (watch->next != NULL)
        watch->next->link = watch->link;
    atomic_fetch_sub(&watches->count, 1);
    pthread_rwlock_unlock(&watches->lock);
}

enum holm_status holm_watches_add(struct holm_watches *watches, struct holm_bytes prefix,
                                  size_t keys_max, struct holm_watch **watch)
{
    *watch = NULL;
    if (prefix.size > HOLM_KEY_BYTES_MAX)
        return HOLM_ETOOBIG;

    struct holm_watch *added = calloc(1, sizeof *added + prefix.size);

    if (added == NULL)
        return HOLM_ENOMEM;
    added->process = getpid();
    added->prefix_size = prefix.size;
    if (prefix.size > 0)
        memcpy(added->prefix, prefix.data, prefix.size);
    holm_key_queue_init(&added->queue, keys_max == 0 ? KEYS_MAX_DEFAULT : keys_max);
    added->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (added->fd < 0) {
        free(added);
        return HOLM_EIO;
    }
    if (pthread_mutex_init(&added->mutex, NULL) != 0) {
        close(added->fd);
        free(added);
        return HOLM_ENOMEM;
    }
    enlist(watches, added);
    *watch = added;
    return HOLM_OK;
}

static bool is_forked(const struct holm_watch *watch)
{
    return watch->process != getpid();
}

int holm_watch_fd(const struct holm_watch *watch)
{
    return watch == NULL || is_forked(watch) ? -1 : watch->fd;
}

static bool fetch(struct holm_watch *watch, struct holm_change *change)
{
    bool found = true;

    if (watch->overflow) {
        watch->overflow = false;
        change->overflow = true;
    } else {
        watch->taken = holm_key_queue_pop(&watch->queue);
        found = watch->taken != NULL;
    }
    settle(watch);
    return found;
}

enum holm_status holm_watch_next(struct holm_watch *watch, struct holm_change *change)
{
    if (change == NULL || watch == NULL)
        return HOLM_EINVAL;
    memset(change, 0, sizeof *change);
    if (is_forked(watch))
        return HOLM_EFORK;
    free(watch->taken);
    watch->taken = NULL;
    pthread_mutex_lock(&watch->mutex);
    bool found = fetch(watch, change);
    pthread_mutex_unlock(&watch->mutex);
    if (watch->taken != NULL) {
        change->key = holm_mem(watch->taken->bytes, watch->taken->size);
        change->origin = watch->taken->origin;
    }
    return found ? HOLM_OK : HOLM_ENOENT;
}

void holm_watch_close(struct holm_watch *watch)
{
    if (watch == NULL || is_forked(watch))
        return;
    delist(watch);
    pthread_mutex_destroy(&watch->mutex);
    holm_key_queue_release(&watch->queue);
    free(watch->taken);
    close(watch->fd);
    free(watch);
}
