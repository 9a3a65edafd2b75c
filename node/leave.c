/* SPDX-License-Identifier: Apache-2.0 */
#include "node/waiting.h"

/* For the peers to hang up, once they were told. */
#define FAREWELL_MS 1000

/* Whether this node may go: what it has written is a member's, and everybody who is up has it. */
static enum holm_status look(struct holm_node *node, void *context)
{
    (void)context;
    struct holm_engine_membership membership;
    uint32_t others = holm_engine_others(node->engine);
    uint32_t up = holm_engine_peers_up(node->engine);
    holm_engine_membership(node->engine, &membership);
    if (!membership.confirmed || membership.journalled > 0)
        return HOLM_ETIMEDOUT;
    return others > 0 && up == 0 ? HOLM_ETIMEDOUT : HOLM_OK;
}

static enum holm_status look_alone(struct holm_node *node, void *context)
{
    (void)context;
    return holm_engine_peers_up(node->engine) == 0 ? HOLM_OK : HOLM_ETIMEDOUT;
}

enum holm_status holm_leave(struct holm_node *node, uint32_t timeout_ms)
{
    struct holm_waiting may = {.look = look}, gone = {.look = look_alone};
    enum holm_status status = holm_node_check(node);
    if (status != HOLM_OK)
        return status;
    uint64_t begun_us = holm_node_now(node).monotonic_us;
    status = holm_node_wait(node, &may, timeout_ms);
    if (status != HOLM_OK)
        return status;
    uint64_t taken_ms = (holm_node_now(node).monotonic_us - begun_us) / 1000;
    uint32_t left_ms = taken_ms < timeout_ms ? timeout_ms - (uint32_t)taken_ms : 0;
    status = holm_wait_seen(node, NULL, holm_engine_peers_up(node->engine), left_ms);
    if (status != HOLM_OK)
        return status;
    holm_engine_leave(node->engine);
    if (holm_node_wait(node, &gone, FAREWELL_MS) != HOLM_OK)
        holm_log_tell(&node->log, holm_node_now(node), HOLM_LOG_LEFT_UNHEARD, HOLM_LOG_NOTHING);
    holm_close(node);
    return HOLM_OK;
}
