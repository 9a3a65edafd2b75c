/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/exhaustive/pair_words.h"

/* For static initialisers, where holm_str() cannot be called. */
#define BYTES(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
#define K .key = BYTES("k")
#define L .key = BYTES("l")
#define F .field = BYTES("f")
#define G .field = BYTES("g")
#define NUMBER(n) .as.value = {.type = HOLM_I64, .as.i64 = (n)}
#define LETTERS(text) .as.value = {.type = HOLM_TEXT, .as.bytes = BYTES(text)}
#define ELEMENT(text) .as.element = BYTES(text)

/* Larger and smaller than what the makers raise and lower to, and of another type. */
const struct holm_op pair_words[] = {
    {.type = HOLM_OP_PUT, K, F, NUMBER(1)},
    {.type = HOLM_OP_PUT, K, F, NUMBER(2)},
    {.type = HOLM_OP_ADD, K, F, .as.amount = 5},
    {.type = HOLM_OP_RESET, K, F},
    {.type = HOLM_OP_INSERT, K, F, ELEMENT("x")},
    {.type = HOLM_OP_INSERT, K, F, ELEMENT("y")},
    {.type = HOLM_OP_ERASE, K, F, ELEMENT("x")},
    {.type = HOLM_OP_ENABLE, K, F},
    {.type = HOLM_OP_DISABLE, K, F},
    {.type = HOLM_OP_RAISE, K, F, NUMBER(3)},
    {.type = HOLM_OP_RAISE, K, F, NUMBER(1)},
    {.type = HOLM_OP_RAISE, K, F, LETTERS("a")},
    {.type = HOLM_OP_LOWER, K, F, NUMBER(1)},
    {.type = HOLM_OP_LOWER, K, F, LETTERS("a")},
    {.type = HOLM_OP_REMOVE, K, F},
    {.type = HOLM_OP_REMOVE, K},
    {.type = HOLM_OP_BURY, K},
    {.type = HOLM_OP_PUT, K, NUMBER(4)},
    {.type = HOLM_OP_ADD, K, .as.amount = 7},
    {.type = HOLM_OP_RESET, K},
    {.type = HOLM_OP_PUT, K, G, NUMBER(6)},
    {.type = HOLM_OP_ADD, L, F, .as.amount = 8},
    {.type = HOLM_OP_BURY, L},
};

const size_t pair_word_count = sizeof pair_words / sizeof *pair_words;

/* What each kind of slot holds before. */
#define MADE_NUMBER 2
#define MADE_AMOUNT 10

static struct holm_bytes letter_x(void)
{
    return holm_str("x");
}

size_t pair_makers(const struct holm_op *word, struct holm_op *makers)
{
    struct holm_bytes key = word->key, field = word->field;
    switch (word->type) {
    case HOLM_OP_PUT:
        makers[0] = holm_op_put(key, field, holm_i64(MADE_NUMBER));
        return 1;
    case HOLM_OP_ADD:
    case HOLM_OP_RESET:
        makers[0] = holm_op_add(key, field, MADE_AMOUNT);
        return 1;
    case HOLM_OP_INSERT:
    case HOLM_OP_ERASE:
        makers[0] = holm_op_insert(key, field, word->as.element);
        return 1;
    case HOLM_OP_ENABLE:
    case HOLM_OP_DISABLE:
        makers[0] = holm_op_enable(key, field);
        return 1;
    case HOLM_OP_RAISE:
        makers[0] = holm_op_raise(key, field, holm_i64(MADE_NUMBER));
        return 1;
    case HOLM_OP_LOWER:
        makers[0] = holm_op_lower(key, field, holm_i64(MADE_NUMBER));
        return 1;
    case HOLM_OP_REMOVE:
    case HOLM_OP_BURY:
        makers[0] = holm_op_put(key, field, holm_i64(MADE_NUMBER));
        makers[1] = holm_op_add(key, field, MADE_AMOUNT);
        makers[2] = holm_op_insert(key, field, letter_x());
        makers[3] = holm_op_add(key, holm_str("f"), MADE_AMOUNT);
        return field.size == 0 ? 4 : 3;
    }
    return 0;
}

bool pair_is_stamped(const struct holm_op *word)
{
    return word->type == HOLM_OP_PUT;
}
