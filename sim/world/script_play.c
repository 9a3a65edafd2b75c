/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdlib.h>

#include "sim/world/script.h"
#include "sim/world/trace.h"

struct stage {
    struct holm_script script;
    const struct holm_play_options *options;
    struct holm_play_result *result;
    bool whole;
    jmp_buf end; /* of what has broken */
};

/* What is done, as against what comes of it. */
static bool is_step(const struct holm_world_event *event)
{
    return event->type == HOLM_WORLD_STARTED || event->type == HOLM_WORLD_ENDED ||
           event->type == HOLM_WORLD_COMMITTED || event->type == HOLM_WORLD_FAULT ||
           event->type == HOLM_WORLD_REPLACED;
}

static void on_event(void *context, const struct holm_world_event *event)
{
    struct stage *stage = context;
    struct holm_play_result *result = stage->result;
    if (stage->options->trace != NULL && (stage->whole || is_step(event)))
        holm_trace_line(stage->options->trace, event);
    if (event->type == HOLM_WORLD_SENT) {
        result->frames++;
        result->bytes += event->frame.size;
    } else if (event->type == HOLM_WORLD_COMMITTED) {
        result->commits++;
        result->operations += event->op_count;
        result->refused += event->status != HOLM_OK;
    } else if (event->type == HOLM_WORLD_STARTED) {
        result->lives++;
    }
}

static void on_fail(void *context, const struct holm_verdict *verdict)
{
    struct stage *stage = context;
    stage->result->verdict = *verdict;
    longjmp(stage->end, 1);
}

/* Apart, for what it has in registers is lost when the act breaks. */
static void play(struct stage *stage, const struct holm_script_act *act)
{
    if (setjmp(stage->end) == 0)
        act->play(&stage->script);
}

void holm_script_play(const struct holm_script_act *act, uint64_t seed,
                      const struct holm_play_options *options, bool whole,
                      struct holm_play_result *result)
{
    struct stage *stage = calloc(1, sizeof *stage);
    HOLM_ASSERT(stage != NULL);
    struct holm_script *script = &stage->script;
    const struct holm_script_hook hook = {on_event, on_fail, stage};
    *result = (struct holm_play_result){.hash = 0};
    stage->options = options;
    stage->result = result;
    stage->whole = whole;
    holm_script_init(script, seed, &hook);
    play(stage, act);
    result->hash = script->hash;
    result->virtual_us = script->virtual_us;
    result->converged_us = script->converged_us;
    result->heap_peak = script->heap_peak;
    result->looks = script->looks;
    if (script->world != NULL) {
        result->hash ^= holm_world_hash(script->world);
        result->virtual_us += holm_world_now_us(script->world);
    }
    /* What has broken may have transports in that world, which nobody can close any more: both stay. */
    if (result->verdict.broken)
        return;
    holm_script_release(script);
    free(stage);
}
