/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed.c - two nodes in one program write to one record at the same time, and come to agree.
 *
 *     cc embed.c $(pkg-config --cflags --libs holm) && ./a.out
 */
#include <holm/holm.h>

#include <stdio.h>
#include <stdlib.h>

/* Every call that can fail returns a status, and the compiler warns when nobody looks at it. */
static void must(enum holm_status status)
{
    if (status == HOLM_OK)
        return;
    fprintf(stderr, "embed: %s: %s\n", holm_status_name(status), holm_strerror(status));
    exit(EXIT_FAILURE);
}

static struct holm_node *open_node(const char *name, const char *seeds)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;

    config.name = name;                  /* unique in the cluster */
    config.listen = "tcp://127.0.0.1:0"; /* any free port; holm_address() tells which */
    config.seeds = seeds;                /* whom to dial first; the others are learnt from them */
    must(holm_open(&config, &node));
    return node;
}

static void show(struct holm_node *node, const char *city, struct holm_bytes hero)
{
    char name[64]; /* a value is copied to where the caller says, without a NUL */
    struct holm_value value;
    int64_t health;

    must(holm_get(node, hero, holm_str("name"), name, sizeof name, &value, NULL));
    must(holm_count(node, hero, holm_str("health"), &health));
    printf("%s: %.*s, health %lld, %s\n", city, (int)value.as.bytes.size, name, (long long)health,
           holm_enabled(node, hero, holm_str("patrolling")) ? "on patrol" : "at home");
}

int main(void)
{
    struct holm_node *lisbon = open_node("lisbon", NULL);
    struct holm_node *oslo = open_node("oslo", holm_address(lisbon));
    struct holm_bytes hero = holm_str("hero:7");

    /* Nobody waits for anybody to write. Whatever the order in which it arrives, nothing is lost. */
    must(holm_put(lisbon, hero, holm_str("name"), holm_text("Ada")));
    must(holm_add(lisbon, hero, holm_str("health"), 100));
    must(holm_add(oslo, hero, holm_str("health"), -7));
    must(holm_enable(oslo, hero, holm_str("patrolling")));

    /* Only to print the end of the story: until each has applied what the other wrote. */
    must(holm_wait_seen(lisbon, NULL, 1, 10000));
    must(holm_wait_seen(oslo, NULL, 1, 10000));
    show(lisbon, "lisbon", hero);
    show(oslo, "oslo", hero);

    holm_close(oslo);
    holm_close(lisbon);
    return EXIT_SUCCESS;
}
