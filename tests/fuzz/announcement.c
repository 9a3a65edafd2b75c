/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a datagram of the group: by a stranger, and, vouched for, by a member who means harm.
 *
 *     input  ->  as it is                            nothing is taken: who sent it does not know the secret
 *            ->  with a right mark and voucher        taken, and then written again as it was; or refused
 *
 * T30: no read beyond it, no memory taken, whatever it says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/herald.h"
#include "tests/model/heap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "announcement: %s\n", what);
        abort();
    }
}

static void hear(struct holm_herald *herald, struct holm_bytes bytes)
{
    struct holm_actor self = {{1}, {1}};
    struct holm_now now = {.monotonic_us = 1000000, .wall_ms = 1795000000000};
    struct holm_roster_text texts[HOLM_HERALD_NODES_MAX];
    struct holm_herald_refused refused;
    holm_herald_take(herald, bytes, self, now);
    size_t count = holm_herald_list(herald, now, texts, &refused);
    require(count <= 1, "more nodes than announcements");
    require(count == 0 || texts[0].bytes[0] != '\0', "an address that is none");
}

static void go_round(struct holm_secret *secret, struct holm_herald *herald, const uint8_t *data,
                     size_t size)
{
    uint8_t bytes[HOLM_ANNOUNCEMENT_BYTES_MAX], again[HOLM_ANNOUNCEMENT_BYTES_MAX];
    struct holm_announcement read;
    uint64_t mark = holm_secret_cluster(secret);
    size = size < sizeof bytes - 40 ? size : sizeof bytes - 40;
    memcpy(bytes, data, size);
    for (size_t i = 0; i < 8; i++)
        bytes[size++] = (uint8_t)(mark >> (8 * i));
    holm_secret_vouch(secret, holm_mem(bytes, size), bytes + size);
    size += HOLM_VOUCHER_BYTES;
    uint8_t *copy = malloc(size);
    require(copy != NULL, "no memory");
    memcpy(copy, bytes, size);
    enum holm_announced announced = holm_announcement_decode(holm_mem(copy, size), secret, &read);
    require(announced == HOLM_ANNOUNCED || announced == HOLM_ANNOUNCED_MALFORMED,
            "a member is taken for a stranger");
    if (announced == HOLM_ANNOUNCED)
        require(holm_announcement_encode(&read, secret, again) == size &&
                    memcmp(again, copy, size) == 0,
                "there are two ways to write it");
    hear(herald, holm_mem(copy, size));
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct heap heap = {0};
    struct holm_secret *secret;
    struct holm_herald *herald;
    struct holm_announcement read;
    struct holm_herald_config config = {.allocator = heap_allocator(&heap), .insecure = true};
    require(holm_secret_new(&config.allocator, holm_str("0123456789abcdef"), "holm", &secret) ==
                HOLM_OK,
            "no memory");
    config.secret = secret;
    require(holm_herald_new(&config, &herald) == HOLM_OK, "no memory");
    uint64_t calls = heap.calls;
    require(holm_announcement_decode(holm_mem(data, size), secret, &read) != HOLM_ANNOUNCED,
            "a stranger is taken for a member");
    hear(herald, holm_mem(data, size));
    go_round(secret, herald, data, size);
    require(heap.calls == calls, "it takes memory");
    holm_herald_free(herald);
    holm_secret_free(secret);
    require(heap.blocks == 0, "memory is lost");
    return 0;
}
