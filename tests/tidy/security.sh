#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# security.sh ROOT - SECURITY.md claims what tests show: each test that it names is there.

. "${0%/*}/common.sh"

check() {
    [ -f "$1/SECURITY.md" ] || { echo "there is no SECURITY.md"; return; }
    named=$(grep -oE '\btest_[a-z0-9_]+' "$1/SECURITY.md" | LC_ALL=C sort -u)
    [ -n "$named" ] || echo "SECURITY.md names no test"
    for name in $named; do
        # Tests of a suite are listed by what follows the common beginning of their names.
        found=$(cd "$1" && grep -rlE "static void\$|static void .*\\b$name\\(|^$name\\(" tests --include='*.c' |
            xargs -r grep -lE "\\b$name\\(") || true
        [ -n "$found" ] || echo "SECURITY.md: there is no $name"
    done
    for name in $(grep -oE '`tidy\.[a-z_]+`' "$1/SECURITY.md" | tr -d '`' | LC_ALL=C sort -u); do
        grep -qE "holm_tidy\(${name#tidy.} " "$1/tests/tidy/CMakeLists.txt" || echo "SECURITY.md: there is no $name"
    done
}

# plant NAME EXPECTED TEXT
plant() {
    write tree/SECURITY.md "$3"
    write tree/tests/unit/a.c 'static void test_a_when_b_then_c(void **state)' '{' '}' 'static void' \
        'test_a_when_all_this_is_long_then_it_is_broken(' '    void **state)'
    write tree/tests/tidy/CMakeLists.txt 'holm_tidy(here here.sh)'
    offence "$1" "$2" "$scratch/tree"
}

planted() {
    plant clean '' 'All is well (`test_a_when_b_then_c`, `test_a_when_all_this_is_long_then_it_is_broken`, `tidy.here`).'
    plant missing 'there is no test_a_when_b_then_d' 'It holds (`test_a_when_b_then_d`, `test_a_when_b_then_c`).'
    plant prefix 'there is no test_a_when_b_then$' 'It holds (`test_a_when_b_then`).'
    plant tidy 'there is no tidy.gone' 'It holds (`test_a_when_b_then_c`, `tidy.gone`).'
    plant none 'names no test' 'It holds.'
}

run "$@"
