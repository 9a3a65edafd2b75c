/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/disk.h"

#include <stdlib.h>

#include <xxhash.h>

#include "proto/codec.h"
#include "transport/transport.h"

#define FRAME_BYTES_MAX ((size_t)1 << 26)

struct record_head {
    uint64_t sum;
    uint64_t size; /* of what follows: frames, each with its size before it */
};

struct log {
    unsigned char *bytes;
    size_t size, capacity, synced;
    uint32_t unsynced; /* appends */
    void *saved;       /* a snapshot; always synced */
    size_t saved_size;
};

struct holm_disk {
    struct holm_store store; /* what the engine sees */
    struct holm_allocator allocator;
    uint32_t partitions, lazy;
    struct log *logs;
    enum holm_disk_fault fault;
    bool failed, open;
};

static struct holm_disk *disk_of(struct holm_store *store)
{
    return (struct holm_disk *)(void *)store;
}

static void put(struct log *log, const void *bytes, size_t size)
{
    if (log->size + size > log->capacity) {
        size_t capacity = log->capacity == 0 ? 4096 : log->capacity;
        while (capacity < log->size + size)
            capacity *= 2;
        log->bytes = realloc(log->bytes, capacity);
        HOLM_ASSERT(log->bytes != NULL);
        log->capacity = capacity;
    }
    if (size > 0)
        memcpy(log->bytes + log->size, bytes, size);
    log->size += size;
}

static void keep_snapshot(struct log *log, struct holm_bytes snapshot)
{
    free(log->saved);
    log->saved = NULL;
    log->saved_size = snapshot.size;
    if (snapshot.size == 0)
        return;
    log->saved = malloc(snapshot.size);
    HOLM_ASSERT(log->saved != NULL);
    memcpy(log->saved, snapshot.data, snapshot.size);
}

/* ---- the store ------------------------------------------------------------------------------ */

static enum holm_status take_frame(struct holm_disk *disk, struct holm_bytes frame,
                                   enum holm_status (*take)(void *context,
                                                            struct holm_delta *delta),
                                   void *context)
{
    struct holm_codec_limits limits = holm_codec_limits_default(FRAME_BYTES_MAX);
    struct holm_decoded *decoded;
    enum holm_status status = holm_codec_decode(&disk->allocator, &limits, frame, &decoded);
    if (status != HOLM_OK)
        return status;
    HOLM_ASSERT(decoded->message.type == HOLM_MESSAGE_DELTA);
    status = take(context, decoded->message.as.delta);
    holm_decoded_free(decoded);
    return status;
}

/* The record at `at`, if it is whole. */
static bool read_head(const struct log *log, size_t at, struct record_head *head)
{
    if (log->size - at < sizeof *head)
        return false;
    memcpy(head, log->bytes + at, sizeof *head);
    return head->size <= log->size - at - sizeof *head &&
           XXH3_64bits(log->bytes + at + sizeof *head, head->size) == head->sum;
}

static enum holm_status disk_load(struct holm_store *store, uint32_t partition,
                                  enum holm_status (*take)(void *context, struct holm_delta *delta),
                                  void *context)
{
    struct holm_disk *disk = disk_of(store);
    struct log *log = &disk->logs[partition];
    enum holm_status status = HOLM_OK;
    struct record_head head;
    size_t at = 0;
    while (status == HOLM_OK && read_head(log, at, &head)) {
        size_t end = at + sizeof head + head.size;
        at += sizeof head;
        while (status == HOLM_OK && at < end) {
            uint64_t size;
            memcpy(&size, log->bytes + at, sizeof size);
            status = take_frame(disk, holm_mem(log->bytes + at + sizeof size, size), take, context);
            at += sizeof size + size;
        }
    }
    /* What is torn is written over. */
    if (status == HOLM_OK)
        log->size = log->synced = at;
    log->unsynced = 0;
    return status;
}

static enum holm_status write_runs(struct holm_disk *disk, struct log *log,
                                   struct holm_delta *const *deltas, size_t count)
{
    struct holm_encoder encoder;
    enum holm_status status = HOLM_OK;
    holm_encoder_init(&encoder, &disk->allocator, FRAME_BYTES_MAX);
    for (size_t i = 0; i < count && status == HOLM_OK; i++) {
        struct holm_message message = {.type = HOLM_MESSAGE_DELTA,
                                       .partition = deltas[i]->partition,
                                       .sender = deltas[i]->actor};
        message.as.delta = deltas[i];
        struct holm_bytes frame;
        status = holm_encoder_encode(&encoder, &message, &frame);
        uint64_t size = frame.size;
        put(log, &size, sizeof size);
        put(log, frame.data, frame.size);
    }
    holm_encoder_release(&encoder);
    return status;
}

static enum holm_status disk_append(struct holm_store *store, uint32_t partition,
                                    struct holm_delta *const *deltas, size_t count)
{
    struct holm_disk *disk = disk_of(store);
    struct log *log = &disk->logs[partition];
    size_t begin = log->size;
    struct record_head head = {0, 0};
    if (disk->fault == HOLM_DISK_FULL || disk->failed) {
        disk->failed = true;
        return HOLM_EIO;
    }
    put(log, &head, sizeof head);
    enum holm_status status = write_runs(disk, log, deltas, count);
    if (status != HOLM_OK) {
        log->size = begin;
        return status;
    }
    head.size = log->size - begin - sizeof head;
    head.sum = XXH3_64bits(log->bytes + begin + sizeof head, head.size);
    memcpy(log->bytes + begin, &head, sizeof head);
    if (disk->fault == HOLM_DISK_EIO) {
        log->size = begin + (log->size - begin) / 2;
        disk->failed = true;
        return HOLM_EIO;
    }
    if (++log->unsynced >= disk->lazy) {
        log->synced = log->size;
        log->unsynced = 0;
    }
    return HOLM_OK;
}

/* Written beside the old one, synced, and renamed. */
static enum holm_status disk_save(struct holm_store *store, uint32_t partition,
                                  struct holm_bytes snapshot)
{
    struct holm_disk *disk = disk_of(store);
    struct log *log = &disk->logs[partition];
    if (disk->fault != HOLM_DISK_WELL || disk->failed) {
        disk->failed = true;
        return HOLM_EIO;
    }
    keep_snapshot(log, snapshot);
    log->size = log->synced = 0;
    log->unsynced = 0;
    return HOLM_OK;
}

static struct holm_bytes disk_saved(struct holm_store *store, uint32_t partition)
{
    const struct log *log = &disk_of(store)->logs[partition];
    return holm_mem(log->saved, log->saved_size);
}

static void disk_close(struct holm_store *store)
{
    disk_of(store)->open = false;
}

struct holm_store *holm_disk_open(struct holm_disk *disk)
{
    HOLM_ASSERT(!disk->open);
    disk->open = true;
    disk->failed = false;
    return &disk->store;
}

/* ---- the disk ------------------------------------------------------------------------------- */

struct holm_disk *holm_disk_new(uint32_t partitions)
{
    static const struct holm_store_ops ops = {disk_load, disk_append, disk_close, disk_save,
                                              disk_saved};
    struct holm_disk *disk = calloc(1, sizeof *disk);
    HOLM_ASSERT(disk != NULL);
    disk->store.ops = &ops;
    disk->allocator = holm_transport_config_default().allocator;
    disk->partitions = partitions;
    disk->lazy = 1;
    disk->logs = calloc(partitions, sizeof *disk->logs);
    HOLM_ASSERT(disk->logs != NULL);
    return disk;
}

void holm_disk_free(struct holm_disk *disk)
{
    if (disk == NULL)
        return;
    for (uint32_t i = 0; i < disk->partitions; i++) {
        free(disk->logs[i].bytes);
        free(disk->logs[i].saved);
    }
    free(disk->logs);
    free(disk);
}

void holm_disk_set_lazy(struct holm_disk *disk, uint32_t appends)
{
    HOLM_ASSERT(appends >= 1);
    disk->lazy = appends;
}

void holm_disk_set_fault(struct holm_disk *disk, enum holm_disk_fault fault)
{
    disk->fault = fault;
}

bool holm_disk_failed(const struct holm_disk *disk)
{
    return disk->failed;
}

void holm_disk_crash(struct holm_disk *disk, uint64_t random)
{
    for (uint32_t i = 0; i < disk->partitions; i++) {
        struct log *log = &disk->logs[i];
        if (log->synced < log->size)
            log->size = log->synced + (random + i * 977) % (log->size - log->synced + 1);
    }
}

void holm_disk_wipe(struct holm_disk *disk)
{
    for (uint32_t i = 0; i < disk->partitions; i++) {
        disk->logs[i].size = disk->logs[i].synced = 0;
        keep_snapshot(&disk->logs[i], holm_mem(NULL, 0));
    }
}

void holm_disk_copy(struct holm_disk *target, const struct holm_disk *source)
{
    HOLM_ASSERT(!target->open && target->partitions == source->partitions);
    holm_disk_wipe(target);
    for (uint32_t i = 0; i < target->partitions; i++) {
        put(&target->logs[i], source->logs[i].bytes, source->logs[i].size);
        target->logs[i].synced = target->logs[i].size;
        keep_snapshot(&target->logs[i],
                      holm_mem(source->logs[i].saved, source->logs[i].saved_size));
    }
}

size_t holm_disk_bytes(const struct holm_disk *disk)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < disk->partitions; i++)
        bytes += disk->logs[i].size + disk->logs[i].saved_size;
    return bytes;
}
