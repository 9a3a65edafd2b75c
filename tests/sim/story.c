/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/story.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void on_fail(void *context, const struct holm_verdict *verdict)
{
    (void)context;
    fail_msg("n%d: %s", (int)verdict->node, verdict->why);
}

struct holm_script *story_new(uint32_t nodes, unsigned options)
{
    const struct holm_script_hook hook = {.fail = on_fail};
    struct holm_script *script = calloc(1, sizeof *script);
    assert_non_null(script);
    holm_script_init(script, 1, &hook);
    holm_script_open(script, nodes, options | HOLM_SCRIPT_UNJUDGED);
    return script;
}

void story_end(struct holm_script *script)
{
    holm_script_close(script);
    free(script);
}
