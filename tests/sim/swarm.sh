#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# swarm.sh PROGRAM SEEDS STUCK BLIND - plays the seeds 1 to SEEDS. All must hold; in at most STUCK of them may nobody be left who
# can go on, and at most BLIND may not be judged to the end: each of these is a seed of which less is said than of others.

set -eu
file=$(mktemp)
trap 'rm -f "$file"' EXIT
"$1" world --seeds "1..$2" --jobs 2 --json "$file"
for what in stuck:$3 blind:$4; do
    count=$(grep -c "\"${what%:*}\": true" "$file" || true)
    echo "${what%:*}: $count of at most ${what#*:}"
    [ "$count" -le "${what#*:}" ]
done
[ "$(grep -c '"holds": true' "$file")" -eq "$2" ]
