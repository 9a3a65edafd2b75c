/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "node/token.h"
#include "node/waiting.h"

/* ---- what is to be here ---------------------------------------------------------------------- */

struct reached {
    const struct holm_position_part *parts;
    size_t count;
};

static enum holm_status look_at(struct holm_node *node, const struct holm_position_part *part)
{
    switch (holm_engine_presence(node->engine, part->partition, part->vector)) {
    case HOLM_PRESENCE_HERE:
        return HOLM_OK;
    case HOLM_PRESENCE_MISSING:
        break;
    case HOLM_PRESENCE_LOST:
        return HOLM_ENOENT;
    }
    return HOLM_ETIMEDOUT;
}

/* What is lost is said even where something else is still missing. */
static enum holm_status look_reached(struct holm_node *node, void *context)
{
    const struct reached *reached = context;
    enum holm_status worst = HOLM_OK;
    for (size_t i = 0; i < reached->count && worst != HOLM_ENOENT; i++) {
        enum holm_status status = look_at(node, &reached->parts[i]);
        worst = status == HOLM_OK ? worst : status;
    }
    return worst;
}

/* Anew each time: who had nothing of it the last time may have it by now. */
static enum holm_status ask_reached(struct holm_node *node, void *context)
{
    const struct reached *reached = context;
    enum holm_status status = HOLM_OK;
    for (size_t i = 0; i < reached->count && status == HOLM_OK; i++) {
        uint64_t number = 0;
        if (look_at(node, &reached->parts[i]) == HOLM_ETIMEDOUT)
            status = holm_engine_hear(node->engine, reached->parts[i].partition, &number,
                                      holm_node_now(node));
    }
    return status;
}

static enum holm_status wait_parts(struct holm_node *node, const struct holm_position_part *parts,
                                   size_t count, uint32_t timeout_ms)
{
    struct reached reached = {parts, count};
    struct holm_waiting waiting = {look_reached, ask_reached, &reached};
    return holm_node_wait(node, &waiting, timeout_ms);
}

static enum holm_status look_minted(struct holm_node *node, void *context)
{
    const uint32_t *partition = context;
    uint64_t minted;
    return holm_engine_journals(node->engine, *partition, &minted) ? HOLM_ETIMEDOUT : HOLM_OK;
}

enum holm_status holm_wait_applied(struct holm_node *node, const struct holm_receipt *receipt,
                                   uint32_t timeout_ms)
{
    enum holm_status status = holm_receipt_check(node, receipt);
    if (status != HOLM_OK)
        return status;
    if (receipt == NULL || (receipt->count == 0 && !receipt->journalled))
        return HOLM_OK;
    if (receipt->journalled) {
        uint32_t partition = receipt->partition;
        struct holm_waiting waiting = {.look = look_minted, .context = &partition};
        return holm_node_wait(node, &waiting, timeout_ms);
    }
    struct holm_dot last = holm_receipt_last(receipt);
    struct holm_position_part part = {receipt->partition, {&last, 1}};
    return wait_parts(node, &part, 1, timeout_ms);
}

enum holm_status holm_wait_reached(struct holm_node *node, struct holm_bytes bytes,
                                   uint32_t timeout_ms)
{
    enum holm_status status = holm_node_check(node);
    struct holm_position position;
    if (status != HOLM_OK)
        return status;
    status = holm_position_decode(node->engine, bytes, &position);
    if (status != HOLM_OK)
        return status;
    status = wait_parts(node, position.parts, position.count, timeout_ms);
    holm_position_release(&position);
    return status;
}

/* ---- what peers have ------------------------------------------------------------------------- */

struct heard {
    uint32_t peers;
    uint32_t first, count;
    uint64_t *numbers;
};

static enum holm_status look_heard(struct holm_node *node, void *context)
{
    const struct heard *heard = context;
    uint32_t peers = holm_node_peers_meant(node, heard->peers);
    uint32_t told = holm_engine_heard(node->engine, heard->first, heard->numbers, heard->count);
    return told >= peers ? HOLM_OK : HOLM_ETIMEDOUT;
}

static enum holm_status ask_heard(struct holm_node *node, void *context)
{
    const struct heard *heard = context;
    enum holm_status status = HOLM_OK;
    for (uint32_t i = 0; i < heard->count && status == HOLM_OK; i++)
        status = holm_engine_hear(node->engine, heard->first + i, &heard->numbers[i],
                                  holm_node_now(node));
    return status;
}

enum holm_status holm_wait_heard(struct holm_node *node, uint32_t partition, uint32_t peers,
                                 uint32_t timeout_ms)
{
    enum holm_status status = holm_node_check(node);
    if (status != HOLM_OK)
        return status;
    bool every = partition == HOLM_EVERY_PARTITION;
    struct heard heard = {.peers = peers, .first = every ? 0 : partition};
    heard.count = every ? holm_engine_partitions(node->engine) : 1;
    if (heard.first >= holm_engine_partitions(node->engine))
        return HOLM_EINVAL;
    heard.numbers = calloc(heard.count, sizeof *heard.numbers);
    if (heard.numbers == NULL)
        return HOLM_ENOMEM;
    struct holm_waiting waiting = {look_heard, ask_heard, &heard};
    status = holm_node_wait(node, &waiting, timeout_ms);
    free(heard.numbers);
    return status;
}
