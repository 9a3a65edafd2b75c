/* SPDX-License-Identifier: Apache-2.0 */
/*
 * control.h - what the parent tells a city, one line at a time.
 *
 *     create hero:6f1d… Silver Otter     letters, for the city's mailbox: read in their order
 *     delete hero:6f1d…
 *     assign hero:6f1d…
 *     hold 3                             timers stand still; reports carry the 3 from now on
 *     go 4
 *     bomb
 *     join ipc:///tmp/…/oslo             errands, for the process around the city: done at once
 *     cut oslo                           drop all frames from and to it
 *     heal                               take all cuts away
 *     report                             tell your figures now
 *     dump 4711 140                      tell all you have, and who of the 140 heroes of the story
 *                                        with the seed 4711 is buried
 *     quit
 */
#ifndef HOLM_SIM_CITY_CONTROL_H
#define HOLM_SIM_CITY_CONTROL_H

#include "sim/city/mailbox.h"

#define HOLM_CONTROL_LINE_BYTES_MAX 256 /* NUL included */
#define HOLM_CONTROL_TEXT_BYTES_MAX 127

enum holm_control_type {
    HOLM_CONTROL_LETTER = 1,
    HOLM_CONTROL_JOIN = 2, /* text: an address */
    HOLM_CONTROL_CUT = 3,  /* text: a city */
    HOLM_CONTROL_HEAL = 4,
    HOLM_CONTROL_REPORT = 5,
    HOLM_CONTROL_DUMP = 6, /* seed, heroes */
    HOLM_CONTROL_QUIT = 7
};

struct holm_control {
    enum holm_control_type type;
    struct holm_letter letter;
    char text[HOLM_CONTROL_TEXT_BYTES_MAX + 1];
    uint64_t seed;
    uint32_t heroes;
};

/* Writes the line, without a newline, with a NUL. What is too long for its place is cut. */
void holm_control_print(const struct holm_control *control, char line[HOLM_CONTROL_LINE_BYTES_MAX]);

/* Reads a line without its newline. False when it is none of the above. */
bool holm_control_parse(const char *line, size_t size, struct holm_control *control);

#endif
