/* SPDX-License-Identifier: Apache-2.0 */
#include "crdt/partition.h"
#include "node/node.h"

/* What the core takes for granted: that bytes which are said to be there can be read. Sizes, types
 * and tombstones are its own to judge. */
static bool is_readable(struct holm_bytes bytes)
{
    return bytes.size == 0 || bytes.data != NULL;
}

static bool is_place_readable(const struct holm_op *op)
{
    if (!is_readable(op->key) || !is_readable(op->field))
        return false;
    if (op->parents.count > 0 && op->parents.names == NULL)
        return false;
    for (size_t i = 0; i < op->parents.count; i++)
        if (!is_readable(op->parents.names[i]))
            return false;
    return true;
}

static bool is_operand_readable(const struct holm_op *op)
{
    const struct holm_value *value = &op->as.value;

    switch (op->type) {
    case HOLM_OP_INSERT:
    case HOLM_OP_ERASE:
        return is_readable(op->as.element);
    case HOLM_OP_PUT:
    case HOLM_OP_RAISE:
    case HOLM_OP_LOWER:
        return (value->type != HOLM_BYTES && value->type != HOLM_TEXT) ||
               is_readable(value->as.bytes);
    case HOLM_OP_ADD:
    case HOLM_OP_RESET:
    case HOLM_OP_ENABLE:
    case HOLM_OP_DISABLE:
    case HOLM_OP_REMOVE:
    case HOLM_OP_BURY:
        return true;
    }
    return false;
}

/* The one partition of all keys. */
static enum holm_status find_partition(uint32_t partitions, const struct holm_op *ops, size_t count,
                                       uint32_t *partition)
{
    for (size_t i = 0; i < count; i++) {
        if (!is_place_readable(&ops[i]) || !is_operand_readable(&ops[i]))
            return HOLM_EINVAL;

        uint32_t here = holm_partition_of(ops[i].key, partitions);

        if (i > 0 && here != *partition)
            return HOLM_EPARTITION;
        *partition = here;
    }
    return HOLM_OK;
}

enum holm_status holm_commit(struct holm_node *node, const struct holm_op *ops, size_t count,
                             struct holm_receipt *receipt)
{
    enum holm_status status = holm_node_check(node);
    uint32_t partition = 0;

    if (status != HOLM_OK)
        return status;
    if (count == 0) {
        if (receipt != NULL)
            memset(receipt, 0, sizeof *receipt);
        return HOLM_OK;
    }
    status = find_partition(holm_engine_partitions(node->engine), ops, count, &partition);
    if (status != HOLM_OK)
        return status;
    return holm_engine_commit(node->engine, partition, ops, count, holm_node_now(node), receipt);
}

static enum holm_status commit_one(struct holm_node *node, struct holm_op op)
{
    return holm_commit(node, &op, 1, NULL);
}

enum holm_status holm_put(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                          struct holm_value value)
{
    return commit_one(node, holm_op_put(key, field, value));
}

enum holm_status holm_add(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                          int64_t amount)
{
    return commit_one(node, holm_op_add(key, field, amount));
}

enum holm_status holm_reset(struct holm_node *node, struct holm_bytes key, struct holm_bytes field)
{
    return commit_one(node, holm_op_reset(key, field));
}

enum holm_status holm_insert(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                             struct holm_bytes element)
{
    return commit_one(node, holm_op_insert(key, field, element));
}

enum holm_status holm_erase(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                            struct holm_bytes element)
{
    return commit_one(node, holm_op_erase(key, field, element));
}

enum holm_status holm_enable(struct holm_node *node, struct holm_bytes key, struct holm_bytes field)
{
    return commit_one(node, holm_op_enable(key, field));
}

enum holm_status holm_disable(struct holm_node *node, struct holm_bytes key,
                              struct holm_bytes field)
{
    return commit_one(node, holm_op_disable(key, field));
}

enum holm_status holm_raise(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                            struct holm_value value)
{
    return commit_one(node, holm_op_raise(key, field, value));
}

enum holm_status holm_lower(struct holm_node *node, struct holm_bytes key, struct holm_bytes field,
                            struct holm_value value)
{
    return commit_one(node, holm_op_lower(key, field, value));
}

enum holm_status holm_remove(struct holm_node *node, struct holm_bytes key, struct holm_bytes field)
{
    return commit_one(node, holm_op_remove(key, field));
}

enum holm_status holm_bury(struct holm_node *node, struct holm_bytes key)
{
    return commit_one(node, holm_op_bury(key));
}

enum holm_status holm_put_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                             struct holm_value value)
{
    return commit_one(node, holm_op_put_at(key, path, value));
}

enum holm_status holm_add_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                             int64_t amount)
{
    return commit_one(node, holm_op_add_at(key, path, amount));
}

enum holm_status holm_reset_at(struct holm_node *node, struct holm_bytes key, struct holm_path path)
{
    return commit_one(node, holm_op_reset_at(key, path));
}

enum holm_status holm_insert_at(struct holm_node *node, struct holm_bytes key,
                                struct holm_path path, struct holm_bytes element)
{
    return commit_one(node, holm_op_insert_at(key, path, element));
}

enum holm_status holm_erase_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                               struct holm_bytes element)
{
    return commit_one(node, holm_op_erase_at(key, path, element));
}

enum holm_status holm_enable_at(struct holm_node *node, struct holm_bytes key,
                                struct holm_path path)
{
    return commit_one(node, holm_op_enable_at(key, path));
}

enum holm_status holm_disable_at(struct holm_node *node, struct holm_bytes key,
                                 struct holm_path path)
{
    return commit_one(node, holm_op_disable_at(key, path));
}

enum holm_status holm_raise_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                               struct holm_value value)
{
    return commit_one(node, holm_op_raise_at(key, path, value));
}

enum holm_status holm_lower_at(struct holm_node *node, struct holm_bytes key, struct holm_path path,
                               struct holm_value value)
{
    return commit_one(node, holm_op_lower_at(key, path, value));
}

enum holm_status holm_remove_at(struct holm_node *node, struct holm_bytes key,
                                struct holm_path path)
{
    return commit_one(node, holm_op_remove_at(key, path));
}
