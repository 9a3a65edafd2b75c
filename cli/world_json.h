/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_json.h - what `holm world --json FILE` leaves of the seeds that were played.
 *
 *     {"runs": [{"seed": 7, "preset": "chaos", "holds": true, …, "hash": "…"}, …],
 *      "seeds": 1, "failed": 0}
 *
 * One seed or many: the same form. Seeds stand in the order in which they ended.
 */
#ifndef HOLM_CLI_WORLD_JSON_H
#define HOLM_CLI_WORLD_JSON_H

#include <stdio.h>

#include "sim/world/play.h"

struct holm_world_json {
    FILE *file; /* NULL: nobody asked for it, and nothing is written */
    uint64_t seeds, failed;
};

/* `path` NULL: all that follows does nothing. False: the file cannot be written; a line says why. */
bool holm_world_json_open(struct holm_world_json *json, const char *path);
/* `preset`: that of the seed's plan, or the name of the scenario. */
void holm_world_json_add(struct holm_world_json *json, uint64_t seed, const char *preset,
                         const struct holm_play_result *result);
/* False: not all could be written; a line says why. */
bool holm_world_json_close(struct holm_world_json *json, const char *path);

#endif
