/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - what time the system says it is: for who has no node to ask (holm_node_now(), node/node.h).
 */
#ifndef HOLM_NODE_CLOCK_H
#define HOLM_NODE_CLOCK_H

#include "crdt/base.h"

struct holm_now holm_clock_now(void);

#endif
