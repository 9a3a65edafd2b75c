/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/process/resources.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

size_t resources_descriptors(void)
{
    size_t count = 0;
    DIR *directory = opendir("/proc/self/fd");
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

size_t resources_descriptors_settled(size_t enough, double patience_s)
{
    size_t count = resources_descriptors();
    for (double waited_s = 0; count > enough && waited_s < patience_s; waited_s += 0.001) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        count = resources_descriptors();
    }
    return count;
}

size_t resources_resident_bytes(void)
{
    char line[100];
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    /* The second number; the first is the size. */
    char *rest = NULL;
    (void)strtoul(line, &rest, 10);
    unsigned long pages = strtoul(rest, NULL, 10);
    assert_true(pages > 0);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}
