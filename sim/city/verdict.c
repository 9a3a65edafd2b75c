/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/city/verdict.h"

#include <stdlib.h>

/* What is known of one place: seqs. */
struct place_facts {
    uint64_t any;   /* the highest that a survivor's final vector covers */
    uint64_t all;   /* the highest that every survivor's final vector covers */
    uint64_t acked; /* the highest that a survivor of another city reported seen */
    uint64_t lines; /* how many distinct seqs up to `any` are journalled */
};

struct hero_facts {
    int64_t balance;                       /* boosts minus damage, of binding lines */
    uint32_t shown;                        /* how many survivors show it alive */
    uint32_t held;                         /* how many survivors hold it buried */
    bool born, buried;                     /* by a binding line */
    bool missed;                           /* a line of its burial is lost, and counted as that */
    bool wrong;                            /* its health, at some survivor */
    bool differs;                          /* between survivors */
    const struct holm_ledger_alive *first; /* as the first survivor shows it */
};

struct inquest {
    const struct holm_ledger *ledger;
    struct holm_verdict *verdict;
    struct place_facts *places;
    struct hero_facts *heroes;
    struct holm_ledger_op *ops; /* sorted by place and seq */
    const struct holm_ledger_life *first_survivor;
};

static bool survives(const struct holm_ledger_life *life)
{
    return !life->died && life->dumped;
}

static void hear_survivor(struct inquest *inquest, const struct holm_ledger_life *life)
{
    bool first = inquest->first_survivor == NULL;
    inquest->verdict->survivors++;
    if (first) {
        inquest->first_survivor = life;
        inquest->verdict->agreed = true;
    } else if (!holm_ledger_equal(&inquest->first_survivor->final, &life->final) ||
               inquest->first_survivor->digest != life->digest) {
        inquest->verdict->agreed = false;
    }
    for (size_t i = 0; i < inquest->ledger->place_count; i++) {
        struct place_facts *facts = &inquest->places[i];
        uint64_t final = holm_ledger_seq(&life->final, i);
        uint64_t seen = holm_ledger_seq(&life->seen, i);
        if (final > facts->any)
            facts->any = final;
        if (first || final < facts->all)
            facts->all = final;
        if (inquest->ledger->places[i].actor.node.value != life->node.value && seen > facts->acked)
            facts->acked = seen;
    }
}

static int compare_ops(const void *left, const void *right)
{
    const struct holm_ledger_op *a = left;
    const struct holm_ledger_op *b = right;
    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return (a->seq > b->seq) - (a->seq < b->seq);
}

static void weigh_line(struct inquest *inquest, const struct holm_ledger_op *op)
{
    struct place_facts *place = &inquest->places[op->place];
    struct hero_facts *hero = &inquest->heroes[op->hero];
    if (op->seq <= place->any)
        place->lines++;
    if (op->seq <= place->acked && op->seq > place->all) {
        inquest->verdict->lost_acknowledged++;
        hero->missed = hero->missed || op->verb == HOLM_JOURNAL_BURY;
    }
    if (op->seq > place->any && op->seq > place->acked) {
        inquest->verdict->perished++;
        return;
    }
    inquest->verdict->binding++;
    switch (op->verb) {
    case HOLM_JOURNAL_BORN:
        hero->born = true;
        break;
    case HOLM_JOURNAL_BOOST:
        hero->balance += op->amount;
        break;
    case HOLM_JOURNAL_DAMAGE:
        hero->balance -= op->amount;
        break;
    case HOLM_JOURNAL_BURY:
        hero->buried = true;
        break;
    case HOLM_JOURNAL_WRITE:
        break;
    }
}

static void weigh_lines(struct inquest *inquest)
{
    size_t count = inquest->ledger->op_count;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && compare_ops(&inquest->ops[i - 1], &inquest->ops[i]) == 0)
            inquest->verdict->reused_dots++;
        else
            weigh_line(inquest, &inquest->ops[i]);
    }
    for (size_t i = 0; i < inquest->ledger->place_count; i++) {
        if (inquest->places[i].any > inquest->places[i].lines)
            inquest->verdict->unjournaled += inquest->places[i].any - inquest->places[i].lines;
    }
}

static bool shown_alike(const struct holm_ledger_alive *a, const struct holm_ledger_alive *b)
{
    return a->health == b->health && a->patrolling == b->patrolling &&
           strcmp(a->city, b->city) == 0;
}

static void look_at_heroes(struct inquest *inquest, const struct holm_ledger_life *life)
{
    for (size_t i = 0; i < life->alive_count; i++) {
        const struct holm_ledger_alive *alive = &life->alive[i];
        struct hero_facts *hero = &inquest->heroes[alive->hero];
        hero->shown++;
        if (hero->first == NULL)
            hero->first = alive;
        else if (!shown_alike(hero->first, alive))
            hero->differs = true;
        if (alive->health != HOLM_HERO_HEALTH_MAX + hero->balance)
            hero->wrong = true;
    }
    for (size_t i = 0; i < life->buried_count; i++)
        inquest->heroes[life->buried[i]].held++;
}

static void judge_heroes(struct inquest *inquest)
{
    struct holm_verdict *verdict = inquest->verdict;
    for (size_t i = 0; i < inquest->ledger->hero_count; i++) {
        const struct hero_facts *hero = &inquest->heroes[i];
        bool alive = hero->shown > 0;
        bool apart = (alive && hero->shown < verdict->survivors) ||
                     (hero->held > 0 && hero->held < verdict->survivors);
        verdict->resurrected += alive && hero->buried;
        verdict->counter_errors += alive && hero->wrong;
        verdict->unexplained += (alive && !hero->born) || (hero->held > 0 && !hero->buried);
        verdict->disagreements += hero->differs || apart;
        verdict->lost_acknowledged += !alive && hero->born && !hero->buried;
        verdict->lost_acknowledged += hero->buried && !hero->missed &&
                                      hero->held < verdict->survivors;
    }
}

enum holm_status holm_verdict_compute(const struct holm_ledger *ledger,
                                      struct holm_verdict *verdict)
{
    *verdict = (struct holm_verdict){.operations = ledger->op_count};
    struct inquest inquest = {.ledger = ledger, .verdict = verdict};
    inquest.places = calloc(ledger->place_count + 1, sizeof inquest.places[0]);
    inquest.heroes = calloc(ledger->hero_count + 1, sizeof inquest.heroes[0]);
    inquest.ops = calloc(ledger->op_count + 1, sizeof inquest.ops[0]);
    enum holm_status status = HOLM_ENOMEM;
    if (inquest.places == NULL || inquest.heroes == NULL || inquest.ops == NULL)
        goto done;
    if (ledger->op_count > 0)
        memcpy(inquest.ops, ledger->ops, ledger->op_count * sizeof ledger->ops[0]);
    qsort(inquest.ops, ledger->op_count, sizeof inquest.ops[0], compare_ops);
    for (size_t i = 0; i < ledger->life_count; i++) {
        if (survives(&ledger->lives[i]))
            hear_survivor(&inquest, &ledger->lives[i]);
    }
    weigh_lines(&inquest);
    for (size_t i = 0; i < ledger->life_count; i++) {
        if (survives(&ledger->lives[i]))
            look_at_heroes(&inquest, &ledger->lives[i]);
    }
    judge_heroes(&inquest);
    status = HOLM_OK;
done:
    free(inquest.places);
    free(inquest.heroes);
    free(inquest.ops);
    return status;
}

bool holm_verdict_clean(const struct holm_verdict *verdict)
{
    return verdict->agreed && verdict->survivors > 0 && verdict->lost_acknowledged == 0 &&
           verdict->resurrected == 0 && verdict->counter_errors == 0 && verdict->reused_dots == 0 &&
           verdict->unjournaled == 0 && verdict->unexplained == 0 && verdict->disagreements == 0;
}
