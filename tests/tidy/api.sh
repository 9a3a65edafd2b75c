#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# api.sh ROOT - docs/API.md says of each function that a public header marks HOLM_API, once, what it costs and what it
# waits for; and of no other.

. "${0%/*}/common.sh"

marked() {
    for header in "$@"; do
        sed 's|/\*.*\*/||g' "$header" | awk '
            /\/\*/ { comment = 1 }
            !comment && /^[ \t]*#/ { continued = /\\$/; next }
            !comment && continued { continued = /\\$/; next }
            !comment { printf "%s ", $0 }
            /\*\// { comment = 0 }' | tr ';' '\n' | grep HOLM_API |
            sed -nE 's/^[^(]*[ *](holm_[a-z0-9_]+) ?\(.*/\1/p'
    done | LC_ALL=C sort -u
}

# Names in the first column of its tables, whose others are not empty.
listed() {
    awk -F '|' '/^\| `/ && $3 ~ /[a-z]/ && $4 ~ /[a-zA-Z]/ { print $2 }' "$1" | tr ',' '\n' |
        sed -nE 's/^ *`(holm_[a-z0-9_]+)` *$/\1/p' | LC_ALL=C sort
}

check() {
    work=$(mktemp -d)
    marked "$1"/include/holm/*.h >"$work/marked"
    listed "$1/docs/API.md" >"$work/listed"
    LC_ALL=C comm -23 "$work/marked" "$work/listed" | sed 's/$/: docs\/API.md does not say what it costs and waits for/'
    LC_ALL=C uniq "$work/listed" | LC_ALL=C comm -13 "$work/marked" - | sed 's/$/: in docs\/API.md, but in no public header/'
    LC_ALL=C uniq -d "$work/listed" | sed 's/$/: twice in docs\/API.md/'
    rm -r "$work"
}

planted() {
    tree=$scratch/tree
    write tree/include/holm/holm.h '#define HOLM_API' '/* HOLM_API int holm_in_a_comment(void); */' \
        'HOLM_API int' 'holm_open(int);' 'HOLM_API const char *holm_name(void);'
    write tree/docs/API.md '| call | waits | cost |' '|---|---|---|' '| `holm_open`, `holm_name` | no | O(1) |'
    offence clean '' "$tree"
    write tree/docs/API.md '| `holm_open` | no | O(1) |'
    offence 'not listed' '^holm_name: docs/API.md does not say' "$tree"
    write tree/docs/API.md '| `holm_open` | no | O(1) |' '| `holm_name` | no | |'
    offence 'without a cost' '^holm_name: docs/API.md does not say' "$tree"
    write tree/docs/API.md '| `holm_open`, `holm_name`, `holm_gone` | no | O(1) |'
    offence 'listed and gone' '^holm_gone: in docs/API.md, but' "$tree"
    write tree/docs/API.md '| `holm_open`, `holm_name` | no | O(1) |' '| `holm_open` | no | O(1) |'
    offence twice '^holm_open: twice' "$tree"
}

run "$@"
