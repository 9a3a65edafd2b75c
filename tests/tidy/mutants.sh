#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# mutants.sh ROOT - each bug of tests/mutants/*.list can be planted: its old lines stand in its file exactly once, its
# name is its own, and the tests that it names are made in some CMakeLists.txt.

. "${0%/*}/common.sh"

plant=${0%/*}/../mutants/plant.awk

check() {
    cat "$1"/tests/mutants/*.list | awk '$1 == "@" && seen[$2]++ { print $2 ": twice" }'
    cat "$1"/tests/mutants/*.list | awk '$1 == "@" && NF < 4 { print $2 ": names no test" }'
    made=$(find "$1/tests" -name CMakeLists.txt | xargs -r sed -nE \
        -e 's/^ *holm_test\(([a-z]+) ([a-z0-9_]+).*/\1.\2/p' -e 's/^ *holm_fuzz\(([a-z0-9_]+).*/fuzz.\1/p' \
        -e 's/^ *world_(test|scenario)\(([a-z0-9_]+).*/sim.\2/p' \
        -e 's/^ *add_test\(NAME ([a-z]+\.[a-z0-9_]+) .*/\1/p')
    cat "$1"/tests/mutants/*.list | awk -v made="$made" '
        BEGIN { count = split(made, test, "\n"); for (i = 1; i <= count; i++) is_made[test[i]] = 1 }
        $1 == "@" { for (i = 4; i <= NF; i++) if (!is_made[$i]) print $2 ": there is no test " $i }'
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
    write tree/tests/CMakeLists.txt 'holm_test(unit a SOURCES a.c)'
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
    write tree/tests/mutants/x.list '@ a.b crdt/a.c unit.a unit.b' '-if (a)'
    offence 'a test that is gone' '^a.b: there is no test unit.b' "$scratch/tree"
}

run "$@"
