/* SPDX-License-Identifier: Apache-2.0 */
#include "node/log.h"

#include <stdarg.h>
#include <stdio.h>

void holm_log_line(const struct holm_log *log, enum holm_log_level level, const char *format, ...)
{
    if ((int)level > log->level)
        return;
    char line[501];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (log->write != NULL)
        log->write(log->context, (int)level, line);
    else
        fprintf(stderr, "holm%s%s: %s\n", log->speaker[0] == '\0' ? "" : " ", log->speaker, line);
}
