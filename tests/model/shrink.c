/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/model/shrink.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

bool shrink_plays(const struct script *script)
{
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_WRONLY);
        (void)dup2(nowhere, 1);
        (void)dup2(nowhere, 2);
        (void)script_play(script, false);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child)
        abort();
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Keeps the shorter script if it fails too. */
static bool adopt(struct script *script, const struct script *shorter)
{
    if (shrink_plays(shorter))
        return false;
    *script = *shorter;
    return true;
}

static bool drop_actions(struct script *script, size_t first, size_t count)
{
    static struct script shorter;
    shorter = *script;
    memmove(&shorter.actions[first], &script->actions[first + count],
            (script->action_count - first - count) * sizeof *script->actions);
    shorter.action_count -= count;
    return adopt(script, &shorter);
}

static bool drop_runs_of_actions(struct script *script)
{
    bool shrunk = false;
    for (size_t count = script->action_count / 2; count > 0; count /= 2)
        for (size_t first = script->action_count; first > 0;) {
            first = first > count ? first - count : 0;
            if (first + count <= script->action_count)
                shrunk |= drop_actions(script, first, count);
        }
    return shrunk;
}

static void drop_ops(struct script *script)
{
    static struct script shorter;
    for (size_t i = 0; i < script->action_count; i++)
        while (script->actions[i].op_count > 1) {
            shorter = *script;
            shorter.actions[i].op_count--;
            if (adopt(script, &shorter))
                continue;
            shorter = *script;
            shorter.actions[i].op_first++;
            shorter.actions[i].op_count--;
            if (!adopt(script, &shorter))
                break;
        }
}

static void calm_settings(struct script *script)
{
    static struct script shorter;
    for (int setting = 0; setting < 12; setting++) {
        struct holm_replica_config calm = holm_replica_config_default();
        shorter = *script;
        switch (setting) {
        case 0:
            shorter.settings.wire = false;
            break;
        case 1:
            shorter.settings.double_permille = 0;
            break;
        case 2:
            shorter.settings.loss_permille = shorter.settings.loss_permille > 500 ? 1000 : 0;
            break;
        case 3:
            shorter.settings.delay_us = 100;
            break;
        case 4:
            shorter.limits.flush_bytes = calm.flush_bytes;
            break;
        case 5:
            shorter.limits.log_bytes_max = calm.log_bytes_max;
            break;
        case 6:
            shorter.limits.holdback_bytes_max = calm.holdback_bytes_max;
            break;
        case 7:
            shorter.limits.page_items_max = calm.page_items_max;
            break;
        case 8:
            shorter.limits.flush_interval_us = calm.flush_interval_us;
            break;
        case 9:
            shorter.limits.frame_bytes_max = calm.frame_bytes_max;
            break;
        case 10:
            shorter.limits.kept_bytes_max = calm.kept_bytes_max;
            break;
        default:
            shorter.limits.cuts_max = calm.cuts_max;
            break;
        }
        (void)adopt(script, &shorter);
    }
}

void shrink_script(struct script *script)
{
    calm_settings(script);
    while (drop_runs_of_actions(script))
        continue;
    drop_ops(script);
    calm_settings(script);
    (void)drop_runs_of_actions(script);
}
