/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value.h - bytes, typed values, kinds of slots, and the names of operations.
 *
 * A record is found by its key and consists of slots. A slot is (key, field, kind, element):
 *
 *     hero:7  name       register  "Ada"
 *             health     counter   93
 *             friends    set       "hero:9", "hero:12"
 *             patrolling flag      on
 *             updated    max       1763712000
 *
 * The kind is part of the slot: one field used as a counter here and as a set there is two slots,
 * never an error. An empty field is the record itself: a key can be a bare counter.
 *
 * Fields lie inside fields: a path is the list of their names, the outermost first.
 *
 *     home / address / street   register  "Rua Augusta"      HOLM_PATH("home", "address", "street")
 */
#ifndef HOLM_VALUE_H
#define HOLM_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A run of bytes that somebody else owns. `data` may be NULL only when `size` is 0. */
struct holm_bytes {
    const void *data;
    size_t size;
};

/* The bytes of a C string, without its NUL. NULL gives no bytes. The string stays its owner's. */
static inline struct holm_bytes holm_str(const char *text)
{
    struct holm_bytes bytes = {text, text == NULL ? 0 : strlen(text)};
    return bytes;
}

static inline struct holm_bytes holm_mem(const void *data, size_t size)
{
    struct holm_bytes bytes = {data, size};
    return bytes;
}

/*
 * Where in a record a slot is: the names of the fields that it lies in, the outermost first. No
 * names at all: the record itself. A path is at or below another when it begins with its names.
 * No name is empty, none is longer than HOLM_FIELD_BYTES_MAX, and together, each counted with one
 * byte more, they are at most HOLM_PATH_BYTES_MAX. The names are borrowed, as all bytes are.
 */
struct holm_path {
    const struct holm_bytes *names; /* may be NULL only when `count` is 0 */
    size_t count;
};

static inline struct holm_path holm_path_of(const struct holm_bytes *names, size_t count)
{
    struct holm_path path = {names, count};
    return path;
}

/*
 * The path of 1 to 8 names that are C strings: HOLM_PATH("home", "address"). It lives to the end of
 * the block it is written in. For names of other bytes, for more of them, and in C++ (which has no
 * such temporaries) keep them in an array, and take holm_path_of(names, count).
 */
#ifndef __cplusplus
#define HOLM_PATH(...)                                                                             \
    holm_path_of((const struct holm_bytes[]){HOLM_PATH_PICK(                                       \
                     __VA_ARGS__, HOLM_PATH_8, HOLM_PATH_7, HOLM_PATH_6, HOLM_PATH_5, HOLM_PATH_4, \
                     HOLM_PATH_3, HOLM_PATH_2, HOLM_PATH_1, 0)(__VA_ARGS__)},                      \
                 HOLM_PATH_PICK(__VA_ARGS__, 8, 7, 6, 5, 4, 3, 2, 1, 0))
#define HOLM_PATH_PICK(n1, n2, n3, n4, n5, n6, n7, n8, pick, ...) pick
#define HOLM_PATH_1(name) holm_str(name)
#define HOLM_PATH_2(name, ...) holm_str(name), HOLM_PATH_1(__VA_ARGS__)
#define HOLM_PATH_3(name, ...) holm_str(name), HOLM_PATH_2(__VA_ARGS__)
#define HOLM_PATH_4(name, ...) holm_str(name), HOLM_PATH_3(__VA_ARGS__)
#define HOLM_PATH_5(name, ...) holm_str(name), HOLM_PATH_4(__VA_ARGS__)
#define HOLM_PATH_6(name, ...) holm_str(name), HOLM_PATH_5(__VA_ARGS__)
#define HOLM_PATH_7(name, ...) holm_str(name), HOLM_PATH_6(__VA_ARGS__)
#define HOLM_PATH_8(name, ...) holm_str(name), HOLM_PATH_7(__VA_ARGS__)
#endif

/* What concurrent writes to a slot come to; docs/SEMANTICS.md has the whole table. */
enum holm_kind {
    HOLM_REGISTER = 1, /* the last writer is read, all siblings are kept until the next write */
    HOLM_COUNTER = 2,  /* an exact sum of every replica's increments since the last reset */
    HOLM_SET = 3,      /* elements; an insertion wins over a concurrent erasure */
    HOLM_FLAG = 4,     /* enabling wins over a concurrent disabling */
    HOLM_MAX = 5,      /* the largest value written */
    HOLM_MIN = 6       /* the smallest value written */
};

enum holm_type {
    HOLM_NONE = 0, /* no value: what a cell of a set or a flag holds */
    HOLM_BYTES = 1,
    HOLM_TEXT = 2, /* bytes that are meant as UTF-8; not checked */
    HOLM_I64 = 3,
    HOLM_DOUBLE = 4, /* ordered by its bits as IEEE 754 totalOrder does; NaN is a value */
    HOLM_BOOL = 5
};

struct holm_value {
    enum holm_type type;
    union {
        struct holm_bytes bytes; /* HOLM_BYTES, HOLM_TEXT */
        int64_t i64;
        double f64;
        bool boolean;
    } as;
};

/* A value that holds nothing; members are set afterwards, so that C++ understands it, too. */
static inline struct holm_value holm_value_of(enum holm_type type)
{
    struct holm_value value;
    memset(&value, 0, sizeof value);
    value.type = type;
    return value;
}

static inline struct holm_value holm_bytes_value(const void *data, size_t size)
{
    struct holm_value value = holm_value_of(HOLM_BYTES);
    value.as.bytes = holm_mem(data, size);
    return value;
}

/* The text of a C string, which stays its owner's. */
static inline struct holm_value holm_text(const char *text)
{
    struct holm_value value = holm_value_of(HOLM_TEXT);
    value.as.bytes = holm_str(text);
    return value;
}

static inline struct holm_value holm_i64(int64_t number)
{
    struct holm_value value = holm_value_of(HOLM_I64);
    value.as.i64 = number;
    return value;
}

static inline struct holm_value holm_double(double number)
{
    struct holm_value value = holm_value_of(HOLM_DOUBLE);
    value.as.f64 = number;
    return value;
}

static inline struct holm_value holm_bool(bool truth)
{
    struct holm_value value = holm_value_of(HOLM_BOOL);
    value.as.boolean = truth;
    return value;
}

/* The names of identity. One-field structs, so that one kind of id cannot stand for another. */
struct holm_node_id {
    uint64_t value;
};

/* One life of a node: HLC milliseconds << 16 | 16 random bits. Every start is a new epoch. */
struct holm_epoch {
    uint64_t value;
};

/* What writes: one life of one node. Never reused, so no dot is ever minted twice. */
struct holm_actor {
    struct holm_node_id node;
    struct holm_epoch epoch;
};

/* The name of one operation, unique in its partition: seq = 1, 2, 3 … per actor. */
struct holm_dot {
    struct holm_actor actor;
    uint64_t seq;
};

enum holm_op_type {
    HOLM_OP_PUT = 1,     /* register := value */
    HOLM_OP_ADD = 2,     /* counter += amount */
    HOLM_OP_RESET = 3,   /* counter: cancel exactly the increments that are seen here */
    HOLM_OP_INSERT = 4,  /* set: insert element */
    HOLM_OP_ERASE = 5,   /* set: erase element, as far as seen here */
    HOLM_OP_ENABLE = 6,  /* flag := on */
    HOLM_OP_DISABLE = 7, /* flag := off, as far as seen here */
    HOLM_OP_RAISE = 8,   /* max := the larger of value and what is seen here */
    HOLM_OP_LOWER = 9,   /* min := the smaller of value and what is seen here */
    HOLM_OP_REMOVE = 10, /* remove what is seen here at and below a field; the record if empty */
    HOLM_OP_BURY = 11    /* put a tombstone on the key: it is dead for good */
};

/* One operation. Bytes are borrowed for the call it is given to. Unused members are zero. */
struct holm_op {
    enum holm_op_type type;
    struct holm_bytes key;   /* 1 to 1,024 bytes of any value */
    struct holm_bytes field; /* 0 to 255 bytes of any value; empty: what `parents` say */
    union {
        struct holm_value value;   /* PUT, RAISE, LOWER */
        struct holm_bytes element; /* INSERT, ERASE */
        int64_t amount;            /* ADD */
    } as;
    struct holm_path parents; /* the fields that `field` lies in; usually none */
};

/* Operations, made for a batch; everything they point to is borrowed. */
static inline struct holm_op holm_op_of(enum holm_op_type type, struct holm_bytes key,
                                        struct holm_bytes field)
{
    struct holm_op op;
    memset(&op, 0, sizeof op);
    op.type = type;
    op.key = key;
    op.field = field;
    return op;
}

static inline struct holm_op holm_op_put(struct holm_bytes key, struct holm_bytes field,
                                         struct holm_value value)
{
    struct holm_op op = holm_op_of(HOLM_OP_PUT, key, field);
    op.as.value = value;
    return op;
}

static inline struct holm_op holm_op_add(struct holm_bytes key, struct holm_bytes field,
                                         int64_t amount)
{
    struct holm_op op = holm_op_of(HOLM_OP_ADD, key, field);
    op.as.amount = amount;
    return op;
}

static inline struct holm_op holm_op_reset(struct holm_bytes key, struct holm_bytes field)
{
    return holm_op_of(HOLM_OP_RESET, key, field);
}

static inline struct holm_op holm_op_insert(struct holm_bytes key, struct holm_bytes field,
                                            struct holm_bytes element)
{
    struct holm_op op = holm_op_of(HOLM_OP_INSERT, key, field);
    op.as.element = element;
    return op;
}

static inline struct holm_op holm_op_erase(struct holm_bytes key, struct holm_bytes field,
                                           struct holm_bytes element)
{
    struct holm_op op = holm_op_of(HOLM_OP_ERASE, key, field);
    op.as.element = element;
    return op;
}

static inline struct holm_op holm_op_enable(struct holm_bytes key, struct holm_bytes field)
{
    return holm_op_of(HOLM_OP_ENABLE, key, field);
}

static inline struct holm_op holm_op_disable(struct holm_bytes key, struct holm_bytes field)
{
    return holm_op_of(HOLM_OP_DISABLE, key, field);
}

static inline struct holm_op holm_op_raise(struct holm_bytes key, struct holm_bytes field,
                                           struct holm_value value)
{
    struct holm_op op = holm_op_of(HOLM_OP_RAISE, key, field);
    op.as.value = value;
    return op;
}

static inline struct holm_op holm_op_lower(struct holm_bytes key, struct holm_bytes field,
                                           struct holm_value value)
{
    struct holm_op op = holm_op_of(HOLM_OP_LOWER, key, field);
    op.as.value = value;
    return op;
}

static inline struct holm_op holm_op_remove(struct holm_bytes key, struct holm_bytes field)
{
    return holm_op_of(HOLM_OP_REMOVE, key, field);
}

static inline struct holm_op holm_op_bury(struct holm_bytes key)
{
    return holm_op_of(HOLM_OP_BURY, key, holm_mem(NULL, 0));
}

/* The largest sizes, in bytes. A value may have a quarter, a batch a half of the frame limit. */
#define HOLM_KEY_BYTES_MAX 1024
#define HOLM_FIELD_BYTES_MAX 255
#define HOLM_PATH_BYTES_MAX 1024

/*
 * Whether anything is ever collected; the same on all nodes of a cluster.
 *
 * With `forever` (the default) tombstones stay, and any node may write at any time. With `stable` they go
 * when every member of the cluster is known to have them, and what is kept for lives of nodes that have
 * ended stays small. For that a node must be a member before what it writes spreads: each life of a node
 * is admitted by a member first, and the first of all founds the cluster (holm_config).
 */
enum holm_retention {
    HOLM_RETENTION_FOREVER = 0,
    HOLM_RETENTION_STABLE = 1
};

#endif
