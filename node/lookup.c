/* SPDX-License-Identifier: Apache-2.0 */
#include "node/lookup.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>

struct holm_lookup {
    struct holm_lookup_config config;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wanted;
    unsigned holders;
    bool asked, closed, ready;
    const char *why;
    struct holm_found found;
    char name[HOLM_ADDRESS_BYTES_MAX + 1];
};

void holm_found_add(struct holm_found *found, const char *host)
{
    size_t size = strlen(host);
    if (size == 0 || size >= HOLM_HOST_BYTES_MAX || found->refused)
        return;
    for (size_t i = 0; i < found->count; i++)
        if (strcmp(found->hosts[i], host) == 0)
            return;
    if (found->count == HOLM_FOUND_MAX) {
        found->left_out++;
        return;
    }
    if (holm_array_reserve(&found->allocator, (void **)&found->hosts, &found->capacity,
                           sizeof *found->hosts, found->count + 1) != HOLM_OK) {
        found->refused = true;
        return;
    }
    memcpy(found->hosts[found->count++], host, size + 1);
}

void holm_found_release(struct holm_found *found)
{
    holm_array_free(&found->allocator, found->hosts, found->capacity, sizeof *found->hosts);
    found->hosts = NULL;
    found->count = found->capacity = found->left_out = 0;
    found->refused = false;
}

static void add_socket_address(struct holm_found *found, const struct addrinfo *info)
{
    char host[HOLM_HOST_BYTES_MAX] = "";
    if (info->ai_family == AF_INET) {
        struct sockaddr_in address;
        memcpy(&address, info->ai_addr, sizeof address);
        (void)inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
    } else if (info->ai_family == AF_INET6) {
        struct sockaddr_in6 address;
        memcpy(&address, info->ai_addr, sizeof address);
        holm_host_of_ipv6(host, address.sin6_addr.s6_addr);
    }
    holm_found_add(found, host);
}

const char *holm_lookup_system(void *context, const char *name, struct holm_found *found)
{
    (void)context;
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *infos = NULL;
    int refused = getaddrinfo(name, NULL, &hints, &infos);
    if (refused != 0)
        return gai_strerror(refused);
    for (const struct addrinfo *info = infos; info != NULL; info = info->ai_next)
        add_socket_address(found, info);
    freeaddrinfo(infos);
    return NULL;
}

static void destroy(struct holm_lookup *lookup)
{
    struct holm_allocator allocator = lookup->config.allocator;
    holm_found_release(&lookup->found);
    pthread_cond_destroy(&lookup->wanted);
    pthread_mutex_destroy(&lookup->lock);
    holm_deallocate(&allocator, lookup, sizeof *lookup);
}

/* With the lock, which is given back. */
static void let_go(struct holm_lookup *lookup)
{
    HOLM_ASSERT(lookup->holders > 0);
    bool last = --lookup->holders == 0;
    pthread_mutex_unlock(&lookup->lock);
    if (last)
        destroy(lookup);
}

static void look_up_once(struct holm_lookup *lookup)
{
    struct holm_found found = {.allocator = lookup->config.allocator};
    lookup->asked = false;
    pthread_mutex_unlock(&lookup->lock);
    const char *why = lookup->config.find(lookup->config.find_context, lookup->name, &found);
    pthread_mutex_lock(&lookup->lock);
    /* A part of them would have the others forgotten. */
    if (why == NULL && found.refused)
        why = "out of memory";
    if (why == NULL && found.count == 0)
        why = "it has no address";
    if (why != NULL)
        holm_found_release(&found);
    holm_found_release(&lookup->found);
    lookup->found = found;
    lookup->why = why;
    lookup->ready = true;
    /* Under the lock: the owner may close, and what ready() calls may go, as soon as it is free. */
    if (!lookup->closed)
        lookup->config.ready(lookup->config.ready_context);
}

static void *look_up(void *context)
{
    struct holm_lookup *lookup = context;
    pthread_mutex_lock(&lookup->lock);
    while (!lookup->closed) {
        if (lookup->asked)
            look_up_once(lookup);
        else
            pthread_cond_wait(&lookup->wanted, &lookup->lock);
    }
    let_go(lookup);
    return NULL;
}

/* Signals are for the program's own threads. */
static enum holm_status start(struct holm_lookup *lookup)
{
    sigset_t all, before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int refused = pthread_create(&thread, NULL, look_up, lookup);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (refused != 0)
        return HOLM_EIO;
    pthread_detach(thread);
    return HOLM_OK;
}

enum holm_status holm_lookup_open(const struct holm_lookup_config *config,
                                  struct holm_lookup **lookup)
{
    size_t size = strlen(config->name);
    HOLM_ASSERT(size > 0 && size <= HOLM_ADDRESS_BYTES_MAX);
    *lookup = NULL;
    struct holm_lookup *made = holm_allocate(&config->allocator, sizeof *made);
    if (made == NULL)
        return HOLM_ENOMEM;
    memset(made, 0, sizeof *made);
    made->config = *config;
    made->config.name = made->name;
    memcpy(made->name, config->name, size);
    made->found.allocator = config->allocator;
    made->holders = 2;
    pthread_mutex_init(&made->lock, NULL);
    pthread_cond_init(&made->wanted, NULL);
    enum holm_status status = start(made);
    if (status != HOLM_OK) {
        destroy(made);
        return status;
    }
    *lookup = made;
    return HOLM_OK;
}

void holm_lookup_close(struct holm_lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    lookup->closed = true;
    pthread_cond_signal(&lookup->wanted);
    let_go(lookup);
}

void holm_lookup_ask(struct holm_lookup *lookup)
{
    pthread_mutex_lock(&lookup->lock);
    lookup->asked = true;
    pthread_cond_signal(&lookup->wanted);
    pthread_mutex_unlock(&lookup->lock);
}

bool holm_lookup_take(struct holm_lookup *lookup, struct holm_found *found, const char **why)
{
    pthread_mutex_lock(&lookup->lock);
    bool ready = lookup->ready;
    if (ready) {
        *found = lookup->found;
        *why = lookup->why;
        lookup->found = (struct holm_found){.allocator = lookup->config.allocator};
        lookup->ready = false;
    }
    pthread_mutex_unlock(&lookup->lock);
    return ready;
}
