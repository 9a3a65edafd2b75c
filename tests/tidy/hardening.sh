#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# hardening.sh READELF WHAT FILE... - programs and shared libraries are built as the OpenSSF's guide asks: they can lie
# anywhere in memory, nothing is both writable and executable, the linker's tables are read-only before main() begins,
# stacks are guarded, no folder is searched for libraries. WHAT is `optimised` when calls of the C library are checked
# as well (_FORTIFY_SOURCE), otherwise `debug`.

. "${0%/*}/common.sh"

# expect FILE TEXT PATTERN WHY: TEXT has the pattern.
expect() {
    printf '%s\n' "$2" | grep -qE -- "$3" || echo "$1: $4"
}

# forbid FILE TEXT PATTERN WHY
forbid() {
    ! printf '%s\n' "$2" | grep -qE -- "$3" || echo "$1: $4"
}

check() {
    readelf=$1
    what=$2
    shift 2
    [ $# -gt 0 ] || echo "no files were given"
    for file in "$@"; do
        text=$("$readelf" -W -h -l -d -s -- "$file") || { echo "$file: readelf failed"; continue; }
        expect "$file" "$text" '^ *Type: +DYN ' 'not position independent'
        expect "$file" "$text" '^ *GNU_RELRO ' 'no RELRO'
        expect "$file" "$text" '\((FLAGS|FLAGS_1)\).*(BIND_NOW|NOW)' 'bound lazily: its tables stay writable'
        expect "$file" "$text" '^ *GNU_STACK .* RW +0x' 'an executable stack'
        forbid "$file" "$text" '^ *LOAD .* RWE ' 'a segment that is writable and executable'
        forbid "$file" "$text" '\(TEXTREL\)' 'code that is written to while it is loaded'
        forbid "$file" "$text" '\((RPATH|RUNPATH)\)' 'a folder that is searched for libraries'
        expect "$file" "$text" '__stack_chk_fail' 'no stack guard'
        [ "$what" = debug ] || expect "$file" "$text" '__[a-z]+_chk(@|$| )' 'no checked calls (_FORTIFY_SOURCE)'
    done
}

code='#include <stdio.h>
#include <string.h>
int main(int argc, char **argv) { char text[16]; int n = snprintf(text, sizeof text, "%d", argc);
    if (argc > 1) strcpy(text, argv[1]); return puts(text) + n; }'
good='-O2 -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-all -fPIE -pie -Wl,-z,relro,-z,now,-z,noexecstack'

# plant NAME EXPECTED FLAG...: a program that is well but for these flags.
plant() {
    plant_name=$1
    plant_expected=$2
    shift 2
    write source.c "$code"
    # shellcheck disable=SC2086
    "${CC:-cc}" $good "$@" -o "$scratch/program" "$scratch/source.c" 2>/dev/null
    offence "$plant_name" "$plant_expected" readelf optimised "$scratch/program"
}

planted() {
    plant clean ''
    plant fixed 'not position independent' -fno-pie -no-pie
    plant norelro 'no RELRO' -Wl,-z,norelro
    plant lazy 'bound lazily' -Wl,-z,lazy
    plant stack 'an executable stack' -Wl,-z,execstack
    plant unguarded 'no stack guard' -fno-stack-protector
    plant unchecked 'no checked calls' -U_FORTIFY_SOURCE
    plant searched 'is searched for libraries' -Wl,-rpath,/tmp
    plant runpath 'is searched for libraries' -Wl,-rpath,/tmp,--enable-new-dtags
    offence none 'no files' readelf optimised
}

run "$@"
