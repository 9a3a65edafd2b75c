/* SPDX-License-Identifier: Apache-2.0 */
/*
 * resources.h - what this process holds of the machine, for tests that nothing may leak.
 */
#ifndef HOLM_TESTS_PROCESS_RESOURCES_H
#define HOLM_TESTS_PROCESS_RESOURCES_H

#include <stddef.h>

/* Open file descriptors. */
size_t resources_descriptors(void);

/* As above, once there are no more than `enough`, or after `patience_s`: nng closes what a stream
 * held in a thread of its own, soon. */
size_t resources_descriptors_settled(size_t enough, double patience_s);

size_t resources_resident_bytes(void);

#endif
