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
#define BELOW_F .parents = {.names = below_f, .count = 1}, .field = BYTES("n")
#define NUMBER(n) .as.value = {.type = HOLM_I64, .as.i64 = (n)}
#define LETTERS(text) .as.value = {.type = HOLM_TEXT, .as.bytes = BYTES(text)}
#define ELEMENT(text) .as.element = BYTES(text)

static const struct holm_bytes below_f[] = {BYTES("f")};

/* Beyond what the makers raise and lower to, and of another type, which does not raise. */
const struct holm_op pair_words[] = {
    {.type = HOLM_OP_PUT, K, F, NUMBER(1)},
    {.type = HOLM_OP_PUT, K, F, NUMBER(2)},
    {.type = HOLM_OP_ADD, K, F, .as.amount = 5},
    {.type = HOLM_OP_RESET, K, F},
    {.type = HOLM_OP_INSERT, K, F, ELEMENT("x")},
    {.type = HOLM_OP_ERASE, K, F, ELEMENT("x")},
    {.type = HOLM_OP_ENABLE, K, F},
    {.type = HOLM_OP_DISABLE, K, F},
    {.type = HOLM_OP_RAISE, K, F, NUMBER(3)},
    {.type = HOLM_OP_RAISE, K, F, LETTERS("a")},
    {.type = HOLM_OP_LOWER, K, F, NUMBER(1)},
    {.type = HOLM_OP_REMOVE, K, F},
    {.type = HOLM_OP_REMOVE, K},
    {.type = HOLM_OP_BURY, K},
    {.type = HOLM_OP_PUT, K, NUMBER(4)},
    {.type = HOLM_OP_ADD, K, .as.amount = 7},
    {.type = HOLM_OP_PUT, K, G, NUMBER(6)},
    {.type = HOLM_OP_PUT, K, BELOW_F, NUMBER(7)},
    {.type = HOLM_OP_INSERT, K, BELOW_F, ELEMENT("x")},
    {.type = HOLM_OP_REMOVE, K, BELOW_F},
    {.type = HOLM_OP_ADD, L, F, .as.amount = 8},
    {.type = HOLM_OP_BURY, L},
};

const size_t pair_word_count = sizeof pair_words / sizeof *pair_words;

/* What each kind of slot holds before. */
#define MADE_NUMBER 2
#define MADE_AMOUNT 10

/* An operation of another type at the same place. */
static struct holm_op there(const struct holm_op *word, enum holm_op_type type)
{
    struct holm_op op = holm_op_of(type, word->key, word->field);
    op.parents = word->parents;
    return op;
}

/* Something of every sort at the place of a removal, and below it. */
static size_t make_all(const struct holm_op *word, struct holm_op *makers)
{
    makers[0] = there(word, HOLM_OP_PUT);
    makers[0].as.value = holm_i64(MADE_NUMBER);
    makers[1] = there(word, HOLM_OP_ADD);
    makers[1].as.amount = MADE_AMOUNT;
    makers[2] = there(word, HOLM_OP_INSERT);
    makers[2].as.element = holm_str("x");
    if (word->parents.count > 0)
        return 3;
    bool of_record = word->field.size == 0;
    makers[3] = holm_op_add(word->key, holm_str(of_record ? "f" : "n"), MADE_AMOUNT);
    makers[3].parents = holm_path_of(below_f, of_record ? 0 : 1);
    return 4;
}

size_t pair_makers(const struct holm_op *word, struct holm_op *makers)
{
    switch (word->type) {
    case HOLM_OP_PUT:
    case HOLM_OP_RAISE:
    case HOLM_OP_LOWER:
        makers[0] = there(word, word->type);
        makers[0].as.value = holm_i64(MADE_NUMBER);
        return 1;
    case HOLM_OP_ADD:
    case HOLM_OP_RESET:
        makers[0] = there(word, HOLM_OP_ADD);
        makers[0].as.amount = MADE_AMOUNT;
        return 1;
    case HOLM_OP_INSERT:
    case HOLM_OP_ERASE:
        makers[0] = there(word, HOLM_OP_INSERT);
        makers[0].as.element = word->as.element;
        return 1;
    case HOLM_OP_ENABLE:
    case HOLM_OP_DISABLE:
        makers[0] = there(word, HOLM_OP_ENABLE);
        return 1;
    case HOLM_OP_REMOVE:
    case HOLM_OP_BURY:
        return make_all(word, makers);
    }
    return 0;
}

bool pair_is_stamped(const struct holm_op *word)
{
    return word->type == HOLM_OP_PUT;
}
