#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# headers.sh CC INCLUDE - each public header compiles by itself, twice included, as strict C11 and, where there is a C++
# compiler (CXX or g++), as strict C++17; and what it declares can be called from C++.

. "${0%/*}/common.sh"

# compile HEADER COMPILER OPTION...: the first lines of what the compiler has to say, when it refuses.
compile() {
    compile_header=$1
    shift
    said=$(printf '#include <holm/%s>\n#include <holm/%s>\n' "$compile_header" "$compile_header" |
        "$@" -pedantic-errors -Wall -Wextra -Wundef -Werror -fsyntax-only - 2>&1) ||
        printf '%s: %s refuses it: %s\n' "$compile_header" "$1" "$(printf '%s' "$said" | head -n 3 | tr '\n' ' ')"
}

check() {
    cc=$1 include=$2
    cxx=${CXX:-g++}
    for path in "$include"/holm/*.h; do
        header=${path##*/}
        compile "$header" "$cc" -std=c11 "-I$include" -x c
        if command -v "$cxx" >/dev/null; then
            compile "$header" "$cxx" -std=c++17 "-I$include" -x c++
            grep -q '^HOLM_API' "$path" && ! grep -q '^extern "C" {' "$path" &&
                echo "$header: declares calls without extern \"C\""
        fi
    done
    return 0
}

# plant NAME LINE EXPECTED
plant() {
    rm -rf "$scratch/include"
    write include/holm/value.h '#ifndef V' '#define V' '#include <stdint.h>' 'struct v { uint64_t x; };' '#endif'
    [ -z "$2" ] || write include/holm/bad.h '#ifndef B' '#define B' "$2" '#endif'
    offence "$1" "$3" "${CC:-cc}" "$scratch/include"
}

planted() {
    plant clean '' ''
    plant 'a type from a header that is not included' 'uint64_t f(void);' '^bad.h: .*refuses'
    plant 'an extension' 'struct z { int n[0]; };' '^bad.h: .*refuses'
    write include/holm/bad.h 'struct twice { int x; };'
    offence 'no include guard' '^bad.h: .*refuses' "${CC:-cc}" "$scratch/include"
    command -v "${CXX:-g++}" >/dev/null || return 0
    plant 'C that is no C++' 'static inline int *f(void *p) { return p; }' '^bad.h: .*++'
    plant 'C linkage forgotten' 'HOLM_API int holm_f(void);' 'without extern'
}

run "$@"
