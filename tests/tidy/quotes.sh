#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# quotes.sh ROOT - each block of C in README.md stands, line by line, in one of the examples that the tests compile and
# run.

. "${0%/*}/common.sh"

check() {
    (cd "$1" && awk '
        FNR == 1 { file++ }
        FILENAME != "README.md" { example[file] = example[file] "\n" $0; next }
        /^```c$/ { inside = 1; block = ""; begun = FNR; next }
        /^```$/ && inside { inside = 0; blocks++; text[blocks] = block "\n"; at[blocks] = begun; next }
        inside { block = block "\n" $0 }
        END {
            for (b = 1; b <= blocks; b++) {
                found = 0
                for (f in example) if (index(example[f] "\n", text[b])) found = 1
                if (!found) print "README.md:" at[b] ": stands in none of docs/examples/*.c"
            }
        }' docs/examples/*.c README.md)
}

planted() {
    write tree/docs/examples/a.c 'int a;' '    int b;' '    int c;'
    write tree/README.md 'Text.' '```c' '    int b;' '    int c;' '```' '```sh' 'int x;' '```'
    offence clean '' "$scratch/tree"
    write tree/README.md '```c' '    int b;' '    int d;' '```'
    offence 'a line that is in no example' '^README.md:1: stands in none' "$scratch/tree"
    write tree/README.md '```c' 'int a;' '    int c;' '```'
    offence 'a line left out' '^README.md:1: stands in none' "$scratch/tree"
}

run "$@"
