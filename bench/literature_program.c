/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/literature.h"

int main(int argc, char **argv)
{
    return literature_main(argc, argv);
}
