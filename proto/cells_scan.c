/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/cells.h"
#include "proto/field.h"

#define VARINT HOLM_FIELD_VARINT
#define FIXED64 HOLM_FIELD_FIXED64
#define SIZED HOLM_FIELD_SIZED

const unsigned char holm_cells_forms[HOLM_CELLS_FIELD_MAX + 1] = {
    HOLM_FIELD_NONE, VARINT, SIZED, SIZED, SIZED, SIZED, SIZED, SIZED, SIZED,  VARINT,  SIZED,
    SIZED,           SIZED,  SIZED, SIZED, SIZED, SIZED, SIZED, SIZED, VARINT, FIXED64, FIXED64,
    SIZED,           SIZED,  SIZED, SIZED, SIZED, SIZED, SIZED, SIZED, SIZED,  SIZED,   SIZED,
    SIZED,           SIZED,  SIZED, SIZED, SIZED, SIZED, SIZED, SIZED};

/* Unknown fields must lie side by side, so that they can be kept as one piece. */
static bool keep_unknown(struct holm_cells *cells, struct holm_bytes field)
{
    const unsigned char *kept = cells->unknown.data;
    if (kept == NULL)
        cells->unknown = field;
    else if (kept + cells->unknown.size == field.data)
        cells->unknown.size += field.size;
    else
        return false;
    return true;
}

bool holm_cells_scan(struct holm_bytes bytes, struct holm_cells *cells)
{
    const unsigned char *at = bytes.data;
    const unsigned char *end = at + bytes.size;
    cells->present = 0;
    cells->unknown = holm_mem(NULL, 0);
    while (at < end) {
        const unsigned char *begun = at;
        struct holm_field field;
        at = holm_field_read(at, end, &field);
        if (at == NULL)
            return false;
        if (field.number > HOLM_CELLS_FIELD_MAX) {
            if (!keep_unknown(cells, holm_mem(begun, (size_t)(at - begun))))
                return false;
            continue;
        }
        if (field.form != holm_cells_forms[field.number] || holm_cells_has(cells, field.number))
            return false;
        cells->present |= (uint64_t)1 << field.number;
        cells->fields[field.number].at = field.at;
        cells->fields[field.number].number = field.value;
    }
    return true;
}

bool holm_cursor_open(struct holm_cursor *cursor, struct holm_bytes column)
{
    *cursor = (struct holm_cursor){NULL, NULL, 0};
    if (column.size == 0)
        return true;
    const unsigned char *at = column.data;
    const unsigned char *end = at + column.size;
    if (end[-1] >= 0x80)
        return false;
    const unsigned char *second = holm_varint_next(at, &cursor->value);
    if (second != end)
        *cursor = (struct holm_cursor){at, end, 0};
    return second != NULL;
}
