#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# mutants.sh ROOT - each bug of tests/mutants/*.list can be planted: its old lines stand in its file exactly once, its
# name is its own, and it names a test.

. "${0%/*}/common.sh"

plant=${0%/*}/../mutants/plant.awk

check() {
    cat "$1"/tests/mutants/*.list | awk '$1 == "@" && seen[$2]++ { print $2 ": twice" }'
    cat "$1"/tests/mutants/*.list | awk '$1 == "@" && NF < 4 { print $2 ": names no test" }'
    for list in "$1"/tests/mutants/*.list; do
        awk '$1 == "@" { print $2, $3 }' "$list" | while read -r name file; do
            [ -f "$1/$file" ] || { echo "$name: there is no $file"; continue; }
            status=0
            awk -v list="$list" -v name="$name" -f "$plant" "$1/$file" >/dev/null || status=$?
            case $status in
                0) ;;
                3) echo "$name: its lines are not in $file" ;;
                4) echo "$name: its lines are more than once in $file" ;;
                *) echo "$name: cannot be planted (status $status)" ;;
            esac
        done
    done
}

planted() {
    write tree/crdt/a.c 'if (a)' '    b();' 'c();' 'c();'
    write tree/tests/mutants/x.list '@ a.b crdt/a.c unit.a' '-if (a)' '-    b();' '+b();'
    offence clean '' "$scratch/tree"
    write tree/tests/mutants/x.list '@ a.b crdt/a.c unit.a' '-    b()' '+b();'
    offence 'half a line' '^a.b: its lines are not in crdt/a.c' "$scratch/tree"
    write tree/tests/mutants/x.list '@ a.b crdt/a.c unit.a' '-c();' '+d();'
    offence 'lines that stand twice' '^a.b: its lines are more than once' "$scratch/tree"
    write tree/tests/mutants/x.list '@ a.b crdt/b.c unit.a' '-c();' '+d();'
    offence 'a file that is gone' '^a.b: there is no crdt/b.c' "$scratch/tree"
    write tree/tests/mutants/x.list '@ a.b crdt/a.c unit.a' '+d();'
    offence 'nothing to replace' '^a.b: cannot be planted' "$scratch/tree"
    write tree/tests/mutants/x.list '@ a.b crdt/a.c' '-if (a)'
    offence 'a bug without a test' '^a.b: names no test' "$scratch/tree"
    write tree/tests/mutants/x.list '@ a.b crdt/a.c unit.a' '-if (a)' '@ a.b crdt/a.c unit.a' '-    b();'
    offence 'one name for two' '^a.b: twice' "$scratch/tree"
}

run "$@"
