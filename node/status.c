/* SPDX-License-Identifier: Apache-2.0 */
#include <holm/status.h>

const char *holm_strerror(enum holm_status status)
{
    switch (status) {
#define HOLM_STATUS_SENTENCE(name, value, sentence)                                                \
    case HOLM_##name:                                                                              \
        return sentence;
        HOLM_STATUS_LIST(HOLM_STATUS_SENTENCE)
#undef HOLM_STATUS_SENTENCE
    }
    return "unknown status";
}

const char *holm_status_name(enum holm_status status)
{
    switch (status) {
#define HOLM_STATUS_NAME(name, value, sentence)                                                    \
    case HOLM_##name:                                                                              \
        return "HOLM_" #name;
        HOLM_STATUS_LIST(HOLM_STATUS_NAME)
#undef HOLM_STATUS_NAME
    }
    return "unknown status";
}
