/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

static void append(ProtobufCBinaryData *field, struct holm_bytes bytes)
{
    if (bytes.size > 0)
        memcpy(field->data + field->len, bytes.data, bytes.size);
    field->len += bytes.size;
}

static void write_member(Holm__Wire__Hello *hello, const struct holm_member *member)
{
    HOLM_ASSERT(member->name.size <= UINT32_MAX && member->address.size <= UINT32_MAX);
    hello->nodes[hello->n_nodes++] = member->actor.node.value;
    hello->epochs[hello->n_epochs++] = member->actor.epoch.value;
    hello->name_sizes[hello->n_name_sizes++] = (uint32_t)member->name.size;
    hello->address_sizes[hello->n_address_sizes++] = (uint32_t)member->address.size;
    hello->left[hello->n_left++] = member->left;
    append(&hello->names, member->name);
    append(&hello->addresses, member->address);
}

static enum holm_status write_members(struct holm_arena *arena, const struct holm_hello *source,
                                      Holm__Wire__Hello *hello)
{
    size_t count = source->member_count + 1;
    size_t name_bytes = source->self.name.size;
    size_t address_bytes = source->self.address.size;
    for (size_t i = 0; i < source->member_count; i++) {
        name_bytes += source->members[i].name.size;
        address_bytes += source->members[i].address.size;
    }
    enum holm_status status = holm_wire_array(arena, count, sizeof *hello->nodes, &hello->nodes);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *hello->epochs, &hello->epochs);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *hello->name_sizes, &hello->name_sizes);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *hello->address_sizes, &hello->address_sizes);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, count, sizeof *hello->left, &hello->left);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, name_bytes, 1, &hello->names.data);
    if (status == HOLM_OK)
        status = holm_wire_array(arena, address_bytes, 1, &hello->addresses.data);
    if (status != HOLM_OK)
        return status;
    write_member(hello, &source->self);
    for (size_t i = 0; i < source->member_count; i++)
        write_member(hello, &source->members[i]);
    hello->n_name_sizes = holm_column_fold32(hello->name_sizes, count);
    hello->n_address_sizes = holm_column_fold32(hello->address_sizes, count);
    hello->n_left = holm_column_fold32(hello->left, count);
    return HOLM_OK;
}

enum holm_status holm_wire_write_hello(struct holm_arena *arena, const struct holm_message *message,
                                       Holm__Wire__Envelope *envelope)
{
    const struct holm_hello *source = &message->as.hello;
    HOLM_ASSERT(source->answer || (source->heard.node.value | source->heard.epoch.value) == 0);
    Holm__Wire__Hello *hello = NULL;
    enum holm_status status = holm_wire_array(arena, 1, sizeof *hello, &hello);
    if (status != HOLM_OK)
        return status;
    holm__wire__hello__init(hello);
    hello->version = source->version;
    hello->features = source->features;
    hello->partitions = source->partitions;
    hello->nonce = source->nonce;
    hello->answer = source->answer;
    hello->heard_node = source->heard.node.value;
    hello->heard_epoch = source->heard.epoch.value;
    status = holm_wire_bytes(arena, source->cluster, &hello->cluster);
    if (status == HOLM_OK)
        status = holm_wire_bytes(arena, source->publisher, &hello->publisher);
    if (status == HOLM_OK)
        status = write_members(arena, source, hello);
    envelope->hello = hello;
    return status;
}

static bool sizes_fit(const uint32_t *sizes, size_t entries, size_t count, size_t bytes)
{
    return holm_column_fits(entries, count) && holm_column_sum(sizes, entries, count) == bytes;
}

static enum holm_status check_hello(const struct holm_codec_limits *limits,
                                    const Holm__Wire__Hello *hello)
{
    size_t count = hello->n_nodes;
    if (count == 0 || count != hello->n_epochs || count > UINT32_MAX)
        return HOLM_EMALFORMED;
    if (count - 1 > limits->members_max || hello->cluster.len > limits->cluster_bytes_max ||
        hello->publisher.len > limits->address_bytes_max)
        return HOLM_ETOOBIG;
    if (!sizes_fit(hello->name_sizes, hello->n_name_sizes, count, hello->names.len) ||
        !sizes_fit(hello->address_sizes, hello->n_address_sizes, count, hello->addresses.len))
        return HOLM_EMALFORMED;
    if (!holm_column_fits(hello->n_left, count))
        return HOLM_EMALFORMED;
    if (!hello->answer && (hello->heard_node | hello->heard_epoch) != 0)
        return HOLM_EMALFORMED;
    if (hello->version == 0 || hello->partitions == 0 || hello->cluster.len == 0)
        return HOLM_EMALFORMED;
    for (size_t i = 0; i < hello->n_name_sizes; i++) {
        if (hello->name_sizes[i] > limits->name_bytes_max)
            return HOLM_ETOOBIG;
    }
    for (size_t i = 0; i < hello->n_address_sizes; i++) {
        if (hello->address_sizes[i] > limits->address_bytes_max)
            return HOLM_ETOOBIG;
    }
    return HOLM_OK;
}

static struct holm_bytes cut(ProtobufCBinaryData field, size_t *at, uint32_t size)
{
    HOLM_ASSERT(size <= field.len - *at);
    struct holm_bytes slice = {size == 0 ? NULL : field.data + *at, size};
    *at += size;
    return slice;
}

static void read_members(const Holm__Wire__Hello *hello, struct holm_member *members)
{
    size_t name_at = 0;
    size_t address_at = 0;
    for (size_t i = 0; i < hello->n_nodes; i++) {
        members[i].actor.node.value = hello->nodes[i];
        members[i].actor.epoch.value = hello->epochs[i];
        members[i].name = cut(hello->names, &name_at,
                              holm_column_at32(hello->name_sizes, hello->n_name_sizes, i));
        members[i].address = cut(hello->addresses, &address_at,
                                 holm_column_at32(hello->address_sizes, hello->n_address_sizes, i));
        members[i].left = holm_column_at32(hello->left, hello->n_left, i) != 0;
    }
}

enum holm_status holm_wire_read_hello(struct holm_wire_reading *reading,
                                      const Holm__Wire__Envelope *envelope,
                                      struct holm_message *message)
{
    const Holm__Wire__Hello *read = envelope->hello;
    struct holm_member *members = NULL;
    enum holm_status status = check_hello(&reading->left, read);
    if (status == HOLM_OK)
        status = holm_wire_take(reading, read->n_nodes, sizeof *members, &members);
    if (status != HOLM_OK)
        return status;
    read_members(read, members);
    struct holm_hello *hello = &message->as.hello;
    hello->cluster = holm_wire_slice(read->cluster);
    hello->version = read->version;
    hello->features = read->features;
    hello->partitions = read->partitions;
    hello->self = members[0];
    hello->publisher = holm_wire_slice(read->publisher);
    hello->nonce = read->nonce;
    hello->answer = read->answer;
    hello->heard.node.value = read->heard_node;
    hello->heard.epoch.value = read->heard_epoch;
    hello->members = members + 1;
    hello->member_count = read->n_nodes - 1;
    return HOLM_OK;
}
