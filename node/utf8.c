/* SPDX-License-Identifier: Apache-2.0 */
#include "node/utf8.h"

size_t holm_utf8_next(const unsigned char *text, size_t size, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    HOLM_ASSERT(size > 0);
    *code = text[0];
    if (text[0] < 0x80)
        return 1;
    size_t bytes = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
    if (text[0] < 0xc2 || text[0] > 0xf4 || bytes > size)
        return 0;
    *code = text[0] & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        *code = *code << 6 | (text[i] & 0x3fu);
    }
    bool surrogate = *code >= 0xd800 && *code < 0xe000;
    return *code >= least[bytes] && *code < 0x110000 && !surrogate ? bytes : 0;
}
