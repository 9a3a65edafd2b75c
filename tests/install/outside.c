/* SPDX-License-Identifier: Apache-2.0 */
/* outside.c - the least that an embedder writes. */
#include <holm/holm.h>
#include <stdio.h>

int main(void)
{
    puts(holm_strerror(HOLM_OK));
    return 0;
}
