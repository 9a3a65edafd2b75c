/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world_cities.h - `holm world --cities N`: the cities of `holm sim` in a simulated world.
 *
 *     holm sim     parent - pipes - processes - nng          time is the system's
 *     here         parent - buffers - towns - sim/network    time is a number
 *
 * Parent, towns, lines, story, ledger and verdict are the same code; so an hour of city life takes
 * seconds, and a seed tells the same story to the last byte.
 */
#ifndef HOLM_CLI_WORLD_CITIES_H
#define HOLM_CLI_WORLD_CITIES_H

#include <stdbool.h>

/* Whether the command line of `holm world` asks for cities. */
bool holm_world_cities_asked(int argc, char **argv);

/* The sub-command, then. Returns the exit status, as `holm sim` has them. */
int holm_world_cities(int argc, char **argv);

#endif
