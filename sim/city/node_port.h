/* SPDX-License-Identifier: Apache-2.0 */
/*
 * node_port.h - a city's port on a node of this process.
 */
#ifndef HOLM_SIM_CITY_NODE_PORT_H
#define HOLM_SIM_CITY_NODE_PORT_H

#include "sim/city/port.h"

struct holm_node_port {
    struct holm_node *node;     /* borrowed */
    struct holm_watch *watch;   /* of all heroes */
    struct holm_city_port port; /* its context is this struct, which must not move */
};

/* The node must outlive the port. What holm_watch_open() answers. */
HOLM_NODISCARD enum holm_status holm_node_port_open(struct holm_node_port *node_port,
                                                    struct holm_node *node);
void holm_node_port_close(struct holm_node_port *node_port);

#endif
