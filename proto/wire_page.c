/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/wire.h"

/* A page is not relayed but merged into the state, so what is not understood must not be dropped. */
static enum holm_status check_page(struct holm_wire_reading *reading,
                                   const Holm__Wire__Cells *cells, struct holm_fill_sizes *sizes)
{
    if (cells->base.n_unknown_fields > 0)
        return HOLM_EVERSION;
    if ((cells->first | cells->span | cells->node | cells->epoch) != 0 || cells->deps != NULL ||
        cells->collected != NULL)
        return HOLM_EMALFORMED;
    if (cells->n_run_firsts + cells->n_run_spans + cells->n_run_actors + cells->n_run_items +
            cells->n_run_others + cells->n_others >
        0)
        return HOLM_EMALFORMED;
    struct holm_wire_actors table = holm_wire_table(cells);
    sizes->actors = table.n_epochs;
    enum holm_status status = holm_wire_spend(&reading->left.actors_max, sizes->actors);
    if (status == HOLM_OK)
        status = holm_wire_check_actors(&table);
    if (status == HOLM_OK)
        status = holm_wire_check_items(reading, cells, sizes);
    return status;
}

enum holm_status holm_wire_read_page(struct holm_wire_reading *reading,
                                     const Holm__Wire__Cells *cells, struct holm_page **page)
{
    *page = NULL;
    struct holm_fill_sizes sizes = {0};
    enum holm_status status = check_page(reading, cells, &sizes);
    if (status != HOLM_OK)
        return status;
    struct holm_page *made = NULL;
    struct holm_fill fill;
    status = holm_page_new(reading->allocator, &sizes, &made, &fill);
    if (status != HOLM_OK)
        return status;
    struct holm_wire_actors table = holm_wire_table(cells);
    holm_wire_read_actors(&table, fill.actors, sizeof fill.actors[0]);
    status = holm_wire_read_items(reading, cells, 0, 0, &fill);
    if (status == HOLM_OK)
        status = holm_page_check(made);
    if (status != HOLM_OK) {
        holm_page_release(made);
        return status;
    }
    *page = made;
    return HOLM_OK;
}
