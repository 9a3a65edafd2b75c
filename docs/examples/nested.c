/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nested.c - fields inside fields: written and read by path, shown as a tree, removed with what is
 * below; and a set that is read in parts.
 *
 *     cc nested.c $(pkg-config --cflags --libs holm) && ./a.out
 */
#include <holm/holm.h>

#include <stdio.h>
#include <stdlib.h>

static void must(enum holm_status status)
{
    if (status == HOLM_OK)
        return;
    fprintf(stderr, "nested: %s: %s\n", holm_status_name(status), holm_strerror(status));
    exit(EXIT_FAILURE);
}

/* One operation of a batch, so that a street never shows without its city. */
static void move(struct holm_node *node, struct holm_bytes hero, const char *street,
                 const char *city)
{
    const struct holm_op ops[] = {
        holm_op_put_at(hero, HOLM_PATH("home", "street"), holm_text(street)),
        holm_op_put_at(hero, HOLM_PATH("home", "city"), holm_text(city)),
        holm_op_add_at(hero, HOLM_PATH("home", "moves"), 1),
    };

    must(holm_commit(node, ops, sizeof ops / sizeof ops[0], NULL));
}

static void show_value(const struct holm_entry *entry)
{
    if (entry->kind == HOLM_SET)
        printf(" has %.*s\n", (int)entry->element.size, (const char *)entry->element.data);
    else if (entry->value.type == HOLM_I64)
        printf(" = %lld\n", (long long)entry->value.as.i64);
    else
        printf(" = %.*s\n", (int)entry->value.as.bytes.size,
               (const char *)entry->value.as.bytes.data);
}

/* All that lies at and below a path; each entry says where it is. */
static void show(struct holm_node *node, struct holm_bytes hero, struct holm_path path)
{
    struct holm_view *view;
    enum holm_status status = holm_read_at(node, hero, path, &view);

    if (status == HOLM_ENOENT) {
        printf("nothing\n");
        return;
    }
    must(status);
    for (size_t i = 0; i < holm_view_count(view); i++) {
        const struct holm_entry *entry = holm_view_entry(view, i);

        for (size_t n = 0; n < entry->path.count; n++)
            printf("/%.*s", (int)entry->path.names[n].size,
                   (const char *)entry->path.names[n].data);
        show_value(entry);
    }
    holm_view_free(view);
}

/* A set of any size, a hundred elements at a time. */
static size_t count_elements(struct holm_node *node, struct holm_bytes hero, struct holm_path path)
{
    struct holm_view *next, *view = NULL;
    struct holm_bytes last, *after = NULL;
    size_t count = 0;

    while (holm_elements_at(node, hero, path, after, 100, &next) == HOLM_OK) {
        count += holm_view_count(next);
        holm_view_free(view); /* `after` pointed into it until now */
        view = next;
        last = holm_view_entry(view, holm_view_count(view) - 1)->element;
        after = &last;
    }
    holm_view_free(view);
    return count;
}

int main(void)
{
    struct holm_config config = holm_config_default();
    struct holm_bytes hero = holm_str("hero:7");
    struct holm_node *node;
    char name[24];

    config.name = "lisbon";
    must(holm_open(&config, &node));

    must(holm_put(node, hero, holm_str("name"), holm_text("Ada")));
    must(holm_insert_at(node, hero, HOLM_PATH("friends", "close"), holm_str("hero:9")));
    move(node, hero, "Rua Augusta", "Lisbon");
    move(node, hero, "Karl Johans gate", "Oslo");
    show(node, hero, HOLM_PATH("home"));

    for (int i = 0; i < 250; i++) {
        snprintf(name, sizeof name, "hero:%d", 100 + i);
        must(holm_insert_at(node, hero, HOLM_PATH("friends", "met"), holm_str(name)));
    }
    printf("%zu met\n", count_elements(node, hero, HOLM_PATH("friends", "met")));

    must(holm_remove_at(node, hero, HOLM_PATH("home")));
    show(node, hero, HOLM_PATH("home"));
    show(node, hero, HOLM_PATH("friends", "close"));
    holm_close(node);
    return EXIT_SUCCESS;
}
