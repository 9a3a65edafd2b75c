/* SPDX-License-Identifier: Apache-2.0 */
/*
 * messages.h - messages for tests of the codec: fixed ones, random ones, and their comparison.
 */
#ifndef HOLM_TESTS_UNIT_MESSAGES_H
#define HOLM_TESTS_UNIT_MESSAGES_H

#include "crdt/arena.h"
#include "crdt/message.h"

/* A message and what it borrows from. */
struct sample {
    struct holm_message message;
    struct holm_arena arena;
};

/* The fixed ones: at least one of each type, together with every operation, kind and value. */
struct sample_name {
    const char *name;
    void (*make)(struct sample *sample);
};
extern const struct sample_name sample_names[];
extern const size_t sample_name_count;

/* Memory that runs out ends the test: the allocator is for the sample, not under test. */
void sample_init(struct sample *sample, const struct holm_allocator *allocator);
void sample_release(struct sample *sample);

/* A random, valid message of a type, the same for the same seed. */
void sample_random(struct sample *sample, enum holm_message_type type, uint64_t seed);

/* What a delta or page is made from; everything is copied. */
struct sample_items {
    const struct holm_actor *actors;
    size_t actor_count;
    const struct holm_item *items;
    size_t item_count;
    const struct holm_seen *seen;
    size_t seen_count;
};

/* A delta of actors[0], of partition 3. Views and bytes may be empty. */
struct holm_delta *sample_delta(const struct holm_allocator *allocator, uint64_t first,
                                uint64_t last, const struct sample_items *items,
                                struct holm_vector_view deps, struct holm_vector_view collected,
                                struct holm_bytes unknown);
struct holm_page *sample_page(const struct holm_allocator *allocator,
                              const struct sample_items *items);

/* NULL when both say the same, otherwise what they differ in. */
const char *messages_differ(const struct holm_message *a, const struct holm_message *b);

#endif
