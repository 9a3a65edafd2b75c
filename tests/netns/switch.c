/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE 1 /* ppoll */
#include "tests/netns/switch.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FRAME_BYTES_MAX 2048
#define FRAMES_MAX 16384u
#define READS_AT_ONCE 64

struct frame {
    uint64_t due_us;
    uint64_t number; /* of two that are due together the first to come goes first */
    uint32_t to;
    uint32_t size;
    unsigned char bytes[FRAME_BYTES_MAX];
};

/* A heap of what is under way, the next to leave first. */
struct play {
    struct switch_shared *shared;
    struct wire_state states[SWITCH_PORTS_MAX][SWITCH_PORTS_MAX];
    int taps[SWITCH_PORTS_MAX];
    uint32_t ports;
    struct frame *heap[FRAMES_MAX];
    uint32_t count;
    uint64_t number;
};

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static bool before(const struct frame *a, const struct frame *b)
{
    return a->due_us != b->due_us ? a->due_us < b->due_us : a->number < b->number;
}

static void push(struct play *play, struct frame *frame)
{
    uint32_t at = play->count++;
    for (; at > 0 && before(frame, play->heap[(at - 1) / 2]); at = (at - 1) / 2)
        play->heap[at] = play->heap[(at - 1) / 2];
    play->heap[at] = frame;
}

static struct frame *pop(struct play *play)
{
    struct frame *first = play->heap[0];
    struct frame *last = play->heap[--play->count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < play->count; at = child) {
        if (child + 1 < play->count && before(play->heap[child + 1], play->heap[child]))
            child++;
        if (!before(play->heap[child], last))
            break;
        play->heap[at] = play->heap[child];
    }
    play->heap[at] = last;
    return first;
}

static void see(_Atomic uint64_t *sight)
{
    uint64_t unseen = 0;
    (void)atomic_compare_exchange_strong(sight, &unseen, now_us());
}

/* TCP over IPv4 with SYN set, of a pair of stations that is watched. */
static void look(struct play *play, uint32_t from, uint32_t to, const unsigned char *bytes,
                 size_t size)
{
    if (!atomic_load(&play->shared->watched[from][to]) || size < 54 || bytes[12] != 8 ||
        bytes[13] != 0 || bytes[23] != 6)
        return;
    size_t tcp = 14 + (size_t)(bytes[14] & 15) * 4;
    if (tcp + 14 > size || (bytes[tcp + 13] & 2) == 0)
        return;
    bool answer = (bytes[tcp + 13] & 16) != 0;
    see(answer ? &play->shared->sights.synack_us : &play->shared->sights.syn_us);
}

static void enter(struct play *play, uint32_t from, uint32_t to, const unsigned char *bytes,
                  size_t size)
{
    struct switch_shared *shared = play->shared;
    struct wire *wire = &shared->wires[from][to];
    uint64_t due_us = wire_pass(wire, &play->states[from][to], now_us(), (uint32_t)size);
    if (due_us == WIRE_LOST) {
        atomic_fetch_add(atomic_load(&wire->cut) ? &shared->frames_cut : &shared->frames_lost, 1);
        return;
    }
    struct frame *frame = play->count < FRAMES_MAX ? malloc(sizeof *frame) : NULL;
    if (frame == NULL) {
        atomic_fetch_add(&shared->frames_full, 1);
        return;
    }
    look(play, from, to, bytes, size);
    frame->due_us = due_us;
    frame->number = play->number++;
    frame->to = to;
    frame->size = (uint32_t)size;
    memcpy(frame->bytes, bytes, size);
    push(play, frame);
    atomic_fetch_add(&shared->frames_passed, 1);
}

static void take(struct play *play, uint32_t from)
{
    unsigned char bytes[FRAME_BYTES_MAX];
    for (int i = 0; i < READS_AT_ONCE; i++) {
        ssize_t size = read(play->taps[from], bytes, sizeof bytes);
        if (size < 14)
            return;
        bool station = memcmp(bytes, SWITCH_MAC_PREFIX, 5) == 0;
        for (uint32_t to = 0; to < play->ports; to++)
            if (to != from && (!station || bytes[5] == to))
                enter(play, from, to, bytes, (size_t)size);
    }
}

static void give(struct play *play)
{
    while (play->count > 0 && play->heap[0]->due_us <= now_us()) {
        struct frame *frame = pop(play);
        /* A device whose queue is full loses it, as they do. */
        if (write(play->taps[frame->to], frame->bytes, frame->size) < 0)
            atomic_fetch_add(&play->shared->frames_full, 1);
        free(frame);
    }
}

static _Noreturn void run(struct play *play)
{
    struct pollfd fds[SWITCH_PORTS_MAX];
    for (uint32_t i = 0; i < play->ports; i++)
        fds[i] = (struct pollfd){.fd = play->taps[i], .events = POLLIN};
    for (;;) {
        struct timespec wait = {1, 0};
        uint64_t now = now_us();
        if (play->count > 0) {
            uint64_t due = play->heap[0]->due_us;
            uint64_t left = due > now ? due - now : 0;
            wait = (struct timespec){(time_t)(left / 1000000), (long)(left % 1000000) * 1000};
        }
        if (ppoll(fds, play->ports, &wait, NULL) > 0)
            for (uint32_t i = 0; i < play->ports; i++)
                if (fds[i].revents != 0)
                    take(play, i);
        give(play);
    }
}

bool tap_switch_open(struct tap_switch *made, const int *taps, size_t count, uint64_t seed)
{
    memset(made, 0, sizeof *made);
    if (count > SWITCH_PORTS_MAX)
        return false;
    void *shared = mmap(NULL, sizeof *made->shared, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct play *play = calloc(1, sizeof *play);
    if (shared == MAP_FAILED || play == NULL) {
        free(play);
        return false;
    }
    made->shared = play->shared = shared;
    play->ports = (uint32_t)count;
    for (uint32_t from = 0; from < count; from++) {
        play->taps[from] = taps[from];
        (void)fcntl(taps[from], F_SETFL, O_NONBLOCK);
        for (uint32_t to = 0; to < count; to++)
            wire_seed(&play->states[from][to], seed, from, to);
    }
    made->pid = fork();
    if (made->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(play);
    }
    free(play);
    return made->pid > 0;
}

void tap_switch_close(struct tap_switch *gone)
{
    if (gone->pid > 0) {
        (void)kill(gone->pid, SIGKILL);
        (void)waitpid(gone->pid, NULL, 0);
    }
    if (gone->shared != NULL)
        (void)munmap(gone->shared, sizeof *gone->shared);
    memset(gone, 0, sizeof *gone);
}
