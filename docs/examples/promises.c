/* SPDX-License-Identifier: Apache-2.0 */
/*
 * promises.c - a shop of two nodes: what was ordered at one is read at the other, at once; and a reader that went away
 * goes on where it was.
 */
#include <holm/holm.h>

#include <stdio.h>
#include <stdlib.h>

static void must(enum holm_status status)
{
    if (status == HOLM_OK)
        return;
    fprintf(stderr, "promises: %s: %s\n", holm_status_name(status), holm_strerror(status));
    exit(EXIT_FAILURE);
}

static struct holm_node *open_node(const char *name, const char *seeds)
{
    struct holm_config config = holm_config_default();
    struct holm_node *node;

    config.name = name;
    config.listen = "tcp://127.0.0.1:0";
    config.seeds = seeds;
    must(holm_open(&config, &node));
    return node;
}

/* Answers with a cookie, which the customer brings along to whichever node is asked next. */
static void order(struct holm_node *node, const char *what,
                  unsigned char cookie[HOLM_RECEIPT_BYTES])
{
    struct holm_op op = holm_op_insert(holm_str("cart:7"), holm_str("items"), holm_str(what));
    struct holm_receipt receipt;
    enum holm_status status;

    must(holm_commit(node, &op, 1, &receipt));
    status = holm_wait_seen(node, &receipt, HOLM_MAJORITY, 1000);
    if (status == HOLM_ETIMEDOUT)
        printf("%s is ordered, and not confirmed yet: it may still spread\n", what);
    else
        must(status);
    must(holm_receipt_encode(node, &receipt, cookie));
}

static bool has_ordered(struct holm_node *node, const char *what, const unsigned char *cookie)
{
    struct holm_receipt receipt;

    must(holm_receipt_decode(node, holm_mem(cookie, HOLM_RECEIPT_BYTES), &receipt));
    must(holm_wait_applied(node, &receipt, 5000));
    return holm_contains(node, holm_str("cart:7"), holm_str("items"), holm_str(what));
}

/* Tells what has changed since `position`, and moves it on. */
static int follow(struct holm_node *node, unsigned char *position, size_t capacity, size_t *size)
{
    struct holm_watch_options options = {.since = holm_mem(position, *size)};
    struct holm_watch *watch;
    struct holm_change change;
    int changes = 0;

    must(holm_watch_open_with(node, holm_str("cart:"), &options, &watch));
    must(holm_position(node, HOLM_EVERY_PARTITION, position, capacity, size));
    for (; holm_watch_next(watch, &change) == HOLM_OK; changes++) {
        if (change.overflow)
            printf("too much has changed: every cart is to be read\n");
        else
            printf("changed: %.*s\n", (int)change.key.size, (const char *)change.key.data);
    }
    holm_watch_close(watch);
    return changes;
}

int main(void)
{
    struct holm_node *lisbon = open_node("lisbon", NULL);
    struct holm_node *oslo = open_node("oslo", holm_address(lisbon));
    unsigned char cookie[HOLM_RECEIPT_BYTES], position[16384];
    size_t size;
    bool right;

    must(holm_wait_peers(lisbon, 1, 5000));
    must(holm_wait_peers(oslo, 1, 5000));
    must(holm_position(oslo, HOLM_EVERY_PARTITION, position, sizeof position, &size));
    order(lisbon, "milk", cookie);
    right = has_ordered(oslo, "milk", cookie);
    right &= follow(oslo, position, sizeof position, &size) == 1;
    right &= follow(oslo, position, sizeof position, &size) == 0;

    /* Without a cookie: whatever the other has by now. */
    must(holm_insert(lisbon, holm_str("cart:8"), holm_str("items"), holm_str("bread")));
    must(holm_wait_heard(oslo, HOLM_EVERY_PARTITION, HOLM_ALL, 5000));
    right &= holm_contains(oslo, holm_str("cart:8"), holm_str("items"), holm_str("bread"));
    right &= follow(oslo, position, sizeof position, &size) == 1;
    holm_close(oslo);
    holm_close(lisbon);
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
