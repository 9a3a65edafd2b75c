/* SPDX-License-Identifier: Apache-2.0 */
/*
 * testing.c - a small application, and a test that breaks its network in many ways.
 *
 *     cc testing.c $(pkg-config --cflags --libs holm-testing) && ./a.out
 *     ./a.out naive       the same with a flaw: a seed is found that sells a seat twice
 *
 * Three shops sell 60 seats. No shop may wait for another, for the network may be split. What cannot
 * be had is one pool for all ("while fewer than 60 are sold, sell"): in a split each side sees its
 * own sales only, and sells the rest once more. So each shop has an allotment of 20 seats of its own,
 * and asks its own counter. A shop that has none left may be given some by one that has.
 *
 *     sold     oslo: counter 17             by oslo alone
 *     given    oslo/rome: counter 5         from oslo to rome, by oslo alone
 *
 * Every counter has one writer, so what a shop reads of its own is always exact; what it reads of
 * others' gifts is never too much.
 */
#include <holm/testing.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the application: knows nothing of tests ------------------------------------------------ */

#define SHOPS 3
#define SEATS 60

static const char *const shop_names[SHOPS] = {"lisbon", "oslo", "rome"};

static const char *address_of(const char *name)
{
    return strcmp(name, "lisbon") == 0 ? "tcp://10.0.0.1:7001"
           : strcmp(name, "oslo") == 0 ? "tcp://10.0.0.2:7001"
                                       : "tcp://10.0.0.3:7001";
}

static struct holm_node *open_shop(const char *name)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;
    config.name = name;
    config.listen = address_of(name);
    config.seeds = address_of("lisbon");
    if (holm_open(&config, &node) != HOLM_OK)
        abort();
    return node;
}

static int64_t read_counter(struct holm_node *node, const char *key, const char *field)
{
    int64_t sum = 0;
    if (holm_count(node, holm_str(key), holm_str(field), &sum) != HOLM_OK)
        return 0; /* nobody has written it yet */
    return sum;
}

static int64_t read_gifts(struct holm_node *node, const char *from, const char *to)
{
    char field[64];
    snprintf(field, sizeof field, "%s/%s", from, to);
    return read_counter(node, "given", field);
}

static int64_t seats_left(struct holm_node *node, const char *name)
{
    int64_t left = SEATS / SHOPS - read_counter(node, "sold", name);
    for (int i = 0; i < SHOPS; i++)
        left += read_gifts(node, shop_names[i], name) - read_gifts(node, name, shop_names[i]);
    return left;
}

static int64_t all_sold(struct holm_node *node)
{
    int64_t sold = 0;
    for (int i = 0; i < SHOPS; i++)
        sold += read_counter(node, "sold", shop_names[i]);
    return sold;
}

/* Whether the customer gets a seat. */
static bool sell(struct holm_node *node, const char *name, bool naive)
{
    /* The flaw: what all have sold together is not known here, while the network is split. */
    bool may = naive ? all_sold(node) < SEATS : seats_left(node, name) > 0;
    return may && holm_add(node, holm_str("sold"), holm_str(name), 1) == HOLM_OK;
}

static void give(struct holm_node *node, const char *from, const char *to, int64_t seats)
{
    char field[64];
    snprintf(field, sizeof field, "%s/%s", from, to);
    if (strcmp(from, to) != 0 && seats_left(node, from) >= seats)
        (void)!holm_add(node, holm_str("given"), holm_str(field), seats);
}

/* ---- the test ------------------------------------------------------------------------------- */

struct shop {
    struct holm_testing *world;
    struct holm_node *node;
    const char *name;
    bool naive;
    int64_t tickets; /* in customers' hands: what the world has seen */
};

/* A customer comes, and later the next one. Timers make an actor of the shop. */
static void open_door(void *context)
{
    struct shop *shop = context;
    if (holm_testing_random(shop->world, 10) == 0)
        give(shop->node, shop->name, shop_names[holm_testing_random(shop->world, SHOPS)], 3);
    else if (sell(shop->node, shop->name, shop->naive))
        shop->tickets++;
    holm_testing_after(shop->world, shop->node,
                       holm_testing_random(shop->world, 500 * HOLM_TESTING_MS), open_door, shop);
}

/* What happens to the network is drawn from the seed. */
static void break_something(struct holm_testing *world)
{
    const char *shop = shop_names[holm_testing_random(world, SHOPS)];
    struct holm_testing_path slow = {.delay_us = 300 * HOLM_TESTING_MS, .loss_permille = 300};
    switch (holm_testing_random(world, 6)) {
    case 0:
        holm_testing_split(world, shop, NULL);
        break;
    case 1:
        holm_testing_cut(world, shop, NULL);
        break;
    case 2:
        holm_testing_set_path(world, shop, NULL, &slow);
        break;
    case 3:
        holm_testing_clock_jump(world, shop, -60000);
        break;
    default:
        holm_testing_heal(world, NULL, NULL);
    }
}

static bool all_is_well(struct holm_testing *world, const struct shop *shops)
{
    int64_t tickets = 0;
    if (holm_testing_converge(world, 60 * HOLM_TESTING_SECOND) != HOLM_OK)
        return false; /* why, is told with the seed */
    for (int i = 0; i < SHOPS; i++)
        tickets += shops[i].tickets;
    if (tickets > SEATS)
        printf("%d tickets for %d seats\n", (int)tickets, SEATS);
    return tickets <= SEATS && all_sold(shops[0].node) == tickets;
}

static bool story(void *context, struct holm_testing *world)
{
    struct shop shops[SHOPS];
    for (int i = 0; i < SHOPS; i++) {
        shops[i] = (struct shop){.world = world,
                                 .node = open_shop(shop_names[i]),
                                 .name = shop_names[i],
                                 .naive = context != NULL};
        open_door(&shops[i]);
    }
    for (int i = 0; i < 20; i++) {
        break_something(world);
        holm_testing_run(world, holm_testing_random(world, 2 * HOLM_TESTING_SECOND));
    }
    holm_testing_heal(world, NULL, NULL);
    return all_is_well(world, shops);
}

int main(int argc, char **argv)
{
    bool naive = argc > 1 && strcmp(argv[1], "naive") == 0;
    if (!holm_testing_seeds(1, naive ? 10 : 200, story, naive ? &naive : NULL))
        return EXIT_FAILURE;
    printf("no seat was sold twice\n");
    return EXIT_SUCCESS;
}
