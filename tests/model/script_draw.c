/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/script.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const keys[] = {"k", "l", "m", "{t}n"};
static const char *const fields[] = {"", "f", "g"};
static const struct holm_bytes names[] = {{"f", 1}, {"g", 1}, {"f", 1}};
static char long_text[450];
static char long_element[201];
static const char *const elements[] = {"x", "y", "z", "", long_element};

static struct holm_value draw_value(struct chance *chance)
{
    static const double doubles[] = {0.0, -0.0, 1.5, -2.5, HUGE_VAL, -HUGE_VAL, NAN, -NAN};
    static const int64_t extremes[] = {INT64_MIN, INT64_MAX};
    switch (chance_below(chance, 10)) {
    case 0:
        return holm_text(elements[chance_below(chance, 3)]);
    case 1:
        return holm_double(doubles[chance_below(chance, COUNT(doubles))]);
    case 2:
        return holm_bool(chance_permille(chance, 500));
    case 4:
        return holm_i64(extremes[chance_below(chance, COUNT(extremes))]);
    case 3:
        return holm_bytes_value(long_text, chance_below(chance, sizeof long_text));
    default:
        return holm_i64((int64_t)chance_below(chance, 7) - 3);
    }
}

/* One in 16 is so large that two or a few of them leave 64 bits. */
static int64_t draw_amount(struct chance *chance)
{
    static const int64_t extremes[] = {
        INT64_MIN,     INT64_MAX,     INT64_MIN + 1, INT64_MAX - 50,    INT64_MIN / 2,
        INT64_MAX / 2, INT64_MIN,     INT64_MAX,     INT64_MIN / 2 - 1, INT64_MAX / 3,
        INT64_MIN / 3, INT64_MAX - 1, INT64_MIN + 50};
    uint64_t drawn = chance_below(chance, 201 + COUNT(extremes));
    return drawn < 201 ? (int64_t)drawn - 100 : extremes[drawn - 201];
}

static const struct {
    enum holm_op_type type;
    uint64_t weight;
} op_weights[] = {
    {HOLM_OP_PUT, 20},  {HOLM_OP_ADD, 20},   {HOLM_OP_RESET, 8},   {HOLM_OP_INSERT, 12},
    {HOLM_OP_ERASE, 8}, {HOLM_OP_ENABLE, 6}, {HOLM_OP_DISABLE, 5}, {HOLM_OP_RAISE, 6},
    {HOLM_OP_LOWER, 4}, {HOLM_OP_REMOVE, 8}, {HOLM_OP_BURY, 3},
};

static struct holm_op draw_op(struct chance *chance, size_t key_count)
{
    uint64_t drawn = chance_below(chance, 100), at = 0;
    while (drawn >= op_weights[at].weight)
        drawn -= op_weights[at++].weight;
    size_t key = chance_permille(chance, 500) ? 0 : chance_below(chance, key_count);
    struct holm_op op = {.type = op_weights[at].type,
                         .key = holm_str(keys[key]),
                         .field = holm_str(fields[chance_below(chance, COUNT(fields))])};
    /* Below f, f.g, f.g.f, g or g.f: so that fields lie in fields that are used themselves. */
    if (chance_permille(chance, 300)) {
        size_t first = chance_below(chance, 2);
        op.parents = holm_path_of(names + first, 1 + chance_below(chance, COUNT(names) - first));
    }
    switch (op.type) {
    case HOLM_OP_PUT:
    case HOLM_OP_RAISE:
    case HOLM_OP_LOWER:
        op.as.value = draw_value(chance);
        break;
    case HOLM_OP_ADD:
        op.as.amount = draw_amount(chance);
        break;
    case HOLM_OP_INSERT:
    case HOLM_OP_ERASE:
        op.as.element = holm_str(elements[chance_below(chance, COUNT(elements))]);
        break;
    case HOLM_OP_RESET:
    case HOLM_OP_ENABLE:
    case HOLM_OP_DISABLE:
    case HOLM_OP_REMOVE:
    case HOLM_OP_BURY:
        break;
    }
    return op;
}

static uint64_t draw_of(struct chance *chance, const uint64_t *values, size_t count)
{
    return values[chance_below(chance, count)];
}

#define DRAW_OF(chance, ...)                                                                       \
    draw_of((chance), (const uint64_t[]){__VA_ARGS__},                                             \
            sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void draw_settings(struct script *script, struct chance *chance)
{
    struct holm_replica_config *limits = &script->limits;
    struct network_settings *settings = &script->settings;
    script->node_count = DRAW_OF(chance, 3, 3, 3, 3, 3, 4, 4, 5);
    settings->wire = chance_permille(chance, 500);
    settings->loss_permille = (uint32_t)DRAW_OF(chance, 0, 100, 300, 700, 1000);
    settings->double_permille = (uint32_t)DRAW_OF(chance, 0, 100, 300);
    settings->stray_permille = (uint32_t)DRAW_OF(chance, 0, 200, 800);
    settings->delay_us = DRAW_OF(chance, 100, 2000, 50000, 1000000);
    settings->stray_us = 20000000;
    settings->check_steps = chance_permille(chance, 250);
    *limits = holm_replica_config_default();
    limits->flush_interval_us = DRAW_OF(chance, 0, 1000, 300000);
    limits->flush_bytes = DRAW_OF(chance, 64, 300, 65536);
    limits->log_bytes_max = DRAW_OF(chance, 1, 1500, 4000, 4194304);
    limits->holdback_bytes_max = DRAW_OF(chance, 600, 2000, 4194304);
    limits->page_items_max = (uint32_t)DRAW_OF(chance, 1, 2, 3, 4096);
    limits->frame_bytes_max = DRAW_OF(chance, 4096, 16384, 1048576); /* answers that say `more` */
    limits->ordered = script->seed % 2 == 1;
    limits->cuts_max = DRAW_OF(chance, 1, 2);
    limits->kept_bytes_max = DRAW_OF(chance, 1, 67108864, 67108864); /* 1: any change is too much */
}

/* Out of 1,000, as they come in enum action_type. */
static const uint64_t action_weights[ACTION_REPORT] = {480, 45, 60, 10, 130, 35, 65, 20, 30, 12,
                                                       7,   7,  7,  8,  18,  22, 14, 20, 5,  5};

static enum action_type draw_type(struct chance *chance)
{
    uint64_t drawn = chance_below(chance, 1000), at = 0;
    while (drawn >= action_weights[at])
        drawn -= action_weights[at++];
    return (enum action_type)at;
}

static void draw_action(struct script *script, struct chance *chance, enum action_type type,
                        size_t key_count)
{
    struct action *action = &script->actions[script->action_count++];
    action->type = type;
    action->node = chance_below(chance, script->node_count);
    action->other = chance_below(chance, script->node_count - 1);
    action->other += action->other >= action->node;
    if (action->type == ACTION_RUN)
        action->amount = (int64_t)chance_below(
            chance, DRAW_OF(chance, 100, 3000, 60000, 2000000, 15000000));
    if (action->type == ACTION_CLOCK)
        action->amount = (int64_t)DRAW_OF(chance, 0, 5, 20000, 86400000) *
                         (chance_permille(chance, 500) ? 1 : -1);
    if (action->type == ACTION_DELIVER || action->type == ACTION_LOSE ||
        action->type == ACTION_DOUBLE)
        action->amount = (int64_t)chance_below(chance, 256);
    if (action->type == ACTION_COLLECT)
        action->amount = (int64_t)chance_below(chance, 8);
    if (action->type != ACTION_COMMIT)
        return;
    action->op_first = script->op_count;
    action->op_count = DRAW_OF(chance, 1, 1, 1, 1, 2, 3);
    for (size_t i = 0; i < action->op_count; i++)
        script->ops[script->op_count++] = draw_op(chance, key_count);
}

/* Half of the histories have feeds, and of those half nothing else that is fast. */
static void draw_feeds(struct script *script, uint64_t seed)
{
    struct chance chance = {.state = seed ^ UINT64_C(0xfeed)};
    struct network_settings *settings = &script->settings;
    settings->feeds_permille = (uint32_t)DRAW_OF(&chance, 0, 0, 500, 1000);
    settings->feed_loss_permille = (uint32_t)DRAW_OF(&chance, 0, 0, 30, 300);
    if (settings->feeds_permille == 0)
        return;
    script->limits.feed_bytes_max = DRAW_OF(&chance, 1, 500, 5000, 262144);
    if (chance_permille(&chance, 500))
        settings->loss_permille = 1000;
}

/* Of a quarter of the histories, from a draw of its own, so that the others stay as they are. */
static enum action_type draw_stable(struct script *script, struct chance *beside,
                                    struct chance *chance)
{
    static const enum action_type types[] = {ACTION_REPORT, ACTION_COLLECT, ACTION_COLLECT,
                                             ACTION_COLLECT, ACTION_GHOSTS};
    if (script->limits.retention == HOLM_RETENTION_STABLE && chance_permille(beside, 250))
        return types[chance_below(beside, COUNT(types))];
    return draw_type(chance);
}

void script_draw(struct script *script, uint64_t seed)
{
    struct chance chance = {.state = seed}, beside = {.state = seed ^ UINT64_C(0x57ab1e)};
    memset(script, 0, sizeof *script);
    memset(long_text, 'v', sizeof long_text);
    memset(long_element, 'e', sizeof long_element - 1);
    script->seed = seed;
    script->idle_rounds = 100;
    draw_settings(script, &chance);
    draw_feeds(script, seed);
    if (seed % 4 == 0)
        script->limits.retention = HOLM_RETENTION_STABLE;
    size_t count = 50 + chance_below(&chance, 101);
    size_t key_count = 1 + chance_below(&chance, COUNT(keys));
    while (script->action_count < count)
        draw_action(script, &chance, draw_stable(script, &beside, &chance), key_count);
}

/* Actions by their bytes alone, all alike but commits and deliveries, of which one wants most. */
static enum action_type read_type(const struct script *script, struct chance *chance)
{
    bool stable = script->limits.retention == HOLM_RETENTION_STABLE;
    uint64_t read = chance_below(chance, 256);
    if (read < 96)
        return ACTION_COMMIT;
    if (read < 160)
        return ACTION_DELIVER;
    return (enum action_type)(read % (stable ? ACTION_TYPES : ACTION_REPORT));
}

void script_read(struct script *script, const uint8_t *bytes, size_t size)
{
    static const uint8_t nothing[1];
    struct chance chance = {.bytes = size > 0 ? bytes : nothing, .left = size};
    memset(script, 0, sizeof *script);
    memset(long_text, 'v', sizeof long_text);
    memset(long_element, 'e', sizeof long_element - 1);
    script->seed = 1;
    script->idle_rounds = 2;
    draw_settings(script, &chance);
    script->node_count = 3;
    if (size > 0 &&
        bytes[0] >= 128) /* of that byte the rest is not asked for, but for its lowest bits */
        script->limits.retention = HOLM_RETENTION_STABLE;
    if (chance_permille(&chance, 500))
        script->settings.delay_us = NETWORK_DELAY_NEVER;
    while (chance.left > 0 && script->action_count < SCRIPT_ACTIONS_MAX)
        draw_action(script, &chance, read_type(script, &chance), COUNT(keys));
}

/* ---- printing ------------------------------------------------------------------------------- */

static const char *const action_names[ACTION_TYPES] = {
    "commit", "flush",   "beacon", "want",    "run",     "link down", "link up",  "cut",
    "heal",   "kill",    "start",  "restore", "recover", "epoch",     "save",     "merge into",
    "clock",  "deliver", "lose",   "double",  "report",  "collect",   "ghosts of"};

static const char *const op_names[] = {"?",      "put",     "add",   "reset", "insert", "erase",
                                       "enable", "disable", "raise", "lower", "remove", "bury"};

static void print_op(const struct holm_op *op)
{
    printf(" %s %.*s", op_names[op->type], (int)op->key.size, (const char *)op->key.data);
    for (size_t i = 0; i < op->parents.count; i++)
        printf(".%.*s", (int)op->parents.names[i].size, (const char *)op->parents.names[i].data);
    if (op->field.size > 0)
        printf(".%.*s", (int)op->field.size, (const char *)op->field.data);
    if (op->type == HOLM_OP_ADD)
        printf(" %" PRId64, op->as.amount);
    if (op->type == HOLM_OP_INSERT || op->type == HOLM_OP_ERASE)
        printf(" '%.*s'", (int)op->as.element.size, (const char *)op->as.element.data);
    if (op->type != HOLM_OP_PUT && op->type != HOLM_OP_RAISE && op->type != HOLM_OP_LOWER)
        return;
    const struct holm_value *value = &op->as.value;
    if (value->type == HOLM_I64)
        printf(" %" PRId64, value->as.i64);
    else if (value->type == HOLM_DOUBLE)
        printf(" %g", value->as.f64);
    else if (value->type == HOLM_BOOL)
        printf(" %s", value->as.boolean ? "true" : "false");
    else
        printf(" (%zu bytes)", value->as.bytes.size);
}

void script_print(const struct script *script)
{
    const struct network_settings *settings = &script->settings;
    const struct holm_replica_config *limits = &script->limits;
    printf("%zu nodes; loss %" PRIu32 " double %" PRIu32 " stray %" PRIu32 " feeds %" PRIu32
           " lost %" PRIu32 " delay %" PRIu64 " us; %s, %s; flush after %" PRIu64
           " us or %zu bytes; log %zu, hold-back %zu bytes; "
           "%" PRIu32 " items a page, %zu cuts that keep %zu bytes, frames of %zu\n",
           script->node_count, settings->loss_permille, settings->double_permille,
           settings->stray_permille, settings->feeds_permille, settings->feed_loss_permille,
           settings->delay_us, settings->wire ? "wire" : "structs",
           limits->retention == HOLM_RETENTION_STABLE ? "stable" : "forever",
           limits->flush_interval_us, limits->flush_bytes, limits->log_bytes_max,
           limits->holdback_bytes_max, limits->page_items_max, limits->cuts_max,
           limits->kept_bytes_max, limits->frame_bytes_max);
    for (size_t i = 0; i < script->action_count; i++) {
        const struct action *action = &script->actions[i];
        if (action->type == ACTION_RUN)
            printf("%3zu  run %" PRId64 " us", i, action->amount);
        else
            printf("%3zu  %c %s", i, (char)('A' + action->node), action_names[action->type]);
        if (action->type == ACTION_CLOCK)
            printf(" %+" PRId64 " ms", action->amount);
        if (action->type == ACTION_DELIVER || action->type == ACTION_LOSE ||
            action->type == ACTION_DOUBLE)
            printf(" letter %" PRId64, action->amount);
        if ((action->type >= ACTION_LINK_DOWN && action->type <= ACTION_HEAL) ||
            action->type == ACTION_MERGE || action->type == ACTION_GHOSTS)
            printf(" %c", (char)('A' + action->other));
        if (action->type == ACTION_COLLECT)
            printf("%s%s", (action->amount & 1) != 0 ? ", all report first" : "",
                   (action->amount & 2) != 0 ? ", no folds" : "");
        for (size_t op = 0; op < action->op_count; op++)
            print_op(&script->ops[action->op_first + op]);
        putchar('\n');
    }
}
