#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dead.sh ROOT - every .c is named in the CMakeLists.txt of its folder or of one above it, and every header is included
# by another file (public headers are for others to include).

. "${0%/*}/common.sh"

named_above() {
    root=$1 file=$2
    folder=${file%/*}
    while :; do
        if [ -f "$root/$folder/CMakeLists.txt" ]; then
            below=${file#"$folder"/}
            grep -v '^[[:space:]]*#' "$root/$folder/CMakeLists.txt" |
                grep -qE "(^|[[:space:](/\"])$(printf '%s' "$below" | sed 's/[.]/\\./g')([[:space:])\"]|\$)" && return 0
        fi
        case $folder in */*) folder=${folder%/*} ;; *) return 1 ;; esac
    done
}

check() {
    tree_files "$1" | grep '\.c$' | while IFS= read -r file; do
        named_above "$1" "$file" || echo "$file: in no CMakeLists.txt"
    done
    included=$(cd "$1" && find . -name .git -prune -o -path ./build -prune -o -type f -name '*.[ch]' -print |
        xargs -r sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*/\1/p'
        # Put before every source by the build.
        cat .cmake/*.cmake 2>/dev/null | sed -nE 's|.*-include "[^"/]*/([^"]*)".*|\1|p')
    tree_files "$1" | grep '\.h$' | grep -v '^include/' | while IFS= read -r file; do
        printf '%s\n' "$included" | grep -qxF -e "$file" -e "${file##*/}" || echo "$file: no one includes it"
    done
}

planted() {
    write tree/crdt/CMakeLists.txt 'holm_room(crdt SOURCES' '    vector.c' ')' '# dead.c'
    write tree/crdt/vector.c '#include "crdt/vector.h"'
    write tree/crdt/vector.h ''
    write tree/sim/CMakeLists.txt 'set(sources city/actor.c)'
    write tree/sim/city/actor.c ''
    offence clean '' "$scratch/tree"
    write tree/crdt/dead.c ''
    offence 'a source that is not built' '^crdt/dead.c: in no' "$scratch/tree"
    rm "$scratch/tree/crdt/dead.c"
    write tree/crdt/tor.c ''
    offence 'a name that ends another' '^crdt/tor.c: in no' "$scratch/tree"
    rm "$scratch/tree/crdt/tor.c"
    write tree/crdt/dead.h ''
    offence 'a header that none includes' '^crdt/dead.h: no one' "$scratch/tree"
}

run "$@"
