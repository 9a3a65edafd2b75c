/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a history of three replicas: operations, batches, flushes, what arrives when, twice or never, links that
 * break, pulls, syncs, deaths, restarts, new epochs. Each replica is held against the reference after every action; at
 * the end everything heals, all must become equal with nothing lost that a survivor had, and be quiet. With half of the
 * inputs tombstones are collected, epochs folded and ghosts dropped. T14: counters leave 64 bits.
 * T29: a field is of several kinds at once, elements are empty, numbers NaN and -0.0.
 *
 *     HOLM_FUZZ_STORY=1      tells the history, and every event
 */
#include "tests/model/script.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct script script;
    bool story = getenv("HOLM_FUZZ_STORY") != NULL;
    script_read(&script, data, size);
    if (story) {
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        script_print(&script);
    }
    (void)script_play(&script, story);
    return 0;
}
