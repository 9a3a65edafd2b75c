/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base.h - what every file of the core stands on: the allocator and the assertion.
 *
 * The core never calls malloc: memory comes from the struct below, given at init. Assertions state
 * what only a bug can break, and stay on in production. Bytes from outside are never asserted.
 */
#ifndef HOLM_CRDT_BASE_H
#define HOLM_CRDT_BASE_H

#include <holm/status.h>
#include <holm/value.h>

/*
 * Where memory comes from. `resize` works as realloc, with the old size told: (NULL, 0, n)
 * allocates, (p, n, 0) frees and returns NULL, and a refusal returns NULL and leaves p as it was.
 * Memory is aligned as malloc's. `context` is handed through.
 */
struct holm_allocator {
    void *(*resize)(void *context, void *memory, size_t size_old, size_t size_new);
    void *context;
};

/* Allocates `size` > 0 bytes, or returns NULL. Not cleared. */
void *holm_allocate(const struct holm_allocator *allocator, size_t size);

/* Frees what was allocated with exactly this size. NULL is allowed. */
void holm_deallocate(const struct holm_allocator *allocator, void *memory, size_t size);

/*
 * Grows an array to room for at least `wanted` elements, doubling. *array and *capacity change
 * together, on success only. HOLM_ENOMEM.
 */
HOLM_NODISCARD enum holm_status holm_array_grow(const struct holm_allocator *allocator,
                                                void **array, size_t *capacity,
                                                size_t element_bytes, size_t wanted);
HOLM_NODISCARD static inline enum holm_status holm_array_reserve(
    const struct holm_allocator *allocator, void **array, size_t *capacity, size_t element_bytes,
    size_t wanted)
{
    return wanted <= *capacity ? HOLM_OK
                               : holm_array_grow(allocator, array, capacity, element_bytes, wanted);
}

/* Frees an array of more than `kept` elements, whose content is no longer needed: what one large
 * change took must not stay for ever. */
static inline void holm_array_trim(const struct holm_allocator *allocator, void **array,
                                   size_t *capacity, size_t element_bytes, size_t kept)
{
    if (*capacity <= kept)
        return;
    holm_deallocate(allocator, *array, *capacity * element_bytes);
    *array = NULL;
    *capacity = 0;
}

/* Frees what holm_array_reserve() grew. */
void holm_array_free(const struct holm_allocator *allocator, void *array, size_t capacity,
                     size_t element_bytes);

/* How a host has failed assertions told: set once, before anything else. It may not return control
 * into the core; when it returns, or is NULL, the program aborts. */
typedef void holm_assert_handler(const char *expression, const char *file, int line);
extern holm_assert_handler *holm_assert_hook;

/* A bug was found: calls the hook and ends the program. */
_Noreturn void holm_assert_failed(const char *expression, const char *file, int line);

#define HOLM_ASSERT(expression)                                                                    \
    ((expression) ? (void)0 : holm_assert_failed(#expression, __FILE__, __LINE__))

/*
 * Time, as the host passes it in. Monotonic time orders timers and never jumps; wall time feeds
 * the hybrid clock and may do anything.
 */
struct holm_now {
    uint64_t monotonic_us;
    uint64_t wall_ms; /* since 1970 */
};

/* Never: a wake-up time that does not come. */
#define HOLM_NEVER UINT64_MAX

static inline bool holm_bytes_equal(struct holm_bytes a, struct holm_bytes b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

/* Negative, zero, positive, as memcmp; a proper prefix comes first. */
static inline int holm_bytes_compare(struct holm_bytes a, struct holm_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}

static inline int holm_actor_compare(struct holm_actor a, struct holm_actor b)
{
    if (a.node.value != b.node.value)
        return a.node.value < b.node.value ? -1 : 1;
    return (a.epoch.value > b.epoch.value) - (a.epoch.value < b.epoch.value);
}

static inline bool holm_actor_equal(struct holm_actor a, struct holm_actor b)
{
    return a.node.value == b.node.value && a.epoch.value == b.epoch.value;
}

#endif
