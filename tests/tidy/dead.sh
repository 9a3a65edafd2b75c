#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# dead.sh ROOT - every .c is named in a CMakeLists.txt, and every header is included by another file (public headers are
# for others to include).

. "${0%/*}/common.sh"

# The paths of all .c files that a CMakeLists.txt of the tree names, from the root of the tree.
named() {
    (cd "$1" && find . -name .git -prune -o -path ./build -prune -o -name CMakeLists.txt -print | xargs -r awk '
        FNR == 1 { folder = FILENAME; sub(/[^\/]*$/, "", folder) }
        {
            sub(/#.*/, "")
            count = split($0, word, /[ \t()"]+/)
            for (i = 1; i <= count; i++) {
                if (word[i] !~ /\.c$/) continue
                path = word[i]
                sub(/^\$\{CMAKE_CURRENT_SOURCE_DIR\}\//, "", path)
                if (!sub(/^\$\{PROJECT_SOURCE_DIR\}\//, "", path)) path = folder path
                while (sub(/[^\/.][^\/]*\/\.\.\//, "", path)) continue
                sub(/^\.\//, "", path)
                print path
            }
        }') | LC_ALL=C sort -u
}

check() {
    named=$(named "$1")
    tree_files "$1" | grep '\.c$' | while IFS= read -r file; do
        case "
$named
" in
            *"
$file
"*) ;;
            *) echo "$file: in no CMakeLists.txt" ;;
        esac
    done
    included=$(cd "$1" && find . -name .git -prune -o -path ./build -prune -o -type f -name '*.[ch]' -print |
        xargs -r sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*"([^"]*)".*/\1/p'
        # Put before every source by the build.
        cat .cmake/*.cmake 2>/dev/null | sed -nE 's|.*-include "[^"/]*/([^"]*)".*|\1|p')
    tree_files "$1" | grep '\.h$' | grep -v '^include/' | while IFS= read -r file; do
        case "
$included
" in
            *"
$file
"* | *"
${file##*/}
"*) ;;
            *) echo "$file: no one includes it" ;;
        esac
    done
}

planted() {
    write tree/crdt/CMakeLists.txt 'holm_room(crdt SOURCES' '    vector.c' ')' '# dead.c'
    write tree/crdt/vector.c '#include "crdt/vector.h"'
    write tree/crdt/vector.h ''
    write tree/sim/CMakeLists.txt 'set(sources city/actor.c)'
    write tree/sim/city/actor.c ''
    write tree/tests/CMakeLists.txt 'holm_test(unit a SOURCES ../sim/a.c "${PROJECT_SOURCE_DIR}/sim/b.c")'
    write tree/sim/a.c ''
    write tree/sim/b.c ''
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
