/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/roster_liar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define LIAR (WORLD_NODES - 1)

static void set_aside(struct holm_roster *roster)
{
    struct holm_roster_action action;
    while (holm_roster_next(roster, &action))
        continue;
    holm_roster_check(roster);
}

void liar_tell(struct world *world, const struct holm_member *members, size_t count)
{
    struct holm_hello hello = {
        .cluster = holm_str("test"),
        .version = HOLM_WIRE_VERSION,
        .partitions = 16,
        .self = {.actor = {{LIAR_ID}, {1}}, .name = holm_str("mallory")},
        .nonce = 4711,
        .members = members,
        .member_count = count,
    };
    struct holm_roster *roster = world->nodes[0].roster;
    world->wires[world->wire_count++] = (struct world_wire){LIAR, 0, true};
    struct holm_link_id link = {world->wire_count};
    holm_roster_link_up(roster, link, true, "", world->now);
    set_aside(roster);
    holm_roster_hello(roster, link, &hello, world->now);
    set_aside(roster);
    holm_roster_link_closed(roster, link, world->now);
    set_aside(roster);
}

void liar_tell_many(struct world *world, uint64_t first, size_t count, uint64_t epoch,
                    const char *format)
{
    static char texts[LIAR_MEMBERS_MAX][64];
    struct holm_member members[LIAR_MEMBERS_MAX];
    assert_true(count <= LIAR_MEMBERS_MAX);
    for (size_t i = 0; i < count; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(texts[i], sizeof texts[i], format, (unsigned)(first + i));
#pragma GCC diagnostic pop
        members[i] = (struct holm_member){
            {{first + i}, {epoch}}, holm_str("made up"), holm_str(texts[i]), false};
    }
    liar_tell(world, members, count);
}

uint32_t liar_dials_in(struct world *world, uint64_t duration_ms)
{
    uint32_t before = world->nodes[0].dials;
    world_run(world, duration_ms);
    return world->nodes[0].dials - before;
}
