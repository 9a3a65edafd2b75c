/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nested.h - fields inside fields. Included by holm.h.
 *
 *     holm_put_at(node, hero, HOLM_PATH("home", "street"), holm_text("Rua Augusta"))
 *     holm_insert_at(node, hero, HOLM_PATH("friends", "close"), holm_str("hero:9"))
 *     holm_count_at(node, hero, HOLM_PATH("fights", "won"), &won)
 *     holm_read_at(node, hero, HOLM_PATH("home"), &view)           home and all that is below it
 *     holm_remove_at(node, hero, HOLM_PATH("home"))                and so is this
 *
 * Every call that takes a field has a twin that takes a path (struct holm_path in value.h), and is
 * otherwise the same, errors included:
 *
 *     holm_put(node, key, holm_str("name"), value)  ==
 *                                          holm_put_at(node, key, HOLM_PATH("name"), value)
 *
 *     1  A path needs no creation: it is there while something is written at or below it.
 *     2  Slots of a path and of paths below it do not disturb each other; only holm_remove_at(), and
 *        what removes or buries the record, takes what is below.
 *     3  A path without names is the record itself.
 *     4  Writing under a path that cannot be is HOLM_EINVAL (an empty name, or names at NULL) or
 *        HOLM_ETOOBIG (a name or the path is too long); reading there finds nothing: HOLM_ENOENT.
 */
#ifndef HOLM_NESTED_H
#define HOLM_NESTED_H

#include <holm/status.h>
#include <holm/value.h>

#ifdef __cplusplus
extern "C" {
#endif

struct holm_node;
struct holm_view;

/* ---- operations, for a batch --------------------------------------------------------------- */

static inline struct holm_op holm_op_put_at(struct holm_bytes key, struct holm_path path,
                                            struct holm_value value)
{
    struct holm_op op = holm_op_put(key, holm_mem(NULL, 0), value);
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_add_at(struct holm_bytes key, struct holm_path path,
                                            int64_t amount)
{
    struct holm_op op = holm_op_add(key, holm_mem(NULL, 0), amount);
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_reset_at(struct holm_bytes key, struct holm_path path)
{
    struct holm_op op = holm_op_reset(key, holm_mem(NULL, 0));
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_insert_at(struct holm_bytes key, struct holm_path path,
                                               struct holm_bytes element)
{
    struct holm_op op = holm_op_insert(key, holm_mem(NULL, 0), element);
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_erase_at(struct holm_bytes key, struct holm_path path,
                                              struct holm_bytes element)
{
    struct holm_op op = holm_op_erase(key, holm_mem(NULL, 0), element);
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_enable_at(struct holm_bytes key, struct holm_path path)
{
    struct holm_op op = holm_op_enable(key, holm_mem(NULL, 0));
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_disable_at(struct holm_bytes key, struct holm_path path)
{
    struct holm_op op = holm_op_disable(key, holm_mem(NULL, 0));
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_raise_at(struct holm_bytes key, struct holm_path path,
                                              struct holm_value value)
{
    struct holm_op op = holm_op_raise(key, holm_mem(NULL, 0), value);
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_lower_at(struct holm_bytes key, struct holm_path path,
                                              struct holm_value value)
{
    struct holm_op op = holm_op_lower(key, holm_mem(NULL, 0), value);
    op.parents = path;
    return op;
}

static inline struct holm_op holm_op_remove_at(struct holm_bytes key, struct holm_path path)
{
    struct holm_op op = holm_op_remove(key, holm_mem(NULL, 0));
    op.parents = path;
    return op;
}

/* ---- writing ------------------------------------------------------------------------------- */

HOLM_API HOLM_NODISCARD enum holm_status holm_put_at(struct holm_node *node, struct holm_bytes key,
                                                     struct holm_path path,
                                                     struct holm_value value);
HOLM_API HOLM_NODISCARD enum holm_status holm_add_at(struct holm_node *node, struct holm_bytes key,
                                                     struct holm_path path, int64_t amount);
HOLM_API HOLM_NODISCARD enum holm_status holm_reset_at(struct holm_node *node,
                                                       struct holm_bytes key,
                                                       struct holm_path path);
HOLM_API HOLM_NODISCARD enum holm_status holm_insert_at(struct holm_node *node,
                                                        struct holm_bytes key,
                                                        struct holm_path path,
                                                        struct holm_bytes element);
HOLM_API HOLM_NODISCARD enum holm_status holm_erase_at(struct holm_node *node,
                                                       struct holm_bytes key, struct holm_path path,
                                                       struct holm_bytes element);
HOLM_API HOLM_NODISCARD enum holm_status holm_enable_at(struct holm_node *node,
                                                        struct holm_bytes key,
                                                        struct holm_path path);
HOLM_API HOLM_NODISCARD enum holm_status holm_disable_at(struct holm_node *node,
                                                         struct holm_bytes key,
                                                         struct holm_path path);
HOLM_API HOLM_NODISCARD enum holm_status holm_raise_at(struct holm_node *node,
                                                       struct holm_bytes key, struct holm_path path,
                                                       struct holm_value value);
HOLM_API HOLM_NODISCARD enum holm_status holm_lower_at(struct holm_node *node,
                                                       struct holm_bytes key, struct holm_path path,
                                                       struct holm_value value);
/* Removes every slot at and below the path; with no names, the whole record. */
HOLM_API HOLM_NODISCARD enum holm_status holm_remove_at(struct holm_node *node,
                                                        struct holm_bytes key,
                                                        struct holm_path path);

/* ---- reading ------------------------------------------------------------------------------- */

HOLM_API HOLM_NODISCARD enum holm_status holm_get_at(struct holm_node *node, struct holm_bytes key,
                                                     struct holm_path path, void *buffer,
                                                     size_t capacity, struct holm_value *value,
                                                     size_t *size);
HOLM_API HOLM_NODISCARD enum holm_status holm_get_max_at(struct holm_node *node,
                                                         struct holm_bytes key,
                                                         struct holm_path path, void *buffer,
                                                         size_t capacity, struct holm_value *value,
                                                         size_t *size);
HOLM_API HOLM_NODISCARD enum holm_status holm_get_min_at(struct holm_node *node,
                                                         struct holm_bytes key,
                                                         struct holm_path path, void *buffer,
                                                         size_t capacity, struct holm_value *value,
                                                         size_t *size);
HOLM_API HOLM_NODISCARD enum holm_status holm_count_at(struct holm_node *node,
                                                       struct holm_bytes key, struct holm_path path,
                                                       int64_t *sum);
HOLM_API bool holm_enabled_at(struct holm_node *node, struct holm_bytes key, struct holm_path path);
HOLM_API bool holm_contains_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                               struct holm_bytes element);

/* The part of a record at and below a path; entries show whole paths. As holm_read(). */
HOLM_API HOLM_NODISCARD enum holm_status holm_read_at(struct holm_node *node, struct holm_bytes key,
                                                      struct holm_path path,
                                                      struct holm_view **view);
/* Only the path's own slots, without what is below. */
HOLM_API HOLM_NODISCARD enum holm_status holm_read_field_at(struct holm_node *node,
                                                            struct holm_bytes key,
                                                            struct holm_path path,
                                                            struct holm_view **view);
HOLM_API HOLM_NODISCARD enum holm_status holm_siblings_at(struct holm_node *node,
                                                          struct holm_bytes key,
                                                          struct holm_path path,
                                                          struct holm_view **view);
HOLM_API HOLM_NODISCARD enum holm_status holm_elements_at(struct holm_node *node,
                                                          struct holm_bytes key,
                                                          struct holm_path path,
                                                          const struct holm_bytes *after,
                                                          size_t limit, struct holm_view **view);

#ifdef __cplusplus
}
#endif

#endif
