/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/order.h"
#include "crdt/partition.h"
#include "node/node.h"
#include "node/view.h"

/* A partition that is locked for reading. `replica` is NULL in a forked child: nothing is locked
 * then, since whoever held the lock does not exist there. */
struct reading {
    struct holm_engine *engine;
    uint32_t partition;
    const struct holm_replica *replica;
};

static enum holm_status begin(struct reading *reading, struct holm_node *node,
                              struct holm_bytes key)
{
    enum holm_status status = holm_node_check(node);

    reading->replica = NULL;
    if (status != HOLM_OK)
        return status;
    if (key.size > 0 && key.data == NULL)
        return HOLM_EINVAL;
    reading->engine = node->engine;
    reading->partition = holm_partition_of(key, holm_engine_partitions(node->engine));
    reading->replica = holm_engine_lock(node->engine, reading->partition);
    return HOLM_OK;
}

static void end(const struct reading *reading)
{
    holm_engine_unlock(reading->engine, reading->partition);
}

static enum holm_status copy_value(const struct holm_value *found, void *buffer, size_t capacity,
                                   struct holm_value *value, size_t *size)
{
    size_t needed = holm_type_has_bytes(found->type) ? found->as.bytes.size : 0;

    if (size != NULL)
        *size = needed;
    if (needed > capacity)
        return HOLM_ESPACE;
    *value = *found;
    if (holm_type_has_bytes(found->type))
        value->as.bytes = holm_mem(buffer, needed);
    if (needed > 0)
        memcpy(buffer, found->as.bytes.data, needed);
    return HOLM_OK;
}

static struct holm_path path_of(const struct holm_bytes *field)
{
    return holm_path_of(field, field->size > 0);
}

static enum holm_status get(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                            enum holm_kind kind, void *buffer, size_t capacity,
                            struct holm_value *value, size_t *size)
{
    struct reading reading;
    struct holm_cell_view winner;
    enum holm_status status = begin(&reading, node, key);

    if (size != NULL)
        *size = 0;
    if (status != HOLM_OK)
        return status;
    status = holm_replica_get_at(reading.replica, key, path, kind, &winner);
    if (status == HOLM_OK)
        status = copy_value(&winner.value, buffer, capacity, value, size);
    end(&reading);
    return status;
}

enum holm_status holm_get_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                             void *buffer, size_t capacity, struct holm_value *value, size_t *size)
{
    return get(node, key, path, HOLM_REGISTER, buffer, capacity, value, size);
}

enum holm_status holm_get(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                          void *buffer, size_t capacity, struct holm_value *value, size_t *size)
{
    return get(node, key, path_of(&field), HOLM_REGISTER, buffer, capacity, value, size);
}

enum holm_status holm_get_max_at(struct holm_node *node, struct holm_bytes key,
                                 struct holm_path path, void *buffer, size_t capacity,
                                 struct holm_value *value, size_t *size)
{
    return get(node, key, path, HOLM_MAX, buffer, capacity, value, size);
}

enum holm_status holm_get_max(struct holm_node *node, struct holm_bytes key,
                              struct holm_bytes field, void *buffer, size_t capacity,
                              struct holm_value *value, size_t *size)
{
    return get(node, key, path_of(&field), HOLM_MAX, buffer, capacity, value, size);
}

enum holm_status holm_get_min_at(struct holm_node *node, struct holm_bytes key,
                                 struct holm_path path, void *buffer, size_t capacity,
                                 struct holm_value *value, size_t *size)
{
    return get(node, key, path, HOLM_MIN, buffer, capacity, value, size);
}

enum holm_status holm_get_min(struct holm_node *node, struct holm_bytes key,
                              struct holm_bytes field, void *buffer, size_t capacity,
                              struct holm_value *value, size_t *size)
{
    return get(node, key, path_of(&field), HOLM_MIN, buffer, capacity, value, size);
}

enum holm_status holm_count_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                               int64_t *sum)
{
    struct reading reading;
    enum holm_status status = begin(&reading, node, key);

    *sum = 0;
    if (status != HOLM_OK)
        return status;
    status = holm_replica_count_at(reading.replica, key, path, sum);
    end(&reading);
    return status;
}

enum holm_status holm_count(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                            int64_t *sum)
{
    return holm_count_at(node, key, path_of(&field), sum);
}

bool holm_enabled_at(struct holm_node *node, struct holm_bytes key, struct holm_path path)
{
    struct reading reading;

    if (begin(&reading, node, key) != HOLM_OK)
        return false;

    bool answer = holm_replica_enabled_at(reading.replica, key, path);

    end(&reading);
    return answer;
}

bool holm_enabled(struct holm_node *node, struct holm_bytes key, struct holm_bytes field)
{
    return holm_enabled_at(node, key, path_of(&field));
}

bool holm_contains_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                      struct holm_bytes element)
{
    struct reading reading;

    if (begin(&reading, node, key) != HOLM_OK)
        return false;

    bool answer = holm_replica_contains_at(reading.replica, key, path, element);

    end(&reading);
    return answer;
}

bool holm_contains(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                   struct holm_bytes element)
{
    return holm_contains_at(node, key, path_of(&field), element);
}

bool holm_exists(struct holm_node *node, struct holm_bytes key)
{
    struct reading reading;

    if (begin(&reading, node, key) != HOLM_OK)
        return false;

    bool answer = holm_replica_exists(reading.replica, key);

    end(&reading);
    return answer;
}

bool holm_buried(struct holm_node *node, struct holm_bytes key)
{
    struct reading reading;

    if (begin(&reading, node, key) != HOLM_OK)
        return false;

    bool answer = holm_replica_buried(reading.replica, key);

    end(&reading);
    return answer;
}

static enum holm_status read_view(struct holm_node *node, struct holm_bytes key,
                                  struct holm_view_choice choice, struct holm_view **view)
{
    struct reading reading;
    enum holm_status status = begin(&reading, node, key);

    *view = NULL;
    if (status != HOLM_OK)
        return status;
    status = holm_view_copy(reading.replica, key, choice, view);
    end(&reading);
    return status;
}

enum holm_status holm_read(struct holm_node *node, struct holm_bytes key, struct holm_view **view)
{
    struct holm_view_choice everything = {0};

    return read_view(node, key, everything, view);
}

enum holm_status holm_read_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                              struct holm_view **view)
{
    struct holm_view_choice choice = {.path = path};

    return read_view(node, key, choice, view);
}

enum holm_status holm_read_field_at(struct holm_node *node, struct holm_bytes key,
                                    struct holm_path path, struct holm_view **view)
{
    struct holm_view_choice choice = {.path = path, .own = true};

    return read_view(node, key, choice, view);
}

enum holm_status holm_read_field(struct holm_node *node, struct holm_bytes key,
                                 struct holm_bytes field, struct holm_view **view)
{
    return holm_read_field_at(node, key, path_of(&field), view);
}

enum holm_status holm_siblings_at(struct holm_node *node, struct holm_bytes key,
                                  struct holm_path path, struct holm_view **view)
{
    struct holm_view_choice choice = {.path = path, .own = true, .kind = HOLM_REGISTER};

    return read_view(node, key, choice, view);
}

enum holm_status holm_siblings(struct holm_node *node, struct holm_bytes key,
                               struct holm_bytes field, struct holm_view **view)
{
    return holm_siblings_at(node, key, path_of(&field), view);
}

enum holm_status holm_elements_at(struct holm_node *node, struct holm_bytes key,
                                  struct holm_path path, const struct holm_bytes *after,
                                  size_t limit, struct holm_view **view)
{
    struct holm_view_choice choice = {.path = path, .limit = limit, .after = after};

    *view = NULL;
    if (limit == 0 || (after != NULL && after->size > 0 && after->data == NULL))
        return HOLM_EINVAL;
    return read_view(node, key, choice, view);
}

enum holm_status holm_elements(struct holm_node *node, struct holm_bytes key,
                               struct holm_bytes field, const struct holm_bytes *after,
                               size_t limit, struct holm_view **view)
{
    return holm_elements_at(node, key, path_of(&field), after, limit, view);
}

uint32_t holm_partition(struct holm_node *node, struct holm_bytes key)
{
    if (holm_node_check(node) != HOLM_OK || (key.size > 0 && key.data == NULL))
        return 0;
    return holm_partition_of(key, holm_engine_partitions(node->engine));
}

uint32_t holm_partition_count(struct holm_node *node)
{
    return holm_node_check(node) == HOLM_OK ? holm_engine_partitions(node->engine) : 0;
}

size_t holm_vector(struct holm_node *node, uint32_t partition, struct holm_dot *entries,
                   size_t capacity)
{
    if (holm_node_check(node) != HOLM_OK || partition >= holm_engine_partitions(node->engine))
        return 0;

    /* Without room for the run the vector is only as of the last seal, which is true as well. */
    enum holm_status sealed = holm_engine_flush(node->engine, partition, holm_node_now(node));
    const struct holm_replica *replica = holm_engine_lock(node->engine, partition);
    size_t count = holm_replica_vector(replica, entries, capacity);

    (void)sealed;
    holm_engine_unlock(node->engine, partition);
    return count;
}
