/* SPDX-License-Identifier: Apache-2.0 */
/*
 * island.h - one node of `holm bench --real`: a process that does what its stdin says, a line at a time.
 *
 *     down   load N                 put so many records
 *            mark                   figures count from here
 *            write US               from now on write every so many microseconds, on average
 *            drop NAME WAY MILLI    as holm_fault_drop(); WAY is 1 outgoing, 2 incoming, 3 both
 *            heal                   as holm_fault_heal()
 *            since NAME NS          what NAME wrote since then is expected here; 0: nothing is
 *            stop LAST              write no more, but once for LAST = 1; and seal
 *            report                 say what there is
 *            quit                   close the node and end
 *     up     A NODE EPOCH ADDRESS   who it is, and that it listens
 *            P PEERS                so many are up
 *            V HASH DIGEST NS       what it has applied, and shows, since then
 *            S US ...               how stale reads were of what came just now
 *            W KEY AMOUNT VALUE     it is about to add AMOUNT to KEY, or, when that is 0, to put VALUE
 *            T PART NODE EPOCH SEQ  that is done, and this is its dot
 *            B BYTES                received since the last such line
 *            E                      it has stopped, and all it wrote is sealed and in a V before
 *            C PART NODE EPOCH SEQ  its report: what its vector covers, an entry a line,
 *            K KEY PUT VALUE ADDED SUM          each key that a writer wrote, as it is read,
 *            R ...                  and enum holm_island_figure, in this order
 *
 * W leaves the process before the write is made: what a process had written is known however it ends. At
 * the end of its stdin it ends. Seven of ten writes put a register under a key of its own ("n3-0042"), the
 * value being the time of the write; three add to a counter that all share ("c00000042"). Clocks are
 * CLOCK_MONOTONIC, one for all processes.
 */
#ifndef HOLM_BENCH_ISLAND_H
#define HOLM_BENCH_ISLAND_H

#include "bench/bench.h"

enum holm_island_figure {
    HOLM_ISLAND_OPERATIONS = 0,
    HOLM_ISLAND_CHANGES = 1,
    HOLM_ISLAND_RECEIVED = 2,
    HOLM_ISLAND_PULLS = 3,
    HOLM_ISLAND_SYNCS = 4,
    HOLM_ISLAND_BREACHES = 5,
    HOLM_ISLAND_STATE_BYTES = 6,
    HOLM_ISLAND_USER_BYTES = 7,
    HOLM_ISLAND_RECORDS = 8,
    HOLM_ISLAND_CONTENT = 9, /* a sum over keys and values as they are read */
    HOLM_ISLAND_LOADED = 10, /* records that are as `load` writes them */
    HOLM_ISLAND_RUNS = 11,   /* of others that arrived since the mark, and those of them that */
    HOLM_ISLAND_AGAIN = 12,  /* were known before */
    HOLM_ISLAND_FIGURES = 13
};

/* argv: NAME SEEDS DICE STORE (a directory, or ""), after the command's own name. The exit status. */
int holm_island_main(int argc, char **argv);

#endif
