/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/world_json.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *word(bool yes)
{
    return yes ? "true" : "false";
}

static void complain(const char *path)
{
    (void)fprintf(stderr, "holm world: cannot write %s: %s\n", path, strerror(errno));
}

bool holm_world_json_open(struct holm_world_json *json, const char *path)
{
    *json = (struct holm_world_json){.file = NULL};
    if (path == NULL)
        return true;
    json->file = fopen(path, "w");
    if (json->file == NULL) {
        complain(path);
        return false;
    }
    (void)fputs("{\n  \"runs\": [", json->file);
    return true;
}

void holm_world_json_add(struct holm_world_json *json, uint64_t seed, const char *preset,
                         const struct holm_play_result *result)
{
    const struct holm_verdict *verdict = &result->verdict;
    if (json->file == NULL)
        return;
    (void)fprintf(json->file,
                  "%s\n    {\"seed\": %" PRIu64 ", \"preset\": \"%s\", \"holds\": %s, \"claim\": "
                  "\"%s\", \"hash\": \"%016" PRIx64 "\", \"operations\": %" PRIu64
                  ", \"frames\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"virtual_us\": %" PRIu64
                  ", \"converged_us\": %" PRIu64 ", \"stuck\": %s, \"blind\": %s, "
                  "\"folded_looks\": %" PRIu64 ", \"by_others\": %" PRIu64 ", \"by_sums\": %" PRIu64
                  "}",
                  json->seeds == 0 ? "" : ",", seed, preset, word(!verdict->broken),
                  verdict->broken ? verdict->claim : "", result->hash, result->operations,
                  result->frames, result->bytes, result->virtual_us, result->converged_us,
                  word(result->stuck), word(result->blind), result->readings.folded,
                  result->readings.others, result->readings.sums);
    json->seeds++;
    json->failed += verdict->broken;
}

bool holm_world_json_close(struct holm_world_json *json, const char *path)
{
    if (json->file == NULL)
        return true;
    (void)fprintf(json->file, "\n  ],\n  \"seeds\": %" PRIu64 ",\n  \"failed\": %" PRIu64 "\n}\n",
                  json->seeds, json->failed);
    /* Flushed first: what could not be written then says why. */
    bool whole = fflush(json->file) == 0 && ferror(json->file) == 0;
    if (!whole)
        complain(path);
    whole &= fclose(json->file) == 0;
    json->file = NULL;
    return whole;
}
