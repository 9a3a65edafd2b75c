/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/plan.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB ((size_t)1 << 20)

static void *room(void *array, size_t *capacity, size_t wanted, size_t element_bytes)
{
    if (wanted <= *capacity)
        return array;
    size_t grown = wanted + wanted / 2 + 16;
    array = realloc(array, grown * element_bytes);
    HOLM_ASSERT(array != NULL);
    *capacity = grown;
    return array;
}

void holm_plan_init(struct holm_plan *plan, uint64_t seed, uint32_t nodes)
{
    HOLM_ASSERT(nodes >= 1 && nodes <= HOLM_PLAN_NODES_MAX);
    memset(plan, 0, sizeof *plan);
    struct holm_plan_settings *settings = &plan->settings;
    settings->seed = seed;
    settings->preset = "perfect";
    settings->nodes = nodes;
    settings->initial = settings->core = nodes == 64 ? UINT64_MAX : (UINT64_C(1) << nodes) - 1;
    settings->all_seeds = true;
    settings->engine = holm_engine_config_default();
    settings->engine.partitions = 2;
    settings->engine.peers_max = 256;
    settings->path = holm_network_path_default();
    settings->path.delay_us = 1000;
    settings->safety_us = 5000000;
    settings->bound_us = 60000000;
    settings->heap_bytes_max = 8 * MIB;
    for (uint32_t i = 0; i < HOLM_PLAN_NODES_MAX; i++)
        settings->clone_of[i] = i;
}

void holm_plan_release(struct holm_plan *plan)
{
    free(plan->events);
    free(plan->ops);
    free(plan->paths);
    free(plan->texts);
    memset(plan, 0, sizeof *plan);
}

struct holm_plan_event *holm_plan_add(struct holm_plan *plan, uint64_t at_us,
                                      enum holm_plan_event_type type, uint32_t node)
{
    plan->events = room(plan->events, &plan->capacity, plan->count + 1, sizeof *plan->events);
    struct holm_plan_event *event = &plan->events[plan->count];
    *event = (struct holm_plan_event){
        .type = type, .number = (uint32_t)plan->count, .at_us = at_us, .node = node};
    plan->count++;
    return event;
}

void holm_plan_commit(struct holm_plan *plan, uint64_t at_us, uint32_t node,
                      const struct holm_op *ops, size_t count)
{
    struct holm_plan_event *event = holm_plan_add(plan, at_us, HOLM_PLAN_COMMIT, node);
    HOLM_ASSERT(count <= HOLM_PLAN_OPS_MAX);
    plan->ops = room(plan->ops, &plan->op_capacity, plan->op_count + count, sizeof *plan->ops);
    memcpy(plan->ops + plan->op_count, ops, count * sizeof *ops);
    event->op_first = (uint32_t)plan->op_count;
    event->op_count = (uint32_t)count;
    plan->op_count += count;
}

uint32_t holm_plan_ops(const struct holm_plan *plan, const struct holm_plan_event *event,
                       struct holm_op ops[HOLM_PLAN_OPS_MAX])
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < event->op_count; i++)
        if ((event->left_out >> i & 1) == 0)
            ops[count++] = plan->ops[event->op_first + i];
    return count;
}

void holm_plan_leave_out(struct holm_plan *plan, uint32_t node)
{
    size_t count = 0;
    plan->settings.absent |= UINT64_C(1) << node;
    /* A copy of nobody would be a member of its own. */
    for (uint32_t i = 0; i < plan->settings.nodes; i++)
        if (plan->settings.clone_of[i] == node)
            plan->settings.absent |= UINT64_C(1) << i;
    plan->settings.initial &= ~plan->settings.absent;
    plan->settings.core &= ~plan->settings.absent;
    for (size_t i = 0; i < plan->count; i++) {
        const struct holm_plan_event *event = &plan->events[i];
        bool its = event->type != HOLM_PLAN_CUT && event->type != HOLM_PLAN_HEAL &&
                   event->type != HOLM_PLAN_PATH &&
                   (event->node == node ||
                    ((event->type == HOLM_PLAN_CLONE || event->type == HOLM_PLAN_FORGET) &&
                     event->other == node));
        if (!its)
            plan->events[count++] = *event;
    }
    plan->count = count;
}

static int compare(const void *a, const void *b)
{
    const struct holm_plan_event *first = a, *second = b;
    if (first->at_us != second->at_us)
        return first->at_us < second->at_us ? -1 : 1;
    return first->number < second->number ? -1 : 1;
}

void holm_plan_sort(struct holm_plan *plan)
{
    if (plan->count > 0)
        qsort(plan->events, plan->count, sizeof *plan->events, compare);
    for (uint32_t i = 0; i < plan->count; i++)
        plan->events[i].number = i;
}

void holm_plan_keep(struct holm_plan *plan, const bool *kept)
{
    size_t count = 0;
    for (size_t i = 0; i < plan->count; i++)
        if (kept[i])
            plan->events[count++] = plan->events[i];
    plan->count = count;
}

static void *copied(const void *array, size_t count, size_t element_bytes)
{
    void *copy = malloc(count * element_bytes + 1);
    HOLM_ASSERT(copy != NULL);
    if (count > 0)
        memcpy(copy, array, count * element_bytes);
    return copy;
}

void holm_plan_copy(struct holm_plan *target, const struct holm_plan *source)
{
    *target = *source;
    target->events = copied(source->events, source->count, sizeof *source->events);
    target->ops = copied(source->ops, source->op_count, sizeof *source->ops);
    target->paths = copied(source->paths, source->path_count, sizeof *source->paths);
    target->capacity = source->count;
    target->op_capacity = source->op_count;
    target->path_capacity = source->path_count;
    target->texts = NULL;
}

/* ---- lists ---------------------------------------------------------------------------------- */

void holm_plan_list(const struct holm_plan *plan, char *text, size_t capacity)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0, end; i < plan->count && used < capacity; i = end) {
        uint32_t first = plan->events[i].number, last = first;
        for (end = i + 1; end < plan->count && plan->events[end].number == last + 1 &&
                          plan->events[end].left_out == 0 && plan->events[i].left_out == 0;
             end++)
            last++;
        const char *comma = used == 0 ? "" : ",";
        int length = first == last
                         ? snprintf(text + used, capacity - used, "%s%" PRIu32, comma, first)
                         : snprintf(text + used, capacity - used, "%s%" PRIu32 "-%" PRIu32, comma,
                                    first, last);
        used += (size_t)length;
        for (uint32_t op = 0; op < plan->events[i].op_count && used < capacity; op++)
            if ((plan->events[i].left_out >> op & 1) != 0)
                used += (size_t)snprintf(text + used, capacity - used, "/%" PRIu32, op);
    }
    for (uint32_t node = 0; node < plan->settings.nodes && used < capacity; node++)
        if ((plan->settings.absent >> node & 1) != 0)
            used += (size_t)snprintf(text + used, capacity - used, "%sn%" PRIu32,
                                     used == 0 ? "" : ",", node);
}

/* A number, which moves *text behind it. */
static bool take_number(const char **text, uint32_t *number)
{
    char *end;
    if (**text < '0' || **text > '9')
        return false;
    unsigned long read = strtoul(*text, &end, 10);
    *text = end;
    *number = (uint32_t)read;
    return read < UINT32_MAX;
}

/* "0-3" or "7/0/2": flags what is kept. */
static bool take_events(struct holm_plan *plan, const char **list, bool *kept)
{
    uint32_t first = 0, last = 0, left_out = 0;
    bool good = take_number(list, &first);
    last = first;
    if (good && **list == '-') {
        *list += 1;
        good = take_number(list, &last);
    }
    while (good && **list == '/') {
        uint32_t op = 0;
        *list += 1;
        good = take_number(list, &op) && op < HOLM_PLAN_OPS_MAX;
        left_out |= good ? UINT32_C(1) << op : 0;
    }
    for (size_t i = 0; good && i < plan->count; i++) {
        if (plan->events[i].number < first || plan->events[i].number > last)
            continue;
        kept[i] = true;
        plan->events[i].left_out |= left_out;
    }
    return good;
}

static bool take_node(const char **list, uint64_t *absent)
{
    uint32_t node = 0;
    *list += 1;
    bool good = take_number(list, &node) && node < HOLM_PLAN_NODES_MAX;
    *absent |= good ? UINT64_C(1) << node : 0;
    return good;
}

bool holm_plan_keep_list(struct holm_plan *plan, const char *list)
{
    bool *kept = calloc(plan->count + 1, sizeof *kept);
    bool good = true;
    uint64_t absent = 0;
    HOLM_ASSERT(kept != NULL);
    while (good && *list != '\0') {
        good = *list == 'n' ? take_node(&list, &absent) : take_events(plan, &list, kept);
        if (*list == ',')
            list++;
        else
            good = good && *list == '\0';
    }
    if (good)
        holm_plan_keep(plan, kept);
    for (uint32_t node = 0; good && node < plan->settings.nodes; node++)
        if ((absent >> node & 1) != 0)
            holm_plan_leave_out(plan, node);
    free(kept);
    return good;
}
