#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# purity.sh NM ALLOWED OBJECT... - what the objects need from outside themselves is on a short list.
#
# ALLOWED is an extended regular expression. No clock, no input or output and no libc allocator is on it, so none can
# creep into the core. Names that one of the objects defines are their own.

. "${0%/*}/common.sh"

check() {
    nm=$1
    allowed=$2
    shift 2
    [ $# -gt 0 ] || { echo "no objects were given"; return; }
    symbols=$("$nm" -P -- "$@") || { echo "$nm failed"; return; }
    printf '%s\n' "$symbols" | awk -v allowed="^($allowed)\$" '
        /:$/ { object = $0; sub(/:$/, "", object); sub(/.*\//, "", object); next }
        $2 == "U" || $2 == "w" || $2 == "v" { needed[$1] = needed[$1] " " object; next }
        { own[$1] = 1 }
        END {
            for (name in needed)
                if (!(name in own) && name !~ allowed)
                    printf "%s: needed by%s, and not on the list\n", name, needed[name]
        }' | LC_ALL=C sort
}

# plant NAME CODE EXPECTED
plant() {
    write source.c "$2"
    write other.c 'void holm_own(void); void holm_own(void) {}'
    "${CC:-cc}" -c -o "$scratch/source.o" "$scratch/source.c"
    "${CC:-cc}" -c -o "$scratch/other.o" "$scratch/other.c"
    offence "$1" "$3" nm 'mem(cpy|set)|_GLOBAL_OFFSET_TABLE_' "$scratch/source.o" "$scratch/other.o"
}

planted() {
    plant clean '#include <string.h>
        void holm_own(void); void f(void *a, void *b, unsigned long n) { memcpy(a, b, n); holm_own(); }' ''
    plant allocator '#include <stdlib.h>
        void *f(unsigned long n) { return malloc(n); }' '^malloc: needed by source.o'
    plant clock '#include <time.h>
        long f(void) { return (long)time(NULL); }' '^time: '
    plant output '#include <stdio.h>
        void f(int n) { printf("%d", n); }' '^printf: '
    plant upward 'void holm_node_wake(void); void f(void) { holm_node_wake(); }' '^holm_node_wake: '
    offence nothing 'no objects' nm 'x'
}

run "$@"
