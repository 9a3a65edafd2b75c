/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>

#include "sim/world/plan.h"

static size_t append(char *text, size_t used, size_t capacity, const char *word)
{
    if (used >= capacity)
        return used;
    int length = snprintf(text + used, capacity - used, "%s", word);
    return used + (size_t)length;
}

static size_t append_set(char *text, size_t used, size_t capacity, uint64_t nodes)
{
    char word[16];
    used = append(text, used, capacity, "{");
    for (uint32_t i = 0; nodes >> i != 0; i++) {
        if ((nodes >> i & 1) == 0)
            continue;
        (void)snprintf(word, sizeof word, (nodes & ((UINT64_C(1) << i) - 1)) == 0 ? "n%u" : " n%u",
                       i);
        used = append(text, used, capacity, word);
        if (i == 63)
            break;
    }
    return append(text, used, capacity, "}");
}

static void describe_commit(const struct holm_plan *plan, const struct holm_plan_event *event,
                            char *text, size_t capacity)
{
    static const char *const verbs[] = {"?",      "put",     "add",   "reset", "insert", "erase",
                                        "enable", "disable", "raise", "lower", "remove", "bury"};
    char word[120];
    (void)snprintf(word, sizeof word, "n%" PRIu32 " writes", event->node);
    size_t used = append(text, 0, capacity, word);
    struct holm_op ops[HOLM_PLAN_OPS_MAX];
    uint32_t count = holm_plan_ops(plan, event, ops);
    for (uint32_t i = 0; i < count; i++) {
        const struct holm_op *op = &ops[i];
        (void)snprintf(word, sizeof word, "%s %s %.*s%s%.*s", i == 0 ? "" : ",", verbs[op->type],
                       (int)(op->key.size < 30 ? op->key.size : 30), (const char *)op->key.data,
                       op->field.size > 0 ? "." : "",
                       (int)(op->field.size < 30 ? op->field.size : 30),
                       op->field.size > 0 ? (const char *)op->field.data : "");
        used = append(text, used, capacity, word);
        if (op->type == HOLM_OP_ADD)
            (void)snprintf(word, sizeof word, " %+" PRId64, op->as.amount);
        else if (op->type == HOLM_OP_INSERT || op->type == HOLM_OP_ERASE)
            (void)snprintf(word, sizeof word, " %.*s",
                           (int)(op->as.element.size < 30 ? op->as.element.size : 30),
                           (const char *)op->as.element.data);
        else
            word[0] = '\0';
        used = append(text, used, capacity, word);
    }
}

static void describe_sets(const struct holm_plan *plan, const struct holm_plan_event *event,
                          char *text, size_t capacity)
{
    const char *verb = event->type == HOLM_PLAN_CUT    ? "cut "
                       : event->type == HOLM_PLAN_HEAL ? "mend "
                                                       : "bad path ";
    char word[160] = "";
    size_t used = append(text, 0, capacity, verb);
    used = append_set(text, used, capacity, event->from);
    used = append(text, used, capacity, " -> ");
    used = append_set(text, used, capacity, event->to);
    if (event->type == HOLM_PLAN_PATH) {
        const struct holm_network_path *path = &plan->paths[event->path];
        (void)snprintf(word, sizeof word,
                       ": %" PRIu64 " us, loss %u, twice %u, late %u permille, %" PRIu64 " B/s",
                       path->delay_us, path->loss_permille, path->duplicate_permille,
                       path->reorder_permille, path->bytes_per_s);
    }
    (void)append(text, used, capacity, word);
}

static void describe_node(const struct holm_plan_event *event, char *text, size_t capacity)
{
    static const char *const verbs[HOLM_PLAN_TYPES] = {
        [HOLM_PLAN_CRASH] = "crashes",
        [HOLM_PLAN_BOMB] = "is bombed",
        [HOLM_PLAN_START] = "starts",
        [HOLM_PLAN_PAUSE] = "is frozen",
        [HOLM_PLAN_RESUME] = "goes on",
        [HOLM_PLAN_LEAVE] = "leaves",
        [HOLM_PLAN_JUMP] = "has its clock moved by ms",
        [HOLM_PLAN_DRIFT] = "has a clock too fast by ppm",
        [HOLM_PLAN_DISK] = "has a disk in state",
        [HOLM_PLAN_BACKUP] = "is backed up",
        [HOLM_PLAN_RESTORE] = "is restored from its backup",
        [HOLM_PLAN_CLONE] = "is cloned as n",
        [HOLM_PLAN_HOSTILE] = "is attacked with",
        [HOLM_PLAN_FORGET] = "is told to forget n",
        [HOLM_PLAN_RETURN] = "comes back",
    };
    const char *verb = verbs[event->type] == NULL ? "?" : verbs[event->type];
    if (event->type == HOLM_PLAN_LEAVE && event->amount == 1)
        verb = "leaves for good";
    bool amount = event->type == HOLM_PLAN_JUMP || event->type == HOLM_PLAN_DRIFT ||
                  event->type == HOLM_PLAN_DISK || event->type == HOLM_PLAN_HOSTILE;
    if (amount)
        (void)snprintf(text, capacity, "n%" PRIu32 " %s %" PRId64, event->node, verb,
                       event->amount);
    else if (event->type == HOLM_PLAN_CLONE || event->type == HOLM_PLAN_FORGET)
        (void)snprintf(text, capacity, "n%" PRIu32 " %s%" PRIu32, event->node, verb, event->other);
    else
        (void)snprintf(text, capacity, "n%" PRIu32 " %s", event->node, verb);
}

void holm_plan_describe(const struct holm_plan *plan, const struct holm_plan_event *event,
                        char *text, size_t capacity)
{
    if (event->type == HOLM_PLAN_COMMIT)
        describe_commit(plan, event, text, capacity);
    else if (event->type == HOLM_PLAN_CUT || event->type == HOLM_PLAN_HEAL ||
             event->type == HOLM_PLAN_PATH)
        describe_sets(plan, event, text, capacity);
    else
        describe_node(event, text, capacity);
}

void holm_plan_describe_settings(const struct holm_plan *plan, char *text, size_t capacity)
{
    const struct holm_plan_settings *settings = &plan->settings;
    const struct holm_engine_config *engine = &settings->engine;
    const struct holm_network_path *path = &settings->path;
    size_t used = (size_t)snprintf(
        text, capacity,
        "seed %" PRIu64 " preset %s nodes %" PRIu32 " partitions %" PRIu32 " beacon %" PRIu64
        " ms flush %" PRIu64 " us log %zu KiB frames %zu KiB delay %" PRIu64 " us jitter %" PRIu64
        " us loss %u twice %u late %u permille events %zu core ",
        settings->seed, settings->preset, settings->nodes, engine->partitions,
        engine->beacon_interval_us / 1000, engine->flush_interval_us, engine->log_bytes_max / 1024,
        engine->frame_bytes_max / 1024, path->delay_us, path->jitter_us, path->loss_permille,
        path->duplicate_permille, path->reorder_permille, plan->count);
    used = append_set(text, used, capacity, settings->core);
    if (engine->retention != HOLM_RETENTION_STABLE)
        return;
    char stable[120];
    (void)snprintf(stable, sizeof stable,
                   " stable collect %" PRIu64 " ms forget-after %" PRIu64 " ms founds %s",
                   engine->collect_interval_us / 1000, engine->forget_after_us / 1000,
                   settings->founder_for_ever ? "always" : "once");
    (void)append(text, used, capacity, stable);
}
