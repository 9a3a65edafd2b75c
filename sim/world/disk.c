/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/disk.h"

#include <stdlib.h>

#include <xxhash.h>

#include "proto/codec.h"
#include "transport/transport.h"

#define FRAME_BYTES_MAX ((size_t)1 << 26)
#define BULK_BYTES ((size_t)1 << 13)

struct record_head {
    uint64_t sum;
    uint64_t size; /* of what follows */
};

struct log {
    unsigned char *bytes;
    size_t size, capacity;
};

/* What is kept of a partition. */
struct part {
    struct log runs;    /* records of frames, each with its size before it */
    struct log journal; /* records of a batch */
    void *saved;        /* a snapshot; always synced */
    size_t saved_size;
};

/* A record, or a part of one, that is written and not synced. */
struct unsynced {
    struct log *log;
    size_t begin, end;
};

struct holm_disk {
    struct holm_store store; /* what the engine sees */
    struct holm_allocator allocator;
    uint32_t partitions, lazy;
    struct part *parts;
    struct unsynced *unsynced; /* in the order of writing */
    size_t unsynced_count, unsynced_capacity;
    struct holm_epoch epoch;
    struct holm_disk *before; /* what was there at begin(); NULL: not between begin() and end() */
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

static void keep_snapshot(struct part *part, struct holm_bytes snapshot)
{
    free(part->saved);
    part->saved = NULL;
    part->saved_size = snapshot.size;
    if (snapshot.size == 0)
        return;
    part->saved = malloc(snapshot.size);
    HOLM_ASSERT(part->saved != NULL);
    memcpy(part->saved, snapshot.data, snapshot.size);
}

/* ---- writing -------------------------------------------------------------------------------- */

static void sync_all(struct holm_disk *disk)
{
    disk->unsynced_count = 0;
}

/* Whether nothing can be written: then it has failed. */
static bool refuses(struct holm_disk *disk)
{
    disk->failed |= disk->fault == HOLM_DISK_FULL;
    return disk->failed;
}

static void note_unsynced(struct holm_disk *disk, struct log *log, size_t begin)
{
    void *unsynced = disk->unsynced;
    enum holm_status status = holm_array_reserve(&disk->allocator, &unsynced,
                                                 &disk->unsynced_capacity, sizeof *disk->unsynced,
                                                 disk->unsynced_count + 1);
    HOLM_ASSERT(status == HOLM_OK);
    disk->unsynced = unsynced;
    disk->unsynced[disk->unsynced_count++] = (struct unsynced){log, begin, log->size};
}

/* The head of a record is put, and behind it what it is to hold: from `begin` on. */
static enum holm_status finish_record(struct holm_disk *disk, struct log *log, size_t begin)
{
    struct record_head head = {.size = log->size - begin - sizeof head};
    head.sum = XXH3_64bits(log->bytes + begin + sizeof head, head.size);
    memcpy(log->bytes + begin, &head, sizeof head);
    if (disk->fault == HOLM_DISK_EIO) {
        log->size = begin + (log->size - begin) / 2;
        disk->failed = true;
    }
    note_unsynced(disk, log, begin);
    if (!disk->failed && disk->unsynced_count >= disk->lazy)
        sync_all(disk);
    return disk->failed ? HOLM_EIO : HOLM_OK;
}

static size_t begin_record(struct log *log)
{
    struct record_head head = {0, 0};
    size_t begin = log->size;
    put(log, &head, sizeof head);
    return begin;
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

/* What the record at *at holds, if it is whole; *at is behind it then. */
static bool next_record(const struct log *log, size_t *at, struct holm_bytes *held)
{
    struct record_head head;
    if (log->size - *at < sizeof head)
        return false;
    memcpy(&head, log->bytes + *at, sizeof head);
    const unsigned char *bytes = log->bytes + *at + sizeof head;
    if (head.size > log->size - *at - sizeof head || XXH3_64bits(bytes, head.size) != head.sum)
        return false;
    *held = holm_mem(bytes, head.size);
    *at += sizeof head + head.size;
    return true;
}

/* What is torn is written over. */
static void end_reading(struct log *log, size_t at)
{
    log->size = at;
}

static enum holm_status disk_load(struct holm_store *store, uint32_t partition,
                                  enum holm_status (*take)(void *context, struct holm_delta *delta),
                                  void *context)
{
    struct holm_disk *disk = disk_of(store);
    struct log *log = &disk->parts[partition].runs;
    enum holm_status status = HOLM_OK;
    struct holm_bytes record;
    size_t at = 0;
    while (status == HOLM_OK && next_record(log, &at, &record)) {
        const unsigned char *from = record.data;
        for (size_t i = 0; status == HOLM_OK && i < record.size;) {
            uint64_t size;
            memcpy(&size, from + i, sizeof size);
            status = take_frame(disk, holm_mem(from + i + sizeof size, size), take, context);
            i += sizeof size + size;
        }
    }
    if (status == HOLM_OK)
        end_reading(log, at);
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
    struct log *log = &disk->parts[partition].runs;
    if (refuses(disk))
        return HOLM_EIO;
    size_t begin = begin_record(log);
    enum holm_status status = write_runs(disk, log, deltas, count);
    if (status == HOLM_OK)
        return finish_record(disk, log, begin);
    log->size = begin;
    return status;
}

/* Written beside the old one, synced, and renamed. */
static enum holm_status disk_save(struct holm_store *store, uint32_t partition,
                                  struct holm_bytes snapshot)
{
    struct holm_disk *disk = disk_of(store);
    struct part *part = &disk->parts[partition];
    if (disk->fault != HOLM_DISK_WELL || disk->failed) {
        disk->failed = true;
        return HOLM_EIO;
    }
    sync_all(disk);
    keep_snapshot(part, snapshot);
    part->runs.size = 0;
    return HOLM_OK;
}

static struct holm_bytes disk_saved(struct holm_store *store, uint32_t partition)
{
    const struct part *part = &disk_of(store)->parts[partition];
    return holm_mem(part->saved, part->saved_size);
}

static enum holm_status disk_journal_add(struct holm_store *store, uint32_t partition,
                                         struct holm_bytes batch)
{
    struct holm_disk *disk = disk_of(store);
    struct log *log = &disk->parts[partition].journal;
    if (refuses(disk))
        return HOLM_EIO;
    size_t begin = begin_record(log);
    put(log, batch.data, batch.size);
    return finish_record(disk, log, begin);
}

static enum holm_status disk_journal_load(struct holm_store *store, uint32_t partition,
                                          enum holm_status (*take)(void *context,
                                                                   struct holm_bytes batch),
                                          void *context)
{
    struct log *log = &disk_of(store)->parts[partition].journal;
    enum holm_status status = HOLM_OK;
    struct holm_bytes batch;
    size_t at = 0;
    while (status == HOLM_OK && next_record(log, &at, &batch))
        status = take(context, batch);
    if (status == HOLM_OK)
        end_reading(log, at);
    return status;
}

static enum holm_status disk_journal_clear(struct holm_store *store, uint32_t partition)
{
    struct holm_disk *disk = disk_of(store);
    if (refuses(disk))
        return HOLM_EIO;
    sync_all(disk);
    disk->parts[partition].journal.size = 0;
    return HOLM_OK;
}

static struct holm_epoch disk_epoch(struct holm_store *store)
{
    return disk_of(store)->epoch;
}

static enum holm_status disk_epoch_raise(struct holm_store *store, struct holm_epoch epoch)
{
    struct holm_disk *disk = disk_of(store);
    if (disk->fault != HOLM_DISK_WELL || disk->failed) {
        disk->failed = true;
        return HOLM_EIO;
    }
    sync_all(disk);
    disk->epoch = epoch;
    return HOLM_OK;
}

/* ---- all or nothing ------------------------------------------------------------------------- */

static enum holm_status disk_begin(struct holm_store *store)
{
    struct holm_disk *disk = disk_of(store);
    HOLM_ASSERT(disk->before == NULL);
    if (refuses(disk))
        return HOLM_EIO;
    sync_all(disk);
    disk->before = holm_disk_new(disk->partitions);
    holm_disk_copy(disk->before, disk);
    return HOLM_OK;
}

static enum holm_status disk_end(struct holm_store *store, bool whole)
{
    struct holm_disk *disk = disk_of(store);
    HOLM_ASSERT(disk->before != NULL);
    if (!whole || disk->fault != HOLM_DISK_WELL || disk->failed) {
        struct part *parts = disk->parts;
        disk->parts = disk->before->parts;
        disk->before->parts = parts;
        disk->failed = true;
    }
    sync_all(disk);
    holm_disk_free(disk->before);
    disk->before = NULL;
    return disk->failed ? HOLM_EIO : HOLM_OK;
}

static enum holm_status disk_sync(struct holm_store *store, uint64_t timeout_us)
{
    struct holm_disk *disk = disk_of(store);
    (void)timeout_us;
    if (refuses(disk))
        return HOLM_EIO;
    sync_all(disk);
    return HOLM_OK;
}

/* Far below what a real store has, so that it happens in a simulated life. */
static bool disk_bulky(struct holm_store *store, uint32_t partition)
{
    const struct part *part = &disk_of(store)->parts[partition];
    return part->runs.size > BULK_BYTES && part->runs.size > 2 * part->saved_size;
}

static void disk_close(struct holm_store *store)
{
    struct holm_disk *disk = disk_of(store);
    HOLM_ASSERT(disk->before == NULL);
    disk->open = false;
}

struct holm_store *holm_disk_open(struct holm_disk *disk)
{
    HOLM_ASSERT(!disk->open);
    disk->open = true;
    disk->failed = false;
    sync_all(disk); /* what is there has outlived what there was to outlive */
    return &disk->store;
}

/* ---- the disk ------------------------------------------------------------------------------- */

static const struct holm_store_ops ops = {
    .load = disk_load,
    .append = disk_append,
    .close = disk_close,
    .save = disk_save,
    .saved = disk_saved,
    .journal_add = disk_journal_add,
    .journal_load = disk_journal_load,
    .journal_clear = disk_journal_clear,
    .epoch = disk_epoch,
    .epoch_raise = disk_epoch_raise,
    .begin = disk_begin,
    .end = disk_end,
    .sync = disk_sync,
    .bulky = disk_bulky,
};

struct holm_disk *holm_disk_new(uint32_t partitions)
{
    struct holm_disk *disk = calloc(1, sizeof *disk);
    HOLM_ASSERT(disk != NULL);
    disk->store.ops = &ops;
    disk->allocator = holm_transport_config_default().allocator;
    disk->partitions = partitions;
    disk->lazy = 1;
    disk->parts = calloc((size_t)partitions + 1, sizeof *disk->parts);
    HOLM_ASSERT(disk->parts != NULL);
    return disk;
}

void holm_disk_free(struct holm_disk *disk)
{
    if (disk == NULL)
        return;
    for (uint32_t i = 0; i <= disk->partitions; i++) {
        free(disk->parts[i].runs.bytes);
        free(disk->parts[i].journal.bytes);
        free(disk->parts[i].saved);
    }
    holm_array_free(&disk->allocator, disk->unsynced, disk->unsynced_capacity,
                    sizeof *disk->unsynced);
    free(disk->parts);
    free(disk);
}

void holm_disk_set_lazy(struct holm_disk *disk, uint32_t records)
{
    HOLM_ASSERT(records >= 1);
    disk->lazy = records;
}

void holm_disk_set_fault(struct holm_disk *disk, enum holm_disk_fault fault)
{
    disk->fault = fault;
}

bool holm_disk_failed(const struct holm_disk *disk)
{
    return disk->failed;
}

bool holm_disk_durable(const struct holm_disk *disk)
{
    return disk->lazy == 1 && !disk->failed;
}

void holm_disk_crash(struct holm_disk *disk, uint64_t random)
{
    size_t written = 0;
    for (size_t i = 0; i < disk->unsynced_count; i++)
        written += disk->unsynced[i].end - disk->unsynced[i].begin;
    size_t stays = random % (written + 1);
    for (size_t i = 0; i < disk->unsynced_count; i++) {
        const struct unsynced *record = &disk->unsynced[i];
        size_t bytes = record->end - record->begin;
        size_t kept = stays < bytes ? stays : bytes;
        if (record->log->size > record->begin + kept)
            record->log->size = kept == bytes ? record->log->size : record->begin + kept;
        stays -= kept;
    }
    sync_all(disk);
}

void holm_disk_wipe(struct holm_disk *disk)
{
    for (uint32_t i = 0; i <= disk->partitions; i++) {
        disk->parts[i].runs.size = disk->parts[i].journal.size = 0;
        keep_snapshot(&disk->parts[i], holm_mem(NULL, 0));
    }
    disk->epoch.value = 0;
    sync_all(disk);
}

void holm_disk_copy(struct holm_disk *target, const struct holm_disk *source)
{
    HOLM_ASSERT(!target->open && target->partitions == source->partitions);
    holm_disk_wipe(target);
    for (uint32_t i = 0; i <= target->partitions; i++) {
        const struct part *from = &source->parts[i];
        struct part *to = &target->parts[i];
        put(&to->runs, from->runs.bytes, from->runs.size);
        put(&to->journal, from->journal.bytes, from->journal.size);
        keep_snapshot(to, holm_mem(from->saved, from->saved_size));
    }
    target->epoch = source->epoch;
}

size_t holm_disk_bytes(const struct holm_disk *disk)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i <= disk->partitions; i++)
        bytes += disk->parts[i].runs.size + disk->parts[i].journal.size + disk->parts[i].saved_size;
    return bytes;
}
