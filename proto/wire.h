/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire.h - the codec's inside: what its files share.
 *
 * Writing builds the generated structs of holm.proto in an arena, out of borrowed messages; reading
 * takes the structs that protobuf-c unpacked into an arena, checks them, and makes messages.
 *
 * A column over n things has n entries, or one (the same for all), or none (all zero):
 *
 *     7 7 7 7  ->  7          0 0 0  ->  -          1 0 2  ->  1 0 2
 *
 * Hence a column alone never says how many things there are. Counts come from arrays that have an
 * entry for each thing (key_sizes, seen_lasts, epochs), so every thing that memory is given to has
 * cost its sender at least one byte.
 */
#ifndef HOLM_PROTO_WIRE_H
#define HOLM_PROTO_WIRE_H

#include "crdt/arena.h"
#include "crdt/message.h"
#include "proto/codec.h"
#include "proto/holm.pb-c.h"

/* ---- columns ------------------------------------------------------------------------------- */

/* How many entries a column of `count` values needs: 0, 1 or all. */
size_t holm_column_fold32(const uint32_t *values, size_t count);
size_t holm_column_fold64(const uint64_t *values, size_t count);
size_t holm_column_fold_signed(const int64_t *values, size_t count);

/* Whether a column of `entries` can stand for `count` things. */
static inline bool holm_column_fits(size_t entries, size_t count)
{
    return entries == 0 || entries == count || (entries == 1 && count > 0);
}

static inline uint32_t holm_column_at32(const uint32_t *values, size_t entries, size_t index)
{
    HOLM_ASSERT(entries <= 1 || index < entries);
    return entries == 0 ? 0 : values[entries == 1 ? 0 : index];
}

static inline uint64_t holm_column_at64(const uint64_t *values, size_t entries, size_t index)
{
    HOLM_ASSERT(entries <= 1 || index < entries);
    return entries == 0 ? 0 : values[entries == 1 ? 0 : index];
}

static inline int64_t holm_column_at_signed(const int64_t *values, size_t entries, size_t index)
{
    HOLM_ASSERT(entries <= 1 || index < entries);
    return entries == 0 ? 0 : values[entries == 1 ? 0 : index];
}

/* The sum of a column of sizes over `count` things. Cannot wrap: both factors have 32 bits. */
uint64_t holm_column_sum(const uint32_t *values, size_t entries, size_t count);

/* Differences are taken modulo 2^64, so that every pair of numbers has one. */
static inline int64_t holm_step(uint64_t from, uint64_t to)
{
    return (int64_t)(to - from);
}

/* The lowest version that can read what is written here. */
#define HOLM_WIRE_VERSION_NEEDED 1

/* ---- writing ------------------------------------------------------------------------------- */

/* Sets a pointer, whose address is `array`, to room in the arena. HOLM_ENOMEM. */
HOLM_NODISCARD enum holm_status holm_wire_array(struct holm_arena *arena, size_t count,
                                                size_t element_bytes, void *array);

/* Copies bytes into the arena, for a field of type bytes. */
HOLM_NODISCARD enum holm_status holm_wire_bytes(struct holm_arena *arena, struct holm_bytes source,
                                                ProtobufCBinaryData *field);

/* NULL for an empty view. The view must be valid, and that is asserted. */
HOLM_NODISCARD enum holm_status holm_wire_write_vector(struct holm_arena *arena,
                                                       struct holm_vector_view view,
                                                       Holm__Wire__Vector **vector);

/* A sorted table of actors, as the columns of Vector and Cells. */
struct holm_wire_actors {
    size_t n_nodes, n_more_epochs, n_epochs;
    uint64_t *nodes;
    uint32_t *more_epochs;
    uint64_t *epochs;
};

/* `actor_bytes` is the distance from one actor to the next: a table of actors, or of dots. */
HOLM_NODISCARD enum holm_status holm_wire_write_actors(struct holm_arena *arena,
                                                       const struct holm_actor *actors,
                                                       size_t count, size_t actor_bytes,
                                                       struct holm_wire_actors *table);

/* Each of these sets the member of the envelope's oneof; message_case is set by the caller. Of
 * messages that have cells, cells.h takes care. */
HOLM_NODISCARD enum holm_status holm_wire_write_beacon(struct holm_arena *arena,
                                                       const struct holm_message *message,
                                                       Holm__Wire__Envelope *envelope);
HOLM_NODISCARD enum holm_status holm_wire_write_hello(struct holm_arena *arena,
                                                      const struct holm_message *message,
                                                      Holm__Wire__Envelope *envelope);
/* Ping, Pong, Goodbye, Ack, Want, Pull, Follow, Unfollow. */
HOLM_NODISCARD enum holm_status holm_wire_write_talk(struct holm_arena *arena,
                                                     const struct holm_message *message,
                                                     Holm__Wire__Envelope *envelope);
HOLM_NODISCARD enum holm_status holm_wire_write_sync(struct holm_arena *arena,
                                                     const struct holm_message *message,
                                                     Holm__Wire__Envelope *envelope);

/* SyncAsk and SyncTell. */
HOLM_NODISCARD enum holm_status holm_wire_write_reconcile(struct holm_arena *arena,
                                                          const struct holm_message *message,
                                                          Holm__Wire__Envelope *envelope);

/* Standing, Join, Joined, Report. */
HOLM_NODISCARD enum holm_status holm_wire_write_member(struct holm_arena *arena,
                                                       const struct holm_message *message,
                                                       Holm__Wire__Envelope *envelope);

/* Reach, Tunnel. */
HOLM_NODISCARD enum holm_status holm_wire_write_tunnel(struct holm_arena *arena,
                                                       const struct holm_message *message,
                                                       Holm__Wire__Envelope *envelope);

/* ---- reading ------------------------------------------------------------------------------- */

/* The two ways to read a frame; holm_codec_decode() goes the first, and the second where it ends. */
enum holm_wire_way {
    HOLM_WIRE_PLAIN,  /* cells.h: HOLM_EMALFORMED is said of every frame that is not plain */
    HOLM_WIRE_GENERIC /* by protobuf-c: every frame */
};

/* As holm_codec_decode(), one way. */
HOLM_NODISCARD enum holm_status holm_wire_decode(enum holm_wire_way way,
                                                 const struct holm_allocator *allocator,
                                                 const struct holm_codec_limits *limits,
                                                 struct holm_bytes frame,
                                                 struct holm_decoded **decoded);

struct holm_wire_reading {
    const struct holm_allocator *allocator; /* of deltas and pages */
    struct holm_codec_limits left;          /* of what counts a frame may still use */
    struct holm_arena *arena;               /* of everything else in the message */
    const struct holm_budget *budget;       /* under the arena */
    ProtobufCAllocator *unpacking;          /* takes from the arena, too */
};

/* The same, charged to the budget. HOLM_ENOMEM, HOLM_ETOOBIG. */
HOLM_NODISCARD enum holm_status holm_wire_take(const struct holm_wire_reading *reading,
                                               size_t count, size_t element_bytes, void *array);

/* Takes `count` off what is left of a limit. HOLM_ETOOBIG. */
HOLM_NODISCARD static inline enum holm_status holm_wire_spend(size_t *left, uint64_t count)
{
    if (count > *left)
        return HOLM_ETOOBIG;
    *left -= (size_t)count;
    return HOLM_OK;
}

static inline struct holm_bytes holm_wire_slice(ProtobufCBinaryData field)
{
    return holm_mem(field.data, field.len);
}

/* Whether the columns agree, and name each node once, in order. That its epochs ascend, too, neither 0 nor wrapping
 * round, is seen when they are read, by whoever checks what they are part of. O(1) and O(actors). */
HOLM_NODISCARD enum holm_status holm_wire_check_actors(const struct holm_wire_actors *table);

/* Writes the checked table's n_epochs actors, `actor_bytes` from one to the next. */
void holm_wire_read_actors(const struct holm_wire_actors *table, struct holm_actor *actors,
                           size_t actor_bytes);

/* Checks a vector (NULL is empty) and counts it against the limit; then writes its entries. */
HOLM_NODISCARD enum holm_status holm_wire_check_vector(struct holm_wire_reading *reading,
                                                       const Holm__Wire__Vector *vector,
                                                       size_t *count);
void holm_wire_read_vector(const Holm__Wire__Vector *vector, struct holm_dot *entries);

/* Both at once, into the arena. FOLDED entries (vector.h) are refused. */
HOLM_NODISCARD enum holm_status holm_wire_take_vector(struct holm_wire_reading *reading,
                                                      const Holm__Wire__Vector *vector,
                                                      struct holm_vector_view *view);

/* The same of an S, where a node's first entry may be FOLDED. */
HOLM_NODISCARD enum holm_status holm_wire_take_collected(struct holm_wire_reading *reading,
                                                         const Holm__Wire__Vector *vector,
                                                         struct holm_vector_view *view);

/* The table's columns, borrowed. */
struct holm_wire_actors holm_wire_table(const Holm__Wire__Cells *cells);

/* Says how many bytes the unknown fields take when they are encoded again; then copies them.
 * HOLM_EMALFORMED, HOLM_ETOOBIG. */
HOLM_NODISCARD enum holm_status holm_wire_check_unknown(const ProtobufCMessage *message,
                                                        size_t size_max, size_t *size);
struct holm_bytes holm_wire_read_unknown(const ProtobufCMessage *message, struct holm_fill *fill);

/* Checks the columns over items and says what they need; then fills the items in. */
HOLM_NODISCARD enum holm_status holm_wire_check_items(struct holm_wire_reading *reading,
                                                      const Holm__Wire__Cells *cells,
                                                      struct holm_fill_sizes *sizes);
HOLM_NODISCARD enum holm_status holm_wire_read_items(const struct holm_wire_reading *reading,
                                                     const Holm__Wire__Cells *cells,
                                                     uint64_t run_first, uint64_t run_epoch,
                                                     struct holm_fill *fill);

/*
 * Each of these reads the member of the envelope's oneof into message->as. What it leaves in the
 * message is sound after an error too: holm_decoded_free() can release it.
 */
HOLM_NODISCARD enum holm_status holm_wire_read_delta(struct holm_wire_reading *reading,
                                                     const Holm__Wire__Envelope *envelope,
                                                     struct holm_message *message);
/* One run; `writer` is whose it is when it does not say so. */
HOLM_NODISCARD enum holm_status holm_wire_read_run(struct holm_wire_reading *reading,
                                                   const Holm__Wire__Cells *cells,
                                                   const struct holm_message *message,
                                                   struct holm_actor writer,
                                                   struct holm_delta **delta);
/* Runs that share columns, of a Cells of `bytes` bytes, whose table is changed; *made counts what belongs to the caller. */
HOLM_NODISCARD enum holm_status holm_wire_read_runs(struct holm_wire_reading *reading,
                                                    Holm__Wire__Cells *all, size_t bytes,
                                                    const struct holm_message *message,
                                                    struct holm_delta **deltas, size_t *made);
HOLM_NODISCARD enum holm_status holm_wire_read_deltas(struct holm_wire_reading *reading,
                                                      const Holm__Wire__Envelope *envelope,
                                                      struct holm_message *message);
HOLM_NODISCARD enum holm_status holm_wire_read_feed(struct holm_wire_reading *reading,
                                                    const Holm__Wire__Envelope *envelope,
                                                    struct holm_message *message);
HOLM_NODISCARD enum holm_status holm_wire_read_page(struct holm_wire_reading *reading,
                                                    const Holm__Wire__Cells *cells,
                                                    struct holm_page **page);
HOLM_NODISCARD enum holm_status holm_wire_read_beacon(struct holm_wire_reading *reading,
                                                      const Holm__Wire__Envelope *envelope,
                                                      struct holm_message *message);
HOLM_NODISCARD enum holm_status holm_wire_read_hello(struct holm_wire_reading *reading,
                                                     const Holm__Wire__Envelope *envelope,
                                                     struct holm_message *message);
HOLM_NODISCARD enum holm_status holm_wire_read_talk(struct holm_wire_reading *reading,
                                                    const Holm__Wire__Envelope *envelope,
                                                    struct holm_message *message);
HOLM_NODISCARD enum holm_status holm_wire_read_sync(struct holm_wire_reading *reading,
                                                    const Holm__Wire__Envelope *envelope,
                                                    struct holm_message *message);
HOLM_NODISCARD enum holm_status holm_wire_read_member(struct holm_wire_reading *reading,
                                                      const Holm__Wire__Envelope *envelope,
                                                      struct holm_message *message);
HOLM_NODISCARD enum holm_status holm_wire_read_tunnel(struct holm_wire_reading *reading,
                                                      const Holm__Wire__Envelope *envelope,
                                                      struct holm_message *message);
HOLM_NODISCARD enum holm_status holm_wire_read_reconcile(struct holm_wire_reading *reading,
                                                         const Holm__Wire__Envelope *envelope,
                                                         struct holm_message *message);

#endif
