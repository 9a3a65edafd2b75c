/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

static enum holm_status reserve(struct holm_arena *arena, size_t count, Holm__Wire__Beacon *beacon)
{
    enum holm_status status = holm_wire_array(arena, count, sizeof *beacon->partitions,
                                              &beacon->partitions);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *beacon->own_seqs, &beacon->own_seqs);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *beacon->vector_hashes,
                                 &beacon->vector_hashes);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *beacon->digests_low, &beacon->digests_low);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *beacon->digests_high, &beacon->digests_high);
    return status;
}

enum holm_status holm_wire_write_beacon(struct holm_arena *arena,
                                        const struct holm_message *message,
                                        Holm__Wire__Envelope *envelope)
{
    const struct holm_beacon *source = &message->as.beacon;
    Holm__Wire__Beacon *beacon = NULL;
    enum holm_status status = holm_wire_array(arena, 1, sizeof *beacon, &beacon);
    if (status != HOLM_OK)
        return status;
    holm__wire__beacon__init(beacon);
    status = reserve(arena, source->count, beacon);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < source->count; i++) {
        const struct holm_beacon_entry *entry = &source->entries[i];
        HOLM_ASSERT(i == 0 || source->entries[i - 1].partition < entry->partition);
        beacon->partitions[i] = entry->partition;
        beacon->own_seqs[i] = entry->own_seq;
        beacon->vector_hashes[i] = entry->vector_hash;
        beacon->digests_low[i] = entry->digest.low;
        beacon->digests_high[i] = entry->digest.high;
    }
    beacon->n_partitions = source->count;
    beacon->n_own_seqs = holm_column_fold64(beacon->own_seqs, source->count);
    beacon->n_vector_hashes = holm_column_fold64(beacon->vector_hashes, source->count);
    beacon->n_digests_low = holm_column_fold64(beacon->digests_low, source->count);
    beacon->n_digests_high = holm_column_fold64(beacon->digests_high, source->count);
    envelope->beacon = beacon;
    return HOLM_OK;
}

static enum holm_status check_beacon(const struct holm_codec_limits *limits,
                                     const Holm__Wire__Beacon *beacon)
{
    size_t count = beacon->n_partitions;
    if (count > limits->beacon_entries_max)
        return HOLM_ETOOBIG;
    if (!holm_column_fits(beacon->n_own_seqs, count) ||
        !holm_column_fits(beacon->n_vector_hashes, count) ||
        !holm_column_fits(beacon->n_digests_low, count) ||
        !holm_column_fits(beacon->n_digests_high, count))
        return HOLM_EMALFORMED;
    for (size_t i = 1; i < count; i++) {
        if (beacon->partitions[i - 1] >= beacon->partitions[i])
            return HOLM_EMALFORMED;
    }
    return HOLM_OK;
}

enum holm_status holm_wire_read_beacon(struct holm_wire_reading *reading,
                                       const Holm__Wire__Envelope *envelope,
                                       struct holm_message *message)
{
    const Holm__Wire__Beacon *beacon = envelope->beacon;
    struct holm_beacon_entry *entries = NULL;
    size_t count = beacon->n_partitions;
    enum holm_status status = check_beacon(&reading->left, beacon);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, count, sizeof *entries, &entries);
    if (status != HOLM_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        entries[i].partition = beacon->partitions[i];
        entries[i].own_seq = holm_column_at64(beacon->own_seqs, beacon->n_own_seqs, i);
        entries[i].vector_hash = holm_column_at64(beacon->vector_hashes, beacon->n_vector_hashes,
                                                  i);
        entries[i].digest.low = holm_column_at64(beacon->digests_low, beacon->n_digests_low, i);
        entries[i].digest.high = holm_column_at64(beacon->digests_high, beacon->n_digests_high, i);
    }
    message->as.beacon = (struct holm_beacon){entries, count};
    return HOLM_OK;
}
