/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk.h - a disk in memory, which does what disks do; and a store (node/store.h) on it.
 *
 *     partition 0   [sum, size, runs] [sum, size, runs]          [sum, size, runs]
 *     its journal                                       [batch]                    [ba | lost in a crash
 *                                                  synced
 *
 * A store writes one record for each call: the runs as frames, or a batch, with a sum over them. It
 * answers HOLM_OK when the record is written and, if the disk is durable, synced; a lazy disk syncs
 * all of it every so many records. A crash cuts somewhere between what was synced and what was
 * written, in the order of writing, in the middle of a record, too; the next life finds the first
 * record whose sum is wrong, and goes on from there. So a life that is opened has what the former one
 * had written up to some moment, of all partitions together (S1). A state that is saved is synced, and
 * so is what was written between begin() and end().
 *
 * Invariants:
 *     K1  what was synced is read again, in order, until the disk is wiped or restored
 *     K2  a record is read whole or not at all
 *     K3  of what was written between begin() and end() all is read, or none
 */
#ifndef HOLM_SIM_WORLD_DISK_H
#define HOLM_SIM_WORLD_DISK_H

#include "node/store.h"

struct holm_disk;

enum holm_disk_fault {
    HOLM_DISK_WELL = 0,
    HOLM_DISK_FULL = 1, /* nothing more can be written */
    HOLM_DISK_EIO = 2   /* the next write fails in its middle, and so does all that follows */
};

/* Of so many partitions, and a member list's. Memory is asserted, as in all of this header. */
struct holm_disk *holm_disk_new(uint32_t partitions);
void holm_disk_free(struct holm_disk *disk); /* NULL is allowed */

/* How many records are written between two syncs: 1 is durable. */
void holm_disk_set_lazy(struct holm_disk *disk, uint32_t records);
void holm_disk_set_fault(struct holm_disk *disk, enum holm_disk_fault fault);
/* Whether a write has failed since it was opened. */
bool holm_disk_failed(const struct holm_disk *disk);
/* Whether a crash now would take nothing: it syncs each write, and none has failed. */
bool holm_disk_durable(const struct holm_disk *disk);

/* A store on it; one at a time. Closing it leaves the disk. */
struct holm_store *holm_disk_open(struct holm_disk *disk);

/* Power is lost: `random` decides how much of what was not synced stays. */
void holm_disk_crash(struct holm_disk *disk, uint64_t random);
void holm_disk_wipe(struct holm_disk *disk);
/* target := source, as it is now, all of it. Both of as many partitions; neither is open for target. */
void holm_disk_copy(struct holm_disk *target, const struct holm_disk *source);

size_t holm_disk_bytes(const struct holm_disk *disk);

#endif
