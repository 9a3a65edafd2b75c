/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/world/checker.h"

static void audit(struct holm_judge *judge, const struct holm_sight *sight)
{
    if (sight->outside)
        return;
    for (size_t i = 0; i < sight->cell_count && !judge->verdict.broken; i++) {
        uint32_t op = sight->cell_ops[i];
        if (op == HOLM_ORACLE_NONE || sight->cells[i].kind == HOLM_COUNTER)
            continue;
        uint32_t killer = holm_oracle_killer(sight->oracle, sight->view, op);
        if (killer == HOLM_ORACLE_NONE)
            continue;
        char text[200], by[200];
        holm_oracle_describe(sight->oracle, op, text, sizeof text);
        holm_oracle_describe(sight->oracle, killer, by, sizeof by);
        holm_judge_fail(judge, &holm_check_revived, sight->node, "it shows %s, gone since %s", text,
                        by);
    }
}

const struct holm_checker holm_check_revived = {
    .name = "revived",
    .claim = "what was replaced, removed or buried is not shown again",
    .audit = audit,
};
