#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# soak.sh PROGRAM - seeds of the world until stopped, others each time. ./dev soak world first=N time=SECONDS preset=NAME
# nodes=N choose; what fails is printed as a story, and a line for tests/sim/seeds.txt belongs to it.

set -eu
first=${HOLM_SOAK_FIRST:-$(date +%s)000000}
exec "$1" world --seeds "$first..$((first + 999999999))" --jobs "$(nproc 2>/dev/null || echo 2)" \
    ${HOLM_SOAK_TIME:+--time "$HOLM_SOAK_TIME"} ${HOLM_SOAK_PRESET:+--preset "$HOLM_SOAK_PRESET"} \
    ${HOLM_SOAK_NODES:+--nodes "$HOLM_SOAK_NODES"}
