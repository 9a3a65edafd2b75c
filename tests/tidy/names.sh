#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# names.sh NM STATIC SHARED HEADER... - every external name of a library begins with holm_, and the shared one exports
# exactly the functions that one of the headers marks HOLM_API.

. "${0%/*}/common.sh"

marked() {
    cat "$@" | sed 's|/\*.*\*/||g' | awk '
        /\/\*/ { comment = 1 }
        !comment && /^[ \t]*#/ { continued = /\\$/; next }
        !comment && continued { continued = /\\$/; next }
        !comment { printf "%s ", $0 }
        /\*\// { comment = 0 }' | tr ';' '\n' | grep HOLM_API |
        sed -nE 's/^[^(]*[ *](holm_[a-z0-9_]+) ?\(.*/\1/p' | LC_ALL=C sort -u
}

check() {
    nm=$1 static=$2 shared=$3
    shift 3
    defined=$("$nm" -P -g --defined-only "$static") || echo "$nm failed on $static"
    printf '%s\n' "$defined" | awk 'NF > 1 && $1 !~ /^holm_/ && $1 !~ /^__(odr_)?asan/ {
        print $1 ": external in the library without the prefix holm_" }'
    work=$(mktemp -d)
    marked "$@" >"$work/marked"
    defined=$("$nm" -P -D --defined-only "$shared") || echo "$nm failed on $shared"
    printf '%s\n' "$defined" | awk '{ sub(/@.*/, "", $1); print $1 }' | LC_ALL=C sort -u >"$work/exported"
    LC_ALL=C comm -13 "$work/marked" "$work/exported" | sed 's/$/: exported, but no public header marks it HOLM_API/'
    LC_ALL=C comm -23 "$work/marked" "$work/exported" | sed 's/$/: marked HOLM_API, but the library does not export it/'
    rm -r "$work"
}

# plant NAME CODE HEADER EXPECTED
plant() {
    write include/holm/holm.h \
        '#define HOLM_API __attribute__((visibility("default")))' \
        '/* HOLM_API int holm_in_a_comment(void); */' \
        'HOLM_API int' 'holm_open(int);' "$3"
    write code.c '#include "include/holm/holm.h"' 'int holm_internal(void); int holm_internal(void) { return 1; }' \
        'int holm_open(int x) { return x + holm_internal(); }' "$2"
    rm -f "$scratch/code.a"
    "${CC:-cc}" -fPIC -fvisibility=hidden -c -o "$scratch/code.o" "$scratch/code.c"
    "${CC:-cc}" -shared -o "$scratch/code.so" "$scratch/code.o"
    ar rc "$scratch/code.a" "$scratch/code.o"
    offence "$1" "$4" nm "$scratch/code.a" "$scratch/code.so" "$scratch/include/holm/holm.h"
}

planted() {
    plant clean '' '' ''
    plant prefix 'int helper(void); int helper(void) { return 1; }' '' '^helper: external'
    plant leak '__attribute__((visibility("default"))) int holm_leak(void); int holm_leak(void) { return 1; }' '' \
        '^holm_leak: exported'
    plant missing '' 'HOLM_API const char *holm_promise(void);' '^holm_promise: marked'
}

run "$@"
