/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/exhaustive/schedule.h"

/* For static initialisers, where holm_str() cannot be called. */
#define BYTES(text)                                                                                \
    {                                                                                              \
        (text), sizeof(text) - 1                                                                   \
    }
#define K .key = BYTES("k")
#define F .field = BYTES("f")
#define BELOW_F .parents = {.names = below_f, .count = 1}, .field = BYTES("n")
#define NUMBER(n) .as.value = {.type = HOLM_I64, .as.i64 = (n)}
#define ELEMENT(text) .as.element = BYTES(text)

static const struct holm_bytes below_f[] = {BYTES("f")};

/* Of each alphabet the first three or four say most. */
const struct schedule_family schedule_families[] = {
    {.name = "register",
     .op_count = 5,
     .alphabet = {{.type = HOLM_OP_PUT, K, F, NUMBER(1)},
                  {.type = HOLM_OP_REMOVE, K, F},
                  {.type = HOLM_OP_PUT, K, F, NUMBER(2)},
                  {.type = HOLM_OP_REMOVE, K},
                  {.type = HOLM_OP_BURY, K}}},
    {.name = "counter",
     .op_count = 5,
     .alphabet = {{.type = HOLM_OP_ADD, K, F, .as.amount = 1},
                  {.type = HOLM_OP_RESET, K, F},
                  {.type = HOLM_OP_ADD, K, F, .as.amount = 5},
                  {.type = HOLM_OP_REMOVE, K},
                  {.type = HOLM_OP_BURY, K}}},
    {.name = "set",
     .op_count = 5,
     .alphabet = {{.type = HOLM_OP_INSERT, K, F, ELEMENT("x")},
                  {.type = HOLM_OP_ERASE, K, F, ELEMENT("x")},
                  {.type = HOLM_OP_REMOVE, K, F},
                  {.type = HOLM_OP_INSERT, K, F, ELEMENT("y")},
                  {.type = HOLM_OP_BURY, K}}},
    {.name = "flag",
     .op_count = 4,
     .alphabet = {{.type = HOLM_OP_ENABLE, K, F},
                  {.type = HOLM_OP_DISABLE, K, F},
                  {.type = HOLM_OP_REMOVE, K, F},
                  {.type = HOLM_OP_BURY, K}}},
    {.name = "max",
     .op_count = 4,
     .alphabet = {{.type = HOLM_OP_RAISE, K, F, NUMBER(2)},
                  {.type = HOLM_OP_RAISE, K, F, NUMBER(1)},
                  {.type = HOLM_OP_REMOVE, K, F},
                  {.type = HOLM_OP_BURY, K}}},
    {.name = "min",
     .op_count = 4,
     .alphabet = {{.type = HOLM_OP_LOWER, K, F, NUMBER(1)},
                  {.type = HOLM_OP_LOWER, K, F, NUMBER(2)},
                  {.type = HOLM_OP_REMOVE, K, F},
                  {.type = HOLM_OP_BURY, K}}},
    {.name = "kinds",
     .op_count = 6,
     .alphabet = {{.type = HOLM_OP_ADD, K, F, .as.amount = 3},
                  {.type = HOLM_OP_REMOVE, K, F},
                  {.type = HOLM_OP_PUT, K, F, NUMBER(1)},
                  {.type = HOLM_OP_INSERT, K, F, ELEMENT("x")},
                  {.type = HOLM_OP_RESET, K, F},
                  {.type = HOLM_OP_ENABLE, K, F}}},
    {.name = "nested", /* T11 */
     .op_count = 6,
     .alphabet = {{.type = HOLM_OP_INSERT, K, BELOW_F, ELEMENT("x")},
                  {.type = HOLM_OP_REMOVE, K, F},
                  {.type = HOLM_OP_PUT, K, F, NUMBER(1)},
                  {.type = HOLM_OP_REMOVE, K, BELOW_F},
                  {.type = HOLM_OP_ADD, K, BELOW_F, .as.amount = 1},
                  {.type = HOLM_OP_REMOVE, K}}},
    {.name = "burial",
     .op_count = 5,
     .alphabet = {{.type = HOLM_OP_PUT, K, F, NUMBER(1)},
                  {.type = HOLM_OP_BURY, K},
                  {.type = HOLM_OP_ADD, K, F, .as.amount = 1},
                  {.type = HOLM_OP_REMOVE, K},
                  {.type = HOLM_OP_INSERT, K, F, ELEMENT("x")}}},
    {.name = "keys",
     .op_count = 5,
     .alphabet = {{.type = HOLM_OP_PUT, K, NUMBER(1)},
                  {.type = HOLM_OP_ADD, .key = BYTES("l"), .as.amount = 2},
                  {.type = HOLM_OP_REMOVE, K},
                  {.type = HOLM_OP_BURY, .key = BYTES("l")},
                  {.type = HOLM_OP_PUT, K, F, NUMBER(2)}}},
};

const size_t schedule_family_count = sizeof schedule_families / sizeof *schedule_families;
