/* SPDX-License-Identifier: Apache-2.0 */
/*
 * varint.h - protobuf's integers of variable length, inline.
 *
 *     300 = 1 0010 1100  ->  ac 02        seven bits a byte, the lowest first; the last below 80
 *
 * Readers take what any encoder may have written, long-winded forms too, but nothing beyond 64
 * bits. Signed numbers are zigzag: 0 -1 1 -2 ... are 0 1 2 3 ...
 *
 * Source: Protocol Buffers, "Encoding".
 */
#ifndef HOLM_PROTO_VARINT_H
#define HOLM_PROTO_VARINT_H

#include "crdt/base.h"

#define HOLM_VARINT_BYTES_MAX 10

/*
 * Reads a varint of several bytes. One of them, before memory ends, must be below 80. NULL when it
 * has more than 64 bits.
 */
static inline const unsigned char *holm_varint_long(const unsigned char *at, uint64_t *value)
{
    /* Less one: the bit that says that the byte before is not the last. */
    uint64_t sum = at[0] + (((uint64_t)at[1] - 1) << 7);
    if (at[1] < 0x80) {
        *value = sum;
        return at + 2;
    }
    for (unsigned i = 2; i < HOLM_VARINT_BYTES_MAX - 1; i++) {
        sum += ((uint64_t)at[i] - 1) << (7 * i);
        if (at[i] < 0x80) {
            *value = sum;
            return at + i + 1;
        }
    }
    *value = sum + (((uint64_t)at[9] - 1) << 63);
    return at[9] <= 1 ? at + HOLM_VARINT_BYTES_MAX : NULL;
}

/* The same of one byte or more. */
static inline const unsigned char *holm_varint_next(const unsigned char *at, uint64_t *value)
{
    *value = at[0];
    return at[0] < 0x80 ? at + 1 : holm_varint_long(at, value);
}

/* The same of at < end, where nothing says that a varint ends before `end`: NULL if it does not. */
static inline const unsigned char *holm_varint_read(const unsigned char *at,
                                                    const unsigned char *end, uint64_t *value)
{
    const unsigned char *last = at;
    while (last < end && *last >= 0x80)
        last++;
    return last == end ? NULL : holm_varint_next(at, value);
}

/* How many varints end in `size` bytes. */
static inline size_t holm_varint_count(const unsigned char *at, size_t size)
{
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += at[i] < 0x80;
    return count;
}

/* Writes at most HOLM_VARINT_BYTES_MAX bytes; returns what comes behind them. */
static inline unsigned char *holm_varint_write(unsigned char *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (unsigned char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (unsigned char)value;
    return at;
}

/* How many bytes that writes. */
static inline size_t holm_varint_size(uint64_t value)
{
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static inline uint64_t holm_zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (0 - ((uint64_t)value >> 63));
}

static inline int64_t holm_zigzag_signed(uint64_t value)
{
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

/* Eight bytes, the lowest first. */
static inline uint64_t holm_fixed64_read(const unsigned char *at)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

static inline unsigned char *holm_fixed64_write(unsigned char *at, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        at[i] = (unsigned char)(value >> (8 * i));
    return at + 8;
}

#endif
