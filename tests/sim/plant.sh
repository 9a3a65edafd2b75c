#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# plant.sh NAME SOURCE TARGET - the source with the bug NAME of canaries.list in it; as it is when that cannot be planted.

here=${0%/*}
awk -v list="$here/canaries.list" -v name="$1" -f "$here/../mutants/plant.awk" "$2" >"$3" && exit 0
echo "canary $1 cannot be planted in $2: its lines are not there" >&2
cp "$2" "$3"
