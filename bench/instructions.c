/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions, as the processor counts them for one thread; perf_event_open(2). Without privileges
 * the kernel allows it up to perf_event_paranoid 2; hypervisors often hide the counters.
 */
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bench/measure.h"

enum {
    UNTRIED = -2,
    MISSING = -1
};

static int counter = UNTRIED;
static const char *missing = "not tried yet";

static void open_counter(void)
{
    struct perf_event_attr event;
    memset(&event, 0, sizeof event);
    event.size = sizeof event;
    event.type = PERF_TYPE_HARDWARE;
    event.config = PERF_COUNT_HW_INSTRUCTIONS;
    event.exclude_kernel = 1;
    event.exclude_hv = 1;
    counter = (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    missing = counter < 0 ? strerror(errno) : NULL;
    if (counter < 0)
        counter = MISSING;
}

uint64_t measure_instructions(void)
{
    uint64_t count = 0;
    if (counter == UNTRIED)
        open_counter();
    if (counter == MISSING)
        return 0;
    measure_require(read(counter, &count, sizeof count) == sizeof count, "the counter is read");
    return count;
}

const char *measure_instructions_missing(void)
{
    (void)measure_instructions();
    return missing;
}
